//! `dhcp`: a message, with what Suricata writes when it is asked for the whole.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::head::Shown;
use crate::dissect::dhcp::{DhcpRecord, Options, code};
use crate::wire::dns::{Hex, Text};

const REQUEST: u8 = 1;
const REPLY: u8 = 2;

/// Writes what is particular to the line.
pub(super) fn write<M: SerializeMap>(map: &mut M, message: &DhcpRecord) -> Result<(), M::Error> {
    map.serialize_entry("dhcp", &Body(message))
}

struct Body<'a>(&'a DhcpRecord);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(message) = self;
        let mut map = serializer.serialize_map(None)?;
        let kind = match message.op {
            REQUEST => "request",
            REPLY => "reply",
            _ => "<unknown>",
        };
        map.serialize_entry("type", kind)?;
        map.serialize_entry("id", &message.id)?;
        map.serialize_entry("client_mac", &Shown(Hex(&message.client_mac, ":")))?;
        map.serialize_entry("assigned_ip", &message.assigned_ip)?;
        map.serialize_entry("client_ip", &message.client_ip)?;
        if message.op == REPLY {
            map.serialize_entry("relay_ip", &message.relay_ip)?;
            map.serialize_entry("next_server_ip", &message.next_server_ip)?;
        }
        write_options(&mut map, &message.options)?;
        map.end()
    }
}

fn write_options<M: SerializeMap>(map: &mut M, options: &Options) -> Result<(), M::Error> {
    if let Some(kind) = options.byte(code::MESSAGE_TYPE) {
        map.serialize_entry("dhcp_type", message_type(kind))?;
    }
    // The type of hardware stands before it.
    if let Some([_, id @ ..]) = options.get(code::CLIENT_ID) {
        map.serialize_entry("client_id", &Shown(Hex(id, ":")))?;
    }
    for (option, key) in [(code::HOSTNAME, "hostname"), (code::VENDOR_CLASS, "vendor_class_identifier")] {
        if let Some(text) = options.get(option).filter(|text| !text.is_empty()) {
            map.serialize_entry(key, &Shown(Text(text)))?;
        }
    }
    for (option, key) in [(code::REQUESTED_IP, "requested_ip"), (code::SUBNET_MASK, "subnet_mask")] {
        if let Some(address) = options.address(option) {
            map.serialize_entry(key, &address)?;
        }
    }
    for (option, key) in [
        (code::LEASE_TIME, "lease_time"),
        (code::RENEWAL_TIME, "renewal_time"),
        (code::REBINDING_TIME, "rebinding_time"),
    ] {
        if let Some(seconds) = options.number(option) {
            map.serialize_entry(key, &seconds)?;
        }
    }
    if let Some(wished) = options.get(code::PARAMETERS) {
        let known: Vec<_> = wished.iter().filter_map(|option| parameter(*option)).collect();
        map.serialize_entry("params", &known)?;
    }
    for (option, key) in [(code::DNS_SERVERS, "dns_servers"), (code::ROUTERS, "routers")] {
        if options.get(option).is_some() {
            map.serialize_entry(key, &options.addresses(option).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

/// What a message is (RFC 2132 section 9.6, and those that came later).
const fn message_type(kind: u8) -> &'static str {
    match kind {
        1 => "discover",
        2 => "offer",
        3 => "request",
        4 => "decline",
        5 => "ack",
        6 => "nak",
        7 => "release",
        8 => "inform",
        9 => "forcerenew",
        10 => "leasequery",
        11 => "leaseunassigned",
        12 => "leaseunknown",
        13 => "leaseactive",
        _ => "unknown",
    }
}

/// The word for an option that a client wishes for, of those that Suricata names.
const fn parameter(option: u8) -> Option<&'static str> {
    Some(match option {
        1 => "subnet_mask",
        3 => "router",
        6 => "dns_server",
        15 => "domain",
        35 => "arp_timeout",
        42 => "ntp_server",
        66 => "tftp_server_name",
        150 => "tftp_server_ip",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;
    use crate::dissect::Record;
    use crate::output::eve::sample;

    fn told(op: u8, options: &[u8]) -> serde_json::Value {
        let mut bytes = vec![op, 1, 6, 0, 0, 0, 0, 9];
        bytes.extend([0; 8]);
        bytes.extend([192, 0, 2, 7, 192, 0, 2, 1, 192, 0, 2, 2, 2, 0, 0, 0, 0, 1]);
        bytes.resize(236, 0);
        bytes.extend([99, 130, 83, 99]);
        bytes.extend_from_slice(options);
        let message = DhcpRecord::decode(&bytes).unwrap();
        sample::parse(&sample::app_line(Record::Dhcp(Box::new(message))))["dhcp"].clone()
    }

    #[test]
    fn a_request_has_what_its_options_say() {
        let options = b"\x35\x01\x01\x3d\x07\x01\x02\0\0\0\0\x01\x0c\x02pc\x3c\x03abc\x37\x03\x01\x0f\xf9\x32\x04\xc0\0\x02\x09\xff";
        let expected = json!({
            "type": "request", "id": 9, "client_mac": "02:00:00:00:00:01", "assigned_ip": "192.0.2.7",
            "client_ip": "0.0.0.0", "dhcp_type": "discover", "client_id": "02:00:00:00:00:01", "hostname": "pc",
            "vendor_class_identifier": "abc", "requested_ip": "192.0.2.9", "params": ["subnet_mask", "domain"],
        });
        assert_eq!(told(1, options), expected);
    }

    #[test]
    fn a_reply_has_what_the_client_is_given() {
        let options = b"\x35\x01\x05\x33\x04\0\0\x0e\x10\x01\x04\xff\xff\xff\0\x03\x04\xc0\0\x02\x01\x06\x08\x01\x01\x01\x01\x08\x08\x08\x08\xff";
        let expected = json!({
            "type": "reply", "id": 9, "client_mac": "02:00:00:00:00:01", "assigned_ip": "192.0.2.7",
            "client_ip": "0.0.0.0", "relay_ip": "192.0.2.2", "next_server_ip": "192.0.2.1", "dhcp_type": "ack",
            "subnet_mask": "255.255.255.0", "lease_time": 3600, "dns_servers": ["1.1.1.1", "8.8.8.8"],
            "routers": ["192.0.2.1"],
        });
        assert_eq!(told(2, options), expected);
        assert_eq!(told(7, b"\x35\x01\x63\xff")["type"], "<unknown>");
        assert_eq!(told(2, b"\x35\x01\x63\xff")["dhcp_type"], "unknown");
    }
}
