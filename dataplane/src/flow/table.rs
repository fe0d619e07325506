//! The flows of one worker.
//!
//! Of fixed size: all memory is taken when the table is made, and when it is
//! full, a flow goes before one comes. One worker writes; [`FlowReader`]s read
//! from any thread. No operation takes longer in a full table than in an empty
//! one.
//!
//! A burst is tracked in three passes, so that the waits for memory overlap:
//! [`FlowTable::prefetch`] for every packet, then [`FlowTable::prefetch_slot`]
//! for every packet (or prefetches of the lines that they load from), then [`FlowTable::track`] for one after the other.
//!
//! Of each flow in the table holds: the index leads to its slot, it hangs in
//! the wheel, and it stands in the queue of victims of its class, if that has
//! one.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use super::counters::FlowCounters;
use super::index::{Bucket, FLOWS_PER_BUCKET, Index, home_of};
use super::key::{Endpoint, Key, TCP};
use super::list::NONE;
use super::macs::{MacLists, Macs};
use super::outers::Outers;
use super::reader::FlowReader;
use super::record::{Direction, EndReason, FlowRecord, Outer};
use super::slot::{Opening, Slot};
use super::slots::Slots;
use super::stage::{Progress, Stage, TimeoutRow, is_settled, is_tcp_settled};
use super::tcp::{Circumstances, Connection, Segment, TcpSeen, TcpState};
use super::timeouts::{IdleMax, Timeouts};
use super::victims::Victims;
use super::wheel::{BACK_MAX, Wheel};
use crate::time::Timestamp;
use crate::wire::packet::Transport;
use crate::wire::tcp::Flags;
use crate::wire::{Mac, Packet};

/// Bytes a flow takes, its share of the index included.
pub const BYTES_PER_FLOW: usize =
    size_of::<Slot>() + size_of::<MacLists>() + size_of::<Bucket>() / FLOWS_PER_BUCKET;

#[cfg(not(loom))]
const _: () = assert!(BYTES_PER_FLOW <= 260, "ten million flows are to fit in 2.6 GB");

/// The most flows that one table can hold.
pub const CAPACITY_MAX: u32 = 1 << 30;

/// How long a time stamp of TCP may be compared (RFC 7323 section 5.5): 24 days.
const TIMESTAMP_LIFE: Duration = Duration::from_hours(24 * 24);

/// Why there is no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// Not a number of flows that a table can hold.
    #[error("a flow table holds 1 to {CAPACITY_MAX} flows a worker, not {flows}")]
    Capacity {
        /// What was asked for.
        flows: u32,
    },
    /// The system does not have that much.
    #[error("no memory for {flows} flows a worker ({} MiB); ask for fewer", (*flows as usize * BYTES_PER_FLOW) >> 20)]
    OutOfMemory {
        /// What was asked for.
        flows: u32,
    },
}

/// What a table is made for.
#[derive(Clone, Copy, Debug)]
pub struct FlowConfig {
    /// The most flows at a time.
    pub capacity: u32,
    /// How long flows may be silent.
    pub timeouts: Timeouts,
    /// Whether a TCP connection whose handshake was not seen becomes
    /// established once both sides are heard; otherwise it stays half-open.
    pub midstream: bool,
    /// The number of this table, from 0, and how many there are in the process:
    /// their flows share one sequence of ids.
    pub shard: (u32, u32),
}

/// A flow in its table, until it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowIndex(u32);

/// What the table is told of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Who sent it, as [`Key::of`] says.
    pub sender: Endpoint,
    /// Bytes on the wire, link header included.
    pub wire_len: u32,
    /// What its TCP header tells, where there is one.
    pub tcp: Option<TcpSeen>,
    /// The ICMP type and code, where there is an ICMP header.
    pub icmp: Option<(u8, u8)>,
    /// Its source and destination on an Ethernet.
    pub macs: Option<(Mac, Mac)>,
    /// When it came.
    pub now: Timestamp,
}

impl Seen {
    /// What there is to tell of a packet in `bytes`, the frame that it was
    /// decoded from.
    #[inline]
    pub fn of(packet: &Packet, bytes: &[u8], sender: Endpoint, wire_len: u32, now: Timestamp) -> Self {
        let (tcp, icmp) = match &packet.transport {
            Transport::Tcp(tcp) => (Some(TcpSeen::of(packet, tcp, bytes, wire_len)), None),
            Transport::Icmp(icmp) => (None, Some((icmp.kind, icmp.code))),
            _ => (None, None),
        };
        Self { sender, wire_len, tcp, icmp, macs: packet.macs, now }
    }

