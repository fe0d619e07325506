//! Streams beside a plain map of bytes: any segments in any order, with any
//! overlap and any bytes, must tell and remember the same.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "places of tests are small, and a test that goes out of bounds is to fail"
)]

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const POLICIES: [StreamPolicy; 8] = [
    StreamPolicy::Bsd,
    StreamPolicy::Linux,
    StreamPolicy::OldLinux,
    StreamPolicy::Windows,
    StreamPolicy::Vista,
    StreamPolicy::Solaris,
    StreamPolicy::First,
    StreamPolicy::Last,
];

/// Every discipline, with every policy that it asks for.
fn manners() -> impl Strategy<Value = (Discipline, StreamPolicy)> {
    prop_oneof![
        1 => Just((Discipline::Inline, StreamPolicy::Linux)),
        3 => select(&POLICIES).prop_map(|policy| (Discipline::Passive, policy)),
    ]
}

/// The numbers from which streams begin: any, and those that soon wrap.
fn first_seqs() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), (u32::MAX - 8_000)..=u32::MAX, (0x7fff_ffff - 8_000)..=0x8000_0000_u32]
}

/// A sink that holds reassembly to its promises. A gap is `None`s.
#[derive(Default)]
pub(super) struct Told {
    pub(super) stream: Vec<Option<u8>>,
    pub(super) ended: bool,
    pub(super) enough_at: Option<u64>,
    /// Where the stream is looked at from on.
    pub(super) from: u64,
}

impl Told {
    fn heed(&self, at: u64, len: u64) -> Interest {
        let next = self.from + self.stream.len() as u64;
        assert_eq!(at + len, next, "told out of order");
        assert!(len > 0 && !self.ended);
        let had_enough = self.enough_at.is_some_and(|enough| at >= enough);
        assert!(!had_enough, "told more at {at} than was wanted");
        if self.enough_at.is_some_and(|enough| next >= enough) { Interest::Enough } else { Interest::More }
    }
}

impl StreamSink for Told {
    fn bytes(&mut self, _: Direction, at: u64, bytes: &[u8]) -> Interest {
        self.stream.extend(bytes.iter().copied().map(Some));
        self.heed(at, bytes.len() as u64)
    }

    fn gap(&mut self, _: Direction, at: u64, len: u64) -> Interest {
        self.stream.extend((0..len).map(|_| None));
        self.heed(at, len)
    }

    fn end(&mut self, _: Direction, at: u64) {
        assert_eq!(at, self.from + self.stream.len() as u64);
        assert!(!std::mem::replace(&mut self.ended, true), "ended twice");
    }
}

pub(super) fn config(discipline: Discipline, policy: StreamPolicy) -> StreamConfig {
    StreamConfig {
        depth: None,
        memory: 4 << 20,
        flow_memory: 2 << 20,
        discipline,
        policy,
        policies: Vec::new(),
    }
}

pub(super) fn open(streams: &mut Streams) -> StreamHandle {
    let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
    streams.open(address(1), address(2)).unwrap()
}

/// The plain map: what is at each place, and where its segment began and ended.
struct Oracle {
    inline: bool,
    policy: StreamPolicy,
    next: i64,
    base: i64,
    bytes: BTreeMap<i64, (u8, i64, i64)>,
    told: Vec<Option<u8>>,
}

impl Oracle {
    /// The rules once more, as a table: how the new one begins and ends against
    /// the old one.
    fn replaces(&self, new: (i64, i64), old: (i64, i64)) -> bool {
        if self.inline {
            return false;
        }
        let against = (new.0.cmp(&old.0), new.1.cmp(&old.1));
        match self.policy {
            StreamPolicy::First | StreamPolicy::Vista => false,
            StreamPolicy::Last => true,
            StreamPolicy::Bsd | StreamPolicy::Windows => matches!(against, (Less, _)),
            StreamPolicy::Linux => matches!(against, (Less, _) | (Equal, Greater)),
            StreamPolicy::OldLinux => matches!(against, (Less, _) | (Equal, Greater | Equal)),
            StreamPolicy::Solaris => {
                matches!(against, (Less | Equal, Equal) | (_, Greater))
            }
        }
    }

    /// Whether some byte was another before.
    fn segment(&mut self, from: i64, payload: &[u8]) -> bool {
        let to = from + payload.len() as i64;
        let mut conflict = false;
        for (place, &byte) in (from..to).zip(payload).filter(|&(place, _)| place >= self.base) {
            let new = (byte, from, to);
            let Some(&old) = self.bytes.get(&place) else {
                self.bytes.insert(place, new);
                continue;
            };
            conflict |= old.0 != byte;
            if place >= self.next && self.replaces((from, to), (old.1, old.2)) {
                self.bytes.insert(place, new);
            }
        }
        self.drain();
        conflict
    }

    fn drain(&mut self) {
        while let Some(&(byte, ..)) = self.bytes.get(&self.next) {
            self.told.push(Some(byte));
            self.next += 1;
        }
    }

