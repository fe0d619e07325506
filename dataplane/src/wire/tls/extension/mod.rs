//! Extensions of hellos (RFC 8446 section 4.2): a type, a length, a body whose
//! form depends on who says it.
//!
//! The list is checked when it is made: each extension is whole. A body is looked
//! at only when asked for, because one that is unsound or of an unknown type
//! leaves the others what they are.

pub mod ech;
pub mod pre_shared_key;
pub mod server_name;
pub mod share;

use super::super::Malformed;
use super::lists::{Numbers, Vectors};
use super::reader::{Reader, whole};
use super::{ExtensionType, Group, SignatureScheme, Version, is_grease};

pub use ech::Ech;
pub use pre_shared_key::PreSharedKeys;
pub use server_name::ServerNames;
pub use share::{Share, Shares};

/// Length of an extension's type and length in bytes.
const HEADER_LEN: usize = 4;

/// A list of extensions, each whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Extensions<'a> {
    /// Over its bytes, the list's own length not included.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            Extension::read(&mut reader)?;
        }
        Ok(Self(bytes))
    }

    /// The whole extensions that stand before the first that is not.
    pub fn sound_part(bytes: &'a [u8]) -> Self {
        let mut reader = Reader::new(bytes);
        let mut len = 0;
        while let Ok(extension) = Extension::read(&mut reader) {
            len += HEADER_LEN + extension.body.len();
        }
        Self(bytes.get(..len).unwrap_or_default())
    }

    /// The extensions in their order.
    pub fn iter(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || if reader.is_empty() { None } else { Extension::read(&mut reader).ok() })
    }

    /// As they are on the wire, without the list's length.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// Who says it: the form of a body depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The client in its hello.
    ClientHello,
    /// The server in its hello.
    ServerHello,
    /// The server in a hello that asks for another.
    Retry,
}

/// One extension, not interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What it is.
    pub kind: ExtensionType,
    /// What follows its length.
    pub body: &'a [u8],
}

