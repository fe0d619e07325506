//! Why a configuration is refused: every problem, each with its key, its place
//! and what is allowed.

use std::fmt;
use std::path::{Path, PathBuf};

/// A configuration that is refused, whole.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What it says cannot be taken.
    #[error("{}", Listed(.0))]
    Refused(Vec<Problem>),
}

impl ConfigError {
    /// What is wrong with the values; nothing if the file could not be read.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Read { .. } => &[],
            Self::Refused(problems) => problems,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The dotted name of the key; empty where no key could be made out.
    pub key: String,
    /// Where it was said.
    pub place: Place,
    /// What is wrong with it, as the end of a sentence that begins with the key.
    pub what: String,
    /// What is allowed, or what to do; empty where `what` says it.
    pub allowed: String,
}

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// Which.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The line itself.
        text: String,
    },
    /// In an option `--set`, whose text this is.
    Set(String),
    /// Elsewhere on the command line, or nowhere: a default.
    Given,
}

impl Place {
    /// The place of a byte of a file.
    pub(crate) fn in_file(path: &Path, source: &str, at: usize) -> Self {
        const CHARS_MAX: usize = 160;
        let before = source.get(..at.min(source.len())).unwrap_or(source);
        let line = before.matches('\n').count();
        let text = source.lines().nth(line).unwrap_or("").trim();
        let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CHARS_MAX).collect();
        Self::File { path: path.to_path_buf(), line: line + 1, text }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { path, line, .. } => write!(f, "{}:{line}: ", path.display())?,
            Place::Set(option) => write!(f, "--set {option}: ")?,
            Place::Given => {}
        }
        if !self.key.is_empty() {
            write!(f, "{} ", self.key)?;
        }
        f.write_str(&self.what)?;
        if !self.allowed.is_empty() {
            write!(f, "; allowed: {}", self.allowed)?;
        }
        if let Place::File { line, text, .. } = &self.place {
            write!(f, "\n  {line} | {text}")?;
        }
        Ok(())
    }
}

/// Problems one after another, each on a line of its own.
struct Listed<'a>(&'a [Problem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_in_its_line() {
        let source = "a = 1\nb\t= 2\n";
        let line = |at| match Place::in_file(Path::new("f"), source, at) {
            Place::File { line, text, .. } => (line, text),
            other => unreachable!("{other:?}"),
        };
        assert_eq!(line(0), (1, "a = 1".into()));
        assert_eq!(line(5), (1, "a = 1".into()));
        assert_eq!(line(6), (2, "b = 2".into()));
        assert_eq!(line(12), (3, String::new()));
        assert_eq!(line(99), (3, String::new()));
    }

    #[test]
    fn says_place_key_fault_and_what_is_allowed() {
        let mut problem = Problem {
            key: "gateway.workers".into(),
            place: Place::in_file(Path::new("t.toml"), "[gateway]\nworkers = 99\n", 12),
            what: "is the number 99".into(),
            allowed: "1 to 64".into(),
        };
        assert_eq!(
            problem.to_string(),
            "t.toml:2: gateway.workers is the number 99; allowed: 1 to 64\n  2 | workers = 99"
        );
        problem.place = Place::Set("gateway.workers=99".into());
        let second = Problem { place: Place::Given, ..problem.clone() };
        assert_eq!(
            ConfigError::Refused(vec![problem, second]).to_string(),
            "--set gateway.workers=99: gateway.workers is the number 99; allowed: 1 to 64\n\
             gateway.workers is the number 99; allowed: 1 to 64"
        );
    }
}
