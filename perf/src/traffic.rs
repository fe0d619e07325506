//! The packets that are measured with.

use std::net::{Ipv4Addr, Ipv6Addr};

use tidegate::wire::craft::Craft;
use tidegate::wire::tcp::Flags;

/// Minimal UDP packets of so many flows: 60 bytes, 64 with the checksum that a
/// network card adds.
pub(crate) fn udp(flows: u32) -> Vec<Vec<u8>> {
    let packet = |flow: u32| {
        let (client, server) = addresses(flow);
        Craft::ethernet().ipv4(client, server).udp(port(flow), 53).payload(&[0; 18]).build()
    };
    (0..flows).map(packet).collect()
}

/// The same with a VLAN tag.
pub(crate) fn udp_vlan(flows: u32) -> Vec<Vec<u8>> {
    let packet = |flow: u32| {
        let (client, server) = addresses(flow);
        Craft::ethernet().vlan(10).ipv4(client, server).udp(port(flow), 53).payload(&[0; 18]).build()
    };
    (0..flows).map(packet).collect()
}

/// The same over IPv6.
pub(crate) fn udp_v6(flows: u32) -> Vec<Vec<u8>> {
    let address = |host: u32| Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(host));
    let packet = |flow: u32| {
        Craft::ethernet()
            .ipv6(address(flow), address(0xffff_0000))
            .udp(port(flow), 53)
            .payload(&[0; 18])
            .build()
    };
    (0..flows).map(packet).collect()
}

/// Full-sized segments of established connections.
pub(crate) fn tcp(flows: u32) -> Vec<Vec<u8>> {
    let packet = |flow: u32| {
        let (client, server) = addresses(flow);
        Craft::ethernet()
            .ipv4(client, server)
            .tcp(port(flow), 443, Flags::ACK, 1, 1)
            .payload(&[0x55; 1400])
            .build()
    };
    (0..flows).map(packet).collect()
}

fn addresses(flow: u32) -> (Ipv4Addr, Ipv4Addr) {
    (Ipv4Addr::from(0x0a00_0000 + flow), Ipv4Addr::new(192, 0, 2, 1))
}

fn port(flow: u32) -> u16 {
    u16::try_from(1024 + flow % 60_000).unwrap_or(1024)
}
