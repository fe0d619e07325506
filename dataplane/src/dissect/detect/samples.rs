//! One opening of each protocol and side, and what looks like it.

use crate::app_proto::AppProto;
use crate::flow::Direction::{self, Down, Up};

/// Which transport a sample is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Tcp,
    Udp,
}

/// The opening of one side.
pub(super) struct Sample {
    pub(super) over: Over,
    pub(super) direction: Direction,
    pub(super) ports: (u16, u16),
    pub(super) is: AppProto,
    pub(super) bytes: Vec<u8>,
}

/// Ports that say nothing.
pub(super) const NO_HINT: (u16, u16) = (49_152, 40_000);

fn tcp(direction: Direction, is: AppProto, bytes: &[u8]) -> Sample {
    Sample { over: Over::Tcp, direction, ports: NO_HINT, is, bytes: bytes.into() }
}

fn udp(direction: Direction, is: AppProto, bytes: &[u8]) -> Sample {
    Sample { over: Over::Udp, direction, ports: NO_HINT, is, bytes: bytes.into() }
}

/// With a server's port that is needed.
fn at(port: u16, sample: Sample) -> Sample {
    Sample { ports: (49_152, port), ..sample }
}

/// Parts in a row.
pub(super) fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(super) const DNS_QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
pub(super) const SNMP_GET: &[u8] =
    b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\0\x02\x01\0\x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x03\0\x05\0";

pub(super) fn all() -> Vec<Sample> {
    [web(), secure(), talk(), office(), things(), names()].into_iter().flatten().collect()
}

