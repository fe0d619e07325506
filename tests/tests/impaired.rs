//! TCP over cables that lose, reorder and double frames, through the gateway:
//! the bytes arrive as they were sent, what is sent again passes, and honest
//! ends are never taken for forgers.

use std::time::Duration;

use tidegate_tests::traffic::{Transfer, Way};
use tidegate_tests::{Family, Gateway, Impairment, Lab, Side, soak};

/// Of each cable, each way: the rates that a transfer has to bear.
const BAD_CABLES: Impairment = Impairment {
    loss_permille: 10,
    reorder_permille: 50,
    duplicate_permille: 10,
    delay: Duration::ZERO,
    seed: 3,
};

/// What any transfer may take: enough for a few retransmission time-outs in a
/// row at its end.
const LEAST: Duration = Duration::from_mins(1);

/// What it may take for each mebibyte: some ten times what it does.
const PER_MEBIBYTE: Duration = Duration::from_millis(500);

/// The impairers did what they were told and nothing else.
fn assert_impaired(lab: &Lab) {
    for side in Side::BOTH {
        for (way, tally) in ["up", "down"].iter().zip(lab.tallies(side)) {
            assert!(
                tally.lost > 0 && tally.doubled > 0 && tally.reordered > 0,
                "{side:?} {way}: the cable was good: {tally:?}"
            );
            assert_eq!((tally.overrun, tally.refused), (0, 0), "{side:?} {way}: {tally:?}");
        }
    }
}

/// The gateway saw what was sent again for what it is, refused nothing, and let
/// nothing go on that was not inspected.
fn assert_recognised(gateway: &Gateway<'_>) {
    assert!(gateway.counted("tcp.retransmissions") > 0, "{}", gateway.settled_stats());
    for name in [
        "tcp.invalid",
        "stream.conflicts",
        "stream.gap_bytes",
        "verdict.dropped",
        "verdict.dropped_invalid",
        "verdict.dropped_conflict",
        "verdict.tx_full",
    ] {
        assert_eq!(gateway.counted(name), 0, "{name} in {}", gateway.settled_stats());
    }
}

/// Carries bytes through a gateway between bad cables.
fn carry(transfers: &[(Family, Way, u64)], settings: &[(&str, &str)], queues: u32) {
    let Some(lab) = Lab::plan().queues(queues).impaired(BAD_CABLES).up() else { return };
    let gateway =
        settings.iter().fold(lab.gateway(), |gateway, (key, value)| gateway.set(key, value)).start();
    for &(family, way, bytes) in transfers {
        let transfer = Transfer::start(lab.connect(family, 8_080), way, bytes, bytes ^ BAD_CABLES.seed);
        transfer
            .finish_within(LEAST + PER_MEBIBYTE * u32::try_from(bytes >> 20).expect("less than a pebibyte"));
    }
    assert_impaired(&lab);
    assert_recognised(&gateway);
    gateway.assert_frames_conserved();
}

#[test]
fn a_large_transfer_over_bad_cables_ends_byte_for_byte() {
    carry(&[(Family::V4, Way::Up, 64 << 20), (Family::V6, Way::Down, 16 << 20)], &[], 1);
}

#[test]
fn two_workers_carry_the_same_over_bad_cables() {
    carry(
        &[(Family::V6, Way::Up, 8 << 20), (Family::V4, Way::Down, 8 << 20)],
        &[("gateway.workers", "2")],
        2,
    );
}

#[test]
fn a_stream_that_is_inspected_to_its_end_is_carried_the_same() {
    carry(&[(Family::V4, Way::Up, 8 << 20)], &[("stream.depth", "0")], 1);
}

#[test]
#[ignore = "soak: a gibibyte over bad cables"]
fn a_gibibyte_over_bad_cables_ends_byte_for_byte() {
    carry(&[(Family::V4, Way::Up, soak::scaled(1 << 30))], &[], 1);
}
