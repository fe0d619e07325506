//! Lines of text out of bytes that are cut anywhere, as SMTP, FTP, POP3 and IMAP
//! speak them; and which of the two directions is the server's.
//!
//! A line ends with LF, and is told without it and without the CR before it:
//! servers and clients that send LF alone are met. A line that came in one piece
//! is borrowed from there; only a line that is cut is kept, and of one that does
//! not end, no more than its first bytes.

use crate::flow::Direction;

/// One direction's lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The start of a line whose end has not come, or the line told last.
    kept: Vec<u8>,
    /// Whether the line is longer than what is kept.
    is_cut: bool,
    /// Whether what is kept has been told.
    is_told: bool,
    /// Whether the start of the line was not seen: it is passed over.
    is_lost: bool,
}

/// One line, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What it says; of a line that is too long, its start.
    pub(super) text: &'a [u8],
    /// Whether it was longer.
    pub(super) is_cut: bool,
    /// Whether it ended with LF alone.
    pub(super) is_bare: bool,
}

/// CR and LF.
const END_LEN: usize = 2;

impl Lines {
    /// The next line, if its end is in `bytes`, which are moved past it; else they
    /// are kept, and `bytes` is left empty. Of a line, `max` bytes are told.
    pub(super) fn next<'a, 'b: 'a>(&'a mut self, bytes: &mut &'b [u8], max: usize) -> Option<Line<'a>> {
        if std::mem::take(&mut self.is_told) {
            self.forget();
        }
        self.find_start(bytes);
        let all: &'b [u8] = bytes;
        let Some(end) = all.iter().position(|&byte| byte == b'\n') else {
            *bytes = &[];
            self.keep(all, max);
            return None;
        };
        let (line, rest) = all.split_at_checked(end + 1)?;
        *bytes = rest;
        if self.kept.is_empty() {
            return Some(Line::new(line, false, max));
        }
        self.keep(line, max);
        self.is_told = true;
        Some(Line::new(&self.kept, self.is_cut, max))
    }

    /// Passes over the rest of a line whose start was not seen.
    pub(super) fn find_start(&mut self, bytes: &mut &[u8]) {
        if !self.is_lost {
            return;
        }
        let end = bytes.iter().position(|&byte| byte == b'\n');
        self.is_lost = end.is_none();
        *bytes = end.and_then(|end| bytes.get(end + 1..)).unwrap_or_default();
    }

    /// Bytes are missing: the line at hand is given up, and so is what follows up
    /// to its end.
    pub(super) fn lose(&mut self) {
        self.forget();
        (self.is_told, self.is_lost) = (false, true);
    }

    /// Whether what follows begins a line.
    pub(super) fn is_at_start(&self) -> bool {
        (self.kept.is_empty() || self.is_told) && !self.is_lost
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.kept.capacity()
    }

    fn forget(&mut self) {
        self.kept.clear();
        self.is_cut = false;
    }

    fn keep(&mut self, bytes: &[u8], max: usize) {
        let room = (max + END_LEN).saturating_sub(self.kept.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.is_cut |= kept.len() < bytes.len();
        self.kept.extend_from_slice(kept);
    }
}

impl<'a> Line<'a> {
    fn new(raw: &'a [u8], is_cut: bool, max: usize) -> Self {
        let line = if is_cut { raw } else { raw.strip_suffix(b"\n").unwrap_or(raw) };
        let text = if is_cut { line } else { line.strip_suffix(b"\r").unwrap_or(line) };
        let is_bare = text.len() == line.len();
        match text.get(..max) {
            Some(start) if is_cut || text.len() > max => Self { text: start, is_cut: true, is_bare: false },
            _ => Self { text, is_cut, is_bare: is_bare && !is_cut },
        }
    }
}

/// Which direction is the server's. Who opened a flow that is met in its middle is
/// a guess; what is said decides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Roles {
    server: Option<Direction>,
}

impl Roles {
    /// Whether these bytes, in this direction, are the server's. The first bytes of
    /// all decide: `is_reply` says whether a server can begin so, and no client.
    pub(super) fn is_server(&mut self, direction: Direction, bytes: &[u8], is_reply: fn(u8) -> bool) -> bool {
        if self.server.is_none()
            && let Some(&first) = bytes.first()
        {
            self.server = Some(if is_reply(first) { direction } else { direction.reversed() });
        }
        self.server == Some(direction)
    }

    /// The client's direction, as far as it is known.
    pub(super) fn client(self) -> Direction {
        self.server.map_or(Direction::Up, Direction::reversed)
    }

