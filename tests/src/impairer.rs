//! The impairer: a relay in user space between two devices that loses,
//! reorders, doubles and delays frames by a seed.
//!
//! What becomes of the n-th frame of a direction depends on the seed and on n
//! alone ([`Fates`]), so a run can be had again as far as the ends' timing
//! allows. [`Line`] carries it out without a socket or a clock; a thread for
//! each direction feeds it from one packet socket and empties it into another.
//!
//! An impairer loses nothing but what it was told to: a frame that its
//! sockets could not hold is counted as an overrun, which tests can refuse.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::bytes::SeededBytes;
use crate::raw::RawSocket;

/// The furthest that a frame falls back: so many later frames leave before it.
const FALL_BACK_MAX: u32 = 4;

/// The longest that a frame waits for later ones to leave before it: well
/// below the 200 milliseconds of TCP's shortest retransmission time-out, so that
/// what is only late is not sent again for that.
const HELD_MAX: Duration = Duration::from_millis(5);

/// How soon a relay without traffic notices that it is to stop.
const NOTICE: Duration = Duration::from_millis(20);

/// Room for frames that wait to be relayed: some thousands, more than any two
/// ends of the lab have under way.
const ROOM: u32 = 32 << 20;

/// What a cable does to frames, in each direction by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Impairment {
    /// Of a thousand frames, those that are lost.
    pub loss_permille: u32,
    /// Of a thousand frames, those that fall back behind up to four later ones.
    pub reorder_permille: u32,
    /// Of a thousand frames, those that arrive twice.
    pub duplicate_permille: u32,
    /// What every frame takes longer.
    pub delay: Duration,
    /// What decides which frames.
    pub seed: u64,
}

/// What becomes of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// It does not arrive.
    pub lost: bool,
    /// It arrives twice.
    pub doubled: bool,
    /// So many later frames leave before it, or before its double.
    pub falls_back: u32,
}

/// The fates of a direction's frames, in their order.
#[derive(Clone, Debug)]
pub struct Fates {
    impairment: Impairment,
    draws: SeededBytes,
}

impl Fates {
    /// Of a direction, by its number.
    pub const fn new(impairment: Impairment, direction: u64) -> Self {
        // The stream of one seed, begun elsewhere, would be met again later;
        // the first word of each stream is as good as a seed of its own.
        let seed = SeededBytes::new(impairment.seed ^ direction.rotate_left(32)).word();
        Self { impairment, draws: SeededBytes::new(seed) }
    }

    /// The next frame's. Each takes the same number of draws whatever becomes
    /// of it, so that one rate does not change what another hits.
    pub fn draw(&mut self) -> Fate {
        let Impairment { loss_permille, reorder_permille, duplicate_permille, .. } = self.impairment;
        let mut hits = |permille: u32| self.draws.word() % 1_000 < u64::from(permille);
        let (lost, doubled, reordered) =
            (hits(loss_permille), hits(duplicate_permille), hits(reorder_permille));
        let distance = self.draws.word() % u64::from(FALL_BACK_MAX) + 1;
        let falls_back = if reordered { u32::try_from(distance).unwrap_or(1) } else { 0 };
        Fate { lost, doubled, falls_back }
    }
}

/// What happened to the frames of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Frames that came in.
    pub received: u64,
    /// Those that were lost, as told.
    pub lost: u64,
    /// Those that were sent twice, as told.
    pub doubled: u64,
    /// Those that fell back, as told.
    pub reordered: u64,
    /// Frames that left.
    pub sent: u64,
    /// Frames that the device did not take: it is down or gone.
    pub refused: u64,
    /// Frames that found no room on their way in: the impairer was too slow.
    pub overrun: u64,
}

/// One direction, without sockets and clock: what came in and when what leaves.
#[derive(Debug)]
pub struct Line {
    fates: Fates,
    held: Vec<Held>,
    leaving: VecDeque<(Instant, Vec<u8>)>,
    tally: Tally,
}

/// A frame that has fallen back.
#[derive(Debug)]
struct Held {
    frame: Vec<u8>,
    /// Frames that still leave before it.
    behind: u32,
    /// When it leaves in any case.
    until: Instant,
}

impl Line {
    /// A direction, by its number.
    pub const fn new(impairment: Impairment, direction: u64) -> Self {
        Self {
            fates: Fates::new(impairment, direction),
            held: Vec::new(),
            leaving: VecDeque::new(),
            tally: Tally { received: 0, lost: 0, doubled: 0, reordered: 0, sent: 0, refused: 0, overrun: 0 },
        }
    }

