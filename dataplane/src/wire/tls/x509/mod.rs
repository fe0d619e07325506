//! X.509 certificates (RFC 5280): what is read of them without verifying anything.
//!
//! Everything borrows from the DER. A certificate is read as far as it is sound:
//! the fields up to the key must be, extensions are looked at when asked for.

mod name;
mod oid;
mod time;

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::Malformed;
use super::super::der::{self, Der, bits, tag};

pub use name::{Attribute, Name, Text};
pub use oid::Oid;
pub use time::Time;

/// A certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// 1 to 3; as it counts, not as it is encoded.
    pub version: u8,
    /// The serial number's bytes, a leading zero byte included.
    pub serial: &'a [u8],
    /// How it is signed.
    pub signature: Oid<'a>,
    /// Who signed it.
    pub issuer: Name<'a>,
    /// From when on it is valid.
    pub not_before: Time,
    /// Until when it is valid, that second included.
    pub not_after: Time,
    /// Whom it is about.
    pub subject: Name<'a>,
    /// The subject's key.
    pub key: PublicKey<'a>,
    extensions: &'a [u8],
}

/// A part of a certificate, in the order of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The value of DER that it is.
    Whole,
    /// 1 to 3.
    Version,
    /// The serial number.
    Serial,
    /// The algorithm that it is signed with, in either place.
    Signature,
    /// Who signed it.
    Issuer,
    /// From when and until when it is valid.
    Validity,
    /// Whom it is about.
    Subject,
    /// The key.
    Key,
    /// What stands after the key.
    Extensions,
}

/// A public key and what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey<'a> {
    /// The algorithm.
    pub algorithm: Oid<'a>,
    /// The algorithm's parameters, in DER; empty where there are none.
    parameters: &'a [u8],
    /// The key, in the algorithm's own form.
    pub bytes: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// From DER, which must hold a certificate and nothing after it.
    pub fn decode(der: &'a [u8]) -> Result<Self, Malformed> {
        Self::decode_parts(der).map_err(|(_, malformed)| malformed)
    }

    /// As [`Certificate::decode`], and says which part it is that does not decode.
    pub fn decode_parts(der: &'a [u8]) -> Result<Self, (Part, Malformed)> {
        let mut at = Part::Whole;
        Self::read(der, &mut at).map_err(|malformed| (at, malformed))
    }

    fn read(der: &'a [u8], at: &mut Part) -> Result<Self, Malformed> {
        let mut file = Der::new(der);
        let mut certificate = file.within(tag::SEQUENCE)?;
        if !file.is_empty() {
            return Err(Malformed::BadLength);
        }
        let mut fields = certificate.within(tag::SEQUENCE)?;
        // What it is signed with stands twice; this is what counts.
        *at = Part::Signature;
        let signature = Oid(certificate.within(tag::SEQUENCE)?.expect(tag::OID)?);

        *at = Part::Version;
        let version = match fields.optional(tag::EXPLICIT)? {
            None => 1,
            Some(version) => match Der::new(version).expect(tag::INTEGER)? {
                [version @ 0..=2] => version + 1,
                _ => return Err(Malformed::BadVersion),
            },
        };
        *at = Part::Serial;
        let serial = fields.expect(tag::INTEGER)?;
        *at = Part::Signature;
        fields.expect(tag::SEQUENCE)?; // The signature's algorithm, once more.
        *at = Part::Issuer;
        let issuer = Name::new(fields.expect(tag::SEQUENCE)?)?;
        *at = Part::Validity;
        let mut validity = fields.within(tag::SEQUENCE)?;
        let (not_before, not_after) = (Time::read(&mut validity)?, Time::read(&mut validity)?);
        *at = Part::Subject;
        let subject = Name::new(fields.expect(tag::SEQUENCE)?)?;
        *at = Part::Key;
        let key = PublicKey::read(&mut fields.within(tag::SEQUENCE)?)?;
        *at = Part::Extensions;
        let mut extensions: &[u8] = &[];
        while !fields.is_empty() {
            let value = fields.value()?;
            if value.tag == tag::EXPLICIT + 3 {
                extensions = Der::new(value.content).expect(tag::SEQUENCE)?;
            }
        }
        Ok(Self { version, serial, signature, issuer, not_before, not_after, subject, key, extensions })
    }

    /// Whether every extension is a type, perhaps a flag, and a value.
    pub fn has_sound_extensions(&self) -> bool {
        let mut extensions = Der::new(self.extensions);
        while !extensions.is_empty() {
            let Ok(mut extension) = extensions.within(tag::SEQUENCE) else { return false };
            let parts = extension.expect(tag::OID).and_then(|_| extension.optional(tag::BOOLEAN));
            if parts.and_then(|_| extension.expect(tag::OCTET_STRING)).is_err() {
                return false;
            }
        }
        true
    }

    /// What an extension holds, in DER; `None` also where those before it are
    /// unsound.
    fn extension(&self, kind: Oid<'_>) -> Option<&'a [u8]> {
        let mut extensions = Der::new(self.extensions);
        while !extensions.is_empty() {
            let mut extension = extensions.within(tag::SEQUENCE).ok()?;
            let found = Oid(extension.expect(tag::OID).ok()?);
            extension.optional(tag::BOOLEAN).ok()?;
            if found == kind {
                return extension.expect(tag::OCTET_STRING).ok();
            }
        }
        None
    }

    /// Other names of the subject, as far as they are sound.
    pub fn alternative_names(&self) -> impl Iterator<Item = AlternativeName<'a>> + use<'a> {
        let content = self.extension(oid::SUBJECT_ALT_NAME).unwrap_or_default();
        let mut names = Der::new(content).within(tag::SEQUENCE).unwrap_or(Der::new(&[]));
        std::iter::from_fn(move || {
            let value = names.value().ok()?;
            Some(AlternativeName::from_value(value.tag, value.content))
        })
    }

    /// Whether it may sign certificates: `basicConstraints` says so. `None` where
    /// it says nothing.
    pub fn is_ca(&self) -> Option<bool> {
        let mut constraints = Der::new(self.extension(oid::BASIC_CONSTRAINTS)?).within(tag::SEQUENCE).ok()?;
        let is_ca = constraints.optional(tag::BOOLEAN).ok()?;
        Some(is_ca.is_some_and(|content| content.iter().any(|byte| *byte != 0)))
    }
}

