//! Protocols that begin TLS inside, and SOCKS: an input is a byte that says which
//! of them, and a talk.

use tidegate::app_proto::AppProto;
use tidegate::flow::Direction::{Down, Up};

use super::dissect::{seed, stream};

const PROTOCOLS: [AppProto; 7] = [
    AppProto::Irc,
    AppProto::Ldap,
    AppProto::Mysql,
    AppProto::Pgsql,
    AppProto::Rdp,
    AppProto::Socks,
    AppProto::Xmpp,
];

/// Feeds a talk to the dissector of one of them.
pub fn starttls_stream(input: &[u8]) {
    let Some((which, talk)) = input.split_first() else { return };
    if let Some(app_proto) = PROTOCOLS.get(usize::from(*which) % PROTOCOLS.len()) {
        stream(*app_proto, talk);
    }
}

/// The seeds of `starttls_stream`: one each.
pub fn starttls_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let mysql = [&[32, 0, 0, 1, 0x85, 0xae, 3, 0][..], &[0; 28]].concat();
    let ldap = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
    let seeds = [
        seed("irc", &[(Up, b"STARTTLS\r\n"), (Down, b":a 670 * :yes\r\n\x16")]),
        seed("ldap", &[(Up, ldap), (Down, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00")]),
        seed("mysql", &[(Down, b"\x02\0\0\0\x0a\x35"), (Up, &mysql)]),
        seed("pgsql", &[(Up, &[0, 0, 0, 8, 4, 210, 22, 47]), (Down, b"S")]),
        seed(
            "rdp",
            &[
                (Up, b"\x03\0\0\x21\x1c\xe0\0\0\0\0\0Cookie: mstshash=a\r\n\0\0"),
                (Down, &[3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 1, 0, 0, 0]),
            ],
        ),
        seed(
            "socks",
            &[
                (Up, b"\x05\x01\x02"),
                (Down, b"\x05\x02"),
                (Up, b"\x01\x01a\x01b\x05\x01\0\x01\x7f\0\0\x01\0\x50"),
                (Down, b"\x01\0\x05\0\0\x01\0\0\0\0\0\0GET"),
            ],
        ),
        seed(
            "xmpp",
            &[(Up, b"<stream:stream a='>'><starttls/>"), (Down, b"<stream:stream><proceed x=\"y\"/>\x16")],
        ),
    ];
    let place = |(which, (name, talk)): (u8, (String, Vec<u8>))| (name, [&[which][..], &talk].concat());
    (0..).zip(seeds).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_named_for_what_reads_them() {
        for (app_proto, (name, _)) in PROTOCOLS.iter().zip(starttls_stream_seeds()) {
            assert!(app_proto.name() == name || *app_proto == AppProto::Xmpp, "{name}");
        }
        assert_eq!(starttls_stream_seeds().len(), PROTOCOLS.len());
    }
}
