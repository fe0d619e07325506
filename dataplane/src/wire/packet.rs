//! A decoded packet: from the link to the transport header, through whatever
//! tunnels there are: it is the innermost packet that decodes.
//!
//! It holds values and offsets, never a borrow, so that a whole burst can be
//! decoded first and its frames edited later. What is rarely asked (options,
//! checksums) is read from the bytes on demand.
//!
//! What always holds, also of a packet that does not decode to its end:
//! `net_at <= transport_at <= payload_at`, and `payload_at + payload_len` lies
//! within the bytes.

use std::net::IpAddr;

use super::checksum::{Checksum, Checksums, Sum};
use super::ipv6::{self, Extensions};
use super::sctp;
use super::tcp;
use super::{LinkType, Mac};

pub use super::arp::Arp;
pub use super::esp::Esp;
pub use super::icmp::Icmp;
pub use super::ipv4::Ipv4;
pub use super::ipv6::{Ipv6, Ipv6Fragment};
pub use super::sctp::Sctp;
pub use super::tcp::Tcp;
pub use super::tunnel::{Tunnel, Tunnels};
pub use super::udp::Udp;
pub use super::vlan::Vlans;

/// A packet decoded from the link layer to the transport layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// The Ethernet addresses, where the link has them: source, destination. In
    /// a tunnel that carries frames those of the frame, else those around it.
    pub macs: Option<(Mac, Mac)>,
    /// 802.1Q and 802.1ad tags, outermost first: TCI (priority, DEI, VLAN id).
    /// Where a packet in a tunnel has none of its own, those around it.
    pub vlans: Vlans,
    /// The last EtherType that was read, that of the network header where there
    /// is one; 0 where the link has none. Below 0x0600 it is the length of an
    /// 802.3 frame; after three tags it may announce a fourth.
    pub ethertype: u16,
    /// The tunnels around it.
    pub tunnels: Tunnels,
    /// The network layer.
    pub net: Net,
    /// The transport layer.
    pub transport: Transport,
    /// Byte offset of the network header within the frame.
    pub net_at: u32,
    /// Byte offset of the transport header within the frame; where the network
    /// layer is not decoded, that of the network header.
    pub transport_at: u32,
    /// Byte offset of the transport payload within the frame; where a layer is
    /// not decoded, that of the first byte that is not.
    pub payload_at: u32,
    /// Length of the transport payload in bytes, link padding excluded; of a
    /// packet that the capture has cut, what is left of it.
    pub payload_len: u32,
}

// A burst's packets stay in the L1 cache, beside the headers they came from.
const _: () = assert!(size_of::<Packet>() <= 160, "a decoded packet stays small");

/// The network layer of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)] // As words, tag and value are written as they were read: no shuffling of bytes.
pub enum Net {
    /// Nothing that we decode: see the packet's `ethertype`.
    #[default]
    None,
    /// ARP (RFC 826) for IPv4 over Ethernet.
    Arp(Arp),
    /// IPv4 (RFC 791).
    V4(Ipv4),
    /// IPv6 (RFC 8200).
    V6(Ipv6),
}

/// The transport layer of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Transport {
    /// None: not IP, nothing after the IP header, or not decodable.
    #[default]
    None,
    /// TCP (RFC 9293).
    Tcp(Tcp),
    /// UDP (RFC 768).
    Udp(Udp),
    /// ICMP (RFC 792) or ICMPv6 (RFC 4443): the network layer tells which.
    Icmp(Icmp),
    /// SCTP (RFC 9260).
    Sctp(Sctp),
    /// ESP (RFC 4303).
    Esp(Esp),
    /// Part of a fragmented datagram: its transport header is elsewhere or
    /// not to be trusted before reassembly.
    Fragment,
    /// Another protocol: its number is in the network layer.
    Other,
}

impl Packet {
    /// Whether it is IPv4 or IPv6.
    #[inline]
    pub const fn is_ip(&self) -> bool {
        matches!(self.net, Net::V4(_) | Net::V6(_))
    }

    /// Source and destination of the IP header.
    #[inline]
    pub fn ip_pair(&self) -> Option<(IpAddr, IpAddr)> {
        match self.net {
            Net::V4(header) => Some((header.src.into(), header.dst.into())),
            Net::V6(header) => Some((header.src.into(), header.dst.into())),
            Net::None | Net::Arp(_) => None,
        }
    }

