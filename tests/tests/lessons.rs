//! Where scripted IDS of the past were weakest: they dropped what was sent
//! again, kept fragments and idle flows for ever, and walked a list of segments
//! on every acknowledgement. Each is a test here, by capture time alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tidegate_tests::bytes::SeededBytes;
use tidegate_tests::capture::{self, Captured, Pcap};
use tidegate_tests::craft::fragment::cut;
use tidegate_tests::craft::{self, Segment, flag};
use tidegate_tests::gateway::binary;
use tidegate_tests::{Ended, Family, Side, eve, process};

/// 2025-06-07 08:09:10 UTC.
const BEGIN_US: u64 = 1_749_283_750_000_000;

/// Within this a capture of some hundred thousand packets is through even on a
/// busy machine, and nothing that looks at each pair of them is.
const TIME_MAX: Duration = Duration::from_secs(20);

/// A folder with a capture, and what a replay makes of it.
struct Replay {
    folder: TempDir,
}

impl Replay {
    fn of(file: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("in.pcap"), file).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, settings: &[&str]) -> Ended {
        let mut command = Command::new(binary());
        command.arg("replay").arg(self.path("in.pcap"));
        command.arg("--events").arg(self.path("events.json")).arg("-w").arg(self.path("out.pcap"));
        for setting in settings {
            command.args(["--set", setting]);
        }
        let ended = process::run(&mut command, TIME_MAX);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }

    fn written(&self) -> Vec<Captured> {
        capture::read_pcap(&self.path("out.pcap"))
    }

    fn events(&self, kind: &str) -> Vec<Value> {
        let events = eve::events(&self.path("events.json"));
        events.into_iter().filter(|event| eve::is(event, kind)).collect()
    }
}

fn ends(family: Family) -> (SocketAddr, SocketAddr) {
    (Side::Client.at(family, 40_000), Side::Server.at(family, 80))
}

/// A segment of the client or the server, as it is on the wire.
fn say(family: Family, from: Side, flags: u8, seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    let (client, server) = ends(family);
    let (src, dst) = if from == Side::Client { (client, server) } else { (server, client) };
    craft::from_side(from, &craft::tcp(src, dst, Segment { flags, seq, ack, payload }))
}

/// A datagram of the client, in fragments.
fn fragments(family: Family, id: u32) -> Vec<Vec<u8>> {
    let (client, server) = ends(family);
    let packet = craft::udp(client, server, &SeededBytes::new(1).take(3_000));
    cut(&packet, id, 1_440).iter().map(|fragment| craft::from_side(Side::Client, fragment)).collect()
}

fn captured(after_s: u64, bytes: Vec<u8>) -> Captured {
    Captured { at_us: BEGIN_US + after_s * 1_000_000, bytes }
}

#[test]
fn what_is_sent_again_passes() {
    for family in Family::BOTH {
        let up = |seq, payload: &[u8]| say(family, Side::Client, flag::ACK | flag::PSH, seq, 1_001, payload);
        let ack = |ack| say(family, Side::Server, flag::ACK, 1_001, ack, &[]);
        let syn = say(family, Side::Client, flag::SYN, 0, 0, &[]);
        let answer = say(family, Side::Server, flag::SYN | flag::ACK, 1_000, 1, &[]);
        let fin = say(family, Side::Client, flag::FIN | flag::ACK, 11, 1_001, &[]);
        let frames = [
            syn.clone(),
            syn,
            answer.clone(),
            answer,
            up(1, b""),
            up(1, b"hello"),
            up(1, b"hello"),
            up(6, b"world"),
            up(1, b"helloworld"),
            ack(6),
            ack(6),
            ack(6),
            up(6, b"world"),
            ack(11),
            up(10, b"d"),
            ack(11),
            fin.clone(),
            fin,
            ack(12),
        ];
        let packets: Vec<Captured> = frames.into_iter().map(|frame| captured(0, frame)).collect();
        let replay = Replay::of(&capture::pcap(&packets));
        replay.run(&[]);
        assert_eq!(replay.written(), packets);
        let flows = replay.events("flow");
        assert_eq!(flows.len(), 1, "{flows:#?}");
        assert_eq!(flows[0]["flow"]["pkts_toserver"], 11);
    }
}

#[test]
fn fragments_expire() {
    for family in Family::BOTH {
        for (last_after_s, passes) in [(29, true), (31, false), (86_400, false)] {
            let mut frames = fragments(family, 1);
            let last = frames.pop().expect("a last fragment");
            let mut packets: Vec<Captured> = frames.into_iter().map(|frame| captured(0, frame)).collect();
            packets.push(captured(last_after_s, last));
            let replay = Replay::of(&capture::pcap(&packets));
            replay.run(&[]);
            let expected = if passes { packets.len() } else { 0 };
            assert_eq!(replay.written().len(), expected, "{family:?}: the last after {last_after_s} s");
        }
    }
}

