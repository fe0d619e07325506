//! The table beside a map that does the same without an index, without a wheel
//! and without queues: random packets, steps of time, sweeps and removals must
//! tell the same story of every flow.

#![expect(clippy::indexing_slicing, reason = "a test that goes out of bounds is to fail")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use proptest::prelude::*;

use super::stage::{Class, Progress, Stage, TimeoutRow};
use super::tcp::{Circumstances, Connection, SideFlags, TcpSeenOptions};
use super::timeouts::IdleMax;
use super::*;
use crate::time::Timestamp;
use crate::wire::packet::Vlans;
use crate::wire::tcp::Flags;

const CAPACITY: u32 = 6;
const KEYS: u16 = 10;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Packet { key: u16, back: bool, flags: u8, seq: u32, ack: u32, wire_len: u32 },
    Pass(Duration),
    Sweep { budget: usize },
    Remove { key: u16 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Flags that connections are made of come oftener than noise.
    let flags = prop_oneof![
        4 => Just(Flags::SYN),
        4 => Just(Flags::SYN | Flags::ACK),
        8 => Just(Flags::ACK),
        3 => Just(Flags::FIN | Flags::ACK),
        2 => Just(Flags::RST | Flags::ACK),
        1 => any::<u8>().prop_map(Flags::from_bits_retain),
    ];
    let pass = prop_oneof![0..400_u64, 0..12_000_u64, 0..700_000_u64, 0..4_000_000_000_u64];
    let step = prop_oneof![
        12 => (0..KEYS, any::<bool>(), flags, 0..3_u32, 0..3_u32, 60..1_515_u32).prop_map(
            |(key, back, flags, seq, ack, wire_len)| {
                Step::Packet { key, back, flags: flags.bits(), seq, ack, wire_len }
            },
        ),
        4 => pass.prop_map(|ms| Step::Pass(Duration::from_millis(ms))),
        3 => (1..40_usize).prop_map(|budget| Step::Sweep { budget }),
        1 => (0..KEYS).prop_map(|key| Step::Remove { key }),
    ];
    prop::collection::vec(step, 1..250)
}

/// Odd keys are UDP, even ones TCP.
fn key_of(number: u16) -> (Key, Endpoint) {
    let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
    let protocol = if number.is_multiple_of(2) { 6 } else { 17 };
    Key::new((address(1), 2_000 + number), (address(2), 1_024), protocol, Vlans::default())
}

/// A segment of a connection that carries no bytes: both sides begin at 0, and
/// two numbers further on all is said.
fn segment(flags: Flags, seq: u32, ack: u32) -> TcpSeen {
    let seq = if flags.contains(Flags::SYN) { 0 } else { seq };
    let options = TcpSeenOptions::default();
    TcpSeen { seq, ack, window: 1_000, flags, payload_len: 0, options }
}

/// What the oracle knows of a flow.
#[derive(Clone, Debug)]
struct Known {
    id: u64,
    start: Timestamp,
    last: Timestamp,
    packets: [u64; 2],
    bytes: [u64; 2],
    stage: Stage,
    connection: Option<Connection>,
    client: Endpoint,
    /// When it came into its class, for the order of victims.
    class_since: u64,
}

const CIRCUMSTANCES: Circumstances = Circumstances { midstream: true, stale: false };

impl Known {
    fn is_reopened_by(&self, seen: &Seen) -> bool {
        let opens = seen
            .tcp
            .is_some_and(|tcp| tcp.flags.intersection(Flags::SYN | Flags::ACK | Flags::RST) == Flags::SYN);
        opens
            && self.connection.is_some_and(|Connection { state, sides: [up, _] }| {
                state.is_over() || (state == TcpState::PickedUp && up.flags.contains(SideFlags::MIDSTREAM))
            })
    }

    /// What the packet makes of it.
    fn learn(&mut self, direction: Direction, seen: &Seen, opens: bool) {
        let Some(tcp) = &seen.tcp else {
            if !self.packets.contains(&0) {
                self.stage.progress = Progress::BothWays;
            }
            return;
        };
        let connection = match self.connection {
            Some(mut connection) if !opens => {
                connection.receive(direction, tcp, CIRCUMSTANCES);
                connection
            }
            _ => Connection::open(direction, tcp, CIRCUMSTANCES).0,
        };
        self.connection = Some(connection);
        self.stage = Stage { progress: Progress::Tcp(connection.state), ..self.stage };
        self.stage = self.stage.with_flags(direction, tcp.flags);
    }

    fn deadline(&self, protocol: u8) -> Timestamp {
        IdleMax::new(&Timeouts::default()).deadline(self.last, TimeoutRow::of(protocol, self.stage.state()))
    }
}

struct Tried {
    table: FlowTable,
    hasher: FlowHasher,
    known: BTreeMap<u16, Known>,
    now: Timestamp,
    opened: u64,
    moves: u64,
}

