//! What decoding makes of packets that travel in something: every link, every
//! header before the network header, every tunnel, and each in each.

use proptest::prelude::*;

use super::*;
use crate::wire::checksum::{Checksum, Checksums};
use crate::wire::craft::Craft;
use crate::wire::tunnel::{DEPTH_MAX, Tunnel};
use crate::wire::{Mac, esp, sctp};

const V4: ([u8; 4], [u8; 4]) = ([192, 0, 2, 1], [198, 51, 100, 2]);
const V6: (u128, u128) = (0x2001_0db8 << 96 | 1, 0x2001_0db8 << 96 | 2);

/// A header before the network header, and how long it is.
type Shim = (&'static str, fn(Craft) -> Craft);

/// A tunnel: how it is crafted after an IP header, and what it is.
type Way = (&'static str, fn(Craft) -> Craft, Tunnel);

/// What may stand anywhere before a network header.
const SHIMS: [Shim; 13] = [
    ("802.1Q", |craft| craft.vlan(10)),
    ("802.1ad", |craft| craft.tag(0x88a8, 10)),
    ("0x9100", |craft| craft.tag(0x9100, 10)),
    ("0x9200", |craft| craft.tag(0x9200, 10)),
    ("PBB", |craft| craft.pbb(77)),
    ("VN-Tag", Craft::vn_tag),
    ("E-Tag", Craft::e_tag),
    ("MACsec", Craft::macsec),
    ("FabricPath", Craft::fabric_path),
    ("MetaData", |craft| craft.metadata(5)),
    ("MPLS pseudowire", |craft| craft.mpls([16, 17, 18]).pseudowire(false)),
    ("MPLS pseudowire with control word", |craft| craft.mpls([16]).pseudowire(true)),
    ("SNAP", Craft::snap),
];

/// What only a network header follows.
const LAST_SHIMS: [Shim; 3] = [
    ("MPLS", |craft| craft.mpls([100, 200])),
    ("PPPoE", |craft| craft.pppoe(9)),
    ("NSH", |craft| craft.nsh(3)),
];

const WAYS: [Way; 26] = [
    ("IP", |craft| craft, Tunnel::Ip),
    ("GRE", |craft| craft.gre(None), Tunnel::Gre),
    ("GRE with key", |craft| craft.gre(7), Tunnel::Gre),
    ("GRE with Ethernet", |craft| craft.gre_ethernet(7), Tunnel::Gre),
    ("GRE with MPLS", |craft| craft.gre(None).mpls([16]), Tunnel::Gre),
    ("GRE with VLAN", |craft| craft.gre(None).vlan(3), Tunnel::Gre),
    ("GRE in UDP", |craft| craft.udp(50_000, tunnel::GRE_PORT).gre(None), Tunnel::Gre),
    ("PPTP", |craft| craft.pptp(9), Tunnel::Gre),
    ("ERSPAN I", |craft| craft.erspan(1, 9), Tunnel::Erspan),
    ("ERSPAN II", |craft| craft.erspan(2, 9), Tunnel::Erspan),
    ("ERSPAN III", |craft| craft.erspan(3, 9), Tunnel::Erspan),
    ("VXLAN", |craft| craft.vxlan(5), Tunnel::Vxlan),
    ("VXLAN of Linux", |craft| craft.udp(50_000, tunnel::VXLAN_LINUX_PORT).vxlan(5), Tunnel::Vxlan),
    ("VXLAN-GPE", |craft| craft.vxlan_gpe(5), Tunnel::Vxlan),
    (
        "VXLAN-GPE to the other port",
        |craft| craft.udp(50_000, tunnel::VXLAN_PORT).vxlan_gpe(5),
        Tunnel::Vxlan,
    ),
    ("VXLAN-GPE with NSH", |craft| craft.vxlan_gpe(5).nsh(1), Tunnel::Vxlan),
    ("GENEVE", |craft| craft.geneve(5), Tunnel::Geneve),
    ("GENEVE with IP", |craft| craft.geneve_ip(5), Tunnel::Geneve),
    ("GTP-U", |craft| craft.gtp(9), Tunnel::GtpU),
    ("L2TP", |craft| craft.l2tp(9), Tunnel::L2tp),
    ("CAPWAP", Craft::capwap, Tunnel::Capwap),
    ("CAPWAP with 802.11", Craft::capwap_80211, Tunnel::Capwap),
    ("AYIYA", Craft::ayiya, Tunnel::Ayiya),
    ("MPLS in IP", |craft| craft.mpls_tunnel([16]), Tunnel::Mpls),
    ("MPLS in UDP", |craft| craft.udp(50_000, tunnel::MPLS_PORT).mpls_tunnel([16]), Tunnel::Mpls),
    ("EtherIP", Craft::ether_ip, Tunnel::Ethernet),
];

/// Ways that only IPv6 goes.
const WAYS_OF_V6: [Way; 2] = [
    ("Teredo", Craft::teredo, Tunnel::Teredo),
    ("Teredo, indicated", Craft::teredo_indicated, Tunnel::Teredo),
];

fn all_ways() -> impl Iterator<Item = Way> {
    WAYS.into_iter().chain(WAYS_OF_V6)
}

fn is_over_udp(way: &Way) -> bool {
    let craft = way.1(Craft::raw().ipv6(V6.0, V6.1)).ipv6(V6.0, V6.1).udp(1, 2);
    craft.build()[6] == ipv4::UDP
}

fn carrier() -> Craft {
    Craft::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2])
}

