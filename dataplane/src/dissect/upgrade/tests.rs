//! Talks that become something else, and talks that do not, cut in every way.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use proptest::prelude::*;

use super::*;
use crate::dissect::heard::{Heard, Talk, bytewise, cut_at, damaged, hear, whole};

use Direction::{Down, Up};

/// What stands behind the word that changes everything, in the same bytes.
const AFTER: &[u8] = &[22, 3, 1, 0, 5];

fn becomes(next: Option<AppProto>) -> Progress {
    Progress::Becomes { next, unread: AFTER.len() }
}

fn ends_with(word: &[u8]) -> Vec<u8> {
    [word, AFTER].concat()
}

fn up(bytes: &[u8]) -> (Direction, Vec<u8>) {
    (Up, bytes.to_vec())
}

fn down(bytes: &[u8]) -> (Direction, Vec<u8>) {
    (Down, bytes.to_vec())
}

fn ldap_value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    [&[tag, u8::try_from(content.len()).unwrap()][..], &content].concat()
}

fn ldap(number: u8, operation: u8, parts: &[&[u8]]) -> Vec<u8> {
    ldap_value(0x30, &[&[2, 1, number], &ldap_value(operation, parts)])
}

fn ldap_start() -> Vec<u8> {
    ldap(2, 0x77, &[&ldap_value(0x80, &[b"1.3.6.1.4.1.1466.20037"])])
}

fn ldap_answer(number: u8, code: u8) -> Vec<u8> {
    ldap(number, 0x78, &[&[10, 1, code, 4, 0, 4, 0]])
}

fn ldap_talk() -> Talk {
    // A long form of a length, as OpenLDAP writes it.
    let entry = [&[0x30, 0x84, 0, 0, 0x50, 0, 2, 1, 1, 0x64, 0x84, 0, 0, 0x4f, 0xf7][..], &vec![7; 0x4ff7]];
    vec![
        up(&ldap(1, 0x63, &[&[4, 0]])),
        down(&entry.concat()),
        up(&ldap_start()),
        down(&ends_with(&ldap_answer(2, 0))),
    ]
}

