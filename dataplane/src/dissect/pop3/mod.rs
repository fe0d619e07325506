//! POP3 (RFC 1939, RFC 2449, RFC 2595, RFC 5034).
//!
//! One record for each command with its reply, pipelined or not, and one for the
//! greeting. Lists that a
//! reply carries are kept, up to a limit; mails that it carries (`RETR`, `TOP`)
//! are read over. Passwords are not kept.
//!
//! - `exchange`: a command with its reply: the record
//!
//! Where bytes are missing, commands that wait are told without their replies, and
//! reading goes on with the next line.

mod exchange;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::line_protocol::{LineProtocol, Next, Said, Side, Sides};
use super::lines::{Line, lossy, word};
use super::sasl::Sasl;
use super::{Listener, Record};
use crate::anomaly::Anomaly;
use crate::app_proto::AppProto;

pub use exchange::{Pop3Record, Status};

/// The longest line that is read whole, in bytes: answers of SASL are the longest
/// (RFC 5034 section 4).
pub const LINE_MAX: usize = 12 * 1024;

/// The longest command that is in order, with its end (RFC 2449 section 4).
pub const COMMAND_MAX: usize = 255;

/// The longest first line of a reply that is in order, with its end (RFC 2449
/// section 4).
pub const REPLY_MAX: usize = 512;

/// So many commands may wait for their replies: Suricata's default.
pub const PENDING_MAX: usize = 256;

/// One connection.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Pop3 {
    sides: Sides,
    /// Commands in the order in which they were given.
    pending: VecDeque<Pop3Record>,
    /// Bytes of `pending`.
    pending_bytes: usize,
    /// So many commands were told before their replies came.
    overtaken: u32,
    /// Whether the lines of a reply follow, up to a point alone.
    is_listing: bool,
    /// Whether replies are awaited: the greeting is none.
    is_greeted: bool,
    is_crowded: bool,
    wants_tls: bool,
    user: Option<Box<str>>,
    sasl: Option<Sasl>,
}

impl LineProtocol for Pop3 {
    const PROTOCOL: AppProto = AppProto::Pop3;
    const LINE_MAX: usize = LINE_MAX;

    fn is_reply(first: u8) -> bool {
        matches!(first, b'+' | b'-')
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
        let (verb, arguments) = word(line.text);
        if verb.is_empty() {
            return Said::Other;
        }
        if !(3..=4).contains(&verb.len()) || !verb.iter().all(u8::is_ascii_alphanumeric) {
            return Said::Nonsense;
        }
        let exchange = Pop3Record::of_command(verb, arguments);
        self.check(&exchange, line, arguments, listener);
        match exchange.verb() {
            "USER" => self.user = Some(lossy(arguments)).filter(|user| !user.is_empty()),
            "PASS" => self.log_in(self.user.as_deref(), !arguments.is_empty(), listener),
            "APOP" => {
                self.user = Some(lossy(word(arguments).0)).filter(|user| !user.is_empty());
                self.log_in(self.user.as_deref(), false, listener);
            }
            "AUTH" if !arguments.is_empty() => {
                let (mechanism, first) = word(arguments);
                let (sasl, identity) = Sasl::begin(mechanism, first);
                self.sasl = Some(sasl);
                self.identify(identity, listener);
            }
            "STLS" => self.wants_tls = true,
            _ => {}
        }
        self.make_room(listener);
        self.pending_bytes += exchange.held();
        self.pending.push_back(exchange);
        Said::Command
    }

