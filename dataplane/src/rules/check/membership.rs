//! `x in y`: ranges, networks and sets.

use super::super::constant::Constant;
use super::super::diagnostic::Diagnostic;
use super::super::ir::{Address, Condition, HardwareAddress, Number, Term, Test, Text, TextOrigin, Unit};
use super::super::sets::{Network, NetworkSet, RangeSet};
use super::super::source::Span;
use super::super::tree::{Expr, ExprKind};
use super::number::bounds;
use super::{Checked, Checker, Typed, Value, describe, to_text};
use crate::wire::Mac;

/// The members of a set, each with the place to blame for it.
pub(super) type Entries = Vec<(Constant, Span)>;

impl<'s> Checker<'s> {
    /// What stands right of `in`: its members, and where it stands.
    pub(super) fn entries(&mut self, expr: &'s Expr) -> Checked<(Entries, Span)> {
        let span = expr.span;
        let ExprKind::List(items) = &expr.kind else {
            let typed = self.term(expr)?;
            return self.members(&typed).map(|entries| (entries, span));
        };
        let mut entries = Vec::new();
        let mut failed = None;
        for item in items {
            match self.term(item) {
                Err(reported) => failed = Some(reported),
                Ok(typed) => match typed.value {
                    Value::Constant(constant) => entries.push((constant, item.span)),
                    Value::Term(_) => {
                        let message =
                            format!("a set holds constants, and `{}` is none", self.text(item.span));
                        let help = "compare with it beside the set: `x in [..] || x == y`";
                        failed = self.refuse::<()>(Diagnostic::error(message).help(help), item.span).err();
                    }
                },
            }
        }
        failed.map_or(Ok((entries, span)), Err)
    }

    /// The members of a constant that is a set, a range or a network.
    pub(super) fn members(&mut self, typed: &Typed) -> Checked<Entries> {
        let span = typed.span;
        match &typed.value {
            Value::Constant(Constant::List(items)) => {
                Ok(items.iter().map(|item| (item.clone(), span)).collect())
            }
            Value::Constant(constant @ (Constant::Range(..) | Constant::Network(_))) => {
                Ok(vec![(constant.clone(), span)])
            }
            Value::Constant(Constant::Word(word)) => self.unknown_word(word, span),
            other => {
                let message =
                    format!("`in` needs a range, a network or a set, and this is {}", describe(typed));
                let help = match other {
                    Value::Term(Term::Text(..)) | Value::Constant(Constant::Text(_)) => {
                        Some("to look for text within text, write `text.contains(..)`")
                    }
                    Value::Constant(Constant::Int(_) | Constant::Address(_)) => {
                        Some("compare it: write `==`")
                    }
                    _ => Some("write it out: `x in [22, 2222]`, `x in 1..=1024`, `x in net(\"10.0.0.0/8\")`"),
                };
                self.refuse(Diagnostic::error(message).help_if(help.map(str::to_owned)), span)
            }
        }
    }

    pub(super) fn membership(
        &mut self,
        item: Typed,
        entries: Entries,
        set_span: Span,
        span: Span,
    ) -> Checked<Typed> {
        let term = self.settle(&item)?;
        let test = match term {
            Term::Number(number, unit) => self.number_in(&item, number, unit, &entries, span)?,
            Term::Address(address) => {
                let networks = self.each(&item, &entries, |_, constant, _| {
                    Ok(match constant {
                        Constant::Address(address) => Some(Network::single(*address)),
                        Constant::Network(network) => Some(*network),
                        _ => None,
                    })
                })?;
                Test::AddressIn(address, NetworkSet::new(networks))
            }
            Term::Mac(mac) => {
                let mut macs: Vec<Mac> = self.each(&item, &entries, |_, constant, _| {
                    Ok(if let Constant::Mac(mac) = constant { Some(*mac) } else { None })
                })?;
                macs.sort_unstable();
                Test::MacIn(mac, macs.into())
            }
            Term::Text(text, _) => {
                let like = Term::Text(text.clone(), super::super::ir::TextKind::Bytes);
                let mut texts: Vec<Box<[u8]>> = self.each(&item, &entries, |checker, constant, at| {
                    let fitted = checker.fit_quietly(constant, at, &like)?;
                    Ok(
                        if let Some(Term::Text(Text { origin: TextOrigin::Constant(bytes), case }, _)) =
                            fitted
                        {
                            checker.warn_capitals(
                                &text,
                                &Text { origin: TextOrigin::Constant(bytes.clone()), case },
                                at,
                            );
                            Some(bytes)
                        } else {
                            None
                        },
                    )
                })?;
                texts.sort_unstable();
                Test::TextIn(text, texts.into())
            }
            Term::Bool(_) => {
                let message = format!("{} cannot be in a set", self.quoted(&item));
                return self.refuse(Diagnostic::error(message).help("write it, or `!` before it"), item.span);
            }
        };
        let test = if entries.is_empty() {
            self.report(Diagnostic::warning("this can never hold: the set is empty"), set_span);
            Test::Constant(false)
        } else {
            test
        };
        Ok(Typed { value: Value::Term(Term::Bool(Condition { test, span })), span })
    }

