//! Whole connections, in order and not.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where an expectation fails"
)]

use proptest::prelude::*;

use super::craft::{self, Initial};
use super::*;
use crate::dissect::heard::{Heard, Talk, hear, whole};
use crate::event::Value;
use crate::wire::tls::build::{ClientHelloBuilder, ServerHelloBuilder};
use crate::wire::tls::server_hello::RETRY_RANDOM;
use crate::wire::tls::{ExtensionType, Suite, Version as TlsVersion};

use Direction::{Down, Up};

const DCID: &[u8] = b"12345678";

fn client_hello() -> Vec<u8> {
    ClientHelloBuilder::new(TlsVersion::TLS1_2)
        .suites([Suite(0x1301)])
        .server_name(b"example.com")
        .protocols(&[b"h3", b"h3-29"])
        .supported_versions(&[TlsVersion::TLS1_3])
        .extension(ExtensionType(0x39), &[1, 2, 3])
        .message()
}

fn server_hello() -> Vec<u8> {
    ServerHelloBuilder::new(TlsVersion::TLS1_2, Suite(0x1301)).message()
}

fn client(version: Version) -> Vec<u8> {
    Initial::client(version, DCID).crypto(0, &client_hello()).frames(&[0; 40]).build()
}

fn server(version: Version) -> Vec<u8> {
    Initial::server(version, DCID).frames(&[2, 0, 0, 0, 0]).crypto(0, &server_hello()).build()
}

fn listen(talk: &[(Direction, Vec<u8>)]) -> (Heard, Progress) {
    let (heard, progress, held) = hear(&mut Quic::new(), talk, whole);
    assert!(held <= HELD_MAX);
    (heard, progress)
}

/// What records say, in a word each: a version, and what it is.
fn words(heard: &Heard) -> Vec<String> {
    let words = heard.records.iter().map(|record| {
        let Record::Quic(record) = record else { panic!("{record:?}") };
        let word = match &record.said {
            Said::ClientHello(Hello::Tls(hello)) => hello.sni.as_deref().unwrap_or("nameless"),
            Said::ClientHello(Hello::Google(hello)) => hello.sni.as_deref().unwrap_or("nameless"),
            Said::ServerHello(hello) if hello.is_retry => "again",
            Said::ServerHello(_) => "server",
            Said::Negotiation(_) => "negotiation",
            Said::Retry => "retry",
            Said::Nothing => "nothing",
        };
        format!("{} {word}", record.version)
    });
    words.collect()
}

#[test]
fn hellos_of_both_sides_are_told_and_then_it_is_done() {
    for version in [
        Version::V1,
        Version::V2,
        Version(0xff00_001d),
        Version(0xff00_001b),
        Version(0xface_b001),
        Version(0x5430_3530),
        Version(0x5430_3531),
    ] {
        let answer = Initial::server(version, DCID).crypto(0, &server_hello()).build();
        let (heard, progress) = listen(&[(Up, client(version)), (Down, answer)]);
        assert_eq!(words(&heard), [format!("{version} example.com"), format!("{version} server")]);
        assert_eq!((progress, heard.anomalies.len()), (Progress::Done, 0), "{version}");
        let Record::Quic(record) = &heard.records[0] else { panic!() };
        let Said::ClientHello(Hello::Tls(hello)) = &record.said else { panic!() };
        assert!(hello.ja4.starts_with("q13d0104h3_") && hello.is_sound, "{}", hello.ja4);
        assert_eq!(hello.alpns, ["h3", "h3-29"]);
    }
}

#[test]
fn a_hello_in_pieces_over_packets_in_any_order_is_the_same() {
    let hello = client_hello();
    let (first, rest) = hello.split_at(20);
    let (second, third) = rest.split_at(30);
    let packet = |number, pieces: &[(u64, &[u8])]| {
        let initial = Initial::client(Version::V1, DCID).number(number);
        pieces.iter().fold(initial, |initial, (at, piece)| initial.crypto(*at, piece)).build()
    };
    let talk = [
        (Up, packet(2, &[(50, third), (50, third)])),
        (Up, packet(0, &[(20, second)])),
        (Up, packet(1, &[(10, &hello[10..25]), (0, first)])),
        (Down, server(Version::V1)),
    ];
    let (heard, _) = listen(&talk);
    let (plain, _) = listen(&[(Up, client(Version::V1)), (Down, server(Version::V1))]);
    assert_eq!(heard.all, plain.all);
}

