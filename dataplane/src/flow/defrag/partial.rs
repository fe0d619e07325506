//! A datagram that is not whole yet: what has come of it.

use tidegate_config::FragmentPolicy;

use super::pages::{Pages, Pool};
use super::pieces::{Change, Piece, Plan};
use super::{FRAGMENTS_MAX, Fragment, FragmentKey, Refusal};
use crate::time::Timestamp;
use crate::wire::ipv6::{self, Extensions};
use crate::wire::{checksum, ipv4};

/// The most bytes of a datagram: all of IPv4's, IPv6's without its fixed header.
const DATAGRAM_MAX: usize = 65_535;

/// How many fragments, pieces and header bytes a datagram has room for that its
/// place in the table accounts for; what takes more is charged for more.
const FRAGMENTS_SMALL: usize = 8;
const PIECES_SMALL: usize = 8;
const HEADER_SMALL: usize = 64;

/// What is to be done with a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken in, as the plan says.
    Take(Change),
    /// All of it is there, byte for byte.
    Duplicate,
    /// It is refused, and the datagram waits on.
    Refuse(Refusal),
    /// The whole datagram is refused.
    RefuseWhole(Refusal),
}

#[derive(Debug)]
pub(super) struct Partial<H> {
    pub(super) key: FragmentKey,
    /// When its first fragment came.
    pub(super) since: Timestamp,
    policy: FragmentPolicy,
    /// It was refused; all that comes of it is.
    pub(super) refused: bool,
    /// How long its payload is, once the last fragment has told.
    total: Option<usize>,
    /// How many bytes of it are there.
    filled: usize,
    pieces: Vec<Piece>,
    pages: Pages,
    /// The header of the fragment whose byte stands first, and what follows it.
    header: Vec<u8>,
    next_header: u8,
    /// What is held for the fragments, in the order they came.
    pub(super) fragments: Vec<H>,
    /// Bytes charged for it, pages aside: what is held, and what outgrew the
    /// room that its place accounts for.
    pub(super) charged: usize,
}

/// Where a fragment's payload stands, unless that alone says that it is wrong.
pub(super) fn place(fragment: &Fragment<'_>) -> Result<Piece, Refusal> {
    let end = fragment.offset as usize + fragment.payload.len();
    if fragment.payload.is_empty() {
        return Err(Refusal::Empty);
    }
    if header_share(&fragment.key, fragment.header) + end > DATAGRAM_MAX {
        return Err(Refusal::TooLarge);
    }
    if fragment.more && !fragment.payload.len().is_multiple_of(8) {
        return Err(Refusal::Unaligned);
    }
    match (u16::try_from(fragment.offset), u16::try_from(end)) {
        (Ok(begin), Ok(end)) => Ok(Piece { begin, end }),
        _ => Err(Refusal::TooLarge),
    }
}

/// How many bytes of the header count against the largest datagram.
fn header_share(key: &FragmentKey, header: &[u8]) -> usize {
    if key.is_ipv4() { header.len() } else { header.len().saturating_sub(ipv6::HEADER_LEN) }
}

impl<H> Partial<H> {
    /// What a place in the table costs besides the place itself.
    pub(super) const ROOM: usize =
        FRAGMENTS_SMALL * size_of::<H>() + PIECES_SMALL * size_of::<Piece>() + HEADER_SMALL + 3 * 16;

    /// Whether a vector for fragments takes no more than a place accounts for.
    pub(super) const fn is_small(fragments: &Vec<H>) -> bool {
        fragments.capacity() <= FRAGMENTS_SMALL
    }

    /// Of nothing yet.
    pub(super) fn new(key: FragmentKey, since: Timestamp, policy: FragmentPolicy) -> Self {
        Self {
            key,
            since,
            policy,
            refused: false,
            total: None,
            filled: 0,
            pieces: Vec::with_capacity(PIECES_SMALL),
            pages: Pages::default(),
            header: Vec::with_capacity(HEADER_SMALL),
            next_header: 0,
            fragments: Vec::with_capacity(FRAGMENTS_SMALL),
            charged: 0,
        }
    }

