//! Whole connections, cut in every way.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where an expectation fails"
)]

use proptest::prelude::*;

use super::*;
use crate::anomaly::Anomaly;
use crate::dissect::heard::{Talk, cut_at};
use crate::wire::tls::alert::Level;
use crate::wire::tls::build::{ClientHelloBuilder, ServerHelloBuilder, certificates, message, records};
use crate::wire::tls::extension::Share;
use crate::wire::tls::samples::{EC_CERTIFICATE, RSA_CERTIFICATE};
use crate::wire::tls::server_hello::RETRY_RANDOM;
use crate::wire::tls::{AlertDescription, ContentType, Group, HandshakeType, Suite, Version};

use Direction::{Down, Up};

pub(super) const ECDHE_RSA: Suite = Suite(0xc02f);
/// Smallest thing that is a value of DER: enough for a fingerprint.
const DER: &[u8] = &[0x30, 0];

pub(super) fn client() -> ClientHelloBuilder {
    let builder =
        ClientHelloBuilder::new(Version::TLS1_2).suites([Suite(0x1301), ECDHE_RSA]).session_id(&[7; 32]);
    builder.server_name(b"example.com").protocols(&[b"h2", b"http/1.1"]).groups(&[Group::X25519])
}

pub(super) fn handshake(bytes: &[u8]) -> Vec<u8> {
    records(ContentType::Handshake, Version::TLS1_2, bytes, 1000)
}

pub(super) fn change_cipher_spec() -> Vec<u8> {
    records(ContentType::ChangeCipherSpec, Version::TLS1_2, &[1], 1)
}

/// Encrypted, and of a type that is not told.
pub(super) fn encrypted() -> Vec<u8> {
    records(ContentType::ApplicationData, Version::TLS1_2, &[0xee; 60], 50)
}

/// A full handshake of TLS 1.2; messages share records and span them.
pub(super) fn full_1_2() -> Talk {
    let mut flight =
        ServerHelloBuilder::new(Version::TLS1_2, ECDHE_RSA).protocol(b"h2").session_id(&[9; 32]).message();
    flight.extend(message(HandshakeType::CERTIFICATE, &certificates(&[RSA_CERTIFICATE, EC_CERTIFICATE])));
    flight.extend(message(HandshakeType::SERVER_KEY_EXCHANGE, &[3, 0, 29, 1, 7, 4, 1, 0, 0]));
    flight.extend(message(HandshakeType::SERVER_HELLO_DONE, &[]));
    let key = message(HandshakeType::CLIENT_KEY_EXCHANGE, &[7; 40]);
    let finished = message(HandshakeType::FINISHED, &[7; 40]);
    vec![
        (Up, client().records(Version::TLS1_0, 100)),
        (Down, records(ContentType::Handshake, Version::TLS1_2, &flight, 70)),
        (Up, [handshake(&key), change_cipher_spec(), handshake(&finished), encrypted()].concat()),
        (Down, [change_cipher_spec(), handshake(&finished), encrypted()].concat()),
    ]
}

/// TLS 1.3 with a request to retry, and early data.
pub(super) fn retried_1_3() -> Talk {
    let server = ServerHelloBuilder::new(Version::TLS1_2, Suite(0x1301)).selected_version(Version::TLS1_3);
    let retry = server.clone().random(RETRY_RANDOM).retry_group(Group::SECP384R1).message();
    let hello = server.key_share(Share { group: Group::SECP384R1, key: &[4; 97] }).message();
    let client = client().supported_versions(&[Version::TLS1_3]).extension(42.into(), b"");
    let again = client.clone().key_shares(&[Share { group: Group::SECP384R1, key: &[4; 97] }]);
    vec![
        (Up, [client.records(Version::TLS1_0, 1000), change_cipher_spec(), encrypted()].concat()),
        (Down, [handshake(&retry), change_cipher_spec()].concat()),
        (Up, [handshake(&again.message()), encrypted()].concat()),
        (Down, [handshake(&hello), encrypted()].concat()),
    ]
}

/// A hello of SSL 2.0 that is answered in TLS, and a refusal.
fn sslv2_refused() -> Talk {
    let alert = records(ContentType::Alert, Version::TLS1_0, &[2, 70], 2);
    vec![(Up, client().session_id(&[]).sslv2(&[0x01_0080])), (Down, alert)]
}

pub(super) fn sslv2_itself() -> Talk {
    let hello = [&[0x80, 19, 4, 0, 1, 0, 2, 0, 2, 0, 3, 0, 3][..], DER, &[7, 0, 0xc0, 1, 2, 3]].concat();
    vec![(Up, ClientHelloBuilder::new(Version::SSL2).sslv2(&[0x07_00c0])), (Down, hello)]
}

