//! What the dissectors of streams and of datagrams tell.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where an expectation fails"
)]

use proptest::prelude::*;

use super::tests::{
    ECDHE_RSA, change_cipher_spec, client, encrypted, full_1_2, handshake, resumed_1_2, retried_1_3,
    sslv2_itself, talks,
};
use super::*;
use crate::anomaly::Anomaly;
use crate::dissect::heard::{Heard, Talk, bytewise, hear, whole};
use crate::dissect::{Dissector, Record};
use crate::event::Value;
use crate::wire::tls::build::{ClientHelloBuilder, certificates, message, records};
use crate::wire::tls::dtls::Fragment;
use crate::wire::tls::samples::{EC_CERTIFICATE, RSA_CERTIFICATE};
use crate::wire::tls::{ContentType, Group, HandshakeType, Suite, Version};

use Direction::{Down, Up};

/// The one session that was told.
fn session(heard: &Heard) -> &TlsSession {
    match &heard.records[..] {
        [Record::Tls(session)] => session,
        other => panic!("{other:?}"),
    }
}

fn stream(talk: &[(Direction, Vec<u8>)]) -> (Heard, Progress) {
    let (heard, progress, _) = hear(&mut TlsStream::default(), talk, whole);
    (heard, progress)
}

#[test]
fn a_session_is_told_once_with_all_that_was_in_the_clear() {
    let (heard, progress) = stream(&full_1_2());
    assert_eq!(progress, Progress::Done);
    let session = session(&heard);
    assert_eq!(session.version(), Some(Version::TLS1_2));
    assert_eq!(session.group(), Some(Group::X25519));
    assert_eq!(session.client.as_ref().unwrap().sni.as_deref(), Some("example.com"));
    assert_eq!(session.server.as_ref().unwrap().alpn.as_deref(), Some("h2"));
    assert_eq!(session.server_chain.len(), 2);
    assert!(session.client_chain.is_empty() && !session.is_resumed() && !session.is_retried);
}

#[test]
fn rules_are_asked_at_each_hello_and_each_chain_before_it_is_told() {
    let (heard, _) = stream(&full_1_2());
    let facts: Vec<_> = heard.all.iter().map(|told| told.split(['(', ' ']).nth(1).unwrap()).collect();
    assert_eq!(facts, ["TlsClientHello", "TlsServerHello", "TlsCertificate", "Tls"]);
}

#[test]
fn a_clients_certificates_are_its_own() {
    let mut talk = full_1_2();
    let chain = handshake(&message(HandshakeType::CERTIFICATE, &certificates(&[EC_CERTIFICATE])));
    talk.insert(2, (Up, chain));
    let (heard, _) = stream(&talk);
    let session = session(&heard);
    assert_eq!((session.client_chain.len(), session.server_chain.len()), (1, 2));
    assert_eq!(&*session.client_chain[0].der, EC_CERTIFICATE);
    assert_eq!(&*session.server_chain[0].der, RSA_CERTIFICATE);
}

#[test]
fn after_a_retry_the_first_offer_and_the_last_choice_are_told() {
    let (heard, _) = stream(&retried_1_3());
    let session = session(&heard);
    assert!(session.is_retried && session.client.as_ref().unwrap().key_shares.is_empty());
    assert!(!session.server.as_ref().unwrap().is_retry);
    assert_eq!((session.version(), session.group()), (Some(Version::TLS1_3), Some(Group::SECP384R1)));
}

#[test]
fn a_resumed_session_shows_no_certificates() {
    assert!(session(&stream(&resumed_1_2()).0).is_resumed());
    let mut by_ticket = resumed_1_2();
    by_ticket[0].1 = client().session_id(&[]).session_ticket(&[7; 9]).records(Version::TLS1_0, 1000);
    assert!(session(&stream(&by_ticket).0).is_resumed(), "by the shape of the server's side");
    assert!(!session(&stream(&sslv2_itself()).0).is_resumed());
}

#[test]
fn a_session_that_comes_to_no_end_is_told_when_the_flow_ends() {
    let (heard, progress) = stream(&full_1_2()[..1]);
    assert_eq!(progress, Progress::More);
    assert_eq!(session(&heard).version(), Some(Version::TLS1_2), "what is offered");
    assert!(session(&heard).server.is_none());
}

