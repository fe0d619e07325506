//! Three network namespaces in a row, made for the demo and removed with it:
//! client - gateway - server, each pair joined by a veth.

use std::process::{Child, Command, Stdio};

use super::CliError;

/// Addresses of the two hosts, in one subnet: the gateway is a bump in the wire
/// and has none.
pub(super) const CLIENT: &str = "10.77.0.1";
pub(super) const SERVER: &str = "10.77.0.2";

/// The namespaces; gone when dropped.
pub(super) struct Lab {
    prefix: String,
}

/// One of the three.
#[derive(Clone, Copy)]
pub(super) enum Host {
    Client,
    Gateway,
    Server,
}

impl Host {
    const ALL: [Self; 3] = [Self::Client, Self::Gateway, Self::Server];

    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::Server => "server",
        }
    }
}

impl Lab {
    /// Makes the namespaces and joins them.
    pub(super) fn new() -> Result<Self, CliError> {
        let lab = Self { prefix: format!("tidegate-{}", std::process::id()) };
        for host in Host::ALL {
            command("ip", &["netns", "add", &lab.namespace(host)])?;
        }
        lab.join(Host::Client, "c0", CLIENT, "g0")?;
        lab.join(Host::Server, "s0", SERVER, "g1")?;
        Ok(lab)
    }

    /// Joins `host` to the gateway: `outer` there, `inner` at the gateway.
    fn join(&self, host: Host, outer: &str, address: &str, inner: &str) -> Result<(), CliError> {
        let (there, gateway) = (self.namespace(host), self.namespace(Host::Gateway));
        let link =
            ["link", "add", outer, "netns", &there, "type", "veth", "peer", "name", inner, "netns", &gateway];
        command("ip", &link)?;
        command("ip", &["-n", &there, "addr", "add", &format!("{address}/24"), "dev", outer])?;
        command("ip", &["-n", &there, "link", "set", outer, "up"])?;
        command("ip", &["-n", &gateway, "link", "set", inner, "up"])?;
        // A veth leaves checksums to hardware that is not there, and takes
        // redirected frames only with GRO on.
        let net = format!("--net=/run/netns/{there}");
        command("nsenter", &[&net, "ethtool", "-K", outer, "tx", "off", "gro", "on"])
    }

    fn namespace(&self, host: Host) -> String {
        format!("{}-{}", self.prefix, host.name())
    }

    /// This program, to be run inside a namespace.
    pub(super) fn program(&self, host: Host) -> Result<Command, CliError> {
        let program = std::env::current_exe().map_err(CliError::world)?;
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.namespace(host))).arg(program);
        Ok(command)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for host in Host::ALL {
            let _ = command("ip", &["netns", "del", &self.namespace(host)]);
        }
    }
}

fn command(program: &str, arguments: &[&str]) -> Result<(), CliError> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().map_err(|error| {
        CliError::world(format!("demo: cannot run `{program}`: {error}; `make demo` installs what it needs"))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(CliError::world(format!("demo: `{program} {}` failed: {}", arguments.join(" "), why.trim())))
}

/// A process of the demo; ended when dropped.
pub(super) struct Process(pub(super) Child);

impl Process {
    /// Asks it to stop (SIGTERM) and waits.
    pub(super) fn stop(mut self) -> Result<std::process::ExitStatus, CliError> {
        command("kill", &["-TERM", &self.0.id().to_string()])?;
        self.0.wait().map_err(CliError::world)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
