//! Captures as a whole: what is read, what is written, what is refused.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::cast_possible_truncation, reason = "samples are short")]

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::wire::LinkType;
use crate::xsk::Umem;

/// Writes the formats independently of the writer, in either byte order.
#[derive(Clone, Copy, Debug)]
struct Craft {
    big_endian: bool,
}

const LITTLE: Craft = Craft { big_endian: false };
const BIG: Craft = Craft { big_endian: true };
const BOTH: [Craft; 2] = [LITTLE, BIG];

impl Craft {
    fn u16(self, value: u16) -> Vec<u8> {
        if self.big_endian { value.to_be_bytes().into() } else { value.to_le_bytes().into() }
    }

    fn u32(self, value: u32) -> Vec<u8> {
        if self.big_endian { value.to_be_bytes().into() } else { value.to_le_bytes().into() }
    }

    fn u32s(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| self.u32(*value)).collect()
    }

    fn pcap(self, magic: u32, link: u32) -> Vec<u8> {
        [self.u32(magic), self.u16(2), self.u16(4), self.u32s(&[0, 0, 65_535, link])].concat()
    }

    fn record(self, secs: u32, fraction: u32, bytes: &[u8], wire_len: u32) -> Vec<u8> {
        [self.u32s(&[secs, fraction, bytes.len() as u32, wire_len]), bytes.to_vec()].concat()
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = self.u32(body.len() as u32 + 12);
        [self.u32(kind), len.clone(), body, len].concat()
    }

    fn section(self) -> Vec<u8> {
        let body = [self.u32(0x1a2b_3c4d), self.u16(1), self.u16(0), self.u32s(&[u32::MAX, u32::MAX])];
        self.block(0x0a0d_0d0a, &body.concat())
    }

    fn interface(self, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
        let body = [self.u16(link), self.u16(0), self.u32(snaplen), options.to_vec()];
        self.block(1, &body.concat())
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut padded = value.to_vec();
        padded.resize(value.len().next_multiple_of(4), 0);
        [self.u16(code), self.u16(value.len() as u16), padded].concat()
    }

    fn enhanced(self, interface: u32, ticks: u64, bytes: &[u8], wire_len: u32, options: &[u8]) -> Vec<u8> {
        let header = [interface, (ticks >> 32) as u32, ticks as u32, bytes.len() as u32, wire_len];
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(4), 0);
        self.block(6, &[self.u32s(&header), padded, options.to_vec()].concat())
    }

    fn obsolete(self, interface: u16, ticks: u64, bytes: &[u8], wire_len: u32) -> Vec<u8> {
        let rest = [(ticks >> 32) as u32, ticks as u32, bytes.len() as u32, wire_len];
        let header = [self.u16(interface), self.u16(9), self.u32s(&rest)].concat();
        self.block(2, &[header, bytes.to_vec()].concat())
    }

    fn simple(self, bytes: &[u8], wire_len: u32) -> Vec<u8> {
        self.block(3, &[self.u32(wire_len), bytes.to_vec()].concat())
    }
}

/// A packet as a reader gave it: link, time, length on the wire, bytes.
type Seen = (LinkType, u64, u32, Vec<u8>);

fn open(bytes: &[u8]) -> Result<Reader, CaptureError> {
    Reader::new("sample".into(), Box::new(Cursor::new(bytes.to_vec())))
}

fn drain(reader: &mut Reader) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Some(Record { link, at, wire_len, bytes }) = reader.peek() {
        seen.push((link, at.as_nanos(), wire_len, bytes.to_vec()));
        reader.advance();
    }
    seen
}

/// All packets, and the fault if there is one.
fn read(bytes: &[u8]) -> (Vec<Seen>, Option<String>) {
    let mut reader = open(bytes).unwrap();
    let seen = drain(&mut reader);
    assert_eq!(reader.packets(), seen.len() as u64);
    (seen, reader.fault().map(ToString::to_string))
}

fn umem(chunk_size: u32) -> Umem {
    Umem::new(Layout { chunks: 80, chunk_size, headroom: 64 }).unwrap()
}

