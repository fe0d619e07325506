//! What a worker counts.
//!
//! Each counter has one writer, the worker, and any number of readers, so a
//! plain load and store is enough: no locked instruction on the packet path.
//! Nearly every way for a packet to end has its own name here.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::anomaly::Anomaly;
use crate::flow::FlowCounters;
use crate::flow::defrag::DefragCounters;
use crate::flow::stream::StreamCounters;
use crate::port::PortCounters;
use crate::wire::packet::{Net, Packet, Transport};
use crate::wire::tunnel::Tunnel;
use crate::wire::{Layer, LinkType, Malformed, Undecodable};

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// One thing that a worker counts; the name is the one in `stats`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Counter {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Counter {
            /// Every counter, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The dotted name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

counters! {
    /// Packets taken from ports.
    Packets = "decoder.pkts",
    /// Their bytes on the wire.
    Bytes = "decoder.bytes",
    /// Packets that some layer could not decode.
    Invalid = "decoder.invalid",
    /// Ethernet frames.
    Ethernet = "decoder.ethernet",
    /// Frames with at least one VLAN tag.
    Vlan = "decoder.vlan",
    /// ARP packets.
    Arp = "decoder.arp",
    /// IPv4 packets.
    Ipv4 = "decoder.ipv4",
    /// IPv6 packets.
    Ipv6 = "decoder.ipv6",
    /// Fragments of IP datagrams.
    Fragments = "decoder.fragments",
    /// TCP segments.
    Tcp = "decoder.tcp",
    /// UDP datagrams.
    Udp = "decoder.udp",
    /// ICMP and ICMPv6 messages.
    Icmp = "decoder.icmp",
    /// SCTP packets.
    Sctp = "decoder.sctp",
    /// ESP packets.
    Esp = "decoder.esp",
    /// Packets looked into that IP carried within IP.
    IpInIp = "decoder.ip_in_ip",
    /// Packets looked into that GRE carried.
    Gre = "decoder.gre",
    /// Packets looked into that ERSPAN carried.
    Erspan = "decoder.erspan",
    /// Packets looked into that VXLAN carried.
    Vxlan = "decoder.vxlan",
    /// Packets looked into that GENEVE carried.
    Geneve = "decoder.geneve",
    /// Packets looked into that GTP-U carried.
    GtpU = "decoder.gtp",
    /// Packets looked into that Teredo carried.
    Teredo = "decoder.teredo",
    /// Packets looked into that L2TP carried.
    L2tp = "decoder.l2tp",
    /// Packets looked into that CAPWAP carried.
    Capwap = "decoder.capwap",
    /// Packets looked into that AYIYA carried.
    Ayiya = "decoder.ayiya",
    /// Packets looked into that MPLS over IP carried.
    Mpls = "decoder.mpls_tunnel",
    /// Packets looked into that Ethernet in IP carried.
    EthernetInIp = "decoder.ethernet_in_ip",
    /// Frames that are neither IP nor ARP.
    NotIp = "decoder.not_ip",
    /// Packets of a link type that is not decoded.
    UnknownLink = "decoder.unknown_link",
    /// IPv4 headers whose checksum is wrong.
    BadIpChecksum = "decoder.bad_checksum.ipv4",
    /// TCP, UDP and ICMP checksums that are wrong.
    BadTransportChecksum = "decoder.bad_checksum.transport",
    /// Packets that went on to the peer port.
    Accepted = "verdict.accepted",
    /// Packets that ended here, silently.
    Dropped = "verdict.dropped",
    /// Packets that ended here, and whose sender was told.
    Rejected = "verdict.rejected",
    /// Packets dropped because they did not decode and the configuration says so.
    DroppedMalformed = "verdict.dropped_malformed",
    /// TCP segments dropped because their receiver would not take them.
    DroppedInvalid = "verdict.dropped_invalid",
    /// TCP segments dropped because they say other bytes than were inspected.
    DroppedConflict = "verdict.dropped_conflict",
    /// TCP segments dropped because they came ahead of others and there was no
    /// room to inspect them: their sender sends them again.
    DroppedUnseen = "verdict.dropped_unseen",
    /// Fragments dropped because their datagram cannot be put together.
    DroppedFragments = "verdict.dropped_fragments",
    /// TCP segments that went on with the bytes that were inspected.
    Rewritten = "verdict.rewritten",
    /// Packets that found the way out full.
    TxFull = "verdict.tx_full",
    /// Refusals that could not be sent: no free frame, or the way back full.
    RejectUnsent = "verdict.reject_unsent",
    /// Alerts that rules raised.
    Alerts = "rules.alerts",
    /// Flows that are not read, or not to their end, for want of memory.
    DissectFull = "dissect.memory_full",
    /// Bytes of memory that dissectors hold.
    DissectMemory = "dissect.memory_bytes",
    /// Times a rule set was taken over.
    Reloads = "rules.reloads",
    /// Packets that belong to no flow.
    NoFlow = "flow.none",
    /// ICMP errors that quote a flow we know.
    Related = "flow.related",
    /// Packets handed to the worker that owns their flow.
    HandedOff = "handoff.out",
    /// Packets taken over from other workers.
    TakenOver = "handoff.in",
    /// Packets dropped because their owner's inbox was full.
    HandoffFull = "handoff.full",
    /// Bursts that brought at least one packet.
    Bursts = "worker.bursts",
    /// Times the worker slept for want of packets.
    Sleeps = "worker.sleeps",
    /// Flows open now.
    FlowsActive = "flow.active",
    /// Chunks free in the worker's pool, when last looked at.
    FramesFree = "frames.free",
    /// Chunks in the hands of its ports, when last looked at.
    FramesInPorts = "frames.in_ports",
}

