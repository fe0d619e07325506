//! A connection: how far it has come, and what its two sides have sent.
//!
//! Each kind of segment has a file: SYNs and what completes a handshake in
//! [`handshake`](super::handshake), RSTs in [`reset`](super::reset), all others
//! in [`transfer`](super::transfer). A segment that does not fit changes
//! nothing, and no state is reached that one side alone could bring about: a
//! flood of SYNs, ACKs, FINs or RSTs without answers stays half-open.

use super::segment::{Anomalies, Segment, SegmentClass, TcpSeen};
use super::side::{Side, SideFlags, Sides, distance};
use super::state::TcpState;
use crate::anomaly::Anomaly;
use crate::flow::record::Direction;
use crate::wire::tcp::Flags;

/// A connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) struct Connection {
    pub(in crate::flow) state: TcpState,
    pub(in crate::flow) sides: Sides,
}

/// What a connection is told beside the segment.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct Circumstances {
    /// Whether one whose handshake was not seen is established once both sides
    /// are heard.
    pub(in crate::flow) midstream: bool,
    /// Whether nothing came for so long that time stamps may have gone round
    /// (RFC 7323 section 5.5: 24 days).
    pub(in crate::flow) stale: bool,
}

impl Connection {
    /// The connection after its first segment.
    pub(in crate::flow) fn open(
        direction: Direction,
        seen: &TcpSeen,
        circumstances: Circumstances,
    ) -> (Self, Segment) {
        let mut connection = Self { state: TcpState::PickedUp, sides: Sides::default() };
        let mut segment = connection.first(direction, seen, circumstances);
        tell_of_broken_ack(&mut segment, seen);
        (connection, segment)
    }

    fn first(&mut self, direction: Direction, seen: &TcpSeen, circumstances: Circumstances) -> Segment {
        let flags = seen.flags;
        if flags.contains(Flags::RST) {
            self.state = TcpState::Refused;
            return took(SegmentClass::Reset, seen.seq).odd(Anomaly::StreamRstButNoSession);
        }
        if flags.contains(Flags::SYN) {
            let segment = self.first_syn(direction, seen);
            return if flags.contains(Flags::FIN) { segment.odd(Anomaly::StreamFinSyn) } else { segment };
        }
        let [up, down] = &mut self.sides;
        up.begin_unknown();
        down.begin_unknown();
        up.flags.insert(SideFlags::MIDSTREAM);
        let (sender, receiver) = self.pair(direction);
        sender.take(receiver, seen);
        let class = if seen.is_empty() { SegmentClass::Ack } else { SegmentClass::Data };
        let segment = if flags.contains(Flags::ACK) {
            Segment { acknowledges: true, ..took(class, seen.seq) }
        } else {
            // No receiver takes it (RFC 9293 section 3.10.7).
            Segment { class: SegmentClass::Invalid, valid: false, ..took(class, seen.seq) }
        };
        if flags.contains(Flags::FIN) && (seen.payload_len == 0 || !circumstances.midstream) {
            return segment.odd(Anomaly::StreamFinButNoSession);
        }
        segment
    }

    /// What a further segment is, and the connection after it.
    pub(in crate::flow) fn receive(
        &mut self,
        direction: Direction,
        seen: &TcpSeen,
        circumstances: Circumstances,
    ) -> Segment {
        let mut segment = if seen.flags.contains(Flags::RST) {
            self.reset(direction, seen)
        } else if seen.flags.contains(Flags::SYN) {
            self.syn(direction, seen, circumstances)
        } else {
            match self.state {
                TcpState::SynSent => self.before_answer(direction, seen),
                TcpState::Refused if self.is_unanswered() => self.before_answer(direction, seen),
                TcpState::SynReceived => self.complete(direction, seen, circumstances),
                _ => self.transfer(direction, seen, circumstances),
            }
        };
        tell_of_broken_ack(&mut segment, seen);
        segment
    }

    /// Whether nothing but a SYN was taken. A RST may have refused it: one that
    /// the client did not believe, as Linux does where the time stamp it echoes
    /// was never sent, is followed by an answer.
    const fn is_unanswered(&self) -> bool {
        let [up, down] = &self.sides;
        up.is(SideFlags::SYN) && !up.is(SideFlags::ACKED) && !down.is(SideFlags::HEARD)
    }

    /// Who sent a segment, and who is to receive it.
    pub(super) const fn pair(&mut self, direction: Direction) -> (&mut Side, &mut Side) {
        let [up, down] = &mut self.sides;
        match direction {
            Direction::Up => (up, down),
            Direction::Down => (down, up),
        }
    }

