//! The system calls of this crate, each wrapped once.
//!
//! aya has no call for replacing the program of a link that it did not make,
//! for detaching a link at once, or for asking what device a link is on; and
//! where attaching by link is refused it silently attaches without one, which
//! could neither be pinned nor replaced atomically. These few commands of
//! bpf(2) are therefore made here, with structs laid out as `union bpf_attr` in
//! include/uapi/linux/bpf.h has them.

#![expect(unsafe_code, reason = "raw system calls")]

use std::ffi::{CString, c_int, c_long, c_void};
use std::io;
use std::mem;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

const BPF_OBJ_PIN: c_int = 6;
const BPF_OBJ_GET: c_int = 7;
const BPF_OBJ_GET_INFO_BY_FD: c_int = 15;
const BPF_LINK_CREATE: c_int = 28;
const BPF_LINK_UPDATE: c_int = 29;
const BPF_LINK_DETACH: c_int = 34;

const BPF_XDP: u32 = 37;
const BPF_LINK_TYPE_XDP: u32 = 6;

/// The bits of `bpf_attr` and of netlink that choose how XDP is attached.
pub(crate) const XDP_FLAGS_SKB_MODE: u32 = 1 << 1;
pub(crate) const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;

/// A struct that may be handed to bpf(2) as a prefix of `union bpf_attr`.
///
/// # Safety
///
/// `repr(C)`, without padding, laid out as the kernel reads it for the command
/// it is used with, and every address in it valid for the length of the call.
unsafe trait Attribute {}

fn bpf<A: Attribute>(command: c_int, attribute: &mut A) -> io::Result<c_long> {
    // SAFETY: `Attribute` promises the layout and the addresses; the kernel
    // takes fields beyond the given size as zero.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, ptr::from_mut(attribute), size_of::<A>()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// As [`bpf`], for commands that give a descriptor.
fn bpf_fd<A: Attribute>(command: c_int, attribute: &mut A) -> io::Result<OwnedFd> {
    let fd = RawFd::try_from(bpf(command, attribute)?).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made this descriptor for the caller of a
    // command that gives one; nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

#[repr(C)]
struct ObjectAttribute {
    path: u64,
    fd: u32,
    flags: u32,
}
// SAFETY: the members for BPF_OBJ_*, without padding; `path` is set from a
// `CString` that lives through the call.
unsafe impl Attribute for ObjectAttribute {}

fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// Pins a link, a map or a program at `path`, which must not exist.
pub(crate) fn pin(fd: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    let mut attribute =
        ObjectAttribute { path: path.as_ptr().expose_provenance() as u64, fd: number(fd), flags: 0 };
    bpf(BPF_OBJ_PIN, &mut attribute).map(drop)
}

/// Opens what is pinned at `path`.
pub(crate) fn open_pinned(path: &Path) -> io::Result<OwnedFd> {
    let path = c_path(path)?;
    let mut attribute = ObjectAttribute { path: path.as_ptr().expose_provenance() as u64, fd: 0, flags: 0 };
    bpf_fd(BPF_OBJ_GET, &mut attribute)
}

#[repr(C)]
struct LinkCreateAttribute {
    program: u32,
    ifindex: u32,
    attach_type: u32,
    flags: u32,
}
// SAFETY: the members for BPF_LINK_CREATE, without padding or addresses.
unsafe impl Attribute for LinkCreateAttribute {}

/// Attaches an XDP program to a device of this thread's network namespace.
///
/// The program stays for as long as the link is open somewhere or pinned.
pub(crate) fn link_create(program: BorrowedFd<'_>, ifindex: u32, flags: u32) -> io::Result<OwnedFd> {
    let program = number(program);
    bpf_fd(BPF_LINK_CREATE, &mut LinkCreateAttribute { program, ifindex, attach_type: BPF_XDP, flags })
}

#[repr(C)]
struct LinkUpdateAttribute {
    link: u32,
    new_program: u32,
    flags: u32,
    old_program: u32,
}
// SAFETY: the members for BPF_LINK_UPDATE, without padding or addresses.
unsafe impl Attribute for LinkUpdateAttribute {}

/// Replaces the program of a link between two packets.
pub(crate) fn link_update(link: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let (link, new_program) = (number(link), number(program));
    let mut attribute = LinkUpdateAttribute { link, new_program, flags: 0, old_program: 0 };
    bpf(BPF_LINK_UPDATE, &mut attribute).map(drop)
}

#[repr(C)]
struct LinkDetachAttribute {
    link: u32,
}
// SAFETY: the one member for BPF_LINK_DETACH.
unsafe impl Attribute for LinkDetachAttribute {}

/// Takes the program off its device before this returns, whoever else still has
/// the link open or pinned.
pub(crate) fn link_detach(link: BorrowedFd<'_>) -> io::Result<()> {
    bpf(BPF_LINK_DETACH, &mut LinkDetachAttribute { link: number(link) }).map(drop)
}

/// What a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkInfo {
    /// The number of its program in the kernel.
    pub(crate) program: u32,
    /// The device, in its own namespace; 0 when it is gone, the link defunct.
    pub(crate) ifindex: u32,
}

/// `struct bpf_link_info` up to the first member of an XDP link.
#[derive(Default)]
#[repr(C)]
struct RawLinkInfo {
    kind: u32,
    id: u32,
    program: u32,
    hole: u32,
    ifindex: u32,
    rest: u32,
}

#[repr(C)]
struct InfoAttribute {
    fd: u32,
    len: u32,
    info: u64,
}
// SAFETY: the members for BPF_OBJ_GET_INFO_BY_FD, without padding; `info` is
// the address of a buffer of `len` bytes that lives through the call.
unsafe impl Attribute for InfoAttribute {}

/// What `link` is; `None` where it is not an XDP link.
pub(crate) fn link_info(link: BorrowedFd<'_>) -> io::Result<Option<LinkInfo>> {
    let mut raw = RawLinkInfo::default();
    let len = u32::try_from(size_of::<RawLinkInfo>()).map_err(io::Error::other)?;
    let info = ptr::from_mut(&mut raw).expose_provenance() as u64;
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut InfoAttribute { fd: number(link), len, info })?;
    let RawLinkInfo { kind, program, ifindex, .. } = raw;
    Ok((kind == BPF_LINK_TYPE_XDP).then_some(LinkInfo { program, ifindex }))
}

