//! The data of records, by type. What has no type of its own here, and what does
//! not decode as its type should, is bytes.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::Malformed;
use super::cursor::Cursor;
use super::edns::Options;
use super::name::Name;
use super::registry::Type;
use super::svcb::Svcb;
use super::texts::Texts;

/// The data of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data<'a> {
    /// A (RFC 1035 section 3.4.1).
    A(Ipv4Addr),
    /// AAAA (RFC 3596).
    Aaaa(Ipv6Addr),
    /// A name: NS, CNAME, PTR, DNAME, MB, MG, MR, MD, MF.
    Name(Name<'a>),
    /// A name that is preferred by a number: MX, AFSDB, RT, KX.
    Preferred(Preferred<'a>),
    /// Two names: MINFO, RP.
    Names([Name<'a>; 2]),
    /// SOA (RFC 1035 section 3.3.13).
    Soa(Soa<'a>),
    /// Texts: TXT, SPF, HINFO, X25, ISDN, GPOS, NINFO, AVC, RESINFO, WALLET.
    Texts(Texts<'a>),
    /// SRV (RFC 2782).
    Srv(Srv<'a>),
    /// NAPTR (RFC 3403).
    Naptr(Naptr<'a>),
    /// CAA (RFC 8659).
    Caa(Caa<'a>),
    /// SSHFP (RFC 4255).
    Sshfp(Sshfp<'a>),
    /// TLSA and SMIMEA (RFC 6698).
    Tlsa(Tlsa<'a>),
    /// DS, CDS, DLV and TA (RFC 4034 section 5).
    Ds(Ds<'a>),
    /// DNSKEY, CDNSKEY and KEY (RFC 4034 section 2).
    Dnskey(Dnskey<'a>),
    /// RRSIG and SIG (RFC 4034 section 3).
    Rrsig(Rrsig<'a>),
    /// NSEC (RFC 4034 section 4).
    Nsec(Nsec<'a>),
    /// NSEC3 (RFC 5155 section 3).
    Nsec3(Nsec3<'a>),
    /// NSEC3PARAM (RFC 5155 section 4).
    Nsec3Param(Nsec3Param<'a>),
    /// SVCB and HTTPS (RFC 9460).
    Svcb(Svcb<'a>),
    /// URI (RFC 7553).
    Uri(Uri<'a>),
    /// OPT (RFC 6891).
    Opt(Options<'a>),
    /// NULL (RFC 1035 section 3.3.10): anything.
    Null(&'a [u8]),
    /// Of a type that is not decoded, or not what its type should be.
    Other(&'a [u8]),
}

/// A name, and how much it is preferred: less is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferred<'a> {
    /// The preference; for AFSDB a kind of server.
    pub preference: u16,
    /// The name.
    pub name: Name<'a>,
}

/// The start of a zone's authority; times are in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soa<'a> {
    /// The primary server.
    pub mname: Name<'a>,
    /// Whom to write to; the first label is the local part.
    pub rname: Name<'a>,
    /// The zone's version.
    pub serial: u32,
    /// When to ask for a newer one.
    pub refresh: u32,
    /// When to ask again.
    pub retry: u32,
    /// When to forget the zone.
    pub expire: u32,
    /// How long it is remembered that something is not there (RFC 2308).
    pub minimum: u32,
}

/// Where a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Srv<'a> {
    /// Lower goes first.
    pub priority: u16,
    /// Higher is chosen more often among equals.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host.
    pub target: Name<'a>,
}

/// How to rewrite a name into a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Naptr<'a> {
    /// Lower goes first.
    pub order: u16,
    /// Lower goes first among equals.
    pub preference: u16,
    /// How the next step is read: `S`, `A`, `U`, `P`.
    pub flags: &'a [u8],
    /// The service.
    pub service: &'a [u8],
    /// What is substituted.
    pub regexp: &'a [u8],
    /// The name to ask for instead.
    pub replacement: Name<'a>,
}

/// Who may issue certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caa<'a> {
    /// 128: critical.
    pub flags: u8,
    /// `issue`, `issuewild`, `iodef`, ...
    pub tag: &'a [u8],
    /// What the tag says.
    pub value: &'a [u8],
}

/// The fingerprint of a key of SSH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sshfp<'a> {
    /// The key's algorithm.
    pub algorithm: u8,
    /// The fingerprint's.
    pub kind: u8,
    /// The fingerprint.
    pub fingerprint: &'a [u8],
}

/// What a certificate has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlsa<'a> {
    /// Usage, selector, matching type.
    pub kinds: [u8; 3],
    /// What is compared.
    pub data: &'a [u8],
}

/// The digest of a key of a child zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ds<'a> {
    /// The key's tag.
    pub key_tag: u16,
    /// The key's algorithm.
    pub algorithm: u8,
    /// The digest's.
    pub digest_type: u8,
    /// The digest.
    pub digest: &'a [u8],
}

/// A key of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dnskey<'a> {
    /// 0x0100: of the zone; 0x0001: entry point.
    pub flags: u16,
    /// 3.
    pub protocol: u8,
    /// The algorithm.
    pub algorithm: u8,
    /// The key.
    pub key: &'a [u8],
}

/// A signature; times are in seconds since 1970, modulo 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rrsig<'a> {
    /// What is signed.
    pub covered: Type,
    /// The algorithm.
    pub algorithm: u8,
    /// Labels of the name that is signed, without a wildcard.
    pub labels: u8,
    /// The time to live that is signed, in seconds.
    pub original_ttl: u32,
    /// When it ends.
    pub expiration: u32,
    /// When it began.
    pub inception: u32,
    /// The key's tag.
    pub key_tag: u16,
    /// The key's zone.
    pub signer: Name<'a>,
    /// The signature.
    pub signature: &'a [u8],
}

/// What is the next name, and which types there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nsec<'a> {
    /// The next name of the zone.
    pub next: Name<'a>,
    /// The types at this one.
    pub types: TypeMap<'a>,
}

/// The same, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nsec3<'a> {
    /// How names are hashed.
    pub hashing: Nsec3Param<'a>,
    /// The next hash.
    pub next: &'a [u8],
    /// The types at this one.
    pub types: TypeMap<'a>,
}

/// How names are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nsec3Param<'a> {
    /// 1: SHA-1.
    pub algorithm: u8,
    /// 1: opted out.
    pub flags: u8,
    /// How often.
    pub iterations: u16,
    /// With what.
    pub salt: &'a [u8],
}

/// Where something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    /// Lower goes first.
    pub priority: u16,
    /// Higher is chosen more often among equals.
    pub weight: u16,
    /// The URI.
    pub target: &'a [u8],
}

/// Which types there are at a name (RFC 4034 section 4.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeMap<'a>(&'a [u8]);

impl<'a> TypeMap<'a> {
    /// The types, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Type> + use<'a> {
        self.windows().flat_map(|(window, bits)| {
            bits.iter().zip(0_u16..).flat_map(move |(byte, place)| {
                (0..8_u16)
                    .filter(move |bit| byte & 0x80 >> bit != 0)
                    .map(move |bit| Type(u16::from(window) << 8 | place << 3 | bit))
            })
        })
    }

    fn windows(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (&[window, len], tail) = rest.split_first_chunk()?;
            let (bits, tail) = tail.split_at_checked(len.into()).filter(|_| (1..=32).contains(&len))?;
            rest = tail;
            Some((window, bits))
        })
    }

    fn decode(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let map = Self(cursor.rest());
        let len: usize = map.windows().map(|(_, bits)| bits.len() + 2).sum();
        if len == map.0.len() { Ok(map) } else { Err(Malformed::BadLength) }
    }
}

impl<'a> Data<'a> {
    /// Decodes what is left to the cursor's end as data of a type.
    pub(super) fn decode(kind: Type, cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let data = match kind {
            Type::A => Self::A(cursor.array()?.into()),
            Type::AAAA => Self::Aaaa(cursor.array()?.into()),
            Type::NS
            | Type::CNAME
            | Type::PTR
            | Type::DNAME
            | Type::MB
            | Type::MG
            | Type::MR
            | Type::MD
            | Type::MF => Self::Name(cursor.name()?),
            Type::MX | Type::AFSDB | Type::RT | Type::KX => {
                Self::Preferred(Preferred { preference: cursor.u16()?, name: cursor.name()? })
            }
            Type::MINFO | Type::RP => Self::Names([cursor.name()?, cursor.name()?]),
            Type::SOA => Self::Soa(Soa::decode(cursor)?),
            Type::TXT
            | Type::SPF
            | Type::HINFO
            | Type::X25
            | Type::ISDN
            | Type::GPOS
            | Type::NINFO
            | Type::AVC
            | Type::RESINFO
            | Type::WALLET => {
                let texts = Texts::of(cursor.rest());
                if !texts.is_sound() {
                    return Err(Malformed::BeyondEnd);
                }
                Self::Texts(texts)
            }
            Type::NULL => Self::Null(cursor.rest()),
            Type::OPT => Self::Opt(Options::decode(cursor)?),
            Type::SVCB | Type::HTTPS => Self::Svcb(Svcb::decode(cursor)?),
            _ => return Self::decode_more(kind, cursor),
        };
        cursor.finish()?;
        Ok(data)
    }

    /// Of types that hold no names but whole ones, and end with bytes.
    fn decode_more(kind: Type, cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        let data = match kind {
            Type::SRV => Self::Srv(Srv {
                priority: cursor.u16()?,
                weight: cursor.u16()?,
                port: cursor.u16()?,
                target: cursor.name()?,
            }),
            Type::NAPTR => Self::Naptr(Naptr {
                order: cursor.u16()?,
                preference: cursor.u16()?,
                flags: cursor.text()?,
                service: cursor.text()?,
                regexp: cursor.text()?,
                replacement: cursor.name()?,
            }),
            Type::CAA => Self::Caa(Caa { flags: cursor.u8()?, tag: cursor.text()?, value: cursor.rest() }),
            Type::SSHFP => {
                Self::Sshfp(Sshfp { algorithm: cursor.u8()?, kind: cursor.u8()?, fingerprint: cursor.rest() })
            }
            Type::TLSA | Type::SMIMEA => Self::Tlsa(Tlsa { kinds: cursor.array()?, data: cursor.rest() }),
            Type::DS | Type::CDS | Type::DLV | Type::TA => Self::Ds(Ds {
                key_tag: cursor.u16()?,
                algorithm: cursor.u8()?,
                digest_type: cursor.u8()?,
                digest: cursor.rest(),
            }),
            Type::DNSKEY | Type::CDNSKEY | Type::KEY => Self::Dnskey(Dnskey {
                flags: cursor.u16()?,
                protocol: cursor.u8()?,
                algorithm: cursor.u8()?,
                key: cursor.rest(),
            }),
            Type::RRSIG | Type::SIG => Self::Rrsig(Rrsig::decode(cursor)?),
            Type::NSEC => Self::Nsec(Nsec { next: cursor.name()?, types: TypeMap::decode(cursor)? }),
            Type::NSEC3 => Self::Nsec3(Nsec3 {
                hashing: Nsec3Param::decode(cursor)?,
                next: cursor.text()?,
                types: TypeMap::decode(cursor)?,
            }),
            Type::NSEC3PARAM => Self::Nsec3Param(Nsec3Param::decode(cursor)?),
            Type::URI => {
                Self::Uri(Uri { priority: cursor.u16()?, weight: cursor.u16()?, target: cursor.rest() })
            }
            _ => Self::Other(cursor.rest()),
        };
        cursor.finish()?;
        Ok(data)
    }
}

impl<'a> Soa<'a> {
    fn decode(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            mname: cursor.name()?,
            rname: cursor.name()?,
            serial: cursor.u32()?,
            refresh: cursor.u32()?,
            retry: cursor.u32()?,
            expire: cursor.u32()?,
            minimum: cursor.u32()?,
        })
    }
}

impl<'a> Rrsig<'a> {
    fn decode(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            covered: Type(cursor.u16()?),
            algorithm: cursor.u8()?,
            labels: cursor.u8()?,
            original_ttl: cursor.u32()?,
            expiration: cursor.u32()?,
            inception: cursor.u32()?,
            key_tag: cursor.u16()?,
            signer: cursor.name()?,
            signature: cursor.rest(),
        })
    }
}

impl<'a> Nsec3Param<'a> {
    fn decode(cursor: &mut Cursor<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            algorithm: cursor.u8()?,
            flags: cursor.u8()?,
            iterations: cursor.u16()?,
            salt: cursor.text()?,
        })
    }
}
