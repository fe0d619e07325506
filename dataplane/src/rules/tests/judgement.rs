//! Which rules are asked, in which order, and what comes of it.

use std::path::PathBuf;

use super::super::action::MESSAGE_MAX;
use super::super::meta::id_of;
use super::super::{Facts, Judgement, RuleSet};
use super::{ARP, DNS, PING, Recorder, SYN, facts, flow, load};
use crate::event::EventKind;
use crate::verdict::Verdict;
use crate::wire::Packet;
use crate::wire::packet::{Ipv4, Net, Tcp, Transport};
use crate::wire::tcp::Flags;

fn judge(text: &str, event: EventKind, facts: &Facts<'_>) -> (Judgement, Recorder) {
    let mut recorder = Recorder::default();
    let judgement = load(text).0.judge(event, facts, &mut recorder);
    (judgement, recorder)
}

#[test]
fn a_verdict_ends_the_evaluation_and_nothing_else_does() {
    let text = r#"
        rule "other event" on flow_open { drop(); }
        rule "first" on packet when tcp.dstport == 22 { log("1"); alert("2"); }
        rule "second" on packet when tcp.dstport == 23 { drop(); }
        rule "third" #{ id: 7 } on packet when tcp.flags.syn { alert("3"); reject(); }
        rule "fourth" on packet { drop(); }
    "#;
    let (judgement, recorder) = judge(text, EventKind::Packet, &facts(&SYN));
    assert_eq!(judgement.verdict, Some(Verdict::Reject));
    assert_eq!(judgement.rule, Some(3));
    assert_eq!(load(text).0.meta(3).map(|meta| meta.id), Some(7));
    assert_eq!(
        (recorder.hits, recorder.alerts, recorder.logs),
        (vec![1, 3], vec!["2".into(), "3".into()], vec!["1".into()])
    );
}

#[test]
fn nothing_after_a_verdict_is_done() {
    let text = "rule \"a\" on packet { log(\"1\"); accept(); alert(\"late\"); drop(); }";
    let (judgement, recorder) = judge(text, EventKind::Packet, &facts(&SYN));
    assert_eq!(judgement.verdict, Some(Verdict::Accept));
    assert_eq!((recorder.logs, recorder.alerts), (vec!["1".to_owned()], vec![]));
}

#[test]
fn without_a_verdict_the_rules_leave_it_open() {
    let (judgement, recorder) =
        judge("rule \"a\" on packet { log(\"x\"); }", EventKind::Packet, &facts(&ARP));
    assert_eq!(judgement, Judgement::default());
    assert_eq!(recorder.hits, [0]);
}

#[test]
fn a_set_listens_to_what_its_rules_name() {
    let (rules, _) = load("rule \"a\" on flow_open { accept(); }");
    for event in EventKind::ALL {
        assert_eq!(rules.listens(event), event == EventKind::FlowOpen, "{event:?}");
    }
    assert!(!RuleSet::default().listens(EventKind::Packet));
}

#[test]
fn a_flow_is_there_on_its_events_and_its_packets() {
    let text = r#"
        rule "p" on packet when flow.server.port == 22 { alert("packet"); }
        rule "o" on flow_open when flow.server.port == 22 && tcp.dstport == 22 { alert("open"); }
        rule "c" on flow_close when flow.server.port == 22 { alert("close"); }
    "#;
    let both = Facts { flow: Some(flow()), ..facts(&SYN) };
    let alone = Facts { flow: Some(flow()), packet: None, app: None };
    assert_eq!(judge(text, EventKind::Packet, &both).1.alerts, ["packet"]);
    assert_eq!(judge(text, EventKind::Packet, &facts(&SYN)).1.alerts, Vec::<String>::new());
    assert_eq!(judge(text, EventKind::FlowOpen, &both).1.alerts, ["open"]);
    assert_eq!(judge(text, EventKind::FlowClose, &alone).1.alerts, ["close"]);
}

#[test]
fn metadata_has_defaults_and_the_rule_says_otherwise() {
    let text = r#"
        const TAG = "scan";
        rule "plain" on packet { accept(); }
        rule "full" #{ id: 1001, severity: "high", tags: ["policy", TAG] } on flow_open { accept(); }
        rule "number" #{ severity: 3 } on flow_close { accept(); }
    "#;
    let (rules, _) = load(text);
    let metas: Vec<_> =
        rules.rules().map(|rule| (rule.meta.id, rule.meta.severity, rule.meta.tags.join(" "))).collect();
    assert_eq!(
        metas,
        [
            (id_of("plain"), 2, String::new()),
            (1001, 1, "policy scan".to_owned()),
            (id_of("number"), 3, String::new())
        ]
    );
}

