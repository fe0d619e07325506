//! What captures write before an 802.11 frame: how it was received. Radiotap
//! (<https://www.radiotap.org>), Prism and AVS from before it, and PPI after it.
//!
//! Of all that is measured, three things matter here: how long the header is,
//! whether a checksum stands at the end of the frame, and whether the frame's
//! own header was filled up.

use crate::wire::Malformed;

/// In [`Radio::flags`]: the frame's check sequence is at its end.
pub const CHECKED: u8 = 0x10;
/// In [`Radio::flags`]: the frame's header is filled up to whole words.
pub const PADDED: u8 = 0x20;
/// In [`Radio::flags`]: the frame's check sequence is wrong.
pub const DAMAGED: u8 = 0x40;

/// Length of the frame check sequence in bytes.
pub const CHECK_LEN: usize = 4;

/// What is kept of a header of any of these kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Radio {
    /// Length in bytes.
    pub len: usize,
    /// As radiotap numbers them; 0 where a header has none.
    pub flags: u8,
}

/// The first four bytes of an AVS header: a magic number with its version.
const AVS_MAGIC: [u32; 2] = [0x8021_1001, 0x8021_1002];

/// Message codes of Prism headers.
const PRISM_CODES: [u32; 2] = [0x44, 0x41];

impl Radio {
    /// A radiotap header, and what follows it.
    pub fn decode_radiotap(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[version, _, l0, l1], _) = bytes.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        if version != 0 {
            return Err(Malformed::BadVersion);
        }
        let len = usize::from(u16::from_le_bytes([l0, l1]));
        if len < 8 {
            return Err(Malformed::BadHeaderLength);
        }
        let (header, rest) = bytes.split_at_checked(len).ok_or(Malformed::BeyondEnd)?;
        Ok((Self { len, flags: radiotap_flags(header).ok_or(Malformed::BadHeaderLength)? }, rest))
    }

    /// A Prism header (or an AVS header, which some drivers write in its place),
    /// and what follows it.
    pub fn decode_prism(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&code, rest) = bytes.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        if AVS_MAGIC.contains(&u32::from_be_bytes(code)) {
            return Self::decode_avs(bytes);
        }
        let (&len, _) = rest.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        // In the byte order of the capturing host.
        let len = if PRISM_CODES.contains(&u32::from_le_bytes(code)) {
            u32::from_le_bytes(len)
        } else if PRISM_CODES.contains(&u32::from_be_bytes(code)) {
            u32::from_be_bytes(len)
        } else {
            return Err(Malformed::BadVersion);
        };
        Self::of_len(bytes, len, 24)
    }

    /// An AVS header, and what follows it.
    pub fn decode_avs(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&magic, rest) = bytes.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        if !AVS_MAGIC.contains(&u32::from_be_bytes(magic)) {
            return Err(Malformed::BadVersion);
        }
        let (&len, _) = rest.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        Self::of_len(bytes, u32::from_be_bytes(len), 8)
    }

    fn of_len(bytes: &[u8], len: u32, min: u32) -> Result<(Self, &[u8]), Malformed> {
        if len < min {
            return Err(Malformed::BadHeaderLength);
        }
        let rest = bytes.get(len as usize..).ok_or(Malformed::BeyondEnd)?;
        Ok((Self { len: len as usize, flags: 0 }, rest))
    }

    /// The header as radiotap: of eight bytes, or nine with flags.
    pub fn encode(&self) -> Vec<u8> {
        match self.flags {
            0 => vec![0, 0, 8, 0, 0, 0, 0, 0],
            flags => vec![0, 0, 9, 0, 2, 0, 0, 0, flags],
        }
    }
}

