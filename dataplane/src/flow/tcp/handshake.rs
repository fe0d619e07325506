//! SYNs, and what completes a handshake: from either side (RFC 9293 section
//! 3.5), with data (RFC 7413), repeated, and with a number that changed because
//! an end has forgotten the one before, as one does that answers with SYN
//! cookies (RFC 4987).
//!
//! Until the client has acknowledged anything there is room in its
//! [`Side::ack`]: while the connection is in [`TcpState::SynSent`] it keeps what
//! the answer to its first SYN acknowledges, in [`TcpState::SynReceived`] what
//! acknowledges the first SYN+ACK. [`Side::end`] is always of the last.

use super::connection::{Circumstances, Connection, took};
use super::segment::{Segment, SegmentClass, TcpSeen};
use super::side::{Side, SideFlags, distance, low_byte};
use super::state::TcpState;
use crate::anomaly::Anomaly;
use crate::flow::record::Direction;
use crate::wire::tcp::Flags;

/// How many bytes may go with a SYN or a SYN+ACK, or overtake the ACK that
/// completes the handshake: a window without a scale.
const EARLY_MAX: i32 = 0xffff;

impl Connection {
    /// The first segment is a SYN, or a SYN+ACK: then the SYN was not seen.
    pub(super) fn first_syn(&mut self, direction: Direction, seen: &TcpSeen) -> Segment {
        let segment = took(SegmentClass::Handshake, seen.seq.wrapping_add(1));
        let (sender, other) = self.pair(direction);
        sender.begin(seen);
        if seen.flags.contains(Flags::ACK) {
            other.end = seen.ack;
            other.begin_unknown();
            let scaled = sender.is(SideFlags::SCALES);
            sender.agree(scaled);
            if !scaled {
                other.scale = 0;
            }
            other.ack = seen.seq.wrapping_add(1);
            let [up, _] = &mut self.sides;
            up.flags.insert(SideFlags::MIDSTREAM);
            self.state = TcpState::SynReceived;
            return Segment { acknowledges: true, ..segment };
        }
        sender.ack = seen.seq.wrapping_add(1);
        self.state = TcpState::SynSent;
        segment
    }

    /// Whether this is the number after one of the client's SYNs that still
    /// count.
    pub(super) const fn is_begun_by(&self, number: u32) -> bool {
        let [up, _] = &self.sides;
        let within = distance(up.end, number);
        // Data with the SYN may be acknowledged in part or not at all.
        let early = up.is(SideFlags::FAST_OPEN)
            && within >= 0
            && within <= EARLY_MAX
            && low_byte(number.wrapping_sub(1)) == up.isn;
        number == up.end || number == up.ack || early
    }

    /// A SYN, with or without ACK.
    pub(super) fn syn(
        &mut self,
        direction: Direction,
        seen: &TcpSeen,
        circumstances: Circumstances,
    ) -> Segment {
        let segment = match (self.state, direction, seen.flags.contains(Flags::ACK)) {
            (TcpState::SynSent, Direction::Up, false) => self.syn_again(seen),
            (TcpState::SynSent, Direction::Down, false) => self.syn_from_both(seen),
            (TcpState::SynSent, Direction::Down, true) => self.syn_ack(seen),
            (TcpState::SynSent, Direction::Up, true) => {
                self.refuse(direction, seen).odd(Anomaly::StreamThreeWaySynackInWrongDirection)
            }
            (TcpState::SynReceived, ..) if self.is_four_way() => {
                self.syn_in_four_way(direction, seen, circumstances)
            }
            (TcpState::SynReceived, Direction::Up, _) => self.syn_up_again(seen, circumstances),
            (TcpState::SynReceived, Direction::Down, true) => self.syn_ack_again(seen),
            (TcpState::SynReceived, Direction::Down, false) if self.is_of_answer(seen.seq) => {
                // It was sent before the client's came, and overtaken.
                took(SegmentClass::Handshake, seen.seq.wrapping_add(1))
            }
            (TcpState::SynReceived, Direction::Down, false) => {
                self.refuse(direction, seen).odd(Anomaly::StreamThreeWaySynToclientOnSynRecv)
            }
            (TcpState::PickedUp, ..) => self.syn_late(direction, seen, circumstances),
            (TcpState::Refused, Direction::Down, true) if self.is_begun_by(seen.ack) => {
                // Who accepts a connection has not refused it.
                self.state = TcpState::SynSent;
                self.syn_ack(seen).odd(Anomaly::StreamSuspectedRstInject)
            }
            _ => self.syn_within(direction, seen),
        };
        if seen.flags.contains(Flags::FIN) { segment.odd(Anomaly::StreamFinSyn) } else { segment }
    }

