//! What becomes of a packet or of a flow.

/// A verdict, in rising order of strictness.
///
/// Where two speak about one packet (its own, and the one its flow holds), the
/// stricter wins: `a.max(b)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Verdict {
    /// Goes on to the peer port.
    #[default]
    Accept = 0,
    /// Goes on, and its flow is looked at no more.
    Bypass = 1,
    /// Ends here, silently.
    Drop = 2,
    /// Ends here, and the sender is told (TCP RST or ICMP unreachable).
    Reject = 3,
}

impl Verdict {
    /// The word that rules, events and the command line use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Bypass => "bypass",
            Self::Drop => "drop",
            Self::Reject => "reject",
        }
    }

    /// Whether the packet goes on to the peer port.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Accept | Self::Bypass)
    }

    /// The verdict with this number, as kept in an atomic word; anything
    /// unknown is `Accept`.
    pub const fn from_bits(bits: u8) -> Self {
        match bits {
            1 => Self::Bypass,
            2 => Self::Drop,
            3 => Self::Reject,
            _ => Self::Accept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Verdict; 4] = [Verdict::Accept, Verdict::Bypass, Verdict::Drop, Verdict::Reject];

    #[test]
    fn the_stricter_of_two_wins() {
        assert_eq!(Verdict::Accept.max(Verdict::Drop), Verdict::Drop);
        assert_eq!(Verdict::Reject.max(Verdict::Drop), Verdict::Reject);
        assert_eq!(Verdict::Bypass.max(Verdict::Accept), Verdict::Bypass);
    }

    #[test]
    fn survives_its_number() {
        for verdict in ALL {
            assert_eq!(Verdict::from_bits(verdict as u8), verdict);
            assert_eq!(verdict.passes(), verdict < Verdict::Drop);
        }
    }
}
