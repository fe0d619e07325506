//! Bodies in their codings, mails and forms, and HTTP/2, out of any bytes.

use tidegate::app_proto::AppProto;
use tidegate::dissect::body::{self, Decoder, Outcome};
use tidegate::dissect::mime::{self, Event, Mime};
use tidegate::flow::Direction::{Down, Up};

use super::dissect::{seeds, stream};

/// What a first byte stands for, of a body.
const CODINGS: [&str; 6] = ["gzip", "deflate", "br", "zstd", "zstd, gzip", "gzip, br, deflate"];

fn decode(codings: &str, bytes: &[u8], piece_max: usize) -> (Vec<u8>, Outcome) {
    let mut decoder = Decoder::new(codings.as_bytes());
    let mut decoded = Vec::new();
    for piece in bytes.chunks(piece_max) {
        decoder.feed(piece, &mut |bytes| decoded.extend_from_slice(bytes));
        assert!(decoder.held() <= body::HELD_MAX, "{} bytes are held", decoder.held());
    }
    let outcome = decoder.end(&mut |bytes| decoded.extend_from_slice(bytes));
    assert_eq!(decoder.held(), 0);
    let most = (bytes.len() as u64 * body::RATIO_MAX).clamp(body::RATIO_FREE, body::DECODED_MAX);
    assert!(decoded.len() as u64 <= most + bytes.len() as u64);
    (decoded, outcome)
}

/// Decodes a body whole and byte by byte: a byte for its codings, and the body.
///
/// # Panics
/// When how it is cut changes what comes out, or more is held or comes out than is
/// promised: that is the finding.
pub fn body_decode(input: &[u8]) {
    let Some((first, bytes)) = input.split_first() else { return };
    let codings = CODINGS[usize::from(*first) % CODINGS.len()];
    let (whole, bytewise) = (decode(codings, bytes, usize::MAX), decode(codings, bytes, 1));
    // Where a bomb is stopped depends on what has come of its fuse; and what Brotli
    // has in hand when it breaks is lost with it.
    let is_borne = |outcome: Outcome| match outcome {
        Outcome::Bomb(_) => true,
        Outcome::Raw(_) | Outcome::Broken(_) => codings.contains("br"),
        Outcome::Sound | Outcome::Truncated(_) => false,
    };
    if !is_borne(whole.1) && !is_borne(bytewise.1) {
        assert!(whole == bytewise, "{codings}: {:?} and {:?}", whole.1, bytewise.1);
    }
}

/// Seeds of [`body_decode`]: each coding of bytes as they are.
///
/// # Panics
/// Never.
pub fn body_decode_seeds() -> Vec<(String, Vec<u8>)> {
    let text = b"so it goes, so it goes";
    let block = [&[1, 22, 0, 0xe9, 0xff], &text[..]].concat();
    // Blocks by fixed codes: ten times `a` as one and a copy of nine before it.
    let packed = [0x4b, 0x84, 0x03, 0x00];
    let gzip = |content: &[u8]| {
        [&[0x1f, 0x8b, 8, 0x1c, 0, 0, 0, 0, 0, 3, 2, 0, 1, 2, b'n', 0, b'c', 0], content, &[0; 8]].concat()
    };
    let zstd = [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, 22, 0xb1, 0, 0], &text[..]].concat();
    let run = [0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x53, 0x00, 0x00, b'a', 1, 2, 3, 4];
    // 22 bytes as they are in a window of 64 KiB, and the end.
    let brotli = [&[0x50, 0x01, 0x10], &text[..], &[3]].concat();
    let seed = |name: &str, codings: u8, body: &[u8]| (name.to_owned(), [&[codings], body].concat());
    vec![
        seed("gzip", 0, &[gzip(&block), gzip(&packed)].concat()),
        seed("zlib", 1, &[&[0x78, 0x9c], &packed[..]].concat()),
        seed("bare", 1, &packed),
        seed("brotli", 2, &brotli),
        seed("zstd", 3, &[&zstd, &run[..]].concat()),
        seed("zstd_gzip", 4, &gzip(&[&[1, 31, 0, 0xe0, 0xff], &zstd[..]].concat())),
        seed("plain", 0, text),
    ]
}

