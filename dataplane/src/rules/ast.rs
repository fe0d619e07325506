//! Rhai's syntax tree into ours. No other file looks into Rhai's tree, so that
//! another version of Rhai, or another front end, touches this file alone.
//!
//! What Rhai leaves out is found again in the text: where things end, and
//! whether a call of `contains` was written `in`. Every construct has a place,
//! also the ones that no rule may use: saying so, with a remedy, is the
//! checker's business.

use rhai::{AST, ASTNode, CustomExpr, Expr as RhaiExpr, FnCallExpr, Position, Stmt, StmtBlock};

use super::source::{Source, Span};
use super::tree::{Expr, ExprKind, Function, Misplaced, Rule, Script, Spanned, Test, UnaryOperator};

/// Reads a parsed file.
pub(super) fn read(ast: &AST, source: &Source) -> Script {
    let reader = Reader { source };
    let mut script = Script::default();
    for statement in ast.statements() {
        if let Stmt::Expr(expr) = statement
            && let RhaiExpr::Custom(custom, _) = expr.as_ref()
        {
            reader.declaration(custom, &mut script);
        }
    }
    script.functions = reader.functions(ast);
    script.misplaced = reader.misplaced(ast);
    script
}

struct Reader<'s> {
    source: &'s Source,
}

impl Reader<'_> {
    fn declaration(&self, custom: &CustomExpr, script: &mut Script) {
        // Names, expressions and blocks are inputs; the words between them are
        // only in `tokens`, which tells the optional parts apart.
        let mut inputs = custom.inputs.iter();
        let mut rule = Rule {
            name: Spanned { value: String::new(), span: Span::default() },
            meta: None,
            event: Spanned { value: String::new(), span: Span::default() },
            condition: None,
            body: Vec::new(),
            body_span: Span::default(),
        };
        let mut after_when = false;
        for token in &custom.tokens {
            match token.as_str() {
                "when" => after_when = true,
                "$string$" => rule.name = self.name(inputs.next()),
                "$ident$" => rule.event = self.name(inputs.next()),
                "$expr$" if after_when => rule.condition = inputs.next().map(|expr| self.expr(expr)),
                "$expr$" => rule.meta = inputs.next().map(|expr| self.expr(expr)),
                "$block$" => {
                    if let Some(RhaiExpr::Stmt(block)) = inputs.next() {
                        rule.body_span = self.block(block);
                        rule.body = block.iter().map(|statement| self.statement(statement)).collect();
                    }
                }
                _ => {}
            }
        }
        match custom.tokens.first().map(rhai::ImmutableString::as_str) {
            Some("test") => script.tests.push(Test { name: rule.name }),
            _ => script.rules.push(rule),
        }
    }

    fn name(&self, input: Option<&RhaiExpr>) -> Spanned<String> {
        match input {
            Some(RhaiExpr::StringConstant(text, at)) => {
                Spanned { value: text.to_string(), span: self.token(*at) }
            }
            Some(RhaiExpr::Variable(variable, _, at)) => {
                Spanned { value: variable.1.to_string(), span: self.token(*at) }
            }
            _ => Spanned { value: String::new(), span: Span::default() },
        }
    }

    /// The script's functions. Rhai shows their bodies only to a walk, and the
    /// walk does not say whose body it is in: each is walked alone.
    fn functions(&self, ast: &AST) -> Vec<Function> {
        ast.iter_functions()
            .map(|function| {
                // `clone_functions_only_filtered` of 1.27.0 forgets its filter.
                let mut alone = ast.clone_functions_only();
                alone.retain_functions(|_, _, name, arity| {
                    name == function.name && arity == function.params.len()
                });
                let mut statements = Vec::new();
                alone.walk(&mut |path| {
                    if let [ASTNode::Stmt(statement)] = path {
                        statements.push(self.statement(statement));
                    }
                    true
                });
                let body = match statements.len() {
                    1 => statements.pop(),
                    _ => None,
                };
                let parameters = function.params.iter().map(ToString::to_string).collect();
                Function { name: function.name.to_owned(), parameters, body }
            })
            .collect()
    }

    fn misplaced(&self, ast: &AST) -> Vec<(Misplaced, Span)> {
        let mut found = Vec::new();
        ast.walk(&mut |path| {
            match path {
                [.., ASTNode::Stmt(Stmt::Import(_, at))] => found.push((Misplaced::Import, self.token(*at))),
                [.., ASTNode::Stmt(Stmt::Export(_, at))] => found.push((Misplaced::Export, self.token(*at))),
                [_, _, .., ASTNode::Expr(RhaiExpr::Custom(_, at))] if path.len() > 2 => {
                    found.push((Misplaced::Declaration, self.token(*at)));
                }
                _ => {}
            }
            true
        });
        found
    }

    fn statement(&self, statement: &Stmt) -> Expr {
        match statement {
            Stmt::Expr(expr) => self.expr(expr),
            Stmt::FnCall(call, at) => self.call(call, *at),
            Stmt::Return(Some(value), flags, _) if flags.is_empty() => self.expr(value),
            Stmt::Block(block) => Expr { kind: ExprKind::Unsupported("a block"), span: self.block(block) },
            other => Expr {
                kind: ExprKind::Unsupported(statement_name(other)),
                span: self.token(other.position()),
            },
        }
    }

    fn expr(&self, expr: &RhaiExpr) -> Expr {
        let at = expr.position();
        let (kind, span) = match expr {
            RhaiExpr::BoolConstant(value, _) => (ExprKind::Bool(*value), self.token(at)),
            RhaiExpr::IntegerConstant(value, _) => (ExprKind::Int(*value), self.number(at)),
            RhaiExpr::StringConstant(text, _) => (ExprKind::Text(text.to_string()), self.token(at)),
            RhaiExpr::InterpolatedString(pieces, _) => (
                ExprKind::Interpolated(pieces.iter().map(|piece| self.expr(piece)).collect()),
                self.token(at),
            ),
            RhaiExpr::Array(items, _) => {
                (ExprKind::List(items.iter().map(|item| self.expr(item)).collect()), self.bracketed(at))
            }
            RhaiExpr::Map(map, _) => {
                let entry = |(key, value): &(rhai::Ident, RhaiExpr)| {
                    let key = Spanned { value: key.name.to_string(), span: self.token(key.pos) };
                    (key, self.expr(value))
                };
                (ExprKind::Map(map.0.iter().map(entry).collect()), self.bracketed(at))
            }
            // `global::X` is the constant `X` of this file, also within a function.
            RhaiExpr::Variable(variable, ..)
                if !variable.2.is_empty() && variable.2.to_string() != "global" =>
            {
                (ExprKind::Unsupported("a module's variable"), self.token(expr.start_position()))
            }
            RhaiExpr::Variable(variable, ..) => return self.variable(&variable.1, at),
            // `${x}` in a string, or `{ x }` elsewhere: one expression is itself.
            RhaiExpr::Stmt(block) => {
                return match block.statements() {
                    [only @ (Stmt::Expr(_) | Stmt::FnCall(..))] => self.statement(only),
                    _ => Expr { kind: ExprKind::Unsupported("a block"), span: self.block(block) },
                };
            }
            RhaiExpr::FnCall(call, _) => return self.call(call, at),
            RhaiExpr::Dot(..) => return self.dotted(expr),
            RhaiExpr::And(terms, _) => return self.joined(terms, ExprKind::All),
            RhaiExpr::Or(terms, _) => return self.joined(terms, ExprKind::Any),
            other => (ExprKind::Unsupported(expr_name(other)), self.token(other.start_position())),
        };
        Expr { kind, span }
    }

    fn variable(&self, name: &str, at: Position) -> Expr {
        let span = self.token(at);
        Expr { kind: ExprKind::Path(vec![Spanned { value: name.to_owned(), span }]), span }
    }

    fn joined(&self, terms: &[RhaiExpr], join: fn(Vec<Expr>) -> ExprKind) -> Expr {
        let terms: Vec<_> = terms.iter().map(|term| self.expr(term)).collect();
        let span = terms.iter().map(|term| term.span).reduce(Span::to).unwrap_or_default();
        Expr { kind: join(terms), span }
    }

    /// `a.b.c` and `a.b.f(..).d`: Rhai nests them to the right, we to the left.
    fn dotted(&self, expr: &RhaiExpr) -> Expr {
        let mut links = Vec::new();
        let mut rest = expr;
        while let RhaiExpr::Dot(pair, flags, _) = rest {
            if !flags.is_empty() && flags.contains(rhai::ASTFlags::NEGATED) {
                let span = self.token(expr.start_position());
                return Expr { kind: ExprKind::Unsupported("`?.`"), span };
            }
            links.push(&pair.lhs);
            rest = &pair.rhs;
        }
        links.push(rest);
        let mut links = links.into_iter();
        let Some(first) = links.next() else {
            return Expr { kind: ExprKind::Unsupported("this"), span: self.token(expr.position()) };
        };
        links.fold(self.expr(first), |target, link| self.link(target, link))
    }

    fn link(&self, target: Expr, link: &RhaiExpr) -> Expr {
        match link {
            RhaiExpr::Property(property, at) => {
                let name = Spanned { value: property.2.to_string(), span: self.token(*at) };
                let span = target.span.to(name.span);
                match target.kind {
                    ExprKind::Path(mut words) => {
                        words.push(name);
                        Expr { kind: ExprKind::Path(words), span }
                    }
                    // A property of anything but a path: as a call without arguments.
                    _ => Expr { kind: ExprKind::Method(Box::new(target), name, Vec::new()), span },
                }
            }
            RhaiExpr::MethodCall(call, at) => {
                let name = Spanned { value: call.name.to_string(), span: self.token(*at) };
                let args = call.args.iter().map(|arg| self.expr(arg)).collect();
                let span = target.span.to(self.bracketed(*at));
                Expr { kind: ExprKind::Method(Box::new(target), name, args), span }
            }
            other => {
                let span = target.span.to(self.token(other.start_position()));
                Expr { kind: ExprKind::Unsupported(expr_name(other)), span }
            }
        }
    }

    fn call(&self, call: &FnCallExpr, at: Position) -> Expr {
        let operator = self.token(at);
        let written = self.source.slice(operator);
        match (written, call.args.as_slice()) {
            // Rhai turns `x in y` into `contains(y, x)`.
            ("in" | "!in", [set, item]) => self.membership(set, item),
            // ... and `x !in y` into `!contains(y, x)`, both at the same place.
            ("!in", [RhaiExpr::FnCall(inner, _)]) => match inner.args.as_slice() {
                [set, item] => {
                    let inside = self.membership(set, item);
                    let span = inside.span;
                    let not = Spanned { value: UnaryOperator::Not, span: operator };
                    Expr { kind: ExprKind::Unary(not, Box::new(inside)), span }
                }
                _ => self.plain_call(call, at),
            },
            (".." | "..=", [low, high]) if call.is_operator_call() => self.range(low, high, written == "..="),
            (_, [operand]) if call.is_operator_call() => {
                let operand = self.expr(operand);
                let value = match call.name.as_str() {
                    "!" => UnaryOperator::Not,
                    "-" => UnaryOperator::Minus,
                    _ => UnaryOperator::Plus,
                };
                let span = operator.to(operand.span);
                Expr { kind: ExprKind::Unary(Spanned { value, span: operator }, Box::new(operand)), span }
            }
            (_, [lhs, rhs]) if call.is_operator_call() => {
                let (lhs, rhs) = (self.expr(lhs), self.expr(rhs));
                let span = lhs.span.to(rhs.span);
                let operator = Spanned { value: call.name.to_string(), span: operator };
                Expr { kind: ExprKind::Binary(operator, Box::new((lhs, rhs))), span }
            }
            _ => self.plain_call(call, at),
        }
    }

    fn plain_call(&self, call: &FnCallExpr, at: Position) -> Expr {
        if call.is_qualified() {
            return Expr { kind: ExprKind::Unsupported("a module's function"), span: self.bracketed(at) };
        }
        let name = Spanned { value: call.name.to_string(), span: self.token(at) };
        let args = call.args.iter().map(|arg| self.expr(arg)).collect();
        Expr { kind: ExprKind::Call(name, args), span: self.bracketed(at) }
    }

    fn membership(&self, set: &RhaiExpr, item: &RhaiExpr) -> Expr {
        let (item, set) = (self.expr(item), self.expr(set));
        let span = item.span.to(set.span);
        Expr { kind: ExprKind::In(Box::new((item, set))), span }
    }

    fn range(&self, low: &RhaiExpr, high: &RhaiExpr, closed: bool) -> Expr {
        let side = |expr: &RhaiExpr| (!expr.is_unit()).then(|| Box::new(self.expr(expr)));
        let (low, high) = (side(low), side(high));
        let ends = low.iter().chain(high.iter()).map(|end| end.span);
        let span = ends.reduce(Span::to).unwrap_or_default();
        Expr { kind: ExprKind::Range { low, high, closed }, span }
    }

    fn offset(&self, at: Position) -> u32 {
        self.source.offset(at.line().unwrap_or(1), at.position().unwrap_or(0))
    }

    fn token(&self, at: Position) -> Span {
        self.source.token(self.offset(at))
    }

    /// A number, which Rhai places at its sign where it has one.
    fn number(&self, at: Position) -> Span {
        let token = self.token(at);
        match self.source.slice(token) {
            "-" => token.to(self.source.token(token.end)),
            _ => token,
        }
    }

    fn bracketed(&self, at: Position) -> Span {
        self.source.bracketed(self.offset(at))
    }

    fn block(&self, block: &StmtBlock) -> Span {
        self.token(block.position()).to(self.token(block.end_position()))
    }
}

fn statement_name(statement: &Stmt) -> &'static str {
    match statement {
        Stmt::If(..) => "`if`",
        Stmt::Switch(..) => "`switch`",
        Stmt::While(..) => "a loop",
        Stmt::Do(..) => "`do`",
        Stmt::For(..) => "`for`",
        Stmt::Var(..) => "a variable",
        Stmt::Assignment(..) => "an assignment",
        Stmt::TryCatch(..) => "`try`",
        Stmt::BreakLoop(..) | Stmt::Return(..) => "a jump",
        Stmt::Import(..) => "`import`",
        _ => "this statement",
    }
}

fn expr_name(expr: &RhaiExpr) -> &'static str {
    match expr {
        RhaiExpr::FloatConstant(..) => "a number with a fraction",
        RhaiExpr::CharConstant(..) => "a character in single quotes",
        RhaiExpr::Unit(..) => "`()`",
        RhaiExpr::ThisPtr(..) => "`this`",
        RhaiExpr::Index(..) => "an index",
        RhaiExpr::Coalesce(..) => "`??`",
        RhaiExpr::Custom(..) => "a rule or a test",
        _ => "this",
    }
}
