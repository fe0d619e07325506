//! How often the same oddity of one flow is told.
//!
//! A connection that goes wrong goes wrong with every segment: the first events
//! say so, and each one after them costs the disk what it adds nothing to. Every
//! oddity is counted all the same.
//!
//! Remembered in a small table of fixed size, each pair of flow and oddity in the
//! one place that its hash says. The oddities of one flow never share a place, so
//! that no flow can talk its way out of its ration alone. Of two flows that meet
//! in a place the later stays, and the earlier is told of anew when it comes
//! again: events too many, never too few. Two that meet and take turns are told
//! of each time; what bounds these is the queue of events.

use crate::anomaly::Anomaly;

/// Pairs of flow and oddity that are remembered, a power of two.
const PLACES: usize = 4096;

/// How often what was told.
#[derive(Clone, Copy)]
struct Ration {
    flow: u64,
    anomaly: Anomaly,
    told: u32,
}

/// What one worker has told of late.
pub(super) struct Rations {
    /// How often one oddity of one flow is told; `None` is always.
    told_max: Option<u32>,
    places: Box<[Option<Ration>]>,
}

impl Rations {
    pub(super) fn new(told_max: Option<u32>) -> Self {
        Self { told_max, places: vec![None; PLACES].into_boxed_slice() }
    }

    /// Whether this oddity of this flow is told once more.
    pub(super) fn take(&mut self, flow: u64, anomaly: Anomaly) -> bool {
        let Some(told_max) = self.told_max else { return true };
        let Some(place) = self.places.get_mut(place(flow, anomaly)) else { return true };
        match place {
            Some(ration) if (ration.flow, ration.anomaly) == (flow, anomaly) => {
                let tells = ration.told < told_max;
                ration.told += u32::from(tells);
                tells
            }
            _ => {
                *place = Some(Ration { flow, anomaly, told: 1 });
                true
            }
        }
    }
}

/// Where a pair is remembered, below [`PLACES`].
///
/// Fibonacci hashing (Knuth, TAOCP 6.4): the highest bits of the product. Numbers
/// that follow one another, as those of oddities do, are spread so evenly that
/// no two of fewer than a thousand meet.
fn place(flow: u64, anomaly: Anomaly) -> usize {
    let product = (flow << 16 | anomaly as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(product >> (u64::BITS - PLACES.ilog2())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_oddity_of_each_flow_is_told_so_often_and_no_more() {
        let mut rations = Rations::new(Some(3));
        let mut told = |flow, anomaly| (0..10).filter(|_| rations.take(flow, anomaly)).count();
        assert_eq!(told(1, Anomaly::TcpOptInvalidLen), 3);
        assert_eq!(told(1, Anomaly::StreamReassemblySeqGap), 3);
        assert_eq!(told(2, Anomaly::TcpOptInvalidLen), 3);
        assert_eq!(told(1, Anomaly::TcpOptInvalidLen), 0);
    }

    #[test]
    fn what_has_no_limit_is_always_told() {
        let mut rations = Rations::new(None);
        assert!((0..10_000).all(|_| rations.take(1, Anomaly::TcpOptInvalidLen)));
    }

    #[test]
    fn a_flow_is_told_of_at_least_once_however_many_there_are() {
        let mut rations = Rations::new(Some(1));
        assert!((0..100_000).all(|flow| rations.take(flow, Anomaly::StreamReassemblySeqGap)));
    }

    #[test]
    fn oddities_of_one_flow_never_meet() {
        for flow in (0..500).chain([65_537, 1 << 40, u64::MAX]) {
            let places: HashSet<_> = Anomaly::ALL.iter().map(|&anomaly| place(flow, anomaly)).collect();
            assert_eq!(places.len(), Anomaly::ALL.len(), "of flow {flow}");
            assert!(places.iter().all(|&place| place < PLACES));
        }
    }

    #[test]
    fn of_two_flows_that_meet_the_later_stays_and_the_earlier_is_told_of_anew() {
        let odd = Anomaly::StreamReassemblySeqGap;
        let other = (2..1 << 20).find(|&flow| place(flow, odd) == place(1, odd)).unwrap();
        let mut rations = Rations::new(Some(2));
        let told = [1, 1, 1, other, other, other, 1, 1, 1].map(|flow| rations.take(flow, odd));
        assert_eq!(told, [true, true, false, true, true, false, true, true, false]);
        assert!((0..100).all(|_| rations.take(other, odd) && rations.take(1, odd)), "they take turns");
    }
}
