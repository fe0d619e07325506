//! The command line: one file a subcommand.
//!
//! Results go to stdout, the log and errors to stderr. An error is one clear
//! line (what, where, why, what to do) and an exit code:
//! 0 done, 1 the answer is "no", 2 usage, configuration or rules, 3 the world.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line speaks to its user")]

mod ctl;
mod demo;
mod detach;
mod replay;
mod rules;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use tidegate_config::LogLevel;

use crate::control::ControlError;

/// The text before `--help`'s list.
const ABOUT: &str =
    "A programmable security gateway: inspects, judges and forwards packets between two interfaces.";

/// How much the log says unless told otherwise.
const DEFAULT_LEVEL: log::LevelFilter = log::LevelFilter::Info;

#[derive(Parser)]
#[command(name = "tidegate", version, about = ABOUT)]
struct Cli {
    /// Say more on stderr; twice for every detail
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway
    Run(run::RunArgs),
    /// Watch a gateway decide over real traffic, in namespaces made for it
    Demo(demo::DemoArgs),
    /// Run a capture through the engine
    Replay(replay::ReplayArgs),
    /// Work on rules
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Ask or tell a running gateway
    Ctl(ctl::CtlArgs),
    /// Remove the program that a pinned gateway left on its devices
    Detach(detach::DetachArgs),
    /// One end of the demo's traffic
    #[command(hide = true)]
    DemoPeer(demo::PeerArgs),
}

/// Where the configuration comes from.
#[derive(Args)]
struct ConfigArgs {
    /// Configuration file
    #[arg(short, long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Set one key over the file, such as gateway.fail=closed
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", global = true)]
    sets: Vec<String>,
}

impl ConfigArgs {
    fn load(&self) -> Result<tidegate_config::Config, CliError> {
        let config =
            tidegate_config::Config::load(self.config.as_deref(), &self.sets).map_err(CliError::usage)?;
        // What -v asked for on the command line outranks the file.
        if log::max_level() == DEFAULT_LEVEL {
            log::set_max_level(match config.log.level {
                LogLevel::Error => log::LevelFilter::Error,
                LogLevel::Warn => log::LevelFilter::Warn,
                LogLevel::Info => log::LevelFilter::Info,
                LogLevel::Debug => log::LevelFilter::Debug,
                LogLevel::Trace => log::LevelFilter::Trace,
            });
        }
        Ok(config)
    }
}

/// What a command failed with: the line to print and the exit code.
#[derive(Debug)]
struct CliError {
    code: u8,
    message: String,
}

impl CliError {
    /// 2: usage, configuration or rules.
    fn usage(message: impl ToString) -> Self {
        Self { code: 2, message: message.to_string() }
    }

    /// 3: the world.
    fn world(message: impl ToString) -> Self {
        Self { code: 3, message: message.to_string() }
    }
}

impl From<ControlError> for CliError {
    fn from(error: ControlError) -> Self {
        Self { code: error.exit_code(), message: error.to_string() }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.verbose);
    let result = match cli.command {
        Command::Run(args) => run::run(args),
        Command::Demo(args) => demo::run(&args),
        Command::Replay(args) => replay::run(args),
        Command::Rules(command) => rules::run(command),
        Command::Ctl(args) => ctl::run(&args),
        Command::Detach(args) => detach::run(&args),
        Command::DemoPeer(args) => demo::peer(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(CliError { code, message }) => {
            if !message.is_empty() {
                eprintln!("{}", message.trim_end());
            }
            ExitCode::from(code)
        }
    }
}

fn start_log(verbose: u8) {
    use std::io::Write;
    let level = match verbose {
        0 => DEFAULT_LEVEL,
        1 => log::LevelFilter::Debug,
        _ => log::LevelFilter::Trace,
    };
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Warn)
        .filter_module("tidegate", log::LevelFilter::Trace)
        .filter_module("tidegate_ebpf", log::LevelFilter::Trace)
        .format(|out, record| {
            let word = match record.level() {
                log::Level::Error => "error: ",
                log::Level::Warn => "warning: ",
                _ => "",
            };
            writeln!(out, "tidegate: {word}{}", record.args())
        })
        .init();
    log::set_max_level(level);
}

/// Whether this process may do what a gateway needs.
fn require_root(what: &str) -> Result<(), CliError> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0);
    // CAP_NET_ADMIN (12) and CAP_SYS_ADMIN (21), see capabilities(7): attaching
    // XDP needs the first, pinning and namespaces the second.
    let needed = (1 << 12) | (1 << 21);
    if effective & needed == needed {
        return Ok(());
    }
    Err(CliError::world(format!(
        "tidegate: {what} needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN, to attach XDP programs); run it with sudo"
    )))
}
