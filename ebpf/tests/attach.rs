//! Attaching, pinning, taking over and detaching, on real devices with real
//! frames.

mod common;

use std::fs;
use std::os::fd::AsFd as _;

use common::{
    End, Pins, XdpSocket, count, in_namespace, lay_cable, lay_cables, new_namespace, options, run, until,
};
use tidegate_ebpf::{
    AttachOptions, Attached, FailMode, ModeChoice, Promiscuity, Reason, Steer, SteerError, XdpMode,
    detach_pinned, rx_queue_count, set_promiscuous,
};

const NATIVE: Attached = Attached { mode: XdpMode::Native, took_over: false };
const TAKEN_OVER: Attached = Attached { mode: XdpMode::Native, took_over: true };

fn attach(options: AttachOptions) -> Result<(Steer, Attached), SteerError> {
    let mut steer = Steer::load(options)?;
    let attached = steer.attach()?;
    Ok((steer, attached))
}

/// Whether any XDP program is on a device, as `ip` sees it.
fn is_steered(interface: &str) -> bool {
    let output = std::process::Command::new("ip").args(["link", "show", interface]).output().unwrap();
    assert!(output.status.success(), "{interface} exists");
    String::from_utf8(output.stdout).unwrap().contains("prog/xdp")
}

/// Frames go from one end to the other, in order.
fn assert_forwards(from: &End, to: &End) {
    for number in 0..10 {
        from.send(number);
        assert_eq!(to.receive(), number);
    }
}

#[test]
fn attaches_natively_to_a_veth_and_fails_open() {
    in_namespace(|| {
        lay_cables();
        let (steer, attached) = attach(options(FailMode::Open)).unwrap();
        assert_eq!(attached, NATIVE);
        assert_eq!(steer.mode(), Some(XdpMode::Native));
        assert_forwards(&End::new("a1"), &End::new("b1"));
        assert!(count(&steer, Reason::FailedOpen) >= 10);
    });
}

#[test]
fn fails_closed_until_told_otherwise() {
    in_namespace(|| {
        lay_cables();
        let (mut steer, _) = attach(options(FailMode::Closed)).unwrap();
        let (from, to) = (End::new("a1"), End::new("b1"));
        for number in 100..110 {
            from.send(number);
        }
        until("all are dropped", || count(&steer, Reason::FailedClosed) >= 10);
        steer.configure(FailMode::Open, None).unwrap();
        // The first frame that comes out is the first one sent after the change.
        assert_forwards(&from, &to);
    });
}

#[test]
fn generic_mode_serves_where_there_is_no_native_one() {
    in_namespace(|| {
        lay_cables();
        run("ip link set lo up");
        let on_lo = AttachOptions { interface: "lo".into(), ..options(FailMode::Open) };
        let (steer, attached) = attach(on_lo.clone()).unwrap();
        assert_eq!(attached, Attached { mode: XdpMode::Generic, took_over: false });
        steer.detach().unwrap();
        let refused = attach(AttachOptions { mode: ModeChoice::Native, ..on_lo }).err().expect("lo has none");
        assert!(refused.to_string().contains("gateway.xdp"), "{refused}");

        // And on demand, where it forwards as native mode does.
        let generic = AttachOptions { mode: ModeChoice::Generic, ..options(FailMode::Open) };
        let (_steer, attached) = attach(generic).unwrap();
        assert_eq!(attached.mode, XdpMode::Generic);
        assert_forwards(&End::new("a1"), &End::new("b1"));
    });
}

#[test]
fn attaches_to_a_device_with_jumbo_frames() {
    in_namespace(|| {
        lay_cables();
        for end in ["a0", "a1", "b0", "b1"] {
            run(&format!("ip link set {end} mtu 9000"));
        }
        let (_steer, attached) = attach(options(FailMode::Open)).unwrap();
        assert_eq!(attached, NATIVE);
        assert_forwards(&End::new("a1"), &End::new("b1"));
    });
}

#[test]
fn without_pins_nothing_stays_behind() {
    in_namespace(|| {
        lay_cables();
        let (steer, _) = attach(options(FailMode::Open)).unwrap();
        assert!(is_steered("a0"));
        drop(steer);
        assert!(!is_steered("a0"));
        let (steer, _) = attach(options(FailMode::Open)).unwrap();
        steer.detach().unwrap();
        assert!(!is_steered("a0"));
    });
}

#[test]
fn a_pinned_program_outlives_its_process_and_is_detached_by_name() {
    in_namespace(|| {
        lay_cables();
        let pins = Pins::new();
        let (steer, _) = attach(pins.options(FailMode::Open)).unwrap();
        for name in ["link", "sockets", "heartbeats", "settings", "counters", "peer"] {
            assert!(pins.exists(&format!("a0/{name}")), "{name}");
        }
        drop(steer);
        assert_forwards(&End::new("a1"), &End::new("b1"));

        assert_eq!(detach_pinned(&pins.0, Some("b0")).unwrap(), Vec::<String>::new());
        assert!(is_steered("a0"));
        assert_eq!(detach_pinned(&pins.0, Some("a0")).unwrap(), ["a0"]);
        assert!(!is_steered("a0") && !pins.0.exists());
    });
}