    /// What was expected next of who sent a segment.
    pub(super) const fn expected(&mut self, direction: Direction, seen: &TcpSeen) -> u32 {
        let (sender, receiver) = self.pair(direction);
        if sender.is(SideFlags::HEARD) {
            sender.end
        } else if receiver.is(SideFlags::ACKED) {
            receiver.ack
        } else {
            seen.seq
        }
    }

    /// A segment that is not of this connection.
    pub(super) const fn refuse(&mut self, direction: Direction, seen: &TcpSeen) -> Segment {
        Segment {
            class: SegmentClass::Invalid,
            valid: false,
            acknowledges: false,
            expected: self.expected(direction, seen),
            anomalies: [None; 3],
        }
    }

    /// Follows the connection through its end, as FINs and their
    /// acknowledgements tell.
    pub(super) fn progress(&mut self, circumstances: Circumstances) {
        let [up, down] = &self.sides;
        let heard = up.is(SideFlags::HEARD) && down.is(SideFlags::HEARD);
        let (up_fin, down_fin) = (up.is(SideFlags::FIN), down.is(SideFlags::FIN));
        let up_done = up_fin && has_acknowledged(down, up.end);
        let down_done = down_fin && has_acknowledged(up, down.end);
        loop {
            let next = match self.state {
                TcpState::PickedUp if heard && circumstances.midstream => TcpState::Established,
                TcpState::Established if up_fin => TcpState::CloseWait,
                TcpState::Established if down_fin => TcpState::FinWait1,
                TcpState::CloseWait if down_fin => TcpState::LastAck,
                TcpState::FinWait1 if up_fin && !down_done => TcpState::Closing,
                TcpState::FinWait1 if down_done => TcpState::FinWait2,
                TcpState::FinWait2 if up_fin => TcpState::TimeWait,
                TcpState::Closing if down_done => TcpState::TimeWait,
                TcpState::LastAck | TcpState::TimeWait if up_done && down_done => TcpState::Closed,
                _ => return,
            };
            self.state = next;
        }
    }
}

const fn has_acknowledged(side: &Side, number: u32) -> bool {
    side.is(SideFlags::ACKED) && distance(side.ack, number) >= 0
}

impl Side {
    /// Takes in a segment that fits, neither SYN nor RST, and what it tells of
    /// the other side.
    pub(super) fn take(&mut self, receiver: &mut Self, seen: &TcpSeen) {
        if let Some(timestamp) = seen.options.timestamp {
            self.take_timestamp(receiver, seen.seq, timestamp);
        }
        // Without bytes it may stand after some that we have not seen.
        if !self.is(SideFlags::HEARD) || (!seen.is_empty() && distance(seen.end(), self.end) > 0) {
            self.end = seen.end();
            self.flags.set(SideFlags::FIN, seen.flags.contains(Flags::FIN));
        }
        self.flags.insert(SideFlags::HEARD);
        if seen.flags.contains(Flags::ACK) && (!self.is(SideFlags::ACKED) || distance(seen.ack, self.ack) > 0)
        {
            self.ack = seen.ack;
            self.flags.insert(SideFlags::ACKED);
        }
        // One that was overtaken tells of before.
        if seen.ack == self.ack {
            self.window = seen.window;
        }
        self.window_max = self.window_max.max(seen.window);
    }

    /// Keeps the time stamp of a segment that begins where all before it has
    /// arrived (RFC 7323 section 4.3).
    fn take_timestamp(&mut self, receiver: &Self, seq: u32, timestamp: u32) {
        let first = !self.is(SideFlags::STAMPS);
        if first && self.is(SideFlags::SYN) {
            return; // Not agreed on.
        }
        let in_order = receiver.is(SideFlags::ACKED) && distance(seq, receiver.ack) <= 0;
        if first || (in_order && distance(timestamp, self.timestamp) > 0) {
            self.timestamp = timestamp;
            self.flags.insert(SideFlags::STAMPS);
        }
    }
}

/// A segment that was taken; its acknowledgement number was not looked at.
pub(super) const fn took(class: SegmentClass, expected: u32) -> Segment {
    Segment { class, valid: true, acknowledges: false, expected, anomalies: [None; 3] }
}

/// An acknowledgement number without its flag tells something to whoever reads
/// it without looking.
fn tell_of_broken_ack(segment: &mut Segment, seen: &TcpSeen) {
    if seen.ack != 0 && !seen.flags.contains(Flags::ACK) {
        *segment = segment.odd(Anomaly::StreamPktBrokenAck);
    }
}

impl Segment {
    /// With one more oddity, as far as there is room.
    pub(super) fn odd(mut self, anomaly: Anomaly) -> Self {
        let anomalies: &mut Anomalies = &mut self.anomalies;
        if let Some(place) = anomalies.iter_mut().find(|place| place.is_none()) {
            *place = Some(anomaly);
        }
        self
    }
}
