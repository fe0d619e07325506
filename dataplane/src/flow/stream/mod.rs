//! The bytes of TCP connections, in order, and held to what was forwarded.
//!
//! The TCP tracking hands in the segments that it found acceptable. [`Streams`]
//! turns them into ordered bytes for whoever wants them ([`StreamSink`]), and
//! remembers what was forwarded until it is acknowledged, so that a later
//! segment with other bytes at the same place is recognised ([`Taken::conflict`])
//! and can be made to say the first ones ([`Streams::original`]).
//!
//! What always holds:
//!
//! - A sink gets each byte of a direction once, in order; what it cannot get it
//!   is told of as a gap.
//! - Bytes that a sink has seen never change. Inline that goes for all bytes
//!   that were forwarded; in a capture ([`Discipline::Passive`]) bytes that wait
//!   behind a hole follow the policy of the receiver's system.
//! - Memory is one pool of blocks with a cap, and a cap for each connection.
//!   Where there is no room, nothing is lost on the wire: the segment is not
//!   remembered ([`Taken::unkept`]), which is counted, and if nobody sends it
//!   again it is a gap.
//! - No list is walked: a place is found by its number in a tree of at most
//!   three levels, whatever a peer sends.
//!
//! It never sees headers or time, and never decides what becomes of a packet.
//!
//! From the outside in: [`Streams`] is all connections of a worker; `one_way` is
//! what one direction has and waits for; `overlap` says whose bytes count. A
//! direction's bytes lie in pages (`page`, `pieces`), found by a `tree`, all of
//! them blocks of one `pool`, which like the connections grows by `chunks`.

mod chunks;
mod counters;
mod one_way;
#[cfg(all(test, not(loom)))]
mod oracle;
mod overlap;
mod page;
mod pieces;
mod pool;
mod put;
mod streams;
#[cfg(all(test, not(loom)))]
mod tests;
mod tree;

use tidegate_config::{NetworkPolicy, StreamPolicy};

pub use super::record::Direction;
pub use counters::StreamCounters;
pub use streams::Streams;

use crate::anomaly::Anomaly;

/// Which bytes count where segments say different ones at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discipline {
    /// Inline: what was forwarded first counts, because a later segment can be
    /// made to say the same.
    Inline,
    /// Captures and taps: the receiver's policy counts where bytes were not
    /// delivered yet.
    Passive,
}

/// What streams are reassembled with.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// Bytes of a connection that are inspected, each way; `None`: all.
    pub depth: Option<u64>,
    /// Bytes of memory of this worker, for connections and their bytes.
    pub memory: usize,
    /// The most bytes of it that one connection may take.
    pub flow_memory: usize,
    /// Which bytes count.
    pub discipline: Discipline,
    /// The policy of receivers that no network names.
    pub policy: StreamPolicy,
    /// The policies of networks.
    pub policies: Vec<NetworkPolicy<StreamPolicy>>,
}

/// A connection in [`Streams`], from `open` to `close`. Never `u32::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamHandle(u32);

impl StreamHandle {
    /// The number to keep in a flow: below `u32::MAX`.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The handle that has this number; `None` for `u32::MAX`. Of a number that
    /// was closed, or never was, every question is answered with nothing.
    pub const fn from_number(number: u32) -> Option<Self> {
        if number == u32::MAX { None } else { Some(Self(number)) }
    }
}

/// Whether a sink wants more of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// More.
    More,
    /// No byte of this direction any more: what waits is let go, and nothing
    /// new is remembered. Inline, the bytes that the sink has seen stay pinned
    /// until they are acknowledged.
    Enough,
}

/// Who takes the ordered bytes.
///
/// `at` is the place of the first byte: 0 is the first byte after the SYN, or
/// where the stream was picked up. Calls of a direction are in order and without
/// holes: each begins where the one before ended.
pub trait StreamSink {
    /// The next bytes; never empty.
    fn bytes(&mut self, direction: Direction, at: u64, bytes: &[u8]) -> Interest;

    /// The next `len` bytes, which will not be seen any more; never 0.
    fn gap(&mut self, direction: Direction, at: u64, len: u64) -> Interest;

    /// The sender has said all (FIN), and all of it was told; once at most.
    fn end(&mut self, direction: Direction, at: u64) {
        let _ = (direction, at);
    }
}

/// What of a TCP segment is for its stream.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Sequence number of the first payload byte: after a SYN one more than the
    /// header says.
    pub seq: u32,
    /// The payload, as captured.
    pub payload: &'a [u8],
    /// The segment ends the stream.
    pub fin: bool,
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Some byte differs from the one that is remembered at its place.
    pub conflict: bool,
    /// There was no room to remember all of it. Who forwards it anyway could
    /// not hold a later segment against it: if it came ahead of others it was
    /// not inspected, and dropping it makes its sender send it again. Together
    /// with a conflict, the first bytes may be among what was forgotten.
    pub unkept: bool,
    /// Of that, bytes came ahead of others: they were not inspected, and will
    /// not be unless they are sent again.
    pub unseen: bool,
    /// What was odd about it.
    pub anomalies: StreamAnomalies,
}

impl Taken {
    /// What became of a segment that came in two pieces.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            conflict: self.conflict || other.conflict,
            unkept: self.unkept || other.unkept,
            unseen: self.unseen || other.unseen,
            anomalies: StreamAnomalies(self.anomalies.0 | other.anomalies.0),
        }
    }
}

/// A set of the anomalies that reassembly raises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamAnomalies(u8);

impl StreamAnomalies {
    /// Those that there are, in the order in which they are told.
    const ALL: [Anomaly; 6] = [
        Anomaly::StreamReassemblySegmentBeforeBaseSeq,
        Anomaly::StreamReassemblyOverlapDifferentData,
        Anomaly::StreamReassemblyInsertMemcap,
        Anomaly::StreamReassemblyInsertLimit,
        Anomaly::StreamReassemblySeqGap,
        Anomaly::StreamReassemblyDepthReached,
    ];

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each once.
    pub fn iter(self) -> impl Iterator<Item = Anomaly> {
        Self::ALL.into_iter().enumerate().filter(move |(bit, _)| self.0 & (1 << bit) != 0).map(|(_, one)| one)
    }

    /// Puts those of another set in.
    const fn add(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Puts one in; it must be one of [`Self::ALL`].
    fn put(&mut self, anomaly: Anomaly) {
        let bit = Self::ALL.iter().position(|&one| one == anomaly);
        self.0 |= bit.map_or(0, |bit| 1 << bit);
    }
}