    /// Takes in a frame.
    pub fn accept(&mut self, frame: &[u8], now: Instant) {
        self.tally.received += 1;
        let Fate { lost, doubled, falls_back } = self.fates.draw();
        if lost {
            self.tally.lost += 1;
            return;
        }
        if doubled {
            self.tally.doubled += 1;
        }
        if falls_back == 0 || doubled {
            self.leave(frame.to_vec(), now);
        }
        if falls_back > 0 {
            self.tally.reordered += 1;
            self.held.push(Held { frame: frame.to_vec(), behind: falls_back, until: now + HELD_MAX });
        } else if doubled {
            self.leave(frame.to_vec(), now);
        }
    }

    /// Puts a frame in the queue out, and after it those that waited for it.
    fn leave(&mut self, frame: Vec<u8>, now: Instant) {
        let at = now + self.fates.impairment.delay;
        self.leaving.push_back((at, frame));
        for held in &mut self.held {
            held.behind = held.behind.saturating_sub(1);
        }
        self.release(now, |held| held.behind == 0);
    }

    fn release(&mut self, now: Instant, due: impl Fn(&Held) -> bool) {
        let at = now + self.fates.impairment.delay;
        self.leaving.extend(self.held.extract_if(.., |held| due(held)).map(|held| (at, held.frame)));
    }

    /// The next frame that is to leave by now.
    pub fn take(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.release(now, |held| held.until <= now);
        let (_, frame) = self.leaving.pop_front_if(|(at, _)| *at <= now)?;
        self.tally.sent += 1;
        Some(frame)
    }

    /// When the next frame is to leave; `None` when none is here.
    pub fn next_at(&self) -> Option<Instant> {
        let held = self.held.iter().map(|held| held.until);
        held.chain(self.leaving.front().map(|(at, _)| *at)).min()
    }

    /// What happened so far.
    pub const fn tally(&self) -> Tally {
        self.tally
    }
}

/// A relay between two devices, both ways, as long as this value lives.
#[derive(Debug)]
pub struct Impairer {
    stop: Arc<AtomicBool>,
    tallies: [Arc<Mutex<Tally>>; 2],
    relays: Vec<JoinHandle<()>>,
}

impl Impairer {
    /// Begins to relay between two sockets, each of its own device.
    pub fn between(first: RawSocket, second: RawSocket, impairment: Impairment) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let tallies: [Arc<Mutex<Tally>>; 2] = std::array::from_fn(|_| Arc::default());
        let sockets = [Arc::new(first), Arc::new(second)];
        for socket in &sockets {
            socket.make_room(ROOM);
        }
        let start = |direction: usize| {
            let relay = Relay {
                from: Arc::clone(&sockets[direction]),
                to: Arc::clone(&sockets[1 - direction]),
                line: Line::new(impairment, direction as u64),
                stop: Arc::clone(&stop),
                tally: Arc::clone(&tallies[direction]),
            };
            std::thread::spawn(move || relay.run())
        };
        let relays = vec![start(0), start(1)];
        Self { stop, tallies, relays }
    }

    /// What happened so far from the first device to the second, and back.
    pub fn tallies(&self) -> [Tally; 2] {
        let read = |tally: &Arc<Mutex<Tally>>| *tally.lock().unwrap_or_else(PoisonError::into_inner);
        [read(&self.tallies[0]), read(&self.tallies[1])]
    }
}

impl Drop for Impairer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for relay in self.relays.drain(..) {
            let _ = relay.join();
        }
    }
}

/// One direction of an impairer, with its sockets.
struct Relay {
    from: Arc<RawSocket>,
    to: Arc<RawSocket>,
    line: Line,
    stop: Arc<AtomicBool>,
    tally: Arc<Mutex<Tally>>,
}

