//! Any fragments leave the table once, within its memory, whole or not.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::fragments(input));