/// The number in the kernel of a loaded program.
pub(crate) fn program_id(program: BorrowedFd<'_>) -> io::Result<u32> {
    /// `struct bpf_prog_info` up to the number.
    #[derive(Default)]
    #[repr(C)]
    struct RawProgramInfo {
        kind: u32,
        id: u32,
    }
    let mut raw = RawProgramInfo::default();
    let len = u32::try_from(size_of::<RawProgramInfo>()).map_err(io::Error::other)?;
    let info = ptr::from_mut(&mut raw).expose_provenance() as u64;
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut InfoAttribute { fd: number(program), len, info })?;
    Ok(raw.id)
}

/// The values of an mmapable BPF array of `u64`, shared with the kernel.
pub(crate) struct MapMapping {
    base: NonNull<AtomicU64>,
    len: usize,
}

// SAFETY: the memory is only reachable as `AtomicU64`, which any thread may use.
unsafe impl Send for MapMapping {}
// SAFETY: as above.
unsafe impl Sync for MapMapping {}

impl MapMapping {
    /// Maps the first `len` values; the array must have at least as many.
    pub(crate) fn new(array: BorrowedFd<'_>, len: usize) -> io::Result<Self> {
        // SAFETY: a fresh mapping at an address of the kernel's choice touches
        // nothing that exists.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len * size_of::<u64>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                array.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { base, len })
    }

    /// The values.
    pub(crate) fn slots(&self) -> &[AtomicU64] {
        // SAFETY: the mapping has `len` aligned values, lives as long as `self`,
        // and kernel and process touch it in whole 64-bit words only.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr(), self.len) }
    }
}

impl Drop for MapMapping {
    fn drop(&mut self) {
        // SAFETY: base and length are what mmap returned, and `slots` borrows
        // `self`, so nobody looks at the memory any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len * size_of::<u64>()) };
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds.
pub(crate) fn monotonic_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    assert_eq!(result, 0, "every Linux has CLOCK_MONOTONIC");
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// A socket to rtnetlink: what is written to it goes to the kernel.
pub(crate) fn rtnetlink() -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    let fd =
        unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor that was just made and that nobody else knows.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `struct ethtool_channels`.
#[derive(Default)]
#[repr(C)]
struct Channels {
    command: u32,
    maxima: [u32; 4],
    rx: u32,
    tx: u32,
    other: u32,
    combined: u32,
}

/// How many receive queues the driver says the device has (`ethtool -l`).
pub(crate) fn rx_channels(interface: &str) -> io::Result<u32> {
    const ETHTOOL_GCHANNELS: u32 = 0x3c;
    let mut channels = Channels { command: ETHTOOL_GCHANNELS, ..Channels::default() };
    // SAFETY: zeroes are a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    let room = request.ifr_name.len() - 1;
    for (to, from) in request.ifr_name.iter_mut().take(room).zip(interface.bytes()) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_data = ptr::from_mut(&mut channels).cast();
    // SAFETY: no memory is passed.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a descriptor that was just made and that nobody else knows.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: `request` is a whole `ifreq` and its data points at the struct
    // that the command in it asks for; both live through the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(channels.rx + channels.combined) }
}

/// Whether `path` is on a BPF file system.
pub(crate) fn is_on_bpffs(path: &Path) -> io::Result<bool> {
    let path = c_path(path)?;
    // SAFETY: zeroes are a valid `statfs`.
    let mut stat: libc::statfs = unsafe { mem::zeroed() };
    // SAFETY: the path ends with a zero and `stat` is a place for the answer.
    let result = unsafe { libc::statfs(path.as_ptr(), &raw mut stat) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(stat.f_type == libc::BPF_FS_MAGIC) }
}

/// Mounts a BPF file system.
pub(crate) fn mount_bpffs(path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    let mode = c"mode=0700";
    // SAFETY: all strings end with a zero and live through the call.
    let result = unsafe {
        libc::mount(c"bpf".as_ptr(), path.as_ptr(), c"bpf".as_ptr(), flags, mode.as_ptr().cast::<c_void>())
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_goes_forward() {
        let first = monotonic_ns();
        assert!(first > 0 && monotonic_ns() >= first);
    }

    #[test]
    fn a_path_with_a_zero_is_refused() {
        assert!(open_pinned(Path::new("/sys/fs/bpf/a\0b")).is_err());
    }
}
