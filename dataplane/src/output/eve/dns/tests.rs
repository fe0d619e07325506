//! Lines of messages, against what Suricata 7 writes.

#![expect(clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::sample;
use super::*;
use crate::dissect;
use crate::wire::dns::build::{FIRST_NAME, MessageBuilder, name};

fn line(family: Family, message: &MessageBuilder, question: u16) -> Value {
    let record =
        DnsRecord { family, tx_id: 4, message: message.build().into(), question, is_unsolicited: false };
    sample::parse(&sample::app_line(dissect::Record::Dns(Box::new(record))))
}

fn dns(message: &MessageBuilder) -> Value {
    line(Family::Unicast, message, 0)["dns"].clone()
}

/// The `rdata` of an answer of a type.
fn rdata(kind: Type, data: &[u8]) -> Value {
    let message = MessageBuilder::response(1).question("a", kind).answer(FIRST_NAME, kind, 1, data);
    dns(&message)["answers"][0]["rdata"].clone()
}

#[test]
fn each_question_of_a_query_has_its_line() {
    let query = MessageBuilder::query(9).question("a.example", Type::A).question("b.example", Type::HTTPS);
    assert_eq!(
        line(Family::Unicast, &query, 1)["dns"],
        json!({"type": "query", "id": 9, "rrname": "b.example", "rrtype": "HTTPS", "tx_id": 4, "opcode": 0})
    );
    let query = query.flags(0x0040);
    assert_eq!(dns(&query)["z"], true);
    assert_eq!(line(Family::Unicast, &query, 0)["event_type"], "dns");
}

#[test]
fn an_answer_has_its_records_in_detail_and_grouped() {
    let soa = [name("ns.example"), name("root.example"), [0, 0, 0, 9].repeat(5)].concat();
    let answer = MessageBuilder::response(9)
        .question("a.example", Type::A)
        .answer(FIRST_NAME, Type::CNAME, 60, &name("b.example"))
        .answer(&name("b.example"), Type::A, 14, &[192, 0, 2, 1])
        .answer(&name("b.example"), Type::A, 14, &[192, 0, 2, 2])
        .answer(FIRST_NAME, Type::TXT, 3, b"\x02hi\x00")
        .authority(&name("example"), Type::SOA, 5, &soa)
        .additional(&name("x"), Type::AAAA, 5, &[0; 16])
        .edns(1232, 0, &[0, 3, 0, 1, 0xab]);
    let soa = json!({"mname": "ns.example", "rname": "root.example", "serial": 9, "refresh": 9, "retry": 9,
        "expire": 9, "minimum": 9});
    assert_eq!(
        dns(&answer),
        json!({
            "version": 2, "type": "answer", "id": 9, "flags": "8180", "qr": true, "rd": true, "ra": true,
            "opcode": 0, "rrname": "a.example", "rrtype": "A", "rcode": "NOERROR",
            "answers": [
                {"rrname": "a.example", "rrtype": "CNAME", "ttl": 60, "rdata": "b.example"},
                {"rrname": "b.example", "rrtype": "A", "ttl": 14, "rdata": "192.0.2.1"},
                {"rrname": "b.example", "rrtype": "A", "ttl": 14, "rdata": "192.0.2.2"},
                {"rrname": "a.example", "rrtype": "TXT", "ttl": 3, "rdata": "hi"},
                {"rrname": "a.example", "rrtype": "TXT", "ttl": 3, "rdata": ""},
            ],
            "grouped": {"A": ["192.0.2.1", "192.0.2.2"], "CNAME": ["b.example"], "TXT": ["hi", ""]},
            "authorities": [{"rrname": "example", "rrtype": "SOA", "ttl": 5, "soa": soa}],
            "additionals": [
                {"rrname": "x", "rrtype": "AAAA", "ttl": 5, "rdata": "::"},
                {"rrname": "", "rrtype": "OPT", "ttl": 0, "opt": [{"code": 3, "name": "NSID", "data": "ab"}]},
            ],
        })
    );
}

