//! TLS and DTLS: connections out of any bytes, and certificates.

use tidegate::app_proto::AppProto;
use tidegate::dissect::Progress;
use tidegate::dissect::tls::{Tls, TlsFact};
use tidegate::flow::Direction::{Down, Up};
use tidegate::wire::tls::build::{ClientHelloBuilder, ServerHelloBuilder, certificates, message, records};
use tidegate::wire::tls::extension::{Sender, Share};
use tidegate::wire::tls::server_hello::RETRY_RANDOM;
use tidegate::wire::tls::x509::Certificate;
use tidegate::wire::tls::{
    ClientHello, ContentType, Extensions, Group, HandshakeType, Suite, Version, dtls, sslv2,
};

use super::dissect::{Step, datagrams, seed, steps, stream, talk};

/// What is learnt when no more than `piece_max` bytes are given at once.
fn learn(steps: &[Step<'_>], piece_max: usize) -> (Vec<String>, Progress) {
    let (mut tls, mut facts, mut progress) = (Tls::new(), Vec::new(), Progress::More);
    for step in steps {
        match *step {
            Step::Bytes(direction, bytes) => {
                for piece in bytes.chunks(piece_max) {
                    progress = tls.bytes(direction, piece, &mut |fact| {
                        if let TlsFact::Certificates(_, chain) = &fact {
                            for one in chain {
                                x509(&one.der);
                            }
                        }
                        facts.push(format!("{fact:?}"));
                    });
                }
            }
            Step::Gap(direction, _) => progress = tls.lose(direction),
            Step::End(_) => {}
        }
    }
    (facts, progress)
}

/// Feeds a talk to the state machine and to the dissector of TLS, whole and byte
/// by byte, and the whole input to the decoders.
///
/// # Panics
/// When how the bytes are cut changes what is learnt: that is the finding.
pub fn tls_stream(input: &[u8]) {
    let steps = steps(input);
    assert_eq!(learn(&steps, usize::MAX), learn(&steps, 1));
    stream(AppProto::Tls, input);

    if let Ok(hello) = ClientHello::decode(input) {
        assert_eq!(ClientHello::decode_sound_part(input), Ok(hello));
    }
    if let Ok(list) = Extensions::new(input) {
        for extension in list.iter() {
            for sender in [Sender::ClientHello, Sender::ServerHello, Sender::Retry] {
                let _ = std::hint::black_box(extension.decode(sender));
            }
        }
    }
    let _ = std::hint::black_box((sslv2::ClientHello::decode(input), sslv2::ServerHello::decode(input)));
}

/// Feeds a talk to the dissector of DTLS, and its datagrams to the decoder.
pub fn dtls_datagram(input: &[u8]) {
    datagrams(AppProto::Tls, input);
    for step in steps(input) {
        if let Step::Bytes(_, datagram) = step {
            records_of(datagram);
        }
    }
}

/// Takes a datagram apart, with connection ids in it.
fn records_of(mut datagram: &[u8]) {
    while let Ok((record, rest)) = dtls::Record::decode(datagram, 4) {
        assert!(rest.len() < datagram.len());
        if let dtls::Record::Plain { mut payload, .. } = record {
            while let Ok((fragment, rest)) = dtls::Fragment::decode(payload) {
                assert!(fragment.offset as usize + fragment.bytes.len() <= fragment.len as usize);
                payload = rest;
            }
        }
        datagram = rest;
    }
}

/// Reads bytes as a certificate and asks everything of it.
///
/// # Panics
/// When its texts outgrow its bytes: that is the finding.
pub fn x509(input: &[u8]) {
    let Ok(certificate) = Certificate::decode(input) else { return };
    let names: usize = certificate.alternative_names().map(|name| name.to_string().len()).sum();
    let texts = certificate.subject.to_string().len() + certificate.issuer.to_string().len() + names;
    assert!(texts <= 16 * input.len(), "{texts} bytes of text out of {}", input.len());
    let key = certificate.key;
    std::hint::black_box((key.bits(), key.curve(), key.exponent(), key.algorithm.to_string()));
    std::hint::black_box((
        certificate.is_ca(),
        certificate.subject.common_name(),
        certificate.signature.algorithm(),
    ));
}

/// A connection for each turn that the dissector takes.
pub fn tls_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let handshake = |bytes: &[u8]| records(ContentType::Handshake, Version::TLS1_2, bytes, 400);
    let ccs = records(ContentType::ChangeCipherSpec, Version::TLS1_2, &[1], 1);
    let data = records(ContentType::ApplicationData, Version::TLS1_2, &[7; 20], 20);
    let client = ClientHelloBuilder::new(Version::TLS1_2).suites([Suite(0x1301), Suite(0xc02f)]);
    let client = client.server_name(b"example.com").protocols(&[b"h2"]).groups(&[Group::X25519]);
    let client13 = client.clone().supported_versions(&[Version::TLS1_3]);
    let offer = client.records(Version::TLS1_0, 40);
    let server = ServerHelloBuilder::new(Version::TLS1_2, Suite(0xc02f)).protocol(b"h2").message();
    let chain = message(HandshakeType::CERTIFICATE, &certificates(&[&certificate()]));
    let key = message(HandshakeType::SERVER_KEY_EXCHANGE, &[3, 0, 29, 1, 7]);
    let done = message(HandshakeType::SERVER_HELLO_DONE, &[]);
    let full = [handshake(&[server.clone(), chain, key, done].concat()), ccs.clone(), data.clone()].concat();
    let base = ServerHelloBuilder::new(Version::TLS1_2, Suite(0x1301)).selected_version(Version::TLS1_3);
    let retry = handshake(&base.clone().random(RETRY_RANDOM).retry_group(Group::SECP256R1).message());
    let chosen = handshake(&base.key_share(Share { group: Group::SECP256R1, key: &[4; 65] }).message());
    let chosen = [chosen, data.clone()].concat();
    let early = [client13.records(Version::TLS1_0, 400), ccs.clone(), data.clone()].concat();
    let again = [handshake(&client13.message()), data.clone()].concat();
    let refusal = records(ContentType::Alert, Version::TLS1_0, &[2, 70], 2);
    let old = client.sslv2(&[0x01_0080]);
    let resumed = [handshake(&server), ccs.clone(), data.clone()].concat();
    let hole = talk(&[Step::Bytes(Up, &offer[..60]), Step::Gap(Up, 9), Step::Bytes(Up, &offer[60..])]);
    vec![
        seed("full", &[(Up, &offer), (Down, &full), (Up, &[ccs, data].concat())]),
        seed("retried", &[(Up, &early), (Down, &retry), (Up, &again), (Down, &chosen)]),
        seed("resumed", &[(Up, &offer), (Down, &resumed)]),
        seed("sslv2-refused", &[(Up, &old), (Down, &refusal)]),
        ("hole".to_owned(), hole),
    ]
}

