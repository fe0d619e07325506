//! The lab alone: a bridge of the kernel where the gateway will be.
//!
//! What fails here is the lab's fault; what fails only elsewhere is the
//! gateway's.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tidegate_tests::bytes::SeededBytes;
use tidegate_tests::craft::{self, ethertype};
use tidegate_tests::lab::remove_leftovers;
use tidegate_tests::netns::{self, Namespace};
use tidegate_tests::traffic::{Answer, Transfer, Way};
use tidegate_tests::{Family, Impairment, Lab, Program, RawSocket, Side};

const SOON: Duration = Duration::from_secs(5);

#[test]
fn nothing_crosses_a_gateway_that_is_not_there() {
    let Some(lab) = Lab::up() else { return };
    let received = RawSocket::open(lab.server(), "s0");
    for family in Family::BOTH {
        assert!(lab.ping_with(Side::Client, family, &["-W", "0.2"]).is_err());
    }
    let frame = craft::ethernet(Side::Server.mac(), Side::Client.mac(), 0x88b5, &[7; 46]);
    RawSocket::open(lab.client(), "c0").send(&frame);
    while let Some(other) = received.receive(Duration::from_millis(200)) {
        assert_ne!(other, frame);
    }
}

#[test]
fn carries_real_traffic_over_a_bridge() {
    let Some(lab) = Lab::up() else { return };
    lab.bridge();
    for family in Family::BOTH {
        let _echo = lab.echo(Side::Server, family, 7);
        for side in Side::BOTH {
            lab.ping(side, family, 56).unwrap();
            lab.ping(side, family, 4_000).unwrap();
        }
        assert_eq!(lab.ask(Side::Client, family, 7, SOON), Answer::Echoed);
        let refused = Answer::Refused(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(lab.ask(Side::Client, family, 8, SOON), refused);
        let closed = lab.open(family, 9, SOON).unwrap_err();
        assert_eq!(closed.kind(), std::io::ErrorKind::ConnectionRefused);
        for way in Way::BOTH {
            lab.transfer(family, way, 16 << 20);
        }
        let stream = lab.start_counted_stream(family, 7);
        stream.wait_for_more(1_000);
        assert!(stream.finish().unwrap() >= 1_000);
    }
}

#[test]
fn learns_neighbours_again() {
    let Some(lab) = Lab::up() else { return };
    lab.bridge();
    for family in Family::BOTH {
        lab.ping(Side::Client, family, 56).unwrap();
        lab.forget_neighbours();
        lab.ping(Side::Server, family, 56).unwrap();
    }
}

#[test]
fn carries_jumbo_packets_on_several_queues() {
    let Some(lab) = Lab::plan().mtu(9_000).queues(2).up() else { return };
    lab.bridge();
    for family in Family::BOTH {
        lab.ping_with(Side::Client, family, &["-s", "8000", "-M", "do"]).unwrap();
    }
    for device in ["g0", "g1"] {
        let shown = lab.gateway_namespace().output("ip", ["-d", "link", "show", device]);
        assert!(shown.contains("numtxqueues 2 ") && shown.contains("numrxqueues 2 "), "{shown}");
    }
}

#[test]
fn frames_come_out_as_they_went_in() {
    let Some(lab) = Lab::up() else { return };
    lab.bridge();
    for side in Side::BOTH {
        let sender = RawSocket::open(lab.side(side), side.device());
        let receiver = RawSocket::open(lab.side(side.other()), side.other().device());
        let datagram = craft::udp(side.at(Family::V4, 1), side.other().at(Family::V4, 2), b"tagged");
        let plain = craft::from_side(side, &datagram);
        let tagged = |tags: &[(u16, u16)]| craft::tagged(plain.clone(), tags);
        for frame in [
            plain.clone(),
            tagged(&[(ethertype::VLAN, 0x2064)]),
            tagged(&[(ethertype::PROVIDER_VLAN, 7), (ethertype::VLAN, 0xe008)]),
            craft::ethernet(craft::BROADCAST, side.mac(), 0x88b5, &SeededBytes::new(1).take(46)),
        ] {
            sender.send(&frame);
            assert_eq!(receiver.receive_until(&frame, SOON, |_| false), Vec::<Vec<u8>>::new());
        }
    }
}

#[test]
fn impairers_without_rates_lose_and_change_nothing() {
    let Some(lab) = Lab::plan().impaired(Impairment::default()).up() else { return };
    lab.bridge();
    for family in Family::BOTH {
        lab.ping(Side::Client, family, 4_000).unwrap();
        let _echo = lab.echo(Side::Server, family, 7);
        let stream = lab.start_counted_stream(family, 7);
        stream.wait_for_more(2_000);
        // Each came back, or this says which did not.
        assert!(stream.finish().unwrap() >= 2_000);
        lab.transfer(family, Way::Up, 8 << 20);
    }
    for side in Side::BOTH {
        let sender = RawSocket::open(lab.side(side), side.device());
        let receiver = RawSocket::open(lab.side(side.other()), side.other().device());
        let plain = craft::ethernet(craft::BROADCAST, side.mac(), 0x88b5, &SeededBytes::new(1).take(46));
        let tagged =
            craft::tagged(plain.clone(), &[(ethertype::PROVIDER_VLAN, 7), (ethertype::VLAN, 0xe008)]);
        for frame in [plain, tagged] {
            sender.send(&frame);
            assert_eq!(receiver.receive_until(&frame, SOON, |_| false), Vec::<Vec<u8>>::new());
        }
        for tally in lab.tallies(side) {
            assert!(tally.received > 4_000, "{tally:?}");
            assert_eq!((tally.lost, tally.doubled, tally.reordered), (0, 0, 0), "{tally:?}");
            assert_eq!((tally.overrun, tally.refused), (0, 0), "{tally:?}");
        }
    }
}

#[test]
fn impairers_do_what_they_are_told() {
    const FRAMES: u64 = 2_000;
    let rates = Impairment {
        loss_permille: 100,
        reorder_permille: 200,
        duplicate_permille: 50,
        delay: Duration::from_millis(2),
        seed: 1,
    };
    let Some(lab) = Lab::plan().impaired(rates).up() else { return };
    lab.bridge();
    let sender = RawSocket::open(lab.client(), "c0");
    let receiver = RawSocket::open(lab.server(), "s0");
    let frame = |number: u64| {
        let mut payload = [0; 46];
        payload[..8].copy_from_slice(&number.to_be_bytes());
        craft::ethernet(Side::Server.mac(), Side::Client.mac(), 0x88b5, &payload)
    };
    let mut numbers = Vec::new();
    let mut drain = |patience| {
        while let Some(frame) = receiver.receive(patience) {
            if let Some(number) = frame.get(14..22).filter(|_| frame[12..14] == [0x88, 0xb5]) {
                numbers.push(u64::from_be_bytes(number.try_into().unwrap()));
            }
        }
    };
    for number in 0..FRAMES {
        sender.send(&frame(number));
        // No more at once than a socket's buffer holds.
        if number % 64 == 63 {
            drain(Duration::from_millis(10));
        }
    }
    drain(Duration::from_millis(500));
    // Over two cables, so that about a fifth is lost; and no more than came in
    // on one can have left on the other.
    let tallies = Side::BOTH.map(|side| lab.tallies(side)[0]);
    for tally in tallies {
        assert!(tally.lost > 100 && tally.doubled > 50 && tally.reordered > 200, "{tally:?}");
        assert_eq!((tally.overrun, tally.refused), (0, 0), "{tally:?}");
        assert_eq!(tally.sent, tally.received - tally.lost + tally.doubled, "{tally:?}");
    }
    assert!(numbers.windows(2).any(|pair| pair[0] > pair[1]), "nothing came out of order");
    let arrived = numbers.len() as u64;
    numbers.sort_unstable();
    numbers.dedup();
    assert!(arrived > numbers.len() as u64, "nothing came twice");
    let lost = FRAMES - numbers.len() as u64;
    assert!((200..600).contains(&lost), "{lost} of {FRAMES} were lost: {tallies:?}");
}

#[test]
fn a_transfer_that_is_cut_fails() {
    let Some(lab) = Lab::up() else { return };
    lab.bridge();
    let connection = lab.connect(Family::V4, 80);
    connection.server.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    connection.client.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let transfer = Transfer::start_held(connection, Way::Up, 2 << 20, 1, 1 << 20);
    transfer.wait_received(1 << 20);
    lab.gateway_namespace().ip(["link set br0 down"]);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| transfer.finish()));
    assert!(outcome.is_err());
}

