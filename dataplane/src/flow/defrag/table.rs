//! The datagrams that wait: found by key, given up by age.

use std::mem;

use tidegate_config::policy_of;

use super::ages::{Ages, NONE, Place};
use super::pages::{PAGE_COST, Pool};
use super::partial::{Fate, Partial, place};
use super::pieces::{Change, Piece, Plan};
use super::{
    Cause, Datagram, DefragConfig, DefragCounters, Fragment, FragmentKey, GivenUp, Outcome, Refusal,
};
use crate::flow::{FlowHasher, Seed, Sweep};
use crate::time::Timestamp;

/// How many vectors for fragments are kept to be used again: a worker has one
/// or two in its hands at a time.
const SPARES_MAX: usize = 4;

/// The datagrams of one worker that are not whole yet.
///
/// `H` is what the worker holds for each fragment. All that waits, and what is
/// kept to be used again, stays within the configured memory; one datagram that
/// is being put together (64 KiB at most) comes on top.
pub struct Defrag<H> {
    config: DefragConfig,
    hasher: FlowHasher,
    /// The place that each hash begins its search at; a power of two of them.
    buckets: Vec<u32>,
    places: Vec<Place<H>>,
    /// How many there may be.
    capacity: usize,
    /// The place that was left last; each leads to the one left before.
    free: u32,
    /// Those that wait, and those that were refused and hold nothing any more.
    waiting: Ages,
    refused: Ages,
    active: u32,
    pool: Pool,
    plan: Plan,
    /// The memory that is not set aside for the table.
    budget: usize,
    /// How much of it is taken, the pool's pages included.
    charged: usize,
    spare_bytes: Vec<u8>,
    spare_fragments: Vec<Vec<H>>,
    counters: DefragCounters,
}

impl<H> Defrag<H> {
    /// What a datagram costs of the memory before its first page: its place,
    /// what the place accounts for, and up to two buckets.
    const PLACE_COST: usize = size_of::<Place<H>>() + Partial::<H>::ROOM + 2 * size_of::<u32>();

    /// An empty table.
    pub fn new(config: &DefragConfig, seed: Seed) -> Self {
        let fit = config.memory / (Self::PLACE_COST + PAGE_COST);
        let capacity = fit.min(config.datagrams as usize).min(NONE as usize - 1);
        Self {
            config: config.clone(),
            hasher: FlowHasher::new(seed),
            buckets: vec![NONE; capacity.next_power_of_two()],
            places: Vec::with_capacity(capacity),
            capacity,
            free: NONE,
            waiting: Ages::EMPTY,
            refused: Ages::EMPTY,
            active: 0,
            pool: Pool::default(),
            plan: Plan::default(),
            budget: config.memory - capacity * Self::PLACE_COST,
            charged: 0,
            spare_bytes: Vec::new(),
            spare_fragments: Vec::with_capacity(SPARES_MAX),
            counters: DefragCounters::default(),
        }
    }

    /// How many datagrams wait, with those that were refused and whose time is
    /// not up.
    pub const fn active(&self) -> u32 {
        self.active
    }

    /// Bytes that they take: places in the table, payloads and what is held; 0
    /// when there are none.
    pub const fn memory(&self) -> usize {
        self.charged - self.pool.len() * PAGE_COST + self.active as usize * Self::PLACE_COST
    }

    /// What has happened so far.
    pub const fn counters(&self) -> &DefragCounters {
        &self.counters
    }

