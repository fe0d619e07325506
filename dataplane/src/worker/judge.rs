//! Asking the rules, and telling what came of it.

use std::sync::Arc;

use super::Worker;
use super::counters::Counter;
use super::event::{Alert, Anomalous, AppEvent, Dropped, Event, EventSink, PacketContext};
use super::incoming::Incoming;
use super::shared::ActiveRules;
use crate::anomaly::Anomaly;
use crate::event::EventKind;
use crate::flow::{Direction, Ended, FlowIndex, FlowRecord, FlowView};
use crate::port::Port;
use crate::rules::{Facts, Judgement, Reaction, RuleMeta};
use crate::verdict::Verdict;
use crate::wire::Packet;

/// What becomes of a packet, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    /// `rule`, `flow`, `default` or `malformed`.
    pub(super) reason: &'static str,
    /// The index of the rule that decided.
    pub(super) rule: Option<usize>,
    pub(super) flow: Option<FlowIndex>,
    pub(super) direction: Direction,
}

impl Default for Decision {
    fn default() -> Self {
        Self { verdict: Verdict::Accept, reason: "default", rule: None, flow: None, direction: Direction::Up }
    }
}

/// Something that a rule said while a packet was judged; told once the verdict
/// is known.
pub(super) struct Said {
    rule: Arc<RuleMeta>,
    message: String,
    what: Saying,
}

enum Saying {
    Alert,
    Log,
}

/// Asks the rules about an event on behalf of a worker.
pub(super) fn ask(
    worker: usize,
    rules: &ActiveRules,
    said: &mut Vec<Said>,
    event: EventKind,
    facts: &Facts<'_>,
) -> Judgement {
    rules.set.judge(event, facts, &mut Listener { worker, rules, said })
}

/// Listens to the rules on behalf of one worker.
struct Listener<'a> {
    worker: usize,
    rules: &'a ActiveRules,
    said: &'a mut Vec<Said>,
}

