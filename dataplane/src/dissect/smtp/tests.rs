//! Sessions, crafted, and what is told of them.

#![expect(clippy::panic, reason = "tests")]

use super::*;
use crate::dissect::Progress;
use crate::dissect::conversation::{Talk, Told, told, told_however_cut, told_in_pieces};
use crate::dissect::file::FileState;
use Talk::{Client, ClientGap, Server, ServerGap};

/// The mails of a session: envelope, subject, and whether all of it was seen.
fn mails(told: &Told) -> Vec<String> {
    let envelope = |mail: &SmtpRecord| {
        let from = mail.mail_from.as_deref().unwrap_or("-");
        let email = mail.email.as_ref().map(|email| {
            format!(
                " {} {}",
                email.subject.as_deref().unwrap_or("-"),
                if email.is_complete { "whole" } else { "cut" }
            )
        });
        let helo = mail.helo.as_deref().unwrap_or("-");
        format!("{helo} {from} {}{}", mail.rcpt_to.join(","), email.unwrap_or_default())
    };
    let mails = told.records.iter().filter_map(|record| match record {
        Record::Smtp(mail) => Some(envelope(mail)),
        _ => None,
    });
    mails.collect()
}

/// Names, sizes and ends of the files of a session.
fn files(told: &Told) -> Vec<(String, u64, FileState, u64)> {
    let files = told.records.iter().filter_map(|record| match record {
        Record::File(file) => Some((file.facts.name.clone(), file.facts.size, file.facts.state, file.tx_id)),
        _ => None,
    });
    files.collect()
}

const GREETING: Talk<'_> = Server("220 mx.example ESMTP\r\n");
const HELLO: Talk<'_> = Client("EHLO me.example\r\n");
const WELCOME: Talk<'_> = Server("250-mx.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
const ENVELOPE: Talk<'_> = Client("MAIL FROM:<a@x.example> SIZE=9\r\nRCPT TO:<b@y.example>\r\n");
const GRANTED: Talk<'_> = Server("250 ok\r\n250 ok\r\n");

const LETTER: &str = concat!(
    "From: A <a@x.example>\r\n",
    "To: \"B, b\" <b@y.example>,\r\n c@y.example\r\n",
    "Subject: =?UTF-8?Q?gr=C3=BCn?=\r\n",
    "Message-ID: <1@x.example>\r\n",
    "Content-Type: multipart/mixed; boundary=\"=b\"\r\n",
    "\r\n",
    "--=b\r\n",
    "Content-Type: text/plain\r\n",
    "\r\n",
    "See http://z.example/a.\r\n",
    "..\r\n",
    "--=b\r\n",
    "Content-Type: application/pdf; name=\"a.pdf\"\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Disposition: attachment; filename=\"a.pdf\"\r\n",
    "\r\n",
    "JVBERi0x\r\n",
    "LjcK\r\n",
    "--=b--\r\n",
    ".\r\n",
);

