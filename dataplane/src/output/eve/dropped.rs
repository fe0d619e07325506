//! `drop`: a packet that did not pass.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::alert::{Judgement, RuleSaid};
use super::head::{write_capture, write_direction};
use super::{Eve, head, tunnel};
use crate::wire::packet::{Net, Tcp, Transport};
use crate::wire::tcp::Flags;
use crate::worker::event::Dropped;

/// Writes a `drop` line, with the rule that decided under `alert`.
pub(super) fn write<M: SerializeMap>(map: &mut M, eve: Eve, dropped: &Dropped) -> Result<(), M::Error> {
    head::write(map, eve, "drop", &dropped.context)?;
    write_direction(map, &dropped.context)?;
    map.serialize_entry("drop", &Headers(dropped))?;
    map.serialize_entry("verdict", &Judgement::new(dropped.verdict, &dropped.context))?;
    if let Some(rule) = &dropped.rule {
        map.serialize_entry("alert", &RuleSaid::new(rule, dropped.verdict, None))?;
    }
    tunnel::write(map, &dropped.context)?;
    write_capture(map, &dropped.context)
}

/// `drop`: the headers, in the names that netfilter's log made customary.
struct Headers<'a>(&'a Dropped);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(dropped) = self;
        let packet = &dropped.context.packet;
        let mut map = serializer.serialize_map(None)?;
        match packet.net {
            Net::V4(ip) => {
                map.serialize_entry("len", &ip.total_len)?;
                map.serialize_entry("tos", &ip.tos)?;
                map.serialize_entry("ttl", &ip.ttl)?;
                map.serialize_entry("ipid", &ip.id)?;
            }
            Net::V6(ip) => {
                map.serialize_entry("len", &ip.payload_len)?;
                map.serialize_entry("tc", &ip.traffic_class)?;
                map.serialize_entry("hoplimit", &ip.hop_limit)?;
                map.serialize_entry("flowlbl", &ip.flow_label)?;
            }
            Net::None | Net::Arp(_) => map.serialize_entry("len", &dropped.context.wire_len)?,
        }
        match packet.transport {
            Transport::Tcp(tcp) => write_tcp(&mut map, &tcp)?,
            Transport::Udp(udp) => map.serialize_entry("udplen", &udp.len)?,
            Transport::Icmp(icmp) => {
                map.serialize_entry("icmp_id", &icmp.id)?;
                map.serialize_entry("icmp_seq", &icmp.seq)?;
            }
            Transport::None
            | Transport::Fragment
            | Transport::Sctp(_)
            | Transport::Esp(_)
            | Transport::Other => {}
        }
        map.serialize_entry("reason", reason(dropped.reason))?;
        map.end()
    }
}

fn write_tcp<M: SerializeMap>(map: &mut M, tcp: &Tcp) -> Result<(), M::Error> {
    const NAMES: [(&str, Flags); 6] = [
        ("syn", Flags::SYN),
        ("ack", Flags::ACK),
        ("psh", Flags::PSH),
        ("rst", Flags::RST),
        ("urg", Flags::URG),
        ("fin", Flags::FIN),
    ];
    map.serialize_entry("tcpseq", &tcp.seq)?;
    map.serialize_entry("tcpack", &tcp.ack)?;
    map.serialize_entry("tcpwin", &tcp.window)?;
    for (name, flag) in NAMES {
        map.serialize_entry(name, &tcp.flags.contains(flag))?;
    }
    map.serialize_entry("tcpurgp", &tcp.urgent)
}

