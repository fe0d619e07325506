//! Long headers (RFC 8999 section 5.1, RFC 9000 section 17.2, RFC 9369 section
//! 3.2): which packet it is and where its protected part lies.
//!
//! A datagram may hold several, one after the other; a packet with a short header,
//! which has no length, can only be the last and says nothing without keys.

use super::super::Malformed;
use super::super::reader::Reader;
use super::google::Clear;
use super::{Layout, Version, number};

/// The bit of the first byte that makes a long header.
pub const LONG: u8 = 0x80;
/// The longest connection ID of the versions that are known, in bytes.
pub const CONNECTION_ID_MAX: usize = 20;
/// Length in bytes of what makes a Retry authentic.
pub const RETRY_TAG_LEN: usize = 16;

/// A packet with a long header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its version; [`Version::NEGOTIATION`] where it offers versions.
    pub version: Version,
    /// The connection ID that the receiver has chosen, or, before it could, that
    /// the client made up.
    pub dcid: &'a [u8],
    /// The connection ID that the sender has chosen.
    pub scid: &'a [u8],
    /// What it is.
    pub body: Body<'a>,
}

/// What a packet is, and what of it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A server's offer of versions.
    Negotiation(&'a [[u8; 4]]),
    /// The first of a side; its keys are known to whoever sees the first.
    Initial {
        /// What the server gave for it in a Retry, or in an earlier connection.
        token: &'a [u8],
        /// From the first byte to the length.
        header: &'a [u8],
        /// The packet number, what is encrypted, and the tag that authenticates.
        protected: &'a [u8],
    },
    /// Data before the handshake is complete.
    ZeroRtt,
    /// What follows the hellos.
    Handshake,
    /// A server's wish for another Initial that has this token.
    Retry {
        /// The token.
        token: &'a [u8],
        /// What makes it authentic.
        tag: &'a [u8; RETRY_TAG_LEN],
    },
    /// An Initial of Q044 to Q046, in the clear.
    Google(Clear<'a>),
    /// Of a version that is not known.
    Unknown,
}

impl<'a> Packet<'a> {
    /// The first packet of a datagram, and what follows it in the datagram.
    ///
    /// A short header is [`Malformed::Unsupported`].
    pub fn decode(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let mut reader = Reader::new(bytes);
        let first = reader.u8()?;
        if first & LONG == 0 {
            return Err(Malformed::Unsupported);
        }
        let version = Version(reader.u32()?);
        let layout = version.layout();
        let (dcid, scid) = if layout == Layout::GoogleLong {
            let lens = reader.u8()?;
            (reader.take(google_id_len(lens >> 4))?, reader.take(google_id_len(lens & 0x0f))?)
        } else {
            (reader.vector8()?, reader.vector8()?)
        };
        let of = |body| Self { version, dcid, scid, body };
        if version == Version::NEGOTIATION {
            let (offered, []) = reader.rest().as_chunks() else { return Err(Malformed::BadLength) };
            return Ok((of(Body::Negotiation(offered)), &[]));
        }
        if !matches!(layout, Layout::Unknown | Layout::GooglePublic)
            && dcid.len().max(scid.len()) > CONNECTION_ID_MAX
        {
            return Err(Malformed::BadLength);
        }
        let body = match layout {
            Layout::GoogleLong => Self::google(version, first, &mut reader)?,
            Layout::V1 => Self::body(bytes, first >> 4 & 3, &mut reader)?,
            // Each type is one more than in version 1, modulo 4.
            Layout::V2 => Self::body(bytes, (first >> 4).wrapping_sub(1) & 3, &mut reader)?,
            Layout::GooglePublic | Layout::Unknown => {
                reader.rest();
                Body::Unknown
            }
        };
        Ok((of(body), reader.rest()))
    }

    /// What stands behind the connection IDs in Q044 to Q049, whose packets have no
    /// length; only Initials up to Q046 are in the clear.
    fn google(version: Version, first: u8, reader: &mut Reader<'a>) -> Result<Body<'a>, Malformed> {
        let (is_initial, number_len) = if version < Version::google(46) {
            (first == 0xff, 4)
        } else {
            (first & 0x30 == 0, usize::from(first & 3) + 1)
        };
        if is_initial && version <= Version::google(46) {
            return Clear::read(version, number_len, reader).map(Body::Google);
        }
        reader.rest();
        Ok(Body::Handshake)
    }

    /// What stands behind the connection IDs, by the type's number in version 1.
    fn body(bytes: &'a [u8], kind: u8, reader: &mut Reader<'a>) -> Result<Body<'a>, Malformed> {
        if kind == 3 {
            let (token, tag) = reader.rest().split_last_chunk().ok_or(Malformed::Truncated)?;
            return Ok(Body::Retry { token, tag });
        }
        let token = if kind == 0 { number::read_vector(reader)? } else { &[] };
        let len = usize::try_from(number::read(reader)?).map_err(|_| Malformed::BeyondEnd)?;
        let header_len = bytes.len() - reader.len();
        let protected = reader.take(len)?;
        let header = bytes.get(..header_len).unwrap_or_default();
        Ok(match kind {
            0 => Body::Initial { token, header, protected },
            1 => Body::ZeroRtt,
            _ => Body::Handshake,
        })
    }
}

/// How long a connection ID is whose length these four bits say.
const fn google_id_len(nibble: u8) -> usize {
    if nibble == 0 { 0 } else { nibble as usize + 3 }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An Initial of version 1 with a token, in front of a Handshake.
    fn sample() -> Vec<u8> {
        let mut bytes = vec![0xc3, 0, 0, 0, 1, 4, 1, 2, 3, 4, 2, 5, 6, 3, 7, 7, 7, 0x40, 21];
        bytes.extend([9; 21]);
        bytes.extend([0xe0, 0, 0, 0, 1, 1, 8, 0, 2, 0, 0]);
        bytes
    }

    #[test]
    fn decodes_coalesced_packets() {
        let bytes = sample();
        let (initial, rest) = Packet::decode(&bytes).unwrap();
        assert_eq!(
            (initial.version, initial.dcid, initial.scid),
            (Version::V1, &bytes[6..10], &bytes[11..13])
        );
        let (header, protected) = (&bytes[..19], &bytes[19..40]);
        assert_eq!(initial.body, Body::Initial { token: &[7; 3], header, protected });
        let (handshake, rest) = Packet::decode(rest).unwrap();
        assert_eq!((handshake.body, rest), (Body::Handshake, &[][..]));
    }

    #[test]
    fn version_2_counts_its_types_from_elsewhere() {
        let of = |kind: u8| {
            let mut bytes = vec![0xc0 | kind << 4, 0x6b, 0x33, 0x43, 0xcf, 0, 0, 0, 16];
            bytes.extend([0; 16]);
            match Packet::decode(&bytes).unwrap().0.body {
                Body::Retry { .. } => "retry",
                Body::Initial { .. } => "initial",
                Body::ZeroRtt => "0-rtt",
                Body::Handshake => "handshake",
                _ => "another",
            }
        };
        assert_eq!([of(0), of(1), of(2), of(3)], ["retry", "initial", "0-rtt", "handshake"]);
    }

    #[test]
    fn decodes_an_offer_of_versions_and_a_retry() {
        let offer = [0x80, 0, 0, 0, 0, 1, 9, 0, 0, 0, 0, 1, 0xff, 0, 0, 29];
        let (packet, _) = Packet::decode(&offer).unwrap();
        assert_eq!(packet.body, Body::Negotiation(&[[0, 0, 0, 1], [0xff, 0, 0, 29]]));
        let mut retry = vec![0xf0, 0, 0, 0, 1, 0, 1, 9, 5, 5];
        retry.extend([6; 16]);
        let (packet, rest) = Packet::decode(&retry).unwrap();
        assert_eq!((packet.body, rest), (Body::Retry { token: &[5, 5], tag: &[6; 16] }, &[][..]));
        assert_eq!(Packet::decode(&[0x40; 30]), Err(Malformed::Unsupported));
    }

    #[test]
    fn what_all_versions_have_in_common_is_read_of_any() {
        let (packet, rest) = Packet::decode(&[0xff, 0xba, 0xba, 0xba, 0xba, 1, 2, 1, 3, 4, 5]).unwrap();
        assert_eq!((packet.dcid, packet.scid, packet.body), (&[2][..], &[3][..], Body::Unknown));
        assert!(rest.is_empty());
    }

    #[test]
    fn google_packs_both_lengths_in_a_byte() {
        let tail = [0, 0, 0, 1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0];
        let bytes = [&[0xc3, b'Q', b'0', b'4', b'6', 0x50, 1, 2, 3, 4, 5, 6, 7, 8][..], &tail].concat();
        let (packet, _) = Packet::decode(&bytes).unwrap();
        assert_eq!((packet.dcid, packet.scid), (&bytes[6..14], &[][..]));
        let clear = Clear { version: Version::google(46), number_len: 4, frames: &[0, 0] };
        assert_eq!(packet.body, Body::Google(clear));
        let bytes = [&[0xff, b'Q', b'0', b'4', b'4', 0x05, 1, 2, 3, 4, 5, 6, 7, 8][..], &tail].concat();
        let (packet, _) = Packet::decode(&bytes).unwrap();
        assert_eq!(packet.scid.len(), 8);
        assert_eq!(packet.body, Body::Google(Clear { version: Version::google(44), ..clear }));
    }

    #[test]
    fn refuses_every_truncation_and_a_lying_length() {
        let bytes = sample();
        for len in 0..40 {
            assert!(Packet::decode(&bytes[..len]).is_err(), "{len} bytes");
        }
        // Of the connection IDs, the token, and the packet.
        for at in [5, 10, 13, 17] {
            let mut lying = bytes.clone();
            lying[at] = 0xff;
            assert!(Packet::decode(&lying).is_err(), "at {at}");
        }
        let mut long_id = vec![0xc0, 0, 0, 0, 1, 21];
        long_id.extend([0; 60]);
        assert_eq!(Packet::decode(&long_id), Err(Malformed::BadLength));
    }

    proptest! {
        #[test]
        fn any_bytes_are_borne(mut bytes: Vec<u8>, version in prop::sample::select(vec![0_u32, 1, 0x6b33_43cf, 0x5130_3436, 0xff00_001d])) {
            for (slot, byte) in bytes.iter_mut().skip(1).zip(version.to_be_bytes()) {
                *slot = byte;
            }
            if let Ok((_, rest)) = Packet::decode(&bytes) {
                prop_assert!(rest.len() < bytes.len());
            }
        }
    }
}
