//! One coding of a body: its engine, and what becomes of what it cannot read.

use std::ops::ControlFlow;

use super::brotli::Brotli;
use super::inflate::Inflate;
use super::zstd::Zstd;
use super::{Coding, DECODED_MAX, Outcome, RATIO_FREE, RATIO_MAX};

/// So many bytes are kept until something has come out of them, so that what was
/// never encoded can pass as it is. Formats show themselves in their first bytes,
/// or in their first table of codes, which has less than this.
const BEGINNING_MAX: usize = 2048;

/// The most memory that a stage holds, in bytes.
pub(super) const HELD_MAX: usize = BEGINNING_MAX + super::zstd::HELD_MAX;
const _: () = assert!(super::zstd::HELD_MAX > super::brotli::HELD_MAX);
const _: () = assert!(super::zstd::HELD_MAX > super::inflate::HELD_MAX);

/// Who takes what is decoded; after `Break` nothing more is wanted.
pub(super) type Out<'a> = dyn FnMut(&[u8]) -> ControlFlow<()> + 'a;

/// How an engine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It wants more bytes.
    More,
    /// The content is complete; what follows is not its business.
    Ended,
    /// This is not, or no longer, its format.
    Failed,
    /// Its output is not wanted any more.
    Stopped,
}

/// What undoes one coding.
#[derive(Debug)]
enum Engine {
    Inflate(Inflate),
    Brotli(Brotli),
    Zstd(Zstd),
}

impl Engine {
    fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip | Coding::Deflate => Self::Inflate(Inflate::new(coding)),
            Coding::Brotli => Self::Brotli(Brotli::new()),
            Coding::Zstd => Self::Zstd(Zstd::new()),
        }
    }

    fn feed(&mut self, bytes: &[u8], out: &mut Out<'_>) -> Step {
        match self {
            Self::Inflate(engine) => engine.feed(bytes, out),
            Self::Brotli(engine) => engine.feed(bytes, out),
            Self::Zstd(engine) => engine.feed(bytes, out),
        }
    }

    /// What is still to be had at the end; `Ended` if the content was complete.
    fn end(&mut self, out: &mut Out<'_>) -> Step {
        match self {
            Self::Inflate(engine) => engine.end(),
            Self::Brotli(_) => Step::Failed,
            Self::Zstd(engine) => engine.end(out),
        }
    }

    fn held(&self) -> usize {
        match self {
            Self::Inflate(_) => super::inflate::HELD_MAX,
            Self::Brotli(engine) => engine.held(),
            Self::Zstd(engine) => engine.held(),
        }
    }
}

/// What is done with bytes.
#[derive(Debug)]
enum State {
    /// Nothing has come.
    Idle,
    /// Nothing has come out; the bytes so far, unless they are too many.
    Beginning(Engine, Vec<u8>),
    Decoding(Engine),
    /// The content is complete; what follows is passed over.
    Ended,
    /// They pass as they are.
    Raw,
    /// They are dropped.
    Over,
}

/// One coding that is undone.
#[derive(Debug)]
pub(super) struct Stage {
    coding: Coding,
    state: State,
    /// Bytes that have come out.
    made: u64,
}

impl Stage {
    pub(super) fn new(coding: Coding) -> Self {
        Self { coding, state: State::Idle, made: 0 }
    }

    pub(super) fn coding(&self) -> Coding {
        self.coding
    }