    /// Whether this is the number of the server's SYN+ACK.
    const fn is_of_answer(&self, seq: u32) -> bool {
        let [_, down] = &self.sides;
        low_byte(seq) == down.isn && distance(down.end, seq) > 0
    }

    /// The client's SYN once more, or another one instead.
    fn syn_again(&mut self, seen: &TcpSeen) -> Segment {
        let first = seen.seq.wrapping_add(1);
        let [up, _] = &mut self.sides;
        let before = *up;
        let same = first == before.ack || first == before.end;
        up.begin(seen);
        if same {
            // Data that went with the first may be left out of the second, and
            // be acknowledged.
            up.end = if distance(before.end, up.end) > 0 { before.end } else { up.end };
            up.flags.insert(before.flags.intersection(SideFlags::FAST_OPEN));
        } else {
            up.ack = if before.is(SideFlags::FAST_OPEN) { before.ack } else { before.end };
        }
        took(SegmentClass::Handshake, first)
    }

    /// A SYN from each side.
    fn syn_from_both(&mut self, seen: &TcpSeen) -> Segment {
        let [up, down] = &mut self.sides;
        up.flags.insert(SideFlags::FOUR_WAY);
        down.begin(seen);
        self.state = TcpState::SynReceived;
        took(SegmentClass::Handshake, seen.seq.wrapping_add(1))
    }

    /// The server's answer to a SYN.
    fn syn_ack(&mut self, seen: &TcpSeen) -> Segment {
        if !self.is_begun_by(seen.ack) {
            return self.refuse(Direction::Down, seen).odd(Anomaly::StreamThreeWaySynackWithWrongAck);
        }
        let [up, down] = &mut self.sides;
        let ignored = up.is(SideFlags::FAST_OPEN) && seen.ack != up.end;
        up.end = seen.ack;
        down.begin(seen);
        up.ack = seen.seq.wrapping_add(1);
        agree(up, down);
        self.state = TcpState::SynReceived;
        let segment = took(SegmentClass::Handshake, seen.seq.wrapping_add(1));
        let segment = Segment { acknowledges: true, ..segment };
        if ignored { segment.odd(Anomaly::StreamThreeWaySynackTfoDataIgnored) } else { segment }
    }

    /// The server's answer once more; its number may be another one.
    fn syn_ack_again(&mut self, seen: &TcpSeen) -> Segment {
        let [up, down] = &mut self.sides;
        if seen.ack != down.ack && seen.ack != up.end {
            return self.refuse(Direction::Down, seen).odd(Anomaly::StreamThreeWaySynackResendWithDiffAck);
        }
        let first = seen.seq.wrapping_add(1);
        if distance(down.end, first) < 0 || distance(down.end, first) > EARLY_MAX {
            up.ack = down.end;
            let before = down.ack;
            down.begin(seen);
            down.ack = before;
            follow(up, down);
        }
        if seen.ack != down.ack {
            // It has forgotten the SYN before, and answers the last.
            up.isn = low_byte(seen.ack.wrapping_sub(1));
            down.ack = seen.ack;
        }
        Segment { acknowledges: true, ..took(SegmentClass::Handshake, first) }
    }

    /// A SYN or SYN+ACK from the client after the server's SYN+ACK.
    fn syn_up_again(&mut self, seen: &TcpSeen, circumstances: Circumstances) -> Segment {
        let first = seen.seq.wrapping_add(1);
        let told = took(SegmentClass::Handshake, first);
        let [up, down] = &mut self.sides;
        if seen.flags.contains(Flags::ACK) {
            if first != down.ack || seen.ack != down.end {
                return self.refuse(Direction::Up, seen).odd(Anomaly::StreamThreeWaySynackToserverOnSynRecv);
            }
            // Both sides began, and the server's SYN was lost before us.
            up.flags.insert(SideFlags::FOUR_WAY.union(SideFlags::ACKED));
            up.ack = seen.ack;
            self.establish(circumstances);
            return Segment { acknowledges: true, ..told };
        }
        let same = first == down.ack || (up.is(SideFlags::FAST_OPEN) && low_byte(seen.seq) == up.isn);
        if same && up.is(SideFlags::MIDSTREAM) {
            // The SYN comes after its answer, by another way to us.
            let alternative = up.ack;
            up.begin(seen);
            up.ack = alternative;
            up.flags.remove(SideFlags::MIDSTREAM);
            let scaled = up.is(SideFlags::SCALES) && down.is(SideFlags::SCALES);
            up.agree(scaled);
            if !scaled {
                down.scale = 0;
            }
            return told;
        }
        if same {
            return told;
        }
        // Another connection between the same ends: a server that knows the one
        // before asks back, one that has forgotten it answers this one.
        up.end = first;
        told.odd(Anomaly::StreamThreeWaySynResendDiffSeqOnSynRecv)
    }

