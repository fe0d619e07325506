//! Tidegate: a programmable security gateway for Linux.
//!
//! The modules stand in floors; a module imports only from floors below its
//! own (the table is in docs/ARCHITECTURE.md and a test holds it):
//!
//! 1. [`wire`], [`time`], [`verdict`], [`event`], [`anomaly`], [`app_proto`]: values, no I/O
//! 2. [`xsk`]: AF_XDP and the memory that packets live in
//! 3. [`port`], [`flow`]: where packets come from; what they belong to
//! 4. [`dissect`]: what is said in the bytes of flows
//! 5. [`rules`]: what the operator decided
//! 6. [`worker`]: the loop that runs each packet to completion
//! 7. [`output`]: EVE JSON and captures
//! 8. [`control`]: start, watch, reload, stop
//! 9. [`cli`]: one file a subcommand

#![warn(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

pub mod anomaly;
pub mod app_proto;
pub mod cli;
pub mod control;
pub mod dissect;
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
