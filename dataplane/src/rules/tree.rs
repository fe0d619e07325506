//! What an author wrote: our own tree of a rule file, with places.
//!
//! Nothing here knows Rhai, and nothing here has a type yet.

use super::source::Span;

/// A word or a literal, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spanned<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// One file of rules.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) rules: Vec<Rule>,
    pub(super) tests: Vec<Test>,
    pub(super) functions: Vec<Function>,
    /// `import`s, and rules that stand where no rule may.
    pub(super) misplaced: Vec<(Misplaced, Span)>,
}

/// What may not stand where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misplaced {
    Import,
    Export,
    Declaration,
}

/// `rule NAME [META] on EVENT [when CONDITION] { BODY }`
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: Spanned<String>,
    pub(super) meta: Option<Expr>,
    pub(super) event: Spanned<String>,
    pub(super) condition: Option<Expr>,
    pub(super) body: Vec<Expr>,
    pub(super) body_span: Span,
}

/// `test NAME { BODY }`
#[derive(Debug)]
pub(super) struct Test {
    pub(super) name: Spanned<String>,
}

/// `fn NAME(PARAMETERS) { BODY }`
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) parameters: Vec<String>,
    /// The body where it is one expression; only then a condition may call it.
    pub(super) body: Option<Expr>,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expr {
    pub(super) kind: ExprKind,
    pub(super) span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ExprKind {
    Bool(bool),
    Int(i64),
    Text(String),
    /// `a`, `a.b.c`
    Path(Vec<Spanned<String>>),
    /// `f(..)`
    Call(Spanned<String>, Vec<Expr>),
    /// `x.f(..)`
    Method(Box<Expr>, Spanned<String>, Vec<Expr>),
    /// `!x`, `-x`, `+x`
    Unary(Spanned<UnaryOperator>, Box<Expr>),
    /// `x OP y`; the operator's text and place
    Binary(Spanned<String>, Box<(Expr, Expr)>),
    /// `x && y && ..`
    All(Vec<Expr>),
    /// `x || y || ..`
    Any(Vec<Expr>),
    /// `x in y`: item, set
    In(Box<(Expr, Expr)>),
    /// `a..b`, `a..=b`
    Range {
        low: Option<Box<Expr>>,
        high: Option<Box<Expr>>,
        closed: bool,
    },
    /// `[..]`
    List(Vec<Expr>),
    /// `#{..}`
    Map(Vec<(Spanned<String>, Expr)>),
    /// `` `..${x}..` ``
    Interpolated(Vec<Expr>),
    /// Rhai that no condition and no action list may use, in words
    Unsupported(&'static str),
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnaryOperator {
    Not,
    Minus,
    Plus,
}
