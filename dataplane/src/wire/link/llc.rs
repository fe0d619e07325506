//! LLC (IEEE 802.2) and SNAP (RFC 1042).
//!
//! Of what LLC carries, IP is in two forms only: behind SNAP, and (on rings and
//! in old networks) behind its own service access point.

use crate::wire::{Malformed, ethernet};

/// Length of LLC with SNAP in bytes.
pub const SNAP_LEN: usize = 8;
/// Length of LLC without SNAP, unnumbered, in bytes.
pub const LLC_LEN: usize = 3;

/// Service access point of SNAP.
pub const SNAP: u8 = 0xaa;
/// Service access point of IP.
pub const IP: u8 = 0x06;
/// Control: unnumbered information.
pub const UNNUMBERED: u8 = 0x03;

/// Whose numbers those of SNAP are: an EtherType's (RFC 1042).
const ENCAPSULATED_ETHERNET: [u8; 3] = [0, 0, 0];
/// Whose numbers those of SNAP are: an EtherType's, bridged (802.1H).
const BRIDGE_TUNNEL: [u8; 3] = [0, 0, 0xf8];

/// What is kept of an LLC header, and of SNAP where it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Llc {
    /// Destination service access point.
    pub dsap: u8,
    /// Source service access point.
    pub ssap: u8,
    /// Control, its first byte.
    pub control: u8,
    /// Whose numbers the protocol's is, and the protocol, where SNAP follows.
    pub snap: Option<([u8; 3], u16)>,
}

impl Llc {
    /// The header, and what follows it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[dsap, ssap, control], rest) =
            bytes.split_first_chunk::<LLC_LEN>().ok_or(Malformed::Truncated)?;
        if (dsap, ssap, control) != (SNAP, SNAP, UNNUMBERED) {
            return Ok((Self { dsap, ssap, control, snap: None }, rest));
        }
        let (&[o0, o1, o2, p0, p1], rest) = rest.split_first_chunk::<5>().ok_or(Malformed::Truncated)?;
        let snap = Some(([o0, o1, o2], u16::from_be_bytes([p0, p1])));
        Ok((Self { dsap, ssap, control, snap }, rest))
    }

    /// The EtherType, or the one that stands for what follows; `None` where
    /// there is none for it.
    pub const fn ethertype(&self) -> Option<u16> {
        match *self {
            Self { snap: Some((ENCAPSULATED_ETHERNET | BRIDGE_TUNNEL, protocol)), .. } => Some(protocol),
            Self { dsap: IP, ssap: IP, control: UNNUMBERED, .. } => Some(ethernet::IPV4),
            _ => None,
        }
    }

    /// SNAP for an EtherType.
    pub const fn snap(ethertype: u16) -> Self {
        Self { dsap: SNAP, ssap: SNAP, control: UNNUMBERED, snap: Some((ENCAPSULATED_ETHERNET, ethertype)) }
    }

    /// The header's bytes, eight where SNAP follows and three where not.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.dsap, self.ssap, self.control];
        if let Some((owner, protocol)) = self.snap {
            bytes.extend(owner);
            bytes.extend(protocol.to_be_bytes());
        }
        bytes
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// IPv4 in a frame of 802.11.
    const SAMPLE: [u8; 9] = [0xaa, 0xaa, 0x03, 0x00, 0x00, 0x00, 0x08, 0x00, 0x45];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Llc::decode(&SAMPLE).unwrap();
        assert_eq!((header, rest), (Llc::snap(ethernet::IPV4), &[0x45][..]));
        assert_eq!(header.ethertype(), Some(ethernet::IPV4));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..SNAP_LEN {
            assert_eq!(Llc::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn only_some_snap_has_an_ethertype() {
        let mut cdp = SAMPLE;
        cdp[3..8].copy_from_slice(&[0, 0, 0x0c, 0x20, 0]);
        assert_eq!(Llc::decode(&cdp).unwrap().0.ethertype(), None);
        cdp[3..8].copy_from_slice(&[0, 0, 0xf8, 0x80, 0x9b]);
        assert_eq!(Llc::decode(&cdp).unwrap().0.ethertype(), Some(0x809b));
        let ethertype = |bytes: &[u8]| Llc::decode(bytes).unwrap().0.ethertype();
        assert_eq!(ethertype(&[0x42, 0x42, 0x03]), None, "spanning tree");
        assert_eq!(ethertype(&[0x06, 0x06, 0x03]), Some(ethernet::IPV4));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(dsap: u8, ssap: u8, control: u8, owner: [u8; 3], protocol: u16) {
            let snap = Llc { snap: Some((owner, protocol)), ..Llc::snap(0) };
            let plain = Llc { dsap: dsap & !0x80, ssap, control, snap: None };
            for header in [snap, plain] {
                let bytes = header.encode();
                prop_assert_eq!(Llc::decode(&bytes), Ok((header, &[][..])));
            }
        }
    }
}
