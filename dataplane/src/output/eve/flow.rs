//! `flow`: a flow at its end, and what other lines say of the flow they are in.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Eve;
use super::head::{Shown, flow_id, is_icmp, of_flow, write_community_id, write_ends, write_spi, write_vlans};
use super::tunnel::Around;
use crate::app_proto::AppProto;
use crate::flow::{EndReason, FlowRecord, FlowState, MacList, MacLists};
use crate::output::community_id::answer;
use crate::output::iso::Iso;
use crate::output::protocol::TCP;
use crate::verdict::Verdict;
use crate::wire::Mac;
use crate::wire::tcp::Flags;
use crate::worker::event::FlowEnd;

/// Writes a `flow` line. Its time is when the end was found; the packets' own
/// times are in `flow.start` and `flow.end`.
pub(super) fn write<M: SerializeMap>(map: &mut M, eve: Eve, end: &FlowEnd) -> Result<(), M::Error> {
    let flow = &end.flow;
    let ends = of_flow(&flow.tuple);
    map.serialize_entry("timestamp", &Iso(end.at))?;
    map.serialize_entry("flow_id", &flow_id(flow.id))?;
    if let Some(parent) = end.outer.as_ref().and_then(|outer| outer.parent) {
        map.serialize_entry("parent_id", &flow_id(parent))?;
    }
    map.serialize_entry("event_type", "flow")?;
    write_vlans(map, flow.vlans)?;
    write_ends(map, &ends)?;
    write_spi(map, flow.spi)?;
    let [_, packets_down] = flow.packets;
    if is_icmp(&ends)
        && packets_down > 0
        && let Some(answer) = answer(ends.protocol, flow.tuple.client_port)
    {
        map.serialize_entry("response_icmp_type", &answer)?;
        // Every message that answers another has the code 0.
        map.serialize_entry("response_icmp_code", &0)?;
    }
    write_app_proto(map, flow)?;
    if eve.ethernet {
        write_macs(map, &end.macs)?;
    }
    map.serialize_entry("flow", &Ended(end))?;
    write_community_id(map, eve, Some(ends))?;
    if flow.tuple.protocol == TCP {
        map.serialize_entry("tcp", &TcpSession(flow))?;
    }
    match &end.outer {
        Some(outer) => {
            let depth = flow.within.map_or(1, |within| within.depth);
            map.serialize_entry("tunnel", &Around::new(outer, ends.src.is_ipv6(), depth.into()))
        }
        None => Ok(()),
    }
}

/// Writes what a flow speaks, what one side speaks where that is something
/// else, and what they spoke before. Of a flow without a byte of payload nothing is said.
fn write_app_proto<M: SerializeMap>(map: &mut M, flow: &FlowRecord) -> Result<(), M::Error> {
    let [up, down] = flow.app_protos;
    let known = |side: Option<AppProto>| side.filter(|&one| one != AppProto::Failed);
    let Some(main) = known(up).or(known(down)).or(up).or(down) else { return Ok(()) };
    map.serialize_entry("app_proto", main.name())?;
    for (side, name) in [(up, "app_proto_ts"), (down, "app_proto_tc")] {
        if let Some(other) = side.filter(|&side| side != main) {
            map.serialize_entry(name, other.name())?;
        }
    }
    match flow.app_proto_orig.filter(|&orig| orig != main) {
        Some(orig) => map.serialize_entry("app_proto_orig", orig.name()),
        None => Ok(()),
    }
}

/// Writes the Ethernet addresses between which the packets of a flow went; those
/// of the client are `src_macs`, whichever way a packet went.
fn write_macs<M: SerializeMap>(map: &mut M, [client, server]: &MacLists) -> Result<(), M::Error> {
    #[derive(Serialize)]
    struct Ether {
        dest_macs: Vec<Shown<Mac>>,
        src_macs: Vec<Shown<Mac>>,
    }
    let shown = |list: &MacList| list.as_slice().iter().copied().map(Shown).collect::<Vec<_>>();
    let ether = Ether { dest_macs: shown(server), src_macs: shown(client) };
    if ether.src_macs.is_empty() { Ok(()) } else { map.serialize_entry("ether", &ether) }
}