#[test]
fn flags_and_codes_are_told() {
    let answer = MessageBuilder::response(1).flags(0x8743).question("a", Type::A).edns(512, 0, &[]);
    let told = dns(&answer);
    assert_eq!((&told["aa"], &told["tc"], &told["z"]), (&json!(true), &json!(true), &json!(true)));
    assert_eq!((&told["rcode"], told.get("ra"), told.get("additionals")), (&json!("NXDOMAIN"), None, None));
    let answer = MessageBuilder::response(1).question("a", Type::A).edns(512, 1, &[]);
    assert_eq!(dns(&answer)["rcode"], "BADVERS");
    let mut record = DnsRecord {
        family: Family::Unicast,
        tx_id: 0,
        message: answer.build().into(),
        question: 0,
        is_unsolicited: true,
    };
    let told = |record: &DnsRecord| {
        sample::parse(&sample::app_line(dissect::Record::Dns(Box::new(record.clone()))))["dns"]["unsolicited"]
            .clone()
    };
    assert_eq!(told(&record), true);
    record.is_unsolicited = false;
    assert_eq!(told(&record), Value::Null);
}

#[test]
fn multicast_dns_and_llmnr_have_a_line_a_message() {
    let query =
        MessageBuilder::query(0).flags(0).question("a.local", Type::PTR).question("b.local", Type::SRV);
    let told = line(Family::Mdns, &query, 0);
    assert_eq!(told["event_type"], "mdns");
    assert_eq!(
        told["mdns"],
        json!({"type": "request", "tx_id": 4, "id": 0, "opcode": 0, "queries": [
            {"rrname": "a.local", "rrtype": "PTR"}, {"rrname": "b.local", "rrtype": "SRV"}]})
    );
    let data = [vec![0, 1, 0, 2, 0, 80], name("host.local")].concat();
    let answer = MessageBuilder::response(0).flags(0x8400).answer(&name("b.local"), Type::SRV, 9, &data);
    let told = line(Family::Llmnr, &answer, 0);
    assert_eq!(told["event_type"], "llmnr");
    let srv = json!({"priority": 1, "weight": 2, "port": 80, "name": "host.local"});
    assert_eq!(
        told["llmnr"]["answers"],
        json!([{"rrname": "b.local", "rrtype": "SRV", "ttl": 9, "srv": srv}])
    );
    assert_eq!(told["llmnr"]["grouped"], json!({"SRV": [srv]}));
}

