//! The names of what does not decode.
//!
//! Every layer has its lines, and none is caught by a wildcard, so that a new
//! layer cannot be forgotten here.

use super::link;
use crate::anomaly::Anomaly;
use crate::wire::Malformed::{
    BadHeaderLength, BadLength, BadOption, BadVersion, BeyondEnd, Cut, TooDeep, Truncated, Unsupported,
};
use crate::wire::tunnel::Tunnel;
use crate::wire::{Layer, LinkType, Malformed, Packet, Undecodable, ethernet, ipv4};

/// The oddity of a packet that does not decode to its end; `bytes` is what it
/// was decoded from, and `link` what they begin with.
///
/// None where the capture is to blame ([`Malformed::Cut`]).
#[cold]
pub fn of_undecodable(
    link: LinkType,
    undecodable: Undecodable,
    packet: &Packet,
    bytes: &[u8],
) -> Option<Anomaly> {
    let Undecodable { layer, malformed } = undecodable;
    if malformed == Cut {
        return None;
    }
    let rest = bytes.get(packet.payload_at as usize..).unwrap_or_default();
    Some(match layer {
        Layer::Ipv4 | Layer::Ipv6 => match within_ip_or_ppp(link, undecodable, packet, bytes) {
            Some(anomaly) => anomaly,
            None if layer == Layer::Ipv4 => of_ipv4(malformed, rest),
            None => of_ipv6(malformed),
        },
        Layer::Arp => of_arp(malformed, rest),
        Layer::Gre => of_gre(malformed, rest),
        other => of_layer(link, other, malformed),
    })
}

/// Of layers where reason and place say it all.
fn of_layer(link: LinkType, layer: Layer, malformed: Malformed) -> Anomaly {
    let short = matches!(malformed, Truncated | BeyondEnd);
    let either = |too_small, malformed| if short { too_small } else { malformed };
    match layer {
        Layer::Ethernet => Anomaly::EthernetPktTooSmall,
        Layer::Vlan => match malformed {
            TooDeep => Anomaly::VlanTooManyLayers,
            Truncated | BadLength | BadVersion | BadHeaderLength | BeyondEnd | BadOption | Unsupported
            | Cut => Anomaly::VlanHeaderTooSmall,
        },
        Layer::Ipv4 => of_ipv4(malformed, &[]),
        Layer::Ipv6 => of_ipv6(malformed),
        Layer::Arp => of_arp(malformed, &[]),
        Layer::Gre => of_gre(malformed, &[]),
        Layer::Ipv6Extension => match malformed {
            TooDeep => Anomaly::TooManyLayers,
            Truncated | BadLength | BadVersion | BadHeaderLength | BeyondEnd | BadOption | Unsupported
            | Cut => Anomaly::Ipv6TruncExthdr,
        },
        Layer::Icmp4 => Anomaly::Icmpv4PktTooSmall,
        Layer::Icmp6 => Anomaly::Icmpv6PktTooSmall,
        Layer::Tcp => match malformed {
            // Suricata reckons the options' length, which is then below zero.
            BadHeaderLength => Anomaly::TcpInvalidOptlen,
            BeyondEnd => Anomaly::TcpHlenTooSmall,
            Truncated | BadLength | BadVersion | TooDeep | BadOption | Unsupported | Cut => {
                Anomaly::TcpPktTooSmall
            }
        },
        Layer::Udp => match malformed {
            Truncated => Anomaly::UdpHlenTooSmall,
            BeyondEnd => Anomaly::UdpPktTooSmall,
            BadLength | BadVersion | BadHeaderLength | TooDeep | BadOption | Unsupported | Cut => {
                Anomaly::UdpLenInvalid
            }
        },
        Layer::Sctp => Anomaly::SctpPktTooSmall,
        Layer::Esp => Anomaly::EspPktTooSmall,
        Layer::Authentication => either(Anomaly::AhPktTooSmall, Anomaly::AhMalformed),
        Layer::Sll if matches!(link, LinkType::Sll2) => Anomaly::Sll2PktTooSmall,
        Layer::Sll => Anomaly::SllPktTooSmall,
        Layer::Null => Anomaly::LtnullPktTooSmall,
        Layer::Raw => either(Anomaly::Ipv4PktTooSmall, Anomaly::IprawInvalidIpVersion),
        Layer::Llc => Anomaly::LlcPktTooSmall,
        Layer::Mpls => match malformed {
            TooDeep => Anomaly::TooManyLayers,
            BeyondEnd => Anomaly::MplsPktTooSmall,
            Truncated | BadLength | BadVersion | BadHeaderLength | BadOption | Unsupported | Cut => {
                Anomaly::MplsHeaderTooSmall
            }
        },
        Layer::Pppoe => either(Anomaly::PppoePktTooSmall, Anomaly::PppoeWrongCode),
        Layer::Ppp => either(Anomaly::PppPktTooSmall, Anomaly::PppWrongType),
        Layer::Hdlc => Anomaly::ChdlcPktTooSmall,
        Layer::FrameRelay => either(Anomaly::FrameRelayPktTooSmall, Anomaly::FrameRelayMalformed),
        Layer::Ring => either(Anomaly::RingPktTooSmall, Anomaly::RingMalformed),
        Layer::Pbb => Anomaly::Ieee8021ahHeaderTooSmall,
        Layer::VnTag => Anomaly::VntagHeaderTooSmall,
        Layer::MacSec => Anomaly::MacsecPktTooSmall,
        Layer::Dsa => Anomaly::DsaPktTooSmall,
        Layer::ETag => Anomaly::EtagHeaderTooSmall,
        Layer::FabricPath => Anomaly::DcePktTooSmall,
        Layer::MetaData => either(Anomaly::MetaDataPktTooSmall, Anomaly::MetaDataMalformed),
        Layer::Nsh => match malformed {
            Truncated => Anomaly::NshHeaderTooSmall,
            BadVersion => Anomaly::NshUnsupportedVersion,
            TooDeep => Anomaly::TooManyLayers,
            BadLength | BadHeaderLength | BeyondEnd | BadOption | Unsupported | Cut => {
                Anomaly::NshBadHeaderLength
            }
        },
        Layer::Ieee80211 => either(Anomaly::Ieee80211PktTooSmall, Anomaly::Ieee80211Malformed),
        Layer::Radio => either(Anomaly::RadioPktTooSmall, Anomaly::RadioMalformed),
        Layer::Capture => either(Anomaly::CapturePktTooSmall, Anomaly::CaptureMalformed),
        Layer::Erspan => either(Anomaly::ErspanHeaderTooSmall, Anomaly::ErspanUnsupportedVersion),
        Layer::Vxlan => either(Anomaly::VxlanPktTooSmall, Anomaly::VxlanMalformed),
        Layer::Geneve => either(Anomaly::GenevePktTooSmall, Anomaly::GeneveMalformed),
        Layer::GtpU => either(Anomaly::GtpPktTooSmall, Anomaly::GtpMalformed),
        Layer::Teredo => either(Anomaly::TeredoPktTooSmall, Anomaly::TeredoMalformed),
        Layer::L2tp => either(Anomaly::L2tpPktTooSmall, Anomaly::L2tpMalformed),
        Layer::Capwap => either(Anomaly::CapwapPktTooSmall, Anomaly::CapwapMalformed),
        Layer::Ayiya => either(Anomaly::AyiyaPktTooSmall, Anomaly::AyiyaMalformed),
        Layer::EtherIp => either(Anomaly::EtheripPktTooSmall, Anomaly::EtheripMalformed),
        Layer::Tunnel => Anomaly::TooManyLayers,
    }
}

