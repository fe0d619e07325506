//! Handshakes of VNC, by the book and otherwise.

use super::*;
use crate::dissect::heard::{bytewise, hear, whole};
use crate::flow::Direction::{Down, Up};

const VERSION_3_3: &[u8] = b"RFB 003.003\n";
const VERSION_3_7: &[u8] = b"RFB 003.007\n";
const VERSION_3_8: &[u8] = b"RFB 003.008\n";
const SCREEN: &[u8] = &[0; 24];

fn outcome(talk: &[(Direction, &[u8])]) -> (Progress, Vec<Anomaly>) {
    let talk: Vec<_> = talk.iter().map(|(direction, bytes)| (*direction, bytes.to_vec())).collect();
    let of = |cut: fn(&[u8]) -> Vec<usize>| {
        let (heard, progress, held) = hear(&mut Rfb::new(), &talk, cut);
        assert!(held <= 2 * MESSAGE_MAX, "{held}");
        (progress, heard.anomalies.into_iter().map(|(_, anomaly)| anomaly).collect::<Vec<_>>())
    };
    let outcome = of(whole);
    assert_eq!(of(bytewise), outcome, "however it is cut");
    outcome
}

#[test]
fn handshakes_of_every_version_end_with_the_screen() {
    let ways: [&[(Direction, &[u8])]; 4] = [
        &[(Down, VERSION_3_3), (Up, VERSION_3_3), (Down, b"\0\0\0\x01"), (Up, b"\x01"), (Down, SCREEN)],
        &[
            (Down, VERSION_3_8),
            (Up, VERSION_3_7),
            (Down, b"\x02\x01\x02"),
            (Up, b"\x01"),
            (Up, b"\0"),
            (Down, SCREEN),
        ],
        &[
            (Down, VERSION_3_8),
            (Up, VERSION_3_8),
            (Down, b"\x01\x01"),
            (Up, b"\x01"),
            (Down, b"\0\0\0\0"),
            (Up, b"\x01"),
            (Down, SCREEN),
        ],
        &[
            (Down, VERSION_3_8),
            (Up, VERSION_3_8),
            (Down, b"\x01\x02"),
            (Up, b"\x02"),
            (Down, &[7; 16]),
            (Up, &[8; 16]),
            (Down, b"\0\0\0\0"),
            (Up, b"\x01"),
            (Down, SCREEN),
        ],
    ];
    for way in ways {
        assert_eq!(outcome(way), (Progress::Done, vec![]), "{way:?}");
        assert_eq!(outcome(&way[..way.len() - 1]).0, Progress::More, "not before");
    }
}

#[test]
fn a_refusal_is_an_end_like_another() {
    let open: [(Direction, &[u8]); 2] = [(Down, VERSION_3_8), (Up, VERSION_3_8)];
    assert_eq!(outcome(&[open[0], open[1], (Down, b"\0\0\0\0\x02no")]), (Progress::Done, vec![]));
    let asked = [open[0], open[1], (Down, &b"\x01\x02"[..]), (Up, b"\x02"), (Down, &[7; 16]), (Up, &[8; 16])];
    let refused = [&asked[..], &[(Down, b"\0\0\0\x01")]].concat();
    assert_eq!(outcome(&refused), (Progress::Done, vec![]));
}

#[test]
fn what_is_not_in_the_book_is_odd() {
    let open: [(Direction, &[u8]); 3] = [(Down, VERSION_3_8), (Up, VERSION_3_8), (Down, b"\x01\x13")];
    let with = |talk: &[(Direction, &'static [u8])]| outcome(&[&open[..], talk].concat());
    let malformed = |anomaly| (Progress::Malformed, vec![anomaly]);
    assert_eq!(with(&[(Up, b"\x13")]), malformed(Anomaly::RfbUnimplementedSecurityType));
    assert_eq!(with(&[(Down, b"\x13")]), malformed(Anomaly::RfbConfusedState));
    assert_eq!(with(&[(Up, b"\x01"), (Down, b"\0\0\0\x09")]), malformed(Anomaly::RfbUnknownSecurityResult));
    assert_eq!(
        outcome(&[(Down, VERSION_3_3), (Up, b"GET / HTTP/1")]),
        malformed(Anomaly::RfbMalformedMessage)
    );
}