/// The counters of a flow, as they are within `flow` wherever it stands.
pub(super) fn write_counters<M: SerializeMap>(map: &mut M, flow: &FlowRecord) -> Result<(), M::Error> {
    let ([packets_up, packets_down], [bytes_up, bytes_down]) = (flow.packets, flow.bytes);
    map.serialize_entry("pkts_toserver", &packets_up)?;
    map.serialize_entry("pkts_toclient", &packets_down)?;
    map.serialize_entry("bytes_toserver", &bytes_up)?;
    map.serialize_entry("bytes_toclient", &bytes_down)?;
    map.serialize_entry("start", &Iso(flow.start))
}

/// `flow` of a `flow` line.
struct Ended<'a>(&'a FlowEnd);

impl Serialize for Ended<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(FlowEnd { flow, reason, .. }) = self;
        let mut map = serializer.serialize_map(None)?;
        write_counters(&mut map, flow)?;
        map.serialize_entry("end", &Iso(flow.last))?;
        // Whole seconds from second to second, as Suricata counts.
        map.serialize_entry("age", &flow.last.as_secs().saturating_sub(flow.start.as_secs()))?;
        if flow.verdict == Verdict::Bypass {
            map.serialize_entry("state", "bypassed")?;
            map.serialize_entry("bypass", "local")?;
        } else {
            map.serialize_entry("state", state(flow.state))?;
        }
        map.serialize_entry("reason", reason_word(*reason))?;
        map.serialize_entry("alerted", &flow.alerted)?;
        if !flow.verdict.passes() {
            map.serialize_entry("action", "drop")?;
        }
        map.end()
    }
}

/// The word for the state of a flow of any protocol. A connection that is
/// closing is established, as in Suricata: it still carries data.
const fn state(state: FlowState) -> &'static str {
    match state {
        FlowState::New => "new",
        FlowState::Established | FlowState::Closing => "established",
        FlowState::Closed => "closed",
    }
}

/// The word for the end of a flow. `tcp_reuse` is Suricata 8's; version 7 has
/// no word for it.
const fn reason_word(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Timeout => "timeout",
        EndReason::Evicted => "forced",
        EndReason::Shutdown => "shutdown",
        EndReason::Reused => "tcp_reuse",
    }
}

/// `tcp` of a `flow` line.
struct TcpSession<'a>(&'a FlowRecord);

impl Serialize for TcpSession<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const NAMES: [(Flags, &str); 8] = [
            (Flags::SYN, "syn"),
            (Flags::FIN, "fin"),
            (Flags::RST, "rst"),
            (Flags::PSH, "psh"),
            (Flags::ACK, "ack"),
            (Flags::URG, "urg"),
            (Flags::ECE, "ecn"),
            (Flags::CWR, "cwr"),
        ];
        let Self(flow) = self;
        let [up, down] = flow.tcp_flags;
        let both = up | down;
        let hex = |flags: Flags| Shown(Hex(flags.bits()));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("tcp_flags", &hex(both))?;
        map.serialize_entry("tcp_flags_ts", &hex(up))?;
        map.serialize_entry("tcp_flags_tc", &hex(down))?;
        for (flag, name) in NAMES {
            if both.contains(flag) {
                map.serialize_entry(name, &true)?;
            }
        }
        if let Some(state) = flow.tcp_state {
            map.serialize_entry("state", state.name())?;
        }
        if flow.midstream {
            map.serialize_entry("midstream", &true)?;
        }
        map.end()
    }
}

/// Two hexadecimal digits.
struct Hex(u8);

