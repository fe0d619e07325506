//! What the program decides: a table of frames, run by the kernel itself
//! (`BPF_PROG_TEST_RUN`) under each state that a queue may be in.
//!
//! Every run is checked against all counters, so a row also says what a frame
//! must not be counted as.

mod common;

use std::collections::BTreeSet;
use std::os::fd::AsFd as _;
use std::time::Duration;

use common::{XdpSocket, in_namespace, lay_cables, options, until};
use tidegate_ebpf::{Action, AttachOptions, FailMode, Reason, Steer, monotonic_ns};

const TCP: u8 = 6;
const UDP: u8 = 17;
const HOP_BY_HOP: u8 = 0;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const ESP: u8 = 50;
const DESTINATION: u8 = 60;

fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2];
    frame.extend_from_slice(&ethertype.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A tag's control information, the type of what follows, and that.
fn tagged(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut tag = vec![0x00, 0x64];
    tag.extend_from_slice(&ethertype.to_be_bytes());
    tag.extend_from_slice(payload);
    tag
}

/// `fragment` is the flags and the offset as they stand in the header.
fn ipv4(protocol: u8, options: &[u8], fragment: u16, payload: &[u8]) -> Vec<u8> {
    let header_len = 20 + options.len();
    let total_len = u16::try_from(header_len + payload.len()).unwrap();
    let mut packet = vec![0x40 | u8::try_from(header_len / 4).unwrap(), 0];
    packet.extend_from_slice(&total_len.to_be_bytes());
    packet.extend_from_slice(&[0, 1]);
    packet.extend_from_slice(&fragment.to_be_bytes());
    packet.extend_from_slice(&[64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    packet.extend_from_slice(options);
    packet.extend_from_slice(payload);
    packet
}

fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
    packet.extend_from_slice(&[next, 64]);
    packet.extend_from_slice(&[0x20; 32]);
    packet.extend_from_slice(payload);
    packet
}

/// An IPv6 extension header of `len` bytes, its length field as given.
fn extension(next: u8, length_field: u8, len: usize, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0; len];
    header[0] = next;
    header[1] = length_field;
    header.extend_from_slice(payload);
    header
}

fn fragment_header(next: u8, offset_and_flag: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = extension(next, 0, 8, payload);
    header[2..4].copy_from_slice(&offset_and_flag.to_be_bytes());
    header
}

fn tcp() -> Vec<u8> {
    let mut segment = vec![0; 20];
    segment[..4].copy_from_slice(&[0xc0, 0, 0, 22]);
    segment[12] = 0x50;
    segment
}

fn udp() -> Vec<u8> {
    vec![0xc0, 0, 0, 53, 0, 8, 0, 0]
}

type Row = (&'static str, Vec<u8>, &'static [Reason]);

fn plain() -> Vec<Row> {
    use Reason::{Arp, Icmp, Ipv4, Ipv6, NotIp, OtherTransport, Tcp, Udp};
    let v4 = |protocol, payload: &[u8]| ethernet(0x0800, &ipv4(protocol, &[], 0, payload));
    let v6 = |next, payload: &[u8]| ethernet(0x86dd, &ipv6(next, payload));
    vec![
        ("IPv4 TCP", v4(TCP, &tcp()), &[Ipv4, Tcp]),
        ("IPv4 UDP", v4(UDP, &udp()), &[Ipv4, Udp]),
        ("IPv4 ICMP", v4(1, &[8, 0, 0, 0, 0, 0, 0, 0]), &[Ipv4, Icmp]),
        ("IPv4 SCTP", v4(132, &[0; 12]), &[Ipv4, OtherTransport]),
        ("IPv4 with ICMPv6 in it", v4(58, &[0; 8]), &[Ipv4, OtherTransport]),
        ("IPv4 with options", ethernet(0x0800, &ipv4(TCP, &[1; 40], 0, &tcp())), &[Ipv4, Tcp]),
        (
            "IPv4 with padding",
            ethernet(0x0800, &[ipv4(UDP, &[], 0, &udp()), vec![0; 18]].concat()),
            &[Ipv4, Udp],
        ),
        ("IPv6 TCP", v6(TCP, &tcp()), &[Ipv6, Tcp]),
        ("IPv6 UDP", v6(UDP, &udp()), &[Ipv6, Udp]),
        ("IPv6 ICMPv6", v6(58, &[135, 0, 0, 0, 0, 0, 0, 0]), &[Ipv6, Icmp]),
        ("IPv6 with ICMPv4 in it", v6(1, &[0; 8]), &[Ipv6, OtherTransport]),
        ("IPv6 no next header", v6(59, &[]), &[Ipv6, OtherTransport]),
        ("IPv6 ESP", v6(ESP, &[0; 16]), &[Ipv6, OtherTransport]),
        ("ARP", ethernet(0x0806, &[0; 28]), &[Arp]),
        ("LLDP", ethernet(0x88cc, &[0; 46]), &[NotIp]),
        ("spanning tree, with a length for a type", ethernet(38, &[0x42; 46]), &[NotIp]),
        ("nothing but Ethernet", ethernet(0x88cc, &[]), &[NotIp]),
        ("jumbo", v4(UDP, &[udp(), vec![0; 2900]].concat()), &[Ipv4, Udp]),
    ]
}

fn wrapped() -> Vec<Row> {
    use Reason::{Arp, Fragment, Icmp, Ipv4, Ipv6, NotIp, Tagged, Tcp, TooDeep, Udp};
    let inner4 = ipv4(TCP, &[], 0, &tcp());
    let inner6 = ipv6(UDP, &udp());
    let v6 = |next, payload: &[u8]| ethernet(0x86dd, &ipv6(next, payload));
    let options = |count: usize| {
        let chain = (0..count)
            .fold(tcp(), |inner, depth| extension(if depth == 0 { TCP } else { DESTINATION }, 0, 8, &inner));
        v6(if count == 0 { TCP } else { DESTINATION }, &chain)
    };
    vec![
        ("VLAN IPv4", ethernet(0x8100, &tagged(0x0800, &inner4)), &[Ipv4, Tcp, Tagged]),
        ("VLAN IPv6", ethernet(0x8100, &tagged(0x86dd, &inner6)), &[Ipv6, Udp, Tagged]),
        ("VLAN ARP", ethernet(0x8100, &tagged(0x0806, &[0; 28])), &[Arp, Tagged]),
        ("QinQ 802.1ad", ethernet(0x88a8, &tagged(0x8100, &tagged(0x0800, &inner4))), &[Ipv4, Tcp, Tagged]),
        ("QinQ 0x9100", ethernet(0x9100, &tagged(0x8100, &tagged(0x86dd, &inner6))), &[Ipv6, Udp, Tagged]),
        (
            "three tags",
            ethernet(0x88a8, &tagged(0x88a8, &tagged(0x8100, &tagged(0x0800, &inner4)))),
            &[NotIp, Tagged, TooDeep],
        ),
        ("first fragment", ethernet(0x0800, &ipv4(TCP, &[], 0x2000, &tcp())), &[Ipv4, Tcp, Fragment]),
        ("later fragment", ethernet(0x0800, &ipv4(TCP, &[], 0x2001, &[0; 8])), &[Ipv4, Fragment]),
        ("last fragment", ethernet(0x0800, &ipv4(TCP, &[], 0x0001, &[])), &[Ipv4, Fragment]),
        ("do not fragment", ethernet(0x0800, &ipv4(TCP, &[], 0x4000, &tcp())), &[Ipv4, Tcp]),
        ("IPv6 first fragment", v6(FRAGMENT, &fragment_header(UDP, 1, &udp())), &[Ipv6, Udp, Fragment]),
        ("IPv6 later fragment", v6(FRAGMENT, &fragment_header(UDP, 8, &[0; 3])), &[Ipv6, Fragment]),
        ("IPv6 atomic fragment", v6(FRAGMENT, &fragment_header(TCP, 0, &tcp())), &[Ipv6, Tcp, Fragment]),
        ("hop by hop", v6(HOP_BY_HOP, &extension(58, 0, 8, &[143, 0, 0, 0])), &[Ipv6, Icmp]),
        ("long options", v6(DESTINATION, &extension(TCP, 255, 2048, &tcp())), &[Ipv6, Tcp]),
        ("authentication", v6(AUTHENTICATION, &extension(TCP, 4, 24, &tcp())), &[Ipv6, Tcp]),
        ("six extension headers", options(6), &[Ipv6, Tcp]),
        ("seven extension headers", options(7), &[Ipv6, TooDeep]),
    ]
}

fn malformed() -> Vec<Row> {
    use Reason::{Fragment, Malformed, Tagged};
    let header = |change: fn(&mut [u8])| {
        let mut packet = ipv4(TCP, &[], 0, &tcp());
        change(&mut packet);
        ethernet(0x0800, &packet)
    };
    let mut rows: Vec<Row> = vec![
        ("IPv4 of version 5", header(|ip| ip[0] = 0x55), &[Malformed]),
        ("IPv4 header of 16 bytes", header(|ip| ip[0] = 0x44), &[Malformed]),
        ("IPv4 header beyond the frame", header(|ip| ip[0] = 0x4f), &[Malformed]),
        ("IPv4 shorter than its header", header(|ip| ip[3] = 19), &[Malformed]),
        ("IPv6 of version 4", ethernet(0x86dd, &[0x40; 60]), &[Malformed]),
        ("VLAN cut in the tag", ethernet(0x8100, &[0, 1]), &[Malformed, Tagged]),
        ("QinQ cut in the second tag", ethernet(0x88a8, &tagged(0x8100, &[0, 1])), &[Malformed, Tagged]),
        (
            "first fragment cut in its TCP header",
            ethernet(0x0800, &ipv4(TCP, &[], 0x2000, &tcp()[..16])),
            &[Malformed, Fragment],
        ),
        (
            "authentication header of 8 bytes",
            ethernet(0x86dd, &ipv6(AUTHENTICATION, &extension(TCP, 0, 8, &tcp()))),
            &[Malformed],
        ),
        (
            "options beyond the frame",
            ethernet(0x86dd, &ipv6(DESTINATION, &extension(TCP, 9, 24, &tcp()))),
            &[Malformed],
        ),
    ];
    // Every truncation of a header chain is malformed, whatever it is cut in.
    let whole = [
        ("IPv4 TCP, cut short", ethernet(0x0800, &ipv4(TCP, &[1; 4], 0, &tcp()))),
        ("IPv4 UDP, cut short", ethernet(0x0800, &ipv4(UDP, &[], 0, &udp()))),
        ("IPv6 UDP, cut short", ethernet(0x86dd, &ipv6(UDP, &udp()))),
        ("IPv6 options, cut short", ethernet(0x86dd, &ipv6(HOP_BY_HOP, &extension(TCP, 1, 16, &tcp())))),
        ("IPv4 ICMP, cut short", ethernet(0x0800, &ipv4(1, &[], 0, &[8, 0, 0, 0]))),
    ];
    for (name, frame) in whole {
        rows.extend((14..frame.len()).map(|len| (name, frame[..len].to_vec(), &[Malformed] as &[Reason])));
    }
    rows
}

/// Which counters went up, each by exactly one.
fn raised(steer: &Steer, run: impl FnOnce()) -> BTreeSet<Reason> {
    let before = steer.counters().unwrap();
    run();
    let after = steer.counters().unwrap();
    let mut raised = BTreeSet::new();
    for ((reason, before), (_, after)) in before.into_iter().zip(after) {
        assert!(after - before <= 1, "{} went up by {}", reason.name(), after - before);
        if after > before {
            raised.insert(reason);
        }
    }
    raised
}

/// Runs the whole table and holds each row to its counters, to `fate` and to
/// `action`.
fn check(steer: &Steer, state: &str, action: Action, fate: &[Reason]) {
    for (name, frame, of_frame) in plain().into_iter().chain(wrapped()).chain(malformed()) {
        let name = format!("{state}: {name} ({} bytes)", frame.len());
        let got = raised(steer, || assert_eq!(steer.test_run(&frame).unwrap(), action, "{name}"));
        let wanted: BTreeSet<Reason> = of_frame.iter().chain(fate).copied().collect();
        assert_eq!(got, wanted, "{name}");
        let of = |group: &[Reason]| group.iter().filter(|reason| got.contains(reason)).count();
        assert_eq!((of(&Reason::KINDS), of(&Reason::FATES)), (1, 1), "{name}");
    }
}

#[test]
fn without_a_socket_frames_fail_as_configured() {
    in_namespace(|| {
        lay_cables();
        let mut steer = Steer::load(options(FailMode::Open)).unwrap();
        check(&steer, "open", Action::Redirect, &[Reason::FailedOpen, Reason::NoSocket]);
        steer.configure(FailMode::Closed, None).unwrap();
        check(&steer, "closed", Action::Drop, &[Reason::FailedClosed, Reason::NoSocket]);
    });
}

#[test]
fn with_a_socket_every_frame_goes_to_it() {
    in_namespace(|| {
        lay_cables();
        let mut steer = Steer::load(options(FailMode::Closed)).unwrap();
        let socket = XdpSocket::new("a0", 0);
        steer.set_socket(0, socket.as_fd()).unwrap();
        check(&steer, "socket", Action::Redirect, &[Reason::ToSocket]);
        steer.clear_socket(0).unwrap();
        check(&steer, "cleared", Action::Drop, &[Reason::FailedClosed, Reason::NoSocket]);
    });
}

#[test]
fn a_closed_socket_leaves_the_map_by_itself() {
    in_namespace(|| {
        lay_cables();
        let mut steer = Steer::load(options(FailMode::Closed)).unwrap();
        let socket = XdpSocket::new("a0", 0);
        steer.set_socket(0, socket.as_fd()).unwrap();
        let frame = ethernet(0x0806, &[0; 28]);
        assert_eq!(steer.test_run(&frame).unwrap(), Action::Redirect);
        drop(socket);
        // A command that another test starts just now has a copy until it runs.
        until("the entry is gone", || steer.test_run(&frame).unwrap() == Action::Drop);
    });
}

#[test]
fn a_stale_heartbeat_fails_its_queue_and_a_beat_mends_it() {
    in_namespace(|| {
        lay_cables();
        let limit = Duration::from_mins(10);
        let with_limit = AttachOptions { heartbeat_limit: Some(limit), ..options(FailMode::Open) };
        let mut steer = Steer::load(with_limit).unwrap();
        let socket = XdpSocket::new("a0", 0);
        steer.set_socket(0, socket.as_fd()).unwrap();
        check(&steer, "registered", Action::Redirect, &[Reason::ToSocket]);

        // Uptime may be less than the limit: times before 0 are after wrapping.
        let long_ago = |age: Duration| monotonic_ns().wrapping_sub(u64::try_from(age.as_nanos()).unwrap());
        let worker = steer.heartbeat(0).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| worker.beat(long_ago(limit * 2)));
        });
        check(&steer, "stale", Action::Redirect, &[Reason::FailedOpen, Reason::StaleHeartbeat]);
        steer.configure(FailMode::Closed, Some(limit)).unwrap();
        check(&steer, "stale", Action::Drop, &[Reason::FailedClosed, Reason::StaleHeartbeat]);

        steer.beat(0, long_ago(limit / 2)).unwrap();
        check(&steer, "beaten", Action::Redirect, &[Reason::ToSocket]);
        steer.beat(0, monotonic_ns() + 1_000_000_000).unwrap();
        check(&steer, "ahead of the clock", Action::Redirect, &[Reason::ToSocket]);

        steer.beat(0, long_ago(limit * 2)).unwrap();
        steer.configure(FailMode::Closed, None).unwrap();
        check(&steer, "no limit", Action::Redirect, &[Reason::ToSocket]);
    });
}

#[test]
fn a_peer_that_is_gone_is_counted_as_such() {
    in_namespace(|| {
        lay_cables();
        let steer = Steer::load(options(FailMode::Open)).unwrap();
        common::run("ip link del b0");
        check(&steer, "no peer", Action::Drop, &[Reason::PeerGone, Reason::NoSocket]);
    });
}

#[test]
fn a_queue_without_a_place_is_refused() {
    in_namespace(|| {
        lay_cables();
        let mut steer = Steer::load(options(FailMode::Open)).unwrap();
        let refused = steer.beat(tidegate_ebpf::QUEUES_MAX, 1).expect_err("there is no such queue");
        assert!(refused.to_string().contains("queue 1024"), "{refused}");
        let not_a_socket = std::fs::File::open("/dev/null").unwrap();
        let refused = steer.set_socket(0, not_a_socket.as_fd()).expect_err("it is no socket");
        assert!(refused.to_string().starts_with("a0: cannot register a socket"), "{refused}");
    });
}
