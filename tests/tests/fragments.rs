//! Fragments through the gateway: judged whole, and then sent as they came.

use serde_json::Value;
use tidegate_tests::bytes::SeededBytes;
use tidegate_tests::craft::fragment::{self, Part};
use tidegate_tests::traffic::{Answer, Forged};
use tidegate_tests::{Family, Gateway, Lab, Side, eve};

/// Bytes in a fragment, as a link with an MTU of 1500 has them.
const CUT_AT: usize = 1_480;

/// The fragments of a datagram, as they are on the wire.
fn fragments(forged: &Forged, from: Side, id: u32, len: usize) -> Vec<Vec<u8>> {
    let packet = forged.udp(from, &SeededBytes::new(id.into()).take(len));
    // The length that IPv6's fragment header takes is beside the point: all
    // fit a lab with larger frames, too.
    let cut = fragment::cut(&packet, id, CUT_AT - 40);
    cut.iter().map(|fragment| Forged::framed(from, fragment)).collect()
}

/// A rule that drops what goes to one UDP port, packet by packet: a fragment
/// that is judged alone has no port.
fn drop_port(port: u16) -> String {
    format!("rule \"closed\" on packet when udp.dstport == {port} {{ alert(\"closed\"); drop(); }}\n")
}

fn is_anomaly(event: &Value, name: &str) -> bool {
    eve::is(event, "anomaly") && event["anomaly"]["event"] == name
}

/// Holds for both families, each with a gateway of its own.
fn both(settings: &[(&str, &str)], rules: &str, hold: impl Fn(&Lab, Family, &Gateway<'_>)) {
    let Some(lab) = Lab::up() else { return };
    for family in Family::BOTH {
        let gateway = settings.iter().fold(lab.gateway(), |gateway, (key, value)| gateway.set(key, value));
        let gateway = gateway.rules(rules).start();
        hold(&lab, family, &gateway);
        gateway.assert_frames_conserved();
    }
}

#[test]
fn a_datagrams_fragments_go_on_as_they_came() {
    both(&[], "", |lab, family, gateway| {
        let forged = lab.forged(family, 4_000, 5_000);
        for from in Side::BOTH {
            for (id, len) in [(1, 2_000), (2, 9_000), (3, 60_000)] {
                forged.pass(from, &fragments(&forged, from, id, len));
                // Reversed, and the first one last but one.
                let mut reversed = fragments(&forged, from, id + 10, len);
                reversed.reverse();
                forged.pass(from, &reversed);
                reversed.swap(0, 1);
                let mut other: Vec<_> = fragments(&forged, from, id + 20, len);
                other.rotate_left(1);
                forged.pass(from, &other);
            }
        }
        for name in ["verdict.dropped", "verdict.dropped_fragments", "defrag.refused", "verdict.tx_full"] {
            assert_eq!(gateway.counted(name), 0, "{name}");
        }
    });
}

#[test]
fn nothing_goes_on_before_the_datagram_is_whole() {
    both(&[], "", |lab, family, _| {
        let forged = lab.forged(family, 4_000, 5_000);
        let mut all = fragments(&forged, Side::Client, 7, 9_000);
        let missing = all.remove(3);
        forged.stop(Side::Client, &all);
        all.push(missing.clone());
        assert_eq!(forged.cross(Side::Client, &[missing]), all);
    });
}

#[test]
fn two_datagrams_that_come_at_once_are_kept_apart() {
    both(&[], "", |lab, family, _| {
        let forged = lab.forged(family, 4_000, 5_000);
        let [first, second] = [1, 2].map(|id| fragments(&forged, Side::Client, id, 5_000));
        let mixed: Vec<_> = first.iter().zip(&second).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
        let arrived = forged.cross(Side::Client, &mixed);
        // Each datagram's in its own order, the one that was whole first ahead.
        assert_eq!(arrived, [first, second].concat());
    });
}

#[test]
fn a_rule_on_the_port_holds_for_every_fragment() {
    both(&[], &drop_port(5_000), |lab, family, gateway| {
        let closed = lab.forged(family, 4_000, 5_000);
        for (id, len) in [(1, 2_000), (2, 9_000)] {
            let mut all = fragments(&closed, Side::Client, id, len);
            closed.stop(Side::Client, &all);
            all.reverse();
            closed.stop(Side::Client, &all);
        }
        let open = lab.forged(family, 4_000, 5_001);
        open.pass(Side::Client, &fragments(&open, Side::Client, 3, 9_000));
        let to = closed.address(Side::Server);
        gateway.wait_for_event("an alert about what was put together", |event| {
            eve::is(event, "alert") && eve::is_to(event, to, 5_000)
        });
    });
}

#[test]
fn an_incomplete_datagram_is_given_up() {
    both(&[("defrag.timeout_s", "1")], "", |lab, family, gateway| {
        let timeouts = match family {
            Family::V4 => "defrag.ipv4.timeouts",
            Family::V6 => "defrag.ipv6.timeouts",
        };
        let forged = lab.forged(family, 4_000, 5_000);
        let mut all = fragments(&forged, Side::Client, 7, 5_000);
        let missing = all.pop().expect("a last fragment");
        forged.stop(Side::Client, &all);
        gateway.wait_counted(timeouts, 1);
        // Too late, it is the beginning of another that never becomes whole.
        forged.stop(Side::Client, &[missing]);
        gateway.wait_counted(timeouts, 2);
        // And the id is free again.
        forged.pass(Side::Client, &fragments(&forged, Side::Client, 7, 5_000));
    });
}

/// Parts of a datagram of 40 bytes (a UDP header among them) of which two
/// overlap with the same bytes; for IPv6 that is reason enough to refuse all.
fn overlapping(forged: &Forged, id: u32) -> Vec<Vec<u8>> {
    let packet = forged.udp(Side::Client, &SeededBytes::new(1).take(32));
    let payload = &packet[packet.len() - 40..];
    let part = |from: usize, to: usize| {
        let part = Part { offset: from, bytes: &payload[from..to], more: to < 40 };
        Forged::framed(Side::Client, &fragment::fragment(&packet, id, part))
    };
    vec![part(0, 16), part(8, 24), part(24, 40)]
}

#[test]
fn ipv6_datagrams_whose_fragments_overlap_are_refused() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    let forged = lab.forged(Family::V6, 4_000, 5_000);
    forged.stop(Side::Client, &overlapping(&forged, 1));
    gateway.wait_for_event("the anomaly", |event| is_anomaly(event, "decoder.ipv6.frag_overlap"));
    gateway.assert_frames_conserved();
}

