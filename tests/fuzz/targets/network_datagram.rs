//! Any datagrams are borne by the dissectors of DHCP, SNMP and TFTP.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tidegate_tests::fuzz::network_datagram(input));
