//! Signs of life, from a worker to the XDP program.
//!
//! The program's map of heartbeats is mapped into the process, so that a beat is
//! one store: no system call, no lock. Each queue has one writer, its worker;
//! the program reads, on whatever core the queue's interrupts run.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys;

/// The heartbeats of all queues of a device.
pub(crate) struct Heartbeats {
    mapping: sys::MapMapping,
}

impl Heartbeats {
    /// Maps the values of an mmapable BPF array of `queues` times `u64`.
    pub(crate) fn map(array: BorrowedFd<'_>, queues: usize) -> std::io::Result<Self> {
        Ok(Self { mapping: sys::MapMapping::new(array, queues)? })
    }

    fn slot(&self, queue: u32) -> Option<&AtomicU64> {
        self.mapping.slots().get(usize::try_from(queue).ok()?)
    }
}

/// The heartbeat of one queue: what a worker keeps and touches.
///
/// Beats go on working, without effect, after the device was detached or taken
/// over.
#[derive(Clone)]
pub struct Heartbeat {
    all: Arc<Heartbeats>,
    queue: u32,
}

impl Heartbeat {
    /// The heartbeat of `queue`; `None` where there is no such place.
    pub(crate) fn new(all: &Arc<Heartbeats>, queue: u32) -> Option<Self> {
        all.slot(queue)?;
        Some(Self { all: Arc::clone(all), queue })
    }

    /// Says that the worker of this queue was alive at `now_ns`, which is of
    /// `CLOCK_MONOTONIC` ([`monotonic_ns`]).
    pub fn beat(&self, now_ns: u64) {
        if let Some(slot) = self.all.slot(self.queue) {
            // Nothing else is published with the time, so no order is needed.
            slot.store(now_ns, Ordering::Relaxed);
        }
    }

    /// Which queue this is.
    pub fn queue(&self) -> u32 {
        self.queue
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds: the clock that the program compares beats with.
pub fn monotonic_ns() -> u64 {
    sys::monotonic_ns()
}
