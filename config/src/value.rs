//! Values with a form of their own in the file.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// `gateway.workers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// One for each core named, or else for each CPU there is.
    #[default]
    Auto,
    /// This many.
    Count(u8),
}

impl fmt::Display for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Count(count) => count.fmt(f),
        }
    }
}

impl Serialize for Workers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Count(count) => serializer.serialize_u8(*count),
        }
    }
}

/// `output.events`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Events {
    /// Nowhere: written `""`.
    #[default]
    Off,
    /// To stdout: written `"-"`.
    Stdout,
    /// To the end of this file.
    File(PathBuf),
}

impl From<&str> for Events {
    fn from(text: &str) -> Self {
        match text {
            "" => Self::Off,
            "-" => Self::Stdout,
            path => Self::File(PathBuf::from(path)),
        }
    }
}

impl fmt::Display for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => Ok(()),
            Self::Stdout => f.write_str("-"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Serialize for Events {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Writes an absent path as the empty text that stands for it in the file.
#[expect(clippy::ref_option, reason = "serde hands the field over like this")]
pub(crate) fn path_or_empty<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => path.serialize(serializer),
        None => serializer.serialize_str(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_events_go_survives_its_text() {
        for text in ["", "-", "/var/log/eve.json"] {
            assert_eq!(Events::from(text).to_string(), text);
        }
        assert_eq!(Events::from("-"), Events::Stdout);
        assert_eq!(Events::default(), Events::from(""));
    }
}
