//! The fields that rules read from a flow: `flow.*`.
//!
//! Each row stands alone: name, type, doc and reader. A field that a flow has
//! not (ports of ICMP, the VLAN of an untagged flow) reads as `None`, and the
//! comparison around it is false.

use std::time::Duration;

use super::record::{Direction, FlowRecord, FlowState};
use super::tcp::TcpState;
use crate::event::{EnumNames, Field, Kind, Value, View};
use crate::time::Timestamp;
use crate::wire::fields::PROTOCOLS;

/// What rules see of a flow: its record, and the moment they look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowView {
    /// The flow as it stands.
    pub record: FlowRecord,
    /// The time of the event.
    pub now: Timestamp,
}

impl View for FlowView {
    type At<'a> = Self;
}

/// The states of a flow by name.
pub static FLOW_STATES: EnumNames = EnumNames {
    name: "flow state",
    names: &[
        ("NEW", FlowState::New as i64),
        ("ESTABLISHED", FlowState::Established as i64),
        ("CLOSING", FlowState::Closing as i64),
        ("CLOSED", FlowState::Closed as i64),
    ],
};

/// The states of a TCP connection by name.
pub static TCP_STATES: EnumNames = EnumNames {
    name: "TCP state",
    names: &[
        ("SYN_SENT", TcpState::SynSent as i64),
        ("SYN_RECV", TcpState::SynReceived as i64),
        ("PICKED_UP", TcpState::PickedUp as i64),
        ("ESTABLISHED", TcpState::Established as i64),
        ("FIN_WAIT1", TcpState::FinWait1 as i64),
        ("FIN_WAIT2", TcpState::FinWait2 as i64),
        ("CLOSE_WAIT", TcpState::CloseWait as i64),
        ("LAST_ACK", TcpState::LastAck as i64),
        ("CLOSING", TcpState::Closing as i64),
        ("TIME_WAIT", TcpState::TimeWait as i64),
        ("CLOSED", TcpState::Closed as i64),
        ("REFUSED", TcpState::Refused as i64),
    ],
};

