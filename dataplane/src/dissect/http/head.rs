//! Heads: the first line, and the fields below it (RFC 9112 section 5).
//!
//! Lines are put together where they are folded, names and values are freed of
//! blanks and of the bytes that some peers skip. Text is UTF-8; bytes that are
//! not are written `\xfc`.

use std::borrow::Cow;
use std::ops::Range;

use super::oddity::{Oddities, Oddity};
use super::start::is_token;
use super::{FIELDS_MAX, HEAD_MAX, Role};

/// The fields of a head, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    text: String,
    places: Vec<(Range<u32>, Range<u32>)>,
}

impl Fields {
    /// Names and values, as they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.places.iter().map(|(name, value)| (self.at(name), self.at(value)))
    }

    /// The first value under a name, in any case.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All values under a name, in any case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Those under one of these names.
    pub(super) fn only(&self, names: &[&str]) -> Self {
        let mut some = Self::default();
        for (name, value) in
            self.iter().filter(|(own, _)| names.iter().any(|name| own.eq_ignore_ascii_case(name)))
        {
            some.push(name.as_bytes(), value.as_bytes());
        }
        some
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of memory that they take.
    pub(super) const fn size(&self) -> usize {
        self.text.capacity() + self.places.capacity() * size_of::<(Range<u32>, Range<u32>)>()
    }

    fn at(&self, place: &Range<u32>) -> &str {
        self.text.get(place.start as usize..place.end as usize).unwrap_or_default()
    }

    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) {
        let name = self.write(name);
        let value = self.write(value);
        self.places.push((name, value));
    }

    /// Adds those of another head, as far as there is room for both.
    pub(super) fn append(&mut self, more: &Self) {
        for (name, value) in more.iter() {
            if self.len() < FIELDS_MAX && self.text.len() + name.len() + value.len() <= HEAD_MAX {
                self.push(name.as_bytes(), value.as_bytes());
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Range<u32> {
        // Heads are far shorter than 4 GiB.
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        push_text(&mut self.text, bytes);
        start..u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }
}

/// Bytes off the wire as text: what is no UTF-8 is written `\xfc`.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    push_text(&mut text, bytes);
    text
}

fn push_text(text: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str("\\x");
            text.extend([byte >> 4, byte & 0xf].iter().filter_map(|&digit| DIGITS.get(usize::from(digit))));
        }
    }
}

/// Parts a head into its first line and its fields.
pub(super) fn read(role: Role, head: &[u8], odd: &mut Oddities) -> (Vec<u8>, Fields) {
    let mut lines = Lines { role, rest: head, deformed: false };
    let mut first = lines.next().unwrap_or_default().to_vec();
    let mut fields = Fields { text: String::with_capacity(head.len()), places: Vec::new() };
    let mut pending: Option<Cow<'_, [u8]>> = None;
    for line in lines.by_ref() {
        match (&mut pending, continuation(role, line)) {
            (Some(field), Some(more)) => {
                odd.add(Oddity::Folded);
                if !more.is_empty() {
                    let field = field.to_mut();
                    field.push(b' ');
                    field.extend_from_slice(more);
                }
            }
            // The status in the line after the version.
            (None, Some(more)) if role == Role::Server && !first.trim_ascii().contains(&b' ') => {
                odd.add(Oddity::Folded);
                first.push(b' ');
                first.extend_from_slice(more);
            }
            (_, more) => {
                odd.note(more.is_some() || begins_blank(line), Oddity::Folded);
                if let Some(field) = pending.replace(Cow::Borrowed(line)) {
                    push_field(&mut fields, &field, odd);
                }
            }
        }
    }
    if let Some(field) = pending {
        push_field(&mut fields, &field, odd);
    }
    odd.note(lines.deformed, Oddity::LineEnd);
    (first, fields)
}

