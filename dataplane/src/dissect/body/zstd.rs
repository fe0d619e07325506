//! Zstandard (RFC 8878), as a content coding (RFC 9659).
//!
//! A block is decoded once it is complete; what is decoded comes out once the
//! window has passed, or at the end of the frame, as the library has it.

use std::fmt;
use std::ops::ControlFlow;

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::stage::{Out, Step};

/// The largest window that a content coding may ask for (RFC 9659, section 3).
const WINDOW_MAX: usize = 8 << 20;

/// The longest block's content, in bytes (RFC 8878, section 3.1.1.2.3).
const BLOCK_MAX: usize = 128 << 10;

/// The most that is held, in bytes: the window with what is decoded beyond it, as
/// it grows; a block; the tables of codes.
pub(super) const HELD_MAX: usize = 3 * WINDOW_MAX + 4 * BLOCK_MAX;

const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// Of frames that carry no content: this, but for the lowest four bits.
const SKIPPABLE: u32 = 0x184d_2a50;
const BLOCK_HEADER_LEN: usize = 3;
const CHECKSUM_LEN: usize = 4;

/// The last block of a frame, without content: a raw block of no bytes. A
/// checksum, which nobody verifies, may be read behind it.
const LAST_BLOCK: [u8; BLOCK_HEADER_LEN + CHECKSUM_LEN] = [1, 0, 0, 0, 0, 0, 0];

/// Where in the format the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the header of a frame; whether it is the first.
    Header { is_first: bool },
    /// In a frame that is skipped, so many bytes before its end.
    Skipped(u32),
    /// At the header of a block.
    Block,
    /// Behind the last frame.
    Behind,
}

/// One body.
pub(super) struct Zstd {
    frame: Box<FrameDecoder>,
    place: Place,
    /// Whether the frame has a checksum behind its last block.
    has_checksum: bool,
    /// The header or block that is not complete.
    kept: Vec<u8>,
    /// Bytes that have been decoded of this frame, for reckoning what is held.
    decoded: usize,
}

impl Zstd {
    pub(super) fn new() -> Self {
        let mut frame = Box::new(FrameDecoder::new());
        frame.set_max_window_size(WINDOW_MAX as u64);
        let place = Place::Header { is_first: true };
        Self { frame, place, has_checksum: false, kept: Vec::new(), decoded: 0 }
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8], out: &mut Out<'_>) -> Step {
        loop {
            if let Place::Skipped(left) = self.place {
                let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                bytes = bytes.get(skipped..).unwrap_or_default();
                let left = left.saturating_sub(u32::try_from(skipped).unwrap_or(u32::MAX));
                if left > 0 {
                    self.place = Place::Skipped(left);
                    return Step::More;
                }
                self.place = Place::Header { is_first: false };
            }
            // What is needed next is known from what is there.
            let needed = match self.needed() {
                Ok(needed) => needed,
                Err(step) => return self.fail(step, out),
            };
            if let Some(missing) = needed.checked_sub(self.kept.len()).filter(|missing| *missing > 0) {
                let (piece, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
                self.kept.extend_from_slice(piece);
                bytes = rest;
                if piece.len() < missing {
                    return Step::More;
                }
                continue;
            }
            if let Err(step) = self.take(out) {
                return self.fail(step, out);
            }
            self.kept.clear();
        }
    }

    /// What is decoded and still waits for the window to pass; `Ended` if all
    /// frames were complete.
    pub(super) fn end(&mut self, out: &mut Out<'_>) -> Step {
        match self.place {
            Place::Header { is_first: false } if self.kept.is_empty() => Step::Ended,
            Place::Behind => Step::Ended,
            _ => self.fail(Step::Failed, out),
        }
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        self.kept.capacity() + self.decoded.min(HELD_MAX - BLOCK_MAX - 64)
    }

