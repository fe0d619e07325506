//! TCP header (RFC 9293) and its options.
//!
//! Options are not walked while decoding: few ask for them, and receivers keep
//! a segment whose options are broken, so that refusing it would gain nothing.

use super::Malformed;
use super::options::{NO_OPERATION, RawOption, RawOptions};

/// Length of the header without options, in bytes.
pub const HEADER_LEN: usize = 20;

bitflags::bitflags! {
    /// The TCP flags, in their place in byte 13 of the header.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Flags: u8 {
        /// No more data from the sender.
        const FIN = 0x01;
        /// Synchronise sequence numbers.
        const SYN = 0x02;
        /// Reset the connection.
        const RST = 0x04;
        /// Push.
        const PSH = 0x08;
        /// The acknowledgement number counts.
        const ACK = 0x10;
        /// The urgent pointer counts.
        const URG = 0x20;
        /// ECN echo (RFC 3168).
        const ECE = 0x40;
        /// Congestion window reduced (RFC 3168).
        const CWR = 0x80;
    }
}

/// What is kept of a TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number of the first byte, or of the SYN.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// CWR, ECE, URG, ACK, PSH, RST, SYN, FIN.
    pub flags: Flags,
    /// Window, not scaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Header length in bytes, options included.
    pub header_len: u8,
}

impl Tcp {
    /// The header, and what follows its options.
    #[expect(clippy::inline_always, reason = "a call here costs a tenth of all decoding, measured")]
    #[inline(always)]
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let fixed = bytes.first_chunk::<HEADER_LEN>().ok_or(Malformed::Truncated)?;
        let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, _, _, u0, u1] = fixed;
        let header = Self {
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
            seq: u32::from_be_bytes([q0, q1, q2, q3]),
            ack: u32::from_be_bytes([a0, a1, a2, a3]),
            flags: Flags::from_bits_retain(flags),
            window: u16::from_be_bytes([w0, w1]),
            urgent: u16::from_be_bytes([u0, u1]),
            header_len: (offset >> 4) * 4,
        };
        let header_len = usize::from(header.header_len);
        if header_len < HEADER_LEN {
            return Err(Malformed::BadHeaderLength);
        }
        let rest = bytes.get(header_len..).ok_or(Malformed::BeyondEnd)?;
        Ok((header, rest))
    }

    /// The options in `header`, the bytes that this header was decoded from.
    pub fn options<'a>(&self, header: &'a [u8]) -> Options<'a> {
        Options::new(header.get(HEADER_LEN..usize::from(self.header_len)).unwrap_or_default())
    }

    /// The header's first 20 bytes, checksum zero; options are the caller's to
    /// append.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let [s0, s1] = self.src_port.to_be_bytes();
        let [d0, d1] = self.dst_port.to_be_bytes();
        let [q0, q1, q2, q3] = self.seq.to_be_bytes();
        let [a0, a1, a2, a3] = self.ack.to_be_bytes();
        let [w0, w1] = self.window.to_be_bytes();
        let [u0, u1] = self.urgent.to_be_bytes();
        let offset = (self.header_len / 4) << 4;
        let flags = self.flags.bits();
        [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, 0, 0, u0, u1]
    }
}

