//! One connection, read: its first bytes say what it speaks, and the dissector
//! of that follows it from its first byte on.
//!
//! The first bytes of each side are kept until one of them tells, at most
//! [`TCP_BYTES_MAX`] of each; then the dissector gets them, the side that spoke
//! first before the other. A connection may change what it speaks
//! ([`Progress::Becomes`]), a few times.

use crate::app_proto::AppProto;
use crate::dissect::detect::{self, Guess, TCP_BYTES_MAX};
use crate::dissect::{self, Dissector, Listener, Progress};
use crate::flow::Direction;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests;

/// So often a connection may change what it speaks: a proxy's `CONNECT`, TLS
/// in it after `STARTTLS`, and some more.
const CHANGES_MAX: u8 = 4;

/// Gives the dissector of a protocol.
type Chooser = fn(AppProto) -> Option<Box<dyn Dissector>>;

/// A connection whose bytes somebody wants.
pub(super) struct Reader {
    /// Of client and server.
    ports: (u16, u16),
    choose: Chooser,
    sides: [Side; 2],
    stage: Stage,
    /// What it spoke before it changed.
    before: Option<AppProto>,
    changes: u8,
    /// The memory that it was found to take, when last weighed.
    weighed: usize,
}

/// The first bytes of a side.
#[derive(Default)]
struct Side {
    /// What there was, until a dissector has it.
    seen: Vec<u8>,
    /// What came behind that and was not kept.
    passed_over: u64,
    /// Whether bytes behind those kept were not seen: what follows is not joined.
    has_hole: bool,
    /// What it speaks.
    found: Option<AppProto>,
    /// Whether that was noted with the flow.
    noted: bool,
}

enum Stage {
    /// No side has said yet what there is a dissector for.
    Detecting,
    Dissecting(AppProto, Box<dyn Dissector>),
    /// Nobody wants its bytes any more.
    Done,
    /// It cannot be read; its bytes are followed nevertheless, for what
    /// contradicts itself in them.
    Unread,
}

impl Reader {
    /// Of a connection between these ports, client and server.
    pub(super) fn new(ports: (u16, u16)) -> Self {
        let sides = <[Side; 2]>::default();
        Self {
            ports,
            choose: dissect::of_stream,
            sides,
            stage: Stage::Detecting,
            before: None,
            changes: 0,
            weighed: 0,
        }
    }