fn one_byte(link: LinkType) -> Record<'static> {
    Record { link, at: Timestamp::ZERO, wire_len: 1, bytes: b"x" }
}

/// What was written, to be looked at while the writer still lives.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends every packet of a capture to a writer of the same format, and gives
/// what was written.
fn replay(capture: &[u8], umem: &mut Umem) -> (Vec<u8>, PortCounters) {
    let mut pool = umem.split(1).pop().unwrap();
    let mut port = CapturePort::new(open(capture).unwrap());
    let out = Shared::default();
    let (format, link) = (port.reader().format(), port.reader.link());
    port.write_with(Writer::new("out".into(), Box::new(out.clone()), format, link));
    let mut burst = Vec::new();
    while port.receive(&mut pool, Timestamp::ZERO, &mut burst) == Supply::Open {
        for parcel in burst.drain(..) {
            port.send(parcel).unwrap();
        }
        port.flush(&mut pool);
    }
    port.finish().unwrap();
    assert_eq!((port.frames_held(), pool.free_len()), (0, 80));
    let written = out.0.lock().unwrap().clone();
    (written, port.counters())
}

#[test]
fn reads_pcap_in_both_byte_orders_and_resolutions() {
    for craft in BOTH {
        for (magic, nanos) in [(0xa1b2_c3d4, 7_000), (0xa1b2_3c4d, 7)] {
            let capture =
                [craft.pcap(magic, 113), craft.record(2, 7, b"abc", 90), craft.record(3, 0, b"", 0)].concat();
            let (seen, fault) = read(&capture);
            let expected = [
                (LinkType::Sll, 2_000_000_000 + nanos, 90, b"abc".to_vec()),
                (LinkType::Sll, 3_000_000_000, 0, vec![]),
            ];
            assert_eq!(seen, expected, "{craft:?} {magic:x}");
            assert_eq!(fault, None);
        }
    }
}

#[test]
fn reads_the_patched_pcap_of_1999() {
    for craft in BOTH {
        let mut capture = [craft.pcap(0xa1b2_cd34, 1), craft.u32s(&[1, 2, 3, 4, 5, 6])].concat();
        capture.extend(b"abc");
        let expected = vec![(LinkType::Ethernet, 1_000_002_000, 4, b"abc".to_vec())];
        assert_eq!(read(&capture), (expected, None), "{craft:?}");
    }
}

#[test]
fn knows_in_which_versions_the_lengths_changed_places() {
    for craft in BOTH {
        for (minor, lengths) in [(0, [9, 3]), (2, [9, 3]), (3, [9, 3]), (3, [3, 9]), (4, [3, 9])] {
            let mut capture = craft.pcap(0xa1b2_c3d4, 1);
            capture[6..8].copy_from_slice(&craft.u16(minor));
            capture.extend(craft.u32s(&[1, 2, lengths[0], lengths[1]]));
            capture.extend(b"abc");
            let expected = vec![(LinkType::Ethernet, 1_000_002_000, 9, b"abc".to_vec())];
            assert_eq!(read(&capture), (expected, None), "{craft:?} version 2.{minor}");
        }
    }
}

#[test]
fn ignores_what_the_link_type_says_of_check_sequences() {
    let capture = [LITTLE.pcap(0xa1b2_c3d4, 0x2400_0001), LITTLE.record(0, 0, b"x", 1)].concat();
    assert_eq!(read(&capture).0[0].0, LinkType::Ethernet);
}

#[test]
fn a_wire_length_below_what_was_kept_is_raised_to_it() {
    let capture = [LITTLE.pcap(0xa1b2_c3d4, 1), LITTLE.record(0, 0, b"abc", 1)].concat();
    assert_eq!(read(&capture).0[0].2, 3);
}

