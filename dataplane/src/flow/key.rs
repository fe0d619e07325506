//! What makes packets one flow: addresses, ports, protocol and VLAN ids.
//!
//! A [`Key`] is symmetric: of the two (address, port) pairs the smaller stands
//! first, so both directions build the same key and hash alike; [`Endpoint`]
//! says which of the two sent the packet. Priority and DEI bits are no part of
//! it, nor are tags with VLAN id 0, which carry a priority and no VLAN (IEEE
//! 802.1Q section 6.9): an answer may come back without them.
//!
//! The hash is keyed. Who does not know the seed cannot choose addresses and
//! ports that meet in one bucket of the index, or on one worker.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::wire::Packet;
use crate::wire::packet::{Icmp, Net, Transport, Vlans};

/// IP protocol number of ICMP.
pub(super) const ICMP: u8 = 1;
/// IP protocol number of TCP.
pub(super) const TCP: u8 = 6;
/// IP protocol number of UDP.
pub(super) const UDP: u8 = 17;
/// IP protocol number of `ICMPv6`.
pub(super) const ICMP6: u8 = 58;

/// The VLAN id within a TCI.
const VLAN_ID: u16 = 0x0fff;

/// One of the two ends of a flow, by their order in its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// The one with the smaller (address, port).
    First,
    /// The other.
    Second,
}

impl Endpoint {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// Which family the addresses of a key are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    V4,
    V6,
}

/// The identity of a flow, the same for both of its directions.
///
/// Kept as words, so that comparing and hashing need no look at the family:
/// an IPv4 address is the low half of the second word of its pair.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub(super) first: [u64; 2],
    pub(super) second: [u64; 2],
    /// First port, second port (16 bits each), protocol (8), outer and inner
    /// VLAN id (12 each), from the top.
    pub(super) rest: u64,
    pub(super) family: Family,
}

impl Key {
    /// The key of a packet and the end that sent it; `None` for what is not IP.
    ///
    /// Fragments and protocols without ports have ports 0. An ICMP error has a
    /// key of its own here; the key of the flow that it quotes is built with
    /// [`Key::new`] from the quoted header.
    #[inline]
    pub fn of(packet: &Packet) -> Option<(Self, Endpoint)> {
        let (src, dst, protocol, family) = match &packet.net {
            Net::V4(ip) => (v4_words(ip.src), v4_words(ip.dst), ip.protocol, Family::V4),
            Net::V6(ip) => (v6_words(ip.src), v6_words(ip.dst), ip.protocol, Family::V6),
            Net::None | Net::Arp(_) => return None,
        };
        let low = low_bits(protocol, packet.vlans);
        Some(match packet.transport {
            Transport::Tcp(tcp) => Self::ordered(src, dst, (tcp.src_port, tcp.dst_port), low, family),
            Transport::Udp(udp) => Self::ordered(src, dst, (udp.src_port, udp.dst_port), low, family),
            Transport::Icmp(icmp) => {
                let (mut key, sender) = Self::ordered(src, dst, (0, 0), low, family);
                key.rest |= ports_of_icmp(protocol, icmp);
                (key, sender)
            }
            Transport::None | Transport::Fragment | Transport::Other => {
                Self::ordered(src, dst, (0, 0), low, family)
            }
        })
    }

    /// The key of what goes from `src` to `dst`, and the end that `src` is.
    ///
    /// Both addresses are of one family; a mix makes a key that no packet has.
    pub fn new(src: (IpAddr, u16), dst: (IpAddr, u16), protocol: u8, vlans: Vlans) -> (Self, Endpoint) {
        let family = if src.0.is_ipv4() { Family::V4 } else { Family::V6 };
        let low = low_bits(protocol, vlans);
        Self::ordered(words(src.0), words(dst.0), (src.1, dst.1), low, family)
    }

