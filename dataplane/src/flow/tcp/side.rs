//! What one side of a connection has sent, in 19 bytes.

use super::segment::TcpSeen;
use crate::wire::tcp::Flags;

/// What is known of one side: 12 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::flow) struct SideFlags(u16);

impl SideFlags {
    /// It was heard, so that [`Side::end`] holds.
    pub(in crate::flow) const HEARD: Self = Self(0x001);
    /// It has acknowledged something, so that [`Side::ack`] holds.
    pub(in crate::flow) const ACKED: Self = Self(0x002);
    /// Its SYN was seen, so that what it can do is known.
    pub(in crate::flow) const SYN: Self = Self(0x004);
    /// Its SYN told a scale for its window.
    pub(in crate::flow) const SCALES: Self = Self(0x008);
    /// It sends time stamps, so that [`Side::timestamp`] holds.
    pub(in crate::flow) const STAMPS: Self = Self(0x010);
    /// It sent a FIN, which [`Side::end`] counts.
    pub(in crate::flow) const FIN: Self = Self(0x020);
    /// Both sides began with a SYN; kept for the client.
    pub(in crate::flow) const FOUR_WAY: Self = Self(0x040);
    /// It probed a window of zero with a byte that is not counted yet.
    pub(in crate::flow) const PROBED: Self = Self(0x080);
    /// Its RST ended the connection.
    pub(in crate::flow) const RESET: Self = Self(0x100);
    /// The connection was picked up in its middle; kept for the client.
    pub(in crate::flow) const MIDSTREAM: Self = Self(0x200);
    /// It sent data in its SYN.
    pub(in crate::flow) const FAST_OPEN: Self = Self(0x400);
    /// It has heard, as far as can be told, that the handshake is complete;
    /// kept for the server.
    pub(in crate::flow) const CONFIRMED: Self = Self(0x800);

    /// Whether all of these are among them.
    #[inline]
    pub(in crate::flow) const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These and those.
    #[inline]
    pub(super) const fn union(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }

    /// What is among both.
    #[inline]
    pub(super) const fn intersection(self, flags: Self) -> Self {
        Self(self.0 & flags.0)
    }

    /// Adds these.
    pub(super) const fn insert(&mut self, flags: Self) {
        self.0 |= flags.0;
    }

    /// Takes these away.
    pub(super) const fn remove(&mut self, flags: Self) {
        self.0 &= !flags.0;
    }

    /// Adds these or takes them away.
    pub(super) const fn set(&mut self, flags: Self, there: bool) {
        if there {
            self.insert(flags);
        } else {
            self.remove(flags);
        }
    }
}

/// What one side has sent. Numbers are TCP's own, modulo 2^32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::flow) struct Side {
    /// After the last byte, SYN or FIN sent.
    pub(in crate::flow) end: u32,
    /// The highest acknowledgement number sent.
    pub(in crate::flow) ack: u32,
    /// The last time stamp sent in order.
    pub(in crate::flow) timestamp: u32,
    /// The largest window told, not scaled.
    pub(in crate::flow) window_max: u16,
    /// The shift of its windows, 0 to 14.
    pub(in crate::flow) scale: u8,
    pub(in crate::flow) flags: SideFlags,
    /// The last window told, not scaled.
    pub(in crate::flow) window: u16,
    /// The lowest byte of its initial sequence number: enough to tell a SYN
    /// repeated from another one in nearly every case, and all there is room for.
    pub(in crate::flow) isn: u8,
}

/// Both sides, up and down.
pub(in crate::flow) type Sides = [Side; 2];

/// The largest shift of a window (RFC 7323 section 2.3).
const SCALE_MAX: u8 = 14;
/// The least that counts as the window of a side whose beginning was not seen: it
/// may have told a larger one before our watch.
const REACH_UNKNOWN: u32 = 1 << 20;

/// How far `a` is after `b`; negative where it is before (RFC 9293 section 3.4).
#[inline]
pub(super) const fn distance(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b).cast_signed()
}

impl Side {
    /// The four fields that share a word: window, scale and flags.
    #[inline]
    pub(in crate::flow) const fn packed(&self) -> u32 {
        (self.window_max as u32) << 16 | (self.scale as u32 & 0xf) << 12 | (self.flags.0 as u32 & 0xfff)
    }

