//! `==`, `!=`, `<`, `<=`, `>`, `>=`.

use super::super::constant::{Constant, parse_duration};
use super::super::diagnostic::Diagnostic;
use super::super::ir::{
    Address, Case, Condition, Equality, HardwareAddress, Number, Order, Term, Test, Text, TextKind,
    TextOrigin, Unit,
};
use super::super::source::Span;
use super::super::suggest::did_you_mean;
use super::super::tree::Spanned;
use super::describe::{article, describe};
use super::number::{Outcome, bounds, outcome};
use super::{Checked, Checker, Typed, Value, known_text};
use crate::event::EnumNames;

impl Order {
    pub(super) fn from_operator(operator: &str) -> Option<Self> {
        Some(match operator {
            "==" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    const fn equality(self) -> Option<Equality> {
        match self {
            Self::Equal => Some(Equality::Same),
            Self::NotEqual => Some(Equality::Differs),
            _ => None,
        }
    }
}

impl Checker<'_> {
    pub(super) fn compare(
        &mut self,
        order: Order,
        operator: &Spanned<String>,
        lhs: Typed,
        rhs: Typed,
        span: Span,
    ) -> Checked<Typed> {
        let (left, right) = match (&lhs.value, &rhs.value) {
            (Value::Constant(a), Value::Constant(b)) => {
                let test = Test::Constant(self.compare_constants(order, (a, &lhs), (b, &rhs), operator)?);
                return Ok(Typed { value: Value::Term(Term::Bool(Condition { test, span })), span });
            }
            (Value::Term(term), Value::Constant(constant)) => {
                (term.clone(), self.fit(constant, &rhs, &lhs, operator)?)
            }
            (Value::Constant(constant), Value::Term(term)) => {
                (self.fit(constant, &lhs, &rhs, operator)?, term.clone())
            }
            (Value::Term(left), Value::Term(right)) => (left.clone(), right.clone()),
        };
        let test = match (left, right, order.equality()) {
            (Term::Number(a, ua), Term::Number(b, ub), _) if comparable(ua, ub) => {
                self.compare_numbers(order, (a, &lhs), (b, &rhs), span)
            }
            (Term::Bool(a), Term::Bool(b), Some(equality)) => Test::SameBool(Box::new((a, b)), equality),
            (Term::Address(a), Term::Address(b), Some(equality)) => Test::SameAddress(a, b, equality),
            (Term::Mac(a), Term::Mac(b), Some(equality)) => Test::SameMac(a, b, equality),
            (Term::Text(a, _), Term::Text(b, _), Some(equality)) => {
                self.warn_capitals(&a, &b, rhs.span);
                self.warn_capitals(&b, &a, lhs.span);
                Test::SameText(a, b, equality)
            }
            (left, right, None)
                if !matches!(left, Term::Number(..))
                    && std::mem::discriminant(&left) == std::mem::discriminant(&right) =>
            {
                let message = format!(
                    "`{}` compares numbers and lengths of time, and this is {}",
                    operator.value,
                    describe(&lhs)
                );
                return self.refuse(Diagnostic::error(message).help("use `==`, `!=` or `in`"), operator.span);
            }
            _ => return self.cannot_compare(&lhs, &rhs, operator, None),
        };
        Ok(Typed { value: Value::Term(Term::Bool(Condition { test, span })), span })
    }

    fn cannot_compare<T>(
        &mut self,
        lhs: &Typed,
        rhs: &Typed,
        operator: &Spanned<String>,
        help: Option<String>,
    ) -> Checked<T> {
        let message = format!("cannot compare {} with {}", self.quoted(lhs), self.quoted(rhs));
        // The caret goes under the side that is easier to change.
        let span = match (&lhs.value, &rhs.value) {
            (_, Value::Constant(_)) => rhs.span,
            (Value::Constant(_), _) => lhs.span,
            _ => operator.span,
        };
        self.refuse(Diagnostic::error(message).help_if(help), span)
    }

    /// A constant as the type of the term that it meets.
    fn fit(
        &mut self,
        constant: &Constant,
        at: &Typed,
        beside: &Typed,
        operator: &Spanned<String>,
    ) -> Checked<Term> {
        let Value::Term(term) = &beside.value else { return self.cannot_compare(beside, at, operator, None) };
        if let Some(fitted) = self.fit_quietly(constant, at.span, term)? {
            return Ok(fitted);
        }
        let help = self.remedy(beside, constant);
        self.cannot_compare(beside, at, operator, help)
    }

    /// A constant as the type of a term; `None` where it cannot be that. A
    /// word or a length of time that is almost right is reported here.
    pub(super) fn fit_quietly(
        &mut self,
        constant: &Constant,
        span: Span,
        like: &Term,
    ) -> Checked<Option<Term>> {
        Ok(Some(match (like, constant) {
            (Term::Bool(_), Constant::Bool(value)) => {
                Term::Bool(Condition { test: Test::Constant(*value), span })
            }
            (Term::Number(_, unit @ (Unit::Plain | Unit::Named(_))), Constant::Int(value)) => {
                Term::Number(Number::Constant(*value), *unit)
            }
            (Term::Number(_, Unit::Named(names)), Constant::Word(word)) => {
                Term::Number(Number::Constant(self.enum_word(names, word, span)?), Unit::Named(names))
            }
            (Term::Number(_, Unit::Duration), Constant::Text(text)) => match parse_duration(text) {
                Ok(nanos) => Term::Number(Number::Constant(nanos), Unit::Duration),
                Err(bad) => return self.refuse(Diagnostic::error(bad.message).help_if(bad.help), span),
            },
            (Term::Text(..), Constant::Text(text)) => Term::Text(known_text(text.as_bytes()), TextKind::Str),
            (Term::Text(_, TextKind::Bytes), Constant::Bytes(bytes)) => {
                Term::Text(known_text(bytes), TextKind::Bytes)
            }
            (Term::Address(_), Constant::Address(address)) => Term::Address(Address::Constant(*address)),
            (Term::Mac(_), Constant::Mac(mac)) => Term::Mac(HardwareAddress::Constant(*mac)),
            (_, Constant::Word(word)) => return self.unknown_word(word, span),
            _ => return Ok(None),
        }))
    }

    fn enum_word(&mut self, names: &'static EnumNames, word: &str, span: Span) -> Checked<i64> {
        if let Some((_, number)) = names.names.iter().find(|(name, _)| *name == word) {
            return Ok(*number);
        }
        let known = names.names.iter().map(|(name, _)| *name);
        let help = did_you_mean(word, known.chain(self.constants.names()))
            .or_else(|| Some(format!("it has the names {}, and any number", list(names))));
        let message = format!("`{word}` is not the name of {}", article(names.name));
        self.refuse(Diagnostic::error(message).help_if(help), span)
    }

    fn compare_numbers(
        &mut self,
        order: Order,
        (a, lhs): (Number, &Typed),
        (b, rhs): (Number, &Typed),
        span: Span,
    ) -> Test {
        let outcome = outcome(order, bounds(&a), bounds(&b));
        let (what, limits) =
            if matches!(a, Number::Constant(_)) { (rhs, bounds(&b)) } else { (lhs, bounds(&a)) };
        let (low, high) = limits;
        let why = format!("`{}` is between {low} and {high}", self.text(what.span));
        match outcome {
            Outcome::Open => {}
            Outcome::Never => {
                self.report(Diagnostic::warning("this can never hold").help(why), span);
                return Test::Constant(false);
            }
            Outcome::Always => {
                self.report(Diagnostic::warning("this holds always").help(why), span);
            }
        }
        Test::Compare(order, a, b)
    }

    /// `lower()` gives no capitals, so a text with some never equals it.
    pub(super) fn warn_capitals(&mut self, lowered: &Text, other: &Text, span: Span) {
        if let (Case::Lowered, TextOrigin::Constant(bytes)) = (lowered.case, &other.origin)
            && other.case == Case::Kept
            && bytes.iter().any(u8::is_ascii_uppercase)
        {
            let help = "write it in small letters: `lower()` gives no capitals";
            self.report(Diagnostic::warning("this can never hold").help(help), span);
        }
    }

    fn compare_constants(
        &mut self,
        order: Order,
        (a, lhs): (&Constant, &Typed),
        (b, rhs): (&Constant, &Typed),
        operator: &Spanned<String>,
    ) -> Checked<bool> {
        for (constant, typed) in [(a, lhs), (b, rhs)] {
            if let Constant::Word(word) = constant {
                return self.unknown_word(word, typed.span);
            }
        }
        match (a, b, order.equality()) {
            (Constant::Int(a), Constant::Int(b), _) => Ok(order.holds(*a, *b)),
            (a, b, Some(equality)) if std::mem::discriminant(a) == std::mem::discriminant(b) => {
                Ok((a == b) == (equality == Equality::Same))
            }
            _ => self.cannot_compare(lhs, rhs, operator, None),
        }
    }
}

/// Whether two numbers of these units may be compared.
fn comparable(a: Unit, b: Unit) -> bool {
    match (a, b) {
        (Unit::Duration, Unit::Duration) => true,
        (Unit::Duration, _) | (_, Unit::Duration) => false,
        (Unit::Named(a), Unit::Named(b)) => a.name == b.name,
        _ => true,
    }
}

/// The first few names of an enumeration.
fn list(names: &EnumNames) -> String {
    let shown: Vec<_> = names.names.iter().take(6).map(|(name, _)| format!("`{name}`")).collect();
    let more = if names.names.len() > shown.len() { ", .." } else { "" };
    format!("{}{more}", shown.join(", "))
}
