//! The walk from the link header to the transport header.
//!
//! What makes a packet undecodable is what a receiver would refuse it for. What
//! a receiver bears is borne here too, since refusing it would only blind us:
//! padding after the datagram, a UDP length short of it, broken TCP options, a
//! third VLAN tag (whose packet is then no IP to us), a foreign ARP.
//!
//! Straight-line code without allocation: this runs on every packet.

use super::arp::Arp;
use super::ethernet::{self, Ethernet};
use super::icmp::{self, Icmp};
use super::ipv4::{self, Ipv4};
use super::ipv6::{self, Extensions, Ipv6};
use super::null::{Family, Null};
use super::packet::{Net, Packet, Transport};
use super::sll::{Sll, Sll2};
use super::tcp::Tcp;
use super::udp::Udp;
use super::vlan::{self, Vlan, Vlans};
use super::{Layer, LinkType, Malformed, Undecodable};

/// What has not been decoded yet.
#[derive(Clone, Copy)]
struct Rest<'a> {
    bytes: &'a [u8],
    /// How many bytes these were on the wire: more where the capture cut them.
    wire_len: usize,
    /// Where they begin within the frame.
    at: u32,
}

impl<'a> Rest<'a> {
    /// Goes on to `bytes`, which are the end of these.
    #[inline]
    fn advance_to(&mut self, bytes: &'a [u8]) {
        let header_len = self.bytes.len() - bytes.len();
        self.bytes = bytes;
        self.wire_len -= header_len;
        #[expect(clippy::cast_possible_truncation, reason = "16 extension headers have 32 KiB at most")]
        {
            self.at += header_len as u32;
        }
    }

    /// Leaves out what is beyond `len`, which is at most `wire_len`.
    #[inline]
    fn trim(&mut self, len: usize) {
        self.bytes = self.bytes.get(..len).unwrap_or(self.bytes);
        self.wire_len = len;
    }

    /// Calls what is not inlined on a copy: a value whose address is given away
    /// has to live in memory from then on, also for those who never call.
    #[inline]
    fn apart<T>(&mut self, decode: impl FnOnce(&mut Self) -> T) -> T {
        let mut copy = *self;
        let outcome = decode(&mut copy);
        *self = copy;
        outcome
    }

    /// Why these do not decode, where a header of `layer` was looked for. Of a
    /// header that ends too early the capture may be the cause.
    #[cold]
    fn undecodable(self, layer: Layer, malformed: Malformed) -> Undecodable {
        let cut = self.bytes.len() < self.wire_len;
        let malformed = match malformed {
            Malformed::Truncated | Malformed::BeyondEnd if cut => Malformed::Cut,
            other => other,
        };
        Undecodable { layer, malformed }
    }
}

/// What follows the network header.
enum Upper {
    Tcp,
    Udp,
    Icmp,
    Fragment,
    Other,
    Nothing,
}

impl Packet {
    /// Decodes a frame from the link header on, as far as it makes sense.
    ///
    /// `wire_len` is how long the frame was on the wire: more than `bytes` where
    /// a capture kept only its beginning. With an error comes what was decoded
    /// before it.
    #[inline]
    pub fn decode(link: LinkType, bytes: &[u8], wire_len: u32) -> (Self, Option<Undecodable>) {
        let mut packet = Self::default();
        let undecodable = packet.decode_in_place(link, bytes, wire_len);
        (packet, undecodable)
    }

    /// As [`Packet::decode`], in a place that is there already, whatever it
    /// held: for bursts, which keep their packets and need no copy.
    #[inline(never)]
    pub fn decode_in_place(&mut self, link: LinkType, bytes: &[u8], wire_len: u32) -> Option<Undecodable> {
        let mut rest = Rest { bytes, wire_len: bytes.len().max(wire_len as usize), at: 0 };
        // Field by field: `*self = Self::default()` copies the unused bytes of the
        // enums too, at half the cost of decoding. Named all, none is forgotten.
        let Self {
            macs,
            vlans,
            ethertype,
            net,
            transport,
            net_at,
            transport_at,
            payload_at: _,
            payload_len: _,
        } = self;
        (*macs, *vlans, *ethertype) = (None, Vlans::default(), 0);
        (*net, *transport) = (Net::None, Transport::None);
        (*net_at, *transport_at) = (0, 0);
        let undecodable = self.decode_all(link, &mut rest).err();
        self.payload_at = rest.at;
        // Frames are far shorter than 4 GiB; of one that is not, the far end
        // cannot be named and is not looked at.
        self.payload_len = u32::try_from(rest.bytes.len()).unwrap_or(u32::MAX);
        undecodable
    }

