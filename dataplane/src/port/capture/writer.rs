//! Writes captures, with times in nanoseconds: pcap for one link type, pcapng
//! for any number.
//!
//! An interface of pcapng is described when its first packet comes, so nothing
//! need be known beforehand and nothing is ever rewritten: the output may be a
//! pipe. After the first error nothing more is written, and the error is kept
//! until the end: a full disk must not look like a short capture.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;
use std::path::Path;

use super::reader::{FileId, Format, Reader, Record};
use super::{CaptureError, length};
use crate::wire::LinkType;

/// Bytes that are gathered before the kernel is called.
const BUFFER_LEN: usize = 256 * 1024;

/// The longest packet that may be in the file; what tcpdump writes.
const SNAPLEN: u32 = 262_144;

/// Sections whose length is not told (draft-ietf-opsawg-pcapng section 4.1).
const SECTION_LEN_UNKNOWN: u64 = u64::MAX;

/// Writes packets into a capture.
pub struct Writer {
    name: String,
    output: BufWriter<Box<dyn Write + Send>>,
    format: Format,
    /// Link types that were described, by interface number; one in pcap.
    links: Vec<LinkType>,
    packets: u64,
    failed: Option<io::Error>,
}

impl Writer {
    /// Creates a capture, or empties the file that is there; `-` is standard
    /// output. In pcap all packets are to be of `link`.
    ///
    /// Refuses to overwrite what `input` is reading.
    pub fn create(
        path: &Path,
        format: Format,
        link: LinkType,
        input: Option<&Reader>,
    ) -> Result<Self, CaptureError> {
        let (name, file) = if path == Path::new("-") {
            ("standard output".to_owned(), io::stdout().as_fd().try_clone_to_owned().map(File::from))
        } else {
            let name = path.display().to_string();
            // Not emptied yet: it might be the input.
            let file = File::options().write(true).create(true).truncate(false).open(path);
            let reading = input.and_then(Reader::file);
            let id = file.as_ref().ok().and_then(|file| FileId::of(&file.metadata().ok()?));
            if id.is_some() && id == reading {
                return Err(CaptureError::SameFile { path: name });
            }
            // A pipe or a device has no length to cut.
            let emptied =
                file.and_then(|file| if id.is_some() { file.set_len(0) } else { Ok(()) }.map(|()| file));
            (name, emptied)
        };
        match file {
            Ok(file) => Ok(Self::new(name, Box::new(file), format, link)),
            Err(source) => Err(CaptureError::Create { path: name, source }),
        }
    }

    /// Writes a capture to anywhere; `name` is what errors call it.
    pub fn new(name: String, output: Box<dyn Write + Send>, format: Format, link: LinkType) -> Self {
        let output = BufWriter::with_capacity(BUFFER_LEN, output);
        let mut writer = Self { name, output, format, links: Vec::new(), packets: 0, failed: None };
        writer.failed = writer.begin(link).err();
        writer
    }

