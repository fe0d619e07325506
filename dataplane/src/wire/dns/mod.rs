//! DNS messages (RFC 1035), and what was built on them: multicast DNS (RFC
//! 6762), LLMNR (RFC 4795), EDNS (RFC 6891), DNSSEC (RFC 4034), service bindings
//! (RFC 9460).
//!
//! A message is walked once when it is decoded, names and data included, and
//! borrowed from then on: what its iterators give was sound. Of a message that
//! breaks off, what stands before the damage is given; [`Message::unsound`] says
//! where it is.
//!
//! What bounds the work: a name has at most [`name::STEPS_MAX`] labels and
//! pointers, and pointers only ever go back; all names of a message together walk
//! at most [`message::WALK_FACTOR`] times its length.

pub mod build;
mod cursor;
mod data;
mod edns;
mod header;
pub mod message;
pub mod name;
pub mod registry;
mod svcb;
#[cfg(test)]
mod tests;
mod texts;

pub use data::{
    Caa, Data, Dnskey, Ds, Naptr, Nsec, Nsec3, Nsec3Param, Preferred, Rrsig, Soa, Srv, Sshfp, Tlsa, TypeMap,
    Uri,
};
pub use edns::{Edns, EdnsOption, Options};
pub use header::{Flags, HEADER_LEN, Header};
pub use message::{Message, Question, Record, Section};
pub use name::Name;
pub use registry::{OptionCode, ParamKey, Rcode, Type};
pub use svcb::{Param, Svcb};
pub use texts::{Hex, Text, Texts};
