//! Captures, record by record: pcap and pcapng, from a file or a pipe.
//!
//! Blocks of pcapng are parsed by `pcap-parser`; its streaming readers are not
//! used: they take a length that lies within a record for one that needs more
//! input, drop the kernel's error, and expect the first read of a pipe to bring
//! the whole header.
//!
//! What holds: every packet before a fault is given, none after it, and the
//! fault says which packet was the last.

use std::fmt::Write as _;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::pcap::{self, Pcap, RECORD_HEADER_LEN};
use super::pcapng::{BLOCK_START_LEN, Content, Section};
use super::window::Window;
use super::{CaptureError, Fault, length};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// The longest record, and the longest block, that is taken for true (as
/// Wireshark has it for blocks). The longest packets that tools write are of
/// 262,144 bytes.
pub(super) const RECORD_MAX: usize = 16 << 20;

/// Which of the two formats a capture has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// pcap: one link type, one clock.
    Pcap,
    /// pcapng: sections of interfaces, each with its own link type and clock.
    Pcapng,
}

/// One packet of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What its first byte belongs to.
    pub link: LinkType,
    /// When it was captured. A simple packet of pcapng has no time and gets
    /// that of the packet before it.
    pub at: Timestamp,
    /// How long it was on the wire; never less than was kept.
    pub wire_len: u32,
    /// What was kept of it.
    pub bytes: &'a [u8],
}

/// A packet within the record that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// Where its bytes start within the record.
    pub(super) start: usize,
    /// How many were kept.
    pub(super) len: usize,
    pub(super) link: LinkType,
    pub(super) at: Timestamp,
    pub(super) wire_len: u32,
}

/// Reads a capture.
pub struct Reader {
    name: String,
    window: Window,
    syntax: Syntax,
    /// The packet that comes next, and how long its record is.
    next: Option<(Packet, usize)>,
    /// Packets that were stepped over.
    packets: u64,
    ended: bool,
    fault: Option<Fault>,
    /// The regular file that is read, if it is one.
    file: Option<FileId>,
    bytes_total: Option<u64>,
}

/// A file, by whatever name: its device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

impl FileId {
    /// `None` for what is no regular file.
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| Self(metadata.dev(), metadata.ino()))
    }
}

enum Syntax {
    Pcap(Pcap),
    Pcapng(Section),
}

/// What looking for the next packet came to.
enum Stop {
    End,
    CutShort,
    Corrupt(&'static str),
    Read(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl Reader {
    /// Opens a capture; `-` is standard input.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let (name, file) = if path == Path::new("-") {
            ("standard input".to_owned(), io::stdin().as_fd().try_clone_to_owned().map(File::from))
        } else {
            (path.display().to_string(), File::open(path))
        };
        let opened = file.and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|source| CaptureError::Open { path: name.clone(), source })?;
        let mut reader = Self::new(name, Box::new(file))?;
        reader.file = FileId::of(&metadata);
        reader.bytes_total = reader.file.map(|_| metadata.len());
        Ok(reader)
    }

    /// Reads a capture from anywhere; `name` is what errors call it.
    pub fn new(name: String, input: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        let mut window = Window::new(input);
        match detect(&mut window) {
            Ok(syntax) => Ok(Self {
                name,
                window,
                syntax,
                next: None,
                packets: 0,
                ended: false,
                fault: None,
                file: None,
                bytes_total: None,
            }),
            Err(NoCapture::Read(source)) => Err(CaptureError::Open { path: name, source }),
            Err(NoCapture::Found(found)) => Err(CaptureError::NotACapture { path: name, found }),
        }
    }

    /// What errors call it: the path, or "standard input".
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which format it has.
    pub fn format(&self) -> Format {
        match self.syntax {
            Syntax::Pcap(_) => Format::Pcap,
            Syntax::Pcapng(_) => Format::Pcapng,
        }
    }

    /// The link of the packet that comes next, or of the first interface, or
    /// Ethernet where there is neither.
    pub fn link(&mut self) -> LinkType {
        if let Some(record) = self.peek() {
            return record.link;
        }
        match &self.syntax {
            Syntax::Pcap(pcap) => pcap.link(),
            Syntax::Pcapng(section) => section.first_link().unwrap_or_default(),
        }
    }

    /// The packet that comes next; `None` at the end, or at a fault.
    pub fn peek(&mut self) -> Option<Record<'_>> {
        if self.next.is_none() && !self.ended {
            match self.locate() {
                Ok(next) => self.next = Some(next),
                Err(stop) => self.stop(stop),
            }
        }
        let (packet, _) = self.next?;
        let Packet { start, len, link, at, wire_len } = packet;
        let bytes = self.window.available().get(start..start + len)?;
        // Some tools write no length on the wire, or one that cannot be.
        let wire_len = wire_len.max(length(len));
        Some(Record { link, at, wire_len, bytes })
    }

    /// Steps over the packet that was peeked at.
    pub fn advance(&mut self) {
        if let Some((_, record_len)) = self.next.take() {
            self.window.consume(record_len);
            self.packets += 1;
        }
    }

    /// How many packets were stepped over: the number of the last one.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// How many bytes of the capture were consumed, for showing progress.
    pub fn bytes_consumed(&self) -> u64 {
        self.window.consumed()
    }

    /// How many bytes the capture has; `None` for a pipe.
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    /// What ended the capture before its end, once [`Reader::peek`] has met it.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    pub(super) fn file(&self) -> Option<FileId> {
        self.file
    }

    fn locate(&mut self) -> Result<(Packet, usize), Stop> {
        match &mut self.syntax {
            Syntax::Pcap(pcap) => locate_record(pcap, &mut self.window),
            Syntax::Pcapng(section) => locate_block(section, &mut self.window),
        }
    }

    fn stop(&mut self, stop: Stop) {
        self.ended = true;
        let (path, after) = (self.name.clone(), self.packets);
        self.fault = match stop {
            Stop::End => None,
            Stop::CutShort => Some(Fault::CutShort { path, after }),
            Stop::Corrupt(what) => Some(Fault::Corrupt { path, after, what }),
            Stop::Read(source) => Some(Fault::Read { path, after, source }),
        };
    }
}

