//! Rhai as the language of rules: `rule` and `test` as custom syntax, what a
//! file's top level may use while it is loaded, and its limits.
//!
//! A file is parsed whole and its top level is run once, so that `const`s may
//! be computed. It runs in an engine that starts from nothing: arithmetic,
//! strings, arrays, ranges, and `ip() net() mac() hex()`. There is no file, no
//! clock, no `import`, no `eval`, no `sleep`; operations, sizes, depths and
//! time are limited. `rule` and `test` do nothing when they are run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicBlobPackage, BasicIteratorPackage, BasicStringPackage,
    LogicPackage, MoreStringPackage, Package,
};
use rhai::{
    AST, Dynamic, Engine, EvalAltResult, ImmutableString, LexError, OptimizationLevel, ParseError,
    ParseErrorType, Position, Scope,
};

use super::constant::{BadLiteral, Constant, MAKERS, Word, make};
use super::diagnostic::Diagnostic;
use super::fields::SCHEMA;
use super::source::{Source, Span};
use super::suggest::did_you_mean;

/// Operations that the top level of one file may take: about 25 ms.
const OPERATIONS_MAX: u64 = 1_000_000;
/// Wall-clock time that the top level of one file may take. Operations are not
/// all equally quick, so counting them is not enough.
const TIME_MAX: Duration = Duration::from_secs(1);
/// Bytes of one string.
const STRING_MAX: usize = 64 << 10;
/// Members of one array: room for a block list written out.
const ARRAY_MAX: usize = 100_000;
/// Levels of expressions; the checker recurses as deep.
const DEPTH_MAX: usize = 64;
/// Functions in one file.
const FUNCTIONS_MAX: usize = 1_000;
/// Levels of calls while a file is loaded.
const CALLS_MAX: usize = 32;
/// Variables at once; also every name of an enumeration is one.
const VARIABLES_MAX: usize = 10_000;

/// What a file's top level left behind.
#[derive(Debug, Default)]
pub(super) struct Constants {
    names: Vec<(String, Constant)>,
    /// The top level did not come to its end: names that are missing may be its.
    pub(super) incomplete: bool,
}

impl Constants {
    pub(super) fn lookup(&self, name: &str) -> Option<&Constant> {
        self.names.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// Nothing is known, because nothing was run.
    pub(super) const fn unknown() -> Self {
        Self { names: Vec::new(), incomplete: true }
    }
}

/// A Rhai engine that knows `rule` and `test` and little else.
pub(super) fn engine() -> Engine {
    let mut engine = Engine::new_raw();
    // Folding constants would move what the checker wants to point at.
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_expr_depths(DEPTH_MAX, DEPTH_MAX);
    engine.set_max_operations(OPERATIONS_MAX);
    engine.set_max_string_size(STRING_MAX);
    engine.set_max_array_size(ARRAY_MAX);
    engine.set_max_map_size(1_000);
    engine.set_max_call_levels(CALLS_MAX);
    engine.set_max_functions(FUNCTIONS_MAX);
    engine.set_max_variables(VARIABLES_MAX);
    engine.set_max_modules(0);
    engine.disable_symbol("eval");
    for package in [
        ArithmeticPackage::new().as_shared_module(),
        LogicPackage::new().as_shared_module(),
        BasicStringPackage::new().as_shared_module(),
        MoreStringPackage::new().as_shared_module(),
        BasicIteratorPackage::new().as_shared_module(),
        BasicArrayPackage::new().as_shared_module(),
        BasicBlobPackage::new().as_shared_module(),
    ] {
        engine.register_global_module(package);
    }
    engine.on_print(|_| {}).on_debug(|_, _, _| {});
    for maker in MAKERS {
        engine.register_fn(maker, move |text: &str| -> Result<Dynamic, Box<EvalAltResult>> {
            make_dynamic(maker, text)
        });
    }
    engine.register_custom_syntax_with_state_raw("rule", parse_rule, false, |_, _, _| Ok(Dynamic::UNIT));
    engine.register_custom_syntax_with_state_raw("test", parse_test, false, |_, _, _| Ok(Dynamic::UNIT));
    engine
}

fn make_dynamic(maker: &str, text: &str) -> Result<Dynamic, Box<EvalAltResult>> {
    match make(maker, text) {
        Some(Ok(Constant::Address(address))) => Ok(Dynamic::from(address)),
        Some(Ok(Constant::Network(network))) => Ok(Dynamic::from(network)),
        Some(Ok(Constant::Mac(mac))) => Ok(Dynamic::from(mac)),
        Some(Ok(Constant::Bytes(bytes))) => Ok(Dynamic::from_blob(bytes)),
        Some(Err(bad)) => Err(EvalAltResult::ErrorRuntime(Dynamic::from(bad), Position::NONE).into()),
        _ => Ok(Dynamic::UNIT),
    }
}

/// How far a `rule` has been read; of a `test`, its name and its body.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
enum Stage {
    Name,
    MetaOrOn,
    On,
    Event,
    WhenOrBody,
    Condition,
    Body,
    Done,
    TestName,
    TestBody,
}

impl Stage {
    const ALL: [Self; 8] = [
        Self::Name,
        Self::MetaOrOn,
        Self::On,
        Self::Event,
        Self::WhenOrBody,
        Self::Condition,
        Self::Body,
        Self::Done,
    ];

