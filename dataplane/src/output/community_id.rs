//! Community ID, version 1: one text for a flow, the same in every tool
//! (<https://github.com/corelight/community-id-spec>).
//!
//! SHA-1 over seed, addresses, protocol and ports, the lesser end first, so
//! that both directions give the same. ICMP has no ports: its type stands for
//! one, and for the other the type that answers it, or the code where none
//! does; what has no answer is not turned round either.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Error, Serialize, Serializer};
use sha1::{Digest, Sha1};

use super::protocol::{ICMP, ICMPV6, SCTP, TCP, UDP};

/// Seed 0, as everyone has it: two sites that differ could not compare.
const SEED: [u8; 2] = [0, 0];
/// `1:` and the base64 of 20 bytes.
const LEN: usize = 2 + 28;

/// A Community ID, as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct CommunityId([u8; LEN]);

/// What a Community ID is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: u8,
    /// Ports; of ICMP type and code; `None` where they are not known.
    pub(super) ports: Option<(u16, u16)>,
}

impl Ends {
    /// The same, seen from the other end.
    pub(super) fn reversed(self) -> Self {
        let ports = self.ports.map(|(src, dst)| (dst, src));
        Self { src: self.dst, dst: self.src, ports, ..self }
    }
}

impl CommunityId {
    /// The ID of a flow; none where the ports that it needs are not known, as
    /// in a fragment.
    pub(super) fn of(ends: Ends) -> Option<Self> {
        let has_ports = matches!(ends.protocol, TCP | UDP | SCTP | ICMP | ICMPV6);
        let (src_port, dst_port, turns) = match (ends.protocol, ends.ports) {
            (protocol @ (ICMP | ICMPV6), Some((kind, code))) => match answer(protocol, kind) {
                Some(answer) => (kind, answer, true),
                None => (kind, code, false),
            },
            (_, Some((src_port, dst_port))) if has_ports => (src_port, dst_port, true),
            (_, None) if has_ports => return None,
            _ => (0, 0, true),
        };
        let (from, to) = ((ends.src, src_port), (ends.dst, dst_port));
        let (from, to) = if turns && to < from { (to, from) } else { (from, to) };
        let mut hash = Sha1::new();
        hash.update(SEED);
        for (address, _) in [from, to] {
            match address {
                IpAddr::V4(address) => hash.update(address.octets()),
                IpAddr::V6(address) => hash.update(address.octets()),
            }
        }
        hash.update([ends.protocol, 0]);
        if has_ports {
            hash.update(from.1.to_be_bytes());
            hash.update(to.1.to_be_bytes());
        }
        let mut text = [0; LEN];
        let (version, digest) = text.split_at_mut(2);
        version.copy_from_slice(b"1:");
        STANDARD.encode_slice(hash.finalize(), digest).ok()?;
        Some(Self(text))
    }
}

impl Serialize for CommunityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.0).map_err(S::Error::custom)?)
    }
}

/// The type of ICMP message that answers this one (RFC 792, 950, 1256; over
/// IPv6 RFC 4443, 4861, 2710, 4620, 6275).
pub(super) const fn answer(protocol: u8, kind: u16) -> Option<u16> {
    Some(match (protocol, kind) {
        (ICMP, 0) => 8,
        (ICMP, 8) => 0,
        (ICMP, 9) => 10,
        (ICMP, 10) => 9,
        (ICMP, 13) => 14,
        (ICMP, 14) => 13,
        (ICMP, 15) => 16,
        (ICMP, 16) => 15,
        (ICMP, 17) => 18,
        (ICMP, 18) => 17,
        (ICMPV6, 128) => 129,
        (ICMPV6, 129) => 128,
        (ICMPV6, 130) => 131,
        (ICMPV6, 131) => 130,
        (ICMPV6, 133) => 134,
        (ICMPV6, 134) => 133,
        (ICMPV6, 135) => 136,
        (ICMPV6, 136) => 135,
        (ICMPV6, 139) => 140,
        (ICMPV6, 140) => 139,
        (ICMPV6, 144) => 145,
        (ICMPV6, 145) => 144,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn id(protocol: u8, src: &str, dst: &str, ports: Option<(u16, u16)>) -> String {
        let ends = Ends { src: src.parse().unwrap(), dst: dst.parse().unwrap(), protocol, ports };
        CommunityId::of(ends).unwrap().0.iter().map(|&byte| char::from(byte)).collect()
    }

    /// From `baseline/baseline_deflt.json` of the specification.
    #[test]
    fn agrees_with_the_specification() {
        let (a, b) = ("128.232.110.120", "66.35.250.204");
        assert_eq!(id(6, a, b, Some((34855, 80))), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(id(6, b, a, Some((80, 34855))), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        let (a, b) = ("192.168.1.52", "8.8.8.8");
        assert_eq!(id(17, a, b, Some((54585, 53))), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
        assert_eq!(id(17, b, a, Some((53, 54585))), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
        let (a, b) = ("2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a");
        assert_eq!(id(6, a, b, Some((63943, 25))), "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
        let (a, b) = ("192.168.170.56", "192.168.170.8");
        assert_eq!(id(132, a, b, Some((7, 7))), "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=");
    }

    #[test]
    fn agrees_with_the_specification_on_icmp() {
        let (a, b) = ("192.168.0.89", "192.168.0.1");
        assert_eq!(id(1, a, b, Some((8, 0))), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        assert_eq!(id(1, b, a, Some((0, 0))), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        assert_eq!(id(1, "10.0.0.1", "10.0.0.2", Some((11, 0))), "1:YHxtAirCG//0OzkcVAukqKQN9xM=");
        // Not in the baseline: what has no answer keeps its order, whoever is less.
        assert_eq!(id(1, "10.0.0.2", "10.0.0.1", Some((11, 0))), "1:c5iqfdGYsNWhMJVcYXWPNWbpnKs=");
        let (a, b) = ("fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea");
        assert_eq!(id(58, a, b, Some((135, 0))), "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
        assert_eq!(id(58, b, a, Some((136, 0))), "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
        let (a, b) = ("3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da");
        assert_eq!(id(58, a, b, Some((1, 4))), "1:hLZd0XGWojozrvxqE0dWB1iM6R0=");
        assert_eq!(
            id(58, "fe80::260:97ff:fe07:69ea", "ff02::1", Some((134, 0))),
            "1:pkvHqCL88/tg1k4cPigmZXUtL00="
        );
    }

    #[test]
    fn agrees_with_the_specification_on_what_has_no_ports() {
        assert_eq!(id(46, "10.1.12.1", "10.1.12.2", None), "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=");
        assert_eq!(id(46, "10.1.12.2", "10.1.12.1", Some((1, 2))), "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=");
    }

    #[test]
    fn a_fragment_has_none() {
        let ends = Ends { src: [10, 0, 0, 1].into(), dst: [10, 0, 0, 2].into(), protocol: 17, ports: None };
        assert!(CommunityId::of(ends).is_none());
    }

    #[test]
    fn an_answer_is_answered_by_its_question() {
        for (protocol, kind) in (0..256).flat_map(|kind| [(ICMP, kind), (ICMPV6, kind)]) {
            if let Some(other) = answer(protocol, kind) {
                assert_eq!(answer(protocol, other), Some(kind));
            }
        }
    }
}
