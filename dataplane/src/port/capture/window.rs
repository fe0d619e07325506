//! The bytes of a capture that are in memory: a buffer that slides over a file
//! or a pipe.
//!
//! A record is parsed only once all of it is here, so that a parser which still
//! asks for more has met a lie and not a boundary. The buffer grows to the
//! longest record, but no faster than bytes arrive: a length that lies costs
//! no memory.

use std::io::{self, Read};

/// Large enough that calls into the kernel vanish in the cost of the packets,
/// small enough to stay in a core's second-level cache.
const WINDOW_LEN: usize = 256 * 1024;

/// A sliding view of what is read.
pub(super) struct Window {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    input_ended: bool,
    /// Bytes that were consumed, ever.
    consumed: u64,
}

impl Window {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input, buffer: vec![0; WINDOW_LEN], start: 0, end: 0, input_ended: false, consumed: 0 }
    }

    /// What has been read and not consumed.
    pub(super) fn available(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until `len` bytes are available; `false` when the input ends first.
    pub(super) fn need(&mut self, len: usize) -> io::Result<bool> {
        while self.end - self.start < len {
            if self.input_ended {
                return Ok(false);
            }
            self.make_room(len);
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.input.read(room) {
                Ok(0) => self.input_ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Steps over `len` bytes that are available.
    pub(super) fn consume(&mut self, len: usize) {
        assert!(len <= self.end - self.start, "only what is available can be consumed");
        self.start += len;
        self.consumed += len as u64;
    }

    /// How far into the input the first available byte is.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Moves what is available to the front, and grows a buffer that is full.
    fn make_room(&mut self, len: usize) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(len.min(2 * self.buffer.len()), 0);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Gives one byte more at each read, as a slow pipe may.
    struct Trickle(Vec<u8>, usize);

    impl Read for Trickle {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(3) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let len = self.1.min(room.len()).min(self.0.len());
            room[..len].copy_from_slice(&self.0[..len]);
            self.0.drain(..len);
            Ok(len)
        }
    }

    fn numbered(len: usize) -> Vec<u8> {
        (0..=250).cycle().take(len).collect()
    }

    #[test]
    fn gives_every_byte_once_however_it_is_read() {
        let bytes = numbered(5_000);
        let mut window = Window::new(Box::new(Trickle(bytes.clone(), 0)));
        let mut seen = Vec::new();
        for len in (1..).take_while(|len| len * (len + 1) / 2 <= 5_000) {
            assert!(window.need(len).unwrap());
            seen.extend_from_slice(&window.available()[..len]);
            window.consume(len);
        }
        assert_eq!(seen, bytes[..seen.len()]);
        assert_eq!(window.consumed(), seen.len() as u64);
        assert!(!window.need(5_001 - seen.len()).unwrap());
        assert_eq!(window.available(), &bytes[seen.len()..]);
    }

    #[test]
    fn grows_to_a_long_record_but_not_to_a_lie() {
        let bytes = numbered(3 * WINDOW_LEN);
        let mut window = Window::new(Box::new(io::Cursor::new(bytes.clone())));
        assert!(window.need(10).unwrap());
        window.consume(10);
        assert!(window.need(3 * WINDOW_LEN - 10).unwrap());
        assert_eq!(window.available(), &bytes[10..]);

        let mut window = Window::new(Box::new(io::Cursor::new(numbered(WINDOW_LEN + 1))));
        assert!(!window.need(1 << 50).unwrap());
        assert_eq!((window.available().len(), window.buffer.len()), (WINDOW_LEN + 1, 2 * WINDOW_LEN));
    }
}
