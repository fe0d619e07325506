//! AF_XDP on a real kernel: packets through veth pairs, in native XDP mode.
//!
//! Each test runs in a network namespace of its own and compares every byte.

mod world;

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use tidegate::port::afxdp::AfXdpPort;
use tidegate::port::{BURST_MAX, Parcel, Port as _};
use tidegate::time::Timestamp;
use tidegate::wire::LinkType;
use tidegate::xsk::{
    Awake, Census, DeviceState, Frame, Interface, Layout, Mode, Pool, Rings, Umem, Waiter, Xsk, XskError,
    XskOptions, ZeroCopy,
};
use world::{PacketSocket, Redirect, ip, packet, veth};

/// Only a fault makes a test wait as long.
const EVER: Duration = Duration::from_secs(20);

const LAYOUT: Layout = Layout { chunks: 4096, chunk_size: 2048, headroom: 0 };

fn options(chunks: u32) -> XskOptions {
    XskOptions::with_rings(Rings::for_chunks(chunks))
}

fn interface(name: &str) -> Interface {
    Interface::by_name(name).unwrap()
}

/// A port, and where one waits for it.
struct Door<'u> {
    port: AfXdpPort<'u>,
    waiter: Waiter,
    fill: usize,
}

impl<'u> Door<'u> {
    fn open(name: &str, queue: u32, umem: &'u Umem, options: &XskOptions) -> Self {
        let port = AfXdpPort::new(Xsk::bind(&interface(name), queue, umem, options).unwrap());
        let waiter = Waiter::new([port.as_fd()]).unwrap();
        Self { port, waiter, fill: options.rings.fill as usize }
    }

    /// As `open`, and packets of that queue come here.
    fn behind(program: &Redirect, name: &str, queue: u32, umem: &'u Umem, options: &XskOptions) -> Self {
        let door = Self::open(name, queue, umem, options);
        program.direct(queue, &door.port);
        door
    }

    fn send(&mut self, frame: Frame<'u>) {
        self.port.send(parcel(frame)).expect("there is room on TX");
    }

    /// Sends packets of these numbers.
    fn send_all(&mut self, pool: &mut Pool<'u>, numbers: std::ops::Range<u64>) {
        for number in numbers {
            let mut frame = pool.take().expect("the pool has a frame");
            assert!(frame.fill(&packet(number, 60, 1514)));
            self.send(frame);
        }
        self.port.flush(pool);
    }

