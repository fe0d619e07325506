//! Answers that refuse a packet: TCP resets and ICMP unreachables.
//!
//! They are written into the caller's buffer ([`ANSWER_LEN_MAX`] is enough for
//! any), link header included, with the VLAN tags of the packet, and speak in
//! the name of the other end: the gateway has no address of its own.
//!
//! No answer is given (`None`) where the standards forbid one (RFC 9293 section
//! 3.10.7.1, RFC 1122 section 3.2.2, RFC 4443 section 2.4): to a reset, to an
//! ICMP error, to multicast or broadcast, to a fragment that is not the first.
//! Nor on links that only captures have, nor into a buffer that is too small.
//!
//! Nor to a packet in a tunnel, or behind labels, `PPPoE` and the like: the way
//! back has other labels, sessions and ends, which the packet does not tell.

use std::net::IpAddr;

use super::checksum::{self, Sum};
use super::ethernet;
use super::icmp::{self, Icmp};
use super::ipv4::{self, Ipv4};
use super::ipv6::{self, Ipv6};
use super::packet::{Net, Packet, Transport};
use super::tcp::{self, Flags, Tcp};
use super::vlan;

/// The longest answer: an ICMPv6 unreachable behind three VLAN tags.
pub const ANSWER_LEN_MAX: usize = ethernet::HEADER_LEN + 3 * vlan::TAG_LEN + V6_LEN_MAX;

/// The longest ICMP error, IP header included (RFC 1812 section 4.3.2.3).
const V4_LEN_MAX: usize = 576;
/// The longest ICMPv6 error, IP header included (RFC 4443 section 2.4).
const V6_LEN_MAX: usize = 1280;

/// ICMP code: communication administratively prohibited (RFC 1812 section 5.2.7.1).
const V4_PROHIBITED: u8 = 13;
/// ICMPv6 code: communication administratively prohibited (RFC 4443 section 3.1).
const V6_PROHIBITED: u8 = 1;

/// Precedence of ICMP errors, internetwork control (RFC 1812 section 4.3.2.5).
const ERROR_TOS: u8 = 0xc0;

/// Hops that an answer may take, as hosts send.
const HOPS: u8 = 64;

/// Whom an answer goes to; it speaks in the name of the other.
#[derive(Clone, Copy)]
enum Toward {
    Sender,
    Receiver,
}

/// A TCP reset toward the sender of a TCP packet, as a closed port would send it
/// (RFC 9293 section 3.10.7.1).
///
/// `bytes` is the frame that `packet` was decoded from. Gives the length of the
/// frame that it wrote at the start of `out`.
pub fn tcp_reset(packet: &Packet, bytes: &[u8], out: &mut [u8]) -> Option<usize> {
    let tcp = resettable(packet)?;
    let (seq, ack, flags) = if tcp.flags.contains(Flags::ACK) {
        (tcp.ack, 0, Flags::RST)
    } else {
        (0, tcp.seq.wrapping_add(sequence_len(packet, tcp)), Flags::RST | Flags::ACK)
    };
    let reset = Tcp {
        src_port: tcp.dst_port,
        dst_port: tcp.src_port,
        seq,
        ack,
        flags,
        window: 0,
        urgent: 0,
        header_len: 20,
    };
    write(packet, bytes, Toward::Sender, Body::Tcp(reset), out)
}

/// A TCP reset toward the receiver of a TCP packet, as if its sender gave up in
/// place of sending it.
///
/// Its sequence number is that of the packet, which the receiver takes only
/// where the packet was the next in order (RFC 5961 section 3.2).
pub fn tcp_reset_onward(packet: &Packet, bytes: &[u8], out: &mut [u8]) -> Option<usize> {
    let tcp = resettable(packet)?;
    let acknowledges = tcp.flags & Flags::ACK;
    let ack = if acknowledges.is_empty() { 0 } else { tcp.ack };
    let reset = Tcp { ack, flags: Flags::RST | acknowledges, window: 0, urgent: 0, header_len: 20, ..tcp };
    write(packet, bytes, Toward::Receiver, Body::Tcp(reset), out)
}

