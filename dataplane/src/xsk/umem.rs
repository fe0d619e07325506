//! The memory that packets live in, cut into chunks.
//!
//! A [`Pool`] is one worker's stock of free chunks, its share of the [`Umem`]. A
//! chunk always comes home to the pool it was split off to: what ends elsewhere
//! (dropped, or sent by another worker) goes home over that share's return
//! queue, so that traffic which one worker receives and another sends cannot
//! drain the first.
//!
//! What always holds: free in pools + held by ports + held by workers + on the
//! return queues + gone with closed sockets = chunks of the `Umem`.

#![expect(unsafe_code, reason = "frames are disjoint slices of one mapping")]

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam::queue::ArrayQueue;

use super::XskError;
use super::frame::{Frame, Link, Piece};
use super::socket::Registration;
use super::sys::Mapping;

/// How a [`Umem`] is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How many chunks.
    pub chunks: u32,
    /// Bytes from one chunk to the next. AF_XDP wants 2048 or 4096; memory
    /// without sockets may use any size.
    pub chunk_size: u32,
    /// Bytes left free at the start of each chunk when a frame is taken, and at
    /// least left free when one is received.
    pub headroom: u32,
}

/// Packet memory, shared by all ports of a gateway.
///
/// Once a socket is bound to it, it cannot be split again: sockets let go of
/// their chunks some time after they are closed, and nothing says when.
pub struct Umem {
    area: Mapping,
    layout: Layout,
    /// How packets in several chunks go on.
    links: Box<[Link]>,
    /// For each share, the chunks on their way home.
    returned: Vec<ArrayQueue<u32>>,
    /// Chunks that were in the kernel's hands when their socket was closed.
    gone: AtomicUsize,
    /// The sockets that were bound to it.
    registrations: Mutex<Vec<Registration>>,
}

/// Where chunks were counted, apart from those that the [`Umem`] knows of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Free in pools: the sum of [`Pool::free_len`].
    pub pools: usize,
    /// In ports: the sum of `Port::frames_held`.
    pub ports: usize,
    /// In workers' hands: the sum of [`Frame::chunk_count`].
    pub workers: usize,
}

/// Chunks were lost or doubled: a fault of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{chunks} chunks, but {} in pools, {} in ports, {} in workers, {returned} coming home, \
     {gone} gone with closed sockets",
    census.pools, census.ports, census.workers
)]
pub struct Imbalance {
    /// How many there are.
    pub chunks: usize,
    /// Where the caller found some.
    pub census: Census,
    /// How many are on their way home.
    pub returned: usize,
    /// How many closed sockets took along.
    pub gone: usize,
}

impl Umem {
    /// Maps the memory.
    pub fn new(layout: Layout) -> Result<Self, XskError> {
        assert!(layout.chunks > 0 && layout.chunk_size > layout.headroom, "a chunk has room for bytes");
        let bytes = layout.chunks as usize * layout.chunk_size as usize;
        let area = Mapping::anonymous(bytes).map_err(|source| XskError::Map { bytes, source })?;
        Ok(Self {
            area,
            layout,
            links: (0..layout.chunks).map(|_| Link::none()).collect(),
            returned: Vec::new(),
            gone: AtomicUsize::new(0),
            registrations: Mutex::new(Vec::new()),
        })
    }

