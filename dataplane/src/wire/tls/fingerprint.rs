//! Fingerprints of hellos as text, before they are hashed.
//!
//! - JA3 and JA3S (<https://github.com/salesforce/ja3>): version, suites,
//!   extensions, groups and point formats in the order in which they were sent,
//!   in decimal; MD5 of it is the fingerprint.
//! - JA4 (<https://github.com/FoxIO-LLC/ja4>, BSD-3-Clause; its siblings for
//!   servers and others are not built): counts and versions in the clear, then
//!   suites and extensions sorted, in hexadecimal; the first twelve digits of
//!   SHA-256 of each are the fingerprint.
//!
//! GREASE is left out of all of them. Text goes to the end of a `String`, which is
//! the one allocation, made once a hello.

use std::fmt::Write as _;

use super::{ClientHello, Extension, ExtensionType, ServerHello, Version, is_grease};

/// Appends JA3 of a client's hello.
pub fn ja3(hello: &ClientHello<'_>, out: &mut String) {
    let without_grease = |number: &u16| !is_grease(*number);
    decimal(out, [hello.version.0]);
    out.push(',');
    decimal(out, hello.suites.iter().map(|suite| suite.0).filter(without_grease));
    out.push(',');
    decimal(out, extension_types(hello.extensions()));
    out.push(',');
    decimal(out, hello.groups().iter().map(|group| group.0).filter(without_grease));
    out.push(',');
    decimal(out, hello.point_formats().iter().copied().map(u16::from));
}

/// Appends JA3S of a server's hello.
pub fn ja3s(hello: &ServerHello<'_>, out: &mut String) {
    decimal(out, [hello.legacy_version.0]);
    out.push(',');
    decimal(out, [hello.suite.0]);
    out.push(',');
    decimal(out, extension_types(hello.extensions()));
}

/// How a hello came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TLS over TCP.
    Tcp,
    /// In CRYPTO frames of QUIC.
    Quic,
    /// DTLS.
    Dtls,
}

/// The three parts of JA4; the latter two are what is hashed, and are empty where
/// a fingerprint has twelve zeros.
///
/// Joined by `_` they are what the specification calls `JA4_r`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ja4 {
    /// Transport, version, whether a name is asked for, counts, protocol.
    pub a: String,
    /// Suites, sorted.
    pub b: String,
    /// Extensions but for name and protocol, sorted; then the signature schemes as
    /// they were sent, where there are any.
    pub c: String,
}

impl Ja4 {
    /// Of a client's hello.
    pub fn new(hello: &ClientHello<'_>, transport: Transport) -> Self {
        let mut suites: Vec<u16> =
            hello.suites.iter().map(|suite| suite.0).filter(|suite| !is_grease(*suite)).collect();
        let mut extensions: Vec<u16> = extension_types(hello.extensions()).collect();
        let has_name = extensions.contains(&ExtensionType::SERVER_NAME.0);
        let mut parts = Self::default();
        let kind = match transport {
            Transport::Tcp => 't',
            Transport::Quic => 'q',
            Transport::Dtls => 'd',
        };
        let version = version_code(ja4_version(hello, transport));
        let name = if has_name { 'd' } else { 'i' };
        let counts = (suites.len().min(99), extensions.len().min(99));
        let [first, last] = protocol_code(hello.protocols().and_then(|names| names.iter().next()));
        // Writing to a text cannot fail.
        let _ = write!(parts.a, "{kind}{version}{name}{:02}{:02}{first}{last}", counts.0, counts.1);

        suites.sort_unstable();
        hexadecimal(&mut parts.b, suites);
        extensions.retain(|kind| {
            *kind != ExtensionType::SERVER_NAME.0 && *kind != ExtensionType::APPLICATION_PROTOCOLS.0
        });
        extensions.sort_unstable();
        hexadecimal(&mut parts.c, extensions);
        let schemes = hello.signature_schemes();
        let mut schemes =
            schemes.iter().map(|scheme| scheme.0).filter(|scheme| !is_grease(*scheme)).peekable();
        if schemes.peek().is_some() {
            parts.c.push('_');
            hexadecimal(&mut parts.c, schemes);
        }
        parts
    }

