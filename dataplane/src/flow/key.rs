//! What makes packets one flow: addresses, ports, protocol, VLAN ids, and the
//! network of the tunnel that they travel in.
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
use crate::wire::packet::{Icmp, Net, Transport, Tunnels, Vlans};

/// IP protocol number of ICMP.
pub(super) const ICMP: u8 = 1;
/// IP protocol number of TCP.
pub(super) const TCP: u8 = 6;
/// IP protocol number of UDP.
pub(super) const UDP: u8 = 17;
/// IP protocol number of `ICMPv6`.
pub(super) const ICMP6: u8 = 58;
/// IP protocol number of ESP.
pub(super) const ESP: u8 = 50;
/// IP protocol number of SCTP.
pub(super) const SCTP: u8 = 132;

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

/// The identity of a flow, the same for both of its directions.
///
/// Kept as words, so that comparing and hashing need no look at the family:
/// an IPv4 address is the low half of the second word of its pair.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub(super) first: [u64; 2],
    pub(super) second: [u64; 2],
    /// First port, second port (16 bits each; of ESP the SPI), protocol (8),
    /// outer and second VLAN id (12 each), from the top.
    pub(super) rest: u64,
    /// Number of the tunnel's network (24 bits), how many tunnels there are (3),
    /// third VLAN id (12), whether the addresses are IPv6 (1), from the top; the
    /// lower [`MARKS_FREE`] bits are 0.
    pub(super) marks: u64,
}

/// How many of the lowest bits of [`Key::marks`] are no part of a key.
pub(super) const MARKS_FREE: u32 = 24;
/// In `marks`: the addresses are IPv6.
const V6: u64 = 1 << MARKS_FREE;

impl Key {
    /// The key of a packet and the end that sent it; `None` for what is not IP.
    ///
    /// `None` also for a fragment: it is of the flow of its datagram, which is
    /// known when that has been put together. Protocols without ports have
    /// ports 0. An ICMP error has a key of its own here; that of the flow that
    /// it quotes is [`Key::quoted`].
    #[inline]
    pub fn of(packet: &Packet) -> Option<(Self, Endpoint)> {
        let (src, dst, protocol, family) = match &packet.net {
            Net::V4(ip) => (v4_words(ip.src), v4_words(ip.dst), ip.protocol, 0),
            Net::V6(ip) => (v6_words(ip.src), v6_words(ip.dst), ip.protocol, V6),
            Net::None | Net::Arp(_) => return None,
        };
        let words = Words::of(protocol, family, packet.vlans, packet.tunnels);
        Some(match packet.transport {
            Transport::Tcp(tcp) => Self::ordered(src, dst, (tcp.src_port, tcp.dst_port), words),
            Transport::Udp(udp) => Self::ordered(src, dst, (udp.src_port, udp.dst_port), words),
            Transport::Icmp(icmp) => Self::of_icmp(src, dst, protocol, icmp, words),
            Transport::Sctp(sctp) => Self::ordered(src, dst, (sctp.src_port, sctp.dst_port), words),
            Transport::Esp(esp) => Self::unturned(src, dst, u64::from(esp.spi) << 32, words),
            Transport::None | Transport::Other => Self::ordered(src, dst, (0, 0), words),
            Transport::Fragment => return None,
        })
    }

    /// The key of the flow that an ICMP or ICMPv6 error in `packet` quotes, and
    /// which end of it would have sent what goes the error's way: not the one
    /// that sent the packet quoted, but the other.
    ///
    /// `None` for what is no error, and where the quote is cut before it says
    /// whose it is. The flow is looked for where the error travels: under its
    /// VLAN ids and in its tunnels.
    pub fn quoted(packet: &Packet, bytes: &[u8]) -> Option<(Self, Endpoint)> {
        super::quoted::key(packet, bytes)
    }

    /// The key of what goes plainly from `src` to `dst`, and the end that `src`
    /// is.
    ///
    /// Both addresses are of one family; a mix makes a key that no packet has.
    pub fn new(src: (IpAddr, u16), dst: (IpAddr, u16), protocol: u8, vlans: Vlans) -> (Self, Endpoint) {
        Self::with(src.0, dst.0, protocol, Shared::Ports(src.1, dst.1), vlans, Tunnels::NONE)
    }

