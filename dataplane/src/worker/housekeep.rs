//! What a worker does beside packets: about every millisecond, a bounded piece.

use std::time::Duration;

use super::Worker;
use super::counters::Counter;
use super::event::EventSink;
use crate::flow::Sweep;
use crate::port::{Port, PortCounters};
use crate::time::Timestamp;

/// Time between two pieces of housekeeping.
const INTERVAL: Duration = Duration::from_millis(1);
/// Flows that one piece may look at: at 1,000 pieces a second, more than a
/// worker can open.
const SWEEP_MAX: usize = 4096;
/// Flows ended at once when all end: no list of a million is made.
const DRAIN_MAX: u32 = 4096;
/// Time between two beats of the heart that the XDP program watches; its limit
/// is many times this.
const BEAT_EVERY: Duration = Duration::from_millis(100);

impl<'u, P: Port<'u>, S: EventSink> Worker<'u, P, S> {
    /// Does a piece of housekeeping if one is due.
    #[inline]
    pub(super) fn housekeep(&mut self, now: Timestamp) {
        if now >= self.housekeep_at {
            self.housekeep_at = now.plus(INTERVAL);
            self.housekeep_now(now);
        }
    }

    fn housekeep_now(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        if now >= self.beat_at {
            self.beat_at = now.plus(BEAT_EVERY);
            (self.pulse)();
            // Reading a socket's statistics is a system call: not every time.
            self.publish();
        }
        self.sweep(SWEEP_MAX);
        self.sweep_fragments(SWEEP_MAX);
        self.pool.reclaim();
        self.gauge_frames();
    }

    /// Ends flows that nothing came for; looks at no more than `budget` of them.
    fn sweep(&mut self, budget: usize) -> Sweep {
        let mut ended = std::mem::take(&mut self.ended);
        let sweep = self.flows.sweep(self.now, budget, |flow| ended.push(flow));
        for flow in ended.drain(..) {
            self.flow_ended(&flow);
        }
        self.ended = ended;
        sweep
    }

    /// In replay: ends every flow whose time had come before this packet, so
    /// that the same capture always gives the same events in the same order.
    #[inline]
    pub(super) fn sweep_due(&mut self) {
        if self.now >= self.housekeep_at {
            self.housekeep_at = self.now.plus(INTERVAL);
            while self.sweep(SWEEP_MAX) == Sweep::More {}
            while self.sweep_fragments(SWEEP_MAX) == Sweep::More {}
        }
    }

    /// Ends all flows: the gateway stops, or the capture has ended.
    pub(super) fn end_all_flows(&mut self) {
        self.drain_fragments();
        let mut cursor = 0;
        loop {
            let mut ended = std::mem::take(&mut self.ended);
            let drained = self.flows.drain(&mut cursor, DRAIN_MAX, |flow| ended.push(flow));
            for flow in ended.drain(..) {
                self.flow_ended(&flow);
            }
            self.ended = ended;
            if drained == Sweep::Done {
                return;
            }
        }
    }

    /// Publishes what the worker's ports, flows and frames have come to.
    pub(super) fn publish(&mut self) {
        for (device, gauges) in self.ports.iter().enumerate() {
            let doors = self.doors.iter().filter(|door| door.device == device);
            let sum: PortCounters = doors.map(|door| door.port.counters()).sum();
            gauges.set(sum.named());
        }
        self.counters.set(Counter::FlowsActive, u64::from(self.flows.active()));
        self.counters.set(Counter::DissectMemory, self.readers.held() as u64);
        self.flow_gauges.set(self.flows.counters().named());
        self.defrag_gauges.set(self.defrag.counters().named());
        self.stream_gauges.set(self.streams.counters().named());
        self.gauge_frames();
    }

    pub(super) fn gauge_frames(&mut self) {
        let in_ports: usize = self.doors.iter().map(|door| door.port.frames_held()).sum();
        self.counters.set(Counter::FramesFree, self.pool.free_len() as u64);
        self.counters.set(Counter::FramesInPorts, in_ports as u64);
    }
}
