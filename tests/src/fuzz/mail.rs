//! Mail and files: SMTP, POP3, IMAP, and FTP, which speaks alike.

use tidegate::app_proto::AppProto;
use tidegate::flow::Direction::{Down, Up};

use super::dissect::{Step, seed, stream, talk};

/// Feeds a talk to the dissector of SMTP.
pub fn smtp_stream(input: &[u8]) {
    stream(AppProto::Smtp, input);
}

/// The seeds of `smtp_stream`.
pub fn smtp_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let (greeting, hello): (&[u8], &[u8]) = (b"220 mx ESMTP\r\n", b"EHLO me\r\n");
    let (welcome, envelope): (&[u8], &[u8]) =
        (b"250-mx\r\n250 CHUNKING\r\n", b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n");
    let letter: &[u8] = b"Subject: =?UTF-8?Q?a?=\r\nTo: \"B, b\" <b@y>,\r\n c@y\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhttp://z/\r\n..\r\n--b\r\n\
        Content-Disposition: attachment; filename=f\r\nContent-Transfer-Encoding: base64\r\n\r\nZmls\r\n--b--\r\n.\r\n";
    let granted: &[u8] = b"250 ok\r\n250 ok\r\n";
    let start = [(Down, greeting), (Up, hello), (Down, welcome), (Up, envelope), (Down, granted)];
    let data = [(Up, &b"DATA\r\n"[..]), (Down, b"354 go\r\n"), (Up, letter), (Down, b"250 queued\r\n")];
    let chunks = [
        (Up, &b"BDAT 14\r\nSubject: x\r\n\r\nBDAT 3 LAST\r\na\r\nQUIT\r\n"[..]),
        (Down, b"250 ok\r\n250 queued\r\n221 bye\r\n"),
    ];
    let login = [
        (Down, greeting),
        (Up, hello),
        (Down, welcome),
        (Up, b"AUTH LOGIN\r\n"),
        (Down, b"334 VXNlcm5hbWU6\r\n"),
        (Up, b"YW5uYQ==\r\n"),
        (Down, b"334 UGFzc3dvcmQ6\r\n"),
        (Up, b"c2VjcmV0\r\n"),
        (Down, b"235 ok\r\n"),
    ];
    let starttls = [(Up, hello), (Down, welcome), (Up, b"STARTTLS\r\n"), (Down, b"220 go\r\n\x16")];
    let lost = [
        Step::Bytes(Up, b"EHLO me\r\nMAIL FROM:<a@x>\r\nDATA\r\n"),
        Step::Bytes(Down, b"220 mx\r\n250 mx\r\n250 ok\r\n354 go\r\n"),
        Step::Bytes(Up, b"Subject: x\r\n\r\ntext"),
        Step::Gap(Up, 300),
        Step::Bytes(Down, b"250 queued\r\n"),
        Step::Bytes(Up, b"x\r\nRSET\r\n"),
        Step::End(Up),
    ];
    vec![
        seed("data", &[&start[..], &data].concat()),
        seed("chunks", &[&start[..], &chunks].concat()),
        seed("client", &[(Up, hello), (Up, envelope), (Up, b"DATA\r\n"), (Up, letter)]),
        seed("login", &login),
        seed("starttls", &starttls),
        ("lost".to_owned(), talk(&lost)),
    ]
}

/// Feeds a talk to the dissector of FTP.
pub fn ftp_stream(input: &[u8]) {
    stream(AppProto::Ftp, input);
}

