//! TCP segments through a worker: what is invalid, what contradicts itself.

use tidegate_config::{InvalidSegment, Normalise};

use super::*;
use crate::anomaly::Anomaly;
use crate::wire::Packet;
use crate::wire::checksum::Checksum;

fn up(flags: Flags, seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    Craft::ethernet().ipv4(CLIENT, SERVER).tcp(40_000, 80, flags, seq, ack).payload(payload).build()
}

fn down(flags: Flags, seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    Craft::ethernet().ipv4(SERVER, CLIENT).tcp(80, 40_000, flags, seq, ack).payload(payload).build()
}

/// Opens a connection whose bytes begin at 101 up and at 501 down.
fn connect(worker: &mut Tested<'_>) {
    worker.feed(0, &[up(Flags::SYN, 100, 0, b"")]);
    worker.feed(1, &[down(Flags::SYN | Flags::ACK, 500, 101, b"")]);
    worker.feed(0, &[up(Flags::ACK, 101, 501, b"")]);
    worker.left(0);
    worker.left(1);
}

fn payloads(frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let payload = |frame: &Vec<u8>| {
        let (packet, undecodable) = Packet::decode(LinkType::Ethernet, frame, 0);
        assert_eq!(undecodable, None);
        assert_eq!(packet.checksums(frame).transport, Checksum::Ok);
        packet.payload(frame).to_vec()
    };
    frames.iter().map(payload).collect()
}

fn told(worker: &Tested<'_>, anomaly: Anomaly) -> usize {
    let is = |event: &&Event| matches!(event, Event::Anomaly(odd) if odd.anomaly == anomaly);
    worker.sink.0.iter().filter(is).count()
}

#[test]
fn a_segment_with_other_bytes_than_inspected_is_put_right() {
    let mut umem = umem();
    let (mut worker, shared) = alone(&mut umem, "");
    connect(&mut worker);
    worker.feed(0, &[up(Flags::ACK, 101, 501, b"GET /good"), up(Flags::ACK, 101, 501, b"GET /evil")]);
    assert_eq!(payloads(&worker.left(1)), [b"GET /good", b"GET /good"]);
    assert_eq!(told(&worker, Anomaly::StreamReassemblyOverlapDifferentData), 1);
    assert_eq!(shared.block(0).counters.read(Counter::Rewritten), 1);
    // Out of order the first bytes forwarded count too, before the hole is filled.
    worker.feed(0, &[up(Flags::ACK, 115, 501, b"first"), up(Flags::ACK, 113, 501, b"--second")]);
    assert_eq!(payloads(&worker.left(1)), [&b"first"[..], b"--firstd"]);
    assert_eq!(worker.frames(), CHUNKS as usize);
}

#[test]
fn an_oddity_of_one_flow_is_told_so_often_and_counted_each_time() {
    let mut umem = umem();
    let (mut worker, shared) = alone(&mut umem, "");
    let most = Config::default().output.anomalies_per_flow as usize;
    connect(&mut worker);
    worker.feed(0, &[up(Flags::ACK, 101, 501, b"GET /good")]);
    for _ in 0..most + 50 {
        worker.feed(0, &[up(Flags::ACK, 101, 501, b"GET /evil")]);
        worker.left(1);
    }
    let odd = Anomaly::StreamReassemblyOverlapDifferentData;
    assert_eq!(told(&worker, odd), most);
    let counted = shared.block(0).anomalies.read().find(|(name, _)| *name == odd.counter());
    assert_eq!(counted.map(|(_, count)| count), Some(most as u64 + 50));
}

#[test]
fn a_stream_that_goes_on_beyond_the_depth_is_counted_and_not_told() {
    let mut umem = umem();
    let (mut worker, shared) = alone(&mut umem, "");
    let mut config = Config::default();
    config.stream.depth = 4;
    worker.streams = Streams::new(&Settings::of(&config, Mode::Inline, 1).streams);
    connect(&mut worker);
    worker.feed(0, &[up(Flags::ACK, 101, 501, b"GET /large"), up(Flags::ACK, 111, 501, b" HTTP/1.1")]);
    assert_eq!(payloads(&worker.left(1)), [&b"GET /large"[..], b" HTTP/1.1"]);
    let odd = Anomaly::StreamReassemblyDepthReached;
    let counted = shared.block(0).anomalies.read().find(|(name, _)| *name == odd.counter());
    assert_eq!((told(&worker, odd), counted.map(|(_, count)| count)), (0, Some(1)));
}

