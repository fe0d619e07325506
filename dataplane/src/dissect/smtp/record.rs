//! What is told of a mail: its envelope, and what its headers say.

use crate::dissect::Fact;
use crate::dissect::lines::lossy;
use crate::event::{EventKind, Field, Kind, Value};

/// One mail; or a session without any, of which there is `helo` alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmtpRecord {
    /// What the client calls itself.
    pub helo: Option<Box<str>>,
    /// The sender of the envelope, as it was written: `<anna@example.com>`.
    pub mail_from: Option<Box<str>>,
    /// The recipients of the envelope, up to [`super::RECIPIENTS_MAX`].
    pub rcpt_to: Vec<Box<str>>,
    /// How many there were.
    pub rcpt_count: u32,
    /// The mail itself, if it was handed over.
    pub email: Option<Box<Email>>,
}

/// What stands in a mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Email {
    /// The headers that are told, in the order of [`HEADERS`].
    pub headers: [Option<Box<str>>; HEADERS.len()],
    /// `Received`, the last server first.
    pub received: Vec<Box<str>>,
    /// Names of what is attached.
    pub attachments: Vec<Box<str>>,
    /// URLs in its texts, the last first.
    pub urls: Vec<Box<str>>,
    /// Whether the body began.
    pub has_body: bool,
    /// Whether all of it was seen.
    pub is_complete: bool,
    /// MD5 of the body as it was transferred, if all of it was seen.
    pub body_md5: Option<[u8; 16]>,
    /// MD5 of the subject as it was transferred.
    pub subject_md5: Option<[u8; 16]>,
    /// The subject, with its encoded words decoded.
    pub subject: Option<Box<str>>,
}

/// The headers that are told, in lower case, each its first time; values as they
/// were sent, unfolded.
pub const HEADERS: [&str; 18] = [
    "from",
    "to",
    "cc",
    "reply-to",
    "bcc",
    "message-id",
    "subject",
    "x-mailer",
    "user-agent",
    "x-originating-ip",
    "in-reply-to",
    "references",
    "importance",
    "priority",
    "sensitivity",
    "organization",
    "content-md5",
    "date",
];

impl Email {
    /// The value of one of [`HEADERS`].
    pub fn header(&self, name: &str) -> Option<&str> {
        let place = HEADERS.iter().position(|one| *one == name)?;
        self.headers.get(place)?.as_deref()
    }

    /// Bytes that it holds.
    pub(super) fn held(&self) -> usize {
        let lists = [&self.received, &self.attachments, &self.urls];
        let texts = lists.into_iter().flatten().map(|text| text.len() + size_of::<Box<str>>());
        let headers = self.headers.iter().flatten().chain(&self.subject).map(|text| text.len());
        size_of::<Self>() + texts.chain(headers).sum::<usize>()
    }
}

impl SmtpRecord {
    /// Whether anything of a mail was said.
    pub(super) fn has_mail(&self) -> bool {
        self.mail_from.is_some() || self.rcpt_count > 0 || self.email.is_some()
    }

    /// Bytes that it holds.
    pub(super) fn held(&self) -> usize {
        let texts = self.rcpt_to.iter().chain(&self.mail_from).chain(&self.helo);
        let texts: usize = texts.map(|text| text.len() + size_of::<Box<str>>()).sum();
        size_of::<Self>() + texts + self.email.as_ref().map_or(0, |email| email.held())
    }
}

/// A list of addresses, apart at its commas but for those in quotes.
pub fn addresses(list: &str) -> impl Iterator<Item = &str> {
    let mut is_quoted = false;
    let apart = move |c: char| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    };
    list.split(apart).map(|one| one.trim_matches([' ', '\t'])).filter(|one| !one.is_empty())
}

/// One command, for rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandFacts {
    /// Its verb, in upper case.
    pub verb: Box<str>,
    /// What follows it; of `AUTH`, the mechanism alone.
    pub argument: Box<str>,
}

impl CommandFacts {
    /// A command as it was given.
    pub(super) fn new(verb: &[u8], argument: &[u8]) -> Self {
        Self { verb: lossy(&verb.to_ascii_uppercase()), argument: lossy(argument) }
    }
}

