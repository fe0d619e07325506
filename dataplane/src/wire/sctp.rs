//! SCTP common header (RFC 9260 section 3.1), and the checksum in it, a `CRC32c`
//! (appendix A) over all of the packet.

use super::Malformed;

/// Length of the common header in bytes.
pub const HEADER_LEN: usize = 12;
/// IP protocol number.
pub const PROTOCOL: u8 = 132;

/// The common header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sctp {
    /// Port of the sender.
    pub src_port: u16,
    /// Port of the receiver.
    pub dst_port: u16,
    /// Verification tag: 0 in the packet that carries INIT.
    pub tag: u32,
}

impl Sctp {
    /// The header, and the chunks after it.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let &[s0, s1, d0, d1, t0, t1, t2, t3, _, _, _, _] = header;
        let header = Self {
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
            tag: u32::from_be_bytes([t0, t1, t2, t3]),
        };
        Ok((header, rest))
    }

    /// The header's bytes, checksum zero.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let ([s0, s1], [d0, d1]) = (self.src_port.to_be_bytes(), self.dst_port.to_be_bytes());
        let [t0, t1, t2, t3] = self.tag.to_be_bytes();
        [s0, s1, d0, d1, t0, t1, t2, t3, 0, 0, 0, 0]
    }
}

/// The checksum of a packet, common header and all, as the bytes that belong
/// into it; what is there is taken for zeros. `None` of less than a header.
pub fn checksum(packet: &[u8]) -> Option<[u8; 4]> {
    let (&[h0, h1, h2, h3, h4, h5, h6, h7, ..], chunks) = packet.split_first_chunk::<HEADER_LEN>()?;
    let crc = crc32c(!0, &[h0, h1, h2, h3, h4, h5, h6, h7, 0, 0, 0, 0]);
    // The lowest bits stand for the highest powers and are sent first.
    Some((!crc32c(crc, chunks)).to_le_bytes())
}

/// Whether the checksum of a packet is that of its bytes.
pub fn is_intact(packet: &[u8]) -> bool {
    checksum(packet).is_some_and(|checksum| packet.get(8..12) == Some(&checksum))
}

/// `CRC32c`, bits reflected, without the inversions around it.
fn crc32c(crc: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(crc, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        // A byte is always a place in the table.
        (crc >> 8) ^ TABLE.get(usize::from(low ^ byte)).copied().unwrap_or_default()
    })
}

/// What a byte does to the remainder.
static TABLE: [u32; 256] = {
    /// The polynomial of Castagnoli, bits reflected.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut table = [0; 256];
    let mut byte = 0;
    let mut rest: &mut [u32] = &mut table;
    while let [place, after @ ..] = rest {
        let mut crc: u32 = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
            bit += 1;
        }
        *place = crc;
        byte += 1;
        rest = after;
    }
    table
};

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// From 32836 to 80, and the type of its first chunk.
    const SAMPLE: [u8; 13] = [0x80, 0x44, 0x00, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Sctp::decode(&SAMPLE).unwrap();
        assert_eq!((header, rest), (Sctp { src_port: 32836, dst_port: 80, tag: 0 }, &[0x01][..]));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Sctp::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
            assert_eq!(checksum(&SAMPLE[..len]), None);
        }
    }

    /// The check value of CRC-32/ISCSI, and two vectors of RFC 3720 section B.4.
    #[test]
    fn the_remainder_is_that_of_the_standards() {
        assert_eq!(!crc32c(!0, b"123456789"), 0xe306_9283);
        assert_eq!((!crc32c(!0, &[0; 32])).to_le_bytes(), [0xaa, 0x36, 0x91, 0x8a]);
        assert_eq!((!crc32c(!0, &[0xff; 32])).to_le_bytes(), [0x43, 0xab, 0xa8, 0x62]);
    }

    #[test]
    fn a_changed_byte_is_seen() {
        let mut packet = [&SAMPLE[..], &[7; 30]].concat();
        let sum = checksum(&packet).unwrap();
        assert!(!is_intact(&packet));
        packet[8..12].copy_from_slice(&sum);
        assert!(is_intact(&packet));
        for at in 0..packet.len() {
            let mut packet = packet.clone();
            packet[at] ^= 0x04;
            assert!(!is_intact(&packet), "{at}");
        }
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(src_port: u16, dst_port: u16, tag: u32) {
            let header = Sctp { src_port, dst_port, tag };
            let bytes = header.encode();
            prop_assert_eq!(Sctp::decode(&bytes), Ok((header, &[][..])));
        }
    }
}
