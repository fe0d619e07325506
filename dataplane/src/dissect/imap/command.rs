//! A command's words, out of its pieces: atoms, quoted strings and literals
//! (RFC 9051 section 4).

/// Bytes of a command that are kept. Names and passwords stand in its beginning.
pub(super) const COMMAND_MAX: usize = 2 * 1024;

/// A command, as far as it has come: its text, where each literal is written down
/// as a quoted string.
#[derive(Debug, Default)]
pub(super) struct Command {
    text: Vec<u8>,
    /// Whether the last piece announced a literal, which is still open.
    is_in_literal: bool,
}

impl Command {
    /// A line of it; a literal may follow, whose announcement is left out.
    pub(super) fn text(&mut self, line: &[u8], has_literal: bool) {
        self.end_literal();
        let line = if has_literal { without_announcement(line) } else { line };
        for &byte in line {
            self.push(byte);
        }
        if has_literal {
            self.push(b'"');
            self.is_in_literal = true;
        }
    }

    /// Bytes of the literal that was announced.
    pub(super) fn literal(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.text.len() >= COMMAND_MAX {
                return;
            }
            if matches!(byte, b'"' | b'\\') {
                self.push(b'\\');
            }
            self.push(byte);
        }
    }

    /// Whether nothing of it has come.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether it is the one that has no tag.
    pub(super) fn is_done(&self) -> bool {
        self.text.eq_ignore_ascii_case(b"DONE")
    }

    /// Its words.
    pub(super) fn words(&self) -> Words<'_> {
        Words { rest: &self.text }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.text.capacity()
    }

    fn end_literal(&mut self) {
        if std::mem::take(&mut self.is_in_literal) {
            self.push(b'"');
        }
    }

    fn push(&mut self, byte: u8) {
        if self.text.len() < COMMAND_MAX {
            self.text.push(byte);
        }
    }
}

/// The words of a command, without quotes.
pub(super) struct Words<'a> {
    rest: &'a [u8],
}

impl Iterator for Words<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let blanks = self.rest.iter().take_while(|&&byte| byte == b' ').count();
        self.rest = self.rest.get(blanks..)?;
        let (&first, after) = self.rest.split_first()?;
        let mut word = Vec::new();
        let is_quoted = first == b'"';
        let mut bytes = if is_quoted { after.iter() } else { self.rest.iter() };
        while let Some(&byte) = bytes.as_slice().first() {
            if byte == b' ' && !is_quoted {
                break;
            }
            bytes.next();
            match byte {
                b'"' if is_quoted => break,
                b'\\' if is_quoted => word.extend(bytes.next()),
                _ => word.push(byte),
            }
        }
        self.rest = bytes.as_slice();
        Some(word)
    }
}

/// How long the literal is that a line announces at its end: `{12}`, `{12+}`,
/// `~{12}`.
pub(super) fn literal_at_end(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"}")?;
    let start = line.iter().rposition(|&byte| byte == b'{')?;
    let digits = line.get(start + 1..)?;
    let digits = digits.strip_suffix(b"+").or_else(|| digits.strip_suffix(b"-")).unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn without_announcement(line: &[u8]) -> &[u8] {
    let start = line.iter().rposition(|&byte| byte == b'{').unwrap_or(line.len());
    let line = line.get(..start).unwrap_or(line);
    line.strip_suffix(b"~").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> Vec<Vec<u8>> {
        command.words().collect()
    }

    #[test]
    fn words_are_atoms_quoted_strings_and_literals() {
        let mut command = Command::default();
        command.text(br#"a1 LOGIN "an\"na" {6}"#, true);
        command.literal(b"se\"");
        command.literal(b"c\\t");
        command.text(b"", false);
        let expected: [&[u8]; 4] = [b"a1", b"LOGIN", b"an\"na", b"se\"c\\t"];
        assert_eq!(words(&command), expected);
    }

    #[test]
    fn a_literal_is_announced_at_the_end_of_a_line() {
        assert_eq!(literal_at_end(b"a LOGIN {4}"), Some(4));
        assert_eq!(literal_at_end(b"a APPEND x ~{4+}"), Some(4));
        for line in [&b"a {4} b"[..], b"a {}", b"a {x}", b"a 4}", b"", b"{99999999999999999999999}"] {
            assert_eq!(literal_at_end(line), None);
        }
    }

    #[test]
    fn a_command_keeps_its_beginning() {
        let mut command = Command::default();
        command.text(b"a LOGIN {1000000}", true);
        for _ in 0..1_000 {
            command.literal(&[b'"'; 1_000]);
        }
        assert!(command.held() <= 2 * COMMAND_MAX);
        assert_eq!(command.words().count(), 3);
    }
}
