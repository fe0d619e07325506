//! What stands between a packet and the packet that carries it.

use super::level::Level;
use super::shim;
use crate::wire::tunnel::ayiya::Ayiya;
use crate::wire::tunnel::capwap::{Capwap, Frame};
use crate::wire::tunnel::erspan::{self, Erspan};
use crate::wire::tunnel::geneve::Geneve;
use crate::wire::tunnel::gre::Gre;
use crate::wire::tunnel::gtp::{self, Gtp};
use crate::wire::tunnel::l2tp::L2tp;
use crate::wire::tunnel::teredo::Teredo;
use crate::wire::tunnel::vxlan::Vxlan;
use crate::wire::tunnel::{
    self, PROTOCOL_ETHER_IP, PROTOCOL_GRE, PROTOCOL_IPV4, PROTOCOL_IPV6, PROTOCOL_MPLS,
};
use crate::wire::{LinkType, ethernet};

/// A tunnel's header.
#[derive(Clone, Debug)]
pub(super) enum Carrier {
    /// None: IP in IP.
    Ip,
    /// With a key, perhaps.
    Gre(Option<u32>),
    /// The call's number.
    Pptp(u16),
    /// Which type: 1, 2 or 3; and the session.
    Erspan(u8, u16),
    /// The network.
    Vxlan(u32),
    /// The network.
    VxlanGpe(u32),
    /// The network.
    Geneve(u32),
    /// The tunnel.
    Gtp(u32),
    /// The length of the indications.
    Teredo(u16),
    /// The session.
    L2tp(u16),
    Capwap,
    Ayiya,
    /// None: a stack of labels comes first of what is within.
    Mpls,
    EtherIp,
}

impl Carrier {
    /// The UDP port that it is sent to, where it is sent over UDP.
    pub(super) fn port(&self) -> Option<u16> {
        match self {
            Self::Vxlan(_) => Some(tunnel::VXLAN_PORT),
            Self::VxlanGpe(_) => Some(tunnel::VXLAN_GPE_PORT),
            Self::Geneve(_) => Some(tunnel::GENEVE_PORT),
            Self::Gtp(_) => Some(tunnel::GTP_U_PORT),
            Self::Teredo(_) => Some(tunnel::TEREDO_PORT),
            Self::L2tp(_) => Some(tunnel::L2TP_PORT),
            Self::Capwap => Some(tunnel::CAPWAP_PORT),
            Self::Ayiya => Some(tunnel::AYIYA_PORT),
            Self::Ip | Self::Gre(_) | Self::Pptp(_) | Self::Erspan(..) | Self::Mpls | Self::EtherIp => None,
        }
    }

    /// The IP protocol number, where it is sent over IP.
    pub(super) fn protocol(&self, inner: &Level) -> u8 {
        match self {
            Self::Mpls => PROTOCOL_MPLS,
            Self::EtherIp => PROTOCOL_ETHER_IP,
            Self::Ip if inner.is_v6() => PROTOCOL_IPV6,
            Self::Ip => PROTOCOL_IPV4,
            _ => PROTOCOL_GRE,
        }
    }

    /// Puts it before `bytes`, which are those of `inner`.
    pub(super) fn wrap(&self, inner: &Level, bytes: &[u8]) -> Vec<u8> {
        [&self.header(inner, bytes.len())[..], bytes].concat()
    }

    fn header(&self, inner: &Level, len: usize) -> Vec<u8> {
        let protocol = match inner.link {
            LinkType::Ethernet => ethernet::BRIDGED,
            _ => inner.announced_by(),
        };
        let len = u16::try_from(len).unwrap_or(u16::MAX);
        let gre = Gre { version: 0, protocol, key: None, sequence: None, acknowledged: None };
        match self {
            Self::Ip | Self::Mpls => Vec::new(),
            Self::Gre(key) => Gre { key: *key, ..gre }.encode(),
            Self::Pptp(call) => {
                let key = Some(u32::from(len) << 16 | u32::from(*call));
                Gre { version: 1, protocol: ethernet::PPP, key, sequence: Some(1), ..gre }.encode()
            }
            Self::Erspan(1, _) => Gre { protocol: ethernet::ERSPAN, ..gre }.encode(),
            Self::Erspan(kind, session) => {
                let protocol = if *kind == 2 { ethernet::ERSPAN } else { ethernet::ERSPAN_3 };
                let header = Erspan { kind: *kind, vlan: 1, session: *session, frame: erspan::ETHERNET };
                [Gre { protocol, sequence: Some(1), ..gre }.encode(), header.encode()].concat()
            }
            Self::Vxlan(network) => Vxlan { network: *network, next: None }.encode().to_vec(),
            Self::VxlanGpe(network) => {
                let next = Some(shim::next_protocol(protocol));
                Vxlan { network: *network, next }.encode().to_vec()
            }
            Self::Geneve(network) => {
                // With one option, which says nothing.
                let header = Geneve { control: false, protocol, network: *network, len: 12 }.encode();
                [&header[..], &[0xff, 0xff, 0x01, 0]].concat()
            }
            Self::Gtp(tunnel) => {
                Gtp { kind: gtp::PACKET, len, tunnel: *tunnel, optional_len: 0 }.encode().to_vec()
            }
            Self::Teredo(len) => Teredo { len: *len }.encode(),
            Self::L2tp(session) => {
                let len = Some(len.saturating_add(8));
                L2tp { control: false, len, tunnel: 1, session: *session }.encode()
            }
            Self::Capwap => {
                let native = inner.link == LinkType::Ieee80211;
                let frame = if native { Frame::Ieee80211 } else { Frame::Ethernet };
                Capwap { len: 8, frame }.encode().to_vec()
            }
            Self::Ayiya => {
                let next = if inner.is_v6() { PROTOCOL_IPV6 } else { PROTOCOL_IPV4 };
                Ayiya { forward: true, next, len: 44 }.encode().to_vec()
            }
            Self::EtherIp => vec![0x30, 0],
        }
    }
}
