//! The registries of TLS: numbers that are never closed sets, with their names.
//!
//! A number that nobody has registered is a value like any other: it prints as
//! hexadecimal and compares, sorts and encodes as what it is. The names are data,
//! one table a file, sorted by number.

mod alerts;
mod extensions;
mod groups;
mod handshakes;
mod signatures;
mod suites;
mod versions;

/// Defines a number of the wire and how it is called.
macro_rules! registry {
    ($(#[$doc:meta])* $name:ident($number:ty), $digits:literal, $names:path; $($(#[$member_doc:meta])* $member:ident = $value:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $number);

        impl $name {
            $($(#[$member_doc])* pub const $member: Self = Self($value);)*

            /// What it is called; `None` for what has no name.
            pub fn name(self) -> Option<&'static str> {
                let at = $names.binary_search_by_key(&self.0, |(number, _)| *number).ok()?;
                $names.get(at).map(|(_, name)| *name)
            }

            /// Every number that has a name, ascending, with it.
            pub fn named() -> impl Iterator<Item = (Self, &'static str)> {
                $names.iter().map(|(number, name)| (Self(*number), *name))
            }
        }

        impl From<$number> for $name {
            fn from(number: $number) -> Self {
                Self(number)
            }
        }

        impl std::fmt::Display for $name {
            /// Its name, or the number in hexadecimal where it has none.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => write!(f, "0x{:0width$x}", self.0, width = $digits),
                }
            }
        }
    };
}

registry! {
    /// A version of SSL, TLS or DTLS, as hellos and records carry it.
    Version(u16), 4, versions::NAMES;
    /// SSL 2.0, as its own hello writes it.
    SSL2 = 0x0002,
    /// SSL 3.0 (RFC 6101).
    SSL3 = 0x0300,
    /// TLS 1.0 (RFC 2246).
    TLS1_0 = 0x0301,
    /// TLS 1.1 (RFC 4346).
    TLS1_1 = 0x0302,
    /// TLS 1.2 (RFC 5246).
    TLS1_2 = 0x0303,
    /// TLS 1.3 (RFC 8446).
    TLS1_3 = 0x0304,
    /// A draft of TLS 1.3 before 16.
    DRAFT_BEFORE_16 = 0x7f0f,
    /// DTLS 1.0 (RFC 4347).
    DTLS1_0 = 0xfeff,
    /// DTLS 1.2 (RFC 6347).
    DTLS1_2 = 0xfefd,
    /// DTLS 1.3 (RFC 9147).
    DTLS1_3 = 0xfefc,
}

impl Version {
    /// Whether it is TLS 1.3, DTLS 1.3 or a draft of TLS 1.3: what follows the
    /// `ServerHello` is encrypted.
    pub const fn is_1_3(self) -> bool {
        matches!(self, Self::TLS1_3 | Self::DTLS1_3) || self.is_draft()
    }

    /// Whether it is a draft of TLS 1.3 (0x7f.., or Facebook's 0xfb..).
    pub const fn is_draft(self) -> bool {
        matches!(self.0, 0x7f01..=0x7f1c | 0xfb14..=0xfb1a)
    }

    /// Whether its `ServerHello` has neither session id nor compression: drafts
    /// of TLS 1.3 up to 21, of which the earliest said 0x0304.
    pub(super) const fn has_short_server_hello(self) -> bool {
        matches!(self.0, 0x0304 | 0x7f01..=0x7f15 | 0xfb14 | 0xfb15)
    }

    /// Whether it is a version of DTLS; of these a greater number is an older
    /// version.
    pub const fn is_dtls(self) -> bool {
        self.0 >> 8 == 0xfe
    }

    /// How new it is among its kind; drafts of TLS 1.3 stand just below it.
    pub const fn rank(self) -> u16 {
        match self.0 {
            0xfe00..=0xfeff => !self.0 & 0xff,
            0x7f01..=0x7f1c | 0xfb14..=0xfb1a => 0x0303,
            number => number,
        }
    }
}

registry! {
    /// A cipher suite.
    Suite(u16), 4, suites::NAMES;
    /// Not a suite: the client renegotiates safely (RFC 5746 section 3.3).
    EMPTY_RENEGOTIATION_INFO = 0x00ff,
    /// Not a suite: the client has tried a higher version before (RFC 7507).
    FALLBACK = 0x5600,
}

registry! {
    /// A group for key exchange: a curve, a finite field, a KEM or a hybrid.
    Group(u16), 4, groups::NAMES;
    /// NIST P-256.
    SECP256R1 = 0x0017,
    /// NIST P-384.
    SECP384R1 = 0x0018,
    /// NIST P-521.
    SECP521R1 = 0x0019,
    /// Curve25519 (RFC 7748).
    X25519 = 0x001d,
    /// Curve448 (RFC 7748).
    X448 = 0x001e,
    /// X25519 with ML-KEM-768 (draft-ietf-tls-ecdhe-mlkem).
    X25519_MLKEM768 = 0x11ec,
}

