//! pcap: one header, then records (draft-ietf-opsawg-pcap), with the variants
//! that are met in old files.
//!
//! A record is taken apart here and not by the parser crate, which (0.17) reads
//! the patched format in little-endian only and knows nothing of lengths that
//! changed places.

use super::pcapng::ByteOrder;
use super::reader::{Packet, RECORD_MAX, link_type};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// The header of a file.
pub(super) const HEADER_LEN: usize = 24;

/// The header of a record: seconds, fraction, bytes kept, bytes on the wire.
pub(super) const RECORD_HEADER_LEN: usize = 16;

/// What the patch of 1999 put after it: interface, protocol, packet type.
const PATCH_LEN: usize = 8;

/// What holds for all records of a file.
#[derive(Debug)]
pub(super) struct Pcap {
    order: ByteOrder,
    /// Before the bytes of a packet: a header, with or without the patch.
    packet_at: usize,
    /// What the fraction of a second is counted in.
    nanos_per_tick: u64,
    lengths: Lengths,
    link: LinkType,
}

/// In which order a record tells its two lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    KeptFirst,
    /// Before version 2.3.
    WireFirst,
    /// In version 2.3 it depended on who wrote: the smaller is what was kept.
    Either,
}

/// Whether a file is a pcap by its first four bytes.
pub(super) fn is_magic(magic: [u8; 4]) -> bool {
    variant(magic).is_some()
}

/// Byte order, nanoseconds per tick, and where the packet starts in a record.
fn variant(magic: [u8; 4]) -> Option<(ByteOrder, u64, usize)> {
    [ByteOrder::Little, ByteOrder::Big].into_iter().find_map(|order| match order.u32(magic) {
        0xa1b2_c3d4 => Some((order, 1_000, RECORD_HEADER_LEN)),
        0xa1b2_3c4d => Some((order, 1, RECORD_HEADER_LEN)),
        0xa1b2_cd34 => Some((order, 1_000, RECORD_HEADER_LEN + PATCH_LEN)),
        _ => None,
    })
}

impl Pcap {
    /// Takes in the header; or says what there is instead.
    pub(super) fn new(header: [u8; HEADER_LEN]) -> Result<Self, String> {
        let [m0, m1, m2, m3, a0, a1, i0, i1, _, _, _, _, _, _, _, _, _, _, _, _, n0, n1, n2, n3] = header;
        let Some((order, nanos_per_tick, packet_at)) = variant([m0, m1, m2, m3]) else {
            return Err("no pcap".into());
        };
        let lengths = match (order.u16([a0, a1]), order.u16([i0, i1])) {
            (2, 0..=2) => Lengths::WireFirst,
            (2, 3) => Lengths::Either,
            (2, _) => Lengths::KeptFirst,
            (major, minor) => return Err(format!("pcap version {major}.{minor}, not 2.x")),
        };
        let link = link_type(order.u32([n0, n1, n2, n3]));
        Ok(Self { order, packet_at, nanos_per_tick, lengths, link })
    }

    /// The link of all its packets.
    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    /// The packet of the record that starts with `header`, and how long the
    /// record is.
    pub(super) fn record(&self, header: [u8; RECORD_HEADER_LEN]) -> Result<(Packet, usize), &'static str> {
        let [s0, s1, s2, s3, f0, f1, f2, f3, a0, a1, a2, a3, b0, b1, b2, b3] = header;
        let (first, second) = (self.order.u32([a0, a1, a2, a3]), self.order.u32([b0, b1, b2, b3]));
        let (kept, wire_len) = match self.lengths {
            Lengths::KeptFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::Either => (first.min(second), first.max(second)),
        };
        let len = kept as usize;
        if len > RECORD_MAX {
            return Err("a packet of more than 16 MiB");
        }
        let fraction = u64::from(self.order.u32([f0, f1, f2, f3])) * self.nanos_per_tick;
        let nanos = u64::from(self.order.u32([s0, s1, s2, s3])) * 1_000_000_000 + fraction;
        let at = Timestamp::from_nanos(nanos);
        let packet = Packet { start: self.packet_at, len, link: self.link, at, wire_len };
        Ok((packet, self.packet_at + len))
    }
}