/// One option of a TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// Kind 1: padding between options.
    NoOperation,
    /// Kind 2: the longest segment that the sender of a SYN takes.
    MaximumSegmentSize(u16),
    /// Kind 3 (RFC 7323): the shift of the sender's window.
    WindowScale(u8),
    /// Kind 4 (RFC 2018): may acknowledge selectively.
    SackPermitted,
    /// Kind 5 (RFC 2018): what has come in beyond the acknowledgement number.
    Sack(SackBlocks<'a>),
    /// Kind 8 (RFC 7323).
    Timestamps {
        /// The sender's clock.
        value: u32,
        /// The other side's clock, as last seen.
        echo: u32,
    },
    /// Any other kind, or one of the above with a length that is not its own,
    /// which receivers skip too.
    Other(RawOption<'a>),
}

impl<'a> From<RawOption<'a>> for TcpOption<'a> {
    fn from(raw: RawOption<'a>) -> Self {
        match (raw.kind, raw.body) {
            (NO_OPERATION, _) => Self::NoOperation,
            (2, &[m0, m1]) => Self::MaximumSegmentSize(u16::from_be_bytes([m0, m1])),
            (3, &[shift]) => Self::WindowScale(shift),
            (4, []) => Self::SackPermitted,
            (5, blocks) => match blocks.as_chunks() {
                (blocks @ [_, ..], []) => Self::Sack(SackBlocks { blocks }),
                _ => Self::Other(raw),
            },
            (8, &[v0, v1, v2, v3, e0, e1, e2, e3]) => Self::Timestamps {
                value: u32::from_be_bytes([v0, v1, v2, v3]),
                echo: u32::from_be_bytes([e0, e1, e2, e3]),
            },
            _ => Self::Other(raw),
        }
    }
}

impl TcpOption<'_> {
    /// Writes the option at the start of `out` and says how many bytes it took;
    /// `None`, and nothing written, when they do not fit.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let value: [u8; 4];
        let timestamps: [[u8; 4]; 2];
        let (kind, body): (u8, &[u8]) = match *self {
            Self::NoOperation => {
                *out.first_mut()? = NO_OPERATION;
                return Some(1);
            }
            Self::MaximumSegmentSize(size) => {
                value = u32::from(size).to_be_bytes();
                (2, value.get(2..)?)
            }
            Self::WindowScale(shift) => {
                value = u32::from(shift).to_be_bytes();
                (3, value.get(3..)?)
            }
            Self::SackPermitted => (4, &[]),
            Self::Sack(SackBlocks { blocks }) => (5, blocks.as_flattened()),
            Self::Timestamps { value, echo } => {
                timestamps = [value.to_be_bytes(), echo.to_be_bytes()];
                (8, timestamps.as_flattened())
            }
            Self::Other(RawOption { kind, body }) => (kind, body),
        };
        let len = u8::try_from(body.len().checked_add(2)?).ok()?;
        let [kind_at, len_at, body_at @ ..] = out.get_mut(..usize::from(len))? else { return None };
        (*kind_at, *len_at) = (kind, len);
        body_at.copy_from_slice(body);
        Some(usize::from(len))
    }
}

/// The blocks of a SACK option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SackBlocks<'a> {
    blocks: &'a [[u8; 8]],
}

impl<'a> SackBlocks<'a> {
    /// From blocks as they are sent: left and right edge, network byte order.
    pub const fn new(blocks: &'a [[u8; 8]]) -> Self {
        Self { blocks }
    }

    /// Each block: the first sequence number in it, and the first after it.
    pub fn edges(self) -> impl ExactSizeIterator<Item = (u32, u32)> + 'a {
        self.blocks.iter().map(|&[l0, l1, l2, l3, r0, r1, r2, r3]| {
            (u32::from_be_bytes([l0, l1, l2, l3]), u32::from_be_bytes([r0, r1, r2, r3]))
        })
    }
}

/// Walks the options of a TCP header; never panics and always ends.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    raw: RawOptions<'a>,
}

impl<'a> Options<'a> {
    /// Over the options part of a header.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { raw: RawOptions::new(bytes) }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<TcpOption<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.raw.next().map(|option| option.map(TcpOption::from))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A SYN as Linux sends it, to port 8080.
    const SAMPLE: [u8; 40] = [
        0x9d, 0x24, 0x1f, 0x90, 0xf9, 0xce, 0x1d, 0x91, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x02, 0xfa, 0xf0, 0xd8,
        0x09, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4, 0x04, 0x02, 0x08, 0x0a, 0xb4, 0xdb, 0x68, 0xb6, 0x00, 0x00,
        0x00, 0x00, 0x01, 0x03, 0x03, 0x0a,
    ];