pub(super) fn resumed_1_2() -> Talk {
    let hello = ServerHelloBuilder::new(Version::TLS1_2, ECDHE_RSA).session_id(&[7; 32]).message();
    vec![
        (Up, client().records(Version::TLS1_0, 1000)),
        (Down, [handshake(&hello), change_cipher_spec(), encrypted()].concat()),
        (Up, [change_cipher_spec(), encrypted()].concat()),
    ]
}

pub(super) fn talks() -> Vec<(&'static str, Talk)> {
    vec![
        ("full", full_1_2()),
        ("retried", retried_1_3()),
        ("refused", sslv2_refused()),
        ("sslv2", sslv2_itself()),
        ("resumed", resumed_1_2()),
    ]
}

/// Every fact as text, and how it stood in the end.
fn learn(talk: &[(Direction, Vec<u8>)], mut cut: impl FnMut(&[u8]) -> Vec<usize>) -> (Vec<String>, Progress) {
    let (mut tls, mut facts, mut progress) = (Tls::new(), Vec::new(), Progress::More);
    for (direction, bytes) in talk {
        let mut from = 0;
        for to in cut(bytes).into_iter().chain([bytes.len()]) {
            let to = to.clamp(from, bytes.len());
            progress = tls.bytes(*direction, &bytes[from..to], &mut |fact| facts.push(format!("{fact:?}")));
            from = to;
        }
    }
    (facts, progress)
}

fn whole(_: &[u8]) -> Vec<usize> {
    Vec::new()
}

/// What the facts are about, in a word each.
fn kinds(facts: &[String]) -> Vec<&str> {
    facts.iter().map(|fact| fact.split([' ', '(']).next().unwrap()).collect()
}

#[test]
fn a_full_handshake_tells_all_that_is_in_the_clear() {
    let (mut tls, mut facts) = (Tls::new(), 0);
    for (direction, bytes) in full_1_2() {
        tls.bytes(direction, &bytes, &mut |fact| {
            facts += 1;
            match fact {
                TlsFact::ClientHello(Up, hello) => {
                    assert_eq!(hello.sni.as_deref(), Some("example.com"));
                    assert_eq!(hello.alpns, ["h2", "http/1.1"]);
                    assert_eq!(hello.ja3, "771,4865-49199,0-16-10,29,");
                    assert_eq!(hello.ja4_raw, "t12d0203h2_1301,c02f_000a");
                    assert!(hello.ja4.starts_with("t12d0203h2_") && hello.ja4.len() == 36);
                }
                TlsFact::ServerHello(Down, hello) => {
                    assert_eq!((hello.version, hello.suite), (Version::TLS1_2, ECDHE_RSA));
                    assert_eq!((hello.alpn.as_deref(), hello.is_resumed), (Some("h2"), false));
                    assert_eq!((&hello.ja3s[..], hello.ja3s_hash.len()), ("771,49199,16", 32));
                }
                TlsFact::Certificates(Down, chain) => {
                    assert_eq!(
                        chain.iter().map(|one| &*one.der).collect::<Vec<_>>(),
                        [RSA_CERTIFICATE, EC_CERTIFICATE]
                    );
                    assert!(chain.iter().all(|one| one.x509.is_some() && one.fault.is_none()));
                }
                TlsFact::Group(Down, group) => assert_eq!(group, Group::X25519),
                TlsFact::Encrypted { is_abbreviated, .. } => assert!(!is_abbreviated),
                other => panic!("{other:?}"),
            }
        });
    }
    assert_eq!((facts, tls.ended), (6, Some(Progress::Done)));
}

#[test]
fn after_a_retry_the_second_hellos_are_read() {
    let (facts, progress) = learn(&retried_1_3(), whole);
    let expected =
        ["ClientHello", "Encrypted", "ServerHello", "ClientHello", "Encrypted", "ServerHello", "Encrypted"];
    assert_eq!((&kinds(&facts)[..], progress), (&expected[..], Progress::Done));
    assert!(facts[2].contains("is_retry: true") && facts[5].contains("is_retry: false"));
}

#[test]
fn a_resumed_session_is_known_by_its_id_and_by_its_shape() {
    let (facts, progress) = learn(&resumed_1_2(), whole);
    assert_eq!(progress, Progress::Done);
    assert!(facts[1].contains("is_resumed: true"));
    assert!(facts[2].contains("is_abbreviated: true"));
    assert!(facts[3].contains("is_abbreviated: false"), "the client is not who resumes");
}

#[test]
fn hellos_of_ssl_2_are_read_on_both_sides() {
    let (facts, progress) = learn(&sslv2_refused(), whole);
    assert_eq!(kinds(&facts), ["ClientHello", "Alert"]);
    assert!(facts[0].contains("is_sslv2: true"));
    assert_eq!(progress, Progress::More, "the client may yet say something");
    let (facts, progress) = learn(&sslv2_itself(), whole);
    assert_eq!(
        (kinds(&facts), progress),
        (vec!["ClientHello", "ServerHello", "Certificates", "Odd"], Progress::Done)
    );
}

