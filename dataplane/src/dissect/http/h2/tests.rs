//! Connections of our own making: what is told of them, whichever way their bytes
//! are cut.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test ends where an expectation fails")]

use super::*;
use crate::anomaly::Anomaly;
use crate::dissect::Record;
use crate::dissect::heard::{Heard, Talk, bytewise, hear, whole};
use crate::dissect::http::{FIELDS_MAX, Transaction};
use crate::flow::Direction::{Down, Up};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const WEIGHTED: u8 = 32;

/// `:method: GET`, `:scheme: http`, `:path: /`, `:authority: www.example.com`, the
/// last of which stays in the table.
const REQUEST: &[u8] = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
/// `:status: 200`
const OK: &[u8] = b"\x88";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A client that has said its preface, and then this.
fn client(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frames.concat()].concat()
}

fn field(name: &str, value: &str) -> Vec<u8> {
    let len = |text: &str| u8::try_from(text.len()).unwrap_or(0);
    [&[0, len(name)], name.as_bytes(), &[len(value)], value.as_bytes()].concat()
}

/// What is heard of a talk, which must be the same cut after every byte.
#[track_caller]
fn heard(talk: &Talk) -> (Heard, Progress) {
    let (heard, progress, _) = hear(&mut Http2::new(), talk, whole);
    let (cut, cut_progress, held) = hear(&mut Http2::new(), talk, bytewise);
    // Parts of bodies are told as they come; all else is the same.
    let rest = |heard: &Heard| -> Vec<String> {
        heard.all.iter().filter(|told| !told.contains("HttpBody")).cloned().collect()
    };
    assert_eq!(rest(&cut), rest(&heard));
    assert_eq!(cut_progress, progress);
    assert!(held <= HELD_MAX);
    (heard, progress)
}

fn transactions(heard: &Heard) -> Vec<&Transaction> {
    let mut transactions = Vec::new();
    for record in &heard.records {
        if let Record::Http(transaction) = record {
            transactions.push(&**transaction);
        }
    }
    transactions
}

/// Streams as `stream method target status`, with the lengths of both bodies.
fn streams(heard: &Heard) -> Vec<String> {
    let shown = |transaction: &&Transaction| {
        let stream = transaction.http2.as_ref().map(|detail| detail.stream_id)?;
        let (method, target) = match &transaction.request {
            Some(request) => (request.method(), request.target()),
            None => ("?", "?"),
        };
        let status = transaction.response.as_ref().map_or("?", |response| response.status_text());
        let (up, down) = (transaction.request_len, transaction.response_len);
        Some(format!("{stream} {method} {target} {status} {up} {down}"))
    };
    transactions(heard).iter().filter_map(shown).collect()
}

fn files(heard: &Heard) -> Vec<String> {
    let of_files = |record: &Record| match record {
        Record::File(file) => {
            let facts = &file.facts;
            assert_eq!(file.app_proto.name(), "http2");
            Some(format!("{} {} {}", facts.name, facts.size, facts.state.name()))
        }
        _ => None,
    };
    heard.records.iter().filter_map(of_files).collect()
}

fn anomalies(heard: &Heard) -> Vec<Anomaly> {
    heard.anomalies.iter().map(|(_, anomaly)| *anomaly).collect()
}

