//! AYIYA header (draft-massar-v6ops-ayiya-02): IPv6 through address translators,
//! signed. The signature is not verified.

use crate::wire::Malformed;

/// Length of the part before identity and signature, in bytes.
pub const HEADER_LEN: usize = 8;

/// Operation: forward the packet.
const FORWARD: u8 = 1;

/// What is kept of an AYIYA header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ayiya {
    /// Whether a packet is to be forwarded; else it is about the tunnel.
    pub forward: bool,
    /// The IP protocol number of what follows: 41 or 4.
    pub next: u8,
    /// Length in bytes, identity and signature included.
    pub len: u32,
}

impl Ayiya {
    /// The header with identity and signature, and what follows.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[identity, signature, operation, next, ..], after) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        // Two to a power; four times a number of words.
        let len = (1_u32 << (identity >> 4)) + u32::from(signature >> 4) * 4;
        let rest = after.get(len as usize..).ok_or(Malformed::BeyondEnd)?;
        Ok((Self { forward: operation & 0x0f == FORWARD, next, len: 8 + len }, rest))
    }

    /// The header's bytes with an identity of 16 bytes and a signature of 20,
    /// both zero: 44.
    pub fn encode(&self) -> [u8; 44] {
        let mut bytes = [0; 44];
        let [identity, signature, operation, next, ..] = &mut bytes;
        let forward = if self.forward { FORWARD } else { 0 };
        (*identity, *signature, *operation, *next) = (0x41, 0x52, 0x10 | forward, self.next);
        bytes
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decodes_a_real_sample() {
        // An identity of 16 bytes, a signature of 20 by SHA-1, forward IPv6.
        let bytes = [&[0x41, 0x52, 0x11, 0x29, 0x52, 0x2a, 0x0a, 0x9b][..], &[7; 36], &[0x60]].concat();
        let (header, rest) = Ayiya::decode(&bytes).unwrap();
        assert_eq!((header, rest), (Ayiya { forward: true, next: 41, len: 44 }, &[0x60][..]));
    }

    #[test]
    fn refuses_every_truncation_and_a_lying_length() {
        let whole = Ayiya { forward: true, next: 41, len: 44 }.encode();
        for len in 0..whole.len() {
            let why = if len < HEADER_LEN { Malformed::Truncated } else { Malformed::BeyondEnd };
            assert_eq!(Ayiya::decode(&whole[..len]), Err(why), "{len} bytes");
        }
        let mut bytes = whole;
        bytes[0] = 0xf1;
        assert_eq!(Ayiya::decode(&bytes), Err(Malformed::BeyondEnd));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(forward: bool, next: u8) {
            let header = Ayiya { forward, next, len: 44 };
            let bytes = header.encode();
            prop_assert_eq!(Ayiya::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
