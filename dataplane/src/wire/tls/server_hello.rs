//! The server's choice (RFC 8446 section 4.1.3), and its wish for another hello.
//!
//! Drafts of TLS 1.3 up to 21 wrote their version where TLS 1.2 does, had neither
//! session id nor compression, and a message of its own for the retry.

use super::super::Malformed;
use super::extension::{Body, Extensions, Sender};
use super::reader::Reader;
use super::{Extension, ExtensionType, Group, Suite, Version};

/// The random of a `ServerHello` that is a `HelloRetryRequest` (RFC 8446 section
/// 4.1.3): SHA-256 of "`HelloRetryRequest`".
pub const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The end of the random of a server that can do TLS 1.3 and was not asked for it.
const DOWNGRADE_TO_1_2: &[u8; 8] = b"DOWNGRD\x01";
/// The same of one that can do TLS 1.2 or 1.3 and does less.
const DOWNGRADE_TO_1_1: &[u8; 8] = b"DOWNGRD\x00";

/// A `ServerHello`, whatever its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// The version chosen up to TLS 1.2 and in drafts; see [`Self::version`].
    pub legacy_version: Version,
    /// The server's random; none in a retry request of the drafts.
    pub random: Option<&'a [u8; 32]>,
    /// The session's id up to TLS 1.2, an echo of the client's in TLS 1.3, `None`
    /// in drafts.
    pub session_id: Option<&'a [u8]>,
    /// The suite chosen.
    pub suite: Suite,
    /// The compression method chosen; 0 is none.
    pub compression: u8,
    /// What else was chosen; `None` in hellos that end before.
    pub extensions: Option<Extensions<'a>>,
}

impl<'a> ServerHello<'a> {
    /// From the body of a handshake message, of TLS or DTLS.
    pub fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let hello = Self::read(&mut reader)?;
        Ok(Self { extensions: read_extensions(&mut reader)?, ..hello })
    }

    /// As much as is sound of a body that does not decode: all before the
    /// extensions must be, and of these the first that are whole are given.
    pub fn decode_sound_part(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let hello = Self::read(&mut reader)?;
        Ok(Self { extensions: reader.part16().ok().map(Extensions::sound_part), ..hello })
    }

    /// All before the extensions.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let legacy_version = Version(reader.u16()?);
        let random = Some(reader.array()?);
        let is_short = legacy_version.has_short_server_hello();
        let session_id = if is_short { None } else { Some(reader.vector8()?) };
        if session_id.is_some_and(|id| id.len() > 32) {
            return Err(Malformed::BadLength);
        }
        let suite = Suite(reader.u16()?);
        let compression = if is_short { 0 } else { reader.u8()? };
        Ok(Self { legacy_version, random, session_id, suite, compression, extensions: None })
    }

    /// From the body of a `HelloRetryRequest` of drafts up to 21: a version, from
    /// draft 19 on a suite, extensions.
    pub fn decode_retry(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let legacy_version = Version(reader.u16()?);
        let suite = if legacy_version.0 >= 0x7f13 { Suite(reader.u16()?) } else { Suite(0) };
        let extensions = read_extensions(&mut reader)?;
        Ok(Self { legacy_version, random: None, session_id: None, suite, compression: 0, extensions })
    }

    /// Whether it is a wish for another hello and no choice yet.
    pub fn is_retry(&self) -> bool {
        self.random.is_none_or(|random| *random == RETRY_RANDOM)
    }

    /// The version chosen. Where 0x0304 stands outside of `supported_versions` it
    /// is a draft of TLS 1.3 before 16, which did not say so otherwise.
    pub fn version(&self) -> Version {
        match self.body(ExtensionType::SUPPORTED_VERSIONS) {
            Some(Body::Version(version)) => version,
            _ if self.legacy_version == Version::TLS1_3 => Version::DRAFT_BEFORE_16,
            _ => self.legacy_version,
        }
    }

    /// The extensions in their order; none where there is no list of them.
    pub fn extensions(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        self.extensions.into_iter().flat_map(|extensions| extensions.iter())
    }

    /// What the first extension of a type holds, where it is sound.
    pub fn body(&self, kind: ExtensionType) -> Option<Body<'a>> {
        let sender = if self.is_retry() { Sender::Retry } else { Sender::ServerHello };
        self.extensions().find(|extension| extension.kind == kind)?.decode(sender).ok()
    }

    /// The application protocol chosen (ALPN), where the hello says it: up to
    /// TLS 1.2.
    pub fn protocol(&self) -> Option<&'a [u8]> {
        match self.body(ExtensionType::APPLICATION_PROTOCOLS)? {
            Body::Protocols(names) => names.iter().next(),
            _ => None,
        }
    }

    /// The group chosen, where the hello says it: in TLS 1.3 and its drafts.
    pub fn group(&self) -> Option<Group> {
        let kinds = [ExtensionType::KEY_SHARE, ExtensionType::KEY_SHARE_DRAFT];
        kinds.into_iter().find_map(|kind| match self.body(kind)? {
            Body::KeyShare(share) => Some(share.group),
            Body::Group(group) => Some(group),
            _ => None,
        })
    }

    /// Whether the server says that it could do a newer version than it chose
    /// (RFC 8446 section 4.1.3): whoever took the offer away was in between.
    pub fn is_downgraded(&self) -> bool {
        let Some([.., e0, e1, e2, e3, e4, e5, e6, e7]) = self.random else { return false };
        let end = [*e0, *e1, *e2, *e3, *e4, *e5, *e6, *e7];
        end == *DOWNGRADE_TO_1_2 || end == *DOWNGRADE_TO_1_1
    }
}

