//! Dissectors: conversations out of any bytes.
//!
//! An input is a talk: steps of a byte that says what happens and, where bytes
//! are said, their number in two bytes and the bytes. However the bytes are cut,
//! the same must be learnt.

use tidegate::anomaly::Anomaly;
use tidegate::app_proto::AppProto;
use tidegate::dissect::http::h2;
use tidegate::dissect::{
    self, Dissector, Fact, Listener, Progress, Record, body, ike, krb5, quic, sip, smtp, tls,
};
use tidegate::flow::Direction::{self, Down, Up};

/// The most that a dissector may hold of what its peers have sent, in bytes: what
/// it promises, or what is plenty.
const fn held_max(app_proto: AppProto) -> usize {
    const PLENTY: usize = 1 << 20;
    match app_proto {
        AppProto::Http => body::HELD_MAX + PLENTY,
        AppProto::Http2 => h2::HELD_MAX,
        AppProto::Ike => ike::HELD_MAX,
        AppProto::Krb5 => krb5::HELD_MAX,
        AppProto::Quic => quic::HELD_MAX,
        AppProto::Sip => sip::HELD_MAX,
        AppProto::Smtp => smtp::HELD_MAX,
        AppProto::Tls => tls::HELD_MAX,
        _ => PLENTY,
    }
}

/// Something that happens in a flow.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    /// Bytes are said, or a datagram is sent.
    Bytes(Direction, &'a [u8]),
    /// So many bytes are missing.
    Gap(Direction, u16),
    /// A side has said all.
    End(Direction),
}

/// Writes a talk down, as [`stream`] and [`datagrams`] read it.
pub(super) fn talk(steps: &[Step<'_>]) -> Vec<u8> {
    let mut input = Vec::new();
    for step in steps {
        let (what, direction, len, bytes) = match *step {
            Step::Bytes(direction, bytes) => {
                (0, direction, u16::try_from(bytes.len()).expect("a seed is short"), bytes)
            }
            Step::Gap(direction, len) => (2, direction, len, &[][..]),
            Step::End(direction) => (4, direction, 0, &[][..]),
        };
        input.push(what | u8::from(direction == Down));
        input.extend(len.to_be_bytes());
        input.extend(bytes);
    }
    input
}

/// Reads what [`talk`] writes; of the last bytes as many as there are.
pub(super) fn steps(mut input: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    while let [what, l0, l1, rest @ ..] = input {
        let direction = if what & 1 == 0 { Up } else { Down };
        let len = u16::from_be_bytes([*l0, *l1]);
        input = rest;
        steps.push(match what & 6 {
            2 => Step::Gap(direction, len),
            4 => Step::End(direction),
            _ => {
                let (bytes, rest) = rest.split_at(usize::from(len).min(rest.len()));
                input = rest;
                Step::Bytes(direction, bytes)
            }
        });
    }
    steps
}

/// Everything that a dissector tells, as text, bodies put together from their
/// parts.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Heard {
    pub(super) said: Vec<String>,
    bodies: [Vec<u8>; 2],
}

impl Listener for Heard {
    fn fact(&mut self, direction: Direction, fact: Fact<'_>) {
        // Every field is read, as rules would.
        let groups = dissect::FIELDS.iter().filter(|(events, _)| events.contains(&fact.event()));
        let fields: Vec<_> = groups
            .flat_map(|(_, fields)| *fields)
            .map(|field| format!("{} {:?}", field.name, (field.read)(&fact)))
            .collect();
        if let Fact::HttpBody(facts) = fact
            && let Some(part) = &facts.body
        {
            let body = &mut self.bodies[usize::from(direction == Down)];
            body.extend_from_slice(part.bytes);
            if !part.is_last {
                return;
            }
            let body = std::mem::take(body);
            self.said.push(format!("{direction:?} body {body:?}"));
        }
        self.said.push(format!("{direction:?} {fact:?} {fields:?}"));
    }

    fn record(&mut self, direction: Direction, record: Record) {
        self.said.push(format!("{direction:?} {record:?}"));
    }

    fn anomaly(&mut self, direction: Direction, anomaly: Anomaly) {
        self.said.push(format!("{direction:?} {}", anomaly.name()));
    }
}

