//! Calls in conditions: `has`, the makers of constants, what text can be asked,
//! and the script's own functions, which are written out in place.

use super::super::constant::{Constant, MAKERS, make};
use super::super::diagnostic::{Diagnostic, Place};
use super::super::fields::SCHEMA;
use super::super::ir::{Case, Condition, Number, Search, Term, Test, Text, TextKind, Unit};
use super::super::source::Span;
use super::super::suggest::did_you_mean;
use super::super::tree::{Expr, ExprKind, Function, Spanned};
use super::extent::Extent;
use super::rule::ACTIONS;
use super::{Checked, Checker, Reported, Typed, Value, dotted, to_text};

/// Levels of functions that call functions.
const CALLS_MAX: usize = 16;

/// Levels of a condition once a function is written out. Evaluation goes down
/// as deep, on a worker's stack; no condition written by hand comes near.
const DEPTH_MAX: usize = 128;

/// Conditions with a memory, and what else is to come.
const LATER_FUNCTIONS: [&str; 8] = ["rate", "distinct", "seen", "chance", "set", "any", "tagged", "probe"];

/// What text can be asked.
const TEXT_METHODS: [&str; 6] = ["contains", "starts_with", "ends_with", "len", "lower", "matches"];

impl<'s> Checker<'s> {
    pub(super) fn call(&mut self, name: &'s Spanned<String>, args: &'s [Expr], span: Span) -> Checked<Typed> {
        let script = self.script;
        let own = script.functions.iter().filter(|function| function.name == name.value);
        if let Some(function) = own.clone().find(|function| function.parameters.len() == args.len()) {
            return self.write_out(function, name, args, span);
        }
        if let Some(function) = own.clone().next() {
            let message =
                format!("`{}` takes {}, not {}", name.value, count(function.parameters.len()), args.len());
            return self.refuse(Diagnostic::error(message), span);
        }
        match name.value.as_str() {
            "has" => return self.has(args, span),
            maker if MAKERS.contains(&maker) => return self.make(maker, args, span),
            later if LATER_FUNCTIONS.contains(&later) => return self.later(later, span),
            action if ACTIONS.contains(&action) => {
                let message = format!("`{action}` is an action, not a condition");
                return self
                    .refuse(Diagnostic::error(message).help("actions stand in the braces after it"), span);
            }
            method if TEXT_METHODS.contains(&method) => {
                let message = format!("`{method}` is asked of a text");
                let help = format!("write `text.{method}(..)`");
                return self.refuse(Diagnostic::error(message).help(help), name.span);
            }
            _ => {}
        }
        let known = script.functions.iter().map(|function| function.name.as_str());
        let known = known.chain(["has"]).chain(MAKERS).chain(LATER_FUNCTIONS);
        let help = did_you_mean(&name.value, known)
            .unwrap_or_else(|| "define it with `fn`, its body one condition".to_owned());
        let message = format!("no function `{}`", name.value);
        self.refuse(Diagnostic::error(message).help(help), name.span)
    }

    fn later<T>(&mut self, name: &str, span: Span) -> Checked<T> {
        let message = format!("`{name}` is not in this version: conditions have no memory yet");
        self.refuse(Diagnostic::error(message).help("leave it out, or decide by fields alone"), span)
    }

    fn has(&mut self, args: &'s [Expr], span: Span) -> Checked<Typed> {
        let [Expr { kind: ExprKind::Path(words), span: path }] = args else {
            let message = "`has` takes the name of one field";
            return self.refuse(Diagnostic::error(message).help("write `has(tcp.dstport)`"), span);
        };
        // The field's own check says what is wrong with the name, or the event.
        let Some(field) = SCHEMA.field(&dotted(words)) else {
            return self.unknown_field(&dotted(words), *path);
        };
        self.field(field, *path)?;
        Ok(boolean(Test::Has(field), span))
    }

    fn make(&mut self, maker: &str, args: &'s [Expr], span: Span) -> Checked<Typed> {
        let typed = match args {
            [arg] => Some(self.term(arg)?),
            _ => None,
        };
        let Some(Value::Constant(Constant::Text(text))) = typed.map(|typed| typed.value) else {
            let message = format!("`{maker}` takes one constant string");
            return self.refuse(Diagnostic::error(message), span);
        };
        match make(maker, &text) {
            Some(Ok(constant)) => Ok(Typed { value: Value::Constant(constant), span }),
            Some(Err(bad)) => self.refuse(Diagnostic::error(bad.message).help_if(bad.help), span),
            None => Err(Reported),
        }
    }

