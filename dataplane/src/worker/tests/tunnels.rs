//! Tunnels and quotes through a worker: whose flow a packet is.

use super::*;
use crate::flow::FlowRecord;

/// What carries, from gateway to gateway.
const WEST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const EAST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

fn flows(worker: &Tested<'_>) -> Vec<FlowRecord> {
    let mut flows = worker.flows.reader().records(99, |_| true);
    flows.sort_by_key(|flow| flow.id);
    flows
}

/// From client to server, in the VXLAN network `vni`.
fn vxlan(vni: u32, port: u16) -> Vec<u8> {
    let carrier = Craft::ethernet().ipv4(WEST, EAST).udp(50_000, 4789);
    carrier.vxlan(vni).ipv4(CLIENT, SERVER).udp(40_000, port).payload(b"inner").build()
}

fn unreachable(quoted: &[u8]) -> Vec<u8> {
    let (packet, _) = crate::wire::Packet::decode(LinkType::Ethernet, quoted, 0);
    let mut error = vec![0; 1500];
    let len = crate::wire::reject::icmp_unreachable(&packet, quoted, &mut error).expect("an answer");
    error.truncate(len);
    error
}

#[test]
fn a_tunnel_over_udp_and_what_is_in_it_are_two_flows_and_the_inner_knows_its_outer() {
    let mut umem = umem();
    let (mut worker, _) = alone(&mut umem, "");
    worker.feed(0, &[vxlan(7, 53), vxlan(7, 53), vxlan(8, 53)]);
    let [outer, seven, eight] = &flows(&worker)[..] else { panic!("{:?}", flows(&worker)) };
    assert_eq!((outer.tuple.client, outer.tuple.server_port, outer.packets), (WEST.into(), 4789, [3, 0]));
    for (flow, packets, network) in [(seven, 2, 7), (eight, 1, 8)] {
        assert_eq!((flow.tuple.client, flow.tuple.server_port), (CLIENT.into(), 53));
        assert_eq!(flow.packets, [packets, 0]);
        assert_eq!(flow.within.map(|within| (within.network, within.depth)), Some((network, 1)));
    }
    worker.end_all_flows();
    let parents: Vec<_> = worker
        .sink
        .0
        .iter()
        .filter_map(|event| {
            if let Event::Flow(end) = event { Some(end.outer.map(|outer| outer.parent)) } else { None }
        })
        .collect();
    assert_eq!(parents, [None, Some(Some(outer.id)), Some(Some(outer.id))]);
}

#[test]
fn ip_in_ip_is_a_flow_beside_the_one_in_it_and_gre_is_none() {
    let mut umem = umem();
    let (mut worker, _) = alone(&mut umem, "");
    let inner = |carrier: Craft| carrier.ipv4(CLIENT, SERVER).udp(40_000, 53).payload(b"inner").build();
    let carrier = || Craft::ethernet().ipv4(WEST, EAST);
    worker.feed(0, &[inner(carrier()), inner(carrier()), inner(carrier().gre(None))]);
    let protocols: Vec<_> = flows(&worker)
        .iter()
        .map(|flow| (flow.tuple.protocol, flow.packets, flow.within.is_some()))
        .collect();
    assert_eq!(protocols, [(4, [2, 0], false), (17, [3, 0], true)]);
}

#[test]
fn rules_judge_the_inner_packet_and_flows_of_both() {
    let mut umem = umem();
    let inner = "rule \"no dns\" on flow_open when flow.server.port == 53 { drop(); }";
    let (mut worker, _) = alone(&mut umem, inner);
    worker.feed(0, &[vxlan(7, 53), vxlan(7, 54)]);
    assert_eq!(worker.left(1), [vxlan(7, 54)]);
    let mut umem = self::umem();
    let outer = "rule \"no vxlan\" on flow_open when flow.server.port == 4789 { drop(); }";
    let (mut worker, _) = alone(&mut umem, outer);
    worker.feed(0, &[vxlan(7, 53), udp(53)]);
    assert_eq!(worker.left(1), [udp(53)]);
    assert_eq!(worker.frames(), CHUNKS as usize);
}

#[test]
fn an_icmp_error_goes_the_way_of_the_flow_that_it_quotes() {
    let mut umem = umem();
    let rule =
        "rule \"errors of dns\" on packet when flow.server.port == 53 && icmp.type == 3 { alert(\"e\"); }";
    let (mut worker, shared) = alone(&mut umem, rule);
    worker.feed(0, &[udp(53)]);
    let error = unreachable(&udp(53));
    worker.feed(1, std::slice::from_ref(&error));
    assert_eq!(worker.left(0), [error]);
    assert_eq!(worker.told(is_alert), 1);
    assert_eq!(shared.block(0).counters.read(Counter::Related), 1);
    // One that quotes nothing we know is a flow of its own.
    worker.feed(1, &[unreachable(&udp(99))]);
    assert_eq!(flows(&worker).len(), 2);
}

#[test]
fn an_icmp_error_about_a_dropped_flow_is_dropped() {
    let mut umem = umem();
    let (mut worker, _) =
        alone(&mut umem, "rule \"no dns\" on flow_open when flow.server.port == 53 { drop(); }");
    worker.feed(0, &[udp(53)]);
    worker.feed(1, &[unreachable(&udp(53))]);
    assert_eq!(worker.left(0), [[0; 0]; 0]);
    assert_eq!(worker.frames(), CHUNKS as usize);
}