#[test]
fn without_a_hello_there_is_no_session() {
    let (heard, progress) = stream(&[(Up, encrypted()), (Down, encrypted())]);
    assert_eq!((heard.records.len(), progress), (0, Progress::Done));
    let (heard, progress) = stream(&[(Up, b"GET / HTTP/1.1\r\n".to_vec())]);
    assert_eq!((heard.all.len(), progress), (0, Progress::NotMine));
}

#[test]
fn the_ends_of_both_sides_are_the_end_of_the_session() {
    let (mut tls, mut heard) = (TlsStream::default(), Heard::default());
    assert_eq!(tls.bytes(Up, &full_1_2()[0].1, &mut heard), Progress::More);
    assert_eq!(tls.end(Up, &mut heard), Progress::More);
    assert_eq!(tls.gap(Down, 9, &mut heard), Progress::Done);
    assert_eq!(heard.records.len(), 1);
    tls.close(&mut heard);
    assert_eq!(heard.records.len(), 1, "it is told once");
    assert_eq!(tls.held(), 0);
}

#[test]
fn who_sends_the_first_hello_is_the_client() {
    let turned: Talk =
        full_1_2().into_iter().map(|(direction, bytes)| (direction.reversed(), bytes)).collect();
    let (heard, _) = stream(&turned);
    assert!(heard.all.last().unwrap().starts_with("Down Tls("));
    assert_eq!((session(&heard).client_direction(), session(&heard).server_chain.len()), (Down, 2));
    let (heard, _) = stream(&full_1_2()[1..]);
    assert_eq!(session(&heard).client_direction(), Up, "who answers is the server");
}

#[test]
fn what_is_wrong_is_told_by_its_name() {
    let hello = client().records(Version::TLS1_0, 1000);
    let odd = |bytes: &[u8]| stream(&[(Up, hello.clone()), (Down, bytes.to_vec())]).0.anomalies;
    for (bytes, anomaly) in [
        (&b"HTTP/1.1 400"[..], Anomaly::TlsInvalidRecordType),
        (&[22, 9, 1, 0, 1], Anomaly::TlsInvalidRecordVersion),
        (&[22, 3, 1, 0xff, 0xff], Anomaly::TlsInvalidRecordLength),
        (&[0x80, 0], Anomaly::TlsInvalidSslv2Header),
        (&[0x80, 3, 0, 0, 1], Anomaly::TlsErrorMessageEncountered),
        (&[0x80, 3, 7, 0, 1], Anomaly::TlsInvalidSslRecord),
        (&[22, 3, 1, 0, 1, 2, 21, 3, 1, 0, 2], Anomaly::TlsInvalidSslRecord),
        (&[21, 3, 1, 0, 1, 2], Anomaly::TlsInvalidAlertMessage),
        (&[21, 3, 1, 0, 2, 9, 9], Anomaly::TlsInvalidAlertMessage),
        (&[24, 3, 1, 0, 3, 1, 0x40, 0], Anomaly::TlsOverflowHeartbeatMessage),
        (&[24, 3, 1, 0, 1, 3], Anomaly::TlsInvalidHeartbeatMessage),
        (&[22, 3, 1, 0, 5, 2, 0, 0, 1, 3], Anomaly::TlsHandshakeInvalidLength),
        (&[22, 3, 1, 0, 7, 11, 0, 0, 3, 0, 0, 1], Anomaly::TlsInvalidCertificate),
        (&[22, 3, 1, 0, 4, 11, 1, 0, 1], Anomaly::TlsHandshakeMessageTooLong),
    ] {
        assert_eq!(odd(bytes), [(Down, anomaly)], "{bytes:02x?}");
    }
    let names = client().server_name(b"other.example").records(Version::TLS1_0, 1000);
    assert_eq!(stream(&[(Up, names)]).0.anomalies, [(Up, Anomaly::TlsMultipleSniExtensions)]);
}

#[test]
fn however_a_stream_is_cut_the_same_is_told() {
    for (name, talk) in talks() {
        let cut = hear(&mut TlsStream::default(), &talk, bytewise).0;
        assert_eq!(cut.all, stream(&talk).0.all, "{name}");
    }
}

