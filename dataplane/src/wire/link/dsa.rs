//! The tags of switch chips toward their host (Linux's DSA): Marvell's, with or
//! without an EtherType before it, and Broadcom's.
//!
//! Marvell's takes the place of a VLAN tag, and says whether there was one.

use crate::wire::Malformed;

/// Length of either tag in bytes.
pub const TAG_LEN: usize = 4;
/// Between the EtherType of Marvell's tag and the tag.
pub const RESERVED_LEN: usize = 2;

/// In the first byte: the frame had a VLAN tag.
const TAGGED: u8 = 0x20;

/// Marvell's tag, with the EtherType after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dsa {
    /// The control information of the VLAN tag that it stands for: priority and
    /// VLAN id. `None` where the frame had none.
    pub tci: Option<u16>,
    /// What follows the tag.
    pub ethertype: u16,
}

impl Dsa {
    /// The tag, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[b0, _, b2, b3, t0, t1], rest) = bytes.split_first_chunk::<6>().ok_or(Malformed::Truncated)?;
        // Priority, a bit of another meaning, VLAN id.
        let tci = (b0 & TAGGED != 0).then(|| u16::from_be_bytes([b2 & 0xef, b3]));
        Ok((Self { tci, ethertype: u16::from_be_bytes([t0, t1]) }, rest))
    }

    /// The tag's bytes: forwarded, from port 2.
    pub fn encode(&self) -> [u8; 6] {
        let ([b2, b3], [t0, t1]) = (self.tci.unwrap_or(0).to_be_bytes(), self.ethertype.to_be_bytes());
        [0xc0 | if self.tci.is_some() { TAGGED } else { 0 }, 0x10, b2, b3, t0, t1]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Forwarded from port 2, untagged, VLAN 1337 within the switch, IPv4.
    const SAMPLE: [u8; 7] = [0xc0, 0x10, 0x05, 0x39, 0x08, 0x00, 0x45];

    #[test]
    fn decodes_a_real_sample() {
        let (tag, rest) = Dsa::decode(&SAMPLE).unwrap();
        assert_eq!((tag, rest), (Dsa { tci: None, ethertype: 0x0800 }, &[0x45][..]));
        let mut tagged = SAMPLE;
        tagged[0] |= TAGGED;
        assert_eq!(Dsa::decode(&tagged).unwrap().0.tci, Some(1337));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..6 {
            assert_eq!(Dsa::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(tci: Option<u16>, ethertype: u16) {
            let tag = Dsa { tci: tci.map(|tci| tci & 0xefff), ethertype };
            let bytes = tag.encode();
            prop_assert_eq!(Dsa::decode(&bytes), Ok((tag, &[][..])));
        }
    }
}
