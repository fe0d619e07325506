//! `alert` and `log`: what rules say.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::head::{of_flow, write_capture, write_direction};
use super::{Eve, flow, head, tunnel};
use crate::flow::FlowRecord;
use crate::output::protocol::TCP;
use crate::rules::RuleMeta;
use crate::verdict::Verdict;
use crate::worker::event::{Alert, PacketContext};

/// Writes an `alert` line.
pub(super) fn write<M: SerializeMap>(map: &mut M, eve: Eve, alert: &Alert) -> Result<(), M::Error> {
    head::write(map, eve, "alert", &alert.context)?;
    map.serialize_entry("alert", &RuleSaid::new(&alert.rule, alert.verdict, Some(&alert.message)))?;
    write_direction(map, &alert.context)?;
    if let Some(flow) = &alert.context.flow {
        map.serialize_entry("flow", &Running(flow))?;
    }
    map.serialize_entry("verdict", &Judgement::new(alert.verdict, &alert.context))?;
    tunnel::write(map, &alert.context)?;
    write_capture(map, &alert.context)
}

/// Writes a `log` line.
pub(super) fn write_log<M: SerializeMap>(map: &mut M, eve: Eve, log: &Alert) -> Result<(), M::Error> {
    head::write(map, eve, "log", &log.context)?;
    let entry = LogEntry { rule: &log.rule.name, signature_id: log.rule.id, message: &log.message };
    map.serialize_entry("log", &entry)?;
    write_direction(map, &log.context)?;
    tunnel::write(map, &log.context)?;
    write_capture(map, &log.context)
}

/// `alert`: the rule.
#[derive(Serialize)]
pub(super) struct RuleSaid<'a> {
    action: &'static str,
    gid: u32,
    signature_id: u32,
    rev: u32,
    signature: &'a str,
    category: &'a str,
    severity: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    tags: &'a [String],
}

impl<'a> RuleSaid<'a> {
    pub(super) fn new(rule: &'a RuleMeta, verdict: Verdict, message: Option<&'a str>) -> Self {
        Self {
            action: if verdict.passes() { "allowed" } else { "blocked" },
            gid: 1,
            signature_id: rule.id,
            rev: 1,
            signature: &rule.name,
            category: "",
            severity: rule.severity,
            metadata: (!rule.tags.is_empty()).then_some(Metadata { tags: &rule.tags }),
            message,
        }
    }
}

/// `log`: what a rule noted.
#[derive(Serialize)]
struct LogEntry<'a> {
    rule: &'a str,
    signature_id: u32,
    message: &'a str,
}

/// `flow` of an alert: its counters so far, and its ends, the client first.
struct Running<'a>(&'a FlowRecord);

impl Serialize for Running<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(record) = self;
        let ends = of_flow(&record.tuple);
        let mut map = serializer.serialize_map(None)?;
        flow::write_counters(&mut map, record)?;
        map.serialize_entry("src_ip", &ends.src)?;
        map.serialize_entry("dest_ip", &ends.dst)?;
        if let Some((src_port, dest_port)) = ends.ports.filter(|_| !head::is_icmp(&ends)) {
            map.serialize_entry("src_port", &src_port)?;
            map.serialize_entry("dest_port", &dest_port)?;
        }
        map.end()
    }
}