#[test]
fn one_byte_at_a_time_tells_the_same() {
    for (name, talk) in talks() {
        assert_eq!(learn(&talk, |bytes| (1..bytes.len()).collect()), learn(&talk, whole), "{name}");
    }
}

#[test]
fn every_truncation_tells_a_part_of_the_same() {
    for (name, talk) in talks() {
        let (all, _) = learn(&talk, whole);
        for (at, (direction, bytes)) in talk.iter().enumerate() {
            for len in 0..bytes.len() {
                let mut cut = talk[..at].to_vec();
                cut.push((*direction, bytes[..len].to_vec()));
                let (facts, progress) = learn(&cut, whole);
                assert_eq!(facts, all[..facts.len()], "{name}, {len} bytes of {at}");
                assert!(matches!(progress, Progress::More | Progress::Done), "{name}, {len} bytes of {at}");
            }
        }
    }
}

#[test]
fn a_connection_may_run_the_other_way_than_its_flow() {
    let turned =
        full_1_2().into_iter().map(|(direction, bytes)| (if direction == Up { Down } else { Up }, bytes));
    let (facts, progress) = learn(&turned.collect::<Vec<_>>(), whole);
    assert_eq!((facts.len(), progress), (6, Progress::Done));
    assert!(facts[2].starts_with("Certificates(Up"));
}

#[test]
fn a_gap_ends_its_direction_alone() {
    let talk = full_1_2();
    let (mut tls, mut facts) = (Tls::new(), Vec::new());
    let mut feed = |tls: &mut Tls, at: usize| {
        let (direction, bytes): &(Direction, Vec<u8>) = &talk[at];
        tls.bytes(*direction, bytes, &mut |fact| facts.push(format!("{fact:?}")))
    };
    assert_eq!(feed(&mut tls, 0), Progress::More);
    assert_eq!(tls.lose(Up), Progress::More);
    assert_eq!(feed(&mut tls, 1), Progress::More);
    assert_eq!(feed(&mut tls, 2), Progress::More, "what follows a gap is not looked at");
    assert_eq!(feed(&mut tls, 3), Progress::Done);
    assert_eq!(kinds(&facts), ["ClientHello", "ServerHello", "Certificates", "Group", "Encrypted"]);
    assert_eq!(tls.lose(Down), Progress::Done);
}

#[test]
fn other_protocols_are_not_mine() {
    for other in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"SSH-2.0-x\r\n",
        &[0x16, 3, 1, 0, 4, 16, 0, 0, 0],
        &[0x80, 1, 2],
        &[0x80, 0],
    ] {
        for cut in [whole, |bytes: &[u8]| (1..bytes.len()).collect()] {
            assert_eq!(learn(&[(Up, other.to_vec())], cut), (Vec::new(), Progress::NotMine), "{other:02x?}");
        }
    }
}

#[test]
fn what_breaks_after_a_hello_is_malformed() {
    let hello = client().records(Version::TLS1_0, 1000);
    let (facts, progress) = learn(&[(Up, hello.clone()), (Down, b"HTTP/1.1 400".to_vec())], whole);
    assert_eq!(
        (kinds(&facts), progress),
        (vec!["ClientHello", "Odd"], Progress::More),
        "the client may be sound"
    );
    assert!(facts[1].contains(&format!("{:?}", Anomaly::TlsInvalidRecordType)));
    let rest = [change_cipher_spec(), encrypted()].concat();
    let (_, progress) = learn(&[(Up, hello), (Down, b"HTTP/1.1 400".to_vec()), (Up, rest)], whole);
    assert_eq!(progress, Progress::Malformed);
}

#[test]
fn a_record_between_the_pieces_of_a_message_is_malformed() {
    let bytes = client().records(Version::TLS1_0, 60);
    let alert = records(ContentType::Alert, Version::TLS1_0, &[1, 90], 2);
    let talk = [(Up, [&bytes[..65], &alert].concat()), (Down, Vec::new())];
    assert_eq!(learn(&talk, whole), (Vec::new(), Progress::NotMine));
}

#[test]
fn a_certificate_that_is_too_long_is_said_and_passed_over() {
    let hello = ServerHelloBuilder::new(Version::TLS1_2, ECDHE_RSA).message();
    let long = message(HandshakeType::CERTIFICATE, &vec![0; MESSAGE_MAX + 1]);
    let done = message(HandshakeType::SERVER_KEY_EXCHANGE, &[3, 0, 29, 1, 7]);
    let flight = records(ContentType::Handshake, Version::TLS1_2, &[hello, long, done].concat(), 16_000);
    let (facts, _) = learn(&[(Up, client().records(Version::TLS1_0, 1000)), (Down, flight)], whole);
    assert_eq!(kinds(&facts), ["ClientHello", "ServerHello", "Odd", "Group"]);
}

