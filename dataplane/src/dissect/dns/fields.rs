//! The fields of DNS that rules may read.

use std::net::IpAddr;

use super::DnsFacts;
use crate::dissect::Fact;
use crate::event::{EventKind, Field, Kind, Value};
use crate::wire::dns::registry::{OPCODES, RCODES, TYPES};
use crate::wire::dns::{Data, Flags};

/// The events that fill [`MESSAGE_FIELDS`].
pub const MESSAGE_EVENTS: &[EventKind] = &[EventKind::DnsQuery, EventKind::DnsAnswer];

/// The events that fill [`ANSWER_FIELDS`].
pub const ANSWER_EVENTS: &[EventKind] = &[EventKind::DnsAnswer];

type FactField = Field<Fact<'static>>;

const fn field(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    read: for<'a> fn(&'a Fact<'a>) -> Option<Value<'a>>,
) -> FactField {
    Field { name, kind, doc, read }
}

fn facts<'a>(fact: &'a Fact<'a>) -> Option<&'a DnsFacts<'a>> {
    match fact {
        Fact::DnsQuery(facts) | Fact::DnsAnswer(facts) => Some(facts),
        _ => None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a reader's answer")]
fn number<'a>(number: impl Into<i64>) -> Option<Value<'a>> {
    Some(Value::Int(number.into()))
}

fn flag<'a>(fact: &'a Fact<'a>, flag: u16) -> Option<Value<'a>> {
    Some(Value::Bool(facts(fact)?.message.header.flags.has(flag)))
}

fn count<'a>(fact: &'a Fact<'a>, section: usize) -> Option<Value<'a>> {
    facts(fact)?.message.counts().get(section).copied().and_then(number)
}

/// Of queries and answers.
pub const MESSAGE_FIELDS: &[FactField] = &[
    field(
        "dns.query",
        Kind::Str,
        "The name asked for, in lower case and without a dot at its end; empty for the root.",
        |fact| {
            let facts = facts(fact)?;
            facts.kind.map(|_| Value::Str(facts.name))
        },
    ),
    field("dns.type", Kind::Enum(&TYPES), "The type of record asked for.", |fact| {
        facts(fact)?.kind.and_then(|kind| number(kind.0))
    }),
    field("dns.protocol", Kind::Str, "`dns`, `mdns` or `llmnr`.", |fact| {
        Some(Value::Str(facts(fact)?.family.name()))
    }),
    field("dns.id", Kind::Unsigned(16), "The number that a query and its answer share.", |fact| {
        number(facts(fact)?.message.header.id)
    }),
    field("dns.opcode", Kind::Enum(&OPCODES), "What is to be done.", |fact| {
        number(facts(fact)?.message.header.flags.opcode())
    }),
    field(
        "dns.flags",
        Kind::Unsigned(16),
        "The second word of the header, opcode and response code included.",
        |fact| number(facts(fact)?.message.header.flags.0),
    ),
    field("dns.rd", Kind::Bool, "Whether recursion is wished for.", |fact| {
        flag(fact, Flags::RECURSION_DESIRED)
    }),
    field("dns.tc", Kind::Bool, "Whether the message was cut to what fits.", |fact| {
        flag(fact, Flags::TRUNCATED)
    }),
    field(
        "dns.len",
        Kind::Unsigned(16),
        "Length of the message in bytes, without what carries it.",
        |fact| i64::try_from(facts(fact)?.message.len).ok().and_then(number),
    ),
    field("dns.edns", Kind::Bool, "Whether the message has an EDNS record.", |fact| {
        Some(Value::Bool(facts(fact)?.message.edns().is_some()))
    }),
    field("dns.question_count", Kind::Unsigned(16), "How many questions there are.", |fact| count(fact, 0)),
    field("dns.additional_count", Kind::Unsigned(16), "How many additional records there are.", |fact| {
        count(fact, 3)
    }),
];

/// Of answers.
pub const ANSWER_FIELDS: &[FactField] = &[
    field("dns.rcode", Kind::Enum(&RCODES), "How the answer went, with the bits that EDNS adds.", |fact| {
        number(facts(fact)?.message.rcode().0)
    }),
    field("dns.aa", Kind::Bool, "Whether the server has authority over the name.", |fact| {
        flag(fact, Flags::AUTHORITATIVE)
    }),
    field("dns.ra", Kind::Bool, "Whether the server offers recursion.", |fact| {
        flag(fact, Flags::RECURSION_AVAILABLE)
    }),
    field("dns.answer_count", Kind::Unsigned(16), "How many answers there are.", |fact| count(fact, 1)),
    field("dns.authority_count", Kind::Unsigned(16), "How many records of authority there are.", |fact| {
        count(fact, 2)
    }),
    field("dns.answer_ip", Kind::Ip, "The first address among the answers.", |fact| {
        facts(fact)?.message.answers().find_map(|record| match record.data() {
            Data::A(address) => Some(Value::Ip(IpAddr::V4(address))),
            Data::Aaaa(address) => Some(Value::Ip(IpAddr::V6(address))),
            _ => None,
        })
    }),
    field(
        "dns.answer_ttl",
        Kind::Unsigned(32),
        "The shortest time to live among the answers, in seconds.",
        |fact| facts(fact)?.message.answers().map(|record| record.ttl).min().and_then(number),
    ),
    field("dns.unsolicited", Kind::Bool, "Whether nobody in the flow has asked for the answer.", |fact| {
        Some(Value::Bool(facts(fact)?.is_unsolicited))
    }),
];
