//! The system calls of this folder, each wrapped once.
//!
//! What is safe to call with any arguments is a safe function here.

#![expect(unsafe_code, reason = "mmap and socket calls have no safe binding for AF_XDP")]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::time::Duration;

/// Mapped memory, page-aligned, unmapped on drop.
pub(super) struct Mapping {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping is plain memory; who may touch which byte is the business
// of its user (`Umem` hands out disjoint chunks, rings follow their protocol).
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` fresh bytes, zeroed, from hugepages where the machine has
    /// reserved some.
    pub(super) fn anonymous(len: usize) -> io::Result<Self> {
        const HUGE: usize = 2 << 20;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        if len.is_multiple_of(HUGE)
            && let Ok(mapping) = Self::map(len, flags | libc::MAP_HUGETLB, -1, 0)
        {
            return Ok(mapping);
        }
        Self::map(len, flags, -1, 0)
    }

    /// Maps a ring of an AF_XDP socket.
    pub(super) fn ring(socket: BorrowedFd<'_>, len: usize, offset: libc::off_t) -> io::Result<Self> {
        Self::map(len, libc::MAP_SHARED | libc::MAP_POPULATE, socket.as_raw_fd(), offset)
    }

    fn map(len: usize, flags: libc::c_int, fd: libc::c_int, offset: libc::off_t) -> io::Result<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a fresh mapping at an address of the kernel's choice touches
        // nothing that exists.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, fd, offset) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { base, len })
    }

    pub(super) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `base` and `len` are what mmap returned, and nobody else unmaps.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// Numbers that the kernel reads and writes as they are.
///
/// # Safety
/// Any bytes, zeros among them, are a value of the type.
pub(super) unsafe trait Plain: Copy {}

// SAFETY: a number.
unsafe impl Plain for u32 {}
// SAFETY: a number.
unsafe impl Plain for libc::c_int {}
// SAFETY: numbers only.
unsafe impl Plain for libc::packet_mreq {}
// SAFETY: numbers only.
unsafe impl Plain for libc::tpacket_stats {}
// SAFETY: numbers only.
unsafe impl Plain for libc::sockaddr_ll {}
// SAFETY: numbers only.
unsafe impl Plain for libc::sockaddr_xdp {}
// SAFETY: numbers only.
unsafe impl Plain for libc::xdp_umem_reg {}
// SAFETY: numbers only.
unsafe impl Plain for libc::xdp_mmap_offsets {}
// SAFETY: numbers only.
unsafe impl Plain for libc::xdp_statistics {}
// SAFETY: numbers only.
unsafe impl Plain for libc::xdp_options {}

/// An unbound AF_XDP socket.
pub(super) fn xdp_socket() -> io::Result<OwnedFd> {
    socket(libc::AF_XDP, libc::SOCK_RAW)
}

/// A packet socket, which takes nothing before it is bound to a protocol, and
/// never blocks.
pub(super) fn packet_socket() -> io::Result<OwnedFd> {
    socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK)
}

fn socket(family: libc::c_int, kind: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, 0) };
    owned(fd)
}

fn owned(fd: libc::c_int) -> io::Result<OwnedFd> {
    check(fd)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else
    // has its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn length_of<T>() -> libc::socklen_t {
    #[expect(clippy::cast_possible_truncation, reason = "socket options and addresses are small")]
    {
        size_of::<T>() as libc::socklen_t
    }
}

/// Sets an option of this level (`SOL_`).
pub(super) fn set_option<T: Plain>(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    option: libc::c_int,
    value: &T,
) -> io::Result<()> {
    let value = std::ptr::from_ref(value).cast();
    // SAFETY: the kernel reads `length_of::<T>()` bytes of a live `T`.
    let result = unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, value, length_of::<T>()) };
    check(result)
}

/// Reads an option of this level (`SOL_`).
pub(super) fn option<T: Plain>(fd: BorrowedFd<'_>, level: libc::c_int, option: libc::c_int) -> io::Result<T> {
    // SAFETY: `Plain` says that zeros are a value.
    let mut value: T = unsafe { std::mem::zeroed() };
    let mut length = length_of::<T>();
    let place = std::ptr::from_mut(&mut value).cast();
    // SAFETY: the kernel writes at most `length` bytes of a live `T`, and
    // `Plain` says that any bytes are a value.
    let result = unsafe { libc::getsockopt(fd.as_raw_fd(), level, option, place, &raw mut length) };
    check(result)?;
    Ok(value)
}

/// Binds a socket to an address of its family.
pub(super) fn bind<A: Plain>(fd: BorrowedFd<'_>, address: &A) -> io::Result<()> {
    let place = std::ptr::from_ref(address).cast();
    // SAFETY: the kernel reads `length_of::<A>()` bytes of a live `A`.
    let result = unsafe { libc::bind(fd.as_raw_fd(), place, length_of::<A>()) };
    check(result)
}

/// The address that a socket is bound to, in the form of its family.
pub(super) fn bound_to<A: Plain>(fd: BorrowedFd<'_>) -> io::Result<A> {
    // SAFETY: `Plain` says that zeros are a value.
    let mut address: A = unsafe { std::mem::zeroed() };
    let mut length = length_of::<A>();
    let place = std::ptr::from_mut(&mut address).cast();
    // SAFETY: the kernel writes at most `length` bytes of a live `A`, and
    // `Plain` says that any bytes are a value.
    let result = unsafe { libc::getsockname(fd.as_raw_fd(), place, &raw mut length) };
    check(result)?;
    Ok(address)
}

/// Lets nothing that comes from now on into a socket.
pub(super) fn shut_out(fd: BorrowedFd<'_>) -> io::Result<()> {
    #[expect(clippy::cast_possible_truncation, reason = "6, in an int in one place and a u16 in the other")]
    let code = (libc::BPF_RET | libc::BPF_K) as u16;
    let mut take_nothing = libc::sock_filter { code, jt: 0, jf: 0, k: 0 };
    let program = libc::sock_fprog { len: 1, filter: &raw mut take_nothing };
    let place = std::ptr::from_ref(&program).cast();
    let length = length_of::<libc::sock_fprog>();
    // SAFETY: the kernel reads a live program of the length given, and the one
    // instruction that it points to.
    let result =
        unsafe { libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, place, length) };
    check(result)
}

/// Asks the kernel to look at the TX ring.
pub(super) fn wake_tx(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: without a buffer and an address the kernel reads nothing of ours.
    let result =
        unsafe { libc::sendto(fd.as_raw_fd(), std::ptr::null(), 0, libc::MSG_DONTWAIT, std::ptr::null(), 0) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Asks the kernel to look at the FILL ring.
pub(super) fn wake_fill(fd: BorrowedFd<'_>) -> io::Result<()> {
    let nowhere = std::ptr::null_mut();
    // SAFETY: without a buffer and an address the kernel writes nothing of ours.
    let result = unsafe {
        libc::recvfrom(
            fd.as_raw_fd(),
            nowhere,
            0,
            libc::MSG_DONTWAIT,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A counter that can be waited for, and never blocks who reads it.
pub(super) fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
    owned(fd)
}

/// What to wait for: input on this descriptor.
pub(super) fn poll_input(fd: BorrowedFd<'_>) -> libc::pollfd {
    libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 }
}

/// Waits until one of `polls` is ready; how many are, 0 after `timeout`.
pub(super) fn poll(polls: &mut [libc::pollfd], timeout: Duration) -> io::Result<usize> {
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(timeout.subsec_nanos()),
    };
    // SAFETY: the kernel writes `revents` of a live slice of the length given,
    // and reads a live timespec; no signal mask is given.
    let ready = unsafe {
        libc::ppoll(polls.as_mut_ptr(), polls.len() as libc::nfds_t, &raw const timeout, std::ptr::null())
    };
    check(ready)?;
    Ok(usize::try_from(ready).unwrap_or_default())
}

/// The index of the interface with this name in our network namespace.
pub(super) fn interface_index(name: &CStr) -> io::Result<u32> {
    // SAFETY: the kernel reads a string that ends.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    if index == 0 { Err(io::Error::last_os_error()) } else { Ok(index) }
}

/// `struct ethtool_channels` of <linux/ethtool.h>.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Channels {
    command: u32,
    max_rx: u32,
    max_tx: u32,
    max_other: u32,
    max_combined: u32,
    pub(super) rx: u32,
    tx: u32,
    other: u32,
    pub(super) combined: u32,
}

/// The queues of an interface, as its driver counts them (`ETHTOOL_GCHANNELS`).
pub(super) fn channels(name: &CStr) -> io::Result<Channels> {
    const ETHTOOL_GCHANNELS: u32 = 0x3c;
    const SIOCETHTOOL: libc::Ioctl = 0x8946;
    let mut channels = Channels { command: ETHTOOL_GCHANNELS, ..Channels::default() };
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: std::ptr::from_mut(&mut channels).cast() },
    };
    // One byte stays zero: names are at most IFNAMSIZ - 1 long.
    for (place, byte) in request.ifr_name.iter_mut().take(libc::IFNAMSIZ - 1).zip(name.to_bytes()) {
        *place = libc::c_char::from_ne_bytes([*byte]);
    }
    let any_socket = socket(libc::AF_INET, libc::SOCK_DGRAM)?;
    // SAFETY: the kernel reads a live ifreq and writes the live `Channels` that
    // it points to, whose size ETHTOOL_GCHANNELS fixes.
    let result = unsafe { libc::ioctl(any_socket.as_raw_fd(), SIOCETHTOOL, &raw mut request) };
    check(result)?;
    Ok(channels)
}
