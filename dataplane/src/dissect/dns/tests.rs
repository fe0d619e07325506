//! Flows of messages: asked and answered, cut everywhere, odd, hostile.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use proptest::prelude::*;

use super::super::heard::{Heard, Talk, bytewise, hear, whole};
use super::super::{Fact, Record};
use super::*;
use crate::anomaly::Anomaly;
use crate::anomaly::Anomaly as A;
use crate::event::{Field, Value};
use crate::wire::dns::build::{FIRST_NAME, MessageBuilder, name};
use crate::wire::dns::{Message, Type};

use Direction::{Down, Up};

fn query(id: u16, text: &str) -> MessageBuilder {
    MessageBuilder::query(id).question(text, Type::A)
}

fn answer(id: u16, text: &str) -> MessageBuilder {
    MessageBuilder::response(id).question(text, Type::A).answer(FIRST_NAME, Type::A, 30, &[192, 0, 2, 1])
}

fn datagrams(family: Family, talk: &[(Direction, &MessageBuilder)]) -> Heard {
    let talk: Vec<_> = talk.iter().map(|(direction, message)| (*direction, message.build())).collect();
    hear(&mut DnsDatagrams::new(family), &talk, whole).0
}

fn told(heard: &Heard) -> Vec<(u64, u16, bool)> {
    let records = heard.records.iter().filter_map(|record| match record {
        Record::Dns(record) => Some(record),
        _ => None,
    });
    records
        .map(|record| {
            let id = Message::decode(&record.message).unwrap().header.id;
            (record.tx_id, id, record.is_unsolicited)
        })
        .collect()
}

fn oddities(heard: &Heard) -> Vec<Anomaly> {
    heard.anomalies.iter().map(|(_, anomaly)| *anomaly).collect()
}

#[test]
fn messages_are_numbered_and_answers_find_their_queries() {
    let (a, b) = (query(1, "a.example"), query(2, "b.example"));
    // Who answers may change the case of the name.
    let heard = datagrams(
        Family::Unicast,
        &[(Up, &a), (Up, &b), (Down, &answer(2, "B.Example")), (Down, &answer(1, "a.example"))],
    );
    assert_eq!(told(&heard), [(0, 1, false), (1, 2, false), (2, 2, false), (3, 1, false)]);
    assert!(heard.anomalies.is_empty(), "{:?}", heard.anomalies);
}

#[test]
fn an_answer_that_nobody_asked_for_is_flagged() {
    let asked = query(1, "a.example");
    for unasked in [answer(2, "a.example"), answer(1, "b.example")] {
        let heard = datagrams(Family::Unicast, &[(Up, &asked), (Down, &unasked)]);
        assert_eq!(oddities(&heard), [Anomaly::DnsUnsolicitedResponse]);
        assert!(told(&heard)[1].2);
    }
    // The second answer to one question, too.
    let twice = answer(1, "a.example");
    let heard = datagrams(Family::Unicast, &[(Up, &asked), (Down, &twice), (Down, &twice)]);
    assert_eq!(oddities(&heard), [Anomaly::DnsUnsolicitedResponse]);
    // A refusal may leave the question out; a transfer has many answers.
    let refusal = MessageBuilder::response(1).flags(0x8005);
    assert!(datagrams(Family::Unicast, &[(Up, &asked), (Down, &refusal)]).anomalies.is_empty());
    let transfer = MessageBuilder::query(4).question("example", Type::AXFR);
    let part = MessageBuilder::response(4).answer(&name("example"), Type::A, 1, &[1, 1, 1, 1]);
    let heard = datagrams(Family::Unicast, &[(Up, &transfer), (Down, &part), (Down, &part)]);
    assert!(heard.anomalies.is_empty());
}

