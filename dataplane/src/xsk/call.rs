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
#[derive(Debug)]
pub(super) struct Call<E> {
    event: E,
    pending: AtomicBool,
}

impl<E: Event> Call<E> {
    pub(super) fn new(event: E) -> Self {
        Self { event, pending: AtomicBool::new(false) }
    }

    /// Wakes the sleeper, from any thread.
    pub(super) fn make(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
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
        self.event.clear()?;
        self.pending.swap(false, Ordering::AcqRel);
        Ok(())
    }
}

/// `RUSTFLAGS="--cfg loom" cargo test -p tidegate --lib xsk --release`. With the
/// two lines of `answer` exchanged, or with `Relaxed` in either swap, it fails.
/// (Exchanged lines lose the third call, so there must be three.)
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

    #[test]
    fn loses_no_call() {
        loom::model(|| {
            let call = Arc::new(Call::new(Counter(AtomicUsize::new(0))));
            let handed_over = Arc::new(AtomicUsize::new(0));
            let caller = {
                let (call, handed_over) = (Arc::clone(&call), Arc::clone(&handed_over));
                loom::thread::spawn(move || {
                    for packet in 1..=3 {
                        handed_over.store(packet, Ordering::Relaxed);
                        call.make();
                    }
                })
            };
            let mut seen = 0;
            for _ in 0..2 {
                if call.event.is_raised() {
                    call.answer().unwrap();
                    seen = handed_over.load(Ordering::Relaxed);
                }
            }
            caller.join().unwrap();
            assert!(seen == 3 || call.event.is_raised(), "saw {seen}, and nothing wakes it");
        });
    }
}
