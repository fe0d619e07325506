//! What the tracking of a connection is told of a segment, and what it says.

use crate::anomaly::Anomaly;
use crate::wire::Packet;
use crate::wire::packet::{Net, Tcp};
use crate::wire::tcp::{Flags, HEADER_LEN, TcpOption};

/// What the tracking is told of a TCP segment. Numbers in host byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpSeen {
    /// Sequence number of the first byte, or of the SYN.
    pub seq: u32,
    /// Acknowledgement number; means nothing without [`Flags::ACK`].
    pub ack: u32,
    /// Window, not scaled.
    pub window: u16,
    /// Flags.
    pub flags: Flags,
    /// Bytes of payload on the wire, also where the capture has cut them.
    pub payload_len: u32,
    /// Options.
    pub options: TcpSeenOptions,
}

/// The options that tracking looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpSeenOptions {
    /// The sender's clock (RFC 7323).
    pub timestamp: Option<u32>,
    /// The shift of the sender's window, as sent (RFC 7323); SYNs only.
    pub window_scale: Option<u8>,
}

impl TcpSeen {
    /// What there is to tell of a segment in `bytes`, a frame of which there
    /// were `wire_len` bytes on the wire.
    #[inline]
    pub fn of(packet: &Packet, header: &Tcp, bytes: &[u8], wire_len: u32) -> Self {
        let cut = bytes.len() < wire_len as usize;
        let payload_len = if cut { whole_payload(packet, header) } else { packet.payload_len };
        let options = if usize::from(header.header_len) > HEADER_LEN {
            TcpSeenOptions::of(packet, header, bytes)
        } else {
            TcpSeenOptions::default()
        };
        Self {
            seq: header.seq,
            ack: header.ack,
            window: header.window,
            flags: header.flags,
            payload_len,
            options,
        }
    }

    /// How much room it takes in the sequence: payload, SYN and FIN.
    #[inline]
    pub const fn len(&self) -> u32 {
        let flags = self.flags.bits();
        let (syn, fin) = (flags >> 1 & 1, flags & 1);
        self.payload_len.wrapping_add(syn as u32 + fin as u32)
    }

    /// Whether it takes no room in the sequence.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sequence number after it.
    #[inline]
    pub const fn end(&self) -> u32 {
        self.seq.wrapping_add(self.len())
    }
}

/// Payload bytes as the IP header counts them, for a frame that is not all here.
#[cold]
fn whole_payload(packet: &Packet, header: &Tcp) -> u32 {
    let from_net = match packet.net {
        Net::V4(ip) => u32::from(ip.total_len),
        Net::V6(ip) if ip.payload_len > 0 => u32::from(ip.payload_len) + 40,
        Net::V6(_) | Net::None | Net::Arp(_) => 0,
    };
    let headers = packet.transport_at - packet.net_at + u32::from(header.header_len);
    from_net.saturating_sub(headers).max(packet.payload_len)
}

impl TcpSeenOptions {
    /// The options of a segment that has some.
    #[inline]
    fn of(packet: &Packet, header: &Tcp, bytes: &[u8]) -> Self {
        let at = packet.transport_at as usize + HEADER_LEN;
        // What an established connection sends: two bytes of padding and its
        // time stamps (RFC 7323 appendix A).
        if header.header_len == 32
            && let Some(&[1, 1, 8, 10, v0, v1, v2, v3, ..]) =
                bytes.get(at..).and_then(<[u8]>::first_chunk::<12>)
        {
            return Self { timestamp: Some(u32::from_be_bytes([v0, v1, v2, v3])), ..Self::default() };
        }
        Self::walk(packet, bytes)
    }

    /// The options in any other order. One with a length that is not its own is
    /// no option; what comes after one that runs out of the header is none.
    #[inline(never)]
    fn walk(packet: &Packet, bytes: &[u8]) -> Self {
        let mut seen = Self::default();
        for option in packet.tcp_options(bytes).flatten() {
            match option {
                TcpOption::Timestamps { value, .. } => seen.timestamp = Some(value),
                TcpOption::WindowScale(shift) => seen.window_scale = Some(shift),
                TcpOption::NoOperation
                | TcpOption::MaximumSegmentSize(_)
                | TcpOption::SackPermitted
                | TcpOption::Sack(_)
                | TcpOption::Other(_) => {}
            }
        }
        seen
    }
}

/// What a segment is to its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SegmentClass {
    /// SYN, SYN+ACK, or the ACK that completes the handshake.
    Handshake,
    /// Bytes, or a FIN, that were not seen before.
    Data,
    /// No bytes; it acknowledges or tells the window.
    Ack,
    /// Nothing in it is new.
    Retransmission,
    /// Old bytes first, then new ones.
    PartialRetransmission,
    /// One byte, or none, before what comes next: is the other still there?
    KeepAlive,
    /// One byte beyond a window of zero.
    WindowProbe,
    /// A RST that ends the connection, or one that came after.
    Reset,
    /// Not of this connection, as far as can be told: it changes nothing, and
    /// nothing in it may be believed.
    Invalid,
}

/// What tracking says of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it is.
    pub class: SegmentClass,
    /// Whether the receiver would take it: in the right order and within the
    /// window, or a repetition. `false` for [`SegmentClass::Invalid`] alone.
    pub valid: bool,
    /// Whether its acknowledgement number may be believed.
    pub acknowledges: bool,
    /// The sequence number that was expected of its sender before it came: where
    /// the stream goes on, and where it begins for who has not followed it.
    pub expected: u32,
    /// What is odd about it, the most telling first. Those there are come first.
    pub anomalies: Anomalies,
}

/// Oddities of one segment: a few at most.
pub type Anomalies = [Option<Anomaly>; 3];

impl Segment {
    /// The oddities there are.
    pub fn anomalies(&self) -> impl Iterator<Item = Anomaly> + use<> {
        self.anomalies.into_iter().flatten()
    }
}
