//! What stands between the link header and the network header: tags, labels,
//! `PPPoE`, LLC and their like, in any order.

use super::links::ppp_or_hdlc;
use super::{Next, Rest};
use crate::wire::ethernet;
use crate::wire::ipv4::Ipv4;
use crate::wire::ipv6::Ipv6;
use crate::wire::link::cisco::{FabricPath, MetaData};
use crate::wire::link::dsa::{Dsa, RESERVED_LEN};
use crate::wire::link::extender::{ETag, VnTag};
use crate::wire::link::frame_relay::FrameRelay;
use crate::wire::link::hdlc::Hdlc;
use crate::wire::link::llc::Llc;
use crate::wire::link::macsec::{self, MacSec};
use crate::wire::link::mpls::{self, Mpls};
use crate::wire::link::nsh::{self, Nsh};
use crate::wire::link::pbb::Pbb;
use crate::wire::link::ppp::Ppp;
use crate::wire::link::pppoe::{self, Pppoe};
use crate::wire::packet::Packet;
use crate::wire::vlan::{self, Vlan, Vlans};
use crate::wire::{Layer, Malformed, Undecodable};

/// How many headers are followed before a network header: three tags, `PPPoE`,
/// PPP and labels (which count as one) are six.
const HEADERS_MAX: usize = 16;

impl Packet {
    /// Follows what stands before a network header and says where that begins.
    /// Gives its EtherType, or 0 where there is none that is decoded.
    #[cold]
    #[inline(never)]
    pub(super) fn decode_between(&mut self, next: Next, rest: &mut Rest<'_>) -> Result<u16, Undecodable> {
        let mut next = next;
        for _ in 0..HEADERS_MAX {
            next = match next {
                Next::Type(found @ (ethernet::IPV4 | ethernet::IPV6 | ethernet::ARP)) => {
                    self.mark_net(rest);
                    return Ok(found);
                }
                Next::Nothing => {
                    self.mark_net(rest);
                    return Ok(0);
                }
                Next::Type(ethertype) => self.decode_announced(ethertype, rest)?,
                Next::Link(link) => self.decode_link(link, rest)?,
                Next::Ethernet => {
                    rest.inherits = true;
                    Next::Type(self.decode_ethernet(rest)?)
                }
                Next::Ip => rest.ip_by_nibble()?,
                Next::Ppp => {
                    let ppp = rest.step(Layer::Ppp, Ppp::decode)?;
                    ppp.ethertype().map_or(Next::Nothing, Next::Type)
                }
                Next::PppOrHdlc => ppp_or_hdlc(rest.bytes),
                Next::Pppoe => decode_pppoe(rest)?,
                Next::Hdlc => self.read(rest.step(Layer::Hdlc, Hdlc::decode)?.ethertype),
                Next::FrameRelay => {
                    let header = rest.step(Layer::FrameRelay, FrameRelay::decode)?;
                    header.ethertype.map_or(Next::Nothing, |ethertype| self.read(ethertype))
                }
                Next::Llc => {
                    let llc = rest.step(Layer::Llc, Llc::decode)?;
                    llc.ethertype().map_or(Next::Nothing, |ethertype| self.read(ethertype))
                }
                Next::Ieee80211(align) => self.decode_80211(align, rest)?,
            };
        }
        Err(rest.undecodable(Layer::Tunnel, Malformed::TooDeep))
    }

    /// Remembers an EtherType that was read from a header.
    pub(super) fn read(&mut self, ethertype: u16) -> Next {
        self.ethertype = ethertype;
        Next::Type(ethertype)
    }

