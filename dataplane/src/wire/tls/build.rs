//! Making hellos: any that a client or a server could send, and those that none
//! would.
//!
//! Nothing is corrected on the way: what is asked for is what is written, as far
//! as the fields can hold it (a length that does not fit is cut to its low bits).
//! Extensions stand in the order in which they were added.

use super::extension::Share;
use super::handshake::HEADER_LEN;
use super::{
    ContentType, ExtensionType, Group, Handshake, HandshakeType, Record, SignatureScheme, Suite, Version,
};
use super::{dtls, sslv2};

/// Writes numbers and vectors to the end of bytes.
trait Write {
    fn u16(&mut self, number: u16);
    fn vector<const N: usize>(&mut self, bytes: &[u8]);
}

impl Write for Vec<u8> {
    fn u16(&mut self, number: u16) {
        self.extend(number.to_be_bytes());
    }

    /// With a length of `N` bytes, at most 8.
    fn vector<const N: usize>(&mut self, bytes: &[u8]) {
        let len = (bytes.len() as u64).to_be_bytes();
        self.extend(len.iter().skip(len.len() - N));
        self.extend(bytes);
    }
}

/// Numbers as they stand in a list.
fn numbers(numbers: impl IntoIterator<Item = u16>) -> Vec<u8> {
    numbers.into_iter().flat_map(u16::to_be_bytes).collect()
}

/// Vectors with lengths of one byte, one after the other.
fn short_vectors(vectors: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for vector in vectors {
        bytes.vector::<1>(vector);
    }
    bytes
}

/// Extensions as they are added.
#[derive(Clone, Debug, Default)]
struct ExtensionList {
    bytes: Vec<u8>,
    is_present: bool,
}

impl ExtensionList {
    fn add(&mut self, kind: ExtensionType, body: &[u8]) {
        self.is_present = true;
        self.bytes.u16(kind.0);
        self.bytes.vector::<2>(body);
    }

    /// An extension that is a single vector.
    fn add_vector<const N: usize>(&mut self, kind: ExtensionType, body: &[u8]) {
        let mut vector = Vec::new();
        vector.vector::<N>(body);
        self.add(kind, &vector);
    }

    fn write(&self, out: &mut Vec<u8>) {
        if self.is_present {
            out.vector::<2>(&self.bytes);
        }
    }
}

/// A client's hello in the making; fields not set are empty.
#[derive(Clone, Debug)]
pub struct ClientHelloBuilder {
    version: Version,
    random: [u8; 32],
    session_id: Vec<u8>,
    cookie: Option<Vec<u8>>,
    suites: Vec<u8>,
    compression: Vec<u8>,
    extensions: ExtensionList,
}

impl ClientHelloBuilder {
    /// A hello that names a version and can do without compression.
    pub fn new(version: Version) -> Self {
        Self {
            version,
            random: [0; 32],
            session_id: Vec::new(),
            cookie: None,
            suites: Vec::new(),
            compression: vec![0],
            extensions: ExtensionList::default(),
        }
    }

    /// The client's random.
    #[must_use]
    pub fn random(mut self, random: [u8; 32]) -> Self {
        self.random = random;
        self
    }

    /// The session to resume, at most 32 bytes.
    #[must_use]
    pub fn session_id(mut self, id: &[u8]) -> Self {
        self.session_id = id.to_vec();
        self
    }

    /// Makes it a hello of DTLS, with what the server gave; empty in a first.
    #[must_use]
    pub fn cookie(mut self, cookie: &[u8]) -> Self {
        self.cookie = Some(cookie.to_vec());
        self
    }

    /// The suites offered, in order.
    #[must_use]
    pub fn suites(mut self, suites: impl IntoIterator<Item = Suite>) -> Self {
        self.suites = numbers(suites.into_iter().map(|suite| suite.0));
        self
    }

    /// The compression methods offered, in order.
    #[must_use]
    pub fn compression(mut self, methods: &[u8]) -> Self {
        self.compression = methods.to_vec();
        self
    }

