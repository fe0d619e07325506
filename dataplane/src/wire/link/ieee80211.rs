//! IEEE 802.11 data frames (IEEE Std 802.11-2020 section 9.3.2).
//!
//! Only what can be read is followed: data that is not encrypted and not one of
//! several fragments. Of an aggregate (A-MSDU) the first frame is followed: a
//! packet is one packet here. Management and control frames carry no traffic.

use crate::wire::{Mac, Malformed};

/// Length of the shortest header of a data frame in bytes.
pub const HEADER_LEN: usize = 24;

/// Within the second byte: to the access point.
const TO_DS: u8 = 0x01;
/// Within the second byte: from the access point.
const FROM_DS: u8 = 0x02;
/// Within the second byte: more fragments follow.
const MORE_FRAGMENTS: u8 = 0x04;
/// Within the second byte: encrypted.
const PROTECTED: u8 = 0x40;
/// Within the second byte: an HT control field follows a quality of service
/// field.
const ORDER: u8 = 0x80;

/// Within the subtype: has a quality of service field.
const QOS: u8 = 0x80;
/// Within the subtype: has no data.
const NULL: u8 = 0x40;
/// Within the quality of service field: an aggregate.
const AGGREGATE: u8 = 0x80;
/// Type of data, within the first byte.
const DATA: u8 = 0x08;
/// Where the type is, within the first byte.
const TYPE: u8 = 0x0c;
/// Where the version is, within the first byte; there is version 0 only.
const VERSION: u8 = 0x03;

/// What follows the header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// LLC.
    Llc,
    /// Another header, with a length of its own for what follows it: LLC.
    Aggregate,
    /// Nothing that we could read.
    Opaque,
}

/// What is kept of the header of an 802.11 frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ieee80211 {
    /// Who sent it and who is to have it, of a data frame.
    pub macs: Option<(Mac, Mac)>,
    /// What follows.
    pub body: Body,
}

/// How a header is written down.
#[derive(Clone, Copy)]
struct Layout {
    /// Filled up to a multiple of so many bytes.
    align: usize,
    /// Whether its numbers are big-endian.
    swapped: bool,
}

