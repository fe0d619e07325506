//! The schema of `tidegate.toml`: every key as a typed field with its default,
//! its limits and what it means.
//!
//! A configuration is taken whole or refused whole: [`Config::load`] reads the
//! file, lays the `--set` options over it, checks every value against its
//! limits and the values against each other, and names every problem at once
//! with its key, its place and what is allowed. A [`Config`] that came out of
//! `load` needs no further checking; one changed by hand (by options of the
//! command line) is checked again with [`Config::check`].
//!
//! The doc comment of a field says what the key means; the shipped
//! `tidegate.toml` says the same to operators, and a test holds the two to the
//! same keys and defaults.

mod check;
mod error;
mod load;
mod network;
mod port;
mod schema;
mod value;
mod words;

use std::path::PathBuf;

use serde::Serialize;

pub use error::{ConfigError, Place, Problem};
pub use network::{NetworkPolicy, NetworkPolicyError, policy_of};
pub use port::{Pair, PairError, interface_name};
pub use schema::limits;
pub use value::{Events, Workers};
pub use words::{
    Checksums, DefaultVerdict, Fail, FragmentPolicy, InvalidSegment, LogLevel, Malformed, Mode, Normalise,
    Poll, StreamPolicy, XdpMode, ZeroCopy,
};

/// Where a gateway listens for `tidegate ctl`, unless told otherwise.
pub const CONTROL_SOCKET: &str = "/run/tidegate.sock";

/// Everything that `tidegate.toml` can say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Config {
    /// `[gateway]`: devices, workers and the way packets take.
    pub gateway: Gateway,
    /// `[flow]`: the flow table.
    pub flow: Flow,
    /// `[defrag]`: datagrams that come in fragments.
    pub defrag: Defrag,
    /// `[stream]`: the bytes of TCP connections.
    pub stream: Stream,
    /// `[dissect]`: what is said in the bytes.
    pub dissect: Dissect,
    /// `[rules]`: what decides.
    pub rules: Rules,
    /// `[output]`: what is told.
    pub output: Output,
    /// `[control]`: how a running gateway is spoken to.
    pub control: Control,
    /// `[log]`: what goes to stderr.
    pub log: Log,
}

/// `[gateway]`: devices, workers and the way packets take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gateway {
    /// The pairs of interfaces that the gateway stands between, each written
    /// `"INSIDE:OUTSIDE"`. What comes in on one leaves by the other.
    pub pairs: Vec<Pair>,
    /// The interfaces that are only watched, with `mode = "tap"`.
    pub taps: Vec<String>,
    /// `"inline"` stands between pairs and decides; `"tap"` watches and lets
    /// everything pass.
    pub mode: Mode,
    /// How many workers share the packets: `"auto"` takes one for each entry of
    /// `cores`, or else one for each CPU.
    pub workers: Workers,
    /// The CPUs that workers are pinned to, first worker first; empty leaves
    /// the choice to the gateway.
    pub cores: Vec<u16>,
    /// What becomes of packets while no worker is there to judge them: `"open"`
    /// lets the kernel forward them, `"closed"` drops them.
    pub fail: Fail,
    /// Leave the XDP program and its maps in place when the process ends, so
    /// that `fail` holds then too. `tidegate detach` removes them.
    pub pin: bool,
    /// Where the program and its maps are pinned: a folder on a BPF file
    /// system. Two gateways that pin need two.
    pub pin_path: PathBuf,
    /// Where XDP hooks in: `"native"` in the driver, `"generic"` behind it
    /// (any driver, slower), `"auto"` native where the driver can.
    pub xdp: XdpMode,
    /// Whether the NIC writes straight into our memory: `"on"` insists,
    /// `"auto"` tries.
    pub zero_copy: ZeroCopy,
    /// What a worker without packets does: `"adaptive"` sleeps until one comes,
    /// `"busy"` spins, which saves microseconds and burns the core.
    pub poll: Poll,
    /// Packet buffers of each worker. At least four rings' worth, or reception
    /// and sending starve each other.
    pub frames: u32,
    /// Bytes in a packet buffer, 2048 or 4096; a packet and its headroom of 256
    /// bytes fit in one.
    pub frame_size: u32,
    /// Descriptors in each AF_XDP ring, a power of two. 2048 cover a pause of
    /// a millisecond at two million packets a second.
    pub ring_size: u32,
    /// Receive what is addressed to others. A gateway between two devices
    /// needs it; only a NIC that is promiscuous already does not.
    pub promiscuous: bool,
    /// How long the workers may be silent, in milliseconds, before the XDP
    /// program takes them for dead and applies `fail`; 0 never does.
    pub heartbeat_timeout_ms: u32,
    /// What becomes of a packet that no rule decides.
    pub default_verdict: DefaultVerdict,
    /// What becomes of a packet whose headers do not decode. `"accept"` is the
    /// default, because what confuses us may be well known to the endpoint and
    /// a gateway that drops it breaks a network it was to protect; choose
    /// `"drop"` where nothing may pass unread.
    pub malformed: Malformed,
    /// `"verify"` counts packets with wrong checksums, and drops them where
    /// `malformed` is `"drop"`. `"ignore"` is the default: checksums that a sender's NIC would have finished are
    /// unfinished on virtual devices and in captures taken on the sender.
    pub checksums: Checksums,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            pairs: Vec::new(),
            taps: Vec::new(),
            mode: Mode::Inline,
            workers: Workers::Auto,
            cores: Vec::new(),
            fail: Fail::Open,
            pin: false,
            pin_path: PathBuf::from("/sys/fs/bpf/tidegate"),
            xdp: XdpMode::Auto,
            zero_copy: ZeroCopy::Auto,
            poll: Poll::Adaptive,
            frames: 16_384,
            frame_size: 2048,
            ring_size: 2048,
            promiscuous: true,
            heartbeat_timeout_ms: 1000,
            default_verdict: DefaultVerdict::Accept,
            malformed: Malformed::Accept,
            checksums: Checksums::Ignore,
        }
    }
}