    /// Any extension.
    #[must_use]
    pub fn extension(mut self, kind: ExtensionType, body: &[u8]) -> Self {
        self.extensions.add(kind, body);
        self
    }

    /// A list of extensions, also where it stays empty.
    #[must_use]
    pub fn with_extensions(mut self) -> Self {
        self.extensions.is_present = true;
        self
    }

    /// `server_name` with one host.
    #[must_use]
    pub fn server_name(self, host: &[u8]) -> Self {
        let mut name = vec![0];
        name.vector::<2>(host);
        self.vector_extension::<2>(ExtensionType::SERVER_NAME, &name)
    }

    /// `application_layer_protocol_negotiation`.
    #[must_use]
    pub fn protocols(self, names: &[&[u8]]) -> Self {
        self.vector_extension::<2>(ExtensionType::APPLICATION_PROTOCOLS, &short_vectors(names))
    }

    /// `supported_groups`.
    #[must_use]
    pub fn groups(self, groups: &[Group]) -> Self {
        self.vector_extension::<2>(
            ExtensionType::SUPPORTED_GROUPS,
            &numbers(groups.iter().map(|group| group.0)),
        )
    }

    /// `ec_point_formats`.
    #[must_use]
    pub fn point_formats(self, formats: &[u8]) -> Self {
        self.vector_extension::<1>(ExtensionType::EC_POINT_FORMATS, formats)
    }

    /// `signature_algorithms`.
    #[must_use]
    pub fn signature_schemes(self, schemes: &[SignatureScheme]) -> Self {
        let list = numbers(schemes.iter().map(|scheme| scheme.0));
        self.vector_extension::<2>(ExtensionType::SIGNATURE_ALGORITHMS, &list)
    }

    /// `supported_versions`.
    #[must_use]
    pub fn supported_versions(self, versions: &[Version]) -> Self {
        let list = numbers(versions.iter().map(|version| version.0));
        self.vector_extension::<1>(ExtensionType::SUPPORTED_VERSIONS, &list)
    }

    /// `key_share`.
    #[must_use]
    pub fn key_shares(self, shares: &[Share<'_>]) -> Self {
        let mut list = Vec::new();
        for share in shares {
            list.u16(share.group.0);
            list.vector::<2>(share.key);
        }
        self.vector_extension::<2>(ExtensionType::KEY_SHARE, &list)
    }

    /// `psk_key_exchange_modes`: 0 without, 1 with (EC)DHE.
    #[must_use]
    pub fn psk_modes(self, modes: &[u8]) -> Self {
        self.vector_extension::<1>(ExtensionType::PSK_KEY_EXCHANGE_MODES, modes)
    }

    /// `pre_shared_key`: identities with their obfuscated age, and binders. TLS
    /// 1.3 wants it last (RFC 8446 section 4.2.11).
    #[must_use]
    pub fn pre_shared_keys(mut self, identities: &[(&[u8], u32)], binders: &[&[u8]]) -> Self {
        let mut list = Vec::new();
        for (identity, age) in identities {
            list.vector::<2>(identity);
            list.extend(age.to_be_bytes());
        }
        let mut body = Vec::new();
        body.vector::<2>(&list);
        body.vector::<2>(&short_vectors(binders));
        self.extensions.add(ExtensionType::PRE_SHARED_KEY, &body);
        self
    }

    /// `status_request` for OCSP, of any responder.
    #[must_use]
    pub fn status_request(self) -> Self {
        self.extension(ExtensionType::STATUS_REQUEST, &[1, 0, 0, 0, 0])
    }

    /// `session_ticket`; empty to ask for one.
    #[must_use]
    pub fn session_ticket(self, ticket: &[u8]) -> Self {
        self.extension(ExtensionType::SESSION_TICKET, ticket)
    }

    /// `renegotiation_info`; empty in a first handshake.
    #[must_use]
    pub fn renegotiation_info(self, verify: &[u8]) -> Self {
        self.vector_extension::<1>(ExtensionType::RENEGOTIATION_INFO, verify)
    }

    /// `padding` that makes the message `len` bytes long, its header included;
    /// none where it is that long already.
    #[must_use]
    pub fn pad_to(self, len: usize) -> Self {
        let with_empty = self.clone().extension(ExtensionType::PADDING, &[]);
        let missing = len.saturating_sub(with_empty.message().len());
        if missing == 0 { self } else { self.extension(ExtensionType::PADDING, &vec![0; missing]) }
    }

    fn vector_extension<const N: usize>(mut self, kind: ExtensionType, body: &[u8]) -> Self {
        self.extensions.add_vector::<N>(kind, body);
        self
    }

    /// The message's body.
    pub fn body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.u16(self.version.0);
        body.extend(self.random);
        body.vector::<1>(&self.session_id);
        if let Some(cookie) = &self.cookie {
            body.vector::<1>(cookie);
        }
        body.vector::<2>(&self.suites);
        body.vector::<1>(&self.compression);
        self.extensions.write(&mut body);
        body
    }

