//! Queries that nobody has answered yet.

use std::collections::VecDeque;

use crate::wire::dns::{Question, Type};

/// So many queries of a flow are remembered; when more come the oldest is
/// forgotten. A resolver that sends all from one port has some hundred under way.
pub const OUTSTANDING_MAX: usize = 256;

/// What a query and its answer have in common (RFC 5452 section 9.1; the
/// addresses and ports are the flow's).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    id: u16,
    kind: Type,
    /// Of the name, in lower case.
    name: u32,
}

/// The queries of a flow, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Asked {
    keys: VecDeque<Key>,
    /// Whether there may have been queries that are not among them.
    is_forgetful: bool,
}

impl Asked {
    /// Remembers a query.
    pub(super) fn ask(&mut self, id: u16, question: Option<&Question<'_>>) {
        if self.keys.len() >= OUTSTANDING_MAX {
            self.keys.pop_front();
            self.is_forgetful = true;
        }
        self.keys.push_back(Key::new(id, question));
    }

    /// Whether an answer was asked for, as far as that can be known. It has been
    /// answered then, unless more messages of it are to come: of a transfer.
    pub(super) fn answer(&mut self, id: u16, question: Option<&Question<'_>>) -> bool {
        let key = Key::new(id, question);
        // A refusal, and what follows of a transfer, may leave the question out.
        let is_it = |asked: &Key| if question.is_some() { *asked == key } else { asked.id == id };
        let Some(place) = self.keys.iter().position(is_it) else { return self.is_forgetful };
        let is_transfer = self.keys.get(place).is_some_and(|asked| is_transfer(asked.kind));
        if !is_transfer {
            self.keys.remove(place);
        }
        true
    }

    /// Queries may have gone by unseen.
    pub(super) fn forget(&mut self) {
        self.is_forgetful = true;
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        self.keys.capacity() * size_of::<Key>()
    }
}

impl Key {
    fn new(id: u16, question: Option<&Question<'_>>) -> Self {
        let name = question.map_or(0, |question| fingerprint(question.name.labels()));
        Self { id, kind: question.map_or(Type(0), |question| question.kind), name }
    }
}

const fn is_transfer(kind: Type) -> bool {
    matches!(kind, Type::AXFR | Type::IXFR)
}

/// FNV-1a over the labels in lower case: who answers may change the case. That
/// two names may be made to collide helps nobody: ports and id have to fit, too.
fn fingerprint<'a>(labels: impl Iterator<Item = &'a [u8]>) -> u32 {
    const OFFSET: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(PRIME);
    labels.fold(OFFSET, |hash, label| {
        let hash = step(hash, u8::try_from(label.len()).unwrap_or(u8::MAX));
        label.iter().fold(hash, |hash, byte| step(hash, byte.to_ascii_lowercase()))
    })
}
