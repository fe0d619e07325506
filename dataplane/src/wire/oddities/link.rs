//! What stands before the network header: an EtherType, tags, labels, PPP.
//!
//! Decoding keeps nothing of these but where the network header is; they are
//! walked here once more, of Ethernet and PPP.

use super::Found;
use crate::anomaly::Anomaly;
use crate::wire::ethernet::{self, Ethernet};
use crate::wire::link::extender::{ETag, VnTag};
use crate::wire::link::mpls::{ENTRIES_MAX, Mpls};
use crate::wire::link::nsh::{self, Nsh};
use crate::wire::link::ppp::{self, Ppp};
use crate::wire::link::pppoe::{Pppoe, SESSION_DATA};
use crate::wire::packet::Net;
use crate::wire::vlan::{self, Vlan, Vlans};
use crate::wire::{LinkType, Packet, ipv4};

/// How many tags of any kind are walked.
const TAGS_MAX: usize = 8;

/// Where the network header is on Ethernet with nothing but VLAN tags before it.
#[inline]
pub(super) fn plain_net_at(packet: &Packet) -> usize {
    ethernet::HEADER_LEN + vlan::TAG_LEN * usize::from(packet.vlans.count)
}

/// In what a frame begins with.
pub(super) fn find(link: LinkType, packet: &Packet, bytes: &[u8], found: Found<'_>) {
    match link {
        LinkType::Ethernet => {
            if let Ok((header, rest)) = Ethernet::decode(bytes) {
                find_ethernet(header.ethertype, rest, packet, found);
            }
        }
        LinkType::Null | LinkType::Loop if is_lost(packet) => found(Anomaly::LtnullUnsupportedType),
        link if is_ppp(link) && !is_cisco(bytes) => find_ppp(bytes, found),
        _ => {}
    }
}

/// Whether frames of the link begin with PPP.
const fn is_ppp(link: LinkType) -> bool {
    matches!(link, LinkType::Ppp | LinkType::PppHdlc)
}

/// Whether a frame on a serial line is Cisco's HDLC: unicast, or broadcast.
fn is_cisco(bytes: &[u8]) -> bool {
    matches!(bytes, [0x0f | 0x8f, 0, ..])
}

/// Whether IP that is too short came in PPP, which Suricata tells apart.
pub(super) fn comes_in_ppp(link: LinkType, bytes: &[u8]) -> bool {
    match (link, Ethernet::decode(bytes)) {
        (LinkType::Ethernet, Ok((header, rest))) => {
            last_ethertype(header.ethertype, rest) == ethernet::PPPOE_SESSION
        }
        (link, _) => is_ppp(link),
    }
}

/// The EtherType after any VLAN tags.
fn last_ethertype(mut ethertype: u16, mut rest: &[u8]) -> u16 {
    while vlan::is_tag(ethertype)
        && let Ok((tag, after)) = Vlan::decode(rest)
    {
        (ethertype, rest) = (tag.ethertype, after);
    }
    ethertype
}

/// Whether nothing that we know was found in the packet.
fn is_lost(packet: &Packet) -> bool {
    matches!(packet.net, Net::None) && packet.tunnels.depth() == 0
}

/// From the first EtherType on.
fn find_ethernet(first: u16, rest: &[u8], packet: &Packet, found: Found<'_>) {
    let (mut ethertype, mut rest) = (first, rest);
    // What is said beside the EtherType, if it is not known.
    let mut of_tag = None;
    let mut vlans = 0;
    for _ in 0..TAGS_MAX {
        (ethertype, rest) = match ethertype {
            ethernet::VN_TAG => {
                let Ok((tag, rest)) = VnTag::decode(rest) else { return };
                of_tag = Some(Anomaly::VntagUnknownType);
                (tag.ethertype, rest)
            }
            ethernet::E_TAG => {
                let Ok((tag, rest)) = ETag::decode(rest) else { return };
                of_tag = Some(Anomaly::EtagUnknownType);
                (tag.ethertype, rest)
            }
            tag if vlan::is_tag(tag) => {
                if vlans == Vlans::default().tci.len() {
                    return found(Anomaly::VlanTooManyLayers);
                }
                let Ok((tag, rest)) = Vlan::decode(rest) else { return };
                vlans += 1;
                of_tag = Some(Anomaly::VlanUnknownType);
                (tag.ethertype, rest)
            }
            _ => break,
        };
    }
    match ethertype {
        ethernet::MPLS | ethernet::MPLS_UPSTREAM => find_mpls(rest, found),
        ethernet::PPPOE_DISCOVERY => find_discovery(rest, found),
        ethernet::PPPOE_SESSION => find_session(rest, found),
        ethernet::NSH => find_nsh(rest, found),
        ethernet::ARP if is_lost(packet) => find_arp(rest, found),
        other if is_lost(packet) && !is_known(other) => {
            found(Anomaly::EthernetUnknownEthertype);
            of_tag.into_iter().for_each(found);
        }
        _ => {}
    }
}

