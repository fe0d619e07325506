//! The floors of the gateway's crate: a module imports only from modules below
//! its own (the table is in docs/ARCHITECTURE.md).

use super::code::{bare, leading_word, word_at};
use super::{Finding, Source, line_of};

/// Where the modules of the crate are.
const FOLDER: &str = "dataplane/src/";

/// The modules from the ground up. A module may import from rows above its own
/// in this table; those of one row do not know each other, except on the
/// ground: values are made of one another (a field that rules may read holds an
/// Ethernet address, and the decoders describe their fields).
const ROWS: [&[&str]; 9] = [
    &["time", "wire", "verdict", "event", "anomaly", "app_proto"],
    &["xsk"],
    &["port", "flow"],
    &["dissect", "posture"],
    &["rules", "scan"],
    &["worker"],
    &["output"],
    &["control"],
    &["cli"],
];

const GROUND: usize = 0;

/// What the prober may import: it knows nothing of packets on rings.
const SCAN_IMPORTS: [&str; 1] = ["wire"];

/// What is wrong with the imports of a file, tests in it included.
pub fn check(source: &Source) -> Vec<Finding> {
    let Some(module) = module_of(&source.path) else { return Vec::new() };
    let Some(row) = row_of(module) else {
        return vec![format!("{}:1: module `{module}` stands on no floor: give it one", source.path)];
    };
    let code = bare(&source.text);
    let mut findings = Vec::new();
    for (at, import) in imports(&code) {
        let stands_below =
            row_of(import).is_some_and(|below| below < row || below == GROUND && row == GROUND);
        let is_kept_apart = module == "scan" && !SCAN_IMPORTS.contains(&import);
        let allowed = import == module || stands_below && !is_kept_apart;
        if !allowed {
            let line = line_of(&code, at);
            findings.push(format!("{}:{line}: `{module}` may not import from `{import}`", source.path));
        }
    }
    findings
}

/// The module of the crate that a file belongs to; `None` outside of the crate
/// and for its two roots.
fn module_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix(FOLDER)?.strip_suffix(".rs")?;
    let module = path.split('/').next()?;
    (module != "lib" && module != "main").then_some(module)
}

fn row_of(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// Every module that the code names through `crate::`, and where.
fn imports(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for at in word_at(code, "crate") {
        let Some(path) = code[at + "crate".len()..].trim_start().strip_prefix("::") else { continue };
        let path = path.trim_start();
        if let Some(group) = path.strip_prefix('{') {
            found.extend(first_words_of_group(group).into_iter().map(|word| (at, word)));
        } else {
            found.push((at, leading_word(path)));
        }
    }
    // `crate::*` and macros of the crate's root name no module.
    found.retain(|(_, word)| !word.is_empty());
    found
}

/// The first word of each member of a group: `a` and `c` of `a::{b}, c}`.
fn first_words_of_group(group: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut depth, mut is_start) = (0_usize, true);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_start = true,
            _ if is_start && !character.is_whitespace() => {
                words.push(leading_word(&group[at..]));
                is_start = false;
            }
            _ => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        check(&Source { path: path.into(), text: text.into() })
    }

    #[test]
    fn imports_from_below_are_fine() {
        let text = "use crate::wire::Mac;\nuse crate::{time::Timestamp, xsk::{Frame, Pool}, port};\n";
        assert_eq!(findings("dataplane/src/port/memory.rs", text), Vec::<Finding>::new());
        assert_eq!(findings("dataplane/src/event.rs", "use crate::wire::Mac;"), Vec::<Finding>::new());
        assert_eq!(
            findings("dataplane/src/wire/fields.rs", "use crate::event::Field;"),
            Vec::<Finding>::new()
        );
    }

    #[test]
    fn imports_from_above_are_found() {
        let text = "use crate::wire::Mac;\nuse crate::{\n    time,\n    rules::RuleSet,\n};\n";
        let expected = ["dataplane/src/flow/key.rs:2: `flow` may not import from `rules`"];
        assert_eq!(findings("dataplane/src/flow/key.rs", text), expected);
        assert_eq!(findings("dataplane/src/wire/udp.rs", "fn f(x: &crate::xsk::Frame) {}").len(), 1);
        assert_eq!(findings("dataplane/src/verdict.rs", "use crate::xsk::Frame;").len(), 1);
    }

    #[test]
    fn those_of_one_floor_do_not_know_each_other() {
        assert_eq!(findings("dataplane/src/port/mod.rs", "use crate::flow::Key;").len(), 1);
        assert_eq!(findings("dataplane/src/flow/mod.rs", "use crate::port::Port;").len(), 1);
    }

    #[test]
    fn the_prober_knows_only_bytes() {
        assert_eq!(findings("dataplane/src/scan/mod.rs", "use crate::wire::tls;"), Vec::<Finding>::new());
        assert_eq!(findings("dataplane/src/scan/mod.rs", "use crate::flow::Key;").len(), 1);
    }

    #[test]
    fn a_new_module_must_be_given_a_floor() {
        assert_eq!(findings("dataplane/src/helpers.rs", "").len(), 1);
    }

    #[test]
    fn other_crates_comments_and_the_roots_do_not_count() {
        assert_eq!(findings("perf/src/main.rs", "use crate::cli::x;"), Vec::<Finding>::new());
        assert_eq!(findings("dataplane/src/lib.rs", "pub use crate::cli::x;"), Vec::<Finding>::new());
        assert_eq!(findings("dataplane/src/wire/udp.rs", "/// See [`crate::xsk`]."), Vec::<Finding>::new());
    }
}