/// What a mail or a form tells, with its contents joined.
fn read(mut mime: Mime, bytes: &[u8], piece_max: usize) -> Vec<String> {
    let (mut told, mut content) = (Vec::new(), Vec::new());
    let mut on = |event: Event<'_>| {
        if let Event::Bytes(bytes) = event {
            assert!(!bytes.is_empty());
            content.extend_from_slice(bytes);
            return;
        }
        told.push(format!("{:?}", std::mem::take(&mut content)));
        told.push(format!("{event:?}"));
        if let Event::Head(head) = event {
            told.push(format!("{:?} {:?} {:?}", head.name(), head.file_name(), head.content_type()));
        }
    };
    for piece in bytes.chunks(piece_max) {
        mime.feed(piece, &mut on);
        assert!(mime.held() <= mime::HELD_MAX, "{} bytes are held", mime.held());
    }
    mime.end(&mut on);
    told
}

/// Reads a mail and a form whole and byte by byte.
///
/// # Panics
/// When how it is cut changes what is told, or more is held than is promised: that
/// is the finding.
pub fn mime_stream(input: &[u8]) {
    assert_eq!(read(Mime::mail(), input, usize::MAX), read(Mime::mail(), input, 1));
    let form = || Mime::form(b"b");
    assert_eq!(read(form(), input, usize::MAX), read(form(), input, 1));
    let _ = std::hint::black_box((mime::decode_words(input), mime::parameter(input, "a")));
}

/// Seeds of [`mime_stream`].
pub fn mime_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let seed = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    vec![
        seed(
            "mail",
            b"Subject: =?utf-8?q?gr=C3=BCn?= =?utf-8?b?Z3LDvG4=?=\r\nContent-Type: multipart/mixed;\r\n \
              boundary=\"out\"\r\n\r\n--out\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\n\
              Content-Transfer-Encoding: quoted-printable\r\n\r\ngr=C3=BCn=\r\n er  \r\n--in--\r\n--out\r\n\
              Content-Disposition: attachment; filename*0*=UTF-8''a%20; filename*1=b\r\n\
              Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--out\r\nContent-Type: message/rfc822\r\n\r\n\
              Subject: in\r\n\r\ninner\r\n--out--\r\n",
        ),
        seed(
            "form",
            b"--b\r\nContent-Disposition: form-data; name=\"one\"; filename=\"C:\\a.exe\"\r\n\r\n1\r\n-\r\n--\r\n\
              --bx\r\n--b \t\r\nA: b\r\n\r\n2\n--b--\r\nend",
        ),
    ]
}

/// Feeds a talk to the dissector of HTTP/2.
pub fn http2_stream(input: &[u8]) {
    stream(AppProto::Http2, input);
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).expect("a frame of a seed is short");
    [&[0, 0, len, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Seeds of [`http2_stream`].
pub fn http2_stream_seeds() -> Vec<(String, Vec<u8>)> {
    const REQUEST: &[u8] = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
    let client = |frames: &[Vec<u8>]| {
        let settings = frame(4, 0, 0, &[0, 1, 0, 0, 16, 0]);
        (Up, [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..], &frames.concat()].concat())
    };
    let server = |frames: &[Vec<u8>]| (Down, frames.concat());
    let (head, tail) = REQUEST.split_at(6);
    let plain = vec![
        client(&[frame(1, 5, 1, REQUEST), frame(1, 4, 3, b"\x83\x86\x84\xbe"), frame(0, 9, 3, b"\x01up\0")]),
        server(&[frame(4, 1, 0, &[]), frame(1, 4, 1, b"\x88\x5a\x04gzip"), frame(0, 1, 1, b"%PDF-")]),
        server(&[frame(5, 4, 3, &[&[0, 0, 0, 2], REQUEST].concat()), frame(1, 5, 2, b"\x8d")]),
        server(&[frame(3, 0, 3, &[0, 0, 0, 8]), frame(7, 0, 0, &[0, 0, 0, 3, 0, 0, 0, 11])]),
    ];
    let pieces = vec![
        client(&[frame(1, 0x28, 1, &[&[1, 0, 0, 0, 0, 9], head, &[0]].concat()), frame(9, 4, 1, tail)]),
        client(&[
            frame(2, 0, 1, &[0, 0, 0, 0, 7]),
            frame(1, 5, 5, b"\x3f\xe1\x1f\x40\x01a\x01b\x10\x01c\x00\xbe"),
        ]),
    ];
    seeds([("exchanges", plain), ("pieces", pieces)])
}