    /// Receives this many packets, flushing as a worker does.
    fn receive(&mut self, pool: &mut Pool<'u>, wanted: usize) -> Vec<Frame<'u>> {
        let mut frames = Vec::new();
        let start = Instant::now();
        while frames.len() < wanted {
            assert!(start.elapsed() < EVER, "{} of {wanted}: {:?}", frames.len(), self.port.counters());
            let mut burst = Vec::with_capacity(BURST_MAX);
            self.port.receive(pool, Timestamp::ZERO, &mut burst);
            self.port.flush(pool);
            if burst.is_empty() {
                let awake = self.waiter.wait(EVER).unwrap();
                assert_eq!(awake, Awake::Ready, "{} of {wanted}: {:?}", frames.len(), self.port.counters());
            }
            for parcel in burst {
                assert_eq!(parcel.wire_len as usize, parcel.frame.total_len());
                frames.push(parcel.frame);
            }
        }
        assert_eq!(frames.len(), wanted);
        frames
    }

    /// Flushes until all that was sent has come back from the kernel.
    fn settle(&mut self, pool: &mut Pool<'u>) {
        let start = Instant::now();
        loop {
            self.port.flush(pool);
            if self.port.frames_held() <= self.fill {
                return;
            }
            assert!(start.elapsed() < EVER, "the kernel keeps {}", self.port.frames_held());
        }
    }
}

/// A frame on its way out.
fn parcel(frame: Frame<'_>) -> Parcel<'_> {
    Parcel::whole(frame, Timestamp::ZERO, LinkType::Ethernet)
}

/// Every chunk is somewhere, once.
fn conserved(pools: &[&Pool<'_>], doors: &[&Door<'_>], workers: usize) {
    let census = Census {
        pools: pools.iter().map(|pool| pool.free_len()).sum(),
        ports: doors.iter().map(|door| door.port.frames_held()).sum(),
        workers,
    };
    pools.first().unwrap().umem().check_conservation(census).unwrap();
}

#[test]
fn receives_a_million_packets_in_order_and_whole() {
    world::in_fresh_namespace(|| {
        veth("near", "far", 1, 1500);
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let options = options(LAYOUT.chunks);
        let program = Redirect::attach("near");
        let mut near = Door::behind(&program, "near", 0, pool.umem(), &options);
        assert_eq!(near.port.mode(), Mode::Copy, "veth has no zero-copy");
        let far = PacketSocket::on("far");
        near.port.flush(&mut pool);

        for start in (0..1_000_000).step_by(100) {
            // As many as the pair's own queue (256) surely holds.
            for number in start..start + 100 {
                far.send(&packet(number, 60, 1514));
            }
            let frames = near.receive(&mut pool, 100);
            conserved(&[&pool], &[&near], 100);
            for (number, frame) in (start..).zip(frames) {
                assert_eq!(frame.bytes(), packet(number, 60, 1514), "packet {number}");
                pool.recycle(frame);
            }
        }
        let counters = near.port.counters();
        assert_eq!((counters.rx_packets, counters.rx_dropped, counters.rx_starved), (1_000_000, 0, 0));
        near.port.flush(&mut pool);
        conserved(&[&pool], &[&near], 0);
        // At rest the kernel has what FILL holds, give or take a batch.
        let held = near.port.frames_held();
        assert!((near.fill - 16..=near.fill).contains(&held), "{held} of {}", near.fill);
    });
}

#[test]
fn sends_every_packet_in_order_and_whole() {
    sends_every_packet(&options(LAYOUT.chunks));
}

#[test]
fn sends_every_packet_also_when_the_kernel_never_asks_for_calls() {
    sends_every_packet(&XskOptions {
        need_wakeup: false,
        zero_copy: ZeroCopy::Off,
        ..options(LAYOUT.chunks)
    });
}

fn sends_every_packet(options: &XskOptions) {
    const BURST: usize = 500;
    world::in_fresh_namespace(|| {
        veth("near", "far", 1, 1500);
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let mut near = Door::open("near", 0, pool.umem(), options);
        let far = PacketSocket::on("far");
        let mut waiter = Waiter::new([far.as_fd()]).unwrap();

        for start in (0..100_000).step_by(BURST) {
            // One flush sends them all, many times what one system call may.
            near.send_all(&mut pool, start..start + BURST as u64);
            for number in start..start + BURST as u64 {
                let bytes = far.receive_within(&mut waiter, EVER);
                assert_eq!(bytes, packet(number, 60, 1514), "packet {number}");
            }
            conserved(&[&pool], &[&near], 0);
        }
        near.settle(&mut pool);
        conserved(&[&pool], &[&near], 0);
        let counters = near.port.counters();
        assert_eq!((counters.tx_packets, counters.tx_full, counters.invalid_descriptors), (100_000, 0, 0));
    });
}

#[test]
fn shares_one_memory_over_two_devices_and_two_queues() {
    const BURST: usize = 50;
    world::in_fresh_namespace(|| {
        let names = [("left", "left-far"), ("right", "right-far")];
        for (near, far) in names {
            veth(near, far, 2, 1500);
        }
        let programs = names.map(|(near, far)| (Redirect::attach(near), Redirect::attach(far)));
        let (mut umem, mut far_umem) = (Umem::new(LAYOUT).unwrap(), Umem::new(LAYOUT).unwrap());
        let mut pools = umem.split(2);
        let mut far_pool = far_umem.split(1).pop().unwrap();
        let options = options(LAYOUT.chunks / 4);
        let (memory, far_memory) = (pools[0].umem(), far_pool.umem());
        // By side, then by queue.
        let mut nears: Vec<Vec<_>> = (0..2)
            .map(|side| {
                (0..2).map(|q| Door::behind(&programs[side].0, names[side].0, q, memory, &options)).collect()
            })
            .collect();
        let mut fars: Vec<Vec<_>> = (0..2)
            .map(|side| {
                (0..2)
                    .map(|q| Door::behind(&programs[side].1, names[side].1, q, far_memory, &options))
                    .collect()
            })
            .collect();
        for (side, queue) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            nears[side][queue].port.flush(&mut pools[queue]);
            fars[side][queue].port.flush(&mut far_pool);
        }

        for start in (0..20_000).step_by(BURST) {
            // In on a queue of one side, out on a queue of the other: its own,
            // or, as when another worker owns the flow, the other one.
            for (side, in_on, out_on) in [(0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1)] {
                fars[side][in_on].send_all(&mut far_pool, start..start + BURST as u64);
                for frame in nears[side][in_on].receive(&mut pools[in_on], BURST) {
                    assert_eq!(frame.share(), in_on);
                    nears[1 - side][out_on].send(frame);
                }
                nears[1 - side][out_on].port.flush(&mut pools[out_on]);
                let frames = fars[1 - side][out_on].receive(&mut far_pool, BURST);
                for (number, frame) in (start..).zip(frames) {
                    assert_eq!(frame.bytes(), packet(number, 60, 1514), "packet {number}, queue {in_on}");
                    far_pool.recycle(frame);
                }
                pools[in_on].reclaim();
            }
        }
        for (side, queue) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            nears[side][queue].settle(&mut pools[queue]);
            fars[side][queue].settle(&mut far_pool);
        }
        conserved(&pools.iter().collect::<Vec<_>>(), &nears.iter().flatten().collect::<Vec<_>>(), 0);
        conserved(&[&far_pool], &fars.iter().flatten().collect::<Vec<_>>(), 0);
        // And each share is whole, though frames of one were sent from the other.
        for (queue, pool) in pools.iter_mut().enumerate() {
            pool.reclaim();
            let held: usize = nears.iter().map(|side| side[queue].port.frames_held()).sum();
            assert_eq!(pool.free_len() + held, LAYOUT.chunks as usize / 2, "share {queue}");
        }
    });
}

