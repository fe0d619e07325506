//! Tidegate: a programmable security gateway for Linux.
//!
//! The modules stand in floors; a module imports only from floors below its
//! own (the table is in docs/ARCHITECTURE.md and a test holds it):
//!
//! 1. [`wire`], [`time`], [`verdict`], [`event`]: values, no I/O
//! 2. [`xsk`]: AF_XDP and the memory that packets live in
//! 3. [`port`], [`flow`]: where packets come from; what they belong to
//! 4. [`rules`]: what the operator decided
//! 5. [`worker`]: the loop that runs each packet to completion
//! 6. [`output`]: EVE JSON and captures
//! 7. [`control`]: start, watch, reload, stop
//! 8. [`cli`]: one file a subcommand

#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

pub mod cli;
pub mod control;
pub mod event;
pub mod flow;
pub mod output;
pub mod port;
pub mod rules;
pub mod time;
pub mod verdict;
pub mod wire;
pub mod worker;
pub mod xsk;
