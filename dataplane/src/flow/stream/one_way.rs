//! The bytes of one direction of a connection.
//!
//! Places count from the stream's first byte in 64 bits; sequence numbers are
//! placed by their distance from the one that is next, so that they may wrap as
//! often as they like.
//!
//! ```text
//!            base            next
//!   forgotten | remembered,   | some may be there, behind holes
//!             | told to sinks |
//! ```
//!
//! Up to `base` bytes are acknowledged, or were forgotten for want of room: a
//! segment there says nothing. From `base` to `next` all are remembered, so that
//! a segment that says others is noticed. From `next` on they wait.

use super::overlap::Rule;
use super::page::{PAGE_LEN, Stretch, first_place, page_of, stretches};
use super::pool::{Full, Pool, Purse};
use super::put::{Sent, put};
use super::tree::Tree;
use super::{Direction, Discipline, Interest, Segment, StreamAnomalies, StreamCounters, StreamSink, Taken};
use crate::anomaly::Anomaly;

/// Gaps that one acknowledgement, or the end, makes at most; what lies behind
/// them up to the acknowledged place is one more. It bounds what a packet can
/// cost that acknowledges a stream of holes.
const GAPS_MAX: u32 = 1024;
/// The place that no stream reaches.
const NEVER: u64 = u64::MAX;

/// In `marks`: the first byte's sequence number is known.
const BEGUN: u8 = 1;
/// In `marks`: nobody wants more.
const ENOUGH: u8 = 1 << 1;
/// In `marks`: the end was told.
const ENDED: u8 = 1 << 2;
/// In `marks`: something lay beyond the depth.
const DEPTH: u8 = 1 << 3;
/// In `marks`: told that the connection's share was full.
const FLOW_FULL: u8 = 1 << 4;
/// In `marks`: told that the worker's memory was full.
const ALL_FULL: u8 = 1 << 5;

/// In `marks`: the receiver was heard.
const RECEIVER_HEARD: u8 = 1 << 6;

/// Who is told, and of which direction.
pub(super) struct Outlet<'a, S> {
    pub(super) sink: &'a mut S,
    pub(super) direction: Direction,
}

/// One direction: where it stands, and its pages.
pub(super) struct OneWay {
    /// The place of the next byte to tell.
    next: u64,
    /// From here to `next` bytes are remembered.
    base: u64,
    /// From here on nobody looks: the depth, or where the sink had enough.
    limit: u64,
    /// Where the FIN is.
    end: u64,
    pages: Tree,
    /// Bytes that are there beyond `next`.
    waiting: u64,
    first_seq: u32,
    rule: Rule,
    marks: u8,
}

/// What a segment has met, and has still to be counted.
#[derive(Default)]
struct Met {
    overlap: bool,
    conflict: bool,
    /// Bytes came ahead and found no room.
    unseen: bool,
    full: Option<Full>,
}

impl OneWay {
    pub(super) fn new(rule: Rule, depth: Option<u64>) -> Self {
        Self {
            next: 0,
            base: 0,
            limit: depth.unwrap_or(NEVER),
            end: NEVER,
            pages: Tree::EMPTY,
            first_seq: 0,
            waiting: 0,
            rule,
            marks: 0,
        }
    }

