//! The books of a port without a device: what it copied in, what it "sent".
//!
//! A device gives a sent frame back some time later; here it waits for the next
//! flush, so that the worker sees the same life of a frame at every port, and
//! the conservation of frames can be tested without any device.

use super::{PortCounters, length};
use crate::xsk::{Frame, Pool};

/// Counters, and the frames that were sent since the last flush.
#[derive(Debug, Default)]
pub(super) struct Ledger<'u> {
    pub(super) counters: PortCounters,
    sent: Vec<Frame<'u>>,
}

impl<'u> Ledger<'u> {
    /// A frame with a copy of `bytes`, as far as it holds them; `None` when
    /// `pool` is used up.
    pub(super) fn copy_in(&mut self, pool: &mut Pool<'u>, bytes: &[u8]) -> Option<Frame<'u>> {
        let Some(mut frame) = pool.take() else {
            self.counters.rx_starved += 1;
            return None;
        };
        let fits = bytes.get(..frame.capacity()).unwrap_or(bytes);
        let filled = frame.fill(fits);
        debug_assert!(filled, "cut to the capacity");
        self.received(&frame, length(bytes.len()));
        Some(frame)
    }

    /// Counts a packet that came in as one of `offered` bytes.
    pub(super) fn received(&mut self, frame: &Frame<'u>, offered: u32) {
        self.counters.rx_packets += 1;
        self.counters.rx_bytes += frame.len() as u64;
        self.counters.rx_cut += u64::from(length(frame.len()) < offered);
    }

    /// Counts a packet that went out, and keeps its frame until the flush.
    pub(super) fn sent(&mut self, frame: Frame<'u>) {
        self.counters.tx_packets += 1;
        self.counters.tx_bytes += frame.total_len() as u64;
        self.sent.push(frame);
    }

    /// Counts a packet for which the way out was full.
    pub(super) fn refused(&mut self, frame: Frame<'u>) -> Frame<'u> {
        self.counters.tx_full += 1;
        frame
    }

    /// Gives back the frames that were sent.
    pub(super) fn flush(&mut self, pool: &mut Pool<'u>) {
        for frame in self.sent.drain(..) {
            pool.recycle(frame);
        }
    }

    /// Chunks that wait for the flush.
    pub(super) fn held(&self) -> usize {
        self.sent.iter().map(Frame::chunk_count).sum()
    }
}
