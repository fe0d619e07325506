//! How a gateway ends, by its own will and otherwise, and what is left then.

use std::time::Duration;

use tidegate_tests::craft;
use tidegate_tests::gateway::reject_udp_port;
use tidegate_tests::traffic::{Answer, Transfer, Way};
use tidegate_tests::{Family, Gateway, Lab, RawSocket, Side};

const SOON: Duration = Duration::from_secs(10);

/// Nothing more may be there than before the gateway came.
fn assert_nothing_left(lab: &Lab) {
    assert_eq!(lab.attached_programs(), "", "a program is still attached");
    assert_eq!(lab.pinned(), Vec::<String>::new(), "something is still pinned");
    assert!(!lab.control_socket().exists(), "the control socket is still there");
}

/// Nothing may cross: no ping, no datagram, and no frame that is not IP.
fn assert_nothing_passes(lab: &Lab) {
    for family in Family::BOTH {
        for side in Side::BOTH {
            assert!(lab.ping_with(side, family, &["-W", "0.2"]).is_err(), "{side:?} {family:?}");
        }
    }
    for side in Side::BOTH {
        let frame = craft::ethernet(side.other().mac(), side.mac(), 0x88b5, &[7; 46]);
        let receiver = RawSocket::open(lab.side(side.other()), side.other().device());
        RawSocket::open(lab.side(side), side.device()).send(&frame);
        while let Some(other) = receiver.receive(Duration::from_millis(200)) {
            assert_ne!(other, frame, "from {side:?}");
        }
    }
}

fn assert_all_passes(lab: &Lab) {
    for family in Family::BOTH {
        for side in Side::BOTH {
            lab.ping(side, family, 56).unwrap();
        }
    }
}

/// The kernel has taken over. What was on its way into the gateway when that
/// ended is lost, as on any link that flaps; from then on, nothing is.
fn assert_all_passes_without_gateway(lab: &Lab) {
    for family in Family::BOTH {
        let passes = || lab.ping_once(Side::Client, family).then_some(());
        tidegate_tests::wait_for("traffic through the kernel", SOON, passes);
    }
    assert_all_passes(lab);
}

/// Whether rules count: the gateway itself looks at packets.
fn assert_rejects(lab: &Lab, gateway: &Gateway<'_>, port: u16) {
    for family in Family::BOTH {
        let before = gateway.packets_received();
        let answer = lab.ask(Side::Client, family, port, SOON);
        assert!(matches!(answer, Answer::Refused(_)), "{family:?}: {answer:?}");
        assert!(gateway.packets_received() > before, "its counters stand still");
    }
}

#[test]
fn a_stopped_gateway_leaves_nothing_behind() {
    let Some(lab) = Lab::up() else { return };
    for signal in ["TERM", "INT"] {
        // Twice in a row: what the first one leaves, the second would meet.
        let mut gateway = lab.gateway().start();
        assert_ne!(lab.attached_programs(), "", "no program is attached");
        assert!(lab.control_socket().exists());
        assert_all_passes(&lab);
        gateway.signal(signal);
        assert_eq!(gateway.wait(), Some(0), "after SIG{signal}: {}", gateway.stderr());
        assert_nothing_left(&lab);
        let written = std::fs::read_to_string(gateway.events_path()).unwrap();
        assert!(written.is_empty() || written.ends_with('\n'), "the last event was cut short");
    }
    assert_nothing_passes(&lab);
}

#[test]
fn a_gateway_that_is_stopped_under_traffic_ends_at_once() {
    let Some(lab) = Lab::up() else { return };
    let mut gateway = lab.gateway().start();
    let connection = lab.connect(Family::V4, 8_080);
    for end in [&connection.client, &connection.server] {
        end.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        end.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    }
    let transfer = Transfer::start(connection, Way::Up, 1 << 40, 1);
    transfer.wait_received(8 << 20);
    assert_eq!(gateway.stop(), Some(0), "{}", gateway.stderr());
    assert_nothing_left(&lab);
    let cut = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| transfer.finish()));
    assert!(cut.is_err(), "traffic goes on without a gateway");
}

#[test]
fn a_killed_gateway_that_was_not_pinned_leaves_no_program() {
    let Some(lab) = Lab::up() else { return };
    let mut gateway = lab.gateway().start();
    assert_all_passes(&lab);
    gateway.kill();
    assert_eq!(lab.pinned(), Vec::<String>::new());
    // The kernel detaches when it has closed the last descriptor.
    tidegate_tests::wait_for("the kernel to detach", SOON, || {
        lab.attached_programs().is_empty().then_some(())
    });
    // The stale control socket is no hindrance.
    let mut again = lab.gateway().start();
    assert_all_passes(&lab);
    assert_eq!(again.stop(), Some(0));
    assert_nothing_left(&lab);
}

