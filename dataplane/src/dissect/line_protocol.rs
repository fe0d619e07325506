//! What protocols that are spoken in lines have in common: SMTP, FTP, POP3, IMAP.
//!
//! Who implements [`LineProtocol`] is a [`Dissector`]: it is told lines, whole, and
//! by whom, and says what they are. Here bytes become lines; here it is found out
//! who is the server, when TLS begins, and that it is no such protocol at all.
//! What stands between lines and is none, such as a mail, it reads itself.

use super::lines::{Line, Lines, Roles};
use super::login::Login;
use super::sasl::Identity;
use super::starttls::StartTls;
use super::{Dissector, Fact, Listener, Progress};
use crate::app_proto::AppProto;
use crate::flow::Direction;

/// The first byte of TLS, which no line begins with.
pub(super) const TLS_HANDSHAKE: u8 = 0x16;

/// What is a protocol's own.
pub trait LineProtocol: Send {
    /// Its name.
    const PROTOCOL: AppProto;

    /// The longest line that is read whole, in bytes; of a longer one, so much is
    /// told.
    const LINE_MAX: usize;

    /// After so many lines of a client in a row that are no commands, it is another
    /// protocol.
    const NONSENSE_MAX: u8 = 8;

    /// Whether a server can begin with this byte, and no client.
    fn is_reply(first: u8) -> bool;

    /// The two sides.
    fn sides(&self) -> &Sides;

    /// The two sides.
    fn sides_mut(&mut self) -> &mut Sides;

    /// A line of the client.
    fn client_line(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Said;

    /// A line of the server.
    fn server_line(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Next;

    /// Whether the client has asked to go on in TLS. If it does, the server's answer
    /// was not seen, or comes later.
    fn wants_tls(&self) -> bool;

    /// Bytes of the client, before lines are looked for in them: reads those that
    /// are no lines, and gives what follows them; `None` if there is nothing yet.
    fn client_bytes<'b>(&mut self, bytes: &'b [u8], listener: &mut dyn Listener) -> Option<&'b [u8]> {
        let _ = listener;
        Some(bytes)
    }

    /// The same of the server.
    fn server_bytes<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        bytes
    }

    /// So many bytes of a side are missing. Where they are of lines, `Sides::lose`
    /// passes over what is left of the last.
    fn lost(&mut self, side: Side, len: u64, listener: &mut dyn Listener);

    /// Nothing more is said, or not in the clear: what is known of what has not come
    /// to its end is told.
    fn over(&mut self, listener: &mut dyn Listener) {
        let _ = listener;
    }

    /// Bytes of memory held, lines apart.
    fn kept(&self) -> usize;

    /// Tells who logs in, where an answer of SASL said it.
    fn identify(&self, identity: Option<Identity>, listener: &mut dyn Listener) {
        if let Some(identity) = identity {
            listener.fact(self.sides().client(), Fact::Login(&identity.login(Self::PROTOCOL)));
        }
    }

    /// Tells who logs in.
    fn log_in(&self, user: Option<&str>, password_seen: bool, listener: &mut dyn Listener) {
        let login = Login { user, password_seen, protocol: Self::PROTOCOL };
        listener.fact(self.sides().client(), Fact::Login(&login));
    }
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who asks.
    Client,
    /// Who answers.
    Server,
}

/// What a line of a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A command.
    Command,
    /// What may stand between commands.
    Other,
    /// Nothing that the protocol knows.
    Nonsense,
}

/// What follows a line of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// More of the protocol.
    Lines,
    /// TLS, on both sides.
    Tls,
    /// Nothing that is asked for.
    Nothing,
}

/// The two sides of a connection: who is who, and their lines.
#[derive(Debug, Default)]
pub struct Sides {
    roles: Roles,
    client: Lines,
    server: Lines,
    /// Lines of the client in a row that were no commands.
    nonsense: u8,
}

impl Sides {
    /// The client's direction, as far as it is known.
    pub(super) fn client(&self) -> Direction {
        self.roles.client()
    }

    /// The server's direction, as far as it is known.
    pub(super) fn server(&self) -> Direction {
        self.roles.server()
    }

    /// Gives up the line at hand, and what follows up to its end.
    pub(super) fn lose(&mut self, side: Side) {
        match side {
            Side::Client => self.client.lose(),
            Side::Server => self.server.lose(),
        }
    }
}

impl<P: LineProtocol> Dissector for P {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let sides = self.sides_mut();
        // Lines are lent to the protocol, which may change all else of itself.
        if sides.roles.is_server(direction, bytes, P::is_reply) {
            let mut lines = std::mem::take(&mut sides.server);
            let progress = from_server(self, &mut lines, bytes, listener);
            self.sides_mut().server = lines;
            progress
        } else {
            let mut lines = std::mem::take(&mut sides.client);
            let progress = from_client(self, &mut lines, bytes, listener);
            self.sides_mut().client = lines;
            progress
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, listener: &mut dyn Listener) -> Progress {
        let is_servers = self.sides().roles.is_servers(direction);
        self.lost(if is_servers { Side::Server } else { Side::Client }, len, listener);
        Progress::More
    }

    fn close(&mut self, listener: &mut dyn Listener) {
        self.over(listener);
    }

    fn held(&self) -> usize {
        let sides = self.sides();
        sides.client.held() + sides.server.held() + self.kept()
    }
}

