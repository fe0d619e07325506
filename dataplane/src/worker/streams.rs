//! TCP segments on their way into ordered bytes.
//!
//! A segment that the flow's tracking would not take ends here where the
//! configuration says so; one that may pass is shown to its stream, which
//! remembers what was forwarded until it is acknowledged. Other bytes at a
//! place that was inspected are put right, or do not pass: what the receiver
//! gets is what was inspected.

use tidegate_config::{InvalidSegment, Normalise};

use super::Worker;
use super::counters::Counter;
use super::event::EventSink;
use super::incoming::{Body, Incoming};
use super::judge::Decision;
use crate::anomaly::Anomaly;
use crate::flow::stream::{self, StreamHandle, Taken};
use crate::flow::{Direction, FlowIndex, Segment};
use crate::port::Port;
use crate::verdict::Verdict;
use crate::wire::packet::Transport;
use crate::wire::tcp::{Flags, Tcp};

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// Follows a segment that rules let pass; its decision may still change.
    #[inline]
    pub(super) fn follow(
        &mut self,
        incoming: &mut Incoming<'u>,
        segment: &Segment,
        decision: Decision,
    ) -> Decision {
        segment.anomalies().for_each(|anomaly| self.raise(anomaly));
        if !segment.valid {
            return self.decide_invalid(decision);
        }
        let Some(flow) = decision.flow else { return decision };
        let Transport::Tcp(tcp) = incoming.packet.transport else { return decision };
        let handle = match self.flows.extension(flow).and_then(StreamHandle::from_number) {
            Some(handle) => handle,
            None if incoming.packet.payload_len == 0 => return decision,
            None => match self.open_streams(flow) {
                Some(handle) => handle,
                None => return decision,
            },
        };
        if segment.acknowledges {
            let sent = decision.direction.reversed();
            let (streams, mut follower) = self.follower(flow, handle);
            let anomalies = streams.acknowledged(handle, sent, tcp.ack, &mut follower);
            anomalies.iter().for_each(|anomaly| self.raise(anomaly));
        }
        let decision = if incoming.packet.payload_len > 0 || tcp.flags.contains(Flags::FIN) {
            self.stream(incoming, &tcp, flow, handle, segment, decision)
        } else {
            decision
        };
        self.note_reading(flow, handle);
        self.heed(flow, decision)
    }

    fn decide_invalid(&mut self, decision: Decision) -> Decision {
        if self.settings.invalid == InvalidSegment::Accept || !self.mode.enforces() {
            return decision;
        }
        self.counters.count(Counter::DroppedInvalid);
        Decision { verdict: Verdict::Drop, reason: "stream", ..decision }
    }

    /// Shows a segment's bytes to its stream, and holds it to those seen before.
    fn stream(
        &mut self,
        incoming: &mut Incoming<'u>,
        tcp: &Tcp,
        flow: FlowIndex,
        handle: StreamHandle,
        segment: &Segment,
        decision: Decision,
    ) -> Decision {
        let direction = decision.direction;
        // A SYN takes a place of its own before the first byte.
        let syn = u32::from(tcp.flags.contains(Flags::SYN));
        let (first, fin) = (tcp.seq.wrapping_add(syn), tcp.flags.contains(Flags::FIN));
        self.streams.begin(handle, direction, segment.expected.wrapping_add(syn));
        if self.drops_conflicts(incoming) && self.contradicts(incoming, handle, direction, first) {
            self.raise(Anomaly::StreamReassemblyOverlapDifferentData);
            return self.decide_conflict(decision);
        }
        let mut taken = Taken::default();
        let mut seq = first;
        let mut parts = incoming.payload_parts().peekable();
        while let Some(payload) = parts.next() {
            let fin = fin && parts.peek().is_none();
            let piece = stream::Segment { seq, payload, fin };
            let (streams, mut follower) = self.follower(flow, handle);
            taken = taken.and(streams.segment(handle, direction, &piece, &mut follower));
            seq = seq.wrapping_add(u32::try_from(payload.len()).unwrap_or(0));
        }
        drop(parts);
        taken.anomalies.iter().for_each(|anomaly| self.raise(anomaly));
        if !self.mode.enforces() || self.settings.normalise == Normalise::Off {
            return decision;
        }
        if taken.unseen {
            // It would reach the receiver without having been inspected.
            self.counters.count(Counter::DroppedUnseen);
            return Decision { verdict: Verdict::Drop, reason: "stream", ..decision };
        }
        if taken.conflict { self.put_right(incoming, handle, first, decision) } else { decision }
    }

    /// Whether a segment that contradicts what was inspected ends here: where it
    /// is so configured, and where it cannot be rewritten in place, because it
    /// lies in several chunks or came in fragments.
    fn drops_conflicts(&self, incoming: &Incoming<'u>) -> bool {
        let in_place = matches!(&incoming.body, Body::Frame(arrival) if arrival.frame.is_contiguous());
        self.mode.enforces()
            && match self.settings.normalise {
                Normalise::Rewrite => !in_place,
                Normalise::Drop => true,
                Normalise::Off => false,
            }
    }

    fn contradicts(
        &mut self,
        incoming: &Incoming<'u>,
        handle: StreamHandle,
        direction: Direction,
        first: u32,
    ) -> bool {
        self.scratch.clear();
        incoming.payload_parts().for_each(|payload| self.scratch.extend_from_slice(payload));
        self.streams.original(handle, direction, first, &mut self.scratch)
    }

    fn decide_conflict(&self, decision: Decision) -> Decision {
        self.counters.count(Counter::DroppedConflict);
        Decision { verdict: Verdict::Drop, reason: "stream", ..decision }
    }

    /// A segment says other bytes than those that went on before it: it goes on
    /// with these. Where they have been forgotten for want of room, it does not.
    #[cold]
    fn put_right(
        &mut self,
        incoming: &mut Incoming<'u>,
        handle: StreamHandle,
        seq: u32,
        decision: Decision,
    ) -> Decision {
        let (streams, direction) = (&self.streams, decision.direction);
        if let Body::Frame(arrival) = &mut incoming.body
            && incoming.packet.rewrite_payload(arrival.frame.bytes_mut(), |payload| {
                streams.original(handle, direction, seq, payload)
            })
        {
            self.counters.count(Counter::Rewritten);
            return decision;
        }
        self.decide_conflict(decision)
    }

    /// Makes room for the two streams of a connection, and for who reads them.
    #[cold]
    fn open_streams(&mut self, flow: FlowIndex) -> Option<StreamHandle> {
        let tuple = self.flows.record(flow).tuple;
        let handle = self.streams.open(tuple.server, tuple.client)?;
        self.flows.set_extension(flow, Some(handle.number()));
        self.open_reader(handle, (tuple.client_port, tuple.server_port));
        Some(handle)
    }
}
