//! Sessions, crafted, and what is told of them.

#![expect(clippy::panic, reason = "tests")]

use super::*;
use crate::dissect::Progress;
use crate::dissect::conversation::{Talk, Told, told, told_however_cut, told_in_pieces};
use Talk::{Client, ClientGap, Server, ServerGap};

/// The records of a session, in a few words each.
fn exchanges(told: &Told) -> Vec<String> {
    let words = |record: &Pop3Record| {
        let reply = record.reply.as_ref();
        let list = reply.map(|reply| reply.list.join(",")).unwrap_or_default();
        let status = reply.map_or("...", |reply| reply.status.name());
        format!("{}({}) {status} {list}", record.verb(), record.arguments.join(","))
    };
    told.records
        .iter()
        .map(|record| match record {
            Record::Pop3(record) => words(record),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn each_command_is_told_with_its_reply_in_order() {
    let talk = [
        Server("+OK ready\r\n"),
        Client("USER anna\r\nPASS secret word\r\n"),
        Server("+OK\r\n+OK 2 mails\r\n"),
        Client("list\r\nLIST 2\r\nRETR 1\r\n"),
        Server("+OK\r\n1 100\r\n2 200\r\n.\r\n+OK 2 200\r\n+OK 100 octets\r\n"),
        Server("Subject: x\r\n\r\n..dot\r\n+OK in a mail\r\n.\r\n"),
        Client("DELE 9\r\nQUIT\r\n"),
        Server("-ERR no such\r\n"),
    ];
    let told = told_however_cut(Pop3::new, &talk);
    assert_eq!(
        exchanges(&told),
        [
            "() OK ",
            "USER(anna) OK ",
            "PASS() OK ",
            "LIST() OK 1 100,2 200",
            "LIST(2) OK ",
            "RETR(1) OK ",
            "DELE(9) ERR ",
            "QUIT() ... ",
        ]
    );
    assert_eq!(told.facts, ["login login.user=anna login.protocol=pop3 login.has_password=true"]);
    assert_eq!(told.anomalies, []);
    assert!(!told.text().contains("secret"), "a password was kept");
}

#[test]
fn answers_of_sasl_are_no_commands() {
    let talk = [
        Server("+OK ready\r\n"),
        Client("AUTH PLAIN\r\n"),
        Server("+ \r\n"),
        Client("AGFubmEAc2VjcmV0\r\n"),
        Server("-ERR no\r\n"),
        Client("AUTH LOGIN\r\n"),
        Server("+ VXNlcg==\r\n"),
        Client("YW5uYQ==\r\n"),
        Server("+ UGFzcw==\r\n"),
        Client("c2VjcmV0\r\n"),
        Server("+OK\r\n"),
        Client("STAT\r\n"),
        Server("+OK 0 0\r\n"),
    ];
    let told = told_however_cut(Pop3::new, &talk);
    assert_eq!(exchanges(&told), ["() OK ", "AUTH(PLAIN) ERR ", "AUTH(LOGIN) OK ", "STAT() OK "]);
    let login = "login login.user=anna login.protocol=pop3 login.has_password=true";
    assert_eq!(told.facts, [login, login]);
}

#[test]
fn tls_begins_after_the_server_agrees() {
    let talk = [Server("+OK x\r\n"), Client("STLS\r\n"), Server("+OK go\r\n")];
    let agreed = told(Pop3::new(), &talk);
    assert_eq!(agreed.progress, Some(Progress::Becomes { next: Some(AppProto::Tls), unread: 0 }));
    assert_eq!(exchanges(&agreed), ["() OK ", "STLS() OK "]);
    assert_eq!(agreed.facts, ["starttls starttls.protocol=pop3"]);
    let refused =
        told_however_cut(Pop3::new, &[Server("+OK x\r\n"), Client("STLS\r\n"), Server("-ERR x\r\n")]);
    assert_eq!(refused.progress, Some(Progress::More));
    let unheard = told(Pop3::new(), &[Client("STLS\r\n\x16\x03\x01")]);
    assert_eq!(unheard.progress, Some(Progress::Becomes { next: Some(AppProto::Tls), unread: 3 }));
}

#[test]
fn what_is_odd_about_commands_is_raised() {
    let long = format!("USER {}\r\n", "a".repeat(COMMAND_MAX));
    let reply = format!("+OK {}\r\n", "b".repeat(REPLY_MAX));
    let talk = [
        Server("+OK x\r\n"),
        Client("RETR\r\nWHAT\r\nDELE 1 2\r\n"),
        Client(&long),
        Server("-ERR\r\n-ERR\r\n-ERR\r\n"),
        Server(&reply),
    ];
    let told = told_however_cut(Pop3::new, &talk);
    assert_eq!(
        told.anomalies,
        [
            Anomaly::Pop3IncorrectArgumentCount,
            Anomaly::Pop3UnknownCommand,
            Anomaly::Pop3IncorrectArgumentCount,
            Anomaly::Pop3RequestTooLong,
            Anomaly::Pop3ResponseTooLong,
        ]
    );
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let commands = format!("TOP {}\r\n", "1 ".repeat(2_000)).repeat(600);
    let told = told_in_pieces(Pop3::new(), &[Server("+OK x\r\n"), Client(&commands)], 999);
    assert_eq!(told.records.len(), 601);
    assert_eq!(told.anomalies.iter().filter(|one| **one == Anomaly::Pop3TooManyTransactions).count(), 1);
    let per_command = 2 * exchange::ARGUMENTS_MAX;
    assert!(told.held_max <= PENDING_MAX * per_command + 2 * LINE_MAX, "{}", told.held_max);
    let list = "1 0123456789\r\n".repeat(100_000);
    let told =
        told_in_pieces(Pop3::new(), &[Client("LIST\r\n"), Server("+OK\r\n+OK\r\n"), Server(&list)], 999);
    assert!(told.held_max <= 32 * 1024, "{}", told.held_max);
}

#[test]
fn after_missing_bytes_the_next_commands_have_their_replies() {
    let talk = [
        Server("+OK x\r\n"),
        Client("STAT\r\nLI"),
        ClientGap(4),
        Client("x\r\nRETR 1\r\n"),
        Server("+OK\r\nSubject: x\r\n"),
        ServerGap(100),
        Server("text\r\n.\r\n"),
        Client("NOOP\r\n"),
        Server("+OK\r\n"),
    ];
    let told = told_however_cut(Pop3::new, &talk);
    assert_eq!(exchanges(&told), ["() OK ", "STAT() ... ", "RETR(1) OK ", "NOOP() OK "]);
}
