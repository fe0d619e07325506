//! QUIC over datagrams: versions 1 and 2, drafts, Facebook's and Google's.
//!
//! Says what a passive observer can know: the version, the hellos of both sides,
//! and whether the server asked for another try. Then it is done, long before the
//! first bytes of the application pass.
//!
//! The first packets of a connection are protected by keys that follow from the
//! connection ID in the client's first (`keys`). After a Retry, and on another
//! attempt from the same port, the client's next packet has another such ID: a
//! packet that the known keys do not open is tried with its own, so nothing that
//! others inject makes us lose a connection that we read.
//!
//! - `keys`: of Initial packets
//! - `crypto`: the handshake's stream out of its pieces
//! - `facts`: what is said; `fields`: what of it rules may read
//! - [`craft`]: datagrams as a client and a server send them

pub mod craft;
mod crypto;
mod facts;
mod fields;
mod keys;
#[cfg(test)]
mod tests;

use super::tls::{ClientFacts, ServerFacts};
use super::{Dissector, Fact, Listener, Progress, Record};
use crate::anomaly::Anomaly;
use crate::flow::Direction;
use crate::wire::Malformed;
use crate::wire::quic::frame::Frames;
use crate::wire::quic::google::{Clear, Public};
use crate::wire::quic::packet::{CONNECTION_ID_MAX, LONG};
use crate::wire::quic::tags::{Message, Tag};
use crate::wire::quic::{Body, Frame, Layout, Packet, Version};
use crate::wire::tls::fingerprint::Transport;
use crate::wire::tls::{ClientHello, Handshake, HandshakeType, ServerHello};
use crypto::{Stream, TooLong};
use keys::Keys;

pub use crypto::{PIECES_MAX, STREAM_MAX};
pub use facts::{ClientHelloFacts, GoogleHello, Hello, QuicRecord, Said};
pub use fields::CLIENT_HELLO;

/// After so many datagrams that taught nothing, nothing more is expected. Early
/// data, which does come before the server has said anything, begins with ten.
pub const IDLE_MAX: u8 = 32;

/// After so many Initial packets nothing more is expected, whatever they teach.
pub const INITIALS_MAX: u8 = 128;

/// The most bytes that are held of what peers have sent.
pub const HELD_MAX: usize = 2 * STREAM_MAX + CONNECTION_ID_MAX + SESSION_ID_MAX;

/// The longest session id, in bytes.
const SESSION_ID_MAX: usize = 32;

/// One connection, or several attempts at one.
#[derive(Debug, Default)]
pub struct Quic {
    /// Who began it, once that is known for sure.
    client: Option<Direction>,
    secret: Option<Secret>,
    /// What the client sends in its Initials.
    up: Side,
    /// What the server does.
    down: Side,
    /// The version that was last asked for.
    version: Option<Version>,
    session_id: Vec<u8>,
    once: Once,
    initials: u8,
    idle: u8,
    is_over: bool,
}

/// What opens the Initials of an attempt.
#[derive(Debug)]
struct Secret {
    version: Version,
    /// The connection ID that the keys follow from.
    dcid: Vec<u8>,
    client: Keys,
    server: Keys,
}

/// What one side says in its Initials.
#[derive(Debug, Default)]
struct Side {
    stream: Stream,
    /// One more than the greatest packet number seen.
    expected: u64,
    /// Whether its last hello was told.
    has_told: bool,
    /// Whether its stream is broken.
    is_broken: bool,
}

/// What is told once.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is told for itself")]
struct Once {
    hello: bool,
    negotiation: bool,
    retry: bool,
    failed_decrypt: bool,
    error_on_data: bool,
    error_on_header: bool,
    too_long: bool,
}

/// What a message says.
enum Learnt {
    Client(Hello),
    Server(Box<ServerFacts>),
    Nothing,
}

impl Quic {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn is_from_client(&self, direction: Direction) -> bool {
        self.client.unwrap_or(Direction::Up) == direction
    }

