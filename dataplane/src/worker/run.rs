//! Running a worker on a core of its own: when to work, when to sleep.

use std::time::Duration;

use super::Worker;
use super::counters::Counter;
use super::event::EventSink;
use crate::port::{Port, Supply};
use crate::time::Timestamp;
use crate::xsk::{Waiter, Waker};

/// Empty rounds before a worker sleeps: at about 0.5 us a round that is some
/// 100 us, longer than the gaps inside a busy flow and short enough that an
/// idle gateway costs nothing.
const EMPTY_ROUNDS_MAX: u32 = 200;
/// The longest sleep: housekeeping and the heartbeat must go on.
const SLEEP_MAX: Duration = Duration::from_millis(100);

/// What a worker does when no packet comes.
pub enum Idle {
    /// Asks again at once: least latency, one core burnt.
    Busy,
    /// Sleeps in poll(2) until a packet comes.
    Adaptive(Waiter),
}

impl Idle {
    /// What ends the worker's sleep; nothing does where it never sleeps.
    pub fn waker(&self) -> Option<Waker> {
        match self {
            Self::Busy => None,
            Self::Adaptive(waiter) => Some(waiter.waker()),
        }
    }
}

/// Which core a worker runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin(pub usize);

impl Pin {
    /// Pins the calling thread; `false` when the machine has no such core or
    /// does not let us.
    pub fn apply(self) -> bool {
        core_affinity::set_for_current(core_affinity::CoreId { id: self.0 })
    }

    /// The cores that this process may use.
    pub fn available() -> Vec<Self> {
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        cores.into_iter().map(|core| Self(core.id)).collect()
    }
}

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// One round: a burst from every door, and housekeeping if it is due.
    /// Returns how many packets came, and whether more may.
    #[inline]
    pub fn step(&mut self, now: Timestamp) -> (usize, Supply) {
        let burst = self.burst(now);
        self.housekeep(now);
        burst
    }

    /// Works until [`Shared::stop`](super::shared::Shared::stop), then ends its
    /// flows.
    pub fn run(&mut self, idle: &mut Idle) {
        let mut empty_rounds = 0;
        while !self.shared.stopping() {
            let now = Timestamp::now();
            let (packets, _) = self.step(now);
            if packets > 0 {
                empty_rounds = 0;
                continue;
            }
            empty_rounds += 1;
            match idle {
                Idle::Adaptive(waiter) if empty_rounds >= EMPTY_ROUNDS_MAX => self.sleep(waiter),
                _ => std::hint::spin_loop(),
            }
        }
        self.end_all_flows();
        self.publish();
    }

    fn sleep(&mut self, waiter: &mut Waiter) {
        self.counters.count(Counter::Sleeps);
        // What is shown of a sleeping worker is how it fell asleep.
        self.gauge_frames();
        if let Err(error) = waiter.wait(SLEEP_MAX) {
            // poll(2) fails for want of kernel memory only: go on without sleep.
            log::error!("worker {}: {error}", self.id);
            std::thread::yield_now();
        }
    }

    /// Works until every door has ended, then ends its flows. Time is what the
    /// packets say.
    pub fn run_to_end(&mut self) {
        loop {
            let (packets, supply) = self.burst(self.now);
            if supply == Supply::Ended && packets == 0 {
                break;
            }
        }
        self.end_all_flows();
        self.publish();
    }
}
