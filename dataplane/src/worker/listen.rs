//! What is heard from dissectors: rules are asked at once, the rest is told when
//! the verdict on the packet is known.

use super::counters::AnomalyCounters;
use super::judge::{Said, ask};
use super::shared::ActiveRules;
use crate::anomaly::Anomaly;
use crate::dissect::{Fact, Listener, Record};
use crate::flow::{Direction, FlowIndex, FlowRecord, FlowTable, FlowView};
use crate::rules::{Facts, Judgement};
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// What was heard while a packet was read.
#[derive(Default)]
pub(super) struct Heard {
    /// What becomes an event.
    pub(super) records: Vec<(Direction, Record)>,
    /// The first verdict on the flow that rules gave.
    pub(super) judgement: Judgement,
}

/// Who listens to dissectors on behalf of a worker.
pub(super) struct Ears<'a> {
    pub(super) worker: usize,
    pub(super) rules: &'a ActiveRules,
    pub(super) said: &'a mut Vec<Said>,
    pub(super) odd: &'a mut Vec<Anomaly>,
    pub(super) anomalies: &'a AnomalyCounters,
    pub(super) heard: &'a mut Heard,
    pub(super) flow: FlowHeard<'a>,
    /// Whether the datagram at hand was cut by the capture: what is odd about it is
    /// no fault of its sender.
    pub(super) is_cut: bool,
    pub(super) now: Timestamp,
}

/// The flow that is heard.
#[derive(Clone, Copy)]
pub(super) enum FlowHeard<'a> {
    Open(&'a FlowTable, FlowIndex),
    Ended(&'a FlowRecord),
}

impl Listener for Ears<'_> {
    fn fact(&mut self, _: Direction, fact: Fact<'_>) {
        let event = fact.event();
        if !self.rules.set.listens(event) {
            return;
        }
        let record = match self.flow {
            FlowHeard::Open(flows, flow) => flows.record(flow),
            FlowHeard::Ended(record) => *record,
        };
        let flow = Some(FlowView { record, now: self.now });
        let facts = Facts { packet: None, flow, app: Some(fact) };
        let judgement = ask(self.worker, self.rules, self.said, event, &facts);
        // To accept is about this event alone.
        let decides = judgement.verdict.is_some_and(|verdict| verdict != Verdict::Accept);
        if decides && self.heard.judgement.verdict.is_none() {
            self.heard.judgement = judgement;
        }
    }

    fn record(&mut self, direction: Direction, record: Record) {
        self.heard.records.push((direction, record));
    }

    fn anomaly(&mut self, _: Direction, anomaly: Anomaly) {
        if self.is_cut {
            return;
        }
        self.anomalies.count(anomaly);
        self.odd.push(anomaly);
    }
}