    /// Of nothing again, for another datagram; `fragments` is empty.
    pub(super) fn reopen(
        &mut self,
        key: FragmentKey,
        since: Timestamp,
        policy: FragmentPolicy,
        fragments: impl FnOnce() -> Option<Vec<H>>,
    ) {
        (self.key, self.since, self.policy, self.refused) = (key, since, policy, false);
        if self.fragments.capacity() == 0 {
            self.fragments = fragments().unwrap_or_else(|| Vec::with_capacity(FRAGMENTS_SMALL));
        }
    }

    /// Forgets all; gives its pages to the pool. What is left costs no more than
    /// its place in the table accounts for.
    pub(super) fn clear(&mut self, pool: &mut Pool) {
        pool.take_back(&mut self.pages);
        (self.total, self.filled, self.charged) = (None, 0, 0);
        forget(&mut self.fragments, FRAGMENTS_SMALL);
        forget(&mut self.pieces, PIECES_SMALL);
        forget(&mut self.header, HEADER_SMALL);
    }

    /// What is to be done with a fragment that stands at `piece`; the plan is
    /// then that of taking it in.
    pub(super) fn judge(&self, fragment: &Fragment<'_>, piece: Piece, plan: &mut Plan) -> Fate {
        let ipv4 = self.key.is_ipv4();
        let (begin, end) = (usize::from(piece.begin), usize::from(piece.end));
        let furthest = self.pieces.last().map_or(0, |last| usize::from(last.end));
        let header = if begin == 0 { fragment.header } else { &self.header };
        if header_share(&self.key, header) + furthest.max(end) > DATAGRAM_MAX {
            return Fate::Refuse(Refusal::TooLarge);
        }
        let contradicts = match self.total {
            Some(total) => end > total || !fragment.more && end != total,
            None => !fragment.more && end < furthest,
        };
        if contradicts {
            let why = Refusal::Contradiction;
            return if ipv4 { Fate::Refuse(why) } else { Fate::RefuseWhole(why) };
        }
        let change = plan.make(&self.pieces, piece, self.policy);
        if self.pieces.get(change.overlapped.clone()) == Some(&[piece])
            && (fragment.more || self.total == Some(end))
            && self.pages.hold(begin, fragment.payload)
        {
            return Fate::Duplicate;
        }
        if !ipv4 && !change.overlapped.is_empty() {
            return Fate::RefuseWhole(Refusal::Overlap);
        }
        if self.fragments.len() >= FRAGMENTS_MAX {
            return Fate::RefuseWhole(Refusal::TooMany);
        }
        Fate::Take(change)
    }

    /// What taking it in costs: pages, and bytes besides, without what is held.
    pub(super) fn cost(&self, fragment: &Fragment<'_>, piece: Piece, change: &Change) -> (usize, usize) {
        let pieces = self.pieces.len() - change.overlapped.len() + change.replacements;
        let mut bytes = growth(&self.fragments, self.fragments.len() + 1, FRAGMENTS_SMALL)
            + growth(&self.pieces, pieces, PIECES_SMALL);
        if piece.begin == 0 {
            bytes += growth(&self.header, fragment.header.len(), HEADER_SMALL);
        }
        (self.pages.missing(piece.range()), bytes)
    }

