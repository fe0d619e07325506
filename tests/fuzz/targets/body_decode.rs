//! Any bytes are decoded as a body, however they are cut.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::body_decode(input));
