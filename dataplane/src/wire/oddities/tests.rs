//! Whole packets, looked at for what is odd about them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use super::*;
use crate::wire::craft::Craft;
use crate::wire::packet::{Arp, Icmp};
use crate::wire::tcp::{Flags, TcpOption};
use crate::wire::{Mac, ethernet};

const V4: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [198, 51, 100, 2]);
const V6: (u128, u128) = (0x2001_0db8 << 96 | 1, 0x2001_0db8 << 96 | 2);

/// What `find` finds.
pub(super) fn all(find: impl FnOnce(Found<'_>)) -> Vec<Anomaly> {
    let mut all = Vec::new();
    find(&mut |anomaly| all.push(anomaly));
    all
}

fn v4() -> Craft {
    Craft::ethernet().ipv4(V4.0, V4.1)
}

fn v6() -> Craft {
    Craft::ethernet().ipv6(V6.0, V6.1)
}

/// Of a packet that decodes; [`may_have`] and [`find`] agree on it.
fn of_cut(bytes: &[u8], wire_len: usize) -> Vec<Anomaly> {
    let (packet, undecodable) = Packet::decode(LinkType::Ethernet, bytes, u32::try_from(wire_len).unwrap());
    assert_eq!(undecodable, None);
    let mut all = Vec::new();
    find(LinkType::Ethernet, &packet, bytes, &mut |anomaly| all.push(anomaly));
    assert!(all.is_empty() || may_have(&packet, bytes), "passed over: {all:?}");
    all
}

fn of(craft: &Craft) -> Vec<Anomaly> {
    let bytes = craft.build();
    of_cut(&bytes, bytes.len())
}

fn is_passed_over(craft: &Craft) -> bool {
    let bytes = craft.build();
    let (packet, undecodable) =
        Packet::decode(LinkType::Ethernet, &bytes, u32::try_from(bytes.len()).unwrap());
    assert_eq!(undecodable, None);
    !may_have(&packet, &bytes)
}

fn arp(operation: u16) -> Craft {
    let (sender, target) = ((Mac([2; 6]), V4.0.into()), (Mac::default(), V4.1.into()));
    Craft::ethernet().arp(Arp { operation, sender, target }).padded()
}

#[test]
fn plain_packets_are_passed_over_and_nothing_is_odd_about_them() {
    let timestamp =
        [TcpOption::NoOperation, TcpOption::NoOperation, TcpOption::Timestamps { value: 1, echo: 2 }];
    for net in [v4(), v6(), v4().vlan(1).vlan(2), v6().vlan(1)] {
        for plain in [
            net.clone().tcp(1, 2, Flags::ACK, 0, 0).payload(b"x").padded(),
            net.clone().tcp(1, 2, Flags::ACK, 0, 0).tcp_options(&timestamp),
            net.clone().udp(1, 2).payload(b"payload").padded(),
            net.clone().echo_request(1, 2),
            net.clone().echo_reply(1, 2),
        ] {
            assert!(is_passed_over(&plain), "{plain:?}");
            assert_eq!(of(&plain), []);
        }
    }
    assert!(is_passed_over(&arp(arp::REQUEST)) && is_passed_over(&arp(arp::REPLY)));
    assert!(is_passed_over(&v4().fragment(1, 2, true).udp(1, 2)));
}

#[test]
fn what_is_looked_at_is_not_odd_for_that() {
    let options = [
        TcpOption::MaximumSegmentSize(1460),
        TcpOption::SackPermitted,
        TcpOption::Timestamps { value: 1, echo: 0 },
        TcpOption::NoOperation,
        TcpOption::WindowScale(7),
    ];
    for net in [v4(), v6()] {
        assert_eq!(of(&net.clone().tcp(1, 2, Flags::SYN, 0, 0).tcp_options(&options)), []);
    }
    assert_eq!(of(&v4().ip_options(&[148, 4, 0, 0, 1, 1, 1, 0]).udp(1, 2)), []);
    assert_eq!(of(&v6().extension(ipv6::HOP_BY_HOP, &[0, 0, 5, 2, 0, 0, 0, 0]).udp(1, 2)), []);
    assert_eq!(of(&Craft::ethernet().ethertype(38).payload(&[0x42; 46])), [], "a spanning tree");
    assert_eq!(of(&v6()), [], "no next header, and nothing after it");
}

#[test]
fn each_layer_is_looked_at() {
    for (craft, anomaly) in [
        (v4().ip_options(&[99, 4, 0, 0, 0, 0, 0, 0]).udp(1, 2), Anomaly::Ipv4OptInvalid),
        (v4().protocol(58).payload(&[128; 8]), Anomaly::Ipv4Icmpv6),
        (v4().protocol(253), Anomaly::Ipv4UnknownProtocol),
        (v4().protocol(2).payload(&[0x16]), Anomaly::IgmpPktTooSmall),
        (v4().icmp(Icmp { kind: 44, code: 0, id: 0, seq: 0 }), Anomaly::Icmpv4UnknownType),
        (v4().icmp(Icmp { kind: 8, code: 3, id: 0, seq: 0 }), Anomaly::Icmpv4UnknownCode),
        (v6().icmp(Icmp { kind: 5, code: 0, id: 0, seq: 0 }), Anomaly::Icmpv6UnassignedType),
        (v6().icmp(Icmp { kind: 131, code: 0, id: 0, seq: 0 }), Anomaly::Icmpv6MldMessageWithInvalidHl),
        (v6().fragment(7, 0, false).udp(1, 2), Anomaly::Ipv6ExthdrUselessFh),
        (v6().protocol(1).payload(&[8; 8]), Anomaly::Ipv6Icmpv4),
        (v6().protocol(253).payload(&[8; 8]), Anomaly::Ipv6UnknownNextHeader),
        (v6().payload(b"data"), Anomaly::Ipv6DataAfterNoneHeader),
        (arp(9), Anomaly::ArpUnsupportedOpcode),
        (Craft::ethernet().ethertype(0xfbb7).payload(&[0; 46]), Anomaly::EthernetUnknownEthertype),
        (v4().vlan(1).vlan(2).vlan(3).vlan(4).udp(1, 2), Anomaly::VlanTooManyLayers),
    ] {
        assert_eq!(of(&craft), [anomaly], "{craft:?}");
    }
    let scale = [TcpOption::WindowScale(7), TcpOption::WindowScale(7)];
    assert_eq!(of(&v4().tcp(1, 2, Flags::SYN, 0, 0).tcp_options(&scale)), [Anomaly::TcpOptDuplicate]);
}

#[test]
fn bytes_hidden_behind_a_datagram_are_told() {
    for (craft, len_at) in [(v4(), 39), (v6(), 59)] {
        let mut bytes = craft.udp(1, 2).payload(b"payload").build();
        bytes[len_at - 1] = 0;
        bytes[len_at] = 8 + 3;
        assert_eq!(of_cut(&bytes, bytes.len()), [Anomaly::UdpHlenInvalid]);
    }
}

#[test]
fn a_thing_is_told_once_however_often_it_is_there() {
    let unknown = [0, 6].into_iter().chain([0x1e, 0].into_iter().cycle().take(54)).collect::<Vec<u8>>();
    let craft = v6().extension(ipv6::HOP_BY_HOP, &unknown).udp(1, 2);
    assert_eq!(of(&craft), [Anomaly::Ipv6HopoptsUnknownOpt]);
}

#[test]
fn a_cut_capture_is_nobodys_fault() {
    for craft in [
        v4().icmp(Icmp { kind: 3, code: 1, id: 0, seq: 0 }).payload(&[0x45; 28]),
        v6().icmp(Icmp { kind: 1, code: 1, id: 0, seq: 0 }).payload(&[0x60; 48]),
        v4().udp(1, 2).payload(&[7; 28]),
    ] {
        let bytes = craft.build();
        for len in bytes.len() - 28..bytes.len() {
            assert_eq!(of_cut(&bytes[..len], bytes.len()), []);
        }
    }
}

#[test]
fn any_bytes_at_all_are_looked_at_without_a_panic() {
    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;
    let whole = prop_oneof![
        Just(
            v4().ip_options(&[131, 7, 4, 1, 2, 3, 4, 0])
                .tcp(1, 2, Flags::SYN, 0, 0)
                .payload(&[5; 30])
                .build()
        ),
        Just(v6().extension(ipv6::HOP_BY_HOP, &[0, 0, 5, 2, 0, 0, 1, 0]).echo_request(1, 2).build()),
        Just(v4().udp(1, 4789).payload(&[8, 0, 0, 0, 0, 0, 1, 0, 2, 2, 2, 2, 2, 2, 2, 2]).build()),
        Just(v4().protocol(47).payload(&[0x20, 1, 0x88, 0x0b, 0, 0, 0, 0]).build()),
        Just(Craft::ethernet().ethertype(ethernet::MPLS).payload(&[0, 1, 0x01, 9, 0x45, 0, 0, 0]).build()),
    ];
    let links = proptest::sample::select(LinkType::DECODED.to_vec());
    let changes = proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6);
    TestRunner::default()
        .run(&(whole, links, changes, any::<proptest::sample::Index>()), |(mut bytes, link, changes, cut)| {
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            let bytes = &bytes[..cut.index(bytes.len() + 1)];
            let (packet, undecodable) = Packet::decode(link, bytes, 0);
            find(link, &packet, bytes, &mut |_| {});
            undecodable.map(|why| of_undecodable(link, why, &packet, bytes));
            Ok(())
        })
        .unwrap();
}