    /// Puts the ends in order, without a branch: which of the two is smaller
    /// is as good as random from packet to packet.
    #[inline]
    fn ordered(
        src: [u64; 2],
        dst: [u64; 2],
        (src_port, dst_port): (u16, u16),
        low: u64,
        family: Family,
    ) -> (Self, Endpoint) {
        let ([src_high, src_low], [dst_high, dst_low]) = (src, dst);
        let src_bits = u128::from(src_high) << 64 | u128::from(src_low);
        let dst_bits = u128::from(dst_high) << 64 | u128::from(dst_low);
        #[expect(clippy::needless_bitwise_bool, reason = "a lazy operator is a branch")]
        let turned = (src_bits > dst_bits) | ((src_bits == dst_bits) & (src_port > dst_port));
        // All ones where the ends change places: a ^ (a ^ b) is b.
        let turn = u64::from(turned).wrapping_neg();
        let (high, low_half) = ((src_high ^ dst_high) & turn, (src_low ^ dst_low) & turn);
        let ports = (u32::from(src_port) << 16 | u32::from(dst_port)).rotate_left(16 * u32::from(turned));
        let key = Self {
            first: [src_high ^ high, src_low ^ low_half],
            second: [dst_high ^ high, dst_low ^ low_half],
            rest: u64::from(ports) << 32 | low,
            family,
        };
        (key, if turned { Endpoint::Second } else { Endpoint::First })
    }

    /// The IP protocol number.
    pub const fn protocol(&self) -> u8 {
        protocol_of(self.rest)
    }

    /// Address and port of one end. For ICMP the port means nothing outside
    /// of the key.
    pub fn endpoint(&self, end: Endpoint) -> (IpAddr, u16) {
        let (address, port) = match end {
            Endpoint::First => (self.first, self.rest >> 48),
            Endpoint::Second => (self.second, self.rest >> 32),
        };
        (address_of(address, self.family), low_u16(port))
    }

    /// The VLAN ids, outermost first.
    pub const fn vlans(&self) -> Vlans {
        let outer = low_u16(self.rest >> 12) & VLAN_ID;
        let inner = low_u16(self.rest) & VLAN_ID;
        let count = (outer != 0) as u8 + (inner != 0) as u8;
        Vlans { count, tci: [outer, inner] }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (first, second) = (self.endpoint(Endpoint::First), self.endpoint(Endpoint::Second));
        let [outer, inner] = self.vlans().tci;
        write!(f, "Key({first:?} <-> {second:?}, protocol {}, vlans {outer}/{inner})", self.protocol())
    }
}

/// The protocol within [`Key::rest`].
pub(super) const fn protocol_of(rest: u64) -> u8 {
    rest.to_be_bytes()[4]
}

/// The lowest 16 bits.
pub(super) const fn low_u16(word: u64) -> u16 {
    let [_, _, _, _, _, _, high, low] = word.to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[inline]
const fn v4_words(address: Ipv4Addr) -> [u64; 2] {
    [0, address.to_bits() as u64]
}

#[inline]
const fn v6_words(address: Ipv6Addr) -> [u64; 2] {
    [high_u64(address.to_bits()), low_u64(address.to_bits())]
}

const fn words(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(address) => v4_words(address),
        IpAddr::V6(address) => v6_words(address),
    }
}

pub(super) fn address_of([high, low]: [u64; 2], family: Family) -> IpAddr {
    match family {
        Family::V4 => {
            let [_, _, _, _, a, b, c, d] = low.to_be_bytes();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low))),
    }
}

/// Protocol and VLAN ids in their place in [`Key::rest`].
#[inline]
fn low_bits(protocol: u8, vlans: Vlans) -> u64 {
    let [outer, inner] = match (vlans.count, vlans.tci) {
        (0, _) => [0, 0],
        (1, [outer, _]) => [outer & VLAN_ID, 0],
        (_, [outer, inner]) if outer & VLAN_ID == 0 => [inner & VLAN_ID, 0],
        (_, [outer, inner]) => [outer & VLAN_ID, inner & VLAN_ID],
    };
    u64::from(protocol) << 24 | u64::from(outer) << 12 | u64::from(inner)
}

