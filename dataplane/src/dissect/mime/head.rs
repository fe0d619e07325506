//! The head of an entity: its headers, and what their parameters say.

use super::transfer::Transfer;
use super::{BOUNDARY_MAX, words};

/// The most bytes of headers that are kept of one entity. Mails that have passed
/// many servers, each of which signs, have come to 30 KiB.
pub const HEAD_MAX: usize = 64 * 1024;

/// The most pieces that a parameter is put together from (RFC 2231, section 3).
const PIECES_MAX: usize = 32;

/// The headers of an entity, unfolded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Names and values, in their order; blanks around them are off.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// How many containers it is in.
    pub depth: usize,
    /// Whether it contains others, that follow, instead of content.
    pub is_container: bool,
    /// Whether there were more headers than are kept.
    pub is_cut: bool,
    is_mail: bool,
    len: usize,
}

impl Head {
    /// The value of the first header of this name, in any case.
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.headers.iter();
        let header = headers.find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
        header.map(|(_, value)| &**value)
    }

    /// `Content-Type` without its parameters, in lower case: `text/html`.
    pub fn content_type(&self) -> Option<String> {
        let value = self.value("content-type")?;
        let media = value.split(|byte| *byte == b';').next()?.trim_ascii();
        (!media.is_empty()).then(|| String::from_utf8_lossy(media).to_ascii_lowercase())
    }

    /// The name of the form's field.
    pub fn name(&self) -> Option<String> {
        parameter(self.value("content-disposition")?, "name").map(text)
    }

    /// The name of the file: of `Content-Disposition`, in mails else of
    /// `Content-Type`; words in it decoded.
    pub fn file_name(&self) -> Option<String> {
        let of = |header, name| parameter(self.value(header)?, name);
        let name = of("content-disposition", "filename")
            .or_else(|| of("content-type", "name").filter(|_| self.is_mail))?;
        Some(if self.is_mail { words::decode(&name) } else { text(name) })
    }

    /// Whether it says that it is a file, rather than text to be shown in place.
    pub fn is_attachment(&self) -> bool {
        let kind =
            self.value("content-disposition").and_then(|value| value.split(|byte| *byte == b';').next());
        kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"attachment"))
    }

    /// How its content is encoded for its transfer.
    pub(super) fn transfer(&self) -> Transfer {
        Transfer::new(self.value("content-transfer-encoding").unwrap_or_default())
    }

    /// The boundary, if it is a container.
    pub(super) fn boundary(&self) -> Option<Vec<u8>> {
        if !self.content_type()?.starts_with("multipart/") {
            return None;
        }
        let boundary = parameter(self.value("content-type")?, "boundary")?;
        (1..=BOUNDARY_MAX).contains(&boundary.len()).then_some(boundary)
    }

    /// Whether its content is a message, as it stands.
    pub(super) fn is_message(&self) -> bool {
        let is =
            self.content_type().is_some_and(|media| matches!(&*media, "message/rfc822" | "message/global"));
        is && self.transfer().is_identity()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.headers.is_empty() && !self.is_cut
    }

    pub(super) fn held(&self) -> usize {
        self.len + self.headers.capacity() * size_of::<(Vec<u8>, Vec<u8>)>()
    }

    /// Takes a line that is not empty, without its end.
    pub(super) fn line(&mut self, line: &[u8]) {
        // What the list itself needs is counted too.
        let cost = line.len() + size_of::<(Vec<u8>, Vec<u8>)>();
        if self.len + cost > HEAD_MAX {
            self.is_cut = true;
            return;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some((_, value)) = self.headers.last_mut() {
                self.len += cost;
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
            return;
        }
        // Without a colon it is no header: the first line of a mailbox, or noise.
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = line.split_at_checked(colon).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default();
        self.len += cost;
        self.headers.push((name.trim_ascii().to_vec(), value.trim_ascii().to_vec()));
    }

    /// All lines have come.
    pub(super) fn complete(&mut self, depth: usize, is_mail: bool) {
        (self.depth, self.is_mail) = (depth, is_mail);
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The file's name in a `Content-Disposition`; `filename*` before `filename`, as
/// browsers have it (RFC 6266, section 4.3).
pub fn file_name(disposition: &[u8]) -> Option<String> {
    parameter(disposition, "filename").map(text)
}

/// A parameter of a header: `boundary` of `multipart/mixed; boundary="x"`.
///
/// Also put together from pieces (`name*0=`, `name*1*=`) and from percents
/// (`name*=UTF-8''%e2%82%ac`), RFC 2231 and RFC 8187; bytes of ISO 8859-1 become
/// UTF-8. In quotes, a backslash escapes quotes and backslashes alone: some send
/// whole paths of Windows.
pub fn parameter(value: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut plain = None;
    let mut whole = None;
    let mut pieces: Vec<Option<(bool, Vec<u8>)>> = Vec::new();
    for (key, value) in Parameters::new(value) {
        let Some(behind) = key.get(..name.len()).filter(|key| key.eq_ignore_ascii_case(name.as_bytes()))
        else {
            continue;
        };
        match key.get(behind.len()..).unwrap_or_default() {
            b"" => plain = plain.or(Some(value)),
            b"*" => whole = whole.or_else(|| Some(extended(&value))),
            [b'*', number @ ..] => {
                let (number, is_extended) =
                    number.strip_suffix(b"*").map_or((number, false), |number| (number, true));
                let number = std::str::from_utf8(number).ok().and_then(|number| number.parse::<usize>().ok());
                if let Some(number) = number.filter(|number| *number < PIECES_MAX) {
                    pieces.resize(pieces.len().max(number + 1), None);
                    if let Some(piece) = pieces.get_mut(number) {
                        *piece = Some((is_extended, value));
                    }
                }
            }
            _ => {}
        }
    }
    whole.or_else(|| joined(&pieces)).or(plain)
}

/// Pieces in their order, as far as none is missing.
fn joined(pieces: &[Option<(bool, Vec<u8>)>]) -> Option<Vec<u8>> {
    let mut first = true;
    let mut raw = Vec::new();
    let mut charset = Vec::new();
    for (is_extended, value) in pieces.iter().map_while(Option::as_ref) {
        let mut value = &**value;
        if std::mem::take(&mut first) && *is_extended {
            (charset, value) = split_charset(value);
        }
        if *is_extended { unpercent(value, &mut raw) } else { raw.extend_from_slice(value) }
    }
    (!first).then(|| words::to_utf8(&charset, raw))
}

/// `UTF-8'en'%e2%82%ac`
fn extended(value: &[u8]) -> Vec<u8> {
    let (charset, value) = split_charset(value);
    let mut raw = Vec::new();
    unpercent(value, &mut raw);
    words::to_utf8(&charset, raw)
}

/// The charset, and what stands behind the language.
fn split_charset(value: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(rest)) => (charset.to_vec(), rest),
        _ => (Vec::new(), value),
    }
}

