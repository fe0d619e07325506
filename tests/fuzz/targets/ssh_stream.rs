//! However a connection of SSH is cut, the same is learnt of it.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::ssh_stream(input));
