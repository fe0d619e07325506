//! What body a head announces (RFC 9112 section 6), as browsers and servers see
//! it where the two lengths of a message do not agree.

use super::head::Fields;
use super::message::{Request, Response};
use super::oddity::{Oddities, Oddity};
use super::side::Framing;
use super::start::Version;

/// The body of a request.
pub(super) fn of_request(request: &Request, odd: &mut Oddities) -> Framing {
    let said = Said::of(request.fields(), odd);
    if request.is_connect() {
        return Framing::Nothing;
    }
    odd.note(said.is_chunked && request.version() < Version::V11, Oddity::ChunkedOld);
    match said {
        Said { is_chunked: true, len, .. } => Framing::Chunks { otherwise: len },
        Said { len: Some(len), .. } => Framing::Length(len),
        // The end of the connection cannot end a request.
        Said { len: None, .. } => Framing::Nothing,
    }
}

/// The body of a response to a request of this method, if that is known.
pub(super) fn of_response(response: &Response, request: Option<&Request>, odd: &mut Oddities) -> Framing {
    let said = Said::of(response.fields(), odd);
    let status = response.status();
    if request
        .is_some_and(|request| request.method() == "HEAD" || request.is_connect() && response.is_success())
    {
        return Framing::Nothing;
    }
    if status.is_some_and(|status| status < 200 || status == 204 || status == 304) {
        return match said {
            Said { is_chunked: true, .. } => Framing::Perhaps { len: None },
            Said { len: Some(len), .. } if len > 0 => Framing::Perhaps { len: Some(len) },
            Said { .. } => Framing::Nothing,
        };
    }
    odd.note(said.is_chunked && response.version() < Version::V11, Oddity::ChunkedOld);
    match said {
        Said { is_chunked: true, len, .. } => Framing::Chunks { otherwise: len },
        Said { len: Some(len), has_other_coding: false, .. } => Framing::Length(len),
        Said { len, .. } => len.map_or(Framing::UntilEnd, Framing::Length),
    }
}

/// What a head says about the length of its body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Said {
    /// The first length that is one.
    len: Option<u64>,
    is_chunked: bool,
    has_other_coding: bool,
}

impl Said {
    fn of(fields: &Fields, odd: &mut Oddities) -> Self {
        let (len, has_len) = length(fields, odd);
        let mut said = Self { len, ..Self::default() };
        let mut is_last = false;
        let mut has_coding = false;
        for value in fields.all("transfer-encoding") {
            has_coding = true;
            odd.note(is_last && !value.is_empty(), Oddity::CodingInvalid);
            for coding in codings(value) {
                is_last = coding.eq_ignore_ascii_case("chunked");
                said.is_chunked |= is_last;
                said.has_other_coding |= !is_last && !coding.eq_ignore_ascii_case("identity");
            }
            odd.note(!is_clean(value), Oddity::CodingInvalid);
        }
        odd.note(said.is_chunked && !is_last, Oddity::CodingInvalid);
        odd.note(has_coding && has_len, Oddity::Smuggling);
        said
    }
}

/// The codings of a value, freed of what browsers skip around them.
pub(super) fn codings(value: &str) -> impl Iterator<Item = &str> {
    let parts = value.split([',', ';', ' ', '\t']);
    parts.map(|part| part.trim_matches(|c: char| !c.is_ascii_alphanumeric())).filter(|part| !part.is_empty())
}

/// Whether a value is a list of codings that are known.
fn is_clean(value: &str) -> bool {
    const KNOWN: [&str; 7] = ["chunked", "identity", "gzip", "x-gzip", "deflate", "compress", "x-compress"];
    let is_known = |coding: &str| KNOWN.iter().any(|known| known.eq_ignore_ascii_case(coding));
    value.split(',').all(|coding| is_known(coding.trim_matches([' ', '\t'])))
}

/// The length that is said, and whether any was.
fn length(fields: &Fields, odd: &mut Oddities) -> (Option<u64>, bool) {
    let mut first = None;
    let mut count = 0_usize;
    for value in fields.all("content-length").flat_map(|value| value.split(',')) {
        count += 1;
        match number(value, odd) {
            Some(len) => {
                odd.note(first.is_some_and(|first| first != len), Oddity::Smuggling);
                first.get_or_insert(len);
            }
            None => odd.add(Oddity::LengthInvalid),
        }
    }
    odd.note(count > 1, Oddity::LengthRepeated);
    (first, count > 0)
}