    /// What an EtherType other than those of network headers announces; gives
    /// what follows that.
    fn decode_announced(&mut self, ethertype: u16, rest: &mut Rest<'_>) -> Result<Next, Undecodable> {
        if vlan::is_tag(ethertype) {
            return self.decode_tag(rest);
        }
        match ethertype {
            ..ethernet::TYPE_MIN => self.decode_802_3(ethertype, rest),
            ethernet::MPLS | ethernet::MPLS_UPSTREAM => decode_mpls(rest),
            ethernet::PPPOE_SESSION => Ok(Next::Pppoe),
            ethernet::PPP => Ok(Next::Ppp),
            ethernet::BRIDGED => Ok(Next::Ethernet),
            ethernet::BACKBONE => {
                let tag = rest.step(Layer::Pbb, Pbb::decode)?;
                self.macs = Some((tag.src, tag.dst));
                Ok(self.read(tag.ethertype))
            }
            ethernet::VN_TAG => {
                let tag = rest.step(Layer::VnTag, VnTag::decode)?;
                Ok(self.read(tag.ethertype))
            }
            ethernet::E_TAG => {
                let tag = rest.step(Layer::ETag, ETag::decode)?;
                Ok(self.read(tag.ethertype))
            }
            ethernet::FABRIC_PATH => {
                rest.step(Layer::FabricPath, FabricPath::decode)?;
                Ok(Next::Ethernet)
            }
            ethernet::CISCO_METADATA => {
                let header = rest.step(Layer::MetaData, MetaData::decode)?;
                Ok(self.read(header.ethertype))
            }
            ethernet::MACSEC => {
                let tag = rest.step(Layer::MacSec, MacSec::decode)?;
                let Some(ethertype) = tag.ethertype else { return Ok(Next::Nothing) };
                rest.trim(rest.wire_len.saturating_sub(macsec::CHECK_LEN));
                Ok(self.read(ethertype))
            }
            ethernet::EDSA => {
                rest.skip(RESERVED_LEN, Layer::Dsa)?;
                self.decode_dsa(rest)
            }
            ethernet::NSH => rest.step(Layer::Nsh, Nsh::decode).map(|header| next_protocol(header.next)),
            _ => Ok(Next::Nothing),
        }
    }

    /// A tag. One that there is no room for is left where it is, with its
    /// packet: it is no error, but no IP to us.
    fn decode_tag(&mut self, rest: &mut Rest<'_>) -> Result<Next, Undecodable> {
        self.forget_inherited(rest);
        if usize::from(self.vlans.count) == self.vlans.tci.len() {
            return Ok(Next::Nothing);
        }
        let tag = rest.step(Layer::Vlan, Vlan::decode)?;
        self.vlans.push(tag.tci);
        Ok(self.read(tag.ethertype))
    }

    /// The tag of a switch chip, which may stand for a VLAN tag.
    pub(super) fn decode_dsa(&mut self, rest: &mut Rest<'_>) -> Result<Next, Undecodable> {
        let tag = rest.step(Layer::Dsa, Dsa::decode)?;
        if let Some(tci) = tag.tci {
            self.forget_inherited(rest);
            self.vlans.push(tci);
        }
        Ok(self.read(tag.ethertype))
    }

    /// A packet with tags of its own has none of those around it.
    fn forget_inherited(&mut self, rest: &mut Rest<'_>) {
        if rest.inherits {
            self.vlans = Vlans::default();
            rest.inherits = false;
        }
    }

    /// A frame with a length in place of an EtherType. What has no EtherType
    /// behind LLC either is left as it is.
    fn decode_802_3(&mut self, len: u16, rest: &mut Rest<'_>) -> Result<Next, Undecodable> {
        let Ok((llc, after)) = Llc::decode(rest.bytes) else { return Ok(Next::Nothing) };
        let Some(ethertype) = llc.ethertype() else { return Ok(Next::Nothing) };
        let header_len = rest.bytes.len() - after.len();
        if usize::from(len) < header_len {
            return Err(rest.undecodable(Layer::Llc, Malformed::BadLength));
        }
        rest.trim_to(len.into(), Layer::Llc)?;
        rest.skip(header_len, Layer::Llc)?;
        Ok(self.read(ethertype))
    }
}

impl Rest<'_> {
    /// IPv4 or IPv6, as the first nibble says.
    fn ip_by_nibble(self) -> Result<Next, Undecodable> {
        match self.bytes.first().map(|byte| byte >> 4) {
            Some(4) => Ok(Next::Type(ethernet::IPV4)),
            Some(6) => Ok(Next::Type(ethernet::IPV6)),
            Some(_) => Err(self.undecodable(Layer::Raw, Malformed::BadVersion)),
            None => Err(self.undecodable(Layer::Raw, Malformed::Truncated)),
        }
    }
}

/// A header of `PPPoE` in a session; gives PPP.
fn decode_pppoe(rest: &mut Rest<'_>) -> Result<Next, Undecodable> {
    let header = rest.step(Layer::Pppoe, Pppoe::decode)?;
    if header.code != pppoe::SESSION_DATA {
        return Ok(Next::Nothing);
    }
    let len = header.payload_len(rest.wire_len).map_err(|why| rest.undecodable(Layer::Pppoe, why))?;
    rest.trim(len);
    Ok(Next::Ppp)
}