/// `verdict`: what became of the packet. A reject is a drop that is told to
/// the sender in the way that `reject` names.
#[derive(Serialize)]
pub(super) struct Judgement {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reject: Option<[&'static str; 1]>,
}

impl Judgement {
    pub(super) fn new(verdict: Verdict, context: &PacketContext) -> Self {
        let of_flow = || context.flow.map(|flow| flow.tuple.protocol);
        let protocol = head::of_packet(&context.packet).map(|ends| ends.protocol).or_else(of_flow);
        let how = if protocol == Some(TCP) { "tcp-reset" } else { "icmp-prohib" };
        Self {
            action: match verdict {
                Verdict::Accept => "alert",
                Verdict::Bypass => "pass",
                Verdict::Drop | Verdict::Reject => "drop",
            },
            reject: (verdict == Verdict::Reject).then_some([how]),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::output::eve::sample;
    use crate::worker::event::Event;

    fn line(alert: Alert) -> String {
        sample::line(&Event::Alert(Box::new(alert)))
    }

    #[test]
    fn a_packet_of_a_flow() {
        assert_eq!(
            line(sample::alert()),
            concat!(
                r#"{"timestamp":"2026-11-21T09:05:00.123456+0000","flow_id":77,"in_iface":"eth1","event_type":"alert","#,
                r#""src_ip":"192.0.2.7","src_port":443,"dest_ip":"10.0.0.9","dest_port":40000,"proto":"TCP","#,
                r#""pkt_src":"wire/pcap","community_id":"1:i8bvpYpy+holUxQTnYJUY8chwhY=","#,
                r#""alert":{"action":"blocked","gid":1,"signature_id":1001,"rev":1,"signature":"ssh from outside","#,
                r#""category":"","severity":1,"metadata":{"tags":["policy"]},"message":"SSH from 192.0.2.7"},"#,
                r#""direction":"to_client","#,
                r#""flow":{"pkts_toserver":6,"pkts_toclient":5,"bytes_toserver":780,"bytes_toclient":4096,"#,
                r#""start":"2026-11-21T09:05:00.123456+0000","src_ip":"10.0.0.9","dest_ip":"192.0.2.7","#,
                r#""src_port":40000,"dest_port":443},"verdict":{"action":"drop","reject":["tcp-reset"]}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn the_end_of_a_flow_has_the_ends_of_the_flow_and_no_packet() {
        let mut alert = sample::alert();
        alert.context.packet = crate::wire::Packet::default();
        let told = sample::parse(&line(alert));
        assert_eq!(told["src_ip"], "10.0.0.9");
        assert_eq!(told["dest_port"], 443);
        assert_eq!(told["proto"], "TCP");
        assert_eq!(told["community_id"], "1:i8bvpYpy+holUxQTnYJUY8chwhY=");
        assert_eq!(told.get("direction"), None);
        assert_eq!(told.get("pkt_src"), None);
    }

    #[test]
    fn a_packet_of_a_capture_has_its_number_and_its_file() {
        let mut alert = sample::alert();
        alert.context.capture_number = Some(12);
        alert.context.interface = "x.pcap".into();
        let told = line(alert);
        assert!(told.contains(r#""flow_id":77,"pcap_cnt":12,"event_type""#), "{told}");
        assert!(told.ends_with(",\"pcap_filename\":\"x.pcap\"}\n"), "{told}");
    }

    #[test]
    fn what_passes_is_allowed() {
        let told = |verdict| {
            let told = sample::parse(&line(Alert { verdict, ..sample::alert() }));
            [told["alert"]["action"].clone(), told["verdict"]["action"].clone()]
        };
        assert_eq!(told(Verdict::Accept), ["allowed", "alert"]);
        assert_eq!(told(Verdict::Bypass), ["allowed", "pass"]);
        assert_eq!(told(Verdict::Drop), ["blocked", "drop"]);
    }

    #[test]
    fn a_packet_without_a_flow_has_neither_flow_nor_direction() {
        let mut alert = sample::alert();
        alert.context.flow = None;
        let told = sample::parse(&line(alert));
        for absent in ["flow", "flow_id", "direction"] {
            assert_eq!(told.get(absent), None);
        }
        assert_eq!(told["community_id"], "1:i8bvpYpy+holUxQTnYJUY8chwhY=");
    }

    #[test]
    fn a_rule_without_tags_has_no_metadata() {
        let mut alert = sample::alert();
        std::sync::Arc::make_mut(&mut alert.rule).tags.clear();
        assert_eq!(sample::parse(&line(alert))["alert"].get("metadata"), None);
    }

    #[test]
    fn a_note_is_a_line_of_its_own_type() {
        let told = sample::line(&Event::Log(Box::new(sample::alert())));
        assert!(told.contains(r#""event_type":"log""#), "{told}");
        assert!(
            told.ends_with(concat!(
                r#""log":{"rule":"ssh from outside","signature_id":1001,"message":"SSH from 192.0.2.7"},"#,
                r#""direction":"to_client"}"#,
                "\n"
            )),
            "{told}"
        );
    }
}