#[test]
fn carries_jumbo_packets_across_whole() {
    world::in_fresh_namespace(|| {
        for (near, far) in [("left", "left-far"), ("right", "right-far")] {
            veth(near, far, 1, 9000);
        }
        let (left_program, right_program) = (Redirect::attach("left"), Redirect::attach("right"));
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let options = XskOptions { scatter_gather: true, ..options(LAYOUT.chunks / 2) };
        let mut left = Door::behind(&left_program, "left", 0, pool.umem(), &options);
        let mut right = Door::behind(&right_program, "right", 0, pool.umem(), &options);
        let (left_far, right_far) = (PacketSocket::on("left-far"), PacketSocket::on("right-far"));
        let mut waiter = Waiter::new([right_far.as_fd()]).unwrap();
        left.port.flush(&mut pool);
        let mut most_chunks = 0;

        for start in (0..5_000).step_by(20) {
            for number in start..start + 20 {
                left_far.send(&packet(number, 60, 9014));
            }
            let frames = left.receive(&mut pool, 20);
            let chunks: usize = frames.iter().map(Frame::chunk_count).sum();
            conserved(&[&pool], &[&left, &right], chunks);
            for (number, frame) in (start..).zip(frames) {
                most_chunks = most_chunks.max(frame.chunk_count());
                let expected = packet(number, 60, 9014);
                assert_eq!(frame.total_len(), expected.len(), "packet {number}");
                assert_eq!(frame.parts().collect::<Vec<_>>().concat(), expected, "packet {number}");
                right.send(frame);
            }
            right.port.flush(&mut pool);
            for number in start..start + 20 {
                let bytes = right_far.receive_within(&mut waiter, EVER);
                assert_eq!(bytes, packet(number, 60, 9014), "packet {number}");
            }
        }
        assert!(most_chunks > 3, "no jumbo among them: {most_chunks}");
        right.settle(&mut pool);
        conserved(&[&pool], &[&left, &right], 0);
        assert_eq!(right.port.counters().invalid_descriptors, 0);
    });
}

