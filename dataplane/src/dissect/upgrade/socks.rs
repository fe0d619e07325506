//! SOCKS 4, 4a and 5 (RFC 1928, RFC 1929): behind the server's consent anything
//! may come, which first bytes decide anew. What a client sends before it is
//! lost to who reads that.

use super::{Protocol, login};
use crate::app_proto::AppProto;
use crate::dissect::{Listener, Progress};
use crate::flow::Direction;

const CONNECT: u8 = 1;
/// The method of a name and a password.
const PASSWORD: u8 = 2;
/// Requests and replies of SOCKS 5 begin with their version, negotiations of a
/// name and a password with theirs.
const SOCKS5: u8 = 5;
const NEGOTIATION: u8 = 1;
/// A server of SOCKS 4 grants.
const GRANTED: u8 = 0x5a;

#[derive(Default)]
pub(super) struct Socks {
    /// Whether the client has sent its first message, and the server.
    has_begun: [bool; 2],
    /// What the client wants, once it has said so.
    command: Option<u8>,
}

impl Protocol for Socks {
    fn len(&self, direction: Direction, begun: &[u8]) -> Option<usize> {
        match (direction, *direction.of(&self.has_begun), begun) {
            // What comes too early.
            (Direction::Up, true, _) if self.command.is_some() => Some(1),
            (_, _, []) => Some(1),
            (Direction::Up, false, [4, ..]) => Some(socks4_len(begun)),
            (Direction::Up, false, [SOCKS5, methods @ ..]) => {
                Some(2 + methods.first().map_or(0, |count| usize::from(*count)))
            }
            (Direction::Down, false, [0, ..]) => Some(8),
            (Direction::Down, _, [NEGOTIATION, ..]) | (Direction::Down, false, [SOCKS5, ..]) => Some(2),
            (Direction::Up, true, [NEGOTIATION, ..]) => Some(negotiation_len(begun)),
            (_, true, [SOCKS5, ..]) => address_len(begun),
            _ => None,
        }
    }

    fn message(&mut self, direction: Direction, message: &[u8], listener: &mut dyn Listener) -> Progress {
        let is_first = !std::mem::replace(direction.of_mut(&mut self.has_begun), true);
        match (direction, message) {
            (Direction::Up, [4, command, ..]) if is_first => {
                self.command = Some(*command);
                let user = message.get(8..).unwrap_or_default().split(|byte| *byte == 0).next();
                if let Some(user) = user.filter(|user| !user.is_empty()) {
                    login(direction, AppProto::Socks, user, false, listener);
                }
            }
            (Direction::Up, [SOCKS5, command, ..]) if !is_first && self.command.is_none() => {
                self.command = Some(*command);
            }
            (Direction::Up, [NEGOTIATION, len, rest @ ..]) if !is_first && self.command.is_none() => {
                let (user, rest) = super::split(rest, usize::from(*len));
                let password_seen = rest.first().is_some_and(|len| *len > 0);
                login(direction, AppProto::Socks, user, password_seen, listener);
            }
            (Direction::Down, [0, reply, ..]) if is_first => return self.answered(*reply == GRANTED),
            // A method of its own may wrap what follows.
            (Direction::Down, [SOCKS5, method, ..]) if is_first && !matches!(*method, 0 | PASSWORD) => {
                return Progress::Done;
            }
            (Direction::Down, [SOCKS5, reply, ..]) if !is_first => return self.answered(*reply == 0),
            _ => {}
        }
        Progress::More
    }
}

impl Socks {
    fn answered(&self, granted: bool) -> Progress {
        if granted && self.command.is_none_or(|command| command == CONNECT) {
            return Progress::Becomes { next: None, unread: 0 };
        }
        Progress::Done
    }
}

/// A request of SOCKS 4: a name that ends with a zero; one more where the address
/// is none (4a).
fn socks4_len(begun: &[u8]) -> usize {
    /// Version, command, port and address.
    const FIXED_LEN: usize = 8;
    let Some([_, _, _, _, address @ ..]) = begun.first_chunk::<FIXED_LEN>() else { return FIXED_LEN + 1 };
    let names = if matches!(address, [0, 0, 0, 1..=255]) { 2 } else { 1 };
    let zeros = begun.iter().skip(FIXED_LEN).filter(|byte| **byte == 0).count();
    if zeros >= names { begun.len() } else { begun.len() + 1 }
}

/// A name and a password, each with its length before it.
fn negotiation_len(begun: &[u8]) -> usize {
    let Some(name) = begun.get(1) else { return 2 };
    let at = 2 + usize::from(*name);
    begun.get(at).map_or(at + 1, |password| at + 1 + usize::from(*password))
}

/// A request or a reply of SOCKS 5: an address of a kind, and a port.
fn address_len(begun: &[u8]) -> Option<usize> {
    let Some([_, _, _, kind, name, ..]) = begun.first_chunk::<5>() else { return Some(5) };
    match *kind {
        1 => Some(4 + 4 + 2),
        3 => Some(4 + 1 + usize::from(*name) + 2),
        4 => Some(4 + 16 + 2),
        _ => None,
    }
}
