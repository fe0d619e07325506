//! The XDP program that steers frames to AF_XDP sockets, and its loader.
//!
//! [`Steer`] loads one copy of `steer.bpf.c` for one device, lets the sockets
//! of its queues be registered, attaches it by link and, if asked, pins it so
//! that it outlives the process: a killed gateway then fails open or closed as
//! configured, and the next one takes the device over by an atomic replace, with
//! no moment without a program. [`detach_pinned`] removes what was left behind.
//!
//! Linux 5.18 is the oldest kernel that knows all that is used (`xdp.frags`);
//! it accounts maps to the memory cgroup, so no memlock limit has to be raised.
//!
//! This crate is the only home of aya; raw system calls stand in `sys.rs`.

mod error;
mod heartbeat;
mod interface;
mod link;
mod netlink;
mod pin;
mod reason;
mod steer;
mod sys;

pub use error::SteerError;
pub use heartbeat::{Heartbeat, monotonic_ns};
pub use interface::{Promiscuity, index, mtu, rx_queue_count, set_promiscuous};
pub use pin::{PIN_DIRECTORY, detach_pinned};
pub use reason::Reason;
pub use steer::{Action, AttachOptions, Attached, FailMode, ModeChoice, QUEUES_MAX, Steer, XdpMode};
