//! The dissector of DTLS 1.0 to 1.3 (RFC 6347, RFC 9147): datagrams of one flow.
//!
//! A datagram stands for itself: one that is unsound, or of another protocol that
//! shares the ports (STUN, media: RFC 7983), is passed over and changes nothing.
//! What handshake messages mean is as in TLS, and so is what is told.

use super::connection::{self, Connection};
use super::facts::TlsFact;
use super::fragments::Fragments;
use super::session::Ledger;
use super::side::Side;
use crate::anomaly::Anomaly;
use crate::dissect::{Dissector, Listener, Progress};
use crate::flow::Direction;
use crate::wire::tls::ContentType;
use crate::wire::tls::dtls::{Fragment, Record};
use crate::wire::tls::fingerprint::Transport;

/// After so many datagrams that are no DTLS it is waited for no longer. Peers that
/// look for a way to each other send a few of STUN a second.
const STRANGERS_MAX: u32 = 256;

/// The first byte of what is DTLS where several protocols share ports (RFC 7983
/// section 7, RFC 9147 section 4.1).
const FIRST_BYTES: std::ops::RangeInclusive<u8> = 20..=63;

/// One direction.
#[derive(Debug, Default)]
struct Half {
    side: Side,
    fragments: Fragments,
}

/// DTLS over UDP.
#[derive(Debug)]
pub struct Dtls {
    up: Half,
    down: Half,
    connection: Connection,
    ledger: Ledger,
    strangers: u32,
}

impl Default for Dtls {
    fn default() -> Self {
        Self::new()
    }
}

impl Dtls {
    /// A flow of which nothing has come yet.
    pub fn new() -> Self {
        Self {
            up: Half::default(),
            down: Half::default(),
            connection: Connection::new(Transport::Dtls),
            ledger: Ledger::default(),
            strangers: 0,
        }
    }

    fn progress(&mut self, listener: &mut dyn Listener) -> Progress {
        let is_given_up = self.strangers > STRANGERS_MAX;
        let progress = connection::progress(&self.up.side, &self.down.side, &self.connection)
            .or(is_given_up.then_some(Progress::Done));
        let Some(progress) = progress else { return Progress::More };
        (self.up, self.down) = (Half::default(), Half::default());
        self.ledger.tell(listener);
        progress
    }
}

impl Half {
    /// One record of a datagram; gives whether what follows it can be found.
    fn take(
        &mut self,
        direction: Direction,
        record: Record<'_>,
        connection: &mut Connection,
        facts: &mut impl FnMut(TlsFact),
    ) -> bool {
        let (content, payload, is_last) = match record {
            Record::Plain { content: ContentType::Handshake, epoch: 0, payload, .. } => {
                self.take_fragments(direction, payload, connection, facts);
                return true;
            }
            Record::Plain { content, epoch: 0, payload, .. } => (content, payload, false),
            Record::Plain { payload, .. } => (ContentType::ApplicationData, payload, false),
            // It may have a connection id, whose length it does not say.
            Record::Unified { payload, .. } => (ContentType::ApplicationData, payload, true),
        };
        let (content, is_last) = match content {
            ContentType::ConnectionId => (ContentType::ApplicationData, true),
            content => (content, is_last),
        };
        self.side.take_record(direction, content, payload, connection, facts);
        !is_last
    }

    fn take_fragments(
        &mut self,
        direction: Direction,
        mut payload: &[u8],
        connection: &mut Connection,
        facts: &mut impl FnMut(TlsFact),
    ) {
        let Self { side, fragments } = self;
        while !payload.is_empty() {
            let Ok((fragment, rest)) = Fragment::decode(payload) else {
                if connection.has_begun {
                    facts(TlsFact::Odd(direction, Anomaly::TlsInvalidHandshakeMessage));
                }
                return;
            };
            fragments.feed(fragment, &mut |message| {
                side.take_messages(direction, message, connection, facts);
            });
            payload = rest;
        }
    }
}

impl Dissector for Dtls {
    fn bytes(&mut self, direction: Direction, datagram: &[u8], listener: &mut dyn Listener) -> Progress {
        let Self { up, down, connection, ledger, strangers } = self;
        let half = match direction {
            Direction::Up => up,
            Direction::Down => down,
        };
        let facts = &mut |fact| ledger.take(fact, listener);
        let mut rest = datagram;
        if !datagram.first().is_some_and(|first| FIRST_BYTES.contains(first)) {
            *strangers += 1;
            rest = &[];
        }
        while !rest.is_empty() {
            match Record::decode(rest, 0) {
                Ok((record, next)) if half.take(direction, record, connection, facts) => rest = next,
                Ok(_) => break,
                Err(_) => {
                    *strangers += 1;
                    if connection.has_begun {
                        facts(TlsFact::Odd(direction, Anomaly::TlsInvalidSslRecord));
                    }
                    break;
                }
            }
        }
        self.progress(listener)
    }

    fn close(&mut self, listener: &mut dyn Listener) {
        self.ledger.tell(listener);
    }

    fn held(&self) -> usize {
        let halves = [&self.up, &self.down].map(|half| half.side.held() + half.fragments.held());
        halves.iter().sum::<usize>() + self.ledger.held()
    }
}
