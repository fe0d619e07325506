//! IPv6 header and its extension headers (RFC 8200).
//!
//! The walk follows hop-by-hop options, routing, fragment, destination options,
//! authentication and mobility. ESP (all behind it is encrypted), no next
//! header, and anything that is not an extension header end it. A fragment
//! header ends it too, unless the fragment is atomic (RFC 6946: the whole
//! datagram in one): what follows cannot be trusted before reassembly.

use std::net::Ipv6Addr;

use super::{Malformed, UNSEGMENTED_ABOVE};

/// Length of the fixed header in bytes.
pub const HEADER_LEN: usize = 40;
/// Length of the fragment header in bytes.
pub const FRAGMENT_LEN: usize = 8;

/// Protocol number of ICMPv6.
pub const ICMP: u8 = 58;
/// Protocol number that says that nothing follows.
pub const NO_NEXT_HEADER: u8 = 59;
/// Protocol number of hop-by-hop options.
pub const HOP_BY_HOP: u8 = 0;
/// Protocol number of the routing header.
pub const ROUTING: u8 = 43;
/// Protocol number of the fragment header.
pub const FRAGMENT: u8 = 44;
/// Protocol number of the authentication header (RFC 4302).
pub const AUTHENTICATION: u8 = 51;
/// Protocol number of destination options.
pub const DESTINATION: u8 = 60;
/// Protocol number of the mobility header (RFC 6275).
pub const MOBILITY: u8 = 135;

/// How many extension headers are followed. RFC 8200 section 4.1 has a sender
/// use each kind at most once, and destination options twice: eight at most.
pub const EXTENSIONS_MAX: u8 = 16;

/// The home address option (RFC 6275 section 6.3), within destination options.
const HOME_ADDRESS: u8 = 0xc9;

/// What is kept of an IPv6 header and the extension headers after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// Source address.
    pub src: Ipv6Addr,
    /// Destination address.
    pub dst: Ipv6Addr,
    /// The protocol after the last extension header.
    pub protocol: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Traffic class: DSCP and ECN.
    pub traffic_class: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// Payload length in bytes, as the header says.
    pub payload_len: u16,
    /// The fragment header, if there is one.
    pub fragment: Option<Ipv6Fragment>,
}

impl Ipv6 {
    /// The fixed header, and what follows it: [`Extensions`], perhaps. See
    /// [`Ipv6::payload_len`] for how much of that is payload.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (&[v0, v1, v2, v3, l0, l1, protocol, hop_limit], rest) =
            bytes.split_first_chunk::<8>().ok_or(Malformed::Truncated)?;
        let (&src, rest) = rest.split_first_chunk::<16>().ok_or(Malformed::Truncated)?;
        let (&dst, rest) = rest.split_first_chunk::<16>().ok_or(Malformed::Truncated)?;
        if v0 >> 4 != 6 {
            return Err(Malformed::BadVersion);
        }
        let header = Self {
            src: Ipv6Addr::from(src),
            dst: Ipv6Addr::from(dst),
            protocol,
            hop_limit,
            traffic_class: (v0 << 4) | (v1 >> 4),
            flow_label: u32::from_be_bytes([0, v1 & 0x0f, v2, v3]),
            payload_len: u16::from_be_bytes([l0, l1]),
            fragment: None,
        };
        Ok((header, rest))
    }

    /// How long the payload is, extension headers included, where the frame had
    /// `frame_len` bytes on the wire from this header on.
    #[inline]
    pub fn payload_len(&self, frame_len: usize) -> Result<usize, Malformed> {
        let room = frame_len.checked_sub(HEADER_LEN).ok_or(Malformed::Truncated)?;
        match usize::from(self.payload_len) {
            0 if frame_len > UNSEGMENTED_ABOVE => Ok(room),
            len if len > room => Err(Malformed::BeyondEnd),
            len => Ok(len),
        }
    }

    /// Whether it is part of a fragmented datagram; an atomic fragment is not.
    #[inline]
    pub fn is_fragment(&self) -> bool {
        self.fragment.is_some_and(|fragment| !fragment.is_atomic())
    }

    /// The fixed header's bytes; `protocol` is the next header, and a fragment
    /// header is the caller's to append.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let version = (6 << 28) | (u32::from(self.traffic_class) << 20) | (self.flow_label & 0x000f_ffff);
        let mut bytes = [0; HEADER_LEN];
        let [v0, v1, v2, v3, l0, l1, protocol, hop_limit, addresses @ ..] = &mut bytes;
        [*v0, *v1, *v2, *v3] = version.to_be_bytes();
        [*l0, *l1] = self.payload_len.to_be_bytes();
        (*protocol, *hop_limit) = (self.protocol, self.hop_limit);
        let octets = self.src.octets().into_iter().chain(self.dst.octets());
        addresses.iter_mut().zip(octets).for_each(|(slot, octet)| *slot = octet);
        bytes
    }
}

