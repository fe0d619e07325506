//! IP protocols by the names that EVE uses.
//!
//! The names are IANA's keywords as Suricata spells them. Those still in use
//! are here; any other is its number in decimal.

use serde::{Serialize, Serializer};

pub(super) const ICMP: u8 = 1;
pub(super) const IP_IN_IP: u8 = 4;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const IPV6: u8 = 41;
pub(super) const GRE: u8 = 47;
pub(super) const ETHER_IP: u8 = 97;
pub(super) const ICMPV6: u8 = 58;
pub(super) const SCTP: u8 = 132;
pub(super) const MPLS_IN_IP: u8 = 137;

/// The number of an IP protocol, which serialises as its name.
#[derive(Clone, Copy)]
pub(super) struct Protocol(pub(super) u8);

impl Protocol {
    const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "HOPOPT",
            ICMP => "ICMP",
            2 => "IGMP",
            IP_IN_IP => "IP-in-IP",
            TCP => "TCP",
            UDP => "UDP",
            33 => "DCCP",
            IPV6 => "IPv6",
            43 => "IPv6-Route",
            44 => "IPv6-Frag",
            46 => "RSVP",
            GRE => "GRE",
            50 => "ESP",
            51 => "AH",
            55 => "MOBILE",
            ICMPV6 => "IPv6-ICMP",
            59 => "IPv6-NoNxt",
            60 => "IPv6-Opts",
            88 => "EIGRP",
            89 => "OSPF",
            ETHER_IP => "ETHERIP",
            98 => "ENCAP",
            103 => "PIM",
            108 => "IPComp",
            112 => "VRRP",
            113 => "PGM",
            115 => "L2TP",
            124 => "IS-IS",
            SCTP => "SCTP",
            133 => "FC",
            135 => "Mobility",
            136 => "UDPLite",
            MPLS_IN_IP => "MPLS-in-IP",
            138 => "manet",
            139 => "HIP",
            140 => "Shim6",
            141 => "WESP",
            142 => "ROHC",
            143 => "Ethernet",
            _ => return None,
        })
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.name() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.collect_str(&self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_without_a_name_is_its_number() {
        let text = |number| serde_json::to_string(&Protocol(number)).ok();
        assert_eq!(text(6).as_deref(), Some("\"TCP\""));
        assert_eq!(text(58).as_deref(), Some("\"IPv6-ICMP\""));
        assert_eq!(text(253).as_deref(), Some("\"253\""));
    }
}
