//! Data as zone files show them (RFC 1035 section 5, and where each type is
//! defined); what is of no known type as RFC 3597 section 5 has it.

use std::fmt::{self, Display, Formatter, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};

use base64::display::Base64Display;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD};

use crate::wire::dns::{
    Data, Hex, Name, Naptr, Nsec3, Nsec3Param, Param, ParamKey, Rrsig, Svcb, Texts, TypeMap,
};

/// Data on their way to a text.
pub(super) struct Zone<'a>(pub(super) Data<'a>);

impl Display for Zone<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Data::A(address) => write!(f, "{address}"),
            Data::Aaaa(address) => write!(f, "{address}"),
            Data::Name(name) => write!(f, "{}", Whole(*name)),
            Data::Preferred(data) => write!(f, "{} {}", data.preference, Whole(data.name)),
            Data::Names([first, second]) => write!(f, "{} {}", Whole(*first), Whole(*second)),
            Data::Soa(soa) => {
                write!(f, "{} {} {} ", Whole(soa.mname), Whole(soa.rname), soa.serial)?;
                write!(f, "{} {} {} {}", soa.refresh, soa.retry, soa.expire, soa.minimum)
            }
            Data::Texts(texts) => write_texts(f, texts),
            Data::Srv(srv) => {
                write!(f, "{} {} {} {}", srv.priority, srv.weight, srv.port, Whole(srv.target))
            }
            Data::Naptr(naptr) => write_naptr(f, naptr),
            Data::Caa(caa) => {
                write!(f, "{} {} {}", caa.flags, caa.tag.escape_ascii(), Quoted(caa.value))
            }
            Data::Sshfp(sshfp) => {
                write!(f, "{} {} {}", sshfp.algorithm, sshfp.kind, Hex(sshfp.fingerprint, ""))
            }
            Data::Tlsa(tlsa) => {
                let [usage, selector, matching] = tlsa.kinds;
                write!(f, "{usage} {selector} {matching} {}", Hex(tlsa.data, ""))
            }
            Data::Ds(ds) => {
                write!(f, "{} {} {} {}", ds.key_tag, ds.algorithm, ds.digest_type, Hex(ds.digest, ""))
            }
            Data::Dnskey(key) => {
                write!(f, "{} {} {} {}", key.flags, key.protocol, key.algorithm, base64(key.key))
            }
            Data::Rrsig(signature) => write_rrsig(f, signature),
            Data::Nsec(nsec) => {
                write!(f, "{}", Whole(nsec.next))?;
                write_types(f, &nsec.types)
            }
            Data::Nsec3(nsec3) => write_nsec3(f, nsec3),
            Data::Nsec3Param(hashing) => write_hashing(f, hashing),
            Data::Svcb(binding) => write_binding(f, binding),
            Data::Uri(uri) => write!(f, "{} {} {}", uri.priority, uri.weight, Quoted(uri.target)),
            // What has no text of its own is not written by way of this.
            Data::Opt(options) => {
                options.iter().try_for_each(|option| write!(f, "{} {};", option.code, Hex(option.data, "")))
            }
            Data::Null(bytes) | Data::Other(bytes) => write_bytes(f, bytes),
        }
    }
}

/// A name with the root at its end where it is nothing else.
struct Whole<'a>(Name<'a>);

impl Display for Whole<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_root() { f.write_char('.') } else { write!(f, "{}", self.0) }
    }
}

/// A text in quotes (RFC 1035 section 5.1).
struct Quoted<'a>(&'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for &byte in self.0 {
            match byte {
                b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
                b' '..=b'~' => f.write_char(char::from(byte))?,
                _ => write!(f, "\\{byte:03}")?,
            }
        }
        f.write_char('"')
    }
}

/// Bytes of which nothing is known.
fn write_bytes(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    write!(f, "\\# {}", bytes.len())?;
    if bytes.is_empty() { Ok(()) } else { write!(f, " {}", Hex(bytes, "")) }
}

/// Things with something between them.
fn write_list<T: Display>(
    f: &mut Formatter<'_>,
    between: char,
    mut things: impl Iterator<Item = T>,
) -> fmt::Result {
    if let Some(first) = things.next() {
        write!(f, "{first}")?;
    }
    things.try_for_each(|thing| write!(f, "{between}{thing}"))
}

