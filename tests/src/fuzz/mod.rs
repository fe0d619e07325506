//! What the fuzz targets run, and the seeds that they begin with.
//!
//! The bodies stand here rather than in `tests/fuzz`, so that the fuzzer and the
//! plain test that replays its corpus call the same code.

mod bodies;
mod dissect;
mod fragments;
mod mail;
mod names;
mod quic;
mod ssh;
mod starttls;
mod streams;
mod talks;
mod tls;
mod websocket;

use std::io::Write;
use std::sync::{Arc, Mutex};

use tidegate::port::capture::{Format, Reader, Record, Writer};
use tidegate::time::Timestamp;
use tidegate::wire::craft::Craft;
use tidegate::wire::ipv6;
use tidegate::wire::packet::{Arp, Net, Packet, Transport};
use tidegate::wire::reject::{self, ANSWER_LEN_MAX};
use tidegate::wire::tcp::{Flags, TcpOption};
use tidegate::wire::{LinkType, Mac};

pub use bodies::{
    body_decode, body_decode_seeds, http2_stream, http2_stream_seeds, mime_stream, mime_stream_seeds,
};
pub use dissect::{
    http_stream, http_stream_seeds, mqtt_stream, mqtt_stream_seeds, rfb_stream, rfb_stream_seeds,
};
pub use fragments::{fragments, fragments_seeds};
pub use mail::{
    ftp_stream, ftp_stream_seeds, imap_stream, imap_stream_seeds, pop3_stream, pop3_stream_seeds,
    smtp_stream, smtp_stream_seeds,
};
pub use names::{
    dns_datagram, dns_datagram_seeds, dns_stream, dns_stream_seeds, network_datagram, network_datagram_seeds,
};
pub use quic::{quic_datagram, quic_datagram_seeds};
pub use ssh::{ssh_stream, ssh_stream_seeds};
pub use starttls::{starttls_stream, starttls_stream_seeds};
pub use streams::{stream_segments, stream_segments_seeds};
pub use talks::{
    ike_datagram, ike_datagram_seeds, krb5_stream, krb5_stream_seeds, sip_stream, sip_stream_seeds,
};
pub use tls::{dtls_datagram, dtls_datagram_seeds, tls_stream, tls_stream_seeds, x509, x509_seeds};
pub use websocket::{websocket_stream, websocket_stream_seeds};

/// How many links there are: those that are decoded, and one that is not.
const LINKS: usize = LinkType::DECODED.len() + 1;

/// The link that a byte of the input stands for.
fn link_of(byte: u8) -> LinkType {
    LinkType::DECODED.get(usize::from(byte) % LINKS).copied().unwrap_or(LinkType::Other(147))
}

/// The byte of the input that stands for a link.
fn byte_of(link: LinkType) -> u8 {
    let place = LinkType::DECODED.iter().position(|decoded| *decoded == link).unwrap_or(LINKS - 1);
    u8::try_from(place).expect("there are few links")
}

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
pub fn capture_read_seeds() -> Vec<(String, Vec<u8>)> {
    let packet = Craft::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2]).udp(1, 2).payload(b"x").build();
    let written = |format| {
        let (out, shared) = SharedBytes::pair();
        let mut writer = Writer::new("seed".to_owned(), Box::new(out), format, LinkType::Ethernet);
        for second in 0..3 {
            let at = Timestamp::from_secs_micros(1_700_000_000 + second, 5);
            let record = Record { link: LinkType::Ethernet, at, wire_len: 1_000, bytes: &packet };
            assert!(writer.write(&record));
        }
        writer.finish().expect("memory takes all bytes");
        shared.take()
    };
    [("pcap", Format::Pcap), ("pcapng", Format::Pcapng)]
        .map(|(name, format)| (name.to_owned(), written(format)))
        .to_vec()
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
    let link = link_of(link);
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
    assert!(packet.vlan_ids().count() <= 3);
    check_tunnels(&packet, link, frame, wire_len);
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

