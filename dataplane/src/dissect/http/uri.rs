//! Targets of requests (RFC 9112 section 3.2, RFC 3986): parted, decoded,
//! normalised; and what is encoded alike: queries, forms, credentials.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::head::text;

/// A target, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    path: String,
    query: Option<String>,
}

impl Target {
    /// Reads the target of a request of this method.
    pub(super) fn read(method: &str, target: &str) -> Self {
        if method == "CONNECT" {
            return Self { path: String::new(), query: None };
        }
        let rest = match authority(method, target) {
            Some(authority) => target.find(authority).and_then(|at| target.get(at + authority.len()..)),
            None => Some(target),
        };
        let rest = rest.unwrap_or_default();
        let (rest, _fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (rest, None),
        };
        let path = if path.is_empty() && !target.is_empty() { "/" } else { path };
        Self { path: normalise(path), query }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Bytes of memory that it takes.
    pub(super) fn size(&self) -> usize {
        self.path.capacity() + self.query.as_ref().map_or(0, String::capacity)
    }
}

/// The authority of a target: of `http://user@host:port/path`, or all of a
/// target of `CONNECT`.
pub(super) fn authority<'a>(method: &str, target: &'a str) -> Option<&'a str> {
    if method == "CONNECT" {
        return target.split([' ', '/']).next().filter(|target| !target.is_empty());
    }
    let (scheme, rest) = target.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    (is_scheme && !authority.is_empty()).then_some(authority)
}

/// The host of an authority, in lower case and without brackets' neighbours, and
/// its port.
pub(super) fn host_and_port(authority: &str) -> (String, Option<u16>) {
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host).trim();
    let (host, port) = match authority.rsplit_once(':') {
        // The colons inside of an address of version 6 part nothing.
        Some((host, port)) if !port.contains(']') && (!host.contains(':') || host.ends_with(']')) => {
            (host, port.parse().ok())
        }
        _ => (authority, None),
    };
    (host.trim_end_matches('.').to_ascii_lowercase(), port)
}

/// Whether text can be a host: a name, an address, or one in brackets.
pub(super) fn is_host(host: &str) -> bool {
    let is_address = host.starts_with('[') && host.ends_with(']');
    let sign =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '%' | '~') || !c.is_ascii();
    !host.is_empty() && host.chars().all(|c| sign(c) || is_address && matches!(c, ':' | '[' | ']'))
}

/// Whether what stands in a target is encoded once more than is usual.
pub(super) fn is_encoded_twice(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    path.as_bytes().windows(5).any(|window| {
        matches!(window, [b'%', b'2', b'5', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    })
}

/// Decoded, with slashes for backslashes, without dots and repeated slashes.
fn normalise(path: &str) -> String {
    let mut decoded = decode(path.as_bytes(), Plus::Stays);
    for byte in decoded.iter_mut().filter(|byte| **byte == b'\\') {
        *byte = b'/';
    }
    let decoded = text(&decoded);
    if !decoded.starts_with('/') {
        return decoded;
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut is_folder = false;
    for part in decoded.split('/') {
        is_folder = matches!(part, "" | "." | "..");
        match part {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    let mut normal = String::with_capacity(decoded.len());
    for part in &kept {
        normal.extend(["/", part]);
    }
    if is_folder {
        normal.push('/');
    }
    normal
}

/// A query, or a form that is encoded like one: its pairs decoded, parted by
/// `&`.
pub(super) fn decode_form(form: &str) -> String {
    text(&decode(form.as_bytes(), Plus::IsSpace))
}

/// What a plus is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    Stays,
    IsSpace,
}

/// Undoes `%41`; what is not hexadecimal stays.
fn decode(bytes: &[u8], plus: Plus) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escaped = digit(after.first()).zip(digit(after.get(1))).filter(|_| byte == b'%');
        match (escaped, byte) {
            (Some((high, low)), _) => {
                decoded.extend(u8::try_from(high << 4 | low));
                rest = after.get(2..).unwrap_or_default();
            }
            (None, b'+') if plus == Plus::IsSpace => decoded.push(b' '),
            (None, _) => decoded.push(byte),
        }
    }
    decoded
}

/// Base64, with or without its padding.
pub(super) fn decode_base64(encoded: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let mut plain = vec![0; encoded.len()];
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
    let len = engine.decode_slice(encoded, &mut plain).ok()?;
    plain.truncate(len);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_parted_in_every_form() {
        for (method, target, path, query) in [
            ("GET", "/", "/", None),
            ("GET", "/a%20b/%2e%2e/c//d/./e?x=%41&y", "/c/d/e", Some("x=%41&y")),
            ("GET", "http://a.example:81?q", "/", Some("q")),
            ("GET", "http://a.example/x/y/?#f", "/x/y/", Some("")),
            ("GET", "/a#b?c", "/a", None),
            ("GET", "/..\\..\\etc/passwd", "/etc/passwd", None),
            ("GET", "/%c3%a4/%fc%zz%", "/\u{e4}/\\xfc%zz%", None),
            ("OPTIONS", "*", "*", None),
            ("CONNECT", "a.example:443", "", None),
            ("GET", "", "", None),
        ] {
            let read = Target::read(method, target);
            assert_eq!((read.path(), read.query()), (path, query), "{target}");
        }
    }

    #[test]
    fn hosts_are_found_with_their_ports() {
        for (authority, host, port) in [
            ("A.Example", "a.example", None),
            ("a.example.:8080", "a.example", Some(8080)),
            ("u:p@a.example:1", "a.example", Some(1)),
            ("[::1]:80", "[::1]", Some(80)),
            ("[::1]", "[::1]", None),
            ("::1", "::1", None),
            ("a:99999", "a", None),
        ] {
            assert_eq!(host_and_port(authority), (host.to_owned(), port), "{authority}");
        }
        assert_eq!(authority("GET", "http://u@a/b"), Some("u@a"));
        assert_eq!(authority("GET", "/see?http://a/b"), None);
        assert_eq!(authority("CONNECT", "a:25 /"), Some("a:25"));
        assert!(is_host("a.example") && is_host("[::1]") && !is_host("a b") && !is_host("a<b"));
    }

    #[test]
    fn forms_are_decoded_once() {
        assert_eq!(decode_form("a=b+c&d=%26%2541"), "a=b c&d=&%41");
        assert!(
            is_encoded_twice("/%252e") && !is_encoded_twice("/%25?%2541") && !is_encoded_twice("/100%25")
        );
    }

    #[test]
    fn credentials_are_decoded_leniently() {
        assert_eq!(decode_base64("dGVzdDoxOjM0").as_deref(), Some(&b"test:1:34"[..]));
        assert_eq!(decode_base64("YTpi").as_deref(), decode_base64("YTpi").as_deref());
        assert_eq!(decode_base64("YTo").as_deref(), Some(&b"a:"[..]));
        assert_eq!(decode_base64("?"), None);
    }
}
