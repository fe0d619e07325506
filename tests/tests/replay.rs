//! Captures through the same engine: no root, no devices, and always the same
//! answer.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;
use tidegate_tests::bytes::SeededBytes;
use tidegate_tests::capture::{self, Captured};
use tidegate_tests::craft::{self, connection, ethertype};
use tidegate_tests::gateway::binary;
use tidegate_tests::{Ended, Family, Side, eve, process, skip};

/// Far above what any capture of ours or of the corpora takes, also in a debug
/// build on a busy machine.
const TIME_MAX: Duration = Duration::from_mins(1);

/// 2025-06-07 08:09:10 UTC.
const BEGIN_US: u64 = 1_749_283_750_000_000;

const DROP_SSH: &str = "rule \"no ssh\" on flow_open \
    when flow.proto == TCP && flow.server.port == 22 { alert(\"ssh\"); drop(); }\n";

/// A packet of the crafted capture, and whether [`DROP_SSH`] lets it pass.
struct Crafted {
    packet: Captured,
    passes: bool,
}

/// Connections to two ports over both families, datagrams, and frames that are
/// none of these, all interleaved; times rise by odd steps.
fn crafted() -> Vec<Crafted> {
    let mut lanes: Vec<VecDeque<(Vec<u8>, bool)>> = Vec::new();
    for family in Family::BOTH {
        for (client_port, server_port) in [(40_001, 22), (40_002, 80), (22, 8_080)] {
            let (client, server) =
                (Side::Client.at(family, client_port), Side::Server.at(family, server_port));
            let frames = conversation(client, server).into_iter();
            lanes.push(frames.map(|frame| (frame, server_port != 22)).collect());
        }
        let (client, server) = (Side::Client.at(family, 40_003), Side::Server.at(family, 22));
        let question = craft::from_side(Side::Client, &craft::udp(client, server, b"a question"));
        let answer = craft::from_side(Side::Server, &craft::udp(server, client, b"an answer"));
        let tagged = craft::tagged(question.clone(), &[(ethertype::PROVIDER_VLAN, 5), (ethertype::VLAN, 6)]);
        lanes.push([question, answer, tagged].into_iter().map(|frame| (frame, true)).collect());
    }
    let mac = Side::Client.mac();
    let others = [
        craft::arp_request((mac, [10, 77, 0, 1]), [10, 77, 0, 2]),
        craft::ethernet([0x01, 0x80, 0xc2, 0, 0, 0x0e], mac, ethertype::LLDP, &[9; 60]),
        craft::ethernet(craft::BROADCAST, mac, 0x88b5, &SeededBytes::new(4).take(1_500)),
    ];
    lanes.push(others.into_iter().map(|frame| (frame, true)).collect());

    let mut packets = Vec::new();
    let mut at_us = BEGIN_US;
    while lanes.iter().any(|lane| !lane.is_empty()) {
        for (bytes, passes) in lanes.iter_mut().filter_map(VecDeque::pop_front) {
            at_us += 1_237;
            packets.push(Crafted { packet: Captured { at_us, bytes }, passes });
        }
    }
    packets
}

/// The frames of a TCP connection with a few segments either way.
fn conversation(client: SocketAddr, server: SocketAddr) -> Vec<Vec<u8>> {
    let said = |(seed, len): (u64, usize)| {
        let up = (Side::Client, SeededBytes::new(seed).take(len));
        [up, (Side::Server, SeededBytes::new(seed + 9).take(1_400))]
    };
    let flights: Vec<_> = (0..).zip([1, 100, 700, 1_000]).flat_map(said).collect();
    connection::frames(client, server, &flights, 1_400)
}

/// A folder with a capture and a rules file, and what a replay makes of them.
struct Replay {
    folder: TempDir,
    capture: PathBuf,
}

impl Replay {
    fn of(name: &str, capture: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, capture).unwrap();
        std::fs::write(folder.path().join("ssh.rhai"), DROP_SSH).unwrap();
        Self { folder, capture: path }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, events: &str, written: &str) -> Ended {
        let mut command = Command::new(binary());
        command.arg("replay").arg(&self.capture).arg("--rules").arg(self.path("ssh.rhai"));
        command.arg("--events").arg(self.path(events)).arg("-w").arg(self.path(written));
        process::run(&mut command, TIME_MAX)
    }
}

