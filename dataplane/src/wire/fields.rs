//! The fields of a packet that rules may read: `pkt.*`, `eth.*`, `vlan.*`,
//! `arp.*`, `ip.*`, `ip6.*`, `tcp.*`, `udp.*`, `icmp.*`; and `outer.*`, of the
//! packet that carries it in a tunnel.
//!
//! Names are Wireshark's where it has a natural one. `ip.*` reads IPv4 and IPv6
//! alike, so that a rule written for one holds for the other. A field that a
//! packet does not have reads as `None`, never as zero.

use std::net::IpAddr;

use super::packet::{Arp, Icmp, Ipv4, Ipv6, Net, Packet, Tcp, Transport, Tunnel, Udp};
use super::tcp::Flags;
use crate::event::{EnumNames, Field, Kind, Value, View};
use crate::time::Timestamp;

/// A packet as rules see it: decoded, with the bytes that it was decoded from.
#[derive(Clone, Copy, Debug)]
pub struct PacketView<'a> {
    /// The decoded packet.
    pub packet: &'a Packet,
    /// The bytes that we hold, from the link header on.
    pub bytes: &'a [u8],
    /// Bytes on the wire; more than `bytes` where a capture kept less.
    pub wire_len: u32,
    /// When it came.
    pub at: Timestamp,
}

impl View for PacketView<'static> {
    type At<'a> = PacketView<'a>;
}

/// IP protocols by name (IANA, Assigned Internet Protocol Numbers).
pub static PROTOCOLS: EnumNames = EnumNames {
    name: "IP protocol",
    names: &[
        ("ICMP", 1),
        ("IGMP", 2),
        ("IPIP", 4),
        ("TCP", 6),
        ("UDP", 17),
        ("DCCP", 33),
        ("IPV6", 41),
        ("GRE", 47),
        ("ESP", 50),
        ("AH", 51),
        ("ICMPV6", 58),
        ("OSPF", 89),
        ("PIM", 103),
        ("VRRP", 112),
        ("L2TP", 115),
        ("SCTP", 132),
        ("UDPLITE", 136),
    ],
};

/// `EtherType`s by name (IEEE 802 Numbers).
pub static ETHERTYPES: EnumNames = EnumNames {
    name: "EtherType",
    names: &[
        ("IPV4", 0x0800),
        ("ARP", 0x0806),
        ("IPV6", 0x86dd),
        ("MPLS", 0x8847),
        ("PPPOE_DISCOVERY", 0x8863),
        ("PPPOE", 0x8864),
        ("EAPOL", 0x888e),
        ("LLDP", 0x88cc),
        ("MACSEC", 0x88e5),
        ("PTP", 0x88f7),
    ],
};

/// ARP operations by name (RFC 826).
pub static ARP_OPERATIONS: EnumNames =
    EnumNames { name: "ARP operation", names: &[("REQUEST", 1), ("REPLY", 2)] };

/// Tunnels by name.
pub static TUNNELS: EnumNames = EnumNames {
    name: "tunnel",
    names: &[
        ("IP", Tunnel::Ip as i64),
        ("GRE", Tunnel::Gre as i64),
        ("ERSPAN", Tunnel::Erspan as i64),
        ("VXLAN", Tunnel::Vxlan as i64),
        ("GENEVE", Tunnel::Geneve as i64),
        ("GTP_U", Tunnel::GtpU as i64),
        ("TEREDO", Tunnel::Teredo as i64),
        ("L2TP", Tunnel::L2tp as i64),
        ("CAPWAP", Tunnel::Capwap as i64),
        ("AYIYA", Tunnel::Ayiya as i64),
        ("MPLS", Tunnel::Mpls as i64),
        ("ETHERNET", Tunnel::Ethernet as i64),
    ],
};

type PacketField = Field<PacketView<'static>>;

