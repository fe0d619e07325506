//! How long a flow may be silent, by protocol and state.

use std::time::Duration;

use super::key::{ICMP, TCP, UDP};
use super::record::FlowState;
use super::stage::TimeoutRow;
use crate::time::Timestamp;

/// Stands for every protocol without time-outs of its own (255 is reserved).
const OTHER: u8 = 255;

/// The time-outs of one kind of protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateTimeouts {
    /// Packets one way only; TCP: half-open.
    pub new: Duration,
    /// Packets both ways; TCP: the handshake is complete.
    pub established: Duration,
}

/// Idle time-outs. The defaults are those of Suricata, but for the end of
/// TCP, which Suricata keeps for 60 s after its close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP before and after the handshake.
    pub tcp: StateTimeouts,
    /// TCP with a FIN from one side: the other may go on sending. 120 s by
    /// default, as Linux has it for `FIN_WAIT`.
    pub tcp_closing: Duration,
    /// TCP after both FINs or a RST: long enough for the last ACKs.
    pub tcp_closed: Duration,
    /// UDP.
    pub udp: StateTimeouts,
    /// ICMP and `ICMPv6`.
    pub icmp: StateTimeouts,
    /// Every other protocol.
    pub other: StateTimeouts,
}

impl Default for Timeouts {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self {
            tcp: StateTimeouts { new: secs(60), established: secs(600) },
            tcp_closing: secs(120),
            tcp_closed: secs(10),
            udp: StateTimeouts { new: secs(30), established: secs(300) },
            icmp: StateTimeouts { new: secs(30), established: secs(300) },
            other: StateTimeouts { new: secs(30), established: secs(300) },
        }
    }
}

/// The time-outs as a table of nanoseconds, for every packet to look into.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdleMax {
    nanos: [u64; TimeoutRow::COUNT],
}

impl IdleMax {
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        let mut nanos = [0; TimeoutRow::COUNT];
        let rows = [(TCP, timeouts.tcp), (UDP, timeouts.udp), (ICMP, timeouts.icmp), (OTHER, timeouts.other)];
        for (protocol, by_state) in rows {
            let by_state = [
                (FlowState::New, by_state.new),
                (FlowState::Established, by_state.established),
                (FlowState::Closing, timeouts.tcp_closing),
                (FlowState::Closed, timeouts.tcp_closed),
            ];
            for (state, duration) in by_state {
                if let Some(place) = nanos.get_mut(TimeoutRow::of(protocol, state).number()) {
                    *place = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
                }
            }
        }
        Self { nanos }
    }

    /// When the time of a flow is up that was last seen at `last`.
    #[inline]
    pub(super) fn deadline(&self, last: Timestamp, row: TimeoutRow) -> Timestamp {
        let idle_max = self.nanos.get(row.number()).copied().unwrap_or_default();
        Timestamp::from_nanos(last.as_nanos().saturating_add(idle_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_and_state_has_its_own() {
        let secs = |new, established| StateTimeouts {
            new: Duration::from_secs(new),
            established: Duration::from_secs(established),
        };
        let timeouts = Timeouts {
            tcp: secs(1, 2),
            tcp_closing: Duration::from_secs(3),
            tcp_closed: Duration::from_secs(4),
            udp: secs(5, 6),
            icmp: secs(7, 8),
            other: secs(9, 10),
        };
        let idle_max = IdleMax::new(&timeouts);
        let of =
            |protocol, state| idle_max.deadline(Timestamp::ZERO, TimeoutRow::of(protocol, state)).as_secs();
        let read = [
            of(6, FlowState::New),
            of(6, FlowState::Established),
            of(6, FlowState::Closing),
            of(6, FlowState::Closed),
            of(17, FlowState::New),
            of(17, FlowState::Established),
            of(1, FlowState::New),
            of(58, FlowState::Established),
            of(47, FlowState::New),
            of(132, FlowState::Established),
        ];
        assert_eq!(read, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }
}