const fn command<'a>(fact: &Fact<'a>) -> Option<&'a CommandFacts> {
    match fact {
        Fact::SmtpCommand(command) => Some(command),
        _ => None,
    }
}

const fn mail<'a>(fact: &Fact<'a>) -> Option<&'a SmtpRecord> {
    match fact {
        Fact::SmtpMail(mail) => Some(mail),
        _ => None,
    }
}

fn email<'a>(fact: &Fact<'a>) -> Option<&'a Email> {
    mail(fact)?.email.as_deref()
}

/// The events that fill [`COMMAND_FIELDS`].
pub const COMMAND_EVENTS: &[EventKind] = &[EventKind::SmtpCommand];

/// `smtp.command`, `smtp.argument`
pub const COMMAND_FIELDS: &[Field<Fact<'static>>] = &[
    Field {
        name: "smtp.command",
        kind: Kind::Str,
        doc: "The verb of the command, in upper case: `MAIL`.",
        read: |fact| Some(Value::Str(&command(fact)?.verb)),
    },
    Field {
        name: "smtp.argument",
        kind: Kind::Str,
        doc: "What follows the verb: `FROM:<anna@example.com>`; of `AUTH`, the mechanism alone.",
        read: |fact| Some(Value::Str(&command(fact)?.argument)),
    },
];

/// The events that fill [`MAIL_FIELDS`].
pub const MAIL_EVENTS: &[EventKind] = &[EventKind::SmtpMail];

/// What rules may read of a mail.
pub const MAIL_FIELDS: &[Field<Fact<'static>>] = &[
    Field {
        name: "smtp.helo",
        kind: Kind::Str,
        doc: "What the client calls itself (`HELO`, `EHLO`).",
        read: |fact| mail(fact)?.helo.as_deref().map(Value::Str),
    },
    Field {
        name: "smtp.mail_from",
        kind: Kind::Str,
        doc: "The sender of the envelope: `<anna@example.com>`.",
        read: |fact| mail(fact)?.mail_from.as_deref().map(Value::Str),
    },
    Field {
        name: "smtp.rcpt_to",
        kind: Kind::Str,
        doc: "The first recipient of the envelope: `<bert@example.com>`.",
        read: |fact| mail(fact)?.rcpt_to.first().map(|first| Value::Str(first)),
    },
    Field {
        name: "smtp.rcpt_count",
        kind: Kind::Unsigned(32),
        doc: "Recipients of the envelope.",
        read: |fact| Some(Value::Int(mail(fact)?.rcpt_count.into())),
    },
    Field {
        name: "smtp.from",
        kind: Kind::Str,
        doc: "The header `From` of the mail.",
        read: |fact| email(fact)?.header("from").map(Value::Str),
    },
    Field {
        name: "smtp.to",
        kind: Kind::Str,
        doc: "The header `To` of the mail, all of it.",
        read: |fact| email(fact)?.header("to").map(Value::Str),
    },
    Field {
        name: "smtp.subject",
        kind: Kind::Str,
        doc: "The header `Subject` of the mail, its encoded words decoded (RFC 2047).",
        read: |fact| email(fact)?.subject.as_deref().map(Value::Str),
    },
    Field {
        name: "smtp.message_id",
        kind: Kind::Str,
        doc: "The header `Message-ID` of the mail.",
        read: |fact| email(fact)?.header("message-id").map(Value::Str),
    },
    Field {
        name: "smtp.attachments",
        kind: Kind::Unsigned(32),
        doc: "Files that are attached to the mail by name; what is in them is asked at `file`.",
        read: |fact| u32::try_from(email(fact)?.attachments.len()).ok().map(|count| Value::Int(count.into())),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_apart_at_commas_outside_of_quotes() {
        let list = "a@b.example, \"C, D\" <c@d.example>,, e@f.example ,";
        let apart: Vec<&str> = addresses(list).collect();
        assert_eq!(apart, ["a@b.example", "\"C, D\" <c@d.example>", "e@f.example"]);
        assert_eq!(addresses("").count(), 0);
    }
}
