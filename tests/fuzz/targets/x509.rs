//! Any bytes are a certificate or the reason why not.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::x509(input));