#[test]
fn coalesced_packets_are_read_and_padding_is_none() {
    let mut datagram = vec![0xd0, 0, 0, 0, 1, 0, 0, 20];
    datagram.extend([7; 20]);
    datagram.extend(client(Version::V1));
    datagram.extend([0; 50]);
    let (heard, _) = listen(&[(Up, datagram)]);
    assert_eq!((words(&heard), heard.anomalies.len()), (vec!["1 example.com".to_owned()], 0));
    let mut datagram = client(Version::V1);
    datagram.extend([0xff; 50]);
    assert_eq!(listen(&[(Up, datagram)]).0.anomalies, [], "nor is a greased one");
}

#[test]
fn after_a_retry_keys_follow_from_the_new_connection_id() {
    let again = Initial::client(Version::V1, b"chosen").token(b"token").number(1).crypto(0, &client_hello());
    let answer = Initial::server(Version::V1, b"chosen").crypto(0, &server_hello()).build();
    let talk = [
        (Up, client(Version::V1)),
        (Down, craft::retry(Version::V1, b"chosen", b"token")),
        (Up, again.build()),
        (Down, answer),
    ];
    let (heard, progress) = listen(&talk);
    assert_eq!(words(&heard), ["1 example.com", "1 retry", "1 example.com", "1 server"]);
    assert_eq!((progress, heard.anomalies.len()), (Progress::Done, 0));
}

#[test]
fn what_others_inject_loses_nothing() {
    let talk = [
        (Up, client(Version::V1)),
        (Down, craft::retry(Version::V1, b"forged", b"token")),
        (Down, Initial::server(Version::V1, b"forged").crypto(0, &server_hello()).build()),
        (Down, server(Version::V1)),
    ];
    let (heard, progress) = listen(&talk);
    assert_eq!(words(&heard), ["1 example.com", "1 retry", "1 server"]);
    assert_eq!(progress, Progress::Done);
    assert_eq!(heard.anomalies, [(Down, Anomaly::QuicFailedDecrypt)]);
}

#[test]
fn a_server_may_change_the_version_on_the_way() {
    let finished = Initial::client(Version::V2, DCID).to(b"server").number(1).frames(&[1]).build();
    let talk = [(Up, client(Version::V1)), (Up, finished), (Down, server(Version::V2))];
    let (heard, progress) = listen(&talk);
    assert_eq!(words(&heard), ["1 example.com", "v2 server"]);
    assert_eq!((progress, heard.anomalies.len()), (Progress::Done, 0));
}

#[test]
fn a_version_that_is_refused_is_followed_by_another() {
    let offer = craft::negotiation(&[Version::V1, Version(0x1a2a_3a4a)]);
    let greased = Version(0xbaba_baba);
    let talk = [(Up, client(greased)), (Down, offer), (Up, client(Version::V1)), (Down, server(Version::V1))];
    let (heard, _) = listen(&talk);
    assert_eq!(words(&heard), ["0 negotiation", "1 example.com", "1 server"]);
    let (heard, progress) = listen(&talk[..2]);
    assert_eq!(words(&heard), ["0 negotiation", "babababa nothing"], "told when the flow ends");
    assert_eq!((progress, heard.anomalies.len()), (Progress::More, 0));
}

#[test]
fn a_hello_that_is_asked_for_again_is_waited_for() {
    let again = ServerHelloBuilder::new(TlsVersion::TLS1_2, Suite(0x1301)).random(RETRY_RANDOM).message();
    let hello = client_hello();
    let second = Initial::client(Version::V1, DCID).number(1).crypto(hello.len() as u64, &hello).build();
    let mut talk: Talk = vec![
        (Up, client(Version::V1)),
        (Down, Initial::server(Version::V1, DCID).crypto(0, &again).build()),
        (Up, second),
    ];
    assert_eq!(listen(&talk).1, Progress::More);
    let choice = Initial::server(Version::V1, DCID).number(1).crypto(again.len() as u64, &server_hello());
    talk.push((Down, choice.build()));
    let (heard, progress) = listen(&talk);
    assert_eq!(words(&heard), ["1 example.com", "1 again", "1 example.com", "1 server"]);
    assert_eq!(progress, Progress::Done);
}

