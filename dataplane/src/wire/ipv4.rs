//! IPv4 header (RFC 791).
//!
//! The total length is checked against the header here, and against the frame
//! by [`Ipv4::payload_len`]: only the caller knows how long the frame was on the
//! wire. The checksum is not verified here: forwarding has no use for it, and
//! what asks ([`super::Packet::checksums`]) asks for all of them.

use std::net::Ipv4Addr;

use super::options::RawOptions;
use super::{Malformed, UNSEGMENTED_ABOVE};

/// Length of the header without options, in bytes.
pub const HEADER_LEN: usize = 20;

/// Protocol number of ICMP.
pub const ICMP: u8 = 1;
/// Protocol number of TCP.
pub const TCP: u8 = 6;
/// Protocol number of UDP.
pub const UDP: u8 = 17;

/// Kind of the loose source route option.
const LOOSE_ROUTE: u8 = 131;
/// Kind of the strict source route option.
const STRICT_ROUTE: u8 = 137;

/// What is kept of an IPv4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// The protocol after it.
    pub protocol: u8,
    /// Time to live.
    pub ttl: u8,
    /// DSCP and ECN: the second byte.
    pub tos: u8,
    /// Identification.
    pub id: u16,
    /// Total length in bytes, as the header says.
    pub total_len: u16,
    /// Header length in bytes, options included.
    pub header_len: u8,
    /// Don't fragment, more fragments, and the reserved bit: the top three bits.
    pub flags: u8,
    /// Offset of this fragment in units of 8 bytes.
    pub fragment_offset: u16,
}

impl Ipv4 {
    /// In `flags`: more fragments follow.
    pub const MORE_FRAGMENTS: u8 = 0b001;
    /// In `flags`: not to be fragmented.
    pub const DONT_FRAGMENT: u8 = 0b010;