/// An ICMP or ICMPv6 unreachable (administratively prohibited) toward the
/// sender of an IP packet, quoting as much of it as the standards allow.
///
/// `bytes` is the frame that `packet` was decoded from. Gives the length of the
/// frame that it wrote at the start of `out`.
pub fn icmp_unreachable(packet: &Packet, bytes: &[u8], out: &mut [u8]) -> Option<usize> {
    let error = Icmp { kind: icmp::V4_UNREACHABLE, code: V4_PROHIBITED, id: 0, seq: 0 };
    let datagram = bytes.get(packet.net_at as usize..)?;
    // The quote begins with the whole IP header, or nobody can match it.
    let first_transport_byte = bytes.get(packet.transport_at as usize..)?.first().copied();
    let (error, quote_max, datagram_len) = match packet.net {
        Net::V4(header) => {
            let answers_error = header.protocol == ipv4::ICMP
                && first_transport_byte.is_none_or(|kind| icmp::is_error(icmp::Version::V4, kind));
            if header.fragment_offset != 0 || answers_error {
                return None;
            }
            let len = if header.total_len == 0 { datagram.len() } else { usize::from(header.total_len) };
            (error, V4_LEN_MAX - ipv4::HEADER_LEN, len)
        }
        Net::V6(header) => {
            let answers_error = header.protocol == ipv6::ICMP
                && first_transport_byte.is_none_or(|kind| icmp::is_error(icmp::Version::V6, kind));
            // Behind an extension header that was not walked through there may
            // be an ICMPv6 error.
            if header.fragment.is_some_and(|fragment| fragment.offset != 0)
                || ipv6::is_extension(header.protocol)
                || answers_error
            {
                return None;
            }
            let error = Icmp { kind: icmp::V6_UNREACHABLE, code: V6_PROHIBITED, ..error };
            let len = match header.payload_len {
                0 => datagram.len(),
                len => ipv6::HEADER_LEN + usize::from(len),
            };
            (error, V6_LEN_MAX - ipv6::HEADER_LEN, len)
        }
        Net::None | Net::Arp(_) => return None,
    };
    let quote_len = datagram_len.min(quote_max - icmp::HEADER_LEN).min(datagram.len());
    write(packet, bytes, Toward::Sender, Body::Icmp(error, datagram.get(..quote_len)?), out)
}

/// The TCP header of a packet that may be answered by a reset.
fn resettable(packet: &Packet) -> Option<Tcp> {
    match packet.transport {
        Transport::Tcp(tcp) if !tcp.flags.contains(Flags::RST) => Some(tcp),
        _ => None,
    }
}

/// How many sequence numbers the packet takes: its payload as it was on the
/// wire, SYN, and FIN.
fn sequence_len(packet: &Packet, tcp: Tcp) -> u32 {
    let payload_len = packet
        .segment_wire_len()
        .and_then(|len| u32::try_from(len).ok())
        .and_then(|len| len.checked_sub(tcp.header_len.into()))
        .unwrap_or(packet.payload_len);
    let flags = (tcp.flags & (Flags::SYN | Flags::FIN)).bits().count_ones();
    payload_len.wrapping_add(flags)
}

/// What an answer carries in its IP datagram.
enum Body<'a> {
    Tcp(Tcp),
    /// With the quoted datagram.
    Icmp(Icmp, &'a [u8]),
}

/// Writes the whole frame.
fn write(packet: &Packet, bytes: &[u8], toward: Toward, body: Body<'_>, out: &mut [u8]) -> Option<usize> {
    if !is_between_single_hosts(packet) || !is_plain(packet) {
        return None;
    }
    let link_len = packet.net_at as usize;
    let ip_len = if matches!(packet.net, Net::V4(_)) { ipv4::HEADER_LEN } else { ipv6::HEADER_LEN };
    let body_len = match &body {
        Body::Tcp(_) => tcp::HEADER_LEN,
        Body::Icmp(_, quote) => icmp::HEADER_LEN + quote.len(),
    };
    let len = link_len + ip_len + body_len;
    // A driver in zero-copy mode may send what it is given, however short.
    let frame_len = if packet.macs.is_some() { len.max(ethernet::FRAME_LEN_MIN) } else { len };

    let frame = out.get_mut(..frame_len)?;
    let (link, rest) = frame.split_at_mut_checked(link_len)?;
    let (ip, rest) = rest.split_at_mut_checked(ip_len)?;
    let (segment, padding) = rest.split_at_mut_checked(body_len)?;
    write_link(bytes, toward, link)?;
    write_body(&body, segment)?;
    write_ip(packet, toward, &body, ip, segment)?;
    padding.fill(0);
    Some(frame_len)
}

