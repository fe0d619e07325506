//! XMPP: the server's `<proceed/>` to a client's `<starttls/>` (RFC 6120 section
//! 5). Once a client has proved who it is, it is too late for that.

use super::start_tls;
use crate::app_proto::AppProto;
use crate::dissect::{Dissector, Listener, Progress};
use crate::flow::Direction;

/// The most that is kept of a tag: its name.
const NAME_MAX: usize = 64;

/// So many bytes come before TLS at most; then it is not expected any more.
const BYTES_MAX: u64 = 64 * 1024;

#[derive(Default)]
pub(super) struct Xmpp {
    sides: [Tags; 2],
    bytes: u64,
}

/// The tags of one direction.
#[derive(Default)]
struct Tags {
    /// The name of the tag at hand, as far as it has come and is kept.
    name: Vec<u8>,
    place: Place,
    /// The last byte, which says of a tag whether it is empty.
    last: u8,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    Name,
    Attributes,
    /// In a value that ends with this byte.
    Value(u8),
}

/// A tag that has come to its end.
struct Tag {
    /// Its name, without what says that it closes.
    name: Vec<u8>,
    /// Whether its element has come to its end, too: the tag is a closing one, or
    /// that of an empty element.
    is_end: bool,
}

impl Tags {
    /// The next byte.
    fn push(&mut self, byte: u8) -> Option<Tag> {
        let last = std::mem::replace(&mut self.last, byte);
        match (self.place, byte) {
            (Place::Text, b'<') => {
                self.name.clear();
                self.place = Place::Name;
            }
            (Place::Name | Place::Attributes, b'>') => {
                self.place = Place::Text;
                let name = std::mem::take(&mut self.name);
                let is_end = last == b'/' || name.starts_with(b"/");
                let name = name.strip_prefix(b"/").unwrap_or(&name);
                let name = name.strip_suffix(b"/").unwrap_or(name).to_owned();
                return Some(Tag { name, is_end });
            }
            (Place::Name, b' ' | b'\t' | b'\r' | b'\n') => self.place = Place::Attributes,
            (Place::Name, _) if self.name.len() < NAME_MAX => self.name.push(byte),
            (Place::Attributes, b'"' | b'\'') => self.place = Place::Value(byte),
            (Place::Value(end), _) if byte == end => self.place = Place::Attributes,
            _ => {}
        }
        None
    }
}

impl Dissector for Xmpp {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let tags = direction.of_mut(&mut self.sides);
        for (at, byte) in bytes.iter().enumerate() {
            let Some(Tag { name, is_end }) = tags.push(*byte) else { continue };
            match (direction, local(&name)) {
                // What the element holds comes before what it means.
                (Direction::Down, b"proceed") if is_end => {
                    let unread = bytes.len() - at - 1;
                    return start_tls(direction, AppProto::Xmpp, unread, listener);
                }
                (_, b"auth" | b"authenticate" | b"success" | b"handshake") => return Progress::Done,
                _ => {}
            }
        }
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > BYTES_MAX { Progress::Done } else { Progress::More }
    }

    fn held(&self) -> usize {
        self.sides.iter().map(|tags| tags.name.capacity()).sum()
    }
}

/// A name without the prefix of its namespace.
fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|byte| *byte == b':').next().unwrap_or(name)
}
