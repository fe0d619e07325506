//! Policies that hold for a network: `"10.0.0.0/8=windows"`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::words::Word;

/// What holds for the addresses of one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkPolicy<P> {
    /// Its first address; the bits after the prefix are zero.
    address: IpAddr,
    /// How many leading bits its addresses share.
    prefix: u8,
    /// What holds for them.
    pub policy: P,
}

/// Why a text is no policy for a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkPolicyError {
    /// Not of the form `NETWORK=POLICY`.
    #[error("`{0}` is not a network and a policy with `=` between them")]
    NotTwo(String),
    /// No network.
    #[error("`{0}` is no network; write it as in 10.0.0.0/8 or 2001:db8::/32")]
    Network(String),
    /// Bits after the prefix are set: more likely a slip than meant.
    #[error("`{given}` has bits set after its prefix; did you mean {meant}?")]
    HostBits {
        /// What was written.
        given: String,
        /// The network that the address is in.
        meant: String,
    },
    /// No such policy.
    #[error("there is no policy `{given}`; there are {known}")]
    Policy {
        /// What was written.
        given: String,
        /// All that there are.
        known: String,
    },
}

impl<P> NetworkPolicy<P> {
    /// Whether the address is in the network.
    fn holds(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && first(address, self.prefix) == Some(self.address)
    }
}

/// The policy of the smallest network that holds the address.
pub fn policy_of<P: Copy>(policies: &[NetworkPolicy<P>], address: IpAddr) -> Option<P> {
    let holding = policies.iter().filter(|network| network.holds(address));
    holding.max_by_key(|network| network.prefix).map(|network| network.policy)
}

/// The first address of the network; `None` where the prefix is too long.
fn first(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let prefix = u32::from(prefix);
    Some(match address {
        IpAddr::V4(v4) => {
            let host_bits = 32_u32.checked_sub(prefix)?;
            Ipv4Addr::from_bits(v4.to_bits() & u32::MAX.checked_shl(host_bits).unwrap_or(0)).into()
        }
        IpAddr::V6(v6) => {
            let host_bits = 128_u32.checked_sub(prefix)?;
            Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(host_bits).unwrap_or(0)).into()
        }
    })
}

impl<P: Word> FromStr for NetworkPolicy<P> {
    type Err = NetworkPolicyError;

    fn from_str(text: &str) -> Result<Self, NetworkPolicyError> {
        let (network, policy) =
            text.split_once('=').ok_or_else(|| NetworkPolicyError::NotTwo(text.to_owned()))?;
        let (network, policy) = (network.trim(), policy.trim());
        let refused = || NetworkPolicyError::Network(network.to_owned());
        let (address, prefix) = match network.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().map_err(|_| refused())?)),
            None => (network, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let prefix = prefix.unwrap_or(if address.is_ipv4() { 32 } else { 128 });
        let meant = first(address, prefix).ok_or_else(refused)?;
        if meant != address {
            let meant = format!("{meant}/{prefix}");
            return Err(NetworkPolicyError::HostBits { given: network.to_owned(), meant });
        }
        let found = P::WORDS.iter().find(|(word, _)| *word == policy);
        let policy = found.map(|&(_, variant)| variant).ok_or_else(|| NetworkPolicyError::Policy {
            given: policy.to_owned(),
            known: P::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "),
        })?;
        Ok(Self { address, prefix, policy })
    }
}

impl<P: fmt::Display> fmt::Display for NetworkPolicy<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}={}", self.address, self.prefix, self.policy)
    }
}

impl<P: fmt::Display> Serialize for NetworkPolicy<P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::FragmentPolicy;

    fn read(text: &str) -> Result<NetworkPolicy<FragmentPolicy>, String> {
        text.parse().map_err(|error: NetworkPolicyError| error.to_string())
    }

    #[test]
    fn survives_its_text() {
        for text in ["10.0.0.0/8=windows", "2001:db8::/32=bsd_right", "192.0.2.7/32=first", "::/0=last"] {
            assert_eq!(read(text).map(|policy| policy.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(read("192.0.2.7 = solaris"), read("192.0.2.7/32=solaris"));
    }

    #[test]
    fn says_what_is_wrong() {
        let refused = |text| read(text).expect_err(text);
        assert!(refused("10.0.0.0/8").contains("with `=` between"));
        assert!(refused("10.0.0.0/33=bsd").contains("no network"));
        assert!(refused("ten/8=bsd").contains("no network"));
        assert!(refused("10.1.0.0/8=bsd").contains("did you mean 10.0.0.0/8?"));
        assert!(refused("10.0.0.0/8=beos").contains("no policy `beos`; there are linux, bsd"));
    }

    #[test]
    fn the_smallest_network_decides() {
        let policies: Vec<_> = ["0.0.0.0/0=bsd", "10.0.0.0/8=windows", "10.1.0.0/16=last", "::/0=first"]
            .iter()
            .map(|text| read(text).expect(text))
            .collect();
        let of = |address: &str| policy_of(&policies, address.parse().expect(address));
        assert_eq!(of("10.1.2.3"), Some(FragmentPolicy::Last));
        assert_eq!(of("10.2.2.3"), Some(FragmentPolicy::Windows));
        assert_eq!(of("192.0.2.1"), Some(FragmentPolicy::Bsd));
        assert_eq!(of("2001:db8::1"), Some(FragmentPolicy::First));
        assert_eq!(policy_of(&policies[1..2], "192.0.2.1".parse().expect("an address")), None);
    }
}
