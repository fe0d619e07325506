//! What both directions of a connection share, and what messages mean in it.

use super::facts::{CertificateFacts, ClientFacts, ServerFacts, TlsFact};
use super::oddities;
use super::side::{Side, Stage};
use super::{CHAIN_MAX, ONE_SIDED_MAX};
use crate::anomaly::Anomaly;
use crate::dissect::Progress;
use crate::flow::Direction;
use crate::wire::tls::certificate::Certificates;
use crate::wire::tls::fingerprint::Transport;
use crate::wire::tls::key_exchange::KeyExchange;
use crate::wire::tls::{ClientHello, HandshakeType, ServerHello, Suite, Version, sslv2};

/// What both directions share.
#[derive(Debug)]
pub(super) struct Connection {
    /// How it came: hellos of DTLS have a cookie.
    transport: Transport,
    /// Whether anything has shown that this is TLS.
    pub(super) has_begun: bool,
    /// Whether the server has asked for another hello.
    pub(super) is_retried: bool,
    /// Which direction the server's is, once its hello has come; the hello decides,
    /// not who opened the flow.
    server: Option<Direction>,
    /// The version chosen.
    version: Version,
    /// The suite chosen.
    suite: Suite,
    /// What the client wants to resume: its length, and its bytes.
    session_id: (u8, [u8; 32]),
}

impl Connection {
    /// One of which nothing has come yet.
    pub(super) fn new(transport: Transport) -> Self {
        Self {
            transport,
            has_begun: false,
            is_retried: false,
            server: None,
            version: Version::default(),
            suite: Suite::default(),
            session_id: (0, [0; 32]),
        }
    }

    /// A handshake message that is wanted.
    pub(super) fn message(
        &mut self,
        direction: Direction,
        kind: HandshakeType,
        body: &[u8],
        side: &mut Side,
        facts: &mut impl FnMut(TlsFact),
    ) {
        let is_sound = match kind {
            HandshakeType::CLIENT_HELLO => self.client_hello(direction, body, side, facts),
            HandshakeType::SERVER_HELLO => {
                let whole = ServerHello::decode(body).map(|hello| (hello, true));
                let hello =
                    whole.or_else(|_| ServerHello::decode_sound_part(body).map(|hello| (hello, false)));
                self.server_hello(direction, hello.ok(), side, facts)
            }
            HandshakeType::HELLO_RETRY_REQUEST => {
                let hello = ServerHello::decode_retry(body).map(|hello| (hello, true));
                self.server_hello(direction, hello.ok(), side, facts)
            }
            HandshakeType::CERTIFICATE => self.certificates(direction, body, side, facts),
            HandshakeType::SERVER_KEY_EXCHANGE => {
                side.has_key_exchange = true;
                if let Ok(KeyExchange::Curve(group, _)) = KeyExchange::decode(body, self.suite) {
                    facts(TlsFact::Group(direction, group));
                }
                true
            }
            _ => true,
        };
        let is_hello = matches!(kind, HandshakeType::CLIENT_HELLO | HandshakeType::SERVER_HELLO);
        self.has_begun |= is_hello && is_plausible(body);
        if !self.has_begun {
            side.stage = Stage::Failed;
        } else if !is_sound {
            facts(TlsFact::Odd(direction, oddities::of_message(kind)));
        }
    }

    /// A message that says nothing but that it is there.
    pub(super) fn skipped(&mut self, kind: HandshakeType, side: &mut Side) {
        match kind {
            HandshakeType::HELLO_REQUEST => self.has_begun = true,
            HandshakeType::SERVER_HELLO_DONE | HandshakeType::CERTIFICATE => side.has_key_exchange = true,
            _ => {}
        }
        // A connection whose first message is none that can be first is none.
        if !self.has_begun {
            side.stage = Stage::Failed;
        }
    }

    fn client_hello(
        &mut self,
        direction: Direction,
        body: &[u8],
        side: &mut Side,
        facts: &mut impl FnMut(TlsFact),
    ) -> bool {
        let is_dtls = self.transport == Transport::Dtls;
        let whole = if is_dtls { ClientHello::decode_dtls(body) } else { ClientHello::decode(body) };
        let is_sound = whole.is_ok();
        let sound_part = || {
            if is_dtls {
                ClientHello::decode_dtls_sound_part(body)
            } else {
                ClientHello::decode_sound_part(body)
            }
        };
        let Ok(hello) = whole.or_else(|_| sound_part()) else { return false };
        self.has_begun = true;
        side.hellos = side.hellos.saturating_add(1);
        self.remember_session(hello.session_id);
        let offer = ClientFacts { is_sound, ..ClientFacts::new(&hello, self.transport) };
        facts(TlsFact::ClientHello(direction, Box::new(offer)));
        oddities::of_server_name(&hello, |odd| facts(TlsFact::Odd(direction, odd)));
        is_sound
    }