#[test]
fn a_message_that_does_not_decode_is_said_and_the_rest_goes_on() {
    let hello = ServerHelloBuilder::new(Version::TLS1_2, ECDHE_RSA).message();
    let broken = message(HandshakeType::CERTIFICATE, &[0, 0, 9, 1]);
    let key = message(HandshakeType::SERVER_KEY_EXCHANGE, &[3, 0, 29, 1, 7]);
    let talk =
        [(Up, client().records(Version::TLS1_0, 1000)), (Down, handshake(&[hello, broken, key].concat()))];
    assert_eq!(kinds(&learn(&talk, whole).0), ["ClientHello", "ServerHello", "Odd", "Group"]);
}

#[test]
fn a_damaged_hello_tells_what_stands_before_the_damage() {
    let mut message = client().extension(5.into(), b"").message();
    let len = message.len();
    message[len - 1] = 9;
    let hello = ServerHelloBuilder::new(Version::TLS1_2, ECDHE_RSA).message();
    let (facts, _) = learn(&[(Up, handshake(&message)), (Down, handshake(&hello))], whole);
    assert_eq!(kinds(&facts), ["ClientHello", "Odd", "ServerHello"]);
    assert!(facts[0].contains("example.com") && facts[0].contains("is_sound: false"));
    message[40] = 0xff;
    message[72] = 0xff;
    let (facts, _) = learn(&[(Up, handshake(&message)), (Down, handshake(&hello))], whole);
    assert_eq!(kinds(&facts), ["Odd", "ServerHello"], "nothing can be read, and it is TLS");
}

#[test]
fn a_chain_is_looked_at_no_further_than_its_bound() {
    let hello = ServerHelloBuilder::new(Version::TLS1_2, ECDHE_RSA).message();
    let chain = message(HandshakeType::CERTIFICATE, &certificates(&[DER; CHAIN_MAX + 5]));
    let mut tls = Tls::new();
    let mut seen = 0;
    tls.bytes(Down, &handshake(&[hello, chain].concat()), &mut |fact| {
        if let TlsFact::Certificates(_, chain) = fact {
            seen = chain.len();
        }
    });
    assert_eq!(seen, CHAIN_MAX);
}

#[test]
fn who_sees_one_direction_alone_is_done_after_a_while() {
    let mut tls = Tls::new();
    let mut ignore = |_: TlsFact| {};
    tls.bytes(Up, &client().records(Version::TLS1_0, 1000), &mut ignore);
    assert_eq!(tls.bytes(Up, &change_cipher_spec(), &mut ignore), Progress::More);
    let data = records(ContentType::ApplicationData, Version::TLS1_2, &vec![7; 70_000], 16_000);
    assert_eq!(tls.bytes(Up, &data, &mut ignore), Progress::Done);
}

#[test]
fn a_refusal_in_the_clear_is_told() {
    let alert = records(ContentType::Alert, Version::TLS1_2, &[2, 40], 2);
    let mut told = None;
    let mut tls = Tls::new();
    tls.bytes(Down, &alert, &mut |fact| {
        if let TlsFact::Alert(Down, alert) = fact {
            told = Some((alert.level, alert.description));
        }
    });
    assert_eq!(told, Some((Level::Fatal, AlertDescription::HANDSHAKE_FAILURE)));
}

proptest! {
    #[test]
    fn every_cut_tells_the_same(which in 0_usize..5, cuts in prop::collection::vec(0_usize..1200, 0..12)) {
        let (_, talk) = talks().swap_remove(which);
        prop_assert_eq!(learn(&talk, cut_at(cuts)), learn(&talk, whole));
    }

    #[test]
    fn damage_is_borne_and_cuts_do_not_change_what_it_does(
        which in 0_usize..5, part in 0_usize..4, at in 0_usize..700, value: u8,
    ) {
        let (_, mut talk) = talks().swap_remove(which);
        let part = part % talk.len();
        let bytes = &mut talk[part].1;
        let at = at % bytes.len();
        bytes[at] = value;
        prop_assert_eq!(learn(&talk, |bytes| (1..bytes.len()).collect()), learn(&talk, whole));
    }

    #[test]
    fn any_bytes_are_borne(parts: Vec<(bool, Vec<u8>)>) {
        let talk: Talk = parts.into_iter().map(|(up, bytes)| (if up { Up } else { Down }, bytes)).collect();
        prop_assert_eq!(learn(&talk, |bytes| (1..bytes.len()).collect()), learn(&talk, whole));
    }
}
