//! `ike`: a message of either version.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::dissect::ike::{Attribute, IkeRecord, Said, V1, V1Side, V2, Value};

/// Writes `ike`.
pub(super) fn write<M: SerializeMap>(map: &mut M, record: &IkeRecord) -> Result<(), M::Error> {
    map.serialize_entry("ike", &Ike(record))
}

struct Ike<'a>(&'a IkeRecord);

impl Serialize for Ike<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version_major", &record.version.0)?;
        map.serialize_entry("version_minor", &record.version.1)?;
        map.serialize_entry("init_spi", &format_args!("{:016x}", record.initiator_spi))?;
        map.serialize_entry("resp_spi", &format_args!("{:016x}", record.responder_spi))?;
        map.serialize_entry("message_id", &record.message_id)?;
        map.serialize_entry("exchange_type", &record.exchange)?;
        match &record.said {
            Said::V1(said) => write_v1(&mut map, record.exchange, said)?,
            Said::V2(said) => write_v2(&mut map, said)?,
        }
        map.end()
    }
}

fn write_v2<M: SerializeMap>(map: &mut M, said: &V2) -> Result<(), M::Error> {
    if said.is_initiator {
        map.serialize_entry("role", "initiator")?;
    } else {
        map.serialize_entry("role", "responder")?;
        map.serialize_entry("alg_enc", &said.chosen.encryption_name())?;
        map.serialize_entry("alg_auth", &said.chosen.integrity_name())?;
        map.serialize_entry("alg_prf", &said.chosen.prf_name())?;
        map.serialize_entry("alg_dh", &said.chosen.group_name())?;
        map.serialize_entry("alg_esn", &said.chosen.esn_name())?;
    }
    map.serialize_entry("payload", &said.payload_names().collect::<Vec<_>>())?;
    map.serialize_entry("ikev2", &OnlyV2 { errors: said.errors, notify: said.notification_names().collect() })
}

#[derive(Serialize)]
struct OnlyV2 {
    errors: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notify: Vec<String>,
}

fn write_v1<M: SerializeMap>(map: &mut M, exchange: u8, said: &V1) -> Result<(), M::Error> {
    if let Some(name) = exchange_name(exchange) {
        map.serialize_entry("exchange_type_verbose", name)?;
    }
    write_attributes(map, &said.chosen)?;
    map.serialize_entry("payload", &said.payload_names().collect::<Vec<_>>())?;
    map.serialize_entry("ikev1", &OnlyV1(said))
}

/// Each attribute by its name, once with the name of its value and once raw.
fn write_attributes<M: SerializeMap>(map: &mut M, attributes: &[Attribute]) -> Result<(), M::Error> {
    // A key may stand once in an object; of attributes that repeat the first counts.
    for (at, attribute) in attributes.iter().enumerate() {
        let name = attribute.name();
        if attributes.iter().take(at).any(|before| before.name() == name) {
            continue;
        }
        map.serialize_entry(name, attribute.value_name())?;
        let raw = format!("{name}_raw");
        match &attribute.value {
            Value::Number(number) => map.serialize_entry(&raw, number)?,
            Value::Bytes(hex) => map.serialize_entry(&raw, hex)?,
        }
    }
    Ok(())
}

/// The exchanges of version 1 (RFC 2408 section 3.1, RFC 2409 appendix A).
const fn exchange_name(exchange: u8) -> Option<&'static str> {
    Some(match exchange {
        1 => "Base",
        2 => "Identity Protection",
        3 => "Authentication Only",
        4 => "Aggressive",
        5 => "Informational",
        6 => "Transaction (Config Mode)",
        32 => "Quick Mode",
        33 => "New Group Mode",
        _ => return None,
    })
}

struct OnlyV1<'a>(&'a V1);

