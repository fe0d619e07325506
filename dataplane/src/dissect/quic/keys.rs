//! The keys of Initial packets (RFC 9001 section 5, RFC 9369 section 3.3).
//!
//! They follow from the connection ID that the client made up first, so whoever
//! sees it can read: this protects against those who do not, and against nothing
//! else. Versions differ in a salt and in labels.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes_gcm::{AeadInOut as _, Aes128Gcm};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::wire::quic::Version;

/// Length in bytes of what authenticates a packet.
const TAG_LEN: usize = 16;
/// Where the sample for the mask begins behind the header: the packet number is
/// taken to have four bytes.
const SAMPLE_AT: usize = 4;

/// The salt of a version; `None` where it is not known.
fn salt(version: Version) -> Option<[u8; 20]> {
    const V1: [u8; 20] = *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
    const V2: [u8; 20] = *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";
    const DRAFT_29: [u8; 20] =
        *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99";
    const DRAFT_23: [u8; 20] =
        *b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02";
    const DRAFT_22: [u8; 20] =
        *b"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a";
    const Q050: [u8; 20] =
        *b"\x50\x45\x74\xef\xd0\x66\xfe\x2f\x9d\x94\x5c\xfc\xdb\xd3\xa7\xf0\xd3\xb5\x6b\x45";
    const T050: [u8; 20] =
        *b"\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10";
    const T051: [u8; 20] =
        *b"\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d";
    match version {
        Version::V1 => return Some(V1),
        Version::V2 => return Some(V2),
        _ => {}
    }
    match (version.draft(), version.google_number()) {
        (Some(33..), _) => Some(V1),
        (Some(29..=32), _) => Some(DRAFT_29),
        (Some(23..=28), _) => Some(DRAFT_23),
        (Some(22), _) => Some(DRAFT_22),
        (_, Some((50, false))) => Some(Q050),
        (_, Some((50, true))) => Some(T050),
        (_, Some((51, true))) => Some(T051),
        _ => None,
    }
}

/// What a side protects its Initial packets with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    key: [u8; 16],
    iv: [u8; 12],
    mask: [u8; 16],
}

/// The client's and the server's keys of a version, from the connection ID in the
/// client's first packet.
pub(super) fn initial(version: Version, dcid: &[u8]) -> Option<[Keys; 2]> {
    let secret = Hkdf::<Sha256>::new(Some(&salt(version)?), dcid);
    let labels = match version {
        Version::V2 => ["quicv2 key", "quicv2 iv", "quicv2 hp"],
        _ => ["quic key", "quic iv", "quic hp"],
    };
    Some([Keys::new(&secret, "client in", labels)?, Keys::new(&secret, "server in", labels)?])
}

impl Keys {
    fn new(secret: &Hkdf<Sha256>, side: &str, [key, iv, mask]: [&str; 3]) -> Option<Self> {
        let side = Hkdf::<Sha256>::from_prk(&expand::<32>(secret, side)?).ok()?;
        Some(Self { key: expand(&side, key)?, iv: expand(&side, iv)?, mask: expand(&side, mask)? })
    }

    /// What a packet holds, and its number; `None` where it is protected by other
    /// keys. `expected` is one more than the greatest number seen, from which
    /// follow the bits of the number that are not sent (RFC 9000 section 17.1).
    ///
    /// `header` and `protected` are as [`crate::wire::quic::Body::Initial`] has
    /// them.
    pub(super) fn open(&self, header: &[u8], protected: &[u8], expected: u64) -> Option<(u64, Vec<u8>)> {
        let sample = protected.get(SAMPLE_AT..)?.first_chunk::<16>()?;
        let [first_mask, number_mask @ ..] = self.mask_of(sample);
        let mut packet = [header, protected].concat();
        let first = packet.first_mut()?;
        *first ^= first_mask & 0x0f;
        let number_len = usize::from(*first & 3) + 1;
        let payload_at = header.len() + number_len;
        let (whole_header, payload) = packet.split_at_mut_checked(payload_at)?;
        let sent = whole_header.get_mut(header.len()..)?;
        sent.iter_mut().zip(number_mask).for_each(|(byte, mask)| *byte ^= mask);
        let truncated = sent.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let number = whole_number(truncated, number_len, expected);
        let (content, tag) = payload.split_last_chunk_mut::<TAG_LEN>()?;
        let (nonce, tag, content_len) = (self.nonce(number).into(), (*tag).into(), content.len());
        let cipher = Aes128Gcm::new(&self.key.into());
        cipher.decrypt_inout_detached(&nonce, whole_header, content.into(), &tag).ok()?;
        packet.truncate(payload_at + content_len);
        packet.drain(..payload_at);
        Some((number, packet))
    }