fn write_texts(f: &mut Formatter<'_>, texts: &Texts<'_>) -> fmt::Result {
    write_list(f, ' ', texts.iter().map(Quoted))
}

fn write_naptr(f: &mut Formatter<'_>, naptr: &Naptr<'_>) -> fmt::Result {
    write!(f, "{} {} ", naptr.order, naptr.preference)?;
    write!(f, "{} {} {} ", Quoted(naptr.flags), Quoted(naptr.service), Quoted(naptr.regexp))?;
    write!(f, "{}", Whole(naptr.replacement))
}

/// Times stay numbers, which RFC 4034 section 3.2 allows.
fn write_rrsig(f: &mut Formatter<'_>, rrsig: &Rrsig<'_>) -> fmt::Result {
    write!(f, "{} {} {} ", rrsig.covered, rrsig.algorithm, rrsig.labels)?;
    write!(f, "{} {} {} ", rrsig.original_ttl, rrsig.expiration, rrsig.inception)?;
    write!(f, "{} {} {}", rrsig.key_tag, Whole(rrsig.signer), base64(rrsig.signature))
}

fn write_types(f: &mut Formatter<'_>, types: &TypeMap<'_>) -> fmt::Result {
    types.iter().try_for_each(|kind| write!(f, " {kind}"))
}

fn write_hashing(f: &mut Formatter<'_>, hashing: &Nsec3Param<'_>) -> fmt::Result {
    write!(f, "{} {} {} ", hashing.algorithm, hashing.flags, hashing.iterations)?;
    if hashing.salt.is_empty() { f.write_char('-') } else { write!(f, "{}", Hex(hashing.salt, "")) }
}

fn write_nsec3(f: &mut Formatter<'_>, nsec3: &Nsec3<'_>) -> fmt::Result {
    write_hashing(f, &nsec3.hashing)?;
    f.write_char(' ')?;
    write_base32(f, nsec3.next)?;
    write_types(f, &nsec3.types)
}

fn base64(bytes: &[u8]) -> Base64Display<'_, '_, GeneralPurpose> {
    Base64Display::new(bytes, &STANDARD)
}

/// Base 32 with the extended hex alphabet, without padding (RFC 4648 section 7).
fn write_base32(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for group in bytes.chunks(5) {
        let bits =
            group.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) << (8 * (5 - group.len()));
        for place in 0..(group.len() * 8).div_ceil(5) {
            let digit = u32::try_from(bits >> (35 - 5 * place) & 0x1f).unwrap_or_default();
            f.write_char(char::from_digit(digit, 32).unwrap_or_default().to_ascii_uppercase())?;
        }
    }
    Ok(())
}

fn write_binding(f: &mut Formatter<'_>, binding: &Svcb<'_>) -> fmt::Result {
    write!(f, "{} {}", binding.priority, Whole(binding.target))?;
    for Param { key, value } in binding.params() {
        write!(f, " {}", Key(key))?;
        if value.is_empty() {
            continue;
        }
        f.write_char('=')?;
        write_value(f, key, value)?;
    }
    Ok(())
}

/// The value of a parameter, as its key has it (RFC 9460 section 7).
fn write_value(f: &mut Formatter<'_>, key: ParamKey, value: &[u8]) -> fmt::Result {
    let (pairs, odd) = value.as_chunks::<2>();
    let numbers = || pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    match key {
        ParamKey::MANDATORY if odd.is_empty() => write_list(f, ',', numbers().map(|key| Key(ParamKey(key)))),
        ParamKey::PORT | ParamKey::GROUPS if odd.is_empty() => write_list(f, ',', numbers()),
        ParamKey::ALPN => {
            let alpns = Texts::of(value);
            write_list(f, ',', alpns.iter().map(<[u8]>::escape_ascii))
        }
        ParamKey::IPV4_HINT => {
            write_list(f, ',', value.as_chunks::<4>().0.iter().map(|octets| Ipv4Addr::from(*octets)))
        }
        ParamKey::IPV6_HINT => {
            write_list(f, ',', value.as_chunks::<16>().0.iter().map(|octets| Ipv6Addr::from(*octets)))
        }
        ParamKey::ECH => write!(f, "{}", base64(value)),
        _ => write!(f, "{}", Quoted(value)),
    }
}

/// A key by name, or as `key` and its number.
struct Key(ParamKey);

impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "key{}", self.0.0),
        }
    }
}
