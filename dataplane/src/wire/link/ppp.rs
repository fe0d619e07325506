//! PPP header (RFC 1661 section 2), with or without HDLC-like framing
//! (RFC 1662).
//!
//! Both of its compressions are understood without having seen them agreed on:
//! address and control are left out, or are what they always are; a protocol
//! number of one byte is odd, the first of two is even.

use crate::wire::{Malformed, ethernet};

/// Address: all stations, the only one there is.
pub const ALL_STATIONS: u8 = 0xff;
/// Control: unnumbered information, the only one there is.
pub const UNNUMBERED: u8 = 0x03;

/// Protocol number of IPv4 (RFC 1332).
pub const IPV4: u16 = 0x0021;
/// Protocol number of IPv6 (RFC 5072).
pub const IPV6: u16 = 0x0057;
/// Protocol number of MPLS (RFC 3032).
pub const MPLS: u16 = 0x0281;
/// Protocol number of MPLS with upstream labels (RFC 5332).
pub const MPLS_UPSTREAM: u16 = 0x0283;

/// A PPP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ppp {
    /// What follows.
    pub protocol: u16,
}

impl Ppp {
    /// The header, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let bytes = match bytes {
            [ALL_STATIONS, UNNUMBERED, rest @ ..] => rest,
            [ALL_STATIONS] => return Err(Malformed::Truncated),
            _ => bytes,
        };
        match *bytes {
            [p0, ref rest @ ..] if p0 & 1 == 1 => Ok((Self { protocol: p0.into() }, rest)),
            [p0, p1, ref rest @ ..] => Ok((Self { protocol: u16::from_be_bytes([p0, p1]) }, rest)),
            _ => Err(Malformed::Truncated),
        }
    }

    /// The EtherType that stands for what follows; `None` for what is not the
    /// traffic of users, or is compressed.
    pub const fn ethertype(&self) -> Option<u16> {
        match self.protocol {
            IPV4 => Some(ethernet::IPV4),
            IPV6 => Some(ethernet::IPV6),
            MPLS => Some(ethernet::MPLS),
            MPLS_UPSTREAM => Some(ethernet::MPLS_UPSTREAM),
            _ => None,
        }
    }

    /// The header's bytes in full.
    pub fn encode(&self) -> [u8; 4] {
        let [p0, p1] = self.protocol.to_be_bytes();
        [ALL_STATIONS, UNNUMBERED, p0, p1]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// IPv4 on a serial line.
    const SAMPLE: [u8; 5] = [0xff, 0x03, 0x00, 0x21, 0x45];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Ppp::decode(&SAMPLE).unwrap();
        assert_eq!((header.ethertype(), rest), (Some(ethernet::IPV4), &[0x45][..]));
    }

    #[test]
    fn every_compression_reads_alike() {
        for bytes in [&SAMPLE[..], &SAMPLE[2..], &SAMPLE[3..], &[0xff, 0x03, 0x21, 0x45]] {
            assert_eq!(Ppp::decode(bytes), Ok((Ppp { protocol: IPV4 }, &[0x45][..])), "{bytes:02x?}");
        }
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..4 {
            assert_eq!(Ppp::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn what_negotiates_is_no_traffic() {
        for protocol in [0xc021, 0x8021, 0xc023, 0x002d] {
            assert_eq!(Ppp { protocol }.ethertype(), None, "{protocol:#x}");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(high in 0_u8..128, low in 0_u8..128) {
            let header = Ppp { protocol: u16::from_be_bytes([high << 1, low << 1 | 1]) };
            let bytes = header.encode();
            prop_assert_eq!(Ppp::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
