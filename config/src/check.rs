//! What no value can be checked for alone: values that contradict each other.

use crate::schema::limits;
use crate::words::Mode;
use crate::{Config, ConfigError, Place, Problem, Workers};

/// Two values that do not go together.
pub(crate) struct Clash {
    /// The keys of both, the one to blame first.
    pub(crate) keys: [&'static str; 2],
    /// What is wrong with the first.
    pub(crate) what: String,
    /// What to do.
    pub(crate) allowed: String,
}

impl Config {
    /// Checks the values against each other, as [`Config::load`] has done.
    /// For a configuration that was changed after it was loaded.
    pub fn check(&self) -> Result<(), ConfigError> {
        let clashes = clashes(self);
        if clashes.is_empty() {
            return Ok(());
        }
        Err(ConfigError::Refused(clashes.into_iter().map(|clash| clash.at(Place::Given)).collect()))
    }
}

impl Clash {
    pub(crate) fn at(self, place: Place) -> Problem {
        let [key, _] = self.keys;
        Problem { key: key.to_owned(), place, what: self.what, allowed: self.allowed }
    }
}

/// Everything that contradicts itself.
pub(crate) fn clashes(config: &Config) -> Vec<Clash> {
    let mut found = Vec::new();
    interfaces(config, &mut found);
    cores(config, &mut found);
    frames(config, &mut found);
    found
}

fn interfaces(config: &Config, found: &mut Vec<Clash>) {
    let gateway = &config.gateway;
    if gateway.mode == Mode::Tap && !gateway.pairs.is_empty() {
        found.push(Clash {
            keys: ["gateway.pairs", "gateway.mode"],
            what: "names pairs, which gateway.mode = \"tap\" does not join".into(),
            allowed: "gateway.taps, or gateway.mode = \"inline\"".into(),
        });
    }
    if gateway.mode == Mode::Inline && !gateway.taps.is_empty() {
        found.push(Clash {
            keys: ["gateway.taps", "gateway.mode"],
            what: "names interfaces to watch, which gateway.mode = \"inline\" does not".into(),
            allowed: "gateway.pairs, or gateway.mode = \"tap\"".into(),
        });
    }
    let of_pairs = gateway
        .pairs
        .iter()
        .flat_map(|pair| [("gateway.pairs", &pair.inside), ("gateway.pairs", &pair.outside)]);
    let of_taps = gateway.taps.iter().map(|tap| ("gateway.taps", tap));
    let mut seen: Vec<(&str, &String)> = Vec::new();
    for (key, name) in of_pairs.chain(of_taps) {
        if let Some((before, _)) = seen.iter().find(|(_, earlier)| *earlier == name) {
            found.push(Clash {
                keys: [key, before],
                what: format!("names the interface `{name}` a second time"),
                allowed: "each interface once, in one pair or as one tap".into(),
            });
        }
        seen.push((key, name));
    }
}

fn cores(config: &Config, found: &mut Vec<Clash>) {
    let gateway = &config.gateway;
    for (at, core) in gateway.cores.iter().enumerate() {
        if gateway.cores.iter().take(at).any(|earlier| earlier == core) {
            found.push(Clash {
                keys: ["gateway.cores", "gateway.cores"],
                what: format!("names CPU {core} a second time"),
                allowed: "each CPU once".into(),
            });
        }
    }
    if let Workers::Count(workers) = gateway.workers
        && !gateway.cores.is_empty()
        && gateway.cores.len() < usize::from(workers)
    {
        found.push(Clash {
            keys: ["gateway.cores", "gateway.workers"],
            what: format!("names {} CPUs for {workers} workers", gateway.cores.len()),
            allowed: "one CPU for each of gateway.workers, or none".into(),
        });
    }
}

fn frames(config: &Config, found: &mut Vec<Clash>) {
    let gateway = &config.gateway;
    let least = gateway.ring_size.saturating_mul(limits::RINGS_FILLED);
    if gateway.frames < least {
        found.push(Clash {
            keys: ["gateway.frames", "gateway.ring_size"],
            what: format!(
                "is {}, which does not fill {} rings of gateway.ring_size = {}",
                gateway.frames,
                limits::RINGS_FILLED,
                gateway.ring_size
            ),
            allowed: format!("{least} or more, or smaller rings"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pair;

    fn pair(inside: &str, outside: &str) -> Pair {
        Pair { inside: inside.into(), outside: outside.into() }
    }

    fn blamed(change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config = Config::default();
        change(&mut config);
        match config.check() {
            Ok(()) => Vec::new(),
            Err(error) => error.problems().iter().map(|p| format!("{} {}", p.key, p.what)).collect(),
        }
    }

    #[test]
    fn the_defaults_agree_with_each_other() {
        assert_eq!(blamed(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn a_mode_wants_its_own_interfaces() {
        let found = blamed(|c| {
            c.gateway.mode = Mode::Tap;
            c.gateway.pairs = vec![pair("a", "b")];
        });
        assert_eq!(found, ["gateway.pairs names pairs, which gateway.mode = \"tap\" does not join"]);
        let found = blamed(|c| c.gateway.taps = vec!["a".into()]);
        assert_eq!(
            found,
            ["gateway.taps names interfaces to watch, which gateway.mode = \"inline\" does not"]
        );
    }

    #[test]
    fn an_interface_stands_in_one_place_only() {
        let found = blamed(|c| c.gateway.pairs = vec![pair("a", "b"), pair("c", "a")]);
        assert_eq!(found, ["gateway.pairs names the interface `a` a second time"]);
        let found = blamed(|c| {
            c.gateway.mode = Mode::Tap;
            c.gateway.taps = vec!["a".into(), "b".into(), "a".into()];
        });
        assert_eq!(found, ["gateway.taps names the interface `a` a second time"]);
    }

    #[test]
    fn every_worker_has_a_core_if_any_has() {
        let found = blamed(|c| {
            c.gateway.workers = Workers::Count(3);
            c.gateway.cores = vec![0, 1];
        });
        assert_eq!(found, ["gateway.cores names 2 CPUs for 3 workers"]);
        let found = blamed(|c| c.gateway.cores = vec![4, 5, 4]);
        assert_eq!(found, ["gateway.cores names CPU 4 a second time"]);
        assert!(
            blamed(|c| {
                c.gateway.workers = Workers::Count(2);
                c.gateway.cores = vec![0, 1, 2];
            })
            .is_empty()
        );
    }

    #[test]
    fn frames_fill_the_rings() {
        assert!(blamed(|c| c.gateway.frames = 8192).is_empty());
        assert_eq!(
            blamed(|c| c.gateway.frames = 8191),
            ["gateway.frames is 8191, which does not fill 4 rings of gateway.ring_size = 2048"]
        );
    }
}
