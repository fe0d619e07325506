//! What is encrypted from its first messages on: TLS, DTLS, SSL 2, SSH, QUIC,
//! IKE.

use super::reader::{First, Fit, Reader, Unfit, need};
use crate::app_proto::AppProto;
use crate::flow::Direction;

/// Where records of TLS in the middle of a connection are believed at once.
const TLS_PORTS: &[u16] =
    &[443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 3269, 5061, 5223, 5228, 8443];

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const RECORD_TYPES: std::ops::RangeInclusive<u8> = 20..=23;

/// The most that a record may hold: 2^14 and what encryption may add.
const RECORD_LEN_MAX: u16 = (1 << 14) + 2048;

/// Records of SSL 3 to TLS 1.3 (RFC 8446 section 5.1): a hello, also cut into
/// records of one byte, or an alert; in the middle of a connection, a second
/// record after the first. An empty record of a handshake is none that may be,
/// and nothing else either: whoever begins with one speaks TLS badly.
pub(super) fn tls(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    if let [HANDSHAKE, 3, 0..=4, 0, 0, ..] = first.bytes {
        return Ok(AppProto::Tls);
    }
    let (kind, len) = tls_record(&mut reader)?;
    match kind {
        HANDSHAKE if reader.rest().first().is_none_or(|&kind| is_first_message(kind)) => {
            hello(&mut reader, len)?;
        }
        ALERT if len == 2 && reader.rest().first().is_none_or(|level| (1..=2).contains(level)) => {
            reader.byte()?;
            reader.byte_that(|description| description <= 121)?;
        }
        _ if len >= 16 && first.has_port(TLS_PORTS) => {}
        _ => {
            reader.take(len)?;
            tls_record(&mut reader)?;
        }
    }
    Ok(AppProto::Tls)
}

/// The header of a record: its type and length.
fn tls_record(reader: &mut Reader<'_>) -> Result<(u8, usize), Unfit> {
    let kind = reader.byte_that(|kind| RECORD_TYPES.contains(&kind))?;
    reader.literal(&[3])?;
    reader.byte_that(|minor| minor <= 4)?;
    let len = reader.u16()?;
    need((1..=RECORD_LEN_MAX).contains(&len))?;
    Ok((kind, usize::from(len)))
}

/// Messages that can begin what a side says: a wish for a hello, a hello, a wish
/// for another (drafts of TLS 1.3).
const fn is_first_message(kind: u8) -> bool {
    matches!(kind, 0..=2 | 6)
}

/// The first six bytes of a handshake, out of as many records as it takes: a
/// hello, its length, its version; of a wish for one its length, which is 0.
fn hello(reader: &mut Reader<'_>, len: usize) -> Result<(), Unfit> {
    let mut left = len;
    let mut head = [0; 6];
    for at in 0..head.len() {
        if left == 0 {
            let (kind, next_len) = tls_record(reader)?;
            need(kind == HANDSHAKE)?;
            left = next_len;
        }
        let byte = reader.byte()?;
        left -= 1;
        if let Some(slot) = head.get_mut(at) {
            *slot = byte;
        }
        let [kind, _, _, _, major, _] = head;
        need(match at {
            0 => is_first_message(byte),
            // Longer than 2^17 is no hello.
            1 => byte <= u8::from(kind != 0),
            2 | 3 => kind != 0 || byte == 0,
            // 3.x, or a draft of TLS 1.3 that the server has chosen.
            4 => byte == 3 || kind != 1 && matches!(byte, 0x7f | 0xfb),
            _ => major != 3 || byte <= 4,
        })?;
        if kind == 0 && at == 3 {
            return Ok(());
        }
    }
    Ok(())
}

