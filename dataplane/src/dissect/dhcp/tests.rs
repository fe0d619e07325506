//! Messages, sound and not.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use super::super::heard::{Heard, hear, whole};
use super::*;

/// A message with these options, and these in place of names.
fn message(options: &[u8], file: &[u8], server_name: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 1, 6, 0, 0xac, 0x2e, 1, 0x7f, 0, 0, 0, 0];
    bytes.extend([0; 4]);
    bytes.extend([192, 0, 2, 7, 192, 0, 2, 1, 192, 0, 2, 2]);
    bytes.extend([0, 0, 0x6c, 0x82, 0xdc, 0x4e]);
    bytes.extend([0; 10]);
    let padded = |bytes: &[u8], len: usize| {
        bytes.iter().copied().chain(std::iter::repeat(0)).take(len).collect::<Vec<u8>>()
    };
    bytes.extend(padded(server_name, 64));
    bytes.extend(padded(file, 128));
    bytes.extend(COOKIE);
    bytes.extend_from_slice(options);
    bytes
}

fn heard(bytes: &[u8]) -> Heard {
    hear(&mut Dhcp, &[(Direction::Up, bytes.to_vec())], whole).0
}

#[test]
fn a_message_tells_its_fields_and_options() {
    let bytes = message(b"\0\x35\x01\x01\x3d\x07\x01\0\0\x6c\x82\xdc\x4e\x0c\x02pc\xff\x0c\x01x", b"", b"");
    let told = DhcpRecord::decode(&bytes).unwrap();
    assert_eq!((told.op, told.id), (1, 0xac2e_017f));
    assert_eq!(told.client_mac, [0, 0, 0x6c, 0x82, 0xdc, 0x4e]);
    assert_eq!(told.client_ip, Ipv4Addr::UNSPECIFIED);
    assert_eq!(told.assigned_ip, Ipv4Addr::new(192, 0, 2, 7));
    assert_eq!((told.next_server_ip, told.relay_ip), ([192, 0, 2, 1].into(), [192, 0, 2, 2].into()));
    assert_eq!(told.options.byte(code::MESSAGE_TYPE), Some(1));
    assert_eq!(told.options.get(code::HOSTNAME), Some(&b"pc"[..]), "nothing stands behind the end");
    assert!(heard(&bytes).anomalies.is_empty());
}

#[test]
fn options_go_on_in_the_fields_of_names_and_after_a_split() {
    let bytes = message(
        b"\x34\x01\x03\x06\x04\x01\x01\x01\x01\xff",
        b"\x33\x04\0\0\x0e\x10\xff",
        b"\x06\x04\x08\x08\x08\x08\xff",
    );
    let told = DhcpRecord::decode(&bytes).unwrap();
    assert_eq!(told.options.number(code::LEASE_TIME), Some(3600));
    let servers: Vec<_> = told.options.addresses(code::DNS_SERVERS).collect();
    assert_eq!(servers, [Ipv4Addr::new(1, 1, 1, 1), Ipv4Addr::new(8, 8, 8, 8)]);
    // Without the option, they are names.
    let bytes = message(b"\x35\x01\x01\xff", b"\x33\x04\0\0\x0e\x10\xff", b"");
    assert_eq!(DhcpRecord::decode(&bytes).unwrap().options.number(code::LEASE_TIME), None);
}

#[test]
fn options_that_are_cut_or_lie_are_odd_and_told_all_the_same() {
    for (options, anomaly) in [
        (&b"\x35\x01\x01"[..], Anomaly::DhcpTruncatedOptions),
        (b"\x35\x01\x01\x0c\x09pc", Anomaly::DhcpTruncatedOptions),
        (b"\x35\x01\x01\x33\x03\0\0\x0e\xff", Anomaly::DhcpMalformedOptions),
        (b"\x35\x01\x01\x03\x05\0\0\x0e\0\0\xff", Anomaly::DhcpMalformedOptions),
    ] {
        let heard = heard(&message(options, b"", b""));
        assert_eq!(heard.anomalies, [(Direction::Up, anomaly)]);
        let [Record::Dhcp(told)] = &heard.records[..] else { unreachable!() };
        assert_eq!(told.options.byte(code::MESSAGE_TYPE), Some(1));
    }
}

#[test]
fn bootp_has_no_options_and_what_is_shorter_is_none() {
    let bytes = message(b"\xff", b"", b"");
    let told = DhcpRecord::decode(&bytes[..FIXED_LEN]).unwrap();
    assert_eq!(told.options, Options::default());
    for len in 0..FIXED_LEN {
        assert_eq!(DhcpRecord::decode(&bytes[..len]), None, "{len}");
    }
}
