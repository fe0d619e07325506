//! A network of two cables in a namespace of its own, for tests of the program.
//!
//! `a1 === a0 | b0 === b1`: the device under test is `a0` and its peer `b0`; what
//! is sent into `a1` and forwarded comes out of `b1`. The namespace has no name:
//! it is that of the test's thread and ends with it, also after a panic.

#![expect(unsafe_code, reason = "namespaces and sockets have no safe binding here")]
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::mem;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tidegate_ebpf::{AttachOptions, FailMode, ModeChoice, Reason, Steer, detach_pinned};

/// An `EtherType` for experiments (IEEE 802): no stack answers to it.
pub(crate) const ETHERTYPE: u16 = 0x88b5;

/// How long anything that must happen may take on a machine under load.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a test on a thread with a network namespace of its own; says loudly why
/// where that cannot be, which in CI is a failure.
pub(crate) fn in_namespace(test: impl FnOnce() + Send + 'static) {
    let lacks =
        ["ip", "ethtool"].into_iter().find(|tool| Command::new(tool).arg("--version").output().is_err());
    if let Some(tool) = lacks {
        return skip(&format!("{tool} is not installed"));
    }
    let done = thread::spawn(move || match new_namespace() {
        Ok(()) => test(),
        Err(error) => skip(&format!("no network namespace: {error}; run as root")),
    });
    if let Err(panic) = done.join() {
        std::panic::resume_unwind(panic);
    }
}

fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "skipped: {why}");
    // Past the test harness, which keeps what passing tests print to itself.
    let _ = writeln!(io::stderr(), "skipped: {why}");
}

/// Gives this thread, and what it starts, an empty network namespace.
pub(crate) fn new_namespace() -> io::Result<()> {
    // SAFETY: no memory is passed; only this thread changes its namespace.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Runs a command and panics with what it says where it fails.
pub(crate) fn run(command: &str) {
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Lays the two cables.
pub(crate) fn lay_cables() {
    for (near, far) in [("a0", "a1"), ("b0", "b1")] {
        lay_cable(near, far);
    }
}

/// Lays one cable and takes it up. The far end does GRO: without it, or an XDP
/// program, a veth loses what is redirected to its other end.
pub(crate) fn lay_cable(near: &str, far: &str) {
    run(&format!("ip link add {near} type veth peer name {far}"));
    for end in [near, far] {
        // No addresses, so the stack has nothing to say of its own.
        run(&format!("ip link set {end} addrgenmode none up"));
    }
    run(&format!("ethtool -K {far} gro on"));
}

/// Options for `a0` with the peer `b0`, unpinned.
pub(crate) fn options(fail: FailMode) -> AttachOptions {
    AttachOptions {
        interface: "a0".into(),
        peer: "b0".into(),
        fail,
        mode: ModeChoice::Auto,
        pin: None,
        heartbeat_limit: None,
    }
}

/// The value of one counter.
pub(crate) fn count(steer: &Steer, reason: Reason) -> u64 {
    let counters = steer.counters().unwrap();
    counters.into_iter().find(|(which, _)| *which == reason).unwrap().1
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never came true: {what}");
        thread::yield_now();
    }
}

/// A directory for pins; what is in it is detached at the end of the test.
pub(crate) struct Pins(pub(crate) PathBuf);

impl Pins {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(Path::new("/sys/fs/bpf").join(format!("tidegate-test-{}-{next}", std::process::id())))
    }

    pub(crate) fn options(&self, fail: FailMode) -> AttachOptions {
        AttachOptions { pin: Some(self.0.clone()), ..options(fail) }
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        let _ = detach_pinned(&self.0, None);
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// A frame that only these tests send, told from others by its number.
pub(crate) fn frame(number: u32) -> Vec<u8> {
    let mut frame = vec![0xff; 12];
    frame.extend_from_slice(&ETHERTYPE.to_be_bytes());
    frame.extend_from_slice(&number.to_be_bytes());
    frame.resize(60, 0);
    frame
}

/// A packet socket on one end of a cable.
pub(crate) struct End(File);

impl End {
    pub(crate) fn new(interface: &str) -> Self {
        let protocol = ETHERTYPE.to_be();
        // SAFETY: no memory is passed.
        let fd =
            unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol.into()) };
        let socket = owned(fd);
        // SAFETY: zeroes are a valid address.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = u16::try_from(libc::AF_PACKET).unwrap();
        address.sll_protocol = protocol;
        address.sll_ifindex = tidegate_ebpf::index(interface).unwrap().cast_signed();
        bind(&socket, &address).unwrap();
        let time = libc::timeval { tv_sec: PATIENCE.as_secs().cast_signed(), tv_usec: 0 };
        set(&socket, libc::SOL_SOCKET, libc::SO_RCVTIMEO, &time);
        Self(File::from(socket))
    }

    pub(crate) fn send(&self, number: u32) {
        (&self.0).write_all(&frame(number)).unwrap();
    }

    /// The number of the next frame.
    pub(crate) fn receive(&self) -> u32 {
        let mut frame = [0; 128];
        let len = (&self.0).read(&mut frame).expect("a frame comes in time");
        assert!(len >= 18, "it is one of ours");
        u32::from_be_bytes(frame[14..18].try_into().unwrap())
    }
}

