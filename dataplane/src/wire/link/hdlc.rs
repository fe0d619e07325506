//! Cisco HDLC header
//! (<https://www.tcpdump.org/linktypes/LINKTYPE_C_HDLC.html>): an address and an
//! EtherType.

use crate::wire::Malformed;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 4;

/// Address of a packet to the other end.
pub const UNICAST: u8 = 0x0f;
/// Address of a packet to all.
pub const BROADCAST: u8 = 0x8f;

/// A Cisco HDLC header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hdlc {
    /// Unicast or broadcast.
    pub address: u8,
    /// What follows: an EtherType, or 0x8035 for keep-alives (SLARP).
    pub ethertype: u16,
}

impl Hdlc {
    /// The header, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[address, _, t0, t1], rest) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        Ok((Self { address, ethertype: u16::from_be_bytes([t0, t1]) }, rest))
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let [t0, t1] = self.ethertype.to_be_bytes();
        [self.address, 0, t0, t1]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The start of a segment to port 179.
    const SAMPLE: [u8; 5] = [0x0f, 0x00, 0x08, 0x00, 0x45];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Hdlc::decode(&SAMPLE).unwrap();
        assert_eq!(header, Hdlc { address: UNICAST, ethertype: 0x0800 });
        assert_eq!(rest, [0x45]);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Hdlc::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(address: u8, ethertype: u16) {
            let header = Hdlc { address, ethertype };
            let bytes = header.encode();
            prop_assert_eq!(Hdlc::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