#[test]
fn a_flow_that_begins_with_its_server_is_turned_around() {
    let (heard, progress) = listen(&[(Down, client(Version::V1)), (Up, server(Version::V1))]);
    assert_eq!((words(&heard).len(), progress), (2, Progress::Done));
    assert!(heard.all[0].starts_with("Down"));
}

fn google_hello(is_complete: bool) -> Vec<u8> {
    let mut entries = vec![(Tag(*b"PAD\0"), &[0; 9][..]), (Tag::SERVER_NAME, b"example.com")];
    entries.extend([(Tag(*b"VER\0"), &b"Q043"[..]), (Tag::USER_AGENT, b"Chrome/70")]);
    if is_complete {
        entries.push((Tag::PUBLIC_VALUE, &[7; 32]));
    }
    Message::encode(Tag::CLIENT_HELLO, &entries)
}

/// A packet of Google's with a public header; a hello at a place of the stream.
fn google_packet(version: Version, at: usize, hello: &[u8]) -> Vec<u8> {
    let (at, len) = (u32::try_from(at).unwrap(), u16::try_from(hello.len()).unwrap());
    let head = [&[0x09][..], DCID, &version.0.to_be_bytes(), &[1], &[0; 12]].concat();
    [&head[..], &[0xac, 1], &at.to_be_bytes(), &len.to_be_bytes(), hello, &[0; 30]].concat()
}

#[test]
fn googles_hellos_are_told_until_one_is_complete() {
    let (first, second) = (google_hello(false), google_hello(true));
    let version = Version::google(43);
    let talk = [
        (Up, google_packet(version, 0, &first)),
        (Down, vec![0x0c; 60]),
        (Up, google_packet(version, first.len(), &second)),
    ];
    let (heard, progress) = listen(&talk);
    assert_eq!((words(&heard), progress), (vec!["Q043 example.com".to_owned(); 2], Progress::Done));
    let Record::Quic(record) = &heard.records[1] else { panic!() };
    let Said::ClientHello(Hello::Google(hello)) = &record.said else { panic!() };
    assert_eq!(hello.cyu, "43,PAD-SNI-VER-UAID-PUBS");
    assert_eq!((hello.cyu_hash.len(), hello.user_agent.as_deref()), (32, Some("Chrome/70")));
    let encrypted = Initial::client(Version::google(50), DCID).crypto(0, &second).build();
    let (heard, progress) = listen(&[(Up, encrypted)]);
    assert_eq!((words(&heard), progress), (vec!["Q050 example.com".to_owned()], Progress::Done));
}

#[test]
fn googles_versions_are_negotiated_too() {
    let offer = [&[0x09][..], DCID, b"Q043Q039"].concat();
    let hello = google_hello(true);
    let talk = [
        (Up, google_packet(Version::google(42), 0, &hello[..40])),
        (Down, offer),
        (Up, google_packet(Version::google(43), 0, &hello)),
    ];
    assert_eq!(words(&listen(&talk).0), ["0 negotiation", "Q043 example.com"]);
}

#[test]
fn each_oddity_is_raised_once() {
    let raised = |datagram: Vec<u8>| {
        let (heard, _) = listen(&[(Up, datagram.clone()), (Up, datagram)]);
        heard.anomalies.iter().map(|(_, anomaly)| *anomaly).collect::<Vec<_>>()
    };
    let mut changed = client(Version::V1);
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(raised(changed), [Anomaly::QuicFailedDecrypt]);
    assert_eq!(raised(client(Version::V1)[..60].to_vec()), [Anomaly::QuicErrorOnHeader]);
    let frames = |bytes: &[u8]| Initial::client(Version::V1, DCID).frames(bytes).build();
    assert_eq!(raised(frames(&[0x1e, 0, 0, 0])), [Anomaly::QuicErrorOnData]);
    assert_eq!(raised(frames(&[6, 0, 6, 1, 0, 0, 2, 3, 3, 0])), [Anomaly::QuicErrorOnData]);
    let far = Initial::client(Version::V1, DCID).crypto(STREAM_MAX as u64, b"x").build();
    assert_eq!(raised(far), [Anomaly::QuicCryptoFragTooLong]);
}

