//! The values that conditions may name: literals, `const`s, and what `ip()`,
//! `net()`, `mac()` and `hex()` make of text.
//!
//! The same parsers serve Rhai, which runs a file's top level at load, and the
//! checker, which reads such calls in conditions without running anything.

use std::net::IpAddr;
use std::ops::{Range, RangeInclusive};

use rhai::{Dynamic, INT};

use super::sets::Network;
use crate::wire::Mac;

/// A value known at load.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    Bool(bool),
    Int(i64),
    /// A string; where a length of time is expected, one such as `"1m"`.
    Text(String),
    Bytes(Vec<u8>),
    Address(IpAddr),
    Network(Network),
    Mac(Mac),
    /// Bounds included; the end before the start where it holds nothing.
    Range(i64, i64),
    List(Vec<Constant>),
    /// A bare word: the name of an enumeration's value, or nothing.
    Word(String),
    /// A value of Rhai that no condition can use, by its type.
    Other(String),
}

impl Constant {
    /// What it is, in words.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a number",
            Self::Text(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::Address(_) => "an address",
            Self::Network(_) => "a network",
            Self::Mac(_) => "a hardware address",
            Self::Range(..) => "a range",
            Self::List(_) => "a set",
            Self::Word(_) => "a name",
            Self::Other(_) => "a value that only scripts can use",
        }
    }

    /// `start..end`: the end is not in it.
    pub(super) const fn half_open(start: i64, end: i64) -> Self {
        match end.checked_sub(1) {
            Some(last) if end > start => Self::Range(start, last),
            _ => Self::Range(1, 0),
        }
    }

    /// Takes over a value of Rhai.
    pub(super) fn from_dynamic(value: &Dynamic) -> Self {
        if let Ok(value) = value.as_bool() {
            return Self::Bool(value);
        }
        if let Ok(value) = value.as_int() {
            return Self::Int(value);
        }
        if let Ok(text) = value.as_immutable_string_ref() {
            return Self::Text(text.to_string());
        }
        if let Ok(items) = value.as_array_ref() {
            // What a set within a set holds is never asked, and a script can
            // nest arrays deeper than a stack is.
            let member = |item: &Dynamic| {
                if item.is_array() { Self::List(Vec::new()) } else { Self::from_dynamic(item) }
            };
            return Self::List(items.iter().map(member).collect());
        }
        if let Ok(bytes) = value.as_blob_ref() {
            return Self::Bytes(bytes.clone());
        }
        let own = |value: &Dynamic| -> Option<Self> {
            let value = value.clone();
            if let Some(range) = value.clone().try_cast::<Range<INT>>() {
                return Some(Self::half_open(range.start, range.end));
            }
            if let Some(range) = value.clone().try_cast::<RangeInclusive<INT>>() {
                return Some(Self::Range(*range.start(), *range.end()));
            }
            if let Some(address) = value.clone().try_cast::<IpAddr>() {
                return Some(Self::Address(address));
            }
            if let Some(network) = value.clone().try_cast::<Network>() {
                return Some(Self::Network(network));
            }
            if let Some(mac) = value.clone().try_cast::<Mac>() {
                return Some(Self::Mac(mac));
            }
            value.try_cast::<Word>().map(|Word(word)| Self::Word(word))
        };
        own(value).unwrap_or_else(|| Self::Other(value.type_name().to_owned()))
    }
}

/// The name of an enumeration's value, as Rhai holds it while a file is loaded.
#[derive(Clone, Debug)]
pub(super) struct Word(pub(super) String);

/// A text that is not what a literal should be: what is wrong, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadLiteral {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl BadLiteral {
    fn new(message: String, help: impl Into<String>) -> Self {
        Self { message, help: Some(help.into()) }
    }
}

/// What the functions that make constants are called.
pub(super) const MAKERS: [&str; 4] = ["ip", "net", "mac", "hex"];

/// `ip("..")`, `net("..")`, `mac("..")`, `hex("..")`; `None` where `maker` is
/// none of these.
pub(super) fn make(maker: &str, text: &str) -> Option<Result<Constant, BadLiteral>> {
    Some(match maker {
        "ip" => parse_ip(text).map(Constant::Address),
        "net" => parse_network(text).map(Constant::Network),
        "mac" => parse_mac(text).map(Constant::Mac),
        "hex" => parse_hex(text).map(Constant::Bytes),
        _ => return None,
    })
}

pub(super) fn parse_ip(text: &str) -> Result<IpAddr, BadLiteral> {
    text.parse().map_err(|_| {
        let message = format!("`{text}` is not an IP address");
        if text.contains('/') {
            BadLiteral::new(message, format!("a network is `net(\"{text}\")`"))
        } else {
            BadLiteral::new(message, "write it as `192.0.2.1` or `2001:db8::1`")
        }
    })
}