impl Serialize for OnlyV1<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let said = self.0;
        let mut map = serializer.serialize_map(None)?;
        if let Some(doi) = said.doi {
            map.serialize_entry("doi", &doi)?;
        }
        map.serialize_entry("encrypted_payloads", &said.is_encrypted)?;
        if !said.is_encrypted {
            let proposals = said.transforms.iter().map(|transform| Proposal(transform)).collect();
            map.serialize_entry("client", &Side { side: &said.client, proposals })?;
            map.serialize_entry("server", &Side { side: &said.server, proposals: Vec::new() })?;
            if !said.vendor_ids.is_empty() {
                map.serialize_entry("vendor_ids", &said.vendor_ids)?;
            }
        }
        map.end()
    }
}

struct Side<'a> {
    side: &'a V1Side,
    proposals: Vec<Proposal<'a>>,
}

impl Serialize for Side<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let payloads = [
            ("key_exchange_payload", "key_exchange_payload_length", &self.side.key_exchange),
            ("nonce_payload", "nonce_payload_length", &self.side.nonce),
        ];
        for (name, len_name, hex) in payloads {
            if !hex.is_empty() {
                map.serialize_entry(name, hex)?;
                map.serialize_entry(len_name, &(hex.len() / 2))?;
            }
        }
        if !self.proposals.is_empty() {
            map.serialize_entry("proposals", &self.proposals)?;
        }
        map.end()
    }
}

struct Proposal<'a>(&'a [Attribute]);

impl Serialize for Proposal<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_attributes(&mut map, self.0)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::Record;
    use crate::dissect::ike::Chosen;
    use crate::output::eve::sample;

    fn line(version: (u8, u8), exchange: u8, said: Said) -> String {
        let record =
            IkeRecord { version, initiator_spi: 0xabc, responder_spi: 0, message_id: 1, exchange, said };
        sample::app_line(Record::Ike(Box::new(record)))
    }

    #[test]
    fn of_version_2() {
        let chosen = Chosen { encryption: 12, prf: 5, integrity: 12, group: 14, esn: 0 };
        let said =
            V2 { is_initiator: false, payloads: vec![33, 0], notifications: vec![14], errors: 1, chosen };
        let ike = concat!(
            r#""ike":{"version_major":2,"version_minor":0,"init_spi":"0000000000000abc","#,
            r#""resp_spi":"0000000000000000","message_id":1,"exchange_type":34,"role":"responder","#,
            r#""alg_enc":"ENCR_AES_CBC","alg_auth":"AUTH_HMAC_SHA2_256_128","alg_prf":"PRF_HMAC_SHA2_256","#,
            r#""alg_dh":"Modp2048","alg_esn":"NoESN","payload":["SecurityAssociation","NoNextPayload"],"#,
            r#""ikev2":{"errors":1,"notify":["NO_PROPOSAL_CHOSEN"]}}"#,
        );
        let told = line((2, 0), 34, Said::V2(Box::new(said)));
        assert!(told.contains(r#""event_type":"ike""#) && told.contains(ike), "{told}");
    }

    #[test]
    fn of_version_1() {
        let number = |kind, number| Attribute { kind, value: Value::Number(number) };
        let said = V1 {
            doi: Some(1),
            payloads: vec![1, 13],
            transforms: vec![vec![
                number(1, 7),
                number(1, 5),
                Attribute { kind: 6, value: Value::Bytes("ab".into()) },
            ]],
            chosen: vec![number(14, 256)],
            client: V1Side { key_exchange: "0102".into(), nonce: String::new() },
            vendor_ids: vec!["ff".into()],
            ..V1::default()
        };
        let ike = concat!(
            r#""exchange_type":2,"exchange_type_verbose":"Identity Protection","sa_key_length":"Unknown","#,
            r#""sa_key_length_raw":256,"payload":["SecurityAssociation","VendorID"],"ikev1":{"doi":1,"#,
            r#""encrypted_payloads":false,"client":{"key_exchange_payload":"0102","key_exchange_payload_length":2,"#,
            r#""proposals":[{"alg_enc":"EncAesCbc","alg_enc_raw":7,"sa_group_prime":"Unknown","sa_group_prime_raw":"ab"}]},"#,
            r#""server":{},"vendor_ids":["ff"]}}"#,
        );
        let told = line((1, 0), 2, Said::V1(Box::new(said)));
        assert!(told.contains(ike), "{told}");
    }
}
