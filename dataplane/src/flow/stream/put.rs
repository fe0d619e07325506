//! Bytes of a segment put into a page where others may be already.

use super::overlap::{Extent, Rule, replaces};
use super::page::{Stretch, first_place};
use super::pieces;
use super::pool::Purse;

/// The payload of a segment, at its place in the stream.
#[derive(Clone, Copy)]
pub(super) struct Sent<'a> {
    /// The place of the first byte; negative before the stream's first.
    pub(super) from: i64,
    /// The place after the last one.
    pub(super) to: i64,
    payload: &'a [u8],
}

impl<'a> Sent<'a> {
    pub(super) fn new(from: i64, payload: &'a [u8]) -> Self {
        Self { from, to: from.saturating_add_unsigned(payload.len() as u64), payload }
    }

    /// Its bytes between two places, which are in it.
    #[inline]
    pub(super) fn between(&self, from: u64, to: u64) -> &'a [u8] {
        let index = |place: u64| usize::try_from(place.cast_signed() - self.from).unwrap_or(usize::MAX);
        self.payload.get(index(from)..index(to)).unwrap_or_default()
    }
}

/// What putting bytes into a page has shown.
#[derive(Default)]
pub(super) struct Put {
    /// How many were not there.
    pub(super) new: u64,
    /// Some were there.
    pub(super) overlap: bool,
    /// And were others.
    pub(super) conflict: bool,
}

/// Puts a stretch of a segment into its page; where bytes are there, by the
/// rule.
pub(super) fn put(purse: &mut Purse<'_>, rule: Rule, id: u32, stretch: Stretch, sent: Sent<'_>) -> Put {
    let page_from = first_place(stretch.page).cast_signed();
    let whole = Extent { from: sent.from - page_from, to: sent.to - page_from };
    let mut put = Put::default();
    let mut at = stretch.begin;
    while at < stretch.end {
        let (end, there) = purse.pool.page(id).run(at, stretch.end);
        let run = Stretch { begin: at, end, ..stretch };
        let bytes = sent.between(run.from(), run.to());
        if there {
            put.overlap = true;
            put.conflict |= purse.pool.page(id).bytes(at, end) != bytes;
            match rule {
                Rule::First => {}
                Rule::Last => purse.pool.page_mut(id).write(at, bytes),
                Rule::Contest(_) => contest(purse, rule, id, run, whole, sent),
            }
        } else {
            if matches!(rule, Rule::Contest(_)) && !pieces::claim(purse, id, at..end, whole) {
                purse.counters.pieces_full += 1;
            }
            purse.pool.page_mut(id).write(at, bytes);
            purse.pool.page_mut(id).mark(at, end);
            put.new += (end - at) as u64;
        }
        at = end;
    }
    put
}

/// Bytes that are all there, against those of a segment: piece by piece.
fn contest(purse: &mut Purse<'_>, rule: Rule, id: u32, run: Stretch, whole: Extent, sent: Sent<'_>) {
    let Rule::Contest(policy) = rule else { return };
    let mut at = run.begin;
    while at < run.end {
        let (end, old) = pieces::owner(purse.pool, id, at, run.end);
        if old.is_some_and(|old| replaces(policy, whole, old)) {
            if pieces::claim(purse, id, at..end, whole) {
                let piece = Stretch { begin: at, end, ..run };
                purse.pool.page_mut(id).write(at, sent.between(piece.from(), piece.to()));
            } else {
                purse.counters.pieces_full += 1;
            }
        }
        at = end;
    }
}
