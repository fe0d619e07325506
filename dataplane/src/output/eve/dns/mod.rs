//! `dns`, in the shape that Suricata 7 calls version 2; `mdns` and `llmnr`.
//!
//! Of DNS each question of a query is a line, and each response is one. Multicast
//! DNS and LLMNR have a line a message, with all its questions under `queries`, as
//! Suricata 8 has it; their records are written as those of `dns` are.
//!
//! Where we differ from Suricata, on purpose: data of all types are written, those
//! that it does not know as zone files have them; `additionals` are written;
//! `rcode` has the bits that EDNS adds; `unsolicited` is ours, as are `preference`
//! of MX and `name` of options.

mod entry;
mod zone;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use self::entry::{Entry, Plain, texts_of};
use super::head::Shown;
use crate::dissect::dns::{DnsRecord, Family};
use crate::wire::dns::{Data, Flags, Message, Question, Record, Type};

/// Writes what is particular to the line.
pub(super) fn write<M: SerializeMap>(map: &mut M, record: &DnsRecord) -> Result<(), M::Error> {
    // It was decoded before it became a record.
    let Ok(message) = Message::decode(&record.message) else { return Ok(()) };
    let body = Body { record, message };
    match record.family {
        Family::Unicast if message.header.flags.is_response() => map.serialize_entry("dns", &Answer(body)),
        Family::Unicast => map.serialize_entry("dns", &Query(body)),
        Family::Mdns | Family::Llmnr => map.serialize_entry(record.family.name(), &Whole(body)),
    }
}

#[derive(Clone, Copy)]
struct Body<'a> {
    record: &'a DnsRecord,
    message: Message<'a>,
}

/// One question of a query.
struct Query<'a>(Body<'a>);

impl Serialize for Query<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Body { record, message }) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "query")?;
        map.serialize_entry("id", &message.header.id)?;
        if let Some(question) = message.questions().nth(record.question.into()) {
            write_question(&mut map, &question)?;
        }
        map.serialize_entry("tx_id", &record.tx_id)?;
        write_flag(&mut map, message, Flags::RESERVED, "z")?;
        map.serialize_entry("opcode", &message.header.flags.opcode())?;
        map.end()
    }
}

/// A response.
struct Answer<'a>(Body<'a>);

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Body { record, message }) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &2)?;
        map.serialize_entry("type", "answer")?;
        map.serialize_entry("id", &message.header.id)?;
        map.serialize_entry("flags", &Shown(format_args!("{:x}", message.header.flags.0)))?;
        map.serialize_entry("qr", &true)?;
        write_flags(&mut map, message)?;
        map.serialize_entry("opcode", &message.header.flags.opcode())?;
        if let Some(question) = message.questions().next() {
            write_question(&mut map, &question)?;
        }
        map.serialize_entry("rcode", &Shown(message.rcode()))?;
        if record.is_unsolicited {
            map.serialize_entry("unsolicited", &true)?;
        }
        write_records(&mut map, message)?;
        map.end()
    }
}

/// A message of multicast DNS or LLMNR.
struct Whole<'a>(Body<'a>);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Body { record, message }) = self;
        let is_response = message.header.flags.is_response();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", if is_response { "response" } else { "request" })?;
        map.serialize_entry("tx_id", &record.tx_id)?;
        map.serialize_entry("id", &message.header.id)?;
        write_flags(&mut map, message)?;
        map.serialize_entry("opcode", &message.header.flags.opcode())?;
        if is_response {
            map.serialize_entry("rcode", &Shown(message.rcode()))?;
        }
        if message.questions().next().is_some() {
            map.serialize_entry("queries", &Questions(message))?;
        }
        write_records(&mut map, message)?;
        map.end()
    }
}

/// The flags of the header that are set, but for the response's.
fn write_flags<M: SerializeMap>(map: &mut M, message: &Message<'_>) -> Result<(), M::Error> {
    write_flag(map, message, Flags::AUTHORITATIVE, "aa")?;
    write_flag(map, message, Flags::TRUNCATED, "tc")?;
    write_flag(map, message, Flags::RECURSION_DESIRED, "rd")?;
    write_flag(map, message, Flags::RECURSION_AVAILABLE, "ra")?;
    write_flag(map, message, Flags::RESERVED, "z")
}