    #[inline]
    fn decode_all(&mut self, link: LinkType, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        let mut ethertype = match link {
            LinkType::Ethernet => self.decode_ethernet(rest)?,
            other => rest.apart(|rest| self.decode_other_link(other, rest))?,
        };
        self.mark_net(rest);
        if vlan::is_tag(ethertype) {
            ethertype = rest.apart(|rest| self.decode_vlans(rest))?;
        }
        let upper = match ethertype {
            ethernet::IPV4 => self.decode_ipv4(rest)?,
            ethernet::IPV6 => self.decode_ipv6(rest)?,
            ethernet::ARP => return rest.apart(|rest| self.decode_arp(rest)),
            _ => return Ok(()),
        };
        match upper {
            Upper::Tcp => self.decode_tcp(rest)?,
            Upper::Udp => self.decode_udp(rest)?,
            Upper::Icmp => rest.apart(|rest| self.decode_icmp(rest))?,
            Upper::Fragment => self.transport = Transport::Fragment,
            Upper::Other => self.transport = Transport::Other,
            Upper::Nothing => {}
        }
        Ok(())
    }

    /// Gives the EtherType.
    #[inline]
    fn decode_ethernet(&mut self, rest: &mut Rest<'_>) -> Result<u16, Undecodable> {
        let (header, after) = match Ethernet::decode(rest.bytes) {
            Ok(decoded) => decoded,
            Err(why) => return Err(rest.undecodable(Layer::Ethernet, why)),
        };
        self.macs = Some((header.src, header.dst));
        self.ethertype = header.ethertype;
        rest.advance_to(after);
        Ok(header.ethertype)
    }

    /// The headers of links that only captures have, and the lack of one. Gives
    /// the EtherType, or the one that stands for what follows.
    #[inline(never)]
    fn decode_other_link(&mut self, link: LinkType, rest: &mut Rest<'_>) -> Result<u16, Undecodable> {
        match link {
            LinkType::Ethernet | LinkType::Other(_) => Ok(0),
            LinkType::RawIp => match rest.bytes.first().map(|byte| byte >> 4) {
                Some(4) => Ok(ethernet::IPV4),
                Some(6) => Ok(ethernet::IPV6),
                Some(_) => Err(rest.undecodable(Layer::Raw, Malformed::BadVersion)),
                None => Err(rest.undecodable(Layer::Raw, Malformed::Truncated)),
            },
            LinkType::Sll => {
                let (header, after) =
                    Sll::decode(rest.bytes).map_err(|why| rest.undecodable(Layer::Sll, why))?;
                rest.advance_to(after);
                self.ethertype = header.ethertype();
                Ok(self.ethertype)
            }
            LinkType::Sll2 => {
                let (header, after) =
                    Sll2::decode(rest.bytes).map_err(|why| rest.undecodable(Layer::Sll, why))?;
                rest.advance_to(after);
                self.ethertype = header.ethertype();
                Ok(self.ethertype)
            }
            LinkType::Null | LinkType::Loop => {
                let (header, after) =
                    Null::decode(rest.bytes).map_err(|why| rest.undecodable(Layer::Null, why))?;
                rest.advance_to(after);
                Ok(match header.family() {
                    Family::V4 => ethernet::IPV4,
                    Family::V6 => ethernet::IPV6,
                    Family::Other => 0,
                })
            }
        }
    }

    /// Says that the network header begins here.
    #[inline]
    fn mark_net(&mut self, rest: &Rest<'_>) {
        self.net_at = rest.at;
        self.transport_at = self.net_at;
    }

