//! `server_name` of a client (RFC 6066 section 3).

use super::super::super::Malformed;
use super::super::reader::Reader;

/// The type of a name that is one of a host.
pub const HOST_NAME: u8 = 0;

/// The names that the client means, each whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerNames<'a>(&'a [u8]);

impl<'a> ServerNames<'a> {
    /// Over its bytes, the list's own length not included.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            read(&mut reader)?;
        }
        Ok(Self(bytes))
    }

    /// Types and names in their order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || if reader.is_empty() { None } else { read(&mut reader).ok() })
    }

    /// The first name of a host, as it was written: no character is certain.
    pub fn host(&self) -> Option<&'a [u8]> {
        self.iter().find(|(kind, _)| *kind == HOST_NAME).map(|(_, name)| name)
    }
}

fn read<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), Malformed> {
    Ok((reader.u8()?, reader.vector16()?))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_name_of_a_host() {
        let bytes = b"\x07\x00\x01?\x00\x00\x01a\x00\x00\x01b";
        let names = ServerNames::new(bytes).unwrap();
        assert_eq!(names.host(), Some(&b"a"[..]));
        assert_eq!(names.iter().count(), 3);
        assert_eq!(ServerNames::new(&[]).unwrap().host(), None);
    }

    #[test]
    fn refuses_every_truncation() {
        let bytes = b"\x00\x00\x02ab";
        for len in 1..bytes.len() {
            assert!(ServerNames::new(&bytes[..len]).is_err(), "{len} bytes");
        }
    }
}
