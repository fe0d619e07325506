//! Messages of each version, sound and not.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

use super::super::heard::{Heard, hear, whole};
use std::net::Ipv4Addr;

use super::ber::{Unsound, oid};
use super::*;

fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let len = content.len();
    let len = match u8::try_from(len) {
        Ok(len @ 0..=0x7f) => vec![len],
        Ok(len) => vec![0x81, len],
        Err(_) => vec![0x82, u8::try_from(len >> 8).unwrap(), u8::try_from(len & 0xff).unwrap()],
    };
    [vec![tag], len, content].concat()
}

const SYS_DESCR: &[u8] = &[0x2b, 6, 1, 2, 1, 1, 1, 0];

fn pdu(tag: u8, error: u8) -> Vec<u8> {
    let variable = value(0x30, &[&value(6, &[SYS_DESCR]), &[5, 0]]);
    value(tag, &[&[2, 1, 9], &[2, 1, error], &[2, 1, 0], &value(0x30, &[&variable])])
}

fn community(version: u8, pdu: &[u8]) -> Vec<u8> {
    value(0x30, &[&[2, 1, version], &value(4, &[b"public"]), pdu])
}

fn secured(model: u8, scoped: &[u8]) -> Vec<u8> {
    let header = value(0x30, &[&[2, 1, 1], &[2, 2, 0x05, 0xdc], &[4, 1, 3], &[2, 1, model]]);
    let user = value(0x30, &[&[4, 0], &[2, 1, 0], &[2, 1, 0], &value(4, &[b"pippo"]), &[4, 0], &[4, 0]]);
    value(0x30, &[&[2, 1, 3], &header, &value(4, &[&user]), scoped])
}

fn heard(messages: &[Vec<u8>]) -> Heard {
    let talk: Vec<_> = messages.iter().map(|message| (Direction::Up, message.clone())).collect();
    hear(&mut Snmp::new(), &talk, whole).0
}

#[test]
fn a_request_and_its_error_are_told() {
    let told = SnmpRecord::decode(&community(0, &pdu(0xa2, 2))).unwrap();
    assert_eq!((told.version, told.community.as_deref()), (1, Some("public")));
    assert_eq!((told.pdu.unwrap().name(), told.error_name()), (Some("response"), Some("NoSuchName")));
    assert_eq!(told.variables, ["1.3.6.1.2.1.1.1.0"]);
    let told = SnmpRecord::decode(&community(1, &pdu(0xa5, 7))).unwrap();
    assert_eq!((told.version, told.error, told.pdu.unwrap().name()), (2, 0, Some("get_bulk_request")));
}

#[test]
fn a_trap_of_version_1_says_who_sent_it() {
    let trap = value(
        0xa4,
        &[
            &value(6, &[&[0x2b, 6, 1, 4, 1, 0x82, 0x37]]),
            &[0x40, 4, 192, 0, 2, 1],
            &[2, 1, 3],
            &[2, 1, 0],
            &[0x43, 1, 5],
            &[0x30, 0],
        ],
    );
    let told = SnmpRecord::decode(&community(0, &trap)).unwrap();
    let trap = told.trap.unwrap();
    assert_eq!((trap.name(), &*trap.enterprise), (Some("LinkUp"), "1.3.6.1.4.1.311"));
    assert_eq!(trap.address, Ipv4Addr::new(192, 0, 2, 1));
}

#[test]
fn version_3_has_a_user_and_may_be_encrypted() {
    let told = SnmpRecord::decode(&secured(3, &value(4, &[&[7; 40]]))).unwrap();
    assert_eq!((told.user.as_deref(), told.is_encrypted, told.pdu), (Some("pippo"), true, None));
    let scoped = value(0x30, &[&[4, 0], &[4, 0], &pdu(0xa8, 0)]);
    let told = SnmpRecord::decode(&secured(3, &scoped)).unwrap();
    assert_eq!((told.version, told.is_encrypted), (3, false));
    assert_eq!(told.pdu.unwrap().name(), Some("report"));
}

#[test]
fn oddities_are_raised() {
    let sound = community(1, &pdu(0xa0, 0));
    let other = community(0, &pdu(0xa0, 0));
    assert_eq!(heard(&[sound.clone(), other]).anomalies, [(Direction::Up, Anomaly::SnmpVersionMismatch)]);
    let unknown = secured(9, &value(4, &[&[7; 8]]));
    assert_eq!(heard(&[unknown]).anomalies, [(Direction::Up, Anomaly::SnmpUnknownSecurityModel)]);
    let heard = heard(&[sound[..sound.len() - 1].to_vec()]);
    assert_eq!(heard.anomalies, [(Direction::Up, Anomaly::SnmpMalformedData)]);
    assert!(heard.records.is_empty());
}

#[test]
fn every_truncation_and_every_byte_changed_is_borne() {
    for message in [community(1, &pdu(0xa0, 0)), secured(3, &value(4, &[&[7; 8]]))] {
        for len in 0..message.len() {
            assert_eq!(SnmpRecord::decode(&message[..len]), Err(Unsound), "{len}");
        }
        for at in 0..message.len() {
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut changed = message.clone();
                changed[at] = byte;
                let _ = std::hint::black_box(SnmpRecord::decode(&changed));
            }
        }
    }
}

#[test]
fn identifiers_are_written_in_dots() {
    for (content, text) in
        [(&[1][..], "0.1"), (&[0x2b, 6, 1], "1.3.6.1"), (&[0x88, 0x37], "2.999"), (&[], "")]
    {
        assert_eq!(oid(content).as_deref(), Ok(text));
    }
    assert_eq!(oid(&[0x2b, 0x86]), Err(Unsound));
    assert_eq!(oid(&[0xff; 20]), Err(Unsound));
}
