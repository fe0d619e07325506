//! WebSocket (RFC 6455 section 5.2): the frames behind an upgrade of HTTP.
//!
//! Each frame is told at its end: what it is, whether it ends its message, its
//! mask, its length. Its payload is passed over, so that nothing is held for it.
//! Nothing in the first bytes of a connection shows that it is WebSocket: who
//! reads HTTP knows.

#[cfg(test)]
mod tests;

use super::{Dissector, Listener, Progress, Record};
use crate::flow::Direction;

/// The longest header: two bytes, eight of length, four of mask.
const HEADER_MAX: usize = 14;

/// The longest payload of a frame that controls.
const CONTROL_MAX: u64 = 125;

/// What a frame is (RFC 6455 section 11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// More of the message that has begun.
    Continuation,
    /// Text, or its beginning.
    Text,
    /// Bytes, or their beginning.
    Binary,
    /// The last frame of a side.
    Close,
    /// Asks for a pong.
    Ping,
    /// Answers a ping.
    Pong,
}

impl Opcode {
    const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    /// The word for events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }

    const fn controls(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub opcode: Opcode,
    /// Whether its message ends with it.
    pub fin: bool,
    /// Whether its message is compressed (RSV1; RFC 7692 section 6), said in the
    /// first frame of a message.
    pub is_compressed: bool,
    /// What its payload is masked with, big-endian; clients have to.
    pub mask: Option<u32>,
    /// The length of its payload in bytes.
    pub payload_len: u64,
}

impl Frame {
    /// Takes a header; `None` where it is none that may be sent.
    fn decode(header: &[u8]) -> Option<Self> {
        /// RSV2 and RSV3, which nothing uses.
        const RESERVED: u8 = 0x30;
        let &[first, second, ref rest @ ..] = header else { return None };
        let opcode = Opcode::from_number(first & 0x0f).filter(|_| first & RESERVED == 0)?;
        let (len, rest) = rest.split_at_checked(length_len(second))?;
        let payload_len = match second & 0x7f {
            short @ ..=125 => short.into(),
            _ => len.iter().fold(0_u64, |len, byte| len << 8 | u64::from(*byte)),
        };
        let fin = first & 0x80 != 0;
        let is_sound = payload_len <= i64::MAX.unsigned_abs()
            && (!opcode.controls() || fin && payload_len <= CONTROL_MAX);
        let mask = rest.first_chunk().filter(|_| second & 0x80 != 0);
        is_sound.then_some(Self {
            opcode,
            fin,
            is_compressed: first & 0x40 != 0,
            mask: mask.map(|mask| u32::from_be_bytes(*mask)),
            payload_len,
        })
    }
}

/// How many bytes of length follow the second byte of a header.
const fn length_len(second: u8) -> usize {
    match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    header: [u8; HEADER_MAX],
    header_len: usize,
    /// The frame whose payload comes.
    frame: Option<Frame>,
    payload_left: u64,
    /// Whether its last frame has come.
    is_closed: bool,
}

impl Side {
    /// Takes bytes up to the end of the frame at hand, and gives back those after
    /// it; `None` where they are no frame.
    fn feed<'b>(&mut self, mut bytes: &'b [u8]) -> Option<(&'b [u8], Option<Frame>)> {
        while self.frame.is_none() {
            let wanted = self.header_wanted();
            let slots = self.header.iter_mut().take(wanted).skip(self.header_len);
            let taken = slots.zip(bytes).map(|(slot, byte)| *slot = *byte).count();
            self.header_len += taken;
            bytes = bytes.get(taken..).unwrap_or_default();
            if self.header_len == self.header_wanted() {
                let frame = Frame::decode(self.header.get(..self.header_len)?)?;
                self.payload_left = frame.payload_len;
                self.frame = Some(frame);
            } else if taken == 0 {
                return Some((bytes, None));
            }
        }
        let left = usize::try_from(self.payload_left).unwrap_or(usize::MAX);
        let rest = bytes.get(left..).unwrap_or_default();
        self.payload_left -= (bytes.len() - rest.len()) as u64;
        if self.payload_left > 0 {
            return Some((rest, None));
        }
        self.header_len = 0;
        Some((rest, self.frame.take()))
    }

    /// How long the header is at least, given what there is of it.
    const fn header_wanted(&self) -> usize {
        let [_, second, ..] = self.header;
        if self.header_len < 2 {
            return 2;
        }
        let mask = if second & 0x80 != 0 { 4 } else { 0 };
        2 + length_len(second) + mask
    }
}

/// One connection, from its first frame on.
#[derive(Debug, Default)]
pub struct Websocket {
    sides: [Side; 2],
}

impl Websocket {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Dissector for Websocket {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let mut rest = bytes;
        let side = direction.of_mut(&mut self.sides);
        while !rest.is_empty() && !side.is_closed {
            let Some((after, frame)) = side.feed(rest) else { return Progress::Malformed };
            rest = after;
            if let Some(frame) = frame {
                side.is_closed = frame.opcode == Opcode::Close;
                listener.record(direction, Record::Websocket(frame));
            }
        }
        if self.sides.iter().all(|side| side.is_closed) { Progress::Done } else { Progress::More }
    }

    /// Where the next frame begins behind a hole is known only where the hole is
    /// in a payload.
    fn gap(&mut self, direction: Direction, len: u64, _: &mut dyn Listener) -> Progress {
        let side = direction.of_mut(&mut self.sides);
        if side.is_closed {
            return Progress::More;
        }
        if side.frame.is_none() || side.payload_left <= len {
            return Progress::Done;
        }
        side.payload_left -= len;
        Progress::More
    }
}
