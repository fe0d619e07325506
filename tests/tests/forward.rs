//! What must cross a gateway without rules: everything, unchanged.

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use tidegate_tests::bytes::SeededBytes;
use tidegate_tests::craft::{self, ethertype};
use tidegate_tests::traffic::{Answer, Transfer, Way};
use tidegate_tests::{Family, Lab, RawSocket, Side, eve, soak};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn pings_cross_both_ways() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    for family in Family::BOTH {
        for side in Side::BOTH {
            lab.ping(side, family, 56).unwrap();
        }
    }
    gateway.assert_frames_conserved();
}

#[test]
fn fragments_cross() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    for family in Family::BOTH {
        lab.ping(Side::Client, family, 8_000).unwrap();
    }
    gateway.assert_frames_conserved();
}

#[test]
fn neighbours_are_found_across_it() {
    let Some(lab) = Lab::up() else { return };
    let _gateway = lab.gateway().start();
    for family in Family::BOTH {
        for side in Side::BOTH {
            lab.forget_neighbours();
            lab.ping(side, family, 56).unwrap();
        }
    }
}

#[test]
fn tcp_crosses_byte_for_byte() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    for family in Family::BOTH {
        for way in Way::BOTH {
            lab.transfer(family, way, 64 << 20);
        }
    }
    gateway.assert_frames_conserved();
}

#[test]
#[ignore = "soak: a gibibyte each way"]
fn a_gibibyte_of_tcp_crosses_byte_for_byte() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    for (family, way) in [(Family::V4, Way::Up), (Family::V6, Way::Down)] {
        lab.transfer(family, way, soak::scaled(1 << 30));
    }
    gateway.assert_frames_conserved();
}

#[test]
fn udp_crosses_both_ways() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    for family in Family::BOTH {
        // What fills a packet of 1500 bytes, and what is fragmented.
        let sizes = [0, 1, 17, 18, 19, 512, if family == Family::V4 { 1_472 } else { 1_452 }, 1_473, 9_000];
        for side in Side::BOTH {
            let _echo = lab.echo(side.other(), family, 7);
            let socket = lab.udp_to(side, family, 7);
            for size in sizes {
                let sent = SeededBytes::new(size as u64).take(size);
                socket.send(&sent).unwrap();
                let mut received = vec![0; 10_000];
                let len = socket.recv(&mut received).unwrap_or_else(|error| panic!("{size} bytes: {error}"));
                assert!(received[..len] == sent, "{size} bytes came back as {len}, or changed");
            }
        }
    }
    gateway.assert_frames_conserved();
}

#[test]
fn errors_of_the_far_end_come_back() {
    let Some(lab) = Lab::up() else { return };
    let _gateway = lab.gateway().start();
    for family in Family::BOTH {
        let refused = Answer::Refused(ErrorKind::ConnectionRefused);
        assert_eq!(lab.ask(Side::Client, family, 9, SOON), refused);
        assert_eq!(lab.open(family, 9, SOON).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

/// Sends frames from each side and checks that the other gets just these, in
/// this order, as they were sent.
fn cross_unchanged(lab: &Lab, make: impl Fn(Side) -> Vec<Vec<u8>>) {
    for side in Side::BOTH {
        let sender = RawSocket::open(lab.side(side), side.device());
        let receiver = RawSocket::open(lab.side(side.other()), side.other().device());
        for frame in make(side) {
            sender.send(&frame);
            // What the kernels say of their own accord carries their addresses
            // too, but never the length and the kind of a crafted frame.
            let similar = |other: &[u8]| other.len() == frame.len() && other[12..14] == frame[12..14];
            let before = receiver.receive_until(&frame, SOON, similar);
            assert_eq!(before, Vec::<Vec<u8>>::new(), "{frame:02x?}");
        }
    }
}

#[test]
fn tagged_frames_cross_unchanged() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    cross_unchanged(&lab, |side| {
        let mut frames = Vec::new();
        for family in Family::BOTH {
            let payload = SeededBytes::new(3).take(100);
            let datagram = craft::udp(side.at(family, 4_000), side.other().at(family, 5_000), &payload);
            let plain = craft::from_side(side, &datagram);
            let tags: [&[(u16, u16)]; 7] = [
                &[(ethertype::VLAN, 1)],
                &[(ethertype::VLAN, 0xfff)],
                // A priority alone, and one with the drop-eligible bit.
                &[(ethertype::VLAN, 0xe000)],
                &[(ethertype::VLAN, 0xf064)],
                &[(ethertype::PROVIDER_VLAN, 7)],
                &[(ethertype::PROVIDER_VLAN, 0x2007), (ethertype::VLAN, 0x4064)],
                // One more than is looked into.
                &[(ethertype::PROVIDER_VLAN, 1), (ethertype::VLAN, 2), (ethertype::VLAN, 3)],
            ];
            frames.extend(tags.map(|tags| craft::tagged(plain.clone(), tags)));
        }
        let arp = craft::arp_request((side.mac(), [192, 0, 2, 1]), [192, 0, 2, 2]);
        frames.push(craft::tagged(arp, &[(ethertype::VLAN, 100)]));
        frames
    });
    gateway.assert_frames_conserved();
}

#[test]
fn frames_that_are_not_ip_cross_unchanged() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    cross_unchanged(&lab, |side| {
        let payload = |len: usize| SeededBytes::new(len as u64).take(len);
        let to = |dst: [u8; 6], kind: u16, len: usize| craft::ethernet(dst, side.mac(), kind, &payload(len));
        let across = side.other().mac();
        vec![
            // LLDP and STP go to addresses that a bridge keeps to itself.
            to([0x01, 0x80, 0xc2, 0, 0, 0x0e], ethertype::LLDP, 60),
            to([0x01, 0x80, 0xc2, 0, 0, 0], 38, 46),
            // PPPoE, MPLS, PTP, and the two that are free for experiments.
            to(across, 0x8863, 46),
            to(across, 0x8847, 200),
            to([0x01, 0x1b, 0x19, 0, 0, 0], 0x88f7, 46),
            to(craft::BROADCAST, 0x88b5, 1_500),
            to(across, 0x88b6, 47),
            // The shortest that a packet socket sends.
            to(across, 0x88b5, 1),
        ]
    });
    gateway.assert_frames_conserved();
}

#[test]
fn many_connections_cross_two_queues_and_two_workers() {
    const CONNECTIONS: u64 = 24;
    let Some(lab) = Lab::plan().queues(2).up() else { return };
    let gateway = lab.gateway().set("gateway.workers", "2").start();
    for family in Family::BOTH {
        let listener = lab.listen(family, 8_080);
        let transfers: Vec<Transfer> = (0..CONNECTIONS)
            .map(|seed| {
                let connection = lab.connect_to(&listener).unwrap();
                let way = if seed % 2 == 0 { Way::Up } else { Way::Down };
                Transfer::start(connection, way, 2 << 20, seed)
            })
            .collect();
        transfers.into_iter().for_each(Transfer::finish);
    }
    gateway.assert_frames_conserved();
}

#[test]
fn jumbo_packets_cross() {
    let Some(lab) = Lab::plan().mtu(9_000).up() else { return };
    let gateway = lab.gateway().start();
    for family in Family::BOTH {
        for side in Side::BOTH {
            lab.ping_with(side, family, &["-s", "8000", "-M", "do"]).unwrap();
        }
        for way in Way::BOTH {
            lab.transfer(family, way, 16 << 20);
        }
    }
    gateway.assert_frames_conserved();
}

#[test]
fn the_generic_mode_carries_the_same() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().set("gateway.xdp", "generic").start();
    assert!(lab.attached_programs().contains("xdpgeneric"), "{}", lab.attached_programs());
    for family in Family::BOTH {
        lab.ping(Side::Client, family, 56).unwrap();
        for way in Way::BOTH {
            lab.transfer(family, way, 8 << 20);
        }
    }
    gateway.assert_frames_conserved();
}