/// A message in one fragment of DTLS, in a record of its own.
fn datagram(number: u16, message: &[u8]) -> Vec<u8> {
    let (kind, body) = (HandshakeType(message[0]), &message[4..]);
    let len = u32::try_from(body.len()).expect("a seed is short");
    // Long ones in two pieces, the second one first.
    let cut = if body.len() > 200 { body.len() / 2 } else { 0 };
    let pieces = [(cut, &body[cut..]), (0, &body[..cut])];
    let mut bytes = Vec::new();
    for (offset, piece) in
        pieces.into_iter().filter(|(offset, piece)| *offset == 0 && cut == 0 || !piece.is_empty())
    {
        let offset = u32::try_from(offset).expect("a seed is short");
        let fragment = dtls::Fragment { kind, len, message: number, offset, bytes: piece };
        bytes.extend(record(ContentType::Handshake, 0, &[&fragment.header()[..], piece].concat()));
    }
    bytes
}

/// A record of DTLS 1.2 of an epoch.
fn record(content: ContentType, epoch: u8, payload: &[u8]) -> Vec<u8> {
    let [l0, l1] = u16::try_from(payload.len()).expect("a seed is short").to_be_bytes();
    let header = [content as u8, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, l0, l1];
    [&header[..], payload].concat()
}

/// A flow for each turn that the dissector takes.
pub fn dtls_datagram_seeds() -> Vec<(String, Vec<u8>)> {
    let client = ClientHelloBuilder::new(Version::DTLS1_2).cookie(&[]).suites([Suite(0xc02f), Suite(0x1301)]);
    let client = client.server_name(b"example.com").groups(&[Group::X25519]);
    let offer = datagram(0, &client.message());
    let verify = datagram(0, &message(HandshakeType::HELLO_VERIFY_REQUEST, &[0xfe, 0xff, 1, 7]));
    let again = datagram(1, &client.clone().cookie(&[7]).message());
    let server = datagram(1, &ServerHelloBuilder::new(Version::DTLS1_2, Suite(0xc02f)).message());
    let chain = datagram(2, &message(HandshakeType::CERTIFICATE, &certificates(&[&certificate()])));
    let done = datagram(3, &message(HandshakeType::SERVER_HELLO_DONE, &[]));
    let ciphered =
        [record(ContentType::ChangeCipherSpec, 0, &[1]), record(ContentType::Handshake, 1, &[7; 24])]
            .concat();
    let choice = ServerHelloBuilder::new(Version::DTLS1_2, Suite(0x1301)).selected_version(Version::DTLS1_3);
    let unified = [&[0x2e, 0, 1, 0, 20][..], &[9; 20]].concat();
    let stun = b"\x00\x01\x00\x00\x21\x12\xa4\x42123456789012";
    vec![
        seed(
            "full",
            &[
                (Up, &offer),
                (Down, &verify),
                (Up, &again),
                (Down, &chain),
                (Down, &[server, done].concat()),
                (Up, &ciphered),
                (Down, &ciphered),
            ],
        ),
        seed(
            "version-1.3",
            &[
                (Up, stun),
                (Up, &offer),
                (Down, &[datagram(0, &choice.message()), unified.clone()].concat()),
                (Up, &unified),
            ],
        ),
        seed("one-sided", &[(Down, &chain), (Up, &offer), (Up, &offer)]),
    ]
}