    /// The key of what goes from `src` to `dst` under these tags and in these
    /// tunnels, and the end that `src` is.
    pub(super) fn with(
        src: IpAddr,
        dst: IpAddr,
        protocol: u8,
        shared: Shared,
        vlans: Vlans,
        tunnels: Tunnels,
    ) -> (Self, Endpoint) {
        let family = if src.is_ipv4() { 0 } else { V6 };
        let words = Words::of(protocol, family, vlans, tunnels);
        let (src, dst) = (words_of(src), words_of(dst));
        match shared {
            Shared::Ports(from, to) => Self::ordered(src, dst, (from, to), words),
            Shared::Icmp(icmp) => Self::of_icmp(src, dst, protocol, icmp, words),
            Shared::Spi(spi) => Self::unturned(src, dst, u64::from(spi) << 32, words),
        }
    }

    /// The key of the datagram that a fragment is of: its source first, and its
    /// identification in the place of the ports. It is no flow's: it has a
    /// direction.
    pub(super) fn of_datagram(packet: &Packet) -> Option<Self> {
        let (src, dst, id, protocol, family) = match &packet.net {
            Net::V4(ip) => (v4_words(ip.src), v4_words(ip.dst), u32::from(ip.id), ip.protocol, 0),
            // Of IPv6 the first fragment's next header counts alone (RFC 8200 section 4.5).
            Net::V6(ip) => (v6_words(ip.src), v6_words(ip.dst), ip.fragment?.id, 0, V6),
            Net::None | Net::Arp(_) => return None,
        };
        let Words { low, marks } = Words::of(protocol, family, packet.vlans, packet.tunnels);
        Some(Self { first: src, second: dst, rest: u64::from(id) << 32 | low, marks })
    }

    /// Whether the addresses are IPv4.
    pub(super) const fn is_ipv4(&self) -> bool {
        self.marks & V6 == 0
    }

    /// With what stands in the place of the ports and is the same both ways.
    #[inline]
    fn unturned(src: [u64; 2], dst: [u64; 2], shared: u64, words: Words) -> (Self, Endpoint) {
        let (mut key, sender) = Self::ordered(src, dst, (0, 0), words);
        key.rest |= shared;
        (key, sender)
    }

    /// ICMP has no ports. What a query and its answer share, an identifier or a
    /// pair of types, stands in their place and does not turn with the direction;
    /// with it stands which of these it is, and which end asks: that each of two
    /// hosts pings the other makes two flows, even under one identifier. What
    /// nothing answers has its sender there, and goes one way.
    fn of_icmp(src: [u64; 2], dst: [u64; 2], protocol: u8, icmp: Icmp, words: Words) -> (Self, Endpoint) {
        let (shared, by_type) = match (protocol, icmp.kind) {
            (ICMP, 0 | 8) | (ICMP6, 128 | 129) => (icmp.id, 0),
            _ => (u16::from_be_bytes([query_of(protocol, icmp.kind), icmp.code]), 1),
        };
        let (mut key, sender) = Self::ordered(src, dst, (0, 0), words);
        let asks = if is_answer(protocol, icmp.kind) { sender.other() } else { sender };
        // Who asks itself is both ends.
        let asks_second = u64::from(asks == Endpoint::Second && src != dst);
        key.rest |= u64::from(shared) << 48 | asks_second << 33 | by_type << 32;
        (key, sender)
    }

