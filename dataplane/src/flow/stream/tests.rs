//! What streams promise, one sentence at a time.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "places of tests are small, and a test ends where an expectation fails"
)]

use super::oracle::{Told, config, open};
use super::pool::BLOCK_LEN;
use super::*;

const UP: Direction = Direction::Up;

/// One connection, what its sink was told of the way up, and how the last
/// segment fared.
struct Rig {
    streams: Streams,
    handle: StreamHandle,
    told: Told,
}

impl Rig {
    fn new(config: &StreamConfig) -> Self {
        let mut streams = Streams::new(config);
        let handle = open(&mut streams);
        streams.begin(handle, UP, 0);
        Self { streams, handle, told: Told::default() }
    }

    fn inline() -> Self {
        Self::new(&config(Discipline::Inline, StreamPolicy::Linux))
    }

    fn passive(policy: StreamPolicy) -> Self {
        Self::new(&config(Discipline::Passive, policy))
    }

    fn send(&mut self, seq: u32, payload: &[u8]) -> Taken {
        self.streams.segment(self.handle, UP, &Segment { seq, payload, fin: false }, &mut self.told)
    }

    fn fin(&mut self, seq: u32, payload: &[u8]) -> Taken {
        self.streams.segment(self.handle, UP, &Segment { seq, payload, fin: true }, &mut self.told)
    }

    fn ack(&mut self, ack: u32) -> Vec<Anomaly> {
        self.streams.acknowledged(self.handle, UP, ack, &mut self.told).iter().collect()
    }

    fn close(&mut self) -> Vec<Anomaly> {
        self.streams.close(self.handle, &mut self.told).iter().collect()
    }

    fn original(&self, seq: u32, payload: &[u8]) -> Option<Vec<u8>> {
        let mut payload = payload.to_vec();
        self.streams.original(self.handle, UP, seq, &mut payload).then_some(payload)
    }

    /// What was told, `_` for each byte of a gap.
    fn text(&self) -> String {
        self.told.stream.iter().map(|byte| byte.map_or('_', char::from)).collect()
    }

    /// Blocks that the one connection holds.
    fn blocks(&self) -> usize {
        assert_eq!(self.streams.counters().open, 1);
        self.streams.counters().memory_bytes as usize / BLOCK_LEN
    }
}

fn anomalies(taken: Taken) -> Vec<Anomaly> {
    taken.anomalies.iter().collect()
}

#[test]
fn bytes_are_told_in_order_and_once() {
    let mut rig = Rig::inline();
    rig.send(0, b"abc");
    rig.send(6, b"ghi");
    rig.send(6, b"ghi");
    assert_eq!(rig.text(), "abc");
    rig.send(2, b"cdefg");
    assert_eq!(rig.text(), "abcdefghi");
    let counters = rig.streams.counters();
    assert_eq!((counters.out_of_order, counters.overlaps, counters.conflicts), (2, 2, 0));
    assert_eq!((counters.segments, counters.bytes), (4, 9));
}

#[test]
fn what_was_forwarded_first_counts_until_it_is_acknowledged() {
    let mut rig = Rig::inline();
    rig.send(0, b"GET /good");
    let taken = rig.send(0, b"GET /evil");
    assert_eq!(anomalies(taken), [Anomaly::StreamReassemblyOverlapDifferentData]);
    assert!(taken.conflict);
    assert_eq!(rig.original(0, b"GET /evil").unwrap(), b"GET /good");
    assert_eq!(rig.original(0, b"GET /good"), None, "nothing to put right");

    rig.send(20, b"ahead");
    assert!(rig.send(18, b"xxxxx").conflict, "out of order, too");
    assert_eq!(rig.original(18, b"xxxxx").unwrap(), b"xxahe");

    rig.ack(5);
    assert!(!rig.send(0, b"PUT_!").conflict, "the receiver has these");
    assert_eq!(rig.original(0, b"PUT_!evil").unwrap(), b"PUT_!good");
    assert_eq!(rig.text(), "GET /good");
}

