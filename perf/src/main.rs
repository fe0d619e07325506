//! `perf`: measures the product's own code paths.
//!
//! Times are medians of repeated runs with their least and greatest, because
//! machines are noisy; a gate uses instructions, which noise does not move.

#![expect(clippy::print_stdout, reason = "a harness shows its results")]

mod count;
mod pipeline;
mod replay;
mod stats;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "perf", about = "Measures Tidegate's own code paths")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bursts through the whole worker over memory: ns per packet
    Pipeline {
        /// Packets of each run
        #[arg(long, default_value_t = 4_000_000)]
        packets: u64,
        /// Runs of each case, interleaved
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// `tidegate replay` over a capture made for it: packets per second
    Replay {
        /// Packets in the capture
        #[arg(long, default_value_t = 1_200_000)]
        packets: u64,
        /// Runs
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
    /// Instructions per packet of each case, under callgrind
    Count {
        /// Compare with this file; more than 2 % off is a failure
        #[arg(long, value_name = "CSV", conflicts_with = "write")]
        check: Option<PathBuf>,
        /// Write the counts to this file
        #[arg(long, value_name = "CSV")]
        write: Option<PathBuf>,
    },
    /// Runs one case, for callgrind to look at
    #[command(hide = true)]
    Case { name: String, packets: u64 },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Pipeline { packets, runs } => pipeline::run(packets, runs),
        Command::Replay { packets, runs } => replay::run(packets, runs),
        Command::Count { check, write } => count::run(check.as_deref(), write.as_deref()),
        Command::Case { name, packets } => pipeline::run_case(&name, packets),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("perf: {error}");
            ExitCode::FAILURE
        }
    }
}
