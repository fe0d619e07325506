//! HTTP/0.9, 1.0 and 1.1 over ordered bytes (RFC 9112), as clients and servers
//! are: requests and responses matched in order, told one by one.
//!
//! Where peers may read bytes in two ways, this reads them as the peer that gets
//! them does (a server its requests, a browser its responses) and says that it
//! is odd. Nothing that is odd ends the reading: what cannot be read is passed
//! over up to the next message.
//!
//! - `line`, `start`, `head`, `message`: a head, from bytes to what it says
//! - `framing`, `chunk`: where the body ends
//! - `side`: one direction; `exchange`: a request and its response
//! - `connection`: both directions, matched; here: the dissector
//! - `payload`: a body, decoded, and followed as a file
//! - `uri`: targets, queries, forms
//! - `facts`, `fields`: what rules ask; `record`: what is told of an exchange
//! - `oddity`: what is odd, by name
//! - `h2`: HTTP/2, whose streams are exchanges too
//!
//! Limits are constants here. What is above them is passed over, and is an
//! anomaly.

mod chunk;
mod connection;
mod exchange;
mod facts;
pub mod fields;
mod framing;
pub mod h2;
mod head;
mod line;
mod message;
mod oddity;
mod payload;
mod record;
mod side;
mod start;
#[cfg(test)]
mod tests;
mod uri;

pub use connection::Http;
pub use facts::{BodyPart, HttpFacts};
pub use head::Fields;
pub use message::{Request, Response};
pub use payload::Range;
pub use record::Transaction;
pub use start::Version;

/// The most bytes of a head that are kept. Servers refuse heads of 8 to 32 KiB;
/// browsers take 256 KiB.
pub const HEAD_MAX: usize = 64 * 1024;

/// The most bytes of one line of a head that are kept.
pub const LINE_MAX: usize = 18 * 1024;

/// The most fields of a head that are read.
pub const FIELDS_MAX: usize = 1024;

/// The most requests of a connection that wait for their responses; with one
/// more, the oldest is told as it stands.
pub const PIPELINE_MAX: usize = 128;

/// The most bytes of memory that waiting requests take; above it the oldest is
/// told as it stands.
pub const PIPELINE_BYTES_MAX: usize = 256 * 1024;

/// The most bytes of a form that are kept for rules.
pub const FORM_MAX: usize = 16 * 1024;

/// The most files of one form that are told; each has the transaction beside it.
pub const FORM_FILES_MAX: usize = 64;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Who asks.
    Client,
    /// Who answers.
    Server,
}