/// The fields of a packet.
pub static FIELDS: &[PacketField] = &[
    field("pkt.len", Kind::Unsigned(32), "Bytes on the wire, link header included.", |view| {
        number(view.wire_len)
    }),
    field("pkt.vlan", Kind::Unsigned(12), "Outermost VLAN id, as `vlan.id`.", |view| vlan_id(view, 0)),
    field("pkt.src.port", Kind::Unsigned(16), "Source port, TCP or UDP.", |view| {
        ports(view).and_then(|(src, _)| number(src))
    }),
    field("pkt.dst.port", Kind::Unsigned(16), "Destination port, TCP or UDP.", |view| {
        ports(view).and_then(|(_, dst)| number(dst))
    }),
    field("pkt.payload", Kind::Bytes, "What the transport header carries, as far as captured.", payload),
    field("eth.src", Kind::Mac, "Source Ethernet address.", |view| {
        view.packet.macs.map(|(src, _)| Value::Mac(src))
    }),
    field("eth.dst", Kind::Mac, "Destination Ethernet address.", |view| {
        view.packet.macs.map(|(_, dst)| Value::Mac(dst))
    }),
    field("eth.type", Kind::Enum(&ETHERTYPES), "EtherType after any VLAN tags.", |view| {
        match view.packet.ethertype {
            0 => None,
            ethertype => number(ethertype),
        }
    }),
    field("vlan.id", Kind::Unsigned(12), "Outermost VLAN id (802.1Q).", |view| vlan_id(view, 0)),
    field("vlan.priority", Kind::Unsigned(3), "Outermost VLAN priority (PCP).", |view| {
        tci(view, 0).and_then(|tci| number(tci >> 13))
    }),
    field("vlan.dei", Kind::Bool, "Outermost VLAN drop eligible indicator.", |view| {
        tci(view, 0).map(|tci| Value::Bool(tci & 0x1000 != 0))
    }),
    field("vlan.inner.id", Kind::Unsigned(12), "Second VLAN id (802.1ad).", |view| vlan_id(view, 1)),
    field("arp.op", Kind::Enum(&ARP_OPERATIONS), "Operation.", |view| number(arp(view)?.operation)),
    field("arp.sender.mac", Kind::Mac, "Who speaks: hardware address.", |view| {
        Some(Value::Mac(arp(view)?.sender.0))
    }),
    field("arp.sender.ip", Kind::Ip, "Who speaks: IPv4 address.", |view| {
        Some(Value::Ip(arp(view)?.sender.1.into()))
    }),
    field("arp.target.mac", Kind::Mac, "Who is spoken to: hardware address.", |view| {
        Some(Value::Mac(arp(view)?.target.0))
    }),
    field("arp.target.ip", Kind::Ip, "Who is asked for: IPv4 address.", |view| {
        Some(Value::Ip(arp(view)?.target.1.into()))
    }),
    field("ip.version", Kind::Unsigned(4), "4 or 6.", |view| ip(view, |_| 4, |_| 6)),
    field("ip.src", Kind::Ip, "Source address.", |view| ip_address(view, |v4| v4.src, |v6| v6.src)),
    field("ip.dst", Kind::Ip, "Destination address.", |view| ip_address(view, |v4| v4.dst, |v6| v6.dst)),
    field("ip.proto", Kind::Enum(&PROTOCOLS), "Protocol after the IP and extension headers.", |view| {
        ip(view, |v4| u32::from(v4.protocol), |v6| u32::from(v6.protocol))
    }),
    field("ip.ttl", Kind::Unsigned(8), "Time to live; IPv6: hop limit.", |view| {
        ip(view, |v4| u32::from(v4.ttl), |v6| u32::from(v6.hop_limit))
    }),
    field("ip.dscp", Kind::Unsigned(6), "Differentiated services code point (RFC 2474).", |view| {
        ip(view, |v4| u32::from(v4.tos >> 2), |v6| u32::from(v6.traffic_class >> 2))
    }),
    field("ip.ecn", Kind::Unsigned(2), "Explicit congestion notification (RFC 3168).", |view| {
        ip(view, |v4| u32::from(v4.tos & 3), |v6| u32::from(v6.traffic_class & 3))
    }),
    field("ip.len", Kind::Unsigned(17), "Bytes as the header says, IP header included.", |view| {
        ip(view, |v4| u32::from(v4.total_len), |v6| 40 + u32::from(v6.payload_len))
    }),
    field("ip.id", Kind::Unsigned(32), "Identification; IPv6: of the fragment header.", |view| {
        match &view.packet.net {
            Net::V4(v4) => number(v4.id),
            Net::V6(v6) => number(v6.fragment?.id),
            _ => None,
        }
    }),
    field("ip.hdr_len", Kind::Unsigned(6), "IPv4 header length in bytes, options included.", |view| {
        number(ipv4(view)?.header_len)
    }),
    field("ip.df", Kind::Bool, "IPv4: don't fragment.", |view| {
        Some(Value::Bool(ipv4(view)?.flags & 0b010 != 0))
    }),
    field("ip.mf", Kind::Bool, "More fragments follow.", |view| {
        fragment(view).map(|(_, more)| Value::Bool(more))
    }),
    field("ip.fragment_offset", Kind::Unsigned(16), "Place of this fragment, in bytes.", |view| {
        fragment(view).and_then(|(offset, _)| number(offset))
    }),
    field("ip.fragment", Kind::Bool, "Whether this is a part of a fragmented datagram.", |view| {
        fragment(view).map(|(offset, more)| Value::Bool(more || offset != 0))
    }),
    field("ip6.flow_label", Kind::Unsigned(20), "IPv6 flow label.", |view| match &view.packet.net {
        Net::V6(v6) => number(v6.flow_label),
        _ => None,
    }),
    field("tcp.srcport", Kind::Unsigned(16), "Source port.", |view| number(tcp(view)?.src_port)),
    field("tcp.dstport", Kind::Unsigned(16), "Destination port.", |view| number(tcp(view)?.dst_port)),
    field("tcp.seq", Kind::Unsigned(32), "Sequence number, as sent.", |view| number(tcp(view)?.seq)),
    field("tcp.ack", Kind::Unsigned(32), "Acknowledgement number, as sent.", |view| number(tcp(view)?.ack)),
    field("tcp.flags", Kind::Unsigned(8), "All flags: CWR 128 .. FIN 1.", |view| {
        number(tcp(view)?.flags.bits())
    }),
    field("tcp.flags.fin", Kind::Bool, "No more data from the sender.", |view| flag(view, Flags::FIN)),
    field("tcp.flags.syn", Kind::Bool, "Opens a connection.", |view| flag(view, Flags::SYN)),
    field("tcp.flags.rst", Kind::Bool, "Resets the connection.", |view| flag(view, Flags::RST)),
    field("tcp.flags.psh", Kind::Bool, "Push.", |view| flag(view, Flags::PSH)),
    field("tcp.flags.ack", Kind::Bool, "The acknowledgement number counts.", |view| flag(view, Flags::ACK)),
    field("tcp.flags.urg", Kind::Bool, "The urgent pointer counts.", |view| flag(view, Flags::URG)),
    field("tcp.flags.ece", Kind::Bool, "ECN echo (RFC 3168).", |view| flag(view, Flags::ECE)),
    field("tcp.flags.cwr", Kind::Bool, "Congestion window reduced.", |view| flag(view, Flags::CWR)),
    field("tcp.window", Kind::Unsigned(16), "Window, not scaled.", |view| number(tcp(view)?.window)),
    field("tcp.urgent", Kind::Unsigned(16), "Urgent pointer.", |view| number(tcp(view)?.urgent)),
    field("tcp.hdr_len", Kind::Unsigned(6), "Header length in bytes, options included.", |view| {
        number(tcp(view)?.header_len)
    }),
    field("tcp.len", Kind::Unsigned(32), "Payload bytes.", |view| {
        tcp(view).and_then(|_| number(view.packet.payload_len))
    }),
    field("udp.srcport", Kind::Unsigned(16), "Source port.", |view| number(udp(view)?.src_port)),
    field("udp.dstport", Kind::Unsigned(16), "Destination port.", |view| number(udp(view)?.dst_port)),
    field("udp.len", Kind::Unsigned(16), "Bytes as the header says, header included.", |view| {
        number(udp(view)?.len)
    }),
    field("icmp.type", Kind::Unsigned(8), "Type, ICMP and ICMPv6.", |view| number(icmp(view)?.kind)),
    field("icmp.code", Kind::Unsigned(8), "Code, ICMP and ICMPv6.", |view| number(icmp(view)?.code)),
    field("icmp.id", Kind::Unsigned(16), "Identifier of an echo request or reply.", |view| {
        number(echo(view)?.id)
    }),
    field("icmp.seq", Kind::Unsigned(16), "Sequence number of an echo request or reply.", |view| {
        number(echo(view)?.seq)
    }),
    field("outer.depth", Kind::Unsigned(3), "How many tunnels are around the packet, one or more.", |view| {
        match u32::try_from(view.packet.tunnels.depth()) {
            Ok(0) | Err(_) => None,
            Ok(depth) => number(depth),
        }
    }),
    field(
        "outer.tunnel",
        Kind::Enum(&TUNNELS),
        "The tunnel that carries the packet, the innermost.",
        |view| Some(Value::Int(view.packet.tunnels.innermost()? as i64)),
    ),
    field("outer.network", Kind::Unsigned(24), "Its network: the VNI of VXLAN and GENEVE.", |view| {
        let tunnels = view.packet.tunnels;
        tunnels.innermost().filter(|tunnel| tunnel.has_network()).and_then(|_| number(tunnels.network()))
    }),
    field("outer.src", Kind::Ip, "Source address of the packet that carries this one.", |view| {
        outer(view)?.ip_pair().map(|(src, _)| Value::Ip(src))
    }),
    field("outer.dst", Kind::Ip, "Destination address of the packet that carries this one.", |view| {
        outer(view)?.ip_pair().map(|(_, dst)| Value::Ip(dst))
    }),
    field("outer.proto", Kind::Enum(&PROTOCOLS), "Protocol of the packet that carries this one.", |view| {
        outer(view)?.protocol().and_then(number)
    }),
    field("outer.src.port", Kind::Unsigned(16), "Source port of the tunnel, if it is over UDP.", |view| {
        outer(view)?.ports().and_then(|(src, _)| number(src))
    }),
    field(
        "outer.dst.port",
        Kind::Unsigned(16),
        "Destination port of the tunnel, if it is over UDP.",
        |view| outer(view)?.ports().and_then(|(_, dst)| number(dst)),
    ),
];

