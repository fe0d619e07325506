//! A name or a password in the clear, whichever protocol carried it.
//!
//! Rules are told who logs in where and that a password could be read; what the
//! password is, nothing here keeps or tells.

use crate::app_proto::AppProto;
use crate::dissect::Fact;
use crate::event::{EventKind, Field, Kind, Value};

/// What was said to log in, by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login<'a> {
    /// The name; `None` where it was not seen, or is no UTF-8.
    pub user: Option<&'a str>,
    /// Whether a password went by in the clear (Base64 is in the clear).
    pub password_seen: bool,
    /// What it was said in.
    pub protocol: AppProto,
}

/// The events that fill [`FIELDS`].
pub const EVENTS: &[EventKind] = &[EventKind::Login];

/// `login.*`
pub const FIELDS: &[Field<Fact<'static>>] = &[
    Field {
        name: "login.user",
        kind: Kind::Str,
        doc: "The name that was sent to log in.",
        read: |fact| login(fact)?.user.map(Value::Str),
    },
    Field {
        name: "login.protocol",
        kind: Kind::Str,
        doc: "The protocol of the login, as `app_proto` names it: `ftp`.",
        read: |fact| Some(Value::Str(login(fact)?.protocol.name())),
    },
    Field {
        name: "login.has_password",
        kind: Kind::Bool,
        doc: "Whether a password was sent in the clear; it is never kept.",
        read: |fact| Some(Value::Bool(login(fact)?.password_seen)),
    },
];

const fn login<'a>(fact: &Fact<'a>) -> Option<&'a Login<'a>> {
    match fact {
        Fact::Login(login) => Some(login),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::starttls::StartTls;

    fn read<'a>(fact: &'a Fact<'a>) -> Vec<(&'static str, Option<Value<'a>>)> {
        FIELDS.iter().map(|field| (field.name, (field.read)(fact))).collect()
    }

    #[test]
    fn fields_tell_who_and_whether_but_never_the_password() {
        let login = Login { user: Some("anna"), password_seen: true, protocol: AppProto::Ftp };
        assert_eq!(
            read(&Fact::Login(&login)),
            [
                ("login.user", Some(Value::Str("anna"))),
                ("login.protocol", Some(Value::Str("ftp"))),
                ("login.has_password", Some(Value::Bool(true))),
            ]
        );
    }

    #[test]
    fn other_facts_fill_none_of_them() {
        let other = StartTls { protocol: AppProto::Smtp };
        assert!(read(&Fact::StartTls(&other)).iter().all(|(_, value)| value.is_none()));
    }
}
