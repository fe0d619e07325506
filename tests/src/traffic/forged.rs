//! A conversation between two ends that no kernel stands behind: every frame is
//! made by hand, and every frame that arrives is seen.
//!
//! The ends have addresses of their own on the lab's link. The kernels pass
//! frames to other Ethernet addresses by, so nobody answers what a test forges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::craft::{self, Segment, ethertype, flag};
use crate::lab::{Family, Lab, Side};
use crate::raw::RawSocket;

/// How long what must come may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two ends, and the two sockets through which they speak.
#[derive(Debug)]
pub struct Forged {
    family: Family,
    client: RawSocket,
    server: RawSocket,
    ports: [u16; 2],
}

impl Lab {
    /// Two ends that speak from a port of the client to one of the server; the
    /// gateway does not know of them yet.
    pub fn forged(&self, family: Family, client_port: u16, server_port: u16) -> Forged {
        let open = |side: Side| RawSocket::open(self.side(side), side.device());
        Forged {
            family,
            client: open(Side::Client),
            server: open(Side::Server),
            ports: [client_port, server_port],
        }
    }
}

impl Forged {
    /// The Ethernet address of an end.
    pub const fn mac(side: Side) -> [u8; 6] {
        match side {
            Side::Client => [0x02, 0, 0, 0, 0, 0x11],
            Side::Server => [0x02, 0, 0, 0, 0, 0x12],
        }
    }

    /// The address of an end.
    pub const fn address(&self, side: Side) -> IpAddr {
        let last = match side {
            Side::Client => 101,
            Side::Server => 102,
        };
        match self.family {
            Family::V4 => IpAddr::V4(Ipv4Addr::new(10, 77, 0, last)),
            Family::V6 => IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, last as u16)),
        }
    }

    /// The address and port of an end.
    pub const fn at(&self, side: Side) -> SocketAddr {
        let [client, server] = self.ports;
        let port = match side {
            Side::Client => client,
            Side::Server => server,
        };
        SocketAddr::new(self.address(side), port)
    }

    const fn socket(&self, side: Side) -> &RawSocket {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// An IP packet of an end as it is on the wire.
    pub fn framed(from: Side, packet: &[u8]) -> Vec<u8> {
        let ethertype = craft::tunnel::ethertype_of(packet);
        craft::ethernet(Self::mac(from.other()), Self::mac(from), ethertype, packet)
    }

    /// A segment with a window of 65535, as it is on the wire.
    pub fn tcp(&self, from: Side, segment: Segment<'_>) -> Vec<u8> {
        Self::framed(from, &craft::tcp(self.at(from), self.at(from.other()), segment))
    }

    /// A segment with another window, as it is on the wire.
    pub fn tcp_with_window(&self, from: Side, segment: Segment<'_>, window: u16) -> Vec<u8> {
        let (src, dst) = (self.at(from), self.at(from.other()));
        Self::framed(from, &craft::tcp_with(src, dst, segment, window, &[]))
    }

    /// A datagram as an IP packet.
    pub fn udp(&self, from: Side, payload: &[u8]) -> Vec<u8> {
        craft::udp(self.at(from), self.at(from.other()), payload)
    }

    /// Sends frames from an end, in this order.
    pub fn send(&self, from: Side, frames: &[Vec<u8>]) {
        for frame in frames {
            self.socket(from).send(frame);
        }
    }

    /// Sends frames from an end and gives what of them arrives at the other:
    /// all that came before a last frame of another kind, which overtakes none
    /// where one worker serves one queue.
    pub fn cross(&self, from: Side, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        self.send(from, frames);
        self.arrived(from)
    }

    /// All that came from an end up to now, and was not asked for before.
    pub fn arrived(&self, from: Side) -> Vec<Vec<u8>> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut payload = [0; 46];
        payload[..8].copy_from_slice(&number);
        let last = craft::ethernet(Self::mac(from.other()), Self::mac(from), ethertype::EXPERIMENT, &payload);
        self.send(from, std::slice::from_ref(&last));
        self.socket(from.other()).receive_until(&last, PATIENCE, |frame| Self::is_from(frame, from))
    }

    /// The next `count` frames that come from an end, however long the gateway
    /// takes for them; panics when they do not come.
    pub fn next(&self, from: Side, count: usize) -> Vec<Vec<u8>> {
        let deadline = Instant::now() + PATIENCE;
        let mut frames = Vec::new();
        while frames.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.socket(from.other()).receive(left) {
                Some(frame) if Self::is_from(&frame, from) => frames.push(frame),
                Some(_) => {}
                None => panic!("{count} frames were to come, and there came {frames:02x?}"),
            }
        }
        frames
    }

    /// Whether a frame is one of an end's.
    fn is_from(frame: &[u8], from: Side) -> bool {
        frame.get(6..12) == Some(&Self::mac(from)) && frame.get(12..14) != Some(&[0x88, 0xb5])
    }

    /// Panics unless frames arrive just as they were sent.
    pub fn pass(&self, from: Side, frames: &[Vec<u8>]) {
        let arrived = self.cross(from, frames);
        assert!(arrived == frames, "from {from:?}: sent {frames:02x?}\nand there came {arrived:02x?}");
    }

    /// Panics when any of these frames arrives.
    pub fn stop(&self, from: Side, frames: &[Vec<u8>]) {
        let arrived = self.cross(from, frames);
        assert!(arrived.is_empty(), "from {from:?}: these were to end, and came through: {arrived:02x?}");
    }

    /// The handshake of a connection: the first bytes of either side are 1 and
    /// 1001.
    pub fn shake_hands(&self) {
        let segment = |flags, seq, ack| Segment { flags, seq, ack, payload: &[] };
        self.pass(Side::Client, &[self.tcp(Side::Client, segment(flag::SYN, 0, 0))]);
        self.pass(Side::Server, &[self.tcp(Side::Server, segment(flag::SYN | flag::ACK, 1_000, 1))]);
        self.pass(Side::Client, &[self.tcp(Side::Client, segment(flag::ACK, 1, 1_001))]);
    }

    /// Bytes of the client on a connection of [`Forged::shake_hands`] to which
    /// the server has said nothing yet.
    pub fn up(&self, seq: u32, payload: &[u8]) -> Vec<u8> {
        self.tcp(Side::Client, Segment { flags: flag::ACK | flag::PSH, seq, ack: 1_001, payload })
    }

    /// An acknowledgement of the server, who says nothing.
    pub fn acknowledge(&self, ack: u32) -> Vec<u8> {
        self.tcp(Side::Server, Segment { flags: flag::ACK, seq: 1_001, ack, payload: &[] })
    }
}
