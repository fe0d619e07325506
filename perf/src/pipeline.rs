//! The whole worker over memory: decode, flow, rules, verdict, without a kernel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate::flow::{FlowConfig, FlowTable, Seed, Timeouts};
use tidegate::port::memory::MemoryPort;
use tidegate::rules::RuleSet;
use tidegate::time::Timestamp;
use tidegate::wire::LinkType;
use tidegate::worker::event::{Event, EventSink};
use tidegate::worker::settings::Settings;
use tidegate::worker::shared::Shared;
use tidegate::worker::{Device, Door, Mode, Parts, Worker};
use tidegate::xsk::{Layout, Umem};
use tidegate_config::Config;

use crate::stats::Samples;
use crate::traffic::{self, Traffic};

/// One thing to measure.
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: &'static str,
    /// Makes its packets.
    traffic: fn() -> Traffic,
    /// How many rules are asked about each packet and flow.
    rules: usize,
    /// Flows that fit.
    capacity: u32,
}

/// What is measured.
pub(crate) const CASES: &[Case] = &[
    Case { name: "udp64-1-flow", traffic: || traffic::udp(1), rules: 0, capacity: 65_536 },
    Case { name: "udp64-1k-flows", traffic: || traffic::udp(1_000), rules: 0, capacity: 65_536 },
    Case { name: "udp64-100k-flows", traffic: || traffic::udp(100_000), rules: 0, capacity: 262_144 },
    Case { name: "udp64-1M-flows", traffic: || traffic::udp(1_000_000), rules: 0, capacity: 1 << 21 },
    Case { name: "udp64-vlan", traffic: || traffic::udp_vlan(1_000), rules: 0, capacity: 65_536 },
    Case { name: "udp64-ipv6", traffic: || traffic::udp_v6(1_000), rules: 0, capacity: 65_536 },
    Case { name: "tcp1400-in-order", traffic: || traffic::tcp(1_000), rules: 0, capacity: 65_536 },
    Case { name: "tcp1400-repeated", traffic: || traffic::tcp_repeated(1_000), rules: 0, capacity: 65_536 },
    Case { name: "udp64-10-rules", traffic: || traffic::udp(1_000), rules: 10, capacity: 65_536 },
    Case { name: "udp64-100-rules", traffic: || traffic::udp(1_000), rules: 100, capacity: 65_536 },
    Case { name: "udp64-evicting", traffic: || traffic::udp(100_000), rules: 0, capacity: 4_096 },
];

/// Takes events and forgets them.
struct Nowhere;

impl EventSink for Nowhere {
    fn emit(&mut self, _: Event) {}
}

/// Runs every case and prints the table.
pub(crate) fn run(packets: u64, runs: usize) -> Result<(), String> {
    let mut samples = vec![Samples::default(); CASES.len()];
    for _ in 0..runs {
        for (case, samples) in CASES.iter().zip(&mut samples) {
            samples.push(measure(case, packets)?);
        }
    }
    println!("{:<18} {:>10} {:>16} {:>10}", "case", "ns/packet", "min-max", "Mpps");
    for (case, samples) in CASES.iter().zip(&samples) {
        let (least, greatest) = samples.range();
        let median = samples.median();
        println!(
            "{:<18} {median:>10.1} {:>16} {:>10.2}",
            case.name,
            format!("{least:.1}-{greatest:.1}"),
            1e3 / median
        );
    }
    Ok(())
}

/// Runs one case by name, without measuring it.
pub(crate) fn run_case(name: &str, packets: u64) -> Result<(), String> {
    let case =
        CASES.iter().find(|case| case.name == name).ok_or_else(|| format!("no case is called {name}"))?;
    measure(case, packets).map(drop)
}

/// Nanoseconds per packet of one run, after a first pass that opens the flows.
fn measure(case: &Case, packets: u64) -> Result<f64, String> {
    let Traffic { opening, round, advance } = (case.traffic)();
    let round_len = round.len() as u64;
    let warm_up = opening.len() as u64 + round_len;
    let mut port = MemoryPort::cycling(LinkType::Ethernet, round, round_len + packets).succeeded_by(advance);
    for packet in &opening {
        port.inject(packet);
    }
    // 2 K chunks, at a stride that does not fold them onto the same cache sets.
    let mut umem =
        Umem::new(Layout { chunks: 1024, chunk_size: 2048 + 64, headroom: 0 }).map_err(|e| e.to_string())?;
    let mut pools = umem.split(1);
    let pool = pools.pop().ok_or("no pool")?;
    let rules =
        RuleSet::from_source("perf.rhai", &rules(case.rules)).map_err(|errors| errors.render(false))?;
    let shared = Arc::new(Shared::new(rules.rules, 1, 1));
    // Connections are followed to their end, so that a long run measures what a
    // short one does.
    let mut config = Config::default();
    config.stream.depth = 0;
    let device = Device { name: Arc::from("memory"), peer: 0, way: 0 };
    let mut worker = Worker::new(Parts {
        id: 0,
        doors: vec![Door { port, device: 0 }],
        devices: vec![device],
        pool,
        flows: FlowTable::new(&FlowConfig {
            capacity: case.capacity,
            timeouts: Timeouts::default(),
            midstream: true,
            shard: (0, 1),
        })
        .map_err(|error| error.to_string())?,
        seed: Seed::from_number(1),
        shared,
        exchange: None,
        sink: Nowhere,
        settings: Settings::of(&config, Mode::Inline, 1),
        pulse: Box::new(|| {}),
    });
    // A clock of its own: 64 packets a burst at about 6 Mpps.
    let mut now = Timestamp::from_secs_micros(1_700_000_000, 0);
    let mut step = || {
        now = now.plus(Duration::from_micros(10));
        worker.step(now)
    };
    let mut handled = 0;
    while handled < warm_up {
        handled += step().0 as u64;
    }
    let before = Instant::now();
    let first = handled;
    loop {
        let (count, supply) = step();
        handled += count as u64;
        if count == 0 && supply == tidegate::port::Supply::Ended {
            break;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean for people")]
    let mean = before.elapsed().as_nanos() as f64 / (handled - first) as f64;
    Ok(mean)
}

/// Rules that every packet is compared with and none matches.
fn rules(count: usize) -> String {
    let rule = |index: usize| {
        format!(
            "rule \"case {index}\" on packet when ip.ttl == 1 && udp.dstport == {} {{ drop(); }}\n",
            10_000 + index
        )
    };
    (0..count).map(rule).collect()
}
