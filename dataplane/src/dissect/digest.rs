//! Digests as text, and bytes in hexadecimal digits.
//!
//! Whoever hashes while bytes stream by, or keeps a digest as bytes, hashes for
//! itself.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

/// MD5 in 32 hexadecimal digits: what is usual for JA3 and HASSH.
pub(super) fn md5_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&Md5::digest(bytes))
}

/// The first twelve hexadecimal digits of SHA-256; zeros for nothing (JA4).
pub(super) fn sha256_12(text: &str) -> String {
    if text.is_empty() {
        return "000000000000".into();
    }
    hex(Sha256::digest(text.as_bytes()).get(..6).unwrap_or_default())
}

/// SHA-1 of a certificate, in 40 hexadecimal digits.
pub(super) fn sha1_hex(der: &[u8]) -> String {
    hex(&Sha1::digest(der))
}

/// SHA-256 of a certificate, in 64 hexadecimal digits.
pub(super) fn sha256_hex(der: &[u8]) -> String {
    hex(&Sha256::digest(der))
}

/// Two lowercase digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_published_ones() {
        let text = "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0";
        assert_eq!(md5_hex(text), "ada70206e40642a3e4461f35503241d5");
        let suites = "002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9";
        assert_eq!((sha256_12(suites), sha256_12("")), ("8daaf6152771".into(), "000000000000".into()));
        assert_eq!(sha1_hex(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(sha256_hex(b"abc").starts_with("ba7816bf8f01cfea"));
    }
}
