//! The header of a message (RFC 1035 section 4.1.1).

use super::super::Malformed;

/// Bytes of the header.
pub const HEADER_LEN: usize = 12;

/// The second word of the header, as it is on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u16);

impl Flags {
    /// A response (`QR`).
    pub const RESPONSE: u16 = 0x8000;
    /// An authoritative answer (`AA`); in LLMNR, a conflict (`C`).
    pub const AUTHORITATIVE: u16 = 0x0400;
    /// Cut to what fits (`TC`).
    pub const TRUNCATED: u16 = 0x0200;
    /// Recursion is wished for (`RD`).
    pub const RECURSION_DESIRED: u16 = 0x0100;
    /// Recursion can be had (`RA`).
    pub const RECURSION_AVAILABLE: u16 = 0x0080;
    /// Reserved, and to be zero (`Z`).
    pub const RESERVED: u16 = 0x0040;
    /// Authenticated data (`AD`, RFC 4035).
    pub const AUTHENTIC: u16 = 0x0020;
    /// Checking is not wished for (`CD`, RFC 4035).
    pub const CHECKING_DISABLED: u16 = 0x0010;

    /// Whether one of these is set.
    pub const fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    /// Whether it is a response.
    pub const fn is_response(self) -> bool {
        self.has(Self::RESPONSE)
    }

    /// What is to be done: 0 is a query.
    pub const fn opcode(self) -> u8 {
        self.0.to_be_bytes()[0] >> 3 & 0xf
    }

    /// The lower 4 bits of the response code.
    pub const fn rcode(self) -> u16 {
        self.0 & 0xf
    }
}

/// A header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What a response has in common with its query.
    pub id: u16,
    /// Flags, opcode and response code.
    pub flags: Flags,
    /// How many questions, answers, authorities and additional records it says
    /// follow.
    pub counts: [u16; 4],
}

impl Header {
    /// Decodes from the front; gives what follows.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let &[i0, i1, f0, f1, q0, q1, a0, a1, n0, n1, r0, r1] = header;
        let counts = [[q0, q1], [a0, a1], [n0, n1], [r0, r1]].map(u16::from_be_bytes);
        let flags = Flags(u16::from_be_bytes([f0, f1]));
        Ok((Self { id: u16::from_be_bytes([i0, i1]), flags, counts }, rest))
    }

    /// As it is on the wire.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let [i0, i1] = self.id.to_be_bytes();
        let [f0, f1] = self.flags.0.to_be_bytes();
        let [[q0, q1], [a0, a1], [n0, n1], [r0, r1]] = self.counts.map(u16::to_be_bytes);
        [i0, i1, f0, f1, q0, q1, a0, a1, n0, n1, r0, r1]
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test ends where an expectation fails")]

    use super::*;

    #[test]
    fn a_header_is_what_was_encoded() {
        let header = Header { id: 0x1234, flags: Flags(0x8583), counts: [1, 2, 3, 4] };
        let bytes = header.encode();
        assert_eq!(Header::decode(&[&bytes[..], b"x"].concat()), Ok((header, &b"x"[..])));
        for len in 0..HEADER_LEN {
            assert_eq!(Header::decode(&bytes[..len]), Err(Malformed::Truncated), "{len}");
        }
    }

    #[test]
    fn flags_tell_their_parts() {
        let flags = Flags(0xa5b3);
        assert_eq!((flags.is_response(), flags.opcode(), flags.rcode()), (true, 4, 3));
        assert!(flags.has(Flags::AUTHORITATIVE) && !flags.has(Flags::TRUNCATED));
    }
}
