//! pcapng: the blocks of a section, and what its interfaces say about packets
//! (draft-ietf-opsawg-pcapng).
//!
//! A block is handed in whole; what a parser misses in it is a lie of one of its
//! lengths. Time resolution and offset are computed here and not by the parser
//! crate, which (0.17) knows no power of two and reads the offset of a
//! big-endian section as little-endian; it leaves out obsolete packet blocks.

use pcap_parser::traits::PcapNGPacketBlock as _;
use pcap_parser::{Block, OptionCode};

use super::reader::{Packet, RECORD_MAX};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// Type, length, and where a section header tells its byte order.
pub(super) const BLOCK_START_LEN: usize = 12;

/// The obsolete packet block: as an enhanced one, but for a narrower interface
/// number (draft-ietf-opsawg-pcapng, appendix on the Packet Block).
const PACKET_BLOCK_OBSOLETE: u32 = 2;

/// Before the packet in an enhanced and an obsolete packet block.
const PACKET_AT: usize = 28;

/// Before the packet in a simple packet block.
const SIMPLE_PACKET_AT: usize = 12;

/// How the numbers of a section are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }
}

/// What holds until the next section header.
#[derive(Debug)]
pub(super) struct Section {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    /// Simple packets have no time: they get that of the packet before them.
    last_at: Timestamp,
}

#[derive(Debug)]
struct Interface {
    link: LinkType,
    /// Longest packet that was kept; 0 for any.
    snaplen: u32,
    clock: Clock,
}

/// What a block turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    Packet(Packet),
    /// Names, statistics, secrets, a section header: no packet.
    Other,
}

impl Section {
    /// Before any section header: the first block must be one.
    pub(super) fn new() -> Self {
        Self { order: ByteOrder::Little, interfaces: Vec::new(), last_at: Timestamp::ZERO }
    }

    /// The link of the first interface, once there is one.
    pub(super) fn first_link(&self) -> Option<LinkType> {
        self.interfaces.first().map(|interface| interface.link)
    }

    /// How long the block is that starts with `start`. A section header tells
    /// the byte order that it is itself written in.
    pub(super) fn block_len(&mut self, start: [u8; BLOCK_START_LEN]) -> Result<usize, &'static str> {
        let [t0, t1, t2, t3, l0, l1, l2, l3, magic @ ..] = start;
        if u32::from_le_bytes([t0, t1, t2, t3]) == pcap_parser::SHB_MAGIC {
            self.order = match u32::from_le_bytes(magic) {
                pcap_parser::BOM_MAGIC => ByteOrder::Little,
                other if other.swap_bytes() == pcap_parser::BOM_MAGIC => ByteOrder::Big,
                _ => return Err("a section header with no byte order that there is"),
            };
        }
        let len = self.order.u32([l0, l1, l2, l3]) as usize;
        if len < BLOCK_START_LEN || !len.is_multiple_of(4) {
            return Err("a block with a length that cannot be");
        }
        if len > RECORD_MAX {
            return Err("a block of more than 16 MiB");
        }
        Ok(len)
    }

    /// Takes in one whole block.
    pub(super) fn block(&mut self, block: &[u8]) -> Result<Content, &'static str> {
        let (Some((kind, _)), Some((_, [t0, t1, t2, t3]))) =
            (block.split_first_chunk(), block.split_last_chunk())
        else {
            return Err("a block with a length that cannot be");
        };
        if self.order.u32([*t0, *t1, *t2, *t3]) as usize != block.len() {
            return Err("a block whose two lengths differ");
        }
        match self.order.u32(*kind) {
            pcap_parser::SHB_MAGIC | pcap_parser::IDB_MAGIC => self.describe(block),
            pcap_parser::EPB_MAGIC | pcap_parser::SPB_MAGIC => self.packet(block),
            PACKET_BLOCK_OBSOLETE => self.obsolete_packet(block),
            _ => Ok(Content::Other),
        }
    }

    fn parse<'a>(&self, block: &'a [u8]) -> Result<Block<'a>, &'static str> {
        let parsed = match self.order {
            ByteOrder::Little => pcap_parser::parse_block_le(block),
            ByteOrder::Big => pcap_parser::parse_block_be(block),
        };
        // The block is whole: also `Incomplete` means that a length in it lies.
        parsed.map(|(_, block)| block).map_err(|_| "a block whose content does not fit its length")
    }

    fn describe(&mut self, block: &[u8]) -> Result<Content, &'static str> {
        match self.parse(block)? {
            Block::SectionHeader(header) if header.major_version != 1 => {
                return Err("a section of a version other than 1");
            }
            Block::SectionHeader(_) => self.interfaces.clear(),
            Block::InterfaceDescription(described) => {
                let mut clock = Clock::default();
                for option in &described.options {
                    match (option.code, option.value()) {
                        (OptionCode::IfTsresol, &[resolution, ..]) => clock.resolve(resolution),
                        (OptionCode::IfTsoffset, value) => {
                            if let Some((seconds, _)) = value.split_first_chunk() {
                                clock.offset_seconds = self.order.i64(*seconds);
                            }
                        }
                        _ => {}
                    }
                }
                let link = super::reader::link_type(described.linktype.0.cast_unsigned());
                self.interfaces.push(Interface { link, snaplen: described.snaplen, clock });
            }
            _ => {}
        }
        Ok(Content::Other)
    }

    fn packet(&mut self, block: &[u8]) -> Result<Content, &'static str> {
        match self.parse(block)? {
            Block::EnhancedPacket(packet) => {
                let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                self.captured(packet.if_id, ticks, packet.packet_data().len(), packet.origlen)
            }
            Block::SimplePacket(packet) => {
                let Some(interface) = self.interfaces.first() else {
                    return Err("a packet before any interface");
                };
                let kept_max = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
                let len = packet.packet_data().len().min(kept_max as usize);
                Ok(Content::Packet(Packet {
                    start: SIMPLE_PACKET_AT,
                    len,
                    link: interface.link,
                    at: self.last_at,
                    wire_len: packet.origlen,
                }))
            }
            _ => Ok(Content::Other),
        }
    }

    fn obsolete_packet(&mut self, block: &[u8]) -> Result<Content, &'static str> {
        const TOO_SHORT: &str = "a packet block that is too short";
        let [_, _, [i0, i1, _, _], high, low, kept, wire_len, rest @ ..] = block.as_chunks().0 else {
            return Err(TOO_SHORT);
        };
        let order = self.order;
        let len = order.u32(*kept) as usize;
        // After the packet comes at least the length of the block once more.
        if rest.len() * 4 < len.saturating_add(4) {
            return Err(TOO_SHORT);
        }
        let ticks = u64::from(order.u32(*high)) << 32 | u64::from(order.u32(*low));
        self.captured(u32::from(order.u16([*i0, *i1])), ticks, len, order.u32(*wire_len))
    }

    fn captured(
        &mut self,
        interface: u32,
        ticks: u64,
        len: usize,
        wire_len: u32,
    ) -> Result<Content, &'static str> {
        let Some(interface) = self.interfaces.get(interface as usize) else {
            return Err("a packet of an interface that was not described");
        };
        let at = interface.clock.time(ticks);
        self.last_at = at;
        Ok(Content::Packet(Packet { start: PACKET_AT, len, link: interface.link, at, wire_len }))
    }
}

