//! Bytes to values and back: one file a protocol, all built alike.
//!
//! Each has its value, `decode(bytes) -> Result<(value, rest), Malformed>` where
//! `rest` is what follows the header, and `encode`, which gives the header as an
//! array (a `Vec` where it has no fixed length) with its checksum zero (a
//! checksum covers what comes later). Lengths
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
pub(crate) mod der;
pub mod dns;
pub mod esp;
pub mod ethernet;
pub mod fields;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod link;
mod link_type;
pub mod null;
pub mod oddities;
pub mod options;
pub mod packet;
pub mod quic;
pub(crate) mod reader;
pub mod reject;
mod rewrite;
pub mod sctp;
pub mod sll;
pub mod tcp;
pub mod tls;
pub mod tunnel;
pub mod udp;
pub mod vlan;

pub use link_type::LinkType;
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
    /// LLC, and SNAP.
    Llc,
    /// A label stack of MPLS, or the control word of a pseudowire.
    Mpls,
    /// `PPPoE`.
    Pppoe,
    /// PPP.
    Ppp,
    /// Cisco HDLC.
    Hdlc,
    /// Frame relay.
    FrameRelay,
    /// Token ring, FDDI, or ARCNET.
    Ring,
    /// A backbone service tag.
    Pbb,
    /// Cisco's VN-Tag.
    VnTag,
    /// An E-Tag.
    ETag,
    /// The tag of a switch chip, toward its host.
    Dsa,
    /// Cisco `FabricPath`.
    FabricPath,
    /// Cisco `MetaData`.
    MetaData,
    /// `MACsec`.
    MacSec,
    /// A network service header.
    Nsh,
    /// An 802.11 frame.
    Ieee80211,
    /// What is said before an 802.11 frame of how it was received.
    Radio,
    /// What else a capturing system wrote before a packet.
    Capture,
    /// GRE.
    Gre,
    /// ERSPAN.
    Erspan,
    /// VXLAN.
    Vxlan,
    /// GENEVE.
    Geneve,
    /// GTP-U.
    GtpU,
    /// Teredo.
    Teredo,
    /// L2TP.
    L2tp,
    /// CAPWAP.
    Capwap,
    /// AYIYA.
    Ayiya,
    /// `EtherIP`.
    EtherIp,
    /// A tunnel of any kind, within as many as are looked through.
    Tunnel,
    /// SCTP.
    Sctp,
    /// ESP.
    Esp,
    /// An authentication header over IPv4.
    Authentication,
}

impl Layer {
    /// Every layer, in the order of their numbers.
    pub const ALL: [Self; 45] = [
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
        Self::Llc,
        Self::Mpls,
        Self::Pppoe,
        Self::Ppp,
        Self::Hdlc,
        Self::FrameRelay,
        Self::Ring,
        Self::Pbb,
        Self::VnTag,
        Self::ETag,
        Self::Dsa,
        Self::FabricPath,
        Self::MetaData,
        Self::MacSec,
        Self::Nsh,
        Self::Ieee80211,
        Self::Radio,
        Self::Capture,
        Self::Gre,
        Self::Erspan,
        Self::Vxlan,
        Self::Geneve,
        Self::GtpU,
        Self::Teredo,
        Self::L2tp,
        Self::Capwap,
        Self::Ayiya,
        Self::EtherIp,
        Self::Tunnel,
        Self::Sctp,
        Self::Esp,
        Self::Authentication,
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
            Self::Llc => "llc",
            Self::Mpls => "mpls",
            Self::Pppoe => "pppoe",
            Self::Ppp => "ppp",
            Self::Hdlc => "hdlc",
            Self::FrameRelay => "frame_relay",
            Self::Ring => "ring",
            Self::Pbb => "pbb",
            Self::VnTag => "vntag",
            Self::ETag => "etag",
            Self::Dsa => "dsa",
            Self::FabricPath => "fabric_path",
            Self::MetaData => "cisco_metadata",
            Self::MacSec => "macsec",
            Self::Nsh => "nsh",
            Self::Ieee80211 => "ieee80211",
            Self::Radio => "radio",
            Self::Capture => "capture",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtp",
            Self::Teredo => "teredo",
            Self::L2tp => "l2tp",
            Self::Capwap => "capwap",
            Self::Ayiya => "ayiya",
            Self::EtherIp => "etherip",
            Self::Tunnel => "tunnel",
            Self::Sctp => "sctp",
            Self::Esp => "esp",
            Self::Authentication => "authentication",
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
}
