//! What lines have in common: when, where, who, and which flow.

use std::net::IpAddr;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::{Eve, tunnel};
use crate::flow::record::Direction;
use crate::flow::{FiveTuple, FlowRecord};
use crate::output::community_id::{CommunityId, Ends};
use crate::output::iso::Iso;
use crate::output::protocol::{ICMP, ICMPV6, Protocol, SCTP, TCP, UDP};
use crate::wire::packet::{Net, Packet, Transport, Vlans};
use crate::worker::event::PacketContext;

/// Writes the common part of a line about a packet, up to its Community ID.
pub(super) fn write<M: SerializeMap>(
    map: &mut M,
    eve: Eve,
    event_type: &str,
    context: &PacketContext,
) -> Result<(), M::Error> {
    write_when(map, event_type, context)?;
    let flow_alone = flow_alone(context);
    let (vlans, ends) = match flow_alone {
        Some(flow) => (flow.vlans, Some(of_flow(&flow.tuple))),
        None => (context.packet.vlans, of_packet(&context.packet)),
    };
    write_vlans(map, vlans)?;
    match ends {
        Some(ends) => write_ends(map, &ends)?,
        None => write_other(map, &context.packet)?,
    }
    if let (None, Transport::Esp(esp)) = (flow_alone, context.packet.transport) {
        write_spi(map, Some(esp.spi))?;
    }
    if flow_alone.is_none() {
        map.serialize_entry("pkt_src", tunnel::source(context))?;
    }
    // The flow knows who opened it; of a packet alone, both ways look alike.
    let ends = context.flow.as_ref().map(|flow| of_flow(&flow.tuple)).or(ends);
    write_community_id(map, eve, ends)
}

/// Writes the common part of a line about what was said in a flow: its source is
/// who said it, whichever packet completed it.
pub(super) fn write_in_flow<M: SerializeMap>(
    map: &mut M,
    eve: Eve,
    event_type: &str,
    context: &PacketContext,
    direction: Direction,
) -> Result<(), M::Error> {
    write_when(map, event_type, context)?;
    let Some(flow) = &context.flow else { return Ok(()) };
    write_vlans(map, flow.vlans)?;
    let ends = of_flow(&flow.tuple);
    write_ends(map, &if direction == Direction::Up { ends } else { ends.reversed() })?;
    if let Some((src, dst)) = context.packet.macs.filter(|_| eve.ethernet) {
        let (src, dst) = if direction == context.direction { (src, dst) } else { (dst, src) };
        map.serialize_entry("ether", &Macs { src_mac: Shown(src), dest_mac: Shown(dst) })?;
    }
    if flow_alone(context).is_none() {
        map.serialize_entry("pkt_src", tunnel::source(context))?;
    }
    write_community_id(map, eve, Some(ends))
}

/// Writes when it was, in which flow, where, and what it is.
fn write_when<M: SerializeMap>(
    map: &mut M,
    event_type: &str,
    context: &PacketContext,
) -> Result<(), M::Error> {
    map.serialize_entry("timestamp", &Iso(context.at))?;
    if let Some(flow) = &context.flow {
        map.serialize_entry("flow_id", &flow_id(flow.id))?;
    }
    if let Some(parent) = context.outer.as_ref().and_then(|outer| outer.parent) {
        map.serialize_entry("parent_id", &flow_id(parent))?;
    }
    match context.capture_number {
        Some(number) => map.serialize_entry("pcap_cnt", &number)?,
        None if !context.interface.is_empty() => map.serialize_entry("in_iface", &*context.interface)?,
        None => {}
    }
    map.serialize_entry("event_type", event_type)
}

/// Writes what stands at the end of a line about a packet of a capture.
pub(super) fn write_capture<M: SerializeMap>(map: &mut M, context: &PacketContext) -> Result<(), M::Error> {
    match context.capture_number {
        Some(_) => map.serialize_entry("pcap_filename", &*context.interface),
        None => Ok(()),
    }
}

/// Writes which way the packet goes, if it goes in a flow.
pub(super) fn write_direction<M: SerializeMap>(map: &mut M, context: &PacketContext) -> Result<(), M::Error> {
    if context.flow.is_none() || flow_alone(context).is_some() {
        return Ok(());
    }
    let word = match context.direction {
        Direction::Up => "to_server",
        Direction::Down => "to_client",
    };
    map.serialize_entry("direction", word)
}

/// The flow, where it is all that the event is about: at its end there is no
/// packet.
fn flow_alone(context: &PacketContext) -> Option<&FlowRecord> {
    context.flow.as_ref().filter(|_| matches!(context.packet.net, Net::None))
}

/// The number of a flow, positive also where readers take it for signed.
pub(super) const fn flow_id(id: u64) -> u64 {
    id & i64::MAX as u64
}

