//! The header that a packet begins with, by its link type.

use super::level::{Level, Net};
use crate::wire::ethernet::{self, Ethernet};
use crate::wire::link::arcnet::Arcnet;
use crate::wire::link::capture;
use crate::wire::link::dsa::Dsa;
use crate::wire::link::frame_relay::FrameRelay;
use crate::wire::link::hdlc::{self, Hdlc};
use crate::wire::link::ieee80211::{Body, Ieee80211};
use crate::wire::link::llc::Llc;
use crate::wire::link::ppp::{self, Ppp};
use crate::wire::link::pppoe::Pppoe;
use crate::wire::link::radio::{Ppi, Radio};
use crate::wire::link::ring::Ring;
use crate::wire::null::{self, Null};
use crate::wire::sll::{Sll, Sll2};
use crate::wire::{LinkType, Mac};

/// The header before `len` bytes that `ethertype` announces.
pub(super) fn header(level: &Level, ethertype: u16, len: usize) -> Vec<u8> {
    let ethernet = || framed(level, ethertype);
    match level.link {
        LinkType::Ethernet => ethernet(),
        LinkType::Sll | LinkType::Sll2 => cooked(level, ethertype),
        LinkType::Null => family(level).encode().into_iter().rev().collect(),
        LinkType::Loop => family(level).encode().to_vec(),
        LinkType::Ppp => ppp(ethertype).encode().to_vec(),
        LinkType::PppHdlc | LinkType::Hdlc => hdlc(ethertype),
        LinkType::PppEther => pppoe(1, ethertype, len),
        LinkType::PppPppd | LinkType::PppDirected => {
            let ppp = ppp(ethertype).encode();
            let skipped = usize::from(level.link == LinkType::PppPppd);
            [0].into_iter().chain(ppp.into_iter().skip(skipped)).collect()
        }
        LinkType::HdlcDirected => [vec![0], hdlc(ethertype)].concat(),
        LinkType::FrameRelay => frame_relay(ethertype),
        LinkType::FrameRelayDirected => [vec![0], frame_relay(ethertype)].concat(),
        LinkType::AtmLlc | LinkType::AtmClip => Llc::snap(ethertype).encode(),
        LinkType::TokenRing => {
            [&ring(level).encode_token_ring()[..], &Llc::snap(ethertype).encode()].concat()
        }
        LinkType::Fddi => [&ring(level).encode_fddi()[..], &Llc::snap(ethertype).encode()].concat(),
        LinkType::Ieee80211 => ieee80211(level, ethertype),
        LinkType::Radiotap => [Radio { len: 8, flags: 0 }.encode(), ieee80211(level, ethertype)].concat(),
        LinkType::Prism => {
            let radio = [&[0x44, 0, 0, 0, 144, 0, 0, 0][..], &[0; 136]].concat();
            [radio, ieee80211(level, ethertype)].concat()
        }
        LinkType::Avs => {
            let radio = [&[0x80, 0x21, 0x10, 0x01, 0, 0, 0, 64][..], &[0; 56]].concat();
            [radio, ieee80211(level, ethertype)].concat()
        }
        LinkType::Ppi => {
            let ppi = Ppi { len: 8, link: LinkType::Ieee80211.number().into(), flags: 0 };
            [&ppi.encode()[..], &ieee80211(level, ethertype)].concat()
        }
        LinkType::Nflog => nflog(level, len),
        LinkType::Pktap | LinkType::User2 => {
            [&capture::pktap_encode(LinkType::Ethernet.number().into())[..], &ethernet()].concat()
        }
        LinkType::IpNet => capture::ipnet_encode().to_vec(),
        LinkType::Enc => {
            let family = family(level).encode();
            family.into_iter().chain([0; 8]).collect()
        }
        LinkType::Pflog => {
            let [_, _, _, family] = family(level).encode();
            let [len, _, rest @ ..] = capture::pflog_encode();
            [len, family].into_iter().chain(rest).collect()
        }
        LinkType::Firewire => [&[2; 16][..], &ethertype.to_be_bytes()].concat(),
        LinkType::JuniperEthernet => [&capture::juniper_ethernet_encode()[..], &ethernet()].concat(),
        LinkType::NetAnalyzer | LinkType::BroadcomBefore => [vec![0; 4], ethernet()].concat(),
        LinkType::Slip => vec![0; 16],
        LinkType::SunAtm => [vec![2, 0, 0, 5], Llc::snap(ethertype).encode()].concat(),
        LinkType::Arcnet => Arcnet { ethertype: Some(ethertype) }.encode().to_vec(),
        LinkType::Broadcom => {
            let mut bytes = ethernet();
            bytes.splice(12..12, [0; 4]);
            bytes
        }
        LinkType::Dsa => {
            let mut bytes = ethernet();
            bytes.splice(12.., Dsa { tci: None, ethertype }.encode());
            bytes
        }
        LinkType::Edsa => {
            let tag = Dsa { tci: None, ethertype }.encode();
            [&framed(level, ethernet::EDSA)[..], &[0; 2], &tag].concat()
        }
        LinkType::RawIp | LinkType::Other(_) => Vec::new(),
    }
}