#[test]
fn a_mail_is_told_with_what_is_in_it_when_the_server_has_taken_it() {
    let talk = [
        GREETING,
        HELLO,
        WELCOME,
        ENVELOPE,
        GRANTED,
        Client("DATA\r\n"),
        Server("354 go\r\n"),
        Client(LETTER),
        Server("250 queued\r\n"),
        Client("QUIT\r\n"),
        Server("221 bye\r\n"),
    ];
    let told = told_however_cut(Smtp::new, &talk);
    assert_eq!(mails(&told), ["me.example <a@x.example> <b@y.example> grün whole"]);
    assert_eq!(files(&told), [("a.pdf".to_owned(), 9, FileState::Closed, 0)]);
    assert_eq!(told.anomalies, []);
    let [Record::File(file), Record::Smtp(mail)] = &told.records[..] else { panic!("{:?}", told.records) };
    assert_eq!(file.facts.magic, Some("PDF document"));
    let Some(Record::Smtp(carrier)) = file.carrier.as_deref() else { panic!("{file:?}") };
    assert_eq!((&carrier.mail_from, carrier.rcpt_count), (&mail.mail_from, 1));
    let Some(email) = &mail.email else { panic!("{mail:?}") };
    assert_eq!(
        (&email.attachments[..], &email.urls[..]),
        (&["a.pdf".into()][..], &["http://z.example/a".into()][..])
    );
    let to: Vec<&str> = addresses(email.header("to").unwrap_or_default()).collect();
    assert_eq!(to, ["\"B, b\" <b@y.example>", "c@y.example"]);
    let facts: Vec<&str> =
        told.facts.iter().map(|fact| &**fact).filter(|fact| !fact.starts_with("file")).collect();
    assert_eq!(
        facts,
        [
            "smtp_command smtp.command=EHLO smtp.argument=me.example",
            "smtp_command smtp.command=MAIL smtp.argument=FROM:<a@x.example> SIZE=9",
            "smtp_command smtp.command=RCPT smtp.argument=TO:<b@y.example>",
            "smtp_command smtp.command=DATA smtp.argument=",
            concat!(
                "smtp_mail smtp.helo=me.example smtp.mail_from=<a@x.example> smtp.rcpt_to=<b@y.example> ",
                "smtp.rcpt_count=1 smtp.from=A <a@x.example> smtp.to=\"B, b\" <b@y.example>, c@y.example ",
                "smtp.subject=grün smtp.message_id=<1@x.example> smtp.attachments=1"
            ),
            "smtp_command smtp.command=QUIT smtp.argument=",
        ]
    );
}

#[test]
fn the_digest_of_the_body_is_of_what_was_transferred() {
    let talk =
        [GREETING, HELLO, WELCOME, Client("DATA\r\n"), Server("354\r\n"), Client("A: b\r\n\r\n..\r\n.\r\n")];
    let told = told_however_cut(Smtp::new, &talk);
    let [Record::Smtp(mail)] = &told.records[..] else { panic!("{:?}", told.records) };
    let md5 = mail.email.as_ref().and_then(|email| email.body_md5).map(u128::from_be_bytes);
    // Of "..\r\n", as md5sum has it.
    assert_eq!(md5, Some(0xb9d7_f26b_d661_3b4d_fb4a_bc87_3082_6894_u128));
}

#[test]
fn chunks_make_a_mail() {
    let talk = [
        GREETING,
        HELLO,
        WELCOME,
        ENVELOPE,
        GRANTED,
        Client("BDAT 20\r\nSubject: two\r\n\r\nBDATBDAT 6 LAST\r\nRSET\r\n"),
        Server("250 ok\r\n250 ok\r\n"),
        Client("MAIL FROM:<c@x.example>\r\nBDAT 0 LAST\r\nRSET\r\n"),
        Server("250 ok\r\n250 ok\r\n250 ok\r\n"),
    ];
    let told = told_however_cut(Smtp::new, &talk);
    assert_eq!(
        mails(&told),
        ["me.example <a@x.example> <b@y.example> two whole", "me.example <c@x.example> "]
    );
    assert_eq!(told.anomalies, []);
}

#[test]
fn a_chunk_that_says_nothing_is_refused_and_the_next_command_read() {
    let talk = [GREETING, HELLO, WELCOME, Client("BDAT 5 X\r\n"), ENVELOPE, Server("501\r\n250\r\n250\r\n")];
    let told = told_however_cut(Smtp::new, &talk);
    assert_eq!(mails(&told), ["me.example <a@x.example> <b@y.example>"]);
    assert_eq!(told.anomalies, [Anomaly::SmtpInvalidBdat]);
}

#[test]
fn mails_of_one_session_are_told_apart() {
    let talk = [
        GREETING,
        HELLO,
        WELCOME,
        ENVELOPE,
        GRANTED,
        Client("DATA\r\n"),
        Server("354\r\n"),
        Client(
            "Subject: one\r\n\r\n.\r\nRSET\r\nMAIL FROM:<c@x.example>\r\nRCPT TO:<d@y.example>\r\nDATA\r\n",
        ),
        Server("250 queued\r\n250\r\n250\r\n250\r\n354\r\n"),
        Client("Subject: two\r\n\r\n.\r\n"),
        Server("250 queued\r\n"),
        ENVELOPE,
        Client("HELO me.example\r\n"),
    ];
    let told = told_however_cut(Smtp::new, &talk);
    assert_eq!(
        mails(&told),
        [
            "me.example <a@x.example> <b@y.example> one whole",
            "me.example <c@x.example> <d@y.example> two whole",
            "me.example <a@x.example> <b@y.example>",
        ]
    );
    assert_eq!(told.anomalies, [Anomaly::SmtpDuplicateFields]);
}

