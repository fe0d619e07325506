//! From files to a set of rules.
//!
//! All files are read and checked before anything is said, so that one run
//! shows every mistake. A file that does not parse stops that file only.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ast;
use super::check::{Compiled, check_file};
use super::diagnostic::{Diagnostic, Place, RuleErrors, Severity};
use super::ir::Test as Condition;
use super::set::{RuleSet, RuleTest};
use super::source::{BYTES_MAX, LINES_MAX, Source};
use super::syntax::{self, Constants};
use super::tree::{Misplaced, Test};
use crate::event::EventKind;

/// Folders in folders at most: a guard against a loop of links.
const FOLDERS_DEEP_MAX: usize = 16;

/// A set of rules, and what may be wrong with it all the same.
#[derive(Debug)]
pub struct Loaded {
    /// The rules.
    pub rules: RuleSet,
    /// Warnings, in the order of files and lines.
    pub warnings: Vec<Diagnostic>,
}

impl RuleSet {
    /// Loads files and folders. A folder is read with all folders in it, its
    /// `.rhai` files in the order of their paths; a file that is named twice
    /// counts once, where it is named first.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in any of the files, and every path that
    /// cannot be read.
    pub fn load(paths: &[PathBuf]) -> Result<Loaded, RuleErrors> {
        let mut found = Vec::new();
        let mut files = Vec::new();
        for path in paths {
            gather(path, 0, &mut files, &mut found);
        }
        let mut known = HashSet::new();
        files.retain(|file| known.insert(fs::canonicalize(file).unwrap_or_else(|_| file.clone())));
        let mut sources = Vec::new();
        for file in &files {
            match read(file) {
                Ok(source) => sources.push(source),
                Err(diagnostic) => found.push(*diagnostic),
            }
        }
        compile(&sources, found)
    }

    /// Loads a text; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn from_source(name: &str, text: &str) -> Result<Loaded, RuleErrors> {
        compile(&[Source::new(name, text)], Vec::new())
    }
}

/// The files that a path stands for.
fn gather(path: &Path, depth: usize, files: &mut Vec<PathBuf>, found: &mut Vec<Diagnostic>) {
    let refuse = |what: &str| Diagnostic::error(format!("{}: {what}", path.display()));
    if !path.is_dir() {
        // Whether it is there at all shows when it is read.
        files.push(path.to_owned());
        return;
    }
    if depth > FOLDERS_DEEP_MAX {
        found.push(refuse("folders are nested too deep").help("is there a link to a folder above it?"));
        return;
    }
    let entries = match fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => return found.push(refuse(&format!("cannot be read: {error}"))),
    };
    let mut inside: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
    inside.sort();
    let before = files.len();
    for entry in inside {
        let hidden = entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let wanted = entry.is_dir() || entry.extension().is_some_and(|extension| extension == "rhai");
        if wanted && !hidden {
            gather(&entry, depth + 1, files, found);
        }
    }
    if depth == 0 && files.len() == before {
        let warning = Diagnostic::warning(format!("{}: no `.rhai` file is in this folder", path.display()));
        found.push(warning);
    }
}

fn read(file: &Path) -> Result<Arc<Source>, Box<Diagnostic>> {
    let name = file.display().to_string();
    let refuse = |what: &str, help: &str| {
        Box::new(Diagnostic::error(format!("{}: {what}", file.display())).help(help))
    };
    let bytes = fs::read(file).map_err(|error| {
        refuse(&format!("cannot be read: {error}"), "name a `.rhai` file, or a folder of them")
    })?;
    if bytes.len() > BYTES_MAX {
        return Err(refuse(&format!("is larger than {} MiB", BYTES_MAX >> 20), "split it"));
    }
    let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8 text", "rules are plain text"))?;
    let source = Source::new(name, text);
    if source.lines() > LINES_MAX {
        return Err(refuse(&format!("has more than {LINES_MAX} lines"), "split it"));
    }
    Ok(source)
}

fn compile(sources: &[Arc<Source>], mut found: Vec<Diagnostic>) -> Result<Loaded, RuleErrors> {
    let (mut rules, mut tests) = (Vec::new(), Vec::new());
    for source in sources {
        let file = compile_file(source);
        rules.extend(file.rules);
        tests.extend(file.tests);
        found.extend(file.found);
    }
    duplicates(&rules, &mut found);
    unreachable_rules(&rules, &mut found);
    if found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(RuleErrors { diagnostics: found });
    }
    Ok(Loaded { rules: RuleSet::new(rules, tests), warnings: found })
}

/// What one file comes to.
#[derive(Default)]
struct File {
    rules: Vec<Compiled>,
    tests: Vec<RuleTest>,
    found: Vec<Diagnostic>,
}

fn compile_file(source: &Arc<Source>) -> File {
    let mut engine = syntax::engine();
    let parsed = match syntax::parse(&engine, source) {
        Ok(parsed) => parsed,
        Err(diagnostic) => return File { found: vec![*diagnostic], ..File::default() },
    };
    let script = ast::read(&parsed, source);
    let imports =
        script.misplaced.iter().any(|(what, _)| matches!(what, Misplaced::Import | Misplaced::Export));
    let (constants, error) =
        if imports { (Constants::unknown(), None) } else { syntax::run(&mut engine, &parsed, source) };
    let (rules, diagnostics) = check_file(source, &script, &constants);
    let mut found: Vec<_> = error.into_iter().chain(diagnostics).collect();
    found.sort_by_key(|diagnostic| diagnostic.place.as_ref().map(|place| place.span));
    let place = |span| Place { source: Arc::clone(source), span };
    let test = |test: Test| RuleTest { name: test.name.value, place: place(test.name.span) };
    File { rules, tests: script.tests.into_iter().map(test).collect(), found }
}

