//! Commands of a client.

use crate::dissect::lines::{lossy, trim, trim_start, word};

/// What a command asks for, as far as it matters for what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// `HELO`, `EHLO`, and `LHLO` of LMTP.
    Helo,
    Mail,
    Rcpt,
    Data,
    /// The end of the mail after `DATA`, which is answered as a command is.
    EndOfData,
    /// A chunk that is not the last.
    Chunk,
    /// The last chunk.
    LastChunk,
    Rset,
    StartTls,
    Auth,
    Quit,
    Other,
}

/// A line of a client, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    pub(super) verb: Verb,
    /// The verb as it was written.
    pub(super) word: &'a [u8],
    /// What follows it.
    pub(super) argument: &'a [u8],
}

impl<'a> Command<'a> {
    /// A line; `None` if it is no command of any kind: a verb has three letters or
    /// more (RFC 5321 section 4.1.1), and digits and hyphens where it is private.
    pub(super) fn decode(line: &'a [u8]) -> Option<Self> {
        let (word, argument) = word(trim(line));
        let (&first, rest) = word.split_first()?;
        let is_verb = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        if !first.is_ascii_alphabetic() || word.len() < 3 || word.len() > 16 || !rest.iter().all(is_verb) {
            return None;
        }
        let verb = match &word.to_ascii_uppercase()[..] {
            b"HELO" | b"EHLO" | b"LHLO" => Verb::Helo,
            b"MAIL" => Verb::Mail,
            b"RCPT" => Verb::Rcpt,
            b"DATA" => Verb::Data,
            b"BDAT" => Verb::Chunk,
            b"RSET" => Verb::Rset,
            b"STARTTLS" => Verb::StartTls,
            b"AUTH" => Verb::Auth,
            b"QUIT" => Verb::Quit,
            _ => Verb::Other,
        };
        Some(Self { verb, word, argument })
    }
}

/// The path of `MAIL FROM:` or `RCPT TO:`, as it was written, without what follows
/// it (RFC 5321 section 4.1.2); `None` if there is none.
pub(super) fn path(argument: &[u8], key: &[u8], max: usize) -> Option<Box<str>> {
    let start = argument.get(..key.len())?;
    if !start.eq_ignore_ascii_case(key) {
        return None;
    }
    let rest = trim_start(trim_start(argument.get(key.len()..)?).strip_prefix(b":")?);
    let mut is_quoted = false;
    let is_open = rest.first() == Some(&b'<');
    let ends = |&byte: &u8| {
        is_quoted ^= byte == b'"';
        !is_quoted && (if is_open { byte == b'>' } else { byte == b' ' })
    };
    let len = rest.iter().position(ends).map_or(rest.len(), |at| at + usize::from(is_open));
    let path = rest.get(..len.min(max))?;
    (!path.is_empty()).then(|| lossy(path))
}

/// The argument of `BDAT`: how many bytes, and whether they are the last (RFC 3030
/// section 2).
pub(super) fn chunk(argument: &[u8]) -> Option<(u64, bool)> {
    let (len, rest) = word(argument);
    let is_last = match trim(rest) {
        b"" => false,
        last if last.eq_ignore_ascii_case(b"LAST") => true,
        _ => return None,
    };
    if !len.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((std::str::from_utf8(len).ok()?.parse().ok()?, is_last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_known_in_any_case() {
        let command = Command::decode(b"mail from:<a@b>").map(|command| (command.verb, command.argument));
        assert_eq!(command, Some((Verb::Mail, &b"from:<a@b>"[..])));
        assert_eq!(Command::decode(b"X-ANONYMOUSTLS").map(|command| command.verb), Some(Verb::Other));
        for line in [&b""[..], b"12", b"a b", b"\x16\x03\x01\x02", b"Hello, Alice", b"ABCDEFGHIJKLMNOPQ"] {
            assert_eq!(Command::decode(line), None);
        }
    }

    #[test]
    fn a_path_is_told_as_it_was_written() {
        for (argument, expected) in [
            (&b"FROM:<a@b.example> SIZE=5"[..], Some("<a@b.example>")),
            (b"from: <a@b.example>", Some("<a@b.example>")),
            (b"FROM :<\"x> y\"@b.example> SIZE=5", Some("<\"x> y\"@b.example>")),
            (b"FROM:a@b.example SIZE=5", Some("a@b.example")),
            (b"FROM:<>", Some("<>")),
            (b"FROM:<a@b", Some("<a@b")),
            (b"FROM:", None),
            (b"TO:<a@b>", None),
            (b"FR", None),
        ] {
            assert_eq!(path(argument, b"FROM", 512).as_deref(), expected);
        }
        assert_eq!(path(b"FROM:<abcdef>", b"FROM", 3).as_deref(), Some("<ab"));
    }

    #[test]
    fn a_chunk_says_how_long_it_is() {
        assert_eq!(chunk(b"86"), Some((86, false)));
        assert_eq!(chunk(b"0 last"), Some((0, true)));
        for argument in [&b""[..], b"LAST", b"5 X", b"-1", b"+1", b"99999999999999999999999", b"1 LAST x"] {
            assert_eq!(chunk(argument), None);
        }
    }
}
