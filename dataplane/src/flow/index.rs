//! From the hash of a key to the slot of its flow.
//!
//! One bucket is one cache line: eight tags of 16 bits, and the eight slots
//! they stand for. A hit reads that line and the slot; a look at a wrong slot
//! happens once in ten thousand packets. The tags of half a bucket are compared
//! at once, as lanes of one word.
//!
//! A full bucket sends what comes on to the next one and counts it in `passed`,
//! so that a search knows whether to go on. With four flows a bucket on average
//! one bucket in fifty does so. Nothing is ever moved: a removal is a store,
//! and no insertion takes longer than another.

use std::hint::black_box;
use std::ptr;

use super::FlowError;
use super::key::{low_u16, low_u32};

/// Entries in one bucket.
const LANES: usize = 8;

/// Flows a bucket holds on average in a full table.
pub(super) const FLOWS_PER_BUCKET: usize = 4;

/// The tag of an entry that is free.
const FREE: u16 = 0;

/// The lowest bit of each lane.
const LOW: u64 = 0x0001_0001_0001_0001;

/// One cache line of the index.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct Bucket {
    /// Entry `n` has lane `n % 4` of word `n / 4`, counted from the lowest.
    tags: [u64; 2],
    slots: [u32; LANES],
    /// How many entries belong here and had to go on.
    passed: u32,
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    const EMPTY: Self = Self { tags: [0; 2], slots: [0; LANES], passed: 0 };

    /// The entries with this tag. Beside an exact one there may be others whose
    /// tags differ in the lowest bit only; the key in the slot tells.
    #[inline]
    fn entries(&self, tag: u16) -> Entries {
        let [low, high] = self.tags.map(|tags| {
            // A lane that is zero after the exclusive or borrows into its
            // highest bit (Warren, Hacker's Delight, 6-1).
            let differs = tags ^ (u64::from(tag) * LOW);
            (differs.wrapping_sub(LOW) & !differs & (LOW << 15)) >> 15
        });
        Entries(low | high << 1)
    }

    #[inline]
    fn slot(&self, entry: usize) -> u32 {
        match self.slots.get(entry) {
            Some(&slot) => slot,
            None => unreachable!("an entry that was found is an entry"),
        }
    }

    fn tag(&self, entry: usize) -> u16 {
        let [low, high] = self.tags;
        let word = if entry < LANES / 2 { low } else { high };
        low_u16(word >> (entry % 4 * 16))
    }

    fn set(&mut self, entry: usize, tag: u16, slot: u32) {
        let [low, high] = &mut self.tags;
        let word = if entry < LANES / 2 { low } else { high };
        let shift = entry % 4 * 16;
        *word = (*word & !(0xffff << shift)) | u64::from(tag) << shift;
        if let Some(place) = self.slots.get_mut(entry) {
            *place = slot;
        }
    }
}

/// Entries of a bucket: bit 16 n is entry n, bit 16 n + 1 is entry n + 4.
struct Entries(u64);

impl Iterator for Entries {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let bit = self.0.trailing_zeros() as usize;
        if bit >= 64 {
            return None;
        }
        self.0 &= self.0 - 1;
        Some(bit / 16 + bit % 16 * 4)
    }
}

/// The index of one table.
pub(super) struct Index {
    buckets: Box<[Bucket]>,
}

impl Index {
    /// An index for up to `flows` flows.
    pub(super) fn allocate(flows: u32) -> Result<Self, FlowError> {
        let count = (flows as usize).div_ceil(FLOWS_PER_BUCKET).max(1);
        let mut buckets = Vec::new();
        buckets.try_reserve_exact(count).map_err(|_| FlowError::OutOfMemory { flows })?;
        buckets.resize(count, Bucket::EMPTY);
        Ok(Self { buckets: buckets.into_boxed_slice() })
    }