    /// A function's body, with its parameters standing for the arguments.
    fn write_out(
        &mut self,
        function: &'s Function,
        name: &'s Spanned<String>,
        args: &'s [Expr],
        span: Span,
    ) -> Checked<Typed> {
        let args: Vec<_> = args.iter().map(|arg| self.term(arg)).collect();
        let args: Vec<_> = args.into_iter().collect::<Checked<_>>()?;
        let Some(body) = &function.body else {
            let message =
                format!("`{}` cannot be called in a condition: its body is not one expression", name.value);
            let help = "a condition is written out, never run: make the body one condition";
            return self.refuse(Diagnostic::error(message).help(help), span);
        };
        if self.calls.contains(&function.name.as_str()) {
            let message = format!("`{}` calls itself", function.name);
            return self
                .refuse(Diagnostic::error(message).help("a condition is written out, so it must end"), span);
        }
        if self.calls.len() == CALLS_MAX {
            let message = format!("functions call functions more than {CALLS_MAX} levels deep");
            return self.refuse(Diagnostic::error(message), span);
        }
        let names = function.parameters.iter().map(String::as_str);
        let outer = std::mem::replace(&mut self.parameters, names.zip(args).collect());
        self.calls.push(&function.name);
        let known = self.found.len();
        let typed = self.term(body);
        self.calls.pop();
        self.parameters = outer;
        // A mistake in the body may be the fault of this call.
        let source = self.source;
        for diagnostic in self.found.iter_mut().skip(known).filter(|diagnostic| diagnostic.related.is_none())
        {
            let place = Place { source: source.clone(), span };
            diagnostic.related = Some((place, "called here".to_owned()));
        }
        let typed = Typed { value: typed?.value, span };
        if Extent::of(&typed).depth > DEPTH_MAX {
            let message = format!("this condition is nested more than {DEPTH_MAX} levels deep");
            return self.refuse(Diagnostic::error(message).help("split it into several rules"), span);
        }
        Ok(typed)
    }

    pub(super) fn method(
        &mut self,
        target: &'s Expr,
        name: &'s Spanned<String>,
        args: &'s [Expr],
        span: Span,
    ) -> Checked<Typed> {
        if LATER_FUNCTIONS.contains(&name.value.as_str()) {
            return self.later(&name.value, span);
        }
        let (target, args): (_, Vec<_>) =
            (self.term(target), args.iter().map(|arg| self.term(arg)).collect());
        let target = target?;
        let args: Vec<_> = args.into_iter().collect::<Checked<_>>()?;
        if let Some((text, kind)) = to_text(&target) {
            return self.ask_text(text, kind, name, args, span);
        }
        if let (
            Value::Constant(Constant::List(_) | Constant::Range(..) | Constant::Network(_)),
            "contains",
            [_],
        ) = (&target.value, name.value.as_str(), args.as_slice())
        {
            let entries = self.members(&target)?;
            return match args.into_iter().next() {
                Some(item) => self.membership(item, entries, target.span, span),
                None => Err(Reported),
            };
        }
        if let Value::Constant(Constant::Word(word)) = &target.value {
            return self.unknown_word(&word.clone(), target.span);
        }
        let message = format!("{} has no `{}`", self.quoted(&target), name.value);
        let help =
            TEXT_METHODS.contains(&name.value.as_str()).then(|| "only text can be asked this".to_owned());
        self.refuse(Diagnostic::error(message).help_if(help), name.span)
    }

    fn ask_text(
        &mut self,
        text: Text,
        kind: TextKind,
        name: &Spanned<String>,
        args: Vec<Typed>,
        span: Span,
    ) -> Checked<Typed> {
        let search = match (name.value.as_str(), args.len()) {
            ("contains", 1) => Search::Contains,
            ("starts_with", 1) => Search::StartsWith,
            ("ends_with", 1) => Search::EndsWith,
            ("len", 0) => {
                let number = Term::Number(Number::Length(text), Unit::Plain);
                return Ok(Typed { value: Value::Term(number), span });
            }
            ("lower", 0) => {
                let text = Text { case: Case::Lowered, ..text };
                return Ok(Typed { value: Value::Term(Term::Text(text, kind)), span });
            }
            ("matches", _) => {
                let message = "`matches` is not in this version: it comes with the payload events";
                return self.refuse(
                    Diagnostic::error(message).help("use `contains`, `starts_with` or `ends_with`"),
                    span,
                );
            }
            (method, _) if TEXT_METHODS.contains(&method) => {
                let wanted = count(usize::from(!matches!(method, "len" | "lower")));
                return self.refuse(
                    Diagnostic::error(format!("`{method}` takes {wanted}, not {}", args.len())),
                    span,
                );
            }
            (method, _) => {
                let help = match method {
                    "to_lower" => Some("did you mean `lower`?".to_owned()),
                    "is_empty" => Some("ask for its length: `.len() == 0`".to_owned()),
                    _ => did_you_mean(method, TEXT_METHODS.into_iter()),
                };
                return self
                    .refuse(Diagnostic::error(format!("text has no `{method}`")).help_if(help), name.span);
            }
        };
        let Some(pattern) = args.first() else { return Err(Reported) };
        let Some((needle, _)) = to_text(pattern) else {
            if let Value::Constant(Constant::Word(word)) = &pattern.value {
                return self.unknown_word(&word.clone(), pattern.span);
            }
            let message = format!("`{}` looks for text, not for {}", name.value, self.quoted(pattern));
            return self.refuse(Diagnostic::error(message).help("a text has double quotes"), pattern.span);
        };
        self.warn_capitals(&text, &needle, pattern.span);
        Ok(boolean(Test::Search(search, text, needle), span))
    }
}

fn boolean(test: Test, span: Span) -> Typed {
    Typed { value: Value::Term(Term::Bool(Condition { test, span })), span }
}

fn count(arguments: usize) -> String {
    match arguments {
        0 => "no argument".to_owned(),
        1 => "1 argument".to_owned(),
        more => format!("{more} arguments"),
    }
}
