//! Mail after `DATA`: lines, a point before those that begin with one, up to a line
//! that is a point alone (RFC 5321 section 4.5.2).
//!
//! A line ends with CR LF. LF alone ends one only for a client whose commands end
//! so, too: a point between other ends of lines is an end for some servers and
//! text for others, which is how a second mail is hidden in a first.

use super::TEXT_LINE_MAX;

/// Where in the text the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// At the start of a line.
    #[default]
    Start,
    /// After a point that begins a line.
    Dot,
    /// After a point that begins a line, and CR.
    DotCr,
    /// In a line.
    Line,
    /// After a CR in a line.
    LineCr,
    /// After LF alone, which ends no line.
    Bare,
    /// After that and a point.
    BareDot,
    /// After that and CR.
    BareDotCr,
}

/// A part of what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text of the mail.
    Text(&'a [u8]),
    /// A point that is none of the mail's.
    Stuffing,
    /// What follows makes a line longer than is in order: told once.
    LongLine,
    /// A point alone stands between ends of lines that are none: told once.
    OddEnd,
}

/// Reads one mail up to its end.
#[derive(Debug, Default)]
pub(super) struct Data {
    place: Place,
    /// Whether LF alone ends a line.
    takes_bare: bool,
    /// Bytes in the line at hand.
    line_len: usize,
    has_long_line: bool,
    has_odd_end: bool,
}

impl Data {
    /// A mail of which nothing has come, from a client that ends its lines so.
    pub(super) fn new(takes_bare: bool) -> Self {
        Self { takes_bare, ..Self::default() }
    }

