//! A rule as a whole: its event, its metadata, its actions.

use std::sync::Arc;

use super::super::action::{Actions, Message, Piece, Step};
use super::super::constant::Constant;
use super::super::diagnostic::{Diagnostic, Place};
use super::super::fields::SCHEMA;
use super::super::ir::{Condition, Test};
use super::super::meta::{ID_MAX, RuleMeta, SEVERITY_DEFAULT, id_of};
use super::super::source::{Source, Span};
use super::super::suggest::did_you_mean;
use super::super::syntax::Constants;
use super::super::tree::{Expr, ExprKind, Misplaced, Rule, Script, Spanned};
use super::{Checked, Checker, Reported, Value};
use crate::event::EventKind;
use crate::verdict::Verdict;

/// A rule that is ready to be judged by.
#[derive(Debug)]
pub(in super::super) struct Compiled {
    pub(in super::super) meta: Arc<RuleMeta>,
    pub(in super::super) event: EventKind,
    pub(in super::super) condition: Condition,
    pub(in super::super) actions: Actions,
    /// Where its name stands.
    pub(in super::super) place: Place,
}

/// The actions of this version.
pub(super) const ACTIONS: [&str; 5] = ["accept", "drop", "reject", "alert", "log"];

/// Actions that are to come.
const LATER_ACTIONS: [&str; 9] =
    ["bypass", "tag", "capture", "block", "count", "learn", "set", "replace", "probe"];

/// Events that are to come.
const LATER_EVENTS: [&str; 4] = ["tcp_data", "udp_data", "posture_change", "anomaly"];

const META_KEYS: [&str; 3] = ["id", "severity", "tags"];

/// Checks a file: its rules that are right, and everything that is wrong.
pub(in super::super) fn check_file(
    source: &Arc<Source>,
    script: &Script,
    constants: &Constants,
) -> (Vec<Compiled>, Vec<Diagnostic>) {
    let mut checker = Checker {
        source,
        script,
        constants,
        event: EventKind::Packet,
        found: Vec::new(),
        parameters: Vec::new(),
        calls: Vec::new(),
        nodes: 0,
    };
    for (what, span) in &script.misplaced {
        checker.report(misplaced(*what), *span);
    }
    let rules = script.rules.iter().filter_map(|rule| checker.rule(rule).ok()).collect();
    (rules, checker.found)
}

fn misplaced(what: Misplaced) -> Diagnostic {
    match what {
        Misplaced::Import => Diagnostic::error("`import` is not in this version")
            .help("write what is shared into this file: constants and functions belong to their file"),
        Misplaced::Export => Diagnostic::error("`export` is not in this version")
            .help("leave it out: constants and functions belong to their file"),
        Misplaced::Declaration => Diagnostic::error("rules and tests stand at the top level of a file")
            .help("move it out of the braces; what decides whether it matches belongs after `when`"),
    }
}

impl<'s> Checker<'s> {
    fn rule(&mut self, rule: &'s Rule) -> Checked<Compiled> {
        self.nodes = 0;
        let before = self.found.len();
        let name = self.rule_name(&rule.name);
        let meta = self.meta(rule);
        let event = self.event(&rule.event);
        // Without the event there is no telling which fields are there.
        self.event = event?;
        let condition = match &rule.condition {
            Some(condition) => self.condition(condition),
            None => Ok(Condition { test: Test::Constant(true), span: rule.name.span }),
        };
        let actions = self.actions(rule);
        let (meta, condition, actions) = (meta?, condition?, actions?);
        name?;
        if condition.test == Test::Constant(false) && self.found.len() == before {
            self.report(Diagnostic::warning("this condition never holds"), condition.span);
        }
        Ok(Compiled {
            meta: Arc::new(meta),
            event: self.event,
            condition,
            actions,
            place: Place { source: Arc::clone(self.source), span: rule.name.span },
        })
    }

    fn rule_name(&mut self, name: &Spanned<String>) -> Checked<()> {
        if name.value.trim().is_empty() {
            let diagnostic =
                Diagnostic::error("a rule needs a name").help("events and counters call it by its name");
            return self.refuse(diagnostic, name.span);
        }
        Ok(())
    }

    fn event(&mut self, event: &Spanned<String>) -> Checked<EventKind> {
        if let Some(kind) = EventKind::ALL.into_iter().find(|kind| kind.name() == event.value) {
            return Ok(kind);
        }
        let known = EventKind::ALL.map(EventKind::name);
        let has = format!("this version has {}", known.map(|name| format!("`{name}`")).join(", "));
        if LATER_EVENTS.contains(&event.value.as_str()) {
            let message = format!("the event `{}` is not in this version", event.value);
            return self.refuse(Diagnostic::error(message).help(has), event.span);
        }
        let help = did_you_mean(&event.value, known.into_iter().chain(LATER_EVENTS)).unwrap_or(has);
        self.refuse(Diagnostic::error(format!("no event `{}`", event.value)).help(help), event.span)
    }

