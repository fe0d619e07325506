//! The record layer of SSL 3.0 to TLS 1.3 (RFC 8446 section 5.1).
//!
//! The version of a record is a courtesy to middleboxes and says little: 3.1 in
//! a first hello, 3.3 in all of TLS 1.3. Only its first byte is held to be 3.

use super::super::Malformed;
use super::Version;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 5;

/// The most that a record holds: 2^14 bytes, and 2048 for what TLS 1.2 adds by
/// compressing and encrypting (RFC 5246 section 6.2.3).
pub const PAYLOAD_MAX: u16 = (1 << 14) + 2048;

/// What a record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ContentType {
    /// 20: what follows is encrypted; in TLS 1.3 an empty gesture.
    ChangeCipherSpec = 20,
    /// 21: see [`super::alert`].
    Alert = 21,
    /// 22: a piece of the stream of handshake messages.
    Handshake = 22,
    /// 23: encrypted; in TLS 1.3 any content looks like this.
    ApplicationData = 23,
    /// 24: RFC 6520.
    Heartbeat = 24,
    /// 25: DTLS with connection ids (RFC 9146).
    ConnectionId = 25,
    /// 26: DTLS 1.3 (RFC 9147 section 7).
    Ack = 26,
}

impl ContentType {
    /// From its number; `None` for what is no record of any version.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            20 => Some(Self::ChangeCipherSpec),
            21 => Some(Self::Alert),
            22 => Some(Self::Handshake),
            23 => Some(Self::ApplicationData),
            24 => Some(Self::Heartbeat),
            25 => Some(Self::ConnectionId),
            26 => Some(Self::Ack),
            _ => None,
        }
    }
}

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it carries.
    pub content: ContentType,
    /// The version it claims.
    pub version: Version,
    /// How many bytes follow the header.
    pub len: u16,
}

impl Record {
    /// The header, and what follows it; see `len` for how much of that is the
    /// record's.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[content, v0, v1, l0, l1], rest) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let content = match ContentType::from_number(content) {
            None | Some(ContentType::ConnectionId | ContentType::Ack) => return Err(Malformed::Unsupported),
            Some(content) => content,
        };
        if v0 != 3 {
            return Err(Malformed::BadVersion);
        }
        let record = Self {
            content,
            version: Version(u16::from_be_bytes([v0, v1])),
            len: u16::from_be_bytes([l0, l1]),
        };
        // An empty record hides traffic's length; only application data may do so.
        let is_empty = record.len == 0 && content != ContentType::ApplicationData;
        if record.len > PAYLOAD_MAX || is_empty {
            return Err(Malformed::BadLength);
        }
        Ok((record, rest))
    }

    /// The header's bytes.
    pub const fn encode(&self) -> [u8; HEADER_LEN] {
        let [v0, v1] = self.version.0.to_be_bytes();
        let [l0, l1] = self.len.to_be_bytes();
        [self.content as u8, v0, v1, l0, l1]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMPLE: [u8; 6] = [22, 3, 1, 2, 0, 1];

    #[test]
    fn decodes_a_real_sample() {
        let record = Record { content: ContentType::Handshake, version: Version::TLS1_0, len: 512 };
        assert_eq!(Record::decode(&SAMPLE), Ok((record, &[1][..])));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Record::decode(&SAMPLE[..len]), Err(Malformed::Truncated));
        }
    }

    #[test]
    fn refuses_a_lying_length() {
        assert_eq!(Record::decode(&[22, 3, 1, 0x48, 1]), Err(Malformed::BadLength));
        assert_eq!(Record::decode(&[22, 3, 1, 0, 0]), Err(Malformed::BadLength));
        assert!(Record::decode(&[23, 3, 1, 0, 0]).is_ok());
    }

    #[test]
    fn refuses_what_is_no_record() {
        assert_eq!(Record::decode(b"GET / HTTP/1.1"), Err(Malformed::Unsupported));
        assert_eq!(Record::decode(&[22, 2, 1, 0, 9]), Err(Malformed::BadVersion));
        assert_eq!(Record::decode(&[26, 3, 1, 0, 9]), Err(Malformed::Unsupported), "DTLS alone acknowledges");
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(content in 20_u8..25, minor: u8, len in 1..=PAYLOAD_MAX) {
            let content = ContentType::from_number(content).unwrap();
            let record = Record { content, version: Version(0x0300 | u16::from(minor)), len };
            let bytes = record.encode();
            prop_assert_eq!(Record::decode(&bytes), Ok((record, &[][..])));
        }
    }
}
