//! Any bytes are a mail and a form, however they are cut.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::mime_stream(input));
