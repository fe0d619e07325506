//! A builder of whole packets, for tests, rule tests and measurements.
//!
//! Each layer is said once, in order; lengths and checksums are filled in when
//! the packet is built. It allocates and belongs on no hot path. It makes sound
//! packets only: a test that wants a lie changes a byte of the result.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::arp::Arp;
use super::checksum::{self, Sum};
use super::ethernet::{self, Ethernet};
use super::icmp::{self, Icmp};
use super::ipv4::{self, Ipv4};
use super::ipv6::{self, Ipv6, Ipv6Fragment};
use super::null::{self, Null};
use super::sll::{Sll, Sll2};
use super::tcp::{self, Flags, Tcp, TcpOption};
use super::udp::{self, Udp};
use super::vlan::{self, Vlan};
use super::{LinkType, Mac};

/// A packet in the making: `Craft::ethernet().ipv4(src, dst).udp(1, 2).build()`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Craft {
    link: LinkType,
    macs: (Mac, Mac),
    /// The EtherType that announces each tag, and the tag's TCI.
    tags: Vec<(u16, u16)>,
    ethertype: u16,
    net: Net,
    transport: Transport,
    payload: Vec<u8>,
    /// Filled up with zeros to this length.
    len_min: usize,
}

#[derive(Clone, Debug)]
enum Net {
    None,
    Arp(Arp),
    V4 {
        header: Ipv4,
        options: Vec<u8>,
    },
    V6 {
        header: Ipv6,
        /// Protocol number and bytes; the first byte, which names the next
        /// header, is filled in.
        extensions: Vec<(u8, Vec<u8>)>,
    },
}

#[derive(Clone, Debug)]
enum Transport {
    None,
    /// No header of ours; the payload is this protocol's.
    Raw(u8),
    Tcp(Tcp, Vec<u8>),
    Udp(Udp),
    Icmp(Icmp),
}

impl Craft {
    /// Begins with an Ethernet header, from 02:00:00:00:00:01 to
    /// 02:00:00:00:00:02.
    pub fn ethernet() -> Self {
        Self::link(LinkType::Ethernet)
    }

    /// Begins with the IP header.
    pub fn raw() -> Self {
        Self::link(LinkType::RawIp)
    }

