//! What must stay true of fragments, by the frames that they come in; [`oracle`](super::oracle)
//! has what holds for any of them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests end where they fail")]

use std::collections::HashSet;

use proptest::prelude::*;
use tidegate_config::FragmentPolicy;

use super::pages::PAGE_COST;
use super::*;
use crate::flow::{FlowHasher, Seed, Sweep};
use crate::time::Timestamp;
use crate::wire::checksum::Checksum;
use crate::wire::craft::Craft;
use crate::wire::packet::{Net, Packet, Transport};
use crate::wire::{LinkType, ipv6};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The Ethernet header of a crafted frame.
const NET_AT: usize = 14;

pub(super) fn config(policy: FragmentPolicy) -> DefragConfig {
    DefragConfig { datagrams: 64, memory: 1 << 20, timeout: TIMEOUT, policy, policies: Vec::new() }
}

fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs_micros(secs, 0)
}

fn v4() -> Craft {
    Craft::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2])
}

fn v6() -> Craft {
    Craft::ethernet().ipv6(0x2001_0db8_u128 << 96 | 1, 0x2001_0db8_u128 << 96 | 2)
}

/// One fragment of `craft`: `payload` from `offset` (bytes) on.
fn piece(craft: &Craft, id: u16, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    craft.clone().fragment(id, offset / 8, more).protocol(17).payload(payload).build()
}

fn decode(frame: &[u8]) -> Packet {
    let (packet, undecodable) =
        Packet::decode(LinkType::Ethernet, frame, u32::try_from(frame.len()).unwrap());
    assert_eq!(undecodable, None);
    packet
}

/// The frame of a datagram that was put together.
fn framed(like: &[u8], datagram: &Datagram<u32>) -> Vec<u8> {
    [&like[..NET_AT], &datagram.bytes].concat()
}

/// A table, the time, and what has become of the fragments so far; what is held
/// for each is its number.
pub(super) struct Bench {
    pub(super) defrag: Defrag<u32>,
    now: Timestamp,
    next: u32,
    held_len: usize,
    given_up: Vec<(Cause, Vec<u32>)>,
}

impl Bench {
    pub(super) fn new(config: &DefragConfig) -> Self {
        let defrag = Defrag::new(config, Seed::from_number(7));
        Self { defrag, now: at(1000), next: 0, held_len: 0, given_up: Vec::new() }
    }

    fn bsd() -> Self {
        Self::new(&config(FragmentPolicy::Bsd))
    }

    pub(super) fn send(&mut self, frame: &[u8]) -> Outcome<u32> {
        let packet = decode(frame);
        self.insert(&Fragment::of(&packet, frame, self.now).unwrap())
    }

    fn insert(&mut self, fragment: &Fragment<'_>) -> Outcome<u32> {
        let number = self.next;
        self.next += 1;
        self.defrag.insert(fragment, number, self.held_len, |gone| {
            self.given_up.push((gone.cause, gone.fragments.collect()));
        })
    }

    fn sweep(&mut self, budget: usize) -> Sweep {
        self.defrag.sweep(self.now, budget, |gone| {
            self.given_up.push((gone.cause, gone.fragments.collect()));
        })
    }

    #[track_caller]
    fn waits(&mut self, frame: &[u8]) {
        let outcome = self.send(frame);
        assert!(matches!(outcome, Outcome::Waiting(None)), "{outcome:?}");
    }

