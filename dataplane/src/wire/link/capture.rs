//! Headers that no wire has: what capturing systems write before a packet.
//! NFLOG of Linux, PKTAP of macOS, IPNET of Solaris, ENC and PFLOG of the BSDs,
//! the Ethernet of Juniper's routers.
//!
//! Each is described at <https://www.tcpdump.org/linktypes.html>. Numbers are in
//! the byte order of the capturing host where nothing else is said; where only
//! one order makes sense of them, that one is taken.

use crate::wire::Malformed;
use crate::wire::null::Null;

/// What stands before a packet, and what the packet begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// IPv4 or IPv6, as its first nibble says.
    Ip,
    /// A packet of this link type.
    Link(u32),
    /// Nothing that we decode.
    Other,
}

/// Steps over one of these headers: what the packet begins with, and the packet.
pub type Decode = fn(&[u8]) -> Result<(Begins, &[u8]), Malformed>;

/// Within NFLOG: the attribute that is the packet.
const NFLOG_PAYLOAD: u16 = 9;
/// The most attributes of NFLOG that are looked at: there are some twenty.
const NFLOG_ATTRIBUTES_MAX: usize = 64;

/// NFLOG: attributes, the last of which is the packet.
pub fn nflog(bytes: &[u8]) -> Result<(Begins, &[u8]), Malformed> {
    let (&[family, version, _, _], mut rest) = bytes.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
    if version != 0 {
        return Err(Malformed::BadVersion);
    }
    for _ in 0..NFLOG_ATTRIBUTES_MAX {
        if rest.is_empty() {
            return Ok((Begins::Other, rest));
        }
        let (&[l0, l1, k0, k1], body) = rest.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
        // Attributes are few and short but for the packet, whose kind is small.
        let (len, kind) = match u16::from_le_bytes([k0, k1]) & 0x7fff {
            kind @ 0..=0xff => (u16::from_le_bytes([l0, l1]), kind),
            _ => (u16::from_be_bytes([l0, l1]), u16::from_be_bytes([k0, k1]) & 0x7fff),
        };
        let len = usize::from(len).checked_sub(4).ok_or(Malformed::BadLength)?;
        if kind == NFLOG_PAYLOAD {
            let begins = if matches!(family, 2 | 10) { Begins::Ip } else { Begins::Other };
            return Ok((begins, body));
        }
        rest = body.get(len.next_multiple_of(4)..).ok_or(Malformed::BeyondEnd)?;
    }
    Err(Malformed::TooDeep)
}

/// The bytes of NFLOG before a packet of `len` bytes.
pub fn nflog_encode(len: u16) -> [u8; 8] {
    let [l0, l1] = len.saturating_add(4).to_le_bytes();
    [2, 0, 0, 0, l0, l1, 9, 0]
}

/// Length of a PKTAP header in bytes, at least.
const PKTAP_LEN_MIN: u32 = 108;

/// PKTAP: the packet's link type and much else.
pub fn pktap(bytes: &[u8]) -> Result<(Begins, &[u8]), Malformed> {
    let (&[l0, l1, l2, l3, k0, k1, k2, k3, t0, t1, t2, t3], _) =
        bytes.split_first_chunk::<12>().ok_or(Malformed::Truncated)?;
    let (len, kind, link) = ([l0, l1, l2, l3], [k0, k1, k2, k3], [t0, t1, t2, t3]);
    let little = u32::from_le_bytes(len) <= 0xffff;
    let read = |bytes| if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
    let len = read(len);
    if len < PKTAP_LEN_MIN {
        return Err(Malformed::BadHeaderLength);
    }
    let rest = bytes.get(len as usize..).ok_or(Malformed::BeyondEnd)?;
    Ok((if read(kind) == 1 { Begins::Link(read(link)) } else { Begins::Other }, rest))
}

/// The bytes of PKTAP before a packet of this link type.
pub fn pktap_encode(link: u32) -> [u8; 108] {
    let mut bytes = [0; 108];
    let head = [108_u32, 1, link].into_iter().flat_map(u32::to_le_bytes);
    bytes.iter_mut().zip(head).for_each(|(slot, byte)| *slot = byte);
    bytes
}

/// Length of an IPNET header in bytes.
const IPNET_LEN: usize = 24;

