//! Which protocol a flow speaks, from its first bytes.
//!
//! Ports are a hint, never the proof: each recogniser looks at the structure
//! that its protocol cannot do without, and says no at the first byte that does
//! not fit. A protocol that is missed costs an event; one that is named wrongly
//! costs the trust in all events, so what is not sure is [`Guess::No`]. Where
//! bytes fit several protocols (a server's `220 `), the text decides, then the
//! port.
//!
//! The two directions are looked at apart. Nothing is kept between calls: the
//! caller shows the bytes from the first on each time there are more, until the
//! answer is not [`Guess::NeedMore`].

mod names;
mod office;
mod reader;
mod secure;
mod talk;
mod things;
mod web;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use self::reader::{First, Fit, Unfit};
use crate::app_proto::AppProto;
use crate::flow::Direction;

/// So many bytes of a direction are looked at, at most: with this many,
/// [`tcp`] never asks for more.
pub const TCP_BYTES_MAX: usize = 1024;

pub(super) use web::is_http_method;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// This protocol.
    Is(AppProto),
    /// What there is fits something; more bytes will tell.
    NeedMore,
    /// Nothing that is known here.
    No,
}

type Recogniser = fn(&First<'_>) -> Fit;

/// The recognisers of streams, the surest first.
const TCP: &[Recogniser] = &[
    secure::tls,
    secure::ssh,
    web::http2_client,
    web::http_response,
    web::http_request,
    web::http2_server,
    talk::commands,
    talk::greeting,
    talk::pop3_server,
    talk::imap_server,
    talk::imap_client,
    talk::irc_server,
    talk::xmpp,
    things::sip,
    things::bittorrent,
    office::rfb,
    things::dnp3,
    office::smb,
    office::dcerpc,
    office::krb5_tcp,
    office::ldap,
    office::rdp,
    office::mysql,
    office::pgsql,
    office::rpc_tcp,
    things::mqtt,
    things::enip,
    things::stun,
    things::stun_framed,
    things::socks,
    names::dns_tcp,
    things::modbus,
    secure::ssl2,
    talk::telnet,
];

/// The recognisers of datagrams, the surest first.
const UDP: &[Recogniser] = &[
    names::dns,
    things::stun,
    secure::quic,
    secure::dtls,
    names::dhcp,
    things::sip,
    names::snmp,
    office::ldap,
    office::krb5_udp,
    office::rdp_udp,
    things::bittorrent_dht,
    names::tftp,
    things::dnp3,
    secure::ike,
    names::radius,
    office::rpc_udp,
    office::dcerpc_udp,
    things::enip_udp,
    names::dhcpv6,
    things::coap,
    names::ntp,
];

/// What the first `bytes` of one direction of a TCP stream are; called again
/// from the first byte on when more have come. Of more than [`TCP_BYTES_MAX`]
/// bytes only the first are looked at. Where a stream ends before that,
/// [`Guess::NeedMore`] is as good as [`Guess::No`].
///
/// `ports` are the client's and the server's.
pub fn tcp(direction: Direction, bytes: &[u8], ports: (u16, u16)) -> Guess {
    let bytes = bytes.get(..TCP_BYTES_MAX).unwrap_or(bytes);
    let is_all = bytes.len() >= TCP_BYTES_MAX;
    let first = First { bytes, direction, ports, is_all };
    let mut is_open = false;
    for recognise in TCP {
        match recognise(&first) {
            // A surer one has not said no yet: it goes first.
            Ok(_) if is_open => return Guess::NeedMore,
            Ok(protocol) => return Guess::Is(protocol),
            Err(Unfit::Short) => is_open |= !is_all,
            Err(Unfit::Wrong) => {}
        }
    }
    if is_open { Guess::NeedMore } else { Guess::No }
}

/// What a datagram is: never [`Guess::NeedMore`].
///
/// `ports` are the client's and the server's.
pub fn udp(direction: Direction, bytes: &[u8], ports: (u16, u16)) -> Guess {
    let first = First { bytes, direction, ports, is_all: true };
    UDP.iter().find_map(|recognise| recognise(&first).ok()).map_or(Guess::No, Guess::Is)
}
