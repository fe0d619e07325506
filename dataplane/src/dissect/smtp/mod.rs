//! SMTP (RFC 5321), with pipelining (RFC 2920), chunks (RFC 3030), AUTH (RFC 4954)
//! and STARTTLS (RFC 3207); LMTP (RFC 2033) alike.
//!
//! One record for each mail: its envelope, what its headers say, what is attached
//! and where its texts point to; it is told when the server has taken the mail, or
//! when the client gives it up. A session without a mail has a record of its own.
//! Mails are read as they stream by; passwords are not kept.
//!
//! Either side may be missing: where the server is not heard, a client's `DATA` is
//! taken to be granted. Where bytes are missing, the mail at hand is told as far as
//! it was seen, and reading goes on with the next line; a mail whose end was missed
//! ends when the server says so.
//!
//! - `command`: lines of the client; `session`: what they lead to, and what the
//!   server says to them
//! - `data`: a mail up to its end, points undone
//! - `mail`: what is in it; `urls`: where its texts point to
//! - `record`: what is told, and the fields of it that rules may read

mod command;
mod data;
mod mail;
mod record;
mod session;
#[cfg(test)]
mod tests;
mod urls;

use std::collections::VecDeque;

use super::line_protocol::{LineProtocol, Next, Said, Side, Sides, TLS_HANDSHAKE};
use super::lines::Line;
use super::sasl::Sasl;
use super::{Fact, Listener, Record, mime};
use crate::anomaly::Anomaly;
use crate::app_proto::AppProto;
use command::Verb;
use data::{Data, Piece};
use mail::{Mail, Teller};

pub use record::{
    COMMAND_EVENTS, COMMAND_FIELDS, CommandFacts, Email, HEADERS, MAIL_EVENTS, MAIL_FIELDS, SmtpRecord,
    addresses,
};

/// The longest line that is read whole, in bytes: answers of SASL are the longest
/// (RFC 4954 section 4).
pub const LINE_MAX: usize = 12 * 1024;

/// The longest command that is in order. RFC 5321 section 4.5.3.1.4 allows 512;
/// extensions add to it.
pub const COMMAND_MAX: usize = 2048;

/// The longest line of a reply that is in order, as above.
pub const REPLY_MAX: usize = 2048;

/// The longest line of a mail that is in order, with its end (RFC 5321 section
/// 4.5.3.1.6).
pub const TEXT_LINE_MAX: usize = 1000;

/// Recipients that are kept of a mail.
pub const RECIPIENTS_MAX: usize = 256;

/// Bytes that are kept of a name or a path.
pub const TEXT_MAX: usize = 512;

/// Commands that may wait for their replies; and mails.
const PENDING_MAX: usize = 1024;
const HANDED_OVER_MAX: usize = 4;

/// The most bytes that are held: a mail that is read, those that wait for the
/// server's word, and the envelope of the next.
pub const HELD_MAX: usize = mime::HELD_MAX + (HANDED_OVER_MAX + 2) * RECORD_MAX + 4 * LINE_MAX;

/// The most bytes of a mail's record: recipients, headers, names and URLs.
const RECORD_MAX: usize = 2 * RECIPIENTS_MAX * TEXT_MAX + 2 * mime::HEAD_MAX;

/// One session.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Smtp {
    sides: Sides,
    stage: Stage,
    /// The mail at hand, as far as it was announced.
    envelope: SmtpRecord,
    /// What is handed over of it.
    mail: Option<Box<Mail>>,
    /// Mails that wait for the server's word.
    handed_over: VecDeque<SmtpRecord>,
    /// Commands that do.
    pending: VecDeque<Verb>,
    sasl: Option<Sasl>,
    /// Mails so far.
    tx_id: u64,
    /// Whether the client has said who it is, and was not refused.
    has_helo: bool,
    /// Whether the server has refused the sender.
    is_refused: bool,
    /// Whether the server has begun to speak, and with its greeting.
    is_heard: bool,
    is_greeted: bool,
    /// Whether bytes are missing: replies may not fit to commands any more.
    is_lossy: bool,
    /// Whether each recipient has an answer of its own (LMTP).
    is_lmtp: bool,
    /// Whether anything was told of the session.
    is_told: bool,
    odd: Odd,
}

