//! RSTs (RFC 5961 section 3): a connection ends only by one that stands exactly
//! where its receiver expects the next byte. Within the window but elsewhere, the
//! receiver asks back, and so what is sent blindly to hit the window changes
//! nothing here either.

use super::connection::{Connection, took};
use super::segment::{Segment, SegmentClass, TcpSeen};
use super::side::{Side, SideFlags, distance};
use super::state::TcpState;
use super::window;
use crate::anomaly::Anomaly;
use crate::flow::record::Direction;
use crate::wire::tcp::Flags;

/// What a RST is.
enum Standing {
    Exact,
    /// Within the window.
    Near,
    Astray,
    /// It acknowledges what was not sent.
    WrongAck,
}

impl Connection {
    /// Takes a RST, or refuses it.
    pub(super) fn reset(&mut self, direction: Direction, seen: &TcpSeen) -> Segment {
        let mut told = took(SegmentClass::Reset, self.expected(direction, seen));
        if seen.payload_len > 0 {
            told = told.odd(Anomaly::StreamRstWithData);
        }
        if matches!(self.state, TcpState::Closed | TcpState::Refused) {
            return told; // Each segment still under way may bring one.
        }
        let half_open = self.state.is_half_open();
        let standing = match (self.state, direction) {
            (TcpState::SynSent, Direction::Down) => self.answers_syn(seen),
            // It answers something of a connection before; the client goes on.
            (TcpState::SynSent, Direction::Up) if !self.is_begun_by(seen.seq) => return told,
            (TcpState::SynSent, Direction::Up) => Standing::Exact,
            (TcpState::SynReceived, _) => self.answers_handshake(direction, seen),
            _ => self.stands(direction, seen),
        };
        let (sender, _) = self.pair(direction);
        match standing {
            Standing::Exact => {
                sender.flags.insert(SideFlags::RESET);
                self.state = if half_open { TcpState::Refused } else { TcpState::Closed };
                Segment { acknowledges: acknowledges(seen) && !half_open, ..told }
            }
            Standing::Near => refused(told).odd(Anomaly::StreamSuspectedRstInject),
            Standing::Astray => refused(told),
            Standing::WrongAck => {
                refused(told).odd(Anomaly::StreamRstInvalidAck).odd(Anomaly::StreamPktInvalidAck)
            }
        }
    }

    /// RFC 9293 section 3.10.7.3: it counts if it acknowledges the SYN.
    fn answers_syn(&self, seen: &TcpSeen) -> Standing {
        if !seen.flags.contains(Flags::ACK) {
            Standing::Near
        } else if self.is_begun_by(seen.ack) {
            Standing::Exact
        } else {
            Standing::WrongAck
        }
    }

    fn answers_handshake(&self, direction: Direction, seen: &TcpSeen) -> Standing {
        let [up, down] = &self.sides;
        let (next, other) = match direction {
            Direction::Up if down.is(SideFlags::ACKED) => (up.end, down.ack),
            Direction::Up => (up.end, up.end),
            Direction::Down if up.is(SideFlags::FOUR_WAY) => (down.end, down.end),
            Direction::Down => (down.end, up.ack),
        };
        let exact = seen.seq == next || seen.seq == other;
        let ahead = distance(seen.seq, other);
        match (exact, ahead) {
            (true, _) => Standing::Exact,
            (false, 0..=0xffff) => Standing::Near,
            (false, _) => Standing::Astray,
        }
    }

    fn stands(&mut self, direction: Direction, seen: &TcpSeen) -> Standing {
        let (sender, receiver) = self.pair(direction);
        if acknowledges(seen) && window::check_ack(sender, receiver, seen).is_err() {
            return Standing::WrongAck;
        }
        let sent = sender.is(SideFlags::HEARD) && seen.seq == sender.end;
        let acknowledged = receiver.is(SideFlags::ACKED) && seen.seq == receiver.ack;
        if sent || acknowledged {
            Standing::Exact
        } else if is_in_window(sender, receiver, seen.seq) {
            Standing::Near
        } else {
            Standing::Astray
        }
    }
}

/// Whether its acknowledgement number is meant: many send 0 with the flag.
fn acknowledges(seen: &TcpSeen) -> bool {
    seen.flags.contains(Flags::ACK) && seen.ack != 0
}

fn is_in_window(sender: &Side, receiver: &Side, seq: u32) -> bool {
    let from = if receiver.is(SideFlags::ACKED) { receiver.ack } else { sender.end };
    let to = from.wrapping_add(receiver.reach());
    distance(seq, from) >= 0 && distance(seq, to) <= 0
}

const fn refused(told: Segment) -> Segment {
    Segment { class: SegmentClass::Invalid, valid: false, ..told }
}