/// Of IP within IPv6 or PPP, which have names of their own for it.
fn within_ip_or_ppp(
    link: LinkType,
    undecodable: Undecodable,
    packet: &Packet,
    bytes: &[u8],
) -> Option<Anomaly> {
    let Undecodable { layer, malformed } = undecodable;
    let Some(innermost) = packet.tunnels.depth().checked_sub(1) else {
        return match (layer, malformed) {
            (Layer::Ipv4, Truncated) if link::comes_in_ppp(link, bytes) => Some(Anomaly::PppIp4PktTooSmall),
            (Layer::Ipv6, Truncated) if link::comes_in_ppp(link, bytes) => Some(Anomaly::PppIp6PktTooSmall),
            _ => None,
        };
    };
    let outer = packet.tunnels.place(innermost).and_then(|at| bytes.get(at));
    let in_ipv6 =
        packet.tunnels.kinds().last() == Some(Tunnel::Ip) && outer.is_some_and(|first| first >> 4 == 6);
    match (layer, malformed) {
        _ if !in_ipv6 => None,
        (Layer::Ipv4, Truncated) => Some(Anomaly::Ipv6Ipv4InIpv6TooSmall),
        (Layer::Ipv4, BadVersion) => Some(Anomaly::Ipv6Ipv4InIpv6WrongVersion),
        (Layer::Ipv6, Truncated) => Some(Anomaly::Ipv6Ipv6InIpv6TooSmall),
        (Layer::Ipv6, BadVersion) => Some(Anomaly::Ipv6Ipv6InIpv6WrongVersion),
        _ => None,
    }
}

