//! Packets on their way to the worker that owns their flow.
//!
//! RSS may spread the two directions of a flow over two queues, while a flow
//! has one writer: so a worker hands a packet that is not its own to the owner,
//! frame and decoded headers together, over a bounded queue. A full queue drops
//! the packet and counts it, as a full link would. The chunks come home through
//! the `Umem`'s queue of returned chunks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use crossbeam::queue::ArrayQueue;

use super::burst::Incoming;
use crate::xsk::Waker;

/// Packets that may wait for one worker.
const INBOX_MAX: usize = 4096;

/// Where one worker is handed packets.
struct Inbox<'u> {
    queue: ArrayQueue<Incoming<'u>>,
    /// The owner is about to sleep, or sleeps, and must be woken.
    asleep: AtomicBool,
    waker: Option<Waker>,
}

/// All inboxes.
pub struct Exchange<'u> {
    inboxes: Vec<Inbox<'u>>,
}

impl<'u> Exchange<'u> {
    /// One inbox for each waker; `None` for a worker that never sleeps.
    pub fn new(wakers: Vec<Option<Waker>>) -> Arc<Self> {
        let inbox =
            |waker| Inbox { queue: ArrayQueue::new(INBOX_MAX), asleep: AtomicBool::new(false), waker };
        Arc::new(Self { inboxes: wakers.into_iter().map(inbox).collect() })
    }

    /// Hands a packet to `owner`; gives it back when the inbox is full.
    #[expect(clippy::result_large_err, reason = "the packet changes hands either way, in place")]
    pub(super) fn hand(&self, owner: usize, incoming: Incoming<'u>) -> Result<(), Incoming<'u>> {
        let Some(inbox) = self.inboxes.get(owner) else { return Err(incoming) };
        inbox.queue.push(incoming)?;
        // The push must be visible before `asleep` is read, as the owner sets
        // `asleep` before it looks at the queue for the last time: one of the
        // two sees the other.
        fence(Ordering::SeqCst);
        if inbox.asleep.load(Ordering::Relaxed)
            && inbox.asleep.swap(false, Ordering::Relaxed)
            && let Some(waker) = &inbox.waker
        {
            waker.wake();
        }
        Ok(())
    }

    /// The next packet handed to `worker`.
    pub(super) fn take(&self, worker: usize) -> Option<Incoming<'u>> {
        self.inboxes.get(worker)?.queue.pop()
    }

    /// Says that `worker` is about to sleep; `false` when it must not, because
    /// a packet has just been handed to it.
    pub(super) fn may_sleep(&self, worker: usize) -> bool {
        let Some(inbox) = self.inboxes.get(worker) else { return true };
        inbox.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let empty = inbox.queue.is_empty();
        if !empty {
            self.awake(worker);
        }
        empty
    }

    /// Says that `worker` looks at its inbox again.
    pub(super) fn awake(&self, worker: usize) {
        if let Some(inbox) = self.inboxes.get(worker) {
            inbox.asleep.store(false, Ordering::Relaxed);
        }
    }

    /// Packets that wait, over all workers.
    pub fn waiting(&self) -> usize {
        self.inboxes.iter().map(|inbox| inbox.queue.len()).sum()
    }
}
