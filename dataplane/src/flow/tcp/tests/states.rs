//! Each way from state to state.

use super::*;
use TcpState::{
    CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, PickedUp, Refused, SynReceived,
    SynSent, TimeWait,
};

/// One segment, and the state after it.
type Row = (Direction, Flags, u32, u32, u32, TcpState);

/// Every segment is taken, and leads where it should.
fn walk(rows: &[Row]) -> Watch {
    let mut watch = Watch::new();
    for (at, &(direction, flags, seq, ack, len, state)) in rows.iter().enumerate() {
        let segment = watch.see(direction, flags, seq, ack, len);
        assert!(segment.valid, "row {at}: {segment:?}");
        assert_eq!(watch.state(), state, "row {at}");
    }
    watch
}

const OPEN: [Row; 4] = [
    (Up, SYN, 0, 0, 0, SynSent),
    (Down, SYN_ACK, 0, 1, 0, SynReceived),
    (Up, ACK, 1, 1, 0, Established),
    (Down, ACK, 1, 1, 0, Established),
];

fn after_open(rows: &[Row]) -> Watch {
    walk(&[&OPEN, rows].concat())
}

#[test]
fn the_client_closes_first() {
    after_open(&[
        (Up, FIN_ACK, 1, 1, 10, CloseWait),
        (Down, ACK, 1, 12, 0, CloseWait),
        (Down, ACK, 1, 12, 500, CloseWait), // half closed: the other way goes on
        (Up, ACK, 12, 501, 0, CloseWait),
        (Down, FIN_ACK, 501, 12, 0, LastAck),
        (Up, ACK, 12, 502, 0, Closed),
        (Up, ACK, 12, 502, 0, Closed),
    ]);
}

#[test]
fn the_server_closes_first() {
    after_open(&[
        (Down, FIN_ACK, 1, 1, 10, FinWait1),
        (Up, ACK, 1, 12, 0, FinWait2),
        (Up, ACK, 1, 12, 500, FinWait2),
        (Down, ACK, 12, 501, 0, FinWait2),
        (Up, FIN_ACK, 501, 12, 0, TimeWait),
        (Down, ACK, 12, 502, 0, Closed),
    ]);
}

#[test]
fn the_client_acknowledges_and_closes_in_one() {
    after_open(&[
        (Down, FIN_ACK, 1, 1, 0, FinWait1),
        (Up, FIN_ACK, 1, 2, 0, TimeWait),
        (Down, ACK, 2, 2, 0, Closed),
    ]);
}

#[test]
fn both_close_at_once() {
    after_open(&[
        (Down, FIN_ACK, 1, 1, 0, FinWait1),
        (Up, FIN_ACK, 1, 1, 0, Closing),
        (Up, ACK, 2, 2, 0, TimeWait),
        (Down, ACK, 2, 2, 0, Closed),
    ]);
    after_open(&[
        (Up, FIN_ACK, 1, 1, 0, CloseWait),
        (Down, FIN_ACK, 1, 1, 0, LastAck),
        (Up, ACK, 2, 2, 0, LastAck),
        (Down, ACK, 2, 2, 0, Closed),
    ]);
}

#[test]
fn a_fin_repeated_changes_nothing() {
    let mut watch = after_open(&[
        (Up, FIN_ACK, 1, 1, 10, CloseWait),
        (Up, FIN_ACK, 1, 1, 10, CloseWait),
        (Down, ACK, 1, 12, 0, CloseWait),
    ]);
    let again = watch.see(Up, FIN_ACK, 11, 1, 0);
    assert_eq!((again.class, watch.state()), (SegmentClass::Retransmission, CloseWait));
}

#[test]
fn a_fin_may_complete_the_handshake() {
    walk(&[OPEN[0], OPEN[1], (Up, FIN_ACK, 1, 1, 3, CloseWait)]);
}

#[test]
fn both_may_open() {
    walk(&[
        (Up, SYN, 0, 0, 0, SynSent),
        (Down, SYN, 0, 0, 0, SynReceived),
        (Up, SYN_ACK, 0, 1, 0, SynReceived),
        (Down, SYN_ACK, 0, 1, 0, Established),
        (Up, ACK, 1, 1, 100, Established),
        (Down, SYN_ACK, 0, 1, 0, Established),
    ]);
    // One SYN is answered by a SYN, and that by a SYN+ACK.
    walk(&[
        (Up, SYN, 0, 0, 0, SynSent),
        (Down, SYN, 0, 0, 0, SynReceived),
        (Up, SYN_ACK, 0, 1, 0, SynReceived),
        (Down, ACK, 1, 1, 0, Established),
    ]);
}

