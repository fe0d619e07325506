//! The configuration file that is shipped says what the code says.

use std::collections::BTreeMap;
use std::path::Path;

use tidegate_config::Config;

const SHIPPED: &str = include_str!("../tidegate.toml");

/// Every key that holds a value, by its dotted name.
fn keys(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, toml::Value>) {
    for (name, value) in table {
        let dotted = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(table) => keys(&dotted, table, into),
            value => {
                into.insert(dotted, value.clone());
            }
        }
    }
}

#[test]
fn the_shipped_file_has_every_key_with_its_default() {
    let mut shipped = BTreeMap::new();
    keys("", &SHIPPED.parse().expect("the shipped file is TOML"), &mut shipped);
    let mut defaults = BTreeMap::new();
    keys("", &toml::Table::try_from(Config::default()).expect("defaults are TOML"), &mut defaults);
    assert_eq!(shipped, defaults);
}

#[test]
fn the_shipped_file_loads_as_the_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tidegate.toml");
    assert_eq!(Config::load(Some(&path), &[]).expect("it loads"), Config::default());
}

#[test]
fn every_key_of_the_shipped_file_is_explained() {
    let lines: Vec<_> = SHIPPED.lines().collect();
    for (above, line) in lines.iter().zip(lines.iter().skip(1)) {
        if line.contains(" = ") && !line.starts_with('#') {
            assert!(above.starts_with("# "), "no comment above `{line}`");
        }
    }
}

#[test]
fn a_configuration_survives_being_written() {
    let sets = [
        "gateway.pairs=['eth1:eth2', 'eth3:eth4']",
        "gateway.workers=2",
        "gateway.cores=[1, 2, 3]",
        "gateway.xdp=generic",
        "rules.paths=['/etc/tidegate/rules']",
        "output.events=/var/log/eve.json",
        "control.socket=false",
        "log.level=debug",
    ];
    let config = Config::load(None, &sets.map(String::from)).expect("a configuration");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), toml::to_string(&config).expect("TOML")).expect("written");
    assert_eq!(Config::load(Some(file.path()), &[]).expect("read back"), config);
}
