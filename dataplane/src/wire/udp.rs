//! UDP header (RFC 768).
//!
//! The length may be shorter than the datagram that carries it; what is beyond
//! it is not payload, and receivers trim it as we do. 0 means "to the end" in
//! an IPv6 jumbogram (RFC 2675 section 4), where Linux accepts it at any size.

use super::Malformed;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 8;

/// What is kept of a UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Length in bytes, header included.
    pub len: u16,
}

impl Udp {
    /// The header, and what follows it; see [`Udp::payload_len`] for how much
    /// of that is payload.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let &[s0, s1, d0, d1, l0, l1, _, _] = header;
        let header = Self {
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
            len: u16::from_be_bytes([l0, l1]),
        };
        if header.len != 0 && usize::from(header.len) < HEADER_LEN {
            return Err(Malformed::BadLength);
        }
        Ok((header, rest))
    }

    /// How long the payload is, where the datagram has `datagram_len` bytes from
    /// this header on.
    #[inline]
    pub fn payload_len(&self, datagram_len: usize) -> Result<usize, Malformed> {
        let len = if self.len == 0 { datagram_len } else { usize::from(self.len) };
        if len > datagram_len {
            return Err(Malformed::BeyondEnd);
        }
        len.checked_sub(HEADER_LEN).ok_or(Malformed::BadLength)
    }

    /// The header's bytes, checksum zero.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let [s0, s1] = self.src_port.to_be_bytes();
        let [d0, d1] = self.dst_port.to_be_bytes();
        let [l0, l1] = self.len.to_be_bytes();
        [s0, s1, d0, d1, l0, l1, 0, 0]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A DNS query from port 36179: 29 bytes, of which the first two.
    const SAMPLE: [u8; 10] = [0x8d, 0x53, 0x00, 0x35, 0x00, 0x25, 0x2e, 0x20, 0xf1, 0x31];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Udp::decode(&SAMPLE).unwrap();
        assert_eq!(header, Udp { src_port: 36179, dst_port: 53, len: 37 });
        assert_eq!(rest, [0xf1, 0x31]);
        assert_eq!(header.payload_len(37), Ok(29));
        assert_eq!(header.payload_len(60), Ok(29), "what is beyond the length is not payload");
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Udp::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length() {
        for len in 1..8 {
            let mut bytes = SAMPLE;
            bytes[5] = len;
            assert_eq!(Udp::decode(&bytes), Err(Malformed::BadLength), "{len}");
        }
        let (header, _) = Udp::decode(&SAMPLE).unwrap();
        assert_eq!(header.payload_len(36), Err(Malformed::BeyondEnd));
    }

    #[test]
    fn a_length_of_zero_is_to_the_end() {
        let header = Udp { src_port: 1, dst_port: 2, len: 0 };
        assert_eq!(header.payload_len(70_000), Ok(69_992));
        assert_eq!(header.payload_len(7), Err(Malformed::BadLength));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(src_port: u16, dst_port: u16, len in 8_u16..) {
            let header = Udp { src_port, dst_port, len };
            let bytes = header.encode();
            prop_assert_eq!(Udp::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