    /// Protects a packet whose number has four bytes. `header` ends with the length
    /// that [`Self::sealed_len`] gives.
    pub(super) fn seal(&self, header: &[u8], number: u32, payload: &[u8]) -> Vec<u8> {
        let mut header = [header, &number.to_be_bytes()].concat();
        let mut content = payload.to_vec();
        let nonce = self.nonce(number.into()).into();
        let cipher = Aes128Gcm::new(&self.key.into());
        // Only a content of many gigabytes is refused.
        let tag = cipher.encrypt_inout_detached(&nonce, &header, content.as_mut_slice().into());
        content.extend(tag.map(<[u8; TAG_LEN]>::from).unwrap_or_default());
        let sample = content.first_chunk::<16>().copied().unwrap_or_default();
        let [first_mask, number_mask @ ..] = self.mask_of(&sample);
        if let Some(first) = header.first_mut() {
            *first ^= first_mask & 0x0f;
        }
        header.iter_mut().rev().take(4).rev().zip(number_mask).for_each(|(byte, mask)| *byte ^= mask);
        header.extend(content);
        header
    }

    /// The length that a header says of a packet that [`Self::seal`] makes.
    pub(super) const fn sealed_len(payload: &[u8]) -> usize {
        4 + payload.len() + TAG_LEN
    }

    fn mask_of(&self, sample: &[u8; 16]) -> [u8; 5] {
        let mut block = (*sample).into();
        Aes128::new(&self.mask.into()).encrypt_block(&mut block);
        let [m0, m1, m2, m3, m4, ..] = <[u8; 16]>::from(block);
        [m0, m1, m2, m3, m4]
    }

    fn nonce(&self, number: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        nonce.iter_mut().rev().zip(number.to_le_bytes()).for_each(|(byte, bits)| *byte ^= bits);
        nonce
    }
}

/// HKDF-Expand-Label of TLS 1.3 without a context (RFC 8446 section 7.1).
fn expand<const N: usize>(secret: &Hkdf<Sha256>, label: &str) -> Option<[u8; N]> {
    const PREFIX: &str = "tls13 ";
    let (len, label_len) = (u16::try_from(N).ok()?, u8::try_from(PREFIX.len() + label.len()).ok()?);
    let info = [&len.to_be_bytes()[..], &[label_len], PREFIX.as_bytes(), label.as_bytes(), &[0]].concat();
    let mut out = [0; N];
    secret.expand(&info, &mut out).ok()?;
    Some(out)
}