/// Every `flow.*` field.
pub static FIELDS: &[Field<FlowView>] = &[
    Field {
        name: "flow.id",
        kind: Kind::Int,
        doc: "Number of the flow, unique while the gateway runs; the `flow_id` of events.",
        read: |view| Some(int(view.record.id)),
    },
    Field {
        name: "flow.proto",
        kind: Kind::Enum(&PROTOCOLS),
        doc: "IP protocol of the flow, such as TCP or ICMPV6.",
        read: |view| Some(Value::Int(i64::from(view.record.tuple.protocol))),
    },
    Field {
        name: "flow.client.ip",
        kind: Kind::Ip,
        doc: "Address of the side that opened the flow.",
        read: |view| Some(Value::Ip(view.record.tuple.client)),
    },
    Field {
        name: "flow.client.port",
        kind: Kind::Int,
        doc: "Port of the side that opened the flow; TCP and UDP only.",
        read: |view| port(view, view.record.tuple.client_port),
    },
    Field {
        name: "flow.server.ip",
        kind: Kind::Ip,
        doc: "Address of the side that was spoken to.",
        read: |view| Some(Value::Ip(view.record.tuple.server)),
    },
    Field {
        name: "flow.server.port",
        kind: Kind::Int,
        doc: "Port of the side that was spoken to; TCP and UDP only.",
        read: |view| port(view, view.record.tuple.server_port),
    },
    Field {
        name: "flow.vlan",
        kind: Kind::Int,
        doc: "VLAN id of the outermost tag, 0 to 4095; absent for untagged flows.",
        read: |view| {
            let [outer, ..] = view.record.vlans.tci;
            (view.record.vlans.count > 0).then(|| Value::Int(i64::from(outer & 0x0fff)))
        },
    },
    Field {
        name: "flow.packets",
        kind: Kind::Int,
        doc: "Packets so far, both ways, this one included.",
        read: |view| Some(both(view.record.packets)),
    },
    Field {
        name: "flow.packets.up",
        kind: Kind::Int,
        doc: "Packets so far from client to server.",
        read: |view| Some(one(view.record.packets, Direction::Up)),
    },
    Field {
        name: "flow.packets.down",
        kind: Kind::Int,
        doc: "Packets so far from server to client.",
        read: |view| Some(one(view.record.packets, Direction::Down)),
    },
    Field {
        name: "flow.bytes",
        kind: Kind::Int,
        doc: "Bytes on the wire so far, both ways, link headers included.",
        read: |view| Some(both(view.record.bytes)),
    },
    Field {
        name: "flow.bytes.up",
        kind: Kind::Int,
        doc: "Bytes on the wire so far from client to server, link headers included.",
        read: |view| Some(one(view.record.bytes, Direction::Up)),
    },
    Field {
        name: "flow.bytes.down",
        kind: Kind::Int,
        doc: "Bytes on the wire so far from server to client, link headers included.",
        read: |view| Some(one(view.record.bytes, Direction::Down)),
    },
    Field {
        name: "flow.age",
        kind: Kind::Duration,
        doc: "Time since the flow's first packet.",
        read: |view| Some(duration(view.now.since(view.record.start))),
    },
    Field {
        name: "flow.state",
        kind: Kind::Enum(&FLOW_STATES),
        doc: "How far the flow has come: NEW, ESTABLISHED, CLOSING or CLOSED.",
        read: |view| Some(Value::Int(view.record.state as i64)),
    },
    Field {
        name: "flow.midstream",
        kind: Kind::Bool,
        doc: "Whether the beginning of the TCP connection was not seen; TCP only.",
        read: |view| view.record.tcp_state.map(|_| Value::Bool(view.record.midstream)),
    },
    Field {
        name: "flow.spi",
        kind: Kind::Unsigned(32),
        doc: "Security parameters index; ESP only.",
        read: |view| view.record.spi.map(|spi| Value::Int(i64::from(spi))),
    },
    Field {
        name: "flow.tunnel.depth",
        kind: Kind::Unsigned(3),
        doc: "How many tunnels the flow travels in; 0 for one that travels plainly.",
        read: |view| Some(Value::Int(view.record.within.map_or(0, |within| i64::from(within.depth)))),
    },
    Field {
        name: "flow.tunnel.network",
        kind: Kind::Unsigned(24),
        doc: "Number of the innermost tunnel's network, as the VNI of VXLAN; absent for plain flows.",
        read: |view| view.record.within.map(|within| Value::Int(i64::from(within.network))),
    },
    Field {
        name: "flow.tcp.state",
        kind: Kind::Enum(&TCP_STATES),
        doc: "How far the TCP connection has come, such as SYN_SENT or CLOSE_WAIT; TCP only.",
        read: |view| view.record.tcp_state.map(|state| Value::Int(state as i64)),
    },
    Field {
        name: "flow.tcp.flags.up",
        kind: Kind::Int,
        doc: "TCP flags seen from client to server, or-ed (FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32).",
        read: |view| tcp_flags(view, Direction::Up),
    },
    Field {
        name: "flow.tcp.flags.down",
        kind: Kind::Int,
        doc: "TCP flags seen from server to client, or-ed (FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32).",
        read: |view| tcp_flags(view, Direction::Down),
    },
];

/// IP protocol number of TCP.
const TCP: u8 = 6;
/// IP protocol number of UDP.
const UDP: u8 = 17;

/// A counter as rules see it; it would take centuries to leave the range.
fn int(value: u64) -> Value<'static> {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn duration(value: Duration) -> Value<'static> {
    Value::Duration(u64::try_from(value.as_nanos()).unwrap_or(u64::MAX))
}

fn both([up, down]: [u64; 2]) -> Value<'static> {
    int(up.saturating_add(down))
}

fn one([up, down]: [u64; 2], direction: Direction) -> Value<'static> {
    int(match direction {
        Direction::Up => up,
        Direction::Down => down,
    })
}

fn port(view: &FlowView, port: u16) -> Option<Value<'static>> {
    matches!(view.record.tuple.protocol, TCP | UDP).then(|| Value::Int(i64::from(port)))
}

