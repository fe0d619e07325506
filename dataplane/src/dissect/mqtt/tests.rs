//! What is odd in MQTT, and what is not.

use super::*;
use crate::dissect::heard::{Heard, bytewise, hear, whole};
use crate::flow::Direction::{Down, Up};

const CONNECT: &[u8] = b"\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02id";
const CONNACK: &[u8] = b"\x20\x02\0\0";
const SUBSCRIBE: &[u8] = b"\x82\x06\0\x07\0\x01a\0";
const SUBACK: &[u8] = b"\x90\x03\0\x07\0";
/// Quality 2, identifier 9.
const PUBLISH: &[u8] = b"\x34\x06\0\x01a\0\x09x";

fn odd(talk: &[(Direction, &[u8])]) -> Vec<Anomaly> {
    let talk: Vec<_> = talk.iter().map(|(direction, bytes)| (*direction, bytes.to_vec())).collect();
    let (heard, _, _) = hear(&mut Mqtt::new(), &talk, whole);
    let (cut, _, _) = hear(&mut Mqtt::new(), &talk, bytewise);
    let of = |heard: Heard| heard.anomalies.into_iter().map(|(_, anomaly)| anomaly).collect::<Vec<_>>();
    let heard = of(heard);
    assert_eq!(of(cut), heard, "however it is cut");
    heard
}

#[test]
fn a_conversation_by_the_book_is_not_odd() {
    let talk = [
        (Up, CONNECT),
        (Down, CONNACK),
        (Up, SUBSCRIBE),
        (Down, SUBACK),
        (Up, b"\xc0\0"),
        (Down, b"\xd0\0"),
        (Up, PUBLISH),
        (Down, b"\x50\x02\0\x09"),
        (Up, b"\x62\x02\0\x09"),
        (Down, b"\x70\x02\0\x09"),
        (Down, b"\x30\x04\0\x01ax"),
        (Up, b"\xa2\x05\0\x08\0\x01a"),
        (Down, b"\xb0\x02\0\x08"),
        (Up, b"\xe0\0"),
    ];
    assert_eq!(odd(&talk), []);
}

#[test]
fn an_answer_to_nothing_is_odd_by_what_it_answers() {
    let answers: [(&[u8], Anomaly); 5] = [
        (SUBACK, Anomaly::MqttMissingSubscribe),
        (b"\xb0\x02\0\x08", Anomaly::MqttMissingUnsubscribe),
        (b"\x40\x02\0\x09", Anomaly::MqttMissingPublish),
        (b"\x50\x02\0\x09", Anomaly::MqttMissingPublish),
        (b"\x62\x02\0\x09", Anomaly::MqttMissingPublish),
    ];
    for (answer, anomaly) in answers {
        assert_eq!(odd(&[(Up, CONNECT), (Down, CONNACK), (Down, answer)]), [anomaly], "{answer:?}");
    }
    assert_eq!(odd(&[(Down, CONNACK)]), [Anomaly::MqttMissingConnect]);
}

#[test]
fn an_answer_counts_once_and_only_to_its_own_side() {
    let talk = [(Up, CONNECT), (Down, CONNACK), (Up, SUBSCRIBE), (Down, SUBACK), (Down, SUBACK)];
    assert_eq!(odd(&talk), [Anomaly::MqttMissingSubscribe]);
    assert_eq!(
        odd(&[(Up, CONNECT), (Down, CONNACK), (Up, SUBSCRIBE), (Up, SUBACK)]),
        [Anomaly::MqttMissingSubscribe]
    );
}

#[test]
fn flags_types_and_lengths_that_cannot_be_are_odd() {
    let told = |message: &'static [u8]| odd(&[(Up, CONNECT), (Down, CONNACK), (Up, message)]);
    assert_eq!(told(b"\x36\x06\0\x01a\0\x09x"), [Anomaly::MqttInvalidQosLevel]);
    assert_eq!(told(b"\x32\x03\0\x01a"), [Anomaly::MqttMissingMsgId]);
    assert_eq!(told(b"\0\0"), [Anomaly::MqttUnassignedMsgType]);
    assert_eq!(told(CONNECT), [Anomaly::MqttDoubleConnect]);
    assert_eq!(told(b"\x30\xff\xff\xff\xff\x01"), [Anomaly::MqttMalformedTraffic]);
    assert_eq!(odd(&[(Up, CONNECT), (Up, b"\xc0\0")]), [Anomaly::MqttUnintroducedMessage]);
}

#[test]
fn a_long_message_is_passed_over_and_the_next_is_found() {
    let long = [b"\x30\xd0\x0f\0\x01a".as_slice(), &[0xff; 2000 - 3]].concat();
    assert_eq!(
        odd(&[(Up, CONNECT), (Down, CONNACK), (Up, &long), (Down, SUBACK)]),
        [Anomaly::MqttMissingSubscribe]
    );
    let mut mqtt = Mqtt::new();
    let mut heard = Heard::default();
    assert_eq!(mqtt.bytes(Up, &long[..1000], &mut heard), Progress::More);
    assert_eq!(mqtt.gap(Up, 900, &mut heard), Progress::More, "only what it carries is missing");
    let told = |mqtt: &mut Mqtt, message: &[u8]| {
        let mut heard = Heard::default();
        mqtt.bytes(Up, message, &mut heard);
        heard.anomalies.len()
    };
    let rest = [&[0xff; 103][..], b"\0\0"].concat();
    assert_eq!(told(&mut mqtt, &rest), 1, "the next message is found");
    assert_eq!(mqtt.gap(Up, 1, &mut heard), Progress::More, "the other side goes on");
    assert_eq!(told(&mut mqtt, b"\0\0"), 0, "it is not known what is a message");
    assert_eq!(mqtt.gap(Down, 1, &mut heard), Progress::Done);
}

#[test]
fn what_waits_for_answers_is_bounded() {
    let mut mqtt = Mqtt::new();
    let mut heard = Heard::default();
    mqtt.bytes(Up, CONNECT, &mut heard);
    mqtt.bytes(Down, CONNACK, &mut heard);
    for id in 0..=u16::MAX {
        let [high, low] = id.to_be_bytes();
        mqtt.bytes(Up, &[0x82, 6, high, low, 0, 1, b'a', 0], &mut heard);
    }
    assert!(mqtt.held() <= 2 * WAITING_MAX * 8, "{}", mqtt.held());
    assert!(heard.anomalies.iter().all(|(_, anomaly)| *anomaly == Anomaly::MqttTooManyTransactions));
}
