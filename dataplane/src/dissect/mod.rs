//! The dissectors: what is said in the bytes of flows.
//!
//! They read ordered bytes and datagrams and make facts of them. They know no
//! rings, no clock and no files, hold a bounded state, and never change what
//! they read; what they cannot read is no fault of the flow.

pub mod detect;
