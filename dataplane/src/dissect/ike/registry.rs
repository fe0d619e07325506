//! Numbers of IKE and their names, as events write them
//! (<https://www.iana.org/assignments/ikev2-parameters>,
//! <https://www.iana.org/assignments/ipsec-registry>).

/// A transform of version 2: what for, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transform {
    pub(super) kind: u8,
    pub(super) id: u16,
}

impl Transform {
    /// Whether it encrypts and keeps from changes at once.
    pub(super) const fn is_aead(self) -> bool {
        self.kind == 1 && matches!(self.id, 14..=16 | 18..=20 | 25..=28)
    }
}

/// A number's name in a table; the number where it has none.
fn named(table: &[(u16, &str)], number: u16) -> String {
    let name = table.iter().find(|(known, _)| *known == number).map(|(_, name)| *name);
    name.map_or_else(|| number.to_string(), ToOwned::to_owned)
}

/// A payload of version 2.
pub(super) fn v2_payload(kind: u8) -> String {
    named(V2_PAYLOADS, kind.into())
}

/// A notification of version 2.
pub(super) fn v2_notification(kind: u16) -> String {
    named(V2_NOTIFICATIONS, kind)
}

impl super::v2::Chosen {
    /// The name of the encryption.
    pub fn encryption_name(&self) -> String {
        named(ENCRYPTIONS, self.encryption)
    }

    /// The name of how keys are derived.
    pub fn prf_name(&self) -> String {
        named(PRFS, self.prf)
    }

    /// The name of how it is kept from changes.
    pub fn integrity_name(&self) -> String {
        named(INTEGRITIES, self.integrity)
    }

    /// The name of the group.
    pub fn group_name(&self) -> String {
        named(GROUPS, self.group)
    }

    /// Whether sequence numbers are extended, as a name.
    pub fn esn_name(&self) -> String {
        named(&[(0, "NoESN"), (1, "ESN")], self.esn)
    }
}

static V2_PAYLOADS: &[(u16, &str)] = &[
    (0, "NoNextPayload"),
    (33, "SecurityAssociation"),
    (34, "KeyExchange"),
    (35, "IdentInitiator"),
    (36, "IdentResponder"),
    (37, "Certificate"),
    (38, "CertificateRequest"),
    (39, "Authentication"),
    (40, "Nonce"),
    (41, "Notify"),
    (42, "Delete"),
    (43, "VendorID"),
    (44, "TrafficSelectorInitiator"),
    (45, "TrafficSelectorResponder"),
    (46, "EncryptedAndAuthenticated"),
    (47, "Configuration"),
    (48, "ExtensibleAuthentication"),
    (49, "GenericSecurePasswordMethod"),
    (50, "GroupIdentification"),
    (51, "GroupSecurityAssociation"),
    (52, "KeyDownload"),
    (53, "EncryptedAndAuthenticatedFragment"),
    (54, "PuzzleSolution"),
];

