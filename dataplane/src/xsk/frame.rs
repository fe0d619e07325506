//! One packet, as a token that cannot be copied.
//!
//! Who holds a [`Frame`] owns the packet. Nearly every packet lies in one chunk
//! of the [`Umem`]; a jumbo packet lies in several, of which the frame shows the
//! first (where all headers are) as [`Frame::bytes`], and knows the rest: each
//! further chunk names the next in the `Umem`'s table of links. A packet in one
//! chunk never touches that table.
//!
//! What always holds: a chunk belongs to exactly one frame, pool or ring;
//! `offset + len <= chunk_size`; a chain ends.

#![expect(unsafe_code, reason = "frames are disjoint slices of one mapping")]

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Umem;

/// No further chunk.
pub(super) const NO_CHUNK: u32 = u32::MAX;

/// What is known of a chunk that continues a packet.
///
/// Atomic only so that the table can be shared: whoever owns the chunk is alone
/// with its row, and a frame that changes threads orders what was written.
#[derive(Debug)]
pub(super) struct Link {
    next: AtomicU32,
    offset: AtomicU32,
    len: AtomicU32,
}

impl Link {
    /// Of a chunk that continues nothing.
    pub(super) fn none() -> Self {
        Self { next: AtomicU32::new(NO_CHUNK), offset: AtomicU32::new(0), len: AtomicU32::new(0) }
    }
}

/// Where a piece of a packet lies: a chunk, and the bytes within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) chunk: u32,
    pub(super) offset: u32,
    pub(super) len: u32,
}

/// One packet: a move-only token for a chunk of the [`Umem`], or for several.
///
/// Dropping it returns the memory; nothing reaches the wire unless it is sent.
pub struct Frame<'u> {
    umem: &'u Umem,
    chunk: u32,
    /// Where the packet starts within the chunk.
    offset: u32,
    len: u32,
    /// The chunk that goes on where this one ends, or [`NO_CHUNK`].
    more: u32,
}

impl<'u> Frame<'u> {
    /// The packet in one chunk.
    ///
    /// # Safety
    /// The caller owns the chunk and gives it up; it lies within `umem`, and
    /// `offset + len` within the chunk.
    pub(super) unsafe fn from_piece(umem: &'u Umem, piece: Piece) -> Self {
        let Piece { chunk, offset, len } = piece;
        Self { umem, chunk, offset, len, more: NO_CHUNK }
    }

