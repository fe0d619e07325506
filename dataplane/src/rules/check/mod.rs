//! Names and types: from what an author wrote to the typed form.
//!
//! Every mistake is reported at its place, with a remedy where one is known,
//! and the check goes on, so that one run shows all that is wrong. What a
//! mistake makes unknowable is passed over in silence ([`Reported`]).
//!
//! A constant keeps its own type until it meets a field: only then `"1m"` is a
//! length of time, `TCP` a number, and a string bytes.

mod call;
mod compare;
mod describe;
mod extent;
mod membership;
mod number;
mod rule;

use std::sync::Arc;

use super::constant::Constant;
use super::diagnostic::Diagnostic;
use super::fields::{FieldRef, SCHEMA};
use super::ir::{
    Address, Case, Condition, HardwareAddress, Number, Term, Test, Text, TextKind, TextOrigin, Unit,
};
use super::source::{Source, Span};
use super::suggest::{closest, did_you_mean};
use super::syntax::Constants;
use super::tree::{Expr, ExprKind, Script, Spanned, UnaryOperator};
use crate::event::{EventKind, Kind};

use describe::{article, describe};
use extent::Extent;
pub(super) use rule::{Compiled, check_file};

/// Nodes that one rule may have when its functions are written out. Functions
/// that call each other twice would otherwise double it at every level.
const NODES_MAX: usize = 10_000;

/// Fields that a message about their group names.
const MEMBERS_SHOWN: usize = 6;

/// The mistake is in the list already; there is nothing more to say.
#[derive(Clone, Copy, Debug)]
struct Reported;

type Checked<T> = Result<T, Reported>;

/// An expression with its type.
#[derive(Clone, Debug)]
struct Typed {
    value: Value,
    span: Span,
}

#[derive(Clone, Debug)]
enum Value {
    /// Known at load; takes the type of what it meets.
    Constant(Constant),
    /// Of a fixed type.
    Term(Term),
}

/// Checks the rules of one file.
struct Checker<'s> {
    source: &'s Arc<Source>,
    script: &'s Script,
    constants: &'s Constants,
    event: EventKind,
    found: Vec<Diagnostic>,
    /// What the parameters of the function that is being written out stand for.
    parameters: Vec<(&'s str, Typed)>,
    /// The functions that are being written out, outermost first.
    calls: Vec<&'s str>,
    nodes: usize,
}

impl<'s> Checker<'s> {
    /// Reports a mistake.
    fn refuse<T>(&mut self, diagnostic: Diagnostic, span: Span) -> Checked<T> {
        self.report(diagnostic, span);
        Err(Reported)
    }

    /// Adds an error or a warning. A function that is written out twice makes
    /// the same mistake twice: once is enough.
    fn report(&mut self, diagnostic: Diagnostic, span: Span) {
        let known = |other: &Diagnostic| {
            other.message == diagnostic.message
                && other.place.as_ref().is_some_and(|place| place.span == span)
        };
        if !self.found.iter().any(known) {
            self.found.push(diagnostic.at(self.source, span));
        }
    }

