//! What the receiver gets is what the gateway inspected: bytes that are sent
//! again as others are put right or stopped, what its receiver would not take
//! does not pass, and what honest ends send again passes untouched.

use serde_json::Value;
use tidegate_tests::craft::{Segment, flag};
use tidegate_tests::traffic::Forged;
use tidegate_tests::{Family, Gateway, Lab, Side, eve};

const CONFLICT: &str = "stream.reassembly_overlap_different_data";

/// Whether an event is an anomaly of this name.
fn is_anomaly(event: &Value, name: &str) -> bool {
    eve::is(event, "anomaly") && event["anomaly"]["event"] == name
}

/// Holds for connections of both families, through a gateway with settings.
fn connected(settings: &[(&str, &str)], hold: impl Fn(&Forged, &Gateway<'_>)) {
    let Some(lab) = Lab::up() else { return };
    for family in Family::BOTH {
        let gateway =
            settings.iter().fold(lab.gateway(), |gateway, (key, value)| gateway.set(key, value)).start();
        let forged = lab.forged(family, 40_000, 80);
        forged.shake_hands();
        hold(&forged, &gateway);
        gateway.assert_frames_conserved();
    }
}

/// The state of the one connection that is open.
fn state(gateway: &Gateway<'_>) -> String {
    let flows = gateway.ctl_json("flows");
    let flow = flows.as_array().and_then(|flows| flows.iter().find(|flow| flow["server_port"] == 80));
    flow.and_then(|flow| flow["state"].as_str()).unwrap_or_else(|| panic!("no connection in {flows}")).into()
}

#[test]
fn bytes_that_are_sent_again_as_others_are_put_right() {
    connected(&[("stream.normalise", "rewrite")], |forged, gateway| {
        forged.pass(Side::Client, &[forged.up(1, b"GET /allowed")]);
        // As long as the first, within it, beyond it, and over its beginning.
        for (sent, arrives) in [
            (forged.up(1, b"GET /hidden?"), forged.up(1, b"GET /allowed")),
            (forged.up(5, b"/hidden"), forged.up(5, b"/allowe")),
            (forged.up(5, b"/hidden? HTTP"), forged.up(5, b"/allowed HTTP")),
            (forged.up(10, b"ABC DEFG/1.1"), forged.up(10, b"wed HTTP/1.1")),
        ] {
            assert_eq!(forged.cross(Side::Client, &[sent]), [arrives]);
        }
        // What the last one brought beyond the others counts like the first.
        assert_eq!(
            forged.cross(Side::Client, &[forged.up(18, b"!!!!")]),
            [forged.up(18, b"/1.1")],
            "bytes that came with a conflict are as good as any"
        );
        gateway.wait_for_event("the anomaly", |event| is_anomaly(event, CONFLICT));
        assert!(gateway.counted("stream.conflicts") >= 5);
    });
}

#[test]
fn bytes_that_are_sent_again_as_others_are_dropped() {
    connected(&[("stream.normalise", "drop")], |forged, gateway| {
        forged.pass(Side::Client, &[forged.up(1, b"GET /allowed")]);
        forged.stop(Side::Client, &[forged.up(1, b"GET /hidden?")]);
        forged.stop(Side::Client, &[forged.up(5, b"/hidden? HTTP")]);
        // The connection itself goes on.
        forged.pass(Side::Client, &[forged.up(1, b"GET /allowed"), forged.up(13, b" HTTP")]);
        gateway.wait_for_event("the anomaly", |event| is_anomaly(event, CONFLICT));
    });
}

#[test]
fn bytes_that_are_sent_again_as_others_pass_where_nobody_minds() {
    connected(&[("stream.normalise", "off")], |forged, gateway| {
        forged.pass(Side::Client, &[forged.up(1, b"GET /allowed"), forged.up(1, b"GET /hidden?")]);
        gateway.wait_for_event("the anomaly", |event| is_anomaly(event, CONFLICT));
    });
}

#[test]
fn both_directions_are_put_right() {
    connected(&[], |forged, gateway| {
        let down = |payload| {
            let part = Segment { flags: flag::ACK | flag::PSH, seq: 1_001, ack: 1, payload };
            forged.tcp(Side::Server, part)
        };
        forged.pass(Side::Server, &[down(b"200 OK")]);
        assert_eq!(forged.cross(Side::Server, &[down(b"302 NO")]), [down(b"200 OK")]);
        gateway.wait_for_event("the anomaly", |event| is_anomaly(event, CONFLICT));
    });
}

#[test]
fn what_came_out_of_order_counts_from_when_it_was_forwarded() {
    connected(&[("stream.normalise", "rewrite")], |forged, gateway| {
        // The second segment goes out at once, before the first is there.
        forged.pass(Side::Client, &[forged.up(6, b"world")]);
        assert_eq!(forged.cross(Side::Client, &[forged.up(6, b"WORLD")]), [forged.up(6, b"world")]);
        // One that fills the hole, and would replace what lies behind it.
        assert_eq!(forged.cross(Side::Client, &[forged.up(1, b"helloWORLD")]), [forged.up(1, b"helloworld")]);
        assert_eq!(forged.cross(Side::Client, &[forged.up(1, b"HELLO")]), [forged.up(1, b"hello")]);
        // Two islands, and one segment over both and what lies between.
        forged.pass(Side::Client, &[forged.up(21, b"cc"), forged.up(15, b"aa")]);
        assert_eq!(
            forged.cross(Side::Client, &[forged.up(11, b"01234567890123")]),
            [forged.up(11, b"0123aa6789cc23")]
        );
        gateway.wait_for_event("the anomaly", |event| is_anomaly(event, CONFLICT));
    });
}

#[test]
fn what_came_out_of_order_is_not_replaced_by_what_is_dropped() {
    connected(&[("stream.normalise", "drop")], |forged, _| {
        forged.pass(Side::Client, &[forged.up(6, b"world")]);
        forged.stop(Side::Client, &[forged.up(1, b"helloWORLD")]);
        forged.pass(Side::Client, &[forged.up(1, b"hello"), forged.up(6, b"world")]);
    });
}

#[test]
fn what_honest_ends_send_again_passes_untouched() {
    connected(&[], |forged, gateway| {
        let segment = |flags, seq, ack| Segment { flags, seq, ack, payload: &[] };
        // The handshake once more, as if answers had been lost.
        forged.pass(
            Side::Server,
            &[forged.tcp(Side::Server, segment(flag::SYN | flag::ACK, 1_000, 1)), forged.acknowledge(1)],
        );
        forged.pass(
            Side::Client,
            &[
                forged.tcp(Side::Client, segment(flag::ACK, 1, 1_001)),
                forged.up(1, b"one"),
                forged.up(4, b"two"),
                // As they were, joined, cut anew, and with more behind them.
                forged.up(1, b"one"),
                forged.up(1, b"onetwo"),
                forged.up(3, b"et"),
                forged.up(4, b"twothree"),
            ],
        );
        forged.pass(Side::Server, &[forged.acknowledge(12)]);
        // What was acknowledged already, since the answer may be lost too.
        forged.pass(Side::Client, &[forged.up(1, b"onetwothree")]);
        let fin = Segment { flags: flag::ACK | flag::FIN, ..segment(0, 12, 1_001) };
        forged.pass(Side::Client, &[forged.tcp(Side::Client, fin), forged.tcp(Side::Client, fin)]);
        assert!(gateway.counted("tcp.retransmissions") >= 5);
        assert_eq!(gateway.counted("stream.conflicts"), 0);
        assert_eq!(gateway.counted("tcp.invalid"), 0);
    });
}

#[test]
fn keep_alives_pass() {
    connected(&[], |forged, gateway| {
        forged.pass(Side::Client, &[forged.up(1, b"hello")]);
        forged.pass(Side::Server, &[forged.acknowledge(6)]);
        // A byte before the next one, or none (RFC 9293 section 3.8.4); the
        // byte is any, and nobody reads it.
        forged.pass(Side::Client, &[forged.up(5, b""), forged.up(5, b"\0")]);
        forged.pass(Side::Server, &[forged.acknowledge(6), forged.acknowledge(6)]);
        forged.pass(Side::Client, &[forged.up(6, b" again")]);
        assert_eq!(gateway.counted("tcp.invalid"), 0);
    });
}

#[test]
fn probes_of_a_closed_window_pass() {
    connected(&[], |forged, gateway| {
        let answer = |ack, window| {
            let part = Segment { flags: flag::ACK, seq: 1_001, ack, payload: &[] };
            forged.tcp_with_window(Side::Server, part, window)
        };
        forged.pass(Side::Client, &[forged.up(1, b"hello")]);
        forged.pass(Side::Server, &[answer(6, 0)]);
        // One byte beyond the window (RFC 9293 section 3.8.6.1), again and again.
        for _ in 0..3 {
            forged.pass(Side::Client, &[forged.up(6, b"w")]);
            forged.pass(Side::Server, &[answer(6, 0)]);
        }
        forged.pass(Side::Server, &[answer(6, 1_000)]);
        forged.pass(Side::Client, &[forged.up(6, b"world")]);
        assert_eq!(gateway.counted("tcp.invalid"), 0);
        assert_eq!(gateway.counted("stream.conflicts"), 0);
    });
}

/// Segments that no receiver takes: data and a RST far beyond the window, and
/// the same far behind it.
fn forgeries(forged: &Forged) -> Vec<Vec<u8>> {
    let rst = |seq| Segment { flags: flag::RST, seq, ack: 0, payload: &[] };
    vec![
        forged.up(1_000_000, b"forged"),
        forged.up(0xf000_0000, b"forged"),
        forged.tcp(Side::Client, rst(1_000_000)),
        forged.tcp(Side::Client, rst(0xf000_0000)),
    ]
}

#[test]
fn what_its_receiver_would_not_take_does_not_pass() {
    connected(&[("stream.invalid", "drop")], |forged, gateway| {
        forged.pass(Side::Client, &[forged.up(1, b"hello")]);
        forged.pass(Side::Server, &[forged.acknowledge(6)]);
        for forgery in forgeries(forged) {
            forged.stop(Side::Client, &[forgery]);
        }
        assert_eq!(gateway.counted("tcp.invalid"), 4);
        assert_eq!(state(gateway), "established");
        forged.pass(Side::Client, &[forged.up(6, b"world")]);
    });
}

#[test]
fn what_its_receiver_would_not_take_passes_where_nobody_minds() {
    connected(&[("stream.invalid", "accept")], |forged, gateway| {
        forged.pass(Side::Client, &[forged.up(1, b"hello")]);
        forged.pass(Side::Server, &[forged.acknowledge(6)]);
        forged.pass(Side::Client, &forgeries(forged));
        assert_eq!(gateway.counted("tcp.invalid"), 4);
        // It passes, and still ends nothing: the receiver did not take it.
        assert_eq!(state(gateway), "established");
        forged.pass(Side::Client, &[forged.up(6, b"world")]);
    });
}

#[test]
fn a_reset_ends_a_connection_only_at_its_exact_place() {
    connected(&[], |forged, gateway| {
        let rst = |seq| forged.tcp(Side::Client, Segment { flags: flag::RST, seq, ack: 0, payload: &[] });
        forged.pass(Side::Client, &[forged.up(1, b"hello")]);
        forged.pass(Side::Server, &[forged.acknowledge(6)]);
        // Within the window: it is answered, not obeyed (RFC 5961 section 3.2).
        forged.cross(Side::Client, &[rst(1_006)]);
        assert_eq!(state(gateway), "established");
        forged.pass(Side::Client, &[rst(6)]);
        assert_eq!(state(gateway), "closed");
    });
}
