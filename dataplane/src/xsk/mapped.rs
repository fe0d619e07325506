//! A ring in the kernel's pages.

#![expect(unsafe_code, reason = "the ring lies at offsets that only the kernel knows")]

use std::io;
use std::marker::PhantomData;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use super::ring::Memory;
use super::sys::{Mapping, Plain};

/// One of the four rings of a socket, mapped; it keeps the socket open.
pub(super) struct Mapped<E> {
    producer: NonNull<AtomicU32>,
    consumer: NonNull<AtomicU32>,
    flags: NonNull<AtomicU32>,
    entries: NonNull<E>,
    capacity: u32,
    _pages: Mapping,
    _entries: PhantomData<E>,
}

/// The words of a ring that both sides touch.
#[derive(Clone, Copy)]
enum Index {
    Producer,
    Consumer,
    Flags,
}

// SAFETY: it owns its mapping, and its pointers lead nowhere else.
unsafe impl<E: Send> Send for Mapped<E> {}

// SAFETY: a descriptor is three numbers.
unsafe impl Plain for libc::xdp_desc {}
// SAFETY: a number.
unsafe impl Plain for u64 {}

impl<E: Plain> Mapped<E> {
    /// Maps the ring at `page_offset` of the socket, which has this many entries.
    pub(super) fn new(
        socket: BorrowedFd<'_>,
        page_offset: libc::off_t,
        layout: &libc::xdp_ring_offset,
        capacity: u32,
    ) -> io::Result<Self> {
        let place = |offset: u64| usize::try_from(offset).map_err(io::Error::other);
        let (producer, consumer) = (place(layout.producer)?, place(layout.consumer)?);
        let (flags, entries) = (place(layout.flags)?, place(layout.desc)?);
        let len = entries + capacity as usize * size_of::<E>();
        let pages = Mapping::ring(socket, len, page_offset)?;
        for (offset, align) in [(producer, 4), (consumer, 4), (flags, 4), (entries, align_of::<E>())] {
            assert!(
                offset.is_multiple_of(align) && offset + align <= len,
                "the kernel's ring layout is sane"
            );
        }
        Ok(Self {
            producer: within(&pages, producer).cast(),
            consumer: within(&pages, consumer).cast(),
            flags: within(&pages, flags).cast(),
            entries: within(&pages, entries).cast(),
            capacity,
            _pages: pages,
            _entries: PhantomData,
        })
    }

    fn index(&self, which: Index) -> &AtomicU32 {
        let place = match which {
            Index::Producer => self.producer,
            Index::Consumer => self.consumer,
            Index::Flags => self.flags,
        };
        // SAFETY: the place is aligned and inside the mapping, which lives as
        // long as `self`; the kernel too touches it by atomic accesses only.
        unsafe { place.as_ref() }
    }

    fn entry(&self, slot: u32) -> NonNull<E> {
        debug_assert!(slot < self.capacity, "slot {slot} of {}", self.capacity);
        // SAFETY: slot < capacity, and the mapping holds that many entries.
        unsafe { self.entries.add(slot as usize) }
    }
}

fn within(pages: &Mapping, offset: usize) -> NonNull<u8> {
    assert!(offset < pages.len(), "the kernel's ring layout is sane");
    // SAFETY: the offset was just checked against the mapping's length.
    unsafe { pages.base().add(offset) }
}

impl<E: Plain> Memory for Mapped<E> {
    type Entry = E;

    fn capacity(&self) -> u32 {
        self.capacity
    }

    fn producer(&self, order: Ordering) -> u32 {
        self.index(Index::Producer).load(order)
    }

    fn set_producer(&self, index: u32, order: Ordering) {
        self.index(Index::Producer).store(index, order);
    }

    fn consumer(&self, order: Ordering) -> u32 {
        self.index(Index::Consumer).load(order)
    }

    fn set_consumer(&self, index: u32, order: Ordering) {
        self.index(Index::Consumer).store(index, order);
    }

    fn flags(&self) -> u32 {
        self.index(Index::Flags).load(Ordering::Relaxed)
    }

    unsafe fn read(&self, slot: u32) -> E {
        let entry = self.entry(slot);
        // SAFETY: the caller owns the slot for reading, and `Plain` says that
        // whatever the kernel wrote is a value.
        unsafe { entry.read() }
    }

    unsafe fn write(&self, slot: u32, entry: E) {
        let place = self.entry(slot);
        // SAFETY: the caller owns the slot for writing.
        unsafe { place.write(entry) };
    }
}