#[test]
fn a_session_without_a_mail_is_told_once() {
    let told = told_however_cut(Smtp::new, &[GREETING, HELLO, WELCOME, Client("NOOP\r\nQUIT\r\n")]);
    assert_eq!(mails(&told), ["me.example - "]);
    assert_eq!(mails(&told_however_cut(Smtp::new, &[GREETING])), Vec::<String>::new());
}

#[test]
fn where_the_mail_is_refused_what_follows_are_commands() {
    let talk = [
        GREETING,
        HELLO,
        WELCOME,
        ENVELOPE,
        GRANTED,
        Client("DATA\r\n"),
        Server("503-no\r\n503 no\r\n"),
        Client("Hello, Bert\r\n.\r\nRSET\r\n"),
        Server("500 what\r\n500 what\r\n250 ok\r\n"),
    ];
    let told = told_however_cut(Smtp::new, &talk);
    assert_eq!(mails(&told), ["me.example <a@x.example> <b@y.example>"]);
    assert_eq!(told.anomalies, [Anomaly::SmtpDataCommandRejected, Anomaly::SmtpUnparsableContent]);
}

#[test]
fn who_does_not_wait_for_the_answer_is_out_of_sequence() {
    let early = [GREETING, HELLO, WELCOME, Client("RSET\r\nDATA\r\n.\r\n"), Server("250\r\n354\r\n250\r\n")];
    let told = told_however_cut(Smtp::new, &early);
    assert_eq!(told.anomalies, [Anomaly::SmtpInvalidPipelinedSequence]);
    assert_eq!(told.records.len(), 1);
    let injected = [GREETING, HELLO, WELCOME, Client("STARTTLS\r\nRSET\r\n")];
    assert_eq!(told_however_cut(Smtp::new, &injected).anomalies, [Anomaly::SmtpInvalidPipelinedSequence]);
}

#[test]
fn names_are_told_and_passwords_are_not_kept() {
    for talk in [
        &[Client("AUTH PLAIN AGFubmEAc2VjcmV0\r\n"), Server("235 ok\r\n")][..],
        &[Client("AUTH PLAIN\r\n"), Server("334 \r\n"), Client("AGFubmEAc2VjcmV0\r\n"), Server("235 ok\r\n")],
        &[
            Client("auth login\r\n"),
            Server("334 VXNlcm5hbWU6\r\n"),
            Client("YW5uYQ==\r\n"),
            Server("334 UGFzc3dvcmQ6\r\n"),
            Client("c2VjcmV0\r\n"),
            Server("535 no\r\n"),
        ],
    ] {
        let talk = [&[GREETING, HELLO, WELCOME], talk, &[ENVELOPE, GRANTED]].concat();
        let told = told_however_cut(Smtp::new, &talk);
        let login = "login login.user=anna login.protocol=smtp login.has_password=true";
        assert!(told.facts.iter().any(|fact| fact == login), "{:?}", told.facts);
        assert_eq!(mails(&told), ["me.example <a@x.example> <b@y.example>"]);
        assert_eq!(told.anomalies, []);
        let text = told.text();
        assert!(!text.contains("secret") && !text.contains("c2VjcmV0") && !text.contains("AGFubm"), "{text}");
    }
}

