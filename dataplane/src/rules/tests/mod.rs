//! Tests of the whole way, from text to judgement.

mod diagnostics;
mod docs;
mod judgement;
mod oracle;
mod truth;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::{Facts, Reaction, RuleMeta, RuleSet};
use crate::event::EventKind;
use crate::flow::fields::FlowView;
use crate::flow::{FiveTuple, FlowRecord, FlowState};
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::fields::PacketView;
use crate::wire::packet::{Icmp, Ipv4, Ipv6, Net, Packet, Tcp, Transport, Tunnels, Udp, Vlans};
use crate::wire::tcp::Flags;
use crate::wire::{Mac, packet};

/// Keeps all that rules say.
#[derive(Debug, Default)]
struct Recorder {
    hits: Vec<usize>,
    alerts: Vec<String>,
    logs: Vec<String>,
}

impl Reaction for Recorder {
    fn hit(&mut self, rule: usize) {
        self.hits.push(rule);
    }

    fn alert(&mut self, _: &Arc<RuleMeta>, message: String) {
        self.alerts.push(message);
    }

    fn log(&mut self, _: &Arc<RuleMeta>, message: String) {
        self.logs.push(message);
    }
}

const MACS: Option<(Mac, Mac)> = Some((Mac([2, 0, 0x5e, 0x10, 0, 1]), Mac([0xff; 6])));

const TCP: Tcp = Tcp {
    src_port: 40_000,
    dst_port: 22,
    seq: 1_000,
    ack: 0,
    flags: Flags::SYN,
    window: 64_240,
    urgent: 0,
    header_len: 20,
};

const V4: Ipv4 = Ipv4 {
    src: Ipv4Addr::new(192, 0, 2, 7),
    dst: Ipv4Addr::new(10, 1, 1, 1),
    protocol: 6,
    ttl: 64,
    tos: 0,
    id: 77,
    total_len: 46,
    header_len: 20,
    flags: 0b010,
    fragment_offset: 0,
};

const V6: Ipv6 = Ipv6 {
    src: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7),
    dst: Ipv6Addr::LOCALHOST,
    protocol: 17,
    hop_limit: 1,
    traffic_class: 0,
    flow_label: 5,
    payload_len: 20,
    fragment: None,
};

/// A SYN to port 22 with the payload `GET /Admin`.
const SYN: Packet = Packet {
    macs: MACS,
    vlans: Vlans { count: 0, tci: [0; 3] },
    tunnels: Tunnels::NONE,
    ethertype: 0x0800,
    net: Net::V4(V4),
    transport: Transport::Tcp(TCP),
    net_at: 0,
    transport_at: 0,
    payload_at: 0,
    payload_len: 10,
};

/// A DNS query over IPv6.
const DNS: Packet = Packet {
    ethertype: 0x86dd,
    net: Net::V6(V6),
    transport: Transport::Udp(Udp { src_port: 5_353, dst_port: 53, len: 18 }),
    ..SYN
};

/// An ARP request: neither IP nor a transport.
const ARP: Packet = Packet {
    ethertype: 0x0806,
    net: Net::Arp(packet::Arp {
        operation: 1,
        sender: (Mac([1; 6]), Ipv4Addr::new(10, 0, 0, 1)),
        target: (Mac([0; 6]), Ipv4Addr::new(10, 0, 0, 2)),
    }),
    transport: Transport::None,
    ..SYN
};

/// An ICMP echo request.
const PING: Packet = Packet { transport: Transport::Icmp(Icmp { kind: 8, code: 0, id: 9, seq: 1 }), ..SYN };

const PAYLOAD: &[u8] = b"GET /Admin";

/// An established SSH flow, 90 seconds old.
fn flow() -> FlowView {
    let record = FlowRecord {
        id: 1,
        tuple: FiveTuple {
            client: V4.src.into(),
            server: V4.dst.into(),
            client_port: 40_000,
            server_port: 22,
            protocol: 6,
        },
        vlans: Vlans::default(),
        within: None,
        spi: None,
        start: Timestamp::from_secs_micros(10, 0),
        last: Timestamp::from_secs_micros(99, 0),
        packets: [3, 4],
        bytes: [300, 400],
        tcp_flags: [Flags::SYN, Flags::SYN],
        state: FlowState::Established,
        tcp_state: None,
        midstream: false,
        verdict: Verdict::Accept,
        alerted: false,
        app_protos: [None; 2],
        app_proto_orig: None,
    };
    FlowView { record, now: Timestamp::from_secs_micros(100, 0) }
}

fn facts(packet: &Packet) -> Facts<'_> {
    let view = PacketView { packet, bytes: PAYLOAD, wire_len: 60, at: Timestamp::ZERO };
    Facts { packet: Some(view), flow: None, app: None }
}

/// Rules that must be right, and their warnings.
fn load(text: &str) -> (RuleSet, Vec<String>) {
    match RuleSet::from_source("t.rhai", text) {
        Ok(loaded) => (loaded.rules, loaded.warnings.into_iter().map(|warning| warning.message).collect()),
        Err(errors) => unreachable!("{text}\n{errors}"),
    }
}

/// Whether a condition on packets holds.
fn holds(condition: &str, facts: &Facts<'_>) -> bool {
    let (rules, _) = load(&format!("rule \"r\" on packet when {condition} {{ accept(); }}"));
    rules.judge(EventKind::Packet, facts, &mut Recorder::default()).verdict.is_some()
}
