//! Directories, shares, databases and desktops: SMB, DCE/RPC, ONC RPC and NFS,
//! LDAP, Kerberos, `MySQL`, `PostgreSQL`, RDP, RFB.

use super::reader::{First, Fit, Reader, Unfit, begins_with, need};
use crate::app_proto::AppProto;
use crate::flow::Direction;

/// SMB over `NetBIOS` or alone over TCP (RFC 1002 section 4.3, MS-SMB2 section
/// 2.1).
pub(super) fn smb(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    match reader.byte()? {
        0x00 => {
            let len = reader.u24()?;
            need(len >= 32)?;
            reader.byte_that(|byte| (0xfc..=0xff).contains(&byte))?;
            reader.literal(b"SMB")?;
        }
        0x81 => {
            // A session request: two names in their encoding.
            reader.literal(&[0, 0, 0x44, 0x20])?;
            let name = reader.take(32)?;
            need(name.iter().all(|letter| (b'A'..=b'P').contains(letter)))?;
        }
        0x82 => {
            need(first.has_port(&[139]))?;
            reader.zeros(3)?;
        }
        0x83 => {
            need(first.has_port(&[139]))?;
            reader.literal(&[0, 0, 1])?;
        }
        _ => return Err(Unfit::Wrong),
    }
    Ok(AppProto::Smb)
}

/// DCE/RPC over a connection: the common header (C706 section 12.6.3.1).
pub(super) fn dcerpc(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    reader.literal(&[5])?;
    reader.byte_that(|minor| minor <= 1)?;
    let kind = reader.byte_that(|kind| matches!(kind, 0 | 2 | 3 | 11..=20))?;
    reader.byte()?;
    let order = reader.byte_that(|order| matches!(order, 0x00 | 0x01 | 0x10 | 0x11))?;
    reader.byte_that(|float| float <= 3)?;
    reader.zeros(2)?;
    let is_little = order & 0x10 != 0;
    let mut short = || if is_little { reader.u16_le() } else { reader.u16() };
    let (len, auth_len) = (short()?, short()?);
    let least = match kind {
        0 | 2 | 3 | 12 | 15 => 24,
        11 | 14 => 28,
        _ => 16,
    };
    need(len >= least && auth_len < len)?;
    reader.u32()?;
    Ok(AppProto::Dcerpc)
}

/// The header of DCE/RPC in datagrams (C706 section 12.5).
const DCERPC_UDP_HEADER_LEN: usize = 80;

/// DCE/RPC over UDP: the body's length is the rest's.
pub(super) fn dcerpc_udp(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let total = reader.len();
    reader.literal(&[4])?;
    reader.byte_that(|kind| kind <= 10)?;
    reader.take(2)?;
    let order = reader.byte_that(|order| matches!(order, 0x00 | 0x01 | 0x10 | 0x11))?;
    reader.byte_that(|float| float <= 3)?;
    reader.zeros(1)?;
    reader.take(67)?;
    let len = usize::from(if order & 0x10 != 0 { reader.u16_le()? } else { reader.u16()? });
    reader.take(2)?;
    let authentication = reader.byte()?;
    let body = total.checked_sub(DCERPC_UDP_HEADER_LEN).ok_or(Unfit::Short)?;
    need(if authentication == 0 { len == body } else { len <= body })?;
    Ok(AppProto::Dcerpc)
}

const NFS: u32 = 100_003;
const NFS_PORT: &[u16] = &[2049];
const PORTMAP_PORT: &[u16] = &[111];

/// ONC RPC over TCP: a record mark, a message (RFC 5531 section 11).
pub(super) fn rpc_tcp(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let mark = reader.u32()?;
    need((24..1 << 22).contains(&(mark & 0x7fff_ffff)))?;
    rpc(first, reader)
}

/// ONC RPC in a datagram.
pub(super) fn rpc_udp(first: &First<'_>) -> Fit {
    rpc(first, first.reader())
}

/// A call says its program; a reply does not, and the port must.
fn rpc(first: &First<'_>, mut reader: Reader<'_>) -> Fit {
    reader.u32()?;
    reader.zeros(3)?;
    if reader.byte_that(|kind| kind <= 1)? == 1 {
        reader.zeros(3)?;
        let is_denied = reader.byte_that(|status| status <= 1)? == 1;
        need(first.has_port(NFS_PORT) || first.has_port(PORTMAP_PORT))?;
        if !is_denied {
            need(reader.u32()? <= 6 && reader.u32()? <= 400)?;
        }
        return Ok(if first.has_port(NFS_PORT) { AppProto::Nfs } else { AppProto::Rpc });
    }
    reader.literal(&[0, 0, 0, 2])?;
    let (program, version, procedure) = (reader.u32()?, reader.u32()?, reader.u32()?);
    // Sun's programs are those that are met; NFS 4.x calls itself 4.
    need((100_000..=100_300).contains(&program) && version <= 4 && procedure <= 64)?;
    need(reader.u32()? <= 6 && reader.u32()? <= 400)?;
    Ok(if program == NFS { AppProto::Nfs } else { AppProto::Rpc })
}

