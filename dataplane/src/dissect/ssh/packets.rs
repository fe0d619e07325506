//! Binary packets in the clear (RFC 4253 section 6): a length in four bytes, the
//! length of the padding in one, the payload, whose first byte is the number of
//! its message, and the padding.

use super::{PACKET_MAX, PAYLOAD_MAX};

/// The length, the padding's, and the number of the message.
const HEADER_LEN: usize = 6;

/// The numbers of messages (RFC 4253 section 12) that mean something here.
pub(super) mod number {
    /// `SSH_MSG_DISCONNECT`
    pub(in super::super) const DISCONNECT: u8 = 1;
    /// `SSH_MSG_KEXINIT`
    pub(in super::super) const KEXINIT: u8 = 20;
    /// `SSH_MSG_NEWKEYS`
    pub(in super::super) const NEWKEYS: u8 = 21;
}

/// What a packet was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet {
    /// One that is kept: the number of its message, and the rest of its payload.
    Whole(u8, Vec<u8>),
    /// One that is kept and was too long for it.
    TooLong(u8),
    /// One that only its number is known of, at its end.
    Skipped(u8),
    /// Lengths that contradict each other: there are no packets any more.
    Invalid,
}

/// One packet out of pieces.
#[derive(Debug, Default)]
pub(super) struct Packets {
    header: [u8; HEADER_LEN],
    header_len: usize,
    /// Of the packet at hand: what is kept of its payload.
    payload: Vec<u8>,
    /// How many bytes of its payload are to come.
    payload_left: usize,
    /// How many bytes of its padding are to come.
    padding_left: usize,
    is_kept: bool,
}

impl Packets {
    /// Takes bytes up to what there is to say, and gives back those after it.
    pub(super) fn feed<'b>(
        &mut self,
        bytes: &'b [u8],
        keeps: impl Fn(u8) -> bool,
    ) -> (&'b [u8], Option<Packet>) {
        let mut rest = bytes;
        if self.header_len < HEADER_LEN {
            let slots = self.header.iter_mut().skip(self.header_len);
            let taken = slots.zip(bytes).map(|(slot, byte)| *slot = *byte).count();
            self.header_len += taken;
            rest = bytes.get(taken..).unwrap_or_default();
            if self.header_len < HEADER_LEN {
                return (rest, None);
            }
            if let Some(packet) = self.begin(keeps) {
                return (rest, Some(packet));
            }
        }
        let (piece, after) = split(rest, self.payload_left);
        if self.is_kept {
            self.payload.extend_from_slice(piece);
        }
        self.payload_left -= piece.len();
        let (padding, after) = split(after, self.padding_left);
        self.padding_left -= padding.len();
        if self.payload_left + self.padding_left > 0 {
            return (after, None);
        }
        let [.., number] = self.header;
        let payload = std::mem::take(&mut self.payload);
        let packet = if self.is_kept { Packet::Whole(number, payload) } else { Packet::Skipped(number) };
        self.header_len = 0;
        (after, Some(packet))
    }

    /// A header is complete; says what is to be said of it at once.
    fn begin(&mut self, keeps: impl Fn(u8) -> bool) -> Option<Packet> {
        let [l0, l1, l2, l3, padding, number] = self.header;
        let len = u32::from_be_bytes([l0, l1, l2, l3]);
        // The length counts what follows it: a byte for the padding's length and
        // at least one of payload, the number.
        let payload = len.checked_sub(2 + u32::from(padding)).filter(|_| len <= PACKET_MAX);
        let Some(payload_left) = payload.and_then(|len| usize::try_from(len).ok()) else {
            return Some(Packet::Invalid);
        };
        self.payload_left = payload_left;
        self.padding_left = padding.into();
        self.is_kept = keeps(number) && payload_left < PAYLOAD_MAX;
        (keeps(number) && !self.is_kept).then_some(Packet::TooLong(number))
    }

    /// Bytes of memory held.
    pub(super) fn held(&self) -> usize {
        self.payload.capacity()
    }
}

/// The first `len` bytes, or as many as there are, and the rest.
fn split(bytes: &[u8], len: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(len.min(bytes.len())).unwrap_or((bytes, &[]))
}
