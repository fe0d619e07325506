//! The gateway under test: the binary `tidegate`, run between the lab's two
//! devices.
//!
//! It is spoken to as an operator does, through its command line: nothing here
//! knows how it works inside.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::eve;
use crate::lab::Lab;
use crate::process::{self, Ended, Program};
use crate::wait::{answered, wait_for};

/// How long a gateway may take to start, to stop, and to answer: generous, for
/// a debug build on a busy machine.
const SOON: Duration = Duration::from_secs(20);

/// The binary: beside the test programs that cargo has built, or where
/// `TIDEGATE_BIN` says.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("TIDEGATE_BIN") {
        return path.into();
    }
    let own = std::env::current_exe().expect("a test program has a path");
    // target/PROFILE/deps/TEST-HASH
    let path = own.parent().and_then(Path::parent).expect("cargo's folders").join("tidegate");
    assert!(path.is_file(), "no {}: run `cargo build --bin tidegate` (as `make test` does)", path.display());
    path
}

/// Runs `tidegate` outside of any lab to its end.
pub fn tidegate<'a>(args: impl IntoIterator<Item = &'a str>) -> Ended {
    process::run(Command::new(binary()).args(args), SOON)
}

/// A gateway that is to be started.
#[derive(Debug)]
pub struct Plan<'l> {
    lab: &'l Lab,
    ports: Vec<String>,
    rules: Option<String>,
    settings: Vec<String>,
}

impl Lab {
    /// A gateway between `g0` and `g1`.
    pub fn gateway(&self) -> Plan<'_> {
        let ports = vec!["--pair".into(), "g0:g1".into()];
        Plan { lab: self, ports, rules: None, settings: Vec::new() }
    }

    /// A gateway that watches `g0` and lets everything pass.
    pub fn tap(&self) -> Plan<'_> {
        let ports = vec!["--tap".into(), "g0".into()];
        Plan { lab: self, ports, rules: None, settings: Vec::new() }
    }

    /// Runs `tidegate detach` for this lab's gateway.
    pub fn detach(&self) -> Ended {
        let pins = format!("gateway.pin_path={}", self.pins().display());
        let mut command = self.gateway_namespace().command(binary());
        process::run(command.args(["detach", "--set", &pins]), SOON)
    }

    /// Where the control socket of this lab's gateways is: one place for all,
    /// so that a restart meets what the last one left there.
    pub fn control_socket(&self) -> PathBuf {
        self.folder().join("control.sock")
    }
}

impl<'l> Plan<'l> {
    /// With these rules, as one file.
    #[must_use]
    pub fn rules(mut self, text: &str) -> Self {
        self.rules = Some(text.into());
        self
    }

    /// With a configuration key set.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push(format!("{key}={value}"));
        self
    }

    /// With its program left in place when it ends; `fail` says what becomes of
    /// traffic then: `open` or `closed`.
    #[must_use]
    pub fn pinned(self, fail: &str) -> Self {
        self.set("gateway.pin", "true").set("gateway.fail", fail)
    }

    /// Starts it and waits until it answers; panics with what it said when it
    /// does not.
    pub fn start(self) -> Gateway<'l> {
        let mut gateway = self.launch();
        wait_for("a gateway that answers", SOON, || {
            let ended = gateway.program.ended();
            assert!(ended.is_none(), "the gateway ended at once ({ended:?}): {}", gateway.stderr());
            (gateway.ctl(["status"]).code == Some(0)).then_some(())
        });
        gateway
    }

    /// Starts it and does not wait: for those that are meant to refuse.
    pub fn launch(self) -> Gateway<'l> {
        let number = self.lab.count_gateway();
        let folder = self.lab.folder().join(format!("gateway-{number}"));
        let rules_folder = folder.join("rules");
        std::fs::create_dir_all(&rules_folder).expect("the lab's folder is writable");
        let events_path = folder.join("events.json");

        let mut command = self.lab.gateway_namespace().command(binary());
        command.arg("run").args(self.ports);
        if let Some(text) = self.rules {
            write_rules(&rules_folder, &text);
            command.arg("--rules").arg(&rules_folder);
        }
        let places = [
            format!("output.events={}", events_path.display()),
            format!("control.socket={}", self.lab.control_socket().display()),
            format!("gateway.pin_path={}", self.lab.pins().display()),
        ];
        for setting in places.iter().chain(&self.settings) {
            command.arg("--set").arg(setting);
        }
        let program = Program::start(&mut command, &folder, "tidegate");
        Gateway { lab: self.lab, program, rules_folder, events_path }
    }
}

/// A gateway that runs, or has run.
#[derive(Debug)]
pub struct Gateway<'l> {
    lab: &'l Lab,
    program: Program,
    rules_folder: PathBuf,
    events_path: PathBuf,
}

