//! What workers share with the threads that watch them.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::counters::{
    AnomalyCounters, Counter, Counters, DefragGauges, FlowGauges, MalformedCounters, PortGauges, StreamGauges,
};
use crate::flow::FlowCounters;
use crate::flow::defrag::DefragCounters;
use crate::flow::stream::StreamCounters;
use crate::port::PortCounters;
use crate::rules::RuleSet;

/// A rule set in force, and how often each of its rules was hit.
#[derive(Debug)]
pub struct ActiveRules {
    /// The rules.
    pub set: RuleSet,
    /// Hits by worker and rule; each row has one writer.
    hits: Vec<Box<[AtomicU64]>>,
}

impl ActiveRules {
    /// For so many workers.
    pub fn new(set: RuleSet, workers: usize) -> Self {
        let row = || (0..set.len()).map(|_| AtomicU64::new(0)).collect();
        let hits = (0..workers).map(|_| row()).collect();
        Self { set, hits }
    }

    /// Counts a hit of the rule at `index`. Only that worker calls this.
    pub(super) fn hit(&self, worker: usize, index: usize) {
        if let Some(place) = self.hits.get(worker).and_then(|row| row.get(index)) {
            place.store(place.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// Hits of each rule over all workers, in the order of the rules.
    pub fn hits(&self) -> Vec<u64> {
        let hits_of = |index| {
            let places = self.hits.iter().filter_map(move |row| row.get(index));
            places.map(|place: &AtomicU64| place.load(Ordering::Relaxed)).sum()
        };
        (0..self.set.len()).map(hits_of).collect()
    }
}

/// The state that the control thread and all workers see.
#[derive(Debug)]
pub struct Shared {
    stop: AtomicBool,
    /// Rises with each new rule set; a worker compares it once a burst.
    generation: AtomicU32,
    rules: Mutex<Arc<ActiveRules>>,
    blocks: Vec<Block>,
}

/// What one worker counts.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Packets and verdicts.
    pub counters: Arc<Counters>,
    /// Packets that did not decode, by layer and reason.
    pub malformed: Arc<MalformedCounters>,
    /// What was odd.
    pub anomalies: Arc<AnomalyCounters>,
    /// What happened to its fragments.
    pub defrag: Arc<DefragGauges>,
    /// What happened to its streams.
    pub streams: Arc<StreamGauges>,
    /// What its ports did, one entry a device.
    pub ports: Arc<[PortGauges]>,
    /// What happened to its flows.
    pub flows: Arc<FlowGauges>,
}

impl Shared {
    /// For so many workers, each with a door to so many devices, starting with
    /// `rules`.
    pub fn new(rules: RuleSet, workers: usize, devices: usize) -> Self {
        let ports = || (0..devices).map(|_| PortGauges::default()).collect();
        Self {
            stop: AtomicBool::new(false),
            generation: AtomicU32::new(1),
            rules: Mutex::new(Arc::new(ActiveRules::new(rules, workers))),
            blocks: (0..workers).map(|_| Block { ports: ports(), ..Block::default() }).collect(),
        }
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.blocks.len()
    }

    /// What the worker of that number counts.
    pub fn block(&self, worker: usize) -> Block {
        self.blocks.get(worker).cloned().unwrap_or_default()
    }

    /// All counters by name, summed over the workers.
    pub fn counters(&self) -> Vec<(String, u64)> {
        let sum = |&counter: &Counter| self.blocks.iter().map(|block| block.counters.read(counter)).sum();
        let mut all: Vec<_> =
            Counter::ALL.iter().map(|counter| (counter.name().to_owned(), sum(counter))).collect();
        let malformed = self.blocks.iter().flat_map(|block| block.malformed.read());
        all.extend(add_up(malformed));
        all.extend(add_up(self.blocks.iter().flat_map(|block| block.anomalies.read())));
        let named = self.blocks.iter().flat_map(|block| {
            let flows = block.flows.read(FlowCounters::default().named()).into_iter();
            let defrag = block.defrag.read(DefragCounters::default().named());
            flows.chain(defrag).chain(block.streams.read(StreamCounters::default().named()))
        });
        all.extend(add_up(named).into_iter().map(|(name, count)| (name.to_owned(), count)));
        all
    }

    /// What the ports of the device at that index did, over all workers.
    pub fn port_counters(&self, device: usize) -> Vec<(&'static str, u64)> {
        let gauges = self.blocks.iter().filter_map(|block| block.ports.get(device));
        add_up(gauges.flat_map(|gauges| gauges.read(PortCounters::default().named())))
    }

    /// Asks every worker to end after its burst.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Whether workers shall end.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Puts `set` in force: each worker takes it over before its next burst.
    pub fn install(&self, set: RuleSet) {
        let active = Arc::new(ActiveRules::new(set, self.workers()));
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = active;
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The rules in force.
    pub fn rules(&self) -> Arc<ActiveRules> {
        Arc::clone(&self.rules.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of the rule set in force.
    #[inline]
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }
}

/// Adds up numbers of the same name; names keep the order in which they came.
fn add_up<N: PartialEq>(counts: impl Iterator<Item = (N, u64)>) -> Vec<(N, u64)> {
    let mut sums: Vec<(N, u64)> = Vec::new();
    for (name, count) in counts {
        match sums.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += count,
            None => sums.push((name, count)),
        }
    }
    sums
}