#[test]
fn tls_begins_after_the_server_agrees() {
    let talk = [GREETING, HELLO, WELCOME, Client("STARTTLS\r\n"), Server("220 go\r\n\x16")];
    let agreed = told(Smtp::new(), &talk);
    assert_eq!(agreed.progress, Some(Progress::Becomes { next: Some(AppProto::Tls), unread: 1 }));
    assert_eq!(mails(&agreed), ["me.example - "]);
    assert_eq!(agreed.facts.last().map(|fact| &**fact), Some("starttls starttls.protocol=smtp"));
    let talk = [GREETING, HELLO, WELCOME, Client("STARTTLS\r\n"), Server("454 no\r\n"), ENVELOPE];
    let refused = told_however_cut(Smtp::new, &talk);
    assert_eq!(
        (refused.progress, &refused.anomalies[..]),
        (Some(Progress::More), &[Anomaly::SmtpTlsRejected][..])
    );
    assert_eq!(mails(&refused), ["me.example <a@x.example> <b@y.example>"]);
    let unheard = told(Smtp::new(), &[HELLO, Client("STARTTLS\r\n\x16\x03")]);
    assert_eq!(unheard.progress, Some(Progress::Becomes { next: Some(AppProto::Tls), unread: 2 }));
}

#[test]
fn one_side_alone_is_read() {
    let client = [HELLO, ENVELOPE, Client("DATA\r\n"), Client(LETTER), ENVELOPE, Client("QUIT\r\n")];
    let told = told_however_cut(Smtp::new, &client);
    assert_eq!(
        mails(&told),
        ["me.example <a@x.example> <b@y.example> grün whole", "me.example <a@x.example> <b@y.example>"]
    );
    assert_eq!(told.anomalies, [Anomaly::SmtpNoServerWelcomeMessage]);
    let server = [GREETING, WELCOME, GRANTED, Server("354 go\r\n250 queued\r\n221 bye\r\n")];
    let told = told_however_cut(Smtp::new, &server);
    assert_eq!(told.records.len(), 0);
}

#[test]
fn the_greeting_may_come_after_the_hello() {
    let talk =
        [HELLO, Server("220 mx\r\n250-mx\r\n250 ok\r\n"), ENVELOPE, Server("550 no\r\n250\r\n"), ENVELOPE];
    let told = told_however_cut(Smtp::new, &talk);
    assert_eq!(mails(&told).len(), 2, "a sender that was refused begins no mail that goes on");
    assert_eq!(told.anomalies, [Anomaly::SmtpNoServerWelcomeMessage]);
}

#[test]
fn a_mail_with_missing_bytes_is_told_as_far_as_it_was_seen() {
    let start = [GREETING, HELLO, WELCOME, ENVELOPE, GRANTED, Client("DATA\r\n"), Server("354\r\n")];
    let (head, tail) = LETTER.split_at(LETTER.len() - 30);
    let rest = [Client(head), ClientGap(9), Client(tail), Server("250\r\n"), ENVELOPE];
    let told = told_however_cut(Smtp::new, &[&start[..], &rest].concat());
    assert_eq!(
        mails(&told),
        ["me.example <a@x.example> <b@y.example> grün cut", "me.example <a@x.example> <b@y.example>"]
    );
    assert!(matches!(files(&told)[..], [(_, _, FileState::Truncated, 0)]), "{:?}", files(&told));
    // The end of the mail is among what is missing: the server says that it was there.
    let rest = [Client(head), ClientGap(900), Server("250 queued\r\n"), Client("x\r\n"), ENVELOPE];
    let told = told_however_cut(Smtp::new, &[&start[..], &rest].concat());
    assert_eq!(
        mails(&told),
        ["me.example <a@x.example> <b@y.example> grün cut", "me.example <a@x.example> <b@y.example>"]
    );
    assert_eq!(told.anomalies, []);
}

#[test]
fn chunks_go_on_over_missing_bytes() {
    let talk = [
        GREETING,
        HELLO,
        WELCOME,
        ENVELOPE,
        GRANTED,
        Client("BDAT 1000 LAST\r\nSubject: x\r\n\r\n"),
        ClientGap(986),
        Client("MAIL FROM:<c@x.example>\r\n"),
        Server("250\r\n250\r\n"),
    ];
    let told = told_however_cut(Smtp::new, &talk);
    assert_eq!(mails(&told), ["me.example <a@x.example> <b@y.example> x cut", "me.example <c@x.example> "]);
}

