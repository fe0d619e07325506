//! What the operator decided: rules in Rhai, checked at load, judged by without
//! entering Rhai.
//!
//! A file goes through these hands, one file each:
//!
//! | | from | to |
//! |---|---|---|
//! | [`load`] | paths | [`source`]s, and at the end a [`set`] |
//! | `syntax` | text | Rhai's tree (`rule` and `test` are custom syntax), and the values of its constants |
//! | `ast` | Rhai's tree | our own, `tree`: the only file that knows Rhai's |
//! | `check` | `tree` and the schema in [`fields`] | the typed form in [`ir`], or [`diagnostic`]s |
//! | [`action`] | | what a match does |
//! | [`eval`] | [`ir`] and the facts of an event | true or false |
//!
//! Always: a condition never allocates, never fails and never runs a script; a
//! set never changes; every mistake of every file is shown at once, at its
//! place, with a remedy. Rhai is known to `syntax`, `ast` and `constant` only.
//!
//! This folder never reads a packet's bytes by itself (it asks [`fields`]),
//! never keeps state between events, and does no I/O but to read rule files.

pub mod action;
mod ast;
mod check;
mod constant;
pub mod diagnostic;
pub mod doc;
pub mod eval;
pub mod fields;
pub mod ir;
pub mod load;
pub mod meta;
pub mod set;
pub mod sets;
pub mod source;
mod suggest;
mod syntax;
mod tree;

pub use diagnostic::{Diagnostic, RuleErrors};
pub use fields::Facts;
pub use load::Loaded;
pub use meta::RuleMeta;
pub use set::{Judgement, Reaction, RuleInfo, RuleSet, RuleTest};

#[cfg(test)]
mod tests;