/// The least that is an AF_XDP socket: memory, rings, bound to a queue. Nothing
/// is read from it.
pub(crate) struct XdpSocket {
    socket: OwnedFd,
    area: *mut libc::c_void,
}

impl XdpSocket {
    const AREA: usize = 4096 * 16;

    pub(crate) fn new(interface: &str, queue: u32) -> Self {
        // SAFETY: no memory is passed.
        let fd = unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        let socket = owned(fd);
        // SAFETY: a fresh anonymous mapping touches nothing that exists.
        let area = unsafe {
            libc::mmap(
                ptr::null_mut(),
                Self::AREA,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(area, libc::MAP_FAILED);
        // SAFETY: zeroes are a valid registration.
        let mut umem: libc::xdp_umem_reg = unsafe { mem::zeroed() };
        umem.addr = area.expose_provenance() as u64;
        umem.len = Self::AREA as u64;
        umem.chunk_size = 4096;
        set(&socket, libc::SOL_XDP, libc::XDP_UMEM_REG, &umem);
        for ring in [libc::XDP_UMEM_FILL_RING, libc::XDP_UMEM_COMPLETION_RING, libc::XDP_RX_RING] {
            set(&socket, libc::SOL_XDP, ring, &16_u32);
        }
        // SAFETY: zeroes are a valid address.
        let mut address: libc::sockaddr_xdp = unsafe { mem::zeroed() };
        address.sxdp_family = u16::try_from(libc::AF_XDP).unwrap();
        address.sxdp_flags = libc::XDP_COPY;
        address.sxdp_ifindex = tidegate_ebpf::index(interface).unwrap();
        address.sxdp_queue_id = queue;
        bind(&socket, &address).unwrap();
        Self { socket, area }
    }
}

impl AsFd for XdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for XdpSocket {
    fn drop(&mut self) {
        // SAFETY: the mapping is what `new` made, and nobody reads it; the
        // kernel holds pages of its own account.
        unsafe { libc::munmap(self.area, Self::AREA) };
    }
}

fn owned(fd: libc::c_int) -> OwnedFd {
    assert!(fd >= 0, "socket: {}", io::Error::last_os_error());
    // SAFETY: a descriptor that was just made and that nobody else knows.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn bind<A>(socket: &OwnedFd, address: &A) -> io::Result<()> {
    let len = u32::try_from(size_of::<A>()).unwrap();
    // SAFETY: `address` is a whole socket address of `len` bytes.
    let result = unsafe { libc::bind(socket.as_raw_fd(), ptr::from_ref(address).cast(), len) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn set<V>(socket: &OwnedFd, level: libc::c_int, option: libc::c_int, value: &V) {
    let len = u32::try_from(size_of::<V>()).unwrap();
    let value = ptr::from_ref(value).cast();
    // SAFETY: `value` is a whole value of `len` bytes.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, value, len) };
    assert!(result >= 0, "option {option}: {}", io::Error::last_os_error());
}
