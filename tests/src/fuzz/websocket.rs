//! WebSocket: frames out of any bytes.

use tidegate::app_proto::AppProto;
use tidegate::flow::Direction::{Down, Up};

use super::dissect::{Step, seed, stream, talk};

/// Feeds a talk to the dissector of WebSocket.
pub fn websocket_stream(input: &[u8]) {
    stream(AppProto::Websocket, input);
}

/// The seeds of `websocket_stream`.
pub fn websocket_stream_seeds() -> Vec<(String, Vec<u8>)> {
    let long = [&[0x82, 126, 1, 0][..], &[7; 256]].concat();
    let hole = talk(&[Step::Bytes(Down, &long[..40]), Step::Gap(Down, 200), Step::Bytes(Down, &long[240..])]);
    let said: [(_, &[u8]); 4] = [
        (Up, b"\x01\x83\x01\x02\x03\x04abc\x89\x80\x01\x02\x03\x04\x80\x81\x01\x02\x03\x04x"),
        (Down, b"\x8a\x00\xc1\x7f\0\0\0\0\0\0\0\x03abc"),
        (Up, b"\x88\x82\x01\x02\x03\x04\x02\xea"),
        (Down, b"\x88\x00"),
    ];
    vec![seed("chat", &said), ("hole".to_owned(), hole)]
}
