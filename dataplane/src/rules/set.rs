//! A set of rules, ready to judge by: immutable, shared by all workers, swapped
//! in whole.

use std::sync::Arc;

use super::action::Step;
use super::check::Compiled;
use super::diagnostic::Place;
use super::eval;
use super::fields::Facts;
use super::ir::Condition;
use super::meta::RuleMeta;
use crate::event::EventKind;
use crate::verdict::Verdict;

/// Rules in the order in which they are asked.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Box<[Compiled]>,
    /// Indices into `rules`, by event.
    by_event: [Box<[usize]>; EventKind::ALL.len()],
    tests: Box<[RuleTest]>,
}

/// A `test` block of a file of rules.
#[derive(Clone, Debug)]
pub struct RuleTest {
    /// What it says must hold.
    pub name: String,
    /// Where its name stands.
    pub place: Place,
}

/// What the rules make of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// `None`: no rule decided.
    pub verdict: Option<Verdict>,
    /// The index of the rule that decided.
    pub rule: Option<usize>,
}

/// What becomes of matches while the rules are asked.
pub trait Reaction {
    /// The rule with this index matched. Counters are kept by who listens, one
    /// writer each, never in the set that all workers share.
    fn hit(&mut self, rule: usize);

    /// A rule said `alert(..)`.
    fn alert(&mut self, rule: &Arc<RuleMeta>, message: String);

    /// A rule said `log(..)`.
    fn log(&mut self, rule: &Arc<RuleMeta>, message: String);
}

impl RuleSet {
    pub(super) fn new(rules: Vec<Compiled>, tests: Vec<RuleTest>) -> Self {
        let of = |event| {
            rules.iter().enumerate().filter(|(_, rule)| rule.event == event).map(|(index, _)| index).collect()
        };
        Self { by_event: EventKind::ALL.map(of), rules: rules.into(), tests: tests.into() }
    }

    /// Whether any rule wants to be asked about such events.
    pub fn listens(&self, event: EventKind) -> bool {
        !self.listeners(event).is_empty()
    }

    /// How many rules there are; their indices are below this.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What each rule says of itself, by index.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = RuleInfo<'_>> {
        self.rules.iter().map(|rule| RuleInfo {
            meta: &rule.meta,
            event: rule.event,
            place: &rule.place,
            condition: &rule.condition,
        })
    }

    /// What the rule with this index says of itself.
    pub fn meta(&self, index: usize) -> Option<&Arc<RuleMeta>> {
        self.rules.get(index).map(|rule| &rule.meta)
    }

    /// The `test` blocks of the files, in order.
    pub fn tests(&self) -> &[RuleTest] {
        &self.tests
    }

    /// Asks the rules about an event, in order, until one decides.
    pub fn judge(&self, event: EventKind, facts: &Facts<'_>, reaction: &mut dyn Reaction) -> Judgement {
        for &index in self.listeners(event) {
            let Some(rule) = self.rules.get(index) else { continue };
            if !eval::holds(&rule.condition, facts) {
                continue;
            }
            reaction.hit(index);
            for step in &rule.actions.steps {
                match step {
                    Step::Alert(message) => reaction.alert(&rule.meta, message.compose(facts)),
                    Step::Log(message) => reaction.log(&rule.meta, message.compose(facts)),
                }
            }
            if let Some(verdict) = rule.actions.verdict {
                return Judgement { verdict: Some(verdict), rule: Some(index) };
            }
        }
        Judgement::default()
    }

    fn listeners(&self, event: EventKind) -> &[usize] {
        self.by_event.get(event as usize).map_or(&[], |rules| rules)
    }
}

/// A rule as lists show it.
#[derive(Clone, Copy, Debug)]
pub struct RuleInfo<'r> {
    /// What it says of itself.
    pub meta: &'r Arc<RuleMeta>,
    /// When it is asked.
    pub event: EventKind,
    /// Where it is written.
    pub place: &'r Place,
    /// What it asks.
    pub condition: &'r Condition,
}
