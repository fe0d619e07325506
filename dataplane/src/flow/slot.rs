//! One flow in memory: three cache lines of atomics.
//!
//! The worker that owns the flow alone writes it, with relaxed stores, which
//! are plain moves; any thread may read it without a lock. What a reader must
//! not see torn is the identity (key, id, start): it is written only while the
//! slot is vacant, under a [`SequenceLock`] that moves at no packet. Packets,
//! bytes, state and time of the last packet may be a packet apart in what a
//! reader sees, but they are of the flow whose identity stands beside them.
//!
//! The lines: the first is read by every packet, the second written by every
//! packet, the third by every TCP segment, and when a flow opens or ends.

use std::ptr;

use super::key::{ESP, Endpoint, ICMP, ICMP6, Key, MARKS_FREE, Within, is_tunnelled, protocol_of};
use super::list::NONE;
use super::record::{Direction, FiveTuple, FlowRecord};
use super::sequence_lock::SequenceLock;
use super::stage::{Stage, TimeoutRow};
use super::sync::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};
use super::tcp::{Segment, Side, SideFlags, Sides, TcpSeen, TcpState, in_order};
use crate::app_proto::AppProto;
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::packet::Vlans;
use crate::wire::tcp::Flags;

use Ordering::Relaxed;

/// A flow, or room for one.
#[repr(C, align(64))]
pub(super) struct Slot {
    lock: SequenceLock,
    home: AtomicU32,
    /// That of the key; [`CLIENT_SECOND`], the ICMP type and code of the first
    /// packet.
    marks: AtomicU64,
    first: [AtomicU64; 2],
    second: [AtomicU64; 2],
    rest: AtomicU64,
    id: AtomicU64,

    last: AtomicU64,
    packets: [AtomicU64; 2],
    bytes: [AtomicU64; 2],
    stage: AtomicU32,
    /// What the client speaks, the server, and what they spoke before (8 bits
    /// each), [`ALERTED`] and the verdict, from the top.
    verdict: AtomicU32,
    /// The rules' epoch of which the verdict is.
    epoch: AtomicU32,
    extension: AtomicU32,
    tags: AtomicU64,

    start: AtomicU64,
    pub(super) timer: Links,
    pub(super) victim: Links,
    sides: [TcpSide; 2],
    /// [`Side::window`] of both.
    windows: [AtomicU16; 2],
    /// [`Side::isn`] of both.
    isns: [AtomicU8; 2],
    armed: AtomicU16,
}

/// What one side of a connection has sent: a [`Side`], as far as it is words.
#[repr(C)]
struct TcpSide {
    end: AtomicU32,
    ack: AtomicU32,
    timestamp: AtomicU32,
    packed: AtomicU32,
}

impl TcpSide {
    fn unheard() -> Self {
        let zero = || AtomicU32::new(0);
        Self { end: zero(), ack: zero(), timestamp: zero(), packed: zero() }
    }
}

#[cfg(not(loom))]
const _: () = {
    assert!(size_of::<Slot>() <= 192 && align_of::<Slot>() == 64);
    assert!(std::mem::offset_of!(Slot, last) == 64 && std::mem::offset_of!(Slot, start) == 128);
};

/// In `marks`: the client is the second endpoint of the key.
const CLIENT_SECOND: u64 = 1 << (MARKS_FREE - 1);
/// In `marks`: what is of the key.
const KEY_MARKS: u64 = u64::MAX << MARKS_FREE;
/// In `verdict`: the verdict itself.
const VERDICT: u32 = 0x7f;
/// In `verdict`: a rule raised an alert on the flow.
const ALERTED: u32 = 1 << 7;
/// How often a reader tries again when the flow changes under it.
const TRIES: u32 = 4;

/// What a flow is, and never changes.
struct Identity {
    id: u64,
    tuple: FiveTuple,
    vlans: Vlans,
    within: Option<Within>,
    spi: Option<u32>,
    start: Timestamp,
}

/// What a flow begins with.
pub(super) struct Opening<'a> {
    pub(super) key: &'a Key,
    pub(super) client: Endpoint,
    pub(super) icmp: (u8, u8),
    pub(super) id: u64,
    pub(super) start: Timestamp,
    pub(super) stage: Stage,
    /// Where it is TCP.
    pub(super) sides: Option<&'a Sides>,
    /// The part of the hash by which the index files the flow.
    pub(super) home: u32,
}

