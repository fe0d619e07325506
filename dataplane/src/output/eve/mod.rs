//! EVE JSON: events as lines, in the names and shapes of Suricata 7.
//!
//! What already reads Suricata's `eve.json` (Elastic, Splunk, Wazuh, `EveBox`,
//! jq) reads this unchanged. An event is serialised as it stands, borrowed,
//! into a buffer that the caller keeps: no allocation a line except for
//! `stats`.
//!
//! Where we differ from Suricata, on purpose:
//! - IPv6 addresses are written as RFC 5952 has them (`2001:db8::1`), as in
//!   rules and on the command line, not in 39 digits;
//! - times are UTC;
//! - `alert.message` is what the rule said, next to its name in
//!   `alert.signature`; `event_type` `log` is a rule's `log(..)`, with the same
//!   words under `log`;
//! - `drop` has the ICMP numbers over IPv6 too; it lacks `tcpres`, because
//!   decoding does not keep the reserved bits;
//! - a frame that is no IP packet has its `ether` types and addresses;
//! - `tunnel` stands in every line about what came out of one, flows included,
//!   and tells of the innermost; `tcp.midstream` is ours.

mod alert;
mod anomaly;
mod app;
mod dhcp;
mod dns;
mod dropped;
mod file;
mod flow;
mod ftp;
mod head;
mod http;
mod http2;
mod ike;
mod krb5;
mod pop3;
mod quic;
#[cfg(test)]
pub(super) mod sample;
mod sip;
mod smtp;
mod snmp;
mod ssh;
mod stats;
mod tftp;
mod tls;
mod tunnel;
mod websocket;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::worker::event::Event;

/// What is written into lines beyond what every line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eve {
    /// The Community ID of flows.
    pub community_id: bool,
    /// The Ethernet addresses of flows, and of packets in which something was said.
    pub ethernet: bool,
}

impl Default for Eve {
    fn default() -> Self {
        Self { community_id: true, ethernet: true }
    }
}

impl Eve {
    /// Appends an event to `out` as one line of JSON with its newline.
    pub fn line(self, event: &Event, out: &mut Vec<u8>) {
        let written = serde_json::to_writer(&mut *out, &Line { eve: self, event });
        // A vector takes every byte, and our keys are text: nothing of the
        // world can make this fail.
        assert!(written.is_ok(), "an event did not become JSON: {written:?}");
        out.push(b'\n');
    }
}

/// An event on its way to a line.
struct Line<'a> {
    eve: Eve,
    event: &'a Event,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.event {
            Event::Flow(end) => flow::write(&mut map, self.eve, end)?,
            Event::Alert(alert) => alert::write(&mut map, self.eve, alert)?,
            Event::Log(log) => alert::write_log(&mut map, self.eve, log)?,
            Event::Drop(dropped) => dropped::write(&mut map, self.eve, dropped)?,
            Event::Anomaly(anomalous) => anomaly::write(&mut map, self.eve, anomalous)?,
            Event::App(told) => app::write(&mut map, self.eve, told)?,
            Event::Stats(stats) => stats::write(&mut map, stats)?,
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn lines_follow_each_other_in_one_buffer() {
        let mut out = Vec::new();
        for event in sample::one_of_each() {
            Eve::default().line(&event, &mut out);
        }
        let text = String::from_utf8(out).unwrap_or_default();
        assert!(text.ends_with('\n'));
        let types: Vec<_> = text.lines().map(|line| sample::parse(line)["event_type"].clone()).collect();
        assert_eq!(types, ["flow", "alert", "log", "drop", "anomaly", "stats"]);
    }

    #[test]
    fn a_community_id_can_be_left_out() {
        for event in sample::one_of_each() {
            let mut out = Vec::new();
            Eve { community_id: false, ..Eve::default() }.line(&event, &mut out);
            assert_eq!(sample::parse(&String::from_utf8_lossy(&out)).get("community_id"), None);
        }
    }

    #[test]
    fn hostile_text_stays_one_line_of_json() {
        let mut alert = sample::alert();
        "a\nb\"c\\\u{0}\u{7f}\u{2028}é".clone_into(&mut alert.message);
        let line = sample::line(&Event::Alert(Box::new(alert.clone())));
        assert_eq!(line.lines().count(), 1);
        assert_eq!(sample::parse(&line)["alert"]["message"], alert.message.as_str());
    }
}
