//! Teredo (RFC 4380 section 5.1.1): IPv6 in UDP, perhaps behind indications of
//! who sent it and where it came from.

use crate::wire::Malformed;

/// Indicator of an authentication.
const AUTHENTICATION: [u8; 2] = [0, 1];
/// Indicator of an origin.
const ORIGIN: [u8; 2] = [0, 0];
/// Length of an origin in bytes, indicator included.
const ORIGIN_LEN: usize = 8;

/// What stands before the IPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Teredo {
    /// Length in bytes of the indications, which is 0 for most packets.
    pub len: u16,
}

impl Teredo {
    /// The indications, and the IPv6 header after them.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let mut rest = bytes;
        if rest.starts_with(&AUTHENTICATION) {
            let (&[_, _, id_len, value_len], after) =
                rest.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
            // After both of them: a nonce of eight bytes and a confirmation.
            let len = usize::from(id_len) + usize::from(value_len) + 9;
            rest = after.get(len..).ok_or(Malformed::BeyondEnd)?;
        }
        if rest.starts_with(&ORIGIN) {
            rest = rest.get(ORIGIN_LEN..).ok_or(Malformed::Truncated)?;
        }
        match rest.first() {
            Some(first) if first >> 4 == 6 => {}
            Some(_) => return Err(Malformed::BadVersion),
            None => return Err(Malformed::Truncated),
        }
        let len = u16::try_from(bytes.len() - rest.len()).map_err(|_| Malformed::BadLength)?;
        Ok((Self { len }, rest))
    }

    /// The bytes of an authentication without values, of an origin, of both, or
    /// of neither, by the length (13, 8, 21, 0).
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if matches!(self.len, 13 | 21) {
            bytes.extend([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        if matches!(self.len, 8 | 21) {
            bytes.extend([0, 0, 0xcd, 0x11, 0x3f, 0xff, 0xfd, 0xfe]);
        }
        bytes
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    /// A router solicitation with an authentication of no values.
    const SAMPLE: [u8; 16] =
        [0x00, 0x01, 0x00, 0x00, 0xb1, 0x1b, 0x3f, 0xea, 0x46, 0xa9, 0xaf, 0xe9, 0x00, 0x60, 0x00, 0x00];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Teredo::decode(&SAMPLE).unwrap();
        assert_eq!((header.len, rest), (13, &[0x60, 0x00, 0x00][..]));
    }

    #[test]
    fn refuses_every_truncation() {
        let whole = [&Teredo { len: 21 }.encode()[..], &[0x60]].concat();
        for len in 0..whole.len() {
            assert!(Teredo::decode(&whole[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length_and_what_is_not_ipv6() {
        let mut bytes = SAMPLE;
        bytes[3] = 4;
        assert_eq!(Teredo::decode(&bytes), Err(Malformed::BeyondEnd));
        assert_eq!(Teredo::decode(&[0x45, 0, 0, 20]), Err(Malformed::BadVersion));
    }

    #[test]
    fn decodes_what_it_encodes() {
        for len in [0, 8, 13, 21] {
            let header = Teredo { len };
            let bytes = [&header.encode()[..], &[0x60]].concat();
            assert_eq!(Teredo::decode(&bytes), Ok((header, &[0x60][..])));
        }
    }
}
