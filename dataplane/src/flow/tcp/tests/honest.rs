//! Two honest ends and a bad network: nothing that they send is taken for
//! another's, and in the end the connection is closed.

#![expect(clippy::indexing_slicing, reason = "a test that goes out of bounds is to fail")]

use proptest::prelude::*;

use super::endpoint::{Endpoint, Nature};
use super::*;

/// How far a segment may be overtaken on one hop.
const REORDER_MAX: usize = 4;

/// What happens next.
#[derive(Clone, Copy, Debug)]
struct Step {
    what: u8,
    which: u8,
    how: u32,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (0..100_u8, any::<u8>(), any::<u32>()).prop_map(|(what, which, how)| Step { what, which, how });
    prop::collection::vec(step, 0..900)
}

fn nature() -> impl Strategy<Value = Nature> {
    let isn = prop_oneof![any::<u32>(), (u32::MAX - 3_000..=u32::MAX)];
    let scale = prop_oneof![Just(None), (0..15_u8).prop_map(Some)];
    let clock = prop_oneof![any::<u32>(), Just(u32::MAX - 20)];
    let bytes = prop_oneof![Just(0), 1..20_000_u32];
    (isn, bytes, 1..9_000_u32, scale, any::<bool>(), 1..1_461_u32, clock).prop_map(
        |(isn, bytes, capacity, scale, timestamps, mss, clock)| Nature {
            isn,
            bytes,
            capacity,
            scale,
            timestamps,
            mss,
            clock,
        },
    )
}

/// The ends, the four hops between them, and the one who looks on.
struct World {
    ends: [Endpoint; 2],
    /// To the onlooker, by sender.
    hither: [Vec<TcpSeen>; 2],
    /// From the onlooker, by sender.
    thither: [Vec<TcpSeen>; 2],
    connection: Option<Connection>,
    /// Which end is the client, once that is known.
    client: usize,
    /// Segments that pass before anyone looks.
    unseen: u32,
    midstream: bool,
    latest: [Option<u32>; 2],
    now: u32,
    trace: Vec<String>,
}

impl World {
    fn new(natures: [Nature; 2], simultaneous: bool, unseen: u32) -> Self {
        let [a, b] = natures;
        Self {
            ends: [Endpoint::new(a, true), Endpoint::new(b, simultaneous)],
            hither: [Vec::new(), Vec::new()],
            thither: [Vec::new(), Vec::new()],
            connection: None,
            client: 0,
            unseen,
            midstream: unseen > 0,
            latest: [None; 2],
            now: 0,
            trace: Vec::new(),
        }
    }

    fn step(&mut self, Step { what, which, how }: Step) -> Result<(), TestCaseError> {
        self.now += u32::from(how % 7 == 0);
        let end = usize::from(which % 2);
        let overtakes = usize::from(which / 2) % REORDER_MAX;
        match what {
            0..30 => {
                let now = self.now;
                let said = self.ends[end].speak(how, now);
                self.hither[end].extend(said);
            }
            30..60 => self.pass(end, overtakes, Fate::Goes)?,
            60..63 => self.pass(end, overtakes, Fate::Doubled)?,
            63..66 => self.pass(end, overtakes, Fate::Lost)?,
            66..94 => self.arrive(end, overtakes),
            94..96 => drop(take(&mut self.thither[end], overtakes)),
            _ => self.ends[end].consume(how),
        }
        Ok(())
    }

    /// A segment comes by the onlooker.
    fn pass(&mut self, end: usize, overtakes: usize, fate: Fate) -> Result<(), TestCaseError> {
        let Some(seen) = take(&mut self.hither[end], overtakes) else { return Ok(()) };
        if matches!(fate, Fate::Lost) {
            return Ok(());
        }
        if self.look(end, &seen)? {
            self.thither[end].push(seen);
        }
        if matches!(fate, Fate::Doubled) {
            self.hither[end].push(seen);
        }
        Ok(())
    }