impl Slot {
    pub(super) fn vacant() -> Self {
        let zero = || AtomicU64::new(0);
        let pair = || [AtomicU64::new(0), AtomicU64::new(0)];
        Self {
            lock: SequenceLock::vacant(),
            home: AtomicU32::new(0),
            marks: zero(),
            first: pair(),
            second: pair(),
            rest: zero(),
            id: zero(),
            last: zero(),
            packets: pair(),
            bytes: pair(),
            stage: AtomicU32::new(0),
            verdict: AtomicU32::new(0),
            epoch: AtomicU32::new(0),
            extension: AtomicU32::new(NONE),
            tags: zero(),
            start: zero(),
            timer: Links::nowhere(),
            victim: Links::nowhere(),
            sides: [TcpSide::unheard(), TcpSide::unheard()],
            windows: [AtomicU16::new(0), AtomicU16::new(0)],
            isns: [AtomicU8::new(0), AtomicU8::new(0)],
            armed: AtomicU16::new(0),
        }
    }

    /// The flow as it stands, from any thread; `None` where there is none, or
    /// where flows come and go in this slot faster than they can be read.
    pub(super) fn snapshot(&self) -> Option<FlowRecord> {
        for _ in 0..TRIES {
            let sequence = self.lock.begin()?;
            let record = self.record();
            if self.lock.still(sequence) {
                return Some(record);
            }
        }
        None
    }

    /// Puts a flow into a vacant slot and shows it to readers.
    pub(super) fn open(&self, opening: &Opening<'_>) {
        self.lock.begin_write();
        let key = opening.key;
        store_both(&self.first, key.first);
        store_both(&self.second, key.second);
        self.rest.store(key.rest, Relaxed);
        let client = if opening.client == Endpoint::Second { CLIENT_SECOND } else { 0 };
        let (icmp_type, icmp_code) = opening.icmp;
        let icmp = u64::from(u16::from_be_bytes([icmp_type, icmp_code]));
        self.marks.store(key.marks | client | icmp, Relaxed);
        self.id.store(opening.id, Relaxed);
        self.start.store(opening.start.as_nanos(), Relaxed);
        self.last.store(opening.start.as_nanos(), Relaxed);
        store_both(&self.packets, [0, 0]);
        store_both(&self.bytes, [0, 0]);
        self.stage.store(opening.stage.bits(key.protocol()), Relaxed);
        self.verdict.store(0, Relaxed);
        self.epoch.store(0, Relaxed);
        self.extension.store(NONE, Relaxed);
        self.tags.store(0, Relaxed);
        self.home.store(opening.home, Relaxed);
        if let Some(sides) = opening.sides {
            self.set_sides(sides);
        }
        self.lock.publish();
    }

    /// Takes the flow out: readers see the slot vacant.
    pub(super) fn close(&self) {
        self.lock.vacate();
    }

    /// Whether there is a flow, as its writer knows.
    pub(super) fn is_live(&self) -> bool {
        self.lock.begin().is_some()
    }

    /// Whether the flow in this slot has this key.
    #[inline]
    pub(super) fn holds(&self, key: &Key) -> bool {
        // One branch: the words differ in different places in different
        // packets, so a branch for each would be guessed wrongly.
        let differs = differ(&self.first, key.first)
            | differ(&self.second, key.second)
            | (self.rest.load(Relaxed) ^ key.rest)
            | ((self.marks.load(Relaxed) ^ key.marks) & KEY_MARKS);
        differs == 0
    }

    /// The lines that every packet reads and writes.
    #[inline]
    pub(super) fn lines(&self) -> [*const u8; 2] {
        [ptr::from_ref(self).cast(), ptr::from_ref(&self.last).cast()]
    }

    /// Counts a packet; gives how many of its direction there are now.
    #[inline]
    pub(super) fn count(&self, direction: Direction, wire_len: u32, now: Timestamp) -> u64 {
        let (packets, bytes) = (direction.of(&self.packets), direction.of(&self.bytes));
        let count = packets.load(Relaxed).wrapping_add(1);
        packets.store(count, Relaxed);
        bytes.store(bytes.load(Relaxed).wrapping_add(u64::from(wire_len)), Relaxed);
        self.last.store(now.as_nanos(), Relaxed);
        count
    }

    /// Whether packets of both sides have been counted.
    #[inline]
    pub(super) fn is_answered(&self) -> bool {
        load_both(&self.packets).iter().all(|&packets| packets > 0)
    }