    /// The parts joined, unhashed: `JA4_r`.
    pub fn raw(&self) -> String {
        [&self.a[..], &self.b, &self.c].join("_")
    }
}

/// The types of extensions in their order, without GREASE.
fn extension_types<'a>(extensions: impl Iterator<Item = Extension<'a>>) -> impl Iterator<Item = u16> {
    extensions.map(|extension| extension.kind.0).filter(|kind| !is_grease(*kind))
}

/// Numbers in decimal, joined by `-`.
fn decimal(out: &mut String, numbers: impl IntoIterator<Item = u16>) {
    for (at, number) in numbers.into_iter().enumerate() {
        let separator = if at == 0 { "" } else { "-" };
        let _ = write!(out, "{separator}{number}");
    }
}

/// Numbers as four hexadecimal digits, joined by `,`.
fn hexadecimal(out: &mut String, numbers: impl IntoIterator<Item = u16>) {
    for (at, number) in numbers.into_iter().enumerate() {
        let separator = if at == 0 { "" } else { "," };
        let _ = write!(out, "{separator}{number:04x}");
    }
}

/// The version that stands in JA4: the greatest number that `supported_versions`
/// offers, so that Facebook's drafts of TLS 1.3 come out as unknown; in DTLS,
/// where numbers fall, the newest.
fn ja4_version(hello: &ClientHello<'_>, transport: Transport) -> Version {
    if transport == Transport::Dtls {
        return hello.newest_version();
    }
    let offered = hello.supported_versions().iter().filter(|version| !is_grease(version.0));
    offered.max().unwrap_or(hello.version)
}

/// A version in two characters.
const fn version_code(version: Version) -> &'static str {
    match version {
        Version::TLS1_3 => "13",
        Version::TLS1_2 => "12",
        Version::TLS1_1 => "11",
        Version::TLS1_0 => "10",
        Version::SSL3 => "s3",
        Version::SSL2 => "s2",
        Version::DTLS1_0 => "d1",
        Version::DTLS1_2 => "d2",
        Version::DTLS1_3 => "d3",
        _ => "00",
    }
}

/// The first protocol offered in two characters: its first and last, or, where
/// one of these is no letter or digit, the first and last of its hexadecimal.
fn protocol_code(name: Option<&[u8]>) -> [char; 2] {
    let (Some(&first), Some(&last)) = (name.and_then(<[u8]>::first), name.and_then(<[u8]>::last)) else {
        return ['0', '0'];
    };
    if let Some(&[b0, b1]) = name
        && is_grease(u16::from_be_bytes([b0, b1]))
    {
        return ['0', '0'];
    }
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [first.into(), last.into()];
    }
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    [digit(first >> 4), digit(last & 0xf)]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test ends where an expectation fails")]
mod tests {
    use super::super::build::{ClientHelloBuilder, ServerHelloBuilder};
    use super::super::{Group, Handshake, SignatureScheme, Suite};
    use super::*;

