//! A mail while it is handed over: what its headers say, what is attached, and
//! where its texts point to.

use std::mem::take;

use md5::{Digest as _, Md5};

use super::record::{Email, HEADERS, SmtpRecord};
use super::urls::Urls;
use crate::anomaly::Anomaly;
use crate::app_proto::AppProto;
use crate::dissect::file::{FileRecord, FileState, FileTracker};
use crate::dissect::lines::lossy;
use crate::dissect::mime::{BOUNDARY_MAX, Event, Head, Mime, decode_words, parameter};
use crate::dissect::{Listener, Record};
use crate::flow::Direction;

/// The longest name of a header that is in order (Suricata's limit, as those below).
const HEADER_NAME_MAX: usize = 256;

/// The longest value of a header that is in order.
const HEADER_VALUE_MAX: usize = 2000;

/// The longest name of a file that is in order.
const FILE_NAME_MAX: usize = 256;

/// The most attachments that are named.
const ATTACHMENTS_MAX: usize = 128;

/// The most files of one mail that are told; each has the mail beside it.
const FILES_MAX: usize = 128;

/// The most of `Received` that are kept.
const RECEIVED_MAX: usize = 64;

/// One mail.
#[derive(Debug)]
pub(super) struct Mail {
    mime: Mime,
    body: Body,
    parts: Parts,
    /// The end of a line that may be the last, which is none of the mail's content.
    newline: &'static [u8],
}

/// The body as it is transferred.
#[derive(Debug, Default)]
struct Body {
    /// Bytes of an empty line so far, while headers come.
    blank: Blank,
    md5: Md5,
    has_gaps: bool,
}

/// How near the end of the headers is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Blank {
    /// At the start of a line.
    #[default]
    Start,
    /// After a CR there.
    Cr,
    /// In a line.
    Line,
    /// It was there.
    Over,
}

/// What is learnt of the parts of a mail.
#[derive(Debug, Default)]
struct Parts {
    email: Email,
    has_head: bool,
    urls: Urls,
    file: Option<FileTracker>,
    /// How many files there were.
    files: usize,
    is_text: bool,
    odd: Oddities,
}

/// What is odd, and what was said of that already.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Oddities {
    long_header_name: bool,
    long_header_value: bool,
    long_file_name: bool,
    long_boundary: bool,
}

impl Mail {
    /// A mail of which nothing has come.
    pub(super) fn new() -> Self {
        Self { mime: Mime::mail(), body: Body::default(), parts: Parts::default(), newline: b"" }
    }

    /// What follows, as it is transferred; text of the mail, or a point that was
    /// added to it.
    pub(super) fn transferred(&mut self, bytes: &[u8]) {
        self.body.feed(bytes);
    }

    /// Text of the mail that follows.
    pub(super) fn text(&mut self, bytes: &[u8], to: &mut Teller<'_>) {
        let mut bytes = bytes;
        if self.newline == b"\r"
            && let Some(rest) = bytes.strip_prefix(b"\n")
        {
            self.newline = b"\r\n";
            bytes = rest;
        }
        if bytes.is_empty() {
            return;
        }
        let newline = take(&mut self.newline);
        self.feed(newline, to);
        for end in [&b"\r\n"[..], b"\n", b"\r"] {
            if let Some(text) = bytes.strip_suffix(end) {
                (bytes, self.newline) = (text, end);
                break;
            }
        }
        self.feed(bytes, to);
    }

    /// So many bytes were not seen.
    pub(super) fn gap(&mut self, len: u64, to: &mut Teller<'_>) {
        let newline = take(&mut self.newline);
        self.feed(newline, to);
        self.body.has_gaps = true;
        let parts = &mut self.parts;
        self.mime.gap(len, &mut |event| parts.event(event, to));
    }

    /// It is over.
    pub(super) fn end(mut self, is_complete: bool, to: &mut Teller<'_>) -> Email {
        if self.newline == b"\r" {
            self.feed(b"\r", to);
        }
        let Self { mut mime, body, mut parts, .. } = self;
        let is_complete = is_complete && !body.has_gaps;
        to.is_complete = is_complete;
        mime.end(&mut |event| parts.event(event, to));
        parts.close(is_complete, to);
        parts.urls.end();
        let has_body = body.blank == Blank::Over;
        let body_md5 = (is_complete && has_body).then(|| body.md5.finalize().into());
        Email { urls: parts.urls.take(), has_body, is_complete, body_md5, ..parts.email }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        let file = self.parts.file.as_ref().map_or(0, FileTracker::held);
        self.mime.held() + self.parts.email.held() + self.parts.urls.held() + file
    }

    fn feed(&mut self, bytes: &[u8], to: &mut Teller<'_>) {
        let parts = &mut self.parts;
        self.mime.feed(bytes, &mut |event| parts.event(event, to));
    }
}

