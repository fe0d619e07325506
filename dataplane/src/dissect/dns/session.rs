//! What is said of each message of a flow, in whichever way it came.

use std::fmt::Write as _;
use std::sync::Arc;

use super::asked::Asked;
use super::{DnsFacts, DnsRecord, Family, NONSENSE_MAX, QUESTIONS_TOLD_MAX};
use crate::anomaly::Anomaly;
use crate::dissect::{Fact, Listener, Progress, Record};
use crate::flow::Direction;
use crate::wire::dns::name::Flaws;
use crate::wire::dns::{Flags, Message, Question, Section};

/// Operations from here on are not assigned (RFC 6895 section 2.2).
const OPCODE_UNASSIGNED: u8 = 7;
/// Operations that either side may send to the other (RFC 8490 section 5.4).
const OPCODE_DSO: u8 = 6;

/// A flow's messages.
#[derive(Debug)]
pub(super) struct Session {
    family: Family,
    /// How many messages were told.
    told: u64,
    asked: Asked,
    /// Who asks: whoever sent the first query, or was sent the first response.
    client: Option<Direction>,
    /// How many messages in a row were none.
    nonsense: u8,
    /// The name at hand, kept for its room.
    name: String,
}

impl Session {
    pub(super) fn new(family: Family) -> Self {
        Self { family, told: 0, asked: Asked::default(), client: None, nonsense: 0, name: String::new() }
    }

    /// Reads a whole message.
    pub(super) fn message(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        listener: &mut dyn Listener,
    ) -> Progress {
        let odd = Odd::of(self.family);
        let Ok(message) = Message::decode(bytes) else {
            if self.nonsense < NONSENSE_MAX {
                listener.anomaly(direction, odd.malformed_data);
            }
            return self.count_nonsense();
        };
        odd.raise(&message, direction, listener);
        let has_nothing = message.counts() == [0; 4];
        if has_nothing && message.unsound.is_some() {
            return self.count_nonsense();
        }
        self.nonsense = 0;
        if self.family == Family::Unicast {
            self.hold_sides(&message, direction, listener);
        }
        if message.header.flags.is_response() {
            self.response(&message, direction, bytes, listener);
        } else {
            self.query(&message, direction, bytes, listener);
        }
        Progress::More
    }

    /// Messages may have gone by unseen.
    pub(super) fn lose(&mut self) {
        self.asked.forget();
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        self.asked.held() + self.name.capacity()
    }

    fn count_nonsense(&mut self) -> Progress {
        self.nonsense = self.nonsense.saturating_add(1);
        if self.nonsense < NONSENSE_MAX { Progress::More } else { Progress::Malformed }
    }

    /// Holds a message against who sends it.
    fn hold_sides(&mut self, message: &Message<'_>, direction: Direction, listener: &mut dyn Listener) {
        let flags = message.header.flags;
        let from = if flags.is_response() { direction.reversed() } else { direction };
        let client = *self.client.get_or_insert(from);
        if client != from && flags.opcode() != OPCODE_DSO {
            let anomaly = if flags.is_response() { Anomaly::DnsNotRequest } else { Anomaly::DnsNotResponse };
            listener.anomaly(direction, anomaly);
        }
    }

    fn query(
        &mut self,
        message: &Message<'_>,
        direction: Direction,
        bytes: &[u8],
        listener: &mut dyn Listener,
    ) {
        let first = message.questions().next();
        if self.family == Family::Unicast {
            self.asked.ask(message.header.id, first.as_ref());
        }
        let count = message.questions().take(QUESTIONS_TOLD_MAX.into()).count();
        for question in message.questions().take(QUESTIONS_TOLD_MAX.into()) {
            self.tell(message, Some(&question), direction, false, listener);
        }
        let shared = Arc::from(bytes);
        let events = match self.family {
            Family::Unicast => u16::try_from(count).unwrap_or(QUESTIONS_TOLD_MAX),
            Family::Mdns | Family::Llmnr => 1,
        };
        for question in 0..events {
            self.record(&shared, question, direction, false, listener);
        }
        self.told += 1;
    }

    fn response(
        &mut self,
        message: &Message<'_>,
        direction: Direction,
        bytes: &[u8],
        listener: &mut dyn Listener,
    ) {
        let first = message.questions().next();
        let is_unsolicited =
            self.family == Family::Unicast && !self.asked.answer(message.header.id, first.as_ref());
        if is_unsolicited {
            listener.anomaly(direction, Anomaly::DnsUnsolicitedResponse);
        }
        self.tell(message, first.as_ref(), direction, is_unsolicited, listener);
        let shared = Arc::from(bytes);
        self.record(&shared, 0, direction, is_unsolicited, listener);
        self.told += 1;
    }