/// The seeds of `ftp_stream`.
pub fn ftp_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let session: [(_, &[u8]); 7] = [
        (Down, b"220-two\r\n220 lines\r\n"),
        (Up, b"USER anna\r\n"),
        (Down, b"331 password\r\n"),
        (Up, b"PASS x\r\nPASV\r\nRETR a\r\n"),
        (Down, b"230-in\r\n text\r\n230 in\r\n227 =192,0,2,7,4,1\r\n150 x\r\n226 x\r\n"),
        (Up, b"PORT 192,0,2,9,4,2\r\nEPRT |2|2001:db8::9|1026|\r\nEPSV\r\n"),
        (Down, b"200 x\r\n200 x\r\n229 (|||1027|)\r\n"),
    ];
    let tls: [(_, &[u8]); 3] = [(Down, b"220 x\r\n"), (Up, b"AUTH TLS\r\n"), (Down, b"234 go\r\n\x16")];
    let lost = [
        Step::Bytes(Up, b"USER a\r\nPA"),
        Step::Gap(Up, 7),
        Step::Bytes(Down, b"331 x\r\n25"),
        Step::Gap(Down, 3),
        Step::Bytes(Up, b"\r\n\xff\xf4\xf2ABOR\r\n"),
        Step::Bytes(Down, b"\r\n226 x\r\n"),
    ];
    vec![seed("session", &session), seed("tls", &tls), ("lost".to_owned(), talk(&lost))]
}

/// Feeds a talk to the dissector of POP3.
pub fn pop3_stream(input: &[u8]) {
    stream(AppProto::Pop3, input);
}

/// The seeds of `pop3_stream`.
pub fn pop3_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let session: [(_, &[u8]); 5] = [
        (Down, b"+OK ready\r\n"),
        (Up, b"USER anna\r\nPASS x\r\nLIST\r\nRETR 1\r\n"),
        (Down, b"+OK\r\n+OK in\r\n+OK\r\n1 100\r\n.\r\n+OK\r\nSubject: x\r\n\r\n..\r\n.\r\n"),
        (Up, b"WHAT\r\nQUIT\r\n"),
        (Down, b"-ERR what\r\n+OK bye\r\n"),
    ];
    let auth: [(_, &[u8]); 5] = [
        (Down, b"+OK ready\r\n"),
        (Up, b"AUTH PLAIN\r\n"),
        (Down, b"+ \r\n"),
        (Up, b"AGFubmEAc2VjcmV0\r\n"),
        (Down, b"-ERR no\r\n"),
    ];
    let tls: [(_, &[u8]); 3] = [(Down, b"+OK x\r\n"), (Up, b"STLS\r\n"), (Down, b"+OK go\r\n\x16")];
    let lost = [
        Step::Bytes(Up, b"RETR 1\r\n"),
        Step::Bytes(Down, b"+OK\r\n+OK\r\ntext"),
        Step::Gap(Down, 90),
        Step::Bytes(Down, b"text\r\n.\r\n"),
    ];
    vec![seed("session", &session), seed("auth", &auth), seed("tls", &tls), ("lost".to_owned(), talk(&lost))]
}

/// Feeds a talk to the dissector of IMAP.
pub fn imap_stream(input: &[u8]) {
    stream(AppProto::Imap, input);
}

/// The seeds of `imap_stream`.
pub fn imap_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let login: [(_, &[u8]); 4] = [
        (Down, b"* OK ready\r\n"),
        (Up, b"a1 LOGIN {4}\r\n"),
        (Down, b"+ go\r\n"),
        (Up, b"anna \"se\\\"cret\"\r\n"),
    ];
    let auth: [(_, &[u8]); 5] = [
        (Down, b"* OK ready\r\n"),
        (Up, b"a AUTHENTICATE PLAIN\r\n"),
        (Down, b"+ \r\n"),
        (Up, b"AGFubmEAc2VjcmV0\r\n"),
        (Down, b"a NO\r\n"),
    ];
    let tls: [(_, &[u8]); 3] = [(Down, b"* OK x\r\n"), (Up, b"x STARTTLS\r\n"), (Down, b"x OK go\r\n\x16")];
    let lost = [
        Step::Bytes(Up, b"a APPEND x {300}\r\nb LOGIN"),
        Step::Gap(Up, 293),
        Step::Bytes(Up, b"\r\nc LOGIN anna x\r\n"),
        Step::Bytes(Down, b"* 1 FETCH {20}\r\n"),
        Step::Gap(Down, 22),
        Step::Bytes(Down, b"\r\nc OK\r\n"),
    ];
    vec![seed("login", &login), seed("auth", &auth), seed("tls", &tls), ("lost".to_owned(), talk(&lost))]
}
