//! Traffic of real sockets between the two sides of a lab, and the judgement
//! whether it arrived.
//!
//! Sockets are opened inside the namespaces and then used from wherever the
//! test stands. Every wait has an end: a gateway that loses traffic makes a test
//! fail, never hang.

pub mod forged;
pub mod repeated;
pub mod tcp;
pub mod udp;

use std::time::Duration;

use crate::lab::{Family, Lab, Side};
use crate::process::{self, Ended};

pub use forged::Forged;
pub use tcp::{Connection, Transfer, Way};
pub use udp::{Answer, Echo};

/// How long a socket may be without progress: well above any retransmission
/// that a healthy path needs, so that only a broken one runs into it.
pub const STALLED: Duration = Duration::from_secs(20);

impl Lab {
    /// Sends three pings of this payload size (fragmented where the MTU asks
    /// for it) from one side to the other; says what went wrong when not all
    /// came back.
    pub fn ping(&self, from: Side, family: Family, payload_len: usize) -> Result<(), String> {
        self.ping_with(from, family, &["-s", &payload_len.to_string()])
    }

    /// Sends three pings with further options of ping(8).
    pub fn ping_with(&self, from: Side, family: Family, options: &[&str]) -> Result<(), String> {
        let ended = self.run_ping(from, family, &["-c", "3", "-i", "0.1", "-W", "2"], options);
        if ended.code == Some(0) && ended.stdout.contains(" 3 received,") {
            Ok(())
        } else {
            Err(format!("ping from {from:?} ({family:?}, {options:?}): {}{}", ended.stdout, ended.stderr))
        }
    }

    /// Whether one ping comes back quickly: to poll with.
    pub fn ping_once(&self, from: Side, family: Family) -> bool {
        self.run_ping(from, family, &["-c", "1", "-W", "0.3"], &[]).code == Some(0)
    }

    fn run_ping(&self, from: Side, family: Family, options: &[&str], further: &[&str]) -> Ended {
        let version = match family {
            Family::V4 => "-4",
            Family::V6 => "-6",
        };
        let mut ping = self.side(from).command("ping");
        ping.args([version, "-n"]).args(options).args(further);
        ping.arg(from.other().address(family).to_string());
        process::run(&mut ping, STALLED)
    }
}
