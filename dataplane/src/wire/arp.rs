//! ARP (RFC 826), for IPv4 over Ethernet.
//!
//! ARP for other networks is sound and says so ([`Malformed::Unsupported`]);
//! ARP that claims Ethernet and IPv4 but not the lengths of their addresses is
//! not.

use std::net::Ipv4Addr;

use super::{Mac, Malformed, ethernet};

/// Length in bytes, for IPv4 over Ethernet.
pub const LEN: usize = 28;

/// Operation: who has the target's protocol address?
pub const REQUEST: u16 = 1;
/// Operation: the sender has it.
pub const REPLY: u16 = 2;

/// Hardware type of Ethernet.
const HARDWARE_ETHERNET: u16 = 1;
/// Length of an Ethernet address.
const HARDWARE_LEN: u8 = 6;
/// Length of an IPv4 address.
const PROTOCOL_LEN: u8 = 4;

/// What is kept of an ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Who speaks: hardware and protocol address.
    pub sender: (Mac, Ipv4Addr),
    /// Who is spoken to, or of.
    pub target: (Mac, Ipv4Addr),
}

impl Arp {
    /// The packet, and what follows it (on Ethernet: padding).
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[h0, h1, p0, p1, hardware_len, protocol_len, o0, o1], addresses) =
            bytes.split_first_chunk::<8>().ok_or(Malformed::Truncated)?;
        if u16::from_be_bytes([h0, h1]) != HARDWARE_ETHERNET || u16::from_be_bytes([p0, p1]) != ethernet::IPV4
        {
            return Err(Malformed::Unsupported);
        }
        if hardware_len != HARDWARE_LEN || protocol_len != PROTOCOL_LEN {
            return Err(Malformed::BadLength);
        }
        let (sender, rest) = party(addresses)?;
        let (target, rest) = party(rest)?;
        Ok((Self { operation: u16::from_be_bytes([o0, o1]), sender, target }, rest))
    }

    /// The packet's bytes.
    pub fn encode(&self) -> [u8; LEN] {
        let [h0, h1] = HARDWARE_ETHERNET.to_be_bytes();
        let [p0, p1] = ethernet::IPV4.to_be_bytes();
        let [o0, o1] = self.operation.to_be_bytes();
        let ((Mac(sender_mac), sender), (Mac(target_mac), target)) = (self.sender, self.target);
        let fields = [h0, h1, p0, p1, HARDWARE_LEN, PROTOCOL_LEN, o0, o1]
            .into_iter()
            .chain(sender_mac)
            .chain(sender.octets())
            .chain(target_mac)
            .chain(target.octets());
        let mut bytes = [0; LEN];
        bytes.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        bytes
    }
}

/// A hardware address and the protocol address that goes with it.
fn party(bytes: &[u8]) -> Result<((Mac, Ipv4Addr), &[u8]), Malformed> {
    let (&hardware, rest) = bytes.split_first_chunk::<6>().ok_or(Malformed::Truncated)?;
    let (&protocol, rest) = rest.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
    Ok(((Mac(hardware), Ipv4Addr::from(protocol)), rest))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Linux at 192.168.1.10 asks for 192.168.1.1.
    const SAMPLE: [u8; LEN] = [
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x2e, 0x41, 0x9f, 0x3d, 0xe2, 0xa3, 0xc0, 0xa8, 0x01,
        0x0a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xc0, 0xa8, 0x01, 0x01,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let mut padded = SAMPLE.to_vec();
        padded.extend([0; 18]);
        let (arp, rest) = Arp::decode(&padded).unwrap();
        assert_eq!(arp.operation, REQUEST);
        assert_eq!(arp.sender, (Mac([0x2e, 0x41, 0x9f, 0x3d, 0xe2, 0xa3]), Ipv4Addr::new(192, 168, 1, 10)));
        assert_eq!(arp.target, (Mac::default(), Ipv4Addr::new(192, 168, 1, 1)));
        assert_eq!(rest, [0; 18]);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..LEN {
            assert_eq!(Arp::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length() {
        for at in [4, 5] {
            let mut bytes = SAMPLE;
            bytes[at] += 1;
            assert_eq!(Arp::decode(&bytes), Err(Malformed::BadLength));
        }
    }

    #[test]
    fn knows_what_it_does_not_decode() {
        for at in [1, 3] {
            let mut bytes = SAMPLE;
            bytes[at] ^= 0x10;
            assert_eq!(Arp::decode(&bytes), Err(Malformed::Unsupported));
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(operation: u16, macs: [[u8; 6]; 2], ips: [[u8; 4]; 2]) {
            let arp = Arp { operation, sender: (Mac(macs[0]), ips[0].into()), target: (Mac(macs[1]), ips[1].into()) };
            let bytes = arp.encode();
            prop_assert_eq!(Arp::decode(&bytes), Ok((arp, &[][..])));
        }
    }
}
