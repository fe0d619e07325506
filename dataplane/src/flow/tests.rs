//! The table as a whole: what belongs together, who opened it, when it ends,
//! who makes room, and what other threads see meanwhile.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::*;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::packet::Vlans;
use crate::wire::tcp::Flags;
use crate::wire::tunnel::Tunnel;

const SYN: Flags = Flags::SYN;
const ACK: Flags = Flags::ACK;
const FIN_ACK: Flags = Flags::FIN.union(Flags::ACK);
const SYN_ACK: Flags = Flags::SYN.union(Flags::ACK);
const RST_ACK: Flags = Flags::RST.union(Flags::ACK);

type End = (IpAddr, u16);

fn end(address: u32, port: u16) -> End {
    (IpAddr::V4(Ipv4Addr::from_bits(address)), port)
}

const fn at(secs: u64) -> Timestamp {
    Timestamp::from_nanos(1_000_000_000_000_000_000 + secs * 1_000_000_000)
}

/// A table with what makes hashes for it.
struct Bench {
    table: FlowTable,
    hasher: FlowHasher,
    /// What each end says next to the other, once it is past the first number
    /// after its SYN.
    next: HashMap<(End, End), u32>,
}

/// The initial sequence number of everybody.
const ISN: u32 = u32::MAX;

impl Bench {
    fn new(capacity: u32) -> Self {
        let config = FlowConfig { capacity, timeouts: Timeouts::default(), midstream: true, shard: (0, 1) };
        let mut table = FlowTable::new(&config).unwrap_or_else(|error| unreachable!("{error}"));
        // As in a gateway that has been up for a while: the wheel is at the time.
        while table.sweep(at(0), 1_000, |_| {}) == Sweep::More {}
        Self { table, hasher: FlowHasher::new(Seed::from_number(1)), next: HashMap::new() }
    }

    fn tagged(&mut self, src: End, dst: End, vlans: Vlans, flags: Option<Flags>, now: Timestamp) -> Tracked {
        let protocol = if flags.is_some() { 6 } else { 17 };
        let (key, sender) = Key::new(src, dst, protocol, vlans);
        let tcp = flags.map(|flags| self.segment(src, dst, flags));
        let seen = Seen { sender, wire_len: 100, tcp, icmp: None, macs: None, now };
        self.table.track(&key, self.hasher.hash(&key), &seen)
    }

    /// The next segment of a connection without bytes and without losses.
    fn segment(&mut self, src: End, dst: End, flags: Flags) -> TcpSeen {
        let after_syn = ISN.wrapping_add(1);
        if flags == SYN {
            self.next.remove(&(src, dst));
            self.next.remove(&(dst, src));
        }
        let next = |from, to| self.next.get(&(from, to)).copied().unwrap_or(after_syn);
        let seq = if flags.contains(SYN) { ISN } else { next(src, dst) };
        let ack = if flags.contains(ACK) { next(dst, src) } else { 0 };
        if flags.contains(Flags::FIN) {
            self.next.insert((src, dst), seq.wrapping_add(1));
        }
        TcpSeen { seq, ack, window: 1_000, flags, ..TcpSeen::default() }
    }

    fn tcp(&mut self, src: End, dst: End, flags: Flags, now: Timestamp) -> Tracked {
        self.tagged(src, dst, Vlans::default(), Some(flags), now)
    }

    fn udp(&mut self, src: End, dst: End, now: Timestamp) -> Tracked {
        self.tagged(src, dst, Vlans::default(), None, now)
    }

    /// A connection whose handshake is complete.
    fn connect(&mut self, client: End, server: End, now: Timestamp) -> FlowIndex {
        self.tcp(client, server, SYN, now);
        self.tcp(server, client, SYN_ACK, now);
        self.tcp(client, server, ACK, now).index
    }

    fn expired(&mut self, now: Timestamp) -> Vec<FlowRecord> {
        let mut expired = Vec::new();
        while self.table.sweep(now, 64, |flow| {
            assert_eq!(flow.reason, EndReason::Timeout);
            expired.push(flow.record);
        }) == Sweep::More
        {}
        expired
    }
}

const CLIENT: u32 = 0x0a00_0001;
const SERVER: u32 = 0xc000_0201;

