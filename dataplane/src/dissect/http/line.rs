//! Lines of a head, as they come: kept within limits, and told from the line
//! that ends the head.
//!
//! A head ends at an empty line. What peers take for one beyond that decides
//! where the body begins, so it is decided here, in one place, as browsers do:
//! by what the line holds and by how it and the one before it end.

use super::{HEAD_MAX, LINE_MAX, Role};

/// What a line that has ended means for the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is a line of the head.
    Line,
    /// It stands before the first line, and says nothing.
    Ignorable,
    /// It ends the head.
    Head,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    CrLf,
    Lf,
}

/// The lines of a head so far.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub(super) struct Lines {
    /// The lines, each with its end.
    held: Vec<u8>,
    /// Lines that have ended.
    count: u32,
    /// Of the line that has not ended: its length, as it was sent.
    len: usize,
    /// Of it: how many carriage returns it has, as long as it has nothing else.
    returns: usize,
    /// Of it: whether it has blanks, and at most returns beside them.
    has_blanks: bool,
    /// Of it: whether it has anything else.
    has_text: bool,
    /// Of it: whether its last byte is a carriage return.
    ends_in_return: bool,
    last_end: End,
    /// Whether something was left out because it was too long.
    is_cut: bool,
    /// Whether a line ended in an odd way.
    is_deformed: bool,
}

impl Lines {
    /// Lines of which the first has come already.
    pub(super) fn after(first: Vec<u8>) -> Self {
        Self { held: first, count: 1, ..Self::default() }
    }

    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    pub(super) fn capacity(&self) -> usize {
        self.held.capacity()
    }

    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(super) const fn is_deformed(&self) -> bool {
        self.is_deformed
    }

    /// Gives the lines away.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(self).held
    }

    /// Reads up to the end of the next line; `None` if it has not come.
    pub(super) fn read(&mut self, role: Role, rest: &mut &[u8]) -> Option<Ended> {
        let Some(at) = rest.iter().position(|&byte| byte == b'\n') else {
            self.keep(rest);
            *rest = &[];
            return None;
        };
        let (line, after) = rest.split_at(at);
        *rest = after.get(1..).unwrap_or_default();
        self.keep(line);
        Some(self.end_line(role))
    }

    /// Keeps what of a line has come, as much as there is room for.
    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_MAX.saturating_sub(self.len).min(HEAD_MAX.saturating_sub(self.held.len()));
        self.is_cut |= bytes.len() > room;
        self.held.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.len = self.len.saturating_add(bytes.len());
        if let Some(&last) = bytes.last() {
            self.ends_in_return = last == b'\r';
        }
        for byte in bytes {
            if self.has_text {
                break;
            }
            match byte {
                b'\r' => self.returns += 1,
                b' ' | b'\t' => self.has_blanks = true,
                _ => self.has_text = true,
            }
        }
    }

    /// The line feed that ends a line has come.
    fn end_line(&mut self, role: Role) -> Ended {
        let end = if self.ends_in_return { End::CrLf } else { End::Lf };
        let ended = self.meaning(role, end);
        if ended == Ended::Ignorable {
            let is_deformed = self.is_deformed;
            *self = Self { is_deformed, ..Self::default() };
            return ended;
        }
        // A line that was too long ends nevertheless.
        if self.held.len() < HEAD_MAX {
            self.held.push(b'\n');
        }
        self.count = self.count.saturating_add(1);
        (self.len, self.returns, self.has_blanks, self.has_text) = (0, 0, false, false);
        self.ends_in_return = false;
        self.last_end = end;
        ended
    }

    fn meaning(&mut self, role: Role, end: End) -> Ended {
        if self.has_text {
            return Ended::Line;
        }
        if self.count == 0 {
            return Ended::Ignorable;
        }
        if self.has_blanks {
            // A folded line of nothing; but where lines end in bare line feeds,
            // browsers see two of them in a row.
            let is_end = role == Role::Server && end == End::Lf && self.last_end == End::Lf;
            self.is_deformed |= is_end;
            return if is_end { Ended::Head } else { Ended::Line };
        }
        if self.returns > 1 {
            self.is_deformed = true;
            return if role == Role::Server && self.last_end == End::CrLf {
                Ended::Line
            } else {
                Ended::Head
            };
        }
        Ended::Head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head that bytes begin with, and what is left.
    fn head(role: Role, bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut lines = Lines::default();
        let mut rest = bytes;
        loop {
            match lines.read(role, &mut rest)? {
                Ended::Head => return Some((lines.take(), rest.to_vec())),
                Ended::Line | Ended::Ignorable => {}
            }
        }
    }

    #[test]
    fn a_head_ends_at_an_empty_line_however_lines_end() {
        for role in [Role::Client, Role::Server] {
            for (bytes, body) in [
                (&b"a\r\nb: c\r\n\r\nbody"[..], &b"body"[..]),
                (b"a\nb: c\n\nbody", b"body"),
                (b"a\r\nb: c\n\r\nbody", b"body"),
                (b"\r\n \r\n\r\na\r\n\r\n\r\n", b"\r\n"),
                (b"a\n\r\r\nbody", b"body"),
            ] {
                assert_eq!(head(role, bytes).map(|(_, rest)| rest).as_deref(), Some(body), "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_line_of_blanks_ends_a_head_only_among_bare_line_feeds_of_a_server() {
        let rest = |role, bytes| head(role, bytes).map(|(_, rest)| rest);
        assert_eq!(rest(Role::Server, b"a\n \nbody\n\n").as_deref(), Some(&b"body\n\n"[..]));
        assert_eq!(rest(Role::Server, b"a\r\n \r\nb\r\n\r\nbody").as_deref(), Some(&b"body"[..]));
        assert_eq!(rest(Role::Client, b"a\n \nb\n\nbody").as_deref(), Some(&b"body"[..]));
    }

    #[test]
    fn what_is_too_long_is_left_out_and_lines_stay_lines() {
        let mut bytes = vec![b'a'; 3 * LINE_MAX];
        bytes.extend_from_slice(b"\r\n\r\nbody");
        let mut lines = Lines::default();
        let mut rest = &bytes[..];
        assert_eq!(lines.read(Role::Client, &mut rest), Some(Ended::Line));
        assert!(lines.is_cut());
        assert_eq!(lines.read(Role::Client, &mut rest), Some(Ended::Head));
        assert_eq!((rest, lines.held().len()), (&b"body"[..], LINE_MAX + 3));

        let mut lines = Lines::default();
        for _ in 0..HEAD_MAX {
            let mut rest = &b"some: line\r\n"[..];
            lines.read(Role::Client, &mut rest);
        }
        assert!(lines.held().len() <= HEAD_MAX && lines.is_cut());
    }
}