const fn field(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    read: for<'a> fn(&'a PacketView<'a>) -> Option<Value<'a>>,
) -> PacketField {
    Field { name, kind, doc, read }
}

#[expect(clippy::unnecessary_wraps, reason = "every reader of a field answers with an Option")]
fn number(value: impl Into<u32>) -> Option<Value<'static>> {
    Some(Value::Int(i64::from(value.into())))
}

fn payload<'a>(view: &'a PacketView<'a>) -> Option<Value<'a>> {
    if view.packet.transport == Transport::None {
        return None;
    }
    let start = usize::try_from(view.packet.payload_at).ok()?;
    let len = usize::try_from(view.packet.payload_len).ok()?;
    let rest = view.bytes.get(start..)?;
    Some(Value::Bytes(rest.get(..len).unwrap_or(rest)))
}

/// What carries the packet, where it travels in a tunnel.
fn outer(view: &PacketView<'_>) -> Option<Packet> {
    view.packet.carrier(view.bytes, view.wire_len)
}

fn ports(view: &PacketView<'_>) -> Option<(u16, u16)> {
    match &view.packet.transport {
        Transport::Tcp(tcp) => Some((tcp.src_port, tcp.dst_port)),
        Transport::Udp(udp) => Some((udp.src_port, udp.dst_port)),
        _ => None,
    }
}