#[test]
fn both_directions_are_one_flow_and_vlans_separate() {
    let mut bench = Bench::new(10);
    let (client, server) = (end(CLIENT, 40_000), end(SERVER, 53));
    let there = bench.udp(client, server, at(0));
    let back = bench.udp(server, client, at(1));
    assert_eq!((there.index, there.opened, there.direction), (back.index, true, Direction::Up));
    assert_eq!((back.opened, back.direction), (false, Direction::Down));
    let tagged = bench.tagged(client, server, Vlans { count: 1, tci: [5, 0, 0] }, None, at(1));
    assert!(tagged.opened);
    assert_eq!(bench.table.active(), 2);
    let record = bench.table.record(back.index);
    assert_eq!((record.packets, record.bytes, record.state), ([1, 1], [100, 100], FlowState::Established));
    assert_eq!(bench.table.record(tagged.index).vlans, Vlans { count: 1, tci: [5, 0, 0] });
}

#[test]
fn the_client_is_who_opened() {
    let mut bench = Bench::new(10);
    let opened = |tracked: Tracked, bench: &Bench| {
        let tuple = bench.table.record(tracked.index).tuple;
        (tuple.client_port, tracked.direction)
    };
    // A SYN; its answer seen first; mid-stream from a well-known port and to one,
    // from a registered one and to one, and between two of a kind.
    let tracked = bench.tcp(end(SERVER, 22), end(CLIENT, 40_001), SYN, at(0));
    assert_eq!(opened(tracked, &bench), (22, Direction::Up));
    let tracked = bench.tcp(end(SERVER, 22), end(CLIENT, 40_002), SYN_ACK, at(0));
    assert_eq!(opened(tracked, &bench), (40_002, Direction::Down));
    let tracked = bench.tcp(end(SERVER, 22), end(CLIENT, 40_003), ACK, at(0));
    assert_eq!(opened(tracked, &bench), (40_003, Direction::Down));
    let tracked = bench.tcp(end(CLIENT, 40_004), end(SERVER, 22), ACK, at(0));
    assert_eq!(opened(tracked, &bench), (40_004, Direction::Up));
    let tracked = bench.tcp(end(CLIENT, 40_005), end(SERVER, 8_080), ACK, at(0));
    assert_eq!(opened(tracked, &bench), (40_005, Direction::Up));
    let tracked = bench.tcp(end(SERVER, 20_000), end(CLIENT, 40_007), ACK, at(0));
    assert_eq!(opened(tracked, &bench), (40_007, Direction::Down));
    let tracked = bench.tcp(end(SERVER, 50_000), end(CLIENT, 40_008), ACK, at(0));
    assert_eq!(opened(tracked, &bench), (50_000, Direction::Up));
    let tracked = bench.udp(end(SERVER, 53), end(CLIENT, 40_006), at(0));
    assert_eq!(opened(tracked, &bench), (53, Direction::Up));
}

/// Packets of a connection: whether each goes up, and its flags.
type Walk = &'static [(bool, Flags)];

#[test]
fn each_state_has_its_time() {
    let (client, server) = (end(CLIENT, 40_000), end(SERVER, 443));
    let walks: [(Walk, u64, FlowState); 5] = [
        (&[(true, SYN)], 60, FlowState::New),
        (&[(true, SYN), (false, SYN_ACK), (true, ACK)], 600, FlowState::Established),
        (&[(true, SYN), (false, SYN_ACK), (true, ACK), (true, FIN_ACK)], 120, FlowState::Closing),
        (
            &[(true, SYN), (false, SYN_ACK), (true, ACK), (true, FIN_ACK), (false, FIN_ACK), (true, ACK)],
            10,
            FlowState::Closed,
        ),
        (&[(true, SYN), (false, RST_ACK)], 10, FlowState::Closed),
    ];
    for (walk, idle_max, state) in walks {
        let mut bench = Bench::new(10);
        for &(up, flags) in walk {
            let (src, dst) = if up { (client, server) } else { (server, client) };
            bench.tcp(src, dst, flags, at(0));
        }
        assert_eq!(bench.expired(at(idle_max - 1)), [], "{walk:?}");
        let expired = bench.expired(at(idle_max + 1));
        assert_eq!(expired.iter().map(|flow| flow.state).collect::<Vec<_>>(), [state], "{walk:?}");
    }
    let mut bench = Bench::new(10);
    bench.udp(client, server, at(0));
    assert_eq!(bench.expired(at(29)).len(), 0);
    bench.udp(server, client, at(29));
    assert_eq!(bench.expired(at(328)).len(), 0);
    assert_eq!(bench.expired(at(330)).len(), 1);
    assert_eq!(bench.table.counters().timeout_established, 1);
}