#[test]
fn streams_are_told_as_they_end() {
    let up = client(&[
        frame(HEADERS, END_STREAM | END_HEADERS, 1, REQUEST),
        // The second refers to what the first left in the table.
        frame(HEADERS, END_HEADERS, 3, &[b"\x83\x86\xbe", &field(":path", "/up")[..]].concat()),
        frame(DATA, END_STREAM, 3, b"12345"),
    ]);
    let down = [
        frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]),
        frame(SETTINGS, 1, 0, &[]),
        frame(HEADERS, END_HEADERS, 3, OK),
        frame(HEADERS, END_HEADERS, 1, &[0x8d]),
        frame(DATA, 0, 3, b"abc"),
        frame(DATA, 0, 1, b"%PDF-"),
        frame(DATA, END_STREAM, 3, b"d"),
        frame(DATA, END_STREAM, 1, b"1.7"),
    ];
    let (heard, progress) = heard(&vec![(Up, up), (Down, down.concat())]);
    assert_eq!(streams(&heard), ["0 ? ? ? 0 0", "3 POST /up 200 5 4", "1 GET / 404 0 8"]);
    assert_eq!(files(&heard), ["/up 5 CLOSED", "/up 4 CLOSED", "/ 8 CLOSED"]);
    assert_eq!(anomalies(&heard), []);
    assert_eq!(progress, Progress::More);
    let request = transactions(&heard)[2].request.as_ref();
    assert_eq!(request.and_then(|request| request.host()), Some("www.example.com"));
}

#[test]
fn rules_are_asked_as_of_any_version() {
    let mut block = REQUEST.to_vec();
    block.extend(field("authorization", "Basic dXNlcjpwYXNz"));
    let up = client(&[frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)]);
    let interim = field(":status", "103");
    let down = [
        frame(HEADERS, END_HEADERS, 1, &interim),
        frame(HEADERS, END_HEADERS, 1, OK),
        frame(DATA, 0, 1, b"body"),
        frame(HEADERS, END_STREAM | END_HEADERS, 1, &field("trailer", "last")),
    ];
    let (heard, _) = heard(&vec![(Up, up), (Down, down.concat())]);
    let asked: Vec<_> =
        heard.all.iter().map(|told| told.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect();
    let starts = |prefix: &str| asked.iter().filter(|told| told.starts_with(prefix)).count();
    assert_eq!(starts("Up HttpRequest(HttpFacts"), 1, "{asked:?}");
    assert_eq!(starts("Up Login(Login"), 1);
    assert_eq!(starts("Down HttpResponse(HttpFacts"), 1);
    assert_eq!(starts("Down HttpBody(HttpFacts"), 2);
    let response = transactions(&heard)[0].response.as_ref();
    assert_eq!(response.and_then(|response| response.fields().first("trailer")), Some("last"));
}

#[test]
fn bodies_are_decoded() {
    // A block as it is, of `hello`, in deflate without anything around it.
    let packed = [1, 5, 0, 0xfa, 0xff, b'h', b'e', b'l', b'l', b'o'];
    let head = [OK, &field("content-encoding", "deflate")].concat();
    let up = client(&[frame(HEADERS, END_STREAM | END_HEADERS, 1, REQUEST)]);
    let down = [frame(HEADERS, END_HEADERS, 1, &head), frame(DATA, END_STREAM, 1, &packed)];
    let (sound, _) = heard(&vec![(Up, up.clone()), (Down, down.concat())]);
    assert_eq!(
        (files(&sound), streams(&sound)),
        (vec!["/ 5 CLOSED".into()], vec!["1 GET / 200 0 10".into()])
    );
    let broken = [&packed[..9], &[7]].concat();
    let mut broken = broken;
    broken[0] = 0;
    broken.extend_from_slice(&[7, 7]);
    let down = [frame(HEADERS, END_HEADERS, 1, &head), frame(DATA, END_STREAM, 1, &broken)];
    let (broken, _) = heard(&vec![(Up, up), (Down, down.concat())]);
    assert_eq!(anomalies(&broken), [Anomaly::Http2FailedDecompression]);
}

