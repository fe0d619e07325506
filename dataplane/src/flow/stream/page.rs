//! A page: the bytes of a stretch of a stream, which of them are there, and, where
//! a policy asks for it, of which segments they are.
//!
//! Pages lie at multiples of their length in the stream, so the place of a byte
//! alone says where it is kept, and bytes that come in any order need no list.
//! Which bytes are there is told by bits, for those beyond the place that is
//! next; below it all are, and the bits mean nothing.

use super::pieces::{FEW, PieceArray};
use super::pool::NONE;

/// Bytes in a page: a full segment takes one or two, a small request one.
pub(super) const PAGE_LEN: usize = 1 << PAGE_BITS;
const PAGE_BITS: u32 = 11;
const WORDS: usize = PAGE_LEN / 64;

/// The page that holds a place.
#[inline]
pub(super) const fn page_of(place: u64) -> u64 {
    place >> PAGE_BITS
}

/// The place of the first byte of a page.
#[inline]
pub(super) const fn first_place(page: u64) -> u64 {
    page << PAGE_BITS
}

/// Bytes of a stream that lie in one page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// The page.
    pub(super) page: u64,
    /// The first byte in it.
    pub(super) begin: usize,
    /// The byte in it that comes after the last.
    pub(super) end: usize,
}

impl Stretch {
    /// From a place on, up to a later one or to the end of the page.
    #[inline]
    pub(super) fn at(from: u64, to: u64) -> Self {
        let in_page = from % PAGE_LEN as u64;
        let len = (to - from).min(PAGE_LEN as u64 - in_page);
        let narrow = |at| usize::try_from(at).unwrap_or(PAGE_LEN);
        Self { page: page_of(from), begin: narrow(in_page), end: narrow(in_page + len) }
    }

    /// The place of its first byte.
    #[inline]
    pub(super) const fn from(&self) -> u64 {
        first_place(self.page) + self.begin as u64
    }

    /// The place after its last byte.
    #[inline]
    pub(super) const fn to(&self) -> u64 {
        first_place(self.page) + self.end as u64
    }
}

/// The pages from a place up to another, and what of them lies between.
pub(super) fn stretches(from: u64, to: u64) -> impl Iterator<Item = Stretch> {
    let mut at = from;
    std::iter::from_fn(move || {
        let stretch = (at < to).then(|| Stretch::at(at, to))?;
        at = stretch.to();
        Some(stretch)
    })
}

/// A page of a stream.
pub(super) struct Page {
    bytes: [u8; PAGE_LEN],
    present: [u64; WORDS],
    /// Some byte was marked since the page was cleared; most never are.
    is_marked: bool,
    pub(super) few: PieceArray<FEW>,
    /// The block of the list of pieces, where there are many.
    pub(super) many: u32,
}

impl Page {
    pub(super) const fn empty() -> Self {
        Self {
            bytes: [0; PAGE_LEN],
            present: [0; WORDS],
            is_marked: false,
            few: PieceArray::empty(),
            many: NONE,
        }
    }

    /// Nothing is there. What the bytes were stays, and cannot be asked for.
    #[inline]
    pub(super) fn clear(&mut self) {
        if self.is_marked {
            self.is_marked = false;
            self.present = [0; WORDS];
            self.few.clear();
            self.many = NONE;
        }
    }

    /// Bytes of the page; they must be there.
    #[inline]
    pub(super) fn bytes(&self, from: usize, to: usize) -> &[u8] {
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// Puts bytes there, without marking them.
    #[inline]
    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    /// Whether the byte at `from` is there, and up to where, at most `to`, all
    /// others are as well, or are not.
    pub(super) fn run(&self, from: usize, to: usize) -> (usize, bool) {
        let word_at = |at: usize| self.present.get(at / 64).copied().unwrap_or(0);
        let there = word_at(from) >> (from % 64) & 1 == 1;
        let mut at = from;
        while at < to {
            let others = if there { !word_at(at) } else { word_at(at) } >> (at % 64);
            if others != 0 {
                return (to.min(at + others.trailing_zeros() as usize), there);
            }
            at = (at / 64 + 1) * 64;
        }
        (to, there)
    }

    /// The bytes are there from now on.
    pub(super) fn mark(&mut self, from: usize, to: usize) {
        self.is_marked = true;
        let mut at = from;
        while at < to {
            let end = to.min((at / 64 + 1) * 64);
            let bits = (u64::MAX >> (64 - (end - at))) << (at % 64);
            if let Some(word) = self.present.get_mut(at / 64) {
                *word |= bits;
            }
            at = end;
        }
    }

    /// How many bytes of a stretch are there.
    pub(super) fn count(&self, from: usize, to: usize) -> u64 {
        let words = self.present.iter().zip((0..).step_by(64));
        let counts = words.filter(|&(_, at)| at < to && from < at + 64).map(|(&word, at)| {
            let after = (at + 64).saturating_sub(to);
            (word << after >> after >> from.saturating_sub(at)).count_ones()
        });
        counts.map(u64::from).sum()
    }

    /// The block of the list of pieces, where there are many.
    pub(super) fn spilled(&self) -> Option<u32> {
        (self.many != NONE).then_some(self.many)
    }
}
