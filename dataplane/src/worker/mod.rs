//! The loop that runs each packet to completion.
//!
//! A [`Worker`] owns some doors (ports), a pool of frames, and the flows that
//! hash to it; nobody else writes to any of these. It takes a burst from each
//! door, decodes all of it, finds each packet's flow, asks the rules, carries
//! out the verdict, and publishes once per burst. What is not about packets
//! (time-outs, gauges, the heartbeat) waits for housekeeping.
//!
//! The same worker runs live, over memory, and over a capture: only its ports,
//! its clock and its [`Mode`] differ.

mod act;
mod burst;
pub mod counters;
pub mod event;
pub mod exchange;
mod fragments;
mod housekeep;
mod hw;
mod incoming;
mod judge;
mod listen;
mod ration;
mod reader;
mod readers;
mod reading;
mod run;
pub mod settings;
pub mod shared;
mod streams;
#[cfg(all(test, not(loom)))]
#[expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests fail by panicking")]
mod tests;
mod walk;

use std::sync::Arc;

use counters::{
    AnomalyCounters, Counters, DefragGauges, FlowGauges, MalformedCounters, PortGauges, StreamGauges,
};
use event::EventSink;
use exchange::Exchange;
use incoming::{Held, Incoming};
use judge::Said;
use listen::Heard;
use ration::Rations;
use readers::Readers;
use settings::Settings;
use shared::{ActiveRules, Shared};

use crate::anomaly::Anomaly;
use crate::flow::defrag::Defrag;
use crate::flow::stream::Streams;
use crate::flow::{Ended, FlowHasher, FlowTable, Seed};
use crate::port::{BURST_MAX, Parcel, Port};
use crate::time::Timestamp;
use crate::xsk::Pool;

pub use run::{Idle, Pin};

/// What verdicts do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Between two devices: verdicts are carried out, refusals are sent.
    Inline,
    /// Over a capture: what is dropped does not come out; nobody is answered.
    Replay,
    /// Over a capture from which everything comes out, whatever the verdict.
    PassThrough,
    /// Beside the traffic: everything passes, whatever the verdict.
    Watch,
}

impl Mode {
    /// Whether a drop is a drop.
    const fn enforces(self) -> bool {
        matches!(self, Self::Inline | Self::Replay)
    }

    /// Whether a reject is answered.
    const fn answers(self) -> bool {
        matches!(self, Self::Inline)
    }

    /// Whether packets have numbers, and time is what they say.
    const fn is_replay(self) -> bool {
        matches!(self, Self::Replay | Self::PassThrough)
    }
}

/// A port of a worker.
pub struct Door<P> {
    /// The port.
    pub port: P,
    /// The index of its device.
    pub device: usize,
}

/// A device (or a capture), as a worker sees it. All workers of a gateway number
/// the devices alike, so a packet that is handed over keeps its place.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name, as events tell it.
    pub name: Arc<str>,
    /// The index of the device that accepted packets leave by.
    pub peer: usize,
    /// The index of the worker's door that sends to this device.
    pub way: usize,
}

/// What a worker is made of.
pub struct Parts<'u, P, S> {
    /// Its number, from 0.
    pub id: usize,
    /// Its doors: one for each queue of each device that it serves.
    pub doors: Vec<Door<P>>,
    /// The devices behind the doors.
    pub devices: Vec<Device>,
    /// Its share of the frames.
    pub pool: Pool<'u>,
    /// Its shard of the flows.
    pub flows: FlowTable,
    /// What makes its hashes differ from process to process; the same for all
    /// workers.
    pub seed: Seed,
    /// What it shares with the other threads.
    pub shared: Arc<Shared>,
    /// The way to the other workers; `None` when it is alone.
    pub exchange: Option<Arc<Exchange<'u>>>,
    /// Where its events go.
    pub sink: S,
    /// What the configuration says.
    pub settings: Settings,
    /// Called about every 100 ms: tells the XDP program that this worker lives.
    pub pulse: Box<dyn FnMut() + Send>,
}

/// One run-to-completion worker.
pub struct Worker<'u, P, S> {
    id: usize,
    doors: Vec<Door<P>>,
    devices: Vec<Device>,
    pool: Pool<'u>,
    flows: FlowTable,
    hasher: FlowHasher,
    shared: Arc<Shared>,
    exchange: Option<Arc<Exchange<'u>>>,
    sink: S,
    mode: Mode,
    settings: Settings,
    defrag: Defrag<Held>,
    streams: Streams,
    readers: Readers,
    pulse: Box<dyn FnMut() + Send>,

    counters: Arc<Counters>,
    malformed: Arc<MalformedCounters>,
    anomalies: Arc<AnomalyCounters>,
    defrag_gauges: Arc<DefragGauges>,
    stream_gauges: Arc<StreamGauges>,
    ports: Arc<[PortGauges]>,
    flow_gauges: Arc<FlowGauges>,
    rules: Arc<ActiveRules>,
    /// How many workers share the flows.
    workers: u32,
    /// The generation of `rules`; flows judged under another are judged again.
    epoch: u32,
    /// The latest time seen.
    now: Timestamp,
    housekeep_at: Timestamp,
    beat_at: Timestamp,
    /// Packets received, ever: the numbers of a capture's packets.
    received: u64,

    // Reused from burst to burst, so that the packet path does not allocate.
    arrivals: Vec<Parcel<'u>>,
    incoming: Vec<Incoming<'u>>,
    said: Vec<Said>,
    odd: Vec<Anomaly>,
    rations: Rations,
    heard: Heard,
    scratch: Vec<u8>,
    ended: Vec<Ended>,
}

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// Puts the parts together.
    pub fn new(parts: Parts<'u, P, S>) -> Self {
        let Parts { id, doors, devices, pool, flows, shared, exchange, sink, settings, .. } = parts;
        let rules = shared.rules();
        let block = shared.block(id);
        Self {
            id,
            doors,
            devices,
            pool,
            flows,
            hasher: FlowHasher::new(parts.seed),
            exchange,
            sink,
            mode: settings.mode,
            defrag: Defrag::new(&settings.defrag, parts.seed),
            streams: Streams::new(&settings.streams),
            readers: Readers::new(settings.dissect_memory),
            rations: Rations::new(settings.anomalies_per_flow),
            settings,
            pulse: parts.pulse,
            counters: block.counters,
            malformed: block.malformed,
            anomalies: block.anomalies,
            defrag_gauges: block.defrag,
            stream_gauges: block.streams,
            ports: block.ports,
            flow_gauges: block.flows,
            rules,
            workers: u32::try_from(shared.workers()).unwrap_or(u32::MAX),
            epoch: shared.generation(),
            shared,
            now: Timestamp::ZERO,
            housekeep_at: Timestamp::ZERO,
            beat_at: Timestamp::ZERO,
            received: 0,
            arrivals: Vec::with_capacity(BURST_MAX),
            incoming: Vec::with_capacity(BURST_MAX),
            said: Vec::new(),
            odd: Vec::new(),
            heard: Heard::default(),
            scratch: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Its doors, to look at what their ports have done.
    pub fn doors(&self) -> &[Door<P>] {
        &self.doors
    }

    /// The time of the latest packet that it has seen.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Its flows.
    pub fn flows(&self) -> &FlowTable {
        &self.flows
    }

    /// Gives back its ports, its free frames and its sink.
    pub fn into_parts(self) -> (Vec<Door<P>>, Pool<'u>, S) {
        (self.doors, self.pool, self.sink)
    }
}