    fn acknowledged(&mut self, to: i64) {
        while self.next < to {
            self.told.push(self.bytes.get(&self.next).map(|&(byte, ..)| byte));
            self.next += 1;
        }
        self.drain();
        self.base = self.base.max(to);
        self.bytes = self.bytes.split_off(&self.base);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Segment { from: i64, payload: Vec<u8> },
    Acknowledged(i64),
}

/// Segments of two letters over a few pages, at times from before the stream,
/// and acknowledgements that jump over holes.
fn conflicting() -> impl Strategy<Value = Vec<Step>> {
    let len = prop_oneof![1..12_usize, 1..400_usize, 1_300..2_900_usize];
    let payload = len.prop_flat_map(|len| prop::collection::vec(select(b"ab".as_slice()), len));
    let from = prop_oneof![-20..60_i64, -20..7_000_i64, 1_990..2_100_i64];
    // Some begin and end alike, where policies differ most.
    let even = (1..12_i64, 1..4_usize, select(b"abc".as_slice()));
    let step = prop_oneof![
        12 => even.prop_map(|(from, len, byte)| {
            Step::Segment { from: from * 8, payload: vec![byte; len * 8] }
        }),
        12 => (from, payload).prop_map(|(from, payload)| Step::Segment { from, payload }),
        1 => (-5..100_i64).prop_map(Step::Acknowledged),
        1 => (-5..7_500_i64).prop_map(Step::Acknowledged),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    /// The stream that is told, what is remembered, and which segments are in
    /// conflict, all as in the map, by each policy.
    #[test]
    fn tells_and_remembers_what_the_plain_map_does(
        (discipline, policy) in manners(),
        first_seq in first_seqs(),
        steps in conflicting(),
    ) {
        let mut streams = Streams::new(&config(discipline, policy));
        let handle = open(&mut streams);
        streams.begin(handle, Direction::Up, first_seq);
        let mut told = Told::default();
        let mut oracle = Oracle {
            inline: discipline == Discipline::Inline, policy, next: 0, base: 0, bytes: BTreeMap::new(), told: Vec::new(),
        };
        let seq = |place: i64| first_seq.wrapping_add(place as u32);
        for step in &steps {
            match step {
                Step::Segment { from, payload } => {
                    let segment = Segment { seq: seq(*from), payload, fin: false };
                    let taken = streams.segment(handle, Direction::Up, &segment, &mut told);
                    prop_assert_eq!(taken.conflict, oracle.segment(*from, payload));
                    prop_assert!(!taken.unkept);
                }
                Step::Acknowledged(to) => {
                    streams.acknowledged(handle, Direction::Up, seq(*to), &mut told);
                    oracle.acknowledged(*to);
                }
            }
            prop_assert_eq!(&told.stream, &oracle.told);
            let remembered: BTreeMap<i64, u8> = streams
                .buffered(handle, Direction::Up)
                .into_iter()
                .flat_map(|(at, bytes)| (at as i64..).zip(bytes))
                .collect();
            let expected = oracle.bytes.iter().map(|(&place, &(byte, ..))| (place, byte)).collect();
            prop_assert_eq!(remembered, expected);
        }
        streams.close(handle, &mut told);
        let last = oracle.bytes.keys().next_back().map_or(0, |last| last + 1);
        oracle.acknowledged(last);
        prop_assert_eq!(&told.stream, &oracle.told);
        prop_assert_eq!((streams.counters().memory_bytes, streams.counters().pieces_full), (0, 0));
    }

    /// Where all say the same, no order, cut, overlap or policy matters.
    #[test]
    fn tells_the_stream_for_any_cut_and_order(
        (discipline, policy) in manners(),
        first_seq in first_seqs(),
        stream in prop::collection::vec(any::<u8>(), 1..9_000),
        cut in prop_oneof![Just(1..2_usize), Just(1..60_usize), Just(1..3_000_usize)],
        seed in any::<u64>(),
        fin in any::<bool>(),
    ) {
        let mut dice = Dice(seed);
        // Pieces that cover all, and as many again over them.
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < stream.len() {
            let end = stream.len().min(at + dice.below(cut.clone()));
            pieces.push((at, end));
            at = end;
        }
        for _ in 0..pieces.len() {
            let from = dice.below(0..stream.len());
            pieces.push((from, stream.len().min(from + dice.below(cut.clone()))));
        }
        for place in (1..pieces.len()).rev() {
            pieces.swap(place, dice.below(0..place + 1));
        }

        let mut streams = Streams::new(&config(discipline, policy));
        let handle = open(&mut streams);
        streams.begin(handle, Direction::Down, first_seq);
        let mut told = Told::default();
        for (from, to) in pieces {
            let segment = Segment {
                seq: first_seq.wrapping_add(from as u32),
                payload: &stream[from..to],
                fin: fin && to == stream.len(),
            };
            let taken = streams.segment(handle, Direction::Down, &segment, &mut told);
            prop_assert_eq!(taken, Taken::default());
            // What was told may be acknowledged at any time.
            if dice.below(0..4) == 0 {
                let ack = first_seq.wrapping_add(told.stream.len() as u32);
                streams.acknowledged(handle, Direction::Down, ack, &mut told);
            }
        }
        prop_assert!(told.stream.iter().copied().eq(stream.iter().copied().map(Some)));
        prop_assert_eq!(told.ended, fin);
        prop_assert_eq!((streams.counters().gaps, streams.counters().conflicts), (0, 0));
    }

    /// Inline, a receiver of any system that gets any of the segments that were
    /// forwarded, in any order, reads no byte that was not inspected.
    #[test]
    fn a_receiver_reads_only_what_was_inspected(
        policy in select(&POLICIES),
        first_seq in first_seqs(),
        steps in conflicting(),
        seed in any::<u64>(),
    ) {
        let mut dice = Dice(seed);
        let mut streams = Streams::new(&config(Discipline::Inline, policy));
        let handle = open(&mut streams);
        streams.begin(handle, Direction::Up, first_seq);
        let mut told = Told::default();
        let mut receiver = Streams::new(&config(Discipline::Passive, policy));
        let received = open(&mut receiver);
        receiver.begin(received, Direction::Up, first_seq);
        let mut read = Told::default();
        let mut on_the_way: Vec<(u32, Vec<u8>)> = Vec::new();
        for step in steps {
            let Step::Segment { from, mut payload } = step else { continue };
            let seq = first_seq.wrapping_add(from as u32);
            let segment = Segment { seq, payload: &payload, fin: false };
            if streams.segment(handle, Direction::Up, &segment, &mut told).conflict {
                prop_assert!(streams.original(handle, Direction::Up, seq, &mut payload));
            }
            on_the_way.push((seq, payload));
            // Some arrive, some overtake, some get lost.
            while !on_the_way.is_empty() && dice.below(0..2) == 0 {
                let (seq, payload) = on_the_way.swap_remove(dice.below(0..on_the_way.len()));
                if dice.below(0..4) > 0 {
                    let segment = Segment { seq, payload: &payload, fin: false };
                    let taken = receiver.segment(received, Direction::Up, &segment, &mut read);
                    prop_assert!(!taken.conflict, "two segments on the way say different bytes");
                    let ack = first_seq.wrapping_add(read.stream.len() as u32);
                    receiver.acknowledged(received, Direction::Up, ack, &mut read);
                    streams.acknowledged(handle, Direction::Up, ack, &mut told);
                }
            }
            prop_assert!(told.stream.starts_with(&read.stream));
        }
    }

    /// In any memory, however little: what is told is the stream or a gap, memory
    /// stays under its cap, and comes back.
    #[test]
    fn little_memory_makes_gaps_and_nothing_worse(
        discipline in select(&[Discipline::Inline, Discipline::Passive]),
        memory in 0..200_000_usize,
        flow_memory in 0..100_000_usize,
        steps in prop::collection::vec((0..2_usize, 0..60_000_i64, 1..3_000_usize, 0..5_u8), 1..80),
    ) {
        let byte = |place: i64| (place * 7 + place / 256) as u8;
        let limits = StreamConfig { memory, flow_memory, ..config(discipline, StreamPolicy::Linux) };
        let mut streams = Streams::new(&limits);
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let handles = [0, 1].map(|_| streams.open(address, address));
        let mut told = [Told::default(), Told::default()];
        for &handle in handles.iter().flatten() {
            streams.begin(handle, Direction::Up, 0);
        }
        for (which, from, len, ack) in steps {
            let Some(handle) = handles[which] else { continue };
            let told = &mut told[which];
            // As often as not the next bytes, else any.
            let from = if ack < 3 { told.stream.len() as i64 } else { from };
            let payload: Vec<u8> = (from..from + len as i64).map(byte).collect();
            let segment = Segment { seq: from as u32, payload: &payload, fin: false };
            let taken = streams.segment(handle, Direction::Up, &segment, told);
            prop_assert!(!taken.conflict);
            if ack == 0 {
                streams.acknowledged(handle, Direction::Up, from as u32, told);
            }
            prop_assert!(streams.counters().memory_bytes <= memory as u64);
        }
        for (which, told) in told.iter_mut().enumerate() {
            let Some(handle) = handles[which] else { continue };
            streams.close(handle, told);
            for (place, told) in told.stream.iter().enumerate() {
                prop_assert!(told.is_none_or(|told| told == byte(place as i64)));
            }
        }
        prop_assert_eq!(streams.counters().memory_bytes, 0);
    }
}

/// Numbers from a seed (`splitmix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, range: std::ops::Range<usize>) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        range.start + (mixed ^ (mixed >> 31)) as usize % (range.end - range.start)
    }
}
