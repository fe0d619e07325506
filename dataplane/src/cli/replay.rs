//! `tidegate replay`: a capture through the engine.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CliError, ConfigArgs};
use crate::control::replay::{self, Replay};

#[derive(Args)]
pub(super) struct ReplayArgs {
    /// The capture, pcap or pcapng; `-` is stdin
    #[arg(value_name = "IN.pcap")]
    capture: PathBuf,
    #[command(flatten)]
    config: ConfigArgs,
    /// A rules file, or a folder of them
    #[arg(long = "rules", value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Where to write the events (EVE JSON); `-` is stdout
    #[arg(long, value_name = "OUT")]
    events: Option<PathBuf>,
    /// Where to write the packets that were accepted; `-` is stdout
    #[arg(short = 'w', long = "write", value_name = "OUT.pcap")]
    write: Option<PathBuf>,
    /// Let every packet through, whatever the rules say
    #[arg(long)]
    pass_through: bool,
    /// Verify checksums, or not
    #[arg(short = 'k', long = "checksums", value_name = "WHICH", default_value = "all")]
    checksums: Checksums,
    /// Pick up connections whose beginning is not in the capture [default: stream.midstream]
    #[arg(long, value_name = "BOOL")]
    midstream: Option<bool>,
    /// Seed of the flow table's hash: the same seed gives the same order of events
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Checksums {
    All,
    None,
}

pub(super) fn run(args: ReplayArgs) -> Result<(), CliError> {
    let mut config = args.config.load()?;
    config.stream.midstream = args.midstream.unwrap_or(config.stream.midstream);
    let rules = if args.rules.is_empty() { config.rules.paths.clone() } else { args.rules };
    let summary = replay::run(Replay {
        capture: args.capture,
        rules,
        events: args.events,
        write: args.write,
        pass_through: args.pass_through,
        verify_checksums: matches!(args.checksums, Checksums::All),
        seed: args.seed,
        config,
    })?;
    log::info!("{summary}");
    if let Some(fault) = summary.fault {
        log::warn!("{fault}");
    }
    Ok(())
}
