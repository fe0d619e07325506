//! `http`: a request and its response, with all of Suricata's `extended` keys
//! and the fields of both heads.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::http2;
use crate::dissect::http::{Fields, Range, Request, Response, Transaction};

/// The most bytes of a field's name and of its value that are written, as
/// Suricata has them.
const NAME_MAX: usize = 256;
const VALUE_MAX: usize = 2048;

/// Writes the number of the transaction, which stands in the line itself.
pub(super) fn write_number<M: SerializeMap>(map: &mut M, http: &Transaction) -> Result<(), M::Error> {
    map.serialize_entry("tx_id", &http.id)
}

/// Writes the object.
pub(super) fn write<M: SerializeMap>(map: &mut M, http: &Transaction) -> Result<(), M::Error> {
    map.serialize_entry("http", &Http(http))
}

struct Http<'a>(&'a Transaction);

impl Serialize for Http<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Transaction { request, response, response_len, is_brief, http2, .. }) = self;
        let mut map = serializer.serialize_map(None)?;
        if http2.is_some() {
            map.serialize_entry("version", "2")?;
        }
        if let Some(request) = request {
            write_request(&mut map, request)?;
        }
        if let Some(response) = response {
            write_content(&mut map, response)?;
        }
        if let Some(request) = request {
            entry(&mut map, "http_refer", request.fields().first("referer"))?;
            map.serialize_entry("http_method", request.method())?;
            entry(&mut map, "protocol", request.protocol())?;
        }
        if let Some(response) = response {
            write_status(&mut map, response)?;
        }
        if response.is_some() || http2.is_none() {
            map.serialize_entry("length", response_len)?;
        }
        if let (Some(request), false) = (request, *is_brief) {
            write_fields(&mut map, "request_headers", request.fields())?;
        }
        if let (Some(response), false) = (response, *is_brief) {
            write_fields(&mut map, "response_headers", response.fields())?;
        }
        if let Some(detail) = http2 {
            http2::write(&mut map, detail)?;
        }
        map.end()
    }
}

fn entry<M: SerializeMap>(map: &mut M, key: &'static str, value: Option<&str>) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(key, value),
        None => Ok(()),
    }
}

fn write_request<M: SerializeMap>(map: &mut M, request: &Request) -> Result<(), M::Error> {
    entry(map, "hostname", request.host())?;
    if let Some(port) = request.port() {
        map.serialize_entry("http_port", &port)?;
    }
    map.serialize_entry("url", request.target())?;
    entry(map, "http_user_agent", request.fields().first("user-agent"))?;
    entry(map, "xff", request.fields().first("x-forwarded-for"))
}

fn write_content<M: SerializeMap>(map: &mut M, response: &Response) -> Result<(), M::Error> {
    let fields = response.fields();
    let kind = fields.first("content-type").map(|kind| kind.split(';').next().unwrap_or_default());
    entry(map, "http_content_type", kind)?;
    match fields.first("content-range") {
        Some(raw) => map.serialize_entry("content_range", &ContentRange(raw)),
        None => Ok(()),
    }
}

fn write_status<M: SerializeMap>(map: &mut M, response: &Response) -> Result<(), M::Error> {
    match response.status() {
        Some(status) => map.serialize_entry("status", &status)?,
        None if !response.status_text().is_empty() => {
            map.serialize_entry("status_string", response.status_text())?;
        }
        None => {}
    }
    entry(map, "redirect", response.fields().first("location"))
}

fn write_fields<M: SerializeMap>(map: &mut M, key: &'static str, fields: &Fields) -> Result<(), M::Error> {
    if fields.is_empty() { Ok(()) } else { map.serialize_entry(key, &Headers(fields)) }
}

/// `content_range`: as it was sent, and what it says.
struct ContentRange<'a>(&'a str);

impl Serialize for ContentRange<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(raw) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("raw", raw)?;
        if let Some(range) = Range::read(raw) {
            if let Some((first, last)) = range.part {
                map.serialize_entry("start", &first)?;
                map.serialize_entry("end", &last)?;
            }
            if let Some(size) = range.size {
                map.serialize_entry("size", &size)?;
            }
        }
        map.end()
    }
}