/// Two rules of one name or one id cannot be told apart in events and counters.
fn duplicates(rules: &[Compiled], found: &mut Vec<Diagnostic>) {
    let mut names: HashMap<&str, &Compiled> = HashMap::new();
    let mut ids: HashMap<u32, &Compiled> = HashMap::new();
    for rule in rules {
        let meta = &rule.meta;
        let (message, help, first) = if let Some(first) = names.get(meta.name.as_str()) {
            (format!("there is already a rule \"{}\"", meta.name), "give one of them another name", *first)
        } else if let Some(first) = ids.get(&meta.id) {
            let message =
                format!("\"{}\" and \"{}\" have the same id {}", first.meta.name, meta.name, meta.id);
            (message, "give one of them another id: `#{ id: 1001 }`", *first)
        } else {
            names.insert(&meta.name, rule);
            ids.insert(meta.id, rule);
            continue;
        };
        found.push(
            Diagnostic::error(message)
                .at(&rule.place.source, rule.place.span)
                .related(first.place.clone(), "the first is here")
                .help(help),
        );
    }
}

/// Rules after one that decides about everything. Said once for each event: a
/// rule put in front for a while should not bury its author in warnings.
fn unreachable_rules(rules: &[Compiled], found: &mut Vec<Diagnostic>) {
    let mut deciding: BTreeMap<EventKind, &Compiled> = BTreeMap::new();
    let mut unreached: BTreeMap<EventKind, (&Compiled, usize)> = BTreeMap::new();
    for rule in rules {
        match deciding.entry(rule.event) {
            Entry::Occupied(_) => unreached.entry(rule.event).or_insert((rule, 0)).1 += 1,
            Entry::Vacant(none) => {
                if rule.condition.test == Condition::Constant(true) && rule.actions.verdict.is_some() {
                    none.insert(rule);
                }
            }
        }
    }
    for (event, (rule, count)) in unreached {
        let Some(first) = deciding.get(&event) else { continue };
        let more = if count > 1 { format!(", nor are {} after it", count - 1) } else { String::new() };
        let message =
            format!("this rule is never asked{more}: \"{}\" always decides before it", first.meta.name);
        found.push(
            Diagnostic::warning(message)
                .at(&rule.place.source, rule.place.span)
                .related(first.place.clone(), "this one has no condition and gives a verdict"),
        );
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
mod tests {
    use super::*;

    fn names(rules: &RuleSet) -> Vec<&str> {
        rules.rules().map(|rule| rule.meta.name.as_str()).collect()
    }

    fn write(folder: &Path, file: &str, rule: &str) {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("rule \"{rule}\" on packet {{ log(\"x\"); }}")).unwrap();
    }

    #[test]
    fn files_come_in_the_order_of_their_paths_and_count_once() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "b.rhai", "b");
        write(folder.path(), "a/z.rhai", "az");
        write(folder.path(), "a/b.rhai", "ab");
        write(folder.path(), "c.txt", "no rules");
        write(folder.path(), ".hidden.rhai", "hidden");
        let paths = [folder.path().to_owned(), folder.path().join("b.rhai")];
        assert_eq!(names(&RuleSet::load(&paths).unwrap().rules), ["ab", "az", "b"]);
        let paths = [folder.path().join("b.rhai"), folder.path().to_owned()];
        assert_eq!(names(&RuleSet::load(&paths).unwrap().rules), ["b", "ab", "az"]);
    }

    #[test]
    fn shows_what_is_wrong_in_every_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.rhai"), "rule \"a\" on packet {").unwrap();
        fs::write(folder.path().join("b.rhai"), "rule \"b\" on packet when ip.sr == 1 && ip.tl == 1 {}")
            .unwrap();
        fs::write(folder.path().join("c.rhai"), [0xff]).unwrap();
        let missing = folder.path().join("missing.rhai");
        let errors = RuleSet::load(&[missing, folder.path().to_owned()]).unwrap_err();
        let messages: Vec<_> = errors.diagnostics.iter().map(|found| found.message.as_str()).collect();
        let [missing, bytes, open, sr, tl, _nothing] = messages.as_slice() else {
            unreachable!("{messages:#?}")
        };
        assert!(
            missing.ends_with("missing.rhai: cannot be read: No such file or directory (os error 2)"),
            "{missing}"
        );
        assert!(bytes.ends_with("c.rhai: is not UTF-8 text"), "{bytes}");
        assert_eq!(
            [*open, sr, tl],
            ["expecting '}' to terminate this block", "no field `ip.sr`", "no field `ip.tl`"]
        );
    }

    #[test]
    fn a_name_is_unique_over_all_files() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.rhai", "same");
        write(folder.path(), "b.rhai", "same");
        let errors = RuleSet::load(&[folder.path().to_owned()]).unwrap_err();
        let [only] = errors.diagnostics.as_slice() else { unreachable!("{errors}") };
        assert_eq!(only.message, "there is already a rule \"same\"");
        assert!(only.place.as_ref().unwrap().source.name().ends_with("b.rhai"));
        assert!(only.related.as_ref().unwrap().0.source.name().ends_with("a.rhai"));
    }

    #[test]
    fn an_empty_folder_is_worth_a_warning_and_more_lines_than_rhai_counts_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = RuleSet::load(&[folder.path().to_owned()]).unwrap();
        assert_eq!((loaded.rules.len(), loaded.warnings.len()), (0, 1));
        fs::write(folder.path().join("long.rhai"), "\n".repeat(LINES_MAX)).unwrap();
        assert!(RuleSet::load(&[folder.path().to_owned()]).is_err());
    }
}
