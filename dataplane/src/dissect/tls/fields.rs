//! The fields that rules may read of TLS: what a client offers, what the server
//! chose, and what a certificate says.

use super::facts::{CertificateFacts, ClientFacts, ServerFacts, X509Facts};
use super::session::TlsSession;
use crate::dissect::Fact;
use crate::event::{EventKind, Field, Kind, Value};

type FactField = Field<Fact<'static>>;

const fn field(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    read: for<'a> fn(&'a Fact<'a>) -> Option<Value<'a>>,
) -> FactField {
    Field { name, kind, doc, read }
}

/// When what a client offers is known.
pub const CLIENT_EVENTS: &[EventKind] =
    &[EventKind::TlsClientHello, EventKind::TlsServerHello, EventKind::TlsCertificate];

/// When what a server has chosen is known.
pub const SERVER_EVENTS: &[EventKind] = &[EventKind::TlsServerHello, EventKind::TlsCertificate];

/// When what a certificate says is known.
pub const CERTIFICATE_EVENTS: &[EventKind] = &[EventKind::TlsCertificate];

/// What a client offers.
pub static CLIENT_FIELDS: &[FactField] = &[
    field("tls.sni", Kind::Str, "Name of the host that the client asks for (SNI).", |fact| {
        text(client(fact)?.sni.as_deref()?)
    }),
    field("tls.alpn", Kind::Str, "First of the application protocols offered (ALPN): `h2`.", |fact| {
        text(client(fact)?.alpns.first()?)
    }),
    field(
        "tls.version",
        Kind::Str,
        "Highest version offered, and the chosen one once the server has answered: `TLS 1.2`, `DTLS 1.2`.",
        |fact| match session(fact) {
            Some(session) => text(session.version()?.name()?),
            None => text(client(fact)?.version.name()?),
        },
    ),
    field("tls.ja3", Kind::Str, "JA3 of the client's hello, 32 hexadecimal digits.", |fact| {
        text(&client(fact)?.ja3_hash)
    }),
    field(
        "tls.ja3.string",
        Kind::Str,
        "What `tls.ja3` is the hash of: `771,4865-49199,0-16,29,0`.",
        |fact| text(&client(fact)?.ja3),
    ),
    field(
        "tls.ja4",
        Kind::Str,
        "JA4 of the client's hello: `t13d1516h2_8daaf6152771_e5627efa2ab1`.",
        |fact| text(&client(fact)?.ja4),
    ),
    field("tls.ja4.raw", Kind::Str, "What `tls.ja4` is made of, before hashing.", |fact| {
        text(&client(fact)?.ja4_raw)
    }),
    field("tls.has_ech", Kind::Bool, "Whether another hello seems to be encrypted in it (ECH).", |fact| {
        flag(client(fact)?.has_ech)
    }),
    field(
        "tls.offers_resumption",
        Kind::Bool,
        "Whether the client shows a ticket or a key of an earlier session.",
        |fact| flag(client(fact)?.offers_resumption),
    ),
    field("tls.has_early_data", Kind::Bool, "Whether data follows before the server has answered.", |fact| {
        flag(client(fact)?.has_early_data)
    }),
    field(
        "tls.offers_post_quantum",
        Kind::Bool,
        "Whether a group is offered that is meant to withstand quantum computers.",
        |fact| flag(client(fact)?.groups.iter().any(|group| group.is_post_quantum())),
    ),
    field("tls.is_sslv2", Kind::Bool, "Whether the hello is framed as SSL 2.0.", |fact| {
        flag(client(fact)?.is_sslv2)
    }),
];

/// What a server has chosen.
pub static SERVER_FIELDS: &[FactField] = &[
    field(
        "tls.cipher",
        Kind::Str,
        "Suite that the server chose, by its IANA name: `TLS_AES_128_GCM_SHA256`.",
        |fact| text(&server(fact)?.cipher),
    ),
    field("tls.suite", Kind::Unsigned(16), "Suite that the server chose, as its number.", |fact| {
        number(server(fact)?.suite.0)
    }),
    field("tls.server.alpn", Kind::Str, "Application protocol chosen; TLS 1.3 encrypts it.", |fact| {
        text(server(fact)?.alpn.as_deref()?)
    }),
    field(
        "tls.group",
        Kind::Str,
        "Group of the key exchange by name, where the server's hello says it (TLS 1.3): `x25519`.",
        |fact| text(session(fact)?.group()?.name()?),
    ),
    field("tls.resumed", Kind::Bool, "Whether an earlier session is resumed.", |fact| {
        flag(session(fact)?.is_resumed())
    }),
    field("tls.retried", Kind::Bool, "Whether the server asked for another hello.", |fact| {
        flag(session(fact)?.is_retried)
    }),
    field(
        "tls.downgraded",
        Kind::Bool,
        "Whether the server marks that it could do better than it was asked for.",
        |fact| flag(server(fact)?.is_downgraded),
    ),
    field("tls.ja3s", Kind::Str, "JA3S of the server's hello, 32 hexadecimal digits.", |fact| {
        text(&server(fact)?.ja3s_hash)
    }),
];

