//! Fragments through a worker: held, judged whole, sent as they came.

use super::*;
use crate::anomaly::Anomaly;

/// A datagram from client to server, and the fragments that it travels in.
fn fragments(v6: bool, port: u16, len: usize) -> Vec<Vec<u8>> {
    let ip = || {
        let craft = Craft::ethernet();
        if v6 {
            craft.ipv6(CLIENT.to_ipv6_mapped(), SERVER.to_ipv6_mapped())
        } else {
            craft.ipv4(CLIENT, SERVER)
        }
    };
    let payload: Vec<u8> = (0..len).map(|at| at.to_le_bytes()[0]).collect();
    let whole = ip().udp(40_000, port).payload(&payload).build();
    let segment = &whole[if v6 { 54 } else { 34 }..];
    let pieces: Vec<_> = segment.chunks(1000).collect();
    let craft = |(index, piece): (usize, &&[u8])| {
        let offset = u16::try_from(index * 1000 / 8).expect("small");
        ip().fragment(77, offset, index + 1 < pieces.len()).protocol(17).payload(piece).build()
    };
    pieces.iter().enumerate().map(craft).collect()
}

fn dropped(shared: &Shared) -> [u64; 2] {
    let counters = shared.block(0).counters;
    [counters.read(Counter::Dropped), counters.read(Counter::DroppedFragments)]
}

#[test]
fn a_datagram_waits_until_it_is_whole_and_goes_on_as_it_came() {
    for v6 in [false, true] {
        let mut umem = umem();
        let (mut worker, _) = alone(&mut umem, "");
        let [first, middle, last] = &fragments(v6, 53, 2500)[..] else { panic!("three fragments") };
        worker.feed(0, &[middle.clone(), last.clone()]);
        assert_eq!(worker.left(1), [[0; 0]; 0]);
        assert_eq!(worker.frames(), CHUNKS as usize, "what waits holds no frames");
        worker.feed(0, std::slice::from_ref(first));
        assert_eq!(worker.left(1), [&middle[..], last, first], "in the order in which they came");
        assert_eq!(worker.frames(), CHUNKS as usize);
        let flows = worker.flows.reader().records(9, |_| true);
        assert_eq!((flows.len(), flows[0].tuple.server_port), (1, 53));
        let wire_len: usize = first.len() + middle.len() + last.len();
        assert_eq!(flows[0].bytes, [wire_len as u64, 0]);
    }
}

#[test]
fn a_rule_on_a_port_holds_for_all_fragments() {
    let rule = "rule \"no dns\" on flow_open when flow.server.port == 53 { drop(); }";
    for v6 in [false, true] {
        let mut umem = umem();
        let (mut worker, shared) = alone(&mut umem, rule);
        let mut packets = fragments(v6, 53, 2500);
        packets.reverse();
        worker.feed(0, &packets);
        assert_eq!(worker.left(1), [[0; 0]; 0]);
        assert_eq!(dropped(&shared), [3, 0]);
        assert_eq!(worker.told(is_drop), 1);
        worker.feed(0, &fragments(v6, 54, 2500));
        assert_eq!(worker.left(1).len(), 3);
    }
}

#[test]
fn what_never_becomes_whole_is_given_up_and_counted() {
    let mut umem = umem();
    let (mut worker, shared) = alone(&mut umem, "");
    let packets = fragments(false, 53, 2500);
    worker.feed(0, &packets[..2]);
    let timeout = Duration::from_secs(Config::default().defrag.timeout_s.into());
    worker.step(worker.now.plus(timeout + Duration::from_secs(1)));
    assert_eq!(dropped(&shared), [0, 2]);
    // What comes after is of another datagram, and waits for its own.
    worker.feed(0, &packets[2..]);
    assert_eq!(worker.left(1), [[0; 0]; 0]);
    assert_eq!(worker.frames(), CHUNKS as usize);
}

