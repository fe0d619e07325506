//! Frames, cut in every way.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test ends where an expectation fails")]

use proptest::prelude::*;

use super::*;
use crate::dissect::heard::{Heard, Talk, bytewise, cut_at, hear, whole};

use Direction::{Down, Up};

const MASK: [u8; 4] = [0xe2, 0xb6, 0x32, 0x2d];

fn frame(first: u8, mask: Option<[u8; 4]>, len: usize) -> Vec<u8> {
    let flag = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..=125), _) => bytes.push(flag | len),
        (_, Ok(len)) => bytes.extend([&[flag | 0x7e][..], &len.to_be_bytes()].concat()),
        _ => bytes.extend([&[flag | 0x7f][..], &(len as u64).to_be_bytes()].concat()),
    }
    bytes.extend(mask.unwrap_or_default().iter().take(if mask.is_some() { 4 } else { 0 }));
    bytes.extend(std::iter::repeat_n(b'x', len));
    bytes
}

fn talk() -> Talk {
    vec![
        (Up, [frame(0x01, Some(MASK), 20), frame(0x89, Some(MASK), 4), frame(0x80, Some(MASK), 28)].concat()),
        (Down, [frame(0x8a, None, 4), frame(0xc1, None, 125), frame(0x82, None, 126)].concat()),
        (Down, frame(0x82, None, 70_000)),
        (Up, frame(0x88, Some(MASK), 2)),
        (Down, [frame(0x88, None, 0), b"what follows is of no use".to_vec()].concat()),
    ]
}

fn learn(talk: &[(Direction, Vec<u8>)], cut: impl FnMut(&[u8]) -> Vec<usize>) -> (Heard, Progress) {
    let (heard, progress, held) = hear(&mut Websocket::new(), talk, cut);
    assert_eq!(held, 0);
    (heard, progress)
}

fn frames(heard: &Heard) -> Vec<Frame> {
    let frame = |record: &Record| {
        let Record::Websocket(frame) = record else { panic!("{record:?}") };
        *frame
    };
    heard.records.iter().map(frame).collect()
}

#[test]
fn every_frame_is_told() {
    let (heard, progress) = learn(&talk(), whole);
    let told: Vec<_> =
        frames(&heard).iter().map(|frame| (frame.opcode.name(), frame.fin, frame.payload_len)).collect();
    let expected = [
        ("text", false, 20),
        ("ping", true, 4),
        ("continuation", true, 28),
        ("pong", true, 4),
        ("text", true, 125),
        ("binary", true, 126),
        ("binary", true, 70_000),
        ("close", true, 2),
        ("close", true, 0),
    ];
    assert_eq!((&told[..], progress), (&expected[..], Progress::Done));
    assert_eq!(frames(&heard)[0].mask, Some(3_803_591_213));
    assert_eq!(frames(&heard)[3].mask, None);
    assert!(frames(&heard)[4].is_compressed && !frames(&heard)[5].is_compressed);
}

#[test]
fn one_byte_at_a_time_tells_the_same() {
    assert_eq!(learn(&talk(), bytewise).0.all, learn(&talk(), whole).0.all);
}

#[test]
fn every_truncation_tells_a_part_of_the_same() {
    let all = learn(&talk(), whole).0.all;
    for (at, (direction, bytes)) in talk().iter().enumerate() {
        for len in (0..bytes.len().min(300)).chain([bytes.len() - 1]) {
            let mut cut = talk()[..at].to_vec();
            cut.push((*direction, bytes[..len].to_vec()));
            let (heard, progress) = learn(&cut, whole);
            assert_eq!(heard.all, all[..heard.all.len()], "{len} bytes of {at}");
            assert!(matches!(progress, Progress::More | Progress::Done), "{len} bytes of {at}");
        }
    }
}

#[test]
fn what_may_not_be_sent_is_malformed() {
    let long = [&[0x82, 127][..], &[0xff; 8]].concat();
    for bad in [
        frame(0x83, None, 1),
        frame(0x8b, None, 1),
        frame(0xa1, None, 1),
        frame(0x91, None, 1),
        frame(0x09, None, 1),
        frame(0x89, None, 126),
        long,
    ] {
        let talk = [(Down, bad)];
        assert_eq!(learn(&talk, whole).1, Progress::Malformed, "{:02x?}", &talk[0].1[..2]);
        assert_eq!(learn(&talk, bytewise).1, Progress::Malformed, "{:02x?}", &talk[0].1[..2]);
    }
}

#[test]
fn a_hole_in_a_payload_is_borne_and_any_other_is_the_end() {
    let mut heard = Heard::default();
    let mut websocket = Websocket::new();
    let long = frame(0x82, None, 1000);
    assert_eq!(websocket.bytes(Down, &long[..100], &mut heard), Progress::More);
    assert_eq!(websocket.gap(Down, 800, &mut heard), Progress::More);
    assert_eq!(websocket.bytes(Down, &long[900..], &mut heard), Progress::More);
    assert_eq!(websocket.bytes(Down, &frame(0x81, None, 3), &mut heard), Progress::More);
    assert_eq!(frames(&heard).len(), 2);
    assert_eq!(websocket.bytes(Down, &long[..100], &mut heard), Progress::More);
    assert_eq!(websocket.gap(Down, 904, &mut heard), Progress::Done, "up to its end, or beyond");
    assert_eq!(Websocket::new().gap(Up, 1, &mut heard), Progress::Done);
}

proptest! {
    #[test]
    fn any_bytes_are_borne_and_cuts_do_not_change_what_they_say(
        up: Vec<u8>, down: Vec<u8>, cuts in prop::collection::vec(0_usize..100, 0..9),
    ) {
        let talk = [(Up, [frame(0x81, Some(MASK), 3), up].concat()), (Down, down)];
        let (cut, all) = (learn(&talk, cut_at(cuts)), learn(&talk, whole));
        prop_assert_eq!(cut.0.all, all.0.all);
        prop_assert_eq!(cut.1, all.1);
    }
}