impl Counter {
    /// The counter of each kind of tunnel, in the order of [`Tunnel::ALL`].
    const TUNNELS: [Self; Tunnel::ALL.len()] = [
        Self::IpInIp,
        Self::Gre,
        Self::Erspan,
        Self::Vxlan,
        Self::Geneve,
        Self::GtpU,
        Self::Teredo,
        Self::L2tp,
        Self::Capwap,
        Self::Ayiya,
        Self::Mpls,
        Self::EthernetInIp,
    ];
}

/// One worker's counters.
#[derive(Debug)]
pub struct Counters([AtomicU64; Counter::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Counters {
    /// Adds one. Only the owning worker calls this.
    #[inline]
    pub fn count(&self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Adds `n`. Only the owning worker calls this.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the array has a place for every variant")]
    pub fn add(&self, counter: Counter, n: u64) {
        let place = &self.0[counter as usize];
        place.store(place.load(Ordering::Relaxed) + n, Ordering::Relaxed);
    }

    /// Counts what a packet turned out to be. Only the owning worker calls this.
    #[inline]
    pub(super) fn count_decoded(&self, packet: &Packet, link: LinkType, wire_len: u32) {
        self.count(Counter::Packets);
        self.add(Counter::Bytes, u64::from(wire_len));
        match link {
            LinkType::Ethernet => self.count(Counter::Ethernet),
            LinkType::Other(_) => self.count(Counter::UnknownLink),
            _ => {}
        }
        if packet.vlans.count > 0 {
            self.count(Counter::Vlan);
        }
        match packet.net {
            Net::V4(_) => self.count(Counter::Ipv4),
            Net::V6(_) => self.count(Counter::Ipv6),
            Net::Arp(_) => self.count(Counter::Arp),
            Net::None => self.count(Counter::NotIp),
        }
        match packet.transport {
            Transport::Tcp(_) => self.count(Counter::Tcp),
            Transport::Udp(_) => self.count(Counter::Udp),
            Transport::Icmp(_) => self.count(Counter::Icmp),
            Transport::Sctp(_) => self.count(Counter::Sctp),
            Transport::Esp(_) => self.count(Counter::Esp),
            Transport::Fragment => self.count(Counter::Fragments),
            Transport::Other | Transport::None => {}
        }
        for tunnel in packet.tunnels.kinds() {
            if let Some(&counter) = Counter::TUNNELS.get(tunnel as usize) {
                self.count(counter);
            }
        }
    }

    /// Sets a gauge. Only the owning worker calls this.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the array has a place for every variant")]
    pub fn set(&self, counter: Counter, value: u64) {
        self.0[counter as usize].store(value, Ordering::Relaxed);
    }

    /// Reads one; any thread may.
    #[expect(clippy::indexing_slicing, reason = "the array has a place for every variant")]
    pub fn read(&self, counter: Counter) -> u64 {
        self.0[counter as usize].load(Ordering::Relaxed)
    }
}

/// Packets that did not decode, by layer and reason.
#[derive(Debug)]
pub struct MalformedCounters([[AtomicU64; Malformed::ALL.len()]; Layer::ALL.len()]);

impl Default for MalformedCounters {
    fn default() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))))
    }
}

