//! First lines of messages (RFC 9112 sections 3 and 4), as they are met.
//!
//! Reading is lenient, and says what it had to be lenient about: other than one
//! space between the words, targets with blanks in them, versions that do not
//! exist, a status that is no number.

use super::oddity::{Oddities, Oddity};
use crate::dissect::detect;

/// No method that is in use is longer.
const METHOD_LEN_MAX: usize = 32;

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/0.9: a target, and no version.
    V09,
    /// HTTP/1.0.
    V10,
    /// HTTP/1.1.
    V11,
    /// Anything else.
    Other,
}

/// A request's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    /// `HTTP/1.1`, as it was sent; `None` where the line says none.
    pub(super) protocol: Option<&'a [u8]>,
    pub(super) version: Version,
}

/// A response's first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatusLine<'a> {
    pub(super) protocol: &'a [u8],
    pub(super) version: Version,
    /// `None` where it is none.
    pub(super) code: Option<u16>,
    /// The status as it was sent; empty where there is none.
    pub(super) status: &'a [u8],
    pub(super) reason: &'a [u8],
}

/// Whether a byte parts words, and says nothing before the first.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c | 0)
}

fn trim(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|&byte| !is_blank(byte)).map_or(start, |at| at + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// Whether a byte may stand in a token (RFC 9110 section 5.6.2).
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// The first word, the blanks behind it, and the rest.
fn word(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let len = bytes.iter().take_while(|&&byte| !is_blank(byte)).count();
    let (word, rest) = bytes.split_at(len);
    let blanks = rest.iter().take_while(|&&byte| is_blank(byte)).count();
    let (blanks, rest) = rest.split_at(blanks);
    (word, blanks, rest)
}

fn is_protocol(word: &[u8]) -> bool {
    word.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"HTTP/"))
}

/// Where the protocol begins at the end of a request line: behind the last blank
/// that `HTTP/` follows.
fn protocol_at(line: &[u8]) -> Option<usize> {
    let blanks = line.iter().enumerate().rev().filter(|&(_, &byte)| is_blank(byte));
    blanks.map(|(at, _)| at + 1).find(|&at| line.get(at..).is_some_and(is_protocol))
}

fn version_of(protocol: &[u8]) -> Version {
    match protocol.get(5..) {
        Some(b"0.9") => Version::V09,
        Some(b"1.0") => Version::V10,
        Some(b"1.1") => Version::V11,
        _ => Version::Other,
    }
}

/// Whether a line, or what has come of it, begins a request.
pub(super) fn begins_request(line: &[u8]) -> bool {
    let (method, blanks, rest) = word(trim(line));
    !blanks.is_empty()
        && method.len() <= METHOD_LEN_MAX
        && method.iter().all(|&byte| is_token(byte))
        && (detect::is_http_method(method) || is_protocol(rest) || protocol_at(rest).is_some())
}

/// Whether this is one line that is a request of HTTP/0.9: a method, a target,
/// no version, and an end.
pub(super) fn is_bare_request(line: &[u8]) -> bool {
    let mut odd = Oddities::default();
    let is_one_line = line.iter().position(|&byte| byte == b'\n') == line.len().checked_sub(1);
    is_one_line && begins_request(line) && request_line(line, &mut odd).protocol.is_none()
}

/// Whether a line, or what has come of it, begins a response.
pub(super) fn begins_response(line: &[u8]) -> bool {
    let line = trim(line);
    line.get(..4).is_some_and(|name| name.eq_ignore_ascii_case(b"HTTP")) || line.starts_with(b"ICY ")
}

/// Where in a line that cannot be read a request line begins, if it ends in one.
pub(super) fn find_request(line: &[u8]) -> Option<usize> {
    let end = trim(line).len() + line.iter().take_while(|&&byte| is_blank(byte)).count();
    let whole = line.get(..end)?;
    let protocol_at = protocol_at(whole)?;
    let protocol = whole.get(protocol_at..)?;
    if !matches!(version_of(protocol), Version::V10 | Version::V11) {
        return None;
    }
    let before = whole.get(..protocol_at)?;
    let target_end = before.iter().rposition(|&byte| !is_blank(byte))? + 1;
    let target_at = before.get(..target_end)?.iter().rposition(|&byte| is_blank(byte))? + 1;
    let method_end = before.get(..target_at)?.iter().rposition(|&byte| !is_blank(byte))? + 1;
    let before = before.get(..method_end)?;
    // The method may stand right behind a body.
    let signs = before.iter().rev().take_while(|&&byte| is_token(byte)).count().min(METHOD_LEN_MAX);
    (method_end - signs..method_end).find(|&at| before.get(at..).is_some_and(detect::is_http_method))
}

