//! A builder of whole packets, for tests, rule tests and measurements.
//!
//! Each layer is said once, in order; lengths and checksums are filled in when
//! the packet is built. A tunnel ([`Craft::gre`], [`Craft::vxlan`] and so on, or
//! an IP header after another) begins a packet within the packet: what is said
//! after it is about the inner one. It allocates and belongs on no hot path. It
//! makes sound packets only: a test that wants a lie changes a byte of the
//! result.

mod carrier;
mod download;
mod level;
mod link;
mod shim;
mod tunnels;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use carrier::Carrier;
pub use download::Download;
use level::{Level, Net, Transport};
use shim::Shim;

use super::arp::Arp;
use super::esp::Esp;
use super::ethernet;
use super::icmp::{self, Icmp};
use super::ipv4::Ipv4;
use super::ipv6::{self, Ipv6, Ipv6Fragment};
use super::sctp::Sctp;
use super::tcp::{Flags, Tcp, TcpOption};
use super::udp::Udp;
use super::vlan;
use super::{LinkType, Mac};

/// A packet in the making: `Craft::ethernet().ipv4(src, dst).udp(1, 2).build()`.
#[derive(Clone, Debug)]
#[must_use]
pub struct Craft {
    /// The packets that carry it, outermost first, each with the tunnel's header.
    carriers: Vec<(Level, Carrier)>,
    level: Level,
    /// Filled up with zeros to this length.
    len_min: usize,
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
        Self { carriers: Vec::new(), level: Level::new(link), len_min: 0 }
    }

    /// With these Ethernet addresses.
    pub fn macs(mut self, src: Mac, dst: Mac) -> Self {
        self.level.macs = (src, dst);
        self
    }

    /// With an 802.1Q tag (within those already said) for this VLAN.
    pub fn vlan(self, id: u16) -> Self {
        self.tag(vlan::CUSTOMER, id)
    }

    /// With a tag that `ethertype` announces: see [`vlan`].
    pub fn tag(mut self, ethertype: u16, tci: u16) -> Self {
        self.level.shims.push(Shim::Tag(ethertype, tci));
        self
    }

    /// With this EtherType, and the payload right after it.
    pub fn ethertype(mut self, ethertype: u16) -> Self {
        self.level.ethertype = ethertype;
        self
    }

    /// An ARP packet.
    pub fn arp(mut self, arp: Arp) -> Self {
        self.level.ethertype = ethernet::ARP;
        self.level.net = Net::Arp(arp);
        self
    }

    /// An IPv4 header: TTL 64, not to be fragmented. After another IP header: in
    /// a packet of its own within that one's.
    pub fn ipv4(self, src: impl Into<Ipv4Addr>, dst: impl Into<Ipv4Addr>) -> Self {
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
        self.network(ethernet::IPV4, Net::V4 { header, options: Vec::new(), extensions: Vec::new() })
    }

    /// An IPv6 header: hop limit 64. After another IP header: in a packet of its
    /// own within that one's.
    pub fn ipv6(self, src: impl Into<Ipv6Addr>, dst: impl Into<Ipv6Addr>) -> Self {
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
        self.network(ethernet::IPV6, Net::V6 { header, extensions: Vec::new() })
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
        match &mut self.level.net {
            Net::V4 { header, .. } => header.ttl = ttl,
            Net::V6 { header, .. } => header.hop_limit = ttl,
            Net::None | Net::Arp(_) => {}
        }
        self
    }

    /// Options of the IPv4 header said before; filled up to whole words.
    pub fn ip_options(mut self, bytes: &[u8]) -> Self {
        if let Net::V4 { options, .. } = &mut self.level.net {
            options.extend_from_slice(bytes);
            options.resize(options.len().next_multiple_of(4), 0);
        }
        self
    }

    /// An extension header after the IPv6 header said before, or an
    /// authentication header after the IPv4 header: its protocol number and all
    /// its bytes, the first of which is filled in.
    pub fn extension(mut self, protocol: u8, bytes: &[u8]) -> Self {
        if let Net::V4 { extensions, .. } | Net::V6 { extensions, .. } = &mut self.level.net {
            extensions.push((protocol, bytes.to_vec()));
        }
        self
    }

    /// Makes the IP packet a fragment; `offset` in units of 8 bytes. Transport
    /// header and payload are then this fragment's part, as they are said.
    pub fn fragment(mut self, id: u16, offset: u16, more: bool) -> Self {
        match &mut self.level.net {
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
        self.level.transport = Transport::Tcp(header, Vec::new());
        self
    }

    /// Options of the TCP header said before; filled up to whole words. Those
    /// that do not fit in its 40 bytes are left out.
    pub fn tcp_options(mut self, list: &[TcpOption<'_>]) -> Self {
        if let Transport::Tcp(_, options) = &mut self.level.transport {
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
        self.level.transport = Transport::Udp(Udp { src_port, dst_port, len: 0 });
        self
    }

    /// An SCTP common header; the payload is its chunks.
    pub fn sctp(mut self, src_port: u16, dst_port: u16, tag: u32) -> Self {
        self.level.transport = Transport::Sctp(Sctp { src_port, dst_port, tag });
        self
    }

    /// An ESP header; the payload is what is encrypted.
    pub fn esp(mut self, spi: u32, sequence: u32) -> Self {
        self.level.transport = Transport::Esp(Esp { spi, sequence });
        self
    }

    /// An echo request of the IP header's family.
    pub fn echo_request(self, id: u16, seq: u16) -> Self {
        let kind = if self.level.is_v6() { icmp::V6_ECHO_REQUEST } else { icmp::V4_ECHO_REQUEST };
        self.icmp(Icmp { kind, code: 0, id, seq })
    }

    /// An echo reply of the IP header's family.
    pub fn echo_reply(self, id: u16, seq: u16) -> Self {
        let kind = if self.level.is_v6() { icmp::V6_ECHO_REPLY } else { icmp::V4_ECHO_REPLY };
        self.icmp(Icmp { kind, code: 0, id, seq })
    }

    /// Any ICMP or ICMPv6 message, by the IP header's family.
    pub fn icmp(mut self, header: Icmp) -> Self {
        self.level.transport = Transport::Icmp(header);
        self
    }

    /// Any other IP protocol, whose bytes are the payload.
    pub fn protocol(mut self, protocol: u8) -> Self {
        self.level.transport = Transport::Raw(protocol);
        self
    }

    /// The payload.
    pub fn payload(mut self, bytes: &[u8]) -> Self {
        self.level.payload = bytes.to_vec();
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
        let mut bytes = self.level.build(&self.level.payload, None);
        let mut inner = &self.level;
        for (level, carrier) in self.carriers.iter().rev() {
            bytes = level.build(&carrier.wrap(inner, &bytes), Some(carrier.protocol(inner)));
            inner = level;
        }
        bytes.resize(bytes.len().max(self.len_min), 0);
        bytes
    }

    fn network(self, ethertype: u16, net: Net) -> Self {
        let mut craft = match self.level.net {
            Net::None | Net::Arp(_) => self,
            Net::V4 { .. } | Net::V6 { .. } => self.within(Carrier::Ip, LinkType::RawIp),
        };
        craft.level.ethertype = ethertype;
        craft.level.net = net;
        craft
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
