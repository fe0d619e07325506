//! What is learnt of a TLS connection, in the order in which it is learnt.
//!
//! Facts own what they say, so that a flow can keep them. Text that a peer sent is
//! made UTF-8, nothing is escaped.

use crate::anomaly::Anomaly;
use crate::dissect::digest;
use crate::flow::Direction;
use crate::wire::tls::alert::Alert;
use crate::wire::tls::extension::Body;
use crate::wire::tls::fingerprint::{self, Ja4, Transport};
use crate::wire::tls::x509::{self, Certificate};
use crate::wire::tls::{
    ClientHello, ExtensionType, Group, ServerHello, SignatureScheme, Suite, Version, sslv2,
};

/// One fact of a connection.
#[derive(Debug)]
pub enum TlsFact {
    /// A client's hello; a second one follows a retry.
    ClientHello(Direction, Box<ClientFacts>),
    /// A server's hello; one that asks for a retry is followed by another.
    ServerHello(Direction, Box<ServerFacts>),
    /// The group of a key exchange up to TLS 1.2.
    Group(Direction, Group),
    /// A chain of certificates in the clear (up to TLS 1.2): of the server, or of
    /// the client that was asked.
    Certificates(Direction, Vec<CertificateFacts>),
    /// An alert in the clear.
    Alert(Direction, Alert),
    /// What this side sends from here on is encrypted; said again after the second
    /// hello where a retry brought one.
    Encrypted {
        /// Which side.
        direction: Direction,
        /// A server up to TLS 1.2 that began without a key exchange: the session
        /// is resumed, also where no id says so.
        is_abbreviated: bool,
    },
    /// Something that should not be. Of a message that does not decode to its end
    /// what could be read comes before.
    Odd(Direction, Anomaly),
}

/// A client's hello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub struct ClientFacts {
    /// The version of the hello itself.
    pub legacy_version: Version,
    /// The highest version offered.
    pub version: Version,
    /// Whether it was framed as SSL 2.0; such a hello has no fingerprints.
    pub is_sslv2: bool,
    /// Whether it decodes to its end; of one that does not, the rest is of what
    /// stands before the damage.
    pub is_sound: bool,
    /// The host that is meant.
    pub sni: Option<String>,
    /// The application protocols offered, in order.
    pub alpns: Vec<String>,
    /// The versions that `supported_versions` offers, GREASE included.
    pub versions: Vec<Version>,
    /// The suites offered, GREASE included.
    pub suites: Vec<Suite>,
    /// The types of its extensions, GREASE included.
    pub extensions: Vec<ExtensionType>,
    /// The groups offered, GREASE included.
    pub groups: Vec<Group>,
    /// The groups that key shares were sent for, GREASE included.
    pub key_shares: Vec<Group>,
    /// The signature schemes offered.
    pub signature_schemes: Vec<SignatureScheme>,
    /// The session id; resumed where the server sends the same (up to TLS 1.2).
    pub session_id: Vec<u8>,
    /// Whether it offers to resume: a ticket, or a pre-shared key.
    pub offers_resumption: bool,
    /// Whether data follows before the server has answered.
    pub has_early_data: bool,
    /// Whether another hello is, or seems to be, encrypted in it.
    pub has_ech: bool,
    /// JA3 before hashing; empty for SSL 2.0.
    pub ja3: String,
    /// MD5 of `ja3`; empty for SSL 2.0.
    pub ja3_hash: String,
    /// JA4; empty for SSL 2.0.
    pub ja4: String,
    /// JA4 before hashing (`JA4_r`); empty for SSL 2.0.
    pub ja4_raw: String,
}