#[test]
fn fragments_that_nobody_completes_make_room() {
    // Each holds some 1,440 bytes of the one megabyte there is.
    const DATAGRAMS: u32 = 20_000;
    let mut packets = Vec::new();
    let mut whole = Vec::new();
    let mut put_whole = |packets: &mut Vec<Captured>, id, after_s| {
        let frames = fragments(Family::V6, id);
        packets.extend(frames.iter().map(|frame| captured(after_s, frame.clone())));
        whole.extend(frames);
    };
    for id in 0..DATAGRAMS {
        let after_s = u64::from(id) / 100;
        let first = fragments(Family::V6, id).swap_remove(0);
        packets.push(captured(after_s, first));
        // One that comes whole in the midst of them.
        if id == DATAGRAMS / 2 {
            put_whole(&mut packets, DATAGRAMS, after_s);
        }
    }
    // And one long after the last of those was given up.
    put_whole(&mut packets, DATAGRAMS + 1, 300);
    let replay = Replay::of(&capture::pcap(&packets));
    replay.run(&["defrag.memory_mb=1", "defrag.datagrams=64"]);
    let written: Vec<Vec<u8>> = replay.written().into_iter().map(|packet| packet.bytes).collect();
    assert_eq!(written, whole);
}

#[test]
fn idle_flows_time_out() {
    for family in Family::BOTH {
        let (client, server) = ends(family);
        let datagram = craft::from_side(Side::Client, &craft::udp(client, server, b"there"));
        for (pause_s, flows) in [(29, 1), (31, 2), (86_400, 2)] {
            let packets = [captured(0, datagram.clone()), captured(pause_s, datagram.clone())];
            let replay = Replay::of(&capture::pcap(&packets));
            replay.run(&[]);
            let told = replay.events("flow");
            assert_eq!(told.len(), flows, "{family:?} after {pause_s} s: {told:#?}");
            if flows == 2 {
                assert_eq!(told[0]["flow"]["reason"], "timeout", "{told:#?}");
            }
        }
        // A connection that fell silent, seen by the traffic of another.
        let mut packets = vec![
            captured(0, say(family, Side::Client, flag::SYN, 0, 0, &[])),
            captured(0, say(family, Side::Server, flag::SYN | flag::ACK, 1_000, 1, &[])),
            captured(0, say(family, Side::Client, flag::ACK, 1, 1_001, &[])),
        ];
        packets.push(captured(7_441, datagram));
        let replay = Replay::of(&capture::pcap(&packets));
        replay.run(&[]);
        let silent = replay.events("flow").into_iter().find(|event| event["proto"] == "TCP");
        let silent = silent.expect("the connection is told of");
        assert_eq!(silent["flow"]["reason"], "timeout", "{silent}");
        assert_eq!(silent["flow"]["state"], "established", "{silent}");
    }
}

/// The places of a permutation that has no order: each step is as long as a
/// prime that does not divide the length.
fn scattered(len: u32) -> impl Iterator<Item = u32> {
    let place = move |step: u32| u64::from(step) * 99_991 % u64::from(len);
    (0..len).map(move |step| u32::try_from(place(step)).expect("below the length"))
}

/// A connection that begins with a byte missing, and in which every second byte
/// after it comes as a segment of its own, each acknowledged as out of order;
/// then what is missing comes, and all is acknowledged.
fn backlog(pieces: u32, order: impl Iterator<Item = u32>) -> Vec<u8> {
    const DATA: u8 = flag::ACK | flag::PSH;
    let (client, server) = ends(Family::V4);
    let mut at_us = BEGIN_US;
    let mut file = Pcap::begin(Vec::new()).unwrap();
    let mut put = |from: Side, segment: Segment<'_>, options: &[u8]| {
        at_us += 1;
        let (src, dst) = if from == Side::Client { (client, server) } else { (server, client) };
        let packet = craft::tcp_with(src, dst, segment, u16::MAX, options);
        file.packet(at_us, &craft::from_side(from, &packet)).unwrap();
    };
    // A window of a gibibyte, or most of it would be out of it.
    let scale = [1, 3, 3, 14];
    put(Side::Client, Segment { flags: flag::SYN, seq: 0, ack: 0, payload: &[] }, &scale);
    put(Side::Server, Segment { flags: flag::SYN | flag::ACK, seq: 1_000, ack: 1, payload: &[] }, &scale);
    put(Side::Client, Segment { flags: flag::ACK, seq: 1, ack: 1_001, payload: &[] }, &[]);
    for piece in order {
        put(Side::Client, Segment { flags: DATA, seq: 2 + 2 * piece, ack: 1_001, payload: b"x" }, &[]);
        put(Side::Server, Segment { flags: flag::ACK, seq: 1_001, ack: 1, payload: &[] }, &[]);
    }
    for piece in 0..pieces {
        put(Side::Client, Segment { flags: DATA, seq: 1 + 2 * piece, ack: 1_001, payload: b"y" }, &[]);
        put(Side::Server, Segment { flags: flag::ACK, seq: 1_001, ack: 3 + 2 * piece, payload: &[] }, &[]);
    }
    file.finish().unwrap()
}

#[test]
fn an_acknowledgement_costs_the_same_however_much_waits() {
    const PIECES: u32 = 200_000;
    let settings = ["stream.depth=0", "stream.flow_memory_kb=1048576", "stream.memory_mb=4096"];
    let packets = 3 + 4 * u64::from(PIECES);
    for (name, file) in [
        ("rising", backlog(PIECES, 0..PIECES)),
        ("falling", backlog(PIECES, (0..PIECES).rev())),
        ("scattered", backlog(PIECES, scattered(PIECES))),
    ] {
        let ended = Replay::of(&file).run(&settings);
        assert!(ended.stderr.contains(&format!("{packets} packets,")), "{name}: {}", ended.stderr);
    }
}
