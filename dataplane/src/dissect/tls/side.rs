//! One direction of a connection: records taken apart, and what they hold handed
//! to the connection.

use super::connection::Connection;
use super::facts::TlsFact;
use super::messages::{Message, Messages};
use super::oddities;
use crate::anomaly::Anomaly;
use crate::flow::Direction;
use crate::wire::Malformed;
use crate::wire::tls::alert::{self, Alert, Level};
use crate::wire::tls::record::HEADER_LEN;
use crate::wire::tls::{AlertDescription, ContentType, Record, sslv2};

/// How far a direction has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing is known yet: a record, or a hello of SSL 2.0, comes first.
    #[default]
    Start,
    /// A message of SSL 2.0, of which so many bytes are to come.
    Sslv2(usize),
    /// Between records, or in the header of one.
    Header,
    /// In a record, of which so many bytes are to come.
    Payload(ContentType, u16),
    /// Nothing more is to be learnt of this direction.
    Ended,
    /// It is not, or no longer, TLS.
    Failed,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) stage: Stage,
    /// The header of the record at hand, as far as it has come.
    header: [u8; HEADER_LEN],
    header_len: usize,
    messages: Messages,
    /// A message of SSL 2.0, as far as it has come.
    sslv2: Vec<u8>,
    /// The alert at hand, as far as it has come; a record holds one.
    alert: [u8; alert::LEN],
    alert_len: usize,
    /// How many bytes the record at hand holds.
    record_len: u16,
    /// The head of the heartbeat at hand, as far as it has come: type, and length
    /// of its payload.
    heartbeat: [u8; 3],
    heartbeat_len: usize,
    /// Whether a record said that those that follow are encrypted, or was.
    is_ciphered: bool,
    /// Whether that was told.
    is_told: bool,
    /// How many hellos this side has sent.
    pub(super) hellos: u8,
    /// Whether more came than a hello: this is no resumption.
    pub(super) has_key_exchange: bool,
    /// How many encrypted bytes were passed over.
    pub(super) passed_over: u64,
}

impl Side {
    /// Whether what comes is encrypted. After a retry each side has a second
    /// hello to send in the clear, whatever it has sent in between.
    pub(super) const fn is_encrypted(&self, connection: &Connection) -> bool {
        self.is_ciphered && !(connection.is_retried && self.hellos < 2)
    }

    /// Whether nothing is to be learnt of it.
    pub(super) const fn is_over(&self, connection: &Connection) -> bool {
        matches!(self.stage, Stage::Ended | Stage::Failed) || self.is_encrypted(connection)
    }

    /// Bytes are missing: where the next record begins cannot be known.
    pub(super) fn lose(&mut self) {
        self.stage = Stage::Ended;
        self.messages = Messages::default();
        self.sslv2 = Vec::new();
    }

    /// Bytes of memory held for what has come.
    pub(super) fn held(&self) -> usize {
        self.messages.held() + self.sslv2.capacity()
    }

    /// Takes the bytes that follow.
    pub(super) fn feed(
        &mut self,
        direction: Direction,
        mut bytes: &[u8],
        connection: &mut Connection,
        facts: &mut impl FnMut(TlsFact),
    ) {
        while !bytes.is_empty() {
            bytes = match self.stage {
                Stage::Start => self.start(direction, bytes, connection, facts),
                Stage::Sslv2(left) => self.read_sslv2(direction, left, bytes, connection, facts),
                Stage::Header => self.read_header(direction, bytes, connection, facts),
                Stage::Payload(content, left) => {
                    let len = bytes.len().min(left.into());
                    let Some((piece, rest)) = bytes.split_at_checked(len) else { return };
                    // Not longer than what is left, so it fits in 16 bits.
                    let left = left - u16::try_from(len).unwrap_or(left);
                    self.stage = if left == 0 { Stage::Header } else { Stage::Payload(content, left) };
                    self.take(direction, content, piece, connection, facts);
                    rest
                }
                Stage::Ended | Stage::Failed => return,
            };
        }
    }

