//! TCP connections from their first segment to their last, nothing lost.

use std::net::SocketAddr;

use super::{Segment, flag, from_side, tcp};
use crate::lab::Side;

/// The packets of a connection in which this is said, in segments of at most
/// `segment_max` bytes, each with who sends it. Three open it, three close it, and
/// no segment is acknowledged for itself; the server's numbers wrap.
pub fn packets(
    client: SocketAddr,
    server: SocketAddr,
    flights: &[(Side, Vec<u8>)],
    segment_max: usize,
) -> Vec<(Side, Vec<u8>)> {
    let mut packets = Vec::new();
    let (mut up, mut down) = (1_000_u32, 0xffff_fff0_u32);
    let mut say = |from: Side, flags: u8, payload: &[u8]| {
        let (src, dst, seq, ack) = match from {
            Side::Client => (client, server, up, down),
            Side::Server => (server, client, down, up),
        };
        let ack = if flags & flag::ACK == 0 { 0 } else { ack };
        packets.push((from, tcp(src, dst, Segment { flags, seq, ack, payload })));
        let len = u32::try_from(payload.len()).expect("a segment is short");
        let seq = if from == Side::Client { &mut up } else { &mut down };
        *seq = seq.wrapping_add(len + u32::from(flags & (flag::SYN | flag::FIN) != 0));
    };
    say(Side::Client, flag::SYN, &[]);
    say(Side::Server, flag::SYN | flag::ACK, &[]);
    say(Side::Client, flag::ACK, &[]);
    for (from, bytes) in flights {
        bytes.chunks(segment_max).for_each(|segment| say(*from, flag::ACK | flag::PSH, segment));
    }
    say(Side::Client, flag::ACK | flag::FIN, &[]);
    say(Side::Server, flag::ACK | flag::FIN, &[]);
    say(Side::Client, flag::ACK, &[]);
    packets
}

/// The same, each packet in the frame that its sender puts it in.
pub fn frames(
    client: SocketAddr,
    server: SocketAddr,
    flights: &[(Side, Vec<u8>)],
    segment_max: usize,
) -> Vec<Vec<u8>> {
    let packets = packets(client, server, flights, segment_max);
    packets.iter().map(|(from, packet)| from_side(*from, packet)).collect()
}
