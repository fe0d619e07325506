//! QUIC: datagrams of one flow.

use tidegate::app_proto::AppProto;
use tidegate::dissect::quic::craft::{self, Initial};
use tidegate::flow::Direction::{Down, Up};
use tidegate::wire::quic::Version;
use tidegate::wire::quic::tags::{Message, Tag};
use tidegate::wire::tls::build::{ClientHelloBuilder, ServerHelloBuilder};
use tidegate::wire::tls::{Suite, Version as TlsVersion};

use super::dissect::{datagrams, seeds};

/// Feeds a talk to the dissector of QUIC.
pub fn quic_datagram(input: &[u8]) {
    datagrams(AppProto::Quic, input);
}

/// Handshakes of each kind of version.
pub fn quic_datagram_seeds() -> Vec<(String, Vec<u8>)> {
    const DCID: &[u8] = b"12345678";
    let hello = ClientHelloBuilder::new(TlsVersion::TLS1_2)
        .suites([Suite(0x1301)])
        .server_name(b"example.com")
        .protocols(&[b"h3"])
        .supported_versions(&[TlsVersion::TLS1_3])
        .message();
    let choice = ServerHelloBuilder::new(TlsVersion::TLS1_2, Suite(0x1301)).message();
    let client = |version| Initial::client(version, DCID).crypto(0, &hello).build();
    let server = |version| Initial::server(version, DCID).frames(&[2, 0, 0, 0, 0]).crypto(0, &choice).build();
    let (first, second) = hello.split_at(30);
    let entries =
        [(Tag::SERVER_NAME, &b"example.com"[..]), (Tag::USER_AGENT, b"x"), (Tag::PUBLIC_VALUE, b"y")];
    let google = Message::encode(Tag::CLIENT_HELLO, &entries);
    let frames = |version: &[u8], between: &[u8]| {
        let len = u8::try_from(google.len()).expect("a short hello");
        [version, between, &[0; 12], &[0xa0, 1, 0, len], &google].concat()
    };
    seeds([
        ("v1", vec![(Up, client(Version::V1)), (Down, server(Version::V1))]),
        ("v2", vec![(Up, client(Version::V2)), (Down, server(Version::V2))]),
        (
            "pieces",
            vec![
                (Up, Initial::client(Version::V1, DCID).crypto(30, second).build()),
                (Up, Initial::client(Version::V1, DCID).number(1).crypto(0, first).frames(&[0, 1]).build()),
            ],
        ),
        (
            "retry",
            vec![
                (Up, client(Version::V1)),
                (Down, craft::retry(Version::V1, b"chosen", b"token")),
                (Up, Initial::client(Version::V1, b"chosen").token(b"token").crypto(0, &hello).build()),
            ],
        ),
        (
            "negotiation",
            vec![
                (Up, client(Version(0xbaba_baba))),
                (Down, craft::negotiation(&[Version::V1])),
                (Up, client(Version::V1)),
            ],
        ),
        ("google-43", vec![(Up, frames(b"\x0912345678Q043", &[1]))]),
        ("google-46", vec![(Up, frames(b"\xc3Q046\x5012345678", &[0, 0, 0, 1]))]),
        ("google-50", vec![(Up, Initial::client(Version::google(50), DCID).crypto(0, &google).build())]),
    ])
}
