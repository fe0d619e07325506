//! From a file and from `--set` options to a [`Config`].
//!
//! The options are laid over the file in their order, the last word on a key
//! holds. Nothing is taken before everything is right; problems are gathered
//! so that one run shows them all. Only a text that is no TOML at all ends the
//! search at its first fault, because what follows it cannot be trusted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::check::clashes;
use crate::schema::{KEYS, Key, Wrong, limits};
use crate::{Config, ConfigError, Place, Problem};

impl Config {
    /// Reads the file, if there is one, lays the options (`section.key=value`)
    /// over it, and checks everything.
    ///
    /// The value of an option is TOML where it reads as such, else a text, so
    /// that `--set gateway.fail=closed` needs no quotes; a key that takes a
    /// list takes a single value too.
    ///
    /// # Errors
    /// Names every problem with its key, its place and what is allowed.
    pub fn load(path: Option<&Path>, sets: &[String]) -> Result<Self, ConfigError> {
        let source = match path {
            Some(path) => {
                read(path).map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?
            }
            None => String::new(),
        };
        let mut loading = Loading::default();
        if let Some(path) = path {
            loading.file(path, &source);
        }
        for option in sets {
            loading.option(option);
        }
        loading.finish()
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut source = String::new();
    File::open(path)?.take(limits::FILE_BYTES_MAX + 1).read_to_string(&mut source)?;
    if source.len() as u64 > limits::FILE_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("more than {} bytes", limits::FILE_BYTES_MAX),
        ));
    }
    Ok(source)
}

/// A configuration in the making.
#[derive(Default)]
struct Loading {
    config: Config,
    /// Who spoke last on each key.
    places: BTreeMap<&'static str, Place>,
    problems: Vec<Problem>,
}