#[test]
fn writes_exactly_the_accepted_packets() {
    let crafted = crafted();
    let packets: Vec<Captured> = crafted.iter().map(|crafted| crafted.packet.clone()).collect();
    for (name, file) in [("in.pcap", capture::pcap(&packets)), ("in.pcapng", capture::pcapng(&packets))] {
        let replay = Replay::of(name, &file);
        let ended = replay.run("events.json", "out.pcap");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let written = capture::read_pcap(&replay.path("out.pcap"));
        let accepted = crafted.iter().filter(|crafted| crafted.passes).map(|crafted| &crafted.packet);
        assert!(written.iter().eq(accepted), "{name}: {} packets were written", written.len());
    }
}

#[test]
fn tells_the_same_twice() {
    let packets: Vec<Captured> = crafted().into_iter().map(|crafted| crafted.packet).collect();
    let replay = Replay::of("in.pcap", &capture::pcap(&packets));
    for run in ["1", "2"] {
        let ended = replay.run(&format!("events{run}.json"), &format!("out{run}.pcap"));
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    for (first, second) in [("events1.json", "events2.json"), ("out1.pcap", "out2.pcap")] {
        let [first, second] = [first, second].map(|name| std::fs::read(replay.path(name)).unwrap());
        assert!(!first.is_empty());
        assert!(first == second, "two runs differ:\n{}", String::from_utf8_lossy(&second));
    }
}

#[test]
fn tells_each_flow_and_each_drop_in_the_time_of_the_capture() {
    let packets: Vec<Captured> = crafted().into_iter().map(|crafted| crafted.packet).collect();
    let replay = Replay::of("in.pcap", &capture::pcap(&packets));
    let ended = replay.run("events.json", "out.pcap");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let events = eve::events(&replay.path("events.json"));
    for family in Family::BOTH {
        let server = Side::Server.address(family);
        for port in [22, 80, 8_080] {
            let flows = events.iter().filter(|event| {
                eve::is(event, "flow") && eve::is_to(event, server, port) && event["proto"] == "TCP"
            });
            assert_eq!(flows.count(), 1, "flows to {server} port {port}");
        }
        let alerts = events.iter().filter(|event| eve::is(event, "alert") && eve::is_to(event, server, 22));
        assert_eq!(alerts.count(), 1, "one flow was opened, so one alert");
        assert!(events.iter().any(|event| eve::is(event, "drop") && eve::is_to(event, server, 22)));
    }
    for event in &events {
        let at = event["timestamp"].as_str().unwrap();
        assert!(at.starts_with("2025-06-07T08:09:1"), "{event}");
    }
}

#[test]
fn a_capture_that_was_cut_short_is_read_to_its_last_whole_packet() {
    let packets: Vec<Captured> = crafted().into_iter().map(|crafted| crafted.packet).collect();
    let mut file = capture::pcap(&packets);
    file.truncate(file.len() - 1);
    let replay = Replay::of("cut.pcap", &file);
    let ended = replay.run("events.json", "out.pcap");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("cut.pcap"), "no warning: {}", ended.stderr);
    let last = &packets[packets.len() - 1];
    assert!(!capture::read_pcap(&replay.path("out.pcap")).contains(last));
}

