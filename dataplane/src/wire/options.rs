//! Options as IPv4 (RFC 791) and TCP (RFC 9293) carry them: kind, length, body.
//!
//! Kinds 0 (end of the list) and 1 (no operation) are one byte and have no
//! length; every other kind has one, which counts kind and length too. A length
//! that cannot be ends the walk: nothing after it has a meaning.

use super::Malformed;

/// Kind of the end of the list.
pub const END: u8 = 0;
/// Kind of no operation.
pub const NO_OPERATION: u8 = 1;

/// One option, not interpreted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawOption<'a> {
    /// What it is.
    pub kind: u8,
    /// What follows its kind and length.
    pub body: &'a [u8],
}

/// Walks a list of options; the end of the list ends it and is not given out.
///
/// Never panics and always ends: each step takes at least one byte.
#[derive(Clone, Debug)]
pub struct RawOptions<'a> {
    bytes: &'a [u8],
}

impl<'a> RawOptions<'a> {
    /// Over the options part of a header.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }
}

impl<'a> Iterator for RawOptions<'a> {
    type Item = Result<RawOption<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = std::mem::take(&mut self.bytes);
        match *bytes {
            [] | [END, ..] => None,
            [NO_OPERATION, ref rest @ ..] => {
                self.bytes = rest;
                Some(Ok(RawOption { kind: NO_OPERATION, body: &[] }))
            }
            [_] => Some(Err(Malformed::BadOption)),
            [kind, len, ref after @ ..] => {
                let option = usize::from(len).checked_sub(2).and_then(|len| after.split_at_checked(len));
                let Some((body, rest)) = option else { return Some(Err(Malformed::BadOption)) };
                self.bytes = rest;
                Some(Ok(RawOption { kind, body }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn walk(bytes: &[u8]) -> Vec<Result<RawOption<'_>, Malformed>> {
        RawOptions::new(bytes).collect()
    }

    #[test]
    fn gives_each_option_until_the_end_of_the_list() {
        let options = walk(&[1, 2, 4, 0x05, 0xb4, 4, 2, 0, 9, 9]);
        assert_eq!(
            options,
            [
                Ok(RawOption { kind: 1, body: &[] }),
                Ok(RawOption { kind: 2, body: &[0x05, 0xb4] }),
                Ok(RawOption { kind: 4, body: &[] }),
            ]
        );
    }

    #[test]
    fn a_lying_length_is_said_once_and_ends_the_walk() {
        for lie in [&[2, 0, 1, 1][..], &[2, 1, 1, 1], &[2, 5, 1, 1], &[2, 255, 1, 1]] {
            assert_eq!(walk(lie), [Err(Malformed::BadOption)], "{lie:?}");
        }
        assert_eq!(walk(&[1, 7]).len(), 2);
    }

    proptest! {
        #[test]
        fn never_gives_more_than_there_is(bytes: Vec<u8>) {
            let options = walk(&bytes);
            let taken: usize = options.iter().flatten().map(|o| if o.kind == NO_OPERATION { 1 } else { 2 + o.body.len() }).sum();
            prop_assert!(taken <= bytes.len());
            prop_assert!(options.iter().rev().skip(1).all(Result::is_ok));
        }
    }
}
