//! Arithmetic, and how far a number can reach.

use super::super::constant::{Constant, parse_duration};
use super::super::diagnostic::Diagnostic;
use super::super::ir::{Arithmetic, Condition, Equality, Number, Order, Term, Test, Unit, shift};
use super::super::source::Span;
use super::super::tree::{Expr, ExprKind, Spanned};
use super::{Checked, Checker, Typed, Value, all, any, to_text};
use crate::event::Kind;

/// The least and the greatest value; wider than any value, so that the bounds
/// themselves cannot overflow.
pub(super) type Bounds = (i128, i128);

const WIDEST: Bounds = (i64::MIN as i128, i64::MAX as i128);

impl<'s> Checker<'s> {
    pub(super) fn binary(
        &mut self,
        operator: &'s Spanned<String>,
        lhs: &'s Expr,
        rhs: &'s Expr,
        span: Span,
    ) -> Checked<Typed> {
        let refused = match operator.value.as_str() {
            "/" => Some("multiply the other side, or shift: `x >> 3` is an eighth of x"),
            "%" => Some("take the lowest bits: `x & 7` is the rest of a division by 8"),
            "**" => Some("write the number out, or shift: `1 << 10` is 1024"),
            _ => None,
        };
        if let Some(help) = refused {
            let message = format!("`{}` is not allowed in a condition", operator.value);
            return self.refuse(Diagnostic::error(message).help(help), operator.span);
        }
        let (left, right) = (self.term(lhs), self.term(rhs));
        let (left, right) = (left?, right?);
        if let Some(order) = Order::from_operator(&operator.value) {
            return self.compare(order, operator, left, right, span);
        }
        match operator.value.as_str() {
            "<<" | ">>" => return self.shifted(operator, &left, &right, span),
            "&" | "|" | "^" if is_bool(&left) && is_bool(&right) => {
                return self.joined(&operator.value, left, right, span);
            }
            "&" | "|" | "^" if is_bool(&right) || is_bool(&left) => {
                return self.mixed(operator, lhs, rhs, &left, &right);
            }
            _ => {}
        }
        let arithmetic = match operator.value.as_str() {
            "+" => Arithmetic::Add,
            "-" => Arithmetic::Subtract,
            "*" => Arithmetic::Multiply,
            "&" => Arithmetic::And,
            "|" => Arithmetic::Or,
            "^" => Arithmetic::Xor,
            other => {
                let message = format!("`{other}` is not allowed in a condition");
                let help = "there are == != < <= > >= && || ! + - * & | ^ << >> and `in`";
                return self.refuse(Diagnostic::error(message).help(help), operator.span);
            }
        };
        self.arithmetic(arithmetic, operator, &left, &right, span)
    }

    fn arithmetic(
        &mut self,
        arithmetic: Arithmetic,
        operator: &Spanned<String>,
        left: &Typed,
        right: &Typed,
        span: Span,
    ) -> Checked<Typed> {
        let (a, unit_a) = self.as_number(left, Some(right))?;
        let (b, unit_b) = self.as_number(right, Some(left))?;
        let unit = match (arithmetic, unit_a, unit_b) {
            (Arithmetic::Add | Arithmetic::Subtract, Unit::Duration, Unit::Duration)
            | (Arithmetic::Multiply, Unit::Duration, Unit::Plain)
            | (Arithmetic::Multiply, Unit::Plain, Unit::Duration) => Unit::Duration,
            (_, Unit::Duration, _) | (_, _, Unit::Duration) => {
                let message = format!(
                    "`{}` does not go with {} and {}",
                    operator.value,
                    self.quoted(left),
                    self.quoted(right)
                );
                let help = "lengths of time are added and subtracted, and multiplied by a number";
                return self.refuse(Diagnostic::error(message).help(help), operator.span);
            }
            _ => Unit::Plain,
        };
        let value = match (a, b, unit) {
            (Number::Constant(a), Number::Constant(b), _) => match (arithmetic.apply(a, b), unit) {
                (None, _) => return self.overflow(span),
                (Some(value), Unit::Plain) => Value::Constant(Constant::Int(value)),
                (Some(value), unit) => Value::Term(Term::Number(Number::Constant(value), unit)),
            },
            (a, b, unit) => Value::Term(Term::Number(Number::Binary(arithmetic, Box::new((a, b))), unit)),
        };
        Ok(Typed { value, span })
    }

    pub(super) fn overflow<T>(&mut self, span: Span) -> Checked<T> {
        self.refuse(Diagnostic::error("this number does not fit into 64 bits"), span)
    }