impl Relay {
    fn run(mut self) {
        let mut frame = Vec::new();
        let mut patience = Duration::ZERO;
        let (mut refused, mut overrun) = (0, 0);
        while !self.stop.load(Ordering::Acquire) {
            let now = Instant::now();
            while let Some(frame) = self.line.take(now) {
                refused += u64::from(self.to.try_send(&frame).is_err());
            }
            // The kernel counts in milliseconds at best: it is not told anew for less.
            let wait = self.line.next_at().map_or(NOTICE, |_| Duration::from_millis(1));
            if wait != patience {
                self.from.set_patience(wait);
                patience = wait;
            }
            match self.from.receive_into(&mut frame) {
                Ok(()) => self.line.accept(&frame, Instant::now()),
                // With nothing to relay there is time to look after the books.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    overrun += self.from.take_overruns();
                }
                // The device is down; it may come back.
                Err(_) => {}
            }
            let tally = Tally { refused, overrun, ..self.line.tally() };
            *self.tally.lock().unwrap_or_else(PoisonError::into_inner) = tally;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: u64 = 100_000;

    fn impairment(loss_permille: u32, reorder_permille: u32, duplicate_permille: u32) -> Impairment {
        let delay = Duration::ZERO;
        Impairment { loss_permille, reorder_permille, duplicate_permille, delay, seed: 7 }
    }

    /// Sends numbered frames down a line, a microsecond apart, and gives the
    /// numbers that come out, in their order.
    fn numbers(impairment: Impairment, frames: u64) -> (Vec<u64>, Tally) {
        let mut line = Line::new(impairment, 0);
        let begin = Instant::now();
        let mut out = Vec::new();
        let mut drain = |line: &mut Line, now| {
            while let Some(frame) = line.take(now) {
                out.push(u64::from_be_bytes(frame.try_into().expect("eight bytes")));
            }
        };
        for number in 0..frames {
            let now = begin + Duration::from_micros(number);
            line.accept(&number.to_be_bytes(), now);
            drain(&mut line, now);
        }
        drain(&mut line, begin + Duration::from_micros(frames) + HELD_MAX + impairment.delay);
        assert_eq!(line.next_at(), None, "something stayed in the line");
        (out, line.tally())
    }

    #[test]
    fn without_rates_nothing_changes() {
        let (out, tally) = numbers(impairment(0, 0, 0), FRAMES);
        assert!(out.iter().copied().eq(0..FRAMES));
        assert_eq!(tally, Tally { received: FRAMES, sent: FRAMES, ..Tally::default() });
    }

    #[test]
    fn a_seed_decides_everything() {
        let rates = impairment(10, 50, 10);
        assert_eq!(numbers(rates, FRAMES), numbers(rates, FRAMES));
        assert_ne!(numbers(rates, FRAMES), numbers(Impairment { seed: 8, ..rates }, FRAMES));
    }

    #[test]
    fn the_two_directions_are_impaired_apart() {
        let fates = |direction| {
            let mut fates = Fates::new(impairment(500, 500, 500), direction);
            (0..64).map(|_| fates.draw()).collect::<Vec<_>>()
        };
        assert_ne!(fates(0), fates(1));
    }

    #[test]
    fn one_rate_does_not_change_what_another_hits() {
        let lost = |rates| {
            let mut fates = Fates::new(rates, 0);
            (0..FRAMES).map(|_| fates.draw().lost).collect::<Vec<_>>()
        };
        assert_eq!(lost(impairment(10, 0, 0)), lost(impairment(10, 50, 10)));
    }

    #[test]
    fn rates_are_kept() {
        let (out, tally) = numbers(impairment(10, 50, 20), FRAMES);
        // Four standard deviations of a binomial distribution and more.
        let about = |count: u64, permille: u64| count.abs_diff(FRAMES * permille / 1_000) < 300;
        assert!(about(tally.lost, 10) && about(tally.reordered, 50) && about(tally.doubled, 20), "{tally:?}");
        assert_eq!(out.len() as u64, FRAMES - tally.lost + tally.doubled);
        assert_eq!(tally.sent, out.len() as u64);
        let mut distinct = out;
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len() as u64, FRAMES - tally.lost);
    }

    #[test]
    fn what_falls_back_is_overtaken_by_a_few() {
        let (out, tally) = numbers(impairment(0, 50, 0), FRAMES);
        let overtaken = out.windows(2).filter(|pair| pair[0] > pair[1]).count() as u64;
        // Two that fall back side by side may come out as one step down.
        assert!(overtaken > tally.reordered / 2, "{overtaken} of {tally:?}");
        for (place, number) in out.iter().enumerate() {
            // Others that fall back at the same time count too.
            assert!((place as u64).abs_diff(*number) <= 4 * u64::from(FALL_BACK_MAX), "{number} at {place}");
        }
    }

    #[test]
    fn the_last_frame_leaves_though_nothing_follows() {
        let mut line = Line::new(impairment(0, 1_000, 0), 0);
        let begin = Instant::now();
        line.accept(b"last", begin);
        assert_eq!(line.take(begin), None);
        assert_eq!(line.next_at(), Some(begin + HELD_MAX));
        assert_eq!(line.take(begin + HELD_MAX), Some(b"last".to_vec()));
    }

    #[test]
    fn every_frame_takes_as_long_as_told() {
        let delay = Duration::from_millis(30);
        let mut line = Line::new(Impairment { delay, ..impairment(0, 0, 1_000) }, 0);
        let begin = Instant::now();
        line.accept(b"late", begin);
        assert_eq!(line.take(begin + delay.saturating_sub(Duration::from_nanos(1))), None);
        assert_eq!(line.next_at(), Some(begin + delay));
        assert_eq!(line.take(begin + delay), Some(b"late".to_vec()));
        assert_eq!(line.take(begin + delay), Some(b"late".to_vec()));
        assert_eq!(line.take(begin + delay), None);
    }
}