    fn tcp_flags(&self) -> Option<Flags> {
        self.tcp.map(|tcp| tcp.flags)
    }
}

/// A flow that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The flow as it stood.
    pub record: FlowRecord,
    /// Why.
    pub reason: EndReason,
    /// What dissectors kept elsewhere and now let go.
    pub extension: Option<u32>,
    /// What carried it, as told by [`FlowTable::set_outer`].
    pub outer: Option<Outer>,
    /// The Ethernet addresses of the client's side, and of the server's.
    pub macs: MacLists,
}

/// What a packet was to the table.
#[derive(Clone, Copy, Debug)]
pub struct Tracked {
    /// Its flow.
    pub index: FlowIndex,
    /// Which way it goes.
    pub direction: Direction,
    /// Whether it is the first of its flow.
    pub opened: bool,
    /// What it is to its connection; TCP alone.
    pub segment: Option<Segment>,
    /// The flow that ended with its coming, if one did: to make room, or the
    /// one before under the same key.
    pub ended: Option<Ended>,
}

/// How far a sweep came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// Every flow whose time is up has ended.
    Done,
    /// The budget ran out first.
    More,
}

/// The flows of one worker.
pub struct FlowTable {
    slots: Arc<Slots>,
    index: Index,
    wheel: Wheel,
    victims: Victims,
    idle_max: IdleMax,
    pub(super) midstream: bool,
    counters: FlowCounters,
    outers: Outers,
    macs: Macs,
    /// The slot that was left last; each leads to the one left before.
    free: u32,
    active: u32,
    next_id: u64,
    id_step: u64,
}

impl FlowTable {
    /// An empty table.
    pub fn new(config: &FlowConfig) -> Result<Self, FlowError> {
        let flows = config.capacity;
        if flows == 0 || flows > CAPACITY_MAX {
            return Err(FlowError::Capacity { flows });
        }
        let (shard, shards) = config.shard;
        Ok(Self {
            slots: Arc::new(Slots::allocate(flows)?),
            index: Index::allocate(flows)?,
            wheel: Wheel::new(),
            victims: Victims::new(),
            idle_max: IdleMax::new(&config.timeouts),
            midstream: config.midstream,
            counters: FlowCounters::default(),
            outers: Outers::new(flows),
            macs: Macs::allocate(flows)?,
            free: NONE,
            active: 0,
            next_id: u64::from(shard) + 1,
            id_step: u64::from(shards.max(1)),
        })
    }

    /// A view for other threads.
    pub fn reader(&self) -> FlowReader {
        FlowReader::new(Arc::clone(&self.slots))
    }

    /// How many flows there are now.
    pub const fn active(&self) -> u32 {
        self.active
    }

    /// What has happened so far.
    pub const fn counters(&self) -> &FlowCounters {
        &self.counters
    }

