//! A worker over memory: what verdicts do, whom events tell, where frames go.

mod fragments;
mod streams;
mod tunnels;

use std::net::Ipv4Addr;
use std::time::Duration;

use tidegate_config::Config;

use super::counters::Counter;
use super::event::Event;
use super::*;
use crate::flow::{FlowConfig, Seed, Timeouts};
use crate::port::memory::MemoryPort;
use crate::rules::RuleSet;
use crate::verdict::Verdict;
use crate::wire::LinkType;
use crate::wire::craft::Craft;
use crate::wire::packet::{Net, Transport};
use crate::wire::tcp::Flags;
use crate::xsk::{Layout, Umem};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const CHUNKS: u32 = 64;

/// Keeps events.
#[derive(Default)]
struct Kept(Vec<Event>);

impl EventSink for Kept {
    fn emit(&mut self, event: Event) {
        self.0.push(event);
    }
}

type Tested<'u> = Worker<'u, MemoryPort<'u>, Kept>;

fn umem() -> Umem {
    Umem::new(Layout { chunks: CHUNKS, chunk_size: 2048, headroom: 0 }).expect("memory")
}

fn rules(text: &str) -> RuleSet {
    RuleSet::from_source("test.rhai", text).unwrap_or_else(|errors| panic!("{}", errors.render(false))).rules
}

/// A worker between two memory ports, `inside` and `outside`.
fn worker<'u>(
    pool: Pool<'u>,
    shared: &Arc<Shared>,
    id: usize,
    exchange: Option<Arc<Exchange<'u>>>,
) -> Tested<'u> {
    let device = |name: &str, peer| Device { name: Arc::from(name), peer, way: peer ^ 1 };
    let door = |device| Door { port: MemoryPort::new(LinkType::Ethernet), device };
    let config = FlowConfig { capacity: 64, timeouts: Timeouts::default(), midstream: true, shard: (0, 1) };
    Worker::new(Parts {
        id,
        doors: vec![door(0), door(1)],
        devices: vec![device("inside", 1), device("outside", 0)],
        pool,
        flows: FlowTable::new(&config).expect("memory"),
        shared: Arc::clone(shared),
        exchange,
        sink: Kept::default(),
        settings: Settings::of(&Config::default(), Mode::Inline, 1),
        seed: Seed::from_number(3),
        pulse: Box::new(|| {}),
    })
}

fn alone<'u>(umem: &'u mut Umem, text: &str) -> (Tested<'u>, Arc<Shared>) {
    let shared = Arc::new(Shared::new(rules(text), 1, 2));
    let pool = umem.split(1).remove(0);
    (worker(pool, &shared, 0, None), shared)
}

impl Tested<'_> {
    /// Lets `packets` in at `door`, one millisecond later than before.
    fn feed(&mut self, door: usize, packets: &[Vec<u8>]) {
        for packet in packets {
            self.doors[door].port.inject(packet);
        }
        let now = self.now.max(Timestamp::from_secs_micros(1_700_000_000, 0)).plus(Duration::from_millis(1));
        self.step(now);
    }

    /// Takes what left by `door`.
    fn left(&mut self, door: usize) -> Vec<Vec<u8>> {
        self.doors[door].port.take_sent().into_iter().map(|sent| sent.bytes).collect()
    }

    fn frames(&self) -> usize {
        self.pool.free_len() + self.doors.iter().map(|door| door.port.frames_held()).sum::<usize>()
    }

    fn told(&self, kind: fn(&Event) -> bool) -> usize {
        self.sink.0.iter().filter(|event| kind(event)).count()
    }
}

fn tcp(port: u16, flags: Flags) -> Vec<u8> {
    Craft::ethernet().ipv4(CLIENT, SERVER).tcp(40_000, port, flags, 7, 0).build()
}

fn udp(port: u16) -> Vec<u8> {
    Craft::ethernet().ipv4(CLIENT, SERVER).udp(40_000, port).payload(b"hello").build()
}

fn arp() -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 1, 0x08, 0x06]);
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2]);
    frame
}

const fn is_drop(event: &Event) -> bool {
    matches!(event, Event::Drop(_))
}

const fn is_alert(event: &Event) -> bool {
    matches!(event, Event::Alert(_))
}

#[test]
fn what_no_rule_decides_goes_on_unchanged() {
    let mut umem = umem();
    let (mut worker, _) = alone(&mut umem, "");
    let packets = [udp(53), arp(), vec![0; 9]];
    worker.feed(0, &packets);
    assert_eq!(worker.left(1), packets);
    assert_eq!(worker.left(0), [[0; 0]; 0]);
    assert_eq!(worker.frames(), CHUNKS as usize);
}

