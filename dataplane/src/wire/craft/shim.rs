//! What stands between a link header and a network header.

use super::level::Level;
use super::link;
use crate::wire::ethernet;
use crate::wire::link::cisco::{FabricPath, MetaData};
use crate::wire::link::extender::{ETag, VnTag};
use crate::wire::link::llc::Llc;
use crate::wire::link::macsec::{self, MacSec};
use crate::wire::link::mpls::Mpls;
use crate::wire::link::nsh::{self, Nsh};
use crate::wire::link::pbb::Pbb;
use crate::wire::vlan::Vlan;

/// One header, or a stack of labels.
#[derive(Clone, Debug)]
pub(super) enum Shim {
    /// The EtherType that announces it, and its TCI.
    Tag(u16, u16),
    /// Labels, outermost first.
    Mpls(Vec<u32>),
    /// An Ethernet header after labels, perhaps with a control word before it.
    Pseudowire {
        control_word: bool,
    },
    /// The session's number.
    Pppoe(u16),
    /// The length of the frame, and LLC with SNAP.
    Snap,
    /// The service's number.
    Pbb(u32),
    VnTag,
    /// Not encrypted, and without the value that signs it: what is within is
    /// followed by zeros.
    MacSec,
    ETag,
    FabricPath,
    /// The security group.
    MetaData(u16),
    /// The path.
    Nsh(u32),
}

impl Shim {
    /// What announces it.
    pub(super) fn ethertype(&self) -> u16 {
        match self {
            Self::Tag(ethertype, _) => *ethertype,
            Self::Mpls(_) => ethernet::MPLS,
            Self::Pseudowire { .. } | Self::Snap => 0,
            Self::Pppoe(_) => ethernet::PPPOE_SESSION,
            Self::Pbb(_) => ethernet::BACKBONE,
            Self::VnTag => ethernet::VN_TAG,
            Self::MacSec => ethernet::MACSEC,
            Self::ETag => ethernet::E_TAG,
            Self::FabricPath => ethernet::FABRIC_PATH,
            Self::MetaData(_) => ethernet::CISCO_METADATA,
            Self::Nsh(_) => ethernet::NSH,
        }
    }

    /// Puts it before what `ethertype` announces. Gives what announces the whole.
    pub(super) fn wrap(&self, level: &Level, ethertype: u16, inner: Vec<u8>) -> (u16, Vec<u8>) {
        let header = self.header(level, ethertype, inner.len());
        let mut bytes = [header, inner].concat();
        if let Self::MacSec = self {
            bytes.extend([0; macsec::CHECK_LEN]);
        }
        let announced_by = match self {
            // Without the length there would be no LLC to expect.
            Self::Snap => u16::try_from(bytes.len()).unwrap_or(0),
            _ => self.ethertype(),
        };
        (announced_by, bytes)
    }

    fn header(&self, level: &Level, ethertype: u16, len: usize) -> Vec<u8> {
        match self {
            Self::Tag(_, tci) => Vlan { tci: *tci, ethertype }.encode().to_vec(),
            Self::Mpls(labels) => label_stack(labels),
            Self::Pseudowire { control_word } => {
                let control = if *control_word { &[0; 4][..] } else { &[] };
                [control, &link::framed(level, ethertype)].concat()
            }
            Self::Pppoe(session) => link::pppoe(*session, ethertype, len),
            Self::Snap => Llc::snap(ethertype).encode(),
            Self::Pbb(service) => {
                let (src, dst) = level.macs;
                Pbb { flags: 0, service: *service, dst, src, ethertype }.encode().to_vec()
            }
            Self::VnTag => VnTag { bits: 0x000a_0000, ethertype }.encode().to_vec(),
            Self::MacSec => MacSec { ethertype: Some(ethertype), number: 1 }.encode(),
            Self::ETag => ETag { bits: [0x20, 0, 0x10, 5, 0, 0], ethertype }.encode().to_vec(),
            Self::FabricPath => {
                [&FabricPath { tree: 1, ttl: 32 }.encode()[..], &link::framed(level, ethertype)].concat()
            }
            Self::MetaData(group) => MetaData { group: *group, ethertype }.encode().to_vec(),
            Self::Nsh(path) => {
                let next = next_protocol(ethertype);
                Nsh { metadata: 2, next, path: *path, index: 255, len: 8 }.encode().to_vec()
            }
        }
    }
}

/// The labels' entries, the last of which says that it is the last.
pub(super) fn label_stack(labels: &[u32]) -> Vec<u8> {
    let last = labels.len().saturating_sub(1);
    let entry = |(place, label): (usize, &u32)| {
        Mpls { label: *label, class: 0, bottom: place == last, ttl: 64 }.encode()
    };
    labels.iter().enumerate().flat_map(entry).collect()
}

/// What NSH and VXLAN's extension call what this EtherType announces.
pub(super) const fn next_protocol(ethertype: u16) -> u8 {
    match ethertype {
        ethernet::IPV4 => nsh::IPV4,
        ethernet::IPV6 => nsh::IPV6,
        ethernet::NSH => nsh::NSH,
        ethernet::MPLS => nsh::MPLS,
        _ => nsh::ETHERNET,
    }
}