    /// What the two sides of a TCP connection have sent.
    #[inline]
    pub(super) fn sides(&self) -> Sides {
        [self.side(Direction::Up), self.side(Direction::Down)]
    }

    /// Takes a segment of an established connection that is next in order, as
    /// nearly every one is; `None` where the whole machine has to look.
    #[inline]
    pub(super) fn advance(&self, direction: Direction, seen: &TcpSeen) -> Option<Segment> {
        let (sender, receiver) = (self.side(direction), self.side(direction.reversed()));
        // The server's first word after the handshake confirms it.
        if direction == Direction::Down && !sender.flags.contains(SideFlags::CONFIRMED) {
            return None;
        }
        let (after, segment) = in_order(&sender, &receiver, seen)?;
        let place = direction.of(&self.sides);
        place.end.store(after.end, Relaxed);
        place.ack.store(after.ack, Relaxed);
        place.timestamp.store(after.timestamp, Relaxed);
        if after.window != sender.window {
            place.packed.store(after.packed(), Relaxed);
            direction.of(&self.windows).store(after.window, Relaxed);
        }
        Some(segment)
    }

    #[inline]
    fn side(&self, direction: Direction) -> Side {
        load_side(direction.of(&self.sides), direction.of(&self.windows), direction.of(&self.isns))
    }

    /// Whether it travels in a tunnel.
    pub(super) fn is_tunnelled(&self) -> bool {
        is_tunnelled(self.marks.load(Relaxed))
    }

    /// Whether a TCP connection began before our watch.
    pub(super) fn is_midstream(&self) -> bool {
        self.side(Direction::Up).flags.contains(SideFlags::MIDSTREAM)
    }

    /// Whether a segment with these flags opens another connection under this
    /// key: a SYN, when the one before is over, or when all that was seen of it
    /// is something that came astray.
    pub(super) fn is_reopened_by(&self, flags: Flags) -> bool {
        let opens = flags.intersection(Flags::SYN | Flags::ACK | Flags::RST) == Flags::SYN;
        opens
            && match self.stage().tcp_state() {
                Some(TcpState::PickedUp) => self.is_midstream(),
                Some(state) => state.is_over(),
                None => false,
            }
    }

    /// Keeps what the two sides of a TCP connection have sent.
    #[inline]
    pub(super) fn set_sides(&self, [up, down]: &Sides) {
        for (direction, side) in [(Direction::Up, up), (Direction::Down, down)] {
            let place = direction.of(&self.sides);
            place.end.store(side.end, Relaxed);
            place.ack.store(side.ack, Relaxed);
            place.timestamp.store(side.timestamp, Relaxed);
            place.packed.store(side.packed(), Relaxed);
            direction.of(&self.windows).store(side.window, Relaxed);
            direction.of(&self.isns).store(side.isn, Relaxed);
        }
    }

    /// The flow as it stands; consistent only for its writer, or between
    /// [`SequenceLock::begin`] and [`SequenceLock::still`].
    pub(super) fn record(&self) -> FlowRecord {
        let Identity { id, tuple, vlans, within, spi, start } = self.identity();
        let stage = self.stage();
        FlowRecord {
            id,
            tuple,
            vlans,
            within,
            spi,
            start,
            last: self.last(),
            packets: load_both(&self.packets),
            bytes: load_both(&self.bytes),
            tcp_flags: stage.flags,
            state: stage.state(),
            tcp_state: stage.tcp_state(),
            midstream: stage.tcp_state().is_some() && self.is_midstream(),
            verdict: self.verdict().unwrap_or_default(),
            alerted: self.verdict.load(Relaxed) & ALERTED != 0,
            app_protos: self.app_protos(),
            app_proto_orig: self.app_proto_orig(),
        }
    }

    fn identity(&self) -> Identity {
        let marks = self.marks.load(Relaxed);
        let key = Key {
            first: load_both(&self.first),
            second: load_both(&self.second),
            rest: self.rest.load(Relaxed),
            marks: marks & KEY_MARKS,
        };
        let (client, server) = (client(marks), client(marks).other());
        let ((client, client_port), (server, server_port)) = (key.endpoint(client), key.endpoint(server));
        let protocol = key.protocol();
        let [.., icmp_type, icmp_code] = marks.to_be_bytes();
        let (client_port, server_port) = match protocol {
            ICMP | ICMP6 => (u16::from(icmp_type), u16::from(icmp_code)),
            ESP => (0, 0),
            _ => (client_port, server_port),
        };
        Identity {
            id: self.id.load(Relaxed),
            tuple: FiveTuple { client, server, client_port, server_port, protocol },
            vlans: key.vlans(),
            within: key.within(),
            spi: key.spi(),
            start: Timestamp::from_nanos(self.start.load(Relaxed)),
        }
    }

