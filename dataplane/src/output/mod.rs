//! What leaves the gateway as text: events as EVE JSON, one line each.
//!
//! [`eve`] turns an event into a line; the sinks carry events there. A live
//! worker hands its events to a [`Queue`] and never waits: a thread of its own
//! writes them, and what finds the queue full is lost and counted. A replay
//! writes through [`Direct`], which waits instead of losing, so that the same
//! capture gives the same lines.
//!
//! Nothing here looks at packets or decides anything.

mod community_id;
mod destination;
pub mod eve;
mod iso;
mod protocol;
mod queue;
mod sink;

use std::path::PathBuf;

pub use destination::Destination;
pub use eve::Eve;
pub use queue::{OutputCounters, Queue, Writer};
pub use sink::{Collected, Direct, Discard};

/// What the world refused to the output.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file for events cannot be opened.
    #[error("cannot open {} for events: {source}; see output.events", .path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Events cannot be written.
    #[error("cannot write events to {to}: {source}")]
    Write {
        /// Where to.
        to: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The thread that writes cannot be started.
    #[error("cannot start the thread that writes events: {source}")]
    Thread {
        /// What the system said.
        source: std::io::Error,
    },
    /// The thread that writes does not answer: the disk hangs.
    #[error("the thread that writes events to {to} does not answer; is the disk hanging?")]
    Stuck {
        /// Where to.
        to: String,
    },
}