/// The seeds of `x509`.
pub fn x509_seeds() -> Vec<(String, Vec<u8>)> {
    vec![("version-3".to_owned(), certificate())]
}

/// A value of DER that is shorter than 64 KiB.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [l0, l1] = u16::try_from(content.len()).expect("a seed is short").to_be_bytes();
    let head = match (l0, l1) {
        (0, 0..0x80) => vec![tag, l1],
        _ => vec![tag, 0x82, l0, l1],
    };
    [head, content].concat()
}

/// A certificate with all that is read of one; its signature is none.
fn certificate() -> Vec<u8> {
    const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    const EC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let attribute =
        |oid: &[u8], tag, text: &[u8]| der(0x31, &[&der(0x30, &[&der(6, &[oid]), &der(tag, &[text])])]);
    let name =
        der(0x30, &[&attribute(&[0x55, 4, 6], 0x13, b"HU"), &attribute(&[0x55, 4, 3], 0x0c, b"example.com")]);
    let validity = der(0x30, &[&der(0x17, &[b"240101000000Z"]), &der(0x18, &[b"20500101000000Z"])]);
    let key =
        der(0x30, &[&der(0x30, &[&der(6, &[EC_KEY]), &der(6, &[P256])]), &der(3, &[&[0, 4], &[7; 64]])]);
    let alternatives = der(0x30, &[&der(0x82, &[b"example.com"]), &der(0x87, &[&[192, 0, 2, 1]])]);
    let extensions = der(
        0x30,
        &[
            &der(0x30, &[&der(6, &[&[0x55, 0x1d, 0x11]]), &der(4, &[&alternatives])]),
            &der(
                0x30,
                &[&der(6, &[&[0x55, 0x1d, 0x13]]), &der(1, &[&[0xff]]), &der(4, &[&[0x30, 3, 1, 1, 0xff]])],
            ),
        ],
    );
    let algorithm = der(0x30, &[&der(6, &[ECDSA_SHA256])]);
    let fields = der(
        0x30,
        &[
            &der(0xa0, &[&der(2, &[&[2]])]),
            &der(2, &[&[0, 0xc7, 0xd4]]),
            &algorithm,
            &name,
            &validity,
            &name,
            &key,
            &der(0xa3, &[&extensions]),
        ],
    );
    der(0x30, &[&fields, &algorithm, &der(3, &[&[0; 9]])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_say_what_they_are_meant_to() {
        let certificate = certificate();
        let certificate = Certificate::decode(&certificate).expect("a certificate");
        assert_eq!((certificate.key.bits(), certificate.is_ca()), (Some(256), Some(true)));
        assert_eq!(certificate.alternative_names().count(), 2);
        for (name, seed) in tls_stream_seeds() {
            let (facts, progress) = learn(&steps(&seed), usize::MAX);
            let (count, ended) = match name.as_str() {
                "full" => (6, Progress::Done),
                "retried" => (7, Progress::Done),
                "resumed" => (3, Progress::More),
                "sslv2-refused" => (2, Progress::More),
                _ => (0, Progress::More),
            };
            assert_eq!((facts.len(), progress), (count, ended), "{name}: {facts:#?}");
        }
        for (name, seed) in dtls_datagram_seeds() {
            let heard = datagrams(AppProto::Tls, &seed).said;
            let records = heard.iter().filter(|said| said.contains("Tls(TlsSession")).count();
            let chains = heard.iter().filter(|said| said.contains("tls.cert.sha1 ")).count();
            let expected = match name.as_str() {
                "full" => (1, 1),
                _ => (1, 0),
            };
            assert_eq!((records, chains), expected, "{name}: {heard:#?}");
        }
    }
}
