//! One session: what its facts come to, and who is told of it.
//!
//! Rules are asked at each hello and each chain of certificates; the log of events
//! gets one record, when nothing more is to be learnt or when the flow ends.
//! Streams and datagrams share this.

use super::facts::{CertificateFacts, ClientFacts, ServerFacts, TlsFact};
use crate::dissect::{Fact, Listener, Record};
use crate::flow::Direction;
use crate::wire::tls::alert::Alert;
use crate::wire::tls::{Group, Version};

/// What is known of a session in the end.
#[derive(Clone, Debug, Default)]
pub struct TlsSession {
    /// The client's hello; where the server asked for another, the first: it shows
    /// what the client is.
    pub client: Option<ClientFacts>,
    /// The server's hello; where there are two, the last: it is the choice.
    pub server: Option<ServerFacts>,
    /// Whether the server asked for another hello.
    pub is_retried: bool,
    /// The server's certificates in the clear, its own first.
    pub server_chain: Vec<CertificateFacts>,
    /// The client's certificates in the clear, its own first.
    pub client_chain: Vec<CertificateFacts>,
    /// The group of the key exchange up to TLS 1.2; see [`TlsSession::group`].
    pub key_exchange: Option<Group>,
    /// Whether the server's side had the shape of a resumption: no key exchange.
    pub is_abbreviated: bool,
    /// The first alert in the clear, and who sent it.
    pub alert: Option<(Direction, Alert)>,
    /// Which direction the client's is, as soon as a hello has said so.
    pub client_direction: Option<Direction>,
}

impl TlsSession {
    /// The version chosen; before the server has answered, the highest offered.
    pub fn version(&self) -> Option<Version> {
        let chosen = self.server.as_ref().map(|server| server.version);
        chosen.or(self.client.as_ref().map(|client| client.version))
    }

    /// The group of the key exchange.
    pub fn group(&self) -> Option<Group> {
        self.server.as_ref().and_then(|server| server.group).or(self.key_exchange)
    }

    /// Whether an earlier session is resumed; one that shows certificates is not.
    pub fn is_resumed(&self) -> bool {
        let is_resumed = self.server.as_ref().is_some_and(|server| server.is_resumed);
        self.server_chain.is_empty() && (is_resumed || self.is_abbreviated)
    }

    /// Which direction the client's is: hellos decide, not who opened the flow.
    pub fn client_direction(&self) -> Direction {
        self.client_direction.unwrap_or(Direction::Up)
    }

    /// Bytes of memory held for what peers have sent.
    fn held(&self) -> usize {
        let chains = self.server_chain.iter().chain(&self.client_chain);
        let client = self.client.as_ref().map_or(0, ClientFacts::held);
        client
            + self.server.as_ref().map_or(0, ServerFacts::held)
            + chains.map(CertificateFacts::held).sum::<usize>()
    }
}

/// A session in the making.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    session: TlsSession,
    is_told: bool,
}

impl Ledger {
    /// Bytes of memory held for what peers have sent.
    pub(super) fn held(&self) -> usize {
        self.session.held()
    }

    /// Keeps a fact, and asks the rules where it is one for them.
    pub(super) fn take(&mut self, fact: TlsFact, listener: &mut dyn Listener) {
        let session = &mut self.session;
        match fact {
            TlsFact::ClientHello(direction, hello) => {
                session.client_direction = Some(direction);
                listener.fact(direction, Fact::TlsClientHello(&hello));
                session.client.get_or_insert(*hello);
            }
            TlsFact::ServerHello(direction, hello) => {
                session.client_direction.get_or_insert(direction.reversed());
                session.is_retried |= hello.is_retry;
                session.server = Some(*hello);
                listener.fact(direction, Fact::TlsServerHello(session));
            }
            TlsFact::Certificates(direction, chain) => {
                let is_client = session.client_direction() == direction;
                let kept = if is_client { &mut session.client_chain } else { &mut session.server_chain };
                *kept = chain;
                let chain = if is_client { &session.client_chain } else { &session.server_chain };
                if !chain.is_empty() {
                    listener.fact(direction, Fact::TlsCertificate(session, chain));
                }
            }
            TlsFact::Group(_, group) => session.key_exchange = Some(group),
            TlsFact::Alert(direction, alert) => {
                session.alert.get_or_insert((direction, alert));
            }
            TlsFact::Encrypted { is_abbreviated, .. } => session.is_abbreviated |= is_abbreviated,
            TlsFact::Odd(direction, anomaly) => listener.anomaly(direction, anomaly),
        }
    }

    /// Tells the session, once, if a hello of it was seen; it is gone afterwards.
    pub(super) fn tell(&mut self, listener: &mut dyn Listener) {
        let session = std::mem::take(&mut self.session);
        let is_worth = session.client.is_some() || session.server.is_some();
        if is_worth && !std::mem::replace(&mut self.is_told, true) {
            listener.record(session.client_direction(), Record::Tls(Box::new(session)));
        }
    }
}
