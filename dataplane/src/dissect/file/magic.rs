//! What a file is by its first bytes, in the first words that file(1) has for it,
//! so that what was written for those reads ours.
//!
//! A name and a declared type are what a sender says; this is what opens. The
//! common types of documents, programs, archives, images, sound and text are told
//! apart, nothing within them.

/// So many first bytes are looked at: as far as the mark of a tar archive.
pub const BEGINNING_LEN: usize = 512;

/// Bytes at a place, and what they show. Longer and more telling ones stand first
/// where one is the beginning of another.
const MARKS: &[(usize, &[u8], &str)] = &[
    // Programs.
    (0, b"\x7fELF", "ELF"),
    (0, b"\xfe\xed\xfa\xce", "Mach-O"),
    (0, b"\xfe\xed\xfa\xcf", "Mach-O"),
    (0, b"\xce\xfa\xed\xfe", "Mach-O"),
    (0, b"\xcf\xfa\xed\xfe", "Mach-O"),
    (0, b"dex\n", "Dalvik dex file"),
    (0, b"\0asm", "WebAssembly (wasm) binary module"),
    (0, b"#!/bin/sh", "POSIX shell script"),
    (0, b"#!/bin/bash", "Bourne-Again shell script"),
    (0, b"#!/usr/bin/python", "Python script"),
    (0, b"#!/usr/bin/env python", "Python script"),
    (0, b"#!/usr/bin/perl", "Perl script"),
    (0, b"#!", "script"),
    (0, b"<?php", "PHP script"),
    (0, b"L\0\0\0\x01\x14\x02\0", "MS Windows shortcut"),
    // Documents.
    (0, b"%PDF-", "PDF document"),
    (0, b"{\\rtf", "Rich Text Format data"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Composite Document File V2 Document"),
    (0, b"%!PS-Adobe", "PostScript document"),
    (0, b"ITSF\x03\0\0\0", "MS Windows HtmlHelp Data"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "Microsoft OneNote"),
    // Archives and disks.
    (30, b"mimetypeapplication/epub+zip", "EPUB document"),
    (30, b"mimetypeapplication/vnd.oasis.opendocument", "OpenDocument"),
    (30, b"[Content_Types].xml", "Microsoft OOXML"),
    (30, b"_rels/.rels", "Microsoft OOXML"),
    (30, b"META-INF/", "Java archive data (JAR)"),
    (30, b"AndroidManifest.xml", "Android package (APK)"),
    (0, b"PK\x03\x04", "Zip archive data"),
    (0, b"PK\x05\x06", "Zip archive data (empty)"),
    (0, b"PK\x07\x08", "Zip multi-volume archive data"),
    (0, b"Rar!\x1a\x07", "RAR archive data"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-zip archive data"),
    (0, b"\x1f\x8b", "gzip compressed data"),
    (0, b"\x1f\x9d", "compress'd data"),
    (0, b"BZh", "bzip2 compressed data"),
    (0, b"\xfd7zXZ\0", "XZ compressed data"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard compressed data"),
    (0, b"\x04\x22\x4d\x18", "LZ4 compressed data"),
    (0, b"LZIP", "lzip compressed data"),
    (0, b"MSCF\0\0\0\0", "Microsoft Cabinet archive data"),
    (0, b"!<arch>\ndebian", "Debian binary package"),
    (0, b"!<arch>\n", "current ar archive"),
    (0, b"\xed\xab\xee\xdb", "RPM"),
    (0, b"xar!", "xar archive"),
    (0, b"Cr24", "Google Chrome extension"),
    (0, b"vhdxfile", "Microsoft Disk Image eXtended"),
    (0, b"conectix", "Microsoft Disk Image, Virtual Server or Virtual PC"),
    (0, b"QFI\xfb", "QEMU QCOW Image"),
    (257, b"ustar", "tar archive"),
    // Images.
    (0, b"\x89PNG\r\n\x1a\n", "PNG image data"),
    (0, b"\xff\xd8\xff", "JPEG image data"),
    (0, b"GIF87a", "GIF image data"),
    (0, b"GIF89a", "GIF image data"),
    (0, b"II*\0", "TIFF image data"),
    (0, b"MM\0*", "TIFF image data"),
    (0, b"\0\0\x01\0", "MS Windows icon resource"),
    (0, b"\0\0\x02\0", "MS Windows cursor resource"),
    (0, b"8BPS", "Adobe Photoshop Image"),
    (4, b"ftypavif", "AVIF Image"),
    (4, b"ftypheic", "HEIF Image"),
    // Sound and pictures that move.
    (0, b"OggS", "Ogg data"),
    (0, b"fLaC", "FLAC audio bitstream data"),
    (0, b"ID3", "Audio file with ID3"),
    (0, b"MThd", "Standard MIDI data"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM data"),
    (0, b"FLV\x01", "Macromedia Flash Video"),
    (0, b"FWS", "Macromedia Flash data"),
    (0, b"CWS", "Macromedia Flash data (compressed)"),
    (0, b"ZWS", "Macromedia Flash data (compressed)"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Microsoft ASF"),
    (4, b"ftypM4A", "ISO Media"),
    (4, b"ftypqt", "ISO Media"),
    (4, b"ftyp", "ISO Media"),
    (8, b"WEBPVP8", "RIFF (little-endian) data, Web/P image"),
    (8, b"WAVEfmt ", "RIFF (little-endian) data, WAVE audio"),
    (8, b"AVI LIST", "RIFF (little-endian) data, AVI"),
    // Fonts.
    (0, b"wOFF", "Web Open Font Format"),
    (0, b"wOF2", "Web Open Font Format (Version 2)"),
    (0, b"\0\x01\0\0\0", "TrueType Font data"),
    (0, b"OTTO", "OpenType font data"),
    // Others.
    (0, b"SQLite format 3\0", "SQLite 3.x database"),
    (0, b"\xd4\xc3\xb2\xa1", "pcap capture file"),
    (0, b"\xa1\xb2\xc3\xd4", "pcap capture file"),
    (0, b"\x0a\x0d\x0d\x0a", "pcapng capture file"),
    (0, b"\xac\xed\0\x05", "Java serialization data"),
    (0, b"-----BEGIN CERTIFICATE-----", "PEM certificate"),
    (0, b"-----BEGIN PGP ", "PGP"),
    (0, b"-----BEGIN ", "PEM"),
];

/// Text that begins so, in any case, behind blanks.
const MARKUP: &[(&[u8], &str)] = &[
    (b"<!doctype html", "HTML document"),
    (b"<html", "HTML document"),
    (b"<head", "HTML document"),
    (b"<body", "HTML document"),
    (b"<script", "HTML document"),
    (b"<svg", "SVG Scalable Vector Graphics image"),
    (b"<?xml", "XML document"),
];

/// What a file that begins so is; `None` if that shows nothing.
pub fn label(beginning: &[u8]) -> Option<&'static str> {
    let at = |place: usize, mark: &[u8]| beginning.get(place..).is_some_and(|rest| rest.starts_with(mark));
    if at(0, b"MZ") {
        return Some(program(beginning));
    }
    if at(0, b"\xca\xfe\xba\xbe") {
        return Some(class_or_fat(beginning));
    }
    let is_zip = at(0, b"PK\x03\x04");
    let marked = MARKS.iter().find(|(place, mark, _)| at(*place, mark) && (*place != 30 || is_zip));
    marked.map(|(_, _, words)| *words).or_else(|| text(beginning))
}

/// A program of DOS or of Windows: the newer header is where bytes 60 to 63 say.
fn program(beginning: &[u8]) -> &'static str {
    let place = beginning.get(60..64).and_then(|bytes| bytes.first_chunk());
    let place = place.and_then(|bytes| usize::try_from(u32::from_le_bytes(*bytes)).ok());
    let Some(header) = place.and_then(|place| beginning.get(place..)) else { return "MS-DOS executable" };
    // Behind the mark and 20 bytes, the first two say how wide addresses are.
    match (header, header.get(24..26)) {
        ([b'P', b'E', 0, 0, ..], Some([0x0b, 0x02])) => "PE32+ executable",
        ([b'P', b'E', 0, 0, ..], _) => "PE32 executable",
        ([b'N', b'E', ..], _) => "MS-DOS executable, NE",
        _ => "MS-DOS executable",
    }
}

/// Java's classes and programs of macOS for several processors begin alike; what
/// follows is a version there, from 45 on, and a small count here.
fn class_or_fat(beginning: &[u8]) -> &'static str {
    match beginning.get(4..8) {
        Some([0, 0, 0, count]) if *count < 40 => "Mach-O universal binary",
        _ => "compiled Java class data",
    }
}

/// Markup, or text without control characters.
fn text(beginning: &[u8]) -> Option<&'static str> {
    let unmarked = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    let shown = unmarked.trim_ascii_start();
    let begins = |mark: &[u8]| shown.get(..mark.len()).is_some_and(|first| first.eq_ignore_ascii_case(mark));
    if let Some((_, words)) = MARKUP.iter().find(|(mark, _)| begins(mark)) {
        return Some(words);
    }
    if shown.is_empty() {
        return None;
    }
    let is_plain = |byte: &u8| matches!(byte, 0x07..=0x0d | 0x1b | 0x20..=0x7e | 0x80..);
    if !beginning.iter().all(is_plain) {
        return None;
    }
    if shown.starts_with(b"{") || shown.starts_with(b"[") {
        return Some("JSON text data");
    }
    if beginning.is_ascii() {
        return Some("ASCII text");
    }
    // The last character may be cut.
    match std::str::from_utf8(beginning) {
        Ok(_) => Some("UTF-8 Unicode text"),
        Err(error) if error.error_len().is_none() => Some("UTF-8 Unicode text"),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_shows_what_its_row_says() {
        for (place, mark, words) in MARKS {
            let mut beginning = if *place == 30 { b"PK\x03\x04".to_vec() } else { Vec::new() };
            beginning.resize(*place, 0);
            beginning.extend_from_slice(mark);
            assert_eq!(label(&beginning), Some(*words), "{mark:?}");
        }
        for (mark, words) in MARKUP {
            assert_eq!(label(&[b"\xef\xbb\xbf \r\n", &mark.to_ascii_uppercase()[..]].concat()), Some(*words));
        }
    }

    #[test]
    fn programs_are_told_apart_by_their_newer_header() {
        let program = |header: &[u8]| {
            let mut bytes = b"MZ".to_vec();
            bytes.resize(60, 0);
            bytes.extend_from_slice(&128_u32.to_le_bytes());
            bytes.resize(128, 0);
            bytes.extend_from_slice(header);
            label(&bytes)
        };
        let pe = |magic: [u8; 2]| [b"PE\0\0", &[0; 20][..], &magic].concat();
        assert_eq!(program(&pe([0x0b, 0x01])), Some("PE32 executable"));
        assert_eq!(program(&pe([0x0b, 0x02])), Some("PE32+ executable"));
        assert_eq!(program(b"NE"), Some("MS-DOS executable, NE"));
        assert_eq!(label(b"MZ"), Some("MS-DOS executable"));
        assert_eq!(label(b"\xca\xfe\xba\xbe\0\0\0\x34"), Some("compiled Java class data"));
        assert_eq!(label(b"\xca\xfe\xba\xbe\0\0\0\x02"), Some("Mach-O universal binary"));
    }

    #[test]
    fn text_is_told_from_bytes() {
        assert_eq!(label(b"hello\n"), Some("ASCII text"));
        assert_eq!(label("gr\u{fc}n".as_bytes()), Some("UTF-8 Unicode text"));
        assert_eq!(label(b"gr\xc3"), Some("UTF-8 Unicode text"));
        assert_eq!(label(b" {\"a\":1}"), Some("JSON text data"));
        assert_eq!((label(b""), label(b"  "), label(b"a\0b"), label(b"\xff\xffa")), (None, None, None, None));
    }
}
