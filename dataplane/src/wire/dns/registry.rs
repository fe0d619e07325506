//! The registries of DNS (IANA, Domain Name System Parameters): numbers that are
//! never closed sets, with their names.
//!
//! A number that nobody has registered is a value like any other, and is shown as
//! the number that it is.

use crate::event::EnumNames;

/// Defines a number of the wire and how it is called.
macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident($number:ty); $($member:ident = $value:literal $text:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $number);

        impl $name {
            $(#[doc = concat!("`", $text, "`")] pub const $member: Self = Self($value);)*

            /// What it is called; `None` for what has no name.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            /// Its name, or the number where it has none.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }
    };
}

numbers! {
    /// The type of a record, or of what is asked for.
    Type(u16);
    A = 1 "A",
    NS = 2 "NS",
    MD = 3 "MD",
    MF = 4 "MF",
    CNAME = 5 "CNAME",
    SOA = 6 "SOA",
    MB = 7 "MB",
    MG = 8 "MG",
    MR = 9 "MR",
    NULL = 10 "NULL",
    WKS = 11 "WKS",
    PTR = 12 "PTR",
    HINFO = 13 "HINFO",
    MINFO = 14 "MINFO",
    MX = 15 "MX",
    TXT = 16 "TXT",
    RP = 17 "RP",
    AFSDB = 18 "AFSDB",
    X25 = 19 "X25",
    ISDN = 20 "ISDN",
    RT = 21 "RT",
    NSAP = 22 "NSAP",
    NSAPPTR = 23 "NSAPPTR",
    SIG = 24 "SIG",
    KEY = 25 "KEY",
    PX = 26 "PX",
    GPOS = 27 "GPOS",
    AAAA = 28 "AAAA",
    LOC = 29 "LOC",
    NXT = 30 "NXT",
    EID = 31 "EID",
    NIMLOC = 32 "NIMLOC",
    SRV = 33 "SRV",
    ATMA = 34 "ATMA",
    NAPTR = 35 "NAPTR",
    KX = 36 "KX",
    CERT = 37 "CERT",
    A6 = 38 "A6",
    DNAME = 39 "DNAME",
    SINK = 40 "SINK",
    OPT = 41 "OPT",
    APL = 42 "APL",
    DS = 43 "DS",
    SSHFP = 44 "SSHFP",
    IPSECKEY = 45 "IPSECKEY",
    RRSIG = 46 "RRSIG",
    NSEC = 47 "NSEC",
    DNSKEY = 48 "DNSKEY",
    DHCID = 49 "DHCID",
    NSEC3 = 50 "NSEC3",
    NSEC3PARAM = 51 "NSEC3PARAM",
    TLSA = 52 "TLSA",
    SMIMEA = 53 "SMIMEA",
    HIP = 55 "HIP",
    NINFO = 56 "NINFO",
    RKEY = 57 "RKEY",
    TALINK = 58 "TALINK",
    CDS = 59 "CDS",
    CDNSKEY = 60 "CDNSKEY",
    OPENPGPKEY = 61 "OPENPGPKEY",
    CSYNC = 62 "CSYNC",
    ZONEMD = 63 "ZONEMD",
    SVCB = 64 "SVCB",
    HTTPS = 65 "HTTPS",
    DSYNC = 66 "DSYNC",
    HHIT = 67 "HHIT",
    BRID = 68 "BRID",
    SPF = 99 "SPF",
    UINFO = 100 "UINFO",
    UID = 101 "UID",
    GID = 102 "GID",
    UNSPEC = 103 "UNSPEC",
    NID = 104 "NID",
    L32 = 105 "L32",
    L64 = 106 "L64",
    LP = 107 "LP",
    EUI48 = 108 "EUI48",
    EUI64 = 109 "EUI64",
    NXNAME = 128 "NXNAME",
    TKEY = 249 "TKEY",
    TSIG = 250 "TSIG",
    IXFR = 251 "IXFR",
    AXFR = 252 "AXFR",
    MAILB = 253 "MAILB",
    MAILA = 254 "MAILA",
    ANY = 255 "ANY",
    URI = 256 "URI",
    CAA = 257 "CAA",
    AVC = 258 "AVC",
    DOA = 259 "DOA",
    AMTRELAY = 260 "AMTRELAY",
    RESINFO = 261 "RESINFO",
    WALLET = 262 "WALLET",
    CLA = 263 "CLA",
    IPN = 264 "IPN",
    TA = 32768 "TA",
    DLV = 32769 "DLV",
}

numbers! {
    /// How an answer went, EDNS's upper bits included (RFC 6895 section 2.3).
    Rcode(u16);
    NOERROR = 0 "NOERROR",
    FORMERR = 1 "FORMERR",
    SERVFAIL = 2 "SERVFAIL",
    NXDOMAIN = 3 "NXDOMAIN",
    NOTIMP = 4 "NOTIMP",
    REFUSED = 5 "REFUSED",
    YXDOMAIN = 6 "YXDOMAIN",
    YXRRSET = 7 "YXRRSET",
    NXRRSET = 8 "NXRRSET",
    NOTAUTH = 9 "NOTAUTH",
    NOTZONE = 10 "NOTZONE",
    DSOTYPENI = 11 "DSOTYPENI",
    BADVERS = 16 "BADVERS",
    BADKEY = 17 "BADKEY",
    BADTIME = 18 "BADTIME",
    BADMODE = 19 "BADMODE",
    BADNAME = 20 "BADNAME",
    BADALG = 21 "BADALG",
    BADTRUNC = 22 "BADTRUNC",
    BADCOOKIE = 23 "BADCOOKIE",
}

