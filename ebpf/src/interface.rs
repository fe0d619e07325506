//! Questions about a network interface, and its promiscuous mode.
//!
//! Names mean devices of the network namespace of the calling thread.

use std::fs;
use std::io;
use std::path::Path;

use crate::SteerError;
use crate::netlink::{self, Device};
use crate::sys;

/// Whether an interface takes in frames for other stations too, as a gateway's
/// must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promiscuity {
    /// It takes in everything.
    On,
    /// It takes in what is meant for it.
    Off,
}

impl Promiscuity {
    const FLAG: u32 = libc::IFF_PROMISC.cast_unsigned();

    fn of(device: Device) -> Self {
        if device.flags & Self::FLAG == 0 { Self::Off } else { Self::On }
    }
}

/// The index of an interface by its name.
pub fn index(interface: &str) -> Result<u32, SteerError> {
    device(interface).map(|device| device.index)
}

/// The longest packet that an interface carries, in bytes, its link header
/// apart.
pub fn mtu(interface: &str) -> Result<u32, SteerError> {
    device(interface).map(|device| device.mtu)
}

/// How many receive queues an interface has at present.
///
/// Asks sysfs, and the driver where the sysfs at `/sys` is of another network
/// namespace.
pub fn rx_queue_count(interface: &str) -> Result<u32, SteerError> {
    let index = index(interface)?;
    let queues = count_in_sysfs(Path::new("/sys/class/net"), interface, index)
        .or_else(|| sys::rx_channels(interface).ok())
        .filter(|queues| *queues > 0);
    queues.ok_or_else(|| SteerError::QueuesUnknown { interface: interface.into() })
}

/// Sets promiscuous mode and tells what it was, so that it can be put back.
pub fn set_promiscuous(interface: &str, to: Promiscuity) -> Result<Promiscuity, SteerError> {
    let device = device(interface)?;
    let was = Promiscuity::of(device);
    if was != to {
        let flags = if to == Promiscuity::On { Promiscuity::FLAG } else { 0 };
        netlink::set_flags(device.index, flags, Promiscuity::FLAG)
            .map_err(|source| refused(interface, "set promiscuous mode", source))?;
    }
    Ok(was)
}

/// What the kernel says of an interface.
pub(crate) fn device(interface: &str) -> Result<Device, SteerError> {
    netlink::device(interface).map_err(|source| refused(interface, "ask the kernel about it", source))
}

fn refused(interface: &str, action: &'static str, source: io::Error) -> SteerError {
    let interface = interface.into();
    match source.raw_os_error() {
        Some(libc::ENODEV) => SteerError::NoInterface { interface },
        Some(libc::EPERM) => SteerError::NotPermitted { interface, action },
        _ => SteerError::Interface { interface, action, source },
    }
}

/// The `rx-*` directories of a device; `None` where the device of that name
/// there is not the one with `index`.
fn count_in_sysfs(devices: &Path, interface: &str, index: u32) -> Option<u32> {
    let device = devices.join(interface);
    let there = fs::read_to_string(device.join("ifindex")).ok()?;
    if there.trim().parse() != Ok(index) {
        return None;
    }
    let queues = fs::read_dir(device.join("queues")).ok()?;
    let rx = queues.flatten().filter(|queue| queue.file_name().as_encoded_bytes().starts_with(b"rx-"));
    u32::try_from(rx.count()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_interface_is_named() {
        let error = index("no-such-if").expect_err("there is none of that name");
        assert!(matches!(&error, SteerError::NoInterface { interface } if interface == "no-such-if"));
        let too_long = index("a-name-of-more-than-15").expect_err("no name is that long");
        assert!(matches!(too_long, SteerError::NoInterface { .. }));
    }

    #[test]
    fn queues_are_counted_only_of_the_right_device() {
        let root = std::env::temp_dir().join(format!("tidegate-sysfs-{}", std::process::id()));
        for queue in ["rx-0", "rx-1", "tx-0"] {
            fs::create_dir_all(root.join("g0/queues").join(queue)).expect("a temporary directory");
        }
        fs::write(root.join("g0/ifindex"), "7\n").expect("a temporary file");
        let (same, other) = (count_in_sysfs(&root, "g0", 7), count_in_sysfs(&root, "g0", 8));
        fs::remove_dir_all(&root).expect("what was just made");
        assert_eq!((same, other), (Some(2), None));
    }
}
