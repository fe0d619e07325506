//! The vectors of llhttp, the parser of Node.js: what it reads in a message,
//! the dissector of HTTP reads, and what it refuses is odd to it.
//!
//! The vectors are not ours to carry along: `TIDEGATE_CORPORA` names a folder
//! that holds them in `truth.jsonl`. Each says what llhttp calls back, with
//! places in the input; those are compared with the facts that rules would get.
//! llhttp refuses and stops where a gateway reads on; so that a message is
//! refused is compared with whether anything about it is told as odd.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use tidegate::anomaly::Anomaly;
use tidegate::app_proto::AppProto;
use tidegate::dissect::{self, Fact, Listener, Progress, Record};
use tidegate::flow::Direction;
use tidegate_tests::skip::skip_anywhere;

/// Why each vector that is not passed is not.
const BARE_LINE_FEED: &str = "a bare line feed ends lines (RFC 9112 section 2.2 allows it, and many a peer \
    relies on it); llhttp has a switch for it";
const CHUNK_BLANKS: &str = "servers pad the lengths of chunks with blanks; llhttp has a switch for it";
const RTSP: &str = "RTSP is another protocol to us";
const RETURN_ENDS_LINE: &str = "of a client, a carriage return alone ends no line: no server that is in use takes \
    it for an end; llhttp does with one of its switches";
const CODINGS: &str = "no server reads a request until the end of the connection (RFC 9112 section 6.3); llhttp \
    does with one of its switches";
const EXCEPTIONS: &[(&str, &str)] = &[
    ("request/content-length.md#35", RETURN_ENDS_LINE),
    ("request/invalid.md#11", BARE_LINE_FEED),
    ("request/invalid.md#35", BARE_LINE_FEED),
    ("request/lenient-headers.md#7", RETURN_ENDS_LINE),
    ("request/method.md#27", RTSP),
    ("request/transfer-encoding.md#38", CODINGS),
    ("request/transfer-encoding.md#60", CHUNK_BLANKS),
    ("response/invalid.md#31", BARE_LINE_FEED),
    ("response/sample.md#3", RTSP),
    ("response/sample.md#19", BARE_LINE_FEED),
];

/// A message, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Message {
    method: String,
    target: String,
    status: Option<u16>,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    /// Whether its body came to an end, if it has one.
    is_whole: bool,
}

/// What a vector expects.
#[derive(Debug, Default)]
struct Expected {
    messages: Vec<Message>,
    is_refused: bool,
    skips_bodies: bool,
}

/// The bytes of an input as upstream's tests make them: a line feed stands for a
/// line end, escapes for what they say, a line feed behind a backslash for
/// nothing. Where the file holds more than one vector in a record, the last
/// counts.
fn input(written: &str) -> Vec<u8> {
    let written = written.rsplit("```http\n").next().unwrap_or_default().replace("\\\n", "");
    let mut bytes = Vec::new();
    let mut rest = written.replace('\n', "\r\n");
    while let Some(c) = rest.chars().next() {
        let escape = |len: usize| u8::from_str_radix(rest.get(2..len).unwrap_or_default(), 16);
        let (byte, len) = match (rest.get(..2), escape(4)) {
            (Some("\\r"), _) => (Some(b'\r'), 2),
            (Some("\\n"), _) => (Some(b'\n'), 2),
            (Some("\\t"), _) => (Some(b'\t'), 2),
            (Some("\\f"), _) => (Some(0x0c), 2),
            (Some("\\x"), Ok(byte)) => (Some(byte), 4),
            _ => (None, c.len_utf8()),
        };
        match byte {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(&rest.as_bytes()[..len]),
        }
        rest.drain(..len);
    }
    bytes
}

/// A byte of what is no UTF-8, as events write it.
fn written(byte: u8) -> String {
    if byte.is_ascii() { char::from(byte).to_string() } else { format!("\\x{byte:02x}") }
}

/// What the calls back of llhttp say.
fn expected(log: &[Value], input: &[u8]) -> Expected {
    let mut all = Expected::default();
    let mut message = Message::default();
    let mut has_head = false;
    let number = |line: &str, key: &str| -> Option<usize> {
        let (_, rest) = line.split_once(key)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    for line in log.iter().filter_map(Value::as_str) {
        let place = number(line, "off=").zip(number(line, "len="));
        let said = place.and_then(|(at, len)| input.get(at..at + len)).unwrap_or_default();
        let text = match std::str::from_utf8(said) {
            Ok(text) => text.to_owned(),
            Err(_) => said.iter().map(|&byte| written(byte)).collect(),
        };
        let field = message.fields.last_mut();
        if line.contains("message begin") {
            message = Message::default();
            has_head = false;
        } else if line.contains("span[method]") {
            message.method.push_str(&text);
        } else if line.contains("span[url]") {
            message.target.push_str(&text);
        } else if line.contains("span[header_field]") && !has_head {
            message.fields.push((text, String::new()));
        } else if let (true, Some((_, value)), false) = (line.contains("span[header_value]"), field, has_head)
        {
            value.push_str(&text);
        } else if line.contains("headers complete") {
            message.status = number(line, "status=").and_then(|status| status.try_into().ok());
            has_head = true;
            all.messages.push(message.clone());
        } else if let (true, Some(last)) = (line.contains("span[body]"), all.messages.last_mut()) {
            last.body.extend_from_slice(said);
        } else if let (true, Some(last)) = (line.contains("message complete"), all.messages.last_mut()) {
            last.is_whole = true;
        }
        all.skips_bodies |= line.contains("skip body");
        all.is_refused |= line.contains(" error code=") && !line.contains("error code=22 ");
    }
    all
}

/// What is learnt.
#[derive(Debug, Default)]
struct Learnt {
    messages: Vec<Message>,
    odd: Vec<Anomaly>,
}

/// Names and values, blanks within them squeezed: what llhttp gives in pieces
/// where lines are folded is one line here.
fn squeezed<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    fields.map(|(name, value)| (squeeze(name), squeeze(value))).collect()
}