fn write_flag<M: SerializeMap>(
    map: &mut M,
    message: &Message<'_>,
    flag: u16,
    key: &'static str,
) -> Result<(), M::Error> {
    if message.header.flags.has(flag) { map.serialize_entry(key, &true) } else { Ok(()) }
}

fn write_question<M: SerializeMap>(map: &mut M, question: &Question<'_>) -> Result<(), M::Error> {
    map.serialize_entry("rrname", &Shown(question.name))?;
    if question.name.is_cut() {
        map.serialize_entry("rrname_truncated", &true)?;
    }
    map.serialize_entry("rrtype", &Shown(question.kind))
}

fn write_records<M: SerializeMap>(map: &mut M, message: &Message<'_>) -> Result<(), M::Error> {
    if message.answers().next().is_some() {
        map.serialize_entry("answers", &Entries(|| message.answers()))?;
        map.serialize_entry("grouped", &Grouped(message))?;
    }
    if message.authorities().next().is_some() {
        map.serialize_entry("authorities", &Entries(|| message.authorities()))?;
    }
    // An extension without options says nothing of names.
    let additionals =
        || message.additionals().filter(|record| record.kind != Type::OPT || !record.bytes().is_empty());
    if additionals().next().is_some() {
        map.serialize_entry("additionals", &Entries(additionals))?;
    }
    Ok(())
}

struct Questions<'a>(&'a Message<'a>);

impl Serialize for Questions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// One of them.
        struct One<'a>(Question<'a>);
        impl Serialize for One<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                write_question(&mut map, &self.0)?;
                map.end()
            }
        }
        serializer.collect_seq(self.0.questions().map(One))
    }
}

/// Records, one entry each, but for those of texts: each text has its own.
struct Entries<F>(F);

impl<'a, F, I> Serialize for Entries<F>
where
    F: Fn() -> I,
    I: Iterator<Item = Record<'a>>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for record in (self.0)() {
            let data = record.data();
            let mut has_texts = false;
            for text in texts_of(record.kind, &data) {
                list.serialize_element(&Entry { record, data, text: Some(text) })?;
                has_texts = true;
            }
            if !has_texts {
                list.serialize_element(&Entry { record, data, text: None })?;
            }
        }
        list.end()
    }
}

/// The types that answers are grouped by, in the order of their groups.
const GROUPED: [Type; 12] = [
    Type::A,
    Type::AAAA,
    Type::CNAME,
    Type::DNAME,
    Type::MX,
    Type::NS,
    Type::PTR,
    Type::TXT,
    Type::NULL,
    Type::SOA,
    Type::SSHFP,
    Type::SRV,
];

/// The answers' data by type.
struct Grouped<'a>(&'a Message<'a>);

impl Serialize for Grouped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for kind in GROUPED {
            let group = Group { message: self.0, kind };
            if group.data().next().is_some() {
                map.serialize_entry(kind.name().unwrap_or_default(), &group)?;
            }
        }
        map.end()
    }
}

struct Group<'a> {
    message: &'a Message<'a>,
    kind: Type,
}

impl<'a> Group<'a> {
    fn data(&self) -> impl Iterator<Item = Data<'a>> {
        let kind = self.kind;
        let data =
            self.message.answers().filter(move |record| record.kind == kind).map(|record| record.data());
        data.filter(|data| !matches!(data, Data::Other(_)))
    }
}

impl Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for data in self.data() {
            match data {
                Data::Texts(texts) => {
                    for text in texts.iter() {
                        list.serialize_element(&Plain { data, text: Some(text) })?;
                    }
                }
                _ => list.serialize_element(&Plain { data, text: None })?,
            }
        }
        list.end()
    }
}

#[cfg(test)]
mod tests;
