//! The application protocols that a flow may be found to speak, by name.
//!
//! The names are the words of Suricata's `app_proto`, so that what reads its
//! events reads ours; where it has no word, ours is built alike. A flow keeps
//! the number, one byte a direction; 0 is kept for "not known yet".

use std::num::NonZeroU8;

macro_rules! app_protos {
    ($($variant:ident = $number:literal $name:literal $what:literal,)+) => {
        /// One application protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum AppProto {
            $(#[doc = concat!("`", $name, "`: ", $what)] $variant = $number,)+
        }

        impl AppProto {
            /// Every one, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word for events and rules: `ftp-data`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What the name stands for, in a few words.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$variant => $what,)+
                }
            }

            /// The one with this number; `None` for 0, which says "not known
            /// yet", and for numbers that nothing has.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

app_protos! {
    Failed = 1 "failed" "looked at, and nothing that is known",
    Http = 2 "http" "HTTP/0.9, 1.0 and 1.1 (RFC 9112)",
    Http2 = 3 "http2" "HTTP/2 (RFC 9113)",
    Tls = 4 "tls" "SSL 2.0 to TLS 1.3, and DTLS over UDP",
    Quic = 5 "quic" "QUIC (RFC 9000, RFC 9369)",
    Dns = 6 "dns" "DNS over UDP or TCP (RFC 1035)",
    Mdns = 7 "mdns" "multicast DNS (RFC 6762)",
    Llmnr = 8 "llmnr" "link-local multicast name resolution (RFC 4795)",
    Smtp = 9 "smtp" "SMTP (RFC 5321)",
    Pop3 = 10 "pop3" "POP3 (RFC 1939)",
    Imap = 11 "imap" "IMAP (RFC 9051)",
    Ftp = 12 "ftp" "FTP, the control connection (RFC 959)",
    FtpData = 13 "ftp-data" "FTP, a data connection: known by its control connection alone",
    Ssh = 14 "ssh" "SSH (RFC 4253)",
    Telnet = 15 "telnet" "Telnet (RFC 854)",
    Irc = 16 "irc" "IRC (RFC 2812)",
    Smb = 17 "smb" "SMB 1 to 3",
    Dcerpc = 18 "dcerpc" "DCE/RPC over TCP or UDP (C706)",
    Nfs = 19 "nfs" "NFS (RFC 1813, RFC 7530)",
    Ldap = 20 "ldap" "LDAP over TCP or UDP (RFC 4511)",
    Krb5 = 21 "krb5" "Kerberos 5 (RFC 4120)",
    Mysql = 22 "mysql" "MySQL and MariaDB",
    Pgsql = 23 "pgsql" "PostgreSQL, protocol 3",
    Rdp = 24 "rdp" "Remote Desktop (MS-RDPBCGR)",
    Rfb = 25 "rfb" "RFB, the protocol of VNC (RFC 6143)",
    Mqtt = 26 "mqtt" "MQTT 3.1 to 5",
    Modbus = 27 "modbus" "Modbus/TCP",
    Dnp3 = 28 "dnp3" "DNP3 (IEEE 1815)",
    Enip = 29 "enip" "EtherNet/IP",
    BittorrentDht = 30 "bittorrent-dht" "BitTorrent's distributed hash table (BEP 5)",
    Bittorrent = 31 "bittorrent" "BitTorrent, peer to peer (BEP 3)",
    Socks = 32 "socks" "SOCKS 4 and 5 (RFC 1928)",
    Websocket = 33 "websocket" "WebSocket (RFC 6455): what an HTTP connection may become",
    Dhcp = 34 "dhcp" "DHCP and BOOTP (RFC 2131)",
    Ntp = 35 "ntp" "NTP (RFC 5905)",
    Snmp = 36 "snmp" "SNMP, versions 1 to 3",
    Sip = 37 "sip" "SIP (RFC 3261)",
    Tftp = 38 "tftp" "TFTP (RFC 1350)",
    Ike = 39 "ike" "ISAKMP and IKE, versions 1 and 2 (RFC 2408, RFC 7296)",
    Radius = 40 "radius" "RADIUS (RFC 2865)",
    Stun = 41 "stun" "STUN and TURN (RFC 8489)",
    Coap = 42 "coap" "CoAP (RFC 7252)",
    Rpc = 43 "rpc" "ONC RPC other than NFS (RFC 5531)",
    Xmpp = 44 "jabber" "XMPP (RFC 6120)",
    Dhcpv6 = 45 "dhcpv6" "DHCPv6 (RFC 8415)",
}

impl AppProto {
    /// The byte that a flow keeps: never 0.
    pub const fn number(self) -> NonZeroU8 {
        match NonZeroU8::new(self as u8) {
            Some(number) => number,
            None => unreachable!(),
        }
    }

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_number_leads_back_to_its_protocol() {
        let known: Vec<AppProto> = (0..=u8::MAX).filter_map(AppProto::from_number).collect();
        assert_eq!(known, AppProto::ALL, "each number once, in order");
        for &one in AppProto::ALL {
            assert_eq!(AppProto::from_number(one.number().get()), Some(one));
        }
        assert_eq!(AppProto::from_number(0), None, "0 says that nothing is known yet");
    }

    #[test]
    fn a_name_is_given_once_and_leads_back() {
        let names: HashSet<&str> = AppProto::ALL.iter().map(|one| one.name()).collect();
        assert_eq!(names.len(), AppProto::ALL.len());
        for &one in AppProto::ALL {
            assert_eq!(AppProto::from_name(one.name()), Some(one));
            assert!(
                one.name()
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
        }
        assert_eq!(AppProto::from_name("http_any"), None);
    }
}
