//! FTP, the control connection (RFC 959, RFC 2228, RFC 2428, RFC 4217).
//!
//! One record for each command with its replies, in the order in which they were
//! given, pipelined or not; preliminary replies (1xx) leave a command open. What
//! a server says unasked, its greeting first, is a record without a command.
//! Passwords are not kept.
//!
//! - `exchange`: a command with its replies: the record
//! - `address`: where the data connection goes, out of `PORT`, `EPRT`, `PASV`, `EPSV`
//!
//! Where bytes are missing, commands that wait are told without their replies, and
//! reading goes on with the next line.

mod address;
mod exchange;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::line_protocol::{LineProtocol, Next, Said, Side, Sides};
use super::lines::{Line, lossy, trim, word};
use super::{Listener, Record};
use crate::anomaly::Anomaly;
use crate::app_proto::AppProto;

pub use address::DataPort;
pub use exchange::{FtpRecord, Mode, Reply};

/// The longest line that is read whole, in bytes; of a longer one, so much is told.
pub const LINE_MAX: usize = 4096;

/// So many commands may wait for their replies: Suricata's default.
pub const PENDING_MAX: usize = 1024;

/// So many bytes of commands and replies may wait, in all.
pub const PENDING_BYTES_MAX: usize = 64 * 1024;

/// One control connection.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Ftp {
    sides: Sides,
    /// Commands in the order in which they were given.
    pending: VecDeque<FtpRecord>,
    /// Bytes of `pending`.
    pending_bytes: usize,
    /// So many commands were told before their replies came.
    overtaken: u32,
    /// What the server says unasked, as long as it has not said all.
    unasked: Option<FtpRecord>,
    /// The code of a reply of several lines that has not ended.
    open_reply: Option<[u8; 3]>,
    user: Option<Box<str>>,
    /// Whether the greeting came: the session is seen from its start.
    is_greeted: bool,
    /// Whether a data connection was agreed upon.
    has_port: bool,
    /// Whether the limit of pending commands was exceeded.
    is_crowded: bool,
    /// Whether the client asked to go on in TLS.
    wants_tls: bool,
}

impl LineProtocol for Ftp {
    const PROTOCOL: AppProto = AppProto::Ftp;
    const LINE_MAX: usize = LINE_MAX;

    fn is_reply(first: u8) -> bool {
        first.is_ascii_digit()
    }

    fn sides(&self) -> &Sides {
        &self.sides
    }

    fn sides_mut(&mut self) -> &mut Sides {
        &mut self.sides
    }

