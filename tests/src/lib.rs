//! The lab: a client, a gateway and a server in network namespaces of their
//! own, and what is needed to send traffic through them and to judge it.
//!
//! ```text
//!   client            gateway             server
//!   c0 <----- veth -----> g0   g1 <----- veth -----> s0
//! ```
//!
//! It is a library, so that each test says what must stay true and nothing
//! about how a namespace is made. Three things always hold:
//!
//! - Names carry the process id and a counter: labs run beside each other, and
//!   nothing outside of a lab's namespaces is touched.
//! - What a lab makes goes away with it, also after a panic; what a killed run
//!   left behind goes away when the next lab starts.
//! - Nothing waits by sleeping: [`wait`] polls with a deadline, and says what
//!   it waited for when the deadline passes.
//!
//! [`tidy`] is no part of the lab: it is the set of checks that read the
//! project's own source.

pub mod bytes;
pub mod capture;
pub mod craft;
pub mod eve;
pub mod fuzz;
pub mod gateway;
pub mod impairer;
pub mod lab;
pub mod netns;
pub mod process;
pub mod raw;
pub mod skip;
pub mod soak;
pub mod tidy;
pub mod traffic;
pub mod wait;

pub use gateway::{Gateway, tidegate};
pub use impairer::Impairment;
pub use lab::{Family, Lab, Side};
pub use process::{Ended, Program};
pub use raw::RawSocket;
pub use wait::wait_for;
