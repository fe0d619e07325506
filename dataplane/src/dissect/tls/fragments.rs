//! Handshake messages of DTLS out of their fragments (RFC 6347 section 4.2.3).
//!
//! Datagrams are lost, repeated and overtake each other: messages come out in the
//! order of their numbers, each once. What is ahead of its turn is kept, as far as
//! there is room; what is repeated costs nothing.

use std::collections::BTreeMap;

use super::MESSAGE_MAX;
use crate::wire::tls::HandshakeType;
use crate::wire::tls::dtls::Fragment;
use crate::wire::tls::handshake::{HEADER_LEN, Handshake};

/// So many fragments may wait for their turn: a flight of certificates in
/// datagrams of 256 bytes.
const AHEAD_MAX: usize = 64;

/// A fragment that waits.
#[derive(Debug)]
struct Piece {
    kind: HandshakeType,
    len: u32,
    bytes: Vec<u8>,
}

/// One direction's messages.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    /// The number of the message at hand.
    next: u16,
    /// The number of the first hello, with which numbers begin.
    first: Option<u16>,
    /// The message at hand, as far as it has come, with a header of TLS; empty
    /// before it begins.
    message: Vec<u8>,
    /// By number of the message and place in it.
    ahead: BTreeMap<(u16, u32), Piece>,
    /// The bytes in `ahead`.
    ahead_bytes: usize,
}

impl Fragments {
    /// Bytes of memory held for what has come.
    pub(super) fn held(&self) -> usize {
        self.message.capacity() + self.ahead_bytes + self.ahead.len() * size_of::<Piece>()
    }

    /// Takes a fragment; `each` gets the messages that are whole now, with the
    /// header that they have in TLS.
    pub(super) fn feed(&mut self, fragment: Fragment<'_>, each: &mut impl FnMut(&[u8])) {
        let is_hello = matches!(fragment.kind, HandshakeType::CLIENT_HELLO | HandshakeType::SERVER_HELLO);
        let is_first = self.first.is_none_or(|first| fragment.message < first);
        if is_hello && fragment.offset == 0 && is_first {
            // Servers that keep no state number their hello as they like. One with a
            // lower number shows that those before were not for the peer: it throws
            // away what is ahead of the first it expects.
            if self.first.is_some() {
                *self = Self::default();
            }
            self.first = Some(fragment.message);
            self.next = fragment.message;
        }
        if fragment.len as usize > MESSAGE_MAX || fragment.message < self.next {
            return;
        }
        if !self.follows(fragment.message, fragment.offset) {
            self.wait(fragment);
            return;
        }
        self.append(fragment.kind, fragment.len, fragment.offset, fragment.bytes, each);
        while let Some(entry) = self.ahead.first_entry() {
            let (number, offset) = *entry.key();
            if number > self.next || number == self.next && !self.follows(number, offset) {
                break;
            }
            let Some(((number, offset), piece)) = self.ahead.pop_first() else { break };
            self.ahead_bytes -= piece.bytes.len();
            if number == self.next {
                self.append(piece.kind, piece.len, offset, &piece.bytes, each);
            }
        }
    }

    /// Whether bytes that stand there continue, or repeat, what has come.
    fn follows(&self, number: u16, offset: u32) -> bool {
        let come = self.message.len().saturating_sub(HEADER_LEN);
        self.first.is_some() && number == self.next && offset as usize <= come
    }

    /// Keeps what is ahead of its turn, if there is room.
    fn wait(&mut self, fragment: Fragment<'_>) {
        let has_room = self.ahead.len() < AHEAD_MAX && self.ahead_bytes + fragment.bytes.len() <= MESSAGE_MAX;
        let key = (fragment.message, fragment.offset);
        if !has_room || self.ahead.contains_key(&key) {
            return;
        }
        self.ahead_bytes += fragment.bytes.len();
        let piece = Piece { kind: fragment.kind, len: fragment.len, bytes: fragment.bytes.to_vec() };
        self.ahead.insert(key, piece);
    }

    /// Appends what is new of bytes that follow.
    fn append(
        &mut self,
        kind: HandshakeType,
        len: u32,
        offset: u32,
        bytes: &[u8],
        each: &mut impl FnMut(&[u8]),
    ) {
        let header = Handshake::header(kind, len as usize);
        if self.message.is_empty() {
            self.message.extend(header);
        } else if !self.message.starts_with(&header) {
            // It tells of another message than the first of its number did.
            return;
        }
        let come = self.message.len() - HEADER_LEN;
        let known = come.saturating_sub(offset as usize);
        self.message.extend(bytes.get(known..).unwrap_or_default());
        // No fragment reaches beyond the length that it tells.
        if self.message.len() == HEADER_LEN + len as usize {
            let message = std::mem::take(&mut self.message);
            self.next = self.next.saturating_add(1);
            each(&message);
        }
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fragment(kind: HandshakeType, message: u16, body: &[u8], from: usize, to: usize) -> Fragment<'_> {
        let (len, offset) = (u32::try_from(body.len()).unwrap(), u32::try_from(from).unwrap());
        Fragment { kind, len, message, offset, bytes: &body[from..to] }
    }