#[test]
fn memory_for_one_connection_has_a_bound() {
    let mut builder = ClientHelloBuilder::new(Version::TLS1_2).suites((0..0x7000).map(Suite));
    for kind in 0x1000..0x1000 + 1500 {
        builder = builder.extension(kind.into(), &[]);
    }
    let hello = builder.message();
    let chain = message(HandshakeType::CERTIFICATE, &certificates(&[&[7; 1500][..]; 40]));
    let flood =
        |message: &[u8]| records(ContentType::Handshake, Version::TLS1_2, &message.repeat(40), 16_000);
    let talk = [
        (Up, flood(&hello)),
        (Down, flood(&message(HandshakeType::SERVER_HELLO, &[3; 70]))),
        (Down, flood(&chain)),
    ];
    let (_, _, held) =
        hear(&mut TlsStream::default(), &talk, |bytes| (1..bytes.len()).step_by(999).collect());
    assert!((60_000..HELD_MAX).contains(&held), "{held}");
}

/// Each of a table's names and what a fact says of it, where it says something.
fn readings(fact: &crate::dissect::Fact<'_>) -> Vec<(&'static str, String)> {
    let tables = [CLIENT_FIELDS, SERVER_FIELDS, CERTIFICATE_FIELDS];
    let read = |field: &'static crate::event::Field<_>| {
        let value = (field.read)(fact)?;
        Some((
            field.name,
            match value {
                Value::Str(text) => text.to_owned(),
                other => format!("{other:?}"),
            },
        ))
    };
    tables.into_iter().flatten().filter_map(read).collect()
}