    /// Gives the EtherType after the tags.
    #[inline(never)]
    fn decode_vlans(&mut self, rest: &mut Rest<'_>) -> Result<u16, Undecodable> {
        for tci in &mut self.vlans.tci {
            let (tag, after) = Vlan::decode(rest.bytes).map_err(|why| rest.undecodable(Layer::Vlan, why))?;
            *tci = tag.tci;
            self.vlans.count += 1;
            self.ethertype = tag.ethertype;
            rest.advance_to(after);
            if !vlan::is_tag(self.ethertype) {
                break;
            }
        }
        self.mark_net(rest);
        Ok(self.ethertype)
    }

    #[inline(never)]
    fn decode_arp(&mut self, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        match Arp::decode(rest.bytes) {
            Ok((arp, after)) => {
                self.net = Net::Arp(arp);
                rest.advance_to(after);
                self.transport_at = rest.at;
                // What follows is padding, or whatever the sender left in it.
                rest.trim(0);
                Ok(())
            }
            Err(Malformed::Unsupported) => Ok(()),
            Err(why) => Err(rest.undecodable(Layer::Arp, why)),
        }
    }

    #[inline]
    fn decode_ipv4(&mut self, rest: &mut Rest<'_>) -> Result<Upper, Undecodable> {
        let (header, after) = match Ipv4::decode(rest.bytes) {
            Ok(decoded) => decoded,
            Err(why) => return Err(rest.undecodable(Layer::Ipv4, why)),
        };
        self.net = Net::V4(header);
        let payload_len = header.payload_len(rest.wire_len);
        rest.advance_to(after);
        self.transport_at = rest.at;
        rest.trim(payload_len.map_err(|malformed| Undecodable { layer: Layer::Ipv4, malformed })?);
        Ok(match header.protocol {
            _ if header.is_fragment() => Upper::Fragment,
            ipv4::TCP => Upper::Tcp,
            ipv4::UDP => Upper::Udp,
            ipv4::ICMP => Upper::Icmp,
            _ => Upper::Other,
        })
    }

    #[inline]
    fn decode_ipv6(&mut self, rest: &mut Rest<'_>) -> Result<Upper, Undecodable> {
        let (header, after) = match Ipv6::decode(rest.bytes) {
            Ok(decoded) => decoded,
            Err(why) => return Err(rest.undecodable(Layer::Ipv6, why)),
        };
        self.net = Net::V6(header);
        let payload_len = header.payload_len(rest.wire_len);
        rest.advance_to(after);
        self.transport_at = rest.at;
        rest.trim(payload_len.map_err(|malformed| Undecodable { layer: Layer::Ipv6, malformed })?);
        let mut protocol = header.protocol;
        if ipv6::is_extension(protocol) {
            match rest.apart(|rest| self.decode_extensions(rest))? {
                Some(walked) => protocol = walked,
                None => return Ok(Upper::Fragment),
            }
        }
        Ok(match protocol {
            ipv4::TCP => Upper::Tcp,
            ipv4::UDP => Upper::Udp,
            ipv6::ICMP => Upper::Icmp,
            ipv6::NO_NEXT_HEADER => Upper::Nothing,
            _ => Upper::Other,
        })
    }

    /// Walks the extension headers after the IPv6 header; on an error, `rest`
    /// begins at what is wrong. Gives the protocol after them, or none where
    /// this is but a fragment.
    #[inline(never)]
    fn decode_extensions(&mut self, rest: &mut Rest<'_>) -> Result<Option<u8>, Undecodable> {
        let Net::V6(header) = &mut self.net else { return Ok(None) };
        let mut walk = Extensions::new(header.protocol, rest.bytes);
        let mut outcome = Ok(());
        for extension in &mut walk {
            match extension {
                Ok(extension) => header.fragment = extension.fragment.or(header.fragment),
                Err(why) => outcome = Err(why),
            }
        }
        header.protocol = walk.protocol();
        rest.advance_to(walk.rest());
        self.transport_at = rest.at;
        match outcome {
            Ok(()) if header.is_fragment() => Ok(None),
            Ok(()) => Ok(Some(header.protocol)),
            Err(why) => Err(rest.undecodable(Layer::Ipv6Extension, why)),
        }
    }

    #[expect(clippy::inline_always, reason = "a call here costs a tenth of all decoding, measured")]
    #[inline(always)]
    fn decode_tcp(&mut self, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        let (header, after) = match Tcp::decode(rest.bytes) {
            Ok(decoded) => decoded,
            Err(why) => return Err(rest.undecodable(Layer::Tcp, why)),
        };
        self.transport = Transport::Tcp(header);
        rest.advance_to(after);
        Ok(())
    }