/// How a dissector stands in the end; of what it becomes, where that begins.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Is(Progress),
    Becomes { next: Option<AppProto>, direction: Direction, at: usize },
}

/// What is heard when no more than `piece_max` bytes are given at once, up to an
/// answer that ends it.
fn hear(
    mut dissector: Box<dyn Dissector>,
    held_max: usize,
    steps: &[Step<'_>],
    piece_max: usize,
) -> (Heard, Outcome) {
    let (mut heard, mut given) = (Heard::default(), [0; 2]);
    let mut outcome = Outcome::Is(Progress::More);
    'steps: for step in steps {
        // What is no bytes is a piece of none.
        let (direction, bytes) = match *step {
            Step::Bytes(direction, bytes) => (direction, bytes),
            Step::Gap(direction, _) | Step::End(direction) => (direction, &[][..]),
        };
        let pieces = bytes.chunks(piece_max).chain(bytes.is_empty().then_some(bytes));
        for piece in pieces {
            let progress = match *step {
                Step::Bytes(..) => dissector.bytes(direction, piece, &mut heard),
                Step::Gap(_, len) => dissector.gap(direction, len.into(), &mut heard),
                Step::End(_) => dissector.end(direction, &mut heard),
            };
            assert!(dissector.held() <= held_max, "{} bytes are held", dissector.held());
            let given = &mut given[usize::from(direction == Down)];
            *given += piece.len();
            outcome = match progress {
                Progress::Becomes { next, unread } => {
                    assert!(unread <= piece.len(), "{unread} bytes unread of {}", piece.len());
                    Outcome::Becomes { next, direction, at: *given - unread }
                }
                progress => Outcome::Is(progress),
            };
            if progress != Progress::More {
                break 'steps;
            }
        }
    }
    dissector.close(&mut heard);
    (heard, outcome)
}

/// Feeds a talk to the dissector of a stream, whole and byte by byte.
///
/// # Panics
/// When how the bytes are cut changes what is learnt, or more is held than is
/// promised: that is the finding.
pub(super) fn stream(app_proto: AppProto, input: &[u8]) {
    let new = || dissect::of_stream(app_proto).expect("it has a dissector");
    let (steps, held_max) = (steps(input), held_max(app_proto));
    assert_eq!(hear(new(), held_max, &steps, usize::MAX), hear(new(), held_max, &steps, 1));
}

/// Feeds a talk to the dissector of datagrams, and gives what it tells.
///
/// # Panics
/// When more is held than is promised: that is the finding.
pub(super) fn datagrams(app_proto: AppProto, input: &[u8]) -> Heard {
    let dissector = dissect::of_datagrams(app_proto).expect("it has a dissector");
    hear(dissector, held_max(app_proto), &steps(input), usize::MAX).0
}

/// A talk of so many bytes each, under a name.
pub(super) fn seed(name: &str, said: &[(Direction, &[u8])]) -> (String, Vec<u8>) {
    let steps: Vec<_> = said.iter().map(|(direction, bytes)| Step::Bytes(*direction, bytes)).collect();
    (name.to_owned(), talk(&steps))
}

/// What is said, in the order in which it is said.
type Said = Vec<(Direction, Vec<u8>)>;

/// Talks under their names.
pub(super) fn seeds<const N: usize>(seeds: [(&str, Said); N]) -> Vec<(String, Vec<u8>)> {
    let seeds = seeds.iter().map(|(name, said)| {
        let said: Vec<_> = said.iter().map(|(direction, bytes)| (*direction, &bytes[..])).collect();
        seed(name, &said)
    });
    seeds.collect()
}

/// Feeds a talk to the dissector of MQTT.
pub fn mqtt_stream(input: &[u8]) {
    stream(AppProto::Mqtt, input);
}

/// The seeds of `mqtt_stream`.
pub fn mqtt_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let (connect, connack) = (b"\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02id", b"\x20\x02\0\0");
    vec![
        seed(
            "subscribed",
            &[(Up, connect), (Down, connack), (Up, b"\x82\x06\0\x07\0\x01a\0"), (Down, b"\x90\x03\0\x07\0")],
        ),
        seed(
            "published",
            &[
                (Up, connect),
                (Down, connack),
                (Up, b"\x34\x06\0\x01a\0\x09x"),
                (Down, b"\x50\x02\0\x09"),
                (Up, b"\x62\x02\0\x09"),
                (Down, b"\x70\x02\0\x09\0\0"),
            ],
        ),
    ]
}

