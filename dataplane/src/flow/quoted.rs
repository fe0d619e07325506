//! The flow that an ICMP error speaks of (RFC 792, RFC 4443, RFC 4884).
//!
//! An error carries the packet that caused it from its IP header on, as much of
//! it as fits: eight bytes of the transport header at least, which is enough for
//! the ports, an echo's identifier and an SPI. How much there was before is no
//! matter, so that no length within the quote is held against it.

use std::net::IpAddr;

use super::key::{ESP, Endpoint, ICMP, ICMP6, Key, SCTP, Shared, TCP, UDP};
use crate::wire::Packet;
use crate::wire::icmp::{Icmp, Version};
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv6::{Extensions, Ipv6};
use crate::wire::packet::{Net, Transport};

/// See [`Key::quoted`].
pub(super) fn key(packet: &Packet, bytes: &[u8]) -> Option<(Key, Endpoint)> {
    let Transport::Icmp(icmp) = packet.transport else { return None };
    let quote = packet.payload(bytes);
    let (src, dst, protocol, transport): (IpAddr, IpAddr, u8, &[u8]) = match (&packet.net, icmp.kind) {
        // Unreachable, source quench, redirect, time exceeded, parameter problem.
        (Net::V4(_), 3 | 4 | 5 | 11 | 12) => {
            let (ip, transport) = Ipv4::decode(quote).ok()?;
            if ip.fragment_offset != 0 {
                return None;
            }
            (ip.src.into(), ip.dst.into(), ip.protocol, transport)
        }
        // Unreachable, too big, time exceeded, parameter problem.
        (Net::V6(_), 1..=4) => {
            let (ip, rest) = Ipv6::decode(quote).ok()?;
            let mut extensions = Extensions::new(ip.protocol, rest);
            for extension in &mut extensions {
                if extension.ok()?.fragment.is_some_and(|fragment| fragment.offset != 0) {
                    return None;
                }
            }
            (ip.src.into(), ip.dst.into(), extensions.protocol(), extensions.rest())
        }
        _ => return None,
    };
    let (key, sender) =
        Key::with(src, dst, protocol, shared(protocol, transport)?, packet.vlans, packet.tunnels);
    Some((key, sender.other()))
}

