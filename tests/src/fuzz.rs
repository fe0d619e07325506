//! What the fuzz targets run, and the seeds that they begin with.
//!
//! The bodies stand here rather than in `tests/fuzz`, so that the fuzzer and the
//! plain test that replays its corpus call the same code.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tidegate::port::capture::{Format, Reader, Writer};
use tidegate::time::Timestamp;
use tidegate::wire::craft::Craft;
use tidegate::wire::ipv6;
use tidegate::wire::packet::{Arp, Net, Packet, Transport};
use tidegate::wire::reject::{self, ANSWER_LEN_MAX};
use tidegate::wire::tcp::{Flags, TcpOption};
use tidegate::wire::{LinkType, Mac};

/// The links that are decoded, and one that is not.
const LINKS: [LinkType; 7] = [
    LinkType::Ethernet,
    LinkType::RawIp,
    LinkType::Sll,
    LinkType::Sll2,
    LinkType::Null,
    LinkType::Loop,
    LinkType::Other(147),
];

/// How a frame of `packet_decode` is written down: a byte for the link, a byte
/// for how many bytes (times 8) the capture left out, and the frame.
fn input(link: u8, left_out: u8, frame: &[u8]) -> Vec<u8> {
    [&[link, left_out], frame].concat()
}

/// Reads bytes as a capture to its end, or to where it is no capture.
///
/// # Panics
/// When a record breaks what a reader promises: that is the finding.
pub fn capture_read(input: &[u8]) {
    let bytes = std::io::Cursor::new(input.to_vec());
    let Ok(mut reader) = Reader::new("input".to_owned(), Box::new(bytes)) else { return };
    let mut packets = 0;
    while let Some(record) = reader.peek() {
        assert!(record.bytes.len() <= input.len());
        reader.advance();
        packets += 1;
    }
    assert_eq!(reader.packets(), packets);
    assert!(reader.bytes_consumed() <= input.len() as u64);
    assert!(reader.peek().is_none(), "the end of a capture is its end");
}

/// Small captures in both formats.
pub fn capture_read_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let packet = Craft::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).udp(1, 2).payload(b"x").build();
    let written = |format| {
        let (out, shared) = SharedBytes::pair();
        let mut writer = Writer::new("seed".to_owned(), Box::new(out), format, LinkType::Ethernet);
        for second in 0..3 {
            let at = Timestamp::from_secs_micros(1_700_000_000 + second, 5);
            assert!(writer.write(LinkType::Ethernet, at, 1_000, &packet));
        }
        writer.finish().expect("memory takes all bytes");
        shared.take()
    };
    vec![("pcap", written(Format::Pcap)), ("pcapng", written(Format::Pcapng))]
}

/// Bytes that a writer is given and that are read when it is done.
#[derive(Clone, Default)]
struct SharedBytes(Arc<Mutex<Vec<u8>>>);

impl SharedBytes {
    fn pair() -> (Self, Self) {
        let bytes = Self::default();
        (bytes.clone(), bytes)
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }
}

impl Write for SharedBytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics with it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Decodes a frame under its link, and asks everything that can be asked of the
/// packet.
///
/// # Panics
/// When an invariant of `wire` does not hold: that is the finding.
pub fn packet_decode(input: &[u8]) {
    let &[link, left_out, ref frame @ ..] = input else { return };
    let link = LINKS[usize::from(link) % LINKS.len()];
    let frame_len = u32::try_from(frame.len()).expect("a fuzzer's input is short");
    let wire_len = frame_len + u32::from(left_out) * 8;

    let (packet, undecodable) = Packet::decode(link, frame, wire_len);
    let mut place = packet;
    place.decode_in_place(link, &frame[..frame.len() / 2], wire_len);
    assert_eq!((place.decode_in_place(link, frame, wire_len), place), (undecodable, packet));
    assert!(packet.net_at <= packet.transport_at && packet.transport_at <= packet.payload_at);
    assert!(packet.payload_at + packet.payload_len <= frame_len);
    assert_eq!(packet.payload(frame).len(), packet.payload_len as usize);
    assert_eq!(packet.is_ip(), packet.ip_pair().is_some());
    assert_eq!(packet.is_ip(), packet.protocol().is_some());
    assert!(packet.vlan_ids().count() <= 2);
    let has_transport = packet.transport != Transport::None;
    assert!(!has_transport || packet.is_ip());
    assert!(!has_transport || undecodable.is_none(), "{undecodable:?} after its transport");
    assert_eq!(packet.ports().is_some(), matches!(packet.transport, Transport::Tcp(_) | Transport::Udp(_)));

    for option in packet.tcp_options(frame).flatten() {
        let mut out = [0; 40];
        let len = option.encode(&mut out).expect("an option of a header fits in one");
        assert_eq!(tidegate::wire::tcp::Options::new(&out[..len]).next(), Some(Ok(option)));
    }
    if let Net::V4(header) = packet.net {
        assert!(header.options(&frame[packet.net_at as usize..]).count() <= 40);
    }
    let checksums = packet.checksums(frame);
    // Of another frame (here: half of it) everything may be asked as well.
    let half = &frame[..frame.len() / 2];
    let _ = (packet.payload(half), packet.checksums(half), packet.tcp_options(half).count());

    for answerer in [reject::tcp_reset, reject::tcp_reset_onward, reject::icmp_unreachable] {
        check_answer(link, answerer, &packet, frame);
        let mut small = [0; 60];
        let _ = answerer(&packet, half, &mut small);
    }
    std::hint::black_box(checksums);
}

