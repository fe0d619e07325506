//! Messages of Kerberos (RFC 4120 sections 5.4, 5.9): DER, in which every field has
//! its number.

use super::registry::{EncryptionType, ErrorCode, MessageType};
use crate::wire::Malformed;
use crate::wire::der::{Der, tag};

/// The most parts of a name that are told.
const PARTS_MAX: usize = 16;

/// What a message says; fields that it does not have are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: MessageType,
    cname: Option<String>,
    realm: Option<String>,
    sname: Option<String>,
    encryption: Option<EncryptionType>,
    ticket_encryption: Option<EncryptionType>,
    error: Option<ErrorCode>,
}

/// One message for the log of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KrbRecord {
    /// What it is.
    pub kind: MessageType,
    /// The client: `alice`, or `host/server.example.com`.
    pub cname: Option<String>,
    /// The client's realm; in requests the server's.
    pub realm: Option<String>,
    /// The service that a ticket is for.
    pub sname: Option<String>,
    /// How the part for the client is encrypted.
    pub encryption: Option<EncryptionType>,
    /// How the ticket is encrypted: with the service's key.
    pub ticket_encryption: Option<EncryptionType>,
    /// Of errors: why.
    pub error: Option<ErrorCode>,
    /// Of errors: the request that fails, where it was seen.
    pub failed_request: Option<MessageType>,
}