    /// A side with what shares that word, and nothing else.
    #[inline]
    pub(in crate::flow) const fn unpacked(word: u32) -> Self {
        let [w0, w1, high, low] = word.to_be_bytes();
        Self {
            end: 0,
            ack: 0,
            timestamp: 0,
            window_max: u16::from_be_bytes([w0, w1]),
            scale: high >> 4,
            flags: SideFlags(u16::from_be_bytes([high & 0xf, low])),
            window: 0,
            isn: 0,
        }
    }

    /// Whether all of these hold.
    #[inline]
    pub(super) const fn is(&self, flags: SideFlags) -> bool {
        self.flags.contains(flags)
    }

    /// The largest window it has told, in bytes: below 2^30.
    #[inline]
    pub(super) const fn reach(&self) -> u32 {
        let told = (self.window_max as u32) << self.scale;
        if self.is(SideFlags::SYN) || told > REACH_UNKNOWN { told } else { REACH_UNKNOWN }
    }

    /// Up to where it has let the other send.
    #[inline]
    pub(super) const fn edge(&self) -> u32 {
        self.ack.wrapping_add(self.reach())
    }

    /// Takes in its SYN, or SYN+ACK: where it begins and what it can do.
    ///
    /// One that comes again may lack options that the first had; who answers
    /// may have either in mind, and the answer tells what holds.
    pub(super) fn begin(&mut self, seen: &TcpSeen) {
        self.end = seen.end();
        self.isn = low_byte(seen.seq);
        (self.window, self.window_max) = (seen.window, seen.window);
        self.flags.insert(SideFlags::HEARD.union(SideFlags::SYN));
        self.flags.set(SideFlags::FAST_OPEN, seen.payload_len > 0);
        if let Some(shift) = seen.options.window_scale {
            self.scale = shift.min(SCALE_MAX);
            self.flags.insert(SideFlags::SCALES);
        }
        if let Some(timestamp) = seen.options.timestamp {
            self.timestamp = timestamp;
            self.flags.insert(SideFlags::STAMPS);
        }
        if seen.flags.contains(Flags::ACK) {
            self.ack = seen.ack;
            self.flags.insert(SideFlags::ACKED);
        }
    }

    /// Nothing is known of how it began: its window may be of any scale.
    pub(super) const fn begin_unknown(&mut self) {
        self.scale = SCALE_MAX;
    }

    /// What both SYNs have told holds from now on: the window of a SYN is not
    /// scaled, those after it are (RFC 7323 section 2.2).
    pub(super) const fn agree(&mut self, scaled: bool) {
        if scaled {
            let rounded = (self.window_max as u32).div_ceil(1 << self.scale);
            let [.., high, low] = rounded.to_be_bytes();
            self.window_max = u16::from_be_bytes([high, low]);
            self.window = self.window_max;
        } else {
            self.scale = 0;
        }
    }
}

/// What is kept of an initial sequence number.
pub(super) const fn low_byte(isn: u32) -> u8 {
    let [.., low] = isn.to_be_bytes();
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::tcp::TcpSeenOptions;

    proptest! {
        #[test]
        fn survives_its_word(window_max: u16, scale in 0..16_u8, flags in 0..0x1000_u16) {
            let side = Side {
                window_max,
                scale,
                flags: SideFlags(flags),
                ..Side::default()
            };
            prop_assert_eq!(Side::unpacked(side.packed()), side);
        }

        #[test]
        fn distance_is_of_the_shorter_way(a: u32, by in -0x7fff_ffff..0x7fff_ffff_i32) {
            prop_assert_eq!(distance(a.wrapping_add_signed(by), a), by);
        }
    }

    #[test]
    fn the_window_of_a_syn_is_not_scaled() {
        let mut side = Side::default();
        let options = TcpSeenOptions { window_scale: Some(20), ..TcpSeenOptions::default() };
        side.begin(&TcpSeen { window: 65_535, flags: Flags::SYN, options, ..TcpSeen::default() });
        assert_eq!(side.scale, SCALE_MAX, "a shift beyond 14 is 14 (RFC 7323 section 2.3)");
        side.scale = 7;
        side.agree(true);
        assert_eq!((side.reach(), side.window_max), (65_536, 512));
        side.agree(false);
        assert_eq!(side.reach(), 512);
    }
}
