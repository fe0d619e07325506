//! DNS and its kin out of captures, to the events that are told of them and the
//! rules that are asked.

#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate::port::capture::{Format, Record, Writer};
use tidegate::time::Timestamp;
use tidegate::wire::LinkType;
use tidegate::wire::dns::Type;
use tidegate::wire::dns::build::{FIRST_NAME, MessageBuilder};
use tidegate_tests::craft::{self, connection};
use tidegate_tests::gateway::binary;
use tidegate_tests::{Family, Side, eve, process};

/// Far above what these captures take.
const TIME_MAX: Duration = Duration::from_mins(1);

/// A packet, and who sends it.
type Sent = (Side, Vec<u8>);

/// A datagram from the client, or to it.
fn datagram(from: Side, server_port: u16, payload: &[u8]) -> Sent {
    let client = Side::Client.at(Family::V4, 40_000);
    let server = Side::Server.at(Family::V4, server_port);
    let (src, dst) = if from == Side::Client { (client, server) } else { (server, client) };
    (from, craft::udp(src, dst, payload))
}

/// What is told of packets, of which the capture keeps at most `snap` bytes each.
fn told(sent: &[Sent], rules: Option<&str>, snap: usize) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let [capture, events, file] =
        ["in.pcap", "events.json", "rules.rhai"].map(|name| folder.path().join(name));
    let out = std::fs::File::create(&capture).unwrap();
    let mut writer = Writer::new("in.pcap".to_owned(), Box::new(out), Format::Pcap, LinkType::Ethernet);
    for (second, (from, packet)) in (0..).zip(sent) {
        let frame = craft::from_side(*from, packet);
        let at = Timestamp::from_secs_micros(1_749_283_750 + second, 0);
        let wire_len = u32::try_from(frame.len()).unwrap();
        let bytes = &frame[..frame.len().min(snap)];
        assert!(writer.write(&Record { link: LinkType::Ethernet, at, wire_len, bytes }));
    }
    writer.finish().unwrap();
    let mut command = Command::new(binary());
    command.arg("replay").arg(&capture).arg("--events").arg(&events);
    if let Some(rules) = rules {
        std::fs::write(&file, rules).unwrap();
        command.arg("--rules").arg(&file);
    }
    let ended = process::run(&mut command, TIME_MAX);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    eve::events(&events)
}

/// The events of a type, each with its part of the same name.
fn parts(events: &[Value], event_type: &str) -> Vec<Value> {
    events.iter().filter(|event| eve::is(event, event_type)).map(|event| event[event_type].clone()).collect()
}

fn query(text: &str) -> MessageBuilder {
    MessageBuilder::query(7).question(text, Type::A)
}

fn answer(text: &str) -> MessageBuilder {
    MessageBuilder::response(7).question(text, Type::A).answer(FIRST_NAME, Type::A, 60, &[192, 0, 2, 1])
}

#[test]
fn a_question_and_its_answer_are_told_of_datagrams() {
    let sent = [
        datagram(Side::Client, 53, &query("www.example").build()),
        datagram(Side::Server, 53, &answer("www.example").build()),
    ];
    let events = told(&sent, None, usize::MAX);
    let [asked, answered] = &parts(&events, "dns")[..] else { panic!("{events:#?}") };
    assert_eq!((&asked["rrname"], &asked["type"]), (&json!("www.example"), &json!("query")));
    assert_eq!((&answered["grouped"], &answered["type"]), (&json!({"A": ["192.0.2.1"]}), &json!("answer")));
    assert!(parts(&events, "anomaly").is_empty());
}

#[test]
fn messages_in_a_stream_are_told_however_they_are_cut() {
    let (client, server) = (Side::Client.at(Family::V4, 40_000), Side::Server.at(Family::V4, 53));
    let asked = [query("a.example").framed(), query("b.example").framed()].concat();
    let answers = [answer("b.example").framed(), answer("a.example").framed()].concat();
    let flights: Vec<_> = asked.chunks(5).map(|piece| (Side::Client, piece.to_vec())).collect();
    let sent =
        connection::packets(client, server, &[&flights[..], &[(Side::Server, answers)]].concat(), 1_400);
    let events = told(&sent, None, usize::MAX);
    let names: Vec<_> = parts(&events, "dns").iter().map(|dns| dns["rrname"].clone()).collect();
    assert_eq!(names, ["a.example", "b.example", "b.example", "a.example"]);
    assert_eq!(parts(&events, "anomaly"), [] as [Value; 0]);
}

#[test]
fn a_rule_drops_what_asks_for_a_name_in_whatever_case() {
    let rules = "rule \"no evil\" on dns_query when dns.query == \"evil.example\" && dns.type == A \
        { alert(\"evil\"); drop(); }\n";
    for (text, alerts) in [("eViL.ExAmple", 1), ("good.example", 0)] {
        let sent = [datagram(Side::Client, 53, &query(text).build())];
        let events = told(&sent, Some(rules), usize::MAX);
        assert_eq!((parts(&events, "alert").len(), parts(&events, "drop").len()), (alerts, alerts), "{text}");
    }
}

#[test]
fn what_the_capture_has_cut_off_is_no_anomaly() {
    let long = (0..20)
        .fold(answer("www.example"), |message, _| message.answer(FIRST_NAME, Type::A, 60, &[192, 0, 2, 1]));
    let sent = [
        datagram(Side::Client, 53, &query("www.example").build()),
        datagram(Side::Server, 53, &long.build()),
    ];
    let events = told(&sent, None, 120);
    assert!(parts(&events, "anomaly").is_empty(), "{events:#?}");
    assert_eq!(parts(&events, "dns").len(), 2, "what is there is told");
    // The same, cut by its sender.
    let sent = [sent[0].clone(), datagram(Side::Server, 53, &long.build()[..78])];
    let odd = parts(&told(&sent, None, usize::MAX), "anomaly");
    let [odd] = &odd[..] else { panic!("{odd:#?}") };
    assert_eq!((&odd["app_proto"], &odd["event"]), (&json!("dns"), &json!("malformed_data")));
}

#[test]
fn what_else_a_network_runs_on_is_told() {
    let mut dhcp = vec![1, 1, 6, 0, 0, 0, 0, 9];
    dhcp.resize(236, 0);
    dhcp.extend(b"\x63\x82\x53\x63\x35\x01\x01\xff");
    let snmp = b"\x30\x13\x02\x01\x01\x04\x01p\xa0\x0b\x02\x01\x09\x02\x01\0\x02\x01\0\x30\0";
    let multicast = MessageBuilder::query(0).flags(0).question("_ipp._tcp.local", Type::PTR).build();
    let sent = [
        datagram(Side::Client, 67, &dhcp),
        datagram(Side::Client, 161, snmp),
        datagram(Side::Client, 69, b"\0\x01file\0octet\0"),
        datagram(Side::Client, 5353, &multicast),
        datagram(Side::Client, 5355, &query("host").build()),
    ];
    let events = told(&sent, None, usize::MAX);
    assert_eq!(parts(&events, "dhcp")[0]["dhcp_type"], "discover");
    assert_eq!(parts(&events, "snmp")[0]["community"], "p");
    assert_eq!(parts(&events, "tftp"), [json!({"packet": "read", "file": "file", "mode": "octet"})]);
    assert_eq!(parts(&events, "mdns")[0]["queries"][0]["rrname"], "_ipp._tcp.local");
    assert_eq!(parts(&events, "llmnr")[0]["queries"][0]["rrname"], "host");
}