#[test]
fn what_waits_behind_a_hole_when_a_connection_is_reset_was_never_received() {
    let mut rig = Rig::passive(StreamPolicy::Linux);
    rig.send(0, b"ab");
    rig.send(5, b"fg");
    rig.send(9, b"jk");
    assert_eq!(rig.ack(6), [Anomaly::StreamReassemblySeqGap]);
    rig.streams.cut_short(rig.handle);
    assert_eq!((rig.blocks(), rig.close()), (0, vec![]));
    assert_eq!(rig.text(), "ab___fg");

    // Where no acknowledgement goes by, nobody knows.
    let mut deaf = Rig::passive(StreamPolicy::Linux);
    deaf.send(0, b"ab");
    deaf.send(5, b"fg");
    deaf.streams.cut_short(deaf.handle);
    assert_eq!(deaf.close(), [Anomaly::StreamReassemblySeqGap]);
    assert_eq!(deaf.text(), "ab___fg");
}

#[test]
fn an_acknowledged_stream_holds_no_memory() {
    let mut rig = Rig::inline();
    for round in 0..100_u32 {
        rig.send(round * 1400, &[b'x'; 1400]);
        assert!(rig.blocks() >= 1);
        rig.ack((round + 1) * 1400);
        assert_eq!(rig.blocks(), 0);
    }
}

#[test]
fn an_acknowledged_hole_is_a_gap_and_the_bytes_behind_it_follow() {
    let mut rig = Rig::inline();
    rig.send(0, b"ab");
    rig.send(5, b"fg");
    rig.send(9, b"jk");
    assert_eq!(rig.ack(6), [Anomaly::StreamReassemblySeqGap]);
    assert_eq!(rig.text(), "ab___fg");
    assert_eq!(rig.ack(9), [Anomaly::StreamReassemblySeqGap]);
    assert_eq!(rig.text(), "ab___fg__jk");
    assert_eq!(rig.ack(12), [Anomaly::StreamReassemblySeqGap]);
    assert_eq!(rig.text(), "ab___fg__jk_");
    assert_eq!(rig.ack(12), []);
    assert_eq!((rig.streams.counters().gaps, rig.streams.counters().gap_bytes), (3, 6));
    rig.send(12, b"l");
    assert_eq!(rig.text(), "ab___fg__jk_l");
}

#[test]
fn the_end_is_told_once_and_when_all_before_it_was() {
    let mut rig = Rig::inline();
    rig.fin(3, b"d");
    assert!(!rig.told.ended);
    rig.send(0, b"abc");
    assert!(rig.told.ended);
    rig.fin(3, b"d");
    rig.send(4, b"beyond the end");
    assert_eq!(rig.ack(5), [], "the FIN is no byte");
    assert_eq!(rig.close(), []);
    assert_eq!(rig.text(), "abcd");
    assert_eq!(rig.streams.counters().depth_reached, 0);
}

#[test]
fn closing_tells_what_is_there_with_gaps() {
    let mut rig = Rig::inline();
    rig.send(2, b"c");
    rig.send(5_000, b"z");
    assert_eq!(rig.close(), [Anomaly::StreamReassemblySeqGap]);
    assert_eq!(rig.text(), format!("__c{}z", "_".repeat(4_997)));
    assert_eq!(rig.streams.counters().memory_bytes, 0);

    let mut rig = Rig::inline();
    rig.send(0, b"a");
    rig.fin(3, b"");
    assert_eq!(rig.close(), [Anomaly::StreamReassemblySeqGap]);
    assert_eq!(rig.text(), "a__");
    assert!(rig.told.ended);
}

#[test]
fn a_closed_handle_answers_with_nothing_and_its_place_is_used_again() {
    let mut rig = Rig::inline();
    rig.send(0, b"abc");
    rig.close();
    assert_eq!(rig.send(0, b"xyz"), Taken::default());
    assert_eq!((rig.ack(3), rig.original(0, b"xyz"), rig.close()), (vec![], None, vec![]));
    assert_eq!(rig.text(), "abc");
    let again = open(&mut rig.streams);
    assert_eq!(again, rig.handle);
    assert_eq!(StreamHandle::from_number(again.number()), Some(again));
    assert_eq!(StreamHandle::from_number(u32::MAX), None);
    assert!(rig.streams.buffered(again, UP).is_empty());
}

