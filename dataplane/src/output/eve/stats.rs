//! `stats`: all counters at one moment, nested by the dots in their names.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::output::iso::Iso;
use crate::worker::event::Stats;

/// What follows this in the name of a counter is a name that people chose: its
/// dots are its own.
const NAMED_BY_PEOPLE: &str = "rules.hits.";
/// How deep counters nest; further dots stay in the last name.
const DEPTH_MAX: usize = 6;

/// Writes a `stats` line.
pub(super) fn write<M: SerializeMap>(map: &mut M, stats: &Stats) -> Result<(), M::Error> {
    map.serialize_entry("timestamp", &Iso(stats.at))?;
    map.serialize_entry("event_type", "stats")?;
    let mut tree = Tree::default();
    tree.add("uptime", stats.at.since(stats.since).as_secs());
    for (name, value) in &stats.counters {
        tree.add(name, *value);
    }
    map.serialize_entry("stats", &tree)
}

/// Counters and groups of counters, sorted by name.
#[derive(Default)]
struct Tree<'a>(BTreeMap<&'a str, Node<'a>>);

enum Node<'a> {
    Counter(u64),
    Group(Tree<'a>),
}

impl<'a> Tree<'a> {
    /// Adds a counter in its group. Where a name is both a counter and a group,
    /// the counter has no name within the group if it came second, and what
    /// belonged into the group keeps its dots if that did: none is lost.
    fn add(&mut self, name: &'a str, value: u64) {
        let placed = match name.strip_prefix(NAMED_BY_PEOPLE) {
            Some(rest) => {
                let groups = NAMED_BY_PEOPLE.split_terminator('.');
                self.insert(groups.chain([rest]).peekable(), value)
            }
            None => self.insert(name.splitn(DEPTH_MAX, '.').peekable(), value),
        };
        if !placed {
            self.0.insert(name, Node::Counter(value));
        }
    }

    /// Whether there was a place for the counter at the end of this path.
    fn insert<I: Iterator<Item = &'a str>>(&mut self, mut path: std::iter::Peekable<I>, value: u64) -> bool {
        let mut tree = self;
        while let Some(name) = path.next() {
            let last = path.peek().is_none();
            let new = || if last { Node::Counter(value) } else { Node::Group(Tree::default()) };
            match tree.0.entry(name).or_insert_with(new) {
                Node::Counter(counter) if last => {
                    *counter = value;
                    return true;
                }
                Node::Group(group) if last => {
                    group.0.insert("", Node::Counter(value));
                    return true;
                }
                Node::Group(group) => tree = group,
                Node::Counter(_) => return false,
            }
        }
        false
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Counter(value) => serializer.serialize_u64(*value),
            Self::Group(tree) => tree.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::output::eve::sample;
    use crate::worker::event::Event;

    #[test]
    fn counters_nest_by_their_dots() {
        assert_eq!(
            sample::line(&Event::Stats(Box::new(sample::stats()))),
            concat!(
                r#"{"timestamp":"2026-11-21T09:06:00.000000+0000","event_type":"stats","#,
                r#""stats":{"decoder":{"bytes":999,"pkts":10},"flow":{"active":2},"#,
                r#""rules":{"hits":{"ssh v1.2 from outside":3}},"uptime":59}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn no_counter_is_lost_to_another() {
        let names = ["a", "a.b", "c.d", "c", "e.f.g.h.i.j.k.l", "rules.hits.x", "rules.hits.x.y", "m.n"];
        let mut stats = sample::stats();
        stats.counters = names.iter().zip(1..).map(|(name, value)| ((*name).to_owned(), value)).collect();
        let line = sample::line(&Event::Stats(Box::new(stats)));
        assert!(
            line.contains(concat!(
                r#""stats":{"a":1,"a.b":2,"c":{"":4,"d":3},"e":{"f":{"g":{"h":{"i":{"j.k.l":5}}}}},"#,
                r#""m":{"n":8},"rules":{"hits":{"x":6,"x.y":7}},"uptime":59}"#
            )),
            "{line}"
        );
    }
}