fn from_client<P: LineProtocol>(
    protocol: &mut P,
    lines: &mut Lines,
    mut bytes: &[u8],
    listener: &mut dyn Listener,
) -> Progress {
    loop {
        let Some(rest) = protocol.client_bytes(bytes, listener) else { return Progress::More };
        bytes = rest;
        lines.find_start(&mut bytes);
        if protocol.wants_tls() && lines.is_at_start() && bytes.first() == Some(&TLS_HANDSHAKE) {
            return become_tls(protocol, bytes.len(), listener);
        }
        let Some(line) = lines.next(&mut bytes, P::LINE_MAX) else { return Progress::More };
        let said = protocol.client_line(line, listener);
        let nonsense = &mut protocol.sides_mut().nonsense;
        match said {
            Said::Command => *nonsense = 0,
            Said::Other => {}
            Said::Nonsense => *nonsense += 1,
        }
        if *nonsense >= P::NONSENSE_MAX {
            return Progress::Malformed;
        }
    }
}

fn from_server<P: LineProtocol>(
    protocol: &mut P,
    lines: &mut Lines,
    mut bytes: &[u8],
    listener: &mut dyn Listener,
) -> Progress {
    loop {
        bytes = protocol.server_bytes(bytes);
        let Some(line) = lines.next(&mut bytes, P::LINE_MAX) else { return Progress::More };
        match protocol.server_line(line, listener) {
            Next::Lines => {}
            Next::Tls => return become_tls(protocol, bytes.len(), listener),
            Next::Nothing => return Progress::Done,
        }
    }
}

fn become_tls<P: LineProtocol>(protocol: &mut P, unread: usize, listener: &mut dyn Listener) -> Progress {
    protocol.over(listener);
    listener.fact(protocol.sides().server(), Fact::StartTls(&StartTls { protocol: P::PROTOCOL }));
    Progress::Becomes { next: Some(AppProto::Tls), unread }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dissect::conversation::{Talk, told, told_however_cut};

    /// A client says `user` and a name, a server a digit: 3 is TLS, 9 the end.
    #[derive(Debug, Default)]
    struct Toy(Sides);

    impl LineProtocol for Toy {
        const PROTOCOL: AppProto = AppProto::Ftp;
        const LINE_MAX: usize = 16;

        fn is_reply(first: u8) -> bool {
            first.is_ascii_digit()
        }

        fn sides(&self) -> &Sides {
            &self.0
        }

        fn sides_mut(&mut self) -> &mut Sides {
            &mut self.0
        }

        fn client_line(&mut self, line: Line<'_>, listener: &mut dyn Listener) -> Said {
            let Some(name) = line.text.strip_prefix(b"user ") else {
                return if line.text.is_empty() { Said::Other } else { Said::Nonsense };
            };
            self.log_in(std::str::from_utf8(name).ok(), false, listener);
            Said::Command
        }

        fn server_line(&mut self, line: Line<'_>, _listener: &mut dyn Listener) -> Next {
            match line.text {
                b"3" => Next::Tls,
                b"9" => Next::Nothing,
                _ => Next::Lines,
            }
        }

        fn wants_tls(&self) -> bool {
            true
        }

        fn lost(&mut self, side: Side, _len: u64, _listener: &mut dyn Listener) {
            self.0.lose(side);
        }

        fn kept(&self) -> usize {
            0
        }
    }

    const ANNA: &str = "login login.user=anna login.protocol=ftp login.has_password=false";

    #[test]
    fn lines_are_told_whole_up_to_the_word_that_ends_them() {
        let talk = [Talk::Server("2\r\n"), Talk::Client("user anna\r\n"), Talk::Server("9\r\n")];
        let told = told_however_cut(Toy::default, &talk);
        assert_eq!((&told.facts[..], told.progress), (&[ANNA.to_owned()][..], Some(Progress::Done)));
    }

    #[test]
    fn tls_begins_where_the_server_says_so_or_a_line_of_the_client_would() {
        let becomes = |unread| Some(Progress::Becomes { next: Some(AppProto::Tls), unread });
        assert_eq!(told(Toy::default(), &[Talk::Server("2\r\n3\r\n\x16\x03")]).progress, becomes(2));
        let told = told(Toy::default(), &[Talk::Client("user anna\n\x16\x03\x01")]);
        assert_eq!((told.facts.len(), told.progress), (2, becomes(3)));
        let within = told_however_cut(Toy::default, &[Talk::Client("user \x16\x03\n")]);
        assert_eq!(within.progress, Some(Progress::More));
    }

    #[test]
    fn it_is_another_protocol_after_nothing_but_nonsense() {
        let all = "x\n\n".repeat(8);
        let told = |text: &str| told_however_cut(Toy::default, &[Talk::Client(text)]).progress;
        assert_eq!(told(&all), Some(Progress::Malformed));
        assert_eq!(told(&format!("{}user anna\n{}", "x\n".repeat(7), "x\n".repeat(7))), Some(Progress::More));
    }

    #[test]
    fn after_missing_bytes_the_next_line_is_told() {
        let talk = [Talk::Client("user be"), Talk::ClientGap(2), Talk::Client("la\nuser anna\n")];
        assert_eq!(told_however_cut(Toy::default, &talk).facts, [ANNA]);
    }
}
