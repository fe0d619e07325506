//! Puts datagrams together that come in fragments (RFC 791 section 3.2, RFC
//! 8200 section 4.5).
//!
//! Every fragment comes with what the worker holds for it (its frame, or a copy
//! of it) and leaves with it again, exactly once: when its datagram is whole
//! ([`Datagram`]), refused ([`Outcome::Refused`]) or given up ([`GivenUp`]).
//! So nothing of a datagram goes on before all of it was judged, and then it
//! goes as it came.
//!
//! What is not taken in is to be dropped, not sent: only so does the receiver
//! see the datagram that was inspected.
//!
//! Nothing here reads a clock, and nothing waits for longer than the time-out
//! after the first fragment. Memory stays within what is configured: where it
//! or the table is full, the datagram that has waited longest is given up.
//! Refusing the newest instead, as Linux does since 4.17, would let a flood of
//! half datagrams, once it fills the table, keep every other fragment out for
//! as long as the time-out; the fragments of a sound datagram come within
//! milliseconds of each other, and by age it is the flood that goes.
//!
//! From the outside in: [`Defrag`] is the `table`, which finds by
//! [`FragmentKey`] and forgets by age; a `partial` is what has come of a
//! datagram, its bytes in `pages`; `policy` says which bytes count where
//! fragments overlap, and `pieces` applies it.

mod ages;
pub mod counters;
pub mod fragment;
#[cfg(all(test, not(loom)))]
mod oracle;
mod pages;
mod partial;
mod pieces;
mod policy;
pub mod refusal;
pub mod table;
#[cfg(all(test, not(loom)))]
mod tests;

pub use counters::DefragCounters;
pub use fragment::{Fragment, FragmentKey};
pub use refusal::Refusal;
pub use table::Defrag;

use std::time::Duration;
use std::vec::Drain;

use tidegate_config::{FragmentPolicy, NetworkPolicy};

use crate::anomaly::Anomaly;

/// The most fragments that a datagram may come in; one more and it is refused.
///
/// A datagram of 65,535 bytes has 241 fragments on a link whose MTU is 296, the
/// smallest that is met with (RFC 1191 section 7); on IPv6's smallest it has 54.
pub const FRAGMENTS_MAX: usize = 256;

/// What a [`Defrag`] is made for.
#[derive(Clone, Debug)]
pub struct DefragConfig {
    /// The most datagrams waiting at once. Fewer fit where `memory` does not
    /// hold a table for so many with the smallest fragment each.
    pub datagrams: u32,
    /// Bytes for the table, the fragments' payloads and what is held for them
    /// (as `held_len` says); this worker's share.
    pub memory: usize,
    /// How long after its first fragment a datagram is given up.
    pub timeout: Duration,
    /// Which bytes count where IPv4 fragments overlap.
    pub policy: FragmentPolicy,
    /// The same for the networks of destinations.
    pub policies: Vec<NetworkPolicy<FragmentPolicy>>,
}

/// What became of a fragment.
#[derive(Debug)]
#[must_use]
pub enum Outcome<H> {
    /// It waits for the others of its datagram; what was odd about it.
    Waiting(Option<Anomaly>),
    /// It was the last that was missing.
    Whole(Datagram<H>),
    /// It says once more, byte for byte, what is there already (RFC 8200
    /// section 4.5 has it dropped); the datagram waits on.
    Duplicate(H),
    /// It was not taken in.
    Refused {
        /// What is to be dropped, in the order it came: this fragment, and where
        /// the whole datagram is refused all that waited.
        fragments: Vec<H>,
        /// Why.
        why: Refusal,
        /// What to call it.
        anomaly: Anomaly,
    },
}

/// A datagram that is whole.
#[derive(Debug)]
pub struct Datagram<H> {
    /// From the network header on, as if it had never been fragmented: lengths
    /// right, IPv4's fragment fields zero and its header checksum right, IPv6's
    /// fragment header gone. The header is that of the fragment whose byte
    /// stands first.
    pub bytes: Vec<u8>,
    /// What was held for its fragments, in the order they came.
    pub fragments: Vec<H>,
    /// What was odd about the last of them.
    pub anomaly: Option<Anomaly>,
}

/// Why a datagram was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It was not whole in time.
    Timeout,
    /// It was the oldest when the table or its memory was full.
    Room,
    /// All go: the gateway stops, or the capture has ended.
    Drained,
}

/// A datagram that is given up.
#[derive(Debug)]
pub struct GivenUp<'a, H> {
    /// Which.
    pub key: FragmentKey,
    /// Why.
    pub cause: Cause,
    /// What was held for its fragments, in the order they came.
    pub fragments: Drain<'a, H>,
}
