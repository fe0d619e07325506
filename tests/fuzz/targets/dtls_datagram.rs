//! Whatever datagrams come, each session of DTLS is told once and memory has a
//! bound.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::dtls_datagram(input));
