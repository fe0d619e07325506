//! The key that a server shows for itself, out of its answer in the key exchange
//! (RFC 4253 section 8 and those after it).
//!
//! Which message has it depends on the method: the reply of Diffie-Hellman and of
//! elliptic curves (31), of group exchange (33, RFC 4419), the first one of RSA
//! (30, RFC 4432), GSS-API's own (33, RFC 4462). In each the key comes first, and
//! a key begins with its kind, which nothing else in these messages does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use md5::{Digest as _, Md5};
use sha2::Sha256;

/// The messages of servers that may show a key.
pub(super) const MESSAGES: std::ops::RangeInclusive<u8> = 30..=33;

/// The longest name of an algorithm (RFC 4251 section 6).
const NAME_MAX: usize = 64;

/// The key of a host, by its fingerprints. That of a certificate is of all of it,
/// not of the key in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// Its kind: `ssh-ed25519`, `rsa-sha2-512`'s is `ssh-rsa`.
    pub kind: String,
    /// SHA-256 in Base64 without padding, as OpenSSH writes it after `SHA256:`.
    pub sha256: String,
    /// MD5 in hexadecimal digits with colons between them.
    pub md5: String,
}

impl HostKey {
    /// The key at the beginning of a message, after its number.
    pub(super) fn find(payload: &[u8]) -> Option<Self> {
        let (key, _) = string(payload)?;
        let (kind, rest) = string(key)?;
        let is_name = (1..=NAME_MAX).contains(&kind.len())
            && kind.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',');
        let (kind, true) = (std::str::from_utf8(kind).ok()?, is_name && !rest.is_empty()) else {
            return None;
        };
        let pairs: Vec<String> = Md5::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { kind: kind.to_owned(), sha256: base64(&Sha256::digest(key)), md5: pairs.join(":") })
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        self.kind.len() + self.sha256.len() + self.md5.len()
    }
}

/// A string: a length in four bytes, and so many bytes (RFC 4251 section 5).
/// Gives it, and what follows it.
pub(super) fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)
}

/// A SHA-256 in Base64 without padding.
fn base64(digest: &[u8]) -> String {
    let mut text = [0; 43];
    let len = STANDARD_NO_PAD.encode_slice(digest, &mut text).unwrap_or(0);
    text.iter().take(len).map(|byte| char::from(*byte)).collect()
}