/// LDAP over TCP or UDP: a message with its number and an operation whose
/// length is the rest's (RFC 4511 section 4.1.1).
pub(super) fn ldap(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let len = reader.ber(0x30)?;
    need(len >= 5)?;
    let at_body = reader.len();
    reader.ber_number()?;
    let operation = reader.byte_that(|tag| {
        matches!(tag, 0x42 | 0x4a | 0x50 | 0x60 | 0x61 | 0x63..=0x69 | 0x6b..=0x6f | 0x73 | 0x77..=0x79)
    })?;
    let operation_len = reader.ber_len()?;
    let used = at_body - reader.len();
    need(used.saturating_add(operation_len) <= len)?;
    match operation {
        // Unbind: nothing; abandon and delete: a bare value.
        0x42 => need(operation_len == 0)?,
        0x4a | 0x50 => need((1..=512).contains(&operation_len))?,
        0x60 => need((2..=3).contains(&reader.ber_number()?))?,
        // The base of a search, the name of an entry or of what is changed.
        0x63 | 0x64 | 0x66 | 0x68 | 0x6c | 0x6e | 0x73 => {
            reader.byte_that(|tag| tag == 0x04)?;
            need(reader.ber_len()? <= operation_len)?;
        }
        0x77 => {
            reader.literal(&[0x80])?;
            need(reader.ber_len()? <= operation_len)?;
        }
        // Results: an ENUMERATED code.
        _ => {
            reader.literal(&[0x0a, 0x01])?;
            reader.byte()?;
        }
    }
    Ok(AppProto::Ldap)
}

/// Kerberos over TCP: a length, then a message that fills it (RFC 4120 section
/// 7.2.2).
pub(super) fn krb5_tcp(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let len = reader.u32()?;
    need((16..1 << 24).contains(&len))?;
    krb5(reader, len as usize)
}

/// Kerberos in a datagram.
pub(super) fn krb5_udp(first: &First<'_>) -> Fit {
    krb5(first.reader(), first.bytes.len())
}

/// `[APPLICATION n] SEQUENCE { [0] or [1] 5, [1] or [2] n, ... }`
fn krb5(mut reader: Reader<'_>, total: usize) -> Fit {
    let whole = reader.len();
    let tag = reader.byte_that(|tag| matches!(tag, 0x6a..=0x6f | 0x74..=0x76 | 0x7e))?;
    let len = reader.ber_len()?;
    need(whole - reader.len() + len == total)?;
    reader.ber(0x30)?;
    // Requests to the KDC count from 1.
    let field = if matches!(tag, 0x6a | 0x6c) { 0xa1 } else { 0xa0 };
    reader.literal(&[field, 3, 2, 1, 5, field + 1, 3, 2, 1, tag & 0x1f])?;
    Ok(AppProto::Krb5)
}

/// `MySQL` and `MariaDB`: the server's greeting, protocol 10, and what the client
/// answers.
pub(super) fn mysql(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let len = reader.u24_le()?;
    need((32..4096).contains(&len))?;
    match reader.byte()? {
        0 => {
            if reader.rest().first() == Some(&0xff) {
                // "Host is blocked", "too many connections": 1040, 1129, 1130.
                need(first.has_port(&[3306]))?;
                reader.byte()?;
                need(matches!(reader.u16_le()?, 1040 | 1129 | 1130))?;
                return Ok(AppProto::Mysql);
            }
            reader.literal(&[10])?;
            reader.byte_that(|byte| byte.is_ascii_digit())?;
            reader.until(0, 128, |byte| byte.is_ascii_graphic() || byte == b' ')?;
            reader.take(12)?;
            reader.zeros(1)?;
        }
        1 => {
            let capabilities = reader.u32_le()?;
            // Protocol 4.1; the largest packet is 2^30 at most.
            need(capabilities & 0x200 != 0 && reader.u32_le()? <= 1 << 30)?;
            reader.byte()?;
            // MariaDB has capabilities in the last four of what is zero.
            reader.zeros(19)?;
            reader.take(4)?;
        }
        _ => return Err(Unfit::Wrong),
    }
    Ok(AppProto::Mysql)
}

/// What a client may ask for instead of a session: SSL, GSSAPI, a cancel.
const PGSQL_REQUESTS: [(u32, u32); 3] = [(8, 80_877_103), (8, 80_877_104), (16, 80_877_102)];
const PGSQL_VERSION: u32 = 3 << 16;

