//! `ServerKeyExchange` up to TLS 1.2, as far as it says which group is used
//! (RFC 8422 section 5.4, RFC 5246 section 7.4.3).
//!
//! Which form a message has is told by the suite alone.

use super::super::Malformed;
use super::reader::Reader;
use super::{Group, Suite};

/// What a server's key exchange is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyExchange<'a> {
    /// A curve by its number, and the server's public point.
    Curve(Group, &'a [u8]),
    /// A curve given by its parameters, which nobody should accept.
    ExplicitCurve,
    /// A finite field: prime, generator, public value.
    FiniteField(&'a [u8], &'a [u8], &'a [u8]),
}

impl<'a> KeyExchange<'a> {
    /// From the body of a handshake message, under the suite that was chosen;
    /// [`Malformed::Unsupported`] where the suite's exchange has another form.
    pub fn decode(body: &'a [u8], suite: Suite) -> Result<Self, Malformed> {
        let name = suite.name().unwrap_or_default();
        let name = name.strip_prefix("OLD_").unwrap_or(name);
        let mut reader = Reader::new(body);
        if name.starts_with("TLS_ECDHE_PSK")
            || name.starts_with("TLS_DHE_PSK")
            || name.starts_with("TLS_PSK_DHE")
        {
            reader.vector16()?; // The hint of which key is meant.
        }
        if ["TLS_ECDHE_", "TLS_ECDH_anon_"].iter().any(|start| name.starts_with(start)) {
            return match reader.u8()? {
                3 => Ok(Self::Curve(Group(reader.u16()?), reader.vector8()?)),
                1 | 2 => Ok(Self::ExplicitCurve),
                _ => Err(Malformed::Unsupported),
            };
        }
        if ["TLS_DHE_", "TLS_DH_anon_", "TLS_PSK_DHE_"].iter().any(|start| name.starts_with(start)) {
            return Ok(Self::FiniteField(reader.vector16()?, reader.vector16()?, reader.vector16()?));
        }
        Err(Malformed::Unsupported)
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    const CURVE: [u8; 8] = [3, 0, 29, 2, 7, 8, 4, 1];
    const ECDHE_RSA: Suite = Suite(0xc02f);

    #[test]
    fn reads_the_group_of_each_form() {
        assert_eq!(KeyExchange::decode(&CURVE, ECDHE_RSA), Ok(KeyExchange::Curve(Group::X25519, &[7, 8])));
        let hinted = [&[0, 1, b'h'][..], &CURVE].concat();
        assert_eq!(
            KeyExchange::decode(&hinted, Suite(0xd001)),
            Ok(KeyExchange::Curve(Group::X25519, &[7, 8]))
        );
        let field = [0, 1, 23, 0, 1, 5, 0, 1, 8];
        assert_eq!(
            KeyExchange::decode(&field, Suite(0x0033)),
            Ok(KeyExchange::FiniteField(&[23], &[5], &[8]))
        );
        assert_eq!(KeyExchange::decode(&[1, 0], ECDHE_RSA), Ok(KeyExchange::ExplicitCurve));
    }

    #[test]
    fn refuses_every_truncation_and_other_suites() {
        for len in 0..6 {
            assert!(KeyExchange::decode(&CURVE[..len], ECDHE_RSA).is_err(), "{len} bytes");
        }
        assert_eq!(KeyExchange::decode(&CURVE, Suite(0x002f)), Err(Malformed::Unsupported));
        assert_eq!(KeyExchange::decode(&CURVE, Suite(0x1301)), Err(Malformed::Unsupported));
    }
}
