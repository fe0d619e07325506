//! DER (X.690), as much of it as certificates and Kerberos need: values one after
//! the other.
//!
//! Nothing recurses: a value's content is read by whoever knows its form, so that
//! hostile nesting costs nothing. Two things that DER forbids are borne, because
//! certificates in use have them and those who verify accept them: lengths in more
//! bytes than needed, and integers with needless leading bytes. What is indefinite
//! is refused.

use super::Malformed;

/// Tags of universal types, and what is used of others.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const NUMERIC_STRING: u8 = 0x12;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const TELETEX_STRING: u8 = 0x14;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const VISIBLE_STRING: u8 = 0x1a;
    pub(crate) const GENERAL_STRING: u8 = 0x1b;
    pub(crate) const UNIVERSAL_STRING: u8 = 0x1c;
    pub(crate) const BMP_STRING: u8 = 0x1e;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// Application, constructed: `[APPLICATION 0]`; others are so many more.
    pub(crate) const APPLICATION: u8 = 0x60;
    /// Context-specific, constructed: `[0]`; `[n]` is `n` more.
    pub(crate) const EXPLICIT: u8 = 0xa0;
    /// Context-specific, primitive: `[0]`; `[n]` is `n` more.
    pub(crate) const IMPLICIT: u8 = 0x80;
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    /// Its tag; those of more than one byte are refused.
    pub(crate) tag: u8,
    /// Its content.
    pub(crate) content: &'a [u8],
}

/// What is left to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value.
    pub(crate) fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let (&[tag, len], rest) = self.0.split_first_chunk().ok_or(Malformed::Truncated)?;
        if tag & 0x1f == 0x1f {
            return Err(Malformed::Unsupported);
        }
        let (len, rest) = match len {
            0..=0x7f => (usize::from(len), rest),
            0x81..=0x84 => {
                let (digits, rest) =
                    rest.split_at_checked(usize::from(len - 0x80)).ok_or(Malformed::Truncated)?;
                (digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)), rest)
            }
            _ => return Err(Malformed::BadLength),
        };
        let (content, rest) = rest.split_at_checked(len).ok_or(Malformed::BeyondEnd)?;
        self.0 = rest;
        Ok(Value { tag, content })
    }

    /// The content of the next value, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.value()? {
            value if value.tag == tag => Ok(value.content),
            _ => Err(Malformed::Unsupported),
        }
    }

    /// The content of the next value if it has this tag; otherwise it stays.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.0.first() == Some(&tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    /// What a value of this tag holds, to be read in turn.
    pub(crate) fn within(&mut self, tag: u8) -> Result<Self, Malformed> {
        self.expect(tag).map(Self)
    }
}

/// How many bits a number has that stands in an INTEGER.
pub(crate) fn bits(integer: &[u8]) -> u32 {
    let at = integer.iter().position(|byte| *byte != 0);
    let digits = at.and_then(|at| integer.get(at..)).unwrap_or_default();
    let leading = digits.first().map_or(0, |first| first.leading_zeros());
    u32::try_from(digits.len()).unwrap_or(u32::MAX).saturating_mul(8).saturating_sub(leading)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_values_one_after_the_other() {
        let mut der = Der::new(&[0x30, 3, 2, 1, 5, 4, 0x81, 1, 9]);
        assert_eq!(der.within(tag::SEQUENCE).unwrap().expect(tag::INTEGER), Ok(&[5][..]));
        assert_eq!(der.optional(tag::INTEGER), Ok(None));
        assert_eq!(der.optional(tag::OCTET_STRING), Ok(Some(&[9][..])));
        assert!(der.is_empty());
    }

    #[test]
    fn refuses_every_truncation_and_a_lying_length() {
        let bytes = [0x30, 0x82, 0, 2, 5, 0];
        for len in 0..bytes.len() {
            assert!(Der::new(&bytes[..len]).value().is_err(), "{len} bytes");
        }
        for lie in [
            &[0x30, 0x80, 0, 0][..],
            &[0x30, 0x85, 0, 0, 0, 0, 0],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x1f, 1, 0],
        ] {
            assert!(Der::new(lie).value().is_err(), "{lie:?}");
        }
    }

    #[test]
    fn counts_the_bits_of_a_number() {
        assert_eq!(bits(&[0, 0x80, 0]), 16);
        assert_eq!(bits(&[1, 0]), 9);
        assert_eq!((bits(&[0, 0]), bits(&[])), (0, 0));
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            let (mut der, mut len) = (Der::new(&bytes), 0);
            while let Ok(value) = der.value() {
                len += 2 + value.content.len();
            }
            prop_assert!(len <= bytes.len());
        }
    }
}
