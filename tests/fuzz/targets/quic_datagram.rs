//! Any datagrams are borne by the dissector of QUIC.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::quic_datagram(input));
