//! One packet of those that are nested in each other, from its link header to
//! its payload.

use super::link;
use super::shim::Shim;
use crate::wire::arp::Arp;
use crate::wire::checksum::{self, Sum};
use crate::wire::esp::{self, Esp};
use crate::wire::icmp::Icmp;
use crate::wire::ipv4::{self, Ipv4};
use crate::wire::ipv6::{self, Ipv6};
use crate::wire::sctp::{self, Sctp};
use crate::wire::tcp::{self, Tcp};
use crate::wire::udp::{self, Udp};
use crate::wire::{LinkType, Mac};

/// A packet, and what it carries itself.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) link: LinkType,
    pub(super) macs: (Mac, Mac),
    /// What stands between link and network header, outermost first.
    pub(super) shims: Vec<Shim>,
    pub(super) ethertype: u16,
    pub(super) net: Net,
    pub(super) transport: Transport,
    pub(super) payload: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(super) enum Net {
    None,
    Arp(Arp),
    V4 {
        header: Ipv4,
        options: Vec<u8>,
        /// Authentication headers: as for IPv6.
        extensions: Vec<(u8, Vec<u8>)>,
    },
    V6 {
        header: Ipv6,
        /// Protocol number and bytes; the first byte, which names the next
        /// header, is filled in.
        extensions: Vec<(u8, Vec<u8>)>,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Transport {
    None,
    /// No header of ours; the payload is this protocol's.
    Raw(u8),
    Tcp(Tcp, Vec<u8>),
    Udp(Udp),
    Icmp(Icmp),
    Sctp(Sctp),
    Esp(Esp),
}

impl Level {
    pub(super) fn new(link: LinkType) -> Self {
        Self {
            link,
            macs: (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2])),
            shims: Vec::new(),
            ethertype: 0,
            net: Net::None,
            transport: Transport::None,
            payload: Vec::new(),
        }
    }

    pub(super) fn is_v6(&self) -> bool {
        matches!(self.net, Net::V6 { .. })
    }

    /// All of its bytes around `payload`. Where it has no transport,
    /// `protocol` is what the payload is.
    pub(super) fn build(&self, payload: &[u8], protocol: Option<u8>) -> Vec<u8> {
        let protocol = self.protocol(protocol);
        let mut bytes = match &self.net {
            Net::None => payload.to_vec(),
            Net::Arp(arp) => arp.encode().to_vec(),
            Net::V4 { header, options, extensions } => {
                self.build_v4(*header, options, extensions, payload, protocol)
            }
            Net::V6 { header, extensions } => self.build_v6(*header, extensions, payload, protocol),
        };
        let mut ethertype = self.ethertype;
        for shim in self.shims.iter().rev() {
            (ethertype, bytes) = shim.wrap(self, ethertype, bytes);
        }
        let mut frame = link::header(self, ethertype, bytes.len());
        frame.append(&mut bytes);
        frame
    }

    /// What announces it where it has no link header.
    pub(super) fn announced_by(&self) -> u16 {
        self.shims.first().map_or(self.ethertype, Shim::ethertype)
    }

    fn build_v4(
        &self,
        header: Ipv4,
        options: &[u8],
        extensions: &[(u8, Vec<u8>)],
        payload: &[u8],
        protocol: u8,
    ) -> Vec<u8> {
        let (src, dst) = (header.src, header.dst);
        let pseudo = |protocol, len| Sum::new().pseudo_v4(src, dst, protocol, len);
        let (protocol, segment) = chain(extensions, protocol, self.segment(payload, protocol, pseudo));
        let header_len = ipv4::HEADER_LEN + options.len();
        let header = Ipv4 {
            protocol,
            header_len: u8::try_from(header_len).unwrap_or(60),
            total_len: u16::try_from(header_len + segment.len()).unwrap_or(0),
            ..header
        };
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(options);
        let checksum = checksum::of(&bytes);
        put(&mut bytes, 10, checksum);
        bytes.extend(segment);
        bytes
    }

    fn build_v6(&self, header: Ipv6, extensions: &[(u8, Vec<u8>)], payload: &[u8], protocol: u8) -> Vec<u8> {
        let (src, dst) = (header.src, header.dst);
        let pseudo = |protocol, len| Sum::new().pseudo_v6(src, dst, protocol, len);
        let (protocol, after) = chain(extensions, protocol, self.segment(payload, protocol, pseudo));
        let payload_len = u16::try_from(after.len()).unwrap_or(0);
        let mut bytes = Ipv6 { protocol, payload_len, ..header }.encode().to_vec();
        bytes.extend(after);
        bytes
    }

    fn protocol(&self, carried: Option<u8>) -> u8 {
        match self.transport {
            Transport::Tcp(..) => ipv4::TCP,
            Transport::Udp(_) => ipv4::UDP,
            Transport::Icmp(_) if self.is_v6() => ipv6::ICMP,
            Transport::Icmp(_) => ipv4::ICMP,
            Transport::Sctp(_) => sctp::PROTOCOL,
            Transport::Esp(_) => esp::PROTOCOL,
            Transport::Raw(protocol) => protocol,
            Transport::None => carried.unwrap_or(ipv6::NO_NEXT_HEADER),
        }
    }

    /// Transport header and payload; `pseudo` gives the sum to begin with.
    fn segment(&self, payload: &[u8], protocol: u8, pseudo: impl Fn(u8, usize) -> Sum) -> Vec<u8> {
        let (mut bytes, checksum_at) = match &self.transport {
            Transport::None | Transport::Raw(_) => return payload.to_vec(),
            Transport::Esp(header) => return [&header.encode(), payload].concat(),
            Transport::Sctp(header) => {
                let mut bytes = [&header.encode(), payload].concat();
                let checksum = sctp::checksum(&bytes).unwrap_or_default();
                bytes.iter_mut().skip(8).zip(checksum).for_each(|(slot, byte)| *slot = byte);
                return bytes;
            }
            Transport::Tcp(header, options) => {
                let header_len = u8::try_from(tcp::HEADER_LEN + options.len()).unwrap_or(60);
                let mut bytes = Tcp { header_len, ..*header }.encode().to_vec();
                bytes.extend_from_slice(options);
                (bytes, 16)
            }
            Transport::Udp(header) => {
                let len = u16::try_from(udp::HEADER_LEN + payload.len()).unwrap_or(0);
                (Udp { len, ..*header }.encode().to_vec(), 6)
            }
            Transport::Icmp(header) => (header.encode().to_vec(), 2),
        };
        bytes.extend_from_slice(payload);
        let plain = matches!(self.transport, Transport::Icmp(_)) && !self.is_v6();
        let sum = if plain { Sum::new() } else { pseudo(protocol, bytes.len()) };
        let checksum = sum.bytes(&bytes).finish();
        let is_udp = matches!(self.transport, Transport::Udp(_));
        put(&mut bytes, checksum_at, if is_udp { checksum::udp_on_wire(checksum) } else { checksum });
        bytes
    }
}

/// Puts extension headers before `segment`: each names the one after it, the
/// last names `protocol`. Gives what the IP header names.
fn chain(extensions: &[(u8, Vec<u8>)], protocol: u8, segment: Vec<u8>) -> (u8, Vec<u8>) {
    extensions.iter().rev().fold((protocol, segment), |(next, after), (protocol, extension)| {
        let mut bytes = extension.clone();
        if let Some(first) = bytes.first_mut() {
            *first = next;
        }
        bytes.extend(after);
        (*protocol, bytes)
    })
}

/// Writes a field of two bytes.
fn put(bytes: &mut [u8], at: usize, field: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&field.to_be_bytes());
    }
}
