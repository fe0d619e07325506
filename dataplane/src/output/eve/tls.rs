//! `tls`: a handshake of TLS or DTLS, as complete as it has become.
//!
//! The keys are those of Suricata 7 with everything switched on; `client_alpns`,
//! `server_alpns`, `client_handshake` and `server_handshake` are Suricata 8's.
//! `cipher` (by its IANA name) and `group` are ours.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::head::Shown;
use crate::app_proto::AppProto;
use crate::dissect::tls::{CertificateFacts, ClientFacts, ServerFacts, TlsSession};
use crate::flow::FlowRecord;
use crate::wire::tls::is_grease;

/// Writes `tls` of a session.
pub(super) fn write<M: SerializeMap>(map: &mut M, session: &TlsSession) -> Result<(), M::Error> {
    write_in_flow(map, session, None)
}

/// Writes `tls` of a session, with what its flow spoke before it (`from_proto`).
pub(super) fn write_in_flow<M: SerializeMap>(
    map: &mut M,
    session: &TlsSession,
    flow: Option<&FlowRecord>,
) -> Result<(), M::Error> {
    map.serialize_entry("tls", &Session(session, flow.and_then(|flow| flow.app_proto_orig)))
}

/// A session, and what made way for it.
struct Session<'a>(&'a TlsSession, Option<AppProto>);

impl Serialize for Session<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(session, from) = *self;
        let mut map = serializer.serialize_map(None)?;
        write_names(&mut map, &session.server_chain)?;
        if session.is_resumed() {
            map.serialize_entry("session_resumed", &true)?;
        }
        write_number(&mut map, &session.server_chain)?;
        if let Some(sni) = session.client.as_ref().and_then(|client| client.sni.as_ref()) {
            map.serialize_entry("sni", sni)?;
        }
        if let Some(version) = session.version() {
            map.serialize_entry("version", &Shown(version))?;
        }
        write_validity(&mut map, &session.server_chain)?;
        write_chain(&mut map, &session.server_chain)?;
        if let Some(client) = &session.client {
            write_offer(&mut map, client)?;
        }
        if let Some(server) = &session.server {
            write_choice(&mut map, server)?;
        }
        if let Some(group) = session.group() {
            map.serialize_entry("group", &Shown(group))?;
        }
        if !session.client_chain.is_empty() {
            map.serialize_entry("client", &Owner(&session.client_chain))?;
        }
        if let Some(from) = from {
            map.serialize_entry("from_proto", from.name())?;
        }
        map.end()
    }
}

/// Fingerprints of a client and what it offers.
fn write_offer<M: SerializeMap>(map: &mut M, client: &ClientFacts) -> Result<(), M::Error> {
    if !client.is_sslv2 {
        map.serialize_entry("ja3", &Fingerprint { hash: &client.ja3_hash, string: &client.ja3 })?;
        map.serialize_entry("ja4", &client.ja4)?;
    }
    if !client.alpns.is_empty() {
        map.serialize_entry("client_alpns", &client.alpns)?;
    }
    map.serialize_entry("client_handshake", &Offer(client))
}

/// Fingerprint of a server and what it has chosen.
fn write_choice<M: SerializeMap>(map: &mut M, server: &ServerFacts) -> Result<(), M::Error> {
    if !server.ja3s.is_empty() {
        map.serialize_entry("ja3s", &Fingerprint { hash: &server.ja3s_hash, string: &server.ja3s })?;
    }
    if let Some(alpn) = &server.alpn {
        map.serialize_entry("server_alpns", &[alpn])?;
    }
    if server.cipher.is_empty() {
        return Ok(());
    }
    map.serialize_entry("cipher", &server.cipher)?;
    map.serialize_entry("server_handshake", &Choice(server))
}

#[derive(serde::Serialize)]
struct Fingerprint<'a> {
    hash: &'a str,
    string: &'a str,
}

/// `client_handshake`: numbers as they were sent, without GREASE.
struct Offer<'a>(&'a ClientFacts);

impl Serialize for Offer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(client) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &Shown(client.version))?;
        map.serialize_entry("ciphers", &Numbers(|| client.suites.iter().map(|suite| suite.0)))?;
        map.serialize_entry("exts", &Numbers(|| client.extensions.iter().map(|kind| kind.0)))?;
        map.serialize_entry("sig_algs", &Numbers(|| client.signature_schemes.iter().map(|scheme| scheme.0)))?;
        map.end()
    }
}

/// `server_handshake`.
struct Choice<'a>(&'a ServerFacts);

