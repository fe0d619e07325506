//! Whole messages: sound, cut, lying.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use proptest::prelude::*;

use super::build::{FIRST_NAME, MessageBuilder, name};
use super::name::Flaws;
use super::*;
use crate::wire::Malformed;

/// A response with all sections, two kinds of pointers, and an extension.
fn response() -> Vec<u8> {
    let soa = [name("ns.example"), name("root.example"), [0, 0, 0, 9].repeat(5)].concat();
    MessageBuilder::response(7)
        .question("www.example", Type::A)
        .answer(FIRST_NAME, Type::CNAME, 60, &name("host.example"))
        .answer(FIRST_NAME, Type::A, 60, &[192, 0, 2, 1])
        .answer(FIRST_NAME, Type::MX, 60, &[0, 10, 4, b'm', b'a', b'i', b'l', 0xc0, 16])
        .authority(&name("example"), Type::SOA, 5, &soa)
        .additional(&name("x"), Type::TXT, 5, b"\x01a\x00\x02bc")
        .edns(1232, 1, &[0, 10, 0, 2, 7, 7])
        .build()
}

#[test]
fn a_message_says_what_was_built() {
    let bytes = response();
    let message = Message::decode(&bytes).unwrap();
    assert_eq!((message.unsound, message.has_unsound_data, message.len), (None, false, bytes.len()));
    assert_eq!(message.counts(), [1, 3, 1, 2]);
    assert_eq!((message.header.id, message.rcode()), (7, Rcode::BADVERS));
    let question = message.questions().next().unwrap();
    assert_eq!((question.name.to_string(), question.kind), ("www.example".to_owned(), Type::A));
    let answers: Vec<_> = message.answers().map(|record| record.data()).collect();
    let [Data::Name(host), Data::A(address), Data::Preferred(mail)] = answers[..] else {
        unreachable!("{answers:?}")
    };
    assert_eq!((host.to_string(), address.octets()), ("host.example".to_owned(), [192, 0, 2, 1]));
    assert_eq!((mail.preference, mail.name.to_string()), (10, "mail.example".to_owned()));
    let edns = message.edns().unwrap();
    assert_eq!((edns.udp_size, edns.version, edns.dnssec_ok), (1232, 0, false));
    let options: Vec<_> = edns.options.iter().map(|option| (option.code, option.data)).collect();
    assert_eq!(options, [(OptionCode::COOKIE, &[7, 7][..])]);
}

#[test]
fn a_message_that_is_cut_gives_what_stands_before_the_cut() {
    let bytes = response();
    let whole = Message::decode(&bytes).unwrap();
    for len in 0..bytes.len() {
        let Ok(message) = Message::decode(&bytes[..len]) else {
            assert!(len < HEADER_LEN, "{len}");
            continue;
        };
        assert!(message.unsound.is_some(), "{len}");
        assert!(message.counts().iter().zip(whole.counts()).all(|(got, all)| *got <= all), "{len}");
        assert_eq!(message.answers().count(), usize::from(message.counts()[1]), "{len}");
    }
}

#[test]
fn data_that_lie_are_bytes_and_are_noted() {
    let with = |kind, data: &[u8]| MessageBuilder::response(1).answer(&[0], kind, 1, data).build();
    let liars: [(Type, &[u8]); 12] = [
        (Type::A, &[1, 2, 3]),
        (Type::A, &[1, 2, 3, 4, 5]),
        (Type::AAAA, &[0; 15]),
        (Type::NS, b"\x03ab"),
        (Type::MX, b"\0\x01\0\0"),
        (Type::TXT, b"\x05ab"),
        (Type::SOA, b"\0\0\0\0\0\x01"),
        (Type::OPT, &[0, 1, 0, 9, 1]),
        (Type::HTTPS, &[0, 1, 0, 0, 1, 0, 9, 1]),
        (Type::NSEC, &[0, 0, 33, 1]),
        (Type::CAA, &[0, 9, b'i']),
        (Type::RRSIG, &[0, 1, 5]),
    ];
    for (kind, data) in liars {
        let bytes = with(kind, data);
        let message = Message::decode(&bytes).unwrap();
        assert!(message.has_unsound_data && message.unsound.is_none(), "{kind}");
        assert_eq!(message.answers().next().unwrap().data(), Data::Other(data), "{kind}");
    }
    let bytes = with(Type::A, &[]);
    assert!(!Message::decode(&bytes).unwrap().has_unsound_data, "an update deletes so");
}

