//! Brotli (RFC 7932).
//!
//! What breaks loses what was decoded since bytes were given last: the library keeps
//! it back.

use std::fmt;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::stage::{Out, Step};

/// The most that is held, in bytes: the largest window, twice while it grows, and
/// the tables of codes. Large windows, which are no content coding, are refused.
pub(super) const HELD_MAX: usize = (24 << 20) + (256 << 10);

/// Bytes that are decoded at a time.
const PIECE: usize = 8 * 1024;

/// One body.
pub(super) struct Brotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    made: usize,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self { state: Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())), made: 0 }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Out<'_>) -> Step {
        let mut piece = [0; PIECE];
        let (mut left, mut at) = (bytes.len(), 0);
        loop {
            let (mut room, mut made) = (PIECE, 0);
            let result = BrotliDecompressStream(
                &mut left,
                &mut at,
                bytes,
                &mut room,
                &mut made,
                &mut piece,
                &mut self.made,
                &mut self.state,
            );
            let decoded = piece.get(..made).unwrap_or_default();
            if !decoded.is_empty() && out(decoded).is_break() {
                return Step::Stopped;
            }
            match result {
                BrotliResult::ResultSuccess => return Step::Ended,
                BrotliResult::NeedsMoreInput => return Step::More,
                BrotliResult::NeedsMoreOutput if made > 0 => {}
                BrotliResult::NeedsMoreOutput | BrotliResult::ResultFailure => return Step::Failed,
            }
        }
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        size_of_val(&*self.state) + self.made.min(HELD_MAX)
    }
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli").field("made", &self.made).finish_non_exhaustive()
    }
}
