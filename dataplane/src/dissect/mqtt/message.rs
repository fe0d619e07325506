//! MQTT messages out of one direction's bytes, cut anywhere: type, quality of
//! service, and packet identifier (OASIS MQTT 5.0, sections 2.1 and 2.2).

use crate::wire::Malformed;

/// Bytes of a message that are looked at, from its first: a topic may be long,
/// and behind it stands the identifier.
const LOOKED_AT_MAX: usize = 512;

/// The length of what follows is written in this many bytes at most.
const LENGTH_BYTES_MAX: usize = 4;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Connect,
    Connack,
    Publish,
    Puback,
    Pubrec,
    Pubrel,
    Pubcomp,
    Subscribe,
    Suback,
    Unsubscribe,
    Unsuback,
    /// Pings, farewells and authentication: nothing is expected of them.
    Other,
    /// Type 0 is nothing.
    Unassigned,
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: Kind,
    /// Quality of service as its flags say: 0 to 3, of which 3 is none.
    pub(super) qos: u8,
    /// Its packet identifier, where it has one.
    pub(super) id: Option<u16>,
    /// It was longer than is looked at.
    pub(super) is_cut: bool,
}

/// The messages of one direction.
#[derive(Debug)]
pub(super) struct Messages {
    /// The first bytes of the message at hand.
    head: [u8; LOOKED_AT_MAX],
    seen: usize,
    /// Bytes of it that follow those in `head` and are passed over.
    passed_over: u64,
    /// Bytes are missing: where the next message begins is not known.
    is_lost: bool,
}

impl Default for Messages {
    fn default() -> Self {
        Self { head: [0; LOOKED_AT_MAX], seen: 0, passed_over: 0, is_lost: false }
    }
}

impl Messages {
    /// Takes bytes off `bytes` up to the end of what is looked at of a message.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Message>, Malformed> {
        if self.is_lost {
            *bytes = &[];
            return Ok(None);
        }
        let skipped = usize::try_from(self.passed_over).unwrap_or(usize::MAX).min(bytes.len());
        self.passed_over -= skipped as u64;
        *bytes = bytes.get(skipped..).unwrap_or_default();
        while let [byte, rest @ ..] = *bytes {
            *bytes = rest;
            if let Some(place) = self.head.get_mut(self.seen) {
                *place = *byte;
                self.seen += 1;
            }
            let Some((body_at, len)) = self.length()? else { continue };
            let whole = body_at + len;
            if self.seen == whole || self.seen == LOOKED_AT_MAX {
                let message = self.message(body_at, whole > LOOKED_AT_MAX);
                self.passed_over = (whole - self.seen) as u64;
                self.seen = 0;
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// Bytes are missing, perhaps only such as would have been passed over.
    pub(super) fn pass_over(&mut self, len: u64) {
        match self.passed_over.checked_sub(len) {
            Some(left) => self.passed_over = left,
            None => self.is_lost = true,
        }
    }

    /// Whether it is not known any more where messages begin.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Where the body begins, and how long it is; `None` until that is known.
    fn length(&self) -> Result<Option<(usize, usize)>, Malformed> {
        let bytes = self.head.get(1..self.seen).unwrap_or_default();
        let mut len = 0;
        for (place, byte) in bytes.iter().take(LENGTH_BYTES_MAX).enumerate() {
            len |= usize::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(Some((place + 2, len)));
            }
        }
        if bytes.len() < LENGTH_BYTES_MAX { Ok(None) } else { Err(Malformed::BadLength) }
    }

    fn message(&self, body_at: usize, is_cut: bool) -> Message {
        let [first, ..] = self.head;
        let body = self.head.get(body_at..self.seen).unwrap_or_default();
        let kind = Kind::of(first >> 4);
        let id = match kind {
            Kind::Publish => after_topic(body),
            Kind::Connect | Kind::Connack | Kind::Other | Kind::Unassigned => None,
            _ => Some(body),
        };
        let id = id.and_then(|bytes| bytes.first_chunk()).map(|id| u16::from_be_bytes(*id));
        Message { kind, qos: first >> 1 & 3, id, is_cut }
    }
}

impl Kind {
    /// Of the upper half of a message's first byte.
    const fn of(number: u8) -> Self {
        match number {
            1 => Self::Connect,
            2 => Self::Connack,
            3 => Self::Publish,
            4 => Self::Puback,
            5 => Self::Pubrec,
            6 => Self::Pubrel,
            7 => Self::Pubcomp,
            8 => Self::Subscribe,
            9 => Self::Suback,
            10 => Self::Unsubscribe,
            11 => Self::Unsuback,
            12..=15 => Self::Other,
            _ => Self::Unassigned,
        }
    }
}

/// What follows the topic of a publication.
fn after_topic(body: &[u8]) -> Option<&[u8]> {
    let (len, rest) = body.split_first_chunk()?;
    rest.get(usize::from(u16::from_be_bytes(*len))..)
}
