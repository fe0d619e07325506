//! Protocols of lines of text: SMTP, FTP, POP3, IMAP, IRC, XMPP; and Telnet,
//! which comes before them.
//!
//! Several of them open alike: `220 ` is a greeting of SMTP and of FTP, `USER`
//! begins FTP, POP3 and IRC. What the lines say decides first, then the port.

use super::reader::{First, Fit, Reader, Unfit, begins_with, holds, need};
use crate::app_proto::AppProto;

const SMTP_PORTS: &[u16] = &[24, 25, 465, 587, 2525];
const FTP_PORTS: &[u16] = &[21, 990, 2121];
const POP3_PORTS: &[u16] = &[110, 995];
const TELNET_PORTS: &[u16] = &[23, 992, 2323];

/// What only an SMTP server says of itself.
const SMTP_WORDS: &[&[u8]] = &[b"SMTP", b"LMTP", b"Postfix", b"Sendmail", b"Exim", b"mail"];

/// What a client of SMTP may begin with.
const SMTP_OPENINGS: &[&[u8]] = &[b"EHLO ", b"HELO ", b"LHLO ", b"MAIL FROM:", b"RCPT TO:"];

/// Commands of FTP that neither POP3 nor IRC has.
const FTP_COMMANDS: &[&[u8]] = &[
    b"AUTH TLS",
    b"AUTH SSL",
    b"FEAT",
    b"SYST",
    b"PASV",
    b"EPSV",
    b"PORT",
    b"EPRT",
    b"OPTS",
    b"TYPE",
    b"CWD",
    b"PWD",
    b"XPWD",
    b"ACCT",
    b"PBSZ",
    b"PROT",
    b"CLNT",
    b"STOR",
    b"NLST",
    b"SIZE",
    b"MDTM",
    b"ALLO",
    b"SITE",
];

/// Commands of POP3 that FTP has not.
const POP3_COMMANDS: &[&[u8]] = &[b"CAPA", b"STLS", b"APOP", b"UIDL", b"DELE", b"TOP", b"UTF8"];

/// Commands that open or follow the opening of a session in FTP, POP3 and IRC.
const SHARED_COMMANDS: &[&[u8]] = &[b"USER", b"PASS"];

/// Whether the line is this command, alone or with arguments.
fn is_command(line: &[u8], command: &[u8]) -> bool {
    begins_with(line, command) && matches!(line.get(command.len()), None | Some(b' '))
}

fn is_one_of(line: &[u8], commands: &[&[u8]]) -> bool {
    commands.iter().any(|command| is_command(line, command))
}

/// A client of SMTP, FTP, POP3 or IRC: its first lines until one can be of one
/// protocol alone.
pub(super) fn commands(first: &First<'_>) -> Fit {
    need(first.bytes.first().is_none_or(u8::is_ascii_alphabetic))?;
    let mut reader = first.reader();
    loop {
        let line = reader.line()?;
        if SMTP_OPENINGS.iter().any(|opening| begins_with(line, opening))
            || matches!(line, b"EHLO" | b"HELO" | b"ehlo" | b"helo")
        {
            return Ok(AppProto::Smtp);
        }
        if is_irc_registration(line) {
            return Ok(AppProto::Irc);
        }
        if is_one_of(line, FTP_COMMANDS) {
            return Ok(AppProto::Ftp);
        }
        if is_one_of(line, POP3_COMMANDS) {
            return Ok(AppProto::Pop3);
        }
        let is_list = is_command(line, b"LIST") || is_command(line, b"STAT") || is_command(line, b"RETR");
        let is_shared = is_one_of(line, SHARED_COMMANDS) || is_command(line, b"QUIT") || is_list;
        need(is_shared)?;
        if first.has_port(FTP_PORTS) {
            return Ok(AppProto::Ftp);
        }
        if first.has_port(POP3_PORTS) {
            return Ok(AppProto::Pop3);
        }
        if first.has_port(SMTP_PORTS) && is_command(line, b"QUIT") {
            return Ok(AppProto::Smtp);
        }
    }
}

/// `NICK x`, `USER a b c :real name`, `CAP LS` (RFC 2812 section 3.1).
fn is_irc_registration(line: &[u8]) -> bool {
    let mut words = line.split(|&byte| byte == b' ');
    let Some(command) = words.next() else { return false };
    let is_named = |word: &[u8]| !word.is_empty() && !word.contains(&b':');
    if command.eq_ignore_ascii_case(b"NICK") {
        return words.next().is_some_and(|nick| !nick.is_empty() && nick.len() <= 64) && words.count() <= 1;
    }
    if command.eq_ignore_ascii_case(b"USER") {
        return words.by_ref().take(3).filter(|word| is_named(word)).count() == 3 && words.next().is_some();
    }
    command.eq_ignore_ascii_case(b"CAP") && words.next().is_some_and(|word| matches!(word, b"LS" | b"REQ"))
}

/// A server of SMTP or FTP: its greeting, or any reply where the port is known.
pub(super) fn greeting(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    loop {
        let code = reader.rest().first_chunk::<3>().copied();
        reader.byte_that(|byte| (b'1'..=b'5').contains(&byte))?;
        reader.byte_that(|byte| (b'0'..=b'5').contains(&byte))?;
        reader.byte_that(|byte| byte.is_ascii_digit())?;
        let separator = reader.byte_that(|byte| matches!(byte, b' ' | b'-' | b'\r' | b'\n'))?;
        let line = if matches!(separator, b' ' | b'-') { reader.line()? } else { b"" };
        let is_ready = code == Some(*b"220");
        if first.has_port(SMTP_PORTS) {
            return Ok(AppProto::Smtp);
        }
        if first.has_port(FTP_PORTS) {
            return Ok(AppProto::Ftp);
        }
        need(is_ready)?;
        if holds(line, b"FTP") || holds(line, b"FileZilla") {
            return Ok(AppProto::Ftp);
        }
        if SMTP_WORDS.iter().any(|word| holds(line, word)) {
            return Ok(AppProto::Smtp);
        }
        need(separator == b'-')?;
    }
}

