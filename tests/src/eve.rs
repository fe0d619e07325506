//! Reading the events that a gateway writes: EVE JSON, one object a line.

use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

/// All events in a file, in order. A last line without its end is still being
/// written, and is left out.
pub fn events(path: &Path) -> Vec<Value> {
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse(&text)
}

/// All events in a text; panics on a line that is not JSON.
pub fn parse(text: &str) -> Vec<Value> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parse = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("an event is not JSON ({error}): {line}"))
    };
    whole.lines().map(parse).collect()
}

/// Whether an event is of this type (`flow`, `alert`, `drop`, `stats`).
pub fn is(event: &Value, event_type: &str) -> bool {
    event["event_type"] == event_type
}

/// Whether an event is about a packet or flow to this address and port.
pub fn is_to(event: &Value, address: IpAddr, port: u16) -> bool {
    let to = event["dest_ip"].as_str().and_then(|text| text.parse::<IpAddr>().ok());
    to == Some(address) && event["dest_port"] == port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_a_line_that_is_being_written() {
        let events = parse("{\"event_type\":\"flow\"}\n{\"event_ty");
        assert_eq!(events.len(), 1);
        assert!(is(&events[0], "flow"));
    }

    #[test]
    fn compares_addresses_and_not_their_spelling() {
        let event = parse("{\"dest_ip\":\"FD77:0::0:2\",\"dest_port\":22}\n").remove(0);
        assert!(is_to(&event, "fd77::2".parse().unwrap(), 22));
        assert!(!is_to(&event, "fd77::2".parse().unwrap(), 23));
    }

    #[test]
    #[should_panic(expected = "not JSON")]
    fn refuses_a_broken_line() {
        parse("{\n");
    }
}