#[test]
fn blocks_go_on_in_frames_of_their_own() {
    let (first, rest) = REQUEST.split_at(5);
    let (second, third) = rest.split_at(1);
    let weighted = [&[3, 0, 0, 0, 0, 219], first, &[0; 3]].concat();
    let up = client(&[
        frame(PRIORITY, 0, 7, &[0, 0, 0, 0, 1]),
        frame(HEADERS, END_STREAM | PADDED | WEIGHTED, 1, &weighted),
        frame(CONTINUATION, 0, 1, second),
        frame(CONTINUATION, 0, 1, &[]),
        frame(CONTINUATION, END_HEADERS, 1, third),
        frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]),
        frame(PING, 0, 0, &[0; 8]),
        frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
        frame(99, 0xff, 5, b"unknown"),
    ]);
    let (heard, _) = heard(&vec![(Up, up)]);
    assert_eq!(streams(&heard), ["1 GET / ? 0 0"]);
    assert_eq!(anomalies(&heard), []);
    let detail = transactions(&heard)[0].http2.as_ref();
    let request = detail.map(|detail| (detail.request.priority, detail.request.repeated));
    assert_eq!(request, Some((Some(219), Some("priority"))));
}

#[test]
fn padding_is_no_content() {
    let up = client(&[
        frame(HEADERS, END_HEADERS, 1, REQUEST),
        frame(DATA, PADDED, 1, b"\x02ab\0\0"),
        frame(DATA, PADDED, 1, b"\x03\0\0\0"),
        frame(DATA, PADDED, 1, b"\x00"),
        frame(DATA, PADDED | END_STREAM, 1, b"\x00c"),
    ]);
    let (heard, _) = heard(&vec![(Up, up)]);
    assert_eq!((streams(&heard), files(&heard)), (vec!["1 GET / ? 3 0".into()], vec!["/ 3 CLOSED".into()]));
}

#[test]
fn what_ends_early_says_why() {
    let up = client(&[frame(HEADERS, END_STREAM | END_HEADERS, 1, REQUEST)]);
    let down = [
        frame(HEADERS, END_HEADERS, 1, OK),
        frame(DATA, 0, 1, b"torn"),
        frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]),
        frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 11, b'!']),
    ];
    let (heard, _) = heard(&vec![(Up, up), (Down, down.concat())]);
    assert_eq!(streams(&heard), ["1 GET / 200 0 4", "0 ? ? ? 0 0"]);
    assert_eq!(files(&heard), ["/ 4 TRUNCATED"]);
    let errors: Vec<_> = transactions(&heard)
        .iter()
        .filter_map(|transaction| transaction.http2.as_ref()?.response.error)
        .map(|error| (error.name(), error.is_of_connection))
        .collect();
    assert_eq!(errors, [(Some("Cancel"), false), (Some("EnhanceYourCalm"), true)]);
}

#[test]
fn what_a_server_promises_is_a_request() {
    let up = client(&[frame(HEADERS, END_STREAM | END_HEADERS, 1, REQUEST)]);
    let promise = [&[0, 0, 0, 2], REQUEST].concat();
    let down = [
        frame(PUSH_PROMISE, END_HEADERS, 1, &promise),
        frame(HEADERS, END_STREAM | END_HEADERS, 1, OK),
        frame(HEADERS, END_HEADERS, 2, OK),
        frame(DATA, END_STREAM, 2, b"pushed"),
    ];
    let (heard, _) = heard(&vec![(Up, up), (Down, down.concat())]);
    assert_eq!(streams(&heard), ["1 GET / 200 0 0", "2 GET / 200 0 6"]);
}

#[test]
fn a_server_hides_no_request_of_the_client() {
    let request = |stream| frame(HEADERS, END_STREAM | END_HEADERS, stream, REQUEST);
    let elsewhere = [b"\x82\x86".as_slice(), &field(":path", "/else")].concat();
    let promise = [&[0, 0, 0, 1], &elsewhere[..]].concat();
    let down = [
        frame(PUSH_PROMISE, END_HEADERS, 1, &promise),
        frame(HEADERS, END_HEADERS, 0x7fff_ffff, OK),
        frame(HEADERS, END_STREAM | END_HEADERS, 1, OK),
    ];
    let (heard, _) = heard(&vec![(Up, client(&[request(1)])), (Down, down.concat()), (Up, request(3))]);
    assert_eq!(streams(&heard), ["1 GET / 200 0 0", "3 GET / ? 0 0", "2147483647 ? ? 200 0 0"]);
    assert_eq!(anomalies(&heard), []);
}