numbers! {
    /// An option of EDNS (RFC 6891 section 6.1.2).
    OptionCode(u16);
    LLQ = 1 "LLQ",
    UPDATE_LEASE = 2 "UL",
    NSID = 3 "NSID",
    DAU = 5 "DAU",
    DHU = 6 "DHU",
    N3U = 7 "N3U",
    CLIENT_SUBNET = 8 "ECS",
    EXPIRE = 9 "EXPIRE",
    COOKIE = 10 "COOKIE",
    KEEPALIVE = 11 "KEEPALIVE",
    PADDING = 12 "PADDING",
    CHAIN = 13 "CHAIN",
    KEY_TAG = 14 "KEYTAG",
    EXTENDED_ERROR = 15 "EDE",
    CLIENT_TAG = 16 "CLIENTTAG",
    SERVER_TAG = 17 "SERVERTAG",
    REPORT_CHANNEL = 18 "REPORTCHANNEL",
    ZONE_VERSION = 19 "ZONEVERSION",
    UMBRELLA_IDENT = 20292 "UMBRELLA",
    DEVICE_ID = 26946 "DEVICEID",
}

numbers! {
    /// A parameter of a service binding (RFC 9460 section 14.3.2); those without a
    /// name are shown as `key` and their number.
    ParamKey(u16);
    MANDATORY = 0 "mandatory",
    ALPN = 1 "alpn",
    NO_DEFAULT_ALPN = 2 "no-default-alpn",
    PORT = 3 "port",
    IPV4_HINT = 4 "ipv4hint",
    ECH = 5 "ech",
    IPV6_HINT = 6 "ipv6hint",
    DOH_PATH = 7 "dohpath",
    OHTTP = 8 "ohttp",
    GROUPS = 9 "tls-supported-groups",
    DOCPATH = 10 "docpath",
}

/// Types by name, for rules.
pub static TYPES: EnumNames = EnumNames {
    name: "DNS type",
    names: &[
        ("A", 1),
        ("NS", 2),
        ("CNAME", 5),
        ("SOA", 6),
        ("NULL", 10),
        ("WKS", 11),
        ("PTR", 12),
        ("HINFO", 13),
        ("MX", 15),
        ("TXT", 16),
        ("RP", 17),
        ("AFSDB", 18),
        ("SIG", 24),
        ("KEY", 25),
        ("AAAA", 28),
        ("LOC", 29),
        ("SRV", 33),
        ("NAPTR", 35),
        ("CERT", 37),
        ("DNAME", 39),
        ("OPT", 41),
        ("DS", 43),
        ("SSHFP", 44),
        ("IPSECKEY", 45),
        ("RRSIG", 46),
        ("NSEC", 47),
        ("DNSKEY", 48),
        ("NSEC3", 50),
        ("NSEC3PARAM", 51),
        ("TLSA", 52),
        ("CDS", 59),
        ("CDNSKEY", 60),
        ("OPENPGPKEY", 61),
        ("SVCB", 64),
        ("HTTPS", 65),
        ("SPF", 99),
        ("TKEY", 249),
        ("TSIG", 250),
        ("IXFR", 251),
        ("AXFR", 252),
        ("ANY", 255),
        ("URI", 256),
        ("CAA", 257),
    ],
};

/// Response codes by name, for rules.
pub static RCODES: EnumNames = EnumNames {
    name: "DNS response code",
    names: &[
        ("NOERROR", 0),
        ("FORMERR", 1),
        ("SERVFAIL", 2),
        ("NXDOMAIN", 3),
        ("NOTIMP", 4),
        ("REFUSED", 5),
        ("YXDOMAIN", 6),
        ("YXRRSET", 7),
        ("NXRRSET", 8),
        ("NOTAUTH", 9),
        ("NOTZONE", 10),
        ("BADVERS", 16),
        ("BADCOOKIE", 23),
    ],
};

/// Operations by name, for rules.
pub static OPCODES: EnumNames = EnumNames {
    name: "DNS opcode",
    names: &[("QUERY", 0), ("IQUERY", 1), ("STATUS", 2), ("NOTIFY", 4), ("UPDATE", 5), ("DSO", 6)],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_call_types_and_codes_as_events_do() {
        for (name, number) in TYPES.names {
            assert_eq!(u16::try_from(*number).ok().and_then(|number| Type(number).name()), Some(*name));
        }
        for (name, number) in RCODES.names {
            assert_eq!(u16::try_from(*number).ok().and_then(|number| Rcode(number).name()), Some(*name));
        }
    }

    #[test]
    fn what_has_no_name_is_its_number() {
        assert_eq!(Type(65534).to_string(), "65534");
        assert_eq!(Type::HTTPS.to_string(), "HTTPS");
        assert_eq!(Rcode(12).to_string(), "12");
    }
}