    /// Changes the time-outs. A flow that is there ends by the new ones, but
    /// is not looked at before the old one was up, unless it changes its state.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.idle_max = IdleMax::new(&timeouts);
    }

    /// Asks the memory for the line of the index that this hash leads to, by an
    /// early load. Who has an instruction for it asks for
    /// [`FlowTable::index_line`] instead.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.index.prefetch(hash);
    }

    /// Asks the memory for the slot that this hash leads to, by early loads; its
    /// line of the index should have come by now. Who has an instruction for it
    /// asks for [`FlowTable::slot_lines`] instead.
    #[inline]
    pub fn prefetch_slot(&self, hash: u64) {
        if let Some(index) = self.index.candidate(hash) {
            let slot = self.slots.at(index);
            // One load from each of the two lines that a packet needs.
            black_box((slot.client(), slot.last()));
        }
    }

    /// The line of the index that this hash leads to, for a prefetch.
    ///
    /// An early load holds up what comes after it in the processor, a prefetch
    /// does not: at a million flows it halves the time of a packet.
    #[inline]
    pub fn index_line(&self, hash: u64) -> *const u8 {
        self.index.line(hash)
    }

    /// The lines that a packet needs of the slot that this hash leads to, for a
    /// prefetch; its line of the index should have come by now.
    #[inline]
    pub fn slot_lines(&self, hash: u64) -> Option<[*const u8; 2]> {
        self.index.candidate(hash).map(|index| self.slots.at(index).lines())
    }

    /// The flow with this key.
    #[inline]
    pub fn lookup(&self, key: &Key, hash: u64) -> Option<FlowIndex> {
        self.index.find(hash, |index| self.slots.at(index).holds(key)).map(FlowIndex)
    }

    /// The flow with this key, for a packet that speaks of it and is not of it,
    /// as an ICMP error is of the flow that it quotes: it does not count there
    /// and does not keep the flow from timing out.
    pub fn related(&self, key: &Key, hash: u64) -> Option<FlowIndex> {
        self.lookup(key, hash)
    }

    /// Which way goes what this end sends.
    pub fn direction(&self, index: FlowIndex, sender: Endpoint) -> Direction {
        if self.slot(index).client() == sender { Direction::Up } else { Direction::Down }
    }

    /// Counts a packet in its flow, which it opens where there is none.
    ///
    /// A packet that comes when the time of its flow is up, or that opens a TCP
    /// connection after the end of the one before, opens a new flow: what is
    /// told of flows does not depend on when the sweep comes by.
    #[inline]
    pub fn track(&mut self, key: &Key, hash: u64, seen: &Seen) -> Tracked {
        let Some(index) = self.lookup(key, hash) else { return self.insert(key, hash, seen) };
        let slot = self.slots.at(index.0);
        let bits = slot.stage_bits();
        let in_time = self.idle_max.deadline(slot.last(), TimeoutRow::from_bits(bits)) > seen.now;
        let direction = direction(slot, seen);
        // Nearly every packet goes one of these two ways.
        let segment = match &seen.tcp {
            Some(tcp) if in_time && is_tcp_settled(bits, direction, tcp.flags) => {
                slot.advance(direction, tcp)
            }
            None if in_time && is_settled(bits) => None,
            _ => return self.track_slowly(index, in_time, key, hash, seen),
        };
        if seen.tcp.is_some() && segment.is_none() {
            return self.track_slowly(index, in_time, key, hash, seen);
        }
        self.counters.hits += 1;
        let count = slot.count(direction, seen.wire_len, seen.now);
        self.macs.note(index.0, direction, seen.macs, count);
        Tracked { index, direction, opened: false, segment, ended: None }
    }

    #[inline(never)]
    fn track_slowly(
        &mut self,
        index: FlowIndex,
        in_time: bool,
        key: &Key,
        hash: u64,
        seen: &Seen,
    ) -> Tracked {
        if !in_time {
            self.reopen(index, EndReason::Timeout, key, hash, seen)
        } else if seen.tcp_flags().is_some_and(|flags| self.slot(index).is_reopened_by(flags)) {
            self.reopen(index, EndReason::Reused, key, hash, seen)
        } else {
            let (direction, segment) = self.update(index, seen);
            Tracked { index, direction, opened: false, segment, ended: None }
        }
    }

    /// Ends a flow and opens another under its key.
    #[cold]
    fn reopen(&mut self, index: FlowIndex, reason: EndReason, key: &Key, hash: u64, seen: &Seen) -> Tracked {
        let ended = self.remove(index, reason);
        Tracked { ended, ..self.insert(key, hash, seen) }
    }

    /// Counts a packet in a flow that is in time.
    fn update(&mut self, index: FlowIndex, seen: &Seen) -> (Direction, Option<Segment>) {
        self.counters.hits += 1;
        let slot = self.slots.at(index.0);
        let direction = direction(slot, seen);
        let stale = seen.now.since(slot.last()) > TIMESTAMP_LIFE;
        let circumstances = Circumstances { midstream: self.midstream, stale };
        let count = slot.count(direction, seen.wire_len, seen.now);
        self.macs.note(index.0, direction, seen.macs, count);
        let before = slot.stage();
        let Some(tcp) = &seen.tcp else {
            if before.progress == Progress::OneWay && slot.is_answered() {
                self.proceed(index, Stage { progress: Progress::BothWays, ..before });
            }
            return (direction, None);
        };
        let (connection, segment) = match before.progress {
            Progress::Tcp(state) => {
                let mut connection = Connection { state, sides: slot.sides() };
                let segment = connection.receive(direction, tcp, circumstances);
                (connection, segment)
            }
            // What came first under this key did not decode as TCP.
            Progress::OneWay | Progress::BothWays => Connection::open(direction, tcp, circumstances),
        };
        slot.set_sides(&connection.sides);
        self.counters.segment(tcp, &segment);
        let progress = Progress::Tcp(connection.state);
        self.proceed(index, Stage { progress, ..before.with_flags(direction, tcp.flags) });
        (direction, Some(segment))
    }

    /// Keeps a flow's stage, and brings queues and wheel up to it.
    fn proceed(&mut self, FlowIndex(index): FlowIndex, after: Stage) {
        let slot = self.slots.at(index);
        let before = slot.stage();
        if after == before {
            return;
        }
        slot.set_stage(after);
        if after.progress == before.progress {
            return;
        }
        let deadline = self.idle_max.deadline(slot.last(), slot.timeout_row());
        if after.class() != before.class() {
            self.victims.leave(&self.slots, index, before.class());
            self.victims.enter(&self.slots, index, after.class());
        }
        self.wheel.hasten(&self.slots, index, deadline);
    }

    /// Opens a flow with its first packet; there must be none with this key.
    #[inline(never)]
    pub fn insert(&mut self, key: &Key, hash: u64, seen: &Seen) -> Tracked {
        let (index, ended) = self.take();
        let client = client(key, seen);
        let direction = if client == seen.sender { Direction::Up } else { Direction::Down };
        let circumstances = Circumstances { midstream: self.midstream, stale: false };
        let (stage, sides, segment) = match &seen.tcp {
            Some(tcp) => {
                let (Connection { state, sides }, segment) = Connection::open(direction, tcp, circumstances);
                let stage = Stage { progress: Progress::Tcp(state), ..Stage::opened() };
                (stage.with_flags(direction, tcp.flags), Some(sides), Some(segment))
            }
            None => (Stage::opened(), None, None),
        };
        let slot = self.slots.at(index);
        slot.open(&Opening {
            key,
            client,
            icmp: seen.icmp.unwrap_or_default(),
            id: self.next_id,
            start: seen.now,
            stage,
            sides: sides.as_ref(),
            home: home_of(hash),
        });
        let count = slot.count(direction, seen.wire_len, seen.now);
        self.macs.note(index, direction, seen.macs, count);
        let deadline = self.idle_max.deadline(seen.now, slot.timeout_row());
        self.index.insert(hash, index);
        self.wheel.arm(&self.slots, index, deadline);
        self.victims.enter(&self.slots, index, stage.class());
        self.next_id += self.id_step;
        self.active += 1;
        self.counters.opened(key.protocol());
        if let (Some(tcp), Some(segment)) = (&seen.tcp, &segment) {
            self.counters.segment(tcp, segment);
            self.counters.midstream += u64::from(self.slots.at(index).is_midstream());
        }
        Tracked { index: FlowIndex(index), direction, opened: true, segment, ended }
    }

    /// Closes a TCP connection whose two ends we have sent a RST.
    pub fn reset(&mut self, index: FlowIndex) {
        let before = self.slot(index).stage();
        if let Progress::Tcp(state) = before.progress {
            let over = if state.is_half_open() { TcpState::Refused } else { TcpState::Closed };
            self.proceed(index, Stage { progress: Progress::Tcp(over), ..before });
        }
    }

    /// Notes what carries a flow; one that travels plainly has no place for it.
    pub fn set_outer(&mut self, index: FlowIndex, outer: Outer) {
        if self.slot(index).is_tunnelled() {
            self.outers.set(index.0, outer);
        }
    }

    /// What carries a flow, if that was noted.
    pub fn outer(&self, index: FlowIndex) -> Option<&Outer> {
        if self.slot(index).is_tunnelled() { self.outers.at(index.0) } else { None }
    }

    /// Ends a flow now; `None` where it has ended already.
    pub fn remove(&mut self, index: FlowIndex, reason: EndReason) -> Option<Ended> {
        self.slot(index).is_live().then(|| {
            self.wheel.disarm(&self.slots, index.0);
            self.end(index.0, reason)
        })
    }

    /// Ends flows whose time is up and hands each to `ended`.
    ///
    /// Looks at no more than `budget` flows and ticks of the wheel, and goes on
    /// from there the next time.
    pub fn sweep(&mut self, now: Timestamp, budget: usize, mut ended: impl FnMut(Ended)) -> Sweep {
        let mut budget = budget;
        self.wheel.advance(now);
        while let Some(index) = self.wheel.pop(&self.slots, &mut budget) {
            self.counters.swept += 1;
            let slot = self.slots.at(index);
            if slot.last().since(now) > BACK_MAX {
                // The clock was set back. The flow was seen at a time that is
                // not coming again soon: it counts as seen now.
                slot.set_last(now);
            }
            let deadline = self.idle_max.deadline(slot.last(), slot.timeout_row());
            if deadline <= now {
                ended(self.end(index, EndReason::Timeout));
            } else {
                self.wheel.arm(&self.slots, index, deadline);
            }
        }
        if self.wheel.is_done() { Sweep::Done } else { Sweep::More }
    }

    /// Ends every flow (the gateway stops, or the capture has ended), looking at
    /// `budget` slots from `cursor` on, which begins at 0 and moves on.
    pub fn drain(&mut self, cursor: &mut u32, budget: u32, mut ended: impl FnMut(Ended)) -> Sweep {
        let used = self.slots.used();
        let end = cursor.saturating_add(budget).min(used);
        for index in *cursor..end {
            if let Some(flow) = self.remove(FlowIndex(index), EndReason::Shutdown) {
                ended(flow);
            }
        }
        *cursor = end;
        if end == used { Sweep::Done } else { Sweep::More }
    }

    /// A vacant slot, and the flow that had to go for it.
    fn take(&mut self) -> (u32, Option<Ended>) {
        if self.free == NONE {
            if let Some(fresh) = self.slots.take_fresh() {
                return (fresh, None);
            }
            let victim = self.victims.choose(&self.slots).map(FlowIndex);
            let ended = victim.and_then(|victim| self.remove(victim, EndReason::Evicted));
            return (self.pop_free(), ended);
        }
        (self.pop_free(), None)
    }

    fn pop_free(&mut self) -> u32 {
        let index = self.free;
        let (_, next) = self.slots.at(index).victim.both();
        self.free = next;
        index
    }

    /// Ends a flow that is out of the wheel.
    fn end(&mut self, index: u32, reason: EndReason) -> Ended {
        let slot = self.slots.at(index);
        let (record, extension, class) = (slot.record(), slot.extension(), slot.stage().class());
        let outer = if slot.is_tunnelled() { self.outers.take(index) } else { None };
        self.index.remove(slot.home(), index);
        self.victims.leave(&self.slots, index, class);
        slot.close();
        slot.victim.set(NONE, self.free);
        self.free = index;
        self.active -= 1;
        self.counters.ended(reason, record.state, class);
        Ended { record, reason, extension, outer, macs: self.macs.take(index) }
    }

    #[inline]
    pub(super) fn slot(&self, FlowIndex(index): FlowIndex) -> &Slot {
        self.slots.at(index)
    }
}

