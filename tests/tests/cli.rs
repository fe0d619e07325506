//! The command line: exit codes, and errors that say what, where and why.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tidegate_tests::capture::{self, Captured};
use tidegate_tests::gateway::binary;
use tidegate_tests::{Ended, Family, Lab, Side, process, skip, tidegate};

/// The demonstration takes about 20 s of its own; the rest is for a busy machine.
const DEMO_MAX: Duration = Duration::from_mins(2);

const SOON: Duration = Duration::from_secs(20);

/// The one line that an error is.
fn line(ended: &Ended) -> &str {
    let line = ended.stderr.trim_end();
    assert_eq!(line.lines().count(), 1, "not one clear line: {ended:?}");
    line
}

#[test]
fn wrong_usage_is_2() {
    for args in [
        &["frobnicate"][..],
        &["run", "--no-such-option"],
        &["run", "--pair", "only-one"],
        &["run"],
        &["replay"],
        &["ctl", "frobnicate"],
    ] {
        let ended = tidegate(args.iter().copied());
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        assert!(!ended.stderr.is_empty() && ended.stdout.is_empty(), "{args:?}: {ended:?}");
    }
}

#[test]
fn help_and_version_are_0() {
    for args in [&["--help"][..], &["--version"], &["run", "--help"], &["help", "replay"]] {
        let ended = tidegate(args.iter().copied());
        assert_eq!(ended.code, Some(0), "{args:?}: {ended:?}");
        assert!(!ended.stdout.is_empty() && ended.stderr.is_empty(), "{args:?}: {ended:?}");
    }
}

#[test]
fn a_wrong_setting_is_2_and_says_what_is_allowed() {
    for (setting, named) in [
        ("gateway.wrokers=2", "gateway.wrokers"),
        ("nonsense.at.all=1", "nonsense"),
        ("gateway.workers=many", "gateway.workers"),
        ("gateway.workers=0", "gateway.workers"),
        ("gateway.fail=ajar", "closed"),
        ("gateway.xdp=fast", "native"),
        ("gateway.poll", "section.key=value"),
    ] {
        let ended = tidegate(["run", "--pair", "none0:none1", "--set", setting]);
        assert_eq!(ended.code, Some(2), "{setting}: {ended:?}");
        assert!(ended.stderr.contains(named), "{setting}: {}", ended.stderr);
    }
}

#[test]
fn a_wrong_file_is_2_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.toml");
    for (text, named) in [
        ("[gateway]\nmode = \"inline\"\nwrokers = 2\n", ["wrokers", "tidegate.toml:3"]),
        ("[gateway]\npin = \"perhaps\"\n", ["pin", "tidegate.toml:2"]),
        ("[gateway\n", ["", "tidegate.toml:1"]),
    ] {
        std::fs::write(&path, text).unwrap();
        let ended = tidegate(["run", "-c", path.to_str().unwrap(), "--pair", "none0:none1"]);
        assert_eq!(ended.code, Some(2), "{text}: {ended:?}");
        for part in named {
            assert!(ended.stderr.contains(part), "{text}: {}", ended.stderr);
        }
    }
}

