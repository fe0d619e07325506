//! How far a flow has come, in one word: its time-out, the TCP flags seen, and
//! its progress.
//!
//! One word, so that a reader never sees flags of one moment beside the state
//! of another, and so that a packet that changes nothing writes nothing.

use super::key::{ICMP, ICMP6, TCP, UDP};
use super::record::{Direction, FlowState};
use super::tcp::TcpState;
use crate::wire::tcp::Flags;

/// How far a flow has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Not TCP, and no answer yet.
    OneWay,
    /// Not TCP, heard from both sides.
    BothWays,
    /// TCP.
    Tcp(TcpState),
}

/// Progress, and the TCP flags seen up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) progress: Progress,
    pub(super) flags: [Flags; 2],
}

/// [`Progress::BothWays`] in the packed word; TCP's states are below.
const BOTH_WAYS: u8 = 0xff;

impl Stage {
    /// The stage of a flow that is not TCP after its first packet.
    pub(super) const fn opened() -> Self {
        Self { progress: Progress::OneWay, flags: [Flags::empty(); 2] }
    }

    /// The stage with the flags of one more segment.
    pub(super) fn with_flags(self, direction: Direction, flags: Flags) -> Self {
        let [up, down] = self.flags;
        let flags = match direction {
            Direction::Up => [up | flags, down],
            Direction::Down => [up, down | flags],
        };
        Self { flags, ..self }
    }

    /// How far a TCP connection has come.
    pub(super) const fn tcp_state(self) -> Option<TcpState> {
        match self.progress {
            Progress::Tcp(state) => Some(state),
            Progress::OneWay | Progress::BothWays => None,
        }
    }

    pub(super) const fn state(self) -> FlowState {
        match self.progress {
            Progress::OneWay => FlowState::New,
            Progress::BothWays => FlowState::Established,
            Progress::Tcp(state) => state.flow_state(),
        }
    }

    pub(super) const fn class(self) -> Class {
        match self.progress {
            Progress::OneWay => Class::Unreplied,
            Progress::BothWays | Progress::Tcp(TcpState::Established) => Class::Established,
            Progress::Tcp(state) if state.is_half_open() => Class::HalfOpen,
            Progress::Tcp(_) => Class::Closed,
        }
    }

    /// The packed word of a flow of this protocol.
    pub(super) const fn bits(self, protocol: u8) -> u32 {
        let progress = match self.progress {
            Progress::OneWay => 0,
            Progress::BothWays => BOTH_WAYS,
            Progress::Tcp(state) => state as u8,
        };
        let [up, down] = self.flags;
        let row = TimeoutRow::of(protocol, self.state());
        u32::from_be_bytes([row.0, up.bits(), down.bits(), progress])
    }

    #[inline]
    pub(super) const fn from_bits(bits: u32) -> Self {
        let [_, up, down, progress] = bits.to_be_bytes();
        let progress = match TcpState::from_bits(progress) {
            Some(state) => Progress::Tcp(state),
            None if progress == BOTH_WAYS => Progress::BothWays,
            None => Progress::OneWay,
        };
        Self { progress, flags: [Flags::from_bits_retain(up), Flags::from_bits_retain(down)] }
    }
}

/// Whether a packet that is not TCP changes nothing but counts: the flow is
/// established.
#[inline]
pub(super) const fn is_settled(bits: u32) -> bool {
    let [.., progress] = bits.to_be_bytes();
    progress == BOTH_WAYS
}

/// Whether a TCP segment changes nothing of the stage as long as it is within
/// the window: the connection is established, and the segment carries ACK, no
/// SYN, FIN or RST, and no flag that its side has not shown.
#[inline]
pub(super) fn is_tcp_settled(bits: u32, direction: Direction, flags: Flags) -> bool {
    const CHANGING: u8 = Flags::SYN.bits() | Flags::FIN.bits() | Flags::RST.bits();
    let [_, up, down, progress] = bits.to_be_bytes();
    let seen = *direction.of(&[up, down]);
    progress == TcpState::Established as u8
        && flags.bits() & (CHANGING | !seen) == 0
        && flags.contains(Flags::ACK)
}