    /// Takes the frame apart: its pieces, whose chunks the caller now owns.
    pub(super) fn into_pieces(self) -> Pieces<'u> {
        let frame = ManuallyDrop::new(self);
        Pieces { umem: frame.umem, next: Some(frame.head()), more: frame.more }
    }

    /// The first piece, and whether it is the only one.
    pub(super) fn head(&self) -> Piece {
        Piece { chunk: self.chunk, offset: self.offset, len: self.len }
    }

    /// Whether it lies in this memory.
    pub(super) fn is_of(&self, umem: &Umem) -> bool {
        std::ptr::eq(self.umem, umem)
    }

    /// Whether the whole packet lies in one chunk, as all but jumbo packets do.
    pub fn is_contiguous(&self) -> bool {
        self.more == NO_CHUNK
    }

    /// The packet; of a jumbo packet its head, which holds all headers.
    pub fn bytes(&self) -> &[u8] {
        let start = self.umem.at(self.head());
        // SAFETY: this frame alone owns its chunk, and offset + len were checked
        // against the chunk's size when they were set.
        unsafe { std::slice::from_raw_parts(start, self.len as usize) }
    }

    /// What [`bytes`](Self::bytes) shows, to be changed in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let start = self.umem.at(self.head());
        // SAFETY: as in `bytes`, and `&mut self` makes it exclusive.
        unsafe { std::slice::from_raw_parts_mut(start, self.len as usize) }
    }

    /// The whole packet, piece by piece: one piece unless it is a jumbo.
    pub fn parts(&self) -> Parts<'_> {
        Parts { pieces: self.pieces() }
    }

    /// Appends a copy of the whole packet to `bytes`.
    pub fn copy_all(&self, bytes: &mut Vec<u8>) {
        if self.is_contiguous() {
            return bytes.extend_from_slice(self.bytes());
        }
        self.parts().for_each(|part| bytes.extend_from_slice(part));
    }

    /// Bytes in the head.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Bytes of the whole packet.
    pub fn total_len(&self) -> usize {
        if self.is_contiguous() {
            return self.len();
        }
        self.pieces().map(|piece| piece.len as usize).sum()
    }

    /// Chunks that this packet lies in.
    pub fn chunk_count(&self) -> usize {
        if self.is_contiguous() { 1 } else { self.pieces().count() }
    }

    /// Whether there is no byte in its head.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Which of the shares that [`Umem::split`] made this packet's memory comes
    /// from, and goes home to. A jumbo packet's further chunks may have other homes.
    pub fn share(&self) -> usize {
        self.umem.share_of(self.chunk)
    }

    /// How long a head this frame can hold, from its present start.
    pub fn capacity(&self) -> usize {
        (self.umem.layout().chunk_size - self.offset) as usize
    }

    /// Sets the length of the head; bytes beyond the old length are whatever
    /// was there.
    ///
    /// # Panics
    /// When `len` exceeds [`Frame::capacity`].
    pub fn set_len(&mut self, len: usize) {
        assert!(len <= self.capacity(), "{len} bytes in a frame of {}", self.capacity());
        #[expect(clippy::cast_possible_truncation, reason = "checked against the capacity, which is a u32")]
        {
            self.len = len as u32;
        }
    }

    /// Replaces the packet by a copy of `bytes`; `false`, and no change, when
    /// they do not fit into its head. What a jumbo had beyond its head is given back.
    #[must_use]
    pub fn fill(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() > self.capacity() {
            return false;
        }
        self.cut();
        self.set_len(bytes.len());
        self.bytes_mut().copy_from_slice(bytes);
        true
    }

    /// Lets the packet go on with the bytes of `rest`: it becomes a jumbo.
    ///
    /// # Panics
    /// When `rest` lies in the memory of another `Umem`.
    pub fn append(&mut self, rest: Frame<'u>) {
        assert!(rest.is_of(self.umem), "a packet lies in one Umem");
        let rest = ManuallyDrop::new(rest);
        if let Some(link) = self.umem.links().get(rest.chunk as usize) {
            link.next.store(rest.more, Ordering::Relaxed);
            link.offset.store(rest.offset, Ordering::Relaxed);
            link.len.store(rest.len, Ordering::Relaxed);
        }
        let last = self.pieces().last().map_or(self.chunk, |piece| piece.chunk);
        if last == self.chunk {
            self.more = rest.chunk;
        } else if let Some(link) = self.umem.links().get(last as usize) {
            link.next.store(rest.chunk, Ordering::Relaxed);
        }
    }

    /// Gives back all chunks but the head.
    fn cut(&mut self) {
        if self.is_contiguous() {
            return;
        }
        let rest = Pieces { umem: self.umem, next: None, more: self.more };
        self.more = NO_CHUNK;
        for piece in rest {
            self.umem.give_back(piece.chunk);
        }
    }

    fn pieces(&self) -> Pieces<'u> {
        Pieces { umem: self.umem, next: Some(self.head()), more: self.more }
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        self.cut();
        self.umem.give_back(self.chunk);
    }
}

impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("chunk", &self.chunk)
            .field("len", &self.len)
            .field("total_len", &self.total_len())
            .finish_non_exhaustive()
    }
}

/// The pieces of a packet, in order.
#[derive(Clone, Debug)]
pub(super) struct Pieces<'u> {
    umem: &'u Umem,
    next: Option<Piece>,
    /// The chunk after `next`.
    more: u32,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if let Some(head) = self.next.take() {
            return Some(head);
        }
        // NO_CHUNK lies beyond the table, so it ends the walk.
        let chunk = self.more;
        let link = self.umem.links().get(chunk as usize)?;
        self.more = link.next.load(Ordering::Relaxed);
        let offset = link.offset.load(Ordering::Relaxed);
        Some(Piece { chunk, offset, len: link.len.load(Ordering::Relaxed) })
    }
}

/// The bytes of a packet, piece by piece; see [`Frame::parts`].
#[derive(Clone, Debug)]
pub struct Parts<'f> {
    pieces: Pieces<'f>,
}

