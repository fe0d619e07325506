//! First bytes, read in order: what recognisers are made of.
//!
//! Reading past what has come is [`Unfit::Short`], a byte that does not fit is
//! [`Unfit::Wrong`]; both leave a recogniser through `?`. A literal is compared
//! as far as it has come, so that the first wrong byte already decides.

use crate::app_proto::AppProto;
use crate::flow::Direction;

/// Why bytes are not (yet) a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// They fit so far.
    Short,
    /// They do not fit.
    Wrong,
}

/// What a recogniser says.
pub(super) type Fit = Result<AppProto, Unfit>;

/// What a recogniser is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct First<'a> {
    /// A direction's first bytes, or a datagram.
    pub(super) bytes: &'a [u8],
    /// Who sent them.
    pub(super) direction: Direction,
    /// The ports, client's and server's.
    pub(super) ports: (u16, u16),
    /// Whether no more will be shown.
    pub(super) is_all: bool,
}

impl<'a> First<'a> {
    /// A reader of the bytes, from the first on.
    pub(super) const fn reader(&self) -> Reader<'a> {
        Reader { rest: self.bytes }
    }

    /// Whether one of the ports is one of these. Both count: where a flow is
    /// met in its middle, who is the server is a guess.
    pub(super) fn has_port(&self, known: &[u16]) -> bool {
        known.contains(&self.ports.1) || known.contains(&self.ports.0)
    }
}

