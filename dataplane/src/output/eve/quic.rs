//! `quic`: what a side says in its first packets.
//!
//! Beyond what Suricata writes: `client_alpns`, `ech`, the server's `cipher`, and
//! the `versions` that a server offers.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::head::Shown;
use crate::dissect::quic::{GoogleHello, Hello, QuicRecord, Said};
use crate::dissect::tls::{ClientFacts, ServerFacts};
use crate::wire::tls::ExtensionType;

/// Writes `quic`.
pub(super) fn write<M: SerializeMap>(map: &mut M, record: &QuicRecord) -> Result<(), M::Error> {
    map.serialize_entry("quic", &Quic(record))
}

struct Quic<'a>(&'a QuicRecord);

impl Serialize for Quic<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &Shown(self.0.version))?;
        match &self.0.said {
            Said::ClientHello(Hello::Tls(hello)) => write_client(&mut map, hello)?,
            Said::ClientHello(Hello::Google(hello)) => write_google(&mut map, hello)?,
            Said::ServerHello(hello) => write_server(&mut map, hello)?,
            Said::Negotiation(offered) => {
                let offered: Vec<_> = offered.iter().map(|version| Shown(*version)).collect();
                map.serialize_entry("versions", &offered)?;
            }
            Said::Retry | Said::Nothing => {}
        }
        map.end()
    }
}

/// A fingerprint, hashed and before.
#[derive(Serialize)]
struct Fingerprint<'a> {
    hash: &'a str,
    string: &'a str,
}

fn write_client<M: SerializeMap>(map: &mut M, hello: &ClientFacts) -> Result<(), M::Error> {
    if let Some(sni) = &hello.sni {
        map.serialize_entry("sni", sni)?;
    }
    map.serialize_entry("ja3", &Fingerprint { hash: &hello.ja3_hash, string: &hello.ja3 })?;
    map.serialize_entry("ja4", &hello.ja4)?;
    if !hello.alpns.is_empty() {
        map.serialize_entry("client_alpns", &hello.alpns)?;
    }
    if hello.has_ech {
        map.serialize_entry("ech", &true)?;
    }
    if !hello.extensions.is_empty() {
        map.serialize_entry("extensions", &Extensions { kinds: &hello.extensions, hello: Some(hello) })?;
    }
    Ok(())
}

fn write_google<M: SerializeMap>(map: &mut M, hello: &GoogleHello) -> Result<(), M::Error> {
    if let Some(sni) = &hello.sni {
        map.serialize_entry("sni", sni)?;
    }
    if let Some(user_agent) = &hello.user_agent {
        map.serialize_entry("ua", user_agent)?;
    }
    map.serialize_entry("cyu", &[Fingerprint { hash: &hello.cyu_hash, string: &hello.cyu }])
}

fn write_server<M: SerializeMap>(map: &mut M, hello: &ServerFacts) -> Result<(), M::Error> {
    map.serialize_entry("ja3s", &Fingerprint { hash: &hello.ja3s_hash, string: &hello.ja3s })?;
    map.serialize_entry("cipher", &Shown(hello.suite))?;
    if !hello.extensions.is_empty() {
        map.serialize_entry("extensions", &Extensions { kinds: &hello.extensions, hello: None })?;
    }
    Ok(())
}

/// The extensions of a hello in their order, with what a client's are known to
/// say.
struct Extensions<'a> {
    kinds: &'a [ExtensionType],
    hello: Option<&'a ClientFacts>,
}

impl Serialize for Extensions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.kinds.len()))?;
        for kind in self.kinds {
            let values = self.hello.map(|hello| values(*kind, hello)).unwrap_or_default();
            list.serialize_element(&OneExtension { name: name(*kind), kind: kind.0, values })?;
        }
        list.end()
    }
}

#[derive(Serialize)]
struct OneExtension {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    #[serde(rename = "type")]
    kind: u16,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
}

/// The name, where it differs from the registry's Suricata's.
fn name(kind: ExtensionType) -> Option<&'static str> {
    match kind {
        ExtensionType::APPLICATION_PROTOCOLS => Some("alpn"),
        ExtensionType(0x0022) => Some("delegated_credentials"),
        ExtensionType(0x0035) => Some("connection_id_deprecated"),
        _ => kind.name(),
    }
}