impl Tried {
    fn new() -> Result<Self, TestCaseError> {
        let config =
            FlowConfig { capacity: CAPACITY, timeouts: Timeouts::default(), midstream: true, shard: (0, 1) };
        let mut table = FlowTable::new(&config).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let now = Timestamp::from_nanos(1_700_000_000_000_000_000);
        // As in a gateway that has been up for a while: the wheel is at the time.
        while table.sweep(now, 1_000, |_| {}) == Sweep::More {}
        Ok(Self {
            table,
            hasher: FlowHasher::new(Seed::from_number(3)),
            known: BTreeMap::new(),
            now,
            opened: 0,
            moves: 0,
        })
    }

    /// A flow ended: it was there, and it was as the oracle has it.
    fn settle(&mut self, ended: &Ended) -> Result<Known, TestCaseError> {
        let number = self.known.iter().find(|(_, known)| known.id == ended.record.id).map(|(key, _)| *key);
        let known = number.and_then(|number| self.known.remove(&number));
        let known = known.ok_or_else(|| TestCaseError::fail("a flow ended that is not there"))?;
        let record = ended.record;
        prop_assert_eq!((record.start, record.last), (known.start, known.last));
        prop_assert_eq!((record.packets, record.bytes), (known.packets, known.bytes));
        prop_assert_eq!((record.state, record.tcp_flags), (known.stage.state(), known.stage.flags));
        prop_assert_eq!(record.tcp_state, known.stage.tcp_state());
        Ok(known)
    }

    /// The flow that must go when one more comes; `None` if any may.
    fn victim(&self) -> Option<u64> {
        let queue = |class| {
            let mut queue: Vec<&Known> = self.known.values().filter(|k| k.stage.class() == class).collect();
            queue.sort_by_key(|known| known.class_since);
            queue
        };
        let (half_open, unreplied) = (queue(Class::HalfOpen), queue(Class::Unreplied));
        let longer = if unreplied.len() > half_open.len() { unreplied } else { half_open };
        let closed = queue(Class::Closed);
        longer.first().or_else(|| closed.first()).map(|known| known.id)
    }

    fn packet(&mut self, number: u16, back: bool, tcp: TcpSeen, wire_len: u32) -> Result<(), TestCaseError> {
        let (key, there) = key_of(number);
        let sender = if back { there.other() } else { there };
        let tcp = (key.protocol() == 6).then_some(tcp);
        let seen = Seen { sender, wire_len, tcp, icmp: None, macs: None, now: self.now };
        let before = self.known.get(&number).cloned();
        let expected_end = before.as_ref().and_then(|known| {
            if known.deadline(key.protocol()) <= self.now {
                Some(EndReason::Timeout)
            } else {
                known.is_reopened_by(&seen).then_some(EndReason::Reused)
            }
        });
        let opens = before.is_none() || expected_end.is_some();
        let full = before.is_none() && self.known.len() == CAPACITY as usize;
        let victim = self.victim();

        let tracked = self.table.track(&key, self.hasher.hash(&key), &seen);
        prop_assert_eq!(tracked.opened, opens);
        let reason = if full { Some(EndReason::Evicted) } else { expected_end };
        prop_assert_eq!(tracked.ended.map(|ended| ended.reason), reason);
        if let Some(ended) = &tracked.ended {
            prop_assert!(!full || victim.is_none_or(|victim| victim == ended.record.id));
            self.settle(ended)?;
        }
        if opens {
            self.open(number, &seen);
        }
        self.count(number, &seen, opens, tracked.direction)?;
        prop_assert_eq!(self.table.record(tracked.index).id, self.known.get(&number).map_or(0, |k| k.id));
        Ok(())
    }

    fn open(&mut self, number: u16, seen: &Seen) {
        self.opened += 1;
        // All ports are above 1023: only a SYN+ACK turns the direction round.
        let answers = seen.tcp.is_some_and(|tcp| tcp.flags.contains(Flags::SYN | Flags::ACK));
        let client = if answers { seen.sender.other() } else { seen.sender };
        let known = Known {
            id: self.opened,
            start: seen.now,
            last: seen.now,
            packets: [0, 0],
            bytes: [0, 0],
            stage: Stage::opened(),
            connection: None,
            client,
            class_since: self.moves,
        };
        self.known.insert(number, known);
    }

    fn count(&mut self, number: u16, seen: &Seen, opens: bool, told: Direction) -> Result<(), TestCaseError> {
        self.moves += 1;
        let Some(known) = self.known.get_mut(&number) else {
            return Err(TestCaseError::fail("a packet without a flow"));
        };
        let direction = if seen.sender == known.client { Direction::Up } else { Direction::Down };
        prop_assert_eq!(told, direction);
        known.packets[direction as usize] += 1;
        known.bytes[direction as usize] += u64::from(seen.wire_len);
        known.last = seen.now;
        let class = known.stage.class();
        known.learn(direction, seen, opens);
        if opens || known.stage.class() != class {
            known.class_since = self.moves;
        }
        Ok(())
    }

