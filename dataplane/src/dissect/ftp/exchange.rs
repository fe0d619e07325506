//! A command with its replies.

use super::address::DataPort;
use super::is_tls;
use crate::dissect::lines::{Line, lossy, trim_start};

/// Lines of replies that are kept of a command.
pub(super) const REPLIES_MAX: usize = 256;

/// Bytes of replies that are kept of a command.
pub(super) const REPLY_BYTES_MAX: usize = 16 * 1024;

/// One command with its replies; or what a server said unasked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct FtpRecord {
    /// The command, in upper case; `None` of what was said unasked.
    pub command: Option<Box<str>>,
    /// What stands after it. Of what is secret (`PASS`, `ACCT`), nothing.
    pub argument: Option<Box<str>>,
    /// Whether the command was longer than is read.
    pub is_command_cut: bool,
    /// The lines of the replies, in order.
    pub reply_lines: Vec<Reply>,
    /// Whether a line was longer than is read, or there were more than are kept.
    pub is_reply_cut: bool,
    /// Where data goes, if this agrees upon it.
    pub data: Option<DataPort>,
    /// Who connects for data, if this agrees upon it.
    pub mode: Option<Mode>,
    /// Whether the last reply came.
    pub is_answered: bool,
    /// Whether this asks for TLS.
    pub(super) is_auth_tls: bool,
    reply_bytes: usize,
}

/// Who opens the data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The server does.
    Active,
    /// The client does.
    Passive,
}

impl Mode {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
        }
    }
}

/// One line of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its three digits, if it begins with them.
    pub code: Option<[u8; 3]>,
    /// What stands after them.
    pub text: Box<str>,
    /// Whether it says that more lines follow.
    pub(super) goes_on: bool,
    is_cut: bool,
}

impl Reply {
    /// A line of a server.
    pub(super) fn decode(line: Line<'_>) -> Self {
        let code = line.text.first_chunk::<3>().copied().filter(|code| code.iter().all(u8::is_ascii_digit));
        let after = line.text.get(3).copied();
        let code = code.filter(|_| matches!(after, None | Some(b' ' | b'-')));
        let text = if code.is_some() { line.text.get(4..).unwrap_or_default() } else { line.text };
        let goes_on = code.is_some() && after == Some(b'-');
        Self { code, text: lossy(text), goes_on, is_cut: line.is_cut }
    }
}

impl FtpRecord {
    /// A command as it was given.
    pub(super) fn of_command(verb: &[u8], argument: &[u8], is_command_cut: bool) -> Self {
        let verb = verb.to_ascii_uppercase();
        let is_secret = matches!(&verb[..], b"PASS" | b"ACCT" | b"ADAT" | b"ENC" | b"CONF" | b"MIC");
        let argument = trim_start(argument);
        let shown = Some(argument).filter(|argument| !is_secret && !argument.is_empty());
        Self {
            is_auth_tls: verb == b"AUTH" && is_tls(argument),
            command: Some(lossy(&verb)),
            argument: shown.map(lossy),
            is_command_cut,
            ..Self::default()
        }
    }

    /// The command; empty of what was said unasked.
    pub(super) fn verb(&self) -> &str {
        self.command.as_deref().unwrap_or_default()
    }

    /// One more line of its replies.
    pub(super) fn replies(&mut self, reply: Reply) {
        self.is_reply_cut |= reply.is_cut;
        let bytes = self.reply_bytes + reply.text.len();
        if self.reply_lines.len() >= REPLIES_MAX || bytes > REPLY_BYTES_MAX {
            self.is_reply_cut = true;
            return;
        }
        self.reply_bytes = bytes;
        self.reply_lines.push(reply);
    }

    /// It says where data goes, unless it cannot be read.
    pub(super) fn agree(&mut self, mode: Mode, data: Option<DataPort>) {
        self.mode = Some(mode);
        self.data = data;
    }

    /// Bytes that it holds.
    pub(super) fn held(&self) -> usize {
        let argument = self.argument.as_ref().map_or(0, |argument| argument.len());
        let lines = self.reply_lines.len() * size_of::<Reply>();
        size_of::<Self>() + argument + lines + self.reply_bytes
    }
}
