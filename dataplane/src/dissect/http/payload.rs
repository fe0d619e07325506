//! A body on its way to rules and files: decoded, told part by part, followed as
//! a file.

use super::exchange::Exchange;
use super::facts::{BodyPart, HttpFacts};
use super::head::Fields;
use super::message::{Request, Response};
use super::oddity::{Oddities, Oddity};
use super::side::Ending;
use super::{FORM_FILES_MAX, Role};
use crate::app_proto::AppProto;
use crate::dissect::body::{Decoder, Outcome};
use crate::dissect::file::{FileRecord, FileState, FileTracker};
use crate::dissect::mime::{Event, Mime, file_name, parameter};
use crate::dissect::{Fact, Listener, Record};
use crate::flow::Direction;

/// The body of one message.
#[derive(Debug)]
pub(super) struct Payload {
    decoder: Decoder,
    content: Content,
    /// Bytes that were told.
    told: u64,
}

/// What a body is made of.
#[derive(Debug)]
enum Content {
    /// One file.
    File(Box<FileTracker>),
    /// A form with files in it (RFC 7578), one after the other.
    Form { parts: Box<Mime>, files: Files },
}

/// The files of a form.
#[derive(Debug, Default)]
struct Files {
    /// The one that is passing.
    file: Option<Box<FileTracker>>,
    /// How many there were.
    count: usize,
}

/// Of which message a body is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of {
    pub(super) role: Role,
    pub(super) direction: Direction,
}

impl Payload {
    /// The body of a message with these fields, in an exchange.
    fn new(role: Role, request: Option<&Request>, response: Option<&Response>) -> Self {
        let fields = match role {
            Role::Client => request.map(Request::fields),
            Role::Server => response.map(Response::fields),
        };
        let codings = fields.map(codings).unwrap_or_default();
        let boundary = fields.filter(|_| role == Role::Client).and_then(boundary);
        let content = match boundary {
            Some(boundary) => {
                Content::Form { parts: Box::new(Mime::form(&boundary)), files: Files::default() }
            }
            None => Content::File(Box::new(file(fields, request, role))),
        };
        Self { decoder: Decoder::new(codings.as_bytes()), content, told: 0 }
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        let content = match &self.content {
            Content::File(file) => file.held(),
            Content::Form { parts, files } => {
                parts.held() + files.file.as_ref().map_or(0, |file| file.held())
            }
        };
        size_of::<Self>() + self.decoder.held() + content
    }
}

/// The file that a body is: named by its head, or by what was asked for.
fn file(fields: Option<&Fields>, request: Option<&Request>, role: Role) -> FileTracker {
    let first = |name| fields.and_then(|fields: &Fields| fields.first(name));
    let announced = first("content-disposition").and_then(|value| file_name(value.as_bytes()));
    let asked = || request.map(Request::path).unwrap_or_default().to_owned();
    let mut file = FileTracker::new(announced.unwrap_or_else(asked).as_bytes());
    let range = first("content-range").filter(|_| role == Role::Server).and_then(Range::read);
    if let Some((first, last)) = range.and_then(|range| range.part) {
        file.set_range(first, last);
    }
    file
}

/// The boundary of a form.
fn boundary(fields: &Fields) -> Option<Vec<u8>> {
    const FORM: &str = "multipart/form-data";
    let kind = fields.first("content-type")?;
    let is_form = kind.get(..FORM.len())?.eq_ignore_ascii_case(FORM);
    parameter(kind.as_bytes(), "boundary").filter(|boundary| is_form && !boundary.is_empty())
}

/// Bytes of the body of a message have come.
pub(super) fn bytes(exchange: &mut Exchange, of: Of, bytes: &[u8], listener: &mut dyn Listener) {
    let mut payload = exchange.take_payload(of.role).unwrap_or_else(|| Box::new(begin(exchange, of.role)));
    let Payload { decoder, content, told } = &mut *payload;
    decoder.feed(bytes, &mut |part| tell(exchange, of, part, content, told, listener));
    exchange.set_payload(of.role, payload);
}

/// So many bytes of the body of a message were not seen.
pub(super) fn gap(exchange: &mut Exchange, of: Of, len: u64, listener: &mut dyn Listener) {
    let mut payload = exchange.take_payload(of.role).unwrap_or_else(|| Box::new(begin(exchange, of.role)));
    let Payload { decoder, content, told } = &mut *payload;
    if decoder.is_identity() {
        *told = told.saturating_add(len);
    }
    decoder.gap(&mut |part| tell(exchange, of, part, content, told, listener));
    match content {
        Content::File(file) => file.gap(len),
        Content::Form { parts, files } => {
            parts.gap(len, &mut |event| part(exchange, of, files, event, listener));
        }
    }
    exchange.set_payload(of.role, payload);
}