    /// Puts the ends in order, without a branch: which of the two is smaller
    /// is as good as random from packet to packet.
    #[inline]
    fn ordered(
        src: [u64; 2],
        dst: [u64; 2],
        (src_port, dst_port): (u16, u16),
        Words { low, marks }: Words,
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
            marks,
        };
        (key, if turned { Endpoint::Second } else { Endpoint::First })
    }

    /// The IP protocol number.
    pub const fn protocol(&self) -> u8 {
        protocol_of(self.rest)
    }

    /// Address and port of one end. For ICMP and ESP the port means nothing
    /// outside of the key.
    pub fn endpoint(&self, end: Endpoint) -> (IpAddr, u16) {
        let (address, port) = match end {
            Endpoint::First => (self.first, self.rest >> 48),
            Endpoint::Second => (self.second, self.rest >> 32),
        };
        (address_of(address, self.marks), low_u16(port))
    }

    /// The VLAN ids, outermost first.
    pub const fn vlans(&self) -> Vlans {
        let outer = low_u16(self.rest >> 12) & VLAN_ID;
        let second = low_u16(self.rest) & VLAN_ID;
        let third = low_u16(self.marks >> (MARKS_FREE + 1)) & VLAN_ID;
        let count = (outer != 0) as u8 + (second != 0) as u8 + (third != 0) as u8;
        Vlans { count, tci: [outer, second, third] }
    }

    /// What the flow travels in; `None` where it travels plainly.
    pub const fn within(&self) -> Option<Within> {
        let [n0, n1, n2, depth, ..] = self.marks.to_be_bytes();
        let within = Within { network: u32::from_be_bytes([0, n0, n1, n2]), depth: depth >> 5 };
        if within.depth == 0 { None } else { Some(within) }
    }

    /// The security parameters index of ESP.
    pub const fn spi(&self) -> Option<u32> {
        if self.protocol() == ESP { Some(low_u32(self.rest >> 32)) } else { None }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (first, second) = (self.endpoint(Endpoint::First), self.endpoint(Endpoint::Second));
        let [outer, inner, innermost] = self.vlans().tci;
        write!(f, "Key({first:?} <-> {second:?}, protocol {}, ", self.protocol())?;
        write!(f, "vlans {outer}/{inner}/{innermost}, within {:?})", self.within())
    }
}

/// What flows between the same addresses are told apart by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shared {
    /// The sender's and the receiver's; 0 where the protocol has none.
    Ports(u16, u16),
    Icmp(Icmp),
    /// Of ESP.
    Spi(u32),
}

/// The tunnel that sets a flow apart from others with the same addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Within {
    /// Number of its network (24 bits): the VNI of VXLAN and GENEVE; 0 elsewhere.
    pub network: u32,
    /// How many tunnels are around the flow, 1 or more.
    pub depth: u8,
}

/// Whether the marks of a key are of a flow in a tunnel.
pub(super) const fn is_tunnelled(marks: u64) -> bool {
    marks >> 37 & 7 != 0
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

const fn words_of(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(address) => v4_words(address),
        IpAddr::V6(address) => v6_words(address),
    }
}

fn address_of([high, low]: [u64; 2], marks: u64) -> IpAddr {
    if marks & V6 == 0 {
        let [_, _, _, _, a, b, c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    } else {
        IpAddr::V6(Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)))
    }
}

/// What of a key does not turn with the direction: the lower half of
/// [`Key::rest`], and [`Key::marks`].
#[derive(Clone, Copy)]
struct Words {
    low: u64,
    marks: u64,
}

impl Words {
    #[inline]
    fn of(protocol: u8, family: u64, vlans: Vlans, tunnels: Tunnels) -> Self {
        let plain = Self { low: u64::from(protocol) << 24, marks: family };
        if vlans.count == 0 && tunnels.depth() == 0 { plain } else { plain.set_apart(vlans, tunnels) }
    }

    fn set_apart(self, vlans: Vlans, tunnels: Tunnels) -> Self {
        let mut ids = vlans.ids().filter(|&id| id != 0).map(u64::from);
        let mut id = || ids.next().unwrap_or(0);
        let (outer, second, third) = (id(), id(), id());
        let network = u64::from(tunnels.network() & 0x00ff_ffff);
        let depth = tunnels.depth() as u64 & 7;
        let apart = network << 40 | depth << 37 | third << (MARKS_FREE + 1);
        Self { low: self.low | outer << 12 | second, marks: self.marks | apart }
    }
}

/// Whether a type of ICMP answers another.
const fn is_answer(protocol: u8, kind: u8) -> bool {
    // Echo, timestamp, information, mask; echo, node information.
    matches!((protocol, kind), (ICMP, 0 | 14 | 16 | 18) | (ICMP6, 129 | 140))
}

