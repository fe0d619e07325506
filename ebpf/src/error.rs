//! What the kernel, or the machine, refused when a device was to be steered.
//!
//! Errors of aya are turned into text here: no other crate sees its types.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use aya::EbpfError;
use aya::programs::ProgramError;

use crate::steer::XdpMode;

/// How many characters of the verifier's log an error shows: its end, where the
/// verdict stands.
const VERIFIER_TAIL: usize = 1200;

/// Why a device could not be steered, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SteerError {
    /// No device has this name in the network namespace of this thread.
    #[error("there is no network interface {interface}; `ip link` lists what there is")]
    NoInterface {
        /// The name that was asked for.
        interface: String,
    },
    /// The kernel wants more privilege.
    #[error(
        "{interface}: not permitted to {action}; run as root, or with CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF"
    )]
    NotPermitted {
        /// The device.
        interface: String,
        /// What was tried.
        action: &'static str,
    },
    /// The kernel did not take the XDP program or one of its maps.
    #[error(
        "{interface}: the kernel does not load the XDP program (Linux 5.18 or newer is needed): {reason}"
    )]
    Load {
        /// The device it was meant for.
        interface: String,
        /// What was refused, with the end of the verifier's log.
        reason: String,
    },
    /// An entry of a map could not be read or written.
    #[error("{interface}: cannot {action}: {reason}")]
    Map {
        /// The device.
        interface: String,
        /// What was tried.
        action: &'static str,
        /// What the kernel said.
        reason: String,
    },
    /// The queue has no place in the maps.
    #[error("{interface}: queue {queue} is beyond the {max} that are supported", max = crate::QUEUES_MAX)]
    QueueBeyond {
        /// The device.
        interface: String,
        /// The queue that was asked for.
        queue: u32,
    },
    /// Another XDP program is on the device.
    #[error(
        "{interface} already runs the XDP program {program} (id {id}); `tidegate detach` removes one that a \
         gateway left pinned, `ip link set dev {interface} xdp off` one set with ip, and one held by a link \
         goes when its owner stops (`bpftool net` and `bpftool link` show which)"
    )]
    Occupied {
        /// The device.
        interface: String,
        /// The name of the program on it.
        program: String,
        /// Its number in the kernel.
        id: u32,
    },
    /// The driver, or the kernel, does not attach the program.
    #[error("{interface}: cannot attach in {mode} mode: {source}; {advice}")]
    Attach {
        /// The device.
        interface: String,
        /// The mode that was refused last.
        mode: XdpMode,
        /// What the kernel said.
        source: io::Error,
        /// What may help.
        advice: &'static str,
    },
    /// The program on the device could not be replaced.
    #[error("{interface}: cannot replace the pinned XDP program: {source}")]
    Replace {
        /// The device.
        interface: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The pin belongs to another device than the one of that name here.
    #[error(
        "{path} holds the program of another device (index {index}), not of the {interface} of this network \
         namespace; set gateway.pin to another directory, or remove it with `tidegate detach`",
        path = path.display()
    )]
    PinElsewhere {
        /// The device.
        interface: String,
        /// The pinned link.
        path: PathBuf,
        /// The index of the device that the link is on, in its own namespace.
        index: u32,
    },
    /// The directory for pins is not on a BPF file system.
    #[error("cannot pin below {path}: {reason}", path = path.display())]
    NoBpfFs {
        /// The directory.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A pin could not be made, read or removed.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Pin {
        /// What was tried.
        action: &'static str,
        /// The pin.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel did not answer about the device, or did not change it.
    #[error("{interface}: cannot {action}: {source}")]
    Interface {
        /// The device.
        interface: String,
        /// What was tried.
        action: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The number of receive queues is not to be found.
    #[error(
        "{interface}: cannot tell how many receive queues it has: the sysfs mounted at /sys is not of this \
         network namespace and the driver does not say; mount one with `mount -t sysfs sysfs /sys`"
    )]
    QueuesUnknown {
        /// The device.
        interface: String,
    },
}

impl SteerError {
    /// What loading the object or its program came to.
    pub(crate) fn load(interface: &str, error: EbpfError) -> Self {
        if errno(&error) == Some(libc::EPERM) {
            return Self::NotPermitted { interface: interface.into(), action: "load the XDP program" };
        }
        let reason = match error {
            EbpfError::ProgramError(ProgramError::LoadError { io_error, verifier_log }) => {
                let log = verifier_log.to_string();
                format!("{io_error}; the verifier's log ends with:\n{}", tail(log.trim_end()))
            }
            other => chain(&other),
        };
        Self::Load { interface: interface.into(), reason }
    }

    /// What touching a map came to.
    pub(crate) fn map(interface: &str, action: &'static str, error: impl Error + 'static) -> Self {
        Self::Map { interface: interface.into(), action, reason: chain(&error) }
    }
}

/// The last [`VERIFIER_TAIL`] characters, cut at the start of a line.
fn tail(log: &str) -> &str {
    let Some((at, _)) = log.char_indices().rev().nth(VERIFIER_TAIL - 1) else { return log };
    let cut = log.get(at..).unwrap_or(log);
    cut.split_once('\n').map_or(cut, |(_, whole_lines)| whole_lines)
}

/// An error and its causes on one line; a cause that its effect already quotes
/// is not said twice.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            let _ = write!(text, ": {more}");
        }
        cause = error.source();
    }
    text
}

/// The kernel's own word below an error of aya.
pub(crate) fn errno(error: &(dyn Error + 'static)) -> Option<i32> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(errno) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return Some(errno);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_log_is_whole_lines_from_its_end() {
        let log: String = (0..1000).fold(String::new(), |mut log, line| {
            let _ = writeln!(log, "instruction {line}");
            log
        });
        let tail = tail(&log);
        assert!(tail.len() <= VERIFIER_TAIL);
        assert!(tail.starts_with("instruction ") && tail.ends_with("instruction 999\n"));
        assert_eq!(super::tail("short"), "short");
    }

    #[test]
    fn a_cause_is_said_once() {
        let error = SteerError::Replace { interface: "g0".into(), source: io::Error::other("busy") };
        assert_eq!(chain(&error), "g0: cannot replace the pinned XDP program: busy");
    }

    #[test]
    fn lack_of_privilege_is_told_from_other_refusals() {
        let refused = |errno| {
            ProgramError::from(aya::sys::SyscallError {
                call: "bpf_prog_load",
                io_error: io::Error::from_raw_os_error(errno),
            })
        };
        let error = SteerError::load("g0", refused(libc::EPERM).into());
        assert!(matches!(error, SteerError::NotPermitted { .. }), "{error}");
        let error = SteerError::load("g0", refused(libc::EINVAL).into());
        assert!(matches!(error, SteerError::Load { .. }), "{error}");
        assert!(error.to_string().contains("Invalid argument"), "{error}");
    }
}
