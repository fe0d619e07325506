//! The typed form of a condition: what is left when names, types and constants
//! are settled.
//!
//! **Absent values.** A term (a comparison, `in`, `contains`, a bool field by
//! itself, ...) one of whose operands is absent is false. `&&`, `||` and `!`
//! are ordinary: they see only true and false. So `a != 1` is false where `a`
//! is absent, and `!(a == 1)` is true there; the two differ exactly in that,
//! and no transformation may turn the one into the other unless `a` is known
//! to be there. `(a == 1) == (b == 2)` compares two settled answers; only a bool
//! field by itself is an operand that can be absent.
//!
//! **Arithmetic** is on signed 64 bits and checked: where a sum, a difference,
//! a product or a negation does not fit, the value is absent, so the term is
//! false; a wrapped number never matches. `<<` loses the bits that it pushes
//! out, `>>` keeps the sign; their counts are constants from 0 to 63.
//!
//! **`lower()`** folds ASCII letters only, as protocols do.

use std::net::IpAddr;

use super::fields::FieldRef;
use super::sets::{NetworkSet, RangeSet};
use super::source::Span;
use crate::event::EnumNames;
use crate::wire::Mac;

/// A condition, and where it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What it asks.
    pub test: Test,
    /// Where.
    pub span: Span,
}

/// What a condition asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Nothing: the answer is known.
    Constant(bool),
    /// A bool field by itself.
    Flag(FieldRef),
    /// `has(field)`.
    Has(FieldRef),
    /// `!c`.
    Not(Box<Condition>),
    /// `a && b && ..`: in order, until one is false.
    All(Box<[Condition]>),
    /// `a || b || ..`: in order, until one is true.
    Any(Box<[Condition]>),
    /// Two truth values, equal or not.
    SameBool(Box<(Condition, Condition)>, Equality),
    /// Two numbers (also names of enumerations, and nanoseconds).
    Compare(Order, Number, Number),
    /// A number in a set.
    NumberIn(Number, RangeSet<i64>),
    /// Two addresses.
    SameAddress(Address, Address, Equality),
    /// An address in networks.
    AddressIn(Address, NetworkSet),
    /// Two hardware addresses.
    SameMac(HardwareAddress, HardwareAddress, Equality),
    /// A hardware address in a sorted list.
    MacIn(HardwareAddress, Box<[Mac]>),
    /// Two texts, byte by byte.
    SameText(Text, Text, Equality),
    /// A text in a sorted list.
    TextIn(Text, Box<[Box<[u8]>]>),
    /// The second text within the first.
    Search(Search, Text, Text),
}

/// `==` or `!=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Equality {
    /// `==`.
    Same,
    /// `!=`.
    Differs,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `==`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

impl Order {
    /// Whether it holds between two numbers.
    pub const fn holds(self, lhs: i64, rhs: i64) -> bool {
        match self {
            Self::Equal => lhs == rhs,
            Self::NotEqual => lhs != rhs,
            Self::Less => lhs < rhs,
            Self::LessOrEqual => lhs <= rhs,
            Self::Greater => lhs > rhs,
            Self::GreaterOrEqual => lhs >= rhs,
        }
    }
}

/// Where one text is looked for in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// Anywhere.
    Contains,
    /// At the beginning.
    StartsWith,
    /// At the end.
    EndsWith,
}

/// A number.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// Known.
    Constant(i64),
    /// Read.
    Field(FieldRef),
    /// Bytes of a text.
    Length(Text),
    /// `-n`.
    Negate(Box<Number>),
    /// Two numbers made one.
    Binary(Arithmetic, Box<(Number, Number)>),
    /// `n << count` or, with a negative count, `n >> -count`.
    Shift(Box<Number>, i8),
}

/// How two numbers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`, checked.
    Add,
    /// `-`, checked.
    Subtract,
    /// `*`, checked.
    Multiply,
    /// `&`.
    And,
    /// `|`.
    Or,
    /// `^`.
    Xor,
}

impl Arithmetic {
    /// The result; `None` where it does not fit.
    pub const fn apply(self, lhs: i64, rhs: i64) -> Option<i64> {
        match self {
            Self::Add => lhs.checked_add(rhs),
            Self::Subtract => lhs.checked_sub(rhs),
            Self::Multiply => lhs.checked_mul(rhs),
            Self::And => Some(lhs & rhs),
            Self::Or => Some(lhs | rhs),
            Self::Xor => Some(lhs ^ rhs),
        }
    }
}

/// `value << count`, or `value >> -count` where the count is negative.
pub const fn shift(value: i64, count: i8) -> i64 {
    let places = count.unsigned_abs() as u32;
    if count < 0 { value.wrapping_shr(places) } else { value.wrapping_shl(places) }
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nothing in particular.
    Plain,
    /// Nanoseconds.
    Duration,
    /// One of these names.
    Named(&'static EnumNames),
}

/// An IP address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Address {
    /// Known.
    Constant(IpAddr),
    /// Read.
    Field(FieldRef),
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HardwareAddress {
    /// Known.
    Constant(Mac),
    /// Read.
    Field(FieldRef),
}

/// A string or bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Where it comes from.
    pub origin: TextOrigin,
    /// Whether ASCII capitals are read as small letters.
    pub case: Case,
}

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum TextOrigin {
    /// Known.
    Constant(Box<[u8]>),
    /// Read.
    Field(FieldRef),
}

/// How the letters of a text are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// As they are.
    Kept,
    /// `lower()`: ASCII capitals as small letters.
    Lowered,
}

impl Case {
    /// A byte as it is read.
    pub const fn read(self, byte: u8) -> u8 {
        match self {
            Self::Kept => byte,
            Self::Lowered => byte.to_ascii_lowercase(),
        }
    }
}

/// A value of any type, with what is needed to show it.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// True or false.
    Bool(Condition),
    /// A number.
    Number(Number, Unit),
    /// A string, or bytes.
    Text(Text, TextKind),
    /// An IP address.
    Address(Address),
    /// An Ethernet address.
    Mac(HardwareAddress),
}

/// What the bytes of a text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// UTF-8.
    Str,
    /// Anything.
    Bytes,
}
