//! `sip`: a message; what it says about media is as Suricata 8 has it.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::dissect::sip::{Media, Sdp, SipRecord, StartLine, TimeDescription};

/// Writes `sip`.
pub(super) fn write<M: SerializeMap>(map: &mut M, record: &SipRecord) -> Result<(), M::Error> {
    map.serialize_entry("sip", &Sip(record))
}

struct Sip<'a>(&'a SipRecord);

impl Serialize for Sip<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.0.start {
            StartLine::Request { method, uri, version, line } => {
                map.serialize_entry("method", method)?;
                map.serialize_entry("uri", uri)?;
                map.serialize_entry("version", version)?;
                map.serialize_entry("request_line", line)?;
            }
            StartLine::Response { version, code, reason, line } => {
                map.serialize_entry("version", version)?;
                map.serialize_entry("code", code)?;
                map.serialize_entry("reason", reason)?;
                map.serialize_entry("response_line", line)?;
            }
        }
        if let Some(sdp) = &self.0.sdp {
            map.serialize_entry("sdp", &Description::new(sdp))?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Description<'a> {
    origin: &'a str,
    session_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_info: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_data: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    bandwidths: &'a [String],
    time_descriptions: Vec<When<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_key: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    attributes: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    media_descriptions: Vec<Channel<'a>>,
}

#[derive(Serialize)]
struct When<'a> {
    time: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_time: Option<&'a str>,
}

#[derive(Serialize)]
struct Channel<'a> {
    media: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_info: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    bandwidths: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_key: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    attributes: &'a [String],
}

impl<'a> Description<'a> {
    fn new(sdp: &'a Sdp) -> Self {
        let time = |time: &'a TimeDescription| When { time: &time.time, repeat_time: time.repeat.as_deref() };
        let media = |media: &'a Media| Channel {
            media: &media.media,
            media_info: media.info.as_deref(),
            bandwidths: &media.bandwidths,
            connection_data: media.connection.as_deref(),
            encryption_key: media.encryption_key.as_deref(),
            attributes: &media.attributes,
        };
        Self {
            origin: &sdp.origin,
            session_name: &sdp.name,
            session_info: sdp.info.as_deref(),
            uri: sdp.uri.as_deref(),
            email: sdp.email.as_deref(),
            phone_number: sdp.phone.as_deref(),
            connection_data: sdp.connection.as_deref(),
            bandwidths: &sdp.bandwidths,
            time_descriptions: sdp.times.iter().map(time).collect(),
            timezone: sdp.time_zone.as_deref(),
            encryption_key: sdp.encryption_key.as_deref(),
            attributes: &sdp.attributes,
            media_descriptions: sdp.media.iter().map(media).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::Record;
    use crate::output::eve::sample;

    fn line(start: StartLine, sdp: Option<Sdp>) -> String {
        sample::app_line(Record::Sip(Box::new(SipRecord { start, sdp: sdp.map(Box::new) })))
    }

    #[test]
    fn of_a_request_that_describes_a_session() {
        let start = StartLine::Request {
            method: "INVITE".into(),
            uri: "sip:a".into(),
            version: "SIP/2.0".into(),
            line: "INVITE sip:a SIP/2.0".into(),
        };
        let media = Media { media: "audio 1 RTP/AVP 0".into(), info: Some("m".into()), ..Media::default() };
        let sdp = Sdp {
            origin: "o".into(),
            name: "s".into(),
            times: vec![TimeDescription { time: "1 2".into(), repeat: Some("3".into()) }],
            attributes: vec!["sendrecv".into()],
            media: vec![media],
            ..Sdp::default()
        };
        let sip = concat!(
            r#""sip":{"method":"INVITE","uri":"sip:a","version":"SIP/2.0","request_line":"INVITE sip:a SIP/2.0","#,
            r#""sdp":{"origin":"o","session_name":"s","time_descriptions":[{"time":"1 2","repeat_time":"3"}],"#,
            r#""attributes":["sendrecv"],"media_descriptions":[{"media":"audio 1 RTP/AVP 0","media_info":"m"}]}}"#,
        );
        let told = line(start, Some(sdp));
        assert!(told.contains(r#""event_type":"sip""#) && told.contains(sip), "{told}");
    }

    #[test]
    fn of_an_answer() {
        let start = StartLine::Response {
            version: "SIP/2.0".into(),
            code: "180".into(),
            reason: "Ringing".into(),
            line: "SIP/2.0 180 Ringing".into(),
        };
        let sip = r#""sip":{"version":"SIP/2.0","code":"180","reason":"Ringing","response_line":"SIP/2.0 180 Ringing"}"#;
        assert!(line(start, None).contains(sip));
    }
}
