//! Events of a live gateway: a bounded queue for each worker, and one thread
//! that writes them all.
//!
//! A worker never waits for the disk: [`Queue::emit`] takes no lock and, but
//! for waking the writer of a queue that is half full, enters no kernel. What
//! finds its queue full is lost and counted. The writer looks at the queues
//! every `output.flush_ms`, so that no event waits longer than that and an idle
//! gateway costs a few wake-ups a second.
//!
//! Events of one worker keep their order; those of several mix, and their
//! times tell which came first.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use crossbeam::queue::ArrayQueue;
use tidegate_config::Output;

use super::destination::{Existing, Lines};
use super::{Destination, Eve, OutputError};
use crate::worker::event::{Event, EventSink};

/// Events taken from one queue before the next has its turn.
const BATCH: usize = 1024;
/// Bytes gathered before they are written.
const BUFFER: usize = 64 * 1024;
/// How long `reopen` waits for the writer, which a hanging disk may hold.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where one worker leaves its events.
pub struct Queue {
    /// None where events go nowhere.
    way: Option<(Arc<Lane>, Arc<Bell>)>,
}

/// The thread that writes what the queues hold.
pub struct Writer {
    to: Option<Destination>,
    lanes: Vec<Arc<Lane>>,
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

/// What became of events, ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputCounters {
    /// Lines handed to the file.
    pub written: u64,
    /// Events lost because their queue was full.
    pub queue_full: u64,
    /// Lines lost because the file did not take them.
    pub write_failed: u64,
}

/// One queue, seen from both ends.
struct Lane {
    events: ArrayQueue<Event>,
    /// Written by the worker alone.
    full: AtomicU64,
}

/// What wakes the writer, and what it is asked and has done.
#[derive(Default)]
struct Bell {
    asleep: AtomicBool,
    stop: AtomicBool,
    reopen: Mutex<Vec<Answer>>,
    thread: OnceLock<Thread>,
    /// These two are written by the writer alone.
    written: AtomicU64,
    write_failed: AtomicU64,
}

/// Tells whoever asked whether the file was opened anew.
type Answer = SyncSender<Result<(), OutputError>>;

