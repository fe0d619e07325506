//! Any bytes are borne by the dissector of IKE.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::ike_datagram(input));