    /// The text of a place, for messages.
    fn text(&self, span: Span) -> &'s str {
        self.source.slice(span)
    }

    fn spend(&mut self, nodes: usize, span: Span) -> Checked<()> {
        self.nodes += nodes;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let message =
            format!("this condition has more than {NODES_MAX} parts once its functions are written out");
        self.refuse(Diagnostic::error(message).help("split it into several rules"), span)
    }

    /// An expression that must be true or false.
    fn condition(&mut self, expr: &'s Expr) -> Checked<Condition> {
        let typed = self.term(expr)?;
        self.truth(typed)
    }

    /// A value that must be true or false.
    fn truth(&mut self, typed: Typed) -> Checked<Condition> {
        let span = typed.span;
        match typed.value {
            Value::Term(Term::Bool(condition)) => Ok(condition),
            Value::Constant(Constant::Bool(value)) => Ok(Condition { test: Test::Constant(value), span }),
            Value::Constant(Constant::Word(word)) => self.unknown_word(&word, span),
            _ => {
                let message = format!("`{}` is {}, not a condition", self.text(span), describe(&typed));
                let help = match &typed.value {
                    Value::Term(Term::Number(_, Unit::Plain)) => Some("compare it: `.. == 1`"),
                    Value::Term(_) => Some("compare it, or ask `has(..)` whether it is there"),
                    Value::Constant(_) => None,
                };
                self.refuse(Diagnostic::error(message).help_if(help.map(str::to_owned)), span)
            }
        }
    }

    fn term(&mut self, expr: &'s Expr) -> Checked<Typed> {
        let span = expr.span;
        self.spend(1, span)?;
        let constant = |constant| Ok(Typed { value: Value::Constant(constant), span });
        let condition = |test| Ok(Typed { value: Value::Term(Term::Bool(Condition { test, span })), span });
        match &expr.kind {
            ExprKind::Bool(value) => constant(Constant::Bool(*value)),
            ExprKind::Int(value) => constant(Constant::Int(*value)),
            ExprKind::Text(text) => constant(Constant::Text(text.clone())),
            ExprKind::Path(words) => self.path(words, span),
            ExprKind::Call(name, args) => self.call(name, args, span),
            ExprKind::Method(target, name, args) => self.method(target, name, args, span),
            ExprKind::Unary(operator, operand) => self.unary(operator, operand, span),
            ExprKind::Binary(operator, sides) => self.binary(operator, &sides.0, &sides.1, span),
            ExprKind::All(terms) => {
                let terms = self.conditions(terms)?;
                condition(all(terms))
            }
            ExprKind::Any(terms) => {
                let terms = self.conditions(terms)?;
                condition(any(terms))
            }
            ExprKind::In(sides) => {
                let (item, set) = (self.term(&sides.0), self.entries(&sides.1));
                let (item, (set, set_span)) = (item?, set?);
                self.membership(item, set, set_span, span)
            }
            ExprKind::Range { low, high, closed } => {
                let low = low.as_deref().map_or(Ok(0), |low| self.bound(low));
                let high_given = high.is_some();
                let high = high.as_deref().map_or(Ok(i64::MAX), |high| self.bound(high));
                let (low, high) = (low?, high?);
                constant(if *closed || !high_given {
                    Constant::Range(low, high)
                } else {
                    Constant::half_open(low, high)
                })
            }
            ExprKind::List(_) => {
                let (entries, _) = self.entries(expr)?;
                constant(Constant::List(entries.into_iter().map(|(entry, _)| entry).collect()))
            }
            ExprKind::Map(_) => self.not_allowed("a map", "only metadata before `on` is written so", span),
            ExprKind::Interpolated(_) => self.not_allowed(
                "a text with values in it",
                "messages of `alert` and `log` may have some",
                span,
            ),
            ExprKind::Unsupported(what) => self.not_allowed(what, unsupported_help(what), span),
        }
    }

    /// Several conditions; all of them are checked before any mistake counts.
    fn conditions(&mut self, terms: &'s [Expr]) -> Checked<Vec<Condition>> {
        let checked: Vec<_> = terms.iter().map(|term| self.condition(term)).collect();
        checked.into_iter().collect()
    }

    fn not_allowed<T>(&mut self, what: &str, help: &str, span: Span) -> Checked<T> {
        self.refuse(Diagnostic::error(format!("{what} is not allowed in a condition")).help(help), span)
    }

    fn bound(&mut self, expr: &'s Expr) -> Checked<i64> {
        let typed = self.term(expr)?;
        match typed.value {
            Value::Constant(Constant::Int(value)) => Ok(value),
            Value::Constant(Constant::Word(word)) => self.unknown_word(&word, expr.span),
            _ => self.refuse(
                Diagnostic::error("the bounds of a range are constant numbers")
                    .help("compare instead: `low <= x && x <= high`"),
                expr.span,
            ),
        }
    }

    fn unary(&mut self, operator: &Spanned<UnaryOperator>, operand: &'s Expr, span: Span) -> Checked<Typed> {
        if operator.value == UnaryOperator::Not {
            let inner = self.condition(operand)?;
            let test = match inner.test {
                Test::Constant(value) => Test::Constant(!value),
                _ => Test::Not(Box::new(inner)),
            };
            return Ok(Typed { value: Value::Term(Term::Bool(Condition { test, span })), span });
        }
        let operand = self.term(operand)?;
        let (number, unit) = self.as_number(&operand, None)?;
        let value = match (operator.value, number) {
            (UnaryOperator::Minus, Number::Constant(value)) => match value.checked_neg() {
                Some(value) => Value::Constant(Constant::Int(value)),
                None => return self.overflow(span),
            },
            (UnaryOperator::Minus, number) => {
                Value::Term(Term::Number(Number::Negate(Box::new(number)), unit))
            }
            (_, _) => operand.value,
        };
        Ok(Typed { value, span })
    }

    /// `a`, `a.b.c`: a parameter, a constant, the name of an enumeration's
    /// value, or a field; after it at most a property.
    fn path(&mut self, words: &'s [Spanned<String>], span: Span) -> Checked<Typed> {
        let Some((first, rest)) = words.split_first() else { return Err(Reported) };
        if let Some(typed) = self.named(first)? {
            return rest.iter().try_fold(typed, |target, property| self.property(target, property));
        }
        for taken in (1..=words.len()).rev() {
            let (head, rest) = words.split_at(taken);
            let Some(field) = SCHEMA.field(&dotted(head)) else { continue };
            let head_span = head.iter().map(|word| word.span).reduce(Span::to).unwrap_or(span);
            let typed = self.field(field, head_span)?;
            return rest.iter().try_fold(typed, |target, property| self.property(target, property));
        }
        if rest.is_empty() {
            if self.constants.incomplete && !SCHEMA.enum_words().any(|word| word == first.value) {
                return Err(Reported);
            }
            return Ok(Typed { value: Value::Constant(Constant::Word(first.value.clone())), span });
        }
        self.unknown_field(&dotted(words), span)
    }

    /// A parameter or a constant of this name.
    fn named(&mut self, word: &'s Spanned<String>) -> Checked<Option<Typed>> {
        let span = word.span;
        let parameter = self.parameters.iter().find(|(name, _)| *name == word.value);
        if let Some((_, typed)) = parameter {
            let typed = typed.clone();
            self.spend(Extent::of(&typed).nodes, span)?;
            return Ok(Some(typed));
        }
        let constant = self.constants.lookup(&word.value);
        Ok(constant.map(|value| Typed { value: Value::Constant(value.clone()), span }))
    }

    fn property(&mut self, target: Typed, name: &Spanned<String>) -> Checked<Typed> {
        let span = target.span.to(name.span);
        if name.value == "len"
            && let Some((text, _)) = to_text(&target)
        {
            let number = Term::Number(Number::Length(text), Unit::Plain);
            return Ok(Typed { value: Value::Term(number), span });
        }
        let message =
            format!("`{}` is {} and has no `{}`", self.text(target.span), describe(&target), name.value);
        let dotted = format!("{}.{}", self.text(target.span), name.value);
        let others = self.field_names().filter(|field| *field != self.text(target.span));
        let help = did_you_mean(&dotted, others);
        self.refuse(Diagnostic::error(message).help_if(help), name.span)
    }

    fn field(&mut self, field: FieldRef, span: Span) -> Checked<Typed> {
        if !field.events().contains(&self.event) {
            let events: Vec<_> = field.events().iter().map(|event| format!("`{}`", event.name())).collect();
            let message = format!(
                "`{}` is not there on `{}`, only on {}",
                field.name(),
                self.event.name(),
                events.join(", ")
            );
            let group = self
                .field_names()
                .filter_map(|name| name.split('.').next())
                .collect::<std::collections::BTreeSet<_>>();
            let group: Vec<_> = group.into_iter().map(|group| format!("`{group}.*`")).collect();
            let help = format!("`{}` has {}", self.event.name(), group.join(", "));
            return self.refuse(Diagnostic::error(message).help(help), span);
        }
        let text = |kind| Term::Text(Text { origin: TextOrigin::Field(field), case: Case::Kept }, kind);
        let number = |unit| Term::Number(Number::Field(field), unit);
        let term = match field.kind() {
            Kind::Bool => Term::Bool(Condition { test: Test::Flag(field), span }),
            Kind::Int | Kind::Unsigned(_) => number(Unit::Plain),
            Kind::Duration => number(Unit::Duration),
            Kind::Enum(names) => number(Unit::Named(names)),
            Kind::Str => text(TextKind::Str),
            Kind::Bytes => text(TextKind::Bytes),
            Kind::Ip => Term::Address(Address::Field(field)),
            Kind::Mac => Term::Mac(HardwareAddress::Field(field)),
        };
        Ok(Typed { value: Value::Term(term), span })
    }

    /// The names of the fields that this event fills.
    fn field_names(&self) -> impl Iterator<Item = &str> {
        SCHEMA.fields().iter().filter(|field| field.events().contains(&self.event)).map(|field| field.name())
    }

    /// The fields whose names begin with the words of `name`.
    fn members_of_group(&self, name: &str) -> Vec<&str> {
        let below = |field: &str| field.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        self.field_names().filter(|field| below(field)).collect()
    }

    fn unknown_field<T>(&mut self, name: &str, span: Span) -> Checked<T> {
        let group = name.split('.').next().unwrap_or(name);
        if let Some((_, with)) = LATER_GROUPS.iter().find(|(later, _)| *later == group) {
            let message = format!("`{name}` is not in this version: it comes with {with}");
            let help = format!("leave it out, or use what `{}` has today", self.event.name());
            return self.refuse(Diagnostic::error(message).help(help), span);
        }
        let members = self.members_of_group(name);
        if !members.is_empty() {
            let shown: Vec<_> =
                members.iter().take(MEMBERS_SHOWN).map(|field| format!("`{field}`")).collect();
            let more = if members.len() > MEMBERS_SHOWN { ", .." } else { "" };
            let help = format!("it has {}{more}", shown.join(", "));
            return self.refuse(Diagnostic::error(format!("`{name}` is a group of fields")).help(help), span);
        }
        let help = did_you_mean(name, self.field_names())
            .or_else(|| did_you_mean(name, SCHEMA.fields().iter().map(|field| field.name())))
            .unwrap_or_else(|| "`tidegate rules fields` lists them".to_owned());
        self.refuse(Diagnostic::error(format!("no field `{name}`")).help(help), span)
    }

    /// A bare word that is no constant, where no enumeration gives it a meaning.
    fn unknown_word<T>(&mut self, word: &str, span: Span) -> Checked<T> {
        if let Some(names) =
            SCHEMA.enumerations().iter().find(|names| names.names.iter().any(|(name, _)| *name == word))
        {
            let message = format!("`{word}` is the name of {} and means nothing here", article(names.name));
            let help = "names stand beside a field of their kind: `ip.proto == TCP`";
            return self.refuse(Diagnostic::error(message).help(help), span);
        }
        if !self.members_of_group(word).is_empty() || LATER_GROUPS.iter().any(|(later, _)| *later == word) {
            return self.unknown_field(word, span);
        }
        let parameters = self.parameters.iter().map(|(name, _)| *name);
        let known = parameters
            .chain(self.constants.names())
            .chain(self.script.functions.iter().map(|function| function.name.as_str()))
            .chain(SCHEMA.enum_words())
            .chain(self.field_names());
        let help = closest(word, known).map(|name| format!("did you mean `{name}`?"));
        let message = format!("nothing is called `{word}` here");
        self.refuse(Diagnostic::error(message).help_if(help), span)
    }
}

