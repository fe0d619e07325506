//! Google's QUIC where it was in the clear: the public header up to Q043, and the
//! frames of handshake packets up to Q051 (`QUIC wire layout`, Chromium).
//!
//! Up to Q046 the first packets have a hash and no encryption. From Q050 on they
//! are encrypted as everybody's, but hold Google's frames.

use super::super::Malformed;
use super::super::reader::Reader;
use super::{Version, number};

/// Length in bytes of the hash in front of the frames.
pub const HASH_LEN: usize = 12;
/// The stream of the handshake, where it is one.
const CRYPTO_STREAM: u64 = 1;

/// What a packet holds in the clear, or does once it is decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clear<'a> {
    /// The version.
    pub version: Version,
    /// How many bytes its packet number has.
    pub number_len: usize,
    /// Its frames.
    pub frames: &'a [u8],
}

/// A piece of the handshake, and where in it it begins.
pub type Piece<'a> = (u64, &'a [u8]);

impl<'a> Clear<'a> {
    /// Of a packet up to Q046, from its number on: a hash comes before the frames.
    pub(super) fn read(
        version: Version,
        number_len: usize,
        reader: &mut Reader<'a>,
    ) -> Result<Self, Malformed> {
        reader.take(number_len)?;
        reader.take(HASH_LEN)?;
        if version.google_number().is_some_and(|(number, _)| number < 34) {
            // Flags about redundancy, given up with Q034.
            reader.u8()?;
        }
        Ok(Self { version, number_len, frames: reader.rest() })
    }

    /// The pieces of the handshake, up to a frame that is not known: what follows
    /// it cannot be told.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'a>> + use<'a> {
        let number = self.version.google_number().map_or(0, |(number, _)| number);
        let (number_len, mut reader) = (self.number_len, Reader::new(self.frames));
        std::iter::from_fn(move || {
            while !reader.is_empty() {
                if let Some(piece) = frame(number, number_len, &mut reader).ok()? {
                    return Some(piece);
                }
            }
            None
        })
    }
}

/// A packet with a public header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Public<'a> {
    /// A client's, with its version.
    Clear(Clear<'a>),
    /// A server's offer of versions.
    Negotiation(&'a [[u8; 4]]),
    /// Any other.
    Other,
}

impl<'a> Public<'a> {
    /// A whole datagram, of a client or of a server.
    ///
    /// Flags (low bits first): version, reset, nonce, connection ID; two bits for
    /// the length of the packet number.
    pub fn decode(bytes: &'a [u8], is_from_client: bool) -> Result<Self, Malformed> {
        const VERSION: u8 = 0x01;
        const RESET: u8 = 0x02;
        const CONNECTION_ID: u8 = 0x08;
        let mut reader = Reader::new(bytes);
        let flags = reader.u8()?;
        if flags & (VERSION | CONNECTION_ID) != VERSION | CONNECTION_ID || flags & RESET != 0 {
            return Ok(Self::Other);
        }
        reader.take(8)?;
        if !is_from_client {
            let (offered, []) = reader.rest().as_chunks() else { return Err(Malformed::BadLength) };
            return Ok(Self::Negotiation(offered));
        }
        let version = Version(reader.u32()?);
        if version.google_number().is_none() {
            return Err(Malformed::BadVersion);
        }
        Clear::read(version, number_len(flags >> 4), &mut reader).map(Self::Clear)
    }
}

/// The length that two bits say, of packet numbers and in acknowledgements.
const fn number_len(bits: u8) -> usize {
    match bits & 3 {
        0 => 1,
        1 => 2,
        2 => 4,
        _ => 6,
    }
}

/// The next frame; `None` if it is no piece of the handshake.
fn frame<'a>(
    version: u16,
    number_len: usize,
    reader: &mut Reader<'a>,
) -> Result<Option<Piece<'a>>, Malformed> {
    match reader.u8()? {
        kind @ 0x80.. => return stream(version, kind, reader),
        // Before Q034 acknowledgements were of another form.
        kind @ 0x40..=0x7f if version >= 34 => ack(kind, reader)?,
        0x08 if version >= 47 => {
            let offset = number::read(reader)?;
            return Ok(Some((offset, number::read_vector(reader)?)));
        }
        // What the sender waits for no longer, counted back from this packet.
        0x06 if (34..44).contains(&version) => {
            reader.take(number_len)?;
        }
        0x07 => {}
        0x00 => {
            reader.skip_zeros();
        }
        _ => return Err(Malformed::Unsupported),
    }
    Ok(None)
}

