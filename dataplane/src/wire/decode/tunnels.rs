//! What follows the IP header and is neither TCP, UDP nor ICMP; and the packets
//! within packets, over IP and over UDP.

use super::shims::next_protocol;
use super::{Next, Rest, Upper};
use crate::wire::esp::{self, Esp};
use crate::wire::ethernet;
use crate::wire::ipv4;
use crate::wire::ipv6::{self, Extensions};
use crate::wire::link::cisco::MetaData;
use crate::wire::link::ieee80211::Ieee80211;
use crate::wire::packet::{Net, Packet, Transport};
use crate::wire::sctp::{self, Sctp};
use crate::wire::tunnel::ayiya::Ayiya;
use crate::wire::tunnel::capwap::{Capwap, Frame};
use crate::wire::tunnel::erspan::{self, Erspan};
use crate::wire::tunnel::geneve::Geneve;
use crate::wire::tunnel::gre::Gre;
use crate::wire::tunnel::gtp::{self, Gtp};
use crate::wire::tunnel::l2tp::L2tp;
use crate::wire::tunnel::teredo::Teredo;
use crate::wire::tunnel::vxlan::Vxlan;
use crate::wire::tunnel::{self, OverUdp, Tunnel};
use crate::wire::{Layer, Malformed, Undecodable};

/// What Aruba's access points send 802.11 frames under, within GRE.
const ARUBA: std::ops::RangeInclusive<u16> = 0x8200..=0x8370;
/// The same, of another of their modes.
const ARUBA_OTHER: u16 = 0x9000;

/// A tunnel's header that was found sound, and what follows it.
struct Inside {
    kind: Tunnel,
    /// The number of the network, where it has one.
    network: u32,
    next: Next,
}

impl Inside {
    const fn of(kind: Tunnel, next: Next) -> Self {
        Self { kind, network: 0, next }
    }
}

/// A tunnel's header, stepped over; `None` where it is sound but carries
/// nothing to look into.
type Opened = Result<Option<Inside>, Undecodable>;

impl Packet {
    /// What follows the IP header where it is not one of the usual three.
    #[cold]
    #[inline(never)]
    pub(super) fn decode_other(&mut self, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        if self.protocol() == Some(ipv6::AUTHENTICATION) {
            let upper = self.decode_authentication(rest)?;
            return self.decode_upper(upper, rest);
        }
        let is_tunnel = match self.protocol().unwrap_or_default() {
            sctp::PROTOCOL => {
                self.transport = Transport::Sctp(rest.step(Layer::Sctp, Sctp::decode)?);
                return Ok(());
            }
            esp::PROTOCOL => {
                self.transport = Transport::Esp(rest.step(Layer::Esp, Esp::decode)?);
                return Ok(());
            }
            tunnel::PROTOCOL_IPV4 => {
                self.look_into(rest, |_, _| Ok(Some(Inside::of(Tunnel::Ip, Next::Type(ethernet::IPV4)))))?
            }
            tunnel::PROTOCOL_IPV6 => {
                self.look_into(rest, |_, _| Ok(Some(Inside::of(Tunnel::Ip, Next::Type(ethernet::IPV6)))))?
            }
            tunnel::PROTOCOL_GRE => self.look_into(rest, Self::open_gre)?,
            tunnel::PROTOCOL_MPLS => {
                self.look_into(rest, |_, _| Ok(Some(Inside::of(Tunnel::Mpls, Next::Type(ethernet::MPLS)))))?
            }
            tunnel::PROTOCOL_ETHERNET => {
                self.look_into(rest, |_, _| Ok(Some(Inside::of(Tunnel::Ethernet, Next::Ethernet))))?
            }
            tunnel::PROTOCOL_ETHER_IP => self.look_into(rest, |_, rest| {
                if rest.bytes.first().is_some_and(|version| version >> 4 != 3) {
                    return Err(rest.undecodable(Layer::EtherIp, Malformed::BadVersion));
                }
                rest.skip(2, Layer::EtherIp)?;
                Ok(Some(Inside::of(Tunnel::Ethernet, Next::Ethernet)))
            })?,
            _ => false,
        };
        if !is_tunnel {
            self.transport = Transport::Other;
        }
        Ok(())
    }

