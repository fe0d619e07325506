//! How large a value has grown while functions were written out.

use super::super::ir::{Condition, Number, Term, Test};
use super::{Typed, Value};

/// Nodes, and how deep they are nested: evaluation goes down as deep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) nodes: usize,
    pub(super) depth: usize,
}

impl Extent {
    pub(super) fn of(typed: &Typed) -> Self {
        match &typed.value {
            Value::Term(Term::Bool(condition)) => Self::of_condition(condition),
            Value::Term(Term::Number(number, _)) => Self::of_number(number),
            _ => Self::default().above(),
        }
    }

    fn of_condition(condition: &Condition) -> Self {
        match &condition.test {
            Test::Not(inner) => Self::of_condition(inner),
            Test::All(terms) | Test::Any(terms) => {
                terms.iter().map(Self::of_condition).fold(Self::default(), Self::beside)
            }
            Test::SameBool(sides, _) => Self::of_condition(&sides.0).beside(Self::of_condition(&sides.1)),
            Test::Compare(_, lhs, rhs) => Self::of_number(lhs).beside(Self::of_number(rhs)),
            Test::NumberIn(item, _) => Self::of_number(item),
            _ => Self::default(),
        }
        .above()
    }

    fn of_number(number: &Number) -> Self {
        match number {
            Number::Negate(inner) | Number::Shift(inner, _) => Self::of_number(inner),
            Number::Binary(_, sides) => Self::of_number(&sides.0).beside(Self::of_number(&sides.1)),
            _ => Self::default(),
        }
        .above()
    }

    fn beside(self, other: Self) -> Self {
        Self { nodes: self.nodes + other.nodes, depth: self.depth.max(other.depth) }
    }

    fn above(self) -> Self {
        Self { nodes: self.nodes + 1, depth: self.depth + 1 }
    }
}
