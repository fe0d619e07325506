//! Chunks (RFC 9112 section 7.1): where one ends and the next begins.
//!
//! Lines of lengths are read as browsers read them: blanks and empty lines
//! before, anything after. What does not begin with a length is no chunk; the
//! line is given back, for its owner to read in another way.

use super::oddity::{Oddities, Oddity};

/// The longest line of a length that is looked at; of extensions beyond it the
/// rest is passed over.
const LENGTH_LINE_MAX: usize = 1024;

/// Where in a body of chunks.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    /// Bytes of the chunk that have not come.
    left: u64,
    /// The line of a length, as far as it has come.
    line: Vec<u8>,
    /// Whether that line has anything but blanks.
    has_text: bool,
    /// Whether a chunk's data have ended and its line end has not come.
    is_after_data: bool,
    /// Whether any chunk was read.
    has_begun: bool,
}

/// What comes next of a body of chunks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'b> {
    /// More bytes are needed.
    Wait,
    /// These are of the body.
    Data(&'b [u8]),
    /// The last chunk has come; trailers follow.
    Last,
    /// This line is no length, and was read already.
    NoChunk(Vec<u8>),
}

impl Chunks {
    /// Whether any chunk was read.
    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(super) fn capacity(&self) -> usize {
        self.line.capacity()
    }

    /// Takes so many bytes that were not seen off a chunk; `false` if they reach
    /// beyond it.
    pub(super) const fn pass(&mut self, len: u64) -> bool {
        let fits = len <= self.left;
        if fits {
            self.left -= len;
            self.is_after_data = self.left == 0;
        }
        fits
    }

    /// How many bytes of a chunk have not come.
    pub(super) const fn left(&self) -> u64 {
        self.left
    }

    /// Reads on.
    pub(super) fn read<'b>(&mut self, rest: &mut &'b [u8], odd: &mut Oddities) -> Next<'b> {
        if self.left > 0 {
            return self.data(rest);
        }
        while let Some((&byte, after)) = rest.split_first() {
            *rest = after;
            if byte == b'\n' {
                match self.line_ended(odd) {
                    Some(next) => return next,
                    None if self.left > 0 => return self.data(rest),
                    None => continue,
                }
            }
            if self.is_after_data && !matches!(byte, b'\r') {
                odd.add(Oddity::ChunkInvalid);
                self.is_after_data = false;
            }
            let is_first = !self.has_text && !is_blank(byte);
            self.has_text |= is_first;
            if self.line.len() < LENGTH_LINE_MAX {
                self.line.push(byte);
            }
            // What does not begin with a length is not waited for.
            if is_first && !byte.is_ascii_hexdigit() {
                return Next::NoChunk(std::mem::take(&mut self.line));
            }
        }
        Next::Wait
    }

    /// The stream has ended: whether that was the last chunk.
    pub(super) fn is_last_at_end(&self) -> bool {
        self.left == 0 && matches!(length(&self.line), Some(Length { value: Some(0), .. }))
    }

    fn data<'b>(&mut self, rest: &mut &'b [u8]) -> Next<'b> {
        if rest.is_empty() {
            return Next::Wait;
        }
        let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
        let (data, after) = rest.split_at(len);
        *rest = after;
        self.left -= len as u64;
        self.is_after_data = self.left == 0;
        Next::Data(data)
    }

    /// `None` where the line says nothing.
    fn line_ended<'b>(&mut self, odd: &mut Oddities) -> Option<Next<'b>> {
        let is_end_of_data = std::mem::take(&mut self.is_after_data);
        self.has_text = false;
        let mut line = std::mem::take(&mut self.line);
        let Some(length) = length(&line) else {
            odd.note(!is_end_of_data, Oddity::ChunkInvalid);
            line.clear();
            self.line = line;
            return None;
        };
        let Some(value) = length.value else {
            line.push(b'\n');
            return Some(Next::NoChunk(line));
        };
        odd.note(length.has_junk, Oddity::ChunkInvalid);
        odd.note(length.has_bad_extension, Oddity::ChunkExtension);
        line.clear();
        self.line = line;
        self.has_begun = true;
        self.left = value;
        if value == 0 { Some(Next::Last) } else { None }
    }
}

/// What a line of a length says.
struct Length {
    /// The length; `None` if it is none.
    value: Option<u64>,
    has_junk: bool,
    has_bad_extension: bool,
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c | 0)
}

/// What a line says; `None` where there is nothing in it.
fn length(line: &[u8]) -> Option<Length> {
    let start = line.iter().position(|&byte| !is_blank(byte))?;
    let line = line.get(start..)?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (number, after) = line.split_at(digits);
    let significant = number.iter().skip_while(|&&digit| digit == b'0');
    let fits = digits > 0 && significant.clone().count() <= 15;
    let value = significant
        .fold(0, |value, &digit| value << 4 | u64::from(char::from(digit).to_digit(16).unwrap_or(0)));
    // Many a server pads lengths with blanks.
    let extension = after.trim_ascii();
    let has_extension = extension.first() == Some(&b';');
    Some(Length {
        value: fits.then_some(value),
        has_junk: start > 0 || !extension.is_empty() && !has_extension,
        has_bad_extension: has_extension && !are_extensions(extension),
    })
}

