//! The memory of a worker's streams: blocks of one size, from one pool.
//!
//! A block is a page of stream bytes, a node of the tree that finds pages, or a
//! list of where the segments in a page began and ended. The pool grows as
//! blocks are wanted, up to its cap, and then refuses; it never gives memory
//! back, so a warm pool allocates nothing.
//!
//! A free block stays what it was, and is empty as that, because a page is taken
//! and freed for almost every segment and must not be cleared each time. It
//! becomes something else only where the pool has no free block of the kind that
//! is wanted.

use super::chunks::Chunks;
use super::page::Page;
use super::pieces::Pieces;
use super::tree::Node;
use super::{Discipline, StreamCounters};

/// The number that is no block.
pub(super) const NONE: u32 = u32::MAX;

/// Bytes of memory that a block takes.
pub(super) const BLOCK_LEN: usize = size_of::<Block>();

// Much more would waste what the kinds do not share.
const _: () = assert!(BLOCK_LEN <= 2432);

enum Block {
    Page(Page),
    Node(Node),
    Pieces(Pieces),
}

/// What a block is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Page,
    Node,
    Pieces,
}

impl Block {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Page => Self::Page(Page::empty()),
            Kind::Node => Self::Node(Node::empty()),
            Kind::Pieces => Self::Pieces(Pieces::empty()),
        }
    }
}

/// All blocks.
pub(super) struct Pool {
    blocks: Chunks<Block>,
    /// By [`Kind`]; last in, first out: what was freed last is still in a cache.
    free: [Vec<u32>; 3],
    used: u32,
    /// How often a block was looked into.
    #[cfg(test)]
    pub(super) looks: std::cell::Cell<u64>,
}

impl Pool {
    /// No blocks yet, and at most as many as fit in `memory` bytes.
    pub(super) fn new(memory: usize) -> Self {
        Self {
            blocks: Chunks::new(memory / BLOCK_LEN),
            free: [Vec::new(), Vec::new(), Vec::new()],
            used: 0,
            #[cfg(test)]
            looks: std::cell::Cell::new(0),
        }
    }

    /// Blocks in use.
    pub(super) fn used(&self) -> u32 {
        self.used
    }

    /// Blocks that can still be taken, if the system has the memory.
    fn left(&self) -> u32 {
        self.blocks.cap() - self.used
    }

    fn free_mut(&mut self, kind: Kind) -> &mut Vec<u32> {
        let [pages, nodes, pieces] = &mut self.free;
        match kind {
            Kind::Page => pages,
            Kind::Node => nodes,
            Kind::Pieces => pieces,
        }
    }

    fn take(&mut self, kind: Kind) -> Option<u32> {
        let id = match self.free_mut(kind).pop() {
            Some(id) => id,
            None => self.take_other(kind)?,
        };
        self.used += 1;
        Some(id)
    }

    /// A block of a kind of which none is free: a new one, or one that was
    /// something else.
    #[cold]
    fn take_other(&mut self, kind: Kind) -> Option<u32> {
        if self.free.iter().all(Vec::is_empty) {
            let grown = self.blocks.grow(|| Block::new(Kind::Page))?;
            for free in &mut self.free {
                free.reserve(grown.end as usize - free.len());
            }
            self.free_mut(Kind::Page).extend(grown.rev());
        }
        let id = self.free.iter_mut().find_map(Vec::pop)?;
        if let Some(block) = self.blocks.get_mut(id) {
            *block = Block::new(kind);
        }
        Some(id)
    }

    fn give(&mut self, id: u32) {
        let kind = match self.blocks.get(id) {
            Some(Block::Page(_)) => Kind::Page,
            Some(Block::Node(_)) => Kind::Node,
            Some(Block::Pieces(_)) => Kind::Pieces,
            None => unreachable!("block {id} was never there"),
        };
        self.free_mut(kind).push(id);
        self.used -= 1;
    }

    /// The page in a block that was taken as one.
    #[inline]
    pub(super) fn page(&self, id: u32) -> &Page {
        #[cfg(test)]
        self.looks.set(self.looks.get() + 1);
        match self.blocks.get(id) {
            Some(Block::Page(page)) => page,
            _ => unreachable!("block {id} is no page"),
        }
    }

    /// The same, to change.
    #[inline]
    pub(super) fn page_mut(&mut self, id: u32) -> &mut Page {
        match self.blocks.get_mut(id) {
            Some(Block::Page(page)) => page,
            _ => unreachable!("block {id} is no page"),
        }
    }

    /// The node in a block that was taken as one.
    #[inline]
    pub(super) fn node(&self, id: u32) -> &Node {
        #[cfg(test)]
        self.looks.set(self.looks.get() + 1);
        match self.blocks.get(id) {
            Some(Block::Node(node)) => node,
            _ => unreachable!("block {id} is no node"),
        }
    }

