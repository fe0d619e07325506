//! Why fragments are refused.

use crate::anomaly::Anomaly;

/// Why a fragment is not taken in.
///
/// A wrong fragment goes alone and its datagram waits on, as RFC 8200 section
/// 4.5 has it: a forged one cannot end a sound datagram. [`Refusal::Overlap`],
/// [`Refusal::TooMany`] and IPv6's [`Refusal::Contradiction`] end the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The datagram would have more than 65,535 bytes (IPv6: after its header).
    TooLarge,
    /// Its length is no multiple of 8, and it is not the last.
    Unaligned,
    /// It has no payload.
    Empty,
    /// It goes beyond the end that the last fragment has told, or tells an end
    /// other than the one told, or before the end of what is there.
    Contradiction,
    /// IPv6: it overlaps another (RFC 5722 section 4).
    Overlap,
    /// Its datagram was refused before (RFC 5722: also what comes later).
    Before,
    /// Its datagram has [`FRAGMENTS_MAX`](super::FRAGMENTS_MAX) already.
    TooMany,
    /// It does not fit in memory, however much is given up.
    NoRoom,
}

impl Refusal {
    /// What to call it.
    pub const fn anomaly(self, ipv4: bool) -> Anomaly {
        match (self, ipv4) {
            (Self::TooLarge, true) => Anomaly::Ipv4FragPktTooLarge,
            (Self::TooLarge, false) => Anomaly::Ipv6FragPktTooLarge,
            (Self::Unaligned, false) => Anomaly::Ipv6FragInvalidLength,
            (Self::Overlap, true) => Anomaly::Ipv4FragOverlap,
            (Self::Overlap, false) => Anomaly::Ipv6FragOverlap,
            (_, true) => Anomaly::Ipv4FragIgnored,
            (_, false) => Anomaly::Ipv6FragIgnored,
        }
    }
}
