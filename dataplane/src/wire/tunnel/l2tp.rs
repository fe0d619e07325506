//! L2TP version 2 header (RFC 2661 section 3.1): PPP in UDP. What controls the
//! tunnel is not looked into.

use crate::wire::Malformed;

/// Flag: a control message.
const CONTROL: u16 = 0x8000;
/// Flag: a length is there.
const LENGTH: u16 = 0x4000;
/// Flag: sequence numbers are there.
const SEQUENCE: u16 = 0x0800;
/// Flag: an offset is there.
const OFFSET: u16 = 0x0200;
/// Bits that must be zero.
const RESERVED: u16 = 0x34f0;
/// Where the version is.
const VERSION: u16 = 0x000f;

/// What is kept of an L2TP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L2tp {
    /// Whether it controls the tunnel and carries nobody's traffic.
    pub control: bool,
    /// Length in bytes, header included, if it is said.
    pub len: Option<u16>,
    /// Which tunnel, as its receiver numbers it.
    pub tunnel: u16,
    /// Which session within the tunnel, as its receiver numbers it.
    pub session: u16,
}

impl L2tp {
    /// The header, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&flags, mut rest) = bytes.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
        let flags = u16::from_be_bytes(flags);
        if flags & VERSION != 2 || flags & RESERVED != 0 {
            return Err(Malformed::BadVersion);
        }
        let mut field = || {
            let (&field, after) = rest.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
            rest = after;
            Ok(u16::from_be_bytes(field))
        };
        let len = if flags & LENGTH != 0 { Some(field()?) } else { None };
        let (tunnel, session) = (field()?, field()?);
        if flags & SEQUENCE != 0 {
            field()?;
            field()?;
        }
        if flags & OFFSET != 0 {
            let padding = field()?;
            rest = rest.get(usize::from(padding)..).ok_or(Malformed::BeyondEnd)?;
        }
        if len.is_some_and(|len| usize::from(len) < bytes.len() - rest.len()) {
            return Err(Malformed::BadLength);
        }
        Ok((Self { control: flags & CONTROL != 0, len, tunnel, session }, rest))
    }

    /// The header's bytes: six, or eight with a length.
    pub fn encode(&self) -> Vec<u8> {
        let control = if self.control { CONTROL } else { 0 };
        let flags = 2 | control | if self.len.is_some() { LENGTH } else { 0 };
        let fields = [Some(flags), self.len, Some(self.tunnel), Some(self.session)];
        fields.into_iter().flatten().flat_map(u16::to_be_bytes).collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Session 1 of tunnel 9, sequence numbers, an offset of two, and PPP.
    const SAMPLE: [u8; 16] =
        [0x4a, 0x02, 0x00, 0x10, 0x00, 0x09, 0x00, 0x01, 0x00, 0x05, 0x00, 0x00, 0x00, 0x01, 0x00, 0x21];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = L2tp::decode(&SAMPLE).unwrap();
        assert_eq!(header, L2tp { control: false, len: Some(16), tunnel: 9, session: 1 });
        assert_eq!(rest, [0x21]);
        let (hello, _) = L2tp::decode(&[0xc8, 0x02, 0x00, 0x0c, 0, 9, 0, 0, 0, 1, 0, 1]).unwrap();
        assert!(hello.control);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..15 {
            let refused =
                matches!(L2tp::decode(&SAMPLE[..len]), Err(Malformed::Truncated | Malformed::BeyondEnd));
            assert!(refused, "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length_and_a_foreign_version() {
        let with = |at: usize, value: u8| {
            let mut bytes = SAMPLE;
            bytes[at] = value;
            L2tp::decode(&bytes).map(|(header, _)| header)
        };
        assert_eq!(with(3, 14), Err(Malformed::BadLength));
        assert_eq!(with(13, 9), Err(Malformed::BeyondEnd));
        assert_eq!(with(1, 0x03), Err(Malformed::BadVersion));
        assert_eq!(with(0, 0x5a), Err(Malformed::BadVersion));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(control: bool, len in prop::option::of(8_u16..), tunnel: u16, session: u16) {
            let header = L2tp { control, len, tunnel, session };
            let bytes = header.encode();
            prop_assert_eq!(L2tp::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
