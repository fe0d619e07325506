//! Segments that somebody else made, and honest ones that look so.

use proptest::prelude::*;

use super::*;
use Anomaly as A;
use TcpState::{Closed, Established, SynReceived, SynSent};

fn with(options: TcpSeenOptions, seen: TcpSeen) -> TcpSeen {
    TcpSeen { options, ..seen }
}

fn scale(shift: u8) -> TcpSeenOptions {
    TcpSeenOptions { window_scale: Some(shift), ..TcpSeenOptions::default() }
}

fn stamp(value: u32) -> TcpSeenOptions {
    TcpSeenOptions { timestamp: Some(value), ..TcpSeenOptions::default() }
}

/// Refused, under this name, and nothing has changed.
#[track_caller]
fn refused(watch: &mut Watch, direction: Direction, seen: TcpSeen, name: Anomaly) {
    let before = watch.connection;
    let segment = watch.tell(direction, &seen);
    assert!(odd(&segment).contains(&name), "{segment:?}");
    assert!(!segment.valid && !segment.acknowledges, "{segment:?}");
    assert_eq!(watch.connection, before, "a refused segment changes nothing");
}

#[test]
fn what_is_out_of_the_window_changes_nothing() {
    let mut watch = Watch::established();
    let beyond = 1 + 1_001;
    refused(&mut watch, Up, seen(Up, ACK, beyond, 1, 10), A::StreamEstPacketOutOfWindow);
    refused(&mut watch, Up, seen(Up, FIN_ACK, beyond, 1, 0), A::StreamFinOutOfWindow);
    refused(&mut watch, Up, seen(Up, ACK, 1_u32.wrapping_sub(70_000), 1, 10), A::StreamEstPktBeforeLastAck);
    refused(&mut watch, Up, seen(Up, ACK, 1, 1 + 2_000, 10), A::StreamEstInvalidAck);
    refused(&mut watch, Up, seen(Up, ACK, 1, 1_u32.wrapping_sub(70_000), 10), A::StreamPktInvalidAck);
    refused(&mut watch, Up, seen(Up, FIN_ACK, 1, 5_000, 10), A::StreamFinInvalidAck);
}

#[test]
fn a_reset_counts_at_the_next_number_alone() {
    let mut watch = Watch::established();
    watch.see(Up, ACK, 1, 1, 300);
    for seq in [2, 300, 302, 900] {
        refused(&mut watch, Up, seen(Up, RST, seq, 0, 0), Anomaly::StreamSuspectedRstInject);
    }
    let astray = watch.see(Up, RST, 50_000, 0, 0);
    assert!(!astray.valid && odd(&astray).is_empty());
    refused(&mut watch, Up, seen(Up, RST_ACK, 301, 7_000, 0), Anomaly::StreamRstInvalidAck);
    // The last number that was acknowledged is one that the receiver may expect.
    let mut other = Watch { ..watch };
    assert!(other.see(Up, RST, 1, 0, 0).valid && other.state() == Closed);
    let exact = watch.see(Up, RST, 301, 0, 5);
    assert_eq!((odd(&exact), watch.state()), (vec![Anomaly::StreamRstWithData], Closed));
}

#[test]
fn a_syn_is_refused_by_a_reset_that_acknowledges_it() {
    let mut watch = Watch::new();
    watch.see(Up, SYN, 0, 0, 0);
    refused(&mut watch, Down, seen(Down, RST, 0, 0, 0), Anomaly::StreamSuspectedRstInject);
    refused(&mut watch, Down, seen(Down, RST_ACK, 0, 9, 0), Anomaly::StreamRstInvalidAck);
    assert!(watch.see(Down, RST_ACK, 0, 1, 0).valid);
    assert_eq!(watch.state(), TcpState::Refused);
    // And who accepts it has not refused it.
    let accepted = watch.see(Down, SYN_ACK, 0, 1, 0);
    assert_eq!(odd(&accepted), [Anomaly::StreamSuspectedRstInject]);
    assert_eq!(watch.state(), SynReceived);
}

