//! All slots of a table, in one allocation that its readers share.

use super::FlowError;
use super::record::FlowRecord;
use super::slot::Slot;
use super::sync::{AtomicU32, Ordering};

/// The slots. Each is written once when the table is made, so that traffic
/// meets no page faults; after that they are taken in order, so that a table
/// far from full is read and walked only as far as it was ever used.
pub(super) struct Slots {
    slots: Box<[Slot]>,
    used: AtomicU32,
}

impl Slots {
    pub(super) fn allocate(flows: u32) -> Result<Self, FlowError> {
        let mut slots = Vec::new();
        slots.try_reserve_exact(flows as usize).map_err(|_| FlowError::OutOfMemory { flows })?;
        slots.resize_with(flows as usize, Slot::vacant);
        Ok(Self { slots: slots.into_boxed_slice(), used: AtomicU32::new(0) })
    }

    /// The slot with this number, below [`Slots::used`] or just taken.
    #[inline]
    pub(super) fn at(&self, index: u32) -> &Slot {
        match self.slots.get(index as usize) {
            Some(slot) => slot,
            None => unreachable!("slot {index} of {}", self.slots.len()),
        }
    }

    /// How many slots were ever used, from the first on.
    pub(super) fn used(&self) -> u32 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes the first slot that was never used.
    pub(super) fn take_fresh(&self) -> Option<u32> {
        let index = self.used();
        self.slots.get(index as usize)?;
        self.used.store(index + 1, Ordering::Relaxed);
        Some(index)
    }

    /// The flow in a slot, from any thread.
    pub(super) fn snapshot(&self, index: u32) -> Option<FlowRecord> {
        self.slots.get(index as usize)?.snapshot()
    }
}