#[test]
fn ipv4_datagrams_whose_fragments_overlap_alike_pass() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    let forged = lab.forged(Family::V4, 4_000, 5_000);
    forged.pass(Side::Client, &overlapping(&forged, 1));
    gateway.wait_for_event("the anomaly", |event| is_anomaly(event, "decoder.ipv4.frag_overlap"));
    gateway.assert_frames_conserved();
}

#[test]
fn fragments_meet_at_one_of_two_workers() {
    const DATAGRAMS: u32 = 16;
    let Some(lab) = Lab::plan().queues(2).up() else { return };
    for family in Family::BOTH {
        let rules = drop_port(5_001);
        let gateway = lab.gateway().set("gateway.workers", "2").rules(&rules).start();
        for from in Side::BOTH {
            for id in 0..DATAGRAMS {
                // Many flows: each worker owns some.
                let client_port = 4_000 + u16::try_from(id).expect("few");
                let forged = lab.forged(family, client_port, 5_000);
                let all = fragments(&forged, from, id, 4_000);
                forged.send(from, &all);
                assert_eq!(forged.next(from, all.len()), all, "datagram {id} from {from:?}");
            }
        }
        let closed = lab.forged(family, 4_000, 5_001);
        for id in 0..DATAGRAMS {
            closed.send(Side::Client, &fragments(&closed, Side::Client, id, 4_000));
        }
        // One for each datagram that was judged.
        gateway.wait_counted("rules.alerts", DATAGRAMS.into());
        assert_eq!(closed.arrived(Side::Client), Vec::<Vec<u8>>::new());
        let stats = gateway.settled_stats();
        assert!(stats["handoff.out"].as_u64() > Some(0), "no fragment came in at the other worker: {stats}");
        assert_eq!(stats["handoff.full"], 0, "{stats}");
        gateway.assert_frames_conserved();
    }
}

#[test]
fn sockets_talk_in_fragments_over_two_workers() {
    let Some(lab) = Lab::plan().queues(2).up() else { return };
    let gateway = lab.gateway().set("gateway.workers", "2").rules(&drop_port(9)).start();
    for family in Family::BOTH {
        let _echoes = [7, 9].map(|port| lab.echo(Side::Server, family, port));
        for (seed, size) in [1_473, 3_000, 9_000, 20_000, 60_000].into_iter().enumerate() {
            let socket = lab.udp_to(Side::Client, family, 7);
            let sent = SeededBytes::new(seed as u64).take(size);
            socket.send(&sent).unwrap();
            let mut received = vec![0; 65_536];
            let len = socket.recv(&mut received).unwrap_or_else(|error| panic!("{size} bytes: {error}"));
            assert!(received[..len] == sent, "{size} bytes came back as {len}, or changed");
        }
        let refused = lab.udp_to(Side::Client, family, 9);
        refused.send(&SeededBytes::new(9).take(9_000)).unwrap();
        let dropped = if family == Family::V4 { 1 } else { 2 };
        let to = Side::Server.address(family);
        gateway.wait_for_event("an alert about the datagram", |event| {
            eve::is(event, "alert") && eve::is_to(event, to, 9)
        });
        gateway.wait_counted("verdict.dropped", dropped);
        // Nothing of it arrived, or its echo would be here.
        assert_eq!(lab.ask(Side::Client, family, 7, std::time::Duration::from_secs(10)), Answer::Echoed);
        refused.set_nonblocking(true).unwrap();
        assert!(refused.recv(&mut [0; 16]).is_err(), "{family:?}: a datagram to a closed port came back");
    }
    gateway.assert_frames_conserved();
}
