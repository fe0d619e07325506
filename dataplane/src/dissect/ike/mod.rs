//! IKE, versions 1 and 2 (RFC 2408, RFC 2409, RFC 7296), over datagrams: who
//! negotiates what, as far as it is in the clear.
//!
//! Where peers are behind a NAT a marker of four zeros stands before each message
//! (RFC 3948), and the same flow carries what they then encrypt: that, and what
//! keeps the NAT open, is passed over. Every message is told; nothing is kept but
//! what the responder has chosen.

mod message;
mod registry;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use super::{Dissector, Listener, Progress, Record};
use crate::anomaly::Anomaly;
use crate::flow::Direction;
use message::{HEADER_LEN, Header};

pub use v1::{Attribute, V1, V1Side, Value};
pub use v2::{Chosen, V2};

/// The most transforms, vendors, payloads and notifications that are told of a
/// message, of each.
pub const LIST_MAX: usize = 64;

/// The longest key exchange or nonce that is told, in bytes: of MODP-8192 there
/// are 1,024.
pub const KEY_MAX: usize = 2048;

/// The most bytes that are held of what peers have sent: of both sides a key and a
/// nonce, in hexadecimal, and what the responder chose.
pub const HELD_MAX: usize = 8 * KEY_MAX + LIST_MAX * (size_of::<Attribute>() + KEY_MAX);

/// After so many datagrams in a row that are no message, there are none to come
/// but those that nobody can read.
const OTHERS_MAX: u16 = 256;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IkeRecord {
    /// The major and the minor version.
    pub version: (u8, u8),
    /// What the initiator calls the association.
    pub initiator_spi: u64,
    /// What the responder calls it; 0 in the first message.
    pub responder_spi: u64,
    /// The message's number.
    pub message_id: u32,
    /// What is exchanged.
    pub exchange: u8,
    /// What is said, by version.
    pub said: Said,
}

/// What is said, by version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// IKE version 1.
    V1(Box<V1>),
    /// IKE version 2.
    V2(Box<V2>),
}

/// What two peers say in one flow.
#[derive(Debug, Default)]
pub struct Ike {
    v1: v1::State,
    chosen: Chosen,
    others: u16,
}

impl Ike {
    /// Peers of whom nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn message(&mut self, direction: Direction, header: &Header, body: &[u8], listener: &mut dyn Listener) {
        let mut odd = Odd::default();
        let said = if header.major == 1 {
            Said::V1(Box::new(self.v1.message(direction, header, body, &mut odd)))
        } else {
            Said::V2(Box::new(v2::message(direction, header, body, &mut self.chosen, &mut odd)))
        };
        for anomaly in odd.0 {
            listener.anomaly(direction, anomaly);
        }
        let record = IkeRecord {
            version: (header.major, header.minor),
            initiator_spi: header.initiator_spi,
            responder_spi: header.responder_spi,
            message_id: header.message_id,
            exchange: header.exchange,
            said,
        };
        listener.record(direction, Record::Ike(Box::new(record)));
    }
}

/// What is odd about a message, each once.
#[derive(Debug, Default)]
struct Odd(Vec<Anomaly>);

impl Odd {
    fn raise(&mut self, anomaly: Anomaly) {
        if !self.0.contains(&anomaly) {
            self.0.push(anomaly);
        }
    }
}

impl Dissector for Ike {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let message = bytes.strip_prefix(&[0; 4]).and_then(Header::decode).or_else(|| Header::decode(bytes));
        let Some((header, body)) = message else {
            self.others += 1;
            return if self.others >= OTHERS_MAX { Progress::Done } else { Progress::More };
        };
        self.others = 0;
        let len = usize::try_from(header.len).unwrap_or(usize::MAX);
        if len != HEADER_LEN + body.len() {
            listener.anomaly(direction, Anomaly::IkeMalformedData);
        }
        let body = body.get(..len.saturating_sub(HEADER_LEN)).unwrap_or(body);
        self.message(direction, &header, body, listener);
        Progress::More
    }

    fn held(&self) -> usize {
        self.v1.held()
    }
}
