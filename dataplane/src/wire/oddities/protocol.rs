//! What IP carries that is not decoded further.

use super::{Found, carriers, igmp};
use crate::anomaly::Anomaly;
use crate::wire::{ipv4, ipv6, sctp};

const IGMP: u8 = 2;
const IP_IN_IP: u8 = 4;
const IPV6: u8 = 41;
pub(super) const GRE: u8 = 47;
const ESP: u8 = 50;
const AUTHENTICATION: u8 = 51;
const ETHER_IP: u8 = 97;
const MPLS: u8 = 137;
const HIP: u8 = 139;
const SHIM6: u8 = 140;
const ETHERNET: u8 = 143;

/// What follows IPv4; `payload` is all of it.
pub(super) fn find_v4(protocol: u8, payload: &[u8], is_cut: bool, found: Found<'_>) {
    match protocol {
        ipv6::ICMP => found(Anomaly::Ipv4Icmpv6),
        IGMP => igmp::find(payload, is_cut, found),
        GRE => carriers::find_gre(payload, found),
        // 0 is how PPP's header compression leaves it.
        0 => {}
        _ if is_decoded(protocol) => {}
        _ => found(Anomaly::Ipv4UnknownProtocol),
    }
}

/// What follows IPv6 and its extension headers.
pub(super) fn find_v6(protocol: u8, found: Found<'_>) {
    match protocol {
        ipv4::ICMP => found(Anomaly::Ipv6Icmpv4),
        HIP | SHIM6 => {}
        _ if is_decoded(protocol) => {}
        _ => found(Anomaly::Ipv6UnknownNextHeader),
    }
}

/// Protocols that the decoders know, and let go by where what they carry is of
/// no kind that is looked into.
const fn is_decoded(protocol: u8) -> bool {
    matches!(
        protocol,
        IP_IN_IP | IPV6 | GRE | ESP | AUTHENTICATION | ETHER_IP | MPLS | ETHERNET | sctp::PROTOCOL
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;

    #[test]
    fn each_icmp_has_its_own_ip() {
        assert_eq!(all(|found| find_v4(58, &[128, 0], false, found)), [Anomaly::Ipv4Icmpv6]);
        assert_eq!(all(|found| find_v6(1, found)), [Anomaly::Ipv6Icmpv4]);
    }

    #[test]
    fn protocols_that_are_not_known_are_told() {
        for protocol in [3, 88, 89, 103, 112, 253, 255] {
            assert_eq!(all(|found| find_v4(protocol, &[], false, found)), [Anomaly::Ipv4UnknownProtocol]);
            assert_eq!(all(|found| find_v6(protocol, found)), [Anomaly::Ipv6UnknownNextHeader]);
        }
        for protocol in [4, 41, 47, 50, 51, 97, 132, 137, 143] {
            assert_eq!(all(|found| find_v4(protocol, &[], false, found)), [], "{protocol}");
            assert_eq!(all(|found| find_v6(protocol, found)), [], "{protocol}");
        }
        assert_eq!(all(|found| find_v4(0, &[], false, found)), []);
        assert_eq!(all(|found| find_v6(139, found)), []);
    }

    #[test]
    fn igmp_is_looked_into() {
        assert_eq!(all(|found| find_v4(2, &[0x16], false, found)), [Anomaly::IgmpPktTooSmall]);
    }
}
