//! Object identifiers (X.690 section 8.19), and what those in certificates are
//! called.
//!
//! Attributes are called as EVE events call them: the short names of RFC 4514 and,
//! for the rest, those of OpenSSL. Algorithms are called as OpenSSL calls them.

/// An object identifier as its content bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Oid<'a>(pub &'a [u8]);

impl Oid<'_> {
    /// What an attribute of a name is called.
    pub fn attribute(self) -> Option<&'static str> {
        find(ATTRIBUTES, self)
    }

    /// What an algorithm of signatures or keys is called.
    pub fn algorithm(self) -> Option<&'static str> {
        find(SIGNATURES, self).or_else(|| find(KEYS, self))
    }

    /// What a curve is called, and how many bits its field has.
    pub fn curve(self) -> Option<(&'static str, u32)> {
        let row = CURVES.iter().find(|(bytes, ..)| *bytes == self.0);
        row.map(|(_, name, bits)| (*name, *bits))
    }
}

fn find(table: &[(&[u8], &'static str)], oid: Oid<'_>) -> Option<&'static str> {
    table.iter().find(|(bytes, _)| *bytes == oid.0).map(|(_, name)| *name)
}

impl std::fmt::Display for Oid<'_> {
    /// In dotted form; a component of more than 64 bits, which nobody has
    /// registered, as `?`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut is_first = true;
        for component in self.0.split_inclusive(|byte| byte & 0x80 == 0) {
            let number = component.iter().try_fold(0_u64, |number, byte| {
                let room = number.checked_mul(0x80)?;
                Some(room | u64::from(byte & 0x7f))
            });
            match (number, is_first) {
                (None, _) => f.write_str(if is_first { "?" } else { ".?" })?,
                (Some(number), true) => {
                    let root = (number / 40).min(2);
                    write!(f, "{root}.{}", number - root * 40)?;
                }
                (Some(number), false) => write!(f, ".{number}")?,
            }
            is_first = false;
        }
        Ok(())
    }
}

/// `rsaEncryption`.
pub(super) const RSA: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]);
/// `rsassaPss`, which also says what a key is for.
pub(super) const RSA_PSS: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a]);
/// `id-ecPublicKey`.
pub(super) const EC: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);
/// `dsaEncryption`.
pub(super) const DSA: Oid<'static> = Oid(&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1]);
/// `subjectAltName`.
pub(super) const SUBJECT_ALT_NAME: Oid<'static> = Oid(&[0x55, 0x1d, 0x11]);
/// `basicConstraints`.
pub(super) const BASIC_CONSTRAINTS: Oid<'static> = Oid(&[0x55, 0x1d, 0x13]);