impl Message {
    /// From all bytes of a message. What is neither exchanged with a KDC nor an
    /// error has its kind alone.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let outer = Der::new(bytes).value()?;
        let kind = outer.tag.checked_sub(tag::APPLICATION).filter(|number| *number < 0x1f);
        let kind = MessageType(kind.ok_or(Malformed::Unsupported)?);
        let mut message = Self {
            kind,
            cname: None,
            realm: None,
            sname: None,
            encryption: None,
            ticket_encryption: None,
            error: None,
        };
        let mut fields = Der::new(outer.content).within(tag::SEQUENCE)?;
        while !fields.is_empty() {
            let field = fields.value()?;
            let number = field.tag.wrapping_sub(tag::EXPLICIT);
            let mut content = Der::new(field.content);
            match (kind, number) {
                (MessageType::AS_REQ | MessageType::TGS_REQ, 4) => {
                    message.request(content.within(tag::SEQUENCE)?)?;
                }
                (MessageType::AS_REP | MessageType::TGS_REP, 3) | (MessageType::ERROR, 7) => {
                    message.realm = Some(text(content.expect(tag::GENERAL_STRING)?));
                }
                (MessageType::AS_REP | MessageType::TGS_REP, 4) | (MessageType::ERROR, 8) => {
                    message.cname = Some(name(content)?);
                }
                (MessageType::AS_REP | MessageType::TGS_REP, 5) => message.ticket(content)?,
                (MessageType::AS_REP | MessageType::TGS_REP, 6) => {
                    message.encryption = Some(encryption(content)?);
                }
                (MessageType::ERROR, 6) => message.error = Some(ErrorCode(integer(content)?)),
                (MessageType::ERROR, 10) => message.sname = Some(name(content)?),
                _ => {}
            }
        }
        Ok(message)
    }

    /// `KDC-REQ-BODY`
    fn request(&mut self, mut fields: Der<'_>) -> Result<(), Malformed> {
        while !fields.is_empty() {
            let field = fields.value()?;
            let mut content = Der::new(field.content);
            match field.tag.wrapping_sub(tag::EXPLICIT) {
                1 => self.cname = Some(name(content)?),
                2 => self.realm = Some(text(content.expect(tag::GENERAL_STRING)?)),
                3 => self.sname = Some(name(content)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// `Ticket`
    fn ticket(&mut self, mut bytes: Der<'_>) -> Result<(), Malformed> {
        let mut fields = bytes.within(tag::APPLICATION + 1)?.within(tag::SEQUENCE)?;
        while !fields.is_empty() {
            let field = fields.value()?;
            match field.tag.wrapping_sub(tag::EXPLICIT) {
                2 => self.sname = Some(name(Der::new(field.content))?),
                3 => self.ticket_encryption = Some(encryption(Der::new(field.content))?),
                _ => {}
            }
        }
        Ok(())
    }

    /// What is told of it, if it is exchanged with a KDC; after this request.
    pub(super) fn record(&self, request: Option<MessageType>) -> Option<KrbRecord> {
        let is_told = matches!(
            self.kind,
            MessageType::AS_REQ
                | MessageType::AS_REP
                | MessageType::TGS_REQ
                | MessageType::TGS_REP
                | MessageType::ERROR
        );
        is_told.then(|| KrbRecord {
            kind: self.kind,
            cname: self.cname.clone(),
            realm: self.realm.clone(),
            sname: self.sname.clone(),
            encryption: self.encryption,
            ticket_encryption: self.ticket_encryption,
            error: self.error,
            failed_request: self.error.and(request),
        })
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `PrincipalName`: its parts, joined by `/`.
fn name(mut bytes: Der<'_>) -> Result<String, Malformed> {
    let mut fields = bytes.within(tag::SEQUENCE)?;
    fields.expect(tag::EXPLICIT)?;
    let mut parts = fields.within(tag::EXPLICIT + 1)?.within(tag::SEQUENCE)?;
    let mut name = String::new();
    for at in 0..PARTS_MAX {
        if parts.is_empty() {
            break;
        }
        if at > 0 {
            name.push('/');
        }
        name.push_str(&String::from_utf8_lossy(parts.expect(tag::GENERAL_STRING)?));
    }
    Ok(name)
}

/// `EncryptedData`: how it is encrypted.
fn encryption(mut bytes: Der<'_>) -> Result<EncryptionType, Malformed> {
    integer(Der::new(bytes.within(tag::SEQUENCE)?.expect(tag::EXPLICIT)?)).map(EncryptionType)
}

/// An INTEGER of 32 bits.
fn integer(mut bytes: Der<'_>) -> Result<i32, Malformed> {
    let digits = bytes.expect(tag::INTEGER)?;
    let sign = if digits.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
    if digits.is_empty() || digits.len() > 4 {
        return Err(Malformed::BadLength);
    }
    Ok(digits.iter().fold(sign, |number, digit| number << 8 | i32::from(*digit)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::super::tests::{as_rep, as_req, error};
    use super::*;

    #[test]
    fn decodes_a_request_a_ticket_and_an_error() {
        let request = Message::decode(&as_req()).unwrap();
        assert_eq!((request.kind, request.cname.as_deref()), (MessageType::AS_REQ, Some("alice")));
        assert_eq!(request.realm.as_deref(), Some("EXAMPLE.COM"));
        assert_eq!(request.sname.as_deref(), Some("krbtgt/EXAMPLE.COM"));
        let ticket = Message::decode(&as_rep(23)).unwrap();
        assert_eq!((ticket.kind, ticket.encryption), (MessageType::AS_REP, Some(EncryptionType(23))));
        assert_eq!(ticket.ticket_encryption, Some(EncryptionType(18)));
        assert_eq!(ticket.sname.as_deref(), Some("krbtgt/EXAMPLE.COM"));
        let refusal = Message::decode(&error()).unwrap();
        assert_eq!((refusal.kind, refusal.error), (MessageType::ERROR, Some(ErrorCode(25))));
        assert_eq!((refusal.cname, refusal.realm), (None, None));
    }

    #[test]
    fn refuses_every_truncation() {
        for message in [as_req(), as_rep(18), error()] {
            for len in 0..message.len() {
                assert!(Message::decode(&message[..len]).is_err(), "{len} bytes");
            }
        }
    }

    #[test]
    fn numbers_may_be_negative() {
        assert_eq!(integer(Der::new(&[2, 1, 0x80])), Ok(-128));
        assert_eq!(integer(Der::new(&[2, 2, 0xff, 0x7b])), Ok(-133));
        assert_eq!(integer(Der::new(&[2, 4, 0x7f, 0xff, 0xff, 0xff])), Ok(i32::MAX));
        assert_eq!(integer(Der::new(&[2, 5, 0, 0, 0, 0, 1])), Err(Malformed::BadLength));
        assert_eq!(integer(Der::new(&[2, 0])), Err(Malformed::BadLength));
    }
}
