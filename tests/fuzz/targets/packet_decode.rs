//! Any bytes under any link decode to a packet or to the reason why not.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::packet_decode(input));