static V2_NOTIFICATIONS: &[(u16, &str)] = &[
    (1, "UNSUPPORTED_CRITICAL_PAYLOAD"),
    (4, "INVALID_IKE_SPI"),
    (5, "INVALID_MAJOR_VERSION"),
    (7, "INVALID_SYNTAX"),
    (9, "INVALID_MESSAGE_ID"),
    (11, "INVALID_SPI"),
    (14, "NO_PROPOSAL_CHOSEN"),
    (17, "INVALID_KE_PAYLOAD"),
    (24, "AUTHENTICATION_FAILED"),
    (34, "SINGLE_PAIR_REQUIRED"),
    (35, "NO_ADDITIONAL_SAS"),
    (36, "INTERNAL_ADDRESS_FAILURE"),
    (37, "FAILED_CP_REQUIRED"),
    (38, "TS_UNACCEPTABLE"),
    (39, "INVALID_SELECTORS"),
    (40, "UNACCEPTABLE_ADDRESSES"),
    (41, "UNEXPECTED_NAT_DETECTED"),
    (42, "USE_ASSIGNED_HOA"),
    (43, "TEMPORARY_FAILURE"),
    (44, "CHILD_SA_NOT_FOUND"),
    (45, "INVALID_GROUP_ID"),
    (46, "AUTHORIZATION_FAILED"),
    (47, "STATE_NOT_FOUND"),
    (16384, "INITIAL_CONTACT"),
    (16385, "SET_WINDOW_SIZE"),
    (16386, "ADDITIONAL_TS_POSSIBLE"),
    (16387, "IPCOMP_SUPPORTED"),
    (16388, "NAT_DETECTION_SOURCE_IP"),
    (16389, "NAT_DETECTION_DESTINATION_IP"),
    (16390, "COOKIE"),
    (16391, "USE_TRANSPORT_MODE"),
    (16392, "HTTP_CERT_LOOKUP_SUPPORTED"),
    (16393, "REKEY_SA"),
    (16394, "ESP_TFC_PADDING_NOT_SUPPORTED"),
    (16395, "NON_FIRST_FRAGMENTS_ALSO"),
    (16396, "MOBIKE_SUPPORTED"),
    (16397, "ADDITIONAL_IP4_ADDRESS"),
    (16398, "ADDITIONAL_IP6_ADDRESS"),
    (16399, "NO_ADDITIONAL_ADDRESSES"),
    (16400, "UPDATE_SA_ADDRESSES"),
    (16401, "COOKIE2"),
    (16402, "NO_NATS_ALLOWED"),
    (16403, "AUTH_LIFETIME"),
    (16404, "MULTIPLE_AUTH_SUPPORTED"),
    (16405, "ANOTHER_AUTH_FOLLOWS"),
    (16406, "REDIRECT_SUPPORTED"),
    (16407, "REDIRECT"),
    (16408, "REDIRECTED_FROM"),
    (16409, "TICKET_LT_OPAQUE"),
    (16410, "TICKET_REQUEST"),
    (16411, "TICKET_ACK"),
    (16412, "TICKET_NACK"),
    (16413, "TICKET_OPAQUE"),
    (16414, "LINK_ID"),
    (16415, "USE_WESP_MODE"),
    (16416, "ROHC_SUPPORTED"),
    (16417, "EAP_ONLY_AUTHENTICATION"),
    (16418, "CHILDLESS_IKEV2_SUPPORTED"),
    (16419, "QUICK_CRASH_DETECTION"),
    (16420, "IKEV2_MESSAGE_ID_SYNC_SUPPORTED"),
    (16421, "IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED"),
    (16422, "IKEV2_MESSAGE_ID_SYNC"),
    (16423, "IPSEC_REPLAY_COUNTER_SYNC"),
    (16424, "SECURE_PASSWORD_METHODS"),
    (16425, "PSK_PERSIST"),
    (16426, "PSK_CONFIRM"),
    (16427, "ERX_SUPPORTED"),
    (16428, "IFOM_CAPABILITY"),
    (16429, "SENDER_REQUEST_ID"),
    (16430, "IKEV2_FRAGMENTATION_SUPPORTED"),
    (16431, "SIGNATURE_HASH_ALGORITHMS"),
    (16432, "CLONE_IKE_SA_SUPPORTED"),
    (16433, "CLONE_IKE_SA"),
    (16434, "PUZZLE"),
    (16435, "USE_PPK"),
    (16436, "PPK_IDENTITY"),
    (16437, "NO_PPK_AUTH"),
    (16438, "INTERMEDIATE_EXCHANGE_SUPPORTED"),
];

static ENCRYPTIONS: &[(u16, &str)] = &[
    (1, "ENCR_DES_IV64"),
    (2, "ENCR_DES"),
    (3, "ENCR_3DES"),
    (4, "ENCR_RC5"),
    (5, "ENCR_IDEA"),
    (6, "ENCR_CAST"),
    (7, "ENCR_BLOWFISH"),
    (8, "ENCR_3IDEA"),
    (9, "ENCR_DES_IV32"),
    (11, "ENCR_NULL"),
    (12, "ENCR_AES_CBC"),
    (13, "ENCR_AES_CTR"),
    (14, "ENCR_AES_CCM_8"),
    (15, "ENCR_AES_CCM_12"),
    (16, "ENCR_AES_CCM_16"),
    (18, "ENCR_AES_GCM_8"),
    (19, "ENCR_AES_GCM_12"),
    (20, "ENCR_AES_GCM_16"),
    (21, "ENCR_NULL_AUTH_AES_GMAC"),
    (23, "ENCR_CAMELLIA_CBC"),
    (24, "ENCR_CAMELLIA_CTR"),
    (25, "ENCR_CAMELLIA_CCM_8"),
    (26, "ENCR_CAMELLIA_CCM_12"),
    (27, "ENCR_CAMELLIA_CCM_16"),
    (28, "ENCR_CHACHA20_POLY1305"),
];