/// A server of POP3: its greeting has a text, where a bare `+OK` is Redis's too.
pub(super) fn pop3_server(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    if reader.rest().first() == Some(&b'-') {
        reader.literal(b"-ERR")?;
        need(first.has_port(POP3_PORTS))?;
        reader.byte_that(|byte| byte == b' ' || byte == b'\r')?;
        return Ok(AppProto::Pop3);
    }
    reader.literal(b"+OK")?;
    let line = reader.line()?;
    need(line.first().is_some_and(|&byte| byte == b' ') || first.has_port(POP3_PORTS))?;
    Ok(AppProto::Pop3)
}

/// A server of IMAP: `* OK ...` (RFC 9051 section 7.1).
pub(super) fn imap_server(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    reader.literal(b"* ")?;
    match reader.rest().first() {
        None => Err(Unfit::Short),
        Some(b'O' | b'o') => reader.word(b"OK "),
        Some(b'P' | b'p') => reader.word(b"PREAUTH "),
        Some(_) => reader.word(b"BYE "),
    }?;
    reader.line()?;
    Ok(AppProto::Imap)
}

/// What a client of IMAP may send before it is known who it is.
const IMAP_COMMANDS: &[&[u8]] = &[
    b"CAPABILITY",
    b"STARTTLS",
    b"AUTHENTICATE",
    b"LOGIN",
    b"ID",
    b"NOOP",
    b"LOGOUT",
    b"ENABLE",
    b"NAMESPACE",
];

/// A client of IMAP: a tag, which in every program known has a digit, and a
/// command.
pub(super) fn imap_client(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let tag = reader.until(b' ', 12, |byte| byte.is_ascii_alphanumeric() || byte == b'.')?;
    need(tag.iter().any(u8::is_ascii_digit))?;
    need(is_imap_start(reader.rest()))?;
    let line = reader.line()?;
    need(is_one_of(line, IMAP_COMMANDS))?;
    Ok(AppProto::Imap)
}

/// Whether what has come is a command, or the start of one.
fn is_imap_start(rest: &[u8]) -> bool {
    IMAP_COMMANDS.iter().any(|command| {
        let len = rest.len().min(command.len());
        rest.get(..len).zip(command.get(..len)).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
    })
}

/// What a server of IRC opens with.
const IRC_MESSAGES: &[&[u8]] = &[b"NOTICE", b"CAP", b"ERROR", b"PING", b"JOIN", b"MODE"];

/// A server of IRC: `:name 001 nick :...`, `NOTICE AUTH :...`.
pub(super) fn irc_server(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    if reader.rest().first() == Some(&b':') {
        reader.byte()?;
        let name = reader.until(b' ', 64, |byte| byte.is_ascii_graphic() && byte != b':')?;
        need(!name.is_empty())?;
        let line = reader.line()?;
        let command = line.split(|&byte| byte == b' ').next().unwrap_or_default();
        let is_number = command.len() == 3 && command.iter().all(u8::is_ascii_digit);
        need(line.len() > command.len() && (is_number || IRC_MESSAGES.contains(&command)))?;
    } else {
        reader.literal(b"NOTICE ")?;
        reader.until(b' ', 32, |byte| byte.is_ascii_graphic())?;
        reader.literal(b":")?;
        reader.line()?;
    }
    Ok(AppProto::Irc)
}

/// A stream of XMPP (RFC 6120 section 4.2), with or without an XML declaration.
pub(super) fn xmpp(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    if reader.rest().get(1).is_none_or(|&byte| byte == b'?') {
        reader.literal(b"<?xml ")?;
        reader.until(b'>', 128, |byte| byte >= 0x20)?;
        while reader.rest().first().is_some_and(u8::is_ascii_whitespace) {
            reader.byte()?;
        }
    }
    reader.literal(b"<stream:stream")?;
    reader.byte_that(|byte| byte.is_ascii_whitespace())?;
    Ok(AppProto::Xmpp)
}

const IAC: u8 = 255;
const SUBNEGOTIATION: u8 = 250;
/// The highest option that is assigned apart from 255.
const OPTION_MAX: u8 = 140;

/// Telnet: options are negotiated (RFC 854), twice where the port says nothing.
pub(super) fn telnet(first: &First<'_>) -> Fit {
    let mut reader = first.reader();
    let count = if first.has_port(TELNET_PORTS) { 1 } else { 2 };
    for _ in 0..count {
        telnet_option(&mut reader)?;
    }
    Ok(AppProto::Telnet)
}

fn telnet_option(reader: &mut Reader<'_>) -> Result<(), Unfit> {
    reader.literal(&[IAC])?;
    let command = reader.byte_that(|command| (SUBNEGOTIATION..IAC).contains(&command))?;
    reader.byte_that(|option| option <= OPTION_MAX)?;
    if command == SUBNEGOTIATION {
        reader.until(IAC, 256, |_| true)?;
        reader.literal(&[240])?;
    }
    Ok(())
}
