//! The Internet checksum (RFC 1071), and its update (RFC 1624).
//!
//! Bytes are summed as the machine reads them, 32 bits at a time into 64: the
//! sum commutes with swapping bytes, so that one swap at the end does, and
//! carries are folded once. Everything that is given out or taken in is in host
//! byte order.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A checksum in the making.
///
/// Pieces are added one after the other; every piece but the last has an even
/// number of bytes.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Sum(u64);

impl Sum {
    /// Of nothing yet.
    pub const fn new() -> Self {
        Self(0)
    }

    /// With these bytes; an odd one at the end counts as if a zero followed.
    #[inline]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        // Halves of 32 bits cannot overflow 64 before 16 GiB have been summed.
        let halves = |word: [u8; 8]| {
            let word = u64::from_ne_bytes(word);
            (word & 0xffff_ffff) + (word >> 32)
        };
        let (words, tail) = bytes.as_chunks::<8>();
        let sum: u64 = words.iter().map(|word| halves(*word)).sum();
        let mut last = [0; 8];
        last.iter_mut().zip(tail).for_each(|(slot, byte)| *slot = *byte);
        Self(self.0 + sum + halves(last))
    }

    /// With this 16-bit field.
    #[inline]
    pub fn field(self, field: u16) -> Self {
        Self(self.0 + u64::from(field.to_be()))
    }

    /// With the pseudo header of IPv4 (RFC 9293 section 3.1); `len` is that of
    /// the transport header and its payload.
    #[inline]
    pub fn pseudo_v4(self, src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, len: usize) -> Self {
        self.bytes(&src.octets()).bytes(&dst.octets()).length(len).field(protocol.into())
    }

    /// With the pseudo header of IPv6 (RFC 8200 section 8.1); `len` is that of
    /// the transport header and its payload.
    #[inline]
    pub fn pseudo_v6(self, src: Ipv6Addr, dst: Ipv6Addr, protocol: u8, len: usize) -> Self {
        self.bytes(&src.octets()).bytes(&dst.octets()).length(len).field(protocol.into())
    }

    /// With a length of 32 bits, as pseudo headers have it; over IPv4 its upper
    /// half is zero.
    #[inline]
    fn length(self, len: usize) -> Self {
        let [_, _, _, _, l0, l1, l2, l3] = (len as u64).to_be_bytes();
        self.field(u16::from_be_bytes([l0, l1])).field(u16::from_be_bytes([l2, l3]))
    }

    /// The checksum of all that was added; 0 when that held its own checksum and
    /// is intact.
    #[inline]
    #[must_use]
    pub fn finish(self) -> u16 {
        !u16::from_be(fold(self.0))
    }
}

/// The ones' complement sum of a number's 16-bit parts.
#[inline]
const fn fold(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    let [low, high, ..] = sum.to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// The checksum of these bytes; 0 when they hold their own and are intact.
#[inline]
pub fn of(bytes: &[u8]) -> u16 {
    Sum::new().bytes(bytes).finish()
}

/// A UDP checksum as it is sent: 0 would mean that there is none (RFC 768).
#[inline]
pub const fn udp_on_wire(checksum: u16) -> u16 {
    if checksum == 0 { 0xffff } else { checksum }
}

/// The checksum after a 16-bit field that it covers has changed (RFC 1624,
/// equation 3). For UDP see [`udp_on_wire`], and leave a checksum of 0 alone.
#[inline]
#[must_use]
pub const fn update16(checksum: u16, old: u16, new: u16) -> u16 {
    !fold(!checksum as u64 + !old as u64 + new as u64)
}

/// The checksum after a 32-bit field that it covers has changed, such as an
/// IPv4 address or a sequence number; the field starts at an even offset.
#[inline]
#[must_use]
pub const fn update32(checksum: u16, old: u32, new: u32) -> u16 {
    !fold(!checksum as u64 + !old as u64 + new as u64)
}

/// The checksum after an IPv6 address that it covers has changed.
#[inline]
#[must_use]
pub fn update_v6(checksum: u16, old: Ipv6Addr, new: Ipv6Addr) -> u16 {
    let parts = old.segments().into_iter().zip(new.segments());
    let sum: u64 = parts.map(|(old, new)| u64::from(!old) + u64::from(new)).sum();
    !fold(u64::from(!checksum) + sum)
}

/// What a checksum says of the bytes that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// They are intact.
    Ok,
    /// They are not, or the sender left the sum to a network card that the
    /// packet has not passed yet.
    Bad,
    /// There is none.
    Absent,
    /// It cannot be told: bytes are missing (cut by the capture, fragmented), or
    /// the addresses it covers are not those in the IP header.
    Unknown,
}

