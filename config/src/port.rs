//! The names of network interfaces, and pairs of them.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The longest name that the kernel gives an interface (`IFNAMSIZ` without its
/// closing zero).
const NAME_MAX: usize = 15;

/// Two interfaces that the gateway stands between.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The interface towards what is protected.
    pub inside: String,
    /// The interface towards the rest of the world.
    pub outside: String,
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.inside, self.outside)
    }
}

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a text is no pair of interfaces.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// Not of the form `INSIDE:OUTSIDE`.
    #[error("`{0}` is not two interfaces with a colon between them")]
    NotTwo(String),
    /// Both are the same interface.
    #[error("`{0}` joins an interface with itself")]
    Same(String),
    /// The kernel gives no interface such a name.
    #[error("`{0}` cannot be the name of an interface")]
    Name(String),
}

impl FromStr for Pair {
    type Err = PairError;

    fn from_str(text: &str) -> Result<Self, PairError> {
        let (inside, outside) = text.split_once(':').ok_or_else(|| PairError::NotTwo(text.to_owned()))?;
        if outside.contains(':') {
            return Err(PairError::NotTwo(text.to_owned()));
        }
        if inside == outside && !inside.is_empty() {
            return Err(PairError::Same(text.to_owned()));
        }
        Ok(Self { inside: interface_name(inside)?, outside: interface_name(outside)? })
    }
}

/// The text, if the kernel could give an interface that name (`dev_valid_name`
/// in net/core/dev.c: 1 to 15 bytes, not `.` or `..`, no slash, colon or white
/// space). Whether there is such an interface is not asked.
pub fn interface_name(text: &str) -> Result<String, PairError> {
    let refused = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    if text.is_empty() || text.len() > NAME_MAX || text == "." || text == ".." || text.contains(refused) {
        return Err(PairError::Name(text.to_owned()));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_survives_its_text() {
        let pair: Pair = "eth1:eth2.100".parse().expect("a pair");
        assert_eq!(pair, Pair { inside: "eth1".into(), outside: "eth2.100".into() });
        assert_eq!(pair.to_string(), "eth1:eth2.100");
    }

    #[test]
    fn refuses_what_is_no_pair() {
        let refused = |text: &str| text.parse::<Pair>().expect_err(text);
        assert_eq!(refused("eth1"), PairError::NotTwo("eth1".into()));
        assert_eq!(refused("a:b:c"), PairError::NotTwo("a:b:c".into()));
        assert_eq!(refused("eth1:eth1"), PairError::Same("eth1:eth1".into()));
        assert_eq!(refused("eth1:"), PairError::Name(String::new()));
        assert_eq!(refused(":"), PairError::Name(String::new()));
        for name in [".", "..", "a/b", "a b", "sixteen-bytes-xx"] {
            assert_eq!(refused(&format!("{name}:eth2")), PairError::Name(name.into()));
        }
    }
}