#[test]
fn a_packet_after_its_time_opens_a_new_flow_without_a_sweep() {
    let mut bench = Bench::new(10);
    let (client, server) = (end(CLIENT, 40_000), end(SERVER, 53));
    let first = bench.udp(client, server, at(0));
    bench.table.set_extension(first.index, Some(77));
    let late = bench.udp(server, client, at(30));
    assert!(late.opened);
    let ended = late.ended.map(|ended| (ended.reason, ended.extension, ended.record.packets));
    assert_eq!(ended, Some((EndReason::Timeout, Some(77), [1, 0])));
    // And who sends it is the client of the new one.
    assert_eq!(bench.table.record(late.index).tuple.client_port, 53);
    assert_eq!(bench.table.extension(late.index), None);
}

#[test]
fn a_syn_after_the_end_is_a_new_flow() {
    let mut bench = Bench::new(10);
    let (client, server) = (end(CLIENT, 40_000), end(SERVER, 443));
    bench.connect(client, server, at(0));
    let again = bench.tcp(client, server, SYN, at(1));
    assert!(!again.opened, "a SYN within a connection opens nothing");
    bench.tcp(server, client, Flags::RST, at(1));
    let again = bench.tcp(client, server, SYN, at(2));
    assert_eq!(again.ended.map(|ended| ended.reason), Some(EndReason::Reused));
    assert_eq!((again.opened, bench.table.active()), (true, 1));
    assert_eq!(bench.table.record(again.index).packets, [1, 0]);
}

#[test]
fn who_was_not_answered_makes_room_first_then_who_closed_then_the_idlest() {
    let mut bench = Bench::new(4);
    let server = end(SERVER, 443);
    bench.connect(end(CLIENT, 1), server, at(0));
    bench.connect(end(CLIENT, 2), server, at(1));
    bench.connect(end(CLIENT, 3), server, at(2));
    bench.tcp(server, end(CLIENT, 3), Flags::RST, at(3));
    bench.tcp(end(CLIENT, 4), server, SYN, at(4));
    // Each newcomer connects at once, so that it is no victim itself.
    let mut gone = Vec::new();
    for port in 5..9 {
        bench.tcp(end(CLIENT, 1), server, ACK, at(5));
        let tracked = bench.tcp(end(CLIENT, port), server, SYN, at(6));
        gone.extend(tracked.ended.map(|ended| (ended.reason, ended.record.tuple.client_port)));
        bench.connect(end(CLIENT, port), server, at(u64::from(port) + 6));
    }
    let evicted = |port| (EndReason::Evicted, port);
    assert_eq!(gone, [evicted(4), evicted(3), evicted(2), evicted(1)]);
    let counters = bench.table.counters();
    assert_eq!(
        (counters.evicted_half_open, counters.evicted_closed, counters.evicted_established),
        (1, 1, 2)
    );
}

#[test]
fn a_flood_of_one_kind_pushes_out_its_own() {
    let mut bench = Bench::new(100);
    for port in 1..=20 {
        bench.tcp(end(CLIENT, port), end(SERVER, 443), SYN, at(0));
    }
    for port in 1..=1_000 {
        let tracked = bench.udp(end(CLIENT + 1, port), end(SERVER, 53), at(1));
        if let Some(ended) = tracked.ended {
            assert_eq!(ended.record.tuple.protocol, 17);
        }
    }
    assert_eq!(bench.table.counters().evicted_half_open, 0);
    assert_eq!(bench.table.counters().evicted_unreplied, 920);
}

