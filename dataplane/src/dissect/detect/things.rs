//! Machines and media: Modbus, DNP3, EtherNet/IP, MQTT, `CoAP`, SIP, STUN,
//! `BitTorrent`, SOCKS.

use super::reader::{First, Fit, Reader, Unfit, holds, need};
use crate::app_proto::AppProto;
use crate::flow::Direction;

/// Modbus/TCP (messaging guide 1.0b, section 3.1.3); off its port the requests
/// and replies whose lengths follow from their function.
pub(super) fn modbus(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    reader.u16()?;
    reader.zeros(2)?;
    let len = reader.u16()?;
    need((3..=254).contains(&len))?;
    reader.byte()?;
    let function = reader.byte()?;
    need(matches!(function & 0x7f, 1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43 | 90))?;
    if first.has_port(&[502]) {
        return Ok(AppProto::Modbus);
    }
    let is_up = first.direction == Direction::Up;
    match function {
        1..=4 if is_up => {
            reader.u16()?;
            need(len == 6 && (1..=2000).contains(&reader.u16()?))?;
        }
        1..=4 => need(u16::from(reader.byte_that(|count| count != 0)?) + 3 == len)?,
        5 => {
            reader.u16()?;
            need(len == 6 && matches!(reader.u16()?, 0 | 0xff00))?;
        }
        15 | 16 if is_up => {
            reader.u16()?;
            need((1..=1968).contains(&reader.u16()?))?;
            need(u16::from(reader.byte()?) + 7 == len)?;
        }
        0x81..=0x90 if !is_up => {
            reader.byte_that(|exception| (1..=11).contains(&exception))?;
            need(len == 3)?;
        }
        _ => return Err(Unfit::Wrong),
    }
    // Six bytes before the length's count, and the unit and function in it.
    let is_whole = first.bytes.len() >= usize::from(len) + 6;
    if is_whole { Ok(AppProto::Modbus) } else { Err(Unfit::Short) }
}

/// DNP3: a link header and its checksum (IEEE 1815 section 9.2.4).
pub(super) fn dnp3(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    reader.literal(&[0x05, 0x64])?;
    reader.byte_that(|len| len >= 5)?;
    reader.take(5)?;
    let sum = reader.u16_le()?;
    need(first.bytes.get(..8).is_some_and(|header| dnp3_sum(header) == sum))?;
    Ok(AppProto::Dnp3)
}

/// CRC-16/DNP: polynomial 0x3d65, reflected, inverted.
fn dnp3_sum(bytes: &[u8]) -> u16 {
    !bytes.iter().fold(0_u16, |sum, &byte| {
        (0..8).fold(sum ^ u16::from(byte), |sum, _| if sum & 1 == 0 { sum >> 1 } else { sum >> 1 ^ 0xa6bc })
    })
}

/// EtherNet/IP: the encapsulation header (CIP volume 2, section 2-3).
pub(super) fn enip(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let command = reader.u16_le()?;
    need(matches!(command, 0x04 | 0x63..=0x66 | 0x6f | 0x70))?;
    let len = reader.u16_le()?;
    let session = reader.u32_le()?;
    need(matches!(reader.u32_le()?, 0..=3 | 0x64 | 0x65 | 0x69 | 0x6a))?;
    reader.take(8)?;
    need(reader.u32()? == 0)?;
    let fits = match command {
        0x65 => len == 4,
        0x6f | 0x70 => session != 0 && len >= 6,
        0x66 => session != 0 && len == 0,
        _ => session == 0 || first.has_port(&[44818, 2222]),
    };
    need(fits)?;
    if command == 0x65 {
        reader.literal(&[1, 0, 0, 0])?;
    }
    Ok(AppProto::Enip)
}

/// EtherNet/IP in a datagram: the length is the rest's.
pub(super) fn enip_udp(first: &First<'_>) -> Fit {
    let len = first.bytes.get(2..4).map_or(0, |len| Reader::new(len).u16_le().unwrap_or(0));
    need(usize::from(len) + 24 == first.bytes.len())?;
    enip(first)
}