    /// How it is cut.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// All chunks, in `shares` pools as equal as can be.
    ///
    /// Taking `&mut self` first and then lending `&self` makes sure that no
    /// chunk is ever in two pools. [`Pool::umem`] is the way back to the `Umem`.
    ///
    /// # Panics
    /// When there are no shares or fewer chunks than shares, or when a socket
    /// was ever bound to this memory.
    pub fn split(&mut self, shares: usize) -> Vec<Pool<'_>> {
        assert!((1..=self.layout.chunks as usize).contains(&shares), "each share has a chunk");
        assert!(self.registered().is_empty(), "a Umem that sockets were bound to is split once");
        self.returned.clear();
        for share in 0..shares {
            let home = self.home(share, shares);
            self.returned.push(ArrayQueue::new(home.len()));
        }
        let umem = &*self;
        (0..shares)
            .map(|share| {
                let home = umem.home(share, shares);
                // The lowest comes out first; none is ever added beyond these.
                Pool { umem, share, free: home.clone().rev().collect(), home }
            })
            .collect()
    }

    /// Checks that every chunk is somewhere, once.
    ///
    /// Exact only at rest: between bursts with one worker, and with several when
    /// none of them runs.
    pub fn check_conservation(&self, census: Census) -> Result<(), Imbalance> {
        let (returned, gone) = (self.returned_len(), self.gone.load(Ordering::Relaxed));
        let chunks = self.layout.chunks as usize;
        if census.pools + census.ports + census.workers + returned + gone == chunks {
            return Ok(());
        }
        Err(Imbalance { chunks, census, returned, gone })
    }

    /// Chunks on their way home to all pools.
    pub fn returned_len(&self) -> usize {
        self.returned.iter().map(ArrayQueue::len).sum()
    }

    /// The chunks of a share.
    fn home(&self, share: usize, shares: usize) -> Range<u32> {
        // The inverse of `share_of`, so that both agree on where a share begins.
        let first = |share: usize| (share * self.layout.chunks as usize).div_ceil(shares);
        #[expect(clippy::cast_possible_truncation, reason = "no larger than chunks, which is a u32")]
        {
            first(share) as u32..first(share + 1) as u32
        }
    }

    /// Which share a chunk belongs to.
    pub(super) fn share_of(&self, chunk: u32) -> usize {
        chunk as usize * self.returned.len() / self.layout.chunks as usize
    }

    /// Sends a chunk home. The caller gives it up.
    pub(super) fn give_back(&self, chunk: u32) {
        // The queue has room for every chunk of its share, so this cannot fail.
        let kept = self.returned.get(self.share_of(chunk)).is_some_and(|queue| queue.push(chunk).is_ok());
        debug_assert!(kept, "chunk {chunk} came home twice");
    }

    /// Writes off chunks that a closed socket may still use.
    pub(super) fn write_off(&self, chunks: usize) {
        self.gone.fetch_add(chunks, Ordering::Relaxed);
    }

    /// The sockets that were ever bound to it.
    pub(super) fn registered(&self) -> MutexGuard<'_, Vec<Registration>> {
        self.registrations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn area(&self) -> &Mapping {
        &self.area
    }

    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    /// Where a piece begins.
    pub(super) fn at(&self, piece: Piece) -> *mut u8 {
        let at = piece.chunk as usize * self.layout.chunk_size as usize + piece.offset as usize;
        debug_assert!(at + piece.len as usize <= self.area.len(), "{piece:?} is outside the UMEM");
        // SAFETY: chunk < chunks and offset <= chunk_size, which pools and
        // sockets see to, so the result stays inside the mapping.
        unsafe { self.area.base().as_ptr().add(at) }
    }
}

impl std::fmt::Debug for Umem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Umem").field("layout", &self.layout).finish_non_exhaustive()
    }
}

/// One worker's stock of free chunks.
#[derive(Debug)]
pub struct Pool<'u> {
    umem: &'u Umem,
    share: usize,
    /// The chunks whose home this is.
    home: Range<u32>,
    free: Vec<u32>,
}

