//! VLAN tags (IEEE 802.1Q, 802.1ad).
//!
//! A tag stands where an EtherType would: the type that announced it (0x8100,
//! 0x88a8, or 0x9100 and 0x9200 from before 802.1ad) has been read by whoever
//! comes before, and the tag itself is the control information and the next
//! EtherType.

use super::Malformed;

/// Length of a tag in bytes, counted from after the type that announces it.
pub const TAG_LEN: usize = 4;

/// EtherType of a customer tag.
pub const CUSTOMER: u16 = 0x8100;
/// EtherType of a service tag (802.1ad).
pub const SERVICE: u16 = 0x88a8;
/// EtherType of an outer tag as switches sent it before 802.1ad.
pub const SERVICE_OLD: u16 = 0x9100;
/// The other EtherType of an outer tag before 802.1ad.
pub const SERVICE_OLDER: u16 = 0x9200;

/// Whether an EtherType announces a tag.
#[inline]
pub const fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, CUSTOMER | SERVICE | SERVICE_OLD | SERVICE_OLDER)
}

/// One tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vlan {
    /// Tag control information: priority (3 bits), DEI (1), VLAN id (12).
    pub tci: u16,
    /// What follows the tag.
    pub ethertype: u16,
}

impl Vlan {
    /// The tag, and what follows it.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[c0, c1, t0, t1], rest) = bytes.split_first_chunk::<TAG_LEN>().ok_or(Malformed::Truncated)?;
        Ok((Self { tci: u16::from_be_bytes([c0, c1]), ethertype: u16::from_be_bytes([t0, t1]) }, rest))
    }

    /// The tag's bytes.
    pub fn encode(&self) -> [u8; TAG_LEN] {
        let [c0, c1] = self.tci.to_be_bytes();
        let [t0, t1] = self.ethertype.to_be_bytes();
        [c0, c1, t0, t1]
    }
}

/// Up to three VLAN tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Vlans {
    /// How many of `tci` are there.
    pub count: u8,
    /// Tag control information, outermost first, host byte order.
    pub tci: [u16; 3],
}

impl Vlans {
    /// Adds the next inner tag; `false` where there is no room for it.
    #[inline]
    pub fn push(&mut self, tci: u16) -> bool {
        let Some(place) = self.tci.get_mut(usize::from(self.count)) else { return false };
        *place = tci;
        self.count += 1;
        true
    }

    /// The VLAN ids, outermost first. 0 is a tag that has a priority only.
    pub fn ids(&self) -> impl Iterator<Item = u16> + use<> {
        self.tci.into_iter().take(usize::from(self.count)).map(|tci| tci & 0x0fff)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Priority 7, VLAN 1234, IPv6 within.
    const SAMPLE: [u8; 5] = [0xe4, 0xd2, 0x86, 0xdd, 0x60];

    #[test]
    fn decodes_a_real_sample() {
        let (tag, rest) = Vlan::decode(&SAMPLE).unwrap();
        assert_eq!(tag, Vlan { tci: 0xe4d2, ethertype: 0x86dd });
        assert_eq!(rest, [0x60]);
        let vlans = Vlans { count: 1, tci: [tag.tci, 0, 0] };
        assert_eq!(vlans.ids().collect::<Vec<_>>(), [1234]);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..TAG_LEN {
            assert_eq!(Vlan::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn takes_three_tags_and_no_more() {
        let mut vlans = Vlans::default();
        assert_eq!([1, 2, 3, 4].map(|tci| vlans.push(tci)), [true, true, true, false]);
        assert_eq!(vlans, Vlans { count: 3, tci: [1, 2, 3] });
    }

    #[test]
    fn a_count_beyond_three_gives_three() {
        assert_eq!(Vlans { count: 9, tci: [1, 0xf002, 3] }.ids().collect::<Vec<_>>(), [1, 2, 3]);
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(tci: u16, ethertype: u16) {
            let tag = Vlan { tci, ethertype };
            let bytes = tag.encode();
            prop_assert_eq!(Vlan::decode(&bytes), Ok((tag, &[][..])));
        }
    }
}
