//! One fragment, and the key that it shares with the others of its datagram.

use crate::flow::key::{Endpoint, FlowHasher, Key};
use crate::time::Timestamp;
use crate::wire::ipv6::{FRAGMENT_LEN, HEADER_LEN};
use crate::wire::packet::{Net, Packet, Transport};

/// What makes fragments one datagram: source, destination, identification and,
/// with IPv4, protocol (RFC 791 section 2.3; RFC 8200 section 4.5, where only
/// the first fragment's next header counts); the VLANs and tunnels it travels in.
///
/// Unlike a flow's key it has a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FragmentKey(Key);

impl FragmentKey {
    /// The key of a fragment; `None` for what is none.
    pub fn of(packet: &Packet) -> Option<Self> {
        if packet.transport != Transport::Fragment {
            return None;
        }
        Key::of_datagram(packet).map(Self)
    }

    /// The hash, of which [`owner`](crate::flow::owner) makes the worker that
    /// all fragments of a datagram go to.
    pub fn hash(&self, hasher: &FlowHasher) -> u64 {
        hasher.hash(&self.0)
    }

    /// Whether it is of IPv4; IPv6 otherwise.
    pub fn is_ipv4(&self) -> bool {
        self.0.is_ipv4()
    }

    /// Where the datagram goes.
    pub fn destination(&self) -> std::net::IpAddr {
        self.0.endpoint(Endpoint::Second).0
    }
}

/// A fragment as it came.
#[derive(Clone, Copy, Debug)]
pub struct Fragment<'a> {
    /// What it shares with the others of its datagram.
    pub key: FragmentKey,
    /// Where its payload stands in the datagram's, in bytes.
    pub offset: u32,
    /// Whether more fragments follow behind it.
    pub more: bool,
    /// The network header: IPv4's with its options; IPv6's with the extension
    /// headers before the fragment header.
    pub header: &'a [u8],
    /// What follows the header once the datagram is whole: IPv4's protocol, or
    /// the fragment header's next header.
    pub next_header: u8,
    /// Its part of the datagram's payload.
    pub payload: &'a [u8],
    /// When it came.
    pub now: Timestamp,
}

impl<'a> Fragment<'a> {
    /// The fragment that a packet is, in `bytes`, the frame it was decoded
    /// from; `None` where it is none, or the capture has cut it.
    pub fn of(packet: &Packet, bytes: &'a [u8], now: Timestamp) -> Option<Self> {
        let key = FragmentKey::of(packet)?;
        let net = bytes.get(packet.net_at as usize..)?;
        let behind = (packet.transport_at - packet.net_at) as usize;
        let payload = packet.payload(bytes);
        // 0 where the sender's card was to do the cutting: all there is counts.
        let (header_len, offset, more, next_header, told) = match packet.net {
            Net::V4(header) => {
                let more = header.flags & crate::wire::packet::Ipv4::MORE_FRAGMENTS != 0;
                let told = usize::from(header.total_len);
                (behind, header.fragment_offset, more, header.protocol, told)
            }
            Net::V6(header) => {
                let fragment = header.fragment?;
                let told = match header.payload_len {
                    0 => 0,
                    len => HEADER_LEN + usize::from(len),
                };
                let header_len = behind.checked_sub(FRAGMENT_LEN)?;
                (header_len, fragment.offset, fragment.more, header.protocol, told)
            }
            Net::None | Net::Arp(_) => return None,
        };
        if told != 0 && told != behind + payload.len() {
            return None;
        }
        let header = net.get(..header_len)?;
        Some(Self { key, offset: u32::from(offset) * 8, more, header, next_header, payload, now })
    }
}
