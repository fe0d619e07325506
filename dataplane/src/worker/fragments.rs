//! Fragments: kept until their datagram is whole and judged, then sent on as
//! they came.
//!
//! A fragment is copied out of its frame at once. So a flood of fragments can
//! fill the memory that is set aside for them, never the memory that traffic
//! travels in; and what waits may move to another worker without its frames.

use std::borrow::Cow;

use super::Worker;
use super::counters::Counter;
use super::event::EventSink;
use super::incoming::{Body, Held, Incoming, Keyed, Reassembled};
use super::judge::Decision;
use crate::anomaly::Anomaly;
use crate::flow::defrag::{Datagram, Fragment, FragmentKey, Outcome};
use crate::flow::{Key, Sweep};
use crate::port::{Parcel, Port};
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::{LinkType, Packet, oddities};
use crate::xsk::Frame;

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// Keeps a fragment until the others of its datagram are here; with the
    /// last of them the datagram goes on to its flow.
    pub(super) fn hold(&mut self, incoming: &mut Incoming<'u>) {
        let Some(key) = FragmentKey::of(&incoming.packet) else { return self.conclude(incoming) };
        if let Some(owner) = self.foreign_owner(key.hash(&self.hasher)) {
            return self.hand_off(owner, incoming);
        }
        if self.settings.verify_checksums && self.is_corrupt(incoming) {
            return self.conclude(incoming);
        }
        let Body::Frame(arrival) = &incoming.body else { return self.conclude(incoming) };
        let bytes = whole(&arrival.frame);
        let &Parcel { link, at, wire_len, .. } = arrival;
        // Of what the capture has cut nothing can be put together.
        let Some(fragment) = Fragment::of(&incoming.packet, &bytes, at) else {
            return self.conclude(incoming);
        };
        if oddities::may_have(&incoming.packet, &bytes) {
            self.find_oddities(incoming);
        }
        // Where verdicts are not carried out nothing needs to wait.
        let kept = if self.mode.enforces() { bytes.to_vec() } else { Vec::new() };
        let kept_len = kept.capacity();
        let held = Held { bytes: kept, link, at, wire_len, device: incoming.device };
        let mut given_up = 0;
        let outcome = self.defrag.insert(&fragment, held, kept_len, |gone| given_up += gone.fragments.len());
        self.count_dropped_fragments(given_up);
        match outcome {
            Outcome::Waiting(anomaly) => self.wait(incoming, anomaly),
            Outcome::Whole(datagram) => {
                let link_header = bytes.get(..incoming.packet.net_at as usize).unwrap_or_default().to_vec();
                self.wait(incoming, datagram.anomaly);
                self.go_on_whole(incoming, datagram, link_header);
            }
            Outcome::Duplicate(_) => self.refuse_fragments(incoming, 1),
            Outcome::Refused { fragments, anomaly, .. } => {
                self.raise(anomaly);
                self.refuse_fragments(incoming, fragments.len());
                self.defrag.recycle_fragments(fragments);
            }
        }
    }

    /// A fragment has been taken in: its frame goes home, or on its way where
    /// verdicts are not carried out.
    fn wait(&mut self, incoming: &mut Incoming<'u>, anomaly: Option<Anomaly>) {
        if let Some(anomaly) = anomaly {
            self.raise(anomaly);
        }
        self.tell(incoming, &Decision::default());
        if self.mode.enforces() {
            self.discard(incoming);
        } else {
            self.act(incoming, &Decision::default());
        }
    }

    /// Ends fragments out of which no datagram will be put together.
    fn refuse_fragments(&mut self, incoming: &mut Incoming<'u>, fragments: usize) {
        self.count_dropped_fragments(fragments);
        let decision = Decision { verdict: Verdict::Drop, reason: "fragment", ..Decision::default() };
        self.tell(incoming, &decision);
        if self.mode.enforces() {
            self.discard(incoming);
        } else {
            self.act(incoming, &decision);
        }
    }

    fn count_dropped_fragments(&self, fragments: usize) {
        if self.mode.enforces() {
            self.counters.add(Counter::DroppedFragments, fragments as u64);
        }
    }

    /// Makes the whole datagram out of its last fragment, and walks on with it.
    fn go_on_whole(&mut self, last: &mut Incoming<'u>, datagram: Datagram<Held>, link_header: Vec<u8>) {
        let wire_len = datagram.fragments.iter().map(|held| held.wire_len).sum();
        let at = last_of(&datagram.fragments).unwrap_or(self.now);
        let len = u32::try_from(datagram.bytes.len()).unwrap_or(u32::MAX);
        let (mut packet, undecodable) = Packet::decode(LinkType::RawIp, &datagram.bytes, len);
        // What stood around the fragments stands around the datagram too; but it
        // stood in bytes that are not these.
        packet.macs = packet.macs.or(last.packet.macs);
        if packet.vlans.count == 0 {
            packet.vlans = last.packet.vlans;
        }
        packet.tunnels = packet.tunnels.within(last.packet.tunnels);
        last.packet = packet;
        last.undecodable = undecodable;
        last.flow = match undecodable {
            None => {
                Key::of(&last.packet).map(|(key, sender)| Keyed { hash: self.hasher.hash(&key), key, sender })
            }
            Some(_) => None,
        };
        last.body = Body::Datagram(Box::new(Reassembled { datagram, link_header, at, wire_len }));
        self.handle(last);
    }

    /// Sends the fragments of a datagram, each as it came.
    pub(super) fn send_fragments(&mut self, fragments: &mut Vec<Held>) {
        for held in fragments.drain(..) {
            let device = self.peer_of(held.device);
            self.counters.count(Counter::Accepted);
            match self.copied(&held.bytes) {
                Some(frame) => {
                    let Held { link, at, wire_len, .. } = held;
                    self.send(device, Parcel { frame, at, wire_len, link });
                }
                None => self.counters.count(Counter::TxFull),
            }
        }
    }

    /// A fresh frame with these bytes; none where the pool is empty.
    fn copied(&mut self, bytes: &[u8]) -> Option<Frame<'u>> {
        let mut whole: Option<Frame<'u>> = None;
        let mut rest = bytes;
        loop {
            let Some(mut frame) = self.pool.take() else {
                if let Some(frame) = whole {
                    self.pool.recycle(frame);
                }
                return None;
            };
            let (piece, after) = rest.split_at(rest.len().min(frame.capacity()));
            frame.set_len(piece.len());
            frame.bytes_mut().copy_from_slice(piece);
            match &mut whole {
                Some(whole) => whole.append(frame),
                None => whole = Some(frame),
            }
            rest = after;
            if rest.is_empty() {
                return whole;
            }
        }
    }

    /// Gives up datagrams whose time is up; `budget` bounds the look.
    pub(super) fn sweep_fragments(&mut self, budget: usize) -> Sweep {
        let mut dropped = 0;
        let sweep = self.defrag.sweep(self.now, budget, |gone| dropped += gone.fragments.len());
        self.count_dropped_fragments(dropped);
        sweep
    }

    /// Gives up all datagrams: the gateway stops, or the capture has ended.
    pub(super) fn drain_fragments(&mut self) {
        let mut dropped = 0;
        while self.defrag.drain(usize::MAX, |gone| dropped += gone.fragments.len()) == Sweep::More {}
        self.count_dropped_fragments(dropped);
    }
}

/// When the last of them came.
fn last_of(fragments: &[Held]) -> Option<Timestamp> {
    fragments.iter().map(|held| held.at).max()
}

/// All bytes of a frame; copied together only where they lie in several chunks.
fn whole<'a>(frame: &'a Frame<'_>) -> Cow<'a, [u8]> {
    if frame.is_contiguous() {
        return Cow::Borrowed(frame.bytes());
    }
    let mut bytes = Vec::with_capacity(frame.total_len());
    frame.copy_all(&mut bytes);
    Cow::Owned(bytes)
}
