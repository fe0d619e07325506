//! GRE header: version 0 (RFC 2784, with key and sequence number of RFC 2890
//! and the routing of RFC 1701), and version 1 (RFC 2637, PPTP).

use crate::wire::{Malformed, ethernet};

/// Flag: checksum, and offset, are there.
const CHECKSUM: u16 = 0x8000;
/// Flag: routing, and offset, are there.
const ROUTING: u16 = 0x4000;
/// Flag: key is there.
const KEY: u16 = 0x2000;
/// Flag: sequence number is there.
const SEQUENCE: u16 = 0x1000;
/// Flag, of version 1: acknowledgement number is there.
const ACKNOWLEDGEMENT: u16 = 0x0080;
/// The version.
const VERSION: u16 = 0x0007;

/// What is kept of a GRE header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gre {
    /// 0, or 1 for PPTP.
    pub version: u8,
    /// What follows: an EtherType.
    pub protocol: u16,
    /// Version 0: the key, if there is one. Version 1: length of the payload
    /// and call id, 16 bits each.
    pub key: Option<u32>,
    /// The sequence number, if there is one; without one, version 1 carries no
    /// payload.
    pub sequence: Option<u32>,
    /// Version 1: the number acknowledged.
    pub acknowledged: Option<u32>,
}

impl Gre {
    /// The header with all its parts, and what follows it. The checksum is not
    /// verified: what it covers has checksums of its own.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[f0, f1, p0, p1], mut rest) = bytes.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        let (flags, protocol) = (u16::from_be_bytes([f0, f1]), u16::from_be_bytes([p0, p1]));
        let mut word = |wanted: bool| {
            if !wanted {
                return Ok(None);
            }
            let (&word, after) = rest.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
            rest = after;
            Ok(Some(u32::from_be_bytes(word)))
        };
        match flags & VERSION {
            0 => {
                word(flags & (CHECKSUM | ROUTING) != 0)?;
                let key = word(flags & KEY != 0)?;
                let sequence = word(flags & SEQUENCE != 0)?;
                if flags & ROUTING != 0 {
                    rest = skip_routes(rest)?;
                }
                Ok((Self { version: 0, protocol, key, sequence, acknowledged: None }, rest))
            }
            // RFC 2637 section 4.1 fixes all other flags.
            1 if flags & (CHECKSUM | ROUTING | KEY) == KEY && protocol == ethernet::PPP => {
                let key = word(true)?;
                let sequence = word(flags & SEQUENCE != 0)?;
                let acknowledged = word(flags & ACKNOWLEDGEMENT != 0)?;
                Ok((Self { version: 1, protocol, key, sequence, acknowledged }, rest))
            }
            _ => Err(Malformed::BadVersion),
        }
    }

    /// Of version 1: how long the payload is, where `room` bytes were on the
    /// wire after this header; of version 0, all of them.
    pub fn payload_len(&self, room: usize) -> Result<usize, Malformed> {
        match (self.version, self.key) {
            (1, Some(key)) if key as usize >> 16 > room => Err(Malformed::BeyondEnd),
            (1, Some(key)) => Ok(key as usize >> 16),
            _ => Ok(room),
        }
    }

    /// The header's bytes, without a checksum.
    pub fn encode(&self) -> Vec<u8> {
        let flag = |there: bool, flag: u16| if there { flag } else { 0 };
        let flags = u16::from(self.version)
            | flag(self.key.is_some(), KEY)
            | flag(self.sequence.is_some(), SEQUENCE)
            | flag(self.acknowledged.is_some(), ACKNOWLEDGEMENT);
        let words = [self.key, self.sequence, self.acknowledged].into_iter().flatten();
        let head = flags.to_be_bytes().into_iter().chain(self.protocol.to_be_bytes());
        head.chain(words.flat_map(u32::to_be_bytes)).collect()
    }
}

/// Steps over the source routes (RFC 1701): the last has no family and no
/// length.
fn skip_routes(mut bytes: &[u8]) -> Result<&[u8], Malformed> {
    loop {
        let (&[family0, family1, _, len], after) =
            bytes.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        bytes = after.get(usize::from(len)..).ok_or(Malformed::BeyondEnd)?;
        if (family0, family1, len) == (0, 0, 0) {
            return Ok(bytes);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// PPTP: call 24, 4 bytes of payload, sequence and acknowledgement.
    const SAMPLE: [u8; 17] = [
        0x30, 0x81, 0x88, 0x0b, 0x00, 0x04, 0x00, 0x18, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00, 0x06, 0xff,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Gre::decode(&SAMPLE).unwrap();
        let pptp = Gre {
            version: 1,
            protocol: 0x880b,
            key: Some(0x0004_0018),
            sequence: Some(7),
            acknowledged: Some(6),
        };
        assert_eq!((header, rest), (pptp, &[0xff][..]));
        assert_eq!((header.payload_len(4), header.payload_len(9)), (Ok(4), Ok(4)));
        let (header, rest) = Gre::decode(&[0, 0, 8, 0, 0x45]).unwrap();
        assert_eq!((header.protocol, header.key, rest), (0x0800, None, &[0x45][..]));
        assert_eq!(header.payload_len(9), Ok(9));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..16 {
            assert_eq!(Gre::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        let all = [&[0xf0, 0, 8, 0][..], &[0; 12], &[0, 2, 4, 4, 10, 0, 0, 1], &[0; 4]].concat();
        assert!(Gre::decode(&all).unwrap().1.is_empty());
        for len in 0..all.len() {
            let refused =
                matches!(Gre::decode(&all[..len]), Err(Malformed::Truncated | Malformed::BeyondEnd));
            assert!(refused, "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length_and_a_foreign_version() {
        let (header, _) = Gre::decode(&SAMPLE).unwrap();
        assert_eq!(header.payload_len(3), Err(Malformed::BeyondEnd));
        assert_eq!(Gre::decode(&[0x40, 0, 8, 0, 0, 0, 0, 0, 0, 2, 4, 9, 0]), Err(Malformed::BeyondEnd));
        for (at, value) in [(1, 0x82), (0, 0x10), (0, 0xb0), (3, 0x0c)] {
            let mut bytes = SAMPLE;
            bytes[at] = value;
            assert_eq!(Gre::decode(&bytes), Err(Malformed::BadVersion), "{value:#x} at {at}");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(
            protocol: u16, key: Option<u32>, sequence: Option<u32>, call: u32, acknowledged: Option<u32>,
        ) {
            let plain = Gre { version: 0, protocol, key, sequence, acknowledged: None };
            let pptp = Gre { version: 1, protocol: ethernet::PPP, key: Some(call), sequence, acknowledged };
            for header in [plain, pptp] {
                let bytes = header.encode();
                prop_assert_eq!(Gre::decode(&bytes), Ok((header, &[][..])));
            }
        }
    }
}
