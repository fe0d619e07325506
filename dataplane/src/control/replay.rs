//! A capture through the engine: one worker, the capture's own time, the same
//! output for the same input.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_config::{Config, Events};

use super::ControlError;
use super::gateway::load_rules;
use crate::flow::{FlowConfig, FlowTable, Seed};
use crate::output::{Destination, Direct, Eve};
use crate::port::capture::{self, CapturePort};
use crate::time::Timestamp;
use crate::worker::counters::Counter;
use crate::worker::event::{Event, EventSink, Stats};
use crate::worker::settings::{self, Settings};
use crate::worker::shared::Shared;
use crate::worker::{Device, Door, Mode, Parts, Worker};
use crate::xsk::Umem;

/// What to replay, and how.
pub struct Replay {
    /// The capture; `-` is stdin.
    pub capture: PathBuf,
    /// Rules files and folders.
    pub rules: Vec<PathBuf>,
    /// Where events go; nowhere when absent.
    pub events: Option<PathBuf>,
    /// Where accepted packets go; nowhere when absent.
    pub write: Option<PathBuf>,
    /// Verdicts are reported but not carried out.
    pub pass_through: bool,
    /// Checksums are computed and counted.
    pub verify_checksums: bool,
    /// Seed of the flow table's hash.
    pub seed: u64,
    /// Everything else.
    pub config: Config,
}

/// What a replay came to.
#[derive(Debug)]
pub struct Summary {
    /// Packets read.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Packets that did not decode.
    pub invalid: u64,
    /// Packets that were accepted, and those that were not.
    pub accepted: u64,
    /// Dropped or rejected.
    pub dropped: u64,
    /// Flows opened.
    pub flows: u64,
    /// Alerts raised.
    pub alerts: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Why the capture ended early, if it did.
    pub fault: Option<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.packets as f64 / seconds.max(1e-9) / 1e6;
        write!(
            f,
            "{} packets, {} bytes, {} flows in {seconds:.3} s ({rate:.2} M packets/s): {} accepted, {} dropped, {} malformed, {} alerts",
            self.packets, self.bytes, self.flows, self.accepted, self.dropped, self.invalid, self.alerts
        )
    }
}

/// Replays.
pub fn run(replay: Replay) -> Result<Summary, ControlError> {
    let rules = load_rules(&replay.rules)?;
    let mut umem = Umem::new(capture::LAYOUT)?;
    let Some(pool) = umem.split(1).pop() else { return Err(ControlError::Setup("no frames".to_owned())) };
    let mut port = CapturePort::open(&replay.capture)?;
    if let Some(path) = &replay.write {
        port.write_to(path)?;
    }
    let flows = flow_config(&replay, &port);
    let sink = match &replay.events {
        None => Sink::Nowhere,
        Some(path) => {
            let to = Destination::configured(&Events::from(path.to_string_lossy().as_ref()));
            let output = &replay.config.output;
            let eve = Eve { community_id: output.community_id, ethernet: output.ethernet };
            to.map_or(Ok(Sink::Nowhere), |to| Direct::open(&to, eve).map(Sink::Written))?
        }
    };
    let shared = Arc::new(Shared::new(rules, 1, 1));
    let config = &replay.config;
    let name: Arc<str> = Arc::from(replay.capture.to_string_lossy().as_ref());
    let mode = if replay.pass_through { Mode::PassThrough } else { Mode::Replay };
    let settings = Settings { verify_checksums: replay.verify_checksums, ..Settings::of(config, mode, 1) };
    let mut worker = Worker::new(Parts {
        id: 0,
        doors: vec![Door { port, device: 0 }],
        devices: vec![Device { name, peer: 0, way: 0 }],
        pool,
        flows: FlowTable::new(&flows)?,
        seed: Seed::from_number(replay.seed),
        shared: Arc::clone(&shared),
        exchange: None,
        sink,
        settings,
        pulse: Box::new(|| {}),
    });
    let started = Instant::now();
    worker.run_to_end();
    let flows = worker.flows().counters().total;
    let at = worker.now();
    let (doors, _, sink) = worker.into_parts();
    if let Sink::Written(mut sink) = sink {
        sink.emit(Event::Stats(Box::new(stats(at, &shared))));
        sink.finish()?;
    }
    let elapsed = started.elapsed();
    let mut fault = None;
    for mut door in doors {
        door.port.finish()?;
        fault = door.port.fault().map(ToString::to_string);
    }
    let counters = shared.block(0).counters;
    Ok(Summary {
        packets: counters.read(Counter::Packets),
        bytes: counters.read(Counter::Bytes),
        invalid: counters.read(Counter::Invalid),
        accepted: counters.read(Counter::Accepted),
        dropped: counters.read(Counter::Dropped) + counters.read(Counter::Rejected),
        flows,
        alerts: counters.read(Counter::Alerts),
        elapsed,
        fault,
    })
}

/// All counters, once the capture has ended: the last event of a replay. It has
/// taken no time, as far as the capture's own goes.
fn stats(at: Timestamp, shared: &Shared) -> Stats {
    let mut counters = shared.counters();
    counters.extend(
        shared.port_counters(0).into_iter().map(|(name, count)| (format!("port.capture.{name}"), count)),
    );
    Stats { at, since: at, counters }
}

/// The table as configured, but no larger than a capture of that size can fill:
/// making a table for a million flows takes longer than reading most captures.
fn flow_config(replay: &Replay, port: &CapturePort<'_>) -> FlowConfig {
    /// The least that a packet takes in a capture: its record header and an
    /// IPv4 header.
    const RECORD_MIN: u64 = 16 + 20;
    let configured = settings::flow_config(&replay.config, 0, 1);
    let packets_max = port.reader().bytes_total().map_or(u64::MAX, |bytes| bytes / RECORD_MIN + 1);
    let capacity = configured.capacity.min(u32::try_from(packets_max).unwrap_or(u32::MAX));
    FlowConfig { capacity, ..configured }
}

/// Where a replay's events go.
enum Sink {
    Nowhere,
    Written(Direct<Box<dyn Write + Send>>),
}

impl EventSink for Sink {
    fn emit(&mut self, event: Event) {
        if let Self::Written(sink) = self {
            sink.emit(event);
        }
    }
}
