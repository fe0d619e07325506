//! Whole messages of both versions.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where an expectation fails"
)]

use proptest::prelude::*;

use super::*;
use crate::dissect::heard::{Heard, Talk, hear, whole};

use Direction::{Down, Up};

/// A message with these payloads, each with its kind.
fn message(version: u8, exchange: u8, flags: u8, payloads: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let body = chain(payloads);
    let first = payloads.first().map_or(0, |(kind, _)| *kind);
    let responder = if flags & 0x20 != 0 { 9_u64 } else { 0 };
    let len = u32::try_from(HEADER_LEN + body.len()).unwrap();
    let ids = [7_u64.to_be_bytes(), responder.to_be_bytes()].concat();
    [&ids[..], &[first, version, exchange, flags], &[0, 0, 0, 1], &len.to_be_bytes(), &body].concat()
}

fn chain(payloads: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, (_, body)) in payloads.iter().enumerate() {
        let next = payloads.get(at + 1).map_or(0, |(kind, _)| *kind);
        bytes.extend([next, 0]);
        bytes.extend(u16::try_from(4 + body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
    }
    bytes
}

/// Proposals of version 2, each of a protocol with these transforms.
fn offer(protocol: u8, transforms: &[(u8, u16)]) -> Vec<u8> {
    let transforms: Vec<_> =
        transforms.iter().map(|(kind, id)| (3, [&[*kind, 0][..], &id.to_be_bytes()].concat())).collect();
    let count = u8::try_from(transforms.len()).unwrap();
    chain(&[(2, [&[1, protocol, 0, count][..], &chain(&transforms)].concat())])
}

const STRONG: &[(u8, u16)] = &[(1, 20), (2, 5), (4, 19), (5, 0)];

fn init(transforms: &[(u8, u16)]) -> Vec<u8> {
    message(0x20, 34, 0x08, &[(33, offer(1, transforms)), (34, vec![0; 40]), (40, vec![1; 32])])
}

fn records(heard: &Heard) -> Vec<IkeRecord> {
    let records = heard.records.iter().map(|record| {
        let Record::Ike(record) = record else { panic!("{record:?}") };
        (**record).clone()
    });
    records.collect()
}

fn listen(talk: &[(Direction, Vec<u8>)]) -> (Heard, Progress) {
    let (heard, progress, held) = hear(&mut Ike::new(), talk, whole);
    assert!(held <= HELD_MAX);
    (heard, progress)
}

fn raised(message: Vec<u8>) -> Vec<Anomaly> {
    listen(&[(Up, message)]).0.anomalies.into_iter().map(|(_, anomaly)| anomaly).collect()
}

#[test]
fn version_2_tells_payloads_and_what_is_chosen() {
    let answer = message(
        0x20,
        34,
        0x20,
        &[(33, offer(1, STRONG)), (41, vec![0, 0, 0x40, 4]), (41, vec![0, 0, 0, 14])],
    );
    let secret = message(0x20, 35, 0x08, &[(46, vec![5; 30])]);
    let (heard, progress) = listen(&[(Up, init(STRONG)), (Down, answer), (Up, secret)]);
    assert_eq!((heard.anomalies.len(), progress), (0, Progress::More));
    let [init, answer, secret] = <[_; 3]>::try_from(records(&heard)).unwrap();
    assert_eq!((init.version, init.exchange, init.responder_spi), ((2, 0), 34, 0));
    let Said::V2(said) = init.said else { panic!() };
    let payloads: Vec<_> = said.payload_names().collect();
    assert_eq!(payloads, ["SecurityAssociation", "KeyExchange", "Nonce", "NoNextPayload"]);
    assert!(said.is_initiator && said.chosen == Chosen::default());
    let Said::V2(said) = answer.said else { panic!() };
    assert_eq!((said.errors, said.is_initiator, answer.responder_spi), (1, false, 9));
    let notified: Vec<_> = said.notification_names().collect();
    assert_eq!(notified, ["NAT_DETECTION_SOURCE_IP", "NO_PROPOSAL_CHOSEN"]);
    let chosen = said.chosen;
    let names = [chosen.encryption_name(), chosen.prf_name(), chosen.group_name(), chosen.esn_name()];
    assert_eq!(names, ["ENCR_AES_GCM_16", "PRF_HMAC_SHA2_256", "Ecp256", "NoESN"]);
    let Said::V2(said) = secret.said else { panic!() };
    assert_eq!(said.payloads, [46, 0]);
}

#[test]
fn version_2_judges_what_is_offered() {
    let with = |transform: (u8, u16)| raised(init(&[STRONG, &[transform]].concat()));
    assert_eq!(with((1, 3)), [Anomaly::IkeWeakCryptoEnc]);
    assert_eq!(with((2, 2)), [Anomaly::IkeWeakCryptoPrf]);
    assert_eq!(with((3, 2)), [Anomaly::IkeWeakCryptoAuth]);
    assert_eq!(with((4, 2)), [Anomaly::IkeWeakCryptoDh]);
    assert_eq!(with((4, 0)), [Anomaly::IkeInvalidProposal]);
    assert_eq!(with((9, 1)), [Anomaly::IkeUnknownProposal]);
    assert_eq!(raised(init(&STRONG[..2])), [Anomaly::IkeWeakCryptoNoDh]);
    assert_eq!(raised(init(&[(1, 12), (2, 5), (4, 19)])), [Anomaly::IkeWeakCryptoNoAuth]);
    let unencrypted = message(0x20, 34, 0x08, &[(33, offer(2, STRONG))]);
    assert_eq!(raised(unencrypted), [Anomaly::IkeNoEncryption]);
    let broken = message(0x20, 34, 0x08, &[(33, vec![1, 2, 3])]);
    assert_eq!(raised(broken), [Anomaly::IkeMalformedData]);
    let mut short = init(STRONG);
    short.truncate(80);
    assert_eq!(raised(short), [Anomaly::IkeMalformedData; 2]);
}

/// An association of version 1 with so many transforms.
fn association(transforms: usize) -> Vec<u8> {
    let attributes = [0x80, 1, 0, 7, 0x80, 2, 0, 4, 0, 12, 0, 4, 0, 0, 0x70, 0x80, 0, 99, 0, 1, 0xab];
    let transforms = vec![(3, [&[1, 1, 0, 0][..], &attributes].concat()); transforms];
    let proposal = [&[1, 1, 0, 1][..], &chain(&transforms)].concat();
    [&[0, 0, 0, 1, 0, 0, 0, 1][..], &chain(&[(2, proposal)])].concat()
}

#[test]
fn version_1_tells_proposals_and_what_is_chosen() {
    let talk = [
        (Up, message(0x10, 2, 0, &[(1, association(2)), (13, vec![0xaf, 0xca])])),
        (Down, message(0x10, 2, 0x20, &[(1, association(1))])),
        (Up, message(0x10, 2, 0x20, &[(4, vec![1; 3]), (10, vec![2; 2])])),
        (Down, message(0x10, 2, 0x21, &[(5, vec![9; 20])])),
    ];
    let (heard, _) = listen(&talk);
    assert_eq!(heard.anomalies, []);
    let said: Vec<_> = records(&heard)
        .into_iter()
        .map(|record| match record.said {
            Said::V1(said) => *said,
            Said::V2(_) => panic!(),
        })
        .collect();
    assert_eq!((said[0].transforms.len(), said[0].chosen.len(), said[0].doi), (2, 0, Some(1)));
    assert_eq!(said[0].vendor_ids, ["afca"]);
    let names: Vec<_> = said[0].payload_names().collect();
    assert_eq!(names, ["SecurityAssociation", "Proposal", "Transform", "VendorID"]);
    let chosen: Vec<_> =
        said[1].chosen.iter().map(|attribute| (attribute.name(), attribute.value_name())).collect();
    let expected = [
        ("alg_enc", "EncAesCbc"),
        ("alg_hash", "HashSha2_256"),
        ("sa_life_duration", "Unknown"),
        ("unknown", "Unknown"),
    ];
    assert_eq!(chosen, expected);
    assert_eq!(said[1].chosen[2].value, Value::Number(0x7080));
    assert_eq!(said[1].chosen[3].value, Value::Bytes("ab".into()));
    assert_eq!((&*said[2].client.key_exchange, &*said[2].client.nonce), ("010101", "0202"));
    assert!(said[3].is_encrypted && said[3].client.nonce.is_empty());
    assert_eq!(said[3].chosen.len(), 4, "what was chosen stays known");
}

#[test]
fn version_1_raises_what_is_odd() {
    let answer = message(0x10, 2, 0x20, &[(1, association(2))]);
    let (heard, _) = listen(&[(Down, answer)]);
    assert_eq!(heard.anomalies, [(Down, Anomaly::IkeMultipleServerProposal)]);
    let mut more = message(0x10, 2, 0, &[(13, vec![1])]);
    more.extend([0; 3]);
    more[27] += 3;
    assert_eq!(raised(more), [Anomaly::IkePayloadExtraData]);
}

#[test]
fn what_peers_encrypt_behind_a_nat_is_passed_over() {
    let marked = [&[0; 4][..], &init(STRONG)].concat();
    let esp = [&[0xff, 1, 2, 3][..], &[0xee; 60]].concat();
    let (heard, progress) = listen(&[(Up, marked), (Up, vec![0xff]), (Down, esp.clone())]);
    assert_eq!((heard.records.len(), heard.anomalies.len(), progress), (1, 0, Progress::More));
    let traffic = vec![(Down, esp); OTHERS_MAX.into()];
    assert_eq!(listen(&traffic).1, Progress::Done);
}

proptest! {
    #[test]
    fn any_datagrams_are_borne(
        datagrams: Vec<(bool, Vec<u8>)>,
        version in prop::sample::select(vec![0x10_u8, 0x20]),
        damage in 0_usize..150,
        value: u8,
    ) {
        let sound = [init(STRONG), message(0x10, 2, 0, &[(1, association(2)), (13, vec![1; 3])])];
        let mut talk: Talk = sound.into_iter().map(|bytes| (Down, bytes)).collect();
        for (_, bytes) in &mut talk {
            if let Some(byte) = bytes.get_mut(damage) {
                *byte = value;
            }
        }
        talk.extend(datagrams.into_iter().map(|(is_up, mut bytes)| {
            if let Some(byte) = bytes.get_mut(17) {
                *byte = version;
            }
            (if is_up { Up } else { Down }, bytes)
        }));
        listen(&talk);
    }
}
