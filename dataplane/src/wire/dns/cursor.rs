//! Reading a message at a place: names point elsewhere in it.

use super::super::Malformed;
use super::name::{Flaws, Name};

/// A place in a message, and how far may be read from there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) message: &'a [u8],
    pub(super) at: usize,
    /// Where what is read ends: the message's end, or that of a record's data.
    pub(super) end: usize,
    /// Bytes that names may still walk.
    pub(super) walk: usize,
    /// What was wrong with the names read.
    pub(super) flaws: Flaws,
}

impl<'a> Cursor<'a> {
    /// At a place of a message, to its end.
    pub(super) const fn new(message: &'a [u8], at: usize) -> Self {
        Self { message, at, end: message.len(), walk: usize::MAX, flaws: Flaws::empty() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    fn left(&self) -> &'a [u8] {
        self.message.get(self.at..self.end).unwrap_or_default()
    }

    /// All that is left, taken.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        let rest = self.left();
        self.at = self.end;
        rest
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let array = self.left().first_chunk::<N>().ok_or(Malformed::Truncated)?;
        self.at += N;
        Ok(*array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// `len` bytes that something promised.
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let taken = self.left().get(..len).ok_or(Malformed::BeyondEnd)?;
        self.at += len;
        Ok(taken)
    }

    /// A text whose length is one byte.
    pub(super) fn text(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u8()?;
        self.take(len.into())
    }

    /// A name; it may point to what stands before it in the message.
    pub(super) fn name(&mut self) -> Result<Name<'a>, Malformed> {
        let (name, walked, next) = Name::decode(self.message, self.at)?;
        self.walk = self.walk.checked_sub(walked).ok_or(Malformed::TooDeep)?;
        if next > self.end {
            return Err(Malformed::BeyondEnd);
        }
        self.at = next;
        self.flaws |= name.flaws;
        Ok(name)
    }

    /// That nothing is left: a length before said less than there is.
    pub(super) const fn finish(&self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed::BadLength) }
    }
}
