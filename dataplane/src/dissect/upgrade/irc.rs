//! IRC: `STARTTLS`, and the server's 670 (ircv3.net, `tls` extension). Once a
//! client is registered (001), it is too late for that.

use super::{MESSAGE_MAX, Protocol, start_tls};
use crate::app_proto::AppProto;
use crate::dissect::{Listener, Progress};
use crate::flow::Direction;

/// `RPL_WELCOME`
const WELCOME: &[u8] = b"001";
/// `RPL_STARTTLS`
const STARTTLS: &[u8] = b"670";

pub(super) struct Irc;

impl Protocol for Irc {
    /// Lines.
    fn len(&self, _: Direction, begun: &[u8]) -> Option<usize> {
        match begun.last() {
            Some(b'\n') => Some(begun.len()),
            _ => Some(begun.len() + 1).filter(|len| *len <= MESSAGE_MAX),
        }
    }

    fn message(&mut self, direction: Direction, line: &[u8], listener: &mut dyn Listener) -> Progress {
        if direction == Direction::Up {
            return Progress::More;
        }
        // Tags and the name of who speaks come before the command.
        let is_command = |word: &&[u8]| !matches!(word.first(), None | Some(b'@' | b':'));
        match line.trim_ascii_end().split(|byte| *byte == b' ').find(is_command) {
            Some(STARTTLS) => start_tls(direction, AppProto::Irc, 0, listener),
            Some(WELCOME) => Progress::Done,
            _ => Progress::More,
        }
    }
}