fn question(craft: Craft) -> Craft {
    craft.udp(1000, 53).payload(b"payload")
}

fn decode_as(link: LinkType, bytes: &[u8], wire_len: usize) -> (Packet, Option<Undecodable>) {
    let (packet, undecodable) = Packet::decode(link, bytes, u32::try_from(wire_len).unwrap());
    assert!(packet.net_at <= packet.transport_at && packet.transport_at <= packet.payload_at);
    assert!((packet.payload_at + packet.payload_len) as usize <= bytes.len());
    assert!(
        packet.transport == Transport::None || undecodable.is_none(),
        "{undecodable:?} after a transport"
    );
    (packet, undecodable)
}

#[track_caller]
fn sound_on(link: LinkType, bytes: &[u8], what: &str) -> Packet {
    let (packet, undecodable) = decode_as(link, bytes, bytes.len());
    assert_eq!(undecodable, None, "{what}");
    packet
}

#[track_caller]
fn sound(bytes: &[u8], what: &str) -> Packet {
    sound_on(LinkType::Ethernet, bytes, what)
}

#[track_caller]
fn is_the_question(packet: &Packet, bytes: &[u8], what: &str) {
    assert_eq!(packet.ports(), Some((1000, 53)), "{what}");
    assert_eq!(packet.payload(bytes), b"payload", "{what}");
    let checksums = packet.checksums(bytes);
    assert_eq!(checksums.transport, Checksum::Ok, "{what}");
    assert_ne!(checksums.ip, Checksum::Bad, "{what}");
}

fn kinds(packet: &Packet) -> Vec<Tunnel> {
    packet.tunnels.kinds().collect()
}

#[test]
fn every_link_is_followed_to_its_packet() {
    for link in LinkType::DECODED {
        for craft in [Craft::link(link).ipv4(V4.0, V4.1), Craft::link(link).ipv6(V6.0, V6.1)] {
            let bytes = question(craft).build();
            let packet = sound_on(link, &bytes, &format!("{link:?}"));
            is_the_question(&packet, &bytes, &format!("{link:?}"));
            assert_eq!(packet.tunnels, Tunnels::NONE);
            for len in 0..bytes.len() {
                let (cut, undecodable) = decode_as(link, &bytes[..len], bytes.len());
                let payload_cut = cut.ports().is_some() && undecodable.is_none();
                let said = undecodable.is_some_and(|why| why.malformed == Malformed::Cut);
                // An attribute that was cut off may have been the packet; and what
                // may be anybody's need not have been PKTAP.
                let silent = link == LinkType::Nflog && len == 4 || link == LinkType::User2 && len < 108;
                assert!(payload_cut || said || silent, "{link:?}, {len} bytes");
            }
        }
    }
}

