//! Instructions per packet, counted by callgrind: a number that a busy machine
//! does not move, so that CI can hold it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::pipeline::CASES;

/// More than this much off the baseline is a failure.
const TOLERANCE: f64 = 0.02;
/// Two runs of different length: what they have in common (start, rules,
/// opening of flows) cancels out.
const SHORT: u64 = 20_000;
const LONG: u64 = 60_000;
/// Cases that would take minutes under callgrind and show nothing that the
/// others do not.
const TOO_LARGE: [&str; 2] = ["udp64-100k-flows", "udp64-1M-flows"];

/// Counts every case; compares with `check`, writes to `write`.
pub(crate) fn run(check: Option<&Path>, write: Option<&Path>) -> Result<(), String> {
    let baseline = check.map(read).transpose()?;
    let mut lines = String::from("case,instructions_per_packet\n");
    let mut failures = Vec::new();
    for case in CASES.iter().filter(|case| !TOO_LARGE.contains(&case.name)) {
        let count = per_packet(case.name)?;
        let _ = writeln!(lines, "{},{count:.1}", case.name);
        let verdict = match &baseline {
            None => String::new(),
            Some(baseline) => match baseline.get(case.name) {
                None => {
                    failures.push(format!("{} is not in the baseline", case.name));
                    "new".to_owned()
                }
                Some(known) => {
                    let change = count / known - 1.0;
                    if change.abs() > TOLERANCE {
                        failures.push(format!("{} changed by {:+.1} %", case.name, change * 100.0));
                    }
                    format!("{:+.1} %", change * 100.0)
                }
            },
        };
        println!("{:<18} {count:>8.1} instructions/packet {verdict}", case.name);
    }
    if let Some(path) = write {
        std::fs::write(path, lines).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}; when that is meant, run `perf count --write perf/baseline.csv` and say why in the commit",
        failures.join(", ")
    ))
}

fn read(path: &Path) -> Result<BTreeMap<String, f64>, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let parse = |line: &str| {
        let (name, count) = line.split_once(',')?;
        Some((name.to_owned(), count.trim().parse().ok()?))
    };
    text.lines()
        .skip(1)
        .map(|line| parse(line).ok_or_else(|| format!("{}: not `case,count`: {line}", path.display())))
        .collect()
}

fn per_packet(case: &str) -> Result<f64, String> {
    let (short, long) = (instructions(case, SHORT)?, instructions(case, LONG)?);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let per_packet = (long - short) as f64 / (LONG - SHORT) as f64;
    Ok(per_packet)
}

fn instructions(case: &str, packets: u64) -> Result<u64, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["case", case, &packets.to_string()])
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}; install the package valgrind"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("the case {case} failed under valgrind:\n{text}"));
    }
    text.lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok())
        .ok_or_else(|| format!("valgrind printed no count for {case}:\n{text}"))
}
