//! The walk from the link header to the transport header.
//!
//! What makes a packet undecodable is what a receiver would refuse it for. What
//! a receiver bears is borne here too, since refusing it would only blind us:
//! padding after the datagram, a UDP length short of it, broken TCP options, a
//! fourth VLAN tag (whose packet is then no IP to us), a foreign ARP.
//!
//! Here is what every packet takes: Ethernet, IP, TCP or UDP, in straight-line
//! code. What few take is called, and kept cold: [`links`] and [`shims`] before
//! the network header, [`tunnels`] after it, from which the walk begins again.

mod links;
mod rest;
mod shims;
mod tunnels;

use super::arp::Arp;
use super::ethernet::{self, Ethernet};
use super::icmp::{self, Icmp};
use super::ipv4::{self, Ipv4};
use super::ipv6::{self, Extensions, Ipv6};
use super::packet::{Net, Packet, Transport};
use super::tcp::Tcp;
use super::tunnel::{self, Tunnels};
use super::udp::Udp;
use super::vlan::{self, Vlan, Vlans};
use super::{Layer, LinkType, Malformed, Undecodable};
use rest::Rest;

/// What a header before the network header says that follows it.
#[derive(Clone, Copy)]
enum Next {
    /// A packet of this link type.
    Link(LinkType),
    /// What this EtherType announces.
    Type(u16),
    /// An Ethernet header within something else.
    Ethernet,
    /// IPv4 or IPv6, as the first nibble says.
    Ip,
    /// PPP.
    Ppp,
    /// PPP, or Cisco HDLC.
    PppOrHdlc,
    /// `PPPoE`.
    Pppoe,
    /// Cisco HDLC.
    Hdlc,
    /// Frame relay.
    FrameRelay,
    /// LLC.
    Llc,
    /// 802.11, with its header filled up to a multiple of so many bytes.
    Ieee80211(usize),
    /// Nothing that is decoded.
    Nothing,
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
        let mut rest = Rest::new(bytes, wire_len);
        // Field by field: `*self = Self::default()` copies the unused bytes of the
        // enums too, at half the cost of decoding. Named all, none is forgotten.
        let Self {
            macs,
            vlans,
            ethertype,
            tunnels,
            net,
            transport,
            net_at,
            transport_at,
            payload_at: _,
            payload_len: _,
        } = self;
        (*macs, *vlans, *ethertype) = (None, Vlans::default(), 0);
        *tunnels = Tunnels::default();
        (*net, *transport) = (Net::None, Transport::None);
        (*net_at, *transport_at) = (0, 0);
        let undecodable = self.decode_all(link, &mut rest).err();
        self.end_at(&rest);
        undecodable
    }

    /// See [`Packet::outer`].
    #[cold]
    pub(super) fn decode_outer(link: LinkType, bytes: &[u8], wire_len: u32, index: usize) -> Self {
        let mut packet = Self::default();
        let mut rest = Rest::new(bytes, wire_len);
        rest.follow = u8::try_from(index).unwrap_or(u8::MAX);
        // What does not decode lies further within.
        let _ = packet.decode_from(Next::Link(link), &mut rest);
        packet.end_at(&rest);
        packet
    }

    /// Says that the payload is what is left.
    #[inline]
    fn end_at(&mut self, rest: &Rest<'_>) {
        self.payload_at = rest.at;
        // Frames are far shorter than 4 GiB; of one that is not, the far end
        // cannot be named and is not looked at.
        self.payload_len = u32::try_from(rest.bytes.len()).unwrap_or(u32::MAX);
    }

    #[inline]
    fn decode_all(&mut self, link: LinkType, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        let mut ethertype = match link {
            LinkType::Ethernet => self.decode_ethernet(rest)?,
            other => rest.apart(|rest| self.decode_between(Next::Link(other), rest))?,
        };
        self.mark_net(rest);
        let is_ip = |ethertype| matches!(ethertype, ethernet::IPV4 | ethernet::IPV6);
        if !is_ip(ethertype) {
            if vlan::is_tag(ethertype) {
                ethertype = rest.apart(|rest| self.decode_vlans(rest))?;
            }
            if !is_ip(ethertype) {
                ethertype = rest.apart(|rest| self.decode_between(Next::Type(ethertype), rest))?;
            }
        }
        self.decode_network(ethertype, rest)
    }

    /// As [`Packet::decode_all`], from anything on: for what is within something
    /// else.
    #[cold]
    #[inline(never)]
    fn decode_from(&mut self, next: Next, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        let ethertype = self.decode_between(next, rest)?;
        self.decode_network(ethertype, rest)
    }

    #[expect(clippy::inline_always, reason = "a call here costs a tenth of all decoding, measured")]
    #[inline(always)]
    fn decode_network(&mut self, ethertype: u16, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        let upper = match ethertype {
            ethernet::IPV4 => self.decode_ipv4(rest)?,
            ethernet::IPV6 => self.decode_ipv6(rest)?,
            ethernet::ARP => return rest.apart(|rest| self.decode_arp(rest)),
            _ => return Ok(()),
        };
        self.decode_upper(upper, rest)
    }

    #[expect(clippy::inline_always, reason = "a call here costs a tenth of all decoding, measured")]
    #[inline(always)]
    fn decode_upper(&mut self, upper: Upper, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        match upper {
            Upper::Tcp => self.decode_tcp(rest)?,
            Upper::Udp => {
                let ports = self.decode_udp(rest)?;
                if tunnel::may_be_over_udp(ports) {
                    rest.apart(|rest| self.decode_udp_tunnel(ports, rest))?;
                }
            }
            Upper::Icmp => rest.apart(|rest| self.decode_icmp(rest))?,
            Upper::Fragment => self.transport = Transport::Fragment,
            Upper::Other => rest.apart(|rest| self.decode_other(rest))?,
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
                rest.networks += 1;
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

    #[expect(clippy::inline_always, reason = "a call here costs a tenth of all decoding, measured")]
    #[inline(always)]
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
        rest.networks += 1;
        Ok(match header.protocol {
            _ if header.is_fragment() => Upper::Fragment,
            ipv4::TCP => Upper::Tcp,
            ipv4::UDP => Upper::Udp,
            ipv4::ICMP => Upper::Icmp,
            _ => Upper::Other,
        })
    }

    #[expect(clippy::inline_always, reason = "a call here costs a tenth of all decoding, measured")]
    #[inline(always)]
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
        rest.networks += 1;
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

    /// Gives the ports.
    #[expect(clippy::inline_always, reason = "a call here costs a tenth of all decoding, measured")]
    #[inline(always)]
    fn decode_udp(&mut self, rest: &mut Rest<'_>) -> Result<(u16, u16), Undecodable> {
        let (header, after) = match Udp::decode(rest.bytes) {
            Ok(decoded) => decoded,
            Err(why) => return Err(rest.undecodable(Layer::Udp, why)),
        };
        let payload_len = match self.net {
            // A length of zero is IPv6's alone, but for datagrams that exceed what
            // IPv4 can say as well.
            Net::V4(ip) if header.len == 0 && ip.total_len != 0 => Err(Malformed::BadLength),
            _ => header.payload_len(rest.wire_len),
        };
        let payload_len = payload_len.map_err(|malformed| Undecodable { layer: Layer::Udp, malformed })?;
        self.transport = Transport::Udp(header);
        rest.advance_to(after);
        rest.trim(payload_len);
        Ok((header.src_port, header.dst_port))
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
mod nested_tests;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where an expectation fails")]
mod tests;
