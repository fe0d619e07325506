//! How far a TCP connection has come.

use crate::flow::record::FlowState;

/// The state of a TCP flow, finer than [`FlowState`].
///
/// Seen from the middle there are two ends with a state each; what is kept is
/// the server's, as Suricata has it. So the names tell who closed first: after
/// the client's FIN the server waits for its own side to close
/// ([`Self::CloseWait`], [`Self::LastAck`]); after its own FIN it is in
/// [`Self::FinWait1`] and on.
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
    /// The server sent a FIN.
    FinWait1 = 5,
    /// The server's FIN is acknowledged; the client may go on sending.
    FinWait2 = 6,
    /// The client sent a FIN; the server may go on sending.
    CloseWait = 7,
    /// The client sent a FIN, and then the server.
    LastAck = 8,
    /// The server sent a FIN, and the client one before it acknowledged that.
    Closing = 9,
    /// The server sent a FIN, and then the client, and the server's is
    /// acknowledged.
    TimeWait = 10,
    /// Both FINs are acknowledged, or a RST ended it after it was established.
    Closed = 11,
    /// A RST ended it before it was ever established.
    Refused = 12,
}

impl TcpState {
    /// Whether the handshake was never seen to complete.
    #[must_use]
    pub const fn is_half_open(self) -> bool {
        matches!(self, Self::SynSent | Self::SynReceived | Self::PickedUp | Self::Refused)
    }

    /// Whether a SYN now opens another connection between the same ports.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self.flow_state(), FlowState::Closed)
    }

    /// The state that is told of the flow.
    #[must_use]
    pub const fn flow_state(self) -> FlowState {
        match self {
            Self::SynSent | Self::SynReceived | Self::PickedUp => FlowState::New,
            Self::Established => FlowState::Established,
            Self::FinWait1 | Self::FinWait2 | Self::CloseWait => FlowState::Closing,
            Self::LastAck | Self::Closing | Self::TimeWait | Self::Closed | Self::Refused => {
                FlowState::Closed
            }
        }
    }

    /// The word for logs and events: Suricata's, which has none for a flow that
    /// was picked up and one that was refused.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SynSent => "syn_sent",
            Self::SynReceived => "syn_recv",
            Self::PickedUp => "none",
            Self::Established => "established",
            Self::FinWait1 => "fin_wait1",
            Self::FinWait2 => "fin_wait2",
            Self::CloseWait => "close_wait",
            Self::LastAck => "last_ack",
            Self::Closing => "closing",
            Self::TimeWait => "time_wait",
            Self::Closed | Self::Refused => "closed",
        }
    }

    /// The state with this number, as kept in an atomic word.
    pub(in crate::flow) const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            1 => Self::SynSent,
            2 => Self::SynReceived,
            3 => Self::PickedUp,
            4 => Self::Established,
            5 => Self::FinWait1,
            6 => Self::FinWait2,
            7 => Self::CloseWait,
            8 => Self::LastAck,
            9 => Self::Closing,
            10 => Self::TimeWait,
            11 => Self::Closed,
            12 => Self::Refused,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TcpState::{Closed, Closing, LastAck, Refused, TimeWait};

    #[test]
    fn survives_its_number() {
        let states: Vec<TcpState> = (0..=u8::MAX).filter_map(TcpState::from_bits).collect();
        assert_eq!(states.len(), 12);
        for state in states {
            assert_eq!(TcpState::from_bits(state as u8), Some(state));
        }
    }

    #[test]
    fn only_what_is_closed_makes_room_for_another() {
        let over: Vec<TcpState> =
            (0..=u8::MAX).filter_map(TcpState::from_bits).filter(|state| state.is_over()).collect();
        assert_eq!(over, [LastAck, Closing, TimeWait, Closed, Refused]);
        assert!(Refused.is_half_open() && !Closed.is_half_open());
    }
}
