//! What a worker tells the world: the values behind EVE's lines.
//!
//! A worker hands an [`Event`] to its [`EventSink`] and goes on; what becomes
//! of it (a queue to a writer thread, a file, nothing) is the sink's business.

use std::sync::Arc;

use crate::anomaly::Anomaly;
use crate::dissect::Record;
use crate::flow::record::Direction;
use crate::flow::{EndReason, FlowRecord, MacLists, Outer};
pub use crate::rules::RuleMeta;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::Packet;

/// One thing worth telling.
#[derive(Clone, Debug)]
pub enum Event {
    /// A flow has ended.
    Flow(Box<FlowEnd>),
    /// A rule said `alert(..)`.
    Alert(Box<Alert>),
    /// A rule said `log(..)`.
    Log(Box<Alert>),
    /// A packet was dropped or rejected.
    Drop(Box<Dropped>),
    /// Something was odd.
    Anomaly(Box<Anomalous>),
    /// An application protocol said something.
    App(Box<AppEvent>),
    /// All counters, at one moment.
    Stats(Box<Stats>),
}

/// A flow at its end.
#[derive(Clone, Debug)]
pub struct FlowEnd {
    /// When it was found to have ended.
    pub at: Timestamp,
    /// The flow.
    pub flow: FlowRecord,
    /// Why it ended.
    pub reason: EndReason,
    /// What carried it.
    pub outer: Option<Outer>,
    /// The Ethernet addresses of the client's side, and of the server's.
    pub macs: MacLists,
}

/// What events about one packet have in common.
#[derive(Clone, Debug)]
pub struct PacketContext {
    /// When the packet came.
    pub at: Timestamp,
    /// Where it came in: device or capture; shared, so that telling costs nothing.
    pub interface: Arc<str>,
    /// The decoded packet.
    pub packet: Packet,
    /// Bytes on the wire.
    pub wire_len: u32,
    /// Its flow as it stood, if it has one.
    pub flow: Option<FlowRecord>,
    /// Which way it goes in its flow.
    pub direction: Direction,
    /// Its number in the capture, from 1; `None` off live devices.
    pub capture_number: Option<u64>,
    /// What carries it, where it came out of a tunnel.
    pub outer: Option<Outer>,
}

/// A rule has something to say.
#[derive(Clone, Debug)]
pub struct Alert {
    /// About which packet; for `flow_close` the flow alone counts.
    pub context: PacketContext,
    /// Which rule.
    pub rule: Arc<RuleMeta>,
    /// What it said.
    pub message: String,
    /// What became of the packet.
    pub verdict: Verdict,
}

/// A packet that did not pass.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// Which packet.
    pub context: PacketContext,
    /// The rule that decided; `None` when the default verdict, the flow's
    /// verdict, or a lack of room did.
    pub rule: Option<Arc<RuleMeta>>,
    /// Drop or reject.
    pub verdict: Verdict,
    /// Why, as a word: `rule`, `flow`, `default`, `malformed`.
    pub reason: &'static str,
}

/// Something odd about a packet.
#[derive(Clone, Debug)]
pub struct Anomalous {
    /// Which packet.
    pub context: PacketContext,
    /// What is odd.
    pub anomaly: Anomaly,
}

/// Something complete that was said in an application protocol.
#[derive(Clone, Debug)]
pub struct AppEvent {
    /// The packet that completed it; at the end of a flow, the flow alone counts.
    pub context: PacketContext,
    /// Who said it.
    pub direction: Direction,
    /// What it was.
    pub record: Record,
}

/// Counters by dotted name, in a fixed order.
#[derive(Clone, Debug)]
pub struct Stats {
    /// When they were read.
    pub at: Timestamp,
    /// Since when they count.
    pub since: Timestamp,
    /// `decoder.pkts`, `flow.active`, `rules.hits.<name>`, ...
    pub counters: Vec<(String, u64)>,
}

/// Where a worker's events go.
pub trait EventSink {
    /// Takes an event; never blocks a live worker. What is lost is counted by
    /// the sink.
    fn emit(&mut self, event: Event);
}