    #[inline]
    pub(super) fn client(&self) -> Endpoint {
        client(self.marks.load(Relaxed))
    }

    #[inline]
    pub(super) fn protocol(&self) -> u8 {
        protocol_of(self.rest.load(Relaxed))
    }

    #[inline]
    pub(super) fn last(&self) -> Timestamp {
        Timestamp::from_nanos(self.last.load(Relaxed))
    }

    pub(super) fn set_last(&self, last: Timestamp) {
        self.last.store(last.as_nanos(), Relaxed);
    }

    #[inline]
    pub(super) fn stage(&self) -> Stage {
        Stage::from_bits(self.stage_bits())
    }

    /// The stage as it is packed.
    #[inline]
    pub(super) fn stage_bits(&self) -> u32 {
        self.stage.load(Relaxed)
    }

    /// Which time-out holds.
    pub(super) fn timeout_row(&self) -> TimeoutRow {
        TimeoutRow::from_bits(self.stage_bits())
    }

    pub(super) fn set_stage(&self, stage: Stage) {
        self.stage.store(stage.bits(self.protocol()), Relaxed);
    }

    #[inline]
    pub(super) fn verdict(&self) -> Option<Verdict> {
        let [.., verdict] = (self.verdict.load(Relaxed) & VERDICT).to_be_bytes();
        verdict.checked_sub(1).map(Verdict::from_bits)
    }

    #[inline]
    pub(super) fn epoch(&self) -> u32 {
        self.epoch.load(Relaxed)
    }

    /// The verdict's number is kept one higher: 0 is none.
    pub(super) fn set_verdict(&self, verdict: Option<Verdict>, epoch: u32) {
        let others = self.verdict.load(Relaxed) & !VERDICT;
        self.verdict.store(others | verdict.map_or(0, |verdict| verdict as u32 + 1), Relaxed);
        self.epoch.store(epoch, Relaxed);
    }

    pub(super) fn set_alerted(&self) {
        self.verdict.store(self.verdict.load(Relaxed) | ALERTED, Relaxed);
    }

    /// What each side speaks, as far as that was looked at.
    pub(super) fn app_protos(&self) -> [Option<AppProto>; 2] {
        let [up, down, ..] = self.verdict.load(Relaxed).to_be_bytes();
        [up, down].map(AppProto::from_number)
    }

    pub(super) fn set_app_proto(&self, direction: Direction, app_proto: AppProto) {
        self.store_app_proto(*direction.of(&[24, 16]), app_proto);
    }

    /// What both sides spoke before they changed to what they speak.
    pub(super) fn app_proto_orig(&self) -> Option<AppProto> {
        let [_, _, orig, _] = self.verdict.load(Relaxed).to_be_bytes();
        AppProto::from_number(orig)
    }

    pub(super) fn set_app_proto_orig(&self, app_proto: AppProto) {
        self.store_app_proto(8, app_proto);
    }

    fn store_app_proto(&self, shift: u32, app_proto: AppProto) {
        let others = self.verdict.load(Relaxed) & !(0xff << shift);
        self.verdict.store(others | u32::from(app_proto.number().get()) << shift, Relaxed);
    }

    pub(super) fn tags(&self) -> u64 {
        self.tags.load(Relaxed)
    }

    pub(super) fn set_tags(&self, tags: u64) {
        self.tags.store(tags, Relaxed);
    }

    pub(super) fn extension(&self) -> Option<u32> {
        let extension = self.extension.load(Relaxed);
        (extension != NONE).then_some(extension)
    }

    pub(super) fn set_extension(&self, extension: Option<u32>) {
        self.extension.store(extension.unwrap_or(NONE), Relaxed);
    }

    /// The place in the wheel.
    pub(super) fn armed(&self) -> u16 {
        self.armed.load(Relaxed)
    }

    pub(super) fn set_armed(&self, place: u16) {
        self.armed.store(place, Relaxed);
    }

