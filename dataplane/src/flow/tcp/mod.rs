//! TCP connections as they are seen from between the two ends.
//!
//! [`TcpSeen`] is what a packet tells, [`TcpState`] how far its connection has
//! come, [`Segment`] what the packet is to it.

mod connection;
mod fast;
mod handshake;
mod names;
mod reset;
mod segment;
mod side;
mod state;
#[cfg(all(test, not(loom)))]
mod tests;
mod transfer;
mod window;

pub(super) use connection::{Circumstances, Connection};
pub(super) use fast::in_order;
pub use segment::{Anomalies, Segment, SegmentClass, TcpSeen, TcpSeenOptions};
pub(super) use side::{Side, SideFlags, Sides};
pub use state::TcpState;