impl Gateway<'_> {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// What it has logged so far.
    pub fn stderr(&self) -> String {
        self.program.stderr()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.program.ended().is_none()
    }

    /// Runs `tidegate ctl` against it.
    pub fn ctl<const N: usize>(&self, args: [&str; N]) -> Ended {
        let socket = format!("control.socket={}", self.lab.control_socket().display());
        process::run(Command::new(binary()).arg("ctl").args(args).args(["--set", &socket]), SOON)
    }

    /// What `tidegate ctl WHAT --json` answers.
    pub fn ctl_json(&self, what: &str) -> Value {
        let answer = self.ctl([what, "--json"]);
        assert_eq!(answer.code, Some(0), "ctl {what}: {}", answer.stderr);
        serde_json::from_str(&answer.stdout)
            .unwrap_or_else(|error| panic!("ctl {what} is not JSON ({error}): {}", answer.stdout))
    }

    /// Panics unless every frame of the packet memory is accounted for, once
    /// the traffic has come to rest: workers report at different moments.
    pub fn assert_frames_conserved(&self) {
        wait_for("all frames to be accounted for", SOON, || {
            let status = self.ctl_json("status");
            let frames = &status["frames"];
            assert!(frames["total"].as_u64().is_some_and(|total| total > 0), "no frames in {status}");
            (frames["total"] == frames["accounted"]).then_some(())
        });
    }

    /// All counters, once those that workers publish only now and then have
    /// caught up with the packets that came: at rest, ports and decoder have
    /// counted the same.
    pub fn settled_stats(&self) -> Value {
        wait_for("counters that agree", SOON, || {
            let stats = self.ctl_json("stats");
            let ports = stats.as_object().into_iter().flatten();
            let on_ports: u64 = ports
                .filter(|(name, _)| name.starts_with("port.") && name.ends_with(".rx_packets"))
                .filter_map(|(_, count)| count.as_u64())
                .sum();
            (stats["decoder.pkts"] == on_ports).then_some(stats)
        })
    }

    /// What it counts under a name, once at rest; panics where it counts
    /// nothing of that name.
    pub fn counted(&self, name: &str) -> u64 {
        let stats = self.settled_stats();
        stats[name].as_u64().unwrap_or_else(|| panic!("no counter {name} in {stats}"))
    }

    /// Waits until it counts so many under a name.
    pub fn wait_counted(&self, name: &str, at_least: u64) {
        let counted = answered(SOON, || (self.counted(name) >= at_least).then_some(()));
        assert!(counted.is_some(), "{name} stays below {at_least}: {}", self.settled_stats());
    }

    /// Packets received since it started, on all ports.
    pub fn packets_received(&self) -> u64 {
        let stats = self.ctl_json("stats");
        stats["decoder.pkts"]
            .as_u64()
            .or_else(|| stats["decoder"]["pkts"].as_u64())
            .unwrap_or_else(|| panic!("no decoder.pkts in {stats}"))
    }

    /// Puts other rules where it reads them, and does not tell it.
    pub fn write_rules(&self, text: &str) {
        write_rules(&self.rules_folder, text);
    }

    /// Sends it a signal by name.
    pub fn signal(&mut self, name: &str) {
        self.program.signal(name);
    }

    /// Waits for its end and gives its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.program.wait(SOON).code()
    }

    /// Asks it to stop (SIGTERM), waits for its end and gives its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.wait()
    }

    /// Kills it: it cannot clean up.
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Where it writes its events.
    pub fn events_path(&self) -> &Path {
        &self.events_path
    }

    /// Its events so far.
    pub fn events(&self) -> Vec<Value> {
        eve::events(&self.events_path)
    }

    /// Waits for an event; panics with all there are when it does not come.
    pub fn wait_for_event(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = answered(SOON, || self.events().into_iter().find(|event| wanted(event)));
        found.unwrap_or_else(|| panic!("no event: {what}; there are {:#?}", self.events()))
    }

    /// Waits until its log has a line with `text`.
    pub fn wait_for_log(&self, text: &str) {
        let found = answered(SOON, || self.stderr().contains(text).then_some(()));
        assert!(found.is_some(), "no {text:?} in the log: {}", self.stderr());
    }

    /// Processor time it has used, in hundredths of a second (`USER_HZ` is 100
    /// on every architecture this runs on; proc(5)).
    pub fn processor_ticks(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.pid());
        let stat = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        // The second field is the name in brackets, which may hold anything:
        // the third comes after the last bracket. User time is the fourteenth.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap_or(0)).sum()
    }
}

/// Replaces the rules file as an editor does: whole, by renaming.
fn write_rules(folder: &Path, text: &str) {
    let written = folder.join(".rules.new");
    std::fs::write(&written, text).expect("the lab's folder is writable");
    std::fs::rename(&written, folder.join(RULES_FILE)).expect("the lab's folder is writable");
}

/// The one rules file of a gateway in the lab.
pub const RULES_FILE: &str = "lab.rhai";

/// A rule that rejects what goes to one UDP port of a server: the quickest
/// visible effect that a rule can have.
pub fn reject_udp_port(port: u16) -> String {
    format!(
        "rule \"closed port\" on flow_open when flow.proto == UDP && flow.server.port == {port} {{ reject(); }}\n"
    )
}