#[test]
fn what_is_no_capture_is_refused_in_one_line() {
    for (name, bytes) in [("text.pcap", b"this is no capture\n".as_slice()), ("empty.pcap", b"")] {
        let replay = Replay::of(name, bytes);
        let ended = replay.run("events.json", "out.pcap");
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn dashes_mean_the_standard_streams() {
    let packets: Vec<Captured> = crafted().into_iter().map(|crafted| crafted.packet).collect();
    let replay = Replay::of("in.pcap", &capture::pcap(&packets));
    assert_eq!(replay.run("events.json", "out.pcap").code, Some(0));
    let mut command = Command::new("sh");
    command.args(["-c", "\"$0\" replay - --rules \"$2\" --events - < \"$1\""]);
    command.arg(binary()).arg(&replay.capture).arg(replay.path("ssh.rhai"));
    let piped = process::run(&mut command, TIME_MAX);
    assert_eq!(piped.code, Some(0), "{piped:?}");
    // The same events; what they call the capture they came from may differ.
    let kinds = |text: &str| -> Vec<String> {
        eve::parse(text).iter().map(|event| event["event_type"].to_string()).collect()
    };
    let filed = std::fs::read_to_string(replay.path("events.json")).unwrap();
    assert_eq!(kinds(&piped.stdout), kinds(&filed));
}

#[test]
fn the_last_event_counts_every_packet() {
    let packets: Vec<Captured> = crafted().into_iter().map(|crafted| crafted.packet).collect();
    let replay = Replay::of("in.pcap", &capture::pcap(&packets));
    assert_eq!(replay.run("events.json", "out.pcap").code, Some(0));
    let events = eve::parse(&std::fs::read_to_string(replay.path("events.json")).unwrap());
    let stats: Vec<usize> = (0..events.len()).filter(|at| eve::is(&events[*at], "stats")).collect();
    assert_eq!(stats, [events.len() - 1]);
    let counted = &events[events.len() - 1];
    assert_eq!(counted["stats"]["decoder"]["pkts"], packets.len());
    assert_eq!(counted["stats"]["uptime"], 0);
    assert!(counted["timestamp"].to_string().contains("2025-06-07T08:09:1"), "{counted}");
}

#[test]
fn what_is_odd_about_packets_is_told_and_counted() {
    let packets: Vec<Captured> = crafted().into_iter().map(|crafted| crafted.packet).collect();
    let replay = Replay::of("in.pcap", &capture::pcap(&packets));
    assert_eq!(replay.run("events.json", "out.pcap").code, Some(0));
    let events = eve::parse(&std::fs::read_to_string(replay.path("events.json")).unwrap());
    let odd = |event: &&serde_json::Value| event["anomaly"]["event"] == "decoder.ethernet.unknown_ethertype";
    let types: Vec<String> =
        events.iter().filter(odd).map(|event| event["ether"]["ether_type"].to_string()).collect();
    assert_eq!(types, [ethertype::LLDP.to_string(), 0x88b5.to_string()]);
    let counted = &events[events.len() - 1]["stats"]["decoder"]["event"]["ethernet"];
    assert_eq!(counted["unknown_ethertype"], 2);
}

/// All captures below a folder.
fn captures_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            captures_below(&path, found);
        } else if path.extension().is_some_and(|end| end == "pcap" || end == "pcapng" || end == "cap") {
            found.push(path);
        }
    }
}

/// What is wrong with a replay of a third party's capture; `None` when nothing.
fn fault(capture: &Path) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command.arg("replay").arg(capture);
    command.arg("--events").arg(folder.path().join("out.json"));
    command.arg("-w").arg(folder.path().join("out.pcap"));
    let ended = process::run_within(&mut command, TIME_MAX);
    let said = match ended {
        None => format!("still ran after {TIME_MAX:?}"),
        Some(Ended { code: Some(0), .. }) => {
            // Panics on a line that is not JSON.
            eve::events(&folder.path().join("out.json"));
            return None;
        }
        Some(Ended { code: Some(2), stderr, .. }) if stderr.trim_end().lines().count() == 1 => return None,
        Some(ended) => format!("{ended:?}"),
    };
    Some(format!("{}: {said}", capture.display()))
}

#[test]
fn every_third_party_capture_is_read_or_refused_clearly() {
    let Some(folder) = std::env::var_os("TIDEGATE_CORPORA") else {
        return skip::skip_anywhere("TIDEGATE_CORPORA is unset: no third-party captures");
    };
    let mut captures = Vec::new();
    captures_below(Path::new(&folder), &mut captures);
    assert!(!captures.is_empty(), "no captures below {}", Path::new(&folder).display());
    let (waiting, faults) = (Mutex::new(captures), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap().pop();
                    let Some(capture) = next else { return };
                    faults.lock().unwrap().extend(fault(&capture));
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{} captures:\n{}", faults.len(), faults.join("\n"));
}
