//! DTLS 1.0 to 1.3: records that carry their number, handshake messages that say
//! which part of them a datagram holds (RFC 6347 section 4, RFC 9147 section 4).
//!
//! A datagram may hold several records, and a record several fragments. What is
//! encrypted is given as bytes: in DTLS 1.3 even its number is.

use super::super::Malformed;
use super::reader::Reader;
use super::{ContentType, HandshakeType, Version};

/// Length of a plaintext record's header in bytes.
pub const HEADER_LEN: usize = 13;
/// Length of a handshake fragment's header in bytes.
pub const FRAGMENT_HEADER_LEN: usize = 12;

/// A record of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// With the header of DTLS 1.0 and 1.2, which 1.3 uses until it encrypts.
    Plain {
        /// What it carries.
        content: ContentType,
        /// The version it claims.
        version: Version,
        /// 0 until keys are used, then one more for each change of them.
        epoch: u16,
        /// Its number within the epoch, 48 bits.
        sequence: u64,
        /// The record's bytes, encrypted in every epoch but 0.
        payload: &'a [u8],
    },
    /// With the unified header of DTLS 1.3: encrypted.
    Unified {
        /// The low 2 bits of the epoch.
        epoch: u8,
        /// How long the encrypted sequence number is, in bytes: 1 or 2.
        sequence_len: u8,
        /// The connection id; empty where none is announced.
        connection_id: &'a [u8],
        /// The record's bytes; without a length they reach to the datagram's end.
        payload: &'a [u8],
    },
}

impl<'a> Record<'a> {
    /// A record, and what follows it in the datagram. `connection_id_len` is what
    /// was agreed on for this direction: no record says it.
    pub fn decode(bytes: &'a [u8], connection_id_len: usize) -> Result<(Self, &'a [u8]), Malformed> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        if first & 0xe0 == 0x20 {
            return Self::read_unified(first, reader, connection_id_len);
        }
        let content = ContentType::from_number(first).ok_or(Malformed::Unsupported)?;
        let version = Version(reader.u16()?);
        // 0x0100 is what was sent before there was a standard.
        if !version.is_dtls() && version.0 != 0x0100 {
            return Err(Malformed::BadVersion);
        }
        let epoch = reader.u16()?;
        let &[s0, s1, s2, s3, s4, s5] = reader.array()?;
        let sequence = u64::from_be_bytes([0, 0, s0, s1, s2, s3, s4, s5]);
        if content == ContentType::ConnectionId {
            reader.take(connection_id_len)?;
        }
        let payload = reader.vector16()?;
        Ok((Self::Plain { content, version, epoch, sequence, payload }, reader.rest()))
    }

    fn read_unified(
        first: u8,
        mut reader: Reader<'a>,
        connection_id_len: usize,
    ) -> Result<(Self, &'a [u8]), Malformed> {
        let connection_id = reader.take(if first & 0x10 == 0 { 0 } else { connection_id_len })?;
        let sequence_len = if first & 0x08 == 0 { 1 } else { 2 };
        reader.take(sequence_len.into())?;
        let payload = if first & 0x04 == 0 { reader.rest() } else { reader.vector16()? };
        // The number is decrypted with 16 bytes of the payload (section 4.2.3).
        if payload.len() < 16 {
            return Err(Malformed::BadLength);
        }
        Ok((Self::Unified { epoch: first & 3, sequence_len, connection_id, payload }, reader.rest()))
    }
}

/// A fragment of a handshake message; a message that is whole is one fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// What the message is.
    pub kind: HandshakeType,
    /// How long the message's body is, in bytes.
    pub len: u32,
    /// Which message it is: one number for each, retransmissions excepted.
    pub message: u16,
    /// Where in the body these bytes stand.
    pub offset: u32,
    /// The bytes; they never reach beyond `len`.
    pub bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// A fragment, and what follows it in the record.
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let mut reader = Reader::new(bytes);
        let kind = HandshakeType(reader.u8()?);
        let (len, message, offset) = (reader.u24()?, reader.u16()?, reader.u24()?);
        let bytes = reader.vector24()?;
        let is_within = bytes.len() <= len.saturating_sub(offset) as usize && offset <= len;
        if !is_within {
            return Err(Malformed::BadLength);
        }
        Ok((Self { kind, len, message, offset, bytes }, reader.rest()))
    }

    /// Whether it is the whole message.
    pub const fn is_whole(&self) -> bool {
        self.bytes.len() == self.len as usize
    }

    /// The header's bytes; of numbers above 2^24 - 1 the low 24 bits.
    pub fn header(&self) -> [u8; FRAGMENT_HEADER_LEN] {
        let [_, l0, l1, l2] = self.len.to_be_bytes();
        let [m0, m1] = self.message.to_be_bytes();
        let [_, o0, o1, o2] = self.offset.to_be_bytes();
        let [.., f0, f1, f2] = self.bytes.len().to_be_bytes();
        [self.kind.0, l0, l1, l2, m0, m1, o0, o1, o2, f0, f1, f2]
    }
}

