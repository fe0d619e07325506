//! Where a data connection goes, as a client or a server says it.

use std::net::{IpAddr, Ipv4Addr};

/// An end for data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataPort {
    /// Its address; `None` where it is that of the control connection (`EPSV`).
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: u16,
}

impl DataPort {
    /// The argument of `PORT`: `h1,h2,h3,h4,p1,p2` (RFC 959 section 4.1.2).
    pub(super) fn of_port(argument: &[u8]) -> Option<Self> {
        six(argument)
    }

    /// A reply to `PASV`. RFC 1123 section 4.1.2.6: the numbers are wherever the
    /// first digit after the code is.
    pub(super) fn of_pasv(reply: &[u8]) -> Option<Self> {
        let text = reply.get(3..)?;
        let start = text.iter().position(u8::is_ascii_digit)?;
        six(text.get(start..)?)
    }

    /// The argument of `EPRT`: `|family|address|port|` (RFC 2428 section 2).
    pub(super) fn of_eprt(argument: &[u8]) -> Option<Self> {
        let argument = std::str::from_utf8(argument).ok()?.trim();
        let delimiter = argument.chars().next()?;
        let mut parts = argument.split(delimiter).skip(2);
        let address = parts.next()?.parse().ok()?;
        let port = parts.next()?.parse().ok()?;
        Some(Self { address: Some(address), port })
    }

    /// A reply to `EPSV`: `(|||port|)` (RFC 2428 section 3).
    pub(super) fn of_epsv(reply: &[u8]) -> Option<Self> {
        let start = reply.iter().position(|&byte| byte == b'(')?;
        let &[_, delimiter, second, third, ref rest @ ..] = reply.get(start..)? else { return None };
        if second != delimiter || third != delimiter {
            return None;
        }
        let end = rest.iter().position(|&byte| byte == delimiter)?;
        let port = std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()?;
        Some(Self { address: None, port })
    }
}

/// Six numbers of a byte each, with commas between them.
fn six(text: &[u8]) -> Option<DataPort> {
    let end = text.iter().take_while(|&&byte| byte.is_ascii_digit() || byte == b',').count();
    let text = std::str::from_utf8(text.get(..end)?).ok()?;
    let mut numbers = [0_u8; 6];
    let mut parts = text.split(',');
    for number in &mut numbers {
        *number = parts.next()?.parse().ok()?;
    }
    let [a, b, c, d, high, low] = numbers;
    let port = u16::from_be_bytes([high, low]);
    Some(DataPort { address: Some(Ipv4Addr::new(a, b, c, d).into()), port })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unnecessary_wraps, clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn data(address: &str, port: u16) -> Option<DataPort> {
        Some(DataPort { address: Some(address.parse().unwrap()), port })
    }

    #[test]
    fn ports_of_all_four_kinds_are_read() {
        assert_eq!(DataPort::of_port(b"192,0,2,7,185,13"), data("192.0.2.7", 47_373));
        assert_eq!(
            DataPort::of_pasv(b"227 Entering Passive Mode (192,0,2,7,4,1)."),
            data("192.0.2.7", 1_025)
        );
        assert_eq!(DataPort::of_pasv(b"227 =192,0,2,7,4,1"), data("192.0.2.7", 1_025));
        assert_eq!(DataPort::of_eprt(b"|1|192.0.2.7|6275|"), data("192.0.2.7", 6_275));
        assert_eq!(DataPort::of_eprt(b"|2|2001:db8::1|5282|"), data("2001:db8::1", 5_282));
        let extended = DataPort::of_epsv(b"229 Entering Extended Passive Mode (|||57086|)");
        assert_eq!(extended, Some(DataPort { address: None, port: 57_086 }));
    }

    #[test]
    fn what_is_no_port_is_none() {
        for argument in [&b""[..], b"1,2,3,4,5", b"1,2,3,4,256,1", b"1,2,3,4,,1", b"a,b"] {
            assert_eq!(DataPort::of_port(argument), None);
        }
        for argument in [&b""[..], b"|1|192.0.2.7|65536|", b"|1|host|21|", b"|1|192.0.2.7", b"\xff"] {
            assert_eq!(DataPort::of_eprt(argument), None);
        }
        for reply in [&b"229 none"[..], b"229 (|||", b"229 (||1|2|)", b"229 (|||x|)", b"229 ("] {
            assert_eq!(DataPort::of_epsv(reply), None);
        }
        assert_eq!(DataPort::of_pasv(b"22"), None);
        assert_eq!(DataPort::of_pasv(b"227 no numbers"), None);
    }
}