    const fn is(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    /// Sets a mark; whether it was not set.
    const fn mark(&mut self, mark: u8) -> bool {
        let new = !self.is(mark);
        self.marks |= mark;
        new
    }

    pub(super) const fn begin(&mut self, first_seq: u32) {
        if self.mark(BEGUN) {
            self.first_seq = first_seq;
        }
    }

    /// The place of a sequence number; negative before the first byte.
    #[inline]
    fn place(&self, seq: u32) -> i64 {
        let next_seq = self.first_seq.wrapping_add(low_bits(self.next));
        self.next.cast_signed() + i64::from(seq.wrapping_sub(next_seq).cast_signed())
    }

    /// From here on no byte is told.
    #[inline]
    fn bound(&self) -> u64 {
        self.limit.min(self.end)
    }

    /// Whether this direction wants nothing and remembers nothing.
    #[inline]
    fn is_idle(&self) -> bool {
        self.next >= self.limit && self.base == self.next
    }

    pub(super) fn segment<S: StreamSink>(
        &mut self,
        purse: &mut Purse<'_>,
        segment: &Segment<'_>,
        out: &mut Outlet<'_, S>,
    ) -> Taken {
        purse.counters.segments += 1;
        self.begin(segment.seq);
        let sent = Sent::new(self.place(segment.seq), segment.payload);
        let (from, to) = (sent.from, sent.to);
        let mut taken = Taken::default();
        let mut met = Met::default();

        if segment.fin && self.end == NEVER && to >= self.next.cast_signed() {
            self.end = to.cast_unsigned();
        }
        let in_order = from == self.next.cast_signed();
        if in_order && self.waiting == 0 && !beyond(to, self.bound()) {
            if to > from {
                self.tell(purse.counters, segment.payload, out);
                self.remember(purse, from.cast_unsigned(), to.cast_unsigned(), sent, &mut met);
            }
        } else if !self.is_idle() {
            self.compare(purse.pool, sent, &mut met);
            self.take(purse, sent, out, &mut met);
            self.drain(purse, out);
        }
        if beyond(to, self.limit) && !self.is(ENOUGH) && self.mark(DEPTH) {
            purse.counters.depth_reached += 1;
            taken.anomalies.put(Anomaly::StreamReassemblyDepthReached);
        }
        if to <= 0 && from < 0 {
            taken.anomalies.put(Anomaly::StreamReassemblySegmentBeforeBaseSeq);
        }
        self.settle(purse, out);
        self.account(purse.counters, &met, &mut taken);
        taken
    }

    /// What is remembered of a segment's places: is it what the segment says?
    fn compare(&self, pool: &Pool, sent: Sent<'_>, met: &mut Met) {
        self.each_remembered(pool, sent.from, sent.to, |at, remembered| {
            met.overlap = true;
            met.conflict |= sent.between(at, at + remembered.len() as u64) != remembered;
        });
    }

    /// Bytes from `next` on, as far as they are wanted: in order, or to wait.
    fn take<S: StreamSink>(
        &mut self,
        purse: &mut Purse<'_>,
        sent: Sent<'_>,
        out: &mut Outlet<'_, S>,
        met: &mut Met,
    ) {
        let from = sent.from.max(self.next.cast_signed()).cast_unsigned();
        let to = sent.to.max(0).cast_unsigned();
        let ahead = from > self.next;
        purse.counters.out_of_order += u64::from(ahead && from < to);
        for stretch in stretches(from, to.min(self.bound())) {
            if !ahead && self.next >= self.bound() {
                return;
            }
            let found = self.pages.find(purse.pool, stretch.page);
            let found = match found {
                None if ahead => {
                    let inserted = self.pages.insert(purse, stretch.page, page_of(self.base));
                    met.unseen |= inserted.is_err();
                    inserted.map_err(|full| met.full = Some(full)).ok()
                }
                found => found,
            };
            if let Some(id) = found {
                let put = put(purse, self.rule, id, stretch, sent);
                self.waiting += put.new;
                met.overlap |= put.overlap;
                met.conflict |= put.conflict;
            }
            match found {
                _ if ahead => {}
                Some(id) => self.tell_page(purse, id, stretch, out),
                None => {
                    let (from, to) = (stretch.from(), stretch.to());
                    self.tell(purse.counters, sent.between(from, to), out);
                    self.remember(purse, from, to, sent, met);
                }
            }
        }
    }

    /// Tells bytes that are next.
    #[inline]
    fn tell<S: StreamSink>(&mut self, counters: &mut StreamCounters, bytes: &[u8], out: &mut Outlet<'_, S>) {
        let interest = out.sink.bytes(out.direction, self.next, bytes);
        self.next += bytes.len() as u64;
        counters.bytes += bytes.len() as u64;
        self.heed(interest);
    }

    /// Tells bytes of a page that are next and have waited.
    fn tell_page<S: StreamSink>(
        &mut self,
        purse: &mut Purse<'_>,
        id: u32,
        stretch: Stretch,
        out: &mut Outlet<'_, S>,
    ) {
        let bytes = purse.pool.page(id).bytes(stretch.begin, stretch.end);
        self.waiting -= bytes.len() as u64;
        self.tell(purse.counters, bytes, out);
    }

    fn gap<S: StreamSink>(&mut self, counters: &mut StreamCounters, to: u64, out: &mut Outlet<'_, S>) {
        let len = to - self.next;
        let interest = out.sink.gap(out.direction, self.next, len);
        self.next = to;
        counters.gaps += 1;
        counters.gap_bytes += len;
        self.heed(interest);
    }

    fn heed(&mut self, interest: Interest) {
        if interest == Interest::Enough {
            self.enough();
        }
    }

    fn enough(&mut self) {
        self.limit = self.limit.min(self.next);
        self.mark(ENOUGH);
    }

    /// Nobody wants more, says the caller.
    pub(super) fn stop(&mut self, purse: &mut Purse<'_>) {
        self.enough();
        self.let_go(purse);
    }

    /// The connection was reset: a receiver drops what waits behind a hole. Where
    /// it was never heard, nobody knows what it had, and all is told.
    pub(super) fn cut_short(&mut self, purse: &mut Purse<'_>) {
        if self.is(RECEIVER_HEARD) {
            self.stop(purse);
        }
    }

    /// Tells what has waited and is next.
    fn drain<S: StreamSink>(&mut self, purse: &mut Purse<'_>, out: &mut Outlet<'_, S>) {
        while self.waiting > 0 && self.next < self.bound() {
            let stretch = Stretch::at(self.next, self.bound());
            let Some(id) = self.pages.find(purse.pool, stretch.page) else { return };
            let (end, there) = purse.pool.page(id).run(stretch.begin, stretch.end);
            if !there {
                return;
            }
            self.tell_page(purse, id, Stretch { end, ..stretch }, out);
        }
    }

    /// Remembers bytes of a segment that were just told.
    fn remember(&mut self, purse: &mut Purse<'_>, from: u64, to: u64, sent: Sent<'_>, met: &mut Met) {
        let oldest_kept = page_of(sent.from.max(self.base.cast_signed()).cast_unsigned());
        for stretch in stretches(from, to) {
            match self.page(purse, stretch.page, oldest_kept) {
                Ok(id) => {
                    let bytes = sent.between(stretch.from(), stretch.to());
                    purse.pool.page_mut(id).write(stretch.begin, bytes);
                }
                Err(full) => {
                    met.full = Some(full);
                    self.forget(purse, stretch.to());
                }
            }
        }
    }

    /// The page with this number, if need be at the cost of the oldest that are
    /// remembered, but of none from `oldest_kept` on: the segment at hand may
    /// have to be held to them.
    #[inline]
    fn page(&mut self, purse: &mut Purse<'_>, page: u64, oldest_kept: u64) -> Result<u32, Full> {
        if let Some(id) = self.pages.find(purse.pool, page) {
            return Ok(id);
        }
        loop {
            let lowest = page_of(self.base);
            match self.pages.insert(purse, page, lowest) {
                Err(_) if lowest < oldest_kept => self.forget(purse, first_place(lowest + 1)),
                result => return result,
            }
        }
    }

    /// Forgets what is remembered below a place, for want of room.
    fn forget(&mut self, purse: &mut Purse<'_>, to: u64) {
        purse.counters.forgotten_bytes += to - self.base;
        self.pages.remove_range(purse, page_of(self.base), page_of(to));
        self.base = to;
    }

    pub(super) fn acknowledged<S: StreamSink>(
        &mut self,
        purse: &mut Purse<'_>,
        ack: u32,
        out: &mut Outlet<'_, S>,
    ) -> StreamAnomalies {
        let mut anomalies = StreamAnomalies::default();
        self.mark(RECEIVER_HEARD);
        let to = self.place(ack);
        if !self.is(BEGUN) || to <= self.base.cast_signed() || self.is_idle() {
            return anomalies;
        }
        let to = to.cast_unsigned().min(self.end);
        if to > self.next && self.next < self.limit {
            anomalies.put(Anomaly::StreamReassemblySeqGap);
            self.skip(purse, to.min(self.limit), out);
        }
        self.release(purse, to.min(self.next));
        self.settle(purse, out);
        anomalies
    }

    /// Tells everything up to a place, with gaps for what is not there.
    fn skip<S: StreamSink>(&mut self, purse: &mut Purse<'_>, to: u64, out: &mut Outlet<'_, S>) {
        for _ in 0..GAPS_MAX {
            if self.next >= to.min(self.bound()) {
                return;
            }
            let there = self.next_waiting(purse.pool).unwrap_or(NEVER);
            self.gap(purse.counters, to.min(there), out);
            self.drain(purse, out);
        }
        let to = to.min(self.bound());
        if self.next < to {
            self.waiting -= self.count_waiting(purse.pool, to);
            self.gap(purse.counters, to, out);
            self.drain(purse, out);
        }
    }

    /// The place of the first byte that waits.
    fn next_waiting(&self, pool: &Pool) -> Option<u64> {
        let mut at = self.next;
        loop {
            let page = self.pages.next(pool, page_of(at), u64::MAX).filter(|_| self.waiting > 0)?;
            let stretch = Stretch::at(at.max(first_place(page)), first_place(page + 1));
            let page = pool.page(self.pages.find(pool, page)?);
            let (end, there) = page.run(stretch.begin, PAGE_LEN);
            if there {
                return Some(stretch.from());
            }
            if end < PAGE_LEN {
                return Some(Stretch { end, ..stretch }.to());
            }
            at = stretch.to();
        }
    }

    /// Runs of bytes that wait between two places, and where they are.
    fn each_waiting(&self, pool: &Pool, from: u64, to: u64, mut each: impl FnMut(u64, &[u8])) {
        let mut from = from.max(self.next);
        while from < to
            && self.waiting > 0
            && let Some(number) = self.pages.next(pool, page_of(from), page_of(to - 1) + 1)
            && let Some(id) = self.pages.find(pool, number)
        {
            let page = pool.page(id);
            let mut stretch = Stretch::at(from.max(first_place(number)), to);
            from = stretch.to();
            while stretch.begin < stretch.end {
                let (end, there) = page.run(stretch.begin, stretch.end);
                if there {
                    each(stretch.from(), page.bytes(stretch.begin, end));
                }
                stretch.begin = end;
            }
        }
    }

    /// How many bytes wait below a place.
    fn count_waiting(&self, pool: &Pool, to: u64) -> u64 {
        let mut count = 0;
        let mut from = self.next;
        while from < to
            && let Some(page) = self.pages.next(pool, page_of(from), page_of(to - 1) + 1)
            && let Some(id) = self.pages.find(pool, page)
        {
            let stretch = Stretch::at(from.max(first_place(page)), to);
            count += pool.page(id).count(stretch.begin, stretch.end);
            from = stretch.to();
        }
        count
    }

    /// Lets go of what is acknowledged.
    fn release(&mut self, purse: &mut Purse<'_>, to: u64) {
        let from = self.base;
        self.base = from.max(to);
        if self.base == self.next && self.waiting == 0 {
            self.pages.remove_range(purse, page_of(from), u64::MAX);
        } else {
            self.pages.remove_range(purse, page_of(from), page_of(self.base));
        }
    }

    /// After whatever was told: was that all?
    fn settle<S: StreamSink>(&mut self, purse: &mut Purse<'_>, out: &mut Outlet<'_, S>) {
        if self.next == self.end && !self.is(ENOUGH) && self.mark(ENDED) {
            out.sink.end(out.direction, self.end);
            self.enough();
        }
        if self.next >= self.limit {
            self.let_go(purse);
        }
    }

    /// Lets go of what nobody will look at; inline, what a sink has seen is still
    /// held against later segments.
    fn let_go(&mut self, purse: &mut Purse<'_>) {
        self.waiting = 0;
        if purse.discipline == Discipline::Passive && !self.is(ENDED) {
            self.base = self.next;
        }
        let first = if self.base < self.next { page_of(self.next - 1) + 1 } else { 0 };
        self.pages.remove_range(purse, first, u64::MAX);
    }

    /// Tells what can be told, and lets go of everything.
    pub(super) fn close<S: StreamSink>(
        &mut self,
        purse: &mut Purse<'_>,
        out: &mut Outlet<'_, S>,
    ) -> StreamAnomalies {
        let mut anomalies = StreamAnomalies::default();
        let mut to = self.next;
        self.each_waiting(purse.pool, self.next, self.bound(), |at, run| to = at + run.len() as u64);
        if self.end != NEVER {
            to = self.bound();
        }
        if self.next < to {
            anomalies.put(Anomaly::StreamReassemblySeqGap);
            self.skip(purse, to, out);
        }
        self.settle(purse, out);
        self.pages.remove_range(purse, 0, u64::MAX);
        anomalies
    }

    fn account(&mut self, counters: &mut StreamCounters, met: &Met, taken: &mut Taken) {
        counters.overlaps += u64::from(met.overlap);
        if met.conflict {
            counters.conflicts += 1;
            taken.conflict = true;
            taken.anomalies.put(Anomaly::StreamReassemblyOverlapDifferentData);
        }
        let Some(full) = met.full else { return };
        taken.unkept = true;
        taken.unseen = met.unseen;
        let (count, mark, anomaly) = match full {
            Full::Flow => (&mut counters.flow_memory_full, FLOW_FULL, Anomaly::StreamReassemblyInsertLimit),
            Full::All => (&mut counters.memory_full, ALL_FULL, Anomaly::StreamReassemblyInsertMemcap),
        };
        *count += 1;
        if self.mark(mark) {
            taken.anomalies.put(anomaly);
        }
    }

    /// Runs of what is remembered of the bytes between two places that were told,
    /// and where they are.
    fn each_remembered(&self, pool: &Pool, from: i64, to: i64, mut each: impl FnMut(u64, &[u8])) {
        let from = from.max(self.base.cast_signed()).cast_unsigned();
        let to = to.min(self.next.cast_signed()).max(0).cast_unsigned();
        for stretch in stretches(from, to) {
            if let Some(id) = self.pages.find(pool, stretch.page) {
                each(stretch.from(), pool.page(id).bytes(stretch.begin, stretch.end));
            }
        }
    }

    /// Puts what is remembered over a payload; whether it changes.
    pub(super) fn original(&self, pool: &Pool, seq: u32, payload: &mut [u8]) -> bool {
        let Sent { from, to, .. } = Sent::new(self.place(seq), payload);
        let mut changed = false;
        let mut put = |at: u64, bytes: &[u8]| {
            let at = usize::try_from(at.cast_signed() - from).unwrap_or(usize::MAX);
            let place = payload.get_mut(at..at.saturating_add(bytes.len()));
            if let Some(place) = place.filter(|place| *place != bytes) {
                place.copy_from_slice(bytes);
                changed = true;
            }
        };
        self.each_remembered(pool, from, to, &mut put);
        self.each_waiting(pool, from.max(0).cast_unsigned(), to.max(0).cast_unsigned(), put);
        changed
    }

    /// Everything that is remembered, with its place.
    pub(super) fn buffered(&self, pool: &Pool) -> Vec<(u64, Vec<u8>)> {
        let mut runs: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut add = |at: u64, bytes: &[u8]| match runs.last_mut() {
            Some((from, run)) if *from + run.len() as u64 == at => run.extend_from_slice(bytes),
            _ => runs.push((at, bytes.to_vec())),
        };
        self.each_remembered(pool, 0, i64::MAX, &mut add);
        self.each_waiting(pool, self.next, NEVER, add);
        runs
    }
}

/// Whether a place lies beyond another, which may be [`NEVER`].
#[inline]
fn beyond(place: i64, other: u64) -> bool {
    u64::try_from(place).is_ok_and(|place| place > other)
}

/// What of a place is in sequence numbers.
#[inline]
fn low_bits(place: u64) -> u32 {
    let [b0, b1, b2, b3, ..] = place.to_le_bytes();
    u32::from_le_bytes([b0, b1, b2, b3])
}
