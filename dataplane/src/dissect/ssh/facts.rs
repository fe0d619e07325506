//! What rules are asked about, and the fields that they read: `ssh.*`.

use super::banner::Banner;
use super::kex::KexInit;
use crate::dissect::Fact;
use crate::event::{EventKind, Field, Kind, Value};
use crate::flow::Direction;

/// A side has named itself.
#[derive(Clone, Copy, Debug)]
pub struct SshBanner<'a> {
    /// How.
    pub banner: &'a Banner,
    /// Which side: `Up` is the client.
    pub sender: Direction,
}

/// A side has offered its algorithms.
#[derive(Clone, Copy, Debug)]
pub struct SshKex<'a> {
    /// How it has named itself before.
    pub banner: Option<&'a Banner>,
    /// What it offers.
    pub kex: &'a KexInit,
    /// Which side: `Up` is the client.
    pub sender: Direction,
}

/// The events that fill [`BANNER_FIELDS`].
pub const BANNER_EVENTS: &[EventKind] = &[EventKind::SshBanner, EventKind::SshKex];

/// `ssh.*`, of banners.
pub const BANNER_FIELDS: &[Field<Fact<'static>>] = &[
    Field {
        name: "ssh.software",
        kind: Kind::Str,
        doc: "Name and version of the software that speaks: `OpenSSH_9.9` (RFC 4253 section 4.2).",
        read: |fact| banner(fact).map(|banner| Value::Str(&banner.software)),
    },
    Field {
        name: "ssh.protocol_version",
        kind: Kind::Str,
        doc: "The version of the protocol in its banner: `2.0`; `1.99` speaks 1.5 and 2.0.",
        read: |fact| banner(fact).map(|banner| Value::Str(&banner.protocol)),
    },
    Field {
        name: "ssh.comments",
        kind: Kind::Str,
        doc: "What its banner says after the software: `Ubuntu-3ubuntu13`.",
        read: |fact| banner(fact)?.comments.as_deref().map(Value::Str),
    },
    Field {
        name: "ssh.is_server",
        kind: Kind::Bool,
        doc: "Whether it is the server that speaks; otherwise it is the client.",
        read: |fact| {
            let sender = match fact {
                Fact::SshBanner(fact) => fact.sender,
                Fact::SshKex(fact) => fact.sender,
                _ => return None,
            };
            Some(Value::Bool(sender == Direction::Down))
        },
    },
];

/// The events that fill [`KEX_FIELDS`].
pub const KEX_EVENTS: &[EventKind] = &[EventKind::SshKex];

/// `ssh.*`, of what a side offers. Ciphers and what follows them are those of the
/// way that it sends: these are what its HASSH is made of.
pub const KEX_FIELDS: &[Field<Fact<'static>>] = &[
    Field {
        name: "ssh.hassh",
        kind: Kind::Str,
        doc: "Its fingerprint in 32 hexadecimal digits: HASSH of a client, HASSH server of a server.",
        read: |fact| kex(fact).map(|(kex, _)| Value::Str(&kex.hassh)),
    },
    Field {
        name: "ssh.kex_algorithms",
        kind: Kind::Str,
        doc: "The key exchanges that it offers, the best first, with commas between them.",
        read: |fact| kex(fact).map(|(kex, _)| Value::Str(&kex.kex)),
    },
    Field {
        name: "ssh.host_key_algorithms",
        kind: Kind::Str,
        doc: "The kinds of host keys that it offers or accepts, with commas between them.",
        read: |fact| kex(fact).map(|(kex, _)| Value::Str(&kex.host_keys)),
    },
    Field {
        name: "ssh.ciphers",
        kind: Kind::Str,
        doc: "The ciphers that it offers to send with, with commas between them.",
        read: |fact| kex(fact).map(|(kex, sender)| Value::Str(kex.ciphers.of(sender))),
    },
    Field {
        name: "ssh.macs",
        kind: Kind::Str,
        doc: "The message authentication codes that it offers to send with, with commas between them.",
        read: |fact| kex(fact).map(|(kex, sender)| Value::Str(kex.macs.of(sender))),
    },
    Field {
        name: "ssh.compressions",
        kind: Kind::Str,
        doc: "The compressions that it offers to send with, with commas between them.",
        read: |fact| kex(fact).map(|(kex, sender)| Value::Str(kex.compressions.of(sender))),
    },
];

const fn banner<'a>(fact: &Fact<'a>) -> Option<&'a Banner> {
    match fact {
        Fact::SshBanner(fact) => Some(fact.banner),
        Fact::SshKex(fact) => fact.banner,
        _ => None,
    }
}

const fn kex<'a>(fact: &Fact<'a>) -> Option<(&'a KexInit, Direction)> {
    match fact {
        Fact::SshKex(fact) => Some((fact.kex, fact.sender)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::ssh::BothWays;

    fn read<'a>(
        fields: &'static [Field<Fact<'static>>],
        fact: &'a Fact<'a>,
    ) -> Vec<(&'static str, Option<Value<'a>>)> {
        fields.iter().map(|field| (field.name, (field.read)(fact))).collect()
    }

    fn ways(up: &str, down: &str) -> BothWays<String> {
        BothWays { up: up.into(), down: down.into() }
    }

    #[test]
    fn fields_tell_of_the_side_that_speaks() {
        let banner =
            Banner { protocol: "2.0".into(), software: "OpenSSH_9.9".into(), comments: Some("x".into()) };
        let kex = KexInit {
            kex: "a,b".into(),
            host_keys: "c".into(),
            ciphers: ways("d", "e"),
            macs: ways("f", "g"),
            compressions: ways("h", "i"),
            hassh: "00ff".into(),
        };
        let said = SshBanner { banner: &banner, sender: Direction::Up };
        let expected = [
            ("ssh.software", Some(Value::Str("OpenSSH_9.9"))),
            ("ssh.protocol_version", Some(Value::Str("2.0"))),
            ("ssh.comments", Some(Value::Str("x"))),
            ("ssh.is_server", Some(Value::Bool(false))),
        ];
        assert_eq!(read(BANNER_FIELDS, &Fact::SshBanner(&said)), expected);
        assert!(read(KEX_FIELDS, &Fact::SshBanner(&said)).iter().all(|(_, value)| value.is_none()));

        let offer = SshKex { banner: Some(&banner), kex: &kex, sender: Direction::Down };
        let offer = Fact::SshKex(&offer);
        assert_eq!(read(BANNER_FIELDS, &offer).last(), Some(&("ssh.is_server", Some(Value::Bool(true)))));
        assert_eq!(read(BANNER_FIELDS, &offer).first(), expected.first());
        assert_eq!(
            read(KEX_FIELDS, &offer),
            [
                ("ssh.hassh", Some(Value::Str("00ff"))),
                ("ssh.kex_algorithms", Some(Value::Str("a,b"))),
                ("ssh.host_key_algorithms", Some(Value::Str("c"))),
                ("ssh.ciphers", Some(Value::Str("e"))),
                ("ssh.macs", Some(Value::Str("g"))),
                ("ssh.compressions", Some(Value::Str("i"))),
            ]
        );
    }
}
