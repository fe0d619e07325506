//! VXLAN header (RFC 7348 section 5), with a group's policy
//! (draft-smith-vxlan-group-policy), and its generic protocol extension
//! (draft-ietf-nvo3-vxlan-gpe).
//!
//! Bits that must be zero are checked, as Linux does: it drops what has others.

use crate::wire::Malformed;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 8;

/// Flag: there is a network identifier. There always is.
const NETWORK: u8 = 0x08;
/// Flag: a group's policy is there.
const POLICY: u8 = 0x80;
/// Flags in the second byte, where a policy is there: not learned from, applied.
const POLICY_FLAGS: u8 = 0x48;
/// Flag, of the extension: the next protocol is said.
const NEXT: u8 = 0x04;
/// Flags, of the extension, which change nothing here: flooded, maintenance.
const FLOODED_MAINTENANCE: u8 = 0x03;

/// What is kept of a VXLAN header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vxlan {
    /// Which network (VNI), 24 bits.
    pub network: u32,
    /// What follows, of the extension: numbered as for
    /// [NSH](crate::wire::link::nsh). Ethernet otherwise.
    pub next: Option<u8>,
}

impl Vxlan {
    /// The header, and the Ethernet frame after it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[flags, f1, g0, g1, n0, n1, n2, reserved], rest) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let sound = match flags {
            NETWORK => (f1, g0, g1) == (0, 0, 0),
            _ => flags == NETWORK | POLICY && f1 & !POLICY_FLAGS == 0,
        };
        if !sound || reserved != 0 {
            return Err(Malformed::BadVersion);
        }
        Ok((Self { network: u32::from_be_bytes([0, n0, n1, n2]), next: None }, rest))
    }

    /// The header with the extension, and what follows it.
    pub fn decode_extended(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[flags, r0, r1, next, n0, n1, n2, reserved], rest) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        if flags & !(NEXT | FLOODED_MAINTENANCE) != NETWORK || (r0, r1, reserved) != (0, 0, 0) {
            return Err(Malformed::BadVersion);
        }
        let next = if flags & NEXT == 0 { None } else { Some(next) };
        Ok((Self { network: u32::from_be_bytes([0, n0, n1, n2]), next }, rest))
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let [_, n0, n1, n2] = self.network.to_be_bytes();
        match self.next {
            None => [NETWORK, 0, 0, 0, n0, n1, n2, 0],
            Some(next) => [NETWORK | NEXT, 0, 0, next, n0, n1, n2, 0],
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Network 123, and the start of an address.
    const SAMPLE: [u8; 9] = [0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x7b, 0x00, 0x00];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Vxlan::decode(&SAMPLE).unwrap();
        assert_eq!((header, rest), (Vxlan { network: 123, next: None }, &[0x00][..]));
        let (header, _) = Vxlan::decode_extended(&[0x0c, 0, 0, 4, 0, 0, 42, 0]).unwrap();
        assert_eq!(header, Vxlan { network: 42, next: Some(4) });
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Vxlan::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
            assert_eq!(Vxlan::decode_extended(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn refuses_every_bit_that_must_be_zero_and_a_missing_network() {
        let with = |at: usize, value: u8| {
            let mut bytes = SAMPLE;
            bytes[at] = value;
            (Vxlan::decode(&bytes).is_ok(), Vxlan::decode_extended(&bytes).is_ok())
        };
        assert_eq!(with(0, 0x00), (false, false));
        for (at, bits) in [(0, 0xff_u8), (1, 0xff), (2, 0xff), (7, 0xff)] {
            for bit in (0..8).map(|bit| 1_u8 << bit).filter(|bit| bit & bits != 0) {
                let value = SAMPLE[at] | bit;
                // The extension knows three flags more; a policy bit alone is
                // that of a header whose group is zero.
                let plain = value == SAMPLE[at] || (at, bit) == (0, POLICY);
                let extended = value == SAMPLE[at] || at == 0 && bit < NETWORK;
                assert_eq!(with(at, value), (plain, extended), "{bit:#x} at {at}");
            }
        }
        assert_eq!(with(3, 1), (false, true), "a protocol that is not said to be there");
    }

    #[test]
    fn a_group_with_a_policy_is_borne() {
        let (header, _) = Vxlan::decode(&[0x88, 0x48, 1, 2, 0, 0, 5, 0]).unwrap();
        assert_eq!(header.network, 5);
        assert_eq!(Vxlan::decode(&[0x88, 0x80, 1, 2, 0, 0, 5, 0]), Err(Malformed::BadVersion));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(network in 0_u32..1 << 24, next: Option<u8>) {
            let header = Vxlan { network, next: None };
            let bytes = header.encode();
            prop_assert_eq!(Vxlan::decode(&bytes), Ok((header, &[][..])));
            let header = Vxlan { network, next };
            let bytes = header.encode();
            prop_assert_eq!(Vxlan::decode_extended(&bytes), Ok((header, &[][..])));
        }
    }
}
