//! ICMP (RFC 792) and ICMPv6 (RFC 4443) headers, which have one shape.
//!
//! Eight bytes are asked for, although an unknown message could do with four:
//! every message that is defined has them, and receivers refuse less.

use super::Malformed;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 8;

/// ICMP: destination unreachable.
pub const V4_UNREACHABLE: u8 = 3;
/// ICMP: echo reply.
pub const V4_ECHO_REPLY: u8 = 0;
/// ICMP: echo request.
pub const V4_ECHO_REQUEST: u8 = 8;
/// ICMPv6: destination unreachable.
pub const V6_UNREACHABLE: u8 = 1;
/// ICMPv6: echo request.
pub const V6_ECHO_REQUEST: u8 = 128;
/// ICMPv6: echo reply.
pub const V6_ECHO_REPLY: u8 = 129;
/// ICMPv6: redirect (RFC 4861), which is never answered by an error.
pub const V6_REDIRECT: u8 = 137;

/// What is kept of an ICMP or ICMPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Identifier of echo requests and replies; 0 for other types.
    pub id: u16,
    /// Sequence number of echo requests and replies; 0 for other types.
    pub seq: u16,
}

/// Which of the two: their types have different numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// ICMP, over IPv4.
    V4,
    /// ICMPv6, over IPv6.
    V6,
}

impl Icmp {
    /// The header, and what follows it.
    #[inline]
    pub fn decode(version: Version, bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let &[kind, code, _, _, i0, i1, s0, s1] = header;
        let (id, seq) = if is_echo(version, kind) {
            (u16::from_be_bytes([i0, i1]), u16::from_be_bytes([s0, s1]))
        } else {
            (0, 0)
        };
        Ok((Self { kind, code, id, seq }, rest))
    }

    /// The header's bytes, checksum zero.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let [i0, i1] = self.id.to_be_bytes();
        let [s0, s1] = self.seq.to_be_bytes();
        [self.kind, self.code, 0, 0, i0, i1, s0, s1]
    }
}

/// Whether a message of this type has an identifier and a sequence number.
#[inline]
const fn is_echo(version: Version, kind: u8) -> bool {
    match version {
        Version::V4 => matches!(kind, V4_ECHO_REQUEST | V4_ECHO_REPLY),
        Version::V6 => matches!(kind, V6_ECHO_REQUEST | V6_ECHO_REPLY),
    }
}

/// Whether a message of this type reports an error, or may not be answered by
/// an error for the same reason: two hosts could go on for ever (RFC 1122
/// section 3.2.2, RFC 4443 section 2.4).
pub const fn is_error(version: Version, kind: u8) -> bool {
    match version {
        // Unreachable, source quench, redirect, time exceeded, parameter problem.
        Version::V4 => matches!(kind, 3 | 4 | 5 | 11 | 12),
        Version::V6 => kind < 128 || kind == V6_REDIRECT,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `ping`'s first request, and the first byte of its time stamp.
    const SAMPLE: [u8; 9] = [0x08, 0x00, 0x74, 0x8f, 0x3c, 0x00, 0x00, 0x01, 0x84];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Icmp::decode(Version::V4, &SAMPLE).unwrap();
        assert_eq!(header, Icmp { kind: V4_ECHO_REQUEST, code: 0, id: 0x3c00, seq: 1 });
        assert_eq!(rest, [0x84]);
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..HEADER_LEN {
            assert_eq!(Icmp::decode(Version::V4, &SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
            assert_eq!(Icmp::decode(Version::V6, &SAMPLE[..len]), Err(Malformed::Truncated), "{len} bytes");
        }
    }

    #[test]
    fn only_echoes_have_an_identifier() {
        let (header, _) = Icmp::decode(Version::V6, &SAMPLE).unwrap();
        assert_eq!(header, Icmp { kind: 8, code: 0, id: 0, seq: 0 });
        let mut echo = SAMPLE;
        echo[0] = V6_ECHO_REPLY;
        assert_eq!(Icmp::decode(Version::V6, &echo).unwrap().0.seq, 1);
        assert_eq!(Icmp::decode(Version::V4, &echo).unwrap().0.seq, 0);
    }

    #[test]
    fn knows_an_error_from_a_question() {
        let errors = |version| (0..=255).filter(move |&kind| is_error(version, kind)).collect::<Vec<u8>>();
        assert_eq!(errors(Version::V4), [3, 4, 5, 11, 12]);
        assert_eq!(errors(Version::V6), (0..128).chain([137]).collect::<Vec<u8>>());
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(code: u8, id: u16, seq: u16, reply: bool) {
            for (version, kinds) in [(Version::V4, [8, 0]), (Version::V6, [128, 129])] {
                let header = Icmp { kind: kinds[usize::from(reply)], code, id, seq };
                let bytes = header.encode();
                prop_assert_eq!(Icmp::decode(version, &bytes), Ok((header, &[][..])));
            }
        }
    }
}