    /// Takes bytes; `taken` have come of the body as it was sent.
    pub(super) fn feed(&mut self, mut bytes: &[u8], taken: u64, out: &mut Out<'_>) -> Outcome {
        let mut outcome = Outcome::Sound;
        while !bytes.is_empty() && !outcome.is_over() {
            // The beginning ends at the same byte however it is cut.
            let room = match &self.state {
                State::Idle => BEGINNING_MAX,
                State::Beginning(_, kept) => BEGINNING_MAX - kept.len(),
                _ => bytes.len(),
            };
            let (piece, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            outcome = outcome.worse(self.feed_piece(piece, taken, out));
            bytes = rest;
        }
        outcome
    }

    fn feed_piece(&mut self, bytes: &[u8], taken: u64, out: &mut Out<'_>) -> Outcome {
        if let State::Idle = self.state {
            self.state = State::Beginning(Engine::new(self.coding), Vec::new());
        }
        let engine = match &mut self.state {
            State::Idle | State::Ended | State::Over => return Outcome::Sound,
            State::Raw => {
                // Whether anybody wants more is known to who asked.
                let _ = out(bytes);
                return Outcome::Sound;
            }
            State::Beginning(engine, _) | State::Decoding(engine) => engine,
        };
        let (step, is_bomb) = metered(&mut self.made, taken, out, |out| engine.feed(bytes, out));
        match step {
            _ if is_bomb => {
                self.state = State::Over;
                return Outcome::Bomb(self.coding);
            }
            Step::More => self.go_on(bytes),
            Step::Ended => self.state = State::Ended,
            Step::Stopped => self.state = State::Over,
            Step::Failed => return self.fail(bytes, out),
        }
        Outcome::Sound
    }

    /// The beginning is over once something has come out, or it has become long.
    fn go_on(&mut self, bytes: &[u8]) {
        let is_long = |kept: &Vec<u8>| kept.len() + bytes.len() >= BEGINNING_MAX;
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Beginning(engine, kept) if self.made > 0 || is_long(&kept) => State::Decoding(engine),
            State::Beginning(engine, mut kept) => {
                kept.extend_from_slice(bytes);
                State::Beginning(engine, kept)
            }
            other => other,
        };
    }

    /// What failed before anything came out passes as it is.
    fn fail(&mut self, bytes: &[u8], out: &mut Out<'_>) -> Outcome {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Beginning(_, kept) if self.made == 0 => {
                self.state = State::Raw;
                if kept.is_empty() || out(&kept).is_continue() {
                    let _ = out(bytes);
                }
                Outcome::Raw(self.coding)
            }
            _ => Outcome::Broken(self.coding),
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self, taken: u64, out: &mut Out<'_>) -> Outcome {
        let (State::Beginning(engine, _) | State::Decoding(engine)) = &mut self.state else {
            return Outcome::Sound;
        };
        let (step, is_bomb) = metered(&mut self.made, taken, out, |out| engine.end(out));
        self.state = State::Over;
        match step {
            _ if is_bomb => Outcome::Bomb(self.coding),
            Step::Ended | Step::Stopped => Outcome::Sound,
            Step::More | Step::Failed => Outcome::Truncated(self.coding),
        }
    }

    /// Frees what is held.
    pub(super) fn release(&mut self) {
        self.state = State::Over;
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        match &self.state {
            State::Idle | State::Ended | State::Raw | State::Over => 0,
            State::Beginning(engine, beginning) => engine.held() + beginning.capacity(),
            State::Decoding(engine) => engine.held(),
        }
    }
}

/// Runs an engine, counts what comes out, and stops it when that is too much.
fn metered(
    made: &mut u64,
    taken: u64,
    out: &mut Out<'_>,
    engine: impl FnOnce(&mut Out<'_>) -> Step,
) -> (Step, bool) {
    let most = DECODED_MAX.min(taken.saturating_mul(RATIO_MAX).max(RATIO_FREE));
    let mut is_bomb = false;
    let step = engine(&mut |bytes| {
        let room = usize::try_from(most.saturating_sub(*made)).unwrap_or(usize::MAX);
        let fitting = bytes.get(..room).unwrap_or(bytes);
        is_bomb = fitting.len() < bytes.len();
        *made = made.saturating_add(fitting.len() as u64);
        if !fitting.is_empty() && out(fitting).is_break() || is_bomb {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    (step, is_bomb)
}
