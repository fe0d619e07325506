//! Versions: numbers that are never a closed set, of several makers.

use std::fmt;

/// A version, as long headers carry it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32);

/// How packets of a version are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// As RFC 9000 has it.
    V1,
    /// The same with other numbers for the types of packets (RFC 9369).
    V2,
    /// Google's with a long header that has both lengths of connection IDs in one
    /// byte: Q044 to Q049.
    GoogleLong,
    /// Google's public header: up to Q043.
    GooglePublic,
    /// Not known: what RFC 8999 promises of any version is all there is.
    Unknown,
}

impl Version {
    /// No version: a server offers others (RFC 9000 section 17.2.1).
    pub const NEGOTIATION: Self = Self(0);
    /// QUIC version 1 (RFC 9000).
    pub const V1: Self = Self(1);
    /// QUIC version 2 (RFC 9369).
    pub const V2: Self = Self(0x6b33_43cf);

    /// `Q` and a number of three digits: Google's.
    pub const fn google(number: u8) -> Self {
        Self(u32::from_be_bytes([b'Q', b'0' + number / 100, b'0' + number / 10 % 10, b'0' + number % 10]))
    }

    /// Which draft of version 1 it is, or is built alike: Facebook's and Google's
    /// with TLS say so by other numbers.
    pub const fn draft(self) -> Option<u8> {
        match self.0 {
            0xff00_0001..=0xff00_0022 => Some(self.0.to_be_bytes()[3]),
            0xface_b001 => Some(22),
            0xface_b002 | 0xface_b00e => Some(27),
            _ => None,
        }
    }

    /// The number of Google's version, and whether TLS is in it (`T` where the
    /// others have `Q`).
    pub fn google_number(self) -> Option<(u16, bool)> {
        let [maker @ (b'Q' | b'T'), digits @ ..] = self.0.to_be_bytes() else { return None };
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some((digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')), maker == b'T'))
    }

    /// Whether nobody will ever speak it: clients ask for it so that servers offer
    /// what they have (RFC 9000 section 15).
    pub const fn is_reserved(self) -> bool {
        self.0 & 0x0f0f_0f0f == 0x0a0a_0a0a
    }

    /// How its packets are laid out.
    pub fn layout(self) -> Layout {
        match self {
            Self::V1 => Layout::V1,
            Self::V2 => Layout::V2,
            _ => match (self.draft(), self.google_number()) {
                (Some(22..), _) | (_, Some((50.., _))) => Layout::V1,
                (_, Some((44..=49, _))) => Layout::GoogleLong,
                (_, Some(_)) => Layout::GooglePublic,
                _ => Layout::Unknown,
            },
        }
    }
}

impl fmt::Display for Version {
    /// As EVE events have it: Google's by name, version 2 as `v2`, others in
    /// hexadecimal without zeros in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, self.google_number()) {
            (_, Some((number, has_tls))) => {
                write!(f, "{}{number:03}", if has_tls { 'T' } else { 'Q' })
            }
            (Self::V2, _) => f.write_str("v2"),
            _ => write!(f, "{:x}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_written_as_events_have_them() {
        for (number, text) in [
            (1, "1"),
            (0x6b33_43cf, "v2"),
            (0, "0"),
            (0xff00_001d, "ff00001d"),
            (0x5130_3436, "Q046"),
            (0x5430_3531, "T051"),
            (0x0a1a_2a3a, "a1a2a3a"),
            (0x5130_343a, "5130343a"),
        ] {
            assert_eq!(Version(number).to_string(), text);
        }
        assert_eq!(Version::google(46), Version(0x5130_3436));
    }

    #[test]
    fn layouts_follow_the_history() {
        for (version, layout) in [
            (Version::V1, Layout::V1),
            (Version::V2, Layout::V2),
            (Version(0xff00_001d), Layout::V1),
            (Version(0xff00_0015), Layout::Unknown),
            (Version(0xface_b001), Layout::V1),
            (Version(0x5430_3531), Layout::V1),
            (Version::google(50), Layout::V1),
            (Version::google(46), Layout::GoogleLong),
            (Version::google(43), Layout::GooglePublic),
            (Version(0xbaba_baba), Layout::Unknown),
        ] {
            assert_eq!(version.layout(), layout, "{version}");
        }
        assert!(Version(0xbada_ba8a).is_reserved() && !Version::V1.is_reserved());
    }
}