#[test]
fn keeps_receiving_while_the_way_out_is_blocked() {
    world::in_fresh_namespace(|| {
        veth("left", "left-far", 1, 1500);
        veth("right", "right-far", 1, 1500);
        let layout = Layout { chunks: 1024, ..LAYOUT };
        let mut umem = Umem::new(layout).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let options = options(layout.chunks / 2);
        let program = Redirect::attach("left");
        let mut left = Door::behind(&program, "left", 0, pool.umem(), &options);
        let mut right = Door::open("right", 0, pool.umem(), &options);
        let left_far = PacketSocket::on("left-far");
        left.port.flush(&mut pool);
        // A device that is down takes nothing off TX.
        ip("link set right down");
        assert_eq!(right.port.device(), DeviceState::Down);

        let mut refused = 0;
        for start in (0..5_000).step_by(50) {
            for number in start..start + 50 {
                left_far.send(&packet(number, 60, 1514));
            }
            for (number, frame) in (start..).zip(left.receive(&mut pool, 50)) {
                assert_eq!(frame.bytes(), packet(number, 60, 1514), "packet {number}");
                if let Err(frame) = right.port.send(parcel(frame)) {
                    pool.recycle(frame);
                    refused += 1;
                }
            }
            right.port.flush(&mut pool);
            conserved(&[&pool], &[&left, &right], 0);
        }
        let counters = right.port.counters();
        assert_eq!(counters.tx_packets, u64::from(options.rings.tx));
        assert_eq!(counters.tx_full, refused);
        assert_eq!(refused, 5_000 - u64::from(options.rings.tx));
        assert_eq!(left.port.counters().rx_starved, 0);

        // What was queued goes out when the way is free again.
        ip("link set right up");
        let right_far = PacketSocket::on("right-far");
        let mut waiter = Waiter::new([right_far.as_fd()]).unwrap();
        right.port.flush(&mut pool);
        for number in 0..counters.tx_packets {
            assert_eq!(
                right_far.receive_within(&mut waiter, EVER),
                packet(number, 60, 1514),
                "packet {number}"
            );
        }
        right.settle(&mut pool);
        conserved(&[&pool], &[&left, &right], 0);
        ip("link del right");
        assert_eq!(right.port.device(), DeviceState::Gone);
        // A socket without a device must not keep a worker from sleeping.
        assert_eq!(right.waiter.wait(Duration::from_millis(1)).unwrap(), Awake::TimedOut);
    });
}

#[test]
fn binds_to_a_queue_again_at_once() {
    world::in_fresh_namespace(|| {
        veth("near", "far", 1, 1500);
        let program = Redirect::attach("near");
        let far = PacketSocket::on("far");
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let options = options(256);
        for number in 0..5 {
            let mut near = Door::behind(&program, "near", 0, pool.umem(), &options);
            near.port.flush(&mut pool);
            far.send(&packet(number, 60, 1514));
            let frame = near.receive(&mut pool, 1).pop().unwrap();
            assert_eq!(frame.bytes(), packet(number, 60, 1514));
            conserved(&[&pool], &[&near], 1);
            drop(near);
            // What the closed socket had is written off, not handed out again.
            conserved(&[&pool], &[], 1);
            pool.recycle(frame);
        }
    });
}

