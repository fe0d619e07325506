//! What a network runs on: DNS over datagrams and streams; DHCP, SNMP and TFTP.

use tidegate::app_proto::AppProto;
use tidegate::flow::Direction::{Down, Up};
use tidegate::wire::dns::build::{FIRST_NAME, MessageBuilder, name};
use tidegate::wire::dns::name::TEXT_MAX;
use tidegate::wire::dns::{Message, Type};

use super::dissect::{datagrams, seed, stream};

/// Feeds a talk to the dissectors of DNS, multicast DNS and LLMNR, and the whole
/// input to the decoder.
///
/// # Panics
/// When too much is held, or a name outgrows its bound: that is the finding.
pub fn dns_datagram(input: &[u8]) {
    for app_proto in [AppProto::Dns, AppProto::Mdns, AppProto::Llmnr] {
        datagrams(app_proto, input);
    }
    let Ok(message) = Message::decode(input) else { return };
    let records = message.answers().chain(message.authorities()).chain(message.additionals());
    for record in records {
        // A byte that is no text is shown as four.
        assert!(record.name.to_string().len() <= 4 * TEXT_MAX);
        std::hint::black_box(format!("{:?}", record.data()));
    }
    std::hint::black_box((message.rcode(), message.edns()));
}

/// Feeds a talk to the dissector of DNS over TCP.
pub fn dns_stream(input: &[u8]) {
    stream(AppProto::Dns, input);
}

/// Feeds a talk to the dissectors of DHCP, SNMP and TFTP.
pub fn network_datagram(input: &[u8]) {
    for app_proto in [AppProto::Dhcp, AppProto::Snmp, AppProto::Tftp] {
        datagrams(app_proto, input);
    }
}

fn query() -> MessageBuilder {
    MessageBuilder::query(7).question("www.example", Type::HTTPS).edns(1232, 0, &[0, 10, 0, 2, 7, 7])
}

/// An answer with a record of each kind that is decoded in a way of its own.
fn answer() -> MessageBuilder {
    let soa = [&[0xc0, 16][..], &name("root"), &[0, 0, 0, 9].repeat(5)].concat();
    let rrsig = [&[0, 1, 8, 2, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 7, 0, 6][..], &name("ex"), &[1, 2]].concat();
    let binding = [0, 1, 0, 0, 1, 0, 3, 2, b'h', b'2', 0, 3, 0, 2, 1, 0xbb];
    MessageBuilder::response(7)
        .question("www.example", Type::HTTPS)
        .answer(FIRST_NAME, Type::CNAME, 60, &[1, b'a', 0xc0, 16])
        .answer(FIRST_NAME, Type::HTTPS, 60, &binding)
        .answer(FIRST_NAME, Type::MX, 60, &[0, 10, 0])
        .answer(FIRST_NAME, Type::TXT, 60, b"\x01a\x02bc")
        .answer(FIRST_NAME, Type::NAPTR, 60, b"\0\x01\0\x02\x01u\x01s\x01r\0")
        .answer(FIRST_NAME, Type::NSEC, 60, &[0, 0, 1, 0x40])
        .authority(&[0xc0, 16], Type::SOA, 60, &soa)
        .additional(FIRST_NAME, Type::RRSIG, 60, &rrsig)
        .edns(1232, 1, &[])
}

/// The seeds of `dns_datagram`.
pub fn dns_datagram_seeds() -> Vec<(String, Vec<u8>)> {
    let (query, answer) = (query().build(), answer().build());
    let looped = MessageBuilder::query(1).question_raw(b"\x01a\xc0\x0c", Type::A).build();
    vec![
        seed("answered", &[(Up, &query), (Down, &answer)]),
        seed("looped", &[(Up, &looped)]),
        ("message".to_owned(), answer),
    ]
}

/// The seeds of `dns_stream`.
pub fn dns_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let transfer = MessageBuilder::query(9).question("example", Type::AXFR);
    let part = MessageBuilder::response(9).answer(&name("a.example"), Type::A, 60, &[192, 0, 2, 1]);
    let (asked, answered) = (query().framed(), answer().framed());
    vec![
        seed("pipelined", &[(Up, &[asked.clone(), asked].concat()), (Down, &answered)]),
        seed("transfer", &[(Up, &transfer.framed()), (Down, &[part.framed(), part.framed()].concat())]),
    ]
}

/// The seeds of `network_datagram`.
pub fn network_datagram_seeds() -> Vec<(String, Vec<u8>)> {
    let mut dhcp = vec![1, 1, 6, 0, 1, 2, 3, 4];
    dhcp.resize(236, 0);
    dhcp.extend(b"\x63\x82\x53\x63\x35\x01\x01\x3d\x07\x01\x02\0\0\0\0\x01\x34\x01\x03\x37\x02\x01\x03\xff");
    let snmp = b"\x30\x1d\x02\x01\x01\x04\x01p\xa0\x15\x02\x01\x09\x02\x01\0\x02\x01\0\x30\x0a\x30\x08\x06\x04\x2b\x06\x01\x02\x05\0";
    let secured = b"\x30\x26\x02\x01\x03\x30\x0d\x02\x01\x01\x02\x02\x05\xdc\x04\x01\x03\x02\x01\x03\x04\x10\x30\x0e\x04\0\x02\x01\0\x02\x01\0\x04\0\x04\0\x04\0\x04\0";
    vec![
        seed("dhcp", &[(Up, &dhcp)]),
        seed("snmp", &[(Up, snmp), (Up, secured)]),
        seed("tftp", &[(Up, b"\0\x01file\0octet\0tsize\x000\0")]),
    ]
}

#[cfg(test)]
mod tests {
    use tidegate::dissect::dhcp::{DhcpRecord, code};
    use tidegate::dissect::snmp::SnmpRecord;
    use tidegate::dissect::tftp::TftpRecord;

    use super::*;

    #[test]
    fn the_seeds_say_what_they_are_meant_to() {
        let (query, answer) = (query().build(), answer().build());
        for bytes in [&query, &answer] {
            let message = Message::decode(bytes).expect("a message");
            assert_eq!((message.unsound, message.has_unsound_data, message.len), (None, false, bytes.len()));
        }
        // Behind what a talk writes before its first datagram.
        let said = |place: usize| network_datagram_seeds()[place].1[3..].to_vec();
        let dhcp = DhcpRecord::decode(&said(0)).expect("a message of DHCP");
        assert_eq!(dhcp.options.byte(code::MESSAGE_TYPE), Some(1));
        let snmp = said(1);
        let (first, second) = snmp.split_at(31);
        let [first, second] =
            [first, &second[3..]].map(|bytes| SnmpRecord::decode(bytes).map(|snmp| snmp.version));
        assert_eq!((first, second), (Ok(2), Ok(3)));
        assert!(TftpRecord::decode(&said(2)).is_some());
    }
}
