//! Sessions, crafted, and what is told of them.

use super::*;
use crate::dissect::Progress;
use crate::dissect::conversation::{Talk, told, told_however_cut, told_in_pieces};
use Talk::{Client, ClientGap, Server, ServerGap};

const LOGIN: &str = "login login.user=anna login.protocol=imap login.has_password=true";

#[test]
fn a_login_is_told_however_its_words_are_written() {
    for command in [
        "a1 LOGIN anna secret\r\n",
        "a1 login \"anna\" \"sec ret\"\r\n",
        "a1 LOGIN {4+}\r\nanna {6+}\r\nsecret\r\n",
        "a1 LOGIN {4}\r\nanna {7}\r\nsec\r\nre\r\n",
    ] {
        let talk = [Server("* OK ready\r\n"), Client(command), Server("a1 OK done\r\n")];
        let told = told_however_cut(Imap::new, &talk);
        assert_eq!(
            (&told.facts[..], told.progress),
            (&[LOGIN.to_owned()][..], Some(Progress::Done)),
            "{command}"
        );
    }
}

#[test]
fn a_login_that_fails_is_followed_by_others() {
    let talk = [
        Server("* OK ready\r\n"),
        Client("a LOGIN anna wrong\r\n"),
        Server("a NO sorry\r\n"),
        Client("b AUTHENTICATE PLAIN\r\n"),
        Server("+ \r\n"),
        Client("AGFubmEAc2VjcmV0\r\n"),
        Server("* CAPABILITY IMAP4rev1\r\nb OK\r\n"),
    ];
    let told = told_however_cut(Imap::new, &talk);
    assert_eq!(told.facts, [LOGIN, LOGIN]);
    assert_eq!(told.progress, Some(Progress::Done));
}

#[test]
fn tls_begins_after_the_server_agrees() {
    let talk = [
        Server("* OK ready\r\n"),
        Client("x1 CAPABILITY\r\nx2 STARTTLS\r\n"),
        Server("* CAPABILITY STARTTLS\r\nx1 OK\r\nx2 OK begin\r\n\x16"),
    ];
    let agreed = told(Imap::new(), &talk);
    assert_eq!(agreed.progress, Some(Progress::Becomes { next: Some(AppProto::Tls), unread: 1 }));
    assert_eq!(agreed.facts, ["starttls starttls.protocol=imap"]);
    let refused = [Server("* OK\r\n"), Client("x2 STARTTLS\r\n"), Server("x2 BAD no\r\n")];
    assert_eq!(told_however_cut(Imap::new, &refused).progress, Some(Progress::More));
    let unheard = told(Imap::new(), &[Client("x2 STARTTLS\r\n\x16\x03\x01")]);
    assert_eq!(unheard.progress, Some(Progress::Becomes { next: Some(AppProto::Tls), unread: 3 }));
}

#[test]
fn what_stands_in_literals_is_no_command() {
    let talk = [
        Server("* PREAUTH ready\r\n"),
        Client("a APPEND box {26}\r\nb LOGIN mallory forged\r\n\r\n\r\n"),
        Server("a OK\r\n* 1 FETCH (BODY[] {10}\r\nc OK done\r)\r\n"),
        Client("c LOGIN anna secret\r\n"),
        Server("c OK\r\n"),
    ];
    let told = told_however_cut(Imap::new, &talk);
    assert_eq!((&told.facts[..], told.progress), (&[LOGIN.to_owned()][..], Some(Progress::Done)));
}

#[test]
fn literals_go_on_over_missing_bytes() {
    let talk = [
        Server("* OK\r\n"),
        Client("a APPEND box {2000}\r\nb LOGIN x"),
        ClientGap(1_991),
        Client("\r\nc LOGIN anna secret\r\n"),
        Server("* 1 FETCH {"),
        ServerGap(50),
        Server("d\r\nc OK\r\n"),
    ];
    let told = told_however_cut(Imap::new, &talk);
    assert_eq!((&told.facts[..], told.progress), (&[LOGIN.to_owned()][..], Some(Progress::Done)));
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let literal = format!("a APPEND x {{99999999}}\r\n{}", "\"".repeat(100_000));
    let line = format!("a LOGIN {}", "x".repeat(100_000));
    for talk in [&[Client(&literal)][..], &[Client(&line), Server(&line)], &[Server(&line)]] {
        let told = told_in_pieces(Imap::new(), talk, 999);
        assert!(told.held_max <= 4 * (LINE_MAX + command::COMMAND_MAX), "{}", told.held_max);
    }
}

#[test]
fn what_is_no_command_at_all_is_not_read_on() {
    let told = told(Imap::new(), &[Client(&"nonsense\r\n".repeat(20))]);
    assert_eq!(told.progress, Some(Progress::Malformed));
    let idle = told_however_cut(Imap::new, &[Client(&"DONE\r\n".repeat(20))]);
    assert_eq!(idle.progress, Some(Progress::More));
}
