//! Linux cooked capture, both versions
//! (<https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html>, `_SLL2`).
//!
//! What `tcpdump -i any` writes: the link's header is gone, and a made-up one
//! stands in for it, with the EtherType and the sender's address only.

use super::Malformed;

/// Length of the header, version 1, in bytes.
pub const SLL_LEN: usize = 16;
/// Length of the header, version 2, in bytes.
pub const SLL2_LEN: usize = 20;

/// The devices whose packets have no EtherType: frame relay (770), 802.11 bare
/// (801), with Prism (802) and with radiotap header (803), netlink (824).
const WITHOUT_ETHERTYPE: [u16; 5] = [770, 801, 802, 803, 824];

/// A cooked header of version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sll {
    /// 0 to us, 1 broadcast, 2 multicast, 3 to another, 4 from us.
    pub packet_type: u16,
    /// The device's type, Linux's `ARPHRD_` number.
    pub device_type: u16,
    /// How many bytes of `address` count; more than 8 when it did not fit.
    pub address_len: u16,
    /// The sender's address on the link.
    pub address: [u8; 8],
    /// The EtherType, for most devices.
    pub protocol: u16,
}

impl Sll {
    /// The header, and what follows it.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (header, rest) = bytes.split_first_chunk::<SLL_LEN>().ok_or(Malformed::Truncated)?;
        let &[t0, t1, d0, d1, l0, l1, a0, a1, a2, a3, a4, a5, a6, a7, p0, p1] = header;
        let header = Self {
            packet_type: u16::from_be_bytes([t0, t1]),
            device_type: u16::from_be_bytes([d0, d1]),
            address_len: u16::from_be_bytes([l0, l1]),
            address: [a0, a1, a2, a3, a4, a5, a6, a7],
            protocol: u16::from_be_bytes([p0, p1]),
        };
        Ok((header, rest))
    }

    /// The EtherType; 0 where the device has none.
    #[inline]
    pub fn ethertype(&self) -> u16 {
        ethertype(self.device_type, self.protocol)
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; SLL_LEN] {
        let [t0, t1] = self.packet_type.to_be_bytes();
        let [d0, d1] = self.device_type.to_be_bytes();
        let [l0, l1] = self.address_len.to_be_bytes();
        let [a0, a1, a2, a3, a4, a5, a6, a7] = self.address;
        let [p0, p1] = self.protocol.to_be_bytes();
        [t0, t1, d0, d1, l0, l1, a0, a1, a2, a3, a4, a5, a6, a7, p0, p1]
    }
}

/// A cooked header of version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sll2 {
    /// The EtherType, for most devices.
    pub protocol: u16,
    /// Which device, by its index on the capturing host.
    pub interface: u32,
    /// The device's type, Linux's `ARPHRD_` number.
    pub device_type: u16,
    /// 0 to us, 1 broadcast, 2 multicast, 3 to another, 4 from us.
    pub packet_type: u8,
    /// How many bytes of `address` count; more than 8 when it did not fit.
    pub address_len: u8,
    /// The sender's address on the link.
    pub address: [u8; 8],
}

impl Sll2 {
    /// The header, and what follows it.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (header, rest) = bytes.split_first_chunk::<SLL2_LEN>().ok_or(Malformed::Truncated)?;
        let &[p0, p1, _, _, i0, i1, i2, i3, d0, d1, packet_type, address_len, address @ ..] = header;
        let header = Self {
            protocol: u16::from_be_bytes([p0, p1]),
            interface: u32::from_be_bytes([i0, i1, i2, i3]),
            device_type: u16::from_be_bytes([d0, d1]),
            packet_type,
            address_len,
            address,
        };
        Ok((header, rest))
    }

    /// The EtherType; 0 where the device has none.
    #[inline]
    pub fn ethertype(&self) -> u16 {
        ethertype(self.device_type, self.protocol)
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; SLL2_LEN] {
        let [p0, p1] = self.protocol.to_be_bytes();
        let [i0, i1, i2, i3] = self.interface.to_be_bytes();
        let [d0, d1] = self.device_type.to_be_bytes();
        let [a0, a1, a2, a3, a4, a5, a6, a7] = self.address;
        let (kind, len) = (self.packet_type, self.address_len);
        [p0, p1, 0, 0, i0, i1, i2, i3, d0, d1, kind, len, a0, a1, a2, a3, a4, a5, a6, a7]
    }
}

fn ethertype(device_type: u16, protocol: u16) -> u16 {
    if WITHOUT_ETHERTYPE.contains(&device_type) { 0 } else { protocol }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A multicast over IPv6, version 1.
    const SAMPLE: [u8; 17] = [
        0x00, 0x02, 0x00, 0x01, 0x00, 0x06, 0x2e, 0x41, 0x9f, 0x3d, 0xe2, 0xa3, 0x00, 0x00, 0x86, 0xdd, 0x60,
    ];
    /// A request of `ping`, version 2.
    const SAMPLE2: [u8; 21] = [
        0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01, 0x00, 0x06, 0x2e, 0x41, 0x9f, 0x3d, 0xe2,
        0xa3, 0x00, 0x00, 0x45,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Sll::decode(&SAMPLE).unwrap();
        assert_eq!((header.packet_type, header.device_type, header.address_len), (2, 1, 6));
        assert_eq!(header.address, [0x2e, 0x41, 0x9f, 0x3d, 0xe2, 0xa3, 0, 0]);
        assert_eq!((header.ethertype(), rest), (0x86dd, &[0x60][..]));

        let (header, rest) = Sll2::decode(&SAMPLE2).unwrap();
        assert_eq!((header.interface, header.device_type, header.packet_type), (2, 1, 0));
        assert_eq!((header.ethertype(), rest), (0x0800, &[0x45][..]));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..SLL_LEN {
            assert_eq!(Sll::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        for len in 0..SLL2_LEN {
            assert_eq!(Sll2::decode(&SAMPLE2[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn netlink_has_no_ethertype() {
        let (header, _) = Sll::decode(&SAMPLE).unwrap();
        assert_eq!(Sll { device_type: 824, ..header }.ethertype(), 0);
        let (header, _) = Sll2::decode(&SAMPLE2).unwrap();
        assert_eq!(Sll2 { device_type: 803, ..header }.ethertype(), 0);
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(
            packet_type: u8, device_type: u16, address_len: u8, address: [u8; 8], protocol: u16, interface: u32,
        ) {
            let header = Sll {
                packet_type: packet_type.into(), device_type, address_len: address_len.into(), address, protocol,
            };
            let bytes = header.encode();
            prop_assert_eq!(Sll::decode(&bytes), Ok((header, &[][..])));
            let header = Sll2 { protocol, interface, device_type, packet_type, address_len, address };
            let bytes = header.encode();
            prop_assert_eq!(Sll2::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