/// Where in a line that cannot be read a status line begins.
pub(super) fn find_response(line: &[u8]) -> Option<usize> {
    line.windows(10).position(|window| {
        matches!(window, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0' | b'1', b' ', digit] if digit.is_ascii_digit())
    })
}

/// Reads a request's first line.
pub(super) fn request_line<'a>(line: &'a [u8], odd: &mut Oddities) -> RequestLine<'a> {
    odd.note(line.first().is_some_and(|&byte| is_blank(byte)), Oddity::LeadingBlanks);
    let (method, blanks, rest) = word(trim(line));
    odd.note(!matches!(blanks, b" " | b""), Oddity::LineSpacing);
    odd.note(!detect::is_http_method(method), Oddity::MethodUnknown);
    let protocol_at = if is_protocol(rest) { Some(0) } else { protocol_at(rest) };
    let Some((target, protocol)) = protocol_at.and_then(|at| rest.split_at_checked(at)) else {
        odd.note(rest.iter().any(|&byte| is_blank(byte)), Oddity::LineSpacing);
        return RequestLine { method, target: rest, protocol: None, version: Version::V09 };
    };
    let is_parted = target
        .split_last()
        .is_none_or(|(last, target)| *last == b' ' && !target.iter().any(|&byte| is_blank(byte)));
    odd.note(!is_parted || target.is_empty(), Oddity::LineSpacing);
    let version = version_of(protocol);
    odd.note(version == Version::Other || !protocol.starts_with(b"HTTP"), Oddity::VersionInvalid);
    RequestLine { method, target: trim(target), protocol: Some(protocol), version }
}

/// Reads a response's first line.
pub(super) fn status_line<'a>(line: &'a [u8], odd: &mut Oddities) -> StatusLine<'a> {
    odd.note(line.first().is_some_and(|&byte| is_blank(byte)), Oddity::LeadingBlanks);
    let (protocol, blanks, rest) = word(trim(line));
    odd.note(!matches!(blanks, b" " | b""), Oddity::LineSpacing);
    let version = if is_protocol(protocol) { version_of(protocol) } else { Version::Other };
    let is_known = version != Version::Other && protocol.starts_with(b"HTTP") || protocol == b"ICY";
    odd.note(!is_known, Oddity::VersionInvalid);
    let (status, blanks, reason) = word(rest);
    odd.note(blanks.iter().any(|&byte| byte != b' '), Oddity::LineSpacing);
    let code = std::str::from_utf8(status).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let code = code.and_then(|text| text.parse().ok()).filter(|code| (100..1000).contains(code));
    odd.note(code.is_none() || status.len() != 3, Oddity::StatusInvalid);
    StatusLine { protocol, version, code, status, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines_are_read_as_they_are_met() {
        for (line, method, target, protocol, is_odd) in [
            ("GET / HTTP/1.1\r\n", "GET", "/", Some("HTTP/1.1"), false),
            ("GET /a b HTTP/1.0\n", "GET", "/a b", Some("HTTP/1.0"), true),
            ("GET  /  HTTP/1.1", "GET", "/", Some("HTTP/1.1"), true),
            (" GET / HTTP/1.1", "GET", "/", Some("HTTP/1.1"), true),
            ("GET /", "GET", "/", None, false),
            ("GET HTTP/1.1", "GET", "", Some("HTTP/1.1"), true),
            ("GET / http/1.1", "GET", "/", Some("http/1.1"), true),
            ("GET / HTTP/1.1 more", "GET", "/", Some("HTTP/1.1 more"), true),
            ("FROB / HTTP/1.1", "FROB", "/", Some("HTTP/1.1"), true),
            ("OPTIONS * HTTP/1.1", "OPTIONS", "*", Some("HTTP/1.1"), false),
        ] {
            let mut odd = Oddities::default();
            let read = request_line(line.as_bytes(), &mut odd);
            assert_eq!(read.method, method.as_bytes(), "{line}");
            assert_eq!(read.target, target.as_bytes(), "{line}");
            assert_eq!(read.protocol, protocol.map(str::as_bytes), "{line}");
            assert_eq!(!odd.is_empty(), is_odd, "{line}");
            assert!(begins_request(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn status_lines_are_read_as_they_are_met() {
        for (line, code, status, is_odd) in [
            ("HTTP/1.1 200 OK\r\n", Some(200), "200", false),
            ("HTTP/1.0 404\n", Some(404), "404", false),
            ("HTTP/1.1 0204 ok", Some(204), "0204", true),
            ("HTTP/1.1  200 ok", Some(200), "200", true),
            ("HTTP/1.1\u{0} 200 ok", Some(200), "200", true),
            ("http/1.1 200 ok", Some(200), "200", true),
            ("HTTP/1.2 200 ok", Some(200), "200", true),
            ("HTTP/1.0 2XX OK", None, "2XX", true),
            ("HTTP/1.1", None, "", true),
            ("ICY 200 OK", Some(200), "200", false),
        ] {
            let mut odd = Oddities::default();
            let read = status_line(line.as_bytes(), &mut odd);
            assert_eq!((read.code, read.status), (code, status.as_bytes()), "{line}");
            assert_eq!(!odd.is_empty(), is_odd, "{line}");
            assert!(begins_response(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn what_is_no_first_line_begins_nothing() {
        for line in ["", "GET", "foobar baz", "\u{1}\u{2} / HTTP/1.1", "220 ready", "SSH-2.0-x HTTP/1.1 "] {
            assert!(!begins_response(line.as_bytes()), "{line}");
        }
        for line in ["", "GET", "foobar baz", "\u{1}\u{2} / HTTP/1.1", "HELO there"] {
            assert!(!begins_request(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn first_lines_are_found_behind_what_cannot_be_read() {
        assert_eq!(find_request(b"a=b&c=dPOST /x HTTP/1.1\r\n"), Some(7));
        assert_eq!(find_request(b"GET /x HTTP/1.1\n"), Some(0));
        assert_eq!(find_request(b"Referer: http://x/ HTTP/1.1\n"), None);
        assert_eq!(find_response(b"\x00\x01HTTP/1.1 200 OK\r\n"), Some(2));
        assert_eq!(find_response(b"see HTTP/1.1 for more\r\n"), None);
    }
}