impl ClientFacts {
    /// Of a hello, however it came: QUIC and DTLS carry the same.
    pub fn new(hello: &ClientHello<'_>, transport: Transport) -> Self {
        let mut ja3 = String::new();
        fingerprint::ja3(hello, &mut ja3);
        let ja4 = Ja4::new(hello, transport);
        let has_ticket = matches!(hello.body(ExtensionType::SESSION_TICKET), Some(Body::SessionTicket(ticket)) if !ticket.is_empty());
        let extensions: Vec<_> = hello.extensions().map(|extension| extension.kind).collect();
        let mut key_shares = [ExtensionType::KEY_SHARE, ExtensionType::KEY_SHARE_DRAFT].into_iter();
        let key_shares = key_shares.find_map(|kind| match hello.body(kind)? {
            Body::Shares(shares) => Some(shares.iter().map(|share| share.group).collect()),
            _ => None,
        });
        Self {
            legacy_version: hello.version,
            version: hello.newest_version(),
            is_sslv2: false,
            is_sound: true,
            sni: hello.server_name().map(text),
            alpns: hello.protocols().into_iter().flat_map(|names| names.iter()).map(text).collect(),
            versions: hello.supported_versions().iter().collect(),
            suites: hello.suites.iter().collect(),
            groups: hello.groups().iter().collect(),
            key_shares: key_shares.unwrap_or_default(),
            signature_schemes: hello.signature_schemes().iter().collect(),
            session_id: hello.session_id.to_vec(),
            offers_resumption: has_ticket || extensions.contains(&ExtensionType::PRE_SHARED_KEY),
            has_early_data: extensions.contains(&ExtensionType::EARLY_DATA),
            has_ech: hello.has_encrypted_hello(),
            extensions,
            ja3_hash: digest::md5_hex(&ja3),
            ja3,
            ja4: [&ja4.a[..], &digest::sha256_12(&ja4.b), &digest::sha256_12(&ja4.c)].join("_"),
            ja4_raw: ja4.raw(),
        }
    }

    /// Bytes of memory held for what the client has sent.
    pub(super) fn held(&self) -> usize {
        let texts = [&self.ja3, &self.ja4_raw].map(String::len).into_iter().sum::<usize>();
        let names = self.sni.iter().chain(&self.alpns).map(|name| name.len() + size_of::<String>());
        let numbers = [
            self.versions.len(),
            self.suites.len(),
            self.extensions.len(),
            self.groups.len(),
            self.key_shares.len(),
            self.signature_schemes.len(),
        ];
        texts + names.sum::<usize>() + 2 * numbers.iter().sum::<usize>() + self.session_id.len()
    }

    /// Of a hello of SSL 2.0; suites of its own are left out.
    pub(super) fn sslv2(hello: &sslv2::ClientHello<'_>) -> Self {
        Self {
            legacy_version: hello.version,
            version: hello.version,
            is_sslv2: true,
            is_sound: true,
            suites: hello.kinds.suites().collect(),
            session_id: hello.session_id.to_vec(),
            ..Self::default()
        }
    }
}

/// A server's hello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub struct ServerFacts {
    /// The version chosen.
    pub version: Version,
    /// The suite chosen; none of SSL 2.0, where the client chooses.
    pub suite: Suite,
    /// The suite by its IANA name, or as a number in hexadecimal; empty for SSL 2.0.
    pub cipher: String,
    /// The application protocol chosen; TLS 1.3 encrypts it.
    pub alpn: Option<String>,
    /// The group of the key exchange, where the hello says it (TLS 1.3).
    pub group: Option<Group>,
    /// The types of its extensions.
    pub extensions: Vec<ExtensionType>,
    /// Whether it asks for another hello.
    pub is_retry: bool,
    /// Whether it decodes to its end; of one that does not, the rest is of what
    /// stands before the damage.
    pub is_sound: bool,
    /// Whether a session is resumed: the client's session id came back (up to TLS
    /// 1.2), or one of its keys was chosen (TLS 1.3).
    pub is_resumed: bool,
    /// Whether the server marks that it could do better than was asked.
    pub is_downgraded: bool,
    /// JA3S before hashing; empty for SSL 2.0 and for drafts' requests to retry.
    pub ja3s: String,
    /// MD5 of `ja3s`; empty where that is.
    pub ja3s_hash: String,
}

impl ServerFacts {
    /// Of a hello that answers one with this session id.
    pub fn new(hello: &ServerHello<'_>, client_session_id: &[u8]) -> Self {
        let version = hello.version();
        let mut ja3s = String::new();
        let mut ja3s_hash = String::new();
        if hello.random.is_some() {
            fingerprint::ja3s(hello, &mut ja3s);
            ja3s_hash = digest::md5_hex(&ja3s);
        }
        let is_resumed = if version.is_1_3() {
            matches!(hello.body(ExtensionType::PRE_SHARED_KEY), Some(Body::PreSharedKey(_)))
        } else {
            hello.session_id.is_some_and(|id| !id.is_empty() && id == client_session_id)
        };
        Self {
            version,
            suite: hello.suite,
            cipher: hello.suite.to_string(),
            alpn: hello.protocol().map(text),
            group: hello.group(),
            extensions: hello.extensions().map(|extension| extension.kind).collect(),
            is_retry: hello.is_retry(),
            is_sound: true,
            is_resumed,
            is_downgraded: hello.is_downgraded(),
            ja3s,
            ja3s_hash,
        }
    }

