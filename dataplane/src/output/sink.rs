//! Sinks without a thread: for replay, and for those who look at events
//! themselves.

use std::io::{BufWriter, Write};

use super::destination::Existing;
use super::{Destination, Eve, OutputError};
use crate::worker::event::{Event, EventSink};

/// Bytes gathered before they are written.
const BUFFER: usize = 64 * 1024;

/// Writes each event as it comes and waits for the disk: nothing is lost, and
/// the same events give the same bytes. For replay.
pub struct Direct<W: Write> {
    to: BufWriter<W>,
    name: String,
    eve: Eve,
    line: Vec<u8>,
    written: u64,
    /// The first error; nothing is written after it.
    failed: Option<std::io::Error>,
}

impl Direct<Box<dyn Write + Send>> {
    /// To a file, which is emptied first, or to stdout.
    pub fn open(to: &Destination, eve: Eve) -> Result<Self, OutputError> {
        Ok(Self::new(to.open(Existing::Replace)?, to.to_string(), eve))
    }
}

impl<W: Write> Direct<W> {
    /// To any writer; errors call it by this name.
    pub fn new(to: W, name: String, eve: Eve) -> Self {
        let to = BufWriter::with_capacity(BUFFER, to);
        Self { to, name, eve, line: Vec::new(), written: 0, failed: None }
    }

    /// Writes what is still held back, and tells how many events were written,
    /// or what went wrong first.
    pub fn finish(mut self) -> Result<u64, OutputError> {
        let flushed = match self.failed.take() {
            Some(error) => Err(error),
            None => self.to.flush(),
        };
        match flushed {
            Ok(()) => Ok(self.written),
            Err(source) => Err(OutputError::Write { to: self.name, source }),
        }
    }

    /// Whether an error has ended the writing, so that a replay need not go on.
    pub const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }
}

impl<W: Write> EventSink for Direct<W> {
    fn emit(&mut self, event: Event) {
        if self.failed.is_some() {
            return;
        }
        self.line.clear();
        self.eve.line(&event, &mut self.line);
        match self.to.write_all(&self.line) {
            Ok(()) => self.written += 1,
            Err(error) => self.failed = Some(error),
        }
    }
}

/// Takes events and forgets them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl EventSink for Discard {
    fn emit(&mut self, _: Event) {}
}

/// Keeps events for whoever asks afterwards.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// What came, in order.
    pub events: Vec<Event>,
}

impl EventSink for Collected {
    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::output::eve::sample;

    #[test]
    fn the_same_events_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.json", "b.json"].map(|name| folder.path().join(name));
        for path in &paths {
            std::fs::write(path, "of an earlier run\n").unwrap();
            let mut sink = Direct::open(&Destination::File(path.clone()), Eve::default()).unwrap();
            for event in sample::one_of_each() {
                sink.emit(event);
            }
            assert_eq!(sink.finish().unwrap(), sample::one_of_each().len() as u64);
        }
        let [a, b] = paths.map(|path| std::fs::read_to_string(path).unwrap());
        let expected: String = sample::one_of_each().iter().map(sample::line).collect();
        assert_eq!(a, expected);
        assert_eq!(a, b);
    }

    #[test]
    fn an_error_is_told_at_the_end() {
        let mut sink = Direct::open(&Destination::File("/dev/full".into()), Eve::default()).unwrap();
        for _ in 0..BUFFER {
            for event in sample::one_of_each() {
                sink.emit(event);
            }
            if sink.has_failed() {
                break;
            }
        }
        assert!(sink.has_failed());
        let error = sink.finish().unwrap_err();
        assert!(error.to_string().starts_with("cannot write events to /dev/full: "), "{error}");
    }

    #[test]
    fn an_error_of_the_last_flush_is_told_too() {
        let mut sink = Direct::open(&Destination::File("/dev/full".into()), Eve::default()).unwrap();
        sink.emit(Event::Stats(Box::new(sample::stats())));
        assert!(!sink.has_failed());
        assert!(sink.finish().is_err());
    }

    #[test]
    fn what_is_collected_can_be_looked_at() {
        let mut sink = Collected::default();
        sink.emit(Event::Stats(Box::new(sample::stats())));
        Discard.emit(Event::Stats(Box::new(sample::stats())));
        assert!(matches!(sink.events.as_slice(), [Event::Stats(_)]));
    }
}
