//! One row for each key of the file: its name, where its value goes, and how
//! the value is read and bounded.
//!
//! A reader returns the value or a [`Wrong`], which says what was found and,
//! out of the same constants that it checked against, what is allowed.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::de::{DeInteger, DeValue};

use crate::network::NetworkPolicy;
use crate::port::{Pair, interface_name};
use crate::value::{Events, Workers};
use crate::words::Word;
use crate::{Config, limits as bounds};

/// The least and the most of every number, and the most of every list.
pub mod limits {
    use std::ops::RangeInclusive;

    /// Entries of `gateway.pairs`.
    pub const PAIRS_MAX: usize = 32;
    /// Entries of `gateway.taps`.
    pub const TAPS_MAX: usize = 32;
    /// `gateway.workers`, where it is a number.
    pub const WORKERS: RangeInclusive<u8> = 1..=64;
    /// Entries of `gateway.cores`.
    pub const CORES_MAX: usize = 64;
    /// One entry of `gateway.cores`: as far as the kernel's `cpu_set_t` goes.
    pub const CORE: RangeInclusive<u16> = 0..=1023;
    /// `gateway.frames`.
    pub const FRAMES: RangeInclusive<u32> = 256..=4_194_304;
    /// `gateway.frame_size`: what the kernel takes for aligned UMEM.
    pub const FRAME_SIZES: [u32; 2] = [2048, 4096];
    /// `gateway.ring_size`, powers of two only.
    pub const RING_SIZE: RangeInclusive<u32> = 64..=65_536;
    /// Rings that one worker's frames must fill: FILL and TX of both devices.
    pub const RINGS_FILLED: u32 = 4;
    /// `gateway.heartbeat_timeout_ms`, where it is not 0. Less than 100 ms would
    /// take a worker for dead that the scheduler merely made wait.
    pub const HEARTBEAT_TIMEOUT_MS: RangeInclusive<u32> = 100..=60_000;
    /// `flow.capacity`.
    pub const FLOW_CAPACITY: RangeInclusive<u32> = 1024..=100_000_000;
    /// Every key of `flow.timeouts`: up to a week.
    pub const FLOW_TIMEOUT_S: RangeInclusive<u32> = 1..=604_800;
    /// `defrag.datagrams`.
    pub const DEFRAG_DATAGRAMS: RangeInclusive<u32> = 64..=16_777_216;
    /// `defrag.memory_mb`, `stream.memory_mb` and `dissect.memory_mb`.
    pub const MEMORY_MB: RangeInclusive<u32> = 1..=1_048_576;
    /// `defrag.timeout_s`.
    pub const DEFRAG_TIMEOUT_S: RangeInclusive<u32> = 1..=600;
    /// Entries of `defrag.policies` and of `stream.policies`.
    pub const POLICIES_MAX: usize = 256;
    /// `stream.depth`, where it is not 0.
    pub const STREAM_DEPTH: RangeInclusive<u32> = 1024..=1_073_741_824;
    /// `stream.flow_memory_kb`: at least a receive window without scaling.
    pub const FLOW_MEMORY_KB: RangeInclusive<u32> = 64..=1_048_576;
    /// Entries of `rules.paths`.
    pub const RULE_PATHS_MAX: usize = 256;
    /// `output.queue`.
    pub const EVENT_QUEUE: RangeInclusive<u32> = 64..=1_048_576;
    /// `output.stats_interval_s`: up to a day; 0 is off.
    pub const STATS_INTERVAL_S: RangeInclusive<u32> = 0..=86_400;
    /// `output.anomalies_per_flow`.
    pub const ANOMALIES_PER_FLOW: RangeInclusive<u32> = 0..=1_000_000;
    /// `output.flush_ms`.
    pub const FLUSH_MS: RangeInclusive<u32> = 1..=60_000;
    /// Bytes in a path: `PATH_MAX` of the kernel without its closing zero.
    pub const PATH_BYTES_MAX: usize = 4095;
    /// Bytes in the path of a Unix socket: `sun_path` without its closing zero.
    pub const SOCKET_PATH_BYTES_MAX: usize = 107;
    /// Bytes in a configuration file.
    pub const FILE_BYTES_MAX: u64 = 1 << 20;
}