    /// Bytes of memory held for what the server has sent.
    pub(super) fn held(&self) -> usize {
        self.alpn.as_ref().map_or(0, String::len) + 2 * self.extensions.len() + self.ja3s.len()
    }

    /// Of a hello of SSL 2.0.
    pub(super) fn sslv2(hello: &sslv2::ServerHello<'_>) -> Self {
        Self { version: hello.version, is_resumed: hello.is_resumed, is_sound: true, ..Self::default() }
    }
}

/// One certificate of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// As it was sent.
    pub der: Box<[u8]>,
    /// SHA-1 of it, in 40 hexadecimal digits.
    pub sha1: String,
    /// SHA-256 of it, in 64 hexadecimal digits.
    pub sha256: String,
    /// What it says; `None` where it is no sound certificate.
    pub x509: Option<X509Facts>,
    /// The part of it that is not sound; of what stands in `x509` only extensions
    /// can be.
    pub fault: Option<x509::Part>,
}

impl CertificateFacts {
    /// Of a certificate in DER.
    pub fn new(der: &[u8]) -> Self {
        let (x509, fault) = match Certificate::decode_parts(der) {
            Ok(certificate) => (
                Some(X509Facts::new(&certificate)),
                (!certificate.has_sound_extensions()).then_some(x509::Part::Extensions),
            ),
            Err((part, _)) => (None, Some(part)),
        };
        Self { der: der.into(), sha1: digest::sha1_hex(der), sha256: digest::sha256_hex(der), x509, fault }
    }
}

impl CertificateFacts {
    /// Bytes of memory held for it.
    pub(super) fn held(&self) -> usize {
        let texts = self.x509.as_ref().map_or(0, |x509| {
            let names = x509.alternative_names.iter().map(|name| name.len() + size_of::<String>());
            x509.subject.len() + x509.issuer.len() + x509.serial.len() + names.sum::<usize>()
        });
        size_of::<Self>() + self.der.len() + self.sha1.len() + self.sha256.len() + texts
    }
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct X509Facts {
    /// 1 to 3.
    pub version: u8,
    /// Whom it is about, as events write names.
    pub subject: String,
    /// Who signed it, as events write names.
    pub issuer: String,
    /// The serial number in uppercase hexadecimal, two digits a byte, a leading
    /// zero byte included.
    pub serial: String,
    /// From when on it is valid.
    pub not_before: x509::Time,
    /// Until when it is valid.
    pub not_after: x509::Time,
    /// Other names of the subject: hosts, addresses, mailboxes.
    pub alternative_names: Vec<String>,
    /// The key's algorithm, by name or as an identifier.
    pub key_algorithm: String,
    /// How long the key is, as is usual for its kind.
    pub key_bits: Option<u32>,
    /// The key's curve.
    pub curve: Option<&'static str>,
    /// The key's exponent (RSA).
    pub exponent: Option<u64>,
    /// How it is signed, by name or as an identifier.
    pub signature_algorithm: String,
    /// Whether it may sign others; `None` where it does not say.
    pub is_ca: Option<bool>,
}

impl X509Facts {
    fn new(certificate: &Certificate<'_>) -> Self {
        let name = |oid: x509::Oid<'_>| oid.algorithm().map_or_else(|| oid.to_string(), String::from);
        Self {
            version: certificate.version,
            subject: certificate.subject.to_string(),
            issuer: certificate.issuer.to_string(),
            serial: digest::hex(certificate.serial).to_uppercase(),
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            alternative_names: certificate.alternative_names().map(|name| name.to_string()).collect(),
            key_algorithm: name(certificate.key.algorithm),
            key_bits: certificate.key.bits(),
            curve: certificate.key.curve().map(|(name, _)| name),
            exponent: certificate.key.exponent(),
            signature_algorithm: name(certificate.signature),
            is_ca: certificate.is_ca(),
        }
    }
}

/// Text that a peer sent; what is no UTF-8 becomes U+FFFD.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