#[test]
fn wrong_rules_are_2_and_point_at_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.rhai");
    let text = "//! Web.\nrule \"web\" on flow_open when flow.sever.port == 80 { drop(); }\n";
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    for args in [&["rules", "check", path][..], &["run", "--pair", "none0:none1", "--rules", path]] {
        let ended = tidegate(args.iter().copied());
        assert_eq!(ended.code, Some(2), "{args:?}: {ended:?}");
        for part in ["web.rhai:2:", "flow.sever.port", "^", "flow.server.port"] {
            assert!(ended.stderr.contains(part), "{args:?}: {}", ended.stderr);
        }
    }
    std::fs::write(path, text.replace("sever", "server")).unwrap();
    let ended = tidegate(["rules", "check", path]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_missing_interface_is_3_and_named() {
    if !skip::is_root() {
        return skip::skip("opening devices needs root");
    }
    let ended = tidegate(["run", "--pair", "tgnone0:tgnone1"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(line(&ended).contains("tgnone0"), "{}", ended.stderr);
}

#[test]
fn a_gateway_that_is_not_there_is_3() {
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("control.socket={}", folder.path().join("none.sock").display());
    let ended = tidegate(["ctl", "status", "--set", &socket]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(line(&ended).contains("none.sock"), "{}", ended.stderr);
}

/// The binary where everybody may run it, in a folder where everybody may
/// write: cargo's own may be closed to others.
fn for_everybody() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let copy = folder.path().join("tidegate");
    std::fs::copy(binary(), &copy).unwrap();
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).unwrap();
    folder
}

/// Runs the binary as nobody, without any privilege.
fn as_nobody(folder: &Path, args: &[&str]) -> Ended {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--no-new-privs"]);
    command.arg(folder.join("tidegate")).args(args).current_dir(folder);
    process::run(&mut command, SOON)
}

#[test]
fn without_root_it_says_what_it_needs() {
    if !skip::is_root() {
        return skip::skip("becoming nobody needs root");
    }
    let folder = for_everybody();
    for args in [&["demo"][..], &["run", "--pair", "lo:lo0"], &["detach"]] {
        let ended = as_nobody(folder.path(), args);
        assert_eq!(ended.code, Some(3), "{args:?}: {ended:?}");
        let line = line(&ended);
        assert!(line.contains("root") || line.contains("CAP_"), "{args:?}: {line}");
    }
}

#[test]
fn a_replay_needs_no_root() {
    if !skip::is_root() {
        return skip::skip("becoming nobody needs root");
    }
    let folder = for_everybody();
    let packets = [Captured { at_us: 1, bytes: vec![0xff; 60] }];
    std::fs::write(folder.path().join("in.pcap"), capture::pcap(&packets)).unwrap();
    let ended = as_nobody(folder.path(), &["replay", "in.pcap", "--events", "out.json", "-w", "out.pcap"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(capture::read_pcap(&folder.path().join("out.pcap")), packets);
}

#[test]
fn the_log_says_as_much_as_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.pcap");
    std::fs::write(&path, capture::pcap(&[])).unwrap();
    let logged = |options: &[&str]| {
        let mut command = Command::new(binary());
        let ended = process::run(command.arg("replay").arg(&path).args(options), SOON);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        !ended.stderr.is_empty()
    };
    assert!(logged(&[]));
    assert!(!logged(&["--set", "log.level=error"]));
    assert!(logged(&["--set", "log.level=error", "-v"]));
}

#[test]
fn the_demonstration_shows_what_it_is_for() {
    // Only the hindrance counts: it brings its own lab.
    if let Some(why) = skip::lab_hindrance() {
        return skip::skip(&why);
    }
    let before = tidegate_tests::netns::names();
    let folder = tempfile::tempdir().unwrap();
    let ended = process::run(Command::new(binary()).arg("demo").current_dir(folder.path()), DEMO_MAX);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shown = format!("{}{}", ended.stdout, ended.stderr).to_lowercase();
    for part in ["af_xdp", "allowed", "dropped", "packets/s", "events"] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    // Labs of other tests come and go meanwhile; they carry the number of a
    // process that still runs, and the demonstration has ended.
    let runs = |part: &str| part.parse::<u32>().is_ok_and(|pid| Path::new(&format!("/proc/{pid}")).exists());
    let left: Vec<String> = tidegate_tests::netns::names()
        .into_iter()
        .filter(|name| !before.contains(name) && !name.split('-').any(runs))
        .collect();
    assert_eq!(left, Vec::<String>::new(), "the demonstration left namespaces behind");
}

#[test]
fn it_tells_in_its_log_how_it_is_attached() {
    let Some(lab) = Lab::up() else { return };
    let gateway = lab.gateway().start();
    lab.ping(Side::Client, Family::V4, 56).unwrap();
    let log = gateway.stderr();
    assert!(log.contains("native") && log.contains("g0") && log.contains("g1"), "{log}");
}