fn read_extensions<'a>(reader: &mut Reader<'a>) -> Result<Option<Extensions<'a>>, Malformed> {
    let extensions = if reader.is_empty() { None } else { Some(Extensions::new(reader.vector16()?)?) };
    reader.end()?;
    Ok(extensions)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::super::build::ServerHelloBuilder;
    use super::super::{Handshake, samples};
    use super::*;

    fn body(message: &[u8]) -> &[u8] {
        Handshake::decode(message).unwrap().0.body
    }

    #[test]
    fn decodes_a_real_sample() {
        let message = samples::openssl_server_hello();
        let hello = ServerHello::decode(body(&message)).unwrap();
        assert_eq!((hello.legacy_version, hello.version()), (Version::TLS1_2, Version::TLS1_3));
        assert_eq!(hello.suite, Suite(0x1302));
        assert_eq!(hello.group(), Some(Group::X25519));
        assert_eq!((hello.session_id.map(<[u8]>::len), hello.protocol()), (Some(32), None));
        assert!(!hello.is_retry() && !hello.is_downgraded());
    }

    #[test]
    fn refuses_every_truncation() {
        let message = samples::openssl_server_hello();
        let body = body(&message);
        for len in 0..body.len() {
            let ends_before_extensions = len == 2 + 32 + 33 + 2 + 1;
            assert_eq!(ServerHello::decode(&body[..len]).is_ok(), ends_before_extensions, "{len} bytes");
            assert_eq!(ServerHello::decode_sound_part(&body[..len]).is_ok(), len >= 70, "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length() {
        let message = samples::openssl_server_hello();
        for at in [34, 71] {
            let mut bytes = body(&message).to_vec();
            bytes[at] ^= 1;
            assert!(ServerHello::decode(&bytes).is_err(), "{at}");
        }
    }

    #[test]
    fn a_known_random_asks_for_another_hello() {
        let builder = ServerHelloBuilder::new(Version::TLS1_2, Suite(0x1301)).random(RETRY_RANDOM);
        let message = builder.selected_version(Version::TLS1_3).retry_group(Group::SECP384R1).message();
        let hello = ServerHello::decode(body(&message)).unwrap();
        assert!(hello.is_retry());
        assert_eq!((hello.version(), hello.group()), (Version::TLS1_3, Some(Group::SECP384R1)));
    }

    #[test]
    fn drafts_have_a_shorter_hello() {
        let mut bytes = vec![0x7f, 0x12];
        bytes.extend([7; 32]);
        bytes.extend([0x13, 0x01, 0, 6, 0, 40, 0, 2, 0, 29]);
        let hello = ServerHello::decode(&bytes).unwrap();
        assert_eq!((hello.version(), hello.suite, hello.session_id), (Version(0x7f12), Suite(0x1301), None));
        bytes[..2].copy_from_slice(&[3, 4]);
        assert_eq!(ServerHello::decode(&bytes).unwrap().version().name(), Some("TLS 1.3 draft-<16"));
        let retry = ServerHello::decode_retry(&[0x7f, 0x13, 0x13, 0x02, 0, 6, 0, 40, 0, 2, 0, 24]).unwrap();
        assert_eq!((retry.suite, retry.group()), (Suite(0x1302), Some(Group::SECP384R1)));
        assert!(retry.is_retry());
    }

    #[test]
    fn a_downgrade_shows_in_the_random() {
        let mut random = [7; 32];
        random[24..].copy_from_slice(DOWNGRADE_TO_1_2);
        let message = ServerHelloBuilder::new(Version::TLS1_2, Suite(0xc02f)).random(random).message();
        assert!(ServerHello::decode(body(&message)).unwrap().is_downgraded());
    }
}