/// ICMP has no ports. What a query and its answer share, an identifier or a
/// pair of types, stands in the place of the ports and does not turn with the
/// direction; the lower port tells the two apart.
fn ports_of_icmp(protocol: u8, icmp: Icmp) -> u64 {
    let (shared, kind) = match (protocol, icmp.kind) {
        (ICMP, 0 | 8) | (ICMP6, 128 | 129) => (icmp.id, 0),
        _ => (u16::from_be_bytes([query_of(protocol, icmp.kind), icmp.code]), 1),
    };
    u64::from(shared) << 48 | kind << 32
}

/// The type of the query that an ICMP answer answers; any other type as it is.
const fn query_of(protocol: u8, kind: u8) -> u8 {
    match (protocol, kind) {
        (ICMP, 14 | 16 | 18) | (ICMP6, 140) => kind - 1, // timestamp, information, mask; node information
        _ => kind,
    }
}

/// What makes hashes differ from process to process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed([u64; 2]);

impl Seed {
    /// 128 bits from the operating system.
    pub fn random() -> Self {
        // Each `RandomState` is SipHash under keys of the system's making:
        // what it makes of two known words is as good as random.
        let state = RandomState::new();
        Self([state.hash_one(0_u64), state.hash_one(1_u64)])
    }

    /// A given seed, for replay that can be repeated.
    pub const fn from_number(number: u64) -> Self {
        Self([number, !number])
    }
}

/// The keyed hash of keys; the same in all workers of a process.
///
/// Words are folded by 64 x 64 -> 128 bit multiplication, as wyhash does, each
/// under its own secret.
#[derive(Clone, Copy)]
pub struct FlowHasher {
    secrets: [u64; 8],
}

impl FlowHasher {
    /// The hash under this seed.
    pub fn new(Seed([mut a, b]): Seed) -> Self {
        // SplitMix64 (Steele, Lea, Flood 2014) spreads the seed over the
        // secrets; an even secret would weaken the product.
        let mut secrets = [0; 8];
        for secret in &mut secrets {
            a = a.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = a ^ b;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *secret = (word ^ (word >> 31)) | 1;
        }
        Self { secrets }
    }

    /// The hash of a key: 64 bits, each half good on its own.
    #[inline]
    pub fn hash(&self, key: &Key) -> u64 {
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.secrets;
        let first = fold(key.first[0] ^ s0, key.first[1] ^ s1);
        let second = fold(key.second[0] ^ s2, key.second[1] ^ s3);
        let family = match key.family {
            Family::V4 => s4,
            Family::V6 => !s4,
        };
        let both = fold(first ^ key.rest ^ family, second ^ s5);
        fold(both ^ s6, s7)
    }
}

impl std::fmt::Debug for FlowHasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FlowHasher(secret)")
    }
}

/// The worker that owns the flow with this hash, from 0; `workers` is not 0.
///
/// It is chosen by the low half of the hash, the place in the worker's index
/// by the high half: otherwise a worker would use only its share of its index.
#[inline]
pub const fn owner(hash: u64, workers: u32) -> u32 {
    let low = hash & 0xffff_ffff;
    low_u32((low * workers as u64) >> 32)
}

/// The two halves of the product, folded.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    high_u64(product) ^ low_u64(product)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
#[inline]
const fn low_u64(bits: u128) -> u64 {
    bits as u64
}

