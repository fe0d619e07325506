//! Files that pass: named, measured, hashed, and told what they are by their first
//! bytes.
//!
//! A dissector that carries files opens a [`FileTracker`] for each, hands it the
//! bytes as they were meant (decoded), and at its end tells a [`FileRecord`] and
//! asks the rules about its [`FileFacts`]. Nothing of a file is kept but its first
//! [`BEGINNING_LEN`] bytes.
//!
//! - `fields`: what rules may read
//! - `magic`: what first bytes show

mod fields;
mod magic;

use std::fmt;

use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::digest::hex;
use super::{Fact, Listener, Record};
use crate::app_proto::AppProto;
use crate::flow::Direction;

pub(super) use fields::FIELDS;
pub use magic::{BEGINNING_LEN, label};

/// The longest name that is kept, in bytes: what Linux and Windows allow for a
/// path.
pub const NAME_MAX: usize = 4096;

/// How a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileState {
    /// Complete.
    Closed,
    /// Its end, or something before it, was not seen.
    Truncated,
    /// It broke: what carried it was malformed, or would not decode.
    Error,
}

impl FileState {
    /// The word for events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Truncated => "TRUNCATED",
            Self::Error => "ERROR",
        }
    }
}

/// What is known of a file that has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// As it was announced, or where it was asked for; may be empty.
    pub name: String,
    /// Bytes, decoded; those that were not seen are counted.
    pub size: u64,
    /// Whether bytes of it were not seen.
    pub has_gaps: bool,
    /// How it ended.
    pub state: FileState,
    /// What its first bytes show: `PDF document`; `None` where they show nothing.
    pub magic: Option<&'static str>,
    /// MD5 in hexadecimal digits, if it is complete.
    pub md5: Option<String>,
    /// SHA-256 in hexadecimal digits, of what was seen.
    pub sha256: String,
    /// Where in a larger file it stands, first and last byte, if a part was asked
    /// for.
    pub range: Option<(u64, u64)>,
}

/// One file for the log of events.
#[derive(Clone, Debug)]
pub struct FileRecord {
    /// What is known of it.
    pub facts: FileFacts,
    /// The protocol that carried it.
    pub app_proto: AppProto,
    /// The number of the transaction in its flow that carried it, from 0.
    pub tx_id: u64,
    /// That transaction, as far as it is known; written beside the file.
    pub carrier: Option<Box<Record>>,
}

impl FileRecord {
    /// Asks the rules about the file, and has it logged; `direction` is who sent it.
    pub fn tell(self, direction: Direction, listener: &mut dyn Listener) {
        listener.fact(direction, Fact::File(&self.facts));
        listener.record(direction, Record::File(Box::new(self)));
    }
}

/// One file while it passes.
#[derive(Clone)]
pub struct FileTracker {
    name: String,
    size: u64,
    has_gaps: bool,
    range: Option<(u64, u64)>,
    beginning: Vec<u8>,
    md5: Md5,
    sha256: Sha256,
}

impl FileTracker {
    /// A file of which nothing has come yet. What of the name is no UTF-8 becomes
    /// U+FFFD; it is cut to [`NAME_MAX`].
    pub fn new(name: &[u8]) -> Self {
        let name = name.get(..NAME_MAX).unwrap_or(name);
        Self {
            name: String::from_utf8_lossy(name).into_owned(),
            size: 0,
            has_gaps: false,
            range: None,
            beginning: Vec::new(),
            md5: Md5::new(),
            sha256: Sha256::new(),
        }
    }

    /// It is a part of a larger file: its first and last byte there.
    pub fn set_range(&mut self, first: u64, last: u64) {
        self.range = Some((first, last));
    }

    /// The bytes that follow.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let room = BEGINNING_LEN.saturating_sub(self.beginning.len());
        if room > 0 && !self.has_gaps {
            self.beginning.extend(bytes.iter().take(room));
        }
        self.size = self.size.saturating_add(bytes.len() as u64);
        self.md5.update(bytes);
        self.sha256.update(bytes);
    }

    /// So many bytes were not seen.
    pub fn gap(&mut self, len: u64) {
        self.size = self.size.saturating_add(len);
        self.has_gaps = true;
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file has come to an end. One with gaps is truncated however it ended.
    pub fn close(self, state: FileState) -> FileFacts {
        let state = if self.has_gaps && state == FileState::Closed { FileState::Truncated } else { state };
        FileFacts {
            magic: label(&self.beginning),
            md5: (state == FileState::Closed).then(|| hex(&self.md5.finalize())),
            sha256: hex(&self.sha256.finalize()),
            name: self.name,
            size: self.size,
            has_gaps: self.has_gaps,
            state,
            range: self.range,
        }
    }

    /// Bytes of memory held.
    pub fn held(&self) -> usize {
        self.name.capacity() + self.beginning.capacity()
    }
}

impl fmt::Debug for FileTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileTracker")
            .field("name", &self.name)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_file_is_the_same_however_it_is_cut() {
        let bytes: Vec<u8> = b"%PDF-1.7\n".iter().copied().chain((0..=255).cycle().take(5000)).collect();
        let whole = {
            let mut file = FileTracker::new(b"a.pdf");
            file.bytes(&bytes);
            file.close(FileState::Closed)
        };
        let mut cut = FileTracker::new(b"a.pdf");
        bytes.chunks(1).for_each(|byte| cut.bytes(byte));
        assert!(cut.held() <= NAME_MAX + 2 * BEGINNING_LEN);
        assert_eq!(cut.close(FileState::Closed), whole);
        assert_eq!((whole.size, whole.magic), (5009, Some("PDF document")));
    }

    #[test]
    fn digests_are_the_published_ones() {
        let mut file = FileTracker::new(b"");
        file.bytes(b"abc");
        let facts = file.close(FileState::Closed);
        assert_eq!(facts.md5.as_deref(), Some("900150983cd24fb0d6963f7d28e17f72"));
        assert!(facts.sha256.starts_with("ba7816bf8f01cfea"));
        assert_eq!(FileTracker::new(b"").close(FileState::Closed).sha256, EMPTY);
    }

    #[test]
    fn what_was_not_seen_is_counted_and_truncates() {
        let mut file = FileTracker::new(b"x");
        file.gap(733);
        let facts = file.close(FileState::Closed);
        assert_eq!((facts.size, facts.has_gaps, facts.state), (733, true, FileState::Truncated));
        assert_eq!((facts.md5, &*facts.sha256), (None, EMPTY));
    }

    #[test]
    fn first_bytes_behind_a_gap_show_nothing() {
        let mut file = FileTracker::new(b"x");
        file.gap(1);
        file.bytes(b"%PDF-1.7");
        assert_eq!(file.close(FileState::Closed).magic, None);
    }

    #[test]
    fn a_name_is_cut_and_made_text() {
        assert_eq!(FileTracker::new(b"a\xff").close(FileState::Closed).name, "a\u{fffd}");
        assert_eq!(FileTracker::new(&[b'a'; NAME_MAX + 1]).close(FileState::Closed).name.len(), NAME_MAX);
    }
}
