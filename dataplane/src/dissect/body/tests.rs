//! Bodies of our own making, decoded however they are cut.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::*;

/// Text that packs, of several pieces of output.
fn text() -> Vec<u8> {
    (0..6000_u32)
        .flat_map(|number| {
            format!("{} and {} more; ", number, number.wrapping_mul(2_654_435_761)).into_bytes()
        })
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bare(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// Brotli of bytes as they are (RFC 7932, section 9.2): a window of 64 KiB, then
/// meta-blocks that are not compressed, then an empty last one.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut is_first = true;
    for piece in bytes.chunks(1 << 16) {
        // Not the last; length minus one in four nibbles; not compressed.
        let header = (u32::try_from(piece.len()).unwrap() - 1) << 3 | 1 << 19;
        // The window's size is one bit, 0, in front of the first.
        let header = if std::mem::take(&mut is_first) { header << 1 } else { header };
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.extend_from_slice(piece);
    }
    // Last and empty.
    out.push(3);
    out
}

fn decoded(codings: &str, bytes: &[u8], cut: usize) -> (Vec<u8>, Outcome) {
    let mut decoder = Decoder::new(codings.as_bytes());
    let mut out = Vec::new();
    for piece in bytes.chunks(cut) {
        decoder.feed(piece, &mut |bytes| {
            assert!(!bytes.is_empty());
            out.extend_from_slice(bytes);
        });
        assert!(decoder.held() <= HELD_MAX);
    }
    let outcome = decoder.end(&mut |bytes| out.extend_from_slice(bytes));
    assert_eq!(decoder.held(), 0);
    (out, outcome)
}

#[track_caller]
fn assert_decodes(codings: &str, bytes: &[u8], expected: &[u8], outcome: Outcome) {
    for cut in [1, 7, 1448, bytes.len().max(1)] {
        let (out, found) = decoded(codings, bytes, cut);
        assert!(out == expected, "{codings} cut at {cut}: {} bytes of {}", out.len(), expected.len());
        assert_eq!(found, outcome, "{codings} cut at {cut}");
    }
}

#[test]
fn each_coding_is_undone() {
    let text = text();
    assert_decodes("", &text, &text, Outcome::Sound);
    assert_decodes("gzip", &gzip(&text), &text, Outcome::Sound);
    assert_decodes("x-gzip", &gzip(&text), &text, Outcome::Sound);
    assert_decodes("deflate", &zlib(&text), &text, Outcome::Sound);
    assert_decodes("deflate", &bare(&text), &text, Outcome::Sound);
    assert_decodes("br", &brotli(&text), &text, Outcome::Sound);
    assert_decodes("zstd", &zstd(&text), &text, Outcome::Sound);
}

#[test]
fn codings_upon_each_other_are_undone_last_first() {
    let text = text();
    assert_decodes("gzip, br", &brotli(&gzip(&text)), &text, Outcome::Sound);
    assert_decodes("zstd, deflate, gzip", &gzip(&zlib(&zstd(&text))), &text, Outcome::Sound);
    assert_decodes("foo, gzip", &gzip(&text), &text, Outcome::Sound);
    assert!(Decoder::new(b"foo, gzip").has_unknown());
    assert!(Decoder::new(b"gzip,gzip,gzip,gzip").has_too_many());
}

#[test]
fn deflate_shows_itself_under_the_other_name() {
    let text = text();
    assert_decodes("deflate", &gzip(&text), &text, Outcome::Sound);
    assert_decodes("gzip", &zlib(&text), &text, Outcome::Sound);
}

#[test]
fn headers_of_gzip_are_read_whatever_they_hold() {
    let text = text();
    let plain = gzip(&text);
    let content = &plain[10..];
    let head = |flags| [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3];
    let all = [&head(0x1f)[..], &[3, 0, 1, 2, 3], b"name\0", b"comment\0", &[9, 9], content].concat();
    assert_decodes("gzip", &all, &text, Outcome::Sound);
    let empty_extra = [&head(0x04)[..], &[0, 0], content].concat();
    assert_decodes("gzip", &empty_extra, &text, Outcome::Sound);
}

#[test]
fn members_and_frames_follow_each_other() {
    let two = [gzip(b"one "), vec![0; 5], gzip(b"two")].concat();
    assert_decodes("gzip", &two, b"one two", Outcome::Sound);
    let skipped = [0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let frames = [&zstd(b"one ")[..], &skipped, &zstd(b"two")].concat();
    assert_decodes("zstd", &frames, b"one two", Outcome::Sound);
}

#[test]
fn what_is_behind_the_end_is_passed_over() {
    let text = text();
    for (codings, bytes) in
        [("gzip", gzip(&text)), ("deflate", zlib(&text)), ("br", brotli(&text)), ("zstd", zstd(&text))]
    {
        assert_decodes(codings, &[&bytes[..], b"garbage"].concat(), &text, Outcome::Sound);
    }
}

#[test]
fn a_trailer_may_be_wrong_or_missing() {
    let text = text();
    let whole = gzip(&text);
    for len in whole.len() - 8..whole.len() {
        assert_decodes("gzip", &whole[..len], &text, Outcome::Sound);
    }
    let mut wrong = whole;
    wrong.iter_mut().rev().take(8).for_each(|byte| *byte ^= 0x55);
    assert_decodes("gzip", &wrong, &text, Outcome::Sound);
}

#[test]
fn what_is_cut_short_comes_out_as_far_as_it_goes() {
    let text = text();
    let codings = [
        ("gzip", gzip(&text), Coding::Gzip),
        ("deflate", bare(&text), Coding::Deflate),
        ("br", brotli(&text), Coding::Brotli),
        ("zstd", zstd(&text), Coding::Zstd),
    ];
    for (name, bytes, coding) in codings {
        let (out, outcome) = decoded(name, &bytes[..bytes.len() * 9 / 10], 100);
        assert_eq!(outcome, Outcome::Truncated(coding));
        assert!(text.starts_with(&out), "{name}");
        assert!(out.len() > text.len() / 4, "{name}: {} of {}", out.len(), text.len());
    }
}

#[test]
fn what_was_never_encoded_passes_as_it_is() {
    let text = b"<html><body>not encoded at all</body></html>".repeat(100);
    assert_decodes("gzip", &text, &text, Outcome::Raw(Coding::Gzip));
    assert_decodes("zstd", &text, &text, Outcome::Raw(Coding::Zstd));
    assert_decodes("deflate", &text, &text, Outcome::Raw(Coding::Deflate));
    // Coded once, but announced twice.
    assert_decodes("gzip, gzip", &gzip(&text), &text, Outcome::Raw(Coding::Gzip));
}

#[test]
fn what_breaks_on_its_way_ends_there() {
    // A block as it is, then one of a kind that does not exist.
    let bytes = [0, 3, 0, 0xfc, 0xff, b'a', b'b', b'c', 7, 0];
    assert_decodes("deflate", &bytes, b"abc", Outcome::Broken(Coding::Deflate));
    let text = text();
    let mut bytes = zstd(&text);
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0xff);
    let (out, outcome) = decoded("zstd", &bytes, 1000);
    assert_eq!(outcome, Outcome::Broken(Coding::Zstd));
    assert!(out.len() <= text.len());
}

#[test]
fn behind_a_gap_nothing_is_decoded() {
    let text = text();
    let bytes = gzip(&text);
    let mut decoder = Decoder::new(b"gzip");
    let mut out = Vec::new();
    decoder.feed(&bytes[..bytes.len() / 2], &mut |bytes| out.extend_from_slice(bytes));
    assert_eq!(decoder.gap(&mut |bytes| out.extend_from_slice(bytes)), Outcome::Broken(Coding::Gzip));
    let len = out.len();
    decoder.feed(&bytes[bytes.len() / 2..], &mut |bytes| out.extend_from_slice(bytes));
    assert!(text.starts_with(&out) && out.len() == len);
    assert_eq!(Decoder::new(b"").gap(&mut |_| {}), Outcome::Sound);
}

#[test]
fn a_bomb_is_stopped_at_its_ratio() {
    let zeros = vec![0; 4 << 20];
    for (codings, coding, bytes) in [
        ("gzip", Coding::Gzip, gzip(&zeros)),
        ("zstd", Coding::Zstd, zstd(&zeros)),
        ("gzip, gzip", Coding::Gzip, gzip(&gzip(&zeros))),
    ] {
        let most = (bytes.len() as u64 * RATIO_MAX).max(RATIO_FREE);
        let mut decoder = Decoder::new(codings.as_bytes());
        let mut len = 0;
        for piece in bytes.chunks(1448) {
            decoder.feed(piece, &mut |bytes| len += bytes.len() as u64);
        }
        assert_eq!(decoder.end(&mut |_| {}), Outcome::Bomb(coding), "{codings}");
        assert!(len <= most && len >= RATIO_FREE / 2, "{codings}: {len} of {most}");
    }
}

#[test]
fn windows_beyond_those_of_content_codings_are_refused() {
    // A frame with a window of 16 MiB, and one block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 14 << 3, 1, 0, 0];
    assert_eq!(decoded("zstd", &frame, 100), (frame.to_vec(), Outcome::Raw(Coding::Zstd)));
    // A large window of Brotli.
    assert_eq!(decoded("br", &[0x11, 0x3f, 3], 100).1, Outcome::Raw(Coding::Brotli));
}

#[test]
fn nothing_comes_of_nothing() {
    for codings in ["", "gzip", "deflate", "br", "zstd"] {
        assert_eq!(decoded(codings, b"", 1), (Vec::new(), Outcome::Sound), "{codings}");
    }
}
