//! The file, or stdout, that lines go to.
//!
//! Lines are appended whole. When the disk takes only part of one, the next
//! write begins a new line first, so that a reader loses that line and no
//! other.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use tidegate_config::Events;

use super::OutputError;

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To stdout.
    Stdout,
    /// To a file.
    File(PathBuf),
}

/// Whether a file keeps what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// New lines follow the old ones.
    Keep,
    /// The file is emptied.
    Replace,
}

impl Destination {
    /// The destination that the configuration names; none if events go nowhere.
    pub fn configured(events: &Events) -> Option<Self> {
        match events {
            Events::Off => None,
            Events::Stdout => Some(Self::Stdout),
            Events::File(path) => Some(Self::File(path.clone())),
        }
    }

    /// Opens it. A file that is made is readable by its group and no one else:
    /// events tell who speaks to whom.
    pub(super) fn open(&self, existing: Existing) -> Result<Box<dyn Write + Send>, OutputError> {
        match self {
            Self::Stdout => Ok(Box::new(io::stdout())),
            Self::File(path) => {
                let mut options = OpenOptions::new();
                match existing {
                    Existing::Keep => options.append(true),
                    Existing::Replace => options.write(true).truncate(true),
                };
                let file: io::Result<File> = options.create(true).mode(0o640).open(path);
                match file {
                    Ok(file) => Ok(Box::new(file)),
                    Err(source) => Err(OutputError::Open { path: path.clone(), source }),
                }
            }
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// What takes lines and survives their loss.
pub(super) struct Lines<W> {
    to: W,
    /// The last line was cut short.
    torn: bool,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, torn: false }
    }

    /// Writes whole lines. On an error says how many of them are not written,
    /// the one cut short among them.
    pub(super) fn write(&mut self, lines: &[u8]) -> Result<(), (u64, io::Error)> {
        if self.torn
            && let Err(error) = self.to.write_all(b"\n")
        {
            return Err((count(lines), error));
        }
        self.torn = false;
        let mut rest = lines;
        while !rest.is_empty() {
            let error = match self.to.write(rest) {
                Ok(0) => ErrorKind::WriteZero.into(),
                Ok(written) => {
                    self.torn = !rest.get(..written).unwrap_or(rest).ends_with(b"\n");
                    rest = rest.get(written..).unwrap_or_default();
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            return Err((count(rest), error));
        }
        Ok(())
    }

    /// Hands on what the writer below may keep back.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.split_inclusive(|&byte| byte == b'\n').map(|_| 1).sum()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Takes so many bytes, then refuses until it has room again.
    struct Disk {
        room: usize,
        holds: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room).min(5);
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= taken;
            self.holds.extend(bytes.iter().take(taken));
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_costs_only_the_lines_that_find_it_full() {
        let mut lines = Lines::new(Disk { room: 10, holds: Vec::new() });
        let (lost, error) = lines.write(b"one 1\ntwo 2\nthree\n").unwrap_err();
        assert_eq!((lost, error.kind()), (2, ErrorKind::StorageFull));
        assert_eq!(lines.write(b"four\n").unwrap_err().0, 1);
        lines.to.room = 100;
        lines.write(b"five\n").unwrap();
        lines.write(b"six\n").unwrap();
        assert_eq!(lines.to.holds, b"one 1\ntwo \nfive\nsix\n");
    }

    #[test]
    fn a_disk_that_fills_between_lines_tears_none() {
        let mut lines = Lines::new(Disk { room: 6, holds: Vec::new() });
        assert_eq!(lines.write(b"one 1\ntwo 2\n").unwrap_err().0, 1);
        lines.to.room = 100;
        lines.write(b"five\n").unwrap();
        assert_eq!(lines.to.holds, b"one 1\nfive\n");
    }

    #[test]
    fn a_file_is_kept_or_replaced_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eve.json");
        let file = Destination::File(path.clone());
        file.open(Existing::Keep).unwrap().write_all(b"a\n").unwrap();
        file.open(Existing::Keep).unwrap().write_all(b"b\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"a\nb\n");
        file.open(Existing::Replace).unwrap().write_all(b"c\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"c\n");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o137, 0, "{mode:o}");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let error = Destination::File("/nonexistent/eve.json".into()).open(Existing::Keep).err().unwrap();
        assert!(error.to_string().starts_with("cannot open /nonexistent/eve.json for events: "), "{error}");
    }
}
