//! What a value is, in words, and what to write instead of one that does not fit.

use super::super::constant::{Constant, parse_ip, parse_mac, parse_network};
use super::super::ir::{Term, TextKind, Unit};
use super::super::suggest::closest;
use super::{Checker, Typed, Value};

impl Checker<'_> {
    /// `` `tcp.dstport` (a number)``
    pub(super) fn quoted(&self, typed: &Typed) -> String {
        format!("`{}` ({})", self.text(typed.span), describe(typed))
    }

    /// What to write instead of `constant` beside `term`.
    pub(super) fn remedy(&self, term: &Typed, constant: &Constant) -> Option<String> {
        let Value::Term(kind) = &term.value else { return None };
        let field = self.text(term.span);
        Some(match (kind, constant) {
            (_, Constant::Range(..) | Constant::List(_) | Constant::Network(_)) => {
                format!("ask whether it is in there: `{field} in ..`")
            }
            (Term::Number(_, Unit::Duration), _) => {
                format!("write a length of time in quotes: `{field} > \"60s\"`")
            }
            (Term::Number(_, Unit::Named(names)), Constant::Text(text)) => {
                match closest(text, names.names.iter().map(|(name, _)| *name)) {
                    Some(name) => format!("write the name without quotes: `{name}`"),
                    None => {
                        format!("write one of its names without quotes, such as `{}`", names.names.first()?.0)
                    }
                }
            }
            (Term::Number(..), Constant::Text(text)) if text.trim().parse::<i64>().is_ok() => {
                format!("write the number without quotes: `{}`", text.trim())
            }
            (Term::Number(..), _) => format!("`{field}` is a number: write a number beside it"),
            (Term::Address(_), Constant::Text(text)) if parse_ip(text).is_ok() => {
                format!("write `ip(\"{text}\")`")
            }
            (Term::Address(_), Constant::Text(text)) if parse_network(text).is_ok() => {
                format!("ask whether it is in the network: `{field} in net(\"{text}\")`")
            }
            (Term::Address(_), _) => "an address is written `ip(\"192.0.2.1\")`".to_owned(),
            (Term::Mac(_), Constant::Text(text)) if parse_mac(text).is_ok() => {
                format!("write `mac(\"{text}\")`")
            }
            (Term::Mac(_), _) => "a hardware address is written `mac(\"02:00:5e:10:00:01\")`".to_owned(),
            (Term::Bool(_), _) => format!("`{field}` is true or false by itself: write it, or `!` before it"),
            (Term::Text(_, TextKind::Bytes), _) => {
                "bytes are written `\"text\"` or `hex(\"16 03 01\")`".to_owned()
            }
            (Term::Text(..), _) => "a string has double quotes".to_owned(),
        })
    }
}

/// What a value is: `a number`, `an IP protocol`.
pub(super) fn describe(typed: &Typed) -> String {
    match &typed.value {
        Value::Constant(constant) => constant.describe().to_owned(),
        Value::Term(term) => describe_term(term),
    }
}

/// What a term is, in words.
fn describe_term(term: &Term) -> String {
    match term {
        Term::Bool(_) => "true or false".to_owned(),
        Term::Number(_, Unit::Plain) => "a number".to_owned(),
        Term::Number(_, Unit::Duration) => "a length of time".to_owned(),
        Term::Number(_, Unit::Named(names)) => article(names.name),
        Term::Text(_, TextKind::Str) => "a string".to_owned(),
        Term::Text(_, TextKind::Bytes) => "bytes".to_owned(),
        Term::Address(_) => "an address".to_owned(),
        Term::Mac(_) => "a hardware address".to_owned(),
    }
}

/// `an IP protocol`, `a flow state`.
pub(super) fn article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}
