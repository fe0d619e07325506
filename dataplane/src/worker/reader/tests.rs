//! How a connection finds its dissector, and what becomes of it.

use super::*;
use crate::anomaly::Anomaly;
use crate::dissect::{Fact, Record};
use crate::flow::Direction::{Down, Up};
use std::cell::RefCell;

const PORTS: (u16, u16) = (40_000, 25);
const GREETING: &[u8] = b"220 mail.example ESMTP ready\r\n";
const HELLO: &[u8] = b"EHLO client.example\r\n";

struct Deaf;

impl Listener for Deaf {
    fn fact(&mut self, _: Direction, _: Fact<'_>) {}
    fn record(&mut self, _: Direction, _: Record) {}
    fn anomaly(&mut self, _: Direction, _: Anomaly) {}
}

/// Which dissector, which direction (none for its end), and a run of bytes.
type Told = (AppProto, Option<Direction>, Vec<u8>);

thread_local! {
    /// What dissectors were told; a test has a thread of its own.
    static TOLD: RefCell<Vec<Told>> = const { RefCell::new(Vec::new()) };
}

/// Notes what it is told, and answers as the bytes say.
struct Scribe(AppProto);

impl Scribe {
    fn note(&self, direction: Option<Direction>, bytes: &[u8]) {
        TOLD.with_borrow_mut(|told| match told.last_mut() {
            Some((app, last, so_far)) if (*app, *last) == (self.0, direction) => {
                so_far.extend_from_slice(bytes);
            }
            _ => told.push((self.0, direction, bytes.to_vec())),
        });
    }
}

impl Dissector for Scribe {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], _: &mut dyn Listener) -> Progress {
        let end = bytes.iter().position(|byte| b"!?$".contains(byte));
        let read = end.map_or(bytes.len(), |at| at + 1);
        self.note(Some(direction), &bytes[..read]);
        let unread = bytes.len() - read;
        match bytes[read - 1] {
            b'!' => Progress::Becomes { next: Some(AppProto::Tls), unread },
            b'?' => Progress::Becomes { next: None, unread },
            b'$' => Progress::Done,
            _ => Progress::More,
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut dyn Listener) -> Progress {
        self.note(Some(direction), format!("<{len}>").as_bytes());
        Progress::More
    }

    fn close(&mut self, _: &mut dyn Listener) {
        self.note(None, b"closed");
    }
}

/// A connection of which a scribe reads SMTP and TLS, and nobody anything else.
fn reader() -> Reader {
    TOLD.take();
    let choose: Chooser = |app_proto| {
        let is_read = matches!(app_proto, AppProto::Smtp | AppProto::Tls);
        is_read.then(|| Box::new(Scribe(app_proto)) as Box<dyn Dissector>)
    };
    Reader { choose, ..Reader::new(PORTS) }
}

fn told() -> Vec<(AppProto, Option<Direction>, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    TOLD.with_borrow(Clone::clone)
        .into_iter()
        .map(|(app, direction, bytes)| (app, direction, text(bytes)))
        .collect()
}

fn smtp(direction: Direction, bytes: &[u8]) -> (AppProto, Option<Direction>, String) {
    (AppProto::Smtp, Some(direction), String::from_utf8_lossy(bytes).into_owned())
}

#[test]
fn a_dissector_gets_every_byte_from_the_first_of_both_sides() {
    for cut in 1..=GREETING.len() {
        let mut reader = reader();
        for piece in GREETING.chunks(cut) {
            reader.bytes(Down, piece, &mut Deaf);
        }
        for piece in HELLO.chunks(cut) {
            reader.bytes(Up, piece, &mut Deaf);
        }
        assert_eq!(told(), [smtp(Down, GREETING), smtp(Up, HELLO)], "pieces of {cut}");
        assert_eq!(reader.found().collect::<Vec<_>>(), [(Up, AppProto::Smtp), (Down, AppProto::Smtp)]);
        assert_eq!(reader.found().count(), 0, "told once");
    }
}