#[test]
fn a_packet_rule_ends_its_packet_alone() {
    let mut umem = umem();
    let (mut worker, shared) =
        alone(&mut umem, "rule \"big\" on packet when pkt.len > 100 { alert(\"b\"); drop(); }");
    let big = Craft::ethernet().ipv4(CLIENT, SERVER).udp(40_000, 53).payload(&[0; 200]).build();
    worker.feed(0, &[udp(53), big.clone(), udp(53), big]);
    assert_eq!(worker.left(1), [udp(53), udp(53)]);
    assert_eq!((worker.told(is_drop), worker.told(is_alert)), (2, 2));
    assert_eq!(shared.rules().hits(), [2]);
    let flow = worker.flows.reader().records(9, |_| true);
    assert!(flow[0].alerted && flow[0].packets == [4, 0], "{flow:?}");
}

#[test]
fn a_flow_rule_ends_the_whole_flow_and_is_told_once() {
    let mut umem = umem();
    let (mut worker, shared) =
        alone(&mut umem, "rule \"no dns\" on flow_open when flow.server.port == 53 { drop(); }");
    worker.feed(0, &[udp(53), udp(53), udp(54)]);
    let answer = Craft::ethernet().ipv4(SERVER, CLIENT).udp(53, 40_000).build();
    worker.feed(1, &[answer]);
    assert_eq!(worker.left(1), [udp(54)]);
    assert_eq!(worker.left(0), [[0; 0]; 0]);
    assert_eq!(worker.told(is_drop), 1);
    assert_eq!(shared.block(0).counters.read(Counter::Dropped), 3);
    assert_eq!(shared.rules().hits(), [1]);
}

#[test]
fn a_reload_judges_open_flows_again() {
    let mut umem = umem();
    let (mut worker, shared) = alone(&mut umem, "");
    worker.feed(0, &[udp(53)]);
    shared.install(rules("rule \"no dns\" on flow_open when flow.server.port == 53 { drop(); }"));
    worker.feed(0, &[udp(53)]);
    shared.install(RuleSet::default());
    worker.feed(0, &[udp(53)]);
    assert_eq!(worker.left(1).len(), 2);
    let flows = worker.flows.reader().records(9, |_| true);
    assert_eq!(flows.len(), 1, "the flow outlives the rules");
    assert_eq!(flows[0].packets, [3, 0]);
}

#[test]
fn dropping_by_default_spares_arp_and_what_a_rule_accepts() {
    let mut umem = umem();
    let text = "rule \"dns\" on flow_open when flow.server.port == 53 { accept(); }
                rule \"ssh\" on packet when tcp.dstport == 22 { accept(); }";
    let (mut worker, _) = alone(&mut umem, text);
    worker.settings.default_verdict = Verdict::Drop;
    worker.feed(0, &[udp(53), udp(54), arp(), tcp(22, Flags::SYN), tcp(23, Flags::SYN), udp(53)]);
    assert_eq!(worker.left(1), [udp(53), arp(), tcp(22, Flags::SYN), udp(53)]);
}

#[test]
fn a_rejected_syn_is_answered_by_a_reset() {
    let mut umem = umem();
    let (mut worker, _) =
        alone(&mut umem, "rule \"no ssh\" on flow_open when flow.server.port == 22 { reject(); }");
    worker.feed(0, &[tcp(22, Flags::SYN)]);
    assert_eq!(worker.left(1), [[0; 0]; 0]);
    let answers = worker.left(0);
    let (packet, malformed) = crate::wire::Packet::decode(LinkType::Ethernet, &answers[0], 54);
    assert_eq!((answers.len(), malformed), (1, None));
    let Transport::Tcp(reset) = packet.transport else { panic!("{packet:?}") };
    assert_eq!((reset.src_port, reset.dst_port, reset.seq, reset.ack), (22, 40_000, 0, 8));
    assert_eq!(reset.flags, Flags::RST | Flags::ACK);
    assert!(matches!(packet.net, Net::V4(ip) if ip.src == SERVER && ip.dst == CLIENT));
    assert_eq!(worker.frames(), CHUNKS as usize);
}

#[test]
fn a_rejected_open_connection_is_reset_at_both_ends() {
    let mut umem = umem();
    let (mut worker, _) = alone(&mut umem, "rule \"no push\" on packet when tcp.flags.psh { reject(); }");
    worker.feed(0, &[tcp(80, Flags::SYN)]);
    let back = |flags| Craft::ethernet().ipv4(SERVER, CLIENT).tcp(80, 40_000, flags, 100, 8).build();
    worker.feed(1, &[back(Flags::SYN | Flags::ACK)]);
    let up = |flags| Craft::ethernet().ipv4(CLIENT, SERVER).tcp(40_000, 80, flags, 8, 101).build();
    worker.feed(0, &[up(Flags::ACK)]);
    worker.left(0);
    worker.left(1);
    worker.feed(0, &[up(Flags::ACK | Flags::PSH)]);
    assert_eq!((worker.left(0).len(), worker.left(1).len()), (1, 1));
}

#[test]
fn a_full_way_out_costs_the_packet_and_is_counted() {
    let mut umem = umem();
    let (mut worker, shared) = alone(&mut umem, "");
    worker.doors[1].port = MemoryPort::new(LinkType::Ethernet).with_room_for(2);
    worker.feed(0, &[udp(1), udp(2), udp(3)]);
    assert_eq!(worker.left(1), [udp(1), udp(2)]);
    assert_eq!(shared.block(0).counters.read(Counter::TxFull), 1);
    assert_eq!(worker.frames(), CHUNKS as usize);
}

