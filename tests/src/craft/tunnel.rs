//! What packets travel in: the headers of tunnels and links, by hand.
//!
//! Those that carry frames take a frame, those that carry IP take an IP packet;
//! all give what goes into the next layer out.

use std::net::{IpAddr, SocketAddr};

use super::{ethertype, ip, udp};

/// UDP port of VXLAN (RFC 7348).
pub const VXLAN_PORT: u16 = 4_789;
/// UDP port of GENEVE (RFC 8926).
pub const GENEVE_PORT: u16 = 6_081;
/// UDP port of GTP-U (3GPP TS 29.281).
pub const GTPU_PORT: u16 = 2_152;

/// UDP port of Teredo (RFC 4380).
pub const TEREDO_PORT: u16 = 3_544;

/// `EtherType` of an Ethernet frame within GRE, GENEVE and others.
const BRIDGED: u16 = 0x6558;

/// The `EtherType` of an IP packet.
pub fn ethertype_of(packet: &[u8]) -> u16 {
    if packet.first().is_some_and(|byte| byte >> 4 == 6) { ethertype::IPV6 } else { ethertype::IPV4 }
}

/// An IP packet that carries an IP packet (RFC 2003, RFC 2473, RFC 4213).
pub fn ip_in_ip(src: IpAddr, dst: IpAddr, packet: &[u8]) -> Vec<u8> {
    ip(src, dst, if ethertype_of(packet) == ethertype::IPV6 { 41 } else { 4 }, packet)
}

/// GRE (RFC 2784), with a key (RFC 2890) where there is one, around an IP
/// packet.
pub fn gre(src: IpAddr, dst: IpAddr, key: Option<u32>, packet: &[u8]) -> Vec<u8> {
    let mut made = vec![if key.is_some() { 0x20 } else { 0 }, 0];
    made.extend(ethertype_of(packet).to_be_bytes());
    made.extend(key.into_iter().flat_map(u32::to_be_bytes));
    made.extend(packet);
    ip(src, dst, 47, &made)
}

/// ERSPAN type II in GRE (draft-foschiano-erspan) around an Ethernet frame: a
/// session of 10 bits.
pub fn erspan(src: IpAddr, dst: IpAddr, session: u16, frame: &[u8]) -> Vec<u8> {
    // GRE with a sequence number; version 1 is what the draft calls type II.
    let mut made = vec![0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0];
    made.extend(session.to_be_bytes());
    made.extend([0; 4]);
    made.extend(frame);
    ip(src, dst, 47, &made)
}

/// ERSPAN type III in GRE around an Ethernet frame: a session of 10 bits.
pub fn erspan_3(src: IpAddr, dst: IpAddr, session: u16, frame: &[u8]) -> Vec<u8> {
    let mut made = vec![0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0];
    made.extend(session.to_be_bytes());
    // A time stamp, and no subheader of a platform after it.
    made.extend([0; 8]);
    made.extend(frame);
    ip(src, dst, 47, &made)
}

/// Teredo around an IPv6 packet.
pub fn teredo(src: SocketAddr, dst: IpAddr, packet: &[u8]) -> Vec<u8> {
    udp(src, SocketAddr::new(dst, TEREDO_PORT), packet)
}

/// VXLAN around an Ethernet frame; a network number of 24 bits.
pub fn vxlan(src: SocketAddr, dst: IpAddr, network: u32, frame: &[u8]) -> Vec<u8> {
    let mut made = vec![0x08, 0, 0, 0];
    made.extend((network << 8).to_be_bytes());
    made.extend(frame);
    udp(src, SocketAddr::new(dst, VXLAN_PORT), &made)
}

/// GENEVE without options around an Ethernet frame; a network number of 24
/// bits.
pub fn geneve(src: SocketAddr, dst: IpAddr, network: u32, frame: &[u8]) -> Vec<u8> {
    let mut made = vec![0, 0];
    made.extend(BRIDGED.to_be_bytes());
    made.extend((network << 8).to_be_bytes());
    made.extend(frame);
    udp(src, SocketAddr::new(dst, GENEVE_PORT), &made)
}

/// GTP-U around an IP packet: a message of type 255 for a tunnel endpoint.
pub fn gtpu(src: SocketAddr, dst: IpAddr, endpoint: u32, packet: &[u8]) -> Vec<u8> {
    let mut made = vec![0x30, 0xff];
    made.extend(super::half(packet.len()));
    made.extend(endpoint.to_be_bytes());
    made.extend(packet);
    udp(src, SocketAddr::new(dst, GTPU_PORT), &made)
}

/// MPLS labels (RFC 3032), outermost first, around an IP packet: what follows
/// the `EtherType` 0x8847.
pub fn mpls(labels: &[u32], packet: &[u8]) -> Vec<u8> {
    let last = labels.len().saturating_sub(1);
    let entries = labels.iter().enumerate().map(|(place, label)| {
        let bottom = u32::from(place == last) << 8;
        (label << 12 | bottom | 64).to_be_bytes()
    });
    let mut made: Vec<u8> = entries.flatten().collect();
    made.extend(packet);
    made
}

/// A `PPPoE` session (RFC 2516) around an IP packet: what follows the
/// `EtherType` 0x8864.
pub fn pppoe(session: u16, packet: &[u8]) -> Vec<u8> {
    let protocol: u16 = if ethertype_of(packet) == ethertype::IPV6 { 0x0057 } else { 0x0021 };
    let mut made = vec![0x11, 0];
    made.extend(session.to_be_bytes());
    made.extend(super::half(2 + packet.len()));
    made.extend(protocol.to_be_bytes());
    made.extend(packet);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_their_standards() {
        let (src, dst): (IpAddr, IpAddr) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let packet = ip(src, dst, 253, &[9; 4]);
        let at = SocketAddr::new(src, 1);
        assert_eq!(gre(src, dst, Some(0x0102_0304), &packet)[20..28], [0x20, 0, 8, 0, 1, 2, 3, 4]);
        assert_eq!(gre(src, dst, None, &packet)[20..24], [0, 0, 8, 0]);
        assert_eq!(vxlan(at, dst, 0x00ab_cdef, b"f")[28..], [8, 0, 0, 0, 0xab, 0xcd, 0xef, 0, b'f']);
        assert_eq!(geneve(at, dst, 0x00ab_cdef, b"f")[28..], [0, 0, 0x65, 0x58, 0xab, 0xcd, 0xef, 0, b'f']);
        assert_eq!(gtpu(at, dst, 7, &packet)[28..36], [0x30, 0xff, 0, 24, 0, 0, 0, 7]);
        assert_eq!(mpls(&[16, 0xf_ffff], &[])[..], [0, 1, 0, 64, 0xff, 0xff, 0xf1, 64]);
        assert_eq!(pppoe(0x0203, &packet)[..8], [0x11, 0, 2, 3, 0, 26, 0, 0x21]);
        assert_eq!(ip_in_ip(src, dst, &packet)[9], 4);
        assert_eq!(
            erspan(src, dst, 5, b"f")[20..],
            [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 5, 0, 0, 0, 0, b'f']
        );
        assert_eq!(erspan_3(src, dst, 5, b"f")[28..], [0x20, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, b'f']);
        assert_eq!(teredo(at, dst, b"six")[22..26], [0x0d, 0xd8, 0, 11]);
    }
}
