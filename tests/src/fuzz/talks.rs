//! IKE, Kerberos and SIP: what is said in one flow.

use tidegate::app_proto::AppProto;
use tidegate::flow::Direction::{Down, Up};

use super::dissect::{datagrams, seeds, stream};

/// Feeds a talk to the dissector of IKE.
pub fn ike_datagram(input: &[u8]) {
    datagrams(AppProto::Ike, input);
}

/// Feeds a talk to the dissectors of Kerberos, of datagrams and of a stream.
pub fn krb5_stream(input: &[u8]) {
    datagrams(AppProto::Krb5, input);
    stream(AppProto::Krb5, input);
}

/// Feeds a talk to the dissectors of SIP, of datagrams and of a stream.
pub fn sip_stream(input: &[u8]) {
    datagrams(AppProto::Sip, input);
    stream(AppProto::Sip, input);
}

/// Payloads one after the other, each with its kind.
fn chain(payloads: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, (_, body)) in payloads.iter().enumerate() {
        let next = payloads.get(at + 1).map_or(0, |(kind, _)| *kind);
        let len = u16::try_from(4 + body.len()).expect("a payload of a seed is short");
        bytes.extend([next, 0]);
        bytes.extend(len.to_be_bytes());
        bytes.extend(body);
    }
    bytes
}

fn ike_message(version: u8, exchange: u8, flags: u8, payloads: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let body = chain(payloads);
    let first = payloads.first().map_or(0, |(kind, _)| *kind);
    let len = u32::try_from(28 + body.len()).expect("a seed is short");
    [&[7; 8][..], &[0; 8], &[first, version, exchange, flags, 0, 0, 0, 1], &len.to_be_bytes(), &body].concat()
}

/// Both versions, and a marker in front.
pub fn ike_datagram_seeds() -> Vec<(String, Vec<u8>)> {
    let transform = |kind: u8, id: u8| (3, vec![kind, 0, 0, id]);
    let offer = chain(&[transform(1, 20), transform(2, 5), transform(4, 2)]);
    let association = chain(&[(2, [&[1, 1, 0, 3][..], &offer].concat())]);
    let notify = (41, vec![0, 0, 0x40, 4]);
    let v2 = [(33, association), (34, vec![1; 12]), (40, vec![2; 16]), notify];
    let attributes = vec![1, 1, 0, 0, 0x80, 1, 0, 7, 0, 12, 0, 4, 0, 0, 0x70, 0x80];
    let proposal = [&[1, 1, 0, 1][..], &chain(&[(3, attributes)])].concat();
    let old = [&[0, 0, 0, 1, 0, 0, 0, 1][..], &chain(&[(2, proposal)])].concat();
    let v1 = [(1, old), (13, vec![0xaf, 0xca])];
    let secret = |version, flags| ike_message(version, 5, flags, &[(46, vec![9; 20])]);
    seeds([
        ("v1", vec![(Up, ike_message(0x10, 2, 0, &v1)), (Down, secret(0x10, 1))]),
        ("v2", vec![(Up, ike_message(0x20, 34, 8, &v2)), (Down, ike_message(0x20, 34, 0x20, &v2))]),
        ("marked", vec![(Up, [&[0; 4][..], &secret(0x20, 8)].concat()), (Down, vec![0xff])]),
    ])
}

/// A value in DER, shorter than 128 bytes.
fn der(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    [&[tag, u8::try_from(content.len()).expect("a short value")][..], &content].concat()
}

/// A request and an error, in frames of a stream.
pub fn krb5_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let number = |field: u8, number: u8| der(0xa0 + field, &[&der(2, &[&[number]])]);
    let name = |field: u8, part: &[u8]| {
        let parts = der(0xa1, &[&der(0x30, &[&der(0x1b, &[part])])]);
        der(0xa0 + field, &[&der(0x30, &[&number(0, 1), &parts])])
    };
    let realm = |field: u8| der(0xa0 + field, &[&der(0x1b, &[b"EXAMPLE.COM"])]);
    let body = der(0x30, &[&name(1, b"alice"), &realm(2), &name(3, b"krbtgt")]);
    let request = der(0x6a, &[&der(0x30, &[&number(1, 5), &number(2, 10), &der(0xa4, &[&body])])]);
    let fields = [&number(0, 5)[..], &number(1, 30), &number(6, 25), &realm(9), &name(10, b"krbtgt")];
    let refusal = der(0x7e, &[&der(0x30, &fields)]);
    let encrypted = |field: u8| der(0xa0 + field, &[&der(0x30, &[&number(0, 23)])]);
    let ticket = der(0xa5, &[&der(0x61, &[&der(0x30, &[&name(2, b"host"), &encrypted(3)])])]);
    let answer = der(0x6d, &[&der(0x30, &[&realm(3), &name(4, b"alice"), &ticket, &encrypted(6)])]);
    let framed = |message: &[u8]| {
        let len = u32::try_from(message.len()).expect("a short message");
        [&len.to_be_bytes()[..], message].concat()
    };
    seeds([
        ("datagrams", vec![(Up, request.clone()), (Down, refusal.clone())]),
        ("stream", vec![(Up, framed(&request)), (Down, [framed(&refusal), framed(&answer)].concat())]),
    ])
}

/// A call that begins.
pub fn sip_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let sdp = "v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nr=1\r\nm=audio 4000 RTP/AVP 0\r\na=x\r\n";
    let len = sdp.len();
    let invite =
        format!("INVITE sip:b SIP/2.0\r\nVia: x\r\n y\r\nc: application/sdp\r\nl: {len}\r\n\r\n{sdp}");
    let ringing = "SIP/2.0 180 Ringing\r\nContent-Length: 0\r\n\r\n";
    seeds([
        ("call", vec![(Up, invite.clone().into_bytes()), (Down, ringing.as_bytes().to_vec())]),
        ("pipelined", vec![(Up, format!("\r\n\r\n{invite}{ringing}").into_bytes())]),
        ("bare", vec![(Down, b"SIP/2.0 200 OK\nl:3\n\nabcSIP/2.0 200\n\n".to_vec())]),
    ])
}
