//! The codings that a message names (`Content-Encoding`, RFC 9110 section 8.4).

/// The most codings that are undone of one message. Servers use one; a second
/// comes of a proxy that did not look. More than that is meant to tire.
pub const CODINGS_MAX: usize = 3;

/// A coding of content that is undone here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// `gzip`, `x-gzip` (RFC 1952).
    Gzip,
    /// `deflate`, `x-deflate`: zlib (RFC 1950), or bare deflate (RFC 1951) as some
    /// servers understood it.
    Deflate,
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878, RFC 9659).
    Zstd,
}

impl Coding {
    /// Its name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// What the value of a header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Codings {
    /// Those that are undone, in the order in which they were applied.
    pub(super) known: Vec<Coding>,
    /// Whether one is named that is not known here.
    pub(super) has_unknown: bool,
    /// Whether there are more than [`CODINGS_MAX`].
    pub(super) are_too_many: bool,
}

impl Codings {
    /// Of `gzip, br`; parameters and empty places are passed over.
    pub(super) fn new(value: &[u8]) -> Self {
        let mut codings = Self::default();
        for item in value.split(|byte| *byte == b',') {
            let token = item.split(|byte| *byte == b';').next().unwrap_or_default();
            let token = token.trim_ascii().trim_ascii_start();
            let is = |names: &[&str]| names.iter().any(|name| token.eq_ignore_ascii_case(name.as_bytes()));
            let coding = if is(&["gzip", "x-gzip"]) {
                Coding::Gzip
            } else if is(&["deflate", "x-deflate"]) {
                Coding::Deflate
            } else if is(&["br"]) {
                Coding::Brotli
            } else if is(&["zstd"]) {
                Coding::Zstd
            } else {
                codings.has_unknown |= !token.is_empty() && !is(&["identity", "none"]);
                continue;
            };
            if codings.known.len() == CODINGS_MAX {
                codings.are_too_many = true;
                break;
            }
            codings.known.push(coding);
        }
        codings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_names_codings_in_any_case_and_spacing() {
        let known = |value: &[u8]| Codings::new(value).known;
        assert_eq!(known(b"gzip"), [Coding::Gzip]);
        assert_eq!(known(b" X-GZip ,\tBR"), [Coding::Gzip, Coding::Brotli]);
        assert_eq!(known(b"deflate;q=1, zstd"), [Coding::Deflate, Coding::Zstd]);
        assert_eq!(known(b""), []);
        assert_eq!(known(b"identity,,none"), []);
    }

    #[test]
    fn what_is_unknown_is_noted_and_nothing_else() {
        assert!(Codings::new(b"sdch, gzip").has_unknown);
        assert_eq!(Codings::new(b"sdch, gzip").known, [Coding::Gzip]);
        assert!(!Codings::new(b"identity, , none, gzip").has_unknown);
        assert!(Codings::new(b"gzipp").has_unknown);
    }

    #[test]
    fn more_than_the_most_are_not_undone() {
        let codings = Codings::new(b"gzip, gzip, gzip, gzip");
        assert_eq!((codings.known.len(), codings.are_too_many), (CODINGS_MAX, true));
        assert!(!Codings::new(b"gzip, gzip, gzip").are_too_many);
    }
}
