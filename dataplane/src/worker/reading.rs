//! The bytes of flows on their way to who reads them, and what comes of it.
//!
//! A connection has a [`Reader`], which finds out what it speaks; of everything
//! else the first datagrams with a payload are looked at, [`DATAGRAMS_MAX`] each
//! way. What was found stays with the flow. Rules are asked about what is learnt
//! while the packet that completed it waits: their verdict is the flow's.

use super::Worker;
use super::counters::Counter;
use super::event::EventSink;
use super::incoming::Incoming;
use super::judge::Decision;
use super::listen::{Ears, FlowHeard};
use super::reader::Reader;
use crate::app_proto::AppProto;
use crate::dissect::detect::{self, Guess};
use crate::dissect::{self, Progress};
use crate::flow::stream::{Interest, StreamHandle, StreamSink, Streams};
use crate::flow::{Direction, Ended, FlowIndex, TcpState};
use crate::port::Port;
use crate::rules::Judgement;
use crate::verdict::Verdict;
use crate::wire::ipv4;
use crate::wire::packet::Transport;

/// Datagrams of one side that are looked at before it is given up: the first
/// may be junk that opens a way through a firewall.
const DATAGRAMS_MAX: u64 = 4;

/// Takes the ordered bytes of a connection to its reader.
pub(super) struct Follower<'a> {
    reader: Option<&'a mut Reader>,
    ears: Ears<'a>,
}

impl StreamSink for Follower<'_> {
    fn bytes(&mut self, direction: Direction, _: u64, bytes: &[u8]) -> Interest {
        let Some(reader) = &mut self.reader else { return Interest::More };
        reader.bytes(direction, bytes, &mut self.ears);
        // Streams are followed for what contradicts itself, too; but where nobody
        // can read them any more, nothing can be said behind our back.
        if reader.is_done() { Interest::Enough } else { Interest::More }
    }

    fn gap(&mut self, direction: Direction, _: u64, len: u64) -> Interest {
        let Some(reader) = &mut self.reader else { return Interest::More };
        reader.gap(direction, len, &mut self.ears);
        if reader.is_done() { Interest::Enough } else { Interest::More }
    }

    fn end(&mut self, direction: Direction, _: u64) {
        if let Some(reader) = &mut self.reader {
            reader.end(direction, &mut self.ears);
        }
    }
}

