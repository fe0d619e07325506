//! Third-party captures: every one is read to its end, packet by packet as
//! others count them, and what is written of it is read as the same.
//!
//! The captures are not ours to carry along: `TIDEGATE_CORPORA` names a folder
//! that holds them, with what upstream says of them in `truth.jsonl`. Where
//! Wireshark's `capinfos` is installed, it is asked about every file as well.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tidegate::port::capture::{CaptureError, CapturePort, LAYOUT, Reader, Record};
use tidegate::port::{Port as _, Supply};
use tidegate::time::Timestamp;
use tidegate::xsk::Umem;

/// Where the captures are; `None`, and said loudly, where there are none.
fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("TIDEGATE_CORPORA").map(PathBuf::from);
    if folder.is_none() {
        // Past the test harness, which swallows what a passing test prints.
        let _ = writeln!(std::io::stderr(), "skipped: TIDEGATE_CORPORA is unset");
    }
    folder
}

/// All captures below a folder, in order of their paths.
fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("a folder can be listed").path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            found.extend(captures(&path));
        } else if extension.is_some_and(|e| ["pcap", "pcapng", "cap"].contains(&e)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// How many packets upstream's own tools saw, by path below the folder.
fn upstream_counts(folder: &Path) -> HashMap<PathBuf, u64> {
    let truth = std::fs::read_to_string(folder.join("truth.jsonl")).unwrap_or_default();
    let records =
        truth.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON lines"));
    records
        .filter(|record| record["field"] == "pcap.packets")
        .map(|record| {
            let file = folder.join(record["file"].as_str().expect("a record names its file"));
            (file, record["expected"].as_u64().expect("a count"))
        })
        .collect()
}

/// How many packets Wireshark sees, by path; without those it does not know.
fn capinfos_counts(files: &[PathBuf]) -> HashMap<PathBuf, u64> {
    let output = Command::new("capinfos").args(["-c", "-T", "-M", "-r", "-B"]).args(files).output();
    let Ok(output) = output else {
        let _ = writeln!(std::io::stderr(), "capinfos is not installed: its counts are not compared");
        return HashMap::new();
    };
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    table
        .lines()
        .filter_map(|line| {
            let (file, count) = line.split_once('\t')?;
            Some((PathBuf::from(file), count.parse().ok()?))
        })
        .collect()
}

/// Runs a capture through a port, everything accepted.
fn replay(input: &Path, output: &Path, memory: &mut Umem) -> Result<u64, CaptureError> {
    let mut pool = memory.split(1).pop().expect("one share");
    let mut port = CapturePort::open(input)?;
    port.write_to(output)?;
    let mut burst = Vec::new();
    while port.receive(&mut pool, Timestamp::ZERO, &mut burst) == Supply::Open {
        for parcel in burst.drain(..) {
            port.send(parcel).expect("the disk has room");
        }
        port.flush(&mut pool);
    }
    port.finish()?;
    assert_eq!(port.counters().rx_cut, 0, "{} has a packet longer than a frame", input.display());
    if let Some(fault) = port.fault() {
        let _ = writeln!(std::io::stderr(), "note: {fault}");
    }
    Ok(port.counters().rx_packets)
}

/// Compares two captures packet by packet.
fn assert_same(input: &Path, output: &Path) {
    let (mut input, mut output) =
        (Reader::open(input).expect("read before"), Reader::open(output).expect("ours"));
    loop {
        let same = match (input.peek(), output.peek()) {
            (None, None) => break,
            (Some(read), Some(written)) => {
                let Record { link, at, wire_len, bytes } = read;
                (link, at, wire_len, bytes) == (written.link, written.at, written.wire_len, written.bytes)
            }
            _ => false,
        };
        assert!(same, "{}: packet {} was written otherwise", input.name(), input.packets() + 1);
        input.advance();
        output.advance();
    }
    assert!(output.fault().is_none(), "what we wrote is whole");
}

#[test]
fn every_third_party_capture_is_read_whole_and_written_the_same() {
    let Some(folder) = corpora() else { return };
    let files = captures(&folder);
    assert!(!files.is_empty(), "no capture below {}", folder.display());
    let (upstream, wireshark) = (upstream_counts(&folder), capinfos_counts(&files));
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let output = scratch.path().join("out");
    let mut memory = Umem::new(LAYOUT).expect("memory for packets");
    let (mut packets, mut wrong) = (0, Vec::new());
    for file in &files {
        let read = match replay(file, &output, &mut memory) {
            Ok(read) => read,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        packets += read;
        assert_same(file, &output);
        for (who, counts) in [("upstream", &upstream), ("capinfos", &wireshark)] {
            if let Some(expected) = counts.get(file).filter(|expected| **expected != read) {
                wrong.push(format!("{}: {read} packets, {who} says {expected}", file.display()));
            }
        }
    }
    let compared = (upstream.len(), wireshark.len());
    let _ = writeln!(std::io::stderr(), "{} captures, {packets} packets, {compared:?} compared", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