/// Undoes `%41`; what is none stays.
fn unpercent(value: &[u8], out: &mut Vec<u8>) {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut rest = value;
    loop {
        rest = match *rest {
            [b'%', high, low, ref behind @ ..] if digit(high).is_some() && digit(low).is_some() => {
                out.push(digit(high).unwrap_or(0) << 4 | digit(low).unwrap_or(0));
                behind
            }
            [byte, ref behind @ ..] => {
                out.push(byte);
                behind
            }
            [] => return,
        };
    }
}

/// The parameters behind a value, `; key=value`, quotes off.
struct Parameters<'a> {
    rest: &'a [u8],
}

impl<'a> Parameters<'a> {
    fn new(value: &'a [u8]) -> Self {
        let at = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
        Self { rest: value.get(at..).unwrap_or_default() }
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = (&'a [u8], Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let start = self.rest.iter().position(|byte| *byte != b';' && !byte.is_ascii_whitespace())?;
            let rest = self.rest.get(start..)?;
            let stop = rest.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(rest.len());
            let (key, rest) = rest.split_at_checked(stop)?;
            let Some(value) = rest.strip_prefix(b"=") else {
                self.rest = rest;
                continue;
            };
            let value = value.trim_ascii_start();
            let (value, rest) = if let Some(quoted) = value.strip_prefix(b"\"") {
                unquote(quoted)
            } else {
                let stop = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
                let (value, rest) = value.split_at_checked(stop)?;
                (value.trim_ascii_end().to_vec(), rest)
            };
            self.rest = rest;
            return Some((key.trim_ascii_end(), value));
        }
    }
}

/// Up to the closing quote, and what follows it.
fn unquote(mut rest: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    loop {
        rest = match *rest {
            [b'"', ref behind @ ..] => return (value, behind),
            [b'\\', byte @ (b'"' | b'\\'), ref behind @ ..] | [byte, ref behind @ ..] => {
                value.push(byte);
                behind
            }
            [] => return (value, rest),
        };
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn of(value: &str, name: &str) -> Option<String> {
        parameter(value.as_bytes(), name).map(|value| String::from_utf8(value).unwrap())
    }

    #[test]
    fn parameters_are_read_as_senders_write_them() {
        assert_eq!(of("multipart/mixed; boundary=abc", "boundary").unwrap(), "abc");
        assert_eq!(of("multipart/mixed ;BOUNDARY = \"a b;c\" ; x=y", "boundary").unwrap(), "a b;c");
        assert_eq!(of("a; b; c=d;;", "c").unwrap(), "d");
        assert_eq!(of(r#"form-data; filename="C:\dir\a.exe""#, "filename").unwrap(), r"C:\dir\a.exe");
        assert_eq!(of(r#"form-data; filename="a\"b""#, "filename").unwrap(), "a\"b");
        assert_eq!(of(r#"form-data; filename="open"#, "filename").unwrap(), "open");
        assert_eq!(of("form-data; filename=", "filename").unwrap(), "");
        assert_eq!(of("form-data; filenames=x", "filename"), None);
        assert_eq!(of("filename=x", "filename"), None);
    }

    #[test]
    fn encoded_parameters_are_decoded_and_stand_before_plain_ones() {
        let value = "attachment; filename=\"EURO.txt\"; filename*=UTF-8''%e2%82%ac.txt";
        assert_eq!(of(value, "filename").unwrap(), "\u{20ac}.txt");
        assert_eq!(of("a; f*=ISO-8859-1'en'%A3", "f").unwrap(), "\u{a3}");
        assert_eq!(of("a; f*1=\"b.exe\"; f*0*=''a%20", "f").unwrap(), "a b.exe");
        assert_eq!(of("a; f*0=a; f*2=c", "f").unwrap(), "a");
        assert_eq!(of("a; f*=100%", "f").unwrap(), "100%");
        assert_eq!(of("a; f*99999999999999999999=x; f*31=y", "f"), None);
    }

    #[test]
    fn headers_are_unfolded_and_bounded() {
        let mut head = Head::default();
        head.line(b"Subject : one");
        head.line(b"\ttwo ");
        head.line(b"no header");
        assert_eq!(head.value("subject").unwrap(), b"one two");
        for _ in 0..HEAD_MAX {
            head.line(b"a:b");
            head.line(b" c");
        }
        assert!(head.is_cut && head.held() <= 2 * HEAD_MAX, "{}", head.held());
    }
}