/// The checksums of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Checksums {
    /// That of the IPv4 header; absent elsewhere.
    pub ip: Checksum,
    /// That of TCP, UDP, ICMP or ICMPv6. UDP may go without over IPv4, where the
    /// checksum is zero; over IPv6 zero is bad (RFC 8200 section 8.1).
    pub transport: Checksum,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As RFC 1071 section 4.1 has it: word by word.
    fn plain(bytes: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for pair in bytes.chunks(2) {
            let low = pair.get(1).copied().unwrap_or_default();
            sum += u32::from(pair.first().copied().unwrap_or_default()) << 8 | u32::from(low);
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap_or_default()
    }

    #[test]
    fn agrees_with_the_example_of_rfc_1071() {
        assert_eq!(of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn a_real_header_verifies_to_zero() {
        let mut header = [
            0x46, 0xc0, 0x00, 0x28, 0x00, 0x00, 0x40, 0x00, 0x01, 0x02, 0x42, 0x50, 0xc0, 0xa8, 0x01, 0x01,
            0xe0, 0x00, 0x00, 0x16, 0x94, 0x04, 0x00, 0x00,
        ];
        assert_eq!(of(&header), 0);
        header[8] = 2;
        assert_ne!(of(&header), 0);
    }

    #[test]
    fn updates_as_rfc_1624_section_4_has_it() {
        // The example for which RFC 1141 gave 0xffff.
        assert_eq!(update16(0xdd2f, 0x5555, 0x3285), 0x0000);
    }

    #[test]
    fn folds_every_carry() {
        for high in [0, 1, 0x7fff, 0xffff, 0x1_0000, 0xffff_ffff] {
            for low in [0, 1, 2, 0xfffe, 0xffff, 0x1_0000, 0xffff_0000, 0xffff_fffe, 0xffff_ffff_u64] {
                // 2^16 is 1 in ones' complement, which counts modulo 2^16 - 1.
                let sum = high << 32 | low;
                assert_eq!(u64::from(fold(sum)) % 0xffff, sum % 0xffff, "{sum:#x}");
                assert_eq!(fold(sum) == 0, sum == 0, "{sum:#x}");
            }
        }
    }

    #[test]
    fn udp_never_sends_zero() {
        assert_eq!(udp_on_wire(0), 0xffff);
        assert_eq!(udp_on_wire(1), 1);
    }

    #[test]
    fn a_pseudo_header_counts_as_its_bytes() {
        let (src, dst) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(198, 51, 100, 2));
        let bytes = [192, 0, 2, 1, 198, 51, 100, 2, 0, 17, 0x12, 0x34];
        assert_eq!(Sum::new().pseudo_v4(src, dst, 17, 0x1234).finish(), of(&bytes));

        let (src, dst) = (Ipv6Addr::from(7_u128 << 80), Ipv6Addr::from(9_u128));
        let mut bytes = [src.octets(), dst.octets()].concat();
        bytes.extend([0, 1, 0x12, 0x34, 0, 0, 0, 6]);
        assert_eq!(Sum::new().pseudo_v6(src, dst, 6, 0x1_1234).finish(), of(&bytes));
    }

    /// The two zeros of ones' complement are one: a sum of all-zero bytes aside,
    /// an update and a new sum may differ in which of them they give.
    fn same(a: u16, b: u16) -> bool {
        a == b || (a == 0 || a == 0xffff) && (b == 0 || b == 0xffff)
    }

    proptest! {
        #[test]
        fn sums_as_the_plain_way_does(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(of(&bytes), plain(&bytes));
        }

        #[test]
        fn pieces_sum_as_the_whole(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..100) {
            let (head, tail) = bytes.split_at((at * 2).min(bytes.len() & !1));
            prop_assert_eq!(Sum::new().bytes(head).bytes(tail).finish(), of(&bytes));
        }

        #[test]
        fn an_update_equals_a_new_sum(old: u128, new: u128, tail in prop::collection::vec(any::<u8>(), 0..40)) {
            let sum = |fields: &[u8]| Sum::new().bytes(fields).bytes(&tail).finish();
            let (from, to) = (old.to_be_bytes(), new.to_be_bytes());

            let updated = update_v6(sum(&from), old.into(), new.into());
            prop_assert!(same(updated, sum(&to)));

            let mut changed = from;
            let ([o0, o1, o2, o3, ..], [n0, n1, n2, n3, ..]) = (from, to);
            changed[..4].copy_from_slice(&to[..4]);
            let (old, new) = (u32::from_be_bytes([o0, o1, o2, o3]), u32::from_be_bytes([n0, n1, n2, n3]));
            prop_assert!(same(update32(sum(&from), old, new), sum(&changed)));

            changed[2..4].copy_from_slice(&from[2..4]);
            let (old, new) = (u16::from_be_bytes([o0, o1]), u16::from_be_bytes([n0, n1]));
            prop_assert!(same(update16(sum(&from), old, new), sum(&changed)));
        }
    }
}
