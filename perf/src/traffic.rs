//! The packets that are measured with.

use std::net::{Ipv4Addr, Ipv6Addr};

use tidegate::wire::craft::{Craft, Download};
use tidegate::wire::tcp::Flags;

/// Packets without end.
pub(crate) struct Traffic {
    /// What comes first and once: handshakes.
    pub(crate) opening: Vec<Vec<u8>>,
    /// What is given in turn from then on.
    pub(crate) round: Vec<Vec<u8>>,
    /// What becomes of a packet of the round when it was given.
    pub(crate) advance: fn(&mut [u8]),
}

impl Traffic {
    /// The same packets over and over.
    fn repeated(round: impl Iterator<Item = Vec<u8>>) -> Self {
        Self { opening: Vec::new(), round: round.collect(), advance: |_| {} }
    }
}

/// Minimal UDP packets of so many flows: 60 bytes, 64 with the checksum that a
/// network card adds.
pub(crate) fn udp(flows: u32) -> Traffic {
    let packet = |flow: u32| {
        let (client, server) = addresses(flow);
        Craft::ethernet().ipv4(client, server).udp(port(flow), 53).payload(&[0; 18]).build()
    };
    Traffic::repeated((0..flows).map(packet))
}

/// The same with a VLAN tag.
pub(crate) fn udp_vlan(flows: u32) -> Traffic {
    let packet = |flow: u32| {
        let (client, server) = addresses(flow);
        Craft::ethernet().vlan(10).ipv4(client, server).udp(port(flow), 53).payload(&[0; 18]).build()
    };
    Traffic::repeated((0..flows).map(packet))
}

/// The same over IPv6.
pub(crate) fn udp_v6(flows: u32) -> Traffic {
    let address = |host: u32| Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(host));
    let packet = |flow: u32| {
        Craft::ethernet()
            .ipv6(address(flow), address(0xffff_0000))
            .udp(port(flow), 53)
            .payload(&[0; 18])
            .build()
    };
    Traffic::repeated((0..flows).map(packet))
}

/// Downloads over so many established connections, all in order: two full-sized
/// segments of each server and its client's acknowledgement, in turn.
pub(crate) fn tcp(flows: u32) -> Traffic {
    let downloads = || {
        (0..flows).map(|flow| {
            let (client, server) = addresses(flow);
            Download::new((client, port(flow)), (server, 443))
        })
    };
    Traffic {
        opening: downloads().flat_map(|download| download.opening()).collect(),
        round: downloads().flat_map(|download| download.round()).collect(),
        advance: Download::advance,
    }
}

/// Full-sized segments that are sent again and again: each raises an anomaly.
pub(crate) fn tcp_repeated(flows: u32) -> Traffic {
    let packet = |flow: u32| {
        let (client, server) = addresses(flow);
        Craft::ethernet()
            .ipv4(client, server)
            .tcp(port(flow), 443, Flags::ACK, 1, 1)
            .payload(&[0x55; 1400])
            .build()
    };
    Traffic::repeated((0..flows).map(packet))
}

fn addresses(flow: u32) -> (Ipv4Addr, Ipv4Addr) {
    (Ipv4Addr::from(0x0a00_0000 + flow), Ipv4Addr::new(192, 0, 2, 1))
}

fn port(flow: u32) -> u16 {
    u16::try_from(1024 + flow % 60_000).unwrap_or(1024)
}
