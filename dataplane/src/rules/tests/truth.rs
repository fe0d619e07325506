//! What conditions say about packets: every operator, and absent fields.

use super::super::fields::SCHEMA;
use super::{ARP, DNS, Facts, PING, SYN, facts, flow, holds, load};
use crate::event::EventKind;

/// Each line: a condition, and whether it holds on a SYN to port 22, on a DNS
/// query over IPv6, and on an ARP request.
#[test]
fn terms_hold_where_they_should_and_absent_ones_nowhere() {
    for (condition, [syn, dns, arp]) in [
        // Comparisons; `!=` needs its field as much as `==` does.
        ("tcp.dstport == 22", [true, false, false]),
        ("tcp.dstport != 22", [false, false, false]),
        ("tcp.dstport != 23", [true, false, false]),
        ("!(tcp.dstport == 22)", [false, true, true]),
        ("!(tcp.dstport != 22)", [true, true, true]),
        ("22 == tcp.dstport", [true, false, false]),
        ("tcp.dstport < 22 || tcp.dstport > 22", [false, false, false]),
        ("tcp.dstport <= 22 && tcp.dstport >= 22", [true, false, false]),
        ("pkt.dst.port <= 53", [true, true, false]),
        ("ip.src == ip.dst", [false, false, false]),
        ("ip.src != ip.dst", [true, true, false]),
        ("tcp.srcport != tcp.dstport", [true, false, false]),
        // Bool fields by themselves, negated, compared.
        ("tcp.flags.syn", [true, false, false]),
        ("!tcp.flags.syn", [false, true, true]),
        ("tcp.flags.ack", [false, false, false]),
        ("!tcp.flags.ack", [true, true, true]),
        ("tcp.flags.ack == false", [true, false, false]),
        ("tcp.flags.ack != true", [true, false, false]),
        ("tcp.flags.ack == tcp.flags.rst", [true, false, false]),
        ("tcp.flags.syn ^ tcp.flags.ack", [true, false, false]),
        ("(tcp.dstport == 22) == (ip.version == 4)", [true, true, true]),
        ("tcp.flags.ack == (ip.version == 6)", [true, false, false]),
        ("tcp.flags.syn & ip.df | arp.op == REQUEST", [true, false, true]),
        // Presence.
        ("has(tcp.dstport)", [true, false, false]),
        ("!has(ip.src)", [false, false, true]),
        ("has(flow.age)", [false, false, false]),
        // Names.
        ("ip.proto == TCP", [true, false, false]),
        ("ip.proto != TCP", [false, true, false]),
        ("UDP == ip.proto", [false, true, false]),
        ("ip.proto == 17", [false, true, false]),
        ("ip.proto in [UDP, 6]", [true, true, false]),
        ("eth.type == ARP", [false, false, true]),
        ("eth.type >= 0x0806", [false, true, true]),
        // Sets, ranges, networks.
        ("tcp.dstport in [80, 22]", [true, false, false]),
        ("!(tcp.dstport in [80, 443])", [true, true, true]),
        ("tcp.dstport !in [80, 443]", [true, true, true]),
        ("pkt.dst.port in 1..53", [true, false, false]),
        ("pkt.dst.port in 1..=53", [true, true, false]),
        ("pkt.dst.port in [1..5, 50..=60, 22]", [true, true, false]),
        ("pkt.dst.port in (-5..)", [true, true, false]),
        ("ip.src in net(\"192.0.2.0/24\")", [true, false, false]),
        ("ip.src in [net(\"10.0.0.0/8\"), ip(\"2001:db8::7\")]", [false, true, false]),
        ("ip.src == ip(\"192.0.2.7\")", [true, false, false]),
        ("eth.src in [mac(\"02:00:5e:10:00:01\")]", [true, true, true]),
        ("eth.dst == mac(\"ff-ff-ff-ff-ff-ff\")", [true, true, true]),
        ("[80, 22].contains(tcp.dstport)", [true, false, false]),
        // Arithmetic.
        ("ip.ttl + 1 == 65", [true, false, false]),
        ("ip.ttl - 70 < 0", [true, true, false]),
        ("-ip.ttl == -64", [true, false, false]),
        ("ip.ttl * 2 + 1 == 129", [true, false, false]),
        ("(tcp.flags & 2) == 2", [true, false, false]),
        ("(tcp.flags | 1 ^ 2) == 1", [true, false, false]),
        ("tcp.dstport << 1 == 44", [true, false, false]),
        ("ip.ttl >> 3 == 8", [true, false, false]),
        ("-ip.ttl >> 1 == -32", [true, false, false]),
        // Text.
        ("pkt.payload.contains(\"Adm\")", [true, true, false]),
        ("pkt.payload.contains(\"adm\")", [false, false, false]),
        ("pkt.payload.lower().contains(\"adm\")", [true, true, false]),
        ("pkt.payload.contains(\"\")", [true, true, false]),
        ("pkt.payload.contains(\"GET /Admin and more\")", [false, false, false]),
        ("pkt.payload.starts_with(\"GET \")", [true, true, false]),
        ("pkt.payload.starts_with(hex(\"47 45\"))", [true, true, false]),
        ("pkt.payload.ends_with(\"/Admin\")", [true, true, false]),
        ("pkt.payload.ends_with(\"xxGET /Admin\")", [false, false, false]),
        ("pkt.payload == \"GET /Admin\"", [true, true, false]),
        ("pkt.payload != \"GET /Admin\"", [false, false, false]),
        ("pkt.payload.lower() == \"get /admin\"", [true, true, false]),
        ("pkt.payload.lower() in [\"x\", \"get /admin\"]", [true, true, false]),
        ("pkt.payload in [\"x\", hex(\"00\")]", [false, false, false]),
        ("pkt.payload.len == 10 && pkt.payload.len() > 9", [true, true, false]),
        ("\"a GET /Admin b\".contains(pkt.payload)", [true, true, false]),
    ] {
        let held = [SYN, DNS, ARP].map(|packet| holds(condition, &facts(&packet)));
        assert_eq!(held, [syn, dns, arp], "{condition}");
    }
}