/// Whether nothing but Ethernet and VLAN tags, or nothing at all, stands before
/// the packet.
fn is_plain(packet: &Packet) -> bool {
    let tags_len = usize::from(packet.vlans.count) * vlan::TAG_LEN;
    let link_len = if packet.macs.is_some() { ethernet::HEADER_LEN + tags_len } else { 0 };
    packet.tunnels.depth() == 0 && packet.net_at as usize == link_len
}

/// Whether the packet went from one host to one host, on the link and above
/// (RFC 1122 section 3.2.2).
fn is_between_single_hosts(packet: &Packet) -> bool {
    if packet.macs.is_some_and(|(src, dst)| src.is_group() || dst.is_group()) {
        return false;
    }
    let single = |address: IpAddr| {
        let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
        !(address.is_unspecified() || address.is_multicast() || broadcast)
    };
    packet.ip_pair().is_some_and(|(src, dst)| single(src) && single(dst) && !src.is_loopback())
}

/// The packet's own link header with its tags, addresses swapped where the
/// answer goes back.
fn write_link(bytes: &[u8], toward: Toward, link: &mut [u8]) -> Option<()> {
    link.copy_from_slice(bytes.get(..link.len())?);
    if let (Toward::Sender, Some((dst, rest))) = (toward, link.split_at_mut_checked(6)) {
        dst.swap_with_slice(rest.get_mut(..6)?);
    }
    Some(())
}

/// Header and quote, checksum zero.
fn write_body(body: &Body<'_>, segment: &mut [u8]) -> Option<()> {
    match body {
        Body::Tcp(tcp) => segment.copy_from_slice(&tcp.encode()),
        Body::Icmp(icmp, quote) => {
            let (header, quoted) = segment.split_at_mut_checked(icmp::HEADER_LEN)?;
            header.copy_from_slice(&icmp.encode());
            quoted.copy_from_slice(quote);
        }
    }
    Some(())
}