    /// Whether the server sent a SYN that was no answer.
    const fn is_four_way(&self) -> bool {
        let [up, _] = &self.sides;
        up.is(SideFlags::FOUR_WAY)
    }

    /// A SYN or SYN+ACK when both sides have sent a SYN.
    fn syn_in_four_way(
        &mut self,
        direction: Direction,
        seen: &TcpSeen,
        circumstances: Circumstances,
    ) -> Segment {
        let first = seen.seq.wrapping_add(1);
        let told = took(SegmentClass::Handshake, first);
        let ack = seen.flags.contains(Flags::ACK);
        let (sender, receiver) = self.pair(direction);
        let same = first == sender.end || low_byte(seen.seq) == sender.isn && sender.is(SideFlags::FAST_OPEN);
        if !ack {
            return if same { told } else { self.refuse(direction, seen) };
        }
        let acknowledged = seen.ack == receiver.end;
        let odd = match (same, acknowledged, direction) {
            (true, true, _) => {
                sender.ack = seen.ack;
                sender.flags.insert(SideFlags::ACKED);
                self.settle_four_way(circumstances);
                return Segment { acknowledges: true, ..told };
            }
            (_, false, Direction::Up) => Anomaly::StreamFourWaySynackWithWrongAck,
            (false, true, Direction::Up) => Anomaly::StreamFourWaySynackWithWrongSyn,
            (false, _, Direction::Down) => Anomaly::StreamFourWayWrongSeq,
            (true, false, Direction::Down) => Anomaly::StreamFourWayInvalidAck,
        };
        self.refuse(direction, seen).odd(odd)
    }

    /// Both sides have acknowledged each other's SYN, or one has yet to.
    fn settle_four_way(&mut self, circumstances: Circumstances) {
        let [up, down] = &mut self.sides;
        if up.is(SideFlags::ACKED) && down.is(SideFlags::ACKED) {
            agree(up, down);
            self.establish(circumstances);
        }
    }

    /// A SYN of a connection of which the answer was not seen.
    fn syn_late(&mut self, direction: Direction, seen: &TcpSeen, circumstances: Circumstances) -> Segment {
        let told = took(SegmentClass::Handshake, seen.seq.wrapping_add(1));
        let [up, down] = &mut self.sides;
        match (direction, seen.flags.contains(Flags::ACK)) {
            (Direction::Down, true) if up.is(SideFlags::SYN) => {
                // It comes after its acknowledgement, by another way to us.
                if !up.is(SideFlags::ACKED) || seen.seq.wrapping_add(1) != up.ack {
                    return self.refuse(direction, seen).odd(Anomaly::StreamThreeWaySynackWithWrongAck);
                }
                down.begin(seen);
                follow(up, down);
                self.establish(circumstances);
                Segment { acknowledges: true, ..told }
            }
            _ => told,
        }
    }

    /// A SYN within a connection: it changes nothing. One that came before passes,
    /// late or repeated; so does a client's new one, because the server that
    /// knows of no end asks back, and is told (RFC 5961 section 4).
    fn syn_within(&mut self, direction: Direction, seen: &TcpSeen) -> Segment {
        let [up, down] = &self.sides;
        let confirmed = down.is(SideFlags::CONFIRMED);
        let either = up.is(SideFlags::FOUR_WAY) || up.is(SideFlags::MIDSTREAM);
        let state = self.state;
        let (sender, receiver) = self.pair(direction);
        // Of a side whose beginning was not seen any number may be the first.
        let is_after_isn = |side: &Side, number: u32| {
            let known = side.is(SideFlags::SYN);
            !known || (low_byte(number.wrapping_sub(1)) == side.isn && distance(number, side.end) <= 0)
        };
        let same_seq = is_after_isn(sender, seen.seq.wrapping_add(1));
        let same_ack = is_after_isn(receiver, seen.ack);
        let told = took(SegmentClass::Handshake, sender.end);
        let refused = self.refuse(direction, seen);
        if !matches!(state, TcpState::Established) {
            return if same_seq { told } else { refused }.odd(Anomaly::StreamShutdownSynResend);
        }
        match (direction, seen.flags.contains(Flags::ACK)) {
            // A late one of a handshake from both sides, or of one where who is
            // the client is a guess.
            (_, true) if either && same_seq && same_ack => told,
            (Direction::Down, false) if same_seq => told,
            (Direction::Up, true) if same_seq && same_ack => told.odd(Anomaly::StreamEstSynackToserver),
            (Direction::Up, true) => refused.odd(Anomaly::StreamEstSynackToserver),
            (Direction::Down, true) if !same_ack => refused.odd(Anomaly::StreamEstSynackResendWithDiffAck),
            (Direction::Down, true) if !same_seq => refused.odd(Anomaly::StreamEstSynackResendWithDiffSeq),
            (Direction::Down, true) if confirmed => told.odd(Anomaly::StreamEstSynackResend),
            (Direction::Down, true) => told,
            (Direction::Down, false) => refused.odd(Anomaly::StreamEstSynToclient),
            (Direction::Up, false) if same_seq => told.odd(Anomaly::StreamEstSynResend),
            (Direction::Up, false) => told.odd(Anomaly::StreamEstSynResendDiffSeq),
        }
    }

