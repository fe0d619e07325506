//! Replays the corpora of the fuzz targets as plain tests, so that what the
//! fuzzer has once found stays found without a fuzzer.
//!
//! The seeds among them are written by the code that crafts packets: run with
//! `TIDEGATE_WRITE_SEEDS=1` after changing it.

#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::path::PathBuf;
use std::{env, fs};

use tidegate_tests::fuzz;

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// A target by its name: what it runs, and its seeds.
type Target = (&'static str, fn(&[u8]), Vec<(String, Vec<u8>)>);

fn targets() -> [Target; 4] {
    [
        ("packet_decode", fuzz::packet_decode, fuzz::packet_decode_seeds()),
        ("capture_read", fuzz::capture_read, fuzz::capture_read_seeds()),
        ("fragments", fuzz::fragments, fuzz::fragments_seeds()),
        ("stream_segments", fuzz::stream_segments, fuzz::stream_segments_seeds()),
    ]
}

#[test]
fn every_target_bears_its_corpus() {
    for (target, run, seeds) in targets() {
        let mut replayed = 0;
        for entry in fs::read_dir(corpus(target)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let outcome = std::panic::catch_unwind(|| run(&bytes));
            assert!(outcome.is_ok(), "{} is not borne", path.display());
            replayed += 1;
        }
        assert!(replayed >= seeds.len(), "only {replayed} files");
    }
}

#[test]
fn every_target_bears_its_seeds_damaged() {
    let seeds =
        targets().into_iter().flat_map(|(_, run, seeds)| seeds.into_iter().map(move |seed| (run, seed)));
    for (run, (name, seed)) in seeds {
        for len in 0..seed.len() {
            run(&seed[..len]);
        }
        for at in 0..seed.len() {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                let mut damaged = seed.clone();
                damaged[at] = value;
                let outcome = std::panic::catch_unwind(|| run(&damaged));
                assert!(outcome.is_ok(), "{name} with {value:#04x} at {at} is not borne");
            }
        }
    }
}

#[test]
fn the_seeds_are_what_is_crafted() {
    let write = env::var_os("TIDEGATE_WRITE_SEEDS").is_some();
    let seeds = targets()
        .into_iter()
        .flat_map(|(target, _, seeds)| seeds.into_iter().map(move |seed| (target, seed)));
    for (target, (name, seed)) in seeds {
        let path = corpus(target).join(name);
        if write {
            fs::create_dir_all(corpus(target)).unwrap();
            fs::write(&path, &seed).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), seed, "{} (TIDEGATE_WRITE_SEEDS=1 writes it)", path.display());
    }
}
