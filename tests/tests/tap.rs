//! A tap on a real interface: it sees both directions, disturbs nothing, and
//! shows frames as they were on the wire.
//!
//! It watches the client's device. Where sockets talk, the gateway is a bridge
//! of the kernel; where single frames count, they are put on the cable at the
//! gateway's end of it, with nothing in between.

use std::net::UdpSocket;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use tidegate::port::tap::{LAYOUT, TapPort};
use tidegate::port::{Parcel, Port, Supply};
use tidegate::time::Timestamp;
use tidegate::wire::LinkType;
use tidegate::xsk::{Awake, Layout, Pool, Umem, Waiter};
use tidegate_tests::craft::{self, ethertype};
use tidegate_tests::wait::{answered, wait_for};
use tidegate_tests::{Family, Lab, RawSocket, Side};

/// For what must come, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(20);

const WATCHED: &str = Side::Client.device();

/// Watches the client's device with so many ports.
fn watch<'u>(lab: &Lab, shares: usize) -> Vec<TapPort<'u>> {
    lab.client().run(|| TapPort::open(WATCHED, shares)).expect("root may watch")
}

/// Watches the client's device with one port.
fn watch_alone<'u>(lab: &Lab) -> TapPort<'u> {
    watch(lab, 1).pop().expect("one port")
}

/// The far end of the cable that is watched.
fn far_end(lab: &Lab) -> RawSocket {
    RawSocket::open(lab.gateway_namespace(), "g0")
}

/// A UDP socket of the server.
fn server_socket(lab: &Lab) -> UdpSocket {
    lab.server().run(|| UdpSocket::bind(Side::Server.at(Family::V4, 7))).expect("a free port")
}

/// A frame of a protocol that nobody speaks, behind any tags.
fn crafted(tags: &[(u16, u16)], payload: &[u8]) -> Vec<u8> {
    craft::tagged(craft::ethernet(Side::Client.mac(), Side::Server.mac(), 0x88b5, payload), tags)
}

/// Receives until `enough`, with patience, and gives what that returns.
fn receive_until<'u, T>(
    port: &mut TapPort<'u>,
    pool: &mut Pool<'u>,
    mut enough: impl FnMut(&Parcel<'u>) -> Option<T>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    let mut waiter = Waiter::new([port.as_fd()]).expect("a waiter");
    let mut burst = Vec::new();
    loop {
        assert_eq!(port.receive(pool, Timestamp::from_nanos(7), &mut burst), Supply::Open);
        let mut found = None;
        // To the end of the burst: what is received is also sent.
        for parcel in burst.drain(..) {
            found = found.or_else(|| enough(&parcel));
            port.send(parcel).expect("a tap never refuses");
        }
        port.flush(pool);
        if let Some(found) = found {
            return found;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "it did not come within {PATIENCE:?}; {:?}", port.counters());
        waiter.wait(left).expect("a socket can be waited for");
    }
}

/// The EtherType and what follows it.
fn split(frame: &[u8]) -> ([u8; 6], u16, &[u8]) {
    let (macs, rest) = frame.split_first_chunk::<12>().expect("an Ethernet header");
    let (ethertype, rest) = rest.split_first_chunk().expect("an Ethernet header");
    (*macs.last_chunk().expect("the source"), u16::from_be_bytes(*ethertype), rest)
}

#[test]
fn sees_a_ping_both_ways_and_lets_it_be() {
    let Some(lab) = Lab::up() else { return };
    let mut memory = Umem::new(LAYOUT).expect("memory");
    let mut pool = memory.split(1).pop().expect("one share");
    let free = pool.free_len();
    let mut port = watch_alone(&lab);
    assert_eq!((port.link(), port.interface()), (LinkType::Ethernet, WATCHED));

    lab.bridge();
    for (family, ethertype, request, reply, kind_at) in
        [(Family::V4, ethertype::IPV4, 8, 0, 20), (Family::V6, ethertype::IPV6, 128, 129, 40)]
    {
        lab.ping_with(Side::Client, family, &["-W", "10"]).unwrap();
        let mut seen = [0; 2];
        receive_until(&mut port, &mut pool, |parcel| {
            assert_eq!(parcel.at, Timestamp::from_nanos(7));
            assert_eq!(parcel.wire_len as usize, parcel.frame.len());
            let (src, found, packet) = split(parcel.frame.bytes());
            if found == ethertype && packet[kind_at] == request && src == Side::Client.mac() {
                seen[0] += 1;
            }
            if found == ethertype && packet[kind_at] == reply && src == Side::Server.mac() {
                seen[1] += 1;
            }
            (seen == [3, 3]).then_some(())
        });
    }
    let counters = port.counters();
    assert_eq!((counters.rx_dropped, counters.rx_cut), (0, 0));
    assert_eq!((counters.tx_packets, counters.tx_bytes), (counters.rx_packets, counters.rx_bytes));
    assert_eq!(pool.free_len() + port.frames_held(), free, "frames are conserved");
}

