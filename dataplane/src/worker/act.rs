//! Carrying out a verdict: on to the peer, back to the pool, or a refusal.

use super::burst::Incoming;
use super::counters::Counter;
use super::event::EventSink;
use super::judge::Decision;
use super::{Door, Worker};
use crate::flow::FlowState;
use crate::port::Port;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::packet::Transport;
use crate::wire::reject;
use crate::xsk::Frame;

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// Carries out the verdict on a packet.
    #[inline]
    pub(super) fn act(&mut self, incoming: Incoming<'u>, decision: &Decision) {
        if decision.verdict.passes() || !self.mode.enforces() {
            self.counters.count(Counter::Accepted);
            let peer = self.peer_of(incoming.device);
            self.send(peer, incoming.arrival.frame, incoming.arrival.at);
            return;
        }
        if decision.verdict == Verdict::Reject {
            self.counters.count(Counter::Rejected);
            if self.mode.answers() {
                self.refuse(&incoming, decision);
            }
        } else {
            self.counters.count(Counter::Dropped);
        }
        self.pool.recycle(incoming.arrival.frame);
    }

    fn peer_of(&self, device: usize) -> usize {
        self.devices.get(device).map_or(device, |device| device.peer)
    }

    #[inline]
    fn send(&mut self, device: usize, frame: Frame<'u>, at: Timestamp) {
        if let Err(frame) = self.send_by(device, frame, at) {
            self.counters.count(Counter::TxFull);
            self.pool.recycle(frame);
        }
    }

    /// Sends to a device by this worker's way to it; gives the frame back when
    /// that is full.
    #[inline]
    fn send_by(&mut self, device: usize, frame: Frame<'u>, at: Timestamp) -> Result<(), Frame<'u>> {
        let way = self.devices.get(device).map(|device| device.way);
        match way.and_then(|way| self.doors.get_mut(way)) {
            Some(Door { port, .. }) => port.send(frame, at),
            None => Err(frame),
        }
    }

    /// Tells the sender, and for a connection that is already open also the
    /// receiver, that this ends here.
    #[cold]
    fn refuse(&mut self, incoming: &Incoming<'u>, decision: &Decision) {
        let Incoming { arrival, packet, device, .. } = incoming;
        let bytes = arrival.frame.bytes();
        if !matches!(packet.transport, Transport::Tcp(_)) {
            self.answer(*device, arrival.at, |out| reject::icmp_unreachable(packet, bytes, out));
            return;
        }
        self.answer(*device, arrival.at, |out| reject::tcp_reset(packet, bytes, out));
        let open = decision.flow.is_some_and(|flow| self.flows.record(flow).state != FlowState::New);
        if open {
            let peer = self.peer_of(*device);
            self.answer(peer, arrival.at, |out| reject::tcp_reset_onward(packet, bytes, out));
        }
    }

    /// Sends what `write` puts into a fresh frame; `None` means that nobody is
    /// to be told (an answer to a RST, to a multicast).
    fn answer(&mut self, device: usize, at: Timestamp, write: impl FnOnce(&mut [u8]) -> Option<usize>) {
        let Some(mut frame) = self.pool.take() else {
            self.counters.count(Counter::RejectUnsent);
            return;
        };
        frame.set_len(frame.capacity());
        let Some(len) = write(frame.bytes_mut()) else {
            self.pool.recycle(frame);
            return;
        };
        frame.set_len(len);
        if let Err(frame) = self.send_by(device, frame, at) {
            self.counters.count(Counter::RejectUnsent);
            self.pool.recycle(frame);
        }
    }
}
