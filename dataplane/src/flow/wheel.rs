//! When to look at which flow again: a wheel of ticks.
//!
//! Each flow hangs in the wheel at the tick at which its time might be up. A
//! packet does not move it; when its tick comes, the sweep looks at the time of
//! the last packet and hangs the flow up anew if there is time left. So the
//! wheel costs a packet nothing, and a flow one look in each time-out.
//!
//! One level of ticks is enough for that: a deadline beyond the horizon hangs
//! at the horizon and is looked at on the way.
//!
//! Time is what captures and clocks say, and they jump. A jump forward past the
//! horizon walks each tick once, oldest first; a jump back by more than
//! [`BACK_TICKS_MAX`] does so as well, which hangs every flow anew against the
//! new time; smaller steps back are waited out.

use std::time::Duration;

use super::key::low_u16;
use super::list::{List, Timer};
use super::slots::Slots;
use crate::time::Timestamp;

/// Ticks of 2^28 ns, about 0.27 s: time-outs are whole seconds, and a power of
/// two spares a division.
const TICK_SHIFT: u32 = 28;

/// How many ticks the wheel has: a horizon of 1,100 s, beyond every default
/// time-out, in 32 KiB.
const TICKS: u64 = 1 << 12;

/// How far time may go back before the wheel follows it: 17 s, more than
/// packets are reordered by.
const BACK_TICKS_MAX: u64 = 64;

/// The same as a length of time.
pub(super) const BACK_MAX: Duration = Duration::from_nanos(BACK_TICKS_MAX << TICK_SHIFT);

/// The wheel.
///
/// Every flow in it hangs within [`TICKS`] from the cursor on, so that one tick
/// is one list.
pub(super) struct Wheel {
    lists: Box<[List<Timer>]>,
    /// The tick that is walked next.
    cursor: u64,
    /// The last tick to walk: up to here time has gone.
    target: u64,
}

impl Wheel {
    pub(super) fn new() -> Self {
        let lists = (0..TICKS).map(|_| List::EMPTY).collect();
        Self { lists, cursor: 2 * TICKS, target: 2 * TICKS - 1 }
    }

    /// Hangs a flow up for a look at `deadline`, or as near as may be.
    pub(super) fn arm(&mut self, slots: &Slots, index: u32, deadline: Timestamp) {
        let tick = self.clamp(tick_after(deadline));
        slots.at(index).set_armed(place(tick));
        self.list(tick).push_back(slots, index);
    }

    /// Takes a flow out.
    pub(super) fn disarm(&mut self, slots: &Slots, index: u32) {
        let tick = slots.at(index).armed();
        self.list(tick.into()).unlink(slots, index);
    }

    /// Moves a flow forward to `deadline` if that is before its look.
    pub(super) fn hasten(&mut self, slots: &Slots, index: u32, deadline: Timestamp) {
        let ahead = |place: u16| u64::from(place).wrapping_sub(self.cursor) % TICKS;
        if ahead(place(self.clamp(tick_after(deadline)))) < ahead(slots.at(index).armed()) {
            self.disarm(slots, index);
            self.arm(slots, index, deadline);
        }
    }

    /// Tells the wheel the time; what is due comes from [`Wheel::pop`].
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.target = tick_before(now);
        let ahead = self.target.saturating_sub(self.cursor);
        if ahead >= 2 * TICKS {
            // Whole turns are left out, so that the walk still begins with the
            // oldest tick; at least one full turn remains.
            self.cursor += (ahead / TICKS - 1) * TICKS;
        } else if self.target + BACK_TICKS_MAX < self.cursor {
            self.cursor = self.target + 1 - TICKS;
        }
    }

    /// The next flow to look at, taken out of the wheel.
    ///
    /// Each tick and each flow that is passed takes one off the budget.
    pub(super) fn pop(&mut self, slots: &Slots, budget: &mut usize) -> Option<u32> {
        while *budget > 0 && self.cursor <= self.target {
            *budget -= 1;
            let cursor = self.cursor;
            match self.list(cursor).pop_front(slots) {
                Some(index) => return Some(index),
                None => self.cursor += 1,
            }
        }
        None
    }

    /// Whether all that is due has been looked at.
    pub(super) const fn is_done(&self) -> bool {
        self.cursor > self.target
    }

    fn clamp(&self, tick: u64) -> u64 {
        tick.clamp(self.cursor, self.cursor + TICKS - 1)
    }

    fn list(&mut self, tick: u64) -> &mut List<Timer> {
        match self.lists.get_mut(usize::from(place(tick))) {
            Some(list) => list,
            None => unreachable!("a tick modulo the number of lists is the number of a list"),
        }
    }
}

/// Where in the wheel a tick hangs. It says all of a tick within [`TICKS`] of
/// the cursor, and so it is what a flow keeps.
const fn place(tick: u64) -> u16 {
    low_u16(tick % TICKS)
}

/// The first tick that begins at or after `time`.
///
/// Ticks are counted from two turns before 1970, so that a walk may begin one
/// turn before any time there is.
fn tick_after(time: Timestamp) -> u64 {
    (time.as_nanos() >> TICK_SHIFT) + u64::from(time.as_nanos().trailing_zeros() < TICK_SHIFT) + 2 * TICKS
}

/// The last tick that begins at or before `time`.
fn tick_before(time: Timestamp) -> u64 {
    (time.as_nanos() >> TICK_SHIFT) + 2 * TICKS
}