impl MalformedCounters {
    /// Counts one packet. Only the owning worker calls this.
    #[cold]
    pub fn count(&self, Undecodable { layer, malformed }: Undecodable) {
        if let Some(place) = self.0.get(layer as usize).and_then(|row| row.get(malformed as usize)) {
            place.store(place.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// What has been counted at all: name and number.
    pub fn read(&self) -> impl Iterator<Item = (String, u64)> {
        Layer::ALL.iter().zip(&self.0).flat_map(|(layer, row)| {
            Malformed::ALL.iter().zip(row).filter_map(|(malformed, place)| {
                let count = place.load(Ordering::Relaxed);
                (count > 0)
                    .then(|| (format!("decoder.malformed.{}.{}", layer.name(), malformed.name()), count))
            })
        })
    }
}

/// What was odd, by name.
#[derive(Debug)]
pub struct AnomalyCounters([AtomicU64; Anomaly::ALL.len()]);

impl Default for AnomalyCounters {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl AnomalyCounters {
    /// Counts one. Only the owning worker calls this.
    pub fn count(&self, anomaly: Anomaly) {
        if let Some(place) = self.0.get(anomaly as usize) {
            place.store(place.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// What has been counted at all: name and number.
    pub fn read(&self) -> impl Iterator<Item = (String, u64)> {
        Anomaly::ALL.iter().zip(&self.0).filter_map(|(anomaly, place)| {
            let count = place.load(Ordering::Relaxed);
            (count > 0).then(|| (anomaly.counter(), count))
        })
    }
}

/// Named numbers that a worker keeps to itself and publishes now and then.
#[derive(Debug)]
pub struct Gauges<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Gauges<N> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl<const N: usize> Gauges<N> {
    /// Publishes. Only the owning worker calls this.
    pub fn set(&self, named: [(&'static str, u64); N]) {
        for (place, (_, value)) in self.0.iter().zip(named) {
            place.store(value, Ordering::Relaxed);
        }
    }

    /// Reads what was published under these names; any thread may.
    pub fn read(&self, mut named: [(&'static str, u64); N]) -> [(&'static str, u64); N] {
        for ((_, value), place) in named.iter_mut().zip(&self.0) {
            *value = place.load(Ordering::Relaxed);
        }
        named
    }
}

/// What a worker's ports to one device did.
pub type PortGauges = Gauges<{ PortCounters::LEN }>;
/// What happened to a worker's flows.
pub type FlowGauges = Gauges<{ FlowCounters::LEN }>;
/// What happened to a worker's fragments.
pub type DefragGauges = Gauges<{ DefragCounters::LEN }>;
/// What happened to a worker's streams.
pub type StreamGauges = Gauges<{ StreamCounters::LEN }>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_has_its_own_place_and_name() {
        let counters = Counters::default();
        for (place, &counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(counter as usize, place);
            counters.add(counter, place as u64 + 1);
        }
        for (place, &counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(counters.read(counter), place as u64 + 1);
        }
        let mut names: Vec<_> = Counter::ALL.iter().map(|counter| counter.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Counter::ALL.len());
    }
}