    /// Bytes of the header or block here, as far as it shows in those kept: at
    /// least one more than are kept, or all.
    fn needed(&self) -> Result<usize, Step> {
        match (self.place, &*self.kept) {
            (Place::Behind, _) => Err(Step::Ended),
            (Place::Block, &[low, middle, high, ..]) => {
                let header = u32::from_le_bytes([low, middle, high, 0]);
                let (is_last, kind, size) = (header & 1 == 1, header >> 1 & 3, header >> 3);
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let content = match kind {
                    // One byte, repeated.
                    1 if size <= BLOCK_MAX => 1,
                    0 | 2 if size <= BLOCK_MAX => size,
                    _ => return Err(Step::Failed),
                };
                let checksum = if is_last && self.has_checksum { CHECKSUM_LEN } else { 0 };
                Ok(BLOCK_HEADER_LEN + content + checksum)
            }
            (Place::Block, _) => Ok(BLOCK_HEADER_LEN),
            (_, kept) => header_len(kept).map_err(|()| {
                // Bytes behind a complete frame are of no interest.
                if self.place == (Place::Header { is_first: true }) { Step::Failed } else { Step::Ended }
            }),
        }
    }

    /// Takes the header or block that is complete.
    fn take(&mut self, out: &mut Out<'_>) -> Result<(), Step> {
        if self.place != Place::Block {
            if let [_, _, _, _, l0, l1, l2, l3] = *self.kept
                && !self.kept.starts_with(&MAGIC)
            {
                self.place = Place::Skipped(u32::from_le_bytes([l0, l1, l2, l3]));
                return Ok(());
            }
            self.frame.reset(&*self.kept).map_err(|_| Step::Failed)?;
            self.has_checksum = self.kept.get(MAGIC.len()).is_some_and(|flags| flags & 0x04 != 0);
            self.place = Place::Block;
            self.decoded = 0;
            return Ok(());
        }
        let is_last = self
            .frame
            .decode_blocks(&*self.kept, BlockDecodingStrategy::UptoBlocks(1))
            .map_err(|_| Step::Failed)?;
        self.decoded = self.decoded.saturating_add(BLOCK_MAX);
        if is_last {
            self.place = Place::Header { is_first: false };
        }
        self.collect(out)
    }

    /// Gives out what the library lets go of.
    fn collect(&mut self, out: &mut Out<'_>) -> Result<(), Step> {
        let mut taker = Taker { out, flow: ControlFlow::Continue(()) };
        let _ = self.frame.collect_to_writer(&mut taker);
        if taker.flow.is_break() { Err(Step::Stopped) } else { Ok(()) }
    }

    /// Ends the frame where it stands, so that what is decoded of it comes out.
    fn fail(&mut self, step: Step, out: &mut Out<'_>) -> Step {
        if step == Step::Failed && self.place == Place::Block {
            self.place = Place::Behind;
            let ended = self.frame.decode_blocks(&LAST_BLOCK[..], BlockDecodingStrategy::UptoBlocks(1));
            if ended.is_ok() && self.collect(out).is_err() {
                return Step::Stopped;
            }
        }
        step
    }
}

/// The length of a frame's header, as far as it shows in these bytes; of a frame
/// that is skipped, with its length.
fn header_len(kept: &[u8]) -> Result<usize, ()> {
    let Some((magic, rest)) = kept.split_first_chunk::<4>() else { return Ok(MAGIC.len()) };
    if u32::from_le_bytes(*magic) & !0x0f == SKIPPABLE {
        return Ok(8);
    }
    if *magic != MAGIC {
        return Err(());
    }
    let Some(flags) = rest.first() else { return Ok(MAGIC.len() + 1) };
    let is_single_segment = flags & 0x20 != 0;
    let window = usize::from(!is_single_segment);
    let dictionary = [0, 1, 2, 4].get(usize::from(flags & 3)).copied().unwrap_or(0);
    let content_size = match flags >> 6 {
        0 => usize::from(is_single_segment),
        power => 1 << power,
    };
    Ok(MAGIC.len() + 1 + window + dictionary + content_size)
}

/// Where the library writes to.
struct Taker<'a, 'b> {
    out: &'a mut Out<'b>,
    flow: ControlFlow<()>,
}

impl std::io::Write for Taker<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.flow.is_continue() && !bytes.is_empty() {
            self.flow = (self.out)(bytes);
        }
        // Also what is not wanted has to leave the library.
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").field("place", &self.place).finish_non_exhaustive()
    }
}
