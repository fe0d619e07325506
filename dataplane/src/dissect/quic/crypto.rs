//! The handshake's stream out of the pieces that CRYPTO frames carry, in any order
//! and over any number of packets (RFC 9000 section 19.6).
//!
//! What was first at a place stays. Only bytes that came are kept, at most
//! [`STREAM_MAX`] of them, in at most [`PIECES_MAX`] pieces ahead of a gap.

use std::collections::BTreeMap;

/// The longest stream that is put together, in bytes, from its first byte on.
///
/// Hellos stay below 4 KiB, and receivers need not bear more out of order (RFC
/// 9000 section 7.5).
pub const STREAM_MAX: usize = 64 * 1024;

/// The most pieces that are kept ahead of a gap; browsers cut a hello into some
/// twenty, in one packet or two.
pub const PIECES_MAX: usize = 256;

/// A piece reaches beyond [`STREAM_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// One direction's stream.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// What follows what was taken, without a gap.
    ready: Vec<u8>,
    /// Where `ready` ends in the stream.
    end: usize,
    /// What is ahead of a gap, by where it begins; no two overlap.
    ahead: BTreeMap<usize, Vec<u8>>,
    ahead_len: usize,
}

impl Stream {
    /// Takes a piece; what of it was there before, or is too much, is left out.
    pub(super) fn put(&mut self, offset: u64, piece: &[u8]) -> Result<(), TooLong> {
        let offset = usize::try_from(offset).map_err(|_| TooLong)?;
        offset.checked_add(piece.len()).filter(|end| *end <= STREAM_MAX).ok_or(TooLong)?;
        if offset > self.end {
            self.put_ahead(offset, piece);
            return Ok(());
        }
        let mut new = piece.get(self.end - offset..).unwrap_or_default();
        // What is ahead lies behind the end: it was there before the new bytes.
        while let Some(ahead) = self.ahead.first_entry().filter(|ahead| *ahead.key() <= self.end + new.len())
        {
            let gap = *ahead.key() - self.end;
            let kept = ahead.remove();
            self.ahead_len -= kept.len();
            let (fills, rest) = new.split_at_checked(gap).unwrap_or((new, &[]));
            self.append(fills);
            self.append(&kept);
            new = rest.get(kept.len()..).unwrap_or_default();
        }
        self.append(new);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) {
        self.ready.extend_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Keeps the parts of a piece that lie in gaps.
    fn put_ahead(&mut self, mut offset: usize, mut piece: &[u8]) {
        if let Some((at, before)) = self.ahead.range(..=offset).next_back() {
            let covered = (at + before.len()).saturating_sub(offset).min(piece.len());
            piece = piece.get(covered..).unwrap_or_default();
            offset += covered;
        }
        while !piece.is_empty() && self.ahead.len() < PIECES_MAX {
            let next = self.ahead.range(offset..).next().map(|(at, after)| (*at, after.len()));
            let free = next.map_or(piece.len(), |(at, _)| (at - offset).min(piece.len()));
            let (fits, rest) = piece.split_at_checked(free).unwrap_or((piece, &[]));
            if !fits.is_empty() {
                self.ahead.insert(offset, fits.to_vec());
                self.ahead_len += fits.len();
            }
            let covered = next.map_or(0, |(_, len)| len.min(rest.len()));
            piece = rest.get(covered..).unwrap_or_default();
            offset += free + covered;
        }
    }

    /// What can be read.
    pub(super) fn ready(&self) -> &[u8] {
        &self.ready
    }

    /// So many bytes were read.
    pub(super) fn take(&mut self, len: usize) {
        self.ready.drain(..len.min(self.ready.len()));
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        self.ready.len() + self.ahead_len
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_in_any_order_give_the_stream() {
        let mut stream = Stream::default();
        for (offset, piece) in [(6, &b"world"[..]), (3, b"lo w"), (9, b"ld!"), (0, b"hel")] {
            assert_eq!(stream.put(offset, piece), Ok(()));
        }
        assert_eq!(stream.ready(), b"hello world!");
        assert!(stream.ahead.is_empty());
        stream.take(6);
        assert_eq!(stream.put(0, b"HELLO WORLD!!"), Ok(()));
        assert_eq!(stream.ready(), b"world!!", "what came first stays");
    }

    #[test]
    fn what_reaches_too_far_is_refused() {
        let mut stream = Stream::default();
        assert_eq!(stream.put(STREAM_MAX as u64 - 1, b"x"), Ok(()));
        assert_eq!(stream.put(STREAM_MAX as u64, b"x"), Err(TooLong));
        assert_eq!(stream.put(u64::MAX, b"x"), Err(TooLong));
        assert_eq!(stream.held(), 1, "memory comes with the bytes, not with their place");
    }

    proptest! {
        #[test]
        fn holds_no_more_than_its_bounds_and_reads_as_an_array(
            pieces in prop::collection::vec((0_u16..400, 0_usize..40), 0..600),
        ) {
            let (mut stream, mut array) = (Stream::default(), [None; 440]);
            for (at, (offset, len)) in pieces.into_iter().enumerate() {
                let piece = vec![u8::try_from(at % 251).unwrap_or_default(); len];
                prop_assert_eq!(stream.put(offset.into(), &piece), Ok(()));
                for (slot, byte) in array.iter_mut().skip(offset.into()).zip(piece) {
                    slot.get_or_insert(byte);
                }
                prop_assert!(stream.ahead.len() <= PIECES_MAX && stream.held() <= STREAM_MAX);
            }
            let expected: Vec<u8> = array.iter().map_while(|slot| *slot).collect();
            prop_assert_eq!(stream.ready(), &expected[..]);
            let ahead: usize = stream.ahead.values().map(Vec::len).sum();
            prop_assert_eq!(ahead, stream.ahead_len);
        }

        #[test]
        fn many_small_pieces_stay_few(offsets in prop::collection::vec(1_u16..60_000, 0..1000)) {
            let mut stream = Stream::default();
            for offset in offsets {
                prop_assert_eq!(stream.put(u64::from(offset) * 2 % 65_000, b"x"), Ok(()));
            }
            prop_assert!(stream.ahead.len() <= PIECES_MAX);
        }
    }
}