/// What an extension says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// `server_name` of a client.
    ServerNames(ServerNames<'a>),
    /// An extension that says all by being there: `extended_master_secret`,
    /// `encrypt_then_mac`, `post_handshake_auth`, `early_data` in hellos, and the
    /// server's consent to `server_name`, `status_request`, `session_ticket`.
    Present,
    /// `max_fragment_length`: 1 to 4 for 2^9 to 2^12 bytes.
    MaxFragmentLength(u8),
    /// `status_request` of a client.
    StatusRequest {
        /// 1: OCSP.
        kind: u8,
        /// Responders that the client trusts.
        responders: Vectors<'a>,
        /// Extensions of the OCSP request, in DER.
        extensions: &'a [u8],
    },
    /// `status_request_v2` of a client: its list of requests.
    StatusRequests(&'a [u8]),
    /// `supported_groups`.
    Groups(Numbers<'a, Group>),
    /// `ec_point_formats`: 0 is uncompressed.
    PointFormats(&'a [u8]),
    /// `signature_algorithms`, `signature_algorithms_cert`, `delegated_credential`.
    SignatureSchemes(Numbers<'a, SignatureScheme>),
    /// `use_srtp`.
    Srtp {
        /// Profiles offered, or the one chosen.
        profiles: Numbers<'a, u16>,
        /// The master key's identifier.
        mki: &'a [u8],
    },
    /// `heartbeat`: 1 may be sent, 2 may not.
    Heartbeat(u8),
    /// `application_layer_protocol_negotiation`, `application_settings`, and the
    /// server's `next_protocol_negotiation`: names.
    Protocols(Vectors<'a>),
    /// `signed_certificate_timestamp` of a server.
    Timestamps(Vectors<'a>),
    /// `client_certificate_type`, `server_certificate_type`: the types offered, or
    /// the one chosen.
    CertificateTypes(&'a [u8]),
    /// `padding`.
    Padding(&'a [u8]),
    /// `token_binding`: version and parameters.
    TokenBinding(u8, u8, &'a [u8]),
    /// `compress_certificate`: 1 zlib, 2 brotli, 3 zstd.
    CompressionAlgorithms(Numbers<'a, u16>),
    /// `record_size_limit` in bytes.
    RecordSizeLimit(u16),
    /// `session_ticket` of a client: the ticket, empty to ask for one.
    SessionTicket(&'a [u8]),
    /// `pre_shared_key` of a client.
    PreSharedKeys(PreSharedKeys<'a>),
    /// `pre_shared_key` of a server: the place of the one chosen.
    PreSharedKey(u16),
    /// `supported_versions` of a client.
    Versions(Numbers<'a, Version>),
    /// `supported_versions` of a server: the one chosen.
    Version(Version),
    /// `cookie`.
    Cookie(&'a [u8]),
    /// `psk_key_exchange_modes`: 0 without, 1 with (EC)DHE.
    PskModes(&'a [u8]),
    /// `certificate_authorities`: names in DER.
    Authorities(Vectors<'a>),
    /// `key_share` of a client.
    Shares(Shares<'a>),
    /// `key_share` of a server.
    KeyShare(Share<'a>),
    /// `key_share` of a retry: the group that is wanted.
    Group(Group),
    /// `connection_id`.
    ConnectionId(&'a [u8]),
    /// `quic_transport_parameters`, in QUIC's own form.
    QuicParameters(&'a [u8]),
    /// `renegotiation_info`: empty in a first handshake.
    Renegotiation(&'a [u8]),
    /// `encrypted_client_hello` of a client.
    Ech(Ech<'a>),
    /// GREASE (RFC 8701).
    Grease(&'a [u8]),
    /// Of any other type, or of one without a form of its own here.
    Raw(&'a [u8]),
}

impl<'a> Extension<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { kind: ExtensionType(reader.u16()?), body: reader.vector16()? })
    }

    /// What it says, coming from `sender`.
    pub fn decode(&self, sender: Sender) -> Result<Body<'a>, Malformed> {
        match sender {
            Sender::ClientHello => whole(self.body, |reader| self.read_offer(reader)),
            Sender::ServerHello | Sender::Retry => {
                whole(self.body, |reader| self.read_choice(reader, sender))
            }
        }
    }

    /// Of a client.
    fn read_offer(&self, reader: &mut Reader<'a>) -> Result<Body<'a>, Malformed> {
        Ok(match self.kind {
            // An empty list is what a client says that knows no name.
            ExtensionType::SERVER_NAME if reader.is_empty() => Body::Present,
            ExtensionType::SERVER_NAME => Body::ServerNames(ServerNames::new(reader.vector16()?)?),
            ExtensionType::STATUS_REQUEST => {
                let kind = reader.u8()?;
                let responders = Vectors::long(reader.vector16()?)?;
                Body::StatusRequest { kind, responders, extensions: reader.vector16()? }
            }
            ExtensionType::STATUS_REQUEST_V2 => Body::StatusRequests(reader.vector16()?),
            ExtensionType::CLIENT_CERTIFICATE_TYPE | ExtensionType::SERVER_CERTIFICATE_TYPE => {
                Body::CertificateTypes(reader.vector8()?)
            }
            ExtensionType::COMPRESS_CERTIFICATE => {
                Body::CompressionAlgorithms(Numbers::new(reader.vector8()?)?)
            }
            ExtensionType::SESSION_TICKET => Body::SessionTicket(reader.rest()),
            ExtensionType::PRE_SHARED_KEY => Body::PreSharedKeys(PreSharedKeys::read(reader)?),
            ExtensionType::SUPPORTED_VERSIONS => Body::Versions(Numbers::new(reader.vector8()?)?),
            ExtensionType::PSK_KEY_EXCHANGE_MODES => Body::PskModes(reader.vector8()?),
            ExtensionType::KEY_SHARE | ExtensionType::KEY_SHARE_DRAFT => {
                Body::Shares(Shares::new(reader.vector16()?)?)
            }
            ExtensionType::ENCRYPTED_CLIENT_HELLO => Body::Ech(Ech::read(reader)?),
            ExtensionType::NEXT_PROTOCOL | ExtensionType::CERTIFICATE_TIMESTAMP => Body::Present,
            _ => return self.read_either(reader),
        })
    }

    /// Of a server.
    fn read_choice(&self, reader: &mut Reader<'a>, sender: Sender) -> Result<Body<'a>, Malformed> {
        Ok(match self.kind {
            ExtensionType::SERVER_NAME
            | ExtensionType::STATUS_REQUEST
            | ExtensionType::STATUS_REQUEST_V2
            | ExtensionType::SESSION_TICKET => Body::Present,
            ExtensionType::CLIENT_CERTIFICATE_TYPE | ExtensionType::SERVER_CERTIFICATE_TYPE => {
                Body::CertificateTypes(reader.take(1)?)
            }
            ExtensionType::CERTIFICATE_TIMESTAMP => Body::Timestamps(Vectors::long(reader.vector16()?)?),
            ExtensionType::PRE_SHARED_KEY => Body::PreSharedKey(reader.u16()?),
            ExtensionType::SUPPORTED_VERSIONS => Body::Version(Version(reader.u16()?)),
            ExtensionType::KEY_SHARE | ExtensionType::KEY_SHARE_DRAFT if sender == Sender::Retry => {
                Body::Group(Group(reader.u16()?))
            }
            ExtensionType::KEY_SHARE | ExtensionType::KEY_SHARE_DRAFT => Body::KeyShare(Share::read(reader)?),
            ExtensionType::NEXT_PROTOCOL => Body::Protocols(Vectors::short(reader.rest())?),
            _ => return self.read_either(reader),
        })
    }

    /// What has the same form from both.
    fn read_either(&self, reader: &mut Reader<'a>) -> Result<Body<'a>, Malformed> {
        Ok(match self.kind {
            ExtensionType::MAX_FRAGMENT_LENGTH => Body::MaxFragmentLength(reader.u8()?),
            ExtensionType::SUPPORTED_GROUPS => Body::Groups(Numbers::new(reader.vector16()?)?),
            ExtensionType::EC_POINT_FORMATS => Body::PointFormats(reader.vector8()?),
            ExtensionType::SIGNATURE_ALGORITHMS
            | ExtensionType::SIGNATURE_ALGORITHMS_CERT
            | ExtensionType::DELEGATED_CREDENTIAL => {
                Body::SignatureSchemes(Numbers::new(reader.vector16()?)?)
            }
            ExtensionType::USE_SRTP => {
                let profiles = Numbers::new(reader.vector16()?)?;
                Body::Srtp { profiles, mki: reader.vector8()? }
            }
            ExtensionType::HEARTBEAT => Body::Heartbeat(reader.u8()?),
            ExtensionType::APPLICATION_PROTOCOLS
            | ExtensionType::APPLICATION_SETTINGS
            | ExtensionType::APPLICATION_SETTINGS_DRAFT => {
                Body::Protocols(Vectors::short(reader.vector16()?)?)
            }
            ExtensionType::PADDING => Body::Padding(reader.rest()),
            ExtensionType::ENCRYPT_THEN_MAC
            | ExtensionType::EXTENDED_MASTER_SECRET
            | ExtensionType::POST_HANDSHAKE_AUTH
            | ExtensionType::EARLY_DATA => Body::Present,
            ExtensionType::TOKEN_BINDING => Body::TokenBinding(reader.u8()?, reader.u8()?, reader.vector8()?),
            ExtensionType::RECORD_SIZE_LIMIT => Body::RecordSizeLimit(reader.u16()?),
            ExtensionType::COOKIE => Body::Cookie(reader.vector16()?),
            ExtensionType::CERTIFICATE_AUTHORITIES => Body::Authorities(Vectors::long(reader.vector16()?)?),
            ExtensionType::CONNECTION_ID => Body::ConnectionId(reader.vector8()?),
            ExtensionType::QUIC_TRANSPORT_PARAMETERS | ExtensionType::QUIC_TRANSPORT_PARAMETERS_DRAFT => {
                Body::QuicParameters(reader.rest())
            }
            ExtensionType::RENEGOTIATION_INFO => Body::Renegotiation(reader.vector8()?),
            kind if is_grease(kind.0) => Body::Grease(reader.rest()),
            _ => Body::Raw(reader.rest()),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SENDERS: [Sender; 3] = [Sender::ClientHello, Sender::ServerHello, Sender::Retry];

    fn decode(kind: u16, body: &[u8], sender: Sender) -> Result<Body<'_>, Malformed> {
        Extension { kind: ExtensionType(kind), body }.decode(sender)
    }

    #[test]
    fn lists_are_whole_or_refused() {
        let bytes = [0, 23, 0, 0, 0, 16, 0, 5, 0, 3, 2, b'h', b'2'];
        let list = Extensions::new(&bytes).unwrap();
        assert_eq!(list.iter().map(|extension| extension.kind.0).collect::<Vec<_>>(), [23, 16]);
        for len in 0..bytes.len() {
            assert_eq!(Extensions::new(&bytes[..len]).is_ok(), [0, 4].contains(&len), "{len} bytes");
            let sound = usize::from(len >= 4);
            assert_eq!(Extensions::sound_part(&bytes[..len]).iter().count(), sound, "{len} bytes");
        }
    }

    #[test]
    fn every_form_of_a_client_is_read() {
        let offer = |kind, body| decode(kind, body, Sender::ClientHello).unwrap();
        assert_eq!(offer(1, &[4]), Body::MaxFragmentLength(4));
        assert!(matches!(offer(5, &[1, 0, 0, 0, 0]), Body::StatusRequest { kind: 1, .. }));
        assert_eq!(offer(17, &[0, 2, 9, 9]), Body::StatusRequests(&[9, 9]));
        assert!(
            matches!(offer(10, &[0, 2, 0, 29]), Body::Groups(groups) if groups.iter().eq([Group::X25519]))
        );
        assert_eq!(offer(11, &[1, 0]), Body::PointFormats(&[0]));
        assert!(matches!(offer(13, &[0, 2, 4, 3]), Body::SignatureSchemes(list) if list.len() == 1));
        assert!(matches!(offer(14, &[0, 2, 0, 1, 0]), Body::Srtp { mki: &[], .. }));
        assert_eq!(offer(15, &[1]), Body::Heartbeat(1));
        assert_eq!(offer(19, &[1, 2]), Body::CertificateTypes(&[2]));
        assert_eq!(offer(21, &[0; 9]), Body::Padding(&[0; 9]));
        for kind in [13172, 18, 22, 23, 42, 49] {
            assert_eq!(offer(kind, &[]), Body::Present, "{kind}");
        }
        assert_eq!(offer(24, &[1, 0, 1, 2]), Body::TokenBinding(1, 0, &[2]));
        assert!(matches!(offer(27, &[2, 0, 2]), Body::CompressionAlgorithms(list) if list.iter().eq([2])));
        assert_eq!(offer(28, &[0x40, 1]), Body::RecordSizeLimit(0x4001));
        assert_eq!(offer(35, b"ticket"), Body::SessionTicket(b"ticket"));
        assert!(matches!(offer(43, &[2, 3, 4]), Body::Versions(list) if list.iter().eq([Version::TLS1_3])));
        assert_eq!(offer(44, &[0, 1, 7]), Body::Cookie(&[7]));
        assert_eq!(offer(45, &[1, 1]), Body::PskModes(&[1]));
        assert!(
            matches!(offer(47, &[0, 4, 0, 2, 0x30, 0]), Body::Authorities(list) if list.iter().count() == 1)
        );
        assert_eq!(offer(54, &[1, 7]), Body::ConnectionId(&[7]));
        assert_eq!(offer(57, &[7]), Body::QuicParameters(&[7]));
        assert_eq!(offer(65281, &[0]), Body::Renegotiation(&[]));
        assert_eq!(offer(0x2a2a, &[0]), Body::Grease(&[0]));
        assert_eq!(offer(65000, b"?"), Body::Raw(b"?"));
    }

    #[test]
    fn every_form_of_a_server_is_read() {
        let choice = |kind, body| decode(kind, body, Sender::ServerHello).unwrap();
        for kind in [0, 5, 17, 23, 35] {
            assert_eq!(choice(kind, &[]), Body::Present, "{kind}");
        }
        assert_eq!(choice(19, &[2]), Body::CertificateTypes(&[2]));
        assert!(matches!(choice(18, &[0, 3, 0, 1, 7]), Body::Timestamps(list) if list.iter().eq([[7]])));
        assert_eq!(choice(41, &[0, 0]), Body::PreSharedKey(0));
        assert_eq!(choice(43, &[3, 4]), Body::Version(Version::TLS1_3));
        assert!(matches!(choice(51, &[0, 29, 0, 1, 7]), Body::KeyShare(share) if share.key == [7]));
        assert_eq!(decode(51, &[0, 29], Sender::Retry), Ok(Body::Group(Group::X25519)));
        assert!(matches!(choice(13172, b"\x02h2"), Body::Protocols(list) if list.iter().eq([b"h2"])));
    }

    #[test]
    fn a_body_that_lies_is_refused() {
        for (kind, body) in
            [(10, &[0, 3, 0, 29, 0][..]), (10, &[0, 2, 0, 29, 0]), (16, &[0, 3, 3, b'h', b'2']), (23, &[0])]
        {
            assert!(decode(kind, body, Sender::ClientHello).is_err(), "{kind} {body:?}");
        }
        assert!(decode(43, &[3], Sender::ServerHello).is_err());
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(kind: u16, small in 0_u16..70, body: Vec<u8>) {
            for kind in [kind, small] {
                for sender in SENDERS {
                    let _ = decode(kind, &body, sender);
                }
            }
        }

        #[test]
        fn any_list_is_read_or_refused(bytes: Vec<u8>) {
            if let Ok(list) = Extensions::new(&bytes) {
                let len: usize = list.iter().map(|extension| 4 + extension.body.len()).sum();
                prop_assert_eq!(len, bytes.len());
            }
        }
    }
}