impl Serialize for Choice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(server) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &Shown(server.version))?;
        map.serialize_entry("cipher", &server.suite.0)?;
        map.serialize_entry("exts", &Numbers(|| server.extensions.iter().map(|kind| kind.0)))?;
        map.end()
    }
}

/// A list of numbers of which GREASE is left out.
struct Numbers<F>(F);

impl<F: Fn() -> I, I: Iterator<Item = u16>> Serialize for Numbers<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)().filter(|number| !is_grease(*number)))
    }
}

/// `client`: whom a client's certificate is about.
struct Owner<'a>(&'a [CertificateFacts]);

impl Serialize for Owner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(chain) = *self;
        let mut map = serializer.serialize_map(None)?;
        write_names(&mut map, chain)?;
        write_number(&mut map, chain)?;
        write_validity(&mut map, chain)?;
        write_chain(&mut map, chain)?;
        map.end()
    }
}

/// Whom the first of a chain is about, and who says so.
fn write_names<M: SerializeMap>(map: &mut M, chain: &[CertificateFacts]) -> Result<(), M::Error> {
    let Some(x509) = chain.first().and_then(|first| first.x509.as_ref()) else { return Ok(()) };
    map.serialize_entry("subject", &x509.subject)?;
    map.serialize_entry("issuerdn", &x509.issuer)?;
    if !x509.alternative_names.is_empty() {
        map.serialize_entry("subjectaltname", &x509.alternative_names)?;
    }
    Ok(())
}

/// Serial number and fingerprint of the first of a chain.
fn write_number<M: SerializeMap>(map: &mut M, chain: &[CertificateFacts]) -> Result<(), M::Error> {
    let Some(first) = chain.first() else { return Ok(()) };
    if let Some(x509) = &first.x509 {
        map.serialize_entry("serial", &Shown(Colons(&x509.serial)))?;
    }
    map.serialize_entry("fingerprint", &Shown(Colons(&first.sha1)))
}

/// From when and until when the first of a chain is valid.
fn write_validity<M: SerializeMap>(map: &mut M, chain: &[CertificateFacts]) -> Result<(), M::Error> {
    let Some(x509) = chain.first().and_then(|first| first.x509.as_ref()) else { return Ok(()) };
    map.serialize_entry("notbefore", &Shown(x509.not_before))?;
    map.serialize_entry("notafter", &Shown(x509.not_after))
}

/// A chain in base64, the sender's own first.
fn write_chain<M: SerializeMap>(map: &mut M, chain: &[CertificateFacts]) -> Result<(), M::Error> {
    if chain.is_empty() { Ok(()) } else { map.serialize_entry("chain", &Chain(chain)) }
}

struct Chain<'a>(&'a [CertificateFacts]);

impl Serialize for Chain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|one| Shown(Base64Display::new(&one.der, &STANDARD))))
    }
}

/// Hexadecimal with a colon between bytes.
struct Colons<'a>(&'a str);