    fn server_line(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Next {
        if self.is_listing {
            self.listed(line, listener);
            return Next::Lines;
        }
        self.reply(line, listener)
    }

    fn wants_tls(&self) -> bool {
        self.wants_tls
    }

    fn lost(&mut self, side: Side, _len: u64, listener: &mut dyn Listener) {
        self.sides.lose(side);
        if side == Side::Client {
            self.sasl = None;
        }
        // In a list or a mail, its end will come; else a reply begins anew.
        if !self.is_listing {
            self.over(listener);
        }
        (self.overtaken, self.is_greeted) = (0, true);
    }

    fn over(&mut self, listener: &mut dyn Listener) {
        while !self.pending.is_empty() {
            self.tell_oldest(listener);
        }
    }

    fn kept(&self) -> usize {
        self.pending_bytes
    }
}

impl Pop3 {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is odd about a command.
    fn check(&self, exchange: &Pop3Record, line: Line<'_>, arguments: &[u8], listener: &mut dyn Listener) {
        let client = self.sides.client();
        let is_auth = exchange.verb() == "AUTH";
        if line.is_cut || line.text.len() + 2 > COMMAND_MAX && !is_auth {
            listener.anomaly(client, Anomaly::Pop3RequestTooLong);
        }
        let count = arguments.split(|&byte| byte == b' ').filter(|one| !one.is_empty()).count();
        match exchange::arguments_of(exchange.verb()) {
            None => listener.anomaly(client, Anomaly::Pop3UnknownCommand),
            Some(allowed) if !allowed.contains(&count) => {
                listener.anomaly(client, Anomaly::Pop3IncorrectArgumentCount);
            }
            Some(_) => {}
        }
    }

    fn make_room(&mut self, listener: &mut dyn Listener) {
        while self.pending.len() >= PENDING_MAX {
            // Of a client alone, no command is ever answered: nothing odd in that.
            if self.is_greeted && !std::mem::replace(&mut self.is_crowded, true) {
                listener.anomaly(self.sides.client(), Anomaly::Pop3TooManyTransactions);
            }
            // Of the oldest, lines of the reply may be on their way.
            self.is_listing = false;
            self.overtaken = self.overtaken.saturating_add(1);
            self.tell_oldest(listener);
        }
    }

    /// The first line of a reply.
    fn reply(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Next {
        if line.text == b"+" || line.text.starts_with(b"+ ") {
            // A challenge, not a reply (RFC 5034 section 4).
            if let Some(sasl) = &mut self.sasl {
                sasl.challenge();
            }
            return Next::Lines;
        }
        let Some((status, header)) = Status::decode(line.text) else { return Next::Lines };
        if line.is_cut || line.text.len() + 2 > REPLY_MAX {
            listener.anomaly(self.sides.server(), Anomaly::Pop3ResponseTooLong);
        }
        if !std::mem::replace(&mut self.is_greeted, true) && self.pending.is_empty() {
            let mut greeting = Pop3Record::default();
            greeting.answered(status, header);
            listener.record(self.sides.client(), Record::Pop3(Box::new(greeting)));
            return Next::Lines;
        }
        if self.overtaken > 0 {
            self.overtaken -= 1;
            return Next::Lines;
        }
        let Some(exchange) = self.pending.front_mut() else { return Next::Lines };
        let before = exchange.held();
        exchange.answered(status, header);
        self.pending_bytes += exchange.held() - before;
        if status == Status::Ok && exchange.has_list() {
            self.is_listing = true;
            return Next::Lines;
        }
        let verb = exchange.verb();
        let becomes_tls = verb == "STLS" && status == Status::Ok;
        match verb {
            "AUTH" => self.sasl = None,
            "STLS" => self.wants_tls = false,
            _ => {}
        }
        self.tell_oldest(listener);
        if becomes_tls { Next::Tls } else { Next::Lines }
    }

    /// A line that a reply carries (RFC 1939 section 3).
    fn listed(&mut self, line: Line<'_>, listener: &mut dyn Listener) {
        if line.text == b"." {
            self.is_listing = false;
            self.tell_oldest(listener);
        } else if let Some(exchange) = self.pending.front_mut() {
            let before = exchange.held();
            exchange.lists(line.text.strip_prefix(b".").unwrap_or(line.text));
            self.pending_bytes += exchange.held() - before;
        }
    }

    fn tell_oldest(&mut self, listener: &mut dyn Listener) {
        if let Some(exchange) = self.pending.pop_front() {
            self.pending_bytes = self.pending_bytes.saturating_sub(exchange.held());
            listener.record(self.sides.client(), Record::Pop3(Box::new(exchange)));
        }
    }
}