#[test]
fn inspection_ends_at_the_depth_and_is_counted_once() {
    let depth = StreamConfig { depth: Some(4), ..config(Discipline::Inline, StreamPolicy::Linux) };
    let mut rig = Rig::new(&depth);
    assert!(rig.send(6, b"ghi").anomalies.iter().eq([Anomaly::StreamReassemblyDepthReached]));
    assert_eq!(rig.blocks(), 0, "nothing beyond the depth is kept");
    assert_eq!(rig.send(0, b"abcdef"), Taken::default());
    assert_eq!(rig.text(), "abcd");
    assert!(rig.send(2, b"xx").conflict, "what was inspected is held to");
    rig.ack(9);
    assert_eq!(rig.blocks(), 0);
    rig.fin(9, b"jkl");
    rig.close();
    assert_eq!((rig.text().as_str(), rig.told.ended), ("abcd", false));
    assert_eq!((rig.streams.counters().depth_reached, rig.streams.counters().gaps), (1, 0));
}

#[test]
fn a_sink_that_had_enough_hears_no_more_and_memory_is_freed() {
    for discipline in [Discipline::Inline, Discipline::Passive] {
        let mut rig = Rig::new(&config(discipline, StreamPolicy::Linux));
        rig.told.enough_at = Some(3);
        for far in [3_u32, 10, 5_000, 9_000] {
            rig.send(far, b"zz");
        }
        rig.send(0, b"abc");
        assert_eq!(rig.text(), "abc");
        match discipline {
            Discipline::Inline => {
                // What was inspected is pinned: a page, and the node that finds it.
                assert_eq!(rig.streams.buffered(rig.handle, UP), [(0, b"abc".to_vec())]);
                assert_eq!(rig.blocks(), 2);
            }
            Discipline::Passive => assert_eq!(rig.blocks(), 0),
        }
        assert_eq!(rig.send(0, b"abX").conflict, discipline == Discipline::Inline);
        rig.send(20_000, b"more");
        rig.ack(30_000);
        assert_eq!((rig.blocks(), rig.close()), (0, vec![]));
        assert_eq!((rig.text().as_str(), rig.streams.counters().depth_reached), ("abc", 0));
    }
}

#[test]
fn a_caller_that_had_enough_is_obeyed() {
    let mut rig = Rig::inline();
    rig.send(0, b"ab");
    rig.send(100, b"waits");
    rig.streams.enough(rig.handle, UP);
    rig.send(2, b"cd");
    assert_eq!(rig.text(), "ab");
    rig.ack(200);
    assert_eq!(rig.blocks(), 0);
}

#[test]
fn a_stream_without_handshake_begins_at_its_first_segment() {
    let mut streams = Streams::new(&config(Discipline::Inline, StreamPolicy::Linux));
    let handle = open(&mut streams);
    let mut told = Told::default();
    assert!(streams.acknowledged(handle, UP, 77, &mut told).is_empty());
    streams.segment(handle, UP, &Segment { seq: 1_000, payload: b"ab", fin: false }, &mut told);
    let before = Segment { seq: 990, payload: b"old", fin: false };
    let taken = streams.segment(handle, UP, &before, &mut told);
    assert_eq!(anomalies(taken), [Anomaly::StreamReassemblySegmentBeforeBaseSeq]);
    assert_eq!(told.stream, [Some(b'a'), Some(b'b')]);
}