/// `1fdooossB`: whether it ends, whether it has a length, lengths of the offset
/// and of the stream's number.
fn stream<'a>(version: u16, kind: u8, reader: &mut Reader<'a>) -> Result<Option<Piece<'a>>, Malformed> {
    let id = integer(version, reader.take(usize::from(kind & 3) + 1)?);
    let offset_len = match kind >> 2 & 7 {
        0 => 0,
        more => usize::from(more) + 1,
    };
    let offset = integer(version, reader.take(offset_len)?);
    let piece = if kind & 0x20 != 0 {
        let len = integer(version, reader.take(2)?);
        reader.take(usize::try_from(len).map_err(|_| Malformed::BeyondEnd)?)?
    } else {
        reader.rest()
    };
    Ok((id == CRYPTO_STREAM).then_some((offset, piece)))
}

/// `01n0llmm`: whether there are several blocks, lengths of the largest number
/// acknowledged and of a block.
fn ack(kind: u8, reader: &mut Reader<'_>) -> Result<(), Malformed> {
    let block_len = number_len(kind);
    reader.take(number_len(kind >> 2))?;
    // The delay.
    reader.take(2)?;
    let blocks = if kind & 0x20 != 0 { usize::from(reader.u8()?) } else { 0 };
    reader.take(block_len + blocks * (1 + block_len))?;
    // Times of arrival: of the first five bytes, of others three.
    let times = usize::from(reader.u8()?);
    reader.take(if times == 0 { 0 } else { 2 + 3 * times })?;
    Ok(())
}

/// A number of up to eight bytes: little-endian before Q039.
fn integer(version: u16, bytes: &[u8]) -> u64 {
    let shift = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
    if version < 39 { bytes.iter().rev().fold(0, shift) } else { bytes.iter().fold(0, shift) }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A client's packet of a version with these frames.
    fn packet(version: u8, frames: &[u8]) -> Vec<u8> {
        let head = [&[0x19, 1, 2, 3, 4, 5, 6, 7, 8][..], &Version::google(version).0.to_be_bytes()].concat();
        [&head[..], &[0, 1], &[7; HASH_LEN], frames].concat()
    }

    fn pieces(version: u8, frames: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let bytes = packet(version, frames);
        let Ok(Public::Clear(clear)) = Public::decode(&bytes, true) else { return Vec::new() };
        assert_eq!(clear.version, Version::google(version));
        clear.pieces().map(|(offset, piece)| (offset, piece.to_vec())).collect()
    }

    #[test]
    fn finds_the_handshake_among_frames() {
        let of = |frames: &[u8]| pieces(43, frames);
        assert_eq!(of(&[0xa0, 1, 0, 2, b'H', b'i', 0, 0]), [(0, b"Hi".to_vec())]);
        // An acknowledgement of two blocks with two times, and what is waited for.
        let acknowledged = [0x60, 9, 0, 0, 1, 1, 1, 1, 2, 1, 0, 0, 0, 1, 2, 0, 1, 0x06, 0, 1];
        let with_offset = [0xa4, 1, 0x02, 0x01, 0, 1, b'x'];
        assert_eq!(of(&[&acknowledged[..], &with_offset].concat()), [(0x0201, b"x".to_vec())]);
        assert_eq!(of(&[0x80, 1, b'x', b'y']), [(0, b"xy".to_vec())], "without a length it is all the rest");
        assert_eq!(of(&[0xa0, 5, 0, 1, b'x']), [], "of another stream");
        assert_eq!(of(&[0x01, 0xa0, 1, 0, 1, b'x']), [], "nothing is guessed after what is not known");
    }

    #[test]
    fn old_versions_have_flags_and_the_low_byte_first() {
        assert_eq!(pieces(25, &[0, 0xa0, 1, 2, 0, b'H', b'i']), [(0, b"Hi".to_vec())]);
        assert_eq!(pieces(35, &[0xa4, 1, 2, 1, 1, 0, b'x']), [(0x0102, b"x".to_vec())]);
    }

    #[test]
    fn a_server_offers_versions() {
        let bytes = [&[0x09, 1, 2, 3, 4, 5, 6, 7, 8][..], b"Q046Q043"].concat();
        assert_eq!(Public::decode(&bytes, false), Ok(Public::Negotiation(&[*b"Q046", *b"Q043"])));
        assert_eq!(Public::decode(&[0x0c; 40], false), Ok(Public::Other));
    }

    #[test]
    fn refuses_every_truncation() {
        let bytes = packet(43, &[]);
        for len in 0..bytes.len() {
            assert!(Public::decode(&bytes[..len], true).is_err(), "{len} bytes");
        }
        assert_eq!(Public::decode(&bytes, true).map(|_| ()), Ok(()));
        let frames = [0xa4, 1, 0, 0, 0, 1, b'x'];
        for len in 0..frames.len() {
            assert!(pieces(43, &frames[..len]).is_empty(), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>, version in 20_u8..60, number_len in 1_usize..7) {
            let clear = Clear { version: Version::google(version), number_len, frames: &bytes };
            prop_assert!(clear.pieces().count() <= bytes.len());
            let _ = (Public::decode(&bytes, true), Public::decode(&bytes, false));
        }
    }
}
