//! Capture files, written and read apart from the product's own code.
//!
//! pcap as <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html>
//! and as much of pcapng (draft-ietf-opsawg-pcapng) as writing needs.

use std::io::{self, Write};
use std::path::Path;

const MAGIC_MICROS: u32 = 0xa1b2_c3d4;
const MAGIC_NANOS: u32 = 0xa1b2_3c4d;
const LINK_ETHERNET: u32 = 1;
const SNAP_LEN: u32 = 262_144;

/// One packet of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Microseconds since 1970.
    pub at_us: u64,
    /// The packet.
    pub bytes: Vec<u8>,
}

/// A pcap file of Ethernet frames, with times in microseconds.
pub fn pcap(packets: &[Captured]) -> Vec<u8> {
    let mut file = Pcap::begin(Vec::new()).expect("memory takes every byte");
    for Captured { at_us, bytes } in packets {
        file.packet(*at_us, bytes).expect("memory takes every byte");
    }
    file.finish().expect("memory takes every byte")
}

/// A pcap file of Ethernet frames that is written packet by packet.
#[derive(Debug)]
pub struct Pcap<W> {
    out: W,
}

impl<W: Write> Pcap<W> {
    /// Begins with the header.
    pub fn begin(mut out: W) -> io::Result<Self> {
        for word in [MAGIC_MICROS, 4 << 16 | 2, 0, 0, SNAP_LEN, LINK_ETHERNET] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self { out })
    }

    /// Writes a packet; its time in microseconds since 1970.
    pub fn packet(&mut self, at_us: u64, bytes: &[u8]) -> io::Result<()> {
        let (seconds, micros) = (at_us / 1_000_000, at_us % 1_000_000);
        for word in [word(seconds), word(micros), word(bytes.len() as u64), word(bytes.len() as u64)] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out.write_all(bytes)
    }

    /// Gives everything to where it is written to, and that back.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A pcapng file of Ethernet frames: one section, one interface.
pub fn pcapng(packets: &[Captured]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut section = 0x1a2b_3c4d_u32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend([0xff; 8]);
    block(&mut file, 0x0a0d_0d0a, &section);
    let mut interface = LINK_ETHERNET.to_le_bytes().to_vec();
    interface.extend(SNAP_LEN.to_le_bytes());
    block(&mut file, 1, &interface);
    for Captured { at_us, bytes } in packets {
        let mut body = Vec::new();
        let len = bytes.len() as u64;
        for part in [0, word(at_us >> 32), word(at_us & 0xffff_ffff), word(len), word(len)] {
            body.extend(part.to_le_bytes());
        }
        body.extend(bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        block(&mut file, 6, &body);
    }
    file
}

fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let len = word(12 + body.len() as u64).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(len);
    file.extend(body);
    file.extend(len);
}

fn word(number: u64) -> u32 {
    u32::try_from(number).expect("fits the file format")
}

/// All packets of a pcap file of Ethernet frames; panics with what is wrong
/// with the file.
pub fn read_pcap(path: &Path) -> Vec<Captured> {
    let file = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse_pcap(&file).unwrap_or_else(|what| panic!("{}: {what}", path.display()))
}

/// All packets of a pcap file of Ethernet frames, as this machine writes them.
pub fn parse_pcap(file: &[u8]) -> Result<Vec<Captured>, String> {
    let (header, mut rest) = file.split_first_chunk::<24>().ok_or("shorter than a file header")?;
    let ticks_per_us = match word_at(header, 0) {
        MAGIC_MICROS => 1,
        MAGIC_NANOS => 1_000,
        other => return Err(format!("unknown magic {other:08x}")),
    };
    let link = word_at(header, 20);
    if link != LINK_ETHERNET {
        return Err(format!("link type {link} where Ethernet was expected"));
    }
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let (header, after) = rest.split_first_chunk::<16>().ok_or("ends within a packet's header")?;
        let len = word_at(header, 8) as usize;
        let (bytes, after) = after.split_at_checked(len).ok_or("ends within a packet")?;
        if word_at(header, 12) as usize != len {
            return Err(format!("packet {} was cut short", packets.len() + 1));
        }
        let at_us = u64::from(word_at(header, 0)) * 1_000_000 + u64::from(word_at(header, 4)) / ticks_per_us;
        packets.push(Captured { at_us, bytes: bytes.to_vec() });
        rest = after;
    }
    Ok(packets)
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    word.map(u32::from_le_bytes).expect("headers are long enough")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets() -> Vec<Captured> {
        let at = |at_us: u64, len: u8| Captured { at_us, bytes: (0..len).collect() };
        vec![at(1_700_000_000_000_001, 60), at(1_700_000_000_999_999, 61), at(1_700_000_001_000_000, 0)]
    }

    #[test]
    fn reads_what_it_wrote() {
        assert_eq!(parse_pcap(&pcap(&packets())), Ok(packets()));
    }

    #[test]
    fn reads_times_in_nanoseconds() {
        let mut file = pcap(&[Captured { at_us: 5_000_007, bytes: vec![1] }]);
        file[..4].copy_from_slice(&MAGIC_NANOS.to_le_bytes());
        file[28..32].copy_from_slice(&7_999_u32.to_le_bytes());
        assert_eq!(parse_pcap(&file).unwrap()[0].at_us, 5_000_007);
    }

    #[test]
    fn refuses_a_file_that_ends_too_early() {
        let file = pcap(&packets());
        // Where it ends between two packets it is a shorter capture.
        let whole = [24, 24 + 16 + 60, 24 + 16 + 60 + 16 + 61];
        for len in (0..file.len()).filter(|len| !whole.contains(len)) {
            assert!(parse_pcap(&file[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn every_block_of_a_pcapng_says_its_length_twice() {
        let file = pcapng(&packets());
        let (mut at, mut blocks) = (0, 0);
        while at < file.len() {
            let len = word_at(&file, at + 4) as usize;
            assert_eq!(len % 4, 0);
            assert_eq!(word_at(&file, at + len - 4) as usize, len);
            at += len;
            blocks += 1;
        }
        assert_eq!((at, blocks), (file.len(), 5));
    }
}
