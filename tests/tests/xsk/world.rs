//! What the tests need of the machine: a network namespace that nobody else
//! sees, an XDP program that redirects everything, and packet sockets.
//!
//! The namespace belongs to the test's own thread and has no name, so it goes
//! when the thread does, however the thread ends. Everything here is written
//! against the kernel alone, so that a fault in the library cannot hide itself.

#![expect(unsafe_code, reason = "bpf(2), unshare(2) and packet sockets have no safe binding")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "numbers go to the kernel in the width that its structures have"
)]

use std::ffi::CString;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::process::Command;
use std::time::Duration;

use tidegate::xsk::{Awake, Waiter};

/// Of IEEE 802: for local experiments. Nothing else on the link speaks it.
pub(crate) const ETHERTYPE: u16 = 0x88b5;

/// Runs `test` in a fresh network namespace, or says why it cannot.
pub(crate) fn in_fresh_namespace(test: impl FnOnce() + Send) {
    let outcome = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                // SAFETY: changes the namespace of this thread alone.
                if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
                    return Err(io::Error::last_os_error());
                }
                // Neighbour discovery would mix its packets with ours.
                let _ = std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
                test();
                Ok(())
            })
            .join()
    });
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            assert!(std::env::var("CI").is_err(), "no network namespace: {error}");
            // Past the test harness, which keeps what passing tests print to itself.
            let words =
                format!("\n*** skipped: no network namespace of its own ({error}); run as root ***\n");
            io::stderr().write_all(words.as_bytes()).unwrap();
        }
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Packet number `number`, between `least` and `most` bytes long; its length
/// and each byte follow from the number.
pub(crate) fn packet(number: u64, least: usize, most: usize) -> Vec<u8> {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let len = least + (mixed >> 32) as usize % (most - least + 1);
    let mut bytes = Vec::with_capacity(len);
    bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
    bytes.extend(ETHERTYPE.to_be_bytes());
    bytes.extend(number.to_be_bytes());
    let start = (mixed >> 16) as u8;
    bytes.extend((bytes.len()..len).map(|at| start.wrapping_add(at as u8)));
    bytes
}

