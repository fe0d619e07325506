//! `snmp`: a message, as far as it is in the clear.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::head::Shown;
use crate::dissect::snmp::SnmpRecord;

/// Writes what is particular to the line.
pub(super) fn write<M: SerializeMap>(map: &mut M, message: &SnmpRecord) -> Result<(), M::Error> {
    map.serialize_entry("snmp", &Body(message))
}

struct Body<'a>(&'a SnmpRecord);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(message) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &message.version)?;
        if message.is_encrypted {
            map.serialize_entry("pdu_type", "encrypted")?;
        } else if let Some(pdu) = message.pdu {
            match pdu.name() {
                Some(name) => map.serialize_entry("pdu_type", name)?,
                None => map.serialize_entry("pdu_type", &Shown(format_args!("Unknown({:#x})", pdu.0)))?,
            }
        }
        if message.error != 0 {
            match message.error_name() {
                Some(name) => map.serialize_entry("error", name)?,
                None => map.serialize_entry("error", &Shown(message.error))?,
            }
        }
        if let Some(trap) = &message.trap {
            match trap.name() {
                Some(name) => map.serialize_entry("trap_type", name)?,
                None => map.serialize_entry("trap_type", &Shown(trap.generic))?,
            }
            map.serialize_entry("trap_oid", &trap.enterprise)?;
            map.serialize_entry("trap_address", &trap.address)?;
        }
        if !message.variables.is_empty() {
            map.serialize_entry("vars", &message.variables)?;
        }
        if let Some(community) = &message.community {
            map.serialize_entry("community", community)?;
        }
        if let Some(user) = &message.user {
            map.serialize_entry("usm", user)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use serde_json::json;

    use super::*;
    use crate::dissect::Record;
    use crate::dissect::snmp::{PduType, Trap};
    use crate::output::eve::sample;

    fn told(message: SnmpRecord) -> serde_json::Value {
        sample::parse(&sample::app_line(Record::Snmp(Box::new(message))))["snmp"].clone()
    }

    #[test]
    fn a_request_has_its_community_and_variables() {
        let message = SnmpRecord {
            version: 2,
            community: Some("public".to_owned()),
            pdu: Some(PduType(1)),
            variables: vec!["0.1".to_owned()],
            ..SnmpRecord::default()
        };
        let expected =
            json!({"version": 2, "pdu_type": "get_next_request", "vars": ["0.1"], "community": "public"});
        assert_eq!(told(message), expected);
    }

    #[test]
    fn traps_errors_and_what_is_encrypted_are_told() {
        let trap = Trap { generic: 0, enterprise: "1.3".to_owned(), address: [192, 0, 2, 1].into() };
        let message = SnmpRecord {
            version: 1,
            pdu: Some(PduType(4)),
            trap: Some(trap),
            error: 5,
            ..SnmpRecord::default()
        };
        let told_trap = told(message);
        assert_eq!(
            told_trap,
            json!({"version": 1, "pdu_type": "trap_v1", "error": "GenErr", "trap_type": "ColdStart",
                "trap_oid": "1.3", "trap_address": "192.0.2.1"})
        );
        let message = SnmpRecord {
            version: 3,
            is_encrypted: true,
            user: Some("pippo".to_owned()),
            ..SnmpRecord::default()
        };
        assert_eq!(told(message), json!({"version": 3, "pdu_type": "encrypted", "usm": "pippo"}));
        let message = SnmpRecord { version: 3, pdu: Some(PduType(30)), ..SnmpRecord::default() };
        assert_eq!(told(message), json!({"version": 3, "pdu_type": "Unknown(0x1e)"}));
    }
}