    fn with<T>(builder: &ClientHelloBuilder, read: impl FnOnce(&ClientHello<'_>) -> T) -> T {
        let message = builder.message();
        read(&ClientHello::decode(Handshake::decode(&message).unwrap().0.body).unwrap())
    }

    fn ja3_of(builder: &ClientHelloBuilder) -> String {
        let mut text = String::new();
        with(builder, |hello| ja3(hello, &mut text));
        text
    }

    fn ja4_of(builder: &ClientHelloBuilder) -> Ja4 {
        with(builder, |hello| Ja4::new(hello, Transport::Tcp))
    }

    fn bare() -> ClientHelloBuilder {
        ClientHelloBuilder::new(Version::TLS1_2)
    }

    /// The example of the specification of JA4.
    fn example() -> ClientHelloBuilder {
        let suites = [
            0x3a3a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
            0x009c, 0x009d, 0x002f, 0x0035,
        ];
        let schemes = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
        let mut builder = bare().suites(suites.map(Suite)).extension(ExtensionType(0x8a8a), b"");
        for kind in [
            0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b,
            0xff01, 0x000b, 0x000a, 0x0015,
        ] {
            builder = match ExtensionType(kind) {
                ExtensionType::SERVER_NAME => builder.server_name(b"a"),
                ExtensionType::APPLICATION_PROTOCOLS => builder.protocols(&[b"h2", b"http/1.1"]),
                ExtensionType::SIGNATURE_ALGORITHMS => {
                    builder.signature_schemes(&schemes.map(SignatureScheme))
                }
                ExtensionType::SUPPORTED_VERSIONS => {
                    builder.supported_versions(&[Version(0x6a6a), Version::TLS1_3])
                }
                other => builder.extension(other, b""),
            };
        }
        builder
    }

    #[test]
    fn ja4_is_what_its_specification_shows() {
        assert_eq!(
            ja4_of(&example()).raw(),
            "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_\
             0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_\
             0403,0804,0401,0503,0805,0501,0806,0601"
        );
        assert_eq!(with(&example(), |hello| Ja4::new(hello, Transport::Quic)).a, "q13d1516h2");
    }

    #[test]
    fn ja4_of_a_hello_with_nothing_has_empty_parts() {
        let parts = ja4_of(&bare());
        assert_eq!((&parts.a[..], &parts.b[..], &parts.c[..]), ("t12i000000", "", ""));
        let parts = ja4_of(&bare().server_name(b"a").protocols(&[]));
        assert_eq!((&parts.a[..], &parts.c[..]), ("t12d000200", ""));
    }

    #[test]
    fn ja4_takes_the_greatest_number_for_the_version() {
        let versions = [Version(0x7a7a), Version::TLS1_3, Version(0xfb1a), Version::TLS1_2];
        assert_eq!(ja4_of(&bare().supported_versions(&versions)).a, "t00i000100");
        assert_eq!(ja4_of(&bare().supported_versions(&[Version(0x7a7a)])).a, "t12i000100");
        let dtls = bare().supported_versions(&[Version::DTLS1_2, Version::DTLS1_3]);
        assert_eq!(with(&dtls, |hello| Ja4::new(hello, Transport::Dtls)).a, "dd3i000100");
    }

    #[test]
    fn ja4_stops_counting_at_99() {
        let mut builder = bare().suites((0x1000..0x1000 + 150).map(Suite));
        for kind in 0x1000..0x1000 + 120 {
            builder = builder.extension(ExtensionType(kind), b"");
        }
        assert_eq!(ja4_of(&builder).a, "t12i999900");
    }

    #[test]
    fn ja4_names_the_protocol_by_its_ends() {
        for (name, code) in [
            (&b"h2"[..], "h2"),
            (b"http/1.1", "h1"),
            (b"b", "bb"),
            (b"", "00"),
            (b"\xab", "ab"),
            (b"\x20", "20"),
            (b"\xab\xcd", "ad"),
            (b"\x20\x61", "21"),
            (b"\x30\xab", "3b"),
            (b"\x61\x20", "60"),
            (b"\x30\x31\xab\xcd", "3d"),
            (b"\x30\xab\xcd\x31", "01"),
            (b"\x2a\x2a", "00"),
        ] {
            assert_eq!(ja4_of(&bare().protocols(&[name])).a, format!("t12i0001{code}"), "{name:?}");
        }
    }

    #[test]
    fn ja3_keeps_the_order_and_leaves_grease_out() {
        let builder = bare()
            .suites([Suite(0x0a0a), Suite(4866), Suite(255)])
            .extension(ExtensionType(0x1a1a), b"")
            .server_name(b"a")
            .point_formats(&[0, 1, 2])
            .groups(&[Group(0x2a2a), Group::X25519, Group::SECP256R1]);
        assert_eq!(ja3_of(&builder), "771,4866-255,0-11-10,29-23,0-1-2");
    }

    #[test]
    fn ja3_of_a_hello_with_nothing_has_empty_fields() {
        assert_eq!(ja3_of(&bare()), "771,,,,");
    }

    #[test]
    fn ja3s_names_the_choice() {
        let builder = ServerHelloBuilder::new(Version::TLS1_2, Suite(49199));
        let builder =
            builder.extension(ExtensionType::RENEGOTIATION_INFO, &[0]).extension(ExtensionType(0), &[]);
        let (message, mut text) = (builder.message(), String::new());
        ja3s(&ServerHello::decode(Handshake::decode(&message).unwrap().0.body).unwrap(), &mut text);
        assert_eq!(text, "771,49199,65281-0");
    }
}
