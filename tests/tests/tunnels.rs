//! What travels in tunnels: it passes unchanged, and rules speak of the inner
//! packet, or of what is around it.

use std::net::{IpAddr, SocketAddr};

use tidegate_tests::bytes::SeededBytes;
use tidegate_tests::craft::tunnel::{self, ethertype_of};
use tidegate_tests::craft::{self, Segment, ethertype, flag};
use tidegate_tests::traffic::Forged;
use tidegate_tests::{Family, Lab, Side, eve};

/// The port that rules here close.
const CLOSED: u16 = 5_001;

/// Frames that carry an IP packet in each way there is, by name.
fn carried(forged: &Forged, packet: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let (src, dst) = (forged.address(Side::Client), forged.address(Side::Server));
    let at = SocketAddr::new(src, 30_000);
    let frame =
        craft::ethernet([0x02, 0, 0, 0, 0, 0x22], [0x02, 0, 0, 0, 0, 0x21], ethertype_of(packet), packet);
    let over_ip = |packet: &[u8]| Forged::framed(Side::Client, packet);
    let on_link = |kind: u16, payload: &[u8]| {
        craft::ethernet(Forged::mac(Side::Server), Forged::mac(Side::Client), kind, payload)
    };
    let tags = [(ethertype::PROVIDER_VLAN, 7), (ethertype::VLAN, 8)];
    let mut all = vec![
        ("plain", over_ip(packet)),
        ("QinQ", craft::tagged(over_ip(packet), &tags)),
        ("MPLS", on_link(ethertype::MPLS, &tunnel::mpls(&[100], packet))),
        ("MPLS, three labels", on_link(ethertype::MPLS, &tunnel::mpls(&[100, 200, 300], packet))),
        ("PPPoE", on_link(ethertype::PPPOE, &tunnel::pppoe(9, packet))),
        ("IP in IP", over_ip(&tunnel::ip_in_ip(src, dst, packet))),
        ("GRE", over_ip(&tunnel::gre(src, dst, None, packet))),
        ("GRE with a key", over_ip(&tunnel::gre(src, dst, Some(77), packet))),
        ("VXLAN", over_ip(&tunnel::vxlan(at, dst, 4_242, &frame))),
        ("GENEVE", over_ip(&tunnel::geneve(at, dst, 4_242, &frame))),
        ("GTP-U", over_ip(&tunnel::gtpu(at, dst, 99, packet))),
        ("IP in IP in GRE", over_ip(&tunnel::gre(src, dst, None, &tunnel::ip_in_ip(src, dst, packet)))),
        ("ERSPAN II", over_ip(&tunnel::erspan(src, dst, 5, &frame))),
        ("ERSPAN III", over_ip(&tunnel::erspan_3(src, dst, 5, &frame))),
    ];
    // Teredo takes IPv6 over IPv4, and nothing else.
    if src.is_ipv4() && ethertype_of(packet) == ethertype::IPV6 {
        all.push(("Teredo", over_ip(&tunnel::teredo(at, dst, packet))));
    }
    all
}

/// Addresses of the inner packets: none of the lab's, so that a rule that takes
/// the outer one for it is found out.
fn inner(family: Family, last: u8, port: u16) -> SocketAddr {
    let address: IpAddr = match family {
        Family::V4 => [192, 0, 2, last].into(),
        Family::V6 => [0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into()].into(),
    };
    SocketAddr::new(address, port)
}

fn datagram(family: Family, port: u16) -> Vec<u8> {
    craft::udp(inner(family, 1, 4_000), inner(family, 2, port), &SeededBytes::new(5).take(64))
}

fn syn(family: Family, port: u16) -> Vec<u8> {
    let part = Segment { flags: flag::SYN, seq: 1, ack: 0, payload: &[] };
    craft::tcp(inner(family, 1, 4_000), inner(family, 2, port), part)
}

