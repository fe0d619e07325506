//! `tidegate detach`: remove what a pinned gateway left in place.

use clap::Args;

use super::{CliError, ConfigArgs, require_root};

#[derive(Args)]
pub(super) struct DetachArgs {
    /// Only from these interfaces
    #[arg(value_name = "IFACE")]
    interfaces: Vec<String>,
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) fn run(args: &DetachArgs) -> Result<(), CliError> {
    let config = args.config.load()?;
    require_root("detach")?;
    let directory = &config.gateway.pin_path;
    let mut removed = Vec::new();
    if args.interfaces.is_empty() {
        removed = tidegate_ebpf::detach_pinned(directory, None).map_err(CliError::world)?;
    }
    for interface in &args.interfaces {
        removed.extend(tidegate_ebpf::detach_pinned(directory, Some(interface)).map_err(CliError::world)?);
    }
    if removed.is_empty() {
        println!("nothing is pinned under {}", directory.display());
    }
    for interface in removed {
        println!("{interface}: program detached, pins removed");
    }
    Ok(())
}