    /// The stage that a custom syntax's state holds; at first it holds nothing.
    fn of(state: &Dynamic) -> Self {
        let number = state.as_int().unwrap_or(0);
        Self::ALL.into_iter().find(|stage| *stage as i64 == number).unwrap_or(Self::Name)
    }
}

type Expected = Result<Option<ImmutableString>, ParseError>;

/// What comes next in `rule NAME [META] on EVENT [when CONDITION] { BODY }`.
fn parse_rule(_: &[ImmutableString], ahead: &str, state: &mut Dynamic) -> Expected {
    let (next, symbol) = match (Stage::of(state), ahead) {
        (Stage::Name, name) if name.starts_with('"') => (Stage::MetaOrOn, "$string$"),
        (Stage::MetaOrOn, "#{") => (Stage::On, "$expr$"),
        (Stage::MetaOrOn | Stage::On, "on") => (Stage::Event, "on"),
        (Stage::Event, event) if is_name(event) => (Stage::WhenOrBody, "$ident$"),
        (Stage::WhenOrBody, "when") => (Stage::Condition, "when"),
        (Stage::Condition, _) => (Stage::Body, "$expr$"),
        (Stage::WhenOrBody | Stage::Body, "{") => (Stage::Done, "$block$"),
        (Stage::Done, _) => return Ok(None),
        (stage, found) => return unexpected(stage, found),
    };
    *state = Dynamic::from_int(next as i64);
    Ok(Some(symbol.into()))
}

/// What comes next in `test NAME { BODY }`.
fn parse_test(_: &[ImmutableString], ahead: &str, state: &mut Dynamic) -> Expected {
    let (next, symbol) = match (Stage::of(state), ahead) {
        (Stage::Name, name) if name.starts_with('"') => (Stage::Body, "$string$"),
        (Stage::Body, "{") => (Stage::Done, "$block$"),
        (Stage::Done, _) => return Ok(None),
        (Stage::Name, found) => return unexpected(Stage::TestName, found),
        (_, found) => return unexpected(Stage::TestBody, found),
    };
    *state = Dynamic::from_int(next as i64);
    Ok(Some(symbol.into()))
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// The error for a token that cannot be there. Its message and its remedy
/// travel in the two texts of an improper symbol.
fn unexpected(stage: Stage, found: &str) -> Expected {
    // A token that does not lex shows up as its error; asking for any token
    // makes Rhai report that one.
    if found.contains(' ') && !found.starts_with('"') {
        return Ok(Some("$token$".into()));
    }
    let found = if found == "{EOF}" { "the end of the file" } else { &format!("`{found}`") };
    let (message, help) = match stage {
        Stage::TestName => (
            format!("a name in double quotes comes here, not {found}"),
            "write `test \"what must hold\" { .. }`",
        ),
        Stage::TestBody => {
            (format!("a test's body comes after its name, not {found}"), "write `test \"name\" { .. }`")
        }
        Stage::Name => {
            (format!("a name in double quotes comes here, not {found}"), "write `rule \"name\" on EVENT ..`")
        }
        Stage::MetaOrOn => (
            format!("`on EVENT` comes after the name, not {found}"),
            "write `rule \"name\" on packet ..`; metadata before it is `#{ id: 1001 }`",
        ),
        Stage::On => {
            (format!("`on EVENT` comes after the metadata, not {found}"), "write `#{ .. } on packet ..`")
        }
        Stage::Event => (
            format!("the name of an event comes here, not {found}"),
            "write `on packet`, `on flow_open` or `on flow_close`",
        ),
        Stage::WhenOrBody => (
            format!("`when CONDITION` or `{{` comes here, not {found}"),
            "write `on EVENT when CONDITION { accept(); }`",
        ),
        Stage::Condition | Stage::Body | Stage::Done => (
            format!("the condition ends here, and {found} is not the `{{` of the body"),
            match found {
                "`=`" => "`=` sets a variable: to compare, write `==`",
                "`and`" => "write `&&`",
                "`or`" => "write `||`",
                "`not`" => "write `!( .. )`",
                _ => "write the actions in braces: `{ accept(); }`",
            },
        ),
    };
    let error = LexError::ImproperSymbol(help.to_owned(), message);
    Err(ParseError(Box::new(ParseErrorType::BadInput(error)), Position::NONE))
}

/// Parses a file.
pub(super) fn parse(engine: &Engine, source: &Arc<Source>) -> Result<AST, Box<Diagnostic>> {
    engine.compile(source.text()).map_err(|error| Box::new(syntax_error(&error, source)))
}

/// Runs a parsed file's top level and keeps what it names.
pub(super) fn run(engine: &mut Engine, ast: &AST, source: &Arc<Source>) -> (Constants, Option<Diagnostic>) {
    let deadline = Instant::now() + TIME_MAX;
    engine.on_progress(move |_| (Instant::now() > deadline).then(|| "time".into()));
    let mut scope = Scope::new();
    for word in SCHEMA.enum_words() {
        scope.push_constant(word, Word(word.to_owned()));
    }
    let given = scope.len();
    let error = engine.run_ast_with_scope(&mut scope, ast).err();
    let names = scope
        .iter()
        .skip(given)
        .map(|(name, _, value)| (name.to_owned(), Constant::from_dynamic(&value)))
        .collect();
    let constants = Constants { names, incomplete: error.is_some() };
    let error = error.map(|error| run_error(&error, source, &constants));
    (constants, error)
}

fn place(at: Position, source: &Source) -> Span {
    match (at.line(), at.position()) {
        (Some(line), column) => source.token(source.offset(line, column.unwrap_or(0))),
        // Rhai has no position for the end of the file.
        (None, _) => Span::default(),
    }
}

fn syntax_error(error: &ParseError, source: &Arc<Source>) -> Diagnostic {
    let at = place(error.position(), source);
    let (message, help) = match error.err_type() {
        ParseErrorType::BadInput(LexError::ImproperSymbol(help, message)) if !message.is_empty() => {
            (message.clone(), Some(help.clone()).filter(|help| !help.is_empty()))
        }
        other => (sentence(&other.to_string()), syntax_help(other).map(str::to_owned)),
    };
    Diagnostic::error(message).at(source, at).help_if(help)
}

fn syntax_help(error: &ParseErrorType) -> Option<&'static str> {
    Some(match error {
        ParseErrorType::UnexpectedEOF => "a closing `}`, `)` or quote is missing before the end of the file",
        ParseErrorType::MissingToken(token, _) if token == ";" => "end each statement with `;`",
        ParseErrorType::MismatchedType(..) => "`&&` and `||` join comparisons: `a == 1 && b == 2`",
        ParseErrorType::Reserved(_) => "this word belongs to the language: choose another name",
        ParseErrorType::ExprTooDeep => "split the expression with a `fn` or into two rules",
        ParseErrorType::BadInput(LexError::UnterminatedString) => {
            "close the string with `\"` on the same line"
        }
        _ => return None,
    })
}

fn run_error(error: &EvalAltResult, source: &Arc<Source>, constants: &Constants) -> Diagnostic {
    let inner = error.unwrap_inner();
    let at = match inner.position() {
        at if at.is_none() => error.position(),
        at => at,
    };
    let token = place(at, source);
    let diagnostic = match inner {
        EvalAltResult::ErrorRuntime(value, _) => match value.clone().try_cast::<BadLiteral>() {
            Some(bad) => {
                let whole = source.bracketed(token.start);
                return Diagnostic::error(bad.message).at(source, whole).help_if(bad.help);
            }
            None => Diagnostic::error(sentence(&value.to_string())),
        },
        EvalAltResult::ErrorVariableNotFound(name, _) => {
            let known = constants.names().chain(SCHEMA.enum_words());
            let help = did_you_mean(name, known).unwrap_or_else(|| {
                "constants are computed at load: fields are known only in a rule's condition".to_owned()
            });
            Diagnostic::error(format!("nothing is called `{name}` here")).help(help)
        }
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let name = signature.split_whitespace().next().unwrap_or(signature);
            let help = did_you_mean(name, MAKERS.into_iter()).unwrap_or_else(|| {
                "at load there are `ip net mac hex`, the file's own functions, and Rhai's arithmetic, strings and \
                 arrays"
                    .to_owned()
            });
            Diagnostic::error(format!("no function `{signature}` at the top level of a file")).help(help)
        }
        EvalAltResult::ErrorTerminated(..) | EvalAltResult::ErrorTooManyOperations(_) => {
            Diagnostic::error("the top level of this file takes too long")
                .help("compute less at load: a second and a million operations are the limit")
        }
        other => {
            let mut text = other.to_string();
            // Rhai repeats the position, which we show better.
            if let Some(end) = text.rfind(" (line ") {
                text.truncate(end);
            }
            Diagnostic::error(sentence(&text))
        }
    };
    diagnostic.at(source, token)
}

/// Rhai's messages begin with a capital; ours do not.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}
