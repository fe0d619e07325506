//! Numbers of Kerberos and their names: messages, encryption, errors.

use std::fmt;

/// A kind of message (RFC 4120 section 7.5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageType(pub u8);

impl MessageType {
    /// A request for a first ticket.
    pub const AS_REQ: Self = Self(10);
    /// The first ticket.
    pub const AS_REP: Self = Self(11);
    /// A request for a ticket to a service.
    pub const TGS_REQ: Self = Self(12);
    /// The ticket to a service.
    pub const TGS_REP: Self = Self(13);
    /// A ticket is shown.
    pub const AP_REQ: Self = Self(14);
    /// The answer to a ticket.
    pub const AP_REP: Self = Self(15);
    /// An error.
    pub const ERROR: Self = Self(30);

    /// Whether an error may answer it.
    pub const fn is_request(self) -> bool {
        matches!(self, Self::AS_REQ | Self::TGS_REQ | Self::AP_REQ)
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::AS_REQ => "KRB_AS_REQ",
            Self::AS_REP => "KRB_AS_REP",
            Self::TGS_REQ => "KRB_TGS_REQ",
            Self::TGS_REP => "KRB_TGS_REP",
            Self::AP_REQ => "KRB_AP_REQ",
            Self::AP_REP => "KRB_AP_REP",
            Self::ERROR => "KRB_ERROR",
            Self(number) => return write!(f, "{number}"),
        })
    }
}

/// How something is encrypted
/// (<https://www.iana.org/assignments/kerberos-parameters>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncryptionType(pub i32);

impl EncryptionType {
    /// Whether it is deprecated, or nobody knows it.
    pub const fn is_weak(self) -> bool {
        !matches!(self.0, 17..=20 | 25 | 26)
    }
}

impl fmt::Display for EncryptionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            1 => "des-cbc-crc",
            2 => "des-cbc-md4",
            3 => "des-cbc-md5",
            5 => "des3-cbc-md5",
            7 => "des3-cbc-sha1",
            9 => "dsaWithSHA1-CmsOID",
            10 => "md5WithRSAEncryption-CmsOID",
            11 => "sha1WithRSAEncryption-CmsOID",
            12 => "rc2CBC-EnvOID",
            13 => "rsaEncryption-EnvOID",
            14 => "rsaES-OAEP-ENV-OID",
            15 => "des-ede3-cbc-Env-OID",
            16 => "des3-cbc-sha1-kd",
            17 => "aes128-cts-hmac-sha1-96",
            18 => "aes256-cts-hmac-sha1-96",
            19 => "aes128-cts-hmac-sha256-128",
            20 => "aes256-cts-hmac-sha384-192",
            23 => "rc4-hmac",
            24 => "rc4-hmac-exp",
            25 => "camellia128-cts-cmac",
            26 => "camellia256-cts-cmac",
            65 => "subkey-keymaterial",
            number => return write!(f, "{number}"),
        })
    }
}

/// Why a request fails (RFC 4120 section 7.5.9, RFC 4556, RFC 6113).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub i32);

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ERRORS.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

