//! Overlaps worked out slowly, another way for each policy, to compare with.
//!
//! `first` and `last` are told byte by byte; `bsd` and `linux` by the lists that
//! those systems kept, each fragment trimmed as they trimmed it; the others by
//! which bytes around an earlier piece the new fragment covers.

#![expect(clippy::indexing_slicing, clippy::expect_used, reason = "a test ends where an expectation fails")]

use proptest::prelude::*;
use tidegate_config::FragmentPolicy;

use super::tests::{Bench, config};
use super::{Outcome, Refusal};
use crate::wire::craft::Craft;

pub(super) const POLICIES: [FragmentPolicy; 7] = [
    FragmentPolicy::Linux,
    FragmentPolicy::Bsd,
    FragmentPolicy::BsdRight,
    FragmentPolicy::Windows,
    FragmentPolicy::Solaris,
    FragmentPolicy::First,
    FragmentPolicy::Last,
];

/// A fragment: where it stands, what it says, its TTL.
#[derive(Clone, Debug)]
struct Said {
    begin: usize,
    bytes: Vec<u8>,
    ttl: u8,
}

/// Each byte with the number of the fragment it is from.
type Map = Vec<Option<(usize, u8)>>;

/// Where the piece that this byte is of begins and ends.
fn piece_around(map: &Map, at: usize) -> (usize, usize) {
    let number = |at: usize| map.get(at).copied().flatten().map(|(number, _)| number);
    let mut begin = at;
    while begin > 0 && number(begin - 1) == number(at) {
        begin -= 1;
    }
    let mut end = at + 1;
    while number(end) == number(at) {
        end += 1;
    }
    (begin, end)
}

/// Whether `new` replaces the piece that stands at `begin..end`.
fn by_cover(policy: FragmentPolicy, new: &Said, begin: usize, end: usize) -> bool {
    let covers = |at: Option<usize>| at.is_some_and(|at| at >= new.begin && at - new.begin < new.bytes.len());
    let (before, behind) = (covers(begin.checked_sub(1)), covers(Some(end)));
    let (first, last) = (covers(Some(begin)), covers(Some(end - 1)));
    match policy {
        FragmentPolicy::First => false,
        FragmentPolicy::Last => true,
        FragmentPolicy::Windows => before && behind,
        FragmentPolicy::Solaris => before && last,
        FragmentPolicy::BsdRight => behind || last && first,
        FragmentPolicy::Bsd | FragmentPolicy::Linux => unreachable!("told by their lists"),
    }
}

fn say(policy: FragmentPolicy, map: &mut Map, number: usize, new: &Said) {
    let before = map.clone();
    for (slot, byte) in (new.begin..).zip(&new.bytes) {
        let wins = before[slot].is_none() || {
            let (begin, end) = piece_around(&before, slot);
            by_cover(policy, new, begin, end)
        };
        if wins {
            map[slot] = Some((number, *byte));
        }
    }
}

/// A list as BSD and Linux kept it: in order, trimmed, each with its number.
type List = Vec<(usize, Said)>;

/// What came before at the same place is in front with BSD, behind with Linux.
fn enlist(policy: FragmentPolicy, list: &mut List, number: usize, new: &Said) {
    let mut new = new.clone();
    let at = list.iter().position(|(_, old)| match policy {
        FragmentPolicy::Bsd => old.begin > new.begin,
        _ => old.begin >= new.begin,
    });
    let at = at.unwrap_or(list.len());
    if at > 0 {
        let before = &list[at - 1].1;
        let end = before.begin + before.bytes.len();
        if end > new.begin {
            if end - new.begin >= new.bytes.len() {
                return;
            }
            new.bytes.drain(..end - new.begin);
            new.begin = end;
        }
    }
    let end = new.begin + new.bytes.len();
    while at < list.len() && list[at].1.begin < end {
        let behind = &mut list[at].1;
        let overlap = end - behind.begin;
        if overlap < behind.bytes.len() {
            behind.bytes.drain(..overlap);
            behind.begin += overlap;
        } else {
            list.remove(at);
        }
    }
    list.insert(at, (number, new));
}

fn map_of(list: &List, len: usize) -> Map {
    let mut map = vec![None; len];
    for (number, said) in list {
        for (slot, byte) in (said.begin..).zip(&said.bytes) {
            map[slot] = Some((*number, *byte));
        }
    }
    map
}

/// Whether the same bytes stand there already, as one piece.
fn is_duplicate(map: &Map, new: &Said) -> bool {
    map[new.begin].is_some()
        && piece_around(map, new.begin) == (new.begin, new.begin + new.bytes.len())
        && new.bytes.iter().zip(&map[new.begin..]).all(|(new, old)| old.is_some_and(|(_, old)| old == *new))
}

