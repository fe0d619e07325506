//! Places in the table, and the order in which they were taken.

use super::partial::Partial;

/// The link that leads nowhere.
pub(super) const NONE: u32 = u32::MAX;

/// A place in the table.
#[derive(Debug)]
pub(super) struct Place<H> {
    pub(super) partial: Partial<H>,
    /// The bucket that it is found through.
    pub(super) bucket: usize,
    /// The next place of that bucket; where this one is free, the next free one.
    pub(super) next: u32,
    older: u32,
    newer: u32,
}

impl<H> Place<H> {
    pub(super) const fn new(partial: Partial<H>) -> Self {
        Self { partial, bucket: 0, next: NONE, older: NONE, newer: NONE }
    }
}

/// Places from the oldest to the newest. As all have the same time-out, that is
/// the order in which their time is up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ages {
    oldest: u32,
    newest: u32,
}

impl Ages {
    pub(super) const EMPTY: Self = Self { oldest: NONE, newest: NONE };

    pub(super) fn oldest(self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// The oldest that is not this one.
    pub(super) fn oldest_but<H>(self, places: &[Place<H>], index: u32) -> Option<u32> {
        if self.oldest != index {
            return self.oldest();
        }
        places.get(index as usize).map(|place| place.newer).filter(|&newer| newer != NONE)
    }

    /// The oldest of two lists.
    pub(super) fn older<H>(places: &[Place<H>], one: Self, other: Self) -> Option<u32> {
        let since = |index: u32| places.get(index as usize).map(|place| place.partial.since);
        match (one.oldest(), other.oldest()) {
            (Some(one), Some(other)) => Some(if since(other) < since(one) { other } else { one }),
            (one, other) => one.or(other),
        }
    }

    /// Puts a place, which is in no list, at the new end.
    pub(super) fn push<H>(&mut self, places: &mut [Place<H>], index: u32) {
        if let Some(place) = places.get_mut(index as usize) {
            (place.older, place.newer) = (self.newest, NONE);
        }
        match places.get_mut(self.newest as usize) {
            Some(newest) => newest.newer = index,
            None => self.oldest = index,
        }
        self.newest = index;
    }

    /// Takes out a place, which is in this list.
    pub(super) fn remove<H>(&mut self, places: &mut [Place<H>], index: u32) {
        let Some(&Place { older, newer, .. }) = places.get(index as usize) else { return };
        match places.get_mut(older as usize) {
            Some(place) => place.newer = newer,
            None => self.oldest = newer,
        }
        match places.get_mut(newer as usize) {
            Some(place) => place.older = older,
            None => self.newest = older,
        }
    }
}