#[test]
fn what_was_forgotten_is_not_held_against_its_answer() {
    let mut talk: Talk = (0..=u16::try_from(OUTSTANDING_MAX).unwrap())
        .map(|id| (Up, query(id, "a.example").build()))
        .collect();
    talk.push((Down, answer(0, "a.example").build()));
    let mut flow = DnsDatagrams::new(Family::Unicast);
    let (heard, _, held) = hear(&mut flow, &talk, whole);
    assert!(heard.anomalies.is_empty());
    assert!(held <= 16 * 1024, "{held}");
}

#[test]
fn only_unicast_dns_is_matched() {
    for family in [Family::Mdns, Family::Llmnr] {
        let heard = datagrams(family, &[(Up, &answer(0, "a.local"))]);
        assert!(heard.anomalies.is_empty());
        assert_eq!(told(&heard), [(0, 0, false)]);
    }
}

#[test]
fn each_question_of_dns_is_told_and_of_the_others_each_message() {
    let two = query(1, "a.local").question("b.local", Type::PTR);
    assert_eq!(told(&datagrams(Family::Unicast, &[(Up, &two)])).len(), 2);
    assert_eq!(told(&datagrams(Family::Mdns, &[(Up, &two)])).len(), 1);
    let many = (0..100).fold(MessageBuilder::query(1), |message, _| message.question("a", Type::A));
    let heard = datagrams(Family::Unicast, &[(Up, &many)]);
    assert_eq!(heard.records.len(), usize::from(QUESTIONS_TOLD_MAX));
    // Nothing is asked: nothing is told.
    assert!(datagrams(Family::Unicast, &[(Up, &MessageBuilder::query(1))]).all.is_empty());
}

#[test]
fn sides_that_send_what_the_other_should_are_odd() {
    let (asked, answered) = (query(1, "a"), answer(1, "a"));
    let heard = datagrams(Family::Unicast, &[(Up, &asked), (Up, &answered)]);
    assert_eq!(oddities(&heard), [Anomaly::DnsNotRequest]);
    let heard = datagrams(Family::Unicast, &[(Up, &asked), (Down, &asked)]);
    assert_eq!(oddities(&heard), [Anomaly::DnsNotResponse]);
    // A flow that was met at its answer has its client behind it.
    let heard = datagrams(Family::Unicast, &[(Up, &answered), (Down, &asked), (Up, &answered)]);
    assert_eq!(oddities(&heard), [Anomaly::DnsUnsolicitedResponse]);
}

#[test]
fn oddities_have_the_name_of_their_protocol() {
    let z = query(1, "a").flags(0x0040);
    let opcode = query(1, "a").flags(0x4800);
    let looped = MessageBuilder::query(1).question_raw(b"\x01a\xc0\x0c", Type::A);
    let cut = query(1, "a").counts([1, 1, 0, 0]);
    let authorities = query(1, "a").counts([1, 0, 1, 0]);
    let additionals = query(1, "a").counts([1, 0, 0, 1]);
    let long = [[vec![63], vec![b'z'; 63]].concat().repeat(20), vec![0]].concat();
    let long = MessageBuilder::query(1).question_raw(&long, Type::A);
    let mut chain = vec![0_u8];
    for place in 0..260_u16 {
        let to = if place == 0 { 23 } else { 24 + 2 * (place - 1) };
        chain.extend((0xc000 | to).to_be_bytes());
    }
    let last = (0xc000_u16 | (24 + 2 * 259)).to_be_bytes();
    let steps =
        MessageBuilder::query(1).answer(&[0], Type::NULL, 1, &chain).answer(&last, Type::A, 1, &[1, 1, 1, 1]);
    let opcode_1 = query(1, "a").flags(0x0800);
    for (message, dns, mdns, llmnr) in [
        (&z, A::DnsZFlagSet, A::MdnsZFlagSet, A::LlmnrZFlagSet),
        (&opcode, A::DnsInvalidOpcode, A::MdnsInvalidOpcode, A::LlmnrInvalidOpcode),
        (&looped, A::DnsInfiniteLoop, A::MdnsInfiniteLoop, A::LlmnrInfiniteLoop),
        (&cut, A::DnsMalformedData, A::MdnsMalformedData, A::LlmnrMalformedData),
        (&authorities, A::DnsInvalidAuthorities, A::MdnsInvalidAuthorities, A::LlmnrInvalidAuthorities),
        (&additionals, A::DnsInvalidAdditionals, A::MdnsInvalidAdditionals, A::LlmnrInvalidAdditionals),
        (&long, A::DnsNameTooLong, A::MdnsNameTooLong, A::LlmnrNameTooLong),
        (&steps, A::DnsTooManyLabels, A::MdnsTooManyLabels, A::LlmnrTooManyLabels),
    ] {
        for (family, anomaly) in [(Family::Unicast, dns), (Family::Mdns, mdns), (Family::Llmnr, llmnr)] {
            assert_eq!(oddities(&datagrams(family, &[(Up, message)])), [anomaly]);
        }
    }
    assert!(datagrams(Family::Unicast, &[(Up, &opcode_1)]).anomalies.is_empty());
    assert_eq!(oddities(&datagrams(Family::Llmnr, &[(Up, &opcode_1)])), [A::LlmnrInvalidOpcode]);
}

