//! Who goes when the table is full.
//!
//! Flows that were never answered go first, the oldest of them first: a flood
//! of SYNs or of datagrams pushes out its own, and connections stay. Half-open
//! TCP and unreplied other flows stand in two queues, and the longer one gives,
//! so that a flood of one does not push out the other. Next go flows that are
//! closing or closed, the longest closed first. Only when all are established
//! an established one goes: the least recently seen of a few, as a list in that
//! order would cost every packet a move in it.

use super::list::{List, Victim};
use super::slots::Slots;
use super::stage::Class;

/// How many established flows are compared. Of eight at random the idlest is
/// among the idlest quarter of all in nine cases of ten.
const SAMPLE: u32 = 8;

/// A list and its length.
struct Queue {
    list: List<Victim>,
    len: u32,
}

impl Queue {
    const EMPTY: Self = Self { list: List::EMPTY, len: 0 };
}

/// The queues of victims; an established flow is in none.
pub(super) struct Victims {
    half_open: Queue,
    unreplied: Queue,
    closed: Queue,
    /// Where the next sample begins.
    hand: u32,
}

impl Victims {
    pub(super) const fn new() -> Self {
        Self { half_open: Queue::EMPTY, unreplied: Queue::EMPTY, closed: Queue::EMPTY, hand: 0 }
    }

    /// A flow has come to be of this class.
    pub(super) fn enter(&mut self, slots: &Slots, index: u32, class: Class) {
        if let Some(queue) = self.queue(class) {
            queue.list.push_back(slots, index);
            queue.len += 1;
        }
    }

    /// A flow is of this class no more.
    pub(super) fn leave(&mut self, slots: &Slots, index: u32, class: Class) {
        if let Some(queue) = self.queue(class) {
            queue.list.unlink(slots, index);
            queue.len -= 1;
        }
    }

    /// The flow that makes room in a full table: every slot holds a flow.
    pub(super) fn choose(&mut self, slots: &Slots) -> Option<u32> {
        let unanswered =
            if self.unreplied.len > self.half_open.len { &self.unreplied } else { &self.half_open };
        unanswered.list.front().or_else(|| self.closed.list.front()).or_else(|| self.sample(slots))
    }

    fn sample(&mut self, slots: &Slots) -> Option<u32> {
        let capacity = slots.used();
        let begin = self.hand;
        self.hand = (begin + SAMPLE) % capacity.max(1);
        (0..SAMPLE.min(capacity))
            .map(|step| (begin + step) % capacity)
            .min_by_key(|&index| slots.at(index).last())
    }

    fn queue(&mut self, class: Class) -> Option<&mut Queue> {
        match class {
            Class::HalfOpen => Some(&mut self.half_open),
            Class::Unreplied => Some(&mut self.unreplied),
            Class::Closed => Some(&mut self.closed),
            Class::Established => None,
        }
    }
}