    /// The handshake message, with the header of TLS.
    pub fn message(&self) -> Vec<u8> {
        message(HandshakeType::CLIENT_HELLO, &self.body())
    }

    /// The message in as many records of TLS as it takes, each of at most
    /// `payload_max` bytes (at least 1).
    pub fn records(&self, version: Version, payload_max: u16) -> Vec<u8> {
        records(ContentType::Handshake, version, &self.message(), payload_max)
    }

    /// The message in one record of DTLS: which message of the handshake, and
    /// which record of epoch 0 it is.
    pub fn dtls_record(&self, record_version: Version, message: u16, sequence: u64) -> Vec<u8> {
        let body = self.body();
        let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let kind = HandshakeType::CLIENT_HELLO;
        let fragment = dtls::Fragment { kind, len, message, offset: 0, bytes: &body };
        let mut bytes = vec![ContentType::Handshake as u8];
        bytes.u16(record_version.0);
        bytes.extend(sequence.to_be_bytes()); // The high 16 bits are the epoch: 0.
        bytes.vector::<2>(&[&fragment.header()[..], &body].concat());
        bytes
    }

    /// The hello as a record of SSL 2.0, with suites of its own before the others.
    pub fn sslv2(&self, kinds: &[u32]) -> Vec<u8> {
        let own = kinds.iter().flat_map(|kind| kind.to_be_bytes().into_iter().skip(1));
        let (pairs, _) = self.suites.as_chunks::<2>();
        let kinds: Vec<u8> = own.chain(pairs.iter().flat_map(|[s0, s1]| [0, *s0, *s1])).collect();
        let mut body = vec![sslv2::CLIENT_HELLO];
        body.u16(self.version.0);
        for len in [kinds.len(), self.session_id.len(), self.random.len()] {
            body.u16(u16::try_from(len).unwrap_or(u16::MAX));
        }
        body.extend(kinds.iter().chain(&self.session_id).chain(&self.random));
        let mut bytes = Vec::new();
        bytes.u16(0x8000 | u16::try_from(body.len()).unwrap_or(0x7fff));
        bytes.extend(body);
        bytes
    }
}

/// A server's hello in the making; fields not set are empty.
#[derive(Clone, Debug)]
pub struct ServerHelloBuilder {
    version: Version,
    random: [u8; 32],
    session_id: Vec<u8>,
    suite: Suite,
    extensions: ExtensionList,
}

impl ServerHelloBuilder {
    /// A hello that chooses a version and a suite, and no compression.
    pub fn new(version: Version, suite: Suite) -> Self {
        let extensions = ExtensionList::default();
        Self { version, random: [0; 32], session_id: Vec::new(), suite, extensions }
    }

    /// The server's random.
    #[must_use]
    pub fn random(mut self, random: [u8; 32]) -> Self {
        self.random = random;
        self
    }

    /// The session's id, at most 32 bytes.
    #[must_use]
    pub fn session_id(mut self, id: &[u8]) -> Self {
        self.session_id = id.to_vec();
        self
    }

    /// Any extension.
    #[must_use]
    pub fn extension(mut self, kind: ExtensionType, body: &[u8]) -> Self {
        self.extensions.add(kind, body);
        self
    }