impl Listener for Learnt {
    fn fact(&mut self, _: Direction, fact: Fact<'_>) {
        match fact {
            Fact::HttpRequest(facts) => {
                let request = facts.request.expect("a request has one");
                self.messages.push(Message {
                    method: request.method().to_owned(),
                    target: request.target().to_owned(),
                    fields: squeezed(request.fields().iter()),
                    ..Message::default()
                });
            }
            Fact::HttpResponse(facts) => {
                let response = facts.response.expect("a response has one");
                self.messages.push(Message {
                    status: response.status(),
                    fields: squeezed(response.fields().iter()),
                    ..Message::default()
                });
            }
            Fact::HttpBody(facts) => {
                let part = facts.body.as_ref().expect("a body has parts");
                let message = self.messages.last_mut().expect("a body follows a head");
                message.body.extend_from_slice(part.bytes);
                message.is_whole = part.is_last;
            }
            _ => {}
        }
    }

    fn record(&mut self, _: Direction, _: Record) {}

    fn anomaly(&mut self, _: Direction, anomaly: Anomaly) {
        // These vectors are one side of a connection, and few name a host.
        let of_half = [Anomaly::HttpUnableToMatchResponseToRequest, Anomaly::HttpMissingHostHeader];
        if !of_half.contains(&anomaly) {
            self.odd.push(anomaly);
        }
    }
}

/// What is learnt of an input in pieces of so many bytes. Where llhttp refuses it,
/// nothing more is to come.
fn learn(direction: Direction, input: &[u8], expected: &Expected, piece: usize) -> Learnt {
    let heads = if expected.skips_bodies { expected.messages.len() } else { 0 };
    let mut http = dissect::of_stream(AppProto::Http).expect("HTTP has a dissector");
    let mut learnt = Learnt::default();
    for _ in 0..heads {
        http.bytes(Direction::Up, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", &mut learnt);
    }
    learnt.messages.clear();
    let mut progress = Progress::More;
    for bytes in input.chunks(piece) {
        if progress == Progress::More {
            progress = http.bytes(direction, bytes, &mut learnt);
        }
    }
    if expected.is_refused {
        http.close(&mut learnt);
    }
    learnt
}

/// Why what was learnt is not what a vector expects.
fn difference(expected: &Expected, learnt: &Learnt) -> Option<String> {
    if expected.is_refused && learnt.odd.is_empty() {
        return Some(format!("nothing is odd about {:?}", learnt.messages));
    }
    for (at, wanted) in expected.messages.iter().enumerate() {
        let Some(got) = learnt.messages.get(at) else { return Some(format!("no message {at}")) };
        let mut wanted = wanted.clone();
        wanted.fields = squeezed(wanted.fields.iter().map(|(name, value)| (&**name, &**value)));
        // Without a body there is no end of one.
        wanted.is_whole = wanted.is_whole && !wanted.body.is_empty();
        let is_refused = expected.is_refused && at + 1 == expected.messages.len();
        let is_same = if is_refused {
            (&got.method, &got.target, got.status) == (&wanted.method, &wanted.target, wanted.status)
                && got.body.starts_with(&wanted.body)
        } else {
            *got == wanted
        };
        if !is_same {
            return Some(format!("{got:?}\n  where llhttp has {wanted:?}"));
        }
    }
    None
}

#[test]
fn messages_are_read_as_llhttp_reads_them() {
    let Some(folder) = std::env::var_os("TIDEGATE_CORPORA").map(PathBuf::from) else {
        return skip_anywhere("TIDEGATE_CORPORA is unset");
    };
    let truth = std::fs::read_to_string(folder.join("truth.jsonl")).expect("the truth is there");
    let records = truth.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"));
    let exceptions: BTreeMap<_, _> = EXCEPTIONS.iter().copied().collect();
    let (mut passed, mut failed) = (0, Vec::new());
    for record in records.filter(|record| record["field"] == "http1.parse") {
        let id = record["vector_id"].as_str().expect("a vector has a name").to_owned();
        let bytes = input(record["expected"]["input"].as_str().expect("a vector has an input"));
        let log = record["expected"]["log"].as_array().expect("a vector has a log");
        let expected = expected(log, &bytes);
        let kind = record["expected"]["meta"]["type"].as_str().unwrap_or_default();
        let direction = if kind.starts_with("request") { Direction::Up } else { Direction::Down };
        let differences: Vec<_> = [usize::MAX, 1]
            .iter()
            .filter_map(|&piece| difference(&expected, &learn(direction, &bytes, &expected, piece)))
            .collect();
        match (differences.first(), exceptions.get(&*id)) {
            (None, None) => passed += 1,
            (None, Some(_)) => failed.push(format!("{id} passes, and is an exception")),
            (Some(_), Some(_)) => {}
            (Some(why), None) => failed.push(format!("{id}: {why}")),
        }
    }
    assert!(failed.is_empty(), "{passed} pass, {} do not:\n{}", failed.len(), failed.join("\n"));
    assert!(passed > 100, "the vectors were not read");
}
