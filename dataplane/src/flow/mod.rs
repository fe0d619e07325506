//! What packets belong together: keys, the table, time-outs, TCP state.
//!
//! A flow belongs to one worker, which alone writes it; any thread may read it
//! without a lock. Nothing here reads a clock, allocates after the start, or
//! takes longer because a table is full.
//!
//! From the outside in: [`Key`] says what a packet belongs to, [`FlowTable`]
//! tracks it ([`table`]), [`FlowReader`] looks on. Inside, a `slot` is a flow
//! in memory, `index` finds it by hash, `wheel` knows when its time may be up,
//! `victims` who goes when there is no room, and [`tcp`] how far a connection has
//! come and whether a segment is of it.

pub mod counters;
pub mod defrag;
pub mod fields;
mod index;
mod kept;
pub mod key;
mod list;
mod macs;
#[cfg(all(test, not(loom)))]
mod oracle;
mod outers;
mod quoted;
pub mod reader;
pub mod record;
mod sequence_lock;
mod slot;
mod slots;
mod stage;
pub mod stream;
mod sync;
pub mod table;
pub mod tcp;
#[cfg(all(test, not(loom)))]
mod tests;
pub mod timeouts;
mod victims;
mod wheel;

pub use counters::FlowCounters;
pub use fields::FlowView;
pub use key::{Endpoint, FlowHasher, Key, Seed, Within, owner};
pub use macs::{MACS_MAX, MacList, MacLists};
pub use reader::FlowReader;
pub use record::{Direction, EndReason, FiveTuple, FlowRecord, FlowState, Outer};
pub use table::{Ended, FlowConfig, FlowError, FlowIndex, FlowTable, Seen, Sweep, Tracked};
pub use tcp::{Segment, SegmentClass, TcpSeen, TcpState};
pub use timeouts::{StateTimeouts, Timeouts};