    pub(super) fn home(&self) -> u32 {
        self.home.load(Relaxed)
    }
}

#[inline]
fn load_side(side: &TcpSide, window: &AtomicU16, isn: &AtomicU8) -> Side {
    Side {
        end: side.end.load(Relaxed),
        ack: side.ack.load(Relaxed),
        timestamp: side.timestamp.load(Relaxed),
        window: window.load(Relaxed),
        isn: isn.load(Relaxed),
        ..Side::unpacked(side.packed.load(Relaxed))
    }
}

#[inline]
const fn client(marks: u64) -> Endpoint {
    if marks & CLIENT_SECOND == 0 { Endpoint::First } else { Endpoint::Second }
}

fn store_both([a, b]: &[AtomicU64; 2], [x, y]: [u64; 2]) {
    a.store(x, Relaxed);
    b.store(y, Relaxed);
}

fn load_both([a, b]: &[AtomicU64; 2]) -> [u64; 2] {
    [a.load(Relaxed), b.load(Relaxed)]
}

#[inline]
fn differ(words: &[AtomicU64; 2], [x, y]: [u64; 2]) -> u64 {
    let [a, b] = load_both(words);
    (a ^ x) | (b ^ y)
}

/// The neighbours of a slot in a [`List`](super::list::List).
pub(super) struct Links {
    previous: AtomicU32,
    next: AtomicU32,
}

impl Links {
    fn nowhere() -> Self {
        Self { previous: AtomicU32::new(NONE), next: AtomicU32::new(NONE) }
    }

    pub(super) fn both(&self) -> (u32, u32) {
        (self.previous.load(Relaxed), self.next.load(Relaxed))
    }

    pub(super) fn set(&self, previous: u32, next: u32) {
        self.set_previous(previous);
        self.set_next(next);
    }

    pub(super) fn set_previous(&self, previous: u32) {
        self.previous.store(previous, Relaxed);
    }