    fn number_in(
        &mut self,
        item: &Typed,
        number: Number,
        unit: Unit,
        entries: &Entries,
        span: Span,
    ) -> Checked<Test> {
        let like = Term::Number(Number::Constant(0), unit);
        let ranges = self.each(item, entries, |checker, constant, at| {
            if let (Constant::Range(low, high), Unit::Plain | Unit::Named(_)) = (constant, unit) {
                return Ok(Some((*low, *high)));
            }
            Ok(match checker.fit_quietly(constant, at, &like)? {
                Some(Term::Number(Number::Constant(value), _)) => Some((value, value)),
                _ => None,
            })
        })?;
        let set = RangeSet::new(ranges);
        let (least, most) = bounds(&number);
        let reachable = |&(low, high): &(i64, i64)| i128::from(high) >= least && i128::from(low) <= most;
        if !set.ranges().iter().any(reachable) && !entries.is_empty() {
            let why = if set.is_empty() {
                "the range is empty".to_owned()
            } else {
                format!("`{}` is between {least} and {most}", self.text(item.span))
            };
            self.report(Diagnostic::warning("this can never hold").help(why), span);
            return Ok(Test::Constant(false));
        }
        Ok(Test::NumberIn(number, set))
    }

    /// Every member of a set as the type of the item; those that do not fit are
    /// reported, all of them.
    fn each<T>(
        &mut self,
        item: &Typed,
        entries: &Entries,
        mut convert: impl FnMut(&mut Self, &Constant, Span) -> Checked<Option<T>>,
    ) -> Checked<Vec<T>> {
        let mut members = Vec::with_capacity(entries.len());
        let mut failed = None;
        for (constant, span) in entries {
            match convert(self, constant, *span) {
                Ok(Some(member)) => members.push(member),
                Ok(None) => {
                    let message = format!(
                        "{} cannot be in a set that holds {}",
                        self.quoted(item),
                        constant.describe()
                    );
                    let help = match constant {
                        Constant::List(_) => Some("join sets with `+`: `const ALL = A + B;`".to_owned()),
                        Constant::Range(..) | Constant::Network(_) => None,
                        _ => self.remedy(item, constant),
                    };
                    failed = self.refuse::<()>(Diagnostic::error(message).help_if(help), *span).err();
                }
                Err(reported) => failed = Some(reported),
            }
        }
        failed.map_or(Ok(members), Err)
    }

    /// A value as a term of its own type.
    pub(super) fn settle(&mut self, typed: &Typed) -> Checked<Term> {
        let constant = match &typed.value {
            Value::Term(term) => return Ok(term.clone()),
            Value::Constant(constant) => constant,
        };
        if let Some((text, kind)) = to_text(typed) {
            return Ok(Term::Text(text, kind));
        }
        match constant {
            Constant::Bool(value) => {
                Ok(Term::Bool(Condition { test: Test::Constant(*value), span: typed.span }))
            }
            Constant::Int(value) => Ok(Term::Number(Number::Constant(*value), Unit::Plain)),
            Constant::Address(address) => Ok(Term::Address(Address::Constant(*address))),
            Constant::Mac(mac) => Ok(Term::Mac(HardwareAddress::Constant(*mac))),
            Constant::Word(word) => self.unknown_word(word, typed.span),
            other => {
                let message = format!("{} is not a single value", other.describe());
                self.refuse(Diagnostic::error(message), typed.span)
            }
        }
    }
}