    fn datagram(&mut self, direction: Direction, datagram: &[u8], listener: &mut dyn Listener) {
        if datagram.first().is_some_and(|first| first & LONG == 0) {
            self.public(direction, datagram, listener);
            return;
        }
        let mut rest = datagram;
        // What follows the first packet may be padding, or a short header.
        while rest.first().is_some_and(|first| first & LONG != 0) {
            match Packet::decode(rest) {
                Ok((packet, after)) => {
                    rest = after;
                    self.packet(direction, &packet, listener);
                }
                Err(_) if rest.len() < datagram.len() => break,
                Err(_) => {
                    if !std::mem::replace(&mut self.once.error_on_header, true) {
                        listener.anomaly(direction, Anomaly::QuicErrorOnHeader);
                    }
                    break;
                }
            }
        }
    }

    fn packet(&mut self, direction: Direction, packet: &Packet<'_>, listener: &mut dyn Listener) {
        let is_from_client = self.is_from_client(direction);
        if is_from_client && packet.version != Version::NEGOTIATION {
            self.version = Some(packet.version);
        }
        match packet.body {
            Body::Negotiation(offered) => self.negotiation(direction, offered, listener),
            Body::Initial { header, protected, .. } => {
                self.initials = self.initials.saturating_add(1);
                self.initial(direction, packet, (header, protected), listener);
            }
            Body::Google(clear) if is_from_client => self.clear(direction, &clear, listener),
            Body::Retry { .. } if !is_from_client && !std::mem::replace(&mut self.once.retry, true) => {
                tell(direction, packet.version, Said::Retry, listener);
            }
            _ => {}
        }
    }

    /// Google's public header; or a short one, which says nothing.
    fn public(&mut self, direction: Direction, datagram: &[u8], listener: &mut dyn Listener) {
        if self.version.is_some_and(|version| version.layout() != Layout::GooglePublic) {
            return;
        }
        match Public::decode(datagram, self.is_from_client(direction)) {
            Ok(Public::Clear(clear)) => {
                if self.version != Some(clear.version) {
                    // Of another version the connection begins anew.
                    (self.up, self.down) = (Side::default(), Side::default());
                }
                self.version = Some(clear.version);
                self.clear(direction, &clear, listener);
            }
            Ok(Public::Negotiation(offered)) => self.negotiation(direction, offered, listener),
            Ok(Public::Other) | Err(_) => {}
        }
    }

    fn negotiation(&mut self, direction: Direction, offered: &[[u8; 4]], listener: &mut dyn Listener) {
        if self.is_from_client(direction) || std::mem::replace(&mut self.once.negotiation, true) {
            return;
        }
        let offered = offered.iter().map(|version| Version(u32::from_be_bytes(*version))).collect();
        tell(direction, Version::NEGOTIATION, Said::Negotiation(offered), listener);
    }

    fn initial(
        &mut self,
        direction: Direction,
        packet: &Packet<'_>,
        (header, protected): (&[u8], &[u8]),
        listener: &mut dyn Listener,
    ) {
        let is_from_client = self.client.is_none_or(|client| client == direction);
        let payload = if is_from_client {
            self.open_client(packet, header, protected)
        } else {
            self.open_server(packet.version, header, protected)
        };
        let Some(payload) = payload else {
            let is_known = keys::initial(packet.version, packet.dcid).is_some();
            if is_known && !std::mem::replace(&mut self.once.failed_decrypt, true) {
                listener.anomaly(direction, Anomaly::QuicFailedDecrypt);
            }
            return;
        };
        self.client.get_or_insert(direction);
        if packet.version.google_number().is_some() {
            let clear = Clear { version: packet.version, number_len: 4, frames: &payload };
            self.clear(direction, &clear, listener);
            return;
        }
        for frame in Frames::new(&payload) {
            match frame {
                Ok(Frame::Crypto { offset, piece }) => self.piece(direction, (offset, piece), listener),
                Ok(_) => {}
                Err(_) => self.raise_error_on_data(direction, listener),
            }
        }
        self.read(direction, packet.version, listener);
    }

