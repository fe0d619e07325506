//! Events for tests, each with every part filled.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Eve;
use crate::anomaly::Anomaly;
use crate::dissect::Record;
use crate::flow::record::Direction;
use crate::flow::{EndReason, FiveTuple, FlowRecord, FlowState, MacLists, Outer, TcpState};
use crate::rules::RuleMeta;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::Mac;
use crate::wire::packet::{Arp, Icmp, Ipv4, Ipv6, Net, Packet, Tcp, Transport, Udp, Vlans};
use crate::wire::tcp::Flags;
use crate::wire::tunnel::Tunnel;
use crate::worker::event::{Alert, Anomalous, AppEvent, Dropped, Event, FlowEnd, PacketContext, Stats};

/// 2026-11-21 09:05:00.123456 UTC.
const START: Timestamp = Timestamp::from_secs_micros(1_795_251_900, 123_456);
const LATER: Timestamp = Timestamp::from_secs_micros(1_795_251_960, 0);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const PINGER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9);
const PINGED: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

pub(in crate::output) fn line(event: &Event) -> String {
    let mut out = Vec::new();
    Eve::default().line(event, &mut out);
    let line = String::from_utf8(out).unwrap();
    parse(&line);
    line
}

/// The line of what was said in [`tcp_flow`], by its client.
pub(super) fn app_line(record: Record) -> String {
    let told = AppEvent { context: context(tcp_packet()), direction: Direction::Up, record };
    line(&Event::App(Box::new(told)))
}

