//! `PPPoE` header (RFC 2516 section 4), in a session: PPP follows it.

use crate::wire::Malformed;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 6;

/// Code of what belongs to a session.
pub const SESSION_DATA: u8 = 0;

/// Version and type, which are both 1.
const VERSION_AND_TYPE: u8 = 0x11;

/// A `PPPoE` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pppoe {
    /// What it is: 0 in a session.
    pub code: u8,
    /// Which session.
    pub session: u16,
    /// How many bytes follow the header.
    pub len: u16,
}

impl Pppoe {
    /// The header, and what follows it; see [`Pppoe::payload_len`] for how much
    /// of that is payload.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[version, code, s0, s1, l0, l1], rest) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        if version != VERSION_AND_TYPE {
            return Err(Malformed::BadVersion);
        }
        let (session, len) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([l0, l1]));
        Ok((Self { code, session, len }, rest))
    }

    /// How long the payload is, where `room` bytes were on the wire after this
    /// header.
    pub fn payload_len(&self, room: usize) -> Result<usize, Malformed> {
        let len = usize::from(self.len);
        if len > room { Err(Malformed::BeyondEnd) } else { Ok(len) }
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let ([s0, s1], [l0, l1]) = (self.session.to_be_bytes(), self.len.to_be_bytes());
        [VERSION_AND_TYPE, self.code, s0, s1, l0, l1]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 62 bytes of session 45, and the protocol number of PPP.
    const SAMPLE: [u8; 8] = [0x11, 0x00, 0x00, 0x2d, 0x00, 0x3e, 0x00, 0x21];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Pppoe::decode(&SAMPLE).unwrap();
        assert_eq!(header, Pppoe { code: SESSION_DATA, session: 45, len: 62 });
        assert_eq!(rest, [0x00, 0x21]);
        assert_eq!(header.payload_len(64), Ok(62), "Ethernet padding is not payload");
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Pppoe::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length_and_a_foreign_version() {
        let (header, _) = Pppoe::decode(&SAMPLE).unwrap();
        assert_eq!(header.payload_len(61), Err(Malformed::BeyondEnd));
        let mut bytes = SAMPLE;
        bytes[0] = 0x12;
        assert_eq!(Pppoe::decode(&bytes), Err(Malformed::BadVersion));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(code: u8, session: u16, len: u16) {
            let header = Pppoe { code, session, len };
            let bytes = header.encode();
            prop_assert_eq!(Pppoe::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