#[test]
fn data_are_written_as_zone_files_have_them() {
    let mx = MessageBuilder::response(1).answer(&name("a"), Type::MX, 1, &[0, 10, 1, b'm', 0]);
    let mx = &dns(&mx)["answers"][0];
    assert_eq!((&mx["rdata"], &mx["preference"]), (&json!("m"), &json!(10)));
    let sshfp = MessageBuilder::response(1).answer(&name("a"), Type::SSHFP, 1, &[1, 2, 0xab, 0xcd]);
    assert_eq!(dns(&sshfp)["answers"][0]["sshfp"], json!({"fingerprint": "ab:cd", "algo": 1, "type": 2}));

    let binding = [
        &[0, 1, 0][..],
        &[0, 0, 0, 2, 0, 3],
        &[0, 1, 0, 6, 2, b'h', b'2', 2, b'h', b'3'],
        &[0, 2, 0, 0, 0, 3, 0, 2, 0x20, 0xfb],
        &[0, 4, 0, 4, 192, 0, 2, 1],
        &[0, 5, 0, 2, 0xfe, 0x0d],
        &[0, 99, 0, 1, b'"'],
    ]
    .concat();
    assert_eq!(
        rdata(Type::HTTPS, &binding),
        r#"1 . mandatory=port alpn=h2,h3 no-default-alpn port=8443 ipv4hint=192.0.2.1 ech=/g0= key99="\"""#
    );
    let naptr = b"\0\x64\0\x0a\x01u\x07E2U+sip\x0b!^.*$!sip:!\0";
    assert_eq!(rdata(Type::NAPTR, naptr), r#"100 10 "u" "E2U+sip" "!^.*$!sip:!" ."#);
    assert_eq!(rdata(Type::CAA, b"\x80\x05issueca.example"), r#"128 issue "ca.example""#);
    assert_eq!(rdata(Type::DS, &[0x1f, 0x90, 8, 2, 0xab]), "8080 8 2 ab");
    assert_eq!(rdata(Type::DNSKEY, &[1, 1, 3, 8, 1, 2, 3]), "257 3 8 AQID");
    let rrsig =
        [&[0, 1, 8, 2, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 7, 0, 6][..], &name("ex"), &[1, 2, 3]].concat();
    assert_eq!(rdata(Type::RRSIG, &rrsig), "A 8 2 9 8 7 6 ex AQID");
    let nsec = [name("next"), vec![0, 1, 0x40]].concat();
    assert_eq!(rdata(Type::NSEC, &nsec), "next A");
    let nsec3 = [&[1, 0, 0, 5, 1, 0xaa, 5][..], b"hello", &[0, 1, 0x40]].concat();
    assert_eq!(rdata(Type::NSEC3, &nsec3), "1 0 5 aa D1IMOR3F A");
    assert_eq!(rdata(Type::NSEC3PARAM, &[1, 0, 0, 5, 0]), "1 0 5 -");
    assert_eq!(rdata(Type::TLSA, &[3, 1, 1, 0xfe]), "3 1 1 fe");
    assert_eq!(rdata(Type::URI, b"\0\x01\0\x02http://a"), r#"1 2 "http://a""#);
    assert_eq!(rdata(Type::HINFO, b"\x01a\x02bc"), r#""a" "bc""#);
    assert_eq!(rdata(Type::RP, &[name("m"), vec![0]].concat()), "m .");
    assert_eq!(rdata(Type::DNAME, &name("d")), "d");
    assert_eq!(rdata(Type::NULL, b"a\xff"), "a\\xff");
    assert_eq!(rdata(Type(65280), &[10, 0]), "\\# 2 0a00");
    assert_eq!(rdata(Type::A, &[1, 2, 3]), "\\# 3 010203", "no address");
    assert_eq!(rdata(Type(65280), &[]), Value::Null);
}

#[test]
fn names_that_are_cut_say_so() {
    let looped = MessageBuilder::query(1).question_raw(b"\x01a\xc0\x0c", Type(65280));
    let told = dns(&looped);
    assert_eq!(
        (&told["rrname"], &told["rrname_truncated"], &told["rrtype"]),
        (&json!("a"), &json!(true), &json!("65280"))
    );
    let answer = MessageBuilder::response(1).answer(&[0], Type::PTR, 1, b"\x01b\xc0\x17");
    assert_eq!(dns(&answer)["answers"][0]["rdata_truncated"], true);
}

proptest! {
    #[test]
    fn any_message_is_one_line_of_json(
        flags in any::<u16>(),
        records in prop::collection::vec((0..70_u16, prop::collection::vec(
            prop_oneof![any::<u8>(), 0..8_u8, Just(0xc0)], 0..60)), 0..8),
        family in prop_oneof![Just(Family::Unicast), Just(Family::Mdns), Just(Family::Llmnr)],
    ) {
        let asked = MessageBuilder::query(1).flags(flags).question("a.example", Type::A);
        let message = records.iter().fold(asked, |message, (kind, data)| {
            message.answer(FIRST_NAME, Type(*kind), 1, data).additional(FIRST_NAME, Type(*kind), 1, data)
        });
        // It is parsed as JSON where it is made.
        let told = line(family, &message, 0);
        prop_assert_eq!(&told["event_type"], family.name());
    }
}
