//! The text of one file of rules, and places in it.
//!
//! A place is a range of bytes. Rhai tells only where a thing begins (line, and
//! column in characters); how far it reaches is read here from the text itself,
//! with just enough of Rhai's lexical rules to find the end of a token or of a
//! bracket.

use std::sync::Arc;

/// Lines in a file at most: Rhai counts them in 16 bits, and beyond that its
/// positions would be wrong.
pub(super) const LINES_MAX: usize = 65_534;

/// Bytes in a file at most: one line of it can hold no more than 16 bits count
/// either, so real rule files stay far below.
pub(super) const BYTES_MAX: usize = 8 << 20;

/// A range of bytes in a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// From the beginning of the one to the end of the other, in either order.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// The text of one file and where its lines begin.
#[derive(Debug)]
pub struct Source {
    name: String,
    text: String,
    line_starts: Vec<u32>,
}

impl Source {
    /// Takes a text; `name` is what messages call it, usually its path.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let text = text.into();
        let starts =
            text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| narrow(at + 1));
        let line_starts = std::iter::once(0).chain(starts).collect();
        Arc::new(Self { name: name.into(), text, line_starts })
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All of its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.line_starts.len()
    }

    /// The text of a place.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.slice(Span { start, end: offset });
        (line, before.chars().count() + 1)
    }

    /// Whole lines around a place: where they begin, the number of the first,
    /// and their text without the last line feed.
    pub fn lines_around(&self, span: Span) -> (u32, usize, &str) {
        let (first, _) = self.line_column(span.start);
        let (last, _) = self.line_column(span.end.max(span.start + 1) - 1);
        let start = self.line_starts.get(first - 1).copied().unwrap_or(0);
        let end = self.line_starts.get(last).map_or(narrow(self.text.len()), |&next| next - 1);
        (start, first, self.slice(Span { start, end: end.max(span.end) }))
    }

    /// The byte at a line and column, both from 1 and the column in characters;
    /// column 0 is the beginning of the line.
    pub(super) fn offset(&self, line: usize, column: usize) -> u32 {
        let Some(&start) = self.line_starts.get(line.saturating_sub(1)) else {
            return narrow(self.text.len());
        };
        let rest = self.tail(start);
        let within = rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at);
        start + narrow(within)
    }

    /// The token that begins at a byte: a word, a number, a string, an operator.
    pub(super) fn token(&self, start: u32) -> Span {
        let rest = self.tail(start);
        let len = match rest.chars().next() {
            None => 0,
            Some('"' | '`' | '\'') => string_len(rest),
            Some(first) if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            Some('!') if rest.strip_prefix("!in").is_some_and(|after| !after.starts_with(is_word)) => 3,
            Some(first) => OPERATORS
                .iter()
                .find(|operator| rest.starts_with(**operator))
                .map_or(first.len_utf8(), |operator| operator.len()),
        };
        Span { start, end: start + narrow(len) }
    }

    /// From a byte over the next bracket to the one that closes it.
    pub(super) fn bracketed(&self, start: u32) -> Span {
        let rest = self.tail(start);
        let mut depth = 0_u32;
        let mut at = 0;
        while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
            let step = match here.as_bytes() {
                [b'"' | b'`' | b'\'', ..] => string_len(here),
                [b'/', b'/', ..] => here.find('\n').unwrap_or(here.len()),
                [b'/', b'*', ..] => here.find("*/").map_or(here.len(), |end| end + 2),
                [b'(' | b'[' | b'{', ..] => {
                    depth += 1;
                    1
                }
                [b')' | b']' | b'}', ..] => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Span { start, end: start + narrow(at + 1) };
                    }
                    1
                }
                _ => here.chars().next().map_or(1, char::len_utf8),
            };
            at += step;
        }
        self.token(start)
    }

    fn tail(&self, start: u32) -> &str {
        self.text.get(start as usize..).unwrap_or_default()
    }
}

/// Longest first, so that `==` is not taken for `=`.
const OPERATORS: [&str; 15] =
    ["..=", "**", "==", "!=", "<=", ">=", "&&", "||", "<<", ">>", "..", "::", "#{", "${", "??"];

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes of the string that `text` begins with, quotes included. Within
/// backticks, `${` opens code that may hold strings of its own.
fn string_len(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    let Some((_, quote)) = chars.next() else { return 0 };
    let mut depth = 0_u32;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote != '`' => {
                chars.next();
            }
            '$' if quote == '`' && chars.peek().is_some_and(|&(_, next)| next == '{') => {
                chars.next();
                depth += 1;
            }
            '{' if depth > 0 => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '\n' if quote != '`' => return at,
            c if c == quote && depth == 0 => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_lines_and_wide_characters() {
        let source = Source::new("t", "let é = 1;\n\tfoo(\"(\", [1]) + 2\n");
        assert_eq!(source.offset(1, 5), 4);
        assert_eq!(source.offset(1, 7), 7);
        assert_eq!(source.line_column(7), (1, 7));
        let foo = source.offset(2, 2);
        assert_eq!(source.line_column(foo), (2, 2));
        assert_eq!(source.slice(source.token(foo)), "foo");
        assert_eq!(source.slice(source.bracketed(foo)), "foo(\"(\", [1])");
        assert_eq!(source.lines_around(source.token(foo)), (12, 2, "\tfoo(\"(\", [1]) + 2"));
    }

    #[test]
    fn tokens_end_where_rhai_ends_them() {
        for (text, token) in [
            ("a_1.b", "a_1"),
            ("0x1f+1", "0x1f"),
            ("\"a\\\"b\" + 1", "\"a\\\"b\""),
            ("`x ${f(`y`)} z` + 1", "`x ${f(`y`)} z`"),
            ("..=3", "..="),
            ("<3", "<"),
            ("!in x", "!in"),
            ("!inside(x)", "!"),
            ("\"open\nnext", "\"open"),
            ("", ""),
        ] {
            let source = Source::new("t", text);
            assert_eq!(source.slice(source.token(0)), token, "{text}");
        }
    }

    #[test]
    fn an_open_bracket_ends_with_its_own_token() {
        let source = Source::new("t", "foo(1, \"x\"");
        assert_eq!(source.slice(source.bracketed(0)), "foo");
    }
}
