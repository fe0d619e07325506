//! What Cisco's switches put into frames: `FabricPath`, which wraps an Ethernet
//! frame whole, and `MetaData`, which carries security group tags.

use crate::wire::Malformed;

/// Length of the `FabricPath` tag in bytes, counted from after its EtherType.
pub const FABRIC_PATH_LEN: usize = 2;

/// The `FabricPath` tag; an Ethernet frame follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FabricPath {
    /// Which topology or distribution tree, 10 bits.
    pub tree: u16,
    /// Time to live, 6 bits.
    pub ttl: u8,
}

impl FabricPath {
    /// The tag, and the Ethernet frame after it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[b0, b1], rest) = bytes.split_first_chunk::<FABRIC_PATH_LEN>().ok_or(Malformed::Truncated)?;
        Ok((Self { tree: u16::from_be_bytes([b0, b1]) >> 6, ttl: b1 & 0x3f }, rest))
    }

    /// The tag's bytes.
    pub fn encode(&self) -> [u8; FABRIC_PATH_LEN] {
        (self.tree << 6 | u16::from(self.ttl & 0x3f)).to_be_bytes()
    }
}

/// Version of the `MetaData` header.
const METADATA_VERSION: u8 = 1;

/// The `MetaData` header with one option, which is what switches send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetaData {
    /// The security group tag.
    pub group: u16,
    /// What follows the header.
    pub ethertype: u16,
}

impl MetaData {
    /// The header, and what follows it. Its length counts its options, of four
    /// bytes each; the group is that of the first.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[version, options], rest) = bytes.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
        if version != METADATA_VERSION {
            return Err(Malformed::BadVersion);
        }
        let (first, _) = rest.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        let &[_, _, g0, g1] = first;
        let after = rest.get(usize::from(options.max(1)) * 4..).ok_or(Malformed::BeyondEnd)?;
        let (&[t0, t1], rest) = after.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
        Ok((Self { group: u16::from_be_bytes([g0, g1]), ethertype: u16::from_be_bytes([t0, t1]) }, rest))
    }

    /// As [`MetaData::decode`], where the EtherType stands before the header, as
    /// it does within GRE.
    pub fn decode_typed(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[t0, t1, version, options, _, _, g0, g1], _) =
            bytes.split_first_chunk::<8>().ok_or(Malformed::Truncated)?;
        if version != METADATA_VERSION {
            return Err(Malformed::BadVersion);
        }
        let rest = bytes.get(4 + usize::from(options.max(1)) * 4..).ok_or(Malformed::BeyondEnd)?;
        Ok((Self { group: u16::from_be_bytes([g0, g1]), ethertype: u16::from_be_bytes([t0, t1]) }, rest))
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; 8] {
        let ([g0, g1], [t0, t1]) = (self.group.to_be_bytes(), self.ethertype.to_be_bytes());
        [METADATA_VERSION, 1, 0, 1, g0, g1, t0, t1]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tree 1 with 32 hops to go, and the first byte of an address.
    const FABRIC_SAMPLE: [u8; 3] = [0x00, 0x60, 0x63];
    /// Group 16 before IPv4.
    const METADATA_SAMPLE: [u8; 9] = [0x01, 0x01, 0x00, 0x01, 0x00, 0x10, 0x08, 0x00, 0x45];

    #[test]
    fn decodes_a_real_sample() {
        let (tag, rest) = FabricPath::decode(&FABRIC_SAMPLE).unwrap();
        assert_eq!((tag, rest), (FabricPath { tree: 1, ttl: 32 }, &[0x63][..]));
        let (header, rest) = MetaData::decode(&METADATA_SAMPLE).unwrap();
        assert_eq!((header, rest), (MetaData { group: 16, ethertype: 0x0800 }, &[0x45][..]));
        let typed = MetaData::decode_typed(&[0x08, 0x00, 0x01, 0x01, 0x00, 0x01, 0x00, 0x10, 0x45]);
        assert_eq!(typed, Ok((header, rest)));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..FABRIC_PATH_LEN {
            assert_eq!(FabricPath::decode(&FABRIC_SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        for len in 0..8 {
            assert_eq!(MetaData::decode(&METADATA_SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
            assert_eq!(
                MetaData::decode_typed(&METADATA_SAMPLE[..len]),
                Err(Malformed::Truncated),
                "{len} bytes"
            );
        }
    }

    #[test]
    fn refuses_a_lying_length_and_a_foreign_version() {
        let mut bytes = METADATA_SAMPLE;
        bytes[1] = 2;
        assert_eq!(MetaData::decode(&bytes), Err(Malformed::BeyondEnd));
        bytes[0] = 2;
        assert_eq!(MetaData::decode(&bytes), Err(Malformed::BadVersion));
        let typed = |version, options| MetaData::decode_typed(&[8, 0, version, options, 0, 1, 0, 16]).err();
        assert_eq!((typed(1, 1), typed(2, 1)), (None, Some(Malformed::BadVersion)));
        assert_eq!(typed(1, 2), Some(Malformed::BeyondEnd));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(tree in 0_u16..1024, ttl in 0_u8..64, group: u16, ethertype: u16) {
            let tag = FabricPath { tree, ttl };
            let bytes = tag.encode();
            prop_assert_eq!(FabricPath::decode(&bytes), Ok((tag, &[][..])));
            let header = MetaData { group, ethertype };
            let bytes = header.encode();
            prop_assert_eq!(MetaData::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
