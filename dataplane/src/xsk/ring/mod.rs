//! The protocol of AF_XDP's four rings, apart from the memory they live in.
//!
//! Each ring has one producer and one consumer, of which the kernel is one and
//! we are the other (<https://docs.kernel.org/networking/af_xdp.html>). We
//! produce on FILL and TX, and consume on RX and COMPLETION. The same code runs
//! over the kernel's pages, over the heap in tests, and under loom, because it
//! sees its memory only through [`Memory`].
//!
//! What always holds: indices count up for ever and wrap at 2^32, so only their
//! wrapping difference means anything; sizes are powers of two, so a slot is the
//! index masked; `0 <= producer - consumer <= capacity`. Both sides cache the
//! other's index and look at the shared one only when the cache says no.

#![expect(unsafe_code, reason = "a slot is owned by protocol, which the compiler cannot see")]

#[cfg(test)]
mod heap;

use std::sync::atomic::Ordering;

/// Where a ring's indices, flags and entries are.
pub(super) trait Memory {
    /// What a slot holds.
    type Entry: Copy;

    /// How many slots; a power of two, and always the same.
    fn capacity(&self) -> u32;
    /// Loads the shared producer index.
    fn producer(&self, order: Ordering) -> u32;
    /// Stores the shared producer index.
    fn set_producer(&self, index: u32, order: Ordering);
    /// Loads the shared consumer index.
    fn consumer(&self, order: Ordering) -> u32;
    /// Stores the shared consumer index.
    fn set_consumer(&self, index: u32, order: Ordering);
    /// Loads the flags, which only the kernel writes.
    fn flags(&self) -> u32;
    /// Reads a slot.
    ///
    /// # Safety
    /// `slot < capacity()`, and the other side has published it and will not
    /// write it until it is released.
    unsafe fn read(&self, slot: u32) -> Self::Entry;
    /// Writes a slot.
    ///
    /// # Safety
    /// `slot < capacity()`, and the other side has released it and will not
    /// read it until it is published.
    unsafe fn write(&self, slot: u32, entry: Self::Entry);
}

/// Our end of a ring that the kernel consumes: FILL and TX.
pub(super) struct Producer<M> {
    memory: M,
    /// The index of the next slot to write.
    next: u32,
    /// What the shared producer index says.
    published: u32,
    /// One past the last slot that was free when we last looked.
    limit: u32,
}

impl<M: Memory> Producer<M> {
    /// Takes the producing end.
    ///
    /// # Safety
    /// Nothing else produces on this memory as long as this value lives, and
    /// the other side keeps to the protocol.
    pub(super) unsafe fn new(memory: M) -> Self {
        assert!(memory.capacity().is_power_of_two(), "a slot is an index masked");
        // Only we write this index, so there is nothing to order it against.
        let next = memory.producer(Ordering::Relaxed);
        let limit = memory.consumer(Ordering::Acquire).wrapping_add(memory.capacity());
        Self { memory, next, published: next, limit }
    }

    /// How many entries can be pushed now. Looks at the kernel's index only
    /// when fewer than `wanted` are known to fit.
    pub(super) fn room(&mut self, wanted: u32) -> u32 {
        let room = self.limit.wrapping_sub(self.next);
        if room >= wanted {
            return room;
        }
        // Acquire pairs with the consumer's release: its reads of the slots that
        // it gave up come before our writes to them.
        self.limit = self.memory.consumer(Ordering::Acquire).wrapping_add(self.memory.capacity());
        self.limit.wrapping_sub(self.next)
    }

    /// Writes an entry, which nobody sees before [`publish`](Self::publish);
    /// `false` when the ring is full.
    #[must_use]
    pub(super) fn push(&mut self, entry: M::Entry) -> bool {
        if self.room(1) == 0 {
            return false;
        }
        let slot = self.next & (self.memory.capacity() - 1);
        // SAFETY: `room` says that the consumer has released this slot, and it
        // will not read it before `publish` moves the index past it.
        unsafe { self.memory.write(slot, entry) };
        self.next = self.next.wrapping_add(1);
        true
    }

    /// Shows the consumer all that was pushed; how much that was.
    pub(super) fn publish(&mut self) -> u32 {
        let fresh = self.next.wrapping_sub(self.published);
        if fresh > 0 {
            // Release pairs with the consumer's acquire: the entries first.
            self.memory.set_producer(self.next, Ordering::Release);
            self.published = self.next;
        }
        fresh
    }

