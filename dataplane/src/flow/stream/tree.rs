//! Where the pages of a direction are, by number.
//!
//! A tree of nodes with 512 branches, as high as the span of the pages asks: one
//! page needs no node, a mebibyte of stream one, 512 MiB two levels, 256 GiB
//! three. Numbers count from the page that was lowest when the tree was last
//! empty, so that a higher tree only gets a new root. Every question is a walk
//! from the root; the next page after a hole is found in at most 512 looks a
//! level.

use super::pool::{Full, Kind, NONE, Pool, Purse};

const BITS: u32 = 9;
const BRANCHES: usize = 1 << BITS;
/// 2^36 pages, 128 TiB of a connection that was never quiet; more are refused.
const HEIGHT_MAX: u8 = 4;

/// Branches to nodes below, or to pages. One that is free has none.
pub(super) struct Node {
    branches: [u32; BRANCHES],
    used: u16,
}

impl Node {
    pub(super) const fn empty() -> Self {
        Self { branches: [NONE; BRANCHES], used: 0 }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.used == 0 && self.branches.iter().all(|&branch| branch == NONE)
    }

    #[inline]
    fn branch(&self, slot: usize) -> u32 {
        self.branches.get(slot).copied().unwrap_or(NONE)
    }

    fn set(&mut self, slot: usize, id: u32) {
        if let Some(branch) = self.branches.get_mut(slot) {
            let before = std::mem::replace(branch, id);
            self.used = self.used + u16::from(id != NONE) - u16::from(before != NONE);
        }
    }
}

/// The pages of a direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tree {
    /// The page that has number 0.
    origin: u64,
    root: u32,
    height: u8,
}

/// The branch of a node at this level (0 leads to pages) on the way to a key.
#[inline]
fn slot(key: u64, level: u8) -> usize {
    usize::try_from((key >> (BITS * u32::from(level))) % BRANCHES as u64).unwrap_or(0)
}

/// How many keys a tree of this height has places for.
#[inline]
fn span(height: u8) -> u64 {
    1 << (BITS * u32::from(height))
}

impl Tree {
    pub(super) const EMPTY: Self = Self { origin: 0, root: NONE, height: 0 };

    /// Whether there is no page.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.root == NONE
    }

    /// The block of a page.
    #[inline]
    pub(super) fn find(&self, pool: &Pool, page: u64) -> Option<u32> {
        let key = page.wrapping_sub(self.origin);
        if key >= span(self.height) {
            return None;
        }
        let mut id = self.root;
        for level in (0..self.height).rev() {
            if id == NONE {
                return None;
            }
            id = pool.node(id).branch(slot(key, level));
        }
        (id != NONE).then_some(id)
    }

    /// The first page that is there, from one up to but without another.
    pub(super) fn next(&self, pool: &Pool, from: u64, to: u64) -> Option<u64> {
        let mut key = from.saturating_sub(self.origin);
        let end = to.saturating_sub(self.origin).min(span(self.height));
        while self.root != NONE && key < end {
            let mut id = self.root;
            let mut missing = None;
            for level in (0..self.height).rev() {
                id = pool.node(id).branch(slot(key, level));
                if id == NONE {
                    missing = Some(level);
                    break;
                }
            }
            let Some(level) = missing else { return Some(self.origin + key) };
            key = ((key >> (BITS * u32::from(level))) + 1) << (BITS * u32::from(level));
        }
        None
    }

    /// Puts in a new, empty page that is not there; `lowest` is the lowest page
    /// that can still be put in, now and later.
    pub(super) fn insert(&mut self, purse: &mut Purse<'_>, page: u64, lowest: u64) -> Result<u32, Full> {
        if self.is_empty() {
            *self = Self { origin: lowest, ..Self::EMPTY };
        }
        let key = page.wrapping_sub(self.origin);
        let height = (self.height..=HEIGHT_MAX).find(|&height| key < span(height)).ok_or(Full::Flow)?;
        purse.room(self.missing(purse.pool, key, height) + 1)?;
        self.raise(purse, height)?;

        let new = purse.take(Kind::Page)?;
        let mut below = new;
        // From the page upwards, to the first node that is there.
        for level in 0..self.height {
            if let Some(node) = self.node_at(purse.pool, key, level) {
                purse.pool.node_mut(node).set(slot(key, level), below);
                return Ok(new);
            }
            match purse.take(Kind::Node) {
                Ok(node) => {
                    purse.pool.node_mut(node).set(slot(key, level), below);
                    below = node;
                }
                Err(full) => {
                    // The system has no memory although the cap has room.
                    discard(purse, below, level);
                    return Err(full);
                }
            }
        }
        self.root = below;
        Ok(new)
    }

    /// How many nodes lack on the way to a key in a tree of this height.
    fn missing(&self, pool: &Pool, key: u64, height: u8) -> u32 {
        if self.root == NONE {
            return u32::from(height);
        }
        let raised = u32::from(height - self.height);
        // The old root is the first branch of the new ones: a key beyond it
        // shares only the topmost of these.
        if key >= span(self.height) && raised > 0 {
            return raised + u32::from(height - 1);
        }
        let there = (0..self.height).filter(|&level| self.node_at(pool, key, level).is_some()).count();
        raised + u32::from(self.height) - u32::try_from(there).unwrap_or(0)
    }

    /// The node at this level on the way to a key that the tree spans.
    fn node_at(&self, pool: &Pool, key: u64, level: u8) -> Option<u32> {
        let mut id = self.root;
        for above in (level + 1..self.height).rev() {
            if id == NONE {
                return None;
            }
            id = pool.node(id).branch(slot(key, above));
        }
        (id != NONE).then_some(id)
    }

    fn raise(&mut self, purse: &mut Purse<'_>, height: u8) -> Result<(), Full> {
        while self.height < height {
            if self.root != NONE {
                let node = purse.take(Kind::Node)?;
                purse.pool.node_mut(node).set(0, self.root);
                self.root = node;
            }
            self.height += 1;
        }
        Ok(())
    }

    /// Takes a page out and gives it back.
    pub(super) fn remove(&mut self, purse: &mut Purse<'_>, page: u64) {
        let key = page.wrapping_sub(self.origin);
        if self.root == NONE || key >= span(self.height) {
            return;
        }
        let mut path = [NONE; HEIGHT_MAX as usize];
        let mut id = self.root;
        for (level, node) in (0..self.height).zip(&mut path).rev() {
            *node = id;
            id = purse.pool.node(id).branch(slot(key, level));
            if id == NONE {
                return;
            }
        }
        purse.give_page(id);
        for (level, &node) in (0..self.height).zip(&path) {
            purse.pool.node_mut(node).set(slot(key, level), NONE);
            if purse.pool.node(node).used > 0 {
                return;
            }
            purse.give(node);
        }
        *self = Self::EMPTY;
    }

    /// Gives back the pages from `from` up to but without `to`.
    pub(super) fn remove_range(&mut self, purse: &mut Purse<'_>, from: u64, to: u64) {
        let mut at = from;
        while let Some(page) = self.next(purse.pool, at, to) {
            self.remove(purse, page);
            at = page + 1;
        }
    }
}

