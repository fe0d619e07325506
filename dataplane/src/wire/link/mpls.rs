//! MPLS label stack entries (RFC 3032, RFC 5462).
//!
//! The stack does not say what it carries: the routers at its ends have agreed
//! on that. What everybody goes by is the first nibble of the payload (RFC 4928
//! section 3): 4 and 6 are IP, 0 is the control word of a pseudowire (RFC 4385),
//! 1 is the associated channel (RFC 5586), which carries no traffic of users.

use crate::wire::Malformed;

/// Length of a stack entry in bytes.
pub const ENTRY_LEN: usize = 4;
/// Length of a pseudowire's control word in bytes.
pub const CONTROL_WORD_LEN: usize = 4;
/// How many entries are followed: networks get by with five, segment routing
/// with a dozen.
pub const ENTRIES_MAX: usize = 16;

/// Label: IPv4 follows, whoever gave out the label.
pub const EXPLICIT_NULL_V4: u32 = 0;
/// Label: IPv6 follows, whoever gave out the label.
pub const EXPLICIT_NULL_V6: u32 = 2;

/// One entry of a label stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mpls {
    /// Label, 20 bits.
    pub label: u32,
    /// Traffic class, 3 bits.
    pub class: u8,
    /// Whether this is the last entry.
    pub bottom: bool,
    /// Time to live.
    pub ttl: u8,
}

impl Mpls {
    /// The entry, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&entry, rest) = bytes.split_first_chunk::<ENTRY_LEN>().ok_or(Malformed::Truncated)?;
        let [_, _, low, ttl] = entry;
        let label = u32::from_be_bytes(entry) >> 12;
        Ok((Self { label, class: (low >> 1) & 7, bottom: low & 1 == 1, ttl }, rest))
    }

    /// The entry's bytes.
    pub fn encode(&self) -> [u8; ENTRY_LEN] {
        let class = u32::from(self.class & 7) << 9;
        let bits = (self.label << 12) | class | (u32::from(self.bottom) << 8) | u32::from(self.ttl);
        bits.to_be_bytes()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Label 18, bottom of the stack, 255 hops to go, and the start of IPv4.
    const SAMPLE: [u8; 5] = [0x00, 0x01, 0x21, 0xff, 0x45];

    #[test]
    fn decodes_a_real_sample() {
        let (entry, rest) = Mpls::decode(&SAMPLE).unwrap();
        assert_eq!(entry, Mpls { label: 18, class: 0, bottom: true, ttl: 255 });
        assert_eq!(rest, [0x45]);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..ENTRY_LEN {
            assert_eq!(Mpls::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(label in 0_u32..1 << 20, class in 0_u8..8, bottom: bool, ttl: u8) {
            let entry = Mpls { label, class, bottom, ttl };
            let bytes = entry.encode();
            prop_assert_eq!(Mpls::decode(&bytes), Ok((entry, &[][..])));
        }
    }
}