impl<'a> PublicKey<'a> {
    fn read(fields: &mut Der<'a>) -> Result<Self, Malformed> {
        let mut algorithm = fields.within(tag::SEQUENCE)?;
        let kind = Oid(algorithm.expect(tag::OID)?);
        let mut parameters: &[u8] = &[];
        if !algorithm.is_empty() {
            // NULL is what says that there are none.
            let value = algorithm.value()?;
            parameters =
                if value.tag == tag::OID || value.tag == tag::SEQUENCE { value.content } else { &[] };
        }
        let (_unused_bits, bytes) =
            fields.expect(tag::BIT_STRING)?.split_first().ok_or(Malformed::Truncated)?;
        Ok(Self { algorithm: kind, parameters, bytes })
    }

    /// How long it is in bits, as is usual for its kind: modulus, prime, or field
    /// of the curve; for others the length of the key's bytes. `None` where the
    /// key is unsound, or its curve unknown.
    pub fn bits(&self) -> Option<u32> {
        match self.algorithm {
            oid::RSA | oid::RSA_PSS => {
                let mut key = Der::new(self.bytes).within(tag::SEQUENCE).ok()?;
                key.expect(tag::INTEGER).ok().map(bits)
            }
            oid::DSA => Der::new(self.parameters).expect(tag::INTEGER).ok().map(bits),
            oid::EC => self.curve().map(|(_, bits)| bits),
            // A curve of 448 or 255 bits is called by the bytes of its keys.
            _ => u32::try_from(self.bytes.len()).ok()?.checked_mul(8),
        }
    }