    #[track_caller]
    fn whole(&mut self, frame: &[u8]) -> Datagram<u32> {
        match self.send(frame) {
            Outcome::Whole(datagram) => datagram,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refused(&mut self, frame: &[u8]) -> (Vec<u32>, Refusal, Anomaly) {
        match self.send(frame) {
            Outcome::Refused { fragments, why, anomaly } => (fragments, why, anomaly),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn is_empty(&self) {
        assert_eq!((self.defrag.active(), self.defrag.memory()), (0, 0));
    }
}

/// The payload (after the network header) that fragments of these extents make,
/// in units of 8 bytes: offset, length, letter; the last fragment comes last.
fn reassembled(policy: FragmentPolicy, extents: &[(u16, usize, char)]) -> String {
    let mut bench = Bench::new(&config(policy));
    let (last, before) = extents.split_last().unwrap();
    let frame = |&(offset, len, letter): &(u16, usize, char), more| {
        piece(&v4(), 1, offset * 8, more, &vec![u8::try_from(letter).unwrap(); len * 8])
    };
    for extent in before {
        let outcome = bench.send(&frame(extent, true));
        assert!(matches!(outcome, Outcome::Waiting(_)), "{outcome:?}");
    }
    let datagram = bench.whole(&frame(last, false));
    datagram.bytes[20..].iter().step_by(8).map(|&byte| char::from(byte)).collect()
}

#[test]
fn every_policy_gives_what_was_measured_of_its_systems() {
    // The fragments of Shankar and Paxson, "Active Mapping", section 5.1.
    let extents = [(0, 3, '1'), (4, 2, '2'), (6, 3, '3'), (1, 4, '4'), (6, 3, '5'), (9, 3, '6')];
    for (policy, expected) in [
        (FragmentPolicy::Bsd, "111442333666"),
        (FragmentPolicy::BsdRight, "144422555666"),
        (FragmentPolicy::Linux, "111442555666"),
        (FragmentPolicy::First, "111422333666"),
        (FragmentPolicy::Last, "144442555666"),
        (FragmentPolicy::Windows, "111422333666"),
        (FragmentPolicy::Solaris, "111422333666"),
    ] {
        assert_eq!(reassembled(policy, &extents), expected, "{policy:?}");
    }
}

#[test]
fn every_policy_decides_each_way_that_two_fragments_can_overlap() {
    use FragmentPolicy::{Bsd, BsdRight, First, Last, Linux, Solaris, Windows};
    /// Offset and length of the new one, for whom it wins, and what then is at
    /// 0..8, or what else; the old one stands at 2..6.
    type Case = ((u16, usize), &'static [FragmentPolicy], &'static str, &'static str);
    let cases: [Case; 9] = [
        ((1, 6), &[Linux, Bsd, BsdRight, Windows, Solaris, Last], "-nnnnnn-", "-nOOOOn-"),
        ((1, 5), &[Linux, Bsd, BsdRight, Solaris, Last], "-nnnnn--", "-nOOOO--"),
        ((1, 3), &[Linux, Bsd, Last], "-nnnOO--", "-nOOOO--"),
        ((2, 5), &[Linux, BsdRight, Last], "--nnnnn-", "--OOOOn-"),
        ((2, 4), &[Linux, BsdRight, Last], "--nnnn--", "--OOOO--"),
        ((2, 2), &[Linux, Last], "--nnOO--", "--OOOO--"),
        ((3, 4), &[BsdRight, Last], "--Onnnn-", "--OOOOn-"),
        ((3, 3), &[Last], "--Onnn--", "--OOOO--"),
        ((3, 2), &[Last], "--OnnO--", "--OOOO--"),
    ];
    for ((offset, len), new_wins, won, lost) in cases {
        for policy in [Linux, Bsd, BsdRight, Windows, Solaris, First, Last] {
            let expected = if new_wins.contains(&policy) { won } else { lost };
            let mut extents = vec![(2, 4, 'O'), (offset, len, 'n')];
            extents.extend((0..8).zip(expected.chars()).filter(|&(_, c)| c == '-').map(|(at, c)| (at, 1, c)));
            if expected.ends_with('-') {
                extents.pop();
            }
            let tail = u16::try_from(8 - usize::from(expected.ends_with('-'))).unwrap();
            extents.push((tail, 1, '-'));
            let expected = &expected[..usize::from(tail)];
            assert_eq!(reassembled(policy, &extents), format!("{expected}-"), "{policy:?} {offset}+{len}");
        }
    }
}

#[test]
fn the_policy_is_that_of_the_network_the_datagram_goes_to() {
    let mut config = config(FragmentPolicy::First);
    config.policies = vec!["10.0.0.2/32=last".parse().unwrap()];
    for (src, dst, first) in [([10, 0, 0, 1], [10, 0, 0, 2], b'b'), ([10, 0, 0, 2], [10, 0, 0, 1], b'a')] {
        let craft = Craft::ethernet().ipv4(src, dst);
        let mut bench = Bench::new(&config);
        bench.waits(&piece(&craft, 1, 0, true, b"aaaaaaaa"));
        let overlap = bench.send(&piece(&craft, 1, 0, true, b"bbbbbbbb"));
        assert!(matches!(overlap, Outcome::Waiting(Some(Anomaly::Ipv4FragOverlap))), "{overlap:?}");
        assert_eq!(bench.whole(&piece(&craft, 1, 8, false, b"end")).bytes[20], first);
        assert_eq!(bench.defrag.counters().overlaps, 1);
    }
}

#[test]
fn fragments_in_any_order_become_the_datagram_that_was_cut() {
    let payload: Vec<u8> = (0..=255).cycle().take(3001).collect();
    let extensions = |craft: Craft| {
        craft
            .extension(ipv6::HOP_BY_HOP, &[0, 0, 5, 2, 0, 0, 1, 0])
            .extension(ipv6::DESTINATION, &[0, 0, 1, 4, 0, 0, 0, 0])
    };
    for craft in [v4(), v4().ip_options(&[148, 4, 0, 0]), v4().vlan(5), v6(), extensions(v6())] {
        let uncut = craft.clone().udp(1000, 53).payload(&payload).build();
        let packet = decode(&uncut);
        let segment = &uncut[packet.transport_at as usize..];
        let cuts =
            [(0, 1480), (1480, 16), (1496, segment.len() - 1496)].map(|(from, len): (usize, usize)| {
                let more = from + len < segment.len();
                piece(&craft, 9, u16::try_from(from).unwrap(), more, &segment[from..from + len])
            });
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let mut bench = Bench::bsd();
            bench.waits(&cuts[order[0]]);
            bench.waits(&cuts[order[1]]);
            let datagram = bench.whole(&cuts[order[2]]);
            assert_eq!((&datagram.fragments[..], datagram.anomaly), (&[0, 1, 2][..], None));
            let frame = [&uncut[..packet.net_at as usize], &datagram.bytes].concat();
            let whole = decode(&frame);
            assert_eq!(whole.payload(&frame), payload);
            let sums = whole.checksums(&frame);
            assert!(matches!(sums.ip, Checksum::Ok | Checksum::Absent));
            assert_eq!((whole.ports(), sums.transport), (Some((1000, 53)), Checksum::Ok));
            assert_eq!((whole.transport_at, whole.payload_at), (packet.transport_at, packet.payload_at));
            bench.is_empty();
        }
    }
}

#[test]
fn a_whole_datagram_is_the_one_that_was_never_cut_byte_for_byte() {
    let craft = v6().extension(ipv6::HOP_BY_HOP, &[0, 0, 5, 2, 0, 0, 1, 0]);
    let uncut = craft.clone().udp(1, 2).payload(b"sixteen bytes !!").build();
    let segment = &uncut[decode(&uncut).transport_at as usize..];
    let mut bench = Bench::bsd();
    bench.waits(&piece(&craft, 3, 0, true, &segment[..16]));
    let last = piece(&craft, 3, 16, false, &segment[16..]);
    let datagram = bench.whole(&last);
    assert_eq!(framed(&last, &datagram), uncut);
}

#[test]
fn the_header_that_counts_is_that_of_the_fragment_whose_byte_stands_first() {
    for (policy, ttl) in [(FragmentPolicy::First, 11), (FragmentPolicy::Last, 22)] {
        let mut bench = Bench::new(&config(policy));
        bench.waits(&piece(&v4().ttl(99), 1, 16, false, b"end"));
        bench.waits(&piece(&v4().ttl(11).ip_options(&[148, 4, 0, 0]), 1, 0, true, b"aaaaaaaa"));
        let _ = bench.send(&piece(&v4().ttl(22).ip_options(&[148, 4, 0, 0]), 1, 0, true, b"bbbbbbbb"));
        let last = piece(&v4().ttl(33), 1, 8, true, b"cccccccc");
        let datagram = bench.whole(&last);
        let frame = framed(&last, &datagram);
        let Net::V4(header) = Packet::decode(LinkType::Ethernet, &frame, 57).0.net else {
            panic!("IPv4 stays IPv4")
        };
        assert_eq!((header.ttl, header.header_len, header.is_fragment()), (ttl, 24, false));
        assert_eq!(datagram.bytes.len(), 24 + 19);
    }
}

#[test]
fn atomic_fragments_and_whole_packets_are_no_fragments() {
    for frame in [v6().fragment(7, 0, false).udp(1, 2).build(), v4().udp(1, 2).build()] {
        let packet = decode(&frame);
        assert!(matches!(packet.transport, Transport::Udp(_)));
        assert_eq!(FragmentKey::of(&packet), None);
        assert!(Fragment::of(&packet, &frame, at(0)).is_none());
    }
    // An atomic fragment is no overlap of a datagram with its identification.
    let mut bench = Bench::bsd();
    bench.waits(&piece(&v6(), 7, 0, true, &[1; 8]));
    assert_eq!(bench.whole(&piece(&v6(), 7, 8, false, &[2; 8])).fragments, [0, 1]);
}

#[test]
fn what_the_capture_cut_is_no_fragment() {
    for craft in [v4(), v6()] {
        let frame = piece(&craft, 1, 8, true, &[1; 16]);
        for len in 0..frame.len() {
            let (packet, _) =
                Packet::decode(LinkType::Ethernet, &frame[..len], frame.len().try_into().unwrap());
            assert!(Fragment::of(&packet, &frame[..len], at(0)).is_none(), "cut after {len}");
            assert!(Fragment::of(&decode(&frame), &frame[..len], at(0)).is_none(), "another frame");
        }
        let padded = [&frame[..], &[0; 9]].concat();
        assert_eq!(Fragment::of(&decode(&padded), &padded, at(0)).unwrap().payload, [1; 16]);
    }
}

#[test]
fn an_overlap_of_ipv6_refuses_what_came_and_what_comes_until_the_time_is_up() {
    let mut bench = Bench::bsd();
    bench.waits(&piece(&v6(), 1, 0, true, &[1; 16]));
    bench.waits(&piece(&v6(), 1, 24, false, &[1; 8]));
    let overlap = piece(&v6(), 1, 8, true, &[1; 16]);
    assert_eq!(bench.refused(&overlap), (vec![0, 1, 2], Refusal::Overlap, Anomaly::Ipv6FragOverlap));
    for number in 3..6 {
        bench.now = at(1000 + u64::from(number));
        let later = piece(&v6(), 1, 0, true, &[1; 32]);
        assert_eq!(bench.refused(&later), (vec![number], Refusal::Before, Anomaly::Ipv6FragIgnored));
    }
    assert_eq!((bench.defrag.active(), bench.defrag.counters().overlaps), (1, 1));
    bench.now = at(1030);
    bench.waits(&piece(&v6(), 1, 0, true, &[2; 8]));
    assert_eq!(bench.whole(&piece(&v6(), 1, 8, false, &[2; 8])).fragments, [6, 7]);
    bench.is_empty();
    assert_eq!(bench.given_up, [], "what was refused is not given up as well");
}

#[test]
fn an_exact_duplicate_is_no_overlap_and_other_bytes_at_its_place_are() {
    for craft in [v4(), v6()] {
        let mut bench = Bench::bsd();
        for frame in [piece(&craft, 1, 0, true, &[1; 16]), piece(&craft, 1, 24, false, &[3; 5])] {
            bench.waits(&frame);
            let again = bench.send(&frame);
            assert!(matches!(again, Outcome::Duplicate(_)), "{again:?}");
        }
        assert_eq!((bench.defrag.counters().duplicates, bench.defrag.counters().overlaps), (2, 0));
        let other = bench.send(&piece(&craft, 1, 0, true, &[[1; 15].as_slice(), &[2]].concat()));
        match other {
            Outcome::Waiting(anomaly) => assert_eq!(anomaly, Some(Anomaly::Ipv4FragOverlap)),
            Outcome::Refused { fragments, why, .. } => {
                assert_eq!((fragments, why), (vec![0, 2, 4], Refusal::Overlap));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_fragment_that_is_there_and_now_tells_the_end_is_no_duplicate() {
    let mut bench = Bench::bsd();
    bench.waits(&piece(&v4(), 1, 8, true, &[1; 8]));
    let last = bench.send(&piece(&v4(), 1, 8, false, &[1; 8]));
    assert!(matches!(last, Outcome::Waiting(Some(Anomaly::Ipv4FragOverlap))), "{last:?}");
    assert_eq!(bench.whole(&piece(&v4(), 1, 0, true, &[1; 8])).bytes.len(), 36);
    bench.waits(&piece(&v6(), 1, 8, true, &[1; 8]));
    assert_eq!(bench.refused(&piece(&v6(), 1, 8, false, &[1; 8])).1, Refusal::Overlap);
}

#[test]
fn what_is_wrong_is_refused_alone_and_its_datagram_waits_on() {
    for (craft, invalid, too_large) in [
        (v4(), Anomaly::Ipv4FragIgnored, Anomaly::Ipv4FragPktTooLarge),
        (v6(), Anomaly::Ipv6FragInvalidLength, Anomaly::Ipv6FragPktTooLarge),
    ] {
        let mut bench = Bench::bsd();
        bench.waits(&piece(&craft, 1, 0, true, &[1; 8]));
        let unaligned = piece(&craft, 1, 8, true, &[1; 9]);
        assert_eq!(bench.refused(&unaligned), (vec![1], Refusal::Unaligned, invalid));
        let room = if matches!(decode(&unaligned).net, Net::V4(_)) { 65_515 } else { 65_535 };
        let beyond = piece(&craft, 1, 65_504, false, &vec![1; room - 65_504 + 1]);
        assert_eq!(bench.refused(&beyond), (vec![2], Refusal::TooLarge, too_large));
        let (fragments, why, _) = bench.refused(&piece(&craft, 1, 8, false, &[]));
        assert_eq!((fragments, why), (vec![3], Refusal::Empty));
        let (fragments, why, _) = bench.refused(&piece(&craft, 1, 8, true, &[]));
        assert_eq!((fragments, why), (vec![4], Refusal::Empty));
        assert_eq!(bench.whole(&piece(&craft, 1, 8, false, &[1])).fragments, [0, 5]);
        let counters = bench.defrag.counters();
        let refused = (counters.refused, counters.refused_unaligned, counters.refused_too_large);
        assert_eq!((refused, counters.refused_empty), ((4, 1, 1), 2));
    }
}

#[test]
fn a_datagram_has_65535_bytes_at_most_whichever_of_its_fragments_says_so() {
    for (craft, last, options) in [
        (v4(), 65_515, v4().ip_options(&[148, 4, 0, 0])),
        (v6(), 65_535, v6().extension(ipv6::DESTINATION, &[0, 0, 1, 4, 0, 0, 0, 0])),
    ] {
        let mut bench = Bench::bsd();
        for offset in (0..65_504).step_by(1024).skip(1) {
            bench.waits(&piece(
                &craft,
                1,
                offset,
                true,
                &[1; 1024][..1024.min(65_504 - usize::from(offset))],
            ));
        }
        bench.waits(&piece(&craft, 1, 65_504, false, &vec![1; last - 65_504]));
        let (_, why, _) = bench.refused(&piece(&options, 1, 0, true, &[1; 1024]));
        assert_eq!(why, Refusal::TooLarge, "its header is longer than the others'");
        let datagram = bench.whole(&piece(&craft, 1, 0, true, &[1; 1024]));
        assert_eq!(datagram.bytes.len(), if last == 65_515 { 65_535 } else { 65_575 });
        let frame = framed(&piece(&craft, 1, 0, true, &[]), &datagram);
        assert_eq!(decode(&frame).transport_at as usize, frame.len() - last);
        bench.is_empty();
    }
}

#[test]
fn a_datagram_has_one_end() {
    let wrong = [(8, false, 8), (16, false, 9), (24, true, 8)];
    for (offset, more, len) in wrong {
        for craft in [v4(), v6()] {
            let mut bench = Bench::bsd();
            bench.waits(&piece(&craft, 1, 16, false, &[1; 8]));
            let (fragments, why, anomaly) = bench.refused(&piece(&craft, 1, offset, more, &vec![1; len]));
            assert_eq!(why, Refusal::Contradiction);
            if anomaly == Anomaly::Ipv4FragIgnored {
                assert_eq!(fragments, [1]);
                assert_eq!(bench.whole(&piece(&craft, 1, 0, true, &[1; 16])).fragments, [0, 2]);
            } else {
                assert_eq!((fragments, anomaly), (vec![0, 1], Anomaly::Ipv6FragIgnored));
                assert_eq!(bench.refused(&piece(&craft, 1, 0, true, &[1; 16])).1, Refusal::Before);
            }
        }
    }
    // The end told first lies before what is there.
    let mut bench = Bench::bsd();
    bench.waits(&piece(&v4(), 1, 16, true, &[1; 8]));
    assert_eq!(bench.refused(&piece(&v4(), 1, 8, false, &[1; 8])).1, Refusal::Contradiction);
}

#[test]
fn a_first_fragment_too_small_for_its_transport_header_is_one_like_others() {
    for craft in [v4(), v6()] {
        let uncut = craft.clone().tcp(1000, 80, crate::wire::tcp::Flags::SYN, 1, 0).payload(b"x").build();
        let segment = &uncut[decode(&uncut).transport_at as usize..];
        let tcp = |offset: u16, more, payload: &[u8]| {
            craft.clone().fragment(1, offset / 8, more).protocol(6).payload(payload).build()
        };
        let mut bench = Bench::bsd();
        bench.waits(&tcp(8, true, &segment[8..16]));
        bench.waits(&tcp(16, false, &segment[16..]));
        let first = tcp(0, true, &segment[..8]);
        let datagram = bench.whole(&first);
        let frame = framed(&first, &datagram);
        let whole = decode(&frame);
        assert!(matches!(whole.transport, Transport::Tcp(_)));
        assert_eq!(whole.checksums(&frame).transport, Checksum::Ok);
    }
}

#[test]
fn what_is_not_whole_in_time_is_given_up_and_leaves_nothing_behind() {
    let mut bench = Bench::bsd();
    bench.held_len = 100;
    bench.waits(&piece(&v4(), 1, 0, true, &[1; 8]));
    bench.now = at(1010);
    bench.waits(&piece(&v4(), 1, 16, true, &[1; 1480]));
    bench.waits(&piece(&v6(), 2, 0, true, &[1; 8]));
    assert!(bench.defrag.memory() > 300 + 3 * 1024);
    bench.now = at(1029);
    assert_eq!((bench.sweep(10), bench.given_up.len()), (Sweep::Done, 0));
    // The time-out counts from the first fragment, not from the latest.
    bench.now = at(1030);
    assert_eq!(bench.sweep(10), Sweep::Done);
    assert_eq!(bench.given_up, [(Cause::Timeout, vec![0, 1])]);
    bench.now = at(1040);
    assert_eq!((bench.sweep(1), bench.sweep(1)), (Sweep::More, Sweep::Done));
    assert_eq!(bench.given_up.pop(), Some((Cause::Timeout, vec![2])));
    bench.is_empty();
    let counters = bench.defrag.counters();
    assert_eq!((counters.ipv4_timeouts, counters.ipv6_timeouts), (1, 1));
}

#[test]
fn a_fragment_that_comes_too_late_begins_anew_whether_swept_or_not() {
    let mut bench = Bench::bsd();
    bench.waits(&piece(&v4(), 1, 0, true, &[1; 8]));
    bench.now = at(1030);
    bench.waits(&piece(&v4(), 1, 8, false, &[1; 8]));
    assert_eq!(bench.given_up, [(Cause::Timeout, vec![0])]);
    assert_eq!(bench.whole(&piece(&v4(), 1, 0, true, &[2; 8])).fragments, [1, 2]);
}

#[test]
fn a_clock_that_is_set_back_keeps_nothing_for_longer() {
    let mut bench = Bench::bsd();
    bench.waits(&piece(&v4(), 1, 0, true, &[1; 8]));
    bench.now = at(990);
    assert_eq!(
        (bench.sweep(9), bench.given_up.len()),
        (Sweep::Done, 0),
        "a packet out of order is no reason"
    );
    bench.now = at(100);
    bench.sweep(9);
    bench.is_empty();
}

#[test]
fn all_go_at_the_end() {
    let mut bench = Bench::bsd();
    for id in 0..10 {
        bench.waits(&piece(&v4(), id, 0, true, &[1; 8]));
    }
    let mut drained = Vec::new();
    assert_eq!(bench.defrag.drain(9, |gone| drained.extend(gone.fragments)), Sweep::More);
    assert_eq!(bench.defrag.drain(9, |gone| drained.extend(gone.fragments)), Sweep::Done);
    assert_eq!((drained, bench.defrag.counters().drained), ((0..10).collect(), 10));
    bench.is_empty();
}

#[test]
fn a_full_table_gives_up_the_oldest() {
    let mut bench = Bench::bsd();
    for id in 0..66 {
        bench.waits(&piece(&v4(), id, 0, true, &[1; 8]));
    }
    assert_eq!(bench.given_up, [(Cause::Room, vec![0]), (Cause::Room, vec![1])]);
    assert_eq!((bench.defrag.active(), bench.defrag.counters().datagrams_full), (64, 2));
    assert_eq!(bench.whole(&piece(&v4(), 2, 8, false, &[1; 8])).fragments, [2, 66]);
}

#[test]
fn a_flood_of_half_datagrams_takes_no_more_than_the_memory_and_a_sound_one_gets_through() {
    let memory = 200_000;
    let mut bench = Bench::new(&DefragConfig { datagrams: 1000, memory, ..config(FragmentPolicy::Linux) });
    bench.held_len = 300;
    let mut whole = 0;
    for round in 0..2000_u16 {
        let sound = v4().vlan(9);
        let _ = bench.send(&piece(&sound, round, 0, true, &[1; 1480]));
        for nth in 0..3 {
            let _ = bench.send(&piece(&v4(), round.wrapping_mul(3) + nth, 8 * (round % 8000), true, &[1; 8]));
            let len = 8 * usize::from(round % 180 + 1);
            let _ = bench.send(&piece(&v6(), round.wrapping_mul(3) + nth, 0, true, &vec![1; len]));
        }
        if let Outcome::Whole(datagram) = bench.send(&piece(&sound, round, 1480, false, &[1; 1000])) {
            whole += 1;
            bench.defrag.recycle(datagram);
        }
        assert!(bench.defrag.memory() <= memory, "{} in round {round}", bench.defrag.memory());
    }
    assert_eq!(whole, 2000);
    let counters = *bench.defrag.counters();
    assert!(counters.memory_full > 10_000, "{counters:?}");
    assert_eq!(bench.given_up.len() as u64, counters.memory_full + counters.datagrams_full);
}

#[test]
fn what_is_larger_than_all_memory_is_refused() {
    let memory = 4 * PAGE_COST;
    let mut bench = Bench::new(&DefragConfig { memory, ..config(FragmentPolicy::Bsd) });
    bench.waits(&piece(&v4(), 1, 0, true, &[1; 8]));
    let (fragments, why, anomaly) = bench.refused(&piece(&v4(), 2, 0, true, &[1; 8000]));
    assert_eq!((fragments, why, anomaly), (vec![1], Refusal::NoRoom, Anomaly::Ipv4FragIgnored));
    let _ = bench.defrag.drain(9, |_| {});
    bench.is_empty();
    let mut none = Bench::new(&DefragConfig { memory: 0, ..config(FragmentPolicy::Bsd) });
    assert_eq!(none.refused(&piece(&v4(), 1, 0, true, &[1; 8])).1, Refusal::NoRoom);
}

#[test]
fn more_fragments_than_a_datagram_may_have_refuse_it() {
    for craft in [v4(), v6()] {
        let mut bench = Bench::bsd();
        for nth in 0..256 {
            bench.waits(&piece(&craft, 1, 16 * nth, true, &[1; 8]));
        }
        let (fragments, why, _) = bench.refused(&piece(&craft, 1, 8, true, &[1; 8]));
        assert_eq!((fragments, why), ((0..257).collect(), Refusal::TooMany));
        let _ = bench.defrag.drain(9, |_| {});
        bench.is_empty();
    }
}

#[test]
fn a_datagram_is_its_addresses_identification_protocol_vlans_and_direction() {
    let back = Craft::ethernet().ipv4([10, 0, 0, 2], [10, 0, 0, 1]);
    let sctp = v4().fragment(1, 0, true).protocol(132).payload(&[1; 8]).build();
    let other = Craft::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 3]);
    let frames = [
        piece(&v4(), 1, 0, true, &[1; 8]),
        piece(&v4(), 2, 0, true, &[1; 8]),
        piece(&v4().vlan(7), 1, 0, true, &[1; 8]),
        piece(&back, 1, 0, true, &[1; 8]),
        piece(&other, 1, 0, true, &[1; 8]),
        piece(&v6(), 1, 0, true, &[1; 8]),
        sctp,
    ];
    let keys = frames.each_ref().map(|frame| FragmentKey::of(&decode(frame)).unwrap());
    let hasher = FlowHasher::new(Seed::from_number(1));
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), frames.len());
    assert_eq!(keys.iter().map(|key| key.hash(&hasher)).collect::<HashSet<_>>().len(), frames.len());
    // Of IPv6's next headers only the first fragment's counts.
    let last = v6().fragment(1, 1, false).protocol(132).payload(&[1; 8]).build();
    assert_eq!(FragmentKey::of(&decode(&last)), Some(keys[5]));
    let mut bench = Bench::bsd();
    for frame in &frames {
        bench.waits(frame);
    }
    let datagram = bench.whole(&last);
    assert_eq!((&datagram.fragments[..], datagram.bytes[6]), (&[5, 7][..], 17));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 512 }))]