    /// The next bytes of a direction.
    pub(super) fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            self.look(direction, bytes);
            match &mut self.stage {
                Stage::Dissecting(_, dissector) => {
                    let progress = dissector.bytes(direction, bytes, listener);
                    bytes = self.go_on(progress, bytes, listener);
                }
                Stage::Detecting => {
                    let Some(dissector) = self.choose() else {
                        return self.keep(direction, bytes);
                    };
                    self.start(dissector, direction, listener);
                }
                Stage::Done | Stage::Unread => return,
            }
        }
    }

    /// The next bytes of a direction will not be seen.
    pub(super) fn gap(&mut self, direction: Direction, len: u64, listener: &mut dyn Listener) {
        // Behind a hole no first bytes come any more.
        direction.of_mut(&mut self.sides).found.get_or_insert(AppProto::Failed);
        match &mut self.stage {
            Stage::Dissecting(_, dissector) => {
                let progress = dissector.gap(direction, len, listener);
                self.go_on(progress, &[], listener);
            }
            Stage::Detecting => {
                let side = direction.of_mut(&mut self.sides);
                side.passed_over += len;
                side.has_hole |= !side.seen.is_empty();
            }
            Stage::Done | Stage::Unread => {}
        }
    }

    /// A direction has said all.
    pub(super) fn end(&mut self, direction: Direction, listener: &mut dyn Listener) {
        if let Stage::Dissecting(_, dissector) = &mut self.stage {
            let progress = dissector.end(direction, listener);
            self.go_on(progress, &[], listener);
        }
    }

    /// The connection is over, or there is no room for it.
    pub(super) fn close(&mut self, listener: &mut dyn Listener) {
        if let Stage::Dissecting(_, mut dissector) = std::mem::replace(&mut self.stage, Stage::Unread) {
            dissector.close(listener);
        }
    }

    /// What a side was found to speak since the last time.
    pub(super) fn found(&mut self) -> impl Iterator<Item = (Direction, AppProto)> {
        [Direction::Up, Direction::Down].into_iter().zip(&mut self.sides).filter_map(|(direction, side)| {
            let found = side.found.filter(|_| !side.noted)?;
            side.noted = true;
            Some((direction, found))
        })
    }

    /// What it spoke before it changed, if it did.
    pub(super) fn before(&self) -> Option<AppProto> {
        self.before
    }

    /// Whether there is nothing to learn from it any more.
    pub(super) fn is_over(&self) -> bool {
        let is_known = self.sides.iter().all(|side| side.found.is_some());
        match self.stage {
            Stage::Dissecting(..) => false,
            Stage::Detecting | Stage::Unread => is_known,
            Stage::Done => true,
        }
    }

    /// Whether nobody wants its bytes, not even to hold others against them.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// By how many bytes of memory it has grown, or shrunk, since the last time.
    pub(super) fn weigh(&mut self) -> isize {
        let seen: usize = self.sides.iter().map(|side| side.seen.capacity()).sum();
        let dissector = match &self.stage {
            Stage::Dissecting(_, dissector) => size_of_val(&**dissector) + dissector.held(),
            _ => 0,
        };
        let weight = size_of::<Self>() + seen + dissector;
        let grown = weight.cast_signed() - self.weighed.cast_signed();
        self.weighed = weight;
        grown
    }

    /// The memory that it was found to take, when last weighed.
    pub(super) fn weighed(&self) -> usize {
        self.weighed
    }

    /// Looks at the first bytes of a side, if they have not told yet.
    fn look(&mut self, direction: Direction, bytes: &[u8]) {
        let ports = self.ports;
        let side = direction.of_mut(&mut self.sides);
        if side.found.is_some() || matches!(self.stage, Stage::Done) {
            return;
        }
        // What tells at once, as nearly all first segments do, is not copied.
        let guess = if side.seen.is_empty() {
            detect::tcp(direction, bytes, ports)
        } else {
            let len = side.seen.len();
            side.seen.extend(bytes.iter().take(TCP_BYTES_MAX.saturating_sub(len)));
            let guess = detect::tcp(direction, &side.seen, ports);
            side.seen.truncate(len);
            guess
        };
        side.found = match guess {
            Guess::Is(app_proto) => Some(app_proto),
            Guess::No => Some(AppProto::Failed),
            Guess::NeedMore => None,
        };
        // Where the dissector is chosen, the bytes are kept for this look alone.
        if !matches!(self.stage, Stage::Detecting) {
            if guess == Guess::NeedMore { side.append(bytes) } else { side.seen = Vec::new() }
        }
    }

    /// Keeps bytes for the dissector that is not known yet.
    fn keep(&mut self, direction: Direction, bytes: &[u8]) {
        if self.sides.iter().all(|side| side.found.is_some()) {
            // Both have told, and there is no dissector.
            self.stage = Stage::Unread;
            self.sides.iter_mut().for_each(|side| side.seen = Vec::new());
            return;
        }
        direction.of_mut(&mut self.sides).append(bytes);
    }

    /// A dissector for what a side was found to speak.
    fn choose(&self) -> Option<(AppProto, Box<dyn Dissector>)> {
        let mut found = self.sides.iter().filter_map(|side| side.found);
        found.find_map(|app_proto| Some((app_proto, (self.choose)(app_proto)?)))
    }

    /// Gives a new dissector what has come so far: the other side's first, which
    /// was there before what told.
    fn start(
        &mut self,
        (app_proto, dissector): (AppProto, Box<dyn Dissector>),
        direction: Direction,
        listener: &mut dyn Listener,
    ) {
        self.stage = Stage::Dissecting(app_proto, dissector);
        for direction in [direction.reversed(), direction] {
            let side = direction.of_mut(&mut self.sides);
            let (seen, passed_over) = (std::mem::take(&mut side.seen), std::mem::take(&mut side.passed_over));
            self.bytes(direction, &seen, listener);
            if passed_over > 0 {
                self.gap(direction, passed_over, listener);
            }
        }
    }

    /// What a dissector's answer leads to; returns the bytes that are still to
    /// be read.
    fn go_on<'b>(&mut self, progress: Progress, bytes: &'b [u8], listener: &mut dyn Listener) -> &'b [u8] {
        let Progress::Becomes { next, unread } = progress else {
            let over = match progress {
                Progress::Done => Stage::Done,
                Progress::NotMine | Progress::Malformed => Stage::Unread,
                Progress::More | Progress::Becomes { .. } => return &[],
            };
            self.close(listener);
            self.stage = over;
            self.sides.iter_mut().for_each(|side| side.seen = Vec::new());
            return &[];
        };
        if let Stage::Dissecting(app_proto, _) = self.stage {
            self.before = Some(app_proto);
        }
        self.close(listener);
        self.changes += 1;
        if self.changes > CHANGES_MAX {
            return &[];
        }
        self.sides = <[Side; 2]>::default();
        self.stage = Stage::Detecting;
        if let Some(next) = next {
            self.sides.iter_mut().for_each(|side| side.found = Some(next));
            self.stage = match (self.choose)(next) {
                Some(dissector) => Stage::Dissecting(next, dissector),
                None => Stage::Unread,
            };
        }
        bytes.len().checked_sub(unread).and_then(|read| bytes.get(read..)).unwrap_or_default()
    }
}

impl Side {
    fn append(&mut self, bytes: &[u8]) {
        let room = if self.has_hole { 0 } else { TCP_BYTES_MAX.saturating_sub(self.seen.len()) };
        let (kept, over) = bytes.split_at(room.min(bytes.len()));
        self.seen.extend_from_slice(kept);
        self.passed_over += over.len() as u64;
    }
}
