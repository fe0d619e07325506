//! Under which name an oddity of a connection is told: Suricata has one for each
//! state.

use super::segment::TcpSeen;
use super::state::TcpState;
use super::window::Fault;
use crate::anomaly::Anomaly;
use crate::wire::tcp::Flags;

/// The name of a segment's fault in a connection that has come so far.
pub(super) fn of_fault(state: TcpState, fault: Fault, seen: &TcpSeen) -> Option<Anomaly> {
    match fault {
        Fault::Timestamp => Some(Anomaly::StreamPktInvalidTimestamp),
        Fault::Ack => of_ack(state, seen),
        Fault::Before | Fault::Beyond => of_seq(state, fault, seen),
    }
}

fn of_ack(state: TcpState, seen: &TcpSeen) -> Option<Anomaly> {
    let fin = seen.flags.contains(Flags::FIN);
    Some(match state {
        TcpState::Established | TcpState::PickedUp if fin => Anomaly::StreamFinInvalidAck,
        TcpState::Established | TcpState::PickedUp => Anomaly::StreamEstInvalidAck,
        TcpState::FinWait1 => Anomaly::StreamFin1InvalidAck,
        TcpState::FinWait2 => Anomaly::StreamFin2InvalidAck,
        TcpState::CloseWait => Anomaly::StreamClosewaitInvalidAck,
        TcpState::LastAck => Anomaly::StreamLastackInvalidAck,
        TcpState::Closing => Anomaly::StreamClosingInvalidAck,
        TcpState::TimeWait => Anomaly::StreamTimewaitInvalidAck,
        TcpState::SynSent | TcpState::SynReceived | TcpState::Closed | TcpState::Refused => return None,
    })
}

fn of_seq(state: TcpState, fault: Fault, seen: &TcpSeen) -> Option<Anomaly> {
    let fin = seen.flags.contains(Flags::FIN);
    Some(match (state, fault) {
        (TcpState::Established | TcpState::PickedUp, _) if fin => Anomaly::StreamFinOutOfWindow,
        (TcpState::Established | TcpState::PickedUp, Fault::Before) => Anomaly::StreamEstPktBeforeLastAck,
        (TcpState::Established | TcpState::PickedUp, _) => Anomaly::StreamEstPacketOutOfWindow,
        (TcpState::FinWait1, _) if fin => Anomaly::StreamFin1FinWrongSeq,
        (TcpState::FinWait1, _) => Anomaly::StreamFin1AckWrongSeq,
        (TcpState::FinWait2, _) if fin => Anomaly::StreamFin2FinWrongSeq,
        (TcpState::FinWait2, _) => Anomaly::StreamFin2AckWrongSeq,
        (TcpState::CloseWait, _) if fin => Anomaly::StreamClosewaitFinOutOfWindow,
        (TcpState::CloseWait, Fault::Before) => Anomaly::StreamClosewaitPktBeforeLastAck,
        (TcpState::CloseWait, _) => Anomaly::StreamClosewaitAckOutOfWindow,
        (TcpState::LastAck, _) => Anomaly::StreamLastackAckWrongSeq,
        (TcpState::Closing, _) => Anomaly::StreamClosingAckWrongSeq,
        (TcpState::TimeWait, _) => Anomaly::StreamTimewaitAckWrongSeq,
        (TcpState::SynSent | TcpState::SynReceived | TcpState::Closed | TcpState::Refused, _) => return None,
    })
}
