//! `krb5`: a message to or from a KDC.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::head::Shown;
use crate::dissect::krb5::{EncryptionType, KrbRecord};

/// Writes `krb5`.
pub(super) fn write<M: SerializeMap>(map: &mut M, record: &KrbRecord) -> Result<(), M::Error> {
    map.serialize_entry("krb5", &Krb5(record))
}

struct Krb5<'a>(&'a KrbRecord);

impl Serialize for Krb5<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const EMPTY: &str = "<empty>";
        let record = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("msg_type", &Shown(record.kind))?;
        if let Some(error) = record.error {
            match record.failed_request {
                Some(request) => map.serialize_entry("failed_request", &Shown(request))?,
                None => map.serialize_entry("failed_request", "UNKNOWN")?,
            }
            map.serialize_entry("error_code", &Shown(error))?;
        }
        map.serialize_entry("cname", record.cname.as_deref().unwrap_or(EMPTY))?;
        map.serialize_entry("realm", record.realm.as_deref().unwrap_or(EMPTY))?;
        map.serialize_entry("sname", record.sname.as_deref().unwrap_or(EMPTY))?;
        match record.encryption {
            Some(encryption) => map.serialize_entry("encryption", &Shown(encryption))?,
            None => map.serialize_entry("encryption", "<none>")?,
        }
        let is_weak = record.encryption.is_some_and(EncryptionType::is_weak);
        map.serialize_entry("weak_encryption", &is_weak)?;
        if let Some(encryption) = record.ticket_encryption {
            map.serialize_entry("ticket_encryption", &Shown(encryption))?;
            map.serialize_entry("ticket_weak_encryption", &encryption.is_weak())?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::Record;
    use crate::dissect::krb5::{ErrorCode, MessageType};
    use crate::output::eve::sample;

    fn line(record: KrbRecord) -> String {
        sample::app_line(Record::Krb5(Box::new(record)))
    }

    fn record() -> KrbRecord {
        KrbRecord {
            kind: MessageType::TGS_REP,
            cname: Some("alice".into()),
            realm: Some("EXAMPLE.COM".into()),
            sname: Some("host/a".into()),
            encryption: Some(EncryptionType(18)),
            ticket_encryption: Some(EncryptionType(23)),
            error: None,
            failed_request: None,
        }
    }

    #[test]
    fn of_a_ticket() {
        let krb5 = concat!(
            r#""krb5":{"msg_type":"KRB_TGS_REP","cname":"alice","realm":"EXAMPLE.COM","sname":"host/a","#,
            r#""encryption":"aes256-cts-hmac-sha1-96","weak_encryption":false,"#,
            r#""ticket_encryption":"rc4-hmac","ticket_weak_encryption":true}"#,
        );
        let told = line(record());
        assert!(told.contains(r#""event_type":"krb5""#) && told.contains(krb5), "{told}");
    }

    #[test]
    fn of_an_error() {
        let refusal = KrbRecord {
            kind: MessageType::ERROR,
            cname: None,
            realm: None,
            encryption: None,
            ticket_encryption: None,
            error: Some(ErrorCode(25)),
            ..record()
        };
        let krb5 = concat!(
            r#""krb5":{"msg_type":"KRB_ERROR","failed_request":"UNKNOWN","error_code":"KDC_ERR_PREAUTH_REQUIRED","#,
            r#""cname":"<empty>","realm":"<empty>","sname":"host/a","encryption":"<none>","weak_encryption":false}"#,
        );
        let told = line(refusal);
        assert!(told.contains(krb5), "{told}");
    }
}