impl Group {
    /// Whether a quantum computer is meant to gain nothing by breaking its
    /// classical part: a lattice or code based KEM, alone or in a hybrid.
    pub const fn is_post_quantum(self) -> bool {
        matches!(self.0,
            0x0200..=0x02ff | 0x11eb..=0x11ee | 0x2f00..=0x2fff
            | 0x4138 | 0x4139 | 0x6399 | 0x639a | 0xfe30..=0xfe32)
    }
}

registry! {
    /// A signature scheme; in TLS 1.2 a pair of hash and signature.
    SignatureScheme(u16), 4, signatures::NAMES;
}

registry! {
    /// The type of an extension.
    ExtensionType(u16), 4, extensions::NAMES;
    /// RFC 6066 section 3: which host is meant.
    SERVER_NAME = 0,
    /// RFC 6066 section 4.
    MAX_FRAGMENT_LENGTH = 1,
    /// RFC 6066 section 8: OCSP is asked for.
    STATUS_REQUEST = 5,
    /// RFC 8422 and RFC 7919: which groups the sender can do.
    SUPPORTED_GROUPS = 10,
    /// RFC 8422 section 5.1.2.
    EC_POINT_FORMATS = 11,
    /// RFC 8446 section 4.2.3.
    SIGNATURE_ALGORITHMS = 13,
    /// RFC 5764.
    USE_SRTP = 14,
    /// RFC 6520.
    HEARTBEAT = 15,
    /// RFC 7301: ALPN.
    APPLICATION_PROTOCOLS = 16,
    /// RFC 6961.
    STATUS_REQUEST_V2 = 17,
    /// RFC 6962.
    CERTIFICATE_TIMESTAMP = 18,
    /// RFC 7250.
    CLIENT_CERTIFICATE_TYPE = 19,
    /// RFC 7250.
    SERVER_CERTIFICATE_TYPE = 20,
    /// RFC 7685.
    PADDING = 21,
    /// RFC 7366.
    ENCRYPT_THEN_MAC = 22,
    /// RFC 7627.
    EXTENDED_MASTER_SECRET = 23,
    /// RFC 8472.
    TOKEN_BINDING = 24,
    /// RFC 8879.
    COMPRESS_CERTIFICATE = 27,
    /// RFC 8449.
    RECORD_SIZE_LIMIT = 28,
    /// RFC 9345.
    DELEGATED_CREDENTIAL = 34,
    /// RFC 5077.
    SESSION_TICKET = 35,
    /// `key_share` of drafts up to 22.
    KEY_SHARE_DRAFT = 40,
    /// RFC 8446 section 4.2.11.
    PRE_SHARED_KEY = 41,
    /// RFC 8446 section 4.2.10.
    EARLY_DATA = 42,
    /// RFC 8446 section 4.2.1.
    SUPPORTED_VERSIONS = 43,
    /// RFC 8446 section 4.2.2.
    COOKIE = 44,
    /// RFC 8446 section 4.2.9.
    PSK_KEY_EXCHANGE_MODES = 45,
    /// RFC 8446 section 4.2.4.
    CERTIFICATE_AUTHORITIES = 47,
    /// RFC 8446 section 4.2.6.
    POST_HANDSHAKE_AUTH = 49,
    /// RFC 8446 section 4.2.3.
    SIGNATURE_ALGORITHMS_CERT = 50,
    /// RFC 8446 section 4.2.8.
    KEY_SHARE = 51,
    /// RFC 9146.
    CONNECTION_ID = 54,
    /// RFC 9001 section 8.2.
    QUIC_TRANSPORT_PARAMETERS = 57,
    /// draft-agl-tls-nextprotoneg: NPN.
    NEXT_PROTOCOL = 13172,
    /// draft-vvv-tls-alps, the first code point.
    APPLICATION_SETTINGS_DRAFT = 17513,
    /// draft-vvv-tls-alps.
    APPLICATION_SETTINGS = 17613,
    /// RFC 9849: the real hello is inside.
    ENCRYPTED_CLIENT_HELLO = 65037,
    /// RFC 5746.
    RENEGOTIATION_INFO = 65281,
    /// QUIC's parameters in its drafts.
    QUIC_TRANSPORT_PARAMETERS_DRAFT = 65445,
    /// draft-ietf-tls-esni up to 06.
    ENCRYPTED_SERVER_NAME = 65486,
}

registry! {
    /// What an alert says.
    AlertDescription(u8), 2, alerts::NAMES;
    /// The sender will send no more.
    CLOSE_NOTIFY = 0,
    /// Nothing in common.
    HANDSHAKE_FAILURE = 40,
    /// No version in common.
    PROTOCOL_VERSION = 70,
}