fn of_ipv4(malformed: Malformed, rest: &[u8]) -> Anomaly {
    match malformed {
        // The options are what is not there.
        Truncated if rest.len() >= ipv4::HEADER_LEN => Anomaly::Ipv4TruncPkt,
        Truncated => Anomaly::Ipv4PktTooSmall,
        BadVersion => Anomaly::Ipv4WrongIpVersion,
        BadHeaderLength => Anomaly::Ipv4HlenTooSmall,
        BadLength => Anomaly::Ipv4IplenSmallerThanHlen,
        BeyondEnd | TooDeep | BadOption | Unsupported | Cut => Anomaly::Ipv4TruncPkt,
    }
}

const fn of_ipv6(malformed: Malformed) -> Anomaly {
    match malformed {
        Truncated => Anomaly::Ipv6PktTooSmall,
        BadVersion => Anomaly::Ipv6WrongIpVersion,
        BeyondEnd | BadLength | BadHeaderLength | TooDeep | BadOption | Unsupported | Cut => {
            Anomaly::Ipv6TruncPkt
        }
    }
}

/// `arp` is all of it.
const fn of_arp(malformed: Malformed, arp: &[u8]) -> Anomaly {
    /// Up to the first address.
    const FIXED_LEN: usize = 8;
    match malformed {
        Truncated if arp.len() < FIXED_LEN => Anomaly::ArpPktTooSmall,
        BadLength => match *arp {
            [_, _, _, _, 6, ..] => Anomaly::ArpInvalidProtocolSize,
            _ => Anomaly::ArpInvalidHardwareSize,
        },
        Truncated | BeyondEnd | BadVersion | BadHeaderLength | TooDeep | BadOption | Unsupported | Cut => {
            Anomaly::ArpInvalidPkt
        }
    }
}