/// Which time-out holds for a flow: protocol class and state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeoutRow(u8);

impl TimeoutRow {
    /// How many there are.
    pub(super) const COUNT: usize = 16;

    pub(super) const fn of(protocol: u8, state: FlowState) -> Self {
        Self((ProtocolClass::of(protocol) as u8) << 2 | state as u8)
    }

    /// The row in a packed word.
    #[inline]
    pub(super) const fn from_bits(bits: u32) -> Self {
        let [row, ..] = bits.to_be_bytes();
        Self(row)
    }

    #[inline]
    pub(super) const fn number(self) -> usize {
        self.0 as usize % Self::COUNT
    }
}

/// What kind of victim a flow is when the table is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    /// TCP whose handshake was never seen to complete.
    HalfOpen,
    /// Any other protocol, heard from one side only.
    Unreplied,
    /// TCP that was established and is closing or closed.
    Closed,
    /// Established.
    Established,
}

/// What kind of protocol a flow has, where time-outs and counters differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ProtocolClass {
    Tcp,
    Udp,
    Icmp,
    Other,
}

impl ProtocolClass {
    pub(super) const fn of(protocol: u8) -> Self {
        match protocol {
            TCP => Self::Tcp,
            UDP => Self::Udp,
            ICMP | ICMP6 => Self::Icmp,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_its_word() {
        let mut progresses = vec![Progress::OneWay, Progress::BothWays];
        progresses.extend((0..=u8::MAX).filter_map(TcpState::from_bits).map(Progress::Tcp));
        for progress in progresses {
            let stage = Stage { progress, flags: [Flags::SYN | Flags::CWR, Flags::FIN] };
            assert_eq!(Stage::from_bits(stage.bits(UDP)), stage);
            assert_eq!(TimeoutRow::from_bits(stage.bits(UDP)), TimeoutRow::of(UDP, stage.state()));
        }
    }

    #[test]
    fn what_is_settled_is_established_and_shows_nothing_new() {
        let stage = |state, seen| Stage { progress: Progress::Tcp(state), flags: [Flags::ACK, seen] };
        for state in (0..=u8::MAX).filter_map(TcpState::from_bits) {
            for [seen, flags] in (0..=u16::MAX).map(|bits| bits.to_be_bytes().map(Flags::from_bits_retain)) {
                let stage = stage(state, seen);
                if is_tcp_settled(stage.bits(TCP), Direction::Down, flags) {
                    assert_eq!(
                        (state, stage.with_flags(Direction::Down, flags)),
                        (TcpState::Established, stage)
                    );
                    assert!(!flags.intersects(Flags::SYN | Flags::FIN | Flags::RST));
                    assert!(flags.contains(Flags::ACK));
                }
            }
        }
        let established = stage(TcpState::Established, Flags::ACK).bits(TCP);
        assert!(is_tcp_settled(established, Direction::Down, Flags::ACK));
        assert!(!is_settled(established));
        assert!(is_settled(Stage { progress: Progress::BothWays, ..Stage::opened() }.bits(UDP)));
        assert!(!is_settled(Stage::opened().bits(UDP)));
    }

    #[test]
    fn without_tcp_an_answer_establishes() {
        let opened = Stage::opened();
        assert_eq!((opened.state(), opened.class()), (FlowState::New, Class::Unreplied));
        let answered = Stage { progress: Progress::BothWays, ..opened };
        assert_eq!((answered.state(), answered.class()), (FlowState::Established, Class::Established));
    }

    #[test]
    fn a_closed_flow_is_a_half_open_victim_unless_it_was_established() {
        let class = |state| Stage { progress: Progress::Tcp(state), flags: [Flags::empty(); 2] }.class();
        assert_eq!(class(TcpState::Refused), Class::HalfOpen);
        assert_eq!(class(TcpState::Closed), Class::Closed);
        assert_eq!(class(TcpState::FinWait1), Class::Closed);
    }
}