    /// The curve by name, and the bits of its field; `None` for other kinds, and
    /// for curves without a name.
    pub fn curve(&self) -> Option<(&'static str, u32)> {
        if self.algorithm == oid::EC { Oid(self.parameters).curve() } else { None }
    }

    /// The public exponent of RSA, where it has at most 64 bits.
    pub fn exponent(&self) -> Option<u64> {
        if self.algorithm != oid::RSA && self.algorithm != oid::RSA_PSS {
            return None;
        }
        let mut key = Der::new(self.bytes).within(tag::SEQUENCE).ok()?;
        key.expect(tag::INTEGER).ok()?;
        let exponent = key.expect(tag::INTEGER).ok()?;
        exponent.iter().try_fold(0_u64, |value, byte| Some(value.checked_mul(256)? | u64::from(*byte)))
    }
}

/// Another name of the subject (RFC 5280 section 4.2.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlternativeName<'a> {
    /// A host, wildcards included.
    Dns(&'a [u8]),
    /// A mailbox.
    Email(&'a [u8]),
    /// A resource.
    Uri(&'a [u8]),
    /// An address.
    V4(Ipv4Addr),
    /// An address.
    V6(Ipv6Addr),
    /// A distinguished name.
    Directory(Name<'a>),
    /// A registered identifier.
    Registered(Oid<'a>),
    /// Of another kind, or unsound: the kind's number (0 other, 3 X.400, 5 EDI),
    /// and its bytes.
    Other(u8, &'a [u8]),
}

impl<'a> AlternativeName<'a> {
    fn from_value(kind: u8, content: &'a [u8]) -> Self {
        const IMPLICIT: u8 = tag::IMPLICIT;
        let other = Self::Other(kind & 0x1f, content);
        match kind.wrapping_sub(IMPLICIT) {
            1 => Self::Email(content),
            2 => Self::Dns(content),
            6 => Self::Uri(content),
            7 => match (<[u8; 4]>::try_from(content), <[u8; 16]>::try_from(content)) {
                (Ok(address), _) => Self::V4(address.into()),
                (_, Ok(address)) => Self::V6(address.into()),
                _ => other,
            },
            8 => Self::Registered(Oid(content)),
            _ if kind == tag::EXPLICIT + 4 => {
                let name = Der::new(content).expect(tag::SEQUENCE).and_then(Name::new);
                name.map_or(other, Self::Directory)
            }
            _ => other,
        }
    }
}

impl std::fmt::Display for AlternativeName<'_> {
    /// The name alone, without its kind; what is no text in hexadecimal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dns(text) | Self::Email(text) | Self::Uri(text) => {
                f.write_str(&String::from_utf8_lossy(text))
            }
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "{address}"),
            Self::Directory(name) => write!(f, "{name}"),
            Self::Registered(oid) => write!(f, "{oid}"),
            Self::Other(_, content) => content.iter().try_for_each(|byte| write!(f, "{byte:02X}")),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::super::samples;
    use super::*;

    #[test]
    fn decodes_a_real_sample() {
        let certificate = Certificate::decode(samples::RSA_CERTIFICATE).unwrap();
        assert_eq!(certificate.version, 3);
        assert_eq!(certificate.serial, [0, 0xc7, 0xd4, 0x28]);
        assert_eq!(certificate.subject.to_string(), "C=HU, O=Example Kft., CN=example.com");
        assert_eq!(certificate.issuer, certificate.subject);
        assert_eq!(certificate.signature.algorithm(), Some("sha256WithRSAEncryption"));
        assert_eq!(
            (certificate.not_before, certificate.not_after),
            (Time(1_704_067_200), Time(2_019_686_400))
        );
        assert_eq!(
            (certificate.key.algorithm.algorithm(), certificate.key.bits()),
            (Some("rsaEncryption"), Some(1024))
        );
        assert_eq!((certificate.key.exponent(), certificate.key.curve()), (Some(65537), None));
        assert_eq!(certificate.is_ca(), Some(true));
        let names: Vec<String> = certificate.alternative_names().map(|name| name.to_string()).collect();
        assert_eq!(
            names,
            [
                "example.com",
                "*.example.com",
                "192.0.2.1",
                "2001:db8::1",
                "a@example.com",
                "https://example.com/"
            ]
        );
    }

    #[test]
    fn decodes_keys_of_other_kinds() {
        let curve = Certificate::decode(samples::EC_CERTIFICATE).unwrap();
        assert_eq!(
            (curve.key.curve(), curve.key.bits(), curve.key.exponent()),
            (Some(("prime256v1", 256)), Some(256), None)
        );
        assert_eq!((curve.signature.algorithm(), curve.is_ca()), (Some("ecdsa-with-SHA256"), Some(false)));
        let edwards = Certificate::decode(samples::ED25519_CERTIFICATE).unwrap();
        assert_eq!((edwards.key.algorithm.algorithm(), edwards.key.bits()), (Some("ED25519"), Some(256)));
        assert_eq!((edwards.is_ca(), edwards.alternative_names().count()), (None, 0));
    }

    /// Where the bytes of the sample's fields stand: the first is the tag.
    fn at(part: &[u8]) -> usize {
        let der = samples::RSA_CERTIFICATE;
        (0..der.len()).find(|from| der[*from..].starts_with(part)).unwrap()
    }

    #[test]
    fn says_which_part_is_not_sound() {
        let certificate = Certificate::decode(samples::RSA_CERTIFICATE).unwrap();
        assert!(certificate.has_sound_extensions());
        let serial = at(&[2, 4, 0, 0xc7]);
        for (place, part) in [
            (0, Part::Whole),
            (serial - 3, Part::Version),
            (serial, Part::Serial),
            (serial + 6, Part::Signature),
            (serial + 6 + 15, Part::Issuer),
            (at(b"\x17\x0d24"), Part::Validity),
            (at(&[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]), Part::Key),
            (at(&[0xa3]), Part::Extensions),
        ] {
            let mut der = samples::RSA_CERTIFICATE.to_vec();
            der[place] = if part == Part::Extensions { 0x1f } else { 0x05 };
            assert_eq!(Certificate::decode_parts(&der).map(drop).map_err(|(part, _)| part), Err(part));
        }
    }

    #[test]
    fn unsound_extensions_do_not_hide_what_stands_before_them() {
        let mut der = samples::RSA_CERTIFICATE.to_vec();
        // The value of subjectAltName is no octets any more.
        let value = at(&[0x06, 3, 0x55, 0x1d, 0x11]) + 5;
        assert_eq!(der[value], 4);
        der[value] = 5;
        let certificate = Certificate::decode(&der).unwrap();
        assert!(!certificate.has_sound_extensions() && certificate.version == 3);
    }

    #[test]
    fn refuses_every_truncation_and_what_follows() {
        let der = samples::RSA_CERTIFICATE;
        for len in 0..der.len() {
            assert!(Certificate::decode(&der[..len]).is_err(), "{len} bytes");
        }
        assert_eq!(Certificate::decode(&[der, &[0]].concat()), Err(Malformed::BadLength));
    }

    fn ask_everything(der: &[u8]) {
        let Ok(certificate) = Certificate::decode(der) else { return };
        let _ = (
            certificate.subject.to_string(),
            certificate.issuer.to_string(),
            certificate.subject.common_name(),
        );
        let _ = (
            certificate.key.bits(),
            certificate.key.exponent(),
            certificate.key.curve(),
            certificate.is_ca(),
        );
        let names: usize = certificate.alternative_names().map(|name| name.to_string().len()).sum();
        assert!(names <= 8 * der.len());
    }

    #[test]
    fn every_damaged_byte_is_borne() {
        for sample in [samples::RSA_CERTIFICATE, samples::EC_CERTIFICATE, samples::ED25519_CERTIFICATE] {
            for at in 0..sample.len() {
                for value in [0, 1, 0x30, 0x7f, 0x80, 0xff] {
                    let mut der = sample.to_vec();
                    der[at] = value;
                    ask_everything(&der);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            ask_everything(&bytes);
        }
    }
}
