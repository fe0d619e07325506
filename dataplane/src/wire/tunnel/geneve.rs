//! GENEVE header (RFC 8926 section 3.4). Its options are skipped, the critical
//! ones too: whoever they are critical to is its receiver.

use crate::wire::Malformed;

/// Length of the header without options, in bytes.
pub const HEADER_LEN: usize = 8;

/// Flag: it is about the tunnel itself.
const CONTROL: u8 = 0x80;

/// What is kept of a GENEVE header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geneve {
    /// Whether it is about the tunnel and carries nobody's traffic.
    pub control: bool,
    /// What follows: an EtherType.
    pub protocol: u16,
    /// Which network (VNI), 24 bits.
    pub network: u32,
    /// Length in bytes, options included: a multiple of 4, at least 8.
    pub len: u16,
}

impl Geneve {
    /// The header with its options, and what follows.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[b0, flags, p0, p1, n0, n1, n2, _], after) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        if b0 >> 6 != 0 {
            return Err(Malformed::BadVersion);
        }
        let options_len = u16::from(b0 & 0x3f) * 4;
        let rest = after.get(usize::from(options_len)..).ok_or(Malformed::BeyondEnd)?;
        let header = Self {
            control: flags & CONTROL != 0,
            protocol: u16::from_be_bytes([p0, p1]),
            network: u32::from_be_bytes([0, n0, n1, n2]),
            len: 8 + options_len,
        };
        Ok((header, rest))
    }

    /// The header's first eight bytes; options are the caller's to append.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let ([p0, p1], [_, n0, n1, n2]) = (self.protocol.to_be_bytes(), self.network.to_be_bytes());
        let [_, words] = ((self.len.saturating_sub(8) / 4) & 0x3f).to_be_bytes();
        [words, if self.control { CONTROL } else { 0 }, p0, p1, n0, n1, n2, 0]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Network 11 with one option of four bytes, and the start of a frame.
    const SAMPLE: [u8; 17] = [
        0x02, 0x40, 0x65, 0x58, 0x00, 0x00, 0x0b, 0x00, 0xff, 0xff, 0x80, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Geneve::decode(&SAMPLE).unwrap();
        assert_eq!(header, Geneve { control: false, protocol: 0x6558, network: 11, len: 16 });
        assert_eq!(rest, [0x01]);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..16 {
            let why = if len < HEADER_LEN { Malformed::Truncated } else { Malformed::BeyondEnd };
            assert_eq!(Geneve::decode(&SAMPLE[..len]), Err(why), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length_and_a_foreign_version() {
        let mut bytes = SAMPLE;
        bytes[0] = 0x03;
        assert_eq!(Geneve::decode(&bytes), Err(Malformed::BeyondEnd));
        bytes[0] = 0x42;
        assert_eq!(Geneve::decode(&bytes), Err(Malformed::BadVersion));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(control: bool, protocol: u16, network in 0_u32..1 << 24, words in 0_u16..64) {
            let header = Geneve { control, protocol, network, len: 8 + 4 * words };
            let mut bytes = header.encode().to_vec();
            bytes.resize(header.len.into(), 0);
            prop_assert_eq!(Geneve::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