#[test]
fn ipv6_fragments_that_overlap_are_refused_with_all_of_their_datagram() {
    let mut umem = umem();
    let (mut worker, shared) = alone(&mut umem, "");
    let packets = fragments(true, 53, 2500);
    let ip = Craft::ethernet().ipv6(CLIENT.to_ipv6_mapped(), SERVER.to_ipv6_mapped());
    let overlapping = ip.fragment(77, 124, true).protocol(17).payload(&[9; 800]).build();
    worker.feed(0, &[packets[0].clone(), overlapping, packets[1].clone(), packets[2].clone()]);
    assert_eq!(worker.left(1), [[0; 0]; 0]);
    assert_eq!(dropped(&shared), [0, 4]);
    let told =
        worker.told(|event| matches!(event, Event::Anomaly(odd) if odd.anomaly == Anomaly::Ipv6FragOverlap));
    assert_eq!(told, 1);
}

#[test]
fn where_verdicts_are_not_carried_out_fragments_do_not_wait() {
    let mut umem = umem();
    let (mut worker, _) = alone(
        &mut umem,
        "rule \"no dns\" on flow_open when flow.server.port == 53 { alert(\"dns\"); drop(); }",
    );
    worker.mode = Mode::Watch;
    let packets = fragments(false, 53, 2500);
    for packet in &packets {
        worker.feed(0, std::slice::from_ref(packet));
        assert_eq!(worker.left(1), [&packet[..]]);
    }
    assert_eq!(worker.told(is_alert), 1);
    assert_eq!(worker.frames(), CHUNKS as usize);
}

#[test]
fn a_rejected_datagram_is_answered_once() {
    let mut umem = umem();
    let (mut worker, _) =
        alone(&mut umem, "rule \"no dns\" on flow_open when flow.server.port == 53 { reject(); }");
    worker.feed(0, &fragments(false, 53, 2500));
    let answers = worker.left(0);
    let (packet, malformed) = crate::wire::Packet::decode(LinkType::Ethernet, &answers[0], 0);
    assert_eq!((answers.len(), malformed), (1, None));
    assert!(matches!(packet.transport, Transport::Icmp(icmp) if icmp.kind == 3), "{packet:?}");
}

#[test]
fn fragments_meet_at_one_worker_and_their_datagram_at_the_owner_of_its_flow() {
    let mut umem = umem();
    let shared = Arc::new(Shared::new(RuleSet::default(), 2, 2));
    let exchange = Exchange::new(vec![None, None]);
    let mut pools = umem.split(2).into_iter();
    let mut workers: Vec<_> = (0..2)
        .map(|id| worker(pools.next().expect("two pools"), &shared, id, Some(Arc::clone(&exchange))))
        .collect();
    let [first, second] = &mut *workers else { unreachable!("two workers") };
    let mut sent = Vec::new();
    for port in 1..=20 {
        let mut packets = fragments(false, port, 1500);
        for packet in &mut packets {
            // Another identification for each, and the header checksum to it.
            packet[18] = port.to_be_bytes()[1];
            packet[24..26].fill(0);
            let sum = crate::wire::checksum::of(&packet[14..34]);
            packet[24..26].copy_from_slice(&sum.to_be_bytes());
        }
        sent.extend(packets.iter().cloned());
        first.feed(0, &packets[..1]);
        second.feed(0, &packets[1..]);
        for _ in 0..2 {
            first.feed(0, &[]);
            second.feed(0, &[]);
        }
    }
    let mut left = [first.left(1), second.left(1)].concat();
    left.sort();
    sent.sort();
    assert_eq!(left, sent);
    let flows: Vec<_> =
        [&*first, &*second].iter().flat_map(|worker| worker.flows.reader().records(99, |_| true)).collect();
    assert_eq!(flows.len(), 20);
    assert!(first.flows.active() > 0 && second.flows.active() > 0);
    first.pool.reclaim();
    second.pool.reclaim();
    assert_eq!(first.frames() + second.frames(), CHUNKS as usize);
}
