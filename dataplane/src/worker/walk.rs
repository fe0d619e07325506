//! One packet, from what it is to what becomes of it.
//!
//! Nearly every packet travels plainly and goes straight to its flow. What is
//! carried in a tunnel, is a part of a datagram, or speaks of another flow
//! takes the slow road first: each tunnel that has a flow of its own is tracked
//! and judged by its owner, fragments meet at one worker and go on as the whole
//! datagram, and an ICMP error goes to the flow that it quotes. Each of these
//! may belong to another worker; then the packet moves there and walks on.

use super::Worker;
use super::counters::Counter;
use super::event::{Event, EventSink, FlowEnd};
use super::incoming::{Incoming, Keyed};
use super::judge::Decision;
use crate::flow::{Direction, Ended, FlowIndex, Key, Tracked};
use crate::port::Port;
use crate::verdict::Verdict;
use crate::wire::checksum::Checksum;
use crate::wire::oddities;
use crate::wire::packet::Transport;
use crate::wire::tunnel::Tunnel;

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// Walks a packet to its verdict and to the way out.
    #[inline]
    pub(super) fn handle(&mut self, incoming: &mut Incoming<'u>) {
        self.now = self.now.max(incoming.at());
        if self.mode.is_replay() {
            self.sweep_due();
        }
        if incoming.is_plain() {
            match incoming.flow.and_then(|keyed| self.foreign_owner(keyed.hash)) {
                None => self.conclude(incoming),
                Some(owner) => self.hand_off(owner, incoming),
            }
        } else {
            self.handle_slowly(incoming);
        }
    }

    /// Judges a packet that is where it belongs, and carries the verdict out.
    #[inline]
    pub(super) fn conclude(&mut self, incoming: &mut Incoming<'u>) {
        let decision = self.decide(incoming);
        self.tell(incoming, &decision);
        self.act(incoming, &decision);
    }

    #[cold]
    fn handle_slowly(&mut self, incoming: &mut Incoming<'u>) {
        while incoming.has_unseen_outer() {
            if self.see_outer(incoming) == Walked::Ended {
                return;
            }
        }
        if incoming.undecodable.is_some() {
            return self.conclude(incoming);
        }
        if matches!(incoming.packet.transport, Transport::Fragment) {
            return self.hold(incoming);
        }
        if let Some((key, sender)) = Key::quoted(&incoming.packet, incoming.bytes()) {
            let hash = self.hasher.hash(&key);
            if let Some(owner) = self.foreign_owner(hash) {
                return self.hand_off(owner, incoming);
            }
            if let Some(flow) = self.flows.related(&key, hash) {
                return self.conclude_related(incoming, flow, self.flows.direction(flow, sender));
            }
        } else if let Some(owner) = incoming.flow.and_then(|keyed| self.foreign_owner(keyed.hash)) {
            return self.hand_off(owner, incoming);
        }
        self.conclude(incoming);
    }

    /// Tracks and judges the flow of the next tunnel around a packet. A tunnel
    /// over UDP has one, and so has IP in IP; any other that IP carries by
    /// protocol number is part of the packets in it.
    fn see_outer(&mut self, incoming: &mut Incoming<'u>) -> Walked {
        let index = usize::from(incoming.outers_seen);
        let outer = incoming.outer(index);
        if let Some(outer) = outer
            && (matches!(outer.transport, Transport::Udp(_))
                || incoming.packet.tunnels.kinds().nth(index) == Some(Tunnel::Ip))
            && let Some((key, sender)) = Key::of(&outer)
        {
            let hash = self.hasher.hash(&key);
            if let Some(owner) = self.foreign_owner(hash) {
                self.hand_off(owner, incoming);
                return Walked::Ended;
            }
            // While it is judged, the packet is its outer self.
            let inner = std::mem::replace(&mut incoming.packet, outer);
            let decision = self.decide_in_flow(incoming, Keyed { key, hash, sender }, About::Outer);
            if !decision.verdict.passes() {
                self.tell(incoming, &decision);
                self.act(incoming, &decision);
                return Walked::Ended;
            }
            self.tell(incoming, &decision);
            incoming.packet = inner;
            incoming.parent = decision.flow.map(|flow| self.flows.record(flow).id);
        }
        incoming.outers_seen += 1;
        Walked::On
    }

    /// What becomes of a packet that is where it belongs.
    #[inline]
    fn decide(&mut self, incoming: &mut Incoming<'u>) -> Decision {
        if let Some(undecodable) = incoming.undecodable {
            if let Some(anomaly) =
                oddities::of_undecodable(incoming.link(), undecodable, &incoming.packet, incoming.bytes())
            {
                self.raise(anomaly);
            }
            return self.decide_malformed();
        }
        if oddities::may_have(&incoming.packet, incoming.bytes()) {
            self.find_oddities(incoming);
        }
        if self.settings.verify_checksums && self.is_corrupt(incoming) {
            return self.decide_malformed();
        }
        if let Some(keyed) = incoming.flow {
            return self.decide_in_flow(incoming, keyed, About::Packet);
        }
        self.counters.count(Counter::NoFlow);
        self.judge_packet(incoming, None, Direction::Up)
    }

    /// What becomes of a packet that no receiver would take: it says nothing
    /// about its flow, and is no part of it.
    fn decide_malformed(&mut self) -> Decision {
        if !self.settings.drop_malformed {
            return Decision::default();
        }
        self.counters.count(Counter::DroppedMalformed);
        Decision { verdict: Verdict::Drop, reason: "malformed", ..Decision::default() }
    }

    /// Raises what is odd about a packet that decodes.
    #[cold]
    pub(super) fn find_oddities(&mut self, incoming: &Incoming<'u>) {
        let mut odd = std::mem::take(&mut self.odd);
        oddities::find(incoming.link(), &incoming.packet, incoming.bytes(), &mut |anomaly| {
            self.anomalies.count(anomaly);
            odd.push(anomaly);
        });
        self.odd = odd;
    }

    /// Tracks a packet in its flow, and judges first the flow, then the packet.
    #[inline]
    fn decide_in_flow(&mut self, incoming: &mut Incoming<'u>, keyed: Keyed, about: About) -> Decision {
        let seen = incoming.seen_by(keyed);
        let tracked = self.flows.track(&keyed.key, keyed.hash, &seen);
        if let Some(ended) = &tracked.ended {
            self.flow_ended(ended);
        }
        let Tracked { index: flow, direction, opened, segment, .. } = tracked;
        if opened && incoming.packet.tunnels.depth() > 0 {
            self.remember_outer(incoming, flow);
        }
        let mut rule = None;
        if !self.flows.judged(flow, self.epoch) {
            rule = self.judge_flow(incoming, flow);
        }
        match self.flows.verdict(flow) {
            Some(verdict @ (Verdict::Drop | Verdict::Reject)) => {
                let reason = if rule.is_some() { "rule" } else { "flow" };
                return Decision { verdict, reason, rule, flow: Some(flow), direction };
            }
            Some(Verdict::Bypass) => return Decision { flow: Some(flow), direction, ..Decision::default() },
            Some(Verdict::Accept) | None => {}
        }
        let decision = match about {
            About::Packet => self.judge_packet(incoming, Some(flow), direction),
            About::Outer => Decision { flow: Some(flow), direction, ..Decision::default() },
        };
        match segment {
            Some(segment) if decision.verdict.passes() => self.follow(incoming, &segment, decision),
            None => self.read_datagram(incoming, flow, decision),
            Some(_) => decision,
        }
    }

    /// An ICMP error goes the way of the flow that it quotes, and is judged as
    /// a packet of it; it does not keep it alive, and counts apart: in a flow
    /// between who reports and who is told, about which no rule is asked.
    fn conclude_related(&mut self, incoming: &mut Incoming<'u>, flow: FlowIndex, direction: Direction) {
        self.counters.count(Counter::Related);
        let decision = match self.flows.verdict(flow) {
            Some(verdict @ (Verdict::Drop | Verdict::Reject)) => {
                Decision { verdict, reason: "flow", rule: None, flow: Some(flow), direction }
            }
            Some(Verdict::Bypass) => Decision { flow: Some(flow), direction, ..Decision::default() },
            Some(Verdict::Accept) | None => self.judge_packet(incoming, Some(flow), direction),
        };
        self.tell(incoming, &decision);
        let seen = incoming.flow.map(|keyed| (keyed, incoming.seen_by(keyed)));
        self.act(incoming, &decision);
        // Last, because it may end any flow, also the one quoted.
        if let Some((keyed, seen)) = seen {
            let tracked = self.flows.track(&keyed.key, keyed.hash, &seen);
            self.flows.set_verdict(tracked.index, None, self.epoch);
            if let Some(ended) = &tracked.ended {
                self.flow_ended(ended);
            }
        }
    }

    /// Notes with a flow what carries it.
    #[cold]
    fn remember_outer(&mut self, incoming: &Incoming<'u>, flow: FlowIndex) {
        if let Some(outer) = incoming.carrier() {
            self.flows.set_outer(flow, outer);
        }
    }

    /// Whether a checksum of the packet is wrong, so that no receiver would take
    /// it; counts it. A datagram that passes nevertheless is looked at all the
    /// same: nothing that follows rests on it, while a segment would take the
    /// place of another.
    pub(super) fn is_corrupt(&self, incoming: &Incoming<'u>) -> bool {
        let sums = incoming.packet.checksums(incoming.bytes());
        let (ip, transport) = (sums.ip == Checksum::Bad, sums.transport == Checksum::Bad);
        if ip {
            self.counters.count(Counter::BadIpChecksum);
        }
        if transport {
            self.counters.count(Counter::BadTransportChecksum);
        }
        let stands_alone = matches!(incoming.packet.transport, Transport::Udp(_));
        (ip || transport) && (self.settings.drop_malformed || !stands_alone)
    }

    /// Tells that a flow has ended, and asks the rules about it.
    pub(super) fn flow_ended(&mut self, ended: &Ended) {
        // What the packet at hand has brought up is not about this flow.
        let odd = std::mem::take(&mut self.odd);
        self.end_reading(ended);
        self.judge_close(ended.record);
        self.tell_of_flow(ended);
        self.odd = odd;
        let &Ended { record: flow, reason, outer, macs, .. } = ended;
        let end = FlowEnd { at: self.now, flow, reason, outer, macs };
        self.sink.emit(Event::Flow(Box::new(end)));
    }
}

/// Whether a packet walks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walked {
    On,
    /// Its end: a verdict was carried out, or another worker has it.
    Ended,
}

/// What is judged: the packet, or what carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Packet,
    /// Rules on packets see the inner one; those on flows see both.
    Outer,
}