/// A length, and what of it is odd. Lengths of 2^63 and more are none: no peer
/// can count to them.
fn number(value: &str, odd: &mut Oddities) -> Option<u64> {
    let value = value.trim_matches([' ', '\t']);
    let start = value.find(|c: char| c.is_ascii_digit())?;
    let (before, rest) = value.split_at_checked(start)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at_checked(end)?;
    odd.note(!before.is_empty(), Oddity::LengthJunkBefore);
    odd.note(!after.is_empty(), Oddity::LengthJunkAfter);
    let is_negative = before.ends_with('-');
    let len = digits.parse().ok().filter(|&len| i64::try_from(len).is_ok());
    len.filter(|_| !is_negative)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(request: &str, head: &str) -> (Framing, Vec<Oddity>) {
        let mut odd = Oddities::default();
        let request = Request::read(request.as_bytes(), &mut odd);
        let response = Response::read(head.as_bytes(), &mut odd);
        let mut odd = Oddities::default();
        let framing = of_response(&response, Some(&request), &mut odd);
        (framing, odd.iter().collect())
    }

    fn of(head: &str) -> (Framing, Vec<Oddity>) {
        response("GET / HTTP/1.1\r\n\r\n", &format!("HTTP/1.1 200 OK\r\n{head}\r\n"))
    }

    fn of_client(head: &str) -> (Framing, Vec<Oddity>) {
        let mut odd = Oddities::default();
        let request = Request::read(format!("POST / HTTP/1.1\r\n{head}\r\n").as_bytes(), &mut odd);
        let mut odd = Oddities::default();
        let framing = of_request(&request, &mut odd);
        (framing, odd.iter().collect())
    }

    #[test]
    fn plain_messages_have_plain_bodies() {
        assert_eq!(of(""), (Framing::UntilEnd, vec![]));
        assert_eq!(of("Content-Length: 007\r\n"), (Framing::Length(7), vec![]));
        assert_eq!(of("Transfer-Encoding: chunked\r\n"), (Framing::Chunks { otherwise: None }, vec![]));
        assert_eq!(of("Transfer-Encoding: gzip, Chunked\r\n").1, []);
        assert_eq!(of_client(""), (Framing::Nothing, vec![]));
        assert_eq!(of_client("Content-Length: 3\r\n"), (Framing::Length(3), vec![]));
    }

    #[test]
    fn what_is_asked_decides_what_follows() {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(response("HEAD / HTTP/1.1\r\n\r\n", ok).0, Framing::Nothing);
        assert_eq!(response("CONNECT a:1 HTTP/1.1\r\n\r\n", ok).0, Framing::Nothing);
        for status in [100, 204, 304] {
            let plain = format!("HTTP/1.1 {status} x\r\n\r\n");
            assert_eq!(response("GET / HTTP/1.1\r\n\r\n", &plain).0, Framing::Nothing);
            let with = format!("HTTP/1.1 {status} x\r\nContent-Length: 5\r\n\r\n");
            assert_eq!(response("GET / HTTP/1.1\r\n\r\n", &with).0, Framing::Perhaps { len: Some(5) });
        }
    }

    #[test]
    fn lengths_that_do_not_agree_are_smuggling() {
        for head in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Content-Length: 5\r\nTransfer-Encoding:\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5, 6\r\n",
        ] {
            assert!(of(head).1.contains(&Oddity::Smuggling), "{head}");
            assert!(of_client(head).1.contains(&Oddity::Smuggling), "{head}");
        }
        let twice = of("Content-Length: 5\r\nContent-Length: 5\r\n");
        assert_eq!(twice, (Framing::Length(5), vec![Oddity::LengthRepeated]));
    }

    #[test]
    fn a_length_that_is_none_is_none() {
        for value in ["-1", "18446744073709551615", "9223372036854775808", "", "x"] {
            let (framing, odd) = of_client(&format!("Content-Length: {value}\r\n"));
            assert_eq!(framing, Framing::Nothing, "{value}");
            assert!(odd.contains(&Oddity::LengthInvalid), "{value}");
        }
        assert_eq!(of("Content-Length: (68) 34\r\n").0, Framing::Length(68));
        assert_eq!(of("Content-Length: 34( 68)\r\n"), (Framing::Length(34), vec![Oddity::LengthJunkAfter]));
    }

    #[test]
    fn a_coding_that_is_odd_is_told_and_tried() {
        let chunks = Framing::Chunks { otherwise: None };
        for (value, framing) in [
            ("xchunked", Framing::UntilEnd),
            ("chunkedchunked", Framing::UntilEnd),
            ("chunked;", chunks),
            ("\u{7f}chunked", chunks),
            ("x chunked", chunks),
            ("chunked, deflate", chunks),
        ] {
            let (read, odd) = of(&format!("Transfer-Encoding: {value}\r\n"));
            assert_eq!((read, odd), (framing, vec![Oddity::CodingInvalid]), "{value}");
        }
        let old = response("GET / HTTP/1.1\r\n\r\n", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(old, (chunks, vec![Oddity::ChunkedOld]));
    }
}