    /// Takes what follows; gives what is left behind the end, once it has come.
    pub(super) fn feed<'b>(&mut self, bytes: &'b [u8], told: &mut dyn FnMut(Piece<'_>)) -> Option<&'b [u8]> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match (self.place, byte) {
                (Place::Start, b'.') => {
                    self.place = Place::Dot;
                    after
                }
                (Place::Dot, b'\r') => {
                    self.place = Place::DotCr;
                    after
                }
                (Place::DotCr, b'\n') => return Some(after),
                (Place::Dot, b'\n') if self.takes_bare => return Some(after),
                (Place::Dot, _) => {
                    if byte == b'\n' {
                        self.odd_end(told);
                    }
                    told(Piece::Stuffing);
                    self.place = Place::Line;
                    rest
                }
                (Place::DotCr, _) => {
                    told(Piece::Stuffing);
                    told(Piece::Text(b"\r"));
                    self.place = Place::LineCr;
                    rest
                }
                (Place::Bare | Place::BareDot | Place::BareDotCr, _) => self.bare(rest, told),
                (Place::Start | Place::Line | Place::LineCr, _) => self.line(rest, told),
            };
        }
        None
    }

    /// Bytes were not seen: the line at hand, whatever it is, goes on.
    pub(super) fn lose(&mut self) {
        (self.place, self.line_len) = (Place::Line, 0);
    }

    /// Text, up to the end of the line.
    fn line<'b>(&mut self, bytes: &'b [u8], told: &mut dyn FnMut(Piece<'_>)) -> &'b [u8] {
        let newline = bytes.iter().position(|&byte| byte == b'\n');
        let len = newline.map_or(bytes.len(), |at| at + 1);
        let (text, rest) = bytes.split_at_checked(len).unwrap_or((bytes, &[]));
        self.line_len += len;
        if self.line_len > TEXT_LINE_MAX && !std::mem::replace(&mut self.has_long_line, true) {
            told(Piece::LongLine);
        }
        told(Piece::Text(text));
        let before_last = match text {
            [.., before, _] => *before == b'\r',
            _ => self.place == Place::LineCr,
        };
        self.place = match text.last() {
            Some(b'\n') if before_last || self.takes_bare => Place::Start,
            Some(b'\n') => Place::Bare,
            Some(b'\r') => Place::LineCr,
            _ => Place::Line,
        };
        if newline.is_some() {
            self.line_len = 0;
        }
        rest
    }

    fn odd_end(&mut self, told: &mut dyn FnMut(Piece<'_>)) {
        if !std::mem::replace(&mut self.has_odd_end, true) {
            told(Piece::OddEnd);
        }
    }

    /// Text behind LF alone; here and there a point would be an end.
    fn bare<'b>(&mut self, bytes: &'b [u8], told: &mut dyn FnMut(Piece<'_>)) -> &'b [u8] {
        let Some((&byte, rest)) = bytes.split_first() else { return bytes };
        let next = match (self.place, byte) {
            (Place::Bare, b'.') => Place::BareDot,
            (Place::BareDot, b'\r') => Place::BareDotCr,
            (Place::BareDot | Place::BareDotCr, b'\n') => {
                self.odd_end(told);
                self.place = if self.place == Place::BareDotCr { Place::LineCr } else { Place::Line };
                return bytes;
            }
            (Place::BareDotCr, _) => {
                self.place = Place::LineCr;
                return bytes;
            }
            _ => {
                self.place = Place::Line;
                return bytes;
            }
        };
        told(Piece::Text(&[byte]));
        self.place = next;
        rest
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::string_slice, reason = "tests")]

    use super::*;

    /// The mail in `bytes`, given in pieces, what follows it, and whether its end is
    /// doubtful.
    fn read(bytes: &str, len: usize, takes_bare: bool) -> (String, Option<String>, bool) {
        let mut data = Data::new(takes_bare);
        let mut mail = Vec::new();
        let (mut at, mut is_odd) = (0, false);
        for piece in bytes.as_bytes().chunks(len) {
            at += piece.len();
            let rest = data.feed(piece, &mut |piece| match piece {
                Piece::Text(text) => mail.extend_from_slice(text),
                Piece::OddEnd => is_odd = true,
                Piece::Stuffing | Piece::LongLine => {}
            });
            if let Some(rest) = rest {
                let behind = bytes[at - rest.len()..].to_owned();
                return (String::from_utf8_lossy(&mail).into_owned(), Some(behind), is_odd);
            }
        }
        (String::from_utf8_lossy(&mail).into_owned(), None, is_odd)
    }

    #[test]
    fn a_mail_ends_with_a_point_alone_and_loses_the_points_that_were_added() {
        for (bytes, takes_bare, mail, behind, is_odd) in [
            ("a\r\n..b\r\n...\r\n.\r\nQUIT\r\n", false, "a\r\n.b\r\n..\r\n", Some("QUIT\r\n"), false),
            (".\r\nQUIT\r\n", false, "", Some("QUIT\r\n"), false),
            ("a\n.\nQUIT\n", true, "a\n", Some("QUIT\n"), false),
            ("a\r\n.\r\n", true, "a\r\n", Some(""), false),
            ("a\r\n.\rb\r\n.x\r\n.\r\n", false, "a\r\n\rb\r\nx\r\n", Some(""), false),
            ("a\r\n.\r\r\n.\r\n", false, "a\r\n\r\r\n", Some(""), false),
            ("a\r.\r\n", false, "a\r.\r\n", None, false),
            ("a\n.b\r\n.\r\n", false, "a\n.b\r\n", Some(""), false),
            // What some servers take for an end.
            ("a\n.\nMAIL\r\n.\r\n", false, "a\n.\nMAIL\r\n", Some(""), true),
            ("a\n.\r\nMAIL\r\n.\r\n", false, "a\n.\r\nMAIL\r\n", Some(""), true),
            ("a\r\n.\nMAIL\r\n.\r\n", false, "a\r\n\nMAIL\r\n", Some(""), true),
        ] {
            let expected = (mail.to_owned(), behind.map(str::to_owned), is_odd);
            for len in 1..=bytes.len() {
                assert_eq!(read(bytes, len, takes_bare), expected, "{bytes:?} in pieces of {len}");
            }
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once() {
        let line = [&[b'a'; TEXT_LINE_MAX - 2][..], b"\r\n"].concat();
        let longer = [b"a", &line[..]].concat();
        for len in [1, 7, 10_000] {
            for (mail, expected) in [(line.repeat(2), 0), (longer.repeat(2), 1)] {
                let (mut data, mut count) = (Data::new(false), 0);
                for piece in mail.chunks(len) {
                    let rest = data.feed(piece, &mut |piece| count += usize::from(piece == Piece::LongLine));
                    assert_eq!(rest, None);
                }
                assert_eq!(count, expected);
            }
        }
    }
}