#[test]
fn nonsense_ends_a_stream_after_a_while_and_hides_no_query_among_datagrams() {
    let mut talk: Talk = vec![(Up, vec![1, 2, 3]); 400];
    talk.push((Up, MessageBuilder::query(1).question("a.example", Type::A).build()));
    let (heard, progress, _) = hear(&mut DnsDatagrams::new(Family::Unicast), &talk, whole);
    assert_eq!((heard.anomalies.len(), progress), (usize::from(NONSENSE_MAX), Progress::More));
    assert!(heard.all.iter().any(|told| told.contains("DnsQuery")));
    let talk: Talk = vec![(Up, vec![0; 400])];
    let (_, progress, _) = hear(&mut DnsStream::new(Family::Unicast), &talk, whole);
    assert_eq!(progress, Progress::Malformed, "empty messages");
}

/// Two queries at once, their answers in the other order, one of them long.
fn pipelined() -> Talk {
    let long = (0..100).fold(MessageBuilder::response(1).question("a.example", Type::TXT), |message, _| {
        message.answer(FIRST_NAME, Type::TXT, 5, b"\x05hello")
    });
    let asked = [MessageBuilder::query(1).question("a.example", Type::TXT).framed(), query(2, "b").framed()];
    vec![(Up, asked.concat()), (Down, [answer(2, "b").framed(), long.framed()].concat())]
}

#[test]
fn a_stream_tells_the_same_however_it_is_cut() {
    let (heard, progress, held) = hear(&mut DnsStream::new(Family::Unicast), &pipelined(), whole);
    assert_eq!(told(&heard).iter().map(|told| told.1).collect::<Vec<_>>(), [1, 2, 2, 1]);
    assert_eq!((progress, heard.anomalies.len()), (Progress::More, 0));
    assert!(held < 1024, "what comes whole is not kept: {held}");
    let (cut, ..) = hear(&mut DnsStream::new(Family::Unicast), &pipelined(), bytewise);
    assert_eq!(cut.all, heard.all);
}

#[test]
fn a_hole_ends_a_direction_and_the_other_goes_on() {
    let mut flow = DnsStream::new(Family::Unicast);
    let mut heard = Heard::default();
    assert_eq!(flow.bytes(Up, &query(1, "a").framed()[..9], &mut heard), Progress::More);
    assert_eq!(flow.gap(Up, 10, &mut heard), Progress::More);
    assert_eq!(flow.bytes(Up, &query(2, "a").framed(), &mut heard), Progress::More);
    assert!(heard.all.is_empty(), "where a message begins is not known");
    flow.bytes(Down, &answer(1, "a").framed(), &mut heard);
    assert_eq!((told(&heard).len(), heard.anomalies.len()), (1, 0), "the query may have been in the hole");
    assert_eq!(flow.gap(Down, 1, &mut heard), Progress::Done);
}