/// `Wrong` unless it holds.
pub(super) const fn need(holds: bool) -> Result<(), Unfit> {
    if holds { Ok(()) } else { Err(Unfit::Wrong) }
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has come and was not read.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes [`Self::rest`] has.
    pub(super) const fn len(&self) -> usize {
        self.rest.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unfit> {
        let (first, rest) = self.rest.split_first_chunk::<N>().ok_or(Unfit::Short)?;
        self.rest = rest;
        Ok(*first)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Result<u8, Unfit> {
        self.array().map(|[byte]| byte)
    }

    /// The next byte, if it is one that `fits`.
    pub(super) fn byte_that(&mut self, fits: impl Fn(u8) -> bool) -> Result<u8, Unfit> {
        let byte = self.byte()?;
        need(fits(byte))?;
        Ok(byte)
    }

    /// Two bytes, big-endian.
    pub(super) fn u16(&mut self) -> Result<u16, Unfit> {
        self.array().map(u16::from_be_bytes)
    }

    /// Three bytes, big-endian.
    pub(super) fn u24(&mut self) -> Result<u32, Unfit> {
        self.array().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Four bytes, big-endian.
    pub(super) fn u32(&mut self) -> Result<u32, Unfit> {
        self.array().map(u32::from_be_bytes)
    }

    /// Two bytes, little-endian.
    pub(super) fn u16_le(&mut self) -> Result<u16, Unfit> {
        self.array().map(u16::from_le_bytes)
    }

    /// Three bytes, little-endian.
    pub(super) fn u24_le(&mut self) -> Result<u32, Unfit> {
        self.array().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    /// Four bytes, little-endian.
    pub(super) fn u32_le(&mut self) -> Result<u32, Unfit> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Unfit> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Unfit::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// These bytes; what has come of them must fit.
    pub(super) fn literal(&mut self, expected: &[u8]) -> Result<(), Unfit> {
        self.fits(expected, |a, b| a == b)
    }

    /// This word, in letters of any case.
    pub(super) fn word(&mut self, expected: &[u8]) -> Result<(), Unfit> {
        self.fits(expected, u8::eq_ignore_ascii_case)
    }

    fn fits(&mut self, expected: &[u8], same: impl Fn(&u8, &u8) -> bool) -> Result<(), Unfit> {
        need(self.rest.iter().zip(expected).all(|(a, b)| same(a, b)))?;
        self.take(expected.len()).map(|_| ())
    }

    /// `len` bytes of zero.
    pub(super) fn zeros(&mut self, len: usize) -> Result<(), Unfit> {
        need(self.rest.iter().take(len).all(|&byte| byte == 0))?;
        self.take(len).map(|_| ())
    }

    /// The bytes before the next `end`, which is read too. They must all be
    /// such as `fits` says, `len_max` at most.
    pub(super) fn until(
        &mut self,
        end: u8,
        len_max: usize,
        fits: impl Fn(u8) -> bool,
    ) -> Result<&'a [u8], Unfit> {
        let len = self.rest.iter().take_while(|&&byte| byte != end).count();
        let text = self.rest.get(..len).unwrap_or_default();
        need(len <= len_max && text.iter().all(|&byte| fits(byte)))?;
        self.take(len)?;
        self.byte()?;
        Ok(text)
    }

    /// A line of text without its end (LF or CR LF): no control characters but
    /// the tab.
    pub(super) fn line(&mut self) -> Result<&'a [u8], Unfit> {
        let line = self.until(b'\n', usize::MAX, |byte| is_text(byte) || byte == b'\r')?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        need(line.iter().all(|&byte| is_text(byte)))?;
        Ok(line)
    }

    /// A variable-length integer of QUIC (RFC 9000 section 16).
    pub(super) fn quic_number(&mut self) -> Result<u64, Unfit> {
        let first = self.byte()?;
        let more = self.take((1_usize << (first >> 6)) - 1)?;
        Ok(more.iter().fold(u64::from(first & 0x3f), |number, &byte| number << 8 | u64::from(byte)))
    }

    /// The length of a BER value in definite form (X.690 section 8.1.3), four
    /// bytes at most.
    pub(super) fn ber_len(&mut self) -> Result<usize, Unfit> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(usize::from(first));
        }
        need((0x81..=0x84).contains(&first))?;
        let bytes = self.take(usize::from(first & 0x7f))?;
        Ok(bytes.iter().fold(0, |len, &byte| len << 8 | usize::from(byte)))
    }

    /// A BER value with this tag: its length.
    pub(super) fn ber(&mut self, tag: u8) -> Result<usize, Unfit> {
        self.literal(&[tag])?;
        self.ber_len()
    }

    /// A BER INTEGER of at most four bytes, not negative.
    pub(super) fn ber_number(&mut self) -> Result<u32, Unfit> {
        let len = self.ber(0x02)?;
        need((1..=5).contains(&len))?;
        let bytes = self.take(len)?;
        let &first = bytes.first().ok_or(Unfit::Wrong)?;
        need(first < 0x80 && (len < 5 || first == 0))?;
        Ok(bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }
}

/// Whether a byte may stand in a line of text, of whatever character set.
pub(super) const fn is_text(byte: u8) -> bool {
    byte == b'\t' || byte >= 0x20 && byte != 0x7f
}

/// Whether a text begins with a word, in letters of any case.
pub(super) fn begins_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Whether a text holds a word, in letters of any case.
pub(super) fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_literal_fails_at_its_first_wrong_byte() {
        assert_eq!(Reader::new(b"").literal(b"SSH-"), Err(Unfit::Short));
        assert_eq!(Reader::new(b"SS").literal(b"SSH-"), Err(Unfit::Short));
        assert_eq!(Reader::new(b"SX").literal(b"SSH-"), Err(Unfit::Wrong));
        assert_eq!(Reader::new(b"ssh-2").literal(b"SSH-"), Err(Unfit::Wrong));
        assert_eq!(Reader::new(b"ssh-2").word(b"SSH-"), Ok(()));
    }

    #[test]
    fn a_line_ends_at_its_line_feed_and_holds_no_controls() {
        assert_eq!(Reader::new(b"EHLO x\r\nMAIL").line(), Ok(&b"EHLO x"[..]));
        assert_eq!(Reader::new(b"EHLO x\nMAIL").line(), Ok(&b"EHLO x"[..]));
        assert_eq!(Reader::new(b"EHLO x\r").line(), Err(Unfit::Short));
        assert_eq!(Reader::new(b"EH\0LO").line(), Err(Unfit::Wrong));
        assert_eq!(Reader::new(b"EH\rLO\n").line(), Err(Unfit::Wrong));
    }

    #[test]
    fn numbers_of_variable_length_are_read_whole() {
        assert_eq!(Reader::new(&[0x25]).quic_number(), Ok(37));
        assert_eq!(Reader::new(&[0x7b, 0xbd]).quic_number(), Ok(15_293));
        assert_eq!(Reader::new(&[0x7b]).quic_number(), Err(Unfit::Short));
        let mut ber = Reader::new(&[0x02, 0x03, 0x00, 0x91, 0xc8, 0x82, 0x01, 0x00]);
        assert_eq!(ber.ber_number(), Ok(0x91c8));
        assert_eq!(ber.ber_len().unwrap(), 256);
        assert_eq!(Reader::new(&[0x80]).ber_len(), Err(Unfit::Wrong), "no indefinite form");
    }
}
