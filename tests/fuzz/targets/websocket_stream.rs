//! However frames of WebSocket are cut, the same is learnt of them.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::websocket_stream(input));
