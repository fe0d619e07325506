//! ESP header (RFC 4303 section 2): what follows it is encrypted.

use super::Malformed;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 8;
/// IP protocol number.
pub const PROTOCOL: u8 = 50;

/// The part that can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Esp {
    /// Security parameters index: which association, one for each direction.
    pub spi: u32,
    /// Sequence number.
    pub sequence: u32,
}

impl Esp {
    /// The header, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[i0, i1, i2, i3, s0, s1, s2, s3], rest) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let (spi, sequence) = (u32::from_be_bytes([i0, i1, i2, i3]), u32::from_be_bytes([s0, s1, s2, s3]));
        Ok((Self { spi, sequence }, rest))
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let ([i0, i1, i2, i3], [s0, s1, s2, s3]) = (self.spi.to_be_bytes(), self.sequence.to_be_bytes());
        [i0, i1, i2, i3, s0, s1, s2, s3]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Packet 1 of association 0xc0a80101, and its first encrypted byte.
    const SAMPLE: [u8; 9] = [0xc0, 0xa8, 0x01, 0x01, 0x00, 0x00, 0x00, 0x01, 0x9d];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Esp::decode(&SAMPLE).unwrap();
        assert_eq!((header, rest), (Esp { spi: 0xc0a8_0101, sequence: 1 }, &[0x9d][..]));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Esp::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(spi: u32, sequence: u32) {
            let header = Esp { spi, sequence };
            let bytes = header.encode();
            prop_assert_eq!(Esp::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
