//! What should not be in a handshake and is, by the names of anomalies.
//!
//! What is not what it should be is told once where it stands, and read as far as
//! it can be: clients and servers of the world bear with much of it.

use super::facts::CertificateFacts;
use crate::anomaly::Anomaly;
use crate::wire::tls::x509::Part;
use crate::wire::tls::{ClientHello, ExtensionType, HandshakeType};

/// The longest name of a host (RFC 1035 section 2.3.4).
const HOST_NAME_MAX: usize = 255;

/// A message that does not decode to its end.
pub(super) const fn of_message(kind: HandshakeType) -> Anomaly {
    match kind {
        HandshakeType::CLIENT_HELLO | HandshakeType::SERVER_HELLO | HandshakeType::HELLO_RETRY_REQUEST => {
            Anomaly::TlsHandshakeInvalidLength
        }
        HandshakeType::CERTIFICATE => Anomaly::TlsInvalidCertificate,
        _ => Anomaly::TlsInvalidHandshakeMessage,
    }
}

/// The part of a certificate that is not sound.
pub(super) fn of_certificate(certificate: &CertificateFacts) -> Option<Anomaly> {
    let anomaly = match certificate.fault? {
        Part::Whole if certificate.der.is_empty() => Anomaly::TlsCertificateInvalidLength,
        Part::Whole => Anomaly::TlsCertificateInvalidDer,
        Part::Version => Anomaly::TlsCertificateInvalidVersion,
        Part::Serial => Anomaly::TlsCertificateInvalidSerial,
        Part::Signature => Anomaly::TlsCertificateInvalidAlgorithmIdentifier,
        Part::Issuer => Anomaly::TlsCertificateInvalidIssuer,
        Part::Validity => Anomaly::TlsCertificateInvalidDate,
        Part::Subject => Anomaly::TlsCertificateInvalidSubject,
        Part::Key => Anomaly::TlsInvalidCertificate,
        Part::Extensions => Anomaly::TlsCertificateInvalidExtensions,
    };
    Some(anomaly)
}

/// The names that a client means (RFC 6066 section 3): one extension, one name,
/// of a host.
pub(super) fn of_server_name(hello: &ClientHello<'_>, mut odd: impl FnMut(Anomaly)) {
    let mut names = hello.extensions().filter(|extension| extension.kind == ExtensionType::SERVER_NAME);
    let Some(first) = names.next() else { return };
    if names.next().is_some() {
        odd(Anomaly::TlsMultipleSniExtensions);
    }
    match *first.body {
        // Who answers may leave it empty; as an offer it says that it is known.
        [] => {}
        [l0, l1, 0, n0, n1, ref name @ ..] => {
            let (list_len, name_len) = (u16::from_be_bytes([l0, l1]), u16::from_be_bytes([n0, n1]));
            let (list_len, name_len) = (usize::from(list_len), usize::from(name_len));
            let fits = name_len <= name.len() && list_len + 2 == first.body.len();
            if !fits || name_len == 0 || name_len > HOST_NAME_MAX {
                odd(Anomaly::TlsInvalidSniLength);
            }
        }
        [_, _, 1..=u8::MAX, ..] => odd(Anomaly::TlsInvalidSniType),
        _ => odd(Anomaly::TlsInvalidSniLength),
    }
}

/// What is wrong with a heartbeat that is not encrypted (RFC 6520 section 4), or
/// that it is there at all: none may be sent before the handshake is over.
/// `head` is its type and the length it claims of its payload.
pub(super) fn of_heartbeat([kind, l0, l1]: [u8; 3], record_len: u16) -> Anomaly {
    /// Of type, length and the padding that there must be.
    const AROUND: u16 = 3 + 16;
    let payload_len = u16::from_be_bytes([l0, l1]);
    if !matches!(kind, 1 | 2) {
        Anomaly::TlsInvalidHeartbeatMessage
    } else if payload_len.saturating_add(3) > record_len {
        Anomaly::TlsOverflowHeartbeatMessage
    } else if payload_len.saturating_add(AROUND) > record_len {
        Anomaly::TlsInvalidHeartbeatMessage
    } else {
        Anomaly::TlsHeartbeatMessage
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;
    use crate::wire::tls::build::ClientHelloBuilder;
    use crate::wire::tls::{Handshake, Version};

    fn names(bodies: &[&[u8]]) -> Vec<Anomaly> {
        let mut builder = ClientHelloBuilder::new(Version::TLS1_2);
        for body in bodies {
            builder = builder.extension(ExtensionType::SERVER_NAME, body);
        }
        let (message, mut odd) = (builder.message(), Vec::new());
        let hello = ClientHello::decode(Handshake::decode(&message).unwrap().0.body).unwrap();
        of_server_name(&hello, |anomaly| odd.push(anomaly));
        odd
    }

    #[test]
    fn one_name_of_a_host_is_as_it_should_be() {
        assert_eq!(names(&[]), []);
        assert_eq!(names(&[&[]]), []);
        assert_eq!(names(&[b"\0\x04\0\0\x01a"]), []);
    }

    #[test]
    fn what_is_wrong_with_a_name_is_said() {
        let long = [&[1, 3, 0, 1, 0][..], &[b'a'; 256]].concat();
        for odd in [&b"\0"[..], b"\0\x04\0", b"\0\x03\0\0\0", b"\0\x04\0\0\x02a", b"\0\x09\0\0\x01a", &long] {
            assert_eq!(names(&[odd]), [Anomaly::TlsInvalidSniLength], "{odd:02x?}");
        }
        assert_eq!(names(&[b"\0\x04\x01\0\x01a"]), [Anomaly::TlsInvalidSniType]);
        let one = b"\0\x04\0\0\x01a";
        assert_eq!(names(&[one, one]), [Anomaly::TlsMultipleSniExtensions]);
    }

    #[test]
    fn a_heartbeat_that_asks_for_more_than_it_brings_overflows() {
        for (head, record_len, anomaly) in [
            ([1, 0x40, 0], 3, Anomaly::TlsOverflowHeartbeatMessage),
            ([1, 0, 5], 7, Anomaly::TlsOverflowHeartbeatMessage),
            ([1, 0, 5], 8, Anomaly::TlsInvalidHeartbeatMessage),
            ([2, 0, 5], 24, Anomaly::TlsHeartbeatMessage),
            ([3, 0, 5], 24, Anomaly::TlsInvalidHeartbeatMessage),
            ([1, 0xff, 0xff], 0x4000, Anomaly::TlsOverflowHeartbeatMessage),
        ] {
            assert_eq!(of_heartbeat(head, record_len), anomaly, "{head:?} in {record_len}");
        }
    }

    #[test]
    fn each_unsound_part_of_a_certificate_has_its_name() {
        let of = |der: &[u8]| of_certificate(&CertificateFacts::new(der));
        assert_eq!(of(&[]), Some(Anomaly::TlsCertificateInvalidLength));
        assert_eq!(of(&[0x30, 0]), Some(Anomaly::TlsCertificateInvalidDer));
        let with = |fault| of_certificate(&CertificateFacts { fault, ..CertificateFacts::new(&[0x30, 0]) });
        assert_eq!(with(Some(Part::Validity)), Some(Anomaly::TlsCertificateInvalidDate));
        assert_eq!(with(Some(Part::Extensions)), Some(Anomaly::TlsCertificateInvalidExtensions));
        assert_eq!(with(None), None);
    }
}