/// What a transport header has in the place of ports; `None` where it is cut
/// before that.
fn shared(protocol: u8, transport: &[u8]) -> Option<Shared> {
    Some(match protocol {
        TCP | UDP | SCTP => {
            let &[s0, s1, d0, d1] = transport.first_chunk()?;
            Shared::Ports(u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]))
        }
        ICMP => Shared::Icmp(Icmp::decode(Version::V4, transport).ok()?.0),
        ICMP6 => Shared::Icmp(Icmp::decode(Version::V6, transport).ok()?.0),
        ESP => Shared::Spi(u32::from_be_bytes(*transport.first_chunk()?)),
        _ => Shared::Ports(0, 0),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::LinkType;
    use crate::wire::craft::Craft;
    use crate::wire::tcp::Flags;

    const V4: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [198, 51, 100, 2]);
    const V6: (u128, u128) = (0x2001_0db8 << 96 | 1, 0x2001_0db8 << 96 | 2);

    fn v4() -> Craft {
        Craft::ethernet().ipv4(V4.0, V4.1)
    }

    fn v6() -> Craft {
        Craft::ethernet().ipv6(V6.0, V6.1)
    }

    fn decode(bytes: &[u8]) -> Packet {
        Packet::decode(LinkType::Ethernet, bytes, u32::try_from(bytes.len()).unwrap()).0
    }

    /// An error about `frame` that quotes `len` bytes of it from its IP header on.
    fn error(frame: &[u8], kind: u8, len: usize) -> Vec<u8> {
        let quote = &frame[14..frame.len().min(14 + len)];
        let header = Icmp { kind, code: 1, id: 0, seq: 0 };
        let from_a_router = match decode(frame).net {
            Net::V4(_) => Craft::ethernet().ipv4([203, 0, 113, 7], V4.0),
            _ => Craft::ethernet().ipv6(0x2001_0db8_u128 << 96 | 0x77, V6.0),
        };
        from_a_router.icmp(header).payload(quote).build()
    }

    fn quoted(frame: &[u8], kind: u8, len: usize) -> Option<(Key, Endpoint)> {
        let error = error(frame, kind, len);
        Key::quoted(&decode(&error), &error)
    }

    /// Frames of flows, and how much of each has to be quoted.
    fn samples() -> Vec<(Vec<u8>, usize)> {
        let hop_by_hop = [0, 0, 1, 4, 0, 0, 0, 0];
        vec![
            (v4().tcp(40_000, 443, Flags::SYN, 7, 0).payload(&[1; 30]).build(), 24),
            (v4().udp(40_000, 53).payload(&[1; 30]).build(), 24),
            (v4().ip_options(&[7, 7, 4, 0, 0, 0, 0, 0]).udp(40_000, 53).build(), 32),
            (v4().echo_request(0x300, 1).payload(&[1; 30]).build(), 28),
            (v4().protocol(47).payload(&[1; 30]).build(), 20),
            (v6().tcp(443, 40_000, Flags::ACK, 7, 0).payload(&[1; 30]).build(), 44),
            (v6().echo_request(0x300, 1).build(), 48),
            (v6().extension(0, &hop_by_hop).udp(1, 2).payload(&[1; 30]).build(), 52),
        ]
    }

    #[test]
    fn an_error_is_of_the_flow_that_it_quotes_and_travels_against_it() {
        for (frame, needed) in samples() {
            let (key, sender) = Key::of(&decode(&frame)).unwrap();
            let is_v4 = matches!(decode(&frame).net, Net::V4(_));
            let kinds: &[u8] = if is_v4 { &[3, 4, 5, 11, 12] } else { &[1, 2, 3, 4] };
            for &kind in kinds {
                for len in [needed, needed + 4, frame.len()] {
                    assert_eq!(quoted(&frame, kind, len), Some((key, sender.other())), "{key:?} of {len}");
                }
            }
        }
    }

    #[test]
    fn a_quote_that_does_not_say_whose_it_is_is_of_no_flow() {
        for (frame, needed) in samples() {
            let kind = if matches!(decode(&frame).net, Net::V4(_)) { 3 } else { 1 };
            for len in 0..needed {
                assert_eq!(quoted(&frame, kind, len), None, "{len} bytes of {frame:?}");
            }
        }
        let later_part = v4().fragment(9, 100, false).udp(1, 2).payload(&[1; 30]).build();
        assert_eq!(quoted(&later_part, 3, 60), None);
    }

    #[test]
    fn what_is_no_error_quotes_nothing() {
        let frame = v4().udp(40_000, 53).build();
        for kind in (0..=u8::MAX).filter(|kind| ![3, 4, 5, 11, 12].contains(kind)) {
            assert_eq!(quoted(&frame, kind, 60), None, "type {kind}");
        }
        assert_eq!(Key::quoted(&decode(&frame), &frame), None);
    }

    #[test]
    fn the_flow_is_looked_for_where_the_error_travels() {
        let frame = v4().udp(40_000, 53).build();
        let mut error = error(&frame, 3, 60);
        error.splice(12..12, [0x81, 0x00, 0x00, 0x07]);
        let (key, _) = Key::quoted(&decode(&error), &error).unwrap();
        assert_eq!(key.vlans().tci, [7, 0, 0]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_quote_or_none(kind: u8, quote: Vec<u8>, six: bool) {
            let header = Icmp { kind, code: 0, id: 0, seq: 0 };
            let frame = if six { v6() } else { v4() }.icmp(header).payload(&quote).build();
            let packet = decode(&frame);
            for len in 0..=frame.len() {
                let _ = Key::quoted(&packet, &frame[..len]);
            }
        }
    }
}
