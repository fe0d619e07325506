//! Taking a message apart from its front, as TLS, QUIC and their like write them.
//!
//! Numbers are big-endian; a vector is its length in bytes, then that many bytes
//! (RFC 8446 section 3).

use super::Malformed;

/// What is left to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes are left.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the zeros that come next, and says how many they are.
    pub(crate) fn skip_zeros(&mut self) -> usize {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        self.0 = self.0.get(zeros..).unwrap_or_default();
        zeros
    }

    /// All that is left, taken.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Exactly `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(array)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|&[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(crate) fn u24(&mut self) -> Result<u32, Malformed> {
        self.array().map(|&[b0, b1, b2]| u32::from_be_bytes([0, b0, b1, b2]))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// `len` bytes that something promised.
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Malformed::BeyondEnd)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A vector whose length is one byte.
    pub(crate) fn vector8(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u8()?;
        self.take(len.into())
    }

    /// A vector whose length is two bytes.
    pub(crate) fn vector16(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u16()?;
        self.take(len.into())
    }

    /// A vector whose length is three bytes.
    pub(crate) fn vector24(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u24()?;
        self.take(len as usize)
    }

    /// A vector whose length is two bytes, or what is there of it.
    pub(crate) fn part16(&mut self) -> Result<&'a [u8], Malformed> {
        let len = usize::from(self.u16()?);
        self.take(len.min(self.0.len()))
    }

    /// That nothing is left: a length before said less than there is.
    pub(crate) const fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed::BadLength) }
    }
}

/// The one value that `bytes` holds, no less and no more.
pub(crate) fn whole<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let mut reader = Reader::new(bytes);
    let value = read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_numbers_and_vectors_from_the_front() {
        let mut reader = Reader::new(&[1, 0, 2, 0, 0, 3, 0, 0, 0, 4, 1, 9, 0, 1, 8, 0, 0, 1, 7, 6]);
        assert_eq!((reader.u8(), reader.u16(), reader.u24(), reader.u32()), (Ok(1), Ok(2), Ok(3), Ok(4)));
        assert_eq!(reader.vector8(), Ok(&[9][..]));
        assert_eq!(reader.vector16(), Ok(&[8][..]));
        assert_eq!(reader.vector24(), Ok(&[7][..]));
        assert_eq!(reader.end(), Err(Malformed::BadLength));
        assert_eq!((reader.rest(), reader.end()), (&[6][..], Ok(())));
    }

    #[test]
    fn says_whether_bytes_are_missing_or_were_lied_about() {
        assert_eq!(Reader::new(&[1]).u16(), Err(Malformed::Truncated));
        assert_eq!(Reader::new(&[2, 1]).vector8(), Err(Malformed::BeyondEnd));
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff]).vector24(), Err(Malformed::BeyondEnd));
        assert_eq!(Reader::new(&[0, 9, 1]).part16(), Ok(&[1][..]));
        assert_eq!(whole(&[1, 2], Reader::u8), Err(Malformed::BadLength));
    }
}
