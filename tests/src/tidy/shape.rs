//! The shape of files: a header, a length that can be read, nothing that
//! belongs to one machine or to somebody else.

use super::{Finding, Source, line_of};

/// Longer than this, a file is two.
pub const LINES_MAX: usize = 800;

/// Paths that exist on one machine only, written so that this file does not
/// hold them itself.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/ro", "ot/")];

/// Files that hold captured traffic: others' captures are not ours to carry,
/// and our own are crafted by the tests that need them.
const CAPTURES: [&str; 4] = [".pcap", ".pcapng", ".cap", ".erf"];

/// Whether a file of Rust begins by saying what it is.
pub fn check_header(source: &Source) -> Vec<Finding> {
    let first = source.text.lines().next().unwrap_or_default();
    let says = first.strip_prefix("//! ").is_some_and(|said| !said.trim().is_empty());
    if says || !source.is_rust() {
        return Vec::new();
    }
    vec![format!("{}:1: begins without a `//!` line that says what it is", source.path)]
}

/// Whether a file of code is short enough to be read.
pub fn check_length(source: &Source) -> Vec<Finding> {
    let is_code = [".rs", ".c", ".h", ".rhai"].iter().any(|end| source.path.ends_with(end));
    let lines = source.text.lines().count();
    if !is_code || lines <= LINES_MAX {
        return Vec::new();
    }
    vec![format!("{}:{LINES_MAX}: has {lines} lines; at most {LINES_MAX}: make it two", source.path)]
}

/// Whether a file names a place that exists on one machine only.
pub fn check_machine_paths(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in MACHINE_PATHS {
        for (at, _) in source.text.match_indices(path) {
            // A folder of that name within the project, or part of an address,
            // is no place on a machine.
            let before = source.text[..at].chars().next_back();
            if before.is_some_and(|before| before.is_alphanumeric() || "_.-/}$".contains(before)) {
                continue;
            }
            let line = line_of(&source.text, at);
            findings.push(format!("{}:{line}: `{path}` is a place on one machine", source.path));
        }
    }
    findings
}

/// Whether a file is a capture.
pub fn check_no_capture(source: &Source) -> Vec<Finding> {
    if CAPTURES.iter().any(|end| source.path.to_ascii_lowercase().ends_with(end)) {
        return vec![format!("{}:1: captures are not kept here: craft them in the test", source.path)];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_file_without_a_header_is_found() {
        assert_eq!(check_header(&source("a/b.rs", "//! What it is.\n")), Vec::<Finding>::new());
        for text in ["", "use x;\n", "// Not this.\n", "//!\n", "//! \n", "\n//! Late.\n"] {
            assert_eq!(check_header(&source("a/b.rs", text)).len(), 1, "{text:?}");
        }
        assert_eq!(check_header(&source("README.md", "Hello.\n")), Vec::<Finding>::new());
    }

    #[test]
    fn a_file_that_is_too_long_is_found() {
        let text = "x\n".repeat(LINES_MAX);
        assert_eq!(check_length(&source("a.rs", &text)), Vec::<Finding>::new());
        let text = text + "x\n";
        assert_eq!(check_length(&source("a.rs", &text)).len(), 1);
        assert_eq!(check_length(&source("a.c", &text)).len(), 1);
        assert_eq!(check_length(&source("Cargo.lock", &text)), Vec::<Finding>::new());
    }

    #[test]
    fn places_on_one_machine_are_found() {
        let text = format!("ok\nsee {}x\n", MACHINE_PATHS[0]);
        assert_eq!(check_machine_paths(&source("a.md", &text)).len(), 1);
        assert!(check_machine_paths(&source("a.md", &text))[0].starts_with("a.md:2:"));
        let text = format!("target{}x https://a.example{}y", MACHINE_PATHS[0], MACHINE_PATHS[1]);
        assert_eq!(check_machine_paths(&source("a.md", &text)), Vec::<Finding>::new());
    }

    #[test]
    fn captures_are_found() {
        for path in ["a.pcap", "tests/b.PCAPNG", "c.cap"] {
            assert_eq!(check_no_capture(&source(path, "")).len(), 1, "{path}");
        }
        assert_eq!(check_no_capture(&source("tests/src/capture.rs", "")), Vec::<Finding>::new());
    }
}
