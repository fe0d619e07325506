//! Replays the corpora of the fuzz targets as plain tests, so that what the
//! fuzzer has once found stays found without a fuzzer.
//!
//! The seeds among them are written by the code that crafts packets: run with
//! `TIDEGATE_WRITE_SEEDS=1` after changing it.

#![expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::path::PathBuf;
use std::{env, fs, io};

use tidegate_tests::fuzz;

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

/// A target by its name: what it runs, and its seeds.
type Target = (&'static str, fn(&[u8]), Vec<(String, Vec<u8>)>);

fn targets() -> Vec<Target> {
    vec![
        ("body_decode", fuzz::body_decode, fuzz::body_decode_seeds()),
        ("http2_stream", fuzz::http2_stream, fuzz::http2_stream_seeds()),
        ("mime_stream", fuzz::mime_stream, fuzz::mime_stream_seeds()),
        ("packet_decode", fuzz::packet_decode, fuzz::packet_decode_seeds()),
        ("capture_read", fuzz::capture_read, fuzz::capture_read_seeds()),
        ("fragments", fuzz::fragments, fuzz::fragments_seeds()),
        ("ssh_stream", fuzz::ssh_stream, fuzz::ssh_stream_seeds()),
        ("starttls_stream", fuzz::starttls_stream, fuzz::starttls_stream_seeds()),
        ("websocket_stream", fuzz::websocket_stream, fuzz::websocket_stream_seeds()),
        ("ike_datagram", fuzz::ike_datagram, fuzz::ike_datagram_seeds()),
        ("krb5_stream", fuzz::krb5_stream, fuzz::krb5_stream_seeds()),
        ("quic_datagram", fuzz::quic_datagram, fuzz::quic_datagram_seeds()),
        ("sip_stream", fuzz::sip_stream, fuzz::sip_stream_seeds()),
        ("stream_segments", fuzz::stream_segments, fuzz::stream_segments_seeds()),
        ("http_stream", fuzz::http_stream, fuzz::http_stream_seeds()),
        ("dtls_datagram", fuzz::dtls_datagram, fuzz::dtls_datagram_seeds()),
        ("dns_datagram", fuzz::dns_datagram, fuzz::dns_datagram_seeds()),
        ("dns_stream", fuzz::dns_stream, fuzz::dns_stream_seeds()),
        ("smtp_stream", fuzz::smtp_stream, fuzz::smtp_stream_seeds()),
        ("ftp_stream", fuzz::ftp_stream, fuzz::ftp_stream_seeds()),
        ("pop3_stream", fuzz::pop3_stream, fuzz::pop3_stream_seeds()),
        ("imap_stream", fuzz::imap_stream, fuzz::imap_stream_seeds()),
        ("mqtt_stream", fuzz::mqtt_stream, fuzz::mqtt_stream_seeds()),
        ("network_datagram", fuzz::network_datagram, fuzz::network_datagram_seeds()),
        ("rfb_stream", fuzz::rfb_stream, fuzz::rfb_stream_seeds()),
        ("tls_stream", fuzz::tls_stream, fuzz::tls_stream_seeds()),
        ("x509", fuzz::x509, fuzz::x509_seeds()),
    ]
}

#[test]
fn every_target_is_built_by_the_fuzzer_and_replayed_here() {
    let fuzz = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = targets().into_iter().map(|(target, ..)| target.to_owned()).collect::<BTreeSet<_>>();
    let stem = |entry: io::Result<DirEntry>| entry.unwrap().path().file_stem().unwrap().to_owned();
    let list = |folder| fs::read_dir(fuzz.join(folder)).unwrap().map(stem);
    let in_folder = |folder| list(folder).map(|name| name.into_string().unwrap()).collect::<BTreeSet<_>>();
    assert_eq!(in_folder("targets"), names);
    assert_eq!(in_folder("corpus"), names);
    let bins = names.iter().map(|name| {
        format!(
            "[[bin]]\nname = \"{name}\"\npath = \"targets/{name}.rs\"\ntest = false\ndoc = false\nbench = false\n\n"
        )
    });
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let at = manifest.find("[[bin]]").unwrap();
    let end = manifest.find("[profile.release]").unwrap();
    assert_eq!(manifest[at..end], bins.collect::<String>(), "in the order of the alphabet");
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