#[test]
fn after_an_upgrade_the_response_comes_without_its_request() {
    let down = [frame(SETTINGS, 0, 0, &[]), frame(HEADERS, END_STREAM | END_HEADERS, 1, OK)].concat();
    let (heard, _) = heard(&vec![(Up, client(&[])), (Down, down)]);
    assert_eq!(streams(&heard), ["1 ? ? 200 0 0"]);
}

#[test]
fn gaps_within_bodies_are_borne_and_others_lose_the_side() {
    let mut http2 = Http2::new();
    let mut ear = Heard::default();
    http2.bytes(Up, &client(&[frame(HEADERS, END_STREAM | END_HEADERS, 1, REQUEST)]), &mut ear);
    http2.bytes(Down, &frame(HEADERS, END_HEADERS, 1, OK), &mut ear);
    let body = frame(DATA, END_STREAM, 1, &[b'x'; 100]);
    http2.bytes(Down, &body[..20], &mut ear);
    assert_eq!(http2.gap(Down, 89, &mut ear), Progress::More);
    assert_eq!(
        (streams(&ear), files(&ear)),
        (vec!["1 GET / 200 0 100".into()], vec!["/ 100 TRUNCATED".into()])
    );
    assert_eq!(http2.gap(Down, 1, &mut ear), Progress::More);
    assert_eq!(http2.bytes(Down, &frame(HEADERS, END_HEADERS, 3, OK), &mut ear), Progress::More);
    assert_eq!(http2.gap(Up, 1, &mut ear), Progress::Malformed);
    assert_eq!(streams(&ear).len(), 1);
}

#[test]
fn what_does_not_read_is_odd_and_ends_its_side() {
    let of = |frames: &[Vec<u8>]| {
        let (heard, progress) = heard(&vec![(Up, client(frames))]);
        assert_eq!(progress, Progress::More, "the other side goes on");
        anomalies(&heard)
    };
    let good = frame(HEADERS, END_STREAM | END_HEADERS, 1, REQUEST);
    assert_eq!(
        heard(&vec![(Up, b"PRI * HTTP/1.1\r\n\r\n".to_vec())]).0.anomalies,
        [(Up, Anomaly::Http2InvalidClientMagic)]
    );
    assert_eq!(of(&[frame(HEADERS, END_HEADERS, 1, b"\xbe")]), [Anomaly::Http2InvalidHeader]);
    assert_eq!(of(&[frame(HEADERS, END_HEADERS, 1, &[0xff; 9])]), [Anomaly::Http2HeaderIntegerOverflow]);
    assert_eq!(of(&[frame(HEADERS, END_HEADERS | PADDED, 1, &[9, 0x82])]), [Anomaly::Http2InvalidFrameData]);
    assert_eq!(of(&[frame(CONTINUATION, END_HEADERS, 1, REQUEST)]), [Anomaly::Http2InvalidFrameData]);
    let within = [frame(HEADERS, 0, 1, REQUEST), frame(PING, 0, 0, &[0; 8])];
    assert_eq!(of(&within), [Anomaly::Http2InvalidFrameData]);
    assert_eq!(of(&[frame(DATA, PADDED, 1, &[200, 1])]), [Anomaly::Http2InvalidFrameData]);
    assert_eq!(of(&[frame(RST_STREAM, 0, 0, &[0; 4])]), [Anomaly::Http2InvalidFrameHeader]);
    assert_eq!(of(&[frame(RST_STREAM, 0, 1, &[0; 5])]), [Anomaly::Http2InvalidFrameLength]);
    assert_eq!(of(&[frame(SETTINGS, 0, 0, &[0; 7])]), [Anomaly::Http2InvalidFrameLength]);
    assert_eq!(
        of(&[good.clone(), frame(RST_STREAM, 0, 1, &[0; 4]), good.clone()]),
        [Anomaly::Http2StreamIdReuse]
    );
    assert_eq!(of(&[frame(99, 0, 0, &vec![0; FRAME_MAX]), good.clone()]), [Anomaly::Http2LongFrameData]);
    let of_request = |name: &str, value: &str| {
        let block = [&REQUEST[..3], &field(":authority", "me@a.example"), &field(name, value)].concat();
        of(&[frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)])
    };
    assert_eq!(of_request("host", "A.example:80"), [Anomaly::Http2UserinfoInUri]);
    assert_eq!(
        of_request("host", "b.example"),
        [Anomaly::Http2AuthorityHostMismatch, Anomaly::Http2UserinfoInUri]
    );
}

