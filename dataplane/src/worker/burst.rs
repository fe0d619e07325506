//! One burst: receive, decode all, look up, judge, send.
//!
//! Everything here runs for every packet. A packet of an established flow that
//! raises no event allocates nothing, takes no lock and enters no kernel.

use super::counters::Counter;
use super::event::{Event, EventSink, FlowEnd};
use super::judge::Decision;
use super::{Door, Worker, hw};
use crate::event::EventKind;
use crate::flow::{self, Direction, Ended, Endpoint, Key, Seen};
use crate::port::{Arrival, Port, Supply};
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::checksum::Checksum;
use crate::wire::packet::{Net, Packet, Transport};
use crate::wire::{LinkType, Undecodable};

/// A packet that has been received and decoded.
pub(super) struct Incoming<'u> {
    pub(super) arrival: Arrival<'u>,
    pub(super) packet: Packet,
    pub(super) undecodable: Option<Undecodable>,
    /// What its flow is found by; `None` where it belongs to none.
    pub(super) flow: Option<Keyed>,
    /// The device it came in by; every worker numbers the devices alike.
    pub(super) device: usize,
    /// Its number in the capture.
    pub(super) number: u64,
}

/// The key of a packet's flow.
#[derive(Clone, Copy)]
pub(super) struct Keyed {
    pub(super) key: Key,
    pub(super) hash: u64,
    pub(super) sender: Endpoint,
}

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// Receives from every door and handles what came; returns how many
    /// packets that were, and whether any door may bring more.
    pub(super) fn burst(&mut self, now: Timestamp) -> (usize, Supply) {
        self.take_rules();
        let mut packets = self.take_over(now);
        let mut supply = Supply::Ended;
        for door in 0..self.doors.len() {
            let (count, more) = self.receive(door, now);
            packets += count;
            if more == Supply::Open {
                supply = Supply::Open;
            }
            self.handle_burst();
        }
        for door in &mut self.doors {
            door.port.flush(&mut self.pool);
        }
        if packets > 0 {
            self.counters.count(Counter::Bursts);
        }
        (packets, supply)
    }

    /// Takes in packets that other workers handed over.
    fn take_over(&mut self, now: Timestamp) -> usize {
        let Some(exchange) = self.exchange.clone() else { return 0 };
        let mut count = 0;
        while count < crate::port::BURST_MAX
            && let Some(incoming) = exchange.take(self.id)
        {
            self.counters.count(Counter::TakenOver);
            self.handle(incoming);
            count += 1;
        }
        self.now = self.now.max(now);
        count
    }

    /// Receives one burst from `door` and decodes all of it.
    fn receive(&mut self, door: usize, now: Timestamp) -> (usize, Supply) {
        let Some(Door { port, device }) = self.doors.get_mut(door) else { return (0, Supply::Ended) };
        let device = *device;
        let supply = port.receive(&mut self.pool, now, &mut self.arrivals);
        let link = port.link();
        let count = self.arrivals.len();
        let mut arrivals = std::mem::take(&mut self.arrivals);
        for arrival in arrivals.drain(..) {
            let incoming = self.decode(arrival, link, device);
            if let Some(keyed) = &incoming.flow {
                hw::prefetch(self.flows.index_line(keyed.hash));
            }
            self.incoming.push(incoming);
        }
        self.arrivals = arrivals;
        (count, supply)
    }

    /// Handles what [`Self::receive`] decoded, in order.
    fn handle_burst(&mut self) {
        let mut batch = std::mem::take(&mut self.incoming);
        // The lines of the index have come by now; they lead to the slots.
        for incoming in &batch {
            if let Some(lines) = incoming.flow.as_ref().and_then(|keyed| self.flows.slot_lines(keyed.hash)) {
                lines.into_iter().for_each(hw::prefetch);
            }
        }
        for incoming in batch.drain(..) {
            match self.foreign_owner(&incoming) {
                None => self.handle(incoming),
                Some(owner) => self.hand_off(owner, incoming),
            }
        }
        self.incoming = batch;
    }

    /// The other worker to whom this packet's flow belongs, if it does.
    fn foreign_owner(&self, incoming: &Incoming<'u>) -> Option<usize> {
        self.exchange.as_ref()?;
        let owner = flow::owner(incoming.flow?.hash, self.workers) as usize;
        (owner != self.id).then_some(owner)
    }

    fn hand_off(&mut self, owner: usize, incoming: Incoming<'u>) {
        let Some(exchange) = &self.exchange else { return };
        match exchange.hand(owner, incoming) {
            Ok(()) => self.counters.count(Counter::HandedOff),
            Err(incoming) => {
                self.counters.count(Counter::HandoffFull);
                self.pool.recycle(incoming.arrival.frame);
            }
        }
    }

    #[inline]
    fn decode(&mut self, arrival: Arrival<'u>, link: LinkType, device: usize) -> Incoming<'u> {
        let (packet, undecodable) = Packet::decode(link, arrival.frame.bytes(), arrival.wire_len);
        self.count_decoded(&packet, undecodable, link, arrival.wire_len);
        let flow = match undecodable {
            None => Key::of(&packet).map(|(key, sender)| Keyed { hash: self.hasher.hash(&key), key, sender }),
            Some(_) => None,
        };
        self.received += 1;
        Incoming { arrival, packet, undecodable, flow, device, number: self.received }
    }

    #[inline]
    fn count_decoded(
        &self,
        packet: &Packet,
        undecodable: Option<Undecodable>,
        link: LinkType,
        wire_len: u32,
    ) {
        let counters = &self.counters;
        counters.count(Counter::Packets);
        counters.add(Counter::Bytes, u64::from(wire_len));
        match link {
            LinkType::Ethernet => counters.count(Counter::Ethernet),
            LinkType::Other(_) => counters.count(Counter::UnknownLink),
            _ => {}
        }
        if packet.vlans.count > 0 {
            counters.count(Counter::Vlan);
        }
        match packet.net {
            Net::V4(_) => counters.count(Counter::Ipv4),
            Net::V6(_) => counters.count(Counter::Ipv6),
            Net::Arp(_) => counters.count(Counter::Arp),
            Net::None => counters.count(Counter::NotIp),
        }
        match packet.transport {
            Transport::Tcp(_) => counters.count(Counter::Tcp),
            Transport::Udp(_) => counters.count(Counter::Udp),
            Transport::Icmp(_) => counters.count(Counter::Icmp),
            Transport::Fragment => counters.count(Counter::Fragments),
            Transport::Other | Transport::None => {}
        }
        if let Some(undecodable) = undecodable {
            counters.count(Counter::Invalid);
            self.malformed.count(undecodable);
        }
    }

    /// One packet, from its flow to its verdict to the way out.
    fn handle(&mut self, incoming: Incoming<'u>) {
        self.now = self.now.max(incoming.arrival.at);
        if self.mode.is_replay() {
            self.sweep_due();
        }
        let decision = self.decide(&incoming);
        self.tell(&incoming, &decision);
        self.act(incoming, &decision);
    }

    fn decide(&mut self, incoming: &Incoming<'u>) -> Decision {
        let undecodable = incoming.undecodable.is_some();
        let corrupt = self.verify_checksums && !undecodable && self.is_corrupt(incoming);
        if self.drop_malformed && (undecodable || corrupt) {
            self.counters.count(Counter::DroppedMalformed);
            return Decision { verdict: Verdict::Drop, reason: "malformed", ..Decision::default() };
        }
        if undecodable {
            return Decision::default();
        }
        let Some(keyed) = incoming.flow else {
            self.counters.count(Counter::NoFlow);
            return self.judge_packet(incoming, None, Direction::Up);
        };
        let seen = Seen::of(&incoming.packet, keyed.sender, incoming.arrival.wire_len, incoming.arrival.at);
        let tracked = self.flows.track(&keyed.key, keyed.hash, &seen);
        if let Some(ended) = tracked.ended {
            self.flow_ended(&ended);
        }
        let (flow, direction) = (tracked.index, tracked.direction);
        let mut rule = None;
        if !self.flows.judged(flow, self.epoch) {
            rule = self.judge_flow(incoming, flow);
        }
        match self.flows.verdict(flow) {
            Some(verdict @ (Verdict::Drop | Verdict::Reject)) => {
                let reason = if rule.is_some() { "rule" } else { "flow" };
                Decision { verdict, reason, rule, flow: Some(flow), direction }
            }
            Some(Verdict::Bypass) => Decision { flow: Some(flow), direction, ..Decision::default() },
            Some(Verdict::Accept) | None => self.judge_packet(incoming, Some(flow), direction),
        }
    }

    /// Whether a checksum of the packet is wrong; counts it.
    fn is_corrupt(&self, incoming: &Incoming<'u>) -> bool {
        let sums = incoming.packet.checksums(incoming.arrival.frame.bytes());
        let (ip, transport) = (sums.ip == Checksum::Bad, sums.transport == Checksum::Bad);
        if ip {
            self.counters.count(Counter::BadIpChecksum);
        }
        if transport {
            self.counters.count(Counter::BadTransportChecksum);
        }
        ip || transport
    }

    /// Tells that a flow has ended, and asks the rules about it.
    pub(super) fn flow_ended(&mut self, ended: &Ended) {
        if self.rules.set.listens(EventKind::FlowClose) {
            self.judge_close(ended.record);
        }
        let end = FlowEnd { at: self.now, flow: ended.record, reason: ended.reason };
        self.sink.emit(Event::Flow(Box::new(end)));
    }
}
