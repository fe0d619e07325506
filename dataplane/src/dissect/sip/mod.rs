//! SIP over datagrams and streams (RFC 3261): requests, answers, and what is said
//! in them about the media to come (SDP, RFC 8866).
//!
//! A message is told once its body has come. Heads are kept while they are cut, at
//! most [`HEAD_MAX`]; of bodies only descriptions of sessions are, at most
//! [`BODY_MAX`]; others are counted down. What keeps a way through a NAT open
//! (empty lines, zeros, `jaK`) is no message.

mod message;
mod sdp;
#[cfg(test)]
mod tests;

use super::{Dissector, Listener, Progress, Record};
use crate::anomaly::Anomaly;
use crate::flow::Direction;
use message::Head;

pub use message::StartLine;
pub use sdp::{Media, Sdp, TimeDescription};

/// The longest head, in bytes, with its empty line. Phones send 2 KiB; what is
/// signed may have more.
pub const HEAD_MAX: usize = 16 * 1024;

/// The longest description of a session that is read, in bytes.
pub const BODY_MAX: usize = 16 * 1024;

/// The most bytes that are held of what peers have sent.
pub const HELD_MAX: usize = 2 * (HEAD_MAX + BODY_MAX);

/// After so many datagrams in a row that are none of it, it is something else.
const STRANGE_MAX: u8 = 16;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipRecord {
    /// Its first line.
    pub start: StartLine,
    /// The session that its body describes.
    pub sdp: Option<Box<Sdp>>,
}

/// What peers say in one flow.
#[derive(Debug)]
pub struct Sip {
    is_stream: bool,
    up: Side,
    down: Side,
    strange: u8,
    has_raised_incomplete: bool,
    has_raised_invalid: bool,
}

/// One direction of a stream.
#[derive(Debug, Default)]
struct Side {
    /// The head at hand, as far as it has come.
    head: Vec<u8>,
    /// So many bytes of it hold no end.
    searched: usize,
    /// The message whose body is to come.
    body: Option<Body>,
    /// Whether the rest is not read.
    is_lost: bool,
}

#[derive(Debug)]
struct Body {
    start: StartLine,
    left: usize,
    /// What has come of it, where it describes a session.
    kept: Option<Vec<u8>>,
}

impl Sip {
    /// In datagrams, each with one message.
    pub fn of_datagrams() -> Self {
        Self {
            is_stream: false,
            up: Side::default(),
            down: Side::default(),
            strange: 0,
            has_raised_incomplete: false,
            has_raised_invalid: false,
        }
    }

    /// In a stream.
    pub fn of_stream() -> Self {
        Self { is_stream: true, ..Self::of_datagrams() }
    }

    fn datagram(&mut self, direction: Direction, datagram: &[u8], listener: &mut dyn Listener) -> Progress {
        let bytes = datagram.trim_ascii_start();
        if bytes.len() <= 4 {
            return Progress::More;
        }
        let head = message::head_len(bytes, 0).and_then(|len| Some((bytes.get(..len)?, bytes.get(len..)?)));
        let Some((head, rest)) = head else {
            self.raise_incomplete(direction, listener);
            return self.stranger();
        };
        let Ok(head) = Head::decode(head) else {
            self.raise_invalid(direction, listener);
            return self.stranger();
        };
        self.strange = 0;
        if head.content_len.is_some_and(|len| len > rest.len()) {
            self.raise_incomplete(direction, listener);
        }
        // A length that says less than there is hides nothing from us.
        let body = rest.get(..BODY_MAX).unwrap_or(rest);
        let sdp = head.is_sdp.then(|| Sdp::decode(body)).flatten().map(Box::new);
        tell(direction, head.start.into(), sdp, listener);
        Progress::More
    }

    fn stranger(&mut self) -> Progress {
        self.strange += 1;
        if self.strange >= STRANGE_MAX { Progress::Malformed } else { Progress::More }
    }

