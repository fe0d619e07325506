//! QUIC as bytes: versions 1 and 2 (RFC 9000, RFC 9369), the drafts from 22 on,
//! Facebook's, and Google's before and beside them.
//!
//! What all versions have in common (RFC 8999) is read of any of them; what stands
//! behind it only of those that are known. Nothing here decrypts: [`packet`] takes
//! a datagram apart as far as it is in the clear, [`frame`] reads what an Initial
//! packet holds once it is decrypted, [`google`] the packets that Google sent in
//! the clear, and [`tags`] the messages in them.

pub mod frame;
pub mod google;
pub mod number;
pub mod packet;
pub mod tags;
mod version;

pub use frame::Frame;
pub use packet::{Body, Packet};
pub use version::{Layout, Version};