#[test]
fn floods_of_continuations_are_refused() {
    let mut frames = vec![frame(HEADERS, 0, 1, REQUEST)];
    frames.extend((0..=CONTINUATIONS_MAX).map(|_| frame(CONTINUATION, 0, 1, &[])));
    let (flood, _) = heard(&vec![(Up, client(&frames))]);
    assert_eq!(anomalies(&flood), [Anomaly::Http2ReassemblyLimitReached]);
    let mut frames = vec![frame(HEADERS, 0, 1, &[0; 16_000])];
    frames.extend((0..5).map(|_| frame(CONTINUATION, 0, 1, &[0; 16_000])));
    let (long, _, held) = hear(&mut Http2::new(), &[(Up, client(&frames))], whole);
    assert_eq!(anomalies(&long), [Anomaly::Http2ReassemblyLimitReached]);
    assert!(held <= HELD_MAX);
}

#[test]
fn fields_that_are_not_kept_are_odd() {
    let flood = [REQUEST, &field("a", &"x".repeat(100)), &field("b", "y").repeat(FIELDS_MAX)].concat();
    let (cut, _) = heard(&vec![(Up, client(&[frame(HEADERS, END_STREAM | END_HEADERS, 1, &flood)]))]);
    assert_eq!(anomalies(&cut), [Anomaly::Http2ReassemblyLimitReached]);
    assert_eq!(streams(&cut), ["1 GET / ? 0 0"]);
}

#[test]
fn streams_that_never_end_are_bounded() {
    let heads: Vec<_> = (0..=STREAMS_MAX)
        .map(|number| frame(HEADERS, END_HEADERS, u32::try_from(2 * number + 1).unwrap_or(0), b"\x82"))
        .collect();
    let (many, _, held) = hear(&mut Http2::new(), &[(Up, client(&heads))], whole);
    assert_eq!(anomalies(&many), [Anomaly::Http2TooManyStreams]);
    assert_eq!(streams(&many).len(), STREAMS_MAX + 1);
    assert!(held <= HELD_MAX);
    // Of long heads, fewer are followed.
    let block = field("a", &"x".repeat(120)).repeat(400);
    let heads: Vec<_> = (0..STREAMS_MAX)
        .map(|number| frame(HEADERS, END_HEADERS, u32::try_from(2 * number + 1).unwrap_or(0), &block))
        .collect();
    let (mut http2, mut ear) = (Http2::new(), Heard::default());
    http2.bytes(Up, &client(&[]), &mut ear);
    for head in heads {
        http2.bytes(Up, &head, &mut ear);
        assert!(http2.held() <= 2 * STREAMS_HELD_MAX, "{}", http2.held());
    }
    assert!(ear.records.len() > 1);
}

#[test]
fn what_is_said_of_the_connection_is_told_for_a_while() {
    let settings: Vec<_> = (0..1000).map(|_| frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 0, 0])).collect();
    let (heard, _, _) = hear(&mut Http2::new(), &[(Up, client(&settings))], whole);
    assert_eq!(heard.records.len(), CONNECTION_RECORDS_MAX);
    let Record::Http(first) = &heard.records[0] else { panic!("{:?}", heard.records[0]) };
    let Some(detail) = &first.http2 else { panic!("{first:?}") };
    assert_eq!((detail.stream_id, &detail.request.settings), (0, &vec![(1, 0)]));
}
