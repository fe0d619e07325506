//! The headers that packets begin with where the link is not Ethernet: links
//! that only captures have, and the lack of a link.

use super::{Next, Rest};
use crate::wire::link::arcnet::Arcnet;
use crate::wire::link::capture::{self, Begins};
use crate::wire::link::dsa::TAG_LEN;
use crate::wire::link::hdlc;
use crate::wire::link::ieee80211::{Body, Ieee80211, SUBFRAME_LEN, Subframe};
use crate::wire::link::llc;
use crate::wire::link::radio::{CHECK_LEN, CHECKED, DAMAGED, PADDED, Ppi, Radio};
use crate::wire::link::ring::Ring;
use crate::wire::null::{Family, Null};
use crate::wire::packet::Packet;
use crate::wire::sll::{Sll, Sll2};
use crate::wire::{Layer, LinkType, Mac, Malformed, Undecodable, ethernet};

/// Linux's numbers for devices whose packets are 802.11: bare, behind Prism,
/// behind radiotap.
const DEVICE_80211: u16 = 801;
const DEVICE_PRISM: u16 = 802;
const DEVICE_RADIOTAP: u16 = 803;

/// Length of what captures write before a packet of SLIP, in bytes.
const SLIP_LEN: usize = 16;

/// `SunATM`: LLC follows.
const SUNATM_LLC: u8 = 2;

/// What Linux has in place of an EtherType for LLC.
const PROTOCOL_LLC: u16 = 4;

impl Packet {
    /// The header of a link; gives what follows it.
    pub(super) fn decode_link(&mut self, link: LinkType, rest: &mut Rest<'_>) -> Result<Next, Undecodable> {
        match link {
            LinkType::Ethernet => self.decode_ethernet(rest).map(Next::Type),
            // Classical IP over ATM goes with LLC, or without.
            LinkType::AtmClip if rest.bytes.starts_with(&[llc::SNAP]) => Ok(Next::Llc),
            LinkType::RawIp | LinkType::AtmClip => Ok(Next::Ip),
            LinkType::Sll => {
                let header = rest.step(Layer::Sll, Sll::decode)?;
                Ok(self.after_cooked(header.device_type, header.protocol, header.ethertype()))
            }
            LinkType::Sll2 => {
                let header = rest.step(Layer::Sll, Sll2::decode)?;
                Ok(self.after_cooked(header.device_type, header.protocol, header.ethertype()))
            }
            LinkType::Null | LinkType::Loop => Ok(match rest.step(Layer::Null, Null::decode)?.family() {
                Family::V4 => Next::Type(ethernet::IPV4),
                Family::V6 => Next::Type(ethernet::IPV6),
                Family::Other => Next::Nothing,
            }),
            LinkType::Ppp | LinkType::PppHdlc => Ok(Next::PppOrHdlc),
            LinkType::PppEther => Ok(Next::Pppoe),
            LinkType::PppPppd => {
                rest.skip(1, Layer::Ppp)?;
                // The control byte that belongs to the address that is not there.
                if rest.bytes.first() == Some(&crate::wire::link::ppp::UNNUMBERED) {
                    rest.skip(1, Layer::Ppp)?;
                }
                Ok(Next::Ppp)
            }
            LinkType::PppDirected => rest.skip(1, Layer::Ppp).map(|()| Next::PppOrHdlc),
            LinkType::Hdlc => Ok(Next::Hdlc),
            LinkType::HdlcDirected => rest.skip(1, Layer::Hdlc).map(|()| Next::Hdlc),
            LinkType::FrameRelay => Ok(Next::FrameRelay),
            LinkType::FrameRelayDirected => rest.skip(1, Layer::FrameRelay).map(|()| Next::FrameRelay),
            LinkType::AtmLlc => Ok(Next::Llc),
            LinkType::TokenRing => {
                rest.step(Layer::Ring, Ring::decode_token_ring).map(|ring| self.after_ring(ring))
            }
            LinkType::Fddi => rest.step(Layer::Ring, Ring::decode_fddi).map(|ring| self.after_ring(ring)),
            LinkType::Ieee80211 => Ok(Next::Ieee80211(1)),
            LinkType::Radiotap => {
                rest.step(Layer::Radio, Radio::decode_radiotap).map(|radio| after_radio(radio, rest))
            }
            LinkType::Prism => {
                rest.step(Layer::Radio, Radio::decode_prism).map(|radio| after_radio(radio, rest))
            }
            LinkType::Avs => rest.step(Layer::Radio, Radio::decode_avs).map(|radio| after_radio(radio, rest)),
            LinkType::Ppi => {
                let Ppi { len, link, flags } = rest.step(Layer::Radio, Ppi::decode)?;
                let radio = after_radio(Radio { len: len.into(), flags }, rest);
                Ok(match link_of(link) {
                    Next::Link(LinkType::Ieee80211) => radio,
                    other => other,
                })
            }
            LinkType::Nflog => rest.step_capture(capture::nflog),
            LinkType::Pktap => rest.step_capture(capture::pktap),
            LinkType::IpNet => rest.step_capture(capture::ipnet),
            LinkType::Enc => rest.step_capture(capture::enc),
            LinkType::Pflog => rest.step_capture(capture::pflog),
            LinkType::JuniperEthernet => rest.step_capture(capture::juniper_ethernet),
            LinkType::NetAnalyzer => rest.skip(4, Layer::Capture).map(|()| Next::Link(LinkType::Ethernet)),
            LinkType::Firewire => {
                rest.skip(16, Layer::Capture)?;
                let ethertype = rest.step(Layer::Capture, ethertype)?;
                Ok(self.read(ethertype))
            }
            LinkType::Slip => rest.skip(SLIP_LEN, Layer::Capture).map(|()| Next::Ip),
            LinkType::SunAtm => {
                let kind = rest.bytes.first().map(|flags| flags & 0x0f);
                rest.skip(4, Layer::Capture)?;
                Ok(if kind == Some(SUNATM_LLC) { Next::Llc } else { Next::Nothing })
            }
            LinkType::Arcnet => {
                let header = rest.step(Layer::Ring, Arcnet::decode)?;
                Ok(header.ethertype.map_or(Next::Nothing, Next::Type))
            }
            // Anybody may mean something else by it.
            LinkType::User2 => Ok(rest.step_capture(capture::pktap).unwrap_or(Next::Nothing)),
            LinkType::BroadcomBefore => {
                rest.skip(TAG_LEN, Layer::Dsa).map(|()| Next::Link(LinkType::Ethernet))
            }
            LinkType::Broadcom => {
                self.decode_macs(rest)?;
                rest.skip(TAG_LEN, Layer::Dsa)?;
                let ethertype = rest.step(Layer::Ethernet, ethertype)?;
                Ok(self.read(ethertype))
            }
            LinkType::Dsa => {
                self.decode_macs(rest)?;
                self.decode_dsa(rest)
            }
            LinkType::Edsa => Ok(Next::Link(LinkType::Ethernet)),
            LinkType::Other(_) => Ok(Next::Nothing),
        }
    }