    /// Published entries that the consumer has not taken yet.
    pub(super) fn unconsumed(&self) -> u32 {
        // Nothing is read or written on the strength of this number.
        self.published.wrapping_sub(self.memory.consumer(Ordering::Relaxed))
    }

    /// Whether the kernel sleeps and wants a system call to look at this ring.
    ///
    /// A stale answer can miss a flag that was just set; whoever asks must ask
    /// again while [`unconsumed`](Self::unconsumed) is not zero.
    pub(super) fn needs_wakeup(&self) -> bool {
        self.memory.flags() & libc::XDP_RING_NEED_WAKEUP != 0
    }
}

/// Our end of a ring that the kernel produces on: RX and COMPLETION.
pub(super) struct Consumer<M> {
    memory: M,
    /// The index of the next slot to read.
    next: u32,
    /// What the shared consumer index says.
    released: u32,
    /// One past the last slot that was published when we last looked.
    limit: u32,
}

impl<M: Memory> Consumer<M> {
    /// Takes the consuming end.
    ///
    /// # Safety
    /// Nothing else consumes from this memory as long as this value lives, and
    /// the other side keeps to the protocol.
    pub(super) unsafe fn new(memory: M) -> Self {
        assert!(memory.capacity().is_power_of_two(), "a slot is an index masked");
        // Only we write this index, so there is nothing to order it against.
        let next = memory.consumer(Ordering::Relaxed);
        let limit = memory.producer(Ordering::Acquire);
        Self { memory, next, released: next, limit }
    }

    /// Takes the oldest entry. Its slot stays ours until
    /// [`release`](Self::release), and so does the room it takes.
    pub(super) fn pop(&mut self) -> Option<M::Entry> {
        if self.next == self.limit {
            // Acquire pairs with the producer's release: the entries are there.
            self.limit = self.memory.producer(Ordering::Acquire);
            if self.next == self.limit {
                return None;
            }
        }
        let slot = self.next & (self.memory.capacity() - 1);
        // SAFETY: the producer has published this slot, and it will not write it
        // before `release` moves the index past it.
        let entry = unsafe { self.memory.read(slot) };
        self.next = self.next.wrapping_add(1);
        Some(entry)
    }

    /// Gives the producer back the slots of all that was popped.
    pub(super) fn release(&mut self) {
        if self.released != self.next {
            // Release pairs with the producer's acquire: our reads first.
            self.memory.set_consumer(self.next, Ordering::Release);
            self.released = self.next;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::heap::Heap;

    /// One step of either side.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Push,
        Publish,
        Pop,
        Release,
    }

    /// A ring in plain words: what each side has done, in queues and numbers
    /// that never wrap.
    #[derive(Default)]
    struct Oracle {
        unpublished: VecDeque<u64>,
        published: VecDeque<u64>,
        /// Popped, but the room is not given back.
        unreleased: usize,
        /// How many were ever pushed; also the next entry.
        pushed: u64,
    }

    impl Oracle {
        fn taken(&self) -> usize {
            self.unpublished.len() + self.published.len() + self.unreleased
        }
    }

    fn obeys_oracle(capacity: u32, start: u32, steps: &[Step]) {
        let (mut producer, mut consumer) = Heap::pair(capacity, start);
        let mut oracle = Oracle::default();
        for (at, step) in steps.iter().enumerate() {
            match step {
                Step::Push => {
                    let fits = oracle.taken() < capacity as usize;
                    assert_eq!(
                        producer.room(capacity) as usize,
                        capacity as usize - oracle.taken(),
                        "step {at}"
                    );
                    assert_eq!(producer.push(oracle.pushed), fits, "step {at}: push");
                    if fits {
                        oracle.unpublished.push_back(oracle.pushed);
                        oracle.pushed += 1;
                    }
                }
                Step::Publish => {
                    assert_eq!(producer.publish() as usize, oracle.unpublished.len(), "step {at}: publish");
                    oracle.published.append(&mut oracle.unpublished);
                }
                Step::Pop => {
                    let expected = oracle.published.pop_front();
                    assert_eq!(consumer.pop(), expected, "step {at}: pop");
                    oracle.unreleased += usize::from(expected.is_some());
                }
                Step::Release => {
                    consumer.release();
                    oracle.unreleased = 0;
                }
            }
            assert_eq!(
                producer.unconsumed() as usize,
                oracle.published.len() + oracle.unreleased,
                "step {at}: unconsumed"
            );
        }
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        // Pushes and pops outnumber the others, so that rings run full and empty.
        let step = prop_oneof![
            5 => Just(Step::Push),
            2 => Just(Step::Publish),
            4 => Just(Step::Pop),
            2 => Just(Step::Release),
        ];
        prop::collection::vec(step, 0..600)
    }

    proptest! {
        #[test]
        fn does_what_a_queue_does(power in 0u32..6, start: u32, steps in steps()) {
            obeys_oracle(1 << power, start, &steps);
        }

        #[test]
        fn does_what_a_queue_does_while_its_indices_wrap(power in 0u32..6, below in 0u32..64, steps in steps()) {
            obeys_oracle(1 << power, u32::MAX - below, &steps);
        }
    }

    #[test]
    fn shows_nothing_before_it_is_published() {
        let (mut producer, mut consumer) = Heap::pair(4, u32::MAX);
        assert!(producer.push(7));
        assert_eq!(consumer.pop(), None);
        assert_eq!(producer.publish(), 1);
        assert_eq!(producer.publish(), 0);
        assert_eq!(consumer.pop(), Some(7));
    }

    #[test]
    fn has_no_room_before_slots_are_released() {
        let (mut producer, mut consumer) = Heap::pair(2, u32::MAX - 1);
        assert!(producer.push(1) && producer.push(2) && !producer.push(3));
        producer.publish();
        assert_eq!((consumer.pop(), consumer.pop()), (Some(1), Some(2)));
        assert!(!producer.push(3), "popped is not released");
        consumer.release();
        assert!(producer.push(3));
    }

    #[test]
    fn reads_the_kernels_flag() {
        let (producer, heap) = Heap::producer(2);
        assert!(!producer.needs_wakeup());
        heap.set_flags(libc::XDP_RING_NEED_WAKEUP);
        assert!(producer.needs_wakeup());
    }

    #[test]
    fn carries_every_entry_between_threads() {
        const COUNT: u64 = 200_000;
        let (mut producer, mut consumer) = Heap::pair(64, u32::MAX - 1_000);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut sent = 0;
                while sent < COUNT {
                    while sent < COUNT && producer.push(sent) {
                        sent += 1;
                    }
                    producer.publish();
                    std::thread::yield_now();
                }
            });
            let mut expected = 0;
            while expected < COUNT {
                while let Some(entry) = consumer.pop() {
                    assert_eq!(entry, expected);
                    expected += 1;
                }
                consumer.release();
                std::thread::yield_now();
            }
        });
    }
}

