//! Capture files as a port: pcap and pcapng read, judged, and written again.
//!
//! Packets come with the time at which they were captured, which is the only
//! clock of a replay. What the worker sends, that is what it accepted, goes to
//! a [`Writer`] if there is one: in order, with its time, its link type, and the
//! length that it had on the wire.
//!
//! - [`reader`](Reader): records out of a file or a pipe
//! - `window`: the bytes in memory
//! - `pcap`: a header and records
//! - `pcapng`: blocks, interfaces, clocks
//! - [`writer`](Writer): records into a file or a pipe

mod pcap;
mod pcapng;
mod reader;
mod window;
mod writer;

use std::ffi::OsStr;
use std::io;
use std::path::Path;

pub use reader::{Format, Reader, Record};
pub use writer::Writer;

use super::ledger::Ledger;
use super::{BURST_MAX, Parcel, Port, PortCounters, Supply, length};
use crate::time::Timestamp;
use crate::xsk::{Frame, Layout, Pool};

/// Packet memory for a replay.
///
/// A chunk holds the longest packet that tools write (262,144 bytes) after the
/// headroom. Memory that no packet reaches is never touched and costs nothing.
/// The size is an odd number of cache lines, so that the headers of a burst
/// spread over all sets of the cache; at a power of two they share a few.
pub const LAYOUT: Layout = Layout { chunks: 1024, chunk_size: 262_144 + 320, headroom: 256 };

const _: () = assert!(LAYOUT.chunk_size / 64 % 2 == 1, "an odd number of cache lines");

/// Why a capture cannot be read or written at all.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// It cannot be opened, or its first bytes cannot be read.
    #[error("cannot read {path}: {source}")]
    Open {
        /// Which.
        path: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// It is something else.
    #[error("{path} is not a capture: expected pcap or pcapng, found {found}")]
    NotACapture {
        /// Which.
        path: String,
        /// What it begins with.
        found: String,
    },
    /// It cannot be created.
    #[error("cannot create {path}: {source}")]
    Create {
        /// Which.
        path: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// Writing would destroy the capture that is being read.
    #[error("{path} is the capture that is being read; write to another file")]
    SameFile {
        /// Which.
        path: String,
    },
    /// It could not be written to its end.
    #[error("cannot write {path}: {source}; it is incomplete")]
    Write {
        /// Which.
        path: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Why a capture ended before its end. All packets before were delivered.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It stops in the middle of a record, as when its writer was killed.
    #[error("{path} is cut short after packet {after}")]
    CutShort {
        /// Which.
        path: String,
        /// The number of the last packet.
        after: u64,
    },
    /// A record cannot be what it claims to be, so what follows cannot be found.
    #[error("{path} is corrupt after packet {after}: {what}; what follows is not read")]
    Corrupt {
        /// Which.
        path: String,
        /// The number of the last packet.
        after: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The kernel could not read on.
    #[error("cannot read {path} after packet {after}: {source}")]
    Read {
        /// Which.
        path: String,
        /// The number of the last packet.
        after: u64,
        /// What the kernel said.
        source: io::Error,
    },
}

/// A capture as a port.
pub struct CapturePort<'u> {
    reader: Reader,
    writer: Option<Writer>,
    /// A packet that is written and lies in several chunks, put together.
    joined: Vec<u8>,
    ledger: Ledger<'u>,
}

impl CapturePort<'_> {
    /// Opens a capture; `-` is standard input.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Reader::open(path).map(Self::new)
    }

    /// A port over a capture that is open already.
    pub fn new(reader: Reader) -> Self {
        Self { reader, writer: None, joined: Vec::new(), ledger: Ledger::default() }
    }

    /// Writes what is sent to `path`; `-` is standard output.
    ///
    /// The name tells the format: `.pcap` (which holds one link type, that of
    /// the packet which is read next) or `.pcapng`; with any other name it is
    /// that of the input.
    pub fn write_to(&mut self, path: &Path) -> Result<(), CaptureError> {
        let format = match path.extension().and_then(OsStr::to_str) {
            Some("pcap") => Format::Pcap,
            Some("pcapng") => Format::Pcapng,
            _ => self.reader.format(),
        };
        let link = self.reader.link();
        self.writer = Some(Writer::create(path, format, link, Some(&self.reader))?);
        Ok(())
    }

    /// Writes what is sent to `writer`.
    pub fn write_with(&mut self, writer: Writer) {
        self.writer = Some(writer);
    }

    /// Brings everything that was sent to its file, and says what went wrong,
    /// now or before. Call it when the supply has ended.
    pub fn finish(&mut self) -> Result<(), CaptureError> {
        self.writer.as_mut().map_or(Ok(()), Writer::finish)
    }

    /// What ended the capture before its end, once the supply has ended.
    pub fn fault(&self) -> Option<&Fault> {
        self.reader.fault()
    }

    /// What is read: its name, how many packets and how many bytes of it were
    /// read so far.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }
}

impl<'u> Port<'u> for CapturePort<'u> {
    /// Stamps each packet with the time and the link that the capture says.
    fn receive(&mut self, pool: &mut Pool<'u>, _now: Timestamp, burst: &mut Vec<Parcel<'u>>) -> Supply {
        let first = burst.len();
        while burst.len() < BURST_MAX {
            let Some(Record { link, at, wire_len, bytes }) = self.reader.peek() else {
                return if burst.len() > first { Supply::Open } else { Supply::Ended };
            };
            let Some(frame) = self.ledger.copy_in(pool, bytes) else { break };
            self.reader.advance();
            burst.push(Parcel { frame, at, wire_len, link });
        }
        Supply::Open
    }

    /// Writes the packet, if there is a writer; refuses it when that has
    /// failed, which [`CapturePort::finish`] tells.
    fn send(&mut self, parcel: Parcel<'u>) -> Result<(), Frame<'u>> {
        let Parcel { frame, at, wire_len, link } = parcel;
        let Some(writer) = &mut self.writer else {
            self.ledger.sent(frame);
            return Ok(());
        };
        let bytes = if frame.is_contiguous() {
            frame.bytes()
        } else {
            self.joined.clear();
            frame.copy_all(&mut self.joined);
            &self.joined
        };
        if !writer.write(&Record { link, at, wire_len, bytes }) {
            return Err(self.ledger.refused(frame));
        }
        self.ledger.sent(frame);
        Ok(())
    }

    fn flush(&mut self, pool: &mut Pool<'u>) {
        self.ledger.flush(pool);
    }

    fn frames_held(&self) -> usize {
        self.ledger.held()
    }

    fn counters(&self) -> PortCounters {
        self.ledger.counters
    }
}

#[cfg(test)]
mod tests;