    /// Neither SYN nor RST, before the server has answered.
    pub(super) fn before_answer(&mut self, direction: Direction, seen: &TcpSeen) -> Segment {
        let expected = self.expected(direction, seen);
        let ack = seen.flags.contains(Flags::ACK);
        match direction {
            // RFC 5961 section 4: a server that remembers a connection before
            // asks back. Nothing else of it is for this client.
            Direction::Down if seen.is_empty() && ack => took(SegmentClass::Ack, expected),
            Direction::Down => self.refuse(direction, seen),
            Direction::Up if !ack => self.refuse(direction, seen),
            Direction::Up if !(0..=EARLY_MAX).contains(&distance(seen.seq, expected)) => {
                self.refuse(direction, seen).odd(Anomaly::StreamThreeWayAsyncWrongSeq)
            }
            Direction::Up => {
                // The answer went by where we are not.
                let (up, down) = self.pair(direction);
                let scales = up.is(SideFlags::SCALES);
                up.agree(scales);
                if scales {
                    down.begin_unknown();
                }
                up.take(down, seen);
                self.state = TcpState::PickedUp;
                let class = if seen.is_empty() { SegmentClass::Ack } else { SegmentClass::Data };
                Segment { acknowledges: true, ..took(class, expected) }
            }
        }
    }

    /// Neither SYN nor RST, when the server has answered.
    pub(super) fn complete(
        &mut self,
        direction: Direction,
        seen: &TcpSeen,
        circumstances: Circumstances,
    ) -> Segment {
        if !seen.flags.contains(Flags::ACK) {
            return self.refuse(direction, seen);
        }
        match direction {
            _ if self.is_four_way() => self.complete_four_way(direction, seen, circumstances),
            Direction::Up => self.complete_up(seen, circumstances),
            Direction::Down => self.complete_down(seen, circumstances),
        }
    }

    /// The handshake is complete; without its SYN it is one only where a
    /// connection may be picked up.
    fn establish(&mut self, circumstances: Circumstances) {
        let [up, _] = &self.sides;
        let picked_up = up.is(SideFlags::MIDSTREAM) && !circumstances.midstream;
        self.state = if picked_up { TcpState::PickedUp } else { TcpState::Established };
        self.progress(circumstances);
    }

    /// The client's ACK, perhaps with data, or data that has overtaken it.
    fn complete_up(&mut self, seen: &TcpSeen, circumstances: Circumstances) -> Segment {
        let [up, down] = &mut self.sides;
        let begin = down.ack;
        let ahead = distance(seen.seq, begin);
        let after_payload = seen.seq.wrapping_add(seen.payload_len);
        let fits =
            ahead == 0 || (ahead > 0 && distance(after_payload, down.edge().wrapping_add(0xffff)) <= 0);
        let early = distance(down.end, up.ack);
        let is_early = (0..=EARLY_MAX).contains(&early);
        let answers = match distance(seen.ack, up.ack) {
            _ if seen.ack == down.end => true,
            0 => true,
            within => is_early && within > 0 && within <= early,
        };
        if !fits || !answers {
            let odd = if ahead == 0 {
                Anomaly::StreamThreeWayRightSeqWrongAckEvasion
            } else {
                Anomaly::StreamThreeWayWrongSeqWrongAck
            };
            return self.refuse(Direction::Up, seen).odd(odd);
        }
        if !is_early && seen.ack == up.ack {
            // The first of two SYN+ACKs with different numbers.
            down.end = up.ack;
            down.isn = low_byte(up.ack.wrapping_sub(1));
        }
        up.end = begin;
        up.flags.insert(SideFlags::HEARD);
        up.take(down, seen);
        self.establish(circumstances);
        let class = if seen.is_empty() { SegmentClass::Handshake } else { SegmentClass::Data };
        Segment { acknowledges: true, ..took(class, begin) }
    }