#[test]
fn what_does_not_decode_passes_or_ends_as_configured() {
    let mut umem = umem();
    let (mut worker, shared) = alone(&mut umem, "");
    let mut lying = udp(53);
    lying[14] = 0x42; // a header of 8 bytes
    worker.feed(0, &[lying.clone()]);
    assert_eq!(worker.left(1), [lying.clone()]);
    worker.settings.drop_malformed = true;
    worker.feed(0, &[lying]);
    assert_eq!(worker.left(1), [[0; 0]; 0]);
    let counters = shared.block(0);
    assert_eq!(counters.counters.read(Counter::DroppedMalformed), 1);
    let malformed: Vec<_> = counters.malformed.read().collect();
    assert_eq!(malformed, [("decoder.malformed.ipv4.bad_header_length".to_owned(), 2)]);
}

#[test]
fn a_wrong_checksum_is_counted_and_ends_the_packet_only_if_so_configured() {
    let mut umem = umem();
    let (mut worker, shared) = alone(&mut umem, "");
    let mut corrupt = udp(53);
    *corrupt.last_mut().expect("a payload") ^= 1;
    worker.feed(0, &[corrupt.clone()]);
    worker.settings.verify_checksums = true;
    worker.feed(0, &[corrupt.clone(), udp(53)]);
    assert_eq!(worker.left(1), [corrupt.clone(), corrupt.clone(), udp(53)]);
    worker.settings.drop_malformed = true;
    worker.feed(0, &[corrupt, udp(53)]);
    assert_eq!(worker.left(1), [udp(53)]);
    let counters = shared.block(0).counters;
    assert_eq!(counters.read(Counter::BadTransportChecksum), 2);
    assert_eq!(counters.read(Counter::DroppedMalformed), 1);
}

#[test]
fn a_flow_that_ends_is_told_and_asked_about() {
    let mut umem = umem();
    let (mut worker, _) = alone(
        &mut umem,
        "rule \"bye\" on flow_close when flow.packets == 2 { alert(`${flow.server.port}`); }",
    );
    worker.feed(0, &[udp(53), udp(53), udp(54)]);
    let later = worker.now.plus(Duration::from_mins(1));
    // A bounded piece of the sweep in each step.
    for millis in 0..4 {
        worker.step(later.plus(Duration::from_millis(2 * millis)));
    }
    assert_eq!(
        worker
            .told(|event| matches!(event, Event::Flow(end) if end.reason == crate::flow::EndReason::Timeout)),
        2
    );
    let said: Vec<_> = worker
        .sink
        .0
        .iter()
        .filter_map(|event| if let Event::Alert(alert) = event { Some(&alert.message) } else { None })
        .collect();
    assert_eq!(said, ["53"]);
}

#[test]
fn packets_meet_at_the_worker_that_owns_their_flow() {
    let mut umem = umem();
    let shared = Arc::new(Shared::new(RuleSet::default(), 2, 2));
    let exchange = Exchange::new(vec![None, None]);
    let mut pools = umem.split(2).into_iter();
    let mut workers: Vec<_> = (0..2)
        .map(|id| worker(pools.next().expect("two pools"), &shared, id, Some(Arc::clone(&exchange))))
        .collect();
    let [first, second] = &mut *workers else { unreachable!("two workers") };
    // All packets up come in at the first worker, all packets down at the second.
    let up: Vec<_> = (1..=20).map(udp).collect();
    let down: Vec<_> =
        (1..=20).map(|port| Craft::ethernet().ipv4(SERVER, CLIENT).udp(port, 40_000).build()).collect();
    first.feed(0, &up);
    second.feed(1, &down);
    first.feed(0, &[]);
    second.feed(0, &[]);
    let of = |counter| [0, 1].map(|worker| shared.block(worker).counters.read(counter));
    let (out, taken) = (of(Counter::HandedOff), of(Counter::TakenOver));
    assert!(out[0] > 0 && out[1] > 0, "{out:?}");
    assert_eq!(taken, [out[1], out[0]]);
    assert_eq!(exchange.waiting(), 0);
    let flows: Vec<_> =
        [&*first, &*second].iter().flat_map(|worker| worker.flows.reader().records(99, |_| true)).collect();
    assert_eq!(flows.len(), 20);
    assert!(flows.iter().all(|flow| flow.packets == [1, 1]), "{flows:?}");
    let mut sent = [first.left(1), second.left(1)].concat();
    sent.sort();
    let mut expected = up;
    expected.sort();
    assert_eq!(sent, expected);
    first.pool.reclaim();
    second.pool.reclaim();
    assert_eq!(first.frames() + second.frames(), CHUNKS as usize);
    assert_eq!(first.pool.free_len(), CHUNKS as usize / 2, "every chunk came home");
}
