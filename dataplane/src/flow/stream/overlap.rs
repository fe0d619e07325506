//! Whose bytes count where segments overlap before they could be delivered.
//!
//! Systems differ (Shankar and Paxson 2003; Novak and Sturges, "Target-Based TCP
//! Stream Reassembly", 2007): where a segment meets bytes that wait already, it
//! depends on where both segments begin and end whose bytes the application will
//! read. A byte is of the segment that put it there; a new segment contests it
//! by the rule below, which sees both segments as they were sent.
//!
//! The rules are those of two segments. Where a third lies over the same place,
//! the BSDs and Solaris compare with what trimming has left of the earlier ones,
//! which this does not follow.

use tidegate_config::StreamPolicy;

use super::Discipline;

/// Where a segment begins and ends, from any one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) from: i64,
    pub(super) to: i64,
}

/// Whether a new segment's bytes replace those of an old one that it overlaps.
pub(super) fn replaces(policy: StreamPolicy, new: Extent, old: Extent) -> bool {
    let earlier = new.from < old.from;
    let same_start = new.from == old.from;
    match policy {
        StreamPolicy::First | StreamPolicy::Vista => false,
        StreamPolicy::Last => true,
        // They trim the new one's front by what precedes it, then what follows.
        StreamPolicy::Bsd | StreamPolicy::Windows => earlier,
        // They keep both in the order of their beginnings, and read the first;
        // of two that begin alike only one is kept: since 2.4 the longer, before
        // that the later, unless it is shorter.
        StreamPolicy::Linux => earlier || (same_start && new.to > old.to),
        StreamPolicy::OldLinux => earlier || (same_start && new.to >= old.to),
        // It trims the end of whichever begins first, or drops the one that the
        // other covers.
        StreamPolicy::Solaris => new.to > old.to || (new.to == old.to && (earlier || same_start)),
    }
}

/// What becomes of bytes that are there when a segment says others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// They stay.
    First,
    /// They are replaced.
    Last,
    /// It depends on where both segments begin and end.
    Contest(StreamPolicy),
}

impl Rule {
    pub(super) fn of(discipline: Discipline, policy: StreamPolicy) -> Self {
        match (discipline, policy) {
            (Discipline::Inline, _) | (_, StreamPolicy::First | StreamPolicy::Vista) => Self::First,
            (_, StreamPolicy::Last) => Self::Last,
            (_, policy) => Self::Contest(policy),
        }
    }
}
