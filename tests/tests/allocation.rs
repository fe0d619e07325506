//! A packet of an established flow that raises no event allocates nothing:
//! counted by an allocator that counts.

#![expect(unsafe_code, reason = "an allocator is unsafe by its nature")]

use std::alloc::{GlobalAlloc, Layout as AllocLayout, System};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tidegate::flow::{FlowConfig, FlowHasher, FlowTable, Seed, Timeouts};
use tidegate::port::Supply;
use tidegate::port::memory::MemoryPort;
use tidegate::rules::RuleSet;
use tidegate::time::Timestamp;
use tidegate::verdict::Verdict;
use tidegate::wire::LinkType;
use tidegate::wire::craft::Craft;
use tidegate::wire::tcp::Flags;
use tidegate::worker::event::{Event, EventSink};
use tidegate::worker::shared::Shared;
use tidegate::worker::{Device, Door, Mode, Parts, Worker};
use tidegate::xsk::{Layout, Umem};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: AllocLayout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: AllocLayout) {
        // SAFETY: the caller keeps `dealloc`'s contract, which is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Nowhere;

impl EventSink for Nowhere {
    fn emit(&mut self, _: Event) {}
}

/// Rules that look at everything and match nothing that is sent here.
const RULES: &str = r#"
    rule "one" on packet when ip.ttl == 1 && tcp.dstport in 1..1024 { drop(); }
    rule "two" on packet when flow.client.ip in net("192.0.2.0/24") || pkt.len > 9000 { drop(); }
    rule "three" on flow_open when flow.server.port == 22 { reject(); }
"#;

#[test]
fn a_packet_of_an_established_flow_allocates_nothing() {
    let (client, server) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    let mut packets = Vec::new();
    for port in 2000..2016 {
        packets.push(
            Craft::ethernet().ipv4(client, server).tcp(port, 443, Flags::ACK, 1, 1).payload(b"up").build(),
        );
        packets.push(
            Craft::ethernet().ipv4(server, client).tcp(443, port, Flags::ACK, 1, 3).payload(b"down").build(),
        );
        packets.push(Craft::ethernet().ipv4(client, server).udp(port, 53).payload(b"query").build());
        packets.push(Craft::ethernet().vlan(7).ipv4(server, client).udp(53, port).payload(b"answer").build());
    }
    let mut umem = Umem::new(Layout { chunks: 256, chunk_size: 2048, headroom: 0 }).expect("memory");
    let mut pools = umem.split(1);
    let rules = RuleSet::from_source("test.rhai", RULES).expect("the rules are in order");
    let mut worker = Worker::new(Parts {
        id: 0,
        doors: vec![Door { port: MemoryPort::cycling(LinkType::Ethernet, packets, 100_000), device: 0 }],
        devices: vec![Device { name: Arc::from("memory"), peer: 0, way: 0 }],
        pool: pools.remove(0),
        flows: FlowTable::new(&FlowConfig {
            capacity: 4096,
            timeouts: Timeouts::default(),
            midstream: true,
            shard: (0, 1),
        })
        .expect("memory"),
        hasher: FlowHasher::new(Seed::from_number(7)),
        shared: Arc::new(Shared::new(rules.rules, 1, 1)),
        exchange: None,
        sink: Nowhere,
        mode: Mode::Inline,
        default_verdict: Verdict::Accept,
        drop_malformed: false,
        verify_checksums: true,
        pulse: Box::new(|| {}),
    });
    let mut now = Timestamp::from_secs_micros(1_700_000_000, 0);
    let mut step = || {
        now = now.plus(Duration::from_micros(100));
        worker.step(now)
    };
    // The first rounds open the flows and grow what is reused.
    let mut handled = 0;
    while handled < 1_000 {
        handled += step().0;
    }
    let before = ALLOCATIONS.with(Cell::get);
    assert!(before > 0, "the allocator counts");
    while handled < 90_000 {
        let (count, supply) = step();
        assert_eq!(supply, Supply::Open);
        handled += count;
    }
    let allocated = ALLOCATIONS.with(Cell::get) - before;
    assert_eq!(allocated, 0, "{allocated} allocations for 89,000 packets of established flows");
}
