//! Where packets come from and go to.
//!
//! A [`Port`] is one door: a queue of a device through AF_XDP ([`afxdp`]), an
//! interface that is watched ([`tap`]), a capture file ([`capture`]), or memory
//! ([`memory`]). The worker knows nothing else of the outside.
//!
//! What comes in and what goes out is a [`Parcel`]: a frame, and what its bytes
//! do not say. A port never looks back at what a frame once held: whoever sends
//! a packet in another frame, longer, shorter or rewritten, says so in the
//! parcel.
//!
//! A jumbo packet may lie in several chunks (AF_XDP with
//! [`scatter_gather`](crate::xsk::XskOptions::scatter_gather)). What decodes it
//! is shown the head, with the length that the whole had on the wire, and so
//! takes it for a packet that a capture has cut: all headers are there, the
//! payload ends where the head does, and checksums that cover the rest cannot be
//! verified. Whoever needs every byte asks the frame for its
//! [`parts`](Frame::parts) or [copies](Frame::copy_all) them.

pub mod afxdp;
pub mod capture;
mod ledger;
pub mod memory;
pub mod tap;

use crate::time::Timestamp;
use crate::wire::LinkType;
use crate::xsk::{Frame, Pool};

/// Packets taken from a port at once.
pub const BURST_MAX: usize = 64;

/// A packet at a door: its frame, and what its bytes do not say.
#[derive(Debug)]
pub struct Parcel<'u> {
    /// The packet.
    pub frame: Frame<'u>,
    /// When it came in: the time of the burst, or what the capture says. A
    /// capture is written with this time.
    pub at: Timestamp,
    /// How long it was on the wire; more than the frame holds where a capture
    /// kept only its beginning. A device sends what the frame holds.
    pub wire_len: u32,
    /// What its first byte belongs to.
    pub link: LinkType,
}

// The link lies where the compiler would put padding: it costs nothing.
const _: () = assert!(size_of::<Parcel<'_>>() <= 40, "a burst of parcels stays in the L1 cache");

impl<'u> Parcel<'u> {
    /// A packet of which every byte is in the frame.
    #[inline]
    pub fn whole(frame: Frame<'u>, at: Timestamp, link: LinkType) -> Self {
        let wire_len = length(frame.total_len());
        Self { frame, at, wire_len, link }
    }
}

/// A length as captures and packets have it: 32 bits. No packet is longer.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Whether more may come from a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// It may: ask again.
    Open,
    /// Never again: the capture has ended. Comes without packets, after the
    /// last burst.
    Ended,
}

/// Writes [`PortCounters`] from one line a counter.
macro_rules! port_counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// What a port has done, ever.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct PortCounters {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl PortCounters {
            /// How many there are.
            pub const LEN: usize = [$(stringify!($name),)+].len();

            /// Each by name, in a fixed order.
            pub const fn named(&self) -> [(&'static str, u64); Self::LEN] {
                [$((stringify!($name), self.$name),)+]
            }
        }

        impl std::iter::Sum for PortCounters {
            fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
                all.fold(Self::default(), |sum, one| Self { $($name: sum.$name + one.$name,)+ })
            }
        }
    };
}

port_counters! {
    /// Packets received.
    rx_packets,
    /// Bytes received.
    rx_bytes,
    /// Packets sent.
    tx_packets,
    /// Bytes sent.
    tx_bytes,
    /// Packets that found the way out full.
    tx_full,
    /// Packets that the kernel dropped before we saw them.
    rx_dropped,
    /// Times there was no free frame to receive into.
    rx_starved,
    /// Packets longer than a frame, of which only the beginning was taken.
    rx_cut,
    /// Descriptors that the kernel refused, or would have refused.
    invalid_descriptors,
}

/// One door for packets.
pub trait Port<'u> {
    /// Appends what has come in to `burst`, up to [`BURST_MAX`] packets in all.
    ///
    /// `now` is the time of the burst; a port with times of its own (a capture)
    /// stamps its packets with those instead. Frames for reception come from
    /// `pool`.
    fn receive(&mut self, pool: &mut Pool<'u>, now: Timestamp, burst: &mut Vec<Parcel<'u>>) -> Supply;

    /// Queues a packet to go out; gives its frame back when the way is full,
    /// which it has counted.
    fn send(&mut self, parcel: Parcel<'u>) -> Result<(), Frame<'u>>;

    /// Publishes what was queued, takes back what has been sent, and hands the
    /// kernel free frames. Called once at the end of each burst.
    fn flush(&mut self, pool: &mut Pool<'u>);

    /// Chunks that are in this port's hands: queued, in flight, or waiting to
    /// be received into.
    fn frames_held(&self) -> usize;

    /// What it has done.
    fn counters(&self) -> PortCounters;
}
