//! SNMP 1 (RFC 1157), 2c (RFC 3416) and 3 (RFC 3412, RFC 3414): one event a
//! message, which is one datagram.

mod ber;
mod message;

use super::{Dissector, Listener, Progress, Record};
use crate::anomaly::Anomaly;
use crate::flow::Direction;

pub use message::{PduType, SnmpRecord, Trap, VARIABLES_MAX};

/// The model of security that users have (RFC 3414).
const USER_MODEL: i64 = 3;

/// A flow with messages.
#[derive(Debug, Default)]
pub struct Snmp {
    /// The version of the first message.
    version: Option<u8>,
}

impl Snmp {
    /// Of a flow of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Dissector for Snmp {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let Ok(message) = SnmpRecord::decode(bytes) else {
            listener.anomaly(direction, Anomaly::SnmpMalformedData);
            return Progress::More;
        };
        if *self.version.get_or_insert(message.version) != message.version {
            listener.anomaly(direction, Anomaly::SnmpVersionMismatch);
        }
        if message.security_model.is_some_and(|model| model != USER_MODEL) {
            listener.anomaly(direction, Anomaly::SnmpUnknownSecurityModel);
        }
        listener.record(direction, Record::Snmp(Box::new(message)));
        Progress::More
    }
}

#[cfg(test)]
mod tests;
