//! Conversations that are read in tests, cut as the test wishes, and all that is
//! told of them.

use super::{Dissector, Fact, Listener, Progress, Record};
use crate::anomaly::Anomaly;
use crate::event::{EventKind, Value};
use crate::flow::Direction;

/// One thing that is said.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Talk<'a> {
    Client(&'a str),
    Server(&'a str),
    /// So many bytes of the client are missing.
    ClientGap(u64),
    /// So many bytes of the server are missing.
    ServerGap(u64),
}

/// All that was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) records: Vec<Record>,
    /// Each fact with its fields: `smtp_command smtp.command=MAIL`.
    pub(crate) facts: Vec<String>,
    pub(crate) anomalies: Vec<Anomaly>,
    /// The last answer, and how many bytes of the piece it came to were unread.
    pub(crate) progress: Option<Progress>,
    /// The most that was held at any time.
    pub(crate) held_max: usize,
}

impl Told {
    /// All of it as text, to compare.
    pub(crate) fn text(&self) -> String {
        format!("{:#?}{:#?}{:#?}", self.records, self.facts, self.anomalies)
    }
}

impl Listener for Told {
    fn fact(&mut self, _: Direction, fact: Fact<'_>) {
        self.facts.push(said(&fact));
    }

    fn record(&mut self, _: Direction, record: Record) {
        self.records.push(record);
    }

    fn anomaly(&mut self, _: Direction, anomaly: Anomaly) {
        self.anomalies.push(anomaly);
    }
}

/// A fact with the fields that it fills.
fn said(fact: &Fact<'_>) -> String {
    let event: EventKind = fact.event();
    let fields = super::FIELDS.iter().filter(|(events, _)| events.contains(&event));
    let mut text = event.name().to_owned();
    for field in fields.flat_map(|(_, fields)| *fields) {
        let value = match (field.read)(fact) {
            None => continue,
            Some(Value::Str(value)) => value.to_owned(),
            Some(Value::Int(value)) => value.to_string(),
            Some(Value::Bool(value)) => value.to_string(),
            Some(value) => format!("{value:?}"),
        };
        text = format!("{text} {}={value}", field.name);
    }
    text
}

/// What is told of a conversation, each thing said given in one piece.
pub(crate) fn told(dissector: impl Dissector, talk: &[Talk<'_>]) -> Told {
    told_in_pieces(dissector, talk, usize::MAX)
}

/// What is told of a conversation that is given in pieces of `len` bytes, up to
/// the end or to an answer that ends it.
pub(crate) fn told_in_pieces(mut dissector: impl Dissector, talk: &[Talk<'_>], len: usize) -> Told {
    let mut told = Told::default();
    'talk: for one in talk {
        let (direction, bytes) = match one {
            Talk::Client(text) => (Direction::Up, text.as_bytes()),
            Talk::Server(text) => (Direction::Down, text.as_bytes()),
            Talk::ClientGap(len) => {
                told.progress = Some(dissector.gap(Direction::Up, *len, &mut told));
                continue;
            }
            Talk::ServerGap(len) => {
                told.progress = Some(dissector.gap(Direction::Down, *len, &mut told));
                continue;
            }
        };
        for piece in bytes.chunks(len) {
            let progress = dissector.bytes(direction, piece, &mut told);
            told.progress = Some(progress);
            told.held_max = told.held_max.max(dissector.held());
            if progress != Progress::More {
                break 'talk;
            }
        }
    }
    dissector.close(&mut told);
    told
}

/// What is told of a conversation, after it was seen that pieces of any length say
/// the same.
pub(crate) fn told_however_cut<D: Dissector>(new: fn() -> D, talk: &[Talk<'_>]) -> Told {
    let whole = told(new(), talk);
    for len in [1, 2, 3, 7, 64] {
        assert_eq!(told_in_pieces(new(), talk, len).text(), whole.text(), "in pieces of {len}");
    }
    whole
}