impl std::fmt::Display for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::flow::TcpState;
    use crate::flow::key::Within;
    use crate::output::eve::sample;
    use crate::wire::packet::Vlans;
    use crate::wire::tunnel::Tunnel;
    use crate::worker::event::Event;

    fn line(end: FlowEnd) -> String {
        sample::line(&Event::Flow(Box::new(end)))
    }

    #[test]
    fn tcp_over_ipv4() {
        assert_eq!(
            line(sample::flow_end(sample::tcp_flow())),
            concat!(
                r#"{"timestamp":"2026-11-21T09:06:00.000000+0000","flow_id":77,"event_type":"flow","#,
                r#""src_ip":"10.0.0.9","src_port":40000,"dest_ip":"192.0.2.7","dest_port":443,"proto":"TCP","#,
                r#""flow":{"pkts_toserver":6,"pkts_toclient":5,"bytes_toserver":780,"bytes_toclient":4096,"#,
                r#""start":"2026-11-21T09:05:00.123456+0000","end":"2026-11-21T09:05:02.000001+0000","age":2,"#,
                r#""state":"closed","reason":"timeout","alerted":true},"#,
                r#""community_id":"1:i8bvpYpy+holUxQTnYJUY8chwhY=","#,
                r#""tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"13","syn":true,"fin":true,"#,
                r#""psh":true,"ack":true,"state":"closed"}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn ping_over_ipv6_in_two_vlans() {
        let mut end = sample::flow_end(sample::ping6_flow());
        end.flow.vlans = Vlans { count: 2, tci: [0xe064, 200, 0] };
        end.reason = EndReason::Shutdown;
        assert_eq!(
            line(end),
            concat!(
                r#"{"timestamp":"2026-11-21T09:06:00.000000+0000","flow_id":78,"event_type":"flow","vlan":[100,200],"#,
                r#""src_ip":"2001:db8::9","dest_ip":"2001:db8::1","proto":"IPv6-ICMP","icmp_type":128,"icmp_code":0,"#,
                r#""response_icmp_type":129,"response_icmp_code":0,"#,
                r#""flow":{"pkts_toserver":1,"pkts_toclient":1,"bytes_toserver":118,"bytes_toclient":118,"#,
                r#""start":"2026-11-21T09:05:00.123456+0000","end":"2026-11-21T09:05:00.123456+0000","age":0,"#,
                r#""state":"established","reason":"shutdown","alerted":false},"#,
                r#""community_id":"1:hQiq3bYCRxwGBxMh6mQ6xHiSIzk="}"#,
                "\n"
            )
        );
    }

    #[test]
    fn an_unanswered_ping_has_no_response() {
        let mut flow = sample::ping6_flow();
        flow.packets = [1, 0];
        let line = sample::parse(&line(sample::flow_end(flow)));
        assert_eq!(line.get("response_icmp_type"), None);
    }

    #[test]
    fn a_verdict_on_the_flow_is_told() {
        let told = |verdict| {
            let mut flow = sample::tcp_flow();
            flow.verdict = verdict;
            let line = sample::parse(&line(sample::flow_end(flow)));
            [line["flow"]["state"].clone(), line["flow"]["action"].clone()]
        };
        assert_eq!(told(Verdict::Accept), ["closed".into(), serde_json::Value::Null]);
        assert_eq!(told(Verdict::Bypass), ["bypassed".into(), serde_json::Value::Null]);
        assert_eq!(told(Verdict::Drop), ["closed", "drop"]);
        assert_eq!(told(Verdict::Reject), ["closed", "drop"]);
    }

    #[test]
    fn every_end_has_its_word() {
        let told = |reason| {
            let end = FlowEnd { reason, ..sample::flow_end(sample::tcp_flow()) };
            sample::parse(&line(end))["flow"]["reason"].clone()
        };
        assert_eq!(told(EndReason::Timeout), "timeout");
        assert_eq!(told(EndReason::Evicted), "forced");
        assert_eq!(told(EndReason::Shutdown), "shutdown");
        assert_eq!(told(EndReason::Reused), "tcp_reuse");
    }

    #[test]
    fn a_connection_is_told_as_far_as_it_came() {
        let told = |state: FlowState, tcp_state| {
            let mut flow = sample::tcp_flow();
            (flow.state, flow.tcp_state) = (state, tcp_state);
            let line = sample::parse(&line(sample::flow_end(flow)));
            format!("{} {}", line["flow"]["state"], line["tcp"]["state"]).replace('"', "")
        };
        assert_eq!(told(FlowState::New, Some(TcpState::PickedUp)), "new none");
        assert_eq!(told(FlowState::New, Some(TcpState::SynReceived)), "new syn_recv");
        assert_eq!(told(FlowState::Closing, Some(TcpState::CloseWait)), "established close_wait");
        assert_eq!(told(FlowState::Closed, Some(TcpState::TimeWait)), "closed time_wait");
        assert_eq!(told(FlowState::New, None), "new null");
    }

    #[test]
    fn a_connection_picked_up_in_its_middle_says_so() {
        let told = |midstream| {
            let mut flow = sample::tcp_flow();
            flow.midstream = midstream;
            sample::parse(&line(sample::flow_end(flow)))["tcp"]["midstream"].clone()
        };
        assert_eq!((told(true), told(false)), (true.into(), serde_json::Value::Null));
    }

    #[test]
    fn what_a_flow_speaks_is_told_with_what_it_spoke_before() {
        let told = |app_protos, app_proto_orig| {
            let flow = FlowRecord { app_protos, app_proto_orig, ..sample::tcp_flow() };
            let line = sample::parse(&line(sample::flow_end(flow)));
            ["app_proto", "app_proto_ts", "app_proto_tc", "app_proto_orig"]
                .map(|key| line.get(key).and_then(serde_json::Value::as_str).unwrap_or("-").to_owned())
                .join(" ")
        };
        let (http, tls, failed) = (Some(AppProto::Http), Some(AppProto::Tls), Some(AppProto::Failed));
        assert_eq!(told([None, None], None), "- - - -");
        assert_eq!(told([http, None], None), "http - - -");
        assert_eq!(told([failed, http], None), "http failed - -");
        assert_eq!(told([tls, tls], http), "tls - - http");
        assert_eq!(told([tls, failed], tls), "tls - failed -");
    }

    #[test]
    fn an_association_of_esp_has_its_index() {
        let mut flow = sample::ping6_flow();
        (flow.tuple.protocol, flow.spi) = (50, Some(0x1122_3344));
        let line = sample::parse(&line(sample::flow_end(flow)));
        assert_eq!((&line["proto"], &line["spi"]), (&"ESP".into(), &0x1122_3344.into()));
        assert_eq!((line.get("src_port"), line.get("icmp_type")), (None, None));
    }

    #[test]
    fn sctp_has_ports_and_three_tags_are_three_ids() {
        let mut flow = sample::tcp_flow();
        (flow.tuple.protocol, flow.tcp_state) = (132, None);
        flow.vlans = Vlans { count: 3, tci: [1, 2, 0xf003] };
        let line = sample::parse(&line(sample::flow_end(flow)));
        assert_eq!((&line["proto"], &line["dest_port"]), (&"SCTP".into(), &443.into()));
        assert_eq!(line["vlan"].to_string(), "[1,2,3]");
        assert_eq!(line.get("tcp"), None);
    }

    #[test]
    fn a_flow_in_a_tunnel_tells_what_carries_it_and_in_which_flow() {
        let mut end = sample::flow_end(sample::ping6_flow());
        end.outer = Some(sample::outer(Tunnel::Geneve));
        end.flow.within = Some(Within { network: 77, depth: 2 });
        let line = sample::parse(&line(end));
        assert_eq!(line["parent_id"], 5);
        assert_eq!(
            line["tunnel"].to_string(),
            concat!(
                r#"{"depth":2,"dest_ip":"203.0.113.2","dest_port":4789,"network":77,"#,
                r#""proto":"UDP","src_ip":"203.0.113.1","src_port":50000}"#,
            )
        );
    }

    #[test]
    fn the_ethernet_addresses_of_both_sides_are_told() {
        let mac = |last| Mac([2, 0, 0, 0, 0, last]);
        let mut end = sample::flow_end(sample::tcp_flow());
        end.macs = [[mac(1), mac(2)].into_iter().collect(), [mac(0xfe)].into_iter().collect()];
        assert_eq!(
            sample::parse(&line(end))["ether"].to_string(),
            r#"{"dest_macs":["02:00:00:00:00:fe"],"src_macs":["02:00:00:00:00:01","02:00:00:00:00:02"]}"#
        );
        let without = sample::parse(&line(sample::flow_end(sample::tcp_flow())));
        assert_eq!(without.get("ether"), None);
    }

    #[test]
    fn a_flow_id_is_positive_also_for_readers_of_signed_numbers() {
        let mut flow = sample::tcp_flow();
        flow.id = u64::MAX;
        assert_eq!(sample::parse(&line(sample::flow_end(flow)))["flow_id"], i64::MAX);
    }
}
