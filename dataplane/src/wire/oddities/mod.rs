//! What is odd about packets: those that do not decode, and those that do.
//!
//! The names and the circumstances are Suricata 7's, so that its rules of thumb
//! hold here too; where this is stricter or more lenient, the place says why.
//! Nothing here decides about a packet: an oddity is told, not judged.
//!
//! [`may_have`] runs on every packet and costs a few comparisons: the plain
//! packet (no options in the IP header, no extension headers, TCP with no
//! options or with nothing but a timestamp) is passed over. What it lets through
//! is looked at by [`find`], at leisure.

mod carriers;
mod extensions;
mod icmp;
mod igmp;
mod ip_options;
mod link;
mod protocol;
mod sctp;
mod tcp_options;
mod undecodable;

pub use undecodable::of_undecodable;

use super::ipv4::{self, Ipv4};
use super::ipv6::{self, Ipv6};
use super::packet::{Net, Transport};
use super::tunnel::Tunnel;
use super::{LinkType, Packet, arp, icmp as echo, tcp, udp};
use crate::anomaly::Anomaly;

/// Where oddities go, each at most once a packet.
type Found<'f> = &'f mut dyn FnMut(Anomaly);

/// Options that are nothing but a timestamp, aligned as RFC 7323 appendix A has
/// it: most segments of most connections.
const TIMESTAMP_ALONE: [u8; 4] = [1, 1, 8, 10];

/// Whether there can be anything odd about a packet that decodes; `bytes` is
/// what it was decoded from.
#[inline]
pub fn may_have(packet: &Packet, bytes: &[u8]) -> bool {
    let header_len = packet.transport_at.wrapping_sub(packet.net_at) as usize;
    let (plain_net, total_len) = match packet.net {
        Net::V4(header) => {
            (usize::from(header.header_len) == ipv4::HEADER_LEN, usize::from(header.total_len))
        }
        Net::V6(header) => {
            (header_len == ipv6::HEADER_LEN, ipv6::HEADER_LEN + usize::from(header.payload_len))
        }
        Net::Arp(arp) => return !is_usual_arp(arp.operation) || packet.tunnels.depth() > 0,
        Net::None => return true,
    };
    let plain_transport = match packet.transport {
        Transport::Tcp(header) => match usize::from(header.header_len) {
            tcp::HEADER_LEN => true,
            32 => {
                let options = (packet.transport_at as usize).saturating_add(tcp::HEADER_LEN);
                bytes.get(options..).is_some_and(|options| options.starts_with(&TIMESTAMP_ALONE))
            }
            _ => false,
        },
        Transport::Udp(header) => {
            total_len == header_len + usize::from(header.len) && !carriers::may_be_odd(header.dst_port)
        }
        Transport::Icmp(header) => is_echo(&packet.net, header.kind) && header.code == 0,
        Transport::Esp(_) | Transport::Fragment => true,
        Transport::None | Transport::Sctp(_) | Transport::Other => false,
    };
    let plain_link = packet.macs.is_none() || packet.net_at as usize == link::plain_net_at(packet);
    !(plain_net && plain_transport && plain_link) || packet.tunnels.depth() > 0
}

/// Tells what is odd about a packet that decodes, each thing once; `bytes` is
/// what it was decoded from, and `link` what they begin with.
///
/// What the capture has cut off is not held against the packet.
#[cold]
pub fn find(link: LinkType, packet: &Packet, bytes: &[u8], found: &mut impl FnMut(Anomaly)) {
    let mut told = [0_u64; Anomaly::ALL.len().div_ceil(64)];
    let mut once = |anomaly: Anomaly| {
        let number = anomaly as usize;
        if let Some(word) = told.get_mut(number / 64)
            && *word >> (number % 64) & 1 == 0
        {
            *word |= 1 << (number % 64);
            found(anomaly);
        }
    };
    link::find(link, packet, bytes, &mut once);
    find_around(packet, bytes, &mut once);
    find_net(packet, bytes, &mut once);
    find_transport(packet, bytes, &mut once);
}

