//! Network service header (RFC 8300 section 2): a packet on its way through a
//! chain of services. Its metadata is skipped.

use crate::wire::Malformed;

/// Length of the base and the service path header in bytes.
pub const HEADER_LEN: usize = 8;

/// Next protocol: IPv4.
pub const IPV4: u8 = 1;
/// Next protocol: IPv6.
pub const IPV6: u8 = 2;
/// Next protocol: Ethernet.
pub const ETHERNET: u8 = 3;
/// Next protocol: another such header.
pub const NSH: u8 = 4;
/// Next protocol: MPLS.
pub const MPLS: u8 = 5;

/// What is kept of a network service header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nsh {
    /// How its metadata is written: 1 fixed, 16 bytes; 2 of any length.
    pub metadata: u8,
    /// What follows.
    pub next: u8,
    /// Which path, 24 bits; the way back is another.
    pub path: u32,
    /// How far along the path.
    pub index: u8,
    /// Length in bytes, metadata included: a multiple of 4, at least 8.
    pub len: u8,
}

impl Nsh {
    /// The header with its metadata, and what follows.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[b0, b1, metadata, next, p0, p1, p2, index], _) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        if b0 >> 6 != 0 {
            return Err(Malformed::BadVersion);
        }
        let len = (b1 & 0x3f) * 4;
        if usize::from(len) < HEADER_LEN {
            return Err(Malformed::BadHeaderLength);
        }
        let rest = bytes.get(usize::from(len)..).ok_or(Malformed::BeyondEnd)?;
        let path = u32::from_be_bytes([0, p0, p1, p2]);
        Ok((Self { metadata: metadata & 0x0f, next, path, index, len }, rest))
    }

    /// The header's first eight bytes, time to live 63; metadata is the
    /// caller's to append.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let [_, p0, p1, p2] = self.path.to_be_bytes();
        [0x0f, 0xc0 | (self.len / 4), self.metadata, self.next, p0, p1, p2, self.index]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Metadata of type 2, none of it, and the start of IPv4.
    const SAMPLE: [u8; 9] = [0x00, 0x02, 0x02, 0x01, 0x00, 0x00, 0x01, 0x02, 0x45];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Nsh::decode(&SAMPLE).unwrap();
        assert_eq!(header, Nsh { metadata: 2, next: IPV4, path: 1, index: 2, len: 8 });
        assert_eq!(rest, [0x45]);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Nsh::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length_and_a_foreign_version() {
        let mut bytes = SAMPLE;
        bytes[1] = 1;
        assert_eq!(Nsh::decode(&bytes), Err(Malformed::BadHeaderLength));
        bytes[1] = 3;
        assert_eq!(Nsh::decode(&bytes), Err(Malformed::BeyondEnd));
        bytes[0] = 0x40;
        assert_eq!(Nsh::decode(&bytes), Err(Malformed::BadVersion));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(metadata in 0_u8..16, next: u8, path in 0_u32..1 << 24, index: u8, words in 2_u8..64) {
            let header = Nsh { metadata, next, path, index, len: words * 4 };
            let mut bytes = header.encode().to_vec();
            bytes.resize(usize::from(header.len), 0);
            prop_assert_eq!(Nsh::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