    /// What a client's packet holds; where its own keys open it and not those that
    /// are known, another attempt begins.
    fn open_client(&mut self, packet: &Packet<'_>, header: &[u8], protected: &[u8]) -> Option<Vec<u8>> {
        let version = packet.version;
        if let Some(secret) = &mut self.secret {
            if secret.version != version
                && let Some([client, server]) = keys::initial(version, &secret.dcid)
                && let Some((number, payload)) = client.open(header, protected, self.up.expected)
            {
                // The two agreed on another version without a new attempt (RFC 9368).
                *secret = Secret { version, dcid: std::mem::take(&mut secret.dcid), client, server };
                self.up.expect(number);
                return Some(payload);
            }
            if secret.version == version
                && let Some((number, payload)) = secret.client.open(header, protected, self.up.expected)
            {
                self.up.expect(number);
                return Some(payload);
            }
        }
        let [client, server] = keys::initial(version, packet.dcid)?;
        let (number, payload) = client.open(header, protected, 0)?;
        self.secret = Some(Secret { version, dcid: packet.dcid.to_vec(), client, server });
        (self.up, self.down) = (Side::default(), Side::default());
        self.up.expect(number);
        Some(payload)
    }

    /// What a server's packet holds.
    fn open_server(&mut self, version: Version, header: &[u8], protected: &[u8]) -> Option<Vec<u8>> {
        let secret = self.secret.as_ref()?;
        let (number, payload) = if secret.version == version {
            secret.server.open(header, protected, self.down.expected)?
        } else {
            let [_, server] = keys::initial(version, &secret.dcid)?;
            server.open(header, protected, self.down.expected)?
        };
        self.down.expect(number);
        Some(payload)
    }

    /// A packet of Google's, in the clear or decrypted.
    fn clear(&mut self, direction: Direction, clear: &Clear<'_>, listener: &mut dyn Listener) {
        for piece in clear.pieces() {
            self.piece(direction, piece, listener);
        }
        self.read(direction, clear.version, listener);
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        if self.is_from_client(direction) { &mut self.up } else { &mut self.down }
    }

    fn piece(&mut self, direction: Direction, (offset, piece): (u64, &[u8]), listener: &mut dyn Listener) {
        let side = self.side(direction);
        if !side.is_broken
            && side.stream.put(offset, piece) == Err(TooLong)
            && !std::mem::replace(&mut self.once.too_long, true)
        {
            listener.anomaly(direction, Anomaly::QuicCryptoFragTooLong);
        }
    }

    /// Reads the messages that are whole.
    fn read(&mut self, direction: Direction, version: Version, listener: &mut dyn Listener) {
        let is_from_client = self.is_from_client(direction);
        loop {
            let session_id = std::mem::take(&mut self.session_id);
            let side = self.side(direction);
            let read = if side.is_broken {
                Err(Malformed::Truncated)
            } else {
                message(version, is_from_client, side.stream.ready(), &session_id)
            };
            self.session_id = session_id;
            match read {
                Ok((len, learnt)) => {
                    self.side(direction).stream.take(len);
                    self.learn(direction, version, learnt, listener);
                }
                Err(Malformed::Truncated | Malformed::BeyondEnd) => return,
                Err(_) => {
                    let side = self.side(direction);
                    *side = Side { is_broken: true, ..Side::default() };
                    self.raise_error_on_data(direction, listener);
                    return;
                }
            }
        }
    }

    fn learn(&mut self, direction: Direction, version: Version, learnt: Learnt, listener: &mut dyn Listener) {
        match learnt {
            Learnt::Client(hello) => {
                self.idle = 0;
                self.once.hello = true;
                self.up.has_told = true;
                match &hello {
                    Hello::Tls(hello) => self.session_id.clone_from(&hello.session_id),
                    // Nothing is to be expected of the server in the clear.
                    Hello::Google(hello) => self.down.has_told = hello.is_complete,
                }
                let facts = ClientHelloFacts::new(version, hello);
                listener.fact(direction, Fact::QuicClientHello(&facts));
                tell(direction, version, Said::ClientHello(facts.hello), listener);
            }
            Learnt::Server(hello) => {
                self.idle = 0;
                self.down.has_told = !hello.is_retry;
                // Whoever is asked to try again says hello again.
                self.up.has_told &= !hello.is_retry;
                tell(direction, version, Said::ServerHello(hello), listener);
            }
            Learnt::Nothing => {}
        }
    }

