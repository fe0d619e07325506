//! What the log of events is told of a connection.

use super::banner::Banner;
use super::host_key::HostKey;
use super::kex::Chosen;
use super::side::Side;
use crate::flow::Direction;

/// One connection, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshRecord {
    /// The client, if it has named itself.
    pub client: Option<SshSide>,
    /// The server, if it has named itself.
    pub server: Option<SshSide>,
    /// What was chosen, if both have offered.
    pub chosen: Option<Chosen>,
    /// The server's key.
    pub host_key: Option<HostKey>,
}

/// One side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshSide {
    /// How it has named itself.
    pub banner: Banner,
    /// The fingerprint of what it offers.
    pub hassh: Option<Hassh>,
}

/// A fingerprint of what a side offers: HASSH, or HASSH server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hassh {
    /// MD5 in 32 hexadecimal digits.
    pub hash: String,
    /// What it is of.
    pub string: String,
}

impl SshRecord {
    /// What is known of two sides, client and server; `None` if neither has named
    /// itself.
    pub(super) fn new(sides: [Side; 2], host_key: Option<HostKey>) -> Option<Self> {
        let [client, server] = sides;
        let chosen = client.kex.as_deref().zip(server.kex.as_deref());
        let chosen = chosen.map(|(client, server)| Chosen::new(client, server));
        let of = |side: Side, direction| {
            let kex = side.kex.as_deref();
            let hassh = kex.map(|kex| Hassh { hash: kex.hassh.clone(), string: kex.hassh_string(direction) });
            side.banner.map(|banner| SshSide { banner, hassh })
        };
        let (client, server) = (of(client, Direction::Up), of(server, Direction::Down));
        (client.is_some() || server.is_some()).then_some(Self { client, server, chosen, host_key })
    }
}