/// What the client's bytes are.
#[derive(Debug, Default)]
enum Stage {
    #[default]
    Commands,
    /// A mail, if the server grants it; it has not said yet.
    DataAsked(Data),
    /// A mail.
    Data(Data),
    /// So many bytes of a mail; whether they are the last.
    Chunk(u64, bool),
    /// TLS, if the server grants it; it has not said yet.
    TlsAsked,
}

/// What was said to be odd, once a session.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Odd {
    sequence: bool,
    reply: bool,
    unmatched: bool,
    unparsable: bool,
}

impl LineProtocol for Smtp {
    const PROTOCOL: AppProto = AppProto::Smtp;
    const LINE_MAX: usize = LINE_MAX;
    const NONSENSE_MAX: u8 = 16;

    fn is_reply(first: u8) -> bool {
        first.is_ascii_digit()
    }

    fn sides(&self) -> &Sides {
        &self.sides
    }

    fn sides_mut(&mut self) -> &mut Sides {
        &mut self.sides
    }

    fn client_line(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Said {
        self.said_by_client(line, listener)
    }

    fn server_line(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Next {
        self.said_by_server(line, listener)
    }

    fn wants_tls(&self) -> bool {
        matches!(self.stage, Stage::TlsAsked)
    }

    /// Bytes of mails, as long as there are.
    fn client_bytes<'b>(&mut self, mut bytes: &'b [u8], listener: &mut dyn Listener) -> Option<&'b [u8]> {
        loop {
            match &mut self.stage {
                Stage::Commands => return Some(bytes),
                Stage::TlsAsked => {
                    if bytes.first().is_some_and(|&first| first != TLS_HANDSHAKE) {
                        // What comes in the clear behind it is not to be obeyed.
                        self.stage = Stage::Commands;
                        self.out_of_sequence(listener);
                    }
                    return Some(bytes);
                }
                Stage::DataAsked(_) if bytes.is_empty() => return None,
                Stage::DataAsked(data) => {
                    self.stage = Stage::Data(std::mem::take(data));
                    self.out_of_sequence(listener);
                }
                Stage::Data(_) | Stage::Chunk(..) => bytes = self.mail_bytes(bytes, listener)?,
            }
        }
    }

    fn server_bytes<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        self.is_heard = true;
        bytes
    }

    fn lost(&mut self, side: Side, len: u64, listener: &mut dyn Listener) {
        self.is_lossy = true;
        self.pending.clear();
        while let Some(mail) = self.handed_over.pop_front() {
            self.tell(mail, listener);
        }
        match side {
            Side::Client => self.client_gap(len, listener),
            Side::Server => self.sides.lose(side),
        }
    }

    /// The session is over, in the clear.
    fn over(&mut self, listener: &mut dyn Listener) {
        while let Some(mail) = self.handed_over.pop_front() {
            self.tell(mail, listener);
        }
        self.pending.clear();
        self.stage = Stage::Commands;
        self.give_up(listener);
        if !self.is_told && self.envelope.helo.is_some() {
            let session = std::mem::take(&mut self.envelope);
            self.tell(session, listener);
        }
    }

    fn kept(&self) -> usize {
        let handed_over: usize = self.handed_over.iter().map(SmtpRecord::held).sum();
        let mail = self.mail.as_ref().map_or(0, |mail| size_of::<Mail>() + mail.held());
        self.pending.capacity() + self.envelope.held() + handed_over + mail
    }
}