struct Headers<'a>(&'a Fields);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(fields) = self;
        let mut list = serializer.serialize_seq(Some(fields.len()))?;
        for (name, value) in fields.iter() {
            list.serialize_element(&Header { name: cut(name, NAME_MAX), value: cut(value, VALUE_MAX) })?;
        }
        list.end()
    }
}

#[derive(serde::Serialize)]
struct Header<'a> {
    name: &'a str,
    value: &'a str,
}

/// The first bytes of text, cut between characters.
fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, clippy::panic, reason = "tests")]

    use super::*;
    use crate::anomaly::Anomaly;
    use crate::dissect::http::Http as Dissector;
    use crate::dissect::{Dissector as _, Fact, Listener, Record};
    use crate::flow::Direction;
    use crate::output::eve::sample;

    /// The records that are told.
    #[derive(Default)]
    struct Records(Vec<Record>);

    impl Listener for Records {
        fn fact(&mut self, _: Direction, _: Fact<'_>) {}

        fn record(&mut self, _: Direction, record: Record) {
            self.0.push(record);
        }

        fn anomaly(&mut self, _: Direction, _: Anomaly) {}
    }

    fn line(request: &str, response: &str) -> serde_json::Value {
        let (mut http, mut records) = (Dissector::new(), Records::default());
        http.bytes(Direction::Up, request.as_bytes(), &mut records);
        http.bytes(Direction::Down, response.as_bytes(), &mut records);
        http.close(&mut records);
        let http = records.0.into_iter().find(|record| matches!(record, Record::Http(_)));
        let Some(http) = http else { panic!("no transaction") };
        sample::parse(&sample::app(http))
    }

    #[test]
    fn a_transaction_has_its_shape() {
        let written = line(
            "GET http://A.example:8080/x?y HTTP/1.1\r\nHost: a.example:8080\r\nUser-Agent: me\r\n\
             X-Forwarded-For: 192.0.2.1\r\nReferer: http://b/\r\n\r\n",
            "HTTP/1.1 206 Part\r\nContent-Type: text/html; charset=x\r\nLocation: /z\r\n\
             Content-Range: bytes 2-6/10\r\nContent-Length: 5\r\n\r\nhello",
        );
        assert_eq!((&written["event_type"], &written["tx_id"]), (&"http".into(), &0.into()));
        let expected = sample::parse(concat!(
            r#"{"hostname":"a.example","http_port":8080,"url":"http://A.example:8080/x?y","#,
            r#""http_user_agent":"me","xff":"192.0.2.1","http_content_type":"text/html","#,
            r#""content_range":{"raw":"bytes 2-6/10","start":2,"end":6,"size":10},"#,
            r#""http_refer":"http://b/","http_method":"GET","protocol":"HTTP/1.1","status":206,"#,
            r#""redirect":"/z","length":5,"#,
            r#""request_headers":[{"name":"Host","value":"a.example:8080"},{"name":"User-Agent","value":"me"},"#,
            r#"{"name":"X-Forwarded-For","value":"192.0.2.1"},{"name":"Referer","value":"http://b/"}],"#,
            r#""response_headers":[{"name":"Content-Type","value":"text/html; charset=x"},"#,
            r#"{"name":"Location","value":"/z"},{"name":"Content-Range","value":"bytes 2-6/10"},"#,
            r#"{"name":"Content-Length","value":"5"}]}"#,
        ));
        assert_eq!(written["http"], expected);
    }

    #[test]
    fn what_was_not_seen_is_left_out() {
        let written = line("GET /old\r\n\r\n", "");
        assert_eq!(written["http"], sample::parse(r#"{"url":"/old","http_method":"GET","length":0}"#));
        let written = line("", "HTTP/1.1 2XX OK\r\nContent-Length: 0\r\n\r\n");
        let http = &written["http"];
        assert_eq!(
            (&http["status_string"], http.get("status"), http.get("url")),
            (&"2XX".into(), None, None)
        );
    }

    #[test]
    fn long_fields_are_cut_between_characters() {
        let long = "\u{e4}".repeat(VALUE_MAX);
        let written = line(&format!("GET / HTTP/1.1\r\nHost: x\r\nY: {long}\r\n\r\n"), "");
        let value = written["http"]["request_headers"][1]["value"].as_str().unwrap_or_default();
        assert_eq!(value.len(), VALUE_MAX);
    }
}
