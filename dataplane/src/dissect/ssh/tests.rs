//! Whole connections, cut in every way.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where an expectation fails"
)]

use proptest::prelude::*;

use super::*;
use crate::dissect::digest::md5_hex;
use crate::dissect::heard::{Heard, Talk, bytewise, cut_at, damaged, hear, whole};

use Direction::{Down, Up};

fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (payload.len() + 9) % 8) % 8;
    let len = u32::try_from(1 + payload.len() + padding).unwrap();
    [&len.to_be_bytes()[..], &[u8::try_from(padding).unwrap()], payload, &vec![0xee; padding]].concat()
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// KEXINIT with these lists; ciphers, codes and compressions for the two ways.
fn kexinit(lists: [&str; 8]) -> Vec<u8> {
    let lists: Vec<u8> = lists.iter().chain(&["", ""]).flat_map(|list| text(list.as_bytes())).collect();
    packet(&[&[20][..], &[7; 16], &lists, &[0; 5]].concat())
}

fn client_offer() -> Vec<u8> {
    kexinit([
        "curve25519-sha256,ecdh-sha2-nistp256,ext-info-c",
        "ssh-ed25519,rsa-sha2-512",
        "chacha20-poly1305@openssh.com,aes128-ctr",
        "aes128-ctr",
        "hmac-sha2-256,hmac-sha1",
        "hmac-sha1",
        "none,zlib@openssh.com",
        "zlib",
    ])
}

fn server_offer() -> Vec<u8> {
    kexinit([
        "ecdh-sha2-nistp256,curve25519-sha256",
        "rsa-sha2-512,ssh-ed25519",
        "aes128-ctr,chacha20-poly1305@openssh.com",
        "aes128-ctr,chacha20-poly1305@openssh.com",
        "hmac-sha1",
        "hmac-sha1",
        "zlib@openssh.com",
        "none",
    ])
}

fn key() -> Vec<u8> {
    [text(b"ssh-ed25519"), text(&[9; 32])].concat()
}

fn reply(number: u8) -> Vec<u8> {
    packet(&[&[number][..], &text(&key()), &text(&[4; 32]), &text(&[5; 83])].concat())
}

fn new_keys() -> Vec<u8> {
    packet(&[21])
}

fn full() -> Talk {
    vec![
        (Down, b"SSH-2.0-OpenSSH_9.9 Ubuntu-3\r\n".to_vec()),
        (Up, [&b"SSH-2.0-PuTTY_Release_0.82\r\n"[..], &client_offer()].concat()),
        (Down, server_offer()),
        (Up, packet(&[&[30][..], &text(&[1; 32])].concat())),
        (Down, [reply(31), new_keys(), vec![0xcc; 40]].concat()),
        (Up, [packet(&[2, 0, 0, 0, 0]), new_keys(), vec![0xcc; 40]].concat()),
    ]
}

/// Lines before the banner, a CR alone, SSH 1 and 2, group exchange.
fn odd() -> Talk {
    let group = packet(&[&[31][..], &text(&[0, 0xff, 1, 2, 3, 4, 5, 6, 7, 8]), &text(&[2])].concat());
    vec![
        (Down, [&b"Welcome\r\n\nno SSH-2.0-x\nSSH-1.99-dropbear\r"[..], &server_offer()].concat()),
        (Up, [&b"SSH-2.0-x y z\n"[..], &client_offer()].concat()),
        (Down, [group, reply(33)].concat()),
        (Down, packet(&[1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0])),
    ]
}

fn first() -> Talk {
    vec![(Down, b"SSH-1.99-OpenSSH_6.6\n".to_vec()), (Up, b"SSH-1.5-OpenSSH_6.2\n".to_vec())]
}