#[test]
fn places_go_on_where_sequence_numbers_wrap() {
    // Gaps of 2 GiB less some bring the stream to each wrap, and to each half.
    let mut streams = Streams::new(&config(Discipline::Inline, StreamPolicy::Linux));
    let handle = open(&mut streams);
    let first_seq = 0xdead_beef_u32;
    streams.begin(handle, UP, first_seq);
    for half in 1..=9_u64 {
        let next = (half << 31) - u64::from(first_seq) % (1 << 31) - 5_000;
        let seq = |place: u64| first_seq.wrapping_add(place as u32);
        let mut leap = Leap(0);
        streams.acknowledged(handle, UP, seq(next), &mut leap);
        assert_eq!(leap.0, next);

        let mut told = Told { from: next, ..Told::default() };
        let bytes: Vec<u8> = (0..10_000_u32).map(|at| (at * 31 / 7) as u8).collect();
        for pair in bytes.chunks(700).enumerate().collect::<Vec<_>>().chunks(2) {
            for &(number, chunk) in pair.iter().rev() {
                let segment = Segment { seq: seq(next + number as u64 * 700), payload: chunk, fin: false };
                assert_eq!(streams.segment(handle, UP, &segment, &mut told), Taken::default());
            }
        }
        assert!(told.stream.iter().copied().eq(bytes.iter().copied().map(Some)), "half {half}");
        assert_eq!(streams.buffered(handle, UP), [(next, bytes)]);
        streams.acknowledged(handle, UP, seq(next + 10_000), &mut told);
        assert!(streams.buffered(handle, UP).is_empty());
    }
}

/// A sink that only wants to know how far a stream is.
struct Leap(u64);

impl StreamSink for Leap {
    fn bytes(&mut self, _: Direction, at: u64, bytes: &[u8]) -> Interest {
        self.gap(UP, at, bytes.len() as u64)
    }

    fn gap(&mut self, _: Direction, at: u64, len: u64) -> Interest {
        self.0 = at + len;
        Interest::More
    }
}

#[test]
fn the_directions_of_a_connection_and_connections_are_apart() {
    let policies = vec!["10.0.0.1/32=last".parse().unwrap()];
    let limits = StreamConfig { policies, ..config(Discipline::Passive, StreamPolicy::First) };
    let mut streams = Streams::new(&limits);
    let (one, other) = (open(&mut streams), open(&mut streams));
    for (handle, direction, expected) in
        // The server, who receives what goes up, is 10.0.0.1.
        [(one, UP, "ay"), (one, Direction::Down, "ax"), (other, Direction::Down, "ax")]
    {
        let mut told = Told::default();
        streams.begin(handle, direction, 9);
        for (seq, payload) in [(10, b"x"), (10, b"y"), (9, b"a")] {
            streams.segment(handle, direction, &Segment { seq, payload, fin: false }, &mut told);
        }
        assert!(told.stream.iter().copied().eq(expected.bytes().map(Some)), "{expected}");
    }
}

/// Two segments beside one another, in every way that they can overlap, with
/// what each policy makes of the places from 2 on. The old one is `OOOO` at 4.
#[test]
fn each_policy_decides_about_two_segments_as_its_system_does() {
    use StreamPolicy::{Bsd, First, Last, Linux, OldLinux, Solaris, Vista, Windows};
    let cases: [(u32, &[u8], &[StreamPolicy]); 9] = [
        (2, b"nnnn", &[Bsd, Windows, Linux, OldLinux, Last]),
        (2, b"nnnnnn", &[Bsd, Windows, Linux, OldLinux, Last, Solaris]),
        (2, b"nnnnnnnn", &[Bsd, Windows, Linux, OldLinux, Last, Solaris]),
        (4, b"nn", &[Last]),
        (4, b"nnnn", &[OldLinux, Last, Solaris]),
        (4, b"nnnnnn", &[Linux, OldLinux, Last, Solaris]),
        (5, b"nn", &[Last]),
        (6, b"nn", &[Last]),
        (6, b"nnnn", &[Last, Solaris]),
    ];
    for (seq, payload, new_wins) in cases {
        for policy in [Bsd, Windows, Linux, OldLinux, Solaris, Vista, First, Last] {
            let mut rig = Rig::passive(policy);
            rig.send(4, b"OOOO");
            assert!(rig.send(seq, payload).conflict);
            rig.ack(20);
            let expected: String = (0..20)
                .map(|at| {
                    let new = (seq..seq + payload.len() as u32).contains(&at);
                    match ((4..8).contains(&at), new) {
                        (true, true) if new_wins.contains(&policy) => 'n',
                        (true, _) => 'O',
                        (false, new) => {
                            if new {
                                'n'
                            } else {
                                '_'
                            }
                        }
                    }
                })
                .collect();
            assert_eq!(rig.text(), expected, "{policy:?}: {} at {seq}", payload.len());
        }
    }
}

