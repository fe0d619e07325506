//! Every recogniser over samples, their beginnings and their look-alikes.

#![expect(clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use super::samples::{DNS_QUERY, NO_HINT, Over, SNMP_GET, Sample, all, cat};
use super::{Guess, TCP_BYTES_MAX, tcp, udp};
use crate::app_proto::AppProto;
use crate::flow::Direction::{self, Down, Up};
use proptest::prelude::*;

fn guess(sample: &Sample, bytes: &[u8]) -> Guess {
    match sample.over {
        Over::Tcp => tcp(sample.direction, bytes, sample.ports),
        Over::Udp => udp(sample.direction, bytes, sample.ports),
    }
}

#[test]
fn each_sample_is_known() {
    for sample in all() {
        let text = sample.bytes.escape_ascii();
        assert_eq!(guess(&sample, &sample.bytes), Guess::Is(sample.is), "{:?} {text}", sample.over);
    }
}

#[test]
fn a_stream_that_has_not_all_come_is_waited_for() {
    for sample in all().iter().filter(|sample| sample.over == Over::Tcp) {
        let mut was_known = false;
        for len in 0..=sample.bytes.len() {
            let text = sample.bytes[..len].escape_ascii();
            match guess(sample, &sample.bytes[..len]) {
                Guess::Is(protocol) => {
                    assert_eq!(protocol, sample.is, "{text}");
                    was_known = true;
                }
                Guess::NeedMore => assert!(!was_known, "known, and then not: {text}"),
                Guess::No => panic!("{:?} given up: {text}", sample.is),
            }
        }
    }
}

#[test]
fn a_datagram_that_is_cut_is_nothing_else() {
    for sample in all().iter().filter(|sample| sample.over == Over::Udp) {
        for len in 0..sample.bytes.len() {
            let cut = guess(sample, &sample.bytes[..len]);
            assert!(cut == Guess::No || cut == Guess::Is(sample.is), "{:?} {len}: {cut:?}", sample.is);
        }
    }
}

#[test]
fn more_bytes_change_no_answer() {
    // The bare choice of a method is all of SOCKS that comes before the answer.
    for sample in all().iter().filter(|sample| sample.over == Over::Tcp && sample.bytes.len() > 3) {
        let longer = cat(&[&sample.bytes, &[0xaa; 2000]]);
        assert_eq!(guess(sample, &longer), Guess::Is(sample.is), "{}", sample.bytes.escape_ascii());
    }
}