/// Whether decoding knows what this EtherType stands for. Suricata takes the
/// length of an 802.3 frame for one that it does not know; LLC, which spanning
/// trees are built with, is known here.
pub(super) const fn is_known(ethertype: u16) -> bool {
    ethertype < ethernet::TYPE_MIN
        || vlan::is_tag(ethertype)
        || matches!(
            ethertype,
            ethernet::IPV4
                | ethernet::IPV6
                | ethernet::ARP
                | ethernet::MPLS
                | ethernet::MPLS_UPSTREAM
                | ethernet::PPPOE_DISCOVERY
                | ethernet::PPPOE_SESSION
                | ethernet::BACKBONE
                | ethernet::VN_TAG
                | ethernet::E_TAG
                | ethernet::FABRIC_PATH
                | ethernet::CISCO_METADATA
                | ethernet::NSH
        )
}

/// In ARP that is not for IPv4 over Ethernet.
fn find_arp(arp: &[u8], found: Found<'_>) {
    match *arp {
        [0, 1, ..] => found(Anomaly::ArpUnsupportedProtocol),
        _ => found(Anomaly::ArpUnsupportedHardware),
    }
}

/// In the last label of a stack, and what it carries.
fn find_mpls(mut rest: &[u8], found: Found<'_>) {
    /// Labels that mean something to routers (RFC 3032 section 2.1).
    const ROUTER_ALERT: u32 = 1;
    const IMPLICIT_NULL: u32 = 3;
    /// The generic associated channel, which stands last (RFC 5586).
    const ASSOCIATED_CHANNEL: u32 = 13;
    for _ in 0..ENTRIES_MAX {
        let Ok((entry, after)) = Mpls::decode(rest) else { return };
        rest = after;
        if entry.bottom {
            match entry.label {
                ROUTER_ALERT => found(Anomaly::MplsBadLabelRouterAlert),
                IMPLICIT_NULL => found(Anomaly::MplsBadLabelImplicitNull),
                4..15 if entry.label != ASSOCIATED_CHANNEL => found(Anomaly::MplsBadLabelReserved),
                // IP, a pseudowire's control word, an associated channel.
                _ => match rest.first().map(|first| first >> 4) {
                    Some(4 | 6 | 0 | 1) | None => {}
                    Some(_) => found(Anomaly::MplsUnknownPayloadType),
                },
            }
            return;
        }
    }
}

/// In `PPPoE` before there is a session.
fn find_discovery(rest: &[u8], found: Found<'_>) {
    let Ok((header, tags)) = Pppoe::decode(rest) else {
        return found(if rest.len() < 6 { Anomaly::PppoePktTooSmall } else { Anomaly::PppoeWrongCode });
    };
    // Offer, initiation, request, session confirmation, termination.
    if !matches!(header.code, 0x07 | 0x09 | 0x19 | 0x65 | 0xa7) {
        found(Anomaly::PppoeWrongCode);
    } else if header.payload_len(tags.len()).is_err() {
        found(Anomaly::PppoeMalformedTags);
    }
}

/// In `PPPoE` within a session.
fn find_session(rest: &[u8], found: Found<'_>) {
    let Ok((header, payload)) = Pppoe::decode(rest) else { return };
    if header.code == SESSION_DATA {
        find_ppp(payload, found);
    } else {
        found(Anomaly::PppoeWrongCode);
    }
}

