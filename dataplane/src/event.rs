//! The moments at which rules are asked, and how a field that rules may read is
//! described.
//!
//! Each module declares the fields of its own values as a table of [`Field`]s:
//! name, type, doc and reader stand together, once. `rules` gathers the tables;
//! documentation and type checks come from the same rows.

use std::net::IpAddr;

use crate::wire::Mac;

macro_rules! event_kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A moment at which rules are asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum EventKind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl EventKind {
            /// Every kind, in the order of their numbers.
            pub const ALL: [Self; [$(Self::$variant),+].len()] = [$(Self::$variant),+];

            /// The word in a rule: `on packet`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// When it is, for authors of rules.
            pub const fn doc(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+),)+
                }
            }
        }
    };
}

event_kinds! {
    /// Every packet that decodes.
    Packet = "packet",
    /// The first packet of a flow.
    FlowOpen = "flow_open",
    /// A flow has ended (closed, timed out, evicted, or the gateway stops).
    FlowClose = "flow_close",
    /// A client's hello of TLS is complete.
    TlsClientHello = "tls_client_hello",
    /// A server's hello of TLS is complete.
    TlsServerHello = "tls_server_hello",
    /// A chain of certificates is complete, in the clear (up to TLS 1.2).
    TlsCertificate = "tls_certificate",
    /// A client's hello inside of QUIC's first packets is complete.
    QuicClientHello = "quic_client_hello",
    /// The head of an HTTP request is complete.
    HttpRequest = "http_request",
    /// The head of an HTTP response is complete.
    HttpResponse = "http_response",
    /// A part of the body of an HTTP message, decoded.
    HttpBody = "http_body",
    /// A question was asked of DNS.
    DnsQuery = "dns_query",
    /// DNS has answered.
    DnsAnswer = "dns_answer",
    /// An SMTP command is complete.
    SmtpCommand = "smtp_command",
    /// A mail was handed over.
    SmtpMail = "smtp_mail",
    /// A side of SSH has named itself.
    SshBanner = "ssh_banner",
    /// A side of SSH has offered its algorithms.
    SshKex = "ssh_kex",
    /// A name or a password was sent in the clear.
    Login = "login",
    /// A connection goes on encrypted.
    StartTls = "starttls",
    /// A file has passed.
    File = "file",
}

/// The type of a field or of an expression in a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Signed 64-bit number.
    Int,
    /// Number without a sign that fits in so many bits (at most 63): what a
    /// header can hold, so that a comparison beyond it is seen at load.
    Unsigned(u8),
    /// `true` or `false`.
    Bool,
    /// UTF-8 text; bytes off the wire that are not UTF-8 are `Bytes`.
    Str,
    /// Bytes as they were on the wire.
    Bytes,
    /// An IPv4 or IPv6 address.
    Ip,
    /// An Ethernet address.
    Mac,
    /// A length of time; held in nanoseconds.
    Duration,
    /// A number with names, written by name: `TCP`.
    Enum(&'static EnumNames),
}

/// The names of an enumerated field, such as the IP protocols.
#[derive(Debug, PartialEq, Eq)]
pub struct EnumNames {
    /// What the enumeration is called in messages.
    pub name: &'static str,
    /// Each name and its number.
    pub names: &'static [(&'static str, i64)],
}

/// The value of a field at an event, borrowed from what it was read from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// For `Kind::Int`, `Kind::Unsigned` and `Kind::Enum`.
    Int(i64),
    /// For `Kind::Bool`.
    Bool(bool),
    /// For `Kind::Str`.
    Str(&'a str),
    /// For `Kind::Bytes`.
    Bytes(&'a [u8]),
    /// For `Kind::Ip`.
    Ip(IpAddr),
    /// For `Kind::Mac`.
    Mac(Mac),
    /// For `Kind::Duration`: nanoseconds.
    Duration(u64),
}

/// What a module shows of its own values to the readers of its fields.
///
/// `At<'a>` is the view while it borrows for `'a` (a packet borrows its bytes);
/// a view that borrows nothing names itself.
pub trait View {
    /// The view, borrowed for `'a`.
    type At<'a>;
}

/// One field that rules may read from the view `V`.
///
/// `V` is the view of a module on its own values (a packet, a flow), so that a
/// module can declare its fields without knowing of the others'.
pub struct Field<V: View + ?Sized> {
    /// The dotted name that rules use: `flow.server.port`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// One sentence for authors of rules, with unit and source.
    pub doc: &'static str,
    /// Reads it; `None` where the packet or flow has no such thing.
    pub read: for<'a> fn(&'a V::At<'a>) -> Option<Value<'a>>,
}
