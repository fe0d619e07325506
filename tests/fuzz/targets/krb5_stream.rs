//! Any bytes are borne by the dissector of Kerberos.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::krb5_stream(input));
