//! New rules under traffic: nothing is lost, and broken rules change nothing.

use std::time::Duration;

use tidegate_tests::gateway::{RULES_FILE, reject_udp_port};
use tidegate_tests::traffic::{Answer, Transfer, Way};
use tidegate_tests::{Family, Gateway, Lab, Side, wait_for};

const SOON: Duration = Duration::from_secs(10);

/// Port of the traffic that every rule set lets pass.
const OPEN: u16 = 7;

/// Rule sets in turn: each closes one port, and opens the one before it.
const CLOSED: [u16; 2] = [4_001, 4_002];

/// How often rules are replaced while traffic flows, half of the times by
/// `ctl reload` and half by SIGHUP.
const RELOADS: usize = 12;

/// Whether the rules in force close `port`: a new flow to it is refused.
fn is_closed(lab: &Lab, family: Family, port: u16) -> bool {
    match lab.ask(Side::Client, family, port, SOON) {
        Answer::Echoed => false,
        Answer::Refused(_) => true,
        Answer::Silent => panic!("a question to port {port} was lost"),
    }
}

/// Whether the rules close `port` while they may be changing. A question that
/// the old rules let pass and whose answer the new ones refuse stays without
/// one: the refusal goes to who sent the answer.
fn has_closed(lab: &Lab, family: Family, port: u16) -> bool {
    matches!(lab.ask(Side::Client, family, port, Duration::from_millis(200)), Answer::Refused(_))
}

/// Replaces the rules again and again while `between` says that traffic flows.
fn reload_again_and_again(lab: &Lab, gateway: &mut Gateway<'_>, family: Family, mut between: impl FnMut()) {
    for round in 0..RELOADS {
        let (closed, open) = (CLOSED[(round + 1) % 2], CLOSED[round % 2]);
        gateway.write_rules(&reject_udp_port(closed));
        if round / 2 % 2 == 0 {
            let reloaded = gateway.ctl(["reload"]);
            assert_eq!(reloaded.code, Some(0), "{}", reloaded.stderr);
        } else {
            gateway.signal("HUP");
        }
        wait_for("the new rules in force", SOON, || has_closed(lab, family, closed).then_some(()));
        assert!(!is_closed(lab, family, open), "the old rules are still in force");
        between();
    }
}

#[test]
fn a_reload_loses_no_datagram() {
    let Some(lab) = Lab::up() else { return };
    let mut gateway = lab.gateway().rules(&reject_udp_port(CLOSED[0])).start();
    for family in Family::BOTH {
        let _echoes = [OPEN, CLOSED[0], CLOSED[1]].map(|port| lab.echo(Side::Server, family, port));
        let stream = lab.start_counted_stream(family, OPEN);
        stream.wait_for_more(100);
        reload_again_and_again(&lab, &mut gateway, family, || stream.wait_for_more(100));
        let sent = stream.finish().unwrap();
        assert!(sent > 100 * RELOADS as u64);
        // The rules that the next family begins with.
        gateway.write_rules(&reject_udp_port(CLOSED[0]));
        assert_eq!(gateway.ctl(["reload"]).code, Some(0));
    }
    gateway.assert_frames_conserved();
}

#[test]
fn a_reload_breaks_no_connection() {
    const STEP: u64 = 2 << 20;
    let bytes = STEP * (RELOADS as u64 + 2);
    let Some(lab) = Lab::up() else { return };
    let mut gateway = lab.gateway().rules(&reject_udp_port(CLOSED[0])).start();
    for (family, way) in [(Family::V4, Way::Up), (Family::V6, Way::Down)] {
        let _echoes = CLOSED.map(|port| lab.echo(Side::Server, family, port));
        let transfer = Transfer::start_held(lab.connect(family, 8_080), way, bytes, 1, bytes - STEP);
        reload_again_and_again(&lab, &mut gateway, family, || {
            transfer.wait_received((transfer.received() + STEP).min(bytes - STEP));
        });
        transfer.finish();
        gateway.write_rules(&reject_udp_port(CLOSED[0]));
        assert_eq!(gateway.ctl(["reload"]).code, Some(0));
    }
    gateway.assert_frames_conserved();
}

#[test]
fn broken_rules_leave_the_old_ones_in_force() {
    let Some(lab) = Lab::up() else { return };
    let mut gateway = lab.gateway().rules(&reject_udp_port(CLOSED[0])).start();
    let _echoes: Vec<_> = Family::BOTH
        .into_iter()
        .flat_map(|family| CLOSED.map(|port| (family, port)))
        .map(|(family, port)| lab.echo(Side::Server, family, port))
        .collect();
    let unchanged = || {
        for family in Family::BOTH {
            assert!(is_closed(&lab, family, CLOSED[0]));
            assert!(!is_closed(&lab, family, CLOSED[1]));
        }
    };
    unchanged();

    // A good rule before the bad one: nothing of a broken file may count.
    let broken =
        format!("{}rule \"oops\" on packet when tpc.port == 1 {{ drop(); }}\n", reject_udp_port(CLOSED[1]));
    gateway.write_rules(&broken);
    let refused = gateway.ctl(["reload"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains(&format!("{RULES_FILE}:2:")), "{}", refused.stderr);
    unchanged();

    gateway.signal("HUP");
    gateway.wait_for_log(&format!("{RULES_FILE}:2:"));
    unchanged();
    assert!(gateway.is_running());

    // And a repaired file is taken.
    gateway.write_rules(&reject_udp_port(CLOSED[1]));
    assert_eq!(gateway.ctl(["reload"]).code, Some(0));
    for family in Family::BOTH {
        assert!(is_closed(&lab, family, CLOSED[1]));
        assert!(!is_closed(&lab, family, CLOSED[0]));
    }
    gateway.assert_frames_conserved();
}
