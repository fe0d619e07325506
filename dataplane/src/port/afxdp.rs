//! A door to the wire: one queue of one device, through AF_XDP.
//!
//! The kernel gets free frames before packets are taken from it, so that it can
//! receive while they are worked on. How many frames reception and sending may
//! hold is bounded by the rings' sizes
//! ([`Rings::for_chunks`](crate::xsk::Rings::for_chunks)), so a blocked way out
//! cannot starve the way in, nor the other way round; and a burst's worth always
//! stays in the pool for packets of the worker's own making.

use std::os::fd::{AsFd, BorrowedFd};

use super::{BURST_MAX, Parcel, Port, PortCounters, Supply};
use crate::time::Timestamp;
use crate::wire::LinkType;
use crate::xsk::{DeviceState, Frame, Mode, Pool, Xsk};

/// One queue of one device.
#[derive(Debug)]
pub struct AfXdpPort<'u> {
    xsk: Xsk<'u>,
    /// What we count ourselves; the kernel's part is read when asked for.
    counters: PortCounters,
    /// The way out was full and stayed so since the last flush: there is no use
    /// in calling the kernel again for each packet.
    blocked: bool,
}

impl<'u> AfXdpPort<'u> {
    /// A door through this socket.
    pub fn new(xsk: Xsk<'u>) -> Self {
        Self { xsk, counters: PortCounters::default(), blocked: false }
    }

    /// Whether the kernel copies.
    pub fn mode(&self) -> Mode {
        self.xsk.mode()
    }

    /// Whether the device still carries packets: a system call, for now and then.
    pub fn device(&self) -> DeviceState {
        self.xsk.device()
    }
}

impl AsFd for AfXdpPort<'_> {
    /// The socket: for the XDP program's map and for a
    /// [`Waiter`](crate::xsk::Waiter).
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.xsk.as_fd()
    }
}

impl<'u> Port<'u> for AfXdpPort<'u> {
    fn receive(&mut self, pool: &mut Pool<'u>, now: Timestamp, burst: &mut Vec<Parcel<'u>>) -> Supply {
        self.xsk.refill(pool, BURST_MAX);
        while burst.len() < BURST_MAX {
            let Some(frame) = self.xsk.receive() else { break };
            let parcel = Parcel::whole(frame, now, LinkType::Ethernet);
            self.counters.rx_packets += 1;
            self.counters.rx_bytes += u64::from(parcel.wire_len);
            burst.push(parcel);
        }
        self.xsk.release();
        Supply::Open
    }

    /// Also gives back, counted as an invalid descriptor, what the kernel would
    /// never take: an empty packet, or a jumbo where jumbos were not asked for.
    fn send(&mut self, parcel: Parcel<'u>) -> Result<(), Frame<'u>> {
        let frame = parcel.frame;
        if !self.xsk.accepts(&frame) {
            self.counters.invalid_descriptors += 1;
            return Err(frame);
        }
        let bytes = frame.total_len() as u64;
        let queued = self.xsk.queue(frame).or_else(|frame| {
            if self.blocked {
                return Err(frame);
            }
            // Full in the middle of a burst: send what is there, and try again.
            self.xsk.transmit();
            self.xsk.reap_aside();
            self.xsk.queue(frame)
        });
        if queued.is_ok() {
            self.counters.tx_packets += 1;
            self.counters.tx_bytes += bytes;
        } else {
            self.counters.tx_full += 1;
            self.blocked = true;
        }
        queued
    }

    fn flush(&mut self, pool: &mut Pool<'u>) {
        self.xsk.transmit();
        self.xsk.reap(pool);
        self.xsk.refill(pool, BURST_MAX);
        self.blocked = false;
    }

    fn frames_held(&self) -> usize {
        self.xsk.held()
    }

    fn counters(&self) -> PortCounters {
        // Nothing but a closed socket refuses to be asked, and ours is open.
        let kernel = self.xsk.statistics().unwrap_or_default();
        PortCounters {
            rx_dropped: kernel.rx_dropped + kernel.rx_ring_full,
            rx_starved: kernel.fill_empty,
            invalid_descriptors: self.counters.invalid_descriptors + kernel.rx_invalid + kernel.tx_invalid,
            ..self.counters
        }
    }
}