#[test]
fn shows_vlan_tags_as_they_were_on_the_wire() {
    let Some(lab) = Lab::up() else { return };
    let mut memory = Umem::new(LAYOUT).expect("memory");
    let mut pool = memory.split(1).pop().expect("one share");
    let mut port = watch_alone(&lab);
    let near = RawSocket::open(lab.client(), WATCHED);
    let far = far_end(&lab);
    for tags in [
        &[][..],
        &[(ethertype::VLAN, 0x6064)],
        &[(ethertype::PROVIDER_VLAN, 0x0005)],
        &[(ethertype::PROVIDER_VLAN, 0x0005), (ethertype::VLAN, 0xe064)],
    ] {
        let frame = crafted(tags, &[0x5a; 64]);
        far.send(&frame);
        let ours = |parcel: &Parcel<'_>| {
            let bytes = parcel.frame.bytes();
            bytes.ends_with(&[0x5a; 64]).then(|| (bytes.to_vec(), parcel.wire_len as usize))
        };
        assert_eq!(
            receive_until(&mut port, &mut pool, ours),
            (frame.clone(), frame.len()),
            "tags {tags:04x?}"
        );
        // The other direction is seen before the kernel takes any tag out.
        near.send(&frame);
        assert_eq!(receive_until(&mut port, &mut pool, ours).0, frame, "tags {tags:04x?}, sent");
    }
}

#[test]
fn cuts_what_is_longer_than_a_frame_and_says_how_long_it_was() {
    let Some(lab) = Lab::up() else { return };
    let layout = Layout { chunks: 128, chunk_size: 512, headroom: 256 };
    let mut memory = Umem::new(layout).expect("memory");
    let mut pool = memory.split(1).pop().expect("one share");
    let mut port = watch_alone(&lab);
    let frame = crafted(&[(ethertype::VLAN, 0x0005)], &[0x5a; 1_000]);
    far_end(&lab).send(&frame);
    let (bytes, wire_len) = receive_until(&mut port, &mut pool, |parcel| {
        let bytes = parcel.frame.bytes();
        bytes.ends_with(&[0x5a; 64]).then(|| (bytes.to_vec(), parcel.wire_len as usize))
    });
    assert_eq!((&bytes[..], wire_len), (&frame[..256], frame.len()));
    assert_eq!(port.counters().rx_cut, 1);
}

