//! What rules are asked about when a message has come.

use super::Family;
use crate::wire::dns::{Message, Type};

/// A question, or an answer with the question that it is to.
#[derive(Clone, Copy, Debug)]
pub struct DnsFacts<'a> {
    /// The whole message.
    pub message: Message<'a>,
    /// Which protocol it is of.
    pub family: Family,
    /// The name asked for, in lower case: what is asked in mixed case is the same
    /// (RFC 4343). Empty for the root, and for an answer that repeats no question.
    pub name: &'a str,
    /// What is asked for; `None` where no question is repeated.
    pub kind: Option<Type>,
    /// Whether it is an answer that nobody asked for.
    pub is_unsolicited: bool,
}
