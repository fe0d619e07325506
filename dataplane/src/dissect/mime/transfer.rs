//! Transfer codings: base64 and quoted-printable (RFC 2045, section 6), undone as
//! they stream by and as tolerantly as mail programs do it.

/// The most memory held, in bytes.
pub(super) const HELD_MAX: usize = PIECE + 64;

/// Bytes that are decoded at a time.
const PIECE: usize = 4096;

/// The longest run of blanks that is kept until it shows whether a line ends.
const BLANKS_MAX: usize = 64;

/// Undoes the transfer coding of one content.
#[derive(Clone, Debug, Default)]
pub(super) enum Transfer {
    #[default]
    Identity,
    Base64 {
        /// Bits that make no byte yet, and how many.
        bits: u32,
        count: u32,
    },
    Quoted {
        /// What may be an escape, or blanks at a line's end.
        kept: Vec<u8>,
        /// Whether it is in a header, where `_` is a blank.
        is_word: bool,
    },
}

impl Transfer {
    /// Of a `Content-Transfer-Encoding`.
    pub(super) fn new(coding: &[u8]) -> Self {
        let coding = coding.split(|byte| matches!(byte, b';' | b'(')).next().unwrap_or_default().trim_ascii();
        if coding.eq_ignore_ascii_case(b"base64") {
            Self::base64()
        } else if coding.eq_ignore_ascii_case(b"quoted-printable") {
            Self::Quoted { kept: Vec::new(), is_word: false }
        } else {
            Self::Identity
        }
    }

    pub(super) fn base64() -> Self {
        Self::Base64 { bits: 0, count: 0 }
    }

    /// Quoted-printable as headers have it (RFC 2047, section 4.2).
    pub(super) fn quoted_word() -> Self {
        Self::Quoted { kept: Vec::new(), is_word: true }
    }

    pub(super) fn is_identity(&self) -> bool {
        matches!(self, Self::Identity)
    }

    /// Takes the bytes that follow; what comes out is never empty.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) {
        match self {
            Self::Identity if bytes.is_empty() => {}
            Self::Identity => out(bytes),
            Self::Base64 { bits, count } => {
                let mut decoded = Vec::with_capacity(PIECE.min(bytes.len()));
                for piece in bytes.chunks(PIECE) {
                    decoded.clear();
                    base64(piece, bits, count, &mut decoded);
                    if !decoded.is_empty() {
                        out(&decoded);
                    }
                }
            }
            Self::Quoted { kept, is_word } => {
                let mut decoded = Vec::with_capacity(PIECE.min(bytes.len()));
                for piece in bytes.chunks(PIECE) {
                    decoded.clear();
                    for byte in piece {
                        quoted(*byte, kept, *is_word, &mut decoded);
                    }
                    if !decoded.is_empty() {
                        out(&decoded);
                    }
                }
            }
        }
    }

    /// Nothing more comes: what was kept for what might follow is content.
    pub(super) fn end(&mut self, out: &mut dyn FnMut(&[u8])) {
        if let Self::Quoted { kept, .. } = self {
            // Blanks at the end of a line do not count, and `=` joins lines.
            if kept.len() > 1 && kept.first() == Some(&b'=') {
                out(kept);
            }
            kept.clear();
        }
    }

    pub(super) fn held(&self) -> usize {
        match self {
            Self::Identity | Self::Base64 { .. } => 0,
            Self::Quoted { kept, .. } => kept.capacity(),
        }
    }
}

/// Decodes base64; what is none of its characters is passed over, and padding
/// begins anew, so that contents set one behind the other decode.
fn base64(bytes: &[u8], bits: &mut u32, count: &mut u32, out: &mut Vec<u8>) {
    for byte in bytes {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                (*bits, *count) = (0, 0);
                continue;
            }
            _ => continue,
        };
        *bits = *bits << 6 | u32::from(value);
        *count += 6;
        if *count >= 8 {
            *count -= 8;
            let [.., byte] = (*bits >> *count).to_be_bytes();
            out.push(byte);
        }
    }
}

/// Decodes one byte of quoted-printable; an escape that is none stays as it is.
fn quoted(byte: u8, kept: &mut Vec<u8>, is_word: bool, out: &mut Vec<u8>) {
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match (&**kept, byte) {
        // A soft break: the line goes on.
        ([b'='] | [b'=', b'\r' | b' ' | b'\t', ..], b'\n') => return kept.clear(),
        ([b'='], b'\r' | b' ' | b'\t') => return kept.push(byte),
        ([b'=', b'\r' | b' ' | b'\t', ..], b'\r' | b' ' | b'\t') if kept.len() < BLANKS_MAX => {
            return kept.push(byte);
        }
        ([b'='], _) if hex(byte).is_some() => return kept.push(byte),
        ([b'=', high], _) if let (Some(high), Some(low)) = (hex(*high), hex(byte)) => {
            out.push(high << 4 | low);
            return kept.clear();
        }
        // Blanks at the end of a line do not count.
        ([b' ' | b'\t', ..], b'\r' | b'\n') => kept.clear(),
        ([b' ' | b'\t', ..], b' ' | b'\t') if kept.len() < BLANKS_MAX => return kept.push(byte),
        _ => {
            out.append(kept);
        }
    }
    match byte {
        b'=' => kept.push(byte),
        b' ' | b'\t' if !is_word => kept.push(byte),
        b'_' if is_word => out.push(b' '),
        _ => out.push(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(coding: &[u8], bytes: &[u8], cut: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut transfer = Transfer::new(coding);
        for piece in bytes.chunks(cut) {
            transfer.feed(piece, &mut |bytes| out.extend_from_slice(bytes));
        }
        transfer.end(&mut |bytes| out.extend_from_slice(bytes));
        out
    }

    fn assert_decodes(coding: &[u8], bytes: &[u8], expected: &[u8]) {
        for cut in [1, 2, 3, 5, 10_000] {
            assert_eq!(decoded(coding, bytes, cut), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn base64_decodes_through_line_breaks_noise_and_padding() {
        assert_decodes(b"base64", b"aGVs\r\nbG8=\r\n", b"hello");
        assert_decodes(b" BASE64 (comment)", b"aGV*sb\tG8", b"hello");
        assert_decodes(b"base64", b"aGVsbG8=aGVsbG8=", b"hellohello");
        let many = b"QUJD\r\n".repeat(3000);
        assert_decodes(b"base64", &many, &b"ABC".repeat(3000));
    }

    #[test]
    fn quoted_printable_decodes_escapes_soft_breaks_and_blanks() {
        assert_decodes(b"quoted-printable", b"gr=C3=bcn=\r\n x", b"gr\xc3\xbcn x");
        assert_decodes(b"Quoted-Printable", b"a \t\r\nb=  \r\nc=\nd", b"a\r\nbcd");
        assert_decodes(b"quoted-printable", b"a=zz =4", b"a=zz =4");
        assert_decodes(b"quoted-printable", b"1 2  3==41", b"1 2  3=A");
        assert_decodes(b"quoted-printable", b"end=", b"end");
    }

    #[test]
    fn other_codings_pass() {
        assert_decodes(b"8bit", b"a=41\xff", b"a=41\xff");
        assert_decodes(b"", b"aGVs", b"aGVs");
    }

    #[test]
    fn blanks_are_bounded() {
        let mut transfer = Transfer::new(b"quoted-printable");
        transfer.feed(&vec![b' '; 100_000], &mut |_| {});
        assert!(transfer.held() <= HELD_MAX);
    }
}
