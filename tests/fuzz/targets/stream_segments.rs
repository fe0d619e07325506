//! Segments and acknowledgements of any place and length are told once, in order,
//! in bounded memory; and inline, no segment goes on that says other bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::stream_segments(input));