/// Attributes of names.
#[rustfmt::skip]
static ATTRIBUTES: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"), // 2.5.4.3
    (&[0x55, 4, 4], "SN"), // 2.5.4.4
    (&[0x55, 4, 5], "serialNumber"), // 2.5.4.5
    (&[0x55, 4, 6], "C"), // 2.5.4.6
    (&[0x55, 4, 7], "L"), // 2.5.4.7
    (&[0x55, 4, 8], "ST"), // 2.5.4.8
    (&[0x55, 4, 9], "street"), // 2.5.4.9
    (&[0x55, 4, 0x0a], "O"), // 2.5.4.10
    (&[0x55, 4, 0x0b], "OU"), // 2.5.4.11
    (&[0x55, 4, 0x0c], "title"), // 2.5.4.12
    (&[0x55, 4, 0x0d], "description"), // 2.5.4.13
    (&[0x55, 4, 0x0f], "businessCategory"), // 2.5.4.15
    (&[0x55, 4, 0x10], "postalAddress"), // 2.5.4.16
    (&[0x55, 4, 0x11], "postalCode"), // 2.5.4.17
    (&[0x55, 4, 0x12], "postOfficeBox"), // 2.5.4.18
    (&[0x55, 4, 0x14], "telephoneNumber"), // 2.5.4.20
    (&[0x55, 4, 0x29], "name"), // 2.5.4.41
    (&[0x55, 4, 0x2a], "givenName"), // 2.5.4.42
    (&[0x55, 4, 0x2b], "initials"), // 2.5.4.43
    (&[0x55, 4, 0x2c], "generationQualifier"), // 2.5.4.44
    (&[0x55, 4, 0x2d], "x500UniqueIdentifier"), // 2.5.4.45
    (&[0x55, 4, 0x2e], "dnQualifier"), // 2.5.4.46
    (&[0x55, 4, 0x41], "pseudonym"), // 2.5.4.65
    (&[0x55, 4, 0x61], "organizationIdentifier"), // 2.5.4.97
    (&[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"), // 0.9.2342.19200300.100.1.1
    (&[9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 0x19], "DC"), // 0.9.2342.19200300.100.1.25
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "Email"), // 1.2.840.113549.1.9.1
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 2], "unstructuredName"), // 1.2.840.113549.1.9.2
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 8], "unstructuredAddress"), // 1.2.840.113549.1.9.8
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3c, 2, 1, 1], "jurisdictionL"), // 1.3.6.1.4.1.311.60.2.1.1
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3c, 2, 1, 2], "jurisdictionST"), // 1.3.6.1.4.1.311.60.2.1.2
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3c, 2, 1, 3], "jurisdictionC"), // 1.3.6.1.4.1.311.60.2.1.3
    (&[0x2a, 0x85, 3, 3, 0x81, 3, 1, 1], "INN"), // 1.2.643.3.131.1.1
    (&[0x2a, 0x85, 3, 0x64, 1], "OGRN"), // 1.2.643.100.1
    (&[0x2a, 0x85, 3, 0x64, 3], "SNILS"), // 1.2.643.100.3
];

/// How certificates are signed.
#[rustfmt::skip]
static SIGNATURES: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 2], "md2WithRSAEncryption"), // 1.2.840.113549.1.1.2
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 3], "md4WithRSAEncryption"), // 1.2.840.113549.1.1.3
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], "md5WithRSAEncryption"), // 1.2.840.113549.1.1.4
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], "sha1WithRSAEncryption"), // 1.2.840.113549.1.1.5
    (&[0x2b, 0x0e, 3, 2, 0x1d], "sha1WithRSA"), // 1.3.14.3.2.29
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0e], "sha224WithRSAEncryption"), // 1.2.840.113549.1.1.14
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b], "sha256WithRSAEncryption"), // 1.2.840.113549.1.1.11
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0c], "sha384WithRSAEncryption"), // 1.2.840.113549.1.1.12
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0d], "sha512WithRSAEncryption"), // 1.2.840.113549.1.1.13
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a], "rsassaPss"), // 1.2.840.113549.1.1.10
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3], "dsaWithSHA1"), // 1.2.840.10040.4.3
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 1], "dsa_with_SHA224"), // 2.16.840.1.101.3.4.3.1
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2], "dsa_with_SHA256"), // 2.16.840.1.101.3.4.3.2
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], "ecdsa-with-SHA1"), // 1.2.840.10045.4.1
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1], "ecdsa-with-SHA224"), // 1.2.840.10045.4.3.1
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], "ecdsa-with-SHA256"), // 1.2.840.10045.4.3.2
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], "ecdsa-with-SHA384"), // 1.2.840.10045.4.3.3
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], "ecdsa-with-SHA512"), // 1.2.840.10045.4.3.4
    (&[0x2a, 0x85, 3, 2, 2, 3], "GOST R 34.11-94 with GOST R 34.10-2001"), // 1.2.643.2.2.3
    (&[0x2a, 0x85, 3, 7, 1, 1, 3, 2], "GOST R 34.10-2012 with GOST R 34.11-2012 (256 bit)"), // 1.2.643.7.1.1.3.2
    (&[0x2a, 0x85, 3, 7, 1, 1, 3, 3], "GOST R 34.10-2012 with GOST R 34.11-2012 (512 bit)"), // 1.2.643.7.1.1.3.3
    (&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x83, 0x75], "SM2-with-SM3"), // 1.2.156.10197.1.501
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x11], "id-ml-dsa-44"), // 2.16.840.1.101.3.4.3.17
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x12], "id-ml-dsa-65"), // 2.16.840.1.101.3.4.3.18
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x13], "id-ml-dsa-87"), // 2.16.840.1.101.3.4.3.19
];

