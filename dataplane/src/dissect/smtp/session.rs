//! What a client's lines lead to, and what the server says to them.

use super::command::{Command, Verb, chunk, path};
use super::data::Data;
use super::record::CommandFacts;
use super::{COMMAND_MAX, Odd, RECIPIENTS_MAX, REPLY_MAX, Smtp, Stage, TEXT_MAX};
use crate::anomaly::Anomaly;
use crate::dissect::line_protocol::{LineProtocol as _, Next, Said, Side};
use crate::dissect::lines::{Line, lossy, trim, word};
use crate::dissect::sasl::Sasl;
use crate::dissect::{Fact, Listener};

impl Smtp {
    /// A line of the client that is none of a mail.
    pub(super) fn said_by_client(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Said {
        if let Some(sasl) = self.sasl.as_mut().filter(|sasl| sasl.is_expecting()) {
            let identity = sasl.answer(line.text);
            self.identify(identity, listener);
            return Said::Other;
        }
        let client = self.sides.client();
        let Some(command) = Command::decode(line.text) else {
            if trim(line.text).is_empty() {
                return Said::Other;
            }
            self.raise_once(Anomaly::SmtpUnparsableContent, |odd| &mut odd.unparsable, listener);
            // It will be refused, as a command is.
            self.wait_for(Verb::Other);
            return Said::Nonsense;
        };
        let is_auth = command.verb == Verb::Auth;
        if line.is_cut || line.text.len() > COMMAND_MAX && !is_auth {
            listener.anomaly(client, Anomaly::SmtpMaxCommandLineLenExceeded);
        }
        let argument = if is_auth { word(command.argument).0 } else { command.argument };
        listener.fact(client, Fact::SmtpCommand(&CommandFacts::new(command.word, argument)));
        self.command(command, line.is_bare, listener);
        Said::Command
    }

    fn command(&mut self, command: Command<'_>, is_bare: bool, listener: &mut dyn Listener) {
        let mut verb = command.verb;
        match verb {
            Verb::Helo => self.helo(command, listener),
            Verb::Mail => self.mail_from(command.argument, listener),
            Verb::Rcpt => self.rcpt_to(command.argument),
            Verb::Data => {
                self.wait_for(Verb::Data);
                self.stage = Stage::DataAsked(Data::new(is_bare));
                if !self.is_heard {
                    self.stage = Stage::Data(Data::new(is_bare));
                }
                return;
            }
            Verb::Chunk => verb = self.chunk(command.argument, listener),
            Verb::Rset => self.give_up(listener),
            Verb::StartTls => self.stage = Stage::TlsAsked,
            Verb::Auth => {
                let (mechanism, first) = word(command.argument);
                let (sasl, identity) = Sasl::begin(mechanism, first);
                self.sasl = Some(sasl);
                self.identify(identity, listener);
            }
            Verb::LastChunk | Verb::EndOfData | Verb::Quit | Verb::Other => {}
        }
        self.wait_for(verb);
        if verb == Verb::LastChunk && matches!(self.stage, Stage::Chunk(0, _)) {
            self.stage = Stage::Commands;
            self.hand_over(true, listener);
        }
    }

    fn helo(&mut self, command: Command<'_>, listener: &mut dyn Listener) {
        let client = self.sides.client();
        if std::mem::replace(&mut self.has_helo, true) {
            listener.anomaly(client, Anomaly::SmtpDuplicateFields);
        } else if !self.is_heard && !self.is_lossy && self.envelope.helo.is_none() {
            listener.anomaly(client, Anomaly::SmtpNoServerWelcomeMessage);
        }
        // It resets the session (RFC 5321 section 4.1.4).
        self.give_up(listener);
        self.is_lmtp = command.word.eq_ignore_ascii_case(b"LHLO");
        let name = trim(command.argument);
        let name = name.get(..TEXT_MAX).unwrap_or(name);
        self.envelope.helo = Some(lossy(name)).filter(|name| !name.is_empty());
    }

    fn mail_from(&mut self, argument: &[u8], listener: &mut dyn Listener) {
        if self.envelope.mail_from.is_some() {
            if !self.is_refused {
                listener.anomaly(self.sides.client(), Anomaly::SmtpDuplicateFields);
                return;
            }
            self.give_up(listener);
        }
        self.envelope.mail_from = path(argument, b"FROM", TEXT_MAX);
    }

    fn rcpt_to(&mut self, argument: &[u8]) {
        let Some(recipient) = path(argument, b"TO", TEXT_MAX) else { return };
        self.envelope.rcpt_count = self.envelope.rcpt_count.saturating_add(1);
        if self.envelope.rcpt_to.len() < RECIPIENTS_MAX {
            self.envelope.rcpt_to.push(recipient);
        }
    }

    /// A chunk is announced; gives what is to be answered.
    fn chunk(&mut self, argument: &[u8], listener: &mut dyn Listener) -> Verb {
        let Some((len, is_last)) = chunk(argument) else {
            listener.anomaly(self.sides.client(), Anomaly::SmtpInvalidBdat);
            return Verb::Other;
        };
        if len > 0 || is_last {
            self.stage = Stage::Chunk(len, is_last);
        }
        if is_last { Verb::LastChunk } else { Verb::Chunk }
    }

    /// A line of the server.
    pub(super) fn said_by_server(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Next {
        if line.is_cut || line.text.len() > REPLY_MAX {
            listener.anomaly(self.sides.server(), Anomaly::SmtpMaxReplyLineLenExceeded);
        }
        if line.text.is_empty() {
            return Next::Lines;
        }
        let code = match line.text {
            [class @ b'2'..=b'5', group @ b'0'..=b'5', detail @ b'0'..=b'9', b'-', ..] => {
                // More follows; the last line decides.
                let _ = (class, group, detail);
                return Next::Lines;
            }
            [class @ b'2'..=b'5', group @ b'0'..=b'5', detail @ b'0'..=b'9'] => [*class, *group, *detail],
            [class @ b'2'..=b'5', group @ b'0'..=b'5', detail @ b'0'..=b'9', b' ', ..] => {
                [*class, *group, *detail]
            }
            _ => {
                self.raise_once(Anomaly::SmtpInvalidReply, |odd| &mut odd.reply, listener);
                return Next::Lines;
            }
        };
        self.reply(code, listener)
    }

    /// A reply.
    fn reply(&mut self, code: [u8; 3], listener: &mut dyn Listener) -> Next {
        if !std::mem::replace(&mut self.is_greeted, true) && (&code == b"220" || self.pending.is_empty()) {
            return Next::Lines;
        }
        let [class, ..] = code;
        if self.pending.front() == Some(&Verb::Auth) && class == b'3' {
            if let Some(sasl) = &mut self.sasl {
                sasl.challenge();
            }
            return Next::Lines;
        }
        self.resynchronise(code);
        let Some(verb) = self.pending.pop_front() else {
            self.unasked(code, listener);
            return Next::Lines;
        };
        match verb {
            Verb::Helo => self.has_helo &= class == b'2',
            Verb::Mail => self.is_refused = class >= b'4',
            Verb::Data if class == b'3' => self.go_ahead(),
            Verb::Data => {
                listener.anomaly(self.sides.server(), Anomaly::SmtpDataCommandRejected);
                if let Stage::DataAsked(_) | Stage::Data(_) = self.stage {
                    self.stage = Stage::Commands;
                    self.mail = None;
                }
            }
            Verb::EndOfData | Verb::LastChunk => {
                if let Some(mail) = self.handed_over.pop_front() {
                    self.tell(mail, listener);
                }
            }
            Verb::Auth => self.sasl = None,
            Verb::StartTls if &code == b"220" => return Next::Tls,
            Verb::StartTls => {
                listener.anomaly(self.sides.server(), Anomaly::SmtpTlsRejected);
                if matches!(self.stage, Stage::TlsAsked) {
                    self.stage = Stage::Commands;
                }
            }
            Verb::Rcpt | Verb::Chunk | Verb::Rset | Verb::Quit | Verb::Other => {}
        }
        Next::Lines
    }

    /// What one command alone is answered with is its answer: those before it had
    /// theirs, in a form that was not known as such.
    fn resynchronise(&mut self, code: [u8; 3]) {
        let verb = match &code {
            b"354" => Verb::Data,
            b"220" => Verb::StartTls,
            _ => return,
        };
        if let Some(at) = self.pending.iter().position(|one| *one == verb) {
            self.pending.drain(..at);
        }
    }

    /// The server grants a mail.
    fn go_ahead(&mut self) {
        if let Stage::DataAsked(data) = &mut self.stage {
            self.stage = Stage::Data(std::mem::take(data));
        }
    }

    /// A reply that no command waits for.
    fn unasked(&mut self, code: [u8; 3], listener: &mut dyn Listener) {
        if &code == b"354" {
            return self.go_ahead();
        }
        if self.is_lossy {
            // The end of the mail was among what is missing.
            if let Stage::Data(_) = self.stage {
                self.stage = Stage::Commands;
                self.sides.lose(Side::Client);
                self.hand_over(false, listener);
            }
        } else if !self.is_lmtp && &code != b"421" {
            let anomaly = Anomaly::SmtpUnableToMatchReplyWithRequest;
            self.raise_once(anomaly, |odd| &mut odd.unmatched, listener);
        }
    }

    fn raise_once(&mut self, anomaly: Anomaly, was: fn(&mut Odd) -> &mut bool, listener: &mut dyn Listener) {
        if !std::mem::replace(was(&mut self.odd), true) {
            listener.anomaly(self.sides.client(), anomaly);
        }
    }
}
