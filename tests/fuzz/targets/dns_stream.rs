//! However a stream of DNS is cut, the same is learnt of it.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::dns_stream(input));
