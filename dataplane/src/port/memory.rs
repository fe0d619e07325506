//! A port in memory: for tests, and for measuring everything but the kernel.
//!
//! What comes in was injected beforehand, or is a short list of packets given
//! over and over, each time a little further on if need be; what goes out is
//! kept, with what was said of it, or only counted.

use std::collections::VecDeque;

use super::ledger::Ledger;
use super::{BURST_MAX, Parcel, Port, PortCounters, Supply, length};
use crate::time::Timestamp;
use crate::wire::LinkType;
use crate::xsk::{Frame, Pool};

/// A port whose outside is memory.
pub struct MemoryPort<'u> {
    link: LinkType,
    source: Source,
    sink: Sink,
    ledger: Ledger<'u>,
}

impl MemoryPort<'_> {
    /// A port that gives what is injected and keeps what is sent, any number.
    pub fn new(link: LinkType) -> Self {
        let source = Source::default();
        let sink = Sink::Keep { packets: Vec::new(), packets_max: usize::MAX };
        Self { link, source, sink, ledger: Ledger::default() }
    }

    /// A port that gives what is injected and then `templates` in turn,
    /// `packets_total` packets of these in all, and counts what is sent without
    /// keeping it: as near to costing nothing as a port that fills frames can be.
    ///
    /// # Panics
    /// When there are no templates, but packets are to be made of them.
    pub fn cycling(
        link: LinkType,
        templates: impl IntoIterator<Item = impl Into<Box<[u8]>>>,
        packets_total: u64,
    ) -> Self {
        let templates: Vec<Box<[u8]>> = templates.into_iter().map(Into::into).collect();
        assert!(!templates.is_empty() || packets_total == 0, "packets are made of templates");
        let source = Source { templates, left: packets_total, closed: true, ..Source::default() };
        Self { link, source, sink: Sink::Count, ledger: Ledger::default() }
    }

    /// Lets each template become its successor once it was given, so that a
    /// connection goes on instead of saying the same again.
    #[must_use]
    pub fn succeeded_by(mut self, successor: fn(&mut [u8])) -> Self {
        self.source.successor = successor;
        self
    }

    /// Makes `send` refuse once this many packets were sent and not taken out
    /// by [`MemoryPort::take_sent`]: the way out is full.
    #[must_use]
    pub fn with_room_for(mut self, packets_max: usize) -> Self {
        self.sink = Sink::Keep { packets: Vec::new(), packets_max };
        self
    }

    /// Lets a packet come in at the next receive, stamped with its time.
    pub fn inject(&mut self, bytes: &[u8]) {
        self.source.injected.push_back(Injected { bytes: bytes.into(), at: None, wire_len: None });
    }

    /// Lets a packet come in with a time of its own, as from a capture, and
    /// with the length that it had on the wire.
    pub fn inject_at(&mut self, bytes: &[u8], at: Timestamp, wire_len: u32) {
        let packet = Injected { bytes: bytes.into(), at: Some(at), wire_len: Some(wire_len) };
        self.source.injected.push_back(packet);
    }

    /// No more templates, and nothing more will be injected: once all has been
    /// given, the supply ends.
    pub fn close(&mut self) {
        (self.source.closed, self.source.left) = (true, 0);
    }

    /// What was sent and not taken out, in order; nothing where the port only
    /// counts.
    pub fn sent(&self) -> &[Sent] {
        match &self.sink {
            Sink::Keep { packets, .. } => packets,
            Sink::Count => &[],
        }
    }

    /// Takes out what was sent, in order, which makes room for more.
    pub fn take_sent(&mut self) -> Vec<Sent> {
        match &mut self.sink {
            Sink::Keep { packets, .. } => std::mem::take(packets),
            Sink::Count => Vec::new(),
        }
    }
}

/// A packet that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The time of the packet.
    pub at: Timestamp,
    /// How long it was on the wire.
    pub wire_len: u32,
    /// What its first byte belongs to.
    pub link: LinkType,
}

/// First what was injected, then the templates.
struct Source {
    injected: VecDeque<Injected>,
    templates: Vec<Box<[u8]>>,
    /// The template that comes next.
    next: usize,
    /// How many packets are still to be made of templates.
    left: u64,
    /// What becomes of a template once it was given.
    successor: fn(&mut [u8]),
    /// Whether the supply ends when all has been given.
    closed: bool,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            injected: VecDeque::new(),
            templates: Vec::new(),
            next: 0,
            left: 0,
            successor: |_| {},
            closed: false,
        }
    }
}