impl Ieee80211 {
    /// The header, and what follows it. Of what is no data, only two bytes are
    /// asked for.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        Self::decode_padded(bytes, 1)
    }

    /// As [`Ieee80211::decode`], where the header was filled up to a multiple of
    /// `align` bytes.
    pub fn decode_padded(bytes: &[u8], align: usize) -> Result<(Self, &[u8]), Malformed> {
        let (&[kind, flags], _) = bytes.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
        Self::decode_of(kind, flags, bytes, Layout { align, swapped: false })
    }

    /// As [`Ieee80211::decode`], where the bytes of its numbers may have changed
    /// places, as Cisco's access points send them over CAPWAP. No kind of data
    /// has the version that the flags would then say.
    pub fn decode_either_way(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        match *bytes {
            [flags, kind, ..] if flags & VERSION != 0 && kind & (VERSION | TYPE) == DATA => {
                Self::decode_of(kind, flags, bytes, Layout { align: 1, swapped: true })
            }
            _ => Self::decode(bytes),
        }
    }

    fn decode_of(kind: u8, flags: u8, bytes: &[u8], layout: Layout) -> Result<(Self, &[u8]), Malformed> {
        if kind & VERSION != 0 {
            return Err(Malformed::BadVersion);
        }
        if kind & TYPE != DATA {
            return Ok((Self { macs: None, body: Body::Opaque }, bytes));
        }
        let (header, mut rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let &[_, _, _, _, a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5, c0, c1, c2, c3, c4, c5, s0, s1] =
            header;
        let (first, second) = (Mac([a0, a1, a2, a3, a4, a5]), Mac([b0, b1, b2, b3, b4, b5]));
        let third = Mac([c0, c1, c2, c3, c4, c5]);
        let (src, dst) = match flags & (TO_DS | FROM_DS) {
            0 => (second, first),
            TO_DS => (second, third),
            FROM_DS => (third, first),
            _ => {
                let (&fourth, after) = rest.split_first_chunk::<6>().ok_or(Malformed::Truncated)?;
                rest = after;
                (Mac(fourth), third)
            }
        };
        let mut aggregate = false;
        if kind & QOS != 0 {
            let (&[quality, _], after) = rest.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
            (aggregate, rest) = (quality & AGGREGATE != 0, after);
            if flags & ORDER != 0 {
                rest = rest.get(4..).ok_or(Malformed::Truncated)?;
            }
        }
        let header_len = bytes.len() - rest.len();
        rest =
            rest.get(header_len.next_multiple_of(layout.align) - header_len..).ok_or(Malformed::Truncated)?;
        // The number of the fragment, in the lower half of the sequence control's
        // lower byte.
        let fragment = if layout.swapped { s1 } else { s0 };
        let unreadable =
            flags & (PROTECTED | MORE_FRAGMENTS) != 0 || fragment & 0x0f != 0 || kind & NULL != 0;
        let body = match aggregate {
            _ if unreadable => Body::Opaque,
            true => Body::Aggregate,
            false => Body::Llc,
        };
        Ok((Self { macs: Some((src, dst)), body }, rest))
    }

    /// The header of a data frame from an access point; `None` where this is no
    /// data or its body is not plain LLC.
    pub fn encode(&self) -> Option<[u8; HEADER_LEN]> {
        let (Mac(src), Mac(dst)) = self.macs.filter(|_| self.body == Body::Llc)?;
        let fields = [DATA, FROM_DS, 0, 0].into_iter().chain(dst).chain(src).chain(src).chain([0; 2]);
        let mut bytes = [0; HEADER_LEN];
        bytes.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        Some(bytes)
    }
}

/// The header of a frame within an aggregate (A-MSDU subframe, section 9.3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subframe {
    /// Who is to have it.
    pub dst: Mac,
    /// Who sent it.
    pub src: Mac,
    /// How many bytes of LLC and payload follow.
    pub len: u16,
}

/// Length of the header of a frame within an aggregate, in bytes.
pub const SUBFRAME_LEN: usize = 14;

impl Subframe {
    /// The header, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (header, rest) = bytes.split_first_chunk::<SUBFRAME_LEN>().ok_or(Malformed::Truncated)?;
        let &[d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, l0, l1] = header;
        let (dst, src) = (Mac([d0, d1, d2, d3, d4, d5]), Mac([s0, s1, s2, s3, s4, s5]));
        Ok((Self { dst, src, len: u16::from_be_bytes([l0, l1]) }, rest))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A query to a name server, with quality of service, and the start of LLC.
    const SAMPLE: [u8; 27] = [
        0x88, 0x01, 0x2c, 0x00, 0x8a, 0x15, 0x14, 0x9b, 0x5a, 0xe0, 0x90, 0x72, 0x40, 0x97, 0xb6, 0xf5, 0x44,
        0x2b, 0x03, 0xaa, 0xab, 0x8d, 0x10, 0x00, 0x06, 0x00, 0xaa,
    ];

    fn macs(bytes: &[u8]) -> (String, String) {
        let (src, dst) = Ieee80211::decode(bytes).unwrap().0.macs.unwrap();
        (src.to_string(), dst.to_string())
    }

