//! LDAP: the extended operation `StartTLS` (RFC 4511 section 4.14), and names and
//! passwords of simple binds.

use super::{Protocol, login, start_tls};
use crate::app_proto::AppProto;
use crate::dissect::{Listener, Progress};
use crate::flow::Direction;

const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// The outermost value of a message.
const SEQUENCE: u8 = 0x30;
const BIND_REQUEST: u8 = 0x60;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
/// How a bind proves who it is: with a password, or by SASL.
const SIMPLE: u8 = 0x80;
const SASL: u8 = 0xa3;

#[derive(Default)]
pub(super) struct Ldap {
    /// The number of the message that has asked for TLS, if one has.
    asked: Option<Vec<u8>>,
}

impl Protocol for Ldap {
    fn len(&self, _: Direction, begun: &[u8]) -> Option<usize> {
        if begun.first().is_some_and(|tag| *tag != SEQUENCE) {
            return None;
        }
        let Some((first, rest)) = begun.get(1..).and_then(<[u8]>::split_first) else { return Some(2) };
        match *first {
            ..=0x7f => Some(2 + usize::from(*first)),
            _ if (0x81..=0x84).contains(first) => {
                let digits = usize::from(*first & 0x7f);
                let Some(len) = rest.get(..digits) else { return Some(2 + digits) };
                let len = len.iter().fold(0_usize, |len, digit| len << 8 | usize::from(*digit));
                Some(2 + digits + len)
            }
            _ => None,
        }
    }

    fn message(&mut self, direction: Direction, message: &[u8], listener: &mut dyn Listener) -> Progress {
        let read = || {
            let (_, body, _) = value(message)?;
            let (_, number, body) = value(body)?;
            let (operation, content, _) = value(body)?;
            Some((number, operation, content))
        };
        let Some((number, operation, content)) = read() else { return Progress::Malformed };
        match operation {
            BIND_REQUEST => bind(direction, content, listener),
            EXTENDED_REQUEST => {
                if value(content).is_some_and(|(_, name, _)| name == START_TLS) {
                    self.asked = Some(number.to_owned());
                }
                Progress::More
            }
            EXTENDED_RESPONSE if self.asked.take_if(|asked| asked == number).is_some() => {
                // ENUMERATED 0: success.
                match content {
                    [0x0a, 1, 0, ..] => start_tls(direction, AppProto::Ldap, 0, listener),
                    _ => Progress::More,
                }
            }
            _ => Progress::More,
        }
    }
}

/// A bind: its version, its name, its proof.
fn bind(direction: Direction, content: &[u8], listener: &mut dyn Listener) -> Progress {
    let read = || {
        let (_, _, rest) = value(content)?;
        let (_, name, rest) = value(rest)?;
        let (kind, proof, _) = value(rest)?;
        Some((name, kind, proof))
    };
    let Some((name, kind, proof)) = read() else { return Progress::More };
    if kind == SIMPLE && !(name.is_empty() && proof.is_empty()) {
        login(direction, AppProto::Ldap, name, !proof.is_empty(), listener);
    }
    // What comes after SASL may be wrapped in a layer of its own.
    if kind == SASL { Progress::Done } else { Progress::More }
}

/// A value of BER in definite form (X.690 section 8.1): its tag, its content as
/// far as it is kept, and what follows.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let digits = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
    let (long, rest) = rest.split_at_checked(digits).filter(|_| digits <= 4)?;
    let len = match digits {
        0 => first.into(),
        _ => long.iter().fold(0_usize, |len, digit| len << 8 | usize::from(*digit)),
    };
    let (content, rest) = super::split(rest, len);
    Some((tag, content, rest))
}
