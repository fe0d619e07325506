//! What rules do to real connections.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tidegate_tests::craft::{self, Segment, flag};
use tidegate_tests::gateway::reject_udp_port;
use tidegate_tests::traffic::{Answer, Way};
use tidegate_tests::{Family, Lab, RawSocket, Side, eve};

const SOON: Duration = Duration::from_secs(10);

/// Shorter than the first retransmission of a SYN (1 s, RFC 6298): who has an
/// answer within it got it for the first packet.
const AT_ONCE: Duration = Duration::from_millis(900);

const DROP_SSH: &str = "rule \"no ssh\" on flow_open \
    when flow.proto == TCP && flow.server.port == 22 { drop(); }\n";

const REJECT_SSH: &str = "rule \"no ssh\" #{ id: 4711 } on flow_open \
    when flow.proto == TCP && flow.server.port == 22 { alert(\"ssh refused\"); reject(); }\n";

#[test]
fn a_drop_rule_stops_one_port_and_nothing_else() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().rules(DROP_SSH).start();
    for family in Family::BOTH {
        let at_server = RawSocket::open(lab.server(), "s0");
        let at_client = RawSocket::open(lab.client(), "c0");
        let ssh = lab.listen(family, 22);
        let closed = lab.open(family, 22, Duration::from_millis(300)).unwrap_err();
        assert_eq!(closed.kind(), ErrorKind::TimedOut);

        // Packets keep their order, so after this one none of the others can come.
        let last = |side: Side| craft::ethernet(side.other().mac(), side.mac(), 0x88b5, &[7; 46]);
        let is_tcp_22 = |frame: &[u8]| tcp_ports(frame).is_some_and(|(src, dst)| src == 22 || dst == 22);
        RawSocket::open(lab.client(), "c0").send(&last(Side::Client));
        let passed = at_server.receive_until(&last(Side::Client), SOON, is_tcp_22);
        assert_eq!(passed, Vec::<Vec<u8>>::new(), "a dropped connection reached the server");
        RawSocket::open(lab.server(), "s0").send(&last(Side::Server));
        let answered = at_client.receive_until(&last(Side::Server), SOON, is_tcp_22);
        assert_eq!(answered, Vec::<Vec<u8>>::new(), "a dropped connection was answered");

        for port in [21, 23, 80, 2_222] {
            drop(lab.connect(family, port));
        }
        // Port 22 of the client is not port 22 of the server, and UDP is not TCP.
        let syn = Segment { flags: flag::SYN, seq: 1, ack: 0, payload: &[] };
        let syn = craft::tcp(Side::Client.at(family, 22), Side::Server.at(family, 8_080), syn);
        let syn = craft::from_side(Side::Client, &syn);
        RawSocket::open(lab.client(), "c0").send(&syn);
        at_server.receive_until(&syn, SOON, |_| false);
        drop(ssh);
        let _echo = lab.echo(Side::Server, family, 22);
        assert_eq!(lab.ask(Side::Client, family, 22, SOON), Answer::Echoed);
        lab.ping(Side::Client, family, 56).unwrap();
        lab.transfer(family, Way::Down, 1 << 20);

        let server = Side::Server.address(family);
        gateway.wait_for_event("the drop", |event| eve::is(event, "drop") && eve::is_to(event, server, 22));
    }
    let dropped: BTreeSet<String> = gateway
        .events()
        .iter()
        .filter(|event| eve::is(event, "drop"))
        .map(|event| format!("{} {}", event["proto"], event["dest_port"]))
        .collect();
    assert_eq!(dropped, BTreeSet::from(["\"TCP\" 22".to_owned()]));
    gateway.assert_frames_conserved();
}

/// The ports of an untagged TCP packet without options in its IP header.
fn tcp_ports(frame: &[u8]) -> Option<(u16, u16)> {
    let half = |at: usize| Some(u16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?));
    let (protocol, ports_at) = match half(12)? {
        0x0800 => (*frame.get(14 + 9)?, 14 + 20),
        0x86dd => (*frame.get(14 + 6)?, 14 + 40),
        _ => return None,
    };
    (protocol == 6).then_some((half(ports_at)?, half(ports_at + 2)?))
}

