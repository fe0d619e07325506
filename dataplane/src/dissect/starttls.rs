//! A connection in the clear goes on encrypted: `STARTTLS`, `STLS`, `AUTH TLS`,
//! whichever protocol had the word for it.

use crate::app_proto::AppProto;
use crate::dissect::Fact;
use crate::event::{EventKind, Field, Kind, Value};

/// A server has agreed to go on encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartTls {
    /// What was spoken until then, and will be inside.
    pub protocol: AppProto,
}

/// The events that fill [`FIELDS`].
pub const EVENTS: &[EventKind] = &[EventKind::StartTls];

/// `starttls.*`
pub const FIELDS: &[Field<Fact<'static>>] = &[Field {
    name: "starttls.protocol",
    kind: Kind::Str,
    doc: "The protocol that goes on inside of TLS, as `app_proto` names it: `smtp`.",
    read: |fact| match fact {
        Fact::StartTls(start) => Some(Value::Str(start.protocol.name())),
        _ => None,
    },
}];

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::dissect::login::Login;

    #[test]
    fn the_field_names_the_protocol_that_goes_on_inside() {
        let start = StartTls { protocol: AppProto::Imap };
        assert_eq!((FIELDS[0].read)(&Fact::StartTls(&start)), Some(Value::Str("imap")));
        let login = Login { user: None, password_seen: false, protocol: AppProto::Imap };
        assert_eq!((FIELDS[0].read)(&Fact::Login(&login)), None);
    }
}