/// In PPP: what it carries, where that is not traffic of users.
fn find_ppp(bytes: &[u8], found: Found<'_>) {
    /// Van Jacobson's compression (RFC 1144): the header is there in full.
    const UNCOMPRESSED: u16 = 0x002f;
    let Ok((header, payload)) = Ppp::decode(bytes) else { return };
    match header.protocol {
        UNCOMPRESSED if payload.len() < ipv4::HEADER_LEN => found(Anomaly::PppVjuPktTooSmall),
        UNCOMPRESSED | ppp::IPV4 | ppp::IPV6 | ppp::MPLS | ppp::MPLS_UPSTREAM => {}
        // RFC 1661 section 2, as IANA has filled it: OSI, XNS, DECnet, Appletalk,
        // IPX, VJ compressed, bridging, ST, Vines, compression, their control
        // protocols, link control, authentication, quality.
        0x0023..=0x002d
        | 0x0031..=0x0035
        | 0x00fd
        | 0x0201..=0x0207
        | 0x0231
        | 0x0233
        | 0x8021..=0x8035
        | 0x8057
        | 0x80fd
        | 0x8207
        | 0x8281
        | 0x8283
        | 0xc021
        | 0xc023
        | 0xc025
        | 0xc029
        | 0xc223 => found(Anomaly::PppUnsupProto),
        _ => found(Anomaly::PppWrongType),
    }
}

