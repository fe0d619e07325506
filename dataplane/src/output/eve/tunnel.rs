//! `tunnel`: what carries the packet that a line is about, or the flow.

use std::net::IpAddr;

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::flow::Outer;
use crate::output::protocol::{ETHER_IP, GRE, IP_IN_IP, IPV6, MPLS_IN_IP, Protocol, UDP};
use crate::wire::tunnel::Tunnel;
use crate::worker::event::PacketContext;

/// Where a packet came from that nothing carries, in Suricata's words.
const PLAIN: &str = "wire/pcap";

/// Writes `tunnel`, if there is one around the packet.
pub(super) fn write<M: SerializeMap>(map: &mut M, context: &PacketContext) -> Result<(), M::Error> {
    let Some(outer) = &context.outer else { return Ok(()) };
    let inner_is_v6 = context.packet.ip_pair().is_some_and(|(src, _)| src.is_ipv6());
    let depth = context.packet.tunnels.depth();
    let around = Around { pcap_cnt: context.capture_number, ..Around::new(outer, inner_is_v6, depth) };
    map.serialize_entry("tunnel", &around)
}

/// The word for where a packet came from: out of a tunnel, or plainly.
pub(super) fn source(context: &PacketContext) -> &'static str {
    context.outer.as_ref().map_or(PLAIN, |outer| match outer.kind {
        Tunnel::Ip if outer.src.is_ipv4() => "ipv4 tunnel",
        Tunnel::Ip => "ipv6 tunnel",
        Tunnel::Gre => "gre tunnel",
        Tunnel::Erspan => "erspan tunnel",
        Tunnel::Vxlan => "vxlan encapsulation",
        Tunnel::Geneve => "geneve encapsulation",
        Tunnel::GtpU => "gtp tunnel",
        Tunnel::Teredo => "teredo tunnel",
        Tunnel::L2tp => "l2tp tunnel",
        Tunnel::Capwap => "capwap tunnel",
        Tunnel::Ayiya => "ayiya tunnel",
        Tunnel::Mpls => "mpls tunnel",
        Tunnel::Ethernet => "ethernet tunnel",
    })
}

/// The protocol of the header that carries, which is not kept: it follows from
/// what it carries and how.
const fn protocol(outer: &Outer, inner_is_v6: bool) -> Protocol {
    Protocol(match outer.kind {
        _ if outer.ports.is_some() => UDP,
        Tunnel::Ip if inner_is_v6 => IPV6,
        Tunnel::Ip => IP_IN_IP,
        Tunnel::Gre | Tunnel::Erspan => GRE,
        Tunnel::Mpls => MPLS_IN_IP,
        Tunnel::Ethernet => ETHER_IP,
        Tunnel::Vxlan
        | Tunnel::Geneve
        | Tunnel::GtpU
        | Tunnel::Teredo
        | Tunnel::L2tp
        | Tunnel::Capwap
        | Tunnel::Ayiya => UDP,
    })
}

/// `tunnel`: the header around the innermost tunnel. Ports are 0 where it has
/// none, as Suricata has it.
#[derive(Serialize)]
pub(super) struct Around {
    src_ip: IpAddr,
    src_port: u16,
    dest_ip: IpAddr,
    dest_port: u16,
    proto: Protocol,
    /// How many tunnels are around, this one counted.
    depth: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_cnt: Option<u64>,
    /// Only where this header is the outermost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pkt_src: Option<&'static str>,
    /// The number of its network, where the tunnel has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<u32>,
}

impl Around {
    /// What is around a packet or flow of which is known whether it is IPv6,
    /// and how many tunnels are around it.
    pub(super) fn new(outer: &Outer, inner_is_v6: bool, depth: usize) -> Self {
        let (src_port, dest_port) = outer.ports.unwrap_or_default();
        Self {
            src_ip: outer.src,
            src_port,
            dest_ip: outer.dst,
            dest_port,
            proto: protocol(outer, inner_is_v6),
            depth: depth.max(1),
            pcap_cnt: None,
            pkt_src: (depth <= 1).then_some(PLAIN),
            network: outer.kind.has_network().then_some(outer.network),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::output::eve::sample;
    use crate::worker::event::{Anomalous, Event};

    fn told(outer: Option<Outer>, packet: crate::wire::Packet) -> serde_json::Value {
        let mut anomalous: Anomalous = sample::anomalous(packet);
        anomalous.context.outer = outer;
        sample::parse(&sample::line(&Event::Anomaly(Box::new(anomalous))))
    }

    #[test]
    fn a_packet_in_a_tunnel_tells_what_carries_it() {
        let line = told(Some(sample::outer(Tunnel::Vxlan)), sample::tcp_packet());
        assert_eq!(
            line["tunnel"].to_string(),
            concat!(
                r#"{"depth":1,"dest_ip":"203.0.113.2","dest_port":4789,"network":77,"pkt_src":"wire/pcap","#,
                r#""proto":"UDP","src_ip":"203.0.113.1","src_port":50000}"#,
            )
        );
        assert_eq!((&line["pkt_src"], &line["parent_id"]), (&"vxlan encapsulation".into(), &5.into()));
    }

    #[test]
    fn a_packet_that_nothing_carries_has_no_tunnel() {
        let line = told(None, sample::tcp_packet());
        assert_eq!((line.get("tunnel"), line.get("parent_id")), (None, None));
        assert_eq!(line["pkt_src"], "wire/pcap");
    }

    #[test]
    fn the_protocol_is_that_of_the_header_that_carries() {
        let told = |kind, packet| {
            let mut outer = sample::outer(kind);
            (outer.ports, outer.parent) = (None, None);
            let line = told(Some(outer), packet);
            assert_eq!((&line["tunnel"]["src_port"], line.get("parent_id")), (&0.into(), None));
            format!("{} {}", line["tunnel"]["proto"], line["pkt_src"]).replace('"', "")
        };
        assert_eq!(told(Tunnel::Ip, sample::tcp_packet()), "IP-in-IP ipv4 tunnel");
        assert_eq!(told(Tunnel::Ip, sample::ping6_packet()), "IPv6 ipv4 tunnel");
        assert_eq!(told(Tunnel::Gre, sample::ping6_packet()), "GRE gre tunnel");
        assert_eq!(told(Tunnel::Teredo, sample::ping6_packet()), "UDP teredo tunnel");
    }
}
