//! What a dissector has told, for tests; and talks, fed to it cut in every way.

#![expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use super::{Dissector, Fact, Listener, Progress, Record};
use crate::anomaly::Anomaly;
use crate::flow::Direction;

/// What is sent, in the order in which it is sent.
pub(super) type Talk = Vec<(Direction, Vec<u8>)>;

/// A listener that keeps what it hears, facts as text.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Everything as text, in order, with who said it.
    pub(super) all: Vec<String>,
    /// The records among it.
    pub(super) records: Vec<Record>,
    /// The anomalies among it.
    pub(super) anomalies: Vec<(Direction, Anomaly)>,
}

impl Listener for Heard {
    fn fact(&mut self, direction: Direction, fact: Fact<'_>) {
        self.all.push(format!("{direction:?} {fact:?}"));
    }

    fn record(&mut self, direction: Direction, record: Record) {
        self.all.push(format!("{direction:?} {record:?}"));
        self.records.push(record);
    }

    fn anomaly(&mut self, direction: Direction, anomaly: Anomaly) {
        self.all.push(format!("{direction:?} {anomaly:?}"));
        self.anomalies.push((direction, anomaly));
    }
}

/// What is heard of a talk whose pieces are cut where `cut` says, how it stood in
/// the end, and the most bytes held. After its last word it is fed no more.
pub(super) fn hear(
    dissector: &mut dyn Dissector,
    talk: &[(Direction, Vec<u8>)],
    mut cut: impl FnMut(&[u8]) -> Vec<usize>,
) -> (Heard, Progress, usize) {
    let (mut heard, mut progress, mut held) = (Heard::default(), Progress::More, 0);
    for (direction, bytes) in talk {
        let mut from = 0;
        for to in cut(bytes).into_iter().chain([bytes.len()]) {
            let to = to.clamp(from, bytes.len());
            if progress == Progress::More && to > from {
                progress = dissector.bytes(*direction, &bytes[from..to], &mut heard);
                held = held.max(dissector.held());
            }
            from = to;
        }
    }
    dissector.close(&mut heard);
    (heard, progress, held)
}

/// A talk of which bytes are changed: in which piece, where in it, and to what.
/// Numbers beyond what there is begin anew.
pub(super) fn damaged(mut talk: Talk, changes: &[(usize, usize, u8)]) -> Talk {
    let pieces = talk.len();
    for (piece, at, value) in changes {
        let (_, bytes) = &mut talk[piece % pieces];
        let len = bytes.len();
        bytes[at % len] = *value;
    }
    talk
}

/// Not cut at all.
pub(super) fn whole(_: &[u8]) -> Vec<usize> {
    Vec::new()
}

/// Cut in these places.
pub(super) fn cut_at(mut places: Vec<usize>) -> impl Fn(&[u8]) -> Vec<usize> {
    places.sort_unstable();
    move |_| places.clone()
}

/// Cut after every byte.
pub(super) fn bytewise(bytes: &[u8]) -> Vec<usize> {
    (1..bytes.len()).collect()
}