    /// Source and destination port of TCP and UDP.
    #[inline]
    pub const fn ports(&self) -> Option<(u16, u16)> {
        match self.transport {
            Transport::Tcp(Tcp { src_port, dst_port, .. })
            | Transport::Udp(Udp { src_port, dst_port, .. }) => Some((src_port, dst_port)),
            _ => None,
        }
    }

    /// The IP protocol number, after any extension headers.
    #[inline]
    pub const fn protocol(&self) -> Option<u8> {
        match self.net {
            Net::V4(Ipv4 { protocol, .. }) | Net::V6(Ipv6 { protocol, .. }) => Some(protocol),
            Net::None | Net::Arp(_) => None,
        }
    }

    /// The VLAN ids, outermost first.
    #[inline]
    pub fn vlan_ids(&self) -> impl Iterator<Item = u16> + use<> {
        self.vlans.ids()
    }

    /// The transport payload in `bytes`, the frame that this was decoded from.
    #[inline]
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        part(bytes, self.payload_at, self.payload_len)
    }

    /// The TCP options in `bytes`, the frame that this was decoded from; none
    /// where it is not TCP.
    pub fn tcp_options<'a>(&self, bytes: &'a [u8]) -> tcp::Options<'a> {
        match self.transport {
            Transport::Tcp(header) => {
                header.options(part(bytes, self.transport_at, header.header_len.into()))
            }
            _ => tcp::Options::new(&[]),
        }
    }

    /// The packet that carries tunnel `index` (0 is the outermost), decoded as
    /// if nothing were inside it: its transport is UDP or
    /// [`Other`](Transport::Other), and its own tunnels are those around it.
    ///
    /// `link`, `bytes` and `wire_len` are what this packet was decoded from.
    /// `None` where there is no such tunnel, or its header is in no frame (see
    /// [`Tunnels::without_places`]).
    pub fn outer(&self, link: LinkType, bytes: &[u8], wire_len: u32, index: usize) -> Option<Self> {
        self.tunnels.place(index)?;
        let index = index - self.tunnels.displaced();
        Some(Self::decode_outer(link, bytes, wire_len, index))
    }

    /// The network and the transport layer of what carries the innermost
    /// tunnel, without the link before them; `bytes` and `wire_len` are what this
    /// packet was decoded from.
    pub(super) fn carrier(&self, bytes: &[u8], wire_len: u32) -> Option<Self> {
        let place = self.tunnels.place(self.tunnels.depth().checked_sub(1)?)?;
        let before = u32::try_from(place).ok()?;
        Some(Self::decode_outer(LinkType::RawIp, bytes.get(place..)?, wire_len.saturating_sub(before), 0))
    }

    /// Transport header and payload in `bytes`, as far as they are there.
    pub(super) fn segment<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        part(bytes, self.transport_at, self.payload_at - self.transport_at + self.payload_len)
    }

    /// How long transport header and payload were on the wire; `None` where the
    /// IP header does not say (see [`super::UNSEGMENTED_ABOVE`]).
    pub(super) fn segment_wire_len(&self) -> Option<usize> {
        let header_len = (self.transport_at - self.net_at) as usize;
        let total_len = match self.net {
            Net::V4(header) if header.total_len != 0 => usize::from(header.total_len),
            Net::V6(header) if header.payload_len != 0 => ipv6::HEADER_LEN + usize::from(header.payload_len),
            _ => return None,
        };
        match self.transport {
            Transport::Udp(Udp { len, .. }) if len != 0 => Some(usize::from(len)),
            _ => total_len.checked_sub(header_len),
        }
    }

    /// Verifies the checksums in `bytes`, the frame that this was decoded from.
    pub fn checksums(&self, bytes: &[u8]) -> Checksums {
        let net = bytes.get(self.net_at as usize..).unwrap_or_default();
        let ip = match self.net {
            Net::V4(header) => verified(
                net.get(..header.header_len.into()).map_or(Sum::new().field(1), |b| Sum::new().bytes(b)),
            ),
            _ => Checksum::Absent,
        };
        Checksums { ip, transport: self.transport_checksum(net, self.segment(bytes)) }
    }

    /// `net` begins at the network header, `segment` at the transport header.
    fn transport_checksum(&self, net: &[u8], segment: &[u8]) -> Checksum {
        let Some(protocol) = self.protocol() else { return Checksum::Absent };
        match self.transport {
            Transport::Tcp(_) | Transport::Icmp(_) => {}
            Transport::Udp(_) => match (self.net, segment) {
                (Net::V4(_), &[_, _, _, _, _, _, 0, 0, ..]) => return Checksum::Absent,
                (Net::V6(_), &[_, _, _, _, _, _, 0, 0, ..]) => return Checksum::Bad,
                _ => {}
            },
            Transport::Sctp(_) if self.segment_wire_len() == Some(segment.len()) => {
                return if sctp::is_intact(segment) { Checksum::Ok } else { Checksum::Bad };
            }
            Transport::Sctp(_) | Transport::Fragment => return Checksum::Unknown,
            Transport::None | Transport::Other | Transport::Esp(_) => return Checksum::Absent,
        }
        if self.segment_wire_len() != Some(segment.len()) {
            return Checksum::Unknown;
        }
        let len = segment.len();
        let pseudo = match (self.net, self.transport) {
            (Net::V4(_), Transport::Icmp(_)) => Sum::new(),
            (Net::V4(header), _) if header.is_under_way(net) => return Checksum::Unknown,
            (Net::V4(header), _) => Sum::new().pseudo_v4(header.src, header.dst, protocol, len),
            (Net::V6(header), _) => {
                let extensions = (self.transport_at - self.net_at) as usize;
                if let Some([_, _, _, _, _, _, next, ..]) = net.first_chunk::<{ ipv6::HEADER_LEN }>()
                    && let Some(extensions) = net.get(ipv6::HEADER_LEN..extensions)
                    && Extensions::new(*next, extensions).replace_an_address()
                {
                    return Checksum::Unknown;
                }
                Sum::new().pseudo_v6(header.src, header.dst, protocol, len)
            }
            (Net::None | Net::Arp(_), _) => return Checksum::Absent,
        };
        verified(pseudo.bytes(segment))
    }
}