type Answerer = fn(&Packet, &[u8], &mut [u8]) -> Option<usize>;

/// An answer, if there is one, is a sound packet and is not answered by itself.
fn check_answer(link: LinkType, answerer: Answerer, packet: &Packet, frame: &[u8]) {
    let mut out = [0xee; ANSWER_LEN_MAX];
    let Some(len) = answerer(packet, frame, &mut out) else { return };
    let answer = &out[..len];
    let wire_len = u32::try_from(len).expect("an answer is short");
    let (again, undecodable) = Packet::decode(link, answer, wire_len);
    assert_eq!(undecodable, None, "an answer that does not decode");
    let checksums = again.checksums(answer);
    assert_ne!(checksums.ip, tidegate::wire::checksum::Checksum::Bad);
    assert_eq!(checksums.transport, tidegate::wire::checksum::Checksum::Ok);
    assert_eq!(answerer(&again, answer, &mut [0; ANSWER_LEN_MAX]), None, "an answer to an answer");
}

/// The seeds of `packet_decode`: file name and content, one for each turn that
/// decoding takes.
pub fn packet_decode_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let v4 = || Craft::ethernet().ipv4([192, 0, 2, 1], [198, 51, 100, 2]);
    let v6 = || Craft::ethernet().ipv6(0x2001_0db8_u128 << 96 | 1, 0x2001_0db8_u128 << 96 | 2);
    let on = |link| Craft::link(link).ipv4([192, 0, 2, 1], [198, 51, 100, 2]).udp(1000, 53).payload(b"q");
    let syn_options = [
        TcpOption::MaximumSegmentSize(1460),
        TcpOption::SackPermitted,
        TcpOption::Timestamps { value: 1, echo: 0 },
        TcpOption::NoOperation,
        TcpOption::WindowScale(7),
    ];
    let arp = Arp {
        operation: 1,
        sender: (Mac([2; 6]), [192, 0, 2, 1].into()),
        target: (Mac::default(), [198, 51, 100, 2].into()),
    };
    let ethernet = |craft: Craft| input(0, 0, &craft.build());
    vec![
        ("arp", ethernet(Craft::ethernet().arp(arp).padded())),
        ("ethernet-802.3", ethernet(Craft::ethernet().ethertype(38).payload(&[0x42; 46]))),
        ("icmp4-echo", ethernet(v4().echo_request(1, 1).payload(b"abcdefgh"))),
        ("icmp6-echo", ethernet(v6().echo_request(1, 1).payload(b"abcdefgh"))),
        ("ipv4-fragment", ethernet(v4().fragment(7, 0, true).udp(1, 2).payload(&[7; 16]))),
        ("ipv4-fragment-last", ethernet(v4().fragment(7, 3, false).protocol(17).payload(&[7; 16]))),
        ("ipv4-gre", ethernet(v4().protocol(47).payload(&[0; 8]))),
        ("ipv4-options", ethernet(v4().ip_options(&[131, 7, 4, 192, 0, 2, 9, 1]).udp(1, 2))),
        (
            "ipv6-extensions",
            ethernet(
                v6().extension(ipv6::HOP_BY_HOP, &[0, 0, 5, 2, 0, 0, 1, 0])
                    .extension(
                        ipv6::ROUTING,
                        &[0, 2, 4, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
                    )
                    .extension(ipv6::AUTHENTICATION, &[0; 8])
                    .extension(ipv6::DESTINATION, &[0, 0, 0xc9, 4, 0, 0, 0, 0])
                    .extension(ipv6::MOBILITY, &[0; 8])
                    .udp(1, 2),
            ),
        ),
        ("ipv6-fragment", ethernet(v6().fragment(7, 0, true).udp(1, 2).payload(&[7; 16]))),
        ("ipv6-fragment-atomic", ethernet(v6().fragment(7, 0, false).tcp(1, 2, Flags::SYN, 1, 0))),
        ("ipv6-no-next-header", ethernet(v6())),
        ("link-loop", input(5, 0, &on(LinkType::Loop).build())),
        ("link-null", input(4, 0, &on(LinkType::Null).build())),
        ("link-raw", input(1, 0, &on(LinkType::RawIp).build())),
        ("link-sll", input(2, 0, &on(LinkType::Sll).vlan(3).build())),
        ("link-sll2", input(3, 0, &on(LinkType::Sll2).build())),
        (
            "tcp-ack",
            ethernet(v4().tcp(1000, 80, Flags::ACK | Flags::PSH, 1, 2).payload(b"GET / HTTP/1.1\r\n\r\n")),
        ),
        ("tcp-cut", input(0, 4, &v6().tcp(1000, 80, Flags::ACK, 1, 2).payload(&[0; 32]).build()[..80])),
        ("tcp-syn", ethernet(v4().tcp(1000, 80, Flags::SYN, 1, 0).tcp_options(&syn_options))),
        ("udp4", ethernet(v4().udp(1000, 53).payload(b"q").padded())),
        ("udp6", ethernet(v6().udp(1000, 53).payload(b"q"))),
        ("vlan", ethernet(v4().vlan(10).tcp(1000, 80, Flags::SYN, 1, 0))),
        ("vlan-two", ethernet(v6().tag(0x88a8, 5).vlan(10).udp(1000, 53))),
        ("vlan-three", ethernet(v4().vlan(1).vlan(2).vlan(3).udp(1000, 53))),
    ]
}
