//! Alerts (RFC 8446 section 6): two bytes, when they are not encrypted.

use super::super::Malformed;
use super::AlertDescription;

/// Length in bytes.
pub const LEN: usize = 2;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// 1: the connection goes on.
    Warning,
    /// 2: the connection ends.
    Fatal,
}

/// An alert in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Alert {
    /// How bad it is.
    pub level: Level,
    /// What is wrong.
    pub description: AlertDescription,
}

impl Alert {
    /// The alert that a record holds; an encrypted one is longer, or its level
    /// is none ([`Malformed::Unsupported`]).
    pub const fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let &[level, description] = bytes else {
            return Err(if bytes.len() < LEN { Malformed::Truncated } else { Malformed::BadLength });
        };
        let level = match level {
            1 => Level::Warning,
            2 => Level::Fatal,
            _ => return Err(Malformed::Unsupported),
        };
        Ok(Self { level, description: AlertDescription(description) })
    }

    /// Its bytes.
    pub const fn encode(self) -> [u8; LEN] {
        [if matches!(self.level, Level::Warning) { 1 } else { 2 }, self.description.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_it_encodes() {
        for level in [Level::Warning, Level::Fatal] {
            let alert = Alert { level, description: AlertDescription::HANDSHAKE_FAILURE };
            assert_eq!(Alert::decode(&alert.encode()), Ok(alert));
        }
        assert_eq!(
            Alert::decode(&[2, 40]).map(|alert| alert.description.name()),
            Ok(Some("handshake_failure"))
        );
    }

    #[test]
    fn refuses_what_is_no_alert_in_the_clear() {
        assert_eq!(Alert::decode(&[2]), Err(Malformed::Truncated));
        assert_eq!(Alert::decode(&[2, 40, 0]), Err(Malformed::BadLength));
        assert_eq!(Alert::decode(&[3, 40]), Err(Malformed::Unsupported));
    }
}
