//! Traffic without end: a replay from a pipe takes as much memory after ten
//! gigabytes as after one, and a flood pushes out none but its own.

use std::io::BufWriter;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tidegate_tests::capture::Pcap;
use tidegate_tests::craft::{self, Segment, flag};
use tidegate_tests::gateway::binary;
use tidegate_tests::soak;
use tidegate_tests::traffic::repeated;
use tidegate_tests::{Family, Program, Side};

/// For the end of a replay whose input has ended.
const PATIENCE: Duration = Duration::from_mins(2);

/// What memory may grow once everything has been in use: pages that an
/// allocator touches for the first time late.
const SLACK_KB: u64 = 2 << 10;

/// A replay that reads a pipe, with settings.
fn replay(folder: &TempDir, settings: &[&str], events: &str) -> (Program, std::process::ChildStdin) {
    let mut command = Command::new(binary());
    command.args(["replay", "-", "--events", events]);
    for setting in settings {
        command.args(["--set", setting]);
    }
    Program::start_fed(&mut command, folder.path(), "replay")
}

/// The number before a word in what a replay says at its end.
fn said(program: &Program, word: &str) -> u64 {
    let text = program.stderr();
    let number =
        text.split(&format!(" {word}")).next().and_then(|before| before.split([' ', ':']).next_back());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no number of {word}: {text}"))
}

/// Replays so many bytes of sessions, and holds the memory to what it was when
/// every time-out had come due once.
fn replay_in_constant_memory(bytes: u64) {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        "flow.capacity=4096",
        // Well below the length of the shortest run, so that what is abandoned
        // is given up in it again and again.
        "flow.timeouts.tcp_new_s=10",
        "flow.timeouts.tcp_established_s=20",
        "defrag.timeout_s=10",
        "stream.memory_mb=16",
        "defrag.memory_mb=4",
    ];
    let (mut program, input) = replay(&folder, &settings, "/dev/null");
    let mut samples = Vec::new();
    let written = repeated::write(BufWriter::with_capacity(1 << 20, input), bytes, |so_far| {
        samples.extend(program.memory_kb().map(|(now, _)| (so_far, now)));
    });
    let written =
        written.unwrap_or_else(|error| panic!("the replay reads no more ({error}): {}", program.stderr()));
    assert_eq!(program.wait(PATIENCE).code(), Some(0), "{}", program.stderr());
    assert_eq!(said(&program, "packets,"), written.packets, "{}", program.stderr());
    assert_eq!(said(&program, "malformed"), 0, "{}", program.stderr());
    // Five flows of each family and session at least, whatever is pushed out.
    assert!(said(&program, "flows") >= 10 * written.sessions, "{}", program.stderr());

    let warm = bytes / 2;
    let most = |half: bool| {
        let of_half = samples.iter().filter(|(at, _)| (*at <= warm) == half);
        of_half.map(|(_, kb)| *kb).max().expect("memory was looked at in both halves")
    };
    let (before, after) = (most(true), most(false));
    // Flows, streams and fragments as configured above.
    let allowed = BASE_KB + 4_096 * FLOW_BYTES / 1_024 + (16 << 10) + (4 << 10);
    assert!(before.max(after) <= allowed, "{before} and {after} KB in use, and {allowed} KB are enough");
    assert!(
        after <= before + SLACK_KB,
        "{before} KB in the first half and {after} KB in the second: {samples:?}"
    );
}

#[test]
fn a_replay_of_a_pipe_takes_constant_memory() {
    replay_in_constant_memory(100_000_000);
}

#[test]
#[ignore = "soak: ten gigabytes"]
fn ten_gigabytes_replay_in_constant_memory() {
    replay_in_constant_memory(soak::scaled(10_000_000_000));
}

/// What a flow is allowed to take, its places in index and timer included.
const FLOW_BYTES: u64 = 260;

/// What a replay takes before there are flows: packet memory, buffers, program.
const BASE_KB: u64 = 64 << 10;