static PRFS: &[(u16, &str)] = &[
    (0, "PRF_NULL"),
    (1, "PRF_HMAC_MD5"),
    (2, "PRF_HMAC_SHA1"),
    (3, "PRF_HMAC_TIGER"),
    (4, "PRF_AES128_XCBC"),
    (5, "PRF_HMAC_SHA2_256"),
    (6, "PRF_HMAC_SHA2_384"),
    (7, "PRF_HMAC_SHA2_512"),
    (8, "PRF_AES128_CMAC"),
];

static INTEGRITIES: &[(u16, &str)] = &[
    (0, "NONE"),
    (1, "AUTH_HMAC_MD5_96"),
    (2, "AUTH_HMAC_SHA1_96"),
    (3, "AUTH_DES_MAC"),
    (4, "AUTH_KPDK_MD5"),
    (5, "AUTH_AES_XCBC_96"),
    (6, "AUTH_HMAC_MD5_128"),
    (7, "AUTH_HMAC_SHA1_160"),
    (8, "AUTH_AES_CMAC_96"),
    (9, "AUTH_AES_128_GMAC"),
    (10, "AUTH_AES_192_GMAC"),
    (11, "AUTH_AES_256_GMAC"),
    (12, "AUTH_HMAC_SHA2_256_128"),
    (13, "AUTH_HMAC_SHA2_384_192"),
    (14, "AUTH_HMAC_SHA2_512_256"),
];

static GROUPS: &[(u16, &str)] = &[
    (0, "None"),
    (1, "Modp768"),
    (2, "Modp1024"),
    (5, "Modp1536"),
    (14, "Modp2048"),
    (15, "Modp3072"),
    (16, "Modp4096"),
    (17, "Modp6144"),
    (18, "Modp8192"),
    (19, "Ecp256"),
    (20, "Ecp384"),
    (21, "Ecp521"),
    (22, "Modp1024s160"),
    (23, "Modp2048s224"),
    (24, "Modp2048s256"),
    (25, "Ecp192"),
    (26, "Ecp224"),
    (27, "BrainpoolP224r1"),
    (28, "BrainpoolP256r1"),
    (29, "BrainpoolP384r1"),
    (30, "BrainpoolP512r1"),
    (31, "Curve25519"),
    (32, "Curve448"),
];

/// A payload of version 1, where it has a name.
pub(super) const fn v1_payload(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "None",
        1 => "SecurityAssociation",
        2 => "Proposal",
        3 => "Transform",
        4 => "KeyExchange",
        5 => "Identification",
        6 => "Certificate",
        7 => "CertificateRequest",
        8 => "Hash",
        9 => "Signature",
        10 => "Nonce",
        11 => "Notification",
        12 => "Delete",
        13 => "VendorID",
        15 => "SaKekPayload",
        16 => "SaTekPayload",
        17 => "KeyDownload",
        18 => "SequenceNumber",
        19 => "ProofOfPossession",
        20 => "NatDiscovery",
        21 => "NatOriginalAddress",
        22 => "GroupAssociatedPolicy",
        _ => return None,
    })
}

/// An attribute of a transform of version 1, as events name it.
pub(super) const fn v1_attribute(kind: u16) -> &'static str {
    match kind {
        1 => "alg_enc",
        2 => "alg_hash",
        3 => "alg_auth",
        4 => "alg_dh",
        5 => "sa_group_type",
        6 => "sa_group_prime",
        7 => "sa_group_generator_one",
        8 => "sa_group_generator_two",
        9 => "sa_group_curve_a",
        10 => "sa_group_curve_b",
        11 => "sa_life_type",
        12 => "sa_life_duration",
        13 => "alg_prf",
        14 => "sa_key_length",
        15 => "sa_field_size",
        16 => "sa_group_order",
        _ => "unknown",
    }
}

