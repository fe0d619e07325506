//! TFTP: which file is asked for (RFC 1350 section 5).
//!
//! Only requests come to the known port; what follows goes between two others.

use super::{Dissector, Listener, Progress, Record};
use crate::flow::Direction;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TftpRecord {
    /// Whether the client writes, and does not read.
    pub is_write: bool,
    /// The file's name.
    pub file: String,
    /// How it is sent, in lower case: `octet`, `netascii`, `mail`.
    pub mode: String,
    /// The options (RFC 2347) in their order, at most [`OPTIONS_MAX`].
    pub options: Vec<(String, String)>,
}

/// The most options that are told of a request; some ten are known.
pub const OPTIONS_MAX: usize = 16;

/// The longest text that is read of a request, in bytes (RFC 2347: 512 for all).
pub const TEXT_MAX: usize = 512;

/// A flow with requests.
#[derive(Debug, Default)]
pub struct Tftp;

impl Dissector for Tftp {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        if let Some(request) = TftpRecord::decode(bytes) {
            listener.record(direction, Record::Tftp(Box::new(request)));
        }
        Progress::More
    }
}

impl TftpRecord {
    /// Decodes a request; `None` for what is none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&[0, opcode @ (1 | 2)], mut rest) = bytes.split_first_chunk()? else { return None };
        let mut text = || {
            let len = rest.iter().take(TEXT_MAX + 1).position(|&byte| byte == 0)?;
            let (text, tail) = rest.split_at_checked(len)?;
            rest = tail.get(1..)?;
            Some(String::from_utf8_lossy(text).into_owned())
        };
        let file = text()?;
        let mode = text()?.to_ascii_lowercase();
        if !matches!(mode.as_str(), "octet" | "netascii" | "mail") {
            return None;
        }
        let options = std::iter::from_fn(|| Some((text()?, text()?))).take(OPTIONS_MAX).collect();
        Some(Self { is_write: opcode == 2, file, mode, options })
    }
}

#[cfg(test)]
mod tests {
    use super::super::heard::{Heard, hear, whole};
    use super::*;

    fn heard(bytes: &[u8]) -> Heard {
        hear(&mut Tftp, &[(Direction::Up, bytes.to_vec())], whole).0
    }

    #[test]
    fn a_request_is_told_with_its_options() {
        let heard = heard(b"\0\x02rfc1350.txt\0OCTET\0tsize\x000\0blksize\x001428\0");
        let [Record::Tftp(request)] = &heard.records[..] else { unreachable!("{heard:?}") };
        assert_eq!((request.is_write, &*request.file, &*request.mode), (true, "rfc1350.txt", "octet"));
        let options: Vec<_> = request.options.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(options, [("tsize", "0"), ("blksize", "1428")]);
    }

    #[test]
    fn what_is_no_request_is_passed_over() {
        for bytes in [&b""[..], b"\0\x03\0\x01data", b"\0\x01file", b"\0\x01file\0octet", b"\0\x01f\0x\0"] {
            assert!(heard(bytes).all.is_empty(), "{bytes:?}");
        }
        let long = [&b"\0\x01"[..], &[b'a'; TEXT_MAX + 1], b"\0octet\0"].concat();
        assert!(heard(&long).all.is_empty());
    }

    #[test]
    fn options_without_end_are_cut() {
        let many = [&b"\0\x01f\0octet\0"[..], &b"a\0b\0".repeat(100)].concat();
        assert_eq!(TftpRecord::decode(&many).map(|request| request.options.len()), Some(OPTIONS_MAX));
    }
}