/// The flags in a radiotap header; 0 where it has none. `None` where the words
/// that say what is present do not end within it.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    const TIME: u32 = 1;
    const FLAGS: u32 = 1 << 1;
    const MORE_WORDS: u32 = 1 << 31;
    let (words, _) = header.get(4..)?.as_chunks::<4>();
    let first = u32::from_le_bytes(*words.first()?);
    let last = words.iter().position(|word| u32::from_le_bytes(*word) & MORE_WORDS == 0)?;
    let mut at = 4 + 4 * (last + 1);
    if first & FLAGS == 0 {
        return Some(0);
    }
    if first & TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    header.get(at).copied()
}

/// What is kept of a PPI header (CACE PPI specification): a length, and the
/// link type of what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ppi {
    /// Length in bytes, all fields included.
    pub len: u16,
    /// The link type of the packet after it.
    pub link: u32,
    /// Flags as radiotap has them.
    pub flags: u8,
}

/// Length of a PPI header without fields, in bytes.
pub const PPI_LEN: usize = 8;

/// PPI's field about 802.11, and where its flags are.
const PPI_COMMON: u16 = 2;
/// In the flags of PPI's field: the check sequence is there; is wrong.
const PPI_CHECKED: u16 = 0x01;
const PPI_DAMAGED: u16 = 0x04;

impl Ppi {
    /// The header, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[version, _, l0, l1, k0, k1, k2, k3], _) =
            bytes.split_first_chunk::<PPI_LEN>().ok_or(Malformed::Truncated)?;
        if version != 0 {
            return Err(Malformed::BadVersion);
        }
        let len = u16::from_le_bytes([l0, l1]);
        let fields_len = usize::from(len).checked_sub(PPI_LEN).ok_or(Malformed::BadHeaderLength)?;
        let (_, after) = bytes.split_at_checked(PPI_LEN).ok_or(Malformed::Truncated)?;
        let (fields, rest) = after.split_at_checked(fields_len).ok_or(Malformed::BeyondEnd)?;
        Ok((Self { len, link: u32::from_le_bytes([k0, k1, k2, k3]), flags: ppi_flags(fields) }, rest))
    }

    /// The header's bytes, without fields.
    pub fn encode(&self) -> [u8; PPI_LEN] {
        let [k0, k1, k2, k3] = self.link.to_le_bytes();
        [0, 0, 8, 0, k0, k1, k2, k3]
    }
}

