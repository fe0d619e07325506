//! Token ring (IEEE 802.5) and FDDI (ISO 9314) headers: addresses, and LLC.

use crate::wire::{Mac, Malformed};

/// Length of a token ring header in bytes, without a route.
pub const TOKEN_RING_LEN: usize = 14;
/// Length of an FDDI header in bytes.
pub const FDDI_LEN: usize = 13;

/// Frame control of LLC frames: token ring's, in its top two bits.
const TOKEN_RING_LLC: u8 = 0x40;
/// In the first byte of a token ring's source address: a route follows.
const ROUTED: u8 = 0x80;

/// What is kept of either header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Destination address.
    pub dst: Mac,
    /// Source address.
    pub src: Mac,
    /// Whether LLC follows; else it is about the ring itself.
    pub llc: bool,
}

impl Ring {
    /// A token ring header with its route, and what follows it.
    pub fn decode_token_ring(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (header, rest) = bytes.split_first_chunk::<TOKEN_RING_LEN>().ok_or(Malformed::Truncated)?;
        let &[_, control, d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5] = header;
        let ring = Self {
            dst: Mac([d0, d1, d2, d3, d4, d5]),
            src: Mac([s0 & !ROUTED, s1, s2, s3, s4, s5]),
            llc: control & 0xc0 == TOKEN_RING_LLC,
        };
        if s0 & ROUTED == 0 {
            return Ok((ring, rest));
        }
        // The length counts its own two bytes.
        let len = usize::from(rest.first().ok_or(Malformed::Truncated)? & 0x1f);
        if len < 2 {
            return Err(Malformed::BadLength);
        }
        Ok((ring, rest.get(len..).ok_or(Malformed::BeyondEnd)?))
    }

    /// An FDDI header, and what follows it.
    pub fn decode_fddi(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (header, rest) = bytes.split_first_chunk::<FDDI_LEN>().ok_or(Malformed::Truncated)?;
        let &[control, d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5] = header;
        let (dst, src) = (Mac([d0, d1, d2, d3, d4, d5]), Mac([s0, s1, s2, s3, s4, s5]));
        // Asynchronous or synchronous, long addresses, LLC.
        Ok((Self { dst, src, llc: matches!(control & 0x70, 0x50) }, rest))
    }

    /// The bytes of a token ring header without a route.
    pub fn encode_token_ring(&self) -> [u8; TOKEN_RING_LEN] {
        let (Mac([d0, d1, d2, d3, d4, d5]), Mac([s0, s1, s2, s3, s4, s5])) = (self.dst, self.src);
        let control = if self.llc { TOKEN_RING_LLC } else { 0 };
        [0x10, control, d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5]
    }

    /// The bytes of an FDDI header.
    pub fn encode_fddi(&self) -> [u8; FDDI_LEN] {
        let (Mac([d0, d1, d2, d3, d4, d5]), Mac([s0, s1, s2, s3, s4, s5])) = (self.dst, self.src);
        [if self.llc { 0x50 } else { 0x41 }, d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A broadcast with a route of two bytes, and the start of LLC.
    const TOKEN_RING: [u8; 17] = [
        0x10, 0x40, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0x05, 0x31, 0x1f, 0x3b, 0x2f, 0x82, 0x70, 0xaa,
    ];
    /// An FDDI frame, and the start of LLC.
    const FDDI: [u8; 14] =
        [0x54, 0x00, 0x10, 0x79, 0x00, 0x10, 0x01, 0x00, 0x60, 0x08, 0x31, 0x1f, 0x3b, 0xaa];

    #[test]
    fn decodes_a_real_sample() {
        let (ring, rest) = Ring::decode_token_ring(&TOKEN_RING).unwrap();
        assert_eq!((ring.src.to_string(), ring.llc, rest), ("00:05:31:1f:3b:2f".into(), true, &[0xaa][..]));
        let (ring, rest) = Ring::decode_fddi(&FDDI).unwrap();
        assert_eq!((ring.src.to_string(), ring.llc, rest), ("00:60:08:31:1f:3b".into(), true, &[0xaa][..]));
        let mut beacon = TOKEN_RING;
        beacon[1] = 0x02;
        assert!(!Ring::decode_token_ring(&beacon).unwrap().0.llc);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..16 {
            let why = if len < 15 { Malformed::Truncated } else { Malformed::BeyondEnd };
            assert_eq!(Ring::decode_token_ring(&TOKEN_RING[..len]), Err(why), "{len} bytes");
        }
        for len in 0..FDDI_LEN {
            assert_eq!(Ring::decode_fddi(&FDDI[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length() {
        let mut bytes = TOKEN_RING;
        bytes[14] = 0x81;
        assert_eq!(Ring::decode_token_ring(&bytes), Err(Malformed::BadLength));
        bytes[14] = 0x84;
        assert_eq!(Ring::decode_token_ring(&bytes), Err(Malformed::BeyondEnd));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(dst: [u8; 6], mut src: [u8; 6], llc: bool) {
            src[0] &= !ROUTED;
            let ring = Ring { dst: Mac(dst), src: Mac(src), llc };
            let bytes = ring.encode_token_ring();
            prop_assert_eq!(Ring::decode_token_ring(&bytes), Ok((ring, &[][..])));
            let bytes = ring.encode_fddi();
            prop_assert_eq!(Ring::decode_fddi(&bytes), Ok((ring, &[][..])));
        }
    }
}
