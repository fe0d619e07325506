//! One burst: receive, decode all, then one packet after the other.
//!
//! Everything here runs for every packet. A packet of an established flow that
//! raises no event allocates nothing, takes no lock and enters no kernel.

use super::counters::Counter;
use super::event::EventSink;
use super::incoming::{Body, Incoming, Keyed};
use super::{Door, Worker, hw};
use crate::flow::{self, Key};
use crate::port::{BURST_MAX, Parcel, Port, Supply};
use crate::time::Timestamp;

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
        while count < BURST_MAX
            && let Some(mut incoming) = exchange.take(self.id)
        {
            self.counters.count(Counter::TakenOver);
            self.handle(&mut incoming);
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
        let count = self.arrivals.len();
        let mut arrivals = std::mem::take(&mut self.arrivals);
        for arrival in arrivals.drain(..) {
            self.decode(arrival, device);
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
        for incoming in &mut batch {
            self.handle(incoming);
        }
        batch.clear();
        self.incoming = batch;
    }

    /// The other worker who owns what hashes so, if another does.
    #[inline]
    pub(super) fn foreign_owner(&self, hash: u64) -> Option<usize> {
        self.exchange.as_ref()?;
        let owner = flow::owner(hash, self.workers) as usize;
        (owner != self.id).then_some(owner)
    }

    /// Hands a packet to its owner; a full inbox drops it, as a full link would.
    #[cold]
    pub(super) fn hand_off(&mut self, owner: usize, incoming: &mut Incoming<'u>) {
        let Some(exchange) = self.exchange.clone() else { return };
        match exchange.hand(owner, incoming.take_all()) {
            Ok(()) => self.counters.count(Counter::HandedOff),
            Err(mut refused) => {
                self.counters.count(Counter::HandoffFull);
                self.discard(&mut refused);
            }
        }
    }

    /// Decodes a packet, and asks the memory for where its flow is looked up.
    #[inline]
    fn decode(&mut self, arrival: Parcel<'u>, device: usize) {
        self.received += 1;
        self.incoming.push(Incoming::new(arrival, device, self.received));
        let Some(incoming) = self.incoming.last_mut() else { return };
        let Body::Frame(arrival) = &incoming.body else { return };
        let &Parcel { wire_len, link, .. } = arrival;
        incoming.undecodable = incoming.packet.decode_in_place(link, arrival.frame.bytes(), wire_len);
        if incoming.undecodable.is_none()
            && let Some((key, sender)) = Key::of(&incoming.packet)
        {
            let hash = self.hasher.hash(&key);
            hw::prefetch(self.flows.index_line(hash));
            incoming.flow = Some(Keyed { key, hash, sender });
        }
        self.counters.count_decoded(&incoming.packet, link, wire_len);
        if let Some(undecodable) = incoming.undecodable {
            self.counters.count(Counter::Invalid);
            self.malformed.count(undecodable);
        }
    }
}
