//! Any bytes are read as a capture to their end, or to where they are none.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::capture_read(input));