/// A hello of SSL 2, also one that offers SSL 3 or TLS (RFC 5246 appendix E.2):
/// all lengths add up.
pub(super) fn ssl2(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let high = reader.byte_that(|high| high & 0x80 != 0)?;
    let len = usize::from(high & 0x7f) << 8 | usize::from(reader.byte()?);
    let kind = reader.byte_that(|kind| kind == 1 || kind == 4)?;
    if kind == 4 {
        reader.byte_that(|session_id_hit| session_id_hit <= 1)?;
        reader.byte_that(|certificate_type| certificate_type <= 1)?;
    }
    let version = reader.u16()?;
    need(version == 2 || kind == 1 && (0x300..=0x304).contains(&version))?;
    let (a, b, c) = (reader.u16()?, reader.u16()?, reader.u16()?);
    let sum = usize::from(a) + usize::from(b) + usize::from(c);
    if kind == 1 {
        let session_id_fits = b == 0 || b == 16 || b == 32;
        need(a > 0 && a % 3 == 0 && session_id_fits && (16..=32).contains(&c) && len == 9 + sum)?;
    } else {
        need(b % 3 == 0 && (1..=32).contains(&c) && len == 11 + sum)?;
    }
    Ok(AppProto::Tls)
}

/// DTLS 1.0 to 1.3 (RFC 6347 section 4.1): plaintext records that fill the
/// datagram, or a hello first.
pub(super) fn dtls(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let kind = reader.byte_that(|kind| RECORD_TYPES.contains(&kind))?;
    let version = reader.u16()?;
    need(matches!(version, 0xfeff | 0xfefd | 0x0100))?;
    let epoch = reader.u16()?;
    reader.take(6)?;
    let len = usize::from(reader.u16()?);
    need(len > 0)?;
    let mut fragment = Reader::new(reader.take(len)?);
    if kind == HANDSHAKE && epoch == 0 {
        fragment.byte_that(|kind| kind <= 24)?;
        let whole = fragment.u24()?;
        fragment.u16()?;
        let (offset, part) = (fragment.u24()?, fragment.u24()?);
        need(whole < 1 << 18 && offset.saturating_add(part) <= whole && fragment.len() >= part as usize)?;
    }
    // What follows is a record with the same major version, or an encrypted one
    // of DTLS 1.3 (RFC 9147 section 4).
    match reader.rest() {
        [] | [0x20..=0x3f, ..] | [20..=23 | 26, 0xfe | 0x01, ..] => Ok(AppProto::Tls),
        _ => Err(Unfit::Wrong),
    }
}

/// The banner (RFC 4253 section 4.2).
pub(super) fn ssh(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    reader.literal(b"SSH-")?;
    reader.byte_that(|byte| byte == b'1' || byte == b'2')?;
    reader.literal(b".")?;
    reader.byte_that(|byte| byte.is_ascii_digit())?;
    Ok(AppProto::Ssh)
}

/// The shortest packet that can be unprotected: number and tag.
const QUIC_PAYLOAD_MIN: u64 = 20;

/// Long headers of QUIC (RFC 9000 section 17.2, RFC 9369, drafts, Facebook's
/// and Google's), version negotiation, and Google's older public header.
pub(super) fn quic(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let head = reader.byte()?;
    if head & 0x80 == 0 {
        return gquic(first, head);
    }
    let version = reader.u32()?;
    if is_gquic_long(version) {
        // Q046 has the lengths of both connection IDs in one byte.
        need(head & 0x40 != 0 && reader.len() >= 20)?;
        return Ok(AppProto::Quic);
    }
    let to_len = reader.byte_that(|len| len <= 20)?;
    reader.take(usize::from(to_len))?;
    let from_len = reader.byte_that(|len| len <= 20)?;
    reader.take(usize::from(from_len))?;
    if version == 0 {
        let offered = reader.rest();
        need(first.direction == Direction::Down && !offered.is_empty() && offered.len().is_multiple_of(4))?;
        let is_known = |version: &[u8; 4]| {
            let version = u32::from_be_bytes(*version);
            is_quic_version(version) || is_gquic_long(version)
        };
        need(offered.as_chunks().0.iter().any(is_known))?;
        return Ok(AppProto::Quic);
    }
    // Greased versions (RFC 9000 section 15) only where a client would send them.
    let is_reserved = version & 0x0f0f_0f0f == 0x0a0a_0a0a && first.bytes.len() >= 1200;
    need(head & 0x40 != 0 && (is_quic_version(version) || is_reserved))?;
    let kind = head >> 4 & 3;
    let kind = if version == 0x6b33_43cf { kind.wrapping_sub(1) & 3 } else { kind };
    if kind == 3 {
        // Retry: a token and a tag, no length.
        need(reader.len() > 16)?;
        return Ok(AppProto::Quic);
    }
    if kind == 0 {
        // The server's first connection ID has eight bytes at least.
        need(first.direction == Direction::Down || to_len >= 8 || from_len > 0)?;
        let token_len = reader.quic_number()?;
        reader.take(usize::try_from(token_len).map_err(|_| Unfit::Wrong)?)?;
    }
    let len = reader.quic_number()?;
    need(len >= QUIC_PAYLOAD_MIN && len <= reader.len() as u64)?;
    Ok(AppProto::Quic)
}

