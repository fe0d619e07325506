//! Which application protocol a flow speaks: its first bytes decide.
//!
//! Of a TCP connection the first bytes of each side are kept until they tell,
//! at most [`TCP_BYTES_MAX`] of them; of everything else the first datagrams
//! with a payload are looked at, [`DATAGRAMS_MAX`] each way. What was found
//! stays with the flow, and later packets cost a look at one byte.

use super::Worker;
use super::event::EventSink;
use super::incoming::Incoming;
use crate::app_proto::AppProto;
use crate::dissect::detect::{self, Guess, TCP_BYTES_MAX};
use crate::flow::stream::{Interest, StreamHandle, StreamSink};
use crate::flow::{Direction, FlowIndex};
use crate::port::Port;
use crate::wire::packet::Transport;

/// Datagrams of one side that are looked at before it is given up: the first
/// may be junk that opens a way through a firewall.
const DATAGRAMS_MAX: u64 = 4;

/// The first bytes of a connection's two sides, while they do not tell yet.
pub(super) struct Undetected {
    ports: (u16, u16),
    sides: [Side; 2],
}

enum Side {
    /// So far these bytes have come.
    Looking(Vec<u8>),
    /// They have told; not yet noted with the flow.
    Found(AppProto),
    Noted,
}

impl Undetected {
    /// Of a connection between these ports, client and server.
    pub(super) fn new(ports: (u16, u16)) -> Self {
        Self { ports, sides: [Side::Looking(Vec::new()), Side::Looking(Vec::new())] }
    }

    fn look(&mut self, direction: Direction, bytes: &[u8]) {
        let [up, down] = &mut self.sides;
        let side = if direction == Direction::Up { up } else { down };
        let Side::Looking(seen) = side else { return };
        let room = TCP_BYTES_MAX.saturating_sub(seen.len());
        // What tells at once, as nearly all first segments do, is not copied.
        let guess = if seen.is_empty() {
            detect::tcp(direction, bytes, self.ports)
        } else {
            seen.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            detect::tcp(direction, seen, self.ports)
        };
        match guess {
            Guess::Is(app_proto) => *side = Side::Found(app_proto),
            Guess::No => *side = Side::Found(AppProto::Failed),
            Guess::NeedMore if seen.is_empty() => {
                seen.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            }
            Guess::NeedMore => {}
        }
    }

    /// What was found since the last time.
    fn found(&mut self) -> impl Iterator<Item = (Direction, AppProto)> {
        [Direction::Up, Direction::Down].into_iter().zip(&mut self.sides).filter_map(|(direction, side)| {
            let Side::Found(app_proto) = *side else { return None };
            *side = Side::Noted;
            Some((direction, app_proto))
        })
    }

    fn is_done(&self) -> bool {
        self.sides.iter().all(|side| matches!(side, Side::Noted))
    }
}

/// Takes the ordered bytes of a connection, and looks at the first of them.
pub(super) struct Onlooker<'a>(pub(super) Option<&'a mut Box<Undetected>>);

impl StreamSink for Onlooker<'_> {
    fn bytes(&mut self, direction: Direction, _: u64, bytes: &[u8]) -> Interest {
        if let Some(undetected) = &mut self.0 {
            undetected.look(direction, bytes);
        }
        // Streams are followed for what contradicts itself, too.
        Interest::More
    }

    fn gap(&mut self, direction: Direction, _: u64, _: u64) -> Interest {
        if let Some(undetected) = &mut self.0
            && let [up, down] = &mut undetected.sides
            && let side @ Side::Looking(_) = (if direction == Direction::Up { up } else { down })
        {
            // Behind a hole no first bytes come any more.
            *side = Side::Found(AppProto::Failed);
        }
        Interest::More
    }
}

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// Notes with a flow what its streams have told so far.
    pub(super) fn note_app_protos(&mut self, flow: FlowIndex, handle: StreamHandle) {
        let Some(place) = self.undetected.get_mut(handle.number() as usize) else { return };
        let Some(undetected) = place else { return };
        for (direction, app_proto) in undetected.found() {
            self.flows.set_app_proto(flow, direction, app_proto);
        }
        if undetected.is_done() {
            *place = None;
        }
    }

    /// Looks at a datagram of a flow whose protocol is not known yet.
    #[inline]
    pub(super) fn look_at_datagram(
        &mut self,
        incoming: &Incoming<'u>,
        flow: FlowIndex,
        direction: Direction,
    ) {
        if incoming.packet.payload_len > 0
            && matches!(incoming.packet.transport, Transport::Udp(_))
            && direction.of(&self.flows.app_protos(flow)).is_none()
        {
            self.detect_datagram(incoming, flow, direction);
        }
    }

    #[cold]
    fn detect_datagram(&mut self, incoming: &Incoming<'u>, flow: FlowIndex, direction: Direction) {
        let record = self.flows.record(flow);
        let ports = (record.tuple.client_port, record.tuple.server_port);
        match detect::udp(direction, incoming.packet.payload(incoming.bytes()), ports) {
            Guess::Is(app_proto) => self.flows.set_app_proto(flow, direction, app_proto),
            Guess::No | Guess::NeedMore if *direction.of(&record.packets) >= DATAGRAMS_MAX => {
                self.flows.set_app_proto(flow, direction, AppProto::Failed);
            }
            Guess::No | Guess::NeedMore => {}
        }
    }
}
