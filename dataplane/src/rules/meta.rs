//! What a rule says of itself, as events and counters repeat it.

/// What a rule says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleMeta {
    /// From the metadata, or made from the rule's name ([`id_of`]).
    pub id: u32,
    /// The name.
    pub name: String,
    /// 1 high, 2 medium, 3 low (as Suricata counts).
    pub severity: u8,
    /// Free words.
    pub tags: Vec<String>,
}

/// The severity of a rule that names none: low would hide it, high would cry wolf.
pub const SEVERITY_DEFAULT: u8 = 2;

/// The largest id that a rule may choose. Ids above are made from names, so
/// that a chosen id never meets a made one.
pub const ID_MAX: u32 = 0x7fff_ffff;

/// The id of a rule that names none: FNV-1a of its name with the top bit set.
///
/// It depends on the name alone, so that it survives a move to another file.
pub const fn id_of(name: &str) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut bytes = name.as_bytes();
    while let [byte, rest @ ..] = bytes {
        hash = (hash ^ *byte as u32).wrapping_mul(0x0100_0193);
        bytes = rest;
    }
    hash | !ID_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_id_depends_on_the_name_alone_and_never_meets_a_chosen_one() {
        // FNV-1a of "a" is 0xe40c292c, of "foobar" 0xbf9cf968.
        assert_eq!(id_of("a"), 0xe40c_292c);
        assert_eq!(id_of("foobar"), 0xbf9c_f968);
        assert!(id_of("") > ID_MAX);
    }
}