#[cfg(all(test, not(loom)))]
mod tests {
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const FLOWS: u32 = 16;

    /// A wheel beside the plain list of deadlines that it stands for.
    struct Tried {
        wheel: Wheel,
        slots: Slots,
        deadlines: BTreeMap<u32, Timestamp>,
    }

    impl Tried {
        fn new() -> Result<Self, TestCaseError> {
            let slots = Slots::allocate(FLOWS).map_err(|error| TestCaseError::fail(error.to_string()))?;
            Ok(Self { wheel: Wheel::new(), slots, deadlines: BTreeMap::new() })
        }

        fn arm(&mut self, index: u32, deadline: Timestamp) {
            if self.deadlines.insert(index, deadline).is_some() {
                self.wheel.disarm(&self.slots, index);
            }
            self.wheel.arm(&self.slots, index, deadline);
        }

        /// What a complete walk finds due, in its order.
        fn expired(&mut self, now: Timestamp) -> Vec<u32> {
            let mut expired = Vec::new();
            self.wheel.advance(now);
            while !self.wheel.is_done() {
                let mut budget = 7;
                while let Some(index) = self.wheel.pop(&self.slots, &mut budget) {
                    let deadline = self.deadlines.get(&index).copied();
                    assert!(deadline.is_some(), "flow {index} came and was not in the wheel");
                    let deadline = deadline.unwrap_or_default();
                    if deadline <= now {
                        self.deadlines.remove(&index);
                        expired.push(index);
                    } else {
                        self.wheel.arm(&self.slots, index, deadline);
                    }
                }
            }
            expired
        }
    }

    fn seconds(secs: u64) -> Timestamp {
        Timestamp::from_nanos(secs * 1_000_000_000)
    }

    fn until(deadlines: &BTreeMap<u32, Timestamp>, time: Timestamp) -> BTreeSet<u32> {
        deadlines.iter().filter(|(_, deadline)| **deadline <= time).map(|(index, _)| *index).collect()
    }

    proptest! {
        /// Forward in steps small and large, deadlines within and far beyond
        /// the horizon: nothing comes early, and all comes in its tick.
        #[test]
        fn what_is_due_comes_and_nothing_else(
            steps in prop::collection::vec((0..FLOWS, 0..5_000_u64, prop_oneof![0..3_u64, 0..3_000_u64, 0..9_000_000_u64]), 1..80),
        ) {
            let mut tried = Tried::new()?;
            let mut now = seconds(1_700_000_000);
            for (index, time_left, step) in steps {
                tried.arm(index, now.plus(Duration::from_millis(time_left * 317)));
                now = now.plus(Duration::from_millis(step * 129));
                let begun = Timestamp::from_nanos(now.as_nanos() >> TICK_SHIFT << TICK_SHIFT);
                let (must, may) = (until(&tried.deadlines, begun), until(&tried.deadlines, now));
                let expired: BTreeSet<u32> = tried.expired(now).into_iter().collect();
                prop_assert!(expired.is_superset(&must), "{:?} lacks some of {:?}", expired, must);
                prop_assert!(expired.is_subset(&may), "{:?} has more than {:?}", expired, may);
            }
        }

        /// Whatever the clock does, nothing comes twice, and once the clock has
        /// passed every time there was, everything has come.
        #[test]
        fn a_wild_clock_loses_nothing(
            steps in prop::collection::vec(
                (0..FLOWS, 0..2_000_u64, prop_oneof![0..100_u64, 0..4_000_000_000_u64]),
                1..40,
            ),
        ) {
            let mut tried = Tried::new()?;
            let mut latest = Timestamp::ZERO;
            for (index, time_left, at) in steps {
                let deadline = seconds(at).plus(Duration::from_secs(time_left));
                latest = latest.max(deadline);
                tried.arm(index, deadline);
                tried.expired(seconds(at));
            }
            tried.expired(latest.plus(Duration::from_secs(1)));
            prop_assert!(tried.deadlines.is_empty(), "left: {:?}", tried.deadlines);
        }
    }

    #[test]
    fn a_jump_finds_the_oldest_first() -> Result<(), TestCaseError> {
        let mut tried = Tried::new()?;
        tried.expired(seconds(1_000));
        for (index, secs) in [(0, 1_900), (1, 1_100), (2, 1_500), (3, 1_001)] {
            tried.arm(index, seconds(secs));
        }
        assert_eq!(tried.expired(seconds(1_000_000_000)), [3, 1, 2, 0]);
        Ok(())
    }

    #[test]
    fn after_a_jump_back_flows_expire_by_the_new_time() -> Result<(), TestCaseError> {
        let mut tried = Tried::new()?;
        tried.expired(seconds(1_000_000));
        tried.arm(0, seconds(5_060));
        tried.expired(seconds(5_000));
        assert!(tried.expired(seconds(5_059)).is_empty());
        assert_eq!(tried.expired(seconds(5_061)), [0]);
        Ok(())
    }

    #[test]
    fn a_flow_hastened_comes_earlier_and_never_later() -> Result<(), TestCaseError> {
        let mut tried = Tried::new()?;
        tried.expired(seconds(100));
        tried.arm(0, seconds(700));
        tried.wheel.hasten(&tried.slots, 0, seconds(800));
        tried.wheel.hasten(&tried.slots, 0, seconds(110));
        tried.deadlines.insert(0, seconds(110));
        assert!(tried.expired(seconds(109)).is_empty());
        assert_eq!(tried.expired(seconds(111)), [0]);
        Ok(())
    }
}
