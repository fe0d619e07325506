//! A network namespace: made, entered, removed.
//!
//! Programs enter through `nsenter`, not `ip netns exec`: the latter mounts a
//! fresh /sys and so hides bpffs. Sockets of our own are opened on a thread
//! that has entered; a socket stays in the namespace it was opened in, so it
//! can be handed to any thread afterwards.
//!
//! Removing a namespace first ends the processes that are still in it:
//! otherwise they would keep it, and its devices, alive without a name.
#![expect(unsafe_code, reason = "entering a namespace is a system call that std does not offer")]

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

/// Where `ip netns` keeps its names.
const FOLDER: &str = "/run/netns";

/// A network namespace that lives as long as this value.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes a namespace with only a loopback device, which is up.
    pub fn create(name: impl Into<String>) -> Self {
        let name = name.into();
        must(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Self { name };
        namespace.ip(["link set lo up"]);
        namespace
    }

    /// Its name, as `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that stands for it.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(FOLDER).join(&self.name)
    }

    /// A command that runs `program` inside; the process it starts becomes the
    /// program, so its id is the program's.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut net = std::ffi::OsString::from("--net=");
        net.push(self.path());
        let mut command = Command::new("nsenter");
        command.arg(net).arg("--").arg(program);
        command
    }

    /// Runs a program inside to its end and gives what it printed; panics when
    /// it fails.
    pub fn output<const N: usize>(&self, program: &str, args: [&str; N]) -> String {
        must(self.command(program).args(args))
    }

    /// Runs `ip` commands inside, one a line (`link set c0 up`).
    pub fn ip<'a>(&self, lines: impl IntoIterator<Item = &'a str>) {
        for line in lines {
            must(Command::new("ip").args(["-n", &self.name]).args(line.split_whitespace()));
        }
    }

    /// Runs `work` on a thread inside, and waits for it; a panic in there is a
    /// panic here.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                enter(&self.path());
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Starts `work` on a thread inside.
    pub fn spawn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let path = self.path();
        std::thread::spawn(move || {
            enter(&path);
            work()
        })
    }

    /// Sets a value below /proc/sys/net, of this namespace.
    pub fn sysctl(&self, key: &str, value: &str) {
        let path = PathBuf::from("/proc/sys/net").join(key);
        let set = self.run(|| std::fs::write(&path, value));
        set.unwrap_or_else(|error| panic!("cannot set {} to {value}: {error}", path.display()));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// The names of all namespaces there are.
pub fn names() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(FOLDER) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

/// Removes a namespace by name, the processes in it first. What is gone
/// already is no error: two labs may clear the same leftovers.
pub fn remove(name: &str) {
    let listed = Command::new("ip").args(["netns", "pids", name]).stderr(Stdio::null()).output();
    let listed = listed.map(|output| output.stdout).unwrap_or_default();
    let own = std::process::id().to_string();
    for pid in String::from_utf8_lossy(&listed).split_whitespace().filter(|pid| *pid != own) {
        let _ = Command::new("kill").args(["-KILL", pid]).stderr(Stdio::null()).status();
    }
    let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
}

/// Runs a command to its end and gives what it printed; panics with all it said
/// when it fails.
pub fn must(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed ({}): {said}{printed}", output.status);
    printed
}

/// Moves the calling thread into the namespace at `path`, for good.
fn enter(path: &std::path::Path) {
    let file = File::open(path).unwrap_or_else(|error| panic!("no namespace {}: {error}", path.display()));
    // SAFETY: the descriptor is open until after the call, and the call changes
    // nothing but the network namespace of the calling thread.
    let entered = unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) };
    assert_eq!(entered, 0, "cannot enter {}: {}", path.display(), io::Error::last_os_error());
}
