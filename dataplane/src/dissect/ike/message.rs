//! The header of both versions, and payloads chained behind it (RFC 2408 section
//! 3, RFC 7296 section 3).

use crate::wire::Malformed;
use crate::wire::reader::Reader;

/// Length of the header in bytes.
pub(super) const HEADER_LEN: usize = 28;
/// Length in bytes of what stands before each payload.
pub(super) const PAYLOAD_HEADER_LEN: usize = 4;

/// The header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) initiator_spi: u64,
    pub(super) responder_spi: u64,
    pub(super) next_payload: u8,
    pub(super) major: u8,
    pub(super) minor: u8,
    pub(super) exchange: u8,
    pub(super) flags: u8,
    pub(super) message_id: u32,
    /// Of all of the message, in bytes.
    pub(super) len: u32,
}

impl Header {
    /// From the front of a datagram, with what follows; `None` where it is none, or
    /// of a version that nobody knows.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = Reader::new(bytes);
        let header = Self::read(&mut reader).ok()?;
        let is_message = matches!(header.major, 1 | 2)
            && header.initiator_spi != 0
            && header.len as usize >= HEADER_LEN
            // What is encrypted in between would have to begin with a plausible length.
            && header.len as usize <= bytes.len() + usize::from(u16::MAX);
        is_message.then(|| (header, reader.rest()))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let initiator_spi = u64::from_be_bytes(*reader.array()?);
        let responder_spi = u64::from_be_bytes(*reader.array()?);
        let &[next_payload, version, exchange, flags] = reader.array()?;
        let (message_id, len) = (reader.u32()?, reader.u32()?);
        Ok(Self {
            initiator_spi,
            responder_spi,
            next_payload,
            major: version >> 4,
            minor: version & 0x0f,
            exchange,
            flags,
            message_id,
            len,
        })
    }
}

/// Payloads one after the other, each of which says what the next is.
#[derive(Clone, Debug)]
pub(super) struct Payloads<'a> {
    next: u8,
    reader: Reader<'a>,
}

/// One payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Payload<'a> {
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
    /// The kind of the one that follows; 0 is none.
    pub(super) next: u8,
}

impl<'a> Payloads<'a> {
    /// Of which the first is of this kind.
    pub(super) const fn new(first: u8, bytes: &'a [u8]) -> Self {
        Self { next: first, reader: Reader::new(bytes) }
    }

    /// The next; `None` where there is no more.
    pub(super) fn read(&mut self) -> Result<Option<Payload<'a>>, Malformed> {
        if self.next == 0 {
            return Ok(None);
        }
        let kind = self.next;
        let &[next, _, l0, l1] = self.reader.array::<PAYLOAD_HEADER_LEN>()?;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let body = self.reader.take(len.checked_sub(PAYLOAD_HEADER_LEN).ok_or(Malformed::BadLength)?)?;
        self.next = next;
        Ok(Some(Payload { kind, body, next }))
    }

    /// Whether bytes are left behind the last.
    pub(super) const fn has_more(&self) -> bool {
        !self.reader.is_empty()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    #[test]
    fn payloads_follow_each_other() {
        let bytes = [34, 0, 0, 6, 1, 2, 0, 0, 0, 4, 9];
        let mut payloads = Payloads::new(33, &bytes);
        assert_eq!(payloads.read(), Ok(Some(Payload { kind: 33, body: &[1, 2], next: 34 })));
        assert_eq!(payloads.read(), Ok(Some(Payload { kind: 34, body: &[], next: 0 })));
        assert_eq!((payloads.read(), payloads.has_more()), (Ok(None), true));
        for len in 0..6 {
            assert!(Payloads::new(33, &bytes[..len]).read().is_err(), "{len} bytes");
        }
        assert_eq!(Payloads::new(33, &[0, 0, 0, 3]).read(), Err(Malformed::BadLength));
    }

    #[test]
    fn a_header_has_a_version_that_is_known() {
        let mut bytes = [7; HEADER_LEN];
        (bytes[17], bytes[24], bytes[25], bytes[26]) = (0x20, 0, 0, 0);
        bytes[27] = 28;
        let (header, rest) = Header::decode(&bytes).unwrap();
        assert_eq!((header.major, header.minor, header.len, rest), (2, 0, 28, &[][..]));
        for len in 0..HEADER_LEN {
            assert_eq!(Header::decode(&bytes[..len]), None, "{len} bytes");
        }
        bytes[17] = 0x30;
        assert_eq!(Header::decode(&bytes), None);
    }
}
