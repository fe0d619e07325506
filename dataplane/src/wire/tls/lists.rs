//! Lists as TLS writes them: of numbers, and of vectors.
//!
//! A list is checked when it is made; walking it then cannot fail.

use std::marker::PhantomData;

use super::super::Malformed;
use super::reader::Reader;

/// A list of 16-bit numbers, each a `T` (a suite, a group, ...).
#[derive(Debug, PartialEq, Eq)]
pub struct Numbers<'a, T> {
    bytes: &'a [u8],
    number: PhantomData<T>,
}

impl<T> Clone for Numbers<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Numbers<'_, T> {}

impl<T> Default for Numbers<'_, T> {
    fn default() -> Self {
        Self { bytes: &[], number: PhantomData }
    }
}

impl<'a, T: From<u16>> Numbers<'a, T> {
    /// Over its bytes, the list's own length not included; an odd number of
    /// bytes is no list.
    pub const fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if !bytes.len().is_multiple_of(2) {
            return Err(Malformed::BadLength);
        }
        Ok(Self { bytes, number: PhantomData })
    }

    /// The numbers in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + use<'a, T> {
        let (pairs, _) = self.bytes.as_chunks::<2>();
        pairs.iter().map(|pair| T::from(u16::from_be_bytes(*pair)))
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.bytes.len() / 2
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// As they are on the wire, without the list's length.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// How long the length of each vector in a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prefix {
    One,
    Two,
}

/// A list of vectors: names of protocols, certificates' timestamps, ...
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vectors<'a> {
    bytes: &'a [u8],
    prefix: Prefix,
}

impl<'a> Vectors<'a> {
    /// Vectors with lengths of one byte.
    pub(super) fn short(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self { bytes, prefix: Prefix::One }.checked()
    }

    /// Vectors with lengths of two bytes.
    pub(super) fn long(bytes: &'a [u8]) -> Result<Self, Malformed> {
        Self { bytes, prefix: Prefix::Two }.checked()
    }

    fn checked(self) -> Result<Self, Malformed> {
        let mut reader = Reader::new(self.bytes);
        while !reader.is_empty() {
            self.prefix.vector(&mut reader)?;
        }
        Ok(self)
    }

    /// The vectors in their order, without their lengths.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (mut reader, prefix) = (Reader::new(self.bytes), self.prefix);
        std::iter::from_fn(move || if reader.is_empty() { None } else { prefix.vector(&mut reader).ok() })
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl Prefix {
    fn vector<'a>(self, reader: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
        match self {
            Self::One => reader.vector8(),
            Self::Two => reader.vector16(),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_in_pairs() {
        let list = Numbers::<u16>::new(&[0, 1, 0x13, 2]).unwrap();
        assert_eq!(list.iter().collect::<Vec<_>>(), [1, 0x1302]);
        assert_eq!((list.len(), list.is_empty()), (2, false));
        assert_eq!(Numbers::<u16>::new(&[0, 1, 2]), Err(Malformed::BadLength));
    }

    #[test]
    fn vectors_are_checked_to_their_end() {
        let list = Vectors::short(b"\x02h2\x00\x08http/1.1").unwrap();
        assert_eq!(list.iter().collect::<Vec<_>>(), [&b"h2"[..], b"", b"http/1.1"]);
        assert_eq!(Vectors::short(b"\x02h2\x01"), Err(Malformed::BeyondEnd));
        assert_eq!(Vectors::long(b"\x00\x01x\x00"), Err(Malformed::Truncated));
    }
}