impl<'f> Iterator for Parts<'f> {
    type Item = &'f [u8];

    fn next(&mut self) -> Option<&'f [u8]> {
        let piece = self.pieces.next()?;
        let start = self.pieces.umem.at(piece);
        // SAFETY: the frame that is borrowed for 'f owns all chunks of its chain,
        // and each piece was checked when it became part of it.
        Some(unsafe { std::slice::from_raw_parts(start, piece.len as usize) })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::super::{Layout, Pool};
    use super::*;

    const LAYOUT: Layout = Layout { chunks: 8, chunk_size: 64, headroom: 16 };

    fn filled<'u>(pool: &mut Pool<'u>, bytes: &[u8]) -> Frame<'u> {
        let mut frame = pool.take().unwrap();
        assert!(frame.fill(bytes));
        frame
    }

    fn jumbo<'u>(pool: &mut Pool<'u>, parts: &[&[u8]]) -> Frame<'u> {
        let (first, rest) = parts.split_first().unwrap();
        let mut frame = filled(pool, first);
        for part in rest {
            frame.append(filled(pool, part));
        }
        frame
    }

    #[test]
    fn is_small_and_goes_to_any_thread() {
        fn goes_anywhere<T: Send>() {}
        goes_anywhere::<Frame<'_>>();
        assert!(size_of::<Frame<'_>>() <= 32);
    }

    #[test]
    fn shows_a_jumbo_in_the_order_it_was_appended() {
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let mut frame = jumbo(&mut pool, &[b"head", b"", b"middle"]);
        frame.append(jumbo(&mut pool, &[b"ta", b"il"]));
        assert_eq!(frame.bytes(), b"head");
        assert_eq!(frame.len(), 4);
        assert_eq!(frame.total_len(), 14);
        assert_eq!(frame.chunk_count(), 5);
        assert!(!frame.is_contiguous());
        assert_eq!(frame.parts().collect::<Vec<_>>().concat(), b"headmiddletail");
        let mut copy = b"after ".to_vec();
        frame.copy_all(&mut copy);
        filled(&mut pool, b", whole").copy_all(&mut copy);
        assert_eq!(copy, b"after headmiddletail, whole");
    }

    #[test]
    fn gives_back_every_chunk_however_it_ends() {
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        drop(jumbo(&mut pool, &[b"a", b"b", b"c"]));
        assert_eq!((pool.free_len(), pool.umem().returned_len()), (5, 3));
        pool.reclaim();
        assert_eq!(pool.free_len(), 8);

        let frame = jumbo(&mut pool, &[b"a", b"b", b"c"]);
        pool.recycle(frame);
        assert_eq!(pool.free_len(), 8);

        let mut frame = jumbo(&mut pool, &[b"a", b"b", b"c"]);
        assert!(frame.fill(b"alone"));
        assert!(frame.is_contiguous());
        assert_eq!(frame.parts().collect::<Vec<_>>(), [b"alone"]);
        assert_eq!((pool.free_len(), pool.umem().returned_len()), (5, 2));
    }

    #[test]
    fn takes_apart_into_what_it_was_made_of() {
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let pieces: Vec<_> = jumbo(&mut pool, &[b"abc", b"de"]).into_pieces().collect();
        assert_eq!(pieces, [Piece { chunk: 0, offset: 16, len: 3 }, Piece { chunk: 1, offset: 16, len: 2 }]);
        assert_eq!(pool.umem().returned_len(), 0);
    }

    #[test]
    fn holds_no_more_than_its_chunk() {
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let mut frame = pool.take().unwrap();
        assert!(frame.is_empty());
        assert!(frame.fill(&[7; 48]));
        assert!(!frame.fill(&[8; 49]));
        assert_eq!(frame.bytes(), [7; 48]);
    }

    #[test]
    #[should_panic(expected = "a packet lies in one Umem")]
    fn never_mixes_two_memories() {
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut other = Umem::new(LAYOUT).unwrap();
        let mut frame = umem.split(1).pop().unwrap().take().unwrap();
        frame.append(other.split(1).pop().unwrap().take().unwrap());
    }
}
