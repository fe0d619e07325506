//! Whole messages, cut in every way.

#![expect(clippy::panic, reason = "a test ends where an expectation fails")]

use proptest::prelude::*;

use super::*;
use crate::dissect::heard::{Heard, Talk, bytewise, hear, whole};

use Direction::{Down, Up};

const SDP: &str = "v=0\r\no=alice 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

fn invite() -> String {
    let len = SDP.len();
    format!(
        "INVITE sip:bob@example.com SIP/2.0\r\nVia: x\r\nContent-Type: application/sdp\r\n\
         Content-Length: {len}\r\n\r\n{SDP}"
    )
}

const RINGING: &str = "SIP/2.0 180 Ringing\r\nContent-Length: 0\r\n\r\n";

fn lines(heard: &Heard) -> Vec<(String, bool)> {
    let lines = heard.records.iter().map(|record| {
        let Record::Sip(record) = record else { panic!("{record:?}") };
        let (StartLine::Request { line, .. } | StartLine::Response { line, .. }) = &record.start;
        (line.clone(), record.sdp.is_some())
    });
    lines.collect()
}

fn expected() -> Vec<(String, bool)> {
    vec![("INVITE sip:bob@example.com SIP/2.0".into(), true), ("SIP/2.0 180 Ringing".into(), false)]
}

#[test]
fn datagrams_are_messages() {
    let talk = [
        (Up, b"\r\n\r\n".to_vec()),
        (Up, vec![0; 4]),
        (Up, invite().into_bytes()),
        (Down, RINGING.as_bytes().to_vec()),
    ];
    let (heard, progress, held) = hear(&mut Sip::of_datagrams(), &talk, whole);
    assert_eq!((lines(&heard), progress, held), (expected(), Progress::More, 0));
    assert_eq!(heard.anomalies, []);
}

#[test]
fn a_stream_cut_anywhere_gives_the_same() {
    let up = format!("\r\n\r\n{}\r\n\r\n{}", invite(), invite());
    let talk = [(Up, up.into_bytes()), (Down, RINGING.repeat(2).into_bytes())];
    let (together, ..) = hear(&mut Sip::of_stream(), &talk, whole);
    let (apart, ..) = hear(&mut Sip::of_stream(), &talk, bytewise);
    assert_eq!(together.all, apart.all);
    let [invite, ringing] = <[_; 2]>::try_from(expected()).unwrap_or_else(|_| panic!());
    assert_eq!(lines(&together), [invite.clone(), invite, ringing.clone(), ringing]);
}

#[test]
fn each_oddity_is_raised_once_and_strangers_end_it() {
    let cut = invite().into_bytes().into_iter().take(60).collect::<Vec<_>>();
    let short = b"SIP/2.0 200 OK\r\nContent-Length: 9\r\n\r\n123".to_vec();
    for (datagram, anomaly, told) in [
        (cut, Anomaly::SipIncompleteData, 0),
        (short, Anomaly::SipIncompleteData, 2),
        (b"SIP/2.0 what\r\n\r\n".to_vec(), Anomaly::SipInvalidData, 0),
    ] {
        let (heard, ..) = hear(&mut Sip::of_datagrams(), &vec![(Up, datagram); 2], whole);
        assert_eq!((heard.anomalies, heard.records.len()), (vec![(Up, anomaly)], told));
    }
    let strange = vec![(Up, b"\x80\x00 no message".to_vec()); STRANGE_MAX.into()];
    let (_, progress, _) = hear(&mut Sip::of_datagrams(), &strange, whole);
    assert_eq!(progress, Progress::Malformed);
}

#[test]
fn a_side_that_is_broken_is_given_up_and_the_other_goes_on() {
    for broken in [b"what is this\r\n\r\n".to_vec(), vec![b'x'; HEAD_MAX + 9]] {
        let talk = [(Up, broken.clone()), (Down, RINGING.as_bytes().to_vec()), (Down, broken)];
        let (heard, progress, _) = hear(&mut Sip::of_stream(), &talk, whole);
        assert_eq!((heard.records.len(), heard.anomalies.len(), progress), (1, 1, Progress::Done));
    }
    let mut sip = Sip::of_stream();
    let mut heard = Heard::default();
    assert_eq!(sip.gap(Up, 1, &mut heard), Progress::More);
    assert_eq!(sip.bytes(Up, invite().as_bytes(), &mut heard), Progress::More);
    assert_eq!((heard.all.len(), sip.gap(Down, 1, &mut heard)), (0, Progress::Done));
}

#[test]
fn a_long_body_is_passed_over() {
    let head = "INVITE sip:a SIP/2.0\r\nContent-Type: application/sdp\r\nContent-Length: 70000\r\n\r\n";
    let talk = [(Up, [head.as_bytes(), &vec![b'v'; 70_000], RINGING.as_bytes()].concat())];
    let (heard, _, held) = hear(&mut Sip::of_stream(), &talk, |_| (0..70).map(|at| at * 1000).collect());
    assert_eq!((heard.records.len(), held <= HEAD_MAX), (2, true));
    let (heard, ..) = hear(&mut Sip::of_stream(), &[(Up, head.as_bytes().to_vec())], whole);
    assert_eq!(heard.records.len(), 1, "what is cut is told when the flow ends");
}

proptest! {
    #[test]
    fn any_bytes_are_borne(pieces: Vec<(bool, Vec<u8>)>, start in 0_usize..5) {
        let starts: [&[u8]; 5] = [b"", b"SIP/2.0 200 OK\r\n", b"A b SIP/2.0\r\nl:5\r\n", b"A b SIP/2.0\r\n\r\n", b"\n"];
        let mut talk: Talk = vec![(Up, starts.into_iter().nth(start).unwrap_or_default().to_vec())];
        talk.extend(pieces.into_iter().map(|(is_up, bytes)| (if is_up { Up } else { Down }, bytes)));
        let (together, .., held) = hear(&mut Sip::of_stream(), &talk, whole);
        let (apart, ..) = hear(&mut Sip::of_stream(), &talk, bytewise);
        prop_assert_eq!(together.all, apart.all);
        prop_assert!(held <= HELD_MAX);
        hear(&mut Sip::of_datagrams(), &talk, whole);
    }
}
