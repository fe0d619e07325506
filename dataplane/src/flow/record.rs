//! What is told about a flow: the record behind EVE's `flow` events, `ctl
//! flows`, and the `flow.*` fields of rules.

use std::net::IpAddr;

use super::key::Within;
use super::tcp::TcpState;
use crate::app_proto::AppProto;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::packet::Vlans;
use crate::wire::tcp::Flags;
use crate::wire::tunnel::Tunnel;

/// Addresses, ports and protocol, from the client (who opened) to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FiveTuple {
    /// Who opened the flow.
    pub client: IpAddr,
    /// Who was spoken to.
    pub server: IpAddr,
    /// The client's port; ICMP: the type.
    pub client_port: u16,
    /// The server's port; ICMP: the code.
    pub server_port: u16,
    /// IP protocol number.
    pub protocol: u8,
}

/// Which way a packet goes in its flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Direction {
    /// From client to server.
    #[default]
    Up = 0,
    /// From server to client.
    Down = 1,
}

impl Direction {
    /// What of a pair, up and down, is for this way.
    ///
    /// A look into an array, not a branch: the directions of packets are as
    /// good as random.
    #[inline]
    pub fn of<T>(self, pair: &[T; 2]) -> &T {
        match pair.get(self as usize) {
            Some(one) => one,
            None => unreachable!("there are two directions"),
        }
    }

    /// The same, to change it.
    #[inline]
    pub fn of_mut<T>(self, pair: &mut [T; 2]) -> &mut T {
        match pair.get_mut(self as usize) {
            Some(one) => one,
            None => unreachable!("there are two directions"),
        }
    }

    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// How far a flow has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FlowState {
    /// Packets one way only; TCP: the handshake is not complete (half-open).
    #[default]
    New = 0,
    /// Packets both ways; TCP: the handshake is complete.
    Established = 1,
    /// TCP: a FIN was seen from one side, not yet from both.
    Closing = 2,
    /// TCP: both FINs, or a RST.
    Closed = 3,
}

impl FlowState {
    /// The word for logs and lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Established => "established",
            Self::Closing => "closing",
            Self::Closed => "closed",
        }
    }
}

/// Why a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Nothing came for as long as its state allows.
    Timeout,
    /// The table was full and this flow had to make room.
    Evicted,
    /// The gateway stops, or the capture has ended.
    Shutdown,
    /// The same five-tuple opened anew.
    Reused,
}

/// A flow as it stood at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowRecord {
    /// Unique in this process.
    pub id: u64,
    /// Who and where.
    pub tuple: FiveTuple,
    /// The VLAN tags of its packets, outermost first.
    pub vlans: Vlans,
    /// What it travels in; `None` where it travels plainly.
    pub within: Option<Within>,
    /// The security parameters index of ESP.
    pub spi: Option<u32>,
    /// Time of the first packet.
    pub start: Timestamp,
    /// Time of the last packet.
    pub last: Timestamp,
    /// Packets up and down.
    pub packets: [u64; 2],
    /// Bytes on the wire up and down, link header included.
    pub bytes: [u64; 2],
    /// TCP flags seen up and down, or-ed.
    pub tcp_flags: [Flags; 2],
    /// How far it came.
    pub state: FlowState,
    /// The same of a TCP connection, finer.
    pub tcp_state: Option<TcpState>,
    /// A TCP connection whose beginning was not seen.
    pub midstream: bool,
    /// The verdict that holds for all of it.
    pub verdict: Verdict,
    /// A rule raised an alert on it.
    pub alerted: bool,
    /// What client and server speak, by their first bytes; `None` where there
    /// were none to look at.
    pub app_protos: [Option<AppProto>; 2],
    /// What both spoke before they changed to that; `None` where they did not.
    pub app_proto_orig: Option<AppProto>,
}

/// What carries a flow: the header around the innermost tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outer {
    /// What kind of tunnel.
    pub kind: Tunnel,
    /// Source of the outer packet that opened the flow.
    pub src: IpAddr,
    /// Its destination.
    pub dst: IpAddr,
    /// Its ports, where the tunnel is carried by UDP.
    pub ports: Option<(u16, u16)>,
    /// Number of the tunnel's network (24 bits), 0 where there is none.
    pub network: u32,
    /// Id of the flow that the outer packets are, where they are one.
    pub parent: Option<u64>,
}