#[test]
fn what_comes_between_a_refusal_and_the_answer_changes_nothing() {
    let mut watch = Watch::new();
    watch.see(Up, SYN, 0, 0, 0);
    assert!(watch.see(Down, RST_ACK, 7_000, 1, 0).valid);
    let before = watch.connection;
    assert!(!watch.see(Down, FIN_ACK, 7_000, 1, 0).valid, "the client has no such connection");
    assert!(!watch.see(Down, ACK, 7_000, 1, 100).valid);
    assert!(watch.see(Up, RST, 1, 0, 0).valid, "and says so");
    assert_eq!(watch.connection, before);
    assert!(watch.see(Down, SYN_ACK, 0, 1, 0).valid);
    assert!(watch.see(Up, ACK, 1, 1, 0).valid);
    assert!(watch.see(Down, ACK, 1, 1, 100).valid);
    assert!(watch.see(Up, ACK, 1, 101, 0).valid);
    assert_eq!(watch.state(), Established);
}

#[test]
fn a_reset_tells_what_its_sender_has_received() {
    let acknowledges = |reset: TcpSeen| {
        let mut watch = Watch::established();
        watch.see(Down, ACK, 1, 1, 100);
        let segment = watch.tell(Up, &reset);
        assert_eq!((segment.valid, watch.state()), (true, Closed));
        segment.acknowledges
    };
    let exact = seen(Up, RST_ACK, 1, 101, 0);
    assert!(acknowledges(exact));
    assert!(!acknowledges(TcpSeen { ack: 0, ..exact }), "many have the flag and no number");
    assert!(!acknowledges(TcpSeen { flags: RST, ..exact }));
}

#[test]
fn who_goes_on_after_its_reset_has_not_sent_it() {
    let mut watch = Watch::established();
    watch.see(Up, RST, 1, 0, 0);
    watch.see(Down, ACK, 1, 1, 100);
    watch.see(Up, ACK, 1, 1, 0);
    assert_eq!(watch.state(), Closed, "what was under way tells nothing");
    let more = watch.see(Up, ACK, 1, 101, 10);
    assert_eq!((odd(&more), watch.state()), (vec![Anomaly::StreamSuspectedRstInject], Established));
}

#[test]
fn a_syn_within_a_connection_passes_and_changes_nothing() {
    let mut watch = Watch::established();
    let before = watch.connection;
    let again = watch.see(Up, SYN, 0, 0, 0);
    assert_eq!((again.valid, odd(&again)), (true, vec![Anomaly::StreamEstSynResend]));
    // The server asks back, and a client that began anew answers with a RST.
    let anew = watch.see(Up, SYN, 77, 0, 0);
    assert_eq!((anew.valid, odd(&anew)), (true, vec![Anomaly::StreamEstSynResendDiffSeq]));
    let late = watch.see(Down, SYN_ACK, 0, 1, 0);
    assert_eq!((late.valid, odd(&late)), (true, vec![Anomaly::StreamEstSynackResend]));
    assert_eq!(watch.connection, before);
    refused(&mut watch, Down, seen(Down, SYN, 7, 0, 0), A::StreamEstSynToclient);
    refused(&mut watch, Up, seen(Up, SYN_ACK, 9, 1, 0), A::StreamEstSynackToserver);
    refused(&mut watch, Down, seen(Down, SYN_ACK, 0, 9, 0), A::StreamEstSynackResendWithDiffAck);
    refused(&mut watch, Down, seen(Down, SYN_ACK, 9, 1, 0), A::StreamEstSynackResendWithDiffSeq);
    assert_eq!(watch.see(Up, RST, 1, 0, 0).class, SegmentClass::Reset);
    assert_eq!(watch.state(), Closed);
}

