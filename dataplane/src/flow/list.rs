//! Doubly linked lists through the slots: a flow is put in, taken out of the
//! middle and moved without searching and without memory of its own.
//!
//! A slot has one pair of links for each [`Hook`], so it can be in one list of
//! each hook at a time. Only the writer of the table follows links.

use std::marker::PhantomData;

use super::slot::{Links, Slot};
use super::slots::Slots;

/// The link that leads nowhere.
pub(super) const NONE: u32 = u32::MAX;

/// Which pair of links a list runs through.
pub(super) trait Hook {
    fn links(slot: &Slot) -> &Links;
}

/// The links of the timer wheel.
pub(super) struct Timer;

impl Hook for Timer {
    fn links(slot: &Slot) -> &Links {
        &slot.timer
    }
}

/// The links of the lists of victims, and of the free list.
pub(super) struct Victim;

impl Hook for Victim {
    fn links(slot: &Slot) -> &Links {
        &slot.victim
    }
}

/// A list of slots, in the order in which they were put in.
pub(super) struct List<H> {
    head: u32,
    tail: u32,
    hook: PhantomData<H>,
}

impl<H: Hook> List<H> {
    pub(super) const EMPTY: Self = Self { head: NONE, tail: NONE, hook: PhantomData };

    /// The slot that has been in the list longest.
    #[inline]
    pub(super) fn front(&self) -> Option<u32> {
        (self.head != NONE).then_some(self.head)
    }

    /// Puts a slot at the end; it must not be in a list of this hook.
    pub(super) fn push_back(&mut self, slots: &Slots, index: u32) {
        H::links(slots.at(index)).set(self.tail, NONE);
        if self.tail == NONE {
            self.head = index;
        } else {
            H::links(slots.at(self.tail)).set_next(index);
        }
        self.tail = index;
    }

    /// Takes a slot out; it must be in this list.
    pub(super) fn unlink(&mut self, slots: &Slots, index: u32) {
        let (previous, next) = H::links(slots.at(index)).both();
        if previous == NONE {
            assert!(self.head == index, "slot {index} is not in the list it is taken from");
            self.head = next;
        } else {
            H::links(slots.at(previous)).set_next(next);
        }
        if next == NONE {
            assert!(self.tail == index, "slot {index} is not in the list it is taken from");
            self.tail = previous;
        } else {
            H::links(slots.at(next)).set_previous(previous);
        }
    }

    /// Takes out the slot that has been in the list longest.
    pub(super) fn pop_front(&mut self, slots: &Slots) -> Option<u32> {
        let index = self.front()?;
        self.unlink(slots, index);
        Some(index)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a `VecDeque`: push where absent, unlink where present.
        #[test]
        fn keeps_the_order_of_arrival(moves in prop::collection::vec(0..8_u32, 0..200)) {
            let slots = Slots::allocate(8).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let mut list = List::<Timer>::EMPTY;
            let mut oracle = VecDeque::new();
            for index in moves {
                if let Some(at) = oracle.iter().position(|&other| other == index) {
                    oracle.remove(at);
                    list.unlink(&slots, index);
                } else {
                    oracle.push_back(index);
                    list.push_back(&slots, index);
                }
                prop_assert_eq!(list.front(), oracle.front().copied());
            }
            while let Some(index) = list.pop_front(&slots) {
                prop_assert_eq!(Some(index), oracle.pop_front());
            }
            prop_assert!(oracle.is_empty());
        }
    }
}