impl Reaction for Listener<'_> {
    fn hit(&mut self, index: usize) {
        self.rules.hit(self.worker, index);
    }

    fn alert(&mut self, rule: &Arc<RuleMeta>, message: String) {
        self.said.push(Said { rule: Arc::clone(rule), message, what: Saying::Alert });
    }

    fn log(&mut self, rule: &Arc<RuleMeta>, message: String) {
        self.said.push(Said { rule: Arc::clone(rule), message, what: Saying::Log });
    }
}

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// Takes over a new rule set, if there is one: one load a burst.
    #[inline]
    pub(super) fn take_rules(&mut self) {
        let generation = self.shared.generation();
        if generation != self.epoch {
            self.rules = self.shared.rules();
            self.epoch = generation;
            self.counters.count(Counter::Reloads);
        }
    }

    /// Asks the `flow_open` rules; their verdict is the flow's from now on.
    /// Returns the rule that gave it.
    pub(super) fn judge_flow(&mut self, incoming: &Incoming<'u>, flow: FlowIndex) -> Option<usize> {
        let (mut verdict, mut rule) = (None, None);
        if self.rules.set.listens(EventKind::FlowOpen) {
            let record = self.flows.record(flow);
            (verdict, rule) = self.ask(EventKind::FlowOpen, Some(incoming), Some(record));
        }
        self.flows.set_verdict(flow, verdict, self.epoch);
        rule
    }

    /// Asks the `packet` rules, and falls back on the flow's verdict and then
    /// on the default one.
    pub(super) fn judge_packet(
        &mut self,
        incoming: &Incoming<'u>,
        flow: Option<FlowIndex>,
        direction: Direction,
    ) -> Decision {
        let mut decision = Decision { flow, direction, ..Decision::default() };
        if self.rules.set.listens(EventKind::Packet) {
            let record = flow.map(|flow| self.flows.record(flow));
            let (verdict, rule) = self.ask(EventKind::Packet, Some(incoming), record);
            if let Some(verdict) = verdict {
                return Decision { verdict, reason: "rule", rule, ..decision };
            }
        }
        // The default verdict is about IP: a gateway that drops by default
        // still lets ARP through, or nobody could be accepted.
        let accepted = flow.is_some_and(|flow| self.flows.verdict(flow).is_some());
        if !accepted && incoming.packet.is_ip() {
            decision.verdict = self.settings.default_verdict;
        }
        decision
    }

    /// Asks the `flow_close` rules.
    pub(super) fn judge_close(&mut self, record: FlowRecord) {
        if self.rules.set.listens(EventKind::FlowClose) {
            self.ask(EventKind::FlowClose, None, Some(record));
        }
    }

    /// Tells what came up at the end of a flow.
    pub(super) fn tell_of_flow(&mut self, ended: &Ended) {
        if self.has_nothing_to_tell() {
            return;
        }
        let &Ended { record, outer, macs: [client, server], .. } = ended;
        let macs = client.first().zip(server.first());
        // At the end of a flow there is no packet; a capture has no device either.
        let interface = if self.mode.is_replay() { Arc::default() } else { self.name_of(0) };
        let context = PacketContext {
            at: self.now,
            interface,
            packet: Packet { macs, ..Packet::default() },
            wire_len: 0,
            flow: Some(record),
            direction: Direction::Up,
            capture_number: None,
            outer,
        };
        self.tell_all(&context, record.verdict);
    }

    fn ask(
        &mut self,
        event: EventKind,
        packet: Option<&Incoming<'u>>,
        flow: Option<FlowRecord>,
    ) -> (Option<Verdict>, Option<usize>) {
        let at = packet.map_or(self.now, Incoming::at);
        let facts = Facts {
            packet: packet.map(Incoming::view),
            flow: flow.map(|record| FlowView { record, now: at }),
            app: None,
        };
        let judgement = ask(self.id, &self.rules, &mut self.said, event, &facts);
        (judgement.verdict, judgement.rule)
    }

    /// Notes something odd about the packet at hand; told once its verdict is known.
    pub(super) fn raise(&mut self, anomaly: Anomaly) {
        self.anomalies.count(anomaly);
        if anomaly.is_told() {
            self.odd.push(anomaly);
        }
    }

    /// Tells what the rules said of this packet, and that it was dropped.
    #[inline]
    pub(super) fn tell(&mut self, incoming: &Incoming<'u>, decision: &Decision) {
        // A packet that ends because its flow did is counted, and stands in the
        // flow's record; one event for the flow's first is enough.
        let drops = !decision.verdict.passes() && decision.reason != "flow";
        if self.has_nothing_to_tell() && !drops {
            return;
        }
        self.tell_slowly(incoming, decision, drops);
    }

    #[cold]
    fn tell_slowly(&mut self, incoming: &Incoming<'u>, decision: &Decision, drops: bool) {
        let context = self.context(incoming, decision);
        let enforced = if self.mode.enforces() { decision.verdict } else { Verdict::Accept };
        self.tell_all(&context, enforced);
        if drops && self.mode.enforces() {
            let rule = decision.rule.and_then(|index| self.rules.set.meta(index)).map(Arc::clone);
            self.sink.emit(Event::Drop(Box::new(Dropped {
                context,
                rule,
                verdict: decision.verdict,
                reason: decision.reason,
            })));
        }
    }

    #[inline]
    fn has_nothing_to_tell(&self) -> bool {
        self.said.is_empty() && self.odd.is_empty() && self.heard.records.is_empty()
    }

    fn tell_all(&mut self, context: &PacketContext, verdict: Verdict) {
        for anomaly in self.odd.drain(..) {
            // What is in no flow has no other bound than the queue of events.
            if context.flow.is_some_and(|flow| !self.rations.take(flow.id, anomaly)) {
                continue;
            }
            self.sink.emit(Event::Anomaly(Box::new(Anomalous { context: context.clone(), anomaly })));
        }
        for (direction, record) in self.heard.records.drain(..) {
            let told = AppEvent { context: context.clone(), direction, record };
            self.sink.emit(Event::App(Box::new(told)));
        }
        for Said { rule, message, what } in self.said.drain(..) {
            let alert = Box::new(Alert { context: context.clone(), rule, message, verdict });
            match what {
                Saying::Alert => {
                    self.counters.count(Counter::Alerts);
                    self.sink.emit(Event::Alert(alert));
                }
                Saying::Log => self.sink.emit(Event::Log(alert)),
            }
        }
    }

    fn context(&mut self, incoming: &Incoming<'u>, decision: &Decision) -> PacketContext {
        if let Some(flow) = decision.flow
            && self.said.iter().any(|said| matches!(said.what, Saying::Alert))
        {
            self.flows.set_alerted(flow);
        }
        let interface = self.name_of(incoming.device);
        PacketContext {
            at: incoming.at(),
            interface,
            packet: incoming.packet,
            wire_len: incoming.wire_len(),
            flow: decision.flow.map(|flow| self.flows.record(flow)),
            direction: decision.direction,
            capture_number: self.mode.is_replay().then_some(incoming.number),
            outer: incoming.carrier(),
        }
    }

    fn name_of(&self, device: usize) -> Arc<str> {
        self.devices.get(device).map_or_else(|| Arc::from(""), |device| Arc::clone(&device.name))
    }
}