    /// Takes in a fragment, for which the worker holds `held`: `held_len` bytes
    /// that count against the memory.
    ///
    /// A datagram whose time is up when a fragment of its key comes is given up
    /// before, whether a sweep has come by or not; so are those that must go to
    /// make room, the oldest first.
    pub fn insert(
        &mut self,
        fragment: &Fragment<'_>,
        held: H,
        held_len: usize,
        mut given_up: impl FnMut(GivenUp<'_, H>),
    ) -> Outcome<H> {
        self.counters.came(fragment.key.is_ipv4());
        let hash = fragment.key.hash(&self.hasher);
        let mut found = self.find(&fragment.key, hash);
        if let Some(index) = found
            && self.is_due(index, fragment.now)
        {
            self.give_up(index, Cause::Timeout, &mut given_up);
            found = None;
        }
        let fate = self.judge(found, fragment);
        let (piece, change) = match fate {
            (Some(piece), Fate::Take(change)) => (piece, change),
            (_, Fate::Duplicate) => {
                self.counters.duplicates += 1;
                return Outcome::Duplicate(held);
            }
            (_, Fate::RefuseWhole(why)) => return self.refuse_whole(found, fragment, held, why),
            (_, Fate::Refuse(why)) => return self.refuse(fragment, held, why),
            (None, Fate::Take(_)) => unreachable!("what is taken in has a place in its datagram"),
        };
        let Some(index) = found.or_else(|| self.open(fragment, hash, &mut given_up)) else {
            return self.refuse(fragment, held, Refusal::NoRoom);
        };
        if !self.make_room(index, (fragment, piece, &change), held_len, &mut given_up) {
            if found.is_none() {
                self.close(index);
            }
            return self.refuse(fragment, held, Refusal::NoRoom);
        }
        self.take_in(index, fragment, held, &change)
    }

    /// Gives up the datagrams whose time is up, `budget` at most, and goes on
    /// from there the next time.
    pub fn sweep(
        &mut self,
        now: Timestamp,
        budget: usize,
        mut given_up: impl FnMut(GivenUp<'_, H>),
    ) -> Sweep {
        for _ in 0..budget {
            let due = |ages: Ages| ages.oldest().filter(|&oldest| self.is_due(oldest, now));
            let Some(index) = due(self.waiting).or_else(|| due(self.refused)) else { return Sweep::Done };
            self.give_up(index, Cause::Timeout, &mut given_up);
        }
        Sweep::More
    }

    /// Gives up all datagrams, `budget` at most at a time: the gateway stops, or
    /// the capture has ended.
    pub fn drain(&mut self, budget: usize, mut given_up: impl FnMut(GivenUp<'_, H>)) -> Sweep {
        for _ in 0..budget {
            let Some(index) = self.waiting.oldest().or(self.refused.oldest()) else { return Sweep::Done };
            self.give_up(index, Cause::Drained, &mut given_up);
        }
        if self.active == 0 { Sweep::Done } else { Sweep::More }
    }

    /// Takes back what a datagram was in, for the next: without, each allocates.
    pub fn recycle(&mut self, datagram: Datagram<H>) {
        self.spare_bytes = datagram.bytes;
        self.recycle_fragments(datagram.fragments);
    }

    /// The same for the fragments of a refused one.
    pub fn recycle_fragments(&mut self, mut fragments: Vec<H>) {
        if Partial::<H>::is_small(&fragments) && self.spare_fragments.len() < SPARES_MAX {
            fragments.clear();
            self.spare_fragments.push(fragments);
        }
    }

    fn find(&self, key: &FragmentKey, hash: u64) -> Option<u32> {
        let mut index = *self.buckets.get(self.bucket(hash))?;
        while let Some(place) = self.places.get(index as usize) {
            if place.partial.key == *key {
                return Some(index);
            }
            index = place.next;
        }
        None
    }

    /// Workers are chosen by the low half of the hash, buckets by the high.
    fn bucket(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.buckets.len() - 1)
    }

    /// Whether a datagram has waited for too long. Where the clock was set back
    /// by more than the time-out, it has: that time is not coming again soon.
    fn is_due(&self, index: u32, now: Timestamp) -> bool {
        self.places.get(index as usize).is_some_and(|place| {
            let since = place.partial.since;
            now.since(since) >= self.config.timeout || since.since(now) > self.config.timeout
        })
    }

    fn judge(&mut self, found: Option<u32>, fragment: &Fragment<'_>) -> (Option<Piece>, Fate) {
        let partial = found.and_then(|index| self.places.get(index as usize)).map(|place| &place.partial);
        if partial.is_some_and(|partial| partial.refused) {
            return (None, Fate::Refuse(Refusal::Before));
        }
        match (place(fragment), partial) {
            (Err(why), _) => (None, Fate::Refuse(why)),
            (Ok(piece), Some(partial)) => (Some(piece), partial.judge(fragment, piece, &mut self.plan)),
            (Ok(piece), None) => {
                // Where nothing is, nothing overlaps, whatever the policy.
                let change = self.plan.make(&[], piece, self.config.policy);
                (Some(piece), Fate::Take(change))
            }
        }
    }

    /// A place for a datagram that is new; `None` where the table has none at all.
    fn open(
        &mut self,
        fragment: &Fragment<'_>,
        hash: u64,
        given_up: &mut impl FnMut(GivenUp<'_, H>),
    ) -> Option<u32> {
        if self.active as usize >= self.capacity {
            let oldest = Ages::older(&self.places, self.waiting, self.refused)?;
            self.counters.datagrams_full += 1;
            self.give_up(oldest, Cause::Room, given_up);
        }
        let (key, since) = (fragment.key, fragment.now);
        let of_network = policy_of(&self.config.policies, key.destination());
        let policy = of_network.unwrap_or(self.config.policy);
        let index = if self.free == NONE {
            let index = u32::try_from(self.places.len()).ok()?;
            self.places.push(Place::new(Partial::new(key, since, policy)));
            index
        } else {
            let index = self.free;
            let place = self.places.get_mut(index as usize)?;
            self.free = place.next;
            place.partial.reopen(key, since, policy, || self.spare_fragments.pop());
            index
        };
        let bucket = self.bucket(hash);
        if let (Some(head), Some(place)) = (self.buckets.get_mut(bucket), self.places.get_mut(index as usize))
        {
            place.bucket = bucket;
            place.next = mem::replace(head, index);
        }
        self.waiting.push(&mut self.places, index);
        self.active += 1;
        Some(index)
    }

    /// Gives up others until there is memory to take a fragment in; whether
    /// there is.
    fn make_room(
        &mut self,
        index: u32,
        (fragment, piece, change): (&Fragment<'_>, Piece, &Change),
        held_len: usize,
        given_up: &mut impl FnMut(GivenUp<'_, H>),
    ) -> bool {
        let Some(place) = self.places.get(index as usize) else { return false };
        let (pages, growth) = place.partial.cost(fragment, piece, change);
        let bytes = growth + held_len;
        while self.charged - self.pool.len() * PAGE_COST + pages * PAGE_COST + bytes > self.budget {
            let Some(oldest) = self.waiting.oldest_but(&self.places, index) else { return false };
            self.counters.memory_full += 1;
            self.give_up(oldest, Cause::Room, given_up);
        }
        // Pages of the pool that are not asked for make way for other bytes.
        let taken = |pool: &Pool| pages.saturating_sub(pool.len()) * PAGE_COST + bytes;
        while self.charged + taken(&self.pool) > self.budget && self.pool.shrink() {
            self.charged -= PAGE_COST;
        }
        if let Some(place) = self.places.get_mut(index as usize) {
            place.partial.charged += bytes;
        }
        self.charged += bytes;
        true
    }

    /// Takes in a fragment for which room was made.
    fn take_in(&mut self, index: u32, fragment: &Fragment<'_>, held: H, change: &Change) -> Outcome<H> {
        let ipv4 = fragment.key.is_ipv4();
        let Some(place) = self.places.get_mut(index as usize) else {
            return self.refuse(fragment, held, Refusal::NoRoom);
        };
        let partial = &mut place.partial;
        let pooled = self.pool.len();
        let pages = partial.take_in(fragment, held, (change, &self.plan), &mut self.pool);
        self.charged += pages.saturating_sub(pooled) * PAGE_COST;
        let anomaly = (!change.overlapped.is_empty()).then(|| {
            self.counters.overlaps += 1;
            Refusal::Overlap.anomaly(ipv4)
        });
        if !partial.is_whole() {
            return Outcome::Waiting(anomaly);
        }
        let mut bytes = mem::take(&mut self.spare_bytes);
        partial.assemble(&mut bytes);
        let fragments = mem::take(&mut partial.fragments);
        self.close(index);
        self.counters.whole(ipv4);
        Outcome::Whole(Datagram { bytes, fragments, anomaly })
    }

    /// Refuses one fragment.
    fn refuse(&mut self, fragment: &Fragment<'_>, held: H, why: Refusal) -> Outcome<H> {
        self.counters.refuse(why);
        let mut fragments = self.spare_fragments.pop().unwrap_or_default();
        fragments.push(held);
        Outcome::Refused { fragments, why, anomaly: why.anomaly(fragment.key.is_ipv4()) }
    }

    /// Refuses a datagram. One of IPv6 keeps its place until its time is up, so
    /// that what comes later of it is refused as well (RFC 5722 section 4);
    /// IPv4's 16 bits of identification come again sooner than that.
    fn refuse_whole(
        &mut self,
        found: Option<u32>,
        fragment: &Fragment<'_>,
        held: H,
        why: Refusal,
    ) -> Outcome<H> {
        let ipv4 = fragment.key.is_ipv4();
        self.counters.refuse(why);
        if why == Refusal::Overlap {
            self.counters.overlaps += 1;
        }
        let mut fragments = Vec::new();
        if let Some(index) = found
            && let Some(place) = self.places.get_mut(index as usize)
        {
            fragments = mem::take(&mut place.partial.fragments);
            if ipv4 {
                self.close(index);
            } else {
                place.partial.refused = true;
                self.charged -= place.partial.charged;
                place.partial.clear(&mut self.pool);
                self.waiting.remove(&mut self.places, index);
                self.refused.push(&mut self.places, index);
            }
        }
        fragments.push(held);
        Outcome::Refused { fragments, why, anomaly: why.anomaly(ipv4) }
    }

    fn give_up(&mut self, index: u32, cause: Cause, given_up: &mut impl FnMut(GivenUp<'_, H>)) {
        if let Some(Place { partial, .. }) = self.places.get_mut(index as usize)
            && !partial.refused
        {
            self.counters.give_up(cause, partial.key.is_ipv4());
            given_up(GivenUp { key: partial.key, cause, fragments: partial.fragments.drain(..) });
        }
        self.close(index);
    }

    /// Takes a datagram out of the table.
    fn close(&mut self, index: u32) {
        let Some(place) = self.places.get_mut(index as usize) else { return };
        self.charged -= place.partial.charged;
        place.partial.clear(&mut self.pool);
        let (bucket, next) = (place.bucket, mem::replace(&mut place.next, self.free));
        let ages = if place.partial.refused { &mut self.refused } else { &mut self.waiting };
        ages.remove(&mut self.places, index);
        self.free = index;
        self.active -= 1;
        self.unchain(index, bucket, next);
    }

    /// The link of a bucket that led to `index` leads to `next` from now on.
    fn unchain(&mut self, index: u32, bucket: usize, next: u32) {
        let Some(head) = self.buckets.get_mut(bucket) else { return };
        if *head == index {
            *head = next;
            return;
        }
        let mut before = *head;
        while let Some(place) = self.places.get_mut(before as usize) {
            if place.next == index {
                place.next = next;
                return;
            }
            before = place.next;
        }
    }
}

impl<H> std::fmt::Debug for Defrag<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Defrag({} datagrams, {} bytes)", self.active, self.memory())
    }
}