/// IPNET: which zones of Solaris a packet went between.
pub fn ipnet(bytes: &[u8]) -> Result<(Begins, &[u8]), Malformed> {
    let (&[version, ..], rest) = bytes.split_first_chunk::<IPNET_LEN>().ok_or(Malformed::Truncated)?;
    if version == 1 { Ok((Begins::Ip, rest)) } else { Err(Malformed::BadVersion) }
}

/// The bytes of IPNET before a packet of IPv4.
pub fn ipnet_encode() -> [u8; IPNET_LEN] {
    let mut bytes = [0; IPNET_LEN];
    let [version, family, ..] = &mut bytes;
    (*version, *family) = (1, 2);
    bytes
}

/// Length of an ENC header in bytes.
const ENC_LEN: usize = 12;

/// ENC: a packet that `IPsec` has taken out of its wrapping.
pub fn enc(bytes: &[u8]) -> Result<(Begins, &[u8]), Malformed> {
    let (header, rest) = bytes.split_first_chunk::<ENC_LEN>().ok_or(Malformed::Truncated)?;
    let (family, _) = Null::decode(header)?;
    Ok((family.begins(), rest))
}

/// The bytes of ENC before a packet of IPv4.
pub fn enc_encode() -> [u8; ENC_LEN] {
    let mut bytes = [0; ENC_LEN];
    let [_, _, _, family, ..] = &mut bytes;
    *family = 2;
    bytes
}

/// Length of a PFLOG header in bytes, at least.
const PFLOG_LEN_MIN: u8 = 45;

/// PFLOG: what the packet filter of the BSDs did with a packet. The header is
/// filled up to whole words.
pub fn pflog(bytes: &[u8]) -> Result<(Begins, &[u8]), Malformed> {
    let (&[len, family], _) = bytes.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
    if len < PFLOG_LEN_MIN {
        return Err(Malformed::BadHeaderLength);
    }
    let rest = bytes.get(usize::from(len).next_multiple_of(4)..).ok_or(Malformed::BeyondEnd)?;
    Ok((Null { family: family.into() }.begins(), rest))
}

/// The bytes of PFLOG before a packet of IPv4.
pub fn pflog_encode() -> [u8; 64] {
    let mut bytes = [0; 64];
    let [len, family, ..] = &mut bytes;
    (*len, *family) = (61, 2);
    bytes
}

/// What Juniper's headers begin with.
const JUNIPER_MAGIC: [u8; 3] = [0x4d, 0x47, 0x43];
/// Juniper's flag: there is no link header, IP follows.
const JUNIPER_NO_LINK: u8 = 0x02;
/// Juniper's flag: extensions follow, with a length before them.
const JUNIPER_EXTENDED: u8 = 0x80;

/// The header of a Juniper router before an Ethernet frame.
pub fn juniper_ethernet(bytes: &[u8]) -> Result<(Begins, &[u8]), Malformed> {
    let (&[m0, m1, m2, flags], mut rest) = bytes.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
    if [m0, m1, m2] != JUNIPER_MAGIC {
        return Err(Malformed::BadVersion);
    }
    if flags & JUNIPER_EXTENDED != 0 {
        let (&len, after) = rest.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
        rest = after.get(usize::from(u16::from_be_bytes(len))..).ok_or(Malformed::BeyondEnd)?;
    }
    if flags & JUNIPER_NO_LINK == 0 {
        return Ok((Begins::Link(1), rest));
    }
    // The protocol's family, which the first nibble says as well.
    Ok((Begins::Ip, rest.get(4..).ok_or(Malformed::Truncated)?))
}

