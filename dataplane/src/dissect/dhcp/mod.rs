//! DHCP and BOOTP (RFC 2131, RFC 2132): one event a message.
//!
//! Options may overflow into the fields for the server's and the file's name
//! (option 52), and be split (RFC 3396): they are put together as clients do.

mod options;

use std::net::Ipv4Addr;

use super::{Dissector, Listener, Progress, Record};
use crate::anomaly::Anomaly;
use crate::flow::Direction;

pub use options::{Options, code};

/// Bytes before the options, without the cookie.
const FIXED_LEN: usize = 236;

/// What options begin with (RFC 2131 section 3).
const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpRecord {
    /// 1: a client's request, 2: a server's reply.
    pub op: u8,
    /// What a reply has in common with its request.
    pub id: u32,
    /// The client's address on the link, as long as it says, at most 16 bytes.
    pub client_mac: Vec<u8>,
    /// The address that the client has already.
    pub client_ip: Ipv4Addr,
    /// The address that the client is given.
    pub assigned_ip: Ipv4Addr,
    /// The server to boot from.
    pub next_server_ip: Ipv4Addr,
    /// The relay that it came by.
    pub relay_ip: Ipv4Addr,
    /// The options.
    pub options: Options,
}

/// A flow with messages.
#[derive(Debug, Default)]
pub struct Dhcp;

impl Dissector for Dhcp {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let Some(message) = DhcpRecord::decode(bytes) else { return Progress::More };
        if message.options.is_cut {
            listener.anomaly(direction, Anomaly::DhcpTruncatedOptions);
        }
        if message.options.has_unsound() {
            listener.anomaly(direction, Anomaly::DhcpMalformedOptions);
        }
        listener.record(direction, Record::Dhcp(Box::new(message)));
        Progress::More
    }
}

impl DhcpRecord {
    /// Decodes a message; `None` for what is shorter than one.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (fixed, rest) = bytes.split_first_chunk::<FIXED_LEN>()?;
        let (&[op, _, address_len, _], fixed) = fixed.split_first_chunk()?;
        let (id, fixed) = fixed.split_first_chunk()?;
        // Seconds and flags.
        let (_, fixed) = fixed.split_first_chunk::<4>()?;
        let (addresses, fixed) = fixed.split_first_chunk::<16>()?;
        let (hardware, fixed) = fixed.split_first_chunk::<16>()?;
        let (server_name, file) = fixed.split_first_chunk::<64>()?;
        let (addresses, _) = addresses.as_chunks::<4>();
        let &[client_ip, assigned_ip, next_server_ip, relay_ip] = addresses else { return None };
        let options = match rest.strip_prefix(&COOKIE[..]) {
            Some(options) => Options::decode(options, file, server_name),
            None => Options::default(),
        };
        Some(Self {
            op,
            id: u32::from_be_bytes(*id),
            client_mac: hardware.iter().copied().take(address_len.into()).collect(),
            client_ip: client_ip.into(),
            assigned_ip: assigned_ip.into(),
            next_server_ip: next_server_ip.into(),
            relay_ip: relay_ip.into(),
            options,
        })
    }
}

#[cfg(test)]
mod tests;
