//! A tap: a port that watches an interface without taking its packets.
//!
//! The interface works on as if nobody looked: what is decided here about a
//! packet changes nothing for it. Both directions are seen, also what this
//! machine itself sends: a tap on a mirror port sees both sides of a
//! conversation, whichever way the mirror hands them over.
//!
//! A tap sees packets where the kernel does, not where the wire does: with
//! receive offload several segments come as one packet (hence [`LAYOUT`]), and
//! what this machine sends has no checksum yet where the device fills it in.
//! Checksums are therefore not to be verified on a tap.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::ledger::Ledger;
use super::{BURST_MAX, Parcel, Port, PortCounters, Supply};
use crate::time::Timestamp;
use crate::wire::LinkType;
use crate::xsk::packet_socket::{PacketSocket, RECEIVE_MAX, Received, Share};
use crate::xsk::{Frame, Layout, Pool, XskError};

/// Packet memory for taps: room for the 64 KiB packets of receive offload.
///
/// Memory that no packet reaches costs nothing; the size is an odd number of
/// cache lines, so that headers spread over the sets of the cache.
pub const LAYOUT: Layout = Layout { chunks: 4096, chunk_size: 65_536 + 704, headroom: 256 };

const _: () = assert!(LAYOUT.chunk_size / 64 % 2 == 1, "an odd number of cache lines");

/// Raw IP (`linux/if_arp.h`); libc does not name it.
const ARPHRD_RAWIP: u16 = 519;

/// An interface, or a share of its flows, as a port that never sends.
pub struct TapPort<'u> {
    socket: PacketSocket,
    link: LinkType,
    /// Frames to receive into, taken from the pool and not used yet.
    spare: Vec<Frame<'u>>,
    received: [Received; RECEIVE_MAX],
    presence: Presence,
    /// The error that was told last: a lasting one is told once.
    told: Option<i32>,
    ledger: Ledger<'u>,
}

/// Whether the interface is there, as far as we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// It has never gone down, which the kernel says.
    Sure,
    /// It has once gone down. The kernel does not say whether it then goes, so
    /// it is asked whenever nothing comes. (What does come may have been queued
    /// before, and proves nothing.)
    Doubted,
    /// It was removed.
    Gone,
}

impl TapPort<'_> {
    /// Watches an interface with `shares` ports, one a worker: each gets its
    /// part of the flows, both directions of a flow to the same port. Needs
    /// `CAP_NET_RAW`.
    ///
    /// # Panics
    /// When there are no shares.
    pub fn open(interface: &str, shares: usize) -> Result<Vec<Self>, XskError> {
        assert!(shares > 0, "somebody watches");
        if shares == 1 {
            return Ok(vec![Self::over(PacketSocket::open(interface, Share::All)?)?]);
        }
        let founder = PacketSocket::open(interface, Share::Found)?;
        let group = founder.group().map_err(|source| XskError::Watch {
            interface: interface.to_owned(),
            what: "ask for the number of the group",
            source,
        })?;
        let mut ports = vec![Self::over(founder)?];
        while ports.len() < shares {
            ports.push(Self::over(PacketSocket::open(interface, Share::Join(group))?)?);
        }
        Ok(ports)
    }

    fn over(socket: PacketSocket) -> Result<Self, XskError> {
        let link = link_of(socket.hardware()).ok_or_else(|| XskError::UnknownHardware {
            interface: socket.interface().to_owned(),
            hardware: socket.hardware(),
        })?;
        Ok(Self {
            socket,
            link,
            spare: Vec::with_capacity(BURST_MAX),
            received: [Received::default(); RECEIVE_MAX],
            presence: Presence::Sure,
            told: None,
            ledger: Ledger::default(),
        })
    }
}

impl AsFd for TapPort<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl<'u> Port<'u> for TapPort<'u> {
    /// Ends when the interface has been removed; while it is merely down,
    /// nothing comes.
    fn receive(&mut self, pool: &mut Pool<'u>, now: Timestamp, burst: &mut Vec<Parcel<'u>>) -> Supply {
        if self.presence == Presence::Gone {
            return Supply::Ended;
        }
        let room = BURST_MAX.saturating_sub(burst.len());
        while self.spare.len() < room {
            let Some(frame) = pool.take() else {
                self.ledger.counters.rx_starved += u64::from(self.spare.is_empty());
                break;
            };
            self.spare.push(frame);
        }
        let usable = self.spare.len().min(room);
        let Some(frames) = self.spare.get_mut(..usable).filter(|frames| !frames.is_empty()) else {
            return Supply::Open;
        };
        let count = match self.socket.receive(frames, &mut self.received) {
            Ok(count) => count,
            Err(error) => {
                self.refused(&error);
                return Supply::Open;
            }
        };
        if count > 0 {
            self.told = None;
        } else if self.presence == Presence::Doubted {
            self.look();
        }
        for (frame, received) in self.spare.drain(..count).zip(&self.received) {
            self.ledger.received(&frame, received.wire_len);
            burst.push(Parcel { frame, at: now, wire_len: received.wire_len, link: self.link });
        }
        Supply::Open
    }

    /// Lets go of the packet, and counts it as sent: the interface has long
    /// passed it on, and sending it again would double it.
    fn send(&mut self, parcel: Parcel<'u>) -> Result<(), Frame<'u>> {
        self.ledger.sent(parcel.frame);
        Ok(())
    }

    fn flush(&mut self, pool: &mut Pool<'u>) {
        self.ledger.flush(pool);
    }

    fn frames_held(&self) -> usize {
        self.spare.len() + self.ledger.held()
    }

    fn counters(&self) -> PortCounters {
        PortCounters { rx_dropped: self.socket.dropped(), ..self.ledger.counters }
    }
}

impl TapPort<'_> {
    /// The interface that is watched.
    pub fn interface(&self) -> &str {
        self.socket.interface()
    }

    /// What the first byte of its packets belongs to.
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// Looks whether the interface is still there.
    fn look(&mut self) {
        if !self.socket.is_attached() {
            self.presence = Presence::Gone;
            log::warn!("{} was removed", self.socket.interface());
        }
    }

    fn refused(&mut self, error: &io::Error) {
        match error.raw_os_error() {
            // Told once, when an interface goes down or goes for good.
            Some(libc::ENETDOWN | libc::ENODEV | libc::ENXIO) => {
                self.presence = Presence::Doubted;
                self.look();
                if self.presence == Presence::Doubted {
                    log::warn!("{} is down", self.socket.interface());
                }
            }
            Some(libc::EINTR) => {}
            told => {
                if self.told != told {
                    log::warn!("cannot receive from {}: {error}", self.socket.interface());
                }
                self.told = told;
            }
        }
    }
}

/// What the packets of an interface begin with, by its hardware type; `None`
/// where a packet socket gives headers that we do not decode.
fn link_of(hardware: u16) -> Option<LinkType> {
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Some(LinkType::Ethernet),
        // TUN devices, WireGuard, IPIP, SIT, raw IP of modems.
        libc::ARPHRD_NONE | libc::ARPHRD_TUNNEL | libc::ARPHRD_TUNNEL6 | libc::ARPHRD_SIT | ARPHRD_RAWIP => {
            Some(LinkType::RawIp)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_packets_begin_with() {
        assert_eq!(link_of(1), Some(LinkType::Ethernet));
        assert_eq!(link_of(772), Some(LinkType::Ethernet), "loopback");
        assert_eq!(link_of(65_534), Some(LinkType::RawIp), "tun");
        assert_eq!(link_of(802), None, "802.11 with Prism headers");
    }
}
