//! How far a TCP connection has come, as its flags tell.
//!
//! This machine follows flags alone: sequence numbers are not checked, so a
//! forged RST closes a flow here before it does so at the endpoints. It is
//! written from the point of view of someone who stands between the two, may
//! have missed packets, and must not be talked into "established" by one side
//! alone: a flood of SYNs, ACKs, FINs or RSTs with no answers stays half-open.

use super::record::{Direction, FlowState};
use crate::wire::tcp::Flags;

/// The state of a TCP flow, finer than [`FlowState`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TcpState {
    /// The client sent a SYN.
    SynSent = 1,
    /// A SYN+ACK was seen, or SYNs from both sides.
    SynReceived = 2,
    /// The first packet was neither, and the other side has not been heard:
    /// the flow is older than our watch.
    PickedUp = 3,
    /// The handshake is complete, or both sides of a flow picked up were heard.
    Established = 4,
    /// One side sent a FIN.
    FinWait = 5,
    /// Both sides sent a FIN.
    Closing = 6,
    /// Both FINs are acknowledged.
    TimeWait = 7,
    /// A RST ended it after it was established.
    Closed = 8,
    /// A RST ended it before it was ever established.
    Refused = 9,
}

impl TcpState {
    /// The state after the first packet.
    #[must_use]
    pub const fn opened(flags: Flags) -> Self {
        if flags.contains(Flags::RST) {
            Self::Refused
        } else if flags.contains(Flags::SYN) {
            if flags.contains(Flags::ACK) { Self::SynReceived } else { Self::SynSent }
        } else {
            Self::PickedUp
        }
    }

    /// The state after a further packet.
    ///
    /// `seen` are the flags of all packets up and down, this one included;
    /// `heard` says whether both sides have been heard by now.
    #[must_use]
    pub fn after(self, flags: Flags, direction: Direction, seen: [Flags; 2], heard: Heard) -> Self {
        if flags.contains(Flags::RST) {
            return self.reset();
        }
        let opened = self.handshake(flags, direction, heard);
        if opened.is_half_open() {
            return opened;
        }
        let [up, down] = seen.map(|flags| flags.contains(Flags::FIN));
        match opened {
            Self::Established | Self::FinWait if up && down => Self::Closing,
            Self::Established if up || down => Self::FinWait,
            Self::Closing if flags.contains(Flags::ACK) && !flags.contains(Flags::FIN) => Self::TimeWait,
            _ => opened,
        }
    }

    /// The state after the handshake's part in a packet.
    fn handshake(self, flags: Flags, direction: Direction, heard: Heard) -> Self {
        let (syn, ack) = (flags.contains(Flags::SYN), flags.contains(Flags::ACK));
        match self {
            Self::SynSent if syn && direction == Direction::Down => Self::SynReceived,
            Self::SynReceived if ack && direction == Direction::Up => Self::Established,
            Self::PickedUp if heard == Heard::Both => Self::Established,
            _ => self,
        }
    }

    fn reset(self) -> Self {
        if self.is_half_open() { Self::Refused } else { Self::Closed }
    }

    /// Whether the handshake was never seen to complete.
    #[must_use]
    pub const fn is_half_open(self) -> bool {
        matches!(self, Self::SynSent | Self::SynReceived | Self::PickedUp | Self::Refused)
    }

    /// Whether a SYN now opens another connection between the same ports.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.flow_state() == FlowState::Closed
    }

    /// The state that is told of the flow.
    #[must_use]
    pub const fn flow_state(self) -> FlowState {
        match self {
            Self::SynSent | Self::SynReceived | Self::PickedUp => FlowState::New,
            Self::Established => FlowState::Established,
            Self::FinWait => FlowState::Closing,
            Self::Closing | Self::TimeWait | Self::Closed | Self::Refused => FlowState::Closed,
        }
    }

    /// The word for logs and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SynSent => "syn_sent",
            Self::SynReceived => "syn_received",
            Self::PickedUp => "picked_up",
            Self::Established => "established",
            Self::FinWait => "fin_wait",
            Self::Closing => "closing",
            Self::TimeWait => "time_wait",
            Self::Closed => "closed",
            Self::Refused => "refused",
        }
    }

    /// The state with this number, as kept in an atomic word.
    pub(super) const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            1 => Self::SynSent,
            2 => Self::SynReceived,
            3 => Self::PickedUp,
            4 => Self::Established,
            5 => Self::FinWait,
            6 => Self::Closing,
            7 => Self::TimeWait,
            8 => Self::Closed,
            9 => Self::Refused,
            _ => return None,
        })
    }
}