/// Every interleaving of the two sides, and every value that the memory model
/// lets a load return. `RUSTFLAGS="--cfg loom" cargo test -p tidegate --lib
/// xsk::ring --release`.
///
/// The entries sit in `loom::cell::UnsafeCell`: in plain memory loom does not
/// see the race that a weakened ordering opens, and passes. The last four tests
/// weaken each ordering of the protocol in turn and must fail.
#[cfg(all(test, loom))]
mod interleavings {
    use super::heap::{Heap, Weak};

    /// Three entries through two slots, so that a slot is used again and the
    /// indices wrap on the way.
    fn carries_everything(weak: Weak) {
        const COUNT: u64 = 3;
        loom::model(move || {
            let (mut producer, mut consumer) = Heap::weakened_pair(2, u32::MAX, weak);
            let sender = loom::thread::spawn(move || {
                let mut sent = 0;
                while sent < COUNT {
                    while sent < COUNT && producer.push(sent) {
                        sent += 1;
                    }
                    if producer.publish() == 0 {
                        loom::thread::yield_now();
                    }
                }
            });
            let mut expected = 0;
            while expected < COUNT {
                match consumer.pop() {
                    Some(entry) => {
                        assert_eq!(entry, expected);
                        expected += 1;
                    }
                    None => loom::thread::yield_now(),
                }
                consumer.release();
            }
            sender.join().unwrap();
        });
    }

    #[test]
    fn carries_every_entry_in_order() {
        carries_everything(Weak::Nothing);
    }

    #[test]
    #[should_panic(expected = "Causality violation")]
    fn fails_when_publishing_does_not_release() {
        carries_everything(Weak::StoreOfProducer);
    }

    #[test]
    #[should_panic(expected = "Causality violation")]
    fn fails_when_popping_does_not_acquire() {
        carries_everything(Weak::LoadOfProducer);
    }

    #[test]
    #[should_panic(expected = "Causality violation")]
    fn fails_when_giving_back_does_not_release() {
        carries_everything(Weak::StoreOfConsumer);
    }

    #[test]
    #[should_panic(expected = "Causality violation")]
    fn fails_when_looking_for_room_does_not_acquire() {
        carries_everything(Weak::LoadOfConsumer);
    }
}
