//! CAPWAP data header (RFC 5415 section 4.3): the frames of wireless stations,
//! between access point and controller. What is encrypted, a fragment, or a
//! keep-alive is not looked into.

use crate::wire::Malformed;

/// Length of the shortest header in bytes.
pub const HEADER_LEN: usize = 8;

/// Version and type: version 0, not encrypted.
const PREAMBLE: u8 = 0x00;
/// Binding of IEEE 802.11 (RFC 5416).
const BINDING_80211: u8 = 1;
/// Flag: frames are as the binding has them, not 802.3.
const NATIVE: u8 = 0x01;
/// Flags in the fourth byte: a fragment; keep-alive.
const FRAGMENT: u8 = 0x80;
const KEEP_ALIVE: u8 = 0x08;

/// What follows a CAPWAP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// An Ethernet frame.
    Ethernet,
    /// An 802.11 frame.
    Ieee80211,
    /// What is not looked into.
    Opaque,
}

/// What is kept of a CAPWAP data header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capwap {
    /// Length in bytes: a multiple of 4.
    pub len: u8,
    /// What follows.
    pub frame: Frame,
}

impl Capwap {
    /// The header with its optional parts, and what follows.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[preamble, b0, b1, flags, ..], _) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        if preamble != PREAMBLE {
            return Err(Malformed::BadVersion);
        }
        // Header length (5 bits), radio (5), binding (5), native.
        let len = (b0 >> 3) * 4;
        if usize::from(len) < HEADER_LEN {
            return Err(Malformed::BadHeaderLength);
        }
        let frame = match ((b1 >> 1) & 0x1f, b1 & NATIVE) {
            _ if flags & (FRAGMENT | KEEP_ALIVE) != 0 => Frame::Opaque,
            (_, 0) => Frame::Ethernet,
            (BINDING_80211, _) => Frame::Ieee80211,
            _ => Frame::Opaque,
        };
        Ok((Self { len, frame }, bytes.get(usize::from(len)..).ok_or(Malformed::BeyondEnd)?))
    }

    /// The header's first eight bytes; what is optional is the caller's to
    /// append.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let native = if self.frame == Frame::Ieee80211 { NATIVE } else { 0 };
        let flags = if self.frame == Frame::Opaque { KEEP_ALIVE } else { 0 };
        [PREAMBLE, (self.len / 4) << 3, 1 << 6 | BINDING_80211 << 1 | native, flags, 0, 0, 0, 0]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sixteen bytes of header with what the radio heard, and a data frame.
    const SAMPLE: [u8; 17] = [
        0x00, 0x20, 0x43, 0x10, 0x00, 0x00, 0x00, 0x00, 0x04, 0xd0, 0x1b, 0x00, 0x0d, 0x00, 0x00, 0x00, 0x88,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Capwap::decode(&SAMPLE).unwrap();
        assert_eq!((header, rest), (Capwap { len: 16, frame: Frame::Ieee80211 }, &[0x88][..]));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..16 {
            let why = if len < HEADER_LEN { Malformed::Truncated } else { Malformed::BeyondEnd };
            assert_eq!(Capwap::decode(&SAMPLE[..len]), Err(why), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length_and_what_is_encrypted() {
        let with = |at: usize, value: u8| {
            let mut bytes = SAMPLE;
            bytes[at] = value;
            Capwap::decode(&bytes).map(|(header, _)| header.frame)
        };
        assert_eq!(with(1, 0x08), Err(Malformed::BadHeaderLength));
        assert_eq!(with(0, 0x01), Err(Malformed::BadVersion));
        assert_eq!(with(3, 0x80), Ok(Frame::Opaque), "a fragment");
        assert_eq!(with(3, 0x08), Ok(Frame::Opaque), "keep-alive");
        assert_eq!(with(2, 0x42), Ok(Frame::Ethernet));
        assert_eq!(with(2, 0x45), Ok(Frame::Opaque), "native to another radio");
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(words in 2_u8..32, frame in 0_usize..3) {
            let frame = [Frame::Ethernet, Frame::Ieee80211, Frame::Opaque][frame];
            let header = Capwap { len: words * 4, frame };
            let mut bytes = header.encode().to_vec();
            bytes.resize(header.len.into(), 0);
            prop_assert_eq!(Capwap::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
