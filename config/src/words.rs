//! The keys whose value is one of a few words.
//!
//! A word and its variant stand together, once: what is read, what is written
//! and what an error offers cannot drift apart.

/// A value that is written as one of a few words.
pub(crate) trait Word: Copy + 'static {
    /// Every word and what it means, the default first.
    const WORDS: &'static [(&'static str, Self)];
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $(#[$first_meta:meta])* $first:ident = $first_word:literal,
       $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            $(#[$first_meta])*
            #[default]
            $first,
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            /// The word in the file.
            pub const fn name(self) -> &'static str {
                match self {
                    Self::$first => $first_word,
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl Word for $name {
            const WORDS: &'static [(&'static str, Self)] =
                &[($first_word, Self::$first), $(($word, Self::$variant),)*];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    };
}

words! {
    /// `gateway.mode`: whether the gateway decides or only watches.
    Mode {
        /// Stands between pairs of interfaces; verdicts hold.
        Inline = "inline",
        /// Watches interfaces; everything passes as if nobody were there.
        Tap = "tap",
    }
}

words! {
    /// `gateway.fail`: what becomes of packets while nobody judges them.
    Fail {
        /// They go on to the peer device.
        Open = "open",
        /// They are dropped.
        Closed = "closed",
    }
}

words! {
    /// `gateway.xdp`: where the XDP program hooks in.
    XdpMode {
        /// In the driver where it can, else behind it.
        Auto = "auto",
        /// In the driver, or not at all.
        Native = "native",
        /// Behind the driver: any device, slower.
        Generic = "generic",
    }
}

words! {
    /// `gateway.zero_copy`: whether the NIC writes into our memory itself.
    ZeroCopy {
        /// Where the driver can.
        Auto = "auto",
        /// Always; a driver that cannot is an error.
        On = "on",
        /// Never: the kernel copies.
        Off = "off",
    }
}

words! {
    /// `gateway.poll`: what a worker does that has no packets.
    Poll {
        /// Sleeps until one comes.
        Adaptive = "adaptive",
        /// Spins on its rings.
        Busy = "busy",
    }
}

words! {
    /// `gateway.default_verdict`: for packets that no rule decides.
    DefaultVerdict {
        /// They pass.
        Accept = "accept",
        /// They are dropped.
        Drop = "drop",
    }
}

words! {
    /// `gateway.malformed`: for packets whose headers do not decode.
    Malformed {
        /// They pass, and are counted.
        Accept = "accept",
        /// They are dropped, and counted.
        Drop = "drop",
    }
}

words! {
    /// `gateway.checksums`: whether wrong checksums make a packet malformed.
    Checksums {
        /// They do not.
        Ignore = "ignore",
        /// They do.
        Verify = "verify",
    }
}

words! {
    /// `defrag.policy`: which bytes count where fragments of an IPv4 datagram overlap.
    ///
    /// As the systems of that name do; an overlap of IPv6 fragments is refused
    /// always (RFC 5722).
    FragmentPolicy {
        /// The fragment that begins first, or came later at the same place.
        Linux = "linux",
        /// The fragment that begins first, or came first at the same place.
        Bsd = "bsd",
        /// The later fragment, unless it ends before the earlier one, or with it and begins after it.
        BsdRight = "bsd_right",
        /// The earlier, unless the later one begins before it and ends after it.
        Windows = "windows",
        /// The earlier, unless the later one begins before it and ends with it or after it.
        Solaris = "solaris",
        /// What came first.
        First = "first",
        /// What came last.
        Last = "last",
    }
}

words! {
    /// `stream.policy`: which bytes count where TCP segments overlap before they
    /// could be delivered.
    StreamPolicy {
        /// As Linux since 2.4.
        Linux = "linux",
        /// As the BSDs and what comes from them.
        Bsd = "bsd",
        /// As Linux before 2.4.
        OldLinux = "old_linux",
        /// As Windows before Vista.
        Windows = "windows",
        /// As Windows since Vista.
        Vista = "vista",
        /// As Solaris.
        Solaris = "solaris",
        /// What came first.
        First = "first",
        /// What came last.
        Last = "last",
    }
}

words! {
    /// `stream.normalise`: what becomes of a segment that says other bytes than
    /// the ones inspected at its place.
    Normalise {
        /// It goes on with the bytes that were inspected.
        Rewrite = "rewrite",
        /// It is dropped.
        Drop = "drop",
        /// It goes on as it is.
        Off = "off",
    }
}

words! {
    /// `stream.invalid`: what becomes of a segment that the receiver would not
    /// take: outside of its window, or from before.
    InvalidSegment {
        /// It is dropped, and counted.
        Drop = "drop",
        /// It passes, and is counted.
        Accept = "accept",
    }
}

words! {
    /// `log.level`: the least severe messages that are written.
    LogLevel {
        /// Notable events in a healthy gateway.
        Info = "info",
        /// Only what stops something from working.
        Error = "error",
        /// Also what works, but not as asked.
        Warn = "warn",
        /// Also what helps to find a fault.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_word_that_comes_first() {
        assert_eq!(Fail::WORDS.first(), Some(&("open", Fail::default())));
        assert_eq!(LogLevel::default().to_string(), "info");
        for (word, mode) in XdpMode::WORDS {
            assert_eq!(mode.name(), *word);
        }
    }
}