    fn server_hello(
        &mut self,
        direction: Direction,
        hello: Option<(ServerHello<'_>, bool)>,
        side: &mut Side,
        facts: &mut impl FnMut(TlsFact),
    ) -> bool {
        let Some((hello, is_sound)) = hello else { return false };
        self.has_begun = true;
        side.hellos = side.hellos.saturating_add(1);
        let (len, id) = self.session_id;
        let chosen = ServerFacts::new(&hello, id.get(..len.into()).unwrap_or_default());
        let chosen = ServerFacts { is_sound, ..chosen };
        self.server = Some(direction);
        (self.version, self.suite) = (chosen.version, chosen.suite);
        self.is_retried |= chosen.is_retry;
        facts(TlsFact::ServerHello(direction, Box::new(chosen)));
        is_sound
    }

    fn certificates(
        &self,
        direction: Direction,
        body: &[u8],
        side: &mut Side,
        facts: &mut impl FnMut(TlsFact),
    ) -> bool {
        side.has_key_exchange = true;
        let Ok(chain) = Certificates::decode(body, self.version) else { return false };
        let chain: Vec<_> = chain.iter().take(CHAIN_MAX).map(CertificateFacts::new).collect();
        tell_chain(direction, chain, facts);
        true
    }

    /// A message of SSL 2.0; gives what its side does next.
    pub(super) fn sslv2(
        &mut self,
        direction: Direction,
        message: &[u8],
        facts: &mut impl FnMut(TlsFact),
    ) -> Stage {
        if let Ok(hello) = sslv2::ClientHello::decode(message) {
            self.has_begun = true;
            self.remember_session(hello.session_id);
            facts(TlsFact::ClientHello(direction, Box::new(ClientFacts::sslv2(&hello))));
            // Whoever offers more speaks TLS from here on, if the server does.
            return if hello.version == Version::SSL2 { Stage::Ended } else { Stage::Header };
        }
        let Ok(hello) = sslv2::ServerHello::decode(message) else { return Stage::Failed };
        self.has_begun = true;
        self.server = Some(direction);
        facts(TlsFact::ServerHello(direction, Box::new(ServerFacts::sslv2(&hello))));
        if !hello.certificate.is_empty() {
            tell_chain(direction, vec![CertificateFacts::new(hello.certificate)], facts);
        }
        Stage::Ended
    }

    fn remember_session(&mut self, id: &[u8]) {
        let (len, bytes) = &mut self.session_id;
        let copied = bytes.iter_mut().zip(id).map(|(slot, byte)| *slot = *byte).count();
        *len = u8::try_from(copied).unwrap_or(0);
    }

    /// Whether a side that begins to encrypt is a server that resumes: up to TLS
    /// 1.2, where a full handshake has messages between hello and encryption.
    pub(super) fn is_abbreviated(&self, direction: Direction, side: &Side) -> bool {
        self.server == Some(direction) && !self.version.is_1_3() && !side.has_key_exchange
    }
}

/// How a connection stands when its sides stand like this; `None` while more is to
/// come.
pub(super) fn progress(up: &Side, down: &Side, connection: &Connection) -> Option<Progress> {
    let has_failed = up.stage == Stage::Failed || down.stage == Stage::Failed;
    let is_one_sided = up.passed_over.max(down.passed_over) > ONE_SIDED_MAX;
    if has_failed && !connection.has_begun {
        Some(Progress::NotMine)
    } else if up.is_over(connection) && down.is_over(connection) || is_one_sided {
        Some(if has_failed { Progress::Malformed } else { Progress::Done })
    } else {
        None
    }
}

/// Tells a chain, and what of it is not sound.
fn tell_chain(direction: Direction, chain: Vec<CertificateFacts>, facts: &mut impl FnMut(TlsFact)) {
    let faults: Vec<Anomaly> = chain.iter().filter_map(oddities::of_certificate).collect();
    facts(TlsFact::Certificates(direction, chain));
    for fault in faults {
        facts(TlsFact::Odd(direction, fault));
    }
}

/// Whether a hello of which nothing can be read is one all the same: it begins
/// with a version and is long enough for the random after it.
fn is_plausible(body: &[u8]) -> bool {
    matches!(body, [3 | 0x7f | 0xfb, ..]) && body.len() > 2 + 32
}
