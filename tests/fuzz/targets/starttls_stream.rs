//! However what becomes TLS is cut, it becomes so, or not, alike.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::starttls_stream(input));