/// What a sum over bytes and their own checksum says.
fn verified(sum: Sum) -> Checksum {
    if sum.finish() == 0 { Checksum::Ok } else { Checksum::Bad }
}

/// A part of a frame; nothing, where the frame is not the one it was meant for.
#[inline]
fn part(bytes: &[u8], at: u32, len: u32) -> &[u8] {
    bytes.get(at as usize..).and_then(|bytes| bytes.get(..len as usize)).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;
    use crate::wire::craft::Craft;
    use crate::wire::tcp::{Flags, TcpOption};

    const V4: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [198, 51, 100, 2]);
    const V6: (u128, u128) = (0x2001_0db8 << 96 | 1, 0x2001_0db8 << 96 | 2);

    fn v4() -> Craft {
        Craft::ethernet().ipv4(V4.0, V4.1)
    }

    fn v6() -> Craft {
        Craft::ethernet().ipv6(V6.0, V6.1)
    }

    fn decode(bytes: &[u8]) -> Packet {
        let (packet, undecodable) =
            Packet::decode(LinkType::Ethernet, bytes, u32::try_from(bytes.len()).unwrap());
        assert_eq!(undecodable, None);
        packet
    }

    fn checksums(bytes: &[u8]) -> (Checksum, Checksum) {
        let Checksums { ip, transport } = decode(bytes).checksums(bytes);
        (ip, transport)
    }

    #[test]
    fn what_is_not_ip_has_no_addresses_ports_or_protocol() {
        let packet = Packet::default();
        assert!(!packet.is_ip());
        assert_eq!((packet.ip_pair(), packet.ports(), packet.protocol()), (None, None, None));
        assert_eq!(packet.vlan_ids().count(), 0);
    }

    #[test]
    fn reads_options_and_payload_on_demand() {
        let options = [TcpOption::MaximumSegmentSize(1460), TcpOption::SackPermitted];
        let bytes = v4().tcp(1, 2, Flags::SYN, 5, 0).tcp_options(&options).payload(b"fast open").build();
        let packet = decode(&bytes);
        assert_eq!(packet.payload(&bytes), b"fast open");
        assert_eq!(packet.tcp_options(&bytes).map(Result::unwrap).collect::<Vec<_>>(), options);
        let udp = v4().udp(1, 2).build();
        assert_eq!(decode(&udp).tcp_options(&udp).count(), 0);
    }

    #[test]
    fn bytes_of_another_frame_give_nothing_and_no_panic() {
        let bytes = v6().tcp(1, 2, Flags::ACK, 5, 0).payload(b"payload").build();
        let packet = decode(&bytes);
        for len in 0..bytes.len() {
            assert!(packet.payload(&bytes[..len]).is_empty());
            assert_eq!(packet.checksums(&bytes[..len]).transport, Checksum::Unknown);
        }
    }

    #[test]
    fn verifies_every_checksum_and_sees_each_changed_byte() {
        let (ok, absent) = (Checksum::Ok, Checksum::Absent);
        for (ip, craft) in [(ok, v4()), (absent, v6())] {
            for craft in
                [craft.clone().tcp(1, 2, Flags::ACK, 5, 6), craft.clone().udp(1, 2), craft.echo_request(1, 2)]
            {
                let bytes = craft.payload(b"seven b").build();
                assert_eq!(checksums(&bytes), (ip, ok));
                for at in bytes.len() - 7..bytes.len() {
                    let mut bytes = bytes.clone();
                    bytes[at] ^= 0x10;
                    assert_eq!(checksums(&bytes), (ip, Checksum::Bad));
                }
            }
        }
        let mut bytes = v4().udp(1, 2).build();
        bytes[22] -= 1;
        assert_eq!(checksums(&bytes), (Checksum::Bad, ok), "the TTL is covered by the header's alone");
        bytes[22] += 1;
        bytes[29] ^= 1;
        assert_eq!(checksums(&bytes), (Checksum::Bad, Checksum::Bad), "an address is covered by both");
    }

    #[test]
    fn udp_goes_without_over_ipv4_alone() {
        let mut bytes = v4().udp(1, 2).payload(b"x").build();
        bytes[40..42].fill(0);
        assert_eq!(checksums(&bytes), (Checksum::Ok, Checksum::Absent));
        // Also where zero is what the sum over the rest comes to.
        let sum = v6().udp(1, 2).payload(&[0, 0]).build()[60..62].to_vec();
        let mut bytes = v6().udp(1, 2).payload(&sum).build();
        assert_eq!(bytes[60..62], [0xff, 0xff]);
        assert_eq!(checksums(&bytes), (Checksum::Absent, Checksum::Ok));
        bytes[60..62].fill(0);
        assert_eq!(checksums(&bytes), (Checksum::Absent, Checksum::Bad));
    }

    #[test]
    fn what_is_not_all_there_is_unknown() {
        let bytes = v4().udp(1, 2).payload(&[7; 40]).build();
        let wire_len = u32::try_from(bytes.len()).unwrap();
        let cut = &bytes[..60];
        let (packet, undecodable) = Packet::decode(LinkType::Ethernet, cut, wire_len);
        assert_eq!((undecodable, packet.payload_len), (None, 18));
        assert_eq!(packet.checksums(cut), Checksums { ip: Checksum::Ok, transport: Checksum::Unknown });
        let fragment = v4().fragment(1, 0, true).udp(1, 2).build();
        assert_eq!(checksums(&fragment), (Checksum::Ok, Checksum::Unknown));
        let other = v4().protocol(89).payload(b"ospf").build();
        assert_eq!(checksums(&other), (Checksum::Ok, Checksum::Absent));
    }

    #[test]
    fn an_address_that_is_not_the_final_one_is_unknown() {
        let routed = |segments_left| {
            v6().extension(ipv6::ROUTING, &[0, 0, 4, segments_left, 0, 0, 0, 0]).udp(1, 2).build()
        };
        assert_eq!(checksums(&routed(1)).1, Checksum::Unknown);
        assert_eq!(checksums(&routed(0)).1, Checksum::Ok);
        let loose = v4().ip_options(&[131, 7, 4, 192, 0, 2, 9]).udp(1, 2).build();
        assert_eq!(checksums(&loose), (Checksum::Ok, Checksum::Unknown));
    }
}