/// What an extension says, where Suricata writes it; versions by their names.
fn values(kind: ExtensionType, hello: &ClientFacts) -> Vec<String> {
    match kind {
        ExtensionType::SERVER_NAME => hello.sni.iter().cloned().collect(),
        ExtensionType::APPLICATION_PROTOCOLS => hello.alpns.clone(),
        ExtensionType::SUPPORTED_VERSIONS => hello.versions.iter().map(ToString::to_string).collect(),
        ExtensionType::SIGNATURE_ALGORITHMS => {
            hello.signature_schemes.iter().map(|scheme| scheme.0.to_string()).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::Record;
    use crate::output::eve::sample;
    use crate::wire::quic::Version;
    use crate::wire::tls::{SignatureScheme, Suite, Version as TlsVersion};

    fn line(version: Version, said: Said) -> String {
        sample::app_line(Record::Quic(Box::new(QuicRecord { version, said })))
    }

    #[test]
    fn a_clients_hello_has_its_shape() {
        let hello = ClientFacts {
            sni: Some("example.com".into()),
            alpns: vec!["h3".into(), "h3-29".into()],
            versions: vec![TlsVersion::TLS1_3],
            signature_schemes: vec![SignatureScheme(0x0403)],
            extensions: [0, 16, 43, 13, 0x39, 0x1a1a].map(ExtensionType).to_vec(),
            ja3: "771,,,,".into(),
            ja3_hash: "00ff".into(),
            ja4: "q13d".into(),
            ..ClientFacts::default()
        };
        let told = line(Version::V1, Said::ClientHello(Hello::Tls(Box::new(hello))));
        let quic = concat!(
            r#""quic":{"version":"1","sni":"example.com","ja3":{"hash":"00ff","string":"771,,,,"},"ja4":"q13d","#,
            r#""client_alpns":["h3","h3-29"],"extensions":[{"name":"server_name","type":0,"values":["example.com"]},"#,
            r#"{"name":"alpn","type":16,"values":["h3","h3-29"]},"#,
            r#"{"name":"supported_versions","type":43,"values":["TLS 1.3"]},"#,
            r#"{"name":"signature_algorithms","type":13,"values":["1027"]},"#,
            r#"{"name":"quic_transport_parameters","type":57},{"type":6682}]}"#,
        );
        assert!(told.contains(r#""event_type":"quic""#) && told.contains(quic), "{told}");
    }

    #[test]
    fn googles_hello_has_its_shape() {
        let hello = GoogleHello {
            sni: Some("example.com".into()),
            user_agent: Some("Chrome/70".into()),
            cyu: "46,PAD-SNI".into(),
            cyu_hash: "00ff".into(),
            is_complete: false,
        };
        let told = line(Version::google(46), Said::ClientHello(Hello::Google(hello)));
        let quic = concat!(
            r#""quic":{"version":"Q046","sni":"example.com","ua":"Chrome/70","#,
            r#""cyu":[{"hash":"00ff","string":"46,PAD-SNI"}]}"#,
        );
        assert!(told.contains(quic), "{told}");
    }

    #[test]
    fn what_a_server_says_has_its_shape() {
        let hello = ServerFacts {
            suite: Suite(0x1301),
            extensions: vec![ExtensionType::SUPPORTED_VERSIONS],
            ja3s: "771,4865,43".into(),
            ja3s_hash: "00ff".into(),
            ..ServerFacts::default()
        };
        let told = line(Version::V2, Said::ServerHello(Box::new(hello)));
        let quic = concat!(
            r#""quic":{"version":"v2","ja3s":{"hash":"00ff","string":"771,4865,43"},"#,
            r#""cipher":"TLS_AES_128_GCM_SHA256","extensions":[{"name":"supported_versions","type":43}]}"#,
        );
        assert!(told.contains(quic), "{told}");
        let offered = vec![Version::V1, Version::google(50)];
        let told = line(Version::NEGOTIATION, Said::Negotiation(offered));
        assert!(told.contains(r#""quic":{"version":"0","versions":["1","Q050"]}"#), "{told}");
        assert!(line(Version::V1, Said::Retry).contains(r#""quic":{"version":"1"}"#));
    }
}