#[test]
fn a_busy_gateway_carries_the_same() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().set("gateway.poll", "busy").start();
    for family in Family::BOTH {
        lab.transfer(family, Way::Up, 8 << 20);
    }
    gateway.assert_frames_conserved();
}

#[test]
fn a_flow_is_told_when_it_ends() {
    let Some(lab) = Lab::up() else { return };
    let mut gateway = lab.gateway().start();
    for family in Family::BOTH {
        lab.transfer(family, Way::Up, 1 << 20);
    }
    // Those still open are told at the latest when the gateway stops.
    assert_eq!(gateway.stop(), Some(0), "{}", gateway.stderr());
    for family in Family::BOTH {
        let to = Side::Server.address(family);
        let flow = gateway.wait_for_event("the flow of a transfer", |event| {
            eve::is(event, "flow") && eve::is_to(event, to, 8_080)
        });
        assert_eq!(flow["proto"], "TCP");
        let up = flow["flow"]["bytes_toserver"].as_u64();
        assert!(up.is_some_and(|up| up > 1 << 20), "{flow}");
        assert!(flow["flow"]["pkts_toclient"].as_u64().is_some_and(|down| down > 0), "{flow}");
    }
}

#[test]
fn a_tap_watches_and_lets_everything_pass() {
    let Some(lab) = Lab::up() else { return };
    lab.bridge();
    let rules = "rule \"seen\" on flow_open when flow.server.port == 8080 { alert(\"seen\"); drop(); }";
    let gateway = lab.tap().rules(rules).start();
    for family in Family::BOTH {
        lab.ping(Side::Client, family, 56).unwrap();
        for way in Way::BOTH {
            lab.transfer(family, way, 4 << 20);
        }
        let to = Side::Server.address(family);
        gateway.wait_for_event("an alert about what passed", |event| {
            eve::is(event, "alert") && eve::is_to(event, to, 8_080)
        });
    }
}

#[test]
fn an_idle_gateway_rests() {
    /// A share of one core that no polling loop stays below.
    const SHARE_MAX: f64 = 0.05;
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().set("gateway.poll", "adaptive").start();
    // It must have been busy once: the way back to rest is what is asked for.
    lab.transfer(Family::V4, Way::Up, 1 << 20);
    // The pause is the measurement here, nothing is waited for.
    let (ticks, begun) = (gateway.processor_ticks(), Instant::now());
    thread::sleep(Duration::from_secs(2));
    let used = Duration::from_millis(10 * (gateway.processor_ticks() - ticks));
    let share = used.as_secs_f64() / begun.elapsed().as_secs_f64();
    assert!(share < SHARE_MAX, "an idle gateway used {:.1} % of a core", 100.0 * share);
}