    fn collect(fragments: &[Fragment<'_>]) -> (Vec<Vec<u8>>, Fragments) {
        let (mut out, mut state) = (Vec::new(), Fragments::default());
        for fragment in fragments {
            state.feed(*fragment, &mut |message| out.push(message.to_vec()));
        }
        (out, state)
    }

    const BODIES: [(HandshakeType, &[u8]); 4] = [
        (HandshakeType::SERVER_HELLO, b"the server's hello"),
        (HandshakeType::CERTIFICATE, b"a chain of certificates"),
        (HandshakeType::SERVER_KEY_EXCHANGE, b"key"),
        (HandshakeType::SERVER_HELLO_DONE, b""),
    ];

    fn messages() -> Vec<Vec<u8>> {
        BODIES.iter().map(|(kind, body)| [&Handshake::header(*kind, body.len()), *body].concat()).collect()
    }

    #[test]
    fn a_request_to_verify_is_no_message_of_the_flight() {
        let verify = fragment(HandshakeType::HELLO_VERIFY_REQUEST, 0, b"\xfe\xff\x01\x07", 0, 4);
        let (kind, body) = BODIES[0];
        for number in [0, 1] {
            let (out, state) = collect(&[verify, fragment(kind, number, body, 0, body.len())]);
            assert_eq!((&out[..], state.ahead.len()), (&messages()[..1], 0), "{number}");
        }
    }

    #[test]
    fn what_waits_is_bounded_in_bytes_and_in_number() {
        let body = vec![7; 60_000];
        let hello = fragment(HandshakeType::CLIENT_HELLO, 0, b"hello", 0, 2);
        let mut late: Vec<_> =
            (1..2000).map(|number| fragment(HandshakeType::CERTIFICATE, number, &body, 0, 59_999)).collect();
        late.insert(0, hello);
        assert!(collect(&late).1.held() <= 2 * MESSAGE_MAX);
        late[1..].iter_mut().for_each(|fragment| fragment.bytes = &[7]);
        assert_eq!(collect(&late).1.ahead.len(), AHEAD_MAX);
        let long = Fragment { len: 1 << 23, ..hello };
        assert_eq!(collect(&[long]).1.held(), 0);
    }

    #[test]
    fn a_fragment_that_contradicts_the_first_is_left_out() {
        let body = BODIES[1].1;
        let hello = |from, to| fragment(HandshakeType::CLIENT_HELLO, 0, body, from, to);
        let liar = Fragment { len: 9, bytes: &body[..5], offset: 4, ..hello(0, 4) };
        let (out, _) = collect(&[hello(0, 4), liar, hello(4, body.len())]);
        assert_eq!(out, [[&Handshake::header(HandshakeType::CLIENT_HELLO, body.len()), body].concat()]);
    }

    #[test]
    fn a_hello_ahead_of_the_first_hides_nothing() {
        let (kind, body) = (HandshakeType::CLIENT_HELLO, BODIES[0].1);
        let real = fragment(kind, 0, body, 0, body.len());
        for decoy in [fragment(kind, 7, b"decoy", 0, 2), fragment(kind, 7, b"decoy", 0, 5)] {
            let (out, _) = collect(&[decoy, real, real]);
            let expected = [&Handshake::header(kind, body.len()), body].concat();
            assert_eq!(out.iter().filter(|message| **message == expected).count(), 1);
        }
    }

    proptest! {
        #[test]
        fn repeated_and_overtaken_fragments_give_each_message_once(
            cuts in prop::collection::vec((0_usize..30, 0_usize..30), 0..6),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
        ) {
            let mut pieces = Vec::new();
            for (number, (kind, body)) in BODIES.iter().enumerate() {
                let number = u16::try_from(number).unwrap() + 3;
                let (mut from, mut ends) = (0, cuts.iter().map(|(a, _)| (*a).min(body.len())).collect::<Vec<_>>());
                ends.push(body.len());
                ends.sort_unstable();
                for to in ends {
                    // Some reach back over what the one before has.
                    let back = cuts.first().map_or(0, |(_, back)| *back).min(from);
                    pieces.push(fragment(*kind, number, body, from - back, to));
                    from = to;
                }
            }
            let hello = pieces[0];
            let mut sent = vec![hello];
            sent.extend(order.iter().map(|index| *index.get(&pieces)));
            sent.extend(&pieces);
            let (out, state) = collect(&sent);
            prop_assert_eq!(&out, &messages());
            prop_assert_eq!((state.ahead.len(), state.ahead_bytes), (0, 0));
        }
    }
}
