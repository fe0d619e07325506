//! Control connections, crafted, and what is told of them.

#![expect(clippy::panic, reason = "tests")]

use super::*;
use crate::dissect::Progress;
use crate::dissect::conversation::{Talk, Told, told, told_however_cut};
use Talk::{Client, ClientGap, Server, ServerGap};

/// The records of a conversation, in a few words each.
fn exchanges(told: &Told) -> Vec<String> {
    let words = |record: &FtpRecord| {
        let codes = record.reply_lines.iter().filter_map(|line| line.code);
        let codes: Vec<_> = codes.map(|code| String::from_utf8_lossy(&code).into_owned()).collect();
        let argument = record.argument.as_deref().map(|argument| format!("({argument})")).unwrap_or_default();
        let end = if record.is_answered { "" } else { " ..." };
        format!("{}{argument} {}{end}", record.verb(), codes.join(","))
    };
    told.records
        .iter()
        .map(|record| match record {
            Record::Ftp(record) => words(record),
            other => panic!("{other:?}"),
        })
        .collect()
}

const SESSION: &[Talk<'_>] = &[
    Server("220-two\r\n220 lines\r\n"),
    Client("USER anna\r\n"),
    Server("331 Password?\r\n"),
    Client("PASS secret\r\n"),
    Server("230-Welcome,\r\n  anna\r\n230 to all\r\n"),
    Client("pasv\r\nRETR file\r\n"),
    Server("227 Entering Passive Mode (192,0,2,7,4,1).\r\n150 Here it comes\r\n"),
    Server("226 Done\r\n"),
    Client("QUIT\r\n"),
];

#[test]
fn each_command_is_told_with_its_replies_in_order() {
    let told = told_however_cut(Ftp::new, SESSION);
    assert_eq!(
        exchanges(&told),
        [" 220,220", "USER(anna) 331", "PASS 230,230", "PASV 227", "RETR(file) 150,226", "QUIT  ...",]
    );
    assert_eq!(told.facts, ["login login.user=anna login.protocol=ftp login.has_password=true"]);
    assert_eq!(told.anomalies, []);
    assert!(!told.text().contains("secret"), "a password was kept");
}

#[test]
fn where_data_goes_is_read_from_commands_and_replies() {
    let talk = [
        Server("220 x\r\n"),
        Client("PORT 10,0,0,9,4,1\r\nEPRT |2|2001:db8::9|1026|\r\nEPSV\r\n"),
        Server("200 x\r\n200 x\r\n229 Entering Extended Passive Mode (|||1027|)\r\n"),
    ];
    let told = told_however_cut(Ftp::new, &talk);
    let agreed: Vec<_> = told
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Ftp(record) => record.data.zip(record.mode),
            _ => None,
        })
        .map(|(data, mode)| (data.port, data.address.map(|address| address.to_string()), mode.name()))
        .collect();
    let expected = [
        (1025, Some("10.0.0.9".to_owned()), "active"),
        (1026, Some("2001:db8::9".to_owned()), "active"),
        (1027, None, "passive"),
    ];
    assert_eq!(agreed, expected);
}

#[test]
fn tls_begins_after_the_server_agrees() {
    let talk = [Server("220 x\r\n"), Client("AUTH TLS\r\n"), Server("234 go\r\n\x16\x03")];
    let told = told(Ftp::new(), &talk);
    let becomes = Progress::Becomes { next: Some(AppProto::Tls), unread: 2 };
    assert_eq!(
        (told.progress, exchanges(&told)),
        (Some(becomes), vec![" 220".into(), "AUTH(TLS) 234".into()])
    );
    assert_eq!(told.facts, ["starttls starttls.protocol=ftp"]);
    for (mechanism, reply) in [("AUTH TLS\r\n", "504 no\r\n"), ("AUTH GSSAPI\r\n", "234 go\r\n")] {
        let told = told_however_cut(Ftp::new, &[Server("220 x\r\n"), Client(mechanism), Server(reply)]);
        assert_eq!(told.progress, Some(Progress::More));
    }
}

#[test]
fn tls_is_seen_to_begin_where_the_server_is_not_heard() {
    let told = told(Ftp::new(), &[Client("AUTH TLS\r\n\x16\x03\x01")]);
    assert_eq!(told.progress, Some(Progress::Becomes { next: Some(AppProto::Tls), unread: 3 }));
    assert_eq!(exchanges(&told), ["AUTH(TLS)  ..."]);
}

