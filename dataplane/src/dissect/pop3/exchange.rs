//! A command with its reply.

use std::ops::RangeInclusive;

use crate::dissect::lines::{lossy, trim_start};

/// Lines of a list that are kept.
pub(super) const LIST_MAX: usize = 128;

/// Bytes of a list that are kept.
pub(super) const LIST_BYTES_MAX: usize = 8 * 1024;

/// Bytes of arguments that are kept.
pub(super) const ARGUMENTS_MAX: usize = 512;

/// One command with its reply; or the greeting, a reply to none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pop3Record {
    /// The command, in upper case; `None` of the greeting.
    pub command: Option<Box<str>>,
    /// Its arguments. Of what is secret (`PASS`, `AUTH`, the digest of `APOP`),
    /// none.
    pub arguments: Vec<Box<str>>,
    /// The reply, if it came.
    pub reply: Option<Reply>,
}

/// What a server says to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Whether it does.
    pub status: Status,
    /// The text of the first line.
    pub text: Box<str>,
    /// The lines that follow, up to a limit; none of a mail.
    pub list: Vec<Box<str>>,
    list_bytes: usize,
}

/// Whether a server does what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `+OK`
    Ok,
    /// `-ERR`
    Error,
}

impl Status {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Error => "ERR",
        }
    }

    /// The first line of a reply, and its text.
    pub(super) fn decode(line: &[u8]) -> Option<(Self, &[u8])> {
        let (status, text) = match line.strip_prefix(b"+OK") {
            Some(text) => (Self::Ok, text),
            None => (Self::Error, line.strip_prefix(b"-ERR")?),
        };
        matches!(text.first(), None | Some(b' ')).then(|| (status, trim_start(text)))
    }
}

impl Pop3Record {
    /// A command as it was given.
    pub(super) fn of_command(verb: &[u8], arguments: &[u8]) -> Self {
        let command = lossy(&verb.to_ascii_uppercase());
        let shown = match &*command {
            "PASS" => 0,
            "AUTH" | "APOP" => 1,
            _ => usize::MAX,
        };
        let arguments = arguments.get(..ARGUMENTS_MAX).unwrap_or(arguments);
        let arguments = arguments.split(|&byte| byte == b' ').filter(|argument| !argument.is_empty());
        Self { arguments: arguments.take(shown).map(lossy).collect(), command: Some(command), reply: None }
    }

    /// The command; empty of the greeting.
    pub(super) fn verb(&self) -> &str {
        self.command.as_deref().unwrap_or_default()
    }

    /// The first line of the reply.
    pub(super) fn answered(&mut self, status: Status, text: &[u8]) {
        self.reply = Some(Reply { status, text: lossy(text), list: Vec::new(), list_bytes: 0 });
    }

    /// Whether lines follow where the reply is `+OK`.
    pub(super) fn has_list(&self) -> bool {
        match self.verb() {
            "LIST" | "UIDL" | "AUTH" | "LANG" => self.arguments.is_empty(),
            "RETR" | "TOP" | "CAPA" => true,
            _ => false,
        }
    }

    /// One more line of the reply.
    pub(super) fn lists(&mut self, line: &[u8]) {
        let is_mail = matches!(self.verb(), "RETR" | "TOP");
        let Some(reply) = self.reply.as_mut().filter(|_| !is_mail) else { return };
        let bytes = reply.list_bytes + line.len();
        if reply.list.len() < LIST_MAX && bytes <= LIST_BYTES_MAX {
            reply.list_bytes = bytes;
            reply.list.push(lossy(line));
        }
    }

    /// Bytes that it holds.
    pub(super) fn held(&self) -> usize {
        let arguments: usize = self.arguments.iter().map(|argument| argument.len()).sum();
        let reply = self.reply.as_ref().map_or(0, |reply| {
            reply.text.len() + reply.list_bytes + reply.list.len() * size_of::<Box<str>>()
        });
        size_of::<Self>() + arguments + reply
    }
}

/// How many arguments a command may have (RFC 1939, 2449, 2595, 5034, 6856); `None`
/// of what is no command.
pub(super) fn arguments_of(command: &str) -> Option<RangeInclusive<usize>> {
    Some(match command {
        "QUIT" | "STAT" | "NOOP" | "RSET" | "CAPA" | "STLS" | "UTF8" => 0..=0,
        // Names and passwords may hold spaces.
        "USER" | "PASS" => 1..=usize::MAX,
        "RETR" | "DELE" => 1..=1,
        "LIST" | "UIDL" | "LANG" => 0..=1,
        "TOP" | "APOP" => 2..=2,
        "AUTH" => 0..=2,
        _ => return None,
    })
}