#[test]
fn every_shim_is_followed_to_its_packet_and_each_within_each() {
    let none: Shim = ("nothing", |craft| craft);
    for first in SHIMS.iter().chain([&none]) {
        for second in SHIMS.iter().chain(&LAST_SHIMS).chain([&none]) {
            for net in [|craft: Craft| craft.ipv4(V4.0, V4.1), |craft: Craft| craft.ipv6(V6.0, V6.1)] {
                let what = format!("{} then {}", first.0, second.0);
                // A length announces nothing but LLC.
                if (first.0, second.0) == ("SNAP", "SNAP") {
                    continue;
                }
                let bytes = question(net(second.1(first.1(Craft::ethernet())))).build();
                is_the_question(&sound(&bytes, &what), &bytes, &what);
                for len in 14..bytes.len() - 7 {
                    assert_eq!(
                        decode_as(LinkType::Ethernet, &bytes[..len], len).0.ports(),
                        None,
                        "{what}, {len}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_tunnel_is_looked_into_and_each_within_each() {
    for first in all_ways() {
        for second in all_ways() {
            let what = format!("{} around {}", first.0, second.0);
            let middle = first.1(carrier().vlan(9)).ipv6(V6.0, V6.1);
            let bytes = question(second.1(middle).ipv6(V6.1, V6.0)).build();
            let packet = sound(&bytes, &what);
            is_the_question(&packet, &bytes, &what);
            assert_eq!(kinds(&packet), [first.2, second.2], "{what}");
            assert_eq!(packet.tunnels.network(), if second.2.has_network() { 5 } else { 0 }, "{what}");
            assert_eq!(
                packet.ip_pair(),
                Some((V6.1.to_be_bytes().into(), V6.0.to_be_bytes().into())),
                "{what}"
            );

            let wire_len = u32::try_from(bytes.len()).unwrap();
            let outer = |index| packet.outer(LinkType::Ethernet, &bytes, wire_len, index);
            for (index, (way, carrier)) in [first, second].iter().zip(["10.0.0.1", "2001:db8::1"]).enumerate()
            {
                let outer = outer(index).unwrap();
                assert_eq!(outer.ip_pair().unwrap().0.to_string(), carrier, "{what}");
                assert_eq!(outer.tunnels.depth(), index, "{what}");
                assert_eq!(packet.tunnels.place(index), Some(outer.net_at as usize), "{what}");
                let transport = if is_over_udp(way) {
                    outer.ports().is_some()
                } else {
                    outer.transport == Transport::Other
                };
                assert!(transport, "{what}: {:?}", outer.transport);
                assert_eq!(outer.checksums(&bytes).ip == Checksum::Ok, index == 0, "{what}");
            }
            assert_eq!(outer(2), None);
            assert_eq!(outer(0).unwrap().vlan_ids().collect::<Vec<_>>(), [9]);
        }
    }
}

#[test]
fn ipv4_travels_in_ipv4_and_in_ipv6_in_every_tunnel() {
    for (name, way, kind) in WAYS {
        for carrier in [carrier(), Craft::ethernet().ipv6(V6.0, V6.1)] {
            let bytes = question(way(carrier).ipv4(V4.0, V4.1)).build();
            let packet = sound(&bytes, name);
            is_the_question(&packet, &bytes, name);
            assert_eq!((kinds(&packet), packet.is_ip()), (vec![kind], true), "{name}");
        }
    }
}

#[test]
fn a_truncated_tunnel_is_malformed_over_ip_and_plain_over_udp() {
    for way in all_ways() {
        let bytes = question(way.1(carrier()).ipv6(V6.0, V6.1)).build();
        for len in 34..bytes.len() {
            // The carrying headers say the truth about what is left.
            let mut bytes = bytes[..len].to_vec();
            bytes[16..18].copy_from_slice(&u16::try_from(len - 14).unwrap().to_be_bytes());
            if is_over_udp(&way) && len >= 42 {
                bytes[38..40].copy_from_slice(&u16::try_from(len - 34).unwrap().to_be_bytes());
            }
            let (packet, undecodable) = decode_as(LinkType::Ethernet, &bytes, len);
            let inner = packet.tunnels.depth() == 1;
            if is_over_udp(&way) && len >= 42 {
                // The inner header's own length says that it is not all there.
                assert!(
                    !inner && undecodable.is_none() && packet.ports().is_some(),
                    "{}, {len} bytes",
                    way.0
                );
                assert_eq!(packet.payload_len as usize, len - 42);
            } else {
                assert!(undecodable.is_some(), "{}, {len} bytes", way.0);
            }
        }
    }
}

#[test]
fn a_cut_tunnel_says_that_it_was_cut() {
    for way in all_ways().filter(|way| !is_over_udp(way)) {
        let bytes = question(way.1(carrier()).ipv6(V6.0, V6.1)).build();
        for len in 34..bytes.len() - 15 {
            let (_, undecodable) = decode_as(LinkType::Ethernet, &bytes[..len], bytes.len());
            assert_eq!(undecodable.map(|why| why.malformed), Some(Malformed::Cut), "{}, {len} bytes", way.0);
        }
    }
}

#[test]
fn deeper_than_the_limit_is_too_deep() {
    let nested = |depth| {
        let craft =
            (0..depth).fold(Craft::raw().ipv4(V4.0, V4.1), |craft, _| craft.vxlan(1).ipv4(V4.0, V4.1));
        question(craft).build()
    };
    let deepest = nested(DEPTH_MAX);
    assert_eq!(sound_on(LinkType::RawIp, &deepest, "as deep as can be").tunnels.depth(), DEPTH_MAX);
    let too_deep = Undecodable { layer: Layer::Tunnel, malformed: Malformed::TooDeep };
    let bytes = nested(DEPTH_MAX + 1);
    let (packet, undecodable) = decode_as(LinkType::RawIp, &bytes, bytes.len());
    assert_eq!((undecodable, packet.tunnels.depth()), (Some(too_deep), DEPTH_MAX));
    let in_ip = (0..=DEPTH_MAX).fold(Craft::raw(), |craft, _| craft.ipv6(V6.0, V6.1)).ipv4(V4.0, V4.1);
    let bytes = question(in_ip).build();
    assert_eq!(decode_as(LinkType::RawIp, &bytes, bytes.len()).1, Some(too_deep));

    let labels = question(Craft::ethernet().mpls(20..60).ipv4(V4.0, V4.1)).build();
    let why = decode_as(LinkType::Ethernet, &labels, labels.len()).1.unwrap();
    assert_eq!((why.layer, why.malformed), (Layer::Mpls, Malformed::TooDeep));
    let tags = (0..20).fold(Craft::ethernet(), |craft, _| craft.vn_tag());
    let bytes = question(tags.ipv4(V4.0, V4.1)).build();
    assert_eq!(decode_as(LinkType::Ethernet, &bytes, bytes.len()).1, Some(too_deep));
}

#[test]
fn what_is_no_tunnel_stays_the_packet_that_it_is() {
    let as_it_is = |craft: Craft| {
        let bytes = craft.build();
        let packet = sound(&bytes, "no tunnel");
        assert_eq!(packet.tunnels, Tunnels::NONE, "{craft:?}");
        (packet, bytes)
    };
    for port in 0..=u16::MAX {
        let (packet, bytes) = as_it_is(carrier().udp(port, 40_000).payload(&[0x60; 60]));
        assert_eq!((packet.ports(), packet.payload(&bytes)), (Some((port, 40_000)), &[0x60; 60][..]));
        as_it_is(carrier().udp(40_000, port).payload(&[0x45; 60]));
    }
    // Sound headers around what is no IP: a bridge's own traffic, an echo of
    // GTP, the negotiation of PPP, a keep-alive.
    let (packet, _) = as_it_is(carrier().vxlan(5).ethertype(0x88cc).payload(&[2; 40]));
    assert_eq!((packet.ports(), packet.ethertype), (Some((49_152, 4789)), 0x0800));
    as_it_is(carrier().udp(2152, 2152).payload(&[0x32, 1, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0]));
    let (packet, _) = as_it_is(carrier().pptp(9).ethertype(0xc021).payload(&[1, 1, 0, 4]));
    assert_eq!((packet.transport, packet.protocol()), (Transport::Other, Some(47)));
    assert_eq!((packet.payload_at, packet.payload_len), (34, 12 + 4 + 4));
    as_it_is(carrier().protocol(47).payload(&[0, 0, 0, 0]));
    as_it_is(carrier().protocol(47).payload(&[0x20, 0x01, 0x88, 0x0b, 0, 0, 0, 9]));
}

#[test]
fn a_fragment_is_not_looked_into() {
    for (name, way, _) in all_ways() {
        let bytes = question(way(carrier().fragment(7, 0, true)).ipv6(V6.0, V6.1)).build();
        let packet = sound(&bytes, name);
        assert_eq!((packet.transport, packet.tunnels), (Transport::Fragment, Tunnels::NONE), "{name}");
        // But a fragment within is seen.
        let bytes = question(way(carrier()).ipv6(V6.0, V6.1).fragment(7, 0, true)).build();
        let packet = sound(&bytes, name);
        assert_eq!((packet.transport, packet.tunnels.depth()), (Transport::Fragment, 1), "{name}");
    }
}

#[test]
fn tags_and_addresses_are_those_of_the_inner_packet_where_it_has_any() {
    let (src, dst) = (Mac([4; 6]), Mac([6; 6]));
    let ids = |packet: &Packet| packet.vlan_ids().collect::<Vec<_>>();
    let outer = || carrier().vlan(10).vlan(11);
    let bytes = question(outer().vxlan(1).macs(src, dst).ipv4(V4.0, V4.1)).build();
    let packet = sound(&bytes, "no tag of its own");
    assert_eq!((ids(&packet), packet.macs), (vec![10, 11], Some((src, dst))));
    let bytes = question(outer().vxlan(1).macs(src, dst).vlan(20).ipv4(V4.0, V4.1)).build();
    let packet = sound(&bytes, "a tag of its own");
    assert_eq!((ids(&packet), packet.macs), (vec![20], Some((src, dst))));
    let bytes = question(outer().ipv4(V4.0, V4.1)).build();
    let packet = sound(&bytes, "no link of its own");
    assert_eq!(
        (ids(&packet), packet.macs.map(|(src, _)| src)),
        (vec![10, 11], Some(Mac([2, 0, 0, 0, 0, 1])))
    );
    let customer = Craft::ethernet().vlan(10).mpls([16]).pseudowire(false).vlan(30);
    let bytes = question(customer.ipv4(V4.0, V4.1)).build();
    assert_eq!(ids(&sound(&bytes, "a customer's frame")), [30]);
}

#[test]
fn arp_and_bubbles_are_packets_within() {
    let arp = Arp { operation: 1, sender: (Mac([2; 6]), V4.0.into()), target: (Mac::default(), V4.1.into()) };
    for craft in
        [carrier().vxlan(5), carrier().geneve(5), carrier().gre_ethernet(None), carrier().erspan(2, 1)]
    {
        let bytes = craft.arp(arp).build();
        let packet = sound(&bytes, "ARP");
        assert_eq!((packet.net, packet.tunnels.depth()), (Net::Arp(arp), 1));
    }
    let bytes = carrier().teredo().ipv6(V6.0, V6.1).build();
    let packet = sound(&bytes, "a bubble");
    assert_eq!((packet.protocol(), packet.transport), (Some(ipv6::NO_NEXT_HEADER), Transport::None));
    assert_eq!(kinds(&packet), [Tunnel::Teredo]);
}

#[test]
fn both_ends_of_a_tunnel_with_one_port_are_known() {
    for (port, craft) in [
        (tunnel::TEREDO_PORT, (|craft: Craft| craft.teredo()) as fn(Craft) -> Craft),
        (tunnel::GTP_U_PORT, |craft| craft.gtp(1)),
        (tunnel::L2TP_PORT, |craft| craft.l2tp(1)),
        (tunnel::CAPWAP_PORT, Craft::capwap),
    ] {
        for (src, dst) in [(port, 50_000), (50_000, port)] {
            let bytes = question(craft(carrier().udp(src, dst)).ipv6(V6.0, V6.1)).build();
            assert_eq!(sound(&bytes, "either port").tunnels.depth(), 1, "{src} to {dst}");
        }
    }
    let bytes = question(carrier().udp(tunnel::VXLAN_PORT, 50_000).vxlan(5).ipv4(V4.0, V4.1)).build();
    assert_eq!(sound(&bytes, "VXLAN is sent to its port").tunnels, Tunnels::NONE);
}

#[test]
fn an_authentication_header_is_looked_through() {
    let header = [0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let authenticated = |craft: Craft| question(craft.extension(ipv6::AUTHENTICATION, &header)).build();
    for craft in [carrier(), Craft::ethernet().ipv6(V6.0, V6.1)] {
        let bytes = authenticated(craft);
        let packet = sound(&bytes, "authenticated");
        is_the_question(&packet, &bytes, "authenticated");
        assert_eq!(
            (packet.protocol(), packet.transport_at - packet.net_at),
            (Some(17), if bytes[12] == 8 { 44 } else { 64 })
        );
    }
    let mut bytes = authenticated(carrier());
    bytes[35] = 40;
    let (packet, undecodable) = decode_as(LinkType::Ethernet, &bytes, bytes.len());
    let why = Undecodable { layer: Layer::Authentication, malformed: Malformed::BeyondEnd };
    assert_eq!((undecodable, packet.protocol()), (Some(why), Some(ipv6::AUTHENTICATION)));
    // Over IPv4 no other extension header is.
    let bytes =
        carrier().extension(ipv6::AUTHENTICATION, &header).extension(ipv6::DESTINATION, &[0; 8]).udp(1, 2);
    assert_eq!(sound(&bytes.build(), "a foreign header").transport, Transport::Other);
}

#[test]
fn sctp_and_esp_are_transports() {
    for craft in [carrier(), Craft::ethernet().ipv6(V6.0, V6.1)] {
        let mut bytes = craft.clone().sctp(2000, 80, 0xfeed).payload(b"chunks").build();
        let packet = sound(&bytes, "SCTP");
        let header = sctp::Sctp { src_port: 2000, dst_port: 80, tag: 0xfeed };
        assert_eq!((packet.transport, packet.payload(&bytes)), (Transport::Sctp(header), &b"chunks"[..]));
        assert_eq!(packet.checksums(&bytes).transport, Checksum::Ok);
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(packet.checksums(&bytes).transport, Checksum::Bad);
        let cut = decode_as(LinkType::Ethernet, &bytes[..bytes.len() - 1], bytes.len()).0;
        assert_eq!(cut.checksums(&bytes).transport, Checksum::Unknown);

        let bytes = craft.esp(7, 8).payload(b"secret").build();
        let packet = sound(&bytes, "ESP");
        assert_eq!(
            (packet.transport, packet.payload_len),
            (Transport::Esp(esp::Esp { spi: 7, sequence: 8 }), 6)
        );
        assert!(matches!(packet.checksums(&bytes), Checksums { transport: Checksum::Absent, .. }));
    }
    for (protocol, layer) in [(sctp::PROTOCOL, Layer::Sctp), (esp::PROTOCOL, Layer::Esp)] {
        let bytes = carrier().protocol(protocol).payload(&[0; 7]).build();
        let why = decode_as(LinkType::Ethernet, &bytes, bytes.len()).1;
        assert_eq!(why, Some(Undecodable { layer, malformed: Malformed::Truncated }));
    }
}

#[test]
fn a_lying_length_within_is_named() {
    let refused = |bytes: &[u8]| {
        let (packet, undecodable) = decode_as(LinkType::Ethernet, bytes, bytes.len());
        undecodable.map(|why| (why.layer, why.malformed, packet.tunnels.depth()))
    };
    let with = |craft: Craft, at: usize, value: u8| {
        let mut bytes = craft.build();
        bytes[at] = value;
        bytes
    };
    let in_ip = question(carrier().ipv4(V4.0, V4.1));
    let beyond = Some((Layer::Ipv4, Malformed::BeyondEnd, 1));
    assert_eq!(refused(&with(in_ip.clone(), 37, 36)), beyond);
    assert_eq!(refused(&with(in_ip.clone(), 34, 0x65)), Some((Layer::Ipv4, Malformed::BadVersion, 0)));
    assert_eq!(refused(&with(in_ip, 59, 99)), Some((Layer::Udp, Malformed::BeyondEnd, 1)));
    let in_gre = question(carrier().gre(None).ipv4(V4.0, V4.1));
    assert_eq!(refused(&with(in_gre, 35, 2)), Some((Layer::Gre, Malformed::BadVersion, 0)));
    let erspan = question(carrier().erspan(2, 1).ipv4(V4.0, V4.1));
    assert_eq!(refused(&with(erspan, 42, 0x30)), Some((Layer::Erspan, Malformed::BadVersion, 0)));
    let pptp = question(carrier().pptp(1).ipv4(V4.0, V4.1));
    assert_eq!(refused(&with(pptp, 39, 99)), Some((Layer::Gre, Malformed::BeyondEnd, 0)));
    let pppoe = question(Craft::ethernet().pppoe(1).ipv4(V4.0, V4.1));
    assert_eq!(refused(&with(pppoe, 19, 99)), Some((Layer::Pppoe, Malformed::BeyondEnd, 0)));
    let snap = question(Craft::ethernet().snap().ipv4(V4.0, V4.1));
    assert_eq!(refused(&with(snap.clone(), 13, 99)), Some((Layer::Llc, Malformed::BeyondEnd, 0)));
    assert_eq!(refused(&with(snap, 13, 7)), Some((Layer::Llc, Malformed::BadLength, 0)));
    // In a datagram, that is no tunnel then; but what is wrong further in is.
    let vxlan = question(carrier().vxlan(1).ipv4(V4.0, V4.1));
    assert_eq!(refused(&with(vxlan.clone(), 67, 36)), None);
    assert_eq!(refused(&with(vxlan, 89, 99)), Some((Layer::Udp, Malformed::BeyondEnd, 1)));
    let twice = question(carrier().vxlan(1).ipv4(V4.0, V4.1).ipv4(V4.0, V4.1));
    assert_eq!(refused(&with(twice, 84, 0x25)), Some((Layer::Ipv4, Malformed::BadVersion, 1)));
}

#[test]
fn a_stack_of_labels_is_read_by_what_follows_it() {
    let labelled =
        |labels: &[u32]| question(Craft::ethernet().mpls(labels.to_vec()).ipv6(V6.0, V6.1)).build();
    is_the_question(&sound(&labelled(&[2]), "explicit null"), &labelled(&[2]), "explicit null");
    let why = decode_as(LinkType::Ethernet, &labelled(&[0]), 200).1.unwrap();
    assert_eq!((why.layer, why.malformed), (Layer::Ipv4, Malformed::BadVersion), "null of the other family");
    let channel = Craft::ethernet().mpls([13]).payload(&[0x10, 0, 0, 7, 1, 2, 3, 4]).build();
    assert_eq!(sound(&channel, "the associated channel").net, Net::None);
    // An address of a frame may begin as IP would.
    for first in [0x00, 0x40, 0x60, 0x45, 0x10, 0xf4] {
        for control_word in [false, true] {
            let craft = Craft::ethernet().macs(Mac([2; 6]), Mac([first, 1, 2, 3, 4, 5]));
            let bytes = question(craft.mpls([77]).pseudowire(control_word).ipv4(V4.0, V4.1)).build();
            is_the_question(&sound(&bytes, "a pseudowire"), &bytes, &format!("{first:#x}, {control_word}"));
        }
    }
    let nothing = Craft::ethernet().mpls([77]).build();
    let why = decode_as(LinkType::Ethernet, &nothing, nothing.len()).1.unwrap();
    assert_eq!((why.layer, why.malformed), (Layer::Mpls, Malformed::Truncated));
}

#[test]
fn what_gre_and_erspan_carry_in_their_own_way_is_found() {
    let inner = question(Craft::raw().ipv4(V4.0, V4.1)).build();
    let framed = question(Craft::ethernet().ipv4(V4.0, V4.1)).build();
    let in_80211 = question(Craft::link(LinkType::Ieee80211).ipv4(V4.0, V4.1)).build();
    let metadata = [8, 0, 1, 1, 0, 1, 0, 5];
    let erspan_of_ip = [0x20, 1, 0, 5, 0, 0, 0, 0, 0, 0, 2 << 2, 0];
    let platform = [0x20, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    for (what, header, payload) in [
        ("MetaData", [&[0, 0, 0x89, 0x09][..], &metadata].concat(), &inner),
        ("WCCP version 1", vec![0, 0, 0x88, 0x3e], &inner),
        ("WCCP version 2", vec![0, 0, 0x88, 0x3e, 0, 7, 0, 0], &inner),
        ("Aruba", vec![0, 0, 0x82, 0x00], &in_80211),
        ("ERSPAN III of IP", [&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1][..], &erspan_of_ip].concat(), &inner),
        ("ERSPAN III with more", [&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1][..], &platform].concat(), &framed),
    ] {
        let bytes = carrier().protocol(47).payload(&[&header[..], payload].concat()).build();
        is_the_question(&sound(&bytes, what), &bytes, what);
    }
    let other = [0x20, 1, 0, 5, 0, 0, 0, 0, 0, 0, 7 << 2, 0, 1, 2, 3];
    let bytes =
        carrier().protocol(47).payload(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1][..], &other].concat()).build();
    assert_eq!(sound(&bytes, "another frame type").transport, Transport::Other);
}

#[test]
fn a_switch_chips_tag_may_stand_for_a_vlan_tag() {
    let mut bytes = question(Craft::link(LinkType::Edsa).ipv4(V4.0, V4.1)).build();
    bytes[16..20].copy_from_slice(&[0xe0, 0x10, 0x40, 0x07]);
    let packet = sound_on(LinkType::Edsa, &bytes, "tagged");
    assert_eq!((packet.vlan_ids().collect::<Vec<_>>(), packet.vlans.tci[0]), (vec![7], 0x4007));
}

#[test]
fn what_a_datagram_that_is_too_long_for_its_length_carries_is_found() {
    let bytes = carrier().vxlan(5).ipv4(V4.0, V4.1).udp(1000, 53).payload(&vec![1; 70_000]).build();
    assert_eq!((&bytes[16..18], &bytes[38..40]), (&[0, 0][..], &[0, 0][..]));
    assert_eq!(sound(&bytes, "BIG TCP").payload_len, 70_000);
}

#[test]
fn reassembled_packets_have_no_outer() {
    let bytes = question(carrier().vxlan(5).ipv4(V4.0, V4.1)).build();
    let mut packet = sound(&bytes, "VXLAN");
    packet.tunnels = packet.tunnels.without_places();
    assert_eq!((packet.outer(LinkType::Ethernet, &bytes, 200, 0), packet.tunnels.network()), (None, 5));
}

/// A way, a shim or a tag, by its number; the shims go before the first IP
/// header only.
fn nested(shims: &[usize], ways: &[usize]) -> (Vec<u8>, Vec<Tunnel>) {
    let craft = shims.iter().fold(Craft::ethernet(), |craft, &shim| SHIMS[shim % 12].1(craft));
    let ways: Vec<Way> = ways.iter().filter_map(|&way| all_ways().nth(way)).collect();
    let craft = ways.iter().fold(craft.ipv6(V6.0, V6.1), |craft, way| way.1(craft).ipv6(V6.0, V6.1));
    (question(craft).build(), ways.iter().map(|way| way.2).collect())
}

proptest! {
    #[test]
    fn what_is_crafted_decodes_to_its_innermost_packet(
        shims in prop::collection::vec(0..12_usize, 0..4),
        ways in prop::collection::vec(0..28_usize, 0..=DEPTH_MAX),
    ) {
        let (bytes, expected) = nested(&shims, &ways);
        let (packet, undecodable) = decode_as(LinkType::Ethernet, &bytes, bytes.len());
        prop_assert_eq!(undecodable, None);
        prop_assert_eq!((packet.ports(), kinds(&packet)), (Some((1000, 53)), expected));
        prop_assert_eq!(packet.checksums(&bytes).transport, Checksum::Ok);
    }

    #[test]
    fn any_change_and_any_cut_is_borne(
        shims in prop::collection::vec(0..12_usize, 0..4),
        ways in prop::collection::vec(0..28_usize, 0..=DEPTH_MAX),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        len in any::<prop::sample::Index>(),
        link in 0..LinkType::DECODED.len(),
    ) {
        let (mut bytes, _) = nested(&shims, &ways);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let len = len.index(bytes.len()) + 1;
        for (bytes, wire_len) in [(&bytes[..], bytes.len()), (&bytes[..len], bytes.len()), (&bytes[..len], len)] {
            let (packet, _) = decode_as(LinkType::Ethernet, bytes, wire_len);
            for index in 0..packet.tunnels.depth() {
                let outer = packet.outer(LinkType::Ethernet, bytes, u32::try_from(wire_len).unwrap(), index).unwrap();
                prop_assert_eq!(Some(outer.net_at as usize), packet.tunnels.place(index));
            }
            decode_as(LinkType::DECODED[link], bytes, wire_len);
        }
    }
}
