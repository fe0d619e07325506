//! The client's offer (RFC 8446 section 4.1.2; RFC 6347 section 4.2.1 for DTLS).

use super::super::Malformed;
use super::extension::{Body, Extensions, Sender};
use super::lists::{Numbers, Vectors};
use super::reader::Reader;
use super::{ExtensionType, Group, SignatureScheme, Suite, Version, is_grease};

/// A `ClientHello`, whatever its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// The highest version up to TLS 1.2 that the client can do; the drafts and
    /// TLS 1.3 stand in `supported_versions`.
    pub version: Version,
    /// The client's random.
    pub random: &'a [u8; 32],
    /// What the client wants to resume; in TLS 1.3 meaningless.
    pub session_id: &'a [u8],
    /// DTLS: what the server gave to prove the client's address; `None` in TLS.
    pub cookie: Option<&'a [u8]>,
    /// The suites offered, in the client's order of preference.
    pub suites: Numbers<'a, Suite>,
    /// The compression methods offered; 0 is none, 1 is DEFLATE.
    pub compression: &'a [u8],
    /// What else it offers; `None` in hellos that end before.
    pub extensions: Option<Extensions<'a>>,
}

impl<'a> ClientHello<'a> {
    /// From the body of a handshake message of TLS.
    pub fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        Self::read_whole(body, false)
    }

    /// From the body of a handshake message of DTLS, its fragments put together.
    pub fn decode_dtls(body: &'a [u8]) -> Result<Self, Malformed> {
        Self::read_whole(body, true)
    }

    /// As much as is sound of a body that does not decode: all before the
    /// extensions must be, and of these the first that are whole are given.
    ///
    /// No server should answer such a hello; what it asked for is known anyway.
    pub fn decode_sound_part(body: &'a [u8]) -> Result<Self, Malformed> {
        Self::read_sound_part(body, false)
    }

    /// The same of a hello of DTLS.
    pub fn decode_dtls_sound_part(body: &'a [u8]) -> Result<Self, Malformed> {
        Self::read_sound_part(body, true)
    }

    fn read_sound_part(body: &'a [u8], has_cookie: bool) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let hello = Self::read(&mut reader, has_cookie)?;
        Ok(Self { extensions: reader.part16().ok().map(Extensions::sound_part), ..hello })
    }

    fn read_whole(body: &'a [u8], has_cookie: bool) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let hello = Self::read(&mut reader, has_cookie)?;
        let extensions = if reader.is_empty() { None } else { Some(Extensions::new(reader.vector16()?)?) };
        reader.end()?;
        Ok(Self { extensions, ..hello })
    }

    /// All before the extensions.
    fn read(reader: &mut Reader<'a>, has_cookie: bool) -> Result<Self, Malformed> {
        let version = Version(reader.u16()?);
        let random = reader.array()?;
        let session_id = reader.vector8()?;
        if session_id.len() > 32 {
            return Err(Malformed::BadLength);
        }
        let cookie = if has_cookie { Some(reader.vector8()?) } else { None };
        let suites = Numbers::new(reader.vector16()?)?;
        let compression = reader.vector8()?;
        Ok(Self { version, random, session_id, cookie, suites, compression, extensions: None })
    }

    /// The extensions in their order; none where there is no list of them.
    pub fn extensions(&self) -> impl Iterator<Item = super::Extension<'a>> + use<'a> {
        self.extensions.into_iter().flat_map(|extensions| extensions.iter())
    }

    /// What the first extension of a type holds, where it is sound.
    pub fn body(&self, kind: ExtensionType) -> Option<Body<'a>> {
        let extension = self.extensions().find(|extension| extension.kind == kind)?;
        extension.decode(Sender::ClientHello).ok()
    }

    /// The host that is meant: the first host name of `server_name`.
    pub fn server_name(&self) -> Option<&'a [u8]> {
        match self.body(ExtensionType::SERVER_NAME)? {
            Body::ServerNames(names) => names.host(),
            _ => None,
        }
    }

    /// The application protocols offered (ALPN), in the order of preference.
    pub fn protocols(&self) -> Option<Vectors<'a>> {
        match self.body(ExtensionType::APPLICATION_PROTOCOLS)? {
            Body::Protocols(names) => Some(names),
            _ => None,
        }
    }

    /// The groups offered.
    pub fn groups(&self) -> Numbers<'a, Group> {
        match self.body(ExtensionType::SUPPORTED_GROUPS) {
            Some(Body::Groups(groups)) => groups,
            _ => Numbers::default(),
        }
    }

    /// The forms in which points of curves are understood.
    pub fn point_formats(&self) -> &'a [u8] {
        match self.body(ExtensionType::EC_POINT_FORMATS) {
            Some(Body::PointFormats(formats)) => formats,
            _ => &[],
        }
    }

    /// The signature schemes offered.
    pub fn signature_schemes(&self) -> Numbers<'a, SignatureScheme> {
        match self.body(ExtensionType::SIGNATURE_ALGORITHMS) {
            Some(Body::SignatureSchemes(schemes)) => schemes,
            _ => Numbers::default(),
        }
    }

    /// The versions that `supported_versions` offers.
    pub fn supported_versions(&self) -> Numbers<'a, Version> {
        match self.body(ExtensionType::SUPPORTED_VERSIONS) {
            Some(Body::Versions(versions)) => versions,
            _ => Numbers::default(),
        }
    }

    /// The highest version offered: of `supported_versions` without GREASE where
    /// it is there, of the hello otherwise.
    pub fn newest_version(&self) -> Version {
        let offered = self.supported_versions().iter().filter(|version| !is_grease(version.0));
        offered.max_by_key(|version| version.rank()).unwrap_or(self.version)
    }

    /// Whether the real hello is encrypted in this one, or would be: extension
    /// `encrypted_client_hello`, also as GREASE, or ESNI before it.
    pub fn has_encrypted_hello(&self) -> bool {
        self.extensions().any(|extension| {
            matches!(
                extension.kind,
                ExtensionType::ENCRYPTED_CLIENT_HELLO | ExtensionType::ENCRYPTED_SERVER_NAME
            )
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::super::build::ClientHelloBuilder;
    use super::super::{Handshake, HandshakeType, samples};
    use super::*;

    fn body(message: &[u8]) -> &[u8] {
        let (message, rest) = Handshake::decode(message).unwrap();
        assert_eq!(message.kind, HandshakeType::CLIENT_HELLO);
        assert!(rest.is_empty());
        message.body
    }

    #[test]
    fn decodes_a_real_sample() {
        let message = samples::openssl_client_hello();
        let hello = ClientHello::decode(body(&message)).unwrap();
        assert_eq!(hello.version, Version::TLS1_2);
        assert_eq!(hello.newest_version(), Version::TLS1_3);
        assert_eq!(hello.server_name(), Some(&b"example.com"[..]));
        assert_eq!(hello.protocols().unwrap().iter().collect::<Vec<_>>(), [&b"h2"[..], b"http/1.1"]);
        assert_eq!(hello.session_id.len(), 32);
        assert_eq!((hello.suites.len(), hello.suites.iter().next()), (18, Some(Suite(0x1302))));
        assert_eq!(hello.compression, [0]);
        assert_eq!(hello.groups().iter().next(), Some(Group::X25519));
        assert_eq!(hello.point_formats(), [0, 1, 2]);
        assert!(!hello.has_encrypted_hello());
    }

    #[test]
    fn refuses_every_truncation() {
        let message = samples::openssl_client_hello();
        let body = body(&message);
        let ends_before_extensions = 2 + 32 + 1 + 32 + 2 + 36 + 2;
        for len in 0..body.len() {
            let decoded = ClientHello::decode(&body[..len]);
            assert_eq!(decoded.is_ok(), len == ends_before_extensions, "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length() {
        let message = samples::openssl_client_hello();
        let body = body(&message);
        // Of the session id, the suites, the compression methods, the extensions.
        for at in [34, 68, 105, 108] {
            for change in [1, 0xff] {
                let mut bytes = body.to_vec();
                bytes[at] = bytes[at].wrapping_add(change);
                assert!(ClientHello::decode(&bytes).is_err(), "{at} {change}");
            }
        }
        let mut longer = body.to_vec();
        longer.push(0);
        assert_eq!(ClientHello::decode(&longer), Err(Malformed::BadLength));
    }

    #[test]
    fn the_sound_part_of_a_hello_is_what_stands_before_the_damage() {
        let message = samples::openssl_client_hello();
        let body = body(&message);
        let whole = ClientHello::decode(body).unwrap();
        assert_eq!(ClientHello::decode_sound_part(body), Ok(whole));
        let mut longer = body.to_vec();
        longer.push(0);
        assert_eq!(ClientHello::decode_sound_part(&longer), Ok(whole));
        let all = whole.extensions().count();
        let mut seen = 0;
        for len in 0..body.len() {
            let Ok(part) = ClientHello::decode_sound_part(&body[..len]) else { continue };
            assert!(whole.extensions().take(part.extensions().count()).eq(part.extensions()));
            seen = seen.max(part.extensions().count());
        }
        assert_eq!(seen, all - 1);
    }

    #[test]
    fn a_hello_without_extensions_is_whole() {
        let message = ClientHelloBuilder::new(Version::TLS1_0).suites([Suite(0x002f)]).message();
        let hello = ClientHello::decode(body(&message)).unwrap();
        assert_eq!(hello.extensions, None);
        assert_eq!(
            (hello.server_name(), hello.protocols(), hello.newest_version()),
            (None, None, Version::TLS1_0)
        );
    }

    #[test]
    fn the_newest_version_is_no_grease() {
        let versions = [Version(0xfafa), Version::TLS1_2, Version(0x7f1c), Version::TLS1_1];
        let message = ClientHelloBuilder::new(Version::TLS1_2).supported_versions(&versions).message();
        assert_eq!(ClientHello::decode(body(&message)).unwrap().newest_version(), Version(0x7f1c));
    }

    #[test]
    fn a_hello_of_dtls_has_a_cookie() {
        let builder = ClientHelloBuilder::new(Version::DTLS1_2).cookie(b"cookie").suites([Suite(0xc02b)]);
        let message = builder.message();
        let hello = ClientHello::decode_dtls(body(&message)).unwrap();
        assert_eq!(hello.cookie, Some(&b"cookie"[..]));
        assert_eq!(hello.suites.iter().collect::<Vec<_>>(), [Suite(0xc02b)]);
    }
}