/// The body of a message has come to its end, if there was one.
pub(super) fn end(exchange: &mut Exchange, of: Of, ending: Ending, listener: &mut dyn Listener) -> Oddities {
    let mut odd = Oddities::default();
    let Some(mut payload) = exchange.take_payload(of.role) else { return odd };
    let Payload { decoder, content, told } = &mut *payload;
    let outcome = decoder.end(&mut |part| tell(exchange, of, part, content, told, listener));
    odd.note(matches!(outcome, Outcome::Raw(_) | Outcome::Broken(_)), Oddity::CodingFailed);
    odd.note(matches!(outcome, Outcome::Bomb(_)), Oddity::Bomb);
    odd.note(decoder.has_unknown(), Oddity::CodingUnknown);
    odd.note(decoder.has_too_many(), Oddity::CodingLayers);
    let form = if of.role == Role::Client { exchange.take_form() } else { None };
    tell_part(exchange, of, BodyPart::last(payload.told, form.as_deref()), listener);
    let state = match (ending, outcome) {
        (_, Outcome::Broken(_) | Outcome::Bomb(_)) => FileState::Error,
        (Ending::Cut, _) => FileState::Truncated,
        (Ending::Whole, _) => FileState::Closed,
    };
    match payload.content {
        Content::File(file) => tell_file(exchange, of, *file, state, listener),
        Content::Form { mut parts, mut files } => {
            parts.end(&mut |event| part(exchange, of, &mut files, event, listener));
            odd.note(files.count > FORM_FILES_MAX, Oddity::FormFiles);
        }
    }
    odd
}

fn begin(exchange: &Exchange, role: Role) -> Payload {
    Payload::new(role, exchange.request.as_ref(), exchange.response.as_ref())
}

/// Tells a part of a body, decoded.
fn tell(
    exchange: &mut Exchange,
    of: Of,
    bytes: &[u8],
    content: &mut Content,
    told: &mut u64,
    listener: &mut dyn Listener,
) {
    match content {
        Content::File(file) => file.bytes(bytes),
        Content::Form { parts, files } => {
            parts.feed(bytes, &mut |event| part(exchange, of, files, event, listener));
        }
    }
    if of.role == Role::Client {
        exchange.keep_form(bytes);
    }
    tell_part(exchange, of, BodyPart::new(bytes, *told), listener);
    *told = told.saturating_add(bytes.len() as u64);
}

fn tell_part(exchange: &Exchange, of: Of, body: BodyPart<'_>, listener: &mut dyn Listener) {
    let facts = HttpFacts {
        request: exchange.request.as_ref(),
        response: exchange.response.as_ref(),
        body: Some(body),
        role: of.role,
    };
    listener.fact(of.direction, Fact::HttpBody(&facts));
}

/// Something of a form: a field that is a file is followed.
fn part(exchange: &Exchange, of: Of, files: &mut Files, event: Event<'_>, listener: &mut dyn Listener) {
    match event {
        Event::Head(head) => {
            let name = head.file_name();
            files.count += usize::from(name.is_some());
            let name = name.filter(|_| files.count <= FORM_FILES_MAX);
            files.file = name.map(|name| Box::new(FileTracker::new(name.as_bytes())));
        }
        Event::Bytes(bytes) => files.file.iter_mut().for_each(|file| file.bytes(bytes)),
        Event::Gap(len) => files.file.iter_mut().for_each(|file| file.gap(len)),
        Event::End { is_complete } => {
            let state = if is_complete { FileState::Closed } else { FileState::Truncated };
            if let Some(file) = files.file.take() {
                tell_file(exchange, of, *file, state, listener);
            }
        }
    }
}

/// Tells a file that has passed, unless there was nothing of it.
fn tell_file(exchange: &Exchange, of: Of, file: FileTracker, state: FileState, listener: &mut dyn Listener) {
    if file.size() == 0 {
        return;
    }
    let carrier = Record::Http(Box::new(exchange.brief()));
    let record = FileRecord {
        facts: file.close(state),
        app_proto: if exchange.http2.is_some() { AppProto::Http2 } else { AppProto::Http },
        tx_id: exchange.id,
        carrier: Some(Box::new(carrier)),
    };
    record.tell(of.direction, listener);
}

/// The codings of a body, in the order in which they were applied.
fn codings(fields: &Fields) -> String {
    let content = fields.all("content-encoding");
    let transfer = fields.all("transfer-encoding").flat_map(|value| value.split(','));
    let transfer = transfer.filter(|coding| is_compression(coding.trim()));
    content.chain(transfer).collect::<Vec<_>>().join(",")
}

fn is_compression(coding: &str) -> bool {
    ["gzip", "x-gzip", "deflate"].iter().any(|known| known.eq_ignore_ascii_case(coding))
}

/// Which part of a file a body is (RFC 9110 section 14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first and the last byte; `None` where no part was sent.
    pub part: Option<(u64, u64)>,
    /// The size of the whole; `None` where it is not known.
    pub size: Option<u64>,
}

impl Range {
    /// Reads the value of `Content-Range`; `None` if it says nothing.
    pub fn read(value: &str) -> Option<Self> {
        let (unit, rest) = value.trim().split_once([' ', '\t'])?;
        let (part, size) = rest.trim().split_once('/')?;
        let size = size.trim().parse().ok();
        let part = part.trim().split_once('-').and_then(|(first, last)| {
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last).then_some((first, last))
        });
        let says = unit.eq_ignore_ascii_case("bytes") && (part.is_some() || size.is_some());
        says.then_some(Self { part, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_lies_are_not() {
        let read = |value| Range::read(value).map(|range| (range.part, range.size));
        assert_eq!(read("bytes 0-67/68"), Some((Some((0, 67)), Some(68))));
        assert_eq!(read("bytes 5-9/*"), Some((Some((5, 9)), None)));
        assert_eq!(read("bytes */100"), Some((None, Some(100))));
        assert_eq!(read("bytes 9-5/100"), Some((None, Some(100))));
        assert_eq!(read("lines 1-2/3"), None);
        assert_eq!(read("bytes 1-2"), None);
    }
}
