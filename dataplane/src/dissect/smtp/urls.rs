//! Addresses of the web in the text of a mail, as it streams by.
//!
//! Text is cut where no URL can go on; in a stretch of what is left, the first
//! scheme begins one, and it goes on to the end. What ends a sentence is none of it.

use crate::dissect::lines::lossy;

/// The longest URL that is kept, in bytes; of a longer one, its beginning.
const URL_MAX: usize = 2048;

/// The most URLs that are kept of a mail.
pub(super) const URLS_MAX: usize = 128;

/// The most bytes of them all.
pub(super) const URL_BYTES_MAX: usize = 32 * 1024;

const SCHEMES: [&[u8]; 3] = [b"http://", b"https://", b"ftp://"];

/// Bytes that may be the start of a scheme.
const SCHEME_MAX: usize = 8;

/// URLs so far.
#[derive(Debug, Default)]
pub(super) struct Urls {
    found: Vec<Box<str>>,
    found_bytes: usize,
    /// What has come since the last byte that ends a URL.
    stretch: Vec<u8>,
    /// Whether the stretch is the rest of a URL that is longer than is kept.
    is_rest: bool,
}

impl Urls {
    /// Text that follows.
    pub(super) fn feed(&mut self, text: &[u8]) {
        for stretch in text.split_inclusive(|&byte| ends_url(byte)) {
            let is_end = stretch.last().is_some_and(|&byte| ends_url(byte));
            let len = stretch.len() - usize::from(is_end);
            let mut rest = stretch.get(..len).unwrap_or_default();
            while !rest.is_empty() && !self.is_rest {
                let room = URL_MAX.saturating_sub(self.stretch.len());
                let (kept, left) = rest.split_at_checked(room).unwrap_or((rest, &[]));
                self.stretch.extend_from_slice(kept);
                rest = left;
                if self.stretch.len() >= URL_MAX {
                    self.full();
                }
            }
            if is_end {
                self.end();
            }
        }
    }

    /// The text is over: what follows is another.
    pub(super) fn end(&mut self) {
        if !std::mem::take(&mut self.is_rest) {
            self.look();
        }
        self.stretch.clear();
    }

    /// All of them, the last first, as Suricata has them.
    pub(super) fn take(&mut self) -> Vec<Box<str>> {
        let mut found = std::mem::take(&mut self.found);
        found.reverse();
        found
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.found_bytes + self.found.capacity() * size_of::<Box<str>>() + self.stretch.capacity()
    }

    /// A stretch is longer than a URL may be.
    fn full(&mut self) {
        if start(&self.stretch).is_some() {
            self.look();
            self.is_rest = true;
            self.stretch.clear();
        } else {
            // A scheme may have begun.
            let passed = self.stretch.len().saturating_sub(SCHEME_MAX - 1);
            self.stretch.drain(..passed);
        }
    }

    fn look(&mut self) {
        let Some(url) = start(&self.stretch).map(without_punctuation) else { return };
        let bytes = self.found_bytes + url.len();
        if self.found.len() >= URLS_MAX || bytes > URL_BYTES_MAX {
            return;
        }
        let url = lossy(url);
        if !self.found.contains(&url) {
            self.found_bytes = bytes;
            self.found.push(url);
        }
    }
}

/// Whether no URL has such a byte (RFC 3986 appendix A), and text around one may.
const fn ends_url(byte: u8) -> bool {
    byte <= b' '
        || byte >= 0x7f
        || matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

/// A URL with at least one byte behind its scheme, from there on.
fn start(stretch: &[u8]) -> Option<&[u8]> {
    let at = stretch.iter().enumerate().find_map(|(at, byte)| {
        if !matches!(byte, b'h' | b'H' | b'f' | b'F') {
            return None;
        }
        let rest = stretch.get(at..)?;
        let is_scheme = |scheme: &&[u8]| {
            rest.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
                && rest.len() > scheme.len()
        };
        SCHEMES.iter().any(is_scheme).then_some(at)
    })?;
    stretch.get(at..)
}

fn without_punctuation(url: &[u8]) -> &[u8] {
    let mut url = url;
    let opens = url.contains(&b'(');
    while let [start @ .., last] = url {
        let is_ending = matches!(last, b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b']');
        if !is_ending && (*last != b')' || opens) {
            break;
        }
        url = start;
    }
    url
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]

    use super::*;

    fn urls(text: &[u8], len: usize) -> Vec<Box<str>> {
        let mut urls = Urls::default();
        text.chunks(len).for_each(|piece| urls.feed(piece));
        urls.end();
        urls.take()
    }

    #[test]
    fn urls_are_found_in_text_and_markup_however_it_is_cut() {
        let text = b"See http://example.com/a?b=c. <a href=\"HTTPS://b.example/x(y)\">b</a> \
            (ftp://192.0.2.1), xhttp://in.example/ http:// none http://example.com/a?b=c";
        let expected =
            ["http://in.example/", "ftp://192.0.2.1", "HTTPS://b.example/x(y)", "http://example.com/a?b=c"];
        for len in [1, 2, 3, 5, 64, 1_000] {
            let found = urls(text, len);
            assert_eq!(found.iter().map(|url| &**url).collect::<Vec<_>>(), expected, "in pieces of {len}");
        }
    }

    #[test]
    fn a_url_is_found_behind_a_long_stretch_and_cut_where_it_is_long() {
        let text =
            [&[b'x'; 5_000][..], b"http://example.com/", &[b'y'; 5_000], b" http://b.example"].concat();
        for len in [1, 7, 100_000] {
            let found = urls(&text, len);
            let [second, first] = &found[..] else { panic!("{found:?}") };
            assert_eq!(&**second, "http://b.example");
            assert!(first.starts_with("http://example.com/yyy") && first.len() <= URL_MAX);
        }
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let text: Vec<u8> = (0..100_000).flat_map(|n| format!("http://{n}.example/ ").into_bytes()).collect();
        let mut urls = Urls::default();
        urls.feed(&text);
        assert!(urls.held() <= URL_BYTES_MAX + 2 * URL_MAX + 2 * URLS_MAX * size_of::<Box<str>>());
        assert_eq!(urls.take().len(), URLS_MAX);
    }
}