#[test]
fn each_wrong_step_of_a_handshake_has_its_name() {
    let opened = |rows: &[(Direction, Flags, u32, u32)]| {
        let mut watch = Watch::new();
        for &(direction, flags, seq, ack) in rows {
            watch.see(direction, flags, seq, ack, 0);
        }
        watch
    };
    let syn = [(Up, SYN, 0, 0)];
    let both = [(Up, SYN, 0, 0), (Down, SYN_ACK, 0, 1)];
    let four = [(Up, SYN, 0, 0), (Down, SYN, 0, 0)];
    let acked = [(Up, SYN, 0, 0), (Down, SYN, 0, 0), (Up, SYN_ACK, 0, 1)];
    let cases: [(&[_], Direction, Flags, u32, u32, A); 15] = [
        (&syn, Down, SYN_ACK, 0, 2, A::StreamThreeWaySynackWithWrongAck),
        (&syn, Up, SYN_ACK, 0, 1, A::StreamThreeWaySynackInWrongDirection),
        (&syn, Up, ACK, 0x9000_0000, 1, A::StreamThreeWayAsyncWrongSeq),
        (&both, Down, SYN_ACK, 0, 7, A::StreamThreeWaySynackResendWithDiffAck),
        (&both, Up, SYN_ACK, 0, 7, A::StreamThreeWaySynackToserverOnSynRecv),
        (&both, Down, SYN, 7, 0, A::StreamThreeWaySynToclientOnSynRecv),
        (&both, Up, ACK, 1, 9, A::StreamThreeWayRightSeqWrongAckEvasion),
        (&both, Up, ACK, 0x9000_0000, 9, A::StreamThreeWayWrongSeqWrongAck),
        (&both, Down, ACK, 0x9000_0000, 1, A::StreamThreeWayWrongSeqWrongAck),
        (&four, Up, SYN_ACK, 0, 9, A::StreamFourWaySynackWithWrongAck),
        (&four, Up, SYN_ACK, 9, 1, A::StreamFourWaySynackWithWrongSyn),
        (&acked, Down, ACK, 0x9000_0000, 1, A::StreamFourWayWrongSeq),
        (&acked, Down, ACK, 1, 0x9000_0000, A::StreamFourWayInvalidAck),
        (&both, Up, FIN_ACK, 1, 9, A::StreamThreeWayRightSeqWrongAckEvasion),
        (&syn, Down, RST_ACK, 0, 9, A::StreamRstInvalidAck),
    ];
    for (rows, direction, flags, seq, ack, name) in cases {
        refused(&mut opened(rows), direction, seen(direction, flags, seq, ack, 0), name);
    }
    let told = |rows: &[_], direction, flags, seq, ack, len| {
        let segment = opened(rows).see(direction, flags, seq, ack, len);
        assert!(segment.valid);
        odd(&segment)
    };
    assert_eq!(told(&both, Up, SYN, 9, 0, 0), [A::StreamThreeWaySynResendDiffSeqOnSynRecv]);
    assert_eq!(told(&both, Down, ACK, 1, 1, 10), [A::StreamThreeWayAckDataInject]);
    assert_eq!(told(&both, Down, ACK, 1, 1, 0), [A::StreamThreeWayAckInWrongDir]);
    assert_eq!(told(&[], Up, RST, 0, 0, 0), [A::StreamRstButNoSession]);
    assert_eq!(told(&[], Up, FIN_ACK, 5, 5, 0), [A::StreamFinButNoSession]);
    assert_eq!(told(&[], Up, SYN | Flags::FIN, 0, 0, 0), [A::StreamFinSyn]);
}