impl Smtp {
    /// A session of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of a mail; gives what is left where the mail, or a chunk of it, ends.
    fn mail_bytes<'b>(&mut self, bytes: &'b [u8], listener: &mut dyn Listener) -> Option<&'b [u8]> {
        let mail = self.mail.get_or_insert_with(|| Box::new(Mail::new()));
        let mut teller = Teller {
            listener,
            client: self.sides.client(),
            envelope: &self.envelope,
            tx_id: self.tx_id,
            is_complete: true,
        };
        match &mut self.stage {
            Stage::Data(data) => {
                let rest = data.feed(bytes, &mut |piece| match piece {
                    Piece::Text(text) => {
                        mail.transferred(text);
                        mail.text(text, &mut teller);
                    }
                    Piece::Stuffing => mail.transferred(b"."),
                    Piece::LongLine => teller.raise(Anomaly::SmtpMimeLongLine),
                    Piece::OddEnd => teller.raise(Anomaly::SmtpDataEndAmbiguous),
                })?;
                self.stage = Stage::Commands;
                self.wait_for(Verb::EndOfData);
                self.hand_over(true, listener);
                Some(rest)
            }
            Stage::Chunk(left, is_last) => {
                let len = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                let (text, rest) = bytes.split_at_checked(len)?;
                mail.transferred(text);
                mail.text(text, &mut teller);
                *left -= len as u64;
                if *left > 0 {
                    return None;
                }
                let is_last = std::mem::take(is_last);
                self.stage = Stage::Commands;
                if is_last {
                    self.hand_over(true, listener);
                }
                Some(rest)
            }
            Stage::Commands | Stage::DataAsked(_) | Stage::TlsAsked => Some(bytes),
        }
    }

    fn client_gap(&mut self, len: u64, listener: &mut dyn Listener) {
        self.sasl = None;
        if let (Some(mail), Stage::Data(_) | Stage::Chunk(..)) = (&mut self.mail, &self.stage) {
            let client = self.sides.client();
            let (envelope, tx_id) = (&self.envelope, self.tx_id);
            mail.gap(len, &mut Teller { listener, client, envelope, tx_id, is_complete: true });
        }
        match &mut self.stage {
            Stage::Data(data) => data.lose(),
            Stage::Chunk(left, _) if *left > len => *left -= len,
            Stage::Chunk(left, is_last) => {
                let (is_whole, is_last) = (*left == len, *is_last);
                self.stage = Stage::Commands;
                if !is_whole {
                    self.sides.lose(Side::Client);
                }
                if is_last {
                    self.hand_over(true, listener);
                }
            }
            Stage::Commands => self.sides.lose(Side::Client),
            Stage::DataAsked(data) => {
                data.lose();
                self.stage = Stage::Data(std::mem::take(data));
            }
            Stage::TlsAsked => {
                self.stage = Stage::Commands;
                self.sides.lose(Side::Client);
            }
        }
    }

    /// The client goes on where it has to wait for an answer.
    fn out_of_sequence(&mut self, listener: &mut dyn Listener) {
        let is_known = self.is_heard && !self.is_lossy;
        if is_known && !std::mem::replace(&mut self.odd.sequence, true) {
            listener.anomaly(self.sides.client(), Anomaly::SmtpInvalidPipelinedSequence);
        }
    }

    fn wait_for(&mut self, verb: Verb) {
        if self.pending.len() >= PENDING_MAX {
            // Of a client alone, nothing is ever answered.
            self.pending.clear();
            self.is_lossy = true;
        }
        self.pending.push_back(verb);
    }

    /// The mail has been handed over, as far as it comes.
    fn hand_over(&mut self, is_complete: bool, listener: &mut dyn Listener) {
        let client = self.sides.client();
        let mail = self.mail.take();
        let (envelope, tx_id) = (&self.envelope, self.tx_id);
        let mut teller = Teller { listener, client, envelope, tx_id, is_complete };
        let email = mail.map(|mail| Box::new(mail.end(is_complete, &mut teller)));
        self.tx_id += 1;
        let helo = self.envelope.helo.clone();
        let envelope = std::mem::replace(&mut self.envelope, SmtpRecord { helo, ..SmtpRecord::default() });
        self.is_refused = false;
        let record = SmtpRecord { email, ..envelope };
        listener.fact(client, Fact::SmtpMail(&record));
        let is_awaited = self.pending.iter().any(|verb| matches!(verb, Verb::EndOfData | Verb::LastChunk));
        if !self.is_heard || self.is_lossy || !is_awaited {
            return self.tell(record, listener);
        }
        self.handed_over.push_back(record);
        if self.handed_over.len() > HANDED_OVER_MAX
            && let Some(oldest) = self.handed_over.pop_front()
        {
            self.tell(oldest, listener);
        }
    }

    /// The client begins anew: what it said of a mail is told.
    fn give_up(&mut self, listener: &mut dyn Listener) {
        if self.mail.is_some() {
            self.hand_over(false, listener);
        } else if self.envelope.has_mail() {
            self.tx_id += 1;
            let helo = self.envelope.helo.clone();
            let record = std::mem::replace(&mut self.envelope, SmtpRecord { helo, ..SmtpRecord::default() });
            self.tell(record, listener);
        }
        self.is_refused = false;
    }

    fn tell(&mut self, mail: SmtpRecord, listener: &mut dyn Listener) {
        self.is_told = true;
        listener.record(self.sides.client(), Record::Smtp(Box::new(mail)));
    }
}
