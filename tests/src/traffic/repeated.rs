//! Traffic without end for replays: a crafted session of everything that takes
//! memory, repeated under other addresses.
//!
//! Addresses are changed in pairs: what the client's words gain, the server's
//! lose. So every checksum that covers both stays right, and a frame costs a
//! copy and eight bytes, whatever is in it.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::bytes::SeededBytes;
use crate::capture::Pcap;
use crate::craft::fragment::cut;
use crate::craft::{self, Segment, ethertype, flag, tunnel};
use crate::lab::{Family, Side};

/// Time between two frames: a thousand packets a second, so that idle
/// time-outs come due within a hundred megabytes.
const STEP_US: u64 = 1_000;

/// 2025-06-07 08:09:10 UTC.
const BEGIN_US: u64 = 1_749_283_750_000_000;

/// Sessions under way at once.
const LANES: u64 = 16;

/// Bytes of payload in a full segment.
const SEGMENT: usize = 1_400;

/// One frame of the session, and where in it addresses are: the last four bytes
/// of a client's, and of the server's.
#[derive(Clone, Debug)]
struct Template {
    frame: Vec<u8>,
    places: Vec<[usize; 2]>,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Frames.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Sessions begun.
    pub sessions: u64,
}

/// The session's addresses before any is changed.
fn address(side: Side, family: Family) -> IpAddr {
    match (family, side) {
        (Family::V4, Side::Client) => Ipv4Addr::new(10, 0, 0, 0).into(),
        (Family::V4, Side::Server) => Ipv4Addr::new(192, 255, 255, 255).into(),
        (Family::V6, Side::Client) => Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0).into(),
        (Family::V6, Side::Server) => Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 1, 0xffff, 0xffff).into(),
    }
}

fn at(side: Side, family: Family, port: u16) -> SocketAddr {
    SocketAddr::new(address(side, family), port)
}

/// Where the last four bytes of the client's and the server's address are in an
/// IP packet that begins at `net_at` and goes from `from`.
fn places(from: Side, family: Family, net_at: usize) -> [usize; 2] {
    let [src, dst] = match family {
        Family::V4 => [net_at + 12, net_at + 16],
        Family::V6 => [net_at + 20, net_at + 36],
    };
    if from == Side::Client { [src, dst] } else { [dst, src] }
}

fn template(from: Side, family: Family, packet: &[u8]) -> Template {
    Template { frame: craft::from_side(from, packet), places: vec![places(from, family, 14)] }
}

/// A connection of the session: segments either way, with what networks do to
/// them.
struct Conversation {
    family: Family,
    ports: [u16; 2],
    frames: Vec<Template>,
}

impl Conversation {
    fn say(&mut self, from: Side, flags: u8, seq: u32, ack: u32, payload: &[u8]) {
        let [client, server] = self.ports;
        let [client, server] = [at(Side::Client, self.family, client), at(Side::Server, self.family, server)];
        let (src, dst) = if from == Side::Client { (client, server) } else { (server, client) };
        let packet = craft::tcp(src, dst, Segment { flags, seq, ack, payload });
        self.frames.push(template(from, self.family, &packet));
    }

    fn open(family: Family, ports: [u16; 2]) -> Self {
        let mut made = Self { family, ports, frames: Vec::new() };
        made.say(Side::Client, flag::SYN, 0, 0, &[]);
        made.say(Side::Server, flag::SYN | flag::ACK, 1_000, 1, &[]);
        made.say(Side::Client, flag::ACK, 1, 1_001, &[]);
        made
    }

    /// A whole one: some data up, more data down, a segment of which comes out
    /// of order, one twice, and one again with other bytes.
    fn whole(family: Family, ports: [u16; 2]) -> Vec<Template> {
        let mut made = Self::open(family, ports);
        let data = flag::ACK | flag::PSH;
        let mut bytes = SeededBytes::new(1);
        made.say(Side::Client, data, 1, 1_001, &bytes.take(500));
        let mut order: Vec<u32> = (0..24).collect();
        order.swap(5, 6);
        order.insert(12, 3);
        let segments: Vec<Vec<u8>> = (0..24).map(|_| bytes.take(SEGMENT)).collect();
        let len = u32::try_from(SEGMENT).expect("short");
        for number in order {
            made.say(Side::Server, data, 1_001 + number * len, 501, &segments[number as usize]);
            if number % 2 == 1 {
                made.say(Side::Client, flag::ACK, 501, 1_001 + (number + 1) * len, &[]);
            }
        }
        made.say(Side::Server, data, 1_001 + 20 * len, 501, &bytes.take(SEGMENT));
        let end = 1_001 + 24 * len;
        made.say(Side::Server, flag::ACK | flag::FIN, end, 501, &[]);
        made.say(Side::Client, flag::ACK | flag::FIN, 501, end + 1, &[]);
        made.say(Side::Server, flag::ACK, end + 1, 502, &[]);
        made.frames
    }

    /// One with a hole that is never filled, and no end.
    fn abandoned(family: Family, ports: [u16; 2]) -> Vec<Template> {
        let mut made = Self::open(family, ports);
        let len = u32::try_from(SEGMENT).expect("short");
        for number in 1..4 {
            let payload = SeededBytes::new(number.into()).take(SEGMENT);
            made.say(Side::Client, flag::ACK | flag::PSH, 1 + 2 * number * len, 1_001, &payload);
        }
        made.frames
    }
}