/// Suricata's word for our reason, where it has one.
fn reason(word: &str) -> &str {
    match word {
        "rule" => "rules",
        "flow" => "flow drop",
        "malformed" => "decode error",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::output::eve::sample;
    use crate::wire::packet::Vlans;
    use crate::worker::event::Event;

    fn line(dropped: Dropped) -> String {
        sample::line(&Event::Drop(Box::new(dropped)))
    }

    #[test]
    fn tcp_over_ipv4_by_a_rule() {
        assert_eq!(
            line(sample::dropped(sample::tcp_packet())),
            concat!(
                r#"{"timestamp":"2026-11-21T09:05:00.123456+0000","flow_id":77,"in_iface":"eth1","event_type":"drop","#,
                r#""src_ip":"192.0.2.7","src_port":443,"dest_ip":"10.0.0.9","dest_port":40000,"proto":"TCP","#,
                r#""pkt_src":"wire/pcap","community_id":"1:i8bvpYpy+holUxQTnYJUY8chwhY=","direction":"to_client","#,
                r#""drop":{"len":60,"tos":16,"ttl":63,"ipid":4660,"tcpseq":305419896,"tcpack":7,"tcpwin":64240,"#,
                r#""syn":true,"ack":true,"psh":false,"rst":false,"urg":false,"fin":false,"tcpurgp":0,"reason":"rules"},"#,
                r#""verdict":{"action":"drop"},"#,
                r#""alert":{"action":"blocked","gid":1,"signature_id":1001,"rev":1,"signature":"ssh from outside","#,
                r#""category":"","severity":1,"metadata":{"tags":["policy"]}}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn ping_over_ipv6_in_a_vlan_by_default() {
        let mut dropped = sample::dropped(sample::ping6_packet());
        dropped.context.packet.vlans = Vlans { count: 1, tci: [0x2064, 0xffff, 0] };
        dropped.context.flow = None;
        (dropped.rule, dropped.reason) = (None, "default");
        assert_eq!(
            line(dropped),
            concat!(
                r#"{"timestamp":"2026-11-21T09:05:00.123456+0000","in_iface":"eth1","event_type":"drop","vlan":[100],"#,
                r#""src_ip":"2001:db8::9","dest_ip":"2001:db8::1","proto":"IPv6-ICMP","icmp_type":128,"icmp_code":0,"#,
                r#""pkt_src":"wire/pcap","community_id":"1:hQiq3bYCRxwGBxMh6mQ6xHiSIzk=","#,
                r#""drop":{"len":64,"tc":8,"hoplimit":64,"flowlbl":74565,"icmp_id":9,"icmp_seq":1,"reason":"default"},"#,
                r#""verdict":{"action":"drop"}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn udp_that_is_rejected_is_told_by_icmp() {
        let mut dropped = sample::dropped(sample::udp_packet());
        (dropped.verdict, dropped.reason) = (crate::verdict::Verdict::Reject, "flow");
        dropped.context.flow = None;
        let told = sample::parse(&line(dropped));
        assert_eq!(told["drop"]["udplen"], 40);
        assert_eq!(told["drop"]["reason"], "flow drop");
        assert_eq!(told["verdict"]["reject"], serde_json::json!(["icmp-prohib"]));
        assert_eq!(told["src_port"], 5353);
    }

    #[test]
    fn a_fragment_has_no_ports_and_the_community_id_of_its_flow() {
        let mut packet = sample::tcp_packet();
        packet.transport = Transport::Fragment;
        let told = sample::parse(&line(sample::dropped(packet)));
        assert_eq!(told["community_id"], "1:i8bvpYpy+holUxQTnYJUY8chwhY=");
        assert_eq!(told.get("src_port"), None);
    }

    #[test]
    fn a_fragment_without_a_flow_has_neither_ports_nor_community_id() {
        let mut packet = sample::udp_packet();
        packet.transport = Transport::Fragment;
        let mut dropped = sample::dropped(packet);
        dropped.context.flow = None;
        let told = sample::parse(&line(dropped));
        assert_eq!(told["proto"], "UDP");
        assert_eq!(told.get("src_port"), None);
        assert_eq!(told.get("community_id"), None);
    }

    #[test]
    fn arp_and_what_we_do_not_decode_are_told_by_their_frames() {
        let mut dropped = sample::dropped(sample::arp_packet());
        dropped.context.flow = None;
        dropped.reason = "malformed";
        let told = line(dropped.clone());
        assert!(
            told.contains(concat!(
                r#""event_type":"drop","src_ip":"10.0.0.9","dest_ip":"10.0.0.1","proto":"ARP","#,
                r#""ether":{"ether_type":2054,"src_mac":"02:00:00:00:00:01","dest_mac":"ff:ff:ff:ff:ff:ff"},"#,
                r#""pkt_src":"wire/pcap","drop":{"len":74,"reason":"decode error"}"#
            )),
            "{told}"
        );
        dropped.context.packet.net = Net::None;
        dropped.context.packet.ethertype = 0x88cc;
        let told = sample::parse(&line(dropped));
        assert_eq!(told["ether"]["ether_type"], 0x88cc);
        assert_eq!(told.get("src_ip"), None);
        assert_eq!(told.get("proto"), None);
    }
}