#[test]
fn each_wrong_step_of_an_end_has_its_name() {
    let far = 0x4000_0000;
    let closed = |rows: &[(Direction, Flags, u32, u32)]| {
        let mut watch = Watch::established();
        for &(direction, flags, seq, ack) in rows {
            assert!(watch.see(direction, flags, seq, ack, 0).valid);
        }
        watch
    };
    let fin1 = [(Down, FIN_ACK, 1, 1)];
    let fin2 = [(Down, FIN_ACK, 1, 1), (Up, ACK, 1, 2)];
    let closing = [(Down, FIN_ACK, 1, 1), (Up, FIN_ACK, 1, 1)];
    let time_wait = [(Down, FIN_ACK, 1, 1), (Up, FIN_ACK, 1, 2)];
    let close_wait = [(Up, FIN_ACK, 1, 1)];
    let last_ack = [(Up, FIN_ACK, 1, 1), (Down, FIN_ACK, 1, 2)];
    let cases: [(&[_], Direction, Flags, u32, u32, A); 15] = [
        (&fin1, Up, ACK, 1, far, A::StreamFin1InvalidAck),
        (&fin1, Up, ACK, far, 2, A::StreamFin1AckWrongSeq),
        (&fin1, Up, FIN_ACK, far, 2, A::StreamFin1FinWrongSeq),
        (&fin2, Up, ACK, 1, far, A::StreamFin2InvalidAck),
        (&fin2, Up, ACK, far, 2, A::StreamFin2AckWrongSeq),
        (&fin2, Up, FIN_ACK, far, 2, A::StreamFin2FinWrongSeq),
        (&closing, Up, ACK, 2, far, A::StreamClosingInvalidAck),
        (&closing, Up, ACK, far, 2, A::StreamClosingAckWrongSeq),
        (&time_wait, Down, ACK, 2, far, A::StreamTimewaitInvalidAck),
        (&time_wait, Down, ACK, far, 2, A::StreamTimewaitAckWrongSeq),
        (&close_wait, Down, ACK, 1, far, A::StreamClosewaitInvalidAck),
        (&close_wait, Down, ACK, far, 2, A::StreamClosewaitAckOutOfWindow),
        (&close_wait, Down, FIN_ACK, far, 2, A::StreamClosewaitFinOutOfWindow),
        (&last_ack, Up, ACK, 2, far, A::StreamLastackInvalidAck),
        (&last_ack, Up, ACK, far, 2, A::StreamLastackAckWrongSeq),
    ];
    for (rows, direction, flags, seq, ack, name) in cases {
        refused(&mut closed(rows), direction, seen(direction, flags, seq, ack, 0), name);
    }
    refused(&mut closed(&close_wait), Down, seen(Down, SYN, 99, 0, 0), A::StreamShutdownSynResend);
    // After its FIN nobody has more to say.
    refused(&mut closed(&close_wait), Up, seen(Up, ACK, 2, 1, 10), A::StreamClosewaitAckOutOfWindow);
}

#[test]
fn keep_alives_and_window_probes_are_known_for_what_they_are() {
    let mut watch = Watch::established();
    watch.see(Up, ACK, 1, 1, 50);
    watch.see(Down, ACK, 1, 51, 0);
    for len in [0, 1] {
        let segment = watch.see(Up, ACK, 50, 1, len);
        assert_eq!((segment.class, odd(&segment)), (SegmentClass::KeepAlive, vec![]));
    }
    watch.tell(Down, &TcpSeen { window: 0, ..seen(Down, ACK, 1, 51, 0) });
    let probe = watch.see(Up, ACK, 51, 1, 1);
    assert_eq!((probe.class, probe.expected), (SegmentClass::WindowProbe, CLIENT + 51));
    // It was taken after all.
    let taken = watch.see(Down, ACK, 1, 52, 0);
    assert_eq!((taken.valid, odd(&taken)), (true, vec![Anomaly::StreamEstAckZwpData]));
    assert_eq!(watch.see(Up, ACK, 52, 1, 10).class, SegmentClass::Data);
}

#[test]
fn repetitions_are_told_from_news() {
    let mut watch = Watch::established();
    assert_eq!(watch.see(Up, ACK, 1, 1, 100).class, SegmentClass::Data);
    assert_eq!(watch.see(Up, ACK, 1, 1, 100).class, SegmentClass::Retransmission);
    assert_eq!(watch.see(Up, ACK, 51, 1, 100).class, SegmentClass::PartialRetransmission);
    watch.see(Down, ACK, 1, 151, 0);
    let spurious = watch.see(Up, ACK, 1, 1, 100);
    assert_eq!(odd(&spurious), [Anomaly::StreamPktSpuriousRetransmission]);
    assert!(spurious.valid);
}