    /// A value as a number, for arithmetic beside another value.
    pub(super) fn as_number(&mut self, typed: &Typed, beside: Option<&Typed>) -> Checked<(Number, Unit)> {
        let duration =
            beside.is_some_and(|other| matches!(&other.value, Value::Term(Term::Number(_, Unit::Duration))));
        match &typed.value {
            Value::Term(Term::Number(number, unit)) => Ok((number.clone(), *unit)),
            Value::Constant(Constant::Int(value)) => Ok((Number::Constant(*value), Unit::Plain)),
            Value::Constant(Constant::Text(text)) if duration => match parse_duration(text) {
                Ok(nanos) => Ok((Number::Constant(nanos), Unit::Duration)),
                Err(bad) => self.refuse(Diagnostic::error(bad.message).help_if(bad.help), typed.span),
            },
            Value::Constant(Constant::Word(word)) => self.unknown_word(word, typed.span),
            _ => {
                let message = format!("{} is not a number", self.quoted(typed));
                let text = to_text(typed).is_some();
                let help =
                    text.then(|| "text is put together in backticks: `` `from ${ip.src}` ``".to_owned());
                self.refuse(Diagnostic::error(message).help_if(help), typed.span)
            }
        }
    }

    fn shifted(
        &mut self,
        operator: &Spanned<String>,
        left: &Typed,
        right: &Typed,
        span: Span,
    ) -> Checked<Typed> {
        let count = match &right.value {
            Value::Constant(Constant::Int(count)) => {
                i8::try_from(*count).ok().filter(|count| (0..64).contains(count))
            }
            _ => None,
        };
        let Some(count) = count else {
            let message = format!("`{}` shifts by a constant from 0 to 63", operator.value);
            return self.refuse(Diagnostic::error(message), right.span);
        };
        let count = if operator.value == ">>" { -count } else { count };
        let (number, unit) = self.as_number(left, None)?;
        if unit == Unit::Duration {
            let message = format!("`{}` does not go with {}", operator.value, self.quoted(left));
            return self.refuse(Diagnostic::error(message), operator.span);
        }
        let value = match number {
            Number::Constant(value) => Value::Constant(Constant::Int(shift(value, count))),
            number => Value::Term(Term::Number(Number::Shift(Box::new(number), count), Unit::Plain)),
        };
        Ok(Typed { value, span })
    }

    /// `&`, `|`, `^` between conditions: as `&&`, `||`, `!=`.
    fn joined(&mut self, operator: &str, left: Typed, right: Typed, span: Span) -> Checked<Typed> {
        let (left, right) = (self.truth(left)?, self.truth(right)?);
        let test = match operator {
            "&" => all(vec![left, right]),
            "|" => any(vec![left, right]),
            // Each side is settled to true or false first, so that an absent
            // flag counts as false here as it does beside `&` and `|`.
            _ => Test::SameBool(Box::new((settled(left), settled(right))), Equality::Differs),
        };
        Ok(Typed { value: Value::Term(Term::Bool(Condition { test, span })), span })
    }

    /// A number on one side, a condition on the other: most often a mask whose
    /// comparison was read first.
    fn mixed(
        &mut self,
        operator: &Spanned<String>,
        lhs: &Expr,
        rhs: &Expr,
        left: &Typed,
        right: &Typed,
    ) -> Checked<Typed> {
        let op = &operator.value;
        let message =
            format!("`{op}` joins two numbers, not {} and {}", self.quoted(left), self.quoted(right));
        let help = match &rhs.kind {
            ExprKind::Binary(inner, sides) if Order::from_operator(&inner.value).is_some() => format!(
                "`{}` is read before `{op}`: write `({} {op} {}) {} {}`",
                inner.value,
                self.text(lhs.span),
                self.text(sides.0.span),
                inner.value,
                self.text(sides.1.span)
            ),
            _ => "conditions are joined by `&&` and `||`".to_owned(),
        };
        self.refuse(Diagnostic::error(message).help(help), operator.span)
    }
}

/// The condition as one that is never absent.
fn settled(condition: Condition) -> Condition {
    let span = condition.span;
    Condition { test: Test::All(Box::new([condition])), span }
}

fn is_bool(typed: &Typed) -> bool {
    matches!(&typed.value, Value::Term(Term::Bool(_)) | Value::Constant(Constant::Bool(_)))
}

/// How a comparison ends, as far as bounds can tell; where its operands are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Never,
    Always,
    Open,
}

pub(super) fn outcome(order: Order, (a_low, a_high): Bounds, (b_low, b_high): Bounds) -> Outcome {
    let (never, always) = match order {
        Order::Equal => {
            (a_high < b_low || b_high < a_low, a_low == a_high && (a_low, a_high) == (b_low, b_high))
        }
        Order::NotEqual => {
            (a_low == a_high && (a_low, a_high) == (b_low, b_high), a_high < b_low || b_high < a_low)
        }
        Order::Less => (a_low >= b_high, a_high < b_low),
        Order::LessOrEqual => (a_low > b_high, a_high <= b_low),
        Order::Greater => (a_high <= b_low, a_low > b_high),
        Order::GreaterOrEqual => (a_high < b_low, a_low >= b_high),
    };
    match (never, always) {
        (true, _) => Outcome::Never,
        (_, true) => Outcome::Always,
        _ => Outcome::Open,
    }
}