/// Gives back what was built below a node that could not be taken.
#[cold]
fn discard(purse: &mut Purse<'_>, built: u32, levels: u8) {
    let mut id = built;
    for _ in 0..levels {
        let node = std::mem::replace(purse.pool.node_mut(id), Node::empty());
        purse.give(id);
        id = node.branches.into_iter().find(|&branch| branch != NONE).unwrap_or(NONE);
    }
    purse.give_page(id);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::pool::BLOCK_LEN;
    use super::super::{Discipline, StreamCounters};
    use super::*;

    proptest! {
           /// Against a `BTreeMap`: put in, take out, ask; in a pool that is at
           /// times too small.
           #[test]
           fn finds_what_was_put_in_and_the_next_after_a_hole(
               blocks in 3..200_usize,
               moves in prop::collection::vec((any::<bool>(), prop_oneof![0..6_u64, 0..600_u64, 0..(1_u64 << 20), 0..(1_u64 << 30)]), 1..120),
           ) {
               let mut pool = Pool::new(blocks * BLOCK_LEN);
               let (mut held, mut counters) = (0, StreamCounters::default());
               let mut tree = Tree::EMPTY;
               let mut oracle = BTreeMap::new();
               let mut purse = Purse {
    pool: &mut pool, held: &mut held, held_max: u32::MAX, discipline: Discipline::Inline, counters: &mut counters };
               for (insert, page) in moves {
                   let page = 7 + page;
                   if insert && !oracle.contains_key(&page) {
                       let before = purse.pool.used();
                       match tree.insert(&mut purse, page, 7) {
                           Ok(id) => { oracle.insert(page, id); }
                           Err(full) => {
                               prop_assert_eq!(full, Full::All);
                               prop_assert_eq!(purse.pool.used(), before, "a refusal takes nothing");
                           }
                       }
                   } else {
                       tree.remove(&mut purse, page);
                       oracle.remove(&page);
                   }
                   prop_assert_eq!(tree.find(purse.pool, page), oracle.get(&page).copied());
                   for from in [0, page, page + 1] {
                       let next = oracle.range(from..).next().map(|(&page, _)| page);
                       prop_assert_eq!(tree.next(purse.pool, from, u64::MAX), next);
                    prop_assert_eq!(tree.next(purse.pool, from, page), next.filter(|&next| next < page));
                   }
               }
               for (&page, &id) in &oracle {
                   prop_assert_eq!(tree.find(purse.pool, page), Some(id));
               }
               tree.remove_range(&mut purse, 0, u64::MAX);
               prop_assert!(tree.is_empty());
               prop_assert_eq!((*purse.held, pool.used()), (0, 0), "nodes go with their pages");
           }
       }
}