    pub(super) fn set_next(&self, next: u32) {
        self.next.store(next, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn key(protocol: u8) -> (Key, Endpoint) {
        let a = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let b = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        Key::new((a, 40_000), (b, 443), protocol, Vlans { count: 1, tci: [7, 0, 0] })
    }

    fn opened(protocol: u8) -> Slot {
        let slot = Slot::vacant();
        let (key, client) = key(protocol);
        let stage = Stage { flags: [Flags::SYN, Flags::empty()], ..Stage::opened() };
        let start = Timestamp::from_nanos(5);
        slot.open(&Opening { key: &key, client, icmp: (8, 1), id: 9, start, stage, sides: None, home: 3 });
        slot
    }

    #[test]
    fn a_reader_sees_what_the_writer_wrote() {
        let slot = opened(6);
        slot.count(Direction::Up, 60, Timestamp::from_nanos(6));
        assert!(!slot.is_answered());
        slot.count(Direction::Down, 1_500, Timestamp::from_nanos(7));
        assert!(slot.is_answered());
        slot.set_verdict(Some(Verdict::Drop), 4);
        slot.set_alerted();
        let record = slot.snapshot();
        assert_eq!(record, Some(slot.record()));
        let Some(record) = record else { return };
        assert_eq!((record.id, record.start.as_nanos(), record.last.as_nanos()), (9, 5, 7));
        assert_eq!((record.packets, record.bytes), ([1, 1], [60, 1_500]));
        assert_eq!((record.tuple.client_port, record.tuple.server_port), (40_000, 443));
        assert_eq!(record.tuple.client, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(record.vlans, Vlans { count: 1, tci: [7, 0, 0] });
        assert_eq!((record.verdict, record.alerted), (Verdict::Drop, true));
        slot.set_verdict(Some(Verdict::Accept), 5);
        assert!(slot.record().alerted);
    }

    #[test]
    fn what_is_spoken_what_was_and_the_verdict_stand_side_by_side() {
        let slot = opened(6);
        let told = |slot: &Slot| {
            let record = slot.record();
            (record.app_protos, record.app_proto_orig, record.verdict, record.alerted)
        };
        assert_eq!(told(&slot), ([None; 2], None, Verdict::Accept, false));
        slot.set_app_proto_orig(AppProto::Http);
        slot.set_verdict(Some(Verdict::Bypass), 1);
        slot.set_app_proto(Direction::Down, AppProto::Failed);
        slot.set_alerted();
        slot.set_app_proto(Direction::Up, AppProto::Http);
        slot.set_app_proto(Direction::Up, AppProto::Tls);
        let expected = [Some(AppProto::Tls), Some(AppProto::Failed)];
        assert_eq!(told(&slot), (expected, Some(AppProto::Http), Verdict::Bypass, true));
        slot.set_verdict(None, 2);
        assert_eq!(slot.verdict(), None);
        assert_eq!(told(&slot), (expected, Some(AppProto::Http), Verdict::Accept, true));
    }

    #[test]
    fn icmp_tells_type_and_code_in_the_place_of_ports() {
        let record = opened(1).record();
        assert_eq!((record.tuple.client_port, record.tuple.server_port), (8, 1));
    }

    #[test]
    fn a_slot_is_vacant_before_and_after_its_flow_and_holds_only_its_key() {
        assert_eq!(Slot::vacant().snapshot(), None);
        let slot = opened(6);
        assert!(slot.holds(&key(6).0));
        assert!(!slot.holds(&key(17).0));
        slot.close();
        assert_eq!(slot.snapshot(), None);
    }

    #[test]
    fn what_a_flow_kept_is_gone_with_it() {
        let slot = opened(6);
        slot.set_tags(1);
        slot.set_extension(Some(2));
        slot.set_verdict(Some(Verdict::Reject), 3);
        slot.set_alerted();
        slot.set_app_proto_orig(AppProto::Smtp);
        slot.close();
        let (key, client) = key(17);
        let stage = Stage::opened();
        let start = Timestamp::from_nanos(50);
        slot.open(&Opening { key: &key, client, icmp: (0, 0), id: 10, start, stage, sides: None, home: 3 });
        assert_eq!((slot.tags(), slot.extension(), slot.epoch()), (0, None, 0));
        let record = slot.record();
        assert_eq!((record.verdict, record.alerted, record.packets), (Verdict::Accept, false, [0, 0]));
        assert_eq!(record.app_proto_orig, None);
    }
}

#[cfg(all(test, loom))]
#[expect(clippy::unwrap_used, reason = "a reader that failed is to fail the model")]
mod loom_tests {
    use std::net::{IpAddr, Ipv4Addr};

    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    // As in the lock's own models, the writer runs in the first thread.

    fn key(number: u8) -> Key {
        let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, number, last));
        Key::new((address(1), 1), (address(2), 2), 17, Vlans::default()).0
    }

    fn open(slot: &Slot, number: u8) {
        slot.open(&Opening {
            key: &key(number),
            client: Endpoint::First,
            icmp: (0, 0),
            id: u64::from(number),
            start: Timestamp::from_nanos(u64::from(number)),
            stage: Stage::opened(),
            sides: None,
            home: 0,
        });
    }

    /// One flow is replaced by another while a reader looks. Loom tries every
    /// value that each load may see: two preemptions keep that within seconds.
    fn replaced_under(reader: fn(&Slot)) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(move || {
            let slot = Arc::new(Slot::vacant());
            open(&slot, 1);
            slot.count(Direction::Up, 100, Timestamp::from_nanos(1));
            let watching = {
                let slot = Arc::clone(&slot);
                thread::spawn(move || reader(&slot))
            };
            slot.close();
            open(&slot, 2);
            slot.count(Direction::Up, 7, Timestamp::from_nanos(2));
            watching.join().unwrap();
        });
    }

    #[test]
    fn an_identity_is_of_one_flow() {
        replaced_under(|slot| {
            let Some(sequence) = slot.lock.begin() else { return };
            let identity = slot.identity();
            if slot.lock.still(sequence) {
                let number = u8::try_from(identity.id).unwrap_or(0);
                let key = key(number);
                assert_eq!(identity.start.as_nanos(), identity.id, "torn");
                assert_eq!(identity.tuple.client, key.endpoint(Endpoint::First).0, "torn");
                assert_eq!(identity.tuple.server, key.endpoint(Endpoint::Second).0, "torn");
            }
        });
    }

    #[test]
    fn counts_are_of_the_flow_beside_them() {
        replaced_under(|slot| {
            let Some(sequence) = slot.lock.begin() else { return };
            let id = slot.id.load(Relaxed);
            let [up, _] = load_both(&slot.bytes);
            if slot.lock.still(sequence) {
                assert!(matches!((id, up), (1, 100) | (2, 0 | 7)), "flow {id} with {up} bytes");
            }
        });
    }
}
