//! `tidegate demo`: real traffic across a real gateway, in about 20 seconds.
//!
//! It makes two hosts and a gateway between them out of network namespaces,
//! runs this same program there as an operator would, sends traffic through
//! it, and shows what the gateway did. Nothing of it outlives the command.

mod lab;
mod peer;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;

use super::{CliError, require_root};
use crate::control::ask;
use crate::control::protocol::Request;
use lab::{CLIENT, Host, Lab, Process, SERVER};

pub(super) use peer::{PeerArgs, peer};

/// The rules that the demo runs.
const RULES: &str = include_str!("demo.rhai");
/// How long each of the two loads lasts.
const LOAD: Duration = Duration::from_secs(5);
/// A gateway that is not up by then will not be.
const START_MAX: Duration = Duration::from_secs(20);

#[derive(Args)]
pub(super) struct DemoArgs {
    /// Where to write the events (EVE JSON)
    #[arg(long, value_name = "FILE", default_value = "/tmp/tidegate-demo-events.json")]
    events: PathBuf,
}

pub(super) fn run(args: &DemoArgs) -> Result<(), CliError> {
    require_root("demo")?;
    let folder = Folder::new()?;
    std::fs::write(folder.0.join("demo.rhai"), RULES).map_err(CliError::world)?;
    let _ = std::fs::remove_file(&args.events);
    let socket = folder.0.join("control.sock");

    let lab = Lab::new()?;
    println!("client {CLIENT} --[c0:g0]-- tidegate --[g1:s0]-- server {SERVER}");
    println!("three network namespaces; the gateway is a bump in the wire and has no address\n");
    println!("$ tidegate run --pair g0:g1 --rules demo.rhai --set output.events={}", args.events.display());
    let gateway = start_gateway(&lab, &folder.0, &args.events, &socket)?;
    show_status(&socket);
    let _server = start_server(&lab)?;

    println!("\nconnections from {CLIENT} to {SERVER}:");
    for (port, name) in peer::PORTS.iter().zip(["ssh", "telnet", "http"]) {
        let started = Instant::now();
        let outcome = client(&lab, &["connect", &format!("{SERVER}:{port}")])?;
        let seen = match outcome.as_str() {
            "open" => "allowed",
            "refused" => "rejected: connection refused",
            _ => "dropped: no answer",
        };
        println!("  {port:>5} {name:<8} {seen:<30} after {} ms", started.elapsed().as_millis());
    }

    println!("\nsmall UDP packets for {} s ...", LOAD.as_secs());
    let before = packets(&socket);
    let sent = client(&lab, &["udp", SERVER, &LOAD.as_secs().to_string()])?;
    let rate = |count: u64| count / LOAD.as_secs();
    println!("  the client sent {sent}; the gateway took in {} packets/s", rate(packets(&socket) - before));
    println!("TCP bulk transfer for {} s ...", LOAD.as_secs());
    let before = packets(&socket);
    let bytes: u64 = client(&lab, &["bulk", SERVER, &LOAD.as_secs().to_string()])?.parse().unwrap_or(0);
    println!("  {} MB/s, {} packets/s", rate(bytes) / 1_000_000, rate(packets(&socket) - before));

    let status = gateway.stop()?;
    if !status.success() {
        return Err(CliError::world(format!("demo: the gateway ended with {status}")));
    }
    show_events(&args.events)?;
    println!("\nall events: {} (EVE JSON, one a line)", args.events.display());
    Ok(())
}

/// A folder of the demo's own; gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, CliError> {
        let path = std::env::temp_dir().join(format!("tidegate-demo-{}", std::process::id()));
        std::fs::create_dir(&path)
            .map_err(|error| CliError::world(format!("demo: cannot make {}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn start_gateway(lab: &Lab, folder: &Path, events: &Path, socket: &Path) -> Result<Process, CliError> {
    let child = lab
        .program(Host::Gateway)?
        .args(["run", "--pair", "g0:g1", "--rules"])
        .arg(folder.join("demo.rhai"))
        .arg("--set")
        .arg(format!("output.events={}", events.display()))
        .arg("--set")
        .arg(format!("control.socket={}", socket.display()))
        .stdin(Stdio::null())
        .spawn()
        .map_err(CliError::world)?;
    let mut gateway = Process(child);
    let started = Instant::now();
    while ask(socket, &Request::Status).is_err() {
        if let Ok(Some(status)) = gateway.0.try_wait() {
            return Err(CliError::world(format!("demo: the gateway did not start ({status})")));
        }
        if started.elapsed() > START_MAX {
            return Err(CliError::world("demo: the gateway did not answer in time"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(gateway)
}

fn start_server(lab: &Lab) -> Result<Process, CliError> {
    let mut child: Child = lab
        .program(Host::Server)?
        .args(["demo-peer", "serve", SERVER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(CliError::world)?;
    let stdout = child.stdout.take();
    let server = Process(child);
    let mut line = String::new();
    if let Some(stdout) = stdout {
        BufReader::new(stdout).read_line(&mut line).map_err(CliError::world)?;
    }
    if line.trim() == "listening" {
        Ok(server)
    } else {
        Err(CliError::world("demo: the server did not start"))
    }
}

/// Runs one piece of traffic in the client's namespace; what it printed.
fn client(lab: &Lab, arguments: &[&str]) -> Result<String, CliError> {
    let mut command = lab.program(Host::Client)?;
    let output = command.arg("demo-peer").args(arguments).stderr(Stdio::inherit()).output();
    let output = output.map_err(CliError::world)?;
    if !output.status.success() {
        return Err(CliError::world(format!("demo: the client's `{}` failed", arguments.join(" "))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn show_status(socket: &Path) {
    let Ok(status) = ask(socket, &Request::Status) else { return };
    for port in status.data.get("ports").and_then(Value::as_array).into_iter().flatten() {
        let text = |key| port.get(key).and_then(Value::as_str).unwrap_or("?");
        println!("{}: XDP {}, AF_XDP {}", text("name"), text("xdp"), text("af_xdp"));
    }
}

/// Packets that the gateway has handled so far.
fn packets(socket: &Path) -> u64 {
    let stats = ask(socket, &Request::Stats).map(|response| response.data).unwrap_or_default();
    stats.get("decoder.pkts").and_then(Value::as_u64).unwrap_or(0)
}

fn show_events(path: &Path) -> Result<(), CliError> {
    let file = std::fs::File::open(path).map_err(CliError::world)?;
    println!("\nwhat the rules decided:");
    for line in BufReader::new(file).lines() {
        let line = line.map_err(CliError::world)?;
        let Ok(event) = serde_json::from_str::<Value>(&line) else { continue };
        if event.get("event_type").and_then(Value::as_str) != Some("alert") {
            continue;
        }
        let text = |pointer| event.pointer(pointer).and_then(Value::as_str).unwrap_or("?");
        let refused = event.pointer("/verdict/reject").is_some();
        let verdict = match text("/alert/action") {
            "blocked" if refused => "rejected",
            "blocked" => "dropped",
            _ => "allowed",
        };
        let port = event.get("dest_port").and_then(Value::as_u64).unwrap_or(0);
        println!(
            "  {verdict}: {} -> {}:{port} by the rule \"{}\"",
            text("/src_ip"),
            text("/dest_ip"),
            text("/alert/signature"),
        );
    }
    Ok(())
}
