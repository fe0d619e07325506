//! Packets on their way to the worker that owns their flow.
//!
//! RSS may spread the two directions of a flow over two queues, while a flow
//! has one writer: so a worker hands a packet that is not its own to the owner,
//! frame and decoded headers together, over a bounded queue. A full queue drops
//! the packet and counts it, as a full link would. The chunks come home through
//! the `Umem`'s queue of returned chunks.
//!
//! No packet waits for a sleeper: each is followed by a call to its owner, and
//! what [`Waker`] promises (and loom checks) is that either the owner's next
//! sleep ends at once, or the owner looks at its inbox after the packet came.
//! A call to an owner that was called already is one atomic exchange.

use std::sync::Arc;

use crossbeam::queue::ArrayQueue;

use super::incoming::Incoming;
use crate::xsk::Waker;

/// Packets that may wait for one worker.
const INBOX_MAX: usize = 4096;

/// Where one worker is handed packets.
struct Inbox<T> {
    queue: ArrayQueue<T>,
    /// Ends its owner's sleep; `None` for one that never sleeps.
    waker: Option<Waker>,
}

impl<T> Inbox<T> {
    fn new(items_max: usize, waker: Option<Waker>) -> Self {
        Self { queue: ArrayQueue::new(items_max), waker }
    }

    /// Hands over an item; gives it back when the queue is full.
    fn hand(&self, item: T) -> Result<(), T> {
        self.queue.push(item)?;
        // Only now: a call before the push might be answered before it, too.
        if let Some(waker) = &self.waker {
            waker.wake();
        }
        Ok(())
    }
}

/// All inboxes.
pub struct Exchange<'u> {
    inboxes: Vec<Inbox<Incoming<'u>>>,
}

impl<'u> Exchange<'u> {
    /// One inbox for each waker; `None` for a worker that never sleeps.
    pub fn new(wakers: Vec<Option<Waker>>) -> Arc<Self> {
        let inboxes = wakers.into_iter().map(|waker| Inbox::new(INBOX_MAX, waker)).collect();
        Arc::new(Self { inboxes })
    }

    /// Hands a packet to `owner`; gives it back when the inbox is full.
    #[expect(clippy::result_large_err, reason = "the packet changes hands either way, in place")]
    pub(super) fn hand(&self, owner: usize, incoming: Incoming<'u>) -> Result<(), Incoming<'u>> {
        match self.inboxes.get(owner) {
            Some(inbox) => inbox.hand(incoming),
            None => Err(incoming),
        }
    }

    /// The next packet handed to `worker`.
    pub(super) fn take(&self, worker: usize) -> Option<Incoming<'u>> {
        self.inboxes.get(worker)?.queue.pop()
    }

    /// Packets that wait, over all workers.
    pub fn waiting(&self) -> usize {
        self.inboxes.iter().map(|inbox| inbox.queue.len()).sum()
    }
}

#[cfg(all(test, not(loom)))]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::xsk::{Awake, Waiter};

    #[test]
    fn wakes_whoever_sleeps_and_gives_every_item_once() {
        const ITEMS: u32 = 20_000;
        const SENDERS: u32 = 2;
        /// Long enough that only a lost wake reaches it.
        const EVER: Duration = Duration::from_secs(20);
        let mut waiter = Waiter::new([]).unwrap();
        let inbox = Inbox::new(64, Some(waiter.waker()));
        let mut next = [0; SENDERS as usize];
        let given_up = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for sender in 0..SENDERS {
                let (inbox, given_up) = (&inbox, &given_up);
                scope.spawn(move || {
                    for number in 0..ITEMS {
                        while inbox.hand((sender, number)).is_err() {
                            if given_up.load(Ordering::Relaxed) {
                                return;
                            }
                            std::thread::yield_now();
                        }
                    }
                });
            }
            while next != [ITEMS; SENDERS as usize] {
                if waiter.wait(EVER).unwrap() != Awake::Called {
                    // The senders wait for room, and the scope for the senders.
                    given_up.store(true, Ordering::Relaxed);
                    break;
                }
                while let Some((sender, number)) = inbox.queue.pop() {
                    let expected = next.get_mut(sender as usize).unwrap();
                    assert_eq!(number, *expected);
                    *expected += 1;
                }
            }
        });
        assert_eq!(next, [ITEMS; SENDERS as usize], "nothing woke the owner for the next");
    }

    #[test]
    fn gives_back_what_finds_it_full() {
        let inbox = Inbox::new(2, None);
        assert_eq!([inbox.hand('a'), inbox.hand('b'), inbox.hand('c')], [Ok(()), Ok(()), Err('c')]);
        assert_eq!(inbox.queue.pop(), Some('a'));
        assert_eq!(inbox.hand('c'), Ok(()));
    }
}
