//! `tidegate rules`: work on rules without running them.

use std::path::PathBuf;

use clap::Subcommand;

use super::CliError;
use crate::event::EventKind;
use crate::rules::RuleSet;
use crate::rules::doc::field_table;

#[derive(Subcommand)]
pub(super) enum RulesCommand {
    /// Read rules files and say what is wrong with them
    Check {
        /// Files and folders
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// List the fields that rules may read
    Fields {
        /// Only those of one event
        event: Option<String>,
    },
}

pub(super) fn run(command: RulesCommand) -> Result<(), CliError> {
    match command {
        RulesCommand::Check { paths } => check(&paths),
        RulesCommand::Fields { event } => fields(event.as_deref()),
    }
}

fn fields(event: Option<&str>) -> Result<(), CliError> {
    let Some(name) = event else {
        print!("{}", field_table(None));
        return Ok(());
    };
    let kind = EventKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let names: Vec<_> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        CliError::usage(format!("no event `{name}`; there are {}", names.join(", ")))
    })?;
    print!("{}", field_table(Some(kind)));
    Ok(())
}

fn check(paths: &[PathBuf]) -> Result<(), CliError> {
    use std::io::IsTerminal;
    let color = std::io::stderr().is_terminal();
    let loaded = RuleSet::load(paths).map_err(|errors| CliError::usage(errors.render(color)))?;
    for warning in &loaded.warnings {
        eprintln!("{}", warning.render(color));
    }
    println!("{} rules, no errors", loaded.rules.len());
    Ok(())
}
