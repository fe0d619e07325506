//! gzip (RFC 1952), zlib (RFC 1950) and bare deflate (RFC 1951), whichever the
//! first bytes show.

use flate2::{Decompress, FlushDecompress, Status};

use super::Coding;
use super::stage::{Out, Step};

/// The window of deflate and the tables of its codes, in bytes, as flate2 has them.
pub(super) const HELD_MAX: usize = 48 * 1024;

/// Bytes that are inflated at a time.
const PIECE: usize = 8 * 1024;

/// Of a member of gzip: checksum and length behind the content.
const GZIP_TRAILER_LEN: u8 = 8;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const METHOD_DEFLATE: u8 = 8;

// The flags of a member of gzip (RFC 1952, section 2.3.1).
const FLAG_CHECKSUM: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;

/// Where in the format the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the very start; the byte before, if there was one.
    Start(Option<u8>),
    /// In the header of a member of gzip, so many bytes into its fixed part.
    Fixed(u8),
    /// In the length of the extra field; what is known of it.
    ExtraLen(Option<u8>),
    /// In the extra field, so many bytes before its end.
    Extra(u16),
    Name,
    Comment,
    /// In the header's checksum, so many bytes before its end.
    Checksum(u8),
    /// In what is deflated.
    Content,
    /// In the trailer, so many bytes before its end.
    Trailer(u8),
    /// Behind a member; whether the last byte began another.
    Between(bool),
    /// Behind the last.
    Behind,
}

/// One body, deflated somehow.
#[derive(Debug)]
pub(super) struct Inflate {
    deflate: Box<Decompress>,
    place: Place,
    /// The flags of the member of gzip whose header this is.
    flags: u8,
    /// Whether the content is a member of gzip.
    is_gzip: bool,
    /// Whether content without any header is expected.
    may_be_bare: bool,
}

impl Inflate {
    pub(super) fn new(coding: Coding) -> Self {
        Self {
            deflate: Box::new(Decompress::new(false)),
            place: Place::Start(None),
            flags: 0,
            is_gzip: false,
            may_be_bare: coding == Coding::Deflate,
        }
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8], out: &mut Out<'_>) -> Step {
        while !bytes.is_empty() {
            match self.place {
                Place::Behind => return Step::Ended,
                Place::Content => match self.inflate(bytes, out) {
                    Ok(rest) => bytes = rest,
                    Err(step) => return step,
                },
                _ => {
                    let Some((byte, rest)) = bytes.split_first() else { break };
                    if let Err(step) = self.frame(*byte, out) {
                        return step;
                    }
                    bytes = rest;
                }
            }
        }
        if self.place == Place::Behind { Step::Ended } else { Step::More }
    }

    /// Whether what has come is complete. A trailer may be missing.
    pub(super) fn end(&self) -> Step {
        match self.place {
            Place::Trailer(_) | Place::Between(_) | Place::Behind => Step::Ended,
            _ => Step::Failed,
        }
    }

    /// Takes a byte of what is around the content.
    fn frame(&mut self, byte: u8, out: &mut Out<'_>) -> Result<(), Step> {
        self.place = match self.place {
            Place::Start(None) => Place::Start(Some(byte)),
            Place::Start(Some(first)) => return self.start([first, byte], out),
            Place::Fixed(2) if byte != METHOD_DEFLATE => return Err(Step::Failed),
            Place::Fixed(at) => {
                if at == 3 {
                    self.flags = byte;
                }
                if at < 9 { Place::Fixed(at + 1) } else { self.after(FLAG_EXTRA) }
            }
            Place::ExtraLen(None) => Place::ExtraLen(Some(byte)),
            Place::ExtraLen(Some(low)) => match u16::from_le_bytes([low, byte]) {
                0 => self.after(FLAG_NAME),
                len => Place::Extra(len),
            },
            Place::Extra(left) if left > 1 => Place::Extra(left - 1),
            Place::Extra(_) => self.after(FLAG_NAME),
            Place::Name if byte == 0 => self.after(FLAG_COMMENT),
            Place::Comment if byte == 0 => self.after(FLAG_CHECKSUM),
            Place::Checksum(left) if left > 1 => Place::Checksum(left - 1),
            Place::Checksum(_) => Place::Content,
            Place::Trailer(left) if left > 1 => Place::Trailer(left - 1),
            Place::Trailer(_) => Place::Between(false),
            Place::Between(true) if byte == GZIP_MAGIC[1] => {
                self.deflate.reset(false);
                Place::Fixed(2)
            }
            // Tapes were padded with zeros, and so are some members.
            Place::Between(false) if byte == 0 => Place::Between(false),
            Place::Between(false) if byte == GZIP_MAGIC[0] => Place::Between(true),
            Place::Between(_) => Place::Behind,
            same @ (Place::Name | Place::Comment | Place::Content | Place::Behind) => same,
        };
        Ok(())
    }

    /// The next part of a header from here on that its flags announce.
    fn after(&self, from: u8) -> Place {
        // In this order they stand, which is not that of the bits.
        let parts = [
            (FLAG_EXTRA, Place::ExtraLen(None)),
            (FLAG_NAME, Place::Name),
            (FLAG_COMMENT, Place::Comment),
            (FLAG_CHECKSUM, Place::Checksum(2)),
        ];
        let mut rest = parts.into_iter().skip_while(|(flag, _)| *flag != from);
        rest.find(|(flag, _)| self.flags & flag != 0).map_or(Place::Content, |(_, place)| place)
    }

    /// What the first two bytes show.
    fn start(&mut self, first: [u8; 2], out: &mut Out<'_>) -> Result<(), Step> {
        let [low, high] = first;
        // The method in the lower half, a window of at most 32 KiB in the upper; no
        // dictionary; and both together a multiple of 31 (RFC 1950, section 2.2).
        let is_zlib = low & 0x0f == METHOD_DEFLATE
            && low >> 4 <= 7
            && high & 0x20 == 0
            && u16::from_be_bytes(first).is_multiple_of(31);
        if first == GZIP_MAGIC {
            self.is_gzip = true;
            self.place = Place::Fixed(2);
        } else if is_zlib {
            self.place = Place::Content;
        } else if self.may_be_bare {
            self.place = Place::Content;
            self.inflate(&first, out)?;
        } else {
            return Err(Step::Failed);
        }
        Ok(())
    }

    /// Inflates bytes of the content; the rest is behind it.
    fn inflate<'a>(&mut self, bytes: &'a [u8], out: &mut Out<'_>) -> Result<&'a [u8], Step> {
        let mut piece = [0; PIECE];
        let mut rest = bytes;
        loop {
            let (taken, made) = (self.deflate.total_in(), self.deflate.total_out());
            let status = self.deflate.decompress(rest, &mut piece, FlushDecompress::None);
            let taken = usize::try_from(self.deflate.total_in() - taken).unwrap_or(usize::MAX);
            let made = usize::try_from(self.deflate.total_out() - made).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
            let inflated = piece.get(..made).unwrap_or_default();
            if !inflated.is_empty() && out(inflated).is_break() {
                return Err(Step::Stopped);
            }
            match status {
                Err(_) => return Err(Step::Failed),
                Ok(Status::StreamEnd) => {
                    self.place = if self.is_gzip { Place::Trailer(GZIP_TRAILER_LEN) } else { Place::Behind };
                    return Ok(rest);
                }
                Ok(_) if taken == 0 && made == 0 => return Ok(&[]),
                // A full piece may have left more in the window.
                Ok(_) if rest.is_empty() && made < PIECE => return Ok(rest),
                Ok(_) => {}
            }
        }
    }
}