/// The type of the query that an ICMP answer, other than that to an echo,
/// answers; any other type as it is.
const fn query_of(protocol: u8, kind: u8) -> u8 {
    if is_answer(protocol, kind) { kind.saturating_sub(1) } else { kind }
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
        let both = fold(first ^ key.rest ^ s4, second ^ key.marks ^ s5);
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
    use crate::wire::packet::{Esp, Ipv4, Ipv6, Sctp, Tcp, Udp};
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
        fn both_directions_are_one_flow((a, b) in addresses(), p: u16, q: u16, tci: [u16; 3], count in 0..3_u8) {
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
        let packet = |count, [outer, inner]: [u16; 2]| {
            let vlans = Vlans { count, tci: [outer, inner, 0] };
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
        assert_eq!(packet(2, [10, 11]).map(|key| key.vlans()), Some(Vlans { count: 2, tci: [10, 11, 0] }));
        assert_eq!(packet(1, [10, 0]).map(|key| key.vlans()), Some(Vlans { count: 1, tci: [10, 0, 0] }));
    }

    #[test]
    fn three_tags_count_and_an_empty_one_does_not() {
        let key = |tci| {
            let vlans = Vlans { count: 3, tci };
            Key::of(&udp((IpAddr::V4(A), 1), (IpAddr::V4(B), 2), vlans)).map(|(key, _)| key)
        };
        assert_ne!(key([1, 2, 3]), key([1, 2, 4]));
        assert_eq!(key([1, 0xe000, 3]), key([1, 3, 0]));
        assert_eq!(key([1, 2, 0xf003]).map(|key| key.vlans()), Some(Vlans { count: 3, tci: [1, 2, 3] }));
        let hasher = FlowHasher::new(Seed::from_number(1));
        assert_ne!(key([1, 2, 3]).map(|key| hasher.hash(&key)), key([1, 2, 4]).map(|key| hasher.hash(&key)));
    }

    #[test]
    fn an_association_of_esp_is_a_flow_of_its_own() {
        let key = |spi| {
            let transport = Transport::Esp(Esp { spi, sequence: 9 });
            Key::of(&Packet { net: v4(A, B, ESP), transport, ..Packet::default() })
        };
        assert_ne!(key(1), key(2));
        let Some((key, sender)) = key(0xfeed_beef) else { unreachable!("an IP packet has a key") };
        assert_eq!((key.spi(), key.endpoint(sender).0), (Some(0xfeed_beef), IpAddr::V4(A)));
        let plain = Key::new((IpAddr::V4(A), 1), (IpAddr::V4(B), 2), UDP, Vlans::default()).0;
        assert_eq!((plain.spi(), plain.within()), (None, None));
    }

    #[test]
    fn sctp_has_ports() {
        let sctp = |src_port, dst_port| Transport::Sctp(Sctp { src_port, dst_port, tag: 0 });
        let there = Packet { net: v4(A, B, SCTP), transport: sctp(5, 7), ..Packet::default() };
        let back = Packet { net: v4(B, A, SCTP), transport: sctp(7, 5), ..Packet::default() };
        let (there, back) = (Key::of(&there), Key::of(&back));
        assert_eq!(there.map(|(key, _)| key), back.map(|(key, _)| key));
        assert_eq!(there.map(|(key, sender)| key.endpoint(sender)), Some((IpAddr::V4(A), 5)));
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
        assert_ne!(key(8, A, B, 0x300), key(8, B, A, 0x300), "each pings the other");
        assert_eq!(key(8, A, A, 0x300), key(0, A, A, 0x300), "one pings itself");
        // An identifier that looks like "destination unreachable, code 0".
        assert_ne!(key(8, A, B, 0x300), key(3, A, B, 0));
    }

    #[test]
    fn other_icmp_is_one_flow_by_type_and_code() {
        let key = |kind, code, src, dst| icmp(src, dst, kind, code, 0).map(|(key, _)| key);
        assert_ne!(key(3, 1, A, B), key(3, 3, A, B));
        assert_ne!(key(3, 1, A, B), key(11, 1, A, B));
        assert_eq!(key(13, 0, A, B), key(14, 0, B, A));
        assert_ne!(key(13, 0, A, B), key(14, 0, A, B));
        assert_ne!(key(3, 1, A, B), key(3, 1, B, A), "what nothing answers goes one way");
    }

    #[test]
    fn what_is_not_ip_and_a_fragment_have_no_key() {
        assert!(Key::of(&Packet::default()).is_none());
        let fragment = Packet { net: v4(A, B, TCP), transport: Transport::Fragment, ..Packet::default() };
        assert!(Key::of(&fragment).is_none());
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
