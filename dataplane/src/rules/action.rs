//! What a rule does when its condition holds: a list of actions, settled at
//! load, that never enters Rhai.

use std::fmt::Write as _;

use super::eval;
use super::fields::Facts;
use super::ir::{Case, Term, Text, TextKind, Unit};
use crate::verdict::Verdict;

/// Bytes of a message at most; what is beyond is cut off. A message may quote
/// what a stranger sent.
pub const MESSAGE_MAX: usize = 1_024;

/// Actions in order, and the verdict that ends them, if there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Actions {
    /// What is said before the verdict.
    pub steps: Box<[Step]>,
    /// `None`: evaluation goes on with the next rule.
    pub verdict: Option<Verdict>,
}

/// One action that is not a verdict.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `alert(message)`
    Alert(Message),
    /// `log(message)`
    Log(Message),
}

/// A message with values in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message(pub Box<[Piece]>);

/// A piece of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// A value of the event; `-` where it is absent.
    Value(Term),
}

impl Message {
    /// The message for one event.
    pub fn compose(&self, facts: &Facts<'_>) -> String {
        let mut message = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => message.push_str(text),
                Piece::Value(term) => {
                    if show(term, facts, &mut message).is_none() {
                        message.push('-');
                    }
                }
            }
            if message.len() > MESSAGE_MAX {
                message.truncate(message.floor_char_boundary(MESSAGE_MAX));
                message.push('…');
                break;
            }
        }
        message
    }
}

/// Appends a value; `None` where it is absent, and then nothing is appended.
fn show(term: &Term, facts: &Facts<'_>, into: &mut String) -> Option<()> {
    // Writing to a string cannot fail.
    let _ = match term {
        Term::Bool(condition) => write!(into, "{}", eval::truth(condition, facts)?),
        Term::Number(number, unit) => {
            let value = eval::number(number, facts)?;
            match unit {
                Unit::Plain => write!(into, "{value}"),
                Unit::Duration => {
                    write!(into, "{:?}", std::time::Duration::from_nanos(value.try_into().unwrap_or(0)))
                }
                Unit::Named(names) => match names.names.iter().find(|(_, number)| *number == value) {
                    Some((name, _)) => write!(into, "{name}"),
                    None => write!(into, "{value}"),
                },
            }
        }
        Term::Text(text, kind) => {
            show_text(text, *kind, eval::bytes(text, facts)?, into);
            Ok(())
        }
        Term::Address(address) => write!(into, "{}", eval::address(*address, facts)?),
        Term::Mac(mac) => write!(into, "{}", eval::mac(*mac, facts)?),
    };
    Some(())
}

/// Appends text; of bytes, what is not printable ASCII is escaped.
fn show_text(text: &Text, kind: TextKind, bytes: &[u8], into: &mut String) {
    let bytes = bytes.get(..MESSAGE_MAX).unwrap_or(bytes);
    match kind {
        TextKind::Str => {
            let shown = String::from_utf8_lossy(bytes);
            match text.case {
                Case::Kept => into.push_str(&shown),
                Case::Lowered => into.push_str(&shown.to_ascii_lowercase()),
            }
        }
        TextKind::Bytes => {
            let escaped = bytes.iter().flat_map(|&byte| std::ascii::escape_default(text.case.read(byte)));
            into.extend(escaped.map(char::from));
        }
    }
}
