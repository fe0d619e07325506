//! Checks on the project's own source, where reading does better than
//! reviewing: what a program can check is a test, never a remark.
//!
//! Each check takes a path and a text and gives what is wrong with them, so
//! that each is shown to be able to fail on a few lines of its own. The checks
//! read words, not syntax trees: [`code`] takes comments and text literals
//! out first, and what is left is close enough.

pub mod code;
pub mod floors;
pub mod homes;
pub mod shape;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Something wrong, and where: `path:line: what`.
pub type Finding = String;

/// One file of the project.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path from the project's root, with `/` between.
    pub path: String,
    /// What is in it; empty for what is not UTF-8.
    pub text: String,
}

impl Source {
    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|end| end == "rs")
    }
}

/// The project's root.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().map(Path::to_path_buf).expect("this crate is a folder of the project")
}

/// Every file of the project: what git has or would take, or, without git, all
/// but what is built.
pub fn sources() -> Vec<Source> {
    let root = root();
    let mut paths = listed_by_git(&root).unwrap_or_else(|| {
        let mut found = Vec::new();
        walk(&root, "", &mut found);
        found
    });
    paths.sort();
    // A file may have been deleted and the deletion not been committed.
    let readable = paths.into_iter().filter(|path| root.join(path).is_file());
    readable
        .map(|path| {
            let bytes = std::fs::read(root.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            Source { text: String::from_utf8(bytes).unwrap_or_default(), path }
        })
        .collect()
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["-c", "core.quotepath=off", "-c", "safe.directory=*"]);
    let listed = git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).output().ok()?;
    let paths: Vec<String> = String::from_utf8(listed.stdout).ok()?.lines().map(String::from).collect();
    // Inside another repository that does not know of us the list is empty.
    (listed.status.success() && !paths.is_empty()).then_some(paths)
}

fn walk(root: &Path, below: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(root.join(below)).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if !entry.path().is_dir() {
            found.push(path);
        } else if name != "target" && name != ".git" {
            walk(root, &path, found);
        }
    }
}

/// The number of the line in which the byte at `at` is, from 1.
fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_sources_with_and_without_git() {
        let own = "tests/src/tidy/mod.rs";
        assert!(sources().iter().any(|source| source.path == own && !source.text.is_empty()));
        let mut walked = Vec::new();
        walk(&root(), "", &mut walked);
        assert!(walked.iter().any(|path| path == own));
        assert!(!walked.iter().any(|path| path.starts_with("target/")));
    }

    #[test]
    fn counts_lines_from_one() {
        assert_eq!([0, 1, 2, 3].map(|at| line_of("a\nb\n", at)), [1, 1, 2, 2]);
    }
}
