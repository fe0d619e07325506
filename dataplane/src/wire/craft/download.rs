//! A download over TCP as frames that can be had without end: what a connection
//! costs when it does as it should is measured with these.
//!
//! Fixed layout (Ethernet, IPv4 and TCP with time stamps and nothing else), so
//! that a frame becomes its successor in a few instructions.

use std::net::Ipv4Addr;

use super::Craft;
use crate::wire::checksum;
use crate::wire::tcp::{Flags, TcpOption};

/// Bytes of payload that the server sends in each segment.
const SEGMENT_LEN: u16 = 1400;
/// By how much the server's numbers advance from round to round.
const ROUND_LEN: u32 = 2 * SEGMENT_LEN as u32;
/// Where the TCP header begins.
const TCP: usize = 14 + 20;
/// Bytes of a TCP header with time stamps, which no option follows.
const TCP_LEN: usize = 20 + 12;

/// A connection of which a client takes what a server sends.
#[derive(Clone, Copy, Debug)]
pub struct Download {
    client: (Ipv4Addr, u16),
    server: (Ipv4Addr, u16),
}

impl Download {
    /// Between these addresses and ports.
    pub const fn new(client: (Ipv4Addr, u16), server: (Ipv4Addr, u16)) -> Self {
        Self { client, server }
    }

    /// The handshake.
    pub fn opening(&self) -> [Vec<u8>; 3] {
        [
            self.up(Flags::SYN, 0, 0).build(),
            self.down(Flags::SYN | Flags::ACK, 0, 1).build(),
            self.up(Flags::ACK, 1, 1).build(),
        ]
    }

    /// Two full segments of the server, and the client's acknowledgement of both.
    pub fn round(&self) -> [Vec<u8>; 3] {
        let segment = |seq| self.down(Flags::ACK, seq, 1).payload(&[0x55; SEGMENT_LEN as usize]).build();
        let second = 1 + ROUND_LEN / 2;
        [segment(1), segment(second), self.up(Flags::ACK, 1, 1 + ROUND_LEN).build()]
    }

    /// Lets a frame of a round become that of the next round.
    pub fn advance(frame: &mut [u8]) {
        let is_up = frame.len() == TCP + TCP_LEN;
        let Some((header, _)) = frame.get_mut(TCP..).and_then(<[u8]>::split_first_chunk_mut::<20>) else {
            return;
        };
        let [_, _, _, _, s0, s1, s2, s3, a0, a1, a2, a3, _, _, _, _, c0, c1, _, _] = header;
        let [n0, n1, n2, n3] = if is_up { [a0, a1, a2, a3] } else { [s0, s1, s2, s3] };
        let old = u32::from_be_bytes([*n0, *n1, *n2, *n3]);
        let new = old.wrapping_add(ROUND_LEN);
        [*n0, *n1, *n2, *n3] = new.to_be_bytes();
        let sum = u16::from_be_bytes([*c0, *c1]);
        [*c0, *c1] = checksum::update32(sum, old, new).to_be_bytes();
    }

    fn up(&self, flags: Flags, seq: u32, ack: u32) -> Craft {
        segment(self.client, self.server, flags, seq, ack)
    }

    fn down(&self, flags: Flags, seq: u32, ack: u32) -> Craft {
        segment(self.server, self.client, flags, seq, ack)
    }
}

fn segment(
    (src, src_port): (Ipv4Addr, u16),
    (dst, dst_port): (Ipv4Addr, u16),
    flags: Flags,
    seq: u32,
    ack: u32,
) -> Craft {
    let options =
        [TcpOption::NoOperation, TcpOption::NoOperation, TcpOption::Timestamps { value: 7, echo: 7 }];
    Craft::ethernet().ipv4(src, dst).tcp(src_port, dst_port, flags, seq, ack).tcp_options(&options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::checksum::Checksum;
    use crate::wire::packet::Transport;
    use crate::wire::{LinkType, Packet};

    fn numbers(frame: &[u8]) -> Option<(u32, u32, usize)> {
        let (packet, undecodable) =
            Packet::decode(LinkType::Ethernet, frame, u32::try_from(frame.len()).unwrap_or(0));
        let sums = packet.checksums(frame);
        assert_eq!((undecodable, sums.ip, sums.transport), (None, Checksum::Ok, Checksum::Ok));
        let Transport::Tcp(tcp) = packet.transport else { return None };
        Some((tcp.seq, tcp.ack, packet.payload(frame).len()))
    }

    #[test]
    fn each_round_goes_on_where_the_one_before_ended_also_past_the_greatest_number() {
        let download = Download::new((Ipv4Addr::new(10, 0, 0, 1), 40_000), (Ipv4Addr::new(10, 0, 0, 2), 80));
        let opening = download.opening().map(|frame| numbers(&frame));
        assert_eq!(opening, [Some((0, 0, 0)), Some((0, 1, 0)), Some((1, 1, 0))]);
        let mut round = download.round();
        let mut expected = 1_u32;
        for _ in 0..u32::MAX / ROUND_LEN + 2 {
            if !(10_000..u32::MAX - 10_000).contains(&expected) {
                let told = round.each_ref().map(|frame| numbers(frame));
                let (second, end) = (expected.wrapping_add(1_400), expected.wrapping_add(2_800));
                assert_eq!(told, [Some((expected, 1, 1_400)), Some((second, 1, 1_400)), Some((1, end, 0))]);
            }
            for frame in &mut round {
                Download::advance(frame);
            }
            expected = expected.wrapping_add(ROUND_LEN);
        }
        assert!(expected < 10_000, "it went around");
    }
}