    #[test]
    fn every_fragment_leaves_once_and_the_memory_is_never_exceeded(
        steps in proptest::collection::vec(
            (any::<bool>(), 0_u16..6, 0_u16..40, 0_usize..40, any::<bool>(), 0_u64..4, 0_usize..3000, 0_u8..3),
            1..120,
        ),
        memory in 0_usize..40_000,
        datagrams in 1_u32..6,
        policy in 0_usize..7,
    ) {
        let policy = oracle::POLICIES[policy];
        let mut bench = Bench::new(&DefragConfig { datagrams, memory, ..config(policy) });
        let mut left = Vec::new();
        for (is_v6, id, offset, len, more, secs, held_len, letter) in steps {
            bench.now = bench.now.plus(Duration::from_secs(secs));
            bench.held_len = held_len;
            let craft = if is_v6 { v6() } else { v4() };
            // An odd length now and then, and now and then the largest offset.
            let offset = if offset == 39 { 8189 } else { offset };
            let len = if len == 39 { 13 } else { len * 8 };
            if offset == 0 && !more {
                continue;
            }
            match bench.send(&piece(&craft, id, offset * 8, more, &vec![letter; len])) {
                Outcome::Waiting(_) => {}
                Outcome::Duplicate(held) => left.push(held),
                Outcome::Whole(datagram) => {
                    left.extend_from_slice(&datagram.fragments);
                    bench.defrag.recycle(datagram);
                }
                Outcome::Refused { fragments, .. } => {
                    left.extend_from_slice(&fragments);
                    bench.defrag.recycle_fragments(fragments);
                }
            }
            prop_assert!(bench.defrag.memory() <= memory);
        }
        while bench.defrag.drain(3, |gone| left.extend(gone.fragments)) == Sweep::More {}
        prop_assert_eq!((bench.defrag.active(), bench.defrag.memory()), (0, 0));
        left.extend(bench.given_up.iter().flat_map(|(_, fragments)| fragments));
        left.sort_unstable();
        prop_assert_eq!(left, (0..bench.next).collect::<Vec<_>>());
    }
}