#[test]
fn what_the_side_that_does_not_tell_said_first_is_not_lost() {
    let mut reader = reader();
    let strange = [0x16; 2_000];
    reader.bytes(Up, b"1", &mut Deaf);
    reader.bytes(Up, &strange, &mut Deaf);
    reader.bytes(Down, GREETING, &mut Deaf);
    let told = told();
    let (up, down) = (&told[0], &told[1]);
    assert_eq!((up.1, down), (Some(Up), &smtp(Down, GREETING)));
    let kept = TCP_BYTES_MAX - 1;
    let lost = strange.len() - kept;
    assert!(up.2.starts_with('1') && up.2.ends_with(&format!("<{lost}>")), "{}", up.2);
    assert_eq!(up.2.len(), 1 + kept + format!("<{lost}>").len());
}

#[test]
fn after_a_change_the_unread_bytes_are_the_next_protocols() {
    let mut reader = reader();
    reader.bytes(Down, GREETING, &mut Deaf);
    reader.bytes(Up, b"EHLO me\r\nSTARTTLS!hello", &mut Deaf);
    reader.bytes(Down, b"answer", &mut Deaf);
    assert_eq!(
        told(),
        [
            smtp(Down, GREETING),
            smtp(Up, b"EHLO me\r\nSTARTTLS!"),
            (AppProto::Smtp, None, "closed".into()),
            (AppProto::Tls, Some(Up), "hello".into()),
            (AppProto::Tls, Some(Down), "answer".into()),
        ]
    );
    assert_eq!(reader.found().collect::<Vec<_>>(), [(Up, AppProto::Tls), (Down, AppProto::Tls)]);
    assert_eq!(reader.before(), Some(AppProto::Smtp));
}

#[test]
fn after_a_change_to_nobody_knows_what_first_bytes_decide_again() {
    let mut reader = reader();
    reader.bytes(Down, b"220 x ESMTP\r\n?", &mut Deaf);
    reader.bytes(Down, GREETING, &mut Deaf);
    let last = told().pop();
    assert_eq!(last, Some(smtp(Down, GREETING)));
    assert!(!reader.is_over());
}

#[test]
fn a_connection_changes_only_so_often() {
    let mut reader = reader();
    reader.bytes(Down, GREETING, &mut Deaf);
    for _ in 0..10 {
        reader.bytes(Down, b"!", &mut Deaf);
    }
    let begun = told().iter().filter(|(_, direction, _)| direction.is_none()).count();
    assert_eq!(begun, usize::from(CHANGES_MAX) + 1);
    assert!(reader.is_over());
}

#[test]
fn what_is_done_wants_no_bytes_and_is_told_none() {
    let mut reader = reader();
    reader.bytes(Down, GREETING, &mut Deaf);
    reader.bytes(Up, b"$", &mut Deaf);
    assert!(reader.is_done() && reader.is_over());
    reader.bytes(Up, b"more", &mut Deaf);
    reader.close(&mut Deaf);
    assert_eq!(told().last(), Some(&(AppProto::Smtp, None, "closed".into())), "closed once, nothing after");
    assert_eq!(told().len(), 3);
}

#[test]
fn a_hole_before_anything_is_known_goes_to_the_dissector_too() {
    let mut reader = reader();
    reader.gap(Up, 5, &mut Deaf);
    reader.bytes(Up, HELLO, &mut Deaf);
    reader.bytes(Down, GREETING, &mut Deaf);
    let up = String::from_utf8_lossy(HELLO).into_owned() + "<5>";
    assert!(told()[0].2.contains("<5>"), "{:?}, {up}", told());
    assert_eq!(told().last(), Some(&smtp(Down, GREETING)));
}

#[test]
fn its_weight_comes_and_goes() {
    let mut reader = reader();
    let empty = reader.weigh();
    assert!(empty > 0);
    reader.bytes(Down, b"220", &mut Deaf);
    let grown = reader.weigh();
    assert!(grown > 0, "first bytes are kept");
    reader.bytes(Down, b" mail.example ESMTP ready\r\n$", &mut Deaf);
    assert_eq!(empty + grown + reader.weigh(), empty, "nothing is kept of what is done");
}

#[test]
fn bytes_before_and_behind_a_hole_are_never_joined() {
    let mut reader = reader();
    reader.bytes(Up, b"HE", &mut Deaf);
    reader.gap(Up, 3, &mut Deaf);
    reader.bytes(Up, b"LO x", &mut Deaf);
    reader.bytes(Down, GREETING, &mut Deaf);
    let told = TOLD.take();
    assert_eq!(told[0], (AppProto::Smtp, Some(Up), b"HE<7>".to_vec()));
}