/// The IPv6 fragment header (RFC 8200 section 4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Fragment {
    /// Identification.
    pub id: u32,
    /// Offset of this fragment in units of 8 bytes.
    pub offset: u16,
    /// More fragments follow.
    pub more: bool,
}

impl Ipv6Fragment {
    /// Whether it is all there is (RFC 6946).
    #[inline]
    pub const fn is_atomic(&self) -> bool {
        self.offset == 0 && !self.more
    }

    /// From the bytes of the header, the next header's number left out.
    #[inline]
    const fn decode([_, _, o0, o1, i0, i1, i2, i3]: [u8; FRAGMENT_LEN]) -> Self {
        let offset = u16::from_be_bytes([o0, o1]);
        Self { id: u32::from_be_bytes([i0, i1, i2, i3]), offset: offset >> 3, more: offset & 1 == 1 }
    }

    /// The header's bytes, followed by protocol `next`.
    pub fn encode(&self, next: u8) -> [u8; FRAGMENT_LEN] {
        let [o0, o1] = ((self.offset << 3) | u16::from(self.more)).to_be_bytes();
        let [i0, i1, i2, i3] = self.id.to_be_bytes();
        [next, 0, o0, o1, i0, i1, i2, i3]
    }
}

/// Whether this protocol is an extension header that is walked through.
#[inline]
pub const fn is_extension(protocol: u8) -> bool {
    matches!(protocol, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY)
}

/// One extension header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Its protocol number.
    pub protocol: u8,
    /// All of it, from the number of the next header on.
    pub bytes: &'a [u8],
    /// What it says, where it is a fragment header.
    pub fragment: Option<Ipv6Fragment>,
}

impl Extension<'_> {
    /// Whether because of it an address in the fixed header is not the one that
    /// the transport's checksum covers: a routing header with segments left
    /// (RFC 8200 section 8.1) or a home address (RFC 6275 section 11.3.1).
    fn replaces_an_address(&self) -> bool {
        match (self.protocol, self.bytes) {
            (ROUTING, &[_, _, _, segments_left, ..]) => segments_left != 0,
            (DESTINATION, &[_, _, ref options @ ..]) => has_option(options, HOME_ADDRESS),
            _ => false,
        }
    }
}

/// Whether there is an option of this kind (RFC 8200 section 4.2; unlike IPv4's,
/// their length does not count kind and length).
fn has_option(mut options: &[u8], wanted: u8) -> bool {
    loop {
        options = match *options {
            // Pad1 alone has no length.
            [0, ref rest @ ..] => rest,
            [kind, len, ref rest @ ..] => {
                if kind == wanted {
                    return true;
                }
                rest.get(usize::from(len)..).unwrap_or_default()
            }
            _ => return false,
        }
    }
}

/// Walks the extension headers.
///
/// Ends after an error, which it gives once; [`Extensions::rest`] then begins
/// at the header that is wrong.
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    protocol: u8,
    rest: &'a [u8],
    /// How many more are followed.
    left: u8,
    ended: bool,
}

