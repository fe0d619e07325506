//! A message: its header and its four sections (RFC 1035 section 4).

use super::super::Malformed;
use super::cursor::Cursor;
use super::data::Data;
use super::edns::Edns;
use super::header::{HEADER_LEN, Header};
use super::name::{Flaws, Name};
use super::registry::{Rcode, Type};

/// All names of a message together walk at most so many times its length.
///
/// A transfer's messages, full of short records that point to long names, walk
/// some 5 times their length; what was made to be slow walks 200 times its own.
pub const WALK_FACTOR: usize = 16;

/// Walks of short messages are not worth a limit of their own.
const WALK_LEAST: usize = 4096;

/// The four sections, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// What is asked.
    Questions,
    /// What answers it.
    Answers,
    /// Who has authority over it.
    Authorities,
    /// What else may be of use.
    Additionals,
}

/// One question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// The name that is asked for.
    pub name: Name<'a>,
    /// Which of its records.
    pub kind: Type,
    /// Of which class, 1 for the Internet; multicast DNS has the top bit for its
    /// own (RFC 6762 section 5.4).
    pub class: u16,
}

/// One record; of OPT, class and time to live mean something else
/// ([`Message::edns`]).
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The name that it is of.
    pub name: Name<'a>,
    /// Its type.
    pub kind: Type,
    /// Its class, 1 for the Internet; multicast DNS has the top bit for its own
    /// (RFC 6762 section 10.2).
    pub class: u16,
    /// How long it may be remembered, in seconds.
    pub ttl: u32,
    data: Cursor<'a>,
}

impl<'a> Record<'a> {
    /// Its data, as its type has them.
    pub fn data(&self) -> Data<'a> {
        Data::decode(self.kind, &mut self.data.clone()).unwrap_or_else(|_| Data::Other(self.bytes()))
    }

    /// Its data as they are on the wire.
    pub fn bytes(&self) -> &'a [u8] {
        self.data.clone().rest()
    }
}

/// Where a section is, and how much of it is sound.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    at: usize,
    count: u16,
}

/// A message that was walked.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Its header.
    pub header: Header,
    bytes: &'a [u8],
    parts: [Part; 4],
    /// What is wrong with the names in it.
    pub flaws: Flaws,
    /// Where it breaks off, and why; what follows is not read.
    pub unsound: Option<(Section, Malformed)>,
    /// Whether data of a record are not what its type should be.
    pub has_unsound_data: bool,
    /// How many bytes it has; what follows is none of it.
    pub len: usize,
}

impl<'a> Message<'a> {
    /// Decodes a message as far as it is sound; an error is a lack of a header.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (header, _) = Header::decode(bytes)?;
        let mut message = Self {
            header,
            bytes,
            parts: [Part::default(); 4],
            flaws: Flaws::empty(),
            unsound: None,
            has_unsound_data: false,
            len: bytes.len(),
        };
        let mut cursor = Cursor::new(bytes, HEADER_LEN);
        cursor.walk = bytes.len().saturating_mul(WALK_FACTOR).max(WALK_LEAST);
        message.walk(&mut cursor);
        message.flaws = cursor.flaws;
        message.len = cursor.at;
        Ok(message)
    }

    fn walk(&mut self, cursor: &mut Cursor<'a>) {
        use Section::{Additionals, Answers, Authorities, Questions};
        let sections = [Questions, Answers, Authorities, Additionals];
        for ((section, part), count) in sections.into_iter().zip(&mut self.parts).zip(self.header.counts) {
            part.at = cursor.at;
            while part.count < count {
                let read = if section == Questions {
                    question(cursor).map(|_| true)
                } else {
                    record(cursor).map(|record| is_sound(&record, cursor))
                };
                match read {
                    Ok(is_sound) => self.has_unsound_data |= !is_sound,
                    Err(malformed) => {
                        self.unsound = Some((section, malformed));
                        return;
                    }
                }
                part.count += 1;
            }
        }
    }

    /// The questions.
    pub fn questions(&self) -> impl Iterator<Item = Question<'a>> + use<'a> {
        let [part, ..] = self.parts;
        let mut cursor = Cursor::new(self.bytes, part.at);
        (0..part.count).map_while(move |_| question(&mut cursor).ok())
    }

    /// The answers.
    pub fn answers(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let [_, part, ..] = self.parts;
        self.records(part)
    }

    /// The records of those with authority.
    pub fn authorities(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let [_, _, part, _] = self.parts;
        self.records(part)
    }

    /// The additional records.
    pub fn additionals(&self) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let [.., part] = self.parts;
        self.records(part)
    }

    fn records(&self, part: Part) -> impl Iterator<Item = Record<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.bytes, part.at);
        (0..part.count).map_while(move |_| record(&mut cursor).ok())
    }

    /// How many questions, answers, authorities and additional records are sound.
    pub fn counts(&self) -> [u16; 4] {
        self.parts.map(|part| part.count)
    }

    /// Its extension, if it has one.
    pub fn edns(&self) -> Option<Edns<'a>> {
        let opt = self.additionals().find(|record| record.kind == Type::OPT)?;
        let Data::Opt(options) = opt.data() else { return None };
        Some(Edns::new(opt.class, opt.ttl, options))
    }

    /// How the answer went, with the bits that EDNS adds.
    pub fn rcode(&self) -> Rcode {
        let upper = self.edns().map_or(0, |edns| u16::from(edns.extended_rcode) << 4);
        Rcode(upper | self.header.flags.rcode())
    }
}

fn question<'a>(cursor: &mut Cursor<'a>) -> Result<Question<'a>, Malformed> {
    Ok(Question { name: cursor.name()?, kind: Type(cursor.u16()?), class: cursor.u16()? })
}

fn record<'a>(cursor: &mut Cursor<'a>) -> Result<Record<'a>, Malformed> {
    let name = cursor.name()?;
    let (kind, class, ttl) = (Type(cursor.u16()?), cursor.u16()?, cursor.u32()?);
    let len = usize::from(cursor.u16()?);
    let at = cursor.at;
    cursor.take(len)?;
    let data = Cursor { at, end: at + len, ..Cursor::new(cursor.message, at) };
    Ok(Record { name, kind, class, ttl, data })
}

/// Whether data are what their type should be. In updates a record without data
/// says what is to be deleted (RFC 2136 section 2.5).
fn is_sound(record: &Record<'_>, cursor: &mut Cursor<'_>) -> bool {
    let mut data = Cursor { walk: cursor.walk, ..record.data };
    let read = Data::decode(record.kind, &mut data);
    cursor.walk = data.walk;
    cursor.flaws |= data.flaws;
    read.is_ok() || record.bytes().is_empty()
}