    /// The authentication headers after an IPv4 header; gives what follows.
    fn decode_authentication(&mut self, rest: &mut Rest<'_>) -> Result<Upper, Undecodable> {
        let mut walk = Extensions::new(ipv6::AUTHENTICATION, rest.bytes);
        let mut outcome = Ok(());
        while walk.protocol() == ipv6::AUTHENTICATION && outcome.is_ok() {
            outcome = walk.next().unwrap_or(Err(Malformed::TooDeep)).map(|_| ());
        }
        rest.advance_to(walk.rest());
        self.transport_at = rest.at;
        if let Net::V4(header) = &mut self.net {
            header.protocol = walk.protocol();
        }
        outcome.map_err(|why| rest.undecodable(Layer::Authentication, why))?;
        Ok(match walk.protocol() {
            ipv4::TCP => Upper::Tcp,
            ipv4::UDP => Upper::Udp,
            ipv4::ICMP => Upper::Icmp,
            _ => Upper::Other,
        })
    }

    /// Decodes what is within a tunnel, whose header `open` steps over.
    ///
    /// `false` where there is nothing that we decode: the packet and the rest
    /// are then as they were. With an error, the packet is the innermost whose
    /// network header could be read.
    fn look_into(
        &mut self,
        rest: &mut Rest<'_>,
        open: impl FnOnce(&mut Self, &mut Rest<'_>) -> Opened,
    ) -> Result<bool, Undecodable> {
        if self.tunnels.depth() >= usize::from(rest.follow) {
            return Ok(false);
        }
        let (carrier, before) = (*self, *rest);
        let outcome = self.decode_inside(rest, open);
        if self.tunnels.depth() > carrier.tunnels.depth() && self.net != Net::None {
            return outcome.map(|()| true);
        }
        *self = carrier;
        outcome?;
        *rest = before;
        Ok(false)
    }

    fn decode_inside(
        &mut self,
        rest: &mut Rest<'_>,
        open: impl FnOnce(&mut Self, &mut Rest<'_>) -> Opened,
    ) -> Result<(), Undecodable> {
        let Some(Inside { kind, network, next }) = open(self, rest)? else { return Ok(()) };
        self.tunnels
            .push(kind, self.net_at, network)
            .map_err(|malformed| Undecodable { layer: Layer::Tunnel, malformed })?;
        (self.net, self.transport) = (Net::None, Transport::None);
        rest.inherits = true;
        self.decode_from(next, rest)
    }

    /// Looks into a datagram between the ports of a tunnel. Whatever is wrong
    /// with it before its network header was found sound, it is plain UDP then.
    #[cold]
    #[inline(never)]
    pub(super) fn decode_udp_tunnel(
        &mut self,
        ports: (u16, u16),
        rest: &mut Rest<'_>,
    ) -> Result<(), Undecodable> {
        let Some(over_udp) = tunnel::over_udp(ports) else { return Ok(()) };
        let (carrier, before) = (*self, *rest);
        let Err(why) = self.look_into(rest, |packet, rest| packet.open_over_udp(over_udp, rest)) else {
            return Ok(());
        };
        let too_deep = Undecodable { layer: Layer::Tunnel, malformed: Malformed::TooDeep };
        if rest.networks == before.networks && why != too_deep {
            (*self, *rest) = (carrier, before);
            return Ok(());
        }
        if let Transport::Udp(_) = self.transport {
            self.transport = Transport::None;
        }
        Err(why)
    }

    fn open_over_udp(&mut self, over_udp: OverUdp, rest: &mut Rest<'_>) -> Opened {
        match over_udp {
            OverUdp::Vxlan => {
                // Some send the extension to the port of the plain header.
                let decode = |bytes| Vxlan::decode(bytes).or_else(|_| Vxlan::decode_extended(bytes));
                Ok(Some(after_vxlan(rest.step(Layer::Vxlan, decode)?)))
            }
            OverUdp::VxlanGpe => Ok(Some(after_vxlan(rest.step(Layer::Vxlan, Vxlan::decode_extended)?))),
            OverUdp::Geneve => {
                let header = rest.step(Layer::Geneve, Geneve::decode)?;
                let next = self.read(header.protocol);
                Ok((!header.control).then_some(Inside {
                    kind: Tunnel::Geneve,
                    network: header.network,
                    next,
                }))
            }
            OverUdp::GtpU => {
                let header = rest.step(Layer::GtpU, Gtp::decode)?;
                rest.trim_by(header.payload_len(rest.wire_len), Layer::GtpU)?;
                Ok((header.kind == gtp::PACKET).then_some(Inside::of(Tunnel::GtpU, Next::Ip)))
            }
            OverUdp::Teredo => {
                rest.step(Layer::Teredo, Teredo::decode)?;
                Ok(Some(Inside::of(Tunnel::Teredo, Next::Type(ethernet::IPV6))))
            }
            OverUdp::L2tp => {
                let datagram_len = rest.wire_len;
                let header = rest.step(Layer::L2tp, L2tp::decode)?;
                if let Some(len) = header.len {
                    let header_len = datagram_len - rest.wire_len;
                    // It was seen to be no less.
                    rest.trim_to(usize::from(len).saturating_sub(header_len), Layer::L2tp)?;
                }
                Ok((!header.control).then_some(Inside::of(Tunnel::L2tp, Next::Ppp)))
            }
            OverUdp::Capwap => self.open_capwap(rest),
            OverUdp::Ayiya => {
                let header = rest.step(Layer::Ayiya, Ayiya::decode)?;
                let next = match header.next {
                    tunnel::PROTOCOL_IPV4 => Next::Type(ethernet::IPV4),
                    tunnel::PROTOCOL_IPV6 => Next::Type(ethernet::IPV6),
                    _ => Next::Nothing,
                };
                Ok(header.forward.then_some(Inside::of(Tunnel::Ayiya, next)))
            }
            OverUdp::Gre => self.open_gre(rest),
            OverUdp::Mpls => Ok(Some(Inside::of(Tunnel::Mpls, Next::Type(ethernet::MPLS)))),
        }
    }

    fn open_capwap(&mut self, rest: &mut Rest<'_>) -> Opened {
        let next = match rest.step(Layer::Capwap, Capwap::decode)?.frame {
            Frame::Opaque => return Ok(None),
            Frame::Ethernet => Next::Ethernet,
            Frame::Ieee80211 => {
                let frame = rest.step(Layer::Ieee80211, Ieee80211::decode_either_way)?;
                self.after_80211(frame, rest)?
            }
        };
        Ok(Some(Inside::of(Tunnel::Capwap, next)))
    }

    fn open_gre(&mut self, rest: &mut Rest<'_>) -> Opened {
        let header = rest.step(Layer::Gre, Gre::decode)?;
        rest.trim_by(header.payload_len(rest.wire_len), Layer::Gre)?;
        let inside = match header.protocol {
            _ if header.version == 1 && header.sequence.is_none() => return Ok(None),
            ethernet::ERSPAN if header.sequence.is_none() => Inside::of(Tunnel::Erspan, Next::Ethernet),
            ethernet::ERSPAN => {
                rest.step(Layer::Erspan, Erspan::decode_2)?;
                Inside::of(Tunnel::Erspan, Next::Ethernet)
            }
            ethernet::ERSPAN_3 => {
                let next = match rest.step(Layer::Erspan, Erspan::decode_3)?.frame {
                    erspan::ETHERNET => Next::Ethernet,
                    erspan::IP => Next::Ip,
                    _ => Next::Nothing,
                };
                Inside::of(Tunnel::Erspan, next)
            }
            ethernet::CISCO_METADATA => {
                let header = rest.step(Layer::MetaData, MetaData::decode_typed)?;
                Inside::of(Tunnel::Gre, self.read(header.ethertype))
            }
            ethernet::WCCP => {
                // Version 2 has a header of four bytes, version 1 none.
                if rest.bytes.first().is_some_and(|first| first >> 4 != 4) {
                    rest.skip(4, Layer::Gre)?;
                }
                Inside::of(Tunnel::Gre, Next::Type(ethernet::IPV4))
            }
            aruba if ARUBA.contains(&aruba) || aruba == ARUBA_OTHER => {
                // Numbers that were never given out: what is not as expected may
                // be anybody's.
                if Ieee80211::decode(rest.bytes).is_err() {
                    return Ok(None);
                }
                Inside::of(Tunnel::Gre, Next::Ieee80211(1))
            }
            ..ethernet::TYPE_MIN => return Ok(None),
            other => Inside::of(Tunnel::Gre, self.read(other)),
        };
        Ok(Some(inside))
    }
}

fn after_vxlan(header: Vxlan) -> Inside {
    let next = header.next.map_or(Next::Ethernet, next_protocol);
    Inside { kind: Tunnel::Vxlan, network: header.network, next }
}