/// The value as text, if it is text.
fn to_text(typed: &Typed) -> Option<(Text, TextKind)> {
    match &typed.value {
        Value::Term(Term::Text(text, kind)) => Some((text.clone(), *kind)),
        Value::Constant(Constant::Text(text)) => Some((known_text(text.as_bytes()), TextKind::Str)),
        Value::Constant(Constant::Bytes(bytes)) => Some((known_text(bytes), TextKind::Bytes)),
        _ => None,
    }
}

fn known_text(bytes: &[u8]) -> Text {
    Text { origin: TextOrigin::Constant(bytes.into()), case: Case::Kept }
}

/// Field groups of events that are to come, and what they come with.
const LATER_GROUPS: [(&str, &str); 5] = [
    ("anomaly", "`anomaly`"),
    ("data", "`tcp_data`"),
    ("server", "the prober, which learns what upstream servers offer"),
    ("posture", "the prober, which learns what upstream servers offer"),
    ("cert", "`tls_certificate`"),
];

fn dotted(words: &[Spanned<String>]) -> String {
    words.iter().map(|word| word.value.as_str()).collect::<Vec<_>>().join(".")
}

/// `a && b && ..` with the known ones settled.
fn all(mut terms: Vec<Condition>) -> Test {
    if terms.iter().any(|term| term.test == Test::Constant(false)) {
        return Test::Constant(false);
    }
    terms.retain(|term| term.test != Test::Constant(true));
    if terms.is_empty() { Test::Constant(true) } else { Test::All(terms.into()) }
}

/// `a || b || ..` with the known ones settled.
fn any(mut terms: Vec<Condition>) -> Test {
    if terms.iter().any(|term| term.test == Test::Constant(true)) {
        return Test::Constant(true);
    }
    terms.retain(|term| term.test != Test::Constant(false));
    if terms.is_empty() { Test::Constant(false) } else { Test::Any(terms.into()) }
}

fn unsupported_help(what: &str) -> &'static str {
    match what {
        "a number with a fraction" => "use whole numbers, of a smaller unit if need be",
        "a character in single quotes" => "strings have double quotes",
        "an index" => "use `starts_with`, `contains` or `ends_with`",
        "`??`" => "an absent field makes its comparison false: ask `has(..)`",
        "`?.`" => "write `.`: an absent field makes its comparison false",
        _ => "a condition is made of fields, constants, comparisons, `in`, `&&`, `||` and `!`",
    }
}