#[test]
fn failing_open_carries_a_transfer_over_a_kill_and_a_restart() {
    const PART: u64 = 16 << 20;
    let Some(lab) = Lab::up() else { return };
    for (family, way) in [(Family::V4, Way::Up), (Family::V6, Way::Down)] {
        let _echoes = Family::BOTH.map(|family| lab.echo(Side::Server, family, 53));
        let mut gateway = lab.gateway().pinned("open").rules(&reject_udp_port(53)).start();
        assert_rejects(&lab, &gateway, 53);
        // Held before its end, so that it is under way whenever the kill comes.
        let first = Transfer::start_held(lab.connect(family, 8_080), way, 4 * PART, 1, 3 * PART);
        let second = Transfer::start_held(lab.connect(family, 8_081), way, 4 * PART, 2, 2 * PART);
        first.wait_received(PART);
        gateway.kill();

        // Through the kernel alone.
        first.finish();
        second.wait_received(2 * PART);
        assert_all_passes_without_gateway(&lab);
        assert_eq!(lab.ask(Side::Client, family, 53, SOON), Answer::Echoed);
        assert_ne!(lab.attached_programs(), "", "the program went with its process");

        // The next one takes over, under the connection that is still open.
        let mut gateway = lab.gateway().pinned("open").rules(&reject_udp_port(53)).start();
        assert_rejects(&lab, &gateway, 53);
        second.finish();
        gateway.assert_frames_conserved();

        // A pinned gateway that stops leaves the kernel to carry on.
        assert_eq!(gateway.stop(), Some(0), "{}", gateway.stderr());
        assert_all_passes_without_gateway(&lab);
        assert_eq!(lab.ask(Side::Client, family, 53, SOON), Answer::Echoed);

        let detached = lab.detach();
        assert_eq!(detached.code, Some(0), "{}", detached.stderr);
        assert_nothing_left(&lab);
        assert_nothing_passes(&lab);
    }
}

#[test]
fn failing_closed_stops_everything_until_a_restart() {
    let Some(lab) = Lab::up() else { return };
    let mut gateway = lab.gateway().pinned("closed").start();
    assert_all_passes(&lab);
    gateway.kill();
    assert_ne!(lab.attached_programs(), "", "the program went with its process");
    assert_nothing_passes(&lab);

    let _echoes = Family::BOTH.map(|family| lab.echo(Side::Server, family, 53));
    let gateway = lab.gateway().pinned("closed").rules(&reject_udp_port(53)).start();
    assert_all_passes(&lab);
    assert_rejects(&lab, &gateway, 53);
    drop(gateway);

    assert_nothing_passes(&lab);
    let detached = lab.detach();
    assert_eq!(detached.code, Some(0), "{}", detached.stderr);
    assert_eq!((lab.attached_programs(), lab.pinned()), (String::new(), Vec::new()));
}

#[test]
fn a_restart_may_change_the_fail_mode() {
    let Some(lab) = Lab::up() else { return };
    lab.gateway().pinned("closed").start().kill();
    assert_nothing_passes(&lab);
    lab.gateway().pinned("open").start().kill();
    assert_all_passes_without_gateway(&lab);
    lab.gateway().pinned("closed").start().kill();
    assert_nothing_passes(&lab);
}

#[test]
fn two_gateways_do_not_share_a_device() {
    let Some(lab) = Lab::up() else { return };
    let mut first = lab.gateway().start();
    let mut second = lab.gateway().launch();
    assert!(matches!(second.wait(), Some(2 | 3)), "{}", second.stderr());
    assert_all_passes(&lab);
    assert!(first.is_running());
    assert_eq!(first.ctl(["status"]).code, Some(0), "the second took the control socket away");
}

#[test]
fn the_control_socket_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    let mode = std::fs::metadata(lab.control_socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for what in ["status", "stats", "flows", "rules"] {
        assert_eq!(gateway.ctl([what]).code, Some(0));
        gateway.ctl_json(what);
    }
}

#[test]
fn a_client_that_says_nothing_does_not_hold_the_gateway() {
    use std::os::unix::net::UnixStream;
    let Some(lab) = Lab::up() else { return };
    let mut gateway = lab.gateway().start();
    let silent: Vec<UnixStream> =
        (0..4).map(|_| UnixStream::connect(lab.control_socket()).unwrap()).collect();
    assert_eq!(gateway.ctl(["status"]).code, Some(0));
    assert_all_passes(&lab);
    assert_eq!(gateway.stop(), Some(0));
    drop(silent);
}

#[test]
fn a_device_that_is_missing_is_named() {
    let Some(lab) = Lab::up() else { return };
    lab.gateway_namespace().ip(["link delete g1"]);
    let mut gateway = lab.gateway().launch();
    assert_eq!(gateway.wait(), Some(3), "{}", gateway.stderr());
    assert!(gateway.stderr().contains("g1"), "{}", gateway.stderr());
    assert_nothing_left(&lab);
}
