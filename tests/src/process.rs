//! A program that a test runs: its output goes to files, and it ends with the
//! value that stands for it.
//!
//! Files rather than pipes, because nobody has to read them for the program to
//! go on, and because they are still there to be shown when a test fails.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::netns::must;
use crate::wait::{answered, wait_for};

/// A program that runs as long as this value lives, or shorter.
#[derive(Debug)]
pub struct Program {
    child: Child,
    ended: Option<ExitStatus>,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// What is left of a program that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All it wrote to its standard output.
    pub stdout: String,
    /// All it wrote to its standard error.
    pub stderr: String,
}

impl Program {
    /// Starts `command`; what it prints goes to `NAME.out` and `NAME.err` in
    /// `folder`.
    pub fn start(command: &mut Command, folder: &Path, name: &str) -> Self {
        Self::start_reading(command, Stdio::null(), folder, name)
    }

    /// Starts `command` like [`Program::start`], and gives what it reads from:
    /// its standard input ends when that is dropped.
    pub fn start_fed(command: &mut Command, folder: &Path, name: &str) -> (Self, ChildStdin) {
        let mut program = Self::start_reading(command, Stdio::piped(), folder, name);
        let input = program.child.stdin.take().expect("a pipe was asked for");
        (program, input)
    }

    fn start_reading(command: &mut Command, input: Stdio, folder: &Path, name: &str) -> Self {
        let stdout = folder.join(format!("{name}.out"));
        let stderr = folder.join(format!("{name}.err"));
        let create = |path: &Path| {
            File::create(path).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()))
        };
        command.stdin(input).stdout(create(&stdout)).stderr(create(&stderr));
        let child = command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        Self { child, ended: None, stdout, stderr }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kilobytes of memory that it has in use now, and has had at most
    /// (`VmRSS` and `VmHWM`; proc(5)); `None` once it has ended.
    pub fn memory_kb(&self) -> Option<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some((line("VmRSS:")?, line("VmHWM:")?))
    }

    /// What it has written to its standard output so far.
    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    /// What it has written to its standard error so far.
    pub fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap_or_else(|error| panic!("cannot wait: {error}"));
        }
        self.ended
    }

    /// Sends it a signal by name (`TERM`, `HUP`).
    pub fn signal(&mut self, name: &str) {
        // Not after it was waited for: its id may be another's by then.
        assert!(self.ended().is_none(), "SIG{name} to a program that has ended: {}", self.stderr());
        must(Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()));
    }

    /// Waits for its end; panics when it still runs after `within`.
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        wait_for("the end of a program", within, || self.ended())
    }

    /// Kills it (SIGKILL: it cannot clean up) and waits until it is gone.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            self.child.kill().unwrap_or_else(|error| panic!("cannot kill: {error}"));
            self.ended = Some(self.child.wait().unwrap_or_else(|error| panic!("cannot wait: {error}")));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.ended.is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            show(&self.stdout);
            show(&self.stderr);
        }
    }
}

/// Runs a command to its end; kills it and panics when that takes longer than
/// `within`.
pub fn run(command: &mut Command, within: Duration) -> Ended {
    run_within(command, within).unwrap_or_else(|| panic!("{command:?} still ran after {within:?}"))
}

/// Runs a command to its end; kills it and gives `None` when that takes longer
/// than `within`.
pub fn run_within(command: &mut Command, within: Duration) -> Option<Ended> {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
    let mut program = Program::start(command, folder.path(), "program");
    let status = answered(within, || program.ended())?;
    Some(Ended { code: status.code(), stdout: program.stdout(), stderr: program.stderr() })
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// Prints what a program wrote, where the test harness shows it with a failure.
#[expect(clippy::print_stderr, reason = "the harness shows this with the failed test, and only then")]
fn show(path: &Path) {
    let text = read(path);
    if !text.is_empty() {
        eprintln!("--- {}\n{}", path.display(), text.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    #[test]
    fn keeps_what_a_program_said_and_how_it_ended() {
        let ended = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]), SOON);
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(3), "out\n", "err\n"));
    }

    #[test]
    fn ends_a_program_that_takes_too_long() {
        assert!(run_within(Command::new("sleep").arg("60"), Duration::ZERO).is_none());
    }

    #[test]
    fn a_program_ends_with_its_value() {
        let folder = tempfile::tempdir().unwrap();
        let program = Program::start(Command::new("sleep").arg("60"), folder.path(), "sleep");
        let process = PathBuf::from(format!("/proc/{}", program.pid()));
        assert!(process.exists());
        drop(program);
        assert!(!process.exists());
    }

    #[test]
    fn a_program_that_is_fed_reads_to_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let (mut program, mut input) = Program::start_fed(&mut Command::new("cat"), folder.path(), "cat");
        assert!(program.memory_kb().is_some_and(|(now, most)| 0 < now && now <= most));
        input.write_all(b"fed").unwrap();
        drop(input);
        assert_eq!((program.wait(SOON).code(), program.stdout().as_str()), (Some(0), "fed"));
        assert_eq!(program.memory_kb(), None);
    }

    #[test]
    fn a_signal_reaches_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Program::start(Command::new("sleep").arg("60"), folder.path(), "sleep");
        program.signal("TERM");
        assert_eq!(program.wait(SOON).code(), None);
    }
}