    /// Adds a packet, with a length on the wire of no less than its bytes;
    /// `false` when it was not written, because an earlier write failed or, in
    /// pcap, because it is of another link type than the file.
    #[must_use]
    pub fn write(&mut self, record: &Record<'_>) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let written = match self.format {
            Format::Pcap => self.pcap_record(record),
            Format::Pcapng => self.pcapng_packet(record),
        };
        self.failed = written.err();
        if self.failed.is_none() {
            self.packets += 1;
        }
        self.failed.is_none()
    }

    /// Packets that were written.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Brings everything to the file, and says what went wrong, now or before.
    pub fn finish(&mut self) -> Result<(), CaptureError> {
        let flushed = match self.failed.take() {
            Some(error) => Err(error),
            None => self.output.flush(),
        };
        flushed.map_err(|source| {
            // Also whoever asks again is told, and nothing more is written.
            self.failed = Some(io::Error::from(source.kind()));
            CaptureError::Write { path: self.name.clone(), source }
        })
    }

    fn begin(&mut self, link: LinkType) -> io::Result<()> {
        match self.format {
            Format::Pcap => {
                self.links.push(link);
                self.output.write_all(&0xa1b2_3c4d_u32.to_le_bytes())?;
                self.output.write_all(&2_u16.to_le_bytes())?;
                self.output.write_all(&4_u16.to_le_bytes())?;
                self.output.write_all(&[0; 8])?; // Time zone and accuracy: always 0.
                self.output.write_all(&SNAPLEN.to_le_bytes())?;
                self.output.write_all(&u32::from(link.number()).to_le_bytes())
            }
            Format::Pcapng => {
                let mut body = Vec::with_capacity(16);
                body.extend(pcap_parser::BOM_MAGIC.to_le_bytes());
                body.extend([1, 0, 0, 0]); // Version 1.0.
                body.extend(SECTION_LEN_UNKNOWN.to_le_bytes());
                self.block(pcap_parser::SHB_MAGIC, &body, &[])?;
                self.interface(link).map(drop)
            }
        }
    }

    fn pcap_record(&mut self, record: &Record<'_>) -> io::Result<()> {
        let Record { link, at, wire_len, bytes } = *record;
        if self.links.first() != Some(&link) {
            let only = self.links.first().copied().unwrap_or_default();
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "a pcap file of link type {only:?} takes no packet of {link:?}; a name that ends in .pcapng asks for the format that does"
                ),
            ));
        }
        // Seconds have 32 bits here: beyond the year 2106 time stands still.
        let secs = u32::try_from(at.as_secs()).unwrap_or(u32::MAX);
        let nanos = (at.as_nanos() % 1_000_000_000) as u32;
        let mut header = [0; 16];
        let len = length(bytes.len());
        let fields = [secs, nanos, len, wire_len.max(len)];
        for (place, field) in header.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        self.output.write_all(&header)?;
        self.output.write_all(bytes)
    }

    fn pcapng_packet(&mut self, record: &Record<'_>) -> io::Result<()> {
        let Record { link, at, wire_len, bytes } = *record;
        let interface = match self.links.iter().position(|known| *known == link) {
            Some(interface) => interface,
            None => self.interface(link)?,
        };
        let interface = u32::try_from(interface).map_err(io::Error::other)?;
        let nanos = at.as_nanos();
        let len = length(bytes.len());
        let fields = [interface, (nanos >> 32) as u32, (nanos & 0xffff_ffff) as u32, len, wire_len.max(len)];
        let mut header = [0; 20];
        for (place, field) in header.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        self.block(pcap_parser::EPB_MAGIC, &header, bytes)
    }

    /// Describes an interface of `link` and gives its number.
    fn interface(&mut self, link: LinkType) -> io::Result<usize> {
        let mut body = Vec::with_capacity(20);
        body.extend(link.number().to_le_bytes());
        body.extend([0, 0]); // Reserved.
        body.extend(SNAPLEN.to_le_bytes());
        body.extend([9, 0, 1, 0, 9, 0, 0, 0]); // if_tsresol: one byte, 10^-9 s.
        body.extend([0; 4]); // End of options.
        self.block(pcap_parser::IDB_MAGIC, &body, &[])?;
        self.links.push(link);
        Ok(self.links.len() - 1)
    }

    /// Writes a block: its header, a packet, padding, and its length twice.
    fn block(&mut self, kind: u32, header: &[u8], packet: &[u8]) -> io::Result<()> {
        let padding = packet.len().next_multiple_of(4) - packet.len();
        let len = u32::try_from(12 + header.len() + packet.len() + padding).map_err(io::Error::other)?;
        self.output.write_all(&kind.to_le_bytes())?;
        self.output.write_all(&len.to_le_bytes())?;
        self.output.write_all(header)?;
        self.output.write_all(packet)?;
        self.output.write_all([0; 4].get(..padding).unwrap_or_default())?;
        self.output.write_all(&len.to_le_bytes())
    }
}
