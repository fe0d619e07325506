//! All that is being read in a worker's flows, within one cap on memory.

use super::reader::Reader;
use crate::dissect::Dissector;
use crate::flow::stream::StreamHandle;

/// The readers of connections, and the dissectors of datagrams.
pub(super) struct Readers {
    /// By the number of their streams.
    streams: Vec<Option<Box<Reader>>>,
    /// By numbers that flows keep.
    datagrams: Vec<Option<Reading>>,
    /// The free numbers of these.
    vacant: Vec<u32>,
    /// Bytes of memory that all of them hold.
    held: usize,
    memory: usize,
}

/// A flow of datagrams that is being read.
struct Reading {
    dissector: Box<dyn Dissector>,
    weighed: usize,
}

impl Readers {
    /// None, and room for so many bytes.
    pub(super) fn new(memory: usize) -> Self {
        Self { streams: Vec::new(), datagrams: Vec::new(), vacant: Vec::new(), held: 0, memory }
    }

    /// Bytes of memory that all of them hold.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Whether more is held than there is room for.
    pub(super) fn is_full(&self) -> bool {
        self.held > self.memory
    }

    /// Begins to read a connection, if there is room.
    pub(super) fn open(&mut self, handle: StreamHandle, reader: Reader) -> bool {
        if self.is_full() {
            return false;
        }
        let place = handle.number() as usize;
        if self.streams.len() <= place {
            self.streams.resize_with(place + 1, || None);
        }
        if let Some(place) = self.streams.get_mut(place) {
            *place = Some(Box::new(reader));
        }
        self.weigh(handle);
        true
    }

    /// The reader of a connection, if it has one.
    #[inline]
    pub(super) fn of(&mut self, handle: StreamHandle) -> Option<&mut Reader> {
        self.streams.get_mut(handle.number() as usize)?.as_deref_mut()
    }

    /// Takes note of what a reader holds now.
    pub(super) fn weigh(&mut self, handle: StreamHandle) {
        let grown = self.of(handle).map_or(0, Reader::weigh);
        self.held = self.held.saturating_add_signed(grown);
    }

    /// Takes the reader of a connection away.
    pub(super) fn close(&mut self, handle: StreamHandle) -> Option<Box<Reader>> {
        let mut reader = self.streams.get_mut(handle.number() as usize)?.take()?;
        reader.weigh();
        self.held = self.held.saturating_sub(reader.weighed());
        Some(reader)
    }

    /// Begins to read datagrams; gives their number, if there is room.
    pub(super) fn open_datagrams(&mut self, dissector: Box<dyn Dissector>) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        let reading = Some(Reading { dissector, weighed: 0 });
        let number = if let Some(number) = self.vacant.pop() {
            *self.datagrams.get_mut(number as usize)? = reading;
            number
        } else {
            self.datagrams.push(reading);
            u32::try_from(self.datagrams.len() - 1).ok()?
        };
        self.weigh_datagrams(number);
        Some(number)
    }

    /// The dissector of a flow of datagrams.
    #[inline]
    pub(super) fn of_datagrams(&mut self, number: u32) -> Option<&mut dyn Dissector> {
        let reading = self.datagrams.get_mut(number as usize)?.as_mut()?;
        Some(&mut *reading.dissector)
    }

    /// Takes note of what a dissector of datagrams holds now.
    pub(super) fn weigh_datagrams(&mut self, number: u32) {
        let Some(Some(reading)) = self.datagrams.get_mut(number as usize) else { return };
        let weight = reading.weight();
        self.held = self.held + weight - reading.weighed;
        reading.weighed = weight;
    }

    /// Takes the dissector of a flow of datagrams away.
    pub(super) fn close_datagrams(&mut self, number: u32) -> Option<Box<dyn Dissector>> {
        let reading = self.datagrams.get_mut(number as usize)?.take()?;
        self.vacant.push(number);
        self.held -= reading.weighed;
        Some(reading.dissector)
    }
}

impl Reading {
    fn weight(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.dissector) + self.dissector.held()
    }
}
