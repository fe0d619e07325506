//! TLS and DTLS from packets to events and verdicts, in replays of crafted
//! captures.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tidegate::wire::tls::build::{ClientHelloBuilder, ServerHelloBuilder, message, records};
use tidegate::wire::tls::{ContentType, HandshakeType, Suite, Version};
use tidegate_tests::capture::{self, Captured};
use tidegate_tests::craft::{self, connection};
use tidegate_tests::gateway::binary;
use tidegate_tests::{Family, Side, eve, process};

/// Far above what a replay takes, also in a debug build on a busy machine.
const TIME_MAX: Duration = Duration::from_mins(1);

/// So many bytes a segment, so that a hello takes several.
const SEGMENT_MAX: usize = 50;

/// 2025-06-07 08:09:10 UTC.
const BEGIN_US: u64 = 1_749_283_750_000_000;

const RULES: &str = "rule \"blocked\" on tls_client_hello \
    when tls.sni == \"blocked.example\" { alert(`${tls.sni} ${tls.alpn}`); drop(); }\n\
    rule \"old\" on tls_server_hello when tls.cipher == \"TLS_RSA_WITH_RC4_128_SHA\" { alert(`${tls.sni}`); }\n";

const RC4: Suite = Suite(0x0005);

fn hello(host: &str) -> ClientHelloBuilder {
    ClientHelloBuilder::new(Version::TLS1_2).suites([RC4]).server_name(host.as_bytes()).protocols(&[b"h2"])
}

/// Both ends' flights of a session without certificates, as they are sent.
fn flights(host: &str) -> [(Side, Vec<u8>); 4] {
    let handshake = |bytes: &[u8]| records(ContentType::Handshake, Version::TLS1_2, bytes, 300);
    let server = ServerHelloBuilder::new(Version::TLS1_2, RC4).protocol(b"h2").message();
    let answer = [server, message(HandshakeType::SERVER_HELLO_DONE, &[])].concat();
    let sealed = [
        records(ContentType::ChangeCipherSpec, Version::TLS1_2, &[1], 1),
        records(ContentType::ApplicationData, Version::TLS1_2, &[7; 200], 100),
    ];
    [
        (Side::Client, hello(host).records(Version::TLS1_0, 60)),
        (Side::Server, handshake(&answer)),
        (Side::Client, sealed.concat()),
        (Side::Server, sealed.concat()),
    ]
}

/// The events of a replay of these frames, and the frames that passed.
fn replay(frames: &[Vec<u8>]) -> (Vec<Value>, Vec<Vec<u8>>) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let [input, output, rules, events] =
        ["in.pcap", "out.pcap", "tls.rhai", "events.json"].map(|name| folder.path().join(name));
    let packets = (0..).zip(frames);
    let packets = packets.map(|(at, bytes)| Captured { at_us: BEGIN_US + at * 1_000, bytes: bytes.clone() });
    std::fs::write(&input, capture::pcap(&packets.collect::<Vec<_>>())).expect("the disk has room");
    std::fs::write(&rules, RULES).expect("the disk has room");
    let mut command = Command::new(binary());
    command.arg("replay").arg(&input).arg("--rules").arg(&rules);
    command.arg("--events").arg(&events).arg("-w").arg(&output);
    let ended = process::run(&mut command, TIME_MAX);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let passed = capture::read_pcap(&output).into_iter().map(|captured| captured.bytes);
    (eve::events(&events), passed.collect())
}

fn of_type<'e>(events: &'e [Value], event_type: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| eve::is(event, event_type)).collect()
}

fn ends(family: Family) -> (SocketAddr, SocketAddr) {
    // A port that says nothing: the bytes decide.
    (Side::Client.at(family, 40_001), Side::Server.at(family, 4_711))
}

#[test]
fn a_session_is_one_event_at_the_packet_that_completes_it() {
    for family in Family::BOTH {
        let (client, server) = ends(family);
        let frames = connection::frames(client, server, &flights("example.com"), SEGMENT_MAX);
        let (events, passed) = replay(&frames);
        assert_eq!(passed, frames);
        let told = of_type(&events, "tls");
        let [told] = told[..] else { panic!("{told:?}") };
        assert!(eve::is_to(told, server.ip(), 4_711), "{told}");
        let tls = &told["tls"];
        for (key, value) in
            [("sni", "example.com"), ("version", "TLS 1.2"), ("cipher", "TLS_RSA_WITH_RC4_128_SHA")]
        {
            assert_eq!(tls[key], value, "{told}");
        }
        assert_eq!(tls["ja3"]["string"], "771,5,0-16,,");
        assert_eq!((&tls["client_alpns"][0], &tls["server_alpns"][0]), (&"h2".into(), &"h2".into()));
        // The server's first encrypted segment: what follows adds nothing.
        let last_flight = flights("example.com")[3].1.len().div_ceil(SEGMENT_MAX);
        let completes = frames.len() - 3 - last_flight + 1;
        assert_eq!(told["pcap_cnt"], completes, "{told}");
        let flow = of_type(&events, "flow")[0];
        assert_eq!((&flow["app_proto"], &flow["flow_id"]), (&"tls".into(), &told["flow_id"]));
        let alerts = of_type(&events, "alert");
        assert_eq!(alerts.len(), 1, "the server's choice is asked about");
        assert_eq!(alerts[0]["alert"]["message"], "example.com");
    }
}

#[test]
fn a_rule_about_the_name_stops_the_hello_that_has_it() {
    let (client, server) = ends(Family::V4);
    let frames = connection::frames(client, server, &flights("blocked.example"), SEGMENT_MAX);
    let (events, passed) = replay(&frames);
    let offer = hello("blocked.example").records(Version::TLS1_0, 60).len();
    let completes = 3 + offer.div_ceil(SEGMENT_MAX) - 1;
    assert!(completes > 3, "the hello comes in several segments");
    assert_eq!(passed, frames[..completes], "what came before was not known yet; nothing follows");
    let alerts = of_type(&events, "alert");
    assert_eq!(alerts[0]["alert"]["message"], "blocked.example h2");
    let told = of_type(&events, "tls");
    assert_eq!((told.len(), &told[0]["tls"]["sni"]), (1, &"blocked.example".into()));
    assert!(
        events.iter().all(|event| event.get("in_iface").is_none()),
        "a capture has no device: {events:?}"
    );
}

#[test]
fn dtls_is_told_as_tls_is() {
    let (client, server) = ends(Family::V6);
    let hello =
        ClientHelloBuilder::new(Version::DTLS1_2).cookie(b"c").suites([RC4]).server_name(b"example.com");
    let offer = hello.dtls_record(Version::DTLS1_2, 0, 0);
    let sealed = [&[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1, 0, 40][..], &[7; 40]].concat();
    let frames = [
        craft::from_side(Side::Client, &craft::udp(client, server, &offer)),
        craft::from_side(Side::Server, &craft::udp(server, client, &sealed)),
        craft::from_side(Side::Client, &craft::udp(client, server, &sealed)),
    ];
    let (events, _) = replay(&frames);
    let told = of_type(&events, "tls");
    let [told] = told[..] else { panic!("{told:?}") };
    assert_eq!((&told["proto"], &told["pcap_cnt"]), (&"UDP".into(), &3.into()));
    assert_eq!((&told["tls"]["version"], &told["tls"]["sni"]), (&"DTLS 1.2".into(), &"example.com".into()));
}