/// Two sections of both byte orders, with every kind of block.
fn section_blocks(first: Craft, second: Craft) -> Vec<Vec<u8>> {
    let offset: i64 = -10;
    let offset = if first.big_endian { offset.to_be_bytes() } else { offset.to_le_bytes() };
    let clock = [first.option(9, &[9]), first.option(14, &offset), first.option(0, &[])].concat();
    vec![
        first.section(),
        first.interface(1, 0, &[]),
        first.interface(276, 0, &clock),
        first.enhanced(
            0,
            1_000_001,
            b"abcde",
            5,
            &[first.option(2, &[1, 0, 0, 0]), first.option(0, &[])].concat(),
        ),
        first.enhanced(1, 12_000_000_003, b"fgh", 60, &[]),
        first.block(0x0bad, b"custom"),
        first.obsolete(0, 2_000_000, b"old", 9),
        second.section(),
        second.interface(147, 4, &second.option(9, &[0x80 | 1])),
        second.simple(b"simple", 6),
        second.enhanced(0, 9, b"i", 1, &[]),
        second.block(5, &[0; 12]),
    ]
}

fn sections(first: Craft, second: Craft) -> Vec<u8> {
    section_blocks(first, second).concat()
}

#[test]
fn reads_every_kind_of_packet_block_in_sections_of_both_byte_orders() {
    let expected = [
        (LinkType::Ethernet, 1_000_001_000, 5, b"abcde".to_vec()),
        (LinkType::Sll2, 2_000_000_003, 60, b"fgh".to_vec()),
        (LinkType::Ethernet, 2_000_000_000, 9, b"old".to_vec()),
        (LinkType::Other(147), 2_000_000_000, 6, b"simp".to_vec()),
        (LinkType::Other(147), 4_500_000_000, 1, b"i".to_vec()),
    ];
    for first in BOTH {
        for second in BOTH {
            let (seen, fault) = read(&sections(first, second));
            assert_eq!(seen, expected, "{first:?} then {second:?}");
            assert_eq!(fault, None);
        }
    }
}

#[test]
fn at_every_truncation_gives_what_is_whole_and_tells_a_cut_from_an_end() {
    let pcap = |craft: Craft| {
        vec![craft.pcap(0xa1b2_c3d4, 1), craft.record(1, 1, b"abcd", 4), craft.record(2, 2, b"ef", 2)]
    };
    let patched = |craft: Craft| {
        let record = |at| [craft.u32s(&[at, 2, 3, 4, 5, 6]), b"abc".to_vec()].concat();
        vec![craft.pcap(0xa1b2_cd34, 1), record(1), record(2)]
    };
    let pcaps = BOTH.map(|craft| [pcap(craft), patched(craft)]).concat();
    let pcapngs = [section_blocks(LITTLE, BIG), section_blocks(BIG, LITTLE)];
    for records in pcaps.into_iter().chain(pcapngs) {
        let capture = records.concat();
        let (whole, _) = read(&capture);
        let ends: Vec<_> = (1..=records.len()).map(|count| records[..count].concat().len()).collect();
        for len in 0..=capture.len() {
            let cut = &capture[..len];
            if len < ends[0] {
                assert!(matches!(open(cut), Err(CaptureError::NotACapture { .. })), "{len} bytes");
                continue;
            }
            let (seen, fault) = read(cut);
            assert_eq!(seen, whole[..seen.len()], "{len} bytes");
            let cut_short = format!("sample is cut short after packet {}", seen.len());
            assert_eq!(fault, (!ends.contains(&len)).then_some(cut_short), "{len} bytes");
        }
    }
}

