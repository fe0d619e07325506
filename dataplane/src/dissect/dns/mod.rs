//! DNS over datagrams and streams, multicast DNS and LLMNR: one message at a time.
//!
//! Over TCP a message follows its length (RFC 1035 section 4.2.2); what is cut is
//! kept until it is whole, at most [`FRAME_MAX`] bytes a direction. Queries of
//! unicast DNS are remembered until their answer comes, the newest
//! [`OUTSTANDING_MAX`] of a flow; an answer that nobody asked for is flagged.
//! Multicast DNS answers unasked, and answers of LLMNR come in a flow of their
//! own: neither is matched.
//!
//! A message is a query or a response as its own flag says; a side that sends what
//! the other should is odd, not refused.
//!
//! - `session`: what is said of a message
//! - `asked`: queries without an answer
//! - `stream`: messages out of a stream
//! - `facts`, `fields`: what rules may read; `record`: what becomes an event

mod asked;
mod facts;
mod fields;
mod record;
mod session;
mod stream;
#[cfg(test)]
mod tests;

use super::{Dissector, Listener, Progress};
use crate::flow::Direction;
use session::Session;

pub use asked::OUTSTANDING_MAX;
pub use facts::DnsFacts;
pub use fields::{ANSWER_EVENTS, ANSWER_FIELDS, MESSAGE_EVENTS, MESSAGE_FIELDS};
pub use record::{DnsRecord, QUESTIONS_TOLD_MAX};
pub use stream::{DnsStream, FRAME_MAX};

/// Which of the protocols that share the format of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// DNS: a client, and a server that is asked.
    Unicast,
    /// Multicast DNS (RFC 6762).
    Mdns,
    /// LLMNR (RFC 4795).
    Llmnr,
}

impl Family {
    /// The word for events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unicast => "dns",
            Self::Mdns => "mdns",
            Self::Llmnr => "llmnr",
        }
    }
}

/// So many messages in a row that are none end the reading of a stream. Of
/// datagrams they end nothing: who is asked throws them away and reads on. But no
/// more of them are told.
const NONSENSE_MAX: u8 = 16;

/// A flow of datagrams, each a message.
#[derive(Debug)]
pub struct DnsDatagrams {
    session: Session,
}

impl DnsDatagrams {
    /// Of a flow of which nothing has come yet.
    pub fn new(family: Family) -> Self {
        Self { session: Session::new(family) }
    }
}

impl Dissector for DnsDatagrams {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        self.session.message(direction, bytes, listener);
        Progress::More
    }

    fn gap(&mut self, _: Direction, _: u64, _: &mut dyn Listener) -> Progress {
        Progress::More
    }

    fn held(&self) -> usize {
        self.session.held()
    }
}
