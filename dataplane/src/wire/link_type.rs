//! What captures say their packets begin with.

/// What the first byte of a frame belongs to (the LINKTYPE_ values of
/// <https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LinkType {
    /// 1: Ethernet II or 802.3 with LLC.
    #[default]
    Ethernet,
    /// 101 (also 12 and 14, as BSDs wrote it), 228, 229: an IPv4 or IPv6 header.
    RawIp,
    /// 113: Linux cooked capture.
    Sll,
    /// 276: Linux cooked capture, version 2.
    Sll2,
    /// 0: BSD loopback, family in the byte order of the capturing host.
    Null,
    /// 108: OpenBSD loopback, family in network byte order.
    Loop,
    /// 9: PPP, or Cisco HDLC.
    Ppp,
    /// 50: PPP in HDLC-like framing, or Cisco HDLC.
    PppHdlc,
    /// 51: `PPPoE` of a session, without Ethernet.
    PppEther,
    /// 166: PPP as Linux's pppd saw it: a direction in place of the address.
    PppPppd,
    /// 204: PPP behind a direction.
    PppDirected,
    /// 104: Cisco HDLC.
    Hdlc,
    /// 205: Cisco HDLC behind a direction.
    HdlcDirected,
    /// 107: Frame relay.
    FrameRelay,
    /// 206: Frame relay behind a direction.
    FrameRelayDirected,
    /// 100: ATM (RFC 2684) with LLC; also classical IP over it.
    AtmLlc,
    /// 6: Token ring.
    TokenRing,
    /// 10: FDDI.
    Fddi,
    /// 105: 802.11.
    Ieee80211,
    /// 127: 802.11 behind radiotap.
    Radiotap,
    /// 119: 802.11 behind a Prism header.
    Prism,
    /// 163: 802.11 behind an AVS header.
    Avs,
    /// 192: A packet of another link type behind PPI.
    Ppi,
    /// 239: Linux's NFLOG.
    Nflog,
    /// 258: A packet of another link type behind macOS's PKTAP.
    Pktap,
    /// 226: Solaris' IPNET.
    IpNet,
    /// 109: OpenBSD's ENC.
    Enc,
    /// 117: The BSDs' PFLOG.
    Pflog,
    /// 138: IP over IEEE 1394, as Apple wrote it.
    Firewire,
    /// 178: Ethernet behind a Juniper router's header.
    JuniperEthernet,
    /// 240: Ethernet behind the four bytes of Hilscher `netANALYZER`.
    NetAnalyzer,
    /// 8: IP over a serial line.
    Slip,
    /// 106: classical IP over ATM, as Linux wrote it: LLC, or none.
    AtmClip,
    /// 123: ATM behind the four bytes of `SunATM`.
    SunAtm,
    /// 129: ARCNET, as Linux writes it.
    Arcnet,
    /// 149: whatever somebody meant by it: macOS' PKTAP, before that had a number.
    User2,
    /// 281: Ethernet with Broadcom's tag within.
    Broadcom,
    /// 282: Ethernet with Broadcom's tag before it.
    BroadcomBefore,
    /// 284: Ethernet with Marvell's tag within.
    Dsa,
    /// 285: Ethernet with Marvell's tag and its EtherType within.
    Edsa,
    /// Any other: packets pass and are counted, nothing is decoded.
    Other(u16),
}

impl LinkType {
    /// Every one that is decoded.
    pub const DECODED: [Self; 40] = [
        Self::Ethernet,
        Self::RawIp,
        Self::Sll,
        Self::Sll2,
        Self::Null,
        Self::Loop,
        Self::Ppp,
        Self::PppHdlc,
        Self::PppEther,
        Self::PppPppd,
        Self::PppDirected,
        Self::Hdlc,
        Self::HdlcDirected,
        Self::FrameRelay,
        Self::FrameRelayDirected,
        Self::AtmLlc,
        Self::TokenRing,
        Self::Fddi,
        Self::Ieee80211,
        Self::Radiotap,
        Self::Prism,
        Self::Avs,
        Self::Ppi,
        Self::Nflog,
        Self::Pktap,
        Self::IpNet,
        Self::Enc,
        Self::Pflog,
        Self::Firewire,
        Self::JuniperEthernet,
        Self::NetAnalyzer,
        Self::Slip,
        Self::AtmClip,
        Self::SunAtm,
        Self::Arcnet,
        Self::User2,
        Self::Broadcom,
        Self::BroadcomBefore,
        Self::Dsa,
        Self::Edsa,
    ];

