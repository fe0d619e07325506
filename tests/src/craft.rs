//! Packets made by hand.
//!
//! Written apart from the product's own encoders and sharing no line with
//! them: what both get wrong alike would otherwise pass for right.

pub mod connection;
pub mod fragment;
pub mod tunnel;

use std::net::{IpAddr, SocketAddr};

use crate::lab::Side;

/// TCP flags by their place in the header.
pub mod flag {
    /// No more data.
    pub const FIN: u8 = 0x01;
    /// Synchronise.
    pub const SYN: u8 = 0x02;
    /// Over, at once.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 0x10;
}

/// The `EtherType`s that frames here are made with.
pub mod ethertype {
    /// IPv4.
    pub const IPV4: u16 = 0x0800;
    /// ARP.
    pub const ARP: u16 = 0x0806;
    /// IPv6.
    pub const IPV6: u16 = 0x86dd;
    /// 802.1Q: a customer's VLAN tag.
    pub const VLAN: u16 = 0x8100;
    /// 802.1ad: a provider's VLAN tag.
    pub const PROVIDER_VLAN: u16 = 0x88a8;
    /// MPLS, unicast.
    pub const MPLS: u16 = 0x8847;
    /// A `PPPoE` session.
    pub const PPPOE: u16 = 0x8864;
    /// Free for experiments: nobody speaks it.
    pub const EXPERIMENT: u16 = 0x88b5;
    /// LLDP.
    pub const LLDP: u16 = 0x88cc;
}

/// The address of every neighbour.
pub const BROADCAST: [u8; 6] = [0xff; 6];

/// The protocol number of TCP.
pub const TCP: u8 = 6;
/// The protocol number of UDP.
pub const UDP: u8 = 17;

/// An Ethernet frame.
pub fn ethernet(dst: [u8; 6], src: [u8; 6], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(14 + payload.len());
    frame.extend(dst);
    frame.extend(src);
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

/// An Ethernet frame with an IP packet, from one side of the lab to the other.
pub fn from_side(side: Side, packet: &[u8]) -> Vec<u8> {
    let ethertype =
        if packet.first().is_some_and(|byte| byte >> 4 == 6) { ethertype::IPV6 } else { ethertype::IPV4 };
    ethernet(side.other().mac(), side.mac(), ethertype, packet)
}

/// The frame with VLAN tags put in, outermost first: protocol (`EtherType`) and
/// tag control information.
#[must_use]
pub fn tagged(mut frame: Vec<u8>, tags: &[(u16, u16)]) -> Vec<u8> {
    let bytes = tags.iter().flat_map(|(protocol, control)| [protocol.to_be_bytes(), control.to_be_bytes()]);
    frame.splice(12..12, bytes.flatten().collect::<Vec<u8>>());
    frame
}

/// An ARP request for IPv4 over Ethernet.
pub fn arp_request(sender: ([u8; 6], [u8; 4]), target: [u8; 4]) -> Vec<u8> {
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 1];
    packet.extend(sender.0);
    packet.extend(sender.1);
    packet.extend([0; 6]);
    packet.extend(target);
    ethernet(BROADCAST, sender.0, ethertype::ARP, &packet)
}

/// A UDP datagram in an IP packet.
pub fn udp(src: SocketAddr, dst: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(src.port().to_be_bytes());
    segment.extend(dst.port().to_be_bytes());
    segment.extend(half(8 + payload.len()));
    segment.extend([0, 0]);
    segment.extend(payload);
    set_checksum(&mut segment, 6, src.ip(), dst.ip(), UDP);
    ip(src.ip(), dst.ip(), UDP, &segment)
}

/// The part of a TCP segment that changes from one to the next.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// See [`flag`].
    pub flags: u8,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Payload.
    pub payload: &'a [u8],
}

/// A TCP segment in an IP packet: a window of 65535, and in a SYN a maximum
/// segment size.
pub fn tcp(src: SocketAddr, dst: SocketAddr, part: Segment<'_>) -> Vec<u8> {
    let options: &[u8] = if part.flags & flag::SYN == 0 { &[] } else { &[2, 4, 0x05, 0xb4] };
    tcp_with(src, dst, part, u16::MAX, options)
}