impl<'u> Pool<'u> {
    /// The memory that it is a share of.
    pub fn umem(&self) -> &'u Umem {
        self.umem
    }

    /// Which share it is, from 0; see [`Frame::share`].
    pub fn share(&self) -> usize {
        self.share
    }

    /// An empty frame; `None` when the stock is used up.
    pub fn take(&mut self) -> Option<Frame<'u>> {
        let chunk = self.take_chunk()?;
        let piece = Piece { chunk, offset: self.umem.layout.headroom, len: 0 };
        // SAFETY: the chunk was free, so nothing else has it; the headroom is
        // less than the chunk size.
        Some(unsafe { Frame::from_piece(self.umem, piece) })
    }

    /// Takes a frame back: the quick way, without the shared queue, for what
    /// was split off to this pool. Anything else goes home.
    ///
    /// # Panics
    /// When the frame lies in the memory of another `Umem`.
    pub fn recycle(&mut self, frame: Frame<'u>) {
        assert!(frame.is_of(self.umem), "a frame goes back to its own Umem");
        if frame.is_contiguous() {
            let piece = frame.head();
            let _owned_by_the_pool = std::mem::ManuallyDrop::new(frame);
            self.put_chunk(piece.chunk);
        } else {
            for piece in frame.into_pieces() {
                self.put_chunk(piece.chunk);
            }
        }
    }

    /// Takes in what ended elsewhere; for housekeeping.
    pub fn reclaim(&mut self) {
        let Some(queue) = self.umem.returned.get(self.share) else { return };
        while let Some(chunk) = queue.pop() {
            self.free.push(chunk);
        }
    }

    /// How many chunks are free here.
    pub fn free_len(&self) -> usize {
        self.free.len()
    }

    /// A free chunk, which the caller now owns.
    pub(super) fn take_chunk(&mut self) -> Option<u32> {
        self.free.pop()
    }

    /// Takes a chunk that the caller owns and gives up.
    pub(super) fn put_chunk(&mut self, chunk: u32) {
        if self.home.contains(&chunk) {
            self.free.push(chunk);
        } else {
            self.umem.give_back(chunk);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout { chunks: 11, chunk_size: 64, headroom: 0 };

    fn census(pools: &[Pool<'_>], workers: usize) -> Census {
        Census { pools: pools.iter().map(Pool::free_len).sum(), ports: 0, workers }
    }

    #[test]
    fn splits_into_shares_that_each_chunk_knows() {
        for shares in 1..=11 {
            let mut umem = Umem::new(LAYOUT).unwrap();
            let mut pools = umem.split(shares);
            let mut seen = Vec::new();
            for (share, pool) in pools.iter_mut().enumerate() {
                assert_eq!(pool.share(), share);
                let fair = 11 / shares..=11usize.div_ceil(shares);
                assert!(fair.contains(&pool.free_len()), "{shares} shares: {}", pool.free_len());
                while let Some(frame) = pool.take() {
                    assert_eq!(frame.share(), share, "{shares} shares: {frame:?}");
                    seen.push(frame.into_pieces().next().unwrap().chunk);
                }
            }
            assert_eq!(seen, (0..11).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_chunk_goes_home_wherever_it_ends() {
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pools = umem.split(2);
        let [first, second] = pools.as_mut_slice() else { unreachable!() };
        let (mine, handed_off, dropped) =
            (first.take().unwrap(), first.take().unwrap(), first.take().unwrap());
        first.recycle(mine);
        second.recycle(handed_off);
        std::thread::scope(|scope| scope.spawn(move || drop(dropped)).join().unwrap());
        assert_eq!((first.free_len(), second.free_len()), (4, 5));
        second.reclaim();
        assert_eq!(second.free_len(), 5, "what is not its own stays on the queue");
        first.reclaim();
        assert_eq!((first.free_len(), second.free_len()), (6, 5));
    }

    #[test]
    fn counts_every_chunk_once() {
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pools = umem.split(2);
        let umem = pools.first().unwrap().umem();
        let frame = pools.first_mut().unwrap().take().unwrap();
        drop(pools.last_mut().unwrap().take());
        assert_eq!(umem.check_conservation(census(&pools, 1)), Ok(()));

        let lost = umem.check_conservation(census(&pools, 0)).unwrap_err();
        assert_eq!((lost.chunks, lost.census.pools, lost.returned, lost.gone), (11, 9, 1, 0));
        pools.first_mut().unwrap().recycle(frame);
        umem.check_conservation(census(&pools, 1)).unwrap_err();
        umem.check_conservation(census(&pools, 0)).unwrap();
    }

    #[test]
    fn runs_dry_and_recovers() {
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let frames: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
        assert_eq!(frames.len(), 11);
        assert!(pool.take().is_none());
        for frame in frames {
            pool.recycle(frame);
        }
        assert!(pool.take().is_some());
    }

    #[test]
    #[should_panic(expected = "a frame goes back to its own Umem")]
    fn takes_no_frame_of_another_memory() {
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut other = Umem::new(LAYOUT).unwrap();
        let mut pools = umem.split(1);
        pools.first_mut().unwrap().recycle(other.split(1).first_mut().unwrap().take().unwrap());
    }
}