    #[expect(clippy::inline_always, reason = "a call here costs a tenth of all decoding, measured")]
    #[inline(always)]
    fn decode_udp(&mut self, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        let (header, after) = match Udp::decode(rest.bytes) {
            Ok(decoded) => decoded,
            Err(why) => return Err(rest.undecodable(Layer::Udp, why)),
        };
        let payload_len = match self.net {
            // A length of zero is IPv6's alone.
            Net::V4(_) if header.len == 0 => Err(Malformed::BadLength),
            _ => header.payload_len(rest.wire_len),
        };
        let payload_len = payload_len.map_err(|malformed| Undecodable { layer: Layer::Udp, malformed })?;
        self.transport = Transport::Udp(header);
        rest.advance_to(after);
        rest.trim(payload_len);
        Ok(())
    }

    #[inline(never)]
    fn decode_icmp(&mut self, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        let (version, layer) = match self.net {
            Net::V6(_) => (icmp::Version::V6, Layer::Icmp6),
            _ => (icmp::Version::V4, Layer::Icmp4),
        };
        let (header, after) =
            Icmp::decode(version, rest.bytes).map_err(|why| rest.undecodable(layer, why))?;
        self.transport = Transport::Icmp(header);
        rest.advance_to(after);
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::wire::Mac;
    use crate::wire::craft::Craft;
    use crate::wire::packet::Vlans;
    use crate::wire::tcp::Flags;

    const V4: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(198, 51, 100, 2));
    const V6: (Ipv6Addr, Ipv6Addr) =
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2));

    const LINKS: [(LinkType, u32); 6] = [
        (LinkType::Ethernet, 14),
        (LinkType::RawIp, 0),
        (LinkType::Sll, 16),
        (LinkType::Sll2, 20),
        (LinkType::Null, 4),
        (LinkType::Loop, 4),
    ];

    fn udp4() -> Craft {
        Craft::ethernet().ipv4(V4.0, V4.1).udp(1000, 53).payload(b"payload")
    }

    fn tcp6() -> Craft {
        Craft::ethernet().ipv6(V6.0, V6.1).tcp(1000, 80, Flags::ACK, 1, 2).payload(b"payload")
    }

    fn decode_as(link: LinkType, bytes: &[u8], wire_len: usize) -> (Packet, Option<Undecodable>) {
        let (packet, undecodable) = Packet::decode(link, bytes, u32::try_from(wire_len).unwrap());
        assert!(packet.net_at <= packet.transport_at && packet.transport_at <= packet.payload_at);
        assert!((packet.payload_at + packet.payload_len) as usize <= bytes.len());
        (packet, undecodable)
    }

    fn decode(bytes: &[u8]) -> (Packet, Option<Undecodable>) {
        decode_as(LinkType::Ethernet, bytes, bytes.len())
    }

    fn sound(bytes: &[u8]) -> Packet {
        let (packet, undecodable) = decode(bytes);
        assert_eq!(undecodable, None);
        packet
    }

    fn refused(bytes: &[u8]) -> (Layer, Malformed) {
        let undecodable = decode(bytes).1.unwrap();
        (undecodable.layer, undecodable.malformed)
    }

    fn at(packet: &Packet) -> [u32; 4] {
        [packet.net_at, packet.transport_at, packet.payload_at, packet.payload_len]
    }

    #[test]
    fn offsets_are_right_under_every_link() {
        for (link, link_len) in LINKS {
            let bytes = Craft::link(link).ipv4(V4.0, V4.1).udp(1000, 53).payload(b"payload").build();
            let (packet, undecodable) = decode_as(link, &bytes, bytes.len());
            assert_eq!(undecodable, None, "{link:?}");
            assert_eq!(at(&packet), [link_len, link_len + 20, link_len + 28, 7], "{link:?}");
            assert_eq!(packet.ports(), Some((1000, 53)), "{link:?}");

            let bytes = Craft::link(link).ipv6(V6.0, V6.1).udp(1000, 53).payload(b"payload").build();
            let (packet, undecodable) = decode_as(link, &bytes, bytes.len());
            assert_eq!(undecodable, None, "{link:?}");
            assert_eq!(at(&packet), [link_len, link_len + 40, link_len + 48, 7], "{link:?}");
            assert_eq!(packet.ip_pair(), Some((V6.0.into(), V6.1.into())), "{link:?}");
        }
    }

    #[test]
    fn reads_addresses_and_tags_of_ethernet() {
        let bytes = udp4().tag(0x88a8, 0x6005).vlan(10).build();
        let packet = sound(&bytes);
        assert_eq!(packet.macs, Some((Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]))));
        assert_eq!(packet.vlans, Vlans { count: 2, tci: [0x6005, 10] });
        assert_eq!(packet.vlan_ids().collect::<Vec<_>>(), [5, 10]);
        assert_eq!(packet.ethertype, 0x0800);
        assert_eq!(at(&packet), [22, 42, 50, 7]);
    }

    #[test]
    fn a_third_tag_is_no_error_and_no_ip() {
        let packet = sound(&udp4().vlan(1).vlan(2).vlan(3).build());
        assert_eq!((packet.net, packet.vlans.count, packet.ethertype), (Net::None, 2, 0x8100));
        assert_eq!(packet.net_at, 22);
    }

    #[test]
    fn what_a_place_held_before_leaves_no_trace() {
        let arp = Arp { operation: 1, sender: (Mac::default(), V4.0), target: (Mac::default(), V4.1) };
        let frames = [
            udp4().vlan(1).vlan(2).build(),
            tcp6().fragment(9, 1, false).build(),
            Craft::ethernet().arp(arp).build(),
            tcp6().build(),
            Vec::new(),
        ];
        let mut place = Packet::default();
        for before in &frames {
            for bytes in frames.iter().flat_map(|frame| [&frame[..], &frame[..frame.len() / 2]]) {
                let wire_len = u32::try_from(bytes.len()).unwrap();
                place.decode_in_place(LinkType::Ethernet, before, 0);
                let undecodable = place.decode_in_place(LinkType::Ethernet, bytes, wire_len);
                assert_eq!((place, undecodable), decode(bytes));
            }
        }
    }

    #[test]
    fn an_802_3_frame_is_not_ip() {
        let packet = sound(&Craft::ethernet().ethertype(38).payload(&[0x42; 46]).build());
        assert_eq!((packet.net, packet.ethertype, at(&packet)), (Net::None, 38, [14, 14, 14, 46]));
    }

    #[test]
    fn an_unknown_link_decodes_to_nothing() {
        let (packet, undecodable) = decode_as(LinkType::Other(147), &[1, 2, 3], 3);
        assert_eq!((packet.net, undecodable, at(&packet)), (Net::None, None, [0, 0, 0, 3]));
    }

    #[test]
    fn arp_is_decoded_and_foreign_arp_is_let_be() {
        let mine = (Mac([2; 6]), V4.0);
        let arp = Arp { operation: 1, sender: mine, target: (Mac::default(), V4.1) };
        let mut bytes = Craft::ethernet().arp(arp).padded().build();
        let packet = sound(&bytes);
        assert_eq!((packet.net, at(&packet)), (Net::Arp(arp), [14, 42, 42, 0]));
        bytes[15] = 6;
        assert_eq!(sound(&bytes).net, Net::None);
        bytes[15] = 1;
        bytes[18] = 8;
        assert_eq!(refused(&bytes), (Layer::Arp, Malformed::BadLength));
    }

    #[test]
    fn padding_is_not_payload() {
        let bytes = udp4().padded().build();
        assert_eq!((bytes.len(), at(&sound(&bytes))), (60, [14, 34, 42, 7]));
        let mut bytes = Craft::ethernet().ipv6(V6.0, V6.1).udp(1, 2).build();
        bytes.extend([0; 9]);
        assert_eq!(at(&sound(&bytes)), [14, 54, 62, 0]);
    }

    #[test]
    fn a_udp_length_short_of_the_datagram_ends_the_payload() {
        let mut bytes = udp4().build();
        bytes[39] = 8 + 3;
        let packet = sound(&bytes);
        assert_eq!(packet.payload(&bytes), b"pay");
    }

    #[test]
    fn a_cut_capture_decodes_as_far_as_it_goes() {
        let whole = tcp6().build();
        for len in 0..whole.len() {
            let (packet, undecodable) = decode_as(LinkType::Ethernet, &whole[..len], whole.len());
            let layer = match len {
                0..14 => Some(Layer::Ethernet),
                14..54 => Some(Layer::Ipv6),
                54..74 => Some(Layer::Tcp),
                _ => None,
            };
            let cut = layer.map(|layer| Undecodable { layer, malformed: Malformed::Cut });
            assert_eq!(undecodable, cut, "{len} bytes");
            assert_eq!(packet.is_ip(), len >= 54);
            if len >= 74 {
                assert_eq!(packet.payload_len as usize, len - 74);
            }
        }
    }

    #[test]
    fn refuses_every_truncation_and_gives_what_came_before() {
        for whole in [udp4().build(), tcp6().build(), udp4().vlan(7).build()] {
            for len in 0..whole.len() {
                let (packet, undecodable) = decode(&whole[..len]);
                let why = undecodable.unwrap();
                let lengths = [Malformed::Truncated, Malformed::BeyondEnd];
                assert!(lengths.contains(&why.malformed), "{len} bytes: {why}");
                assert_eq!(packet.macs.is_some(), len >= 14);
                assert_eq!(packet.transport, Transport::None);
            }
        }
        let (packet, why) = decode(&udp4().build()[..40]);
        assert_eq!(packet.ip_pair(), Some((V4.0.into(), V4.1.into())));
        assert_eq!(why, Some(Undecodable { layer: Layer::Ipv4, malformed: Malformed::BeyondEnd }));
    }

    #[test]
    fn says_which_header_lies_and_how() {
        let with = |bytes: Vec<u8>, changes: &[(usize, u8)]| {
            let mut bytes = bytes;
            for &(at, value) in changes {
                bytes[at] = value;
            }
            refused(&bytes)
        };
        let (udp, tcp) = (udp4().build(), tcp6().build());
        let echo = Craft::ethernet().ipv4(V4.0, V4.1).echo_request(1, 1).build();
        let echo6 = Craft::ethernet().ipv6(V6.0, V6.1).echo_request(1, 1).build();
        assert_eq!(with(udp.clone(), &[(14, 0x65)]), (Layer::Ipv4, Malformed::BadVersion));
        assert_eq!(with(udp.clone(), &[(14, 0x44)]), (Layer::Ipv4, Malformed::BadHeaderLength));
        assert_eq!(with(udp.clone(), &[(17, 19)]), (Layer::Ipv4, Malformed::BadLength));
        assert_eq!(with(udp.clone(), &[(17, 0)]), (Layer::Ipv4, Malformed::BadLength));
        assert_eq!(with(udp.clone(), &[(16, 9)]), (Layer::Ipv4, Malformed::BeyondEnd));
        assert_eq!(with(udp.clone(), &[(17, 27)]), (Layer::Udp, Malformed::Truncated));
        assert_eq!(with(udp.clone(), &[(39, 7)]), (Layer::Udp, Malformed::BadLength));
        assert_eq!(with(udp.clone(), &[(39, 0)]), (Layer::Udp, Malformed::BadLength));
        assert_eq!(with(udp, &[(39, 16)]), (Layer::Udp, Malformed::BeyondEnd));
        assert_eq!(with(tcp.clone(), &[(14, 0x40)]), (Layer::Ipv6, Malformed::BadVersion));
        assert_eq!(with(tcp.clone(), &[(18, 9)]), (Layer::Ipv6, Malformed::BeyondEnd));
        assert_eq!(with(tcp.clone(), &[(19, 19)]), (Layer::Tcp, Malformed::Truncated));
        assert_eq!(with(tcp.clone(), &[(66, 0x40)]), (Layer::Tcp, Malformed::BadHeaderLength));
        assert_eq!(with(tcp, &[(66, 0xf0)]), (Layer::Tcp, Malformed::BeyondEnd));
        assert_eq!(with(echo, &[(17, 27)]), (Layer::Icmp4, Malformed::Truncated));
        assert_eq!(with(echo6, &[(19, 7)]), (Layer::Icmp6, Malformed::Truncated));
        let raw = decode_as(LinkType::RawIp, &[0x50], 1).1.unwrap();
        assert_eq!((raw.layer, raw.malformed), (Layer::Raw, Malformed::BadVersion));
    }

    #[test]
    fn a_length_of_zero_is_to_the_end_of_a_long_frame() {
        let bytes =
            Craft::ethernet().ipv4(V4.0, V4.1).tcp(1, 2, Flags::ACK, 0, 0).payload(&vec![1; 66_000]).build();
        assert_eq!(bytes[16..18], [0, 0]);
        assert_eq!(sound(&bytes).payload_len, 66_000);
        let bytes = Craft::ethernet().ipv6(V6.0, V6.1).udp(1, 2).payload(&vec![1; 66_000]).build();
        assert_eq!(bytes[18..20], [0, 0]);
        assert_eq!(sound(&bytes).payload_len, 66_000);
    }

    #[test]
    fn walks_through_extension_headers() {
        let bytes = Craft::ethernet()
            .ipv6(V6.0, V6.1)
            .extension(ipv6::HOP_BY_HOP, &[0, 0, 1, 4, 0, 0, 0, 0])
            .extension(ipv6::ROUTING, &[0; 8])
            .extension(ipv6::DESTINATION, &[0, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            .fragment(7, 0, false)
            .udp(1000, 53)
            .payload(b"payload")
            .build();
        let packet = sound(&bytes);
        assert_eq!(packet.protocol(), Some(17));
        assert_eq!(packet.ports(), Some((1000, 53)));
        assert_eq!(at(&packet), [14, 94, 102, 7]);
    }

    #[test]
    fn a_broken_extension_header_is_named_and_stopped_at() {
        let mut bytes = Craft::ethernet()
            .ipv6(V6.0, V6.1)
            .extension(ipv6::HOP_BY_HOP, &[0, 0, 1, 4, 0, 0, 0, 0])
            .extension(ipv6::DESTINATION, &[0, 0, 1, 4, 0, 0, 0, 0])
            .udp(1, 2)
            .build();
        bytes[63] = 2;
        let (packet, undecodable) = decode(&bytes);
        let why = Undecodable { layer: Layer::Ipv6Extension, malformed: Malformed::BeyondEnd };
        assert_eq!(undecodable, Some(why));
        assert_eq!((packet.protocol(), at(&packet)), (Some(ipv6::DESTINATION), [14, 62, 62, 16]));
        let (_, undecodable) = decode_as(LinkType::Ethernet, &bytes[..70], bytes.len());
        assert_eq!(undecodable, Some(Undecodable { malformed: Malformed::Cut, ..why }));
    }

    #[test]
    fn fragments_have_no_transport_of_their_own() {
        for (offset, more) in [(0, true), (5, false)] {
            let packet = sound(&udp4().fragment(9, offset, more).build());
            assert_eq!((packet.transport, at(&packet)), (Transport::Fragment, [14, 34, 34, 15]));
            let packet = sound(&tcp6().fragment(9, offset, more).build());
            assert_eq!((packet.transport, at(&packet)), (Transport::Fragment, [14, 62, 62, 27]));
            assert_eq!(packet.protocol(), Some(6));
        }
        assert_eq!(sound(&tcp6().fragment(9, 0, false).build()).ports(), Some((1000, 80)));
    }

    #[test]
    fn other_protocols_are_named_and_no_next_header_is_none() {
        let packet = sound(&Craft::ethernet().ipv4(V4.0, V4.1).protocol(47).payload(b"gre").build());
        assert_eq!(
            (packet.transport, packet.protocol(), packet.payload_len),
            (Transport::Other, Some(47), 3)
        );
        let packet = sound(&Craft::ethernet().ipv6(V6.0, V6.1).protocol(50).payload(b"esp").build());
        assert_eq!((packet.transport, packet.protocol()), (Transport::Other, Some(50)));
        let packet = sound(&Craft::ethernet().ipv6(V6.0, V6.1).build());
        assert_eq!((packet.transport, packet.protocol()), (Transport::None, Some(59)));
        // Each ICMP has its own IP.
        let packet = sound(&Craft::ethernet().ipv4(V4.0, V4.1).protocol(58).payload(&[128; 8]).build());
        assert_eq!(packet.transport, Transport::Other);
    }
}