    /// `supported_versions`: TLS 1.3 is chosen here.
    #[must_use]
    pub fn selected_version(self, version: Version) -> Self {
        self.extension(ExtensionType::SUPPORTED_VERSIONS, &version.0.to_be_bytes())
    }

    /// `application_layer_protocol_negotiation` with the protocol chosen.
    #[must_use]
    pub fn protocol(mut self, name: &[u8]) -> Self {
        self.extensions.add_vector::<2>(ExtensionType::APPLICATION_PROTOCOLS, &short_vectors(&[name]));
        self
    }

    /// `key_share`.
    #[must_use]
    pub fn key_share(self, share: Share<'_>) -> Self {
        let mut body = Vec::new();
        body.u16(share.group.0);
        body.vector::<2>(share.key);
        self.extension(ExtensionType::KEY_SHARE, &body)
    }

    /// `key_share` of a retry: the group that is wanted.
    #[must_use]
    pub fn retry_group(self, group: Group) -> Self {
        self.extension(ExtensionType::KEY_SHARE, &group.0.to_be_bytes())
    }

    /// The handshake message, with the header of TLS.
    pub fn message(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.u16(self.version.0);
        body.extend(self.random);
        body.vector::<1>(&self.session_id);
        body.u16(self.suite.0);
        body.push(0);
        self.extensions.write(&mut body);
        message(HandshakeType::SERVER_HELLO, &body)
    }
}

/// A handshake message of TLS.
pub fn message(kind: HandshakeType, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_LEN + body.len());
    bytes.extend(Handshake::header(kind, body.len()));
    bytes.extend(body);
    bytes
}

/// The body of a `Certificate` message up to TLS 1.2.
pub fn certificates(chain: &[&[u8]]) -> Vec<u8> {
    let mut list = Vec::new();
    for der in chain {
        list.vector::<3>(der);
    }
    let mut body = Vec::new();
    body.vector::<3>(&list);
    body
}