/// Runs fragments through the table and the model until the datagram is whole;
/// both agree when that is, and on its bytes and its header.
fn compare(policy: FragmentPolicy, total: usize, fragments: &[Said]) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(&config(policy));
    let (mut map, mut list) = (vec![None; total], List::new());
    for (number, said) in fragments.iter().enumerate() {
        let more = said.begin + said.bytes.len() != total;
        let offset = u16::try_from(said.begin / 8).expect("a small datagram");
        let craft = Craft::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).ttl(said.ttl);
        let outcome = bench.send(&craft.fragment(1, offset, more).protocol(17).payload(&said.bytes).build());
        if is_duplicate(&map, said) {
            // The first to tell the end always is more than a duplicate.
            prop_assert!(matches!(outcome, Outcome::Duplicate(_)), "{outcome:?}");
            continue;
        }
        match policy {
            FragmentPolicy::Bsd | FragmentPolicy::Linux => {
                enlist(policy, &mut list, number, said);
                map = map_of(&list, total);
            }
            _ => say(policy, &mut map, number, said),
        }
        let Some(expected) = map.iter().copied().collect::<Option<Vec<_>>>() else {
            prop_assert!(matches!(outcome, Outcome::Waiting(_)), "{outcome:?}");
            continue;
        };
        let Outcome::Whole(datagram) = outcome else {
            return Err(TestCaseError::fail(format!("{outcome:?}")));
        };
        let bytes: Vec<u8> = expected.iter().map(|(_, byte)| *byte).collect();
        prop_assert_eq!(&datagram.bytes[20..], bytes, "{:?}", policy);
        prop_assert_eq!(datagram.bytes[8], fragments[expected[0].0].ttl);
        prop_assert_eq!((bench.defrag.active(), bench.defrag.memory()), (0, 0));
        return Ok(());
    }
    Err(TestCaseError::fail("what fills every gap makes no datagram"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 2_000 }))]

    #[test]
    fn any_fragments_in_any_order_give_what_the_slow_model_gives(
        units in 2_usize..14,
        tail in 0_usize..8,
        extents in proptest::collection::vec((0_usize..13, 1_usize..8, 0_u8..40), 0..24),
        fill in Just((0_usize..14).collect::<Vec<_>>()).prop_shuffle(),
        policy in 0_usize..7,
    ) {
        let total = units * 8 - tail;
        let mut fragments: Vec<Said> = extents
            .into_iter()
            .filter(|&(offset, ..)| offset < units)
            .map(|(offset, len, letter)| (offset, len.min(units - offset), letter))
            .filter(|&(offset, len, _)| offset > 0 || len < units)
            .map(|(offset, len, letter)| {
                let bytes = vec![b'A' + letter; (len * 8).min(total - offset * 8)];
                Said { begin: offset * 8, bytes, ttl: 0 }
            })
            .collect();
        // Then whatever is missing, in any order.
        fragments.extend(fill.into_iter().filter(|&unit| unit < units).map(|unit| {
            Said { begin: unit * 8, bytes: vec![b'z'; 8.min(total - unit * 8)], ttl: 0 }
        }));
        for (ttl, said) in (1..).zip(&mut fragments) {
            said.ttl = ttl;
        }
        compare(POLICIES[policy], total, &fragments)?;
    }

    #[test]
    fn ipv6_gives_the_bytes_that_were_cut_or_refuses_where_any_two_overlap(
        units in 2_u16..14,
        extents in proptest::collection::vec((0_u16..13, 1_u16..8), 1..12),
    ) {
        let mut bench = Bench::new(&config(FragmentPolicy::Last));
        let mut there: Vec<(u16, u16)> = Vec::new();
        for (offset, len) in extents {
            let (begin, end) = (offset, (offset + len).min(units));
            if begin >= end || (begin, end) == (0, units) {
                continue;
            }
            let payload: Vec<u8> = (begin * 8..end * 8).map(|at| at.to_le_bytes()[0]).collect();
            let craft = Craft::ethernet().ipv6(1, 2).fragment(1, begin, end != units);
            let outcome = bench.send(&craft.protocol(17).payload(&payload).build());
            if there.contains(&(begin, end)) {
                prop_assert!(matches!(outcome, Outcome::Duplicate(_)), "{outcome:?}");
                continue;
            }
            if there.iter().any(|&(from, to)| begin < to && from < end) {
                let refused = matches!(outcome, Outcome::Refused { why: Refusal::Overlap, .. });
                prop_assert!(refused, "{outcome:?}");
                return Ok(());
            }
            there.push((begin, end));
            let filled: u16 = there.iter().map(|(begin, end)| end - begin).sum();
            if filled < units {
                prop_assert!(matches!(outcome, Outcome::Waiting(None)), "{outcome:?}");
                continue;
            }
            let Outcome::Whole(datagram) = outcome else {
                return Err(TestCaseError::fail(format!("{outcome:?}")));
            };
            let bytes: Vec<u8> = (0..units * 8).map(|at| at.to_le_bytes()[0]).collect();
            prop_assert_eq!(&datagram.bytes[40..], bytes);
            return Ok(());
        }
    }
}