struct Injected {
    bytes: Box<[u8]>,
    at: Option<Timestamp>,
    wire_len: Option<u32>,
}

enum Sink {
    Keep { packets: Vec<Sent>, packets_max: usize },
    Count,
}

impl Source {
    fn supply(&self) -> Supply {
        let is_empty = self.injected.is_empty() && self.left == 0;
        if is_empty && self.closed { Supply::Ended } else { Supply::Open }
    }

    /// The packet that comes next, with a time and a length of its own if it
    /// has them.
    fn peek(&self) -> Option<(&[u8], Option<Timestamp>, Option<u32>)> {
        match self.injected.front() {
            Some(packet) => Some((&*packet.bytes, packet.at, packet.wire_len)),
            None if self.left == 0 => None,
            None => self.templates.get(self.next).map(|bytes| (&**bytes, None, None)),
        }
    }

    fn advance(&mut self) {
        if self.injected.pop_front().is_some() {
            return;
        }
        if let Some(template) = self.templates.get_mut(self.next) {
            (self.successor)(template);
        }
        self.left -= 1;
        self.next += 1;
        if self.next == self.templates.len() {
            self.next = 0;
        }
    }
}

impl<'u> Port<'u> for MemoryPort<'u> {
    fn receive(&mut self, pool: &mut Pool<'u>, now: Timestamp, burst: &mut Vec<Parcel<'u>>) -> Supply {
        let first = burst.len();
        while burst.len() < BURST_MAX {
            let Some((bytes, at, wire_len)) = self.source.peek() else { break };
            let Some(frame) = self.ledger.copy_in(pool, bytes) else { break };
            let wire_len = wire_len.unwrap_or_else(|| length(bytes.len()));
            burst.push(Parcel { frame, at: at.unwrap_or(now), wire_len, link: self.link });
            self.source.advance();
        }
        if burst.len() > first { Supply::Open } else { self.source.supply() }
    }

    fn send(&mut self, parcel: Parcel<'u>) -> Result<(), Frame<'u>> {
        let Parcel { frame, at, wire_len, link } = parcel;
        if let Sink::Keep { packets, packets_max } = &mut self.sink {
            if packets.len() >= *packets_max {
                return Err(self.ledger.refused(frame));
            }
            let mut bytes = Vec::with_capacity(frame.total_len());
            frame.copy_all(&mut bytes);
            packets.push(Sent { bytes, at, wire_len, link });
        }
        self.ledger.sent(frame);
        Ok(())
    }

    fn flush(&mut self, pool: &mut Pool<'u>) {
        self.ledger.flush(pool);
    }

    fn frames_held(&self) -> usize {
        self.ledger.held()
    }

    fn counters(&self) -> PortCounters {
        self.ledger.counters
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::xsk::{Layout, Umem};

    const NOW: Timestamp = Timestamp::from_nanos(5);

    fn umem(chunks: u32) -> Umem {
        Umem::new(Layout { chunks, chunk_size: 256, headroom: 64 }).unwrap()
    }

    fn receive<'u>(port: &mut MemoryPort<'u>, pool: &mut Pool<'u>) -> (Vec<Parcel<'u>>, Supply) {
        let mut burst = Vec::new();
        let supply = port.receive(pool, NOW, &mut burst);
        (burst, supply)
    }

    #[test]
    fn gives_what_was_injected_and_keeps_what_was_sent() {
        let mut umem = umem(4);
        let mut pool = umem.split(1).pop().unwrap();
        let mut port = MemoryPort::new(LinkType::Ethernet);
        port.inject(b"first");
        port.inject_at(b"second", Timestamp::from_nanos(9), 90);
        let (burst, supply) = receive(&mut port, &mut pool);
        assert_eq!(supply, Supply::Open);
        let seen: Vec<_> = burst.iter().map(|a| (a.frame.bytes(), a.at.as_nanos(), a.wire_len)).collect();
        assert_eq!(seen, [(&b"first"[..], 5, 5), (b"second", 9, 90)]);

        for parcel in burst {
            port.send(parcel).unwrap();
        }
        assert_eq!((port.frames_held(), pool.free_len()), (2, 2));
        port.flush(&mut pool);
        assert_eq!((port.frames_held(), pool.free_len()), (0, 4));
        let sent = port.take_sent();
        assert_eq!(sent.len(), 2);
        assert_eq!(
            sent.last(),
            Some(&Sent {
                bytes: b"second".to_vec(),
                at: Timestamp::from_nanos(9),
                wire_len: 90,
                link: LinkType::Ethernet
            })
        );
        assert!(port.sent().is_empty());
    }

    #[test]
    fn ends_only_when_closed_and_empty() {
        let mut umem = umem(2);
        let mut pool = umem.split(1).pop().unwrap();
        let mut port = MemoryPort::new(LinkType::RawIp);
        assert_eq!(receive(&mut port, &mut pool).1, Supply::Open);
        for _ in 0..3 {
            port.inject(b"x");
        }
        port.close();
        let (burst, supply) = receive(&mut port, &mut pool);
        assert_eq!((burst.len(), supply), (2, Supply::Open), "two frames, and a third packet waits for one");
        assert_eq!(port.counters().rx_starved, 1);
        for parcel in burst {
            pool.recycle(parcel.frame);
        }
        let (burst, supply) = receive(&mut port, &mut pool);
        assert_eq!((burst.len(), supply), (1, Supply::Open));
        assert_eq!(receive(&mut port, &mut pool).1, Supply::Ended);
    }

    #[test]
    fn refuses_what_it_has_no_room_for_and_counts_it() {
        let mut umem = umem(3);
        let mut pool = umem.split(1).pop().unwrap();
        let mut port = MemoryPort::new(LinkType::Ethernet).with_room_for(1);
        let parcel = |frame| Parcel::whole(frame, NOW, LinkType::Ethernet);
        port.send(parcel(pool.take().unwrap())).unwrap();
        let refused = port.send(parcel(pool.take().unwrap())).unwrap_err();
        assert_eq!((port.counters().tx_full, port.counters().tx_packets), (1, 1));
        port.flush(&mut pool);
        let refused = port.send(parcel(refused)).unwrap_err();
        assert_eq!(port.take_sent().len(), 1);
        port.send(parcel(refused)).unwrap();
        assert_eq!((port.counters().tx_full, port.counters().tx_packets), (2, 2));
    }

    #[test]
    fn cycles_its_templates_up_to_the_total() {
        let mut umem = umem(128);
        let mut pool = umem.split(1).pop().unwrap();
        let mut port = MemoryPort::cycling(LinkType::Ethernet, [b"aa".to_vec(), b"b".to_vec()], 67);
        let mut lens = Vec::new();
        loop {
            let (burst, supply) = receive(&mut port, &mut pool);
            assert!(burst.len() <= BURST_MAX);
            for parcel in burst {
                lens.push(parcel.frame.len());
                port.send(parcel).unwrap();
            }
            port.flush(&mut pool);
            if supply == Supply::Ended {
                break;
            }
        }
        assert_eq!(lens.len(), 67);
        assert!(lens.chunks_exact(2).all(|pair| pair == [2, 1]));
        assert_eq!((port.counters().tx_packets, port.counters().tx_bytes), (67, 34 * 2 + 33));
        assert!(port.sent().is_empty());
        assert_eq!(pool.free_len(), 128);
    }

    #[test]
    fn a_template_comes_again_as_its_successor_and_after_what_was_injected() {
        let mut umem = umem(8);
        let mut pool = umem.split(1).pop().unwrap();
        let mut port = MemoryPort::cycling(LinkType::Ethernet, [[0, 10], [0, 20]], 5)
            .succeeded_by(|template| template.iter_mut().for_each(|byte| *byte += 1));
        port.inject(b"first");
        let (burst, _) = receive(&mut port, &mut pool);
        let seen: Vec<_> = burst.iter().map(|parcel| parcel.frame.bytes()).collect();
        assert_eq!(seen, [&b"first"[..], &[0, 10], &[0, 20], &[1, 11], &[1, 21], &[2, 12]]);
        assert_eq!(receive(&mut port, &mut pool).1, Supply::Ended);
    }

    #[test]
    fn cuts_what_is_longer_than_a_frame_and_counts_it() {
        let mut umem = umem(1);
        let mut pool = umem.split(1).pop().unwrap();
        let mut port = MemoryPort::new(LinkType::Ethernet);
        port.inject(&[7; 300]);
        let (burst, _) = receive(&mut port, &mut pool);
        assert_eq!(burst.first().map(|a| (a.frame.len(), a.wire_len)), Some((192, 300)));
        assert_eq!(port.counters().rx_cut, 1);
    }
}