/// Looks through PPI's fields for the one about 802.11.
fn ppi_flags(mut fields: &[u8]) -> u8 {
    while let Some((&[k0, k1, l0, l1], rest)) = fields.split_first_chunk::<4>() {
        let len = usize::from(u16::from_le_bytes([l0, l1]));
        if u16::from_le_bytes([k0, k1]) == PPI_COMMON {
            let Some(&[f0, f1]) = rest.get(8..10) else { return 0 };
            let said = u16::from_le_bytes([f0, f1]);
            let checked = if said & PPI_CHECKED != 0 { CHECKED } else { 0 };
            return checked | if said & PPI_DAMAGED != 0 { DAMAGED } else { 0 };
        }
        fields = rest.get(len..).unwrap_or_default();
    }
    0
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Time, flags (check sequence at the end), rate and channel.
    const RADIOTAP: [u8; 22] = [
        0x00, 0x00, 0x16, 0x00, 0x0f, 0x00, 0x00, 0x00, 0x9e, 0x26, 0x5c, 0x60, 0x19, 0x00, 0x00, 0x00, 0x10,
        0x30, 0x6c, 0x09, 0x80, 0x04,
    ];
    /// PPI with its 802.11 field: check sequence there.
    const PPI: [u8; 32] = [
        0x00, 0x00, 0x20, 0x00, 0x69, 0x00, 0x00, 0x00, 0x02, 0x00, 0x14, 0x00, 0x9e, 0x26, 0x5c, 0x60, 0x19,
        0x00, 0x00, 0x00, 0x01, 0x00, 0x02, 0x00, 0x6c, 0x09, 0x80, 0x00, 0x00, 0x00, 0xc8, 0xa0,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Radio::decode_radiotap(&RADIOTAP).unwrap();
        assert_eq!((header, rest.len()), (Radio { len: 22, flags: CHECKED }, 0));
        let (header, rest) = Ppi::decode(&PPI).unwrap();
        assert_eq!((header, rest.len()), (Ppi { len: 32, link: 105, flags: CHECKED }, 0));
    }

    #[test]
    fn older_headers_say_their_length_in_their_own_way() {
        for (magic, len) in [([0x44, 0, 0, 0], [144, 0, 0, 0]), ([0, 0, 0, 0x44], [0, 0, 0, 144])] {
            let bytes = [&magic[..], &len, &[0; 137]].concat();
            let (header, rest) = Radio::decode_prism(&bytes).unwrap();
            assert_eq!((header.len, rest.len()), (144, 1));
        }
        let avs = [&[0x80, 0x21, 0x10, 0x01, 0, 0, 0, 64][..], &[0; 57]].concat();
        assert_eq!(Radio::decode_avs(&avs).unwrap().1.len(), 1);
        assert_eq!(Radio::decode_prism(&avs), Radio::decode_avs(&avs), "drivers write one for the other");
        assert_eq!(Radio::decode_prism(&[9; 8]), Err(Malformed::BadVersion));
        assert_eq!(Radio::decode_avs(&[9; 8]), Err(Malformed::BadVersion));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..RADIOTAP.len() {
            let why = if len < 4 { Malformed::Truncated } else { Malformed::BeyondEnd };
            assert_eq!(Radio::decode_radiotap(&RADIOTAP[..len]), Err(why), "{len} bytes");
        }
        for len in 0..PPI.len() {
            let why = if len < 8 { Malformed::Truncated } else { Malformed::BeyondEnd };
            assert_eq!(Ppi::decode(&PPI[..len]), Err(why), "{len} bytes");
        }
        for len in 0..8 {
            let prism = [0x44, 0, 0, 0, 144, 0, 0, 0];
            assert_eq!(Radio::decode_prism(&prism[..len]), Err(Malformed::Truncated), "{len} bytes");
            let avs = [0x80, 0x21, 0x10, 0x01, 0, 0, 0, 64];
            assert_eq!(Radio::decode_avs(&avs[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length() {
        let mut bytes = RADIOTAP;
        bytes[2] = 7;
        assert_eq!(Radio::decode_radiotap(&bytes), Err(Malformed::BadHeaderLength));
        (bytes[2], bytes[7]) = (8, 0x80);
        let endless = Radio::decode_radiotap(&bytes);
        assert_eq!(endless, Err(Malformed::BadHeaderLength), "its words of what is present do not end");
        bytes[0] = 1;
        assert_eq!(Radio::decode_radiotap(&bytes), Err(Malformed::BadVersion));
        let mut bytes = PPI;
        bytes[2] = 7;
        assert_eq!(Ppi::decode(&bytes), Err(Malformed::BadHeaderLength));
        bytes[0] = 1;
        assert_eq!(Ppi::decode(&bytes), Err(Malformed::BadVersion));
        let prism = [0x44, 0, 0, 0, 23, 0, 0, 0];
        assert_eq!(Radio::decode_prism(&prism), Err(Malformed::BadHeaderLength));
        assert_eq!(Radio::decode_avs(&[0x80, 0x21, 0x10, 0x01, 0, 0, 0, 7]), Err(Malformed::BadHeaderLength));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(flags: u8, link: u32) {
            let header = Radio { len: if flags == 0 { 8 } else { 9 }, flags };
            let bytes = header.encode();
            prop_assert_eq!(Radio::decode_radiotap(&bytes), Ok((header, &[][..])));
            let header = Ppi { len: 8, link, flags: 0 };
            let bytes = header.encode();
            prop_assert_eq!(Ppi::decode(&bytes), Ok((header, &[][..])));
        }

        #[test]
        fn any_bytes_are_borne(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let bytes = [&[0, 0][..], &bytes].concat();
            let _ = (Radio::decode_radiotap(&bytes), Radio::decode_prism(&bytes), Ppi::decode(&bytes));
        }
    }
}