#[test]
fn messages_show_values_as_people_write_them() {
    let text = r#"
        const NET = net("10.0.0.0/8");
        rule "a" on packet {
            alert(`${ip.src} ${tcp.dstport + 1} ${ip.proto} ${eth.src} ${tcp.flags.syn} ${flow.age} ${NET} ${TCP} ${1}`);
            log(`${udp.dstport}|${pkt.payload.lower()}|${tcp.dstport == 22}|${flow.state}`);
            log(NET);
        }"#;
    let with_flow = Facts { flow: Some(flow()), ..facts(&SYN) };
    let (_, recorder) = judge(text, EventKind::Packet, &with_flow);
    assert_eq!(recorder.alerts, ["192.0.2.7 23 TCP 02:00:5e:10:00:01 true 90s 10.0.0.0/8 TCP 1"]);
    assert_eq!(recorder.logs, ["-|get /admin|true|ESTABLISHED", "10.0.0.0/8"]);
}

#[test]
fn messages_escape_bytes_and_end_somewhere() {
    let text = r#"rule "a" on packet { alert(`<${pkt.payload}>`); }"#;
    let bytes = [b'a', 0, b'\n', 0xff];
    let packet = Packet { payload_len: 4, ..SYN };
    let mut facts = facts(&packet);
    if let Some(view) = &mut facts.packet {
        view.bytes = &bytes;
    }
    assert_eq!(judge(text, EventKind::Packet, &facts).1.alerts, [r"<a\x00\n\xff>"]);

    let long = vec![0xff; 100_000];
    let packet = Packet { payload_len: 100_000, ..SYN };
    if let Some(view) = &mut facts.packet {
        (view.bytes, view.packet) = (&long, &packet);
    }
    let alerts = judge(text, EventKind::Packet, &facts).1.alerts;
    assert_eq!(alerts.iter().map(String::len).collect::<Vec<_>>(), [MESSAGE_MAX + '…'.len_utf8()]);
}

/// The folder of the rule library.
fn library() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts")
}

#[test]
fn the_rule_library_is_free_of_mistakes_and_warnings() {
    match RuleSet::load(&[library()]) {
        Ok(loaded) => {
            assert!(loaded.rules.len() >= 8);
            assert!(
                loaded.warnings.is_empty(),
                "{}",
                super::super::diagnostic::render_all(&loaded.warnings, false)
            );
            let own_id = |id: u32| id < 0x8000_0000;
            assert!(loaded.rules.rules().all(|rule| own_id(rule.meta.id)), "shipped rules keep their ids");
        }
        Err(errors) => unreachable!("{errors}"),
    }
}

#[test]
fn the_rule_library_finds_what_it_is_for_and_leaves_the_rest() {
    let Ok(loaded) = RuleSet::load(&[library()]) else { unreachable!("tested elsewhere") };
    let tcp = |tcp: Tcp| Packet { transport: Transport::Tcp(tcp), ..SYN };
    let land = Packet {
        net: Net::V4(Ipv4 { dst: super::V4.src, ..super::V4 }),
        ..tcp(Tcp { src_port: 22, ..super::TCP })
    };
    let with_flags = |flags| tcp(Tcp { flags, ..super::TCP });
    for (packet, rule) in [
        (land, Some("LAND packet")),
        (with_flags(Flags::FIN | Flags::PSH | Flags::URG), Some("Xmas scan")),
        (with_flags(Flags::empty()), Some("null scan")),
        (with_flags(Flags::SYN | Flags::FIN), Some("SYN and FIN together")),
        (with_flags(Flags::ACK), None),
        (SYN, None),
        (DNS, None),
        (ARP, None),
        (PING, None),
    ] {
        let judgement = loaded.rules.judge(EventKind::Packet, &facts(&packet), &mut Recorder::default());
        let decided = judgement.rule.and_then(|rule| loaded.rules.meta(rule));
        assert_eq!(decided.map(|rule| rule.name.as_str()), rule, "{packet:?}");
    }
    let open = |port: u16, client: [u8; 4]| {
        let mut view = flow();
        view.record.tuple.server_port = port;
        view.record.tuple.client = client.into();
        let facts = Facts { flow: Some(view), ..facts(&SYN) };
        let judgement = loaded.rules.judge(EventKind::FlowOpen, &facts, &mut Recorder::default());
        let decided = judgement.rule.and_then(|rule| loaded.rules.meta(rule));
        (judgement.verdict, decided.map(|rule| rule.name.clone()))
    };
    let rejected = |name: &str| (Some(Verdict::Reject), Some(name.to_owned()));
    let outside = [192, 0, 2, 7];
    assert_eq!(open(22, outside), rejected("SSH from outside"));
    assert_eq!(open(22, [10, 0, 0, 9]), (None, None));
    assert_eq!(open(23, [10, 0, 0, 9]), rejected("Telnet"));
    assert_eq!(open(445, outside), (Some(Verdict::Drop), Some("SMB from outside".to_owned())));
    assert_eq!(open(445, [192, 168, 1, 1]), (None, None));
    assert_eq!(open(443, outside), (None, None));
}
