//! Fragments of any kind, in any order, against `flow::defrag`.

use std::collections::HashSet;
use std::time::Duration;

use tidegate::flow::defrag::{Cause, Defrag, DefragConfig, Fragment, Outcome};
use tidegate::flow::{Seed, Sweep};
use tidegate::time::Timestamp;
use tidegate::wire::craft::Craft;
use tidegate::wire::packet::{Packet, Transport};
use tidegate::wire::{LinkType, ipv6};
use tidegate_config::FragmentPolicy;

/// Every overlap policy, in the order that the first byte of an input counts them.
const FRAGMENT_POLICIES: [FragmentPolicy; 7] = [
    FragmentPolicy::Linux,
    FragmentPolicy::Bsd,
    FragmentPolicy::BsdRight,
    FragmentPolicy::Windows,
    FragmentPolicy::Solaris,
    FragmentPolicy::First,
    FragmentPolicy::Last,
];

/// Memory and datagrams of the table that fragments are fuzzed against: little
/// enough that inputs fill it.
const FRAGMENT_MEMORY: usize = 20_000;
const FRAGMENT_DATAGRAMS: u32 = 6;

/// Puts the fragments of an input together, and checks that each leaves once,
/// that the memory is kept, and that what is whole is a sound packet.
///
/// An input is a byte for the policy, and then for each fragment six: the
/// datagram it is of (bit 7: IPv6), its offset in units of 8 bytes, more to come
/// (bit 7) and how many such units long, bytes more than that, what it says, and
/// seconds since the last.
///
/// # Panics
/// When an invariant of `flow::defrag` does not hold: that is the finding.
pub fn fragments(input: &[u8]) {
    let Some((&policy, steps)) = input.split_first() else { return };
    let config = DefragConfig {
        datagrams: FRAGMENT_DATAGRAMS,
        memory: FRAGMENT_MEMORY,
        timeout: Duration::from_secs(30),
        policy: FRAGMENT_POLICIES[usize::from(policy) % FRAGMENT_POLICIES.len()],
        policies: Vec::new(),
    };
    let mut defrag = Defrag::new(&config, Seed::from_number(1));
    let mut now = Timestamp::from_secs_micros(1_700_000_000, 0);
    let mut inside = HashSet::new();
    for (number, &step) in steps.as_chunks::<6>().0.iter().enumerate() {
        now = now.plus(Duration::from_secs((step[5] % 16).into()));
        let frame = fragment_frame(step);
        let wire_len = u32::try_from(frame.len()).expect("a fragment is short");
        let (packet, _) = Packet::decode(LinkType::Ethernet, &frame, wire_len);
        let Some(fragment) = Fragment::of(&packet, &frame, now) else { continue };
        inside.insert(number);
        let outcome = defrag.insert(&fragment, number, frame.len(), |gone| {
            assert_ne!(gone.cause, Cause::Drained);
            assert!({ gone.fragments }.all(|number| inside.remove(&number)));
        });
        match outcome {
            Outcome::Waiting(_) => assert!(inside.contains(&number)),
            Outcome::Duplicate(number) => assert!(inside.remove(&number)),
            Outcome::Refused { fragments, .. } => {
                assert_eq!(fragments.last(), Some(&number));
                assert!(fragments.iter().all(|number| inside.remove(number)));
                defrag.recycle_fragments(fragments);
            }
            Outcome::Whole(datagram) => {
                assert!(datagram.fragments.iter().all(|number| inside.remove(number)));
                check_datagram(&datagram.bytes);
                defrag.recycle(datagram);
            }
        }
        assert!(defrag.memory() <= FRAGMENT_MEMORY);
        assert!(defrag.active() <= FRAGMENT_DATAGRAMS);
    }
    now = now.plus(config.timeout);
    let swept =
        defrag.sweep(now, 100, |gone| assert!({ gone.fragments }.all(|number| inside.remove(&number))));
    assert_eq!((swept, defrag.active(), defrag.memory()), (Sweep::Done, 0, 0));
    assert!(inside.is_empty(), "{inside:?} never left");
}

