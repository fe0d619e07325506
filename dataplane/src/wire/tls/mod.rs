//! TLS and its relatives, as bytes: SSL 2.0 hellos, SSL 3.0 to TLS 1.3, DTLS.
//!
//! Everything borrows from the bytes it was decoded from. Lists are checked once,
//! when what holds them is decoded, and walked without errors afterwards. What is
//! unknown stays as its number or its bytes; a version is a number like others.
//!
//! From the outside in: [`record`] and [`dtls`] frame, [`sslv2`] is the hello of
//! another age, [`handshake`] splits messages, [`client_hello`] and
//! [`server_hello`] are the offer and the choice, [`extension`] what they carry,
//! [`certificate`] and [`key_exchange`] what follows in the clear, [`alert`] how
//! it fails. [`x509`] reads certificates, [`fingerprint`] writes JA3 and JA4 before
//! hashing, [`build`] makes hellos, [`registry`] has the names.

pub mod alert;
pub mod build;
pub mod certificate;
pub mod client_hello;
pub mod dtls;
pub mod extension;
pub mod fingerprint;
pub mod handshake;
pub mod key_exchange;
pub mod lists;
pub mod record;
pub mod registry;
#[cfg(test)]
pub(crate) mod samples;
pub mod server_hello;
pub mod sslv2;
pub mod x509;

use super::reader;

pub use client_hello::ClientHello;
pub use extension::{Body, Extension, Extensions};
pub use handshake::Handshake;
pub use record::{ContentType, Record};
pub use registry::{
    AlertDescription, ExtensionType, Group, HandshakeType, SignatureScheme, Suite, Version, is_grease,
};
pub use server_hello::ServerHello;