fn web() -> Vec<Sample> {
    use AppProto::{Http, Http2};
    vec![
        tcp(Up, Http, b"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n"),
        tcp(Up, Http, b"get / http/1.0\n"),
        tcp(Up, Http, b"\r\nFROB http://a/b HTTP/1.1\r\n"),
        tcp(Up, Http, b"GET /\r\n"),
        tcp(Up, Http, b"CONNECT a.example:443 HTTP/1.1\r\n"),
        tcp(Up, Http, b"GET /a b c HTTP/1.1 \r\n"),
        tcp(Down, Http, b"HTTP/1.1 200 OK\r\n"),
        tcp(Down, Http, b"ICY 200 OK\r\n"),
        tcp(Up, Http2, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        tcp(Down, Http2, b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64"),
        tcp(Down, Http2, b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0"),
    ]
}

fn secure() -> Vec<Sample> {
    use AppProto::{Ike, Quic, Ssh, Tls};
    let mut quic = cat(&[b"\xc3\0\0\0\x01\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\0\0\x44\x9e", &[7; 1182]]);
    quic.truncate(1200);
    let ike = |version: u8, exchange: u8, next: u8, flags: u8| {
        cat(&[&[7; 8], &[0; 8], &[next, version, exchange, flags], &[0; 4], &[0, 0, 0, 36], &[9; 8]])
    };
    let dtls = cat(&[b"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x12\x01\0\0\x06\0\0\0\0\0\0\0\x06\xfe\xfd", &[1; 4]]);
    vec![
        tcp(Up, Tls, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03abcd"),
        tcp(Up, Tls, b"\x16\x03\0\0\0"),
        tcp(Down, Tls, b"\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03abcd"),
        tcp(Up, Tls, b"\x16\x03\x01\0\x01\x01\x16\x03\x01\0\x01\0\x16\x03\x01\0\x40\x01\xfc\x03\x03abcd"),
        tcp(Down, Tls, b"\x16\x03\x01\0\x52\x02\0\0\x4e\x7f\x12abcd"),
        tcp(Down, Tls, b"\x16\x03\x01\0\x0c\x06\0\0\x08\x7f\x12abcd"),
        tcp(Down, Tls, b"\x16\x03\x01\0\x04\0\0\0\0"),
        tcp(Down, Tls, b"\x15\x03\x01\0\x02\x02\x28"),
        tcp(Down, Tls, b"\x17\x03\x03\0\x04abcd\x17\x03\x03\0\x20"),
        tcp(Up, Tls, b"\x80\x2e\x01\0\x02\0\x15\0\0\0\x10\x07\0\xc0\x05\0\x80"),
        udp(Up, Tls, &dtls),
        tcp(Up, Ssh, b"SSH-2.0-OpenSSH_9.2\r\n"),
        tcp(Down, Ssh, b"SSH-1.99-x\r\n"),
        udp(Up, Quic, &quic),
        udp(Down, Quic, b"\x80\0\0\0\0\x08abcdefgh\x08ijklmnop\0\0\0\x01\x6b\x33\x43\xcf"),
        udp(Up, Quic, &cat(&[b"\x0dabcdefghQ043\x01", &[3; 40]])),
        udp(Down, Quic, b"\x08\x25\x42\xda\xab\xa4\0\x01\x03\xa5REJ\0\x07\0\0\0STK\0\x38\0\0\0"),
        udp(Up, Ike, &ike(0x20, 34, 33, 0x08)),
        udp(Up, Ike, &ike(0x10, 2, 1, 0)),
        at(4500, udp(Up, Ike, &cat(&[&[0; 4], &ike(0x20, 35, 46, 0x08)]))),
    ]
}

fn talk() -> Vec<Sample> {
    use AppProto::{Ftp, Imap, Irc, Pop3, Smtp, Telnet, Xmpp};
    vec![
        tcp(Up, Smtp, b"EHLO client.example\r\nMAIL FROM:<a@b>\r\n"),
        tcp(Down, Smtp, b"220 mx.example ESMTP ready\r\n"),
        at(25, tcp(Down, Smtp, b"220 welcome\r\n")),
        at(21, tcp(Down, Ftp, b"220 welcome\r\n")),
        tcp(Down, Ftp, b"220 (vsFTPd 3.0.3)\r\n"),
        tcp(Down, Ftp, b"220-Hello\r\n220 ProFTPD here\r\n"),
        tcp(Up, Ftp, b"USER a\r\nPASS b\r\nSYST\r\n"),
        tcp(Up, Ftp, b"AUTH TLS\r\n"),
        at(110, tcp(Up, Pop3, b"USER a\r\n")),
        tcp(Up, Pop3, b"CAPA\r\n"),
        tcp(Up, Pop3, b"USER a\r\nPASS b\r\nLIST\r\nUIDL\r\n"),
        tcp(Down, Pop3, b"+OK \xd3\xca ready\r\n"),
        tcp(Down, Imap, b"* OK [CAPABILITY IMAP4rev1] ready\r\n"),
        tcp(Up, Imap, b"a001 LOGIN joe secret\r\n"),
        tcp(Up, Irc, b"NICK joe\r\nUSER joe 0 * :Joe\r\n"),
        tcp(Up, Irc, b"USER joe 0 * :Joe\r\n"),
        tcp(Down, Irc, b":irc.example 001 joe :Welcome\r\n"),
        tcp(Down, Irc, b"NOTICE AUTH :*** Looking up\r\n"),
        tcp(Up, Xmpp, b"<?xml version='1.0'?>\n<stream:stream to='a'"),
        tcp(Down, Telnet, b"\xff\xfd\x18\xff\xfd\x20"),
    ]
}

fn office() -> Vec<Sample> {
    use AppProto::{Dcerpc, Krb5, Ldap, Mysql, Nfs, Pgsql, Rdp, Rfb, Rpc, Smb};
    let call = |program: u32| {
        cat(&[b"\0\0\0\x07\0\0\0\0\0\0\0\x02", &program.to_be_bytes(), &[0, 0, 0, 3], &[0; 20]])
    };
    let krb = b"\x6c\x17\x30\x15\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0c\xa4\x09abcdefghi";
    let mut dce_udp = vec![4, 0, 0, 0, 0x10, 0, 0];
    dce_udp.resize(74, 5);
    dce_udp.extend([4, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
    vec![
        tcp(Up, Smb, b"\0\0\0\x54\xffSMBr"),
        tcp(Down, Smb, b"\0\0\0\xe0\xfeSMB\x40\0"),
        tcp(Up, Smb, &cat(&[b"\x81\0\0\x44\x20", &[b'C'; 32]])),
        tcp(Up, Dcerpc, b"\x05\0\x0b\x03\x10\0\0\0\x48\0\0\0\x01\0\0\0"),
        udp(Up, Dcerpc, &dce_udp),
        tcp(Up, Nfs, &cat(&[&[0x80, 0, 0, 40], &call(100_003)])),
        udp(Up, Nfs, &call(100_003)),
        udp(Up, Rpc, &call(100_000)),
        at(2049, udp(Down, Nfs, &cat(&[b"\0\0\0\x07\0\0\0\x01", &[0; 20]]))),
        tcp(Up, Ldap, b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0"),
        tcp(Down, Ldap, b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0"),
        udp(Up, Ldap, b"\x30\x0a\x02\x01\x01\x63\x05\x04\0\x0a\x01\0"),
        tcp(Up, Krb5, &cat(&[&[0, 0, 0, 25], krb])),
        udp(Up, Krb5, krb),
        tcp(Down, Mysql, b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0\xff\xff"),
        tcp(Up, Mysql, &cat(&[b"\x20\0\0\x01\x0d\xaa\x1f\0\0\0\0\x40\x21", &[0; 23]])),
        tcp(Up, Pgsql, b"\0\0\0\x08\x04\xd2\x16\x2f"),
        tcp(Up, Pgsql, b"\0\0\0\x14\0\x03\0\0user\0postgres\0\0"),
        tcp(Down, Pgsql, b"R\0\0\0\x0c\0\0\0\x05salt"),
        tcp(Down, Pgsql, b"S\x16\x03\x03\0\x7a"),
        tcp(Up, Rdp, b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0"),
        tcp(Up, Rdp, b"\x03\0\0\x22\x1d\xe0\0\0\0\0\0Cookie: mstshash=joe\r\n"),
        tcp(Down, Rdp, b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0"),
        udp(Up, Rdp, &cat(&[b"\xff\xff\xff\xff\0\x40\x18\x01abcd\x04\xd0\x04\xd0", &[0; 1216]])),
        udp(Down, Rdp, &cat(&[b"abcd\0\x40\x10\x05efgh\x04\xd0\x04\xd0", &[0; 1216]])),
        tcp(Down, Rfb, b"RFB 003.889\n"),
    ]
}

fn things() -> Vec<Sample> {
    use AppProto::{Bittorrent, BittorrentDht, Coap, Dnp3, Enip, Modbus, Mqtt, Sip, Socks, Stun};
    let enip = cat(&[&[0x65, 0, 4, 0], &[0; 20], &[1, 0, 0, 0]]);
    vec![
        tcp(Up, Modbus, b"\0\x01\0\0\0\x06\x01\x03\0\x10\0\x02"),
        tcp(Down, Modbus, b"\0\x01\0\0\0\x07\x01\x03\x04abcd"),
        at(502, tcp(Up, Modbus, b"\0\x01\0\0\0\x05\x01\x2b\x0e\x01\0")),
        tcp(Down, Dnp3, b"\x05\x64\x0a\x44\x01\0\x0a\0\x6e\x25\xc0\xf0"),
        udp(Up, Dnp3, b"\x05\x64\x08\xc4\x0a\0\x01\0\xfc\x42\xc1\xd0"),
        tcp(Up, Enip, &enip),
        udp(Up, Enip, &cat(&[&[0x63], &[0; 23]])),
        tcp(Up, Mqtt, b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04abcd"),
        at(5683, udp(Up, Coap, b"\x40\x01\x12\x34\xb3foo")),
        tcp(Up, Sip, b"INVITE sip:bob@b SIP/2.0\r\n"),
        udp(Up, Sip, b"OPTIONS sip:bob@b SIP/2.0\r\nVia: x\r\n"),
        udp(Down, Sip, b"SIP/2.0 100 Trying\r\n"),
        tcp(Up, Stun, b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl"),
        udp(Up, Stun, b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl"),
        udp(Up, Stun, b"\0\x01\0\x08abcdefghijklmnop\0\x03\0\x04\0\0\0\0"),
        udp(Down, Stun, b"\x01\x01\0\x0cabcdefghijklmnop\0\x01\0\x08\0\x01\xd7\x0a\xac\x10\x3f\xe0"),
        tcp(Up, Stun, b"\0\x14\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl"),
        tcp(Up, Bittorrent, b"\x13BitTorrent protocol\0\0"),
        udp(Up, BittorrentDht, b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"),
        tcp(Up, Socks, b"\x05\x01\0\x05\x01\0\x03\x01a\0\x50"),
        tcp(Down, Socks, b"\x05\0\x05\0\0\x01\0\0\0\0\0\0"),
        tcp(Up, Socks, b"\x04\x01\0\x50\x0a\0\0\x01joe\0"),
    ]
}

fn names() -> Vec<Sample> {
    use AppProto::{Dhcp, Dhcpv6, Dns, Llmnr, Mdns, Ntp, Radius, Snmp, Tftp};
    let reply = cat(&[
        b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x01a\0\0\x01\0\x01",
        b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01",
    ]);
    let dhcp = cat(&[&[1, 1, 6, 0], &[0; 232], b"\x63\x82\x53\x63\x35\x01\x01\xff"]);
    let v3 = b"\x30\x1a\x02\x01\x03\x30\x0e\x02\x02\x12\x34\x02\x02\x05\xdc\x04\x01\x04\x02\x01\x03\x04\0\x30\x03\x04\x01\0";
    vec![
        udp(Up, Dns, DNS_QUERY),
        udp(Down, Dns, &reply),
        tcp(Up, Dns, &cat(&[&[0, 29], DNS_QUERY])),
        at(53, udp(Down, Dns, b"\x30\x40\x80\x81\0\0\0\0\0\0\0\0 send_")),
        at(5353, udp(Up, Mdns, b"\0\0\0\0\0\x01\0\0\0\0\0\0\x05local\0\0\x0c\x80\x01")),
        at(5355, udp(Up, Llmnr, DNS_QUERY)),
        udp(Up, Dhcp, &dhcp),
        at(547, udp(Up, Dhcpv6, b"\x01abc\0\x08\0\x02\0\0")),
        at(123, udp(Up, Ntp, &cat(&[&[0x1b, 3, 6, 0xec], &[5; 44]]))),
        udp(Up, Ntp, &cat(&[&[0x23], &[0; 39], &[0xe9, 1, 2, 3, 4, 5, 6, 7]])),
        udp(Up, Snmp, SNMP_GET),
        udp(Up, Snmp, v3),
        udp(Up, Radius, &cat(&[&[1, 9, 0, 25], &[7; 16], b"\x01\x05joe"])),
        udp(Up, Tftp, b"\0\x01a.img\0octet\0blksize\x001468\0"),
    ]
}