#[inline]
const fn high_u64(bits: u128) -> u64 {
    low_u64(bits >> 64)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
#[inline]
pub(super) const fn low_u32(bits: u64) -> u32 {
    bits as u32
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test that goes out of bounds is to fail")]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::wire::packet::{Ipv4, Ipv6, Tcp, Udp};
    use crate::wire::tcp::Flags;

    fn v4(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8) -> Net {
        Net::V4(Ipv4 {
            src,
            dst,
            protocol,
            ttl: 64,
            tos: 0,
            id: 0,
            total_len: 40,
            header_len: 20,
            flags: 0,
            fragment_offset: 0,
        })
    }

    fn v6(src: Ipv6Addr, dst: Ipv6Addr, protocol: u8) -> Net {
        Net::V6(Ipv6 {
            src,
            dst,
            protocol,
            hop_limit: 64,
            traffic_class: 0,
            flow_label: 0,
            payload_len: 20,
            fragment: None,
        })
    }

    fn net(src: IpAddr, dst: IpAddr, protocol: u8) -> Net {
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => v4(src, dst, protocol),
            (IpAddr::V6(src), IpAddr::V6(dst)) => v6(src, dst, protocol),
            _ => Net::None,
        }
    }

    fn udp(src: (IpAddr, u16), dst: (IpAddr, u16), vlans: Vlans) -> Packet {
        Packet {
            vlans,
            net: net(src.0, dst.0, UDP),
            transport: Transport::Udp(Udp { src_port: src.1, dst_port: dst.1, len: 8 }),
            ..Packet::default()
        }
    }

    fn icmp(src: Ipv4Addr, dst: Ipv4Addr, kind: u8, code: u8, id: u16) -> Option<(Key, Endpoint)> {
        Key::of(&Packet {
            net: v4(src, dst, ICMP),
            transport: Transport::Icmp(Icmp { kind, code, id, seq: 1 }),
            ..Packet::default()
        })
    }

    const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);

    fn addresses() -> impl Strategy<Value = (IpAddr, IpAddr)> {
        prop_oneof![
            any::<(u32, u32)>()
                .prop_map(|(a, b)| (IpAddr::V4(Ipv4Addr::from_bits(a)), IpAddr::V4(Ipv4Addr::from_bits(b)))),
            any::<(u128, u128)>()
                .prop_map(|(a, b)| (IpAddr::V6(Ipv6Addr::from_bits(a)), IpAddr::V6(Ipv6Addr::from_bits(b)))),
        ]
    }

    proptest! {
        #[test]
        fn both_directions_are_one_flow((a, b) in addresses(), p: u16, q: u16, tci: [u16; 2], count in 0..3_u8) {
            let vlans = Vlans { count, tci };
            let there = Key::of(&udp((a, p), (b, q), vlans));
            let back = Key::of(&udp((b, q), (a, p), vlans));
            let (Some((there, from_a)), Some((back, from_b))) = (there, back) else {
                return Err(TestCaseError::fail("an IP packet has a key"));
            };
            prop_assert_eq!(there, back);
            let hasher = FlowHasher::new(Seed::from_number(7));
            prop_assert_eq!(hasher.hash(&there), hasher.hash(&back));
            if (a, p) != (b, q) {
                prop_assert_eq!(from_a, from_b.other());
            }
            prop_assert_eq!(there.endpoint(from_a), (a, p));
            prop_assert_eq!(there.endpoint(from_a.other()), (b, q));
            prop_assert_eq!(there.protocol(), UDP);
        }
    }

    #[test]
    fn vlans_separate_flows_and_priorities_do_not() {
        let packet = |count, tci| {
            let vlans = Vlans { count, tci };
            Key::of(&udp((IpAddr::V4(A), 1), (IpAddr::V4(B), 2), vlans)).map(|(key, _)| key)
        };
        let keys = [
            packet(0, [0, 0]),
            packet(1, [10, 0]),
            packet(1, [11, 0]),
            packet(2, [10, 11]),
            packet(2, [11, 10]),
            packet(2, [10, 10]),
        ];
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        assert_eq!(packet(1, [10, 0]), packet(1, [0xf00a, 99]));
        assert_eq!(packet(0, [0, 0]), packet(1, [0xe000, 0]));
        assert_eq!(packet(1, [10, 0]), packet(2, [0xe000, 10]));
        assert_eq!(packet(2, [10, 11]).map(|key| key.vlans()), Some(Vlans { count: 2, tci: [10, 11] }));
        assert_eq!(packet(1, [10, 0]).map(|key| key.vlans()), Some(Vlans { count: 1, tci: [10, 0] }));
    }

    #[test]
    fn protocols_and_families_separate_flows() {
        let mapped = |bits| IpAddr::V6(Ipv6Addr::from_bits(u128::from(bits)));
        let keys: HashSet<Key> = [
            Key::new((IpAddr::V4(A), 1), (IpAddr::V4(B), 2), UDP, Vlans::default()),
            Key::new((IpAddr::V4(A), 1), (IpAddr::V4(B), 2), TCP, Vlans::default()),
            Key::new((mapped(A.to_bits()), 1), (mapped(B.to_bits()), 2), UDP, Vlans::default()),
        ]
        .map(|(key, _)| key)
        .into();
        assert_eq!(keys.len(), 3);
        let hasher = FlowHasher::new(Seed::from_number(1));
        assert_eq!(keys.iter().map(|key| hasher.hash(key)).collect::<HashSet<_>>().len(), 3);
    }

    #[test]
    fn echo_request_and_reply_are_one_flow_by_identifier() {
        let key = |kind, src, dst, id| icmp(src, dst, kind, 0, id).map(|(key, _)| key);
        assert_eq!(key(8, A, B, 0x300), key(0, B, A, 0x300));
        assert_ne!(key(8, A, B, 0x300), key(8, A, B, 0x301));
        // An identifier that looks like "destination unreachable, code 0".
        assert_ne!(key(8, A, B, 0x300), key(3, A, B, 0));
    }

    #[test]
    fn other_icmp_is_one_flow_by_type_and_code() {
        let key = |kind, code, src, dst| icmp(src, dst, kind, code, 0).map(|(key, _)| key);
        assert_ne!(key(3, 1, A, B), key(3, 3, A, B));
        assert_ne!(key(3, 1, A, B), key(11, 1, A, B));
        assert_eq!(key(13, 0, A, B), key(14, 0, B, A));
    }

    #[test]
    fn what_is_not_ip_has_no_key_and_a_fragment_has_no_ports() {
        assert!(Key::of(&Packet::default()).is_none());
        let fragment = Packet { net: v4(A, B, TCP), transport: Transport::Fragment, ..Packet::default() };
        let ports = Key::of(&fragment).map(|(key, sender)| (key.endpoint(sender).1, key.protocol()));
        assert_eq!(ports, Some((0, TCP)));
    }

    #[test]
    fn the_seed_decides_the_hash() {
        let tcp = Packet {
            net: v4(A, B, TCP),
            transport: Transport::Tcp(Tcp {
                src_port: 40_000,
                dst_port: 443,
                seq: 0,
                ack: 0,
                flags: Flags::SYN,
                window: 0,
                urgent: 0,
                header_len: 20,
            }),
            ..Packet::default()
        };
        let hash = |seed| Key::of(&tcp).map(|(key, _)| FlowHasher::new(seed).hash(&key));
        assert_eq!(hash(Seed::from_number(5)), hash(Seed::from_number(5)));
        assert_ne!(hash(Seed::from_number(5)), hash(Seed::from_number(6)));
        assert_ne!(hash(Seed::random()), hash(Seed::random()));
    }

    /// Neighbouring addresses and ports, as floods and scans have them, must
    /// fall evenly on workers and on places in the index. The bound is six
    /// standard deviations of a fair throw.
    #[test]
    fn neighbours_spread_evenly() {
        const KEYS: u32 = 1 << 16;
        const BINS: u32 = 64;
        let hasher = FlowHasher::new(Seed::from_number(42));
        let (mut by_owner, mut by_place) = ([0_i32; BINS as usize], [0_i32; BINS as usize]);
        for n in 0..KEYS {
            let [_, _, high, low] = n.to_be_bytes();
            let src = IpAddr::V4(Ipv4Addr::new(10, 0, 0, high));
            let (key, _) = Key::new((src, u16::from(low)), (IpAddr::V4(B), 80), TCP, Vlans::default());
            let hash = hasher.hash(&key);
            by_owner[owner(hash, BINS) as usize] += 1;
            by_place[owner(hash >> 32, BINS) as usize] += 1;
        }
        let fair = i32::try_from(KEYS / BINS).unwrap_or(0);
        for count in by_owner.iter().chain(&by_place) {
            assert!((count - fair).abs() < 6 * 32, "{count} of {fair}");
        }
    }
}
