//! SSH over ordered bytes (RFC 4253): who speaks, and what they agree on.
//!
//! Says what a passive observer can know: the banner of each side, the
//! algorithms that each offers (and so its HASSH), those that are chosen, the
//! host key. From NEWKEYS on a side is encrypted; when both are, it is done.
//!
//! - `banner`: the line that a side names itself in
//! - `packets`: binary packets out of one direction's bytes
//! - `kex`: what KEXINIT offers, and what is chosen of two of them
//! - `host_key`: the key that a server shows
//! - `side`: one direction: banner, then packets
//! - `facts`: what rules are asked about; `record`: what the log is told
//!
//! SSH 1 (`SSH-1.5`) is known by its banners; its packets are another matter and
//! are not read. Where bytes are missing in a direction, nothing more is known of
//! it; the other goes on.

mod banner;
mod facts;
mod host_key;
mod kex;
mod packets;
mod record;
mod side;
#[cfg(test)]
mod tests;
use super::{Dissector, Fact, Listener, Progress, Record};
use crate::anomaly::Anomaly;
use crate::flow::Direction;
use side::{Side, Told};

pub use banner::Banner;
pub use facts::{BANNER_EVENTS, BANNER_FIELDS, KEX_EVENTS, KEX_FIELDS, SshBanner, SshKex};
pub use host_key::HostKey;
pub use kex::{BothWays, Chosen, KexInit};
pub use record::{Hassh, SshRecord, SshSide};

/// The most of a banner that is kept, in bytes: with its end, which is not kept,
/// it may have 255 (RFC 4253 section 4.2).
pub const BANNER_MAX: usize = 255;

/// The most that may come before the end of a banner, other lines included, in
/// bytes: what OpenSSH bears.
pub const PREFACE_MAX: usize = 8 * 1024;

/// The longest packet, its length field not counted: OpenSSH's bound. RFC 4253
/// section 6.1 asks for 35,000 at least.
pub const PACKET_MAX: u32 = 256 * 1024;

/// The longest payload that is put together, in bytes: what everybody has to
/// bear by RFC 4253 section 6.1. Offers and host keys stay below 5 KiB.
pub const PAYLOAD_MAX: usize = 32 * 1024;

/// The most that a side may say in the clear after its banner, in bytes, before
/// nothing is expected of it any more.
pub const CLEAR_MAX: u64 = 512 * 1024;

/// After so many encrypted bytes of one direction nothing is expected of the
/// other: its packets do not come by here.
pub const ONE_SIDED_MAX: u64 = 64 * 1024;

/// One connection.
#[derive(Debug, Default)]
pub struct Ssh {
    sides: [Side; 2],
    host_key: Option<HostKey>,
    /// Once it is something else than [`Progress::More`], it stays.
    ended: Option<Progress>,
    is_told: bool,
}

impl Ssh {
    /// A connection of which nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The side that sends this way, and the other.
    const fn sides_mut(&mut self, direction: Direction) -> (&mut Side, &mut Side) {
        let [up, down] = &mut self.sides;
        match direction {
            Direction::Up => (up, down),
            Direction::Down => (down, up),
        }
    }

    /// What was said is told, in the order in which it was said.
    fn tell(&mut self, direction: Direction, told: Told, listener: &mut dyn Listener) {
        match told {
            Told::Banner => {
                let (side, other) = self.sides_mut(direction);
                // Who speaks SSH 1 alone settles it for both.
                if side.is_ssh1() || other.is_ssh1() {
                    side.end();
                    other.end_after_banner();
                }
                if let Some(banner) = &side.banner {
                    listener.fact(direction, Fact::SshBanner(&SshBanner { banner, sender: direction }));
                }
            }
            Told::Kex => {
                let side = direction.of(&self.sides);
                if let Some(kex) = side.kex.as_deref() {
                    let banner = side.banner.as_ref();
                    listener.fact(direction, Fact::SshKex(&SshKex { banner, kex, sender: direction }));
                }
            }
            Told::HostKey(key) => {
                self.host_key.get_or_insert(key);
            }
            Told::NoPackets => {
                let (side, other) = self.sides_mut(direction);
                // Who speaks both and was not heard to be answered may speak SSH 1.
                let may_be_ssh1 = side.speaks_both() && other.banner.is_none();
                side.end();
                if !may_be_ssh1 {
                    side.fail();
                    listener.anomaly(direction, Anomaly::SshInvalidRecord);
                }
            }
            Told::Odd(anomaly) => listener.anomaly(direction, anomaly),
        }
    }

    fn progress(&mut self, listener: &mut dyn Listener) -> Progress {
        let [up, down] = &self.sides;
        let has_begun = up.banner.is_some() || down.banner.is_some();
        let is_one_sided = up.passed_over.max(down.passed_over) > ONE_SIDED_MAX;
        let progress = if !has_begun && (up.has_failed() || down.has_failed()) {
            Progress::NotMine
        } else if up.is_over() && down.is_over() || is_one_sided {
            if up.has_failed() || down.has_failed() { Progress::Malformed } else { Progress::Done }
        } else {
            return Progress::More;
        };
        self.ended = Some(progress);
        self.tell_record(listener);
        progress
    }

    /// Tells what is known, once, and forgets it.
    fn tell_record(&mut self, listener: &mut dyn Listener) {
        let sides = std::mem::take(&mut self.sides);
        let host_key = self.host_key.take();
        if !std::mem::replace(&mut self.is_told, true)
            && let Some(record) = SshRecord::new(sides, host_key)
        {
            listener.record(Direction::Up, Record::Ssh(Box::new(record)));
        }
    }
}

impl Dissector for Ssh {
    fn bytes(&mut self, direction: Direction, bytes: &[u8], listener: &mut dyn Listener) -> Progress {
        if let Some(ended) = self.ended {
            return ended;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let (side, _) = self.sides_mut(direction);
            let (after, told) = side.feed(direction, rest);
            rest = after;
            if let Some(told) = told {
                self.tell(direction, told, listener);
            }
        }
        self.progress(listener)
    }

    fn gap(&mut self, direction: Direction, _: u64, listener: &mut dyn Listener) -> Progress {
        if let Some(ended) = self.ended {
            return ended;
        }
        self.sides_mut(direction).0.end();
        self.progress(listener)
    }

    fn end(&mut self, direction: Direction, listener: &mut dyn Listener) -> Progress {
        self.gap(direction, 0, listener)
    }

    fn close(&mut self, listener: &mut dyn Listener) {
        self.tell_record(listener);
    }

    fn held(&self) -> usize {
        self.sides.iter().map(Side::held).sum::<usize>() + self.host_key.as_ref().map_or(0, HostKey::held)
    }
}