/// A flood of SYNs, each from another address, over connections that go on.
/// Returns what was written.
fn flood(out: impl std::io::Write, syns: u32, connections: u16) -> std::io::Result<()> {
    /// Between two SYNs: none of them is given up before the flood is over.
    const STEP_US: u64 = 5;
    /// After so many SYNs a connection says something.
    const PAUSE: u32 = 64;
    let mut pcap = Pcap::begin(out)?;
    let mut at_us = 1_749_283_750_000_000;
    let mut put = |frame: &[u8]| {
        at_us += STEP_US;
        pcap.packet(at_us, frame)
    };
    let say = |from: Side, connection: u16, flags: u8, seq: u32, ack: u32| {
        let at =
            |side: Side| side.at(Family::V4, if side == Side::Client { 10_000 + connection } else { 443 });
        let part = Segment { flags, seq, ack, payload: &[] };
        craft::from_side(from, &craft::tcp(at(from), at(from.other()), part))
    };
    for connection in 0..connections {
        put(&say(Side::Client, connection, flag::SYN, 0, 0))?;
        put(&say(Side::Server, connection, flag::SYN | flag::ACK, 1_000, 1))?;
        put(&say(Side::Client, connection, flag::ACK, 1, 1_001))?;
    }
    let part = Segment { flags: flag::SYN, seq: 0, ack: 0, payload: &[] };
    let target = Side::Server.at(Family::V4, 80);
    let mut syn = craft::from_side(Side::Client, &craft::tcp(Side::Client.at(Family::V4, 1), target, part));
    for number in 0..syns {
        // From 80.0.0.0 on; the replay is told not to verify checksums.
        syn[26..30].copy_from_slice(&(0x5000_0000 + number).to_be_bytes());
        put(&syn)?;
        if number % PAUSE == 0 {
            let connection = u16::try_from(number / PAUSE % u32::from(connections)).expect("few");
            put(&say(Side::Client, connection, flag::ACK, 1, 1_001))?;
        }
    }
    for connection in 0..connections {
        put(&say(Side::Client, connection, flag::ACK | flag::FIN, 1, 1_001))?;
        put(&say(Side::Server, connection, flag::ACK | flag::FIN, 1_001, 2))?;
        put(&say(Side::Client, connection, flag::ACK, 2, 1_002))?;
    }
    pcap.finish()?;
    Ok(())
}

/// Holds established connections and memory under a flood.
fn flood_a_table(syns: u32, capacity: u32) {
    const CONNECTIONS: u16 = 100;
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("opened.rhai");
    let rule = "rule \"opened\" on flow_open when flow.server.port == 443 { alert(\"opened\"); }\n\
                rule \"closed\" on flow_close when flow.server.port == 443 { alert(\"closed\"); }\n";
    std::fs::write(&rules, rule).unwrap();
    let mut command = Command::new(binary());
    command.args(["replay", "-", "-k", "none", "--set", &format!("flow.capacity={capacity}")]);
    command.args(["--set", "stream.memory_mb=1", "--set", "defrag.memory_mb=1", "--rules"]);
    let (mut program, input) =
        Program::start_fed(command.arg(&rules).stdout(Stdio::null()), folder.path(), "replay");
    let written = flood(BufWriter::with_capacity(1 << 20, input), syns, CONNECTIONS);
    let memory = program.memory_kb();
    written.unwrap_or_else(|error| panic!("the replay reads no more ({error}): {}", program.stderr()));
    assert_eq!(program.wait(PATIENCE).code(), Some(0), "{}", program.stderr());

    // Each connection was opened once and ended once; had the flood pushed one
    // out, what it said next would have opened it again.
    assert_eq!(said(&program, "alerts"), 2 * u64::from(CONNECTIONS), "{}", program.stderr());
    assert_eq!(said(&program, "flows"), u64::from(syns) + u64::from(CONNECTIONS), "{}", program.stderr());
    let (_, most) = memory.expect("the replay is not over before its input is");
    let allowed = BASE_KB + u64::from(capacity) * FLOW_BYTES / 1_024;
    assert!(most <= allowed, "{most} KB in use, and {allowed} KB are enough for {capacity} flows");
}

#[test]
fn a_flood_pushes_out_its_own_and_takes_no_more_memory_than_configured() {
    flood_a_table(400_000, 40_000);
}

#[test]
#[ignore = "soak: ten million SYNs against a table of a million"]
fn ten_million_syns_take_no_more_memory_than_configured() {
    let syns = u32::try_from(soak::scaled(10_000_000)).expect("ten million at most");
    flood_a_table(syns, syns / 10);
}