#[test]
fn connectives_are_ordinary_whatever_is_absent() {
    // On a ping `tcp.dstport` is absent: a term of it is false, and no more.
    let absent = "tcp.dstport == 22";
    for (left, right) in [(absent, "true"), ("true", absent), (absent, "false"), ("false", absent)] {
        let facts = facts(&PING);
        let (a, b) = (left == "true", right == "true");
        assert_eq!(holds(&format!("{left} && {right}"), &facts), a && b, "{left} && {right}");
        assert_eq!(holds(&format!("{left} || {right}"), &facts), a || b, "{left} || {right}");
        assert_eq!(holds(&format!("!({left}) && {right}"), &facts), !a && b, "!({left}) && {right}");
    }
}

#[test]
fn what_does_not_fit_into_64_bits_is_absent() {
    let facts = facts(&SYN);
    for number in
        ["9223372036854775807 + ip.ttl", "-9223372036854775807 - ip.ttl", "ip.ttl * 9223372036854775807"]
    {
        assert!(!holds(&format!("{number} > 0 || {number} <= 0"), &facts), "{number}");
        assert!(holds(&format!("!({number} > 0)"), &facts), "{number}");
    }
    assert!(holds("9223372036854775807 + ip.ttl - 64 > 0 || true", &facts));
}

#[test]
fn lengths_of_time_are_compared_as_such() {
    let facts = Facts { flow: Some(flow()), ..facts(&SYN) };
    for (condition, expected) in [
        ("flow.age > \"1m\"", true),
        ("flow.age > \"1m30s\"", false),
        ("flow.age == \"90s\"", true),
        ("flow.age - \"30s\" == \"1m\"", true),
        ("flow.age * 2 == \"3m\"", true),
        ("flow.age in [\"90s\", \"1h\"]", true),
        ("flow.state == ESTABLISHED", true),
        ("flow.state in [NEW, CLOSED]", false),
        ("flow.server.port == tcp.dstport", true),
        ("flow.proto == ip.proto", true),
    ] {
        assert_eq!(holds(condition, &facts), expected, "{condition}");
    }
}

#[test]
fn every_field_can_be_named_on_every_event_that_has_it() {
    for event in EventKind::ALL {
        for field in SCHEMA.fields().iter().filter(|field| field.events().contains(&event)) {
            load(&format!("rule \"r\" on {} when has({}) {{ log(\"x\"); }}", event.name(), field.name()));
        }
    }
}

#[test]
fn constants_variables_and_functions_of_a_file_are_known() {
    let text = "
        const ADMIN = [net(\"10.0.0.0/8\"), ip(\"192.0.2.7\")];
        const BASE = 20;
        const PORTS = [BASE + 2, 8000..=8999];
        const PROTOCOLS = [TCP, UDP];
        const LONG = \"1m\";
        let extra = [];
        for port in 1..4 { extra.push(port * 1000); }
        fn from_admin() { ip.src in global::ADMIN }
        fn to(ports) { tcp.dstport in ports }
        fn both(a, b) { a && b }
        rule \"r\" on packet when both(from_admin(), to(PORTS)) && ip.proto in PROTOCOLS
            && !to(extra) && !to([1]) && flow.age > LONG { accept(); }
        test \"kept for later\" { let x = 1; }";
    let (rules, warnings) = load(text);
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(rules.tests().iter().map(|test| test.name.as_str()).collect::<Vec<_>>(), ["kept for later"]);
    let facts = Facts { flow: Some(flow()), ..facts(&SYN) };
    let mut recorder = super::Recorder::default();
    assert!(rules.judge(EventKind::Packet, &facts, &mut recorder).verdict.is_some());
}
