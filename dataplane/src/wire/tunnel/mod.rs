//! The headers around an inner packet: what carries it, and where each is.
//!
//! A [`Packet`](super::Packet) is always the innermost packet that decodes; what
//! stands around it is kept as kinds and offsets, so that a packet that travels
//! plainly pays nothing. The tunnels' own headers have a file each.
//!
//! Those over IP are known by their protocol number. Those over UDP are known
//! by their port, which anybody may use for something else: they count as
//! tunnels only where all of their header is sound and an IP or ARP header
//! follows; else the packet is plain UDP.

pub mod ayiya;
pub mod capwap;
pub mod erspan;
pub mod geneve;
pub mod gre;
pub mod gtp;
pub mod l2tp;
pub mod teredo;
pub mod vxlan;

use super::Malformed;

/// The most that are looked through; a packet nested deeper is
/// [`TooDeep`](super::Malformed::TooDeep).
pub const DEPTH_MAX: usize = 4;

/// IP protocol number of IPv4.
pub const PROTOCOL_IPV4: u8 = 4;
/// IP protocol number of IPv6.
pub const PROTOCOL_IPV6: u8 = 41;
/// IP protocol number of GRE.
pub const PROTOCOL_GRE: u8 = 47;
/// IP protocol number of `EtherIP`.
pub const PROTOCOL_ETHER_IP: u8 = 97;
/// IP protocol number of MPLS.
pub const PROTOCOL_MPLS: u8 = 137;
/// IP protocol number of an Ethernet frame without a header before it.
pub const PROTOCOL_ETHERNET: u8 = 143;

/// Port of VXLAN.
pub const VXLAN_PORT: u16 = 4789;
/// Port of VXLAN where Linux was not told another.
pub const VXLAN_LINUX_PORT: u16 = 8472;
/// Port of VXLAN's generic protocol extension.
pub const VXLAN_GPE_PORT: u16 = 4790;
/// Port of GENEVE.
pub const GENEVE_PORT: u16 = 6081;
/// Port of GTP-U.
pub const GTP_U_PORT: u16 = 2152;
/// Port of Teredo's servers and relays.
pub const TEREDO_PORT: u16 = 3544;
/// Port of L2TP.
pub const L2TP_PORT: u16 = 1701;
/// Port of CAPWAP's data.
pub const CAPWAP_PORT: u16 = 5247;
/// Port of AYIYA.
pub const AYIYA_PORT: u16 = 5072;
/// Port of GRE in UDP (RFC 8086).
pub const GRE_PORT: u16 = 4754;
/// Port of MPLS in UDP (RFC 7510).
pub const MPLS_PORT: u16 = 6635;

/// The lowest and the highest of all these ports: what is outside is told apart
/// by one comparison.
const PORTS: std::ops::RangeInclusive<u16> = L2TP_PORT..=VXLAN_LINUX_PORT;

/// The lowest six bits of all these ports, a bit each: what has others is told
/// apart by one more.
const LOW_BITS: u64 = low_bit(VXLAN_PORT)
    | low_bit(VXLAN_LINUX_PORT)
    | low_bit(VXLAN_GPE_PORT)
    | low_bit(GENEVE_PORT)
    | low_bit(GTP_U_PORT)
    | low_bit(TEREDO_PORT)
    | low_bit(L2TP_PORT)
    | low_bit(CAPWAP_PORT)
    | low_bit(AYIYA_PORT)
    | low_bit(GRE_PORT)
    | low_bit(MPLS_PORT);

#[inline]
const fn low_bit(port: u16) -> u64 {
    1 << (port & 63)
}

/// What carries a packet within another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Tunnel {
    /// IP in IP: 4in4 (RFC 2003), 6in4 (RFC 4213), 4in6 and 6in6 (RFC 2473).
    #[default]
    Ip = 0,
    /// GRE (RFC 2784, RFC 2890, RFC 2637), over IP or UDP (RFC 8086).
    Gre = 1,
    /// ERSPAN over GRE, types I, II and III.
    Erspan = 2,
    /// VXLAN (RFC 7348), and its generic protocol extension.
    Vxlan = 3,
    /// GENEVE (RFC 8926).
    Geneve = 4,
    /// GTP-U (3GPP TS 29.281).
    GtpU = 5,
    /// Teredo (RFC 4380).
    Teredo = 6,
    /// L2TP version 2 (RFC 2661).
    L2tp = 7,
    /// CAPWAP (RFC 5415).
    Capwap = 8,
    /// AYIYA (draft-massar-v6ops-ayiya-02).
    Ayiya = 9,
    /// MPLS over IP (RFC 4023) or UDP (RFC 7510).
    Mpls = 10,
    /// Ethernet in IP: `EtherIP` (RFC 3378), segment routing (RFC 8986).
    Ethernet = 11,
}