impl Loading {
    fn file(&mut self, path: &Path, source: &str) {
        let place = |at| Place::in_file(path, source, at);
        match DeTable::parse(source) {
            Ok(table) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                self.section("", table.get_ref(), folder, &place);
            }
            Err(error) => self.problems.push(Problem {
                key: String::new(),
                place: place(error.span().map_or(0, |span| span.start)),
                what: format!("not TOML: {}", error.message()),
                allowed: String::new(),
            }),
        }
    }

    /// Takes the keys of one section, and of the sections within it.
    fn section(&mut self, prefix: &str, table: &DeTable<'_>, folder: &Path, place: &dyn Fn(usize) -> Place) {
        // The parser sorts by name; an operator reads from the top.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in entries {
            let dotted = join(prefix, name.get_ref());
            if let Some(key) = KEYS.iter().find(|key| key.name == dotted) {
                let result = (key.set)(&mut self.config, value.get_ref(), folder);
                let at = match &result {
                    Err(Wrong { at: Some(at), .. }) => *at,
                    _ => name.span().start,
                };
                self.took(key, result, place(at));
                continue;
            }
            match value.get_ref().as_table().filter(|_| is_section(&dotted)) {
                Some(table) => self.section(&dotted, table, folder, place),
                None => self.problems.push(unknown(&dotted, place(name.span().start))),
            }
        }
    }

    fn option(&mut self, option: &str) {
        let place = Place::Set(option.to_owned());
        let Some((name, text)) = option.split_once('=') else {
            self.problems.push(Problem {
                key: String::new(),
                place,
                what: "has no `=`".into(),
                allowed: "section.key=value".into(),
            });
            return;
        };
        let name = name.trim();
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            self.problems.push(unknown(name, place));
            return;
        };
        let result = self.set(key, text.trim());
        self.took(key, result, place);
    }

    /// Sets a key to a value as it stands in an option.
    fn set(&mut self, key: &Key, text: &str) -> Result<(), Wrong> {
        let here = Path::new("");
        let plain = || Spanned::new(0..text.len(), DeValue::String(text.into()));
        let value = DeValue::parse(text).unwrap_or_else(|_| plain());
        let result = (key.set)(&mut self.config, value.get_ref(), here);
        if result.is_ok() || value.get_ref().is_array() {
            return result;
        }
        let mut alone = DeArray::new();
        alone.push(value);
        (key.set)(&mut self.config, &DeValue::Array(alone), here).or(result)
    }

    fn took(&mut self, key: &Key, result: Result<(), Wrong>, place: Place) {
        match result {
            Ok(()) => {
                self.places.insert(key.name, place);
            }
            Err(Wrong { what, allowed, .. }) => {
                self.problems.push(Problem { key: key.name.to_owned(), place, what, allowed });
            }
        }
    }

    fn finish(self) -> Result<Config, ConfigError> {
        let Self { config, places, mut problems } = self;
        // A value that was refused left its default behind; what that default
        // contradicts is not the operator's fault.
        if problems.is_empty() {
            for clash in clashes(&config) {
                let place = clash.keys.iter().find_map(|key| places.get(key)).cloned();
                problems.push(clash.at(place.unwrap_or(Place::Given)));
            }
        }
        if problems.is_empty() { Ok(config) } else { Err(ConfigError::Refused(problems)) }
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// Whether keys begin with this name and a dot.
fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The deepest section around a name; empty for the file as a whole.
fn section_of(dotted: &str) -> &str {
    let mut name = dotted;
    while let Some((section, _)) = name.rsplit_once('.') {
        if is_section(section) {
            return section;
        }
        name = section;
    }
    ""
}

/// The names that may stand in a section, in the order of the shipped file.
fn names_in(section: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for key in KEYS {
        let rest = match section {
            "" => Some(key.name),
            _ => key.name.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')),
        };
        let name = rest.and_then(|rest| rest.split('.').next());
        names.extend(name.filter(|name| !names.contains(name)));
    }
    names.join(", ")
}

fn unknown(dotted: &str, place: Place) -> Problem {
    let section = section_of(dotted);
    let (what, allowed) = if is_section(dotted) {
        ("is a section, not a key".to_owned(), format!("under [{dotted}] the keys {}", names_in(dotted)))
    } else if let Some(name) = meant(dotted) {
        (format!("is no key: did you mean `{name}`?"), String::new())
    } else if section.is_empty() {
        ("is no key".to_owned(), format!("the sections {}", names_in("")))
    } else {
        ("is no key".to_owned(), format!("under [{section}] the keys {}", names_in(section)))
    };
    Problem { key: dotted.to_owned(), place, what, allowed }
}

/// The key or section that a wrong name was probably to be: the right name in
/// another section, or else one that is a slip of the finger away.
fn meant(dotted: &str) -> Option<&'static str> {
    const ALIKE: f64 = 0.75;
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
    let misplaced = KEYS.iter().map(|key| key.name).find(|name| last(name) == last(dotted));
    let alike = |name: &'static str| (strsim::normalized_damerau_levenshtein(name, dotted), name);
    let names = KEYS.iter().flat_map(|key| [section_of(key.name), key.name]);
    let nearest = names.map(alike).max_by(|(a, _), (b, _)| a.total_cmp(b));
    misplaced.or(nearest.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, name)| name))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{Events, Fail, Mode, Workers};

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file
    }

    fn load(text: &str, sets: &[&str]) -> Result<Config, ConfigError> {
        let file = file(text);
        let sets: Vec<_> = sets.iter().map(ToString::to_string).collect();
        Config::load(Some(file.path()), &sets)
    }

    /// Every problem as text, with the file's name cut off.
    fn refused(text: &str, sets: &[&str]) -> Vec<String> {
        let error = load(text, sets).expect_err(text);
        let shown = |problem: &Problem| match &problem.place {
            Place::File { path, .. } => problem.to_string().replace(&format!("{}:", path.display()), ""),
            _ => problem.to_string(),
        };
        error.problems().iter().map(shown).collect()
    }

    #[test]
    fn nothing_given_is_the_default() {
        assert_eq!(Config::load(None, &[]).expect("defaults"), Config::default());
        assert_eq!(load("", &[]).expect("defaults"), Config::default());
    }

    #[test]
    fn takes_what_the_file_says() {
        let config =
            load("[gateway]\npairs = ['eth1:eth2']\nfail = 'closed'\n[flow.timeouts]\ntcp_new_s = 5\n", &[])
                .expect("a configuration");
        assert_eq!(config.gateway.pairs, ["eth1:eth2".parse().expect("a pair")]);
        assert_eq!(config.gateway.fail, Fail::Closed);
        assert_eq!(config.flow.timeouts.tcp_new_s, 5);
        let dotted = load("flow.timeouts.tcp_new_s = 5", &[]).expect("a configuration");
        assert_eq!(dotted.flow, config.flow);
    }

    #[test]
    fn options_have_the_last_word() {
        let config = load(
            "[gateway]\nworkers = 2\n",
            &[
                "gateway.workers=3",
                "gateway.workers = 4",
                "gateway.mode=tap",
                "gateway.taps=eth3",
                "gateway.cores=[0, 1, 2, 3]",
                "rules.paths=rules",
                "output.events=-",
                "control.socket=",
                "output.community_id=false",
            ],
        )
        .expect("a configuration");
        assert_eq!(config.gateway.workers, Workers::Count(4));
        assert_eq!(config.gateway.mode, Mode::Tap);
        assert_eq!(config.gateway.taps, ["eth3"]);
        assert_eq!(config.gateway.cores, [0, 1, 2, 3]);
        assert_eq!(config.rules.paths, [Path::new("rules")]);
        assert_eq!(config.output.events, Events::Stdout);
        assert_eq!(config.control.socket, None);
        assert!(!config.output.community_id);
    }

    #[test]
    fn shows_every_problem_in_the_order_of_the_file() {
        assert_eq!(
            refused(
                "[gateway]\nworkers = 99\n  wrokers = 3 # oops\n\n[flow]\ncapacity = 'big'\n",
                &["log.level=loud", "gateway.pin=1", "nonsense"]
            ),
            [
                "2: gateway.workers is the number 99; allowed: \"auto\", or 1 to 64\n  2 | workers = 99",
                "3: gateway.wrokers is no key: did you mean `gateway.workers`?\n  3 | wrokers = 3 # oops",
                "6: flow.capacity is the text \"big\"; allowed: 1024 to 100000000\n  6 | capacity = 'big'",
                "--set log.level=loud: log.level is the text \"loud\"; allowed: \"info\" or \"error\" or \
                 \"warn\" or \"debug\" or \"trace\"",
                "--set gateway.pin=1: gateway.pin is the number 1; allowed: true or false",
                "--set nonsense: has no `=`; allowed: section.key=value",
            ]
        );
    }

    #[test]
    fn an_unknown_name_is_told_what_there_is() {
        assert_eq!(
            refused("[gatewy]\npin = true\n", &[]),
            ["1: gatewy is no key: did you mean `gateway`?\n  1 | [gatewy]"]
        );
        assert_eq!(
            refused("mode = 'tap'\n", &[]),
            ["1: mode is no key: did you mean `gateway.mode`?\n  1 | mode = 'tap'"]
        );
        assert_eq!(
            refused("[control]\nzzz = 1\n", &[]),
            ["2: control.zzz is no key; allowed: under [control] the keys socket\n  2 | zzz = 1"]
        );
        assert_eq!(
            refused("zzz = 1\n", &[]),
            [
                "1: zzz is no key; allowed: the sections gateway, flow, defrag, stream, dissect, rules, output, control, log\n  1 | zzz = 1"
            ]
        );
        assert_eq!(
            refused("flow = 1\n", &["flow=1"]),
            [
                "1: flow is a section, not a key; allowed: under [flow] the keys capacity, timeouts\n  1 | flow = 1",
                "--set flow=1: flow is a section, not a key; allowed: under [flow] the keys capacity, timeouts",
            ]
        );
        assert_eq!(refused("", &["flow.timeouts.zzz.yyy=1"]).len(), 1);
        assert_eq!(
            refused("[gateway.pin]\nx = 1\n", &[])[0].split('\n').next(),
            Some("1: gateway.pin is a section; allowed: true or false")
        );
    }

    #[test]
    fn a_wrong_entry_of_a_long_list_is_shown_in_its_own_line() {
        assert_eq!(
            refused("[gateway]\npairs = [\n  'eth1:eth2',\n  'eth3',\n]\n", &[]),
            ["4: gateway.pairs entry 2 is wrong: `eth3` is not two interfaces with a colon between them; \
              allowed: a list of pairs of interfaces, as in [\"eth1:eth2\"]\n  4 | 'eth3',"]
        );
    }

    #[test]
    fn what_is_no_toml_is_shown_where_it_stops_being_it() {
        let found = refused("[gateway]\npin = \n", &[]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("2: not TOML: "), "{found:?}");
        let found = refused("[gateway]\npin = true\npin = false\n", &[]);
        assert!(found[0].starts_with("3: not TOML: duplicate key"), "{found:?}");
    }

    #[test]
    fn a_clash_is_shown_where_it_was_said() {
        let text = "[gateway]\nmode = 'tap'\npairs = ['a:b']\n";
        assert_eq!(
            refused(text, &[]),
            ["3: gateway.pairs names pairs, which gateway.mode = \"tap\" does not join; allowed: \
              gateway.taps, or gateway.mode = \"inline\"\n  3 | pairs = ['a:b']"]
        );
        let found = refused("", &["gateway.ring_size=65536"]);
        assert!(found[0].starts_with("--set gateway.ring_size=65536: gateway.frames is 16384"), "{found:?}");
    }

    #[test]
    fn a_refused_value_is_not_blamed_for_what_its_default_contradicts() {
        let found = refused("[gateway]\nmode = 'tapp'\ntaps = ['eth3']\n", &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("2: gateway.mode is the text"), "{found:?}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let missing = Config::load(Some(Path::new("/nonexistent/t.toml")), &[]).expect_err("missing");
        assert!(missing.to_string().starts_with("cannot read the configuration /nonexistent/t.toml: "));
        let long = "#".repeat(1 << 20) + "\n";
        assert!(load(&long, &[]).expect_err("too long").to_string().contains("more than 1048576 bytes"));
    }
}