    /// Whether it may pass.
    fn look(&mut self, end: usize, seen: &TcpSeen) -> Result<bool, TestCaseError> {
        // What is picked up begins with what is no SYN.
        let begun = self.connection.is_some() || !self.midstream || !seen.flags.contains(SYN);
        if self.unseen > 0 || !begun {
            self.unseen = self.unseen.saturating_sub(1);
            return Ok(true);
        }
        let before = self.connection;
        let (connection, segment) = match before {
            None => {
                let answers = seen.flags.contains(Flags::SYN | Flags::ACK);
                self.client = if answers { 1 - end } else { end };
                let direction = if answers { Down } else { Up };
                Connection::open(direction, seen, PLAIN)
            }
            Some(mut connection) => {
                let direction = if end == self.client { Up } else { Down };
                let segment = connection.receive(direction, seen, PLAIN);
                if let Some(short) = before.and_then(|before| short_way(before, direction, seen)) {
                    prop_assert_eq!(short, (connection, segment));
                }
                (connection, segment)
            }
        };
        self.connection = Some(connection);
        self.trace.push(told(end, seen, &segment, &connection));
        // What its receiver would refuse for its time stamp may be refused.
        let outdated = segment.anomalies().any(|anomaly| anomaly == Anomaly::StreamPktInvalidTimestamp)
            && self.latest[end]
                .zip(seen.options.timestamp)
                .is_some_and(|(latest, this)| this.wrapping_sub(latest).cast_signed() < 0);
        prop_assert!(segment.valid || outdated, "refused:\n{}", self.latest_trace());
        prop_assert_eq!(segment.valid, segment.class != SegmentClass::Invalid);
        if let Some(this) = seen.options.timestamp {
            let latest = self.latest[end].get_or_insert(this);
            if this.wrapping_sub(*latest).cast_signed() > 0 {
                *latest = this;
            }
        }
        Ok(segment.valid)
    }

    /// What happened last.
    fn latest_trace(&self) -> String {
        self.trace[self.trace.len().saturating_sub(8)..].join("\n")
    }

    fn arrive(&mut self, end: usize, overtakes: usize) {
        let Some(seen) = take(&mut self.thither[end], overtakes) else { return };
        let now = self.now;
        let answer = self.ends[1 - end].hear(&seen, now);
        self.hither[1 - end].extend(answer);
    }

    /// The network is well again, and both ends come to theirs.
    fn finish(&mut self) -> Result<(), TestCaseError> {
        for round in 0..40_000_u32 {
            self.now += 1;
            for end in [0, 1] {
                let now = self.now;
                self.ends[end].consume(4);
                if let Some(said) = self.ends[end].speak(round.wrapping_mul(2_654_435_761) >> 7, now) {
                    self.hither[end].push(said);
                }
                while !self.hither[end].is_empty() {
                    self.pass(end, 0, Fate::Goes)?;
                }
                while !self.thither[end].is_empty() {
                    self.arrive(end, 0);
                }
            }
            let quiet = self.hither.iter().chain(&self.thither).all(Vec::is_empty);
            if quiet && self.ends.iter().all(Endpoint::is_done) {
                return Ok(());
            }
        }
        Err(TestCaseError::fail("the ends do not come to their end"))
    }
}

fn told(end: usize, seen: &TcpSeen, segment: &Segment, connection: &Connection) -> String {
    let TcpSeen { seq, ack, window, flags, payload_len, options } = seen;
    let flags: Vec<&str> = flags.iter_names().map(|(name, _)| name).collect();
    let timestamp = options.timestamp;
    let sides = connection.sides.map(|side| {
        let flags = side.flags;
        let reach = side.reach();
        format!("end {} ack {} window {reach} of {} {flags:x?}", side.end, side.ack, side.window)
    });
    format!(
        "{end}: {} seq {seq} ack {ack} window {window} len {payload_len} ts {timestamp:?}\n    {:?} {:?}\n    {:?}\n    {}\n    {}",
        flags.join(" "),
        segment.class,
        segment.anomalies().collect::<Vec<_>>(),
        connection.state,
        sides[0],
        sides[1],
    )
}

/// What becomes of a segment on its way.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Goes,
    Doubled,
    Lost,
}

fn take(queue: &mut Vec<TcpSeen>, overtakes: usize) -> Option<TcpSeen> {
    (!queue.is_empty()).then(|| queue.remove(overtakes.min(queue.len() - 1)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_that_honest_ends_send_is_refused_and_they_close(
        natures in [nature(), nature()],
        simultaneous in prop::bool::weighted(0.3),
        steps in steps(),
    ) {
        let mut world = World::new(natures, simultaneous, 0);
        for step in steps {
            world.step(step)?;
        }
        world.finish()?;
        let state = world.connection.map(|connection| connection.state);
        prop_assert_eq!(state, Some(TcpState::Closed), "{}", world.latest_trace());
    }

    #[test]
    fn nothing_is_refused_of_a_connection_that_is_older_than_our_watch(
        natures in [nature(), nature()],
        unseen in 3..40_u32,
        steps in steps(),
    ) {
        let mut world = World::new(natures, false, unseen);
        for step in steps {
            world.step(step)?;
        }
        world.finish()?;
    }
}
