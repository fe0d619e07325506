//! What is asked of a socket.

use super::XskError;

/// Whether packets go between NIC and [`Umem`](super::Umem) without a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZeroCopy {
    /// Where the driver can.
    #[default]
    Auto,
    /// Or not at all.
    On,
    /// Never.
    Off,
}

/// How many entries each ring has: powers of two from 64 to 32768.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rings {
    /// Packets that came in and wait for us.
    pub rx: u32,
    /// Packets that wait to go out; also the most that may be on their way out.
    pub tx: u32,
    /// Free chunks for the kernel to receive into; also the most that reception
    /// may hold, RX included.
    pub fill: u32,
    /// Chunks that have been sent; as many as TX, or it holds TX up.
    pub completion: u32,
}

impl Rings {
    /// For a gap of 1 ms in the worker's schedule at 2 M packets/s.
    const MOST: u32 = 2048;
    const LEAST: u32 = 64;

    /// The rings of one socket that may hold up to `chunks` chunks: its part of
    /// the pool that feeds it.
    ///
    /// FILL gets up to a half, TX up to a quarter, and a quarter is left to the
    /// worker, so neither of them can starve the other, nor the worker, however
    /// long the way out is blocked. Fewer than 256 chunks cannot be shared so.
    pub fn for_chunks(chunks: u32) -> Self {
        let at_most = |share: u32| {
            // The largest power of two that is not above the share.
            let power = share.max(1).ilog2();
            (1 << power).clamp(Self::LEAST, Self::MOST)
        };
        let (fill, tx) = (at_most(chunks / 2), at_most(chunks / 4));
        Self { rx: fill, tx, fill, completion: tx }
    }

    /// None of them longer than this.
    #[must_use]
    pub fn capped(self, entries: u32) -> Self {
        let Self { rx, tx, fill, completion } = self;
        let cap = |ring: u32| ring.min(entries);
        Self { rx: cap(rx), tx: cap(tx), fill: cap(fill), completion: cap(completion) }
    }

    pub(super) fn check(&self) -> Result<(), XskError> {
        let Self { rx, tx, fill, completion } = *self;
        for (ring, entries) in [("RX", rx), ("TX", tx), ("FILL", fill), ("COMPLETION", completion)] {
            if !entries.is_power_of_two() || !(Self::LEAST..=32768).contains(&entries) {
                return Err(XskError::RingSize { ring, entries });
            }
        }
        Ok(())
    }
}

/// What is asked of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XskOptions {
    /// The sizes of its rings.
    pub rings: Rings,
    /// Copying or not.
    pub zero_copy: ZeroCopy,
    /// Lets the kernel say when it wants a system call, so that none is made in
    /// vain. There is no reason but a broken driver to go without.
    pub need_wakeup: bool,
    /// Packets may lie in several chunks: needed for an MTU above 3 KiB or so
    /// (and by the XDP program too, as `xdp.frags`). Linux 6.6 and later.
    pub scatter_gather: bool,
}

impl XskOptions {
    /// The usual options, with these rings.
    pub fn with_rings(rings: Rings) -> Self {
        Self { rings, zero_copy: ZeroCopy::Auto, need_wakeup: true, scatter_gather: false }
    }

    /// As bits of `sockaddr_xdp`, the mode apart.
    pub(super) fn flags(&self) -> u16 {
        let mut flags = 0;
        if self.need_wakeup {
            flags |= libc::XDP_USE_NEED_WAKEUP;
        }
        if self.scatter_gather {
            flags |= libc::XDP_USE_SG;
        }
        flags
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn rings_leave_a_quarter_to_the_worker() {
        for chunks in (256..20_000).chain([1 << 20, u32::MAX]) {
            let rings = Rings::for_chunks(chunks);
            rings.check().unwrap();
            assert!(rings.fill + rings.tx <= chunks / 4 * 3 + 3, "{chunks}: {rings:?}");
            assert!(rings.rx >= rings.fill && rings.completion >= rings.tx, "{rings:?}");
        }
        assert_eq!(Rings::for_chunks(8192), Rings { rx: 2048, tx: 2048, fill: 2048, completion: 2048 });
    }

    #[test]
    fn refuses_rings_that_the_kernel_would_refuse() {
        let good = Rings::for_chunks(4096);
        for entries in [0, 1, 32, 65, 1000, 65536] {
            let error = Rings { tx: entries, ..good }.check().unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("the TX ring cannot have {entries} entries")),
                "{error}"
            );
        }
    }
}
