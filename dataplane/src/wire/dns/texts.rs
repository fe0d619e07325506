//! Bytes that are meant to be read: texts, and numbers in hexadecimal.

use std::fmt;

/// Bytes as text: what is no UTF-8 is shown as `\xff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a>(pub &'a [u8]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            f.write_str(chunk.valid())?;
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

/// Bytes as hexadecimal digits, with something between them or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex<'a>(pub &'a [u8], pub &'static str);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(self.1)?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Texts one after the other, each after its length in a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Texts<'a>(&'a [u8]);

impl<'a> Texts<'a> {
    /// Over their bytes; what ends in the middle of a text ends before it.
    pub const fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (&len, tail) = rest.split_first()?;
            let (text, tail) = tail.split_at_checked(len.into())?;
            rest = tail;
            Some(text)
        })
    }

    /// Whether the last of them ends where the bytes do.
    pub(super) fn is_sound(&self) -> bool {
        self.iter().map(|text| text.len() + 1).sum::<usize>() == self.0.len()
    }
}
