//! Messages made to order, for tests and fuzz corpora. Names are not compressed
//! but where a pointer is asked for.

use super::header::{Flags, Header};
use super::registry::Type;

/// A message in the making.
#[derive(Clone, Debug, Default)]
pub struct MessageBuilder {
    header: Header,
    body: Vec<u8>,
}

/// A pointer to the first question's name.
pub const FIRST_NAME: &[u8] = &[0xc0, 12];

/// The wire form of a name in dots; the root is the empty text. A label is cut at
/// 63 bytes.
pub fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        let label = label.as_bytes();
        let label = label.get(..super::name::LABEL_MAX).unwrap_or(label);
        bytes.push(u8::try_from(label.len()).unwrap_or(0));
        bytes.extend_from_slice(label);
    }
    bytes.push(0);
    bytes
}

impl MessageBuilder {
    /// A query; recursion is wished for.
    pub fn query(id: u16) -> Self {
        let flags = Flags(Flags::RECURSION_DESIRED);
        Self { header: Header { id, flags, counts: [0; 4] }, body: Vec::new() }
    }

    /// A response of a server that recurses.
    pub fn response(id: u16) -> Self {
        Self::query(id).flags(Flags::RESPONSE | Flags::RECURSION_DESIRED | Flags::RECURSION_AVAILABLE)
    }

    /// Has these flags, with opcode and response code, instead.
    #[must_use]
    pub const fn flags(mut self, flags: u16) -> Self {
        self.header.flags = Flags(flags);
        self
    }

    /// Says that there are so many of each section, whatever there is.
    #[must_use]
    pub const fn counts(mut self, counts: [u16; 4]) -> Self {
        self.header.counts = counts;
        self
    }

    /// Asks a question of the Internet's class.
    #[must_use]
    pub fn question(self, text: &str, kind: Type) -> Self {
        self.question_raw(&name(text), kind)
    }

    /// Asks for a name that is given as it is on the wire.
    #[must_use]
    pub fn question_raw(mut self, name: &[u8], kind: Type) -> Self {
        self.body.extend_from_slice(name);
        self.body.extend(kind.0.to_be_bytes());
        self.body.extend([0, 1]);
        self.count(0);
        self
    }

    /// Adds an answer, its name as it is on the wire.
    #[must_use]
    pub fn answer(self, name: &[u8], kind: Type, ttl: u32, data: &[u8]) -> Self {
        self.record(1, name, kind, 1, ttl, data)
    }

    /// Adds a record of those with authority.
    #[must_use]
    pub fn authority(self, name: &[u8], kind: Type, ttl: u32, data: &[u8]) -> Self {
        self.record(2, name, kind, 1, ttl, data)
    }

    /// Adds an additional record.
    #[must_use]
    pub fn additional(self, name: &[u8], kind: Type, ttl: u32, data: &[u8]) -> Self {
        self.record(3, name, kind, 1, ttl, data)
    }

    /// Adds EDNS's record with these upper bits of the response code, and options
    /// as they are on the wire.
    #[must_use]
    pub fn edns(self, udp_size: u16, extended_rcode: u8, options: &[u8]) -> Self {
        self.record(3, &[0], Type::OPT, udp_size, u32::from(extended_rcode) << 24, options)
    }

    fn record(mut self, section: usize, name: &[u8], kind: Type, class: u16, ttl: u32, data: &[u8]) -> Self {
        self.body.extend_from_slice(name);
        self.body.extend(kind.0.to_be_bytes());
        self.body.extend(class.to_be_bytes());
        self.body.extend(ttl.to_be_bytes());
        self.body.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.body.extend_from_slice(data);
        self.count(section);
        self
    }

    fn count(&mut self, section: usize) {
        if let Some(count) = self.header.counts.get_mut(section) {
            *count = count.saturating_add(1);
        }
    }

    /// The message, as a datagram has it.
    pub fn build(&self) -> Vec<u8> {
        [&self.header.encode()[..], &self.body].concat()
    }

    /// The message after its length, as a stream has it (RFC 1035 section 4.2.2).
    pub fn framed(&self) -> Vec<u8> {
        let message = self.build();
        let len = u16::try_from(message.len()).unwrap_or(u16::MAX);
        [&len.to_be_bytes()[..], &message].concat()
    }
}