impl Body {
    fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.blank != Blank::Over {
            let Some((&byte, after)) = rest.split_first() else { return };
            rest = after;
            self.blank = match (self.blank, byte) {
                (Blank::Start | Blank::Cr, b'\n') => Blank::Over,
                (Blank::Start, b'\r') => Blank::Cr,
                (_, b'\n') => Blank::Start,
                _ => Blank::Line,
            };
        }
        self.md5.update(rest);
    }
}

/// Who is told, and what of: the mail's envelope, its number in the session.
pub(super) struct Teller<'a> {
    pub(super) listener: &'a mut dyn Listener,
    pub(super) client: Direction,
    pub(super) envelope: &'a SmtpRecord,
    pub(super) tx_id: u64,
    /// Whether the end of a part is one, too, where the mail's is not.
    pub(super) is_complete: bool,
}

impl Teller<'_> {
    /// Something is odd about the mail.
    pub(super) fn raise(&mut self, anomaly: Anomaly) {
        self.listener.anomaly(self.client, anomaly);
    }
}

impl Parts {
    fn event(&mut self, event: Event<'_>, to: &mut Teller<'_>) {
        match event {
            Event::Head(head) => self.head(head, to),
            Event::Bytes(bytes) => {
                if let Some(file) = &mut self.file {
                    file.bytes(bytes);
                }
                if self.is_text {
                    self.urls.feed(bytes);
                }
            }
            Event::Gap(len) => {
                if let Some(file) = &mut self.file {
                    file.gap(len);
                }
                self.urls.end();
            }
            Event::End { is_complete } => self.close(is_complete && to.is_complete, to),
        }
    }

    fn head(&mut self, head: &Head, to: &mut Teller<'_>) {
        self.check(head, to);
        if !std::mem::replace(&mut self.has_head, true) {
            self.headers(head);
        }
        self.urls.end();
        if head.is_container {
            return;
        }
        let name = head.file_name();
        let media = head.content_type();
        let is_text = media.as_ref().is_none_or(|media| media.starts_with("text/"));
        self.is_text = is_text && !head.is_attachment();
        if let Some(name) = name.as_ref().filter(|_| self.email.attachments.len() < ATTACHMENTS_MAX) {
            self.email
                .attachments
                .push(lossy(name.get(..name.floor_char_boundary(FILE_NAME_MAX)).unwrap_or(name).as_bytes()));
        }
        let is_file = name.is_some() || !is_text || head.is_attachment();
        if is_file && self.files < FILES_MAX {
            self.files += 1;
            self.file = Some(FileTracker::new(name.unwrap_or_default().as_bytes()));
        }
    }

    /// The headers of the mail itself.
    fn headers(&mut self, head: &Head) {
        for (slot, name) in self.email.headers.iter_mut().zip(HEADERS) {
            *slot = head.value(name).map(lossy);
        }
        let received = head.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"received"));
        self.email.received = received.take(RECEIVED_MAX).map(|(_, value)| lossy(value)).collect();
        let subject = head.value("subject");
        self.email.subject = subject.map(|subject| decode_words(subject).into());
        self.email.subject_md5 = subject.map(|subject| Md5::digest(subject).into());
    }

    /// What is odd about headers.
    fn check(&mut self, head: &Head, to: &mut Teller<'_>) {
        let mut raise = |was: &mut bool, is: bool, anomaly: Anomaly| {
            if is && !std::mem::replace(was, true) {
                to.raise(anomaly);
            }
        };
        let odd = &mut self.odd;
        let mut headers = head.headers.iter();
        let is_long = headers.clone().any(|(name, _)| name.len() > HEADER_NAME_MAX);
        raise(&mut odd.long_header_name, is_long, Anomaly::SmtpMimeLongHeaderName);
        let is_long = head.is_cut || headers.any(|(_, value)| value.len() > HEADER_VALUE_MAX);
        raise(&mut odd.long_header_value, is_long, Anomaly::SmtpMimeLongHeaderValue);
        let is_long = head.file_name().is_some_and(|name| name.len() > FILE_NAME_MAX);
        raise(&mut odd.long_file_name, is_long, Anomaly::SmtpMimeLongFilename);
        let boundary = head.value("content-type").and_then(|value| parameter(value, "boundary"));
        let is_long = boundary.is_some_and(|boundary| boundary.len() > BOUNDARY_MAX);
        raise(&mut odd.long_boundary, is_long, Anomaly::SmtpMimeLongBoundary);
    }

    /// The file at hand is over.
    fn close(&mut self, is_complete: bool, to: &mut Teller<'_>) {
        let Some(file) = self.file.take() else { return };
        let state = if is_complete { FileState::Closed } else { FileState::Truncated };
        let envelope = to.envelope;
        let email = Email { has_body: true, ..self.email.clone() };
        let carrier = SmtpRecord { email: Some(Box::new(email)), ..envelope.clone() };
        let record = FileRecord {
            facts: file.close(state),
            app_proto: AppProto::Smtp,
            tx_id: to.tx_id,
            carrier: Some(Box::new(Record::Smtp(Box::new(carrier)))),
        };
        record.tell(to.client, to.listener);
    }
}
