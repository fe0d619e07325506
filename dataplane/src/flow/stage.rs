//! How far a flow has come, in one word: its time-out, the TCP flags seen, and
//! its progress.
//!
//! One word, so that a reader never sees flags of one moment beside the state
//! of another, and so that a packet that changes nothing writes nothing.

use super::key::{ICMP, ICMP6, TCP, UDP};
use super::record::{Direction, FlowState};
use super::tcp_state::{Heard, TcpState};
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
    /// The stage after the first packet; `flags` are absent where the packet
    /// shows no TCP header.
    pub(super) fn opened(direction: Direction, flags: Option<Flags>) -> Self {
        let Some(flags) = flags else {
            return Self { progress: Progress::OneWay, flags: [Flags::empty(); 2] };
        };
        let seen = match direction {
            Direction::Up => [flags, Flags::empty()],
            Direction::Down => [Flags::empty(), flags],
        };
        Self { progress: Progress::Tcp(TcpState::opened(flags)), flags: seen }
    }

    /// The stage after a further packet.
    #[inline]
    pub(super) fn after(self, direction: Direction, flags: Option<Flags>, heard: Heard) -> Self {
        match (self.progress, flags) {
            (Progress::Tcp(state), Some(flags)) => {
                let [up, down] = self.flags;
                let seen = match direction {
                    Direction::Up => [up | flags, down],
                    Direction::Down => [up, down | flags],
                };
                Self { progress: Progress::Tcp(state.after(flags, direction, seen, heard)), flags: seen }
            }
            (Progress::OneWay, _) if heard == Heard::Both => Self { progress: Progress::BothWays, ..self },
            _ => self,
        }
    }

    pub(super) const fn state(self) -> FlowState {
        match self.progress {
            Progress::OneWay => FlowState::New,
            Progress::BothWays => FlowState::Established,
            Progress::Tcp(state) => state.flow_state(),
        }
    }

    /// Whether a packet with these flags opens another flow under this key.
    pub(super) fn reopened_by(self, flags: Option<Flags>) -> bool {
        let Progress::Tcp(state) = self.progress else { return false };
        let opens =
            flags.is_some_and(|flags| flags.intersection(Flags::SYN | Flags::ACK | Flags::RST) == Flags::SYN);
        opens && state.is_over()
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

/// Whether a packet changes nothing but counts: the flow is established, and the
/// packet carries no SYN, FIN or RST and no flag that its side has not shown.
#[inline]
pub(super) fn is_settled(bits: u32, direction: Direction, flags: Option<Flags>) -> bool {
    const CHANGING: u8 = Flags::SYN.bits() | Flags::FIN.bits() | Flags::RST.bits();
    let [_, up, down, progress] = bits.to_be_bytes();
    let seen = *direction.of(&[up, down]);
    match flags {
        Some(flags) => progress == TcpState::Established as u8 && flags.bits() & (CHANGING | !seen) == 0,
        None => progress == BOTH_WAYS,
    }
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

    /// Against the whole of [`Stage::after`], for every state and every flag.
    #[test]
    fn what_is_settled_stays_as_it_is() {
        let mut settled = 0;
        for bits in 0..=u32::from(u16::MAX) {
            let [_, _, seen, flags] = bits.to_be_bytes().map(Flags::from_bits_retain);
            for state in (0..=u8::MAX).filter_map(TcpState::from_bits) {
                if state == TcpState::Established && seen.contains(Flags::FIN) {
                    continue; // One FIN is enough to leave that state.
                }
                let progress = Progress::Tcp(state);
                let stage = Stage { progress, flags: [Flags::ACK, seen] };
                let after = stage.after(Direction::Down, Some(flags), Heard::Both);
                if is_settled(stage.bits(TCP), Direction::Down, Some(flags)) {
                    assert_eq!(after, stage);
                    assert!(!stage.reopened_by(Some(flags)));
                    settled += 1;
                }
            }
        }
        assert!(settled > 0);
        let answered = Stage { progress: Progress::BothWays, flags: [Flags::empty(); 2] };
        assert!(is_settled(answered.bits(UDP), Direction::Up, None));
        let opened = Stage::opened(Direction::Up, None);
        assert!(!is_settled(opened.bits(UDP), Direction::Up, None));
    }

    #[test]
    fn without_tcp_an_answer_establishes() {
        let opened = Stage::opened(Direction::Up, None);
        assert_eq!((opened.state(), opened.class()), (FlowState::New, Class::Unreplied));
        assert_eq!(opened.after(Direction::Up, None, Heard::One), opened);
        let answered = opened.after(Direction::Down, None, Heard::Both);
        assert_eq!((answered.state(), answered.class()), (FlowState::Established, Class::Established));
        assert_eq!(answered.after(Direction::Up, None, Heard::Both), answered);
    }

    #[test]
    fn a_closed_flow_is_a_half_open_victim_unless_it_was_established() {
        let class = |state| Stage { progress: Progress::Tcp(state), flags: [Flags::empty(); 2] }.class();
        assert_eq!(class(TcpState::Refused), Class::HalfOpen);
        assert_eq!(class(TcpState::Closed), Class::Closed);
        assert_eq!(class(TcpState::FinWait), Class::Closed);
    }

    #[test]
    fn only_a_bare_syn_reopens_and_only_what_is_over() {
        let stage = |state| Stage { progress: Progress::Tcp(state), flags: [Flags::empty(); 2] };
        for state in (0..=u8::MAX).filter_map(TcpState::from_bits) {
            assert_eq!(stage(state).reopened_by(Some(Flags::SYN | Flags::ECE)), state.is_over());
            assert!(!stage(state).reopened_by(Some(Flags::SYN | Flags::ACK)));
            assert!(!stage(state).reopened_by(Some(Flags::SYN | Flags::RST)));
            assert!(!stage(state).reopened_by(None));
        }
        assert!(!Stage::opened(Direction::Up, None).reopened_by(Some(Flags::SYN)));
    }
}
