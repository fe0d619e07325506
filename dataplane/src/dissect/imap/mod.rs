//! IMAP (RFC 3501, RFC 9051): who logs in, and when TLS begins.
//!
//! Commands of a client are read with their literals, which may stand in the
//! middle of a line and hold any bytes (RFC 9051 section 4.3, RFC 7888); of a
//! server, the answers to what matters here. After a login there is nothing more
//! to learn. There is no event for what is said in a mailbox.
//!
//! - `command`: a command's words, out of its pieces

mod command;
#[cfg(test)]
mod tests;

use super::Listener;
use super::line_protocol::{LineProtocol, Next, Said, Side, Sides};
use super::lines::{Line, lossy, trim, word};
use super::sasl::Sasl;
use crate::app_proto::AppProto;
use command::{Command, literal_at_end};

/// The longest line that is read whole, in bytes: answers of SASL are the longest.
pub const LINE_MAX: usize = 12 * 1024;

/// One connection.
#[derive(Debug, Default)]
pub struct Imap {
    sides: Sides,
    /// Bytes of a literal that follow, of the client and of the server.
    literals: [u64; 2],
    /// The command of which a literal comes.
    command: Command,
    /// The tag of the command that may change everything, and what it is.
    awaited: Option<(Box<[u8]>, Awaited)>,
    sasl: Option<Sasl>,
}

/// A command whose answer decides what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    StartTls,
    Login,
}

impl LineProtocol for Imap {
    const PROTOCOL: AppProto = AppProto::Imap;
    const LINE_MAX: usize = LINE_MAX;

    fn is_reply(first: u8) -> bool {
        matches!(first, b'*' | b'+')
    }

    fn sides(&self) -> &Sides {
        &self.sides
    }

    fn sides_mut(&mut self) -> &mut Sides {
        &mut self.sides
    }

    fn client_line(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Said {
        if let Some(sasl) = self.sasl.as_mut().filter(|sasl| sasl.is_expecting()) {
            let identity = sasl.answer(line.text);
            self.identify(identity, listener);
            return Said::Other;
        }
        if line.text.is_empty() && self.command.is_empty() {
            return Said::Other;
        }
        let literal = literal_at_end(line.text);
        self.command.text(line.text, literal.is_some());
        if let Some(len) = literal {
            let [client, _] = &mut self.literals;
            *client = len;
            return Said::Other;
        }
        let command = std::mem::take(&mut self.command);
        self.commanded(&command, listener)
    }

    fn server_line(&mut self, line: Line<'_>, _listener: &mut dyn Listener) -> Next {
        let [_, literal] = &mut self.literals;
        *literal = literal_at_end(line.text).unwrap_or(0);
        match self.answer(line.text) {
            Some(Awaited::StartTls) => Next::Tls,
            // Who it is is known, and nothing else is asked.
            Some(Awaited::Login) => Next::Nothing,
            None => Next::Lines,
        }
    }

    fn wants_tls(&self) -> bool {
        matches!(self.awaited, Some((_, Awaited::StartTls)))
    }

    /// Bytes of a literal.
    fn client_bytes<'b>(&mut self, bytes: &'b [u8], _listener: &mut dyn Listener) -> Option<&'b [u8]> {
        let [literal, _] = &mut self.literals;
        let rest = pass_over(bytes, literal);
        let len = bytes.len() - rest.len();
        self.command.literal(bytes.get(..len).unwrap_or_default());
        Some(rest)
    }

    fn server_bytes<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let [_, literal] = &mut self.literals;
        pass_over(bytes, literal)
    }

    fn lost(&mut self, side: Side, len: u64, _listener: &mut dyn Listener) {
        let [client, server] = &mut self.literals;
        let literal = if side == Side::Server { server } else { client };
        match literal.checked_sub(len) {
            Some(left) if *literal > 0 => *literal = left,
            _ => {
                *literal = 0;
                self.sides.lose(side);
            }
        }
        if side == Side::Client {
            (self.command, self.sasl) = (Command::default(), None);
        }
    }

    fn kept(&self) -> usize {
        self.command.held()
    }
}

impl Imap {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn commanded(&mut self, command: &Command, listener: &mut dyn Listener) -> Said {
        let mut words = command.words();
        let (Some(tag), Some(verb)) = (words.next(), words.next()) else {
            // `DONE` ends `IDLE` (RFC 2177) and has no tag.
            return if command.is_done() { Said::Other } else { Said::Nonsense };
        };
        if !verb.iter().all(u8::is_ascii_alphabetic) {
            return Said::Nonsense;
        }
        let awaited = match &verb.to_ascii_uppercase()[..] {
            b"STARTTLS" => Awaited::StartTls,
            b"LOGIN" => {
                let user = words.next().map(|user| lossy(&user)).filter(|user| !user.is_empty());
                let password_seen = words.next().is_some_and(|password| !password.is_empty());
                self.log_in(user.as_deref(), password_seen, listener);
                Awaited::Login
            }
            b"AUTHENTICATE" => {
                let (mechanism, first) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let (sasl, identity) = Sasl::begin(&mechanism, &first);
                self.sasl = Some(sasl);
                self.identify(identity, listener);
                Awaited::Login
            }
            _ => return Said::Command,
        };
        self.awaited = Some((tag.into(), awaited));
        Said::Command
    }

    /// A line of the server: what was awaited, if it is granted.
    fn answer(&mut self, line: &[u8]) -> Option<Awaited> {
        let (tag, rest) = word(line);
        if tag == b"+" {
            if let Some(sasl) = &mut self.sasl {
                sasl.challenge();
            }
            return None;
        }
        let (_, awaited) = self.awaited.as_ref().filter(|(wanted, _)| **wanted == *tag)?;
        let awaited = *awaited;
        (self.awaited, self.sasl) = (None, None);
        let (status, _) = word(trim(rest));
        status.eq_ignore_ascii_case(b"OK").then_some(awaited)
    }
}

/// Reads over what `left` says, as far as it has come.
fn pass_over<'b>(bytes: &'b [u8], left: &mut u64) -> &'b [u8] {
    let len = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
    *left -= len as u64;
    bytes.get(len..).unwrap_or_default()
}