impl Tunnel {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Ip,
        Self::Gre,
        Self::Erspan,
        Self::Vxlan,
        Self::Geneve,
        Self::GtpU,
        Self::Teredo,
        Self::L2tp,
        Self::Capwap,
        Self::Ayiya,
        Self::Mpls,
        Self::Ethernet,
    ];

    /// The word for events and counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::GtpU => "gtp",
            Self::Teredo => "teredo",
            Self::L2tp => "l2tp",
            Self::Capwap => "capwap",
            Self::Ayiya => "ayiya",
            Self::Mpls => "mpls",
            Self::Ethernet => "ethernet",
        }
    }

    /// Whether its header has a number that sets networks apart.
    pub const fn has_network(self) -> bool {
        matches!(self, Self::Vxlan | Self::Geneve)
    }
}

/// A kind of tunnel over UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OverUdp {
    Vxlan,
    VxlanGpe,
    Geneve,
    GtpU,
    Teredo,
    L2tp,
    Capwap,
    Ayiya,
    Gre,
    Mpls,
}

/// Whether a datagram between these ports may be a tunnel's; [`over_udp`] says
/// for sure. Most ports in use are outside of the range, and of those within
/// few have such low bits.
#[inline]
pub(super) fn may_be_over_udp((src_port, dst_port): (u16, u16)) -> bool {
    let may_be = |port: u16| PORTS.contains(&port) && LOW_BITS & low_bit(port) != 0;
    may_be(dst_port) || may_be(src_port)
}

/// The tunnel that these ports stand for.
///
/// Where both directions of a tunnel are sent to its port, only the destination
/// counts; where one end has a port of its own, either.
pub(super) fn over_udp((src_port, dst_port): (u16, u16)) -> Option<OverUdp> {
    let either = |port| match port {
        GTP_U_PORT => Some(OverUdp::GtpU),
        TEREDO_PORT => Some(OverUdp::Teredo),
        L2TP_PORT => Some(OverUdp::L2tp),
        CAPWAP_PORT => Some(OverUdp::Capwap),
        AYIYA_PORT => Some(OverUdp::Ayiya),
        _ => None,
    };
    match dst_port {
        VXLAN_PORT | VXLAN_LINUX_PORT => Some(OverUdp::Vxlan),
        VXLAN_GPE_PORT => Some(OverUdp::VxlanGpe),
        GENEVE_PORT => Some(OverUdp::Geneve),
        GRE_PORT => Some(OverUdp::Gre),
        MPLS_PORT => Some(OverUdp::Mpls),
        _ => either(dst_port).or_else(|| either(src_port)),
    }
}

/// The tunnels around a packet, outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tunnels {
    count: u8,
    kinds: [Tunnel; DEPTH_MAX],
    /// Byte offsets within the frame of the network headers that carry them.
    net_at: [u16; DEPTH_MAX],
    /// The number that sets the innermost tunnel's networks apart, the same in
    /// both directions: the VNI of VXLAN and GENEVE; 0 elsewhere.
    network: u32,
    /// How many of the outermost have no place any more.
    displaced: u8,
}

impl Tunnels {
    /// Of a packet that travels plainly.
    pub const NONE: Self =
        Self { count: 0, kinds: [Tunnel::Ip; DEPTH_MAX], net_at: [0; DEPTH_MAX], network: 0, displaced: 0 };

    /// How many there are.
    #[inline]
    pub const fn depth(&self) -> usize {
        self.count as usize
    }

    /// The number that sets the innermost tunnel's networks apart (24 bits):
    /// packets with the same addresses and another number are of other flows.
    #[inline]
    pub const fn network(&self) -> u32 {
        self.network
    }

    /// The tunnels' kinds, outermost first.
    pub fn kinds(&self) -> impl Iterator<Item = Tunnel> + use<> {
        self.kinds.into_iter().take(usize::from(self.count))
    }

