//! Messages out of a stream: each follows its length in two bytes.

use super::session::Session;
use super::{Family, NONSENSE_MAX};
use crate::dissect::{Dissector, Listener, Progress};
use crate::flow::Direction;

/// The longest message with its length before it, in bytes.
pub const FRAME_MAX: usize = LEN_LEN + u16::MAX as usize;

/// Bytes of the length.
const LEN_LEN: usize = 2;

/// A connection with messages both ways.
#[derive(Debug)]
pub struct DnsStream {
    session: Session,
    sides: [Side; 2],
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    /// The message at hand with its length, as far as it has come.
    cut: Vec<u8>,
    /// How many empty messages there were in a row.
    empty: u8,
    /// Whether bytes are missing: where the next message begins is not known.
    is_lost: bool,
}

impl DnsStream {
    /// Of a connection of which nothing has come yet.
    pub fn new(family: Family) -> Self {
        Self { session: Session::new(family), sides: <[Side; 2]>::default() }
    }
}

impl Dissector for DnsStream {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let mut rest = bytes;
        let side = direction.of_mut(&mut self.sides);
        if side.is_lost {
            return Progress::More;
        }
        while !rest.is_empty() {
            let (progress, left) =
                side.next(rest, |message| self.session.message(direction, message, listener));
            if progress != Progress::More {
                return progress;
            }
            rest = left;
        }
        Progress::More
    }

    fn gap(&mut self, direction: Direction, _: u64, _: &mut dyn Listener) -> Progress {
        self.session.lose();
        *direction.of_mut(&mut self.sides) = Side { is_lost: true, ..Side::default() };
        if self.sides.iter().all(|side| side.is_lost) { Progress::Done } else { Progress::More }
    }

    fn held(&self) -> usize {
        self.sides.iter().map(|side| side.cut.capacity()).sum::<usize>() + self.session.held()
    }
}

impl Side {
    /// Reads one message if it is whole, else keeps what there is of it; gives what
    /// is left.
    fn next<'b>(&mut self, bytes: &'b [u8], read: impl FnOnce(&[u8]) -> Progress) -> (Progress, &'b [u8]) {
        // What is whole in one piece, as nearly all messages are, is not copied.
        if self.cut.is_empty()
            && let Some(frame_len) = frame_len(bytes)
            && let Some((frame, rest)) = bytes.split_at_checked(frame_len)
        {
            return (self.read(frame, read), rest);
        }
        let wanted = frame_len(&self.cut).unwrap_or(LEN_LEN);
        let missing = wanted - self.cut.len().min(wanted);
        let (taken, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        // Room grows with what has come, not with what is promised, and never
        // beyond it.
        let more = self.cut.len().max(taken.len()).min(missing);
        if self.cut.capacity() - self.cut.len() < taken.len() {
            self.cut.reserve_exact(more);
        }
        self.cut.extend_from_slice(taken);
        if frame_len(&self.cut) != Some(self.cut.len()) {
            return (Progress::More, rest);
        }
        let frame = std::mem::take(&mut self.cut);
        (self.read(&frame, read), rest)
    }

    /// Reads a message with its length before it.
    fn read(&mut self, frame: &[u8], read: impl FnOnce(&[u8]) -> Progress) -> Progress {
        let message = frame.get(LEN_LEN..).unwrap_or_default();
        if !message.is_empty() {
            self.empty = 0;
            return read(message);
        }
        self.empty += 1;
        if self.empty < NONSENSE_MAX { Progress::More } else { Progress::Malformed }
    }
}

/// How long a message is with its length, if that has come.
fn frame_len(bytes: &[u8]) -> Option<usize> {
    let (len, _) = bytes.split_first_chunk::<LEN_LEN>()?;
    Some(LEN_LEN + usize::from(u16::from_be_bytes(*len)))
}
