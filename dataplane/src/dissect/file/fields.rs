//! The fields of a file that rules may read: `file.*`.

use super::{FileFacts, FileState};
use crate::dissect::Fact;
use crate::event::{Field, Kind, Value};

fn file<'a>(fact: &Fact<'a>) -> Option<&'a FileFacts> {
    match *fact {
        Fact::File(facts) => Some(facts),
        _ => None,
    }
}

/// All of them, at the event `file`.
pub(in crate::dissect) const FIELDS: &[Field<Fact<'static>>] = &[
    Field {
        name: "file.complete",
        kind: Kind::Bool,
        doc: "Whether the whole file was seen.",
        read: |fact| Some(Value::Bool(file(fact)?.state == FileState::Closed)),
    },
    Field {
        name: "file.magic",
        kind: Kind::Str,
        doc: "What its first bytes show it to be, in the first words of file(1): `PDF document`.",
        read: |fact| file(fact)?.magic.map(Value::Str),
    },
    Field {
        name: "file.md5",
        kind: Kind::Str,
        doc: "MD5 in lower-case hexadecimal digits, if the whole file was seen.",
        read: |fact| file(fact)?.md5.as_deref().map(Value::Str),
    },
    Field {
        name: "file.name",
        kind: Kind::Str,
        doc: "The name it was announced with, or the path it was asked for.",
        read: |fact| Some(Value::Str(&file(fact)?.name)).filter(|name| *name != Value::Str("")),
    },
    Field {
        name: "file.sha256",
        kind: Kind::Str,
        doc: "SHA-256 in lower-case hexadecimal digits, of what was seen of it.",
        read: |fact| Some(Value::Str(&file(fact)?.sha256)),
    },
    Field {
        name: "file.size",
        kind: Kind::Unsigned(63),
        doc: "Bytes of it, decoded.",
        read: |fact| i64::try_from(file(fact)?.size).ok().map(Value::Int),
    },
];