/// The ends of a flow, the client first.
pub(super) fn of_flow(tuple: &FiveTuple) -> Ends {
    let ports = matches!(tuple.protocol, TCP | UDP | SCTP | ICMP | ICMPV6);
    Ends {
        src: tuple.client,
        dst: tuple.server,
        protocol: tuple.protocol,
        ports: ports.then_some((tuple.client_port, tuple.server_port)),
    }
}

/// The ends of a packet, the sender first; none if it is no IP packet.
pub(super) fn of_packet(packet: &Packet) -> Option<Ends> {
    let (src, dst, protocol) = match packet.net {
        Net::V4(ip) => (IpAddr::V4(ip.src), IpAddr::V4(ip.dst), ip.protocol),
        Net::V6(ip) => (IpAddr::V6(ip.src), IpAddr::V6(ip.dst), ip.protocol),
        Net::None | Net::Arp(_) => return None,
    };
    let ports = match packet.transport {
        Transport::Tcp(tcp) => Some((tcp.src_port, tcp.dst_port)),
        Transport::Udp(udp) => Some((udp.src_port, udp.dst_port)),
        Transport::Icmp(icmp) => Some((icmp.kind.into(), icmp.code.into())),
        Transport::Sctp(sctp) => Some((sctp.src_port, sctp.dst_port)),
        Transport::None | Transport::Fragment | Transport::Esp(_) | Transport::Other => None,
    };
    Some(Ends { src, dst, protocol, ports })
}

/// Whether type and code stand where others have ports.
pub(super) const fn is_icmp(ends: &Ends) -> bool {
    matches!(ends.protocol, ICMP | ICMPV6)
}

/// Writes addresses, ports, protocol, and the type and code of ICMP.
pub(super) fn write_ends<M: SerializeMap>(map: &mut M, ends: &Ends) -> Result<(), M::Error> {
    let (ports, icmp) = if is_icmp(ends) { (None, ends.ports) } else { (ends.ports, None) };
    map.serialize_entry("src_ip", &ends.src)?;
    if let Some((src_port, _)) = ports {
        map.serialize_entry("src_port", &src_port)?;
    }
    map.serialize_entry("dest_ip", &ends.dst)?;
    if let Some((_, dest_port)) = ports {
        map.serialize_entry("dest_port", &dest_port)?;
    }
    map.serialize_entry("proto", &Protocol(ends.protocol))?;
    if let Some((kind, code)) = icmp {
        map.serialize_entry("icmp_type", &kind)?;
        map.serialize_entry("icmp_code", &code)?;
    }
    Ok(())
}

/// Writes the association of ESP.
pub(super) fn write_spi<M: SerializeMap>(map: &mut M, spi: Option<u32>) -> Result<(), M::Error> {
    match spi {
        Some(spi) => map.serialize_entry("spi", &spi),
        None => Ok(()),
    }
}

/// What is known of a frame that is no IP packet.
fn write_other<M: SerializeMap>(map: &mut M, packet: &Packet) -> Result<(), M::Error> {
    if let Net::Arp(arp) = packet.net {
        map.serialize_entry("src_ip", &arp.sender.1)?;
        map.serialize_entry("dest_ip", &arp.target.1)?;
        map.serialize_entry("proto", "ARP")?;
    }
    if let Some((src, dst)) = packet.macs {
        let ether = LinkHeader { ether_type: packet.ethertype, src_mac: Shown(src), dest_mac: Shown(dst) };
        map.serialize_entry("ether", &ether)?;
    }
    Ok(())
}

/// Writes the VLAN ids, outermost first, without priorities.
pub(super) fn write_vlans<M: SerializeMap>(map: &mut M, vlans: Vlans) -> Result<(), M::Error> {
    if vlans.count == 0 { Ok(()) } else { map.serialize_entry("vlan", &VlanIds(vlans)) }
}

pub(super) fn write_community_id<M: SerializeMap>(
    map: &mut M,
    eve: Eve,
    ends: Option<Ends>,
) -> Result<(), M::Error> {
    match ends.filter(|_| eve.community_id).and_then(CommunityId::of) {
        Some(id) => map.serialize_entry("community_id", &id),
        None => Ok(()),
    }
}

struct VlanIds(Vlans);

impl Serialize for VlanIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The lower 12 bits of the tag control information.
        const VLAN_ID: u16 = 0x0fff;
        let Self(vlans) = self;
        let mut list = serializer.serialize_seq(None)?;
        for tci in vlans.tci.iter().take(vlans.count.into()) {
            list.serialize_element(&(tci & VLAN_ID))?;
        }
        list.end()
    }
}

#[derive(Serialize)]
struct Macs {
    src_mac: Shown<crate::wire::Mac>,
    dest_mac: Shown<crate::wire::Mac>,
}

#[derive(Serialize)]
struct LinkHeader {
    ether_type: u16,
    src_mac: Shown<crate::wire::Mac>,
    dest_mac: Shown<crate::wire::Mac>,
}

/// A value that serialises as it is shown.
pub(super) struct Shown<T>(pub(super) T);

impl<T: std::fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