    /// The server sends before the client has acknowledged: with fast open it
    /// may; otherwise the acknowledgement has gone by where we are not.
    fn complete_down(&mut self, seen: &TcpSeen, circumstances: Circumstances) -> Segment {
        let [up, down] = &mut self.sides;
        let expected = down.end;
        let (ahead, ack_ahead) = (distance(seen.seq, down.end), distance(seen.ack, down.ack));
        let fast_open = up.is(SideFlags::FAST_OPEN);
        let reach = up.reach().max(0xffff).cast_signed();
        let fits = ahead >= -reach && ahead <= reach;
        let answers = ack_ahead >= 0 && ack_ahead <= down.reach().max(0xffff).cast_signed();
        if !fits || !answers {
            return self.refuse(Direction::Down, seen).odd(Anomaly::StreamThreeWayWrongSeqWrongAck);
        }
        let class = match distance(seen.end(), down.end) {
            _ if seen.is_empty() => SegmentClass::Ack,
            new if new > 0 => SegmentClass::Data,
            _ => SegmentClass::Retransmission,
        };
        let told = Segment { acknowledges: true, ..took(class, expected) };
        if fast_open && ack_ahead == 0 {
            down.take(up, seen);
            return told;
        }
        up.flags.insert(SideFlags::HEARD.union(SideFlags::ACKED));
        if ack_ahead > 0 {
            up.end = seen.ack;
        }
        down.take(up, seen);
        self.establish(circumstances);
        match (ahead, ack_ahead) {
            (0, 0) if seen.payload_len > 0 => told.odd(Anomaly::StreamThreeWayAckDataInject),
            (0, 0) => told.odd(Anomaly::StreamThreeWayAckInWrongDir),
            _ => told,
        }
    }

    /// An ACK when both sides have sent a SYN. Who has had the other's SYN+ACK
    /// may send data already.
    fn complete_four_way(
        &mut self,
        direction: Direction,
        seen: &TcpSeen,
        circumstances: Circumstances,
    ) -> Segment {
        let (sender, receiver) = self.pair(direction);
        let expected = sender.end;
        if !(0..=EARLY_MAX).contains(&distance(seen.seq, expected)) {
            return self.refuse(direction, seen).odd(Anomaly::StreamFourWayWrongSeq);
        }
        if !(0..=EARLY_MAX).contains(&distance(receiver.end, seen.ack)) {
            return self
                .refuse(direction, seen)
                .odd(Anomaly::StreamFourWayInvalidAck)
                .odd(Anomaly::StreamPktInvalidAck);
        }
        sender.take(receiver, seen);
        self.settle_four_way(circumstances);
        let class = if seen.is_empty() { SegmentClass::Handshake } else { SegmentClass::Data };
        Segment { acknowledges: true, ..took(class, expected) }
    }
}

/// What holds from now on is what both SYNs have told.
fn agree(up: &mut Side, down: &mut Side) {
    let scaled = up.is(SideFlags::SCALES) && down.is(SideFlags::SCALES);
    if up.is(SideFlags::SYN) {
        up.agree(scaled);
    }
    down.agree(scaled);
    if !(up.is(SideFlags::STAMPS) && down.is(SideFlags::STAMPS)) && up.is(SideFlags::SYN) {
        up.flags.remove(SideFlags::STAMPS);
        down.flags.remove(SideFlags::STAMPS);
    }
}

/// The server's SYN+ACK says what holds, after the client's side was agreed on.
fn follow(up: &mut Side, down: &mut Side) {
    let scaled = up.is(SideFlags::SCALES) && down.is(SideFlags::SCALES);
    down.agree(scaled);
    if !scaled && up.scale > 0 {
        // Its window was counted with a scale: what it was is not known any more.
        (up.scale, up.window_max) = (0, u16::MAX);
    }
    if !(up.is(SideFlags::STAMPS) && down.is(SideFlags::STAMPS)) {
        up.flags.remove(SideFlags::STAMPS);
        down.flags.remove(SideFlags::STAMPS);
    }
}
