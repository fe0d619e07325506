//! The head of a message (RFC 3261 section 7): a first line, fields, an empty line.
//!
//! Lines may end in a bare line feed. Of the fields only those are read that say
//! what follows; fields that continue on the next line (folding) are borne.

use crate::wire::Malformed;

/// A head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) start: Start<'a>,
    /// Length of the body in bytes, where it is said.
    pub(super) content_len: Option<usize>,
    /// Whether the body describes a session.
    pub(super) is_sdp: bool,
}

/// A first line: what it says, and the whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start<'a> {
    Request { method: &'a str, uri: &'a [u8], version: &'a str, line: &'a [u8] },
    Response { version: &'a str, code: &'a str, reason: &'a [u8], line: &'a [u8] },
}

/// The first line of a message, kept; what is no UTF-8 in it is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartLine {
    /// Of a request.
    Request {
        /// What is wanted: `INVITE`.
        method: String,
        /// Of whom.
        uri: String,
        /// `SIP/2.0`
        version: String,
        /// The line.
        line: String,
    },
    /// Of an answer.
    Response {
        /// `SIP/2.0`
        version: String,
        /// Three digits.
        code: String,
        /// The same in words.
        reason: String,
        /// The line.
        line: String,
    },
}

impl From<Start<'_>> for StartLine {
    fn from(start: Start<'_>) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        match start {
            Start::Request { method, uri, version, line } => Self::Request {
                method: method.into(),
                uri: text(uri),
                version: version.into(),
                line: text(line),
            },
            Start::Response { version, code, reason, line } => Self::Response {
                version: version.into(),
                code: code.into(),
                reason: text(reason),
                line: text(line),
            },
        }
    }
}

/// How many bytes the head has with its empty line, if that has come; the first
/// `searched` bytes are known to hold no end of it.
pub(super) fn head_len(bytes: &[u8], searched: usize) -> Option<usize> {
    let rest = bytes.get(searched..)?;
    let feeds = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    for at in feeds {
        match rest.get(at + 1..)? {
            [b'\n', ..] => return Some(searched + at + 2),
            [b'\r', b'\n', ..] => return Some(searched + at + 3),
            _ => {}
        }
    }
    None
}

impl<'a> Head<'a> {
    /// From all bytes of a head.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut lines =
            bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let start = Start::decode(lines.next().unwrap_or_default())?;
        let mut head = Self { start, content_len: None, is_sdp: false };
        let mut has_field = false;
        for line in lines.take_while(|line| !line.is_empty()) {
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                // It continues a field.
                if !has_field {
                    return Err(Malformed::Unsupported);
                }
                continue;
            }
            let colon = line.iter().position(|byte| *byte == b':').ok_or(Malformed::Unsupported)?;
            let (name, value) = line.split_at_checked(colon).ok_or(Malformed::Truncated)?;
            has_field = true;
            head.field(name.trim_ascii_end(), value.get(1..).unwrap_or_default().trim_ascii())?;
        }
        Ok(head)
    }

    /// A field by its name, or by the letter that stands for it (section 7.3.3).
    fn field(&mut self, name: &[u8], value: &[u8]) -> Result<(), Malformed> {
        let is =
            |long: &[u8], short: &[u8]| name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(short);
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(Malformed::Unsupported);
        }
        if is(b"Content-Length", b"l") {
            let digits =
                str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let len = digits.and_then(|text| text.parse::<u32>().ok()).ok_or(Malformed::BadLength)?;
            self.content_len = Some(len as usize);
        } else if is(b"Content-Type", b"c") {
            let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
            self.is_sdp = kind.trim_ascii().eq_ignore_ascii_case(b"application/sdp");
        }
        Ok(())
    }
}

impl<'a> Start<'a> {
    fn decode(line: &'a [u8]) -> Result<Self, Malformed> {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (first, second) = (words.next().unwrap_or_default(), words.next().ok_or(Malformed::Truncated)?);
        let third = words.next();
        if let Some(version) = version(first) {
            let is_code = second.len() == 3 && second.iter().all(u8::is_ascii_digit);
            let code = str::from_utf8(second).ok().filter(|_| is_code).ok_or(Malformed::Unsupported)?;
            return Ok(Self::Response { version, code, reason: third.unwrap_or_default(), line });
        }
        let version = third.and_then(version).ok_or(Malformed::BadVersion)?;
        let is_method = !first.is_empty() && first.iter().copied().all(is_token);
        let method = str::from_utf8(first).ok().filter(|_| is_method).ok_or(Malformed::Unsupported)?;
        if second.is_empty() {
            return Err(Malformed::Truncated);
        }
        Ok(Self::Request { method, uri: second, version, line })
    }
}

/// `SIP/` and a version.
fn version(word: &[u8]) -> Option<&str> {
    let number = word.strip_prefix(b"SIP/")?;
    let is_number = !number.is_empty() && number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    str::from_utf8(word).ok().filter(|_| is_number)
}

/// What names are made of (RFC 3261 section 25.1).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n ;branch=1\r\n\
        c : application/SDP; charset=utf-8\r\nl: 12\r\n\r\n";

    #[test]
    fn decodes_a_request_with_folding_and_short_names() {
        assert_eq!(head_len(REQUEST, 0), Some(REQUEST.len()));
        let head = Head::decode(REQUEST);
        let start = Start::Request {
            method: "INVITE",
            uri: b"sip:bob@example.com",
            version: "SIP/2.0",
            line: &REQUEST[..34],
        };
        assert_eq!(head, Ok(Head { start, content_len: Some(12), is_sdp: true }));
    }

    #[test]
    fn decodes_an_answer() {
        let bytes = b"SIP/2.0 180 Ringing here\nFrom: a\n\n";
        assert_eq!(head_len(bytes, 0), Some(bytes.len()));
        let start =
            Start::Response { version: "SIP/2.0", code: "180", reason: b"Ringing here", line: &bytes[..24] };
        assert_eq!(Head::decode(bytes), Ok(Head { start, content_len: None, is_sdp: false }));
    }

    #[test]
    fn no_truncation_has_an_end() {
        for len in 0..REQUEST.len() {
            assert_eq!(head_len(&REQUEST[..len], 0), None, "{len} bytes");
            let searched = len.saturating_sub(3);
            assert_eq!(head_len(REQUEST, searched), Some(REQUEST.len()), "from {searched}");
        }
    }

    #[test]
    fn refuses_what_is_no_head() {
        for bytes in [
            &b"INVITE sip:bob SIP/2.0\r\n folded: first\r\n\r\n"[..],
            b"INVITE sip:bob SIP/2.0\r\nno colon\r\n\r\n",
            b"INVITE sip:bob SIP/2.0\r\nContent-Length: -1\r\n\r\n",
            b"INVITE sip:bob SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n",
            b"INVITE sip:bob HTTP/1.1\r\n\r\n",
            b"INVITE  SIP/2.0\r\n\r\n",
            b"SIP/2.0 20 OK\r\n\r\n",
            b"SIP/x 200 OK\r\n\r\n",
            b"IN\xffITE sip:bob SIP/2.0\r\n\r\n",
        ] {
            assert!(Head::decode(bytes).is_err(), "{}", bytes.escape_ascii());
        }
    }
}
