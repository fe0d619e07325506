//! What defragmentation counts. One writer, its worker.

use super::{Cause, Refusal};

/// Everything that happens to fragments, since the table was made.
///
/// `*_fragments` count fragments, `reassembled`, `timeouts` and `*_full` count
/// datagrams; the refusals count fragments, those that waited for one that was
/// refused whole not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefragCounters {
    /// IPv4 fragments that came.
    pub ipv4_fragments: u64,
    /// IPv4 datagrams made whole.
    pub ipv4_reassembled: u64,
    /// IPv4 datagrams not whole in time.
    pub ipv4_timeouts: u64,
    /// IPv6 fragments that came; an atomic one is none (RFC 6946).
    pub ipv6_fragments: u64,
    /// IPv6 datagrams made whole.
    pub ipv6_reassembled: u64,
    /// IPv6 datagrams not whole in time.
    pub ipv6_timeouts: u64,
    /// Fragments that overlapped another of their datagram.
    pub overlaps: u64,
    /// Fragments that came once more, byte for byte.
    pub duplicates: u64,
    /// Datagrams given up for the memory of another.
    pub memory_full: u64,
    /// Datagrams given up for the place of another in the table.
    pub datagrams_full: u64,
    /// Datagrams that still waited at the end.
    pub drained: u64,
    /// Fragments refused, for whatever reason.
    pub refused: u64,
    /// Of these: beyond 65,535 bytes.
    pub refused_too_large: u64,
    /// Of these: length no multiple of 8, and not the last.
    pub refused_unaligned: u64,
    /// Of these: without payload.
    pub refused_empty: u64,
    /// Of these: at odds with the end of the datagram.
    pub refused_contradiction: u64,
    /// Of these: IPv6 that overlapped.
    pub refused_overlap: u64,
    /// Of these: of a datagram refused before.
    pub refused_before: u64,
    /// Of these: more than a datagram may have.
    pub refused_too_many: u64,
    /// Of these: larger than all of the memory.
    pub refused_no_room: u64,
}

impl DefragCounters {
    /// How many there are.
    pub const LEN: usize = 20;

    /// Every counter with its name in `stats`.
    pub const fn named(&self) -> [(&'static str, u64); Self::LEN] {
        [
            ("defrag.ipv4.fragments", self.ipv4_fragments),
            ("defrag.ipv4.reassembled", self.ipv4_reassembled),
            ("defrag.ipv4.timeouts", self.ipv4_timeouts),
            ("defrag.ipv6.fragments", self.ipv6_fragments),
            ("defrag.ipv6.reassembled", self.ipv6_reassembled),
            ("defrag.ipv6.timeouts", self.ipv6_timeouts),
            ("defrag.overlaps", self.overlaps),
            ("defrag.duplicates", self.duplicates),
            ("defrag.memory_full", self.memory_full),
            ("defrag.datagrams_full", self.datagrams_full),
            ("defrag.drained", self.drained),
            ("defrag.refused", self.refused),
            ("defrag.refused.too_large", self.refused_too_large),
            ("defrag.refused.unaligned", self.refused_unaligned),
            ("defrag.refused.empty", self.refused_empty),
            ("defrag.refused.contradiction", self.refused_contradiction),
            ("defrag.refused.overlap", self.refused_overlap),
            ("defrag.refused.before", self.refused_before),
            ("defrag.refused.too_many", self.refused_too_many),
            ("defrag.refused.no_room", self.refused_no_room),
        ]
    }

    pub(super) const fn came(&mut self, ipv4: bool) {
        *if ipv4 { &mut self.ipv4_fragments } else { &mut self.ipv6_fragments } += 1;
    }

    pub(super) const fn whole(&mut self, ipv4: bool) {
        *if ipv4 { &mut self.ipv4_reassembled } else { &mut self.ipv6_reassembled } += 1;
    }

    pub(super) const fn refuse(&mut self, why: Refusal) {
        self.refused += 1;
        *match why {
            Refusal::TooLarge => &mut self.refused_too_large,
            Refusal::Unaligned => &mut self.refused_unaligned,
            Refusal::Empty => &mut self.refused_empty,
            Refusal::Contradiction => &mut self.refused_contradiction,
            Refusal::Overlap => &mut self.refused_overlap,
            Refusal::Before => &mut self.refused_before,
            Refusal::TooMany => &mut self.refused_too_many,
            Refusal::NoRoom => &mut self.refused_no_room,
        } += 1;
    }

    /// `Cause::Room` is counted where the room was wanted.
    pub(super) const fn give_up(&mut self, cause: Cause, ipv4: bool) {
        match cause {
            Cause::Timeout => *if ipv4 { &mut self.ipv4_timeouts } else { &mut self.ipv6_timeouts } += 1,
            Cause::Drained => self.drained += 1,
            Cause::Room => {}
        }
    }
}
