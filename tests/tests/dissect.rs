//! What is said in real connections: rules decide about it before it arrives,
//! and it is told.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use tidegate_tests::{Family, Lab, Side, eve};

const RULES: &str = "rule \"no secrets\" on http_request when http.path == \"/secret\" { \
    alert(`${http.host} was asked for ${http.uri}`); reject(); }";

/// Longer than it takes a segment to pass, so that the next is one of its own.
const PAUSE: Duration = Duration::from_millis(20);

#[test]
fn a_request_that_a_rule_refuses_never_arrives_however_it_is_cut() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().rules(RULES).start();
    for family in Family::BOTH {
        let mut connection = lab.connect(family, 8_080);
        connection.client.set_nodelay(true).unwrap();
        let mut arrived = [0; 64];

        let harmless = b"GET /open HTTP/1.1\r\nHost: a\r\n\r\n";
        connection.client.write_all(harmless).unwrap();
        connection.server.read_exact(&mut arrived[..harmless.len()]).unwrap();
        connection.server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        connection.client.read_exact(&mut arrived[..27]).unwrap();

        // What completes the request is what is refused.
        let (begun, completed) = (b"GET /sec", b"ret HTTP/1.1\r\nHost: b\r\n\r\n");
        connection.client.write_all(begun).unwrap();
        connection.server.read_exact(&mut arrived[..begun.len()]).unwrap();
        std::thread::sleep(PAUSE);
        connection.client.write_all(completed).unwrap();
        for mut end in [&connection.client, &connection.server] {
            assert_eq!(end.read(&mut arrived).unwrap_err().kind(), ErrorKind::ConnectionReset);
        }

        let server = Side::Server.address(family);
        let alert = gateway
            .wait_for_event("the alert", |event| eve::is(event, "alert") && eve::is_to(event, server, 8_080));
        assert_eq!(alert["alert"]["message"], "b was asked for /secret", "{alert}");
        assert_eq!(alert["alert"]["action"], "blocked", "{alert}");
        let request = gateway.wait_for_event("the harmless request", |event| {
            eve::is(event, "http") && eve::is_to(event, server, 8_080)
        });
        assert_eq!((&request["http"]["url"], &request["http"]["status"]), (&"/open".into(), &204.into()));
    }
    gateway.assert_frames_conserved();
}

#[test]
fn what_was_learnt_decides_about_all_that_follows_in_a_flow() {
    let Some(lab) = Lab::up() else { return };
    let rules =
        "rule \"no ssh clients\" on ssh_banner when ssh.software.starts_with(\"OpenSSH\") { drop(); }";
    let gateway = lab.gateway().rules(rules).start();
    for family in Family::BOTH {
        let mut connection = lab.connect(family, 2_222);
        connection.server.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        connection.client.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").unwrap();
        let mut arrived = [0; 64];
        let nothing = connection.server.read(&mut arrived).unwrap_err().kind();
        assert!(matches!(nothing, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{nothing}");
        // On a port that is nobody's, and after the verdict: still dropped.
        connection.client.write_all(b"more").unwrap();
        assert!(connection.server.read(&mut arrived).is_err());
        let server = Side::Server.address(family);
        gateway.wait_for_event("the drop", |event| {
            eve::is(event, "drop")
                && eve::is_to(event, server, 2_222)
                && event["alert"]["signature"] == "no ssh clients"
        });
    }
    gateway.assert_frames_conserved();
}