    fn meta(&mut self, rule: &'s Rule) -> Checked<RuleMeta> {
        let name = rule.name.value.clone();
        let mut meta = RuleMeta { id: id_of(&name), name, severity: SEVERITY_DEFAULT, tags: Vec::new() };
        let Some(expr) = &rule.meta else { return Ok(meta) };
        let ExprKind::Map(entries) = &expr.kind else {
            return self
                .refuse(Diagnostic::error("metadata is a map").help("write `#{ id: 1001 }`"), expr.span);
        };
        let mut outcome = Ok(());
        for (key, value) in entries {
            outcome = self.meta_entry(&mut meta, key, value).and(outcome);
        }
        outcome.map(|()| meta)
    }

    fn meta_entry(&mut self, meta: &mut RuleMeta, key: &Spanned<String>, value: &'s Expr) -> Checked<()> {
        if !META_KEYS.contains(&key.value.as_str()) {
            let message = format!("metadata has no `{}`", key.value);
            let help = did_you_mean(&key.value, META_KEYS.into_iter())
                .unwrap_or_else(|| "it has `id`, `severity` and `tags`".to_owned());
            return self.refuse(Diagnostic::error(message).help(help), key.span);
        }
        let constant = match self.term(value)?.value {
            Value::Constant(constant) => Some(constant),
            Value::Term(_) => None,
        };
        match (key.value.as_str(), constant) {
            ("id", Some(Constant::Int(id))) if (1..=i64::from(ID_MAX)).contains(&id) => {
                meta.id = u32::try_from(id).unwrap_or(ID_MAX);
            }
            ("severity", Some(Constant::Int(level @ 1..=3))) => {
                meta.severity = u8::try_from(level).unwrap_or(3);
            }
            ("severity", Some(Constant::Text(word))) if severity(&word).is_some() => {
                meta.severity = severity(&word).unwrap_or(SEVERITY_DEFAULT);
            }
            ("tags", Some(Constant::List(tags)))
                if tags.iter().all(|tag| matches!(tag, Constant::Text(_))) =>
            {
                let text = |tag| if let Constant::Text(tag) = tag { Some(tag) } else { None };
                meta.tags = tags.into_iter().filter_map(text).collect();
            }
            (key, _) => {
                let wanted = match key {
                    "id" => format!("a number from 1 to {ID_MAX}"),
                    "severity" => "\"high\", \"medium\", \"low\", or 1 to 3".to_owned(),
                    _ => "a list of strings".to_owned(),
                };
                return self.refuse(Diagnostic::error(format!("`{key}` is {wanted}")), value.span);
            }
        }
        Ok(())
    }

    fn actions(&mut self, rule: &'s Rule) -> Checked<Actions> {
        let mut steps = Vec::new();
        let mut verdict = None;
        let mut outcome = Ok(());
        let mut unreached = false;
        for statement in &rule.body {
            if verdict.is_some() && !unreached {
                unreached = true;
                let warning =
                    Diagnostic::warning("this is never reached: the verdict before it ends the evaluation");
                self.report(warning.help("move it before the verdict"), statement.span);
            }
            match self.action(statement) {
                Ok(_) if verdict.is_some() => {}
                Ok(Action::Step(step)) => steps.push(step),
                Ok(Action::Verdict(given)) => verdict = Some(given),
                Err(reported) => outcome = Err(reported),
            }
        }
        if rule.body.is_empty() {
            let warning = Diagnostic::warning("this rule does nothing");
            self.report(
                warning.help("write an action, such as `accept();` or `alert(\"..\");`"),
                rule.body_span,
            );
        }
        outcome.map(|()| Actions { steps: steps.into(), verdict })
    }

    fn action(&mut self, statement: &'s Expr) -> Checked<Action> {
        let span = statement.span;
        match &statement.kind {
            ExprKind::Call(name, args) => self.called_action(name, args, span),
            ExprKind::Path(words) if words.iter().any(|word| ACTIONS.contains(&word.value.as_str())) => {
                let name = self.text(span);
                let call = if matches!(name, "alert" | "log") { "(\"..\")" } else { "()" };
                let message = format!("`{name}` is an action and needs its parentheses");
                self.refuse(Diagnostic::error(message).help(format!("write `{name}{call};`")), span)
            }
            ExprKind::Unsupported(what) => {
                let message = format!("{what} is not in this version: a body is a list of actions");
                let help = "decide after `when`, and write one rule for each case";
                self.refuse(Diagnostic::error(message).help(help), span)
            }
            _ => {
                let message = "a body is a list of actions, and this is none";
                self.refuse(Diagnostic::error(message).help(has_actions()), span)
            }
        }
    }

