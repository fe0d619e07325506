//! `smtp`: a mail, its envelope under `smtp` and what stands in it under `email`.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::dissect::smtp::{Email, SmtpRecord, addresses};

/// Headers that are told as they are, and their keys, in Suricata's order.
const KEYS: [(&str, &str); 14] = [
    ("reply-to", "reply_to"),
    ("message-id", "message_id"),
    ("subject", "subject"),
    ("x-mailer", "x_mailer"),
    ("user-agent", "user_agent"),
    ("x-originating-ip", "x_originating_ip"),
    ("in-reply-to", "in_reply_to"),
    ("references", "references"),
    ("importance", "importance"),
    ("priority", "priority"),
    ("sensitivity", "sensitivity"),
    ("organization", "organization"),
    ("content-md5", "content_md5"),
    ("date", "date"),
];

/// Writes a mail.
pub(super) fn write<M: SerializeMap>(map: &mut M, record: &SmtpRecord) -> Result<(), M::Error> {
    let envelope = Envelope { helo: &record.helo, mail_from: &record.mail_from, rcpt_to: &record.rcpt_to };
    map.serialize_entry("smtp", &envelope)?;
    match &record.email {
        Some(email) => map.serialize_entry("email", &Letter(email)),
        None => Ok(()),
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    helo: &'a Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_from: &'a Option<Box<str>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    rcpt_to: &'a [Box<str>],
}

struct Letter<'a>(&'a Email);

impl Serialize for Letter<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(email) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", status(email))?;
        if let Some(from) = email.header("from") {
            map.serialize_entry("from", from)?;
        }
        for name in ["to", "cc", "bcc"] {
            if let Some(list) = email.header(name).filter(|list| addresses(list).next().is_some()) {
                map.serialize_entry(name, &Addresses(list))?;
            }
        }
        for (name, list) in [("attachment", &email.attachments), ("url", &email.urls)] {
            if !list.is_empty() {
                map.serialize_entry(name, list)?;
            }
        }
        for (name, key) in KEYS {
            if let Some(value) = email.header(name) {
                map.serialize_entry(key, value)?;
            }
        }
        if !email.received.is_empty() {
            map.serialize_entry("received", &email.received)?;
        }
        for (name, md5) in [("body_md5", email.body_md5), ("subject_md5", email.subject_md5)] {
            if let Some(md5) = md5 {
                map.serialize_entry(name, &Hex(md5))?;
            }
        }
        map.end()
    }
}

/// How far it was read, in Suricata's words.
const fn status(email: &Email) -> &'static str {
    match (email.is_complete, email.has_body) {
        (true, _) => "PARSE_DONE",
        (false, true) => "BODY_STARTED",
        (false, false) => "HEADER_STARTED",
    }
}

struct Addresses<'a>(&'a str);

impl Serialize for Addresses<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(addresses(self.0))
    }
}

struct Hex([u8; 16]);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", u128::from_be_bytes(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use crate::dissect::Record;
    use crate::dissect::conversation::{Talk, told};
    use crate::dissect::smtp::Smtp;
    use crate::output::eve::sample;

    const LETTER: &str = concat!(
        "Received: from b\r\n",
        "Received: from a\r\n\tby b\r\n",
        "From: =?UTF-8?Q?=C3=84nne?= <a@x.example>\r\n",
        "To: \"B, b\" <b@y.example>, c@y.example\r\n",
        "Subject: SMTP\r\n",
        "Date: Mon, 5 Oct 2009 11:36:07 +0530\r\n",
        "X-Mailer: m\r\n",
        "Content-Type: text/html; name=\"x.html\"\r\n",
        "\r\n",
        "<a href=\"http://z.example/\">\r\n",
        ".\r\n",
    );

    #[test]
    fn of_a_mail_and_of_the_file_in_it() {
        let talk = [
            Talk::Server("220 mx\r\n"),
            Talk::Client(
                "EHLO me\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\n",
            ),
            Talk::Client("DATA\r\n"),
            Talk::Server("250\r\n250\r\n250\r\n250\r\n354\r\n"),
            Talk::Client(LETTER),
        ];
        let records = told(Smtp::new(), &talk).records;
        let lines: Vec<String> = records.into_iter().map(sample::app_line).collect();
        let [file, mail] = <[String; 2]>::try_from(lines).unwrap_or_default();
        let envelope = concat!(
            r#""smtp":{"helo":"me","mail_from":"<a@x.example>","rcpt_to":["<b@y.example>","<c@y.example>"]},"#,
            r#""email":{"status":"#
        );
        let said = concat!(
            r#","from":"=?UTF-8?Q?=C3=84nne?= <a@x.example>","to":["\"B, b\" <b@y.example>","c@y.example"],"#,
            r#""attachment":["x.html"],"#
        );
        let headers = concat!(
            r#""subject":"SMTP","x_mailer":"m","date":"Mon, 5 Oct 2009 11:36:07 +0530","#,
            r#""received":["from b","from a by b"]"#
        );
        assert!(
            mail.contains(&format!(
                "{envelope}\"PARSE_DONE\"{said}\"url\":[\"http://z.example/\"],{headers}"
            )),
            "{mail}"
        );
        assert!(mail.contains(r#""subject_md5":"c2239a92bde29f0a9f9173193cc2fe00""#), "{mail}");
        assert!(mail.contains(r#""body_md5":""#), "{mail}");
        assert!(
            file.contains(r#""event_type":"fileinfo""#) && file.contains(r#""filename":"x.html""#),
            "{file}"
        );
        assert!(file.contains(&format!("{envelope}\"BODY_STARTED\"{said}")), "{file}");
    }

    #[test]
    fn of_a_session_without_a_mail() {
        let record = Record::Smtp(Box::default());
        assert!(sample::app_line(record).ends_with("\"smtp\":{}}\n"));
    }
}