impl Gateway {
    /// How many workers to start on a machine with this many usable CPUs.
    pub fn worker_count(&self, cpus: usize) -> usize {
        let most = usize::from(*limits::WORKERS.end());
        match self.workers {
            Workers::Count(count) => usize::from(count),
            Workers::Auto if self.cores.is_empty() => cpus.clamp(1, most),
            Workers::Auto => self.cores.len().clamp(1, most),
        }
    }
}

/// `[flow]`: the flow table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// Flows remembered at once, in all workers together. When it is full, a
    /// new flow pushes out an old one, half-open ones first.
    pub capacity: u32,
    /// `[flow.timeouts]`: how long a silent flow is remembered.
    pub timeouts: Timeouts,
}

impl Default for Flow {
    fn default() -> Self {
        Self { capacity: 1_000_000, timeouts: Timeouts::default() }
    }
}

/// `[flow.timeouts]`: seconds of silence after which a flow is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timeouts {
    /// TCP before its handshake is complete.
    pub tcp_new_s: u32,
    /// TCP after its handshake: two hours and four minutes, the least that
    /// RFC 5382 (REQ-5) lets a middlebox wait.
    pub tcp_established_s: u32,
    /// TCP with a FIN from one side; the other may go on sending.
    pub tcp_closing_s: u32,
    /// TCP after both FINs, or a RST.
    pub tcp_closed_s: u32,
    /// UDP with packets one way only.
    pub udp_new_s: u32,
    /// UDP with packets both ways: five minutes, as RFC 4787 (REQ-5) advises.
    pub udp_established_s: u32,
    /// ICMP without an answer.
    pub icmp_new_s: u32,
    /// ICMP with an answer.
    pub icmp_established_s: u32,
    /// Any other protocol, packets one way only.
    pub other_new_s: u32,
    /// Any other protocol, packets both ways.
    pub other_established_s: u32,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            tcp_new_s: 60,
            tcp_established_s: 7440,
            tcp_closing_s: 120,
            tcp_closed_s: 10,
            udp_new_s: 30,
            udp_established_s: 300,
            icmp_new_s: 30,
            icmp_established_s: 60,
            other_new_s: 30,
            other_established_s: 300,
        }
    }
}

/// `[defrag]`: datagrams that come in fragments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Defrag {
    /// Datagrams being put together at once, in all workers together.
    pub datagrams: u32,
    /// Memory for their fragments, in all workers together.
    pub memory_mb: u32,
    /// Seconds after its first fragment at which an incomplete datagram is
    /// given up: 30, as Linux waits.
    pub timeout_s: u32,
    /// Which bytes count where IPv4 fragments overlap.
    pub policy: FragmentPolicy,
    /// The same for the networks that datagrams go to, each written
    /// `"NETWORK=POLICY"`; the smallest network that holds the address counts.
    pub policies: Vec<NetworkPolicy<FragmentPolicy>>,
}