    fn raise_error_on_data(&mut self, direction: Direction, listener: &mut dyn Listener) {
        if !std::mem::replace(&mut self.once.error_on_data, true) {
            listener.anomaly(direction, Anomaly::QuicErrorOnData);
        }
    }

    /// There is nothing more to learn: what is known is told, nothing is kept.
    fn finish(&mut self, listener: &mut dyn Listener) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        (self.up, self.down, self.secret) = (Side::default(), Side::default(), None);
        self.session_id = Vec::new();
        if let (false, Some(version)) = (self.once.hello, self.version) {
            tell(self.client.unwrap_or(Direction::Up), version, Said::Nothing, listener);
        }
    }
}

impl Dissector for Quic {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        if self.is_over {
            return Progress::Done;
        }
        self.idle = self.idle.saturating_add(1);
        self.datagram(direction, bytes, listener);
        let has_all = self.up.has_told && self.down.has_told;
        if has_all || self.idle > IDLE_MAX || self.initials >= INITIALS_MAX {
            self.finish(listener);
            return Progress::Done;
        }
        Progress::More
    }

    fn close(&mut self, listener: &mut dyn Listener) {
        self.finish(listener);
    }

    fn held(&self) -> usize {
        let dcid = self.secret.as_ref().map_or(0, |secret| secret.dcid.len());
        self.up.stream.held() + self.down.stream.held() + dcid + self.session_id.len()
    }
}

impl Side {
    const fn expect(&mut self, number: u64) {
        if number >= self.expected {
            self.expected = number + 1;
        }
    }
}

/// The first message of a stream: how long it is, and what it says.
/// [`Malformed::Truncated`] and [`Malformed::BeyondEnd`] where more may make it
/// whole.
fn message(
    version: Version,
    is_from_client: bool,
    ready: &[u8],
    session_id: &[u8],
) -> Result<(usize, Learnt), Malformed> {
    if version.google_number().is_some_and(|(_, has_tls)| !has_tls) {
        let (message, rest) = Message::decode(ready)?;
        let is_hello = is_from_client && message.tag == Tag::CLIENT_HELLO;
        let learnt = if is_hello {
            Learnt::Client(Hello::Google(GoogleHello::new(version, &message)))
        } else {
            Learnt::Nothing
        };
        return Ok((ready.len() - rest.len(), learnt));
    }
    if matches!(ready, [_, high, ..] if *high > 0) {
        // Longer than the stream can be.
        return Err(Malformed::BadLength);
    }
    let (message, rest) = Handshake::decode(ready)?;
    let len = ready.len() - rest.len();
    let body = message.body;
    let learnt = match message.kind {
        HandshakeType::CLIENT_HELLO if is_from_client => {
            let whole = ClientHello::decode(body);
            let is_sound = whole.is_ok();
            let hello = whole.or_else(|_| ClientHello::decode_sound_part(body)).map_err(broken)?;
            let facts = ClientFacts { is_sound, ..ClientFacts::new(&hello, Transport::Quic) };
            Learnt::Client(Hello::Tls(Box::new(facts)))
        }
        HandshakeType::SERVER_HELLO if !is_from_client => {
            let whole = ServerHello::decode(body);
            let is_sound = whole.is_ok();
            let hello = whole.or_else(|_| ServerHello::decode_sound_part(body)).map_err(broken)?;
            Learnt::Server(Box::new(ServerFacts { is_sound, ..ServerFacts::new(&hello, session_id) }))
        }
        _ => Learnt::Nothing,
    };
    Ok((len, learnt))
}

/// A whole message that does not decode: no further byte mends it.
const fn broken(_: Malformed) -> Malformed {
    Malformed::BadLength
}

fn tell(direction: Direction, version: Version, said: Said, listener: &mut dyn Listener) {
    listener.record(direction, Record::Quic(Box::new(QuicRecord { version, said })));
}