pub(super) fn parse_network(text: &str) -> Result<Network, BadLiteral> {
    let Some((address, prefix)) = text.split_once('/') else {
        return parse_ip(text).map(Network::single).map_err(|_| not_a_network(text));
    };
    let address: IpAddr = address.parse().map_err(|_| not_a_network(text))?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let network = prefix.parse().ok().and_then(|prefix| Network::new(address, prefix)).ok_or_else(|| {
        BadLiteral::new(
            format!("`{text}` is not a network: its prefix is not a number from 0 to {longest}"),
            format!("write the prefix length after the slash: `{address}/{}`", longest / 4 * 3),
        )
    })?;
    if network.address() == address {
        Ok(network)
    } else {
        Err(BadLiteral::new(
            format!("`{text}` has bits beyond its prefix"),
            format!("the network is `{network}`; the address alone is `{address}`"),
        ))
    }
}

fn not_a_network(text: &str) -> BadLiteral {
    BadLiteral::new(format!("`{text}` is not a network"), "write it as `10.0.0.0/8` or `2001:db8::/32`")
}

pub(super) fn parse_mac(text: &str) -> Result<Mac, BadLiteral> {
    let bad =
        || BadLiteral::new(format!("`{text}` is not an Ethernet address"), "write it as `02:00:5e:10:00:01`");
    let mut bytes = [0; 6];
    let mut parts = text.split([':', '-']);
    for byte in &mut bytes {
        let part = parts
            .next()
            .filter(|part| part.len() == 2 && part.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .ok_or_else(bad)?;
        *byte = u8::from_str_radix(part, 16).map_err(|_| bad())?;
    }
    if parts.next().is_some() { Err(bad()) } else { Ok(Mac(bytes)) }
}

pub(super) fn parse_hex(text: &str) -> Result<Vec<u8>, BadLiteral> {
    let bad = || {
        BadLiteral::new(
            format!("`{text}` is not a row of bytes"),
            "write two digits a byte: `hex(\"16 03 01\")`",
        )
    };
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or_else(bad))
        .collect::<Result<_, _>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if rest.is_empty() { Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()) } else { Err(bad()) }
}

/// A length of time such as `30s` or `1h30m`, in nanoseconds.
pub(super) fn parse_duration(text: &str) -> Result<i64, BadLiteral> {
    let bad = || {
        BadLiteral::new(
            format!("`{text}` is not a length of time"),
            "write numbers with units, such as \"30s\", \"500ms\" or \"1h30m\" (ns, us, ms, s, m, h, d)",
        )
    };
    let mut total = 0_i64;
    let mut rest = text;
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (count, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let nanos = match unit {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return Err(bad()),
        };
        let count: i64 = count.parse().map_err(|_| bad())?;
        total = count.checked_mul(nanos).and_then(|part| total.checked_add(part)).ok_or_else(bad)?;
        rest = next;
    }
    Ok(total)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_network_says_what_is_wrong_with_it() {
        assert_eq!(parse_network("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(parse_network("192.0.2.1").unwrap().prefix(), 32);
        assert_eq!(parse_network("::/0").unwrap().to_string(), "::/0");
        for (text, message) in [
            ("10.0.0.1/8", "`10.0.0.1/8` has bits beyond its prefix"),
            ("10.0.0.0/33", "`10.0.0.0/33` is not a network: its prefix is not a number from 0 to 32"),
            ("10.0.0.0/", "`10.0.0.0/` is not a network: its prefix is not a number from 0 to 32"),
            ("10.0.0/8", "`10.0.0/8` is not a network"),
            ("", "`` is not a network"),
        ] {
            assert_eq!(parse_network(text).unwrap_err().message, message);
        }
    }

    #[test]
    fn lengths_of_time_add_up() {
        assert_eq!(parse_duration("1m"), Ok(60_000_000_000));
        assert_eq!(parse_duration("1h30m"), Ok(5_400_000_000_000));
        assert_eq!(parse_duration("500ms"), Ok(500_000_000));
        for bad in ["", "1", "m", "1x", "-1s", "1 s", "99999999999d", "é"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hardware_addresses_and_bytes_are_whole() {
        assert_eq!(parse_mac("02:00:5e:10:00:ff"), Ok(Mac([2, 0, 0x5e, 0x10, 0, 0xff])));
        assert_eq!(parse_hex("16 03\t01"), Ok(vec![0x16, 3, 1]));
        for bad in [
            "02:00:5e:10:00",
            "02:00:5e:10:00:01:02",
            "0:0:0:0:0:0",
            "+2:00:5e:10:00:01",
            "zz:00:5e:10:00:01",
        ] {
            assert!(parse_mac(bad).is_err(), "{bad}");
        }
        assert!(parse_hex("1").is_err());
        assert!(parse_hex("xy").is_err());
    }

    #[test]
    fn an_empty_range_holds_nothing() {
        assert_eq!(Constant::half_open(1, 10), Constant::Range(1, 9));
        for (start, end) in [(5, 5), (5, 4), (i64::MIN, i64::MIN), (5, i64::MIN)] {
            assert_eq!(Constant::half_open(start, end), Constant::Range(1, 0));
        }
    }
}