fn tcp_flags(view: &FlowView, direction: Direction) -> Option<Value<'static>> {
    let [up, down] = view.record.tcp_flags;
    let flags = match direction {
        Direction::Up => up,
        Direction::Down => down,
    };
    (view.record.tuple.protocol == TCP).then(|| Value::Int(i64::from(flags.bits())))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::flow::{FiveTuple, Within};
    use crate::verdict::Verdict;
    use crate::wire::packet::Vlans;
    use crate::wire::tcp::Flags;

    fn view(protocol: u8) -> FlowView {
        FlowView {
            record: FlowRecord {
                id: 7,
                tuple: FiveTuple {
                    client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
                    server: IpAddr::V4(Ipv4Addr::new(10, 1, 1, 1)),
                    client_port: 40_000,
                    server_port: 22,
                    protocol,
                },
                vlans: Vlans { count: 1, tci: [0xe00a, 0, 0] },
                within: Some(Within { network: 77, depth: 2 }),
                spi: Some(9),
                start: Timestamp::from_nanos(1_000),
                last: Timestamp::from_nanos(3_000),
                packets: [3, 2],
                bytes: [300, 2_000],
                tcp_flags: [Flags::SYN | Flags::ACK, Flags::SYN],
                state: FlowState::Established,
                tcp_state: Some(TcpState::Established),
                midstream: true,
                verdict: Verdict::Accept,
                alerted: false,
                app_protos: [None; 2],
                app_proto_orig: None,
            },
            now: Timestamp::from_nanos(4_000),
        }
    }

    fn read<'a>(view: &'a FlowView, name: &str) -> Option<Value<'a>> {
        let field = FIELDS.iter().find(|field| field.name == name);
        field.and_then(|field| (field.read)(view))
    }

    #[test]
    fn every_field_reads_what_its_name_says() {
        let view = view(TCP);
        let expected = [
            ("flow.id", Value::Int(7)),
            ("flow.proto", Value::Int(6)),
            ("flow.client.ip", Value::Ip(view.record.tuple.client)),
            ("flow.client.port", Value::Int(40_000)),
            ("flow.server.ip", Value::Ip(view.record.tuple.server)),
            ("flow.server.port", Value::Int(22)),
            ("flow.vlan", Value::Int(10)),
            ("flow.packets", Value::Int(5)),
            ("flow.packets.up", Value::Int(3)),
            ("flow.packets.down", Value::Int(2)),
            ("flow.bytes", Value::Int(2_300)),
            ("flow.bytes.up", Value::Int(300)),
            ("flow.bytes.down", Value::Int(2_000)),
            ("flow.age", Value::Duration(3_000)),
            ("flow.state", Value::Int(1)),
            ("flow.midstream", Value::Bool(true)),
            ("flow.spi", Value::Int(9)),
            ("flow.tunnel.depth", Value::Int(2)),
            ("flow.tunnel.network", Value::Int(77)),
            ("flow.tcp.state", Value::Int(4)),
            ("flow.tcp.flags.up", Value::Int(0x12)),
            ("flow.tcp.flags.down", Value::Int(0x02)),
        ];
        assert_eq!(expected.len(), FIELDS.len());
        for (name, value) in expected {
            assert_eq!(read(&view, name), Some(value), "{name}");
        }
    }

    #[test]
    fn what_a_flow_has_not_is_absent() {
        let mut view = view(1);
        view.record.vlans = Vlans::default();
        for name in
            ["flow.client.port", "flow.server.port", "flow.vlan", "flow.tcp.flags.up", "flow.tcp.flags.down"]
        {
            assert_eq!(read(&view, name), None, "{name}");
        }
    }

    #[test]
    fn names_are_unique_and_documented() {
        let names: HashSet<_> = FIELDS.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), FIELDS.len());
        assert!(FIELDS.iter().all(|field| field.name.starts_with("flow.") && field.doc.ends_with('.')));
    }

    #[test]
    fn every_value_is_of_its_declared_kind() {
        let view = view(TCP);
        for field in FIELDS {
            let value = (field.read)(&view);
            let fits = matches!(
                (field.kind, value),
                (Kind::Int | Kind::Unsigned(_) | Kind::Enum(_), Some(Value::Int(_)))
                    | (Kind::Bool, Some(Value::Bool(_)))
                    | (Kind::Ip, Some(Value::Ip(_)))
                    | (Kind::Duration, Some(Value::Duration(_)))
            );
            assert!(fits, "{}", field.name);
        }
    }
}