/// A TCP segment in an IP packet, with a window as it stands in the header and
/// options of whole words.
pub fn tcp_with(src: SocketAddr, dst: SocketAddr, part: Segment<'_>, window: u16, options: &[u8]) -> Vec<u8> {
    assert_eq!(options.len() % 4, 0, "options fill whole words");
    let words = u8::try_from(5 + options.len() / 4).expect("options are short");
    let mut segment = Vec::new();
    segment.extend(src.port().to_be_bytes());
    segment.extend(dst.port().to_be_bytes());
    segment.extend(part.seq.to_be_bytes());
    segment.extend(part.ack.to_be_bytes());
    segment.extend([words << 4, part.flags]);
    segment.extend(window.to_be_bytes());
    segment.extend([0, 0, 0, 0]);
    segment.extend(options);
    segment.extend(part.payload);
    set_checksum(&mut segment, 16, src.ip(), dst.ip(), TCP);
    ip(src.ip(), dst.ip(), TCP, &segment)
}

/// An IP packet of the family of its addresses.
pub fn ip(src: IpAddr, dst: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            packet.extend([0x45, 0]);
            packet.extend(half(20 + payload.len()));
            // No identification, don't fragment, 64 hops.
            packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
            packet.extend(src.octets());
            packet.extend(dst.octets());
            let sum = checksum(&packet).to_be_bytes();
            packet[10..12].copy_from_slice(&sum);
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            packet.extend([0x60, 0, 0, 0]);
            packet.extend(half(payload.len()));
            packet.extend([protocol, 64]);
            packet.extend(src.octets());
            packet.extend(dst.octets());
        }
        _ => panic!("{src} and {dst} are of two families"),
    }
    packet.extend(payload);
    packet
}

/// The Internet checksum (RFC 1071).
pub fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("carries are folded in")
}

/// Writes the checksum of a transport segment, which covers a pseudo-header
/// (RFC 9293 section 3.1, RFC 8200 section 8.1), into its place.
fn set_checksum(segment: &mut [u8], at: usize, src: IpAddr, dst: IpAddr, protocol: u8) {
    let mut covered = Vec::new();
    for address in [src, dst] {
        match address {
            IpAddr::V4(address) => covered.extend(address.octets()),
            IpAddr::V6(address) => covered.extend(address.octets()),
        }
    }
    covered.extend([0, protocol]);
    covered.extend(half(segment.len()));
    covered.extend(&*segment);
    let sum = match checksum(&covered) {
        // Zero means "none" in UDP (RFC 768).
        0 => 0xffff,
        sum => sum,
    };
    segment[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

fn half(len: usize) -> [u8; 2] {
    u16::try_from(len).expect("packets are shorter than 64 KiB").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_a_datagram_that_others_have_made() {
        // From a capture of `dig` (Wireshark agrees with both checksums).
        let made = udp(
            "192.168.170.8:32795".parse().unwrap(),
            "192.168.170.20:53".parse().unwrap(),
            &[
                0x10, 0x32, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x67, 0x6f,
                0x6f, 0x67, 0x6c, 0x65, 0x03, 0x63, 0x6f, 0x6d, 0x00, 0x00, 0x10, 0x00, 0x01,
            ],
        );
        assert_eq!(made[26..28], [0x85, 0xed], "UDP checksum");
        assert_eq!(checksum(&made[..20]), 0, "IPv4 checksum");
    }

    #[test]
    fn sums_an_odd_number_of_bytes() {
        assert_eq!(checksum(&[0x12, 0x34, 0x56]), !(0x1234 + 0x5600));
    }

    #[test]
    fn puts_the_outermost_tag_first() {
        let plain = ethernet([1; 6], [2; 6], ethertype::IPV4, &[9]);
        let double = tagged(plain, &[(ethertype::PROVIDER_VLAN, 100), (ethertype::VLAN, 0x2007)]);
        assert_eq!(double[12..], [0x88, 0xa8, 0, 100, 0x81, 0, 0x20, 7, 8, 0, 9]);
    }
}