/// In a network service header.
fn find_nsh(rest: &[u8], found: Found<'_>) {
    /// Length of a header with metadata of type 1 (RFC 8300 section 2.4).
    const FIXED_LEN: u8 = 24;
    let Ok((header, _)) = Nsh::decode(rest) else { return };
    match header.metadata {
        0 | 15 => found(Anomaly::NshReservedType),
        1 if header.len != FIXED_LEN => found(Anomaly::NshBadHeaderLength),
        1 | 2 => {}
        _ => found(Anomaly::NshUnsupportedType),
    }
    if !matches!(header.next, nsh::IPV4 | nsh::IPV6 | nsh::ETHERNET | nsh::NSH | nsh::MPLS) {
        found(Anomaly::NshUnknownPayload);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;
    use crate::wire::craft::Craft;

    /// Of a frame that nothing was found in.
    fn of(ethertypes: &[u8], rest: &[u8]) -> Vec<Anomaly> {
        let frame = [&[2; 12], ethertypes, rest].concat();
        all(|found| find(LinkType::Ethernet, &Packet::default(), &frame, found))
    }

    #[test]
    fn an_ethertype_that_nobody_knows() {
        assert_eq!(of(&[0xfb, 0xb7], &[]), [Anomaly::EthernetUnknownEthertype]);
        assert_eq!(of(&[0x88, 0xcc], &[]), [Anomaly::EthernetUnknownEthertype]);
        let in_tag = |tag: &[u8]| of(tag, &[]);
        let unknown = Anomaly::EthernetUnknownEthertype;
        assert_eq!(in_tag(&[0x81, 0, 0, 5, 0xfb, 0xb7]), [unknown, Anomaly::VlanUnknownType]);
        assert_eq!(in_tag(&[0x89, 0x26, 0, 0, 0, 0, 0xfb, 0xb7]), [unknown, Anomaly::VntagUnknownType]);
        assert_eq!(in_tag(&[0x89, 0x3f, 0, 0, 0, 0, 0, 0, 0xfb, 0xb7]), [unknown, Anomaly::EtagUnknownType]);
    }

    #[test]
    fn ethertypes_that_are_known_are_not_odd() {
        for ethertype in [[8, 0], [0x86, 0xdd], [0, 38], [0x88, 0xe7], [0x89, 9], [0x89, 3]] {
            assert_eq!(of(&ethertype, &[]), [], "{ethertype:x?}");
        }
        let frame = [&[2; 12][..], &[0xfb, 0xb7]].concat();
        let ip = Craft::ethernet().ipv4([1; 4], [2; 4]).udp(1, 2).build();
        let (decoded, _) = Packet::decode(LinkType::Ethernet, &ip, 42);
        assert_eq!(all(|found| find(LinkType::Ethernet, &decoded, &frame, found)), [], "found something");
    }

    #[test]
    fn a_fourth_tag_is_one_too_many() {
        let tags = |count: usize| [&[0x81, 0, 0, 5].repeat(count)[..], &[0x08, 0]].concat();
        assert_eq!(of(&tags(3), &[]), []);
        assert_eq!(of(&tags(4), &[]), [Anomaly::VlanTooManyLayers]);
    }

    #[test]
    fn arp_of_other_networks() {
        assert_eq!(of(&[8, 6], &[0, 6, 8, 0]), [Anomaly::ArpUnsupportedHardware]);
        assert_eq!(of(&[8, 6], &[0, 1, 0x86, 0xdd]), [Anomaly::ArpUnsupportedProtocol]);
    }

    #[test]
    fn labels_that_do_not_stand_last() {
        let of = |label: u32, payload: u8| {
            let entry = Mpls { label, class: 0, bottom: true, ttl: 9 };
            of(&[0x88, 0x47], &[&entry.encode()[..], &[payload]].concat())
        };
        for label in [0, 2, 13, 15, 16, 0xf_ffff] {
            assert_eq!(of(label, 0x45), [], "{label}");
        }
        assert_eq!(of(1, 0x45), [Anomaly::MplsBadLabelRouterAlert]);
        assert_eq!(of(3, 0x45), [Anomaly::MplsBadLabelImplicitNull]);
        for label in [4, 7, 14] {
            assert_eq!(of(label, 0x45), [Anomaly::MplsBadLabelReserved]);
        }
        assert_eq!(of(100, 0x60), []);
        assert_eq!(of(100, 0x20), [Anomaly::MplsUnknownPayloadType]);
    }

    #[test]
    fn pppoe_and_what_is_in_it() {
        let discovery = |bytes: &[u8]| of(&[0x88, 0x63], bytes);
        assert_eq!(discovery(&[0x11, 0x09, 0, 0, 0, 4, 1, 1, 0, 0]), []);
        assert_eq!(discovery(&[0x11, 0x09, 0, 0, 0, 5, 1, 1, 0, 0]), [Anomaly::PppoeMalformedTags]);
        assert_eq!(discovery(&[0x11, 0x0a, 0, 0, 0, 0]), [Anomaly::PppoeWrongCode]);
        assert_eq!(discovery(&[0x12, 0x09, 0, 0, 0, 0]), [Anomaly::PppoeWrongCode]);
        assert_eq!(discovery(&[0x11, 0x09, 0, 0, 0]), [Anomaly::PppoePktTooSmall]);
        let session =
            |code, protocol: &[u8]| of(&[0x88, 0x64], &[&[0x11, code, 0, 1, 0, 2], protocol].concat());
        assert_eq!(session(0, &[0, 0x21]), []);
        assert_eq!(session(9, &[0, 0x21]), [Anomaly::PppoeWrongCode]);
        assert_eq!(session(0, &[0xc0, 0x21]), [Anomaly::PppUnsupProto]);
        assert_eq!(session(0, &[0x40, 0x21]), [Anomaly::PppWrongType]);
        assert_eq!(session(0, &[0, 0x2f, 0x45]), [Anomaly::PppVjuPktTooSmall]);
        assert_eq!(session(0, &[&[0, 0x2f][..], &[0x45; 20]].concat()), []);
    }

    #[test]
    fn network_service_headers() {
        let of = |metadata, next, len| {
            let mut bytes = Nsh { metadata, next, path: 1, index: 1, len }.encode().to_vec();
            bytes.resize(len.into(), 0);
            of(&[0x89, 0x4f], &bytes)
        };
        assert_eq!(of(1, nsh::IPV4, 24), []);
        assert_eq!(of(2, nsh::ETHERNET, 8), []);
        assert_eq!(of(1, nsh::IPV4, 20), [Anomaly::NshBadHeaderLength]);
        assert_eq!(of(0, nsh::IPV4, 8), [Anomaly::NshReservedType]);
        assert_eq!(of(15, nsh::IPV4, 8), [Anomaly::NshReservedType]);
        assert_eq!(of(3, nsh::IPV4, 8), [Anomaly::NshUnsupportedType]);
        assert_eq!(of(2, 9, 8), [Anomaly::NshUnknownPayload]);
    }

    #[test]
    fn other_links_have_their_own() {
        let of = |link, bytes: &[u8]| all(|found| find(link, &Packet::default(), bytes, found));
        assert_eq!(of(LinkType::Null, &[99, 0, 0, 0]), [Anomaly::LtnullUnsupportedType]);
        assert_eq!(of(LinkType::Ppp, &[0xff, 3, 0xc0, 0x21]), [Anomaly::PppUnsupProto]);
        assert_eq!(of(LinkType::Ppp, &[0xff, 3, 0, 0x21]), []);
        assert_eq!(of(LinkType::RawIp, &[0xff, 3, 0xc0, 0x21]), []);
        assert_eq!(of(LinkType::PppHdlc, &[0x8f, 0, 0x80, 0x35]), [], "Cisco's HDLC");
    }
}