/// Everything that takes memory, once.
fn session() -> Vec<Template> {
    let mut frames = Vec::new();
    for family in Family::BOTH {
        frames.extend(Conversation::whole(family, [40_000, 80]));
        frames.extend(Conversation::abandoned(family, [40_001, 80]));
        // A half-open connection, a question with its answer, one without.
        let syn = Segment { flags: flag::SYN, seq: 7, ack: 0, payload: &[] };
        let (client, server) = (at(Side::Client, family, 40_002), at(Side::Server, family, 81));
        frames.push(template(Side::Client, family, &craft::tcp(client, server, syn)));
        let (client, server) = (at(Side::Client, family, 40_003), at(Side::Server, family, 53));
        frames.push(template(Side::Client, family, &craft::udp(client, server, b"question")));
        frames.push(template(Side::Server, family, &craft::udp(server, client, &[7; 200])));
        let (client, server) = (at(Side::Client, family, 40_004), at(Side::Server, family, 54));
        frames.push(template(Side::Client, family, &craft::udp(client, server, b"silence")));
        // A datagram in fragments, and one of which the last is missing.
        let large = craft::udp(client, server, &SeededBytes::new(2).take(4_000));
        for (id, missing) in [(1, 0), (2, 1)] {
            let cut = cut(&large, id, 1_440);
            let kept = cut.len() - missing;
            frames.extend(cut.iter().take(kept).map(|packet| template(Side::Client, family, packet)));
        }
        // The question once more, in a tunnel.
        let inner = craft::from_side(Side::Client, &craft::udp(client, server, b"question"));
        let outer = tunnel::vxlan(client, server.ip(), 5, &inner);
        let mut carried = template(Side::Client, family, &outer);
        let outer_len = carried.frame.len() - inner.len();
        carried.places.push(places(Side::Client, family, outer_len + 14));
        frames.push(carried);
    }
    let arp = craft::arp_request((Side::Client.mac(), [10, 77, 0, 1]), [10, 77, 0, 2]);
    frames.push(Template { frame: arp, places: Vec::new() });
    let other = craft::ethernet(craft::BROADCAST, Side::Client.mac(), ethertype::EXPERIMENT, &[9; 60]);
    frames.push(Template { frame: other, places: Vec::new() });
    frames
}

/// Changes the addresses of a frame to those of a session by its number.
fn readdress(frame: &mut [u8], places: &[[usize; 2]], session: u64) {
    // 15 bits in the lower words and 8 in the upper ones: no word overflows.
    let low = u16::try_from(session & 0x7fff).expect("15 bits");
    let high = u16::try_from(session >> 15 & 0xff).expect("8 bits");
    for [client_at, server_at] in places {
        for (place, change) in [(0, high), (2, low)] {
            let word = |at: usize| [frame[at], frame[at + 1]];
            let client = u16::from_be_bytes(word(client_at + place)) + change;
            let server = u16::from_be_bytes(word(server_at + place)) - change;
            frame[client_at + place..][..2].copy_from_slice(&client.to_be_bytes());
            frame[server_at + place..][..2].copy_from_slice(&server.to_be_bytes());
        }
    }
}

/// Writes a capture of at least so many bytes of frames; calls `pause` with the
/// bytes written so far after each round of sessions.
pub fn write(out: impl Write, bytes_min: u64, mut pause: impl FnMut(u64)) -> io::Result<Written> {
    let templates = session();
    let mut pcap = Pcap::begin(out)?;
    let mut written = Written::default();
    let mut frame = Vec::new();
    while written.bytes < bytes_min {
        for template in &templates {
            for lane in 0..LANES {
                frame.clone_from(&template.frame);
                readdress(&mut frame, &template.places, written.sessions + lane);
                pcap.packet(BEGIN_US + written.packets * STEP_US, &frame)?;
                written.packets += 1;
                written.bytes += frame.len() as u64;
            }
        }
        written.sessions += LANES;
        pause(written.bytes);
    }
    pcap.finish()?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::parse_pcap;
    use tidegate::wire::checksum::Checksum;
    use tidegate::wire::{LinkType, Packet};

    #[test]
    fn every_frame_is_sound_under_every_address() {
        for template in session() {
            for session in [0, 1, 0x7fff, 0x8000, 0x7f_ffff] {
                let mut frame = template.frame.clone();
                readdress(&mut frame, &template.places, session);
                let len = u32::try_from(frame.len()).unwrap();
                let (packet, undecodable) = Packet::decode(LinkType::Ethernet, &frame, len);
                assert_eq!(undecodable, None, "{frame:02x?}");
                let checksums = packet.checksums(&frame);
                assert_ne!(checksums.ip, Checksum::Bad, "{frame:02x?}");
                assert_ne!(checksums.transport, Checksum::Bad, "{frame:02x?}");
            }
        }
    }

    #[test]
    fn sessions_have_addresses_of_their_own() {
        let mut frames = std::collections::HashSet::new();
        let template = &session()[0];
        for session in (0..0x80_0000).step_by(997) {
            let mut frame = template.frame.clone();
            readdress(&mut frame, &template.places, session);
            assert!(frames.insert(frame), "session {session} is another again");
        }
    }

    #[test]
    fn writes_a_capture_that_says_what_it_is() {
        let mut file = Vec::new();
        let written = write(&mut file, 3_000_000, |_| {}).unwrap();
        let packets = parse_pcap(&file).unwrap();
        assert_eq!(packets.len() as u64, written.packets);
        assert_eq!(packets.iter().map(|packet| packet.bytes.len() as u64).sum::<u64>(), written.bytes);
        assert!(packets.is_sorted_by_key(|packet| packet.at_us));
        assert!(written.bytes >= 3_000_000 && written.sessions >= LANES);
    }
}