/// In the headers that carry the packet.
fn find_around(packet: &Packet, bytes: &[u8], found: Found<'_>) {
    for (index, kind) in packet.tunnels.kinds().enumerate() {
        let net = packet.tunnels.place(index).and_then(|at| bytes.get(at..)).unwrap_or_default();
        if let Ok((header, payload)) = Ipv4::decode(net) {
            ip_options::find(options_of(&header, net), found);
            if kind == Tunnel::Gre && header.protocol == protocol::GRE {
                carriers::find_gre(payload, found);
            }
        } else if let Ok((header, payload)) = Ipv6::decode(net) {
            extensions::find(header.protocol, payload, found);
        }
    }
}

/// In the network header.
fn find_net(packet: &Packet, bytes: &[u8], found: Found<'_>) {
    let net = bytes.get(packet.net_at as usize..).unwrap_or_default();
    match packet.net {
        Net::V4(header) => ip_options::find(options_of(&header, net), found),
        Net::V6(_) => {
            if let Ok((header, payload)) = Ipv6::decode(net) {
                extensions::find(header.protocol, payload, found);
            }
            if matches!(packet.transport, Transport::None) && packet.payload_len > 0 {
                found(Anomaly::Ipv6DataAfterNoneHeader);
            }
        }
        Net::Arp(arp) if !is_usual_arp(arp.operation) => found(Anomaly::ArpUnsupportedOpcode),
        Net::Arp(_) | Net::None => {}
    }
}

fn options_of<'a>(header: &Ipv4, net: &'a [u8]) -> &'a [u8] {
    net.get(ipv4::HEADER_LEN..header.header_len.into()).unwrap_or_default()
}

/// In the transport header.
fn find_transport(packet: &Packet, bytes: &[u8], found: Found<'_>) {
    let segment = packet.segment(bytes);
    let is_cut = packet.segment_wire_len().is_some_and(|wire_len| wire_len > segment.len());
    match packet.transport {
        Transport::Tcp(header) => {
            let options = segment.get(tcp::HEADER_LEN..header.header_len.into());
            tcp_options::find(options.unwrap_or_default(), found);
        }
        Transport::Udp(header) => {
            // Receivers leave out what is beyond UDP's own length; so it can
            // carry what nobody is meant to see. Suricata 6 told it, 7 does not.
            if header.len != 0 && datagram_len(packet).is_some_and(|len| len > usize::from(header.len)) {
                found(Anomaly::UdpHlenInvalid);
            }
            carriers::find_over_udp(header.dst_port, packet.payload(bytes), found);
        }
        Transport::Icmp(header) => match packet.net {
            Net::V6(ip) => icmp::find_v6(header, ip.hop_limit, segment, is_cut, found),
            _ => icmp::find_v4(header, segment, is_cut, found),
        },
        Transport::Sctp(header) => sctp::find(header, packet.payload(bytes), is_cut, found),
        Transport::Other => match packet.net {
            Net::V4(header) => protocol::find_v4(header.protocol, segment, is_cut, found),
            Net::V6(header) => protocol::find_v6(header.protocol, found),
            Net::None | Net::Arp(_) => {}
        },
        Transport::None | Transport::Fragment | Transport::Esp(_) => {}
    }
}

/// How many bytes the IP header leaves for a UDP datagram; `None` where it does
/// not say.
fn datagram_len(packet: &Packet) -> Option<usize> {
    let header_len = packet.transport_at.checked_sub(packet.net_at)? as usize;
    match packet.net {
        Net::V4(header) if header.total_len != 0 => usize::from(header.total_len).checked_sub(header_len),
        Net::V6(header) if header.payload_len != 0 => {
            (ipv6::HEADER_LEN + usize::from(header.payload_len)).checked_sub(header_len)
        }
        _ => None,
    }
    .filter(|&len| len >= udp::HEADER_LEN)
}

/// ARP, and RARP, asking and answering.
const fn is_usual_arp(operation: u16) -> bool {
    matches!(operation, arp::REQUEST | arp::REPLY | 3 | 4)
}

const fn is_echo(net: &Net, kind: u8) -> bool {
    match net {
        Net::V6(_) => matches!(kind, echo::V6_ECHO_REQUEST | echo::V6_ECHO_REPLY),
        _ => matches!(kind, echo::V4_ECHO_REQUEST | echo::V4_ECHO_REPLY),
    }
}

#[cfg(test)]
mod tests;
