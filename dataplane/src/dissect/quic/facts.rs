//! What is learnt of a QUIC connection.

use crate::dissect::digest::md5_hex;
use crate::dissect::tls::{ClientFacts, ServerFacts};
use crate::wire::quic::Version;
use crate::wire::quic::tags::{Message, Tag};

/// A client's hello, and the version it asks for.
#[derive(Clone, Debug)]
pub struct ClientHelloFacts {
    /// The version of the packet that completed it.
    pub version: Version,
    /// The version as events write it.
    pub version_name: String,
    /// The hello.
    pub hello: Hello,
}

impl ClientHelloFacts {
    pub(super) fn new(version: Version, hello: Hello) -> Self {
        Self { version, version_name: version.to_string(), hello }
    }

    /// The host that is meant.
    pub fn sni(&self) -> Option<&str> {
        match &self.hello {
            Hello::Tls(hello) => hello.sni.as_deref(),
            Hello::Google(hello) => hello.sni.as_deref(),
        }
    }

    /// What is said in TLS.
    pub const fn tls(&self) -> Option<&ClientFacts> {
        match &self.hello {
            Hello::Tls(hello) => Some(hello),
            Hello::Google(_) => None,
        }
    }
}

/// A client's hello, in one of two languages.
#[derive(Clone, Debug)]
pub enum Hello {
    /// TLS 1.3.
    Tls(Box<ClientFacts>),
    /// Google's own, up to Q050.
    Google(GoogleHello),
}

/// A client's hello as Google wrote them before TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoogleHello {
    /// The host that is meant.
    pub sni: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// CYU: the version's number and the tags in their order
    /// (<https://github.com/salesforce/GQUIC_Protocol_Analyzer>).
    pub cyu: String,
    /// MD5 of `cyu` in hexadecimal.
    pub cyu_hash: String,
    /// Whether it has the client's key: another follows one that has not.
    pub is_complete: bool,
}

impl GoogleHello {
    pub(super) fn new(version: Version, message: &Message<'_>) -> Self {
        let text = |tag| message.value(tag).map(|value| String::from_utf8_lossy(value).into_owned());
        let number = version.google_number().map_or(0, |(number, _)| number);
        let mut cyu = format!("{number},");
        for (at, (tag, _)) in message.entries().enumerate() {
            if at > 0 {
                cyu.push('-');
            }
            cyu.push_str(&String::from_utf8_lossy(tag.name()));
        }
        Self {
            sni: text(Tag::SERVER_NAME),
            user_agent: text(Tag::USER_AGENT),
            cyu_hash: md5_hex(&cyu),
            cyu,
            is_complete: message.value(Tag::PUBLIC_VALUE).is_some(),
        }
    }
}

/// One thing for the log of events.
#[derive(Clone, Debug)]
pub struct QuicRecord {
    /// The version of the packet that said it.
    pub version: Version,
    /// What was said.
    pub said: Said,
}

/// What is said, in the order in which it may be.
#[derive(Clone, Debug)]
pub enum Said {
    /// A client's hello.
    ClientHello(Hello),
    /// A server's hello; one that asks for a retry is followed by another.
    ServerHello(Box<ServerFacts>),
    /// A server's offer of versions, GREASE included.
    Negotiation(Vec<Version>),
    /// A server's wish for another first packet.
    Retry,
    /// Nothing that could be read: the version is all that is known.
    Nothing,
}
