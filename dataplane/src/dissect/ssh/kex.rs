//! What a side offers in KEXINIT (RFC 4253 section 7.1), its fingerprint, and
//! what is chosen of two offers.

use std::collections::HashSet;

use super::host_key::string;
use crate::dissect::digest::md5_hex;
use crate::flow::Direction;

/// The random bytes that a KEXINIT begins with.
const COOKIE_LEN: usize = 16;

/// Something for each of the two ways of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BothWays<T> {
    /// From client to server.
    pub up: T,
    /// From server to client.
    pub down: T,
}

impl<T> BothWays<T> {
    /// That of one way.
    pub const fn of(&self, direction: Direction) -> &T {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

/// An offer: lists of names, the best first, with commas between them, as they
/// were sent; what is no UTF-8 in them is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KexInit {
    /// Key exchanges, and what else is announced among them (`ext-info-c`).
    pub kex: String,
    /// Kinds of host keys.
    pub host_keys: String,
    /// Ciphers.
    pub ciphers: BothWays<String>,
    /// Message authentication codes.
    pub macs: BothWays<String>,
    /// Compressions.
    pub compressions: BothWays<String>,
    /// HASSH of a client, HASSH server of a server: MD5 of
    /// [`Self::hassh_string`], in 32 hexadecimal digits.
    pub hassh: String,
}

impl KexInit {
    /// Takes the payload after its number; `None` where the lists do not end in
    /// it.
    pub(super) fn decode(payload: &[u8], sender: Direction) -> Option<Self> {
        let mut rest = payload.get(COOKIE_LEN..)?;
        let mut list = || {
            let (list, after) = string(rest)?;
            rest = after;
            Some(list)
        };
        let (kex, host_keys) = (list()?, list()?);
        let ciphers = BothWays { up: list()?, down: list()? };
        let macs = BothWays { up: list()?, down: list()? };
        let compressions = BothWays { up: list()?, down: list()? };
        let _languages = BothWays { up: list()?, down: list()? };
        // Whether a guess follows, and a number that is zero.
        (rest.len() >= 5).then_some(())?;
        let parts = [kex, *ciphers.of(sender), *macs.of(sender), *compressions.of(sender)];
        let text = |list: &[u8]| String::from_utf8_lossy(list).into_owned();
        let texts = |lists: &BothWays<&[u8]>| BothWays { up: text(lists.up), down: text(lists.down) };
        Some(Self {
            kex: text(kex),
            host_keys: text(host_keys),
            ciphers: texts(&ciphers),
            macs: texts(&macs),
            compressions: texts(&compressions),
            hassh: md5_hex(parts.join(&b';')),
        })
    }

    /// What the fingerprint is made of: key exchanges, and ciphers, codes and
    /// compressions of the way that the side sends, with semicolons between them.
    pub fn hassh_string(&self, sender: Direction) -> String {
        [&self.kex, self.ciphers.of(sender), self.macs.of(sender), self.compressions.of(sender)]
            .map(String::as_str)
            .join(";")
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        let both = |lists: &BothWays<String>| lists.up.len() + lists.down.len();
        let lists = both(&self.ciphers) + both(&self.macs) + both(&self.compressions);
        self.kex.len() + self.host_keys.len() + self.hassh.len() + lists
    }
}

/// What two offers lead to; `None` where they have nothing in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Key exchange.
    pub kex: Option<String>,
    /// Kind of host key.
    pub host_key: Option<String>,
    /// Ciphers.
    pub cipher: BothWays<Option<String>>,
    /// Message authentication codes; `None` also where the cipher is one itself.
    pub mac: BothWays<Option<String>>,
    /// Compressions.
    pub compression: BothWays<Option<String>>,
}

impl Chosen {
    /// Chooses as both sides do: the first of the client's that the server has.
    pub(super) fn new(client: &KexInit, server: &KexInit) -> Self {
        let both = |client: &BothWays<String>, server: &BothWays<String>| BothWays {
            up: first_common(&client.up, &server.up),
            down: first_common(&client.down, &server.down),
        };
        let cipher = both(&client.ciphers, &server.ciphers);
        let mac = both(&client.macs, &server.macs);
        let unless_authenticated = |mac: Option<String>, cipher: &Option<String>| {
            mac.filter(|_| !cipher.as_deref().is_some_and(authenticates))
        };
        Self {
            kex: first_common(&client.kex, &server.kex),
            host_key: first_common(&client.host_keys, &server.host_keys),
            mac: BothWays {
                up: unless_authenticated(mac.up, &cipher.up),
                down: unless_authenticated(mac.down, &cipher.down),
            },
            cipher,
            compression: both(&client.compressions, &server.compressions),
        }
    }
}

/// The first name of one list that is in another: in time that grows with their
/// lengths, not with the product.
fn first_common(client: &str, server: &str) -> Option<String> {
    let server: HashSet<&str> = server.split(',').collect();
    client.split(',').find(|name| !name.is_empty() && server.contains(name)).map(str::to_owned)
}

/// Whether a cipher is its own authentication (RFC 5647, and `OpenSSH`'s).
fn authenticates(cipher: &str) -> bool {
    cipher.starts_with("AEAD_") || cipher.contains("-gcm") || cipher.contains("chacha20-poly1305")
}
