//! Handshake messages: a type, a length, a body (RFC 8446 section 4).
//!
//! They form a stream of their own that records cut where they please: a record
//! may hold several, and a message may span many.

use super::super::Malformed;
use super::HandshakeType;
use super::reader::Reader;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 4;

/// A whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake<'a> {
    /// What it is.
    pub kind: HandshakeType,
    /// What follows its length.
    pub body: &'a [u8],
}

impl<'a> Handshake<'a> {
    /// A message, and what follows it.
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let mut reader = Reader::new(bytes);
        let kind = HandshakeType(reader.u8()?);
        let body = reader.vector24()?;
        Ok((Self { kind, body }, reader.rest()))
    }

    /// The header of a message whose body has `len` bytes; of a greater length
    /// than 2^24 - 1 the low 24 bits.
    pub fn header(kind: HandshakeType, len: usize) -> [u8; HEADER_LEN] {
        let [.., l0, l1, l2] = len.to_be_bytes();
        [kind.0, l0, l1, l2]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    const SAMPLE: [u8; 9] = [14, 0, 0, 0, 20, 0, 0, 1, 7];

    #[test]
    fn decodes_one_message_after_the_other() {
        let (done, rest) = Handshake::decode(&SAMPLE).unwrap();
        assert_eq!(done, Handshake { kind: HandshakeType::SERVER_HELLO_DONE, body: &[] });
        let (finished, rest) = Handshake::decode(rest).unwrap();
        assert_eq!(finished, Handshake { kind: HandshakeType::FINISHED, body: &[7] });
        assert!(rest.is_empty());
    }

    #[test]
    fn refuses_every_truncation_and_a_lying_length() {
        for len in 0..HEADER_LEN {
            assert_eq!(Handshake::decode(&SAMPLE[..len]), Err(Malformed::Truncated));
        }
        assert_eq!(Handshake::decode(&[1, 0xff, 0xff, 0xff, 0]), Err(Malformed::BeyondEnd));
    }

    #[test]
    fn the_header_is_what_decodes() {
        let header = Handshake::header(HandshakeType::CERTIFICATE, 3);
        let bytes = [&header[..], b"abc"].concat();
        assert_eq!(
            Handshake::decode(&bytes),
            Ok((Handshake { kind: HandshakeType::CERTIFICATE, body: b"abc" }, &[][..]))
        );
    }
}
