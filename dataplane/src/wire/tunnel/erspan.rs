//! ERSPAN header, types II and III (draft-foschiano-erspan): mirrored Ethernet
//! frames within GRE. Type I has no header of its own: it is known by GRE
//! having no sequence number.

use crate::wire::Malformed;

/// Length of the header of type II in bytes.
pub const TYPE_2_LEN: usize = 8;
/// Length of the header of type III in bytes, without the part that depends on
/// the platform.
pub const TYPE_3_LEN: usize = 12;

/// Frame type: Ethernet, all that type II carries.
pub const ETHERNET: u8 = 0;
/// Frame type: an IP packet.
pub const IP: u8 = 2;

/// What is kept of an ERSPAN header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erspan {
    /// 2 or 3.
    pub kind: u8,
    /// The mirrored frame's VLAN as the switch knew it, 12 bits.
    pub vlan: u16,
    /// Which mirroring session, 10 bits.
    pub session: u16,
    /// What follows: [`ETHERNET`], or, of type III, [`IP`] or another (5 bits).
    pub frame: u8,
}

impl Erspan {
    /// The header of type II, and the frame after it.
    pub fn decode_2(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[b0, b1, b2, b3, _, _, _, _], rest) =
            bytes.split_first_chunk::<TYPE_2_LEN>().ok_or(Malformed::Truncated)?;
        if b0 >> 4 != 1 {
            return Err(Malformed::BadVersion);
        }
        Ok((Self::of(2, [b0, b1, b2, b3], ETHERNET), rest))
    }

    /// The header of type III with its platform's part, and what follows it.
    pub fn decode_3(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[b0, b1, b2, b3, _, _, _, _, _, _, f0, f1], rest) =
            bytes.split_first_chunk::<TYPE_3_LEN>().ok_or(Malformed::Truncated)?;
        if b0 >> 4 != 2 {
            return Err(Malformed::BadVersion);
        }
        // P, frame type (5 bits), hardware (6), direction, granularity (2), O.
        let rest = match f1 & 1 {
            1 => rest.get(8..).ok_or(Malformed::Truncated)?,
            _ => rest,
        };
        Ok((Self::of(3, [b0, b1, b2, b3], (f0 >> 2) & 0x1f), rest))
    }

    const fn of(kind: u8, [b0, b1, b2, b3]: [u8; 4], frame: u8) -> Self {
        let vlan = u16::from_be_bytes([b0, b1]) & 0x0fff;
        Self { kind, vlan, session: u16::from_be_bytes([b2, b3]) & 0x03ff, frame }
    }

    /// The header's bytes, 8 or 12.
    pub fn encode(&self) -> Vec<u8> {
        let [b0, b1] = (u16::from(self.kind - 1) << 12 | (self.vlan & 0x0fff)).to_be_bytes();
        let [b2, b3] = (self.session & 0x03ff).to_be_bytes();
        let mut bytes = vec![b0, b1, b2, b3, 0, 0, 0, 0];
        if self.kind == 3 {
            bytes.extend([0, 0, (self.frame & 0x1f) << 2, 0]);
        }
        bytes
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Session 1 of VLAN 1, type III, and the start of an address.
    const TYPE_3: [u8; 13] = [0x20, 0x01, 0x18, 0x65, 0x34, 0x76, 0x0b, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01];
    /// Session 100 of VLAN 30, type II.
    const TYPE_2: [u8; 9] = [0x10, 0x1e, 0x18, 0x64, 0x00, 0x00, 0x00, 0x02, 0x01];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Erspan::decode_2(&TYPE_2).unwrap();
        let expected = Erspan { kind: 2, vlan: 30, session: 100, frame: ETHERNET };
        assert_eq!((header, rest), (expected, &[0x01][..]));
        let (header, rest) = Erspan::decode_3(&TYPE_3).unwrap();
        let expected = Erspan { kind: 3, vlan: 1, session: 0x65, frame: ETHERNET };
        assert_eq!((header, rest), (expected, &[0x01][..]));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..TYPE_2_LEN {
            assert_eq!(Erspan::decode_2(&TYPE_2[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        let mut platform = [&TYPE_3[..12], &[0; 8]].concat();
        platform[11] = 1;
        assert!(Erspan::decode_3(&platform).unwrap().1.is_empty());
        for len in 0..platform.len() {
            assert_eq!(Erspan::decode_3(&platform[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn each_type_has_its_own_version() {
        assert_eq!(Erspan::decode_2(&TYPE_3), Err(Malformed::BadVersion));
        let mut bytes = TYPE_3;
        bytes[0] = 0x10;
        assert_eq!(Erspan::decode_3(&bytes), Err(Malformed::BadVersion));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(vlan in 0_u16..4096, session in 0_u16..1024, frame in 0_u8..32) {
            let header = Erspan { kind: 2, vlan, session, frame: ETHERNET };
            let bytes = header.encode();
            prop_assert_eq!(Erspan::decode_2(&bytes), Ok((header, &[][..])));
            let header = Erspan { kind: 3, vlan, session, frame };
            let bytes = header.encode();
            prop_assert_eq!(Erspan::decode_3(&bytes), Ok((header, &[][..])));
        }
    }
}