/// Whether this is `;name`, `;name=value`, `;name="value"`, any number of times
/// (RFC 9112 section 7.1.1).
fn are_extensions(mut rest: &[u8]) -> bool {
    let is_token = |byte: u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte);
    let token = |rest: &[u8]| rest.iter().take_while(|&&byte| is_token(byte)).count();
    while let Some((b';', after)) = rest.split_first() {
        let after = after.trim_ascii_start();
        let name = token(after);
        if name == 0 {
            return false;
        }
        rest = after.get(name..).unwrap_or_default().trim_ascii_start();
        let Some((b'=', value)) = rest.split_first() else { continue };
        let value = value.trim_ascii_start();
        let len = match value.split_first() {
            Some((b'"', quoted)) => quoted_len(quoted).map_or(0, |len| len + 1),
            _ => token(value),
        };
        if len == 0 {
            return false;
        }
        rest = value.get(len..).unwrap_or_default().trim_ascii_start();
    }
    rest.is_empty()
}

/// The length of what is quoted, with the quote that ends it.
fn quoted_len(quoted: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    for (at, &byte) in quoted.iter().enumerate() {
        match byte {
            b'"' if !is_escaped => return Some(at + 1),
            b'\\' if !is_escaped => is_escaped = true,
            _ => is_escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body, whether it came to its end, and what was odd.
    fn read(bytes: &[u8], piece: usize) -> (Vec<u8>, bool, Oddities) {
        let (mut chunks, mut odd, mut body) = (Chunks::default(), Oddities::default(), Vec::new());
        for mut rest in bytes.chunks(piece) {
            loop {
                match chunks.read(&mut rest, &mut odd) {
                    Next::Wait => break,
                    Next::Data(data) => body.extend_from_slice(data),
                    Next::Last => return (body, true, odd),
                    Next::NoChunk(_) => return (body, false, odd),
                }
            }
        }
        (body, chunks.is_last_at_end(), odd)
    }

    #[test]
    fn chunks_are_joined_wherever_they_are_cut() {
        let bytes = b"5\r\nhello\r\n6;a=b;c=\"d\\\";\"\r\n world\r\n000\r\n\r\n";
        for piece in 1..bytes.len() {
            assert_eq!(read(bytes, piece), (b"hello world".to_vec(), true, Oddities::default()));
        }
    }

    #[test]
    fn lengths_are_read_as_browsers_do() {
        for bytes in [
            &b"\r\n5\r\nhello\r\n0\r\n"[..],
            b"\x0b5\r\nhello\r\n0\r\n",
            b"5,\r\nhello\r\n0\r\n",
            b"5 junk\r\nhello\r\n0\r\n",
            b"5\r\nhello0\r\n",
        ] {
            let (body, is_whole, odd) = read(bytes, 1);
            assert_eq!((&body[..], is_whole), (&b"hello"[..], true), "{bytes:?}");
            assert_eq!(odd.iter().collect::<Vec<_>>(), [Oddity::ChunkInvalid], "{bytes:?}");
        }
        let (body, is_whole, odd) = read(b"5  \nhello\n0", 1);
        assert_eq!((&body[..], is_whole, odd), (&b"hello"[..], true, Oddities::default()));
    }

    #[test]
    fn extensions_that_do_not_read_are_odd() {
        for line in ["5;", "5;a=", "5;a=\"b", "5;;", "5;a=b c"] {
            let (body, _, odd) = read(format!("{line}\r\nhello\r\n0\r\n").as_bytes(), 100);
            assert_eq!(
                (&body[..], odd.iter().collect::<Vec<_>>()),
                (&b"hello"[..], vec![Oddity::ChunkExtension])
            );
        }
    }

    #[test]
    fn what_is_no_length_is_given_back() {
        let mut odd = Oddities::default();
        let mut rest = &b"GET / HTTP/1.1\r\n"[..];
        assert_eq!(Chunks::default().read(&mut rest, &mut odd), Next::NoChunk(b"G".to_vec()));
        assert_eq!(rest, b"ET / HTTP/1.1\r\n");
        let mut rest = &b"ffffffffffffffffff\r\nx"[..];
        let line = b"ffffffffffffffffff\r\n".to_vec();
        assert_eq!(Chunks::default().read(&mut rest, &mut odd), Next::NoChunk(line));
    }

    #[test]
    fn a_line_of_a_length_has_an_end_in_memory() {
        let (mut chunks, mut odd) = (Chunks::default(), Oddities::default());
        for _ in 0..10_000 {
            assert_eq!(chunks.read(&mut &b"5;extension-without-an-end"[..], &mut odd), Next::Wait);
            assert!(chunks.capacity() <= 2 * LENGTH_LINE_MAX);
        }
    }
}
