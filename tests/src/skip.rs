//! Tests that cannot run here say so, loudly.
//!
//! A skip that nobody sees is a test that does not exist: under `CI=true` it is
//! a failure, except where what is missing is not ours to bring along
//! (third-party captures).

use std::io::Write as _;

/// Says that a test is skipped; panics under `CI=true`.
pub fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped under CI=true: {why}");
    skip_anywhere(why);
}

/// Says that a test is skipped, also under `CI=true`: only for what this
/// project may not carry.
pub fn skip_anywhere(why: &str) {
    // Past the test harness, which swallows what a passing test prints.
    let mut line = std::io::stderr().lock();
    let _ = writeln!(line, "skipped: {why}");
}

/// Why no lab can be made here; `None` where one can.
pub fn lab_hindrance() -> Option<String> {
    if !is_root() {
        return Some("the lab needs root (network namespaces)".into());
    }
    for (program, package) in
        [("ip", "iproute2"), ("nsenter", "util-linux"), ("ethtool", "ethtool"), ("ping", "iputils-ping")]
    {
        if !is_installed(program) {
            return Some(format!("the lab needs `{program}` (Debian package {package})"));
        }
    }
    None
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
    ids.split_whitespace().nth(1) == Some("0")
}

/// Whether a program is on the path.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_installed_programs_from_others() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program-anywhere"));
    }
}
