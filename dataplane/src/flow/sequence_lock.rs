//! Reading without a lock what one thread writes.

use super::sync::{AtomicU32, Ordering, fence};

use Ordering::Relaxed;

/// A sequence lock whose number also says whether there is anything to read:
/// odd while a flow is in the slot, even while it is vacant.
///
/// A reader whose two looks at the number agree has read one flow: had it read
/// one word of a later flow, it would, by the fences of [`begin_write`] and
/// [`still`], also see the number that the later flow's writer left before.
/// (Boehm, "Can seqlocks get along with programming language memory models?",
/// MSPC 2012.)
///
/// [`begin_write`]: SequenceLock::begin_write
/// [`still`]: SequenceLock::still
///
/// `WEAKENED` is 0; loom's tests leave out one ordering each by its number, to
/// show that they would notice.
pub(super) struct SequenceLock<const WEAKENED: u8 = 0>(AtomicU32);

impl<const WEAKENED: u8> SequenceLock<WEAKENED> {
    pub(super) fn vacant() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Reader: the number, if there is something to read.
    pub(super) fn begin(&self) -> Option<u32> {
        let sequence = self.0.load(if WEAKENED == 1 { Relaxed } else { Ordering::Acquire });
        (sequence & 1 == 1).then_some(sequence)
    }

    /// Reader: whether what was read since [`SequenceLock::begin`] is whole.
    pub(super) fn still(&self, sequence: u32) -> bool {
        if WEAKENED != 2 {
            fence(Ordering::Acquire);
        }
        self.0.load(Relaxed) == sequence
    }

    /// Writer: nothing is to be read any more.
    pub(super) fn vacate(&self) {
        let sequence = self.0.load(Relaxed);
        assert!(sequence & 1 == 1, "a vacant slot was vacated");
        self.0.store(sequence.wrapping_add(1), Relaxed);
    }

    /// Writer: what is written from now on is behind the vacancy.
    pub(super) fn begin_write(&self) {
        assert!(self.0.load(Relaxed) & 1 == 0, "a slot was taken twice");
        if WEAKENED != 3 {
            fence(Ordering::Release);
        }
    }

    /// Writer: what was written can be read.
    pub(super) fn publish(&self) {
        let sequence = self.0.load(Relaxed).wrapping_add(1);
        self.0.store(sequence, if WEAKENED == 4 { Relaxed } else { Ordering::Release });
    }
}

#[cfg(all(test, loom))]
#[expect(clippy::unwrap_used, reason = "a reader that failed is to fail the model")]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::super::sync::AtomicU64;
    use super::*;

    // In each model the writer runs in the first thread. Loom goes back to where
    // a thread's access met the last one of another; a writer that loads before
    // it stores hides an earlier load of the reader, and with the reader first
    // no more than one run in order would be tried.

    /// Two words under the lock, written twice over; a reader that is told that
    /// its read was whole must hold two equal words of the life that it saw.
    fn two_words<const WEAKENED: u8>() {
        loom::model(|| {
            let words = [AtomicU64::new(0), AtomicU64::new(0)];
            let guarded = Arc::new((SequenceLock::<WEAKENED>::vacant(), words));
            let reader = {
                let guarded = Arc::clone(&guarded);
                thread::spawn(move || {
                    let (lock, words) = &*guarded;
                    let Some(sequence) = lock.begin() else { return };
                    let [a, b] = words.each_ref().map(|word| word.load(Relaxed));
                    if lock.still(sequence) {
                        assert_eq!((a, b), (u64::from(sequence), u64::from(sequence)), "torn");
                    }
                })
            };
            let (lock, words) = &*guarded;
            for sequence in [1, 3] {
                lock.begin_write();
                words.iter().for_each(|word| word.store(sequence, Relaxed));
                lock.publish();
                if sequence == 1 {
                    lock.vacate();
                }
            }
            reader.join().unwrap();
        });
    }

    #[test]
    fn a_whole_read_is_of_one_flow() {
        two_words::<0>();
    }

    #[test]
    #[should_panic(expected = "torn")]
    fn without_acquire_at_the_first_look_it_is_not() {
        two_words::<1>();
    }

    #[test]
    #[should_panic(expected = "torn")]
    fn without_the_fence_before_the_second_look_it_is_not() {
        two_words::<2>();
    }

    #[test]
    #[should_panic(expected = "torn")]
    fn without_the_fence_before_writing_it_is_not() {
        two_words::<3>();
    }

    #[test]
    #[should_panic(expected = "torn")]
    fn without_release_at_publication_it_is_not() {
        two_words::<4>();
    }
}
