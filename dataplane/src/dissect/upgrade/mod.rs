//! Protocols that are read until they become another one: those that begin TLS
//! inside, and SOCKS, behind which anything may come.
//!
//! Of each the messages are told apart, and of each message the beginning is
//! kept: enough to see the request, the answer, and a name or password in the
//! clear. Where a connection goes on without, nobody looks at it any more.
//!
//! - `irc`, `ldap`, `mysql`, `pgsql`, `rdp`, `socks`: the messages of each
//! - `xmpp`: elements of XML, which are no messages of a known length

mod irc;
mod ldap;
mod mysql;
mod pgsql;
mod rdp;
mod socks;
#[cfg(test)]
mod tests;
mod xmpp;

use super::login::Login;
use super::starttls::StartTls;
use super::{Dissector, Fact, Listener, Progress};
use crate::app_proto::AppProto;
use crate::flow::Direction;

/// The most that is kept of a message, in bytes: a line of IRC with its tags may
/// have 8,703; of all others 512 would do.
const MESSAGE_MAX: usize = 8704;

/// So many bytes and messages come before TLS at most; then it is not expected
/// any more.
const BYTES_MAX: u64 = 256 * 1024;
const MESSAGES_MAX: u32 = 64;

/// How the messages of a protocol are told apart, and what they mean.
trait Protocol: Send {
    /// How many bytes a message has at least, given those of it that are there:
    /// more than there are, until they are all; never 0. `None` where it is no
    /// message. Of more than [`MESSAGE_MAX`] bytes the rest is passed over.
    fn len(&self, direction: Direction, begun: &[u8]) -> Option<usize>;

    /// A message has come to its end. `unread` in the answer is not looked at.
    fn message(&mut self, direction: Direction, message: &[u8], listener: &mut dyn Listener) -> Progress;
}

/// A dissector for a stream of such a protocol.
pub(super) fn of_stream(app_proto: AppProto) -> Option<Box<dyn Dissector>> {
    Some(match app_proto {
        AppProto::Irc => Box::new(Upgrade::new(irc::Irc)),
        AppProto::Ldap => Box::new(Upgrade::new(ldap::Ldap::default())),
        AppProto::Mysql => Box::new(Upgrade::new(mysql::Mysql)),
        AppProto::Pgsql => Box::new(Upgrade::new(pgsql::Pgsql::default())),
        AppProto::Rdp => Box::new(Upgrade::new(rdp::Rdp)),
        AppProto::Socks => Box::new(Upgrade::new(socks::Socks::default())),
        AppProto::Xmpp => Box::new(xmpp::Xmpp::default()),
        _ => return None,
    })
}

/// One connection.
struct Upgrade<P> {
    protocol: P,
    sides: [Side; 2],
    bytes: u64,
    messages: u32,
}

/// The message at hand of one direction.
#[derive(Default)]
struct Side {
    /// What is kept of it.
    begun: Vec<u8>,
    /// How much of it is to come that is not kept.
    passed_over: usize,
}

impl<P: Protocol> Upgrade<P> {
    fn new(protocol: P) -> Self {
        Self { protocol, sides: <[Side; 2]>::default(), bytes: 0, messages: 0 }
    }

    /// Takes bytes up to the end of the message at hand, and gives back those
    /// after it; `None` where it is no message.
    fn take<'b>(&mut self, direction: Direction, mut bytes: &'b [u8]) -> Option<(&'b [u8], Option<Vec<u8>>)> {
        let side = direction.of_mut(&mut self.sides);
        loop {
            let len = self.protocol.len(direction, &side.begun)?;
            let wanted = len.min(MESSAGE_MAX);
            if side.begun.len() >= wanted {
                if side.passed_over == 0 {
                    side.passed_over = len - wanted;
                }
                let (passed_over, rest) = split(bytes, side.passed_over);
                side.passed_over -= passed_over.len();
                let is_whole = side.passed_over == 0;
                return Some((rest, is_whole.then(|| std::mem::take(&mut side.begun))));
            }
            let (piece, rest) = split(bytes, wanted - side.begun.len());
            side.begun.extend_from_slice(piece);
            bytes = rest;
            if piece.is_empty() {
                return Some((bytes, None));
            }
        }
    }
}

impl<P: Protocol> Dissector for Upgrade<P> {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        let mut rest = bytes;
        loop {
            let Some((after, message)) = self.take(direction, rest) else {
                return if self.messages == 0 { Progress::NotMine } else { Progress::Malformed };
            };
            rest = after;
            let Some(message) = message else { break };
            self.messages += 1;
            match self.protocol.message(direction, &message, listener) {
                Progress::Becomes { next, .. } => return Progress::Becomes { next, unread: rest.len() },
                Progress::More if self.messages < MESSAGES_MAX => {}
                Progress::More => return Progress::Done,
                over => return over,
            }
        }
        if self.bytes > BYTES_MAX { Progress::Done } else { Progress::More }
    }

    fn held(&self) -> usize {
        self.sides.iter().map(|side| side.begun.capacity()).sum()
    }
}

/// The first `len` bytes, or as many as there are, and the rest.
fn split(bytes: &[u8], len: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(len.min(bytes.len())).unwrap_or((bytes, &[]))
}

/// What follows is TLS, and so are as many of the last bytes.
fn start_tls(
    direction: Direction,
    protocol: AppProto,
    unread: usize,
    listener: &mut dyn Listener,
) -> Progress {
    listener.fact(direction, Fact::StartTls(&StartTls { protocol }));
    Progress::Becomes { next: Some(AppProto::Tls), unread }
}

/// A name, and perhaps a password, was sent.
fn login(
    direction: Direction,
    protocol: AppProto,
    user: &[u8],
    password_seen: bool,
    listener: &mut dyn Listener,
) {
    let user = std::str::from_utf8(user).ok().filter(|user| !user.is_empty());
    listener.fact(direction, Fact::Login(&Login { user, password_seen, protocol }));
}
