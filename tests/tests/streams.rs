//! Novak and Sturges' test of target-based reassembly, as Suricata's own tests
//! have it: the same segments to receivers of each kind, and after each segment
//! what its stream buffer must hold.
//!
//! The vectors are not ours to carry along: `TIDEGATE_CORPORA` names a folder
//! with a `truth.jsonl` that holds them (field `tcp.overlap`).

#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use serde_json::Value;
use tidegate::flow::stream::{
    Direction, Discipline, Interest, Segment, StreamConfig, StreamHandle, StreamSink, Streams,
};
use tidegate_config::StreamPolicy;
use tidegate_tests::skip::skip_anywhere;

const POLICIES: [StreamPolicy; 8] = [
    StreamPolicy::Linux,
    StreamPolicy::Bsd,
    StreamPolicy::OldLinux,
    StreamPolicy::Windows,
    StreamPolicy::Vista,
    StreamPolicy::Solaris,
    StreamPolicy::First,
    StreamPolicy::Last,
];

/// A sink that keeps the stream.
#[derive(Default)]
struct Stream(Vec<u8>);

impl StreamSink for Stream {
    fn bytes(&mut self, _: Direction, at: u64, bytes: &[u8]) -> Interest {
        assert_eq!(at, self.0.len() as u64);
        self.0.extend_from_slice(bytes);
        Interest::More
    }

    fn gap(&mut self, _: Direction, at: u64, len: u64) -> Interest {
        panic!("a gap of {len} at {at} although nothing was acknowledged");
    }
}

/// What is remembered, as the vectors write it: 00 where nothing has arrived.
fn buffer(streams: &Streams, handle: StreamHandle) -> String {
    let mut buffer = Vec::new();
    for (at, bytes) in streams.buffered(handle, Direction::Up) {
        buffer.resize(usize::try_from(at).unwrap(), 0);
        buffer.extend(bytes);
    }
    hex(&buffer)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Plays one vector; the sequence number of the first byte is `first_seq`.
fn play(vector: &Value, first_seq: u32) {
    let name = vector["vector_id"].as_str().unwrap();
    let policy = vector["expected"]["policy"].as_str().unwrap();
    let policy = POLICIES.into_iter().find(|one| one.name() == policy).unwrap();
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let mut streams = Streams::new(&StreamConfig {
        depth: None,
        memory: 1 << 20,
        flow_memory: 1 << 19,
        discipline: Discipline::Passive,
        policy,
        policies: Vec::new(),
    });
    let handle = streams.open(address, address).unwrap();
    streams.begin(handle, Direction::Up, first_seq);
    let mut stream = Stream::default();
    let mut last = String::new();
    for step in vector["expected"]["steps"].as_array().unwrap() {
        let place = u32::try_from(step["rel_seq"].as_u64().unwrap()).unwrap() - 1;
        let payload = step["data"].as_str().unwrap();
        let segment = Segment { seq: first_seq.wrapping_add(place), payload: payload.as_bytes(), fin: false };
        streams.segment(handle, Direction::Up, &segment, &mut stream);
        last = buffer(&streams, handle);
        assert_eq!(last, step["buffer_hex"].as_str().unwrap(), "{name}: after {payload} at {place}");
    }
    assert_eq!(hex(&stream.0), last, "{name}: with the first byte there, all was told");
}

#[test]
fn every_receiver_reads_what_its_system_makes_of_overlapping_segments() {
    let Some(folder) = std::env::var_os("TIDEGATE_CORPORA").map(PathBuf::from) else {
        return skip_anywhere("TIDEGATE_CORPORA is unset");
    };
    let truth = std::fs::read_to_string(folder.join("truth.jsonl")).unwrap();
    let records = truth.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let vectors: Vec<_> = records.filter(|record| record["field"] == "tcp.overlap").collect();
    assert!(vectors.len() >= 6, "only {} vectors", vectors.len());
    for vector in vectors {
        for first_seq in [1, u32::MAX - 10] {
            play(&vector, first_seq);
        }
    }
}