/// What keys are for.
#[rustfmt::skip]
static KEYS: &[(&[u8], &str)] = &[
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], "rsaEncryption"), // 1.2.840.113549.1.1.1
    (&[0x55, 8, 1, 1], "rsa"), // 2.5.8.1.1
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], "dsaEncryption"), // 1.2.840.10040.4.1
    (&[0x2a, 0x86, 0x48, 0xce, 0x3e, 2, 1], "dhpublicnumber"), // 1.2.840.10046.2.1
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], "id-ecPublicKey"), // 1.2.840.10045.2.1
    (&[0x2b, 0x65, 0x6e], "X25519"), // 1.3.101.110
    (&[0x2b, 0x65, 0x6f], "X448"), // 1.3.101.111
    (&[0x2b, 0x65, 0x70], "ED25519"), // 1.3.101.112
    (&[0x2b, 0x65, 0x71], "ED448"), // 1.3.101.113
    (&[0x2a, 0x85, 3, 2, 2, 0x13], "GOST R 34.10-2001"), // 1.2.643.2.2.19
    (&[0x2a, 0x85, 3, 7, 1, 1, 1, 1], "GOST R 34.10-2012 with 256 bit modulus"), // 1.2.643.7.1.1.1.1
    (&[0x2a, 0x85, 3, 7, 1, 1, 1, 2], "GOST R 34.10-2012 with 512 bit modulus"), // 1.2.643.7.1.1.1.2
];

/// Curves by name, and the bits of their fields.
#[rustfmt::skip]
static CURVES: &[(&[u8], &str, u32)] = &[
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1], "prime192v1", 192), // 1.2.840.10045.3.1.1
    (&[0x2b, 0x81, 4, 0, 0x21], "secp224r1", 224), // 1.3.132.0.33
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], "prime256v1", 256), // 1.2.840.10045.3.1.7
    (&[0x2b, 0x81, 4, 0, 0x22], "secp384r1", 384), // 1.3.132.0.34
    (&[0x2b, 0x81, 4, 0, 0x23], "secp521r1", 521), // 1.3.132.0.35
    (&[0x2b, 0x81, 4, 0, 0x0a], "secp256k1", 256), // 1.3.132.0.10
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], "brainpoolP256r1", 256), // 1.3.36.3.3.2.8.1.1.7
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 0x0b], "brainpoolP384r1", 384), // 1.3.36.3.3.2.8.1.1.11
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 0x0d], "brainpoolP512r1", 512), // 1.3.36.3.3.2.8.1.1.13
    (&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d], "SM2", 256), // 1.2.156.10197.1.301
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_in_dotted_form() {
        assert_eq!(RSA.to_string(), "1.2.840.113549.1.1.1");
        assert_eq!(SUBJECT_ALT_NAME.to_string(), "2.5.29.17");
        assert_eq!(Oid(&[0x88, 0x37]).to_string(), "2.999");
        assert_eq!(
            Oid(&[0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).to_string(),
            "1.2.?"
        );
        assert_eq!(Oid(&[]).to_string(), "");
        assert_eq!(Oid(&[0x80]).to_string(), "0.0", "cut short, and still no panic");
    }

    #[test]
    fn knows_what_certificates_hold() {
        assert_eq!(Oid(&[0x55, 4, 3]).attribute(), Some("CN"));
        assert_eq!(RSA.algorithm(), Some("rsaEncryption"));
        assert_eq!(RSA_PSS.algorithm(), Some("rsassaPss"));
        assert_eq!((EC.algorithm(), DSA.algorithm()), (Some("id-ecPublicKey"), Some("dsaEncryption")));
        assert_eq!(Oid(&[0x2b, 0x81, 4, 0, 0x22]).curve(), Some(("secp384r1", 384)));
        assert_eq!(BASIC_CONSTRAINTS.attribute(), None);
    }

    #[test]
    fn no_identifier_is_listed_twice() {
        for table in [ATTRIBUTES, SIGNATURES, KEYS] {
            for (at, (bytes, name)) in table.iter().enumerate() {
                assert!(table.iter().skip(at + 1).all(|(other, _)| other != bytes), "{name}");
            }
        }
    }
}
