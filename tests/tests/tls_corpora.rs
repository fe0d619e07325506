//! Certificates in third-party captures: what is read in them is compared with what
//! Zeek says of them in `truth.jsonl`, key and names included, which events do not
//! have.
//!
//! `TIDEGATE_CORPORA` names the folder with the captures. The certificates are
//! those that `tls` events of a replay show.

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use tidegate::dissect::tls::{CertificateFacts, X509Facts};
use tidegate_tests::gateway::binary;
use tidegate_tests::skip::skip_anywhere;
use tidegate_tests::{eve, process};

/// Far above what any of the captures takes, also in a debug build on a busy
/// machine.
const TIME_MAX: Duration = Duration::from_mins(1);

/// The certificates that a replay of a capture shows, by the SHA-256 of each.
fn certificates(capture: &Path) -> HashMap<String, CertificateFacts> {
    let folder = TempDir::new().expect("a folder can be made");
    let events = folder.path().join("events.json");
    let mut command = Command::new(binary());
    command.arg("replay").arg(capture).arg("--events").arg(&events).args(["-k", "none"]);
    let ended = process::run(&mut command, TIME_MAX);
    assert_eq!(ended.code, Some(0), "{}: {ended:?}", capture.display());
    let mut found = HashMap::new();
    for event in eve::events(&events).iter().filter(|event| eve::is(event, "tls")) {
        for owner in [&event["tls"], &event["tls"]["client"]] {
            for der in owner["chain"].as_array().into_iter().flatten() {
                let der = STANDARD.decode(der.as_str().expect("base64 is text")).expect("base64");
                let facts = CertificateFacts::new(&der);
                found.insert(facts.sha256.clone(), facts);
            }
        }
    }
    found
}

/// A certificate as Zeek writes one down, in the columns that are compared.
fn zeek_row(facts: &X509Facts) -> HashMap<&'static str, String> {
    let flag = |flag: bool| if flag { "T" } else { "F" }.to_owned();
    let hosts =
        facts.alternative_names.iter().filter(|name| !name.contains('@')).cloned().collect::<Vec<_>>();
    let mut row = HashMap::from([
        ("certificate.version", facts.version.to_string()),
        ("certificate.serial", facts.serial.trim_start_matches("00").to_owned()),
        ("certificate.not_valid_before", format!("{}.000000", facts.not_before.0)),
        ("certificate.not_valid_after", format!("{}.000000", facts.not_after.0)),
        ("certificate.key_alg", facts.key_algorithm.clone()),
        ("certificate.sig_alg", facts.signature_algorithm.clone()),
        ("certificate.key_length", facts.key_bits.map_or_else(String::new, |bits| bits.to_string())),
        ("san.dns", hosts.join(",")),
    ]);
    row.extend(facts.exponent.map(|exponent| ("certificate.exponent", exponent.to_string())));
    row.extend(facts.curve.map(|curve| ("certificate.curve", curve.to_owned())));
    row.extend(facts.is_ca.map(|is_ca| ("basic_constraints.ca", flag(is_ca))));
    row
}

/// The common names in a name, as both ways to write it have them.
fn common_names(name: &str) -> BTreeSet<&str> {
    name.split(',').filter_map(|part| part.trim().strip_prefix("CN=")).collect()
}

/// What differs between a certificate and what Zeek says of it.
fn differences(facts: &X509Facts, row: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for (column, value) in zeek_row(facts) {
        if row.get(column).is_some_and(|expected| expected.as_str() != Some(&value)) {
            wrong.push(format!("{column} is {}, not {value}", row[column]));
        }
    }
    for (column, name) in [("certificate.subject", &facts.subject), ("certificate.issuer", &facts.issuer)] {
        if common_names(row[column].as_str().expect("a name")) != common_names(name) {
            wrong.push(format!("{column} is {}, not {name}", row[column]));
        }
    }
    wrong
}

#[test]
fn certificates_say_what_zeek_reads_in_them() {
    let Some(folder) = std::env::var_os("TIDEGATE_CORPORA").map(PathBuf::from) else {
        return skip_anywhere("TIDEGATE_CORPORA is unset");
    };
    let truth =
        std::fs::read_to_string(folder.join("truth.jsonl")).expect("truth.jsonl is beside the captures");
    let records = truth.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"));
    let (mut compared, mut absent, mut wrong) = (0, Vec::new(), Vec::new());
    for record in records.filter(|record| record["field"] == "zeek.x509" && record["tier"] != "C") {
        let file = record["file"].as_str().expect("a record names its file");
        let certificates = certificates(&folder.join(file));
        for row in record["expected"].as_array().expect("rows") {
            let fingerprint = row["fingerprint"].as_str().expect("a digest");
            match certificates.get(fingerprint) {
                Some(certificate) => {
                    let facts = certificate.x509.as_ref().expect("a certificate that Zeek reads is read");
                    compared += 1;
                    wrong.extend(differences(facts, row).iter().map(|said| format!("{file}: {said}")));
                }
                None => absent.push(format!("{file}: {fingerprint}")),
            }
        }
    }
    let _ = writeln!(std::io::stderr(), "{compared} certificates compared; not shown: {absent:?}");
    assert!(compared >= 15 && wrong.is_empty(), "{compared} compared\n{}", wrong.join("\n"));
}
