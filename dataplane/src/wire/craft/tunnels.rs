//! What can stand around a packet: shims before its network header, and tunnels.

use super::Craft;
use super::carrier::Carrier;
use super::level::{Level, Net, Transport};
use super::shim::Shim;
use crate::wire::LinkType;

/// Where tunnels over UDP are sent from, where nothing else was said.
const SRC_PORT: u16 = 49_152;

impl Craft {
    /// With a stack of labels, outermost first; IP follows, as its first nibble
    /// says, or a [pseudowire](Craft::pseudowire).
    pub fn mpls(self, labels: impl IntoIterator<Item = u32>) -> Self {
        let labels = labels.into_iter().collect();
        self.shim(Shim::Mpls(labels))
    }

    /// With another Ethernet header, after labels; `control_word` puts one
    /// before it.
    pub fn pseudowire(self, control_word: bool) -> Self {
        self.shim(Shim::Pseudowire { control_word })
    }

    /// With `PPPoE` of this session, and PPP.
    pub fn pppoe(self, session: u16) -> Self {
        self.shim(Shim::Pppoe(session))
    }

    /// As an 802.3 frame: a length, and LLC with SNAP.
    pub fn snap(self) -> Self {
        self.shim(Shim::Snap)
    }

    /// With a backbone service tag and the customer's addresses.
    pub fn pbb(self, service: u32) -> Self {
        self.shim(Shim::Pbb(service))
    }

    /// With a VN-Tag.
    pub fn vn_tag(self) -> Self {
        self.shim(Shim::VnTag)
    }

    /// With `MACsec` that does not encrypt.
    pub fn macsec(self) -> Self {
        self.shim(Shim::MacSec)
    }

    /// With an E-Tag.
    pub fn e_tag(self) -> Self {
        self.shim(Shim::ETag)
    }

    /// With `FabricPath`, and another Ethernet header.
    pub fn fabric_path(self) -> Self {
        self.shim(Shim::FabricPath)
    }

    /// With Cisco's `MetaData`: a security group tag.
    pub fn metadata(self, group: u16) -> Self {
        self.shim(Shim::MetaData(group))
    }

    /// With a network service header for this path.
    pub fn nsh(self, path: u32) -> Self {
        self.shim(Shim::Nsh(path))
    }

    /// A packet within GRE; without an Ethernet header.
    pub fn gre(self, key: impl Into<Option<u32>>) -> Self {
        self.within(Carrier::Gre(key.into()), LinkType::RawIp)
    }

    /// An Ethernet frame within GRE.
    pub fn gre_ethernet(self, key: impl Into<Option<u32>>) -> Self {
        self.within(Carrier::Gre(key.into()), LinkType::Ethernet)
    }

    /// A packet within PPP within GRE version 1, as PPTP has it.
    pub fn pptp(self, call: u16) -> Self {
        self.within(Carrier::Pptp(call), LinkType::Ppp)
    }

    /// An Ethernet frame within ERSPAN of type 1, 2 or 3.
    pub fn erspan(self, kind: u8, session: u16) -> Self {
        self.within(Carrier::Erspan(kind, session), LinkType::Ethernet)
    }

    /// An Ethernet frame within VXLAN, over UDP to its port where no other
    /// transport was said.
    pub fn vxlan(self, network: u32) -> Self {
        self.within(Carrier::Vxlan(network), LinkType::Ethernet)
    }

    /// A packet without an Ethernet header within VXLAN's extension.
    pub fn vxlan_gpe(self, network: u32) -> Self {
        self.within(Carrier::VxlanGpe(network), LinkType::RawIp)
    }

    /// An Ethernet frame within GENEVE.
    pub fn geneve(self, network: u32) -> Self {
        self.within(Carrier::Geneve(network), LinkType::Ethernet)
    }

    /// A packet without an Ethernet header within GENEVE.
    pub fn geneve_ip(self, network: u32) -> Self {
        self.within(Carrier::Geneve(network), LinkType::RawIp)
    }

    /// A packet within GTP-U.
    pub fn gtp(self, tunnel: u32) -> Self {
        self.within(Carrier::Gtp(tunnel), LinkType::RawIp)
    }

    /// A packet within Teredo.
    pub fn teredo(self) -> Self {
        self.within(Carrier::Teredo(0), LinkType::RawIp)
    }

    /// A packet within Teredo, behind an authentication and an origin.
    pub fn teredo_indicated(self) -> Self {
        self.within(Carrier::Teredo(21), LinkType::RawIp)
    }

    /// A packet within PPP within L2TP.
    pub fn l2tp(self, session: u16) -> Self {
        self.within(Carrier::L2tp(session), LinkType::Ppp)
    }

    /// An Ethernet frame within CAPWAP.
    pub fn capwap(self) -> Self {
        self.within(Carrier::Capwap, LinkType::Ethernet)
    }

    /// An 802.11 frame within CAPWAP.
    pub fn capwap_80211(self) -> Self {
        self.within(Carrier::Capwap, LinkType::Ieee80211)
    }

    /// A packet within AYIYA.
    pub fn ayiya(self) -> Self {
        self.within(Carrier::Ayiya, LinkType::RawIp)
    }

    /// A packet behind labels; over IP, or over what transport was said.
    pub fn mpls_tunnel(self, labels: impl IntoIterator<Item = u32>) -> Self {
        self.within(Carrier::Mpls, LinkType::RawIp).mpls(labels)
    }

    /// An Ethernet frame within `EtherIP`.
    pub fn ether_ip(self) -> Self {
        self.within(Carrier::EtherIp, LinkType::Ethernet)
    }

    fn shim(mut self, shim: Shim) -> Self {
        self.level.shims.push(shim);
        self
    }

    /// Begins a packet within this one.
    pub(super) fn within(mut self, carrier: Carrier, link: LinkType) -> Self {
        let mut outer = std::mem::replace(&mut self.level, Level::new(link));
        if let (Transport::None, Some(port)) = (&outer.transport, carrier.port()) {
            outer.transport =
                Transport::Udp(crate::wire::udp::Udp { src_port: SRC_PORT, dst_port: port, len: 0 });
        }
        debug_assert!(!matches!(outer.net, Net::None | Net::Arp(_)), "a tunnel begins after an IP header");
        self.carriers.push((outer, carrier));
        self
    }
}