/// `PostgreSQL` 3.x: start-up or a request for SSL from the client; the answer
/// to that, a question for a password, or an error from the server.
pub(super) fn pgsql(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    if first.direction == Direction::Down {
        return pgsql_server(&mut reader);
    }
    let (len, version) = (reader.u32()?, reader.u32()?);
    if PGSQL_REQUESTS.contains(&(len, version)) {
        return Ok(AppProto::Pgsql);
    }
    need((14..10_000).contains(&len) && (PGSQL_VERSION..=PGSQL_VERSION + 2).contains(&version))?;
    let key = reader.until(0, 64, |byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'.')?;
    need(!key.is_empty())?;
    reader.until(0, 256, |byte| byte >= 0x20)?;
    Ok(AppProto::Pgsql)
}

fn pgsql_server(reader: &mut Reader<'_>) -> Fit {
    if matches!(reader.rest(), [b'S', 0x16, ..] | [b'N', b'R' | b'E', ..] | [b'S' | b'N']) {
        let answer = reader.byte()?;
        if answer == b'S' {
            reader.literal(&[0x16, 3])?;
            reader.byte_that(|minor| minor <= 4)?;
            return Ok(AppProto::Pgsql);
        }
    }
    let kind = reader.byte_that(|kind| kind == b'R' || kind == b'E')?;
    let len = reader.u32()?;
    if kind == b'R' {
        need((8..1024).contains(&len))?;
        let fits = match reader.u32()? {
            0 | 2 | 3 | 7 | 9 => len == 8,
            5 => len == 12,
            8 | 10..=12 => len > 8,
            _ => false,
        };
        need(fits)?;
    } else {
        need((8..8192).contains(&len))?;
        reader.literal(b"S")?;
        let severity = reader.until(0, 16, |byte| byte.is_ascii_uppercase())?;
        need(matches!(severity, b"ERROR" | b"FATAL" | b"PANIC"))?;
    }
    Ok(AppProto::Pgsql)
}

/// RDP: a connection request or confirm of X.224 (MS-RDPBCGR section 2.2.1.1)
/// with a cookie or a negotiation, which others over TPKT have not.
pub(super) fn rdp(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    reader.literal(&[3, 0])?;
    let len = reader.u16()?;
    need((11..1024).contains(&len))?;
    let left = reader.byte()?;
    need(u16::from(left) + 5 == len)?;
    let kind = reader.byte_that(|kind| kind == 0xe0 || kind == 0xd0)?;
    reader.take(if kind == 0xe0 { 2 } else { 4 })?;
    if kind == 0xe0 {
        reader.u16()?;
    }
    reader.byte_that(|class| class == 0)?;
    if len == 11 {
        need(first.has_port(&[3389]))?;
        return Ok(AppProto::Rdp);
    }
    if reader.rest().first().is_some_and(|&byte| byte == b'C' || byte == b'm') {
        let text = reader.until(b'\n', 256, |byte| byte >= 0x20 || byte == b'\r')?;
        need(begins_with(text, b"Cookie: ") || begins_with(text, b"mstshash="))?;
        return Ok(AppProto::Rdp);
    }
    let fits = |kind: u8| if len == 19 && matches!(kind, 2 | 3) { true } else { kind == 1 };
    reader.byte_that(fits)?;
    reader.byte()?;
    reader.literal(&[8, 0])?;
    Ok(AppProto::Rdp)
}

/// RDP over UDP: a SYN, or the answer to it (MS-RDPEUDP section 2.2.2.1), padded
/// to the length that it asks about.
pub(super) fn rdp_udp(first: &First<'_>) -> Fit {
    const SYN: u16 = 0x0001;
    const ACK: u16 = 0x0004;
    /// The lengths that may be asked about.
    const MTUS: std::ops::RangeInclusive<u16> = 1132..=1232;
    let mut reader = first.reader();
    let acknowledged = reader.u32()?;
    reader.u16()?;
    let flags = reader.u16()?;
    let is_syn = flags & (SYN | ACK) == SYN && acknowledged == u32::MAX;
    need(flags & !0x1fff == 0 && (is_syn || flags & (SYN | ACK) == SYN | ACK))?;
    reader.u32()?;
    let mtus = [reader.u16()?, reader.u16()?];
    need(mtus.iter().all(|mtu| MTUS.contains(mtu) && first.bytes.len() >= usize::from(*mtu)))?;
    Ok(AppProto::Rdp)
}

/// RFB: its version (RFC 6143 section 7.1.1).
pub(super) fn rfb(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    reader.literal(b"RFB ")?;
    for end in [b'.', b'\n'] {
        for _ in 0..3 {
            reader.byte_that(|byte| byte.is_ascii_digit())?;
        }
        reader.literal(&[end])?;
    }
    Ok(AppProto::Rfb)
}