/// Feeds a talk to the dissector of RFB.
pub fn rfb_stream(input: &[u8]) {
    stream(AppProto::Rfb, input);
}

/// The seeds of `rfb_stream`.
pub fn rfb_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let version: &[u8] = b"RFB 003.008\n";
    let asked = |minor| [(Down, version), (Up, minor), (Down, b"\x01\x02"), (Up, b"\x02")];
    let answered: [(Direction, &[u8]); 5] =
        [(Down, &[7; 16]), (Up, &[8; 16]), (Down, &[0; 4]), (Up, b"\x01"), (Down, &[0; 24])];
    let old: [(Direction, &[u8]); 3] = [(Down, version), (Up, b"RFB 003.003\n"), (Down, b"\0\0\0\x01")];
    vec![seed("password", &[&asked(version)[..], &answered].concat()), seed("old", &old)]
}

/// Feeds a talk to the dissector of HTTP.
pub fn http_stream(input: &[u8]) {
    stream(AppProto::Http, input);
}

/// The seeds of `http_stream`.
pub fn http_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let get: &[u8] = b"GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\nCookie: e=f\r\n\r\n";
    let ok: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let post: &[u8] =
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\n";
    let form: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n\
        Content-Length: 77\r\n\r\n--b\r\nContent-Disposition: form-data; name=a; filename=c\r\n\r\n123456\r\n--b--\r\n";
    let gap = talk(&[
        Step::Bytes(Up, get),
        Step::Bytes(Down, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"),
        Step::Gap(Down, 9),
        Step::Bytes(Down, b" rest\r\nHTTP/1.1 204 No\r\n\r\n"),
        Step::Bytes(Up, get),
        Step::End(Down),
    ]);
    vec![
        seed("keep-alive", &[(Up, get), (Down, ok), (Up, get), (Down, ok)]),
        seed("chunked", &[(Up, post), (Down, b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\n\nuntil the end")]),
        seed(
            "form",
            &[(Up, form), (Down, b"HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n"), (Up, b"GET /old\r\n")],
        ),
        seed("tunnel", &[(Up, b"CONNECT a:1 HTTP/1.1\r\n\r\n"), (Down, b"HTTP/1.1 200 OK\r\n\r\n\x16\x03")]),
        seed("junk", &[(Up, get), (Down, b"junk\r\nHTTP/1.1\n 200 OK\rA: b\r\n\r\n"), (Up, b"\x01\x02\r\n")]),
        ("gap".to_owned(), gap),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells how long each piece is; the third byte is of another protocol.
    #[derive(Default)]
    struct Pieces(usize);

    impl Dissector for Pieces {
        fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
            listener.anomaly(direction, Anomaly::ALL[bytes.len()]);
            self.0 += bytes.len();
            if self.0 < 3 { Progress::More } else { Progress::Becomes { next: None, unread: self.0 - 2 } }
        }
    }

    #[test]
    fn what_depends_on_the_cut_is_heard_and_where_another_protocol_begins_does_not() {
        let hear = |piece_max| hear(Box::new(Pieces::default()), 0, &[Step::Bytes(Up, b"abcd")], piece_max);
        let (whole, bytewise) = (hear(usize::MAX), hear(1));
        assert_ne!(whole.0, bytewise.0);
        assert_eq!(whole.1, bytewise.1);
        assert_eq!(whole.1, Outcome::Becomes { next: None, direction: Up, at: 2 });
    }

    #[test]
    fn a_talk_is_read_as_it_was_written() {
        let said = [Step::Bytes(Up, b"ab"), Step::Gap(Down, 300), Step::Bytes(Down, b""), Step::End(Up)];
        let input = talk(&said);
        assert_eq!(format!("{:?}", steps(&input)), format!("{said:?}"));
        // Cut short, the last bytes are as many as there are.
        assert!(matches!(steps(&input[..4])[..], [Step::Bytes(Up, b"a")]));
    }
}
