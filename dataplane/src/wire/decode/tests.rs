//! What decoding makes of packets that travel plainly, and of lies in them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::wire::Mac;
use crate::wire::craft::Craft;
use crate::wire::packet::Vlans;
use crate::wire::tcp::Flags;

const V4: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(198, 51, 100, 2));
const V6: (Ipv6Addr, Ipv6Addr) =
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2));

const LINKS: [(LinkType, u32); 6] = [
    (LinkType::Ethernet, 14),
    (LinkType::RawIp, 0),
    (LinkType::Sll, 16),
    (LinkType::Sll2, 20),
    (LinkType::Null, 4),
    (LinkType::Loop, 4),
];

fn udp4() -> Craft {
    Craft::ethernet().ipv4(V4.0, V4.1).udp(1000, 53).payload(b"payload")
}

fn tcp6() -> Craft {
    Craft::ethernet().ipv6(V6.0, V6.1).tcp(1000, 80, Flags::ACK, 1, 2).payload(b"payload")
}

fn decode_as(link: LinkType, bytes: &[u8], wire_len: usize) -> (Packet, Option<Undecodable>) {
    let (packet, undecodable) = Packet::decode(link, bytes, u32::try_from(wire_len).unwrap());
    assert!(packet.net_at <= packet.transport_at && packet.transport_at <= packet.payload_at);
    assert!((packet.payload_at + packet.payload_len) as usize <= bytes.len());
    (packet, undecodable)
}

fn decode(bytes: &[u8]) -> (Packet, Option<Undecodable>) {
    decode_as(LinkType::Ethernet, bytes, bytes.len())
}

fn sound(bytes: &[u8]) -> Packet {
    let (packet, undecodable) = decode(bytes);
    assert_eq!(undecodable, None);
    packet
}

fn refused(bytes: &[u8]) -> (Layer, Malformed) {
    let undecodable = decode(bytes).1.unwrap();
    (undecodable.layer, undecodable.malformed)
}

fn at(packet: &Packet) -> [u32; 4] {
    [packet.net_at, packet.transport_at, packet.payload_at, packet.payload_len]
}

#[test]
fn offsets_are_right_under_every_link() {
    for (link, link_len) in LINKS {
        let bytes = Craft::link(link).ipv4(V4.0, V4.1).udp(1000, 53).payload(b"payload").build();
        let (packet, undecodable) = decode_as(link, &bytes, bytes.len());
        assert_eq!(undecodable, None, "{link:?}");
        assert_eq!(at(&packet), [link_len, link_len + 20, link_len + 28, 7], "{link:?}");
        assert_eq!(packet.ports(), Some((1000, 53)), "{link:?}");

        let bytes = Craft::link(link).ipv6(V6.0, V6.1).udp(1000, 53).payload(b"payload").build();
        let (packet, undecodable) = decode_as(link, &bytes, bytes.len());
        assert_eq!(undecodable, None, "{link:?}");
        assert_eq!(at(&packet), [link_len, link_len + 40, link_len + 48, 7], "{link:?}");
        assert_eq!(packet.ip_pair(), Some((V6.0.into(), V6.1.into())), "{link:?}");
    }
}

#[test]
fn reads_addresses_and_tags_of_ethernet() {
    let bytes = udp4().tag(0x88a8, 0x6005).vlan(10).build();
    let packet = sound(&bytes);
    assert_eq!(packet.macs, Some((Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]))));
    assert_eq!(packet.vlans, Vlans { count: 2, tci: [0x6005, 10, 0] });
    assert_eq!(packet.vlan_ids().collect::<Vec<_>>(), [5, 10]);
    assert_eq!(packet.ethertype, 0x0800);
    assert_eq!(at(&packet), [22, 42, 50, 7]);
}

#[test]
fn a_fourth_tag_is_no_error_and_no_ip() {
    let packet = sound(&udp4().vlan(1).vlan(2).vlan(3).vlan(4).build());
    assert_eq!((packet.net, packet.vlans.count, packet.ethertype), (Net::None, 3, 0x8100));
    assert_eq!(packet.net_at, 26);
}

#[test]
fn what_a_place_held_before_leaves_no_trace() {
    let arp = Arp { operation: 1, sender: (Mac::default(), V4.0), target: (Mac::default(), V4.1) };
    let frames = [
        udp4().vlan(1).vlan(2).build(),
        tcp6().fragment(9, 1, false).build(),
        Craft::ethernet().arp(arp).build(),
        tcp6().build(),
        Vec::new(),
    ];
    let mut place = Packet::default();
    for before in &frames {
        for bytes in frames.iter().flat_map(|frame| [&frame[..], &frame[..frame.len() / 2]]) {
            let wire_len = u32::try_from(bytes.len()).unwrap();
            place.decode_in_place(LinkType::Ethernet, before, 0);
            let undecodable = place.decode_in_place(LinkType::Ethernet, bytes, wire_len);
            assert_eq!((place, undecodable), decode(bytes));
        }
    }
}

#[test]
fn an_802_3_frame_is_not_ip() {
    let packet = sound(&Craft::ethernet().ethertype(38).payload(&[0x42; 46]).build());
    assert_eq!((packet.net, packet.ethertype, at(&packet)), (Net::None, 38, [14, 14, 14, 46]));
}