impl std::fmt::Debug for FlowTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FlowTable({} flows)", self.active)
    }
}

#[inline]
fn direction(slot: &Slot, seen: &Seen) -> Direction {
    if slot.client() == seen.sender { Direction::Up } else { Direction::Down }
}

/// Who opened a flow, from its first packet.
///
/// The sender, but for TCP in two cases: a SYN+ACK answers its destination; and
/// where the flow is older than our watch, what comes from a port of a lower
/// kind comes from the server: well-known (below 1024), registered, or (from
/// 32,768 on) of those that systems give to clients. The latter is a guess, and
/// all there is to go by.
fn client(key: &Key, seen: &Seen) -> Endpoint {
    let Some(flags) = seen.tcp_flags() else { return seen.sender };
    let ((_, from), (_, to)) = (key.endpoint(seen.sender), key.endpoint(seen.sender.other()));
    let from_server = if flags.contains(Flags::SYN) {
        flags.contains(Flags::ACK)
    } else {
        key.protocol() == TCP && port_kind(from) < port_kind(to)
    };
    if from_server { seen.sender.other() } else { seen.sender }
}

/// Well-known, registered (RFC 6335 section 6), or chosen by a system for a
/// client: Linux does so from 32,768 on, others from 49,152.
const fn port_kind(port: u16) -> u8 {
    match port {
        0..1_024 => 0,
        1_024..32_768 => 1,
        32_768.. => 2,
    }
}
