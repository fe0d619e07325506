//! Tests of the whole machine: honest ends, hostile segments, and each state in
//! turn.

mod endpoint;
mod honest;
mod hostile;
mod states;

use super::{
    Circumstances, Connection, Segment, SegmentClass, SideFlags, TcpSeen, TcpSeenOptions, TcpState, in_order,
};
use crate::anomaly::Anomaly;
use crate::flow::record::Direction;
use crate::flow::record::Direction::{Down, Up};
use crate::wire::tcp::Flags;

const PLAIN: Circumstances = Circumstances { midstream: true, stale: false };

const SYN: Flags = Flags::SYN;
const ACK: Flags = Flags::ACK;
const RST: Flags = Flags::RST;
const SYN_ACK: Flags = Flags::SYN.union(Flags::ACK);
const FIN_ACK: Flags = Flags::FIN.union(Flags::ACK);
const RST_ACK: Flags = Flags::RST.union(Flags::ACK);

/// The client's initial sequence number in these tests.
const CLIENT: u32 = 1_000;
/// The server's.
const SERVER: u32 = u32::MAX - 1;

/// What goes one way; numbers count from the sender's and the receiver's initial
/// ones.
fn seen(direction: Direction, flags: Flags, seq: u32, ack: u32, payload_len: u32) -> TcpSeen {
    let (from, to) = if direction == Up { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    let ack = if flags.contains(ACK) { to.wrapping_add(ack) } else { 0 };
    TcpSeen { seq: from.wrapping_add(seq), ack, window: 1_000, flags, payload_len, ..TcpSeen::default() }
}

/// A connection under observation.
struct Watch {
    connection: Option<Connection>,
    circumstances: Circumstances,
}

impl Watch {
    const fn new() -> Self {
        Self { connection: None, circumstances: PLAIN }
    }

    /// After its handshake.
    fn established() -> Self {
        let mut watch = Self::new();
        watch.see(Up, SYN, 0, 0, 0);
        watch.see(Down, SYN_ACK, 0, 1, 0);
        watch.see(Up, ACK, 1, 1, 0);
        watch.see(Down, ACK, 1, 1, 0);
        assert_eq!(watch.state(), TcpState::Established);
        watch
    }

    fn tell(&mut self, direction: Direction, seen: &TcpSeen) -> Segment {
        if let Some(connection) = &mut self.connection {
            let before = *connection;
            let segment = connection.receive(direction, seen, self.circumstances);
            if let Some(short) = short_way(before, direction, seen) {
                assert_eq!(short, (*connection, segment));
            }
            return segment;
        }
        let (connection, segment) = Connection::open(direction, seen, self.circumstances);
        self.connection = Some(connection);
        segment
    }

    fn see(&mut self, direction: Direction, flags: Flags, seq: u32, ack: u32, payload_len: u32) -> Segment {
        self.tell(direction, &seen(direction, flags, seq, ack, payload_len))
    }

    fn state(&self) -> TcpState {
        self.connection.map_or(TcpState::Refused, |connection| connection.state)
    }

    fn is_midstream(&self) -> bool {
        self.connection.is_some_and(|connection| {
            let [up, _] = connection.sides;
            up.is(SideFlags::MIDSTREAM)
        })
    }
}

/// What the short way for segments in order makes of one, if it takes it; it has
/// to be what the long way makes of it.
fn short_way(mut before: Connection, direction: Direction, seen: &TcpSeen) -> Option<(Connection, Segment)> {
    let settled = before.state == TcpState::Established
        && seen.flags.contains(ACK)
        && !seen.flags.intersects(SYN | Flags::FIN | RST);
    let (sender, receiver) = before.pair(direction);
    if !settled || (direction == Down && !sender.is(SideFlags::CONFIRMED)) {
        return None;
    }
    let (side, segment) = in_order(sender, receiver, seen)?;
    *sender = side;
    Some((before, segment))
}

fn odd(segment: &Segment) -> Vec<Anomaly> {
    segment.anomalies().collect()
}