/// Every way to carry every kind of packet, over both families and of both.
fn hold_for_all(lab: &Lab, port: u16, hold: impl Fn(&Forged, &str, Vec<u8>)) {
    for outer in Family::BOTH {
        let forged = lab.forged(outer, 1, 2);
        for family in Family::BOTH {
            for packet in [datagram(family, port), syn(family, port)] {
                for (name, frame) in carried(&forged, &packet) {
                    hold(&forged, &format!("{family:?} in {outer:?}: {name}"), frame);
                }
            }
        }
    }
}

#[test]
fn what_travels_in_tunnels_passes_unchanged() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    hold_for_all(&lab, 5_000, |forged, name, frame| {
        let arrived = forged.cross(Side::Client, std::slice::from_ref(&frame));
        assert_eq!(arrived, [frame], "{name}");
    });
    assert_eq!(gateway.counted("verdict.dropped"), 0);
    gateway.assert_frames_conserved();
}

#[test]
fn a_rule_on_the_port_holds_within_tunnels() {
    let Some(lab) = Lab::up() else { return };
    let rules = format!(
        "rule \"udp\" on packet when udp.dstport == {CLOSED} {{ drop(); }}\n\
         rule \"tcp\" on flow_open when flow.proto == TCP && flow.server.port == {CLOSED} {{ drop(); }}\n"
    );
    let gateway = lab.gateway().rules(&rules).start();
    hold_for_all(&lab, CLOSED, |forged, name, frame| {
        assert_eq!(forged.cross(Side::Client, &[frame]), Vec::<Vec<u8>>::new(), "{name}");
    });
    hold_for_all(&lab, 5_000, |forged, name, frame| {
        let arrived = forged.cross(Side::Client, std::slice::from_ref(&frame));
        assert_eq!(arrived, [frame], "{name}");
    });
    gateway.assert_frames_conserved();
}

#[test]
fn a_rule_on_what_is_around_holds_for_what_is_within_alone() {
    let Some(lab) = Lab::up() else { return };
    let rules = "rule \"from the tunnel\" on packet \
         when outer.dst in net(\"10.77.0.0/24\") && udp.dstport == 5001 { drop(); }\n";
    let gateway = lab.gateway().rules(rules).start();
    let forged = lab.forged(Family::V4, 1, 2);
    for (name, frame) in carried(&forged, &datagram(Family::V6, CLOSED)) {
        let arrived = forged.cross(Side::Client, std::slice::from_ref(&frame));
        // Only some of the ways have an IP header around.
        let expected = match name {
            "plain" | "QinQ" | "MPLS" | "MPLS, three labels" | "PPPoE" => vec![frame],
            _ => Vec::new(),
        };
        assert_eq!(arrived, expected, "{name}");
    }
    gateway.assert_frames_conserved();
}

#[test]
fn networks_of_one_tunnel_endpoint_are_kept_apart() {
    let Some(lab) = Lab::up() else { return };
    let mut gateway = lab.gateway().start();
    let forged = lab.forged(Family::V4, 1, 2);
    let (src, dst) = (forged.address(Side::Client), forged.address(Side::Server));
    let packet = datagram(Family::V4, 5_000);
    let frame = craft::ethernet([0x02, 0, 0, 0, 0, 0x22], [0x02, 0, 0, 0, 0, 0x21], ethertype::IPV4, &packet);
    for network in [1, 2, 2] {
        let carried = tunnel::vxlan(SocketAddr::new(src, 30_000), dst, network, &frame);
        forged.pass(Side::Client, &[Forged::framed(Side::Client, &carried)]);
    }
    assert_eq!(gateway.stop(), Some(0), "{}", gateway.stderr());
    let to = inner(Family::V4, 2, 0).ip();
    let mut packets: Vec<u64> = gateway
        .events()
        .iter()
        .filter(|event| eve::is(event, "flow") && eve::is_to(event, to, 5_000))
        .filter_map(|event| event["flow"]["pkts_toserver"].as_u64())
        .collect();
    packets.sort_unstable();
    assert_eq!(packets, [1, 2], "two networks use the same addresses: {:#?}", gateway.events());
}
