//! The dissectors: what is said in the bytes of flows.
//!
//! They read ordered bytes and datagrams and tell what they learn to a
//! [`Listener`]. They know no rings, no clock and no files, hold a bounded
//! state, and never change what they read; what they cannot read is no fault of
//! the flow.
//!
//! Which dissector a flow belongs to is decided by its first bytes, never by its
//! ports alone: [`detect`] names the protocol, [`of_stream`] and
//! [`of_datagrams`] have its dissector. There, in [`Record`], in [`Fact`] and in
//! [`FIELDS`], each has one line; the rest of it is in its own folder. One that is
//! spoken in lines implements `line_protocol::LineProtocol` and is a dissector by it.

pub mod body;
#[cfg(test)]
pub(crate) mod conversation;
pub mod detect;
pub mod dhcp;
mod digest;
pub mod dns;
pub mod file;
pub mod ftp;
#[cfg(test)]
mod heard;
pub mod http;
pub mod ike;
pub mod imap;
pub mod krb5;
mod line_protocol;
mod lines;
pub mod login;
pub mod mime;
pub mod mqtt;
pub mod pop3;
pub mod quic;
pub mod rfb;
mod sasl;
pub mod sip;
pub mod smtp;
pub mod snmp;
pub mod ssh;
pub mod starttls;
pub mod tftp;
pub mod tls;
mod upgrade;
pub mod websocket;

use crate::anomaly::Anomaly;
use crate::app_proto::AppProto;
use crate::event::{EventKind, Field, View};
use crate::flow::Direction;

/// What reads one flow of one protocol: a state machine that is fed each
/// direction for itself, cut anywhere.
///
/// What it learns it tells at once. Its memory is bounded by constants of its
/// own, and when there is nothing more to learn it says so ([`Progress`]), so
/// that nobody keeps bytes for it. After an answer other than
/// [`Progress::More`] it is not called again, but for [`Dissector::close`].
pub trait Dissector: Send {
    /// The bytes that follow in a direction of a stream; or one datagram, whole.
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress;

    /// So many bytes of a direction were not seen.
    fn gap(&mut self, direction: Direction, len: u64, listener: &mut dyn Listener) -> Progress {
        let _ = (direction, len, listener);
        Progress::Done
    }

    /// A direction has said all.
    fn end(&mut self, direction: Direction, listener: &mut dyn Listener) -> Progress {
        let _ = (direction, listener);
        Progress::More
    }

    /// The flow is over, or wanted no longer: what is known of what has not come
    /// to its end is told now.
    fn close(&mut self, listener: &mut dyn Listener) {
        let _ = listener;
    }

    /// Bytes of memory held for what peers have sent, beside the state itself.
    fn held(&self) -> usize {
        0
    }
}

/// How a dissector stands after the bytes it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// It wants the bytes that follow, of both directions.
    More,
    /// There is nothing more to learn: what follows is encrypted, or of no use.
    Done,
    /// It is another protocol.
    NotMine,
    /// It was this protocol, and is broken from here on.
    Malformed,
    /// What follows, both ways, is another protocol: after `STARTTLS`, `CONNECT`
    /// or an upgrade.
    Becomes {
        /// Which; `None` where first bytes decide once more.
        next: Option<AppProto>,
        /// So many of the last bytes given belong to it already.
        unread: usize,
    },
}

