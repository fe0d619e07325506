//! Kerberos 5 over datagrams and streams (RFC 4120): requests for tickets, the
//! tickets, and errors.
//!
//! Messages between clients and services (`AP-REQ`) are inside of other protocols;
//! here they are only passed over. Over a stream each message has its length
//! before it; at most [`MESSAGE_MAX`] bytes are put together, longer messages are
//! counted down.

mod message;
mod registry;
#[cfg(test)]
mod tests;

use super::{Dissector, Listener, Progress, Record};
use crate::anomaly::Anomaly;
use crate::flow::Direction;
use message::Message;

pub use message::KrbRecord;
pub use registry::{EncryptionType, ErrorCode, MessageType};

/// The longest message that is read, in bytes: a ticket tells the groups that its
/// owner is in, up to some 48 KiB of them.
pub const MESSAGE_MAX: usize = 64 * 1024;

/// The most bytes that are held of what peers have sent.
pub const HELD_MAX: usize = 2 * MESSAGE_MAX;

/// After so many messages in a row that are none, it is something else.
const STRANGE_MAX: u8 = 8;

/// What a client and a KDC say in one flow.
#[derive(Debug)]
pub struct Krb5 {
    is_stream: bool,
    up: Side,
    down: Side,
    /// The request that an error is about.
    request: Option<MessageType>,
    strange: u8,
    has_raised_malformed: bool,
}

/// One direction of a stream.
#[derive(Debug, Default)]
struct Side {
    /// The length at hand, as far as it has come.
    len: [u8; 4],
    len_len: usize,
    /// How many bytes of the message are to come.
    left: usize,
    /// What has come of it; `None` where it is too long.
    kept: Option<Vec<u8>>,
    is_lost: bool,
}

impl Krb5 {
    /// In datagrams, each with one message.
    pub fn of_datagrams() -> Self {
        Self {
            is_stream: false,
            up: Side::default(),
            down: Side::default(),
            request: None,
            strange: 0,
            has_raised_malformed: false,
        }
    }

    /// In a stream.
    pub fn of_stream() -> Self {
        Self { is_stream: true, ..Self::of_datagrams() }
    }

    fn message(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) {
        let Ok(message) = Message::decode(bytes) else {
            self.strange += 1;
            if !std::mem::replace(&mut self.has_raised_malformed, true) {
                listener.anomaly(direction, Anomaly::Krb5MalformedData);
            }
            return;
        };
        self.strange = 0;
        if let Some(record) = message.record(self.request) {
            if record.encryption.is_some_and(EncryptionType::is_weak) {
                listener.anomaly(direction, Anomaly::Krb5WeakEncryption);
            }
            listener.record(direction, Record::Krb5(Box::new(record)));
        }
        self.request = message.kind.is_request().then_some(message.kind);
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }

    const fn progress(&self) -> Progress {
        if self.strange >= STRANGE_MAX {
            Progress::Malformed
        } else if self.up.is_lost && self.down.is_lost {
            Progress::Done
        } else {
            Progress::More
        }
    }
}

/// What comes out of a stream.
enum Piece<'a> {
    /// A message that lies in what was given.
    InPlace(&'a [u8]),
    /// One that was put together.
    Kept(Vec<u8>),
}

impl Side {
    /// Takes bytes up to the end of a message; gives what follows, and the message.
    fn feed<'b>(&mut self, bytes: &'b [u8]) -> (&'b [u8], Option<Piece<'b>>) {
        if self.len_len < self.len.len() {
            let taken =
                self.len.iter_mut().skip(self.len_len).zip(bytes).map(|(slot, byte)| *slot = *byte).count();
            self.len_len += taken;
            if self.len_len == self.len.len() {
                // The highest bit is kept for extensions (RFC 4120 section 7.2.2).
                self.left = (u32::from_be_bytes(self.len) & 0x7fff_ffff) as usize;
                self.kept = (self.left <= MESSAGE_MAX).then(Vec::new);
                if self.left == 0 {
                    self.len_len = 0;
                }
            }
            return (bytes.get(taken..).unwrap_or_default(), None);
        }
        let (part, rest) = bytes.split_at_checked(self.left).unwrap_or((bytes, &[]));
        self.left -= part.len();
        if self.left > 0 {
            if let Some(kept) = &mut self.kept {
                kept.extend_from_slice(part);
            }
            return (rest, None);
        }
        self.len_len = 0;
        let message = self.kept.take().map(|mut kept| {
            if kept.is_empty() {
                return Piece::InPlace(part);
            }
            kept.extend_from_slice(part);
            Piece::Kept(kept)
        });
        (rest, message)
    }
}

impl Dissector for Krb5 {
    fn bytes(&mut self, direction: Direction, mut bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        if !self.is_stream {
            self.message(direction, bytes, listener);
            return self.progress();
        }
        while !bytes.is_empty() && !self.side(direction).is_lost && self.strange < STRANGE_MAX {
            let (rest, message) = self.side(direction).feed(bytes);
            bytes = rest;
            match message {
                Some(Piece::InPlace(message)) => self.message(direction, message, listener),
                Some(Piece::Kept(message)) => self.message(direction, &message, listener),
                None => {}
            }
        }
        self.progress()
    }

    /// Where the next message begins cannot be told.
    fn gap(&mut self, direction: Direction, _: u64, _: &mut dyn Listener) -> Progress {
        *self.side(direction) = Side { is_lost: true, ..Side::default() };
        self.progress()
    }

    fn held(&self) -> usize {
        let of = |side: &Side| side.kept.as_ref().map_or(0, Vec::len);
        of(&self.up) + of(&self.down)
    }
}