    fn with(changes: &[(usize, u8)]) -> Vec<u8> {
        let mut bytes = [&SAMPLE[..], &[0; 12]].concat();
        for &(at, value) in changes {
            bytes[at] = value;
        }
        bytes
    }

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Ieee80211::decode(&SAMPLE).unwrap();
        assert_eq!((header.body, rest), (Body::Llc, &[0xaa][..]));
        assert_eq!(macs(&SAMPLE), ("90:72:40:97:b6:f5".into(), "44:2b:03:aa:ab:8d".into()));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..26 {
            assert_eq!(Ieee80211::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        for len in 0..SUBFRAME_LEN {
            assert_eq!(Subframe::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn addresses_stand_where_the_direction_says() {
        let (first, second, third) = ("8a:15:14:9b:5a:e0", "90:72:40:97:b6:f5", "44:2b:03:aa:ab:8d");
        let said = |flags| macs(&with(&[(1, flags), (24, 0x02), (29, 0x09)]));
        assert_eq!(said(0), (second.into(), first.into()));
        assert_eq!(said(FROM_DS), (third.into(), first.into()));
        assert_eq!(said(FROM_DS | TO_DS), ("02:00:aa:00:00:09".into(), third.into()));
    }

    #[test]
    fn what_cannot_be_read_is_opaque() {
        let body = |changes: &[(usize, u8)]| Ieee80211::decode(&with(changes)).unwrap().0.body;
        assert_eq!(body(&[]), Body::Llc);
        assert_eq!(body(&[(1, TO_DS | PROTECTED)]), Body::Opaque);
        assert_eq!(body(&[(1, TO_DS | MORE_FRAGMENTS)]), Body::Opaque);
        assert_eq!(body(&[(22, 0x11)]), Body::Opaque, "a later fragment");
        assert_eq!(body(&[(0, 0xc8)]), Body::Opaque, "no data in it");
        assert_eq!(body(&[(0, 0x80)]), Body::Opaque, "a beacon");
        assert_eq!(body(&[(24, AGGREGATE)]), Body::Aggregate);
        assert_eq!(Ieee80211::decode(&[0xb4, 0x00]).unwrap().0.macs, None, "request to send");
        assert_eq!(Ieee80211::decode(&[0x01, 0x00]), Err(Malformed::BadVersion));
    }

    #[test]
    fn a_header_that_begins_with_its_flags_is_known() {
        let swapped = with(&[(0, SAMPLE[1]), (1, SAMPLE[0])]);
        let (header, rest) = Ieee80211::decode_either_way(&swapped).unwrap();
        assert_eq!((Ok((header, rest.len())), header.body), (plain(&SAMPLE), Body::Llc));
        assert_eq!(Ieee80211::decode(&swapped), Err(Malformed::BadVersion));
        let later = with(&[(0, SAMPLE[1]), (1, SAMPLE[0]), (22, 0x01), (23, 0x10)]);
        assert_eq!(Ieee80211::decode_either_way(&later).unwrap().0.body, Body::Llc, "frame 17, fragment 0");
        assert_eq!(Ieee80211::decode_either_way(&SAMPLE), Ieee80211::decode(&SAMPLE));
    }

    fn plain(bytes: &[u8]) -> Result<(Ieee80211, usize), Malformed> {
        Ieee80211::decode(bytes).map(|(header, rest)| (header, rest.len() + 12))
    }

    #[test]
    fn every_optional_field_is_stepped_over() {
        let rest_len =
            |bytes: &[u8], align| Ieee80211::decode_padded(bytes, align).map(|(_, rest)| rest.len()).unwrap();
        assert_eq!(rest_len(&with(&[]), 1), 13);
        assert_eq!(rest_len(&with(&[]), 4), 11, "26 bytes are filled up to 28");
        assert_eq!(rest_len(&with(&[(1, TO_DS | ORDER)]), 1), 9);
        assert_eq!(rest_len(&with(&[(1, TO_DS | FROM_DS)]), 1), 7);
        assert_eq!(rest_len(&with(&[(0, 0x08)]), 1), 15);
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(src: [u8; 6], dst: [u8; 6]) {
            let header = Ieee80211 { macs: Some((Mac(src), Mac(dst))), body: Body::Llc };
            let bytes = header.encode().unwrap();
            prop_assert_eq!(Ieee80211::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
