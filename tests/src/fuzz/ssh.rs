//! SSH: banners, packets and offers out of any bytes.

use tidegate::app_proto::AppProto;
use tidegate::flow::Direction::{Down, Up};

use super::dissect::{Step, seed, stream, talk};

/// Feeds a talk to the dissector of SSH.
pub fn ssh_stream(input: &[u8]) {
    stream(AppProto::Ssh, input);
}

/// A packet in the clear.
fn packet(payload: &[u8]) -> Vec<u8> {
    const PADDING: u8 = 8;
    let len = u32::try_from(1 + payload.len() + usize::from(PADDING)).expect("a seed is short");
    [&len.to_be_bytes()[..], &[PADDING], payload, &[0xee; PADDING as usize]].concat()
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("a seed is short").to_be_bytes()[..], bytes].concat()
}

/// An offer with these lists, the last two (languages) empty.
fn offer(lists: [&[u8]; 8]) -> Vec<u8> {
    let lists: Vec<u8> = lists.into_iter().chain([&b""[..]; 2]).flat_map(text).collect();
    packet(&[&[20][..], &[7; 16], &lists, &[0; 5]].concat())
}

/// The seeds of `ssh_stream`.
pub fn ssh_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let client = offer([
        b"curve25519-sha256,ext-info-c",
        b"ssh-ed25519",
        b"aes128-gcm@openssh.com,aes128-ctr",
        b"aes128-ctr",
        b"hmac-sha1",
        b"hmac-sha1",
        b"none",
        b"none",
    ]);
    let server = offer([
        b"curve25519-sha256",
        b"ssh-rsa,ssh-ed25519",
        b"aes128-gcm@openssh.com",
        b"aes128-ctr",
        b"hmac-sha1",
        b"hmac-sha1",
        b"zlib,none",
        b"none",
    ]);
    let key = [text(b"ssh-ed25519"), text(&[9; 32])].concat();
    let reply = packet(&[&[31][..], &text(&key), &text(&[4; 32]), &text(&[5; 83])].concat());
    let new_keys = packet(&[21]);
    let client = [b"SSH-2.0-x y\r\n", &client[..]].concat();
    let answer = [&reply[..], &new_keys, &[0xcc; 20]].concat();
    let full = [
        (Down, &b"SSH-2.0-OpenSSH_9.9\r\n"[..]),
        (Up, &client),
        (Down, &server),
        (Up, &new_keys),
        (Down, &answer),
    ];
    let group = packet(&[&[31][..], &text(&[0, 0xff, 1, 2, 3]), &text(&[2])].concat());
    let preface = [b"Hello\n\nSSH-1.99-x\r", &server[..], &group].concat();
    let long = [b"SSH-2.0-", &[b'a'; 300][..], b"\n"].concat();
    let hole = talk(&[Step::Bytes(Up, &client[..60]), Step::Gap(Up, 9), Step::Bytes(Down, &long)]);
    vec![
        seed("full", &full),
        seed("preface", &[(Down, &preface), (Up, b"SSH-2.0-x\n")]),
        seed("first", &[(Up, b"SSH-1.5-x\n"), (Down, b"SSH-1.5-y\n")]),
        ("hole".to_owned(), hole),
    ]
}
