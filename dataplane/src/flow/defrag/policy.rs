//! Which bytes count where IPv4 fragments overlap, by the system that the
//! datagram goes to.
//!
//! A policy is a question of two extents: the new fragment as it was sent, and a
//! piece of an earlier one as far as it still stands. That is how the BSDs and
//! Linux kept their lists, which trim a new fragment to the one before it and
//! those after it to the new one: for `bsd` and `linux` the outcome is theirs to
//! the byte. For the others the systems' sources are not to be had; the rules
//! are those that were measured by Shankar and Paxson ("Active Mapping", 2003)
//! and Novak ("Target-Based Fragmentation Reassembly", 2005).
//!
//! Linux since 4.19 drops a datagram whose fragments overlap; `linux` is what it
//! did before.

use tidegate_config::FragmentPolicy;

use super::pieces::Piece;

/// Whether the new fragment's bytes replace the piece's where they overlap.
pub(super) const fn replaces(policy: FragmentPolicy, new: Piece, old: Piece) -> bool {
    match policy {
        FragmentPolicy::First => false,
        FragmentPolicy::Last => true,
        FragmentPolicy::Bsd => new.begin < old.begin,
        FragmentPolicy::Linux => new.begin <= old.begin,
        FragmentPolicy::BsdRight => new.end > old.end || new.end == old.end && new.begin <= old.begin,
        FragmentPolicy::Windows => new.begin < old.begin && new.end > old.end,
        FragmentPolicy::Solaris => new.begin < old.begin && new.end >= old.end,
    }
}