#[test]
fn bytes_that_a_reset_left_behind_a_hole_are_not_read() {
    let reads = |received: u32| {
        let mut umem = umem();
        let (mut worker, _) = alone(&mut umem, "");
        connect(&mut worker);
        worker.feed(0, &[up(Flags::ACK, 101, 501, b"GET / HTTP/1.1\r\n\r\n")]);
        worker.feed(1, &[down(Flags::ACK, 501, 119, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")]);
        worker.feed(0, &[up(Flags::ACK, 119, 540, b"")]);
        worker.feed(1, &[down(Flags::ACK, 550, 119, b"behind a hole")]);
        worker.feed(0, &[up(Flags::RST | Flags::ACK, 119, received, b"")]);
        let before = worker.streams.counters().bytes;
        worker.end_all_flows();
        let counters = worker.streams.counters();
        (before, counters.bytes, counters.gaps)
    };
    assert_eq!(reads(540), (57, 57, 0));
    assert_eq!(reads(563), (70, 70, 1), "the reset says that they were received");
}

#[test]
fn or_dropped_or_let_through_as_configured() {
    for (normalise, left) in [(Normalise::Drop, vec![&b"good"[..]]), (Normalise::Off, vec![b"good", b"evil"])]
    {
        let mut umem = umem();
        let (mut worker, shared) = alone(&mut umem, "");
        worker.settings.normalise = normalise;
        connect(&mut worker);
        worker.feed(0, &[up(Flags::ACK, 101, 501, b"good"), up(Flags::ACK, 101, 501, b"evil")]);
        assert_eq!(payloads(&worker.left(1)), left);
        assert_eq!(told(&worker, Anomaly::StreamReassemblyOverlapDifferentData), 1);
        let dropped = shared.block(0).counters.read(Counter::DroppedConflict);
        assert_eq!(dropped, u64::from(normalise == Normalise::Drop));
        assert_eq!(worker.frames(), CHUNKS as usize);
    }
}

#[test]
fn retransmissions_and_what_is_acknowledged_pass_unchanged() {
    let mut umem = umem();
    let (mut worker, _) = alone(&mut umem, "");
    connect(&mut worker);
    let sent = [up(Flags::ACK, 101, 501, b"hello"), up(Flags::ACK, 101, 501, b"hello")];
    worker.feed(0, &sent);
    assert_eq!(worker.left(1), sent);
    worker.feed(1, &[down(Flags::ACK, 501, 106, b"")]);
    // Nobody reads bytes that were acknowledged: they may say what they like.
    let old = [up(Flags::ACK, 101, 501, b"HELLO")];
    worker.feed(0, &old);
    assert_eq!(worker.left(1), old);
}

#[test]
fn a_forged_segment_changes_nothing_and_does_not_pass() {
    for (invalid, passes) in [(InvalidSegment::Drop, false), (InvalidSegment::Accept, true)] {
        let mut umem = umem();
        let (mut worker, shared) = alone(&mut umem, "");
        worker.settings.invalid = invalid;
        connect(&mut worker);
        let forged = [up(Flags::RST, 0x4000_0000, 0, b""), up(Flags::ACK, 0x5000_0000, 501, b"forged")];
        worker.feed(0, &forged);
        assert_eq!(worker.left(1).len(), if passes { 2 } else { 0 });
        assert_eq!(shared.block(0).counters.read(Counter::DroppedInvalid), if passes { 0 } else { 2 });
        let flows = worker.flows.reader().records(9, |_| true);
        assert_eq!(flows[0].state, crate::flow::FlowState::Established);
        worker.feed(0, &[up(Flags::ACK, 101, 501, b"real")]);
        assert_eq!(payloads(&worker.left(1)).last().map(Vec::as_slice), Some(&b"real"[..]));
    }
}

#[test]
fn streams_let_go_of_their_memory_with_their_flow() {
    let mut umem = umem();
    let (mut worker, _) = alone(&mut umem, "");
    connect(&mut worker);
    worker.feed(0, &[up(Flags::ACK, 101, 501, b"hello")]);
    assert_eq!(worker.streams.counters().open, 1);
    worker.end_all_flows();
    assert_eq!(worker.streams.counters().open, 0);
}