#[test]
fn refuses_lying_lengths_after_giving_what_came_before() {
    let good = LITTLE.record(1, 1, b"abcd", 4);
    let lie = LITTLE.u32s(&[1, 1, 0x0100_0001, 4]);
    let fault = read(&[LITTLE.pcap(0xa1b2_c3d4, 1), good.clone(), lie].concat());
    assert_eq!(fault.0.len(), 1);
    assert!(fault.1.unwrap().contains("corrupt after packet 1: a packet of more than 16 MiB"));

    let start =
        [LITTLE.section(), LITTLE.interface(1, 0, &[]), LITTLE.enhanced(0, 0, b"ok", 2, &[])].concat();
    let mut lying_packet = LITTLE.enhanced(0, 0, b"abcd", 4, &[]);
    lying_packet[20..24].copy_from_slice(&9_u32.to_le_bytes());
    let mut overflowing_packet = lying_packet.clone();
    overflowing_packet[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut lying_obsolete = LITTLE.obsolete(0, 0, b"abcd", 4);
    lying_obsolete[20..24].copy_from_slice(&5_u32.to_le_bytes());
    let mut other_length = LITTLE.block(99, b"");
    other_length[8] = 16;
    for (block, what) in [
        (lying_packet, "content does not fit"),
        (overflowing_packet, "content does not fit"),
        (lying_obsolete, "too short"),
        (LITTLE.block(2, b""), "too short"),
        (other_length, "two lengths differ"),
        (LITTLE.u32s(&[99, 8, 8]), "length that cannot be"),
        (LITTLE.u32s(&[99, 13, 0, 13]), "length that cannot be"),
        (LITTLE.u32s(&[99, 0x0100_0004, 0]), "more than 16 MiB"),
        (LITTLE.enhanced(1, 0, b"", 0, &[]), "was not described"),
        (LITTLE.u32s(&[0x0a0d_0d0a, 28, 1]), "no byte order"),
        ([LITTLE.section(), LITTLE.simple(b"x", 1)].concat(), "before any interface"),
    ] {
        let (seen, fault) = read(&[start.clone(), block, LITTLE.enhanced(0, 0, b"no", 2, &[])].concat());
        assert_eq!(seen.len(), 1, "{what}");
        let fault = fault.unwrap();
        assert!(fault.contains("corrupt after packet 1") && fault.contains(what), "{fault}");
    }
}

#[test]
fn says_what_a_file_is_that_is_no_capture() {
    let mut old_version = LITTLE.pcap(0xa1b2_c3d4, 1);
    old_version[4] = 7;
    for (bytes, found) in [
        (&b""[..], "nothing"),
        (b"ab", "begins with 61 62"),
        (b"\x1f\x8b\x08\x00rest", "1f 8b 08 00 (gzip"),
        (b"\x7fELF", "7f 45 4c 46"),
        (&LITTLE.pcap(0xa1b2_c3d4, 1)[..20], "cut short at 20 bytes"),
        (&old_version, "pcap version 7.4"),
        (&LITTLE.section()[..24], "section header that is cut short"),
    ] {
        let error = open(bytes).err().unwrap().to_string();
        assert!(error.starts_with("sample is not a capture") && error.contains(found), "{error}");
    }
    let error = Reader::open(Path::new("/no/such/capture")).err().unwrap();
    assert!(matches!(&error, CaptureError::Open { .. }) && error.to_string().contains("/no/such/capture"));
}

#[test]
fn a_failing_read_is_told_with_what_the_kernel_said() {
    struct Failing;
    impl io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk on fire"))
        }
    }
    let good = [LITTLE.pcap(0xa1b2_c3d4, 1), LITTLE.record(1, 1, b"abcd", 4)].concat();
    let input = Box::new(io::Read::chain(Cursor::new(good), Failing));
    let mut reader = Reader::new("sample".into(), input).unwrap();
    assert_eq!(drain(&mut reader).len(), 1);
    assert_eq!(reader.fault().unwrap().to_string(), "cannot read sample after packet 1: disk on fire");
}

#[test]
fn delivers_packets_longer_than_the_first_window() {
    let long = vec![7; 300_000];
    let capture = [LITTLE.pcap(0xa1b2_c3d4, 1), LITTLE.record(1, 1, &long, 300_000)].concat();
    let capture = [capture, LITTLE.record(2, 2, b"after", 5)].concat();
    let (seen, fault) = read(&capture);
    assert_eq!((seen.len(), fault), (2, None));
    assert!(seen[0].3 == long && seen[1].3 == b"after");
}