fn xmpp_talk() -> Talk {
    vec![
        up(b"<?xml version='1.0'?><stream:stream to='example.com' xmlns='jabber:client'>"),
        down(b"<stream:stream><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"),
        down(b"<required/></starttls></stream:features>"),
        up(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        down(&ends_with(b"<tls:proceed xmlns:tls=\"a>b/\"></tls:proceed >")),
    ]
}

fn mysql_talk() -> Talk {
    let answer = [&[32, 0, 0, 1, 0x85, 0xae, 3, 0][..], &[0; 28]].concat();
    vec![down(&[&[60, 0, 0, 0, 10][..], &[b'5'; 59]].concat()), up(&ends_with(&answer))]
}

fn pgsql_talk() -> Talk {
    vec![
        up(&[0, 0, 0, 8, 4, 210, 22, 48]),
        down(b"N"),
        up(&[0, 0, 0, 8, 4, 210, 22, 47]),
        down(&ends_with(b"S")),
    ]
}

fn irc_talk() -> Talk {
    vec![
        down(b":irc.example.com NOTICE * :*** Looking up 001 670\r\n"),
        up(b"CAP LS 302\r\nSTARTTLS\r\n"),
        down(&ends_with(b"@time=2026 :irc.example.com 670 * :STARTTLS successful\r\n")),
    ]
}

fn rdp_request() -> Vec<u8> {
    let cookie = b"Cookie: mstshash=anna\r\n";
    let len = u8::try_from(4 + 7 + cookie.len() + 8).unwrap();
    [&[3, 0, 0, len, len - 5, 0xe0, 0, 0, 0, 0, 0][..], cookie, &[1, 0, 8, 0, 3, 0, 0, 0]].concat()
}

fn rdp_talk() -> Talk {
    vec![
        up(&rdp_request()),
        down(&ends_with(&[3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 2, 0x1f, 8, 0, 2, 0, 0, 0])),
    ]
}

fn socks5_talk() -> Talk {
    vec![
        up(&[5, 2, 0, 2]),
        down(&[5, 2]),
        up(b"\x01\x04anna\x03key"),
        down(&[1, 0]),
        up(b"\x05\x01\x00\x03\x0bexample.com\x01\xbb"),
        down(&ends_with(&[5, 0, 0, 1, 192, 0, 2, 1, 1, 187])),
    ]
}

fn socks4_talk() -> Talk {
    vec![
        up(b"\x04\x01\x01\xbb\x00\x00\x00\x01anna\x00example.com\x00"),
        down(&ends_with(&[0, 90, 1, 187, 192, 0, 2, 1])),
    ]
}

const TLS: Option<AppProto> = Some(AppProto::Tls);

fn talks() -> Vec<(AppProto, Talk, Option<AppProto>)> {
    vec![
        (AppProto::Ldap, ldap_talk(), TLS),
        (AppProto::Xmpp, xmpp_talk(), TLS),
        (AppProto::Mysql, mysql_talk(), TLS),
        (AppProto::Pgsql, pgsql_talk(), TLS),
        (AppProto::Irc, irc_talk(), TLS),
        (AppProto::Rdp, rdp_talk(), TLS),
        (AppProto::Socks, socks5_talk(), None),
        (AppProto::Socks, socks4_talk(), None),
    ]
}

fn learn(
    app_proto: AppProto,
    talk: &[(Direction, Vec<u8>)],
    cut: impl FnMut(&[u8]) -> Vec<usize>,
) -> (Heard, Progress) {
    let mut dissector = of_stream(app_proto).unwrap();
    let (heard, progress, held) = hear(&mut *dissector, talk, cut);
    assert!(held <= 4 * MESSAGE_MAX, "{held} bytes of {}", app_proto.name());
    (heard, progress)
}

#[test]
fn each_becomes_what_it_says_and_gives_back_what_it_has_not_read() {
    for (app_proto, talk, next) in talks() {
        let (heard, progress) = learn(app_proto, &talk, whole);
        assert_eq!(progress, becomes(next), "{}", app_proto.name());
        let start = format!("StartTls(StartTls {{ protocol: {app_proto:?} }})");
        let told = heard.all.iter().filter(|told| told.contains(&start)).count();
        assert_eq!(told, usize::from(next == TLS), "{}: {:?}", app_proto.name(), heard.all);
    }
}

#[test]
fn one_byte_at_a_time_leads_to_the_same() {
    for (app_proto, talk, next) in talks() {
        let (one, progress) = learn(app_proto, &talk, bytewise);
        assert_eq!(progress, Progress::Becomes { next, unread: 0 }, "{}", app_proto.name());
        assert_eq!(one.all, learn(app_proto, &talk, whole).0.all, "{}", app_proto.name());
    }
}

#[test]
fn before_its_last_byte_nothing_becomes_anything() {
    for (app_proto, mut talk, _) in talks() {
        let (_, last) = talk.last_mut().unwrap();
        last.truncate(last.len() - AFTER.len() - 1);
        assert_eq!(learn(app_proto, &talk, whole).1, Progress::More, "{}", app_proto.name());
    }
}

/// What is heard of a talk that goes on as it is, or breaks.
fn ends(app_proto: AppProto, talk: &[(Direction, Vec<u8>)], progress: Progress) -> Heard {
    let (heard, ended) = learn(app_proto, talk, whole);
    assert_eq!(ended, progress, "{}", app_proto.name());
    assert!(!heard.all.iter().any(|told| told.contains("StartTls")), "{:?}", heard.all);
    heard
}

#[test]
fn ldap_waits_for_the_success_of_what_was_asked() {
    ends(AppProto::Ldap, &[up(&ldap_start()), down(&ldap_answer(2, 52))], Progress::More);
    ends(AppProto::Ldap, &[up(&ldap_start()), down(&ldap_answer(3, 0))], Progress::More);
    ends(AppProto::Ldap, &[down(&ldap_answer(2, 0))], Progress::More);
    let again = [up(&ldap_start()), down(&ldap_answer(2, 1)), down(&ldap_answer(2, 0))];
    ends(AppProto::Ldap, &again, Progress::More);
    ends(AppProto::Ldap, &[up(b"\x31\x05")], Progress::NotMine);
    ends(AppProto::Ldap, &[up(&[0x30, 3, 2, 1, 1])], Progress::Malformed);
}

#[test]
fn ldap_tells_of_simple_binds_and_leaves_sasl() {
    let bind = |name: &[u8], tag, proof: &[u8]| {
        up(&ldap(1, 0x60, &[&[2, 1, 3], &ldap_value(4, &[name]), &ldap_value(tag, &[proof])]))
    };
    let told = |bind| ends(AppProto::Ldap, &[bind], Progress::More).all;
    let simple = told(bind(b"cn=anna,dc=example", 0x80, b"key"));
    assert!(simple[0].contains(r#"user: Some("cn=anna,dc=example"), password_seen: true, protocol: Ldap"#));
    assert!(!simple[0].contains("key"));
    assert!(told(bind(b"cn=anna", 0x80, b""))[0].contains("password_seen: false"));
    assert!(told(bind(b"", 0x80, b"")).is_empty(), "nobody is nobody");
    ends(AppProto::Ldap, &[bind(b"", 0xa3, b"\x04\x06GSSAPI")], Progress::Done);
}

#[test]
fn xmpp_ends_with_a_proof_of_who_it_is() {
    ends(AppProto::Xmpp, &[up(b"<stream:stream><auth mechanism='PLAIN'>eA==</auth>")], Progress::Done);
    ends(AppProto::Xmpp, &[up(b"<stream:stream><proceed/>")], Progress::More);
    ends(AppProto::Xmpp, &[down(b"<stream:stream a='<proceed/>'><proceed>")], Progress::More);
    ends(AppProto::Xmpp, &[up(&vec![b'x'; 70_000])], Progress::Done);
}

#[test]
fn mysql_that_answers_in_the_clear_is_done() {
    let answer =
        |len: u8, flags| up(&[&[len, 0, 0, 1, 0, flags][..], &vec![0; usize::from(len) - 2]].concat());
    ends(AppProto::Mysql, &[answer(32, 0xa6)], Progress::Done);
    ends(AppProto::Mysql, &[answer(60, 0xae)], Progress::Done);
    let old = learn(AppProto::Mysql, &[answer(5, 0x08)], whole).1;
    assert_eq!(old, Progress::Becomes { next: TLS, unread: 0 }, "before 4.1");
}

#[test]
fn pgsql_that_is_refused_may_ask_again_or_go_on() {
    let ssl = || up(&[0, 0, 0, 8, 4, 210, 22, 47]);
    let gss = || up(&[0, 0, 0, 8, 4, 210, 22, 48]);
    ends(AppProto::Pgsql, &[ssl(), down(b"N")], Progress::More);
    ends(AppProto::Pgsql, &[ssl(), down(b"N"), up(&[0, 0, 0, 9, 0, 3, 0, 0, 0])], Progress::Done);
    ends(AppProto::Pgsql, &[ssl(), down(b"E")], Progress::Done);
    ends(AppProto::Pgsql, &[gss(), down(b"G")], Progress::Done);
    ends(AppProto::Pgsql, &[gss(), down(b"S")], Progress::Done);
    ends(AppProto::Pgsql, &[down(b"S")], Progress::Done);
    ends(AppProto::Pgsql, &[up(&[0, 0, 0, 7])], Progress::NotMine);
}

#[test]
fn irc_is_done_once_a_client_is_welcome() {
    ends(AppProto::Irc, &[down(b":a 691 * :no\r\n")], Progress::More);
    ends(AppProto::Irc, &[up(b":a 670 * :x\r\n")], Progress::More);
    ends(AppProto::Irc, &[down(b":a 001 nick :Welcome\r\n:a 670 x\r\n")], Progress::Done);
    ends(AppProto::Irc, &[up(&[b'x'; MESSAGE_MAX + 1])], Progress::NotMine);
}

#[test]
fn rdp_tells_a_name_and_is_done_with_its_own_encryption() {
    let confirm = |choice: &[u8]| {
        let len = u8::try_from(choice.len() + 11).unwrap();
        down(&[&[3, 0, 0, len, len - 5, 0xd0, 0, 0, 0, 0, 0][..], choice].concat())
    };
    let heard =
        ends(AppProto::Rdp, &[up(&rdp_request()), confirm(&[2, 0, 8, 0, 0, 0, 0, 0])], Progress::Done);
    assert!(heard.all[0].contains(r#"user: Some("anna"), password_seen: false, protocol: Rdp"#));
    ends(AppProto::Rdp, &[confirm(&[3, 0, 8, 0, 5, 0, 0, 0])], Progress::Done);
    ends(AppProto::Rdp, &[confirm(&[])], Progress::Done);
    ends(AppProto::Rdp, &[up(&[3, 0, 0, 4])], Progress::NotMine);
}

#[test]
fn socks_tells_a_name_and_goes_on_only_where_it_connects() {
    let heard = learn(AppProto::Socks, &socks5_talk(), whole).0;
    assert_eq!(heard.all.len(), 1);
    assert!(heard.all[0].contains(r#"user: Some("anna"), password_seen: true, protocol: Socks"#));
    let heard = learn(AppProto::Socks, &socks4_talk(), whole).0;
    assert!(heard.all[0].contains(r#"user: Some("anna"), password_seen: false"#));
    let mut refused = socks5_talk();
    refused[5].1[1] = 5;
    ends(AppProto::Socks, &refused, Progress::Done);
    let mut bound = socks5_talk();
    bound[4].1[1] = 2;
    ends(AppProto::Socks, &bound, Progress::Done);
    ends(AppProto::Socks, &[up(&[5, 1, 1]), down(&[5, 1])], Progress::Done);
    let mut early = socks4_talk();
    early.insert(1, up(b"GET / HTTP/1.1\r\n\r\n"));
    assert_eq!(learn(AppProto::Socks, &early, whole).1, becomes(None), "what came too early is borne");
    ends(AppProto::Socks, &[up(&[6])], Progress::NotMine);
}

#[test]
fn a_talk_without_end_is_done_after_a_while() {
    let search = ldap(1, 0x63, &[&[4, 0]]);
    ends(AppProto::Ldap, &[up(&search.repeat(100))], Progress::Done);
    let long = [&[0x30, 0x84, 1, 0, 0, 0][..], &vec![7; 300_000]].concat();
    ends(AppProto::Ldap, &[up(&long)], Progress::Done);
}

proptest! {
    #[test]
    fn damage_is_borne_and_cuts_do_not_change_what_it_does(
        which in 0_usize..8,
        damage in prop::collection::vec((0_usize..8, 0_usize..300, any::<u8>()), 0..4),
        cuts in prop::collection::vec(0_usize..300, 0..9),
    ) {
        let (app_proto, talk, _) = talks().swap_remove(which);
        let talk = damaged(talk, &damage);
        let (cut, all) = (learn(app_proto, &talk, cut_at(cuts)), learn(app_proto, &talk, whole));
        prop_assert_eq!(cut.0.all, all.0.all);
        prop_assert_eq!(std::mem::discriminant(&cut.1), std::mem::discriminant(&all.1));
    }
}