/// Bytes in as many records as it takes, each of at most `payload_max` bytes (at
/// least 1).
pub fn records(content: ContentType, version: Version, payload: &[u8], payload_max: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in payload.chunks(usize::from(payload_max.max(1))) {
        let len = u16::try_from(piece.len()).unwrap_or(u16::MAX);
        bytes.extend(Record { content, version, len }.encode());
        bytes.extend(piece);
    }
    bytes
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::{Body, ClientHello, ServerHello};
    use super::*;

    fn decode(message: &[u8]) -> ClientHello<'_> {
        ClientHello::decode(Handshake::decode(message).unwrap().0.body).unwrap()
    }

    #[test]
    fn every_extension_is_read_as_it_was_written() {
        let share = Share { group: Group::X25519, key: &[7; 32] };
        let message = ClientHelloBuilder::new(Version::TLS1_2)
            .server_name(b"example.com")
            .protocols(&[b"h2", b"http/1.1"])
            .groups(&[Group::X25519, Group::SECP256R1])
            .point_formats(&[0])
            .signature_schemes(&[SignatureScheme(0x0403)])
            .supported_versions(&[Version::TLS1_3])
            .key_shares(&[share])
            .psk_modes(&[1])
            .status_request()
            .session_ticket(b"")
            .renegotiation_info(b"")
            .pre_shared_keys(&[(b"id", 9)], &[&[1; 32]])
            .message();
        let hello = decode(&message);
        assert_eq!(hello.server_name(), Some(&b"example.com"[..]));
        assert!(hello.protocols().unwrap().iter().eq([&b"h2"[..], b"http/1.1"]));
        assert!(hello.groups().iter().eq([Group::X25519, Group::SECP256R1]));
        assert!(hello.signature_schemes().iter().eq([SignatureScheme(0x0403)]));
        assert!(
            matches!(hello.body(ExtensionType::KEY_SHARE), Some(Body::Shares(list)) if list.iter().eq([share]))
        );
        assert_eq!(hello.body(ExtensionType::PSK_KEY_EXCHANGE_MODES), Some(Body::PskModes(&[1])));
        assert!(matches!(
            hello.body(ExtensionType::STATUS_REQUEST),
            Some(Body::StatusRequest { kind: 1, .. })
        ));
        assert_eq!(hello.body(ExtensionType::SESSION_TICKET), Some(Body::SessionTicket(&[])));
        assert_eq!(hello.body(ExtensionType::RENEGOTIATION_INFO), Some(Body::Renegotiation(&[])));
        assert!(matches!(hello.body(ExtensionType::PRE_SHARED_KEY), Some(Body::PreSharedKeys(keys))
            if keys.identities().count() == 1 && keys.binders.iter().count() == 1));
    }

    #[test]
    fn padding_fills_a_message_to_its_length() {
        let builder = ClientHelloBuilder::new(Version::TLS1_2);
        assert_eq!(builder.clone().pad_to(512).message().len(), 512);
        assert_eq!(builder.clone().pad_to(10).message(), builder.message());
    }

    #[test]
    fn records_hold_no_more_than_they_may() {
        let builder = ClientHelloBuilder::new(Version::TLS1_2).server_name(b"example.com");
        let records = builder.records(Version::TLS1_0, 7);
        let (mut bytes, mut message) = (&records[..], Vec::<u8>::new());
        while !bytes.is_empty() {
            let (record, rest) = Record::decode(bytes).unwrap();
            let (payload, rest) = rest.split_at(record.len.into());
            assert!(payload.len() <= 7);
            message.extend(payload);
            bytes = rest;
        }
        assert_eq!(message, builder.message());
    }

    #[test]
    fn a_record_of_dtls_holds_the_hello() {
        let builder = ClientHelloBuilder::new(Version::DTLS1_2).cookie(b"c").suites([Suite(0xc02b)]);
        let bytes = builder.dtls_record(Version::DTLS1_0, 1, 5);
        let (record, rest) = dtls::Record::decode(&bytes, 0).unwrap();
        assert!(rest.is_empty());
        let dtls::Record::Plain { sequence: 5, epoch: 0, payload, .. } = record else { panic!("{record:?}") };
        let (fragment, _) = dtls::Fragment::decode(payload).unwrap();
        assert!(fragment.is_whole());
        assert_eq!(ClientHello::decode_dtls(fragment.bytes).unwrap().cookie, Some(&b"c"[..]));
    }

    proptest! {
        #[test]
        fn decodes_the_client_hello_it_builds(
            version: u16, random: [u8; 32], id in vec(any::<u8>(), 0..=32), suites in vec(any::<u16>(), 0..200),
            compression: Vec<u8>, extensions in vec((any::<u16>(), vec(any::<u8>(), 0..50)), 0..20),
        ) {
            let mut builder = ClientHelloBuilder::new(Version(version)).random(random).session_id(&id);
            builder = builder.suites(suites.iter().copied().map(Suite)).compression(&compression).with_extensions();
            for (kind, body) in &extensions {
                builder = builder.extension(ExtensionType(*kind), body);
            }
            let message = builder.message();
            let hello = decode(&message);
            prop_assert_eq!((hello.version, hello.random, hello.session_id), (Version(version), &random, &id[..]));
            prop_assert!(hello.suites.iter().map(|suite| suite.0).eq(suites));
            prop_assert_eq!(hello.compression, compression);
            let read: Vec<_> = hello.extensions().map(|extension| (extension.kind.0, extension.body.to_vec())).collect();
            prop_assert_eq!(read, extensions);
        }

        #[test]
        fn decodes_the_server_hello_it_builds(random: [u8; 32], id in vec(any::<u8>(), 0..=32), suite: u16) {
            let builder = ServerHelloBuilder::new(Version::TLS1_2, Suite(suite)).random(random).session_id(&id);
            let message = builder.selected_version(Version::TLS1_3).protocol(b"h2").message();
            let hello = ServerHello::decode(Handshake::decode(&message).unwrap().0.body).unwrap();
            prop_assert_eq!((hello.random, hello.session_id, hello.suite), (Some(&random), Some(&id[..]), Suite(suite)));
            prop_assert_eq!((hello.version(), hello.protocol()), (Version::TLS1_3, Some(&b"h2"[..])));
        }
    }
}