/// Ten million SYNs against a table of a hundred thousand.
#[test]
fn established_flows_stay_under_a_flood_of_syns() {
    const FLOOD: u32 = 10_000_000;
    const KEPT: u16 = 1_000;
    let mut bench = Bench::new(100_000);
    let server = end(SERVER, 443);
    let kept: Vec<FlowIndex> =
        (0..KEPT).map(|port| bench.connect(end(CLIENT, 10_000 + port), server, at(0))).collect();
    for n in 0..FLOOD {
        let now = at(0).plus(Duration::from_micros(u64::from(n) * 10));
        // From 16 M addresses that are not the client's.
        bench.tcp(end(0x5000_0000 + (n & 0x00ff_ffff), 1_024), server, SYN, now);
        if n % 100 == 0 {
            let port = u16::try_from(n / 100 % u32::from(KEPT)).unwrap_or(0);
            let tracked = bench.tcp(server, end(CLIENT, 10_000 + port), ACK, now);
            assert!(!tracked.opened, "the connection from port {port} is gone after {n} SYNs");
        }
        if n % 4_096 == 0 {
            bench.table.sweep(now, 256, |flow| assert_eq!(flow.record.state, FlowState::New));
        }
    }
    assert_eq!(bench.table.active(), 100_000);
    let counters = *bench.table.counters();
    assert_eq!(counters.evicted_established + counters.evicted_closed, 0);
    assert_eq!(counters.total, u64::from(FLOOD) + u64::from(KEPT));
    // The flood is counted: as what it is, and as what had to make room.
    assert_eq!(counters.syn, counters.total);
    let waiting = u64::from(bench.table.active()) - u64::from(KEPT);
    assert_eq!(counters.evicted_half_open + counters.timeout_new + waiting, u64::from(FLOOD));
    assert!(counters.evicted_half_open > u64::from(FLOOD) / 2);
    for index in kept {
        assert_eq!(bench.table.record(index).state, FlowState::Established);
    }
}

#[test]
fn ids_of_shards_are_distinct() {
    let ids = |index| {
        let config =
            FlowConfig { capacity: 4, timeouts: Timeouts::default(), midstream: true, shard: (index, 2) };
        let table = FlowTable::new(&config).unwrap_or_else(|error| unreachable!("{error}"));
        let hasher = FlowHasher::new(Seed::from_number(1));
        let mut bench = Bench { table, hasher, next: HashMap::new() };
        let tracked = [1, 2].map(|port| bench.udp(end(CLIENT, port), end(SERVER, 1), at(0)).index);
        tracked.map(|index| bench.table.record(index).id)
    };
    assert_eq!((ids(0), ids(1)), ([1, 3], [2, 4]));
}

#[test]
fn a_capacity_that_no_table_has_is_refused() {
    for capacity in [0, u32::MAX] {
        let config = FlowConfig { capacity, timeouts: Timeouts::default(), midstream: true, shard: (0, 1) };
        assert_eq!(FlowTable::new(&config).err(), Some(FlowError::Capacity { flows: capacity }));
    }
}

#[test]
fn what_is_kept_in_a_flow_stays_until_it_ends() {
    let mut bench = Bench::new(4);
    let (client, server) = (end(CLIENT, 1), end(SERVER, 2));
    let index = bench.udp(client, server, at(0)).index;
    assert!(!bench.table.judged(index, 1));
    assert_eq!(bench.table.verdict(index), None);
    bench.table.set_verdict(index, Some(Verdict::Drop), 7);
    bench.table.set_alerted(index);
    bench.table.add_tags(index, 1);
    bench.table.add_tags(index, 4);
    assert_eq!(bench.udp(server, client, at(1)).index, index);
    assert!(bench.table.judged(index, 7));
    assert!(!bench.table.judged(index, 8));
    assert_eq!((bench.table.verdict(index), bench.table.tags(index)), (Some(Verdict::Drop), 5));
    assert!(bench.table.record(index).alerted);
}

#[test]
fn when_the_clock_is_set_back_flows_end_by_the_new_time() {
    let mut bench = Bench::new(4);
    bench.udp(end(CLIENT, 1), end(SERVER, 2), at(1_000_000));
    assert_eq!(bench.expired(at(1_000_001)).len(), 0);
    assert_eq!(bench.expired(at(0)).len(), 0);
    assert_eq!(bench.expired(at(29)).len(), 0);
    assert_eq!(bench.expired(at(31)).len(), 1);
}

