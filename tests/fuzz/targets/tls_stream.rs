//! However a connection's bytes are cut, the same is learnt of it.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::tls_stream(input));