    /// Begins with the header of `link`; of one that is not decoded, with none.
    pub fn link(link: LinkType) -> Self {
        Self {
            link,
            macs: (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2])),
            tags: Vec::new(),
            ethertype: 0,
            net: Net::None,
            transport: Transport::None,
            payload: Vec::new(),
            len_min: 0,
        }
    }

    /// With these Ethernet addresses.
    pub fn macs(mut self, src: Mac, dst: Mac) -> Self {
        self.macs = (src, dst);
        self
    }

    /// With an 802.1Q tag (within those already said) for this VLAN.
    pub fn vlan(self, id: u16) -> Self {
        self.tag(vlan::CUSTOMER, id)
    }

    /// With a tag that `ethertype` announces: see [`vlan`].
    pub fn tag(mut self, ethertype: u16, tci: u16) -> Self {
        self.tags.push((ethertype, tci));
        self
    }

    /// With this EtherType, and the payload right after it.
    pub fn ethertype(mut self, ethertype: u16) -> Self {
        self.ethertype = ethertype;
        self
    }

    /// An ARP packet.
    pub fn arp(mut self, arp: Arp) -> Self {
        self.ethertype = ethernet::ARP;
        self.net = Net::Arp(arp);
        self
    }

    /// An IPv4 header: TTL 64, not to be fragmented.
    pub fn ipv4(mut self, src: impl Into<Ipv4Addr>, dst: impl Into<Ipv4Addr>) -> Self {
        let header = Ipv4 {
            src: src.into(),
            dst: dst.into(),
            protocol: 0,
            ttl: 64,
            tos: 0,
            id: 0,
            total_len: 0,
            header_len: 0,
            flags: Ipv4::DONT_FRAGMENT,
            fragment_offset: 0,
        };
        self.ethertype = ethernet::IPV4;
        self.net = Net::V4 { header, options: Vec::new() };
        self
    }

    /// An IPv6 header: hop limit 64.
    pub fn ipv6(mut self, src: impl Into<Ipv6Addr>, dst: impl Into<Ipv6Addr>) -> Self {
        let header = Ipv6 {
            src: src.into(),
            dst: dst.into(),
            protocol: 0,
            hop_limit: 64,
            traffic_class: 0,
            flow_label: 0,
            payload_len: 0,
            fragment: None,
        };
        self.ethertype = ethernet::IPV6;
        self.net = Net::V6 { header, extensions: Vec::new() };
        self
    }

    /// An IPv4 or IPv6 header; `None` where the addresses are of two families.
    pub fn ip(self, src: IpAddr, dst: IpAddr) -> Option<Self> {
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Some(self.ipv4(src, dst)),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Some(self.ipv6(src, dst)),
            _ => None,
        }
    }

    /// TTL or hop limit, of the IP header said before.
    pub fn ttl(mut self, ttl: u8) -> Self {
        match &mut self.net {
            Net::V4 { header, .. } => header.ttl = ttl,
            Net::V6 { header, .. } => header.hop_limit = ttl,
            Net::None | Net::Arp(_) => {}
        }
        self
    }

    /// Options of the IPv4 header said before; filled up to whole words.
    pub fn ip_options(mut self, bytes: &[u8]) -> Self {
        if let Net::V4 { options, .. } = &mut self.net {
            options.extend_from_slice(bytes);
            options.resize(options.len().next_multiple_of(4), 0);
        }
        self
    }

    /// An extension header after the IPv6 header said before: its protocol
    /// number and all its bytes, the first of which is filled in.
    pub fn extension(mut self, protocol: u8, bytes: &[u8]) -> Self {
        if let Net::V6 { extensions, .. } = &mut self.net {
            extensions.push((protocol, bytes.to_vec()));
        }
        self
    }

    /// Makes the IP packet a fragment; `offset` in units of 8 bytes. Transport
    /// header and payload are then this fragment's part, as they are said.
    pub fn fragment(mut self, id: u16, offset: u16, more: bool) -> Self {
        match &mut self.net {
            Net::V4 { header, .. } => {
                header.id = id;
                header.flags = if more { Ipv4::MORE_FRAGMENTS } else { 0 };
                header.fragment_offset = offset;
            }
            Net::V6 { extensions, .. } => {
                let fragment = Ipv6Fragment { id: id.into(), offset, more };
                extensions.push((ipv6::FRAGMENT, fragment.encode(0).to_vec()));
            }
            Net::None | Net::Arp(_) => {}
        }
        self
    }

    /// A TCP header with a window of 65535.
    pub fn tcp(mut self, src_port: u16, dst_port: u16, flags: Flags, seq: u32, ack: u32) -> Self {
        let header = Tcp { src_port, dst_port, seq, ack, flags, window: u16::MAX, urgent: 0, header_len: 0 };
        self.transport = Transport::Tcp(header, Vec::new());
        self
    }

    /// Options of the TCP header said before; filled up to whole words. Those
    /// that do not fit in its 40 bytes are left out.
    pub fn tcp_options(mut self, list: &[TcpOption<'_>]) -> Self {
        if let Transport::Tcp(_, options) = &mut self.transport {
            let mut room = [0; 40];
            let mut len = 0;
            for option in list {
                len += room.get_mut(len..).and_then(|room| option.encode(room)).unwrap_or(0);
            }
            *options = room.into_iter().take(len.next_multiple_of(4)).collect();
        }
        self
    }

    /// A UDP header.
    pub fn udp(mut self, src_port: u16, dst_port: u16) -> Self {
        self.transport = Transport::Udp(Udp { src_port, dst_port, len: 0 });
        self
    }

    /// An echo request of the IP header's family.
    pub fn echo_request(self, id: u16, seq: u16) -> Self {
        let kind = if self.is_v6() { icmp::V6_ECHO_REQUEST } else { icmp::V4_ECHO_REQUEST };
        self.icmp(Icmp { kind, code: 0, id, seq })
    }

    /// An echo reply of the IP header's family.
    pub fn echo_reply(self, id: u16, seq: u16) -> Self {
        let kind = if self.is_v6() { icmp::V6_ECHO_REPLY } else { icmp::V4_ECHO_REPLY };
        self.icmp(Icmp { kind, code: 0, id, seq })
    }

    /// Any ICMP or ICMPv6 message, by the IP header's family.
    pub fn icmp(mut self, header: Icmp) -> Self {
        self.transport = Transport::Icmp(header);
        self
    }

    /// Any other IP protocol, whose bytes are the payload.
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.transport = Transport::Raw(protocol);
        self
    }

    /// The payload.
    pub fn payload(mut self, bytes: &[u8]) -> Self {
        self.payload = bytes.to_vec();
        self
    }

    /// Fills the frame up with zeros to the shortest that Ethernet allows.
    pub fn padded(mut self) -> Self {
        self.len_min = ethernet::FRAME_LEN_MIN;
        self
    }

    /// The packet's bytes. A datagram beyond 65,535 bytes says that its length
    /// is 0, as BIG TCP does.
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = self.link_header();
        match &self.net {
            Net::None => bytes.extend_from_slice(&self.payload),
            Net::Arp(arp) => bytes.extend(arp.encode()),
            Net::V4 { header, options } => self.push_v4(*header, options, &mut bytes),
            Net::V6 { header, extensions } => self.push_v6(*header, extensions, &mut bytes),
        }
        bytes.resize(bytes.len().max(self.len_min), 0);
        bytes
    }

    fn is_v6(&self) -> bool {
        matches!(self.net, Net::V6 { .. })
    }

    fn link_header(&self) -> Vec<u8> {
        let first = self.tags.first().map_or(self.ethertype, |&(ethertype, _)| ethertype);
        let Mac([m0, m1, m2, m3, m4, m5]) = self.macs.0;
        let address = [m0, m1, m2, m3, m4, m5, 0, 0];
        let mut bytes = match self.link {
            LinkType::Ethernet => {
                let (src, dst) = self.macs;
                Ethernet { dst, src, ethertype: first }.encode().to_vec()
            }
            LinkType::Sll => Sll { packet_type: 0, device_type: 1, address_len: 6, address, protocol: first }
                .encode()
                .to_vec(),
            LinkType::Sll2 => Sll2 {
                protocol: first,
                interface: 1,
                device_type: 1,
                packet_type: 0,
                address_len: 6,
                address,
            }
            .encode()
            .to_vec(),
            LinkType::Null => self.family().encode().into_iter().rev().collect(),
            LinkType::Loop => self.family().encode().to_vec(),
            LinkType::RawIp | LinkType::Other(_) => Vec::new(),
        };
        if matches!(self.link, LinkType::Ethernet | LinkType::Sll | LinkType::Sll2) {
            for (place, &(_, tci)) in self.tags.iter().enumerate() {
                let ethertype = self.tags.get(place + 1).map_or(self.ethertype, |&(ethertype, _)| ethertype);
                bytes.extend(Vlan { tci, ethertype }.encode());
            }
        }
        bytes
    }

    fn family(&self) -> Null {
        let family = match self.net {
            Net::V4 { .. } => null::INET,
            Net::V6 { .. } => null::INET6_DARWIN,
            Net::None | Net::Arp(_) => 0,
        };
        Null { family }
    }

    fn push_v4(&self, header: Ipv4, options: &[u8], bytes: &mut Vec<u8>) {
        let (src, dst) = (header.src, header.dst);
        let segment = self.segment(|protocol, len| Sum::new().pseudo_v4(src, dst, protocol, len));
        let header_len = ipv4::HEADER_LEN + options.len();
        let header = Ipv4 {
            protocol: self.transport_protocol(),
            header_len: u8::try_from(header_len).unwrap_or(60),
            total_len: u16::try_from(header_len + segment.len()).unwrap_or(0),
            ..header
        };
        let mut encoded = header.encode().to_vec();
        encoded.extend_from_slice(options);
        let checksum = checksum::of(&encoded);
        put(&mut encoded, 10, checksum);
        bytes.extend(encoded);
        bytes.extend(segment);
    }

    fn push_v6(&self, header: Ipv6, extensions: &[(u8, Vec<u8>)], bytes: &mut Vec<u8>) {
        let (src, dst) = (header.src, header.dst);
        let segment = self.segment(|protocol, len| Sum::new().pseudo_v6(src, dst, protocol, len));
        // Each header names the one after it; the last names the transport.
        let mut after = Vec::new();
        let mut next = self.transport_protocol();
        for (protocol, extension) in extensions.iter().rev() {
            let mut extension = extension.clone();
            if let Some(first) = extension.first_mut() {
                *first = next;
            }
            after.splice(0..0, extension);
            next = *protocol;
        }
        after.extend(segment);
        let payload_len = u16::try_from(after.len()).unwrap_or(0);
        bytes.extend(Ipv6 { protocol: next, payload_len, ..header }.encode());
        bytes.extend(after);
    }

    fn transport_protocol(&self) -> u8 {
        match self.transport {
            Transport::Tcp(..) => ipv4::TCP,
            Transport::Udp(_) => ipv4::UDP,
            Transport::Icmp(_) if self.is_v6() => ipv6::ICMP,
            Transport::Icmp(_) => ipv4::ICMP,
            Transport::Raw(protocol) => protocol,
            Transport::None => ipv6::NO_NEXT_HEADER,
        }
    }

    /// Transport header and payload; `pseudo` gives the sum to begin with.
    fn segment(&self, pseudo: impl Fn(u8, usize) -> Sum) -> Vec<u8> {
        let (mut bytes, checksum_at) = match &self.transport {
            Transport::None | Transport::Raw(_) => return self.payload.clone(),
            Transport::Tcp(header, options) => {
                let header_len = u8::try_from(tcp::HEADER_LEN + options.len()).unwrap_or(60);
                let mut bytes = Tcp { header_len, ..*header }.encode().to_vec();
                bytes.extend_from_slice(options);
                (bytes, 16)
            }
            Transport::Udp(header) => {
                let len = u16::try_from(udp::HEADER_LEN + self.payload.len()).unwrap_or(0);
                (Udp { len, ..*header }.encode().to_vec(), 6)
            }
            Transport::Icmp(header) => (header.encode().to_vec(), 2),
        };
        bytes.extend_from_slice(&self.payload);
        let plain = matches!(self.transport, Transport::Icmp(_)) && !self.is_v6();
        let sum = if plain { Sum::new() } else { pseudo(self.transport_protocol(), bytes.len()) };
        let checksum = sum.bytes(&bytes).finish();
        let is_udp = matches!(self.transport, Transport::Udp(_));
        put(&mut bytes, checksum_at, if is_udp { checksum::udp_on_wire(checksum) } else { checksum });
        bytes
    }
}

