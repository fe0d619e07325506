//! GTP-U header (3GPP TS 29.281 section 5): the traffic of mobile subscribers.
//! Only what carries a packet (a G-PDU) is looked into.

use crate::wire::Malformed;

/// Length of the header without optional fields, in bytes.
pub const HEADER_LEN: usize = 8;

/// Message type of what carries a packet.
pub const PACKET: u8 = 255;

/// Version 1, protocol type GTP.
const VERSION_AND_TYPE: u8 = 0x30;
/// Flags: extension header, sequence number, N-PDU number are there.
const EXTENSION: u8 = 0x04;
const OPTIONAL: u8 = 0x07;

/// What is kept of a GTP-U header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gtp {
    /// Message type.
    pub kind: u8,
    /// How many bytes follow the first eight, optional fields included.
    pub len: u16,
    /// Tunnel endpoint identifier, one for each direction.
    pub tunnel: u32,
    /// Length of the optional fields and the extension headers in bytes.
    pub optional_len: u16,
}

impl Gtp {
    /// The header with its optional fields and extension headers, and what
    /// follows; see [`Gtp::payload_len`] for how much of that is payload.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[flags, kind, l0, l1, t0, t1, t2, t3], mut rest) =
            bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        // The fourth bit is spare, and whoever receives it does not look at it.
        if flags & 0xf0 != VERSION_AND_TYPE {
            return Err(Malformed::BadVersion);
        }
        let before = rest.len();
        if flags & OPTIONAL != 0 {
            let (&[_, _, _, next], after) = rest.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
            rest = if flags & EXTENSION == 0 { after } else { skip_extensions(next, after)? };
        }
        let header = Self {
            kind,
            len: u16::from_be_bytes([l0, l1]),
            tunnel: u32::from_be_bytes([t0, t1, t2, t3]),
            optional_len: u16::try_from(before - rest.len()).map_err(|_| Malformed::TooDeep)?,
        };
        Ok((header, rest))
    }

    /// How long the payload is, where `room` bytes were on the wire after this
    /// header.
    pub fn payload_len(&self, room: usize) -> Result<usize, Malformed> {
        let len = self.len.checked_sub(self.optional_len).ok_or(Malformed::BadLength)?;
        if usize::from(len) > room { Err(Malformed::BeyondEnd) } else { Ok(len.into()) }
    }

    /// The header's bytes, without optional fields.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let ([l0, l1], [t0, t1, t2, t3]) = (self.len.to_be_bytes(), self.tunnel.to_be_bytes());
        [VERSION_AND_TYPE, self.kind, l0, l1, t0, t1, t2, t3]
    }
}

/// Steps over extension headers: each begins with its length in words, and ends
/// with the type of the next.
fn skip_extensions(mut next: u8, mut bytes: &[u8]) -> Result<&[u8], Malformed> {
    while next != 0 {
        let words = *bytes.first().ok_or(Malformed::Truncated)?;
        let (extension, after) =
            bytes.split_at_checked(usize::from(words) * 4).ok_or(Malformed::BeyondEnd)?;
        next = *extension.last().ok_or(Malformed::BadLength)?;
        bytes = after;
    }
    Ok(bytes)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 60 bytes of tunnel 0x760d3bb0, and the start of IPv4.
    const SAMPLE: [u8; 9] = [0x30, 0xff, 0x00, 0x3c, 0x76, 0x0d, 0x3b, 0xb0, 0x45];
    /// A sequence number, and two extension headers: of 4 bytes and of 8.
    const EXTENDED: [u8; 25] = [
        0x36, 0xff, 0x00, 0x11, 0x00, 0x00, 0x00, 0x01, 0x00, 0x07, 0x00, 0x85, 0x01, 0x10, 0x09, 0xc0, 0x02,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x45,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Gtp::decode(&SAMPLE).unwrap();
        assert_eq!(header, Gtp { kind: PACKET, len: 60, tunnel: 0x760d_3bb0, optional_len: 0 });
        assert_eq!((rest, header.payload_len(70)), (&[0x45][..], Ok(60)));
        let (header, rest) = Gtp::decode(&EXTENDED).unwrap();
        assert_eq!((header.optional_len, header.payload_len(1), rest), (16, Ok(1), &[0x45][..]));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..24 {
            let refused =
                matches!(Gtp::decode(&EXTENDED[..len]), Err(Malformed::Truncated | Malformed::BeyondEnd));
            assert!(refused, "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length_and_a_foreign_version() {
        let (header, _) = Gtp::decode(&SAMPLE).unwrap();
        assert_eq!(header.payload_len(59), Err(Malformed::BeyondEnd));
        let (header, _) = Gtp::decode(&EXTENDED).unwrap();
        assert_eq!(Gtp { len: 15, ..header }.payload_len(60), Err(Malformed::BadLength));
        let mut bytes = EXTENDED;
        bytes[12] = 0;
        assert_eq!(Gtp::decode(&bytes), Err(Malformed::BadLength), "an extension of no length");
        for flags in [0x10, 0x20, 0x50, 0x70] {
            let mut bytes = SAMPLE;
            bytes[0] = flags;
            assert_eq!(Gtp::decode(&bytes), Err(Malformed::BadVersion), "{flags:#x}");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(kind: u8, len: u16, tunnel: u32) {
            let header = Gtp { kind, len, tunnel, optional_len: 0 };
            let bytes = header.encode();
            prop_assert_eq!(Gtp::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
