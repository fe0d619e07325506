//! Changing the payload of a packet in place.
//!
//! The checksum is brought up to date by what changed (RFC 1624), not computed
//! anew: one that was wrong stays wrong, and damage done to the packet before
//! it came here is not covered up. Checksums of headers further out (UDP around
//! VXLAN, GRE) stay as right as they were, since the sum over the inner segment
//! and its checksum does not change.

use super::Packet;
use super::checksum;
use super::packet::Transport;

/// Where the checksum stands in a TCP header.
const TCP_CHECKSUM_AT: usize = 16;
/// Where the checksum stands in a UDP header; 0 there is none.
const UDP_CHECKSUM_AT: usize = 6;

impl Packet {
    /// Lets `rewrite` change the transport payload in `bytes`, the frame that
    /// this was decoded from, and brings the checksum of TCP or UDP up to date.
    ///
    /// Gives what `rewrite` gives: whether it could. It must change nothing
    /// where it gives `false`; that is also the answer where `bytes` are too
    /// few, or the transport is another.
    pub fn rewrite_payload(&self, bytes: &mut [u8], rewrite: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let checksum_at = match self.transport {
            Transport::Tcp(_) => TCP_CHECKSUM_AT,
            Transport::Udp(_) => UDP_CHECKSUM_AT,
            _ => return false,
        };
        let (start, len) = (self.payload_at as usize, self.payload_len as usize);
        let Some((headers, rest)) = bytes.split_at_mut_checked(start) else { return false };
        let Some(payload) = rest.get_mut(..len) else { return false };
        let Some(field) = headers
            .get_mut(self.transport_at as usize..)
            .and_then(|header| header.get_mut(checksum_at..))
            .and_then(|field| field.first_chunk_mut::<2>())
        else {
            return false;
        };
        let before = !checksum::of(payload);
        if !rewrite(payload) {
            return false;
        }
        let after = !checksum::of(payload);
        let old = u16::from_be_bytes(*field);
        let new = checksum::update16(old, before, after);
        let new = match self.transport {
            Transport::Udp(_) if old == 0 => 0,
            Transport::Udp(_) => checksum::udp_on_wire(new),
            _ => new,
        };
        *field = new.to_be_bytes();
        true
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use proptest::prelude::*;

    use crate::wire::checksum::Checksum;
    use crate::wire::craft::Craft;
    use crate::wire::tcp::Flags;
    use crate::wire::{LinkType, Packet};

    fn decode(bytes: &[u8]) -> Packet {
        Packet::decode(LinkType::Ethernet, bytes, u32::try_from(bytes.len()).unwrap()).0
    }

    fn frames(payload: &[u8]) -> [Vec<u8>; 3] {
        [
            Craft::ethernet().ipv4([192, 0, 2, 1], [198, 51, 100, 2]).tcp(1, 2, Flags::ACK, 5, 0),
            Craft::ethernet().ipv4([192, 0, 2, 1], [198, 51, 100, 2]).udp(1, 2),
            Craft::ethernet().ipv6(1_u128, 2_u128).udp(1, 2),
        ]
        .map(|craft| craft.payload(payload).build())
    }

    proptest! {
        #[test]
        fn what_was_right_is_right_after_any_change(
            (old, new) in (1..200_usize).prop_flat_map(|len| {
                let bytes = || prop::collection::vec(any::<u8>(), len);
                (bytes(), bytes())
            })
        ) {
            for mut frame in frames(&old) {
                let packet = decode(&frame);
                let rewritten = packet.rewrite_payload(&mut frame, |payload| {
                    payload.copy_from_slice(&new);
                    true
                });
                prop_assert!(rewritten);
                let packet = decode(&frame);
                prop_assert_eq!(packet.payload(&frame), &new[..]);
                prop_assert_eq!(packet.checksums(&frame).transport, Checksum::Ok);
            }
        }
    }

    #[test]
    fn what_was_wrong_stays_wrong() {
        for mut frame in frames(b"sent") {
            let last = frame.len() - 1;
            frame[last] ^= 1;
            let packet = decode(&frame);
            assert!(packet.rewrite_payload(&mut frame, |payload| {
                payload[0] = b'S';
                true
            }));
            assert_eq!(decode(&frame).checksums(&frame).transport, Checksum::Bad);
        }
    }

    #[test]
    fn udp_without_a_checksum_stays_without() {
        let [_, mut frame, _] = frames(b"sent");
        frame[40..42].fill(0);
        let packet = decode(&frame);
        assert!(packet.rewrite_payload(&mut frame, |payload| {
            payload[0] = b'S';
            true
        }));
        assert_eq!(frame[40..42], [0, 0]);
    }

    #[test]
    fn too_few_bytes_and_refusals_change_nothing() {
        for frame in frames(b"sent") {
            let packet = decode(&frame);
            for len in 0..frame.len() {
                let mut cut = frame[..len].to_vec();
                assert!(!packet.rewrite_payload(&mut cut, |_| true));
                assert_eq!(cut, frame[..len]);
            }
            let mut kept = frame.clone();
            assert!(!packet.rewrite_payload(&mut kept, |_| false));
            assert_eq!(kept, frame);
        }
    }
}