#[test]
fn replies_go_on_after_missing_ones() {
    let talk = [
        GREETING,
        HELLO,
        Server("250-mx\r\n25"),
        ServerGap(20),
        Server("p\r\n"),
        ENVELOPE,
        GRANTED,
        Client("DATA\r\n"),
        Server("354\r\n"),
        Client(LETTER),
    ];
    let told = told_however_cut(Smtp::new, &talk);
    assert_eq!(mails(&told), ["me.example <a@x.example> <b@y.example> grün whole"]);
    assert_eq!(told.anomalies, []);
}

#[test]
fn replies_that_do_not_end_cost_the_answers_but_no_mail() {
    let talk = [
        GREETING,
        HELLO,
        Server("250-mx.example\r\n"),
        ENVELOPE,
        GRANTED,
        Client("DATA\r\n"),
        Server("354 go\r\n"),
        Client(LETTER),
        Server("250 queued\r\n"),
    ];
    let told = told_however_cut(Smtp::new, &talk);
    assert_eq!(mails(&told), ["me.example <a@x.example> <b@y.example> grün whole"]);
    assert_eq!(told.anomalies, []);
}

#[test]
fn what_is_odd_is_raised() {
    let long = format!("NOOP {}\r\n", "x".repeat(COMMAND_MAX));
    let reply = format!("250 {}\r\n", "x".repeat(REPLY_MAX));
    let talk = [GREETING, HELLO, WELCOME, Client(&long), Server(&reply), Server("hello\r\n250 x\r\n")];
    let told = told_however_cut(Smtp::new, &talk);
    assert_eq!(
        told.anomalies,
        [
            Anomaly::SmtpMaxCommandLineLenExceeded,
            Anomaly::SmtpMaxReplyLineLenExceeded,
            Anomaly::SmtpInvalidReply,
            Anomaly::SmtpUnableToMatchReplyWithRequest,
        ]
    );
    let mail = format!(
        "{}: x\r\nX: {}\r\nContent-Type: multipart/mixed; boundary={}\r\n\r\n{}\r\n\n.\r\n.\r\n",
        "N".repeat(300),
        "v".repeat(3_000),
        "b".repeat(300),
        "y".repeat(TEXT_LINE_MAX)
    );
    let talk = [GREETING, HELLO, WELCOME, Client("DATA\r\n"), Server("354\r\n"), Client(&mail)];
    let mut odd: Vec<String> =
        told_however_cut(Smtp::new, &talk).anomalies.iter().map(|one| format!("{one:?}")).collect();
    odd.sort_unstable();
    assert_eq!(
        odd,
        [
            "SmtpDataEndAmbiguous",
            "SmtpMimeLongBoundary",
            "SmtpMimeLongHeaderName",
            "SmtpMimeLongHeaderValue",
            "SmtpMimeLongLine",
        ]
    );
}

#[test]
fn memory_is_bounded_whatever_comes() {
    let start = "EHLO x\r\nMAIL FROM:<a>\r\n";
    let recipients = format!("RCPT TO:<{}>\r\n", "r".repeat(400)).repeat(2_000);
    let headers = format!("Received: {}\r\n", "h".repeat(400)).repeat(2_000);
    let urls: Vec<String> = (0..20_000).map(|n| format!("http://{n}.example/{}", "u".repeat(100))).collect();
    let urls = urls.join(" ");
    let files = "--b\r\nContent-Disposition: attachment; filename=\"f\"\r\n\r\nx\r\n".repeat(1_000);
    let mail = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n{headers}\r\n--b\r\n\r\n{urls}\r\n{files}\r\n.\r\n"
    );
    let session = format!("{start}{recipients}DATA\r\n{mail}").repeat(4);
    let talk = [Server("220 x\r\n"), Client(&session), Server("250 x\r\n")];
    let told = told_in_pieces(Smtp::new(), &talk, 1_460);
    assert_eq!(mails(&told).len(), 4);
    let files = told.records.iter().filter(|record| matches!(record, Record::File(_)));
    assert_eq!(files.count(), 4 * 128, "each has the mail beside it");
    assert!(told.held_max <= HELD_MAX, "{} bytes", told.held_max);
}

#[test]
fn what_is_no_command_at_all_is_not_read_on() {
    let told = told(Smtp::new(), &[HELLO, Client(&"\u{1}\u{2}\r\n".repeat(40))]);
    assert_eq!(told.progress, Some(Progress::Malformed));
}