/// Every flow is so made that its parts give each other away: a reader that
/// mixes two of them is caught.
#[test]
fn readers_see_whole_flows_beside_a_writer() {
    const FLOWS: u32 = 400_000;
    let mut bench = Bench::new(64);
    let done = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (reader, done) = (bench.table.reader(), &done);
                scope.spawn(move || {
                    let mut seen = 0_u64;
                    while !done.load(Ordering::Relaxed) {
                        reader.visit(|record| {
                            let number = u32::try_from(record.id).unwrap_or(0);
                            assert_eq!(record.tuple.client, end(number, 0).0);
                            assert_eq!(u32::from(record.tuple.server_port), number % 60_000);
                            assert_eq!(record.start, at(record.id));
                            assert!(record.packets[0] <= 3 && record.bytes[0] <= 300);
                            seen += 1;
                            ControlFlow::Continue(())
                        });
                    }
                    seen
                })
            })
            .collect();
        for number in 1..=FLOWS {
            let port = u16::try_from(number % 60_000).unwrap_or(0);
            for _ in 0..3 {
                bench.udp(end(number, 7), end(0xffff_0000, port), at(u64::from(number)));
            }
        }
        done.store(true, Ordering::Relaxed);
        readers.into_iter().map(|reader| reader.join().unwrap_or(0)).sum::<u64>()
    });
    assert!(seen > 0, "the readers saw no flow, so nothing was tried");
}

#[test]
fn a_reader_filters_and_stops_at_its_limit() {
    let mut bench = Bench::new(64);
    for port in 1..=20 {
        bench.udp(end(CLIENT, port), end(SERVER, 53), at(0));
    }
    let reader = bench.table.reader();
    assert_eq!(reader.records(5, |_| true).len(), 5);
    assert_eq!(reader.records(0, |_| true).len(), 0);
    assert_eq!(reader.records(99, |record| record.tuple.client_port > 15).len(), 5);
}

#[test]
fn without_midstream_pickup_only_a_handshake_establishes() {
    let (client, server) = (end(CLIENT, 40_000), end(SERVER, 443));
    for (midstream, state) in [(true, FlowState::Established), (false, FlowState::New)] {
        let mut bench = Bench::new(10);
        bench.table.midstream = midstream;
        bench.tcp(client, server, ACK, at(0));
        let heard = bench.tcp(server, client, ACK, at(0));
        assert_eq!(bench.table.record(heard.index).state, state);
        let connected = bench.connect(end(CLIENT, 40_001), server, at(0));
        assert_eq!(bench.table.record(connected).state, FlowState::Established);
    }
}

#[test]
fn what_carries_a_flow_is_kept_with_it_and_told_at_its_end() {
    let mut bench = Bench::new(2);
    let (a, b) = (end(CLIENT, 1), end(SERVER, 2));
    let outer = Outer { kind: Tunnel::Gre, src: a.0, dst: b.0, ports: None, network: 5, parent: Some(3) };
    let plain = bench.udp(a, b, at(0)).index;
    bench.table.set_outer(plain, outer);
    assert_eq!(bench.table.outer(plain), None, "one that travels plainly has none");
    // The same addresses and ports, in two tunnels.
    let (mut key, sender) = Key::new(a, b, 17, Vlans::default());
    key.marks |= 5 << 40 | 2 << 37;
    let seen = Seen { sender, wire_len: 28, tcp: None, icmp: None, macs: None, now: at(0) };
    let tracked = bench.table.track(&key, bench.hasher.hash(&key), &seen);
    assert!(tracked.opened && tracked.index != plain);
    bench.table.set_outer(tracked.index, outer);
    assert_eq!(bench.table.outer(tracked.index), Some(&outer));
    assert_eq!(bench.table.record(tracked.index).within, Some(Within { network: 5, depth: 2 }));
    let ended = bench.table.remove(tracked.index, EndReason::Shutdown);
    assert_eq!(ended.and_then(|ended| ended.outer), Some(outer));
    let again = bench.table.track(&key, bench.hasher.hash(&key), &seen);
    assert_eq!(bench.table.outer(again.index), None);
}