#[test]
fn lines_that_are_too_long_are_told_as_far_as_they_are_read() {
    let long = format!("RETR {}\r\n", "A".repeat(LINE_MAX));
    let reply = format!("550 {}\r\n", "B".repeat(LINE_MAX));
    let talk = [Server("220 x\r\n"), Client("EPSV\r\n"), Client(&long), Server("229 x\r\n"), Server(&reply)];
    let told = told_however_cut(Ftp::new, &talk);
    let [.., Record::Ftp(retr)] = &told.records[..] else { panic!("{:?}", told.records) };
    assert!(retr.is_command_cut && retr.is_reply_cut);
    assert_eq!(retr.argument.as_ref().map(|argument| argument.len()), Some(LINE_MAX - 5));
    assert_eq!(told.anomalies, [Anomaly::FtpRequestCommandTooLong, Anomaly::FtpResponseCommandTooLong]);
}

#[test]
fn a_file_needs_a_name_and_a_connection() {
    let talk = [Server("220 x\r\n"), Client("RETR x\r\n"), Server("425 x\r\n"), Client("PASV\r\nSTOR \r\n")];
    let told = told_however_cut(Ftp::new, &talk);
    assert_eq!(told.anomalies, [Anomaly::FtpFileBeforePort, Anomaly::FtpFileWithoutName]);
    let client_only = told_however_cut(Ftp::new, &[Client("RETR x\r\n")]);
    assert_eq!(client_only.anomalies, [], "nobody knows what the server said");
}

#[test]
fn commands_that_nobody_answers_are_bounded() {
    let commands = "NOOP\r\n".repeat(PENDING_MAX + 7);
    let crowded = told(Ftp::new(), &[Server("220 x\r\n"), Client(&commands)]);
    assert_eq!(crowded.records.len(), PENDING_MAX + 8);
    assert_eq!(crowded.anomalies, [Anomaly::FtpTooManyTransactions], "once");
    let long = format!("SITE {}\r\n", "A".repeat(4_000)).repeat(1_000);
    let told = told(Ftp::new(), &[Client(&long)]);
    assert_eq!(told.anomalies, [], "a client alone is never answered");
    let line_max = 2 * (LINE_MAX + 2);
    assert!(told.held_max <= PENDING_BYTES_MAX + 2 * line_max, "{}", told.held_max);
}

#[test]
fn replies_are_bounded() {
    let reply = "230-words and words and words\r\n".repeat(10_000);
    let told = told(Ftp::new(), &[Client("PASS x\r\n"), Server(&reply), Server("230 end\r\n")]);
    let [Record::Ftp(record)] = &told.records[..] else { panic!("{:?}", told.records) };
    assert!(record.is_reply_cut && record.is_answered && record.reply_lines.len() <= 256);
    assert!(told.held_max <= 64 * 1024, "{}", told.held_max);
    let greeting = self::told(Ftp::new(), &[Server(&"220-words\r\n".repeat(100))]);
    assert!(
        greeting.held_max > 100 * "words".len(),
        "what is said unasked weighs, too: {}",
        greeting.held_max
    );
    assert!(greeting.held_max <= 64 * 1024, "{}", greeting.held_max);
}

#[test]
fn after_missing_bytes_the_next_commands_have_their_replies() {
    let talk = [
        Server("220 x\r\n"),
        Client("USER a\r\nPA"),
        ClientGap(7),
        Server("331 x\r\n"),
        Client("t\r\nCWD x\r\n"),
        Server("25"),
        ServerGap(3),
        Server("ed\r\n"),
        Client("PWD\r\n"),
        Server("257 x\r\n"),
    ];
    let told = told_however_cut(Ftp::new, &talk);
    assert_eq!(exchanges(&told), [" 220", "USER(a)  ...", " 331", "CWD(x)  ...", "PWD 257"]);
}

#[test]
fn the_server_is_known_by_what_it_says_where_the_flow_was_met_in_its_middle() {
    let talk = [Client("257 x\r\n"), Server("CWD a\r\n"), Client("250 x\r\n")];
    assert_eq!(exchanges(&told_however_cut(Ftp::new, &talk)), [" 257", "CWD(a) 250"]);
}

#[test]
fn what_is_no_command_at_all_is_not_read_on() {
    let told = told(Ftp::new(), &[Client(&"\u{1}\u{2}\u{3}\r\n".repeat(20))]);
    assert_eq!(told.progress, Some(Progress::Malformed));
}