    /// Takes a fragment in as the plan says; gives how many pages that took.
    pub(super) fn take_in(
        &mut self,
        fragment: &Fragment<'_>,
        held: H,
        (change, plan): (&Change, &Plan),
        pool: &mut Pool,
    ) -> usize {
        let begin = fragment.offset as usize;
        let pages = plan.won().iter().map(|won| {
            let payload = fragment.payload.get(usize::from(won.begin) - begin..usize::from(won.end) - begin);
            self.pages.write(pool, won.begin.into(), payload.unwrap_or_default())
        });
        let pages = pages.sum();
        if plan.won().first().is_some_and(|won| won.begin == 0) {
            self.header.clear();
            grow(&mut self.header, fragment.header.len(), HEADER_SMALL);
            self.header.extend_from_slice(fragment.header);
            self.next_header = fragment.next_header;
        }
        if !fragment.more {
            self.total = Some(begin + fragment.payload.len());
        }
        let pieces = self.pieces.len() - change.overlapped.len() + change.replacements;
        grow(&mut self.pieces, pieces, PIECES_SMALL);
        self.filled += plan.apply(&mut self.pieces, change);
        let fragments = self.fragments.len() + 1;
        grow(&mut self.fragments, fragments, FRAGMENTS_SMALL);
        self.fragments.push(held);
        pages
    }

    pub(super) fn is_whole(&self) -> bool {
        self.total == Some(self.filled)
    }

    /// Writes the whole datagram, from the network header on, over `bytes`.
    pub(super) fn assemble(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.reserve_exact(self.header.len() + self.filled);
        bytes.extend_from_slice(&self.header);
        bytes.resize(self.header.len() + self.filled, 0);
        let (header, payload) = bytes.split_at_mut(self.header.len());
        self.pages.read(payload);
        let len = header_share(&self.key, header) + payload.len();
        // No more than `DATAGRAM_MAX`, by `place` and `judge`.
        let [l0, l1] = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
        if self.key.is_ipv4() {
            if let Some([_, _, len0, len1, _, _, f0, f1, _, _, sum0, sum1, ..]) =
                header.first_chunk_mut::<{ ipv4::HEADER_LEN }>()
            {
                (*len0, *len1, *f0, *f1, *sum0, *sum1) = (l0, l1, 0, 0, 0, 0);
            }
            let sum = checksum::of(header).to_be_bytes();
            if let Some(field) = header.get_mut(10..12) {
                field.copy_from_slice(&sum);
            }
        } else {
            let next_header_at = next_header_at(header);
            if let Some(field) = header.get_mut(4..6) {
                field.copy_from_slice(&[l0, l1]);
            }
            if let Some(next_header) = header.get_mut(next_header_at) {
                *next_header = self.next_header;
            }
        }
    }
}

/// Where in an IPv6 header, with the extension headers that follow, the number
/// of the header stands that comes after all of these.
fn next_header_at(header: &[u8]) -> usize {
    const IN_FIXED: usize = 6;
    let (Some(&next), Some(extensions)) = (header.get(IN_FIXED), header.get(ipv6::HEADER_LEN..)) else {
        return IN_FIXED;
    };
    let mut walk = Extensions::new(next, extensions);
    let mut at = IN_FIXED;
    loop {
        let begin = header.len() - walk.rest().len();
        match walk.next() {
            Some(Ok(_)) => at = begin,
            Some(Err(_)) | None => return at,
        }
    }
}

/// The room that a vector is given for `len` elements.
fn room(len: usize, small: usize) -> usize {
    len.next_power_of_two().max(small)
}

/// The bytes beyond those accounted for that a vector will take for `len` elements.
fn growth<T>(vec: &Vec<T>, len: usize, small: usize) -> usize {
    if len <= vec.capacity() { 0 } else { (room(len, small) - vec.capacity().max(small)) * size_of::<T>() }
}

/// Makes room for `len` elements in all.
fn grow<T>(vec: &mut Vec<T>, len: usize, small: usize) {
    if len > vec.capacity() {
        vec.reserve_exact(room(len, small) - vec.len());
    }
}

/// Empties a vector, and frees it where it has outgrown what is accounted for.
fn forget<T>(vec: &mut Vec<T>, small: usize) {
    if vec.capacity() > small { *vec = Vec::new() } else { vec.clear() }
}
