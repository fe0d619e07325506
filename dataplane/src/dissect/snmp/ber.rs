//! The few values of BER (X.690) that SNMP is made of, lengths always known.

/// Bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsound;

/// A boolean-free subset of universal tags, and SNMP's own address.
pub(super) mod tag {
    pub(in super::super) const INTEGER: u8 = 0x02;
    pub(in super::super) const OCTETS: u8 = 0x04;
    pub(in super::super) const OID: u8 = 0x06;
    pub(in super::super) const SEQUENCE: u8 = 0x30;
    pub(in super::super) const IP_ADDRESS: u8 = 0x40;
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a>(pub(super) &'a [u8]);

impl<'a> Values<'a> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value: its tag, and its content.
    pub(super) fn next(&mut self) -> Result<(u8, &'a [u8]), Unsound> {
        let (&[tag, first], rest) = self.0.split_first_chunk().ok_or(Unsound)?;
        let (len, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked((first & 0x7f).into()).ok_or(Unsound)?;
                (bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte)), rest)
            }
            _ => return Err(Unsound),
        };
        let (content, rest) = rest.split_at_checked(len).ok_or(Unsound)?;
        self.0 = rest;
        Ok((tag, content))
    }

    /// The content of the next value, which has this tag.
    pub(super) fn content(&mut self, tag: u8) -> Result<&'a [u8], Unsound> {
        self.next().and_then(|(found, content)| if found == tag { Ok(content) } else { Err(Unsound) })
    }

    /// The values in the next one, which has this tag.
    pub(super) fn within(&mut self, tag: u8) -> Result<Self, Unsound> {
        self.content(tag).map(Self)
    }

    /// A number of at most 64 bits, with its sign.
    pub(super) fn integer(&mut self) -> Result<i64, Unsound> {
        let content = self.content(tag::INTEGER)?;
        let (first, len) = (content.first().ok_or(Unsound)?, content.len());
        if len > 8 {
            return Err(Unsound);
        }
        let start = if first & 0x80 != 0 { -1 } else { 0 };
        Ok(content.iter().fold(start, |number, byte| number << 8 | i64::from(*byte)))
    }
}

/// An object identifier in dots, such as `1.3.6.1.2.1.1.1.0`.
pub(super) fn oid(content: &[u8]) -> Result<String, Unsound> {
    use std::fmt::Write as _;
    let mut text = String::new();
    let mut arc: u64 = 0;
    for byte in content {
        if arc > u64::MAX >> 7 {
            return Err(Unsound);
        }
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        // Writing into a text cannot fail.
        let _ = if text.is_empty() {
            let first = (arc / 40).min(2);
            write!(text, "{first}.{}", arc - first * 40)
        } else {
            write!(text, ".{arc}")
        };
        arc = 0;
    }
    // The last byte ends its number.
    if content.last().is_some_and(|byte| byte & 0x80 != 0) { Err(Unsound) } else { Ok(text) }
}
