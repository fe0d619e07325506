//! Whole exchanges, cut in every way.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use proptest::prelude::*;

use super::*;
use crate::dissect::heard::{Heard, Talk, bytewise, hear, whole};

use Direction::{Down, Up};

/// A value in DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = u8::try_from(content.len()).unwrap();
    let len = if len < 0x80 { vec![len] } else { vec![0x81, len] };
    [&[tag][..], &len, content].concat()
}

fn number(field: u8, number: i8) -> Vec<u8> {
    der(0xa0 + field, &der(2, &number.to_be_bytes()))
}

fn text(field: u8, text: &str) -> Vec<u8> {
    der(0xa0 + field, &der(0x1b, text.as_bytes()))
}

fn name(field: u8, parts: &[&str]) -> Vec<u8> {
    let parts: Vec<u8> = parts.iter().flat_map(|part| der(0x1b, part.as_bytes())).collect();
    der(0xa0 + field, &der(0x30, &[number(0, 1), der(0xa1, &der(0x30, &parts))].concat()))
}

fn encrypted(field: u8, kind: i8) -> Vec<u8> {
    der(0xa0 + field, &der(0x30, &[number(0, kind), der(0xa2, &der(4, &[7; 9]))].concat()))
}

fn message(kind: u8, fields: &[Vec<u8>]) -> Vec<u8> {
    der(0x60 + kind, &der(0x30, &fields.concat()))
}

const KRBTGT: &[&str] = &["krbtgt", "EXAMPLE.COM"];

/// A request of `alice` for her first ticket.
pub(super) fn as_req() -> Vec<u8> {
    let body = [
        der(0xa0, &der(3, &[0, 0x40, 0x81, 0, 0x10])),
        name(1, &["alice"]),
        text(2, "EXAMPLE.COM"),
        name(3, KRBTGT),
        number(7, 5),
    ];
    message(10, &[number(1, 5), number(2, 10), der(0xa4, &der(0x30, &body.concat()))])
}

/// The ticket, of which her part is encrypted so.
pub(super) fn as_rep(kind: i8) -> Vec<u8> {
    let ticket = [number(0, 5), text(1, "EXAMPLE.COM"), name(2, KRBTGT), encrypted(3, 18)].concat();
    message(
        11,
        &[
            number(0, 5),
            number(1, 11),
            text(3, "EXAMPLE.COM"),
            name(4, &["alice"]),
            der(0xa5, &der(0x61, &der(0x30, &ticket))),
            encrypted(6, kind),
        ],
    )
}

/// That she must prove who she is.
pub(super) fn error() -> Vec<u8> {
    message(30, &[number(0, 5), number(1, 30), number(6, 25), text(9, "EXAMPLE.COM"), name(10, KRBTGT)])
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&u32::try_from(message.len()).unwrap().to_be_bytes()[..], message].concat()
}

fn kinds(heard: &Heard) -> Vec<(String, Option<String>)> {
    let kinds = heard.records.iter().map(|record| {
        let Record::Krb5(record) = record else { panic!("{record:?}") };
        (record.kind.to_string(), record.failed_request.map(|kind| kind.to_string()))
    });
    kinds.collect()
}

#[test]
fn an_exchange_is_told_and_an_error_names_its_request() {
    let exchange = [(Up, as_req()), (Down, error()), (Up, as_req()), (Down, as_rep(23)), (Down, error())];
    let framed: Talk = exchange.iter().map(|(direction, message)| (*direction, framed(message))).collect();
    let (in_datagrams, ..) = hear(&mut Krb5::of_datagrams(), &exchange, whole);
    let (together, ..) = hear(&mut Krb5::of_stream(), &framed, whole);
    let (apart, progress, held) = hear(&mut Krb5::of_stream(), &framed, bytewise);
    assert_eq!(in_datagrams.all, together.all);
    assert_eq!((together.all, progress, held < 400), (apart.all, Progress::More, true));
    let named = |kind: &str| (kind.to_owned(), None);
    let expected = [
        named("KRB_AS_REQ"),
        ("KRB_ERROR".into(), Some("KRB_AS_REQ".into())),
        named("KRB_AS_REQ"),
        named("KRB_AS_REP"),
        named("KRB_ERROR"),
    ];
    assert_eq!(kinds(&in_datagrams), expected);
    assert_eq!(in_datagrams.anomalies, [(Down, Anomaly::Krb5WeakEncryption)]);
}

#[test]
fn a_stream_goes_on_behind_what_is_long_or_broken() {
    let long = framed(&vec![0x6b; MESSAGE_MAX + 1]);
    let talk = [(Down, [long, framed(&[0x6b, 1, 0]), vec![0; 4], framed(&as_rep(18))].concat())];
    let (heard, _, held) = hear(&mut Krb5::of_stream(), &talk, |_| (0..40).map(|at| at * 2000).collect());
    assert_eq!((kinds(&heard).len(), heard.anomalies), (1, vec![(Down, Anomaly::Krb5MalformedData)]));
    assert!(held < 2000);
}

#[test]
fn it_ends_where_it_is_something_else_or_lost() {
    let strange = vec![(Up, b"strange".to_vec()); STRANGE_MAX.into()];
    let (heard, progress, _) = hear(&mut Krb5::of_datagrams(), &strange, whole);
    assert_eq!((heard.anomalies.len(), progress), (1, Progress::Malformed));
    let (mut krb5, mut heard) = (Krb5::of_stream(), Heard::default());
    assert_eq!(krb5.gap(Up, 1, &mut heard), Progress::More);
    assert_eq!(krb5.bytes(Up, &framed(&as_req()), &mut heard), Progress::More);
    assert_eq!((heard.all.len(), krb5.gap(Down, 1, &mut heard)), (0, Progress::Done));
}

proptest! {
    #[test]
    fn any_bytes_are_borne(pieces: Vec<(bool, Vec<u8>)>, len in 0_u32..100_000, damage in 0_usize..200, value: u8) {
        let mut damaged = as_rep(18);
        if let Some(byte) = damaged.get_mut(damage) {
            *byte = value;
        }
        let mut talk: Talk = vec![(Up, framed(&damaged)), (Up, len.to_be_bytes().to_vec())];
        talk.extend(pieces.into_iter().map(|(is_up, bytes)| (if is_up { Up } else { Down }, bytes)));
        let (together, .., held) = hear(&mut Krb5::of_stream(), &talk, whole);
        let (apart, ..) = hear(&mut Krb5::of_stream(), &talk, bytewise);
        prop_assert_eq!(together.all, apart.all);
        prop_assert!(held <= HELD_MAX);
        hear(&mut Krb5::of_datagrams(), &talk, whole);
    }
}