#[test]
fn an_unknown_link_decodes_to_nothing() {
    let (packet, undecodable) = decode_as(LinkType::Other(147), &[1, 2, 3], 3);
    assert_eq!((packet.net, undecodable, at(&packet)), (Net::None, None, [0, 0, 0, 3]));
}

#[test]
fn arp_is_decoded_and_foreign_arp_is_let_be() {
    let mine = (Mac([2; 6]), V4.0);
    let arp = Arp { operation: 1, sender: mine, target: (Mac::default(), V4.1) };
    let mut bytes = Craft::ethernet().arp(arp).padded().build();
    let packet = sound(&bytes);
    assert_eq!((packet.net, at(&packet)), (Net::Arp(arp), [14, 42, 42, 0]));
    bytes[15] = 6;
    assert_eq!(sound(&bytes).net, Net::None);
    bytes[15] = 1;
    bytes[18] = 8;
    assert_eq!(refused(&bytes), (Layer::Arp, Malformed::BadLength));
}

#[test]
fn padding_is_not_payload() {
    let bytes = udp4().padded().build();
    assert_eq!((bytes.len(), at(&sound(&bytes))), (60, [14, 34, 42, 7]));
    let mut bytes = Craft::ethernet().ipv6(V6.0, V6.1).udp(1, 2).build();
    bytes.extend([0; 9]);
    assert_eq!(at(&sound(&bytes)), [14, 54, 62, 0]);
}

#[test]
fn a_udp_length_short_of_the_datagram_ends_the_payload() {
    let mut bytes = udp4().build();
    bytes[39] = 8 + 3;
    let packet = sound(&bytes);
    assert_eq!(packet.payload(&bytes), b"pay");
}

#[test]
fn a_cut_capture_decodes_as_far_as_it_goes() {
    let whole = tcp6().build();
    for len in 0..whole.len() {
        let (packet, undecodable) = decode_as(LinkType::Ethernet, &whole[..len], whole.len());
        let layer = match len {
            0..14 => Some(Layer::Ethernet),
            14..54 => Some(Layer::Ipv6),
            54..74 => Some(Layer::Tcp),
            _ => None,
        };
        let cut = layer.map(|layer| Undecodable { layer, malformed: Malformed::Cut });
        assert_eq!(undecodable, cut, "{len} bytes");
        assert_eq!(packet.is_ip(), len >= 54);
        if len >= 74 {
            assert_eq!(packet.payload_len as usize, len - 74);
        }
    }
}

#[test]
fn refuses_every_truncation_and_gives_what_came_before() {
    for whole in [udp4().build(), tcp6().build(), udp4().vlan(7).build()] {
        for len in 0..whole.len() {
            let (packet, undecodable) = decode(&whole[..len]);
            let why = undecodable.unwrap();
            let lengths = [Malformed::Truncated, Malformed::BeyondEnd];
            assert!(lengths.contains(&why.malformed), "{len} bytes: {why}");
            assert_eq!(packet.macs.is_some(), len >= 14);
            assert_eq!(packet.transport, Transport::None);
        }
    }
    let (packet, why) = decode(&udp4().build()[..40]);
    assert_eq!(packet.ip_pair(), Some((V4.0.into(), V4.1.into())));
    assert_eq!(why, Some(Undecodable { layer: Layer::Ipv4, malformed: Malformed::BeyondEnd }));
}

#[test]
fn says_which_header_lies_and_how() {
    let with = |bytes: Vec<u8>, changes: &[(usize, u8)]| {
        let mut bytes = bytes;
        for &(at, value) in changes {
            bytes[at] = value;
        }
        refused(&bytes)
    };
    let (udp, tcp) = (udp4().build(), tcp6().build());
    let echo = Craft::ethernet().ipv4(V4.0, V4.1).echo_request(1, 1).build();
    let echo6 = Craft::ethernet().ipv6(V6.0, V6.1).echo_request(1, 1).build();
    assert_eq!(with(udp.clone(), &[(14, 0x65)]), (Layer::Ipv4, Malformed::BadVersion));
    assert_eq!(with(udp.clone(), &[(14, 0x44)]), (Layer::Ipv4, Malformed::BadHeaderLength));
    assert_eq!(with(udp.clone(), &[(17, 19)]), (Layer::Ipv4, Malformed::BadLength));
    assert_eq!(with(udp.clone(), &[(17, 0)]), (Layer::Ipv4, Malformed::BadLength));
    assert_eq!(with(udp.clone(), &[(16, 9)]), (Layer::Ipv4, Malformed::BeyondEnd));
    assert_eq!(with(udp.clone(), &[(17, 27)]), (Layer::Udp, Malformed::Truncated));
    assert_eq!(with(udp.clone(), &[(39, 7)]), (Layer::Udp, Malformed::BadLength));
    assert_eq!(with(udp.clone(), &[(39, 0)]), (Layer::Udp, Malformed::BadLength));
    assert_eq!(with(udp, &[(39, 16)]), (Layer::Udp, Malformed::BeyondEnd));
    assert_eq!(with(tcp.clone(), &[(14, 0x40)]), (Layer::Ipv6, Malformed::BadVersion));
    assert_eq!(with(tcp.clone(), &[(18, 9)]), (Layer::Ipv6, Malformed::BeyondEnd));
    assert_eq!(with(tcp.clone(), &[(19, 19)]), (Layer::Tcp, Malformed::Truncated));
    assert_eq!(with(tcp.clone(), &[(66, 0x40)]), (Layer::Tcp, Malformed::BadHeaderLength));
    assert_eq!(with(tcp, &[(66, 0xf0)]), (Layer::Tcp, Malformed::BeyondEnd));
    assert_eq!(with(echo, &[(17, 27)]), (Layer::Icmp4, Malformed::Truncated));
    assert_eq!(with(echo6, &[(19, 7)]), (Layer::Icmp6, Malformed::Truncated));
    let raw = decode_as(LinkType::RawIp, &[0x50], 1).1.unwrap();
    assert_eq!((raw.layer, raw.malformed), (Layer::Raw, Malformed::BadVersion));
}

