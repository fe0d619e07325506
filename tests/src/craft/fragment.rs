//! IP datagrams cut into fragments (RFC 791 section 3.2, RFC 8200 section 4.5).

use super::{checksum, half};

/// Length of an IPv4 header without options.
const V4_HEADER_LEN: usize = 20;
/// Length of an IPv6 header.
const V6_HEADER_LEN: usize = 40;
/// The protocol number of IPv6's fragment header.
const V6_FRAGMENT: u8 = 44;

/// One part of a datagram's payload.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Where it begins, in bytes; a multiple of 8.
    pub offset: usize,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Whether it says that more come after it.
    pub more: bool,
}

/// Cuts an IP packet (no options, no extension headers) into fragments that
/// carry at most `len_max` bytes each, a multiple of 8.
pub fn cut(packet: &[u8], id: u32, len_max: usize) -> Vec<Vec<u8>> {
    assert!(len_max.is_multiple_of(8) && len_max > 0, "fragments are cut at multiples of 8 bytes");
    let payload = &packet[header_len(packet)..];
    let parts = payload.chunks(len_max).enumerate().map(|(number, bytes)| {
        let offset = number * len_max;
        Part { offset, bytes, more: offset + bytes.len() < payload.len() }
    });
    parts.map(|part| fragment(packet, id, part)).collect()
}

/// A fragment under the header of `packet`.
pub fn fragment(packet: &[u8], id: u32, part: Part<'_>) -> Vec<u8> {
    assert!(part.offset.is_multiple_of(8), "fragments begin at multiples of 8 bytes");
    let eighths = u16::try_from(part.offset / 8).expect("offsets have 13 bits");
    let mut made = packet[..header_len(packet)].to_vec();
    if made[0] >> 4 == 4 {
        made[2..4].copy_from_slice(&half(V4_HEADER_LEN + part.bytes.len()));
        made[4..6].copy_from_slice(&u16::try_from(id).expect("IPv4 ids have 16 bits").to_be_bytes());
        made[6..8].copy_from_slice(&(eighths | u16::from(part.more) << 13).to_be_bytes());
        made[10..12].fill(0);
        let sum = checksum(&made);
        made[10..12].copy_from_slice(&sum.to_be_bytes());
    } else {
        let next = std::mem::replace(&mut made[6], V6_FRAGMENT);
        made[4..6].copy_from_slice(&half(8 + part.bytes.len()));
        made.extend([next, 0]);
        made.extend((eighths << 3 | u16::from(part.more)).to_be_bytes());
        made.extend(id.to_be_bytes());
    }
    made.extend(part.bytes);
    made
}

fn header_len(packet: &[u8]) -> usize {
    if packet[0] >> 4 == 4 { V4_HEADER_LEN } else { V6_HEADER_LEN }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::craft::udp;

    #[test]
    fn cuts_as_the_kernel_does() {
        let packet = udp("10.0.0.1:1".parse().unwrap(), "10.0.0.2:2".parse().unwrap(), &[7; 40]);
        let fragments = cut(&packet, 0x1234, 32);
        assert_eq!(fragments.len(), 2);
        assert_eq!(fragments[0][..8], [0x45, 0, 0, 52, 0x12, 0x34, 0x20, 0]);
        assert_eq!(fragments[1][..8], [0x45, 0, 0, 36, 0x12, 0x34, 0, 4]);
        assert!(fragments.iter().all(|fragment| checksum(&fragment[..20]) == 0));
        let joined: Vec<u8> = fragments.iter().flat_map(|fragment| &fragment[20..]).copied().collect();
        assert_eq!(joined, packet[20..]);
    }

    #[test]
    fn puts_a_fragment_header_into_ipv6() {
        let packet = udp("[fd00::1]:1".parse().unwrap(), "[fd00::2]:2".parse().unwrap(), &[7; 40]);
        let fragments = cut(&packet, 0x1234_5678, 32);
        assert_eq!(fragments[0][4..7], [0, 40, 44]);
        assert_eq!(fragments[0][40..48], [17, 0, 0, 1, 0x12, 0x34, 0x56, 0x78]);
        assert_eq!(fragments[1][40..48], [17, 0, 0, 32, 0x12, 0x34, 0x56, 0x78]);
        assert_eq!(fragments[1].len(), 40 + 8 + 16);
    }
}
