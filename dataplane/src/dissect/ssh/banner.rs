//! The line in which a side names itself: `SSH-2.0-OpenSSH_9.9 comments`
//! (RFC 4253 section 4.2).
//!
//! A server may send other lines before it; a client may not. A line ends with
//! LF, CR LF, or (as some have sent it) a CR alone.

use super::{BANNER_MAX, PREFACE_MAX};
use crate::anomaly::Anomaly;
use crate::flow::Direction;

/// How a side has named itself; what is no UTF-8 in it is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Banner {
    /// The version of the protocol: `2.0`; `1.99` speaks 1.5 and 2.0.
    pub protocol: String,
    /// Name and version of the software: `OpenSSH_9.9`; may be empty.
    pub software: String,
    /// What comes after the first space.
    pub comments: Option<String>,
}

impl Banner {
    /// Takes a line without its end; `None` if it is no banner.
    fn decode(line: &[u8]) -> Option<Self> {
        let line = line.strip_prefix(b"SSH-")?;
        let dash = line.iter().position(|byte| *byte == b'-').filter(|len| *len > 0)?;
        let (protocol, rest) = line.split_at_checked(dash)?;
        let mut words = rest.get(1..)?.splitn(2, |byte| *byte == b' ');
        let mut text = || words.next().map(|word| String::from_utf8_lossy(word).into_owned());
        Some(Self {
            protocol: String::from_utf8_lossy(protocol).into_owned(),
            software: text().unwrap_or_default(),
            comments: text(),
        })
    }

    /// Whether this side speaks no SSH 2.
    pub(super) fn is_ssh1(&self) -> bool {
        self.protocol.starts_with("1.") && self.protocol != "1.99"
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        self.protocol.len() + self.software.len() + self.comments.as_ref().map_or(0, String::len)
    }
}

/// What a line was.
#[derive(Debug)]
pub(super) enum Line {
    /// The banner.
    Banner(Banner),
    /// So far it is the banner, and longer than one may be: said once, before it.
    Long,
    /// None, and there is none to come.
    Invalid(Anomaly),
}

/// Lines out of pieces, up to the banner.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The line at hand, as far as it is kept.
    line: Vec<u8>,
    /// Whether the last byte was a CR.
    has_cr: bool,
    /// Whether [`Line::Long`] was said.
    is_long: bool,
    /// How many bytes have come.
    len: usize,
}

impl Lines {
    /// Takes bytes up to what there is to say, and gives back those after it.
    pub(super) fn feed<'b>(&mut self, direction: Direction, bytes: &'b [u8]) -> (&'b [u8], Option<Line>) {
        if self.has_cr {
            self.has_cr = false;
            let rest = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            return (rest, self.finish(direction));
        }
        let len = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
        let (text, rest) = bytes.split_at_checked(len).unwrap_or((bytes, &[]));
        let room = BANNER_MAX.saturating_sub(self.line.len());
        self.line.extend(text.iter().take(room));
        self.len = self.len.saturating_add(len);
        let is_banner = self.line.starts_with(b"SSH-");
        if len > room && is_banner && !self.is_long {
            self.is_long = true;
            // Those left out are looked at no more, but for where they end.
            return (rest, Some(Line::Long));
        }
        // Of a client the first line is its banner.
        let may_come = direction == Direction::Down
            || self.line.iter().zip(b"SSH-").all(|(came, expected)| came == expected);
        if self.len > PREFACE_MAX || !may_come {
            return (rest, Some(Line::Invalid(Anomaly::SshInvalidBanner)));
        }
        match rest.split_first() {
            Some((b'\r', rest)) => {
                self.has_cr = true;
                (rest, None)
            }
            Some((_, rest)) => (rest, self.finish(direction)),
            None => (rest, None),
        }
    }

    /// The line at hand has come to its end.
    fn finish(&mut self, direction: Direction) -> Option<Line> {
        let line = std::mem::take(&mut self.line);
        // Lines that are empty do not come for nothing.
        self.len = self.len.saturating_add(1);
        if !line.starts_with(b"SSH-") && direction == Direction::Down {
            return None;
        }
        Some(Banner::decode(&line).map_or(Line::Invalid(Anomaly::SshInvalidBanner), Line::Banner))
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        self.line.capacity()
    }
}
