//! BSD loopback header
//! (<https://www.tcpdump.org/linktypes/LINKTYPE_NULL.html>): four bytes that
//! name an address family.
//!
//! NULL writes them in the byte order of the capturing host, which the capture
//! does not always tell; LOOP in network byte order. Families are small numbers,
//! so that only one byte order makes sense of them. IPv6 has a number of its own
//! on each BSD.

use super::Malformed;
use super::link::capture::Begins;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 4;

/// Family of IPv4, everywhere.
pub const INET: u32 = 2;
/// Family of IPv6 on NetBSD, OpenBSD and Npcap (Windows).
pub const INET6_OPENBSD: u32 = 24;
/// Family of IPv6 on FreeBSD.
pub const INET6_FREEBSD: u32 = 28;
/// Family of IPv6 on macOS.
pub const INET6_DARWIN: u32 = 30;

/// What a family stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// Anything else.
    Other,
}

/// A loopback header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Null {
    /// The address family, as its host numbers it.
    pub family: u32,
}

impl Null {
    /// The header, in either byte order, and what follows it.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&family, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let family = u32::from_be_bytes(family);
        // A family fits in 16 bits, so what does not has its bytes reversed.
        Ok((Self { family: if family > 0xffff { family.swap_bytes() } else { family } }, rest))
    }

    /// What the family stands for.
    #[inline]
    pub const fn family(&self) -> Family {
        match self.family {
            INET => Family::V4,
            INET6_OPENBSD | INET6_FREEBSD | INET6_DARWIN => Family::V6,
            _ => Family::Other,
        }
    }

    /// What a packet after it begins with.
    pub(super) const fn begins(self) -> Begins {
        match self.family() {
            Family::V4 | Family::V6 => Begins::Ip,
            Family::Other => Begins::Other,
        }
    }

    /// The header's bytes, in network byte order.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        self.family.to_be_bytes()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// IPv6 as a Mac writes it, and the first byte of the IPv6 header.
    const SAMPLE: [u8; 5] = [0x1e, 0, 0, 0, 0x60];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Null::decode(&SAMPLE).unwrap();
        assert_eq!((header.family(), rest), (Family::V6, &[0x60][..]));
        let (header, _) = Null::decode(&[0, 0, 0, 2]).unwrap();
        assert_eq!(header.family(), Family::V4);
        let (header, _) = Null::decode(&[7, 0, 0, 0]).unwrap();
        assert_eq!(header.family(), Family::Other);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Null::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(family in 0_u32..0x10000) {
            let header = Null { family };
            let bytes = header.encode();
            prop_assert_eq!(Null::decode(&bytes), Ok((header, &[][..])));
            let reversed = Null::decode(&family.to_le_bytes()).map(|(header, _)| header);
            prop_assert_eq!(reversed, Ok(header));
        }
    }
}
