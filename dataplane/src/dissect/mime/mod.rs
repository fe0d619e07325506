//! MIME as it streams by: mails with their attachments (RFC 2045, RFC 2046) and
//! forms with their uploads (RFC 7578).
//!
//! [`Mime`] is fed in pieces cut anywhere and tells, in order, of each entity its
//! [`Head`], its content with the transfer coding undone, and its end. Containers
//! (`multipart/*`, and in mails `message/rfc822`) tell their head alone; what they
//! contain follows.
//!
//! A delimiter is sought as mail programs and servers seek it: at the start of a
//! line, behind CRLF or LF, of any container that is open, so that an inner one
//! whose end is missing ends with the outer one. Content is handed on as it comes;
//! kept are the head that is being read and the start of a line that may be a
//! delimiter.
//!
//! - `head`: headers and their parameters
//! - `words`: encoded words in headers (RFC 2047)
//! - `transfer`: base64 and quoted-printable

mod head;
#[cfg(test)]
mod tests;
mod transfer;
mod words;

pub use head::{HEAD_MAX, Head, file_name, parameter};
use transfer::Transfer;
pub use words::decode as decode_words;

/// The most containers within each other that are opened; what is deeper is one
/// content.
pub const DEPTH_MAX: usize = 16;

/// The longest boundary that is looked for, in bytes. RFC 2046 allows 70; what
/// programs accept is more.
pub const BOUNDARY_MAX: usize = 256;

/// The longest line that may be a delimiter, in bytes: blanks may follow it.
const DELIMITER_MAX: usize = BOUNDARY_MAX + 256;

/// The most memory held, in bytes.
pub const HELD_MAX: usize = 2 * HEAD_MAX + DEPTH_MAX * BOUNDARY_MAX + 2 * DELIMITER_MAX + transfer::HELD_MAX;

/// What is told, in the order in which it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// An entity begins.
    Head(&'a Head),
    /// Content of the entity that began last, with its transfer coding undone;
    /// never empty.
    Bytes(&'a [u8]),
    /// So many bytes of it, as they are transferred, were not seen.
    Gap(u64),
    /// It is over. Containers are not told to end.
    End {
        /// Whether its end was seen: a delimiter, or the mail's own end.
        is_complete: bool,
    },
}

/// Who is told.
type Told<'a> = dyn FnMut(Event<'_>) + 'a;

/// What the bytes that follow are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Lines of a head.
    Head,
    /// Content of an entity.
    Content,
    /// What stands before the first entity of a container or behind its last.
    #[default]
    Between,
}

/// One mail, or one form.
#[derive(Debug, Default)]
pub struct Mime {
    place: Place,
    /// Whether it is a mail, whose parts may be encoded for their transfer.
    is_mail: bool,
    /// The boundaries of the containers that are open, the outermost first.
    boundaries: Vec<Vec<u8>>,
    /// Messages within messages.
    messages: usize,
    head: Head,
    /// In a head: the line so far. Elsewhere: what may be a delimiter, from the end
    /// of the line before.
    line: Vec<u8>,
    /// Bytes in `line` of the end of the line before.
    newline_len: usize,
    /// Whether what follows begins a line, or goes on with one in `line`.
    is_line_start: bool,
    transfer: Transfer,
    /// Whether containers were nested more deeply than is followed.
    is_too_deep: bool,
}

impl Mime {
    /// A mail, from the first byte of its headers on.
    pub fn mail() -> Self {
        Self { place: Place::Head, is_mail: true, is_line_start: true, ..Self::default() }
    }

    /// A body of this boundary: a form, whose parts are sent as they are.
    pub fn form(boundary: &[u8]) -> Self {
        let boundary = boundary.get(..BOUNDARY_MAX).unwrap_or(boundary);
        Self { boundaries: vec![boundary.to_vec()], is_line_start: true, ..Self::default() }
    }

    /// Whether containers were nested more deeply than [`DEPTH_MAX`].
    pub fn is_too_deep(&self) -> bool {
        self.is_too_deep
    }

    /// Takes the bytes that follow.
    pub fn feed(&mut self, mut bytes: &[u8], told: &mut Told<'_>) {
        while !bytes.is_empty() {
            bytes = match self.place {
                Place::Head => self.head_line(bytes, told),
                Place::Content | Place::Between if self.is_line_start => self.line_start(bytes, told),
                Place::Content | Place::Between => self.line_rest(bytes, told),
            };
        }
    }

