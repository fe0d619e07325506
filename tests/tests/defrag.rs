//! Defragmentation against the vectors that others keep for it.
//!
//! The vectors are not ours to carry along: `TIDEGATE_CORPORA` names a folder
//! that holds the captures, with what each policy makes of them in
//! `truth.jsonl`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where an expectation fails")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tidegate::anomaly::Anomaly;
use tidegate::flow::Seed;
use tidegate::flow::defrag::{Defrag, DefragConfig, Fragment, Outcome};
use tidegate::port::capture::Reader;
use tidegate::wire::Packet;
use tidegate_config::FragmentPolicy;
use tidegate_tests::skip::skip_anywhere;

/// Which vectors there are; fewer, and the corpus or its reading is not whole.
const VECTORS: [&str; 6] = ["bsd", "first", "last", "linux", "solaris", "windows"];

fn vectors(folder: &Path) -> Vec<Value> {
    let truth = std::fs::read_to_string(folder.join("truth.jsonl")).unwrap();
    let records = truth.lines().filter(|line| line.contains("ip.fragment_overlap"));
    let records = records.map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| record["field"] == "ip.fragment_overlap").collect()
}

/// The payload that the fragments of a capture make under the policy of this
/// name, and whether any was told to overlap. The last packet completes the
/// datagram.
fn reassembled(capture: &Path, policy: &str) -> (Vec<u8>, bool) {
    let config = DefragConfig {
        datagrams: 16,
        memory: 1 << 20,
        timeout: Duration::from_secs(30),
        policy: FragmentPolicy::default(),
        policies: vec![format!("0.0.0.0/0={policy}").parse().unwrap()],
    };
    let mut defrag = Defrag::new(&config, Seed::from_number(1));
    let mut reader = Reader::open(capture).unwrap();
    let (mut whole, mut overlapped) = (None, false);
    while let Some(record) = reader.peek() {
        assert!(whole.is_none(), "{} is whole before its last fragment", capture.display());
        let (packet, _) = Packet::decode(record.link, record.bytes, record.wire_len);
        let fragment = Fragment::of(&packet, record.bytes, record.at).unwrap();
        match defrag.insert(&fragment, (), record.bytes.len(), |gone| panic!("{gone:?}")) {
            Outcome::Waiting(anomaly) => overlapped |= anomaly == Some(Anomaly::Ipv4FragOverlap),
            Outcome::Whole(datagram) => whole = Some(datagram.bytes),
            other => panic!("{}: {other:?}", capture.display()),
        }
        reader.advance();
    }
    assert_eq!((defrag.active(), defrag.memory()), (0, 0));
    let mut whole = whole.unwrap_or_else(|| panic!("{} is never whole", capture.display()));
    (whole.split_off(20), overlapped)
}

#[test]
fn every_vector_of_overlapping_fragments_comes_out_exactly() {
    let Some(folder) = std::env::var_os("TIDEGATE_CORPORA").map(PathBuf::from) else {
        return skip_anywhere("TIDEGATE_CORPORA is unset");
    };
    let mut seen = Vec::new();
    for vector in vectors(&folder) {
        let name = vector["expected"]["policy"].as_str().unwrap();
        let (payload, overlapped) = reassembled(&folder.join(vector["file"].as_str().unwrap()), name);
        let expected = vector["expected"]["payload"].as_str().unwrap();
        assert_eq!(String::from_utf8_lossy(&payload), expected, "{name}");
        assert!(overlapped, "{name}: its fragments overlap, and none was told to");
        seen.push(name.to_owned());
    }
    seen.sort();
    assert_eq!(seen, VECTORS);
}
