//! Of which segments the bytes of a page are, for the policies that ask.
//!
//! Pieces stand in the page while they are few, as they are with full segments,
//! and in a block of their own when they are many. Beyond that, and where there
//! is no block, a stretch of bytes is of no segment that is known, and what came
//! first counts there: what is bounded is how exactly a policy is followed, never
//! which bytes there are.

use super::overlap::Extent;
use super::pool::{Kind, Pool, Purse};

/// Pieces that a page keeps in itself: enough for full segments.
pub(super) const FEW: usize = 5;
/// Pieces in a list of their own, which fills a block: one for every 11 bytes.
const MANY: usize = 186;

/// Bytes of a page that one segment put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    begin: u16,
    end: u16,
    /// Where the segment began and ended, counted from the page's first byte.
    from: i32,
    to: i32,
}

impl Piece {
    const NOTHING: Self = Self { begin: 0, end: 0, from: 0, to: 0 };

    fn extent(&self) -> Extent {
        Extent { from: i64::from(self.from), to: i64::from(self.to) }
    }
}

/// Pieces, in order and without overlap.
#[derive(Clone, Copy)]
pub(super) struct PieceArray<const N: usize> {
    len: u16,
    all: [Piece; N],
}

/// The list of a page that has many.
pub(super) type Pieces = PieceArray<MANY>;

impl<const N: usize> PieceArray<N> {
    pub(super) const fn empty() -> Self {
        Self { len: 0, all: [Piece::NOTHING; N] }
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    fn as_slice(&self) -> &[Piece] {
        self.all.get(..self.len()).unwrap_or_default()
    }

    fn insert(&mut self, at: usize, piece: Piece) {
        self.len += 1;
        let len = self.len();
        if let Some(tail) = self.all.get_mut(at..len) {
            tail.rotate_right(1);
            if let Some(first) = tail.first_mut() {
                *first = piece;
            }
        }
    }

    fn remove(&mut self, from: usize, to: usize) {
        let len = self.len();
        if let Some(tail) = self.all.get_mut(from..len) {
            tail.rotate_left(to - from);
            self.len -= u16::try_from(to - from).unwrap_or(0);
        }
    }

    /// Gives bytes to a segment; whether there was room, else all is as it was.
    fn cover(&mut self, new: Piece) -> bool {
        let pieces = self.as_slice();
        let first = pieces.partition_point(|piece| piece.end <= new.begin);
        let beyond = pieces.partition_point(|piece| piece.begin < new.end).max(first);
        let left = pieces.get(first).copied().filter(|piece| piece.begin < new.begin);
        let right = beyond.checked_sub(1).and_then(|last| pieces.get(last)).copied();
        let right = right.filter(|piece| piece.end > new.end);
        // A run that comes right after another of the same segment is one piece.
        let before = first.checked_sub(1).filter(|_| left.is_none());
        let joined = before
            .and_then(|at| pieces.get(at))
            .filter(|before| before.end == new.begin && (before.from, before.to) == (new.from, new.to));
        let first = first - usize::from(joined.is_some());
        let new = Piece { begin: joined.map_or(new.begin, |joined| joined.begin), ..new };
        let more = 1 + usize::from(left.is_some()) + usize::from(right.is_some());
        if self.len() - (beyond - first) + more > N {
            return false;
        }

        self.remove(first, beyond);
        if let Some(right) = right {
            self.insert(first, Piece { begin: new.end, ..right });
        }
        self.insert(first, new);
        if let Some(left) = left {
            self.insert(first, Piece { end: new.begin, ..left });
        }
        true
    }
}

/// Where the bytes from `at` on that are of one segment end, and its extent; where
/// nothing is known of them, how far that goes. At most to `end`.
fn piece_at(pieces: &[Piece], at: usize, end: usize) -> (usize, Option<Extent>) {
    let next = pieces.partition_point(|piece| usize::from(piece.end) <= at);
    match pieces.get(next) {
        Some(piece) if usize::from(piece.begin) <= at => {
            (end.min(usize::from(piece.end)), Some(piece.extent()))
        }
        Some(piece) => (end.min(usize::from(piece.begin)), None),
        None => (end, None),
    }
}

/// Of which segment the byte at `at` of a page is, and up to where, at most to
/// `end`, the bytes after it are as well; of none that is known, the same.
pub(super) fn owner(pool: &Pool, page: u32, at: usize, end: usize) -> (usize, Option<Extent>) {
    let page = pool.page(page);
    let pieces = match page.spilled() {
        Some(list) => pool.pieces(list).as_slice(),
        None => page.few.as_slice(),
    };
    piece_at(pieces, at, end)
}

/// The bytes of a page are of this segment, whose extent counts from the page's
/// first byte. Where there is no room to note it, the bytes are of no segment
/// that is known, and the answer is `false`.
pub(super) fn claim(purse: &mut Purse<'_>, page: u32, bytes: std::ops::Range<usize>, extent: Extent) -> bool {
    let narrow = |at: i64| i32::try_from(at).ok();
    let (Some(from), Some(to), Ok(begin), Ok(end)) =
        (narrow(extent.from), narrow(extent.to), u16::try_from(bytes.start), u16::try_from(bytes.end))
    else {
        return false;
    };
    let piece = Piece { begin, end, from, to };
    if purse.pool.page(page).spilled().is_none() {
        if purse.pool.page_mut(page).few.cover(piece) {
            return true;
        }
        let Ok(list) = purse.take(Kind::Pieces) else { return false };
        let few = purse.pool.page(page).few;
        let many = purse.pool.pieces_mut(list);
        many.clear();
        few.as_slice().iter().enumerate().for_each(|(at, &piece)| many.insert(at, piece));
        purse.pool.page_mut(page).many = list;
    }
    let Some(list) = purse.pool.page(page).spilled() else { return false };
    purse.pool.pieces_mut(list).cover(piece)
}