/// A stack of labels; gives what the first nibble after it stands for.
fn decode_mpls(rest: &mut Rest<'_>) -> Result<Next, Undecodable> {
    for _ in 0..mpls::ENTRIES_MAX {
        let entry = rest.step(Layer::Mpls, Mpls::decode)?;
        if !entry.bottom {
            continue;
        }
        return Ok(match entry.label {
            mpls::EXPLICIT_NULL_V4 => Next::Type(ethernet::IPV4),
            mpls::EXPLICIT_NULL_V6 => Next::Type(ethernet::IPV6),
            _ if rest.bytes.is_empty() => return Err(rest.undecodable(Layer::Mpls, Malformed::Truncated)),
            _ => after_labels(rest),
        });
    }
    Err(rest.undecodable(Layer::Mpls, Malformed::TooDeep))
}

/// IP, or an Ethernet frame with or without a control word before it.
///
/// The first nibble of an Ethernet frame is that of an address, which may be
/// anything (RFC 8469 warns of it): so a frame is taken for one also where its
/// nibble is IP's or a control word's, if it is no IP and its EtherType is one
/// that is decoded. Where a control word stands before a frame, two bytes of an
/// address are at that place.
fn after_labels(rest: &mut Rest<'_>) -> Next {
    let nibble = rest.bytes.first().map(|byte| byte >> 4);
    let ip = match nibble {
        Some(4) => Some((ethernet::IPV4, is_sound_v4(rest))),
        Some(6) => Some((ethernet::IPV6, is_sound_v6(rest))),
        _ => None,
    };
    match ip {
        Some((ethertype, true)) => Next::Type(ethertype),
        _ if is_frame(rest, 0) => Next::Ethernet,
        Some((ethertype, false)) => Next::Type(ethertype),
        None if nibble == Some(0) && is_frame(rest, mpls::CONTROL_WORD_LEN) => {
            // It was seen to be there.
            let _ = rest.skip(mpls::CONTROL_WORD_LEN, Layer::Mpls);
            Next::Ethernet
        }
        None => Next::Nothing,
    }
}

fn is_sound_v4(rest: &Rest<'_>) -> bool {
    Ipv4::decode(rest.bytes).is_ok_and(|(header, _)| header.payload_len(rest.wire_len).is_ok())
}

fn is_sound_v6(rest: &Rest<'_>) -> bool {
    Ipv6::decode(rest.bytes).is_ok_and(|(header, _)| header.payload_len(rest.wire_len).is_ok())
}

/// Whether an Ethernet header of what is decoded begins after so many bytes.
fn is_frame(rest: &Rest<'_>, after: usize) -> bool {
    let Some(frame) = rest.bytes.get(after..) else { return false };
    let Ok((header, payload)) = ethernet::Ethernet::decode(frame) else { return false };
    match header.ethertype {
        ethernet::IPV4
        | ethernet::IPV6
        | ethernet::ARP
        | ethernet::MPLS
        | ethernet::MPLS_UPSTREAM
        | ethernet::PPPOE_SESSION
        | ethernet::BACKBONE
        | ethernet::VN_TAG
        | ethernet::E_TAG
        | ethernet::FABRIC_PATH
        | ethernet::CISCO_METADATA
        | ethernet::MACSEC
        | ethernet::EDSA
        | ethernet::NSH => true,
        len @ ..ethernet::TYPE_MIN => {
            usize::from(len) <= payload.len()
                && Llc::decode(payload).is_ok_and(|(llc, _)| llc.ethertype().is_some())
        }
        other => vlan::is_tag(other),
    }
}

/// What NSH and VXLAN's extension mean by a next protocol.
pub(super) const fn next_protocol(number: u8) -> Next {
    match number {
        nsh::IPV4 => Next::Type(ethernet::IPV4),
        nsh::IPV6 => Next::Type(ethernet::IPV6),
        nsh::ETHERNET => Next::Ethernet,
        nsh::NSH => Next::Type(ethernet::NSH),
        nsh::MPLS => Next::Type(ethernet::MPLS),
        _ => Next::Nothing,
    }
}