#[test]
fn gives_each_packet_its_link_and_writes_it_with_that() {
    let mut capture = [LITTLE.section(), LITTLE.interface(1, 0, &[]), LITTLE.interface(101, 0, &[])].concat();
    for (at, interface) in [0, 0, 1, 1, 1, 0].into_iter().enumerate() {
        capture.extend(LITTLE.enhanced(interface, at as u64, b"packet", 6 + at as u32, &[]));
    }
    let mut memory = umem(2_048);
    let mut pool = memory.split(1).pop().unwrap();
    let mut port = CapturePort::new(open(&capture).unwrap());
    let mut burst = Vec::new();
    assert_eq!(port.receive(&mut pool, Timestamp::ZERO, &mut burst), Supply::Open);
    let links: Vec<_> = burst.iter().map(|parcel| parcel.link).collect();
    let (ethernet, raw) = (LinkType::Ethernet, LinkType::RawIp);
    assert_eq!(links, [ethernet, ethernet, raw, raw, raw, ethernet]);

    let (written, _) = replay(&capture, &mut umem(2_048));
    assert_eq!(read(&written), read(&capture));
}

#[test]
fn cuts_what_is_longer_than_a_frame_counts_it_and_writes_its_wire_length() {
    let capture = [
        LITTLE.pcap(0xa1b2_3c4d, 1),
        LITTLE.record(1, 1, &[1; 300], 400),
        LITTLE.record(1, 2, &[2; 192], 192),
        LITTLE.record(1, 3, &[3; 100], 500),
    ]
    .concat();
    let (written, counters) = replay(&capture, &mut umem(256));
    assert_eq!((counters.rx_cut, counters.rx_packets, counters.rx_bytes), (1, 3, 192 + 192 + 100));
    assert_eq!((counters.tx_packets, counters.tx_bytes), (3, 192 + 192 + 100));
    let (seen, _) = read(&written);
    let lens: Vec<_> = seen.iter().map(|(_, _, wire_len, bytes)| (*wire_len, bytes.len())).collect();
    assert_eq!(lens, [(400, 192), (192, 192), (500, 100)]);
}

/// What a worker does with fragments: it copies them out, and sends each later
/// in a fresh frame, which another packet of another link has just left.
#[test]
fn writes_what_a_parcel_says_whatever_frame_it_is_in() {
    let capture = [
        LITTLE.section(),
        LITTLE.interface(1, 0, &[]),
        LITTLE.interface(101, 0, &[]),
        LITTLE.enhanced(0, 7, b"cut", 90, &[]),
        LITTLE.enhanced(1, 8, b"whole", 5, &[]),
    ]
    .concat();
    let mut memory = umem(256);
    let mut pool = memory.split(1).pop().unwrap();
    let mut port = CapturePort::new(open(&capture).unwrap());
    let out = Shared::default();
    port.write_with(Writer::new("out".into(), Box::new(out.clone()), Format::Pcapng, LinkType::Ethernet));
    let mut burst = Vec::new();
    port.receive(&mut pool, Timestamp::ZERO, &mut burst);
    let held: Vec<_> = burst
        .drain(..)
        .map(|parcel| {
            let mut bytes = Vec::new();
            parcel.frame.copy_all(&mut bytes);
            pool.recycle(parcel.frame);
            (parcel.link, parcel.at, parcel.wire_len, bytes)
        })
        .collect();
    for (link, at, wire_len, bytes) in held.into_iter().rev() {
        let mut frame = pool.take().unwrap();
        assert!(frame.fill(&bytes));
        port.send(Parcel { frame, at, wire_len, link }).unwrap();
    }

    // Longer than what came in, in several chunks: the length on the wire
    // follows.
    let (mut jumbo, mut rest) = (pool.take().unwrap(), pool.take().unwrap());
    assert!(jumbo.fill(&[1; 90]) && rest.fill(&[2; 10]));
    jumbo.append(rest);
    port.send(Parcel { frame: jumbo, at: Timestamp::ZERO, wire_len: 90, link: LinkType::Ethernet }).unwrap();
    assert_eq!((port.counters().tx_packets, port.counters().tx_bytes, port.frames_held()), (3, 108, 4));
    port.flush(&mut pool);
    port.finish().unwrap();
    assert_eq!(pool.free_len(), 80);

    let expected = [
        (LinkType::RawIp, 8_000, 5, b"whole".to_vec()),
        (LinkType::Ethernet, 7_000, 90, b"cut".to_vec()),
        (LinkType::Ethernet, 0, 100, [vec![1; 90], vec![2; 10]].concat()),
    ];
    assert_eq!(read(&out.0.lock().unwrap()), (expected.into(), None));
}

