//! What the kernel, or the machine, refused, and what to do about it.

use std::io;

use super::socket::Mode;

/// What the kernel, or the machine, refused.
#[derive(Debug, thiserror::Error)]
pub enum XskError {
    /// The memory for packets could not be mapped.
    #[error("cannot map {bytes} bytes for packets: {source}; lower gateway.frames or add memory")]
    Map {
        /// How much was asked for.
        bytes: usize,
        /// What the kernel said.
        source: io::Error,
    },
    /// There is no such interface, at least not in this network namespace.
    #[error("no interface {interface} in this network namespace: {source}; `ip link` lists what there is")]
    NoInterface {
        /// Its name.
        interface: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The interface has fewer receive queues.
    #[error(
        "{interface} has no receive queue {queue}, only {queues} of them, counted from 0; \
         use fewer workers, or `ethtool -L {interface}` to have more queues"
    )]
    NoSuchQueue {
        /// The interface.
        interface: String,
        /// The queue that was asked for.
        queue: u32,
        /// How many it has.
        queues: u32,
    },
    /// The kernel's AF_XDP takes chunks of 2048 or 4096 bytes only.
    #[error("AF_XDP takes chunks of 2048 or 4096 bytes with room after the headroom, not {chunk_size}")]
    ChunkSize {
        /// What the layout says.
        chunk_size: u32,
    },
    /// Rings have powers of two as sizes.
    #[error("the {ring} ring cannot have {entries} entries; use a power of two from 64 to 32768")]
    RingSize {
        /// Which ring.
        ring: &'static str,
        /// What was asked for.
        entries: u32,
    },
    /// No AF_XDP socket could be had at all.
    #[error("cannot open an AF_XDP socket: {source}; {}", open_advice(.source))]
    Open {
        /// What the kernel said.
        source: io::Error,
    },
    /// The packet memory could not be registered with the kernel.
    #[error("cannot register {bytes} bytes of packet memory: {source}; {}", register_advice(.source))]
    Register {
        /// How much it is.
        bytes: usize,
        /// What the kernel said.
        source: io::Error,
    },
    /// A step between opening and binding failed.
    #[error("{interface} queue {queue}: cannot {step}: {source}; {}", setup_advice(.source))]
    Setup {
        /// The interface.
        interface: String,
        /// The queue.
        queue: u32,
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The socket could not be bound to its queue.
    #[error("cannot bind to {interface} queue {queue} in {mode} mode: {source}; {}", bind_advice(*.mode, .source))]
    Bind {
        /// The interface.
        interface: String,
        /// The queue.
        queue: u32,
        /// The mode that was tried last.
        mode: Mode,
        /// What the kernel said.
        source: io::Error,
    },
    /// Waiting for packets failed.
    #[error("cannot wait for packets: {source}; this is a fault of the gateway or of the kernel")]
    Wait {
        /// What the kernel said.
        source: io::Error,
    },
    /// An interface cannot be watched.
    #[error("cannot watch {interface}: cannot {what}: {source}")]
    Watch {
        /// Which.
        interface: String,
        /// What was tried.
        what: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// An interface is of hardware whose packets we cannot tell apart.
    #[error("cannot watch {interface}: hardware type {hardware} is neither Ethernet nor plain IP")]
    UnknownHardware {
        /// Which.
        interface: String,
        /// `ARPHRD_` in `linux/if_arp.h`.
        hardware: u16,
    },
}

const PRIVILEGE: &str = "run as root, or with CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF";

fn open_advice(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => PRIVILEGE,
        Some(libc::EAFNOSUPPORT) => "this kernel is built without CONFIG_XDP_SOCKETS",
        Some(libc::EMFILE | libc::ENFILE) => "raise the limit of open files (ulimit -n)",
        _ => "see whether other AF_XDP programs run on this machine",
    }
}

fn register_advice(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => PRIVILEGE,
        Some(libc::ENOBUFS | libc::ENOMEM) => {
            "the memory must be locked: lower gateway.frames or raise the limit (ulimit -l)"
        }
        _ => "the kernel may be too old: 5.11 or later is needed",
    }
}

fn setup_advice(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::ENOBUFS | libc::ENOMEM) => "lower the ring sizes or add memory",
        Some(libc::ENOPROTOOPT | libc::EINVAL) => "the kernel may be too old: 5.11 or later is needed",
        _ => PRIVILEGE,
    }
}

fn bind_advice(mode: Mode, error: &io::Error) -> &'static str {
    match (error.raw_os_error(), mode) {
        (Some(libc::EPERM | libc::EACCES), _) => PRIVILEGE,
        (Some(libc::EBUSY), _) => {
            "another AF_XDP program, or one that is just ending, holds the queue; `ss --xdp` names it"
        }
        (Some(libc::EOPNOTSUPP | libc::EINVAL), Mode::ZeroCopy) => {
            "the driver cannot do this without copying: set gateway.zero_copy = \"auto\" or \"off\""
        }
        (Some(libc::EINVAL), Mode::Copy) => {
            "the queue does not exist, is bound already by this gateway, or the kernel is older than 6.6 \
             and jumbo packets are asked for"
        }
        (Some(libc::ENETDOWN), _) => "the interface is down: `ip link set dev ... up`",
        (Some(libc::ENODEV), _) => "the interface has gone",
        (Some(libc::ENOBUFS | libc::ENOMEM), _) => "lower the ring sizes or gateway.frames, or add memory",
        _ => "`dmesg` may say more",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(mode: Mode, errno: i32) -> String {
        let source = io::Error::from_raw_os_error(errno);
        XskError::Bind { interface: "eth1".into(), queue: 3, mode, source }.to_string()
    }

    #[test]
    fn names_the_thing_and_what_to_do() {
        let message = bind(Mode::ZeroCopy, libc::EOPNOTSUPP);
        assert!(message.starts_with("cannot bind to eth1 queue 3 in zero-copy mode: "), "{message}");
        assert!(message.ends_with("set gateway.zero_copy = \"auto\" or \"off\""), "{message}");
        assert!(bind(Mode::Copy, libc::EBUSY).contains("holds the queue"));

        let source = io::Error::from_raw_os_error(libc::EPERM);
        assert!(XskError::Open { source }.to_string().ends_with(PRIVILEGE));
        let source = io::Error::from_raw_os_error(libc::ENOBUFS);
        assert!(XskError::Register { bytes: 1, source }.to_string().contains("lower gateway.frames"));
    }
}
