//! Any bytes are a connection of HTTP/2, however they are cut.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::http2_stream(input));