/// `gre` is all from its header on: which of its flags is at fault, it tells
/// itself.
const fn of_gre(malformed: Malformed, gre: &[u8]) -> Anomaly {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    let &[f0, f1, p0, p1, ..] = gre else { return Anomaly::GrePktTooSmall };
    let (flags, protocol) = (u16::from_be_bytes([f0, f1]), u16::from_be_bytes([p0, p1]));
    match (flags & 7, malformed) {
        // Checksum and offset, key, sequence number, and then the routes.
        (0, _) if flags & ROUTING != 0 && gre.len() >= 16 => Anomaly::GreVersion0MalformedSreHdr,
        (0, _) => Anomaly::GreVersion0HdrTooBig,
        (1, BadVersion) if flags & CHECKSUM != 0 => Anomaly::GreVersion1Chksum,
        (1, BadVersion) if flags & ROUTING != 0 => Anomaly::GreVersion1Route,
        (1, BadVersion) if protocol != ethernet::PPP => Anomaly::GreVersion1WrongProtocol,
        (1, BadVersion) if flags & KEY == 0 => Anomaly::GreVersion1NoKey,
        (1, _) => Anomaly::GreVersion1HdrTooBig,
        _ => Anomaly::GreWrongVersion,
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::wire::craft::Craft;

    const V4: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [198, 51, 100, 2]);
    const V6: (u128, u128) = (0x2001_0db8 << 96 | 1, 0x2001_0db8 << 96 | 2);

    fn of(link: LinkType, bytes: &[u8]) -> Option<Anomaly> {
        let (packet, undecodable) = Packet::decode(link, bytes, 0);
        of_undecodable(link, undecodable?, &packet, bytes)
    }

    #[test]
    fn every_layer_and_reason_has_a_name_but_what_the_capture_cut() {
        for layer in Layer::ALL {
            for malformed in Malformed::ALL {
                let undecodable = Undecodable { layer, malformed };
                let named = of_undecodable(LinkType::Ethernet, undecodable, &Packet::default(), &[]);
                assert_eq!(named.is_some(), malformed != Cut, "{undecodable}");
            }
        }
    }

    #[test]
    fn headers_that_lie_are_named_as_suricata_does() {
        let udp = Craft::ethernet().ipv4(V4.0, V4.1).udp(1, 2).payload(b"payload").build();
        let tcp = Craft::ethernet().ipv6(V6.0, V6.1).tcp(1, 2, crate::wire::tcp::Flags::ACK, 1, 1).build();
        let with = |bytes: &[u8], changes: &[(usize, u8)]| {
            let mut bytes = bytes.to_vec();
            for &(at, value) in changes {
                bytes[at] = value;
            }
            of(LinkType::Ethernet, &bytes)
        };
        for (changes, anomaly) in [
            (&[(14, 0x65)][..], Anomaly::Ipv4WrongIpVersion),
            (&[(14, 0x44)], Anomaly::Ipv4HlenTooSmall),
            (&[(17, 19)], Anomaly::Ipv4IplenSmallerThanHlen),
            (&[(16, 9)], Anomaly::Ipv4TruncPkt),
            (&[(17, 27)], Anomaly::UdpHlenTooSmall),
            (&[(39, 7)], Anomaly::UdpLenInvalid),
            (&[(39, 16)], Anomaly::UdpPktTooSmall),
        ] {
            assert_eq!(with(&udp, changes), Some(anomaly), "{changes:?}");
        }
        for (changes, anomaly) in [
            (&[(14, 0x40)][..], Anomaly::Ipv6WrongIpVersion),
            (&[(18, 9)], Anomaly::Ipv6TruncPkt),
            (&[(19, 19)], Anomaly::TcpPktTooSmall),
            (&[(66, 0x40)], Anomaly::TcpInvalidOptlen),
            (&[(66, 0xf0)], Anomaly::TcpHlenTooSmall),
        ] {
            assert_eq!(with(&tcp, changes), Some(anomaly), "{changes:?}");
        }
        assert_eq!(of(LinkType::Ethernet, &udp[..10]), Some(Anomaly::EthernetPktTooSmall));
        assert_eq!(of(LinkType::Ethernet, &udp[..20]), Some(Anomaly::Ipv4PktTooSmall));
        assert_eq!(of(LinkType::Sll2, &udp[..10]), Some(Anomaly::Sll2PktTooSmall));
        assert_eq!(of(LinkType::Sll, &udp[..10]), Some(Anomaly::SllPktTooSmall));
        assert_eq!(of(LinkType::RawIp, &[0x50]), Some(Anomaly::IprawInvalidIpVersion));
    }

    #[test]
    fn arp_says_which_of_its_sizes_is_wrong() {
        assert_eq!(of_arp(Truncated, &[0; 7]), Anomaly::ArpPktTooSmall);
        assert_eq!(of_arp(Truncated, &[0; 8]), Anomaly::ArpInvalidPkt);
        assert_eq!(of_arp(BadLength, &[0, 1, 8, 0, 8, 4]), Anomaly::ArpInvalidHardwareSize);
        assert_eq!(of_arp(BadLength, &[0, 1, 8, 0, 6, 6]), Anomaly::ArpInvalidProtocolSize);
    }

    #[test]
    fn options_that_are_not_there_make_a_packet_truncated() {
        assert_eq!(of_ipv4(Truncated, &[0x46; 20]), Anomaly::Ipv4TruncPkt);
        assert_eq!(of_ipv4(Truncated, &[0x46; 19]), Anomaly::Ipv4PktTooSmall);
    }

    #[test]
    fn gre_says_which_of_its_flags_is_at_fault() {
        for (header, malformed, anomaly) in [
            (&[0x20, 0, 8][..], Truncated, Anomaly::GrePktTooSmall),
            (&[0x20, 0, 8, 0], Truncated, Anomaly::GreVersion0HdrTooBig),
            (
                &[0x40, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9],
                BeyondEnd,
                Anomaly::GreVersion0MalformedSreHdr,
            ),
            (&[0xa0, 1, 0x88, 0x0b], BadVersion, Anomaly::GreVersion1Chksum),
            (&[0x60, 1, 0x88, 0x0b], BadVersion, Anomaly::GreVersion1Route),
            (&[0x20, 1, 8, 0], BadVersion, Anomaly::GreVersion1WrongProtocol),
            (&[0x00, 1, 0x88, 0x0b], BadVersion, Anomaly::GreVersion1NoKey),
            (&[0x20, 1, 0x88, 0x0b], Truncated, Anomaly::GreVersion1HdrTooBig),
            (&[0x20, 2, 0x88, 0x0b], BadVersion, Anomaly::GreWrongVersion),
        ] {
            assert_eq!(of_gre(malformed, header), anomaly, "{header:x?}");
        }
    }

    #[test]
    fn ip_within_ppp_has_names_of_its_own() {
        let frame =
            |protocol: u8| [&[2; 12][..], &[0x88, 0x64, 0x11, 0, 0, 1, 0, 3, 0, protocol, 0x45]].concat();
        for (layer, protocol, anomaly) in
            [(Layer::Ipv4, 0x21, Anomaly::PppIp4PktTooSmall), (Layer::Ipv6, 0x57, Anomaly::PppIp6PktTooSmall)]
        {
            let undecodable = Undecodable { layer, malformed: Truncated };
            let named = of_undecodable(LinkType::Ethernet, undecodable, &Packet::default(), &frame(protocol));
            assert_eq!(named, Some(anomaly));
        }
    }
}