/// Writes a field of two bytes.
fn put(bytes: &mut [u8], at: usize, field: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&field.to_be_bytes());
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;
    use crate::wire::Packet;
    use crate::wire::checksum::Checksum;

    /// The checksums are those that a sum by hand gives.
    #[test]
    fn builds_the_bytes_that_the_standards_ask_for() {
        let bytes = Craft::raw().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).udp(1, 2).payload(b"ab").build();
        let expected = [
            0x45, 0, 0, 30, 0, 0, 0x40, 0, 64, 17, 0x26, 0xcd, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2, 0, 10,
            0x8a, 0x72, b'a', b'b',
        ];
        assert_eq!(bytes, expected);
    }

    #[test]
    fn what_it_builds_decodes_with_good_checksums() {
        let v4 = Craft::ethernet().ipv4([192, 0, 2, 1], [198, 51, 100, 2]);
        let v6 = Craft::ethernet().ipv6(1, 2);
        for craft in [
            v4.clone().ip_options(&[148, 4, 0]),
            v4,
            v6.clone().extension(60, &[0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            v6,
        ] {
            let option = TcpOption::WindowScale(7);
            for craft in [
                craft.clone().tcp(1, 2, Flags::SYN, 3, 4).tcp_options(&[option]).payload(b"odd"),
                craft.clone().udp(1, 2).payload(b"odd"),
                craft.clone().echo_request(1, 2).payload(b"odd"),
                craft.clone().echo_reply(1, 2),
            ] {
                let bytes = craft.build();
                let (packet, undecodable) =
                    Packet::decode(LinkType::Ethernet, &bytes, u32::try_from(bytes.len()).unwrap());
                assert_eq!(undecodable, None);
                assert_eq!((packet.payload_at + packet.payload_len) as usize, bytes.len());
                let checksums = packet.checksums(&bytes);
                assert_ne!(checksums.ip, Checksum::Bad, "{craft:?}");
                assert_eq!(checksums.transport, Checksum::Ok, "{craft:?}");
            }
        }
    }

    #[test]
    fn addresses_of_two_families_make_no_packet() {
        let (v4, v6) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([0; 16]));
        assert!(Craft::raw().ip(v4, v6).is_none());
        assert!(Craft::raw().ip(v4, v4).is_some());
        assert!(Craft::raw().ip(v6, v6).is_some());
    }

    #[test]
    fn options_beyond_the_header_are_left_out() {
        let options = [TcpOption::Timestamps { value: 1, echo: 2 }; 5];
        let bytes =
            Craft::raw().ipv4([10; 4], [11; 4]).tcp(1, 2, Flags::ACK, 0, 0).tcp_options(&options).build();
        assert_eq!(bytes.len(), 20 + 60);
        let (packet, _) = Packet::decode(LinkType::RawIp, &bytes, 80);
        assert_eq!(packet.tcp_options(&bytes).count(), 4);
    }
}