    /// The server's direction, as far as it is known.
    pub(super) fn server(self) -> Direction {
        self.client().reversed()
    }

    /// Whether a gap in this direction is the server's.
    pub(super) fn is_servers(self, direction: Direction) -> bool {
        self.server() == direction
    }
}

/// The first word of a text, and what follows it without the blanks between.
pub(super) fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|&byte| is_blank(byte)).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    (word, trim_start(rest))
}

/// A space or a tab.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Without the blanks before it.
pub(super) fn trim_start(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|&&byte| is_blank(byte)).count();
    text.get(blanks..).unwrap_or_default()
}

/// Without the blanks around it.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let text = trim_start(text);
    let blanks = text.iter().rev().take_while(|&&byte| is_blank(byte)).count();
    text.get(..text.len() - blanks).unwrap_or_default()
}

/// What may be bytes of any character set, as text: what is no UTF-8 is replaced.
pub(super) fn lossy(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of `bytes`, given in pieces of `len`.
    fn lines(bytes: &[u8], len: usize, max: usize) -> Vec<(Vec<u8>, bool, bool)> {
        let mut lines = Lines::default();
        let mut told = Vec::new();
        for piece in bytes.chunks(len) {
            let mut rest = piece;
            while let Some(line) = lines.next(&mut rest, max) {
                told.push((line.text.to_vec(), line.is_cut, line.is_bare));
            }
        }
        told
    }

    #[test]
    fn however_bytes_are_cut_the_lines_are_the_same() {
        let bytes = b"one\r\ntwo\n\r\n\nlonger than eight\r\nexactly8\r\nexactly9!\nexactly8\nend\r\r\n";
        let whole = lines(bytes, bytes.len(), 8);
        let texts: Vec<&[u8]> = whole.iter().map(|(text, ..)| &text[..]).collect();
        let expected: [&[u8]; 9] =
            [b"one", b"two", b"", b"", b"longer t", b"exactly8", b"exactly9", b"exactly8", b"end\r"];
        assert_eq!(texts, expected);
        let cut: Vec<bool> = whole.iter().map(|(_, is_cut, _)| *is_cut).collect();
        assert_eq!(cut, [false, false, false, false, true, false, true, false, false]);
        let bare: Vec<bool> = whole.iter().map(|(.., is_bare)| *is_bare).collect();
        assert_eq!(bare, [false, true, false, true, false, false, false, true, false]);
        for len in 1..bytes.len() {
            assert_eq!(lines(bytes, len, 8), whole, "in pieces of {len}");
        }
    }

    #[test]
    fn a_line_without_end_keeps_no_more_than_its_start() {
        let mut lines = Lines::default();
        for _ in 0..1_000 {
            let mut bytes = &[b'A'; 1_000][..];
            assert_eq!(lines.next(&mut bytes, 512), None);
        }
        assert!(lines.held() <= 1_024, "{}", lines.held());
        let mut bytes = &b"\r\nnext\r\n"[..];
        let line = lines.next(&mut bytes, 512).map(|line| (line.text.len(), line.is_cut));
        assert_eq!(line, Some((512, true)));
        assert_eq!(lines.next(&mut bytes, 512).map(|line| line.text), Some(&b"next"[..]));
    }

    #[test]
    fn after_missing_bytes_lines_go_on_with_the_next_that_begins() {
        let mut lines = Lines::default();
        let mut bytes = &b"start of a "[..];
        assert_eq!(lines.next(&mut bytes, 512), None);
        lines.lose();
        let mut bytes = &b"line\r\nwhole\r\n"[..];
        assert_eq!(lines.next(&mut bytes, 512).map(|line| line.text), Some(&b"whole"[..]));
    }

    #[test]
    fn who_speaks_first_decides_who_is_the_server() {
        let is_digit = |byte: u8| byte.is_ascii_digit();
        for (first, direction, is_server) in
            [(b'2', Direction::Down, true), (b'E', Direction::Up, false), (b'2', Direction::Up, true)]
        {
            let mut roles = Roles::default();
            assert_eq!(roles.is_server(direction, &[first], is_digit), is_server);
            assert_eq!(roles.is_server(direction, b"E", is_digit), is_server, "once and for all");
            assert_eq!(roles.client() == direction, !is_server);
        }
    }

    #[test]
    fn words_stand_between_blanks() {
        assert_eq!(word(b"USER  anna b"), (&b"USER"[..], &b"anna b"[..]));
        assert_eq!(word(b"QUIT"), (&b"QUIT"[..], &b""[..]));
        assert_eq!(trim(b" \t a b \t"), b"a b");
        assert_eq!(trim(b"  "), b"");
    }
}