#[test]
fn a_rejected_connection_is_refused_at_once() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().rules(REJECT_SSH).start();
    for family in Family::BOTH {
        let ssh = lab.listen(family, 22);
        let refused = lab.open(family, 22, AT_ONCE).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert!(ssh.accept().is_err(), "a rejected connection reached the server");
        drop(lab.connect(family, 23));

        let server = Side::Server.address(family);
        let alert = gateway
            .wait_for_event("the alert", |event| eve::is(event, "alert") && eve::is_to(event, server, 22));
        assert_eq!(alert["alert"]["signature_id"], 4_711, "{alert}");
        assert_eq!(alert["src_ip"], Side::Client.address(family).to_string(), "{alert}");
        let dropped = |event: &serde_json::Value| eve::is(event, "drop") && eve::is_to(event, server, 22);
        gateway.wait_for_event("the drop", dropped);
    }
    gateway.assert_frames_conserved();
}

#[test]
fn a_rejected_datagram_is_answered_by_icmp() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().rules(&reject_udp_port(53)).start();
    for family in Family::BOTH {
        let _closed = lab.echo(Side::Server, family, 53);
        let _open = lab.echo(Side::Server, family, 54);
        let answer = lab.ask(Side::Client, family, 53, SOON);
        let unreachable =
            [ErrorKind::ConnectionRefused, ErrorKind::HostUnreachable, ErrorKind::PermissionDenied];
        assert!(matches!(answer, Answer::Refused(kind) if unreachable.contains(&kind)), "{answer:?}");
        assert_eq!(lab.ask(Side::Client, family, 54, SOON), Answer::Echoed);
    }
    gateway.assert_frames_conserved();
}

#[test]
fn a_connection_rejected_in_its_middle_ends_at_both_ends() {
    use std::io::{Read as _, Write as _};
    let Some(lab) = Lab::up() else { return };
    let rules = "rule \"not this\" on packet when flow.server.port == 8080 && pkt.len == 777 { reject(); }";
    let _gateway = lab.gateway().rules(rules).start();
    for (family, header_len) in [(Family::V4, 14 + 20 + 32), (Family::V6, 14 + 40 + 32)] {
        let mut connection = lab.connect(family, 8_080);
        let mut byte = [0; 1];
        connection.client.write_all(&[1]).unwrap();
        connection.server.read_exact(&mut byte).unwrap();
        // The packet that the rule names: its length is that of the frame.
        connection.client.write_all(&vec![2; 777 - header_len]).unwrap();
        for mut end in [&connection.client, &connection.server] {
            assert_eq!(end.read(&mut byte).unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
    }
}

#[test]
fn an_alert_says_what_and_lets_pass() {
    let Some(lab) = Lab::up() else { return };
    let rules = "rule \"web\" #{ severity: \"low\", tags: [\"policy\"] } on flow_open \
        when flow.server.port == 8080 { alert(`web from ${flow.client.ip}`); }";
    let gateway = lab.gateway().rules(rules).start();
    for family in Family::BOTH {
        lab.transfer(family, Way::Up, 1 << 20);
        let (client, server) = (Side::Client.address(family), Side::Server.address(family));
        let alert = gateway
            .wait_for_event("the alert", |event| eve::is(event, "alert") && eve::is_to(event, server, 8_080));
        let text = alert["alert"].to_string();
        assert!(text.contains(&format!("web from {client}")), "{alert}");
        assert_eq!(alert["alert"]["severity"], 3, "{alert}");
        assert_eq!(alert["alert"]["action"], "allowed", "{alert}");
    }
}

#[test]
fn the_first_verdict_in_the_order_of_the_file_counts() {
    let Some(lab) = Lab::up() else { return };
    let rules = "rule \"yes\" on flow_open when flow.server.port == 22 { accept(); }\n\
        rule \"no\" on flow_open when flow.proto == TCP { reject(); }\n";
    let _gateway = lab.gateway().rules(rules).start();
    for family in Family::BOTH {
        drop(lab.connect(family, 22));
        let _listener = lab.listen(family, 23);
        assert_eq!(lab.open(family, 23, AT_ONCE).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[test]
fn who_opened_a_connection_is_the_client() {
    let Some(lab) = Lab::up() else { return };
    let client = Side::Client.address(Family::V4);
    let rules =
        format!("rule \"inside\" on flow_open when flow.client.ip == ip(\"{client}\") {{ reject(); }}");
    let _gateway = lab.gateway().rules(&rules).start();
    let _listener = lab.listen(Family::V4, 80);
    assert_eq!(lab.open(Family::V4, 80, AT_ONCE).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    // The other way round: the server's side opens, to the client's.
    let at: SocketAddr = Side::Client.at(Family::V4, 80);
    let listener = lab.client().run(|| std::net::TcpListener::bind(at)).unwrap();
    lab.server().run(|| TcpStream::connect_timeout(&at, SOON)).unwrap();
    drop(listener);
}
