//! `key_share` (RFC 8446 section 4.2.8): a group, and a public key of it.

use super::super::super::Malformed;
use super::super::Group;
use super::super::reader::Reader;

/// One share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share<'a> {
    /// The group.
    pub group: Group,
    /// The public key, in the group's own form.
    pub key: &'a [u8],
}

impl<'a> Share<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self { group: Group(reader.u16()?), key: reader.vector16()? })
    }
}

/// The shares of a client, each whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares<'a>(&'a [u8]);

impl<'a> Shares<'a> {
    /// Over its bytes, the list's own length not included.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            Share::read(&mut reader)?;
        }
        Ok(Self(bytes))
    }

    /// The shares in the client's order of preference.
    pub fn iter(&self) -> impl Iterator<Item = Share<'a>> + use<'a> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || if reader.is_empty() { None } else { Share::read(&mut reader).ok() })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    #[test]
    fn gives_each_share_and_refuses_every_truncation() {
        let bytes = [0x2a, 0x2a, 0, 1, 0, 0, 29, 0, 2, 7, 8];
        let shares: Vec<_> = Shares::new(&bytes).unwrap().iter().collect();
        assert_eq!(
            shares,
            [Share { group: Group(0x2a2a), key: &[0] }, Share { group: Group::X25519, key: &[7, 8] }]
        );
        for len in 1..bytes.len() {
            assert_eq!(Shares::new(&bytes[..len]).is_ok(), len == 5, "{len} bytes");
        }
    }
}
