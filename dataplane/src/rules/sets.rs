//! Networks, and sets that answer "is it in there?" without a walk.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A set of values as sorted ranges that do not overlap; bounds included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangeSet<T>(Box<[(T, T)]>);

impl<T: Ord + Copy> RangeSet<T> {
    /// The union of ranges; one whose end is before its start holds nothing.
    pub fn new(mut ranges: Vec<(T, T)>) -> Self {
        ranges.retain(|(low, high)| low <= high);
        ranges.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some((_, end)) if low <= *end => *end = high.max(*end),
                _ => merged.push((low, high)),
            }
        }
        Self(merged.into())
    }

    /// Whether `value` is in one of the ranges.
    pub fn contains(&self, value: T) -> bool {
        let after = self.0.partition_point(|&(low, _)| low <= value);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|&(_, high)| value <= high)
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, in order.
    pub fn ranges(&self) -> &[(T, T)] {
        &self.0
    }
}

/// An IP network: all addresses that share its first bits.
///
/// An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`) is an IPv6 address here: on
/// the wire it is another address than the IPv4 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// A network by its first address; `None` where the prefix is too long.
    /// Bits after the prefix are cleared.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let address = match address {
            IpAddr::V4(v4) if prefix <= 32 => Ipv4Addr::from_bits(v4.to_bits() & !host_v4(prefix)).into(),
            IpAddr::V6(v6) if prefix <= 128 => Ipv6Addr::from_bits(v6.to_bits() & !host_v6(prefix)).into(),
            _ => return None,
        };
        Some(Self { address, prefix })
    }

    /// The network of one address.
    pub const fn single(address: IpAddr) -> Self {
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// Its first address.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// How many leading bits its addresses share.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn host_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shr(prefix.into()).unwrap_or(0)
}

fn host_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shr(prefix.into()).unwrap_or(0)
}

/// A set of addresses: networks of both versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSet {
    v4: RangeSet<u32>,
    v6: RangeSet<u128>,
}

impl NetworkSet {
    /// The union of networks.
    pub fn new(networks: impl IntoIterator<Item = Network>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for Network { address, prefix } in networks {
            match address {
                IpAddr::V4(first) => v4.push((first.to_bits(), first.to_bits() | host_v4(prefix))),
                IpAddr::V6(first) => v6.push((first.to_bits(), first.to_bits() | host_v6(prefix))),
            }
        }
        Self { v4: RangeSet::new(v4), v6: RangeSet::new(v6) }
    }

    /// Whether one of the networks holds `address`.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => self.v4.contains(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.contains(v6.to_bits()),
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn network(text: &str, prefix: u8) -> Network {
        Network::new(text.parse().unwrap(), prefix).unwrap()
    }

    #[test]
    fn networks_hold_their_first_and_last_address_and_no_more() {
        let set =
            NetworkSet::new([network("10.1.2.3", 8), network("192.0.2.1", 32), network("2001:db8::", 32)]);
        for (address, inside) in [
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("9.255.255.255", false),
            ("11.0.0.0", false),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::", false),
            ("::ffff:10.0.0.1", false),
        ] {
            assert_eq!(set.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(NetworkSet::new([network("1.2.3.4", 0)]).contains("255.255.255.255".parse().unwrap()));
        assert!(NetworkSet::new([network("::1", 0)]).contains("ffff::".parse().unwrap()));
        assert_eq!(Network::new("1.2.3.4".parse().unwrap(), 33), None);
    }

    proptest! {
        #[test]
        fn a_range_set_answers_as_a_walk_does(
            ranges in prop::collection::vec((-20_i64..20, -20_i64..20), 0..8), value in -25_i64..25,
        ) {
            let walk = ranges.iter().any(|&(low, high)| low <= value && value <= high);
            prop_assert_eq!(RangeSet::new(ranges).contains(value), walk);
        }
    }
}