    /// So many bytes were not seen: a delimiter among them is missed.
    pub fn gap(&mut self, len: u64, told: &mut Told<'_>) {
        match self.place {
            Place::Content => {
                self.flush(told);
                told(Event::Gap(len));
            }
            // The line is torn; a head goes on.
            Place::Head | Place::Between => self.line.clear(),
        }
        (self.is_line_start, self.newline_len) = (false, 0);
    }

    /// Nothing more comes.
    pub fn end(&mut self, told: &mut Told<'_>) {
        if self.place == Place::Head {
            let line = std::mem::take(&mut self.line);
            if !line.is_empty() {
                self.head_line_complete(&line, told);
            }
            if self.place == Place::Head && !self.head.is_empty() {
                self.head_complete(told);
            }
        } else if !(self.is_line_start && self.delimiter(told)) {
            self.flush(told);
        }
        // Of a mail of one part, the end is its own.
        self.close(self.boundaries.is_empty(), told);
        self.place = Place::Between;
        self.boundaries.clear();
    }

    /// Bytes of memory held.
    pub fn held(&self) -> usize {
        let boundaries: usize = self.boundaries.iter().map(Vec::capacity).sum();
        self.head.held() + self.line.capacity() + boundaries + self.transfer.held()
    }

    /// Takes bytes of a line of a head.
    fn head_line<'a>(&mut self, bytes: &'a [u8], told: &mut Told<'_>) -> &'a [u8] {
        let len = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        let (piece, rest) = bytes.split_at_checked(len).unwrap_or((bytes, &[]));
        // A line beyond what a head may have is cut.
        let room = HEAD_MAX.saturating_sub(self.line.len());
        self.line.extend(piece.iter().take(room));
        if piece.ends_with(b"\n") {
            let mut line = std::mem::take(&mut self.line);
            self.head_line_complete(&line, told);
            // Its memory serves for the next.
            line.clear();
            if self.line.is_empty() {
                self.line = line;
            }
        }
        rest
    }