impl Default for Defrag {
    fn default() -> Self {
        Self {
            datagrams: 65_536,
            memory_mb: 64,
            timeout_s: 30,
            policy: FragmentPolicy::default(),
            policies: Vec::new(),
        }
    }
}

/// `[stream]`: the bytes of TCP connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stream {
    /// Bytes of a connection that are inspected, each way; 0 is all of them.
    pub depth: u32,
    /// Memory for bytes that wait for others or for their acknowledgement, in
    /// all workers together.
    pub memory_mb: u32,
    /// The most of it that one connection may take.
    pub flow_memory_kb: u32,
    /// Which bytes count where segments overlap, in captures and taps. Inline,
    /// what was forwarded first counts.
    pub policy: StreamPolicy,
    /// The same for the networks that segments go to, each written
    /// `"NETWORK=POLICY"`; the smallest network that holds the address counts.
    pub policies: Vec<NetworkPolicy<StreamPolicy>>,
    /// What becomes of a segment that says other bytes than those inspected at
    /// its place.
    pub normalise: Normalise,
    /// What becomes of a segment that its receiver would not take.
    pub invalid: InvalidSegment,
    /// Connections whose handshake was not seen are followed from where they
    /// are.
    pub midstream: bool,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            depth: 1 << 20,
            memory_mb: 256,
            flow_memory_kb: 8192,
            policy: StreamPolicy::default(),
            policies: Vec::new(),
            normalise: Normalise::default(),
            invalid: InvalidSegment::default(),
            midstream: true,
        }
    }
}

/// `[dissect]`: what is said in the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dissect {
    /// Memory for what dissectors keep of flows, in all workers together. A flow
    /// that finds no room is not read; it passes as its rules say.
    pub memory_mb: u32,
}

impl Default for Dissect {
    fn default() -> Self {
        Self { memory_mb: 256 }
    }
}

/// `[rules]`: what decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// Files and folders of `.rhai` rules. A relative path in the file counts
    /// from the file's own folder; one in `--set`, from the current folder.
    pub paths: Vec<PathBuf>,
}

/// `[output]`: what is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Where events go, as lines of EVE JSON: a file, `"-"` for stdout, or
    /// `""` for nowhere. Relative paths count as those of `rules.paths` do.
    pub events: Events,
    /// Events that wait for the writer, for each worker; more are lost and
    /// counted.
    pub queue: u32,
    /// Seconds between `stats` events; 0 writes none.
    pub stats_interval_s: u32,
    /// The longest that an event waits before it is in the file, in
    /// milliseconds.
    pub flush_ms: u32,
    /// How often the same `anomaly` of one flow is told; it is counted each time.
    /// 0 tells it each time, too.
    pub anomalies_per_flow: u32,
    /// Write the Community ID (version 1, seed 0) of flows, by which the events
    /// of other tools about the same flow are found.
    pub community_id: bool,
    /// Write Ethernet addresses into the lines of flows and of what is said in
    /// them.
    pub ethernet: bool,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            events: Events::Off,
            queue: 8192,
            stats_interval_s: 10,
            flush_ms: 100,
            anomalies_per_flow: 100,
            community_id: true,
            ethernet: true,
        }
    }
}

/// `[control]`: how a running gateway is spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Control {
    /// The Unix socket that `tidegate ctl` speaks to, mode 0600; `""` or
    /// `false` opens none.
    #[serde(serialize_with = "value::path_or_empty")]
    pub socket: Option<PathBuf>,
}

impl Default for Control {
    fn default() -> Self {
        Self { socket: Some(PathBuf::from(CONTROL_SOCKET)) }
    }
}

/// `[log]`: what goes to stderr.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Log {
    /// The least severe messages that are written.
    pub level: LogLevel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_takes_one_worker_a_core_named_or_a_core_there_is() {
        let mut gateway = Gateway::default();
        assert_eq!(gateway.worker_count(8), 8);
        assert_eq!(gateway.worker_count(0), 1);
        assert_eq!(gateway.worker_count(1000), 64);
        gateway.cores = vec![2, 3];
        assert_eq!(gateway.worker_count(8), 2);
        gateway.workers = Workers::Count(1);
        assert_eq!(gateway.worker_count(8), 1);
    }
}