/// MQTT: CONNECT with its protocol's name and level, or CONNACK (MQTT 5
/// sections 3.1 and 3.2).
pub(super) fn mqtt(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    if reader.byte_that(|kind| kind == 0x10 || kind == 0x20)? == 0x20 {
        need(first.direction == Direction::Down)?;
        let len = reader.byte_that(|len| (2..0x80).contains(&len))?;
        reader.byte_that(|flags| flags <= 1)?;
        let code = reader.byte()?;
        need(code <= 5 || len > 2 && code >= 0x80)?;
        if len > 2 {
            reader.byte_that(|properties| properties.saturating_add(3) == len)?;
        }
        return Ok(AppProto::Mqtt);
    }
    for at in 0..4 {
        let byte = reader.byte()?;
        if byte < 0x80 {
            break;
        }
        need(at < 3)?;
    }
    reader.literal(&[0])?;
    if reader.byte_that(|len| len == 4 || len == 6)? == 4 {
        reader.literal(b"MQTT")?;
        // The top bit says that a bridge is calling.
        reader.byte_that(|level| matches!(level & 0x7f, 4 | 5))?;
    } else {
        reader.literal(b"MQIsdp")?;
        reader.byte_that(|level| level & 0x7f == 3)?;
    }
    reader.byte_that(|flags| flags & 1 == 0)?;
    Ok(AppProto::Mqtt)
}

/// `CoAP` on its port: codes and options that add up (RFC 7252 section 3).
pub(super) fn coap(first: &First<'_>) -> Fit {
    need(first.has_port(&[5683]))?;
    let mut reader = first.reader();
    let head = reader.byte_that(|head| head >> 6 == 1 && head & 0xf <= 8)?;
    reader.byte_that(|code| matches!(code, 0..=7 | 0x40..=0x5f | 0x80..=0x9d | 0xa0..=0xa5))?;
    reader.u16()?;
    reader.take(usize::from(head & 0xf))?;
    while !reader.is_empty() {
        let option = reader.byte()?;
        if option == 0xff {
            need(!reader.is_empty())?;
            break;
        }
        let mut extended = |nibble: u8| match nibble {
            13 => reader.byte().map(|more| usize::from(more) + 13),
            14 => reader.u16().map(|more| usize::from(more) + 269),
            15 => Err(Unfit::Wrong),
            small => Ok(usize::from(small)),
        };
        extended(option >> 4)?;
        let len = extended(option & 0xf)?;
        reader.take(len)?;
    }
    Ok(AppProto::Coap)
}

/// SIP: a request whose line ends in its version, or a status line (RFC 3261
/// section 7), after keep-alives.
pub(super) fn sip(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    while reader.rest().first().is_some_and(|&byte| byte == b'\r' || byte == b'\n') {
        reader.byte()?;
    }
    if reader.rest().first() == Some(&b'S') && reader.rest().get(1).is_none_or(|&byte| byte == b'I') {
        reader.literal(b"SIP/2.0 ")?;
        for _ in 0..3 {
            reader.byte_that(|byte| byte.is_ascii_digit())?;
        }
        return Ok(AppProto::Sip);
    }
    let method = reader.until(b' ', 16, |byte| byte.is_ascii_uppercase())?;
    need(method.len() >= 3)?;
    let line = reader.line()?;
    need(line.ends_with(b" SIP/2.0"))?;
    Ok(AppProto::Sip)
}

const STUN_COOKIE: u32 = 0x2112_a442;

/// STUN (RFC 8489 section 5): the cookie, or without it (RFC 3489) attributes
/// that fill the datagram, all of which were known then where its port is not
/// STUN's.
pub(super) fn stun(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let kind = reader.u16()?;
    let len = usize::from(reader.u16()?);
    need(kind != 0 && kind < 0x4000 && len.is_multiple_of(4) && len <= 2048)?;
    if reader.u32()? == STUN_COOKIE {
        return Ok(AppProto::Stun);
    }
    let has_port = first.has_port(&[3478, 3479]);
    need(matches!(kind, 1 | 0x101 | 0x111) && (has_port || len > 0))?;
    reader.take(12)?;
    need(reader.len() == len)?;
    while !reader.is_empty() {
        let attribute = reader.u16()?;
        let len = usize::from(reader.u16()?);
        let value = reader.take(len)?;
        need(has_port || is_old_attribute(attribute, value))?;
    }
    Ok(AppProto::Stun)
}

/// Whether an attribute is one of RFC 3489 section 11.2.
fn is_old_attribute(attribute: u16, value: &[u8]) -> bool {
    match attribute {
        // Addresses: IPv4.
        1 | 2 | 4 | 5 | 11 => matches!(value, [0, 1, _, _, _, _, _, _]),
        // Which of address and port to change.
        3 => matches!(value, [0, 0, 0, 0 | 2 | 4 | 6]),
        8 => value.len() == 20,
        6 | 7 => !value.is_empty(),
        9 => matches!(value, [0, 0, 1..=6, 0..=99, ..]),
        _ => false,
    }
}

