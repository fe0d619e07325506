//! Frames that an Initial packet may hold (RFC 9000 sections 12.4 and 19).
//!
//! Others are not read: a packet that has one is broken.

use super::super::Malformed;
use super::super::reader::Reader;
use super::number;

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// So many bytes of padding.
    Padding(usize),
    /// Asks for an acknowledgement.
    Ping,
    /// Acknowledges packets up to this number.
    Ack(u64),
    /// A piece of the handshake.
    Crypto {
        /// Where in the stream of handshake messages it begins, in bytes.
        offset: u64,
        /// The piece.
        piece: &'a [u8],
    },
    /// The connection ends.
    Close {
        /// Why (RFC 9000 section 20.1); from 0x100 on an alert of TLS.
        code: u64,
        /// The same in words.
        reason: &'a [u8],
    },
}

/// The frames of a decrypted packet; ends after what does not decode.
#[derive(Clone, Debug)]
pub struct Frames<'a>(Option<Reader<'a>>);

impl<'a> Frames<'a> {
    /// Of what a packet holds.
    pub const fn new(payload: &'a [u8]) -> Self {
        Self(Some(Reader::new(payload)))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.0.as_mut().filter(|reader| !reader.is_empty())?;
        let frame = read(reader);
        if frame.is_err() {
            self.0 = None;
        }
        Some(frame)
    }
}

fn read<'a>(reader: &mut Reader<'a>) -> Result<Frame<'a>, Malformed> {
    match number::read(reader)? {
        0x00 => Ok(Frame::Padding(1 + reader.skip_zeros())),
        0x01 => Ok(Frame::Ping),
        kind @ 0x02..=0x03 => {
            let (largest, _delay) = (number::read(reader)?, number::read(reader)?);
            let ranges = number::read(reader)?;
            number::read(reader)?;
            // Of each a gap and a length; then, in the other form, three counts.
            let counts = if kind == 0x03 { 3 } else { 0 };
            for _ in 0..ranges.saturating_mul(2).saturating_add(counts) {
                number::read(reader)?;
            }
            Ok(Frame::Ack(largest))
        }
        0x06 => {
            let offset = number::read(reader)?;
            Ok(Frame::Crypto { offset, piece: number::read_vector(reader)? })
        }
        0x1c => {
            let (code, _frame) = (number::read(reader)?, number::read(reader)?);
            Ok(Frame::Close { code, reason: number::read_vector(reader)? })
        }
        _ => Err(Malformed::Unsupported),
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMPLE: &[u8] = &[
        0, 0, 1, 2, 5, 0, 1, 0, 1, 1, 3, 5, 0, 0, 0, 1, 2, 3, 6, 0x40, 9, 2, 7, 8, 0x1c, 0x41, 0x28, 6, 1,
        b'x',
    ];

    #[test]
    fn decodes_each_frame_of_a_packet() {
        let frames: Vec<_> = Frames::new(SAMPLE).collect();
        let expected = [
            Frame::Padding(2),
            Frame::Ping,
            Frame::Ack(5),
            Frame::Ack(5),
            Frame::Crypto { offset: 9, piece: &[7, 8] },
            Frame::Close { code: 0x128, reason: b"x" },
        ];
        assert_eq!(frames, expected.map(Ok));
    }

    #[test]
    fn refuses_every_truncation_and_ends_there() {
        for len in 0..SAMPLE.len() {
            let frames: Vec<_> = Frames::new(&SAMPLE[..len]).collect();
            let broken = frames.iter().position(Result::is_err);
            assert!(broken.is_none_or(|at| at == frames.len() - 1), "{len} bytes");
            let ends = [0, 1, 2, 3, 10, 18, 24];
            assert_eq!(broken.is_none(), ends.contains(&len), "{len} bytes");
        }
    }

    #[test]
    fn a_frame_that_an_initial_cannot_have_breaks_it() {
        assert_eq!(Frames::new(&[8, 0, 0]).next(), Some(Err(Malformed::Unsupported)));
        assert_eq!(Frames::new(&[6, 0, 0x7f, 0xff]).next(), Some(Err(Malformed::BeyondEnd)));
        assert_eq!(Frames::new(&[2, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]).count(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes: Vec<u8>) {
            prop_assert!(Frames::new(&bytes).count() <= bytes.len());
        }
    }
}
