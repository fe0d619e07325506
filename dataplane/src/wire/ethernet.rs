//! Ethernet header (IEEE 802.3 clause 3): addresses and EtherType.
//!
//! The frame check sequence is not part of what we see. An EtherType below
//! [`TYPE_MIN`] is the length of an 802.3 frame, which goes on with
//! [LLC](super::link::llc).

use super::{Mac, Malformed};

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 14;

/// The shortest frame, frame check sequence not counted.
pub const FRAME_LEN_MIN: usize = 60;

/// Below this the EtherType is a length.
pub const TYPE_MIN: u16 = 0x0600;

/// EtherType of IPv4.
pub const IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ARP: u16 = 0x0806;
/// EtherType of IPv6.
pub const IPV6: u16 = 0x86dd;
/// EtherType of an Ethernet frame within something else (RFC 1701).
pub const BRIDGED: u16 = 0x6558;
/// EtherType of MPLS (RFC 3032).
pub const MPLS: u16 = 0x8847;
/// EtherType of MPLS with a label that the sender's upstream gave out (RFC 5332).
pub const MPLS_UPSTREAM: u16 = 0x8848;
/// EtherType of `PPPoE` before there is a session (RFC 2516).
pub const PPPOE_DISCOVERY: u16 = 0x8863;
/// EtherType of `PPPoE` within a session.
pub const PPPOE_SESSION: u16 = 0x8864;
/// EtherType of PPP, within GRE (RFC 2637).
pub const PPP: u16 = 0x880b;
/// EtherType of a backbone service tag (802.1ah).
pub const BACKBONE: u16 = 0x88e7;
/// EtherType of Cisco's VN-Tag.
pub const VN_TAG: u16 = 0x8926;
/// EtherType of an E-Tag (802.1BR).
pub const E_TAG: u16 = 0x893f;
/// EtherType of Cisco `FabricPath`.
pub const FABRIC_PATH: u16 = 0x8903;
/// EtherType of Cisco `MetaData` (security group tags).
pub const CISCO_METADATA: u16 = 0x8909;
/// EtherType of Marvell's tag (Linux's EDSA), which was never given out.
pub const EDSA: u16 = 0xdada;
/// EtherType of `MACsec` (802.1AE).
pub const MACSEC: u16 = 0x88e5;
/// EtherType of a network service header (RFC 8300).
pub const NSH: u16 = 0x894f;
/// EtherType of WCCP's redirection, within GRE.
pub const WCCP: u16 = 0x883e;
/// EtherType of ERSPAN types I and II, within GRE.
pub const ERSPAN: u16 = 0x88be;
/// EtherType of ERSPAN type III, within GRE.
pub const ERSPAN_3: u16 = 0x22eb;

/// An Ethernet header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ethernet {
    /// Destination address.
    pub dst: Mac,
    /// Source address.
    pub src: Mac,
    /// What follows, or, below [`TYPE_MIN`], how long it is.
    pub ethertype: u16,
}

impl Ethernet {
    /// The header, and what follows it.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let &[d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1] = header;
        let header = Self {
            dst: Mac([d0, d1, d2, d3, d4, d5]),
            src: Mac([s0, s1, s2, s3, s4, s5]),
            ethertype: u16::from_be_bytes([t0, t1]),
        };
        Ok((header, rest))
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let Mac([d0, d1, d2, d3, d4, d5]) = self.dst;
        let Mac([s0, s1, s2, s3, s4, s5]) = self.src;
        let [t0, t1] = self.ethertype.to_be_bytes();
        [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1]
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first bytes of a DNS query.
    const SAMPLE: [u8; 16] =
        [0x9e, 0x0b, 0xd1, 0xed, 0x0a, 0x60, 0x2e, 0x41, 0x9f, 0x3d, 0xe2, 0xa3, 0x08, 0x00, 0x45, 0x00];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Ethernet::decode(&SAMPLE).unwrap();
        assert_eq!(header.dst.to_string(), "9e:0b:d1:ed:0a:60");
        assert_eq!(header.src.to_string(), "2e:41:9f:3d:e2:a3");
        assert_eq!(header.ethertype, IPV4);
        assert_eq!(rest, [0x45, 0x00]);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Ethernet::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn knows_a_group_address() {
        assert!(Mac([0xff; 6]).is_group());
        assert!(Mac([0x33, 0x33, 0, 0, 0, 1]).is_group());
        assert!(!Mac([0x02, 0xff, 0xff, 0xff, 0xff, 0xff]).is_group());
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(dst: [u8; 6], src: [u8; 6], ethertype: u16) {
            let header = Ethernet { dst: Mac(dst), src: Mac(src), ethertype };
            let bytes = header.encode();
            prop_assert_eq!(Ethernet::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
