//! Carrying out a verdict: on to the peer, back to the pool, or a refusal.

use super::counters::Counter;
use super::event::EventSink;
use super::incoming::{Body, Incoming};
use super::judge::Decision;
use super::{Door, Worker};
use crate::flow::FlowState;
use crate::port::{Parcel, Port};
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::LinkType;
use crate::wire::packet::Transport;
use crate::wire::reject;
use crate::xsk::Frame;

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// Carries out the verdict on a packet.
    #[inline]
    pub(super) fn act(&mut self, incoming: &mut Incoming<'u>, decision: &Decision) {
        if decision.verdict.passes() || !self.mode.enforces() {
            return self.pass(incoming);
        }
        let count = if decision.verdict == Verdict::Reject {
            if self.mode.answers() {
                self.refuse(incoming, decision);
            }
            Counter::Rejected
        } else {
            Counter::Dropped
        };
        self.counters.add(count, incoming.frame_count());
        self.discard(incoming);
    }

    /// Sends a packet on to the peer.
    #[inline]
    fn pass(&mut self, incoming: &mut Incoming<'u>) {
        match incoming.take() {
            Body::Frame(arrival) => {
                self.counters.count(Counter::Accepted);
                let peer = self.peer_of(incoming.device);
                self.send(peer, arrival);
            }
            Body::Datagram(mut whole) => {
                // Where verdicts are not carried out, the fragments have gone on.
                if self.mode.enforces() {
                    self.send_fragments(&mut whole.datagram.fragments);
                }
                self.defrag.recycle(whole.datagram);
            }
            Body::Gone => {}
        }
    }

    /// Gives the memory of a packet back.
    #[inline]
    pub(super) fn discard(&mut self, incoming: &mut Incoming<'u>) {
        match incoming.take() {
            Body::Frame(arrival) => self.pool.recycle(arrival.frame),
            Body::Datagram(whole) => self.defrag.recycle(whole.datagram),
            Body::Gone => {}
        }
    }

    pub(super) fn peer_of(&self, device: usize) -> usize {
        self.devices.get(device).map_or(device, |device| device.peer)
    }

    #[inline]
    pub(super) fn send(&mut self, device: usize, parcel: Parcel<'u>) {
        if let Err(frame) = self.send_by(device, parcel) {
            self.counters.count(Counter::TxFull);
            self.pool.recycle(frame);
        }
    }

    /// Sends to a device by this worker's way to it; gives the frame back when
    /// that is full.
    #[inline]
    fn send_by(&mut self, device: usize, parcel: Parcel<'u>) -> Result<(), Frame<'u>> {
        let way = self.devices.get(device).map(|device| device.way);
        match way.and_then(|way| self.doors.get_mut(way)) {
            Some(Door { port, .. }) => port.send(parcel),
            None => Err(parcel.frame),
        }
    }

    /// Tells the sender, and for a connection that is already open also the
    /// receiver, that this ends here.
    #[cold]
    fn refuse(&mut self, incoming: &Incoming<'u>, decision: &Decision) {
        // An answer into a tunnel would have to be wrapped as the other end
        // wraps: nobody is told, and the silence is counted.
        if incoming.packet.tunnels.depth() > 0 {
            self.counters.count(Counter::RejectUnsent);
            return;
        }
        let (device, at) = (incoming.device, incoming.at());
        let framed;
        let (packet, bytes) = match &incoming.body {
            Body::Datagram(whole) => {
                framed = whole.framed();
                (&framed.0, &framed.1[..])
            }
            _ => (&incoming.packet, incoming.bytes()),
        };
        if !matches!(packet.transport, Transport::Tcp(_)) {
            self.answer(device, at, |out| reject::icmp_unreachable(packet, bytes, out));
            return;
        }
        self.answer(device, at, |out| reject::tcp_reset(packet, bytes, out));
        let Some(flow) = decision.flow else { return };
        let open = self.flows.record(flow).state != FlowState::New;
        self.flows.reset(flow);
        if open {
            let peer = self.peer_of(device);
            self.answer(peer, at, |out| reject::tcp_reset_onward(packet, bytes, out));
        }
    }

    /// Sends what `write` puts into a fresh frame (inline every link is Ethernet); `None` means that nobody is
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
        if let Err(frame) = self.send_by(device, Parcel::whole(frame, at, LinkType::Ethernet)) {
            self.counters.count(Counter::RejectUnsent);
            self.pool.recycle(frame);
        }
    }
}