/// Reads a field as a rule does.
fn read<'a>(fields: &[Field<Fact<'static>>], of: &str, fact: &'a Fact<'a>) -> Option<Value<'a>> {
    (fields.iter().find(|field| field.name == of).unwrap().read)(fact)
}

#[test]
fn rules_read_names_in_lower_case_and_what_was_answered() {
    let bytes = answer(7, "WWW.Example").edns(1232, 1, &[]).build();
    let facts = DnsFacts {
        message: Message::decode(&bytes).unwrap(),
        family: Family::Unicast,
        name: "www.example",
        kind: Some(Type::A),
        is_unsolicited: true,
    };
    let fact = Fact::DnsAnswer(&facts);
    for (of, value) in [
        ("dns.query", Value::Str("www.example")),
        ("dns.type", Value::Int(1)),
        ("dns.protocol", Value::Str("dns")),
        ("dns.id", Value::Int(7)),
        ("dns.opcode", Value::Int(0)),
        ("dns.flags", Value::Int(0x8180)),
        ("dns.rd", Value::Bool(true)),
        ("dns.tc", Value::Bool(false)),
        ("dns.len", Value::Int(i64::try_from(bytes.len()).unwrap())),
        ("dns.edns", Value::Bool(true)),
        ("dns.question_count", Value::Int(1)),
        ("dns.additional_count", Value::Int(1)),
    ] {
        assert_eq!(read(MESSAGE_FIELDS, of, &fact), Some(value), "{of}");
    }
    for (of, value) in [
        ("dns.rcode", Value::Int(16)),
        ("dns.aa", Value::Bool(false)),
        ("dns.ra", Value::Bool(true)),
        ("dns.answer_count", Value::Int(1)),
        ("dns.authority_count", Value::Int(0)),
        ("dns.answer_ip", Value::Ip([192, 0, 2, 1].into())),
        ("dns.answer_ttl", Value::Int(30)),
        ("dns.unsolicited", Value::Bool(true)),
    ] {
        assert_eq!(read(ANSWER_FIELDS, of, &fact), Some(value), "{of}");
    }
    let heard = datagrams(Family::Unicast, &[(Up, &query(1, "WWW.Example"))]);
    assert!(heard.all[0].starts_with("Up DnsQuery") && heard.all[0].contains(r#"name: "www.example""#));
}

proptest! {
    #[test]
    fn memory_is_bounded_and_cuts_change_nothing(
        pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(
            prop_oneof![Just(0_u8), Just(1), Just(12), Just(0xc0), any::<u8>()], 0..300)), 0..20),
    ) {
        let talk: Talk =
            pieces.into_iter().map(|(is_up, bytes)| (if is_up { Up } else { Down }, bytes)).collect();
        let (heard, progress, held) = hear(&mut DnsStream::new(Family::Unicast), &talk, whole);
        let (cut, cut_progress, cut_held) = hear(&mut DnsStream::new(Family::Unicast), &talk, bytewise);
        prop_assert_eq!((heard.all, progress), (cut.all, cut_progress));
        prop_assert!(held.max(cut_held) <= 2 * FRAME_MAX + 16 * 1024);
    }
}

#[test]
fn what_is_promised_takes_no_memory_before_it_comes() {
    let mut flow = DnsStream::new(Family::Unicast);
    let mut heard = Heard::default();
    flow.bytes(Up, &[0xff, 0xff, 1], &mut heard);
    assert!(flow.held() < 64, "{}", flow.held());
    for _ in 0..u16::MAX {
        flow.bytes(Up, &[0], &mut heard);
        flow.bytes(Down, &[0xff], &mut heard);
    }
    assert!(flow.held() <= 2 * FRAME_MAX + 16 * 1024, "{}", flow.held());
}
