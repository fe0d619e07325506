//! A call that wakes a sleeper: many calls, few system calls.
//!
//! Calls to a sleeper that is awake cost one system call in all: the first
//! raises the event, the others see that it is raised. What always holds, and
//! loom checks: after a call, either the event is raised, or the sleeper's
//! latest answer came after the call and shows it all that the caller did before.

use std::io;
use std::sync::atomic::Ordering;

#[cfg(loom)]
use loom::sync::atomic::AtomicBool;
#[cfg(not(loom))]
use std::sync::atomic::AtomicBool;

/// What a sleeper waits for.
pub(super) trait Event {
    /// Ends the present sleep, or the next one.
    fn raise(&self);
    /// Takes back that it was raised.
    fn clear(&self) -> io::Result<()>;
}

/// An event, and whether it was raised and not answered.
///
/// `WEAKENED` is 0; loom's tests take away one promise each by its number, to
/// show that they would notice.
#[derive(Debug)]
pub(super) struct Call<E, const WEAKENED: u8 = 0> {
    event: E,
    pending: AtomicBool,
}

impl<E: Event, const WEAKENED: u8> Call<E, WEAKENED> {
    pub(super) fn new(event: E) -> Self {
        Self { event, pending: AtomicBool::new(false) }
    }

    /// Wakes the sleeper, from any thread.
    pub(super) fn make(&self) {
        let order = if WEAKENED == 1 { Ordering::Relaxed } else { Ordering::AcqRel };
        if !self.pending.swap(true, order) {
            self.event.raise();
        }
    }

    /// Answers all calls so far. The sleeper is awake, and looks afterwards at
    /// what it may have been called for.
    pub(super) fn answer(&self) -> io::Result<()> {
        // First the event, then the flag. The other way round, a call between
        // the two would leave the flag set over an event that is not raised, and
        // no later call would wake us. This way round a call in between raises
        // nothing, but we are awake, and the swap shows us what its caller did.
        if WEAKENED == 3 {
            self.pending.swap(false, Ordering::AcqRel);
            return self.event.clear();
        }
        self.event.clear()?;
        self.pending.swap(false, if WEAKENED == 2 { Ordering::Relaxed } else { Ordering::AcqRel });
        Ok(())
    }
}

/// `RUSTFLAGS="--cfg loom" cargo test -p tidegate --lib xsk --release`.
#[cfg(all(test, loom))]
mod interleavings {
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;

    use super::*;

    /// An eventfd, as far as it matters.
    struct Counter(AtomicUsize);

    impl Counter {
        fn is_raised(&self) -> bool {
            self.0.load(Ordering::Acquire) > 0
        }
    }

    impl Event for Counter {
        fn raise(&self) {
            self.0.fetch_add(1, Ordering::AcqRel);
        }

        fn clear(&self) -> io::Result<()> {
            self.0.swap(0, Ordering::AcqRel);
            Ok(())
        }
    }

    /// Every caller hands over so many packets and calls after each. Whatever
    /// of it a sleeper has not seen when it was called twice at most, it is
    /// called for again.
    fn loses_no_call<const WEAKENED: u8>(callers: usize, packets: usize) {
        loom::model(move || {
            let call = Arc::new(Call::<_, WEAKENED>::new(Counter(AtomicUsize::new(0))));
            let handed_over = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
            let spawn = |caller: usize| {
                let (call, handed_over) = (Arc::clone(&call), Arc::clone(&handed_over));
                loom::thread::spawn(move || {
                    for packet in 1..=packets {
                        // Relaxed: only the call makes it visible.
                        handed_over[caller].store(packet, Ordering::Relaxed);
                        call.make();
                    }
                })
            };
            let threads: Vec<_> = (0..callers).map(spawn).collect();
            let mut seen = [0; 2];
            for _ in 0..2 {
                if call.event.is_raised() {
                    call.answer().unwrap();
                    seen = [0, 1].map(|caller: usize| handed_over[caller].load(Ordering::Relaxed));
                }
            }
            for thread in threads {
                thread.join().unwrap();
            }
            let all = seen.iter().sum::<usize>() == callers * packets;
            assert!(all || call.event.is_raised(), "saw {seen:?}, and nothing wakes it");
        });
    }

    #[test]
    fn loses_no_call_of_one() {
        loses_no_call::<0>(1, 3);
    }

    #[test]
    fn loses_no_call_of_two() {
        loses_no_call::<0>(2, 1);
    }

    #[test]
    #[should_panic(expected = "nothing wakes it")]
    fn fails_when_a_call_does_not_release() {
        loses_no_call::<1>(1, 3);
    }

    #[test]
    #[should_panic(expected = "nothing wakes it")]
    fn fails_when_an_answer_does_not_acquire() {
        loses_no_call::<2>(1, 3);
    }

    /// It takes three calls: the third is the one that is lost.
    #[test]
    #[should_panic(expected = "nothing wakes it")]
    fn fails_when_the_flag_is_answered_before_the_event() {
        loses_no_call::<3>(1, 3);
    }
}