    fn called_action(&mut self, name: &'s Spanned<String>, args: &'s [Expr], span: Span) -> Checked<Action> {
        let verdict = match name.value.as_str() {
            "accept" => Some(Verdict::Accept),
            "drop" => Some(Verdict::Drop),
            "reject" => Some(Verdict::Reject),
            "alert" | "log" => None,
            other => return self.no_action(other, name.span, span),
        };
        match (verdict, args) {
            (Some(verdict), []) => {
                if self.event == EventKind::FlowClose && verdict != Verdict::Accept {
                    let warning = Diagnostic::warning(format!(
                        "`{}` changes nothing here: the flow has ended",
                        name.value
                    ));
                    self.report(warning.help("decide on `flow_open` or on `packet`"), span);
                }
                Ok(Action::Verdict(verdict))
            }
            (Some(_), _) => {
                let message = format!("`{}` takes no argument", name.value);
                self.refuse(Diagnostic::error(message).help("say why in an `alert(..)` before it"), span)
            }
            (None, [message]) => {
                let message = self.message(message)?;
                Ok(Action::Step(if name.value == "alert" {
                    Step::Alert(message)
                } else {
                    Step::Log(message)
                }))
            }
            (None, [_, options]) if matches!(options.kind, ExprKind::Map(_)) => {
                let message = format!("options of `{}` are not in this version", name.value);
                self.refuse(
                    Diagnostic::error(message)
                        .help("severity and tags are the rule's: `#{ severity: \"high\" }`"),
                    options.span,
                )
            }
            (None, _) => {
                let message = format!("`{}` takes one message", name.value);
                self.refuse(
                    Diagnostic::error(message).help(format!("write `{}(\"what happened\");`", name.value)),
                    span,
                )
            }
        }
    }

    fn no_action(&mut self, name: &str, name_span: Span, span: Span) -> Checked<Action> {
        if LATER_ACTIONS.contains(&name) {
            let message = format!("the action `{name}` is not in this version");
            return self.refuse(Diagnostic::error(message).help(has_actions()), span);
        }
        if self.script.functions.iter().any(|function| function.name == name) {
            let message = format!("`{name}` is a function of this file: a body is a list of actions");
            return self.refuse(Diagnostic::error(message).help(has_actions()), span);
        }
        let known = ACTIONS.into_iter().chain(LATER_ACTIONS);
        let help = did_you_mean(name, known).unwrap_or_else(has_actions);
        self.refuse(Diagnostic::error(format!("no action `{name}`")).help(help), name_span)
    }

    /// A message: a constant, or a text with values in it.
    fn message(&mut self, expr: &'s Expr) -> Checked<Message> {
        let pieces = match &expr.kind {
            ExprKind::Interpolated(pieces) => pieces.as_slice(),
            _ => std::slice::from_ref(expr),
        };
        let pieces: Vec<_> = pieces.iter().map(|piece| self.piece(piece)).collect();
        Ok(Message(pieces.into_iter().collect::<Checked<_>>()?))
    }

    fn piece(&mut self, expr: &'s Expr) -> Checked<Piece> {
        let typed = self.term(expr)?;
        let constant = match typed.value {
            Value::Term(term) => return Ok(Piece::Value(term)),
            Value::Constant(constant) => constant,
        };
        Ok(Piece::Text(match constant {
            Constant::Bool(value) => value.to_string(),
            Constant::Int(value) => value.to_string(),
            Constant::Text(text) => text,
            Constant::Address(address) => address.to_string(),
            Constant::Network(network) => network.to_string(),
            Constant::Mac(mac) => mac.to_string(),
            Constant::Word(word) if SCHEMA.enum_words().any(|known| known == word) => word,
            Constant::Word(word) => return self.unknown_word(&word, expr.span),
            other => {
                let message = format!("a message cannot show {}", other.describe());
                self.report(Diagnostic::error(message), expr.span);
                return Err(Reported);
            }
        }))
    }
}

/// One statement of a body.
enum Action {
    Step(Step),
    Verdict(Verdict),
}

fn has_actions() -> String {
    "this version has `accept()`, `drop()`, `reject()`, `alert(message)` and `log(message)`".to_owned()
}

fn severity(word: &str) -> Option<u8> {
    match word {
        "high" => Some(1),
        "medium" => Some(2),
        "low" => Some(3),
        _ => None,
    }
}