/// A packet number of which the low bytes were sent: the one closest to what is
/// expected (RFC 9000 appendix A.3).
const fn whole_number(truncated: u64, len: usize, expected: u64) -> u64 {
    let window = 1 << (8 * len);
    let candidate = expected & !(window - 1) | truncated;
    if candidate + window / 2 <= expected {
        candidate + window
    } else if candidate > expected + window / 2 && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use super::*;
    use crate::wire::quic::{Body, Frame, Packet, frame::Frames};

    /// The connection ID of the examples.
    const DCID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        std::array::from_fn(|at| digit(2 * at))
    }

    #[test]
    fn keys_are_those_of_rfc_9001_and_rfc_9369() {
        let [client, server] = initial(Version::V1, &DCID).unwrap();
        assert_eq!(client.key, bytes("1f369613dd76d5467730efcbe3b1a22d"));
        assert_eq!(client.iv, bytes("fa044b2f42a3fd3b46fb255c"));
        assert_eq!(client.mask, bytes("9f50449e04a0e810283a1e9933adedd2"));
        assert_eq!(server.key, bytes("cf3a5331653c364c88f0f379b6067e37"));
        assert_eq!(server.iv, bytes("0ac1493ca1905853b0bba03e"));
        assert_eq!(server.mask, bytes("c206b8d9b9f0f37644430b490eeaa314"));
        let [client, server] = initial(Version::V2, &DCID).unwrap();
        assert_eq!(client.key, bytes("8b1a0bc121284290a29e0971b5cd045d"));
        assert_eq!(client.iv, bytes("91f73e2351d8fa91660e909f"));
        assert_eq!(client.mask, bytes("45b95e15235d6f45a6b19cbcb0294ba9"));
        assert_eq!(server.key, bytes("82db637861d55e1d011f19ea71d5d2a7"));
        assert_eq!(server.iv, bytes("dd13c276499c0249d3310652"));
        assert_eq!(server.mask, bytes("edf6d05c83121201b436e16877593c3a"));
        assert_eq!(initial(Version(0xbaba_baba), &DCID), None);
    }

    #[test]
    fn the_mask_is_that_of_rfc_9001() {
        let [client, _] = initial(Version::V1, &DCID).unwrap();
        let sample = bytes("d1b1c98dd7689fb8ec11d242b123dc9b");
        assert_eq!(client.mask_of(&sample), bytes("437b9aec36"));
    }

    /// RFC 9001 appendix A.3 and RFC 9369 appendix A.3: the server's first packet.
    #[test]
    fn opens_the_servers_packets_of_the_rfcs() {
        let v1: [u8; 135] = bytes(concat!(
            "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780b",
            "b38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19",
            "fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee",
        ));
        let v2: [u8; 135] = bytes(concat!(
            "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf8726",
            "3017915358230035f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075",
            "b2c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140",
        ));
        for datagram in [v1, v2] {
            let (packet, rest) = Packet::decode(&datagram).unwrap();
            let Body::Initial { header, protected, .. } = packet.body else { unreachable!() };
            let [client, server] = initial(packet.version, &DCID).unwrap();
            let (number, payload) = server.open(header, protected, 0).unwrap();
            assert_eq!((number, rest.len()), (1, 0));
            let frames: Vec<_> = Frames::new(&payload).map(Result::unwrap).collect();
            assert_eq!(frames[0], Frame::Ack(0));
            assert!(matches!(frames[1], Frame::Crypto { offset: 0, piece: [2, 0, 0, 0x56, ..] }));
            assert_eq!(client.open(header, protected, 0), None, "the other side's keys do not open it");
        }
    }

    #[test]
    fn what_is_sealed_opens_and_no_changed_byte_does() {
        let [keys, _] = initial(Version::V1, b"12345678").unwrap();
        let (header, payload) = ([0xc3, 0, 0, 0, 1, 0, 0, 0, 0x18], [1, 2, 3, 4]);
        let sealed = keys.seal(&header, 300, &payload);
        assert_eq!(sealed.len(), header.len() + Keys::sealed_len(&payload));
        let open = |sealed: &[u8]| keys.open(&sealed[..9], &sealed[9..], 0);
        assert_eq!(open(&sealed), Some((300, payload.to_vec())));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&changed), None, "byte {at}");
            assert_eq!(open(&sealed[..at.max(9)]), None, "{at} bytes");
        }
    }

    #[test]
    fn a_packet_number_is_completed_to_what_is_expected() {
        assert_eq!(whole_number(0x9b32, 2, 0xa82f_30eb), 0xa82f_9b32);
        assert_eq!(whole_number(0, 1, 0), 0);
        assert_eq!(whole_number(1, 1, 0x1ff), 0x201);
        assert_eq!(whole_number(0xff, 1, 0x201), 0x1ff);
    }
}