/// The bytes of a Juniper header before an Ethernet frame.
pub fn juniper_ethernet_encode() -> [u8; 4] {
    let [m0, m1, m2] = JUNIPER_MAGIC;
    [m0, m1, m2, 0]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;

    /// What Linux wrote of a SYN: mark, interfaces, and the packet.
    const NFLOG: [u8; 49] = [
        0x02, 0x00, 0x00, 0x2a, 0x08, 0x00, 0x01, 0x00, 0x00, 0x00, 0x03, 0x00, 0x05, 0x00, 0x0a, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x08, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x0b, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x08, 0x00, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x00, 0x09, 0x00, 0x45,
    ];

    #[test]
    fn decodes_a_real_sample() {
        assert_eq!(nflog(&NFLOG), Ok((Begins::Ip, &[0x45][..])));
    }

    #[test]
    fn what_is_encoded_decodes() {
        let cases: [(Decode, Vec<u8>, Begins); 6] = [
            (nflog, nflog_encode(1).to_vec(), Begins::Ip),
            (pktap, pktap_encode(1).to_vec(), Begins::Link(1)),
            (ipnet, ipnet_encode().to_vec(), Begins::Ip),
            (enc, enc_encode().to_vec(), Begins::Ip),
            (pflog, pflog_encode().to_vec(), Begins::Ip),
            (juniper_ethernet, juniper_ethernet_encode().to_vec(), Begins::Link(1)),
        ];
        for (decode, header, begins) in cases {
            let bytes = [&header[..], &[0x45]].concat();
            assert_eq!(decode(&bytes), Ok((begins, &[0x45][..])), "{header:02x?}");
            for len in 0..header.len() {
                let got = decode(&bytes[..len]);
                // An NFLOG that ends after an attribute is whole.
                let whole = got == Ok((Begins::Other, &[][..])) && len == 4;
                assert!(
                    whole || matches!(got, Err(Malformed::Truncated | Malformed::BeyondEnd)),
                    "{len}: {got:?}"
                );
            }
        }
    }

    #[test]
    fn a_big_endian_host_reads_alike() {
        let mut bytes = NFLOG;
        for at in [4, 12, 20, 28, 36, 44] {
            bytes[at..at + 2].reverse();
            bytes[at + 2..at + 4].reverse();
        }
        assert_eq!(nflog(&bytes), Ok((Begins::Ip, &[0x45][..])));
        let mut bytes = pktap_encode(1).to_vec();
        bytes[..12].as_chunks_mut::<4>().0.iter_mut().for_each(|word| word.reverse());
        assert_eq!(pktap(&bytes).unwrap().0, Begins::Link(1));
    }

    #[test]
    fn refuses_a_lying_length_and_a_foreign_version() {
        let with = |bytes: &[u8], at: usize, value: u8| {
            let mut bytes = bytes.to_vec();
            bytes[at] = value;
            bytes
        };
        assert_eq!(nflog(&with(&NFLOG, 4, 3)), Err(Malformed::BadLength));
        assert_eq!(nflog(&with(&NFLOG, 4, 200)), Err(Malformed::BeyondEnd));
        assert_eq!(nflog(&with(&NFLOG, 1, 1)), Err(Malformed::BadVersion));
        let endless = [&[2, 0, 0, 0][..], &[4, 0, 1, 0].repeat(100)].concat();
        assert_eq!(nflog(&endless), Err(Malformed::TooDeep));
        assert_eq!(pktap(&with(&pktap_encode(1), 0, 107)), Err(Malformed::BadHeaderLength));
        assert_eq!(ipnet(&with(&ipnet_encode(), 0, 2)), Err(Malformed::BadVersion));
        assert_eq!(pflog(&with(&pflog_encode(), 0, 44)), Err(Malformed::BadHeaderLength));
        assert_eq!(juniper_ethernet(&[0x4d, 0x47, 0x44, 0]), Err(Malformed::BadVersion));
    }

    #[test]
    fn what_carries_no_packet_of_ours_says_so() {
        let mut bridge = NFLOG;
        bridge[0] = 7;
        assert_eq!(nflog(&bridge).unwrap().0, Begins::Other);
        assert_eq!(enc(&[0; 12]).unwrap().0, Begins::Other);
        let mut event = pktap_encode(1);
        event[4] = 2;
        assert_eq!(pktap(&event).unwrap().0, Begins::Other);
    }

    #[test]
    fn juniper_leaves_the_link_out_or_adds_to_its_header() {
        assert_eq!(juniper_ethernet(&[0x4d, 0x47, 0x43, 2, 0, 0, 0, 2, 0x45]), Ok((Begins::Ip, &[0x45][..])));
        let extended = [0x4d, 0x47, 0x43, 0x80, 0, 3, 1, 2, 3, 0x02];
        assert_eq!(juniper_ethernet(&extended), Ok((Begins::Link(1), &[0x02][..])));
    }
}