fn tci(view: &PacketView<'_>, tag: usize) -> Option<u16> {
    let vlans = &view.packet.vlans;
    (tag < usize::from(vlans.count)).then(|| vlans.tci.get(tag).copied())?
}

fn vlan_id(view: &PacketView<'_>, tag: usize) -> Option<Value<'static>> {
    number(tci(view, tag)? & 0x0fff)
}

fn arp<'a>(view: &PacketView<'a>) -> Option<&'a Arp> {
    match &view.packet.net {
        Net::Arp(arp) => Some(arp),
        _ => None,
    }
}

fn ipv4<'a>(view: &PacketView<'a>) -> Option<&'a Ipv4> {
    match &view.packet.net {
        Net::V4(v4) => Some(v4),
        _ => None,
    }
}

fn ip(view: &PacketView<'_>, v4: fn(&Ipv4) -> u32, v6: fn(&Ipv6) -> u32) -> Option<Value<'static>> {
    match &view.packet.net {
        Net::V4(header) => number(v4(header)),
        Net::V6(header) => number(v6(header)),
        _ => None,
    }
}

fn ip_address<A: Into<IpAddr>, B: Into<IpAddr>>(
    view: &PacketView<'_>,
    v4: fn(&Ipv4) -> A,
    v6: fn(&Ipv6) -> B,
) -> Option<Value<'static>> {
    match &view.packet.net {
        Net::V4(header) => Some(Value::Ip(v4(header).into())),
        Net::V6(header) => Some(Value::Ip(v6(header).into())),
        _ => None,
    }
}

