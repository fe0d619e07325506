//! `http2`: what HTTP/2 has of its own, beside what every version has.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::dissect::http::h2::{ErrorCode, Frames, Http2Detail, setting_name};

/// Writes the object.
pub(super) fn write<M: SerializeMap>(map: &mut M, detail: &Http2Detail) -> Result<(), M::Error> {
    let Http2Detail { stream_id, request, response } = detail;
    let http2 = Http2 { stream_id: *stream_id, request: Side::new(request), response: Side::new(response) };
    map.serialize_entry("http2", &http2)
}

#[derive(Serialize)]
struct Http2<'a> {
    stream_id: u32,
    request: Side<'a>,
    response: Side<'a>,
}

/// What one side's frames say.
#[derive(Serialize)]
struct Side<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "settings")]
    settings: &'a [(u16, u32)],
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_multiple: Option<&'static str>,
}

impl<'a> Side<'a> {
    fn new(frames: &'a Frames) -> Self {
        Self {
            settings: &frames.settings,
            error_code: frames.error.map(error_code),
            priority: frames.priority,
            has_multiple: frames.repeated,
        }
    }
}

/// The reason by name, for connections in capitals, as Suricata has it.
fn error_code(error: ErrorCode) -> String {
    match error.name() {
        Some(name) if error.is_of_connection => name.to_ascii_uppercase(),
        Some(name) => name.to_owned(),
        None => error.code.to_string(),
    }
}

#[derive(Serialize)]
struct Setting {
    settings_id: String,
    settings_value: u32,
}

fn settings<S: Serializer>(settings: &&[(u16, u32)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(settings.iter().map(|&(number, settings_value)| {
        let name = setting_name(number);
        let settings_id = name.map_or_else(|| format!("SETTINGS{number}"), str::to_owned);
        Setting { settings_id, settings_value }
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::dissect::Record;
    use crate::dissect::http::Transaction;
    use crate::output::eve::sample;
    use serde_json::json;

    #[test]
    fn what_is_said_of_a_connection_has_its_shape() {
        let request = Frames { settings: vec![(1, 4096), (9, 7)], priority: Some(219), ..Frames::default() };
        let of_connection = ErrorCode { code: 11, is_of_connection: true };
        let error = Some(of_connection);
        let response = Frames { error, repeated: Some("error_code"), ..Frames::default() };
        let http2 = Some(Box::new(Http2Detail { stream_id: 0, request, response }));
        let transaction = Transaction {
            id: 0,
            request: None,
            response: None,
            request_len: 0,
            response_len: 0,
            is_brief: false,
            http2,
        };
        let written = sample::parse(&sample::app(Record::Http(Box::new(transaction))));
        assert_eq!(written["event_type"], "http");
        assert_eq!(
            written["http"],
            json!({"version": "2", "http2": {
                "stream_id": 0,
                "request": {
                    "settings": [
                        {"settings_id": "SETTINGSHEADERTABLESIZE", "settings_value": 4096},
                        {"settings_id": "SETTINGS9", "settings_value": 7},
                    ],
                    "priority": 219,
                },
                "response": {"error_code": "ENHANCEYOURCALM", "has_multiple": "error_code"},
            }})
        );
        assert_eq!(error_code(ErrorCode { code: 8, is_of_connection: false }), "Cancel");
        assert_eq!(error_code(ErrorCode { code: 99, is_of_connection: true }), "99");
    }
}