/// What the first certificate of a chain says: the sender's own.
pub static CERTIFICATE_FIELDS: &[FactField] = &[
    field("tls.cert.subject", Kind::Str, "Whom it is about: `C=US, O=GitHub, CN=github.com`.", |fact| {
        text(&x509(fact)?.subject)
    }),
    field("tls.cert.issuer", Kind::Str, "Who signed it, written as `tls.cert.subject`.", |fact| {
        text(&x509(fact)?.issuer)
    }),
    field(
        "tls.cert.serial",
        Kind::Str,
        "Serial number in uppercase hexadecimal, two digits a byte.",
        |fact| text(&x509(fact)?.serial),
    ),
    field("tls.cert.sha1", Kind::Str, "SHA-1 of it, 40 hexadecimal digits.", |fact| {
        text(&certificate(fact)?.sha1)
    }),
    field("tls.cert.sha256", Kind::Str, "SHA-256 of it, 64 hexadecimal digits.", |fact| {
        text(&certificate(fact)?.sha256)
    }),
    field("tls.cert.not_before", Kind::Int, "From when on it is valid, in seconds since 1970 UTC.", |fact| {
        Some(Value::Int(x509(fact)?.not_before.0))
    }),
    field("tls.cert.not_after", Kind::Int, "Until when it is valid, in seconds since 1970 UTC.", |fact| {
        Some(Value::Int(x509(fact)?.not_after.0))
    }),
    field(
        "tls.cert.san",
        Kind::Str,
        "First of the other names of its subject: a host, an address.",
        |fact| text(x509(fact)?.alternative_names.first()?),
    ),
    field("tls.cert.key_algorithm", Kind::Str, "Algorithm of its key: `rsaEncryption`.", |fact| {
        text(&x509(fact)?.key_algorithm)
    }),
    field("tls.cert.key_bits", Kind::Unsigned(32), "How long its key is, in bits.", |fact| {
        number(x509(fact)?.key_bits?)
    }),
    field("tls.cert.signature", Kind::Str, "How it is signed: `sha256WithRSAEncryption`.", |fact| {
        text(&x509(fact)?.signature_algorithm)
    }),
    field("tls.cert.self_issued", Kind::Bool, "Whether subject and issuer are the same.", |fact| {
        x509(fact).and_then(|x509| flag(x509.subject == x509.issuer))
    }),
    field("tls.cert.is_ca", Kind::Bool, "Whether it may sign others, where it says.", |fact| {
        flag(x509(fact)?.is_ca?)
    }),
    field("tls.cert.version", Kind::Unsigned(8), "1 to 3.", |fact| number(x509(fact)?.version)),
    field("tls.cert.chain_len", Kind::Unsigned(8), "How many certificates were sent.", |fact| {
        number(u8::try_from(chain(fact)?.len()).ok()?)
    }),
];

fn text(text: &str) -> Option<Value<'_>> {
    (!text.is_empty()).then_some(Value::Str(text))
}

#[expect(clippy::unnecessary_wraps, reason = "every reader of a field answers with an Option")]
fn flag(flag: bool) -> Option<Value<'static>> {
    Some(Value::Bool(flag))
}

#[expect(clippy::unnecessary_wraps, reason = "every reader of a field answers with an Option")]
fn number(number: impl Into<u32>) -> Option<Value<'static>> {
    Some(Value::Int(i64::from(number.into())))
}

fn session<'a>(fact: &Fact<'a>) -> Option<&'a TlsSession> {
    match *fact {
        Fact::TlsServerHello(session) | Fact::TlsCertificate(session, _) => Some(session),
        _ => None,
    }
}

fn client<'a>(fact: &Fact<'a>) -> Option<&'a ClientFacts> {
    match *fact {
        Fact::TlsClientHello(hello) => Some(hello),
        _ => session(fact)?.client.as_ref(),
    }
}

fn server<'a>(fact: &Fact<'a>) -> Option<&'a ServerFacts> {
    session(fact)?.server.as_ref()
}

fn chain<'a>(fact: &Fact<'a>) -> Option<&'a [CertificateFacts]> {
    match *fact {
        Fact::TlsCertificate(_, chain) => Some(chain),
        _ => None,
    }
}

fn certificate<'a>(fact: &Fact<'a>) -> Option<&'a CertificateFacts> {
    chain(fact)?.first()
}

fn x509<'a>(fact: &Fact<'a>) -> Option<&'a X509Facts> {
    certificate(fact)?.x509.as_ref()
}