static ERRORS: &[(i32, &str)] = &[
    (0, "KDC_ERR_NONE"),
    (1, "KDC_ERR_NAME_EXP"),
    (2, "KDC_ERR_SERVICE_EXP"),
    (3, "KDC_ERR_BAD_PVNO"),
    (4, "KDC_ERR_C_OLD_MAST_KVNO"),
    (5, "KDC_ERR_S_OLD_MAST_KVNO"),
    (6, "KDC_ERR_C_PRINCIPAL_UNKNOWN"),
    (7, "KDC_ERR_S_PRINCIPAL_UNKNOWN"),
    (8, "KDC_ERR_PRINCIPAL_NOT_UNIQUE"),
    (9, "KDC_ERR_NULL_KEY"),
    (10, "KDC_ERR_CANNOT_POSTDATE"),
    (11, "KDC_ERR_NEVER_VALID"),
    (12, "KDC_ERR_POLICY"),
    (13, "KDC_ERR_BADOPTION"),
    (14, "KDC_ERR_ETYPE_NOSUPP"),
    (15, "KDC_ERR_SUMTYPE_NOSUPP"),
    (16, "KDC_ERR_PADATA_TYPE_NOSUPP"),
    (17, "KDC_ERR_TRTYPE_NOSUPP"),
    (18, "KDC_ERR_CLIENT_REVOKED"),
    (19, "KDC_ERR_SERVICE_REVOKED"),
    (20, "KDC_ERR_TGT_REVOKED"),
    (21, "KDC_ERR_CLIENT_NOTYET"),
    (22, "KDC_ERR_SERVICE_NOTYET"),
    (23, "KDC_ERR_KEY_EXPIRED"),
    (24, "KDC_ERR_PREAUTH_FAILED"),
    (25, "KDC_ERR_PREAUTH_REQUIRED"),
    (26, "KDC_ERR_SERVER_NOMATCH"),
    (27, "KDC_ERR_MUST_USE_USER2USER"),
    (28, "KDC_ERR_PATH_NOT_ACCEPTED"),
    (29, "KDC_ERR_SVC_UNAVAILABLE"),
    (31, "KRB_AP_ERR_BAD_INTEGRITY"),
    (32, "KRB_AP_ERR_TKT_EXPIRED"),
    (33, "KRB_AP_ERR_TKT_NYV"),
    (34, "KRB_AP_ERR_REPEAT"),
    (35, "KRB_AP_ERR_NOT_US"),
    (36, "KRB_AP_ERR_BADMATCH"),
    (37, "KRB_AP_ERR_SKEW"),
    (38, "KRB_AP_ERR_BADADDR"),
    (39, "KRB_AP_ERR_BADVERSION"),
    (40, "KRB_AP_ERR_MSG_TYPE"),
    (41, "KRB_AP_ERR_MODIFIED"),
    (42, "KRB_AP_ERR_BADORDER"),
    (44, "KRB_AP_ERR_BADKEYVER"),
    (45, "KRB_AP_ERR_NOKEY"),
    (46, "KRB_AP_ERR_MUT_FAIL"),
    (47, "KRB_AP_ERR_BADDIRECTION"),
    (48, "KRB_AP_ERR_METHOD"),
    (49, "KRB_AP_ERR_BADSEQ"),
    (50, "KRB_AP_ERR_INAPP_CKSUM"),
    (51, "KRB_AP_PATH_NOT_ACCEPTED"),
    (52, "KRB_ERR_RESPONSE_TOO_BIG"),
    (60, "KRB_ERR_GENERIC"),
    (61, "KRB_ERR_FIELD_TOOLONG"),
    (62, "KDC_ERR_CLIENT_NOT_TRUSTED"),
    (63, "KDC_ERR_KDC_NOT_TRUSTED"),
    (64, "KDC_ERR_INVALID_SIG"),
    (65, "KDC_ERR_KEY_TOO_WEAK"),
    (66, "KDC_ERR_CERTIFICATE_MISMATCH"),
    (67, "KRB_AP_ERR_NO_TGT"),
    (68, "KDC_ERR_WRONG_REALM"),
    (69, "KRB_AP_ERR_USER_TO_USER_REQUIRED"),
    (70, "KDC_ERR_CANT_VERIFY_CERTIFICATE"),
    (71, "KDC_ERR_INVALID_CERTIFICATE"),
    (72, "KDC_ERR_REVOKED_CERTIFICATE"),
    (73, "KDC_ERR_REVOCATION_STATUS_UNKNOWN"),
    (74, "KDC_ERR_REVOCATION_STATUS_UNAVAILABLE"),
    (75, "KDC_ERR_CLIENT_NAME_MISMATCH"),
    (76, "KDC_ERR_KDC_NAME_MISMATCH"),
    (77, "KDC_ERR_INCONSISTENT_KEY_PURPOSE"),
    (78, "KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED"),
    (79, "KDC_ERR_PA_CHECKSUM_MUST_BE_INCLUDED"),
    (80, "KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED"),
    (81, "KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED"),
    (90, "KDC_ERR_PREAUTH_EXPIRED"),
    (91, "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED"),
    (92, "KDC_ERR_PREAUTH_BAD_AUTHENTICATION_SET"),
    (93, "KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS"),
    (100, "KDC_ERR_NO_ACCEPTABLE_KDF"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_names_of_their_registries() {
        assert_eq!(EncryptionType(18).to_string(), "aes256-cts-hmac-sha1-96");
        assert_eq!(
            (EncryptionType(23).to_string(), EncryptionType(-128).to_string()),
            ("rc4-hmac".into(), "-128".into())
        );
        assert!(
            EncryptionType(23).is_weak() && EncryptionType(16).is_weak() && !EncryptionType(18).is_weak()
        );
        assert_eq!(ErrorCode(25).to_string(), "KDC_ERR_PREAUTH_REQUIRED");
        assert_eq!(ErrorCode(999).to_string(), "999");
        assert_eq!(MessageType(21).to_string(), "21");
        assert!(ERRORS.is_sorted_by_key(|(number, _)| *number));
    }
}