    /// The first byte tells a hello of SSL 2.0 from a record.
    fn start<'b>(
        &mut self,
        direction: Direction,
        bytes: &'b [u8],
        connection: &Connection,
        facts: &mut impl FnMut(TlsFact),
    ) -> &'b [u8] {
        if self.header_len == 0 && bytes.first().is_none_or(|first| first & 0x80 == 0) {
            self.stage = Stage::Header;
            return bytes;
        }
        let rest = self.fill_header(bytes, sslv2::HEADER_LEN);
        if self.header_len == sslv2::HEADER_LEN {
            let [h0, h1, ..] = self.header;
            self.header_len = 0;
            match sslv2::message_len([h0, h1]).filter(|len| *len > 0) {
                Some(len) => self.stage = Stage::Sslv2(len),
                None => self.fail(direction, Anomaly::TlsInvalidSslv2Header, connection, facts),
            }
        }
        rest
    }

    /// Takes as much of a header as is missing.
    fn fill_header<'b>(&mut self, bytes: &'b [u8], len: usize) -> &'b [u8] {
        let slots = self.header.iter_mut().take(len).skip(self.header_len);
        let taken = slots.zip(bytes).map(|(slot, byte)| *slot = *byte).count();
        self.header_len += taken;
        bytes.get(taken..).unwrap_or_default()
    }

    fn read_sslv2<'b>(
        &mut self,
        direction: Direction,
        left: usize,
        bytes: &'b [u8],
        connection: &mut Connection,
        facts: &mut impl FnMut(TlsFact),
    ) -> &'b [u8] {
        let Some((piece, rest)) = bytes.split_at_checked(bytes.len().min(left)) else { return &[] };
        self.sslv2.extend_from_slice(piece);
        let is_hello = matches!(self.sslv2.first(), Some(&(sslv2::CLIENT_HELLO | sslv2::SERVER_HELLO)));
        if !is_hello {
            let is_error = self.sslv2.first() == Some(&sslv2::ERROR);
            let why =
                if is_error { Anomaly::TlsErrorMessageEncountered } else { Anomaly::TlsInvalidSslRecord };
            self.fail(direction, why, connection, facts);
        } else if piece.len() < left {
            self.stage = Stage::Sslv2(left - piece.len());
        } else {
            let message = std::mem::take(&mut self.sslv2);
            self.stage = connection.sslv2(direction, &message, facts);
        }
        rest
    }

    fn read_header<'b>(
        &mut self,
        direction: Direction,
        bytes: &'b [u8],
        connection: &Connection,
        facts: &mut impl FnMut(TlsFact),
    ) -> &'b [u8] {
        let rest = self.fill_header(bytes, HEADER_LEN);
        if self.header_len < HEADER_LEN {
            return rest;
        }
        self.header_len = 0;
        match Record::decode(&self.header) {
            Ok((record, _)) => {
                let is_handshake = record.content == ContentType::Handshake;
                let content = self.open_record(record.content, record.len);
                self.stage =
                    if record.len == 0 { Stage::Header } else { Stage::Payload(content, record.len) };
                // Pieces of a message stand in records that follow each other.
                if !is_handshake && !self.is_encrypted(connection) && !self.messages.is_between() {
                    self.fail(direction, Anomaly::TlsInvalidSslRecord, connection, facts);
                }
            }
            // What was encrypted is believed; where it ends is of no use.
            Err(_) if self.is_encrypted(connection) => self.lose(),
            Err(malformed) => {
                let why = match malformed {
                    Malformed::BadVersion => Anomaly::TlsInvalidRecordVersion,
                    Malformed::BadLength => Anomaly::TlsInvalidRecordLength,
                    _ => Anomaly::TlsInvalidRecordType,
                };
                self.fail(direction, why, connection, facts);
            }
        }
        rest
    }

    /// A record begins: what it holds is what it says, but for an alert that is
    /// longer than one, which is encrypted.
    fn open_record(&mut self, content: ContentType, len: u16) -> ContentType {
        (self.record_len, self.heartbeat_len, self.alert_len) = (len, 0, 0);
        match content {
            ContentType::Alert if usize::from(len) > alert::LEN => ContentType::ApplicationData,
            content => content,
        }
    }

    /// A record of a datagram, whole; of handshakes see [`Self::take_messages`].
    pub(super) fn take_record(
        &mut self,
        direction: Direction,
        content: ContentType,
        payload: &[u8],
        connection: &mut Connection,
        facts: &mut impl FnMut(TlsFact),
    ) {
        let len = u16::try_from(payload.len()).unwrap_or(u16::MAX);
        let content = self.open_record(content, len);
        self.take(direction, content, payload, connection, facts);
    }

    /// It is not, or no longer, TLS; odd is what was before.
    fn fail(
        &mut self,
        direction: Direction,
        why: Anomaly,
        connection: &Connection,
        facts: &mut impl FnMut(TlsFact),
    ) {
        self.lose();
        self.stage = Stage::Failed;
        if connection.has_begun {
            facts(TlsFact::Odd(direction, why));
        }
    }

    /// A record's bytes, or part of them.
    fn take(
        &mut self,
        direction: Direction,
        content: ContentType,
        piece: &[u8],
        connection: &mut Connection,
        facts: &mut impl FnMut(TlsFact),
    ) {
        if self.is_encrypted(connection) {
            self.passed_over = self.passed_over.saturating_add(piece.len() as u64);
            return;
        }
        match content {
            ContentType::Handshake => self.take_messages(direction, piece, connection, facts),
            ContentType::Alert => self.take_alert(direction, piece, connection, facts),
            ContentType::ChangeCipherSpec | ContentType::ApplicationData => {
                connection.has_begun = true;
                self.is_ciphered = true;
            }
            ContentType::Heartbeat => self.take_heartbeat(direction, piece, facts),
            ContentType::ConnectionId | ContentType::Ack => {}
        }
        if self.is_encrypted(connection) && !self.is_told {
            self.is_told = true;
            let is_abbreviated = connection.is_abbreviated(direction, self);
            facts(TlsFact::Encrypted { direction, is_abbreviated });
        }
    }

    /// The head of a heartbeat in the clear, or part of it.
    fn take_heartbeat(&mut self, direction: Direction, piece: &[u8], facts: &mut impl FnMut(TlsFact)) {
        if self.heartbeat_len == self.heartbeat.len() {
            return;
        }
        let slots = self.heartbeat.iter_mut().skip(self.heartbeat_len);
        self.heartbeat_len += slots.zip(piece).map(|(slot, byte)| *slot = *byte).count();
        let len = self.heartbeat.len().min(self.record_len.into());
        if self.heartbeat_len == len {
            // Of one that is shorter than its head, what is missing is nothing.
            self.heartbeat.iter_mut().skip(len).for_each(|missing| *missing = 0);
            self.heartbeat_len = self.heartbeat.len();
            facts(TlsFact::Odd(direction, oddities::of_heartbeat(self.heartbeat, self.record_len)));
        }
    }

    pub(super) fn take_messages(
        &mut self,
        direction: Direction,
        piece: &[u8],
        connection: &mut Connection,
        facts: &mut impl FnMut(TlsFact),
    ) {
        let mut messages = std::mem::take(&mut self.messages);
        messages.feed(piece, &mut |message| {
            // What follows what is no TLS is none either.
            if self.stage == Stage::Failed {
                return;
            }
            let hellos = self.hellos;
            match message {
                Message::Whole(kind, body) => connection.message(direction, kind, body, self, facts),
                Message::Skipped(kind) => connection.skipped(kind, self),
                Message::TooLong(kind) => {
                    connection.skipped(kind, self);
                    facts(TlsFact::Odd(direction, Anomaly::TlsHandshakeMessageTooLong));
                }
            }
            if self.hellos > hellos {
                self.is_told = false;
            }
        });
        if self.stage != Stage::Failed {
            self.messages = messages;
        }
    }

    fn take_alert(
        &mut self,
        direction: Direction,
        piece: &[u8],
        connection: &mut Connection,
        facts: &mut impl FnMut(TlsFact),
    ) {
        let slots = self.alert.iter_mut().skip(self.alert_len);
        self.alert_len += slots.zip(piece).map(|(slot, byte)| *slot = *byte).count();
        if self.alert_len < alert::LEN {
            if usize::from(self.record_len) < alert::LEN && connection.has_begun {
                facts(TlsFact::Odd(direction, Anomaly::TlsInvalidAlertMessage));
            }
            return;
        }
        self.alert_len = 0;
        let Ok(alert) = Alert::decode(&self.alert) else {
            self.is_ciphered = true;
            if connection.has_begun {
                facts(TlsFact::Odd(direction, Anomaly::TlsInvalidAlertMessage));
            }
            return;
        };
        connection.has_begun = true;
        facts(TlsFact::Alert(direction, alert));
        if alert.level == Level::Fatal || alert.description == AlertDescription::CLOSE_NOTIFY {
            self.lose();
        }
    }
}
