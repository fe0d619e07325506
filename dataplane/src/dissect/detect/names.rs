//! What a network runs on: DNS and its kin, DHCP, NTP, SNMP, RADIUS.

use super::reader::{First, Fit, Reader, Unfit, need};
use crate::app_proto::AppProto;
use crate::flow::Direction;

const DNS: u16 = 53;
const NETBIOS_NAMES: u16 = 137;
const MDNS: u16 = 5353;
const LLMNR: u16 = 5355;

const HEADER_LEN: usize = 12;
/// Names that DNS does not allow (255 bytes) are asked for, too; what reads them
/// says so.
const NAME_LEN_MAX: usize = 1280;
/// Type, class, TTL and length of a record.
const RECORD_FIXED_LEN: usize = 10;

/// The counts of a message and its flags (RFC 1035 section 4.1.1).
struct Header {
    flags: u16,
    questions: u16,
    records: usize,
}

impl Header {
    const fn is_reply(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    const fn opcode(&self) -> u16 {
        self.flags >> 11 & 0xf
    }
}

/// The header, with what no message has refused. On a port of its own any
/// operation and any code will do: what is wrong with them is for others to say.
fn dns_header(reader: &mut Reader<'_>, is_known_port: bool) -> Result<Header, Unfit> {
    reader.u16()?;
    let flags = reader.u16()?;
    need(is_known_port || matches!(flags >> 11 & 0xf, 0..=2 | 4..=6) && flags & 0xf <= 11)?;
    let questions = reader.u16()?;
    let records = [reader.u16()?, reader.u16()?, reader.u16()?];
    let header = Header { flags, questions, records: records.iter().map(|&count| usize::from(count)).sum() };
    let rcode = flags & 0xf;
    // A query has no error and, but for updates and notices, no answers; those of
    // multicast DNS tell what is known already (RFC 6762 section 7.1).
    let is_plain = rcode == 0 && (records.first() == Some(&0) || header.opcode() >= 4);
    need(is_known_port || header.is_reply() || is_plain)?;
    Ok(header)
}

/// A name as it stands, up to its root or its pointer; pointers go back.
fn dns_name(reader: &mut Reader<'_>, message_len: usize) -> Result<usize, Unfit> {
    let mut len = 0;
    loop {
        let label = reader.byte()?;
        match label {
            0 => return Ok(len),
            1..=63 => {
                len += usize::from(label) + 1;
                need(len < NAME_LEN_MAX)?;
                reader.take(usize::from(label))?;
            }
            0xc0.. => {
                let at = usize::from(label & 0x3f) << 8 | usize::from(reader.byte()?);
                need(at >= HEADER_LEN && at < message_len)?;
                return Ok(len);
            }
            _ => return Err(Unfit::Wrong),
        }
    }
}

/// A question; multicast DNS uses the class's top bit (RFC 6762 section 5.4).
fn dns_question(reader: &mut Reader<'_>, message_len: usize, is_known_port: bool) -> Result<(), Unfit> {
    let label = reader.rest();
    dns_name(reader, message_len)?;
    let kind = reader.u16()?;
    let class = reader.u16()? & 0x7fff;
    need(kind != 0 && matches!(class, 1..=4 | 254 | 255))?;
    // The names of NetBIOS are encoded in 32 letters, and asked for by types of
    // its own (RFC 1002 section 4.2.1). Who asks a server of DNS for them asks DNS.
    let is_netbios = !is_known_port
        && matches!(kind, 0x20 | 0x21)
        && label.split_first().is_some_and(|(&len, name)| {
            len == 32 && name.iter().take(32).all(|letter| (b'A'..=b'P').contains(letter))
        });
    need(!is_netbios)
}

fn dns_record(reader: &mut Reader<'_>, message_len: usize) -> Result<(), Unfit> {
    dns_name(reader, message_len)?;
    let kind = reader.u16()?;
    let class = reader.u16()? & 0x7fff;
    // The class of OPT is a size (RFC 6891 section 6.1.2).
    need(kind == 41 || kind == 250 || matches!(class, 1..=4 | 254 | 255))?;
    reader.u32()?;
    let len = reader.u16()?;
    reader.take(usize::from(len))?;
    Ok(())
}

/// A message of DNS, multicast DNS or LLMNR: header, questions and records fill
/// the datagram. On DNS's own port a message may be cut short by its sender, or
/// have a tail.
pub(super) fn dns(first: &First<'_>) -> Fit {
    need(!first.has_port(&[NETBIOS_NAMES]))?;
    let message_len = first.bytes.len();
    let is_known_port = first.has_port(&[DNS, MDNS, LLMNR]);
    let mut reader = first.reader();
    let header = dns_header(&mut reader, is_known_port)?;
    let name = if first.has_port(&[MDNS]) {
        AppProto::Mdns
    } else if first.has_port(&[LLMNR]) {
        AppProto::Llmnr
    } else {
        AppProto::Dns
    };
    need(is_known_port || header.questions == 1)?;
    let is_refusal = header.is_reply() && header.flags & 0xf != 0;
    if header.questions == 0 && header.records == 0 {
        // A refusal may leave the question out.
        need(is_known_port && is_refusal)?;
        return Ok(name);
    }
    let least = usize::from(header.questions) * 5 + header.records * (1 + RECORD_FIXED_LEN);
    need(least <= reader.len() || is_known_port && header.questions == 1)?;
    for _ in 0..header.questions {
        dns_question(&mut reader, message_len, is_known_port)?;
    }
    for _ in 0..header.records {
        match dns_record(&mut reader, message_len) {
            Ok(()) => {}
            Err(_) if is_known_port && header.questions > 0 => return Ok(name),
            Err(unfit) => return Err(unfit),
        }
    }
    need(reader.is_empty() || is_known_port)?;
    Ok(name)
}

/// A message of DNS over TCP: a length, a header, a question (RFC 1035 section
/// 4.2.2).
pub(super) fn dns_tcp(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let len = usize::from(reader.u16()?);
    need(len >= HEADER_LEN + 5)?;
    let is_known_port = first.has_port(&[DNS, LLMNR]);
    let header = dns_header(&mut reader, is_known_port)?;
    // A reply to a transfer may have records alone from its second message on;
    // the first has the question.
    need(header.questions == 1 && (is_known_port || header.flags & 0x40 == 0))?;
    let least = HEADER_LEN + 5 + header.records * (1 + RECORD_FIXED_LEN);
    need(least <= len)?;
    dns_question(&mut reader, len, is_known_port)?;
    let read = first.bytes.len() - reader.len() - 2;
    // A query of no records ends with its question.
    need(if header.records == 0 { read == len } else { read < len })?;
    Ok(if first.has_port(&[LLMNR]) { AppProto::Llmnr } else { AppProto::Dns })
}

const DHCP_COOKIE: u32 = 0x6382_5363;

/// DHCP by its cookie (RFC 2131 section 3), BOOTP by its ports.
pub(super) fn dhcp(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    reader.byte_that(|op| op == 1 || op == 2)?;
    reader.byte()?;
    reader.byte_that(|address_len| address_len <= 16)?;
    reader.byte_that(|hops| hops <= 16)?;
    reader.take(232)?;
    need(reader.u32()? == DHCP_COOKIE || first.has_port(&[67, 68]) && reader.len() >= 60)?;
    Ok(AppProto::Dhcp)
}

/// `DHCPv6` on its ports: options fill the message (RFC 8415 section 8).
pub(super) fn dhcpv6(first: &First<'_>) -> Fit {
    need(first.has_port(&[546, 547]))?;
    let mut reader = first.reader();
    let kind = reader.byte_that(|kind| (1..=23).contains(&kind))?;
    // Relays carry two addresses instead of a transaction.
    reader.take(if matches!(kind, 12 | 13) { 33 } else { 3 })?;
    need(!reader.is_empty())?;
    while !reader.is_empty() {
        reader.u16()?;
        let len = reader.u16()?;
        reader.take(usize::from(len))?;
    }
    Ok(AppProto::Dhcpv6)
}

const NTP_LEN: usize = 48;

/// NTP (RFC 5905 section 7.3); off its port only what nothing else looks like:
/// a client that tells its time alone, a server whose two times are near.
pub(super) fn ntp(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let head = reader.byte()?;
    let (version, mode) = (head >> 3 & 7, head & 7);
    need((1..=4).contains(&version) && mode != 0)?;
    if mode >= 6 {
        need(first.has_port(&[123]) && first.bytes.len() >= if mode == 6 { 12 } else { 8 })?;
        return Ok(AppProto::Ntp);
    }
    let stratum = reader.byte_that(|stratum| stratum <= 16)?;
    need(first.bytes.len() >= NTP_LEN)?;
    if first.has_port(&[123]) {
        return Ok(AppProto::Ntp);
    }
    need(first.bytes.len() == NTP_LEN && version >= 3)?;
    match mode {
        3 => {
            let middle = first.bytes.get(4..40).ok_or(Unfit::Short)?;
            let time = first.bytes.get(40..).ok_or(Unfit::Short)?;
            need(middle.iter().all(|&byte| byte == 0) && time.iter().any(|&byte| byte != 0))?;
        }
        4 => {
            reader.take(30)?;
            let received = reader.u32()?;
            reader.u32()?;
            let sent = reader.u32()?;
            need((1..=15).contains(&stratum) && received != 0 && sent.wrapping_sub(received) <= 1)?;
        }
        _ => return Err(Unfit::Wrong),
    }
    Ok(AppProto::Ntp)
}

/// SNMP 1, 2c (RFC 1157, RFC 3416) and 3 (RFC 3412): the message is the
/// datagram. What is sent so to a DNS server's port asks no SNMP agent, but is
/// there to see whether a reply comes.
pub(super) fn snmp(first: &First<'_>) -> Fit {
    need(!first.has_port(&[DNS]))?;
    let mut reader = first.reader();
    let len = reader.ber(0x30)?;
    need(len == reader.len())?;
    match reader.ber_number()? {
        0 | 1 => {
            let community = reader.ber(0x04)?;
            reader.take(community)?;
            reader.byte_that(|pdu| (0xa0..=0xa8).contains(&pdu))?;
            need(reader.ber_len()? == reader.len())?;
        }
        3 => {
            let mut header = {
                let len = reader.ber(0x30)?;
                Reader::new(reader.take(len)?)
            };
            header.ber_number()?;
            need(header.ber_number()? >= 484 && header.ber(0x04)? == 1)?;
            header.byte_that(|flags| flags <= 7)?;
            header.ber_number()?;
            need(header.is_empty())?;
            let parameters = reader.ber(0x04)?;
            reader.take(parameters)?;
            reader.byte_that(|tag| tag == 0x30 || tag == 0x04)?;
        }
        _ => return Err(Unfit::Wrong),
    }
    Ok(AppProto::Snmp)
}

/// RADIUS (RFC 2865 section 3): attributes fill the packet.
pub(super) fn radius(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let total = reader.len();
    reader.byte_that(|code| matches!(code, 1..=5 | 11..=13 | 40..=45))?;
    reader.byte()?;
    let len = usize::from(reader.u16()?);
    need((20..=4096).contains(&len) && len == total)?;
    reader.take(16)?;
    need(!reader.is_empty() || first.has_port(&[1645, 1646, 1812, 1813, 3799]))?;
    while !reader.is_empty() {
        reader.byte_that(|kind| kind != 0)?;
        let len = reader.byte_that(|len| len >= 2)?;
        reader.take(usize::from(len) - 2)?;
    }
    Ok(AppProto::Radius)
}

/// TFTP: a request with its file, its mode and its options (RFC 1350 section 5,
/// RFC 2347). What follows comes from another port, and says less.
pub(super) fn tftp(first: &First<'_>) -> Fit {
    need(first.direction == Direction::Up)?;
    let mut reader = first.reader();
    reader.literal(&[0])?;
    reader.byte_that(|opcode| opcode == 1 || opcode == 2)?;
    let file = reader.until(0, 255, |byte| byte >= 0x20)?;
    let mode = reader.until(0, 8, |byte| byte.is_ascii_alphabetic())?;
    let is_mode = [&b"octet"[..], b"netascii", b"mail"].iter().any(|known| mode.eq_ignore_ascii_case(known));
    need(!file.is_empty() && is_mode)?;
    while !reader.is_empty() {
        let option = reader.until(0, 32, |byte| byte.is_ascii_graphic())?;
        reader.until(0, 64, |byte| byte >= 0x20)?;
        need(!option.is_empty())?;
    }
    Ok(AppProto::Tftp)
}