pub(in crate::output) fn parse(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

pub(in crate::output) fn one_of_each() -> [Event; 6] {
    [
        Event::Flow(Box::new(flow_end(tcp_flow()))),
        Event::Alert(Box::new(alert())),
        Event::Log(Box::new(alert())),
        Event::Drop(Box::new(dropped(tcp_packet()))),
        Event::Anomaly(Box::new(anomalous(tcp_packet()))),
        Event::Stats(Box::new(stats())),
    ]
}

/// The line of what was said by the server of [`tcp_flow`].
pub(super) fn app(record: Record) -> String {
    let context = PacketContext { flow: Some(tcp_flow()), ..context(tcp_packet()) };
    line(&Event::App(Box::new(AppEvent { context, direction: Direction::Down, record })))
}

pub(super) fn tcp_flow() -> FlowRecord {
    FlowRecord {
        id: 77,
        tuple: FiveTuple {
            client: IpAddr::V4(CLIENT),
            server: IpAddr::V4(SERVER),
            client_port: 40_000,
            server_port: 443,
            protocol: 6,
        },
        vlans: Vlans::default(),
        within: None,
        spi: None,
        start: START,
        last: Timestamp::from_secs_micros(1_795_251_902, 1),
        packets: [6, 5],
        bytes: [780, 4096],
        tcp_flags: [Flags::SYN | Flags::ACK | Flags::PSH | Flags::FIN, Flags::SYN | Flags::ACK | Flags::FIN],
        state: FlowState::Closed,
        tcp_state: Some(TcpState::Closed),
        midstream: false,
        verdict: Verdict::Accept,
        alerted: true,
        app_protos: [None; 2],
        app_proto_orig: None,
    }
}

pub(super) fn ping6_flow() -> FlowRecord {
    FlowRecord {
        id: 78,
        tuple: FiveTuple {
            client: IpAddr::V6(PINGER),
            server: IpAddr::V6(PINGED),
            client_port: 128,
            server_port: 0,
            protocol: 58,
        },
        last: START,
        packets: [1, 1],
        bytes: [118, 118],
        tcp_flags: [Flags::empty(); 2],
        state: FlowState::Established,
        tcp_state: None,
        alerted: false,
        ..tcp_flow()
    }
}

pub(super) fn flow_end(flow: FlowRecord) -> FlowEnd {
    FlowEnd { at: LATER, flow, reason: EndReason::Timeout, outer: None, macs: MacLists::default() }
}

const MACS: (Mac, Mac) = (Mac([2, 0, 0, 0, 0, 1]), Mac([0xff; 6]));

fn ipv4(protocol: u8) -> Ipv4 {
    Ipv4 {
        src: SERVER,
        dst: CLIENT,
        protocol,
        ttl: 63,
        tos: 0x10,
        id: 0x1234,
        total_len: 60,
        header_len: 20,
        flags: 2,
        fragment_offset: 0,
    }
}

/// The server's answer to the first packet of [`tcp_flow`].
pub(super) fn tcp_packet() -> Packet {
    let tcp = Tcp {
        src_port: 443,
        dst_port: 40_000,
        seq: 0x1234_5678,
        ack: 7,
        flags: Flags::SYN | Flags::ACK,
        window: 64_240,
        urgent: 0,
        header_len: 40,
    };
    Packet {
        macs: Some(MACS),
        ethertype: 0x0800,
        net: Net::V4(ipv4(6)),
        transport: Transport::Tcp(tcp),
        ..Packet::default()
    }
}

pub(super) fn udp_packet() -> Packet {
    let udp = Udp { src_port: 5353, dst_port: 53, len: 40 };
    Packet { net: Net::V4(ipv4(17)), transport: Transport::Udp(udp), ..tcp_packet() }
}

pub(super) fn ping6_packet() -> Packet {
    let ip = Ipv6 {
        src: PINGER,
        dst: PINGED,
        protocol: 58,
        hop_limit: 64,
        traffic_class: 8,
        flow_label: 0x1_2345,
        payload_len: 64,
        fragment: None,
    };
    let icmp = Icmp { kind: 128, code: 0, id: 9, seq: 1 };
    Packet { ethertype: 0x86dd, net: Net::V6(ip), transport: Transport::Icmp(icmp), ..tcp_packet() }
}

pub(super) fn arp_packet() -> Packet {
    let arp = Arp {
        operation: 1,
        sender: (Mac([2, 0, 0, 0, 0, 1]), CLIENT),
        target: (Mac::default(), Ipv4Addr::new(10, 0, 0, 1)),
    };
    Packet { macs: Some(MACS), ethertype: 0x0806, net: Net::Arp(arp), ..Packet::default() }
}

fn context(packet: Packet) -> PacketContext {
    PacketContext {
        at: START,
        interface: "eth1".into(),
        packet,
        wire_len: 74,
        flow: Some(tcp_flow()),
        direction: Direction::Down,
        capture_number: None,
        outer: None,
    }
}

/// A tunnel of this kind, over UDP.
pub(super) fn outer(kind: Tunnel) -> Outer {
    Outer {
        kind,
        src: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1)),
        dst: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 2)),
        ports: Some((50_000, 4789)),
        network: 77,
        parent: Some(5),
    }
}

pub(super) fn anomalous(packet: Packet) -> Anomalous {
    Anomalous { context: context(packet), anomaly: Anomaly::TcpOptInvalidLen }
}

fn rule() -> RuleMeta {
    RuleMeta { id: 1001, name: "ssh from outside".into(), severity: 1, tags: vec!["policy".into()] }
}

pub(in crate::output) fn alert() -> Alert {
    Alert {
        context: context(tcp_packet()),
        rule: rule().into(),
        message: "SSH from 192.0.2.7".into(),
        verdict: Verdict::Reject,
    }
}

/// What stands under a key at the end of the line of what an application protocol
/// said, as it is written.
pub(super) fn app_object(record: Record, key: &str) -> String {
    let line = app_line(record);
    let (_, object) = line.split_once(&format!("\"{key}\":")).unwrap();
    object.strip_suffix("}\n").unwrap().to_owned()
}

pub(super) fn dropped(packet: Packet) -> Dropped {
    Dropped { context: context(packet), rule: Some(rule().into()), verdict: Verdict::Drop, reason: "rule" }
}

pub(in crate::output) fn stats() -> Stats {
    let counters = [
        ("decoder.pkts", 10),
        ("flow.active", 2),
        ("decoder.bytes", 999),
        ("rules.hits.ssh v1.2 from outside", 3),
    ];
    Stats {
        at: LATER,
        since: START,
        counters: counters.map(|(name, value)| (name.to_owned(), value)).to_vec(),
    }
}
