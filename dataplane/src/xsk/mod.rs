//! AF_XDP sockets, and the memory that packets live in.
//!
//! One [`Umem`] is shared by every socket of a gateway, so a packet crosses from
//! one device to the other without being copied. The memory ports and the
//! capture ports use the same `Umem` without any socket.
//!
//! Read in this order: [`umem`] (memory, and who has which chunk), [`frame`]
//! (one packet), `ring` (the protocol with the kernel), `bind` and [`socket`]
//! (one queue of one device), [`waiter`] (sleeping).
//!
//! This folder and nothing else in the crate speaks to the kernel in `unsafe`.

mod bind;
mod call;
mod error;
pub mod frame;
mod interface;
mod mapped;
mod options;
pub mod packet_socket;
mod ring;
pub mod socket;
mod sys;
pub mod umem;
pub mod waiter;

pub use error::XskError;
pub use frame::Frame;
pub use interface::Interface;
pub use options::{Rings, XskOptions, ZeroCopy};
pub use socket::{DeviceState, Mode, Statistics, Xsk};
pub use umem::{Census, Imbalance, Layout, Pool, Umem};
pub use waiter::{Awake, Waiter, Waker};