    /// A sweep ends nothing early; a sweep that says it is done has left
    /// nothing that was due a tick ago.
    fn sweep(&mut self, budget: usize) -> Result<(), TestCaseError> {
        let mut ended = Vec::new();
        let outcome = self.table.sweep(self.now, budget, |flow| ended.push(flow));
        prop_assert!(ended.len() <= budget);
        for flow in &ended {
            prop_assert_eq!(flow.reason, EndReason::Timeout);
            let known = self.settle(flow)?;
            prop_assert!(known.deadline(flow.record.tuple.protocol) <= self.now);
        }
        if outcome == Sweep::Done {
            for (number, known) in &self.known {
                let deadline = known.deadline(key_of(*number).0.protocol());
                prop_assert!(deadline.plus(Duration::from_millis(269)) > self.now, "left: {:?}", known);
            }
        }
        Ok(())
    }

    fn remove(&mut self, number: u16) -> Result<(), TestCaseError> {
        let (key, _) = key_of(number);
        let index = self.table.lookup(&key, self.hasher.hash(&key));
        prop_assert_eq!(index.is_some(), self.known.contains_key(&number));
        if let Some(index) = index {
            let ended = self.table.remove(index, EndReason::Shutdown);
            prop_assert!(self.table.remove(index, EndReason::Shutdown).is_none());
            let ended = ended.ok_or_else(|| TestCaseError::fail("found and not there"))?;
            self.settle(&ended)?;
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Packet { key, back, flags, seq, ack, wire_len } => {
                self.packet(key, back, segment(Flags::from_bits_retain(flags), seq, ack), wire_len)?;
            }
            Step::Pass(duration) => self.now = self.now.plus(duration),
            Step::Sweep { budget } => self.sweep(budget)?,
            Step::Remove { key } => self.remove(key)?,
        }
        prop_assert_eq!(self.table.active() as usize, self.known.len());
        let mut ids: Vec<u64> =
            self.table.reader().records(usize::MAX, |_| true).iter().map(|record| record.id).collect();
        ids.sort_unstable();
        let mut known: Vec<u64> = self.known.values().map(|known| known.id).collect();
        known.sort_unstable();
        prop_assert_eq!(ids, known);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn table_and_oracle_tell_the_same_story(steps in steps()) {
        let mut tried = Tried::new()?;
        for step in steps {
            tried.step(step)?;
        }
        let (mut ended, mut cursor) = (Vec::new(), 0);
        while tried.table.drain(&mut cursor, 7, |flow| ended.push(flow)) == Sweep::More {}
        for flow in &ended {
            prop_assert_eq!(flow.reason, EndReason::Shutdown);
            tried.settle(flow)?;
        }
        prop_assert!(tried.known.is_empty());
        let counted = tried.table.counters();
        let gone: u64 = counted.named().iter().filter(|(name, _)| {
            name.starts_with("flow.timeout") || name.starts_with("flow.evicted")
                || matches!(*name, "flow.reused" | "flow.shutdown")
        }).map(|(_, value)| value).sum();
        prop_assert_eq!((counted.total, gone), (tried.opened, tried.opened));
    }

    /// Whatever the clock of a capture does, each flow ends once, and a sweep
    /// long after everything leaves nothing.
    #[test]
    fn a_wild_clock_does_no_harm(
        steps in prop::collection::vec(
            (0..KEYS, any::<bool>(), prop_oneof![0..60_u64, 0..2_000_u64, 0..4_000_000_000_u64], 1..50_usize),
            1..120,
        ),
    ) {
        let mut tried = Tried::new()?;
        let mut ids = std::collections::HashSet::new();
        let mut latest = Timestamp::ZERO;
        for (number, back, secs, budget) in steps {
            let now = Timestamp::from_nanos(secs * 1_000_000_000);
            latest = latest.max(now);
            let (key, there) = key_of(number);
            let sender = if back { there.other() } else { there };
            let seen = Seen { sender, wire_len: 60, tcp: None, icmp: None, macs: None, now };
            let tracked = tried.table.track(&key, tried.hasher.hash(&key), &seen);
            let mut ended: Vec<Ended> = tracked.ended.into_iter().collect();
            tried.table.sweep(now, budget, |flow| ended.push(flow));
            for flow in ended {
                prop_assert!(ids.insert(flow.record.id), "{} ended twice", flow.record.id);
            }
        }
        let end = latest.plus(Duration::from_hours(1));
        while tried.table.sweep(end, 1_000, |flow| { ids.insert(flow.record.id); }) == Sweep::More {}
        prop_assert_eq!(tried.table.active(), 0);
        prop_assert_eq!(ids.len() as u64, tried.table.counters().total);
    }
}
