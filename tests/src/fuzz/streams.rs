//! Segments of any kind, in any order, against `flow::stream`.

use tidegate::flow::stream::{Direction, Discipline, Interest, Segment, StreamConfig, StreamSink, Streams};
use tidegate_config::StreamPolicy;

/// The bytes of a stream, as the fuzzer's segments may be told.
struct Inspected {
    told: Vec<Option<u8>>,
    enough_at: usize,
}

impl Inspected {
    fn heed(&self, at: u64, len: usize) -> Interest {
        assert!(len > 0);
        assert_eq!(at + len as u64, self.told.len() as u64, "told twice or not at all");
        assert!(self.told.len() - len < self.enough_at, "told more than was wanted");
        if self.told.len() < self.enough_at { Interest::More } else { Interest::Enough }
    }
}

impl StreamSink for Inspected {
    fn bytes(&mut self, _: Direction, at: u64, bytes: &[u8]) -> Interest {
        self.told.extend(bytes.iter().copied().map(Some));
        self.heed(at, bytes.len())
    }

    fn gap(&mut self, _: Direction, at: u64, len: u64) -> Interest {
        let len = usize::try_from(len).expect("no step is further away than 16 bits");
        self.told.extend((0..len).map(|_| None));
        self.heed(at, len)
    }
}

/// How `stream_segments` is written down: a byte for discipline and policy, one
/// for the depth (times 64; 0 is none), one for the memory (in quarters of a
/// mebibyte less one byte's worth of blocks), one for where the sink has enough
/// (times 64; 0 is never), the first sequence number; then steps of four bytes:
/// what, where (16 bits), how much.
const STREAM_HEAD: usize = 8;

/// Segments of any place and length, acknowledgements and questions: each byte is
/// told once and in order, a rewritten segment is in conflict no more, and memory
/// stays under its cap.
///
/// # Panics
/// When one of these does not hold: that is the finding.
pub fn stream_segments(input: &[u8]) {
    const POLICIES: [StreamPolicy; 8] = [
        StreamPolicy::Linux,
        StreamPolicy::Bsd,
        StreamPolicy::OldLinux,
        StreamPolicy::Windows,
        StreamPolicy::Vista,
        StreamPolicy::Solaris,
        StreamPolicy::First,
        StreamPolicy::Last,
    ];
    let Some((&[manner, depth, memory, enough, s0, s1, s2, s3], steps)) =
        input.split_first_chunk::<STREAM_HEAD>()
    else {
        return;
    };
    let discipline = if manner & 8 == 0 { Discipline::Inline } else { Discipline::Passive };
    let memory = (usize::from(memory) + 1) * 4096;
    let mut streams = Streams::new(&StreamConfig {
        depth: (depth > 0).then_some(u64::from(depth) * 64),
        memory,
        flow_memory: memory / 2,
        discipline,
        policy: POLICIES[usize::from(manner & 7)],
        policies: Vec::new(),
    });
    let address = std::net::IpAddr::from([192, 0, 2, 1]);
    let first_seq = u32::from_be_bytes([s0, s1, s2, s3]);
    let Some(handle) = streams.open(address, address) else { return };
    streams.begin(handle, Direction::Up, first_seq);
    let enough_at = if enough == 0 { usize::MAX } else { usize::from(enough) * 64 };
    let mut sink = Inspected { told: Vec::new(), enough_at };

    for &[what, p0, p1, len] in steps.as_chunks::<4>().0 {
        // A little before the stream, and some pages of it.
        let place = u32::from(u16::from_be_bytes([p0, p1])).wrapping_sub(64);
        let seq = first_seq.wrapping_add(place);
        if what & 7 == 7 {
            streams.acknowledged(handle, Direction::Up, seq, &mut sink);
            continue;
        }
        let len = usize::from(len) << (what >> 3 & 3);
        let mut payload: Vec<u8> = (0..len).map(|at| what & 7 ^ u8::from(at & 128 == 0)).collect();
        let segment = Segment { seq, payload: &payload, fin: what >= 0xf8 };
        let taken = streams.segment(handle, Direction::Up, &segment, &mut sink);
        if taken.conflict && discipline == Discipline::Inline && !taken.unkept {
            assert!(streams.original(handle, Direction::Up, seq, &mut payload), "nothing to put right");
            assert!(!streams.original(handle, Direction::Up, seq, &mut payload), "not put right");
            let told = sink.told.len();
            let segment = Segment { seq, payload: &payload, fin: false };
            assert!(!streams.segment(handle, Direction::Up, &segment, &mut sink).conflict);
            assert_eq!(sink.told.len(), told, "a segment that came before tells something new");
        }
        assert!(streams.counters().memory_bytes <= memory as u64);
    }
    streams.close(handle, &mut sink);
    assert_eq!(streams.counters().memory_bytes, 0);
}

/// Seeds of `stream_segments`: segments in order, out of order, in conflict, with
/// holes that are acknowledged, with little memory, and to a depth.
pub fn stream_segments_seeds() -> Vec<(String, Vec<u8>)> {
    let seed = |head: [u8; STREAM_HEAD], steps: &[(u8, u16, u8)]| {
        let steps = steps.iter().flat_map(|&(what, place, len)| {
            let [p0, p1] = (place + 64).to_be_bytes();
            [what, p0, p1, len]
        });
        head.into_iter().chain(steps).collect::<Vec<u8>>()
    };
    let wrap = [0xff, 0xff, 0xff, 0x00];
    let head = |manner, depth, memory, enough| {
        let [s0, s1, s2, s3] = wrap;
        [manner, depth, memory, enough, s0, s1, s2, s3]
    };
    let novak = [(0, 1, 3), (1, 5, 2), (2, 7, 3), (3, 11, 1), (4, 2, 4), (5, 7, 3), (6, 10, 3), (0, 0, 1)];
    let seeds = vec![
        (
            "in-order",
            seed(head(0, 0, 64, 0), &[(24, 0, 175), (7, 1_400, 0), (24, 1_400, 175), (0xf8, 2_800, 9)]),
        ),
        ("out-of-order", seed(head(0, 0, 64, 0), &[(24, 1_400, 175), (24, 2_900, 175), (24, 0, 187)])),
        ("conflict", seed(head(0, 0, 64, 0), &[(24, 0, 175), (25, 700, 175), (2, 2_050, 90), (7, 2_000, 0)])),
        ("hole", seed(head(0, 0, 64, 0), &[(0, 100, 50), (0, 5_000, 50), (7, 5_020, 0), (0, 6_000, 1)])),
        (
            "little-memory",
            seed(head(0, 0, 2, 0), &[(0, 9_000, 50), (24, 0, 255), (24, 2_040, 255), (0, 20_000, 5)]),
        ),
        ("depth", seed(head(0, 4, 64, 0), &[(0, 100, 255), (0, 0, 120), (0, 256, 9), (7, 300, 0)])),
        ("enough", seed(head(0, 0, 64, 2), &[(0, 100, 255), (0, 0, 120), (1, 0, 9), (7, 300, 0)])),
        ("bsd", seed(head(9, 0, 64, 0), &novak)),
        ("linux", seed(head(8, 0, 64, 0), &novak)),
        ("solaris", seed(head(13, 0, 64, 0), &novak)),
        ("last", seed(head(15, 0, 64, 0), &novak)),
    ];
    seeds.into_iter().map(|(name, bytes)| (String::from(name), bytes)).collect()
}
