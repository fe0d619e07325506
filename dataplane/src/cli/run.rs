//! `tidegate run`: the gateway.

use std::path::PathBuf;

use clap::Args;
use tidegate_config::{Mode, Pair};

use super::{CliError, ConfigArgs, require_root};
use crate::control::gateway;

#[derive(Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Two interfaces to stand between, as INSIDE:OUTSIDE
    #[arg(long = "pair", value_name = "IN:OUT")]
    pairs: Vec<Pair>,
    /// An interface to watch without touching its traffic
    #[arg(long = "tap", value_name = "IF", conflicts_with = "pairs")]
    taps: Vec<String>,
    /// A rules file, or a folder of them
    #[arg(long = "rules", value_name = "PATH")]
    rules: Vec<PathBuf>,
}

pub(super) fn run(args: RunArgs) -> Result<(), CliError> {
    let mut config = args.config.load()?;
    if !args.pairs.is_empty() {
        config.gateway.pairs = args.pairs;
        config.gateway.mode = Mode::Inline;
    }
    if !args.taps.is_empty() {
        config.gateway.taps = args.taps;
        config.gateway.pairs.clear();
        config.gateway.mode = Mode::Tap;
    }
    if !args.rules.is_empty() {
        config.rules.paths = args.rules;
    }
    config.check().map_err(CliError::usage)?;
    if config.gateway.pairs.is_empty() && config.gateway.taps.is_empty() {
        return Err(CliError::usage("run: nothing to do: name interfaces with --pair IN:OUT or --tap IF"));
    }
    require_root("run")?;
    Ok(gateway::run(&config)?)
}