fn locate_record(pcap: &Pcap, window: &mut Window) -> Result<(Packet, usize), Stop> {
    if !window.need(RECORD_HEADER_LEN)? {
        return Err(at_the_end(window));
    }
    let Some(header) = window.available().first_chunk() else { return Err(Stop::CutShort) };
    let (packet, len) = pcap.record(*header).map_err(Stop::Corrupt)?;
    if window.need(len)? { Ok((packet, len)) } else { Err(Stop::CutShort) }
}

fn locate_block(section: &mut Section, window: &mut Window) -> Result<(Packet, usize), Stop> {
    loop {
        if !window.need(BLOCK_START_LEN)? {
            return Err(at_the_end(window));
        }
        let Some(start) = window.available().first_chunk() else { return Err(Stop::CutShort) };
        let len = section.block_len(*start).map_err(Stop::Corrupt)?;
        if !window.need(len)? {
            return Err(Stop::CutShort);
        }
        let Some(block) = window.available().get(..len) else { return Err(Stop::CutShort) };
        match section.block(block).map_err(Stop::Corrupt)? {
            Content::Packet(packet) => return Ok((packet, len)),
            Content::Other => window.consume(len),
        }
    }
}

/// The input has no more: a clean end only between two records.
fn at_the_end(window: &Window) -> Stop {
    if window.available().is_empty() { Stop::End } else { Stop::CutShort }
}

/// The link type that a capture's header, or an interface, names. The upper
/// bits of the field in pcap tell of frame check sequences.
#[expect(clippy::cast_possible_truncation, reason = "link types are the low 16 bits")]
pub(super) fn link_type(field: u32) -> LinkType {
    LinkType::from_number(field as u16)
}

enum NoCapture {
    Read(io::Error),
    /// What there is instead.
    Found(String),
}

fn detect(window: &mut Window) -> Result<Syntax, NoCapture> {
    window.need(pcap::HEADER_LEN).map_err(NoCapture::Read)?;
    let bytes = window.available();
    match bytes.first_chunk() {
        Some(magic) if u32::from_be_bytes(*magic) == pcap_parser::SHB_MAGIC => detect_pcapng(window),
        Some(magic) if pcap::is_magic(*magic) => detect_pcap(window),
        _ => Err(NoCapture::Found(describe(bytes))),
    }
}

fn detect_pcap(window: &mut Window) -> Result<Syntax, NoCapture> {
    let bytes = window.available();
    let header = bytes.first_chunk().ok_or_else(|| {
        NoCapture::Found(format!("a pcap header cut short at {} bytes of {}", bytes.len(), pcap::HEADER_LEN))
    })?;
    let pcap = Pcap::new(*header).map_err(NoCapture::Found)?;
    window.consume(pcap::HEADER_LEN);
    Ok(Syntax::Pcap(pcap))
}

fn detect_pcapng(window: &mut Window) -> Result<Syntax, NoCapture> {
    let mut section = Section::new();
    let cut_short = || NoCapture::Found("a pcapng section header that is cut short".into());
    let start = window.available().first_chunk().ok_or_else(cut_short)?;
    let len = section.block_len(*start).map_err(|what| NoCapture::Found(what.into()))?;
    if !window.need(len).map_err(NoCapture::Read)? {
        return Err(cut_short());
    }
    let header = window.available().get(..len).unwrap_or_default();
    section.block(header).map_err(|what| NoCapture::Found(what.into()))?;
    window.consume(len);
    Ok(Syntax::Pcapng(section))
}

/// Says what bytes that are no capture begin with.
fn describe(bytes: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 6] = [
        (&[0x1f, 0x8b], "gzip: decompress it first, or pipe it in with `gzip -dc FILE |` and `-`"),
        (
            &[0x28, 0xb5, 0x2f, 0xfd],
            "zstd: decompress it first, or pipe it in with `zstd -dc FILE |` and `-`",
        ),
        (&[0x04, 0x22, 0x4d, 0x18], "lz4: decompress it first, or pipe it in with `lz4 -dc FILE |` and `-`"),
        (
            &[0xfd, b'7', b'z', b'X', b'Z'],
            "xz: decompress it first, or pipe it in with `xz -dc FILE |` and `-`",
        ),
        (b"PK\x03\x04", "zip: unpack it first"),
        (b"snoop\0", "snoop: convert it with `editcap -F pcap`"),
    ];
    if bytes.is_empty() {
        return "nothing: it is empty".into();
    }
    let mut found = "a file that begins with".to_owned();
    for byte in bytes.iter().take(4) {
        // Writing to a string does not fail.
        let _ = write!(found, " {byte:02x}");
    }
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        let _ = write!(found, " ({what})");
    }
    found
}
