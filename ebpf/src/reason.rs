//! The counters of the XDP program.
//!
//! The numbers are the positions in the program's `counters` map, the same as
//! `enum reason` in `steer.bpf.c`. They are only ever appended to: a pinned map
//! goes on counting under the next version of the program.

/// Why a counter went up.
///
/// Every frame raises exactly one of [`Reason::KINDS`] and exactly one of
/// [`Reason::FATES`]; the rest tell more about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
pub enum Reason {
    /// It was IPv4 with headers that could be read.
    Ipv4 = 0,
    /// It was IPv6 with headers that could be read.
    Ipv6,
    /// It was ARP.
    Arp,
    /// It was something else: LLDP, spanning tree, MPLS.
    NotIp,
    /// A header ended before its time or lied about its length. The frame went
    /// the way of any other: judging it is left to user space.
    Malformed,
    /// It carried TCP.
    Tcp,
    /// It carried UDP.
    Udp,
    /// It carried ICMP for IPv4 or IPv6.
    Icmp,
    /// It carried another transport, or one that cannot be read (ESP).
    OtherTransport,
    /// It had at least one VLAN tag. Tags that the NIC strips are not seen.
    Tagged,
    /// It was a fragment, the first one or a later one.
    Fragment,
    /// It had more VLAN tags or IPv6 extension headers than are followed.
    TooDeep,
    /// It went to the socket of its queue.
    ToSocket,
    /// It had no socket to go to and went to the peer device.
    FailedOpen,
    /// It had no socket to go to and was dropped, as configured.
    FailedClosed,
    /// It should have gone to the peer device, which is gone, and was dropped.
    PeerGone,
    /// Its queue had no socket: the process is dead, or not yet up.
    NoSocket,
    /// Its queue had a socket whose worker has not beaten within the limit.
    StaleHeartbeat,
}

impl Reason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::Ipv4,
        Self::Ipv6,
        Self::Arp,
        Self::NotIp,
        Self::Malformed,
        Self::Tcp,
        Self::Udp,
        Self::Icmp,
        Self::OtherTransport,
        Self::Tagged,
        Self::Fragment,
        Self::TooDeep,
        Self::ToSocket,
        Self::FailedOpen,
        Self::FailedClosed,
        Self::PeerGone,
        Self::NoSocket,
        Self::StaleHeartbeat,
    ];

    /// What a frame was: each frame raises exactly one of these.
    pub const KINDS: [Self; 5] = [Self::Ipv4, Self::Ipv6, Self::Arp, Self::NotIp, Self::Malformed];

    /// What became of a frame: each frame raises exactly one of these.
    pub const FATES: [Self; 4] = [Self::ToSocket, Self::FailedOpen, Self::FailedClosed, Self::PeerGone];

    /// The name for metrics and tables, in `snake_case`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Arp => "arp",
            Self::NotIp => "not_ip",
            Self::Malformed => "malformed",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::OtherTransport => "other_transport",
            Self::Tagged => "tagged",
            Self::Fragment => "fragment",
            Self::TooDeep => "too_deep",
            Self::ToSocket => "to_socket",
            Self::FailedOpen => "failed_open",
            Self::FailedClosed => "failed_closed",
            Self::PeerGone => "peer_gone",
            Self::NoSocket => "no_socket",
            Self::StaleHeartbeat => "stale_heartbeat",
        }
    }
}

/// How many positions the program's map has; the rest is room for later ones.
pub(crate) const REASONS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_stands_at_its_own_number() {
        for (number, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number, "{}", reason.name());
        }
        const { assert!(Reason::ALL.len() <= REASONS_MAX, "the map has a place for each") };
    }

    /// The C source is the other half of the table: its `enum reason` must have
    /// the same names in the same order.
    #[test]
    fn the_program_counts_under_the_same_numbers() {
        let source = include_str!("steer.bpf.c");
        let (_, from) = source.split_once("enum reason {").unwrap_or_default();
        let (body, _) = from.split_once('}').unwrap_or_default();
        let names: Vec<String> = body
            .lines()
            .filter_map(|line| line.split("//").next()?.split(['=', ',']).next())
            .map(|name| name.trim().to_lowercase())
            .filter(|name| !name.is_empty() && name != "reasons_max")
            .collect();
        assert_eq!(names, Reason::ALL.map(Reason::name));
    }
}
