//! The options of a message (RFC 2132), put together from where they stand.

use std::net::Ipv4Addr;

/// Codes of the options that are told (IANA, BOOTP Vendor Extensions and DHCP
/// Options).
pub mod code {
    /// Fills to a boundary; has no length.
    pub const PAD: u8 = 0;
    /// Ends the options; has no length.
    pub const END: u8 = 255;
    /// The mask of the client's network.
    pub const SUBNET_MASK: u8 = 1;
    /// Routers, the best first.
    pub const ROUTERS: u8 = 3;
    /// Servers of DNS.
    pub const DNS_SERVERS: u8 = 6;
    /// The client's name.
    pub const HOSTNAME: u8 = 12;
    /// The address that is asked for.
    pub const REQUESTED_IP: u8 = 50;
    /// For how long an address is lent, in seconds.
    pub const LEASE_TIME: u8 = 51;
    /// Which other fields hold options: 1 the file's name, 2 the server's.
    pub const OVERLOAD: u8 = 52;
    /// What the message is.
    pub const MESSAGE_TYPE: u8 = 53;
    /// The options that are wished for.
    pub const PARAMETERS: u8 = 55;
    /// When to renew, in seconds.
    pub const RENEWAL_TIME: u8 = 58;
    /// When to ask any server, in seconds.
    pub const REBINDING_TIME: u8 = 59;
    /// What made the client.
    pub const VENDOR_CLASS: u8 = 60;
    /// The client, by a type and what it says.
    pub const CLIENT_ID: u8 = 61;
}

/// The options of a message, each code once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// By code, ascending.
    all: Vec<(u8, Vec<u8>)>,
    /// Whether they end without saying so, or before they should.
    pub is_cut: bool,
}

impl Options {
    /// Decodes them from their own field, and from the file's and the server's
    /// names where they go on there.
    pub(super) fn decode(bytes: &[u8], file: &[u8], server_name: &[u8]) -> Self {
        let mut options = Self::default();
        options.is_cut = !options.read(bytes);
        let overload = options.get(code::OVERLOAD).and_then(|value| value.first()).copied().unwrap_or(0);
        if overload & 1 != 0 {
            options.is_cut |= !options.read(file);
        }
        if overload & 2 != 0 {
            options.is_cut |= !options.read(server_name);
        }
        options
    }

    /// Reads options to their end; whether it was there.
    fn read(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            let (option, rest) = match bytes {
                [code::END, ..] => return true,
                [code::PAD, rest @ ..] => {
                    bytes = rest;
                    continue;
                }
                [option, len, rest @ ..] => match rest.split_at_checked((*len).into()) {
                    Some((value, rest)) => ((*option, value), rest),
                    None => return false,
                },
                _ => return false,
            };
            self.add(option);
            bytes = rest;
        }
    }

    /// Adds an option; one that was there goes on (RFC 3396 section 7).
    fn add(&mut self, (option, value): (u8, &[u8])) {
        match self.all.binary_search_by_key(&option, |(known, _)| *known) {
            Ok(place) => {
                if let Some((_, whole)) = self.all.get_mut(place) {
                    whole.extend_from_slice(value);
                }
            }
            Err(place) => self.all.insert(place, (option, value.to_vec())),
        }
    }

    /// The value of an option.
    pub fn get(&self, option: u8) -> Option<&[u8]> {
        let place = self.all.binary_search_by_key(&option, |(known, _)| *known).ok()?;
        self.all.get(place).map(|(_, value)| &value[..])
    }

    /// The value of an option that is one byte.
    pub fn byte(&self, option: u8) -> Option<u8> {
        self.get(option)?.first().copied()
    }

    /// The value of an option that is a number of 32 bits: a time in seconds.
    pub fn number(&self, option: u8) -> Option<u32> {
        self.get(option)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// The value of an option that is one address.
    pub fn address(&self, option: u8) -> Option<Ipv4Addr> {
        self.get(option)?.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets))
    }

    /// The value of an option that is a list of addresses.
    pub fn addresses(&self, option: u8) -> impl Iterator<Item = Ipv4Addr> {
        let (addresses, _) = self.get(option).unwrap_or_default().as_chunks::<4>();
        addresses.iter().map(|octets| Ipv4Addr::from(*octets))
    }

    /// Whether the value of an option has a length that it cannot have.
    pub(super) fn has_unsound(&self) -> bool {
        self.all.iter().any(|(option, value)| match *option {
            code::SUBNET_MASK
            | code::REQUESTED_IP
            | code::LEASE_TIME
            | code::RENEWAL_TIME
            | code::REBINDING_TIME => value.len() != 4,
            code::ROUTERS | code::DNS_SERVERS => value.is_empty() || !value.len().is_multiple_of(4),
            code::OVERLOAD | code::MESSAGE_TYPE => value.len() != 1,
            code::CLIENT_ID => value.len() < 2,
            _ => false,
        })
    }
}
