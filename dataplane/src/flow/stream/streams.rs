//! All connections of a worker.

use std::net::IpAddr;

use tidegate_config::{NetworkPolicy, StreamPolicy, policy_of};

use super::chunks::Chunks;
use super::one_way::{OneWay, Outlet};
use super::overlap::Rule;
use super::pool::{BLOCK_LEN, Pool, Purse};
use super::{
    Direction, Discipline, Segment, StreamAnomalies, StreamConfig, StreamCounters, StreamHandle, StreamSink,
    Taken,
};

/// The share of the memory that is for connections; the rest is for their bytes.
const CONNECTIONS_SHARE: usize = 4;

/// A connection, or room for one.
struct Connection {
    up: OneWay,
    down: OneWay,
    /// Blocks that it holds, both ways.
    held: u32,
    is_open: bool,
}

// What a connection costs beside its bytes: three cache lines with its number.
const _: () = assert!(size_of::<Connection>() <= 144);

impl Connection {
    fn new(up: Rule, down: Rule, depth: Option<u64>) -> Self {
        Self { up: OneWay::new(up, depth), down: OneWay::new(down, depth), held: 0, is_open: true }
    }

    fn vacant() -> Self {
        Self { is_open: false, ..Self::new(Rule::First, Rule::First, None) }
    }