#[test]
fn what_speaks_of_a_flow_does_not_keep_it() {
    let mut bench = Bench::new(2);
    let (a, b) = (end(CLIENT, 1), end(SERVER, 2));
    let index = bench.udp(a, b, at(0)).index;
    let (key, sender) = Key::new(b, a, 17, Vlans::default());
    let hash = bench.hasher.hash(&key);
    assert_eq!(bench.table.related(&key, hash), Some(index));
    assert_eq!(bench.table.direction(index, sender), Direction::Down);
    assert_eq!(bench.table.record(index).packets, [1, 0]);
    assert_eq!(bench.expired(at(31)).len(), 1);
    assert_eq!(bench.table.related(&key, hash), None);
}

#[test]
fn a_connection_that_we_reset_is_over() {
    let mut bench = Bench::new(4);
    let (client, server) = (end(CLIENT, 40_000), end(SERVER, 443));
    let open = bench.connect(client, server, at(0));
    bench.table.reset(open);
    assert_eq!(bench.table.record(open).tcp_state, Some(TcpState::Closed));
    assert_eq!(bench.tcp(client, server, ACK, at(1)).index, open);
    assert_eq!(bench.table.record(open).state, FlowState::Closed, "what was under way does not open it");
    assert!(bench.tcp(client, server, SYN, at(2)).opened);
    let half = bench.tcp(end(CLIENT, 40_001), server, SYN, at(0)).index;
    bench.table.reset(half);
    assert_eq!(bench.table.record(half).tcp_state, Some(TcpState::Refused));
}

#[test]
fn a_syn_after_something_astray_is_a_new_connection() {
    let mut bench = Bench::new(4);
    let (client, server) = (end(CLIENT, 40_000), end(SERVER, 443));
    bench.tcp(server, client, ACK, at(0));
    let opened = bench.tcp(client, server, SYN, at(0));
    assert_eq!(
        opened.ended.map(|ended| (ended.reason, ended.record.midstream)),
        Some((EndReason::Reused, true))
    );
    assert_eq!(bench.table.record(opened.index).tcp_state, Some(TcpState::SynSent));
    assert_eq!(bench.table.counters().midstream, 1);
}

#[test]
fn each_segment_is_counted_for_what_it_is() {
    use SegmentClass::{Ack, Data, Invalid, KeepAlive, Retransmission, WindowProbe};
    let mut bench = Bench::new(4);
    let (client, server) = (end(CLIENT, 40_000), end(SERVER, 443));
    bench.connect(client, server, at(0));
    bench.tcp(server, client, ACK, at(0));
    let mut see = |src, dst, edit: fn(&mut TcpSeen)| {
        let mut tcp = bench.segment(src, dst, ACK);
        edit(&mut tcp);
        let (key, sender) = Key::new(src, dst, 6, Vlans::default());
        let seen = Seen { sender, wire_len: 60, tcp: Some(tcp), icmp: None, macs: None, now: at(1) };
        let tracked = bench.table.track(&key, bench.hasher.hash(&key), &seen);
        tracked.segment.map(|segment| segment.class)
    };
    assert_eq!(see(client, server, |tcp| tcp.payload_len = 10), Some(Data));
    assert_eq!(see(client, server, |tcp| tcp.payload_len = 10), Some(Retransmission));
    assert_eq!(see(client, server, |tcp| tcp.seq = 9), Some(KeepAlive));
    assert_eq!(see(client, server, |tcp| tcp.seq = 90_000_000), Some(Invalid));
    assert_eq!(see(client, server, |tcp| (tcp.seq, tcp.flags) = (12, Flags::RST)), Some(Invalid));
    let shut = |tcp: &mut TcpSeen| (tcp.ack, tcp.window) = (10, 0);
    assert_eq!(see(server, client, shut), Some(Ack));
    assert_eq!(see(client, server, |tcp| (tcp.seq, tcp.payload_len) = (10, 1)), Some(WindowProbe));
    let counted = *bench.table.counters();
    assert_eq!((counted.syn, counted.synack, counted.rst, counted.suspected_rst), (1, 1, 1, 1));
    assert_eq!((counted.retransmissions, counted.keep_alives, counted.window_probes), (1, 1, 1));
    assert_eq!((counted.invalid, counted.midstream, counted.hits), (2, 0, 10));
}