/// `HelloVerifyRequest` (RFC 6347 section 4.2.1): the cookie to be sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloVerifyRequest<'a> {
    /// 1.0 or 1.2; says nothing about what will be chosen.
    pub version: Version,
    /// The cookie.
    pub cookie: &'a [u8],
}

impl<'a> HelloVerifyRequest<'a> {
    /// From the body of a handshake message.
    pub fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let request = Self { version: Version(reader.u16()?), cookie: reader.vector8()? };
        reader.end()?;
        Ok(request)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: [u8; 16] = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 7, 8, 6];

    #[test]
    fn decodes_a_record_with_its_number() {
        let (record, rest) = Record::decode(&PLAIN, 0).unwrap();
        let expected = Record::Plain {
            content: ContentType::Handshake,
            version: Version::DTLS1_2,
            epoch: 0,
            sequence: 9,
            payload: &[7, 8],
        };
        assert_eq!((record, rest), (expected, &[6][..]));
        for len in 0..PLAIN.len() - 1 {
            assert!(Record::decode(&PLAIN[..len], 0).is_err(), "{len} bytes");
        }
        assert_eq!(Record::decode(&[22, 3, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0], 0), Err(Malformed::BadVersion));
    }

    #[test]
    fn decodes_a_record_of_1_3() {
        let mut bytes = vec![0x3f, 5, 6, 0, 1, 0, 16];
        bytes.extend([9; 17]);
        let (record, rest) = Record::decode(&bytes, 2).unwrap();
        let expected =
            Record::Unified { epoch: 3, sequence_len: 2, connection_id: &[5, 6], payload: &[9; 16] };
        assert_eq!((record, rest), (expected, &[9][..]));
        for len in 0..bytes.len() - 1 {
            assert!(Record::decode(&bytes[..len], 2).is_err(), "{len} bytes");
        }
        let to_the_end = [&[0x21, 1][..], &[9; 20]].concat();
        assert!(
            matches!(Record::decode(&to_the_end, 2), Ok((Record::Unified { payload, .. }, [])) if payload.len() == 20)
        );
    }

    #[test]
    fn a_connection_id_stands_before_the_length() {
        let bytes = [25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 5, 6, 0, 1, 7];
        assert!(matches!(Record::decode(&bytes, 2), Ok((Record::Plain { payload: [7], epoch: 1, .. }, []))));
    }

    #[test]
    fn a_fragment_lies_within_its_message() {
        let bytes = [1, 0, 0, 9, 0, 3, 0, 0, 4, 0, 0, 2, 7, 8];
        let (fragment, rest) = Fragment::decode(&bytes).unwrap();
        assert_eq!((fragment.len, fragment.message, fragment.offset, fragment.bytes), (9, 3, 4, &[7, 8][..]));
        assert!(rest.is_empty() && !fragment.is_whole());
        for len in 0..bytes.len() {
            assert!(Fragment::decode(&bytes[..len]).is_err(), "{len} bytes");
        }
        for (at, value) in [(3, 5), (8, 8), (8, 10), (6, 1)] {
            let mut lie = bytes;
            lie[at] = value;
            assert_eq!(Fragment::decode(&lie), Err(Malformed::BadLength), "{value} at {at}");
        }
    }

    #[test]
    fn reads_the_cookie_of_a_hello_verify_request() {
        let request = HelloVerifyRequest { version: Version::DTLS1_0, cookie: &[7, 8] };
        assert_eq!(HelloVerifyRequest::decode(&[0xfe, 0xff, 2, 7, 8]), Ok(request));
        assert!(HelloVerifyRequest::decode(&[0xfe, 0xff, 2, 7]).is_err());
    }

    proptest! {
        #[test]
        fn decodes_the_header_it_encodes(kind: u8, before in 0_u32..1 << 23, after in 0_u32..1 << 23, message: u16, bytes: Vec<u8>) {
            let len = before + u32::try_from(bytes.len()).unwrap() + after;
            let fragment = Fragment { kind: HandshakeType(kind), len, message, offset: before, bytes: &bytes };
            let wire = [&fragment.header()[..], &bytes].concat();
            prop_assert_eq!(Fragment::decode(&wire), Ok((fragment, &[][..])));
        }
    }
}