#[test]
fn a_name_in_data_ends_where_they_do() {
    // The label reaches beyond the data, into the next record.
    let bytes = MessageBuilder::response(1)
        .answer(&[0], Type::NS, 1, b"\x04ab")
        .answer(&[0], Type::A, 1, &[1, 1, 1, 1])
        .build();
    let message = Message::decode(&bytes).unwrap();
    assert!(message.has_unsound_data);
    assert_eq!(message.counts()[1], 2);
}

#[test]
fn counts_that_lie_are_seen() {
    let bytes = MessageBuilder::query(1).question("a", Type::A).counts([1, 0xffff, 0, 0]).build();
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.unsound, Some((Section::Answers, Malformed::Truncated)));
    let bytes = MessageBuilder::query(1).question("a", Type::A).counts([0, 0, 0, 0]).build();
    assert_eq!(Message::decode(&bytes).unwrap().len, HEADER_LEN);
}

#[test]
fn names_that_were_made_to_be_slow_end_a_message() {
    let long = (0..60).map(|_| "a.b.c").collect::<Vec<_>>().join(".");
    let mut message = MessageBuilder::response(1).question(&long, Type::A);
    for _ in 0..4000 {
        message = message.answer(FIRST_NAME, Type::NS, 1, FIRST_NAME);
    }
    let bytes = message.build();
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.unsound, Some((Section::Answers, Malformed::TooDeep)));
    let text: usize = message.answers().map(|record| record.name.to_string().len()).sum();
    assert!(text <= message::WALK_FACTOR * bytes.len());
}

#[test]
fn flaws_of_names_are_the_messages() {
    let looped = [&b"\x01a"[..], &[0xc0, 12]].concat();
    let bytes = MessageBuilder::query(1).question_raw(&looped, Type::A).build();
    let message = Message::decode(&bytes).unwrap();
    assert_eq!((message.flaws, message.unsound), (Flaws::LOOP, None));
    assert!(message.questions().next().unwrap().name.is_cut());
    let bytes = MessageBuilder::response(1).answer(&[0], Type::PTR, 1, b"\x01a\xc0\x17").build();
    assert_eq!(Message::decode(&bytes).unwrap().flaws, Flaws::LOOP);
}

#[test]
fn types_at_a_name_are_listed() {
    let data = [name("next"), vec![0, 6, 0x40, 1, 0, 0, 0, 3, 1, 1, 0x40]].concat();
    let bytes = MessageBuilder::response(1).answer(&[0], Type::NSEC, 1, &data).build();
    let Data::Nsec(nsec) = Message::decode(&bytes).unwrap().answers().next().unwrap().data() else {
        unreachable!()
    };
    let types: Vec<_> = nsec.types.iter().collect();
    assert_eq!(types, [Type::A, Type::MX, Type::RRSIG, Type::NSEC, Type::CAA]);
}

proptest! {
    #[test]
    fn any_bytes_are_borne_and_walked_alike(
        header in prop::array::uniform12(any::<u8>()),
        body in prop::collection::vec(prop_oneof![any::<u8>(), 0..8_u8, Just(0xc0)], 0..200),
    ) {
        let bytes = [&header[..], &body].concat();
        let message = Message::decode(&bytes).unwrap();
        let counts = message.counts();
        let found = [message.answers().count(), message.authorities().count(), message.additionals().count()];
        prop_assert_eq!(message.questions().count(), usize::from(counts[0]));
        prop_assert_eq!(found, [counts[1], counts[2], counts[3]].map(usize::from));
        for record in message.answers().chain(message.authorities()).chain(message.additionals()) {
            prop_assert!(record.name.to_string().len() <= name::TEXT_MAX * 4);
            let _ = std::hint::black_box(format!("{:?}", record.data()));
        }
    }
}
