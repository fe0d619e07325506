//! The link that holds the program on a device: made, or found where an earlier
//! process has pinned it.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use aya::programs::loaded_programs;

use crate::pin::{self, PinDirectory};
use crate::steer::{ModeChoice, XdpMode};
use crate::{SteerError, interface, sys};

/// The name of the function in `steer.bpf.c`, which the kernel shows too.
pub(crate) const PROGRAM: &str = "tidegate_steer";

/// What an interface's pin holds.
pub(crate) enum Found {
    /// There is no pin.
    Nothing,
    /// A link whose device is gone: deleted, perhaps made anew under its name.
    Defunct,
    /// The link that is on the interface.
    Live(OwnedFd, XdpMode),
}

/// Looks at the pinned link of `interface`.
///
/// Indices repeat from one network namespace to the next, so a link counts as
/// this interface's only where its program is the one that the interface runs:
/// each loaded program has a number of its own.
pub(crate) fn find(interface: &str, pins: &PinDirectory) -> Result<Found, SteerError> {
    let device = interface::device(interface)?;
    let Some(link) = pins.link()? else { return Ok(Found::Nothing) };
    let path = pins.path_of(pin::LINK);
    let info = match sys::link_info(link.as_fd()) {
        Ok(Some(info)) => info,
        Ok(None) => {
            let source = io::Error::other("it is not the link of an XDP program");
            return Err(SteerError::Pin { action: "take over", path, source });
        }
        Err(source) => return Err(SteerError::Pin { action: "look at", path, source }),
    };
    if info.ifindex == 0 {
        return Ok(Found::Defunct);
    }
    let running = device.program.filter(|program| program.id == info.program && device.index == info.ifindex);
    match running.and_then(|program| program.mode) {
        Some(mode) => Ok(Found::Live(link, mode)),
        None => Err(SteerError::PinElsewhere { interface: interface.into(), path, index: info.ifindex }),
    }
}

/// Attaches `program` to `interface`, which must have none.
///
/// Gives the mode that was taken, and, where that is not the first one tried,
/// why the driver refused the first.
pub(crate) fn create(
    interface: &str,
    program: BorrowedFd<'_>,
    choice: ModeChoice,
) -> Result<(OwnedFd, XdpMode, Option<io::Error>), SteerError> {
    let device = interface::device(interface)?;
    if let Some(found) = device.program {
        let program = program_name(found.id);
        return Err(SteerError::Occupied { interface: interface.into(), program, id: found.id });
    }
    let attach = |mode: XdpMode| sys::link_create(program, device.index, mode.flags());
    let refuse = |mode, source: io::Error| refused(interface, mode, source);
    match choice {
        ModeChoice::Native | ModeChoice::Generic => {
            let mode = if choice == ModeChoice::Native { XdpMode::Native } else { XdpMode::Generic };
            attach(mode).map(|link| (link, mode, None)).map_err(|source| refuse(mode, source))
        }
        ModeChoice::Auto => match attach(XdpMode::Native) {
            Ok(link) => Ok((link, XdpMode::Native, None)),
            Err(source) if is_not_the_driver(&source) => Err(refuse(XdpMode::Native, source)),
            Err(reason) => match attach(XdpMode::Generic) {
                Ok(link) => Ok((link, XdpMode::Generic, Some(reason))),
                Err(source) => Err(refuse(XdpMode::Generic, source)),
            },
        },
    }
}

/// The name of a loaded program, or `?` where the kernel does not tell.
pub(crate) fn program_name(id: u32) -> String {
    let mut programs = loaded_programs().flatten();
    let found = programs.find(|program| program.id() == id);
    found.and_then(|program| program.name_as_str().map(String::from)).unwrap_or_else(|| "?".into())
}

/// Refusals that generic mode would meet as well.
fn is_not_the_driver(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::EBUSY | libc::EEXIST | libc::ENODEV))
}

fn refused(interface: &str, mode: XdpMode, source: io::Error) -> SteerError {
    let errno = source.raw_os_error();
    let interface = interface.into();
    let advice = match (errno, mode) {
        (Some(libc::ENODEV), _) => return SteerError::NoInterface { interface },
        (Some(libc::EPERM), _) => {
            return SteerError::NotPermitted { interface, action: "attach the XDP program" };
        }
        (Some(libc::EBUSY | libc::EEXIST), _) => {
            "another XDP program is on it, `bpftool net` shows which; stop its owner first"
        }
        (Some(libc::EOPNOTSUPP), XdpMode::Native) => {
            "its driver has no native XDP; let gateway.xdp be auto or generic"
        }
        (Some(libc::ENOSPC | libc::ENOMEM), XdpMode::Native) => {
            "the driver lacks queues or memory for it; try fewer queues (`ethtool -L`), or let gateway.xdp be auto"
        }
        (_, XdpMode::Native) => {
            "the driver may ask for a lower MTU or for LRO to be off (`ethtool -K`), `dmesg` may say more; or let \
             gateway.xdp be auto or generic"
        }
        (_, XdpMode::Generic) => "`dmesg` may say more",
    };
    SteerError::Attach { interface, mode, source, advice }
}