    fn way(&self, direction: Direction) -> &OneWay {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

/// The streams of a worker's connections.
pub struct Streams {
    connections: Chunks<Connection>,
    /// Numbers of connections that are not open.
    vacant: Vec<u32>,
    pool: Pool,
    held_max: u32,
    depth: Option<u64>,
    discipline: Discipline,
    policy: StreamPolicy,
    policies: Vec<NetworkPolicy<StreamPolicy>>,
    counters: StreamCounters,
}

impl Streams {
    /// No connections. Memory is taken as they come, up to the cap, and kept: a
    /// quarter of it at most for connections, the rest for bytes.
    pub fn new(config: &StreamConfig) -> Self {
        let connections = config.memory / CONNECTIONS_SHARE;
        Self {
            connections: Chunks::new(connections / size_of::<Connection>()),
            vacant: Vec::new(),
            pool: Pool::new(config.memory - connections),
            held_max: u32::try_from(config.flow_memory / BLOCK_LEN).unwrap_or(u32::MAX),
            depth: config.depth,
            discipline: config.discipline,
            policy: config.policy,
            policies: config.policies.clone(),
            counters: StreamCounters::default(),
        }
    }

    /// A new connection between these two, whose systems decide about overlaps
    /// in what they receive. `None` where there is no room, which is counted.
    pub fn open(&mut self, server: IpAddr, client: IpAddr) -> Option<StreamHandle> {
        let Some(number) = self.take_vacant() else {
            self.counters.refused += 1;
            return None;
        };
        let rule = |receiver| {
            let policy = policy_of(&self.policies, receiver).unwrap_or(self.policy);
            Rule::of(self.discipline, policy)
        };
        let connection = Connection::new(rule(server), rule(client), self.depth);
        *self.connections.get_mut(number)? = connection;
        self.counters.opened += 1;
        self.counters.open += 1;
        self.weigh();
        Some(StreamHandle(number))
    }

    fn take_vacant(&mut self) -> Option<u32> {
        if self.vacant.is_empty() {
            let grown = self.connections.grow(Connection::vacant)?;
            self.vacant.reserve(grown.end as usize);
            self.vacant.extend(grown.rev());
        }
        self.vacant.pop()
    }

    /// Tells what can be told, with gaps for what is missing, and lets go of the
    /// connection.
    pub fn close(&mut self, handle: StreamHandle, sink: &mut impl StreamSink) -> StreamAnomalies {
        let mut anomalies = StreamAnomalies::default();
        for direction in [Direction::Up, Direction::Down] {
            let Some((way, mut purse)) = self.reach(handle, direction) else { return anomalies };
            anomalies.add(way.close(&mut purse, &mut Outlet { sink, direction }));
        }
        if let Some(connection) = self.connections.get_mut(handle.0) {
            assert!(connection.held == 0, "a closed connection holds {} blocks", connection.held);
            connection.is_open = false;
            self.vacant.push(handle.0);
            self.counters.open -= 1;
        }
        self.weigh();
        anomalies
    }

    /// The sequence number of the first byte of a direction: one more than that
    /// of the SYN. The first call counts. Without one, the first segment
    /// begins the stream where it is.
    pub fn begin(&mut self, handle: StreamHandle, direction: Direction, first_seq: u32) {
        if let Some((way, _)) = self.reach(handle, direction) {
            way.begin(first_seq);
        }
    }

    /// A segment of a direction, before it is forwarded. Bytes in order go to
    /// the sink straight from the payload.
    pub fn segment(
        &mut self,
        handle: StreamHandle,
        direction: Direction,
        segment: &Segment<'_>,
        sink: &mut impl StreamSink,
    ) -> Taken {
        let Some((way, mut purse)) = self.reach(handle, direction) else { return Taken::default() };
        let taken = way.segment(&mut purse, segment, &mut Outlet { sink, direction });
        self.weigh();
        taken
    }

    /// The receiver of `data_direction` has acknowledged everything below `ack`:
    /// what is remembered of it is let go, and holes in it become gaps.
    pub fn acknowledged(
        &mut self,
        handle: StreamHandle,
        data_direction: Direction,
        ack: u32,
        sink: &mut impl StreamSink,
    ) -> StreamAnomalies {
        let direction = data_direction;
        let Some((way, mut purse)) = self.reach(handle, direction) else {
            return StreamAnomalies::default();
        };
        let anomalies = way.acknowledged(&mut purse, ack, &mut Outlet { sink, direction });
        self.weigh();
        anomalies
    }

    /// Nobody wants the bytes of a direction any more, as if its sink had said
    /// [`super::Interest::Enough`].
    pub fn enough(&mut self, handle: StreamHandle, direction: Direction) {
        if let Some((way, mut purse)) = self.reach(handle, direction) {
            way.stop(&mut purse);
        }
        self.weigh();
    }

    /// The connection was reset. What waits behind a hole that was never
    /// acknowledged did not get to whom it was sent: it is let go, and no gap. It
    /// is told all the same where a receiver's acknowledgements go by elsewhere.
    pub fn cut_short(&mut self, handle: StreamHandle) {
        for direction in [Direction::Up, Direction::Down] {
            if let Some((way, mut purse)) = self.reach(handle, direction) {
                way.cut_short(&mut purse);
            }
        }
        self.weigh();
    }

    /// Puts the remembered bytes over those of a segment; asked after
    /// [`Streams::segment`] told of a conflict, or before it, on a copy, by who
    /// drops such segments and wants nothing of them remembered. Whether any byte
    /// was changed.
    pub fn original(&self, handle: StreamHandle, direction: Direction, seq: u32, payload: &mut [u8]) -> bool {
        self.look(handle, direction).is_some_and(|way| way.original(&self.pool, seq, payload))
    }

    /// Every run of bytes that is remembered of a direction, with its place: for
    /// tests and for looking on, it allocates.
    pub fn buffered(&self, handle: StreamHandle, direction: Direction) -> Vec<(u64, Vec<u8>)> {
        self.look(handle, direction).map(|way| way.buffered(&self.pool)).unwrap_or_default()
    }

    /// What was counted.
    pub fn counters(&self) -> &StreamCounters {
        &self.counters
    }

    /// How often blocks were looked into, since the last time this was asked.
    #[cfg(test)]
    pub(super) fn looks(&self) -> u64 {
        self.pool.looks.take()
    }

    fn look(&self, handle: StreamHandle, direction: Direction) -> Option<&OneWay> {
        let connection = self.connections.get(handle.0).filter(|connection| connection.is_open)?;
        Some(connection.way(direction))
    }

    /// One direction of an open connection, and what it may take.
    #[inline]
    fn reach(&mut self, handle: StreamHandle, direction: Direction) -> Option<(&mut OneWay, Purse<'_>)> {
        let connection = self.connections.get_mut(handle.0).filter(|connection| connection.is_open)?;
        let purse = Purse {
            pool: &mut self.pool,
            held: &mut connection.held,
            held_max: self.held_max,
            discipline: self.discipline,
            counters: &mut self.counters,
        };
        let way = match direction {
            Direction::Up => &mut connection.up,
            Direction::Down => &mut connection.down,
        };
        Some((way, purse))
    }

    /// Counts what is in use.
    #[inline]
    fn weigh(&mut self) {
        let blocks = u64::from(self.pool.used()) * BLOCK_LEN as u64;
        self.counters.memory_bytes = blocks + self.counters.open * size_of::<Connection>() as u64;
    }
}