    #[test]
    fn decodes_a_real_sample() {
        let (header, rest) = Tcp::decode(&SAMPLE).unwrap();
        assert_eq!(
            header,
            Tcp {
                src_port: 40228,
                dst_port: 8080,
                seq: 0xf9ce_1d91,
                ack: 0,
                flags: Flags::SYN,
                window: 64240,
                urgent: 0,
                header_len: 40,
            }
        );
        assert!(rest.is_empty());
        let options: Vec<_> = header.options(&SAMPLE).map(Result::unwrap).collect();
        assert_eq!(
            options,
            [
                TcpOption::MaximumSegmentSize(1460),
                TcpOption::SackPermitted,
                TcpOption::Timestamps { value: 0xb4db_68b6, echo: 0 },
                TcpOption::NoOperation,
                TcpOption::WindowScale(10),
            ]
        );
    }

    #[test]
    fn refuses_every_truncation() {
        for len in 0..SAMPLE.len() {
            let malformed = if len < HEADER_LEN { Malformed::Truncated } else { Malformed::BeyondEnd };
            assert_eq!(Tcp::decode(&SAMPLE[..len]), Err(malformed), "{len} bytes");
        }
    }

    #[test]
    fn refuses_a_lying_length() {
        for words in 0..5 {
            let mut bytes = SAMPLE;
            bytes[12] = words << 4;
            assert_eq!(Tcp::decode(&bytes), Err(Malformed::BadHeaderLength), "{words} words");
        }
        let mut bytes = SAMPLE;
        bytes[12] = 0xb0;
        assert_eq!(Tcp::decode(&bytes), Err(Malformed::BeyondEnd));
    }

    #[test]
    fn reads_sack_blocks() {
        let mut bytes = [0; 18];
        bytes[..2].copy_from_slice(&[5, 18]);
        (bytes[5], bytes[9], bytes[13], bytes[17]) = (1, 2, 3, 4);
        let option = Options::new(&bytes).next().unwrap().unwrap();
        let TcpOption::Sack(blocks) = option else { unreachable!("{option:?}") };
        assert_eq!(blocks.edges().collect::<Vec<_>>(), [(1, 2), (3, 4)]);
    }

    #[test]
    fn a_known_kind_of_another_length_is_other() {
        for bytes in
            [&[2, 3, 0][..], &[3, 2], &[4, 3, 0], &[5, 2], &[5, 9, 0, 0, 0, 0, 0, 0, 0], &[8, 4, 0, 0]]
        {
            let option = Options::new(bytes).next().unwrap().unwrap();
            assert_eq!(option, TcpOption::Other(RawOption { kind: bytes[0], body: &bytes[2..] }));
        }
    }

    #[test]
    fn an_option_that_does_not_fit_is_not_written() {
        let mut out = [9; 3];
        assert_eq!(TcpOption::MaximumSegmentSize(1460).encode(&mut out), None);
        assert_eq!(TcpOption::Other(RawOption { kind: 99, body: &[0; 254] }).encode(&mut [0; 300]), None);
        assert_eq!(out, [9; 3]);
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(
            src_port: u16, dst_port: u16, seq: u32, ack: u32, flags: u8, window: u16, urgent: u16,
            words in 5_u8..16,
        ) {
            let flags = Flags::from_bits_retain(flags);
            let header = Tcp { src_port, dst_port, seq, ack, flags, window, urgent, header_len: words * 4 };
            let mut bytes = header.encode().to_vec();
            bytes.resize(usize::from(words) * 4, 0);
            prop_assert_eq!(Tcp::decode(&bytes), Ok((header, &[][..])));
        }

        #[test]
        fn encodes_the_options_that_it_decodes(bytes in prop::collection::vec(0_u8..12, 0..40)) {
            for option in Options::new(&bytes).flatten() {
                let mut out = [0; 40];
                let len = option.encode(&mut out).unwrap();
                prop_assert_eq!(Options::new(&out[..len]).next(), Some(Ok(option)));
            }
        }
    }
}