    /// The slot under this hash for which `is_it` holds.
    #[inline]
    pub(super) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let tag = tag_of(hash);
        let mut place = self.home(home_of(hash));
        loop {
            let bucket = self.bucket(place);
            for entry in bucket.entries(tag) {
                let slot = bucket.slot(entry);
                if is_it(slot) {
                    return Some(slot);
                }
            }
            if bucket.passed == 0 {
                return None;
            }
            place = self.after(place);
        }
    }

    /// Files a slot under a hash. There is room: the table never has more
    /// flows than the index was made for.
    pub(super) fn insert(&mut self, hash: u64, slot: u32) {
        let mut place = self.home(home_of(hash));
        loop {
            let bucket = self.bucket_mut(place);
            if let Some(entry) = bucket.entries(FREE).next() {
                bucket.set(entry, tag_of(hash), slot);
                return;
            }
            bucket.passed += 1;
            place = self.after(place);
        }
    }

    /// Takes out a slot that was filed under a hash with this [`home_of`].
    pub(super) fn remove(&mut self, home: u32, slot: u32) {
        let mut place = self.home(home);
        loop {
            let bucket = self.bucket_mut(place);
            let holds = |&entry: &usize| bucket.tag(entry) != FREE && bucket.slot(entry) == slot;
            if let Some(entry) = (0..LANES).find(holds) {
                bucket.set(entry, FREE, 0);
                return;
            }
            assert!(bucket.passed > 0, "slot {slot} is not in the index");
            bucket.passed -= 1;
            place = self.after(place);
        }
    }

    /// Asks the memory for the line of this hash, early.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64) {
        black_box(self.bucket(self.home(home_of(hash))).passed);
    }

    /// The line of this hash.
    #[inline]
    pub(super) fn line(&self, hash: u64) -> *const u8 {
        ptr::from_ref(self.bucket(self.home(home_of(hash)))).cast()
    }

    /// The slot that this hash most likely leads to, from its first line alone.
    #[inline]
    pub(super) fn candidate(&self, hash: u64) -> Option<u32> {
        let bucket = self.bucket(self.home(home_of(hash)));
        bucket.entries(tag_of(hash)).next().map(|entry| bucket.slot(entry))
    }

    /// The place of a home: the fraction that it is of all homes.
    #[inline]
    fn home(&self, home: u32) -> usize {
        // Below `buckets.len()`, so it fits.
        usize::try_from((u64::from(home) * self.buckets.len() as u64) >> 32).unwrap_or(0)
    }

    #[inline]
    fn after(&self, place: usize) -> usize {
        if place + 1 == self.buckets.len() { 0 } else { place + 1 }
    }

    #[inline]
    fn bucket(&self, place: usize) -> &Bucket {
        match self.buckets.get(place) {
            Some(bucket) => bucket,
            None => unreachable!("places are taken below the number of buckets"),
        }
    }

    fn bucket_mut(&mut self, place: usize) -> &mut Bucket {
        match self.buckets.get_mut(place) {
            Some(bucket) => bucket,
            None => unreachable!("places are taken below the number of buckets"),
        }
    }
}

/// The part of a hash that chooses the bucket, kept in the slot for removal.
#[inline]
pub(super) const fn home_of(hash: u64) -> u32 {
    low_u32(hash >> 32)
}

/// The part of a hash that is compared: neither [`FREE`] nor different from it
/// in the lowest bit only, so that no search takes a free entry for its own.
#[inline]
fn tag_of(hash: u64) -> u16 {
    low_u16(hash).max(FREE + 2)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a map, with hashes from a small set so that tags collide and
        /// buckets overflow, wrap around and empty again.
        #[test]
        fn finds_what_was_put_in_and_not_taken_out(
            moves in prop::collection::vec((0..48_u32, 0..3_u64, 0..2_u64), 1..400),
        ) {
            let mut index = Index::allocate(48).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let mut oracle: HashMap<u32, u64> = HashMap::new();
            for (slot, home, tag) in moves {
                let hash = (home * 0x7fff_ffff) << 32 | tag;
                if let Some(hash) = oracle.remove(&slot) {
                    index.remove(home_of(hash), slot);
                } else {
                    oracle.insert(slot, hash);
                    index.insert(hash, slot);
                }
                for slot in 0..48 {
                    let hash = oracle.get(&slot).copied();
                    let found = index.find(hash.unwrap_or(1), |other| other == slot);
                    prop_assert_eq!(found, hash.map(|_| slot));
                }
            }
            for (slot, hash) in oracle {
                index.remove(home_of(hash), slot);
            }
            let clean = |bucket: &Bucket| bucket.passed == 0 && bucket.tags == [0; 2];
            prop_assert!(index.buckets.iter().all(clean));
        }
    }

    /// Beside an exact match, lanes that differ in the lowest bit only match as
    /// well; a free entry, which is slot 0 to look at, must not be among them.
    #[test]
    fn a_free_entry_is_never_found() -> Result<(), FlowError> {
        let mut index = Index::allocate(8)?;
        for tag in 0..4 {
            index.insert(tag, 7);
            assert_eq!(index.find(tag, |slot| slot == 0), None, "tag {tag}");
            index.remove(home_of(tag), 7);
        }
        Ok(())
    }

    #[test]
    fn the_candidate_of_the_first_line_is_the_slot() -> Result<(), FlowError> {
        let mut index = Index::allocate(100)?;
        index.insert(0x8000_0000_1234_5678, 42);
        index.prefetch(0x8000_0000_1234_5678);
        assert_eq!(index.candidate(0x8000_0000_1234_5678), Some(42));
        assert_eq!(index.candidate(0x8000_0000_1234_5679), None);
        Ok(())
    }
}