#[test]
fn shares_an_interface_so_that_a_flow_goes_to_one_port_both_ways() {
    const FIRST: u16 = 2_000;
    const FLOWS: usize = 64;
    let Some(lab) = Lab::up() else { return };
    let mut memory = Umem::new(LAYOUT).expect("memory");
    let mut pools = memory.split(2);
    let mut ports = watch(&lab, 2);
    lab.bridge();
    let echo = server_socket(&lab);
    lab.client().run(|| {
        for flow in 0..FLOWS {
            let port = FIRST + u16::try_from(flow).expect("few");
            let near = UdpSocket::bind(Side::Client.at(Family::V4, port)).expect("a free port");
            for socket in [&near, &echo] {
                socket.set_read_timeout(Some(PATIENCE)).expect("above zero");
            }
            near.send_to(b"there", Side::Server.at(Family::V4, 7)).expect("the cable is up");
            let mut bytes = [0; 8];
            let (_, from) = echo.recv_from(&mut bytes).expect("a datagram");
            echo.send_to(b"back", from).expect("the cable is up");
            near.recv_from(&mut bytes).expect("an answer");
        }
    });

    // By flow: how many packets each port saw, there and back.
    let mut seen = [[[0; 2]; 2]; FLOWS];
    let mut burst = Vec::new();
    let all = answered(PATIENCE, || {
        for (share, (port, pool)) in ports.iter_mut().zip(&mut pools).enumerate() {
            port.receive(pool, Timestamp::ZERO, &mut burst);
            for parcel in burst.drain(..) {
                let (_, ethertype, packet) = split(parcel.frame.bytes());
                if ethertype != 0x0800 || packet[9] != 17 {
                    continue;
                }
                let src = u16::from_be_bytes([packet[20], packet[21]]);
                let dst = u16::from_be_bytes([packet[22], packet[23]]);
                let (near, direction) = if dst == 7 { (src, 0) } else { (dst, 1) };
                seen[usize::from(near - FIRST)][share][direction] += 1;
            }
            pool.reclaim();
        }
        (seen.as_flattened().as_flattened().iter().sum::<usize>() >= 2 * FLOWS).then_some(())
    });
    assert!(all.is_some(), "{seen:?}");
    for (flow, shares) in seen.iter().enumerate() {
        assert!(matches!(shares, [[1, 1], [0, 0]] | [[0, 0], [1, 1]]), "flow {flow}: {shares:?}");
    }
    for share in 0..2 {
        assert!(seen.iter().any(|shares| shares[share] == [1, 1]), "port {share} saw nothing");
    }
}

#[test]
fn ends_when_the_interface_is_removed_and_not_when_it_is_down_or_renamed() {
    let Some(lab) = Lab::up() else { return };
    lab.bridge();
    let far = server_socket(&lab);
    let mut memory = Umem::new(LAYOUT).expect("memory");
    let mut pool = memory.split(1).pop().expect("one share");
    // This thread is in another network namespace than the interface.
    let mut port = watch_alone(&lab);
    let marked = |parcel: &Parcel<'_>| parcel.frame.bytes().ends_with(b"marked").then_some(());

    lab.client().ip([format!("link set {WATCHED} down").as_str()]);
    lab.client().ip([format!("link set {WATCHED} name other").as_str()]);
    let mut burst = Vec::new();
    for _ in 0..3 {
        assert_eq!(port.receive(&mut pool, Timestamp::ZERO, &mut burst), Supply::Open);
        burst.drain(..).for_each(|parcel| pool.recycle(parcel.frame));
    }
    lab.client().ip([format!("link set other name {WATCHED}").as_str()]);
    lab.client().ip([format!("link set {WATCHED} up").as_str()]);
    // The bridge takes its time to notice; what it is sent before then is lost.
    wait_for("the cable to be up again", PATIENCE, || lab.ping_once(Side::Client, Family::V4).then_some(()));
    far.send_to(b"marked", Side::Client.at(Family::V4, 9)).expect("the cable is up again");
    receive_until(&mut port, &mut pool, marked);

    // It goes down with packets that nobody has received yet. That is told
    // first; then they come; and that it has gone while it was down is not told.
    far.send_to(b"marked", Side::Client.at(Family::V4, 9)).expect("the cable is up");
    let mut waiter = Waiter::new([port.as_fd()]).expect("a waiter");
    assert_eq!(waiter.wait(PATIENCE).expect("a socket can be waited for"), Awake::Ready);
    lab.client().ip([format!("link set {WATCHED} down").as_str()]);
    for _ in 0..2 {
        assert_eq!(port.receive(&mut pool, Timestamp::ZERO, &mut burst), Supply::Open);
    }
    assert!(!burst.is_empty());
    burst.drain(..).for_each(|parcel| pool.recycle(parcel.frame));
    lab.client().ip([format!("link delete {WATCHED}").as_str()]);
    wait_for("the end of a removed interface", PATIENCE, || {
        let ended = port.receive(&mut pool, Timestamp::ZERO, &mut burst) == Supply::Ended;
        if !ended {
            burst.drain(..).for_each(|parcel| pool.recycle(parcel.frame));
        }
        ended.then_some(())
    });
    assert!(burst.is_empty());
}