#[test]
fn told_bytes_never_change_whatever_the_policy() {
    for policy in [StreamPolicy::Last, StreamPolicy::Solaris, StreamPolicy::Bsd] {
        let mut rig = Rig::passive(policy);
        rig.send(0, b"abc");
        assert!(rig.send(0, b"xyzd").conflict);
        assert_eq!(rig.text(), "abcd");
        assert_eq!(rig.streams.buffered(rig.handle, UP), [(0, b"abcd".to_vec())]);
    }
}

#[test]
fn single_bytes_far_and_wide_stay_in_bounded_memory() {
    let limits =
        StreamConfig { flow_memory: 40 * BLOCK_LEN, ..config(Discipline::Inline, StreamPolicy::Linux) };
    let mut rig = Rig::new(&limits);
    let mut first_refusal = None;
    for number in 1..20_000_u32 {
        let taken = rig.send(number.wrapping_mul(0x000b_5ad5) % 0x3fff_ffff + 1, b"x");
        if taken.unkept && first_refusal.is_none() {
            first_refusal = Some(anomalies(taken));
        } else {
            assert!(taken.anomalies.is_empty(), "told once");
        }
        assert!(rig.blocks() <= 40);
    }
    assert_eq!(first_refusal.unwrap(), [Anomaly::StreamReassemblyInsertLimit]);
    assert!(rig.streams.counters().flow_memory_full > 10_000);
    // Inspection goes on: in order, and behind the gap.
    rig.send(0, b"a");
    assert_eq!(rig.text(), "a");
    rig.told.stream.clear();
    rig.told.from = 1;
    assert_eq!(rig.close(), [Anomaly::StreamReassemblySeqGap]);
    assert_eq!(rig.streams.counters().memory_bytes, 0);
}

#[test]
fn every_other_byte_of_a_window_costs_one_acknowledgement_a_bounded_number_of_gaps() {
    let mut rig = Rig::inline();
    for place in 0..30_000_u32 {
        rig.send(place * 2 + 1, b"x");
    }
    assert!(rig.blocks() <= 60_000 / 2048 + 2);
    rig.ack(60_000);
    assert_eq!(rig.told.stream.len(), 60_000);
    assert_eq!(rig.streams.counters().gaps, 1025);
    assert_eq!(rig.text().matches('x').count(), 1024);
    assert_eq!(rig.blocks(), 0);
    rig.send(60_000, b"on");
    assert!(rig.text().ends_with("_on"));
}

#[test]
fn a_segment_costs_the_same_however_much_waits() {
    let mut rig = Rig::inline();
    // Pages near and far, until there is no room, and one that is full of holes.
    for number in 1..2_000_u32 {
        rig.send(number.wrapping_mul(0x000b_5ad5) % 0x3fff_ffff + 1, b"x");
        assert!(rig.streams.looks() <= 20, "to put one in, new or refused");
    }
    let pages = rig.blocks() as u64;
    assert!(rig.streams.counters().flow_memory_full > 0 && pages > 500);
    rig.send(0, b"a");
    assert!(rig.streams.looks() <= 20, "in order");
    rig.ack(1);
    assert!(rig.streams.looks() <= 20, "acknowledged, nothing beyond it");
    // A hole is passed by looking at each branch once, on each of three levels.
    rig.told.stream.reserve(1 << 20);
    let hole = rig.streams.buffered(rig.handle, UP).first().map_or(0, |&(at, _)| at);
    rig.streams.looks();
    rig.ack(hole as u32);
    assert!(rig.streams.looks() <= 3 * 3 * 512 + 20);
    assert_eq!(rig.told.stream.len() as u64, hole + 1);
    // All of them: so much for each page, and for each branch of their nodes.
    rig.streams.enough(rig.handle, UP);
    assert!(rig.streams.looks() <= pages * (3 * 3 * 512));
    assert!(rig.blocks() <= 4);
}