fn talks() -> [(&'static str, Talk); 3] {
    [("full", full()), ("odd", odd()), ("first", first())]
}

fn learn(talk: &[(Direction, Vec<u8>)], cut: impl FnMut(&[u8]) -> Vec<usize>) -> (Heard, Progress) {
    let (heard, progress, held) = hear(&mut Ssh::new(), talk, cut);
    assert!(held <= HELD_MAX, "{held} bytes");
    (heard, progress)
}

/// What two sides may hold: an offer, of which each byte may have become three,
/// and a message that is put together, whose buffer may have doubled.
const HELD_MAX: usize = 2 * (3 * PAYLOAD_MAX + 2 * PAYLOAD_MAX + 4 * PREFACE_MAX);

fn record(heard: &Heard) -> &SshRecord {
    let [Record::Ssh(record)] = &heard.records[..] else { panic!("{:?}", heard.all) };
    record
}

#[test]
fn a_handshake_tells_who_what_and_which_key() {
    let (heard, progress) = learn(&full(), whole);
    assert_eq!(progress, Progress::Done);
    let record = record(&heard);
    let (client, server) = (record.client.as_ref().unwrap(), record.server.as_ref().unwrap());
    assert_eq!((&client.banner.protocol[..], &client.banner.software[..]), ("2.0", "PuTTY_Release_0.82"));
    assert_eq!(client.banner.comments, None);
    assert_eq!(server.banner.comments.as_deref(), Some("Ubuntu-3"));
    let hassh = client.hassh.as_ref().unwrap();
    assert_eq!(
        hassh.string,
        "curve25519-sha256,ecdh-sha2-nistp256,ext-info-c;chacha20-poly1305@openssh.com,aes128-ctr;\
         hmac-sha2-256,hmac-sha1;none,zlib@openssh.com"
    );
    assert_eq!(hassh.hash, md5_hex(&hassh.string));
    let hassh = server.hassh.as_ref().unwrap();
    assert!(hassh.string.ends_with(";hmac-sha1;none"), "of the way that it sends: {}", hassh.string);
    assert_eq!(hassh.hash, md5_hex(&hassh.string));
    let chosen = record.chosen.as_ref().unwrap();
    assert_eq!(chosen.kex.as_deref(), Some("curve25519-sha256"));
    assert_eq!(chosen.host_key.as_deref(), Some("ssh-ed25519"));
    assert_eq!(chosen.cipher.up.as_deref(), Some("chacha20-poly1305@openssh.com"));
    assert_eq!(chosen.cipher.down.as_deref(), Some("aes128-ctr"));
    assert_eq!((&chosen.mac.up, chosen.mac.down.as_deref()), (&None, Some("hmac-sha1")));
    assert_eq!(chosen.compression.up.as_deref(), Some("zlib@openssh.com"));
    assert_eq!(chosen.compression.down, None, "they have none in common");
    let key = record.host_key.as_ref().unwrap();
    assert_eq!((&key.kind[..], key.sha256.len(), key.md5.len()), ("ssh-ed25519", 43, 47));
    let told: Vec<_> = heard.all.iter().map(|told| told.split(['(', ' ']).nth(1).unwrap()).collect();
    assert_eq!(told, ["SshBanner", "SshBanner", "SshKex", "SshKex", "Ssh"]);
}

#[test]
fn a_fingerprint_is_as_openssh_writes_it() {
    // ssh-keygen -lf of a key whose 32 bytes are nine.
    let found = HostKey::find(&text(&key())).unwrap();
    assert_eq!(found.sha256, FINGERPRINT.0);
    assert_eq!(found.md5, FINGERPRINT.1);
}

const FINGERPRINT: (&str, &str) =
    ("xcTb/ZL8NmQsvo9k2j/c7dIyp7nvDnswfPZHlzcZwz0", "8c:fd:2f:9e:43:05:87:40:92:8b:e2:5c:20:bf:67:e1");

#[test]
fn lines_before_a_servers_banner_are_passed_over() {
    let (heard, progress) = learn(&odd(), whole);
    let record = record(&heard);
    assert_eq!(record.server.as_ref().unwrap().banner.software, "dropbear");
    assert_eq!(record.client.as_ref().unwrap().banner.comments.as_deref(), Some("y z"));
    assert_eq!(record.host_key.as_ref().unwrap().kind, "ssh-ed25519", "not out of the group before it");
    assert!(heard.anomalies.is_empty());
    assert_eq!(progress, Progress::More, "the client may yet say something");
}

#[test]
fn a_client_begins_with_its_banner() {
    let (heard, progress) = learn(&[(Up, b"hello\r\nSSH-2.0-x\r\n".to_vec())], whole);
    assert_eq!((heard.anomalies, progress), (vec![(Up, Anomaly::SshInvalidBanner)], Progress::NotMine));
}

#[test]
fn who_speaks_ssh_1_alone_is_done_at_its_banner() {
    let (heard, progress) = learn(&first(), whole);
    assert_eq!((record(&heard).chosen.is_some(), progress), (false, Progress::Done));
    let [server, client] = &first()[..] else { panic!() };
    let turned = [client.clone(), server.clone()];
    assert_eq!(learn(&turned, whole).1, Progress::Done);
    let mut alone = vec![server.clone(), (Down, [&[0, 0, 1, 11, 9, 9][..], &[0xff; 400]].concat())];
    assert!(learn(&alone, whole).0.anomalies.is_empty(), "who is not heard may have said 1.5");
    alone.insert(1, (Up, b"SSH-2.0-x\n".to_vec()));
    assert_eq!(learn(&alone, whole).0.anomalies, [(Down, Anomaly::SshInvalidRecord)]);
}

#[test]
fn a_banner_that_is_too_long_is_cut_and_said() {
    let with = |len: usize| {
        let banner = [&b"SSH-2.0-"[..], &vec![b'a'; len - 8], b"\r\n"].concat();
        let talk = vec![(Up, [&banner[..], &client_offer()].concat())];
        assert_eq!(learn(&talk, bytewise).0.all, learn(&talk, whole).0.all);
        learn(&talk, whole).0
    };
    assert!(with(BANNER_MAX).anomalies.is_empty());
    let heard = with(BANNER_MAX + 1);
    assert_eq!(heard.anomalies, [(Up, Anomaly::SshLongBanner)]);
    let client = record(&heard).client.as_ref().unwrap();
    assert_eq!(client.banner.software.len(), BANNER_MAX - 8);
    assert!(client.hassh.is_some(), "what follows is read");
    let heard = with(PREFACE_MAX + 1);
    assert_eq!(heard.anomalies, [(Up, Anomaly::SshLongBanner), (Up, Anomaly::SshInvalidBanner)]);
}

#[test]
fn lengths_that_lie_are_said_and_end_their_side() {
    let banner = b"SSH-2.0-x\r\n";
    for header in
        [[0, 0, 0, 0, 0, 20], [0, 0, 0, 1, 0, 20], [0, 0, 0, 9, 8, 20], [0, 4, 0, 1, 4, 20], [0xff; 6]]
    {
        let talk = [(Up, [&banner[..], &header].concat()), (Down, banner.to_vec())];
        let (heard, progress) = learn(&talk, whole);
        assert_eq!(heard.anomalies, [(Up, Anomaly::SshInvalidRecord)], "{header:?}");
        assert_eq!(progress, Progress::More, "the other is sound");
    }
    let mut lying = packet(&[&[20][..], &[7; 16], &text(b"kex"), &[0, 1, 0, 0]].concat());
    lying.splice(0..0, *banner);
    let (heard, _) = learn(&[(Up, lying)], whole);
    assert_eq!(heard.anomalies, [(Up, Anomaly::SshInvalidRecord)], "a list beyond its message");
    assert_eq!(record(&heard).client.as_ref().unwrap().hassh, None);
}

#[test]
fn an_offer_that_is_too_long_is_said_and_passed_over() {
    let long = "a".repeat(PAYLOAD_MAX);
    let offer = kexinit([&long, "", "", "", "", "", "", ""]);
    let talk = [(Up, [&b"SSH-2.0-x\r\n"[..], &offer, &client_offer()].concat())];
    let (heard, _) = learn(&talk, whole);
    assert_eq!(heard.anomalies, [(Up, Anomaly::SshLongKexRecord)]);
    assert!(record(&heard).client.as_ref().unwrap().hassh.is_some(), "of the one after it");
}

#[test]
fn a_gap_ends_its_direction_alone() {
    let talk = full();
    let (mut ssh, mut heard) = (Ssh::new(), Heard::default());
    assert_eq!(ssh.bytes(Down, &talk[0].1, &mut heard), Progress::More);
    assert_eq!(ssh.bytes(Up, &talk[1].1, &mut heard), Progress::More);
    assert_eq!(ssh.gap(Down, 9, &mut heard), Progress::More);
    assert_eq!(ssh.bytes(Down, &talk[4].1, &mut heard), Progress::More);
    assert_eq!(ssh.bytes(Up, &talk[5].1, &mut heard), Progress::Done);
    assert_eq!(record(&heard).host_key, None);
    ssh.close(&mut heard);
    assert_eq!(heard.records.len(), 1, "it is told once");
}

#[test]
fn who_is_heard_alone_is_done_after_a_while() {
    let mut ssh = Ssh::new();
    let mut heard = Heard::default();
    let said = [&b"SSH-2.0-x\r\n"[..], &client_offer(), &new_keys()].concat();
    assert_eq!(ssh.bytes(Up, &said, &mut heard), Progress::More);
    assert_eq!(ssh.bytes(Up, &vec![0; 70_000], &mut heard), Progress::Done);
    assert_eq!(heard.records.len(), 1);
    let mut ssh = Ssh::new();
    let ignored = packet(&[&[2][..], &[0; 1000]].concat());
    let said = [&b"SSH-2.0-x\r\n"[..], &ignored.repeat(2000)].concat();
    assert_eq!(ssh.bytes(Up, &said, &mut heard), Progress::Done, "who never comes to the point");
}

#[test]
fn one_byte_at_a_time_tells_the_same() {
    for (name, talk) in talks() {
        let (one, all) = (learn(&talk, bytewise), learn(&talk, whole));
        assert_eq!((one.0.all, one.1), (all.0.all, all.1), "{name}");
    }
}

#[test]
fn every_truncation_tells_a_part_of_the_same() {
    for (name, talk) in talks() {
        let all = learn(&talk, whole).0.all;
        for (at, (direction, bytes)) in talk.iter().enumerate() {
            for len in 0..bytes.len() {
                let mut cut = talk[..at].to_vec();
                cut.push((*direction, bytes[..len].to_vec()));
                let (mut heard, progress) = learn(&cut, whole);
                // What is told at the close is told of what there was.
                heard.all.truncate(heard.all.len() - heard.records.len());
                assert_eq!(heard.all, all[..heard.all.len()], "{name}, {len} bytes of {at}");
                assert!(heard.anomalies.is_empty(), "{name}, {len} bytes of {at}");
                assert!(matches!(progress, Progress::More | Progress::Done), "{name}, {len} bytes of {at}");
            }
        }
    }
}

proptest! {
    #[test]
    fn damage_is_borne_and_cuts_do_not_change_what_it_does(
        which in 0_usize..3,
        damage in prop::collection::vec((0_usize..6, 0_usize..700, any::<u8>()), 0..4),
        cuts in prop::collection::vec(0_usize..700, 0..12),
    ) {
        let (_, talk) = talks()[which].clone();
        let talk = damaged(talk, &damage);
        let (cut, all) = (learn(&talk, cut_at(cuts)), learn(&talk, whole));
        prop_assert_eq!(cut.0.all, all.0.all);
        prop_assert_eq!(cut.1, all.1);
    }

    #[test]
    fn any_bytes_are_borne_and_bounded(up: Vec<u8>, down: Vec<u8>) {
        let talk = [(Up, [&b"SSH-2.0-x\n"[..], &up].concat()), (Down, down), (Up, up)];
        let (cut, all) = (learn(&talk, bytewise), learn(&talk, whole));
        prop_assert_eq!(cut.0.all, all.0.all);
    }
}