impl<'a> Extensions<'a> {
    /// Over `payload`, which begins with `protocol`.
    pub const fn new(protocol: u8, payload: &'a [u8]) -> Self {
        Self { protocol, rest: payload, left: EXTENSIONS_MAX, ended: false }
    }

    /// The protocol of what has not been walked yet; at the end, the transport.
    pub const fn protocol(&self) -> u8 {
        self.protocol
    }

    /// What has not been walked yet; at the end, the transport header.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn step(&mut self) -> Result<Extension<'a>, Malformed> {
        let (&head, _) = self.rest.split_first_chunk::<8>().ok_or(Malformed::Truncated)?;
        let [next, len, ..] = head;
        self.left = self.left.checked_sub(1).ok_or(Malformed::TooDeep)?;
        let len = match self.protocol {
            FRAGMENT => FRAGMENT_LEN,
            AUTHENTICATION => (usize::from(len) + 2) * 4,
            _ => (usize::from(len) + 1) * 8,
        };
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(Malformed::BeyondEnd)?;
        let fragment = (self.protocol == FRAGMENT).then(|| Ipv6Fragment::decode(head));
        let extension = Extension { protocol: self.protocol, bytes, fragment };
        self.ended = fragment.is_some_and(|fragment| !fragment.is_atomic());
        (self.protocol, self.rest) = (next, rest);
        Ok(extension)
    }

    /// Whether an address in the fixed header is not the one that the
    /// transport's checksum covers, as far as the rest of the walk tells.
    pub fn replace_an_address(self) -> bool {
        self.flatten().any(|extension| extension.replaces_an_address())
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Result<Extension<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || !is_extension(self.protocol) {
            return None;
        }
        let step = self.step();
        self.ended |= step.is_err();
        Some(step)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A multicast listener report: hop-by-hop with router alert, and the first
    /// four bytes of ICMPv6.
    const SAMPLE: [u8; 52] = [
        0x60, 0x00, 0x00, 0x00, 0x00, 0x24, 0x00, 0x01, 0xfe, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2c,
        0x41, 0x9f, 0xff, 0xfe, 0x3d, 0xe2, 0xa3, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x16, 0x3a, 0x00, 0x05, 0x02, 0x00, 0x00, 0x01, 0x00, 0x8f, 0x00, 0xe1,
        0x05,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Ipv6::decode(&SAMPLE).unwrap();
        assert_eq!(header.src, "fe80::2c41:9fff:fe3d:e2a3".parse::<Ipv6Addr>().unwrap());
        assert_eq!(header.dst, "ff02::16".parse::<Ipv6Addr>().unwrap());
        assert_eq!((header.protocol, header.hop_limit, header.traffic_class), (HOP_BY_HOP, 1, 0));
        assert_eq!((header.flow_label, header.payload_len), (0, 36));
        let mut walk = Extensions::new(header.protocol, rest);
        let extension = walk.next().unwrap().unwrap();
        assert_eq!((extension.protocol, extension.bytes), (HOP_BY_HOP, &SAMPLE[40..48]));
        assert!(walk.next().is_none());
        assert_eq!((walk.protocol(), walk.rest()), (ICMP, &SAMPLE[48..]));
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Ipv6::decode(&SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
        for len in 40..48 {
            let mut walk = Extensions::new(HOP_BY_HOP, &SAMPLE[40..len]);
            assert_eq!(walk.next(), Some(Err(Malformed::Truncated)), "{len} bytes");
            assert_eq!(walk.next(), None, "an error is said once");
        }
    }

    #[test]
    fn refuses_a_lying_length() {
        let (header, _) = Ipv6::decode(&SAMPLE).unwrap();
        assert_eq!(header.payload_len(76), Ok(36));
        assert_eq!(header.payload_len(80), Ok(36), "Ethernet padding is not payload");
        assert_eq!(header.payload_len(75), Err(Malformed::BeyondEnd));
        for protocol in [HOP_BY_HOP, ROUTING, DESTINATION, MOBILITY, AUTHENTICATION] {
            let mut walk = Extensions::new(protocol, &[ICMP, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            assert_eq!(walk.next(), Some(Err(Malformed::BeyondEnd)), "{protocol}");
            assert_eq!((walk.protocol(), walk.rest().len()), (protocol, 12), "stays at what is wrong");
        }
        let mut version = SAMPLE;
        version[0] = 0x45;
        assert_eq!(Ipv6::decode(&version), Err(Malformed::BadVersion));
    }

    #[test]
    fn a_length_of_zero_is_to_the_end_of_a_long_frame_only() {
        let (header, _) = Ipv6::decode(&SAMPLE).unwrap();
        let header = Ipv6 { payload_len: 0, ..header };
        assert_eq!(header.payload_len(70_040), Ok(70_000));
        assert_eq!(header.payload_len(60), Ok(0));
    }

    #[test]
    fn authentication_counts_in_words() {
        let mut bytes = [0; 28];
        bytes[..2].copy_from_slice(&[6, 4]);
        let mut walk = Extensions::new(AUTHENTICATION, &bytes);
        assert_eq!(walk.next().unwrap().unwrap().bytes.len(), 24);
        assert_eq!((walk.protocol(), walk.rest().len()), (6, 4));
    }

    #[test]
    fn a_fragment_ends_the_walk_unless_it_is_all_there_is() {
        let fragment = Ipv6Fragment { id: 7, offset: 0, more: true };
        let mut bytes = fragment.encode(DESTINATION).to_vec();
        bytes.extend([17, 0, 0, 0, 0, 0, 0, 0]);
        let mut walk = Extensions::new(FRAGMENT, &bytes);
        assert_eq!(walk.next().unwrap().unwrap().fragment, Some(fragment));
        assert!(walk.next().is_none());
        assert_eq!(walk.protocol(), DESTINATION);

        bytes[3] = 0;
        let mut walk = Extensions::new(FRAGMENT, &bytes);
        assert_eq!(walk.by_ref().count(), 2);
        assert_eq!(walk.protocol(), 17);
    }

    #[test]
    fn a_chain_without_end_is_too_deep() {
        let bytes = [DESTINATION, 0, 0, 0, 0, 0, 0, 0].repeat(100);
        let mut walk = Extensions::new(DESTINATION, &bytes);
        assert_eq!(walk.by_ref().take(usize::from(EXTENSIONS_MAX)).flatten().count(), 16);
        assert_eq!(walk.next(), Some(Err(Malformed::TooDeep)));
        assert_eq!(walk.next(), None);
    }

    #[test]
    fn knows_when_an_address_is_not_the_final_one() {
        let routed = |segments_left| {
            let bytes = [17, 0, 4, segments_left, 0, 0, 0, 0];
            Extensions::new(ROUTING, &bytes).replace_an_address()
        };
        assert!(routed(1));
        assert!(!routed(0));
        let mut home = [0; 24];
        home[..5].copy_from_slice(&[17, 2, 0, HOME_ADDRESS, 16]);
        assert!(Extensions::new(DESTINATION, &home).replace_an_address());
        home[3] = 1;
        assert!(!Extensions::new(DESTINATION, &home).replace_an_address());
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(
            src: u128, dst: u128, protocol: u8, hop_limit: u8, traffic_class: u8,
            flow_label in 0_u32..1 << 20, payload_len: u16,
        ) {
            let header = Ipv6 {
                src: src.into(), dst: dst.into(), protocol, hop_limit, traffic_class, flow_label, payload_len,
                fragment: None,
            };
            let bytes = header.encode();
            prop_assert_eq!(Ipv6::decode(&bytes), Ok((header, &[][..])));
        }

        #[test]
        fn decodes_the_fragment_that_it_encodes(id: u32, offset in 0_u16..0x2000, more: bool) {
            let fragment = Ipv6Fragment { id, offset, more };
            prop_assert_eq!(Ipv6Fragment::decode(fragment.encode(6)), fragment);
        }
    }
}