/// The ears of a worker for an open flow. A macro, because they borrow some of
/// its fields while the others are in use.
macro_rules! ears {
    ($worker:expr, $flow:expr) => {
        Ears {
            worker: $worker.id,
            rules: &$worker.rules,
            said: &mut $worker.said,
            odd: &mut $worker.odd,
            anomalies: &$worker.anomalies,
            heard: &mut $worker.heard,
            flow: $flow,
            is_cut: false,
            now: $worker.now,
        }
    };
}

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// The streams, and who follows the bytes of one.
    #[inline]
    pub(super) fn follower(&mut self, flow: FlowIndex, handle: StreamHandle) -> (&mut Streams, Follower<'_>) {
        let ears = ears!(self, FlowHeard::Open(&self.flows, flow));
        (&mut self.streams, Follower { reader: self.readers.of(handle), ears })
    }

    /// Begins to read a connection between these ports, client and server.
    pub(super) fn open_reader(&mut self, handle: StreamHandle, ports: (u16, u16)) {
        if !self.readers.open(handle, Reader::new(ports)) {
            self.counters.count(Counter::DissectFull);
        }
    }

    /// Notes with a flow what its bytes have told so far, and lets go of its
    /// reader when there is nothing more to learn.
    #[inline]
    pub(super) fn note_reading(&mut self, flow: FlowIndex, handle: StreamHandle) {
        let Some(reader) = self.readers.of(handle) else { return };
        for (direction, app_proto) in reader.found() {
            self.flows.set_app_proto(flow, direction, app_proto);
        }
        if let Some(before) = reader.before() {
            self.flows.set_app_proto_orig(flow, before);
        }
        let (is_over, is_done) = (reader.is_over(), reader.is_done());
        self.readers.weigh(handle);
        if is_done {
            self.streams.enough(handle, Direction::Up);
            self.streams.enough(handle, Direction::Down);
        }
        if is_over {
            self.readers.close(handle);
        } else if self.readers.is_full() {
            self.counters.count(Counter::DissectFull);
            if let Some(mut reader) = self.readers.close(handle) {
                reader.close(&mut ears!(self, FlowHeard::Open(&self.flows, flow)));
            }
        }
    }

    /// Reads a datagram that may pass.
    #[inline]
    pub(super) fn read_datagram(
        &mut self,
        incoming: &Incoming<'u>,
        flow: FlowIndex,
        decision: Decision,
    ) -> Decision {
        if incoming.packet.payload_len == 0 || !matches!(incoming.packet.transport, Transport::Udp(_)) {
            return decision;
        }
        let direction = decision.direction;
        if direction.of(&self.flows.app_protos(flow)).is_none() {
            self.detect_datagram(incoming, flow, direction);
        }
        match self.flows.extension(flow) {
            Some(number) if decision.verdict.passes() => {
                self.dissect_datagram(incoming, flow, number, direction);
                self.heed(flow, decision)
            }
            _ => decision,
        }
    }

    /// Looks at a datagram of a flow whose protocol is not known yet.
    #[cold]
    fn detect_datagram(&mut self, incoming: &Incoming<'u>, flow: FlowIndex, direction: Direction) {
        let record = self.flows.record(flow);
        let ports = (record.tuple.client_port, record.tuple.server_port);
        match detect::udp(direction, incoming.packet.payload(incoming.bytes()), ports) {
            Guess::Is(app_proto) => {
                let other = *direction.reversed().of(&self.flows.app_protos(flow));
                self.flows.set_app_proto(flow, direction, app_proto);
                // What the other side speaks is being read, or was.
                if matches!(other, None | Some(AppProto::Failed)) {
                    self.open_dissector(flow, app_proto);
                }
            }
            Guess::No | Guess::NeedMore if *direction.of(&record.packets) >= DATAGRAMS_MAX => {
                self.flows.set_app_proto(flow, direction, AppProto::Failed);
            }
            Guess::No | Guess::NeedMore => {}
        }
    }

    fn open_dissector(&mut self, flow: FlowIndex, app_proto: AppProto) {
        let Some(dissector) = dissect::of_datagrams(app_proto) else { return };
        let number = self.readers.open_datagrams(dissector);
        if number.is_none() {
            self.counters.count(Counter::DissectFull);
        }
        self.flows.set_extension(flow, number);
    }

    fn dissect_datagram(
        &mut self,
        incoming: &Incoming<'u>,
        flow: FlowIndex,
        number: u32,
        direction: Direction,
    ) {
        let mut ears = ears!(self, FlowHeard::Open(&self.flows, flow));
        ears.is_cut = incoming.is_cut();
        let Some(dissector) = self.readers.of_datagrams(number) else { return };
        let payload = incoming.packet.payload(incoming.bytes());
        let progress = dissector.bytes(direction, payload, &mut ears);
        self.readers.weigh_datagrams(number);
        let is_full = self.readers.is_full();
        if is_full {
            self.counters.count(Counter::DissectFull);
        }
        if progress != Progress::More || is_full {
            if let Some(mut dissector) = self.readers.close_datagrams(number) {
                dissector.close(&mut ears!(self, FlowHeard::Open(&self.flows, flow)));
            }
            self.flows.set_extension(flow, None);
        }
    }

    /// What rules have decided while the packet was read is the flow's verdict
    /// from now on, and the packet's.
    #[inline]
    pub(super) fn heed(&mut self, flow: FlowIndex, decision: Decision) -> Decision {
        let judgement = std::mem::take(&mut self.heard.judgement);
        let Some(verdict) = judgement.verdict else { return decision };
        self.flows.set_verdict(flow, Some(verdict), self.epoch);
        if verdict == Verdict::Bypass || !decision.verdict.passes() {
            return decision;
        }
        Decision { verdict, reason: "rule", rule: judgement.rule, ..decision }
    }

    /// Lets go of what is kept to read a flow that has ended, and hears what is
    /// known of what did not come to its end.
    pub(super) fn end_reading(&mut self, ended: &Ended) {
        let Some(number) = ended.extension else { return };
        let mut ears = ears!(self, FlowHeard::Ended(&ended.record));
        if let Some(handle) =
            StreamHandle::from_number(number).filter(|_| ended.record.tuple.protocol == ipv4::TCP)
        {
            let mut reader = self.readers.close(handle);
            let mut follower = Follower { reader: reader.as_deref_mut(), ears };
            // Where FINs have closed it all is acknowledged, and nothing waits.
            if matches!(ended.record.tcp_state, Some(TcpState::Closed | TcpState::Refused)) {
                self.streams.cut_short(handle);
            }
            self.streams.close(handle, &mut follower);
            let Follower { reader, mut ears } = follower;
            if let Some(reader) = reader {
                reader.close(&mut ears);
            }
        } else if let Some(mut dissector) = self.readers.close_datagrams(number) {
            dissector.close(&mut ears);
        }
        // The flow is over: there is nothing left to decide.
        self.heard.judgement = Judgement::default();
    }
}