#[test]
fn a_way_that_is_never_acknowledged_remembers_its_latest_bytes() {
    let limits =
        StreamConfig { flow_memory: 10 * BLOCK_LEN, ..config(Discipline::Inline, StreamPolicy::Linux) };
    let mut rig = Rig::new(&limits);
    for round in 0..100_u32 {
        assert!(!rig.send(round * 1_000, &[b'a'; 1_000]).unkept);
        assert!(rig.blocks() <= 10);
    }
    assert_eq!(rig.told.stream.len(), 100_000);
    assert!(rig.send(99_000, b"zz").conflict);
    assert!(!rig.send(0, b"zz").conflict, "long forgotten");
    let counters = rig.streams.counters();
    assert!(counters.forgotten_bytes > 80_000 && counters.flow_memory_full == 0);
}

#[test]
fn without_any_memory_bytes_in_order_are_still_inspected() {
    let limits = StreamConfig { flow_memory: 0, ..config(Discipline::Inline, StreamPolicy::Linux) };
    let mut rig = Rig::new(&limits);
    let taken = rig.send(0, b"abc");
    assert_eq!((taken.unkept, anomalies(taken)), (true, vec![Anomaly::StreamReassemblyInsertLimit]));
    rig.send(4, b"e");
    rig.send(3, b"d");
    rig.ack(6);
    rig.send(6, b"g");
    assert_eq!(rig.text(), "abcd__g");

    let nothing = StreamConfig { memory: 0, ..limits };
    let mut streams = Streams::new(&nothing);
    let address = std::net::IpAddr::from([10, 0, 0, 1]);
    assert_eq!(streams.open(address, address), None);
    assert_eq!((streams.counters().refused, streams.counters().open), (1, 0));
}

#[test]
fn where_a_peer_cuts_too_small_for_a_policy_the_first_bytes_count() {
    let mut rig = Rig::passive(StreamPolicy::Solaris);
    for place in (1..2_000_u32).rev() {
        rig.send(place, b"o");
    }
    assert!(rig.streams.counters().pieces_full > 1_000);
    assert!(rig.send(1_990, b"nnnnnnnnnn").conflict);
    assert!(rig.send(1, b"nnnn").conflict);
    rig.send(0, b"o");
    let text = rig.text();
    assert_eq!((&text[1_990..], &text[..5]), ("nnnnnnnnnn", "ooooo"));
}

#[test]
fn every_counter_has_a_name_of_its_own() {
    let mut names = StreamCounters::default().named().map(|(name, _)| name).to_vec();
    assert!(names.iter().all(|name| name.starts_with("stream.")));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), StreamCounters::LEN);
}

/// What a segment in order and its acknowledgement cost:
/// `cargo test --release -p tidegate --lib flow::stream::tests::cost -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn cost_of_a_segment_in_order_and_its_acknowledgement() {
    const ROUNDS: u32 = 4_000_000;
    for (name, behind) in [("at once", 0), ("16 segments behind", 16)] {
        let mut streams = Streams::new(&config(Discipline::Inline, StreamPolicy::Linux));
        let handle = open(&mut streams);
        streams.begin(handle, UP, 0);
        let payload = [7; 1400];
        let mut leap = Leap(0);
        let start = std::time::Instant::now();
        for round in 0..ROUNDS {
            let seq = round.wrapping_mul(1400);
            let payload = std::hint::black_box(&payload);
            streams.segment(handle, UP, &Segment { seq, payload, fin: false }, &mut leap);
            let acked = seq.wrapping_add(1400).wrapping_sub(behind * 1400);
            streams.acknowledged(handle, UP, acked, &mut leap);
        }
        let each = start.elapsed().as_nanos() as f64 / f64::from(ROUNDS);
        assert_eq!(leap.0, u64::from(ROUNDS) * 1400);
        let line = format!("segment of 1,400 bytes and acknowledgement {name}: {each:.1} ns\n");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
}