/// Offset in bytes and whether more fragments follow; `None` where there is no
/// IP header.
fn fragment(view: &PacketView<'_>) -> Option<(u32, bool)> {
    match &view.packet.net {
        Net::V4(v4) => Some((u32::from(v4.fragment_offset) * 8, v4.flags & 0b001 != 0)),
        Net::V6(v6) => {
            Some(v6.fragment.map_or((0, false), |fragment| (u32::from(fragment.offset) * 8, fragment.more)))
        }
        _ => None,
    }
}

fn tcp<'a>(view: &PacketView<'a>) -> Option<&'a Tcp> {
    match &view.packet.transport {
        Transport::Tcp(tcp) => Some(tcp),
        _ => None,
    }
}

fn flag(view: &PacketView<'_>, flag: Flags) -> Option<Value<'static>> {
    Some(Value::Bool(tcp(view)?.flags.contains(flag)))
}

fn udp<'a>(view: &PacketView<'a>) -> Option<&'a Udp> {
    match &view.packet.transport {
        Transport::Udp(udp) => Some(udp),
        _ => None,
    }
}

fn icmp<'a>(view: &PacketView<'a>) -> Option<&'a Icmp> {
    match &view.packet.transport {
        Transport::Icmp(icmp) => Some(icmp),
        _ => None,
    }
}