/// Each packet around another is decoded as if nothing were in it, where it was
/// found to be.
fn check_tunnels(packet: &Packet, link: LinkType, frame: &[u8], wire_len: u32) {
    let depth = packet.tunnels.depth();
    assert_eq!(packet.tunnels.kinds().count(), depth);
    assert!(depth == 0 || packet.net != Net::None, "a tunnel around nothing");
    for index in 0..depth {
        let outer = packet.outer(link, frame, wire_len, index).expect("there is one around it");
        assert_eq!(
            (outer.tunnels.depth(), Some(outer.net_at as usize)),
            (index, packet.tunnels.place(index))
        );
        assert!(outer.is_ip() && outer.net_at <= packet.net_at);
        let _ = outer.checksums(frame);
    }
    assert_eq!(packet.outer(link, frame, wire_len, depth), None);
    let displaced = Packet { tunnels: packet.tunnels.without_places(), ..*packet };
    assert_eq!(displaced.outer(link, frame, wire_len, 0), None);
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
pub fn packet_decode_seeds() -> Vec<(String, Vec<u8>)> {
    let v4 = || Craft::ethernet().ipv4([192, 0, 2, 1], [198, 51, 100, 2]);
    let v6 = || Craft::ethernet().ipv6(0x2001_0db8_u128 << 96 | 1, 0x2001_0db8_u128 << 96 | 2);
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
    let seeds = [
        ("arp", ethernet(Craft::ethernet().arp(arp).padded())),
        ("ethernet-802.3", ethernet(Craft::ethernet().ethertype(38).payload(&[0x42; 46]))),
        ("icmp4-echo", ethernet(v4().echo_request(1, 1).payload(b"abcdefgh"))),
        ("icmp6-echo", ethernet(v6().echo_request(1, 1).payload(b"abcdefgh"))),
        ("ipv4-fragment", ethernet(v4().fragment(7, 0, true).udp(1, 2).payload(&[7; 16]))),
        ("ipv4-fragment-last", ethernet(v4().fragment(7, 3, false).protocol(17).payload(&[7; 16]))),
        ("ipv4-authentication", ethernet(v4().extension(ipv6::AUTHENTICATION, &[0; 12]).udp(1, 2))),
        ("ipv4-esp", ethernet(v4().esp(1, 2).payload(&[0; 8]))),
        ("ipv4-sctp", ethernet(v4().sctp(1, 2, 3).payload(&[1, 0, 0, 4]))),
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
    ];
    let plain = seeds.map(|(name, seed)| (name.to_owned(), seed)).into_iter();
    plain.chain(link_seeds()).chain(shim_seeds()).chain(tunnel_seeds()).collect()
}

/// A name, and what is put before an IP header, or after one.
type Way = (&'static str, fn(Craft) -> Craft);

/// A question that each kind of link, tag and tunnel carries in the seeds.
fn question(craft: Craft) -> Craft {
    craft.ipv4([192, 0, 2, 1], [198, 51, 100, 2]).udp(1000, 53).payload(b"q")
}

fn link_seeds() -> Vec<(String, Vec<u8>)> {
    let seed = |link: &LinkType| {
        let name = format!("link-{}", link.number());
        (name, input(byte_of(*link), 0, &question(Craft::link(*link)).build()))
    };
    LinkType::DECODED.iter().skip(1).map(seed).collect()
}

fn shim_seeds() -> Vec<(String, Vec<u8>)> {
    let shims: [Way; 12] = [
        ("mpls", |craft| craft.mpls([16, 17])),
        ("pseudowire", |craft| craft.mpls([16]).pseudowire(false)),
        ("pseudowire-control", |craft| craft.mpls([16]).pseudowire(true)),
        ("pppoe", |craft| craft.pppoe(9)),
        ("snap", Craft::snap),
        ("pbb", |craft| craft.pbb(77)),
        ("vntag", |craft| craft.vn_tag().vlan(3)),
        ("etag", Craft::e_tag),
        ("macsec", Craft::macsec),
        ("fabric-path", Craft::fabric_path),
        ("metadata", |craft| craft.metadata(5)),
        ("nsh", |craft| craft.nsh(3)),
    ];
    let seed =
        |(name, shim): Way| (format!("shim-{name}"), input(0, 0, &question(shim(Craft::ethernet())).build()));
    shims.into_iter().map(seed).collect()
}

fn tunnel_seeds() -> Vec<(String, Vec<u8>)> {
    let tunnels: [Way; 22] = [
        ("ip", |craft| craft),
        ("gre", |craft| craft.gre(7)),
        ("gre-ethernet", |craft| craft.gre_ethernet(None)),
        ("gre-udp", |craft| craft.udp(50_000, 4754).gre(None)),
        ("pptp", |craft| craft.pptp(9)),
        ("erspan-1", |craft| craft.erspan(1, 9)),
        ("erspan-2", |craft| craft.erspan(2, 9)),
        ("erspan-3", |craft| craft.erspan(3, 9)),
        ("vxlan", |craft| craft.vxlan(5)),
        ("vxlan-gpe-nsh", |craft| craft.vxlan_gpe(5).nsh(1)),
        ("geneve", |craft| craft.geneve(5)),
        ("geneve-ip", |craft| craft.geneve_ip(5)),
        ("gtp", |craft| craft.gtp(9)),
        ("teredo", |craft| craft.teredo_indicated().ipv6(1, 2)),
        ("l2tp", |craft| craft.l2tp(9)),
        ("capwap", Craft::capwap),
        ("capwap-80211", Craft::capwap_80211),
        ("ayiya", Craft::ayiya),
        ("mpls-ip", |craft| craft.mpls_tunnel([16])),
        ("mpls-udp", |craft| craft.udp(50_000, 6635).mpls_tunnel([16])),
        ("ether-ip", Craft::ether_ip),
        ("nested", |craft| craft.vxlan(5).vlan(3).ipv4([10; 4], [11; 4]).gre(7).ipv6(1, 2).gtp(9)),
    ];
    let carrier = || Craft::ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2]);
    let seed =
        |(name, tunnel): Way| (format!("tunnel-{name}"), input(0, 0, &question(tunnel(carrier())).build()));
    tunnels.into_iter().map(seed).collect()
}
