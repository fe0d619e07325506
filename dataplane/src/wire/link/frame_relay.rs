//! Frame relay header (ITU-T Q.922) with what names its payload: RFC 2427, or
//! an EtherType right after the address, as Cisco has it.

use crate::wire::{Malformed, ethernet};

/// Control: unnumbered information.
const UNNUMBERED: u8 = 0x03;
/// Network layer protocol of IPv4 (ISO/IEC TR 9577).
const IPV4: u8 = 0xcc;
/// Network layer protocol of IPv6.
const IPV6: u8 = 0x8e;
/// Network layer protocol of SNAP.
const SNAP: u8 = 0x80;

/// A frame relay header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRelay {
    /// The EtherType, or the one that stands for what follows; `None` where
    /// there is none for it.
    pub ethertype: Option<u16>,
}

impl FrameRelay {
    /// The header, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        // The last byte of the address is odd; it has two, three or four.
        let len = bytes.iter().take(4).position(|byte| byte & 1 == 1).ok_or(Malformed::Truncated)? + 1;
        if len < 2 {
            return Err(Malformed::BadHeaderLength);
        }
        let rest = bytes.get(len..).unwrap_or_default();
        let (ethertype, rest) = match *rest {
            [UNNUMBERED, 0, ref rest @ ..] | [UNNUMBERED, ref rest @ ..] => Self::named(rest)?,
            [t0, t1, ref rest @ ..] => (Some(u16::from_be_bytes([t0, t1])), rest),
            _ => return Err(Malformed::Truncated),
        };
        Ok((Self { ethertype }, rest))
    }

    /// What a network layer protocol and perhaps SNAP name.
    fn named(bytes: &[u8]) -> Result<(Option<u16>, &[u8]), Malformed> {
        match *bytes {
            [IPV4, ref rest @ ..] => Ok((Some(ethernet::IPV4), rest)),
            [IPV6, ref rest @ ..] => Ok((Some(ethernet::IPV6), rest)),
            [SNAP, 0, 0, 0, t0, t1, ref rest @ ..] => Ok((Some(u16::from_be_bytes([t0, t1])), rest)),
            [SNAP, _, _, _, _, _, ref rest @ ..] => Ok((None, rest)),
            [SNAP, ..] | [] => Err(Malformed::Truncated),
            [_, ref rest @ ..] => Ok((None, rest)),
        }
    }

    /// The bytes of a header for circuit 16 and this EtherType, as RFC 2427 has
    /// it: behind SNAP.
    pub fn encode(&self) -> [u8; 10] {
        let [t0, t1] = self.ethertype.unwrap_or(0).to_be_bytes();
        [0x04, 0x01, UNNUMBERED, 0, SNAP, 0, 0, 0, t0, t1]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// IPv4 on circuit 100, and its first byte.
    const SAMPLE: [u8; 5] = [0x18, 0x41, 0x03, 0xcc, 0x45];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = FrameRelay::decode(&SAMPLE).unwrap();
        assert_eq!((header.ethertype, rest), (Some(ethernet::IPV4), &[0x45][..]));
    }

    #[test]
    fn every_way_to_name_the_payload_is_read() {
        let ethertype = |bytes: &[u8]| FrameRelay::decode(bytes).unwrap().0.ethertype;
        assert_eq!(ethertype(&[0x18, 0x41, 0x08, 0x00, 0x45]), Some(ethernet::IPV4), "Cisco");
        assert_eq!(ethertype(&[0x18, 0x40, 0x01, 0x03, 0x8e, 0x60]), Some(ethernet::IPV6));
        assert_eq!(ethertype(&[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 0x86, 0xdd]), Some(ethernet::IPV6));
        assert_eq!(ethertype(&[0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7]), None, "bridged");
        assert_eq!(ethertype(&[0x18, 0x41, 3, 0xcf]), None, "PPP");
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..4 {
            assert_eq!(FrameRelay::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        let snap = [0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 0x86, 0xdd];
        for len in 0..snap.len() {
            assert_eq!(FrameRelay::decode(&snap[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        assert_eq!(FrameRelay::decode(&[0; 8]), Err(Malformed::Truncated), "an address without end");
        assert_eq!(FrameRelay::decode(&[1; 8]), Err(Malformed::BadHeaderLength));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(ethertype: u16) {
            let header = FrameRelay { ethertype: Some(ethertype) };
            let bytes = header.encode();
            prop_assert_eq!(FrameRelay::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