impl std::fmt::Display for Colons<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mut text, mut separator) = (self.0, "");
        while let Some((byte, rest)) = text.split_at_checked(2) {
            write!(f, "{separator}{byte}")?;
            (text, separator) = (rest, ":");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;
    use crate::dissect::Record;
    use crate::output::eve::sample;
    use crate::wire::tls::build::{ClientHelloBuilder, ServerHelloBuilder};
    use crate::wire::tls::fingerprint::Transport;
    use crate::wire::tls::samples::{EC_CERTIFICATE, RSA_CERTIFICATE};
    use crate::wire::tls::{
        ClientHello, ExtensionType, Group, Handshake, ServerHello, SignatureScheme, Suite, Version,
    };

    fn client() -> ClientFacts {
        let builder = ClientHelloBuilder::new(Version::TLS1_2).suites([Suite(0x0a0a), Suite(0xc02f)]);
        let builder = builder.server_name(b"example.com").protocols(&[b"h2", b"http/1.1"]);
        let builder = builder.extension(ExtensionType(0x1a1a), b"").groups(&[Group::X25519]);
        let message = builder.signature_schemes(&[SignatureScheme(0x0403)]).message();
        let hello = ClientHello::decode(Handshake::decode(&message).unwrap().0.body).unwrap();
        ClientFacts::new(&hello, Transport::Tcp)
    }

    fn server() -> ServerFacts {
        let message = ServerHelloBuilder::new(Version::TLS1_2, Suite(0xc02f)).protocol(b"h2").message();
        let hello = ServerHello::decode(Handshake::decode(&message).unwrap().0.body).unwrap();
        ServerFacts::new(&hello, &[])
    }

    fn told(session: TlsSession) -> Value {
        let line = sample::parse(&sample::app_line(Record::Tls(Box::new(session))));
        assert_eq!(line["event_type"], "tls");
        line["tls"].clone()
    }

    #[test]
    fn of_a_full_handshake_with_certificates_on_both_sides() {
        let session = TlsSession {
            client: Some(client()),
            server: Some(server()),
            server_chain: vec![CertificateFacts::new(RSA_CERTIFICATE), CertificateFacts::new(EC_CERTIFICATE)],
            client_chain: vec![CertificateFacts::new(EC_CERTIFICATE)],
            ..TlsSession::default()
        };
        let tls = told(session);
        let keys: Vec<_> = tls.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = [
            "subject",
            "issuerdn",
            "subjectaltname",
            "serial",
            "fingerprint",
            "sni",
            "version",
            "notbefore",
            "notafter",
            "chain",
            "ja3",
            "ja4",
            "client_alpns",
            "client_handshake",
            "ja3s",
            "server_alpns",
            "cipher",
            "server_handshake",
            "client",
        ];
        expected.sort_unstable();
        let mut sorted = keys;
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        for (key, value) in [
            ("subject", json!("C=HU, O=Example Kft., CN=example.com")),
            ("serial", json!("00:C7:D4:28")),
            ("sni", json!("example.com")),
            ("version", json!("TLS 1.2")),
            ("notbefore", json!("2024-01-01T00:00:00")),
            ("client_alpns", json!(["h2", "http/1.1"])),
            ("server_alpns", json!(["h2"])),
            ("cipher", json!("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")),
            (
                "client_handshake",
                json!({"version": "TLS 1.2", "ciphers": [49199], "exts": [0, 16, 10, 13], "sig_algs": [1027]}),
            ),
            ("server_handshake", json!({"version": "TLS 1.2", "cipher": 49199, "exts": [16]})),
        ] {
            assert_eq!(tls[key], value, "{key}");
        }
        assert_eq!(tls["ja3"]["string"], "771,49199,0-16-10-13,29,");
        assert_eq!(tls["ja3s"]["string"], "771,49199,16");
        assert_eq!(tls["ja3s"]["hash"].as_str().unwrap().len(), 32);
        assert!(tls["ja4"].as_str().unwrap().starts_with("t12d0104h2_"));
        let fingerprint = tls["fingerprint"].as_str().unwrap();
        assert!(fingerprint.len() == 59 && fingerprint.split(':').count() == 20, "{fingerprint}");
        let chain = tls["chain"].as_array().unwrap();
        assert!(chain.len() == 2 && chain[0].as_str().unwrap().starts_with("MII"));
        assert_eq!(tls["client"]["chain"], json!([chain[1]]));
        assert!(tls["client"].get("sni").is_none());
    }

    #[test]
    fn what_is_not_known_is_not_written() {
        let only_client = told(TlsSession { client: Some(client()), ..TlsSession::default() });
        assert_eq!(only_client["version"], "TLS 1.2");
        for key in ["ja3s", "cipher", "chain", "fingerprint", "session_resumed", "client", "from_proto"] {
            assert_eq!(only_client.get(key), None, "{key}");
        }
        let server = ServerFacts { is_resumed: true, ..server() };
        let only_server = told(TlsSession { server: Some(server), ..TlsSession::default() });
        assert_eq!(only_server["session_resumed"], true);
        assert_eq!((only_server.get("ja3"), only_server.get("client_handshake")), (None, None));
    }

    #[test]
    fn what_no_certificate_is_has_a_fingerprint_alone() {
        let tls = told(TlsSession {
            server: Some(server()),
            server_chain: vec![CertificateFacts::new(b"abc")],
            ..TlsSession::default()
        });
        assert_eq!(tls["fingerprint"], "a9:99:3e:36:47:06:81:6a:ba:3e:25:71:78:50:c2:6c:9c:d0:d8:9d");
        assert_eq!(
            (tls["chain"].clone(), tls.get("subject"), tls.get("serial")),
            (json!(["YWJj"]), None, None)
        );
    }

    #[test]
    fn what_made_way_for_it_is_said() {
        let flow = FlowRecord { app_proto_orig: Some(AppProto::Smtp), ..sample::tcp_flow() };
        let session = TlsSession { client: Some(client()), ..TlsSession::default() };
        let written = serde_json::to_value(Session(&session, flow.app_proto_orig)).unwrap();
        assert_eq!(written["from_proto"], "smtp");
    }
}
