//! A ring on the heap, for tests: the kernel's pages without a kernel.
//!
//! Under loom its indices are loom's atomics and its slots loom's cells, and an
//! ordering can be weakened on purpose, to see that the model notices.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::Ordering;

#[cfg(loom)]
use loom::cell::UnsafeCell;
#[cfg(loom)]
use loom::sync::atomic::AtomicU32;
#[cfg(not(loom))]
use std::sync::atomic::AtomicU32;

use super::{Consumer, Memory, Producer};

/// Which access of the protocol is made `Relaxed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weak {
    Nothing,
    StoreOfProducer,
    LoadOfProducer,
    StoreOfConsumer,
    LoadOfConsumer,
}

/// `std`'s cell behind loom's interface.
#[cfg(not(loom))]
struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// The memory of a ring of numbers.
pub(super) struct Heap {
    producer: AtomicU32,
    consumer: AtomicU32,
    flags: AtomicU32,
    slots: Box<[UnsafeCell<u64>]>,
    weak: Weak,
}

// SAFETY: the slots pass from side to side by the protocol under test.
unsafe impl Send for Heap {}
// SAFETY: as above.
unsafe impl Sync for Heap {}

impl Heap {
    fn new(capacity: u32, start: u32, weak: Weak) -> Arc<Self> {
        Arc::new(Self {
            producer: AtomicU32::new(start),
            consumer: AtomicU32::new(start),
            flags: AtomicU32::new(0),
            slots: (0..capacity).map(|_| UnsafeCell::new(u64::MAX)).collect(),
            weak,
        })
    }

    /// Both ends of an empty ring whose indices are at `start`.
    #[cfg(not(loom))]
    pub(super) fn pair(capacity: u32, start: u32) -> (Producer<Arc<Self>>, Consumer<Arc<Self>>) {
        Self::weakened_pair(capacity, start, Weak::Nothing)
    }

    /// As [`Heap::pair`], with one ordering taken away.
    pub(super) fn weakened_pair(
        capacity: u32,
        start: u32,
        weak: Weak,
    ) -> (Producer<Arc<Self>>, Consumer<Arc<Self>>) {
        let heap = Self::new(capacity, start, weak);
        // SAFETY: this memory is new, and this is its only producer.
        let producer = unsafe { Producer::new(Arc::clone(&heap)) };
        // SAFETY: this memory is new, and this is its only consumer.
        let consumer = unsafe { Consumer::new(heap) };
        (producer, consumer)
    }

    /// The producing end, and the memory as the kernel sees it.
    #[cfg(not(loom))]
    pub(super) fn producer(capacity: u32) -> (Producer<Arc<Self>>, Arc<Self>) {
        let heap = Self::new(capacity, 0, Weak::Nothing);
        // SAFETY: this memory is new, and this is its only producer.
        (unsafe { Producer::new(Arc::clone(&heap)) }, heap)
    }

    /// Says what the kernel would say.
    #[cfg(not(loom))]
    pub(super) fn set_flags(&self, flags: u32) {
        self.flags.store(flags, Ordering::Relaxed);
    }

    fn order(&self, access: Weak, order: Ordering) -> Ordering {
        if self.weak == access { Ordering::Relaxed } else { order }
    }
}

impl Memory for Arc<Heap> {
    type Entry = u64;

    fn capacity(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap()
    }

    fn producer(&self, order: Ordering) -> u32 {
        self.producer.load(self.order(Weak::LoadOfProducer, order))
    }

    fn set_producer(&self, index: u32, order: Ordering) {
        self.producer.store(index, self.order(Weak::StoreOfProducer, order));
    }

    fn consumer(&self, order: Ordering) -> u32 {
        self.consumer.load(self.order(Weak::LoadOfConsumer, order))
    }

    fn set_consumer(&self, index: u32, order: Ordering) {
        self.consumer.store(index, self.order(Weak::StoreOfConsumer, order));
    }

    fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    unsafe fn read(&self, slot: u32) -> u64 {
        // SAFETY: the caller owns the slot for reading.
        self.slots[slot as usize].with(|entry| unsafe { *entry })
    }

    unsafe fn write(&self, slot: u32, entry: u64) {
        // SAFETY: the caller owns the slot for writing.
        self.slots[slot as usize].with_mut(|place| unsafe { *place = entry });
    }
}
