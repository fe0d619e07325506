//! The names of anomalies and of events: each is raised somewhere, and each is
//! documented.

use tidegate::anomaly::Anomaly;
use tidegate::app_proto::AppProto;
use tidegate_tests::tidy::{Source, code, sources};

/// Where the names are told to people.
const DOCUMENT: &str = "docs/EVENTS.md";

/// The words of a source that are code of the gateway itself: no comment, no
/// text, no test. Unit tests stand at the foot of a file or in files of tests.
fn words(source: &Source) -> Vec<String> {
    let own = code::bare(&source.text);
    let own = own.split("mod tests {").next().unwrap_or_default();
    own.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect()
}

/// Whether a file may raise anomalies.
fn raises(path: &str) -> bool {
    let of_tests = path.contains("/tests") || path.ends_with("oracle.rs");
    path.starts_with("dataplane/src/") && !of_tests && path != "dataplane/src/anomaly.rs"
}

#[test]
fn every_anomaly_is_raised_somewhere() {
    let sources = sources();
    let said: std::collections::HashSet<String> =
        sources.iter().filter(|source| source.is_rust() && raises(&source.path)).flat_map(words).collect();
    assert!(said.contains("Ipv4TruncPkt"), "the sources were not read");
    let silent: Vec<&str> =
        Anomaly::ALL.iter().filter(|a| !said.contains(&format!("{a:?}"))).map(|a| a.name()).collect();
    assert!(silent.is_empty(), "{} are never raised:\n{}", silent.len(), silent.join("\n"));
}

#[test]
fn every_anomaly_is_documented_and_no_other() {
    let sources = sources();
    let document = sources.iter().find(|source| source.path == DOCUMENT).expect("the document is there");
    let (_, tables) = document.text.split_once("\n## Anomalies\n").expect("they have a chapter");
    let is_part = |name: &str| {
        let part = name.split_once('.').map_or("", |(part, _)| part);
        matches!(part, "decoder" | "stream") || AppProto::from_name(part).is_some()
    };
    let listed: Vec<&str> = tables
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| is_part(name))
        .filter(|name| !name.contains(['*', '<', ' ']))
        .collect();
    let missing: Vec<&str> =
        Anomaly::ALL.iter().map(|a| a.name()).filter(|name| !listed.contains(name)).collect();
    assert!(missing.is_empty(), "{DOCUMENT} lacks:\n{}", missing.join("\n"));
    let unknown: Vec<&&str> =
        listed.iter().filter(|name| !Anomaly::ALL.iter().any(|a| a.name() == **name)).collect();
    assert!(unknown.is_empty(), "{DOCUMENT} names what does not exist: {unknown:?}");
}

#[test]
fn every_event_of_a_protocol_is_documented() {
    let sources = sources();
    let text = |path: &str| {
        let source = sources.iter().find(|source| source.path == path).expect("the source is there");
        source.text.clone()
    };
    let code = text("dataplane/src/output/eve/app.rs");
    let names =
        code.lines().filter_map(|line| line.split_once("=> \"")?.1.split_once('"')).map(|(name, _)| name);
    let document = text(DOCUMENT);
    let missing: Vec<&str> =
        names.clone().filter(|name| !document.contains(&format!("\n| `{name}`"))).collect();
    assert!(names.count() > 10, "the names were not read");
    assert!(missing.is_empty(), "{DOCUMENT} has no row for {missing:?}");
}
