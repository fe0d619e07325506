//! Headers of tunnels: GRE's flags, and what VXLAN and GENEVE say they carry.

use super::{Found, link};
use crate::anomaly::Anomaly;
use crate::wire::ethernet::{self, Ethernet};
use crate::wire::tunnel::geneve::Geneve;
use crate::wire::tunnel::vxlan::Vxlan;
use crate::wire::tunnel::{GENEVE_PORT, VXLAN_PORT};

/// Whether a datagram to this port is looked into.
pub(super) const fn may_be_odd(port: u16) -> bool {
    matches!(port, VXLAN_PORT | GENEVE_PORT)
}

/// In a datagram that is no tunnel, though it goes to the port of one.
pub(super) fn find_over_udp(port: u16, payload: &[u8], found: Found<'_>) {
    match port {
        VXLAN_PORT => {
            if let Ok((_, frame)) = Vxlan::decode(payload)
                && let Ok((inner, _)) = Ethernet::decode(frame)
                && !link::is_known(inner.ethertype)
            {
                found(Anomaly::VxlanUnknownPayloadType);
            }
        }
        GENEVE_PORT => {
            if let Ok((header, _)) = Geneve::decode(payload)
                && header.protocol != ethernet::BRIDGED
                && !link::is_known(header.protocol)
            {
                found(Anomaly::GeneveUnknownPayloadType);
            }
        }
        _ => {}
    }
}

/// In the flags of GRE that mean nothing any more (RFC 2784 section 2.2), or
/// never did in version 1 (RFC 2637 section 4.1).
pub(super) fn find_gre(header: &[u8], found: Found<'_>) {
    /// Strict source route.
    const STRICT: u16 = 0x0800;
    /// How often it may be put into itself.
    const RECURSION: u16 = 0x0700;
    let &[f0, f1, ..] = header else { return };
    let flags = u16::from_be_bytes([f0, f1]);
    let (odd, recursion, rest) = match f1 & 7 {
        0 => (0x00f8, Anomaly::GreVersion0Recur, Anomaly::GreVersion0Flags),
        // 0x0080 says that a number is acknowledged.
        _ => (0x0078, Anomaly::GreVersion1Recur, Anomaly::GreVersion1Flags),
    };
    if flags & RECURSION != 0 {
        found(recursion);
    }
    if flags & odd != 0 {
        found(rest);
    }
    if f1 & 7 == 1 && flags & STRICT != 0 {
        found(Anomaly::GreVersion1Ssr);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;

    #[test]
    fn flags_of_gre_that_mean_nothing() {
        let of = |flags: u16| all(|found| find_gre(&flags.to_be_bytes(), found));
        for flags in [0x0000, 0xb000, 0x4800, 0x2001, 0x3081] {
            assert_eq!(of(flags), [], "{flags:x}");
        }
        assert_eq!(of(0x0100), [Anomaly::GreVersion0Recur]);
        assert_eq!(of(0x0080), [Anomaly::GreVersion0Flags]);
        assert_eq!(of(0x2101), [Anomaly::GreVersion1Recur]);
        assert_eq!(of(0x2041), [Anomaly::GreVersion1Flags]);
        assert_eq!(of(0x2801), [Anomaly::GreVersion1Ssr]);
        assert_eq!(all(|found| find_gre(&[1], found)), []);
    }

    #[test]
    fn tunnels_that_carry_what_nobody_knows() {
        let vxlan = |ethertype: [u8; 2]| {
            let bytes = [&[8, 0, 0, 0, 0, 0, 77, 0][..], &[2; 12], &ethertype].concat();
            all(|found| find_over_udp(VXLAN_PORT, &bytes, found))
        };
        assert_eq!((vxlan([8, 0]), vxlan([0xfb, 0xb7])), (vec![], vec![Anomaly::VxlanUnknownPayloadType]));
        let geneve = |ethertype: [u8; 2]| {
            let bytes = [&[0, 0][..], &ethertype, &[0, 0, 77, 0]].concat();
            all(|found| find_over_udp(GENEVE_PORT, &bytes, found))
        };
        assert_eq!((geneve([0x65, 0x58]), geneve([8, 0])), (vec![], vec![]));
        assert_eq!(geneve([0xfb, 0xb7]), [Anomaly::GeneveUnknownPayloadType]);
        assert_eq!(all(|found| find_over_udp(53, &[0; 8], found)), []);
    }
}