    /// The same, to change.
    #[inline]
    pub(super) fn node_mut(&mut self, id: u32) -> &mut Node {
        match self.blocks.get_mut(id) {
            Some(Block::Node(node)) => node,
            _ => unreachable!("block {id} is no node"),
        }
    }

    /// The list in a block that was taken as one.
    pub(super) fn pieces(&self, id: u32) -> &Pieces {
        match self.blocks.get(id) {
            Some(Block::Pieces(pieces)) => pieces,
            _ => unreachable!("block {id} is no list of pieces"),
        }
    }

    /// The same, to change.
    pub(super) fn pieces_mut(&mut self, id: u32) -> &mut Pieces {
        match self.blocks.get_mut(id) {
            Some(Block::Pieces(pieces)) => pieces,
            _ => unreachable!("block {id} is no list of pieces"),
        }
    }
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The connection has its share.
    Flow,
    /// The worker has its own.
    All,
}

/// The pool as one connection may use it, and where it is counted.
pub(super) struct Purse<'a> {
    pub(super) pool: &'a mut Pool,
    /// Blocks that the connection holds.
    pub(super) held: &'a mut u32,
    /// And the most that it may.
    pub(super) held_max: u32,
    pub(super) discipline: Discipline,
    pub(super) counters: &'a mut StreamCounters,
}

impl Purse<'_> {
    /// Whether so many blocks can be taken.
    pub(super) fn room(&self, blocks: u32) -> Result<(), Full> {
        if self.held_max.saturating_sub(*self.held) < blocks {
            return Err(Full::Flow);
        }
        if self.pool.left() < blocks { Err(Full::All) } else { Ok(()) }
    }

    /// Takes a block: an empty page, a node without branches, or a list, which
    /// may be as it was when it was freed.
    pub(super) fn take(&mut self, kind: Kind) -> Result<u32, Full> {
        self.room(1)?;
        let id = self.pool.take(kind).ok_or(Full::All)?;
        *self.held += 1;
        Ok(id)
    }

    /// Gives a block back.
    pub(super) fn give(&mut self, id: u32) {
        self.pool.give(id);
        *self.held -= 1;
    }

    /// Gives a page back, and its list; it is clear when it is taken again.
    pub(super) fn give_page(&mut self, id: u32) {
        if let Some(list) = self.pool.page(id).spilled() {
            self.give(list);
        }
        self.pool.page_mut(id).clear();
        self.give(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purse<'a>(pool: &'a mut Pool, held: &'a mut u32, counters: &'a mut StreamCounters) -> Purse<'a> {
        Purse { pool, held, held_max: 4, discipline: Discipline::Inline, counters }
    }

    #[test]
    fn refuses_at_the_share_of_a_connection_and_at_the_cap_of_all() {
        let mut pool = Pool::new(6 * BLOCK_LEN + 1);
        let mut counters = StreamCounters::default();
        let (mut one, mut other) = (0, 0);
        for _ in 0..4 {
            assert!(purse(&mut pool, &mut one, &mut counters).take(Kind::Page).is_ok());
        }
        assert_eq!(purse(&mut pool, &mut one, &mut counters).take(Kind::Page), Err(Full::Flow));
        let mut purse = purse(&mut pool, &mut other, &mut counters);
        assert!(purse.take(Kind::Node).is_ok() && purse.take(Kind::Pieces).is_ok());
        assert_eq!((purse.take(Kind::Page), purse.room(1)), (Err(Full::All), Err(Full::All)));
    }

    #[test]
    fn a_free_block_becomes_whatever_is_wanted() {
        let mut pool = Pool::new(2 * BLOCK_LEN);
        let mut counters = StreamCounters::default();
        let mut held = 0;
        let mut purse = purse(&mut pool, &mut held, &mut counters);
        for kinds in [[Kind::Page, Kind::Page], [Kind::Node, Kind::Pieces], [Kind::Pieces, Kind::Page]] {
            let taken = kinds.map(|kind| (kind, purse.take(kind)));
            for (kind, id) in taken {
                let id = id.unwrap_or(NONE);
                assert_ne!(id, NONE, "{kind:?} refused in a pool of two");
                match kind {
                    Kind::Page => assert!(purse.pool.page(id).spilled().is_none()),
                    Kind::Node => assert!(purse.pool.node(id).is_empty()),
                    Kind::Pieces => assert_eq!(purse.pool.pieces(id).len(), 0),
                }
                purse.give(id);
            }
        }
        assert_eq!((*purse.held, purse.pool.used()), (0, 0));
    }
}