/// The ICMP header where it is one of an echo: type 8 or 0, for IPv6 128 or 129.
fn echo<'a>(view: &PacketView<'a>) -> Option<&'a Icmp> {
    let icmp = icmp(view)?;
    let echo = match &view.packet.net {
        Net::V6(_) => matches!(icmp.kind, 128 | 129),
        _ => matches!(icmp.kind, 0 | 8),
    };
    echo.then_some(icmp)
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test that cannot go on says so")]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::super::craft::Craft;
    use super::super::packet::{Ipv6Fragment, Vlans};
    use super::super::{LinkType, Mac};
    use super::*;

    fn read<'a>(view: &'a PacketView<'a>, name: &str) -> Option<Value<'a>> {
        let Some(field) = FIELDS.iter().find(|field| field.name == name) else {
            panic!("no field {name}");
        };
        (field.read)(view)
    }

    fn view<'a>(packet: &'a Packet, bytes: &'a [u8]) -> PacketView<'a> {
        PacketView { packet, bytes, wire_len: 60, at: Timestamp::ZERO }
    }

    fn v4() -> Net {
        Net::V4(Ipv4 {
            src: Ipv4Addr::new(10, 0, 0, 1),
            dst: Ipv4Addr::new(10, 0, 0, 2),
            protocol: 6,
            ttl: 64,
            tos: 0b1011_1001,
            id: 7,
            total_len: 40,
            header_len: 20,
            flags: 0b010,
            fragment_offset: 0,
        })
    }

    fn v6(fragment: Option<Ipv6Fragment>) -> Net {
        Net::V6(Ipv6 {
            src: Ipv6Addr::LOCALHOST,
            dst: Ipv6Addr::UNSPECIFIED,
            protocol: 58,
            hop_limit: 3,
            traffic_class: 0b0000_0110,
            flow_label: 0xfffff,
            payload_len: u16::MAX,
            fragment,
        })
    }

    #[test]
    fn ip_fields_read_both_versions() {
        let four = Packet { net: v4(), ..Packet::default() };
        let four = view(&four, &[]);
        assert_eq!(read(&four, "ip.ttl"), Some(Value::Int(64)));
        assert_eq!(read(&four, "ip.dscp"), Some(Value::Int(0b10_1110)));
        assert_eq!(read(&four, "ip.ecn"), Some(Value::Int(1)));
        assert_eq!(read(&four, "ip.df"), Some(Value::Bool(true)));
        assert_eq!(read(&four, "ip.mf"), Some(Value::Bool(false)));
        assert_eq!(read(&four, "ip6.flow_label"), None);

        let six = Packet { net: v6(None), ..Packet::default() };
        let six = view(&six, &[]);
        assert_eq!(read(&six, "ip.ttl"), Some(Value::Int(3)));
        assert_eq!(read(&six, "ip.len"), Some(Value::Int(65_575)));
        assert_eq!(read(&six, "ip.src"), Some(Value::Ip(Ipv6Addr::LOCALHOST.into())));
        assert_eq!(read(&six, "ip.id"), None);
        assert_eq!(read(&six, "ip.df"), None);
        assert_eq!(read(&six, "ip.fragment"), Some(Value::Bool(false)));

        let Net::V4(header) = v4() else { panic!("an IPv4 header") };
        let first = Ipv4 { flags: 0b001, fragment_offset: 3, ..header };
        let part = Packet { net: Net::V4(first), ..Packet::default() };
        let part = view(&part, &[]);
        assert_eq!(read(&part, "ip.fragment_offset"), Some(Value::Int(24)));
        assert_eq!(read(&part, "ip.mf"), Some(Value::Bool(true)));
        assert_eq!(read(&part, "ip.fragment"), Some(Value::Bool(true)));

        let part =
            Packet { net: v6(Some(Ipv6Fragment { id: 9, offset: 3, more: false })), ..Packet::default() };
        let part = view(&part, &[]);
        assert_eq!(read(&part, "ip.id"), Some(Value::Int(9)));
        assert_eq!(read(&part, "ip.fragment_offset"), Some(Value::Int(24)));
        assert_eq!(read(&part, "ip.fragment"), Some(Value::Bool(true)));
    }

    #[test]
    fn tags_are_read_outermost_first() {
        let packet = Packet { vlans: Vlans { count: 1, tci: [0xb00a, 0x0014, 0] }, ..Packet::default() };
        let one = view(&packet, &[]);
        assert_eq!(read(&one, "vlan.id"), Some(Value::Int(10)));
        assert_eq!(read(&one, "pkt.vlan"), Some(Value::Int(10)));
        assert_eq!(read(&one, "vlan.priority"), Some(Value::Int(5)));
        assert_eq!(read(&one, "vlan.dei"), Some(Value::Bool(true)));
        assert_eq!(read(&one, "vlan.inner.id"), None, "only one tag is there");
        let packet = Packet { vlans: Vlans { count: 2, ..packet.vlans }, ..packet };
        assert_eq!(read(&view(&packet, &[]), "vlan.inner.id"), Some(Value::Int(20)));
    }

    #[test]
    fn payload_never_leaves_the_bytes_that_are_there() {
        let udp = Udp { src_port: 1, dst_port: 2, len: 12 };
        let mut packet =
            Packet { transport: Transport::Udp(udp), payload_at: 2, payload_len: 4, ..Packet::default() };
        let bytes = [0, 1, 2, 3, 4, 5, 6, 7];
        assert_eq!(read(&view(&packet, &bytes), "pkt.payload"), Some(Value::Bytes(&[2, 3, 4, 5])));
        assert_eq!(read(&view(&packet, &[0, 1, 2]), "pkt.payload"), Some(Value::Bytes(&[2])));
        assert_eq!(read(&view(&packet, &[0]), "pkt.payload"), None);
        packet.transport = Transport::None;
        assert_eq!(read(&view(&packet, &bytes), "pkt.payload"), None);
    }

    #[test]
    fn only_an_echo_has_an_identifier() {
        let icmp = |net, kind| Packet {
            net,
            transport: Transport::Icmp(Icmp { kind, code: 0, id: 5, seq: 6 }),
            ..Packet::default()
        };
        for (packet, id) in [
            (icmp(v4(), 8), Some(5)),
            (icmp(v4(), 128), None),
            (icmp(v6(None), 128), Some(5)),
            (icmp(v6(None), 8), None),
        ] {
            assert_eq!(read(&view(&packet, &[]), "icmp.id"), id.map(Value::Int));
        }
    }

    #[test]
    fn outer_is_the_packet_right_around() {
        let carried = |craft: Craft| craft.ipv6(1, 2).geneve(77).ipv4([1; 4], [2; 4]).udp(3, 4).build();
        let bytes = carried(Craft::ethernet().vlan(5).ipv4([10; 4], [11; 4]).gre(None));
        let (packet, undecodable) = Packet::decode(LinkType::Ethernet, &bytes, 60);
        assert_eq!(undecodable, None);
        let inner = view(&packet, &bytes);
        assert_eq!(read(&inner, "ip.src"), Some(Value::Ip(IpAddr::from([1; 4]))));
        assert_eq!(read(&inner, "outer.src"), Some(Value::Ip(Ipv6Addr::from(1).into())));
        assert_eq!(read(&inner, "outer.dst"), Some(Value::Ip(Ipv6Addr::from(2).into())));
        assert_eq!(read(&inner, "outer.proto"), Some(Value::Int(17)));
        assert_eq!(read(&inner, "outer.dst.port"), Some(Value::Int(6081)));
        assert_eq!(read(&inner, "outer.depth"), Some(Value::Int(2)));
        assert_eq!(read(&inner, "outer.tunnel"), Some(Value::Int(4)));
        assert_eq!(read(&inner, "outer.network"), Some(Value::Int(77)));
        assert_eq!(read(&inner, "vlan.id"), Some(Value::Int(5)));

        let bytes = Craft::raw().ipv4([10; 4], [11; 4]).gre(7).ipv4([1; 4], [2; 4]).udp(3, 4).build();
        let (packet, _) = Packet::decode(LinkType::RawIp, &bytes, 60);
        let inner = view(&packet, &bytes);
        assert_eq!(read(&inner, "outer.proto"), Some(Value::Int(47)));
        assert_eq!(read(&inner, "outer.network"), None, "a key is no network");
        assert_eq!(read(&inner, "outer.dst.port"), None, "GRE has none");

        let reassembled = Packet { tunnels: packet.tunnels.without_places(), ..packet };
        let inner = view(&reassembled, &bytes);
        assert_eq!((read(&inner, "outer.src"), read(&inner, "outer.depth")), (None, Some(Value::Int(1))));
    }

    #[test]
    fn every_tunnel_has_its_name() {
        for tunnel in Tunnel::ALL {
            let names = TUNNELS.names.iter().filter(|(_, number)| *number == tunnel as i64).count();
            assert_eq!(names, 1, "{}", tunnel.name());
        }
    }

    #[test]
    fn a_packet_of_nothing_has_only_its_length() {
        let packet = Packet::default();
        let nothing = view(&packet, &[]);
        let present: Vec<_> =
            FIELDS.iter().filter(|field| (field.read)(&nothing).is_some()).map(|field| field.name).collect();
        assert_eq!(present, ["pkt.len"]);
    }

    #[test]
    fn values_are_of_the_kind_that_is_declared() {
        let macs = Some((Mac([1; 6]), Mac([2; 6])));
        let party = (Mac([1; 6]), Ipv4Addr::LOCALHOST);
        let arp = Arp { operation: 1, sender: party, target: party };
        let tcp = Tcp {
            src_port: u16::MAX,
            dst_port: u16::MAX,
            seq: u32::MAX,
            ack: u32::MAX,
            flags: Flags::all(),
            window: u16::MAX,
            urgent: u16::MAX,
            header_len: 60,
        };
        let vlans = Vlans { count: 2, tci: [u16::MAX; 3] };
        let base = Packet { macs, vlans, ethertype: u16::MAX, ..Packet::default() };
        let packets = [
            Packet { net: Net::Arp(arp), ..base },
            Packet { net: v4(), transport: Transport::Tcp(tcp), ..base },
            Packet {
                net: v6(None),
                transport: Transport::Icmp(Icmp { kind: 128, code: 255, id: 1, seq: 1 }),
                ..base
            },
            Packet {
                net: v6(Some(Ipv6Fragment { id: u32::MAX, offset: 0x1fff, more: true })),
                transport: Transport::Udp(Udp { src_port: 1, dst_port: 1, len: u16::MAX }),
                ..base
            },
        ];
        let tunnelled =
            Craft::ethernet().ipv4([10; 4], [11; 4]).vxlan(0xff_ffff).ipv4([1; 4], [2; 4]).udp(1, 2).build();
        let (inner, _) = Packet::decode(LinkType::Ethernet, &tunnelled, 60);
        let packets = packets.iter().map(|packet| (packet, &[1, 2, 3][..])).chain([(&inner, &tunnelled[..])]);
        for field in FIELDS {
            let mut seen = false;
            for (packet, bytes) in packets.clone() {
                let view = view(packet, bytes);
                let Some(value) = (field.read)(&view) else { continue };
                seen = true;
                let fits = match (field.kind, value) {
                    (Kind::Unsigned(bits), Value::Int(value)) => (0..1_i64 << bits).contains(&value),
                    (Kind::Int | Kind::Enum(_), Value::Int(_))
                    | (Kind::Bool, Value::Bool(_))
                    | (Kind::Bytes, Value::Bytes(_))
                    | (Kind::Ip, Value::Ip(_))
                    | (Kind::Mac, Value::Mac(_)) => true,
                    _ => false,
                };
                assert!(fits, "{} read {value:?}", field.name);
            }
            assert!(seen, "{} is in none of the packets", field.name);
        }
    }
}
