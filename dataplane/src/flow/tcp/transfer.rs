//! Segments of a connection that is open, or closing: neither SYN nor RST.

use super::connection::{Circumstances, Connection, took};
use super::names;
use super::segment::{Segment, SegmentClass, TcpSeen};
use super::side::{Side, SideFlags, distance};
use super::state::TcpState;
use super::window::{self, Fault, Fit};
use crate::anomaly::Anomaly;
use crate::flow::record::Direction;
use crate::wire::tcp::Flags;

impl Connection {
    /// Takes a segment, or refuses it.
    pub(super) fn transfer(
        &mut self,
        direction: Direction,
        seen: &TcpSeen,
        circumstances: Circumstances,
    ) -> Segment {
        let (state, expected) = (self.state, self.expected(direction, seen));
        // RFC 9293 section 3.10.7.4: without ACK it is dropped.
        if !seen.flags.contains(Flags::ACK) {
            return self.refuse(direction, seen);
        }
        let (sender, receiver) = self.pair(direction);
        if window::is_bad_window_update(sender, receiver, seen) {
            return self.refuse(direction, seen).odd(Anomaly::StreamPktBadWindowUpdate);
        }
        let fit = match window::check(sender, receiver, seen, circumstances.stale) {
            Ok(_) if is_fin_amid(sender, seen) => return self.fault(direction, seen, Fault::Beyond),
            Ok(fit) => fit,
            Err(fault) => return self.fault(direction, seen, fault),
        };
        let class = classify(sender, receiver, seen, fit);
        let mut segment = Segment { acknowledges: true, ..took(class, expected) };
        if fit.probed {
            segment = segment.odd(Anomaly::StreamEstAckZwpData);
        }
        if window::is_outdated(sender, seen) {
            segment = segment.odd(Anomaly::StreamPktInvalidTimestamp);
        }
        segment = tell_of_repetition(segment, state, sender, receiver, seen);
        apply(sender, receiver, seen, fit, class);
        if direction == Direction::Down {
            sender.flags.insert(SideFlags::CONFIRMED);
        }
        if state == TcpState::Closed {
            return self.reconsider_reset(direction, seen, segment, circumstances);
        }
        self.progress(circumstances);
        segment
    }

    fn fault(&mut self, direction: Direction, seen: &TcpSeen, fault: Fault) -> Segment {
        let state = self.state;
        let mut segment = self.refuse(direction, seen);
        if let Some(name) = names::of_fault(state, fault, seen) {
            segment = segment.odd(name);
            if fault == Fault::Ack {
                segment = segment.odd(Anomaly::StreamPktInvalidAck);
            }
        }
        segment
    }

    /// Who sends more from where its RST left off has not sent that RST: the
    /// connection goes on as well. Bytes alone tell: an ACK may have been
    /// overtaken by the RST.
    fn reconsider_reset(
        &mut self,
        direction: Direction,
        seen: &TcpSeen,
        segment: Segment,
        circumstances: Circumstances,
    ) -> Segment {
        let (sender, _) = self.pair(direction);
        if !sender.is(SideFlags::RESET) || segment.class != SegmentClass::Data || seen.seq != segment.expected
        {
            return segment;
        }
        sender.flags.remove(SideFlags::RESET);
        self.state = TcpState::Established;
        self.progress(circumstances);
        segment.odd(Anomaly::StreamSuspectedRstInject)
    }
}

/// Whether it has a FIN where bytes were sent before: one of the two is not the
/// sender's. Of a side that was picked up the first segment seen may have come
/// after its FIN.
fn is_fin_amid(sender: &Side, seen: &TcpSeen) -> bool {
    seen.flags.contains(Flags::FIN)
        && sender.is(SideFlags::HEARD)
        && match distance(seen.end(), sender.end) {
            0 => !sender.is(SideFlags::FIN) && sender.is(SideFlags::SYN),
            ahead => ahead < 0,
        }
}

fn classify(sender: &Side, receiver: &Side, seen: &TcpSeen, fit: Fit) -> SegmentClass {
    let heard = sender.is(SideFlags::HEARD);
    let fin = seen.flags.contains(Flags::FIN);
    let acknowledged = receiver.is(SideFlags::ACKED) && receiver.ack == sender.end;
    if fit.probe {
        return SegmentClass::WindowProbe;
    }
    // RFC 1122 section 4.2.3.6: no byte, or one garbage byte for old receivers.
    let before_next = heard && !fin && seen.seq == sender.end.wrapping_sub(1);
    if before_next && (seen.payload_len == 0 || (seen.payload_len == 1 && acknowledged)) {
        return SegmentClass::KeepAlive;
    }
    if seen.is_empty() {
        SegmentClass::Ack
    } else if heard && distance(seen.end(), sender.end) <= 0 {
        SegmentClass::Retransmission
    } else if heard && distance(seen.seq, sender.end) < 0 {
        SegmentClass::PartialRetransmission
    } else {
        SegmentClass::Data
    }
}

/// Says that bytes came before, where Suricata does: those that were
/// acknowledged always, others once the connection is closing.
fn tell_of_repetition(
    segment: Segment,
    state: TcpState,
    sender: &Side,
    receiver: &Side,
    seen: &TcpSeen,
) -> Segment {
    let bounded = receiver.is(SideFlags::ACKED) && sender.is(SideFlags::HEARD);
    let end = seen.seq.wrapping_add(seen.payload_len);
    if !bounded || segment.class == SegmentClass::KeepAlive {
        return segment;
    }
    if seen.payload_len == 0 {
        let late = state == TcpState::Established
            && distance(end, receiver.ack) < 0
            && !seen.flags.contains(Flags::FIN);
        return if late { segment.odd(Anomaly::StreamEstPktBeforeLastAck) } else { segment };
    }
    let mut segment = segment;
    if distance(end, receiver.ack) <= 0 {
        segment = segment.odd(Anomaly::StreamPktSpuriousRetransmission);
    }
    let closing = !matches!(state, TcpState::PickedUp | TcpState::Established);
    if closing && distance(end, sender.end) <= 0 {
        segment = segment.odd(Anomaly::StreamPktRetransmission);
    }
    segment
}

fn apply(sender: &mut Side, receiver: &mut Side, seen: &TcpSeen, fit: Fit, class: SegmentClass) {
    if fit.probed {
        // The byte of the probe was taken after all.
        receiver.end = seen.ack;
    }
    receiver.flags.remove(SideFlags::PROBED);
    sender.flags.set(SideFlags::PROBED, class == SegmentClass::WindowProbe);
    if class == SegmentClass::WindowProbe {
        // Its byte counts once it is acknowledged.
        sender.take(receiver, &TcpSeen { payload_len: 0, ..*seen });
    } else {
        sender.take(receiver, seen);
    }
}