/// The lines below a last chunk.
pub(super) fn read_trailers(role: Role, lines: &[u8], odd: &mut Oddities) -> Fields {
    let mut head = b"trailers\r\n".to_vec();
    head.extend_from_slice(lines);
    read(role, &head, odd).1
}

/// The lines of a head, without their ends and without empty ones.
struct Lines<'a> {
    role: Role,
    rest: &'a [u8],
    deformed: bool,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            // Browsers end a server's lines at a carriage return as well.
            let ends = |byte: &u8| *byte == b'\n' || self.role == Role::Server && *byte == b'\r';
            let at = self.rest.iter().position(ends).unwrap_or(self.rest.len());
            let (line, rest) = self.rest.split_at(at);
            let (end, after) = match rest {
                [b'\r', b'\n', after @ ..] => (2, after),
                [_, after @ ..] => (1, after),
                [] => (0, rest),
            };
            let is_return = end == 1 && rest.first() == Some(&b'\r');
            let line_end = line.iter().rposition(|&byte| byte != b'\r').map_or(0, |at| at + 1);
            let (kept, returns) = line.split_at(line_end);
            // One that ends with a bare line feed is common, and harmless.
            self.deformed |=
                is_return || returns.len() > 1 || end == 1 && kept.is_empty() && !after.is_empty();
            self.rest = after;
            if !kept.is_empty() {
                return Some(kept);
            }
        }
    }
}

fn begins_blank(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// What a line adds to the one before it; `None` if it stands for itself.
fn continuation(role: Role, line: &[u8]) -> Option<&[u8]> {
    let is_folded = begins_blank(line) || role == Role::Server && line.first() == Some(&0);
    if !is_folded {
        return None;
    }
    let more = trim(line);
    // Browsers read an indented field of a server as a field.
    let name = more.iter().take_while(|&&byte| is_token(byte)).count();
    let is_field =
        name > 0 && more.get(name..).is_some_and(|after| after.trim_ascii_start().starts_with(b":"));
    (role == Role::Client || !is_field).then_some(more)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c | 0)
}

fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|&byte| !is_blank(byte)).map_or(start, |at| at + 1);
    bytes.get(start..end).unwrap_or_default()
}

fn push_field(fields: &mut Fields, line: &[u8], odd: &mut Oddities) {
    if fields.len() >= FIELDS_MAX {
        odd.add(Oddity::TooMany);
        return;
    }
    let Some(colon) = line.iter().position(|&byte| byte == b':') else {
        odd.note(!trim(line).is_empty(), Oddity::NoColon);
        return;
    };
    let (name, value) = line.split_at(colon);
    let value = value.get(1..).unwrap_or_default();
    odd.note(name.last().is_some_and(|&byte| is_blank(byte)), Oddity::NameSpaced);
    let (name, value) = (without_nul(trim(name)), without_nul(trim(value)));
    odd.note(name.is_empty(), Oddity::NameEmpty);
    let is_invalid = matches!(name, Cow::Owned(_)) || !name.iter().all(|&byte| is_token(byte));
    odd.note(is_invalid, Oddity::NameInvalid);
    let has_control =
        matches!(value, Cow::Owned(_)) || value.iter().any(|&byte| byte < 0x20 && byte != b'\t');
    odd.note(has_control, Oddity::ValueInvalid);
    fields.push(&name, &value);
}

