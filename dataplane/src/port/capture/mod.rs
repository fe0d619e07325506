//! Capture files as a port: pcap and pcapng read, judged, and written again.
//!
//! Packets come with the time at which they were captured, which is the only
//! clock of a replay. What the worker sends, that is what it accepted, goes to
//! a [`Writer`] if there is one: in order, with its time, its link type, and the
//! length that it had on the wire.
//!
//! - [`reader`](Reader): records out of a file or a pipe
//! - `window`: the bytes in memory
//! - `pcapng`: blocks, interfaces, clocks
//! - [`writer`](Writer): records into a file or a pipe

mod pcapng;
mod reader;
mod window;
mod writer;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

pub use reader::{Format, Reader, Record};
pub use writer::Writer;

use super::{Arrival, BURST_MAX, Port, PortCounters, Supply};
use crate::time::Timestamp;
use crate::wire::LinkType;
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
    /// The link of the last burst.
    link: LinkType,
    /// The link of the first packet: what a frame has if `origins` does not
    /// name it.
    usual_link: LinkType,
    writer: Option<Writer>,
    /// What a frame cannot say of itself, by the address of its bytes. Only
    /// frames that were cut, or are of another link than the first, are here;
    /// an entry lasts until its chunk holds the next packet.
    origins: HashMap<usize, Origin>,
    /// Sent frames that wait for the flush.
    done: Vec<Frame<'u>>,
    counters: PortCounters,
}

/// What is to be written of a frame beside its bytes.
#[derive(Clone, Copy)]
struct Origin {
    link: LinkType,
    /// How many bytes were on the wire that the frame does not hold.
    missing: u32,
}

impl CapturePort<'_> {
    /// Opens a capture; `-` is standard input.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Reader::open(path).map(Self::new)
    }

    /// A port over a capture that is open already.
    pub fn new(mut reader: Reader) -> Self {
        let link = reader.link();
        Self {
            reader,
            link,
            usual_link: link,
            writer: None,
            origins: HashMap::new(),
            done: Vec::new(),
            counters: PortCounters::default(),
        }
    }

    /// Writes what is sent to `path`; `-` is standard output.
    ///
    /// The name tells the format: `.pcap` (which holds one link type) or
    /// `.pcapng`; with any other name it is that of the input.
    pub fn write_to(&mut self, path: &Path) -> Result<(), CaptureError> {
        let format = match path.extension().and_then(OsStr::to_str) {
            Some("pcap") => Format::Pcap,
            Some("pcapng") => Format::Pcapng,
            _ => self.reader.format(),
        };
        let link = self.usual_link;
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

    /// Keeps, or forgets, what the frame cannot say of itself.
    fn note(&mut self, frame: &Frame<'_>, origin: Origin) {
        let at = frame.bytes().as_ptr().addr();
        if origin.missing > 0 || origin.link != self.usual_link {
            self.origins.insert(at, origin);
        } else if !self.origins.is_empty() {
            self.origins.remove(&at);
        }
    }

    fn origin(&self, frame: &Frame<'_>) -> Origin {
        let usual = Origin { link: self.usual_link, missing: 0 };
        if self.origins.is_empty() {
            return usual;
        }
        self.origins.get(&frame.bytes().as_ptr().addr()).copied().unwrap_or(usual)
    }
}

impl<'u> Port<'u> for CapturePort<'u> {
    fn link(&self) -> LinkType {
        self.link
    }

    fn receive(&mut self, pool: &mut Pool<'u>, _now: Timestamp, burst: &mut Vec<Arrival<'u>>) -> Supply {
        let first = burst.len();
        while burst.len() < BURST_MAX {
            let Some(record) = self.reader.peek() else {
                return if burst.len() > first { Supply::Open } else { Supply::Ended };
            };
            let Record { link, at, wire_len, bytes } = record;
            if link != self.link && burst.len() > first {
                break;
            }
            let Some(mut frame) = pool.take() else {
                self.counters.rx_starved += 1;
                break;
            };
            let fits = bytes.get(..frame.capacity()).unwrap_or(bytes);
            let filled = frame.fill(fits);
            debug_assert!(filled, "cut to the capacity");
            self.counters.rx_cut += u64::from(fits.len() < bytes.len());
            self.counters.rx_packets += 1;
            self.counters.rx_bytes += fits.len() as u64;
            self.link = link;
            self.reader.advance();
            let missing = wire_len.saturating_sub(u32::try_from(frame.len()).unwrap_or(u32::MAX));
            self.note(&frame, Origin { link, missing });
            burst.push(Arrival { frame, at, wire_len });
        }
        Supply::Open
    }

    /// Writes the packet, if there is a writer; refuses it when that has
    /// failed, which [`CapturePort::finish`] tells.
    fn send(&mut self, frame: Frame<'u>, at: Timestamp) -> Result<(), Frame<'u>> {
        let Origin { link, missing } = self.origin(&frame);
        if let Some(writer) = &mut self.writer {
            let wire_len = u32::try_from(frame.len()).unwrap_or(u32::MAX).saturating_add(missing);
            if !writer.write(link, at, wire_len, frame.bytes()) {
                self.counters.tx_full += 1;
                return Err(frame);
            }
        }
        self.counters.tx_packets += 1;
        self.counters.tx_bytes += frame.len() as u64;
        self.done.push(frame);
        Ok(())
    }

    fn flush(&mut self, pool: &mut Pool<'u>) {
        for frame in self.done.drain(..) {
            pool.recycle(frame);
        }
    }

    fn frames_held(&self) -> usize {
        self.done.len()
    }

    fn counters(&self) -> PortCounters {
        self.counters
    }
}

#[cfg(test)]
mod tests;
