//! The tags of port extenders, which name the port of a switch that a frame
//! came in by or goes out by: Cisco's VN-Tag, and the E-Tag that IEEE 802.1BR
//! made of it.

use crate::wire::Malformed;

/// Length of a VN-Tag in bytes, counted from after the type that announces it.
pub const VN_TAG_LEN: usize = 6;
/// Length of an E-Tag in bytes, counted from after the type that announces it.
pub const E_TAG_LEN: usize = 8;

/// A VN-Tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VnTag {
    /// Direction, pointer, destination port, looped, version, source port.
    pub bits: u32,
    /// What follows the tag.
    pub ethertype: u16,
}

impl VnTag {
    /// The tag, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[b0, b1, b2, b3, t0, t1], rest) =
            bytes.split_first_chunk::<VN_TAG_LEN>().ok_or(Malformed::Truncated)?;
        let bits = u32::from_be_bytes([b0, b1, b2, b3]);
        Ok((Self { bits, ethertype: u16::from_be_bytes([t0, t1]) }, rest))
    }

    /// The tag's bytes.
    pub fn encode(&self) -> [u8; VN_TAG_LEN] {
        let ([b0, b1, b2, b3], [t0, t1]) = (self.bits.to_be_bytes(), self.ethertype.to_be_bytes());
        [b0, b1, b2, b3, t0, t1]
    }
}

/// An E-Tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ETag {
    /// Priority, DEI, ingress port, group, port, and the ports' extensions.
    pub bits: [u8; 6],
    /// What follows the tag.
    pub ethertype: u16,
}

impl ETag {
    /// The tag, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[b0, b1, b2, b3, b4, b5, t0, t1], rest) =
            bytes.split_first_chunk::<E_TAG_LEN>().ok_or(Malformed::Truncated)?;
        Ok((Self { bits: [b0, b1, b2, b3, b4, b5], ethertype: u16::from_be_bytes([t0, t1]) }, rest))
    }

    /// The tag's bytes.
    pub fn encode(&self) -> [u8; E_TAG_LEN] {
        let ([b0, b1, b2, b3, b4, b5], [t0, t1]) = (self.bits, self.ethertype.to_be_bytes());
        [b0, b1, b2, b3, b4, b5, t0, t1]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A VN-Tag before a VLAN tag.
    const VN_SAMPLE: [u8; 7] = [0x00, 0x0a, 0x00, 0x00, 0x81, 0x00, 0x00];
    /// An E-Tag before IPv4.
    const E_SAMPLE: [u8; 9] = [0x20, 0x00, 0x10, 0x05, 0x00, 0x00, 0x08, 0x00, 0x45];

    #[test]
    fn decodes_a_real_sample() {
        let (tag, rest) = VnTag::decode(&VN_SAMPLE).unwrap();
        assert_eq!((tag.bits, tag.ethertype, rest), (0x000a_0000, 0x8100, &[0x00][..]));
        let (tag, rest) = ETag::decode(&E_SAMPLE).unwrap();
        assert_eq!((tag.bits, tag.ethertype), ([0x20, 0x00, 0x10, 0x05, 0x00, 0x00], 0x0800));
        assert_eq!(rest, [0x45]);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..VN_TAG_LEN {
            assert_eq!(VnTag::decode(&VN_SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        for len in 0..E_TAG_LEN {
            assert_eq!(ETag::decode(&E_SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(vn: u32, e: [u8; 6], ethertype: u16) {
            let tag = VnTag { bits: vn, ethertype };
            let bytes = tag.encode();
            prop_assert_eq!(VnTag::decode(&bytes), Ok((tag, &[][..])));
            let tag = ETag { bits: e, ethertype };
            let bytes = tag.encode();
            prop_assert_eq!(ETag::decode(&bytes), Ok((tag, &[][..])));
        }
    }
}