/// Some peers skip NUL.
fn without_nul(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.contains(&0) {
        Cow::Owned(bytes.iter().copied().filter(|&byte| byte != 0).collect())
    } else {
        Cow::Borrowed(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(role: Role, head: &str) -> (String, Vec<(String, String)>, Vec<Oddity>) {
        let mut odd = Oddities::default();
        let (first, fields) = read(role, head.as_bytes(), &mut odd);
        let list = fields.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        (text(&first), list, odd.iter().collect())
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn fields_are_parted_and_trimmed() {
        let head = "GET / HTTP/1.1\r\nHost: a\r\nX:\tb c \r\nEmpty:\r\n\r\n";
        for role in [Role::Client, Role::Server] {
            let (first, list, odd) = fields(role, head);
            assert_eq!(first, "GET / HTTP/1.1");
            assert_eq!(list, [pair("Host", "a"), pair("X", "b c"), pair("Empty", "")]);
            assert_eq!(odd, []);
        }
        let bare = fields(Role::Client, &head.replace("\r\n", "\n"));
        assert_eq!(bare, fields(Role::Client, head));
    }

    #[test]
    fn folded_lines_are_one_field() {
        let (_, list, odd) =
            fields(Role::Client, "x\r\nTransfer-Encoding:\r\n \r\n\tchunked\r\nA : b\r\n\r\n");
        assert_eq!(list, [pair("Transfer-Encoding", "chunked"), pair("A", "b")]);
        assert_eq!(odd, [Oddity::NameSpaced, Oddity::Folded]);
        let (_, list, _) = fields(Role::Server, "x y\r\nTransfer-Encoding\r\n :\r\n chunked\r\n\r\n");
        assert_eq!(list, [pair("Transfer-Encoding", "chunked")]);
    }

    #[test]
    fn an_indented_field_is_one_of_a_server_and_a_fold_of_a_client() {
        let head = "x y\r\nA: b\r\n C: d\r\n\r\n";
        assert_eq!(fields(Role::Server, head).1, [pair("A", "b"), pair("C", "d")]);
        assert_eq!(fields(Role::Client, head).1, [pair("A", "b C: d")]);
    }

    #[test]
    fn a_return_alone_ends_lines_of_servers_alone() {
        let (first, list, odd) = fields(Role::Server, "HTTP/1.1 200 OK\rA: b\r C: d\r\n\n");
        assert_eq!((first.as_str(), &list[..]), ("HTTP/1.1 200 OK", &[pair("A", "b"), pair("C", "d")][..]));
        assert!(odd.contains(&Oddity::LineEnd));
        let (_, list, odd) = fields(Role::Client, "x\r\nA: b\rC: d\r\n\r\n");
        assert_eq!(list, [pair("A", "b\rC: d")]);
        assert_eq!(odd, [Oddity::ValueInvalid]);
    }

    #[test]
    fn a_status_may_stand_in_the_next_line() {
        let (first, list, _) = fields(Role::Server, "HTTP/1.1\n 200 ok\r\nA: b\r\n\r\n");
        assert_eq!((first.as_str(), &list[..]), ("HTTP/1.1 200 ok", &[pair("A", "b")][..]));
    }

    #[test]
    fn what_is_odd_about_fields_is_told() {
        for (line, oddity) in [
            ("no colon", Oddity::NoColon),
            (": value", Oddity::NameEmpty),
            ("name : value", Oddity::NameSpaced),
            ("na me: value", Oddity::NameInvalid),
            ("na\u{0}me: value", Oddity::NameInvalid),
            ("name: val\u{1}ue", Oddity::ValueInvalid),
        ] {
            let (_, _, odd) = fields(Role::Client, &format!("x\r\n{line}\r\n\r\n"));
            assert!(odd.contains(&oddity), "{line}: {odd:?}");
        }
        let many = "a: b\r\n".repeat(FIELDS_MAX + 1);
        let (_, list, odd) = fields(Role::Client, &format!("x\r\n{many}\r\n"));
        assert_eq!((list.len(), odd), (FIELDS_MAX, vec![Oddity::TooMany]));
    }

    #[test]
    fn bytes_that_are_no_text_are_written_out() {
        assert_eq!(text(b"r\xfchma \xc3\xa4"), "r\\xfchma \u{e4}");
        let (_, list, odd) =
            fields(Role::Server, "x y\r\nTransfer\u{0}-Encoding\u{b}:\u{b}chun\u{0}ked\u{0}\r\n\r\n");
        assert_eq!(list, [pair("Transfer-Encoding", "chunked")]);
        assert!(odd.contains(&Oddity::NameInvalid));
    }
}
