//! A packet of an established flow that raises no event allocates nothing, nor
//! does a steady stream of fragments; and a flood of these takes no more memory
//! than is configured: counted by an allocator that counts.

#![expect(unsafe_code, reason = "an allocator is unsafe by its nature")]

use std::alloc::{GlobalAlloc, Layout as AllocLayout, System};
use std::cell::Cell;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tidegate::flow::defrag::{Defrag, DefragConfig, Fragment, Outcome};
use tidegate::flow::{FlowConfig, FlowTable, Seed, Timeouts};
use tidegate::port::Supply;
use tidegate::port::memory::MemoryPort;
use tidegate::rules::RuleSet;
use tidegate::time::Timestamp;
use tidegate::wire::craft::{Craft, Download};
use tidegate::wire::tcp::Flags;
use tidegate::wire::{LinkType, Packet};
use tidegate::worker::event::{Event, EventSink};
use tidegate::worker::settings::Settings;
use tidegate::worker::shared::Shared;
use tidegate::worker::{Device, Door, Mode, Parts, Worker};
use tidegate::xsk::{Layout, Umem};
use tidegate_config::{Config, FragmentPolicy};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes that this thread has allocated and not freed; below 0 where it frees
    /// what others allocated.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static LIVE_MAX: Cell<isize> = const { Cell::new(0) };
}

/// Counts bytes that come or go.
fn live(bytes: isize) {
    let now = LIVE.get() + bytes;
    LIVE.set(now);
    LIVE_MAX.set(LIVE_MAX.get().max(now));
}

// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: AllocLayout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        live(layout.size().cast_signed());
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: AllocLayout) {
        live(-layout.size().cast_signed());
        // SAFETY: the caller keeps `dealloc`'s contract, which is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// No packet here is worth an event.
struct Silence;

impl EventSink for Silence {
    fn emit(&mut self, event: Event) {
        panic!("{event:?}");
    }
}

/// Rules that look at everything and match nothing that is sent here.
const RULES: &str = r#"
    rule "one" on packet when ip.ttl == 1 && tcp.dstport in 1..1024 { drop(); }
    rule "two" on packet when flow.client.ip in net("192.0.2.0/24") || pkt.len > 9000 { drop(); }
    rule "three" on flow_open when flow.server.port == 22 { reject(); }
"#;

/// What is allocated while the port gives all that it has, after the first
/// thousand packets, which open the flows and grow what is reused.
fn allocations_for(port: MemoryPort<'_>, packets: usize) -> u64 {
    let mut umem = Umem::new(Layout { chunks: 256, chunk_size: 2048, headroom: 0 }).expect("memory");
    let mut pools = umem.split(1);
    let rules = RuleSet::from_source("test.rhai", RULES).expect("the rules are in order");
    let mut worker = Worker::new(Parts {
        id: 0,
        doors: vec![Door { port, device: 0 }],
        devices: vec![Device { name: Arc::from("memory"), peer: 0, way: 0 }],
        pool: pools.remove(0),
        flows: FlowTable::new(&FlowConfig {
            capacity: 4096,
            timeouts: Timeouts::default(),
            midstream: true,
            shard: (0, 1),
        })
        .expect("memory"),
        seed: Seed::from_number(7),
        shared: Arc::new(Shared::new(rules.rules, 1, 1)),
        exchange: None,
        sink: Silence,
        settings: Settings { verify_checksums: true, ..Settings::of(&Config::default(), Mode::Inline, 1) },
        pulse: Box::new(|| {}),
    });
    let mut now = Timestamp::from_secs_micros(1_700_000_000, 0);
    let mut step = || {
        now = now.plus(Duration::from_micros(100));
        worker.step(now)
    };
    let mut handled = 0;
    while handled < 1_000 {
        handled += step().0;
    }
    let before = ALLOCATIONS.with(Cell::get);
    assert!(before > 0, "the allocator counts");
    while handled < packets {
        let (count, supply) = step();
        assert_eq!(supply, Supply::Open);
        handled += count;
    }
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn a_packet_of_an_established_flow_allocates_nothing() {
    let (client, server) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    let mut packets = Vec::new();
    for port in 2000..2016 {
        packets.push(Craft::ethernet().ipv4(client, server).tcp(port, 443, Flags::ACK, 1, 1).build());
        packets.push(Craft::ethernet().ipv4(server, client).tcp(443, port, Flags::ACK, 1, 1).build());
        packets.push(Craft::ethernet().ipv4(client, server).udp(port, 53).payload(b"query").build());
        packets.push(Craft::ethernet().vlan(7).ipv4(server, client).udp(53, port).payload(b"answer").build());
    }
    let port = MemoryPort::cycling(LinkType::Ethernet, packets, 100_000);
    assert_eq!(allocations_for(port, 90_000), 0, "allocations for 89,000 packets of established flows");
}

#[test]
fn bytes_in_order_allocate_nothing() {
    // So many that no connection comes to the depth to which it is followed.
    let downloads = (2000..2128)
        .map(|port| Download::new((Ipv4Addr::new(10, 0, 0, 1), port), (Ipv4Addr::new(10, 0, 0, 2), 443)));
    let round = downloads.clone().flat_map(|download| download.round());
    let mut port = MemoryPort::cycling(LinkType::Ethernet, round, 100_000).succeeded_by(Download::advance);
    downloads.flat_map(|download| download.opening()).for_each(|packet| port.inject(&packet));
    assert_eq!(allocations_for(port, 90_000), 0, "allocations for 59,000 segments in order");
}

const FRAGMENT_MEMORY: usize = 4 << 20;

fn defrag<H>() -> Defrag<H> {
    let config = DefragConfig {
        datagrams: 65_536,
        memory: FRAGMENT_MEMORY,
        timeout: Duration::from_secs(30),
        policy: FragmentPolicy::Linux,
        policies: Vec::new(),
    };
    Defrag::new(&config, Seed::from_number(7))
}

/// One fragment of a datagram, from `offset` (bytes) on.
fn fragment_frame(id: u16, offset: u16, more: bool, len: usize) -> Vec<u8> {
    let craft = Craft::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).fragment(id, offset / 8, more);
    craft.protocol(253).payload(&vec![1; len]).build()
}

fn decode(frame: &[u8]) -> Packet {
    Packet::decode(LinkType::Ethernet, frame, u32::try_from(frame.len()).expect("a short frame")).0
}

#[test]
fn a_steady_stream_of_fragments_allocates_nothing() {
    let mut defrag = defrag::<u32>();
    let frames: Vec<_> = (0..64)
        .flat_map(|id| {
            [(0, true, 1480), (2960, true, 1480), (1480, true, 1480), (4440, false, 700)]
                .map(|(offset, more, len)| fragment_frame(id, offset, more, len))
        })
        .collect();
    let packets: Vec<_> = frames.iter().map(|frame| decode(frame)).collect();
    let mut before = 0;
    let mut whole = 0;
    for round in 0..100 {
        if round == 1 {
            before = ALLOCATIONS.with(Cell::get);
        }
        for (packet, frame) in packets.iter().zip(&frames) {
            let fragment = Fragment::of(packet, frame, Timestamp::ZERO).expect("a fragment");
            match defrag.insert(&fragment, 0, frame.len(), |_| {}) {
                Outcome::Waiting(None) => {}
                Outcome::Whole(datagram) => {
                    whole += 1;
                    defrag.recycle(datagram);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(whole, 6_400);
    let allocated = ALLOCATIONS.with(Cell::get) - before;
    assert_eq!(allocated, 0, "{allocated} allocations for 99 rounds of fragments");
}

#[test]
fn a_flood_of_half_datagrams_takes_no_more_memory_than_is_configured() {
    let start = LIVE.get();
    LIVE_MAX.set(start);
    let mut defrag = defrag::<Vec<u8>>();
    // Tiny and large ones by turns, so that what one leaves must serve the other.
    for (round, len, copies) in [(0_u16, 8, 20_000_u16), (1, 1480, 20_000), (2, 8, 20_000), (3, 9000, 9_000)]
    {
        for id in 0..copies {
            let frame = fragment_frame(id, 8 * (id % 7000) + 8 * round, true, len);
            let packet = decode(&frame);
            let fragment = Fragment::of(&packet, &frame, Timestamp::ZERO).expect("a fragment");
            let _ = defrag.insert(&fragment, frame.clone(), frame.len(), |_| {});
        }
    }
    assert!(defrag.counters().memory_full > 10_000);
    // On top come the frame that is sent and its crafting.
    let most = LIVE_MAX.get() - start;
    let configured = FRAGMENT_MEMORY.cast_signed();
    assert!(most <= configured + 64 * 1024, "{most} bytes of {configured}");
    assert!(most >= configured / 2, "{most} bytes of {configured}: the flood is no flood");
}