/// The value of an attribute of version 1, as events name it.
pub(super) const fn v1_attribute_value(kind: u16, value: u32) -> &'static str {
    match (kind, value) {
        (1, 1) => "EncDesCbc",
        (1, 2) => "EncIdeaCbc",
        (1, 3) => "EncBlowfishCbc",
        (1, 4) => "EncRc5R16B64Cbc",
        (1, 5) => "EncTripleDesCbc",
        (1, 6) => "EncCastCbc",
        (1, 7) => "EncAesCbc",
        (1, 8) => "EncCamelliaCbc",
        (2, 1) => "HashMd5",
        (2, 2) => "HashSha",
        (2, 3) => "HashTiger",
        (2, 4) => "HashSha2_256",
        (2, 5) => "HashSha2_384",
        (2, 6) => "HashSha2_512",
        (3, 1) => "AuthPreSharedKey",
        (3, 2) => "AuthDssSignatures",
        (3, 3) => "AuthRsaSignatures",
        (3, 4) => "AuthEncryptionWithRsa",
        (3, 5) => "AuthRevisedEncryptionWithRsa",
        (3, 6..=8) => "AuthReserved",
        (3, 9) => "AuthEcdsaSha256",
        (3, 10) => "AuthEcdsaSha384",
        (3, 11) => "AuthEcdsaSha512",
        (4, 1) => "GroupDefault768BitModp",
        (4, 2) => "GroupAlternate1024BitModpGroup",
        (4, 3) => "GroupEc2nOnGp2p155",
        (4, 4) => "GroupEc2nOnGp2p185",
        (4, 5) => "GroupModp1536Bit",
        (4, 6 | 7) => "GroupEc2nOverGf2p163",
        (4, 8 | 9) => "GroupEc2nOverGf2p283",
        (4, 10 | 11) => "GroupEc2nOverGf2p409",
        (4, 12 | 13) => "GroupEc2nOverGf2p571",
        (4, 14) => "GroupModp2048Bit",
        (4, 15) => "GroupModp3072Bit",
        (4, 16) => "GroupModp4096Bit",
        (4, 17) => "GroupModp6144Bit",
        (4, 18) => "GroupModp8192Bit",
        (4, 19) => "GroupRandomEcp256",
        (4, 20) => "GroupRandomEcp384",
        (4, 21) => "GroupRandomEcp521",
        (4, 22) => "GroupModp1024With160BitPrime",
        (4, 23) => "GroupModp2048With224BitPrime",
        (4, 24) => "GroupModp2048With256BitPrime",
        (4, 25) => "GroupRandomEcp192",
        (4, 26) => "GroupRandomEcp224",
        (4, 27) => "GroupBrainpoolEcp224",
        (4, 28) => "GroupBrainpoolEcp256",
        (4, 29) => "GroupBrainpoolEcp384",
        (4, 30) => "GroupBrainpoolEcp512",
        (11, 1) => "LifeTypeSeconds",
        (11, 2) => "LifeTypeKilobytes",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_in_order_and_unknown_numbers_stay() {
        for table in [V2_PAYLOADS, V2_NOTIFICATIONS, ENCRYPTIONS, PRFS, INTEGRITIES, GROUPS] {
            assert!(table.is_sorted_by_key(|(number, _)| *number));
        }
        assert_eq!((v2_payload(33), v2_payload(200)), ("SecurityAssociation".into(), "200".into()));
        assert_eq!(v2_notification(16388), "NAT_DETECTION_SOURCE_IP");
        assert_eq!((v1_payload(13), v1_payload(14)), (Some("VendorID"), None));
        assert_eq!((v1_attribute(1), v1_attribute_value(1, 7)), ("alg_enc", "EncAesCbc"));
        assert_eq!((v1_attribute(99), v1_attribute_value(12, 900)), ("unknown", "Unknown"));
    }
}
