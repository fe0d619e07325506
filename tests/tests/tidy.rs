//! The house keeps its order: floors, homes, headers, lengths.

use tidegate_tests::tidy::{Finding, Source, floors, homes, shape, sources};

/// Holds one check against every file of the project.
fn hold(check: fn(&Source) -> Vec<Finding>) {
    let sources = sources();
    assert!(sources.iter().any(|source| source.path == "dataplane/src/lib.rs"), "the sources were not found");
    let findings: Vec<Finding> = sources.iter().flat_map(check).collect();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn modules_import_only_from_floors_below() {
    hold(floors::check);
}

#[test]
fn third_party_crates_stay_at_home() {
    hold(homes::check_crates);
}

#[test]
fn unsafe_stays_in_its_places() {
    hold(homes::check_unsafe);
}

#[test]
fn every_file_says_what_it_is() {
    hold(shape::check_header);
}

#[test]
fn no_file_is_too_long() {
    hold(shape::check_length);
}

#[test]
fn nothing_names_one_machine() {
    hold(shape::check_machine_paths);
}

#[test]
fn no_captures_are_kept() {
    hold(shape::check_no_capture);
}