    /// Takes a line of a head.
    fn head_line_complete(&mut self, line: &[u8], told: &mut Told<'_>) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            self.head_complete(told);
        } else if let Some((level, is_close)) = self.find_delimiter(line) {
            self.head_complete(told);
            self.enter(level, is_close, told);
        } else {
            self.head.line(line);
        }
    }

    /// What follows a head depends on what it says.
    fn head_complete(&mut self, told: &mut Told<'_>) {
        self.head.complete(self.boundaries.len() + self.messages, self.is_mail);
        (self.is_line_start, self.newline_len) = (true, 0);
        let has_room = self.boundaries.len() + self.messages < DEPTH_MAX;
        let boundary = self.head.boundary();
        let is_message = self.is_mail && self.head.is_message();
        self.is_too_deep |= !has_room && (boundary.is_some() || is_message);
        self.place = Place::Content;
        if let Some(boundary) = boundary.filter(|_| has_room) {
            self.boundaries.push(boundary);
            self.head.is_container = true;
            self.place = Place::Between;
        } else if is_message && has_room {
            self.messages += 1;
            self.head.is_container = true;
            self.place = Place::Head;
        }
        self.transfer = if self.is_mail { self.head.transfer() } else { Transfer::default() };
        told(Event::Head(&self.head));
        self.head.clear();
    }

    /// At the start of a line: keeps what may be a delimiter.
    fn line_start<'a>(&mut self, bytes: &'a [u8], told: &mut Told<'_>) -> &'a [u8] {
        let len = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        let room = (self.newline_len + DELIMITER_MAX).saturating_sub(self.line.len());
        let (piece, rest) = bytes.split_at_checked(len.min(room)).unwrap_or((bytes, &[]));
        // Most lines show with their first byte that they are none.
        let shown = self.line.len() > self.newline_len;
        if !shown && piece.first().is_some_and(|byte| *byte != b'-') {
            self.flush(told);
            self.is_line_start = false;
            return bytes;
        }
        self.line.extend_from_slice(piece);
        if piece.ends_with(b"\n") {
            if !self.delimiter(told) {
                self.not_a_delimiter(told);
            }
        } else if room <= len && self.delimiter(told) {
            // Of a last one, any number of bytes may follow in its line.
        } else if room <= len || !self.may_be_delimiter() {
            // A CR may belong to an end of line that is still to come.
            let cr = self.line.len() > self.newline_len && self.line.ends_with(b"\r");
            self.line.truncate(self.line.len() - usize::from(cr));
            self.flush(told);
            self.line.extend(cr.then_some(b'\r'));
            self.is_line_start = false;
        }
        rest
    }

    /// Within a line: hands on what cannot belong to a delimiter.
    fn line_rest<'a>(&mut self, bytes: &'a [u8], told: &mut Told<'_>) -> &'a [u8] {
        let mut at = 0;
        // The line ends where a delimiter may follow, or where nothing does yet.
        let end = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(newline) = rest.iter().position(|byte| *byte == b'\n') else { break None };
            match rest.get(newline + 1) {
                Some(next) if *next != b'-' => at += newline + 1,
                _ => break Some(at + newline),
            }
        };
        let content_len = end.unwrap_or(bytes.len());
        let content = bytes.get(..content_len).unwrap_or_default();
        // The CR before an LF belongs to it; it may have come before.
        let has_kept_cr = self.line == b"\r";
        if has_kept_cr && !(content.is_empty() && end.is_some()) {
            self.flush(told);
        }
        let stripped = content.strip_suffix(b"\r").unwrap_or(content);
        self.content(stripped, told);
        self.line.extend_from_slice(content.get(stripped.len()..).unwrap_or_default());
        let Some(newline) = end else { return &[] };
        self.line.push(b'\n');
        (self.newline_len, self.is_line_start) = (self.line.len(), true);
        bytes.get(newline + 1..).unwrap_or_default()
    }

    /// The line in `line` is complete and part of the content; its end may be part
    /// of a delimiter that follows.
    fn not_a_delimiter(&mut self, told: &mut Told<'_>) {
        let newline_len = if self.line.ends_with(b"\r\n") { 2 } else { 1 };
        let newline = self.line.split_off(self.line.len().saturating_sub(newline_len));
        self.flush(told);
        (self.newline_len, self.line) = (newline.len(), newline);
    }

    /// What is kept is content.
    fn flush(&mut self, told: &mut Told<'_>) {
        let mut line = std::mem::take(&mut self.line);
        self.content(&line, told);
        line.clear();
        (self.line, self.newline_len) = (line, 0);
    }

    fn content(&mut self, bytes: &[u8], told: &mut Told<'_>) {
        if self.place == Place::Content && !bytes.is_empty() {
            self.transfer.feed(bytes, &mut |bytes| told(Event::Bytes(bytes)));
        }
    }

    /// Whether the line kept, as far as it has come, may become a delimiter.
    fn may_be_delimiter(&self) -> bool {
        let line = self.line.get(self.newline_len..).unwrap_or_default();
        let Some((dashes, rest)) = line.split_first_chunk::<2>() else { return line.starts_with(b"-") };
        dashes == b"--"
            && self.boundaries.iter().any(|boundary| match rest.strip_prefix(&**boundary) {
                Some(behind) => is_behind_delimiter(behind) || behind == b"-",
                None => boundary.starts_with(rest),
            })
    }

    /// Whether the line kept is a delimiter; then the part before it is over.
    fn delimiter(&mut self, told: &mut Told<'_>) -> bool {
        let line = self.line.get(self.newline_len..).unwrap_or_default();
        let Some((level, is_close)) = self.find_delimiter(line) else { return false };
        self.line.clear();
        self.newline_len = 0;
        self.enter(level, is_close, told);
        true
    }

    /// Which container's delimiter a line is, and whether it is its last; of those
    /// that fit, the innermost.
    fn find_delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        let rest = line.strip_prefix(b"--")?;
        let mut levels = self.boundaries.iter().enumerate().rev();
        levels.find_map(|(level, boundary)| {
            let behind = rest.strip_prefix(&**boundary)?;
            is_behind_delimiter(behind).then(|| (level, behind.starts_with(b"--")))
        })
    }

    /// Behind a delimiter of a container: those within it are over.
    fn enter(&mut self, level: usize, is_close: bool, told: &mut Told<'_>) {
        self.close(true, told);
        self.boundaries.truncate(if is_close { level } else { level + 1 });
        self.place = if is_close { Place::Between } else { Place::Head };
        (self.is_line_start, self.messages) = (true, 0);
        self.head.clear();
    }

    /// The entity whose content this is, is over.
    fn close(&mut self, is_complete: bool, told: &mut Told<'_>) {
        if self.place == Place::Content {
            self.transfer.end(&mut |bytes| told(Event::Bytes(bytes)));
            told(Event::End { is_complete });
        }
    }
}

/// What may stand on a line behind a boundary: blanks, or the dashes of the last
/// one and then anything.
fn is_behind_delimiter(behind: &[u8]) -> bool {
    behind.starts_with(b"--") || behind.iter().all(u8::is_ascii_whitespace)
}
