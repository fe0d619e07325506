//! Start, watch, reload, stop: everything around the workers.
//!
//! [`gateway`] puts a live gateway together and runs it, [`replay`] does the
//! same with a capture. Nothing here touches a packet.

mod answers;
pub mod gateway;
mod inline;
mod plan;
pub mod protocol;
pub mod replay;
mod signals;
mod socket;

use std::path::PathBuf;

pub use socket::ask;

use crate::flow::FlowError;
use crate::output::OutputError;
use crate::port::capture::CaptureError;
use crate::rules::RuleErrors;
use crate::xsk::XskError;

/// What stops a gateway or a replay, or keeps it from starting.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The rules are not in order.
    #[error("{0}")]
    Rules(RuleErrors),
    /// The XDP program could not be loaded or attached.
    #[error(transparent)]
    Steer(#[from] tidegate_ebpf::SteerError),
    /// AF_XDP or the memory for packets was refused.
    #[error(transparent)]
    Xsk(#[from] XskError),
    /// A capture could not be read or written.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// There is no memory for the flow table.
    #[error("flow.capacity: {0}")]
    Flow(#[from] FlowError),
    /// The configuration asks for what this machine cannot give.
    #[error("{0}")]
    Setup(String),
    /// The file for events could not be opened or written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The control socket could not be made.
    #[error("control.socket: cannot listen on {path}: {source}; choose another path with --set control.socket=PATH", path = .path.display())]
    Socket {
        /// The path.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// Another gateway answers on the control socket.
    #[error(
        "control.socket: another gateway answers on {path}; stop it, or choose another path with --set control.socket=PATH",
        path = .path.display()
    )]
    AlreadyRunning {
        /// The path.
        path: PathBuf,
    },
    /// No gateway answers on the control socket.
    #[error(
        "no gateway answers on {path}: {source}; start one with `tidegate run`, or name its socket with --socket",
        path = .path.display()
    )]
    NoGateway {
        /// The path.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// Signals could not be caught.
    #[error("cannot catch signals: {0}")]
    Signals(std::io::Error),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl ControlError {
    /// The exit code: 2 for rules and configuration, 3 for the world.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Rules(_)
            | Self::Setup(_)
            | Self::Capture(CaptureError::NotACapture { .. } | CaptureError::SameFile { .. }) => 2,
            _ => 3,
        }
    }
}
