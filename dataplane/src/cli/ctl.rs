//! `tidegate ctl`: ask or tell a running gateway.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{CliError, ConfigArgs};
use crate::control::ask;
use crate::control::protocol::Request;

#[derive(Args)]
pub(super) struct CtlArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The gateway's control socket, if not the one of the configuration
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// What runs where, and since when
    Status,
    /// All counters
    Stats,
    /// The flows that are open now
    Flows {
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// The rules in force and how often each was hit
    Rules,
    /// Read the rules files again; a file with an error leaves the old rules in force
    Reload,
}

pub(super) fn run(args: &CtlArgs) -> Result<(), CliError> {
    let request = match args.what {
        What::Status => Request::Status,
        What::Stats => Request::Stats,
        What::Flows { limit } => Request::Flows { limit },
        What::Rules => Request::Rules,
        What::Reload => Request::Reload,
    };
    let socket = match &args.socket {
        Some(socket) => socket.clone(),
        None => args.config.load()?.control.socket.ok_or_else(|| {
            CliError::usage("ctl: control.socket is off in this configuration; name one with --socket")
        })?,
    };
    let response = ask(&socket, &request).map_err(CliError::world)?;
    if response.code != 0 {
        return Err(CliError { code: response.code, message: response.error });
    }
    if args.json {
        println!("{}", response.data);
    } else {
        match &response.data {
            Value::Array(rows) => print_table(rows),
            data => print_tree(data, ""),
        }
    }
    Ok(())
}

/// Prints rows that all have the same keys, as aligned columns.
fn print_table(rows: &[Value]) {
    let Some(Value::Object(first)) = rows.first() else {
        println!("none");
        return;
    };
    let mut lines = vec![first.keys().cloned().collect::<Vec<_>>()];
    lines.extend(rows.iter().filter_map(Value::as_object).map(|row| row.values().map(plain).collect()));
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(String::len).max();
    let widths: Vec<_> = (0..first.len()).map(|column| width(column).unwrap_or(0)).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// Prints nested objects, one value a line, under its dotted name.
fn print_tree(value: &Value, name: &str) {
    let under = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| print_tree(value, &under(key))),
        Value::Array(entries) => {
            entries
                .iter()
                .enumerate()
                .for_each(|(index, value)| print_tree(value, &under(&index.to_string())));
        }
        value => println!("{name:<40} {}", plain(value)),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