/// The least and the greatest value that a number can have.
pub(super) fn bounds(number: &Number) -> Bounds {
    let reach = match number {
        Number::Constant(value) => (i128::from(*value), i128::from(*value)),
        Number::Field(field) => match field.kind() {
            Kind::Unsigned(bits) => (0, (1 << bits.min(63)) - 1),
            Kind::Duration => (0, WIDEST.1),
            _ => WIDEST,
        },
        Number::Length(_) => (0, WIDEST.1),
        Number::Negate(inner) => {
            let (low, high) = bounds(inner);
            (-high, -low)
        }
        Number::Binary(arithmetic, sides) => binary_bounds(*arithmetic, bounds(&sides.0), bounds(&sides.1)),
        Number::Shift(inner, count) => {
            let (low, high) = bounds(inner);
            let places = u32::from(count.unsigned_abs());
            match (*count < 0, high.checked_shl(places).filter(|shifted| *shifted <= WIDEST.1)) {
                (true, _) => (low >> places, high >> places),
                (false, Some(shifted)) if low >= 0 => (low << places, shifted),
                _ => WIDEST,
            }
        }
    };
    // A value beyond 64 bits is absent, so what is there is within. Both ends
    // are held there, or the next product could leave even 128 bits.
    (reach.0.clamp(WIDEST.0, WIDEST.1), reach.1.clamp(WIDEST.0, WIDEST.1))
}

fn binary_bounds(arithmetic: Arithmetic, (a_low, a_high): Bounds, (b_low, b_high): Bounds) -> Bounds {
    let natural = a_low >= 0 && b_low >= 0;
    match arithmetic {
        Arithmetic::Add => (a_low + b_low, a_high + b_high),
        Arithmetic::Subtract => (a_low - b_high, a_high - b_low),
        Arithmetic::Multiply => {
            let corners = [a_low * b_low, a_low * b_high, a_high * b_low, a_high * b_high];
            corners
                .into_iter()
                .fold((i128::MAX, i128::MIN), |(low, high), corner| (low.min(corner), high.max(corner)))
        }
        Arithmetic::And if b_low >= 0 && a_low < 0 => (0, b_high),
        Arithmetic::And if a_low >= 0 && b_low < 0 => (0, a_high),
        Arithmetic::And if natural => (0, a_high.min(b_high)),
        // No bit above the highest of either side.
        Arithmetic::Or | Arithmetic::Xor if natural => {
            let bits = 128 - (a_high | b_high).leading_zeros();
            (0, (1 << bits) - 1)
        }
        _ => WIDEST,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert, proptest};

    use super::{Arithmetic, Bounds, Number, Order, Outcome, binary_bounds, bounds, outcome, shift};

    fn operand() -> impl Strategy<Value = (i64, Bounds)> {
        (-5_i64..6, 0_i64..3, 0_i64..3)
            .prop_map(|(value, below, above)| (value, (i128::from(value - below), i128::from(value + above))))
    }

    #[test]
    fn bounds_of_what_never_fits_stay_within_64_bits() {
        let product = |a, b| Number::Binary(Arithmetic::Multiply, Box::new((a, b)));
        let least = || Number::Constant(i64::MIN);
        let beyond = product(product(product(least(), least()), least()), product(least(), least()));
        let (low, high) = bounds(&beyond);
        assert!(i64::try_from(low).is_ok() && i64::try_from(high).is_ok());
    }

    proptest! {
        #[test]
        fn bounds_hold_every_result((a, a_bounds) in operand(), (b, b_bounds) in operand()) {
            use Arithmetic::{Add, And, Multiply, Or, Subtract, Xor};
            for arithmetic in [Add, Subtract, Multiply, And, Or, Xor] {
                let (low, high) = binary_bounds(arithmetic, a_bounds, b_bounds);
                let value = i128::from(arithmetic.apply(a, b).unwrap_or(0));
                prop_assert!(low <= value && value <= high, "{a} {arithmetic:?} {b}");
            }
        }

        #[test]
        fn an_outcome_is_never_wrong((a, a_bounds) in operand(), (b, b_bounds) in operand()) {
            use Order::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
            for order in [Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual] {
                match outcome(order, a_bounds, b_bounds) {
                    Outcome::Never => prop_assert!(!order.holds(a, b)),
                    Outcome::Always => prop_assert!(order.holds(a, b)),
                    Outcome::Open => {}
                }
            }
        }

        #[test]
        fn a_shift_stays_within_its_bounds(value in any::<i64>(), count in -63_i8..64) {
            let (low, high) = bounds(&Number::Shift(Box::new(Number::Constant(value)), count));
            let shifted = i128::from(shift(value, count));
            prop_assert!(low <= shifted && shifted <= high);
        }
    }
}