/// Who is told what is learnt. Directions say who sent it.
pub trait Listener {
    /// What rules may be asked about, while the packet that completed it waits.
    fn fact(&mut self, direction: Direction, fact: Fact<'_>);

    /// One complete thing for the log of events: a handshake, a transaction, a
    /// file.
    fn record(&mut self, direction: Direction, record: Record);

    /// Something odd.
    fn anomaly(&mut self, direction: Direction, anomaly: Anomaly);
}

/// What becomes one line in the log of events, by protocol.
#[derive(Clone, Debug)]
pub enum Record {
    /// `dhcp`
    Dhcp(Box<dhcp::DhcpRecord>),
    /// `dns`, `mdns` or `llmnr`
    Dns(Box<dns::DnsRecord>),
    /// `fileinfo`
    File(Box<file::FileRecord>),
    /// `ftp`
    Ftp(Box<ftp::FtpRecord>),
    /// `http`
    Http(Box<http::Transaction>),
    /// `ike`
    Ike(Box<ike::IkeRecord>),
    /// `krb5`
    Krb5(Box<krb5::KrbRecord>),
    /// `pop3`
    Pop3(Box<pop3::Pop3Record>),
    /// `quic`
    Quic(Box<quic::QuicRecord>),
    /// `sip`
    Sip(Box<sip::SipRecord>),
    /// `smtp`
    Smtp(Box<smtp::SmtpRecord>),
    /// `snmp`
    Snmp(Box<snmp::SnmpRecord>),
    /// `ssh`
    Ssh(Box<ssh::SshRecord>),
    /// `tftp`
    Tftp(Box<tftp::TftpRecord>),
    /// `tls`
    Tls(Box<tls::TlsSession>),
    /// `websocket`
    Websocket(websocket::Frame),
}

/// What rules are asked about, and its fields read from; borrowed from the
/// dissector for as long as the question takes.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// `dns_answer`
    DnsAnswer(&'a dns::DnsFacts<'a>),
    /// `dns_query`
    DnsQuery(&'a dns::DnsFacts<'a>),
    /// `file`
    File(&'a file::FileFacts),
    /// `http_body`
    HttpBody(&'a http::HttpFacts<'a>),
    /// `http_request`
    HttpRequest(&'a http::HttpFacts<'a>),
    /// `http_response`
    HttpResponse(&'a http::HttpFacts<'a>),
    /// `login`
    Login(&'a login::Login<'a>),
    /// `quic_client_hello`
    QuicClientHello(&'a quic::ClientHelloFacts),
    /// `smtp_command`
    SmtpCommand(&'a smtp::CommandFacts),
    /// `smtp_mail`
    SmtpMail(&'a smtp::SmtpRecord),
    /// `ssh_banner`
    SshBanner(&'a ssh::SshBanner<'a>),
    /// `ssh_kex`
    SshKex(&'a ssh::SshKex<'a>),
    /// `starttls`
    StartTls(&'a starttls::StartTls),
    /// `tls_certificate`
    TlsCertificate(&'a tls::TlsSession, &'a [tls::CertificateFacts]),
    /// `tls_client_hello`
    TlsClientHello(&'a tls::ClientFacts),
    /// `tls_server_hello`
    TlsServerHello(&'a tls::TlsSession),
}

impl Fact<'_> {
    /// The moment that it is.
    pub const fn event(self) -> EventKind {
        match self {
            Self::DnsAnswer(_) => EventKind::DnsAnswer,
            Self::DnsQuery(_) => EventKind::DnsQuery,
            Self::File(_) => EventKind::File,
            Self::HttpBody(_) => EventKind::HttpBody,
            Self::HttpRequest(_) => EventKind::HttpRequest,
            Self::HttpResponse(_) => EventKind::HttpResponse,
            Self::Login(_) => EventKind::Login,
            Self::QuicClientHello(_) => EventKind::QuicClientHello,
            Self::SmtpCommand(_) => EventKind::SmtpCommand,
            Self::SmtpMail(_) => EventKind::SmtpMail,
            Self::SshBanner(_) => EventKind::SshBanner,
            Self::SshKex(_) => EventKind::SshKex,
            Self::StartTls(_) => EventKind::StartTls,
            Self::TlsCertificate(..) => EventKind::TlsCertificate,
            Self::TlsClientHello(_) => EventKind::TlsClientHello,
            Self::TlsServerHello(_) => EventKind::TlsServerHello,
        }
    }
}

impl View for Fact<'static> {
    type At<'a> = Fact<'a>;
}

/// Fields that rules may read, and the events that fill them.
pub type FieldGroup = (&'static [EventKind], &'static [Field<Fact<'static>>]);

/// All of them, as their dissectors declare them.
pub const FIELDS: &[FieldGroup] = &[
    (dns::ANSWER_EVENTS, dns::ANSWER_FIELDS),
    (dns::MESSAGE_EVENTS, dns::MESSAGE_FIELDS),
    (&[EventKind::File], file::FIELDS),
    (http::fields::BODY_EVENTS, http::fields::BODY),
    (http::fields::EVENTS, http::fields::NUMBERS),
    (http::fields::EVENTS, http::fields::REQUEST),
    (http::fields::RESPONSE_EVENTS, http::fields::RESPONSE),
    (http::fields::RESPONSE_EVENTS, http::fields::STATUS),
    (login::EVENTS, login::FIELDS),
    (smtp::COMMAND_EVENTS, smtp::COMMAND_FIELDS),
    (smtp::MAIL_EVENTS, smtp::MAIL_FIELDS),
    (ssh::BANNER_EVENTS, ssh::BANNER_FIELDS),
    (ssh::KEX_EVENTS, ssh::KEX_FIELDS),
    (starttls::EVENTS, starttls::FIELDS),
    (tls::CERTIFICATE_EVENTS, tls::CERTIFICATE_FIELDS),
    (tls::CLIENT_EVENTS, tls::CLIENT_FIELDS),
    (tls::SERVER_EVENTS, tls::SERVER_FIELDS),
    quic::CLIENT_HELLO,
];

/// A dissector for a stream of this protocol, if there is one.
pub fn of_stream(app_proto: AppProto) -> Option<Box<dyn Dissector>> {
    Some(match app_proto {
        AppProto::Dns => Box::new(dns::DnsStream::new(dns::Family::Unicast)),
        AppProto::Ftp => Box::new(ftp::Ftp::new()),
        AppProto::Http => Box::new(http::Http::new()),
        AppProto::Http2 => Box::new(http::h2::Http2::new()),
        AppProto::Imap => Box::new(imap::Imap::new()),
        AppProto::Krb5 => Box::new(krb5::Krb5::of_stream()),
        AppProto::Llmnr => Box::new(dns::DnsStream::new(dns::Family::Llmnr)),
        AppProto::Mqtt => Box::new(mqtt::Mqtt::new()),
        AppProto::Pop3 => Box::new(pop3::Pop3::new()),
        AppProto::Rfb => Box::new(rfb::Rfb::new()),
        AppProto::Sip => Box::new(sip::Sip::of_stream()),
        AppProto::Smtp => Box::new(smtp::Smtp::new()),
        AppProto::Ssh => Box::new(ssh::Ssh::new()),
        AppProto::Tls => Box::new(tls::TlsStream::default()),
        AppProto::Websocket => Box::new(websocket::Websocket::new()),
        _ => return upgrade::of_stream(app_proto),
    })
}

/// A dissector for datagrams of this protocol, if there is one.
pub fn of_datagrams(app_proto: AppProto) -> Option<Box<dyn Dissector>> {
    Some(match app_proto {
        AppProto::Dhcp => Box::new(dhcp::Dhcp),
        AppProto::Dns => Box::new(dns::DnsDatagrams::new(dns::Family::Unicast)),
        AppProto::Ike => Box::new(ike::Ike::new()),
        AppProto::Krb5 => Box::new(krb5::Krb5::of_datagrams()),
        AppProto::Llmnr => Box::new(dns::DnsDatagrams::new(dns::Family::Llmnr)),
        AppProto::Mdns => Box::new(dns::DnsDatagrams::new(dns::Family::Mdns)),
        AppProto::Quic => Box::new(quic::Quic::new()),
        AppProto::Sip => Box::new(sip::Sip::of_datagrams()),
        AppProto::Snmp => Box::new(snmp::Snmp::new()),
        // Peers that have found each other by STUN go on in DTLS on the same ports.
        AppProto::Stun | AppProto::Tls => Box::new(tls::Dtls::new()),
        AppProto::Tftp => Box::new(tftp::Tftp),
        _ => return None,
    })
}