/// An Ethernet header with the addresses of the packet.
pub(super) fn framed(level: &Level, ethertype: u16) -> Vec<u8> {
    let (src, dst) = level.macs;
    Ethernet { dst, src, ethertype }.encode().to_vec()
}

/// The PPP header that says what this EtherType does.
pub(super) fn ppp(ethertype: u16) -> Ppp {
    let protocol = match ethertype {
        ethernet::IPV4 => ppp::IPV4,
        ethernet::IPV6 => ppp::IPV6,
        ethernet::MPLS => ppp::MPLS,
        ethernet::MPLS_UPSTREAM => ppp::MPLS_UPSTREAM,
        other => other,
    };
    Ppp { protocol }
}

/// `PPPoE`, and PPP without address and control.
pub(super) fn pppoe(session: u16, ethertype: u16, len: usize) -> Vec<u8> {
    let [_, _, p0, p1] = ppp(ethertype).encode();
    let header = Pppoe { code: 0, session, len: u16::try_from(len + 2).unwrap_or(u16::MAX) };
    header.encode().into_iter().chain([p0, p1]).collect()
}

fn cooked(level: &Level, protocol: u16) -> Vec<u8> {
    let Mac([m0, m1, m2, m3, m4, m5]) = level.macs.0;
    let address = [m0, m1, m2, m3, m4, m5, 0, 0];
    if level.link == LinkType::Sll {
        return Sll { packet_type: 0, device_type: 1, address_len: 6, address, protocol }.encode().to_vec();
    }
    let header = Sll2 { protocol, interface: 1, device_type: 1, packet_type: 0, address_len: 6, address };
    header.encode().to_vec()
}

fn hdlc(ethertype: u16) -> Vec<u8> {
    Hdlc { address: hdlc::UNICAST, ethertype }.encode().to_vec()
}

fn frame_relay(ethertype: u16) -> Vec<u8> {
    FrameRelay { ethertype: Some(ethertype) }.encode().to_vec()
}

fn ring(level: &Level) -> Ring {
    let (src, dst) = level.macs;
    Ring { dst, src, llc: true }
}

fn ieee80211(level: &Level, ethertype: u16) -> Vec<u8> {
    let header = Ieee80211 { macs: Some(level.macs), body: Body::Llc }.encode().unwrap_or_default();
    [&header[..], &Llc::snap(ethertype).encode()].concat()
}

fn nflog(level: &Level, len: usize) -> Vec<u8> {
    let [family, rest @ ..] = capture::nflog_encode(u16::try_from(len).unwrap_or(u16::MAX));
    let family = if level.is_v6() { 10 } else { family };
    [family].into_iter().chain(rest).collect()
}

fn family(level: &Level) -> Null {
    let family = match level.net {
        Net::V4 { .. } => null::INET,
        Net::V6 { .. } => null::INET6_DARWIN,
        Net::None | Net::Arp(_) => 0,
    };
    Null { family }
}
