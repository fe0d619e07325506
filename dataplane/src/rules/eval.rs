//! Evaluation by a plain walk of the typed form.
//!
//! It allocates nothing and cannot fail: what is absent makes its term false
//! (the rules are stated in [`super::ir`]). It is written to be read, not to be
//! fast: whatever faster way there is must agree with it.

use std::net::IpAddr;

use super::fields::{Facts, FieldRef};
use super::ir::{
    Address, Case, Condition, Equality, HardwareAddress, Number, Search, Test, Text, TextOrigin, shift,
};
use crate::event::Value;
use crate::wire::Mac;

/// Whether a condition holds.
pub fn holds(condition: &Condition, facts: &Facts<'_>) -> bool {
    term(condition, facts).unwrap_or(false)
}

/// The truth of a condition as an operand of `==` or of a message: a bool field
/// by itself may be absent there as any other field; every other condition is
/// true or false.
pub fn truth(condition: &Condition, facts: &Facts<'_>) -> Option<bool> {
    match condition.test {
        Test::Flag(field) => boolean(field, facts),
        _ => Some(holds(condition, facts)),
    }
}

/// The answer of one test; `None` where an operand is absent.
fn term(condition: &Condition, facts: &Facts<'_>) -> Option<bool> {
    Some(match &condition.test {
        Test::Constant(value) => *value,
        Test::Flag(field) => boolean(*field, facts)?,
        Test::Has(field) => field.read(facts).is_some(),
        Test::Not(inner) => !holds(inner, facts),
        Test::All(terms) => terms.iter().all(|term| holds(term, facts)),
        Test::Any(terms) => terms.iter().any(|term| holds(term, facts)),
        Test::SameBool(sides, equality) => equality.of(truth(&sides.0, facts)? == truth(&sides.1, facts)?),
        Test::Compare(order, lhs, rhs) => order.holds(number(lhs, facts)?, number(rhs, facts)?),
        Test::NumberIn(item, set) => set.contains(number(item, facts)?),
        Test::SameAddress(lhs, rhs, equality) => equality.of(address(*lhs, facts)? == address(*rhs, facts)?),
        Test::AddressIn(item, set) => set.contains(address(*item, facts)?),
        Test::SameMac(lhs, rhs, equality) => equality.of(mac(*lhs, facts)? == mac(*rhs, facts)?),
        Test::MacIn(item, set) => set.binary_search(&mac(*item, facts)?).is_ok(),
        Test::SameText(lhs, rhs, equality) => {
            let (left, right) = (bytes(lhs, facts)?, bytes(rhs, facts)?);
            equality.of(read(left, lhs.case).eq(read(right, rhs.case)))
        }
        Test::TextIn(item, set) => {
            let text = bytes(item, facts)?;
            set.binary_search_by(|member| member.iter().copied().cmp(read(text, item.case))).is_ok()
        }
        Test::Search(search, text, pattern) => {
            let (hay, needle) = (bytes(text, facts)?, bytes(pattern, facts)?);
            let same = |part: &[u8]| read(part, text.case).eq(read(needle, pattern.case));
            match search {
                Search::StartsWith => hay.get(..needle.len()).is_some_and(same),
                Search::EndsWith => {
                    hay.len().checked_sub(needle.len()).and_then(|at| hay.get(at..)).is_some_and(same)
                }
                Search::Contains => needle.is_empty() || hay.windows(needle.len()).any(same),
            }
        }
    })
}

/// A number's value; `None` where it is absent or does not fit.
pub fn number(number: &Number, facts: &Facts<'_>) -> Option<i64> {
    match number {
        Number::Constant(value) => Some(*value),
        Number::Field(field) => match field.read(facts)? {
            Value::Int(value) => Some(value),
            Value::Duration(nanos) => Some(i64::try_from(nanos).unwrap_or(i64::MAX)),
            _ => mistyped(*field),
        },
        Number::Length(text) => i64::try_from(bytes(text, facts)?.len()).ok(),
        Number::Negate(inner) => self::number(inner, facts)?.checked_neg(),
        Number::Binary(arithmetic, sides) => {
            arithmetic.apply(self::number(&sides.0, facts)?, self::number(&sides.1, facts)?)
        }
        Number::Shift(value, count) => Some(shift(self::number(value, facts)?, *count)),
    }
}

/// A text's bytes, its case not yet folded; `None` where it is absent.
pub fn bytes<'a>(text: &'a Text, facts: &'a Facts<'a>) -> Option<&'a [u8]> {
    match &text.origin {
        TextOrigin::Constant(bytes) => Some(bytes),
        TextOrigin::Field(field) => match field.read(facts)? {
            Value::Bytes(bytes) => Some(bytes),
            Value::Str(text) => Some(text.as_bytes()),
            _ => mistyped(*field),
        },
    }
}

/// An address; `None` where it is absent.
pub fn address(address: Address, facts: &Facts<'_>) -> Option<IpAddr> {
    match address {
        Address::Constant(address) => Some(address),
        Address::Field(field) => match field.read(facts)? {
            Value::Ip(address) => Some(address),
            _ => mistyped(field),
        },
    }
}

/// An Ethernet address; `None` where it is absent.
pub fn mac(address: HardwareAddress, facts: &Facts<'_>) -> Option<Mac> {
    match address {
        HardwareAddress::Constant(mac) => Some(mac),
        HardwareAddress::Field(field) => match field.read(facts)? {
            Value::Mac(mac) => Some(mac),
            _ => mistyped(field),
        },
    }
}

fn boolean(field: FieldRef, facts: &Facts<'_>) -> Option<bool> {
    match field.read(facts)? {
        Value::Bool(value) => Some(value),
        _ => mistyped(field),
    }
}

/// A reader gave a value that is not of the kind its field declares.
fn mistyped<T>(field: FieldRef) -> Option<T> {
    debug_assert!(false, "{field:?} does not read what it declares");
    None
}

fn read(bytes: &[u8], case: Case) -> impl Iterator<Item = u8> {
    bytes.iter().map(move |&byte| case.read(byte))
}

impl Equality {
    const fn of(self, same: bool) -> bool {
        match self {
            Self::Same => same,
            Self::Differs => !same,
        }
    }
}