/// STUN over TCP with a length before each message, as ICE has it (RFC 4571, RFC
/// 6544 section 3).
pub(super) fn stun_framed(first: &First<'_>) -> Fit {
    /// Type, length, cookie, number of the transaction.
    const HEADER_LEN: u16 = 20;
    let mut reader = first.reader();
    let frame_len = reader.u16()?;
    need(reader.u16()? < 0x4000)?;
    let len = reader.u16()?;
    need(len.is_multiple_of(4) && len.checked_add(HEADER_LEN) == Some(frame_len))?;
    need(reader.u32()? == STUN_COOKIE)?;
    Ok(AppProto::Stun)
}

/// `BitTorrent` between peers (BEP 3).
pub(super) fn bittorrent(first: &First<'_>) -> Fit {
    first.reader().literal(b"\x13BitTorrent protocol")?;
    Ok(AppProto::Bittorrent)
}

/// A message of the distributed hash table (BEP 5): a dictionary of its query,
/// reply or error, in bencoding, which fills the datagram.
pub(super) fn bittorrent_dht(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    reader.literal(b"d")?;
    let mut kind = None;
    while reader.rest().first() != Some(&b'e') {
        let key = bencoded_string(&mut reader)?;
        if key == b"y" {
            kind = Some(bencoded_string(&mut reader)?);
        } else {
            bencoded(&mut reader)?;
        }
    }
    reader.byte()?;
    need(reader.is_empty() && matches!(kind, Some(b"q" | b"r" | b"e")))?;
    Ok(AppProto::BittorrentDht)
}

fn bencoded_string<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Unfit> {
    let digits = reader.until(b':', 4, |byte| byte.is_ascii_digit())?;
    need(!digits.is_empty())?;
    reader.take(digits.iter().fold(0, |len, &digit| len * 10 + usize::from(digit - b'0')))
}

/// One value, with all that is in it: depth is counted, not recursed into.
fn bencoded(reader: &mut Reader<'_>) -> Result<(), Unfit> {
    let mut depth = 0_usize;
    loop {
        match reader.rest().first() {
            Some(b'd' | b'l') => {
                reader.byte()?;
                depth += 1;
            }
            Some(b'e') if depth > 0 => {
                reader.byte()?;
                depth -= 1;
            }
            Some(b'i') => {
                reader.byte()?;
                reader.until(b'e', 20, |byte| byte.is_ascii_digit() || byte == b'-')?;
            }
            _ => {
                bencoded_string(reader)?;
            }
        }
        if depth == 0 {
            return Ok(());
        }
    }
}

/// SOCKS 4 and 5: a request, or a reply to one; the bare choice of a method is
/// too little but on its port (RFC 1928 section 3).
pub(super) fn socks(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    if reader.byte_that(|version| version == 4 || version == 5)? == 4 {
        need(first.direction == Direction::Up)?;
        reader.byte_that(|command| command == 1 || command == 2)?;
        need(reader.u16()? != 0 && reader.u32()? != 0)?;
        let user = reader.until(0, 64, |byte| byte.is_ascii_graphic())?;
        need(reader.is_empty() || !holds(user, b"SMB"))?;
        return Ok(AppProto::Socks);
    }
    if first.direction == Direction::Up {
        let count = reader.byte_that(|count| (1..=10).contains(&count))?;
        for _ in 0..count {
            reader.byte_that(|method| method <= 9 || (0x80..0xff).contains(&method))?;
        }
        if reader.is_empty() && first.has_port(&[1080, 9050, 9150]) {
            return Ok(AppProto::Socks);
        }
        if reader.byte_that(|byte| byte == 1 || byte == 5)? == 1 {
            // A name and a password (RFC 1929 section 2).
            reader.byte_that(|len| len != 0)?;
            return Ok(AppProto::Socks);
        }
        reader.byte_that(|command| (1..=3).contains(&command))?;
    } else {
        reader.byte_that(|method| matches!(method, 0..=2))?;
        reader.literal(&[5])?;
        reader.byte_that(|reply| reply <= 8)?;
    }
    reader.literal(&[0])?;
    reader.byte_that(|kind| matches!(kind, 1 | 3 | 4))?;
    Ok(AppProto::Socks)
}