#[test]
fn a_damaged_hello_is_told_as_far_as_it_is_sound() {
    let mut hello = client_hello();
    let len = hello.len();
    // The last extension promises more than there is.
    hello[len - 4] = 9;
    let (heard, _) = listen(&[(Up, Initial::client(Version::V1, DCID).crypto(0, &hello).build())]);
    let Record::Quic(record) = &heard.records[0] else { panic!() };
    let Said::ClientHello(Hello::Tls(hello)) = &record.said else { panic!() };
    assert_eq!((hello.sni.as_deref(), hello.is_sound), (Some("example.com"), false));
}

#[test]
fn it_ends_where_nothing_comes_that_teaches() {
    let silence: Talk = std::iter::repeat_n((Down, vec![0x40; 50]), usize::from(IDLE_MAX) + 1).collect();
    let (heard, progress) = listen(&[&[(Up, client(Version::V1))][..], &silence].concat());
    assert_eq!((words(&heard).len(), progress), (1, Progress::Done));
    let (_, progress) = listen(&silence[..usize::from(IDLE_MAX)]);
    assert_eq!(progress, Progress::More);
    let piece = |at: u8| Initial::client(Version::V1, DCID).number(at.into()).crypto(u64::from(at), &[1]);
    let endless: Talk = (0..=INITIALS_MAX).map(|at| (Up, piece(at).build())).collect();
    assert_eq!(listen(&endless).1, Progress::Done);
}

#[test]
fn rules_read_what_a_hello_says() {
    struct Reader(Vec<(&'static str, String)>);
    impl Listener for Reader {
        fn fact(&mut self, _: Direction, fact: Fact<'_>) {
            for field in CLIENT_HELLO.1 {
                match (field.read)(&fact) {
                    Some(Value::Str(text)) => self.0.push((field.name, text.to_owned())),
                    Some(Value::Bool(is)) => self.0.push((field.name, is.to_string())),
                    _ => {}
                }
            }
        }
        fn record(&mut self, _: Direction, _: Record) {}
        fn anomaly(&mut self, _: Direction, _: Anomaly) {}
    }
    let mut reader = Reader(Vec::new());
    assert_eq!(Quic::new().bytes(Up, &client(Version::V2), &mut reader), Progress::More);
    let read: Vec<_> = reader.0.iter().map(|(name, text)| (*name, &**text)).take(3).collect();
    assert_eq!(read, [("quic.version", "v2"), ("quic.sni", "example.com"), ("quic.alpn", "h3")]);
    let names: Vec<_> = reader.0.iter().skip(3).map(|(name, _)| *name).collect();
    assert_eq!(names, ["quic.ja3", "quic.ja4", "quic.ech"]);
    let mut reader = Reader(Vec::new());
    Quic::new().bytes(Up, &google_packet(Version::google(43), 0, &google_hello(true)), &mut reader);
    assert_eq!(reader.0[2], ("quic.user_agent", "Chrome/70".to_owned()));
}

proptest! {
    #[test]
    fn memory_stays_within_its_bound(
        pieces in prop::collection::vec((any::<bool>(), 0_u64..66_000, 0_usize..3000), 0..60),
    ) {
        let talk: Talk = std::iter::once((Up, client(Version::V1)))
            .chain(pieces.into_iter().enumerate().map(|(number, (is_up, at, len))| {
                let direction = if is_up { Up } else { Down };
                let side = if is_up { Initial::client } else { Initial::server };
                let number = u32::try_from(number).unwrap();
                (direction, side(Version::V1, DCID).number(number).crypto(at + 1, &vec![9; len]).build())
            }))
            .collect();
        listen(&talk);
    }

    #[test]
    fn any_datagrams_are_borne(datagrams: Vec<(bool, Vec<u8>)>, version in prop::sample::select(vec![0_u32, 1, 0x5130_3436])) {
        let talk: Talk = datagrams
            .into_iter()
            .map(|(is_up, mut bytes)| {
                for (slot, byte) in bytes.iter_mut().skip(1).zip(version.to_be_bytes()) {
                    *slot = byte;
                }
                (if is_up { Up } else { Down }, bytes)
            })
            .collect();
        listen(&talk);
    }
}