/// The IP header, and the checksum of `segment`, which it helps to make.
fn write_ip(
    packet: &Packet,
    toward: Toward,
    body: &Body<'_>,
    ip: &mut [u8],
    segment: &mut [u8],
) -> Option<()> {
    let (checksum_at, tos) = match body {
        Body::Tcp(_) => (16..18, 0),
        Body::Icmp(..) => (2..4, ERROR_TOS),
    };
    let sum = match packet.net {
        Net::V4(asked) => {
            let (src, dst) = match toward {
                Toward::Sender => (asked.dst, asked.src),
                Toward::Receiver => (asked.src, asked.dst),
            };
            let protocol = if matches!(body, Body::Tcp(_)) { ipv4::TCP } else { ipv4::ICMP };
            let header = Ipv4 {
                src,
                dst,
                protocol,
                ttl: HOPS,
                tos,
                // Never fragmented, and so in no need of an id (RFC 6864).
                id: 0,
                flags: Ipv4::DONT_FRAGMENT,
                fragment_offset: 0,
                total_len: u16::try_from(ip.len() + segment.len()).ok()?,
                header_len: 20,
            };
            ip.copy_from_slice(&header.encode());
            let checksum = checksum::of(ip);
            ip.get_mut(10..12)?.copy_from_slice(&checksum.to_be_bytes());
            match body {
                Body::Tcp(_) => Sum::new().pseudo_v4(src, dst, protocol, segment.len()),
                Body::Icmp(..) => Sum::new(),
            }
        }
        Net::V6(asked) => {
            let (src, dst) = match toward {
                Toward::Sender => (asked.dst, asked.src),
                Toward::Receiver => (asked.src, asked.dst),
            };
            let protocol = if matches!(body, Body::Tcp(_)) { ipv4::TCP } else { ipv6::ICMP };
            let header = Ipv6 {
                src,
                dst,
                protocol,
                hop_limit: HOPS,
                traffic_class: 0,
                flow_label: 0,
                payload_len: u16::try_from(segment.len()).ok()?,
                fragment: None,
            };
            ip.copy_from_slice(&header.encode());
            Sum::new().pseudo_v6(src, dst, protocol, segment.len())
        }
        Net::None | Net::Arp(_) => return None,
    };
    let checksum = sum.bytes(segment).finish();
    segment.get_mut(checksum_at)?.copy_from_slice(&checksum.to_be_bytes());
    Some(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;
    use crate::wire::checksum::Checksum;
    use crate::wire::craft::Craft;
    use crate::wire::{LinkType, Mac};

    const V4: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [198, 51, 100, 2]);
    const V6: (u128, u128) = (0x2001_0db8 << 96 | 1, 0x2001_0db8 << 96 | 2);

    type Answerer = fn(&Packet, &[u8], &mut [u8]) -> Option<usize>;

    fn decode(link: LinkType, bytes: &[u8]) -> Packet {
        let (packet, undecodable) = Packet::decode(link, bytes, u32::try_from(bytes.len()).unwrap());
        assert_eq!(undecodable, None);
        packet
    }

    /// The answer, decoded again and its checksums verified.
    fn answer_on(link: LinkType, answerer: Answerer, bytes: &[u8]) -> Option<(Packet, Vec<u8>)> {
        let mut out = [0xee; ANSWER_LEN_MAX];
        let len = answerer(&decode(link, bytes), bytes, &mut out)?;
        let answer = out[..len].to_vec();
        let packet = decode(link, &answer);
        let checksums = packet.checksums(&answer);
        assert_eq!(checksums.transport, Checksum::Ok);
        assert_ne!(checksums.ip, Checksum::Bad);
        Some((packet, answer))
    }

    fn answer(answerer: Answerer, bytes: &[u8]) -> Option<(Packet, Vec<u8>)> {
        answer_on(LinkType::Ethernet, answerer, bytes)
    }

    fn both() -> [Craft; 2] {
        [Craft::ethernet().ipv4(V4.0, V4.1), Craft::ethernet().ipv6(V6.0, V6.1)]
    }

    fn tcp(packet: &Packet) -> Tcp {
        let Transport::Tcp(tcp) = packet.transport else { unreachable!("{packet:?}") };
        tcp
    }

    #[test]
    fn a_syn_is_reset_as_a_closed_port_would() {
        for craft in both() {
            let syn = craft.vlan(10).vlan(20).tcp(1000, 80, Flags::SYN, u32::MAX, 77).payload(b"abc").build();
            let asked = decode(LinkType::Ethernet, &syn);
            let (packet, answer) = answer(tcp_reset, &syn).unwrap();
            let reset = tcp(&packet);
            assert_eq!((reset.seq, reset.ack, reset.flags), (0, 3, Flags::RST | Flags::ACK));
            assert_eq!(packet.ports(), Some((80, 1000)));
            assert_eq!(packet.ip_pair(), asked.ip_pair().map(|(src, dst)| (dst, src)));
            assert_eq!(packet.macs, asked.macs.map(|(src, dst)| (dst, src)));
            assert_eq!(packet.vlan_ids().collect::<Vec<_>>(), [10, 20]);
            assert_eq!(packet.payload_len, 0);
            assert_eq!(answer.len(), packet.payload_at as usize);
        }
    }

    #[test]
    fn no_answer_is_shorter_than_ethernet_allows() {
        let bytes = both()[0].clone().tcp(1, 2, Flags::SYN, 5, 0).build();
        let (packet, answer) = answer(tcp_reset, &bytes).unwrap();
        assert_eq!((answer.len(), packet.payload_len), (60, 0));
        assert_eq!(answer[54..], [0; 6], "and what was in the buffer is not sent");
    }

    #[test]
    fn an_acknowledging_segment_is_reset_at_its_acknowledgement() {
        for craft in both() {
            let bytes = craft.tcp(1000, 80, Flags::ACK | Flags::PSH, 100, 200).payload(b"abc").build();
            let reset = tcp(&answer(tcp_reset, &bytes).unwrap().0);
            assert_eq!((reset.seq, reset.ack, reset.flags), (200, 0, Flags::RST));
        }
    }

    #[test]
    fn the_receiver_is_reset_in_the_name_of_the_sender() {
        for craft in both() {
            let bytes = craft.tcp(1000, 80, Flags::ACK | Flags::PSH, 100, 200).payload(b"abc").build();
            let (packet, _) = answer(tcp_reset_onward, &bytes).unwrap();
            let asked = decode(LinkType::Ethernet, &bytes);
            let reset = tcp(&packet);
            assert_eq!((reset.seq, reset.ack, reset.flags), (100, 200, Flags::RST | Flags::ACK));
            assert_eq!((packet.ports(), packet.macs), (asked.ports(), asked.macs));
            assert_eq!(packet.ip_pair(), asked.ip_pair());
        }
        let syn = both()[0].clone().tcp(1, 2, Flags::SYN, 100, 77).build();
        let reset = tcp(&answer(tcp_reset_onward, &syn).unwrap().0);
        assert_eq!((reset.seq, reset.ack, reset.flags), (100, 0, Flags::RST));
    }

    #[test]
    fn a_segment_that_the_capture_cut_counts_in_full() {
        let bytes = Craft::raw().ipv4(V4.0, V4.1).tcp(1, 2, Flags::FIN, 100, 0).payload(&[0; 500]).build();
        let (packet, _) = Packet::decode(LinkType::RawIp, &bytes[..60], 540);
        let mut out = [0; 40];
        assert_eq!(tcp_reset(&packet, &bytes[..60], &mut out), Some(40));
        assert_eq!(tcp(&decode(LinkType::RawIp, &out)).ack, 100 + 500 + 1);
    }

    #[test]
    fn a_reset_is_never_answered() {
        for flags in [Flags::RST, Flags::RST | Flags::ACK] {
            let bytes = both()[0].clone().tcp(1, 2, flags, 5, 6).build();
            assert!(answer(tcp_reset, &bytes).is_none());
            assert!(answer(tcp_reset_onward, &bytes).is_none());
        }
        let udp = both()[0].clone().udp(1, 2).build();
        assert!(answer(tcp_reset, &udp).is_none());
    }

    #[test]
    fn unreachable_quotes_the_datagram_and_no_padding() {
        for (craft, kind, code) in both().into_iter().zip([(3, 13), (1, 1)]).map(|(c, (k, d))| (c, k, d)) {
            let bytes = craft.vlan(9).udp(1000, 53).payload(b"q").padded().build();
            let asked = decode(LinkType::Ethernet, &bytes);
            let (packet, answer) = answer(icmp_unreachable, &bytes).unwrap();
            let Transport::Icmp(icmp) = packet.transport else { unreachable!("{packet:?}") };
            assert_eq!((icmp.kind, icmp.code), (kind, code));
            assert_eq!(packet.ip_pair(), asked.ip_pair().map(|(src, dst)| (dst, src)));
            assert_eq!(packet.macs, asked.macs.map(|(src, dst)| (dst, src)));
            assert_eq!(packet.vlan_ids().collect::<Vec<_>>(), [9]);
            let end = (asked.payload_at + asked.payload_len) as usize;
            assert_eq!(packet.payload(&answer), &bytes[asked.net_at as usize..end]);
            assert_eq!(answer[packet.transport_at as usize + 4..][..4], [0; 4], "the unused field");
        }
    }

    #[test]
    fn unreachable_quotes_no_more_than_allowed() {
        for (craft, len) in both().into_iter().zip([576, 1280]) {
            let bytes = craft.udp(1, 2).payload(&[7; 1400]).build();
            assert_eq!(answer(icmp_unreachable, &bytes).unwrap().1.len(), 14 + len);
        }
    }

    #[test]
    fn raw_links_are_answered_without_padding_and_cooked_ones_not_at_all() {
        let raw = Craft::raw().ipv4(V4.0, V4.1).tcp(1, 2, Flags::SYN, 5, 0).build();
        assert_eq!(answer_on(LinkType::RawIp, tcp_reset, &raw).unwrap().1.len(), 40);
        for link in [LinkType::Sll, LinkType::Sll2, LinkType::Null, LinkType::Loop] {
            let bytes = Craft::link(link).ipv4(V4.0, V4.1).tcp(1, 2, Flags::SYN, 5, 0).build();
            assert!(answer_on(link, tcp_reset, &bytes).is_none(), "{link:?}");
        }
    }

    #[test]
    fn errors_are_not_answered_by_errors() {
        let error = |kind| Icmp { kind, code: 0, id: 0, seq: 0 };
        let [v4, v6] = both();
        for kind in [3, 4, 5, 11, 12] {
            assert!(answer(icmp_unreachable, &v4.clone().icmp(error(kind)).build()).is_none(), "{kind}");
        }
        for kind in [1, 2, 3, 4, 127, 137] {
            assert!(answer(icmp_unreachable, &v6.clone().icmp(error(kind)).build()).is_none(), "{kind}");
        }
        let first_of_error = v4.clone().fragment(1, 0, true).icmp(error(3)).build();
        assert!(answer(icmp_unreachable, &first_of_error).is_none());
        assert!(answer(icmp_unreachable, &v4.echo_request(1, 1).build()).is_some());
        assert!(answer(icmp_unreachable, &v6.echo_request(1, 1).build()).is_some());
    }

    #[test]
    fn only_the_first_fragment_is_answered() {
        for craft in both() {
            let first = craft.clone().fragment(1, 0, true).udp(1, 2).payload(&[0; 16]).build();
            assert!(answer(icmp_unreachable, &first).is_some());
            let later = craft.fragment(1, 3, false).udp(1, 2).payload(&[0; 16]).build();
            assert!(answer(icmp_unreachable, &later).is_none());
        }
        let hidden = Craft::ethernet()
            .ipv6(V6.0, V6.1)
            .fragment(1, 0, true)
            .extension(ipv6::DESTINATION, &[0; 8])
            .icmp(Icmp { kind: 1, code: 0, id: 0, seq: 0 })
            .build();
        assert!(answer(icmp_unreachable, &hidden).is_none(), "it may be an error");
    }

    #[test]
    fn what_was_for_many_or_from_nobody_is_not_answered() {
        let refused = |craft: Craft| {
            let udp = craft.clone().udp(1, 2).build();
            let syn = craft.tcp(1, 2, Flags::SYN, 5, 0).build();
            answer(icmp_unreachable, &udp).is_none() && answer(tcp_reset, &syn).is_none()
        };
        let v4 = |src, dst| Craft::ethernet().ipv4(src, dst);
        assert!(!refused(v4(V4.0, V4.1)));
        assert!(refused(v4(V4.0, [224, 0, 0, 251])));
        assert!(refused(v4(V4.0, [255; 4])));
        assert!(refused(v4([0; 4], V4.1)));
        assert!(refused(v4([127, 0, 0, 1], V4.1)));
        assert!(refused(v4([239, 1, 1, 1], V4.1)));
        assert!(refused(v4(V4.0, V4.1).macs(Mac([2; 6]), Mac([0xff; 6]))));
        assert!(refused(v4(V4.0, V4.1).macs(Mac([3; 6]), Mac([2; 6]))));
        assert!(refused(Craft::ethernet().ipv6(V6.0, 0xff02_u128 << 112 | 1)));
        assert!(refused(Craft::ethernet().ipv6(0, V6.1)));
    }

    #[test]
    fn a_small_buffer_gets_nothing() {
        let bytes = both()[0].clone().udp(1, 2).payload(&[7; 600]).build();
        let packet = decode(LinkType::Ethernet, &bytes);
        assert_eq!(icmp_unreachable(&packet, &bytes, &mut [0; 14 + 575]), None);
        assert_eq!(icmp_unreachable(&packet, &bytes, &mut [0; 14 + 576]), Some(14 + 576));
        assert_eq!(icmp_unreachable(&packet, &bytes[..20], &mut [0; 600]), None, "not its frame");
    }

    #[test]
    fn sctp_and_esp_are_refused_as_udp_is() {
        for craft in both() {
            for craft in
                [craft.clone().sctp(1000, 80, 9).payload(&[1; 20]), craft.esp(7, 8).payload(&[2; 40])]
            {
                let bytes = craft.build();
                let (packet, answer) = answer(icmp_unreachable, &bytes).unwrap();
                assert!(matches!(packet.transport, Transport::Icmp(Icmp { kind: 1 | 3, .. })));
                let quote = &answer[packet.payload_at as usize..];
                assert!(quote.starts_with(&bytes[14..]));
                assert!(tcp_reset(&decode(LinkType::Ethernet, &bytes), &bytes, &mut [0; 99]).is_none());
            }
        }
    }

    #[test]
    fn nothing_within_or_behind_anything_is_answered() {
        let syn = |craft: Craft| craft.ipv4(V4.0, V4.1).tcp(1000, 80, Flags::SYN, 1, 0).build();
        assert!(answer(tcp_reset, &syn(Craft::ethernet().vlan(1).vlan(2).vlan(3))).is_some());
        let carrier = || Craft::ethernet().ipv4(V4.0, V4.1);
        for craft in [
            carrier(),
            carrier().gre(None),
            carrier().vxlan(5),
            Craft::ethernet().mpls([16]),
            Craft::ethernet().vlan(3).pppoe(1),
            Craft::ethernet().snap(),
            Craft::ethernet().pbb(1),
        ] {
            let bytes = syn(craft.clone());
            assert!(answer(tcp_reset, &bytes).is_none(), "{craft:?}");
            assert!(answer(icmp_unreachable, &bytes).is_none(), "{craft:?}");
        }
        let raw = syn(Craft::raw().ipv6(V6.0, V6.1));
        assert!(answer_on(LinkType::RawIp, tcp_reset, &raw).is_none());
        let radio = syn(Craft::link(LinkType::Radiotap));
        assert!(answer_on(LinkType::Radiotap, tcp_reset, &radio).is_none());
    }
}