/// A listener that reads every field of every fact.
#[derive(Default)]
struct Asked(Vec<Vec<(&'static str, String)>>);

impl crate::dissect::Listener for Asked {
    fn fact(&mut self, _: Direction, fact: crate::dissect::Fact<'_>) {
        self.0.push(readings(&fact));
    }
    fn record(&mut self, _: Direction, _: Record) {}
    fn anomaly(&mut self, _: Direction, _: Anomaly) {}
}

#[test]
fn every_field_can_be_read_where_its_table_says() {
    let (mut tls, mut asked) = (TlsStream::default(), Asked::default());
    for (direction, bytes) in full_1_2() {
        tls.bytes(direction, &bytes, &mut asked);
    }
    let [client, server, certificate] = &asked.0[..] else { panic!("{:?}", asked.0) };
    for (names, told, absent) in [
        (vec![CLIENT_FIELDS], client, &[][..]),
        (vec![CLIENT_FIELDS, SERVER_FIELDS], server, &["tls.group"][..]),
        (vec![CLIENT_FIELDS, SERVER_FIELDS, CERTIFICATE_FIELDS], certificate, &["tls.group"]),
    ] {
        let expected =
            names.into_iter().flatten().map(|field| field.name).filter(|name| !absent.contains(name));
        assert_eq!(told.iter().map(|(name, _)| *name).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }
    for (name, value) in [
        ("tls.sni", "example.com"),
        ("tls.alpn", "h2"),
        ("tls.version", "TLS 1.2"),
        ("tls.ja3.string", "771,4865-49199,0-16-10,29,"),
        ("tls.has_ech", "Bool(false)"),
        ("tls.cipher", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("tls.suite", "Int(49199)"),
        ("tls.server.alpn", "h2"),
        ("tls.resumed", "Bool(false)"),
        ("tls.cert.subject", "C=HU, O=Example Kft., CN=example.com"),
        ("tls.cert.serial", "00C7D428"),
        ("tls.cert.not_before", "Int(1704067200)"),
        ("tls.cert.san", "example.com"),
        ("tls.cert.self_issued", "Bool(true)"),
        ("tls.cert.is_ca", "Bool(true)"),
        ("tls.cert.key_bits", "Int(1024)"),
        ("tls.cert.chain_len", "Int(2)"),
    ] {
        assert!(certificate.contains(&(name, value.to_owned())), "{name}: {certificate:?}");
    }
}

/// A record of DTLS of an epoch.
fn record(content: ContentType, epoch: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![content as u8, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0];
    bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A message of TLS in fragments of DTLS, each in a record of its own.
fn fragments(number: u16, message: &[u8], piece_max: usize) -> Vec<Vec<u8>> {
    let (kind, body) = (HandshakeType(message[0]), &message[4..]);
    let len = u32::try_from(body.len()).unwrap();
    let pieces: Vec<&[u8]> = if body.is_empty() { vec![body] } else { body.chunks(piece_max).collect() };
    let mut offset = 0;
    let mut out = Vec::new();
    for bytes in pieces {
        let fragment = Fragment { kind, len, message: number, offset, bytes };
        out.push(record(ContentType::Handshake, 0, &[&fragment.header()[..], bytes].concat()));
        offset += u32::try_from(bytes.len()).unwrap();
    }
    out
}

/// A handshake of DTLS 1.2 with a cookie; the server's flight in small datagrams.
fn dtls_1_2() -> Talk {
    let offer = |cookie: &[u8]| {
        let hello = ClientHelloBuilder::new(Version::DTLS1_2).cookie(cookie).suites([ECDHE_RSA]);
        hello.server_name(b"example.com").groups(&[Group::X25519]).message()
    };
    let verify = message(HandshakeType::HELLO_VERIFY_REQUEST, &[0xfe, 0xff, 2, 8, 9]);
    let server = crate::wire::tls::build::ServerHelloBuilder::new(Version::DTLS1_2, ECDHE_RSA).message();
    let chain = message(HandshakeType::CERTIFICATE, &certificates(&[RSA_CERTIFICATE, EC_CERTIFICATE]));
    let key = message(HandshakeType::SERVER_KEY_EXCHANGE, &[3, 0, 29, 1, 7, 4, 1, 0, 0]);
    let done = message(HandshakeType::SERVER_HELLO_DONE, &[]);
    let mut talk: Talk = Vec::new();
    talk.extend(fragments(0, &offer(&[]), 1000).into_iter().map(|bytes| (Up, bytes)));
    talk.extend(fragments(0, &verify, 1000).into_iter().map(|bytes| (Down, bytes)));
    talk.extend(fragments(1, &offer(&[8, 9]), 40).into_iter().map(|bytes| (Up, bytes)));
    for (number, message) in (1..).zip([server, chain, key, done]) {
        talk.extend(fragments(number, &message, 200).into_iter().map(|bytes| (Down, bytes)));
    }
    let last = [record(ContentType::ChangeCipherSpec, 0, &[1]), record(ContentType::Handshake, 1, &[7; 40])];
    talk.extend([(Up, last.concat()), (Down, last.concat())]);
    talk
}

fn datagrams(talk: &[(Direction, Vec<u8>)]) -> (Heard, Progress) {
    let (heard, progress, _) = hear(&mut Dtls::new(), talk, whole);
    (heard, progress)
}

#[test]
fn a_handshake_of_dtls_is_told_as_one_of_tls_is() {
    let (heard, progress) = datagrams(&dtls_1_2());
    assert_eq!((progress, heard.anomalies.len()), (Progress::Done, 0));
    let session = session(&heard);
    assert_eq!((session.version(), session.group()), (Some(Version::DTLS1_2), Some(Group::X25519)));
    let hello = session.client.as_ref().unwrap();
    assert_eq!((hello.sni.as_deref(), &hello.ja4[..10]), (Some("example.com"), "dd2d010200"));
    assert_eq!(session.server_chain.len(), 2);
}

#[test]
fn datagrams_that_overtake_or_repeat_each_other_tell_the_same() {
    let talk = dtls_1_2();
    let straight = datagrams(&talk).0.all;
    let flight = talk.iter().position(|(_, bytes)| bytes[13] == 2).unwrap();
    let (hello, mut mixed) = (talk[..=flight].to_vec(), talk[flight + 1..talk.len() - 2].to_vec());
    mixed.reverse();
    let twice = mixed.clone();
    let mixed: Talk = [hello, mixed, twice, talk[talk.len() - 2..].to_vec()].concat();
    assert_eq!(datagrams(&mixed).0.all, straight);
}

#[test]
fn what_shares_the_ports_with_dtls_is_passed_over() {
    let stun = (Up, b"\x00\x01\x00\x00\x21\x12\xa4\x42123456789012".to_vec());
    let media = (Down, [&[0x80, 0x60][..], &[7; 40]].concat());
    let talk: Talk = dtls_1_2().into_iter().flat_map(|one| [stun.clone(), one, media.clone()]).collect();
    let (heard, progress) = datagrams(&talk);
    assert_eq!((progress, heard.all), (Progress::Done, datagrams(&dtls_1_2()).0.all));
    let (heard, progress) = datagrams(&vec![stun; 300]);
    assert_eq!((progress, heard.all.len()), (Progress::Done, 0), "it is waited for no longer");
}

#[test]
fn dtls_1_3_is_encrypted_in_records_of_its_own() {
    let offer = ClientHelloBuilder::new(Version::DTLS1_2).cookie(&[]).suites([Suite(0x1301)]);
    let offer = offer.supported_versions(&[Version::DTLS1_3, Version::DTLS1_2]).message();
    let choice = crate::wire::tls::build::ServerHelloBuilder::new(Version::DTLS1_2, Suite(0x1301));
    let choice = choice.selected_version(Version::DTLS1_3).message();
    let unified = [&[0x2e, 0, 1, 0, 20][..], &[9; 20]].concat();
    let mut talk: Talk = fragments(0, &offer, 1000).into_iter().map(|bytes| (Up, bytes)).collect();
    talk.push((Down, [&fragments(0, &choice, 1000)[0][..], &unified].concat()));
    talk.push((Up, unified));
    let (heard, progress) = datagrams(&talk);
    assert_eq!((progress, session(&heard).version()), (Progress::Done, Some(Version::DTLS1_3)));
    assert_eq!(&session(&heard).client.as_ref().unwrap().ja4[..4], "dd3i");
}

#[test]
fn a_datagram_that_is_no_dtls_changes_nothing_and_is_odd_within_a_session() {
    let mut talk = dtls_1_2();
    let count = talk.len();
    talk.insert(count - 2, (Up, vec![22, 0xfe, 0xfd, 0, 0, 0]));
    talk.insert(count - 2, (Down, record(ContentType::Handshake, 0, &[2, 0, 0, 9, 0])));
    let (heard, progress) = datagrams(&talk);
    let odd = [(Down, Anomaly::TlsInvalidHandshakeMessage), (Up, Anomaly::TlsInvalidSslRecord)];
    assert_eq!((progress, &heard.anomalies[..]), (Progress::Done, &odd[..]));
    assert_eq!(session(&heard).server_chain.len(), 2);
    let (heard, progress) = datagrams(&[(Up, vec![22; 40])]);
    assert_eq!((progress, heard.all.len()), (Progress::More, 0));
}

#[test]
fn sessions_that_were_under_way_are_left_alone() {
    let data = record(ContentType::ApplicationData, 1, &[7; 40]);
    let (heard, progress) = datagrams(&[(Up, data.clone()), (Down, data)]);
    assert_eq!((progress, heard.all.len()), (Progress::Done, 0));
}

proptest! {
    #[test]
    fn damaged_datagrams_are_borne_in_bounded_memory(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()), 0..9),
    ) {
        let mut talk = dtls_1_2();
        for (which, at, value) in damage {
            let bytes = &mut which.get_mut(&mut talk[..]).1;
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let (heard, _, held) = hear(&mut Dtls::new(), &talk, whole);
        prop_assert!(held < HELD_MAX && heard.records.len() <= 1);
    }

    #[test]
    fn any_datagrams_are_borne(parts: Vec<(bool, Vec<u8>)>) {
        let talk: Talk = parts.into_iter().map(|(up, bytes)| (if up { Up } else { Down }, bytes)).collect();
        let (heard, _, held) = hear(&mut Dtls::new(), &talk, whole);
        prop_assert!(held < HELD_MAX && heard.records.len() <= 1);
    }
}

#[test]
fn what_is_encrypted_from_the_first_byte_is_no_session_in_the_making() {
    let (mut tls, mut heard) = (TlsStream::default(), Heard::default());
    tls.bytes(Up, &[change_cipher_spec(), encrypted()].concat(), &mut heard);
    tls.close(&mut heard);
    assert!(heard.all.is_empty());
}