#[test]
fn windows_count_with_the_scale_that_both_know() {
    for (shifts, reach) in [((Some(3), Some(2)), 8_000), ((Some(3), None), 1_000), ((None, Some(2)), 1_000)] {
        let mut watch = Watch::new();
        let (up, down) = shifts;
        let of = |shift: Option<u8>| shift.map_or_else(TcpSeenOptions::default, scale);
        watch.tell(Up, &with(of(up), seen(Up, SYN, 0, 0, 0)));
        watch.tell(Down, &with(of(down), seen(Down, SYN_ACK, 0, 1, 0)));
        watch.see(Up, ACK, 1, 1, 0);
        let mut beyond = Watch { ..watch };
        assert!(watch.see(Down, ACK, 1 + reach - 10, 1, 10).valid, "{shifts:?}");
        assert!(!beyond.see(Down, ACK, 1 + reach - 9, 1, 10).valid, "{shifts:?}");
    }
}

#[test]
fn a_syn_may_come_again_with_other_options_or_another_number() {
    // The second SYN is bare, and the answer is to the first.
    let mut watch = Watch::new();
    watch.tell(Up, &with(scale(7), seen(Up, SYN, 0, 0, 0)));
    watch.see(Up, SYN, 0, 0, 0);
    watch.tell(Down, &with(scale(7), seen(Down, SYN_ACK, 0, 1, 0)));
    watch.see(Up, ACK, 1, 1, 0);
    assert!(watch.see(Down, ACK, 1 + 100_000, 1, 10).valid);
    // Another number: either may be answered.
    for answered in [0, 5_000] {
        let mut watch = Watch::new();
        watch.see(Up, SYN, 0, 0, 0);
        watch.see(Up, SYN, 5_000, 0, 0);
        watch.see(Down, SYN_ACK, 0, answered + 1, 0);
        watch.see(Up, ACK, answered + 1, 1, 0);
        assert_eq!(watch.state(), Established);
    }
}

#[test]
fn a_server_that_has_forgotten_answers_with_another_number() {
    for acknowledged in [1, 90_001] {
        let mut watch = Watch::new();
        watch.see(Up, SYN, 0, 0, 0);
        watch.see(Down, SYN_ACK, 0, 1, 0);
        let again = watch.see(Down, SYN_ACK, 90_000, 1, 0);
        assert!(again.valid && odd(&again).is_empty());
        watch.see(Up, ACK, 1, acknowledged, 0);
        assert_eq!(watch.state(), Established);
        assert!(watch.see(Down, ACK, acknowledged, 1, 10).valid);
    }
}

#[test]
fn data_may_go_with_a_syn() {
    // Taken, and answered at once (RFC 7413).
    let mut watch = Watch::new();
    watch.see(Up, SYN, 0, 0, 100);
    watch.see(Down, SYN_ACK, 0, 101, 0);
    let early = watch.see(Down, ACK, 1, 101, 500);
    assert_eq!((early.class, odd(&early), watch.state()), (SegmentClass::Data, vec![], SynReceived));
    watch.see(Up, ACK, 101, 501, 0);
    assert_eq!(watch.state(), Established);
    // Not taken: it comes again.
    let mut watch = Watch::new();
    watch.see(Up, SYN, 0, 0, 100);
    let ignored = watch.see(Down, SYN_ACK, 0, 1, 0);
    assert_eq!(odd(&ignored), [Anomaly::StreamThreeWaySynackTfoDataIgnored]);
    assert_eq!(watch.see(Up, ACK, 1, 1, 100).class, SegmentClass::Data);
    assert_eq!(watch.state(), Established);
}

#[test]
fn an_old_time_stamp_refuses_what_is_new_unless_it_has_gone_round() {
    let mut watch = Watch::new();
    watch.tell(Up, &with(stamp(u32::MAX), seen(Up, SYN, 0, 0, 0)));
    watch.tell(Down, &with(stamp(9), seen(Down, SYN_ACK, 0, 1, 0)));
    watch.tell(Up, &with(stamp(3), seen(Up, ACK, 1, 1, 0)));
    // A little behind may be a segment that was lost behind us and comes again.
    let late = with(stamp(2), seen(Up, ACK, 1, 1, 10));
    assert!(watch.tell(Up, &late).valid);
    let old = with(stamp(3_u32.wrapping_sub(5_000)), seen(Up, ACK, 11, 1, 10));
    refused(&mut watch, Up, old, Anomaly::StreamPktInvalidTimestamp);
    watch.circumstances.stale = true;
    assert!(watch.tell(Up, &old).valid);
}

