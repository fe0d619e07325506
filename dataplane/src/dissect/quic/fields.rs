//! The fields of QUIC that rules may read.

use super::facts::ClientHelloFacts;
use crate::dissect::{Fact, FieldGroup};
use crate::event::{EventKind, Field, Kind, Value};

/// Those of a client's hello.
pub const CLIENT_HELLO: FieldGroup = (&[EventKind::QuicClientHello], FIELDS);

const FIELDS: &[Field<Fact<'static>>] = &[
    Field {
        name: "quic.version",
        kind: Kind::Str,
        doc: "Version asked for, as events write it: `1`, `v2`, `ff00001d` (a draft), `Q046`.",
        read: |fact| hello(fact).map(|hello| Value::Str(&hello.version_name)),
    },
    Field {
        name: "quic.sni",
        kind: Kind::Str,
        doc: "Host that the client means: its first host name.",
        read: |fact| hello(fact)?.sni().map(Value::Str),
    },
    Field {
        name: "quic.alpn",
        kind: Kind::Str,
        doc: "First application protocol that the client offers: `h3`.",
        read: |fact| hello(fact)?.tls()?.alpns.first().map(|name| Value::Str(name)),
    },
    Field {
        name: "quic.ja3",
        kind: Kind::Str,
        doc: "JA3 of the hello, hashed: 32 hexadecimal digits.",
        read: |fact| hello(fact)?.tls().map(|hello| Value::Str(&hello.ja3_hash)),
    },
    Field {
        name: "quic.ja4",
        kind: Kind::Str,
        doc: "JA4 of the hello: begins with `q`.",
        read: |fact| hello(fact)?.tls().map(|hello| Value::Str(&hello.ja4)),
    },
    Field {
        name: "quic.ech",
        kind: Kind::Bool,
        doc: "Whether another hello is, or seems to be, encrypted in it; `quic.sni` is not the real host then.",
        read: |fact| hello(fact)?.tls().map(|hello| Value::Bool(hello.has_ech)),
    },
    Field {
        name: "quic.user_agent",
        kind: Kind::Str,
        doc: "What the client calls itself, in Google's hellos before TLS.",
        read: |fact| match &hello(fact)?.hello {
            super::facts::Hello::Google(hello) => hello.user_agent.as_deref().map(Value::Str),
            super::facts::Hello::Tls(_) => None,
        },
    },
];

fn hello<'a>(fact: &'a Fact<'a>) -> Option<&'a ClientHelloFacts> {
    match fact {
        Fact::QuicClientHello(hello) => Some(hello),
        _ => None,
    }
}
