//! Bytes to values and back: one file a protocol, all built alike.
//!
//! Each has its value, `decode(bytes) -> Result<(value, rest), Malformed>` where
//! `rest` is what follows the header, and `encode`, which gives the header as an
//! array with its checksum zero (a checksum covers what comes later). Lengths
//! that speak of bytes beyond the header are checked by a method of their own,
//! because how many bytes there were on the wire is known to the caller alone.
//! [`Packet::decode`] strings the protocols together.
//!
//! Nothing here does I/O, reads a clock, allocates while decoding, or panics,
//! whatever the bytes. What does not decode is [`Malformed`].

pub mod arp;
pub mod checksum;
pub mod craft;
mod decode;
pub mod ethernet;
pub mod fields;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod null;
pub mod options;
pub mod packet;
pub mod reject;
pub mod sll;
pub mod tcp;
pub mod udp;
pub mod vlan;

pub use packet::Packet;

/// A datagram longer than this may say that its length is 0.
///
/// The length is 0 where segmentation is left to a network card that is still
/// to come (captures on the sending host), and where a datagram exceeds 65,535
/// bytes (BIG TCP, jumbograms). Both are longer than any Ethernet without jumbo
/// frames carries; on a shorter one the 0 is a lie, and receivers refuse it.
pub(crate) const UNSEGMENTED_ABOVE: usize = 1500;

/// Why bytes are not what they claim to be.
///
/// Hostile input is normal: this is counted, never logged packet by packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[repr(u8)]
pub enum Malformed {
    /// Ends before the header does.
    #[error("ends before its header does")]
    Truncated,
    /// A length field contradicts the header, or another length field.
    #[error("has a length field that cannot be")]
    BadLength,
    /// A version field names another protocol.
    #[error("has a version it cannot have")]
    BadVersion,
    /// A chain (of tags, of extension headers) goes deeper than we follow.
    #[error("nests deeper than is followed")]
    TooDeep,
    /// The header's own length is less than the shortest header.
    #[error("has a header length below the shortest header")]
    BadHeaderLength,
    /// A length field promises more than was on the wire.
    #[error("promises more bytes than were on the wire")]
    BeyondEnd,
    /// An option's length is less than the option's own head, or reaches
    /// beyond the header.
    #[error("has an option whose length cannot be")]
    BadOption,
    /// Sound, but of a kind that is not decoded.
    #[error("is of a kind that is not decoded")]
    Unsupported,
    /// The capture kept too little of it: nothing is known against its sender.
    #[error("was cut by the capture before its header ends")]
    Cut,
}

impl Malformed {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Truncated,
        Self::BadLength,
        Self::BadVersion,
        Self::TooDeep,
        Self::BadHeaderLength,
        Self::BeyondEnd,
        Self::BadOption,
        Self::Unsupported,
        Self::Cut,
    ];

    /// The word for counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::BadLength => "bad_length",
            Self::BadVersion => "bad_version",
            Self::TooDeep => "too_deep",
            Self::BadHeaderLength => "bad_header_length",
            Self::BeyondEnd => "beyond_end",
            Self::BadOption => "bad_option",
            Self::Unsupported => "unsupported",
            Self::Cut => "cut",
        }
    }
}

/// Where in a packet decoding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Layer {
    /// The Ethernet header.
    Ethernet,
    /// An 802.1Q or 802.1ad tag.
    Vlan,
    /// ARP.
    Arp,
    /// IPv4.
    Ipv4,
    /// The fixed header of IPv6.
    Ipv6,
    /// An extension header of IPv6.
    Ipv6Extension,
    /// ICMP.
    Icmp4,
    /// ICMPv6.
    Icmp6,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Linux cooked capture, either version.
    Sll,
    /// BSD loopback, either byte order.
    Null,
    /// A link without a header of its own, whose first byte must be IP's.
    Raw,
}

impl Layer {
    /// Every layer, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Ethernet,
        Self::Vlan,
        Self::Arp,
        Self::Ipv4,
        Self::Ipv6,
        Self::Ipv6Extension,
        Self::Icmp4,
        Self::Icmp6,
        Self::Tcp,
        Self::Udp,
        Self::Sll,
        Self::Null,
        Self::Raw,
    ];

    /// The word for counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ethernet => "ethernet",
            Self::Vlan => "vlan",
            Self::Arp => "arp",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Ipv6Extension => "ipv6_extension",
            Self::Icmp4 => "icmpv4",
            Self::Icmp6 => "icmpv6",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sll => "sll",
            Self::Null => "null",
            Self::Raw => "raw",
        }
    }
}

/// Where decoding stopped, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{} {malformed}", layer.name())]
pub struct Undecodable {
    /// The header that does not decode; those before it did.
    pub layer: Layer,
    /// What is wrong with it.
    pub malformed: Malformed,
}

/// An Ethernet address (IEEE 802, EUI-48), in the order it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Whether it stands for many stations: multicast, or broadcast.
    pub const fn is_group(self) -> bool {
        let Self([first, ..]) = self;
        first & 1 == 1
    }
}

impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([m0, m1, m2, m3, m4, m5]) = self;
        write!(f, "{m0:02x}:{m1:02x}:{m2:02x}:{m3:02x}:{m4:02x}:{m5:02x}")
    }
}

/// What the first byte of a frame belongs to (the LINKTYPE_ values of
/// <https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// 1: Ethernet II or 802.3 with LLC.
    #[default]
    Ethernet,
    /// 101 (also 12 and 14, as BSDs wrote it), 228, 229: an IPv4 or IPv6 header.
    RawIp,
    /// 113: Linux cooked capture.
    Sll,
    /// 276: Linux cooked capture, version 2.
    Sll2,
    /// 0: BSD loopback, family in the byte order of the capturing host.
    Null,
    /// 108: OpenBSD loopback, family in network byte order.
    Loop,
    /// Any other: packets pass and are counted, nothing is decoded.
    Other(u16),
}

impl LinkType {
    /// From the number in a capture file.
    pub const fn from_number(number: u16) -> Self {
        match number {
            1 => Self::Ethernet,
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            113 => Self::Sll,
            276 => Self::Sll2,
            0 => Self::Null,
            108 => Self::Loop,
            other => Self::Other(other),
        }
    }

    /// The number for a capture file.
    pub const fn number(self) -> u16 {
        match self {
            Self::Ethernet => 1,
            Self::RawIp => 101,
            Self::Sll => 113,
            Self::Sll2 => 276,
            Self::Null => 0,
            Self::Loop => 108,
            Self::Other(number) => number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places_in_all() {
        for (place, layer) in Layer::ALL.into_iter().enumerate() {
            assert_eq!(layer as usize, place, "{}", layer.name());
        }
        for (place, malformed) in Malformed::ALL.into_iter().enumerate() {
            assert_eq!(malformed as usize, place, "{}", malformed.name());
        }
    }

    #[test]
    fn says_where_and_why() {
        let undecodable = Undecodable { layer: Layer::Udp, malformed: Malformed::BeyondEnd };
        assert_eq!(undecodable.to_string(), "udp promises more bytes than were on the wire");
    }

    #[test]
    fn link_types_survive_their_number() {
        for number in 0..400 {
            let link = LinkType::from_number(number);
            assert_eq!(LinkType::from_number(link.number()), link);
        }
    }
}