    fn stream(&mut self, direction: Direction, mut bytes: &[u8], listener: &mut dyn Listener) {
        while !bytes.is_empty() {
            let side = self.side(direction);
            if side.is_lost {
                return;
            }
            if let Some(body) = &mut side.body {
                bytes = body.feed(bytes);
            } else {
                let (rest, refusal) = side.read_head(bytes);
                bytes = rest;
                match refusal {
                    None => {}
                    Some(Refusal::Invalid) => self.raise_invalid(direction, listener),
                    Some(Refusal::TooLong) => self.raise_incomplete(direction, listener),
                }
            }
            let side = self.side(direction);
            if let Some(body) = side.body.take_if(|body| body.left == 0) {
                let sdp = body.kept.and_then(|kept| Sdp::decode(&kept)).map(Box::new);
                tell(direction, body.start, sdp, listener);
            }
        }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        }
    }

    const fn progress(&self) -> Progress {
        if self.up.is_lost && self.down.is_lost { Progress::Done } else { Progress::More }
    }

    fn raise_incomplete(&mut self, direction: Direction, listener: &mut dyn Listener) {
        if !std::mem::replace(&mut self.has_raised_incomplete, true) {
            listener.anomaly(direction, Anomaly::SipIncompleteData);
        }
    }

    fn raise_invalid(&mut self, direction: Direction, listener: &mut dyn Listener) {
        if !std::mem::replace(&mut self.has_raised_invalid, true) {
            listener.anomaly(direction, Anomaly::SipInvalidData);
        }
    }
}

/// Why a head is not read.
enum Refusal {
    Invalid,
    TooLong,
}

impl Side {
    /// Takes what belongs to the head, or a line of it; gives what follows.
    fn read_head<'b>(&mut self, mut bytes: &'b [u8]) -> (&'b [u8], Option<Refusal>) {
        if self.head.is_empty() {
            // Between messages empty lines keep the connection open.
            bytes = bytes.trim_ascii_start();
            let window = bytes.get(..HEAD_MAX).unwrap_or(bytes);
            if let Some((head, rest)) =
                message::head_len(window, 0).and_then(|len| bytes.split_at_checked(len))
            {
                return (rest, self.begin(head));
            }
            return (&[], self.keep(window));
        }
        let line = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        let taken = line.min(HEAD_MAX - self.head.len());
        let (line, rest) = bytes.split_at_checked(taken).unwrap_or((bytes, &[]));
        self.head.extend_from_slice(line);
        if message::head_len(&self.head, self.searched).is_some() {
            self.searched = 0;
            let head = std::mem::take(&mut self.head);
            return (rest, self.begin(&head));
        }
        (rest, self.keep(&[]))
    }

    /// Keeps more of a head that has no end yet.
    fn keep(&mut self, bytes: &[u8]) -> Option<Refusal> {
        self.head.extend_from_slice(bytes);
        // An end has three bytes at most.
        self.searched = self.head.len().saturating_sub(3);
        if self.head.len() < HEAD_MAX {
            return None;
        }
        self.lose();
        Some(Refusal::TooLong)
    }

    /// A head is whole.
    fn begin(&mut self, head: &[u8]) -> Option<Refusal> {
        let Ok(decoded) = Head::decode(head) else {
            self.lose();
            return Some(Refusal::Invalid);
        };
        let left = decoded.content_len.unwrap_or(0);
        let kept = (decoded.is_sdp && left <= BODY_MAX).then(Vec::new);
        self.body = Some(Body { start: decoded.start.into(), left, kept });
        None
    }

    fn lose(&mut self) {
        *self = Self { is_lost: true, ..Self::default() };
    }
}

impl Body {
    /// Takes what belongs to the body; gives what follows it.
    fn feed<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (body, rest) = bytes.split_at_checked(self.left).unwrap_or((bytes, &[]));
        self.left -= body.len();
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(body);
        }
        rest
    }
}

impl Dissector for Sip {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        if !self.is_stream {
            return self.datagram(direction, bytes, listener);
        }
        self.stream(direction, bytes, listener);
        self.progress()
    }

    /// Where the next message begins cannot be told.
    fn gap(&mut self, direction: Direction, _: u64, _: &mut dyn Listener) -> Progress {
        self.side(direction).lose();
        self.progress()
    }

    /// A message whose body is cut is told without it.
    fn close(&mut self, listener: &mut dyn Listener) {
        for direction in [Direction::Up, Direction::Down] {
            if let Some(body) = self.side(direction).body.take() {
                tell(direction, body.start, None, listener);
            }
        }
    }

    fn held(&self) -> usize {
        let of = |side: &Side| {
            let kept = side.body.as_ref().and_then(|body| body.kept.as_ref()).map_or(0, Vec::len);
            side.head.len() + kept
        };
        of(&self.up) + of(&self.down)
    }
}

fn tell(direction: Direction, start: StartLine, sdp: Option<Box<Sdp>>, listener: &mut dyn Listener) {
    listener.record(direction, Record::Sip(Box::new(SipRecord { start, sdp })));
}