    /// What follows a cooked header: a few devices have no EtherType, and Linux
    /// has numbers of its own for what is not one.
    fn after_cooked(&mut self, device: u16, protocol: u16, ethertype: u16) -> Next {
        self.ethertype = ethertype;
        match (device, protocol) {
            (DEVICE_80211, _) => Next::Link(LinkType::Ieee80211),
            (DEVICE_PRISM, _) => Next::Link(LinkType::Prism),
            (DEVICE_RADIOTAP, _) => Next::Link(LinkType::Radiotap),
            (_, PROTOCOL_LLC) => Next::Llc,
            _ if ethertype < ethernet::TYPE_MIN => Next::Nothing,
            _ => Next::Type(ethertype),
        }
    }

    /// The addresses of an Ethernet header, where something stands between them
    /// and the EtherType.
    fn decode_macs(&mut self, rest: &mut Rest<'_>) -> Result<(), Undecodable> {
        let macs = rest.step(Layer::Ethernet, |bytes| {
            let (&dst, rest) = bytes.split_first_chunk::<6>().ok_or(Malformed::Truncated)?;
            let (&src, rest) = rest.split_first_chunk::<6>().ok_or(Malformed::Truncated)?;
            Ok(((Mac(src), Mac(dst)), rest))
        })?;
        self.macs = Some(macs);
        Ok(())
    }

    fn after_ring(&mut self, ring: Ring) -> Next {
        self.macs = Some((ring.src, ring.dst));
        if ring.llc { Next::Llc } else { Next::Nothing }
    }

    /// An 802.11 frame, its header filled up to a multiple of `align` bytes;
    /// gives what follows it.
    pub(super) fn decode_80211(&mut self, align: usize, rest: &mut Rest<'_>) -> Result<Next, Undecodable> {
        let frame = rest.step(Layer::Ieee80211, |bytes| Ieee80211::decode_padded(bytes, align))?;
        self.after_80211(frame, rest)
    }

    /// What follows the header of an 802.11 frame.
    pub(super) fn after_80211(&mut self, frame: Ieee80211, rest: &mut Rest<'_>) -> Result<Next, Undecodable> {
        self.macs = frame.macs.or(self.macs);
        match frame.body {
            Body::Llc => Ok(Next::Llc),
            Body::Opaque => Ok(Next::Nothing),
            Body::Aggregate => {
                let first = rest.step(Layer::Ieee80211, Subframe::decode)?;
                debug_assert!(rest.at as usize >= SUBFRAME_LEN, "the header was stepped over");
                self.macs = Some((first.src, first.dst));
                rest.trim_to(first.len.into(), Layer::Ieee80211)?;
                Ok(Next::Llc)
            }
        }
    }
}

/// PPP or Cisco HDLC, which their first byte tells apart.
pub(super) const fn ppp_or_hdlc(bytes: &[u8]) -> Next {
    match bytes {
        [hdlc::UNICAST | hdlc::BROADCAST, ..] => Next::Hdlc,
        _ => Next::Ppp,
    }
}

impl Rest<'_> {
    /// Steps over what a capturing system wrote before a packet.
    fn step_capture(&mut self, decode: capture::Decode) -> Result<Next, Undecodable> {
        Ok(match self.step(Layer::Capture, decode)? {
            Begins::Ip => Next::Ip,
            Begins::Link(link) => link_of(link),
            Begins::Other => Next::Nothing,
        })
    }
}

/// What follows a radio's header: without the frame check sequence at its end.
fn after_radio(radio: Radio, rest: &mut Rest<'_>) -> Next {
    if radio.flags & DAMAGED != 0 {
        return Next::Nothing;
    }
    if radio.flags & CHECKED != 0 {
        rest.trim(rest.wire_len.saturating_sub(CHECK_LEN));
    }
    Next::Ieee80211(if radio.flags & PADDED != 0 { 4 } else { 1 })
}

/// A packet of a link type that a header names.
fn link_of(number: u32) -> Next {
    u16::try_from(number).map_or(Next::Nothing, |number| Next::Link(LinkType::from_number(number)))
}

fn ethertype(bytes: &[u8]) -> Result<(u16, &[u8]), Malformed> {
    let (&ethertype, rest) = bytes.split_first_chunk::<2>().ok_or(Malformed::Truncated)?;
    Ok((u16::from_be_bytes(ethertype), rest))
}