/// What there is of a lab in the world.
fn traces(namespace: &str, folder: &Path) -> (bool, bool, bool) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let mounted = mounts.contains(&folder.display().to_string());
    (netns::names().iter().any(|name| name == namespace), folder.exists(), mounted)
}

#[test]
fn leaves_nothing_behind() {
    let Some(lab) = Lab::up() else { return };
    let (name, folder) = (lab.server().name().to_owned(), lab.folder().to_owned());
    assert_eq!(traces(&name, &folder), (true, true, true));
    drop(lab);
    assert_eq!(traces(&name, &folder), (false, false, false));
}

#[test]
fn leaves_nothing_behind_after_a_panic() {
    let mut seen = None;
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let Some(lab) = Lab::up() else { return };
        seen = Some((lab.client().name().to_owned(), lab.folder().to_owned()));
        let _sleeper = Program::start(lab.client().command("sleep").arg("60"), lab.folder(), "sleep");
        panic!("as a failed test does");
    }));
    let Some((name, folder)) = seen else { return };
    assert!(outcome.is_err());
    assert_eq!(traces(&name, &folder), (false, false, false));
}

#[test]
fn clears_away_what_a_killed_run_left() {
    if Lab::up().is_none() {
        return;
    }
    let mut gone = Command::new("true").spawn().unwrap();
    let pid = gone.id();
    gone.wait().unwrap();
    // As a killed run leaves them: a namespace, a program in it, a folder.
    let left = Namespace::create(format!("tidegate-{pid}-0-client"));
    let mut sleeper = left.command("sleep").arg("60").spawn().unwrap();
    tidegate_tests::wait_for("a program that is in its namespace", SOON, || {
        let own = std::fs::read_link("/proc/self/ns/net").ok();
        let its = std::fs::read_link(format!("/proc/{}/ns/net", sleeper.id())).ok();
        (its.is_some() && its != own).then_some(())
    });
    let folder = std::env::temp_dir().join(format!("tidegate-{pid}-0-left"));
    std::fs::create_dir(&folder).unwrap();

    remove_leftovers();
    assert_eq!(traces(left.name(), &folder), (false, false, false));
    assert!(!sleeper.wait().unwrap().success());
}
