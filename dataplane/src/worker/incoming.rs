//! A packet on its way through a worker: received, decoded, not yet judged.

use crate::flow::defrag::Datagram;
use crate::flow::{Endpoint, Key, Outer, Seen};
use crate::port::Parcel;
use crate::time::Timestamp;
use crate::wire::fields::PacketView;
use crate::wire::packet::Transport;
use crate::wire::{LinkType, Packet, Undecodable};

/// A packet that has been received and decoded.
///
/// It stays where the burst put it until its verdict is carried out; only what
/// goes to another worker moves.
pub(super) struct Incoming<'u> {
    pub(super) body: Body<'u>,
    pub(super) packet: Packet,
    pub(super) undecodable: Option<Undecodable>,
    /// What its flow is found by; `None` where it belongs to none, or where
    /// that shows only once it is put together.
    pub(super) flow: Option<Keyed>,
    /// The device it came in by; every worker numbers the devices alike.
    pub(super) device: usize,
    /// Its number in the capture.
    pub(super) number: u64,
    /// How many of the tunnels around it have been seen to, outermost first.
    pub(super) outers_seen: u8,
    /// The flow of the tunnel that carries it, if that has one.
    pub(super) parent: Option<u64>,
}

/// Where the bytes of a packet are.
pub(super) enum Body<'u> {
    /// In a frame.
    Frame(Parcel<'u>),
    /// Put together from fragments, apart from any frame.
    Datagram(Box<Reassembled>),
    /// Gone: sent on, recycled, or kept until the rest of its datagram is here.
    Gone,
}

/// A datagram out of its fragments.
pub(super) struct Reassembled {
    /// Its bytes from the network header on, and its fragments.
    pub(super) datagram: Datagram<Held>,
    /// What stood before the network header of the last one.
    pub(super) link_header: Vec<u8>,
    /// When the last one came.
    pub(super) at: Timestamp,
    /// Their bytes on the wire, all together.
    pub(super) wire_len: u32,
}

impl Reassembled {
    /// The datagram as it would have come without fragmentation, and its bytes:
    /// for answers, which copy the link header of what they answer.
    #[cold]
    pub(super) fn framed(&self) -> (Packet, Vec<u8>) {
        let bytes = [&self.link_header[..], &self.datagram.bytes].concat();
        (Packet::decode(LinkType::Ethernet, &bytes, 0).0, bytes)
    }
}

/// A fragment that waits for the others, so that it can go on as it came.
///
/// It is copied out of its frame: a flood of fragments may fill the memory that
/// is set aside for them, but takes no frame from the traffic.
pub(super) struct Held {
    /// The whole frame; empty where it has gone on already, because verdicts
    /// are not carried out.
    pub(super) bytes: Vec<u8>,
    pub(super) link: LinkType,
    pub(super) at: Timestamp,
    pub(super) wire_len: u32,
    pub(super) device: usize,
}

/// The key of a packet's flow.
#[derive(Clone, Copy)]
pub(super) struct Keyed {
    pub(super) key: Key,
    pub(super) hash: u64,
    pub(super) sender: Endpoint,
}

