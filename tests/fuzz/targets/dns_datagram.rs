//! Any datagrams and any message of DNS are borne, in bounded memory.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::dns_datagram(input));