    /// The kind of the innermost, which carries the packet itself.
    pub fn innermost(&self) -> Option<Tunnel> {
        self.kinds().last()
    }

    /// Where in the frame the network header is that carries tunnel `index`,
    /// counted from the outermost.
    pub fn place(&self, index: usize) -> Option<usize> {
        let place = self.net_at.get(..self.depth())?.get(index)?;
        (index >= self.displaced()).then_some(usize::from(*place))
    }

    /// The same without places: of a packet that was put together from several,
    /// and has left the frames that its tunnels' headers were in.
    #[must_use]
    pub const fn without_places(mut self) -> Self {
        self.displaced = self.count;
        self
    }

    /// How many of the outermost have no place any more: they were around the
    /// pieces that the packet was put together from.
    pub(super) const fn displaced(&self) -> usize {
        self.displaced as usize
    }

    /// These, found in a packet that was put together from pieces, within those
    /// that were around the pieces. As many as there is room for: the innermost
    /// of the outer ones make room for the others.
    #[must_use]
    pub fn within(self, around: Self) -> Self {
        let room = DEPTH_MAX - self.depth();
        let mut all = Self { count: 0, ..around };
        all.count = around.count.min(u8::try_from(room).unwrap_or(0));
        let mut all = all.without_places();
        for (kind, net_at) in self.kinds().zip(self.net_at) {
            // There is room: `count` was cut to leave it.
            let pushed = all.push(kind, net_at.into(), self.network);
            debug_assert!(pushed.is_ok());
        }
        all
    }

    /// Adds the next inner one; its header says `network`, or 0.
    pub(super) fn push(&mut self, kind: Tunnel, net_at: u32, network: u32) -> Result<(), Malformed> {
        let count = usize::from(self.count);
        let (Some(kind_of), Some(place), Ok(net_at)) =
            (self.kinds.get_mut(count), self.net_at.get_mut(count), u16::try_from(net_at))
        else {
            return Err(Malformed::TooDeep);
        };
        (*kind_of, *place, self.network) = (kind, net_at, network);
        self.count += 1;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places_in_all() {
        for (place, tunnel) in Tunnel::ALL.into_iter().enumerate() {
            assert_eq!(tunnel as usize, place, "{}", tunnel.name());
        }
    }

    #[test]
    fn every_port_of_a_tunnel_is_within_the_range_that_is_looked_at() {
        for port in 0..=u16::MAX {
            for ports in [(port, 50_000), (50_000, port), (53, port)] {
                assert!(over_udp(ports).is_none() || may_be_over_udp(ports), "{ports:?}");
            }
        }
        assert!(!may_be_over_udp((50_000, 443)) && !may_be_over_udp((53, 40_000)));
        assert_eq!(over_udp((50_000, VXLAN_PORT)), Some(OverUdp::Vxlan));
        assert_eq!(over_udp((VXLAN_PORT, 50_000)), None, "answers go to the port as well");
        assert_eq!(over_udp((TEREDO_PORT, 50_000)), Some(OverUdp::Teredo), "the server has the port");
    }

    #[test]
    fn keeps_kinds_and_places_up_to_the_limit() {
        let mut tunnels = Tunnels::NONE;
        assert_eq!((tunnels, tunnels.innermost()), (Tunnels::default(), None));
        for (index, kind) in Tunnel::ALL.into_iter().take(DEPTH_MAX).enumerate() {
            let at = u32::try_from(index).unwrap() * 100;
            assert_eq!(tunnels.push(kind, at, at), Ok(()));
            assert_eq!((tunnels.depth(), tunnels.innermost()), (index + 1, Some(kind)));
            assert_eq!((tunnels.place(index), tunnels.network()), (Some(index * 100), at));
            assert_eq!(tunnels.place(index + 1), None);
        }
        assert_eq!(tunnels.push(Tunnel::Ip, 0, 0), Err(Malformed::TooDeep));
        let displaced = tunnels.without_places();
        assert_eq!((displaced.place(0), displaced.network()), (None, 300));
        assert!(displaced.kinds().eq(tunnels.kinds()));
        assert_eq!(Tunnels::default().push(Tunnel::Ip, 65_536, 0), Err(Malformed::TooDeep));
    }
}