/// Runs `ip` with these words in the thread's namespace.
pub(crate) fn ip(words: &str) {
    let output = Command::new("ip").args(words.split_whitespace()).output().expect("iproute2 is installed");
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A pair of connected interfaces, up, with this many queues each way.
pub(crate) fn veth(one: &str, other: &str, queues: u32, mtu: u32) {
    let many = format!("mtu {mtu} numrxqueues {queues} numtxqueues {queues}");
    ip(&format!("link add {one} {many} type veth peer name {other} {many}"));
    for name in [one, other] {
        ip(&format!("link set {name} up"));
    }
}

fn owned(fd: libc::c_long, what: &str) -> OwnedFd {
    assert!(fd >= 0, "{what}: {}", io::Error::last_os_error());
    let fd = libc::c_int::try_from(fd).unwrap();
    // SAFETY: the kernel has just made this descriptor for us.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// bpf(2), with the members of `union bpf_attr` as 32-bit words.
fn bpf(command: u32, words: &mut [u32]) -> libc::c_long {
    // SAFETY: the kernel reads as many bytes as we say, and the addresses among
    // them are those of live values of the callers.
    unsafe { libc::syscall(libc::SYS_bpf, command, words.as_mut_ptr(), size_of_val(words)) }
}

fn address<T: ?Sized>(of: &T) -> [u32; 2] {
    let address = std::ptr::from_ref(of).cast::<u8>() as u64;
    [address as u32, (address >> 32) as u32]
}

/// An XDP program that hands each packet of a queue to that queue's socket; gone
/// when dropped.
pub(crate) struct Redirect {
    sockets: OwnedFd,
    _program: OwnedFd,
    _link: OwnedFd,
}

impl Redirect {
    /// Attaches it in native mode.
    pub(crate) fn attach(interface: &str) -> Self {
        const MAP_CREATE: u32 = 0;
        const PROG_LOAD: u32 = 5;
        const LINK_CREATE: u32 = 28;
        const MAP_TYPE_XSKMAP: u32 = 17;
        const PROG_TYPE_XDP: u32 = 6;
        const ATTACH_XDP: u32 = 37;
        const F_XDP_HAS_FRAGS: u32 = 1 << 5;
        const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;
        let sockets = owned(bpf(MAP_CREATE, &mut [MAP_TYPE_XSKMAP, 4, 4, 64, 0]), "XSKMAP");
        let map = sockets.as_raw_fd() as u64;
        let program: [u64; 7] = [
            0x0010_1261,        // r2 = context->rx_queue_index
            map << 32 | 0x1118, // r1 = the map
            0,                  // (its upper half)
            2 << 32 | 0x03b7,   // r3 = XDP_PASS, where there is no socket
            51 << 32 | 0x85,    // call bpf_redirect_map
            0x95,               // return what it said
            0x95,
        ];
        let licence = c"GPL";
        let mut log = vec![0u8; 1 << 16];
        let [program_low, program_high] = address(&program[..6]);
        let [licence_low, licence_high] = address(licence.to_bytes_with_nul());
        let [log_low, log_high] = address(log.as_mut_slice());
        let mut words = [
            PROG_TYPE_XDP,
            6,
            program_low,
            program_high,
            licence_low,
            licence_high,
            1,
            log.len() as u32,
            log_low,
            log_high,
            0,
            F_XDP_HAS_FRAGS,
        ];
        let loaded = bpf(PROG_LOAD, &mut words);
        assert!(loaded >= 0, "{}: {}", io::Error::last_os_error(), String::from_utf8_lossy(&log));
        let program = owned(loaded, "program");
        let index = interface_index(interface);
        let mut words = [program.as_raw_fd() as u32, index, ATTACH_XDP, XDP_FLAGS_DRV_MODE];
        let link = owned(bpf(LINK_CREATE, &mut words), "attach");
        Self { sockets, _program: program, _link: link }
    }

    /// Packets of `queue` go to this socket.
    pub(crate) fn direct(&self, queue: u32, socket: &impl AsFd) {
        const MAP_UPDATE_ELEM: u32 = 2;
        let socket = socket.as_fd().as_raw_fd();
        let [key_low, key_high] = address(&queue);
        let [value_low, value_high] = address(&socket);
        let map = self.sockets.as_raw_fd() as u32;
        let result = bpf(MAP_UPDATE_ELEM, &mut [map, 0, key_low, key_high, value_low, value_high, 0, 0]);
        assert!(result == 0, "XSKMAP[{queue}]: {}", io::Error::last_os_error());
    }
}

fn interface_index(name: &str) -> u32 {
    let name = CString::new(name).unwrap();
    // SAFETY: the kernel reads a string that ends.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    assert!(index > 0, "{name:?}: {}", io::Error::last_os_error());
    index
}

/// A packet socket: whole frames of [`ETHERTYPE`], past everything of ours.
pub(crate) struct PacketSocket(OwnedFd);

impl PacketSocket {
    /// On this interface.
    pub(crate) fn on(interface: &str) -> Self {
        let protocol = ETHERTYPE.to_be();
        // SAFETY: takes numbers only.
        let fd = unsafe {
            libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, i32::from(protocol))
        };
        let socket = owned(fd.into(), "packet socket");
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: protocol,
            sll_ifindex: interface_index(interface) as i32,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        let place = std::ptr::from_ref(&address).cast();
        // SAFETY: the kernel reads a live sockaddr_ll of the length given.
        let bound = unsafe { libc::bind(fd, place, size_of_val(&address) as libc::socklen_t) };
        assert!(bound == 0, "packet socket: {}", io::Error::last_os_error());
        let bytes: libc::c_int = 64 << 20;
        let place = std::ptr::from_ref(&bytes).cast();
        // SAFETY: the kernel reads a live int.
        let set = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, place, 4) };
        assert!(set == 0, "receive buffer: {}", io::Error::last_os_error());
        Self(socket)
    }

    /// Sends one frame.
    pub(crate) fn send(&self, frame: &[u8]) {
        // SAFETY: the kernel reads the bytes of a live slice.
        let sent = unsafe { libc::send(self.0.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        assert_eq!(sent, frame.len() as isize, "send: {}", io::Error::last_os_error());
    }

    /// The next frame that comes in.
    pub(crate) fn receive_within(&self, waiter: &mut Waiter, timeout: Duration) -> Vec<u8> {
        let mut buffer = [0; 16 << 10];
        loop {
            if let Some(bytes) = self.receive(&mut buffer) {
                return bytes.to_vec();
            }
            assert_eq!(waiter.wait(timeout).unwrap(), Awake::Ready, "no packet within {timeout:?}");
        }
    }

    /// The next frame that came in, if one has.
    fn receive<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        loop {
            // Our own frames come by too on their way out; their address says so.
            // SAFETY: zeros are an address.
            let mut from: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
            let mut from_len = size_of_val(&from) as libc::socklen_t;
            let place = std::ptr::from_mut(&mut from).cast();
            let fd = self.0.as_raw_fd();
            let bytes = buffer.as_mut_ptr().cast();
            // SAFETY: the kernel writes into a live slice and a live address.
            let received = unsafe {
                libc::recvfrom(fd, bytes, buffer.len(), libc::MSG_DONTWAIT, place, &raw mut from_len)
            };
            if received < 0 {
                let error = io::Error::last_os_error();
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "receive: {error}");
                return None;
            }
            if from.sll_pkttype != libc::PACKET_OUTGOING {
                return Some(&buffer[..received as usize]);
            }
        }
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
