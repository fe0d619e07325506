//! ARCNET as Linux captures it
//! (<https://www.tcpdump.org/linktypes/LINKTYPE_ARCNET_LINUX.html>), with the
//! fragmentation header of RFC 1201. What is fragmented is not looked into.

use crate::wire::{Malformed, ethernet};

/// System code of IPv4.
const IPV4: u8 = 212;
/// System code of IPv6 (RFC 2497).
const IPV6: u8 = 196;
/// System code of ARP.
const ARP: u8 = 213;

/// What is kept of an ARCNET header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arcnet {
    /// The EtherType that stands for what follows; `None` where there is none.
    pub ethertype: Option<u16>,
}

impl Arcnet {
    /// The header, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[_, _, _, _, system, split, _, _], rest) =
            bytes.split_first_chunk::<8>().ok_or(Malformed::Truncated)?;
        let ethertype = match (system, split) {
            (IPV4, 0) => Some(ethernet::IPV4),
            (IPV6, 0) => Some(ethernet::IPV6),
            (ARP, 0) => Some(ethernet::ARP),
            _ => None,
        };
        Ok((Self { ethertype }, rest))
    }

    /// The header's bytes, from station 1 to station 2.
    pub fn encode(&self) -> [u8; 8] {
        let system = match self.ethertype {
            Some(ethernet::IPV4) => IPV4,
            Some(ethernet::IPV6) => IPV6,
            Some(ethernet::ARP) => ARP,
            _ => 0,
        };
        [1, 2, 0, 0, system, 0, 0, 0]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    /// From station 0x50 to 0xbe, and the start of IPv4.
    const SAMPLE: [u8; 9] = [0x50, 0xbe, 0xab, 0x01, 0xd4, 0x00, 0x01, 0x65, 0x45];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Arcnet::decode(&SAMPLE).unwrap();
        assert_eq!((header.ethertype, rest), (Some(ethernet::IPV4), &[0x45][..]));
        let mut split = SAMPLE;
        split[5] = 1;
        assert_eq!(Arcnet::decode(&split).unwrap().0.ethertype, None, "a fragment");
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..8 {
            assert_eq!(Arcnet::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn decodes_what_it_encodes() {
        for ethertype in [None, Some(ethernet::IPV4), Some(ethernet::IPV6), Some(ethernet::ARP)] {
            let header = Arcnet { ethertype };
            let bytes = header.encode();
            assert_eq!(Arcnet::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
