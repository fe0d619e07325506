//! What has a home and may be nowhere else: third-party crates, so that
//! replacing one touches one folder, and `unsafe`, so that its reader knows
//! where to look.

use super::code::{bare, leading_word, word_at};
use super::{Finding, Source, line_of};

/// Crates by the name that code uses, and the places that may use them. Crates
/// that are not here (thiserror, log, serde) may be used anywhere.
const HOMES: [(&str, &[&str]); 25] = [
    ("aes", &["dataplane/src/dissect/"]),
    ("aes_gcm", &["dataplane/src/dissect/"]),
    ("annotate_snippets", &["dataplane/src/rules/"]),
    ("aya", &["ebpf/src/"]),
    ("bitflags", &["dataplane/src/wire/"]),
    ("brotli_decompressor", &["dataplane/src/dissect/"]),
    ("clap", &["dataplane/src/cli/", "perf/src/"]),
    ("core_affinity", &["dataplane/src/worker/"]),
    // Bounded queues: of free frames, between workers, to the writer of events, to control.
    (
        "crossbeam",
        &["dataplane/src/xsk/", "dataplane/src/worker/", "dataplane/src/output/", "dataplane/src/control/"],
    ),
    ("env_logger", &["dataplane/src/cli/"]),
    ("flate2", &["dataplane/src/dissect/"]),
    ("hkdf", &["dataplane/src/dissect/"]),
    // In port/tap.rs its numbers alone: of errors and of kinds of hardware.
    (
        "libc",
        &[
            "dataplane/src/xsk/",
            "dataplane/src/port/tap.rs",
            "ebpf/src/",
            "ebpf/tests/",
            "tests/src/netns.rs",
            "tests/src/raw.rs",
            "tests/tests/xsk/world.rs",
        ],
    ),
    ("md5", &["dataplane/src/dissect/"]),
    ("openssl", &["dataplane/src/scan/"]),
    ("pcap_parser", &["dataplane/src/port/"]),
    ("rhai", &["dataplane/src/rules/"]),
    ("rusqlite", &["dataplane/src/posture/"]),
    ("ruzstd", &["dataplane/src/dissect/"]),
    (
        "serde_json",
        &["dataplane/src/output/", "dataplane/src/control/", "dataplane/src/cli/", "tests/", "perf/"],
    ),
    // Community IDs; fingerprints of certificates.
    ("sha1", &["dataplane/src/output/", "dataplane/src/dissect/"]),
    ("sha2", &["dataplane/src/dissect/"]),
    ("signal_hook", &["dataplane/src/control/"]),
    // "Did you mean": each language of ours has its own misspellings.
    ("strsim", &["dataplane/src/rules/", "config/src/"]),
    ("toml", &["config/"]),
];

/// The places that may say `unsafe`.
const UNSAFE: [&str; 8] = [
    // The kernel's rings, and the memory that packets live in.
    "dataplane/src/xsk/",
    // Prefetch and the time stamp counter.
    "dataplane/src/worker/hw.rs",
    // bpf(2), where aya has no call for it.
    "ebpf/src/sys.rs",
    "ebpf/tests/",
    // Entering a namespace, and packet sockets.
    "tests/src/netns.rs",
    "tests/src/raw.rs",
    // AF_XDP below the gateway: a program of six instructions, namespaces
    // without a name, a packet socket.
    "tests/tests/xsk/world.rs",
    // A counting allocator.
    "tests/tests/allocation.rs",
];

/// Where a crate is used outside of its home.
pub fn check_crates(source: &Source) -> Vec<Finding> {
    if !source.is_rust() {
        return Vec::new();
    }
    let code = bare(&source.text);
    let mut findings = Vec::new();
    for (name, homes) in HOMES {
        if is_at(&source.path, homes) {
            continue;
        }
        let used = word_at(&code, name).filter(|at| names_crate(&code, *at, name));
        let mut lines: Vec<usize> = used.map(|at| line_of(&code, at)).collect();
        lines.dedup();
        let found = lines
            .iter()
            .map(|line| format!("{}:{line}: `{name}` is at home in {}", source.path, homes.join(", ")));
        findings.extend(found);
    }
    findings
}

