//! MQTT over ordered bytes (MQTT 3.1, 3.1.1 and 5.0, OASIS): whether both sides
//! keep to the protocol.
//!
//! Messages are read as far as their packet identifier; what they carry is
//! passed over. What does not fit is told as an anomaly: an answer to nothing,
//! a message before its sender has introduced itself, a type that is not
//! assigned. There is no event of its own. Where bytes are missing in a
//! direction, nothing more is known of it; the other goes on.
//!
//! - `message`: messages out of one direction's bytes

mod message;
#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests fail by panicking")]
mod tests;

use std::collections::BTreeSet;

use super::{Dissector, Listener, Progress};
use crate::anomaly::Anomaly;
use crate::flow::Direction;
use message::{Kind, Message, Messages};

/// So many requests of a connection may wait for their answers; of those beyond,
/// nothing is expected.
pub const WAITING_MAX: usize = 1024;

/// One connection.
#[derive(Debug, Default)]
pub struct Mqtt {
    sides: [Messages; 2],
    /// Whether a client has asked to be let in, and was answered.
    asked: bool,
    connected: bool,
    /// Requests of each side that wait for an answer, and their identifiers.
    waiting: [BTreeSet<(Kind, u16)>; 2],
    /// Requests were forgotten: an answer to nothing may be to one of these.
    has_forgotten: bool,
}

impl Mqtt {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn message(&mut self, direction: Direction, message: Message, listener: &mut dyn Listener) {
        let mut odd_if = |is_odd: bool, anomaly| {
            if is_odd {
                listener.anomaly(direction, anomaly);
            }
        };
        let other = direction.reversed();
        let introduces = matches!(message.kind, Kind::Connect | Kind::Connack | Kind::Unassigned);
        odd_if(!introduces && !self.connected, Anomaly::MqttUnintroducedMessage);
        match message.kind {
            Kind::Connect => {
                odd_if(self.connected, Anomaly::MqttDoubleConnect);
                self.asked = true;
            }
            Kind::Connack => {
                odd_if(!self.asked, Anomaly::MqttMissingConnect);
                self.connected |= self.asked;
            }
            Kind::Publish | Kind::Subscribe | Kind::Unsubscribe => match (message.qos, message.id) {
                (3, _) => odd_if(true, Anomaly::MqttInvalidQosLevel),
                (0, _) if message.kind == Kind::Publish => {}
                (_, Some(id)) => {
                    if self.waiting.iter().map(BTreeSet::len).sum::<usize>() < WAITING_MAX {
                        direction.of_mut(&mut self.waiting).insert((message.kind, id));
                    } else {
                        self.has_forgotten = true;
                        odd_if(true, Anomaly::MqttTooManyTransactions);
                    }
                }
                // A long topic hides its identifier.
                (_, None) if message.is_cut => self.has_forgotten = true,
                (_, None) => odd_if(true, Anomaly::MqttMissingMsgId),
            },
            Kind::Puback | Kind::Pubcomp => {
                odd_if(!self.answers(other, Kind::Publish, message.id, true), Anomaly::MqttMissingPublish);
            }
            // The two in the middle of a delivery in four steps; who sends the
            // second of them has published.
            Kind::Pubrec => {
                odd_if(!self.answers(other, Kind::Publish, message.id, false), Anomaly::MqttMissingPublish);
            }
            Kind::Pubrel => {
                odd_if(
                    !self.answers(direction, Kind::Publish, message.id, false),
                    Anomaly::MqttMissingPublish,
                );
            }
            Kind::Suback => {
                odd_if(
                    !self.answers(other, Kind::Subscribe, message.id, true),
                    Anomaly::MqttMissingSubscribe,
                );
            }
            Kind::Unsuback => {
                let answers = self.answers(other, Kind::Unsubscribe, message.id, true);
                odd_if(!answers, Anomaly::MqttMissingUnsubscribe);
            }
            Kind::Unassigned => odd_if(true, Anomaly::MqttUnassignedMsgType),
            Kind::Other => {}
        }
    }

    /// Whether somebody waits for this answer; the last one ends the waiting.
    fn answers(&mut self, asker: Direction, to: Kind, id: Option<u16>, is_last: bool) -> bool {
        let waiting = asker.of_mut(&mut self.waiting);
        let is_awaited = id
            .is_some_and(|id| if is_last { waiting.remove(&(to, id)) } else { waiting.contains(&(to, id)) });
        is_awaited || self.has_forgotten
    }
}

impl Dissector for Mqtt {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            match direction.of_mut(&mut self.sides).next(&mut bytes) {
                Ok(Some(message)) => self.message(direction, message, listener),
                Ok(None) => {}
                Err(_) => {
                    listener.anomaly(direction, Anomaly::MqttMalformedTraffic);
                    return Progress::Malformed;
                }
            }
        }
        Progress::More
    }

    fn gap(&mut self, direction: Direction, len: u64, _: &mut dyn Listener) -> Progress {
        self.has_forgotten = true;
        direction.of_mut(&mut self.sides).pass_over(len);
        if self.sides.iter().all(Messages::is_lost) { Progress::Done } else { Progress::More }
    }

    fn held(&self) -> usize {
        // A tree is at least half full.
        self.waiting.iter().map(|waiting| 2 * waiting.len() * size_of::<(Kind, u16)>()).sum()
    }
}
