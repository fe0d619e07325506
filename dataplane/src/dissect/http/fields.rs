//! The fields of HTTP that rules may read.

use super::facts::HttpFacts;
use super::message::{Request, Response};
use crate::dissect::Fact;
use crate::event::{EventKind, Field, Kind, Value};

/// The events that fill [`REQUEST`].
pub const EVENTS: &[EventKind] = &[EventKind::HttpRequest, EventKind::HttpResponse, EventKind::HttpBody];

/// The events that fill [`RESPONSE`].
pub const RESPONSE_EVENTS: &[EventKind] = &[EventKind::HttpResponse, EventKind::HttpBody];

/// The events that fill [`BODY`].
pub const BODY_EVENTS: &[EventKind] = &[EventKind::HttpBody];

macro_rules! texts {
    ($($name:literal, $doc:literal, $fact:ident => $read:expr;)+) => {
        &[$(Field {
            name: $name,
            kind: Kind::Str,
            doc: $doc,
            read: |fact| {
                let $fact = http(fact)?;
                $read.map(Value::Str)
            },
        },)+]
    };
}

/// `http.*` of requests, and of the message that an event is about.
pub const REQUEST: &[Field<Fact<'static>>] = texts! {
    "http.method", "The method of the request: `GET`.", fact => fact.request.map(Request::method);
    "http.uri", "The target of the request as it was sent: `/a%20b?c`.", fact => fact.request.map(Request::target);
    "http.path", "The path, decoded once, without dots and repeated slashes.", fact => fact.request.map(Request::path);
    "http.query", "The query as it was sent, without its question mark.", fact => fact.request?.query();
    "http.args", "The query, decoded: `a=b c&d=e`.", fact => fact.request?.args();
    "http.host", "The host that is meant, in lower case, without a port: the target's or that of `Host`.", fact => fact.request?.host();
    "http.version", "The protocol of the request as it was sent: `HTTP/1.1`.", fact => fact.request?.protocol();
    "http.user_agent", "`User-Agent` of the request.", fact => fact.asked("user-agent");
    "http.referer", "`Referer` of the request.", fact => fact.asked("referer");
    "http.origin", "`Origin` of the request.", fact => fact.asked("origin");
    "http.accept", "`Accept` of the request.", fact => fact.asked("accept");
    "http.accept_encoding", "`Accept-Encoding` of the request.", fact => fact.asked("accept-encoding");
    "http.accept_language", "`Accept-Language` of the request.", fact => fact.asked("accept-language");
    "http.authorization", "`Authorization` of the request.", fact => fact.asked("authorization");
    "http.xff", "`X-Forwarded-For` of the request.", fact => fact.asked("x-forwarded-for");
    "http.cookies", "All cookies of the request: `a=b; c=d`.", fact => fact.request?.cookies();
    "http.request.headers", "All fields of the request, each on a line: `Host: a`.", fact => fact.request.map(Request::headers);
    "http.content_type", "`Content-Type` of the message that the event is about.", fact => fact.own("content-type");
    "http.content_encoding", "`Content-Encoding` of the message that the event is about.", fact => fact.own("content-encoding");
    "http.transfer_encoding", "`Transfer-Encoding` of the message that the event is about.", fact => fact.own("transfer-encoding");
};

/// Numbers among them.
pub const NUMBERS: &[Field<Fact<'static>>] = &[
    Field {
        name: "http.port",
        kind: Kind::Unsigned(16),
        doc: "The port that the request says beside the host.",
        read: |fact| Some(Value::Int(http(fact)?.request?.port()?.into())),
    },
    Field {
        name: "http.content_length",
        kind: Kind::Unsigned(63),
        doc: "`Content-Length` of the message that the event is about, in bytes.",
        read: |fact| {
            Some(Value::Int(http(fact)?.own("content-length")?.parse().ok().filter(|&len| len >= 0)?))
        },
    },
];

/// `http.*` of responses.
pub const RESPONSE: &[Field<Fact<'static>>] = texts! {
    "http.reason", "What the response says behind its status: `Not Found`.", fact => fact.response.map(Response::reason);
    "http.server", "`Server` of the response.", fact => fact.answered("server");
    "http.location", "`Location` of the response.", fact => fact.answered("location");
    "http.set_cookie", "The first `Set-Cookie` of the response.", fact => fact.answered("set-cookie");
    "http.response.headers", "All fields of the response, each on a line: `Server: a`.", fact => fact.response.map(Response::headers);
};

/// The status.
pub const STATUS: &[Field<Fact<'static>>] = &[Field {
    name: "http.status",
    kind: Kind::Unsigned(10),
    doc: "The status of the response: 404.",
    read: |fact| Some(Value::Int(http(fact)?.response?.status()?.into())),
}];