registry! {
    /// The type of a handshake message.
    HandshakeType(u8), 2, handshakes::NAMES;
    /// The server wants to renegotiate.
    HELLO_REQUEST = 0,
    /// The client's offer.
    CLIENT_HELLO = 1,
    /// The server's choice.
    SERVER_HELLO = 2,
    /// DTLS: prove that you are where you say.
    HELLO_VERIFY_REQUEST = 3,
    /// A ticket to resume with.
    NEW_SESSION_TICKET = 4,
    /// TLS 1.3 drafts up to 21; later a `ServerHello` with a known random.
    HELLO_RETRY_REQUEST = 6,
    /// TLS 1.3: what else the server has to say.
    ENCRYPTED_EXTENSIONS = 8,
    /// Certificates of the sender.
    CERTIFICATE = 11,
    /// The server's part of the key exchange.
    SERVER_KEY_EXCHANGE = 12,
    /// The client shall show a certificate.
    CERTIFICATE_REQUEST = 13,
    /// The server waits for the client.
    SERVER_HELLO_DONE = 14,
    /// Proof of the certificate's key.
    CERTIFICATE_VERIFY = 15,
    /// The client's part of the key exchange.
    CLIENT_KEY_EXCHANGE = 16,
    /// The handshake's checksum.
    FINISHED = 20,
    /// A stapled OCSP response.
    CERTIFICATE_STATUS = 22,
    /// RFC 8879.
    COMPRESSED_CERTIFICATE = 25,
}

/// Whether a number is GREASE (RFC 8701): reserved to be ignored, sent to keep
/// servers from refusing what they do not know. Holds for suites, extensions,
/// groups, signature schemes and versions.
pub const fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_table_is_sorted_and_names_are_given_once() {
        for names in [suites::NAMES, groups::NAMES, signatures::NAMES, extensions::NAMES] {
            assert!(names.is_sorted_by(|(a, _), (b, _)| a < b));
            let distinct: HashSet<_> = names.iter().map(|(_, name)| name).collect();
            assert_eq!(distinct.len(), names.len());
            assert!(names.iter().all(|(number, _)| !is_grease(*number)));
        }
        for names in [alerts::NAMES, handshakes::NAMES] {
            assert!(names.is_sorted_by(|(a, _), (b, _)| a < b));
        }
        assert!(versions::NAMES.is_sorted_by(|(a, _), (b, _)| a < b), "drafts below 16 share a name");
    }

    #[test]
    fn knows_suites_old_odd_and_new() {
        for (number, name) in [
            (0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"),
            (0x0062, "TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA"),
            (0x0081, "TLS_GOSTR341001_WITH_28147_CNT_IMIT"),
            (0x00c6, "TLS_SM4_GCM_SM3"),
            (0x1301, "TLS_AES_128_GCM_SHA256"),
            (0xc07b, "TLS_RSA_WITH_CAMELLIA_256_GCM_SHA384"),
            (0xc0a9, "TLS_PSK_WITH_AES_256_CCM_8"),
            (0xc100, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC"),
            (0xcc13, "OLD_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
            (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
            (0xd005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256"),
        ] {
            assert_eq!(Suite(number).name(), Some(name));
        }
        assert!(Suite::named().count() >= 400);
    }

    #[test]
    fn what_has_no_name_prints_as_a_number() {
        assert_eq!(Suite(0x0a0a).to_string(), "0x0a0a");
        assert_eq!(AlertDescription(200).to_string(), "0xc8");
        assert_eq!(Group::X25519_MLKEM768.to_string(), "X25519MLKEM768");
        assert_eq!(Version::TLS1_0.to_string(), "TLSv1");
        assert_eq!(Version(0x7f13).to_string(), "TLS 1.3 draft-19");
    }

    #[test]
    fn grease_is_sixteen_numbers() {
        let grease: Vec<u16> = (0..=u16::MAX).filter(|number| is_grease(*number)).collect();
        assert_eq!(grease.len(), 16);
        assert_eq!((grease.first(), grease.last()), (Some(&0x0a0a), Some(&0xfafa)));
    }

    #[test]
    fn the_newest_version_has_the_highest_rank() {
        let ascending = [Version::SSL2, Version::SSL3, Version::TLS1_0, Version::TLS1_2, Version::TLS1_3];
        assert!(ascending.is_sorted_by_key(|version| version.rank()));
        let ascending = [Version::DTLS1_0, Version::DTLS1_2, Version::DTLS1_3];
        assert!(ascending.is_sorted_by_key(|version| version.rank()));
        assert!(Version(0x7f12).rank() >= Version::TLS1_2.rank());
    }

    #[test]
    fn post_quantum_groups_are_told_by_number() {
        for (group, name) in Group::named() {
            let says_so =
                ["MLKEM", "Kyber", "kyber", "CECPQ", "ntru", "saber", "frodo", "bike", "hqc", "sid", "sike"];
            assert_eq!(group.is_post_quantum(), says_so.iter().any(|part| name.contains(part)), "{name}");
        }
    }
}