/// Whether the word at `at` names a crate, and not a module or variable of ours
/// that is called the same: it begins a path, or a `use` ends with it.
fn names_crate(code: &str, at: usize, name: &str) -> bool {
    let before = &code[..at];
    let after = code[at + name.len()..].trim_start();
    // `::name` with nothing right before it still is the crate.
    let before = match before.strip_suffix("::") {
        Some(path) if path.ends_with(|last: char| last.is_alphanumeric() || "_>".contains(last)) => {
            return false;
        }
        Some(path) => path.trim_end(),
        None => before.trim_end(),
    };
    let last_word_at =
        before.rfind(|last: char| !last.is_alphanumeric() && last != '_').map_or(0, |at| at + 1);
    let imported = matches!(leading_word(&before[last_word_at..]), "use" | "extern" | "crate");
    after.starts_with("::") || imported
}

/// Where `unsafe` stands in code outside of the places that may have it.
pub fn check_unsafe(source: &Source) -> Vec<Finding> {
    if !source.is_rust() || is_at(&source.path, &UNSAFE) {
        return Vec::new();
    }
    let code = bare(&source.text);
    let found = word_at(&code, "unsafe").map(|at| {
        let line = line_of(&code, at);
        format!("{}:{line}: `unsafe` has its places, and this is none: {}", source.path, UNSAFE.join(", "))
    });
    found.collect()
}

/// Whether a path is one of these files, or in one of these folders.
fn is_at(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| if place.ends_with('/') { path.starts_with(place) } else { path == *place })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_crate_away_from_home_is_found() {
        for text in [
            "use rhai::AST;",
            "use rhai;",
            "use ::rhai::AST;",
            "fn f(engine: &rhai::Engine) {}",
            "let x = rhai :: Engine::new();",
            "extern crate rhai;",
            "use rhai as script;",
        ] {
            let found = check_crates(&source("dataplane/src/worker/mod.rs", text));
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].starts_with("dataplane/src/worker/mod.rs:1: `rhai`"), "{found:?}");
            assert_eq!(check_crates(&source("dataplane/src/rules/parse.rs", text)), Vec::<Finding>::new());
        }
    }

    #[test]
    fn names_of_our_own_are_no_crates() {
        for text in [
            "use super::rhai::parse;",
            "mod rhai;",
            "let rhai = 1; f(rhai);",
            "// use rhai::AST",
            "f(\"rhai::AST\");",
            "use rhai_codegen::x;",
        ] {
            assert_eq!(
                check_crates(&source("dataplane/src/worker/mod.rs", text)),
                Vec::<Finding>::new(),
                "{text}"
            );
        }
    }

    #[test]
    fn unsafe_away_from_its_places_is_found() {
        let text = "//! Words.\n\nfn f() {\n    unsafe { g() }\n}\n";
        let found = check_unsafe(&source("dataplane/src/flow/table.rs", text));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("dataplane/src/flow/table.rs:4:"), "{found:?}");
        assert_eq!(check_unsafe(&source("dataplane/src/xsk/sys.rs", text)), Vec::<Finding>::new());
        assert_eq!(check_unsafe(&source("dataplane/src/worker/hw.rs", text)), Vec::<Finding>::new());
        assert_eq!(check_unsafe(&source("dataplane/src/worker/hw.rs.rs", text)).len(), 1);
    }

    #[test]
    fn talk_of_unsafe_is_not_unsafe() {
        let text = "#![deny(unsafe_code)] // no unsafe here\nconst WORD: &str = \"unsafe\";";
        assert_eq!(check_unsafe(&source("dataplane/src/flow/table.rs", text)), Vec::<Finding>::new());
    }
}
