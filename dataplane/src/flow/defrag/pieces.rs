//! What of a datagram's payload is there, and of which extents.

use std::ops::Range;

use tidegate_config::FragmentPolicy;

use super::policy::replaces;

/// Bytes that one fragment stands for, without a gap: `begin..end`, not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) begin: u16,
    pub(super) end: u16,
}

impl Piece {
    pub(super) const fn len(self) -> usize {
        (self.end - self.begin) as usize
    }

    pub(super) fn range(self) -> Range<usize> {
        self.begin.into()..self.end.into()
    }
}

/// What a new fragment changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The places of the pieces that it overlaps.
    pub(super) overlapped: Range<usize>,
    /// How many pieces stand in their place.
    pub(super) replacements: usize,
}

/// The pieces of `new` that count, and what remains of those it overlaps.
///
/// Kept apart from the datagrams, so that one serves all.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// What is to stand in the place of the overlapped pieces, in order.
    replacements: Vec<Piece>,
    /// The part of the new fragment that counts, in order.
    won: Vec<Piece>,
}

impl Plan {
    /// Works out what becomes of `pieces`, which are in order and disjoint, when
    /// `new` comes. A datagram of n fragments has less than 2n pieces: each
    /// fragment adds at most two places where one piece ends and the next begins.
    pub(super) fn make(&mut self, pieces: &[Piece], new: Piece, policy: FragmentPolicy) -> Change {
        self.replacements.clear();
        self.won.clear();
        let from = pieces.partition_point(|piece| piece.end <= new.begin);
        let overlapped = pieces.get(from..).unwrap_or_default().iter().take_while(|old| old.begin < new.end);
        let (mut to, mut begin, mut behind) = (from, new.begin, None);
        for &old in overlapped {
            to += 1;
            if replaces(policy, new, old) {
                if old.begin < new.begin {
                    self.replacements.push(Piece { begin: old.begin, end: new.begin });
                }
                if old.end > new.end {
                    behind = Some(Piece { begin: new.end, end: old.end });
                }
            } else {
                self.win(begin, old.begin);
                self.replacements.push(old);
                begin = old.end;
            }
        }
        self.win(begin, new.end);
        self.replacements.extend(behind);
        Change { overlapped: from..to, replacements: self.replacements.len() }
    }

    fn win(&mut self, begin: u16, end: u16) {
        if begin < end {
            self.won.push(Piece { begin, end });
            self.replacements.push(Piece { begin, end });
        }
    }

    /// Carries the plan out on the pieces that it was made for; gives how many
    /// bytes there are more than before.
    pub(super) fn apply(&self, pieces: &mut Vec<Piece>, change: &Change) -> usize {
        let before: usize =
            pieces.splice(change.overlapped.clone(), self.replacements.iter().copied()).map(Piece::len).sum();
        self.replacements.iter().map(|piece| piece.len()).sum::<usize>() - before
    }

    /// The part of the new fragment that counts.
    pub(super) fn won(&self) -> &[Piece] {
        &self.won
    }
}