#[test]
fn a_length_of_zero_is_to_the_end_of_a_long_frame() {
    let bytes =
        Craft::ethernet().ipv4(V4.0, V4.1).tcp(1, 2, Flags::ACK, 0, 0).payload(&vec![1; 66_000]).build();
    assert_eq!(bytes[16..18], [0, 0]);
    assert_eq!(sound(&bytes).payload_len, 66_000);
    let bytes = Craft::ethernet().ipv6(V6.0, V6.1).udp(1, 2).payload(&vec![1; 66_000]).build();
    assert_eq!(bytes[18..20], [0, 0]);
    assert_eq!(sound(&bytes).payload_len, 66_000);
}

#[test]
fn walks_through_extension_headers() {
    let bytes = Craft::ethernet()
        .ipv6(V6.0, V6.1)
        .extension(ipv6::HOP_BY_HOP, &[0, 0, 1, 4, 0, 0, 0, 0])
        .extension(ipv6::ROUTING, &[0; 8])
        .extension(ipv6::DESTINATION, &[0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        .fragment(7, 0, false)
        .udp(1000, 53)
        .payload(b"payload")
        .build();
    let packet = sound(&bytes);
    assert_eq!(packet.protocol(), Some(17));
    assert_eq!(packet.ports(), Some((1000, 53)));
    assert_eq!(at(&packet), [14, 94, 102, 7]);
}

#[test]
fn a_broken_extension_header_is_named_and_stopped_at() {
    let mut bytes = Craft::ethernet()
        .ipv6(V6.0, V6.1)
        .extension(ipv6::HOP_BY_HOP, &[0, 0, 1, 4, 0, 0, 0, 0])
        .extension(ipv6::DESTINATION, &[0, 0, 1, 4, 0, 0, 0, 0])
        .udp(1, 2)
        .build();
    bytes[63] = 2;
    let (packet, undecodable) = decode(&bytes);
    let why = Undecodable { layer: Layer::Ipv6Extension, malformed: Malformed::BeyondEnd };
    assert_eq!(undecodable, Some(why));
    assert_eq!((packet.protocol(), at(&packet)), (Some(ipv6::DESTINATION), [14, 62, 62, 16]));
    let (_, undecodable) = decode_as(LinkType::Ethernet, &bytes[..70], bytes.len());
    assert_eq!(undecodable, Some(Undecodable { malformed: Malformed::Cut, ..why }));
}

#[test]
fn fragments_have_no_transport_of_their_own() {
    for (offset, more) in [(0, true), (5, false)] {
        let packet = sound(&udp4().fragment(9, offset, more).build());
        assert_eq!((packet.transport, at(&packet)), (Transport::Fragment, [14, 34, 34, 15]));
        let packet = sound(&tcp6().fragment(9, offset, more).build());
        assert_eq!((packet.transport, at(&packet)), (Transport::Fragment, [14, 62, 62, 27]));
        assert_eq!(packet.protocol(), Some(6));
    }
    assert_eq!(sound(&tcp6().fragment(9, 0, false).build()).ports(), Some((1000, 80)));
}

#[test]
fn other_protocols_are_named_and_no_next_header_is_none() {
    let packet = sound(&Craft::ethernet().ipv4(V4.0, V4.1).protocol(89).payload(b"hey").build());
    assert_eq!((packet.transport, packet.protocol(), packet.payload_len), (Transport::Other, Some(89), 3));
    let packet = sound(&Craft::ethernet().ipv6(V6.0, V6.1).protocol(103).payload(b"pim").build());
    assert_eq!((packet.transport, packet.protocol()), (Transport::Other, Some(103)));
    let packet = sound(&Craft::ethernet().ipv6(V6.0, V6.1).build());
    assert_eq!((packet.transport, packet.protocol()), (Transport::None, Some(59)));
    // Each ICMP has its own IP.
    let packet = sound(&Craft::ethernet().ipv4(V4.0, V4.1).protocol(58).payload(&[128; 8]).build());
    assert_eq!(packet.transport, Transport::Other);
}
