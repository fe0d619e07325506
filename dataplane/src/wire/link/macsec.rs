//! `MACsec` tag (IEEE 802.1AE clause 9). What is encrypted is not looked into;
//! what is only signed can be read.

use crate::wire::Malformed;

/// Length of the value that signs a frame, at its end, in bytes.
pub const CHECK_LEN: usize = 16;

/// Flags: version (which is 0), secure channel identifier, encrypted, changed.
const VERSION: u8 = 0x80;
const CHANNEL: u8 = 0x20;
const ENCRYPTED: u8 = 0x08;
const CHANGED: u8 = 0x04;

/// What is kept of a `MACsec` tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacSec {
    /// What follows the tag; `None` where it cannot be read.
    pub ethertype: Option<u16>,
    /// The number of the packet.
    pub number: u32,
}

impl MacSec {
    /// The tag with the EtherType after it, and what follows.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[flags, _, n0, n1, n2, n3], mut rest) =
            bytes.split_first_chunk::<6>().ok_or(Malformed::Truncated)?;
        if flags & VERSION != 0 {
            return Err(Malformed::BadVersion);
        }
        if flags & CHANNEL != 0 {
            rest = rest.get(8..).ok_or(Malformed::Truncated)?;
        }
        let number = u32::from_be_bytes([n0, n1, n2, n3]);
        if flags & (ENCRYPTED | CHANGED) != 0 {
            return Ok((Self { ethertype: None, number }, rest));
        }
        let (&ethertype, rest) = rest.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
        Ok((Self { ethertype: Some(u16::from_be_bytes(ethertype)), number }, rest))
    }

    /// The tag's bytes, without a channel: six, and the EtherType where it can
    /// be read.
    pub fn encode(&self) -> Vec<u8> {
        let flags = if self.ethertype.is_some() { 0 } else { ENCRYPTED | CHANGED };
        let head = [flags, 0].into_iter().chain(self.number.to_be_bytes());
        head.chain(self.ethertype.into_iter().flat_map(u16::to_be_bytes)).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Signed only, with its channel, IPv4 within.
    const SAMPLE: [u8; 17] = [
        0x20, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x22, 0x33, 0x44, 0x55, 0x66, 0x00, 0x01, 0x08, 0x00, 0x45,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (tag, rest) = MacSec::decode(&SAMPLE).unwrap();
        assert_eq!((tag, rest), (MacSec { ethertype: Some(0x0800), number: 3 }, &[0x45][..]));
        let mut encrypted = SAMPLE;
        encrypted[0] |= ENCRYPTED | CHANGED;
        assert_eq!(MacSec::decode(&encrypted).unwrap().0.ethertype, None);
    }

    #[test]
    fn refuses_every_truncation_and_a_foreign_version() {
        for len in 0..16 {
            assert_eq!(MacSec::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        assert_eq!(MacSec::decode(&[0x80; 16]), Err(Malformed::BadVersion));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(ethertype: Option<u16>, number: u32) {
            let tag = MacSec { ethertype, number };
            let bytes = tag.encode();
            prop_assert_eq!(MacSec::decode(&bytes), Ok((tag, &[][..])));
        }
    }
}
