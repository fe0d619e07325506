//! Handshake messages out of the pieces that records make of them.
//!
//! A message that lies whole in what is given is handed on where it lies; only
//! what is cut is copied. What nobody wants, or what is too long, is counted down
//! and not kept, so that a length that lies costs nothing.

use super::MESSAGE_MAX;
use crate::wire::tls::HandshakeType;
use crate::wire::tls::handshake::HEADER_LEN;

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// One that is wanted, whole.
    Whole(HandshakeType, &'a [u8]),
    /// One that is not, at its beginning.
    Skipped(HandshakeType),
    /// One that would be, but is longer than is kept, at its beginning.
    TooLong(HandshakeType),
}

/// One direction's messages.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// The header of the message at hand, as far as it has come.
    header: [u8; HEADER_LEN],
    header_len: usize,
    /// How many bytes of the body are to come.
    left: u32,
    /// Whether the body is kept.
    is_kept: bool,
    /// What has come of it; empty while nothing was cut.
    body: Vec<u8>,
}

/// Messages that say something without keys.
const fn is_wanted(kind: HandshakeType) -> bool {
    matches!(
        kind,
        HandshakeType::CLIENT_HELLO
            | HandshakeType::SERVER_HELLO
            | HandshakeType::HELLO_RETRY_REQUEST
            | HandshakeType::CERTIFICATE
            | HandshakeType::SERVER_KEY_EXCHANGE
    )
}

impl Messages {
    /// Whether no message has begun that has not ended.
    pub(super) const fn is_between(&self) -> bool {
        self.header_len == 0
    }

    /// Bytes of memory held for what has come.
    pub(super) fn held(&self) -> usize {
        self.body.capacity()
    }

    /// Takes a record's bytes, or part of them.
    pub(super) fn feed(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Message<'_>)) {
        while !bytes.is_empty() {
            if self.header_len < HEADER_LEN {
                bytes = self.read_header(bytes, each);
                continue;
            }
            let len = bytes.len().min(self.left as usize);
            let Some((piece, rest)) = bytes.split_at_checked(len) else { return };
            bytes = rest;
            // Not longer than what is left, so it fits in 32 bits.
            self.left -= u32::try_from(len).unwrap_or(self.left);
            if self.left > 0 {
                if self.is_kept {
                    self.body.extend_from_slice(piece);
                }
                continue;
            }
            self.end_with(piece, each);
        }
    }

    /// The header, or part of it; gives what follows.
    fn read_header<'b>(&mut self, bytes: &'b [u8], each: &mut impl FnMut(Message<'_>)) -> &'b [u8] {
        let [kind, l0, l1, l2] = &mut self.header;
        let slots = [kind, l0, l1, l2];
        let missing = slots.into_iter().skip(self.header_len);
        let taken = missing.zip(bytes).map(|(slot, byte)| *slot = *byte).count();
        self.header_len += taken;
        let rest = bytes.get(taken..).unwrap_or_default();
        if self.header_len < HEADER_LEN {
            return rest;
        }
        let [kind, l0, l1, l2] = self.header;
        let kind = HandshakeType(kind);
        self.left = u32::from_be_bytes([0, l0, l1, l2]);
        self.is_kept = is_wanted(kind) && self.left as usize <= MESSAGE_MAX;
        if !is_wanted(kind) {
            each(Message::Skipped(kind));
        } else if !self.is_kept {
            each(Message::TooLong(kind));
        }
        if self.left == 0 {
            self.end_with(&[], each);
        }
        rest
    }

    /// The message's last piece has come.
    fn end_with(&mut self, piece: &[u8], each: &mut impl FnMut(Message<'_>)) {
        let [kind, ..] = self.header;
        self.header_len = 0;
        if !self.is_kept {
            return;
        }
        let kind = HandshakeType(kind);
        if self.body.is_empty() {
            each(Message::Whole(kind, piece));
        } else {
            let mut body = std::mem::take(&mut self.body);
            body.extend_from_slice(piece);
            each(Message::Whole(kind, &body));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::tls::build;

    fn collect(pieces: &[&[u8]]) -> (Vec<String>, Messages) {
        let (mut out, mut messages) = (Vec::new(), Messages::default());
        for piece in pieces {
            messages.feed(piece, &mut |message| out.push(format!("{message:?}")));
        }
        (out, messages)
    }

    #[test]
    fn a_lie_about_length_keeps_nothing() {
        let (out, messages) = collect(&[&[11, 0xff, 0xff, 0xff], &vec![7; 100_000]]);
        assert_eq!(out, [format!("{:?}", Message::TooLong(HandshakeType::CERTIFICATE))]);
        assert_eq!((messages.body.capacity(), messages.is_between()), (0, false));
        let (out, messages) = collect(&[&[1, 0, 0xff, 0xff], &[7]]);
        assert!(out.is_empty());
        assert!(messages.body.capacity() < 100, "memory comes with the bytes, not with the promise");
    }

    proptest! {
        #[test]
        fn every_cut_gives_the_same_messages(
            messages in prop::collection::vec((0_u8..25, prop::collection::vec(any::<u8>(), 0..40)), 0..10),
            cuts in prop::collection::vec(0_usize..200, 0..8),
        ) {
            let stream: Vec<u8> =
                messages.iter().flat_map(|(kind, body)| build::message(HandshakeType(*kind), body)).collect();
            let (whole, state) = collect(&[&stream]);
            prop_assert!(state.is_between());
            prop_assert_eq!(whole.len(), messages.len());
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).filter_map(|ends| match ends {
                [from, to] => stream.get(*from..*to),
                _ => None,
            }).collect();
            prop_assert_eq!(&whole, &collect(&pieces).0);
            let bytes: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(&whole, &collect(&bytes).0);
        }
    }
}
