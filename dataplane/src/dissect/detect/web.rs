//! HTTP: requests and responses of version 1, the opening of version 2.

use super::reader::{First, Fit, Reader, Unfit, begins_with, is_text, need};
use crate::app_proto::AppProto;
use crate::flow::Direction;

/// The methods that are known: the registry of RFC 9110 section 16.1, `UPnP`'s,
/// and those of `WebDAV` dialects, software updates and caches. With one of
/// them, a target alone makes a request, as of HTTP/0.9 or with a broken
/// version.
const METHODS: &[&[u8]] = &[
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"OPTIONS",
    b"CONNECT",
    b"DELETE",
    b"PATCH",
    b"TRACE",
    b"ACL",
    b"BASELINE-CONTROL",
    b"BIND",
    b"CHECKIN",
    b"CHECKOUT",
    b"COPY",
    b"LABEL",
    b"LINK",
    b"LOCK",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKCOL",
    b"MKREDIRECTREF",
    b"MKWORKSPACE",
    b"MOVE",
    b"ORDERPATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"QUERY",
    b"REBIND",
    b"REPORT",
    b"SEARCH",
    b"UNBIND",
    b"UNCHECKOUT",
    b"UNLINK",
    b"UNLOCK",
    b"UPDATE",
    b"UPDATEREDIRECTREF",
    b"VERSION-CONTROL",
    b"M-SEARCH",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"BCOPY",
    b"BDELETE",
    b"BMOVE",
    b"BPROPFIND",
    b"BPROPPATCH",
    b"POLL",
    b"X-MS-ENUMATTS",
    b"RPC_CONNECT",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
    b"RDG_IN_DATA",
    b"RDG_OUT_DATA",
    b"BITS_POST",
    b"CCM_POST",
    b"SMS_POST",
    b"PURGE",
    b"SOURCE",
    b"DEBUG",
    b"TRACK",
];

/// No method that is in use is longer.
const METHOD_LEN_MAX: usize = 24;

/// Whether this is a method that is known.
pub(in crate::dissect) fn is_http_method(word: &[u8]) -> bool {
    METHODS.contains(&word)
}

/// A request line of HTTP/0.9 to 1.x (RFC 9112 section 3), after empty lines.
pub(super) fn http_request(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    while reader.rest().first().is_some_and(|&byte| byte == b'\r' || byte == b'\n') {
        reader.byte()?;
    }
    let method_len = reader.rest().iter().take_while(|&&byte| is_token(byte)).count();
    need((1..=METHOD_LEN_MAX).contains(&method_len) || reader.is_empty())?;
    let method = reader.take(method_len.max(1))?;
    reader.byte_that(|byte| byte == b' ' || byte == b'\t')?;
    let has_known_method = METHODS.contains(&method);
    let so_far = reader.rest();
    let line = match reader.line() {
        Ok(line) => line,
        Err(Unfit::Wrong) => return Err(Unfit::Wrong),
        // A target may be longer than what is looked at.
        Err(Unfit::Short) => {
            let is_http = has_version_inside(so_far) || first.is_all && has_known_method && is_target(so_far);
            return if is_http { Ok(AppProto::Http) } else { Err(Unfit::Short) };
        }
    };
    let last = last_word(line);
    let is_http = if has_known_method {
        is_version(last) || is_target(line) && !is_version_of_another(last)
    } else {
        is_version(last) && last.len() < line.trim_ascii().len()
    };
    need(is_http)?;
    Ok(AppProto::Http)
}

/// A status line (RFC 9112 section 4), also of Shoutcast.
pub(super) fn http_response(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    if reader.rest().first() == Some(&b'I') {
        reader.literal(b"ICY ")?;
        three_digits(&mut reader)?;
    } else {
        reader.word(b"HTTP/")?;
        reader.byte_that(|byte| byte.is_ascii_digit() || byte == b' ')?;
    }
    Ok(AppProto::Http)
}

fn three_digits(reader: &mut Reader<'_>) -> Result<(), Unfit> {
    for _ in 0..3 {
        reader.byte_that(|byte| byte.is_ascii_digit())?;
    }
    Ok(())
}

/// The client's preface (RFC 9113 section 3.4).
pub(super) fn http2_client(first: &First<'_>) -> Fit {
    first.reader().literal(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
    Ok(AppProto::Http2)
}

/// The server's preface: a SETTINGS frame on stream 0 with parameters that are
/// known, or an empty one that another frame follows (RFC 9113 section 6.5).
pub(super) fn http2_server(first: &First<'_>) -> Fit {
    need(first.direction == Direction::Down)?;
    let mut reader = first.reader();
    reader.zeros(2)?;
    let len = reader.byte_that(|len| len % 6 == 0 && len <= 16 * 6)?;
    reader.literal(&[4, 0, 0, 0, 0, 0])?;
    for _ in 0..len / 6 {
        let parameter = reader.u16()?;
        // The registry ends at 9; values like 0x?a?a are there to be ignored.
        need((1..=16).contains(&parameter) || parameter & 0x0f0f == 0x0a0a)?;
        reader.u32()?;
    }
    if len == 0 {
        let next_len = reader.u24()?;
        let kind = reader.byte_that(|kind| kind == 4 || kind == 8)?;
        reader.byte_that(|flags| flags <= 1)?;
        need(reader.u32()? == 0 && next_len == if kind == 8 { 4 } else { 0 })?;
    }
    Ok(AppProto::Http2)
}

/// Whether a byte may stand in a token (RFC 9110 section 5.6.2) as methods are:
/// letters, digits and few signs.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'$' | b'+')
}

/// `/path`, `*`, `http://...`, or a host and port.
fn is_target(target: &[u8]) -> bool {
    let target = target.trim_ascii_start();
    matches!(target.first(), Some(b'/' | b'*' | b'?'))
        || begins_with(target, b"http://")
        || begins_with(target, b"https://")
        || begins_with(target, b"ftp://")
}

/// `HTTP/1.1`, in any case, and odd versions of one digit before the dot.
fn is_version(word: &[u8]) -> bool {
    begins_with(word, b"HTTP/")
        && word.get(5).is_some_and(u8::is_ascii_digit)
        && word.iter().skip(5).all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// `RTSP/1.0`, `SIP/2.0`, `ICAP/1.0`: the version of another protocol.
fn is_version_of_another(word: &[u8]) -> bool {
    let Some(slash) = word.iter().position(|&byte| byte == b'/') else { return false };
    let (name, version) = word.split_at(slash);
    !name.is_empty()
        && name.iter().all(u8::is_ascii_uppercase)
        && version.get(1).is_some_and(u8::is_ascii_digit)
        && !begins_with(word, b"HTTP/")
}

/// Whether an unfinished line already has ` HTTP/1.` in it.
fn has_version_inside(line: &[u8]) -> bool {
    const VERSION: &[u8] = b" HTTP/1.";
    line.iter().all(|&byte| is_text(byte) || byte == b'\r')
        && line
            .windows(VERSION.len() + 1)
            .any(|window| window.starts_with(VERSION) && window.last().is_some_and(u8::is_ascii_digit))
}

fn last_word(line: &[u8]) -> &[u8] {
    line.trim_ascii_end().rsplit(|&byte| byte == b' ' || byte == b'\t').next().unwrap_or_default()
}