#[test]
fn refuses_what_cannot_work_and_says_what_can() {
    world::in_fresh_namespace(|| {
        veth("near", "far", 2, 1500);
        let near = interface("near");
        assert_eq!(near.rx_queues().unwrap(), Some(2));
        let umem = Umem::new(LAYOUT).unwrap();
        let options = options(1024);

        let error = Xsk::bind(&near, 2, &umem, &options).unwrap_err();
        assert!(matches!(error, XskError::NoSuchQueue { queue: 2, queues: 2, .. }), "{error}");
        assert!(error.to_string().starts_with("near has no receive queue 2, only 2 of them"), "{error}");

        let zero_copy = XskOptions { zero_copy: ZeroCopy::On, ..options };
        let error = Xsk::bind(&near, 0, &umem, &zero_copy).unwrap_err().to_string();
        assert!(error.starts_with("cannot bind to near queue 0 in zero-copy mode"), "{error}");
        assert!(error.ends_with("set gateway.zero_copy = \"auto\" or \"off\""), "{error}");

        let held = Xsk::bind(&near, 0, &umem, &options).unwrap();
        let error = Xsk::bind(&near, 0, &umem, &options).unwrap_err().to_string();
        assert!(error.contains("bound already"), "{error}");
        let other = Umem::new(LAYOUT).unwrap();
        let error = Xsk::bind(&near, 0, &other, &options).unwrap_err().to_string();
        assert!(error.contains("holds the queue"), "{error}");
        drop(held);

        let odd = Umem::new(Layout { chunk_size: 3000, ..LAYOUT }).unwrap();
        let error = Xsk::bind(&near, 0, &odd, &options).unwrap_err();
        assert!(matches!(error, XskError::ChunkSize { chunk_size: 3000 }), "{error}");
    });
}

#[test]
fn sends_more_between_two_flushes_than_its_ring_holds() {
    world::in_fresh_namespace(|| {
        veth("near", "far", 1, 1500);
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let options = options(256);
        let far = PacketSocket::on("far");
        let mut waiter = Waiter::new([far.as_fd()]).unwrap();
        let mut near = Door::open("near", 0, pool.umem(), &options);
        let most = u64::from(options.rings.tx) + 30;
        near.send_all(&mut pool, 0..most);
        for number in 0..most {
            assert_eq!(far.receive_within(&mut waiter, EVER), packet(number, 60, 1514), "packet {number}");
        }
        near.settle(&mut pool);
        conserved(&[&pool], &[&near], 0);
        assert_eq!(near.port.counters().tx_full, 0);
    });
}

#[test]
fn never_has_more_on_the_way_out_than_its_ring_holds() {
    world::in_fresh_namespace(|| {
        veth("near", "far", 1, 1500);
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let options = options(256);
        let mut near = Xsk::bind(&interface("near"), 0, pool.umem(), &options).unwrap();
        let mut filled = || {
            let mut frame = pool.take().unwrap();
            assert!(frame.fill(&packet(1, 60, 60)));
            frame
        };
        for _ in 0..options.rings.tx {
            near.queue(filled()).unwrap();
        }
        // They leave the ring, but count until their chunks are back.
        near.transmit();
        assert_eq!(near.held(), options.rings.tx as usize);
        let frame = near.queue(filled()).unwrap_err();
        pool.recycle(frame);
        let start = Instant::now();
        while near.held() > 0 {
            near.reap(&mut pool);
            assert!(start.elapsed() < EVER, "the kernel keeps {}", near.held());
        }
        assert_eq!(pool.free_len(), LAYOUT.chunks as usize);
    });
}

#[test]
fn gives_back_what_the_kernel_would_never_take() {
    world::in_fresh_namespace(|| {
        veth("near", "far", 1, 1500);
        let mut umem = Umem::new(LAYOUT).unwrap();
        let mut pool = umem.split(1).pop().unwrap();
        let mut near = Door::open("near", 0, pool.umem(), &options(LAYOUT.chunks));
        let empty = pool.take().unwrap();
        let empty = near.port.send(parcel(empty)).unwrap_err();
        let mut jumbo = pool.take().unwrap();
        assert!(jumbo.fill(&packet(1, 60, 60)));
        let mut rest = pool.take().unwrap();
        assert!(rest.fill(b"more"));
        jumbo.append(rest);
        let jumbo = near.port.send(parcel(jumbo)).unwrap_err();
        assert_eq!(near.port.counters().invalid_descriptors, 2);
        pool.recycle(empty);
        pool.recycle(jumbo);
        conserved(&[&pool], &[&near], 0);
    });
}
