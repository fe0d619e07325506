//! Backbone service tag (IEEE 802.1ah, I-TAG): a provider's Ethernet around a
//! customer's, whose addresses and EtherType are part of the tag.

use crate::wire::{Mac, Malformed};

/// Length of the tag in bytes, counted from after the type that announces it.
pub const TAG_LEN: usize = 18;

/// A backbone service tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pbb {
    /// Priority and flags: the first byte.
    pub flags: u8,
    /// Which service (I-SID), 24 bits.
    pub service: u32,
    /// The customer's destination address.
    pub dst: Mac,
    /// The customer's source address.
    pub src: Mac,
    /// What follows the tag.
    pub ethertype: u16,
}

impl Pbb {
    /// The tag, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (tag, rest) = bytes.split_first_chunk::<TAG_LEN>().ok_or(Malformed::Truncated)?;
        let &[flags, i0, i1, i2, d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1] = tag;
        let tag = Self {
            flags,
            service: u32::from_be_bytes([0, i0, i1, i2]),
            dst: Mac([d0, d1, d2, d3, d4, d5]),
            src: Mac([s0, s1, s2, s3, s4, s5]),
            ethertype: u16::from_be_bytes([t0, t1]),
        };
        Ok((tag, rest))
    }

    /// The tag's bytes.
    pub fn encode(&self) -> [u8; TAG_LEN] {
        let [_, i0, i1, i2] = self.service.to_be_bytes();
        let Mac([d0, d1, d2, d3, d4, d5]) = self.dst;
        let Mac([s0, s1, s2, s3, s4, s5]) = self.src;
        let [t0, t1] = self.ethertype.to_be_bytes();
        [self.flags, i0, i1, i2, d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Service 2,014,000, and the first byte of what follows.
    const SAMPLE: [u8; 19] = [
        0x00, 0x1e, 0xbb, 0x30, 0x01, 0x1c, 0xeb, 0xaf, 0x50, 0x00, 0x00, 0x1c, 0xeb, 0xaf, 0x52, 0x01, 0x81,
        0x02, 0x01,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (tag, rest) = Pbb::decode(&SAMPLE).unwrap();
        assert_eq!((tag.service, tag.ethertype, rest), (2_014_000, 0x8102, &[0x01][..]));
        assert_eq!(tag.src.to_string(), "00:1c:eb:af:52:01");
        assert_eq!(tag.dst.to_string(), "01:1c:eb:af:50:00");
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..TAG_LEN {
            assert_eq!(Pbb::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(
            flags: u8, service in 0_u32..1 << 24, dst: [u8; 6], src: [u8; 6], ethertype: u16,
        ) {
            let tag = Pbb { flags, service, dst: Mac(dst), src: Mac(src), ethertype };
            let bytes = tag.encode();
            prop_assert_eq!(Pbb::decode(&bytes), Ok((tag, &[][..])));
        }
    }
}
