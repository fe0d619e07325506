//! Where packets come from and go to.
//!
//! A [`Port`] is one door: a queue of a device through AF_XDP, memory, or a
//! capture file. The worker knows nothing else of the outside.

pub mod afxdp;

use crate::time::Timestamp;
use crate::wire::LinkType;
use crate::xsk::{Frame, Pool};

pub mod capture;
pub mod memory;
pub mod tap;

/// Packets taken from a port at once.
pub const BURST_MAX: usize = 64;

/// A packet that has just come in.
#[derive(Debug)]
pub struct Arrival<'u> {
    /// The packet.
    pub frame: Frame<'u>,
    /// When: the time of the burst, or what the capture says.
    pub at: Timestamp,
    /// How long it was on the wire; more than the frame holds where a capture
    /// kept only its beginning.
    pub wire_len: u32,
}

/// Whether more may come from a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// It may: ask again.
    Open,
    /// Never again: the capture has ended. Comes without arrivals, after the
    /// last burst.
    Ended,
}

/// What a port has done, ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets that found the way out full.
    pub tx_full: u64,
    /// Packets that the kernel dropped before we saw them.
    pub rx_dropped: u64,
    /// Times the kernel had no frame to receive into.
    pub rx_starved: u64,
    /// Descriptors that the kernel refused.
    pub invalid_descriptors: u64,
    /// Packets longer than a frame, of which only the beginning was taken.
    pub rx_cut: u64,
}

impl PortCounters {
    /// How many there are.
    pub const LEN: usize = 9;

    /// Each by name, in a fixed order.
    pub const fn named(&self) -> [(&'static str, u64); Self::LEN] {
        [
            ("rx_packets", self.rx_packets),
            ("rx_bytes", self.rx_bytes),
            ("tx_packets", self.tx_packets),
            ("tx_bytes", self.tx_bytes),
            ("tx_full", self.tx_full),
            ("rx_dropped", self.rx_dropped),
            ("rx_starved", self.rx_starved),
            ("rx_cut", self.rx_cut),
            ("invalid_descriptors", self.invalid_descriptors),
        ]
    }
}

impl std::iter::Sum for PortCounters {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            rx_packets: sum.rx_packets + one.rx_packets,
            rx_bytes: sum.rx_bytes + one.rx_bytes,
            tx_packets: sum.tx_packets + one.tx_packets,
            tx_bytes: sum.tx_bytes + one.tx_bytes,
            tx_full: sum.tx_full + one.tx_full,
            rx_dropped: sum.rx_dropped + one.rx_dropped,
            rx_starved: sum.rx_starved + one.rx_starved,
            rx_cut: sum.rx_cut + one.rx_cut,
            invalid_descriptors: sum.invalid_descriptors + one.invalid_descriptors,
        })
    }
}

/// One door for packets.
pub trait Port<'u> {
    /// What the first byte of its frames belongs to.
    ///
    /// A capture may hold packets of several links: this is then the link of
    /// the burst last received, and no `receive` adds packets of two links.
    fn link(&self) -> LinkType;

    /// Appends what has come in to `burst`, up to [`BURST_MAX`] arrivals in all.
    ///
    /// `now` is the time of the burst; a port with times of its own (a capture)
    /// stamps its arrivals with those instead. Frames for reception come from
    /// `pool`.
    fn receive(&mut self, pool: &mut Pool<'u>, now: Timestamp, burst: &mut Vec<Arrival<'u>>) -> Supply;

    /// Queues a packet to go out at `at`; gives it back when the way is full,
    /// which it has counted.
    fn send(&mut self, frame: Frame<'u>, at: Timestamp) -> Result<(), Frame<'u>>;

    /// Publishes what was queued, takes back what has been sent, and hands the
    /// kernel free frames. Called once at the end of each burst.
    fn flush(&mut self, pool: &mut Pool<'u>);

    /// Frames that are in this port's hands: queued, in flight, or waiting to
    /// be received into.
    fn frames_held(&self) -> usize;

    /// What it has done.
    fn counters(&self) -> PortCounters;
}