/// A value that a key does not take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// What was found, as the end of a sentence that begins with the key.
    pub(crate) what: String,
    /// What the key takes.
    pub(crate) allowed: String,
    /// Where in the text, if closer than the value as a whole.
    pub(crate) at: Option<usize>,
}

impl Wrong {
    fn new(what: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { what: what.into(), allowed: allowed.into(), at: None }
    }

    fn kind(value: &DeValue<'_>, allowed: impl Into<String>) -> Self {
        let found = match value {
            DeValue::String(text) => format!("is the text \"{}\"", short(text)),
            DeValue::Integer(number) => format!("is the number {number}"),
            DeValue::Float(number) => format!("is the fraction {}", number.as_str()),
            DeValue::Boolean(value) => format!("is {value}"),
            DeValue::Datetime(_) => "is a date".to_owned(),
            DeValue::Array(_) => "is a list".to_owned(),
            DeValue::Table(_) => "is a section".to_owned(),
        };
        Self::new(found, allowed)
    }
}

/// One key.
pub(crate) struct Key {
    /// Its dotted name.
    pub(crate) name: &'static str,
    /// Reads a value into its place. Relative paths count from the folder.
    pub(crate) set: fn(&mut Config, &DeValue<'_>, &Path) -> Result<(), Wrong>,
}

macro_rules! keys {
    ($($first:ident $(. $rest:ident)+ = |$value:ident, $folder:pat_param| $read:expr;)*) => {
        &[$(Key {
            name: concat!(stringify!($first) $(, ".", stringify!($rest))+),
            set: |config, $value, $folder| {
                config.$first $(.$rest)+ = $read?;
                Ok(())
            },
        },)*]
    };
}

/// Every key, in the order of the shipped file.
pub(crate) const KEYS: &[Key] = keys! {
    gateway.pairs = |v, _| list(v, bounds::PAIRS_MAX, PAIRS, |v| text(v, PAIRS, str::parse::<Pair>));
    gateway.taps = |v, _| list(v, bounds::TAPS_MAX, TAPS, |v| text(v, TAPS, interface_name));
    gateway.mode = |v, _| word(v);
    gateway.workers = |v, _| workers(v);
    gateway.cores = |v, _| list(v, bounds::CORES_MAX, "a list of CPU numbers", |v| number(v, bounds::CORE));
    gateway.fail = |v, _| word(v);
    gateway.pin = |v, _| flag(v);
    gateway.pin_path = |v, folder| path(v, folder);
    gateway.xdp = |v, _| word(v);
    gateway.zero_copy = |v, _| word(v);
    gateway.poll = |v, _| word(v);
    gateway.frames = |v, _| number(v, bounds::FRAMES);
    gateway.frame_size = |v, _| one_of(v, &bounds::FRAME_SIZES);
    gateway.ring_size = |v, _| power_of_two(v, bounds::RING_SIZE);
    gateway.promiscuous = |v, _| flag(v);
    gateway.heartbeat_timeout_ms = |v, _| number_or_zero(v, bounds::HEARTBEAT_TIMEOUT_MS);
    gateway.default_verdict = |v, _| word(v);
    gateway.malformed = |v, _| word(v);
    gateway.checksums = |v, _| word(v);
    flow.capacity = |v, _| number(v, bounds::FLOW_CAPACITY);
    flow.timeouts.tcp_new_s = |v, _| number(v, bounds::FLOW_TIMEOUT_S);
    flow.timeouts.tcp_established_s = |v, _| number(v, bounds::FLOW_TIMEOUT_S);
    flow.timeouts.tcp_closing_s = |v, _| number(v, bounds::FLOW_TIMEOUT_S);
    flow.timeouts.tcp_closed_s = |v, _| number(v, bounds::FLOW_TIMEOUT_S);
    flow.timeouts.udp_new_s = |v, _| number(v, bounds::FLOW_TIMEOUT_S);
    flow.timeouts.udp_established_s = |v, _| number(v, bounds::FLOW_TIMEOUT_S);
    flow.timeouts.icmp_new_s = |v, _| number(v, bounds::FLOW_TIMEOUT_S);
    flow.timeouts.icmp_established_s = |v, _| number(v, bounds::FLOW_TIMEOUT_S);
    flow.timeouts.other_new_s = |v, _| number(v, bounds::FLOW_TIMEOUT_S);
    flow.timeouts.other_established_s = |v, _| number(v, bounds::FLOW_TIMEOUT_S);
    defrag.datagrams = |v, _| number(v, bounds::DEFRAG_DATAGRAMS);
    defrag.memory_mb = |v, _| number(v, bounds::MEMORY_MB);
    defrag.timeout_s = |v, _| number(v, bounds::DEFRAG_TIMEOUT_S);
    defrag.policy = |v, _| word(v);
    defrag.policies = |v, _| policies(v);
    stream.depth = |v, _| number_or_zero(v, bounds::STREAM_DEPTH);
    stream.memory_mb = |v, _| number(v, bounds::MEMORY_MB);
    stream.flow_memory_kb = |v, _| number(v, bounds::FLOW_MEMORY_KB);
    stream.policy = |v, _| word(v);
    stream.policies = |v, _| policies(v);
    stream.normalise = |v, _| word(v);
    stream.invalid = |v, _| word(v);
    stream.midstream = |v, _| flag(v);
    dissect.memory_mb = |v, _| number(v, bounds::MEMORY_MB);
    rules.paths = |v, folder| list(v, bounds::RULE_PATHS_MAX, "a list of paths", |v| path(v, folder));
    output.events = |v, folder| events(v, folder);
    output.queue = |v, _| number(v, bounds::EVENT_QUEUE);
    output.stats_interval_s = |v, _| number(v, bounds::STATS_INTERVAL_S);
    output.flush_ms = |v, _| number(v, bounds::FLUSH_MS);
    output.anomalies_per_flow = |v, _| number(v, bounds::ANOMALIES_PER_FLOW);
    output.community_id = |v, _| flag(v);
    output.ethernet = |v, _| flag(v);
    control.socket = |v, folder| socket(v, folder);
    log.level = |v, _| word(v);
};

const PAIRS: &str = "a list of pairs of interfaces, as in [\"eth1:eth2\"]";
const TAPS: &str = "a list of interfaces, as in [\"eth3\"]";

fn flag(value: &DeValue<'_>) -> Result<bool, Wrong> {
    value.as_bool().ok_or_else(|| Wrong::kind(value, "true or false"))
}

fn word<W: Word>(value: &DeValue<'_>) -> Result<W, Wrong> {
    let found = value.as_str().and_then(|text| W::WORDS.iter().find(|(word, _)| *word == text));
    found.map(|&(_, variant)| variant).ok_or_else(|| {
        let words: Vec<_> = W::WORDS.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        Wrong::kind(value, words.join(" or "))
    })
}

/// The number, if it is a whole one and fits its type.
fn whole<N: TryFrom<i128>>(value: &DeValue<'_>) -> Option<N> {
    let DeValue::Integer(number) = value else { return None };
    N::try_from(wide(number)?).ok()
}

fn wide(number: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(number.as_str(), number.radix()).ok()
}

fn number<N: TryFrom<i128> + PartialOrd + Display>(
    value: &DeValue<'_>,
    range: RangeInclusive<N>,
) -> Result<N, Wrong> {
    whole(value)
        .filter(|number| range.contains(number))
        .ok_or_else(|| Wrong::kind(value, format!("{} to {}", range.start(), range.end())))
}

fn number_or_zero(value: &DeValue<'_>, range: RangeInclusive<u32>) -> Result<u32, Wrong> {
    whole(value)
        .filter(|number| *number == 0 || range.contains(number))
        .ok_or_else(|| Wrong::kind(value, format!("{} to {}, or 0 for off", range.start(), range.end())))
}

fn power_of_two(value: &DeValue<'_>, range: RangeInclusive<u32>) -> Result<u32, Wrong> {
    whole(value).filter(|number: &u32| range.contains(number) && number.is_power_of_two()).ok_or_else(|| {
        Wrong::kind(value, format!("a power of two from {} to {}", range.start(), range.end()))
    })
}

fn one_of(value: &DeValue<'_>, numbers: &[u32]) -> Result<u32, Wrong> {
    whole(value).filter(|number| numbers.contains(number)).ok_or_else(|| {
        let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        Wrong::kind(value, numbers.join(" or "))
    })
}

fn workers(value: &DeValue<'_>) -> Result<Workers, Wrong> {
    if value.as_str() == Some("auto") {
        return Ok(Workers::Auto);
    }
    number(value, bounds::WORKERS)
        .map(Workers::Count)
        .map_err(|wrong| Wrong { allowed: format!("\"auto\", or {}", wrong.allowed), ..wrong })
}

/// A text that `read` understands; its error says what is wrong with it.
fn text<T, E: Display>(
    value: &DeValue<'_>,
    allowed: &str,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, Wrong> {
    let text = value.as_str().ok_or_else(|| Wrong::kind(value, allowed))?;
    read(text).map_err(|error| Wrong::new(format!("is wrong: {error}"), allowed))
}

fn list<T>(
    value: &DeValue<'_>,
    most: usize,
    allowed: &str,
    read: impl Fn(&DeValue<'_>) -> Result<T, Wrong>,
) -> Result<Vec<T>, Wrong> {
    let array = value.as_array().ok_or_else(|| Wrong::kind(value, allowed))?;
    if array.len() > most {
        return Err(Wrong::new(format!("has {} entries", array.len()), format!("at most {most}")));
    }
    let read_one = |(at, entry): (usize, &toml::Spanned<DeValue<'_>>)| {
        read(entry.get_ref()).map_err(|wrong| Wrong {
            what: format!("entry {} {}", at + 1, wrong.what),
            at: Some(entry.span().start),
            ..wrong
        })
    };
    array.iter().enumerate().map(read_one).collect()
}

fn policies<P: Word>(value: &DeValue<'_>) -> Result<Vec<NetworkPolicy<P>>, Wrong> {
    const POLICIES: &str = "a list of networks and their policies, as in [\"10.0.0.0/8=windows\"]";
    list(value, bounds::POLICIES_MAX, POLICIES, |v| text(v, POLICIES, str::parse))
}

fn path(value: &DeValue<'_>, folder: &Path) -> Result<PathBuf, Wrong> {
    path_up_to(value, folder, bounds::PATH_BYTES_MAX)
}

fn path_up_to(value: &DeValue<'_>, folder: &Path, most: usize) -> Result<PathBuf, Wrong> {
    let allowed = format!("a path of 1 to {most} bytes");
    let text = value.as_str().ok_or_else(|| Wrong::kind(value, &*allowed))?;
    let path = folder.join(text);
    if text.is_empty() || text.contains('\0') || path.as_os_str().len() > most {
        return Err(Wrong::kind(value, allowed));
    }
    Ok(path)
}

fn events(value: &DeValue<'_>, folder: &Path) -> Result<Events, Wrong> {
    match value.as_str().map(Events::from) {
        Some(nowhere_or_stdout @ (Events::Off | Events::Stdout)) => Ok(nowhere_or_stdout),
        _ => path(value, folder).map(Events::File).map_err(|wrong| Wrong {
            allowed: format!("{}, \"-\" for stdout, or \"\" for nowhere", wrong.allowed),
            ..wrong
        }),
    }
}

fn socket(value: &DeValue<'_>, folder: &Path) -> Result<Option<PathBuf>, Wrong> {
    if value.as_str() == Some("") || value.as_bool() == Some(false) {
        return Ok(None);
    }
    path_up_to(value, folder, bounds::SOCKET_PATH_BYTES_MAX)
        .map(Some)
        .map_err(|wrong| Wrong { allowed: format!("{}, or \"\" for none", wrong.allowed), ..wrong })
}

/// The text, cut where it would drown the message.
fn short(text: &str) -> Cow<'_, str> {
    const CHARS_MAX: usize = 60;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str) -> Result<Config, Wrong> {
        let mut config = Config::default();
        let key = KEYS.iter().find(|key| key.name == name).expect(name);
        let value = DeValue::parse(value).expect("TOML");
        (key.set)(&mut config, value.get_ref(), Path::new("/etc/tidegate")).map(|()| config)
    }

    fn refused(name: &str, value: &str) -> String {
        let wrong = set(name, value).expect_err(value);
        format!("{} | {}", wrong.what, wrong.allowed)
    }

    #[test]
    fn numbers_keep_to_their_limits() {
        assert_eq!(set("gateway.frames", "0x1_000").expect("hex").gateway.frames, 4096);
        assert_eq!(set("gateway.frames", "256").expect("least").gateway.frames, 256);
        assert_eq!(refused("gateway.frames", "255"), "is the number 255 | 256 to 4194304");
        assert_eq!(refused("gateway.frames", "-256"), "is the number -256 | 256 to 4194304");
        assert_eq!(refused("gateway.frames", "4194305"), "is the number 4194305 | 256 to 4194304");
        assert_eq!(refused("gateway.frames", "4096.0"), "is the fraction 4096.0 | 256 to 4194304");
        assert_eq!(refused("gateway.frames", "\"4096\""), "is the text \"4096\" | 256 to 4194304");
        let beyond_every_type = "999999999999999999999999999999999999999999";
        assert!(refused("gateway.frames", beyond_every_type).contains("| 256 to 4194304"));
        assert_eq!(set("gateway.heartbeat_timeout_ms", "0").expect("off").gateway.heartbeat_timeout_ms, 0);
        assert_eq!(
            refused("gateway.heartbeat_timeout_ms", "99"),
            "is the number 99 | 100 to 60000, or 0 for off"
        );
        assert_eq!(refused("gateway.frame_size", "1024"), "is the number 1024 | 2048 or 4096");
        assert_eq!(
            refused("gateway.ring_size", "3000"),
            "is the number 3000 | a power of two from 64 to 65536"
        );
        assert_eq!(set("gateway.ring_size", "65536").expect("most").gateway.ring_size, 65_536);
        assert_eq!(refused("gateway.ring_size", "32"), "is the number 32 | a power of two from 64 to 65536");
    }

    #[test]
    fn workers_are_a_number_or_auto() {
        assert_eq!(set("gateway.workers", "64").expect("most").gateway.workers, Workers::Count(64));
        assert_eq!(set("gateway.workers", "'auto'").expect("auto").gateway.workers, Workers::Auto);
        assert_eq!(refused("gateway.workers", "0"), "is the number 0 | \"auto\", or 1 to 64");
        assert_eq!(refused("gateway.workers", "'all'"), "is the text \"all\" | \"auto\", or 1 to 64");
    }

    #[test]
    fn words_are_exact() {
        assert_eq!(set("gateway.fail", "'closed'").expect("a word").gateway.fail, crate::Fail::Closed);
        assert_eq!(refused("gateway.fail", "'Closed'"), "is the text \"Closed\" | \"open\" or \"closed\"");
        assert_eq!(refused("gateway.fail", "true"), "is true | \"open\" or \"closed\"");
        assert_eq!(refused("gateway.pin", "'yes'"), "is the text \"yes\" | true or false");
        assert!(refused("gateway.fail", &format!("'{}'", "é".repeat(100))).contains("é...\""));
    }

    #[test]
    fn a_list_says_which_entry_is_wrong() {
        let wrong = set("gateway.pairs", "['a:b', 'c']").expect_err("no pair");
        assert_eq!(wrong.what, "entry 2 is wrong: `c` is not two interfaces with a colon between them");
        assert_eq!(wrong.at, Some(8));
        assert_eq!(refused("gateway.cores", "[0, 1024]"), "entry 2 is the number 1024 | 0 to 1023");
        let many = format!("[{}]", "'eth0',".repeat(33));
        assert_eq!(refused("gateway.taps", &many), "has 33 entries | at most 32");
        assert!(refused("gateway.taps", "'eth3'").starts_with("is the text \"eth3\" | a list"));
    }

    #[test]
    fn relative_paths_count_from_the_folder_of_the_file() {
        let config = set("rules.paths", "['rules', '/srv/more']").expect("paths");
        assert_eq!(config.rules.paths, [Path::new("/etc/tidegate/rules"), Path::new("/srv/more")]);
        let config = set("output.events", "'eve.json'").expect("a path");
        assert_eq!(config.output.events, Events::File("/etc/tidegate/eve.json".into()));
        assert_eq!(set("output.events", "'-'").expect("stdout").output.events, Events::Stdout);
        assert_eq!(set("control.socket", "false").expect("none").control.socket, None);
        assert_eq!(set("control.socket", "''").expect("none").control.socket, None);
        assert!(refused("control.socket", "true").ends_with("or \"\" for none"));
        assert!(refused("control.socket", &format!("'/{}'", "s".repeat(107))).contains("107 bytes"));
        assert!(refused("rules.paths", "['']").starts_with("entry 1 is the text \"\""));
    }
}