    fn client_line(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Said {
        let client = self.sides.client();
        if line.is_cut {
            listener.anomaly(client, Anomaly::FtpRequestCommandTooLong);
        }
        let (verb, argument) = word(without_telnet(line.text));
        if verb.is_empty() {
            return Said::Other;
        }
        if !(3..=8).contains(&verb.len()) || !verb.iter().all(u8::is_ascii_alphabetic) {
            return Said::Nonsense;
        }
        let mut exchange = FtpRecord::of_command(verb, argument, line.is_cut);
        match exchange.verb() {
            "USER" => self.user = Some(lossy(argument)).filter(|user| !user.is_empty()),
            "PASS" => self.log_in(self.user.as_deref(), !argument.is_empty(), listener),
            "AUTH" => self.wants_tls |= is_tls(argument),
            "PORT" => exchange.agree(Mode::Active, DataPort::of_port(argument)),
            "EPRT" => exchange.agree(Mode::Active, DataPort::of_eprt(argument)),
            "RETR" | "STOR" | "APPE" => self.check_transfer(argument, listener),
            _ => {}
        }
        self.has_port |= exchange.data.is_some();
        self.make_room(listener);
        self.pending_bytes += exchange.held();
        self.pending.push_back(exchange);
        Said::Command
    }

    fn server_line(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Next {
        if line.is_cut {
            listener.anomaly(self.sides.server(), Anomaly::FtpResponseCommandTooLong);
        }
        let reply = Reply::decode(line);
        let last_code = self.last_code(&reply);
        self.is_greeted |= reply.code.is_some_and(|[class, ..]| class == b'2');
        if self.overtaken > 0 {
            self.overtaken -= u32::from(last_code.is_some_and(|[class, ..]| class != b'1'));
            return Next::Lines;
        }
        let exchange = match self.pending.front_mut() {
            Some(exchange) => exchange,
            None => self.unasked.get_or_insert_with(FtpRecord::default),
        };
        let before = exchange.held();
        exchange.replies(reply);
        let grown = exchange.held() - before;
        if !self.pending.is_empty() {
            self.pending_bytes += grown;
        }
        match last_code {
            Some(code) if code.first() != Some(&b'1') => self.answered(code, line.text, listener),
            _ => Next::Lines,
        }
    }

    fn wants_tls(&self) -> bool {
        self.wants_tls
    }

    fn lost(&mut self, side: Side, _len: u64, listener: &mut dyn Listener) {
        self.sides.lose(side);
        if side == Side::Server {
            self.open_reply = None;
        }
        self.over(listener);
        (self.overtaken, self.is_greeted) = (0, false);
    }

    fn over(&mut self, listener: &mut dyn Listener) {
        self.tell_unasked(false, listener);
        while !self.pending.is_empty() {
            self.tell_oldest(listener);
        }
    }

    fn kept(&self) -> usize {
        self.pending_bytes + self.unasked.as_ref().map_or(0, FtpRecord::held)
    }
}

impl Ftp {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A file is asked for: there must be a connection for it.
    fn check_transfer(&self, name: &[u8], listener: &mut dyn Listener) {
        let client = self.sides.client();
        if trim(name).is_empty() {
            listener.anomaly(client, Anomaly::FtpFileWithoutName);
        }
        let is_asked = || self.pending.iter().any(|one| matches!(one.verb(), "PASV" | "EPSV"));
        if self.is_greeted && !self.has_port && !is_asked() {
            listener.anomaly(client, Anomaly::FtpFileBeforePort);
        }
    }

    /// Tells the oldest commands unanswered as long as there are too many.
    fn make_room(&mut self, listener: &mut dyn Listener) {
        while self.pending.len() >= PENDING_MAX || self.pending_bytes > PENDING_BYTES_MAX {
            // Of a client alone, no command is ever answered: nothing odd in that.
            if self.is_greeted && !std::mem::replace(&mut self.is_crowded, true) {
                listener.anomaly(self.sides.client(), Anomaly::FtpTooManyTransactions);
            }
            self.overtaken = self.overtaken.saturating_add(1);
            self.tell_oldest(listener);
        }
    }

    /// The code of a reply that ends with this line (RFC 959 section 4.2).
    fn last_code(&mut self, reply: &Reply) -> Option<[u8; 3]> {
        if let Some(open) = self.open_reply {
            let is_last = reply.code == Some(open) && !reply.goes_on;
            return is_last.then(|| self.open_reply.take()).flatten();
        }
        if reply.goes_on {
            self.open_reply = reply.code;
            return None;
        }
        reply.code
    }

    /// The command at the front has its last reply.
    fn answered(&mut self, code: [u8; 3], line: &[u8], listener: &mut dyn Listener) -> Next {
        let Some(exchange) = self.pending.front_mut() else {
            self.tell_unasked(true, listener);
            return Next::Lines;
        };
        exchange.is_answered = true;
        let becomes_tls = code == *b"234" && exchange.is_auth_tls;
        match (exchange.verb(), &code) {
            ("PASV", b"227") => exchange.agree(Mode::Passive, DataPort::of_pasv(line)),
            ("EPSV", b"229") => exchange.agree(Mode::Passive, DataPort::of_epsv(line)),
            ("USER", b"230" | b"232") => self.log_in(self.user.as_deref(), false, listener),
            ("AUTH", _) => self.wants_tls = false,
            _ => {}
        }
        self.has_port |= self.pending.front().is_some_and(|one| one.data.is_some());
        self.tell_oldest(listener);
        if becomes_tls { Next::Tls } else { Next::Lines }
    }

    fn tell_unasked(&mut self, is_answered: bool, listener: &mut dyn Listener) {
        if let Some(mut unasked) = self.unasked.take() {
            unasked.is_answered = is_answered;
            listener.record(self.sides.client(), Record::Ftp(Box::new(unasked)));
        }
    }

    fn tell_oldest(&mut self, listener: &mut dyn Listener) {
        if let Some(exchange) = self.pending.pop_front() {
            self.pending_bytes = self.pending_bytes.saturating_sub(exchange.held());
            listener.record(self.sides.client(), Record::Ftp(Box::new(exchange)));
        }
    }
}

/// `AUTH TLS`, `AUTH TLS-C`, `AUTH SSL` (RFC 4217 section 17).
fn is_tls(mechanism: &[u8]) -> bool {
    mechanism
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"TLS") || start.eq_ignore_ascii_case(b"SSL"))
}

/// Without the Telnet signals that may come before `ABOR` (RFC 959 section 4.1.3).
fn without_telnet(line: &[u8]) -> &[u8] {
    let signals = line.iter().take_while(|&&byte| byte >= 0xf0).count();
    line.get(signals..).unwrap_or_default()
}