#[test]
fn a_replay_without_drops_writes_what_it_read() {
    for craft in BOTH {
        let mut pcap = craft.pcap(0xa1b2_c3d4, 1);
        for number in 0..200_u32 {
            pcap.extend(craft.record(number, 999_999, &number.to_le_bytes(), 4 + number % 3));
        }
        let (written, _) = replay(&pcap, &mut umem(2_048));
        assert_eq!(written[..4], [0x4d, 0x3c, 0xb2, 0xa1], "pcap with nanoseconds");
        assert_eq!(read(&written), read(&pcap));
    }
    let pcapng = sections(BIG, LITTLE);
    let (written, _) = replay(&pcapng, &mut umem(2_048));
    assert_eq!(read(&written), read(&pcapng));
}

#[test]
fn waits_for_frames_and_loses_nothing() {
    let mut capture = LITTLE.pcap(0xa1b2_c3d4, 1);
    for number in 0..100_u32 {
        capture.extend(LITTLE.record(number, 0, &number.to_le_bytes(), 4));
    }
    let mut memory = Umem::new(Layout { chunks: 3, chunk_size: 2_048, headroom: 64 }).unwrap();
    let mut pool = memory.split(1).pop().unwrap();
    let mut port = CapturePort::new(open(&capture).unwrap());
    let mut times = Vec::new();
    let mut burst = Vec::new();
    while port.receive(&mut pool, Timestamp::ZERO, &mut burst) == Supply::Open {
        assert!(burst.len() <= 3);
        for parcel in burst.drain(..) {
            times.push(parcel.at.as_secs());
            pool.recycle(parcel.frame);
        }
    }
    assert_eq!(times, (0..100).collect::<Vec<_>>());
    assert!(port.counters().rx_starved > 0);
}

#[test]
fn a_full_disk_refuses_what_comes_after_and_is_told_at_the_end() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut capture = LITTLE.pcap(0xa1b2_c3d4, 1);
    for _ in 0..4 {
        capture.extend(LITTLE.record(0, 0, &vec![0; 100_000], 100_000));
    }
    let mut memory = umem(131_072);
    let mut pool = memory.split(1).pop().unwrap();
    let mut port = CapturePort::new(open(&capture).unwrap());
    port.write_with(Writer::new("out".into(), Box::new(Full), Format::Pcap, LinkType::Ethernet));
    let mut burst = Vec::new();
    port.receive(&mut pool, Timestamp::ZERO, &mut burst);
    for parcel in burst {
        if let Err(refused) = port.send(parcel) {
            pool.recycle(refused);
        }
    }
    // Two fit in the buffer of the writer; the third met the disk.
    assert_eq!((port.counters().tx_packets, port.counters().tx_full), (2, 2));
    for _ in 0..2 {
        let error = port.finish().unwrap_err().to_string();
        assert!(error.starts_with("cannot write out: ") && error.ends_with("it is incomplete"), "{error}");
    }
    // `/dev/full` takes nothing, and the kernel says so only at the flush.
    let mut writer =
        Writer::create(Path::new("/dev/full"), Format::Pcapng, LinkType::Ethernet, None).unwrap();
    assert!(writer.write(&one_byte(LinkType::Ethernet)));
    assert!(writer.finish().unwrap_err().to_string().contains("/dev/full"));
}

