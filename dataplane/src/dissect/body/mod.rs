//! Bodies as they were meant: codings of content undone as they stream by.
//!
//! [`Decoder`] takes the body of one message in pieces and gives it out decoded,
//! in pieces of its own cutting. It is as tolerant as browsers are, since what a
//! browser shows is what matters: deflate with and without zlib around it, gzip
//! under the name of deflate, members one after another, a wrong or missing
//! trailer, bytes behind the end. Checksums are not verified.
//!
//! What does not decode from its very start passes as it is; what breaks later
//! ends there. Output is bounded absolutely and in proportion to input, so that a
//! bomb costs no more than its fuse; then nothing more comes out. Memory is bounded
//! by [`HELD_MAX`], nearly all of it the window that zstd and Brotli ask for, taken
//! as it fills.
//!
//! - `coding`: what the header says
//! - `stage`: one coding: when it begins, fails, ends
//! - `inflate`, `brotli`, `zstd`: the three engines

mod brotli;
mod coding;
mod inflate;
mod stage;
#[cfg(test)]
mod tests;
mod zstd;

use std::ops::ControlFlow;

use coding::Codings;
pub use coding::{CODINGS_MAX, Coding};
use stage::Stage;

/// The most that comes out of one body, in bytes. Content of this size is stored
/// compressed and sent as it is, not encoded on the way.
pub const DECODED_MAX: u64 = 128 << 20;

/// The most bytes that may come of one byte sent, once more than
/// [`RATIO_FREE`] have come. Markup and logs shrink to a fiftieth at the best;
/// deflate cannot do better than a thousandth, which only a bomb needs.
pub const RATIO_MAX: u64 = 256;

/// So many bytes of a body may come of however few.
pub const RATIO_FREE: u64 = 1 << 20;

/// The most memory that one body holds while it is decoded, in bytes.
pub const HELD_MAX: usize = CODINGS_MAX * stage::HELD_MAX;

/// How decoding stands; it only gets worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// What has come is decoded.
    #[default]
    Sound,
    /// It was not this coding from the start, and comes out as it went in.
    Raw(Coding),
    /// It ended before the coding did; what could be had is out.
    Truncated(Coding),
    /// It broke on its way: nothing comes out any more.
    Broken(Coding),
    /// It grew beyond measure: nothing comes out any more.
    Bomb(Coding),
}

impl Outcome {
    /// Whether what came out is not, or not surely, what was meant.
    pub fn is_damaged(self) -> bool {
        self != Self::Sound
    }

    /// Whether nothing comes out any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Broken(_) | Self::Bomb(_))
    }

    fn rank(self) -> u8 {
        match self {
            Self::Sound => 0,
            Self::Raw(_) => 1,
            Self::Truncated(_) => 2,
            Self::Broken(_) => 3,
            Self::Bomb(_) => 4,
        }
    }

    /// The worse of two.
    fn worse(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }
}

/// Decodes the body of one message.
#[derive(Debug, Default)]
pub struct Decoder {
    /// In the order in which they are undone: the last applied first.
    stages: Vec<Stage>,
    /// Bytes of the body so far, as sent.
    taken: u64,
    outcome: Outcome,
    has_unknown: bool,
    has_too_many: bool,
}

impl Decoder {
    /// For a body with this `Content-Encoding`; of several such headers the values
    /// are joined by commas. Nothing is allocated before bytes come.
    pub fn new(content_encoding: &[u8]) -> Self {
        let codings = Codings::new(content_encoding);
        Self {
            stages: codings.known.iter().rev().map(|coding| Stage::new(*coding)).collect(),
            has_unknown: codings.has_unknown,
            has_too_many: codings.are_too_many,
            ..Self::default()
        }
    }

    /// Whether bytes come out as they go in.
    pub fn is_identity(&self) -> bool {
        self.stages.is_empty()
    }

    /// Whether a coding was named that is not known here, and is taken for none.
    pub fn has_unknown(&self) -> bool {
        self.has_unknown
    }

    /// Whether more than [`CODINGS_MAX`] were named; those are not undone.
    pub fn has_too_many(&self) -> bool {
        self.has_too_many
    }

    /// How decoding stands.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Takes the bytes that follow and gives out what they decode to, in pieces
    /// that are never empty. After an outcome that [`Outcome::is_over`] nothing
    /// comes out.
    pub fn feed(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) -> Outcome {
        if self.stages.is_empty() {
            if !bytes.is_empty() {
                out(bytes);
            }
        } else if !self.outcome.is_over() {
            self.taken = self.taken.saturating_add(bytes.len() as u64);
            let outcome = run(&mut self.stages, Input::Bytes(bytes), self.taken, out);
            self.settle(outcome);
        }
        self.outcome
    }

    /// The body is over: gives out what is still to be had, and frees all memory.
    pub fn end(&mut self, out: &mut dyn FnMut(&[u8])) -> Outcome {
        if !self.outcome.is_over() {
            for first in 0..self.stages.len() {
                let stages = self.stages.get_mut(first..).unwrap_or_default();
                let outcome = run(stages, Input::End, self.taken, out);
                self.settle(outcome);
            }
        }
        self.stages.iter_mut().for_each(Stage::release);
        self.outcome
    }

    /// Bytes of the body are missing here: of encoded content nothing more can be
    /// known.
    pub fn gap(&mut self, out: &mut dyn FnMut(&[u8])) -> Outcome {
        if let Some(coding) = self.stages.first().map(Stage::coding) {
            self.end(out);
            self.outcome = self.outcome.worse(Outcome::Broken(coding));
        }
        self.outcome
    }

    /// Bytes of memory held.
    pub fn held(&self) -> usize {
        self.stages.iter().map(Stage::held).sum()
    }

    fn settle(&mut self, outcome: Outcome) {
        self.outcome = self.outcome.worse(outcome);
        if self.outcome.is_over() {
            self.stages.iter_mut().for_each(Stage::release);
        }
    }
}

/// What goes into a stage.
#[derive(Clone, Copy)]
enum Input<'a> {
    Bytes(&'a [u8]),
    /// Nothing more comes.
    End,
}

/// Sends bytes through the stages, each one's output into the next.
fn run(stages: &mut [Stage], input: Input<'_>, taken: u64, out: &mut dyn FnMut(&[u8])) -> Outcome {
    let Some((first, rest)) = stages.split_first_mut() else {
        if let Input::Bytes(bytes) = input {
            out(bytes);
        }
        return Outcome::Sound;
    };
    let mut behind = Outcome::Sound;
    let mut next = |bytes: &[u8]| {
        behind = behind.worse(run(rest, Input::Bytes(bytes), taken, out));
        if behind.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let outcome = match input {
        Input::Bytes(bytes) => first.feed(bytes, taken, &mut next),
        Input::End => first.end(taken, &mut next),
    };
    outcome.worse(behind)
}