#[test]
fn a_window_update_from_nowhere_is_refused() {
    let mut watch = Watch::established();
    let seen = TcpSeen { window: 1, ..seen(Up, ACK, 5, 6, 0) };
    refused(&mut watch, Up, seen, Anomaly::StreamPktBadWindowUpdate);
}

#[test]
fn an_acknowledgement_number_without_its_flag_is_told() {
    let mut watch = Watch::new();
    let segment = watch.tell(Up, &TcpSeen { ack: 5, ..seen(Up, SYN, 0, 0, 0) });
    assert_eq!((odd(&segment), watch.state()), (vec![Anomaly::StreamPktBrokenAck], SynSent));
    let mut watch = Watch::established();
    assert!(!watch.see(Up, Flags::PSH, 1, 0, 10).valid, "no receiver takes it");
}

#[test]
fn a_capture_that_lost_packets_goes_on() {
    let mut watch = Watch::established();
    let gap = watch.see(Up, ACK, 501, 1, 100);
    assert_eq!((gap.class, gap.expected), (SegmentClass::Data, CLIENT + 1));
    // It acknowledges what we have not seen.
    assert!(watch.see(Up, ACK, 601, 700, 0).acknowledges);
    assert!(watch.see(Down, ACK, 700, 601, 100).valid);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Who cannot see the connection hits numbers by chance alone: all that is
    /// taken of him is within the window, and no RST and no FIN but one in
    /// 2^32 or in the window ends anything.
    #[test]
    fn what_is_sent_blindly_changes_no_state(
        segments in prop::collection::vec(
            (any::<bool>(), any::<u8>(), any::<u32>(), any::<u32>(), any::<u16>(), 0..1_500_u32),
            1..40,
        ),
    ) {
        let mut watch = Watch::established();
        for (up, flags, seq, ack, window, payload_len) in segments {
            let direction = if up { Up } else { Down };
            let flags = Flags::from_bits_retain(flags);
            let Some(connection) = watch.connection else { unreachable!("it is established") };
            let [client, server] = connection.sides;
            let (sender, receiver) = if up { (client, server) } else { (server, client) };
            let near = |a: u32, b: u32| a.wrapping_sub(b).wrapping_add(70_000) < 140_000;
            let hit = seq == sender.end || seq == receiver.ack || (near(seq, sender.end) && near(ack, receiver.end));
            let options = TcpSeenOptions::default();
            watch.tell(direction, &TcpSeen { seq, ack, window, flags, payload_len, options });
            prop_assert!(hit || watch.connection == Some(connection) , "{:?} {} {}", flags, seq, ack);
            prop_assume!(!hit);
        }
        prop_assert_eq!(watch.state(), Established);
    }

    /// Nothing that can be in a header makes the machine stumble.
    #[test]
    fn any_segments_at_all_are_taken_or_refused(
        segments in prop::collection::vec(
            (any::<bool>(), any::<u8>(), -3..4_i32, -3..4_i32, 0..3_u16, 0..3_u32, any::<[bool; 2]>()),
            1..60,
        ),
    ) {
        let mut watch = Watch::new();
        for (up, flags, seq, ack, window, payload_len, [scaled, stamped]) in segments {
            let direction = if up { Up } else { Down };
            let flags = Flags::from_bits_retain(flags);
            let mut seen = seen(direction, flags, 0_u32.wrapping_add_signed(seq), 0_u32.wrapping_add_signed(ack), payload_len);
            seen.window = window;
            seen.options.window_scale = scaled.then_some(14);
            seen.options.timestamp = stamped.then_some(7);
            let before = watch.connection;
            let segment = watch.tell(direction, &seen);
            prop_assert_eq!(segment.valid, segment.class != SegmentClass::Invalid);
            prop_assert!(segment.valid || before.is_none() || watch.connection == before);
            prop_assert!(!segment.acknowledges || flags.contains(ACK));
            if let Some(Connection { sides: [up, down], .. }) = watch.connection {
                prop_assert!(up.scale <= 14 && down.scale <= 14);
                prop_assert!(!down.flags.contains(SideFlags::MIDSTREAM));
            }
        }
    }
}