#[test]
fn detaching_removes_every_gateway_s_pins_and_nothing_else() {
    in_namespace(|| {
        lay_cables();
        run("ip link add vlan.7 type veth peer name v1");
        let pins = Pins::new();
        for interface in ["a0", "b0", "vlan.7"] {
            let peer = if interface == "a0" { "b0" } else { "a0" };
            let options = AttachOptions {
                interface: interface.into(),
                peer: peer.into(),
                ..pins.options(FailMode::Open)
            };
            attach(options).unwrap();
        }
        fs::create_dir_all(pins.0.join("other/of-someone-else")).unwrap();
        assert_eq!(detach_pinned(&pins.0, None).unwrap(), ["a0", "b0", "vlan.7"]);
        assert!(pins.exists("other/of-someone-else") && !pins.exists("a0") && !is_steered("a0"));
        assert!(!is_steered("b0") && !is_steered("vlan.7"));
        assert_eq!(detach_pinned(&pins.0, None).unwrap(), Vec::<String>::new());
        fs::remove_dir(pins.0.join("other/of-someone-else")).unwrap();
        fs::remove_dir(pins.0.join("other")).unwrap();
    });
}

#[test]
fn taking_over_loses_no_frame() {
    in_namespace(|| {
        lay_cables();
        let pins = Pins::new();
        drop(attach(pins.options(FailMode::Open)).unwrap());
        let (from, to) = (End::new("a1"), End::new("b1"));
        // One frame after the other goes round while the program is replaced:
        // any moment without one would swallow the frame of that moment.
        let taken = std::thread::scope(|scope| {
            let takeovers = scope.spawn(|| {
                let take = |_| attach(pins.options(FailMode::Open)).unwrap().1;
                (0..20).map(take).collect::<Vec<_>>()
            });
            let mut number = 0;
            while !takeovers.is_finished() || number == 0 {
                from.send(number);
                assert_eq!(to.receive(), number);
                number += 1;
            }
            takeovers.join().unwrap()
        });
        assert_eq!(taken, [TAKEN_OVER; 20]);
    });
}

#[test]
fn counters_and_settings_pass_through_a_takeover() {
    in_namespace(|| {
        lay_cables();
        let pins = Pins::new();
        let (first, _) = attach(pins.options(FailMode::Open)).unwrap();
        assert_forwards(&End::new("a1"), &End::new("b1"));
        let before = count(&first, Reason::FailedOpen);
        assert!(before >= 10);
        drop(first);
        let (second, attached) = attach(pins.options(FailMode::Closed)).unwrap();
        assert_eq!(attached, TAKEN_OVER);
        assert!(count(&second, Reason::FailedOpen) >= before, "the counters go on");
        End::new("a1").send(0);
        until("the new settings hold", || count(&second, Reason::FailedClosed) > 0);
    });
}

#[test]
fn sockets_registered_before_a_takeover_serve_from_its_first_frame() {
    in_namespace(|| {
        lay_cables();
        let pins = Pins::new();
        drop(attach(pins.options(FailMode::Closed)).unwrap());
        let mut steer = Steer::load(pins.options(FailMode::Closed)).unwrap();
        let failed = count(&steer, Reason::FailedClosed);
        let socket = XdpSocket::new("a0", 0);
        steer.set_socket(0, socket.as_fd()).unwrap();
        assert_eq!(steer.attach().unwrap(), TAKEN_OVER);
        End::new("a1").send(0);
        until("the socket is served", || count(&steer, Reason::ToSocket) == 1);
        assert_eq!(count(&steer, Reason::FailedClosed), failed);
    });
}

#[test]
fn a_predecessor_that_stops_late_leaves_its_successor_alone() {
    in_namespace(|| {
        lay_cables();
        let pins = Pins::new();
        let (first, _) = attach(pins.options(FailMode::Open)).unwrap();
        let (second, _) = attach(pins.options(FailMode::Open)).unwrap();
        first.detach().unwrap();
        assert!(is_steered("a0") && pins.exists("a0/link"));
        assert_forwards(&End::new("a1"), &End::new("b1"));
        second.detach().unwrap();
        assert!(!is_steered("a0") && !pins.0.exists());
    });
}

#[test]
fn a_pin_of_a_deleted_device_is_replaced() {
    in_namespace(|| {
        lay_cables();
        let pins = Pins::new();
        drop(attach(pins.options(FailMode::Open)).unwrap());
        run("ip link del a0");
        lay_cable("a0", "a1");
        let (steer, attached) = attach(pins.options(FailMode::Open)).unwrap();
        assert_eq!(attached, NATIVE);
        drop(steer);
        assert_forwards(&End::new("a1"), &End::new("b1"));
        assert_eq!(attach(pins.options(FailMode::Open)).unwrap().1, TAKEN_OVER, "the new pin is a live one");
    });
}

