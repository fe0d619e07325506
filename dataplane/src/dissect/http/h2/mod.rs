//! HTTP/2 over ordered bytes (RFC 9113), in the clear: spoken from the start, or
//! after an upgrade.
//!
//! Each stream is an exchange as HTTP/1 has them: rules are asked the same, files
//! are followed the same, and one record tells of it, with what HTTP/2 has of its
//! own beside it. What is said about the connection, its settings and its end, is a
//! record of stream 0.
//!
//! - `side`: one direction: frames; `frame`: their parts
//! - `hpack`, `huffman`: fields out of their blocks
//! - `streams`: what becomes of them; here: the dissector
//! - `detail`: what is told beside requests and responses
//!
//! The fields of a sender depend on all it has sent before: where a block is lost,
//! or does not read, nothing more is known of this side. A peer that reads on would
//! have to end the connection too.

mod detail;
mod frame;
mod hpack;
mod huffman;
mod side;
mod streams;
#[cfg(test)]
mod tests;

use super::HEAD_MAX;
use crate::dissect::{Dissector, Listener, Progress, body};
use crate::flow::Direction;
pub use detail::{ErrorCode, Frames, Http2 as Http2Detail, setting_name};
use side::{Side, Stage};
use streams::Streams;

/// The longest frame that is kept, in bytes of its payload. Without another
/// setting 16 KiB are allowed; bodies, which may be longer, are not kept.
pub const FRAME_MAX: usize = 64 * 1024;

/// The longest block of fields that is put together, in bytes as it is sent.
pub const BLOCK_MAX: usize = HEAD_MAX;

/// The most frames that a block goes on in. With frames of 16 KiB, the longest
/// block has three; more are a flood that costs who puts them together.
pub const CONTINUATIONS_MAX: usize = 32;

/// The most streams that are followed at a time; with one more, the oldest is told
/// as it stands. Servers allow 100 to 256.
pub const STREAMS_MAX: usize = 1024;

/// The most memory that streams take, in bytes, unless one alone takes more; above
/// it the oldest is told as it stands.
pub const STREAMS_HELD_MAX: usize = 8 << 20;

/// The most records about the connection itself.
pub const CONNECTION_RECORDS_MAX: usize = 32;

/// The most memory held, in bytes.
pub const HELD_MAX: usize = 2 * side::HELD_MAX + STREAMS_HELD_MAX + body::HELD_MAX + 4 * HEAD_MAX;

/// One connection.
#[derive(Debug)]
pub struct Http2 {
    client: Side,
    server: Side,
    streams: Streams,
}

impl Http2 {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        Self { client: Side::client(), server: Side::server(), streams: Streams::default() }
    }

    fn side(&mut self, direction: Direction) -> (&mut Side, &mut Streams) {
        match direction {
            Direction::Up => (&mut self.client, &mut self.streams),
            Direction::Down => (&mut self.server, &mut self.streams),
        }
    }

    fn progress(&self) -> Progress {
        if self.client.stage == Stage::Lost && self.server.stage == Stage::Lost {
            Progress::Malformed
        } else {
            Progress::More
        }
    }
}

impl Default for Http2 {
    fn default() -> Self {
        Self::new()
    }
}

impl Dissector for Http2 {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        let (side, streams) = self.side(direction);
        side.feed(bytes, &mut |said| streams.take(direction, said, listener));
        self.progress()
    }

    fn gap(&mut self, direction: Direction, len: u64, listener: &mut dyn Listener) -> Progress {
        let (side, streams) = self.side(direction);
        side.gap(len, &mut |said| streams.take(direction, said, listener));
        self.progress()
    }

    fn close(&mut self, listener: &mut dyn Listener) {
        self.streams.close(listener);
    }

    fn held(&self) -> usize {
        self.client.held() + self.server.held() + self.streams.held()
    }
}
