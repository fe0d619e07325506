//! What the configuration says of packets, flows and streams, as one worker
//! needs it: limits that hold for all workers together are its share of them.

use std::time::Duration;

use tidegate_config::{
    Checksums, Config, DefaultVerdict, InvalidSegment, Malformed, Normalise, Timeouts as Seconds,
};

use super::Mode;
use crate::flow::defrag::DefragConfig;
use crate::flow::stream::{Discipline, StreamConfig};
use crate::flow::{FlowConfig, StateTimeouts, Timeouts};
use crate::verdict::Verdict;

/// What one worker goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What verdicts do.
    pub mode: Mode,
    /// What becomes of an IP packet that no rule decides.
    pub default_verdict: Verdict,
    /// Whether packets that do not decode end here.
    pub drop_malformed: bool,
    /// Whether checksums are computed and counted.
    pub verify_checksums: bool,
    /// What becomes of a TCP segment that its receiver would not take.
    pub invalid: InvalidSegment,
    /// What becomes of a TCP segment that says other bytes than were inspected.
    pub normalise: Normalise,
    /// How fragments are put together.
    pub defrag: DefragConfig,
    /// How segments are put in order.
    pub streams: StreamConfig,
    /// How often the same oddity of one flow is told; `None` is always.
    pub anomalies_per_flow: Option<u32>,
    /// Bytes of memory that dissectors may hold.
    pub dissect_memory: usize,
}

impl Settings {
    /// As configured, for one of so many workers.
    pub fn of(config: &Config, mode: Mode, workers: usize) -> Self {
        Self {
            mode,
            default_verdict: match config.gateway.default_verdict {
                DefaultVerdict::Accept => Verdict::Accept,
                DefaultVerdict::Drop => Verdict::Drop,
            },
            drop_malformed: config.gateway.malformed == Malformed::Drop,
            verify_checksums: config.gateway.checksums == Checksums::Verify,
            invalid: config.stream.invalid,
            normalise: config.stream.normalise,
            defrag: DefragConfig {
                datagrams: config.defrag.datagrams.div_ceil(number(workers)),
                memory: megabytes(config.defrag.memory_mb) / workers.max(1),
                timeout: seconds(config.defrag.timeout_s),
                policy: config.defrag.policy,
                policies: config.defrag.policies.clone(),
            },
            streams: StreamConfig {
                depth: (config.stream.depth > 0).then_some(u64::from(config.stream.depth)),
                memory: megabytes(config.stream.memory_mb) / workers.max(1),
                flow_memory: (config.stream.flow_memory_kb as usize) << 10,
                discipline: if mode == Mode::Inline { Discipline::Inline } else { Discipline::Passive },
                policy: config.stream.policy,
                policies: config.stream.policies.clone(),
            },
            anomalies_per_flow: (config.output.anomalies_per_flow > 0)
                .then_some(config.output.anomalies_per_flow),
            dissect_memory: megabytes(config.dissect.memory_mb) / workers.max(1),
        }
    }
}

/// The flow table of one worker, out of so many.
pub fn flow_config(config: &Config, worker: usize, workers: usize) -> FlowConfig {
    FlowConfig {
        capacity: config.flow.capacity.div_ceil(number(workers)),
        timeouts: timeouts(&config.flow.timeouts),
        midstream: config.stream.midstream,
        shard: (number(worker), number(workers)),
    }
}

fn timeouts(from: &Seconds) -> Timeouts {
    let both = |new, established| StateTimeouts { new: seconds(new), established: seconds(established) };
    Timeouts {
        tcp: both(from.tcp_new_s, from.tcp_established_s),
        tcp_closing: seconds(from.tcp_closing_s),
        tcp_closed: seconds(from.tcp_closed_s),
        udp: both(from.udp_new_s, from.udp_established_s),
        icmp: both(from.icmp_new_s, from.icmp_established_s),
        other: both(from.other_new_s, from.other_established_s),
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}

const fn megabytes(megabytes: u32) -> usize {
    (megabytes as usize) << 20
}