impl OutputCounters {
    /// Each with the name that it has among the gateway's counters.
    pub const fn named(self) -> [(&'static str, u64); 3] {
        [
            ("output.written", self.written),
            ("output.queue_full", self.queue_full),
            ("output.write_failed", self.write_failed),
        ]
    }
}

impl Lane {
    fn is_half_full(&self) -> bool {
        2 * self.events.len() >= self.events.capacity()
    }
}

impl Bell {
    fn ring(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn asked_to_reopen(&self) -> Vec<Answer> {
        std::mem::take(&mut *self.reopen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EventSink for Queue {
    fn emit(&mut self, event: Event) {
        let Some((lane, bell)) = &self.way else { return };
        if lane.events.push(event).is_err() {
            lane.full.fetch_add(1, Ordering::Relaxed);
        }
        if lane.is_half_full() && bell.asleep.swap(false, Ordering::AcqRel) {
            bell.ring();
        }
    }
}

impl Writer {
    /// Starts writing where the configuration says, from one queue for each of
    /// so many producers. Where events go nowhere, the queues take and forget
    /// them and there is no thread.
    pub fn start(output: &Output, producers: usize) -> Result<(Self, Vec<Queue>), OutputError> {
        let Some(to) = Destination::configured(&output.events) else {
            let queues = (0..producers).map(|_| Queue { way: None }).collect();
            let writer = Self { to: None, lanes: Vec::new(), bell: Arc::default(), thread: None };
            return Ok((writer, queues));
        };
        let file = to.open(Existing::Keep)?;
        Self::spawn(output, producers, to, file)
    }

    fn spawn(
        output: &Output,
        producers: usize,
        to: Destination,
        file: Box<dyn Write + Send>,
    ) -> Result<(Self, Vec<Queue>), OutputError> {
        let capacity = usize::try_from(output.queue).unwrap_or(usize::MAX).max(1);
        let lane = || Arc::new(Lane { events: ArrayQueue::new(capacity), full: AtomicU64::new(0) });
        let lanes: Vec<_> = (0..producers).map(|_| lane()).collect();
        let bell: Arc<Bell> = Arc::default();
        let work = Work {
            lanes: lanes.clone(),
            bell: Arc::clone(&bell),
            to: to.clone(),
            lines: Lines::new(file),
            eve: Eve { community_id: output.community_id, ethernet: output.ethernet },
            pause: Duration::from_millis(output.flush_ms.into()),
            buffer: Vec::with_capacity(BUFFER),
            buffered: 0,
            failing: false,
        };
        let thread = thread::Builder::new()
            .name("tidegate-events".into())
            .spawn(move || work.run())
            .map_err(|source| OutputError::Thread { source })?;
        let _ = bell.thread.set(thread.thread().clone());
        let way = |lane: &Arc<Lane>| Queue { way: Some((Arc::clone(lane), Arc::clone(&bell))) };
        let queues = lanes.iter().map(way).collect();
        Ok((Self { to: Some(to), lanes, bell, thread: Some(thread) }, queues))
    }

    /// Closes the file and opens it anew by its name, for log rotation: what
    /// was emitted before is in the old file. If the new one cannot be opened,
    /// the old one is kept.
    pub fn reopen(&self) -> Result<(), OutputError> {
        let Some(to) = self.to.as_ref().filter(|_| self.thread.is_some()) else { return Ok(()) };
        let (answer, answered) = sync_channel(1);
        self.bell.reopen.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        self.bell.ring();
        match answered.recv_timeout(PATIENCE) {
            Ok(result) => result,
            Err(_) => Err(OutputError::Stuck { to: to.to_string() }),
        }
    }

    /// What became of events so far.
    pub fn counters(&self) -> OutputCounters {
        OutputCounters {
            written: self.bell.written.load(Ordering::Relaxed),
            queue_full: self.lanes.iter().map(|lane| lane.full.load(Ordering::Relaxed)).sum(),
            write_failed: self.bell.write_failed.load(Ordering::Relaxed),
        }
    }

    /// Writes what the queues hold, ends the thread, and tells what became of
    /// all events. The workers should have ended before: what they emit later
    /// is not written.
    pub fn stop(mut self) -> OutputCounters {
        self.end();
        self.counters()
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.bell.stop.store(true, Ordering::Release);
        self.bell.ring();
        if thread.join().is_err() {
            log::error!("the thread that writes events has ended by a bug; later events are lost");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread owns.
struct Work {
    lanes: Vec<Arc<Lane>>,
    bell: Arc<Bell>,
    to: Destination,
    lines: Lines<Box<dyn Write + Send>>,
    eve: Eve,
    pause: Duration,
    buffer: Vec<u8>,
    /// Lines in the buffer.
    buffered: u64,
    /// The last write failed, and the log says so.
    failing: bool,
}

impl Work {
    fn run(mut self) {
        loop {
            // Read before the queues: what was emitted before the request to
            // stop, or to open the file anew, is then among what is drained.
            let stop = self.bell.stop.load(Ordering::Acquire);
            let reopen = self.bell.asked_to_reopen();
            let whole = stop || !reopen.is_empty();
            let more = self.drain(if whole { usize::MAX } else { BATCH });
            self.write();
            if let Err(error) = self.lines.flush() {
                self.failed(0, &error);
            }
            self.reopen(reopen);
            if stop {
                return;
            }
            if !more {
                self.sleep();
            }
        }
    }

    /// Turns events into lines, up to so many of each queue; tells whether a
    /// queue may hold more.
    fn drain(&mut self, most: usize) -> bool {
        let mut more = false;
        for at in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get(at).map(Arc::clone) else { break };
            // No more than there were, so that a worker that never pauses
            // cannot keep the writer from stopping.
            let held = lane.events.len();
            more |= held > most;
            for _ in 0..held.min(most) {
                let Some(event) = lane.events.pop() else { break };
                self.eve.line(&event, &mut self.buffer);
                self.buffered += 1;
                if self.buffer.len() >= BUFFER {
                    self.write();
                }
            }
        }
        more
    }

    fn write(&mut self) {
        if self.buffered == 0 {
            return;
        }
        let result = self.lines.write(&self.buffer);
        let lost = match result {
            Ok(()) => 0,
            Err((lost, error)) => {
                self.failed(lost, &error);
                lost
            }
        };
        if lost == 0 && self.failing {
            log::warn!("events are written to {} again", self.to);
            self.failing = false;
        }
        self.bell.written.fetch_add(self.buffered.saturating_sub(lost), Ordering::Relaxed);
        self.buffer.clear();
        self.buffered = 0;
    }

    /// Counts lines that are lost, and says so once until writing works again.
    fn failed(&mut self, lost: u64, error: &std::io::Error) {
        self.bell.write_failed.fetch_add(lost, Ordering::Relaxed);
        if !self.failing {
            log::error!(
                "cannot write events to {}: {error}; they are lost and counted until it can",
                self.to
            );
            self.failing = true;
        }
    }

    fn reopen(&mut self, asked: Vec<Answer>) {
        for answer in asked {
            let result = self.to.open(Existing::Keep).map(|file| self.lines = Lines::new(file));
            // Nobody is left to answer if they lost patience.
            let _ = answer.try_send(result);
        }
    }

    fn sleep(&self) {
        self.bell.asleep.store(true, Ordering::Release);
        // A queue may have become half full before we were seen to sleep.
        if !self.lanes.iter().any(|lane| lane.is_half_full()) {
            thread::park_timeout(self.pause);
        }
        self.bell.asleep.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use std::io;
    use std::path::Path;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use tidegate_config::Events;

    use super::*;
    use crate::output::eve::sample;

    fn output(events: Events, queue: u32) -> Output {
        Output { events, queue, flush_ms: 1, ..Output::default() }
    }

    fn to_file(path: &Path) -> Output {
        output(Events::File(path.to_path_buf()), 64)
    }

    /// An event that carries a number.
    fn numbered(number: u64) -> Event {
        let mut stats = sample::stats();
        stats.counters = vec![("number".into(), number)];
        Event::Stats(Box::new(stats))
    }

    fn numbers(path: &Path) -> Vec<u64> {
        let text = std::fs::read_to_string(path).unwrap();
        let number = |line| sample::parse(line)["stats"]["number"].as_u64().unwrap();
        text.lines().map(number).collect()
    }

    /// A disk that tells of each write and waits until it may go on.
    struct Gate {
        entered: Sender<usize>,
        go_on: Receiver<()>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.entered.send(bytes.len());
            // An opener that is gone leaves the gate open.
            let _ = self.go_on.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gate() -> (Box<Gate>, Receiver<usize>, Sender<()>) {
        let ((entered, enters), (opener, go_on)) = (channel(), channel());
        (Box::new(Gate { entered, go_on }), enters, opener)
    }

    fn wait_until_asleep(writer: &Writer) {
        while !writer.bell.asleep.load(Ordering::Acquire) {
            thread::yield_now();
        }
    }

    #[test]
    fn a_worker_never_waits_and_losses_are_counted() {
        const CAPACITY: u32 = 64;
        let (gate, enters, opener) = gate();
        let output = output(Events::Stdout, CAPACITY);
        let (writer, mut queues) = Writer::spawn(&output, 1, Destination::Stdout, gate).unwrap();
        // Dropped before the writer if this test fails, which must not hang.
        let opener = opener;
        queues[0].emit(numbered(0));
        enters.recv_timeout(PATIENCE).unwrap();
        // The disk now hangs with the first event; only the queue takes more.
        for number in 0..u64::from(CAPACITY) + 3 {
            queues[0].emit(numbered(number));
        }
        assert_eq!(writer.counters(), OutputCounters { written: 0, queue_full: 3, write_failed: 0 });
        drop(opener);
        let counters = writer.stop();
        assert_eq!(counters, OutputCounters { written: 65, queue_full: 3, write_failed: 0 });
        assert_eq!(counters.named()[1], ("output.queue_full", 3));
    }

    #[test]
    fn a_half_full_queue_wakes_the_writer_before_its_time() {
        let (gate, enters, opener) = gate();
        drop(opener);
        let output = Output { flush_ms: 3_600_000, ..output(Events::Stdout, 64) };
        let (writer, mut queues) = Writer::spawn(&output, 2, Destination::Stdout, gate).unwrap();
        wait_until_asleep(&writer);
        for number in 0..32 {
            queues[1].emit(numbered(number));
        }
        assert!(enters.recv_timeout(PATIENCE).is_ok());
        assert_eq!(writer.stop().written, 32);
    }

    #[test]
    fn stopping_writes_everything_in_the_order_of_each_worker() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eve.json");
        // Nothing but the request to stop wakes the writer, which then finds
        // more than a batch in each queue.
        let output = Output { queue: 8192, flush_ms: 3_600_000, ..to_file(&path) };
        let (writer, queues) = Writer::start(&output, 3).unwrap();
        wait_until_asleep(&writer);
        thread::scope(|scope| {
            for (mut queue, worker) in queues.into_iter().zip(0..) {
                scope.spawn(move || (0..3000).for_each(|n| queue.emit(numbered(worker * 10_000 + n))));
            }
        });
        assert_eq!(writer.stop(), OutputCounters { written: 9000, ..OutputCounters::default() });
        let all = numbers(&path);
        for worker in 0..3 {
            let of_worker: Vec<_> = all.iter().copied().filter(|n| n / 10_000 == worker).collect();
            assert_eq!(of_worker, (worker * 10_000..worker * 10_000 + 3000).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_rotated_file_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, rotated) = (folder.path().join("eve.json"), folder.path().join("eve.json.1"));
        let (writer, mut queues) = Writer::start(&to_file(&path), 1).unwrap();
        queues[0].emit(numbered(1));
        std::fs::rename(&path, &rotated).unwrap();
        writer.reopen().unwrap();
        queues[0].emit(numbered(2));
        assert_eq!(writer.stop().written, 2);
        assert_eq!((numbers(&rotated), numbers(&path)), (vec![1], vec![2]));
    }

    #[test]
    fn the_old_file_is_kept_where_the_new_one_cannot_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let (inner, moved) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::create_dir(&inner).unwrap();
        let (writer, mut queues) = Writer::start(&to_file(&inner.join("eve.json")), 1).unwrap();
        std::fs::rename(&inner, &moved).unwrap();
        assert!(matches!(writer.reopen(), Err(OutputError::Open { .. })));
        queues[0].emit(numbered(1));
        drop(writer);
        assert_eq!(numbers(&moved.join("eve.json")), [1]);
    }

    #[test]
    fn a_full_disk_is_counted_and_survived() {
        let (writer, mut queues) = Writer::start(&to_file(Path::new("/dev/full")), 1).unwrap();
        (0..10).for_each(|number| queues[0].emit(numbered(number)));
        assert_eq!(writer.stop(), OutputCounters { written: 0, queue_full: 0, write_failed: 10 });
    }

    #[test]
    fn nowhere_takes_everything_and_counts_nothing() {
        let (writer, mut queues) = Writer::start(&output(Events::Off, 64), 2).unwrap();
        assert_eq!(queues.len(), 2);
        (0..100).for_each(|number| queues[1].emit(numbered(number)));
        writer.reopen().unwrap();
        assert_eq!(writer.stop(), OutputCounters::default());
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_told_at_the_start() {
        let output = to_file(Path::new("/nonexistent/eve.json"));
        assert!(matches!(Writer::start(&output, 1), Err(OutputError::Open { .. })));
    }
}