/// Versions 1 and 2, drafts, and mvfst's.
const fn is_quic_version(version: u32) -> bool {
    matches!(version, 1 | 0x6b33_43cf | 0xff00_0001..=0xff00_0022 | 0xff02_0000 | 0xface_b000..=0xface_b00f)
}

/// `Q046` to `Q050`, `T048` to `T051`: Google's, with a long header.
const fn is_gquic_long(version: u32) -> bool {
    matches!(
        version,
        0x5130_3434..=0x5130_3439 | 0x5130_3530..=0x5130_3539 | 0x5430_3438..=0x5430_3439 | 0x5430_3530..=0x5430_3531
    )
}

/// Whether a server of Google's QUIC refuses a client's first hello, in the
/// clear: the tag of the message, how many it holds, and the first of them, which
/// are in order.
fn is_rejection(bytes: &[u8]) -> bool {
    /// The longest headers before it: of the packet, and of a frame.
    const HEADERS_MAX: usize = 64;
    let mut windows = bytes.windows(12).take(HEADERS_MAX);
    windows.any(|window| matches!(window, [b'R', b'E', b'J', 0, 1..=32, 0, 0, 0, b'S', b'T', b'K', 0]))
}

/// The public header up to Q043: flags, a connection ID of eight bytes, the
/// version.
fn gquic(first: &First<'_>, flags: u8) -> Fit {
    if flags & 0xc1 == 0 && is_rejection(first.bytes) {
        return Ok(AppProto::Quic);
    }
    need(flags & 0x09 == 0x09 && flags & 0xc0 == 0 && first.direction == Direction::Up)?;
    let mut reader = first.reader();
    reader.take(9)?;
    reader.literal(b"Q0")?;
    reader.byte_that(|digit| (b'0'..=b'4').contains(&digit))?;
    reader.byte_that(|digit| digit.is_ascii_digit())?;
    need(reader.len() >= 13)?;
    Ok(AppProto::Quic)
}

/// ISAKMP and IKE (RFC 2408 section 3.1, RFC 7296 section 3.1), also behind the
/// non-ESP marker (RFC 3948 section 2.2); the length is the datagram's.
pub(super) fn ike(first: &First<'_>) -> Fit {
    let has_marker = first.has_port(&[4500]) && first.bytes.starts_with(&[0; 4]);
    let mut reader = first.reader();
    reader.take(if has_marker { 4 } else { 0 })?;
    let total = reader.len();
    need(reader.take(8)?.iter().any(|&byte| byte != 0))?;
    reader.take(8)?;
    let next_payload = reader.byte()?;
    let version = reader.byte()?;
    let exchange = reader.byte()?;
    let flags = reader.byte()?;
    let fits = match version {
        0x10 => {
            matches!(exchange, 1..=2 | 4..=6 | 32..=33)
                && flags <= 7
                && matches!(next_payload, 0..=20 | 130..=135)
        }
        0x20..=0x2f => {
            matches!(exchange, 34..=44) && flags & !0x38 == 0 && matches!(next_payload, 0 | 33..=54)
        }
        _ => false,
    };
    need(fits)?;
    reader.u32()?;
    need(reader.u32()? as usize == total)?;
    Ok(AppProto::Ike)
}