impl Incoming<'_> {
    /// Its bytes: those of a frame from the link header on, those of a datagram
    /// from the network header on.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Frame(arrival) => arrival.frame.bytes(),
            Body::Datagram(whole) => &whole.datagram.bytes,
            Body::Gone => &[],
        }
    }

    /// Whether nothing is to be seen to before its flow: no tunnel around it, no
    /// datagram to put together, no other flow that it speaks of.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.packet.tunnels.depth() == 0
            && !matches!(self.packet.transport, Transport::Fragment | Transport::Icmp(_))
    }

    /// Whether a tunnel around it has not been seen to.
    pub(super) fn has_unseen_outer(&self) -> bool {
        usize::from(self.outers_seen) < self.packet.tunnels.depth()
    }

    /// What carries it, if it came out of a tunnel.
    pub(super) fn carrier(&self) -> Option<Outer> {
        let tunnels = self.packet.tunnels;
        let kind = tunnels.innermost()?;
        let outer = self.outer(tunnels.depth() - 1)?;
        let (src, dst) = outer.ip_pair()?;
        Some(Outer { kind, src, dst, ports: outer.ports(), network: tunnels.network(), parent: self.parent })
    }

    /// What the flow table is told of it.
    #[inline]
    pub(super) fn seen_by(&self, keyed: Keyed) -> Seen {
        Seen::of(&self.packet, self.bytes(), keyed.sender, self.wire_len(), self.at())
    }

    /// Whether we hold less of its frame than was on the wire: a capture has left
    /// the rest out.
    #[inline]
    pub(super) fn is_cut(&self) -> bool {
        matches!(&self.body, Body::Frame(arrival) if self.bytes().len() < arrival.wire_len as usize)
    }

    /// How many frames it came in.
    #[inline]
    pub(super) fn frame_count(&self) -> u64 {
        match &self.body {
            Body::Frame(_) => 1,
            Body::Datagram(whole) => whole.datagram.fragments.len() as u64,
            Body::Gone => 0,
        }
    }

    /// The transport payload, in pieces where the packet lies in several
    /// chunks; link padding excluded.
    pub(super) fn payload_parts(&self) -> impl Iterator<Item = &[u8]> {
        let head = self.packet.payload(self.bytes());
        let rest = match &self.body {
            Body::Frame(arrival) if !arrival.frame.is_contiguous() => Some(arrival.frame.parts().skip(1)),
            _ => None,
        };
        std::iter::once(head).chain(rest.into_iter().flatten())
    }

    /// What carries tunnel `index` around it, the outermost first.
    #[cold]
    pub(super) fn outer(&self, index: usize) -> Option<Packet> {
        self.packet.outer(self.link(), self.bytes(), self.wire_len(), index)
    }

    /// What the first of its bytes belongs to.
    #[inline]
    pub(super) fn link(&self) -> LinkType {
        match &self.body {
            Body::Frame(arrival) => arrival.link,
            Body::Datagram(_) | Body::Gone => LinkType::RawIp,
        }
    }

    /// When it came.
    #[inline]
    pub(super) fn at(&self) -> Timestamp {
        match &self.body {
            Body::Frame(arrival) => arrival.at,
            Body::Datagram(whole) => whole.at,
            Body::Gone => Timestamp::ZERO,
        }
    }

    /// Its bytes on the wire, link header included.
    #[inline]
    pub(super) fn wire_len(&self) -> u32 {
        match &self.body {
            Body::Frame(arrival) => arrival.wire_len,
            Body::Datagram(whole) => whole.wire_len,
            Body::Gone => 0,
        }
    }
}

impl<'u> Incoming<'u> {
    /// As it came: not decoded yet.
    #[inline]
    pub(super) fn new(arrival: Parcel<'u>, device: usize, number: u64) -> Self {
        Self {
            body: Body::Frame(arrival),
            packet: Packet::default(),
            undecodable: None,
            flow: None,
            device,
            number,
            outers_seen: 0,
            parent: None,
        }
    }

    /// Takes its bytes out: the packet itself is done with.
    #[inline]
    pub(super) fn take(&mut self) -> Body<'u> {
        std::mem::replace(&mut self.body, Body::Gone)
    }

    /// Takes all of it, to move it to where it belongs.
    pub(super) fn take_all(&mut self) -> Self {
        let Self { packet, undecodable, flow, device, number, outers_seen, parent, .. } = *self;
        Self { body: self.take(), packet, undecodable, flow, device, number, outers_seen, parent }
    }

    /// What rules see of it.
    #[inline]
    pub(super) fn view(&self) -> PacketView<'_> {
        PacketView { packet: &self.packet, bytes: self.bytes(), wire_len: self.wire_len(), at: self.at() }
    }
}
