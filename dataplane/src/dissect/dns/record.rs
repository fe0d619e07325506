//! What becomes an event: a message as it was, decoded again where it is written.

use std::sync::Arc;

use super::Family;

/// Of a query so many questions become events. No server answers more than one
/// (RFC 9619).
pub const QUESTIONS_TOLD_MAX: u16 = 32;

/// A message. Its bytes are kept rather than what they say: they are bounded, and
/// what writes the event is not in a hurry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsRecord {
    /// Which protocol it is of.
    pub family: Family,
    /// Its number in the flow, from 0.
    pub tx_id: u64,
    /// The message, shared by the events of its questions.
    pub message: Arc<[u8]>,
    /// Of a query the question that the event is about; of multicast DNS and LLMNR
    /// one event has them all.
    pub question: u16,
    /// Whether it is an answer that nobody asked for.
    pub is_unsolicited: bool,
}