/// How an interface tells time: `if_tsresol` and `if_tsoffset`.
#[derive(Clone, Copy, Debug)]
struct Clock {
    tick: Tick,
    offset_seconds: i64,
}

/// How long a tick is.
#[derive(Clone, Copy, Debug)]
enum Tick {
    /// So many nanoseconds.
    Nanos(u64),
    /// So many make a nanosecond.
    PerNano(u128),
    /// Two to this power make a second.
    Binary(u32),
}

impl Default for Clock {
    fn default() -> Self {
        Self { tick: Tick::Nanos(1_000), offset_seconds: 0 }
    }
}

impl Clock {
    /// Takes `if_tsresol`: a negative power of ten, or with the top bit of two.
    fn resolve(&mut self, resolution: u8) {
        let exponent = u32::from(resolution & 0x7f);
        self.tick = match (resolution & 0x80, exponent) {
            (0, 0..=9) => Tick::Nanos(10_u64.pow(9 - exponent)),
            // What overflows is more than 64 bits of ticks can ever make up.
            (0, _) => Tick::PerNano(10_u128.checked_pow(exponent - 9).unwrap_or(u128::MAX)),
            _ => Tick::Binary(exponent),
        };
    }

    fn time(self, ticks: u64) -> Timestamp {
        let nanos = match self.tick {
            Tick::Nanos(nanos) => u128::from(ticks) * u128::from(nanos),
            Tick::PerNano(ticks_per_nano) => u128::from(ticks) / ticks_per_nano,
            Tick::Binary(exponent) => (u128::from(ticks) * 1_000_000_000) >> exponent,
        };
        // At most 2^94 and 2^93: neither the cast nor the sum can overflow.
        let nanos = nanos.cast_signed() + i128::from(self.offset_seconds) * 1_000_000_000;
        Timestamp::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(resolution: u8, offset_seconds: i64) -> Clock {
        let mut clock = Clock { offset_seconds, ..Clock::default() };
        clock.resolve(resolution);
        clock
    }

    #[test]
    fn tells_time_in_every_resolution() {
        for (resolution, ticks, nanos) in [
            (6, 1_500_000, 1_500_000_000),
            (0, 7, 7_000_000_000),
            (3, 7, 7_000_000),
            (9, 7, 7),
            (12, 7_999, 7),
            (28, u64::MAX, 1),
            (127, u64::MAX, 0),
            (0x80, 2, 2_000_000_000),
            (0x8a, 512, 500_000_000),
            (0xa0, 1 << 31, 500_000_000),
            (0xbf, 1 << 63, 1_000_000_000),
            (0xff, u64::MAX, 0),
        ] {
            assert_eq!(clock(resolution, 0).time(ticks).as_nanos(), nanos, "{ticks} at {resolution:#x}");
        }
        assert_eq!(Clock::default().time(3).as_nanos(), 3_000, "microseconds unless told otherwise");
    }

    #[test]
    fn an_offset_moves_time_both_ways_and_stops_at_its_ends() {
        assert_eq!(clock(6, 2).time(5).as_nanos(), 2_000_005_000);
        assert_eq!(clock(6, -2).time(3_000_000).as_nanos(), 1_000_000_000);
        assert_eq!(clock(6, i64::MIN).time(u64::MAX).as_nanos(), 0);
        assert_eq!(clock(0, i64::MAX).time(u64::MAX).as_nanos(), u64::MAX);
    }
}