    /// The header, and what follows its options; see [`Ipv4::payload_len`] for
    /// how much of that is payload.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let fixed = bytes.first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let &[version, tos, l0, l1, i0, i1, f0, f1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
            fixed;
        if version >> 4 != 4 {
            return Err(Malformed::BadVersion);
        }
        let header = Self {
            src: Ipv4Addr::new(s0, s1, s2, s3),
            dst: Ipv4Addr::new(d0, d1, d2, d3),
            protocol,
            ttl,
            tos,
            id: u16::from_be_bytes([i0, i1]),
            total_len: u16::from_be_bytes([l0, l1]),
            header_len: (version & 0x0f) * 4,
            flags: f0 >> 5,
            fragment_offset: u16::from_be_bytes([f0 & 0x1f, f1]),
        };
        let header_len = usize::from(header.header_len);
        if header_len < HEADER_LEN {
            return Err(Malformed::BadHeaderLength);
        }
        if header.total_len < u16::from(header.header_len) && header.total_len != 0 {
            return Err(Malformed::BadLength);
        }
        let rest = bytes.get(header_len..).ok_or(Malformed::Truncated)?;
        Ok((header, rest))
    }

    /// How long the payload is, where the frame had `frame_len` bytes on the wire
    /// from this header on.
    #[inline]
    pub fn payload_len(&self, frame_len: usize) -> Result<usize, Malformed> {
        let header_len = usize::from(self.header_len);
        let total_len = match usize::from(self.total_len) {
            0 if frame_len > UNSEGMENTED_ABOVE => frame_len,
            0 => return Err(Malformed::BadLength),
            total_len => total_len,
        };
        if total_len > frame_len {
            return Err(Malformed::BeyondEnd);
        }
        total_len.checked_sub(header_len).ok_or(Malformed::BadLength)
    }

    /// Whether it is part of a fragmented datagram.
    #[inline]
    pub const fn is_fragment(&self) -> bool {
        self.fragment_offset != 0 || self.flags & Self::MORE_FRAGMENTS != 0
    }

    /// The options in `header`, the bytes that this header was decoded from.
    pub fn options<'a>(&self, header: &'a [u8]) -> RawOptions<'a> {
        RawOptions::new(header.get(HEADER_LEN..usize::from(self.header_len)).unwrap_or_default())
    }

    /// Whether a source route still has hops to go, so that the destination in
    /// the header is not the one that the transport's checksum covers.
    pub fn is_under_way(&self, header: &[u8]) -> bool {
        self.options(header).flatten().any(|option| {
            matches!(option.kind, LOOSE_ROUTE | STRICT_ROUTE)
                && option.body.first().is_some_and(|&pointer| usize::from(pointer) <= option.body.len() + 2)
        })
    }

    /// The header's first 20 bytes, checksum zero; options are the caller's to
    /// append.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let [l0, l1] = self.total_len.to_be_bytes();
        let [i0, i1] = self.id.to_be_bytes();
        let [f0, f1] = ((u16::from(self.flags) << 13) | (self.fragment_offset & 0x1fff)).to_be_bytes();
        let [s0, s1, s2, s3] = self.src.octets();
        let [d0, d1, d2, d3] = self.dst.octets();
        let version = 0x40 | ((self.header_len / 4) & 0x0f);
        [
            version,
            self.tos,
            l0,
            l1,
            i0,
            i1,
            f0,
            f1,
            self.ttl,
            self.protocol,
            0,
            0,
            s0,
            s1,
            s2,
            s3,
            d0,
            d1,
            d2,
            d3,
        ]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An IGMP report: 24 bytes of header with router alert, and 16 of payload.
    const SAMPLE: [u8; 40] = [
        0x46, 0xc0, 0x00, 0x28, 0x00, 0x00, 0x40, 0x00, 0x01, 0x02, 0x42, 0x50, 0xc0, 0xa8, 0x01, 0x01, 0xe0,
        0x00, 0x00, 0x16, 0x94, 0x04, 0x00, 0x00, 0x22, 0x00, 0xe8, 0xf9, 0x00, 0x00, 0x00, 0x01, 0x04, 0x00,
        0x00, 0x00, 0xef, 0x01, 0x02, 0x03,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Ipv4::decode(&SAMPLE).unwrap();
        assert_eq!(
            header,
            Ipv4 {
                src: Ipv4Addr::new(192, 168, 1, 1),
                dst: Ipv4Addr::new(224, 0, 0, 22),
                protocol: 2,
                ttl: 1,
                tos: 0xc0,
                id: 0,
                total_len: 40,
                header_len: 24,
                flags: Ipv4::DONT_FRAGMENT,
                fragment_offset: 0,
            }
        );
        assert_eq!(rest, &SAMPLE[24..]);
        assert_eq!(header.payload_len(46), Ok(16), "Ethernet padding is not payload");
        let options: Vec<_> = header.options(&SAMPLE).map(Result::unwrap).collect();
        assert_eq!((options.len(), options[0].kind, options[0].body), (1, 148, &[0, 0][..]));
        assert!(!header.is_under_way(&SAMPLE));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..24 {
            assert_eq!(Ipv4::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        assert!(Ipv4::decode(&SAMPLE[..24]).is_ok());
    }

    #[test]
    fn refuses_a_lying_length() {
        let with = |at: usize, value: u8| {
            let mut bytes = SAMPLE;
            bytes[at] = value;
            Ipv4::decode(&bytes).map(|(header, _)| header)
        };
        assert_eq!(with(0, 0x44), Err(Malformed::BadHeaderLength));
        assert_eq!(with(0, 0x4f), Err(Malformed::BadLength));
        assert_eq!(with(0, 0x66), Err(Malformed::BadVersion));
        assert_eq!(with(3, 23), Err(Malformed::BadLength));
        assert_eq!(with(3, 41).unwrap().payload_len(40), Err(Malformed::BeyondEnd));
        assert_eq!(with(3, 0).unwrap().payload_len(1500), Err(Malformed::BadLength));
    }

    #[test]
    fn a_length_of_zero_is_to_the_end_of_a_long_frame() {
        let mut bytes = SAMPLE;
        bytes[3] = 0;
        let (header, _) = Ipv4::decode(&bytes).unwrap();
        assert_eq!(header.payload_len(70_024), Ok(70_000));
    }

    #[test]
    fn fragments_are_those_with_an_offset_or_more_to_come() {
        let (whole, _) = Ipv4::decode(&SAMPLE).unwrap();
        assert!(!whole.is_fragment());
        assert!(Ipv4 { fragment_offset: 1, ..whole }.is_fragment());
        assert!(Ipv4 { flags: Ipv4::MORE_FRAGMENTS, ..whole }.is_fragment());
    }

    #[test]
    fn a_source_route_is_under_way_until_its_pointer_passes_its_end() {
        let mut bytes = [0; 28];
        bytes[0] = 0x47;
        bytes[3] = 28;
        bytes[20..].copy_from_slice(&[LOOSE_ROUTE, 7, 4, 192, 0, 2, 1, 0]);
        let (header, _) = Ipv4::decode(&bytes).unwrap();
        assert!(header.is_under_way(&bytes));
        bytes[22] = 8;
        assert!(!header.is_under_way(&bytes));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(
            src: [u8; 4], dst: [u8; 4], protocol: u8, ttl: u8, tos: u8, id: u16, total_len in 60_u16..,
            words in 5_u8..16, flags in 0_u8..8, fragment_offset in 0_u16..0x2000,
        ) {
            let header = Ipv4 {
                src: src.into(), dst: dst.into(), protocol, ttl, tos, id, total_len, header_len: words * 4,
                flags, fragment_offset,
            };
            let mut bytes = header.encode().to_vec();
            bytes.resize(usize::from(words) * 4, 0);
            prop_assert_eq!(Ipv4::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