#[test]
fn pins_that_a_killed_start_left_unfinished_are_no_obstacle() {
    in_namespace(|| {
        lay_cables();
        let pins = Pins::new();
        drop(attach(pins.options(FailMode::Open)).unwrap());
        fs::rename(pins.0.join("a0/settings"), pins.0.join("a0/settings:new")).unwrap();
        fs::remove_file(pins.0.join("a0/counters")).unwrap();
        let (steer, attached) = attach(pins.options(FailMode::Open)).unwrap();
        assert_eq!(attached, TAKEN_OVER);
        assert!(pins.exists("a0/settings") && pins.exists("a0/counters") && !pins.exists("a0/settings:new"));
        steer.detach().unwrap();
        assert!(!pins.exists("a0"));
    });
}

#[test]
fn a_pin_in_another_mode_gives_way_to_the_mode_that_is_asked_for() {
    in_namespace(|| {
        lay_cables();
        let pins = Pins::new();
        let in_mode = |mode| attach(AttachOptions { mode, ..pins.options(FailMode::Open) }).unwrap().1;
        assert_eq!(in_mode(ModeChoice::Generic), Attached { mode: XdpMode::Generic, took_over: false });
        assert_eq!(in_mode(ModeChoice::Auto), Attached { mode: XdpMode::Generic, took_over: true });
        assert_eq!(in_mode(ModeChoice::Native), NATIVE);
        assert_forwards(&End::new("a1"), &End::new("b1"));
    });
}

#[test]
fn a_pin_of_another_namespace_is_not_touched() {
    in_namespace(|| {
        lay_cables();
        let pins = Pins::new();
        drop(attach(pins.options(FailMode::Open)).unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Names and indices are the same there; the devices are not.
                new_namespace().unwrap();
                lay_cables();
                let refused =
                    || attach(pins.options(FailMode::Open)).err().expect("the pin is of another device");
                assert!(matches!(refused(), SteerError::PinElsewhere { .. }), "{}", refused());
                assert!(!is_steered("a0"));
                // Nor is it taken for that of a program that runs here.
                let (_steer, _) = attach(options(FailMode::Open)).unwrap();
                assert!(matches!(refused(), SteerError::PinElsewhere { .. }), "{}", refused());
                assert_forwards(&End::new("a1"), &End::new("b1"));
            });
        });
        assert_forwards(&End::new("a1"), &End::new("b1"));
    });
}

#[test]
fn someone_else_s_program_is_named_and_left_alone() {
    in_namespace(|| {
        lay_cables();
        let (_first, _) = attach(options(FailMode::Open)).unwrap();
        let refused = attach(options(FailMode::Open)).err().expect("the device is taken");
        assert!(matches!(refused, SteerError::Occupied { .. }), "{refused}");
        assert!(
            refused.to_string().contains("tidegate_steer") && refused.to_string().contains("a0"),
            "{refused}"
        );
        assert_forwards(&End::new("a1"), &End::new("b1"));
    });
}

#[test]
fn a_failed_attach_leaves_no_pins() {
    in_namespace(|| {
        lay_cables();
        let (_first, _) = attach(options(FailMode::Open)).unwrap();
        let pins = Pins::new();
        attach(pins.options(FailMode::Open)).err().expect("the device is taken");
        assert!(!pins.0.exists());
    });
}

#[test]
fn a_missing_device_is_named() {
    in_namespace(|| {
        lay_cables();
        let refused = Steer::load(AttachOptions { peer: "b7".into(), ..options(FailMode::Open) });
        let refused = refused.err().expect("there is no b7");
        assert!(matches!(&refused, SteerError::NoInterface { interface } if interface == "b7"), "{refused}");
    });
}

#[test]
fn queues_are_counted_in_the_namespace_of_the_thread() {
    in_namespace(|| {
        run("ip link add q0 numrxqueues 3 type veth peer name q1");
        run("ethtool -L q0 rx 3");
        assert_eq!(rx_queue_count("q0").unwrap(), 3);
        run("ethtool -L q0 rx 2");
        assert_eq!(rx_queue_count("q0").unwrap(), 2);
    });
}

#[test]
fn promiscuous_mode_is_set_and_nothing_else() {
    in_namespace(|| {
        lay_cables();
        let flags = || {
            let output = std::process::Command::new("ip").args(["link", "show", "a0"]).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let (_, from) = text.split_once('<').unwrap();
            from.split_once('>').unwrap().0.to_string()
        };
        let before = flags();
        assert_eq!(set_promiscuous("a0", Promiscuity::On).unwrap(), Promiscuity::Off);
        assert!(flags().contains("PROMISC") && flags().contains("UP"));
        assert_eq!(set_promiscuous("a0", Promiscuity::On).unwrap(), Promiscuity::On);
        assert_eq!(set_promiscuous("a0", Promiscuity::Off).unwrap(), Promiscuity::On);
        assert_eq!(flags(), before);
    });
}