#[test]
fn what_looks_alike_is_told_apart() {
    let streams: &[(Direction, &[u8])] = &[
        (Up, b"OPTIONS rtsp://a/b RTSP/1.0\r\n"),
        (Up, b"DESCRIBE rtsp://a/b RTSP/1.0\r\n"),
        (Up, b"OPTIONS icap://a/b ICAP/1.0\r\n"),
        (Up, b"HELLO WORLD\r\n"),
        (Up, b"GET key\r\n"),
        (Down, b"220 hello\r\n"),
        (Down, b"200 news.example NNTP ready\r\n"),
        (Down, b"+OK\r\n"),
        (Down, b"-ERR unknown command\r\n"),
        (Down, b":3l33t.server.org\x01\n"),
        (Down, b"SSH-x.0-a\r\n"),
        (Up, b"\x16\x03\x01\x02\0\x0e\0\x01\xfc\x03\x03"),
        (Up, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x04\x03"),
        (Up, b"\x16\x03\x01\xff\xff\x01"),
        (Up, b"\x05\x64\x0a\x44\x01\0\x0a\0\x6e\x26"),
        (Up, b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc1\x02\x01\0\xc2\x02\x01\x02\xc0\x01\x0a"),
        (Up, b"\0\0\0\x54\xffSMX"),
        (Up, b"\x10\x10\0\x04MQTX\x04\x02"),
        (Up, b"\0\x01\0\0\0\x06\x01\x03\0\x10\xff\xff"),
        (Up, b"\0\0\0\x14\0\x04\0\0user\0postgres\0\0"),
        (Up, b"<?xml version='1.0'?>\n<html>"),
    ];
    for &(direction, bytes) in streams {
        let guess = tcp(direction, bytes, NO_HINT);
        assert!(!matches!(guess, Guess::Is(_)), "{guess:?}: {}", bytes.escape_ascii());
    }
    let datagrams: Vec<Vec<u8>> = vec![
        cat(&[DNS_QUERY, b"junk"]),
        cat(&[b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x20", &[b'C'; 32], b"\0\0\x20\0\x01"]),
        cat(&[SNMP_GET, b"\0"]),
        b"M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\n\r\n".to_vec(),
        vec![0; 48],
        vec![0; 1200],
        vec![0xff; 1200],
        b"d1:ad2:id2:aae1:q4:pinge".to_vec(),
        b"\0\x01a.img\0binary\0".to_vec(),
        b"\0\x01\0\0abcdefghijklmnop".to_vec(),
        b"\0\x01\0\x08abcdefghijklmnop\0\x33\0\x04\0\0\0\0".to_vec(),
        b"\x08\x25\x42\xda\xab\xa4REJ\0\x07\0\0\0\x38\0\0\0".to_vec(),
        cat(&[b"abcd\0\x40\x18\x01efgh\x04\xd0\x04\xd0", &[0; 1216]]),
        cat(&[b"\xff\xff\xff\xff\0\x40\x18\x01abcd\x04\xd0\x04\xd0", &[0; 900]]),
    ];
    for bytes in datagrams {
        assert_eq!(udp(Up, &bytes, NO_HINT), Guess::No, "{}", bytes.escape_ascii());
    }
    assert_eq!(udp(Up, SNMP_GET, (4000, 53)), Guess::No, "no agent answers at DNS's port");
}

#[test]
fn a_stream_is_not_looked_at_for_ever() {
    for text in [
        &b"x"[..],
        b"GET ",
        b"EHLO ",
        b"220-",
        b"USER a\r\n",
        b"\r\n",
        b"a1 LOGIN ",
        b":",
        b"\x16\x03\x01\x40\0\x0b",
    ] {
        for direction in [Up, Down] {
            let endless: Vec<u8> = text.iter().copied().cycle().take(TCP_BYTES_MAX).collect();
            assert_ne!(tcp(direction, &endless, NO_HINT), Guess::NeedMore, "{}", text.escape_ascii());
        }
    }
    let long_target = cat(&[b"GET /", &[b'a'; 2000]]);
    assert_eq!(tcp(Up, &long_target, NO_HINT), Guess::Is(AppProto::Http));
}

/// Bytes from a generator (`splitmix64`), so that a run is like another.
fn random(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    };
    (0..len).map(|_| next().to_le_bytes()[0]).collect()
}

/// Of 100,000 random openings, none may be taken for anything: the weakest
/// recogniser asks for more than 32 bits.
#[test]
fn random_bytes_are_nothing() {
    for seed in 0..50_000 {
        let len = [4, 12, 20, 48, 64, 200][usize::try_from(seed % 6).unwrap_or(0)];
        let bytes = random(seed, len);
        for direction in [Up, Down] {
            let stream = tcp(direction, &bytes, NO_HINT);
            assert!(!matches!(stream, Guess::Is(_)), "{stream:?}: {}", bytes.escape_ascii());
            let datagram = udp(direction, &bytes, NO_HINT);
            assert_eq!(datagram, Guess::No, "{}", bytes.escape_ascii());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..1500), port in any::<u16>()) {
        for direction in [Up, Down] {
            let _ = tcp(direction, &bytes, (port, 80));
            prop_assert_ne!(udp(direction, &bytes, (80, port)), Guess::NeedMore);
        }
    }

    #[test]
    fn a_broken_sample_is_answered(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut samples = all();
        let at_sample = which.index(samples.len());
        let sample = &mut samples[at_sample];
        let place = at.index(sample.bytes.len());
        sample.bytes[place] = byte;
        let _ = guess(sample, &sample.bytes);
    }
}