/// Which sides of a flow have been heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Only the one that sent the first packet.
    One,
    /// Both.
    Both,
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that goes out of bounds is to fail")]
mod tests {
    use super::*;
    use Direction::{Down, Up};

    const SYN: Flags = Flags::SYN;
    const ACK: Flags = Flags::ACK;
    const FIN_ACK: Flags = Flags::FIN.union(Flags::ACK);
    const SYN_ACK: Flags = Flags::SYN.union(Flags::ACK);
    const RST: Flags = Flags::RST;

    /// The states that a run of packets goes through.
    fn walk(packets: &[(Direction, Flags)]) -> Vec<TcpState> {
        let mut seen = [Flags::empty(); 2];
        let mut heard = [false; 2];
        let mut states: Vec<TcpState> = Vec::new();
        for &(direction, flags) in packets {
            seen[direction as usize] |= flags;
            heard[direction as usize] = true;
            let both = if heard == [true; 2] { Heard::Both } else { Heard::One };
            states.push(match states.last() {
                None => TcpState::opened(flags),
                Some(state) => state.after(flags, direction, seen, both),
            });
        }
        states
    }

    #[test]
    fn follows_a_connection_from_syn_to_time_wait() {
        use TcpState::{Closing, Established, FinWait, SynReceived, SynSent, TimeWait};
        let packets = [
            (Up, SYN),
            (Up, SYN),
            (Down, SYN_ACK),
            (Up, ACK),
            (Down, ACK),
            (Up, FIN_ACK),
            (Down, ACK),
            (Down, FIN_ACK),
            (Up, ACK),
            (Up, ACK),
        ];
        let states = [
            SynSent,
            SynSent,
            SynReceived,
            Established,
            Established,
            FinWait,
            FinWait,
            Closing,
            TimeWait,
            TimeWait,
        ];
        assert_eq!(walk(&packets), states);
    }

    #[test]
    fn a_simultaneous_open_is_established() {
        let states = walk(&[(Up, SYN), (Down, SYN), (Up, SYN_ACK), (Down, SYN_ACK)]);
        assert_eq!(states.last(), Some(&TcpState::Established));
    }

    #[test]
    fn a_fin_on_the_last_step_of_the_handshake_counts() {
        let states = walk(&[(Up, SYN), (Down, SYN_ACK), (Up, FIN_ACK)]);
        assert_eq!(states.last(), Some(&TcpState::FinWait));
    }

    #[test]
    fn one_side_alone_stays_half_open() {
        for flags in [SYN, ACK, FIN_ACK, RST, Flags::empty(), Flags::all()] {
            let states = walk(&[(Up, flags), (Up, ACK), (Up, FIN_ACK), (Up, ACK), (Up, RST)]);
            assert!(states.iter().all(|state| state.is_half_open()), "{flags:?}: {states:?}");
        }
    }

    #[test]
    fn a_challenge_ack_does_not_establish() {
        let states = walk(&[(Up, SYN), (Down, ACK)]);
        assert_eq!(states, [TcpState::SynSent, TcpState::SynSent]);
    }

    #[test]
    fn a_flow_picked_up_is_established_once_both_sides_are_heard() {
        let states = walk(&[(Up, ACK), (Down, ACK), (Down, FIN_ACK)]);
        assert_eq!(states, [TcpState::PickedUp, TcpState::Established, TcpState::FinWait]);
        // Its end may be all that is left to see.
        let states = walk(&[(Up, FIN_ACK), (Down, FIN_ACK), (Up, ACK)]);
        assert_eq!(states, [TcpState::PickedUp, TcpState::Closing, TcpState::TimeWait]);
    }

    #[test]
    fn a_reset_ends_every_state() {
        let established = [(Up, SYN), (Down, SYN_ACK), (Up, ACK), (Down, RST)];
        assert_eq!(walk(&established).last(), Some(&TcpState::Closed));
        let refused = [(Up, SYN), (Down, RST | ACK)];
        assert_eq!(walk(&refused).last(), Some(&TcpState::Refused));
        assert!(TcpState::Refused.is_over() && TcpState::Refused.is_half_open());
    }

    #[test]
    fn survives_its_number() {
        let states: Vec<TcpState> = (0..=u8::MAX).filter_map(TcpState::from_bits).collect();
        assert_eq!(states.len(), 9);
        for state in states {
            assert_eq!(TcpState::from_bits(state as u8), Some(state));
        }
    }
}