/// `http.*` of bodies.
pub const BODY: &[Field<Fact<'static>>] = &[
    Field {
        name: "http.body",
        kind: Kind::Bytes,
        doc: "A part of the body, without chunks and decompressed.",
        read: |fact| Some(Value::Bytes(http(fact)?.body.as_ref()?.bytes)),
    },
    Field {
        name: "http.body_offset",
        kind: Kind::Unsigned(63),
        doc: "How many bytes of the body came before this part.",
        read: |fact| Some(Value::Int(i64::try_from(http(fact)?.body.as_ref()?.offset).ok()?)),
    },
    Field {
        name: "http.body_end",
        kind: Kind::Bool,
        doc: "Whether the body ends here; the part is then empty.",
        read: |fact| Some(Value::Bool(http(fact)?.body.as_ref()?.is_last)),
    },
    Field {
        name: "http.form",
        kind: Kind::Str,
        doc: "At the end of a form that was sent as `application/x-www-form-urlencoded`: all of it, decoded.",
        read: |fact| http(fact)?.body.as_ref()?.form().map(Value::Str),
    },
];

const fn http<'a>(fact: &'a Fact<'a>) -> Option<&'a HttpFacts<'a>> {
    match fact {
        Fact::HttpRequest(facts) | Fact::HttpResponse(facts) | Fact::HttpBody(facts) => Some(facts),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Http;
    use super::*;
    use crate::anomaly::Anomaly;
    use crate::dissect::{Dissector as _, Listener, Record};
    use crate::flow::Direction;

    /// Every field that was read, with what was read first.
    #[derive(Default)]
    struct Read(Vec<(&'static str, String)>);

    impl Listener for Read {
        fn fact(&mut self, _: Direction, fact: Fact<'_>) {
            for field in REQUEST.iter().chain(NUMBERS).chain(RESPONSE).chain(STATUS).chain(BODY) {
                let Some(value) = (field.read)(&fact) else { continue };
                let fits = match (field.kind, value) {
                    (Kind::Unsigned(bits), Value::Int(value)) => (0..1_i128 << bits).contains(&value.into()),
                    (Kind::Str, Value::Str(_))
                    | (Kind::Bytes, Value::Bytes(_))
                    | (Kind::Bool, Value::Bool(_)) => true,
                    _ => false,
                };
                assert!(fits, "{} read {value:?}", field.name);
                if !self.0.iter().any(|(name, _)| *name == field.name) {
                    self.0.push((field.name, format!("{value:?}")));
                }
            }
        }

        fn record(&mut self, _: Direction, _: Record) {}

        fn anomaly(&mut self, _: Direction, _: Anomaly) {}
    }

    #[test]
    fn every_field_reads_what_its_message_says() {
        let request = b"POST /a%20b/../c?d=%41 HTTP/1.1\r\nHost: X.example:81\r\nUser-Agent: ua\r\nReferer: re\r\n\
            Origin: or\r\nAccept: ac\r\nAccept-Encoding: ae\r\nAccept-Language: al\r\nAuthorization: Basic YTpi\r\n\
            X-Forwarded-For: xf\r\nCookie: e=f;g=h\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Content-Encoding: identity\r\nContent-Length: 5\r\n\r\nk=%4c";
        let response = b"HTTP/1.1 404 Not Found\r\nServer: se\r\nLocation: lo\r\nSet-Cookie: sc\r\n\
            Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        let (mut http, mut read) = (Http::new(), Read::default());
        http.bytes(Direction::Up, request, &mut read);
        http.bytes(Direction::Down, response, &mut read);
        for (name, value) in [
            ("http.method", "Str(\"POST\")"),
            ("http.uri", "Str(\"/a%20b/../c?d=%41\")"),
            ("http.path", "Str(\"/c\")"),
            ("http.query", "Str(\"d=%41\")"),
            ("http.args", "Str(\"d=A\")"),
            ("http.host", "Str(\"x.example\")"),
            ("http.port", "Int(81)"),
            ("http.cookies", "Str(\"e=f; g=h\")"),
            ("http.content_length", "Int(5)"),
            ("http.form", "Str(\"k=L\")"),
            ("http.status", "Int(404)"),
            ("http.reason", "Str(\"Not Found\")"),
            ("http.server", "Str(\"se\")"),
            ("http.transfer_encoding", "Str(\"chunked\")"),
        ] {
            assert!(read.0.contains(&(name, value.to_owned())), "{name} of {:?}", read.0);
        }
        let all = REQUEST.len() + NUMBERS.len() + RESPONSE.len() + STATUS.len() + BODY.len();
        assert_eq!(read.0.len(), all, "{:?}", read.0);
    }
}