#[test]
fn never_overwrites_what_it_reads_and_empties_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let (input, link, output) =
        (folder.path().join("in.pcap"), folder.path().join("link"), folder.path().join("out.pcap"));
    let capture = [LITTLE.pcap(0xa1b2_3c4d, 1), LITTLE.record(1, 1, b"abcd", 4)].concat();
    std::fs::write(&input, &capture).unwrap();
    std::fs::write(&output, [9; 4_096]).unwrap();
    std::fs::hard_link(&input, &link).unwrap();

    let mut port = CapturePort::open(&input).unwrap();
    assert_eq!(port.reader().bytes_total(), Some(capture.len() as u64));
    for same in [&input, &link] {
        assert!(matches!(port.write_to(same), Err(CaptureError::SameFile { .. })));
    }
    assert_eq!(std::fs::read(&input).unwrap(), capture);
    assert!(matches!(port.write_to(folder.path()), Err(CaptureError::Create { .. })));

    port.write_to(&output).unwrap();
    port.finish().unwrap();
    assert_eq!(read(&std::fs::read(&output).unwrap()), (vec![], None), "no packet is a capture too");
}

/// Whatever the bytes: it ends, and gives no more than it was given.
fn survives(bytes: &[u8]) {
    let Ok(mut reader) = open(bytes) else { return };
    let seen = drain(&mut reader);
    let given: usize = seen.iter().map(|(_, _, _, packet)| packet.len()).sum();
    assert!(given <= bytes.len());
    assert!(reader.bytes_consumed() <= bytes.len() as u64);
    assert!(reader.peek().is_none(), "what has ended stays so");
}

proptest! {
    #[test]
    fn survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        survives(&bytes);
        for craft in BOTH {
            survives(&[craft.pcap(0xa1b2_c3d4, 1), bytes.clone()].concat());
            survives(&[craft.section(), craft.interface(1, 0, &[]), bytes.clone()].concat());
            for kind in [1, 2, 3, 6, 0x0a0d_0d0a] {
                survives(&[craft.section(), craft.interface(1, 0, &[]), craft.block(kind, &bytes)].concat());
            }
        }
    }

    #[test]
    fn survives_any_damage(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        for craft in BOTH {
            let mut capture = sections(craft, LITTLE);
            for (at, byte) in &changes {
                let at = at.index(capture.len());
                capture[at] = *byte;
            }
            survives(&capture);
        }
    }

    #[test]
    fn what_is_written_is_read_again(
        packets in proptest::collection::vec(
            (0..3_u16, 0..u64::from(u32::MAX) * 1_000_000_000, proptest::collection::vec(any::<u8>(), 0..80), 0..99_u32),
            0..20,
        ),
        pcapng in any::<bool>(),
    ) {
        let format = if pcapng { Format::Pcapng } else { Format::Pcap };
        let out = Shared::default();
        let mut writer = Writer::new("out".into(), Box::new(out.clone()), format, LinkType::Null);
        let mut expected = Vec::new();
        for (link, at, bytes, missing) in packets {
            let link = if pcapng { LinkType::from_number(link) } else { LinkType::Null };
            let wire_len = bytes.len() as u32 + missing;
            let record = Record { link, at: Timestamp::from_nanos(at), wire_len, bytes: &bytes };
            prop_assert!(writer.write(&record));
            expected.push((link, at, wire_len, bytes));
        }
        writer.finish().unwrap();
        prop_assert_eq!(writer.packets(), expected.len() as u64);
        prop_assert_eq!(read(&out.0.lock().unwrap()), (expected, None));
    }
}

#[test]
fn pcap_takes_packets_of_one_link_only() {
    let mut writer = Writer::new("out".into(), Box::new(Shared::default()), Format::Pcap, LinkType::Ethernet);
    assert!(!writer.write(&one_byte(LinkType::RawIp)));
    assert!(writer.finish().unwrap_err().to_string().contains("RawIp"));
    assert!(!writer.write(&one_byte(LinkType::Ethernet)), "nothing after the first error");
    assert!(writer.finish().is_err());
}