/// The frame that six bytes of an input stand for.
fn fragment_frame([id, offset, len, odd, letter, _]: [u8; 6]) -> Vec<u8> {
    // Four datagrams for each version, and the far end of what an offset can say.
    let offset = if offset == u8::MAX { 0x1fff } else { u16::from(offset) };
    let (more, len) = (len & 0x80 != 0, usize::from(len & 0x7f) * 8 + usize::from(odd % 8));
    let craft = match id & 0x80 {
        0 if id & 0x40 == 0 => Craft::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2]),
        0 => Craft::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).ip_options(&[148, 4, 0, 0]),
        _ if id & 0x40 == 0 => Craft::ethernet().ipv6(1, 2),
        _ => Craft::ethernet().ipv6(1, 2).extension(ipv6::DESTINATION, &[0, 0, 1, 4, 0, 0, 0, 0]),
    };
    craft.fragment((id % 4).into(), offset, more).protocol(253).payload(&vec![letter; len]).build()
}

/// What was put together decodes to its end, and is no fragment any more.
fn check_datagram(bytes: &[u8]) {
    let wire_len = u32::try_from(bytes.len()).expect("a datagram has 65,575 bytes at most");
    let (packet, undecodable) = Packet::decode(LinkType::RawIp, bytes, wire_len);
    assert_eq!((undecodable, packet.transport), (None, Transport::Other));
    assert_eq!(packet.protocol(), Some(253));
    assert_eq!((packet.payload_at + packet.payload_len) as usize, bytes.len());
    assert_ne!(packet.checksums(bytes).ip, tidegate::wire::checksum::Checksum::Bad);
}

/// The seeds of `fragments`: file name and content.
pub fn fragments_seeds() -> Vec<(String, Vec<u8>)> {
    let more = |units: u8| 0x80 | units;
    let written = |policy: u8, steps: &[[u8; 6]]| [&[policy], steps.concat().as_slice()].concat();
    let overlapping = [
        [0, 0, more(3), 0, b'1', 0],
        [0, 4, more(2), 0, b'2', 0],
        [0, 6, more(3), 0, b'3', 0],
        [0, 1, more(4), 0, b'4', 0],
        [0, 6, more(3), 0, b'5', 0],
        [0, 9, 3, 0, b'6', 0],
    ];
    let seeds = vec![
        ("overlap-linux", written(0, &overlapping)),
        ("overlap-bsd", written(1, &overlapping)),
        ("overlap-windows", written(3, &overlapping)),
        ("overlap-last", written(6, &overlapping)),
        (
            "overlap-ipv6",
            written(
                0,
                &overlapping.map(|[_, rest @ ..]| {
                    let [offset, len, odd, letter, secs] = rest;
                    [0x80, offset, len, odd, letter, secs]
                }),
            ),
        ),
        (
            "out-of-order",
            written(
                1,
                &[
                    [0x40, 2, 0, 5, b'c', 1],
                    [0x40, 1, more(1), 0, b'b', 1],
                    [0x40, 1, more(1), 0, b'b', 1],
                    [0x40, 0, more(1), 0, b'a', 1],
                    [0xc0, 4, 1, 0, b'z', 1],
                    [0xc0, 0, more(4), 0, b'y', 1],
                ],
            ),
        ),
        (
            "wrong",
            written(
                1,
                &[
                    [0, 255, 1, 0, b'a', 0],
                    [0, 0, more(2), 3, b'b', 0],
                    [0, 9, 0, 0, b'c', 0],
                    [0, 9, 2, 0, b'd', 0],
                    [0, 10, 4, 0, b'e', 0],
                    [0, 30, more(2), 0, b'f', 0],
                ],
            ),
        ),
        (
            "late",
            written(
                1,
                &[
                    [1, 0, more(1), 0, b'a', 0],
                    [2, 0, more(1), 0, b'b', 15],
                    [1, 1, 1, 0, b'c', 15],
                    [1, 0, more(1), 0, b'd', 15],
                ],
            ),
        ),
        (
            "many",
            written(
                1,
                &[
                    [0, 0, more(127), 0, 1, 0],
                    [1, 0, more(127), 0, 1, 0],
                    [2, 0, more(127), 0, 1, 0],
                    [3, 0, more(127), 0, 1, 0],
                    [0x80, 0, more(127), 0, 1, 0],
                    [0x81, 0, more(127), 0, 1, 0],
                    [0x82, 0, more(127), 0, 1, 0],
                    [0x83, 0, more(127), 0, 1, 0],
                    [0, 127, more(127), 0, 1, 0],
                    [0, 254, more(127), 0, 1, 0],
                ],
            ),
        ),
    ];
    seeds.into_iter().map(|(name, bytes)| (String::from(name), bytes)).collect()
}