    /// Asks rules.
    fn tell(
        &mut self,
        message: &Message<'_>,
        question: Option<&Question<'_>>,
        direction: Direction,
        is_unsolicited: bool,
        listener: &mut dyn Listener,
    ) {
        self.name.clear();
        if let Some(question) = question {
            // Writing into a text cannot fail.
            let _ = write!(self.name, "{}", question.name);
            self.name.make_ascii_lowercase();
        }
        let facts = DnsFacts {
            message: *message,
            family: self.family,
            name: &self.name,
            kind: question.map(|question| question.kind),
            is_unsolicited,
        };
        let is_response = message.header.flags.is_response();
        listener.fact(direction, if is_response { Fact::DnsAnswer(&facts) } else { Fact::DnsQuery(&facts) });
    }

    fn record(
        &self,
        message: &Arc<[u8]>,
        question: u16,
        direction: Direction,
        is_unsolicited: bool,
        listener: &mut dyn Listener,
    ) {
        let record = DnsRecord {
            family: self.family,
            tx_id: self.told,
            message: Arc::clone(message),
            question,
            is_unsolicited,
        };
        listener.record(direction, Record::Dns(Box::new(record)));
    }
}

/// What is odd about messages, by the names of each protocol.
struct Odd {
    family: Family,
    malformed_data: Anomaly,
    z_flag_set: Anomaly,
    invalid_opcode: Anomaly,
    name_too_long: Anomaly,
    infinite_loop: Anomaly,
    too_many_labels: Anomaly,
    invalid_authorities: Anomaly,
    invalid_additionals: Anomaly,
}

impl Odd {
    const fn of(family: Family) -> Self {
        match family {
            Family::Unicast => Self {
                family,
                malformed_data: Anomaly::DnsMalformedData,
                z_flag_set: Anomaly::DnsZFlagSet,
                invalid_opcode: Anomaly::DnsInvalidOpcode,
                name_too_long: Anomaly::DnsNameTooLong,
                infinite_loop: Anomaly::DnsInfiniteLoop,
                too_many_labels: Anomaly::DnsTooManyLabels,
                invalid_authorities: Anomaly::DnsInvalidAuthorities,
                invalid_additionals: Anomaly::DnsInvalidAdditionals,
            },
            Family::Mdns => Self {
                family,
                malformed_data: Anomaly::MdnsMalformedData,
                z_flag_set: Anomaly::MdnsZFlagSet,
                invalid_opcode: Anomaly::MdnsInvalidOpcode,
                name_too_long: Anomaly::MdnsNameTooLong,
                infinite_loop: Anomaly::MdnsInfiniteLoop,
                too_many_labels: Anomaly::MdnsTooManyLabels,
                invalid_authorities: Anomaly::MdnsInvalidAuthorities,
                invalid_additionals: Anomaly::MdnsInvalidAdditionals,
            },
            Family::Llmnr => Self {
                family,
                malformed_data: Anomaly::LlmnrMalformedData,
                z_flag_set: Anomaly::LlmnrZFlagSet,
                invalid_opcode: Anomaly::LlmnrInvalidOpcode,
                name_too_long: Anomaly::LlmnrNameTooLong,
                infinite_loop: Anomaly::LlmnrInfiniteLoop,
                too_many_labels: Anomaly::LlmnrTooManyLabels,
                invalid_authorities: Anomaly::LlmnrInvalidAuthorities,
                invalid_additionals: Anomaly::LlmnrInvalidAdditionals,
            },
        }
    }

    fn raise(&self, message: &Message<'_>, direction: Direction, listener: &mut dyn Listener) {
        let flags = message.header.flags;
        // LLMNR has no operation but to ask (RFC 4795 section 2.1.1).
        let is_invalid =
            flags.opcode() >= OPCODE_UNASSIGNED || self.family == Family::Llmnr && flags.opcode() != 0;
        let broken_at = message.unsound.map(|(section, _)| section);
        let is_malformed =
            matches!(broken_at, Some(Section::Questions | Section::Answers)) || message.has_unsound_data;
        let found = [
            (is_malformed, self.malformed_data),
            (broken_at == Some(Section::Authorities), self.invalid_authorities),
            (broken_at == Some(Section::Additionals), self.invalid_additionals),
            (flags.has(Flags::RESERVED), self.z_flag_set),
            (is_invalid, self.invalid_opcode),
            (message.flaws.contains(Flaws::TOO_LONG), self.name_too_long),
            (message.flaws.contains(Flaws::LOOP), self.infinite_loop),
            (message.flaws.contains(Flaws::TOO_MANY_LABELS), self.too_many_labels),
        ];
        for (_, anomaly) in found.into_iter().filter(|(is_so, _)| *is_so) {
            listener.anomaly(direction, anomaly);
        }
    }
}
