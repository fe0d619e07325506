//! `ssh`: who speaks, and what they agree on.
//!
//! `client` and `server` are as Suricata has them; `algorithms` and `host_key`
//! are ours.

use serde::Serialize;
use serde::ser::SerializeMap;

use crate::dissect::ssh::{BothWays, Chosen, HostKey, SshRecord, SshSide};

/// Writes `ssh`.
pub(super) fn write<M: SerializeMap>(map: &mut M, record: &SshRecord) -> Result<(), M::Error> {
    let ssh = Ssh {
        client: record.client.as_ref().map(Side::new),
        server: record.server.as_ref().map(Side::new),
        algorithms: record.chosen.as_ref().map(Algorithms::new),
        host_key: record.host_key.as_ref().map(Key::new),
    };
    map.serialize_entry("ssh", &ssh)
}

#[derive(Serialize)]
struct Ssh<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Side<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Side<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithms: Option<Algorithms<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_key: Option<Key<'a>>,
}

#[derive(Serialize)]
struct Side<'a> {
    proto_version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    software_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hassh: Option<Hassh<'a>>,
}

#[derive(Serialize)]
struct Hassh<'a> {
    hash: &'a str,
    string: &'a str,
}

impl<'a> Side<'a> {
    fn new(side: &'a SshSide) -> Self {
        Self {
            proto_version: &side.banner.protocol,
            software_version: &side.banner.software,
            hassh: side.hassh.as_ref().map(|hassh| Hassh { hash: &hassh.hash, string: &hassh.string }),
        }
    }
}

/// What was chosen; the two ways apart, which as a rule are the same.
#[derive(Serialize)]
struct Algorithms<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kex: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_key: Option<&'a str>,
    to_server: OneWay<'a>,
    to_client: OneWay<'a>,
}

#[derive(Serialize)]
struct OneWay<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cipher: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<&'a str>,
}

impl<'a> Algorithms<'a> {
    fn new(chosen: &'a Chosen) -> Self {
        let way = |of: fn(&BothWays<Option<String>>) -> &Option<String>| OneWay {
            cipher: of(&chosen.cipher).as_deref(),
            mac: of(&chosen.mac).as_deref(),
            compression: of(&chosen.compression).as_deref(),
        };
        Self {
            kex: chosen.kex.as_deref(),
            host_key: chosen.host_key.as_deref(),
            to_server: way(|ways| &ways.up),
            to_client: way(|ways| &ways.down),
        }
    }
}

#[derive(Serialize)]
struct Key<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    md5: &'a str,
    sha256: &'a str,
}

impl<'a> Key<'a> {
    fn new(key: &'a HostKey) -> Self {
        Self { kind: &key.kind, md5: &key.md5, sha256: &key.sha256 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::Record;
    use crate::dissect::ssh::{Banner, Hassh};
    use crate::output::eve::sample;

    fn side(hassh: Option<Hassh>) -> SshSide {
        let banner = Banner {
            protocol: "2.0".into(),
            software: "OpenSSH_9.9".into(),
            comments: Some("Ubuntu".into()),
        };
        SshSide { banner, hassh }
    }

    fn line(record: SshRecord) -> String {
        sample::app_line(Record::Ssh(Box::new(record)))
    }

    #[test]
    fn of_a_whole_handshake() {
        let some = |name: &str| Some(name.to_owned());
        let both = |name| BothWays { up: some(name), down: some(name) };
        let told = line(SshRecord {
            client: Some(side(Some(Hassh { hash: "00ff".into(), string: "a;b;c;d".into() }))),
            server: Some(side(None)),
            chosen: Some(Chosen {
                kex: some("curve25519-sha256"),
                host_key: some("ssh-ed25519"),
                cipher: both("aes128-ctr"),
                mac: BothWays { up: some("hmac-sha2-256"), down: None },
                compression: both("none"),
            }),
            host_key: Some(HostKey {
                kind: "ssh-ed25519".into(),
                sha256: "47DE".into(),
                md5: "d4:1d".into(),
            }),
        });
        let ssh = concat!(
            r#""ssh":{"client":{"proto_version":"2.0","software_version":"OpenSSH_9.9","#,
            r#""hassh":{"hash":"00ff","string":"a;b;c;d"}},"#,
            r#""server":{"proto_version":"2.0","software_version":"OpenSSH_9.9"},"#,
            r#""algorithms":{"kex":"curve25519-sha256","host_key":"ssh-ed25519","#,
            r#""to_server":{"cipher":"aes128-ctr","mac":"hmac-sha2-256","compression":"none"},"#,
            r#""to_client":{"cipher":"aes128-ctr","compression":"none"}},"#,
            r#""host_key":{"type":"ssh-ed25519","md5":"d4:1d","sha256":"47DE"}}"#,
        );
        assert!(told.contains(r#""event_type":"ssh""#) && told.contains(ssh), "{told}");
    }

    #[test]
    fn what_is_not_known_is_not_written() {
        let mut server = side(None);
        server.banner.software.clear();
        let told = line(SshRecord { client: None, server: Some(server), chosen: None, host_key: None });
        assert!(told.contains(r#""ssh":{"server":{"proto_version":"2.0"}}"#), "{told}");
    }
}
