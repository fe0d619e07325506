//! What a table counts. One writer, its worker, which publishes them with its
//! own counters.

use super::record::{EndReason, FlowState};
use super::stage::{Class, ProtocolClass};
use super::tcp::{Segment, SegmentClass, TcpSeen};
use crate::anomaly::Anomaly;
use crate::wire::tcp::Flags;

/// Everything that happens to flows, since the table was made.
///
/// Each flow that ended is counted under exactly one of `timeout_*`,
/// `evicted_*`, `reused` and `shutdown`; `total` less all of these are active.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCounters {
    /// Flows opened.
    pub total: u64,
    /// Of these TCP.
    pub tcp: u64,
    /// Of these UDP.
    pub udp: u64,
    /// Of these ICMP and `ICMPv6`.
    pub icmp: u64,
    /// Of these any other protocol.
    pub other: u64,
    /// Packets that belonged to a flow that was there.
    pub hits: u64,
    /// Silent for too long, with packets one way only or half-open.
    pub timeout_new: u64,
    /// Silent for too long, established.
    pub timeout_established: u64,
    /// Silent for too long after one FIN.
    pub timeout_closing: u64,
    /// Gone after both FINs or a RST: the normal end of TCP.
    pub timeout_closed: u64,
    /// Made room, half-open.
    pub evicted_half_open: u64,
    /// Made room, no answer so far.
    pub evicted_unreplied: u64,
    /// Made room, closing or closed.
    pub evicted_closed: u64,
    /// Made room, established: the table is too small for its traffic.
    pub evicted_established: u64,
    /// Opened anew by a SYN after their end.
    pub reused: u64,
    /// Still there when the gateway stopped.
    pub shutdown: u64,
    /// Flows looked at by the sweep; many for few time-outs means that
    /// time-outs are long against the lives of flows.
    pub swept: u64,
    /// SYNs without ACK, repeated ones included.
    pub syn: u64,
    /// SYNs with ACK.
    pub synack: u64,
    /// RSTs, refused ones included.
    pub rst: u64,
    /// Connections whose beginning was not seen.
    pub midstream: u64,
    /// Segments that bring nothing but bytes that came before, or some of them.
    pub retransmissions: u64,
    /// Keep-alives.
    pub keep_alives: u64,
    /// Probes of a window of zero.
    pub window_probes: u64,
    /// Segments that are not of their connection.
    pub invalid: u64,
    /// RSTs that seem to come from somebody else.
    pub suspected_rst: u64,
}

impl FlowCounters {
    /// How many there are.
    pub const LEN: usize = 26;

    /// Every counter with its name in `stats`.
    pub const fn named(&self) -> [(&'static str, u64); Self::LEN] {
        [
            ("flow.total", self.total),
            ("flow.tcp", self.tcp),
            ("flow.udp", self.udp),
            ("flow.icmp", self.icmp),
            ("flow.other", self.other),
            ("flow.hits", self.hits),
            ("flow.timeout.new", self.timeout_new),
            ("flow.timeout.established", self.timeout_established),
            ("flow.timeout.closing", self.timeout_closing),
            ("flow.timeout.closed", self.timeout_closed),
            ("flow.evicted.half_open", self.evicted_half_open),
            ("flow.evicted.unreplied", self.evicted_unreplied),
            ("flow.evicted.closed", self.evicted_closed),
            ("flow.evicted.established", self.evicted_established),
            ("flow.reused", self.reused),
            ("flow.shutdown", self.shutdown),
            ("flow.swept", self.swept),
            ("tcp.syn", self.syn),
            ("tcp.synack", self.synack),
            ("tcp.rst", self.rst),
            ("tcp.midstream", self.midstream),
            ("tcp.retransmissions", self.retransmissions),
            ("tcp.keep_alives", self.keep_alives),
            ("tcp.window_probes", self.window_probes),
            ("tcp.invalid", self.invalid),
            ("tcp.suspected_rst", self.suspected_rst),
        ]
    }

    pub(super) const fn opened(&mut self, protocol: u8) {
        self.total += 1;
        *match ProtocolClass::of(protocol) {
            ProtocolClass::Tcp => &mut self.tcp,
            ProtocolClass::Udp => &mut self.udp,
            ProtocolClass::Icmp => &mut self.icmp,
            ProtocolClass::Other => &mut self.other,
        } += 1;
    }

    /// A segment that did not go the short way.
    pub(super) fn segment(&mut self, seen: &TcpSeen, segment: &Segment) {
        let flags = seen.flags;
        if flags.contains(Flags::RST) {
            self.rst += 1;
        } else if flags.contains(Flags::SYN) {
            *if flags.contains(Flags::ACK) { &mut self.synack } else { &mut self.syn } += 1;
        }
        match segment.class {
            SegmentClass::Retransmission | SegmentClass::PartialRetransmission => self.retransmissions += 1,
            SegmentClass::KeepAlive => self.keep_alives += 1,
            SegmentClass::WindowProbe => self.window_probes += 1,
            SegmentClass::Invalid => self.invalid += 1,
            SegmentClass::Handshake | SegmentClass::Data | SegmentClass::Ack | SegmentClass::Reset => {}
        }
        if segment.anomalies().any(|anomaly| anomaly == Anomaly::StreamSuspectedRstInject) {
            self.suspected_rst += 1;
        }
    }

    pub(super) const fn ended(&mut self, reason: EndReason, state: FlowState, class: Class) {
        *match (reason, state, class) {
            (EndReason::Timeout, FlowState::New, _) => &mut self.timeout_new,
            (EndReason::Timeout, FlowState::Established, _) => &mut self.timeout_established,
            (EndReason::Timeout, FlowState::Closing, _) => &mut self.timeout_closing,
            (EndReason::Timeout, FlowState::Closed, _) => &mut self.timeout_closed,
            (EndReason::Evicted, _, Class::HalfOpen) => &mut self.evicted_half_open,
            (EndReason::Evicted, _, Class::Unreplied) => &mut self.evicted_unreplied,
            (EndReason::Evicted, _, Class::Closed) => &mut self.evicted_closed,
            (EndReason::Evicted, _, Class::Established) => &mut self.evicted_established,
            (EndReason::Reused, ..) => &mut self.reused,
            (EndReason::Shutdown, ..) => &mut self.shutdown,
        } += 1;
    }
}
