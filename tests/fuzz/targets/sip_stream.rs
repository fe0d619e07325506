//! Any bytes are borne by the dissector of SIP.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::sip_stream(input));