#[test]
fn a_reset_ends_every_state() {
    type Case<'a> = (&'a [Row], Direction, Flags, u32, u32, TcpState);
    let walks: [Case<'_>; 7] = [
        (&OPEN[..1], Down, RST_ACK, 0, 1, Refused),
        (&OPEN[..2], Up, RST, 1, 0, Refused),
        (&OPEN[..2], Down, RST, 1, 0, Refused),
        (&OPEN, Up, RST, 1, 0, Closed),
        (&OPEN, Down, RST_ACK, 1, 1, Closed),
        (&[OPEN[0], OPEN[1], OPEN[2], (Up, FIN_ACK, 1, 1, 0, CloseWait)], Up, RST, 2, 0, Closed),
        (&[OPEN[0], OPEN[1], OPEN[2], (Up, FIN_ACK, 1, 1, 0, CloseWait)], Down, RST, 1, 0, Closed),
    ];
    for (at, (rows, direction, flags, seq, ack, state)) in walks.into_iter().enumerate() {
        let mut watch = walk(rows);
        let segment = watch.see(direction, flags, seq, ack, 0);
        assert_eq!((segment.class, watch.state()), (SegmentClass::Reset, state), "walk {at}");
        // More of them are not unusual.
        assert!(watch.see(direction, flags, seq, ack, 0).valid);
    }
}

#[test]
fn one_side_alone_stays_half_open() {
    for flags in [SYN, ACK, FIN_ACK, RST, Flags::empty(), Flags::all(), SYN_ACK] {
        let mut watch = Watch::new();
        watch.see(Up, flags, 0, 0, 0);
        for (flags, seq) in [(ACK, 1), (FIN_ACK, 1), (ACK, 2), (RST, 2)] {
            watch.see(Up, flags, seq, 1, 0);
            assert!(watch.state().is_half_open(), "{flags:?}: {:?}", watch.state());
        }
    }
}

#[test]
fn an_answer_that_is_no_syn_does_not_establish() {
    walk(&[(Up, SYN, 0, 0, 0, SynSent), (Down, ACK, 777, 999, 0, SynSent)]);
}

#[test]
fn a_connection_picked_up_is_established_once_both_sides_are_heard() {
    let watch = walk(&[(Up, ACK, 50, 70, 10, PickedUp), (Down, ACK, 70, 60, 0, Established)]);
    assert!(watch.is_midstream());
    // Its end may be all that is left to see.
    walk(&[
        (Up, FIN_ACK, 50, 70, 0, PickedUp),
        (Down, FIN_ACK, 70, 51, 0, LastAck),
        (Up, ACK, 51, 71, 0, Closed),
    ]);
}

#[test]
fn without_midstream_pickup_it_is_not() {
    let mut watch = Watch::new();
    watch.circumstances.midstream = false;
    for _ in 0..3 {
        assert!(watch.see(Up, ACK, 50, 70, 0).valid && watch.see(Down, ACK, 70, 50, 0).valid);
        assert_eq!(watch.state(), PickedUp);
    }
    let mut watch = Watch::new();
    watch.circumstances.midstream = false;
    watch.see(Down, SYN_ACK, 0, 1, 0);
    watch.see(Up, ACK, 1, 1, 0);
    assert_eq!(watch.state(), PickedUp);
}

#[test]
fn a_syn_ack_without_its_syn_is_the_server_s() {
    let watch = walk(&[(Down, SYN_ACK, 0, 1, 0, SynReceived), (Up, ACK, 1, 1, 0, Established)]);
    assert!(watch.is_midstream());
    let watch = walk(&[
        (Down, SYN_ACK, 0, 1, 0, SynReceived),
        (Up, SYN, 0, 0, 0, SynReceived),
        (Up, ACK, 1, 1, 0, Established),
    ]);
    assert!(!watch.is_midstream(), "its SYN came late");
}

#[test]
fn one_direction_alone_is_taken_as_it_comes() {
    let mut rows = vec![(Up, SYN, 0, 0, 0, SynSent), (Up, ACK, 1, 1, 0, PickedUp)];
    let up = (0..100).map(|n| (Up, ACK, 1 + n * 1_400, 1 + n * 90_000, 1_400, PickedUp));
    rows.extend(up);
    walk(&rows);
    let mut rows = vec![(Down, SYN_ACK, 0, 1, 0, SynReceived)];
    // With the first that acknowledges something sent it is plain that the
    // client has answered.
    let down = (0..100).map(|n| (Down, ACK, 1 + n * 1_400, 500 + n * 700, 1_400, Established));
    rows.extend(down);
    walk(&rows);
}