    /// From the number in a capture file.
    pub const fn from_number(number: u16) -> Self {
        match number {
            1 => Self::Ethernet,
            12 | 14 | 101 | 228 | 229 => Self::RawIp,
            113 => Self::Sll,
            276 => Self::Sll2,
            0 => Self::Null,
            108 => Self::Loop,
            9 => Self::Ppp,
            50 => Self::PppHdlc,
            51 => Self::PppEther,
            166 => Self::PppPppd,
            204 => Self::PppDirected,
            104 => Self::Hdlc,
            205 => Self::HdlcDirected,
            107 => Self::FrameRelay,
            206 => Self::FrameRelayDirected,
            100 => Self::AtmLlc,
            6 => Self::TokenRing,
            10 => Self::Fddi,
            105 => Self::Ieee80211,
            127 => Self::Radiotap,
            119 => Self::Prism,
            163 => Self::Avs,
            192 => Self::Ppi,
            239 => Self::Nflog,
            258 => Self::Pktap,
            226 => Self::IpNet,
            109 => Self::Enc,
            117 => Self::Pflog,
            138 => Self::Firewire,
            178 => Self::JuniperEthernet,
            240 => Self::NetAnalyzer,
            8 => Self::Slip,
            106 => Self::AtmClip,
            123 => Self::SunAtm,
            129 => Self::Arcnet,
            149 => Self::User2,
            281 => Self::Broadcom,
            282 => Self::BroadcomBefore,
            284 => Self::Dsa,
            285 => Self::Edsa,
            other => Self::Other(other),
        }
    }

    /// The number for a capture file.
    pub const fn number(self) -> u16 {
        match self {
            Self::Ethernet => 1,
            Self::RawIp => 101,
            Self::Sll => 113,
            Self::Sll2 => 276,
            Self::Null => 0,
            Self::Loop => 108,
            Self::Ppp => 9,
            Self::PppHdlc => 50,
            Self::PppEther => 51,
            Self::PppPppd => 166,
            Self::PppDirected => 204,
            Self::Hdlc => 104,
            Self::HdlcDirected => 205,
            Self::FrameRelay => 107,
            Self::FrameRelayDirected => 206,
            Self::AtmLlc => 100,
            Self::TokenRing => 6,
            Self::Fddi => 10,
            Self::Ieee80211 => 105,
            Self::Radiotap => 127,
            Self::Prism => 119,
            Self::Avs => 163,
            Self::Ppi => 192,
            Self::Nflog => 239,
            Self::Pktap => 258,
            Self::IpNet => 226,
            Self::Enc => 109,
            Self::Pflog => 117,
            Self::Firewire => 138,
            Self::JuniperEthernet => 178,
            Self::NetAnalyzer => 240,
            Self::Slip => 8,
            Self::AtmClip => 106,
            Self::SunAtm => 123,
            Self::Arcnet => 129,
            Self::User2 => 149,
            Self::Broadcom => 281,
            Self::BroadcomBefore => 282,
            Self::Dsa => 284,
            Self::Edsa => 285,
            Self::Other(number) => number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_types_survive_their_number() {
        for number in 0..400 {
            let link = LinkType::from_number(number);
            assert_eq!(LinkType::from_number(link.number()), link);
            assert_eq!(LinkType::DECODED.contains(&link), link != LinkType::Other(number));
        }
        for link in LinkType::DECODED {
            assert_eq!(LinkType::from_number(link.number()), link);
        }
    }
}
