//! TLS over ordered bytes: SSL 2.0 hellos, SSL 3.0 to TLS 1.3.
//!
//! Says what a passive observer can know: the hellos, the certificates up to TLS
//! 1.2, alerts in the clear, and when encryption begins; then it is done. It keeps
//! a message only while it is cut, and at most [`MESSAGE_MAX`] of it.
//!
//! - `stream`, `datagrams`: the dissectors of TLS over TCP and of DTLS
//! - `session`: what they tell rules and the log of events; `fields`: what rules
//!   may read of it
//! - `side`: one direction of a stream: records
//! - `fragments`: one direction of datagrams: messages out of their fragments
//! - `messages`: handshake messages out of the pieces that records make of them
//! - `connection`: what messages mean
//! - `facts`: what is said; `oddities`: what is wrong
//!
//! Where bytes are missing in a direction, nothing more is known of it; the other
//! goes on.

mod connection;
mod datagrams;
mod facts;
mod fields;
mod fragments;
mod messages;
mod oddities;
mod session;
mod side;
mod stream;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod told;

use super::Progress;
use crate::flow::Direction;
use crate::wire::tls::fingerprint::Transport;
use connection::Connection;
use side::Side;

pub use datagrams::Dtls;
pub use facts::{CertificateFacts, ClientFacts, ServerFacts, TlsFact, X509Facts};
pub use fields::{
    CERTIFICATE_EVENTS, CERTIFICATE_FIELDS, CLIENT_EVENTS, CLIENT_FIELDS, SERVER_EVENTS, SERVER_FIELDS,
};
pub use session::TlsSession;
pub use stream::TlsStream;

/// The longest handshake message that is put together, in bytes of its body.
///
/// Hellos stay below 4 KiB. Chains of certificates of 10 to 20 KiB are met; what
/// browsers accept ends at 64 KiB (OpenSSL: 100 KiB).
pub const MESSAGE_MAX: usize = 64 * 1024;

/// The most certificates that are looked at of a chain, the sender's own first.
pub const CHAIN_MAX: usize = 32;

/// No connection holds more memory for what its peers have sent, in bytes: a
/// message or two at hand, a hello of each side with its fingerprints (the longest
/// hello that is read takes eight times its bytes), and a chain of each side.
pub const HELD_MAX: usize = 20 * MESSAGE_MAX;

/// After so many encrypted bytes of one direction nothing is expected of the
/// other: its packets do not come by here. Early data, which does come before the
/// server has said anything, is rarely allowed above 16 KiB.
pub const ONE_SIDED_MAX: u64 = 64 * 1024;

/// One connection over ordered bytes, as the facts that are learnt of it.
#[derive(Debug)]
pub struct Tls {
    up: Side,
    down: Side,
    connection: Connection,
    /// Once it is something else than [`Progress::More`], it stays.
    ended: Option<Progress>,
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

impl Tls {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        let connection = Connection::new(Transport::Tcp);
        Self { up: Side::default(), down: Side::default(), connection, ended: None }
    }

    /// Takes the bytes that follow in a direction, and says what is learnt.
    ///
    /// Bytes may be cut anywhere. Of the two directions a client's come first where
    /// that is how they were sent: what a server chose is understood in the light
    /// of what was offered.
    pub fn bytes(&mut self, direction: Direction, bytes: &[u8], facts: &mut impl FnMut(TlsFact)) -> Progress {
        if let Some(ended) = self.ended {
            return ended;
        }
        let side = match direction {
            Direction::Up => &mut self.up,
            Direction::Down => &mut self.down,
        };
        side.feed(direction, bytes, &mut self.connection, facts);
        self.progress()
    }

    /// Bytes of a direction are missing, or it has said all; what follows is of no
    /// use.
    pub fn lose(&mut self, direction: Direction) -> Progress {
        if let Some(ended) = self.ended {
            return ended;
        }
        match direction {
            Direction::Up => self.up.lose(),
            Direction::Down => self.down.lose(),
        }
        self.progress()
    }

    /// Bytes of memory held for messages that have not come to their end.
    pub fn held(&self) -> usize {
        self.up.held() + self.down.held()
    }

    fn progress(&mut self) -> Progress {
        let Some(progress) = connection::progress(&self.up, &self.down, &self.connection) else {
            return Progress::More;
        };
        self.ended = Some(progress);
        // Nothing is kept for what is over.
        (self.up, self.down) = (Side::default(), Side::default());
        progress
    }
}
